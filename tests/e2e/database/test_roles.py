"""Rights of the roles in PostgreSQL: workers own nothing, and each role can access only what it needs."""

import contextlib
import json
import pathlib
import re

import psycopg2
import pytest
from harness.people import Tenant, conversation_of
from harness.wait import eventually

ROLES = ("nexus_worker", "nexus_api")
GRANTS = (pathlib.Path(__file__).parents[3] / "db/grants.sql").read_text(encoding="utf-8")
MENTIONED = set(re.findall(r"^ +\('(\w+)',", GRANTS, re.MULTILINE))

# What each role must never read: secrets, and tables that only functions of the owner change.
HIDDEN = {
    "nexus_worker": {"admin_session": "*", "service": "*", "transaction_section": "*", "schema_function": "*", "write_probe": "*"},
    "nexus_api": {"admin_session": "*", "api_key": "*", "service": "*", "transaction_section": "*", "nex_gapis": "*",
                  "schema_function": "*", "schema_migration": "*", "write_probe": "*", "tenant": ["token"],
                  "channel": ["secrets"], "destination": ["url", "headers", "secrets"], "idempotency": ["answer", "secret"]},
}
PROVISIONED = ("tenant", "api_key", "service", "transaction_section", "channel", "tenant_keyword", "admin_session")


@contextlib.contextmanager
def connected(nexus, role=None):
    connection = psycopg2.connect(f"{nexus.postgres.url(nexus.database)} {f'user={role}' if role else ''}")
    try:
        yield connection.cursor()
    finally:
        connection.close()


def test_workers_log_in_as_a_role_that_owns_nothing_and_is_not_a_superuser(nexus):
    def of_workers():
        rows = nexus.query("select substring(a.application_name from '^[a-z]+-worker'), a.usename from pg_stat_activity a"
                           " where a.datname = current_database() and a.application_name like '%%-worker-%%'")
        assert {program for program, _ in rows} == {"chat-worker", "sms-worker", "provisioning-worker"}
        return {role for _, role in rows}

    roles = eventually(of_workers, "all workers are connected")

    assert roles == {"nexus_worker"}
    assert nexus.query("""
        select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, pg_has_role(oid, 'nexus_owner', 'member')
          from pg_roles where rolname = 'nexus_worker'""") == [(False,) * 6]
    assert nexus.query("""
        select relname from pg_class where relowner = 'nexus_worker'::regrole
        union all select proname from pg_proc where proowner = 'nexus_worker'::regrole
        union all select nspname from pg_namespace where nspowner = 'nexus_worker'::regrole""") == []


def test_everything_belongs_to_the_owner(nexus):
    assert nexus.query("""
        select relname, relowner::regrole from pg_class
         where relnamespace = 'public'::regnamespace and relowner <> 'nexus_owner'::regrole
        union all
        select proname, proowner::regrole from pg_proc
         where pronamespace = 'public'::regnamespace and proowner <> 'nexus_owner'::regrole""") == []


def test_every_table_is_named_in_the_list_of_grants(nexus):
    tables = {name for name, in nexus.query("""
        select relname from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition""")}

    assert tables == MENTIONED


def test_no_role_may_do_more_than_read_and_write_rows(nexus):
    excess = nexus.query("""
        select c.relname, a.grantee::regrole, a.privilege_type
          from pg_class c cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and a.grantee <> c.relowner
           and (a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or c.relispartition or a.is_grantable
                or a.grantee not in ('nexus_worker'::regrole, 'nexus_api'::regrole))""")

    assert excess == []


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_does_not_need_is_hidden_from_it(nexus, role):
    seen = nexus.query("""
        select c.relname, a.attname
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
           and has_column_privilege(%s, c.oid, a.attnum, 'select')""", role)

    for table, columns in HIDDEN[role].items():
        assert [column for name, column in seen if name == table and (columns == "*" or column in columns)] == [], table
    assert len(seen) > 50


@pytest.mark.parametrize("role", ROLES)
def test_what_is_provisioned_is_changed_by_functions_of_the_owner_alone(nexus, role):
    changed = nexus.query("""
        select c.relname from pg_class c where c.relname = any (%s)
           and (has_any_column_privilege(%s, c.oid, 'insert, update') or has_table_privilege(%s, c.oid, 'delete'))""",
                          list(PROVISIONED), role, role)

    assert changed == []


def test_functions_that_run_as_the_owner_have_a_fixed_search_path_and_are_not_public(nexus):
    functions = nexus.query("""
        select p.proname, p.proconfig, has_function_privilege('nexus_api', p.oid, 'execute'),
               exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
          from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef""")

    assert len(functions) > 20
    assert [name for name, settings, _, _ in functions if "search_path=public, pg_temp" not in settings] == []
    assert [name for name, _, _, is_public in functions if is_public] == []
    forbidden = [name for name, _, of_api, _ in functions if of_api and name.startswith(("upkeep", "rekey", "provision", "write"))]
    assert forbidden == []


def test_every_table_with_a_tenant_binds_its_owner_too(nexus):
    tables = nexus.query("""
        select c.relname, c.relrowsecurity and c.relforcerowsecurity, c.relispartition,
               (select pg_get_expr(p.polqual, p.polrelid) from pg_policy p
                 where p.polrelid = c.oid and p.polroles = array['nexus_worker'::regrole::oid])
          from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and (c.relname = 'tenant' or exists (select from pg_attribute a
                                                 where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))""")

    assert len(tables) > 30
    assert [name for name, forced, _, _ in tables if not forced] == []
    assert {rule for _, _, is_part, rule in tables if not is_part} == {"true"}, "workers see all rows, without a costly policy"
    assert {rule for _, _, is_part, rule in tables if is_part} == {None}


FORBIDDEN = (
    "create table mine (a int)", "create temporary table mine (a int)", "create schema mine", "create role mine",
    "drop table message", "drop function sms_accept_parts", "truncate message", "truncate write_probe",
    "alter table message disable row level security", "alter table message no force row level security",
    "alter table message add column mine int", "drop policy own_tenant on message",
    "create policy mine on message using (true)", "alter role nexus_worker superuser", "set role nexus_owner",
    "set session authorization nexus_owner", "grant nexus_owner to nexus_worker", "grant select on admin_session to nexus_worker",
    "delete from message", "delete from audit", "update audit set actor = ''", "delete from event", "update ledger_entry set accepted = 0",
    "create index on message (body)", "create trigger mine before insert on message for each row execute function audit_stays()",
    "select * from event_default", "select partition_drop('event', 0)", "select schema_migrated(1000, '', '')",
    "copy message to program 'cat'", "select pg_read_file('/etc/passwd')", "select pg_reload_conf()")


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_a_worker_may_not(nexus, statement):
    with connected(nexus, "nexus_worker") as cursor, pytest.raises(psycopg2.Error) as refused:
        cursor.execute(statement)

    assert refused.value.pgcode in ("42501", "0LP01"), refused.value


def test_a_function_of_the_owner_sees_no_more_than_the_tenant_it_is_called_for(nexus):
    mine, others = Tenant(nexus), Tenant(nexus)
    ids = [nexus.query("select id from tenant where ccid = %s", tenant.ccid)[0][0] for tenant in (mine, others)]
    for tenant in (mine, others):
        tenant.aggregator().message(tenant.phone())

    with connected(nexus, "nexus_worker") as cursor:
        cursor.execute("select apikey_list(0, null, true, 0, 10000)::json -> 'total', service_list(0, %s)", (others.ccid,))
        every, _ = cursor.fetchone()
        cursor.execute("select tenant_scope(%s)", (ids[0],))
        cursor.execute("select apikey_list(0, null, true, 0, 10000)::json")
        seen = cursor.fetchone()[0]
        cursor.execute("select service_list(0, %s)::json", (others.ccid,))
        assert cursor.fetchone()[0] == {"services": []}
        with pytest.raises(psycopg2.Error, match="row-level security"):
            cursor.execute("select service_write(0, %s, 'PlatformUCS', '{\"data\": {}}', 'somebody')", (others.ccid,))

    assert {key["tenant"] for key in seen["keys"]} == {mine.ccid}
    assert len(seen["keys"]) < every


def plans(nexus, role, statements):
    """The plans of these statements and of all statements nested in them, without costs."""
    with connected(nexus) as cursor:
        cursor.connection.notices = lines = []
        cursor.execute("load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;"
                       "set auto_explain.log_format = json; set client_min_messages = log; set plan_cache_mode = force_custom_plan")
        if role:
            cursor.execute(f"set local role {role}")
        del lines[:]
        for statement in statements:
            cursor.execute(statement)
        cursor.connection.rollback()
    explained = [json.loads(line[line.index("{"):]) for line in lines if "{" in line and "Query Text" in line]
    return [(one["Query Text"], shape(one["Plan"])) for one in explained]


def shape(node):
    """The tables, indexes and order of a plan. Filters are left out, as they contain ids that differ between runs."""
    own = [node.get(key) for key in ("Node Type", "Operation", "Join Type", "Strategy", "Relation Name", "Alias", "CTE Name",
                                      "Index Name", "Index Cond", "Hash Cond", "Merge Cond", "Sort Key")]
    return own, [shape(child) for child in node.get("Plans", [])]


@pytest.fixture
def idle_tenant(make_stack):
    """A contact center with a conversation, in a database that nothing changes: the workers have stopped, and autovacuum is
    off."""
    tenant = Tenant(make_stack())
    tenant.conversation = conversation_of(tenant)
    for process in tenant.stack.running("chat-worker", "sms-worker", "provisioning-worker"):
        process.stop()
    for table, in tenant.stack.query("select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"):
        tenant.stack.query(f"alter table {table} set (autovacuum_enabled = off)")
    return tenant


def test_row_level_security_does_not_change_the_plans_of_frequent_statements(idle_tenant):
    stack, conversation = idle_tenant.stack, idle_tenant.conversation
    tenant_id, number = stack.query("select t.id, c.address from tenant t join channel c on c.tenant_id = t.id"
                                    " where t.ccid = %s and c.kind = 1", idle_tenant.ccid)[0]
    arrays = {"int": f"array[{tenant_id}, {tenant_id}]", "number": f"array['{number}', '{number}']"}
    statements = [
        f"""select * from sms_accept({arrays['int']}, {arrays['number']}, array[gen_random_uuid(), gen_random_uuid()],
                array['a', 'b'], array['+15550001', '+15550002'], array['one', 'stop'], array[gen_random_uuid(), gen_random_uuid()],
                array[null, null]::text[], array[null, null]::text[], array[0, 0]::smallint[], array[0, 0]::smallint[],
                array[null, null]::text[])""",
        f"""select * from conversation_post({arrays['int']}, array['{conversation}', '{conversation}']::uuid[],
                array[gen_random_uuid(), gen_random_uuid()], array['a', 'b'], array['x', 'x'], array['one', 'two'],
                array[null, null]::text[], array[null, null]::text[])""",
        f"""select delivery_lease(array_agg(d.id), array_agg(10), array_agg(0::bigint), 600000)
              from destination d where d.tenant_id = {tenant_id}""",
        f"""select delivery_store(array_agg(d.id), array_agg(d.lease_epoch), array_agg(1::smallint), array_agg(0),
                array_agg('p' || d.place), array_agg(200), array_agg(5), array_agg(null::text), array_agg(0::smallint), array_agg(1), array_agg(1),
                array_agg(null::text), array_agg(null::text))
              from (select *, row_number() over (order by id) as place from delivery
                     where tenant_id = {tenant_id} and lease_until is not null) d""",
        f"""select * from receipt_store({arrays['int']}, array['p1', 'p2'], array[2, 2]::smallint[], array[null, null]::text[],
                array[0, 0])"""]

    def planned(role):
        stack.query("vacuum (analyze)")  # so that the planner has the same statistics before each run
        return plans(stack, role, statements)

    planned(None)  # growth that a first run causes, for instance of an index, affects both
    without, within = planned(None), planned("nexus_worker")

    assert len(without) > 15
    assert [text for text, _ in within] == [text for text, _ in without]
    for (text, plain), (_, guarded) in zip(without, within):
        assert guarded == plain, text
