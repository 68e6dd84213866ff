"""The request has left and no answer came: nobody can know whether the message arrived. What happens then is the
channel's choice. The gateway here is given half a second, and two attempts."""

import pytest

from harness.people import Answer, Tenant
from harness.stack import Stack
from harness.wait import eventually

HANG = 20.0


@pytest.fixture(scope="module")
def impatient(postgres, template):
    stack = Stack(postgres, template, settings={
        "sms-worker": {"NEXUS_WEBHOOK_TIMEOUT": "500ms", "NEXUS_DELIVERY_ATTEMPTS": 2}}).start()
    yield stack
    stack.finish()


@pytest.fixture
def make_tenant(impatient, customer):
    yield lambda **channel: Tenant(impatient, webhook_url=customer.url, **channel)
    assert impatient.broken_promises() == []


def test_by_default_it_is_sent_again_under_the_same_id(make_tenant, customer):
    customer.answer(delay=HANG)
    answer = Answer(make_tenant())
    customer.wait_for(answer.text)

    customer.answer(status=200)

    answer.becomes("sent")
    assert [webhook.message["id"] for webhook in customer.messages(answer.text)] == [answer.id] * 2


def test_where_the_channel_says_hold_it_is_sent_once_and_shown_to_the_operator(make_tenant, customer):
    customer.answer(delay=HANG)

    answer = Answer(make_tenant(uncertain="hold")).becomes("uncertain")

    assert answer.undelivered == ("uncertain", None, 1)
    assert len(customer.messages(answer.text)) == 1


def test_what_was_held_goes_out_when_the_operator_says_so(make_tenant, customer):
    customer.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    answer = Answer(tenant).becomes("uncertain")
    customer.answer(status=200)

    tenant.stack.nexusctl("replay", "--reason", "uncertain", "--tenant", tenant.ccid)

    answer.becomes("sent")
    assert len(customer.messages(answer.text)) == 2


def test_a_receipt_settles_what_was_uncertain(make_tenant, customer):
    customer.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    answer = Answer(tenant).becomes("uncertain")

    assert tenant.aggregator().receipt(answer.id, 2).status_code == 200

    assert answer.state == "delivered" and answer.undelivered is None


def test_a_receipt_spares_the_second_attempt(make_tenant, customer):
    customer.answer(delay=HANG)
    tenant = make_tenant()
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    assert tenant.aggregator().receipt(answer.id, 2).status_code == 200

    eventually(lambda: not tenant.stack.query("select 1 from delivery where message_id = %s", answer.id),
               "nothing waits to be sent")
    assert answer.state == "delivered" and len(customer.messages(answer.text)) == 1


def test_after_the_last_attempt_it_has_failed(make_tenant, customer):
    customer.answer(delay=HANG)

    answer = Answer(make_tenant()).becomes("failed")

    assert answer.undelivered == ("exhausted", None, 2)
    assert len(customer.messages(answer.text)) == 2


def test_a_last_attempt_without_an_answer_is_held_where_the_channel_says_so(make_tenant, customer):
    customer.answer(status=503)
    answer = Answer(make_tenant(uncertain="hold"))
    customer.wait_for(answer.text)

    customer.answer(delay=HANG)

    answer.becomes("uncertain")
    assert answer.undelivered == ("uncertain", 503, 2)  # the last status that there was


def test_a_gateway_that_keeps_failing_exhausts_the_attempts(make_tenant, customer):
    customer.answer(status=503)

    answer = Answer(make_tenant()).becomes("failed")

    assert answer.undelivered == ("exhausted", 503, 2)


def test_younger_messages_of_the_conversation_go_out_once_the_old_one_is_settled(make_tenant, customer):
    customer.answer(delay=HANG)
    tenant = make_tenant(uncertain="hold")
    held = Answer(tenant)
    next_one = Answer(tenant, held.conversation)
    customer.wait_for(held.text)

    customer.answer(status=200)

    held.becomes("uncertain")
    next_one.becomes("sent")


def test_a_conflict_after_an_attempt_in_doubt_is_uncertain_and_never_failed(make_tenant, customer):
    customer.answer(delay=HANG)
    answer = Answer(make_tenant())
    customer.wait_for(answer.text)

    customer.answer(status=409, body='{"error": "something is there already"}')

    answer.becomes("uncertain")
    assert answer.undelivered[:2] == ("uncertain", 409)


def test_a_conflict_that_names_the_message_says_that_it_arrived(make_tenant, customer):
    customer.answer(delay=HANG)
    answer = Answer(make_tenant())
    customer.wait_for(answer.text)

    customer.answer(status=409, body=f'{{"error": "duplicate", "webhook-id": "{answer.id}", "messageId": "3p-1"}}')

    answer.becomes("sent")
    assert answer.undelivered is None


def test_a_conflict_at_the_first_attempt_is_a_refusal(make_tenant, customer):
    customer.answer(status=409)

    answer = Answer(make_tenant()).becomes("failed")

    assert answer.undelivered == ("refused", 409, 1)
