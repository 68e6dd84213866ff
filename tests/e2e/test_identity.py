"""Who is calling: keys, users of GWS and their sessions; and that a change of rights is everywhere at once."""

import json
import time
import urllib.parse
import uuid

import pytest
import requests

from harness.gws import PASSWORD
from harness.wait import eventually

SESSION = "nexus_session"


class Browser:
    """Follows no redirects by itself and keeps cookies by hand: ours are Secure, and the tests speak plain HTTP."""

    def __init__(self, stack, gateway=0):
        self.stack = stack
        self.base = stack.url(gateway)
        self.cookies = {}

    def request(self, method, url, **options):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
                   **options.pop("headers", {})}
        url = url if "://" in url else self.base + url
        answer = requests.request(method, url, headers=headers, allow_redirects=False, timeout=10, **options)
        for line in answer.raw.headers.getlist("set-cookie") if url.startswith(self.base) else []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
                self.stack.private.add(value)
        return answer

    def begin(self, path="/admin/"):
        """As far as GWS's page; what the browser was told to ask for."""
        answer = self.request("GET", "/auth/login", params={"return": path})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def log_in(self, user, password=PASSWORD, path="/admin/"):
        """All the way; the answer of /auth/callback."""
        page = self.begin(path)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
        sent = self.request("POST", page.split("?")[0], data={**query, "username": user, "password": password})
        assert sent.status_code == 302, sent.text
        return self.request("GET", sent.headers["location"])

    def session(self):
        answer = self.request("GET", "/auth/session")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


# --- users of GWS

def test_an_administrator_of_a_contact_center_may_see_its_ledger(tenant):
    answer = tenant.administrator().get("/nexus/v3/ledger")

    assert answer.status_code == 200, answer.text
    assert "remainder" in answer.text


def test_an_agent_of_gws_works_under_the_name_that_gws_knows(tenant):
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    conversation = tenant.agent().conversation_with(phone)["id"]

    answer = tenant.gws_agent(3).post(f"/chat/v3/conversations/{conversation}/accept")

    assert answer.status_code == 200, answer.text
    said = tenant.gws_agent(3).get(f"/chat/v3/conversations/{conversation}").text
    assert "agent3" in said


@pytest.mark.parametrize("path", ["/nexus/v3/ledger", "/nexus/v3/undelivered"])
def test_an_agent_is_no_administrator(tenant, path):
    assert tenant.gws_agent().get(path).status_code == 403


def test_a_user_of_gws_is_no_aggregator(tenant, nexus):
    token = nexus.gws.token("nexus", tenant.ccid)

    answer = requests.post(f"{nexus.url()}/nexus/v3/sms/receipt", auth=(tenant.ccid, token), timeout=5,
                           data={"type": "receipt", "message_id": "x", "message_state": 2})

    assert answer.status_code == 401


def test_the_first_user_of_a_contact_center_founds_it_and_sees_only_it(nexus, tenant):
    ccid = str(uuid.uuid4())
    token = nexus.gws.token("nexus", ccid)

    answer = requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": token}, timeout=5)

    assert answer.status_code == 200, answer.text
    assert nexus.query("select count(*) from tenant where ccid = %s", ccid) == [(1,)]
    other = requests.get(f"{nexus.url()}/nexus/v3/ledger", timeout=5,
                         headers={"Authorization": token, "x-ccid": tenant.ccid})
    assert other.status_code == 401


def test_an_operator_acts_for_all_and_for_the_one_that_is_named(nexus, tenant):
    operator = nexus.operator()

    assert operator.get("/nexus/v3/ledger").status_code == 200
    assert operator.get("/nexus/v3/ledger", headers={"x-ccid": tenant.ccid}).status_code == 200
    assert operator.get("/nexus/v3/undelivered").status_code == 400
    assert operator.get("/nexus/v3/undelivered", headers={"x-ccid": str(uuid.uuid4())}).status_code == 401


def test_a_client_that_speaks_for_itself_may_do_nothing(nexus):
    token = nexus.gws.grant(grant_type="client_credentials").json()["access_token"]

    answer = requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": f"Bearer {token}"}, timeout=5)

    assert answer.status_code == 403, answer.text


def test_a_wrong_token_is_refused(nexus):
    for token in (str(uuid.uuid4()), "x" * 4000, "ä", "a b"):
        answer = requests.get(f"{nexus.url()}/nexus/v3/ledger", timeout=5,
                              headers={"Authorization": f"Bearer {token}".encode()})
        assert answer.status_code == 401, token
    too_long = requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": "x" * 5000}, timeout=5)
    assert too_long.status_code == 401


# --- sessions

def test_people_log_in_at_gws_and_come_back_with_a_session(nexus, tenant):
    browser = Browser(nexus)

    back = browser.log_in(f"{tenant.ccid}\\nexus", path="/admin/keys?tab=1")

    assert (back.status_code, back.headers["location"]) == (302, "/admin/keys?tab=1"), back.text
    cookie = next(line for line in back.raw.headers.getlist("set-cookie") if line.startswith(SESSION))
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"}
    session = browser.session()
    assert (session["user"], session["ccid"], session["permissions"]) == ("nexus", tenant.ccid, ["nexus:admin:*"])
    assert browser.request("GET", "/nexus/v3/ledger").status_code == 200


def test_an_operators_session_belongs_to_no_contact_center(nexus):
    browser = Browser(nexus)

    assert browser.log_in("ops", "ops").status_code == 302

    session = browser.session()
    assert (session["user"], session["ccid"]) == ("ops", None)


def test_what_changes_something_needs_the_csrf_token_where_a_cookie_says_who_asks(nexus, tenant):
    browser = Browser(nexus)
    browser.log_in(f"{tenant.ccid}\\nexus")
    csrf = browser.session()["csrf"]

    def replay(**headers):
        return browser.request("POST", "/nexus/v3/undelivered/replay", json={"ids": [str(uuid.uuid4())]},
                               headers=headers).status_code

    assert replay() == 403
    assert replay(**{"x-csrf-token": "0" * 64}) == 403
    assert replay(**{"x-csrf-token": csrf}) == 200
    assert browser.request("POST", "/auth/sign-out").status_code == 403


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "admin", "/a\r\nb", ""])
def test_nobody_is_sent_anywhere_else(nexus, path):
    answer = requests.get(f"{nexus.url()}/auth/login", params={"return": path}, allow_redirects=False, timeout=5)

    assert answer.status_code == 400, answer.headers


def test_a_code_is_taken_only_by_the_browser_that_asked_for_it(nexus, tenant):
    victim, attacker = Browser(nexus), Browser(nexus)
    page = attacker.begin()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    sent = attacker.request("POST", page.split("?")[0],
                            data={**query, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})

    assert victim.request("GET", sent.headers["location"]).status_code == 400
    victim.begin()
    assert victim.request("GET", sent.headers["location"]).status_code == 400
    assert SESSION not in victim.cookies
    assert attacker.request("GET", sent.headers["location"]).status_code == 302
    assert attacker.request("GET", sent.headers["location"]).status_code == 400, "it is good once"


def test_a_session_is_kept_as_a_digest_and_its_token_sealed(nexus, tenant):
    browser = Browser(nexus)
    browser.log_in(f"{tenant.ccid}\\nexus")

    rows = nexus.query("select digest, token from admin_session")

    assert rows and all(browser.cookies[SESSION] not in str(row) for row in rows)
    assert all(row[1].startswith("v1|") for row in rows)


def test_a_session_that_nobody_used_or_that_is_old_is_over(nexus, tenant):
    for column in ("used", "expires"):
        browser = Browser(nexus)
        browser.log_in(f"{tenant.ccid}\\nexus")
        nexus.query(f"update admin_session set {column} = now() - interval '1 day' "
                    "where tenant_id = (select id from tenant where ccid = %s) returning 1", tenant.ccid)
        assert browser.request("GET", "/auth/session").status_code == 401, column


def test_a_cookie_that_is_no_sessions_is_refused(nexus):
    browser = Browser(nexus)
    for value in ("x", "0" * 64, "0" * 63 + "g"):
        browser.cookies[SESSION] = value
        assert browser.request("GET", "/auth/session").status_code == 401
        assert browser.request("GET", "/nexus/v3/ledger").status_code == 401
def test_who_signs_out_is_out_at_every_gateway(make_stack):
    stack = make_stack(gateways=2)
    browser = Browser(stack)
    browser.log_in("ops", "ops")
    csrf, cookies = browser.session()["csrf"], dict(browser.cookies)
    others = [Browser(stack, gateway) for gateway in range(2)]
    for other in others:
        other.cookies = dict(cookies)
        assert other.request("GET", "/nexus/v3/ledger").status_code == 200

    out = browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf})

    assert out.status_code == 200 and SESSION not in browser.cookies
    for other in others:
        eventually(lambda: other.request("GET", "/nexus/v3/ledger").status_code == 401, "the session is over", 1.0)


