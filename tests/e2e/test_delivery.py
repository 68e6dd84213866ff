"""The delivery engine when the other side, or a worker, does not do its part."""

import time

import pytest

from harness.customer import CustomerGateway
from harness.people import Tenant
from harness.wait import eventually

QUICK = {"sms-worker": {"NEXUS_WEBHOOK_TIMEOUT": "500ms"}}


@pytest.fixture
def customer():
    gateway = CustomerGateway()
    yield gateway
    gateway.close()


class Talk:
    """A conversation of a tenant's own, and the answers an agent gives in it."""

    def __init__(self, tenant):
        self.tenant = tenant
        phone = tenant.phone()
        assert tenant.aggregator().message(phone).status_code == 200
        self.id = tenant.agent().conversation_with(phone)["id"]

    def answer(self):
        """(id, text) of a new answer."""
        text = self.tenant.text("answer")
        posted = self.tenant.agent().answer(self.id, text)
        assert posted.status_code == 200, posted.text
        return posted.json()["data"]["id"], text

    def state(self, message):
        return next(m["state"] for m in self.tenant.agent().transcript(self.id) if m["id"] == message)

    def becomes(self, message, state, within=15.0):
        eventually(lambda: self.state(message) == state, f"the message is {state}", within)

    def undelivered(self, message):
        rows = self.tenant.stack.query("select reason, attempts from undelivered where message_id = %s", message)
        return rows[0] if rows else None


# --- answers that decide ---


def test_a_destination_that_says_gone_is_left_alone_until_somebody_enables_it(nexus, customer):
    talk = Talk(Tenant(nexus, webhook_url=customer.url))
    customer.answer(status=410)

    first, _ = talk.answer()
    talk.becomes(first, "failed")
    customer.answer(status=200)
    second, text = talk.answer()

    assert talk.undelivered(first) == ("gone", 1)
    assert talk.state(second) == "accepted"
    assert customer.messages(text) == []
    nexus.query("update destination set enabled = true where url = %s returning 1", customer.url)
    talk.becomes(second, "sent")


def test_a_forbidden_address_is_never_called(nexus):
    talk = Talk(Tenant(nexus, webhook_url="http://10.255.255.1/sms"))

    message, _ = talk.answer()

    talk.becomes(message, "failed")
    assert talk.undelivered(message) == ("forbidden_address", 1)


def test_redirects_are_not_followed(nexus, customer):
    talk = Talk(Tenant(nexus, webhook_url=customer.url))
    customer.answer(status=307, headers={"Location": customer.url})

    message, text = talk.answer()

    talk.becomes(message, "failed")
    assert len(customer.messages(text)) == 1


def test_a_message_expires_where_nobody_takes_it(nexus, customer):
    talk = Talk(Tenant(nexus, webhook_url=customer.url, validity="2s"))
    customer.answer(status=503)

    message, _ = talk.answer()

    talk.becomes(message, "expired", within=20)
    assert talk.undelivered(message)[0] == "expired"


def test_a_conversation_that_was_held_up_goes_on_without_pauses(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url)
    held_up, busy = Talk(tenant), Talk(tenant)
    customer.answer(delay=3)
    texts = [held_up.answer()[1] for _ in range(5)]
    customer.wait_for(texts[0])
    customer.answer()

    while not customer.messages(texts[1]):  # claims go on past what waits
        customer.wait_for(busy.answer()[1])

    customer.wait_for(texts[-1], within=4)  # before the next sweeps would find one after the other


# --- no answer ---


def test_what_may_have_arrived_is_sent_again_under_the_same_id(make_stack, customer):
    talk = Talk(Tenant(make_stack(settings=QUICK), webhook_url=customer.url, uncertain="resend"))
    customer.answer(delay=2)
    message, text = talk.answer()
    customer.wait_for(text)

    customer.answer()

    talk.becomes(message, "sent")
    assert {webhook.message["id"] for webhook in customer.messages(text)} == {message}


def test_what_may_have_arrived_is_held_until_a_receipt_says_that_it_has(make_stack, customer):
    talk = Talk(Tenant(make_stack(settings=QUICK), webhook_url=customer.url, uncertain="hold"))
    customer.answer(delay=2)

    message, text = talk.answer()
    talk.becomes(message, "uncertain")
    assert talk.undelivered(message) == ("uncertain", 1)
    talk.tenant.aggregator().receipt(message, 2)

    talk.becomes(message, "delivered")
    assert talk.undelivered(message) is None
    assert len(customer.messages(text)) == 1


# --- one destination and the others ---


def test_a_dead_destination_is_left_alone_and_holds_up_nobody(nexus, customer):
    dead = Tenant(nexus, webhook_url="http://127.0.0.1:1/")
    talks = [Talk(dead) for _ in range(6)]
    for talk in talks:
        talk.answer()
    destination = nexus.query("select c.destination_id from channel c where c.address = %s", dead.number)[0][0]

    def opened():
        return nexus.query("select failures from destination where id = %s", destination)[0][0] == 1

    eventually(opened, "the breaker is open")
    living = Talk(Tenant(nexus, webhook_url=customer.url))
    asked = time.monotonic()
    message, _ = living.answer()
    living.becomes(message, "sent")
    assert time.monotonic() - asked < 2
    assert nexus.query("select count(*) from delivery where destination_id = %s and lease_until is not null",
                       destination) == [(0,)]


# --- workers that go ---


def test_a_worker_that_stops_finishes_what_it_has_begun(make_stack, customer):
    stack = make_stack(sms_workers=2)
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(delay=0.05)
    talks = [Talk(tenant) for _ in range(10)]
    sent = [talk.answer() for _ in range(10) for talk in talks]

    assert stack["sms-worker-0"].stop() == 0

    for talk, (message, _) in zip(talks * 10, sent):
        talk.becomes(message, "sent", within=30)
    assert all(len(customer.messages(text)) == 1 for _, text in sent)


@pytest.mark.parametrize("point", ["delivery.after_claim", "delivery.after_http_before_complete",
                                   "delivery.complete.before_commit", "delivery.mid_complete"])
def test_a_worker_that_dies_loses_nothing_and_keeps_the_order(make_stack, customer, point):
    stack = make_stack(settings={"sms-worker": {"NEXUS_FAILPOINTS": f"{point}=kill:0.2", "NEXUS_FAILPOINT_SEED": 11}})
    worker = stack["sms-worker-0"]
    tenant = Tenant(stack, webhook_url=customer.url)
    talk = Talk(tenant)
    sent = [talk.answer() for _ in range(20)]
    eventually(lambda: not worker.alive, "the failpoint is hit", within=20)

    worker.environment.pop("NEXUS_FAILPOINTS")
    worker.restart()
    # Nobody waits half a minute for a lease in a test: it runs out now.
    stack.query("update delivery set lease_until = now() - interval '1 s' where lease_until is not null returning 1")

    for message, _ in sent:
        talk.becomes(message, "sent", within=30)
    order = []
    for webhook in customer.messages():
        if webhook.message["id"] not in order:
            order.append(webhook.message["id"])
    assert order == [message for message, _ in sent]
    assert len(customer.messages()) <= len(sent) + 1
