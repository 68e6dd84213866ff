"""A webhook was sent and no answer came, so it is unknown whether the message arrived. What happens then is a setting of the
channel. In these tests a receiver has six seconds for an answer, which is enough on a slow machine, and a message has two attempts."""

import pytest

from harness.nexus.stack import Stack
from harness.people import OutboundMessage, Tenant
from harness.reading import tables
from harness.wait import eventually

HANG = 20.0


@pytest.fixture(scope="module")
def impatient(postgres, template):
    stack = Stack(postgres, template, settings={
        "sms-worker": {"NEXUS_WEBHOOK_TIMEOUT": "6s", "NEXUS_DELIVERY_ATTEMPTS": 2}}).start()
    yield stack
    stack.finish()


@pytest.fixture
def make_tenant(impatient, receiver):
    yield lambda **channel: Tenant(impatient, webhook_url=receiver.url, **channel)
    assert impatient.violations() == []


def test_an_uncertain_message_is_sent_again_under_the_same_id_by_default(make_tenant, receiver):
    receiver.answer(delay=HANG)
    message = OutboundMessage(make_tenant())
    receiver.wait_for(message.text)

    receiver.answer(status=200)

    message.becomes("sent")
    assert [webhook.message["id"] for webhook in receiver.messages(message.text)] == [message.id] * 2


def test_an_uncertain_message_of_a_channel_with_hold_is_sent_once_and_listed_as_undelivered(make_tenant, receiver):
    receiver.answer(delay=HANG)

    message = OutboundMessage(make_tenant(uncertain="hold")).becomes("uncertain")

    assert message.undelivered == ("uncertain", None, 1)
    assert len(receiver.messages(message.text)) == 1


def test_a_replay_sends_an_uncertain_message_that_was_held(make_tenant, receiver):
    receiver.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    message = OutboundMessage(tenant).becomes("uncertain")
    receiver.answer(status=200)

    tenant.stack.nexusctl("replay", "--reason", "uncertain", "--tenant", tenant.ccid)

    message.becomes("sent")
    assert len(receiver.messages(message.text)) == 2


def test_a_receipt_ends_the_uncertainty_of_a_message(make_tenant, receiver):
    receiver.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    message = OutboundMessage(tenant).becomes("uncertain")

    assert tenant.aggregator().receipt(message.id, 2).status_code == 200

    assert message.state == "delivered" and message.undelivered is None


def test_a_receipt_prevents_the_second_attempt(make_tenant, receiver):
    receiver.answer(delay=HANG)
    tenant = make_tenant()
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)

    assert tenant.aggregator().receipt(message.id, 2).status_code == 200

    eventually(lambda: tables.to_be_sent(tenant) == 0, "nothing waits to be sent")
    assert message.state == "delivered" and len(receiver.messages(message.text)) == 1


def test_a_message_without_an_answer_fails_after_the_last_attempt(make_tenant, receiver):
    receiver.answer(delay=HANG)

    message = OutboundMessage(make_tenant()).becomes("failed")

    assert message.undelivered == ("exhausted", None, 2)
    assert len(receiver.messages(message.text)) == 2


def test_a_last_attempt_without_an_answer_makes_the_message_uncertain_on_a_channel_with_hold(make_tenant, receiver):
    receiver.answer(status=503, headers={"Retry-After": "6"})  # time to tell the receiver that it hangs
    message = OutboundMessage(make_tenant(uncertain="hold"))
    receiver.wait_for(message.text)

    receiver.answer(delay=HANG)

    message.becomes("uncertain")
    assert message.undelivered == ("uncertain", 503, 2)  # the last status that was received


def test_a_receiver_that_keeps_failing_exhausts_the_attempts(make_tenant, receiver):
    receiver.answer(status=503)

    message = OutboundMessage(make_tenant()).becomes("failed")

    assert message.undelivered == ("exhausted", 503, 2)


def test_later_messages_of_the_conversation_are_sent_once_the_uncertain_one_has_ended(make_tenant, receiver):
    receiver.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    held = OutboundMessage(tenant)
    next_one = OutboundMessage(tenant, held.conversation)
    receiver.wait_for(held.text)

    receiver.answer(status=200)

    held.becomes("uncertain")
    next_one.becomes("sent")


def test_a_conflict_after_an_attempt_without_an_answer_makes_the_message_uncertain(make_tenant, receiver):
    receiver.answer(delay=HANG)
    message = OutboundMessage(make_tenant())
    receiver.wait_for(message.text)

    receiver.answer(status=409, body='{"error": "something is there already"}')

    message.becomes("uncertain")
    assert message.undelivered[:2] == ("uncertain", 409)


def test_a_conflict_that_names_the_message_counts_as_sent(make_tenant, receiver):
    receiver.answer(delay=HANG)
    message = OutboundMessage(make_tenant())
    receiver.wait_for(message.text)

    receiver.answer(status=409, body=f'{{"error": "duplicate", "webhook-id": "{message.id}", "messageId": "3p-1"}}')

    message.becomes("sent")
    assert message.undelivered is None


def test_a_conflict_at_the_first_attempt_is_a_refusal(make_tenant, receiver):
    receiver.answer(status=409)

    message = OutboundMessage(make_tenant()).becomes("failed")

    assert message.undelivered == ("refused", 409, 1)
