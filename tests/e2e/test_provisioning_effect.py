"""What is provisioned takes effect with the answer that says so, while messages flow."""

import threading

import pytest

from harness.people import Answer, Tenant, conversation_of
from harness.provisioning import Office
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


@pytest.fixture
def office(nexus, tenant, customer):
    """Provisions what the tenant has over HTTP, too."""
    office = Office(nexus, tenant.ccid)
    office.number = tenant.number
    assert office.gateway(customer.url, tenant.webhook_secret).status_code == 200
    office.has_number("chat.sms", provider="Async", endpoint="chat.before")
    return office


class Texting:
    """Phones that text one after the other, each a conversation of its own, until told to stop."""

    def __init__(self, tenant, threads=4):
        self.tenant = tenant
        self.statuses = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._text, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _text(self):
        aggregator = self.tenant.aggregator()
        while not self._stopping.is_set():
            self.statuses.append(aggregator.message().status_code)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def queue_of(tenant):
    """Where a message that is sent now comes to wait."""
    conversation = conversation_of(tenant)
    return tenant.agent().get(f"/chat/v3/conversations/{conversation}").json()["data"]["queue"]


def test_the_message_after_a_change_of_endpoint_follows_it_under_load(tenant, office):
    load = Texting(tenant)
    eventually(lambda: len(load.statuses) >= 20, "messages flow")

    try:
        for turn in range(5):
            office.has_number("chat.sms", provider="Async", endpoint=f"chat.turn{turn}")
            assert queue_of(tenant) == f"chat.turn{turn}"
    finally:
        load.stop()

    assert set(load.statuses) == {200}


def test_an_endpoint_may_name_the_queue(tenant, office):
    office.section("before", {"queue": "sales"}, "NexusEndpoints")
    assert queue_of(tenant) == "sales"

    office.delete(office.section_path("before", "NexusEndpoints"))
    assert queue_of(tenant) == "chat.before"


def test_the_next_delivery_follows_a_change_of_webhook_and_secret(tenant, office, customer, nexus):
    first = Answer(tenant)
    assert customer.wait_for(first.text)[0].signed_with(tenant.webhook_secret)

    assert office.gateway(f"{customer.url}/elsewhere", "another secret of the test").status_code == 200
    second = Answer(tenant)

    webhook = customer.wait_for(second.text)[0]
    assert webhook.path == "/sms/elsewhere"
    assert len(webhook.signed_with("another secret of the test")) == 3


def test_headers_of_the_section_async_stand_in_the_webhook(tenant, office, customer):
    office.section("Async", {"header:custom-header-for-async-1": "12345"})

    answer = Answer(tenant)

    assert customer.wait_for(answer.text)[0].headers["custom-header-for-async-1"] == "12345"


def test_a_number_that_was_removed_sends_nothing_until_it_is_back(tenant, office, customer):
    customer.answer(status=503)
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    assert office.delete(office.section_path("chat.sms")).status_code == 200
    assert tenant.aggregator().message().status_code == 404
    customer.answer(status=200)
    late = tenant.agent().answer(answer.conversation)
    asked = len(customer.messages())
    office.has_number("chat.sms", provider="Async", endpoint="chat.before")

    assert late.status_code == 409
    answer.becomes("sent", within=30)
    assert len(customer.messages()) == asked + 1


def test_a_number_that_had_no_webhook_for_a_while_gets_back_what_waits_without_moving_it(tenant, office, customer, nexus):
    customer.answer(status=503)
    answers = [Answer(tenant)]
    customer.wait_for(answers[0].text)
    answers += [Answer(tenant, answers[0].conversation) for _ in range(3)]
    rows = "select array_agg(destination_id order by id) from delivery where message_id = any (%s::uuid[])"
    before = nexus.query(rows, [answer.id for answer in answers])

    office.has_number("chat.sms", endpoint="chat.before")  # through the aggregator
    customer.answer(status=200)
    assert office.gateway(f"{customer.url}/elsewhere", tenant.webhook_secret).status_code == 200
    assert nexus.query(rows, [answer.id for answer in answers]) == before
    office.has_number("chat.sms", provider="Async", endpoint="chat.before")

    for answer in answers:
        answer.becomes("sent", within=30)
    assert [webhook.message["text"] for webhook in customer.messages() if webhook.path == "/sms/elsewhere"] == [a.text for a in answers]
    assert nexus.query("select count(*) from destination d join tenant t on t.id = d.tenant_id where t.ccid = %s", tenant.ccid) == [(1,)]


def test_a_secret_sealed_under_the_old_key_still_opens_while_a_new_key_seals(nexus, tenant, office, customer):
    file = nexus.folder / "key_encryption_key"
    old = file.read_text()
    file.write_text("11" * 32 + "\n" + old)
    try:
        first = Answer(tenant)
        assert len(customer.wait_for(first.text)[0].signed_with(tenant.webhook_secret)) == 3

        assert office.gateway(customer.url, "sealed under the new key").status_code == 200
        second = Answer(tenant)
        assert len(customer.wait_for(second.text)[0].signed_with("sealed under the new key")) == 3
    finally:
        assert office.gateway(customer.url, tenant.webhook_secret).status_code == 200
