"""Processes are killed, frozen and cut off under a load of 500 texts a second and agents that answer. Afterwards an
auditor finds everything that was acknowledged, once and in order. The random moments follow from a seed, which a
failing test shows; NEXUS_TEST_SEED=… makes the same choices again."""

import os
import random
import secrets
import threading
import time

import pytest
import requests

from harness.auditor import Auditor, audit
from harness.fault_run import WINDOW
from harness.people import Tenant
from harness.silent_link import SilentLink
from harness.stack import RELEASE
from harness.traffic import Accepted, Traffic
from harness.wait import eventually


@pytest.fixture
def chance():
    seed = int(os.environ.get("NEXUS_TEST_SEED") or secrets.randbits(32))
    print(f"NEXUS_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def make_town(make_stack):
    """Two of everything, and traffic between phones and agents."""

    def make(seconds=8, **shape):
        stack = make_stack(gateways=2, chat_workers=2, sms_workers=2, provisioning_workers=2, binaries=RELEASE / "bin",
                           **shape)
        # Slow enough that a worker that dies has requests out.
        requests.put(f"{stack.simulator_url}/sim/knobs", json={"latency_ms": 20, "jitter_ms": 60}).raise_for_status()
        return stack, Traffic(Tenant(stack), seconds=seconds)

    return make


def until_the_end_of(traffic, chance, break_something):
    """Breaks one thing after the other at random moments, three at least, and counts."""
    count, pause = 0, threading.Event()
    while not pause.wait(chance.uniform(0.2, 1.0)) and (traffic.flows or count < 3):
        break_something()
        count += 1
    return count


def kill_and_restart(process):
    process.kill()
    process.restart()


def crash_and_restart(stack, chance):
    """Work must have gone on before it can be interrupted again: recovery takes PostgreSQL a while."""
    chance.choice([stack.postgres.crash, stack.postgres.kill])()
    stack.postgres.restart()
    stack.wait_for("green")


def loses(stack, gateway, worker):
    eventually(lambda: worker not in stack.workers(gateway), f"gateway-{gateway} has given up {worker}")


def finds(stack, gateway, worker):
    eventually(lambda: worker in stack.workers(gateway), f"gateway-{gateway} has {worker} again")


def texts_stored(stack):
    return stack.query("select count(*) from message where direction = 1")[0][0]


@pytest.mark.parametrize("program, doubled_by_a_kill", [("gateway", 0), ("chat-worker", 0), ("sms-worker", WINDOW)])
def test_a_program_is_killed_again_and_again(make_town, chance, program, doubled_by_a_kill):
    stack, traffic = make_town()

    kills = until_the_end_of(traffic, chance, lambda: kill_and_restart(stack[f"{program}-{chance.randrange(2)}"]))

    audit(traffic, may_double=kills * doubled_by_a_kill, kills=kills)


def test_postgresql_is_killed_again_and_again(make_town, chance):
    stack, traffic = make_town(seconds=12)

    kills = until_the_end_of(traffic, chance, lambda: crash_and_restart(stack, chance))

    audit(traffic, kills=kills)


def test_redis_is_killed_again_and_again(make_town, chance):
    stack, traffic = make_town()

    kills = until_the_end_of(traffic, chance, lambda: kill_and_restart(stack.redis))

    audit(traffic, kills=kills)
    assert set(traffic.statuses) == {200}, "a cache that is away is nobody's error"


@pytest.mark.parametrize("program, may_double", [("chat-worker", 0), ("sms-worker", WINDOW)])
def test_a_worker_freezes_and_wakes_up(make_town, program, may_double):
    stack, traffic = make_town(seconds=16)
    frozen, name = time.monotonic(), f"{program}-0"

    stack[name].freeze()
    for gateway in (0, 1):
        loses(stack, gateway, name)
    given_up, before = time.monotonic(), texts_stored(stack)
    threading.Event().wait(frozen + 15 - time.monotonic())
    meanwhile = texts_stored(stack) - before
    rate = meanwhile / (time.monotonic() - given_up)
    stack[name].thaw()

    for gateway in (0, 1):
        finds(stack, gateway, name)
    audit(traffic, may_double=may_double, freezes=1, rate_meanwhile=round(rate))
    assert rate > 0.8 * traffic.rate, "the other worker did not take over"


@pytest.mark.parametrize("program", ["chat-worker", "sms-worker"])
def test_the_link_between_a_gateway_and_a_worker_falls_silent(make_town, chance, program):
    link = None

    def detour(stack):
        """The worker reaches gateway-0 through the link, gateway-1 as ever."""
        nonlocal link
        link = SilentLink(stack.bus_port(0))
        environment = stack[f"{program}-0"].environment
        environment["NEXUS_BUS"] = environment["NEXUS_BUS"].replace(f":{stack.bus_port(0)}", f":{link.port}")

    stack, traffic = make_town(seconds=14, bus="tcp", before_start=detour)
    cuts = 0

    while traffic.flows and cuts < 2:
        link.cut()
        loses(stack, 0, f"{program}-0")
        assert f"{program}-0" in stack.workers(1)
        threading.Event().wait(chance.uniform(0, 0.5))
        link.mend()
        finds(stack, 0, f"{program}-0")
        cuts += 1

    audit(traffic, cuts=cuts)
    link.close()


def test_everything_breaks_at_random(make_town, chance):
    stack, traffic = make_town(seconds=15)
    broken = []

    def nap(process):
        process.freeze()
        threading.Event().wait(chance.uniform(0.1, 5))
        process.thaw()

    def break_something():
        program = chance.choice(["gateway", "chat-worker", "sms-worker", "provisioning-worker", "metrics-agent",
                                 "redis", "postgresql", "frozen"])
        broken.append(program)
        if program == "postgresql":
            crash_and_restart(stack, chance)
        elif program == "frozen":
            nap(chance.choice(stack.running("gateway", "chat-worker", "sms-worker")))
        elif program == "redis":
            kill_and_restart(stack.redis)
        else:
            kill_and_restart(chance.choice(stack.running(program)))

    until_the_end_of(traffic, chance, break_something)

    audit(traffic, may_double=WINDOW * (broken.count("sms-worker") + broken.count("frozen")), leases_s=30, broken=broken)


def test_workers_that_stop_in_turn_cost_nobody_an_error(make_town, chance):
    stack, traffic = make_town(seconds=15)
    rounds = 0

    while traffic.flows or rounds < 20:  # on a slow machine the last ones see agents only
        worker = stack[f"{chance.choice(['sms-worker', 'chat-worker'])}-{rounds % 2}"]
        assert worker.stop() == 0
        worker.restart()
        rounds += 1
        finds(stack, 0, worker.name)
        finds(stack, 1, worker.name)

    audit(traffic, rounds=rounds)
    assert set(traffic.statuses) == {200}


def test_the_auditor_notices_what_is_lost_doubled_or_out_of_place(make_town):
    stack, traffic = make_town(seconds=2)
    eventually(lambda: len(traffic.answers) > len({answer.conversation for answer in traffic.answers}),
               "a conversation was answered twice, so that there is an order", 60)
    audit(traffic)
    journal = stack.webhooks.read_text().splitlines(keepends=True)

    def found(words):
        return [problem for problem in Auditor(traffic).problems() if words in problem]

    traffic.texts.add("never stored")
    assert found("acknowledged texts are lost")
    traffic.answers.append(Accepted("never stored", "id", "conversation", 1))
    assert found("not stored as they were acknowledged")
    stack.webhooks.write_text("".join(journal[:-1]))
    assert found("neither went out nor are on record")
    stack.webhooks.write_text("".join(reversed(journal)))
    assert found("came behind a later one")
    stack.webhooks.write_text("".join(journal + journal[:1]))
    assert found("came again after a 200")
    stack.query("update message set sequence = sequence + 1 where (conversation_id, sequence) in "
                "(select id, last_sequence from conversation limit 1)")
    assert found("have gaps")
