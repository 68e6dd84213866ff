"""Faults of supervision: killed supervisors and logs that are not read. Nexus goes on or is restarted, and loses nothing."""

import fcntl
import json
import os
import shutil
import signal
import subprocess

import pytest
import requests

from harness.load.fault_run import WINDOW, FaultRun
from harness.nexus.stack import ROOT
from harness.nexus.supervised import Supervised
from harness.people import OutboundMessage, Tenant
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


def is_replaced(stack, name, before):
    eventually(lambda: stack.process(name) != before, f"another {name} has taken over", 40)


def causes(stack):
    try:
        return {cause["code"] for cause in stack.health().json()["causes"]}
    except requests.RequestException as refused:
        raise AssertionError(refused) from None


def is_well(stack):
    """Its webhooks may have failed while all was stopped, so it may have to wait until it tries its destination again."""
    eventually(lambda: causes(stack) <= {"destination.failing"}, "health names no cause but destinations", 40)


def test_killed_supervisors_of_single_processes_are_replaced(supervised):
    with FaultRun(supervised, may_double=WINDOW) as run:
        names = ("sms-worker-0", "postgresql", "gateway-0")
        before = [supervised.process(name) for name in names]

        kill(*[supervised.supervisor(name) for name in names], supervised.process("log-chat-worker-0"))

        for name, pid in zip(names, before):
            is_replaced(supervised, name, pid)
        run.goes_on()
        is_well(supervised)


def test_a_start_ends_what_is_left_after_all_supervisors_were_killed(supervised):
    with FaultRun(supervised, may_double=WINDOW) as run:
        supervised.kill_all_supervisors()
        run.goes_on()

        supervised.start()

        assert "ending what an earlier run left" in supervised.printed()
        run.goes_on()
        is_well(supervised)
        for name in ("gateway-0", "sms-worker-0"):
            os.kill(supervised.process(name), signal.SIGUSR1)
            eventually(lambda: "log.level_changed" in (supervised.state / "log" / name / "current").read_text(), f"{name} has a log")


def test_everything_stops_when_the_top_supervisor_is_killed(supervised):
    with FaultRun(supervised, may_double=WINDOW):
        kill(supervised.top_supervisor)

        assert "the supervisor, s6-svscan, ended by itself" in supervised.ended()
        eventually(lambda: supervised.remaining_processes() == [], "no process remains")
        supervised.start()


def test_a_start_succeeds_while_a_destination_fails(supervised):
    lengthen_deadlines(supervised)
    tenant = Tenant(supervised, webhook_url=f"{supervised.simulator_url}/nothing-is-here")
    OutboundMessage(tenant)
    eventually(lambda: causes(supervised) == {"destination.failing"}, "health reports the destination")
    supervised.stop()

    supervised.start()

    eventually(lambda: causes(supervised) == {"destination.failing"}, "health reports the destination again")


def reported(state, *codes):
    """Health as stack.sh reads it."""
    return json.dumps({"state": state, "reasons": [f"why {code}" for code in codes], "causes": [
        {"code": code, "about": "", "remedy": f"what to do about {code}"} for code in codes]})


@pytest.mark.parametrize("health, is_well", [
    (reported("green"), True), (reported("yellow", "destination.failing"), True),
    (reported("yellow", "destination.off", "db.held", "db.locked", "bus.refused"), True),
    (reported("yellow", "service.missing"), False), (reported("yellow", "destination.failing", "cache.down"), False),
    (reported("red", "db.full"), False), ("", False)])
def test_a_start_waits_only_for_what_it_starts(tmp_path, health, is_well):
    assert (in_stack_sh(tmp_path, f"health() {{ echo '{health}'; }}; health_is_well") == 0) == is_well


def test_a_start_says_why_health_is_not_green(tmp_path):
    health = reported("yellow", "destination.failing")
    expected = "health: why destination.failing. what to do about destination.failing"
    demo = "demo() { :; }; http_port=1 metrics_port=2 simulator_port=3"

    assert in_stack_sh(tmp_path, f"{demo}; health() {{ echo '{health}'; }}; stack_ready | grep -qx '{expected}'") == 0


def lengthen_deadlines(stack):
    """Restarts the gateway with deadlines of 12 s: on a slow machine not all answers come within 2 s."""
    with open(stack.state / "nexus.conf", "a", encoding="utf-8") as settings:
        settings.write("NEXUS_DEADLINE_FACTOR=6\n")
    before = stack.process("gateway-0")
    os.kill(before, signal.SIGTERM)
    is_replaced(stack, "gateway-0", before)
    is_well(stack)


def test_logs_that_are_not_read_do_not_stop_nexus(supervised):
    lengthen_deadlines(supervised)
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
            os.kill(supervised.process(name), signal.SIGUSR1)  # logs more from now on
        eventually(lambda: {"gateway-0", "sms-worker-0"} <= {cause["about"] for cause in supervised.health().json()["causes"]
                                                             if cause["code"] == "log.stuck"}, "health reports whose log is stuck", 40)
        run.goes_on()
        for log in logs:
            os.kill(log, signal.SIGCONT)
        is_well(supervised)

    assert set(run.statuses) == {200}


def in_stack_sh(state, commands):
    """Runs the commands with the functions of stack.sh for this state directory; the exit code."""
    script = f"root={ROOT} caller_dir={ROOT}; say() {{ :; }}; . supervise/stack.sh; as_user=() state={state} sockets={state}/run; {commands}"
    return subprocess.run(["bash", "-euc", script], cwd=ROOT, timeout=60).returncode


def test_a_service_counts_as_supervised_once_its_status_can_be_read(tmp_path):
    """s6-supervise takes its lock and opens its fifo first, and s6-svok succeeds then; s6-svwait fails until there is a status."""
    service = tmp_path / "supervise/one"
    (service / "supervise").mkdir(parents=True)
    (service / "run").write_text("#!/bin/sh\nexec sleep 100\n")
    (service / "run").chmod(0o755)
    (service / "down").touch()
    os.mkfifo(service / "supervise/control")
    with open(service / "supervise/lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        reader = os.open(service / "supervise/control", os.O_RDWR)
        assert subprocess.run(["s6-svok", service]).returncode == 0, "s6-svok succeeds"
        assert in_stack_sh(tmp_path, "all_supervised") != 0
        os.close(reader)
    shutil.rmtree(service / "supervise")

    supervisor = subprocess.Popen(["s6-supervise", service])
    try:
        eventually(lambda: in_stack_sh(tmp_path, "all_supervised") == 0, "it is supervised")
        assert subprocess.run(["s6-svwait", "-D", "-t", "60000", service]).returncode == 0
    finally:
        supervisor.terminate()
        supervisor.wait(30)


def test_a_supervisor_that_does_not_listen_yet_is_stopped_too(tmp_path):
    (tmp_path / "supervise").mkdir()
    (tmp_path / "alive").mkdir()

    assert in_stack_sh(tmp_path, "sleep 1000 & supervisor=$!; stack_stop; ! kill -0 $supervisor 2>&-") == 0
