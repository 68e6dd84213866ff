"""A process dies, or an answer is lost, at the critical places. Each test states what is promised for its place;
test_survival.py has the promises for any moment."""

import concurrent.futures
import signal
import uuid

import pytest

from harness.answers import data_of
from harness.nexus.failpoints import arm, disarm
from harness.people import Tenant, until_accepted
from harness.reading import messages
from harness.wait import eventually


@pytest.fixture
def tenant(make_stack, receiver):
    return Tenant(make_stack(), webhook_url=receiver.url)


def wait_for_crash_and_restart(process):
    eventually(lambda: not process.alive, f"{process.name} dies at the failpoint", within=20)
    disarm(process)


def end_leases(stack):
    """Ends all leases, so that the test need not wait half a minute."""
    stack.query("update delivery set lease_until = now() where lease_until is not null")


def acceptance(post):
    """Repeats a request until it is accepted; the data of the answer, without the state, which changes."""
    return {name: value for name, value in data_of(until_accepted(post, within=60)).items() if name != "state"}


class Text:
    """One text, which can be posted repeatedly."""

    def __init__(self, tenant):
        self.tenant, self.name = tenant, uuid.uuid4().hex
        self.fields = {"phone": tenant.phone(), "text": tenant.text(), "message_id": self.name}

    def post(self):
        return self.tenant.aggregator().message(**self.fields)

    def rows(self):
        return messages.matches(self.tenant, self.name)


class OutboundMessage:
    """One outbound message with its clientId, which can be posted repeatedly."""

    def __init__(self, tenant):
        self.tenant, self.name = tenant, uuid.uuid4().hex
        phone = tenant.phone()
        assert tenant.aggregator().message(phone).status_code == 200
        self.conversation = tenant.agent().conversation_with(phone)["id"]
        self.text = tenant.text("outbound")

    def post(self):
        return self.tenant.agent().send(self.conversation, self.text, client_id=self.name)

    def rows(self):
        return messages.matches(self.tenant, self.name)

    def state(self):
        return messages.message(self.tenant, self.name)["state"]


CRASHES = [(Text, "gateway", "gateway.before_send"), (Text, "gateway", "gateway.after_send"),
          (Text, "sms-worker", "sms.inbound.before_commit"), (Text, "sms-worker", "sms.inbound.after_commit"),
          (OutboundMessage, "gateway", "gateway.after_send"),
          (OutboundMessage, "chat-worker", "conversation.post.before_commit"),
          (OutboundMessage, "chat-worker", "conversation.post.after_commit")]


@pytest.mark.parametrize("kind, program, point", CRASHES)
def test_a_request_in_progress_when_a_process_dies_is_done_once(tenant, kind, program, point):
    message, process = kind(tenant), tenant.stack[f"{program}-0"]
    arm(tenant.stack, process, f"{point}=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(acceptance, message.post)
        wait_for_crash_and_restart(process)
        first = accepted.result()

    assert acceptance(message.post) == first
    assert len(message.rows()) == 1


LOSSES = [(Text, "gateway", "gateway.before_send", 503), (Text, "gateway", "gateway.before_answer", 503),
          (Text, "sms-worker", "sms-worker.ack_lost", 504),
          (OutboundMessage, "gateway", "gateway.before_answer", 503),
          (OutboundMessage, "chat-worker", "chat-worker.ack_lost", 504)]


@pytest.mark.parametrize("kind, program, point, status", LOSSES)
def test_a_client_whose_answer_was_lost_must_try_again_and_its_request_is_done_once(tenant, kind, program, point, status):
    message, process = kind(tenant), tenant.stack[f"{program}-0"]
    arm(tenant.stack, process, f"{point}=fail")

    refused = message.post()

    assert refused.status_code == status and int(refused.headers["Retry-After"]) >= 1
    disarm(process)
    assert acceptance(message.post) == acceptance(message.post)
    assert len(message.rows()) == 1


@pytest.mark.parametrize("point, webhooks", [
    ("delivery.after_claim", 1),                  # the request was not sent
    ("delivery.after_http_before_complete", 2),   # the request was sent, and this was not stored
    ("delivery.complete.before_commit", 2),
    ("delivery.complete.after_commit", 1),        # this was stored
    ("delivery.mid_complete", 1)])
def test_an_outbound_message_is_sent_twice_only_if_its_webhook_was_sent_and_this_was_not_stored(tenant, receiver, point, webhooks):
    answer, worker = OutboundMessage(tenant), tenant.stack["sms-worker-0"]
    arm(tenant.stack, worker, f"{point}=kill")

    message = data_of(answer.post())["id"]
    wait_for_crash_and_restart(worker)
    end_leases(tenant.stack)

    eventually(lambda: answer.state() == "sent", "the message is sent")
    assert [webhook.message["id"] for webhook in receiver.messages(answer.text)] == [message] * webhooks


@pytest.mark.parametrize("named_by", ["their id", "our id"])
def test_a_receipt_is_bound_although_the_worker_died_before_it_stored_the_outcome(tenant, receiver, named_by):
    answer, worker = OutboundMessage(tenant), tenant.stack["sms-worker-0"]
    theirs = uuid.uuid4().hex
    receiver.answer(body=f'{{"messageId":"{theirs}"}}')  # a repeated message gets the same id
    arm(tenant.stack, worker, "delivery.after_http_before_complete=kill")
    message = data_of(answer.post())["id"]
    wait_for_crash_and_restart(worker)
    tenant.stack.wait_for("green")

    acceptance(lambda: tenant.aggregator().receipt(theirs if named_by == "their id" else message, 2))
    end_leases(tenant.stack)

    eventually(lambda: answer.state() == "delivered", "the receipt is bound")
    eventually(lambda: messages.unmatched_receipts(tenant) == [], "no receipt is left unbound")


def test_a_worker_that_dies_while_it_drains_sends_unanswered_messages_again(tenant, receiver):
    outbound, worker = [OutboundMessage(tenant) for _ in range(3)], tenant.stack["sms-worker-0"]
    worker.environment["NEXUS_WEBHOOK_TIMEOUT"] = "30s"  # on a slow machine too all are unanswered when the worker dies
    arm(tenant.stack, worker, "delivery.during_drain=kill")
    receiver.answer(delay=60)
    for message in outbound:
        message.post()
    for message in outbound:
        receiver.wait_for(message.text)

    receiver.answer()
    worker.send(signal.SIGTERM)
    wait_for_crash_and_restart(worker)
    end_leases(tenant.stack)

    for message in outbound:
        eventually(lambda: message.state() == "sent", "the message is sent")
        assert len(receiver.messages(message.text)) == 2
        assert len({webhook.message["id"] for webhook in receiver.messages(message.text)}) == 1


def test_a_receipt_counts_once_if_the_worker_dies_after_storing_it(tenant):
    answer, worker = OutboundMessage(tenant), tenant.stack["sms-worker-0"]
    message = data_of(answer.post())["id"]
    eventually(lambda: answer.state() == "sent", "the message is sent")
    arm(tenant.stack, worker, "sms.receipt.after_commit=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(acceptance, lambda: tenant.aggregator().receipt(message, 2))
        wait_for_crash_and_restart(worker)
        accepted.result()

    assert answer.state() == "delivered"
    assert len(messages.receipts(tenant, message)) == 1 and messages.unmatched_receipts(tenant) == []
