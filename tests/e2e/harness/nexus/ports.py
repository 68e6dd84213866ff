"""Ports to listen on. They are below the range from which the kernel takes ports for outgoing connections, so that none is
taken before the program listens. They are assigned in ascending order, so that the port of a stopped program is not
reused soon. Each worker of pytest-xdist has a range of its own."""

import itertools
import os
import socket

_RANGES, _LENGTH, _FIRST = 16, 1200, 12_000  # 12 000 to 31 199; the kernel's range begins at 32 768

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _RANGES
_offsets = itertools.count(os.getpid())  # two runs at the same time start at different offsets


def free_port():
    for _ in range(_LENGTH):
        port = _FIRST + _worker * _LENGTH + next(_offsets) % _LENGTH
        if _is_free(port):
            return port
    raise AssertionError("every port of this worker's range is taken")


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
