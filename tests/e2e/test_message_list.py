"""The list of messages for those who run the place: what is found, in which order, page by page, and what stays hidden."""

import pytest

from harness.people import Answer, conversation_of


def listed(tenant, **query):
    answer = tenant.administrator().get("/nexus/v3/messages", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def ids(data):
    return [message["id"] for message in data["messages"]]


def test_the_latest_message_comes_first_and_shows_neither_text_nor_number(tenant):
    phone, text = tenant.phone(), tenant.text()
    tenant.aggregator().message(phone, text)
    answer = Answer(tenant, conversation_of(tenant, phone)).becomes("sent")

    data = listed(tenant)

    first = data["messages"][0]
    assert (first["id"], first["direction"], first["state"]) == (answer.id, "out", "sent")
    assert text not in str(data) and phone not in str(data)


def test_pages_go_on_where_the_one_before_ended(tenant):
    conversation = conversation_of(tenant)
    sent = [Answer(tenant, conversation).id for _ in range(5)]
    wanted = sent[::-1]

    found, after = [], None
    while True:
        page = listed(tenant, direction="out", count=2, **({"after": after} if after else {}))
        found += ids(page)
        after = page["next"]
        if after is None:
            break

    assert found == wanted


@pytest.mark.parametrize("by", ["phone", "conversation"])
def test_the_messages_of_one_person_or_conversation_are_found(tenant, by):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    answer = Answer(tenant, conversation)
    conversation_of(tenant)

    data = listed(tenant, **{by: {"phone": phone, "conversation": conversation}[by]})

    assert len(data["messages"]) == 2 and ids(data)[0] == answer.id
    assert {message["conversation"] for message in data["messages"]} == {conversation}


@pytest.mark.parametrize("by", ["phone", "conversation"])
def test_what_was_accepted_at_the_same_moment_stands_in_the_order_of_the_conversation(tenant, by):
    """The answer to STOP has the time of the STOP: one transaction stores both."""
    phone = tenant.phone()
    aggregator = tenant.aggregator()
    for word in ("STOP", "START") * 4:
        aggregator.message(phone, word)
    conversation = conversation_of(tenant, phone)

    data = listed(tenant, **{by: {"phone": phone, "conversation": conversation}[by]})

    transcript = tenant.agent().transcript(conversation)
    assert ids(data) == [message["id"] for message in transcript][::-1]


def test_filters_narrow_the_list(tenant):
    answer = Answer(tenant).becomes("sent")

    assert ids(listed(tenant, state="sent")) == [answer.id]
    assert ids(listed(tenant, state="failed")) == []
    assert len(ids(listed(tenant, direction="in"))) == 1
    assert len(ids(listed(tenant, number=tenant.number))) == 2


@pytest.mark.parametrize("query, rule", [({"state": "gone"}, "state: "), ({"direction": "up"}, "direction: in or out"),
                                         ({"after": "yesterday"}, "after: ")])
def test_a_filter_that_means_nothing_is_refused_by_name(tenant, query, rule):
    answer = tenant.administrator().get("/nexus/v3/messages", params=query)

    assert answer.status_code == 400 and answer.json()["detail"].startswith(rule)
