"""Concurrent transactions on the same rows: they lock the rows in one order and do not undo each other's changes."""

import concurrent.futures

import psycopg2
import pytest

from harness.wait import eventually

FIRST, SECOND = "+15550000001", "+15550000002"


@pytest.fixture
def connect(postgres, template):
    """connect() opens another connection to a database for this test only."""
    name = postgres.create_database(template)
    connections = []

    def connect(autocommit=True):
        connections.append(postgres.connect(name))
        connections[-1].autocommit = autocommit
        return connections[-1].cursor()

    yield connect
    for connection in connections:
        connection.close()


@pytest.fixture
def tenant(connect):
    database = connect()
    tenant = ask(database, "insert into tenant (ccid, name) values (gen_random_uuid(), 'one') returning id")
    destination = ask(database, """insert into destination (tenant_id, url, failures) values (%s, 'https://example.com', 1)
                                   returning id""", [tenant])
    database.execute("""insert into channel (tenant_id, address, kind, name, provider, destination_id)
                        values (%s, '+18445550000', 1, 'sales', 'Async', %s)""", [tenant, destination])
    return tenant


def ask(database, question, values=None):
    database.execute(question, values)
    return database.fetchone()[0]


def waits(database, other):
    """Whether the other connection waits for a lock."""
    return ask(database, "select cardinality(pg_blocking_pids(%s)) > 0", [other.connection.info.backend_pid])


def is_held(database, address):
    try:
        database.execute("select from conversation where address = %s for update nowait", [address])
        return False
    except psycopg2.errors.LockNotAvailable:
        return True


POST = """select count(*) from conversation_post(array[%(tenant)s, %(tenant)s]::int[],
              array(select id from conversation order by id), array[gen_random_uuid(), gen_random_uuid()],
              '{null,null}', '{a,a}', '{one,two}', '{null,null}', '{null,null}')"""
ACCEPT = """select count(*) from sms_accept(array[%(tenant)s, %(tenant)s]::int[], '{+18445550000,+18445550000}',
                array[gen_random_uuid(), gen_random_uuid()], '{m1,m2}', array[%(second)s, %(first)s], '{one,two}',
                array[gen_random_uuid(), gen_random_uuid()], '{null,null}', '{null,null}', '{0,0}', '{0,0}', '{null,null}')"""


@pytest.mark.parametrize("function, statement", [("conversation_post", POST), ("sms_accept", ACCEPT)], ids=["outbound messages", "texts"])
def test_texts_and_outbound_messages_lock_conversations_in_one_order(connect, tenant, function, statement):
    database, holder, writer = connect(), connect(autocommit=False), connect()
    values = {"tenant": tenant, "first": FIRST, "second": SECOND}
    # The ids sort in the reverse order of the addresses.
    database.execute("""insert into conversation (tenant_id, id, channel_id, address, state, queue)
                        select %(tenant)s, i.id::uuid, c.id, i.address, 1, 'q' from channel c, (values
                            (%(first)s, 'ffffffff-0000-7000-8000-000000000001'),
                            (%(second)s, '00000000-0000-7000-8000-000000000002')) i (address, id)""", values)
    database.execute(f"""do $$ declare one regprocedure; begin
                             for one in select oid from pg_proc where proname = '{function}' loop
                                 execute format('alter function %s set lock_timeout = 0', one);
                             end loop; end $$""")
    holder.execute("select from conversation where address = %s for update", [SECOND])

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        written = pool.submit(ask, writer, statement, values)
        try:
            eventually(lambda: waits(database, writer), "the writer waits for the second conversation")
            assert is_held(database, FIRST), "the writer has locked the first conversation meanwhile"
        finally:
            holder.connection.rollback()
        assert written.result() == 2


def test_an_upload_that_a_message_is_taking_over_is_not_deleted(connect, tenant):
    database, message, upkeep = connect(), connect(autocommit=False), connect()
    database.execute("insert into upload (tenant_id, id, created) values (%s, gen_random_uuid(), now() - interval '1 hour')", [tenant])
    message.execute("update upload set message_id = gen_random_uuid()")

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        deleted = pool.submit(ask, upkeep, "select upkeep_uploads(900)")
        try:
            eventually(lambda: waits(database, upkeep), "upkeep waits for the row of the upload")
        finally:
            message.connection.commit()
        assert deleted.result() == 0

    assert ask(database, "select count(*) from upload") == 1


def test_a_claim_does_not_wait_for_a_change_of_its_destination(connect, tenant):
    database, settings = connect(), connect(autocommit=False)
    settings.execute("update destination set url = 'https://example.com/new'")

    database.execute("set lock_timeout = '1s'")
    while_held = ask(database, "select delivery_probe(id) from destination")
    settings.connection.rollback()
    afterwards = [ask(database, "select delivery_probe(id) from destination") for _ in range(2)]

    assert (while_held, afterwards) == (False, [True, False])
