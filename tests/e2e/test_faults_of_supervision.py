"""What runs under s6 outlives its supervisors and its logs, or is ended and started again, and loses nothing by it."""

import os
import signal

import pytest
import requests

from harness.fault_run import WINDOW, FaultRun
from harness.supervised import Supervised
from harness.wait import eventually


@pytest.fixture
def supervised(request):
    stack = Supervised()
    request.node.stacks = [stack]
    yield stack.start()
    stack.finish()


def kill(*processes):
    for pid in processes:
        os.kill(pid, signal.SIGKILL)


def is_another(stack, name, before):
    eventually(lambda: stack.process(name) != before, f"another {name} has taken over", 40)


def state(stack):
    try:
        return stack.health().json()["state"]
    except requests.RequestException as refused:
        raise AssertionError(refused) from None


def is_green(stack):
    eventually(lambda: state(stack) == "green", "health is green", 40)


def test_supervisors_of_single_processes_are_killed(supervised):
    with FaultRun(supervised, may_double=WINDOW) as run:
        names = ("sms-worker-0", "postgresql", "gateway-0")
        before = [supervised.process(name) for name in names]

        kill(*[supervised.supervisor(name) for name in names], supervised.process("log-chat-worker-0"))

        for name, pid in zip(names, before):
            is_another(supervised, name, pid)
        run.goes_on()
        is_green(supervised)


def test_all_supervisors_are_killed_and_what_they_leave_is_ended_by_the_next_start(supervised):
    with FaultRun(supervised, may_double=WINDOW) as run:
        supervised.kill_everybody_who_supervises()
        run.goes_on()

        supervised.start()

        assert "ending what an earlier run left" in supervised.said()
        run.goes_on()
        is_green(supervised)
        for name in ("gateway-0", "sms-worker-0"):
            os.kill(supervised.process(name), signal.SIGUSR1)
            eventually(lambda: "log.level_changed" in (supervised.state / "log" / name / "current").read_text(), f"{name} has a log")


def test_the_supervisor_of_all_is_killed_and_everything_stops_until_the_next_start(supervised):
    with FaultRun(supervised, may_double=WINDOW):
        kill(supervised.supervisor_of_all)

        assert "the supervisor, s6-svscan, ended by itself" in supervised.ended()
        eventually(lambda: supervised.left() == [], "nothing is left")
        supervised.start()


def test_nobody_reads_the_logs(supervised):
    logs = [supervised.process(f"log-{name}") for name in ("postgresql", "gateway-0", "sms-worker-0")]
    with FaultRun(supervised) as run:
        for log in logs:
            os.kill(log, signal.SIGSTOP)
        supervised.query("alter system set log_statement = 'all'")
        supervised.query("select pg_reload_conf()")
        for _ in range(4):  # each is more than the pipe holds
            supervised.query(f"select 1 /* {'x' * 100_000} */")
            run.goes_on()
        for name in ("gateway-0", "sms-worker-0"):
            os.kill(supervised.process(name), signal.SIGUSR1)  # talkative from now on
        eventually(lambda: {"gateway-0", "sms-worker-0"} <= {cause["about"] for cause in supervised.health().json()["causes"]
                                                             if cause["code"] == "log.stuck"}, "health tells whose log is stuck", 40)
        run.goes_on()
        for log in logs:
            os.kill(log, signal.SIGCONT)
        is_green(supervised)

    assert set(run.statuses) == {200}
