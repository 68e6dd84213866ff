"""Attachments: photos and other files up to 5 MiB are stored and downloaded byte for byte."""

import base64
import datetime
import gzip
import json
import socket
import uuid
import zlib
from urllib.parse import urlencode

import pytest
import requests

from harness.answers import data_of
from harness.large_bodies import (KIB, MIB, SMS, answer_of, as_form, as_json, connect, encoded, head, media, mo, photo, received, stored,
                                  uploads_waiting)
from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually


@pytest.mark.parametrize("size", [0, 1, 3 * KIB, 255 * KIB, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 5 * MIB])
@pytest.mark.parametrize("post", [as_json, as_form])
def test_an_attachment_is_stored_unchanged(tenant, size, post):
    content = photo(size)

    answer = post(tenant, contents=[content])

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


def test_several_attachments_keep_their_order(tenant):
    contents = [photo(size) for size in (5, 70 * KIB, 5000, 1, 200 * KIB)]

    assert as_json(tenant, contents=contents).status_code == 200

    assert stored(tenant) == contents


@pytest.mark.parametrize("post", [as_json, as_form])
def test_many_attachments_of_together_up_to_5_mib_are_stored(tenant, post):
    contents = [photo(4097 + 500 * number) for number in range(40)] + [photo(200 * KIB) for _ in range(20)]

    answer = post(tenant, contents=contents)

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == contents


def test_a_repetition_gets_the_same_message_and_stores_one_copy(tenant):
    content, phone = photo(300 * KIB), tenant.phone()
    answers = [as_json(tenant, phone, [content], message_id="twice", message="look") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert data_of(answers[0]) == data_of(answers[1])
    assert stored(tenant) == [content]


def test_another_large_photo_of_the_same_size_under_a_used_message_id_is_another_message(tenant):
    contents, phone = [photo(300 * KIB), photo(300 * KIB)[:-1] + b"!"], tenant.phone()

    answers = [as_json(tenant, phone, [content], message_id="twice", message="look") for content in contents + contents]

    assert len({data_of(answer)["messageId"] for answer in answers}) == 2
    assert sorted(stored(tenant)) == sorted(contents)


def test_more_than_5_mib_is_refused_in_the_documented_envelope(tenant):
    answer = as_json(tenant, contents=[photo(5 * MIB + 1)])

    assert answer.status_code == 413
    assert "5242880" in answer.json()["status"]["message"]
    assert stored(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")


def test_a_body_that_is_far_too_long_is_refused_without_reading_it(tenant):
    content = photo(9 * MIB)

    def refused():
        """In a list, because an answer with an error status is false. The gateway waits two seconds for the rest of a refused body;
        a client that a busy machine makes slower loses the answer."""
        try:
            return [as_json(tenant, contents=[content])]
        except requests.ConnectionError:
            return None

    [answer] = eventually(refused, "the client reads that its body is refused")
    assert answer.status_code == 413
    assert "8388608" in answer.json()["status"]["message"]
    assert uploads_waiting(tenant) == 0


def test_a_text_is_stored_although_its_large_attachment_is_not_base64(tenant):
    answer = as_json(tenant, mms_attachment=[{"content_type": "image/png", "content": "!" * 40000}])

    assert answer.status_code == 200, answer.text
    assert tenant.agent().transcript(data_of(answer)["conversationId"])[0]["attachments"][0]["contentType"] == "application/vnd.nexus.unreadable"


def spellings(content):
    """The forms in which senders write base64."""
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
def test_base64_is_accepted_in_all_its_forms(tenant, spelling, form):
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
def test_escapes_within_base64_are_accepted(tenant, escape):
    content = photo(100 * KIB)
    text = json.dumps({"message_id": "escaped", "phone_number": tenant.phone(), "shortcode": tenant.number,
                       "mms_attachment": media(content)}).replace("image/jpeg", "image~jpeg").replace("/", escape)

    answer = tenant.aggregator().post(SMS, data=text.replace("~", "/"), headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


def test_a_raw_plus_in_a_form_is_a_plus(tenant):
    content = b"\xfb\xef\xbe" * 20000  # its base64 has many plus signs
    fields = {"message_id": "plus", "phone_number": tenant.phone(), "shortcode": tenant.number,
              "mms_attachment[0].content_type": "image/png"}

    answer = tenant.aggregator().post(SMS, data=urlencode(fields) + "&mms_attachment[0].content=" + encoded(content),
                                      headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


@pytest.mark.parametrize("size", [3, 6 * KIB, 300 * KIB, 5 * MIB])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip"])
def test_compressed_bodies_are_accepted(tenant, size, encoding):
    content = photo(size)
    body = (zlib.compress if encoding == "deflate" else gzip.compress)(mo(tenant, content), 1)

    answer = tenant.aggregator().post(SMS, data=body, timeout=60, headers={"Content-Type": "application/json",
                                                                           "Content-Encoding": encoding})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]


BAD_COMPRESSION = {
    "too much": (lambda: gzip.compress(b" " * (9 * MIB)), "gzip", 413),
    "truncated": (lambda: gzip.compress(b"{}")[:-3], "gzip", 400),
    "not compressed": (lambda: b"{}", "gzip", 400),
    "more bytes after the end": (lambda: gzip.compress(b"{}") + b"rest", "gzip", 400),
    "another kind": (lambda: b"{}", "br", 415),
}


@pytest.mark.parametrize("case", BAD_COMPRESSION)
def test_bad_compression_is_refused(tenant, case):
    make, encoding, status = BAD_COMPRESSION[case]
    body = make()

    answer = tenant.aggregator().post(SMS, data=body, headers={"Content-Type": "application/json", "Content-Encoding": encoding})

    assert answer.status_code == status, answer.text


def test_a_body_that_ends_early_gets_400_and_stores_nothing(tenant):
    body = mo(tenant, photo(300 * KIB))
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:-10])
        connection.shutdown(socket.SHUT_WR)

        assert answer_of(connection)[0] == 400

    assert stored(tenant) == []
    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")


def test_a_client_that_expects_100_continue_gets_it(tenant):
    content = photo(300 * KIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body), "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)

        assert answer_of(connection)[0] == 200

    assert stored(tenant) == [content]


def test_a_refused_client_that_expects_100_continue_is_answered_at_once(tenant):
    with connect(tenant) as connection:
        connection.sendall(head(tenant, 6 * MIB, "Expect: 100-continue").replace(b"Basic ", b"Basic x"))

        assert answer_of(connection)[0] == 401


def test_a_persistent_connection_is_usable_after_a_large_body(tenant):
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


def test_an_idempotency_key_is_refused_with_another_large_body(tenant):
    phone = tenant.phone()
    body = {"message_id": "keyed", "phone_number": phone, "shortcode": tenant.number, "mms_attachment": media(photo(64 * KIB))}
    other = {**body, "mms_attachment": media(photo(64 * KIB))}

    answers = [tenant.aggregator().post(SMS, json=fields, headers={"Idempotency-Key": "one"})
               for fields in (body, body, other)]

    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_an_upload_cannot_be_named_in_a_request(tenant):
    invented = [{"content_type": "image/png", "content": {"upload": str(uuid.uuid4()), "stream": 1, "bytes": 5}}]

    assert as_json(tenant, mms_attachment=invented).status_code == 409
    assert stored(tenant) == []


# --- downloads of agents ---


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


def test_head_answers_like_get_without_the_body(tenant):
    path, agent, _ = received(tenant, photo(70 * KIB))

    answer = agent.request("HEAD", f"{path}/1")

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(70 * KIB)
    assert answer.headers["Accept-Ranges"] == "none"


@pytest.mark.parametrize("declared, content", [
    ("text/html", b"<html><script>alert(1)</script>"), ("image/png", b"<svg onload=alert(1)>"), ("image/svg+xml", b"<svg/>"),
    ("image/jpeg", b"MZ program"), ("application/javascript", b"alert(1)"), ("text/html; charset=x", b"?"), ("IMAGE/PNG", b"?")])
def test_no_attachment_can_run_in_the_agents_page(tenant, declared, content):
    path, agent, _ = received(tenant, content, content_type=declared)

    answer = agent.get(f"{path}/1")

    assert answer.content == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_file_keeps_the_safe_characters_of_its_name(tenant):
    path, agent, listed = received(tenant, photo(10), name='../my "photo".jpg')

    assert listed[0]["fileName"] == '../my "photo".jpg'
    assert agent.get(f"{path}/1").headers["Content-Disposition"] == 'attachment; filename="_._my__photo_.jpg"'


def test_an_attachment_of_another_contact_center_is_not_found(tenant):
    path, _, _ = received(tenant, photo(10))
    other = Tenant(tenant.stack)

    assert other.agent().get(f"{path}/1").status_code == 404
    assert other.agent().get(f"{path}/1/link").status_code == 404


def test_a_link_downloads_the_attachment_without_log_in(tenant):
    content = photo(300 * KIB)
    path, agent, _ = received(tenant, content)

    link = data_of(agent.get(f"{path}/1/link"))
    answer = requests.get(tenant.stack.url() + link["link"], timeout=LONGEST_ANSWER)

    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["Content-Disposition"].startswith("attachment")
    left = datetime.datetime.fromisoformat(link["expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=14) < left < datetime.timedelta(minutes=16)


def test_a_link_that_was_changed_or_has_expired_gets_404(tenant):
    path, agent, _ = received(tenant, photo(10))
    link = data_of(agent.get(f"{path}/1/link", params={"seconds": 1}))["link"]
    begin = len("/chat/v3/attachments/")

    for place in range(begin, len(link), 7):
        changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1:]
        assert requests.get(tenant.stack.url() + changed, timeout=LONGEST_ANSWER).status_code == 404
    eventually(lambda: requests.get(tenant.stack.url() + link, timeout=LONGEST_ANSWER).status_code == 404, "the link has expired")


def test_a_link_is_valid_for_a_day_at_most(tenant):
    path, agent, _ = received(tenant, photo(10))

    assert agent.get(f"{path}/1/link", params={"seconds": 86401}).status_code == 400
