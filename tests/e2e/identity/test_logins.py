"""Wrong keys slow down their sender, cause no work in provisioning-worker, and do not lock out others."""

import uuid

import pytest
import requests

from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually

FAILURES = 20


@pytest.fixture
def make_guarded(make_stack):
    def make(**settings):
        return make_stack(settings={"gateway": {"NEXUS_LOGIN_FAILURES": FAILURES, "NEXUS_LOGIN_WINDOW": "1h", **settings}})
    return make


def request_with_key(stack, key, origin=None, ccid=None):
    """Requests conversations with this key; origin is the client's address that a proxy reports."""
    headers = {"x-api-key": key, **({"X-Forwarded-For": origin} if origin else {}), **({"x-ccid": ccid} if ccid else {})}
    return requests.get(f"{stack.url()}/chat/v3/conversations", headers=headers, timeout=LONGEST_ANSWER)


def flood(stack, count=100, origins=(None,), prefix=""):
    """Sends different wrong keys: (the answers with 401, the answers with 429)."""
    answers = [request_with_key(stack, prefix + str(uuid.uuid4())[len(prefix):], origins[number % len(origins)])
               for number in range(count)]
    assert {answer.status_code for answer in answers} <= {401, 429}
    return [answer for answer in answers if answer.status_code == 401], [a for a in answers if a.status_code == 429]


def lookups(stack):
    """How many keys provisioning-worker has looked up, according to its metrics."""
    return stack.metric("nexus_tasks_total", message="caller.lookup")


def forget_callers(stack):
    """Makes the gateways look up all keys again."""
    stack.query("update api_key set name = name")


def test_a_flood_of_wrong_keys_is_stopped_before_it_is_looked_up(make_guarded):
    stack = make_guarded()
    checked, stopped = flood(stack, 300)

    assert len(checked) == FAILURES and len(stopped) == 300 - FAILURES
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in stopped)
    assert stopped[0].headers["RateLimit-Policy"] == f'"login";q={FAILURES};w=3600'
    eventually(lambda: lookups(stack) == FAILURES, "provisioning-worker has looked up only these")


def test_right_keys_go_on_beside_the_flood(make_guarded):
    stack = make_guarded()
    tenant = Tenant(stack)
    assert request_with_key(stack, tenant.agent_token).status_code == 200
    flood(stack)

    assert request_with_key(stack, tenant.agent_token).status_code == 200
    forget_callers(stack)
    for _ in range(5):
        assert request_with_key(stack, tenant.agent_token).status_code == 200


def test_a_new_key_from_the_same_address_is_accepted_after_the_window(make_guarded):
    stack = make_guarded(NEXUS_LOGIN_WINDOW="5s")
    tenant = Tenant(stack)
    flood(stack)

    eventually(lambda: request_with_key(stack, tenant.agent_token).status_code == 200, "the key is accepted")


def test_the_same_wrong_key_counts_once(make_guarded):
    stack, wrong = make_guarded(), str(uuid.uuid4())

    assert {request_with_key(stack, wrong).status_code for _ in range(5 * FAILURES)} == {401}

    assert request_with_key(stack, Tenant(stack).agent_token).status_code == 200


def test_an_untrusted_forwarded_address_is_ignored(make_guarded):
    stack = make_guarded()

    checked, _ = flood(stack, origins=[f"198.51.100.{number}" for number in range(100)])

    assert len(checked) == FAILURES


def test_each_client_behind_a_trusted_proxy_has_its_own_count(make_guarded):
    stack = make_guarded(NEXUS_TRUSTED_PROXIES="127.0.0.0/8")
    forged = [f"203.0.113.{number}, 198.51.100.7" for number in range(100)]

    checked, _ = flood(stack, origins=forged)

    assert len(checked) == FAILURES
    assert request_with_key(stack, Tenant(stack).agent_token, "198.51.100.7").status_code == 429
    assert request_with_key(stack, Tenant(stack).agent_token, "198.51.100.8").status_code == 200


def test_a_flood_with_the_prefix_of_a_key_is_stopped_and_the_key_is_accepted(make_guarded):
    stack = make_guarded(NEXUS_TRUSTED_PROXIES="127.0.0.0/8", NEXUS_LOGIN_PREFIX_FAILURES=30)
    tenant = Tenant(stack)
    prefix = tenant.agent_token[:13]

    checked, stopped = flood(stack, 200, [f"198.51.100.{number}" for number in range(10)], prefix)

    assert len(checked) == 30 and len(stopped) == 170
    assert request_with_key(stack, tenant.agent_token, "192.0.2.1").status_code == 200


def test_without_a_limit_every_key_is_looked_up(make_guarded):
    stack = make_guarded(NEXUS_LOGIN_FAILURES=0, NEXUS_LOGIN_PREFIX_FAILURES=0)

    checked, stopped = flood(stack)

    assert len(checked) == 100 and not stopped


def test_a_key_that_could_not_be_checked_is_not_a_failure(make_guarded):
    stack = make_guarded()
    stack["provisioning-worker-0"].stop()
    answers = [request_with_key(stack, str(uuid.uuid4())) for _ in range(2 * FAILURES)]
    assert {answer.status_code for answer in answers} == {503}

    stack["provisioning-worker-0"].restart()
    stack.wait_for("green")

    assert request_with_key(stack, Tenant(stack).agent_token).status_code == 200


def test_a_gateway_with_a_malformed_address_range_does_not_start(make_guarded):
    stack = make_guarded()
    gateway = stack["gateway-0"]
    gateway.stop()
    gateway.environment["NEXUS_TRUSTED_PROXIES"] = "everybody"
    gateway.start()

    assert gateway.wait() != 0
    assert "NEXUS_TRUSTED_PROXIES" in gateway.tail()
    del gateway.environment["NEXUS_TRUSTED_PROXIES"]
    gateway.restart()
