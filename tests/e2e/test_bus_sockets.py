"""The socket file by which workers find a gateway: it comes back when it is lost, and nobody takes it from a living one."""

import subprocess

import requests

from harness.fault_run import FAST, WINDOW, FaultRun, under_audit
from harness.ports import free_port
from harness.stack import WORKERS
from harness.wait import eventually


def another_worker_is_used(stack):
    newcomer = stack.add("sms-worker", 1)
    newcomer.start()
    eventually(lambda: "sms-worker-1" in stack.workers(), "a worker that comes later is known")


def is_ready(stack):
    return requests.get(f"{stack.url()}/health/ready", timeout=5).status_code == 200


def test_a_removed_bus_socket_is_bound_again_and_who_was_connected_stays(make_stack):
    with FaultRun(make_stack(**FAST)) as run:
        stack, socket = run.stack, run.stack.folder / "bus.gateway-0.sock"
        for _ in range(2):
            socket.unlink()
            run.goes_on()
            eventually(socket.exists, "the socket is there again")
        another_worker_is_used(stack)
        run.goes_on()

    assert set(run.statuses) == {200}


def test_a_gateway_to_which_no_worker_can_come_is_not_ready_until_one_can(make_stack):
    with FaultRun(make_stack(**FAST), may_double=WINDOW) as run:
        stack, workers = run.stack, run.stack.running(*WORKERS)
        for worker in workers:
            worker.kill()
        (stack.folder / "bus.gateway-0.sock").unlink()
        eventually(lambda: not is_ready(stack), "it says that it cannot serve")

        for worker in workers:
            worker.restart()

        eventually(lambda: is_ready(stack), "it is ready, with workers that found the new socket")
        run.goes_on()


def refused(stack, **settings):
    """A second gateway of the same name, until it gives up; its last words."""
    first = stack["gateway-0"]
    environment = {name: str(value) for name, value in {**first.environment, **settings}.items()}
    done = subprocess.run(first.command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_second_start_of_a_gateway_on_the_same_place_does_not_break_the_first(make_stack):
    with under_audit(make_stack, statuses={200}, sms_workers=1) as run:
        refused(run.stack)
        assert "another process listens there" in refused(run.stack, NEXUS_HTTP_PORT=free_port())

        assert (run.stack.folder / "bus.gateway-0.sock").exists()
        another_worker_is_used(run.stack)
