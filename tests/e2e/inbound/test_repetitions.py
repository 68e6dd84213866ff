"""Repetitions get the answer of the first request and are stored once; another message under a used id is a new message."""

import base64
import concurrent.futures

import pytest

from harness.answers import data_of
from harness.people import until_accepted


def texts(tenant, phone):
    conversation = tenant.agent().conversation_with(phone)
    return [m["text"] for m in tenant.agent().transcript(conversation["id"])] if conversation else []


def accepted_data(answer):
    assert answer.status_code == 200, answer.text
    return data_of(answer)


# ---- texts from phones

def test_two_phones_may_use_the_same_message_id(tenant):
    aggregator, first, second = tenant.aggregator(), tenant.phone(), tenant.phone()
    theirs, mine = tenant.text("from the first"), tenant.text("from the second")

    first_answer = accepted_data(aggregator.message(first, theirs, message_id="one"))
    second_answer = accepted_data(aggregator.message(second, mine, message_id="one"))

    assert first_answer["conversationId"] != second_answer["conversationId"]
    assert (texts(tenant, first), texts(tenant, second)) == ([theirs], [mine])


def test_another_text_under_a_used_message_id_is_another_message(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    first, second = tenant.text("first"), tenant.text("second")

    for text in (first, second, first, second):
        accepted_data(aggregator.message(phone, text, message_id="counter-starts-again"))

    assert texts(tenant, phone) == [first, second]


def test_a_repetition_of_each_text_under_one_message_id_gets_the_answer_of_that_text(tenant):
    aggregator = tenant.aggregator()
    posts = [(tenant.phone(), tenant.text()) for _ in range(3)]

    first, again = ([accepted_data(aggregator.message(phone, text, message_id="same")) for phone, text in posts] for _ in range(2))

    assert first == again
    assert len({answer["messageId"] for answer in first}) == 3


def test_different_texts_under_one_message_id_at_the_same_moment_are_all_stored(tenant):
    phone = tenant.phone()
    posts = [tenant.text(f"text {number}") for number in range(8)] * 2

    def post(text):
        return until_accepted(lambda: tenant.aggregator().message(phone, text, message_id="at-once"))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for answer in pool.map(post, posts):
            accepted_data(answer)

    assert sorted(texts(tenant, phone)) == sorted(set(posts))


def test_another_photo_under_a_used_message_id_is_another_message(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    photos = [b"\x89PNG\r\n\x1a\n" + bytes([number]) * 40 for number in (1, 2)]

    for photo in photos + photos:
        attached = [{"content_type": "image/png", "content": base64.b64encode(photo).decode()}]
        accepted_data(aggregator.post("/nexus/v3/sms/message", json={
            "message_id": "photo", "phone_number": phone, "shortcode": tenant.number, "message": "look",
            "mms_attachment": attached}))

    assert texts(tenant, phone) == ["look", "look"]


def test_parts_with_the_same_message_id_are_joined(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    parts = [tenant.text("one,"), tenant.text("two")]

    for number, text in enumerate(parts, 1):
        accepted_data(aggregator.message(phone, text, message_id="all", concat_reference="6", concat_total=2, concat_part=number))

    assert texts(tenant, phone) == ["".join(parts)]


@pytest.mark.parametrize("total, part, reference", [
    (1, 1, "7"), (2, 3, "7"), (2, 0, "7"), (0, 2, "7"), (54, 1, "7"), (-1, 1, "7"), (2, -1, "7"), ("two", "one", "7"),
    (2**40, 1, "7"), (2, 1, None), (2, 1, ""), (2, None, "7"), (None, 1, "7")])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_a_text_with_invalid_fields_of_parts_is_a_whole_text(tenant, total, part, reference, form):
    phone, text = tenant.phone(), tenant.text()
    body = {"message_id": "odd", "phone_number": phone, "shortcode": tenant.number, "message": text,
            "concat_total": total, "concat_part": part, "concat_reference": reference}

    answer = tenant.aggregator().post("/nexus/v3/sms/message", **({"data": body} if form else {"json": body}))

    assert accepted_data(answer)["sequence"] == 1
    assert texts(tenant, phone) == [text]


@pytest.mark.parametrize("totals, numbers", [((" 2", "2 "), (" 1 ", "2")), ((2.0, 2.0), (1.0, 2.0)), (("2.00", 2), ("1", "2.0"))])
def test_parts_with_unusually_written_numbers_are_joined(tenant, totals, numbers):
    phone, aggregator, parts = tenant.phone(), tenant.aggregator(), (tenant.text("one"), tenant.text("two"))

    for text, total, number in zip(parts, totals, numbers):
        accepted_data(aggregator.message(phone, text, concat_reference="8", concat_total=total, concat_part=number))

    assert texts(tenant, phone) == ["".join(parts)]


# ---- outbound messages of agents

@pytest.fixture
def conversation(tenant):
    return accepted_data(tenant.aggregator().message(tenant.phone()))["conversationId"]


def outbound(tenant, conversation):
    return [m["text"] for m in tenant.agent().transcript(conversation) if m["direction"] == "out"]


@pytest.mark.parametrize("change", [{"text": "six o'clock"}, {"content": {"quickReplies": ["yes"]}}], ids=["text", "content"])
def test_another_outbound_message_under_a_used_client_id_is_refused_with_the_reason(tenant, conversation, change):
    agent = tenant.agent()
    first = accepted_data(agent.send(conversation, "five o'clock", client_id="one"))

    refused = agent.send(conversation, **{"text": "five o'clock", **change}, client_id="one")
    again = accepted_data(agent.send(conversation, "five o'clock", client_id="one"))

    assert refused.status_code == 409 and "clientId: it was used" in refused.text
    assert (again["id"], again["sequence"]) == (first["id"], first["sequence"])
    assert outbound(tenant, conversation) == ["five o'clock"]


def test_only_one_of_different_outbound_messages_posted_at_once_under_one_client_id_is_stored(tenant, conversation):
    def post(number):
        return until_accepted(lambda: tenant.agent().send(conversation, f"outbound {number}", client_id="one"), other_statuses=(409,))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(outbound(tenant, conversation)) == 1


def test_the_same_client_id_in_another_conversation_is_another_message(tenant, conversation):
    other = accepted_data(tenant.aggregator().message(tenant.phone()))["conversationId"]

    for each in (conversation, other):
        accepted_data(tenant.agent().send(each, f"hello {each}", client_id="one"))

    assert [outbound(tenant, each) for each in (conversation, other)] == [[f"hello {conversation}"], [f"hello {other}"]]
