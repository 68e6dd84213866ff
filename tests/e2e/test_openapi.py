"""The document at /openapi.json: valid, complete, and what the gateway serves is what the tables say."""

import json
import re

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


def test_every_example_follows_its_schema(api):
    media = [medium for operation in api.operations for answer in operation.responses.values()
             for medium in answer.get("content", {}).values()]
    media += [medium for operation in api.operations
              for medium in operation.declared.get("requestBody", {}).get("content", {}).values()]
    examples = [medium for medium in media if "example" in medium]

    assert examples
    for medium in examples:
        api.validator(medium["schema"]).validate(medium["example"])


def test_every_operation_that_needs_a_body_shows_an_example_of_it(api):
    without = [operation for operation in api.operations if operation.needs_body
               and "example" not in operation.declared["requestBody"]["content"]["application/json"]]

    assert without == []


def test_every_call_shows_an_example_of_its_answer(api):
    calls = [operation for operation in api.operations if operation.path not in ("/nexus/v3/pipeline", "/auth/session", "/auth/sign-out")]

    without = [operation for operation in calls
               for status, answer in operation.responses.items() if str(status).startswith("2")
               for medium in answer.get("content", {}).values()
               if "example" not in medium and "operationId" in medium["schema"].get("properties", {})]

    assert without == []


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
