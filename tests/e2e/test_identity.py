"""Who is calling: keys, users of GWS and their sessions; and that a change of rights is everywhere at once."""

import concurrent.futures
import urllib.parse
import uuid

import pytest
import requests

from harness.browser import Browser
from harness.gws import PASSWORD
from harness.people import Tenant
from harness.wait import eventually

SESSION = "nexus_session"


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
    assert operator.get("/nexus/v3/undelivered").status_code == 200
    assert operator.get("/nexus/v3/messages").status_code == 400
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


def test_a_code_is_of_use_only_with_the_cookie_of_the_browser_that_asked_for_it(nexus, tenant):
    page = Browser(nexus).begin()
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    sent = nexus.gws.post("/auth/v3/oauth/authorize", allow_redirects=False,
                          data={**asked, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent.headers["location"]).query))["code"]

    stolen = nexus.gws.grant(grant_type="authorization_code", code=code, redirect_uri=asked["redirect_uri"],
                             code_verifier="x" * 64)

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


def test_who_signs_out_here_has_signed_out_at_gws(nexus, tenant):
    browser = Browser(nexus)
    browser.log_in(f"{tenant.ccid}\\nexus")
    csrf = browser.session()["csrf"]

    assert browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf}).status_code == 200

    assert nexus.gws.counts(tenant.ccid)["gwsSignOuts"] == 1  # with the session's token, which GWS knows no more
    assert nexus.query("select count(*) from admin_session where user_name = 'nexus' and tenant_id ="
                       " (select id from tenant where ccid = %s)", tenant.ccid) == [(0,)]


def test_people_sign_out_also_while_gws_does_not_listen(make_stack):
    stack = make_stack()
    tenant, browser = Tenant(stack), Browser(stack)
    browser.log_in(f"{tenant.ccid}\\nexus")
    csrf = browser.session()["csrf"]
    stack["simulator-0"].kill()

    assert browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": csrf}).status_code == 200

    assert stack.query("select count(*) from admin_session") == [(0,)]
    assert browser.request("GET", "/auth/session").status_code == 401


def test_over_https_the_cookies_are_of_this_host_alone(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_PUBLIC_URL": "https://nexus.example"}})
    stack.gws.register(redirectURIs=["https://nexus.example"]).raise_for_status()
    tenant, browser = Tenant(stack), Browser(stack)
    page = browser.begin()
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
    sent = browser.request("POST", page.split("?")[0],
                           data={**asked, "username": f"{tenant.ccid}\\nexus", "password": PASSWORD})
    back = browser.request("GET", sent.headers["location"].removeprefix("https://nexus.example"))

    assert back.status_code == 302, back.text
    lines = back.raw.headers.getlist("set-cookie")
    assert [line.split("=")[0] for line in lines] == ["__Host-nexus_session", "__Host-nexus_login"]
    assert all({"Path=/", "HttpOnly", "Secure"} <= {part.strip() for part in line.split(";")} for line in lines)
    assert browser.session()["user"] == "nexus"
    bare = {"Cookie": f"nexus_session={browser.cookies['__Host-nexus_session']}"}
    assert requests.get(f"{stack.url()}/auth/session", headers=bare, timeout=5).status_code == 401


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
    assert all(row[1] and not any(word in row[1] for word in nexus.private) for row in rows)


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




# --- changes of rights

@pytest.fixture(scope="module")
def two_gateways(request, postgres, template):
    """One Nexus for the tests below: they change keys of tenants of their own."""
    from harness.stack import Stack
    stack = Stack(postgres, template, gateways=2).start()
    yield stack
    stack.finish()


def statuses(stack, token, path="/chat/v3/conversations", **headers):
    return [requests.get(stack.url(gateway) + path, headers={"Authorization": f"Bearer {token}", **headers},
                         timeout=5).status_code for gateway in range(2)]


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
def test_a_key_that_sql_spoils_is_refused_everywhere_within_a_second(two_gateways, how):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.query(SQL[how], key_id(two_gateways, tenant, "agent"))

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "it is refused", 1.0)


@pytest.mark.parametrize("verb", ["disable", "revoke"])
def test_a_key_that_nexusctl_spoils_is_refused_everywhere_within_a_second(two_gateways, verb):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.nexusctl("keys", verb, "agent", "--tenant", tenant.ccid)

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "it is refused", 1.0)


@pytest.mark.parametrize("how", ["disabled", "revoked"])
def test_a_key_that_the_api_spoils_is_refused_everywhere_within_a_second(two_gateways, how):
    tenant = Tenant(two_gateways)
    office = tenant.administrator()
    key = office.post("/nexus/v3/apikeys", json={"tenant": tenant.ccid, "name": how,
                                                 "permissions": ["nexus:agent:chat"]}).json()["id"]
    two_gateways.private.add(key)
    assert statuses(two_gateways, key) == [200, 200]

    if how == "disabled":
        office.put(f"/nexus/v3/apikeys/{key}", json={"enabled": False}).raise_for_status()
    else:
        office.delete(f"/nexus/v3/apikeys/{key}").raise_for_status()

    eventually(lambda: statuses(two_gateways, key) == [401, 401], "it is refused", 1.0)


def test_a_key_that_is_enabled_again_is_taken_everywhere_within_a_second(two_gateways):
    tenant = Tenant(two_gateways)
    two_gateways.nexusctl("keys", "disable", "agent", "--tenant", tenant.ccid)
    assert statuses(two_gateways, tenant.agent_token) == [401, 401]

    two_gateways.nexusctl("keys", "enable", "agent", "--tenant", tenant.ccid)

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [200, 200], "it is taken", 1.0)


def test_other_permissions_hold_everywhere_within_a_second(two_gateways):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    two_gateways.query("update api_key set permissions = '{nexus:consumer:chat}' where id = %s",
                       key_id(two_gateways, tenant, "agent"))

    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [403, 403], "the permission is gone", 1.0)


def test_a_cluster_key_that_is_revoked_is_refused_for_every_contact_center(two_gateways):
    tenants = [Tenant(two_gateways) for _ in range(2)]
    key = tenants[0].cluster_key
    for tenant in tenants:
        assert statuses(two_gateways, key, "/nexus/v3/undelivered", **{"x-ccid": tenant.ccid}) == [200, 200]

    two_gateways.query("update api_key set revoked = true where tenant_id is null and name = %s",
                       f"cluster of {tenants[0].name}")

    for tenant in tenants:
        eventually(lambda: statuses(two_gateways, key, "/nexus/v3/undelivered",
                                    **{"x-ccid": tenant.ccid}) == [401, 401], "it is refused", 1.0)


def test_a_key_is_refused_in_time_although_the_listener_was_cut_off_just_then(two_gateways):
    tenant = Tenant(two_gateways)
    assert statuses(two_gateways, tenant.agent_token) == [200, 200]

    cut = two_gateways.query(
        "with gone as (update api_key set revoked = true where id = %s)"
        " select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'provisioning-worker%%'"
        " and datname = current_database() and (query like 'listen%%' or query = 'select 1')",
        key_id(two_gateways, tenant, "agent"))

    assert len(cut) == 1
    eventually(lambda: statuses(two_gateways, tenant.agent_token) == [401, 401], "it is refused", 1.0)


def test_without_provisioning_worker_known_keys_go_on_and_others_wait(make_stack):
    stack = make_stack(gateways=2)
    tenant, other = Tenant(stack), Tenant(stack)
    assert statuses(stack, tenant.agent_token) == [200, 200]
    stack["provisioning-worker-0"].kill()
    for gateway in range(2):
        eventually(lambda: "provisioning-worker-0" not in stack.workers(gateway), "the gateway knows")

    assert statuses(stack, tenant.agent_token) == [200, 200]
    assert statuses(stack, other.agent_token) == [503, 503]
    assert statuses(stack, stack.gws.token("agent1", tenant.ccid)) == [503, 503]

    stack.query("update api_key set revoked = true where id = %s", key_id(stack, tenant, "agent"))
    stack.bring_back("provisioning-worker-0")
    eventually(lambda: statuses(stack, tenant.agent_token) == [401, 401], "what happened meanwhile counts", 1.0)


# --- GWS in trouble

TROUBLE = [{"gws_status": 500}, {"gws_status": 302}, {"gws_status": 404}, {"gws_latency_ms": 5000},
           *({"gws_answers": how} for how in ("text", "cut", "empty", "list", "types", "huge"))]


@pytest.mark.parametrize("knobs", TROUBLE, ids=lambda knobs: "-".join(str(x) for pair in knobs.items() for x in pair))
def test_gws_in_trouble_opens_nothing_and_is_nobodys_wrong_token(nexus, tenant, knobs):
    administrator = tenant.administrator()
    nexus.gws.knobs(tenant.ccid, **knobs)

    answer = administrator.get("/nexus/v3/ledger")

    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    nexus.gws.knobs(tenant.ccid, gws_status=0, gws_latency_ms=0, gws_answers="right")
    assert administrator.get("/nexus/v3/ledger").status_code == 200


def test_one_token_is_asked_about_once_by_many_requests(nexus, tenant):
    token = nexus.gws.token("nexus", tenant.ccid)
    nexus.gws.knobs(tenant.ccid, gws_latency_ms=300)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{nexus.url()}/nexus/v3/ledger", timeout=5,
                                                       headers={"Authorization": token}).status_code, range(20)))

    nexus.gws.knobs(tenant.ccid, gws_latency_ms=0)
    assert answers == [200] * 20
    assert nexus.gws.counts(tenant.ccid)["gwsUserinfo"] == 1


def test_a_token_that_expired_is_refused_when_what_was_learned_is_too_old(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_GWS_TOKEN_CACHE": "1s"}})
    tenant = Tenant(stack)
    stack.gws.knobs(tenant.ccid, gws_token_life_ms=1500)
    administrator = tenant.administrator()
    assert administrator.get("/nexus/v3/ledger").status_code == 200

    eventually(lambda: administrator.get("/nexus/v3/ledger").status_code == 401, "it is refused", 4.0)


def test_the_place_that_knows_a_token_counts_wherever_it_stands(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stack.query("insert into nex_gapis (url, clientid, authinturl) values ('http://127.0.0.1:1', 'x', 'http://127.0.0.1:1')")
    stack.query("update nex_gapis set id = default where clientid = 'nexus_client'")  # now the second

    assert tenant.administrator().get("/nexus/v3/ledger").status_code == 200
    wrong = requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": "wrong"}, timeout=5)
    assert wrong.status_code == 503, "the first place did not say that it does not know it"

    stack.query("update tenant set backend_url = 'http://127.0.0.1:1/' where ccid = %s", tenant.ccid)
    stack.query("delete from nex_gapis where clientid = 'x'")
    wrong = requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": "wrong"}, timeout=5)
    assert wrong.status_code == 401


def test_without_a_place_to_ask_no_token_is_known(make_stack):
    stack = make_stack(knows_gws=False)

    answer = requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": "Bearer x"}, timeout=5)
    login = requests.get(f"{stack.url()}/auth/login", allow_redirects=False, timeout=5)

    assert (answer.status_code, login.status_code) == (401, 503)
