"""Row-level security: work for one tenant sees only rows of this tenant, even if a statement does not name the tenant."""

import pytest

from harness.answers import data_of
from harness.people import Tenant, conversation_of

PROTECTED = ("select c.relname, c.relrowsecurity from pg_class c"
          " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped"
          " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition")


def test_every_table_with_a_tenant_is_protected(nexus):
    tables = nexus.query(PROTECTED)

    assert len(tables) > 15
    assert [name for name, protected in tables if not protected] == []


@pytest.fixture
def scoped(nexus):
    """Two tenants with rows, and a connection in the scope of the first one. Its changes are rolled back."""
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


def test_only_rows_of_the_tenant_are_visible_in_its_scope(nexus, scoped):
    cursor, mine, others = scoped

    readable = [name for name, _ in nexus.query(PROTECTED)
                if nexus.query("select has_column_privilege('nexus_api', %s, 'tenant_id', 'select')", name)[0][0]]
    assert len(readable) > 12
    for name in readable:
        cursor.execute(f"select count(*) filter (where tenant_id is distinct from %s) from {name}", (mine,))
        assert cursor.fetchone() == (0,), name
    cursor.execute("select count(*) from message")
    assert cursor.fetchone()[0] > 0


def test_rows_of_other_tenants_cannot_be_changed_or_inserted_in_the_scope_of_a_tenant(nexus, scoped):
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


def test_the_role_nexus_api_sees_nothing_without_a_scope(nexus, scoped):
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
        forgetful = text.replace("c.tenant_id = p_tenant and ", "")
        assert forgetful != text
        stack.query(forgetful.replace("%", "%%"))
    agent = mine.agent()

    for path in ("", "/messages"):
        assert agent.get(f"/chat/v3/conversations/{own}{path}").status_code == 200
        assert agent.get(f"/chat/v3/conversations/{foreign}{path}").status_code == 404
    assert agent.post(f"/chat/v3/conversations/{own}/done").status_code == 200
    assert agent.post(f"/chat/v3/conversations/{foreign}/done").status_code == 404
    assert data_of(others.agent().get(f"/chat/v3/conversations/{foreign}"))["state"] == "waiting"
