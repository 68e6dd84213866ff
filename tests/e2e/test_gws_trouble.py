"""GWS says who is calling. When it is slow, wrong or away, nobody gets in, nobody waits for long, and who has a key does not
notice."""

import concurrent.futures
import json
import secrets
import time
import uuid

import pytest
import requests

from harness.people import Tenant, User
from harness.wait import eventually

CONVERSATIONS = "/chat/v3/conversations"
PATIENCE = 10.0  # seconds that anybody waits for GWS, at most, under any load of the machine that runs the tests


@pytest.fixture
def tenant(nexus):
    yield Tenant(nexus)
    requests.delete(f"{nexus.simulator_url}/sim/knobs", timeout=5)


def refused_for_now(answer):
    """503 with the time to come again, in the form of our own paths."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    return True


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
def test_a_users_token_is_good_with_and_without_its_scheme(tenant, scheme):
    user = tenant.gws_agent()
    user.session.headers["Authorization"] = scheme + user.token

    assert user.get(CONVERSATIONS).status_code == 200


def test_a_user_sees_his_own_contact_center_only(tenant):
    other = Tenant(tenant.stack)
    phone = tenant.phone()
    tenant.aggregator().message(phone)

    assert phone in tenant.gws_agent().get(CONVERSATIONS).text
    assert phone not in other.gws_agent().get(CONVERSATIONS).text


def test_gws_is_asked_once_about_a_token_that_is_used_often(tenant):
    user = tenant.gws_agent()

    assert [user.get(CONVERSATIONS).status_code for _ in range(20)] == 20 * [200]

    assert tenant.stack.gws.counts(tenant.ccid)["gwsUserinfo"] == 1


def test_a_client_that_speaks_for_itself_is_no_operator(tenant):
    granted = tenant.stack.gws.grant(grant_type="client_credentials").json()

    client = User(tenant.stack, 0, granted["access_token"])

    for path in (CONVERSATIONS, "/nexus/v3/apikeys", "/nexus/v3/provisioning/tenants"):
        assert client.get(path).status_code == 403
        assert client.get(path, headers={"x-ccid": tenant.ccid}).status_code == 403


def test_a_token_that_gws_does_not_know_is_refused(tenant):
    assert User(tenant.stack, 0, str(uuid.uuid4())).get(CONVERSATIONS).status_code == 401


@pytest.mark.parametrize("how", ["text", "cut", "empty", "list", "types", "huge"])
def test_an_answer_of_gws_that_makes_no_sense_opens_nothing(tenant, how):
    user = tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_answers=how)

    refused_for_now(user.get(CONVERSATIONS))

    tenant.stack.gws.knobs(tenant.ccid, gws_answers="right")
    eventually(lambda: user.get(CONVERSATIONS).status_code == 200, "he is let in", within=5)


@pytest.mark.parametrize("status, answer", [(500, 503), (502, 503), (503, 503), (429, 503), (404, 503), (302, 503),
                                            (401, 401), (403, 401)])
def test_an_error_of_gws_opens_nothing(tenant, status, answer):
    user = tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_status=status)

    refused = user.get(CONVERSATIONS)

    assert refused.status_code == answer, refused.text


def test_the_log_names_the_request_for_which_gws_failed(tenant):
    trace, user = secrets.token_hex(16), tenant.gws_agent()
    tenant.stack.gws.knobs(tenant.ccid, gws_status=500)

    refused_for_now(user.get(CONVERSATIONS, headers={"traceparent": f"00-{trace}-{'1' * 16}-01"}))

    lines = [json.loads(line) for line in tenant.stack["provisioning-worker-0"].log.read_text().splitlines()]
    assert [line["traceId"] for line in lines if line["event"] == "gws.failed"][-1] == trace


def test_a_slow_gws_is_waited_for_a_moment_and_delays_nobody_else(tenant):
    users = [tenant.gws_agent() for _ in range(20)]
    tenant.stack.gws.knobs(tenant.ccid, gws_latency_ms=60000)

    def ask(user):
        begin = time.monotonic()
        return user.get(CONVERSATIONS, timeout=30), time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        asked = [pool.submit(ask, user) for user in users]
        eventually(lambda: tenant.stack.gws.counts(tenant.ccid).get("gwsUserinfo", 0) > 0, "GWS is being asked")
        begin = time.monotonic()
        assert tenant.agent().get(CONVERSATIONS).status_code == 200
        assert Tenant(tenant.stack).gws_agent().get(CONVERSATIONS).status_code == 200
        assert time.monotonic() - begin < PATIENCE / 2
        for answer, took in (future.result() for future in asked):
            refused_for_now(answer)
            assert took < PATIENCE


def forgetful(make_stack, **shape):
    """A Nexus that remembers what GWS said for a second only."""
    return Tenant(make_stack(settings={"gateway": {"NEXUS_GWS_TOKEN_CACHE": "1s"}}, **shape))


def test_an_expired_or_signed_out_token_is_refused_within_the_cache_time(make_stack):
    tenant = forgetful(make_stack)
    signed_out = tenant.gws_agent(2)
    tenant.stack.gws.knobs(tenant.ccid, gws_token_life_ms=2000)
    expiring, begin = tenant.gws_agent(), time.monotonic()
    assert expiring.get(CONVERSATIONS).status_code == 200
    assert signed_out.get(CONVERSATIONS).status_code == 200

    tenant.stack.gws.sign_out(signed_out.token)

    eventually(lambda: signed_out.get(CONVERSATIONS).status_code == 401, "who signed out is refused", within=3)
    eventually(lambda: expiring.get(CONVERSATIONS).status_code == 401, "whose token expired is refused", within=5)
    assert time.monotonic() - begin >= 2


def test_while_gws_is_away_nobody_new_gets_in_and_keys_go_on(make_stack):
    tenant = Tenant(make_stack())
    known, newcomer = tenant.gws_agent(1), tenant.gws_agent(2)
    assert known.get(CONVERSATIONS).status_code == 200

    tenant.stack["simulator-0"].stop()

    refused_for_now(newcomer.get(CONVERSATIONS))
    refused_for_now(User(tenant.stack, 0, str(uuid.uuid4())).get(CONVERSATIONS))
    assert known.get(CONVERSATIONS).status_code == 200
    assert tenant.agent().get(CONVERSATIONS).status_code == 200

    tenant.stack["simulator-0"].restart()
    tenant.stack.gws.register().raise_for_status()
    eventually(lambda: tenant.gws_agent(2).get(CONVERSATIONS).status_code == 200, "he is let in", within=5)


def test_a_frozen_gws_is_as_good_as_none(make_stack):
    tenant = Tenant(make_stack())
    newcomer = tenant.gws_agent()
    tenant.stack["simulator-0"].freeze()

    begin = time.monotonic()
    refused_for_now(newcomer.get(CONVERSATIONS, timeout=30))
    took = time.monotonic() - begin

    tenant.stack["simulator-0"].thaw()
    assert took < PATIENCE
    eventually(lambda: newcomer.get(CONVERSATIONS).status_code == 200, "he is let in", within=5)


def test_once_the_cache_time_is_over_nobody_is_let_in_on_what_gws_said_long_ago(make_stack):
    tenant = forgetful(make_stack)
    user = tenant.gws_agent()
    assert user.get(CONVERSATIONS).status_code == 200

    tenant.stack["simulator-0"].stop()

    eventually(lambda: user.get(CONVERSATIONS).status_code != 200, "what GWS said is forgotten", within=3)
    refused_for_now(user.get(CONVERSATIONS))
    tenant.stack["simulator-0"].restart()
