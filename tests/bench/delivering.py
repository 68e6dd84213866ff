"""Sending outbound messages: to working destinations, beside destinations that do not answer, and past many waiting rows."""

import contextlib
import json
import statistics

import consumption
import generators
from harness.nexus.ports import free_port
from harness.people import Tenant
from report import number
from rig import AuditFailed, until_empty

CONVERSATIONS = 5_000
PROGRAMS = ("gateway", "chat-worker", "sms-worker")
SENT = 4            # message.state
ROWS_A_CALL = 1_000


def throughput(rig, section):
    with rig.nexus() as nexus:
        phones = nexus.correspondents(CONVERSATIONS)
        posted = posted_and_delivered(nexus, phones)
        drained = drained_alone(nexus, phones)
    section.table("an agent's answers posted over HTTP while the webhooks go out; every one audited", [posted])
    section.table("the same kind of answers, all there when sms-worker starts", [drained])
    section.at_least("accept to webhook answered", posted["delivered/s"], 5000, "/s")
    section.at_most("CPU a message accepted and delivered", posted["all µs"], 150, "µs")


def posted_and_delivered(nexus, phones):
    warm = generators.answers(nexus, "answers-warm", 64, nexus.scale.warm_s, phones.conversations)
    until_empty(nexus, phones.tenant_id, within=60)
    nexus.quiet()
    before = consumption.moment(nexus)
    load = generators.answers(nexus, "answers", 64, nexus.scale.run_s, phones.conversations)
    until_empty(nexus, phones.tenant_id, within=120)
    used = consumption.between(before, consumption.moment(nexus))
    repeated = audit_webhooks(nexus, warm, load)
    audited = nexus.audit(warm, load, condition=f"m.id = a.key::uuid and m.state = {SENT}")
    return {"posted/s": round(load.per_second), "p99 of posting ms": load.report["latencyMs"]["p99"],
            "delivered/s": round(load.acknowledged / used.seconds), "errors": load.errors,
            "WAL bytes": round(used.wal_bytes / load.acknowledged), **used.cpu_us(load.acknowledged, *PROGRAMS),
            "simulator µs": round(1e6 * used.cpu_s["simulator"] / load.acknowledged, 1),
            "audited": audited, "sent twice": repeated}


def audit_webhooks(nexus, *loads):
    """Checks that each acknowledged outbound message was sent under its id. Returns how many were sent more than once."""
    with open(nexus.webhooks, encoding="ascii") as lines:
        answered = [line["messageId"] for line in map(json.loads, lines) if line["status"] == 200]
    missing = {key for load in loads for key in load.journal.read_text("ascii").split()} - set(answered)
    if missing:
        raise AuditFailed(f"{len(missing)} outbound messages were acknowledged and never sent")
    return len(answered) - len(set(answered))


def drained_alone(nexus, phones):
    nexus.stack["sms-worker-0"].stop()
    fill(nexus, phones, nexus.scale.drain)
    rate, used = drain(nexus, phones)
    return {"answers": nexus.scale.drain, "delivered/s": round(rate), **used.cpu_us(nexus.scale.drain, "sms-worker")}


def fill(nexus, phones, count):
    """Posts outbound messages by the SQL function that chat-worker calls, without HTTP."""
    with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as connection:
        for done in range(0, count, ROWS_A_CALL):
            rows = min(ROWS_A_CALL, count - done)
            chosen = [phones.conversations[(done + row) % len(phones.conversations)] for row in range(rows)]
            connection.cursor().execute(
                """select count(*)
                     from (select array_fill(null::text, array[%(rows)s]) as nulls,
                                  array(select gen_random_uuid() from generate_series(1, %(rows)s)) as ids) as x,
                          conversation_post(array_fill(%(who)s, array[%(rows)s]), %(chosen)s::uuid[], x.ids, x.nulls, x.nulls,
                              array_fill('Your parcel arrives today.'::text, array[%(rows)s]), x.nulls, x.nulls)""",
                {"rows": rows, "who": phones.tenant_id, "chosen": chosen})


def drain(nexus, phones):
    """Starts sms-worker with the waiting deliveries of the tenant and kills it when all are sent. Returns the rate between the
    first and the last commit of outcomes, so that the start of the worker does not count, and the consumption."""
    begin, before = nexus.value("select now()"), consumption.moment(nexus)
    worker = nexus.stack["sms-worker-0"]
    worker.restart()
    until_empty(nexus, phones.tenant_id, within=180)
    used = consumption.between(before, consumption.moment(nexus))
    worker.kill()
    sent, seconds = nexus.query(
        """select count(*), extract(epoch from max(at) - min(at))::float from attempt
            where tenant_id = %s and at > %s and outcome = 'sent'""", phones.tenant_id, begin)[0]
    return sent / seconds, used


# --- beside other deliveries that wait ---

def isolation(rig, section):
    """An unreachable destination and one that takes 30 s have deliveries at the same time."""
    def burden(nexus):
        dead = Tenant(nexus.stack, webhook_url=f"http://127.0.0.1:{free_port()}/")
        slow = Tenant(nexus.stack)
        nexus.simulator("PUT", f"knobs/{slow.number}", {"latency_ms": 30_000, "receipts": "none"})
        hopeless = [nexus.correspondents(CONVERSATIONS, tenant) for tenant in (dead, slow)]
        return lambda: burden_again(nexus, hopeless)

    what = "beside a dead and a 30-second-slow destination"
    section.at_least(f"throughput {what}", compare(rig, section, burden, what), 0.9, "×")


def burden_again(nexus, hopeless):
    """New deliveries for these tenants, and a reset of the state of their destinations."""
    for phones in hopeless:
        fill(nexus, phones, nexus.scale.hopeless)
    nexus.query("update destination set not_before = '-infinity', failures = 0")


def backlog(rig, section):
    """Very many rows wait for an unreachable destination."""
    def burden(nexus):
        insert_campaign(nexus, Tenant(nexus.stack, webhook_url=f"http://127.0.0.1:{free_port()}/"))
        return lambda: None

    what = f"past {number(rig.scale.backlog)} rows that wait for a dead destination"
    section.at_least(f"throughput {what}", compare(rig, section, burden, what), 0.6, "×")


def insert_campaign(nexus, tenant):
    """The messages of a campaign, as if accepted in one database transaction."""
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
           insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
           select tenant_id, channel_id, 2, count(*), 1, count(*) from queued group by 1, 2""",
        nexus.scale.backlog, nexus.tenant_id(tenant))


def compare(rig, section, burden, what):
    """Drains a Nexus without the burden and one with it, alternately. Returns the median of the ratios."""
    with rig.nexus() as free, rig.nexus() as burdened:
        free_phones, burdened_phones = (nexus.correspondents(CONVERSATIONS) for nexus in (free, burdened))
        before_each = burden(burdened)
        for nexus in (free, burdened):
            nexus.stack["sms-worker-0"].stop()
            nexus.query("analyze")      # as autovacuum would do soon, for both

        def alone():
            fill(free, free_phones, rig.scale.drain)
            return drain(free, free_phones)[0]

        def hindered():
            before_each()
            fill(burdened, burdened_phones, rig.scale.drain)
            return drain(burdened, burdened_phones)[0]

        pairs = [pair(turn, alone, hindered) for turn in range(rig.scale.pairs)]
    ratio = statistics.median(row["ratio"] for row in pairs)
    section.table(f"{number(rig.scale.drain)} answers to a healthy destination, alone and {what}",
                  [*pairs, {"pair": "median", "ratio": ratio}])
    return ratio


def pair(turn, alone, hindered):
    """Both run in alternating order, because the machine's speed changes with its neighbours."""
    if turn % 2 == 0:
        best, worse = alone(), hindered()
    else:
        worse, best = hindered(), alone()
    return {"pair": str(turn + 1), "alone /s": round(best), "hindered /s": round(worse), "ratio": round(worse / best, 3)}
