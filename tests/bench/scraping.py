"""The cost of a scrape for metrics-agent when twenty processes report all their metrics."""

import pathlib
import re
import time

import requests

from harness.api import routes
from harness.people import OutboundMessage
from harness.reading.scrape import OPENMETRICS

SHAPE = {"gateways": 4, "chat_workers": 5, "sms_workers": 5, "provisioning_workers": 4}   # plus the agent and the simulator
FORMATS = {"text": "text/plain; version=0.0.4", "OpenMetrics": OPENMETRICS}


def cost(rig, section):
    with rig.nexus(**SHAPE) as nexus:
        processes = len(nexus.stack.processes)
        for gateway in range(SHAPE["gateways"]):
            ask_everything(nexus.stack.url(gateway))
        OutboundMessage(nexus.tenant).becomes("sent")
        nexus.quiet(rig.scale.quiet_s)
        rows = [one_format(nexus, name, accept, rig.scale.scrapes) for name, accept in FORMATS.items()]
    section.table(f"{processes} processes, {rig.scale.scrapes} scrapes each", rows)
    for row in rows:
        section.at_most(f"CPU of a scrape at {processes} processes, {row['format']}", row["CPU ms"], 5, "ms")
        section.at_most(f"size of a scrape at {processes} processes, {row['format']}", row["KB"], 200, "KB")


def ask_everything(url):
    """Sends one request to every route: whatever the answer is, it is counted in its own series."""
    session = requests.Session()
    for route in routes.calls():
        session.request(route.method, url + re.sub(r"\{\w+\}", "unknown", route.path), timeout=10)


def one_format(nexus, name, accept, count):
    """CPU time of the agent while it is scraped, minus its CPU time in an equal period without scrapes."""
    agent, session = nexus.stack["metrics-agent-0"].pid, requests.Session()
    url = f"http://127.0.0.1:{nexus.stack.metrics_port}/metrics"
    began, before = time.monotonic(), cpu_s(agent)
    for _ in range(count):
        answer = session.get(url, headers={"Accept": accept, "Accept-Encoding": "identity"}, timeout=10)
        answer.raise_for_status()
    took, used = time.monotonic() - began, cpu_s(agent) - before
    before = cpu_s(agent)
    nexus.quiet(took)
    idle = cpu_s(agent) - before
    series = sum(1 for line in answer.text.splitlines() if not line.startswith("#"))
    return {"format": name, "CPU ms": round(1000 * (used - idle) / count, 3), "KB": round(len(answer.content) / 1000, 1),
            "series": series}


def cpu_s(pid):
    """CPU time of all threads, from the scheduler's statistics."""
    return sum(int(file.read_text(encoding="ascii").split()[0])
               for file in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
