"""The cost of counting metrics: the same load on two Nexuses alternately, one built without counting (NEXUS_COUNTING=OFF)."""

import contextlib
import statistics

import consumption
from harness.nexus.stack import ROOT

UNCOUNTED = ROOT / "build/uncounted/bin"
CONNECTIONS = 64
OURS = ("gateway", "sms-worker")


def cost(rig, section):
    with contextlib.ExitStack() as running:
        builds = {"counting": running.enter_context(rig.nexus()),
                  "not counting": running.enter_context(rig.nexus(binaries=UNCOUNTED))}
        for nexus in builds.values():
            nexus.inbound("first", CONNECTIONS, 1)
        pairs = [pair(builds, number) for number in range(rig.scale.pairs)]
    section.table(f"{CONNECTIONS} connections, alternately; CPU of {' and '.join(OURS)} a message", pairs)
    section.at_most("CPU-µs a message with counting, of those without", statistics.median(one["CPU ratio"] for one in pairs),
                    1.03, "×")
    section.at_least("throughput with counting, of that without", statistics.median(one["throughput ratio"] for one in pairs),
                     0.97, "×")


def pair(builds, number):
    """Runs both within a minute, in alternating order."""
    order = list(builds) if number % 2 == 0 else list(reversed(builds))
    runs = {name: one_run(builds[name], f"pair-{number}") for name in order}
    (rate, cpu), (bare_rate, bare_cpu) = runs["counting"], runs["not counting"]
    return {"pair": str(number + 1), "counting/s": round(rate), "not counting/s": round(bare_rate),
            "throughput ratio": round(rate / bare_rate, 3), "counting µs": round(cpu, 2), "not counting µs": round(bare_cpu, 2),
            "CPU ratio": round(cpu / bare_cpu, 3)}


def one_run(nexus, name):
    """(accepted messages per second, CPU-µs of our processes for each message), after the audit."""
    warm = nexus.inbound(f"{name}-warm", CONNECTIONS, nexus.scale.warm_s)
    before = consumption.moment(nexus)
    load = nexus.inbound(name, CONNECTIONS, nexus.scale.run_s)
    used = consumption.between(before, consumption.moment(nexus))
    nexus.audit(warm, load)
    return load.per_second, sum(1e6 * used.cpu_s[program] for program in OURS) / load.acknowledged
