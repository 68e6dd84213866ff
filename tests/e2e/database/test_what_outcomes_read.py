"""Statements for one message read only rows of that message, whatever statistics the planner had when it made their plans."""

import pytest

WAITING = 3000


@pytest.fixture
def database(postgres, template):
    """A contact center with one consumer and two outbound messages, one in a conversation and one in none, both accepted. The
    connection has the workers' settings."""
    connection = postgres.connect(postgres.create_database(template))
    cursor = connection.cursor()
    cursor.execute("set plan_cache_mode = force_generic_plan; set enable_seqscan = off")
    cursor.execute("""insert into tenant (ccid, name) values (gen_random_uuid(), 'one');
                      insert into destination (tenant_id, url) values (1, 'http://gateway.example.com');
                      insert into channel (tenant_id, address, kind, name, provider, destination_id)
                      values (1, '+18445550000', 1, 'sales', 'Async', 1);
                      insert into contact (tenant_id, id, address) values (1, md5('person')::uuid, '+15551000001');
                      insert into conversation (tenant_id, id, channel_id, address, contact_id, state, queue)
                      values (1, md5('talk')::uuid, 1, '+15551000001', md5('person')::uuid, 9, 'q');
                      insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
                      values (1, md5('STOP')::uuid, 1, md5('talk')::uuid, 1, 1, 13, '+15551000001'),
                             (1, md5('answer')::uuid, 1, md5('talk')::uuid, 2, 2, 1, '+15551000001'),
                             (1, md5('campaign')::uuid, 1, null, null, 2, 1, '+15551000001');
                      insert into opt_out (tenant_id, channel_id, address, since, evidence)
                      values (1, 1, '+15551000001', now() + interval '1 s', md5('STOP')::uuid)""")
    yield cursor
    connection.close()


def leased_delivery(cursor, message, conversation):
    cursor.execute("""insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, expires,
                                            lease_until, lease_epoch)
                      values (1, 1, 1, md5(%s)::uuid, md5(%s)::uuid, '+15551000001', now() + interval '1 day',
                              now() + interval '30 s', 1) returning id""", [message, conversation])
    return cursor.fetchone()[0]


@pytest.mark.parametrize("message, conversation", [("answer", "talk"), ("campaign", None)])
def test_the_fence_of_a_stop_sees_messages_that_are_being_sent_to_the_consumer(database, message, conversation):
    database.execute("select stop_fence('{1}', array[md5('STOP')::uuid])")
    assert database.fetchone() == (False,)

    leased_delivery(database, message, conversation)

    database.execute("select stop_fence('{1}', array[md5('STOP')::uuid])")
    assert database.fetchone() == (True,)


def sent(cursor, row, provider_id):
    """Stores that a delivery was sent; how many receipts the statement read."""
    read = "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) from pg_stat_xact_user_tables where relname = 'receipt'"
    cursor.execute("begin")
    cursor.execute("""select place from delivery_store(array[%s]::bigint[], '{1}', '{1}', '{0}', array[%s], '{200}', '{3}', '{null}', '{0}',
                                               '{0}', '{300}', '{null}', '{null}')""", [row, provider_id])
    assert cursor.fetchone() == (1,)
    cursor.execute(read)
    [count] = cursor.fetchone()
    cursor.execute("commit")
    return count


def test_an_outcome_reads_only_the_receipts_of_its_message(database):
    sent(database, leased_delivery(database, "answer", "talk"), "first")  # planned while there were no receipts
    database.execute("""insert into receipt (tenant_id, provider_id, state, channel_address)
                        select 1, 'of another ' || n, 2, '+18445550000' from generate_series(1, %s) n""", [WAITING])
    database.execute("insert into receipt (tenant_id, provider_id, state, channel_address) values (1, 'second', 2, '+18445550000')")

    read = sent(database, leased_delivery(database, "campaign", None), "second")

    assert read <= 10
    database.execute("select state from message where id = md5('campaign')::uuid")
    assert database.fetchone() == (5,)  # delivered, as its receipt said
