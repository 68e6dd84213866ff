"""Profile of accepting a message: the functions by their share of the time, for finding improvements.

It needs Debian's `linux-perf`. An ordinary user sees the functions of their own processes, and only the total time of the
kernel."""

import re
import shutil
import signal
import subprocess

from harness.nexus.database import children

CONNECTIONS = 64
SHOWN = 15
LINE = re.compile(r"\s*([\d.]+)%\s+(\S+)\s+(\S+)(?:\s+\[.\]\s+(\S+))?")


def accepting(rig, section):
    if not shutil.which("perf"):
        section.table("not measured, because perf is missing (apt-get install linux-perf)", [])
        return
    with rig.nexus() as nexus:
        nexus.inbound("first", CONNECTIONS, 1)
        file = nexus.scratch / "perf.data"
        pids = [nexus.stack[name].pid for name in ("gateway-0", "sms-worker-0")] + children(nexus.postgres.pid)
        kernel_before, all_before = kernel_and_all(pids)
        recording = subprocess.Popen(["perf", "record", "--quiet", "--event", "cpu-clock:u", "--freq", "999", "--output", file,
                                      "--pid", ",".join(map(str, pids))], stderr=subprocess.PIPE, text=True)
        load = nexus.inbound("watched", CONNECTIONS, nexus.scale.run_s)
        recording.send_signal(signal.SIGINT)
        error_output = recording.communicate(timeout=30)[1]
        kernel, both = (after - before for after, before in zip(kernel_and_all(pids), (kernel_before, all_before)))
        if not file.exists():
            raise RuntimeError(f"perf record: {error_output}")
        nexus.audit(load)
        section.table(f"user time of gateway, sms-worker and PostgreSQL at {CONNECTIONS} connections; the kernel took "
                      f"{100 * kernel / both:.0f} % of all", shares(file, "comm,dso"))
        section.table("the functions among them that have a name", shares(file, "comm,dso,symbol"))


def shares(file, by):
    """Rows of perf's report, without functions that have no symbol, because these are only addresses."""
    text = subprocess.run(["perf", "report", "--input", file, "--stdio", "--no-children", "--sort", by],
                          capture_output=True, text=True, check=True).stdout
    found = [line.groups(default="") for line in map(LINE.match, text.splitlines()) if line]
    rows = [{"share %": float(share), "process": process, "in": library, "function": name}
            for share, process, library, name in found if not name.startswith("0x")]
    return [{title: cell for title, cell in row.items() if cell != ""} for row in rows[:SHOWN]]


def kernel_and_all(pids):
    """CPU time so far, in ticks."""
    kernel = user = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        user, kernel = user + int(fields[11]), kernel + int(fields[12])
    return kernel, user + kernel
