"""Every operation of the document gets generated requests, valid and invalid: each answer must be one that the document
promises, and no 5xx but a 503 or 504 that a repetition does not get. The requests are the same in every run;
NEXUS_TEST_EXAMPLES=500 makes more of them."""

import os

import pytest
import requests
from hypothesis import HealthCheck, given, note, settings

from harness.api.arbitrary import requests_for
from harness.api.openapi import Api
from harness.api.samples import SAMPLES
from harness.identities import Installation
from harness.nexus.stack import BINARIES
from harness.people import conversation_of, until_accepted

OPERATIONS = Api.of(BINARIES).operations
EXAMPLES = int(os.environ.get("NEXUS_TEST_EXAMPLES", "30"))  # of each operation

installations = {}  # stack → (Installation, ids that exist)


def known_ids(installation):
    return {"id": [conversation_of(installation.ours), SAMPLES["apikey"](installation)["names"]["id"]],
            "ccid": [installation.ours.ccid, installation.theirs.ccid],
            "serviceName": ["SMS", "Async", "Email", "GWS"],
            "transaction": ["NexusServices", "NexusEndpoints", "DesignerEnv"],
            "section": ["chat.sms", "options", "sales"]}


SERVICES = [
    {"url": "N/A", "data": {"provider": "Async"}, "secret": {}},
    {"url": "N/A", "data": {"channels": [{"channelId": "+15550001", "webhook": {"url": "http://127.0.0.1:1/w"}}]},
     "secret": {"channels": [{"channelId": "+15550001", "webhook": {"secret": "s"}, "api": {"secret": ["new", "old"]}}]}},
    {"url": "https://kaleyra.example.com", "data": {"senderId": "12345"}, "secret": {"username": "u", "password": "p"}}]
SECTIONS = [
    {"channelId": "+15550001", "channelType": "sms", "endpoint": "sales", "validity": "1h", "uncertain": "hold"},
    {"queue": "sales", "capacity": "5", "lastAgent": "true"}, {"header:x-a": "b"}, {"baseurl": "/nexus/v1", "password": "p"}]
BODIES = {  # examples for schemas that allow any body
    "apikeyCreate": [{"tenant": "*", "name": "n", "permissions": ["nexus:consumer:chat"], "expires": "2030-01-01T00:00:00Z",
                      "enabled": True, "capacity": 1, "frequency": 1}],
    "apikeyChange": [{"name": "n", "enabled": False, "expires": False, "capacity": 0, "frequency": 60}],
    "servicePost": SERVICES, "servicePut": SERVICES, "sectionPut": SECTIONS,
    "transactionPut": [{"chat.sms": SECTIONS[0]}, {"sales": SECTIONS[1]}, {"options": SECTIONS[3]}]}


@pytest.fixture
def installation(nexus):
    if nexus not in installations:
        installation = Installation(nexus)
        installations[nexus] = installation, known_ids(installation)
    return installations[nexus]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_answer_to_generated_requests_is_as_documented(installation, operation):
    installation, ids = installation
    headers = installation.authorized.headers(operation, installation.ours.ccid)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(requests_for(operation, ids, BODIES.get(operation.name, [])))
    def every_answer_is_as_documented(request):
        with requests.Session() as session:
            # harness/api/watch.py compares the answer with the document.
            answer = until_accepted(lambda: request.send(session, installation.stack.url(), headers, stream=operation.is_stream),
                                    other_statuses=range(400, 503))  # 503 and 504: something was slow
            note(f"{answer.status_code} {'' if operation.is_stream else answer.text[:300]}")
            assert answer.status_code < 500
            answer.close()

    every_answer_is_as_documented()
