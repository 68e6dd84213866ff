"""Deleting a contact center deletes all its rows and none of others."""

import json

import pytest
from harness.nexus.nexusctl import CCID, document
from harness.people import OutboundMessage, Tenant
from harness.reading.provisioned import destinations
from harness.wait import eventually

DIFFERS, SIGKILLED = 3, -9


@pytest.fixture
def centers(make_stack):
    """Two contact centers, each with a conversation, an attachment, an opt-out and a sent message."""
    stack = make_stack()
    pair = Tenant(stack), Tenant(stack)
    for tenant in pair:
        message = OutboundMessage(tenant)
        message.becomes("sent")
        photo = json.dumps([{"content_type": "image/png", "content": "iVBORw0KGgo="}])
        assert tenant.aggregator().message(attachments=photo).status_code == 200
        assert tenant.aggregator().message(text="STOP").status_code == 200
    for tenant in pair:
        eventually(lambda: all(one["waiting"] == 0 for one in destinations(stack, tenant.ccid)), "no delivery is left")
    return pair


def rows_of(tenant, excluded=("audit", "destination_answer", "ledger_entry", "ledger_sum")):
    """{table: the rows of this contact center}. Workers store a destination's last answer a little later, and upkeep may add up
    entries of the ledger at any time; see ledger_of() for these."""
    [(number,)] = tenant.stack.query("select coalesce((select id from tenant where ccid = %s), %s)", tenant.ccid, getattr(tenant, "id", 0))
    tenant.id = number
    names = tenant.stack.query("""select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition""")
    rows = {name: tenant.stack.query(f"select t::text from {name} t where tenant_id = %s order by 1", number)
            for name, in names if name not in excluded}
    return {name: found for name, found in rows.items() if found}


def ledger_of(tenant):
    """What its ledger says."""
    return tenant.stack.query("select channel_id, direction, state, accepted, messages"
                              " from ledger_booked('-infinity', 'infinity', %s) order by 1, 2, 3", tenant.id)


def delete(tenant, *words, **options):
    return tenant.stack.nexusctl("tenants", "delete", tenant.ccid, *words, **options)


def test_without_yes_the_rows_are_only_counted(centers):
    deleted, _ = centers
    before = rows_of(deleted)

    done = delete(deleted, "--json", check=False)

    assert done.returncode == DIFFERS
    kinds = {line["kind"]: line["rows"] for line in json.loads(done.stdout)["kinds"]}
    assert {kind: rows for kind, rows in kinds.items() if kind in before} == {name: len(found) for name, found in before.items()}
    assert {"message", "attachment", "event", "api_key", "opt_out", "service", "channel"} <= set(kinds)
    assert "--yes needs --force" in delete(deleted, check=False).stdout
    assert rows_of(deleted) == before


def test_a_contact_center_whose_number_can_receive_texts_is_deleted_only_by_force(centers):
    deleted, _ = centers
    before = rows_of(deleted)

    refused = delete(deleted, "--yes", check=False)

    assert refused.returncode == 1 and "1 of this contact center can still receive texts" in refused.stderr
    assert rows_of(deleted) == before


def test_a_contact_center_is_deleted_with_all_its_rows_and_the_other_one_keeps_its_rows(centers):
    deleted, other = centers
    phone = deleted.phone()
    assert deleted.aggregator().message(phone).status_code == 200
    kept = rows_of(other)
    assert rows_of(deleted)

    assert "deleted with" in delete(deleted, "--yes", "--force").stdout

    assert rows_of(deleted) == {} and rows_of(other) == kept
    assert deleted.ccid not in deleted.stack.nexusctl("tenants", "list").stdout
    eventually(lambda: deleted.aggregator().message(phone).status_code == 401, "its keys are refused")
    assert other.aggregator().message(other.phone()).status_code == 200
    gone = delete(deleted, "--yes", check=False)
    assert gone.returncode == 1 and "it was deleted at" in gone.stderr
    assert json.loads(deleted.stack.nexusctl("ledger", "--json").stdout)["balanced"] is True


def test_the_audit_log_keeps_the_deletion_and_older_entries(centers):
    deleted, _ = centers
    delete(deleted, "--yes", "--force")

    changes = json.loads(deleted.stack.nexusctl("audit", "list", "--json").stdout)["changes"]

    deletions = [(change["action"], change["tenant"], change["credential"]) for change in changes if change["object"] == deleted.ccid]
    assert deletions[:2] == [
        ("tenant.deleted", "*", "local"), ("tenant.delete", "*", "local")]
    assert deleted.ccid in {change["tenant"] for change in changes}, "older entries still name their contact center"


def test_another_contact_center_may_use_the_number_at_once(centers):
    deleted, other = centers
    delete(deleted, "--yes", "--force")

    other.number = deleted.number
    other.apply()

    assert other.aggregator().message(other.phone()).status_code == 200


@pytest.mark.parametrize("place", ["tenant_delete.after_begin", "tenant_delete.after_batch"])
def test_a_deletion_that_was_killed_leaves_no_valid_keys_and_continues_when_it_is_run_again(centers, place):
    deleted, other = centers
    kept, counted = rows_of(other), ledger_of(other)
    assert rows_of(deleted) and counted and ledger_of(deleted)
    assert delete(deleted, "--yes", "--force", check=False, failpoints=f"{place}=kill").returncode == SIGKILLED

    assert "being deleted" in deleted.stack.nexusctl("tenants", "list").stdout
    eventually(lambda: deleted.aggregator().message(deleted.phone()).status_code == 401, "its keys are refused")
    file = document(address=deleted.number)
    file["tenants"][0] |= {"ccid": deleted.ccid, "name": "again"}
    applied = deleted.stack.nexusctl("apply", "-f", "-", standard_input=json.dumps(file), check=False)
    assert applied.returncode == 1 and "is being deleted" in applied.stderr
    assert json.loads(deleted.stack.nexusctl("ledger", "--json").stdout)["balanced"] is True, "the ledger stays balanced"
    delete(deleted, "--yes")

    assert rows_of(deleted) == {} and rows_of(other) == kept
    assert ledger_of(deleted) == [] and ledger_of(other) == counted


def test_a_malformed_or_unknown_ccid_is_refused(make_stack):
    stack = make_stack()

    assert "CCID" in stack.nexusctl("tenants", "delete", "premise", check=False).stderr
    assert stack.nexusctl("tenants", "delete", "premise", check=False).returncode == 2
    assert "no contact center" in stack.nexusctl("tenants", "delete", CCID, "--yes", check=False).stderr
