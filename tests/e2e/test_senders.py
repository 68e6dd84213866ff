"""Who wrote: one person under all spellings of a number, and senders that have a name instead."""

import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.people import Answer, Tenant, conversation_of


def plain(number):
    """+1 555 123 0001 as its digits."""
    return number.removeprefix("+")


BLANKS = st.sampled_from(["", "", " ", "-", ".", "\u00a0", " / ", "\u200b", "\u2011", ") ", " ("])
# The tenants' numbers are of North America, where 011 goes before a country code.
FRONTS = st.sampled_from(["+", "", "00", "+00", "tel:+", "\uff0b", " +", "\ufeff+", "\u202a+", "011"])
SCRIPTS = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"])


@st.composite
def spellings(draw, number):
    digits = draw(SCRIPTS)
    return draw(FRONTS) + "".join(digits[int(digit)] + draw(BLANKS) for digit in plain(number))


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_all_spellings_of_a_number_are_one_contact_and_have_one_opt_out(tenant, data):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    talks = {conversation_of(tenant, phone)}
    for spelling in data.draw(st.lists(spellings(phone), min_size=1, max_size=3)):
        posted = aggregator.message(spelling, "hello")
        assert posted.status_code == 200, posted.text
        talks.add(posted.json()["data"]["conversationId"])
    stop = aggregator.message(data.draw(spellings(phone)), "STOP")

    assert talks == {stop.json()["data"]["conversationId"]}
    Answer(tenant, talks.pop()).becomes("opted_out")


def test_a_plus_that_a_form_lost_is_one(tenant):
    phone = tenant.phone()
    talk = conversation_of(tenant, phone)
    body = f"message_id=lost&phone_number={phone}&shortcode={tenant.number}&message=hi"

    posted = tenant.aggregator().post("/nexus/v3/sms/message", data=body,
                                      headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert posted.json()["data"]["conversationId"] == talk


@pytest.mark.parametrize("number, spelled, full", [
    ("+1844555{}", "(415) 555-{}", "+1415555{}"), ("+1844556{}", "(555) 123-{}", "+1555123{}"), ("+49171555{}", "0171 666{}", "+49171666{}"),
    ("+44770090{}", "07700 91{}", "+44770091{}")])
def test_a_national_number_is_of_the_country_that_was_written_to(nexus, number, spelled, full):
    tenant = Tenant(nexus)
    last = plain(tenant.number)[-4:]
    tenant.number = number.format(last)
    tenant.apply()
    nexus.private |= {full.format(last)}

    posted = tenant.aggregator().message(spelled.format(last), "STOP")

    assert posted.status_code == 200, posted.text
    assert conversation_of(tenant, full.format(last)) == posted.json()["data"]["conversationId"]
    assert tenant.agent().conversation_with(full.format(last))


def test_a_sender_with_a_name_is_stored_as_it_came(tenant):
    posted = tenant.aggregator().message("MyBank", "your code is 1234")

    assert posted.status_code == 200, posted.text
    assert tenant.agent().conversation_with("MyBank")["id"] == posted.json()["data"]["conversationId"]


def test_a_name_is_the_same_in_upper_and_lower_case(tenant):
    talks = {conversation_of(tenant, name) for name in ("MyShop", "MYSHOP", "myshop", " MyShop ")}

    assert len(talks) == 1 and tenant.agent().conversation_with("MyShop")["id"] in talks


def test_names_of_two_tenants_are_two(nexus, tenant):
    other = Tenant(nexus)

    assert conversation_of(tenant, "COURIER") != conversation_of(other, "COURIER")


def test_a_sender_with_a_name_cannot_be_answered_and_the_agent_is_told_so(tenant):
    talk = conversation_of(tenant, "7-Eleven")

    answer = tenant.agent().answer(talk, "hello")

    assert answer.status_code == 409
    assert "the sender has a name and no number" in answer.text
    assert len(tenant.agent().transcript(talk)) == 1


def test_a_name_that_says_stop_is_sent_nothing(tenant):
    tenant.aggregator().message("LOUDSHOP", "STOP")

    assert [m["text"] for m in tenant.agent().transcript(tenant.agent().conversation_with("LOUDSHOP")["id"])] == ["STOP"]


@pytest.mark.parametrize("sender, kept", [
    ("jane.doe@mail.example", None), ("A customer of ours", None), ("+12345678901234567", None), ("tel:+1 415 555 0123 45678", None),
    ("14155550123 ext. 7", None), ("Ring\x07", "Ring\ufffd"), ("é" * 127, None)])
def test_a_text_is_not_lost_for_what_its_sender_is_called(tenant, sender, kept):
    posted = tenant.aggregator().message(sender, "hello")

    assert posted.status_code == 200, posted.text
    found = tenant.agent().conversation_with(kept or sender)
    assert found["id"] == posted.json()["data"]["conversationId"] and found["contact"]["address"] == (kept or sender)


@pytest.mark.parametrize("sender", ["  ", "x" * 256])
def test_what_is_no_sender_is_refused_with_the_rule(tenant, sender):
    answer = tenant.aggregator().message(sender, "hello")

    assert answer.status_code == 400
    assert answer.json()["status"]["message"].startswith("phone_number: ")


def test_conversations_and_contacts_are_found_by_name_and_by_number_however_they_are_spelled(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    by_number, by_name = conversation_of(tenant, phone), conversation_of(tenant, "MyBakery")

    for address, talk in ((phone, by_number), ("00" + plain(phone), by_number), ("MyBakery", by_name), ("MYBAKERY", by_name)):
        assert [c["id"] for c in agent.conversations(address=address)] == [talk], address
        found = agent.get("/chat/v3/contacts", params={"address": address})
        assert len(found.json()["data"]["contacts"]) == 1, found.text


MIGRATION = pathlib.Path(__file__).parents[2] / "db/migrations/0011_senders.sql"


def test_a_stop_of_a_number_that_was_kept_with_00_in_front_holds_for_the_number(postgres, template):
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
