"""What becomes of a message after it was sent: the aggregator's receipts."""

import itertools
import json
import uuid

import pytest

from harness.people import Answer as SentAnswer, Tenant, new_number
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


class Answer:
    """An agent's answer under way to a phone, with the id that the customer's gateway gives it."""

    def __init__(self, tenant, customer):
        self.tenant = tenant
        self.provider_id = f"theirs-{uuid.uuid4().hex}"
        customer.answer(body=json.dumps({"messageId": self.provider_id}))
        phone = tenant.phone()
        tenant.aggregator().message(phone)
        self.conversation = tenant.agent().conversation_with(phone)["id"]
        self.id = tenant.agent().answer(self.conversation).json()["data"]["id"]

    @property
    def state(self):
        return next(m["state"] for m in self.tenant.agent().transcript(self.conversation) if m["id"] == self.id)

    def becomes(self, state):
        eventually(lambda: self.state == state, f"the message is {state}")

    def sent(self):
        self.becomes("sent")
        return self


@pytest.fixture
def answer(tenant, customer):
    return Answer(tenant, customer).sent()


@pytest.mark.parametrize("receipt, state", [
    (0, "sent"), (1, "sent"), (2, "delivered"), (3, "expired"), (4, "failed"), (5, "failed"), (6, "sent"), (7, "sent"), (8, "failed")])
def test_each_receipt_state_makes_its_message_state(tenant, answer, receipt, state):
    assert tenant.aggregator().receipt(answer.provider_id, receipt).status_code == 200

    assert answer.state == state


@pytest.mark.parametrize("word, state", [("DELIVRD", "delivered"), ("Delivrd", "delivered"), ("EXPIRED", "expired"), ("UNDELIV", "failed"),
                                         ("REJECTD", "failed"), ("DELETED", "failed"), ("ACCEPTD", "sent"), ("ENROUTE", "sent"),
                                         ("UNKNOWN", "sent"), ("read", "read"), ("EN-ROUTE", "sent"), ("Delivery failed", "failed")])
def test_a_receipts_state_may_be_a_word_in_any_case(tenant, answer, word, state):
    assert tenant.aggregator().receipt(answer.provider_id, word).status_code == 200

    assert answer.state == state


def test_what_was_delivered_is_read_later_and_not_delivered_again(tenant, answer):
    for receipt, state in ((2, "delivered"), ("READ", "read"), ("DELIVRD", "read"), (5, "read")):
        assert tenant.aggregator().receipt(answer.provider_id, receipt).status_code == 200
        assert answer.state == state


@pytest.mark.parametrize("code", ["000", "0x00000045", "EC-17 (no route)", "-1", "30003", "nul"])
def test_a_receipts_code_is_kept_as_it_was_written(tenant, answer, code):
    name = uuid.uuid4().hex
    assert tenant.aggregator().receipt(name, 5, result_code=code).status_code == 200

    rows = tenant.stack.query("select result_text from receipt where provider_id = %s", name)
    assert rows == [(code,)]


@pytest.mark.parametrize("spelled", ["{}", "{{{}}}", "urn:uuid:{}", "URN:UUID:{}", " {} "])
@pytest.mark.parametrize("form", [str, str.upper, lambda name: name.replace("-", "")], ids=["as it is", "in capitals", "without dashes"])
def test_our_own_message_id_is_understood_as_well_however_it_is_spelled(tenant, answer, form, spelled):
    posted = tenant.aggregator().receipt(spelled.format(form(answer.id)), 2)

    assert posted.status_code == 200 and posted.json()["data"]["bound"]

    assert answer.state == "delivered"


@pytest.mark.parametrize("final, late", itertools.product([2, 3, 5], [1, 6, 7, 5, 2]))
def test_a_later_state_never_undoes_a_final_one(tenant, answer, final, late):
    tenant.aggregator().receipt(answer.provider_id, final)
    settled = answer.state

    assert tenant.aggregator().receipt(answer.provider_id, late).status_code == 200

    assert answer.state == settled


def test_a_receipt_that_comes_twice_is_stored_once(tenant, answer):
    for _ in range(2):
        assert tenant.aggregator().receipt(answer.provider_id, 2).status_code == 200

    rows = tenant.stack.query("select count(*) from receipt where provider_id = %s", answer.provider_id)
    assert rows == [(1,)]


def test_a_receipt_that_comes_before_its_messages_id_is_known_waits_and_is_bound(tenant, customer):
    customer.answer(delay=1.0)
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    conversation = tenant.agent().conversation_with(phone)["id"]
    customer.answer(delay=1.0, body='{"messageId":"theirs-early"}')
    text = tenant.text()
    tenant.agent().answer(conversation, text)
    customer.wait_for(text)

    early = tenant.aggregator().receipt("theirs-early", 2)

    assert early.status_code == 200
    eventually(lambda: tenant.agent().transcript(conversation)[1]["state"] == "delivered", "the receipt is bound")


def test_a_receipt_nobody_knows_is_kept_and_listed(tenant):
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
    while page := operator.get("/nexus/v3/sms/receipts/unmatched", params={"count": 2, "after": after}).json()["data"]["receipts"]:
        seen += [receipt["messageId"] for receipt in page]
        after = page[-1]["position"]

    assert seen == names


def test_another_tenants_receipt_changes_nothing(nexus, answer):
    assert Tenant(nexus).aggregator().receipt(answer.provider_id, 5).status_code == 200

    assert answer.state == "sent"


@pytest.mark.parametrize("state", ["11", "-1", "perhaps", ""])
def test_a_state_that_does_not_exist_is_refused(tenant, state):
    assert tenant.aggregator().receipt("some-id", state).status_code == 400


def test_an_id_that_the_provider_uses_again_means_its_newer_message(tenant, customer):
    first = Answer(tenant, customer).sent()
    assert tenant.aggregator().receipt(first.provider_id, 2).status_code == 200
    first.becomes("delivered")
    second = Answer(tenant, customer)
    second.sent()
    tenant.stack.query("update provider_message set message_id = %s where provider_id = %s", second.id, first.provider_id)

    assert tenant.aggregator().receipt(first.provider_id, 2).status_code == 200

    second.becomes("delivered")
    assert first.state == "delivered"


def test_receipts_of_two_numbers_with_one_provider_id_both_count(nexus, customer):
    tenants = Tenant(nexus, webhook_url=customer.url)
    other = new_number()
    webhook = {"url": customer.url, "secret": tenants.webhook_secret}
    nexus.private.add(other)
    nexus.apply({"tenants": [{"ccid": tenants.ccid, "name": tenants.name, "numbers": [
        {"address": other, "name": "second", "endpoint": "sales", "webhook": webhook}]}]})
    customer.answer(body=json.dumps({"messageId": "100"}))
    answers = []
    for number in (tenants.number, other):
        posted = tenants.aggregator().message(shortcode=number).json()["data"]["conversationId"]
        answers.append(SentAnswer(tenants, posted).becomes("sent"))

    for number in (tenants.number, other):
        assert tenants.aggregator().receipt("100", 2, shortcode=number).json()["data"]["bound"]

    for answer in answers:
        answer.becomes("delivered")


def test_a_receipt_whose_shortcode_is_no_number_of_ours_is_judged_by_its_id(tenant, customer):
    answer = Answer(tenant, customer).sent()

    assert tenant.aggregator().receipt(answer.provider_id, 2, shortcode="+15550009999").status_code == 200

    answer.becomes("delivered")
