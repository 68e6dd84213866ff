"""The audit log: every administrative change adds one permanent row in its database transaction, without any value."""

import csv
import io
import json
import pathlib

import psycopg2
import pytest
import requests

from harness.answers import data_of
from harness.api.openapi import Api
from harness.api.samples import sample
from harness.identities import Installation
from harness.nexus.stack import BINARIES
from harness.people import Tenant, until_accepted

ADMINISTRATIVE = ("MESSAGES", "KEYS", "TENANTS", "SERVICES")
CHANGES = [operation for operation in Api.of(BINARIES).operations
           if operation.method != "GET" and operation.row["permission"] in ADMINISTRATIVE]

installations = {}  # stack → Installation


@pytest.fixture
def installation(nexus):
    if nexus not in installations:
        installations[nexus] = Installation(nexus)
    return installations[nexus]


def audit_of(caller, **filters):
    """GWS has half of the deadline to say who a new caller is, which may not be enough on a busy machine."""
    return data_of(until_accepted(lambda: caller.get("/nexus/v3/audit", params=filters)))


def rows(tenant):
    """All rows of this contact center, the oldest first."""
    page = audit_of(tenant.administrator(), count=1000)
    assert page["next"] is None
    return page["changes"][::-1]


def test_the_list_of_administrative_changes_is_not_empty():
    assert len(CHANGES) >= 10


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.name)
def test_every_administrative_change_leaves_one_row(installation, operation):
    request = sample(operation, installation)
    before = rows(installation.ours)
    with requests.Session() as session:
        answer = request.send(session, installation.stack.url(), installation.authorized.headers(operation, installation.ours.ccid))

    new = rows(installation.ours)[len(before):]
    assert answer.status_code == operation.success, answer.text
    assert len(new) == 1, new
    assert new[0]["actor"] == installation.ours_rights[:13]
    assert (new[0]["credential"], new[0]["address"]) == ("key", "127.0.0.1")


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.name)
def test_a_refused_change_leaves_no_row(installation, operation):
    request = sample(operation, installation)
    before = rows(installation.ours)
    with requests.Session() as session:
        answer = request.send(session, installation.stack.url(), installation.stranger.headers(operation, installation.ours.ccid))

    assert not request.concerns_us or answer.status_code == 404
    assert rows(installation.ours) == before


def test_a_row_names_the_fields_that_changed_and_no_value(tenant):
    path = f"/nexus/v3/provisioning/services/{tenant.ccid}/Kaleyra"
    body = {"url": "https://kaleyra.example.com", "data": {"senderId": "12345"},
            "secret": {"username": "one user", "password": "one password"}}
    administrator = tenant.administrator()
    until_accepted(lambda: administrator.put(path, json=body))
    administrator.put(path, json={**body, "secret": {"username": "one user", "password": "another one"}}).raise_for_status()

    made, changed = rows(tenant)[-2:]
    assert (made["action"], made["object"]) == ("service.create", "Kaleyra")
    assert (changed["credential"], changed["action"], changed["fields"]) == ("token", "service.change", ["secret"])
    shown = json.dumps(audit_of(administrator))
    assert "one password" not in shown and "another one" not in shown and "kaleyra.example.com" not in shown


def test_administrators_see_changes_of_their_contact_center_and_operators_see_all(installation):
    ours = audit_of(installation.ours.administrator(), count=1000)["changes"]
    theirs = audit_of(installation.theirs.administrator(), count=1000)["changes"]
    everything = audit_of(installation.stack.operator(), count=1000)["changes"]

    assert {change["tenant"] for change in ours} == {installation.ours.ccid}
    assert {change["tenant"] for change in theirs} == {installation.theirs.ccid}
    assert {installation.ours.ccid, installation.theirs.ccid} <= {change["tenant"] for change in everything}


def test_the_log_is_read_page_by_page_without_gap_or_repetition(installation):
    administrator, seen, after = installation.ours.administrator(), [], ""
    while after is not None:
        page = audit_of(administrator, count=2, after=after)
        assert len(page["changes"]) <= 2
        seen += [change["id"] for change in page["changes"]]
        after = page["next"]

    assert seen == [change["id"] for change in audit_of(administrator, count=1000)["changes"]]
    assert len(set(seen)) == len(seen) > 2


def test_the_log_is_filtered_by_actor_object_action_and_time(tenant):
    administrator = tenant.administrator()
    made = until_accepted(lambda: administrator.post("/nexus/v3/apikeys", json={
        "tenant": tenant.ccid, "name": "short lived", "permissions": ["nexus:consumer:chat"]})).json()
    tenant.stack.private.add(made["id"])
    prefix = made["id"][:13]
    administrator.delete(f"/nexus/v3/apikeys/{prefix}").raise_for_status()

    assert [c["action"] for c in audit_of(administrator, object=prefix)["changes"]] == ["key.revoke", "key.create"]
    assert [c["object"] for c in audit_of(administrator, action="key.revoke")["changes"]] == [prefix]
    assert audit_of(administrator, actor="nobody")["changes"] == []
    assert audit_of(administrator, to="2020-01-01")["changes"] == []
    refused = until_accepted(lambda: administrator.get("/nexus/v3/audit", params={"from": "yesterday"}), other_statuses=(400,))
    assert refused.status_code == 400


def test_nexusctl_adds_rows_with_the_name_of_its_user(tenant):
    stack = tenant.stack
    made = json.loads(stack.nexusctl("keys", "create", "--tenant", tenant.ccid, "--name", "test key", "--permission",
                                     "nexus:consumer:chat", "--json").stdout)
    stack.private.add(made["key"])
    stack.nexusctl("keys", "revoke", made["key"][:13])

    user = pathlib.Path("/proc/self").owner()
    changes = rows(tenant)
    assert [change["action"] for change in changes][-2:] == ["key.create", "key.revoke"]
    assert {(change["actor"], change["credential"]) for change in changes} == {(user, "local")}
    assert {"tenant.create", "key.create", "service.create", "number.create"} <= {change["action"] for change in changes}


def test_a_dry_run_adds_no_row(tenant):
    operator = tenant.stack.operator()
    latest = audit_of(operator, count=1)["changes"]
    tenant.stack.nexusctl("apply", "-f", "-", "--dry-run", check=False, standard_input=json.dumps(
        {"tenants": [{"ccid": tenant.ccid, "name": tenant.name + " renamed"}]}))

    assert latest and audit_of(operator, count=1)["changes"] == latest


def test_the_log_is_exported_as_json_lines_and_as_csv(tenant):
    as_json = [json.loads(line) for line in tenant.stack.nexusctl(
        "audit", "export", "--tenant", tenant.ccid).stdout.splitlines()]
    text = tenant.stack.nexusctl("audit", "export", "--tenant", tenant.ccid, "--format", "csv").stdout
    as_csv = list(csv.DictReader(io.StringIO(text)))

    assert as_json and [line["action"] for line in as_csv] == [line["action"] for line in as_json]
    assert "tenant.create" in tenant.stack.nexusctl("audit", "list", "--tenant", tenant.ccid).stdout


@pytest.mark.parametrize("statement", ["update audit set actor = 'nobody'", "delete from audit", "truncate audit",
                                       "truncate audit_default"])
def test_no_role_can_change_or_remove_a_row(tenant, statement):
    with pytest.raises(psycopg2.Error, match="only ever added to"):
        tenant.stack.query(statement)


@pytest.mark.parametrize("statement", ["update audit set actor = 'nobody'", "delete from audit", "truncate audit"])
def test_the_role_nexus_api_may_only_add_and_read_rows(tenant, statement):
    with pytest.raises(psycopg2.Error, match="permission denied"):
        tenant.stack.query("set role nexus_api; " + statement)


def test_rows_older_than_the_retention_are_dropped_by_whole_months(nexus):
    nexus.query("""set role nexus_owner; create table audit_20200101 partition of audit
                       for values from ('2020-01-01T00:00:00Z') to ('2020-02-01T00:00:00Z')""")
    nexus.query("insert into audit (at, actor, credential, action, object) values ('2020-01-15', 'x', 'local', 'x', 'x')")
    Tenant(nexus)
    operator = nexus.operator()
    assert len(audit_of(operator, to="2021-01-01")["changes"]) == 1
    before = audit_of(operator, **{"from": "2021-01-01", "count": 1000})

    nexus.query("select upkeep_audit(400)")

    assert audit_of(operator, to="2021-01-01")["changes"] == []
    assert before["changes"] and audit_of(operator, **{"from": "2021-01-01", "count": 1000}) == before
