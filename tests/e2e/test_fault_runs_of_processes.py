"""Faults of processes and of what stands between them, under load: what was promised holds meanwhile, and the audit finds
everything afterwards."""

import requests

from harness.fault_run import FaultRun
from harness.wait import eventually


def test_the_file_of_a_bus_socket_is_removed(make_stack):
    stack = make_stack(gateways=2, sms_workers=2, chat_workers=2)

    with FaultRun(stack) as run:
        for gateway in (0, 1):
            socket = stack.folder / f"bus.gateway-{gateway}.sock"
            socket.unlink()
            run.goes_on()
            eventually(socket.exists, "the socket is there again")
        stack["sms-worker-0"].stop()
        stack["sms-worker-0"].restart()
        for gateway in (0, 1):
            eventually(lambda: "sms-worker-0" in stack.workers(gateway), "a worker that comes later is known")

    assert set(run.statuses) == {200}
