"""Rate limits of keys: all gateways count together; without Redis each gateway grants its share."""

import collections
import re
import uuid

import pytest
import requests

from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually

CAPACITY, PERIOD = 10, 36000  # no token returns while a test runs

counted = collections.Counter()  # Stack → how many requests its gateways have counted for keys with a limit


class Limited:
    """An agent's key with a limit; call() sends a request that counts and changes nothing."""

    def __init__(self, stack, capacity=CAPACITY, frequency=PERIOD):
        self.stack, self.tenant = stack, Tenant(stack)
        stack.query("update api_key set capacity = %s, frequency = %s where name = 'agent' and tenant_id = "
                    "(select id from tenant where ccid = %s)", capacity, frequency, self.tenant.ccid)

    def call(self, gateway=0):
        answer = requests.post(f"{self.stack.url(gateway)}/chat/v3/conversations/{uuid.uuid4()}/accept", timeout=LONGEST_ANSWER,
                               headers={"Authorization": f"Bearer {self.tenant.agent_token}"})
        counted[self.stack] += "RateLimit" in answer.headers
        assert answer.status_code in (404, 429), answer.text
        return answer

    def calls(self, count, gateways=2):
        """Sends so many requests; how many were allowed."""
        return sum(self.call(number % gateways).status_code == 404 for number in range(count))


@pytest.fixture(scope="module")
def two_gateways(request, postgres, template):
    from harness.nexus.stack import Stack
    stack = Stack(postgres, template, gateways=2).start()
    wait_for_both_gateways(stack)
    yield stack
    stack.finish()


def wait_for_both_gateways(stack):
    """Waits until both gateways report that there are two gateways."""
    eventually(lambda: stack.metric("nexus_processes", proc="gateway") == 2 and stack.metric("nexus_gateways") == 2,
               "both gateways know of each other")


def decided_alone(stack):
    """How many requests gateways counted without Redis, because it was slow; the metrics are complete before they are read."""
    eventually(lambda: stack.metric("nexus_rate_decisions_total") == counted[stack], "the metrics count every request")
    return stack.metric("nexus_rate_decisions_total", by="share")


def decided_by_redis(stack, ask):
    """The result of ask(), which is repeated until Redis has decided each of its requests: a gateway waits only 20 ms for Redis, and a
    busy machine may need longer."""
    def asked():
        before = decided_alone(stack)
        result = ask()
        return [result] if decided_alone(stack) == before else None

    return eventually(asked, "Redis decides every request", 20)[0]


def eval_calls(stack):
    line = re.search(r"cmdstat_evalsha:calls=(\d+)", stack.redis.command_line("info", "commandstats"))
    return int(line[1]) if line else 0


def test_two_gateways_give_out_one_capacity(two_gateways):
    allowed = Limited(two_gateways).calls(3 * CAPACITY)

    assert allowed == CAPACITY or decided_alone(two_gateways) > 0 and allowed <= 2 * CAPACITY


def test_each_key_has_its_own_capacity(two_gateways):
    Limited(two_gateways).calls(2 * CAPACITY)

    assert Limited(two_gateways).call().status_code == 404


def test_answers_have_the_remaining_capacity_and_the_time_to_try_again(two_gateways):
    def four_answers():
        key = Limited(two_gateways, capacity=3, frequency=300)
        return [key.call(number % 2) for number in range(4)]

    answers = decided_by_redis(two_gateways, four_answers)

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert all(answer.headers["RateLimit-Policy"] == '"key";q=3;w=300' for answer in answers)
    left = [re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["RateLimit"]).groups() for answer in answers]
    assert [int(r) for r, _ in left] == [2, 1, 0, 0]
    assert all(0 < int(t) <= 300 for _, t in left)
    assert int(left[3][1]) <= 100
    assert int(answers[3].headers["Retry-After"]) >= int(left[3][1])
    assert "Retry-After" not in answers[0].headers


def test_refused_callers_get_different_retry_times(two_gateways):
    key = Limited(two_gateways)
    key.calls(CAPACITY)

    # A gateway that Redis did not answer in time may have left tokens there.
    answers = [key.call() for _ in range(30 + CAPACITY)]

    waits = [answer.headers["Retry-After"] for answer in answers if answer.status_code == 429]
    assert len(waits) >= 30 and len(set(waits)) > 1


def test_a_key_without_a_limit_and_a_route_without_one_cause_no_redis_command(two_gateways):
    limited, unlimited = Limited(two_gateways), Limited(two_gateways, capacity=0)
    limited.call()
    before = eval_calls(two_gateways)

    for _ in range(5):
        answer = unlimited.call()
        assert answer.status_code == 404 and "RateLimit" not in answer.headers
        assert "RateLimit" not in limited.tenant.agent().get("/chat/v3/conversations").headers

    assert eval_calls(two_gateways) == before


def test_a_limited_request_runs_one_redis_script(two_gateways):
    key = Limited(two_gateways)
    before = eval_calls(two_gateways)

    key.calls(4)

    assert eval_calls(two_gateways) == before + 4 or decided_alone(two_gateways) > 0


def test_tokens_return_evenly(two_gateways):
    key = Limited(two_gateways, capacity=2, frequency=2)

    eventually(lambda: key.call().status_code == 429, "the tokens are used up")
    eventually(lambda: key.call().status_code == 404, "a token has returned")


def test_a_lowered_capacity_takes_effect_before_the_cached_answer_ends(two_gateways):
    key = Limited(two_gateways, capacity=1000)
    assert key.call().headers["RateLimit-Policy"].startswith('"key";q=1000')

    two_gateways.query("update api_key set capacity = 1 where name = 'agent' and tenant_id = "
                       "(select id from tenant where ccid = %s)", key.tenant.ccid)

    eventually(lambda: key.call().headers["RateLimit-Policy"].startswith('"key";q=1;'), "the new limit is in effect")


# ---- Redis goes away


@pytest.fixture
def stack(make_stack):
    stack = make_stack(gateways=2)
    wait_for_both_gateways(stack)
    return stack


def test_without_redis_each_gateway_grants_its_share(stack):
    stack.redis.kill()
    stack.wait_for("yellow")

    assert Limited(stack).calls(3 * CAPACITY) == CAPACITY


def test_a_used_up_share_is_not_restored_when_redis_dies(stack):
    key = Limited(stack)
    assert key.calls(CAPACITY) >= CAPACITY - 2
    stack.redis.kill()
    stack.wait_for("yellow")

    assert key.calls(3 * CAPACITY) <= 2


def test_gateways_count_in_redis_again_after_its_restart(stack):
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


def test_a_flushed_redis_causes_no_error(stack):
    key = Limited(stack)
    key.calls(CAPACITY // 2)

    stack.redis.command_line("flushall")
    stack.redis.command_line("script", "flush")
    allowed = key.calls(5 * CAPACITY)

    assert CAPACITY // 2 <= allowed <= 2 * CAPACITY
    eventually(lambda: counts_in_redis(stack), "the script is loaded again")
    stack.wait_for("green")


def test_a_redis_that_hangs_delays_a_moment_and_answers_nobody_5xx(stack):
    key = Limited(stack)
    stack.redis.freeze()
    try:
        answers = [key.call(number % 2) for number in range(40)]  # none waits for Redis, which does not answer while it is frozen
        stack.wait_for("yellow")
        later = Limited(stack).calls(3 * CAPACITY)
    finally:
        stack.redis.thaw()

    assert 0 < sum(answer.status_code == 404 for answer in answers) <= CAPACITY
    assert later == CAPACITY
    stack.wait_for("green")


def test_each_503_has_its_own_retry_after(make_stack):
    stack = make_stack()
    workers = [stack[f"{program}-0"] for program in ("chat-worker", "sms-worker", "provisioning-worker")]
    for worker in workers:
        worker.stop()
    eventually(lambda: requests.get(f"{stack.url()}/health/ready", timeout=LONGEST_ANSWER).status_code == 503, "all workers have stopped")

    answers = [requests.get(f"{stack.url()}/health/ready", timeout=LONGEST_ANSWER) for _ in range(30)]

    assert all(answer.status_code == 503 for answer in answers)
    assert len({answer.headers["Retry-After"] for answer in answers}) > 1
    for worker in workers:
        worker.restart()
