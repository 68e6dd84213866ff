"""A message that waits to be sent can be cancelled; then it is not sent, and the next messages are."""

import json
import threading
import uuid

import pytest

from harness.answers import data_of
from harness.outside.sink import Sink, plain
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.reading import messages
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, receiver):
    """A tenant whose receiver asks for a pause of ten minutes, so that outbound messages wait."""
    receiver.answer(status=503, headers={"Retry-After": "600"})
    return Tenant(nexus, webhook_url=receiver.url)


def waiting_message(tenant, conversation=None):
    message = OutboundMessage(tenant, conversation)
    eventually(lambda: messages.attempts(tenant, message.id), "its first attempt has failed")
    return message


def cancel(tenant, message, caller=None):
    return (caller or tenant.known_administrator()).delete(f"/nexus/v3/messages/{message}")


def steps_of(message):
    timeline = message.tenant.known_administrator().get(f"/nexus/v3/messages/{message.id}/timeline")
    return [step["step"] for step in data_of(timeline)["steps"]]


def test_a_cancelled_message_is_not_sent_and_the_next_one_is(tenant, receiver):
    first = waiting_message(tenant)
    second = OutboundMessage(tenant, first.conversation)
    receiver.answer(status=200)

    done = cancel(tenant, first.id)

    assert (done.status_code, data_of(done)["state"]) == (200, "cancelled")
    second.becomes("sent")
    assert first.state == "cancelled" and len(receiver.messages(first.text)) == 1
    assert steps_of(first)[-1] == "cancelled"


def test_a_cancellation_is_an_event_and_is_in_the_ledger(tenant):
    first = waiting_message(tenant)
    events = tenant.agent().events()

    assert cancel(tenant, first.id).status_code == 200

    assert any(first.id in json.dumps(data) and "cancelled" in json.dumps(data) for _, _, data in events)
    events.close()
    rows = data_of(tenant.known_administrator().get("/nexus/v3/ledger"))["rows"]
    assert [row["states"]["cancelled"] for row in rows if row["direction"] == "out"] == [1]


def test_cancelling_again_changes_nothing_and_answers_the_same(tenant):
    first = waiting_message(tenant)

    answers = [cancel(tenant, first.id) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert data_of(answers[0]) == data_of(answers[1])
    changes = data_of(tenant.known_administrator().get("/nexus/v3/audit"))["changes"]
    assert [change["object"] for change in changes if change["action"] == "message.cancel"] == [first.id]


@pytest.fixture
def held_sink():
    """A Sink, and the event on which it answers."""
    may_answer = threading.Event()
    sink = Sink(lambda connection: may_answer.wait(60) and plain(200)(connection))
    yield sink, may_answer
    may_answer.set()
    sink.close()


def test_a_message_being_sent_is_not_cancelled(nexus, held_sink):
    sink, may_answer = held_sink
    tenant = Tenant(nexus, webhook_url=sink.url)
    administrator = tenant.known_administrator()
    message = OutboundMessage(tenant)
    eventually(lambda: sink.requests, "the webhook has arrived")

    refused = cancel(tenant, message.id, administrator)
    may_answer.set()

    assert refused.status_code == 409 and "being sent" in refused.text
    message.becomes("sent")
    assert "sent already" in cancel(tenant, message.id, administrator).text


def test_a_cancelled_message_that_may_have_arrived_is_uncertain(tenant):
    message = waiting_message(tenant)
    tenant.stack.query("""insert into attempt (tenant_id, message_id, attempt, outcome)
                          select tenant_id, id, 1, 'uncertain' from message where id = %s""", message.id)

    assert data_of(cancel(tenant, message.id))["state"] == "uncertain"
    assert message.undelivered[0] == "uncertain"


def test_only_outbound_messages_of_the_own_contact_center_can_be_cancelled(tenant, nexus):
    message = waiting_message(tenant)
    inbound = tenant.agent().transcript(conversation_of(tenant))[0]["id"]

    assert cancel(Tenant(nexus), message.id).status_code == 404
    assert cancel(tenant, uuid.uuid4()).status_code == 404
    assert cancel(tenant, inbound).status_code == 409
    assert message.state == "accepted"


def test_nexusctl_cancels_by_id_or_destination_and_has_a_dry_run(tenant):
    def command(*words, code=0):
        done = tenant.stack.nexusctl("cancel", *words, "--json", check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    outbound = [waiting_message(tenant) for _ in range(3)]
    destination = data_of(tenant.known_administrator().get("/nexus/v3/destinations"))["destinations"][0]["id"]

    assert command("--destination", destination, "--dry-run", code=3) == {"cancelled": 3, "inHand": 0}
    assert {message.state for message in outbound} == {"accepted"}
    assert command("--id", outbound[0].id) == {"cancelled": 1, "inHand": 0}
    assert command("--destination", destination, "--tenant", tenant.ccid) == {"cancelled": 2, "inHand": 0}
    assert {message.state for message in outbound} == {"cancelled"}
    assert tenant.stack.nexusctl("cancel", check=False).returncode == 2
    assert tenant.stack.nexusctl("cancel", "--id", str(uuid.uuid4()), check=False).returncode == 1


def test_a_message_that_keeps_failing_delays_the_next_ones_to_its_consumer_for_a_limited_time(make_stack, receiver):
    stack = make_stack(settings={"sms-worker": {"NEXUS_DELIVERY_ORDER_WAIT": "1s"}})
    receiver.answer(status=503, headers={"Retry-After": "600"})
    tenant = Tenant(stack, webhook_url=receiver.url)
    first = waiting_message(tenant)
    second = OutboundMessage(tenant, first.conversation)
    receiver.answer(status=200)

    OutboundMessage(tenant).becomes("sent")  # the destination accepts other messages

    second.becomes("sent", within=30)
    assert first.state == "accepted"


def test_a_message_behind_a_failing_one_waits_and_its_timeline_says_why(tenant, receiver):
    first = waiting_message(tenant)
    second = OutboundMessage(tenant, first.conversation)
    receiver.answer(status=200)
    OutboundMessage(tenant).becomes("sent")

    timeline = data_of(tenant.known_administrator().get(f"/nexus/v3/messages/{second.id}/timeline"))["steps"]

    assert timeline[-1]["decision"] == "order: behind an older one"
    assert first.id in timeline[-1]["text"] and "NEXUS_DELIVERY_ORDER_WAIT" in timeline[-1]["text"]
    assert second.state == "accepted"
