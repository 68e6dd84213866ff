"""Counters never decrease, whichever process dies, including metrics-agent."""

import contextlib
import random
import signal
import threading

import pytest
import requests

from harness.nexus.stack import WORKERS
from harness.outside.bus_peer import BusPeer, pack
from harness.people import Tenant
from harness.reading.scrape import Scrape
from harness.wait import eventually


class Scraper(threading.Thread):
    """Scrapes continuously and records every counter that decreased or disappeared."""

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
def test_no_counter_decreases_when_a_process_is_killed(make_stack, program):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    name = f"{program}-0"

    def received():
        return watch.total("nexus_messages_total", direction="in")

    with Scraper(stack).running() as watch:
        for _ in range(5):
            assert aggregator.message().status_code == 200
        eventually(lambda: received() == 5, "the texts are counted")
        # A process that dies before its first report is not known. The agent knows itself only from its file.
        eventually(lambda: program.encode() in (stack.folder / "metrics.totals").read_bytes(), f"{program} has reported")
        for round_ in (1, 2):
            stack[name].kill()
            if program in WORKERS:  # until then health is that of before, and a request may meet the moment in which it notices
                eventually(lambda: name not in stack.workers(), f"the gateway notices that {name} is gone")
            stack[name].restart()
            stack.wait_for("green")
            assert aggregator.message().status_code == 200
            eventually(lambda: received() == 5 + round_, "the text after the restart is counted, too")
            eventually(lambda: watch.total("nexus_worker_restarts_total", proc=program, reason="died") == round_,
                       f"the death of {program} is counted")
        stack[name].stop()
        stack[name].restart()
        eventually(lambda: watch.total("nexus_worker_restarts_total", proc=program, reason="stopped") == 1,
                   f"the orderly stop of {program} is counted")
        scrapes = watch.scrapes
        eventually(lambda: watch.scrapes > scrapes + 20, "20 more scrapes")

    assert watch.faults == []


def test_no_counter_decreases_when_all_are_killed_at_once(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    names = [f"{program}-0" for program in ("metrics-agent", "gateway", *WORKERS)]

    with Scraper(stack).running() as watch:
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 1, "the text is counted")
        for name in names:
            stack[name].kill()
        for name in names:
            stack[name].restart()
        stack.wait_for("green")
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 2, "the next text is counted as well")

    assert watch.faults == []


def test_an_agent_that_stops_after_all_others_has_stored_their_last_reports(make_stack):
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
        assert stack["metrics-agent-0"].stop() == 0  # at once and without a scrape
        for name in ("metrics-agent-0", *others):
            stack[name].restart()
        stack.wait_for("green")

    assert stack.metric("nexus_messages_total", direction="in") == 16


def test_an_agent_that_stops_reads_the_reports_that_came_while_it_did_not_run(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    agent, worker = stack["metrics-agent-0"], stack["sms-worker-0"]

    agent.freeze()
    assert aggregator.message().status_code == 200
    assert worker.stop() == 0
    agent.send(signal.SIGTERM)
    agent.thaw()

    assert agent.wait() == 0
    agent.restart()
    worker.restart()
    assert stack.metric("nexus_messages_total", direction="in") == 2


def test_hostile_frames_with_a_valid_key_change_no_metric_and_do_not_stop_the_agent(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    chance = random.Random(9)
    good = pack([1, "sms-worker", "77", 7, 7, [["nexus_messages_total", [["direction", "in"]], 1]], 0])

    with Scraper(stack).running() as watch:
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 1, "the text is counted")
        with BusPeer(stack, kind="push", key="sms-worker", address=f"ipc://{stack.folder}/metrics.sock") as hostile:
            for number in range(500):
                cut, noise = good[:chance.randrange(len(good))], chance.randbytes(chance.choice([0, 1, 40, 4000]))
                hostile.send_frame(chance.choice([noise, cut, cut + noise, bytes([0xdd, 0xff, 0xff, 0xff, 0xff]) + noise, b"\xc1" * 600]))
            hostile.send_frame(bytes(700 * 1024))  # more than a snapshot may be
        assert aggregator.message().status_code == 200
        eventually(lambda: watch.total("nexus_messages_total", direction="in") == 2, "valid reports are still counted")

    assert watch.faults == []
    assert stack["metrics-agent-0"].alive
    assert stack.metric("nexus_proc_tick_age_seconds", slot="77") == 0


def test_the_metrics_show_that_a_process_hangs(make_stack):
    stack = make_stack()
    eventually(lambda: stack.metric("nexus_processes", proc="chat-worker") == 1, "the process is known")

    stack["chat-worker-0"].freeze()

    eventually(lambda: stack.metric("nexus_proc_tick_age_seconds", proc="chat-worker", slot="0") > 3, "the age of its last report grows", 20)
    stack["chat-worker-0"].thaw()
    eventually(lambda: stack.metric("nexus_proc_tick_age_seconds", proc="chat-worker", slot="0") < 3, "the process reports again", 20)


def test_counters_with_known_labels_exist_from_the_start(make_stack):
    stack = make_stack()

    metrics = stack.metrics()

    for proc in ("gateway", "chat-worker", "sms-worker", "provisioning-worker", "metrics-agent"):
        for reason in ("died", "stopped"):
            assert metrics[f'nexus_worker_restarts_total{{proc="{proc}",reason="{reason}"}}'] == 0
    assert "nexus_redis_errors_total" in metrics  # perhaps not 0: a Redis that does not answer for a second is an error
    assert all(f'nexus_db_success_total{{db="postgresql",command="{command}"}}' in metrics
               for command in ("SELECT", "INSERT", "UPDATE", "DELETE", "other"))


def test_values_measured_in_postgresql_are_absent_while_it_is_away(make_stack, postgres):
    stack = make_stack()
    measured = {"nexus_delivery_dead_tuples", "nexus_db_oldest_xmin_age_seconds", "nexus_ledger_imbalance", "nexus_queue_depth",
                "nexus_queue_oldest_age_seconds", "nexus_breaker_destinations", "nexus_destinations_failing"}

    def known():
        # The queue of calls is in the gateway, which measures it without PostgreSQL.
        return measured & {series.split("{")[0] for series in stack.metrics() if 'queue="calls"' not in series}

    eventually(lambda: known() == measured, "all values are measured", 40)

    postgres.crash()
    eventually(lambda: not known(), "the values are absent")
    stack["sms-worker-0"].kill()
    stack["sms-worker-0"].restart()
    eventually(lambda: stack.metric("nexus_db_ready") == 0 and not known(), "a worker that starts meanwhile does not report them either")
    postgres.restart()

    eventually(lambda: known() == measured, "all values are measured again", 40)
