"""GWS identifies users. If it is slow, wrong or away, no user gets in, no request waits for long, and callers with keys are not
affected."""

import concurrent.futures
import json
import secrets
import uuid

import pytest
import requests

from harness.load.fault_run import PATIENT
from harness.people import Tenant, User, until_accepted
from harness.wait import LONGEST_ANSWER, eventually

CONVERSATIONS = "/chat/v3/conversations"


@pytest.fixture
def tenant(nexus):
    yield Tenant(nexus)
    requests.delete(f"{nexus.simulator_url}/sim/knobs", timeout=LONGEST_ANSWER)


def conversations(user, *other_statuses):
    """The answer to a request of this user."""
    return until_accepted(lambda: user.get(CONVERSATIONS), other_statuses=other_statuses)


def assert_refused_temporarily(answer):
    """Asserts 503 with a Retry-After."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    return True


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
def test_a_users_token_is_valid_with_and_without_its_scheme(tenant, scheme):
    user = tenant.gws_agent()
    user.session.headers["Authorization"] = scheme + user.token

    assert conversations(user).status_code == 200


def test_a_user_sees_only_their_own_contact_center(tenant):
    other = Tenant(tenant.stack)
    phone = tenant.phone()
    tenant.aggregator().message(phone)

    assert phone in conversations(tenant.gws_agent()).text
    assert phone not in conversations(other.gws_agent()).text


def test_gws_is_asked_once_about_a_token_that_is_used_often(tenant):
    def questions():
        user, before = tenant.gws_agent(), tenant.stack.gws.counts(tenant.ccid).get("gwsUserinfo", 0)
        assert [user.get(CONVERSATIONS).status_code for _ in range(20)] == 20 * [200]
        return tenant.stack.gws.counts(tenant.ccid)["gwsUserinfo"] - before

    # A report of changed permissions, which makes the gateway forget users, may come meanwhile.
    eventually(lambda: questions() == 1, "all requests are accepted, and GWS is asked once")


def test_a_client_without_a_user_is_not_an_operator(tenant):
    granted = tenant.stack.gws.grant(grant_type="client_credentials").json()

    client = User(tenant.stack, 0, granted["access_token"])

    for path in (CONVERSATIONS, "/nexus/v3/apikeys", "/nexus/v3/provisioning/tenants"):
        for headers in ({}, {"x-ccid": tenant.ccid}):
            assert until_accepted(lambda: client.get(path, headers=headers), other_statuses=(403,)).status_code == 403


def test_a_token_that_gws_does_not_know_is_refused(tenant):
    assert conversations(User(tenant.stack, 0, str(uuid.uuid4())), 401).status_code == 401


@pytest.mark.parametrize("how", ["text", "cut", "empty", "list", "types", "huge"])
def test_an_answer_of_gws_that_makes_no_sense_opens_nothing(tenant, how):
    user = tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_answers=how)

    assert_refused_temporarily(user.get(CONVERSATIONS))

    tenant.stack.gws.knobs(tenant.ccid, gws_answers="right")
    eventually(lambda: user.get(CONVERSATIONS).status_code == 200, "the user is accepted")


@pytest.mark.parametrize("status, answer", [(500, 503), (502, 503), (503, 503), (429, 503), (404, 503), (302, 503),
                                            (401, 401), (403, 401)])
def test_an_error_of_gws_grants_no_access(tenant, status, answer):
    user = tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_status=status)

    refused = conversations(user, answer)

    assert refused.status_code == answer, refused.text


def test_the_log_names_the_request_for_which_gws_failed(tenant):
    trace, user = secrets.token_hex(16), tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_status=500)

    assert_refused_temporarily(user.get(CONVERSATIONS, headers={"traceparent": f"00-{trace}-{'1' * 16}-01"}))

    text = tenant.stack["provisioning-worker-0"].log.read_text()
    lines = [json.loads(line) for line in text[:text.rindex("\n")].splitlines()]
    assert trace in [line["traceId"] for line in lines if line["event"] == "gws.failed"]


def test_a_slow_gws_is_waited_for_a_moment_and_delays_nobody_else(tenant):
    users = [tenant.gws_agent() for _ in range(20)]
    tenant.stack.gws.knobs(tenant.ccid, gws_latency_ms=60000)

    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        asked = [pool.submit(user.get, CONVERSATIONS, timeout=30) for user in users]  # half of the time that GWS takes
        eventually(lambda: tenant.stack.gws.counts(tenant.ccid).get("gwsUserinfo", 0) > 0, "GWS has got a request")
        assert tenant.agent().get(CONVERSATIONS).status_code == 200
        assert conversations(Tenant(tenant.stack).gws_agent()).status_code == 200
        for future in asked:
            assert_refused_temporarily(future.result())


def with_short_cache(make_stack, **shape):
    """A tenant of a Nexus that caches answers of GWS for only one second."""
    return Tenant(make_stack(settings={"gateway": {"NEXUS_GWS_TOKEN_CACHE": "1s"}}, **shape))


def test_an_expired_or_signed_out_token_is_refused_within_the_cache_time(make_stack):
    tenant = with_short_cache(make_stack)
    signed_out = tenant.gws_agent(2)
    tenant.stack.gws.knobs(tenant.ccid, gws_token_life_ms=2000)

    def accepted_before_the_token_expires():
        user = tenant.gws_agent()
        return user.get(CONVERSATIONS).status_code == 200 and user

    expiring = eventually(accepted_before_the_token_expires, "a user whose token expires soon is accepted")
    assert conversations(signed_out).status_code == 200

    tenant.stack.gws.sign_out(signed_out.token)

    eventually(lambda: signed_out.get(CONVERSATIONS).status_code == 401, "the user who signed out is refused")
    eventually(lambda: expiring.get(CONVERSATIONS).status_code == 401, "the user whose token expired is refused")


def test_while_gws_is_away_new_users_are_refused_and_keys_work(make_stack):
    tenant = Tenant(make_stack())
    new_user = tenant.gws_agent(2)
    gws = tenant.stack["simulator-0"]

    def gws_is_back():
        gws.restart()
        tenant.stack.gws.register().raise_for_status()

    def known_without_gws():
        if not gws.alive:
            gws_is_back()
        known = tenant.gws_agent(1)  # a GWS that was started again does not know the token of before
        assert conversations(known).status_code == 200
        gws.stop()
        return known.get(CONVERSATIONS).status_code == 200

    eventually(known_without_gws, "the user is known, and the gateway has heard of the new contact center, which makes it forget users", 30)
    assert_refused_temporarily(new_user.get(CONVERSATIONS))
    assert_refused_temporarily(User(tenant.stack, 0, str(uuid.uuid4())).get(CONVERSATIONS))
    assert tenant.agent().get(CONVERSATIONS).status_code == 200

    gws_is_back()
    eventually(lambda: tenant.gws_agent(2).get(CONVERSATIONS).status_code == 200, "the user is accepted")


def test_a_request_has_time_left_after_gws_took_long_to_say_who_sends_it(make_stack):
    tenant = Tenant(make_stack(**PATIENT))  # 12 s for a request, and half of it for GWS
    tenant.stack.gws.knobs(tenant.ccid, gws_latency_ms=2500)

    assert tenant.gws_agent().get(CONVERSATIONS).status_code == 200


def test_a_frozen_gws_counts_as_unavailable(make_stack):
    tenant = Tenant(make_stack())
    new_user = tenant.gws_agent()
    tenant.stack["simulator-0"].freeze()

    assert_refused_temporarily(new_user.get(CONVERSATIONS))

    tenant.stack["simulator-0"].thaw()
    eventually(lambda: new_user.get(CONVERSATIONS).status_code == 200, "the user is accepted")


def test_a_cached_answer_of_gws_is_not_used_after_the_cache_time(make_stack):
    tenant = with_short_cache(make_stack)
    user = tenant.gws_agent()
    assert conversations(user).status_code == 200

    tenant.stack["simulator-0"].stop()

    eventually(lambda: user.get(CONVERSATIONS).status_code != 200, "the cached answer has expired")
    assert_refused_temporarily(user.get(CONVERSATIONS))
    tenant.stack["simulator-0"].restart()


TROUBLE = [{"gws_status": 500}, {"gws_status": 302}, {"gws_status": 404}, {"gws_latency_ms": 5000},
           *({"gws_answers": how} for how in ("text", "cut", "empty", "list", "types", "huge"))]


@pytest.mark.parametrize("knobs", TROUBLE, ids=lambda knobs: "-".join(str(x) for pair in knobs.items() for x in pair))
def test_a_failing_gws_grants_nothing_and_does_not_count_as_a_wrong_token(nexus, tenant, knobs):
    administrator = tenant.administrator()
    nexus.gws.knobs(tenant.ccid, **knobs)

    answer = administrator.get("/nexus/v3/ledger")

    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    nexus.gws.knobs(tenant.ccid, gws_status=0, gws_latency_ms=0, gws_answers="right")
    assert until_accepted(lambda: administrator.get("/nexus/v3/ledger")).status_code == 200


def test_many_requests_with_one_token_cause_one_request_to_gws(nexus, tenant):
    nexus.gws.knobs(tenant.ccid, gws_latency_ms=300)

    def questions():
        token, before = nexus.gws.token("nexus", tenant.ccid), nexus.gws.counts(tenant.ccid).get("gwsUserinfo", 0)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            assert list(pool.map(lambda _: requests.get(f"{nexus.url()}/nexus/v3/ledger", timeout=LONGEST_ANSWER,
                                                        headers={"Authorization": token}).status_code, range(20))) == [200] * 20
        return nexus.gws.counts(tenant.ccid)["gwsUserinfo"] - before

    # A report of changed permissions, which makes the gateway forget users, may come meanwhile.
    eventually(lambda: questions() == 1, "all requests are accepted, and GWS is asked once")
    nexus.gws.knobs(tenant.ccid, gws_latency_ms=0)


def test_an_expired_token_is_refused_after_the_cache_time(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_GWS_TOKEN_CACHE": "1s"}})
    tenant = Tenant(stack)
    stack.gws.knobs(tenant.ccid, gws_token_life_ms=1500)

    def accepted_before_the_token_expires():
        user = tenant.administrator()
        return user.get("/nexus/v3/ledger").status_code == 200 and user

    administrator = eventually(accepted_before_the_token_expires, "an administrator whose token expires soon is accepted")
    eventually(lambda: administrator.get("/nexus/v3/ledger").status_code == 401, "the token is refused")


def test_a_token_is_valid_if_any_gws_knows_it(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stack.query("insert into nex_gapis (url, clientid, authinturl) values ('http://127.0.0.1:1', 'x', 'http://127.0.0.1:1')")
    stack.query("update nex_gapis set id = default where clientid = 'nexus_client'")  # now it is the second row

    administrator = tenant.administrator()
    assert until_accepted(lambda: administrator.get("/nexus/v3/ledger")).status_code == 200
    url, wrong = f"{stack.url()}/nexus/v3/ledger", {"Authorization": "wrong"}
    refused = requests.get(url, headers=wrong, timeout=LONGEST_ANSWER)
    assert refused.status_code == 503, "the first GWS has not answered that it does not know the token"

    stack.query("update tenant set backend_url = 'http://127.0.0.1:1/' where ccid = %s", tenant.ccid)
    stack.query("delete from nex_gapis where clientid = 'x'")
    assert until_accepted(lambda: requests.get(url, headers=wrong, timeout=LONGEST_ANSWER), other_statuses=(401,)).status_code == 401


def test_without_gws_no_token_is_valid(make_stack):
    stack = make_stack(knows_gws=False)

    answer = requests.get(f"{stack.url()}/nexus/v3/ledger", headers={"Authorization": "Bearer x"}, timeout=LONGEST_ANSWER)
    login = requests.get(f"{stack.url()}/auth/login", allow_redirects=False, timeout=LONGEST_ANSWER)

    assert (answer.status_code, login.status_code) == (401, 503)
