"""What customers send beside their words: photos and other files up to 5 MiB, in and out, byte for byte."""

import base64
import datetime
import gzip
import json
import os
import secrets
import socket
import uuid
import zlib
from urllib.parse import urlencode

import pytest
import requests

from harness.people import Tenant
from harness.wait import eventually

SMS = "/nexus/v3/sms/message"
KIB, MIB = 1024, 1024 * 1024


def photo(size):
    """A JPEG as far as anybody can tell."""
    return (b"\xff\xd8\xff" + os.urandom(max(0, size - 3)))[:size]


def encoded(content):
    return base64.b64encode(content).decode()


def media(*contents, content_type="image/jpeg"):
    return [{"content_type": content_type, "content": encoded(content)} for content in contents]


def stored(tenant):
    """The contents of the tenant's attachments, in the order of their messages."""
    rows = tenant.stack.query(
        "select a.content, (select string_agg(p.bytes, '' order by p.number) from upload_piece p where p.tenant_id = a.tenant_id"
        " and p.upload_id = a.upload_id and p.stream = a.stream) from attachment a join tenant t on t.id = a.tenant_id"
        " where t.ccid = %s order by a.message_id, a.ordinal", tenant.ccid)
    return [bytes(whole if whole is not None else pieces) for whole, pieces in rows]


def uploads_waiting(tenant):
    return tenant.stack.query("select count(*) from upload u join tenant t on t.id = u.tenant_id"
                              " where t.ccid = %s and u.message_id is null", tenant.ccid)[0][0]


def as_json(tenant, phone=None, contents=(), **fields):
    """An MO with attachments, posted as JSON."""
    return tenant.aggregator().post(SMS, timeout=60, json={
        "message_id": secrets.token_hex(8), "phone_number": phone or tenant.phone(), "shortcode": tenant.number,
        "message": tenant.text(), "mms_attachment": media(*contents), **fields})


def as_form(tenant, phone=None, contents=()):
    fields = {}
    for place, content in enumerate(contents):
        fields |= {f"mms_attachment[{place}].content_type": "image/jpeg",
                   f"mms_attachment[{place}].content": encoded(content)}
    return tenant.aggregator().message(phone, **fields)


@pytest.mark.parametrize("size", [0, 1, 3 * KIB, 255 * KIB, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 5 * MIB])
@pytest.mark.parametrize("post", [as_json, as_form])
def test_an_attachment_arrives_as_it_was_sent(tenant, size, post):
    content = photo(size)

    answer = post(tenant, contents=[content])

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


def test_several_attachments_keep_their_order(tenant):
    contents = [photo(size) for size in (5, 70 * KIB, 5000, 1, 200 * KIB)]

    assert as_json(tenant, contents=contents).status_code == 200

    assert stored(tenant) == contents


@pytest.mark.parametrize("post", [as_json, as_form])
def test_any_number_of_attachments_together_up_to_5_mib_arrives(tenant, post):
    contents = [photo(4097 + 500 * number) for number in range(40)] + [photo(200 * KIB) for _ in range(20)]

    answer = post(tenant, contents=contents)

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == contents


def test_a_repetition_leads_to_the_same_message_and_keeps_one_copy(tenant):
    content, phone = photo(300 * KIB), tenant.phone()
    answers = [as_json(tenant, phone, [content], message_id="twice", message="look") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert stored(tenant) == [content]


def test_another_large_photo_of_the_same_size_under_an_old_message_id_is_another_message(tenant):
    contents, phone = [photo(300 * KIB), photo(300 * KIB)[:-1] + b"!"], tenant.phone()

    answers = [as_json(tenant, phone, [content], message_id="twice", message="look") for content in contents + contents]

    assert len({answer.json()["data"]["messageId"] for answer in answers}) == 2
    assert sorted(stored(tenant)) == sorted(contents)


def test_more_than_5_mib_is_refused_in_the_documented_envelope(tenant):
    answer = as_json(tenant, contents=[photo(5 * MIB + 1)])

    assert answer.status_code == 413
    assert "5242880" in answer.json()["status"]["message"]
    assert stored(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "nothing is left of it")


def test_a_body_that_is_far_too_long_is_refused_unread(tenant):
    answer = as_json(tenant, contents=[photo(9 * MIB)])

    assert answer.status_code == 413
    assert "8388608" in answer.json()["status"]["message"]
    assert uploads_waiting(tenant) == 0


def test_a_large_content_that_is_no_base64_does_not_cost_the_text(tenant):
    answer = as_json(tenant, mms_attachment=[{"content_type": "image/png", "content": "!" * 40000}])

    assert answer.status_code == 200, answer.text
    assert tenant.agent().transcript(answer.json()["data"]["conversationId"])[0]["attachments"][0]["contentType"] == "application/vnd.nexus.unreadable"


def spellings(content):
    """The ways in which senders write the same content in JSON."""
    plain = encoded(content)
    return {
        "in lines": base64.encodebytes(content).decode(),
        "in lines of CR LF": base64.encodebytes(content).decode().replace("\n", "\r\n"),
        "without padding": plain.rstrip("="),
        "url-safe": base64.urlsafe_b64encode(content).decode(),
        "as a data URL": "data:image/jpeg;base64," + plain,
    }


@pytest.mark.parametrize("spelling", spellings(b"x"))
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_base64_is_read_as_it_comes(tenant, spelling, form):
    content = photo(100 * KIB + 1)
    written = spellings(content)[spelling]

    if form:
        answer = tenant.aggregator().message(**{"mms_attachment[0].content_type": "image/jpeg",
                                                "mms_attachment[0].content": written})
    else:
        answer = as_json(tenant, mms_attachment=[{"content_type": "image/jpeg", "content": written}])

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


@pytest.mark.parametrize("escape", ["\\/", "\\u002f", "\\u002F"])
def test_escapes_within_base64_are_read(tenant, escape):
    content = photo(100 * KIB)
    text = json.dumps({"message_id": "escaped", "phone_number": tenant.phone(), "shortcode": tenant.number,
                       "mms_attachment": media(content)}).replace("image/jpeg", "image~jpeg").replace("/", escape)

    answer = tenant.aggregator().post(SMS, data=text.replace("~", "/"), headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


def test_a_raw_plus_in_a_form_is_a_plus(tenant):
    content = b"\xfb\xef\xbe" * 20000  # "++++…" and the like
    fields = {"message_id": "plus", "phone_number": tenant.phone(), "shortcode": tenant.number,
              "mms_attachment[0].content_type": "image/png"}

    answer = tenant.aggregator().post(SMS, data=urlencode(fields) + "&mms_attachment[0].content=" + encoded(content),
                                      headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [3, 6 * KIB, 300 * KIB, 5 * MIB])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip"])
def test_compressed_bodies_are_read(tenant, size, encoding):
    content = photo(size)
    body = (zlib.compress if encoding == "deflate" else gzip.compress)(mo(tenant, content), 1)

    answer = tenant.aggregator().post(SMS, data=body, timeout=60, headers={"Content-Type": "application/json",
                                                                           "Content-Encoding": encoding})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


BAD_COMPRESSION = {
    "too much": (lambda: gzip.compress(b" " * (9 * MIB)), "gzip", 413),
    "cut off": (lambda: gzip.compress(b"{}")[:-3], "gzip", 400),
    "none": (lambda: b"{}", "gzip", 400),
    "more behind it": (lambda: gzip.compress(b"{}") + b"rest", "gzip", 400),
    "another kind": (lambda: b"{}", "br", 415),
}


@pytest.mark.parametrize("case", BAD_COMPRESSION)
def test_bad_compression_is_refused(tenant, case):
    make, encoding, status = BAD_COMPRESSION[case]
    body = make()

    answer = tenant.aggregator().post(SMS, data=body, headers={"Content-Type": "application/json", "Content-Encoding": encoding})

    assert answer.status_code == status, answer.text


def head(tenant, length, *more, path=SMS):
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    lines = [f"POST {path} HTTP/1.1", "Host: nexus", f"Authorization: Basic {credentials}",
             "Content-Type: application/json", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def mo(tenant, content, message_id=None):
    return json.dumps({"message_id": message_id or secrets.token_hex(8), "phone_number": tenant.phone(),
                       "shortcode": tenant.number, "mms_attachment": media(content)}).encode()


def connect(tenant):
    port = int(tenant.stack.url().rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def answer_of(connection):
    reader = connection.makefile("rb")
    status = int(reader.readline().split()[1])
    length = 0
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, reader.read(length)


def test_a_body_that_ends_early_is_400_and_leaves_nothing(tenant):
    body = mo(tenant, photo(300 * KIB))
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:-10])
        connection.shutdown(socket.SHUT_WR)

        assert answer_of(connection)[0] == 400

    assert stored(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "nothing is left of it")


def test_who_waits_for_leave_to_send_gets_it(tenant):
    content = photo(300 * KIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body), "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)

        assert answer_of(connection)[0] == 200

    assert stored(tenant) == [content]


def test_who_waits_for_leave_and_may_not_hears_so_at_once(tenant):
    with connect(tenant) as connection:
        connection.sendall(head(tenant, 6 * MIB, "Expect: 100-continue").replace(b"Basic ", b"Basic x"))

        assert answer_of(connection)[0] == 401


def test_a_kept_connection_goes_on_after_a_large_body(tenant):
    content = photo(100 * KIB)
    with connect(tenant) as connection:
        for _ in range(3):
            body = mo(tenant, content)
            connection.sendall(head(tenant, len(body)) + body)
            assert answer_of(connection)[0] == 200
        body = mo(tenant, b"small")
        connection.sendall(head(tenant, len(body)) + body)
        assert answer_of(connection)[0] == 200

    assert sorted(map(len, stored(tenant))) == [5, *3 * [100 * KIB]]


def test_an_idempotency_key_tells_one_large_body_from_another(tenant):
    phone = tenant.phone()
    body = {"message_id": "keyed", "phone_number": phone, "shortcode": tenant.number, "mms_attachment": media(photo(64 * KIB))}
    other = {**body, "mms_attachment": media(photo(64 * KIB))}

    answers = [tenant.aggregator().post(SMS, json=fields, headers={"Idempotency-Key": "one"})
               for fields in (body, body, other)]

    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_nobody_takes_an_upload_that_is_not_his(tenant):
    made_up = [{"content_type": "image/png", "content": {"upload": str(uuid.uuid4()), "stream": 1, "bytes": 5}}]

    assert as_json(tenant, mms_attachment=made_up).status_code == 409
    assert stored(tenant) == []


# --- what agents get of it ---

def received(tenant, *contents, content_type="image/jpeg", **fields):
    """A message with these attachments has come: (its path, the agent, its attachments as listed)."""
    phone, agent = tenant.phone(), tenant.agent()
    answer = as_json(tenant, phone, mms_attachment=[{**one, **fields} for one in media(*contents, content_type=content_type)])
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    listed = agent.transcript(data["conversationId"])[-1]["attachments"]
    return f"/chat/v3/conversations/{data['conversationId']}/messages/{data['messageId']}/attachments", agent, listed


@pytest.mark.parametrize("size", [0, 1, 255 * KIB, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 5 * MIB])
def test_an_agent_gets_an_attachment_byte_for_byte(tenant, size):
    content = photo(size)
    path, agent, listed = received(tenant, content)

    answer = agent.get(f"{path}/1")

    assert answer.status_code == 200
    assert answer.content == content
    assert int(answer.headers["Content-Length"]) == size
    assert listed == [{"ordinal": 1, "contentType": "image/jpeg", "knownType": "image/jpeg" if size > 2 else None,
                       "fileName": None, "bytes": size}]


def test_each_attachment_has_its_own_path(tenant):
    contents = [photo(10), photo(90 * KIB), photo(20)]
    path, agent, _ = received(tenant, *contents)

    assert [agent.get(f"{path}/{ordinal}").content for ordinal in (1, 2, 3)] == contents
    assert [agent.get(f"{path}/{ordinal}").status_code for ordinal in (0, 4, "x")] == [404, 404, 404]


def test_head_says_what_get_would_bring(tenant):
    path, agent, _ = received(tenant, photo(70 * KIB))

    answer = agent.request("HEAD", f"{path}/1")

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(70 * KIB)
    assert answer.headers["Accept-Ranges"] == "none"


@pytest.mark.parametrize("declared, content", [
    ("text/html", b"<html><script>alert(1)</script>"), ("image/png", b"<svg onload=alert(1)>"), ("image/svg+xml", b"<svg/>"),
    ("image/jpeg", b"MZ program"), ("application/javascript", b"alert(1)"), ("text/html; charset=x", b"?"), ("IMAGE/PNG", b"?")])
def test_nothing_that_comes_runs_in_the_agents_page(tenant, declared, content):
    path, agent, _ = received(tenant, content, content_type=declared)

    answer = agent.get(f"{path}/1")

    assert answer.content == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_file_keeps_its_name_as_far_as_that_is_safe(tenant):
    path, agent, listed = received(tenant, photo(10), name='../my "photo".jpg')

    assert listed[0]["fileName"] == '../my "photo".jpg'
    assert agent.get(f"{path}/1").headers["Content-Disposition"] == 'attachment; filename="_._my__photo_.jpg"'


def test_anothers_attachment_is_not_there(tenant):
    path, _, _ = received(tenant, photo(10))
    stranger = Tenant(tenant.stack)

    assert stranger.agent().get(f"{path}/1").status_code == 404
    assert stranger.agent().get(f"{path}/1/link").status_code == 404


def test_a_link_brings_the_attachment_without_log_in(tenant):
    content = photo(300 * KIB)
    path, agent, _ = received(tenant, content)

    link = agent.get(f"{path}/1/link").json()["data"]
    answer = requests.get(tenant.stack.url() + link["link"], timeout=10)

    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["Content-Disposition"].startswith("attachment")
    left = datetime.datetime.fromisoformat(link["expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=14) < left < datetime.timedelta(minutes=16)


def test_a_link_that_was_changed_or_has_expired_is_404(tenant):
    path, agent, _ = received(tenant, photo(10))
    link = agent.get(f"{path}/1/link", params={"seconds": 1}).json()["data"]["link"]
    begin = len("/chat/v3/attachments/")

    for place in range(begin, len(link), 7):
        changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1:]
        assert requests.get(tenant.stack.url() + changed, timeout=10).status_code == 404
    eventually(lambda: requests.get(tenant.stack.url() + link, timeout=10).status_code == 404, "the link has expired")


def test_a_link_lives_a_day_at_most(tenant):
    path, agent, _ = received(tenant, photo(10))

    assert agent.get(f"{path}/1/link", params={"seconds": 86401}).status_code == 400
