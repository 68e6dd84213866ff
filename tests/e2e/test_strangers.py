"""What somebody without a key sees and may ask for: what is documented, and no more often than is good for others."""

import pytest
import requests

from harness.people import Tenant

DOCUMENTED = {"buildInfo", "startTime", "os", "upTime", "memoryUsage", "cache", "db", "state"}
INSIDE = {"reasons", "causes", "deaths", "workers", "queues"}
BEHIND_A_PROXY = {"NEXUS_TRUSTED_PROXIES": "127.0.0.0/8"}
STRANGER, NEIGHBOUR = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}


@pytest.fixture
def proxied(make_stack):
    return make_stack(settings={"gateway": BEHIND_A_PROXY})


def members_of(stack, headers):
    answer = requests.get(f"{stack.url()}/health/detail", headers=headers, timeout=5)
    assert answer.status_code == 200
    return set(answer.json())


def test_strangers_see_of_health_what_is_documented_and_operators_see_all(proxied):
    tenant = Tenant(proxied)
    tokens = {"nobody": None, "an administrator": tenant.administrator().token, "an agent": tenant.agent_token,
              "a wrong key": "x" * 36}
    operators = {"an operator": proxied.operator().token, "a cluster key": tenant.cluster_key}

    for token in tokens.values():
        assert members_of(proxied, STRANGER | ({"Authorization": f"Bearer {token}"} if token else {})) == DOCUMENTED
    for token in operators.values():
        assert members_of(proxied, STRANGER | {"Authorization": f"Bearer {token}"}) == DOCUMENTED | INSIDE
    assert members_of(proxied, {}) == DOCUMENTED | INSIDE, "who asks from this machine"
    assert members_of(proxied, {"X-Forwarded-For": "127.0.0.1"}) == DOCUMENTED | INSIDE


def test_a_proxy_that_is_not_named_does_not_make_strangers_neighbours(nexus):
    assert members_of(nexus, STRANGER) == DOCUMENTED
    assert members_of(nexus, {"X-Forwarded-For": "127.0.0.1"}) == DOCUMENTED
    assert members_of(nexus, {"Forwarded": "for=203.0.113.7"}) == DOCUMENTED
    assert members_of(nexus, {}) == DOCUMENTED | INSIDE


def test_health_can_be_shown_to_everybody(make_stack):
    stack = make_stack(settings={"gateway": {**BEHIND_A_PROXY, "NEXUS_HEALTH_DETAIL": "everybody"}})

    assert members_of(stack, STRANGER) == DOCUMENTED | INSIDE


def test_a_word_that_says_nothing_about_who_sees_health_is_refused(make_stack):
    stack = make_stack()
    gateway = stack["gateway-0"]
    assert gateway.stop() == 0
    gateway.environment["NEXUS_HEALTH_DETAIL"] = "friends"

    assert gateway.start().wait() == 125

    assert "NEXUS_HEALTH_DETAIL is operators or everybody" in gateway.tail()
    del gateway.environment["NEXUS_HEALTH_DETAIL"]
    gateway.restart()


def test_what_makes_work_without_a_key_is_limited_by_address_and_nothing_else_is(make_stack):
    stack = make_stack(settings={"gateway": {**BEHIND_A_PROXY, "NEXUS_OPEN_REQUESTS": "5", "NEXUS_LOGIN_WINDOW": "3600s"}})
    tenant = Tenant(stack)

    def ask(path, headers=STRANGER):
        return requests.get(stack.url() + path, headers=headers, timeout=5, allow_redirects=False)

    assert [ask("/auth/login").status_code for _ in range(3)] == [302] * 3
    assert [ask("/chat/v3/attachments/guessed").status_code for _ in range(2)] == [404] * 2
    refused = ask("/auth/login")

    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-policy"] == '"open";q=5;w=3600'
    assert ask("/auth/login", NEIGHBOUR).status_code == 302
    for path in ("/health/live", "/health/ready", "/health/detail", "/openapi.json"):
        assert ask(path).status_code == 200
    with_key = tenant.agent()
    with_key.session.headers.update(STRANGER)
    assert with_key.get("/chat/v3/conversations").status_code == 200


def test_the_description_of_the_api_is_compressed_and_not_sent_to_who_has_it(nexus):
    url = f"{nexus.url()}/openapi.json"
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=5)
    compressed = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=5)
    again = requests.get(url, headers={"If-None-Match": plain.headers["etag"]}, timeout=5)

    assert "content-encoding" not in plain.headers and plain.json()["openapi"].startswith("3.")
    assert compressed.headers["content-encoding"] == "gzip" and compressed.content == plain.content
    assert int(compressed.headers["content-length"]) < len(plain.content) / 4
    assert (again.status_code, again.content) == (304, b"")
    assert requests.get(url, headers={"If-None-Match": '"another"'}, timeout=5).status_code == 200
