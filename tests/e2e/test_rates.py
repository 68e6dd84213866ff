"""How often a key may call is counted for all gateways together; where Redis is away each gives out its share."""

import re
import statistics
import uuid

import pytest
import requests

from harness.people import Tenant
from harness.wait import eventually

CAPACITY, PERIOD = 10, 36000  # nothing comes back while a test runs


class Limited:
    """An agent's key with a limit; call() is a request that counts and changes nothing."""

    def __init__(self, stack, capacity=CAPACITY, frequency=PERIOD):
        self.stack, self.tenant = stack, Tenant(stack)
        stack.query("update api_key set capacity = %s, frequency = %s where name = 'agent' and tenant_id = "
                    "(select id from tenant where ccid = %s)", capacity, frequency, self.tenant.ccid)

    def call(self, gateway=0):
        answer = requests.post(f"{self.stack.url(gateway)}/chat/v3/conversations/{uuid.uuid4()}/accept", timeout=10,
                               headers={"Authorization": f"Bearer {self.tenant.agent_token}"})
        assert answer.status_code in (404, 429), answer.text
        return answer

    def calls(self, count, gateways=2):
        """How many of them were allowed."""
        return sum(self.call(number % gateways).status_code == 404 for number in range(count))


@pytest.fixture(scope="module")
def two_gateways(request, postgres, template):
    from harness.stack import Stack
    stack = Stack(postgres, template, gateways=2).start()
    eventually(lambda: known_gateways(stack) == 2, "both gateways know of each other")
    yield stack
    stack.finish()


def known_gateways(stack):
    """How many the gateway knows of that knows of fewest."""
    return stack.metric("nexus_gateways")


def decided_alone(stack):
    """How many requests a gateway counted by itself, because Redis was slow; the metrics are a second late."""
    return stack.metric("nexus_rate_decisions_total", by="share")


def eval_calls(stack):
    line = re.search(r"cmdstat_evalsha:calls=(\d+)", stack.redis.command_line("info", "commandstats"))
    return int(line[1]) if line else 0


def test_two_gateways_give_out_one_capacity(two_gateways):
    allowed = Limited(two_gateways).calls(3 * CAPACITY)

    assert allowed == CAPACITY or decided_alone(two_gateways) > 0 and allowed <= 2 * CAPACITY


def test_one_key_does_not_use_up_anothers(two_gateways):
    Limited(two_gateways).calls(2 * CAPACITY)

    assert Limited(two_gateways).call().status_code == 404


def test_the_answers_say_what_is_left_and_when_to_come_again(two_gateways):
    key = Limited(two_gateways, capacity=3, frequency=30)

    answers = [key.call(number % 2) for number in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert all(answer.headers["RateLimit-Policy"] == '"key";q=3;w=30' for answer in answers)
    left = [re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["RateLimit"]).groups() for answer in answers]
    assert [int(r) for r, _ in left] == [2, 1, 0, 0]
    assert all(0 < int(t) <= 30 for _, t in left)
    assert int(left[3][1]) <= 10 < 11 <= int(answers[3].headers["Retry-After"]) + 10
    assert int(answers[3].headers["Retry-After"]) >= int(left[3][1])
    assert "Retry-After" not in answers[0].headers


def test_those_who_are_refused_are_told_different_times(two_gateways):
    key = Limited(two_gateways)
    key.calls(CAPACITY)

    waits = {key.call().headers["Retry-After"] for _ in range(30)}

    assert len(waits) > 1


def test_a_key_without_a_limit_and_a_route_without_one_cost_redis_nothing(two_gateways):
    limited, unlimited = Limited(two_gateways), Limited(two_gateways, capacity=0)
    limited.call()
    before = eval_calls(two_gateways)

    for _ in range(5):
        answer = unlimited.call()
        assert answer.status_code == 404 and "RateLimit" not in answer.headers
        assert "RateLimit" not in limited.tenant.agent().get("/chat/v3/conversations").headers

    assert eval_calls(two_gateways) == before


def test_a_limited_request_costs_redis_one_script(two_gateways):
    key = Limited(two_gateways)
    before = eval_calls(two_gateways)

    key.calls(4)

    assert eval_calls(two_gateways) == before + 4 or decided_alone(two_gateways) > 0


def test_tokens_come_back_evenly(two_gateways):
    key = Limited(two_gateways, capacity=2, frequency=2)
    key.calls(2)

    assert key.call().status_code == 429
    eventually(lambda: key.call().status_code == 404, "a token has come back", within=5)


def test_a_capacity_that_an_administrator_lowers_holds_within_a_second(two_gateways):
    key = Limited(two_gateways, capacity=1000)
    assert key.call().headers["RateLimit-Policy"].startswith('"key";q=1000')

    two_gateways.query("update api_key set capacity = 1 where name = 'agent' and tenant_id = "
                       "(select id from tenant where ccid = %s)", key.tenant.ccid)

    eventually(lambda: key.call().headers["RateLimit-Policy"].startswith('"key";q=1;'), "the new limit is known", within=5)


# ---- Redis goes away


@pytest.fixture
def stack(make_stack):
    stack = make_stack(gateways=2)
    eventually(lambda: known_gateways(stack) == 2, "both gateways know of each other")
    return stack


def test_without_redis_each_gateway_gives_out_its_share(stack):
    stack.redis.kill()
    stack.wait_for("yellow")

    assert Limited(stack).calls(3 * CAPACITY) == CAPACITY


def test_who_had_used_up_his_share_does_not_start_anew_when_redis_dies(stack):
    key = Limited(stack)
    assert key.calls(CAPACITY) >= CAPACITY - 2
    stack.redis.kill()
    stack.wait_for("yellow")

    assert key.calls(3 * CAPACITY) <= 2


def test_redis_comes_back_and_counts_again(stack):
    stack.redis.kill()
    stack.wait_for("yellow")
    assert Limited(stack).call().status_code == 404

    stack.redis.start().ready()
    stack.wait_for("green")

    eventually(lambda: counts_in_redis(stack), "the gateways count in Redis again")


def counts_in_redis(stack):
    before = eval_calls(stack)
    Limited(stack).calls(2)
    return eval_calls(stack) == before + 2


def test_a_flushed_redis_costs_nobody_an_answer(stack):
    key = Limited(stack)
    key.calls(CAPACITY // 2)

    stack.redis.command_line("flushall")
    stack.redis.command_line("script", "flush")
    allowed = key.calls(5 * CAPACITY)

    assert CAPACITY // 2 <= allowed <= 2 * CAPACITY
    eventually(lambda: counts_in_redis(stack), "the script is there again")
    stack.wait_for("green")


def test_a_redis_that_hangs_delays_a_moment_and_answers_nobody_5xx(stack):
    key = Limited(stack)
    stack.redis.freeze()
    try:
        answers = [key.call(number % 2) for number in range(40)]
        stack.wait_for("yellow")
        later = Limited(stack).calls(3 * CAPACITY)
    finally:
        stack.redis.thaw()

    assert 0 < sum(answer.status_code == 404 for answer in answers) <= CAPACITY
    assert statistics.median(answer.elapsed.total_seconds() for answer in answers) < 1
    assert later == CAPACITY
    stack.wait_for("green")


def test_503_says_when_to_come_again_and_not_to_all_the_same(make_stack):
    stack = make_stack()
    workers = [stack[f"{program}-0"] for program in ("chat-worker", "sms-worker", "provisioning-worker")]
    for worker in workers:
        worker.stop()
    eventually(lambda: requests.get(f"{stack.url()}/health/ready", timeout=5).status_code == 503, "all services are away")

    answers = [requests.get(f"{stack.url()}/health/ready", timeout=5) for _ in range(30)]

    assert all(answer.status_code == 503 for answer in answers)
    assert len({answer.headers["Retry-After"] for answer in answers}) > 1
    for worker in workers:
        worker.restart()
