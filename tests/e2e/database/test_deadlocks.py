"""Any two functions that want the same rows at the same time, in whatever order their callers name them, wait for each other. A
deadlock would undo one of them after a second. db/README.md declares the order of locks that this comes from."""

import concurrent.futures
import threading
import uuid

import psycopg2
import pytest

from harness.wait import eventually

TABLES = ("conversation", "delivery", "provider_message", "receipt", "message", "undelivered", "contact", "opt_out", "upload", "channel",
          "destination", "tenant", "api_key")
ROWS = 4

# Each takes the rows of a world (below) in the order of its lists.
FUNCTIONS = {
    "outcomes that arrived": """select count(*) from delivery_store(%(deliveries)s, array[1,1,1,1], '{1,1,1,1}', '{0,0,0,0}', %(providers)s,
        '{200,200,200,200}', '{1,1,1,1}', '{null,null,null,null}'::text[], '{0,0,0,0}', '{0,0,0,0}', '{1,1,1,1}',
        '{null,null,null,null}'::text[], '{null,null,null,null}'::text[])""",
    "outcomes that failed or wait": """select count(*) from delivery_store(%(deliveries)s, array[1,1,1,1], '{3,2,3,2}', '{0,1000,0,1000}',
        '{null,null,null,null}'::text[], '{400,500,400,500}', '{1,1,1,1}', '{refused,null,refused,null}', '{0,0,0,0}', '{0,0,0,0}',
        '{1,1,1,1}', '{null,null,null,null}'::text[], '{null,null,null,null}'::text[])""",
    "receipts": "select count(*) from receipt_take(%(tenants)s, %(providers)s, '{2,2,2,2}', '{null,null,null,null}'::text[], '{null,null,null,null}'::text[])",
    "receipts by our ids": """select count(*) from receipt_take(%(tenants)s, %(names)s, '{5,5,5,5}', '{null,null,null,null}'::text[],
        '{null,null,null,null}'::text[])""",
    "receipts that are bound later": "select count(*) from receipt_bind(100)",
    "a claim": "select count(*) from delivery_lease(array[%(destination)s], '{100}', '{0}', 0)",
    "what expires": "select delivery_expire(100)",
    "what is cancelled": "select operator_cancel(%(tenant)s, %(messages)s::uuid[], null, 100, false)",
    "what is sent again": "select count(*) from undelivered_replay(%(tenant)s, null, null, null, null, null, 100, 'ada')",
    "what follows a stop": "select count(*) from stop_fence(%(tenants)s, %(messages)s::uuid[])",
    "texts": """select count(*) from sms_accept(%(tenants)s, %(numbers)s, %(new)s::uuid[], '{a,b,c,d}', %(addresses)s,
        '{one,stop,three,stop}', %(new)s::uuid[], '{null,null,null,null}'::text[], '{null,null,null,null}'::text[], '{0,0,0,0}', '{0,0,0,0}',
        '{null,null,null,null}'::text[])""",
    "texts that came before": """select count(*) from sms_accept(%(tenants)s, %(numbers)s, %(inbound)s::uuid[], '{a,b,c,d}', %(addresses)s,
        '{one,stop,three,stop}', %(new)s::uuid[], '{null,null,null,null}'::text[], '{null,null,null,null}'::text[], '{0,0,0,0}', '{0,0,0,0}',
        '{null,null,null,null}'::text[])""",
    "answers": """select count(*) from conversation_post(%(tenants)s, %(conversations)s::uuid[], %(new)s::uuid[], '{null,null,null,null}'::text[],
        '{ada,ada,ada,ada}', '{one,two,three,four}', '{null,null,null,null}'::text[], '{null,null,null,null}'::text[])""",
    "answers that were posted before": """select count(*) from conversation_post(%(tenants)s, %(conversations)s::uuid[], %(messages)s::uuid[],
        '{null,null,null,null}'::text[], '{ada,ada,ada,ada}', '{one,two,three,four}', '{null,null,null,null}'::text[],
        '{null,null,null,null}'::text[])""",
    "a conversation that ends": "select conversation_done(%(tenant)s, (%(conversations)s::uuid[])[1], 'ada')",
    "a destination that is switched on": "select destination_switch(%(tenant)s, %(destination)s::text, true)",
    "a network that is granted": "select network_grant(%(tenant)s, '10.0.0.0/8')",
}
# Messages before their receipts: the order that everybody else does not have. In between it waits for a second at most, so that the other
# comes to wait for it.
WRONG = """update message set changed = now() where id = any (%(messages)s::uuid[]);
           do $$ begin
               for i in 1 .. 100 loop
                   exit when exists (select from pg_stat_activity a
                                     where a.datname = current_database() and pg_backend_pid() = any (pg_blocking_pids(a.pid)));
                   perform pg_sleep(0.01);
               end loop;
           end $$;
           update receipt set received = now() where provider_id = any (%(providers)s)"""


@pytest.fixture(scope="module")
def database(postgres, template):
    """Its name. A row that is changed is held for a while, so that whoever wants rows in another order is found; deadlocks are found
    at once, and nobody gives up waiting."""
    name = postgres.create_database(template)
    connection = postgres.connect(name)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("""create function hold() returns trigger language plpgsql as $$
            begin perform pg_sleep(0.005); return case tg_op when 'DELETE' then old else new end; end $$""")
        for table in TABLES:
            cursor.execute(f"create trigger hold before update or delete on {table} for each row execute function hold()")
        cursor.execute("""do $$ declare one regprocedure; begin
            for one in select oid from pg_proc where 'lock_timeout=100ms' = any (proconfig) loop
                execute format('alter function %s set lock_timeout = 0', one);
            end loop; end $$""")
        cursor.execute(f"alter database {name} set deadlock_timeout = '15ms'")
        cursor.execute(f"alter database {name} set statement_timeout = '20s'")
    connection.close()
    return name


def world_of(cursor):
    """Four people of a contact center. Each wrote a text, was answered, and the answer is on its way; it waits for its next attempt, or is
    in somebody's hands. Its receipts have come, and are bound to nothing yet. One answer of each failed before."""
    def rows(question, *values):
        cursor.execute(question, values)
        return [row[0] for row in cursor.fetchall()]

    tenant = rows("insert into tenant (ccid, name) values (gen_random_uuid(), gen_random_uuid()::text) returning id")[0]
    destination = rows("insert into destination (tenant_id, url) values (%s, 'https://example.com') returning id", tenant)[0]
    number = f"+1844{tenant:07}"
    channel = rows("""insert into channel (tenant_id, address, kind, name, provider, destination_id)
                      values (%s, %s, 1, 'sales', 'Async', %s) returning id""", tenant, number, destination)[0]
    addresses = [f"+1555000{n:04}" for n in range(ROWS)]
    providers = [f"provider-{tenant}-{ROWS - n}" for n in range(ROWS)]  # sorted the other way than deliveries
    conversations = rows("""insert into conversation (tenant_id, id, channel_id, address, state, queue, contact_id, last_sequence)
        select %s, gen_random_uuid(), %s, a, 1, 'q', gen_random_uuid(), 10 from unnest(%s) a returning id::text""", tenant, channel, addresses)
    message = """insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
        select %s, gen_random_uuid(), %s, c.id::uuid, {sequence}, {direction}, {state}, c.a from unnest(%s, %s) c (id, a) returning id::text"""
    inbound, outbound, failed = (rows(message.format(sequence=sequence, direction=direction, state=state), tenant, channel, conversations, addresses)
                                 for sequence, direction, state in ((1, 1, 13), (2, 2, 1), (3, 2, 7)))
    deliveries = rows("""insert into delivery (tenant_id, destination_id, channel_id, message_id, address, expires, lease_epoch, lease_until)
        select %s, %s, %s, i.id::uuid, i.a, now() + interval '1 hour', 1, case when i.n %% 2 = 1 then now() + interval '1 hour' end
          from unnest(%s, %s) with ordinality i (id, a, n) returning id""", tenant, destination, channel, outbound, addresses)
    cursor.execute("""insert into provider_message (tenant_id, provider_id, channel_id, message_id) select %s, i.p, %s, i.id::uuid
                        from unnest(%s, %s) i (p, id)""", (tenant, channel, providers, outbound))
    cursor.execute("""insert into receipt (tenant_id, provider_id, state) select %s, p, s from unnest(%s) p, generate_series(2, 3) s""",
                   (tenant, providers))
    cursor.execute("""insert into undelivered (tenant_id, message_id, channel, destination_id, reason, attempts)
                      select %s, id::uuid, %s, %s, 'refused', 1 from unnest(%s) id""", (tenant, number, destination, outbound[2:] + failed))
    return {"tenant": tenant, "destination": destination, "tenants": [tenant] * ROWS, "numbers": [number] * ROWS, "addresses": addresses,
            "providers": providers, "conversations": conversations, "messages": outbound, "names": outbound, "inbound": inbound,
            "deliveries": deliveries}


def reversed_world(world):
    return {name: value[::-1] if isinstance(value, list) else value for name, value in world.items()}


def deadlocks(postgres, database, statements):
    """Both at once, one of them with its rows in the reverse order: whether one was undone."""
    connections = [postgres.connect(database) for _ in statements]
    barrier = threading.Barrier(len(statements))

    def run(connection, statement, world):
        world = {**world, "new": [str(uuid.uuid4()) for _ in range(ROWS)]}
        barrier.wait(60)
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement, world)
                connection.commit()
            except psycopg2.errors.DeadlockDetected:
                return True
            except psycopg2.Error as error:
                if error.pgcode != "40001" and not error.pgcode.startswith("NX"):  # stored meanwhile, or changed otherwise
                    raise
            finally:
                connection.rollback()
        return False

    try:
        with connections[0].cursor() as cursor:
            world = world_of(cursor)
            connections[0].commit()
        with concurrent.futures.ThreadPoolExecutor(len(statements)) as pool:
            runs = [pool.submit(run, *one) for one in zip(connections, statements, (world, reversed_world(world)))]
            return any(one.result(60) for one in runs)
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("first", FUNCTIONS)
def test_two_that_want_the_same_rows_wait_for_each_other(postgres, database, first):
    others = list(FUNCTIONS)[list(FUNCTIONS).index(first):]

    assert [other for other in others if deadlocks(postgres, database, (FUNCTIONS[first], FUNCTIONS[other]))] == []


def test_a_statement_with_another_lock_order_is_found(postgres, database):
    eventually(lambda: deadlocks(postgres, database, (WRONG, FUNCTIONS["receipts"])), "they meet", 60)
