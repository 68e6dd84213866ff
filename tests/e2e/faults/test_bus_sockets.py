"""The socket file of a gateway, by which workers find it: a lost one is made again, and no second gateway takes it."""

import subprocess

import requests

from harness.load.fault_run import FAST, PAIRS, PATIENT, WINDOW, FaultRun, under_audit
from harness.nexus.ports import free_port
from harness.nexus.stack import WORKERS
from harness.wait import eventually


# There are two workers of each kind, because a slow machine may keep one from running for 3 s, after which its gateway gives it up.
ONE_GATEWAY = {**PAIRS, **FAST, **PATIENT, "gateways": 1}


def another_worker_is_used(stack):
    worker = stack.add("sms-worker", 2)
    worker.start()
    eventually(lambda: "sms-worker-2" in stack.serving_workers(), "a worker that was started later is known", 20)


def is_ready(stack):
    return requests.get(f"{stack.url()}/health/ready", timeout=30).status_code == 200


def test_a_removed_bus_socket_is_bound_again_and_workers_stay_connected(make_stack):
    with FaultRun(make_stack(**ONE_GATEWAY)) as run:
        stack, socket = run.stack, run.stack.folder / "bus.gateway-0.sock"
        for _ in range(2):
            socket.unlink()
            run.goes_on()
            eventually(socket.exists, "the socket exists again")
        another_worker_is_used(stack)
        run.goes_on()

    assert set(run.statuses) == {200}


def test_a_gateway_that_no_worker_can_reach_is_not_ready_until_one_can(make_stack):
    with FaultRun(make_stack(**FAST), may_double=WINDOW) as run:
        stack, workers = run.stack, run.stack.running(*WORKERS)
        for worker in workers:
            worker.kill()
        (stack.folder / "bus.gateway-0.sock").unlink()
        eventually(lambda: not is_ready(stack), "the gateway is not ready")

        for worker in workers:
            worker.restart()

        eventually(lambda: is_ready(stack), "the gateway is ready, with workers that found the new socket", 20)
        run.goes_on()


def refused(stack, **settings):
    """Starts a second gateway with the same name, which must fail; its output."""
    first = stack["gateway-0"]
    environment = {name: str(value) for name, value in {**first.environment, **settings}.items()}
    done = subprocess.run(first.command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_second_gateway_with_the_same_name_fails_and_does_not_break_the_first(make_stack):
    with under_audit(make_stack, statuses={200}, **PATIENT) as run:
        refused(run.stack)
        assert "another process listens there" in refused(run.stack, NEXUS_HTTP_PORT=free_port())

        assert (run.stack.folder / "bus.gateway-0.sock").exists()
        another_worker_is_used(run.stack)
