"""Load generators: wrk for throughput, load.c for latency, store_limit.c for PostgreSQL alone.

Each writes a journal with one line for each acknowledged message."""

import base64
import json
import pathlib
import resource
import subprocess
import typing

from harness.nexus.stack import BINARIES

HERE = pathlib.Path(__file__).parent
PROGRAMS = BINARIES.parent / "bench"


class Load(typing.NamedTuple):
    journal: pathlib.Path
    acknowledged: int
    seconds: float
    cpu_s: float        # of the generator
    report: dict        # printed by the generator

    @property
    def per_second(self):
        return self.acknowledged / self.seconds

    @property
    def errors(self):
        return self.report.get("refused", 0) + self.report.get("socketErrors", 0)


def inbound(nexus, tenant, name, connections, seconds, phones=20_000):
    """Texts, one after the other on each connection (closed loop)."""
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    return _wrk(nexus, "inbound.lua", connections, seconds, name, [credentials, tenant.number, name, nexus.scratch, phones])


def inbound_tenants(nexus, keys, name, connections, seconds):
    """The same from many tenants; keys is a file with a line "credentials number" for each key."""
    return _wrk(nexus, "inbound_tenants.lua", connections, seconds, name, [keys, name, nexus.scratch])


def answers(nexus, name, connections, seconds, conversations):
    """Outbound messages, cycling through these conversations (closed loop)."""
    file = nexus.scratch / f"{name}.conversations"
    file.write_text("\n".join(conversations) + "\n")
    return _wrk(nexus, "answers.lua", connections, seconds, name,
                [nexus.tenant.agent_token, file, name, nexus.scratch])


def open_loop(nexus, name, rate, seconds):
    """Texts on a fixed schedule; latency is measured from the time when each was due."""
    journal = nexus.scratch / name
    report, cpu_s = _run([PROGRAMS / "load", "--port", nexus.stack.url().rsplit(":", 1)[1], "--ccid", nexus.tenant.ccid,
                        "--key", nexus.tenant.api_key, "--number", nexus.tenant.number, "--name", name,
                        "--rate", rate, "--seconds", seconds, "--journal", journal], seconds)
    report = json.loads(report)
    return Load(journal, report["acknowledged"], seconds, cpu_s, report)


def store_limit(nexus, seconds, batch):
    """Rows per second of the inbound statement alone, over two connections."""
    report, _ = _run([PROGRAMS / "store_limit", nexus.postgres.url(nexus.stack.database), nexus.tenant_id(),
                    nexus.tenant.number, seconds, batch], seconds)
    return json.loads(report)["perSecond"]


def _wrk(nexus, script, connections, seconds, name, arguments):
    text, cpu_s = _run(["wrk", "--threads", 1, "--connections", connections, "--duration", f"{seconds}s",
                        "--timeout", "10s", "--latency", "--script", HERE / script, nexus.stack.url(), "--", *arguments],
                       seconds)
    report = json.loads(next(line for line in text.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT "))
    journal = nexus.scratch / f"{name}-1"
    with open(journal, "rb") as lines:
        acknowledged = sum(1 for _ in lines)
    return Load(journal, acknowledged, report["seconds"], cpu_s, report)


def _run(words, seconds):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds + 60, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} exited with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
