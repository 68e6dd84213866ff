"""A number, a mail domain and a short code of one country belong to one contact center at a time, and
go when their parts are taken away, in whatever order."""

import itertools
import json
import random
import uuid

import pytest

from harness.nexusctl import Operator
from harness.people import Answer, Tenant, new_number
from harness.provisioning import Office, said
from harness.wait import eventually


@pytest.fixture
def operator(nexus):
    """nexusctl beside the running Nexus."""
    return Operator(nexus.postgres, nexus.database)


def owners(nexus, number):
    return [row[0] for row in nexus.query("select t.ccid::text from channel c join tenant t on t.id = c.tenant_id "
                                          "where c.address = %s and c.retired is null", number)]


def test_a_number_that_another_contact_center_has_is_refused_with_the_fields_name(nexus, tenant):
    office = Office(nexus)

    answer = office.section("chat.Support", {"channelId": tenant.number, "channelType": "sms"})

    assert answer.status_code == 409, answer.text
    assert said(answer) == "channelId: in use by another contact center, in chat.Support"
    assert tenant.ccid not in answer.text and tenant.number not in answer.text
    assert office.get(office.section_path("chat.Support")).status_code == 404, "nothing of it was stored"
    assert owners(nexus, tenant.number) == [tenant.ccid]


def test_apply_refuses_a_number_that_another_contact_center_has(nexus, tenant, operator):
    document = {"tenants": [{"ccid": str(uuid.uuid4()), "numbers": [{"address": tenant.number, "name": "mine"}]}]}

    for dry_run in (["--dry-run"], []):
        done = operator.run("apply", "-f", "-", *dry_run, standard_input=json.dumps(document), code=1)
        assert "channelId: in use by another contact center, in chat.mine" in done.stderr
    assert owners(nexus, tenant.number) == [tenant.ccid]


def test_a_number_is_free_once_its_owner_has_removed_it(nexus):
    number, first, second = new_number(), Office(nexus), Office(nexus)
    first.has_number(number=number)

    assert second.section("chat.Support", {"channelId": number, "channelType": "sms"}).status_code == 409
    assert first.delete(first.section_path("chat.Support")).status_code == 200
    second.has_number(number=number)

    assert owners(nexus, number) == [second.ccid]
    assert first.section("chat.Support", {"channelId": number, "channelType": "sms"}).status_code == 409


def short_code():
    return str(random.randrange(100000, 999999))


def test_a_short_code_that_another_contact_center_has_is_refused_unless_it_is_another_countrys(nexus):
    code, first, second, third = short_code(), Office(nexus), Office(nexus), Office(nexus)
    first.has_number(number=code)

    refused = second.section("chat.Support", {"channelId": code, "channelType": "sms"})
    assert refused.status_code == 409, refused.text
    assert said(refused) == ("channelId: in use by another contact center, in chat.Support; "
                             "a short code of another country needs its country there")

    second.has_number(number=code, country="ca")
    assert second.get(second.section_path("chat.Support")).json()["data"]["country"] == "CA"
    assert third.section("chat.Support", {"channelId": code, "channelType": "sms", "country": "CA"}).status_code == 409
    assert sorted(owners(nexus, code)) == sorted([first.ccid, second.ccid])


def test_the_country_of_a_short_code_can_be_said_later_and_is_two_letters(nexus):
    code, first, second = short_code(), Office(nexus), Office(nexus)
    first.has_number(number=code)

    for wrong in ("USA", "1", "", "U1"):
        answer = first.section("chat.Support", {"channelId": code, "channelType": "sms", "country": wrong})
        assert answer.status_code == 400 and said(answer).startswith("country: "), answer.text
    first.has_number(number=code, country="US")

    second.has_number(number=code)


def test_a_mail_domain_that_another_contact_center_has_is_refused(nexus):
    domain, first, second = f"{uuid.uuid4().hex}.example.com", Office(nexus), Office(nexus)
    options = {"channelId": domain, "channelType": "email"}
    assert first.section("cxc.Promotions", options).status_code == 200

    refused = second.section("cxc.News", {**options, "channelId": domain.upper()})
    assert (refused.status_code, said(refused)) == (409, "channelId: in use by another contact center, in cxc.News")

    assert first.delete(first.section_path("cxc.Promotions")).status_code == 200
    assert second.section("cxc.News", options).status_code == 200


def test_a_short_code_that_several_have_is_not_moved(nexus, operator):
    code, first, second, heir = short_code(), Office(nexus), Office(nexus), Office(nexus)
    first.has_number(number=code, country="US")
    second.has_number(number=code, country="CA")
    heir.has_number()

    done = operator.run("numbers", "move", code, "--to", heir.ccid, code=1)

    assert "several contact centers have this short code" in done.stderr
    assert sorted(owners(nexus, code)) == sorted([first.ccid, second.ccid])


def test_an_upgrade_stops_none_of_those_that_share_a_short_code_and_refuses_the_second_one_from_then_on(postgres, template):
    database = postgres.create_database(template)
    operator = Operator(postgres, database)
    code = short_code()
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
def test_one_file_may_give_a_number_from_one_contact_center_to_another(operator, nexus, order):
    number, ccids = new_number(), [str(uuid.uuid4()), str(uuid.uuid4())]

    def file(owner):
        return {"tenants": [{"ccid": ccid, "numbers": [{"address": number, "name": "sms"}] if ccid == owner else []}
                            for ccid in ccids]}

    operator.apply(file(ccids[order]))
    operator.apply(file(ccids[1 - order]), "--prune")

    assert owners(nexus, number) == [ccids[1 - order]]


# --- numbers move

def test_an_operator_moves_a_number(nexus, tenant, operator, customer):
    heir = Tenant(nexus)
    before = tenant.aggregator().message().json()["data"]["conversationId"]

    plan = operator.json("numbers", "move", tenant.number, "--to", heir.ccid, "--dry-run", code=3)
    assert [(line["action"], line["ccid"], line["name"]) for line in plan["plan"]] == [
        ("delete", tenant.ccid, tenant.number), ("create", heir.ccid, tenant.number)]
    assert owners(nexus, tenant.number) == [tenant.ccid]

    assert operator.json("numbers", "move", tenant.number, "--to", heir.ccid)["plan"] == plan["plan"]

    assert owners(nexus, tenant.number) == [heir.ccid]
    assert tenant.aggregator().message().status_code == 404
    assert tenant.agent().answer(before).status_code == 409
    answer = heir.aggregator().message(shortcode=tenant.number)
    assert answer.status_code == 200, answer.text
    assert nexus.query("select t.ccid::text, a.action from audit a join tenant t on t.id = a.tenant_id where a.object = %s "
                       "and t.ccid in (%s, %s) and a.action like 'number.%%' order by a.id desc limit 2",
                       tenant.number, tenant.ccid, heir.ccid) == [(heir.ccid, "number.create"), (tenant.ccid, "number.delete")]
    assert operator.json("numbers", "move", tenant.number, "--to", heir.ccid)["plan"] == []


def test_a_number_that_was_moved_has_the_new_owners_webhook_only(nexus, operator, customer):
    former, heir = Tenant(nexus, webhook_url=customer.url), Tenant(nexus)
    operator.run("numbers", "move", former.number, "--to", heir.ccid)
    office = Office(nexus, heir.ccid)
    conversation = heir.aggregator().message(shortcode=former.number).json()["data"]["conversationId"]
    text = heir.text()

    assert nexus.query("select v.data::text from service v join tenant t on t.id = v.tenant_id where t.ccid = %s and v.name = 'Async'",
                       former.ccid) == [('{"channels": []}',)]
    assert customer.messages(text) == []
    assert office.get(office.service_path("Async")).status_code == 200
    assert conversation


@pytest.mark.parametrize("words, says", [
    (["move"], "the number"), (["move", "+15550001"], "its new owner"), (["move", "+15550001", "--to", "x"], "--to: a UUID is wanted")])
def test_a_move_that_is_not_clear_is_wrong_use(operator, words, says):
    done = operator.run("numbers", *words, code=2)

    assert says in done.stderr


def test_a_number_nobody_has_cannot_be_moved(nexus, tenant, operator):
    assert "nobody has this number" in operator.run("numbers", "move", new_number(), "--to", tenant.ccid, code=1).stderr
    assert "no contact center" in operator.run("numbers", "move", tenant.number, "--to", str(uuid.uuid4()), code=1).stderr


# --- an upgrade

def test_an_upgrade_keeps_the_owner_whose_conversations_are_newer(postgres, template):
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

    assert operator.query("select t.name from channel c join tenant t on t.id = c.tenant_id where c.retired is null") == [("busy",)]
    assert warned.count("was in use twice") == 2
    assert operator.query("select count(*) from audit where action = 'number.retire' and object = %s", number) == [(2,)]


# --- removal

PARTS = ["section", "endpoint", "gateway", "switch"]


@pytest.mark.parametrize("order", itertools.permutations(PARTS), ids="-".join)
def test_a_number_that_was_removed_takes_nothing_in_whatever_order_its_parts_went(nexus, customer, order):
    tenant = Tenant(nexus, webhook_url=customer.url)
    office = Office(nexus, tenant.ccid)
    assert office.service("SMS", {"url": "N/A", "data": {"provider": "Async"}}).status_code == 200
    assert office.section("sales", {"queue": "sales"}, "NexusEndpoints").status_code == 200
    paths = {"section": office.section_path("chat.sms"), "endpoint": office.section_path("sales", "NexusEndpoints"),
             "gateway": office.service_path("Async"), "switch": office.service_path("SMS")}
    answer = Answer(tenant).becomes("sent")

    for part in order:
        assert office.delete(paths[part]).status_code == 200, part
    asked = len(customer.messages())

    assert tenant.aggregator().message().status_code == 404
    assert tenant.agent().answer(answer.conversation).status_code == 409
    assert owners(nexus, tenant.number) == []
    assert nexus.query("select count(*) from destination d join tenant t on t.id = d.tenant_id where t.ccid = %s and d.enabled",
                       tenant.ccid) == [(0,)]
    assert len(customer.messages()) == asked


def test_a_number_that_apply_prunes_takes_nothing(nexus, customer, operator):
    tenant = Tenant(nexus, webhook_url=customer.url)
    answer = Answer(tenant).becomes("sent")

    operator.apply({"tenants": [{"ccid": tenant.ccid, "keys": [
        {"name": "aggregator", "permissions": ["nexus:gateway:sms"]}, {"name": "agent", "permissions": ["nexus:agent:chat"]}]}]},
        "--prune")

    eventually(lambda: tenant.aggregator().message().status_code == 404, "texts are refused")
    assert tenant.agent().answer(answer.conversation).status_code == 409
