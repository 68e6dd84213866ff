"""Rows of nex_gapis: the contact centers whose users a GWS may identify, and how operators add a GWS without showing its secret."""

import json
import uuid

import pytest
import requests

from harness.browser import Browser
from harness.gws import CLIENT, PASSWORD
from harness.load.fault_run import under_audit
from harness.nexus.nexusctl import Operator
from harness.people import Tenant, until_accepted
from harness.wait import LONGEST_ANSWER, eventually

SECRET = "a client secret of a test"


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def ledger_status(stack, token):
    """The status of a request with this token of GWS, once GWS has said in time whose it is: Nexus waits for it for half of the deadline."""
    return until_accepted(lambda: requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": f"Bearer {token}"},
                                               timeout=LONGEST_ANSWER), other_statuses=(401,)).status_code


def test_a_gws_vouches_for_the_contact_centers_of_its_row_and_for_operators_where_it_says_so(make_stack):
    stack = make_stack()
    own, other = Tenant(stack), Tenant(stack)

    def seen():
        return [ledger_status(stack, stack.gws.token("nexus", own.ccid)), ledger_status(stack, stack.gws.token("nexus", other.ccid)),
                ledger_status(stack, stack.gws.token("ops"))]

    assert seen() == [200, 200, 200], "the first row is valid for all"
    stack.query("update nex_gapis set centers = array[%s::uuid]", own.ccid)
    eventually(lambda: seen() == [200, 401, 200], "another contact center's users are refused")
    stack.query("update nex_gapis set operators = false")
    eventually(lambda: seen() == [200, 401, 401], "operators are refused")
    stack.query("update nex_gapis set centers = null")
    eventually(lambda: seen() == [200, 200, 401], "the row is valid for all contact centers")
    stack.query("insert into nex_gapis (url, clientid, centers) values ('http://127.0.0.1:1', 'x', array[%s::uuid])", own.ccid)
    eventually(lambda: seen()[:2] == [401, 200], "the first row is not valid for a contact center that another row names")


def test_a_login_at_a_gws_that_does_not_vouch_for_its_user_opens_no_session(make_stack):
    stack = make_stack()
    own, other = Tenant(stack), Tenant(stack)
    stack.query("update nex_gapis set centers = array[%s::uuid], operators = false", own.ccid)

    for user, password in (("ops", "ops"), (f"{other.ccid}\\nexus", PASSWORD)):
        browser = Browser(stack)
        assert until_accepted(lambda: browser.log_in(user, password), other_statuses=(403,)).status_code == 403
        assert browser.request("GET", "/auth/session").status_code == 401
    assert until_accepted(lambda: Browser(stack).log_in(f"{own.ccid}\\nexus")).status_code == 302


def written(postgres, words):
    """Whether the words are in any file of PostgreSQL: tables, WAL, logs. Backups are copies of these files."""
    postgres.administer("checkpoint")

    def found():
        try:
            return [any(words.encode() in file.read_bytes() for file in postgres.folder.rglob("*") if file.is_file())]
        except FileNotFoundError:
            return None  # PostgreSQL has renamed or removed a file meanwhile

    return eventually(found, "all files are read")[0]


def test_users_log_in_with_a_secret_that_nexusctl_sealed_and_that_is_in_no_file(make_stack, postgres):
    with under_audit(make_stack, knows_gws=False) as run:
        stack, tenant = run.stack, run.tenant
        nexusctl = Operator(stack.postgres, stack.database)
        nexusctl.settings = {"NEXUS_KEY_ENCRYPTION_KEY_FILE": str(stack.folder / "key_encryption_key")}
        stack.gws.register().raise_for_status()
        assert ledger_status(stack, stack.gws.token("nexus", tenant.ccid)) == 401
        (stack.folder / "client").write_text(stack.gws.client_secret)

        added = nexusctl.json("gapis", "add", "--url", stack.gws.url, "--client-id", CLIENT, "--operators",
                              "--secret-file", str(stack.folder / "client"))

        assert added["secret"] == "sealed" and added["operators"] and added["centers"] is None
        assert until_accepted(lambda: Browser(stack).log_in(f"{tenant.ccid}\\nexus")).status_code == 302
        assert ledger_status(stack, stack.gws.token("nexus", tenant.ccid)) == 200
    assert written(postgres, tenant.number) and not written(postgres, stack.gws.client_secret)
    [row] = nexusctl.json("gapis")["gapis"]
    nexusctl.run("gapis", "remove", row["id"])
    assert ledger_status(stack, stack.gws.token("nexus", tenant.ccid)) == 401
    changes = [change for change in nexusctl.json("audit", "list")["changes"] if change["action"].startswith("gapis.")]
    assert [(change["actor"] != "", change["action"]) for change in changes] == [(True, "gapis.delete"), (True, "gapis.create")]


def test_a_row_is_added_with_a_sealed_secret_listed_and_removed(operator):
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


@pytest.mark.parametrize("words, error", [
    (["add", "--url", "https://a.example"], "--client-id"), (["remove"], "no row is named"), (["remove", "x"], "no row is named"),
    (["add", "--url", "https://a.example", "--client-id", "a", "--center", "b"], "must be a UUID")])
def test_gapis_without_a_required_or_valid_argument_is_a_usage_error(operator, words, error):
    assert error in operator.run("gapis", *words, code=2).stderr


def test_after_an_upgrade_one_row_is_valid_for_all_and_others_for_their_contact_centers(operator):
    operator.query("drop trigger gapis_bound on nex_gapis; drop function gapis_bound(); "
                   "alter table nex_gapis drop column centers, drop column operators")
    ccid = str(uuid.uuid4())
    operator.query("insert into tenant (ccid, name, backend_url) values (%s, 'second', 'https://two.example.com/')", ccid)
    operator.query("insert into nex_gapis (url, clientid) values ('https://one.example.com', 'one'), ('https://two.example.com', 'two')")

    operator.migration("gapis_vouch")

    assert [(row["operators"], row["centers"]) for row in operator.json("gapis")["gapis"]] == [(True, None), (False, [ccid])]
