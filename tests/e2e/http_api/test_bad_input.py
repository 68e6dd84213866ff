"""Invalid requests: every fault is refused and named, other clients are not affected, and no answer repeats personal
data. A unit test has the full list of framings (tests/unit/io/http_server/test_http_refusals.c); the codecs have theirs."""

import base64
import itertools
import json
import uuid

import pytest

from harness.api.raw import exchange
from harness.people import Tenant, conversation_of
from harness.wait import LONGEST_ANSWER

PROBLEM = "application/problem+json"
SMS = "/nexus/v3/sms/message"


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


def credentials(tenant):
    return base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()


def reason(answer):
    """The text of an error, in either envelope. The body must be strict UTF-8 and JSON."""
    body = json.loads(answer.content.decode("utf-8"))
    return body["detail"] if "detail" in body else body["status"]["message"]


# --- framing ---

FRAMINGS = {
    "length and chunks": "Host: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": "Host: x\r\nContent-Length: 3\r\nContent-Length: 0\r\n",
    "a list of lengths": "Host: x\r\nContent-Length: 3, 3\r\n",
    "a length with a sign": "Host: x\r\nContent-Length: +3\r\n",
    "two encodings": "Host: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "another encoding": "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n",
    "a folded line": "Host: x\r\nX-A: b\r\n c\r\nContent-Length: 3\r\n",
    "a bare line feed": "Host: x\nContent-Length: 3\r\n",
    "no host": "Content-Length: 3\r\n",
    "two hosts": "Host: x\r\nHost: y\r\nContent-Length: 3\r\n",
    "a space before the colon": "Host: x\r\nContent-Length : 3\r\n",
    "a zero byte": "Host: x\r\nX-A: \0\r\nContent-Length: 3\r\n",
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_ambiguous_framing_is_answered_400_and_closed(tenant, name):
    smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST {SMS} HTTP/1.1\r\nAuthorization: Basic {credentials(tenant)}\r\n{FRAMINGS[name]}\r\n"

    answers = exchange(tenant.stack, (head + smuggled).encode())

    assert [status for status, _ in answers] == [400]
    assert json.loads(answers[0][1])["status"]["code"] == 400, "errors of a documented path keep its envelope"


@pytest.mark.parametrize("line", ["PRI * HTTP/2.0", "GET / HTTP/2.0", "GET http://y/ HTTP/1.1", "GET  / HTTP/1.1", "GET /",
                                  "CONNECT x:1 HTTP/1.1", "\x16\x03\x01\x02\x00\x01"])
def test_other_protocols_than_http_1_get_400_and_the_connection_is_closed(nexus, line):
    assert [status for status, _ in exchange(nexus, f"{line}\r\nHost: x\r\n\r\nSM\r\n\r\n".encode("latin-1"))] == [400]


def test_transfer_encoding_is_refused_in_http_1_0(nexus):
    request = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    assert [status for status, _ in exchange(nexus, request)] == [400]


def test_an_upgrade_to_http_2_is_ignored(nexus):
    request = (b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
               b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")

    assert [status for status, _ in exchange(nexus, request)] == [200]


@pytest.mark.parametrize("head", [b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                                  b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 20000 + b"\r\n\r\n",
                                  b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 150 + b"\r\n"],
                         ids=["path", "line", "lines"])
def test_a_head_over_the_limit_gets_431_and_the_connection_is_closed(nexus, head):
    assert [status for status, _ in exchange(nexus, head)] == [431]


def test_a_body_over_the_limit_gets_413_with_a_length_and_in_chunks(tenant):
    head = f"POST {SMS} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials(tenant)}\r\nContent-Type: application/json\r\n"
    announced = f"{head}Content-Length: 9000000\r\n\r\n".encode()
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 10 + b"0\r\n\r\n"

    for request in (announced, chunked):
        assert [status for status, _ in exchange(tenant.stack, request)] == [413]


# --- bodies ---

BROKEN_JSON = [
    (b'{"message_id":"m1",,}', "line 1, column 2"), (b'{\n"message_id":"m1"\n"x":1}', "line 3"), (b'{"message_id":', "line 1"),
    (b"{}{}", "line 1"), (b"[" * 10000, "column 33"), (b'{"a":nope}', "column"), (b"{'a':1}", "column"), (b'{"a":1', "column")]
TOLERATED_JSON = [  # accepted in texts that consumers wrote
    (b'{"message_id":"a","message_id":"b"}', "byte"), (b'{"a":"\xff"}', "column"), (b'{"a":"\xc0\xaf"}', "column"),
    (b'{"a":"\\ud800"}', "column"), (b'{"a":"\\u0000"}', "column"), (b'{"a":1e999}', "column"), (b'{"a":01}', "column"),
    (b'{"a":123456789012345678901234567890}', "column"), (b"\x00", "column"), (b"nonsense", "column")]


@pytest.mark.parametrize("body, where", BROKEN_JSON)
def test_malformed_json_is_refused_with_the_position_of_the_fault(tenant, body, where):
    answer = tenant.aggregator().post(SMS, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert where in reason(answer)


@pytest.mark.parametrize("body, where", BROKEN_JSON + TOLERATED_JSON)
def test_json_of_an_integrator_is_parsed_strictly(tenant, body, where):
    answer = tenant.agent().post(f"/chat/v3/conversations/{uuid.uuid4()}/messages", data=body,
                                 headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert where in reason(answer)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null"])
def test_json_that_is_not_an_object_is_refused(tenant, body):
    answer = tenant.aggregator().post(SMS, data=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, reason(answer)) == (400, "JSON: the body is not an object")


@pytest.mark.parametrize("body", [b"clientId=%FF", b"clientId=%00", b"clientId=%zz", b"clientId=\xff", b"clientId=%C0%AF",
                                  b"clientId=a&clientId=b", b"clientId[=a", b"clientId=a&clientId[x]=b",
                                  b"&".join(b"a%d=1" % n for n in range(2000)), b"clientId" + b"[a]" * 200 + b"=1", b"=a"])
def test_a_form_of_an_integrator_is_parsed_strictly(tenant, body):
    answer = tenant.agent().post(f"/chat/v3/conversations/{uuid.uuid4()}/messages", data=body,
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 400, answer.text
    assert "clientId" in reason(answer) or "form" in reason(answer)


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""])
@pytest.mark.parametrize("body", [b"hello", b"<a b='c'/>", b"--x\r\na=b"])
def test_a_body_that_is_neither_json_nor_a_form_gets_415(tenant, kind, body):
    answer = tenant.aggregator().post(SMS, data=body, headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert answer.json()["status"]["code"] == 415


SMS_FAULTS = [
    ("message_id", None), ("message_id", ""), ("message_id", "x" * 256), ("message_id", {}), ("message_id", ["a"]), ("message_id", True),
    ("phone_number", None), ("phone_number", "x" * 256), ("phone_number", []), ("phone_number", True), ("phone_number", "  "),
    ("shortcode", None), ("shortcode", "x"), ("shortcode", {"a": 1}),
    ("message", "x" * 16385), ("message", "\u00e9" * 8193), ("message", ["x" * 16385]),
]
TOO_LONG = {("message_id", "x" * 256)}


def status_of(field, value):
    """A value that is too long gets 413, after which a client must not try again."""
    return 413 if field == "message" or isinstance(value, str) and (field, value) in TOO_LONG else 400


def text_with(field, value, form):
    fields = {"message_id": uuid.uuid4().hex, "phone_number": "+15551112222", "shortcode": "+15551112223", "message": "m",
              field: value}
    return {name: value for name, value in fields.items() if value is not None or not form}


@pytest.mark.parametrize("field, value", SMS_FAULTS, ids=[f"{field}={str(value)[:20]!a}" for field, value in SMS_FAULTS])
def test_a_field_that_breaks_its_rule_is_named_in_json(tenant, field, value):
    answer = tenant.aggregator().post(SMS, json=text_with(field, value, form=False))

    assert answer.status_code == status_of(field, value), answer.text
    assert reason(answer).startswith(field)


@pytest.mark.parametrize("field, value", [(f, v) for f, v in SMS_FAULTS if not isinstance(v, (dict, list, bool))],
                         ids=lambda value: str(value)[:20].encode("ascii", "replace").decode())
def test_a_field_that_breaks_its_rule_is_named_in_a_form(tenant, field, value):
    answer = tenant.aggregator().post(SMS, data=text_with(field, value, form=True))

    assert answer.status_code == status_of(field, value), answer.text
    assert reason(answer).startswith(field)


@pytest.mark.parametrize("field, value", [("message_id", None), ("message_state", None), ("message_state", -1),
                                          ("message_state", 11), ("message_state", "perhaps")])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_an_invalid_field_of_a_receipt_is_named(tenant, field, value, form):
    fields = {"type": "receipt", "message_id": "m", "message_state": 2, field: value}

    answer = tenant.aggregator().post("/nexus/v3/sms/receipt", **({"data": fields} if form else {"json": fields}))

    assert answer.status_code == 400, answer.text
    assert reason(answer).startswith(field)


OUTBOUND_FAULTS = [({"text": None}, "text"), ({"text": ""}, "text"), ({"text": "x" * 4097}, "text"), ({"text": 1.5}, "text"),
                   ({"text": ["x"]}, "text"), ({"clientId": ""}, "clientId"), ({"clientId": "x" * 65}, "clientId"),
                   ({"type": "Carousel"}, "type"), ({"colour": "red"}, "colour"), ({"\u00e9" * 40: 1}, "\u00e9" * 30)]


@pytest.mark.parametrize("fields, name", OUTBOUND_FAULTS, ids=[name for _, name in OUTBOUND_FAULTS])
def test_an_invalid_field_of_an_outbound_message_is_named(tenant, fields, name):
    conversation = conversation_of(tenant)

    answer = tenant.agent().post(f"/chat/v3/conversations/{conversation}/messages", json={"type": "Text", "text": "t", **fields})

    assert answer.status_code == 400, answer.text
    assert name in reason(answer)


@pytest.mark.parametrize("path, name", [
    ("/chat/v3/conversations/x", "id"), ("/chat/v3/conversations/%00", "id"), ("/chat/v3/conversations?count=x", "count"),
    ("/chat/v3/conversations?count=201", "count"), ("/chat/v3/conversations?count=0", "count"), ("/chat/v3/conversations?state=open", "state"),
    ("/chat/v3/conversations?contact=7", "contact"), ("/chat/v3/conversations?colour=red", "colour"),
    ("/chat/v3/conversations?queue=%ff", "queue"), ("/chat/v3/conversations?queue=%00", "queue"),
    ("/chat/v3/conversations?index=-1", "index"), ("/chat/v3/conversations?operationId=7", "operationId"),
    ("/chat/v3/conversations?operationId=00000000-0000-0000-0000-000000000000", "operationId")])
def test_an_invalid_parameter_of_path_or_query_is_named(tenant, path, name):
    answer = tenant.agent().get(path)

    assert answer.status_code == 400, answer.text
    assert name in reason(answer)


@pytest.mark.parametrize("path, name", [
    ("/nexus/v3/ledger?from=yesterday", "from"), ("/nexus/v3/ledger?by=colour", "by"),
    ("/nexus/v3/undelivered?sort=colour", "sort"), ("/nexus/v3/undelivered?order=down", "order"),
    ("/nexus/v3/undelivered?after=x", "after"), ("/nexus/v3/undelivered?count=1001", "count"),
    ("/nexus/v3/sms/receipts/unmatched?after=x", "after"), ("/nexus/v3/sms/receipts/unmatched?after=9" + "9" * 18, "after"),
    ("/nexus/v3/ledger?from=2026-02-30", "from")])
def test_an_invalid_parameter_of_an_operators_route_is_named(tenant, path, name):
    answer = operator(tenant).get(path)

    assert answer.status_code == 400, answer.text
    assert name in reason(answer)


@pytest.mark.parametrize("fields, name", [({}, "which"), ({"ids": None}, "which"), ({"limit": 5}, "which"), ({"ids": "x"}, "ids"),
                                          ({"ids": {}}, "ids"), ({"ids": ["x"]}, "ids"), ({"ids": [7]}, "ids"),
                                          ({"from": "yesterday"}, "from"), ({"to": "2026-13-99"}, "to"),
                                          ({"to": "2026-11-23T10:00:00"}, "to"), ({"limit": 10001}, "limit"), ({"all": True}, "all")])
def test_an_invalid_field_of_a_replay_is_named(tenant, fields, name):
    answer = operator(tenant).post("/nexus/v3/undelivered/replay", json=fields)

    assert answer.status_code == 400, answer.text
    assert name in reason(answer)


def operator(tenant):
    caller = tenant.agent()
    caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    return caller


def test_unknown_fields_are_ignored_on_documented_paths(tenant):
    answer = tenant.aggregator().message(message_id="extra", colour="red", **{"deep[er][still]": "x"})

    assert answer.status_code == 200, answer.text


# --- the shape of errors, and what they must not contain ---

def test_errors_have_the_envelope_of_their_path(tenant):
    documented = tenant.aggregator().post(SMS, json={})
    asked_for = tenant.aggregator().post(SMS, json={}, headers={"Accept": PROBLEM})
    ours = tenant.agent().get("/chat/v3/conversations/x")
    nowhere = tenant.agent().get("/nowhere")

    assert documented.headers["Content-Type"] == "application/json"
    assert set(documented.json()) == {"status", "operationId"} and documented.json()["status"]["code"] == 400
    for answer, status in ((asked_for, 400), (ours, 400), (nowhere, 404)):
        assert answer.headers["Content-Type"] == PROBLEM
        assert {"type", "title", "status", "detail", "instance", "operationId"} <= set(answer.json())
        assert answer.status_code == answer.json()["status"] == status
    for answer in (documented, asked_for, ours, nowhere):
        assert answer.headers["traceparent"]


def test_an_operation_id_is_echoed_in_errors_too(tenant):
    operation = str(uuid.uuid4())

    answers = [tenant.aggregator().post(SMS, json={"operationId": operation}),
               tenant.agent().get("/chat/v3/conversations/x", params={"operationId": operation})]

    assert [answer.json()["operationId"] for answer in answers] == [operation] * 2


@pytest.mark.parametrize("method, status", [("GET", 405), ("PUT", 405), ("DELETE", 405), ("PATCH", 405), ("BREW", 405)])
def test_a_method_that_a_path_does_not_have_gets_405(tenant, method, status):
    answer = tenant.aggregator().session.request(method, tenant.stack.url() + SMS, timeout=LONGEST_ANSWER)

    assert answer.status_code == status and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/nexus/v3/ledger?from=2026-01-01&from=2026-02-01", "/nexus/v3/messages?count=1&state=sent&count=2"])
def test_a_parameter_given_twice_with_different_values_is_refused_with_its_name(tenant, path):
    answer = operator(tenant).get(path)

    name = path.partition("?")[2].partition("=")[0]
    assert (answer.status_code, answer.json()["detail"]) == (400, f"{name}: given twice with different values")


def test_no_error_repeats_what_may_be_personal(tenant):
    phone, text, key = tenant.phone(), tenant.text(), tenant.api_key
    good = {"message_id": "m", "phone_number": phone, "shortcode": tenant.number, "message": text}
    aggregator = tenant.aggregator()
    faults = [{"message_id": None}, {"message_id": {text: phone}}, {"shortcode": phone + phone}, {"phone_number": phone + "x"},
              {"message": text * 2000}, {"concat_part": text}, {"shortcode": "+15550000000"}, {"mms_attachment": text}]
    answers = [aggregator.post(SMS, json={**good, **fault}) for fault in faults]
    answers += [aggregator.post(SMS, data={**good, **fault}) for fault in faults[2:-1]]
    for body in (f'{{"message":"{text}" "{phone}"}}', f'{{"message":"{text}', f'{{"message":"{text}\xff"}}', f'["{phone}"]'):
        answers.append(aggregator.post(SMS, data=body.encode("latin-1"), headers={"Content-Type": "application/json"}))
    aggregator.session.auth = (tenant.ccid, key + "0")
    answers.append(aggregator.post(SMS, json=good))

    for answer, secret in itertools.product(answers, (phone, phone[1:], text, key)):
        assert answer.status_code in (200, 400, 401, 404, 413), answer.text
        assert secret not in answer.text


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Bearer", "Digest x",
                                    "Basic " + "A" * 9000, "Basic " + base64.b64encode(b"a:b\x00c").decode(),
                                    "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()])
def test_malformed_credentials_get_401(tenant, header):
    aggregator = tenant.aggregator()
    aggregator.session.auth = lambda request: request.headers.update({"Authorization": header}) or request

    answer = aggregator.post(SMS, data={"message_id": "m"})

    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Basic")
