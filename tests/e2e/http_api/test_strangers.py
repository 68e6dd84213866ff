"""Callers without a key: they see only the documented part of health, and their requests are limited by address."""

import pytest
import requests

from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually

DOCUMENTED = {"buildInfo", "startTime", "os", "upTime", "memoryUsage", "cache", "db", "state"}
INSIDE = {"reasons", "causes", "deaths", "workers", "queues"}
BEHIND_A_PROXY = {"NEXUS_TRUSTED_PROXIES": "127.0.0.0/8"}
REMOTE, OTHER_REMOTE = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}


@pytest.fixture
def proxied(make_stack):
    return make_stack(settings={"gateway": BEHIND_A_PROXY})


def members_of(stack, headers):
    answer = requests.get(f"{stack.url()}/health/detail", headers=headers, timeout=LONGEST_ANSWER)
    assert answer.status_code == 200
    return set(answer.json())


def test_public_callers_see_the_documented_part_of_health_and_operators_see_all(proxied):
    tenant = Tenant(proxied)
    tokens = {"no token": None, "an administrator": tenant.administrator().token, "an agent": tenant.agent_token,
              "a wrong key": "x" * 36}
    operators = {"an operator": proxied.operator().token, "a cluster key": tenant.cluster_key}

    for token in tokens.values():
        assert members_of(proxied, REMOTE | ({"Authorization": f"Bearer {token}"} if token else {})) == DOCUMENTED
    for name, token in operators.items():  # GWS may not say in time who an operator is, because Nexus waits for it for half of the deadline
        eventually(lambda: members_of(proxied, REMOTE | {"Authorization": f"Bearer {token}"}) == DOCUMENTED | INSIDE, f"{name} sees all")
    assert members_of(proxied, {}) == DOCUMENTED | INSIDE, "a caller on this machine"
    assert members_of(proxied, {"X-Forwarded-For": "127.0.0.1"}) == DOCUMENTED | INSIDE


def test_a_proxy_that_is_not_trusted_does_not_make_remote_callers_local(nexus):
    assert members_of(nexus, REMOTE) == DOCUMENTED
    assert members_of(nexus, {"X-Forwarded-For": "127.0.0.1"}) == DOCUMENTED
    assert members_of(nexus, {"Forwarded": "for=203.0.113.7"}) == DOCUMENTED
    assert members_of(nexus, {}) == DOCUMENTED | INSIDE


def test_a_setting_shows_all_of_health_to_every_caller(make_stack):
    stack = make_stack(settings={"gateway": {**BEHIND_A_PROXY, "NEXUS_HEALTH_DETAIL": "everybody"}})

    assert members_of(stack, REMOTE) == DOCUMENTED | INSIDE


def test_an_unknown_value_of_the_setting_is_refused(make_stack):
    stack = make_stack()
    gateway = stack["gateway-0"]
    assert gateway.stop() == 0
    gateway.environment["NEXUS_HEALTH_DETAIL"] = "friends"

    assert gateway.start().wait() == 125

    assert "NEXUS_HEALTH_DETAIL is operators or everybody" in gateway.tail()
    del gateway.environment["NEXUS_HEALTH_DETAIL"]
    gateway.restart()


def test_costly_requests_without_a_key_are_limited_by_address_and_no_other_requests(make_stack):
    stack = make_stack(settings={"gateway": {**BEHIND_A_PROXY, "NEXUS_OPEN_REQUESTS": "5", "NEXUS_LOGIN_WINDOW": "3600s"}})
    tenant = Tenant(stack)

    def ask(path, headers=REMOTE):
        return requests.get(stack.url() + path, headers=headers, timeout=LONGEST_ANSWER, allow_redirects=False)

    assert [ask("/auth/login").status_code for _ in range(3)] == [302] * 3
    assert [ask("/chat/v3/attachments/guessed").status_code for _ in range(2)] == [404] * 2
    refused = ask("/auth/login")

    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-policy"] == '"open";q=5;w=3600'
    assert ask("/auth/login", OTHER_REMOTE).status_code == 302
    for path in ("/health/live", "/health/ready", "/health/detail", "/openapi.json"):
        assert ask(path).status_code == 200
    with_key = tenant.agent()
    with_key.session.headers.update(REMOTE)
    assert with_key.get("/chat/v3/conversations").status_code == 200
