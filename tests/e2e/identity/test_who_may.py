"""Permissions: every operation of the document with every kind of caller returns the exact status that follows from its row
in the route table. A new row is covered automatically."""

import re
import uuid

import pytest
import requests

from harness.api.openapi import Api
from harness.api.routes import TABLE
from harness.api.samples import sample
from harness.identities import Identity, Installation
from harness.nexus.stack import BINARIES
from harness.wait import LONGEST_ANSWER, eventually

OPERATIONS = Api.of(BINARIES).operations
GUARDED = [operation for operation in OPERATIONS if operation.row["credentials"] != "NONE"]
OPEN = [operation for operation in OPERATIONS if operation.row["credentials"] == "NONE"]

installations = {}  # stack → Installation: its callers are made once


@pytest.fixture
def installation(nexus):
    if nexus not in installations:
        installations[nexus] = Installation(nexus)
    return installations[nexus]


@pytest.fixture
def session():
    with requests.Session() as session:
        yield session


def name_of(operation):
    return operation.name


def status_for(installation, session, caller, operation, request):
    answer = request.send(session, installation.stack.url(), caller.headers(operation, installation.ours.ccid), stream=operation.is_stream)
    answer.close()
    return answer.status_code


def wanted_and_got(installation, session, caller, operation):
    """The status that a caller should get and the one it got. After a refusal for the moment another sample is sent: GWS may not say in
    time who a user is, because Nexus waits for it for half of the deadline."""
    def judged():
        request = sample(operation, installation)
        got = status_for(installation, session, caller, operation, request)
        return got not in (503, 504) and (caller.expected(operation, request.concerns_us), got)

    return eventually(judged, f"{operation} is not refused for the moment")


@pytest.mark.parametrize("operation", GUARDED, ids=name_of)
def test_every_caller_gets_what_the_route_table_says(installation, session, operation):
    wrong = []
    for caller in installation.callers:
        wanted, got = wanted_and_got(installation, session, caller, operation)
        if got != wanted:
            wrong.append(f"{caller}: {got}, not {wanted}")

    assert not wrong, f"{operation}: " + "; ".join(wrong)


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.path_names()], ids=name_of)
def test_objects_of_another_contact_center_are_not_found(installation, session, operation):
    request = sample(operation, installation)

    assert status_for(installation, session, installation.stranger, operation, request) == 404
    assert status_for(installation, session, installation.authorized, operation, request) == operation.success


@pytest.mark.parametrize("operation", OPEN, ids=name_of)
def test_open_routes_answer_every_caller_alike(installation, session, operation):
    got = {}
    for caller in installation.callers:
        got.setdefault(session.request(operation.method, installation.stack.url() + operation.path.replace("{file}", "a.js"),
                                       headers=caller.headers(operation, installation.ours.ccid), timeout=LONGEST_ANSWER,
                                       allow_redirects=False).status_code, []).append(caller.name)

    assert len(got) == 1, got
    assert not operation.declared["security"] or set(got) == {401}


def test_every_operation_has_allowed_and_refused_callers(installation):
    for operation in GUARDED:
        allowed = [caller for caller in installation.callers if caller.is_valid and caller.may(operation)]
        refused = [caller for caller in installation.callers if caller.is_valid and not caller.may(operation)]
        assert len(allowed) >= 2, operation
        assert refused, operation


def test_every_route_is_tested_with_every_kind_of_caller():
    rows = re.findall(r'^(?:CALL|STREAM|OWN|LOCAL)\(\w+, (\w+), "([^"]+)"', TABLE.read_text(), re.MULTILINE)

    assert len(rows) > 50
    assert sorted((operation.method, operation.path) for operation in GUARDED + OPEN) == sorted(rows)


# Such a key is in the source of a public web page, so that every reader of the page has it.
@pytest.mark.parametrize("permission", ["nexus:consumer:chat", "nexus:consumer:securemail"])
def test_the_key_of_a_web_page_grants_no_protected_route(permission):
    holder = Identity("a web page", "its key", (permission,))

    assert [operation for operation in GUARDED if holder.may(operation)] == []


def test_objects_that_never_existed_are_not_found_either(installation, session):
    for operation in GUARDED:
        for name in operation.path_names():
            if name == "id":
                request = sample(operation, installation)
                path = operation.path.format(**{**request.names, "id": uuid.uuid4()})
                body = {"json": request.body} if operation.needs_body else {}
                answer = session.request(operation.method, installation.stack.url() + path, timeout=LONGEST_ANSWER,
                                         headers=installation.authorized.headers(operation, installation.ours.ccid), **body)
                assert answer.status_code == 404, f"{operation}: {answer.text}"
