"""Bodies whose length nobody has said: a chunked one is taken up to the size that one with a Content-Length may have."""

import gzip
import hashlib
import hmac
import json
import secrets

import pytest

from harness.people import Tenant
from harness.wait import eventually
from test_media import KIB, MIB, answer_of, as_json, connect, head, mo, photo, stored, uploads_waiting

SIZES = [300, 3 * KIB, 32 * KIB - 1, 32 * KIB, 32 * KIB + 1, 64 * KIB, 250 * KIB]    # around what needs no place


def chunked_head(tenant, *more):
    return head(tenant, 0, "Transfer-Encoding: chunked", *more).replace(b"Content-Length: 0\r\n", b"")


def in_chunks(body, size=7000):
    chunks = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0;note=1\r\nTrailer: x\r\n\r\n"


def text_of(tenant, message, size=0):
    """Of so many bytes, by a field that nobody reads."""
    fields = {"message_id": secrets.token_hex(8), "phone_number": tenant.phone(), "shortcode": tenant.number, "message": message, "pad": ""}
    return json.dumps(fields | {"pad": "x" * (size - len(json.dumps(fields)))}).encode()


def texts(tenant):
    return [row[0] for row in tenant.stack.query(
        "select m.body from message m join tenant t on t.id = m.tenant_id where t.ccid = %s order by m.created, m.sequence", tenant.ccid)]


def sent(tenant, *parts):
    with connect(tenant) as connection:
        for part in parts:
            connection.sendall(part)
        return answer_of(connection)


@pytest.mark.parametrize("size", [0, 1, 23 * KIB, 24 * KIB, 300 * KIB, 5 * MIB])
def test_an_attachment_in_chunks_arrives_as_it_was_sent(tenant, size):
    content = photo(size)

    assert sent(tenant, chunked_head(tenant) + in_chunks(mo(tenant, content)))[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunk", [1000, 100_000])
def test_a_text_in_chunks_arrives_as_it_was_written(tenant, size, chunk):
    body = text_of(tenant, "Grüße", size)

    assert len(body) == size and sent(tenant, chunked_head(tenant) + in_chunks(body, chunk))[0] == 200

    assert texts(tenant) == ["Grüße"]


def test_a_text_that_comes_byte_by_byte_arrives(tenant):
    raw = chunked_head(tenant) + in_chunks(text_of(tenant, "slowly"), 5)

    assert sent(tenant, *[raw[at:at + 1] for at in range(len(raw))])[0] == 200

    assert texts(tenant) == ["slowly"]


def test_what_follows_a_chunked_body_is_the_next_request(tenant):
    content = photo(300 * KIB)
    requests = [chunked_head(tenant) + in_chunks(text_of(tenant, "first")), chunked_head(tenant) + in_chunks(mo(tenant, content)),
                chunked_head(tenant) + in_chunks(text_of(tenant, "third"), 3), b""]
    body = text_of(tenant, "last")
    requests[3] = head(tenant, len(body)) + body
    with connect(tenant) as connection:
        connection.sendall(b"".join(requests))

        assert [answer_of_one(connection) for _ in requests] == [200] * 4

    assert sorted(texts(tenant)) == ["", "first", "last", "third"]
    assert stored(tenant) == [content]


def answer_of_one(connection):
    """Reads no further than its end: the next answer stands behind it."""
    head_bytes = b""
    while not head_bytes.endswith(b"\r\n\r\n"):
        head_bytes += connection.recv(1)
    length = next(int(line.split(b":")[1]) for line in head_bytes.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while length > 0:
        length -= len(connection.recv(length))
    return int(head_bytes.split()[1])


@pytest.mark.parametrize("fault", [b"zz\r\nhello", b"5\r\nhelloX", b"-1\r\n", b"5 \r\nhello", b"\n"])
@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_fault_between_chunks_is_400_and_leaves_nothing(tenant, fault, size):
    whole = in_chunks(mo(tenant, photo(size)))

    assert sent(tenant, chunked_head(tenant), whole[:whole.rindex(b"0;note")] + fault + b"\r\n0\r\n\r\n")[0] == 400

    assert stored(tenant) == [] and texts(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "nothing is left of it")


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_chunked_body_that_ends_early_is_400_and_leaves_nothing(tenant, size):
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant) + in_chunks(mo(tenant, photo(size)))[:-20])
        connection.shutdown(1)

        assert answer_of(connection)[0] == 400

    assert stored(tenant) == [] and texts(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "nothing is left of it")


def test_who_waits_for_leave_to_send_chunks_gets_it(tenant):
    content = photo(300 * KIB)
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant, "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(in_chunks(mo(tenant, content)))

        assert answer_of(connection)[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_compressed_chunks_are_read(tenant, size):
    content = photo(size)

    assert sent(tenant, chunked_head(tenant, "Content-Encoding: gzip") + in_chunks(gzip.compress(mo(tenant, content))))[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_signature_over_chunks_is_of_what_they_hold(nexus, size):
    tenant, content = Tenant(nexus, api_secret=secrets.token_hex(24)), photo(size)
    body = mo(tenant, content)
    for secret, status in (("wrong", 401), (tenant.api_secret, 200)):
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

        assert sent(tenant, chunked_head(tenant, f"X-Hub-Signature-256: sha256={signature}") + in_chunks(body))[0] == status

    assert stored(tenant) == [content]


def test_chunks_without_end_are_413(tenant):
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant))
        try:
            for _ in range(20 * MIB // 65536):
                connection.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
        except OSError:
            pass  # it was told, and the connection closed

        assert answer_of(connection)[0] == 413

    eventually(lambda: uploads_waiting(tenant) == 0, "nothing is left of it")
    assert as_json(tenant).status_code == 200


def test_a_chunked_body_is_an_administrators_too(tenant):
    path = f"/nexus/v3/provisioning/transactions/{tenant.ccid}/NexusServices/Keywords"
    body = json.dumps({"stop": "slut"}).encode()

    answer = tenant.administrator().put(path, data=iter([body[:5], body[5:]]), headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text


def test_an_empty_chunked_body_is_no_body(tenant):
    assert sent(tenant, chunked_head(tenant) + b"0\r\n\r\n")[0] == 400
