"""What is a repetition, answered like the first and stored once, and what is something new under an old name."""

import base64
import concurrent.futures

import pytest


def texts(tenant, phone):
    conversation = tenant.agent().conversation_with(phone)
    return [m["text"] for m in tenant.agent().transcript(conversation["id"])] if conversation else []


def place(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


# ---- texts from phones

def test_the_message_id_of_another_phones_text_does_not_hide_a_text(tenant):
    aggregator, first, second = tenant.aggregator(), tenant.phone(), tenant.phone()
    theirs, mine = tenant.text("from the first"), tenant.text("from the second")

    told_first = place(aggregator.message(first, theirs, message_id="one"))
    told_second = place(aggregator.message(second, mine, message_id="one"))

    assert told_first["conversationId"] != told_second["conversationId"]
    assert (texts(tenant, first), texts(tenant, second)) == ([theirs], [mine])


def test_another_text_under_an_old_message_id_is_another_text(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    first, second = tenant.text("first"), tenant.text("second")

    for text in (first, second, first, second):
        place(aggregator.message(phone, text, message_id="counter-starts-again"))

    assert texts(tenant, phone) == [first, second]


def test_each_text_under_one_message_id_is_answered_like_its_own_first_time(tenant):
    aggregator = tenant.aggregator()
    posts = [(tenant.phone(), tenant.text()) for _ in range(3)]

    first, again = ([place(aggregator.message(phone, text, message_id="same")) for phone, text in posts] for _ in range(2))

    assert first == again
    assert len({answer["messageId"] for answer in first}) == 3


def test_different_texts_under_one_message_id_at_the_same_moment_are_all_stored(tenant):
    phone = tenant.phone()
    posts = [tenant.text(f"text {number}") for number in range(8)] * 2

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for answer in pool.map(lambda text: tenant.aggregator().message(phone, text, message_id="at-once"), posts):
            place(answer)

    assert sorted(texts(tenant, phone)) == sorted(set(posts))


def test_another_photo_under_an_old_message_id_is_another_message(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    photos = [b"\x89PNG\r\n\x1a\n" + bytes([number]) * 40 for number in (1, 2)]

    for photo in photos + photos:
        attached = [{"content_type": "image/png", "content": base64.b64encode(photo).decode()}]
        place(aggregator.post("/nexus/v3/sms/message", json={
            "message_id": "photo", "phone_number": phone, "shortcode": tenant.number, "message": "look",
            "mms_attachment": attached}))

    assert texts(tenant, phone) == ["look", "look"]


def test_parts_that_come_under_one_message_id_are_joined(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    parts = [tenant.text("one,"), tenant.text("two")]

    for number, text in enumerate(parts, 1):
        place(aggregator.message(phone, text, message_id="all", concat_reference="6", concat_total=2, concat_part=number))

    assert texts(tenant, phone) == ["".join(parts)]


@pytest.mark.parametrize("total, part, reference", [
    (1, 1, "7"), (2, 3, "7"), (2, 0, "7"), (0, 2, "7"), (54, 1, "7"), (-1, 1, "7"), (2, -1, "7"), ("two", "one", "7"),
    (2**40, 1, "7"), (2, 1, None), (2, 1, ""), (2, None, "7"), (None, 1, "7")])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_nonsense_about_parts_makes_a_whole_text(tenant, total, part, reference, form):
    phone, text = tenant.phone(), tenant.text()
    body = {"message_id": "odd", "phone_number": phone, "shortcode": tenant.number, "message": text,
            "concat_total": total, "concat_part": part, "concat_reference": reference}

    answer = tenant.aggregator().post("/nexus/v3/sms/message", **({"data": body} if form else {"json": body}))

    assert place(answer)["sequence"] == 1
    assert texts(tenant, phone) == [text]


@pytest.mark.parametrize("totals, numbers", [((" 2", "2 "), (" 1 ", "2")), ((2.0, 2.0), (1.0, 2.0)), (("2.00", 2), ("1", "2.0"))])
def test_parts_whose_numbers_are_written_oddly_are_joined(tenant, totals, numbers):
    phone, aggregator, parts = tenant.phone(), tenant.aggregator(), (tenant.text("one"), tenant.text("two"))

    for text, total, number in zip(parts, totals, numbers):
        place(aggregator.message(phone, text, concat_reference="8", concat_total=total, concat_part=number))

    assert texts(tenant, phone) == ["".join(parts)]


# ---- answers of agents

@pytest.fixture
def conversation(tenant):
    return place(tenant.aggregator().message(tenant.phone()))["conversationId"]


def answers(tenant, conversation):
    return [m["text"] for m in tenant.agent().transcript(conversation) if m["direction"] == "out"]


@pytest.mark.parametrize("change", [{"text": "six o'clock"}, {"content": {"quickReplies": ["yes"]}}], ids=["text", "content"])
def test_another_answer_under_an_old_client_id_is_refused_and_says_why(tenant, conversation, change):
    agent = tenant.agent()
    first = place(agent.answer(conversation, "five o'clock", client_id="one"))

    refused = agent.answer(conversation, **{"text": "five o'clock", **change}, client_id="one")
    again = place(agent.answer(conversation, "five o'clock", client_id="one"))

    assert refused.status_code == 409 and "clientId: another text" in refused.text
    assert (again["id"], again["sequence"]) == (first["id"], first["sequence"])
    assert answers(tenant, conversation) == ["five o'clock"]


def test_of_different_answers_under_one_client_id_at_the_same_moment_one_is_stored(tenant, conversation):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: tenant.agent().answer(conversation, f"answer {n}", client_id="one"), range(8)))

    assert sorted(answer.status_code for answer in told) == [200] + [409] * 7
    assert len(answers(tenant, conversation)) == 1


def test_the_same_client_id_in_another_conversation_is_another_answer(tenant, conversation):
    other = place(tenant.aggregator().message(tenant.phone()))["conversationId"]

    for each in (conversation, other):
        place(tenant.agent().answer(each, f"hello {each}", client_id="one"))

    assert [answers(tenant, each) for each in (conversation, other)] == [[f"hello {conversation}"], [f"hello {other}"]]
