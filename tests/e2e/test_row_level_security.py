"""The second lock: what works for one tenant sees only that tenant's rows, even where a statement forgets to say so."""

import pytest
from harness.people import Tenant, conversation_of

LOCKED = ("select c.relname, c.relrowsecurity from pg_class c"
          " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped"
          " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition")


def test_every_table_with_a_tenant_is_locked(nexus):
    tables = nexus.query(LOCKED)

    assert len(tables) > 15
    assert [name for name, locked in tables if not locked] == []


@pytest.fixture
def scoped(nexus):
    """Two tenants with rows, and a connection that is in the first one's scope. What it does is rolled back."""
    mine, others = Tenant(nexus), Tenant(nexus)
    for tenant in (mine, others):
        conversation_of(tenant)
    ids = [nexus.query("select id from tenant where ccid = %s", tenant.ccid)[0][0] for tenant in (mine, others)]
    connection = nexus.postgres.connect(nexus.database)
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("select tenant_scope(%s)", (ids[0],))
    yield cursor, *ids
    connection.close()


def test_in_the_scope_of_a_tenant_there_are_only_its_rows(nexus, scoped):
    cursor, mine, others = scoped

    readable = [name for name, _ in nexus.query(LOCKED)
                if nexus.query("select has_column_privilege('nexus_api', %s, 'tenant_id', 'select')", name)[0][0]]
    assert len(readable) > 12
    for name in readable:
        cursor.execute(f"select count(*) filter (where tenant_id is distinct from %s) from {name}", (mine,))
        assert cursor.fetchone() == (0,), name
    cursor.execute("select count(*) from message")
    assert cursor.fetchone()[0] > 0


def test_in_the_scope_of_a_tenant_nobody_elses_rows_can_be_changed_or_made(nexus, scoped):
    cursor, mine, others = scoped

    cursor.execute("select count(*) from message")
    own = cursor.fetchone()[0]
    cursor.execute("update message set changed = now()")
    assert cursor.rowcount == own > 0
    cursor.execute("savepoint before")
    for statement in ("insert into replay (tenant_id, message_id, by) values (%s, gen_random_uuid(), 'x')",
                      "update conversation set tenant_id = %s"):
        with pytest.raises(Exception, match="row-level security"):
            cursor.execute(statement, (others,))
        cursor.execute("rollback to before")


def test_outside_of_any_scope_the_locked_role_sees_nothing(nexus, scoped):
    cursor, *_ = scoped

    cursor.connection.rollback()
    cursor.execute("set local role nexus_api")
    cursor.execute("select (select count(*) from message), (select count(*) from conversation)")

    assert cursor.fetchone() == (0, 0)


def test_a_scope_ends_with_its_transaction(nexus, scoped):
    cursor, *_ = scoped

    cursor.connection.commit()
    cursor.execute("select current_user = session_user, coalesce(current_setting('nexus.tenant', true), '')")

    assert cursor.fetchone() == (True, "")


FORGETTING = ("conversation_read", "conversation_move", "transcript_read")


def test_a_statement_that_forgets_the_tenant_finds_and_changes_nothing_of_others(make_stack):
    stack = make_stack()
    mine, others = Tenant(stack), Tenant(stack)
    own, foreign = conversation_of(mine), conversation_of(others)
    for name in FORGETTING:
        text = stack.query("select pg_get_functiondef(oid) from pg_proc where proname = %s", name)[0][0]
        forgetful = text.replace("c.tenant_id = of_tenant and ", "")
        assert forgetful != text
        stack.query(forgetful.replace("%", "%%"))
    agent = mine.agent()

    for path in ("", "/messages"):
        assert agent.get(f"/chat/v3/conversations/{own}{path}").status_code == 200
        assert agent.get(f"/chat/v3/conversations/{foreign}{path}").status_code == 404
    assert agent.post(f"/chat/v3/conversations/{own}/done").status_code == 200
    assert agent.post(f"/chat/v3/conversations/{foreign}/done").status_code == 404
    assert others.agent().get(f"/chat/v3/conversations/{foreign}").json()["data"]["state"] == "waiting"
