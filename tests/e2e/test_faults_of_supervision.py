"""What runs under s6 outlives its supervisors and its logs, or is ended and started again, and loses nothing by it."""

import fcntl
import os
import shutil
import signal
import subprocess

import pytest
import requests

from harness.fault_run import WINDOW, FaultRun
from harness.stack import ROOT
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


def in_stack_sh(state, commands):
    """These, with the functions of stack.sh, for that state directory."""
    script = f"root={ROOT} caller_dir={ROOT}; say() {{ :; }}; . supervise/stack.sh; as_user=() state={state} sockets={state}/run; {commands}"
    return subprocess.run(["bash", "-euc", script], cwd=ROOT, timeout=60).returncode


def test_a_service_is_supervised_when_its_status_can_be_read_and_not_before(tmp_path):
    """s6-supervise takes its lock and opens its fifo first, and s6-svok is content with that; s6-svwait fails until there is a status."""
    service = tmp_path / "supervise/one"
    (service / "supervise").mkdir(parents=True)
    (service / "run").write_text("#!/bin/sh\nexec sleep 100\n")
    (service / "run").chmod(0o755)
    (service / "down").touch()
    os.mkfifo(service / "supervise/control")
    with open(service / "supervise/lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        reader = os.open(service / "supervise/control", os.O_RDWR)
        assert subprocess.run(["s6-svok", service]).returncode == 0, "s6-svok is content"
        assert in_stack_sh(tmp_path, "all_supervised") != 0
        os.close(reader)
    shutil.rmtree(service / "supervise")

    supervisor = subprocess.Popen(["s6-supervise", service])
    try:
        eventually(lambda: in_stack_sh(tmp_path, "all_supervised") == 0, "it is supervised")
        assert subprocess.run(["s6-svwait", "-D", "-t", "5000", service]).returncode == 0
    finally:
        supervisor.terminate()
        supervisor.wait(30)


def test_a_supervisor_that_does_not_listen_yet_is_stopped_all_the_same(tmp_path):
    (tmp_path / "supervise").mkdir()
    (tmp_path / "alive").mkdir()

    assert in_stack_sh(tmp_path, "sleep 1000 & supervisor=$!; stack_stop; ! kill -0 $supervisor 2>&-") == 0
