"""Senders: all spellings of a number are one consumer, and a sender may have a name instead of a number."""

import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, conversation_of


def plain(number):
    """The digits of a number with a plus."""
    return number.removeprefix("+")


SEPARATORS = st.sampled_from(["", "", " ", "-", ".", "\u00a0", " / ", "\u200b", "\u2011", ") ", " ("])
# The tenants' numbers are North American; there 011 precedes a country code.
PREFIXES = st.sampled_from(["+", "", "00", "+00", "tel:+", "\uff0b", " +", "\ufeff+", "\u202a+", "011"])
DIGITS = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"])


@st.composite
def spellings(draw, number):
    digits = draw(DIGITS)
    return draw(PREFIXES) + "".join(digits[int(digit)] + draw(SEPARATORS) for digit in plain(number))


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_all_spellings_of_a_number_are_one_contact_and_have_one_opt_out(tenant, data):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    conversations = {conversation_of(tenant, phone)}
    for spelling in data.draw(st.lists(spellings(phone), min_size=1, max_size=3)):
        posted = aggregator.message(spelling, "hello")
        assert posted.status_code == 200, posted.text
        conversations.add(data_of(posted)["conversationId"])
    stop = aggregator.message(data.draw(spellings(phone)), "STOP")

    assert conversations == {data_of(stop)["conversationId"]}
    OutboundMessage(tenant, conversations.pop()).becomes("opted_out")


def test_a_plus_that_was_decoded_as_a_space_is_a_plus(tenant):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    body = f"message_id=lost&phone_number={phone}&shortcode={tenant.number}&message=hi"

    posted = tenant.aggregator().post("/nexus/v3/sms/message", data=body,
                                      headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert data_of(posted)["conversationId"] == conversation


@pytest.mark.parametrize("number, spelled, full", [
    ("+1844555{}", "(415) 555-{}", "+1415555{}"), ("+1844556{}", "(555) 123-{}", "+1555123{}"), ("+49171555{}", "0171 666{}", "+49171666{}"),
    ("+44770090{}", "07700 91{}", "+44770091{}")])
def test_a_national_number_belongs_to_the_country_of_the_contact_centers_number(nexus, number, spelled, full):
    tenant = Tenant(nexus)
    last = plain(tenant.number)[-4:]
    tenant.number = number.format(last)
    tenant.apply()
    nexus.private |= {full.format(last)}

    posted = tenant.aggregator().message(spelled.format(last), "STOP")

    assert posted.status_code == 200, posted.text
    assert conversation_of(tenant, full.format(last)) == data_of(posted)["conversationId"]
    assert tenant.agent().conversation_with(full.format(last))


def test_the_name_of_a_sender_is_stored_unchanged(tenant):
    posted = tenant.aggregator().message("MyBank", "your code is 1234")

    assert posted.status_code == 200, posted.text
    assert tenant.agent().conversation_with("MyBank")["id"] == data_of(posted)["conversationId"]


def test_names_are_compared_without_case(tenant):
    conversations = {conversation_of(tenant, name) for name in ("MyShop", "MYSHOP", "myshop", " MyShop ")}

    assert len(conversations) == 1 and tenant.agent().conversation_with("MyShop")["id"] in conversations


def test_the_same_name_at_two_tenants_is_two_contacts(nexus, tenant):
    other = Tenant(nexus)

    assert conversation_of(tenant, "COURIER") != conversation_of(other, "COURIER")


def test_an_outbound_message_to_a_sender_with_a_name_is_refused_with_the_reason(tenant):
    conversation = conversation_of(tenant, "7-Eleven")

    answer = tenant.agent().send(conversation, "hello")

    assert answer.status_code == 409
    assert "the sender has a name and no number" in answer.text
    assert len(tenant.agent().transcript(conversation)) == 1


def test_a_stop_from_a_sender_with_a_name_gets_no_reply(tenant):
    tenant.aggregator().message("LOUDSHOP", "STOP")

    assert [m["text"] for m in tenant.agent().transcript(tenant.agent().conversation_with("LOUDSHOP")["id"])] == ["STOP"]


@pytest.mark.parametrize("sender, stored", [
    ("jane.doe@mail.example", None), ("A customer of ours", None), ("+12345678901234567", None), ("tel:+1 415 555 0123 45678", None),
    ("14155550123 ext. 7", None), ("Ring\x07", "Ring\ufffd"), ("é" * 127, None)])
def test_a_text_is_stored_whatever_the_name_of_its_sender(tenant, sender, stored):
    posted = tenant.aggregator().message(sender, "hello")

    assert posted.status_code == 200, posted.text
    found = tenant.agent().conversation_with(stored or sender)
    assert found["id"] == data_of(posted)["conversationId"] and found["contact"]["address"] == (stored or sender)


@pytest.mark.parametrize("sender", ["  ", "x" * 256])
def test_a_malformed_sender_is_refused_with_the_rule(tenant, sender):
    answer = tenant.aggregator().message(sender, "hello")

    assert answer.status_code == 400
    assert answer.json()["status"]["message"].startswith("phone_number: ")


def test_conversations_and_contacts_are_found_by_name_and_by_number_in_any_spelling(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    by_number, by_name = conversation_of(tenant, phone), conversation_of(tenant, "MyBakery")

    for address, conversation in ((phone, by_number), ("00" + plain(phone), by_number), ("MyBakery", by_name), ("MYBAKERY", by_name)):
        assert [c["id"] for c in agent.conversations(address=address)] == [conversation], address
        found = agent.get("/chat/v3/contacts", params={"address": address})
        assert len(data_of(found)["contacts"]) == 1, found.text


MIGRATION = pathlib.Path(__file__).parents[3] / "db/migrations/0011_senders.sql"


def test_an_opt_out_stored_with_a_leading_00_is_migrated_to_the_number(postgres, template):
    connection = postgres.connect(postgres.create_database(template))
    cursor = connection.cursor()
    cursor.execute("""insert into opt_out (tenant_id, channel_id, address, since, evidence, cleared) values
        (1, 1, '+0015551230001', now(), gen_random_uuid(), null),
        (1, 1, '+0015551230002', now(), gen_random_uuid(), now()),
        (1, 1, '+0015551230003', now() - interval '2 h', gen_random_uuid(), null),
        (1, 1, '+15551230003', now() - interval '3 h', gen_random_uuid(), now() - interval '1 h'),
        (1, 1, '+0015551230004', now() - interval '1 h', gen_random_uuid(), null),
        (1, 1, '+15551230004', now() - interval '3 h', gen_random_uuid(), now() - interval '2 h')""")

    cursor.execute("insert into opt_out" + MIGRATION.read_text().split("insert into opt_out")[1])

    cursor.execute("select address from opt_out where cleared is null and address not like '+00%' order by address")
    assert [row[0] for row in cursor.fetchall()] == ["+15551230001", "+15551230004"]
    connection.close()
