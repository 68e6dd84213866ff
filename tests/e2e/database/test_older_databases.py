"""Migration of an old database without roles: its tables belong to the login of its workers. dumps/7eccdb0.sql.gz is the dump of
a running Nexus of schema version 7: 37 messages, two of which are undelivered and two of which wait for their next attempt."""

import gzip
import os
import pathlib
import subprocess
import threading

import psycopg2
import pytest
from harness.nexus.database import BINARIES as POSTGRESQL
from harness.nexus.nexusctl import Operator
from harness.nexus.stack import BINARIES
from harness.wait import eventually

DUMP = pathlib.Path(__file__).parent / "dumps/7eccdb0.sql.gz"
COUNTS = ("select (select count(*) from message), (select count(*) from conversation), (select count(*) from attempt),"
          " (select count(*) from receipt), (select count(*) from event), (select sum(accepted) from ledger_entry),"
          " (select count(*) from undelivered), (select count(*) from delivery), (select count(*) from api_key)")


def psql(url, text):
    subprocess.run([POSTGRESQL / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url], input=text, check=True, timeout=300,
                   stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})


@pytest.fixture
def old(postgres, template):
    """old(login) restores the dump into a database that this login owns."""
    assert template  # its migration has created the roles

    def restored(login):
        name = postgres.create_database()
        if login:
            postgres.administer(f"""do $$ begin
                if not exists (select from pg_roles where rolname = '{login}') then create role {login} login in role nexus_api; end if;
                revoke nexus_owner from {login}; end $$""")
            postgres.administer(f"alter database {name} owner to {login}")
        operator = Operator(postgres, name)
        operator.login = f"{postgres.url(name)} user={login}" if login else postgres.url(name)
        psql(operator.login, gzip.decompress(DUMP.read_bytes()))
        return operator

    return restored


def migrate(operator, *words, code=0):
    done = subprocess.run([BINARIES / "nexusctl", "migrate", *words, "--pg", operator.login], env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done


def assert_migrated(operator, before):
    assert operator.query("""
        select relname, relowner::regrole from pg_class where relnamespace = 'public'::regnamespace and relowner <> 'nexus_owner'::regrole
        union all select proname, proowner::regrole from pg_proc
         where pronamespace = 'public'::regnamespace and proowner <> 'nexus_owner'::regrole""") == []
    assert operator.query("""select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relforcerowsecurity""") == []
    assert operator.query("select role from unnest(array['nexus_owner', 'nexus_worker', 'nexus_api']) role"
                          " where has_database_privilege(role, current_database(), 'temporary')") == [("nexus_owner",)]
    assert operator.query(COUNTS) == before
    assert operator.json("ledger")["balanced"] is True
    # Workers can write and make partitions, and they recognize a text that was stored before.
    with psycopg2.connect(operator.postgres.worker_url(operator.database)) as connection, connection.cursor() as cursor:
        cursor.execute("select write_probe(), upkeep_partitions(0, 0)")
        cursor.execute("""select outcome from message m join channel c on c.id = m.channel_id cross join lateral
            sms_accept(array[m.tenant_id], array[c.address], array[m.id], array[m.external_id], array[m.address], array[m.body],
                       array[gen_random_uuid()], array[null]::text[], array[null]::text[], array[0]::smallint[],
                       array[0]::smallint[], array[null]::text[]) where m.direction = 1 limit 1""")
        assert cursor.fetchone() == (2,)
    connection.close()


def test_a_database_of_the_superuser_is_migrated_with_all_its_rows(old):
    operator = old(None)
    before = operator.query(COUNTS)

    operator.run("migrate")

    assert_migrated(operator, before)


def test_a_login_that_may_not_create_roles_is_refused_before_anything_changes_until_an_administrator_creates_them(old, postgres):
    operator = old("one_for_all")
    before = operator.query(COUNTS)

    assert "--roles" in migrate(operator, code=1).stderr
    assert operator.value("select max(version) from schema_migration") == 7
    assert operator.query("select distinct relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace") == [
        ("one_for_all",)]
    psql(postgres.url(operator.database), migrate(operator, "--roles").stdout.encode())
    postgres.administer("grant nexus_owner to one_for_all")
    migrate(operator)

    assert_migrated(operator, before)


def test_older_workers_continue_while_their_database_is_migrated(old, postgres):
    operator = old("one_for_all")
    psql(postgres.url(operator.database), migrate(operator, "--roles").stdout.encode())
    postgres.administer("grant nexus_owner to one_for_all")

    with psycopg2.connect(operator.login) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from message")
        connection.commit()
        migrate(operator)
        cursor.execute("update message set changed = changed")
        cursor.execute("insert into attempt (tenant_id, message_id, attempt, outcome) select tenant_id, id, 1, 'sent' from message limit 1")
        cursor.execute("select login_excess()")
        assert cursor.fetchone() == ("owner",)
    connection.close()


def test_the_next_migration_takes_ownership_of_objects_that_an_older_worker_made_meanwhile(old):
    operator = old(None)
    operator.run("migrate")
    operator.query("create table attempt_20200101 partition of attempt for values from ('2020-01-01') to ('2020-01-02')")

    operator.run("migrate")

    assert operator.value("select relowner::regrole::text from pg_class where relname = 'attempt_20200101'") == "nexus_owner"


FUNCTIONS = "select oid::regprocedure::text from pg_proc where pronamespace = 'public'::regnamespace order by 1"
RETIRED = "select function from schema_retired order by 1"


def another_release(operator, file="ledger"):
    """Marks the functions of a file as written by another build, whose file was different."""
    operator.query("update schema_function set checksum = md5(checksum || now()) where name = %s", file)


def test_functions_that_workers_of_the_last_release_call_stay_for_one_release(old, postgres, template):
    """The migration old_overloads says which build needs which function."""
    operator = old(None)
    new = Operator(postgres, template).query(FUNCTIONS)

    operator.run("migrate")
    remaining = sorted(set(operator.query(FUNCTIONS)) - set(new))

    assert [name.partition("(")[0] for name, in remaining] == [
        "delivery_claim", "delivery_extend", "delivery_sweep", "ledger_audit", "ledger_day", "named_id", "opt_out_words",
        "schema_functions_forget", "sms_accept", "sms_accept_parts", "undelivered_list"]
    assert operator.query(RETIRED) == remaining
    operator.run("migrate")
    assert operator.query(RETIRED) == remaining, "the same release once more"
    operator.query("update schema_function set checksum = '' where name = '~grants'")
    operator.run("migrate")
    assert (operator.query(FUNCTIONS), operator.query(RETIRED)) == (new, [])


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def test_every_function_of_a_new_database_is_declared(operator):
    before = operator.query(FUNCTIONS)

    for _ in range(2):
        another_release(operator, "~grants")
        operator.run("migrate")
        assert operator.query(RETIRED) == []

    assert operator.query(FUNCTIONS) == before


def test_a_function_that_only_an_older_build_declares_is_dropped_after_the_next_release(operator):
    operator.query("set role nexus_owner; create function of_older_build(int) returns int language sql as 'select 1'")

    for _ in range(3):
        another_release(operator)
        operator.run("migrate")
        assert operator.query(RETIRED) == [("of_older_build(integer)",)]
        assert operator.value("select of_older_build(1)") == 1
    another_release(operator, "~grants")
    operator.run("migrate")

    assert operator.value("select to_regprocedure('of_older_build(int)') is null and not exists (select from schema_retired)")


def test_a_function_that_a_table_needs_stays(operator):
    operator.query("""set role nexus_owner; create function needed(int) returns int immutable language sql as 'select 1';
                      create table needs (n int check (needed(n) = 1))""")

    for _ in range(2):
        another_release(operator, "~grants")
        operator.run("migrate")

    assert operator.value("select needed(1)") == 1


def test_a_migration_retries_while_a_table_is_locked_and_continues_when_it_is_free(old, postgres):
    operator = old(None)
    holder = postgres.connect(operator.database)  # PostgreSQL would end another connection after ten seconds
    holder.autocommit = False
    holder.cursor().execute("select count(*) from receipt")
    migration = threading.Thread(target=migrate, args=(operator,))
    migration.start()
    try:
        # It waits for the table, but never for long, so that other readers of the table do not wait for long either.
        eventually(lambda: operator.value("select count(*) from pg_locks where not granted and relation = 'receipt'::regclass") > 0,
                   "the migration waits", 30)
        operator.query("set lock_timeout = '60s'; select count(*) from receipt")
        assert operator.value("select max(version) from schema_migration") == 7
    finally:
        holder.close()
        migration.join(300)

    assert operator.value("select max(version) from schema_migration") > 7
