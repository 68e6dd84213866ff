"""A batch reads only the rows it needs, however many rows were added after its plan was made. Connections keep their plans, and on
a new system plans are made while the tables are empty: then an index of few columns seems as good as the primary key."""

import pytest

OTHERS = 3000
ENOUGH = 20         # rows that one message may read of a table


@pytest.fixture
def database(postgres, template):
    """A contact center with one consumer, whose conversation has the message STOP. The connection has the workers' settings."""
    connection = postgres.connect(postgres.create_database(template))
    cursor = connection.cursor()
    cursor.execute("set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set random_page_cost = 1.1")
    cursor.execute("""insert into tenant (ccid, name) values (gen_random_uuid(), 'one');
                      insert into destination (tenant_id, url) values (1, 'http://gateway.example.com');
                      insert into channel (tenant_id, address, kind, name, provider, destination_id)
                      values (1, '+18445550000', 1, 'sales', 'Async', 1)""")
    add_consumers(cursor, 1, 1)
    cursor.execute("""insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
                      values (1, md5('STOP')::uuid, 1, md5('talk 1')::uuid, 1, 1, 13, '+15551000001')""")
    yield cursor
    connection.close()


def add_consumers(cursor, first, last):
    """Inserts consumers with an open conversation each."""
    cursor.execute("""insert into contact (tenant_id, id, address) select 1, md5('person ' || n)::uuid, '+1555' || (1000000 + n)
                        from generate_series(%(first)s, %(last)s) n;
                      insert into conversation (tenant_id, id, channel_id, address, contact_id, state, queue, last_sequence)
                      select 1, md5('talk ' || n)::uuid, 1, '+1555' || (1000000 + n), md5('person ' || n)::uuid, 1, 'q', 1
                        from generate_series(%(first)s, %(last)s) n""", {"first": first, "last": last})


def read_so_far(cursor):
    cursor.execute("""select relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
                        from pg_stat_xact_user_tables""")
    return dict(cursor.fetchall())


def read_by(cursor, call, *arguments):
    """{table: number of rows} that a call read."""
    cursor.execute("begin")
    before = read_so_far(cursor)  # includes rows of earlier transactions
    cursor.execute(call, arguments)
    read = {table: rows - before[table] for table, rows in read_so_far(cursor).items()}
    cursor.execute("commit")
    return read


def accepted(cursor, name):
    return read_by(cursor, """select sms_accept('{1}', '{+18445550000}', array[md5(%s)::uuid], array[%s], '{+15551000001}', '{Hello.}',
        array[gen_random_uuid()], '{null}', '{null}', '{0}', '{0}', '{null}', '{hello}')""", name, name)


def posted(cursor, name):
    return read_by(cursor, """select conversation_post('{1}', array[md5('talk 1')::uuid], array[md5(%s)::uuid], '{null}', '{null}',
        '{Hello.}', '{null}', '{null}')""", name)


def claimed(cursor):
    return read_by(cursor, "select delivery_claim('{1}', '{10}', '{0}', 1000)")


def sent(cursor, name):
    """Stores the outcome of a claimed delivery, with the provider's id."""
    cursor.execute("select id, lease_epoch from delivery where message_id = md5(%s)::uuid", [name])
    [(row, epoch)] = cursor.fetchall()
    return read_by(cursor, """select delivery_store(array[%s]::bigint[], array[%s], '{1}', '{0}', array[%s], '{200}', '{3}', '{null}',
        '{0}', '{0}', '{300}', '{null}', '{null}')""", row, epoch, "provider's " + name)


def received(cursor, name):
    """Stores the receipt of a message, under the provider's id."""
    return read_by(cursor, "select receipt_take('{1}', array[%s], '{2}', '{+18445550000}', '{0}')", "provider's " + name)


def round_trip(cursor, name):
    """Stores a text, sends an outbound message and stores its receipt: the rows that each step read."""
    return {"text": accepted(cursor, "text " + name), "outbound": posted(cursor, name), "claim": claimed(cursor),
            "outcome": sent(cursor, name), "receipt": received(cursor, name)}


def test_each_step_of_a_message_reads_only_rows_of_this_message(database):
    round_trip(database, "the first")  # plans are made
    add_consumers(database, 2, OTHERS)
    database.execute("""insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
                        select 1, gen_random_uuid(), 1, md5('talk ' || n)::uuid, 1, 1, 13, '+1555' || (1000000 + n)
                          from generate_series(2, %(others)s) n;
                        insert into receipt (tenant_id, provider_id, state, channel_address)
                        select 1, 'of another ' || n, 2, '+18445550000' from generate_series(1, %(others)s) n;
                        insert into opt_out (tenant_id, channel_id, address, evidence)
                        select 1, 1, '+1555' || (1000000 + n), gen_random_uuid() from generate_series(2, %(others)s) n""",
                     {"others": OTHERS})

    read = round_trip(database, "another")

    assert {(step, table): rows for step, tables in read.items() for table, rows in tables.items() if rows > ENOUGH} == {}


def test_a_receipt_that_came_before_its_outcome_is_bound_by_the_outcome(database):
    posted(database, "an early one")
    claimed(database)
    received(database, "an early one")

    sent(database, "an early one")

    database.execute("select state from message where id = md5('an early one')::uuid")
    assert database.fetchone() == (5,)  # delivered, as its receipt said


@pytest.mark.parametrize("conversation", ["talk 1", None], ids=["of a conversation", "of no conversation"])
def test_the_fence_of_a_stop_sees_messages_that_are_being_sent_to_the_consumer(database, conversation):
    fence = "select stop_fence('{1}', array[md5('STOP')::uuid])"
    database.execute("""insert into opt_out (tenant_id, channel_id, address, evidence)
                        values (1, 1, '+15551000001', md5('STOP')::uuid)""")
    database.execute(fence)
    assert database.fetchone() == (False,)

    database.execute("""insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
                        values (1, md5('answer')::uuid, 1, null, null, 2, 1, '+15551000001');
                        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, expires,
                                              lease_until, lease_epoch)
                        values (1, 1, 1, md5('answer')::uuid, md5(%s)::uuid, '+15551000001', now() + interval '1 day',
                                now() + interval '30 s', 1)""", [conversation])

    database.execute(fence)
    assert database.fetchone() == (True,)
