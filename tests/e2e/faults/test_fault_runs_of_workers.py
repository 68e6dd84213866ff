"""Workers and the processes they depend on are frozen, killed or lose their leases at the worst moment, under load and audit:
everything that was acknowledged takes effect once."""

import datetime
import glob
import json
import os
import pathlib
import signal
import time

import pytest
import requests

from harness.load.fault_run import PATIENT, WINDOW, under_audit
from harness.load.receipts import Receipts
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.reading import tables
from harness.wait import eventually


def repeat_until_acknowledged(stack, post):
    """Repeats a request until it is acknowledged, like any client; a time from which on the simulator records no webhook that arrived
    before the acknowledgement. It records them when it runs, in the order of their arrival and before it answers us."""
    eventually(lambda: post().status_code == 200, "it is acknowledged", 30)
    requests.get(f"{stack.simulator_url}/sim/stats", timeout=30).raise_for_status()
    return time.time()


def slow_gateway(stack, tenant, latency_ms):
    """Sets how long the simulator takes to answer webhooks of this tenant's number."""
    knobs = {"latency_ms": latency_ms}
    requests.put(f"{stack.simulator_url}/sim/knobs/{tenant.number}", json=knobs, timeout=30).raise_for_status()


def test_a_frozen_worker_that_lost_its_leases_sends_nothing_to_a_consumer_who_has_sent_stop_meanwhile(make_stack):
    with under_audit(make_stack) as run:
        stack, tenant = run.stack, Tenant(run.stack)
        frozen, other = stack["sms-worker-0"], stack["sms-worker-1"]
        consumers = [(phone, conversation_of(tenant, phone)) for phone in (tenant.phone() for _ in range(12))]
        slow_gateway(stack, tenant, 2000)
        run.may_double = WINDOW  # webhooks that were in flight when it froze
        assert other.stop() == 0

        outbound = [OutboundMessage(tenant, conversation) for _, conversation in consumers for _ in range(2)]
        eventually(lambda: tables.leased(tenant) > 2, "the worker has leased some of them")
        frozen.freeze()
        other.restart()
        stopped = {phone: repeat_until_acknowledged(
            stack, lambda: tenant.aggregator().message(phone, "STOP", message_id=f"stop of {phone[-4:]}")) for phone, _ in consumers}
        stack.query("update delivery d set lease_until = now() - interval '1 s' from tenant t "
                    "where t.id = d.tenant_id and t.ccid = %s and lease_until is not null", tenant.ccid)  # as after 30 s
        eventually(lambda: {message.state for message in outbound} <= {"opted_out", "sent", "delivered", "uncertain"}, "all messages have ended", 30)
        frozen.thaw()

    assert "opted_out" in {message.state for message in outbound}
    posted = {message.id for message in outbound}
    late = [webhook for webhook in stack.journal() if webhook["messageId"] in posted and webhook["at"] > stopped[webhook["to"]]]
    assert late == []


@pytest.mark.parametrize("killed, may_double", [("sms-worker", WINDOW), ("postgresql", 0)])
def test_every_acknowledged_receipt_takes_effect_whichever_process_is_killed(make_stack, killed, may_double):
    with under_audit(make_stack) as run:
        run.leases_s = 30 if killed == "postgresql" else run.leases_s  # then no worker dies, so no lease need end early
        receipts = Receipts(run)
        for number in range(3):
            before = len(receipts.acknowledged)
            process = run.stack.postgres if killed == "postgresql" else run.stack[f"sms-worker-{number % 2}"]
            process.kill()
            process.restart()
            run.may_double += may_double
            eventually(lambda: len(receipts.acknowledged) > before + 10, "receipts are acknowledged", 30)

    assert receipts.finish() == []
    assert len(receipts.acknowledged) > 30


def backend_with_locks(stack, worker):
    """The PostgreSQL backend of this worker that has uncommitted changes, if there is one."""
    found = stack.query("select pid from pg_stat_activity where datname = current_database() and application_name like %s "
                        "and backend_xid is not null", f"%{worker}%")
    return found and found[0][0]


@pytest.mark.parametrize("program", ["sms-worker", "chat-worker"])
def test_nothing_acknowledged_is_lost_while_a_backend_is_frozen_with_its_locks(make_stack, program):
    with under_audit(make_stack) as run:
        pid = eventually(lambda: backend_with_locks(run.stack, f"{program}-0"), "a backend has uncommitted changes", 20)
        run.may_double = WINDOW  # outcomes of deliveries wait for the backend
        os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: run.stack.causes() & {"db.hangs", "db.stuck"}, "health reports it", 20)
        finally:
            os.kill(pid, signal.SIGCONT)
        run.stack.wait_until_well()


@pytest.fixture
def faketime():
    """The library that shows a process another time. It leaves a semaphore and a piece of shared memory for each process."""
    [library] = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    yield library
    for left in pathlib.Path("/dev/shm").glob("*faketime_s*_*"):
        if left.stat().st_uid == os.getuid() and not os.path.exists(f"/proc/{left.name.rsplit('_', 1)[1]}"):
            left.unlink()


def test_wall_clocks_that_jump_by_an_hour_cause_no_loss_and_no_error(faketime, make_stack):
    def use_faketime(stack):
        (stack.folder / "clock").write_text("+0")
        for process in [p for p in stack.processes.values() if p.name.rsplit("-", 1)[0] in ("gateway", "chat-worker", "sms-worker")]:
            process.environment.update(LD_PRELOAD=faketime, FAKETIME_TIMESTAMP_FILE=stack.folder / "clock",
                                       FAKETIME_NO_CACHE=1, FAKETIME_DONT_FAKE_MONOTONIC=1)

    def last_time(process):
        line = json.loads(process.log.read_text().splitlines()[-1])
        return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()

    # A slow machine may need longer than 6 s for some answers.
    with under_audit(make_stack, before_start=use_faketime, statuses={200}, **PATIENT) as run:
        for offset in (3600, -3600, 0):
            (run.stack.folder / "clock").write_text(f"{offset:+d}")
            run.goes_on()
            worker = run.stack["sms-worker-1"]
            assert worker.stop() == 0
            assert abs(last_time(worker) - time.time() - offset) < 600, "the clock of the worker has jumped"
            worker.restart()
            run.goes_on()
