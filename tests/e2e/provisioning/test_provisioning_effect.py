"""A change of provisioning has taken effect when its request is answered, also under load."""

import threading

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.provisioning import Provisioner
from harness.reading.provisioned import destinations
from harness.reading.tables import leased
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


@pytest.fixture
def provisioner(nexus, tenant, receiver):
    """Provisions over HTTP what the tenant already has."""
    provisioner = Provisioner(nexus, tenant.ccid)
    provisioner.number = tenant.number
    assert provisioner.gateway(receiver.url, tenant.webhook_secret).status_code == 200
    provisioner.has_number("chat.sms", provider="Async", endpoint="chat.before")
    return provisioner


class Texting:
    """Phones that send texts one after the other, each in a new conversation, until stop()."""

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
    """The queue of a new conversation."""
    conversation = conversation_of(tenant)
    return data_of(tenant.agent().get(f"/chat/v3/conversations/{conversation}"))["queue"]


def test_the_next_message_after_a_change_of_endpoint_uses_it_under_load(tenant, provisioner):
    load = Texting(tenant)
    eventually(lambda: len(load.statuses) >= 20, "texts are being accepted")

    try:
        for turn in range(5):
            provisioner.has_number("chat.sms", provider="Async", endpoint=f"chat.turn{turn}")
            assert queue_of(tenant) == f"chat.turn{turn}"
    finally:
        load.stop()

    assert set(load.statuses) == {200}


def test_an_endpoint_may_name_its_queue(tenant, provisioner):
    provisioner.section("before", {"queue": "sales"}, "NexusEndpoints")
    assert queue_of(tenant) == "sales"

    provisioner.delete(provisioner.section_path("before", "NexusEndpoints"))
    assert queue_of(tenant) == "chat.before"


def test_the_next_delivery_uses_the_changed_webhook_and_secret(tenant, provisioner, receiver, nexus):
    first = OutboundMessage(tenant)
    assert receiver.wait_for(first.text)[0].signed_with(tenant.webhook_secret)

    assert provisioner.gateway(f"{receiver.url}/elsewhere", "another secret of the test").status_code == 200
    second = OutboundMessage(tenant)

    webhook = receiver.wait_for(second.text)[0]
    assert webhook.path == "/sms/elsewhere"
    assert len(webhook.signed_with("another secret of the test")) == 3


def test_headers_of_the_section_async_are_in_the_webhook(tenant, provisioner, receiver):
    provisioner.section("Async", {"header:custom-header-for-async-1": "12345"})

    message = OutboundMessage(tenant)

    assert receiver.wait_for(message.text)[0].headers["custom-header-for-async-1"] == "12345"


def test_a_removed_number_sends_nothing_until_it_is_provisioned_again(tenant, provisioner, receiver):
    receiver.answer(status=503)
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)

    assert provisioner.delete(provisioner.section_path("chat.sms")).status_code == 200
    assert tenant.aggregator().message().status_code == 404
    eventually(lambda: leased(tenant) == 0, "no attempt that began before is still under way")
    receiver.answer(status=200)
    late = tenant.agent().send(message.conversation)
    webhooks = len(receiver.messages())
    provisioner.has_number("chat.sms", provider="Async", endpoint="chat.before")

    assert late.status_code == 409
    message.becomes("sent", within=30)
    assert len(receiver.messages()) == webhooks + 1


def test_deliveries_of_a_number_that_had_no_webhook_for_a_while_stay_at_their_destination(tenant, provisioner, receiver, nexus):
    receiver.answer(status=503)
    outbound = [OutboundMessage(tenant)]
    receiver.wait_for(outbound[0].text)
    outbound += [OutboundMessage(tenant, outbound[0].conversation) for _ in range(3)]
    rows = "select array_agg(destination_id order by id) from delivery where message_id = any (%s::uuid[])"
    before = nexus.query(rows, [message.id for message in outbound])

    provisioner.has_number("chat.sms", endpoint="chat.before")  # without a webhook
    eventually(lambda: leased(tenant) == 0, "no attempt that began before is still under way")
    receiver.answer(status=200)
    assert provisioner.gateway(f"{receiver.url}/elsewhere", tenant.webhook_secret).status_code == 200
    assert nexus.query(rows, [message.id for message in outbound]) == before
    provisioner.has_number("chat.sms", provider="Async", endpoint="chat.before")

    for message in outbound:
        message.becomes("sent", within=30)
    texts = [webhook.message["text"] for webhook in receiver.messages() if webhook.path == "/sms/elsewhere"]
    assert texts == [message.text for message in outbound]
    assert len(destinations(nexus, tenant.ccid)) == 1


def test_secrets_sealed_under_the_old_key_are_usable_while_a_new_key_seals(nexus, tenant, provisioner, receiver):
    file = nexus.folder / "key_encryption_key"
    old = file.read_text()
    file.write_text("11" * 32 + "\n" + old)
    try:
        first = OutboundMessage(tenant)
        assert len(receiver.wait_for(first.text)[0].signed_with(tenant.webhook_secret)) == 3

        assert provisioner.gateway(receiver.url, "sealed under the new key").status_code == 200
        second = OutboundMessage(tenant)
        assert len(receiver.wait_for(second.text)[0].signed_with("sealed under the new key")) == 3
    finally:
        assert provisioner.gateway(receiver.url, tenant.webhook_secret).status_code == 200
