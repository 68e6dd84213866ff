"""A number, a mail domain and a short code of one country belong to one contact center at a time. They are
retired when their parts are deleted, in whatever order."""

import itertools
import json
import uuid

import pytest

from harness.answers import data_of
from harness.nexus.nexusctl import Operator
from harness.people import OutboundMessage, Tenant, new_number
from harness.provisioning import Provisioner, error_text
from harness.reading.provisioned import destinations, numbers
from harness.wait import eventually


@pytest.fixture
def operator(nexus):
    """nexusctl with the database of the running Nexus."""
    return Operator(nexus.postgres, nexus.database)


def owners(nexus, number):
    return [one["ccid"] for one in numbers(nexus) if one["number"] == number and one["state"] != "retired"]


def test_a_number_that_another_contact_center_has_is_refused_with_the_fields_name(nexus, tenant):
    provisioner = Provisioner(nexus)

    answer = provisioner.section("chat.Support", {"channelId": tenant.number, "channelType": "sms"})

    assert answer.status_code == 409, answer.text
    assert error_text(answer) == "channelId: in use by another contact center, in chat.Support"
    assert tenant.ccid not in answer.text and tenant.number not in answer.text
    assert provisioner.get(provisioner.section_path("chat.Support")).status_code == 404, "nothing was stored"
    assert owners(nexus, tenant.number) == [tenant.ccid]


def test_apply_refuses_a_number_that_another_contact_center_has(nexus, tenant, operator):
    document = {"tenants": [{"ccid": str(uuid.uuid4()), "numbers": [{"address": tenant.number, "name": "mine"}]}]}

    for dry_run in (["--dry-run"], []):
        done = operator.run("apply", "-f", "-", *dry_run, standard_input=json.dumps(document), code=1)
        assert "channelId: in use by another contact center, in chat.mine" in done.stderr
    assert owners(nexus, tenant.number) == [tenant.ccid]


def test_a_number_is_free_once_its_owner_has_removed_it(nexus):
    number, first, second = new_number(), Provisioner(nexus), Provisioner(nexus)
    first.has_number(number=number)

    assert second.section("chat.Support", {"channelId": number, "channelType": "sms"}).status_code == 409
    assert first.delete(first.section_path("chat.Support")).status_code == 200
    second.has_number(number=number)

    assert owners(nexus, number) == [second.ccid]
    assert first.section("chat.Support", {"channelId": number, "channelType": "sms"}).status_code == 409


short_codes = map(str, itertools.count(100_000))


def test_a_short_code_of_another_contact_center_is_refused_unless_it_is_of_another_country(nexus):
    code, first, second, third = next(short_codes), Provisioner(nexus), Provisioner(nexus), Provisioner(nexus)
    first.has_number(number=code)

    refused = second.section("chat.Support", {"channelId": code, "channelType": "sms"})
    assert refused.status_code == 409, refused.text
    assert error_text(refused) == ("channelId: in use by another contact center, in chat.Support; "
                                   "a short code of another country needs its country there")

    second.has_number(number=code, country="ca")
    assert data_of(second.get(second.section_path("chat.Support")))["country"] == "CA"
    assert third.section("chat.Support", {"channelId": code, "channelType": "sms", "country": "CA"}).status_code == 409
    assert sorted(owners(nexus, code)) == sorted([first.ccid, second.ccid])


def test_the_country_of_a_short_code_can_be_added_later_and_has_two_letters(nexus):
    code, first, second = next(short_codes), Provisioner(nexus), Provisioner(nexus)
    first.has_number(number=code)

    for wrong in ("USA", "1", "", "U1"):
        answer = first.section("chat.Support", {"channelId": code, "channelType": "sms", "country": wrong})
        assert answer.status_code == 400 and error_text(answer).startswith("country: "), answer.text
    first.has_number(number=code, country="US")

    second.has_number(number=code)


def test_a_mail_domain_of_another_contact_center_is_refused(nexus):
    domain, first, second = f"{uuid.uuid4().hex}.example.com", Provisioner(nexus), Provisioner(nexus)
    options = {"channelId": domain, "channelType": "email"}
    assert first.section("cxc.Promotions", options).status_code == 200

    refused = second.section("cxc.News", {**options, "channelId": domain.upper()})
    assert (refused.status_code, error_text(refused)) == (409, "channelId: in use by another contact center, in cxc.News")

    assert first.delete(first.section_path("cxc.Promotions")).status_code == 200
    assert second.section("cxc.News", options).status_code == 200


def test_a_short_code_of_several_contact_centers_cannot_be_moved(nexus, operator):
    code, first, second, new_owner = next(short_codes), Provisioner(nexus), Provisioner(nexus), Provisioner(nexus)
    first.has_number(number=code, country="US")
    second.has_number(number=code, country="CA")
    new_owner.has_number()

    done = operator.run("numbers", "move", code, "--to", new_owner.ccid, code=1)

    assert "several contact centers have this short code" in done.stderr
    assert sorted(owners(nexus, code)) == sorted([first.ccid, second.ccid])


def test_an_upgrade_keeps_all_owners_of_a_shared_short_code_and_gives_the_claim_to_the_older_one(postgres, template):
    database = postgres.create_database(template)
    operator = Operator(postgres, database)
    code = next(short_codes)
    operator.query("drop index channel_claim")
    operator.query("alter table channel drop column claim")
    operator.query("create unique index channel_owner on channel (address) where retired is null and address ~ '^[+]'")
    for name in ("older", "newer"):
        operator.query("with t as (insert into tenant (ccid, name) values (gen_random_uuid(), %s) returning id) "
                       "insert into channel (tenant_id, address, kind, name, provider) "
                       "select id, %s, 1, 'sms', 'Async' from t", name, code)

    warned = operator.migration("channel_claim")

    assert operator.query("select t.name, c.claim from channel c join tenant t on t.id = c.tenant_id "
                          "where c.retired is null order by t.id") == [("older", f"short::{code}"), ("newer", None)]
    assert warned.count("is in use twice") == 1


@pytest.mark.parametrize("order", [0, 1])
def test_one_file_may_move_a_number_from_one_contact_center_to_another(operator, nexus, order):
    number, ccids = new_number(), [str(uuid.uuid4()), str(uuid.uuid4())]

    def file(owner):
        return {"tenants": [{"ccid": ccid, "numbers": [{"address": number, "name": "sms"}] if ccid == owner else []}
                            for ccid in ccids]}

    operator.apply(file(ccids[order]))
    operator.apply(file(ccids[1 - order]), "--prune")

    assert owners(nexus, number) == [ccids[1 - order]]


# --- numbers move

def test_an_operator_moves_a_number(nexus, tenant, operator, receiver):
    new_owner = Tenant(nexus)
    before = data_of(tenant.aggregator().message())["conversationId"]

    plan = operator.json("numbers", "move", tenant.number, "--to", new_owner.ccid, "--dry-run", code=3)
    assert [(line["action"], line["ccid"], line["name"]) for line in plan["plan"]] == [
        ("delete", tenant.ccid, tenant.number), ("create", new_owner.ccid, tenant.number)]
    assert owners(nexus, tenant.number) == [tenant.ccid]

    assert operator.json("numbers", "move", tenant.number, "--to", new_owner.ccid)["plan"] == plan["plan"]

    assert owners(nexus, tenant.number) == [new_owner.ccid]
    assert tenant.aggregator().message().status_code == 404
    assert tenant.agent().send(before).status_code == 409
    answer = new_owner.aggregator().message(shortcode=tenant.number)
    assert answer.status_code == 200, answer.text
    changes = operator.json("audit", "list", "--object", tenant.number)["changes"]
    assert [(change["tenant"], change["action"]) for change in changes][:2] == [
        (new_owner.ccid, "number.create"), (tenant.ccid, "number.delete")]
    assert operator.json("numbers", "move", tenant.number, "--to", new_owner.ccid)["plan"] == []


def test_a_moved_number_does_not_keep_the_webhook_of_the_former_owner(nexus, operator, receiver):
    former, new_owner = Tenant(nexus, webhook_url=receiver.url), Tenant(nexus)
    operator.run("numbers", "move", former.number, "--to", new_owner.ccid)
    provisioner = Provisioner(nexus, new_owner.ccid)
    conversation = data_of(new_owner.aggregator().message(shortcode=former.number))["conversationId"]
    text = new_owner.text()

    left = Provisioner(nexus, former.ccid)
    assert data_of(left.get(left.service_path("Async")))["data"] == {"channels": []}
    assert receiver.messages(text) == []
    assert provisioner.get(provisioner.service_path("Async")).status_code == 200
    assert conversation


@pytest.mark.parametrize("words, error", [
    (["move"], "the number"), (["move", "+15550001"], "its new owner"), (["move", "+15550001", "--to", "x"], "--to: must be a UUID")])
def test_a_move_without_a_number_or_new_owner_is_a_usage_error(operator, words, error):
    done = operator.run("numbers", *words, code=2)

    assert error in done.stderr


def test_an_unknown_number_cannot_be_moved(nexus, tenant, operator):
    assert "no contact center has this number" in operator.run("numbers", "move", new_number(), "--to", tenant.ccid, code=1).stderr
    assert "no contact center" in operator.run("numbers", "move", tenant.number, "--to", str(uuid.uuid4()), code=1).stderr


# --- an upgrade

def test_an_upgrade_keeps_the_owner_with_the_newest_conversation(postgres, template):
    database = postgres.create_database(template)
    operator = Operator(postgres, database)
    number = new_number()
    operator.query("drop index channel_claim")
    for name in ("quiet", "busy", "idle"):
        operator.query("with t as (insert into tenant (ccid, name) values (gen_random_uuid(), %s) returning id), "
                       "c as (insert into channel (tenant_id, address, kind, name, provider) "
                       "      select id, %s, 1, 'sms', 'Async' from t returning tenant_id, id) "
                       "insert into conversation (tenant_id, id, channel_id, address, state, last_sequence, last_activity, queue) "
                       "select tenant_id, gen_random_uuid(), id, '+15559998888', 1, 1, now() - %s::interval, '' from c where %s <> 'idle'",
                       name, number, "1 hour" if name == "busy" else "1 day", name)

    warned = operator.migration("number_has_one_owner")

    names = {tenant["ccid"]: tenant["name"] for tenant in operator.json("tenants")["tenants"]}
    assert [names[one["ccid"]] for one in operator.json("numbers")["numbers"] if one["state"] != "retired"] == ["busy"]
    assert warned.count("was in use twice") == 2
    assert len(operator.json("audit", "list", "--action", "number.retire", "--object", number)["changes"]) == 2


# --- removal

PARTS = ["section", "endpoint", "gateway", "switch"]


@pytest.mark.parametrize("order", itertools.permutations(PARTS), ids="-".join)
def test_a_removed_number_accepts_nothing_in_whatever_order_its_parts_were_deleted(nexus, receiver, order):
    tenant = Tenant(nexus, webhook_url=receiver.url)
    provisioner = Provisioner(nexus, tenant.ccid)
    assert provisioner.service("SMS", {"url": "N/A", "data": {"provider": "Async"}}).status_code == 200
    assert provisioner.section("sales", {"queue": "sales"}, "NexusEndpoints").status_code == 200
    paths = {"section": provisioner.section_path("chat.sms"), "endpoint": provisioner.section_path("sales", "NexusEndpoints"),
             "gateway": provisioner.service_path("Async"), "switch": provisioner.service_path("SMS")}
    message = OutboundMessage(tenant).becomes("sent")

    for part in order:
        assert provisioner.delete(paths[part]).status_code == 200, part
    webhooks = len(receiver.messages())

    assert tenant.aggregator().message().status_code == 404
    assert tenant.agent().send(message.conversation).status_code == 409
    assert owners(nexus, tenant.number) == []
    assert {one["state"] for one in destinations(nexus, tenant.ccid)} <= {"unused"}
    assert len(receiver.messages()) == webhooks


def test_a_number_that_apply_prunes_accepts_nothing(nexus, receiver, operator):
    tenant = Tenant(nexus, webhook_url=receiver.url)
    message = OutboundMessage(tenant).becomes("sent")

    operator.apply({"tenants": [{"ccid": tenant.ccid, "keys": [
        {"name": "aggregator", "permissions": ["nexus:gateway:sms"]}, {"name": "agent", "permissions": ["nexus:agent:chat"]}]}]},
        "--prune")

    eventually(lambda: tenant.aggregator().message().status_code == 404, "texts are refused")
    assert tenant.agent().send(message.conversation).status_code == 409
