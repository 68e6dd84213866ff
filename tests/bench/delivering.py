"""Answers going out: to destinations that answer, beside destinations that do not, and past a heap that waits."""

import contextlib
import json
import statistics

import requests

import consumption
import generators
from harness.people import Tenant
from harness.stack import free_port
from rig import AuditFailed, until_empty

CONVERSATIONS = 5_000
SENT = 4            # message.state
ROWS_A_CALL = 1_000


def throughput(rig, section):
    with rig.nexus() as nexus:
        posted = posted_and_delivered(nexus)
        drained = drained_alone(nexus)
    section.table("an agent's answers posted over HTTP while the webhooks go out; every one audited", [posted])
    section.table("the same kind of answers, all there when sms-worker starts", [drained])
    section.at_least("accept to webhook answered", posted["delivered/s"], 5000, "/s")
    section.at_most("CPU a message accepted and delivered", posted["ours + PostgreSQL µs"], 150, "µs")


def posted_and_delivered(nexus):
    conversations = nexus.conversations(CONVERSATIONS)
    warm = generators.answers(nexus, "answers-warm", 64, nexus.scale.warm_s, conversations)
    until_empty(nexus, nexus.tenant_id(), within=60)
    nexus.quiet()
    before = consumption.moment(nexus)
    load = generators.answers(nexus, "answers", 64, nexus.scale.run_s, conversations)
    until_empty(nexus, nexus.tenant_id(), within=120)
    after = consumption.moment(nexus)
    used = consumption.between(before, after)
    repeated = audit_webhooks(nexus, warm, load)
    audited = nexus.audit(warm, load, condition=f"m.id = a.key::uuid and m.state = {SENT}")
    return {"posted/s": round(load.per_second), "p99 of posting ms": load.said["latencyMs"]["p99"],
            "delivered/s": round(load.acknowledged / used.seconds), "errors": load.errors,
            "WAL bytes": round(used.wal_bytes / load.acknowledged), **used.cpu_us(load.acknowledged),
            "audited": audited, "sent twice": repeated}


def audit_webhooks(nexus, *loads):
    """Each acknowledged answer was sent, under its id. Answers how many were sent more than once."""
    with open(nexus.webhooks, encoding="ascii") as lines:
        answered = [line["messageId"] for line in map(json.loads, lines) if line["status"] == 200]
    missing = {key for load in loads for key in load.journal.read_text("ascii").split()} - set(answered)
    if missing:
        raise AuditFailed(f"{len(missing)} answers were acknowledged and never sent")
    return len(answered) - len(set(answered))


def drained_alone(nexus):
    nexus.stack["sms-worker-0"].stop()
    fill(nexus, nexus.tenant, nexus.scale.drain)
    before = consumption.moment(nexus)
    rate = drain(nexus)
    used = consumption.between(before, consumption.moment(nexus))
    return {"answers": nexus.scale.drain, "delivered/s": round(rate), **used.cpu_us(nexus.scale.drain)}


def fill(nexus, tenant, count):
    """Answers posted as chat-worker does it, by the same SQL function, without its HTTP."""
    who, conversations = nexus.tenant_id(tenant), nexus.conversations(CONVERSATIONS, tenant)
    with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as connection:
        for done in range(0, count, ROWS_A_CALL):
            rows = min(ROWS_A_CALL, count - done)
            chosen = [conversations[(done + row) % CONVERSATIONS] for row in range(rows)]
            connection.cursor().execute(
                """select count(*)
                     from (select array_fill(null::text, array[%(rows)s]) as nulls,
                                  array(select gen_random_uuid() from generate_series(1, %(rows)s)) as ids) as x,
                          conversation_post(array_fill(%(who)s, array[%(rows)s]), %(chosen)s::uuid[], x.ids, x.nulls, x.nulls,
                              array_fill('Your parcel arrives today.'::text, array[%(rows)s]), x.nulls, x.nulls)""",
                {"rows": rows, "who": who, "chosen": chosen})


def drain(nexus):
    """Starts sms-worker over what waits for the tenant and kills it when that has left. The rate between the first
    and the last commit of outcomes, so that the worker's start does not count."""
    who = nexus.tenant_id()
    begin = nexus.value("select now()")
    worker = nexus.stack["sms-worker-0"]
    worker.restart()
    until_empty(nexus, who, within=180)
    worker.kill()
    sent, seconds = nexus.query(
        """select count(*), extract(epoch from max(at) - min(at))::float from attempt
            where tenant_id = %s and at > %s and outcome = 'sent'""", who, begin)[0]
    return sent / seconds


# --- with something in the way ---

def isolation(rig, section):
    """A destination that nobody answers at, and one that takes 30 s, have work at the same time."""
    def burden(nexus):
        dead = Tenant(nexus.stack, webhook_url=f"http://127.0.0.1:{free_port()}/")
        slow = Tenant(nexus.stack)
        nexus.simulator("PUT", f"knobs/{slow.number}", {"latency_ms": 30_000, "receipts": "none"})
        return lambda: trouble(nexus, dead, slow)

    ratio = compare(rig, section, burden, "beside a dead and a 30-second-slow destination")
    section.at_least("throughput beside a dead and a 30-second-slow destination", ratio, 0.9, "×")


def trouble(nexus, *tenants):
    """Fresh work for these; that they do not take any has been forgotten."""
    for tenant in tenants:
        fill(nexus, tenant, nexus.scale.hopeless)
    nexus.query("update destination set not_before = '-infinity', failures = 0")


def backlog(rig, section):
    """Very many rows wait for a destination that nobody answers at."""
    def burden(nexus):
        heap(nexus, Tenant(nexus.stack, webhook_url=f"http://127.0.0.1:{free_port()}/"))
        return lambda: None

    ratio = compare(rig, section, burden, f"past {rig.scale.backlog:,} waiting rows".replace(",", " "))
    section.at_least(f"throughput past {rig.scale.backlog:,} waiting rows".replace(",", " "), ratio, 0.6, "×")


def heap(nexus, tenant):
    """A campaign's worth of messages, as one transaction would have accepted them."""
    nexus.query(
        """with queued as (
               insert into delivery (tenant_id, destination_id, channel_id, message_id, address, expires)
               select k.tenant_id, k.destination_id, k.id, gen_random_uuid(), '+1555' || n, now() + k.validity
                 from channel k, generate_series(1, %s) as n where k.tenant_id = %s
               returning tenant_id, channel_id, message_id, address
           ), written as (
               insert into message (tenant_id, id, channel_id, direction, state, address, body)
               select tenant_id, message_id, channel_id, 2, 1, address, 'Your parcel arrives today.' from queued
           )
           insert into ledger_entry (tenant_id, channel_id, direction, accepted)
           select tenant_id, channel_id, 2, count(*) from queued group by 1, 2""",
        nexus.scale.backlog, nexus.tenant_id(tenant))
    nexus.query("analyze")


def compare(rig, section, burden, what):
    """Drains of a Nexus without the burden and of one with it, in turns. Answers the median of the ratios."""
    rows = []
    with rig.nexus() as free, rig.nexus() as burdened:
        before_each = burden(burdened)
        for nexus in (free, burdened):
            nexus.stack["sms-worker-0"].stop()
            nexus.conversations(CONVERSATIONS)
        for number in range(rig.scale.pairs):
            def alone():
                fill(free, free.tenant, rig.scale.drain)
                return drain(free)

            def hindered():
                before_each()
                fill(burdened, burdened.tenant, rig.scale.drain)
                return drain(burdened)

            if number % 2 == 0:
                best, worse = alone(), hindered()
            else:
                worse, best = hindered(), alone()
            rows.append({"pair": str(number + 1), "alone /s": round(best), f"{what} /s": round(worse),
                         "ratio": round(worse / best, 3)})
        for nexus in (free, burdened):
            nexus.stack["sms-worker-0"].restart()
    ratio = statistics.median(row["ratio"] for row in rows)
    section.table(f"{rig.scale.drain:,} answers to a healthy destination, in turns".replace(",", " "),
                  [*rows, {"pair": "median", "ratio": ratio}])
    return ratio
