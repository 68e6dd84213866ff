"""A contact center is deleted with all that is its own, and nobody else loses anything."""

import json

import pytest
from harness.nexusctl import CCID, document
from harness.people import Answer, Tenant
from harness.wait import eventually

DIFFERS, SIGKILLED = 3, -9


@pytest.fixture
def centers(make_stack):
    """Two contact centers, each with a conversation, an attachment, an opt-out and an answer that was sent."""
    stack = make_stack()
    pair = Tenant(stack), Tenant(stack)
    for tenant in pair:
        answer = Answer(tenant)
        answer.becomes("sent")
        photo = json.dumps([{"content_type": "image/png", "content": "iVBORw0KGgo="}])
        assert tenant.aggregator().message(attachments=photo).status_code == 200
        assert tenant.aggregator().message(text="STOP").status_code == 200
    eventually(lambda: stack.query("select count(*) from delivery") == [(0,)], "all that leaves has left")
    return pair


def rows_of(tenant, but=("audit", "destination_answer", "ledger_entry")):
    """{table: the rows of this contact center}. Workers tell a destination's last answer a little later, and upkeep sums up
    entries of the ledger at any time: see ledger_of()."""
    [(number,)] = tenant.stack.query("select coalesce((select id from tenant where ccid = %s), %s)", tenant.ccid, getattr(tenant, "id", 0))
    tenant.id = number
    names = tenant.stack.query("""select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition""")
    rows = {name: tenant.stack.query(f"select t::text from {name} t where tenant_id = %s order by 1", number)
            for name, in names if name not in but}
    return {name: found for name, found in rows.items() if found}


def ledger_of(tenant):
    """Its entries, summed up."""
    return tenant.stack.query("select channel_id, direction, sum(accepted) from ledger_entry where tenant_id = %s"
                              " group by 1, 2 order by 1, 2", tenant.id)


def delete(tenant, *words, **options):
    return tenant.stack.nexusctl("tenants", "delete", tenant.ccid, *words, **options)


def test_without_yes_it_counts_what_there_is_by_kind_and_leaves_it(centers):
    doomed, _ = centers
    before = rows_of(doomed)

    done = delete(doomed, "--json", check=False)

    assert done.returncode == DIFFERS
    kinds = {line["kind"]: line["rows"] for line in json.loads(done.stdout)["kinds"]}
    assert {kind: rows for kind, rows in kinds.items() if kind in before} == {name: len(found) for name, found in before.items()}
    assert {"message", "attachment", "event", "api_key", "opt_out", "service", "channel"} <= set(kinds)
    assert "--yes wants --force" in delete(doomed, check=False).stdout
    assert rows_of(doomed) == before


def test_while_a_number_can_receive_texts_it_refuses_unless_it_is_forced(centers):
    doomed, _ = centers
    before = rows_of(doomed)

    refused = delete(doomed, "--yes", check=False)

    assert refused.returncode == 1 and "1 of this contact center can still receive texts" in refused.stderr
    assert rows_of(doomed) == before


def test_it_is_gone_with_all_that_is_its_own_and_the_other_one_has_every_row_it_had(centers):
    doomed, other = centers
    phone = doomed.phone()
    assert doomed.aggregator().message(phone).status_code == 200
    stays = rows_of(other)
    assert rows_of(doomed)

    assert "deleted with" in delete(doomed, "--yes", "--force").stdout

    assert rows_of(doomed) == {} and rows_of(other) == stays
    assert doomed.ccid not in doomed.stack.nexusctl("tenants", "list").stdout
    assert doomed.aggregator().message(phone).status_code == 401
    assert other.aggregator().message(other.phone()).status_code == 200
    gone = delete(doomed, "--yes", check=False)
    assert gone.returncode == 1 and "it was deleted at" in gone.stderr
    assert json.loads(doomed.stack.nexusctl("ledger", "--json").stdout)["balanced"] is True


def test_the_audit_log_keeps_who_deleted_it_and_its_older_entries(centers):
    doomed, _ = centers
    delete(doomed, "--yes", "--force")

    changes = json.loads(doomed.stack.nexusctl("audit", "list", "--json").stdout)["changes"]

    assert [(change["action"], change["tenant"], change["credential"]) for change in changes if change["object"] == doomed.ccid][:2] == [
        ("tenant.deleted", "*", "local"), ("tenant.delete", "*", "local")]
    assert doomed.ccid in {change["tenant"] for change in changes}, "entries of before still say whose they were"


def test_its_number_may_be_another_ones_at_once(centers):
    doomed, other = centers
    delete(doomed, "--yes", "--force")

    other.number = doomed.number
    other.apply()

    assert other.aggregator().message(other.phone()).status_code == 200


@pytest.mark.parametrize("place", ["tenant_delete.after_begin", "tenant_delete.after_batch"])
def test_killed_anywhere_it_leaves_a_contact_center_that_nobody_acts_for_and_goes_on_when_it_is_run_again(centers, place):
    doomed, other = centers
    stays, counted = rows_of(other), ledger_of(other)
    assert rows_of(doomed) and counted and ledger_of(doomed)
    assert delete(doomed, "--yes", "--force", check=False, failpoints=f"{place}=kill").returncode == SIGKILLED

    assert "being deleted" in doomed.stack.nexusctl("tenants", "list").stdout
    eventually(lambda: doomed.aggregator().message(doomed.phone()).status_code == 401, "its keys are no good any more")
    file = document(address=doomed.number)
    file["tenants"][0] |= {"ccid": doomed.ccid, "name": "again"}
    applied = doomed.stack.nexusctl("apply", "-f", "-", standard_input=json.dumps(file), check=False)
    assert applied.returncode == 1 and "is being deleted" in applied.stderr
    assert json.loads(doomed.stack.nexusctl("ledger", "--json").stdout)["balanced"] is True, "half of it deleted is no imbalance"
    delete(doomed, "--yes")

    assert rows_of(doomed) == {} and rows_of(other) == stays
    assert ledger_of(doomed) == [] and ledger_of(other) == counted


def test_what_is_no_ccid_or_nobodys_is_refused(make_stack):
    stack = make_stack()

    assert "CCID" in stack.nexusctl("tenants", "delete", "premise", check=False).stderr
    assert stack.nexusctl("tenants", "delete", "premise", check=False).returncode == 2
    assert "no contact center" in stack.nexusctl("tenants", "delete", CCID, "--yes", check=False).stderr
