"""Counters never go backwards, whichever process dies, metrics-agent included."""

import contextlib
import random
import signal
import threading

import pytest
import requests

from harness.bus_peer import BusPeer, pack
from harness.people import Tenant
from harness.scrape import Scrape
from harness.stack import WORKERS
from harness.wait import eventually


class Watch(threading.Thread):
    """Scrapes over and over and remembers every counter that went backwards or away."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self._stack, self._over = stack, threading.Event()
        self.shown, self.faults, self.scrapes = {}, [], 0

    def run(self):
        while not self._over.wait(0.05):
            try:
                self._look(Scrape(self._stack).counters())
            except requests.RequestException:
                pass  # the agent is being restarted

    def _look(self, now):
        self.scrapes += 1
        self.faults += [f"{series}: {value} became {now.get(series)}" for series, value in self.shown.items()
                        if now.get(series, -1) < value]
        self.shown = now

    def total(self, name, **labels):
        return sum(value for (series, *own), value in self.shown.items()
                   if series == name and set(labels.items()) <= set(own))

    @contextlib.contextmanager
    def running(self):
        self.start()
        yield self
        self._over.set()
        self.join(20)


@pytest.mark.parametrize("program", ("gateway", *WORKERS, "metrics-agent"))
def test_no_counter_goes_backwards_when_a_process_is_killed(make_stack, program):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    name = f"{program}-0"

    def received():
        return watch.total("nexus_messages_total", direction="in")

    with Watch(stack).running() as watch:
        for _ in range(5):
            assert aggregator.message().status_code == 200
        eventually(lambda: received() == 5, "they are counted")
        # Who dies before it has said anything is not known to have been there.
        eventually(lambda: program == "metrics-agent" or f'nexus_proc_tick_age_seconds{{proc="{program}",slot="0"}}' in stack.metrics(),
                   f"{program} has been heard of")
        for round_ in (1, 2):
            stack[name].kill()
            stack[name].restart()
            stack.wait_for("green")
            assert aggregator.message().status_code == 200
            eventually(lambda: received() == 5 + round_, "what came after it is counted, too")
            eventually(lambda: watch.total("nexus_worker_restarts_total", proc=program, reason="died") == round_,
                       f"{program} is seen to have died")
        stack[name].stop()
        stack[name].restart()
        eventually(lambda: watch.total("nexus_worker_restarts_total", proc=program, reason="stopped") == 1,
                   f"{program} is seen to have been stopped in order")
        scrapes = watch.scrapes
        eventually(lambda: watch.scrapes > scrapes + 20, "a second more of scrapes")

    assert watch.faults == []


def test_no_counter_goes_backwards_when_all_are_killed_at_once(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    names = [f"{program}-0" for program in ("metrics-agent", "gateway", *WORKERS)]

    with Watch(stack).running() as watch:
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 1, "it is counted")
        for name in names:
            stack[name].kill()
        for name in names:
            stack[name].restart()
        stack.wait_for("green")
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 2, "the next one as well")

    assert watch.faults == []


def test_an_agent_that_stops_behind_all_others_has_kept_what_they_said_last(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    others = [f"{program}-0" for program in ("gateway", *WORKERS)]
    assert aggregator.message().status_code == 200

    for _ in range(3):
        for _ in range(5):
            assert aggregator.message().status_code == 200
        for name in others:
            stack[name].send(signal.SIGTERM)
        for name in others:
            assert stack[name].wait() == 0, name
        assert stack["metrics-agent-0"].stop() == 0  # at once, and nobody has scraped
        for name in ("metrics-agent-0", *others):
            stack[name].restart()
        stack.wait_for("green")

    assert stack.metric("nexus_messages_total", direction="in") == 16


def test_hostile_frames_under_a_good_key_change_no_number_and_do_not_stop_the_agent(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    chance = random.Random(9)
    good = pack([1, "sms-worker", "77", 7, 7, [["nexus_messages_total", [["direction", "in"]], 1]], 0])

    with Watch(stack).running() as watch:
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 1, "it is counted")
        with BusPeer(stack, kind="push", key="sms-worker", address=f"ipc://{stack.folder}/metrics.sock") as hostile:
            for number in range(500):
                cut, noise = good[:chance.randrange(len(good))], chance.randbytes(chance.choice([0, 1, 40, 4000]))
                hostile.say(chance.choice([noise, cut, cut + noise, bytes([0xdd, 0xff, 0xff, 0xff, 0xff]) + noise, b"\xc1" * 600]))
            hostile.say(bytes(700 * 1024))  # more than a snapshot may be
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 2, "what is true is counted on")

    assert watch.faults == []
    assert stack["metrics-agent-0"].alive
    assert stack.metric("nexus_proc_tick_age_seconds", slot="77") == 0


def test_a_process_that_hangs_is_seen_to_be_silent(make_stack):
    stack = make_stack()
    eventually(lambda: stack.metric("nexus_processes", proc="chat-worker") == 1, "it is there")

    stack["chat-worker-0"].freeze()

    eventually(lambda: stack.metric("nexus_proc_tick_age_seconds", proc="chat-worker", slot="0") > 3, "its age grows", 20)
    stack["chat-worker-0"].thaw()
    eventually(lambda: stack.metric("nexus_proc_tick_age_seconds", proc="chat-worker", slot="0") < 3, "it is back", 20)


def test_counters_with_known_labels_are_there_before_anything_happened(make_stack):
    stack = make_stack()

    metrics = stack.metrics()

    for proc in ("gateway", "chat-worker", "sms-worker", "provisioning-worker", "metrics-agent"):
        for reason in ("died", "stopped"):
            assert metrics[f'nexus_worker_restarts_total{{proc="{proc}",reason="{reason}"}}'] == 0
    assert metrics["nexus_redis_errors_total"] == 0
    assert all(f'nexus_db_success_total{{db="postgresql",command="{command}"}}' in metrics
               for command in ("SELECT", "INSERT", "UPDATE", "DELETE", "other"))


def test_what_is_measured_in_postgresql_is_absent_while_it_is_away(make_stack, postgres):
    stack = make_stack()
    measured = {"nexus_delivery_dead_tuples", "nexus_db_oldest_xmin_age_seconds", "nexus_ledger_imbalance", "nexus_queue_depth",
                "nexus_queue_oldest_age_seconds", "nexus_breaker_destinations", "nexus_destinations_failing"}

    def known():
        # Calls wait in the gateway, which knows of them without PostgreSQL.
        return measured & {series.split("{")[0] for series in stack.metrics() if 'queue="calls"' not in series}

    eventually(lambda: known() == measured, "they are measured", 40)

    postgres.crash()
    eventually(lambda: not known(), "nobody claims to know them")
    stack["sms-worker-0"].kill()
    stack["sms-worker-0"].restart()
    eventually(lambda: stack.metric("nexus_db_ready") == 0 and not known(), "nor does a worker that begins meanwhile")
    postgres.restart()

    eventually(lambda: known() == measured, "they are measured again", 40)
