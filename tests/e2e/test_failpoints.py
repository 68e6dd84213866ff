"""A process dies, or an answer is lost, at the places where it matters most. Each test says what exactly is promised
for that place; what holds at any moment is in test_survival.py."""

import concurrent.futures
import signal
import uuid

import pytest
import requests

from harness.customer import CustomerGateway
from harness.people import Tenant
from harness.wait import eventually


@pytest.fixture
def customer():
    gateway = CustomerGateway()
    yield gateway
    gateway.close()


@pytest.fixture
def tenant(make_stack, customer):
    return Tenant(make_stack(), webhook_url=customer.url)


def arm(stack, process, rule):
    process.stop()
    process.environment["NEXUS_FAILPOINTS"] = rule
    process.restart()
    stack.wait_for("green")


def disarm(process):
    """Starts it again without, as it stands or after it has died of it."""
    process.stop()
    del process.environment["NEXUS_FAILPOINTS"]
    process.restart()


def dies_and_comes_back(process):
    eventually(lambda: not process.alive, f"{process.name} dies at the failpoint", within=20)
    disarm(process)


def leases_run_out(stack):
    """Nobody waits half a minute in a test."""
    stack.query("update delivery set lease_until = now() where lease_until is not null")


def until_accepted(post):
    """Sends it again until it is accepted, as every caller of ours must; gives what the acceptance says, except the
    state, which is the present one."""
    def acceptance():
        try:
            answer = post()
        except requests.ConnectionError:
            return None  # the gateway has gone
        if answer.status_code in (503, 504):
            return None
        if answer.status_code != 200:
            raise RuntimeError(f"it was answered {answer.status_code}: {answer.text}")  # which no repetition mends
        return {name: value for name, value in answer.json()["data"].items() if name != "state"}

    return eventually(acceptance, "it is accepted", 60)


class Text:
    """One MO, posted as often as it takes."""

    def __init__(self, tenant):
        self.tenant, self.name = tenant, uuid.uuid4().hex
        self.fields = {"phone": tenant.phone(), "text": tenant.text(), "message_id": self.name}

    def post(self):
        return self.tenant.aggregator().message(**self.fields)

    def rows(self):
        return self.tenant.stack.query("select id::text, sequence from message where external_id = %s", self.name)


class Answer:
    """One answer of an agent with its clientId, posted as often as it takes."""

    def __init__(self, tenant):
        self.tenant, self.name = tenant, uuid.uuid4().hex
        phone = tenant.phone()
        assert tenant.aggregator().message(phone).status_code == 200
        self.conversation = tenant.agent().conversation_with(phone)["id"]
        self.text = tenant.text("answer")

    def post(self):
        return self.tenant.agent().answer(self.conversation, self.text, client_id=self.name)

    def rows(self):
        return self.tenant.stack.query("select id::text, sequence from message where external_id = %s", self.name)

    def state(self):
        return self.tenant.stack.query("select s.name from message m join message_state s on s.id = m.state "
                                       "where m.external_id = %s", self.name)[0][0]


DEATHS = [(Text, "gateway", "gateway.before_send"), (Text, "gateway", "gateway.after_send"),
          (Text, "sms-worker", "sms.inbound.before_commit"), (Text, "sms-worker", "sms.inbound.after_commit"),
          (Answer, "gateway", "gateway.after_send"),
          (Answer, "chat-worker", "conversation.post.before_commit"),
          (Answer, "chat-worker", "conversation.post.after_commit")]


@pytest.mark.parametrize("kind, program, point", DEATHS)
def test_what_was_under_way_when_a_process_died_is_there_once(tenant, kind, program, point):
    message, process = kind(tenant), tenant.stack[f"{program}-0"]
    arm(tenant.stack, process, f"{point}=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(until_accepted, message.post)
        dies_and_comes_back(process)
        first = accepted.result(30)

    assert until_accepted(message.post) == first
    assert len(message.rows()) == 1


LOSSES = [(Text, "gateway", "gateway.before_send", 503), (Text, "gateway", "gateway.before_answer", 503),
          (Text, "sms-worker", "sms-worker.ack_lost", 504),
          (Answer, "gateway", "gateway.before_answer", 503),
          (Answer, "chat-worker", "chat-worker.ack_lost", 504)]


@pytest.mark.parametrize("kind, program, point, status", LOSSES)
def test_whose_answer_was_lost_is_told_to_try_again_and_is_there_once(tenant, kind, program, point, status):
    message, process = kind(tenant), tenant.stack[f"{program}-0"]
    arm(tenant.stack, process, f"{point}=fail")

    refused = message.post()

    assert refused.status_code == status and int(refused.headers["Retry-After"]) >= 1
    disarm(process)
    assert until_accepted(message.post) == until_accepted(message.post)
    assert len(message.rows()) == 1


@pytest.mark.parametrize("point, webhooks", [
    ("delivery.after_claim", 1),                  # nothing had left
    ("delivery.after_http_before_complete", 2),   # it had left, and nobody knew
    ("delivery.complete.before_commit", 2),
    ("delivery.complete.after_commit", 1),        # it was known
    ("delivery.mid_complete", 1)])
def test_an_answer_goes_out_twice_only_if_its_request_had_left(tenant, customer, point, webhooks):
    answer, worker = Answer(tenant), tenant.stack["sms-worker-0"]
    arm(tenant.stack, worker, f"{point}=kill")

    message = answer.post().json()["data"]["id"]
    dies_and_comes_back(worker)
    leases_run_out(tenant.stack)

    eventually(lambda: answer.state() == "sent", "the answer is sent")
    assert [webhook.message["id"] for webhook in customer.messages(answer.text)] == [message] * webhooks


@pytest.mark.parametrize("named_by", ["their id", "our id"])
def test_a_receipt_of_an_attempt_whose_outcome_died_with_the_worker_is_bound(tenant, customer, named_by):
    answer, worker = Answer(tenant), tenant.stack["sms-worker-0"]
    theirs = uuid.uuid4().hex
    customer.answer(body=f'{{"messageId":"{theirs}"}}')  # the same id to the same message, as often as it comes
    arm(tenant.stack, worker, "delivery.after_http_before_complete=kill")
    message = answer.post().json()["data"]["id"]
    dies_and_comes_back(worker)
    tenant.stack.wait_for("green")

    until_accepted(lambda: tenant.aggregator().receipt(theirs if named_by == "their id" else message, 2))
    leases_run_out(tenant.stack)

    eventually(lambda: answer.state() == "delivered", "the receipt is bound")
    eventually(lambda: tenant.stack.query("select count(*) from receipt where message_id is null") == [(0,)], "none waits for ever")


def test_a_worker_that_dies_while_it_drains_sends_again_what_was_out(tenant, customer):
    answers, worker = [Answer(tenant) for _ in range(3)], tenant.stack["sms-worker-0"]
    arm(tenant.stack, worker, "delivery.during_drain=kill")
    customer.answer(delay=1)
    for answer in answers:
        answer.post()
    for answer in answers:
        customer.wait_for(answer.text)

    customer.answer()
    worker.send(signal.SIGTERM)
    dies_and_comes_back(worker)
    leases_run_out(tenant.stack)

    for answer in answers:
        eventually(lambda: answer.state() == "sent", "the answer is sent")
        assert len(customer.messages(answer.text)) == 2
        assert len({webhook.message["id"] for webhook in customer.messages(answer.text)}) == 1


def test_a_receipt_that_was_stored_when_the_worker_died_counts_once(tenant):
    answer, worker = Answer(tenant), tenant.stack["sms-worker-0"]
    message = answer.post().json()["data"]["id"]
    eventually(lambda: answer.state() == "sent", "the answer is sent")
    arm(tenant.stack, worker, "sms.receipt.after_commit=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(until_accepted, lambda: tenant.aggregator().receipt(message, 2))
        dies_and_comes_back(worker)
        accepted.result(30)

    assert answer.state() == "delivered"
    assert tenant.stack.query("select count(*) from receipt") == [(1,)]
