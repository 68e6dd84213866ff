"""The audit log: every administrative change leaves one row, in its transaction, for good; and no value of anybody's."""

import csv
import io
import json
import pathlib

import psycopg2
import pytest
import requests

from harness.identities import Town
from harness.openapi import Api
from harness.samples import sample
from harness.stack import BINARIES

ADMINISTRATIVE = ("MESSAGES", "KEYS", "TENANTS", "SERVICES")
CHANGES = [operation for operation in Api.of(BINARIES).operations
           if operation.method != "GET" and operation.row["permission"] in ADMINISTRATIVE]

towns = {}  # stack → Town


@pytest.fixture
def town(nexus):
    if nexus not in towns:
        towns[nexus] = Town(nexus)
    return towns[nexus]


def rows(stack, ccid):
    return stack.query("""select a.actor, a.actor_name, a.credential, a.address, a.action, a.object, a.fields
                            from audit a join tenant t on t.id = a.tenant_id where t.ccid = %s order by a.at, a.id""", ccid)


def audit_of(caller, **filters):
    return caller.get("/nexus/v3/audit", params=filters).json()["data"]


def test_there_are_administrative_changes_to_look_at():
    assert len(CHANGES) >= 10


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.name)
def test_every_administrative_change_leaves_one_row(town, operation):
    request = sample(operation, town)
    before = rows(town.stack, town.ours.ccid)
    with requests.Session() as session:
        answer = request.send(session, town.stack.url(), town.right.headers(operation, town.ours.ccid))

    new = rows(town.stack, town.ours.ccid)[len(before):]
    assert answer.status_code == operation.success, answer.text
    assert len(new) == 1, new
    assert new[0][0] == town.ours_rights[:13]
    assert new[0][2:4] == ("key", "127.0.0.1")


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.name)
def test_what_was_refused_leaves_no_row_of_a_change(town, operation):
    request = sample(operation, town)
    before = rows(town.stack, town.ours.ccid)
    with requests.Session() as session:
        answer = request.send(session, town.stack.url(), town.stranger.headers(operation, town.ours.ccid))

    assert not request.concerns_us or answer.status_code == 404
    assert rows(town.stack, town.ours.ccid) == before


def test_a_row_names_the_fields_that_changed_and_no_value(tenant):
    path = f"/nexus/v3/provisioning/services/{tenant.ccid}/Kaleyra"
    body = {"url": "https://kaleyra.example.com", "data": {"senderId": "12345"},
            "secret": {"username": "one user", "password": "one password"}}
    administrator = tenant.administrator()
    administrator.put(path, json=body).raise_for_status()
    administrator.put(path, json={**body, "secret": {"username": "one user", "password": "another one"}}).raise_for_status()

    made, changed = rows(tenant.stack, tenant.ccid)[-2:]
    assert (made[4], made[5]) == ("service.create", "Kaleyra")
    assert (changed[2], changed[4], changed[6]) == ("token", "service.change", ["secret"])
    told = json.dumps(audit_of(administrator))
    assert "one password" not in told and "another one" not in told and "kaleyra.example.com" not in told


def test_administrators_see_their_own_contact_centers_changes_and_operators_all(town):
    ours = audit_of(town.ours.administrator(), count=1000)["changes"]
    theirs = audit_of(town.theirs.administrator(), count=1000)["changes"]
    everything = audit_of(town.stack.operator(), count=1000)["changes"]

    assert {change["tenant"] for change in ours} == {town.ours.ccid}
    assert {change["tenant"] for change in theirs} == {town.theirs.ccid}
    assert {town.ours.ccid, town.theirs.ccid} <= {change["tenant"] for change in everything}


def test_the_log_is_read_page_by_page_without_gap_or_repetition(town):
    administrator, seen, after = town.ours.administrator(), [], ""
    while after is not None:
        page = audit_of(administrator, count=2, after=after)
        assert len(page["changes"]) <= 2
        seen += [change["id"] for change in page["changes"]]
        after = page["next"]

    assert seen == [change["id"] for change in audit_of(administrator, count=1000)["changes"]]
    assert len(set(seen)) == len(seen) > 2


def test_the_log_is_filtered_by_actor_object_action_and_time(tenant):
    administrator = tenant.administrator()
    made = administrator.post("/nexus/v3/apikeys", json={
        "tenant": tenant.ccid, "name": "short lived", "permissions": ["nexus:consumer:chat"]}).json()
    tenant.stack.private.add(made["id"])
    prefix = made["id"][:13]
    administrator.delete(f"/nexus/v3/apikeys/{prefix}").raise_for_status()

    assert [c["action"] for c in audit_of(administrator, object=prefix)["changes"]] == ["key.revoke", "key.create"]
    assert [c["object"] for c in audit_of(administrator, action="key.revoke")["changes"]] == [prefix]
    assert audit_of(administrator, actor="nobody")["changes"] == []
    assert audit_of(administrator, to="2020-01-01")["changes"] == []
    assert administrator.get("/nexus/v3/audit", params={"from": "yesterday"}).status_code == 400


def test_the_operators_command_leaves_rows_too_and_says_who_ran_it(tenant):
    stack = tenant.stack
    made = json.loads(stack.nexusctl("keys", "create", "--tenant", tenant.ccid, "--name", "of a test", "--permission",
                                     "nexus:consumer:chat", "--json").stdout)
    stack.private.add(made["key"])
    stack.nexusctl("keys", "revoke", made["key"][:13])

    user = pathlib.Path("/proc/self").owner()
    assert [row[4] for row in rows(stack, tenant.ccid)][-2:] == ["key.create", "key.revoke"]
    assert {(row[0], row[2]) for row in rows(stack, tenant.ccid)} == {(user, "local")}
    assert {"tenant.create", "key.create", "service.create", "number.create"} <= {
        row[4] for row in rows(stack, tenant.ccid)}


def test_a_dry_run_leaves_nothing(tenant):
    before = tenant.stack.query("select count(*) from audit")
    tenant.stack.nexusctl("apply", "-f", "-", "--dry-run", check=False, standard_input=json.dumps(
        {"tenants": [{"ccid": tenant.ccid, "name": tenant.name + " anew"}]}))

    assert tenant.stack.query("select count(*) from audit") == before


def test_the_log_is_exported_as_json_lines_and_as_csv(tenant):
    as_json = [json.loads(line) for line in tenant.stack.nexusctl(
        "audit", "export", "--tenant", tenant.ccid).stdout.splitlines()]
    text = tenant.stack.nexusctl("audit", "export", "--tenant", tenant.ccid, "--format", "csv").stdout
    as_csv = list(csv.DictReader(io.StringIO(text)))

    assert as_json and [line["action"] for line in as_csv] == [line["action"] for line in as_json]
    assert "tenant.create" in tenant.stack.nexusctl("audit", "list", "--tenant", tenant.ccid).stdout


@pytest.mark.parametrize("statement", ["update audit set actor = 'nobody'", "delete from audit", "truncate audit",
                                       "truncate audit_default"])
def test_nobody_changes_or_removes_a_row(tenant, statement):
    with pytest.raises(psycopg2.Error, match="only ever added to"):
        tenant.stack.query(statement)


@pytest.mark.parametrize("statement", ["update audit set actor = 'nobody'", "delete from audit", "truncate audit"])
def test_what_works_for_one_tenant_may_only_add_and_read(tenant, statement):
    with pytest.raises(psycopg2.Error, match="permission denied"):
        tenant.stack.query("set role nexus_api; " + statement)


def test_what_is_older_than_its_retention_goes_by_whole_months(nexus):
    nexus.query("""set role nexus_owner; create table audit_20200101 partition of audit
                       for values from ('2020-01-01T00:00:00Z') to ('2020-02-01T00:00:00Z')""")
    nexus.query("insert into audit (at, actor, credential, action, object) values ('2020-01-15', 'x', 'local', 'x', 'x')")
    before = nexus.query("select count(*) from audit where at > now() - interval '1 day'")

    nexus.query("select upkeep_audit(400)")

    assert nexus.query("select count(*) from audit where at < '2021-01-01'") == [(0,)]
    assert nexus.query("select count(*) from audit where at > now() - interval '1 day'") >= before
