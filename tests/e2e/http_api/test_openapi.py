"""The document at /openapi.json is valid and complete, and the gateway's answers agree with it."""

import hashlib
import json
import re
import subprocess
import uuid

import jsonschema
import pytest
import requests

from harness.api.openapi import Api, ContractViolation
from harness.nexus.stack import BINARIES
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.wait import LONGEST_ANSWER


@pytest.fixture(scope="module")
def api():
    return Api.of(BINARIES)


def references(value):
    """Every "$ref" in the value."""
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        value = value.values()
    if isinstance(value, (list, type({}.values()))):
        for part in value:
            yield from references(part)


def test_the_gateway_serves_the_document_without_credentials(nexus, api):
    answer = requests.get(f"{nexus.url()}/openapi.json", timeout=LONGEST_ANSWER)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == api.document


def test_the_document_and_its_version_are_those_of_the_build(nexus):
    built = subprocess.run([BINARIES / "openapi-generator", "json"], check=True, stdout=subprocess.PIPE, timeout=30).stdout.removesuffix(b"\n")

    answer = requests.get(f"{nexus.url()}/openapi.json", timeout=LONGEST_ANSWER)

    assert answer.content == built
    assert answer.headers["ETag"] == f'"{hashlib.sha256(built).hexdigest()[:32]}"'


@pytest.mark.parametrize("accepted, coding", [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("identity", None), ("gzip;q=0", None)])
def test_the_document_is_compressed_if_the_client_accepts_gzip(nexus, accepted, coding):
    answer = requests.get(f"{nexus.url()}/openapi.json", headers={"Accept-Encoding": accepted}, timeout=LONGEST_ANSWER)

    assert answer.headers.get("Content-Encoding") == coding
    assert (int(answer.headers["Content-Length"]) < len(answer.content) / 4) == (coding is not None)
    assert answer.headers["Vary"].lower() == "accept-encoding"
    assert answer.json()["openapi"].startswith("3.1.")


@pytest.mark.parametrize("known, status", [("{}", 304), ("W/{}", 304), ('"older", {}', 304), ("*", 304), ('"older"', 200)])
def test_an_unchanged_document_is_not_sent_again(nexus, known, status):
    url = f"{nexus.url()}/openapi.json"
    first = requests.get(url, timeout=LONGEST_ANSWER)

    again = requests.get(url, headers={"If-None-Match": known.format(first.headers["ETag"])}, timeout=LONGEST_ANSWER)

    assert (again.status_code, again.content) == (status, first.content if status == 200 else b"")
    assert {again.headers[name] for name in ("ETag", "Cache-Control", "Vary")} == {first.headers["ETag"], "no-cache", "accept-encoding"}


def test_the_document_is_openapi_3_1_and_each_of_its_schemas_is_valid(api):
    assert api.document["openapi"].startswith("3.1.")
    assert set(api.document["info"]) >= {"title", "version"}
    for schema in api.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in (name for part in api.document["components"].values() for name in part):
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)


def test_every_reference_of_the_document_has_a_target(api):
    for reference in references(api.document):
        assert api.resolved({"$ref": reference}), reference


def test_every_component_of_the_document_is_used(api):
    used = set(references(api.document))
    kinds = ("schemas", "responses", "headers", "parameters")

    unused = [f"{kind}/{name}" for kind in kinds for name in api.document["components"][kind]
              if f"#/components/{kind}/{name}" not in used]

    assert unused == []


def examples_of(medium):
    """The examples of a body."""
    return [medium["example"]] if "example" in medium else [one["value"] for one in medium.get("examples", {}).values()]


def test_every_example_follows_its_schema(api):
    media = [medium for operation in api.operations for answer in operation.responses.values()
             for medium in answer.get("content", {}).values()]
    media += [medium for operation in api.operations
              for medium in operation.declared.get("requestBody", {}).get("content", {}).values()]
    examples = [(medium["schema"], example) for medium in media for example in examples_of(medium)]

    assert examples
    for schema, example in examples:
        api.validator(schema).validate(example)


def test_every_required_body_has_an_example(api):
    without = [operation for operation in api.operations if operation.needs_body
               and "example" not in operation.declared["requestBody"]["content"]["application/json"]]

    assert without == []


def test_every_json_answer_of_every_status_has_an_example(api):
    without = [f"{operation} {status} {kind}" for operation in api.operations for status, answer in operation.responses.items()
               for kind, medium in answer.get("content", {}).items() if kind.endswith("json") and not examples_of(medium)]

    assert without == []


def same_members(real, example):
    """Whether both have the same members and types. An empty or null value matches every value."""
    if isinstance(real, dict) and isinstance(example, dict):
        return set(real) == set(example) and all(same_members(real[name], example[name]) for name in real)
    if isinstance(real, list) and isinstance(example, list):
        return not real or not example or all(same_members(one, example[0]) for one in real)
    return isinstance(real, type(example)) or isinstance(example, type(real)) or None in (real, example) or {
        type(real), type(example)} == {int, float}


def of_user(method, path, *statuses, **options):
    """The answer to a user's request. statuses: those of refusals that are answers, too."""
    return until_accepted(lambda: method(path, **options), other_statuses=statuses)


@pytest.mark.parametrize("path, of_operator", [("/nexus/v3/pipeline", True), ("/health/live", False), ("/health/startup", False),
                                               ("/health/ready", False), ("/health/detail", False), ("/openapi.json", False)])
def test_answers_that_the_gateway_makes_itself_have_the_members_of_their_example(nexus, api, path, of_operator):
    real = of_user(nexus.operator().get, path) if of_operator else requests.get(nexus.url() + path, timeout=LONGEST_ANSWER)

    operation, _ = api.operation("GET", path)
    [example] = examples_of(operation.responses[real.status_code]["content"]["application/json"])
    if path == "/openapi.json":  # the example shows no paths and no components
        assert set(real.json()) == set(example)
    else:
        assert same_members(real.json(), example), real.text


def errors_and_answers(tenant):
    """Pairs of an error's name and an answer with this error, as problem+json."""
    agent, administrator = tenant.agent(), tenant.administrator()
    problem, key = {"Accept": "application/problem+json"}, {"Idempotency-Key": tenant.text("once")}
    conversation = conversation_of(tenant)
    agent.post(f"/chat/v3/conversations/{conversation}/accept", headers=key)
    done = conversation_of(tenant)
    agent.post(f"/chat/v3/conversations/{done}/accept")
    agent.post(f"/chat/v3/conversations/{done}/done")
    url = tenant.stack.url()
    services = f"/nexus/v3/provisioning/services/{tenant.ccid}"
    yield "bad_input", of_user(administrator.get, "/nexus/v3/messages?count=201", 400)
    yield "bad_request", agent.post(f"/chat/v3/conversations/{conversation}/messages", data=b"x",
                                    headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    yield "unauthenticated", requests.get(f"{url}/nexus/v3/messages", timeout=LONGEST_ANSWER)
    yield "unknown_key", requests.get(f"{url}/nexus/v3/messages", timeout=LONGEST_ANSWER,
                                      headers={"x-api-key": str(uuid.uuid4()), "x-ccid": tenant.ccid})
    yield "forbidden", agent.get("/nexus/v3/messages")
    yield "not_found", agent.get(f"/chat/v3/conversations/{uuid.uuid4()}")
    yield "conflict", agent.send(done)
    yield "idempotency_key_reused", agent.post(f"/chat/v3/conversations/{done}/accept", headers=key)
    yield "changed_meanwhile", of_user(administrator.put, f"{services}/SMS", 412, json={"url": "N/A", "data": {"provider": "Async"}},
                                       headers={"If-Match": '"another"'})
    yield "too_large", agent.post(f"/chat/v3/conversations/{conversation}/messages", data=b" " * 300_000,
                                  headers={"Content-Type": "application/json"})
    yield "unsupported_media_type", tenant.aggregator().post("/nexus/v3/sms/message", data="x",
                                                             headers={**problem, "Content-Type": "text/plain"})
    yield "headers_too_large", requests.get(f"{url}/nexus/v3/messages", timeout=LONGEST_ANSWER, headers={"x-long": "x" * 20_000})


def test_errors_have_the_words_of_their_examples(tenant, api):
    examples = {name: (int(reference.rsplit(".", 1)[1]), example["value"])
                for reference, answer in api.document["components"]["responses"].items()
                for name, example in answer["content"].get("application/problem+json", {}).get("examples", {}).items()}
    assert all(value["detail"] != value["title"] for _, value in examples.values())

    for name, answer in errors_and_answers(tenant):
        status, example = examples[name]
        real = {key: value for key, value in answer.json().items() if key not in ("operationId", "instance")}
        assert (answer.status_code, real) == (status, {key: value for key, value in example.items() if key != "operationId"})


def test_schemas_have_descriptive_names(api):
    assert [name for name in api.document["components"]["schemas"] if re.match(r"[a-z]\d", name)] == []


TIME_FORMAT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_all_times_have_the_same_format(tenant):
    phone = tenant.phone()
    message = OutboundMessage(tenant, conversation_of(tenant, phone)).becomes("sent")
    tenant.aggregator().receipt("nobody-sent-this", 2, shortcode=tenant.number)
    agent, administrator = tenant.agent(), tenant.administrator()

    texts = [of_user(caller.get, path).text for caller, path in (
        (agent, "/chat/v3/conversations"), (agent, f"/chat/v3/conversations/{message.conversation}/messages"),
        (agent, f"/chat/v3/contacts?address={phone.lstrip('+')}"), (administrator, "/nexus/v3/messages"),
        (administrator, f"/nexus/v3/messages/{message.id}/timeline"), (administrator, "/nexus/v3/sms/receipts/unmatched"),
        (administrator, "/nexus/v3/apikeys"), (administrator, "/nexus/v3/audit"))]

    for text in texts:
        times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', text)
        assert times and all(TIME_FORMAT.fullmatch(time) for time in times), text


def test_a_webhook_has_the_body_and_headers_of_the_document(nexus, receiver, api):
    declared = api.document["webhooks"]["message"]["post"]
    tenant = Tenant(nexus, webhook_url=receiver.url)

    webhook = receiver.wait_for(OutboundMessage(tenant).text)[0]

    api.validator(declared["requestBody"]["content"]["application/json"]["schema"]).validate(json.loads(webhook.body))
    names = {parameter["name"].lower() for parameter in declared["parameters"]}
    assert names <= {name.lower() for name in webhook.headers}


def test_operations_have_unique_names_and_declare_their_parameters_and_security(api):
    assert len({operation.name for operation in api.operations}) == len(api.operations)
    schemes = set(api.document["components"]["securitySchemes"])
    for operation in api.operations:
        assert operation.declared["summary"].endswith("."), operation
        assert {name for one in operation.declared["security"] for name in one} <= schemes, operation
        assert set(operation.path_names()) == set(re.findall(r"{([^}]+)}", operation.path)), operation
        names = [(parameter["in"], parameter["name"]) for parameter in operation.parameters]
        assert len(set(names)) == len(names), operation


def test_every_operation_documents_its_success_and_its_errors(api):
    for operation in api.operations:
        assert any(status < 400 for status in operation.responses), operation
        if operation.declared["security"]:
            assert {401, 503} <= set(operation.responses), operation
        for status, answer in operation.responses.items():
            assert answer["description"], f"{operation} {status}"
            if status in (409, 429, 503, 504):
                assert "Retry-After" in answer["headers"], f"{operation} {status}"
            if status >= 400 or operation.row["limited"]:
                assert {"RateLimit", "RateLimit-Policy"} <= set(answer["headers"]), f"{operation} {status}"
            if status >= 400 and operation.row["credentials"] != "NONE":
                assert "application/problem+json" in answer["content"], f"{operation} {status}"


class FakeAnswer:
    """A constructed answer."""

    def __init__(self, status, body, kind="application/json", **headers):
        self.status_code, self.content, self.text = status, body.encode(), body
        self.headers = {"Content-Type": kind, **headers}

    def __str__(self):
        return f"{self.status_code} {self.text}"


@pytest.mark.parametrize("answer, complaint", [
    (FakeAnswer(200, '{"live":true}'), None),
    (FakeAnswer(200, '{"live":"yes"}'), "$.live"),
    (FakeAnswer(200, '{}'), "'live' is a required property"),
    (FakeAnswer(200, '{"live":true,"warm":true}'), "'warm'"),
    (FakeAnswer(200, '{"live":true}', "text/plain"), "content type"),
    (FakeAnswer(200, '{"live":', ), "not JSON"),
    (FakeAnswer(418, '{"live":true}'), "this status is not documented"),
    (FakeAnswer(503, '{"live":true}'), "this status is not documented"),
], ids=str)
def test_the_check_reports_an_answer_that_is_not_as_documented(api, answer, complaint):
    if complaint is None:
        api.check("GET", "http://nexus/health/live", answer)
        return
    with pytest.raises(ContractViolation, match=re.escape(complaint)):
        api.check("GET", "http://nexus/health/live", answer)


def test_the_check_reports_a_503_without_retry_after(api):
    with pytest.raises(ContractViolation, match="Retry-After is missing"):
        api.check("GET", "http://nexus/health/ready", FakeAnswer(503, '{"ready":false}'))
