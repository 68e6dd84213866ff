"""A year of history: accepting and delivering in a database that is full of finished conversations, in turns with an empty one."""

import concurrent.futures
import contextlib
import statistics
import sys
import time

import consumption
import delivering
from accepting import COMPARED, middle
from report import number

MESSAGES_EACH = 10      # of a conversation, from the consumer and to him in turns
DAYS = 300
KNOWN = 20_000          # phones
CONNECTIONS = 2         # that fill at the same time: a CPU each
CONVERSATIONS_A_CALL = 10_000
DELIVERED, DONE, RECEIVED = 5, 9, 13    # message.state, conversation.state, message.state


def throughput(rig, section):
    with rig.nexus() as empty, rig.nexus() as full:
        people = rig.scale.history // MESSAGES_EACH
        fill(full, people)
        for phones, who in ((min(KNOWN, people), "phones that wrote before"), (people, "any phone of the history")):
            accepting(section, empty, full, phones, who)
        delivered(section, empty, full)


# --- the history ---

def fill(nexus, people, tenant=None):
    """One conversation of each person with the tenant. Rows are inserted in the order of time into tables that have their indexes, as if time had passed."""
    begin, done = time.monotonic(), 0
    slices = [(first, min(first + CONVERSATIONS_A_CALL, people)) for first in range(0, people, CONVERSATIONS_A_CALL)]
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        for count in pool.map(lambda part: fill_slice(nexus, *part, people, tenant or nexus.tenant), slices):
            done += count
            print(f"   {number(done * MESSAGES_EACH)} of {number(people * MESSAGES_EACH)} messages of the history, "
                  f"{time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    nexus.query("vacuum analyze")   # as autovacuum would have done


def fill_slice(nexus, first, end, people, tenant):
    """Inserts the conversations of these persons, and all that belongs to them."""
    with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as connection, connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")
        cursor.execute(HISTORY, {"tenant": nexus.tenant_id(tenant), "number": tenant.number, "first": first, "last": end - 1,
                                 "people": people, "days": DAYS, "each": MESSAGES_EACH})
    return end - first


HISTORY = f"""
    with person as materialized (
        select c.tenant_id, c.id as channel_id, '+1650' || lpad(n::text, 7, '0') as address,
               now() - interval '1 day' * %(days)s * (1 - n::float8 / %(people)s) as opened,
               (lpad(to_hex((extract(epoch from now() - interval '1 day' * %(days)s * (1 - n::float8 / %(people)s)) * 1000)::bigint), 12, '0')
                || '70008' || lpad(to_hex(n), 15, '0'))::uuid as id -- a time-ordered id, as those of workers
          from generate_series(%(first)s, %(last)s) as n, channel c
         where c.tenant_id = %(tenant)s and c.address = %(number)s
    ), known as (
        insert into contact (tenant_id, id, address, created) select tenant_id, id, address, opened from person
    ), talked as (
        insert into conversation (tenant_id, id, channel_id, address, contact_id, state, last_sequence, queue, opened, waiting_since,
                                  last_activity, ended)
        select tenant_id, id, channel_id, address, id, {DONE}, %(each)s, 'sales', opened, opened, opened + %(each)s * interval '1 min',
               opened + interval '1 hour'
          from person
    ), said as (
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, created, address, author,
                             external_id, body)
        select p.tenant_id, case nth %% 2 when 0 then gen_random_uuid() else mo_id end, p.channel_id, p.id, nth, 2 - nth %% 2, case nth %% 2 when 1 then {RECEIVED} else {DELIVERED} end,
               p.opened + nth * interval '1 min', p.address, case nth %% 2 when 0 then 'agent' end,
               case nth %% 2 when 1 then 'mo-' || p.id || nth end,
               rpad('What was said in message ' || nth || ' of this conversation.', 100, ' and so on')
          from person p, generate_series(1, %(each)s) as nth
         cross join lateral (select (left(i.first::text, 18) || right(gen_random_uuid()::text, 18))::uuid as mo_id -- as those of workers
                               from mo_ids(%(number)s, convert_to('mo-' || p.id || nth, 'UTF8')) i) i
        returning tenant_id, id, channel_id, direction, state, created
    ), named as (
        insert into provider_message (tenant_id, provider_id, channel_id, message_id)
        select tenant_id, 'sim-' || id, channel_id, id from said where direction = 2
    ), receipted as (
        insert into receipt (tenant_id, provider_id, state, received, message_id)
        select tenant_id, 'sim-' || id, 2, created, id from said where direction = 2
    )
    insert into ledger_entry (tenant_id, channel_id, direction, day, accepted, state, messages)
    select tenant_id, channel_id, direction, (created at time zone 'utc')::date, count(*), state, count(*) from said group by 1, 2, 3, 4, 6"""


# --- the comparison ---

def accepting(section, empty, full, phones, who):
    pairs = [compared(turn, lambda: accept(empty, f"{phones}-{turn}", phones), lambda: accept(full, f"{phones}-{turn}", phones))
             for turn in range(empty.scale.pairs)]
    section.table(f"texts of {who} ({number(phones)}), wrk -t1, {COMPARED} connections, from a checkpoint on; each run audited after "
                  f"kill -9 of PostgreSQL", [*pairs, middle(pairs)])
    section.at_least(f"accepted from {who}, of an empty database's", median(pairs, "ratio"), 0.9, "×")
    section.at_most(f"WAL bytes a text of {who}, of an empty database's", median(pairs, "WAL ratio"), 1.3, "×")
    section.at_most(f"CPU of PostgreSQL a text of {who}, of an empty database's", median(pairs, "CPU ratio"), 1.15, "×")


def accept(nexus, name, phones):
    """One run. It begins at a checkpoint, after which each page costs its image once: this is part of what history costs."""
    nexus.stack.wait_for("green", within=60)
    warm = nexus.inbound(f"{name}-warm", COMPARED, nexus.scale.warm_s, phones=phones)
    nexus.query("checkpoint")
    nexus.quiet()
    before = consumption.moment(nexus)
    load = nexus.inbound(name, COMPARED, nexus.scale.history_s, phones=phones)
    used = consumption.between(before, consumption.moment(nexus))
    nexus.audit(warm, load)
    return {"/s": load.per_second, "WAL": used.wal_bytes / load.acknowledged, "CPU": used.cpu_us(load.acknowledged)["PostgreSQL µs"]}


def compared(turn, run_empty, run_full):
    """Both run in alternating order, because the machine's speed changes with its neighbours."""
    if turn % 2 == 0:
        empty, full = run_empty(), run_full()
    else:
        full, empty = run_full(), run_empty()
    row = {"pair": str(turn + 1)}
    for name, ratio, unit in (("/s", "ratio", ""), ("WAL", "WAL ratio", " bytes"), ("CPU", "CPU ratio", " µs")):
        row |= {f"empty {name}{unit}": round(empty[name], 1), f"full {name}{unit}": round(full[name], 1),
                ratio: round(full[name] / empty[name], 3)}
    return row


def delivered(section, empty, full):
    phones = {id(nexus): nexus.correspondents(delivering.CONVERSATIONS) for nexus in (empty, full)}

    def run(nexus):
        nexus.stack.wait_for("green", within=60)
        figures = delivering.posted_and_delivered(nexus, phones[id(nexus)])
        return {"/s": figures["delivered/s"], "WAL": figures["WAL bytes"], "CPU": figures["PostgreSQL µs"]}

    pairs = [compared(turn, lambda: run(empty), lambda: run(full)) for turn in range(empty.scale.pairs)]
    section.table("an agent's answers posted over HTTP while the webhooks go out; every one audited", [*pairs, middle(pairs)])
    section.at_least("delivered, of an empty database's", median(pairs, "ratio"), 0.9, "×")


def median(pairs, column):
    return statistics.median(pair[column] for pair in pairs)
