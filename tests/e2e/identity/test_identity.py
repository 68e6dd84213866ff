"""Identification of callers: keys, users of GWS and their sessions. A change of rights takes effect at every gateway at once."""

import urllib.parse
import uuid

import pytest
import requests

from harness.browser import Browser
from harness.gws import PASSWORD
from harness.people import Tenant, until_accepted
from harness.wait import LONGEST_ANSWER, eventually

SESSION = "nexus_session"
IN_TIME = 5.0  # shorter than gateways remember users (30 s) and keys (45 s), although eventually() multiplies it


def answered(ask, *statuses):
    """The answer to a user's request. statuses: those of refusals that are answers, too."""
    return until_accepted(ask, other_statuses=statuses)


def log_in(browser, user, password=PASSWORD, **options):
    back = answered(lambda: browser.log_in(user, password, **options))
    assert back.status_code == 302, back.text
    return back


def session_of(browser):
    return eventually(browser.session, "GWS says in time whose session this is")


# --- users of GWS

def test_an_administrator_of_a_contact_center_may_see_its_ledger(tenant):
    administrator = tenant.administrator()
    answer = answered(lambda: administrator.get("/nexus/v3/ledger"))

    assert answer.status_code == 200, answer.text
    assert "remainder" in answer.text


def test_an_agent_has_its_user_name_of_gws(tenant):
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    conversation = tenant.agent().conversation_with(phone)["id"]

    agent = tenant.gws_agent(3)
    answer = answered(lambda: agent.post(f"/chat/v3/conversations/{conversation}/accept"))

    assert answer.status_code == 200, answer.text
    assert "agent3" in answered(lambda: agent.get(f"/chat/v3/conversations/{conversation}")).text


@pytest.mark.parametrize("path", ["/nexus/v3/ledger", "/nexus/v3/undelivered"])
def test_an_agent_may_not_use_administrators_routes(tenant, path):
    agent = tenant.gws_agent()

    assert answered(lambda: agent.get(path), 403).status_code == 403


def test_a_user_of_gws_may_not_post_as_an_aggregator(tenant, nexus):
    token = nexus.gws.token("nexus", tenant.ccid)

    answer = requests.post(f"{nexus.url()}/nexus/v3/sms/receipt", auth=(tenant.ccid, token), timeout=LONGEST_ANSWER,
                           data={"type": "receipt", "message_id": "x", "message_state": 2})

    assert answer.status_code == 401


def test_the_first_user_of_a_contact_center_creates_it_and_sees_no_other(nexus, tenant):
    ccid = str(uuid.uuid4())
    token = nexus.gws.token("nexus", ccid)

    def ledger(*statuses, **headers):
        return answered(lambda: requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": token, **headers},
                                             timeout=LONGEST_ANSWER), *statuses)

    assert ledger().status_code == 200
    operator = nexus.operator()
    assert answered(lambda: operator.get(f"/nexus/v3/provisioning/tenants/{ccid}")).status_code == 200
    assert ledger(401, **{"x-ccid": tenant.ccid}).status_code == 401


def test_an_operator_acts_for_all_contact_centers_or_for_the_named_one(nexus, tenant):
    operator = nexus.operator()

    def status(path, **headers):
        return answered(lambda: operator.get(path, headers=headers), 400, 401).status_code

    assert status("/nexus/v3/ledger") == 200
    assert status("/nexus/v3/ledger", **{"x-ccid": tenant.ccid}) == 200
    assert status("/nexus/v3/undelivered") == 200
    assert status("/nexus/v3/messages") == 400
    assert status("/nexus/v3/undelivered", **{"x-ccid": str(uuid.uuid4())}) == 401


def test_a_client_without_a_user_has_no_permission(nexus):
    token = nexus.gws.grant(grant_type="client_credentials").json()["access_token"]

    answer = answered(lambda: requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": f"Bearer {token}"},
                                           timeout=LONGEST_ANSWER), 403)

    assert answer.status_code == 403, answer.text


def test_a_wrong_token_is_refused(nexus):
    for token in (str(uuid.uuid4()), "x" * 4000, "ä", "a b"):
        answer = answered(lambda: requests.get(f"{nexus.url()}/nexus/v3/ledger", timeout=LONGEST_ANSWER,
                                               headers={"Authorization": f"Bearer {token}".encode()}), 401)
        assert answer.status_code == 401, token
    too_long = requests.get(f"{nexus.url()}/nexus/v3/ledger", headers={"Authorization": "x" * 5000}, timeout=LONGEST_ANSWER)
    assert too_long.status_code == 401


# --- sessions

def test_users_log_in_at_gws_and_get_a_session(nexus, tenant):
    browser = Browser(nexus)

    back = log_in(browser, f"{tenant.ccid}\\nexus", path="/admin/keys?tab=1")

    assert (back.status_code, back.headers["location"]) == (302, "/admin/keys?tab=1"), back.text
    cookie = next(line for line in back.raw.headers.getlist("set-cookie") if line.startswith(SESSION))
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"}
    session = session_of(browser)
    assert (session["user"], session["ccid"], session["permissions"]) == ("nexus", tenant.ccid, ["nexus:admin:*"])
    assert answered(lambda: browser.request("GET", "/nexus/v3/ledger")).status_code == 200


def test_an_operators_session_belongs_to_no_contact_center(nexus):
    browser = Browser(nexus)

    log_in(browser, "ops", "ops")

    session = session_of(browser)
    assert (session["user"], session["ccid"]) == ("ops", None)


def test_a_code_is_valid_only_with_the_cookie_of_the_browser_that_requested_it(nexus, tenant):
    page = Browser(nexus).begin()
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    sent = nexus.gws.post("/auth/v3/oauth/authorize", allow_redirects=False,
                          data={**asked, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent.headers["location"]).query))["code"]

    stolen = nexus.gws.grant(grant_type="authorization_code", code=code, redirect_uri=asked["redirect_uri"],
                             code_verifier="x" * 64)

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


def test_signing_out_of_nexus_signs_out_at_gws(nexus, tenant):
    browser = Browser(nexus)
    log_in(browser, f"{tenant.ccid}\\nexus")
    csrf = session_of(browser)["csrf"]

    assert browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf}).status_code == 200

    # With the token of the session, which GWS no longer accepts. Nexus waits for GWS for half of the deadline.
    eventually(lambda: nexus.gws.counts(tenant.ccid)["gwsSignOuts"] == 1, "GWS has signed the user out")
    assert nexus.query("select count(*) from admin_session where user_name = 'nexus' and tenant_id ="
                       " (select id from tenant where ccid = %s)", tenant.ccid) == [(0,)]


def test_users_can_sign_out_while_gws_is_away(make_stack):
    stack = make_stack()
    tenant, browser = Tenant(stack), Browser(stack)
    log_in(browser, f"{tenant.ccid}\\nexus")
    csrf = session_of(browser)["csrf"]
    stack["simulator-0"].kill()

    assert browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf}).status_code == 200

    assert stack.query("select count(*) from admin_session") == [(0,)]  # the row, because it holds a token of GWS
    assert browser.request("GET", "/auth/session").status_code == 401


def test_cookies_have_the_host_prefix_over_https(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_PUBLIC_URL": "https://nexus.example"}})
    stack.gws.register(redirectURIs=["https://nexus.example"]).raise_for_status()
    tenant, browser = Tenant(stack), Browser(stack)

    def log_in_by_hand():
        page = browser.begin()
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
        sent = browser.request("POST", page.split("?")[0],
                               data={**asked, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})
        return browser.request("GET", sent.headers["location"].removeprefix("https://nexus.example"))

    back = answered(log_in_by_hand)

    assert back.status_code == 302, back.text
    lines = back.raw.headers.getlist("set-cookie")
    assert [line.split("=")[0] for line in lines] == ["__Host-nexus_session", "__Host-nexus_login"]
    assert all({"Path=/", "HttpOnly", "Secure"} <= {part.strip() for part in line.split(";")} for line in lines)
    assert session_of(browser)["user"] == "nexus"
    bare = {"Cookie": f"nexus_session={browser.cookies['__Host-nexus_session']}"}
    assert requests.get(f"{stack.url()}/auth/session", headers=bare, timeout=LONGEST_ANSWER).status_code == 401


def test_a_change_needs_the_csrf_token_if_a_cookie_identifies_the_caller(nexus, tenant):
    browser = Browser(nexus)
    log_in(browser, f"{tenant.ccid}\\nexus")
    csrf = session_of(browser)["csrf"]

    def replay(**headers):
        return answered(lambda: browser.request("POST", "/nexus/v3/undelivered/replay", json={"ids": [str(uuid.uuid4())]},
                                                headers=headers), 403).status_code

    assert replay() == 403
    assert replay(**{"x-csrf-token": "0" * 64}) == 403
    assert replay(**{"x-csrf-token": csrf}) == 200
    assert browser.request("POST", "/auth/sign-out").status_code == 403


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "admin", "/a\r\nb", ""])
def test_no_redirect_leads_anywhere_else(nexus, path):
    answer = requests.get(f"{nexus.url()}/auth/login", params={"return": path}, allow_redirects=False, timeout=LONGEST_ANSWER)

    assert answer.status_code == 400, answer.headers


def test_a_code_is_accepted_only_from_the_browser_that_requested_it(nexus, tenant):
    victim, attacker = Browser(nexus), Browser(nexus)

    def new_code():
        page = attacker.begin()
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
        sent = attacker.request("POST", page.split("?")[0],
                                data={**query, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})
        return sent.headers["location"]

    locations = [new_code()]
    assert victim.request("GET", locations[0]).status_code == 400
    victim.begin()
    assert victim.request("GET", locations[0]).status_code == 400
    assert SESSION not in victim.cookies

    def redeemed():
        answer = attacker.request("GET", locations[-1])
        if answer.status_code != 302:
            locations.append(new_code())  # GWS has answered too late, so the last one may be used up
        return answer

    assert answered(redeemed).status_code == 302
    assert attacker.request("GET", locations[-1]).status_code == 400, "a code is valid once"


def test_a_session_is_kept_as_a_digest_and_its_token_sealed(nexus, tenant):
    browser = Browser(nexus)
    log_in(browser, f"{tenant.ccid}\\nexus")

    rows = nexus.query("select digest, token from admin_session")

    assert rows and all(browser.cookies[SESSION] not in str(row) for row in rows)
    assert all(row[1] and not any(word in row[1] for word in nexus.private) for row in rows)


def test_a_session_ends_when_it_is_not_used_or_too_old(nexus, tenant):
    for column in ("used", "expires"):
        browser = Browser(nexus)
        log_in(browser, f"{tenant.ccid}\\nexus")
        nexus.query(f"update admin_session set {column} = now() - interval '1 day' "
                    "where tenant_id = (select id from tenant where ccid = %s) returning 1", tenant.ccid)
        assert browser.request("GET", "/auth/session").status_code == 401, column


def test_a_cookie_without_a_session_is_refused(nexus):
    browser = Browser(nexus)
    for value in ("x", "0" * 64, "0" * 63 + "g"):
        browser.cookies[SESSION] = value
        assert browser.request("GET", "/auth/session").status_code == 401
        assert browser.request("GET", "/nexus/v3/ledger").status_code == 401


def test_signing_out_takes_effect_at_every_gateway(make_stack):
    stack = make_stack(gateways=2)
    browser = Browser(stack)
    log_in(browser, "ops", "ops")
    csrf, cookies = session_of(browser)["csrf"], dict(browser.cookies)
    others = [Browser(stack, gateway) for gateway in range(2)]
    for other in others:
        other.cookies = dict(cookies)
        assert answered(lambda: other.request("GET", "/nexus/v3/ledger")).status_code == 200

    out = browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf})

    assert out.status_code == 200 and SESSION not in browser.cookies
    for other in others:
        eventually(lambda: other.request("GET", "/nexus/v3/ledger").status_code == 401, "the session is over", IN_TIME)


# --- changes of rights

@pytest.fixture(scope="module")
def two_gateways(request, postgres, template):
    """One Nexus for the tests below, which change keys of tenants of their own."""
    from harness.nexus.stack import Stack
    stack = Stack(postgres, template, gateways=2).start()
    yield stack
    stack.finish()


def statuses(stack, token, path="/chat/v3/conversations", **headers):
    return [requests.get(stack.url(gateway) + path, headers={"Authorization": f"Bearer {token}", **headers},
                         timeout=LONGEST_ANSWER).status_code for gateway in range(2)]


SQL = {
    "disabled": "update api_key set enabled = false where id = %s",
    "revoked": "update api_key set revoked = true where id = %s",
    "expired": "update api_key set expires = now() where id = %s",
    "deleted": "delete from api_key where id = %s",
}


def key_id(stack, tenant, name):
    return stack.query("select k.id from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s and k.name = %s",
                       tenant.ccid, name)[0][0]


@pytest.mark.parametrize("how", SQL)
def test_a_key_that_sql_spoils_is_refused_everywhere_before_the_cached_answer_ends(two_gateways, how):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.query(SQL[how], key_id(two_gateways, tenant, "agent"))

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "the key is refused", IN_TIME)


@pytest.mark.parametrize("verb", ["disable", "revoke"])
def test_a_key_that_nexusctl_disables_or_revokes_is_refused_everywhere_before_the_cached_answer_ends(two_gateways, verb):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.nexusctl("keys", verb, "agent", "--tenant", tenant.ccid)

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "the key is refused", IN_TIME)


@pytest.mark.parametrize("how", ["disabled", "revoked"])
def test_a_key_that_the_api_disables_or_revokes_is_refused_everywhere_before_the_cached_answer_ends(two_gateways, how):
    tenant = Tenant(two_gateways)
    administrator = tenant.administrator()
    made = {"tenant": tenant.ccid, "name": how, "permissions": ["nexus:agent:chat"]}
    key = answered(lambda: administrator.post("/nexus/v3/apikeys", json=made)).json()["id"]
    two_gateways.private.add(key)
    assert statuses(two_gateways, key) == [200, 200]

    if how == "disabled":
        answered(lambda: administrator.put(f"/nexus/v3/apikeys/{key}", json={"enabled": False}))
    else:
        answered(lambda: administrator.delete(f"/nexus/v3/apikeys/{key}"))

    eventually(lambda: statuses(two_gateways, key) == [401, 401], "the key is refused", IN_TIME)


def test_a_key_that_is_enabled_again_is_accepted_everywhere_before_the_cached_answer_ends(two_gateways):
    tenant = Tenant(two_gateways)

    def is_accepted_in_time():
        two_gateways.nexusctl("keys", "disable", "agent", "--tenant", tenant.ccid)
        eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "the key is refused")
        two_gateways.nexusctl("keys", "enable", "agent", "--tenant", tenant.ccid)
        # After 5 s gateways forget by themselves that they have refused it.
        return eventually(lambda: statuses(two_gateways, tenant.agent_token) == [200, 200], "the key is accepted", 1.0)

    eventually(is_accepted_in_time, "gateways are told that the key is enabled", 20)


def test_changed_permissions_take_effect_everywhere_before_the_cached_answer_ends(two_gateways):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.query("update api_key set permissions = '{nexus:consumer:chat}' where id = %s",
                       key_id(two_gateways, tenant, "agent"))

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [403, 403], "the permission is gone", IN_TIME)


def test_a_cluster_key_that_is_revoked_is_refused_for_every_contact_center(two_gateways):
    tenants = [Tenant(two_gateways) for _ in range(2)]
    key = tenants[0].cluster_key
    for tenant in tenants:
        assert statuses(two_gateways, key, "/nexus/v3/undelivered", **{"x-ccid": tenant.ccid}) == [200, 200]

    two_gateways.query("update api_key set revoked = true where tenant_id is null and name = %s",
                       f"cluster of {tenants[0].name}")

    for tenant in tenants:
        eventually(lambda: statuses(two_gateways, key, "/nexus/v3/undelivered",
                                    **{"x-ccid": tenant.ccid}) == [401, 401], "the key is refused", IN_TIME)


def test_a_revoked_key_is_refused_in_time_although_the_listening_connection_ended_at_that_moment(two_gateways):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    listening = (" from pg_stat_activity where application_name like 'provisioning-worker%%'"
                 " and datname = current_database() and (query like 'listen%%' or query = 'select 1')")
    eventually(lambda: len(two_gateways.query("select pid" + listening)) == 1, "one connection listens")
    terminated = two_gateways.query("with gone as (update api_key set revoked = true where id = %s) select pg_terminate_backend(pid)"
                                    + listening, key_id(two_gateways, tenant, "agent"))

    assert len(terminated) == 1
    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "the key is refused", IN_TIME)


def changes_are_reported(stack):
    """Waits until both gateways have been told of all changes of permissions so far; what they learn now they do not forget."""
    last = Tenant(stack)
    assert statuses(stack, last.agent_token) == [200, 200]
    stack.query(SQL["revoked"], key_id(stack, last, "agent"))
    eventually(lambda: statuses(stack, last.agent_token) == [401, 401], "the gateways are told of a key that was revoked last")


def test_without_a_provisioning_worker_known_keys_work_and_others_get_503(make_stack):
    stack = make_stack(gateways=2)
    tenant, other = Tenant(stack), Tenant(stack)
    changes_are_reported(stack)
    assert statuses(stack, tenant.agent_token) == [200, 200]
    stack["provisioning-worker-0"].kill()
    for gateway in range(2):
        eventually(lambda: "provisioning-worker-0" not in stack.workers(gateway), "the gateway has noticed")

    assert statuses(stack, tenant.agent_token) == [200, 200]
    assert statuses(stack, other.agent_token) == [503, 503]
    assert statuses(stack, stack.gws.token("agent1", tenant.ccid)) == [503, 503]

    stack.query("update api_key set revoked = true where id = %s", key_id(stack, tenant, "agent"))
    stack.bring_back("provisioning-worker-0")
    eventually(lambda: statuses(stack, tenant.agent_token) == [401, 401], "the key that was revoked meanwhile is refused", IN_TIME)
