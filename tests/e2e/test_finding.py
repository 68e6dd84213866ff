"""An agent on the phone with a customer finds what was written, by the number."""

import pytest

from harness.people import Tenant


def spellings(number):
    return [number[1:], number.replace("+", "%2B")]


@pytest.mark.parametrize("spelling", range(2))
def test_conversations_are_found_by_phone_number(tenant, spelling):
    phone, other, agent = tenant.phone(), tenant.phone(), tenant.agent()
    for number in (phone, other):
        assert tenant.aggregator().message(number).status_code == 200

    found = agent.get(f"/chat/v3/conversations?address={spellings(phone)[spelling]}").json()["data"]["conversations"]

    assert [one["contact"]["address"] for one in found] == [phone]


def test_a_done_conversation_is_found_where_its_state_is_named(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    first = tenant.aggregator().message(phone).json()["data"]["conversationId"]
    assert agent.post(f"/chat/v3/conversations/{first}/accept").status_code == 200
    assert agent.post(f"/chat/v3/conversations/{first}/done").status_code == 200
    second = tenant.aggregator().message(phone).json()["data"]["conversationId"]

    assert [one["id"] for one in agent.conversations(address=phone)] == [second]
    assert [one["id"] for one in agent.conversations(address=phone, state="done")] == [first]


def test_nobody_finds_anothers_conversation_or_contact(tenant):
    phone, stranger = tenant.phone(), Tenant(tenant.stack)
    assert tenant.aggregator().message(phone).status_code == 200

    assert stranger.agent().conversations(address=phone) == []
    assert stranger.agent().get("/chat/v3/contacts", params={"address": phone}).json()["data"]["contacts"] == []


def test_a_contact_is_found_by_phone_number(tenant):
    phone, agent = tenant.phone(), tenant.agent()
    assert tenant.aggregator().message(phone).status_code == 200

    found = agent.get("/chat/v3/contacts", params={"address": phone}).json()["data"]["contacts"]

    assert [(one["id"], one["address"]) for one in found] == [(agent.conversation_with(phone)["contact"]["id"], phone)]


def test_what_can_be_no_sender_is_refused_by_name(tenant):
    answer = tenant.agent().get("/chat/v3/conversations", params={"address": "x" * 40})

    assert answer.status_code == 400
    assert "address" in answer.json()["detail"]
