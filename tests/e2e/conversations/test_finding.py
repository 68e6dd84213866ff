"""Agents find conversations and contacts by the consumer's phone number."""

import pytest

from harness.answers import data_of
from harness.people import Tenant, conversation_of, until_accepted


def spellings(number):
    return [number[1:], number.replace("+", "%2B")]


@pytest.mark.parametrize("spelling", range(2))
def test_conversations_are_found_by_phone_number(tenant, spelling):
    phone, other, agent = tenant.phone(), tenant.phone(), tenant.agent()
    for number in (phone, other):
        assert tenant.aggregator().message(number).status_code == 200

    found = data_of(agent.get(f"/chat/v3/conversations?address={spellings(phone)[spelling]}"))["conversations"]

    assert [one["contact"]["address"] for one in found] == [phone]


# Spellings of one number of each country, as an agent may read them on a screen or in a letter; #### are the last digits of our number.
WRITTEN = {
    "+1415555####": ["+1415555####", "1415555####", "415555####", "(415) 555-####", "415.555.####", "1 (415) 555-####", "001415555####",
                     "0111415555####", "tel:+1-415-555-####", "sms:+1415555####", "+1 (415) 555\u2011####", "\uff0b1\u00a0415 555 ####"],
    "+49171555####": ["+49171555####", "0171 555####", "0171/555-####", "+49 (0)171 555####", "0049171555####"],
    "+44770090####": ["07700 90####", "+44 (0)7700 90####", "0044 7700 90####", "447700 90####"]}


@pytest.mark.parametrize("full", WRITTEN)
def test_a_phone_number_is_found_in_every_spelling_of_the_countries_of_the_contact_centers_numbers(nexus, full):
    tenant = Tenant(nexus)
    last = tenant.number[-4:]
    tenant.number = full[:7] + "00" + last[::-1] if full.startswith("+1") else full[:6] + "00" + last[::-1]
    tenant.apply()
    phone, agent, administrator = full.replace("####", last), tenant.agent(), tenant.administrator()
    conversation = conversation_of(tenant, phone)
    nexus.private |= {phone}

    for spelling in (one.replace("####", last) for one in WRITTEN[full]):
        assert [one["id"] for one in agent.conversations(address=spelling)] == [conversation], spelling
        contacts = data_of(agent.get("/chat/v3/contacts", params={"address": spelling}))["contacts"]
        assert [one["address"] for one in contacts] == [phone], spelling
        # GWS has half of the deadline to say who the administrator is.
        listed = until_accepted(lambda: administrator.get("/nexus/v3/messages", params={"phone": spelling}))
        assert [one["conversation"] for one in data_of(listed)["messages"]] == [conversation], spelling


def test_a_national_number_of_a_country_without_our_numbers_is_unknown(tenant):
    conversation_of(tenant, phone := "+49171" + tenant.number[-7:])
    tenant.stack.private.add(phone)

    assert tenant.agent().conversations(address="0171" + tenant.number[-7:]) == []


def test_a_done_conversation_is_found_if_its_state_is_given(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    first = data_of(tenant.aggregator().message(phone))["conversationId"]
    assert agent.post(f"/chat/v3/conversations/{first}/accept").status_code == 200
    assert agent.post(f"/chat/v3/conversations/{first}/done").status_code == 200
    second = data_of(tenant.aggregator().message(phone))["conversationId"]

    assert [one["id"] for one in agent.conversations(address=phone)] == [second]
    assert [one["id"] for one in agent.conversations(address=phone, state="done")] == [first]


def test_no_search_finds_a_conversation_or_contact_of_another_contact_center(tenant):
    phone, other = tenant.phone(), Tenant(tenant.stack)
    assert tenant.aggregator().message(phone).status_code == 200

    assert other.agent().conversations(address=phone) == []
    assert data_of(other.agent().get("/chat/v3/contacts", params={"address": phone}))["contacts"] == []


def test_a_contact_is_found_by_phone_number(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    assert tenant.aggregator().message(phone).status_code == 200

    found = data_of(agent.get("/chat/v3/contacts", params={"address": phone}))["contacts"]

    assert [(one["id"], one["address"]) for one in found] == [(agent.conversation_with(phone)["contact"]["id"], phone)]


def test_an_address_that_is_too_long_is_refused_with_the_fields_name(tenant):
    answer = tenant.agent().get("/chat/v3/conversations", params={"address": "x" * 256})

    assert answer.status_code == 400
    assert "address" in answer.json()["detail"]


@pytest.mark.parametrize("state", [None, "waiting"])
def test_a_long_list_is_read_page_by_page(nexus, state):
    tenant = Tenant(nexus)
    wanted = [conversation_of(tenant) for _ in range(7)]
    agent, pages = tenant.agent(), []

    answer = {"next": ""}
    while answer["next"] is not None:
        assert len(pages) < 4
        answer = data_of(agent.get("/chat/v3/conversations", params={"count": 3, "after": answer["next"], "state": state}))
        pages.append([one["id"] for one in answer["conversations"]])

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == wanted, "oldest first, each once"


def test_the_next_page_begins_where_the_last_one_ended_although_its_last_conversation_is_done(nexus):
    tenant = Tenant(nexus)
    wanted, agent = [conversation_of(tenant) for _ in range(4)], tenant.agent()
    first = data_of(agent.get("/chat/v3/conversations", params={"count": 2}))
    assert agent.post(f"/chat/v3/conversations/{wanted[1]}/done").status_code == 200

    second = data_of(agent.get("/chat/v3/conversations", params={"count": 2, "after": first["next"]}))

    assert [one["id"] for one in second["conversations"]] == wanted[2:]


def test_a_position_that_no_page_gave_is_refused_with_its_name(tenant):
    answer = tenant.agent().get("/chat/v3/conversations", params={"after": "next"})
    assert answer.status_code == 400 and "after: must be the" in answer.text
