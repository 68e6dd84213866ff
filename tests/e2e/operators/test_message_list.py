"""The list of messages for administrators: its filters, its order, its pages, and what it does not show."""

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, conversation_of, until_accepted


def listed(tenant, **query):
    administrator = tenant.administrator()  # GWS has half of the deadline to say who this is, which may not be enough on a busy machine
    return data_of(until_accepted(lambda: administrator.get("/nexus/v3/messages", params=query)))


def ids(data):
    return [message["id"] for message in data["messages"]]


def test_the_latest_message_comes_first_and_shows_neither_text_nor_number(tenant):
    phone, text = tenant.phone(), tenant.text()
    tenant.aggregator().message(phone, text)
    message = OutboundMessage(tenant, conversation_of(tenant, phone)).becomes("sent")

    data = listed(tenant)

    first = data["messages"][0]
    assert (first["id"], first["direction"], first["state"]) == (message.id, "out", "sent")
    assert text not in str(data) and phone not in str(data)


def test_each_page_continues_after_the_last_message_of_the_page_before(tenant):
    conversation = conversation_of(tenant)
    sent = [OutboundMessage(tenant, conversation).id for _ in range(5)]
    wanted = sent[::-1]

    found, after = [], None
    for _ in sent:
        page = listed(tenant, direction="out", count=2, **({"after": after} if after else {}))
        found += ids(page)
        after = page["next"]
        if after is None:
            break

    assert found == wanted


@pytest.mark.parametrize("by", ["phone", "conversation"])
def test_the_messages_of_one_consumer_or_conversation_are_found(tenant, by):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    outbound = OutboundMessage(tenant, conversation)
    conversation_of(tenant)

    data = listed(tenant, **{by: {"phone": phone, "conversation": conversation}[by]})

    assert len(data["messages"]) == 2 and ids(data)[0] == outbound.id
    assert {message["conversation"] for message in data["messages"]} == {conversation}


@pytest.mark.parametrize("by", ["phone", "conversation"])
def test_messages_accepted_at_the_same_time_are_listed_in_the_order_of_the_conversation(tenant, by):
    """The keyword reply to STOP has the time of the STOP, because one database transaction stores both."""
    phone = tenant.phone()
    aggregator = tenant.aggregator()
    for word in ("STOP", "START") * 4:
        aggregator.message(phone, word)
    conversation = conversation_of(tenant, phone)

    data = listed(tenant, **{by: {"phone": phone, "conversation": conversation}[by]})

    transcript = tenant.agent().transcript(conversation)
    assert ids(data) == [message["id"] for message in transcript][::-1]


def test_filters_narrow_the_list(tenant):
    message = OutboundMessage(tenant).becomes("sent")

    assert ids(listed(tenant, state="sent")) == [message.id]
    assert ids(listed(tenant, state="failed")) == []
    assert len(ids(listed(tenant, direction="in"))) == 1
    assert len(ids(listed(tenant, number=tenant.number))) == 2


@pytest.mark.parametrize("query, rule", [({"state": "gone"}, "state: "), ({"direction": "up"}, "direction: in or out"),
                                         ({"after": "yesterday"}, "after: ")])
def test_an_invalid_filter_is_refused_with_its_name(tenant, query, rule):
    administrator = tenant.administrator()

    answer = until_accepted(lambda: administrator.get("/nexus/v3/messages", params=query), other_statuses=(400,))

    assert answer.status_code == 400 and answer.json()["detail"].startswith(rule)
