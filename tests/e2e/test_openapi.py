"""The document at /openapi.json: valid, complete, and what the gateway serves is what the tables say."""

import json
import re
import uuid

import jsonschema
import pytest
import requests

from harness.openapi import Api, BrokenPromise
from harness.people import Answer, Tenant, conversation_of
from harness.stack import BINARIES


@pytest.fixture(scope="module")
def api():
    return Api.of(BINARIES)


def references(value):
    """Every "$ref" in it."""
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        value = value.values()
    if isinstance(value, (list, type({}.values()))):
        for part in value:
            yield from references(part)


def test_the_gateway_serves_the_document_to_everybody(nexus, api):
    answer = requests.get(f"{nexus.url()}/openapi.json", timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == api.document


def test_the_document_is_openapi_3_1_and_each_of_its_schemas_valid(api):
    assert api.document["openapi"].startswith("3.1.")
    assert set(api.document["info"]) >= {"title", "version"}
    for schema in api.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in (name for part in api.document["components"].values() for name in part):
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)


def test_every_reference_of_the_document_leads_somewhere(api):
    for reference in references(api.document):
        assert api.resolved({"$ref": reference}), reference


def test_nothing_in_the_document_is_left_unused(api):
    used = set(references(api.document))
    kinds = ("schemas", "responses", "headers", "parameters")

    unused = [f"{kind}/{name}" for kind in kinds for name in api.document["components"][kind]
              if f"#/components/{kind}/{name}" not in used]

    assert unused == []


def shown(medium):
    """The examples of one kind of body."""
    return [medium["example"]] if "example" in medium else [one["value"] for one in medium.get("examples", {}).values()]


def test_every_example_follows_its_schema(api):
    media = [medium for operation in api.operations for answer in operation.responses.values()
             for medium in answer.get("content", {}).values()]
    media += [medium for operation in api.operations
              for medium in operation.declared.get("requestBody", {}).get("content", {}).values()]
    examples = [(medium["schema"], example) for medium in media for example in shown(medium)]

    assert examples
    for schema, example in examples:
        api.validator(schema).validate(example)


def test_every_operation_that_needs_a_body_shows_an_example_of_it(api):
    without = [operation for operation in api.operations if operation.needs_body
               and "example" not in operation.declared["requestBody"]["content"]["application/json"]]

    assert without == []


def test_every_answer_in_json_of_every_status_shows_an_example(api):
    without = [f"{operation} {status} {kind}" for operation in api.operations for status, answer in operation.responses.items()
               for kind, medium in answer.get("content", {}).items() if kind.endswith("json") and not shown(medium)]

    assert without == []


def same_members(real, example):
    """What is empty, or null, in one of them says nothing of the other."""
    if isinstance(real, dict) and isinstance(example, dict):
        return set(real) == set(example) and all(same_members(real[name], example[name]) for name in real)
    if isinstance(real, list) and isinstance(example, list):
        return not real or not example or all(same_members(one, example[0]) for one in real)
    return isinstance(real, type(example)) or isinstance(example, type(real)) or None in (real, example) or {
        type(real), type(example)} == {int, float}


@pytest.mark.parametrize("path, of_operator", [("/nexus/v3/pipeline", True), ("/health/live", False), ("/health/startup", False),
                                               ("/health/ready", False), ("/health/detail", False), ("/openapi.json", False)])
def test_what_the_gateway_answers_by_itself_is_as_its_example_shows(nexus, api, path, of_operator):
    real = nexus.operator().get(path) if of_operator else requests.get(nexus.url() + path, timeout=10)

    operation, _ = api.operation("GET", path)
    [example] = shown(operation.responses[real.status_code]["content"]["application/json"])
    if path == "/openapi.json":  # its paths and what they share are by name, and of those the example shows none
        assert set(real.json()) == set(example)
    else:
        assert same_members(real.json(), example), real.text


def provoked(tenant):
    """(the error's name, an answer that says it), in problem+json."""
    agent, administrator = tenant.agent(), tenant.administrator()
    problem, key = {"Accept": "application/problem+json"}, {"Idempotency-Key": tenant.text("once")}
    conversation = conversation_of(tenant)
    agent.post(f"/chat/v3/conversations/{conversation}/accept", headers=key)
    done = conversation_of(tenant)
    agent.post(f"/chat/v3/conversations/{done}/accept")
    agent.post(f"/chat/v3/conversations/{done}/done")
    url = tenant.stack.url()
    services = f"/nexus/v3/provisioning/services/{tenant.ccid}"
    yield "bad_input", administrator.get("/nexus/v3/messages?count=201")
    yield "bad_request", agent.post(f"/chat/v3/conversations/{conversation}/messages", data=b"x",
                                    headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    yield "unauthenticated", requests.get(f"{url}/nexus/v3/messages", timeout=10)
    yield "unknown_key", requests.get(f"{url}/nexus/v3/messages", timeout=10, headers={"x-api-key": str(uuid.uuid4()), "x-ccid": tenant.ccid})
    yield "forbidden", agent.get("/nexus/v3/messages")
    yield "not_found", agent.get(f"/chat/v3/conversations/{uuid.uuid4()}")
    yield "conflict", agent.answer(done)
    yield "idempotency_key_reused", agent.post(f"/chat/v3/conversations/{done}/accept", headers=key)
    yield "changed_meanwhile", administrator.put(f"{services}/SMS", json={"url": "N/A", "data": {"provider": "Async"}}, headers={"If-Match": '"another"'})
    yield "too_large", agent.post(f"/chat/v3/conversations/{conversation}/messages", data=b" " * 300_000, headers={"Content-Type": "application/json"})
    yield "unsupported_media_type", tenant.aggregator().post("/nexus/v3/sms/message", data="x", headers={**problem, "Content-Type": "text/plain"})
    yield "headers_too_large", requests.get(f"{url}/nexus/v3/messages", timeout=10, headers={"x-long": "x" * 20_000})


def test_errors_are_said_as_their_examples_show(tenant, api):
    examples = {name: (int(reference.rsplit(".", 1)[1]), example["value"])
                for reference, answer in api.document["components"]["responses"].items()
                for name, example in answer["content"].get("application/problem+json", {}).get("examples", {}).items()}
    assert all(value["detail"] != value["title"] for _, value in examples.values())

    for name, answer in provoked(tenant):
        status, example = examples[name]
        real = {key: value for key, value in answer.json().items() if key not in ("operationId", "instance")}
        assert (answer.status_code, real) == (status, {key: value for key, value in example.items() if key != "operationId"})


def test_schemas_have_names_that_say_what_they_are(api):
    assert [name for name in api.document["components"]["schemas"] if re.match(r"[a-z]\d", name)] == []


ONE_SPELLING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_times_are_written_in_one_way_wherever_they_are_read(tenant):
    phone = tenant.phone()
    answer = Answer(tenant, conversation_of(tenant, phone)).becomes("sent")
    tenant.aggregator().receipt("nobody-sent-this", 2, shortcode=tenant.number)
    agent, administrator = tenant.agent(), tenant.administrator()

    texts = [caller.get(path).text for caller, path in (
        (agent, "/chat/v3/conversations"), (agent, f"/chat/v3/conversations/{answer.conversation}/messages"),
        (agent, f"/chat/v3/contacts?address={phone.lstrip('+')}"), (administrator, "/nexus/v3/messages"),
        (administrator, f"/nexus/v3/messages/{answer.id}/timeline"), (administrator, "/nexus/v3/sms/receipts/unmatched"),
        (administrator, "/nexus/v3/apikeys"), (administrator, "/nexus/v3/audit"))]

    for text in texts:
        times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', text)
        assert times and all(ONE_SPELLING.fullmatch(time) for time in times), text


def test_a_webhook_brings_what_the_document_says(nexus, customer, api):
    declared = api.document["webhooks"]["message"]["post"]
    tenant = Tenant(nexus, webhook_url=customer.url)

    webhook = customer.wait_for(Answer(tenant).text)[0]

    api.validator(declared["requestBody"]["content"]["application/json"]["schema"]).validate(json.loads(webhook.body))
    names = {parameter["name"].lower() for parameter in declared["parameters"]}
    assert names <= {name.lower() for name in webhook.headers}


def test_operations_are_told_apart_and_say_what_they_need(api):
    assert len({operation.name for operation in api.operations}) == len(api.operations)
    schemes = set(api.document["components"]["securitySchemes"])
    for operation in api.operations:
        assert operation.declared["summary"].endswith("."), operation
        assert {name for one in operation.declared["security"] for name in one} <= schemes, operation
        assert set(operation.path_names()) == set(re.findall(r"{([^}]+)}", operation.path)), operation
        names = [(parameter["in"], parameter["name"]) for parameter in operation.parameters]
        assert len(set(names)) == len(names), operation


def test_every_operation_documents_its_success_and_what_may_go_wrong(api):
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


class Forged:
    """An answer that a gateway did not give."""

    def __init__(self, status, body, kind="application/json", **headers):
        self.status_code, self.content, self.text = status, body.encode(), body
        self.headers = {"Content-Type": kind, **headers}

    def __str__(self):
        return f"{self.status_code} {self.text}"


@pytest.mark.parametrize("answer, complaint", [
    (Forged(200, '{"live":true}'), None),
    (Forged(200, '{"live":"yes"}'), "$.live"),
    (Forged(200, '{}'), "'live' is a required property"),
    (Forged(200, '{"live":true,"warm":true}'), "'warm'"),
    (Forged(200, '{"live":true}', "text/plain"), "content type"),
    (Forged(200, '{"live":', ), "not JSON"),
    (Forged(418, '{"live":true}'), "this status is not documented"),
    (Forged(503, '{"live":true}'), "this status is not documented"),
], ids=str)
def test_an_answer_that_is_not_as_documented_is_noticed(api, answer, complaint):
    if complaint is None:
        api.check("GET", "http://nexus/health/live", answer)
        return
    with pytest.raises(BrokenPromise, match=re.escape(complaint)):
        api.check("GET", "http://nexus/health/live", answer)


def test_a_503_without_retry_after_is_noticed(api):
    with pytest.raises(BrokenPromise, match="Retry-After is missing"):
        api.check("GET", "http://nexus/health/ready", Forged(503, '{"ready":false}'))
