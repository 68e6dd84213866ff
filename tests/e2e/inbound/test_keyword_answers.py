"""Keyword replies: STOP, START and HELP each get one reply, even from consumers who have opted out."""

import concurrent.futures
import time

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.reading import tables
from harness.reading.timeline import Timeline
from harness.wait import eventually

STOPPED = "You are unsubscribed and get no more messages from this number. Reply START to get them again."
STARTED = "You get messages from this number again. Reply STOP to get no more of them."
HELP = "Reply STOP to get no more messages from this number, START to get them again."


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


def texts_to(receiver, phone):
    """The texts that were sent to a phone."""
    return [hook.message["text"] for hook in receiver.messages() if hook.message["to"] == phone]


def nothing_is_being_sent(tenant, phone):
    """Whether every message to this phone has ended."""
    return tables.to_be_sent(tenant, phone) == 0


def assert_receives(tenant, receiver, phone, *texts):
    """Asserts that the phone gets these texts, in any order, and no others."""
    eventually(lambda: len(texts_to(receiver, phone)) >= len(texts) and nothing_is_being_sent(tenant, phone),
               f"{len(texts)} replies are sent to the phone")
    assert sorted(texts_to(receiver, phone)) == sorted(texts)


@pytest.mark.parametrize("word, replies", [("STOP", [STOPPED]), ("help", [HELP]), ("Info?", [HELP]), ("“cancel”", [STOPPED])])
def test_a_keyword_gets_one_reply(tenant, receiver, word, replies):
    phone = tenant.phone()

    tenant.aggregator().message(phone, word)

    assert_receives(tenant, receiver, phone, *replies)


@pytest.mark.parametrize("word, beginning", [
    ("ARRÊT", "C'est noté"), ("baja", "Ha cancelado"), ("abmelden", "Sie sind abgemeldet"), ("sair", "Cancelado"),
    ("disiscrivi", "Iscrizione annullata"), ("afmelden", "U bent afgemeld"), ("aide", "Répondez STOP"), ("stop bitte", "Sie sind abgemeldet")])
def test_the_reply_is_in_the_language_of_the_keyword(tenant, receiver, word, beginning):
    phone = tenant.phone()

    tenant.aggregator().message(phone, word)

    eventually(lambda: texts_to(receiver, phone), "a reply is sent")
    assert texts_to(receiver, phone)[0].startswith(beginning)


def test_after_stop_only_the_reply_is_sent(tenant, receiver):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    tenant.aggregator().message(phone, "STOP")

    unwanted = OutboundMessage(tenant, conversation).becomes("opted_out")

    assert_receives(tenant, receiver, phone, STOPPED)
    assert receiver.messages(unwanted.text) == []


def test_the_reply_to_stop_does_not_wait_for_a_message_that_keeps_failing(tenant, receiver):
    phone = tenant.phone()
    receiver.answer(status=503)
    waiting = OutboundMessage(tenant, conversation_of(tenant, phone))
    receiver.wait_for(waiting.text)

    assert tenant.aggregator().message(phone, "STOP").status_code == 200

    receiver.wait_for(STOPPED)
    waiting.becomes("opted_out")
    receiver.answer(status=200)  # not before: the message is tried again within a second, perhaps before the STOP is stored
    eventually(lambda: tenant.agent().transcript(waiting.conversation)[-1]["state"] == "sent", "the reply is sent", 30)


def test_a_stop_ends_a_reply_to_help_that_was_not_sent_yet(tenant, receiver):
    phone = tenant.phone()
    receiver.answer(status=503)
    tenant.aggregator().message(phone, "HELP")
    eventually(lambda: HELP in texts_to(receiver, phone), "an attempt to send the reply was made")

    assert tenant.aggregator().message(phone, "STOP").status_code == 200
    stopped = time.monotonic()  # until now it may be tried again
    receiver.answer(status=200)

    eventually(lambda: STOPPED in texts_to(receiver, phone) and nothing_is_being_sent(tenant, phone), "the reply to STOP is sent")
    assert [hook.at - stopped for hook in receiver.messages(HELP) if hook.at > stopped] == []


def test_help_gets_a_reply_although_the_phone_has_opted_out(tenant, receiver):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")

    tenant.aggregator().message(phone, "HELP")

    assert_receives(tenant, receiver, phone, STOPPED, HELP)


def test_a_repeated_keyword_gets_no_second_reply(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("STOP", "stop", "STOP!", "HELP", "help", "END", "info"):
        assert aggregator.message(phone, word).status_code == 200
        eventually(lambda: nothing_is_being_sent(tenant, phone), "the replies have been sent")

    assert_receives(tenant, receiver, phone, STOPPED, HELP)


def test_a_repeated_message_gets_no_second_reply(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for _ in range(3):
        aggregator.message(phone, "STOP", message_id="one")

    assert_receives(tenant, receiver, phone, STOPPED)


def test_keywords_posted_at_once_get_one_reply(tenant, receiver):
    phone = tenant.phone()

    with concurrent.futures.ThreadPoolExecutor(8) as posting:
        list(posting.map(lambda _: tenant.aggregator().message(phone, "STOP"), range(8)))

    assert_receives(tenant, receiver, phone, STOPPED)


def test_start_gets_a_reply_only_if_it_ends_an_opt_out(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("YES", "STOP", "START", "YES"):
        aggregator.message(phone, word)

    assert_receives(tenant, receiver, phone, STOPPED, STARTED)


def test_alternating_stop_and_start_get_three_replies_each_in_an_hour(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for _ in range(5):
        for word in ("STOP", "START"):
            assert aggregator.message(phone, word).status_code == 200
            # The next STOP would end a reply to START that has not been sent yet.
            eventually(lambda: nothing_is_being_sent(tenant, phone), "the replies have been sent")

    assert_receives(tenant, receiver, phone, *[STOPPED, STARTED] * 3)


def test_a_keyword_gets_a_reply_again_after_an_hour(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    aggregator.message(phone, "STOP")
    assert_receives(tenant, receiver, phone, STOPPED)
    tenant.stack.query("update keyword_answer set since = since - interval '61 min' where address = %s returning 1", phone)

    aggregator.message(phone, "STOP")

    assert_receives(tenant, receiver, phone, STOPPED, STOPPED)


def test_the_reply_is_in_the_transcript_with_the_author_system(tenant, receiver):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")
    conversation = tenant.agent().conversation_with(phone)

    assert_receives(tenant, receiver, phone, STOPPED)

    stop, reply = tenant.agent().transcript(conversation["id"])
    assert (stop["sequence"], stop["direction"], stop["text"]) == (1, "in", "STOP")
    assert (reply["sequence"], reply["direction"], reply["text"], reply["author"]) == (2, "out", STOPPED, "system")
    hook = receiver.messages(STOPPED)[-1]
    assert hook.message["conversationId"] == conversation["id"] and hook.message["sequence"] == 2


def test_the_timeline_shows_the_outcome_of_the_reply(tenant, receiver):
    phone = tenant.phone()
    stop = data_of(tenant.aggregator().message(phone, "STOP"))
    assert_receives(tenant, receiver, phone, STOPPED)
    reply = tenant.agent().transcript(stop["conversationId"])[-1]

    timeline = Timeline(tenant, reply["id"])

    assert timeline.one("accepted")["text"].startswith(f"the keyword reply to message {stop['messageId']}")
    assert timeline.one("claimed")["text"] == "it answers a keyword and is valid"


def test_keywords_of_one_phone_posted_at_once_leave_no_gap_in_the_sequence(tenant):
    phone, words = tenant.phone(), ["STOP", "HELP", "hello", "START", "STOP"] * 3

    def post(number):
        until_accepted(lambda: tenant.aggregator().message(phone, words[number], message_id=f"m{number}"))

    with concurrent.futures.ThreadPoolExecutor(8) as posting:
        list(posting.map(post, range(len(words))))

    conversation = tenant.agent().conversation_with(phone)
    sequences = [m["sequence"] for m in tenant.agent().transcript(conversation["id"])]
    assert sequences == list(range(1, conversation["lastSequence"] + 1)) and len(sequences) > 15


def test_a_stop_in_parts_gets_a_reply(tenant, receiver):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for part, text in ((1, "un"), (2, "subscribe")):
        aggregator.message(phone, text, concat_reference="9", concat_total=2, concat_part=part)

    assert_receives(tenant, receiver, phone, STOPPED)


def test_a_campaign_number_opts_out_and_replies_too(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, cxcOnly=True)
    phone = tenant.phone()

    tenant.aggregator().message(phone, "STOP")

    assert_receives(tenant, receiver, phone, STOPPED)
    assert "conversationId" not in receiver.messages(STOPPED)[-1].message


def test_a_number_may_have_its_own_replies(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, stopReply="Acme: no more texts.", helpReply="N/A", startReply="Acme: welcome back.")
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for word in ("HELP", "STOP", "START"):
        aggregator.message(phone, word)

    assert_receives(tenant, receiver, phone, "Acme: no more texts.", "Acme: welcome back.")


def test_a_number_without_a_webhook_accepts_stop_and_sends_no_reply(nexus):
    tenant = Tenant(nexus)
    tenant.webhook = None
    tenant.apply()
    phone = tenant.phone()

    answer = tenant.aggregator().message(phone, "STOP")

    assert answer.status_code == 200
    assert [m["text"] for m in tenant.agent().transcript(data_of(answer)["conversationId"])] == ["STOP"]


def test_a_short_code_gets_no_reply(tenant):
    answer = tenant.aggregator().message("72345", "STOP")

    assert [m["text"] for m in tenant.agent().transcript(data_of(answer)["conversationId"])] == ["STOP"]


def test_each_default_reply_fits_into_one_segment(nexus):
    gsm = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
              "abcdefghijklmnopqrstuvwxyzäöñüà")

    replies = nexus.query("select language, body from keyword_reply")

    assert len(replies) == 21
    for language, body in replies:
        assert len(body) <= 160 and set(body) <= gsm, language
