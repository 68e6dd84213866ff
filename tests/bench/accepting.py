"""Inbound messages: throughput compared with the limit of PostgreSQL alone, and latency at a fixed rate."""

import statistics

import consumption
import generators

CONNECTIONS = (1, 16, 64, 256)
COMPARED = 64
KANNEL_PER_SECOND = 14_000      # the fastest comparable product, which does not store (docs/performance.md)


def throughput(rig, section):
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)     # contacts, conversations and caches of the tenant
        top_before = generators.store_limit(nexus, rig.scale.limit_s, batch=200)
        rows = [one_run(nexus, connections, f"sweep-{connections}") for connections in CONNECTIONS]
        compared = rows[CONNECTIONS.index(COMPARED)]
        batch = max(1, round(compared["batch rows"]))
        pairs = [pair(nexus, number, batch) for number in range(rig.scale.pairs)]
        top_after = generators.store_limit(nexus, rig.scale.limit_s, batch=200)
    ratio = statistics.median(one["ratio"] for one in pairs)
    accepted = statistics.median([compared["accepted/s"], *(one["accepted/s"] for one in pairs)])
    section.table("the complete path, wrk -t1; each run audited after kill -9 of PostgreSQL", rows)
    section.table(f"runs at {COMPARED} connections, next to the statement alone over two connections, {batch} rows a batch",
                  [*pairs, middle(pairs)])
    section.table("the statement alone, 200 rows a batch",
                  [{"when": "before", "rows/s": top_before}, {"when": "after", "rows/s": top_after}])
    section.at_least(f"accepted at {COMPARED} connections, of the store limit (aim 0.7)", ratio, 0.5, "×")
    section.at_least(f"accepted at {COMPARED} connections; Kannel without a store: 10 to 14 k/s", accepted,
                     KANNEL_PER_SECOND, "/s")
    section.at_most(f"fsyncs a message at {COMPARED} connections", compared["fsyncs/message"], 0.05)
    section.at_most(f"CPU an accepted message at {COMPARED} connections", compared["all µs"], 60, "µs")


def one_run(nexus, connections, name):
    """A row of the table: the figures of one audited run."""
    warm = nexus.inbound(f"{name}-warm", connections, nexus.scale.warm_s)
    nexus.quiet()
    batches_before, before = consumption.batches(nexus, "sms.inbound"), consumption.moment(nexus)
    load = nexus.inbound(name, connections, nexus.scale.run_s)
    used = consumption.between(before, consumption.moment(nexus))
    audited = nexus.audit(warm, load)
    batches = consumption.batches_between(batches_before, consumption.batches(nexus, "sms.inbound"))
    return {"connections": connections, "accepted/s": round(load.per_second), "p50 ms": load.report["latencyMs"]["p50"],
            "p99 ms": load.report["latencyMs"]["p99"], "errors": load.errors, **batches,
            "fsyncs/message": round(used.syncs_per_row, 4), "WAL bytes": round(used.wal_bytes / load.acknowledged),
            **used.cpu_us(load.acknowledged, "gateway", "sms-worker"), "wrk µs": round(1e6 * load.cpu_s / load.acknowledged, 1), "audited": audited}


def pair(nexus, number, batch):
    """Runs both within a minute, in alternating order, because the machine's speed changes with its neighbours. Both start with a
    PostgreSQL that has just recovered from the last audit, so both are warmed up."""
    def limit():
        generators.store_limit(nexus, nexus.scale.warm_s, batch)
        return generators.store_limit(nexus, nexus.scale.limit_s, batch)

    def system():
        return one_run(nexus, COMPARED, f"pair-{number}")["accepted/s"]

    if number % 2 == 0:
        alone, accepted = limit(), system()
    else:
        accepted, alone = system(), limit()
    return {"pair": str(number + 1), "statement alone rows/s": alone, "accepted/s": accepted,
            "ratio": round(accepted / alone, 3)}


def middle(pairs):
    columns = [column for column in pairs[0] if column != "pair"]
    return {"pair": "median", **{column: statistics.median(one[column] for one in pairs) for column in columns}}


def latency(rig, section):
    rows = []
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)
        for rate in (1000, 5000):
            nexus.quiet()
            load = generators.open_loop(nexus, f"open-{rate}", rate, rig.scale.open_s)
            audited = nexus.audit(load, condition="m.direction = 1 and m.external_id = a.key")
            rows.append({"offered/s": rate, "accepted/s": round(load.per_second),
                         **{f"{name} ms": ms for name, ms in load.report["latencyMs"].items()},
                         "sent again": load.report["repeated"], "audited": audited})
    section.table("open loop over 64 connections, latency from the moment a message was due", rows)
    section.at_most("p99 at 1 000/s, open loop", rows[0]["p99 ms"], 8, "ms")
