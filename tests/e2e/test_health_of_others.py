"""What somebody else does to Nexus shows in its health, with the reason, while messages go on."""

import contextlib
import json
import os
import signal
import time

import pytest

from harness.fault_run import FAST, WINDOW, FaultRun, under_audit
from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually
from test_media import KIB, as_json, photo


def is_told(stack, code, about="", gateway=0):
    def both():
        health = stack.health(gateway).json()
        told = {cause["code"]: cause["about"] for cause in health["causes"]}
        return code in told and about in told[code] and health["state"] == "yellow"

    eventually(both, f"health is yellow and tells {code} {about}", 30)


@contextlib.contextmanager
def open_transaction(stack, *statements):
    connection = stack.postgres.connect(stack.database)
    with connection.cursor() as cursor:
        for statement in ("begin", *statements):
            cursor.execute(statement)
        yield cursor
    connection.close()


def told_of(stream, messages):
    """Reads on until the stream has told of all of these; they come in the order in which they were stored."""
    missing = set(messages)
    for _, _, event in stream:
        missing.discard(event.get("messageId"))
        if not missing:
            return True
    return False


def test_a_transaction_that_does_not_end_is_told_while_it_holds_back_the_event_streams(make_stack):
    with FaultRun(make_stack(**FAST)) as run:
        stack, stream = run.stack, run.tenant.agent().events()
        with open_transaction(stack, "set idle_in_transaction_session_timeout = 0", "select pg_current_xact_id()") as cursor:
            cursor.execute("select pg_backend_pid()")
            process = cursor.fetchone()[0]
            held_back = [run.text(run.tenant.phone()).json()["data"]["messageId"] for _ in range(5)]
            run.goes_on()

            is_told(stack, "db.held", f"process {process}")
            eventually(lambda: stack.metric("nexus_db_oldest_xmin_age_seconds") > 0, "the metric tells its age")

        assert told_of(stream, held_back)
        stream.close()
        stack.wait_for("green")
        eventually(lambda: stack.metric("nexus_db_oldest_xmin_age_seconds") < 5, "nothing holds anything back any more")

    assert set(run.statuses) == {200}


def stopped_while_it_waits(tenant, table):
    """A server process of chat-worker that has written nothing, stopped while it waits for a lock; it is given the lock afterwards."""
    stack = tenant.stack

    def stop_one():
        with open_transaction(stack, f"lock table {table} in access exclusive mode"):
            assert tenant.aggregator().message().status_code == 200  # which streams are told of
            waits = ("select pid from pg_stat_activity where datname = current_database() and application_name like 'chat-worker-%%'"
                     " and state = 'active' and wait_event_type = 'Lock' and backend_xid is null")
            [pid] = eventually(lambda: stack.query(waits), "one waits for the lock")[0]
            os.kill(pid, signal.SIGSTOP)
            if stack.query(f"{waits} and pid = %s", pid):
                return pid
            os.kill(pid, signal.SIGCONT)  # its time to wait was over just before
            return None

    return eventually(stop_one, "one is stopped while it waits", 30)


def test_a_server_process_that_hangs_is_told_as_long_as_it_does(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = tenant.agent().events()
    pid = stopped_while_it_waits(tenant, "event_forgotten")
    try:
        eventually(lambda: "db.hangs" in stack.causes(), "its connection was given up", 30)
        since, seen = time.monotonic(), []

        def is_still_told():
            seen.append(stack.causes())
            return time.monotonic() - since > 15

        eventually(is_still_told, "a process that gave up one connection has long been content", 40)
        assert [causes for causes in seen if "db.hangs" not in causes] == []
        is_told(stack, "db.hangs", f"process {pid}")
        assert tenant.aggregator().message().status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
        stream.close()
    stack.wait_for("green", 30)


def test_a_process_that_is_not_started_again_is_told_until_it_is(make_stack, tmp_path):
    """What the supervisor writes when it gives up; it takes the file away when the process starts again."""
    stack = make_stack(settings={"gateway": {"NEXUS_DEATHS": str(tmp_path)}})
    died = {"time": "2026-11-28T09:00:00.000Z", "level": "error", "service": "sms-worker", "instance": "sms-worker-1",
            "event": "process.parked", "exitCode": None, "signal": 11, "signalName": "SIGSEGV", "parked": True}
    (tmp_path / "sms-worker-1").write_text(json.dumps(died) + "\n")

    is_told(stack, "process.parked", "sms-worker-1")
    assert [(death["instance"], death["signalName"]) for death in stack.health().json()["deaths"]] == [("sms-worker-1", "SIGSEGV")]
    (tmp_path / "sms-worker-1").unlink()

    stack.wait_for("green")


@pytest.mark.parametrize("program, code", [("sms-worker-1", "process.silent"), ("chat-worker-1", "process.silent"),
                                           ("provisioning-worker-1", "process.silent"), ("gateway-1", "process.silent"),
                                           ("metrics-agent-0", "agent.silent")])
def test_one_process_that_is_frozen_is_told_while_messages_go_on(make_stack, program, code):
    with under_audit(make_stack) as run:
        stack = run.stack
        kind = program.rsplit("-", 1)[0]
        eventually(lambda: stack.metric("nexus_processes", proc=kind) == len(stack.running(kind)), "the agent knows it")
        run.may_double = WINDOW if kind == "sms-worker" else 0  # what it had out

        stack[program].freeze()

        is_told(stack, code, program if code == "process.silent" else "")
        assert run.tenant.aggregator().message().status_code == 200
        stack[program].thaw()
        stack.wait_for("green")


def test_redis_that_refuses_writes_is_told_while_messages_go_on(make_stack):
    with under_audit(make_stack, statuses={200}) as run:
        run.stack.redis.command_line("config", "set", "min-replicas-to-write", "1")

        is_told(run.stack, "cache.read_only")
        run.goes_on()
        run.stack.redis.command_line("config", "set", "min-replicas-to-write", "0")
        run.stack.wait_for("green")


def test_a_worker_that_alone_does_not_reach_postgresql_is_told_while_messages_go_on(make_stack):
    stack = make_stack(sms_workers=2)
    aggregator, worker = Tenant(stack).aggregator(), stack["sms-worker-1"]
    worker.stop()
    right = worker.environment["NEXUS_PG_URL"]
    worker.environment["NEXUS_PG_URL"] = "host=/nowhere dbname=nexus"
    worker.restart()

    is_told(stack, "db.unreached", "sms-worker-1")
    assert {aggregator.message().status_code for _ in range(10)} == {200}
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = right
    worker.restart()
    stack.wait_for("green")


def answer_something(tenant):
    return Answer(tenant, conversation_of(tenant))


@pytest.mark.parametrize("table, what_needs_it", [
    ("upload", lambda tenant: as_json(tenant, contents=[photo(40 * KIB)])),  # photos alone
    ("audit", lambda tenant: tenant.administrator().put(f"/nexus/v3/apikeys/{tenant.agent_token[:13]}", json={"enabled": True})),
    ("destination_answer", answer_something)])  # what became of answers
def test_a_locked_table_that_only_some_need_is_told_while_the_others_go_on(make_stack, table, what_needs_it):
    stack = make_stack()
    tenant = Tenant(stack)
    conversation_of(tenant)
    with open_transaction(stack, f"lock table {table} in access exclusive mode"):
        def is_told_and_others_go_on():
            what_needs_it(tenant)
            assert tenant.aggregator().message().status_code == 200
            health = stack.health().json()
            return health["state"] == "yellow" and "db.locked" in {cause["code"] for cause in health["causes"]}

        eventually(is_told_and_others_go_on, "health is yellow and tells db.locked", 60)

    stack.wait_for("green")
    assert as_json(tenant, contents=[photo(40 * KIB)]).status_code == 200
