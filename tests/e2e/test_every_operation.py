"""Every operation of the document with requests made up from it, good ones and bad ones: whatever comes, the answer is
one that the document promises, and never that something broke. The same requests in every run."""

import os

import pytest
import requests
from hypothesis import HealthCheck, given, note, settings

from harness.arbitrary import requests_for
from harness.identities import Town
from harness.openapi import Api
from harness.people import conversation_of
from harness.stack import BINARIES

OPERATIONS = Api.of(BINARIES).operations
EXAMPLES = int(os.environ.get("NEXUS_TEST_EXAMPLES", "40"))  # of each operation

towns = {}  # stack → (Town, ids that exist)


def known_ids(town):
    return {"id": [conversation_of(town.ours)],
            "ccid": [town.ours.ccid, town.theirs.ccid],
            "serviceName": ["SMS", "Async", "Email", "GWS"],
            "transaction": ["NexusServices", "NexusEndpoints", "DesignerEnv"],
            "section": ["chat.sms", "options", "sales"]}


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
    @given(requests_for(operation, ids))
    def every_answer_is_as_documented(request):
        with requests.Session() as session:
            # What the document promises is checked where requests receives (harness/watch.py).
            answer = request.send(session, town.stack.url(), headers, stream=operation.is_stream)
            note(f"{answer.status_code} {'' if operation.is_stream else answer.text[:300]}")
            assert answer.status_code < 500
            answer.close()

    every_answer_is_as_documented()
