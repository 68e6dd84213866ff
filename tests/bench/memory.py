"""Memory of idle processes."""

import contextlib
import pathlib
import subprocess
import tempfile

from harness.wait import eventually

WORKERS = ("chat-worker", "sms-worker", "provisioning-worker")
TARGETS_MB = {"gateway": 12, **{worker: 16 for worker in WORKERS}, "metrics-agent": 6, "supervisor": 4}
SUPERVISED = 8      # as ./build.sh run has: five processes, the simulator, PostgreSQL and Redis, each with a logger


def idle(rig, section):
    rows = []
    with rig.nexus(readable=True) as nexus, supervisor() as supervising:
        nexus.quiet(rig.scale.quiet_s)
        for program, bound in TARGETS_MB.items():
            pids = supervising if program == "supervisor" else [nexus.stack[f"{program}-0"].pid]
            resident, shared_out = (sum(figures) / 1e6 for figures in zip(*map(resident_bytes, pids)))
            rows.append({"process": program, "RSS MB": round(resident, 1), "PSS MB": round(shared_out, 1)})
            # PSS counts pages that the supervisors share only once; a sum of RSS would count them for each.
            section.at_most(f"idle memory of {program}", shared_out if program == "supervisor" else resident, bound, "MB")
    section.table(f"after {rig.scale.quiet_s:g} s without a request; s6's processes in sum", rows)


@contextlib.contextmanager
def supervisor():
    """s6 with as many services as ./build.sh run has; the programs do not matter to it."""
    with tempfile.TemporaryDirectory(prefix="nx-s6-") as folder:
        services = [pathlib.Path(folder, str(number)) for number in range(SUPERVISED)]
        for service in services:
            for run, line in ((service / "run", "exec sleep 1000"), (service / "log/run", "exec cat")):
                run.parent.mkdir()
                run.write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
                run.chmod(0o755)
        scan = subprocess.Popen(["s6-svscan", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield eventually(lambda: _all_supervisors(scan.pid), "s6 supervises all")
        finally:
            subprocess.run(["s6-svscanctl", "-t", folder], check=True)
            scan.wait(10)


def _all_supervisors(scan):
    below = pathlib.Path(f"/proc/{scan}/task/{scan}/children").read_text(encoding="ascii").split()
    return len(below) == 2 * SUPERVISED and [scan, *map(int, below)]


def resident_bytes(pid):
    """(RSS, PSS): its pages; PSS divides shared pages among the processes."""
    lines = (line.split() for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"))
    figures = {fields[0]: 1024 * int(fields[1]) for fields in lines if fields[0] in ("Rss:", "Pss:")}
    return figures["Rss:"], figures["Pss:"]
