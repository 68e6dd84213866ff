"""Texts of consumers are stored as they were written, in whatever form aggregators post them. An aggregator repeats a refused
text for ever; so every text that can be stored is stored, and others are refused permanently, with the reason."""

import base64
import gzip
import json
import os
import urllib.parse
import uuid
import zlib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.answers import data_of
from harness.api.raw import exchange
from harness.people import Tenant
from harness.reading import tables

SMS = "/nexus/v3/sms/message"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
EXAMPLES = int(os.environ.get("NEXUS_TEST_EXAMPLES", "60"))


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


def post(tenant, body, content_type=JSON, query="", **headers):
    body = body.encode() if isinstance(body, str) else body
    return tenant.aggregator().post(SMS + query, data=body, headers={"Content-Type": content_type, **headers})


def fields(tenant, **more):
    return {"message_id": uuid.uuid4().hex, "phone_number": tenant.phone(), "shortcode": tenant.number, "message": "hi", **more}


def assert_stored(tenant, answer, text):
    """Asserts that the text was accepted and that an agent reads it so."""
    assert answer.status_code == 200, answer.text
    found = tenant.agent().transcript(data_of(answer)["conversationId"])
    assert [message["text"] for message in found] == [text]


def test_an_unescaped_plus_is_a_plus_in_a_form_and_in_a_query(tenant):
    for send in (lambda text: post(tenant, text, FORM), lambda text: post(tenant, b"", FORM, query="?" + text)):
        phone = tenant.phone()
        answer = send(f"message_id={uuid.uuid4().hex}&phone_number={phone}&shortcode={tenant.number}&message=hi")

        assert_stored(tenant, answer, "hi")


ODD = ["&tag=a&tag=b", "&FromCity=M%FCnchen", "&promo=50%", "&x.y=1&x=2", "&a.=1", "&[=1", "&=v", "&a[b=1", "&%=%", "&carrier=" + "c" * 100,
       "&carrier[name]=x", "&concat_total=", "&x" + "[a]" * 100 + "=1", "&a=1" * 2000]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:12])
def test_a_form_is_accepted_whatever_its_unknown_fields_contain(tenant, odd):
    text = fields(tenant)

    assert_stored(tenant, post(tenant, urllib.parse.urlencode(text) + odd, FORM), "hi")
    # Without "+", because the client would escape it twice if the query has an invalid "%".
    digits = {name: value.lstrip("+") for name, value in fields(tenant).items()}
    assert post(tenant, b"", FORM, query="?" + urllib.parse.urlencode(digits) + odd[:2000]).status_code == 200


@pytest.mark.parametrize("odd", ['"ref":123456789012345678901234567890', '"price":1e400', '"raw":"a\\u0000"', '"half":"\\ud83d"', '"a":1,"a":2',
                                 '"n":NaN', '"carrier":{"name":"x"}', '"carrier":[]', '"carrier":"' + "c" * 200 + '"', '"carrier":7',
                                 '"deep":' + "[" * 9000 + "]" * 9000, '"many":[' + "1," * 12000 + '1]', '"operationId":7', '"concat_total":"many"'])
def test_json_is_accepted_whatever_its_unknown_fields_contain(tenant, odd):
    text = fields(tenant)

    assert_stored(tenant, post(tenant, json.dumps(text)[:-1] + "," + odd + "}"), "hi")


@pytest.mark.parametrize("value, text", [(True, "true"), ({"body": "hi"}, '{"body":"hi"}'), (["a", "b"], '["a","b"]'), (7, "7")])
def test_a_message_that_is_not_a_json_string_is_stored_as_text(tenant, value, text):
    assert_stored(tenant, post(tenant, json.dumps(fields(tenant, message=value))), text)


@pytest.mark.parametrize("empty", [{"message": ""}, {"message": None}, {"message": None, "attachments": []}, {"message": []},
                                   {"message": {}}])
def test_an_empty_text_is_stored(tenant, empty):
    text = fields(tenant, **empty)

    assert_stored(tenant, post(tenant, json.dumps(text)), "")


def test_an_empty_text_in_a_form_is_stored(tenant):
    text = fields(tenant, message="")

    assert_stored(tenant, post(tenant, urllib.parse.urlencode(text), FORM), "")


@pytest.mark.parametrize("hidden", [{"phone_number": ""}, {"phone_number": None}, {"phoneNumber": []}])
def test_a_field_without_a_value_does_not_hide_its_alternative_name(tenant, hidden):
    text = fields(tenant)
    phone = text.pop("phone_number")

    assert_stored(tenant, post(tenant, json.dumps({**hidden, **text, "from": phone})), "hi")


def test_a_field_given_twice_is_refused_only_if_its_values_differ(tenant):
    form = urllib.parse.urlencode(fields(tenant))

    assert post(tenant, form + "&message=hi", FORM).status_code == 200
    refused = post(tenant, form + "&message=ho", FORM)
    assert (refused.status_code, refused.json()["status"]["message"]) == (400, "message: given twice with different values")


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_different_values_in_query_and_body_are_refused(tenant, form):
    text = fields(tenant)
    body = (urllib.parse.urlencode(text), FORM) if form else (json.dumps(text), JSON)

    for query in ("?message=ho", "?message=hi&message=ho", "?message_id=another"):
        refused = post(tenant, *body, query=query)
        name = query[1:].partition("=")[0]
        assert (refused.status_code, refused.json()["status"]["message"]) == (400, f"{name}: given twice with different values")
    assert_stored(tenant, post(tenant, *body, query="?message=hi"), "hi")


def test_equal_values_in_query_and_body_may_be_written_differently(tenant):
    text = fields(tenant, message_id=7)

    assert_stored(tenant, post(tenant, json.dumps(text), query=f"?message_id=7&phone_number={text['phone_number'][1:]}"), "hi")


# --- encodings ---

@pytest.mark.parametrize("charset", ["iso-8859-1", "ISO-8859-15", "windows-1252", "windows-1251", "koi8-r", "utf-8", "utf-16", "utf-16le",
                                     "utf-16be", "utf-32", "utf-32le", "utf-32be", "shift_jis", "gbk", "big5", "euc-kr", "iso-8859-2"])
@pytest.mark.parametrize("packed", ["form", "json", "raw form"])
def test_a_body_is_decoded_with_its_declared_charset(tenant, charset, packed):
    words = {"windows-1251": "Привет", "koi8-r": "Привет", "shift_jis": "こんにちは", "gbk": "你好", "big5": "你好", "euc-kr": "안녕",
             "iso-8859-2": "Žlutý"}.get(charset, "Grüße")
    text = fields(tenant, message=words)
    body, kind = {"form": (urllib.parse.urlencode(text, encoding=charset), FORM),
                  "raw form": ("&".join(f"{k}={v.replace('+', '%2B')}" for k, v in text.items()).encode(charset), FORM),
                  "json": (json.dumps(text, ensure_ascii=False).encode(charset), JSON)}[packed]

    assert_stored(tenant, post(tenant, body, f"{kind}; charset={charset}"), words)


def test_json_in_utf_8_is_accepted_although_it_declares_the_encoding_of_the_sms(tenant):
    for charset in ("ucs-2", "UTF-16", "iso-10646-ucs-2"):
        assert_stored(tenant, post(tenant, json.dumps(fields(tenant, message="Grüße"), ensure_ascii=False), f"{JSON}; charset={charset}"), "Grüße")


def test_a_form_is_decoded_with_its_field_charset(tenant):
    text = fields(tenant, message="Žlutý", _charset_="iso-8859-2")

    assert_stored(tenant, post(tenant, urllib.parse.urlencode(text, encoding="iso-8859-2"), FORM), "Žlutý")


@pytest.mark.parametrize("charset", ["", "; charset=us-ascii", "; charset=nonsense"])
def test_bytes_that_are_not_utf_8_are_windows_1252_if_no_encoding_is_declared(tenant, charset):
    one, other = fields(tenant, message="M\u00fcnchen\u20ac"), fields(tenant, message="M\u00fcnchen\u20ac")

    assert_stored(tenant, post(tenant, urllib.parse.urlencode(one, encoding="cp1252"), FORM + charset), one["message"])
    assert_stored(tenant, post(tenant, json.dumps(other, ensure_ascii=False).encode("cp1252"), JSON + charset), other["message"])


def test_characters_that_cannot_be_stored_become_replacement_characters(tenant):
    one, other = fields(tenant), fields(tenant)
    body = json.dumps({**one, "message": "?"}).replace('"?"', '"a\\u0000b\\ud83dc"')
    form = urllib.parse.urlencode(other).replace("=hi", "=a%00b%FF")

    assert_stored(tenant, post(tenant, body), "a\ufffdb\ufffdc")
    assert_stored(tenant, post(tenant, form, FORM + "; charset=utf-8"), "a\ufffdb\ufffd")


@pytest.mark.parametrize("mark, encoding", [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")])
def test_a_byte_order_mark_is_not_part_of_the_text(tenant, mark, encoding):
    one, other = fields(tenant), fields(tenant)

    assert_stored(tenant, post(tenant, mark + json.dumps(one).encode(encoding)), "hi")
    assert_stored(tenant, post(tenant, mark + urllib.parse.urlencode(other).encode(encoding), FORM), "hi")


def test_integrators_documents_may_have_a_byte_order_mark(tenant):
    answer = tenant.agent().post("/nexus/v3/undelivered/replay", data=b"\xef\xbb\xbf{}", headers={"Content-Type": JSON})

    assert answer.status_code in (400, 403) and "JSON" not in answer.text


@pytest.mark.parametrize("encoding, pack", [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_body_is_accepted(tenant, encoding, pack):
    text = fields(tenant)

    assert_stored(tenant, post(tenant, pack(json.dumps(text).encode()), **{"Content-Encoding": encoding}), "hi")


def test_other_encodings_and_bombs_are_refused_in_the_documented_envelope(tenant):
    bomb = gzip.compress(b" " * 10_000_000)
    refused = [post(tenant, b"{}", **{"Content-Encoding": "br"}), post(tenant, b"{}", **{"Content-Encoding": "gzip"}),
               post(tenant, bomb, **{"Content-Encoding": "gzip"})]

    assert [answer.status_code for answer in refused] == [answer.json()["status"]["code"] for answer in refused] == [415, 400, 413]
    assert "gzip or deflate" in refused[0].text


@pytest.mark.parametrize("kind", ["", "text/json", "text/plain", "application/vnd.api+json", FORM, JSON])
def test_json_and_forms_are_recognized_whatever_their_content_type(tenant, kind):
    one, other = fields(tenant), fields(tenant)

    assert_stored(tenant, post(tenant, json.dumps(one), kind), "hi")
    assert_stored(tenant, post(tenant, urllib.parse.urlencode(other), kind), "hi")


def test_the_request_target_may_be_a_full_url(tenant):
    text, host = fields(tenant), tenant.stack.url().removeprefix("http://")
    body = json.dumps(text)
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    request = (f"POST http://{host}{SMS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\nContent-Type: {JSON}\r\n"
               f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}")

    assert [status for status, _ in exchange(tenant.stack, request.encode())] == [200]
    assert [status for status, _ in exchange(tenant.stack, request.replace(f"Host: {host}", "Host: other").encode())] == [400]


# --- limits ---

def test_a_text_up_to_the_limit_is_stored_and_a_longer_one_is_refused_permanently(tenant):
    long, longer = fields(tenant, message="é" * 8192), fields(tenant, message="x" * 16385)

    assert_stored(tenant, post(tenant, json.dumps(long)), long["message"])
    refused = post(tenant, json.dumps(longer))
    assert (refused.status_code, refused.json()["status"]["message"]) == (413, "message: 16385 bytes, limit 16384")


def test_ids_may_have_255_bytes_or_be_numbers(tenant):
    for name in ("m" * 255, 12345678901234567890123456789012, 7):
        assert post(tenant, json.dumps(fields(tenant, message_id=name))).status_code == 200
        receipt = tenant.aggregator().post("/nexus/v3/sms/receipt", json={"message_id": name, "message_state": 2})
        assert receipt.status_code == 200 and data_of(receipt)["messageId"] == str(name)


# --- attachments ---

def kinds(tenant, message_id):
    return [kind for kind, _ in tables.attachments(tenant, message_id)]


PHOTO = bytes(range(256)) * 2
BASE64 = base64.b64encode(PHOTO).decode()


@pytest.mark.parametrize("content", [BASE64, base64.encodebytes(PHOTO).decode(), BASE64 + "\n", BASE64.rstrip("="),
                                     base64.urlsafe_b64encode(PHOTO).decode(), "data:image/jpeg;base64," + BASE64,
                                     " ".join(BASE64[at:at + 76] for at in range(0, len(BASE64), 76))],
                         ids=["plain", "lines", "newline", "unpadded", "urlsafe", "url", "spaces"])
def test_base64_is_accepted_in_all_forms_that_senders_use(tenant, content):
    text = fields(tenant, attachments=[{"content_type": "image/jpeg", "content": content}])

    assert post(tenant, json.dumps(text)).status_code == 200
    assert tables.attachments(tenant, text["message_id"]) == [("image/jpeg", PHOTO)]


@pytest.mark.parametrize("nothing", [[], None, {}, "", [None], [{}]])
def test_empty_lists_of_attachments_are_accepted(tenant, nothing):
    text = fields(tenant, attachments=nothing)

    assert_stored(tenant, post(tenant, json.dumps(text)), "hi")
    assert tables.attachments(tenant, text["message_id"]) == []


def test_a_malformed_attachment_is_stored_with_the_text_and_the_other_attachments(tenant):
    text = fields(tenant, attachments=[{"content_type": "image/png", "content": "*broken*"}, {"content_type": "a/b", "content": "AAAA"}, "none"])

    assert_stored(tenant, post(tenant, json.dumps(text)), "hi")
    unreadable = "application/vnd.nexus.unreadable"
    assert tables.attachments(tenant, text["message_id"]) == [(unreadable, b"*broken*"), ("a/b", b"\0\0\0"), (unreadable, b'"none"')]


def fetched(tenant, answer):
    """The attachments of the accepted text, as an agent downloads them: (content type, bytes)."""
    conversation, agent = data_of(answer)["conversationId"], tenant.agent()
    message = agent.transcript(conversation)[-1]
    path = f"/chat/v3/conversations/{conversation}/messages/{message['id']}/attachments"
    return [(a["contentType"], agent.get(f"{path}/{a['ordinal']}").content) for a in message["attachments"]]


@pytest.mark.parametrize("content, stored", [
    ("A" * 60_000 + "*" * 10, b"\0" * 45_000 + b"*" * 10),
    ("Grüße, no base64 at all. " * 3_000, None)], ids=["broken", "none"])
def test_a_large_attachment_that_is_not_base64_is_stored_with_the_text(tenant, content, stored):
    answer = post(tenant, json.dumps(fields(tenant, attachments=[{"content_type": "image/png", "content": content}])))

    assert_stored(tenant, answer, "hi")
    [(kind, bytes_of)] = fetched(tenant, answer)
    assert kind == "application/vnd.nexus.unreadable"
    assert bytes_of == stored if stored else bytes_of.endswith(content.encode()[2:])


def test_a_text_may_have_a_hundred_short_attachments(tenant):
    photos = [os.urandom(3_000) for _ in range(100)]
    text = fields(tenant, attachments=[{"content_type": "image/png", "content": base64.b64encode(photo).decode()} for photo in photos])

    answer = post(tenant, json.dumps(text))

    assert_stored(tenant, answer, "hi")
    assert [content for _, content in fetched(tenant, answer)] == photos


def test_many_attachments_of_any_type_are_stored(tenant):
    types = ["image/png", "", "jpeg", 7, None, "a/b\r\nx: y", "x" * 200, "text/plain; charset=utf-8"] * 5
    text = fields(tenant, attachments=[{"content_type": kind, "content": "AAAA"} for kind in types])

    assert post(tenant, json.dumps(text)).status_code == 200
    octets = "application/octet-stream"
    assert kinds(tenant, text["message_id"]) == (["image/png"] + [octets] * 6 + ["text/plain; charset=utf-8"]) * 5


def test_a_list_of_attachments_may_be_a_json_string_or_an_object_with_numbers(tenant):
    one = {"content_type": "image/png", "content": "AAAA"}
    form = fields(tenant, mms_attachment=json.dumps([one]))
    numbered = fields(tenant, mms_attachment={"0": one, "1": one})

    assert post(tenant, urllib.parse.urlencode(form), FORM).status_code == 200
    assert post(tenant, json.dumps(numbered)).status_code == 200
    assert tables.attachments(tenant, form["message_id"]) == [("image/png", b"\0\0\0")]
    assert tables.attachments(tenant, numbered["message_id"]) == [("image/png", b"\0\0\0")] * 2


@pytest.mark.parametrize("message", [{}, {"message": ""}, {"message": " "}], ids=["missing", "empty", "blank"])
def test_the_text_of_an_mms_may_be_one_of_its_parts(tenant, message):
    part = {"content_type": "text/plain; charset=iso-8859-1", "content": base64.b64encode("Grüße".encode("latin-1")).decode()}
    text = fields(tenant, attachments=[{"content_type": "application/smil", "content": "AAAA"}, part])
    text.pop("message")

    answer = post(tenant, json.dumps({**text, **message}))
    again = post(tenant, json.dumps({**text, **message}))

    assert_stored(tenant, answer, "Grüße")
    assert data_of(again)["messageId"] == data_of(answer)["messageId"]
    assert kinds(tenant, text["message_id"]) == ["application/smil", "text/plain; charset=iso-8859-1"]


def test_a_stop_in_a_part_of_an_mms_opts_the_phone_out(tenant):
    text = fields(tenant, attachments=[{"content_type": "text/plain", "content": base64.b64encode("ARRÊT".encode()).decode()}])
    text.pop("message")

    assert post(tenant, json.dumps(text)).status_code == 200

    assert tables.opted_out(tenant, text["phone_number"])


# --- lists ---

def test_every_list_requires_a_count_of_at_least_one(tenant):
    from harness.api.openapi import Api
    lists = [operation for operation in Api.of(tenant.stack.binaries).operations if operation.method == "GET" and not operation.path_names()
             and any(parameter["name"] == "count" for parameter in operation.parameters)]

    assert len(lists) >= 5
    for operation in lists:
        count = next(parameter for parameter in operation.parameters if parameter["name"] == "count")
        assert count["schema"]["minimum"] == 1, operation


# --- arbitrary texts ---

ESCAPES = st.sampled_from(["none", "ascii", "all"])


def as_json(body, escapes):
    if escapes != "all":
        return json.dumps(body, ensure_ascii=escapes == "ascii")
    units = lambda text: "".join(f"\\u{int.from_bytes(unit, 'big'):04x}" for unit in
                                 (text.encode("utf-16be")[at:at + 2] for at in range(0, len(text.encode("utf-16be")), 2)))
    return "{" + ",".join(f'"{units(name)}":"{units(value)}"' for name, value in body.items()) + "}"


def test_any_text_is_stored_exactly(nexus):
    tenant = Tenant(nexus)
    texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=60)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(texts, st.sampled_from(["utf-8", "utf-16", "utf-16le", "utf-16be", "cp1252", "iso-8859-5"]), st.booleans(), ESCAPES,
           st.booleans())
    def is_stored_exactly(words, charset, form, escapes, packed):
        words = words.encode(charset, "ignore").decode(charset)
        words = words.lstrip("\ufeff")  # a leading one would be a byte order mark
        text = fields(tenant, message=words)
        body = urllib.parse.urlencode(text, encoding=charset) if form else as_json(text, escapes).encode(charset)
        body = body.encode() if isinstance(body, str) else body
        headers = {"Content-Encoding": "gzip"} if packed else {}
        answer = post(tenant, gzip.compress(body) if packed else body, f"{FORM if form else JSON}; charset={charset}", **headers)

        assert_stored(tenant, answer, words.replace("\0", "\ufffd"))

    is_stored_exactly()
