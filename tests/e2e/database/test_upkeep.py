"""Upkeep: partitions are created ahead of time and dropped when they are old, whatever the default partition contains."""

import signal

import pytest

from harness.wait import eventually

PARTITIONS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'attempt'::regclass order by 1"


@pytest.fixture
def database(postgres, template):
    connection = postgres.connect(postgres.create_database(template))
    yield connection.cursor()
    connection.close()


def value(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchone()[0]


def days(cursor, table):
    """The number of its days. The database is a copy of one that was made when the tests began, which may be yesterday:
    upkeep_partitions() adds what is missing since."""
    return value(cursor, f"select count(*) from pg_inherits where inhparent = '{table}'::regclass") - 1


def insert_attempt(cursor, at):
    cursor.execute(f"""insert into attempt (tenant_id, message_id, at, attempt, outcome)
                       values (1, gen_random_uuid(), {at}, 1, 'sent')""")


def test_records_of_keyword_replies_are_deleted_after_a_day(database):
    database.execute("""insert into keyword_answer (tenant_id, channel_id, address, meaning, since)
                        values (1, 1, '+1', 1, now() - interval '25 hours'), (1, 1, '+1', 3, now() - interval '23 hours')""")

    value(database, "select upkeep_partitions(30, 7)")

    assert value(database, "select array_agg(meaning) from keyword_answer") == [3]


@pytest.mark.parametrize("table", ["attempt", "event"])
def test_a_new_database_has_partitions_for_today_and_the_next_week(database, table):
    assert days(database, table) == 8


def test_an_event_is_stored_in_the_partition_of_its_day_with_its_position(database):
    database.execute("insert into event (tenant_id, kind) values (1, 1), (1, 1)")
    database.execute("select tableoid::regclass::text, ordinal from event order by ordinal")
    (first, one), (second, two) = database.fetchall()
    assert first == second == f"event_{value(database, 'select to_char(now(), %s)' % repr('YYYYMMDD'))}"
    assert one < two


def test_a_day_with_rows_in_the_default_partition_stays_there_and_blocks_no_other_day(database):
    value(database, "select upkeep_partitions(30, 7)")
    before = days(database, "attempt")
    insert_attempt(database, "now() + interval '8 days'")

    assert value(database, "select partition_create('attempt', 9)") == 1

    assert value(database, "select tableoid::regclass::text from attempt") == "attempt_default"
    assert days(database, "attempt") == before + 1


def test_old_days_are_dropped_and_the_default_partition_is_cleaned(database):
    value(database, "select upkeep_partitions(30, 7)")
    before = days(database, "attempt")
    database.execute("create table attempt_20260101 partition of attempt for values from ('2026-01-01') to ('2026-01-02')")
    database.execute("alter table attempt_20260101 owner to nexus_owner")
    insert_attempt(database, "'2026-01-01 12:00+00'")
    insert_attempt(database, "now() - interval '40 days'")
    insert_attempt(database, "now()")

    assert value(database, "select upkeep_partitions(30, 7)") == 1

    assert value(database, "select count(*) from attempt") == 1
    assert days(database, "attempt") == before


def test_only_one_of_two_connections_does_the_same_upkeep_at_a_time(postgres, database):
    value(database, "select upkeep_partitions(30, 7)")
    database.execute("begin")
    assert value(database, "select upkeep_partitions(30, 7)") == 0
    other = postgres.connect(database.connection.info.dbname)

    assert value(other.cursor(), "select upkeep_partitions(30, 7)") is None
    assert value(other.cursor(), "select upkeep_ledger()") == 0

    database.execute("commit")
    assert value(other.cursor(), "select upkeep_partitions(30, 7)") == 0
    other.close()


def test_a_worker_that_is_killed_while_it_creates_partitions_leaves_them_complete(make_stack):
    stack = make_stack()
    worker = stack["provisioning-worker-0"]
    worker.stop()
    stack.query("select upkeep_partitions(30, 7)")
    whole = stack.query(PARTITIONS)
    stack.query("drop table attempt_" + stack.query("select to_char(now() + interval '7 days', 'YYYYMMDD')")[0][0])
    assert stack.query(PARTITIONS) != whole
    worker.environment["NEXUS_FAILPOINTS"] = "partition_roll=kill"

    worker.start().ready()
    assert worker.wait() == -signal.SIGKILL
    del worker.environment["NEXUS_FAILPOINTS"]
    worker.start().ready()

    eventually(lambda: set(whole) <= set(stack.query(PARTITIONS)), "all partitions of the week exist again")


# --- work with a constant or limited cost ---

def test_deleting_events_reads_one_event_of_each_contact_center(database):
    database.execute("""insert into tenant (ccid, name) values (gen_random_uuid(), 'one'), (gen_random_uuid(), 'two');
                        create table event_20200101 partition of event
                            for values from ('2020-01-01T00:00:00Z') to ('2020-01-02T00:00:00Z')""")
    database.execute("""insert into event (tenant_id, kind, xid, at)
                        select t.id, 1, n % 100, '2020-01-01T12:00:00Z' from tenant t, generate_series(1, 5000) n""")
    database.execute("analyze event")

    database.execute("begin; select events_forget(7)") # rows read are counted per transaction

    assert value(database, "select array_agg(xid order by tenant_id) from event_forgotten") == [99, 99]
    assert value(database, """select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables
                              where relname = 'event_20200101'""") == 2


def test_provisioning_makes_at_most_ten_thousand_deliveries_of_a_destination_due(database):
    database.execute("insert into tenant (ccid, name) values (gen_random_uuid(), 'busy') returning id")
    [tenant] = database.fetchone()
    database.execute("insert into destination (tenant_id, url) values (%s, 'https://gateway.example.com') returning id", [tenant])
    [destination] = database.fetchone()
    database.execute("""insert into channel (tenant_id, address, kind, name, provider, destination_id)
                        values (%s, '+18445550000', 1, 'sales', 'Async', %s) returning id""", [tenant, destination])
    [channel] = database.fetchone()
    database.execute("""insert into delivery (tenant_id, destination_id, channel_id, message_id, address, due, expires)
                        select %s, %s, %s, gen_random_uuid(), case when n <= 10000 then 'next' else 'later' end,
                               now() + n * interval '1 min', now() + interval '30 days'
                        from generate_series(1, 10003) n""", [tenant, destination, channel])

    database.execute("select destinations_follow(%s)", [tenant])

    assert value(database, "select array_agg(distinct address) from delivery where due <= now()") == ["next"]
    assert value(database, "select array_agg(distinct address) from delivery where due > now()") == ["later"]


@pytest.fixture
def moved_away(database):
    """A number whose destination has changed while 25 003 messages wait for the old one: (tenant, former, present)."""
    database.execute("insert into tenant (ccid, name) values (gen_random_uuid(), 'moved') returning id")
    [tenant] = database.fetchone()
    database.execute("""insert into destination (tenant_id, url, enabled)
                        values (%s, 'https://before.example.com', false), (%s, 'https://now.example.com', true) returning id""",
                     [tenant, tenant])
    (former,), (present,) = database.fetchall()
    database.execute("""insert into channel (tenant_id, address, kind, name, provider, destination_id)
                        values (%s, '+18445550001', 1, 'sales', 'Async', %s) returning id""", [tenant, present])
    [channel] = database.fetchone()
    database.execute("""insert into delivery (tenant_id, destination_id, channel_id, message_id, address, due, expires)
                        select %s, %s, %s, gen_random_uuid(), n::text, now() + n * interval '1 ms', now() + interval '30 days'
                        from generate_series(1, 25003) n""", [tenant, former, channel])
    return tenant, former, present


def waiting(cursor, destination):
    return value(cursor, f"select count(*) from delivery where destination_id = {destination}")


def test_deliveries_follow_their_number_ten_thousand_at_a_time_the_first_due_first(database, moved_away):
    tenant, former, present = moved_away

    database.execute("select destinations_follow(%s)", [tenant])

    assert (waiting(database, former), waiting(database, present)) == (15003, 10000)
    assert value(database, f"select max(address::int) from delivery where destination_id = {present}") == 10000
    for moved in (10000, 5003, 0):
        assert value(database, "select upkeep_followers(10000)") == moved
    assert (waiting(database, former), waiting(database, present)) == (0, 25003)


def test_a_worker_that_dies_while_it_moves_deliveries_leaves_the_rest_to_the_next_round(database, moved_away):
    _, former, present = moved_away
    for room in (7000, 10000, 10000, 10000):
        database.execute("begin")
        database.execute("select upkeep_followers(%s)", [room])
        database.execute("rollback")  # what PostgreSQL does when the worker dies
        value(database, f"select upkeep_followers({room})")

    assert (waiting(database, former), waiting(database, present)) == (0, 25003)


def test_deliveries_of_a_retired_number_stay_at_their_destination(database, moved_away):
    tenant, former, _ = moved_away
    database.execute("update channel set retired = now() where tenant_id = %s", [tenant])

    database.execute("select destinations_follow(%s)", [tenant])

    assert value(database, "select upkeep_followers(10000)") == 0
    assert waiting(database, former) == 25003
