"""A database of before there were roles: its tables belong to whom its workers logged in as. databases/7eccdb0.sql.gz was dumped
from a running Nexus of schema version 7: 37 messages, two of which failed for good and two of which wait for their next attempt."""

import gzip
import os
import pathlib
import subprocess
import threading

import psycopg2
import pytest
from harness.database import BINARIES as POSTGRESQL
from harness.nexusctl import Operator
from harness.stack import BINARIES
from harness.wait import eventually

DUMP = pathlib.Path(__file__).parent / "databases/7eccdb0.sql.gz"
COUNTS = ("select (select count(*) from message), (select count(*) from conversation), (select count(*) from attempt),"
          " (select count(*) from receipt), (select count(*) from event), (select sum(accepted) from ledger_entry),"
          " (select count(*) from undelivered), (select count(*) from delivery), (select count(*) from api_key)")


def psql(url, text):
    subprocess.run([POSTGRESQL / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url], input=text, check=True, timeout=60,
                   stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})


@pytest.fixture
def old(postgres, template):
    """old(login): a database as 7eccdb0 left it, where that login owns all."""
    assert template  # the roles are there

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
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done


def is_taken_over(operator, before):
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
    # As the workers: they keep the queue and the partitions, and a text that came before is known.
    with psycopg2.connect(operator.postgres.worker_url(operator.database)) as connection, connection.cursor() as cursor:
        cursor.execute("select write_probe(), upkeep_partitions(0, 0)")
        cursor.execute("""select outcome from message m join channel c on c.id = m.channel_id cross join lateral
            sms_accept(array[m.tenant_id], array[c.address], array[m.id], array[m.external_id], array[m.address], array[m.body],
                       array[gen_random_uuid()], array[null]::text[], array[null]::text[], array[0]::smallint[],
                       array[0]::smallint[], array[null]::text[]) where m.direction = 1 limit 1""")
        assert cursor.fetchone() == (2,)
    connection.close()


def test_a_database_whose_tables_are_the_superusers_is_taken_over_with_all_that_is_in_it(old):
    operator = old(None)
    before = operator.query(COUNTS)

    operator.run("migrate")

    is_taken_over(operator, before)


def test_who_may_not_make_roles_is_told_so_before_anything_changes_and_an_administrator_helps_once(old, postgres):
    operator = old("one_for_all")
    before = operator.query(COUNTS)

    assert "--roles" in migrate(operator, code=1).stderr
    assert operator.value("select max(version) from schema_migration") == 7
    assert operator.query("select distinct relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace") == [
        ("one_for_all",)]
    psql(postgres.url(operator.database), migrate(operator, "--roles").stdout.encode())
    postgres.administer("grant nexus_owner to one_for_all")
    migrate(operator)

    is_taken_over(operator, before)


def test_workers_of_before_go_on_while_their_database_is_taken_over(old, postgres):
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


def test_what_a_worker_of_before_made_meanwhile_is_taken_over_by_the_next_migration(old):
    operator = old(None)
    operator.run("migrate")
    operator.query("create table attempt_20200101 partition of attempt for values from ('2020-01-01') to ('2020-01-02')")

    operator.run("migrate")

    assert operator.value("select relowner::regrole::text from pg_class where relname = 'attempt_20200101'") == "nexus_owner"


def test_of_older_builds_only_those_functions_are_left_that_their_workers_still_call(old, postgres, template):
    """The migration old_overloads says which build needs which of them."""
    operator, functions = old(None), "select proname from pg_proc where pronamespace = 'public'::regnamespace order by oid::regprocedure::text"
    operator.run("migrate")

    connection = postgres.connect(template)
    with connection.cursor() as cursor:
        cursor.execute(functions)
        new = [name for name, in cursor.fetchall()]
    connection.close()
    left = [name for name, in operator.query(functions)]
    for name in new:
        left.remove(name)
    assert left == ["delivery_claim", "delivery_extend", "delivery_sweep", "ledger_day", "opt_out_words", "sms_accept", "sms_accept_parts",
                    "undelivered_list"]


def test_a_migration_gives_way_to_who_holds_a_table_and_goes_on_when_it_is_free(old, postgres):
    operator = old(None)
    holder = psycopg2.connect(operator.login)
    holder.cursor().execute("select count(*) from receipt")
    migration = threading.Thread(target=migrate, args=(operator,))
    migration.start()
    try:
        # It waits for the table, and others who read it do not wait for long, as it gives up again and again.
        eventually(lambda: operator.value("select count(*) from pg_locks where not granted and relation = 'receipt'::regclass") > 0,
                   "the migration waits", 30)
        operator.query("set lock_timeout = '10s'; select count(*) from receipt")
        assert operator.value("select max(version) from schema_migration") == 7
    finally:
        holder.close()
        migration.join(60)

    assert operator.value("select max(version) from schema_migration") > 7
