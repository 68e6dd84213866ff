"""Health reports faults that others cause, with the reason, while messages go on."""

import contextlib
import json
import os
import signal

import pytest

from harness.answers import data_of
from harness.large_bodies import KIB, as_json, photo
from harness.load.fault_run import FAST, PAIRS, PATIENT, WINDOW, FaultRun, under_audit
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.wait import eventually, steadily


def wait_for_report(stack, code, about="", gateway=0):
    def both():
        health = stack.health(gateway).json()
        causes = {cause["code"]: cause["about"] for cause in health["causes"]}
        return code in causes and about in causes[code] and health["state"] == "yellow"

    eventually(both, f"health is yellow and reports {code} {about}", 30)


@contextlib.contextmanager
def open_transaction(stack, *statements):
    connection = stack.postgres.connect(stack.database)
    with connection.cursor() as cursor:
        for statement in ("begin", *statements):
            cursor.execute(statement)
        yield cursor
    connection.close()


def read_until(stream, messages):
    """Reads the stream until it has had events of all these messages, which come in the order in which they were stored."""
    missing = set(messages)
    for _, _, event in stream:
        missing.discard(event.get("messageId"))
        if not missing:
            return True
    return False


def test_a_transaction_that_does_not_end_is_reported_while_it_delays_the_event_streams(make_stack):
    # A worker that does not run for 4 s is given up; another one takes its requests, so that none is answered 503 for that.
    with FaultRun(make_stack(**PAIRS, **FAST, **PATIENT)) as run:
        stack, stream = run.stack, run.tenant.agent().events()
        with open_transaction(stack, "set idle_in_transaction_session_timeout = 0", "select pg_current_xact_id()") as cursor:
            cursor.execute("select pg_backend_pid()")
            process = cursor.fetchone()[0]
            held_back = [data_of(run.text(run.tenant.phone()))["messageId"] for _ in range(5)]
            run.goes_on()

            wait_for_report(stack, "db.held", f"process {process}")
            eventually(lambda: stack.metric("nexus_db_oldest_xmin_age_seconds") > 0, "the metric shows its age")

        assert read_until(stream, held_back)
        stream.close()
        stack.wait_until_well()
        eventually(lambda: stack.metric("nexus_db_oldest_xmin_age_seconds") < 5, "no transaction delays events any more")

    assert set(run.statuses) == {200}


def stopped_backend(tenant, table):
    """A server process of chat-worker without changes, which was stopped while it waited for a lock. It gets the lock afterwards."""
    stack = tenant.stack

    def stop_one():
        with open_transaction(stack, f"lock table {table} in access exclusive mode"):
            assert tenant.aggregator().message().status_code == 200  # this makes an event
            waits = ("select pid from pg_stat_activity where datname = current_database() and application_name like 'chat-worker-%%'"
                     " and state = 'active' and wait_event_type = 'Lock' and backend_xid is null")
            [pid] = eventually(lambda: stack.query(waits), "a server process waits for the lock")[0]
            os.kill(pid, signal.SIGSTOP)
            if stack.query(f"{waits} and pid = %s", pid):
                return pid
            os.kill(pid, signal.SIGCONT)  # its lock timeout has ended just before
            return None

    return eventually(stop_one, "a server process is stopped while it waits", 30)


def a_hanging_one_is_reported(stack):
    """Is not expected while provisioning-worker, which looks for it, is given up because it did not run for 4 s: a busy machine."""
    health = stack.health().json()
    serving = {worker["instance"] for worker in health["workers"] if worker["db"]}
    return "db.hangs" in {cause["code"] for cause in health["causes"]} or "provisioning-worker-0" not in serving


def test_a_server_process_that_hangs_is_reported_as_long_as_it_hangs(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = tenant.agent().events()
    pid = stopped_backend(tenant, "event_forgotten")
    try:
        eventually(lambda: "db.hangs" in stack.causes(), "health reports the server process", 30)
        # The worker itself has given up the connection long before and works again.
        steadily(lambda: a_hanging_one_is_reported(stack), "health reports that a server process hangs", 15)
        wait_for_report(stack, "db.hangs", f"process {pid}")
        assert tenant.aggregator().message().status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
        stream.close()
    stack.wait_for("green", 30)


def test_a_process_that_is_not_restarted_is_reported_until_it_is(make_stack, tmp_path):
    """The supervisor writes this file when it gives up, and removes it when the process starts again."""
    stack = make_stack(settings={"gateway": {"NEXUS_DEATHS": str(tmp_path)}})
    died = {"time": "2026-11-28T09:00:00.000Z", "level": "error", "service": "sms-worker", "instance": "sms-worker-1",
            "event": "process.parked", "exitCode": None, "signal": 11, "signalName": "SIGSEGV", "parked": True}
    (tmp_path / "sms-worker-1").write_text(json.dumps(died) + "\n")

    wait_for_report(stack, "process.parked", "sms-worker-1")
    assert [(death["instance"], death["signalName"]) for death in stack.health().json()["deaths"]] == [("sms-worker-1", "SIGSEGV")]
    (tmp_path / "sms-worker-1").unlink()

    stack.wait_for("green")


@pytest.mark.parametrize("program, code", [("sms-worker-1", "process.silent"), ("chat-worker-1", "process.silent"),
                                           ("provisioning-worker-1", "process.silent"), ("gateway-1", "process.silent"),
                                           ("metrics-agent-0", "agent.silent")])
def test_one_frozen_process_is_reported_while_messages_go_on(make_stack, program, code):
    with under_audit(make_stack) as run:
        stack = run.stack
        kind = program.rsplit("-", 1)[0]
        eventually(lambda: stack.metric("nexus_processes", proc=kind) == len(stack.running(kind)), "metrics-agent knows the process")
        run.may_double = WINDOW if kind == "sms-worker" else 0  # its unanswered webhooks

        stack[program].freeze()

        wait_for_report(stack, code, program if code == "process.silent" else "")
        run.goes_on()
        stack[program].thaw()
        stack.wait_until_well()


def test_redis_that_refuses_writes_is_reported_while_messages_go_on(make_stack):
    with under_audit(make_stack, statuses={200}, **PATIENT) as run:
        run.stack.redis.command_line("config", "set", "min-replicas-to-write", "1")

        wait_for_report(run.stack, "cache.read_only")
        run.goes_on()
        run.stack.redis.command_line("config", "set", "min-replicas-to-write", "0")
        run.stack.wait_until_well()


def test_a_single_worker_that_does_not_reach_postgresql_is_reported_while_messages_go_on(make_stack):
    stack = make_stack(sms_workers=2)
    aggregator, worker = Tenant(stack).aggregator(), stack["sms-worker-1"]
    worker.stop()
    right = worker.environment["NEXUS_PG_URL"]
    worker.environment["NEXUS_PG_URL"] = "host=/nowhere dbname=nexus"
    worker.restart()

    wait_for_report(stack, "db.unreached", "sms-worker-1")
    assert {aggregator.message().status_code for _ in range(10)} == {200}
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = right
    worker.restart()
    stack.wait_for("green")


def send_outbound_message(tenant):
    return OutboundMessage(tenant, conversation_of(tenant))


@pytest.mark.parametrize("table, what_needs_it", [
    ("upload", lambda tenant: as_json(tenant, contents=[photo(40 * KIB)])),  # needed for attachments only
    ("audit", lambda tenant: tenant.administrator().put(f"/nexus/v3/apikeys/{tenant.agent_token[:13]}", json={"enabled": True})),
    ("destination_answer", send_outbound_message)])  # the last answer of the destination
def test_a_locked_table_that_only_some_requests_need_is_reported_while_others_go_on(make_stack, table, what_needs_it):
    stack = make_stack()
    tenant = Tenant(stack)
    conversation_of(tenant)
    with open_transaction(stack, f"lock table {table} in access exclusive mode"):
        def is_reported_and_others_go_on():
            what_needs_it(tenant)
            assert tenant.aggregator().message().status_code == 200
            health = stack.health().json()
            return health["state"] == "yellow" and "db.locked" in {cause["code"] for cause in health["causes"]}

        eventually(is_reported_and_others_go_on, "health is yellow and reports db.locked", 60)

    stack.wait_for("green")
    assert as_json(tenant, contents=[photo(40 * KIB)]).status_code == 200
