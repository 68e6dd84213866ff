"""Who makes the load: wrk for throughput, load.c for latency, store_limit.c for PostgreSQL alone.

Each keeps a journal of what was acknowledged, a line each, written by the generator itself."""

import base64
import json
import pathlib
import resource
import subprocess
import typing

from harness.stack import BINARIES

HERE = pathlib.Path(__file__).parent
PROGRAMS = BINARIES.parent / "bench"


class Load(typing.NamedTuple):
    journal: pathlib.Path
    acknowledged: int
    seconds: float
    cpu_s: float        # of the generator
    said: dict          # by the generator

    @property
    def per_second(self):
        return self.acknowledged / self.seconds

    @property
    def errors(self):
        return self.said.get("refused", 0) + self.said.get("socketErrors", 0)


def inbound(nexus, tenant, name, connections, seconds):
    """Messages from phones, each connection one after the other (closed loop)."""
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    return _wrk(nexus, "inbound.lua", connections, seconds, name, [credentials, tenant.number, name, nexus.scratch])


def inbound_tenants(nexus, keys, name, connections, seconds):
    """The same from many tenants; keys is a file with a line "credentials number" for each key."""
    return _wrk(nexus, "inbound_tenants.lua", connections, seconds, name, [keys, name, nexus.scratch])


def answers(nexus, name, connections, seconds, conversations):
    """An agent's answers, to these conversations in turn (closed loop)."""
    file = nexus.scratch / f"{name}.conversations"
    file.write_text("\n".join(conversations) + "\n")
    return _wrk(nexus, "answers.lua", connections, seconds, name,
                [nexus.tenant.agent_token, file, name, nexus.scratch])


def open_loop(nexus, name, rate, seconds):
    """Messages from phones on a fixed schedule; latency counts from when each was due."""
    journal = nexus.scratch / name
    said, cpu_s = _run([PROGRAMS / "load", "--port", nexus.stack.url().rsplit(":", 1)[1], "--ccid", nexus.tenant.ccid,
                        "--key", nexus.tenant.api_key, "--number", nexus.tenant.number, "--name", name,
                        "--rate", rate, "--seconds", seconds, "--journal", journal], seconds)
    said = json.loads(said)
    return Load(journal, said["acknowledged"], seconds, cpu_s, said)


def store_limit(nexus, seconds, batch):
    """Rows a second of the inbound statement alone, over two connections."""
    said, _ = _run([PROGRAMS / "store_limit", nexus.postgres.url(nexus.stack.database), nexus.tenant_id(),
                    nexus.tenant.number, seconds, batch], seconds)
    return json.loads(said)["perSecond"]


def _wrk(nexus, script, connections, seconds, name, arguments):
    text, cpu_s = _run(["wrk", "--threads", 1, "--connections", connections, "--duration", f"{seconds}s",
                        "--timeout", "10s", "--latency", "--script", HERE / script, nexus.stack.url(), "--", *arguments],
                       seconds)
    said = json.loads(next(line for line in text.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT "))
    journal = nexus.scratch / f"{name}-1"
    with open(journal, "rb") as lines:
        acknowledged = sum(1 for _ in lines)
    return Load(journal, acknowledged, said["seconds"], cpu_s, said)


def _run(words, seconds):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds + 60, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} exited with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
