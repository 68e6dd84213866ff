"""What a person is told who writes STOP, START or HELP: one answer, sent even to those who want nothing more."""

import concurrent.futures

import pytest

from harness.people import Answer, Tenant, conversation_of
from harness.timeline import Timeline
from harness.wait import eventually

STOPPED = "You are unsubscribed and get no more messages from this number. Reply START to get them again."
STARTED = "You get messages from this number again. Reply STOP to get no more of them."
HELP = "Reply STOP to get no more messages from this number, START to get them again."


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


def came_to(customer, phone):
    """The texts that a phone was sent."""
    return [hook.message["text"] for hook in customer.messages() if hook.message["to"] == phone]


def nothing_is_on_the_way(tenant, phone):
    """Every message to this phone has come to its end."""
    assert not tenant.stack.query("select 1 from delivery d join tenant t on t.id = d.tenant_id"
                                  " where t.ccid = %s and d.address = %s", tenant.ccid, phone)
    return True


def is_told(tenant, customer, phone, *texts):
    """These texts come to the phone, in any order, and no others are on the way."""
    eventually(lambda: len(came_to(customer, phone)) >= len(texts) and nothing_is_on_the_way(tenant, phone),
               f"{len(texts)} answers come to the phone")
    assert sorted(came_to(customer, phone)) == sorted(texts)


@pytest.mark.parametrize("word, answers", [("STOP", [STOPPED]), ("help", [HELP]), ("Info?", [HELP]), ("“cancel”", [STOPPED])])
def test_a_keyword_gets_one_answer(tenant, customer, word, answers):
    phone = tenant.phone()

    tenant.aggregator().message(phone, word)

    is_told(tenant, customer, phone, *answers)


@pytest.mark.parametrize("word, beginning", [
    ("ARRÊT", "C'est noté"), ("baja", "Ha cancelado"), ("abmelden", "Sie sind abgemeldet"), ("sair", "Cancelado"),
    ("disiscrivi", "Iscrizione annullata"), ("afmelden", "U bent afgemeld"), ("aide", "Répondez STOP"), ("stop bitte", "Sie sind abgemeldet")])
def test_the_answer_is_in_the_language_of_the_word(tenant, customer, word, beginning):
    phone = tenant.phone()

    tenant.aggregator().message(phone, word)

    eventually(lambda: came_to(customer, phone), "an answer comes")
    assert came_to(customer, phone)[0].startswith(beginning)


def test_the_answer_to_stop_leaves_and_nothing_else_does(tenant, customer):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    tenant.aggregator().message(phone, "STOP")

    unwanted = Answer(tenant, conversation).becomes("opted_out")

    is_told(tenant, customer, phone, STOPPED)
    assert customer.messages(unwanted.text) == []


def test_the_answer_to_stop_does_not_wait_behind_a_message_that_fails_again_and_again(tenant, customer):
    phone = tenant.phone()
    customer.answer(status=503)
    waiting = Answer(tenant, conversation_of(tenant, phone))
    customer.wait_for(waiting.text)
    customer.answer(status=200)

    tenant.aggregator().message(phone, "STOP")

    customer.wait_for(STOPPED)
    waiting.becomes("opted_out")


def test_an_answer_to_help_is_held_back_by_a_stop_that_comes_after_it(tenant, customer):
    phone = tenant.phone()
    customer.answer(status=503)
    tenant.aggregator().message(phone, "HELP")
    eventually(lambda: HELP in came_to(customer, phone), "the answer was tried")
    tries = came_to(customer, phone).count(HELP)

    tenant.aggregator().message(phone, "STOP")
    customer.answer(status=200)

    eventually(lambda: STOPPED in came_to(customer, phone) and nothing_is_on_the_way(tenant, phone), "STOP is answered")
    assert came_to(customer, phone).count(HELP) == tries


def test_help_is_answered_although_the_phone_has_opted_out(tenant, customer):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")

    tenant.aggregator().message(phone, "HELP")

    is_told(tenant, customer, phone, STOPPED, HELP)


def test_a_word_that_comes_again_is_not_answered_again(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("STOP", "stop", "STOP!", "HELP", "help", "END", "info"):
        assert aggregator.message(phone, word).status_code == 200

    is_told(tenant, customer, phone, STOPPED, HELP)


def test_the_same_message_again_is_not_answered_again(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for _ in range(3):
        aggregator.message(phone, "STOP", message_id="one")

    is_told(tenant, customer, phone, STOPPED)


def test_words_posted_at_once_get_one_answer(tenant, customer):
    phone = tenant.phone()

    with concurrent.futures.ThreadPoolExecutor(8) as posting:
        list(posting.map(lambda _: tenant.aggregator().message(phone, "STOP"), range(8)))

    is_told(tenant, customer, phone, STOPPED)


def test_start_is_answered_where_it_takes_stop_back(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("YES", "STOP", "START", "YES"):
        aggregator.message(phone, word)

    is_told(tenant, customer, phone, STOPPED, STARTED)


def test_stop_and_start_in_turn_are_answered_three_times_in_an_hour(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for _ in range(5):
        aggregator.message(phone, "STOP")
        aggregator.message(phone, "START")

    is_told(tenant, customer, phone, *[STOPPED, STARTED] * 3)


def test_an_hour_later_a_word_is_answered_again(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    aggregator.message(phone, "STOP")
    is_told(tenant, customer, phone, STOPPED)
    tenant.stack.query("update keyword_answer set since = since - interval '61 min' where address = %s returning 1", phone)

    aggregator.message(phone, "STOP")

    is_told(tenant, customer, phone, STOPPED, STOPPED)


def test_the_answer_stands_in_the_transcript_as_the_systems(tenant, customer):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")
    conversation = tenant.agent().conversation_with(phone)

    is_told(tenant, customer, phone, STOPPED)

    stop, answer = tenant.agent().transcript(conversation["id"])
    assert (stop["sequence"], stop["direction"], stop["text"]) == (1, "in", "STOP")
    assert (answer["sequence"], answer["direction"], answer["text"], answer["author"]) == (2, "out", STOPPED, "system")
    hook = customer.messages(STOPPED)[-1]
    assert hook.message["conversationId"] == conversation["id"] and hook.message["sequence"] == 2


def test_what_became_of_the_answer_is_told(tenant, customer):
    phone = tenant.phone()
    stop = tenant.aggregator().message(phone, "STOP").json()["data"]
    is_told(tenant, customer, phone, STOPPED)
    answer = tenant.agent().transcript(stop["conversationId"])[-1]

    timeline = Timeline(tenant, answer["id"])

    assert timeline.one("accepted")["text"].startswith(f"our answer to the keyword of message {stop['messageId']}")
    assert timeline.one("claimed")["text"] == "it answers a keyword and is valid"


def test_several_words_of_one_person_at_once_leave_no_gap_in_the_conversation(tenant):
    phone = tenant.phone()

    with concurrent.futures.ThreadPoolExecutor(8) as posting:
        list(posting.map(lambda word: tenant.aggregator().message(phone, word), ["STOP", "HELP", "hello", "START", "STOP"] * 3))

    conversation = tenant.agent().conversation_with(phone)
    sequences = [m["sequence"] for m in tenant.agent().transcript(conversation["id"])]
    assert sequences == list(range(1, conversation["lastSequence"] + 1)) and len(sequences) > 15


def test_a_stop_in_parts_is_answered(tenant, customer):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for part, text in ((1, "un"), (2, "subscribe")):
        aggregator.message(phone, text, concat_reference="9", concat_total=2, concat_part=part)

    is_told(tenant, customer, phone, STOPPED)


def test_a_number_of_campaigns_opts_out_and_answers_too(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, cxcOnly=True)
    phone = tenant.phone()

    tenant.aggregator().message(phone, "STOP")

    is_told(tenant, customer, phone, STOPPED)
    assert "conversationId" not in customer.messages(STOPPED)[-1].message


def test_a_number_has_texts_of_its_own(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, stopReply="Acme: no more texts.", helpReply="N/A", startReply="Acme: welcome back.")
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("HELP", "STOP", "START"):
        aggregator.message(phone, word)

    is_told(tenant, customer, phone, "Acme: no more texts.", "Acme: welcome back.")


def test_a_number_without_a_webhook_takes_stop_and_answers_nothing(nexus):
    tenant = Tenant(nexus)
    tenant.webhook = None
    tenant.apply()
    phone = tenant.phone()

    answer = tenant.aggregator().message(phone, "STOP")

    assert answer.status_code == 200
    assert [m["text"] for m in tenant.agent().transcript(answer.json()["data"]["conversationId"])] == ["STOP"]


def test_a_short_code_is_not_answered(tenant):
    answer = tenant.aggregator().message("72345", "STOP")

    assert [m["text"] for m in tenant.agent().transcript(answer.json()["data"]["conversationId"])] == ["STOP"]


def test_each_of_our_answers_is_one_sms(nexus):
    gsm = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
              "abcdefghijklmnopqrstuvwxyzäöñüà")

    answers = nexus.query("select language, body from keyword_reply")

    assert len(answers) == 21
    for language, body in answers:
        assert len(body) <= 160 and set(body) <= gsm, language
