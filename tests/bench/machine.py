"""The machine on which the figures were measured, and other load on it."""

import os
import pathlib
import platform
import statistics
import subprocess
import time

from harness.nexus.database import BINARIES


def facts():
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "PostgreSQL": subprocess.run([BINARIES / "postgres", "--version"], capture_output=True, text=True,
                                     check=True).stdout.split()[2],
        "commit": commit(pathlib.Path(__file__).parent)}


class Quietness:
    """Measured before and after: other use of the machine, and the cost of a flush to the disk."""

    def __init__(self, folder):
        self.folder = folder
        self.load_before = os.getloadavg()[0]
        self.steal_before, self.all_before = _cpu_ticks()
        self.flush_before_us = fdatasync_median_us(folder)

    def facts(self):
        steal, ticks = _cpu_ticks()
        share = (steal - self.steal_before) / max(1, ticks - self.all_before)
        return {"load average before": f"{self.load_before:.2f}", "stolen by other guests": f"{100 * share:.1f} %",
                "fdatasync of 8 KiB, median": f"{self.flush_before_us:.0f} µs before, "
                                              f"{fdatasync_median_us(self.folder):.0f} µs after"}


def fdatasync_median_us(folder, rounds=300):
    """Measures like pg_test_fsync, which would show only an average and takes 15 s."""
    file = pathlib.Path(folder) / "fdatasync"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    block, took = b"\0" * 8192, []
    os.pwrite(descriptor, block, 0)
    os.fsync(descriptor)
    for _ in range(rounds):
        begin = time.perf_counter()
        os.pwrite(descriptor, block, 0)
        os.fdatasync(descriptor)
        took.append(time.perf_counter() - begin)
    os.close(descriptor)
    file.unlink()
    return 1e6 * statistics.median(took)


def _processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cpu_ticks():
    """(stolen, all) since the start of the machine."""
    ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


def commit(tree):
    """The commit of a tree. git refuses trees of other users without safe.directory; a copy without .git has no commit."""
    answer = subprocess.run(["git", "-c", "safe.directory=*", "-C", tree, "describe", "--always",
                             "--dirty"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"
