"""Texts that an aggregator posts to /nexus/v3/sms/message, and how they are stored."""

import concurrent.futures

import pytest
import requests

from harness.answers import data_of
from harness.people import Tenant, until_accepted
from harness.reading import messages, tables
from harness.wait import LONGEST_ANSWER


def test_a_text_becomes_a_message_in_a_new_conversation(tenant):
    phone, text = tenant.phone(), tenant.text()

    answer = tenant.aggregator().message(phone, text, message_id="first")

    assert answer.status_code == 200, answer.text
    conversation = tenant.agent().conversation_with(phone)
    assert conversation["state"] == "waiting" and conversation["queue"] == "sales"
    messages = tenant.agent().transcript(conversation["id"])
    assert [(m["sequence"], m["text"]) for m in messages] == [(1, text)]


def test_a_second_text_continues_the_open_conversation(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for number in range(3):
        assert aggregator.message(phone, message_id=f"m{number}").status_code == 200

    conversation = tenant.agent().conversation_with(phone)
    assert [m["sequence"] for m in tenant.agent().transcript(conversation["id"])] == [1, 2, 3]


def test_after_done_the_next_text_opens_a_new_conversation(tenant):
    phone, aggregator, agent = tenant.phone(), tenant.aggregator(), tenant.agent()
    aggregator.message(phone)
    first = agent.conversation_with(phone)["id"]
    assert agent.post(f"/chat/v3/conversations/{first}/done").status_code == 200

    aggregator.message(phone)

    assert agent.conversation_with(phone)["id"] != first


@pytest.mark.parametrize("names", [
    ("message_id", "phone_number", "shortcode", "message"),
    ("messageId", "phoneNumber", "destination", "text"),
    ("messageId", "from", "to", "text"),
    ("message_id", "source", "destination", "message"),
])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_both_body_types_and_all_documented_names_are_accepted(tenant, names, form):
    phone, text = tenant.phone(), tenant.text()
    body = dict(zip(names, ("m1", phone, tenant.number, text)))

    answer = tenant.aggregator().post("/nexus/v3/sms/message", **({"data": body} if form else {"json": body}))

    assert answer.status_code == 200, answer.text
    assert len(messages.matches(tenant, "m1")) == 1
    assert [m["text"] for m in tenant.agent().transcript(tenant.agent().conversation_with(phone)["id"])] == [text]


def test_numbers_with_and_without_a_plus_are_the_same(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    aggregator.message(phone, message_id="with")
    aggregator.message(phone.lstrip("+"), message_id="without", shortcode=tenant.number.lstrip("+"))

    assert messages.message(tenant, "with")["conversation"] == messages.message(tenant, "without")["conversation"]


def test_a_repeated_text_gets_the_same_answer_and_is_stored_once(tenant):
    phone, text, aggregator = tenant.phone(), tenant.text(), tenant.aggregator()

    first, second = (aggregator.message(phone, text, message_id="again") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert data_of(first) == data_of(second)
    assert len(messages.matches(tenant, "again")) == 1


def test_a_text_posted_many_times_at_once_is_stored_once(tenant):
    phone, text = tenant.phone(), tenant.text()

    def post(_):
        return until_accepted(lambda: tenant.aggregator().message(phone, text, message_id="at-once"))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(post, range(16)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({str(data_of(answer)) for answer in answers}) == 1
    assert [m["sequence"] for m in messages.matches(tenant, "at-once")] == [1]


def test_texts_of_one_phone_posted_at_once_get_a_sequence_without_a_gap(tenant):
    phone, texts = tenant.phone(), [tenant.text() for _ in range(48)]

    def post(number):
        until_accepted(lambda: tenant.aggregator().message(phone, texts[number], message_id=f"m{number}"))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(post, range(48)))

    conversation = tenant.agent().conversation_with(phone)
    assert [m["sequence"] for m in tenant.agent().transcript(conversation["id"])] == list(range(1, 49))


def test_a_message_without_credentials_is_refused(tenant):
    answer = requests.post(f"{tenant.stack.url()}/nexus/v3/sms/message", data={"message_id": "m"}, timeout=LONGEST_ANSWER)

    assert answer.status_code == 401


def test_a_wrong_key_is_refused_and_stores_nothing(tenant):
    aggregator = tenant.aggregator()
    aggregator.session.auth = (tenant.ccid, "00000000-0000-0000-0000-000000000000")

    assert aggregator.message(message_id="never").status_code == 401
    assert messages.matches(tenant, "never") == []


def test_a_cluster_key_acts_for_the_contact_center_it_names(tenant):
    aggregator = tenant.aggregator()
    aggregator.session.auth = (tenant.ccid, tenant.cluster_key)

    assert aggregator.message(message_id="by-cluster-key").status_code == 200
    assert len(messages.matches(tenant, "by-cluster-key")) == 1


def test_a_key_does_not_act_for_another_contact_center(nexus, tenant):
    aggregator = tenant.aggregator()
    aggregator.session.auth = (Tenant(nexus).ccid, tenant.api_key)

    assert aggregator.message().status_code == 401


def test_a_number_that_was_not_provisioned_is_not_found(tenant):
    assert tenant.aggregator().message(shortcode="+15550000000").status_code == 404


def test_another_tenants_number_is_not_found(nexus, tenant):
    other = Tenant(nexus)

    assert tenant.aggregator().message(message_id="foreign", shortcode=other.number).status_code == 404
    assert messages.matches(tenant, "foreign") == messages.matches(other, "foreign") == []


def test_two_tenants_may_use_the_same_message_id(nexus, tenant):
    other = Tenant(nexus)

    for each in (tenant, other):
        assert each.aggregator().message(message_id="shared").status_code == 200

    assert len(messages.matches(tenant, "shared")) == len(messages.matches(other, "shared")) == 1


def test_a_campaign_number_stores_the_message_and_opens_no_conversation(nexus):
    tenant = Tenant(nexus, cxcOnly=True)
    phone = tenant.phone()

    assert tenant.aggregator().message(phone, message_id="campaign").status_code == 200

    assert [m["conversation"] for m in messages.matches(tenant, "campaign")] == [None]
    assert tenant.agent().conversations() == []


def test_parts_of_a_long_message_are_joined_whatever_their_order(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    pieces = [tenant.text(f"part {number}") for number in (1, 2, 3)]

    for part in (3, 1, 2):
        answer = aggregator.message(phone, pieces[part - 1], message_id=f"p{part}", concat_reference="77",
                                    concat_total=3, concat_part=part)
        assert answer.status_code == 200, answer.text

    conversation = tenant.agent().conversation_with(phone)
    assert [m["text"] for m in tenant.agent().transcript(conversation["id"])] == ["".join(pieces)]


def test_a_part_that_comes_twice_counts_once(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    pieces = [tenant.text(f"part {number}") for number in (1, 2)]

    for part in (1, 1, 2, 1, 2):
        assert aggregator.message(phone, pieces[part - 1], message_id=f"p{part}", concat_reference="78",
                                  concat_total=2, concat_part=part).status_code == 200

    conversation = tenant.agent().conversation_with(phone)
    assert [m["text"] for m in tenant.agent().transcript(conversation["id"])] == ["".join(pieces)]


def test_attachments_are_stored(tenant):
    answer = tenant.aggregator().message(tenant.phone(), message_id="mms", **{
        "mms_attachment[0].content_type": "image/png", "mms_attachment[0].content": "iVBORw0KGgo="})

    assert answer.status_code == 200, answer.text
    assert tables.attachments(tenant, "mms") == [("image/png", b"\x89PNG\r\n\x1a\n")]


@pytest.mark.parametrize("field, value", [
    ("message_id", None), ("phone_number", None), ("shortcode", None), ("message_id", {}),
    ("phone_number", {}), ("shortcode", "not a number")])
def test_a_missing_or_invalid_field_is_named(tenant, field, value):
    text = {"message_id": "m", "phone_number": tenant.phone(), "shortcode": tenant.number, "message": "m", field: value}
    answer = tenant.aggregator().post("/nexus/v3/sms/message", json=text)

    assert answer.status_code == 400
    assert field in answer.json()["status"]["message"]


def test_malformed_json_is_refused_with_the_position(tenant):
    answer = tenant.aggregator().post("/nexus/v3/sms/message", data=b'{"message_id": "m1",, "text"}',
                                      headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert any(character.isdigit() for character in answer.json()["status"]["message"])


def test_a_body_over_the_limit_is_refused(tenant):
    assert tenant.aggregator().message(message="x" * 300_000).status_code == 413


@pytest.mark.parametrize("permission, status", [("nexus:consumer:chat", 403), ("nexus:agent:chat", 403),
                                                ("nexus:designer:chat", 403), ("nexus:gateway:sms", 200)])
def test_only_a_gateways_key_may_post_texts_and_receipts(tenant, permission, status):
    administrator = tenant.administrator()
    # GWS has half of the deadline to tell Nexus whose token it is; on a busy machine it may need longer.
    made = until_accepted(lambda: administrator.post("/nexus/v3/apikeys", json={
        "tenant": tenant.ccid, "name": f"a key with {permission}", "permissions": [permission], "enabled": True}))
    key = made.json()["id"]
    tenant.stack.private.add(key)
    aggregator = tenant.aggregator()
    aggregator.session.auth = (tenant.ccid, key)
    phone = tenant.phone()

    assert aggregator.message(phone, "STOP").status_code == status
    assert aggregator.receipt("nobody-knows", 2).status_code == status
    assert bool(tenant.agent().conversation_with(phone)) == (status == 200)
