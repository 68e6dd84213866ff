"""Workers, and those they work with, are frozen, robbed and killed at the worst place, under load and an audit: what was
acknowledged has its effect, once."""

import datetime
import glob
import json
import os
import signal
import time

import pytest
import requests

from harness.fault_run import WINDOW, under_audit
from harness.people import Answer, Tenant, conversation_of
from harness.receipts import Receipts
from harness.wait import eventually


def is_taken(post):
    """Like everybody who sends us something: again until it is acknowledged."""
    eventually(lambda: post().status_code == 200, "it is acknowledged", 30)
    return time.time()


def slow_gateway(stack, tenant, latency_ms):
    """The one of this tenant's number takes so long to answer."""
    requests.put(f"{stack.simulator_url}/sim/knobs/{tenant.number}", json={"latency_ms": latency_ms}, timeout=5).raise_for_status()


def states_of(stack, answers):
    return [stack.query("select s.name from message m join message_state s on s.id = m.state where m.id = %s", answer.id)[0][0]
            for answer in answers]


def test_a_worker_that_was_frozen_and_robbed_sends_nothing_to_whoever_said_stop_meanwhile(make_stack):
    with under_audit(make_stack) as run:
        stack, tenant = run.stack, Tenant(run.stack)
        frozen, other = stack["sms-worker-0"], stack["sms-worker-1"]
        people = [(phone, conversation_of(tenant, phone)) for phone in (tenant.phone() for _ in range(12))]
        slow_gateway(stack, tenant, 2000)
        run.may_double = WINDOW  # what was on the wire when it froze
        assert other.stop() == 0

        answers = [Answer(tenant, conversation) for _, conversation in people for _ in range(2)]
        held = "select count(lease_until) from delivery d join tenant t on t.id = d.tenant_id where t.ccid = %s"
        eventually(lambda: stack.query(held, tenant.ccid)[0][0] > 2, "the worker holds some of them")
        frozen.freeze()
        other.restart()
        stopped = {phone: is_taken(lambda: tenant.aggregator().message(phone, "STOP", message_id=f"stop of {phone[-4:]}"))
                   for phone, _ in people}
        stack.query("update delivery d set lease_until = now() - interval '1 s' from tenant t "
                    "where t.id = d.tenant_id and t.ccid = %s and lease_until is not null", tenant.ccid)  # what 30 s would do
        eventually(lambda: set(states_of(stack, answers)) <= {"opted_out", "sent", "delivered", "uncertain"}, "all have ended", 30)
        frozen.thaw()

    assert "opted_out" in states_of(stack, answers)
    posted = {answer.id for answer in answers}
    late = [webhook for webhook in stack.journal() if webhook["messageId"] in posted and webhook["at"] > stopped[webhook["to"]]]
    assert late == []


@pytest.mark.parametrize("victim, may_double", [("sms-worker", WINDOW), ("postgresql", 0)])
def test_every_receipt_that_was_acknowledged_has_its_effect_whoever_is_killed(make_stack, victim, may_double):
    with under_audit(make_stack) as run:
        receipts = Receipts(run)
        for number in range(3):
            there = len(receipts.acknowledged)
            process = run.stack.postgres if victim == "postgresql" else run.stack[f"sms-worker-{number % 2}"]
            process.kill()
            process.restart()
            run.may_double += may_double
            eventually(lambda: len(receipts.acknowledged) > there + 10, "receipts are acknowledged", 30)

    assert receipts.finish() == []
    assert len(receipts.acknowledged) > 30


def backend_with_locks(stack, worker):
    """The process of PostgreSQL that serves this worker, while it has changed something and not yet committed."""
    found = stack.query("select pid from pg_stat_activity where datname = current_database() and application_name like %s "
                        "and backend_xid is not null", f"%{worker}%")
    return found and found[0][0]


@pytest.mark.parametrize("program", ["sms-worker", "chat-worker"])
def test_a_backend_that_is_frozen_with_its_locks_costs_nothing_that_was_acknowledged(make_stack, program):
    with under_audit(make_stack) as run:
        pid = eventually(lambda: backend_with_locks(run.stack, f"{program}-0"), "a backend is in its transaction", 20)
        run.may_double = WINDOW  # whose outcomes wait behind it
        os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: run.stack.causes() & {"db.hangs", "db.stuck"}, "health tells it", 20)
        finally:
            os.kill(pid, signal.SIGCONT)
        run.stack.wait_for("green")


def test_wall_clocks_that_jump_by_an_hour_cost_nothing_and_nobody_an_error(make_stack):
    [library] = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")

    def set_by_a_file(stack):
        (stack.folder / "clock").write_text("+0")
        for process in [p for p in stack.processes.values() if p.name.rsplit("-", 1)[0] in ("gateway", "chat-worker", "sms-worker")]:
            process.environment.update(LD_PRELOAD=library, FAKETIME_TIMESTAMP_FILE=stack.folder / "clock",
                                       FAKETIME_NO_CACHE=1, FAKETIME_DONT_FAKE_MONOTONIC=1)

    def last_time(process):
        line = json.loads(process.log.read_text().splitlines()[-1])
        return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()

    with under_audit(make_stack, before_start=set_by_a_file, statuses={200}) as run:
        for offset in (3600, -3600, 0):
            (run.stack.folder / "clock").write_text(f"{offset:+d}")
            run.goes_on()
            worker = run.stack["sms-worker-1"]
            assert worker.stop() == 0
            assert abs(last_time(worker) - time.time() - offset) < 600, "its clock has jumped"
            worker.restart()
            run.goes_on()
