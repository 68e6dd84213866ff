"""Every operation of the document with requests made up from it, good ones and bad ones: whatever comes, the answer is
one that the document promises, and never that something broke. The same requests in every run; with NEXUS_TEST_EXAMPLES=500 more of them."""

import os

import pytest
import requests
from hypothesis import HealthCheck, given, note, settings

from harness.arbitrary import requests_for
from harness.identities import Town
from harness.openapi import Api
from harness.people import conversation_of
from harness.samples import SAMPLES
from harness.stack import BINARIES

OPERATIONS = Api.of(BINARIES).operations
EXAMPLES = int(os.environ.get("NEXUS_TEST_EXAMPLES", "30"))  # of each operation

towns = {}  # stack → (Town, ids that exist)


def known_ids(town):
    return {"id": [conversation_of(town.ours), SAMPLES["apikey"](town)["names"]["id"]],
            "ccid": [town.ours.ccid, town.theirs.ccid],
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
BODIES = {  # where the document says that the whole body is taken
    "apikeyCreate": [{"tenant": "*", "name": "n", "permissions": ["nexus:consumer:chat"], "expires": "2030-01-01T00:00:00Z",
                      "enabled": True, "capacity": 1, "frequency": 1}],
    "apikeyChange": [{"name": "n", "enabled": False, "expires": False, "capacity": 0, "frequency": 60}],
    "servicePost": SERVICES, "servicePut": SERVICES, "sectionPut": SECTIONS,
    "transactionPut": [{"chat.sms": SECTIONS[0]}, {"sales": SECTIONS[1]}, {"options": SECTIONS[3]}]}


@pytest.fixture
def town(nexus):
    if nexus not in towns:
        town = Town(nexus)
        towns[nexus] = town, known_ids(town)
    return towns[nexus]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_whatever_comes_the_answer_is_as_documented(town, operation):
    town, ids = town
    headers = town.right.headers(operation, town.ours.ccid)

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(requests_for(operation, ids, BODIES.get(operation.name, [])))
    def every_answer_is_as_documented(request):
        with requests.Session() as session:
            # What the document promises is checked where requests receives (harness/watch.py).
            answer = request.send(session, town.stack.url(), headers, stream=operation.is_stream)
            note(f"{answer.status_code} {'' if operation.is_stream else answer.text[:300]}")
            assert answer.status_code < 500
            answer.close()

    every_answer_is_as_documented()
