"""Wrong keys slow down whoever sends them, cost provisioning-worker nothing, and lock nobody else out."""

import uuid

import pytest
import requests

from harness.people import Tenant
from harness.wait import eventually

FAILURES = 20


@pytest.fixture
def make_guarded(make_stack):
    def make(**settings):
        return make_stack(settings={"gateway": {"NEXUS_LOGIN_FAILURES": FAILURES, "NEXUS_LOGIN_WINDOW": "1h", **settings}})
    return make


def knock(stack, key, origin=None, ccid=None):
    """Asks for conversations with this key; origin is where a proxy says that the request came from."""
    headers = {"x-api-key": key, **({"X-Forwarded-For": origin} if origin else {}), **({"x-ccid": ccid} if ccid else {})}
    return requests.get(f"{stack.url()}/chat/v3/conversations", headers=headers, timeout=10)


def flood(stack, count=100, origins=(None,), prefix=""):
    """Wrong keys, each another; how many were looked at, the others having been told to wait."""
    answers = [knock(stack, prefix + str(uuid.uuid4())[len(prefix):], origins[number % len(origins)])
               for number in range(count)]
    assert {answer.status_code for answer in answers} <= {401, 429}
    return [answer for answer in answers if answer.status_code == 401], [a for a in answers if a.status_code == 429]


def lookups(stack):
    """How often provisioning-worker was asked, as far as its metrics have come."""
    return stack.metric("nexus_tasks_total", message="caller.lookup")


def forget_callers(stack):
    """What the gateways know about the holders of keys is asked anew."""
    stack.query("update api_key set name = name")


def test_a_flood_of_wrong_keys_is_stopped_before_it_is_looked_up(make_guarded):
    stack = make_guarded()
    looked_at, stopped = flood(stack, 300)

    assert len(looked_at) == FAILURES and len(stopped) == 300 - FAILURES
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in stopped)
    assert stopped[0].headers["RateLimit-Policy"] == f'"login";q={FAILURES};w=3600'
    eventually(lambda: lookups(stack) == FAILURES, "that is what provisioning-worker saw")


def test_right_keys_go_on_beside_the_flood(make_guarded):
    stack = make_guarded()
    tenant = Tenant(stack)
    assert knock(stack, tenant.agent_token).status_code == 200
    flood(stack)

    assert knock(stack, tenant.agent_token).status_code == 200
    forget_callers(stack)
    for _ in range(5):
        assert knock(stack, tenant.agent_token).status_code == 200


def test_a_new_key_behind_the_same_address_waits_and_gets_in(make_guarded):
    stack = make_guarded(NEXUS_LOGIN_WINDOW="5s")
    tenant = Tenant(stack)
    flood(stack)

    eventually(lambda: knock(stack, tenant.agent_token).status_code == 200, "a failure has grown old")


def test_the_same_wrong_key_counts_once(make_guarded):
    stack, wrong = make_guarded(), str(uuid.uuid4())

    assert {knock(stack, wrong).status_code for _ in range(5 * FAILURES)} == {401}

    assert knock(stack, Tenant(stack).agent_token).status_code == 200


def test_who_may_not_say_where_a_request_comes_from_is_not_believed(make_guarded):
    stack = make_guarded()

    looked_at, _ = flood(stack, origins=[f"198.51.100.{number}" for number in range(100)])

    assert len(looked_at) == FAILURES


def test_behind_a_trusted_proxy_each_client_has_its_own_count(make_guarded):
    stack = make_guarded(NEXUS_TRUSTED_PROXIES="127.0.0.0/8")
    forged = [f"203.0.113.{number}, 198.51.100.7" for number in range(100)]

    looked_at, _ = flood(stack, origins=forged)

    assert len(looked_at) == FAILURES
    assert knock(stack, Tenant(stack).agent_token, "198.51.100.7").status_code == 429
    assert knock(stack, Tenant(stack).agent_token, "198.51.100.8").status_code == 200


def test_who_attacks_a_prefix_is_stopped_and_its_owner_is_not(make_guarded):
    stack = make_guarded(NEXUS_TRUSTED_PROXIES="127.0.0.0/8", NEXUS_LOGIN_PREFIX_FAILURES=30)
    tenant = Tenant(stack)
    prefix = tenant.agent_token[:13]

    looked_at, stopped = flood(stack, 200, [f"198.51.100.{number}" for number in range(10)], prefix)

    assert len(looked_at) == 30 and len(stopped) == 170
    assert knock(stack, tenant.agent_token, "192.0.2.1").status_code == 200


def test_without_a_limit_every_key_is_looked_up(make_guarded):
    stack = make_guarded(NEXUS_LOGIN_FAILURES=0, NEXUS_LOGIN_PREFIX_FAILURES=0)

    looked_at, stopped = flood(stack)

    assert len(looked_at) == 100 and not stopped


def test_what_nobody_could_check_is_no_failure(make_guarded):
    stack = make_guarded()
    stack["provisioning-worker-0"].stop()
    answers = [knock(stack, str(uuid.uuid4())) for _ in range(2 * FAILURES)]
    assert {answer.status_code for answer in answers} == {503}

    stack["provisioning-worker-0"].restart()
    stack.wait_for("green")

    assert knock(stack, Tenant(stack).agent_token).status_code == 200


def test_a_range_that_cannot_be_read_stops_the_start(make_guarded):
    stack = make_guarded()
    gateway = stack["gateway-0"]
    gateway.stop()
    gateway.environment["NEXUS_TRUSTED_PROXIES"] = "everybody"
    gateway.start()

    assert gateway.wait() != 0
    assert "NEXUS_TRUSTED_PROXIES" in gateway.tail()
    del gateway.environment["NEXUS_TRUSTED_PROXIES"]
    gateway.restart()
