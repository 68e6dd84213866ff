"""Who may do what: every operation of the document × everybody, each with the exact status that the operation's row in
the route table demands. A new row is covered by being there."""

import re
import uuid

import pytest
import requests

from harness.identities import Identity, Town
from harness.openapi import Api
from harness.routes import TABLE
from harness.samples import sample
from harness.stack import BINARIES

OPERATIONS = Api.of(BINARIES).operations
GUARDED = [operation for operation in OPERATIONS if operation.row["credentials"] != "NONE"]
OPEN = [operation for operation in OPERATIONS if operation.row["credentials"] == "NONE"]

towns = {}  # stack → Town: its people are made once


@pytest.fixture
def town(nexus):
    if nexus not in towns:
        towns[nexus] = Town(nexus)
    return towns[nexus]


@pytest.fixture
def session():
    with requests.Session() as session:
        yield session


def named(operation):
    return operation.name


def status_for(town, session, who, operation, request):
    answer = request.send(session, town.stack.url(), who.headers(operation, town.ours.ccid), stream=operation.is_stream)
    answer.close()
    return answer.status_code


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_everybody_gets_what_the_route_table_says(town, session, operation):
    wrong = []
    for who in town.everybody:
        request = sample(operation, town)
        wanted, got = who.expected(operation, request.concerns_us), status_for(town, session, who, operation, request)
        if got != wanted:
            wrong.append(f"{who}: {got}, not {wanted}")

    assert not wrong, f"{operation}: " + "; ".join(wrong)


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.path_names()], ids=named)
def test_what_belongs_to_another_contact_center_is_not_found(town, session, operation):
    request = sample(operation, town)

    assert status_for(town, session, town.stranger, operation, request) == 404
    assert status_for(town, session, town.right, operation, request) == operation.success


@pytest.mark.parametrize("operation", OPEN, ids=named)
def test_what_is_open_is_the_same_for_everybody(town, session, operation):
    got = {}
    for who in town.everybody:
        got.setdefault(session.request(operation.method, town.stack.url() + operation.path.replace("{file}", "a.js"),
                                       headers=who.headers(operation, town.ours.ccid), timeout=10,
                                       allow_redirects=False).status_code, []).append(who.name)

    assert len(got) == 1, got
    assert not operation.declared["security"] or set(got) == {401}


def test_the_matrix_has_something_for_every_permission(town):
    for operation in GUARDED:
        allowed = [who for who in town.everybody if who.is_valid and who.may(operation)]
        refused = [who for who in town.everybody if who.is_valid and not who.may(operation)]
        assert len(allowed) >= 2, operation
        assert refused, operation


def test_every_row_of_the_route_table_is_asked_about_by_everybody():
    rows = re.findall(r'^(?:CALL|STREAM|OWN|LOCAL)\(\w+, (\w+), "([^"]+)"', TABLE.read_text(), re.MULTILINE)

    assert len(rows) > 50
    assert sorted((operation.method, operation.path) for operation in GUARDED + OPEN) == sorted(rows)


# A key of this kind stands in the source of a customer's web page: whoever reads the page has it.
@pytest.mark.parametrize("permission", ["nexus:consumer:chat", "nexus:consumer:securemail"])
def test_the_key_of_a_web_page_opens_nothing_that_is_guarded(permission):
    holder = Identity("a web page", "its key", (permission,))

    assert [operation for operation in GUARDED if holder.may(operation)] == []


def test_what_was_never_there_is_not_found_either(town, session):
    for operation in GUARDED:
        for name in operation.path_names():
            if name == "id":
                request = sample(operation, town)
                path = operation.path.format(**{**request.names, "id": uuid.uuid4()})
                body = {"json": request.body} if operation.needs_body else {}
                answer = session.request(operation.method, town.stack.url() + path, timeout=10,
                                         headers=town.right.headers(operation, town.ours.ccid), **body)
                assert answer.status_code == 404, f"{operation}: {answer.text}"
