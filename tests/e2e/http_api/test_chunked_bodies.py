"""Chunked bodies: they are accepted up to the size that a body with a Content-Length may have."""

import gzip
import hashlib
import hmac
import json
import secrets

import pytest

from harness.large_bodies import KIB, MIB, answer_of, as_json, connect, head, mo, photo, stored, uploads_waiting
from harness.people import Tenant, until_accepted
from harness.reading import messages
from harness.wait import eventually

SIZES = [300, 3 * KIB, 32 * KIB - 1, 32 * KIB, 32 * KIB + 1, 64 * KIB, 250 * KIB]    # around the limit of small bodies


def chunked_head(tenant, *more):
    return head(tenant, 0, "Transfer-Encoding: chunked", *more).replace(b"Content-Length: 0\r\n", b"")


def in_chunks(body, size=7000):
    chunks = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0;note=1\r\nTrailer: x\r\n\r\n"


def text_of(tenant, message, size=0):
    """A text as JSON of this size, padded by an unknown field."""
    fields = {"message_id": secrets.token_hex(8), "phone_number": tenant.phone(), "shortcode": tenant.number, "message": message, "pad": ""}
    return json.dumps(fields | {"pad": "x" * (size - len(json.dumps(fields)))}).encode()


def texts(tenant):
    agent, stored_messages = tenant.agent(), messages.all_messages(tenant)
    texts_by_id = {m["id"]: m["text"] for conversation in agent.conversations() for m in agent.transcript(conversation["id"])}
    return [texts_by_id[m["id"]] for m in reversed(stored_messages)]


def sent(tenant, *parts):
    with connect(tenant) as connection:
        for part in parts:
            connection.sendall(part)
        return answer_of(connection)


@pytest.mark.parametrize("size", [0, 1, 23 * KIB, 24 * KIB, 300 * KIB, 5 * MIB])
def test_an_attachment_in_chunks_is_stored_unchanged(tenant, size):
    content = photo(size)

    assert sent(tenant, chunked_head(tenant) + in_chunks(mo(tenant, content)))[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunk", [1000, 100_000])
def test_a_text_in_chunks_is_stored_unchanged(tenant, size, chunk):
    body = text_of(tenant, "Grüße", size)

    assert len(body) == size and sent(tenant, chunked_head(tenant) + in_chunks(body, chunk))[0] == 200

    assert texts(tenant) == ["Grüße"]


def test_a_text_that_is_sent_byte_by_byte_is_stored(tenant):
    raw = chunked_head(tenant) + in_chunks(text_of(tenant, "slowly"), 5)

    assert sent(tenant, *[raw[at:at + 1] for at in range(len(raw))])[0] == 200

    assert texts(tenant) == ["slowly"]


def test_the_next_request_follows_directly_after_a_chunked_body(tenant):
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
    """Reads one answer and not the bytes of the next one."""
    head_bytes = b""
    while not head_bytes.endswith(b"\r\n\r\n"):
        head_bytes += received_of(connection, 1)
    length = next(int(line.split(b":")[1]) for line in head_bytes.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while length > 0:
        length -= len(received_of(connection, length))
    return int(head_bytes.split()[1])


def received_of(connection, most):
    piece = connection.recv(most)
    assert piece, "the gateway has closed the connection"
    return piece


@pytest.mark.parametrize("fault", [b"zz\r\nhello", b"5\r\nhelloX", b"-1\r\n", b"5 \r\nhello", b"\n"])
@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_fault_between_chunks_gets_400_and_stores_nothing(tenant, fault, size):
    whole = in_chunks(mo(tenant, photo(size)))

    assert sent(tenant, chunked_head(tenant), whole[:whole.rindex(b"0;note")] + fault + b"\r\n0\r\n\r\n")[0] == 400

    assert stored(tenant) == [] and texts(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_chunked_body_that_ends_early_gets_400_and_stores_nothing(tenant, size):
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant) + in_chunks(mo(tenant, photo(size)))[:-20])
        connection.shutdown(1)

        assert answer_of(connection)[0] == 400

    assert stored(tenant) == [] and texts(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")


def test_a_client_that_expects_100_continue_for_chunks_gets_it(tenant):
    content = photo(300 * KIB)
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant, "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(in_chunks(mo(tenant, content)))

        assert answer_of(connection)[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_compressed_chunks_are_accepted(tenant, size):
    content = photo(size)

    assert sent(tenant, chunked_head(tenant, "Content-Encoding: gzip") + in_chunks(gzip.compress(mo(tenant, content))))[0] == 200

    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [100, 300 * KIB])
def test_a_signature_covers_the_content_of_the_chunks(nexus, size):
    tenant, content = Tenant(nexus, api_secret=secrets.token_hex(24)), photo(size)
    body = mo(tenant, content)
    for secret, status in (("wrong", 401), (tenant.api_secret, 200)):
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

        assert sent(tenant, chunked_head(tenant, f"X-Hub-Signature-256: sha256={signature}") + in_chunks(body))[0] == status

    assert stored(tenant) == [content]


def test_endless_chunks_get_413(tenant):
    with connect(tenant) as connection:
        connection.sendall(chunked_head(tenant))
        try:
            for _ in range(20 * MIB // 65536):
                connection.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
        except OSError:
            pass  # the gateway has answered and closed the connection

        assert answer_of(connection)[0] == 413

    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")
    assert as_json(tenant).status_code == 200


def test_an_administrators_chunked_body_is_accepted(tenant):
    path = f"/nexus/v3/provisioning/transactions/{tenant.ccid}/NexusServices/Keywords"
    body = json.dumps({"stop": "slut"}).encode()

    administrator = tenant.administrator()

    # Repeated if GWS does not say in time who this is: Nexus waits for it for half of the deadline.
    answer = until_accepted(lambda: administrator.put(path, data=iter([body[:5], body[5:]]), headers={"Content-Type": "application/json"}))

    assert answer.status_code == 200, answer.text


def test_an_empty_chunked_body_counts_as_no_body(tenant):
    assert sent(tenant, chunked_head(tenant) + b"0\r\n\r\n")[0] == 400
