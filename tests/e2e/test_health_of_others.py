"""What somebody else does to Nexus shows in its health, with the reason, while messages go on."""

import contextlib

import pytest

from harness.fault_run import FAST, FaultRun
from harness.people import Tenant
from harness.wait import eventually


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


@pytest.mark.parametrize("program", ["sms-worker", "chat-worker", "provisioning-worker"])
def test_one_of_two_workers_that_is_frozen_is_told(make_stack, program):
    stack = make_stack(sms_workers=2, chat_workers=2, provisioning_workers=2)
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    assert aggregator.message().status_code == 200

    eventually(lambda: stack.metric("nexus_processes", proc=program) == 2, "the agent knows both")
    stack[f"{program}-1"].freeze()

    is_told(stack, "process.silent", f"{program}-1")
    assert aggregator.message().status_code == 200
    stack[f"{program}-1"].thaw()
    stack.wait_for("green")


def test_one_of_two_gateways_that_is_frozen_is_told_by_the_other(make_stack):
    stack = make_stack(gateways=2)
    tenant = Tenant(stack)

    stack["gateway-1"].freeze()

    is_told(stack, "process.silent", "gateway-1")
    assert tenant.aggregator().message().status_code == 200
    stack["gateway-1"].thaw()
    stack.wait_for("green")


def test_a_metrics_agent_that_is_frozen_is_told(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)

    stack["metrics-agent-0"].freeze()

    is_told(stack, "agent.silent")
    assert tenant.aggregator().message().status_code == 200
    stack["metrics-agent-0"].thaw()
    stack.wait_for("green")


def test_redis_that_refuses_writes_is_told(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)

    stack.redis.command_line("config", "set", "min-replicas-to-write", "1")

    is_told(stack, "cache.read_only")
    assert tenant.aggregator().message().status_code == 200
    stack.redis.command_line("config", "set", "min-replicas-to-write", "0")
    stack.wait_for("green")
