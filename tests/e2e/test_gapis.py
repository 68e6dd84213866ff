"""For whom a GWS may vouch, and how operators set one up without its secret being seen."""

import json
import uuid

import pytest
import requests

from harness.browser import Browser
from harness.fault_run import under_audit
from harness.gws import CLIENT
from harness.nexusctl import Operator
from harness.people import Tenant
from harness.wait import eventually

SECRET = "a client secret of a test"


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def may(stack, token):
    return requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": f"Bearer {token}"}, timeout=5).status_code


def test_a_gws_vouches_for_the_contact_centers_of_its_row_and_for_operators_where_it_says_so(make_stack):
    stack = make_stack()
    own, other = Tenant(stack), Tenant(stack)

    def seen():
        return [may(stack, stack.gws.token("nexus", own.ccid)), may(stack, stack.gws.token("nexus", other.ccid)),
                may(stack, stack.gws.token("ops"))]

    assert seen() == [200, 200, 200], "the first row vouches for all"
    stack.query("update nex_gapis set centers = array[%s::uuid]", own.ccid)
    eventually(lambda: seen() == [200, 401, 200], "another contact center's users are refused")
    stack.query("update nex_gapis set operators = false")
    eventually(lambda: seen() == [200, 401, 401], "operators are refused")
    stack.query("update nex_gapis set centers = null")
    eventually(lambda: seen() == [200, 200, 401], "all contact centers are vouched for")
    stack.query("insert into nex_gapis (url, clientid, centers) values ('http://127.0.0.1:1', 'x', array[%s::uuid])", own.ccid)
    eventually(lambda: seen()[:2] == [401, 200], "whom another row names is not vouched for by the first")


def written(postgres, words):
    """Whether they stand anywhere in what PostgreSQL keeps on disk: tables, WAL, logs. Backups are copies of that."""
    postgres.administer("checkpoint")
    return any(words.encode() in file.read_bytes() for file in postgres.folder.rglob("*") if file.is_file())


def test_people_log_in_with_a_secret_that_nexusctl_sealed_and_that_stands_nowhere_on_disk(make_stack, postgres):
    with under_audit(make_stack, knows_gws=False, statuses={200}) as run:
        stack, tenant = run.stack, run.tenant
        nexusctl = Operator(stack.postgres, stack.database)
        nexusctl.settings = {"NEXUS_KEY_ENCRYPTION_KEY_FILE": str(stack.folder / "key_encryption_key")}
        stack.gws.register().raise_for_status()
        assert may(stack, stack.gws.token("nexus", tenant.ccid)) == 401
        (stack.folder / "client").write_text(stack.gws.client_secret)

        added = nexusctl.json("gapis", "add", "--url", stack.gws.url, "--client-id", CLIENT, "--operators",
                              "--secret-file", str(stack.folder / "client"))

        assert added["secret"] == "sealed" and added["operators"] and added["centers"] is None
        assert Browser(stack).log_in(f"{tenant.ccid}\\nexus").status_code == 302
        assert may(stack, stack.gws.token("nexus", tenant.ccid)) == 200
    assert written(postgres, tenant.number) and not written(postgres, stack.gws.client_secret)
    [row] = nexusctl.json("gapis")["gapis"]
    nexusctl.run("gapis", "remove", row["id"])
    assert may(stack, stack.gws.token("nexus", tenant.ccid)) == 401
    assert stack.query("select actor <> '', action from audit where action like 'gapis.%%' order by id") == [
        (True, "gapis.create"), (True, "gapis.delete")]


def test_a_row_is_added_sealed_listed_and_removed(operator):
    center = str(uuid.uuid4())
    first = operator.json("gapis", "add", "--url", "https://one.example.com", "--client-id", "one", "--operators",
                          "--secret", SECRET)
    second = operator.json("gapis", "add", "--url", "https://two.example.com", "--client-id", "two", "--center", center)

    rows = operator.json("gapis", "list")["gapis"]

    assert rows == [first, second]
    assert [(row["operators"], row["centers"], row["secret"]) for row in rows] == [
        (True, None, "sealed"), (False, [center], "none")]
    assert SECRET not in json.dumps(rows) and operator.value("select clientsecret from nex_gapis where clientid = 'one'").startswith("v2|")
    assert center in operator.run("gapis").stdout
    assert "there already" not in operator.run("gapis", "remove", first["id"]).stdout
    assert operator.json("gapis")["gapis"] == [second]
    assert "no such row" in operator.run("gapis", "remove", first["id"], code=1).stderr


@pytest.mark.parametrize("words, says", [
    (["add", "--url", "https://a.example"], "--client-id"), (["remove"], "no row is named"), (["remove", "x"], "no row is named"),
    (["add", "--url", "https://a.example", "--client-id", "a", "--center", "b"], "a UUID is wanted")])
def test_a_row_that_is_not_clear_is_wrong_use(operator, words, says):
    assert says in operator.run("gapis", *words, code=2).stderr


def test_an_upgrade_leaves_one_row_vouching_for_all_and_binds_further_ones(operator):
    operator.query("drop trigger gapis_bound on nex_gapis; drop function gapis_bound(); "
                   "alter table nex_gapis drop column centers, drop column operators")
    ccid = str(uuid.uuid4())
    operator.query("insert into tenant (ccid, name, backend_url) values (%s, 'second', 'https://two.example.com/')", ccid)
    operator.query("insert into nex_gapis (url, clientid) values ('https://one.example.com', 'one'), ('https://two.example.com', 'two')")

    operator.migration("gapis_vouch")

    assert [(row["operators"], row["centers"]) for row in operator.json("gapis")["gapis"]] == [(True, None), (False, [ccid])]
