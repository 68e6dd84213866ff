"""The aggregator's receipts, and the state that they give a message after it was sent."""

import itertools
import json
import uuid

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, new_number
from harness.reading import messages
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


class MessageWithProviderId:
    """An outbound message to a phone, with the id that the receiver gives it."""

    def __init__(self, tenant, receiver):
        self.tenant = tenant
        self.provider_id = f"theirs-{uuid.uuid4().hex}"
        receiver.answer(body=json.dumps({"messageId": self.provider_id}))
        phone = tenant.phone()
        tenant.aggregator().message(phone)
        self.conversation = tenant.agent().conversation_with(phone)["id"]
        self.id = data_of(tenant.agent().send(self.conversation))["id"]

    @property
    def state(self):
        return next(m["state"] for m in self.tenant.agent().transcript(self.conversation) if m["id"] == self.id)

    def becomes(self, state):
        eventually(lambda: self.state == state, f"the message is {state}")

    def sent(self):
        self.becomes("sent")
        return self


@pytest.fixture
def message(tenant, receiver):
    return MessageWithProviderId(tenant, receiver).sent()


@pytest.mark.parametrize("receipt, state", [
    (0, "sent"), (1, "sent"), (2, "delivered"), (3, "expired"), (4, "failed"), (5, "failed"), (6, "sent"), (7, "sent"), (8, "failed")])
def test_each_receipt_state_sets_the_state_of_its_message(tenant, message, receipt, state):
    assert tenant.aggregator().receipt(message.provider_id, receipt).status_code == 200

    assert message.state == state


@pytest.mark.parametrize("word, state", [("DELIVRD", "delivered"), ("Delivrd", "delivered"), ("EXPIRED", "expired"), ("UNDELIV", "failed"),
                                         ("REJECTD", "failed"), ("DELETED", "failed"), ("ACCEPTD", "sent"), ("ENROUTE", "sent"),
                                         ("UNKNOWN", "sent"), ("read", "read"), ("EN-ROUTE", "sent"), ("Delivery failed", "failed")])
def test_a_receipts_state_may_be_a_word_in_any_case(tenant, message, word, state):
    assert tenant.aggregator().receipt(message.provider_id, word).status_code == 200

    assert message.state == state


def test_a_delivered_message_may_become_read_and_not_delivered_again(tenant, message):
    for receipt, state in ((2, "delivered"), ("READ", "read"), ("DELIVRD", "read"), (5, "read")):
        assert tenant.aggregator().receipt(message.provider_id, receipt).status_code == 200
        assert message.state == state


@pytest.mark.parametrize("code", ["000", "0x00000045", "EC-17 (no route)", "-1", "30003", "nul"])
def test_a_receipts_code_is_stored_unchanged(tenant, message, code):
    name = uuid.uuid4().hex
    assert tenant.aggregator().receipt(name, 5, result_code=code).status_code == 200

    assert [(one["messageId"], one["resultCode"]) for one in messages.unmatched_receipts(tenant)] == [(name, code)]


@pytest.mark.parametrize("spelled", ["{}", "{{{}}}", "urn:uuid:{}", "URN:UUID:{}", " {} "])
@pytest.mark.parametrize("form", [str, str.upper, lambda name: name.replace("-", "")], ids=["unchanged", "in capitals", "without hyphens"])
def test_a_receipt_may_name_our_message_id_in_any_spelling(tenant, message, form, spelled):
    posted = tenant.aggregator().receipt(spelled.format(form(message.id)), 2)

    assert posted.status_code == 200 and data_of(posted)["bound"]

    assert message.state == "delivered"


@pytest.mark.parametrize("final, late", itertools.product([2, 3, 5], [1, 6, 7, 5, 2]))
def test_a_later_state_never_undoes_a_final_one(tenant, message, final, late):
    tenant.aggregator().receipt(message.provider_id, final)
    before = message.state

    assert tenant.aggregator().receipt(message.provider_id, late).status_code == 200

    assert message.state == before


def test_a_receipt_that_comes_twice_is_stored_once(tenant, message):
    for _ in range(2):
        assert tenant.aggregator().receipt(message.provider_id, 2).status_code == 200

    assert len(messages.receipts(tenant, message.id)) == 1 and messages.unmatched_receipts(tenant) == []


def test_a_receipt_that_arrives_before_its_messages_id_is_known_waits_and_is_bound(tenant, receiver):
    receiver.answer(delay=1.0)
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    conversation = tenant.agent().conversation_with(phone)["id"]
    receiver.answer(delay=1.0, body='{"messageId":"theirs-early"}')
    text = tenant.text()
    tenant.agent().send(conversation, text)
    receiver.wait_for(text)

    early = tenant.aggregator().receipt("theirs-early", 2)

    assert early.status_code == 200
    eventually(lambda: tenant.agent().transcript(conversation)[1]["state"] == "delivered", "the receipt is bound")


def test_an_unknown_receipt_is_stored_and_listed(tenant):
    assert tenant.aggregator().receipt("nobody-knows", 2).status_code == 200

    operator = tenant.agent()
    operator.session.headers["Authorization"] = f"Bearer {tenant.cluster_key}"
    listed = operator.get("/nexus/v3/sms/receipts/unmatched", headers={"x-ccid": tenant.ccid})
    assert "nobody-knows" in listed.text


def test_unmatched_receipts_are_read_page_by_page(tenant):
    names = [f"unknown-{number}" for number in range(5)]
    for name in names:
        assert tenant.aggregator().receipt(name, 2).status_code == 200
    operator = tenant.agent()
    operator.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})

    seen, after = [], None
    while page := data_of(operator.get("/nexus/v3/sms/receipts/unmatched", params={"count": 2, "after": after}))["receipts"]:
        seen += [receipt["messageId"] for receipt in page]
        after = page[-1]["position"]

    assert seen == names


def test_a_receipt_of_another_tenant_changes_nothing(nexus, message):
    assert Tenant(nexus).aggregator().receipt(message.provider_id, 5).status_code == 200

    assert message.state == "sent"


@pytest.mark.parametrize("state", ["11", "-1", "perhaps", ""])
def test_a_state_that_does_not_exist_is_refused(tenant, state):
    assert tenant.aggregator().receipt("some-id", state).status_code == 400


def test_a_receipt_with_a_reused_provider_id_is_bound_to_the_newer_message(tenant, receiver):
    first = MessageWithProviderId(tenant, receiver).sent()
    assert tenant.aggregator().receipt(first.provider_id, 2).status_code == 200
    first.becomes("delivered")
    second = MessageWithProviderId(tenant, receiver)
    second.sent()
    tenant.stack.query("update provider_message set message_id = %s where provider_id = %s", second.id, first.provider_id)

    assert tenant.aggregator().receipt(first.provider_id, 2).status_code == 200

    second.becomes("delivered")
    assert first.state == "delivered"


def test_receipts_of_two_numbers_with_the_same_provider_id_are_both_bound(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url)
    other = new_number()
    webhook = {"url": receiver.url, "secret": tenant.webhook_secret}
    nexus.private.add(other)
    nexus.apply({"tenants": [{"ccid": tenant.ccid, "name": tenant.name, "numbers": [
        {"address": other, "name": "second", "endpoint": "sales", "webhook": webhook}]}]})
    receiver.answer(body=json.dumps({"messageId": "100"}))
    outbound = []
    for number in (tenant.number, other):
        posted = data_of(tenant.aggregator().message(shortcode=number))["conversationId"]
        outbound.append(OutboundMessage(tenant, posted).becomes("sent"))

    for number in (tenant.number, other):
        assert data_of(tenant.aggregator().receipt("100", 2, shortcode=number))["bound"]

    for message in outbound:
        message.becomes("delivered")


def test_a_receipt_with_an_unknown_shortcode_is_bound_by_its_id(tenant, receiver):
    message = MessageWithProviderId(tenant, receiver).sent()

    assert tenant.aggregator().receipt(message.provider_id, 2, shortcode="+15550009999").status_code == 200

    message.becomes("delivered")
