"""What agents do: they read conversations and write outbound messages, which the receiver gets. Event streams are in
test_events.py."""

import uuid

import pytest
import requests

from harness.answers import data_of
from harness.people import Tenant, until_accepted
from harness.reading import messages
from harness.wait import LONGEST_ANSWER, eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


@pytest.fixture
def conversation(tenant):
    """The conversation that a text from a new phone has opened. It waits."""
    phone = tenant.phone()
    assert tenant.aggregator().message(phone).status_code == 200
    return tenant.agent().conversation_with(phone)


def state_of(tenant, conversation, message):
    return next(m["state"] for m in tenant.agent().transcript(conversation["id"]) if m["id"] == message)


def test_an_outbound_message_reaches_the_receiver_with_three_signatures(tenant, conversation, receiver):
    text = tenant.text("your parcel arrives at noon")

    posted = tenant.agent().send(conversation["id"], text)

    assert posted.status_code == 200, posted.text
    assert data_of(posted)["sequence"] == 2
    webhook = receiver.wait_for(text)[0]
    assert webhook.signed_with(tenant.webhook_secret) == ["X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature"]
    assert webhook.message["id"] == data_of(posted)["id"]
    assert webhook.headers["traceparent"] and webhook.headers["X-B3-TraceId"]
    eventually(lambda: state_of(tenant, conversation, webhook.message["id"]) == "sent", "the message is sent")


def test_the_providers_message_id_is_stored(tenant, conversation, receiver):
    receiver.answer(body='{"messageId":"theirs-1"}')
    message = data_of(tenant.agent().send(conversation["id"]))["id"]

    eventually(lambda: messages.message(tenant, message)["providerId"] == "theirs-1", "the id of the provider is stored")


def test_the_same_client_id_makes_one_message(tenant, conversation, receiver):
    agent, text = tenant.agent(), tenant.text()

    first, second = (agent.send(conversation["id"], text, client_id="once") for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert data_of(first)["id"] == data_of(second)["id"]
    receiver.wait_for(text)
    assert len(agent.transcript(conversation["id"])) == 2


def test_outbound_messages_of_one_conversation_are_sent_in_order(tenant, conversation, receiver):
    texts = [tenant.text(f"outbound {number}") for number in range(10)]

    for text in texts:
        assert tenant.agent().send(conversation["id"], text).status_code == 200

    receiver.wait_for(texts[-1])
    assert [webhook.message["text"] for webhook in receiver.messages()] == texts


def test_a_webhook_that_failed_is_repeated_with_the_same_id(tenant, conversation, receiver):
    text = tenant.text()
    receiver.answer(status=503, headers={"Retry-After": "1"})
    tenant.agent().send(conversation["id"], text)
    receiver.wait_for(text)

    receiver.answer(status=200)

    webhooks = receiver.wait_for(text, count=2, within=20)
    assert len({webhook.message["id"] for webhook in webhooks}) == 1
    assert len({webhook.headers["webhook-id"] for webhook in webhooks}) == 1
    assert webhooks[1].at - webhooks[0].at >= 1.0


def test_a_refused_message_fails_and_a_replay_sends_it_again(tenant, conversation, receiver):
    text = tenant.text()
    receiver.answer(status=400)
    message = data_of(tenant.agent().send(conversation["id"], text))["id"]
    eventually(lambda: state_of(tenant, conversation, message) == "failed", "the message has failed")

    receiver.answer(status=200)
    tenant.stack.nexusctl("replay", "--id", message)

    assert len(receiver.wait_for(text, count=2)) == 2
    eventually(lambda: state_of(tenant, conversation, message) == "sent", "the message is sent")


def test_a_consumer_who_sent_stop_gets_no_outbound_message(tenant, conversation, receiver):
    phone = conversation["contact"]["address"]
    tenant.aggregator().message(phone, "STOP")

    text = tenant.text()
    message = data_of(tenant.agent().send(conversation["id"], text))["id"]

    eventually(lambda: state_of(tenant, conversation, message) == "opted_out", "the message is opted out")
    assert receiver.messages(text) == []


def test_accept_takes_a_waiting_conversation_and_done_ends_it(tenant, conversation):
    agent, path = tenant.agent(), f"/chat/v3/conversations/{conversation['id']}"

    assert agent.post(f"{path}/accept").status_code == 200
    assert data_of(agent.get(path))["state"] == "active"
    assert agent.post(f"{path}/done").status_code == 200
    assert data_of(agent.get(path))["state"] == "done"
    assert agent.send(conversation["id"]).status_code == 409


def test_a_transcript_continues_after_a_given_sequence(tenant, conversation):
    agent = tenant.agent()
    for _ in range(5):
        agent.send(conversation["id"])

    assert [m["sequence"] for m in agent.transcript(conversation["id"], after=4)] == [5, 6]


def test_agents_need_a_token(nexus):
    answer = requests.get(f"{nexus.url()}/chat/v3/conversations", timeout=LONGEST_ANSWER)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_an_aggregators_key_does_not_allow_reading_conversations(tenant):
    agent = tenant.agent()
    agent.session.headers["Authorization"] = f"Bearer {tenant.api_key}"

    assert agent.get("/chat/v3/conversations").status_code == 403


def test_a_caller_without_permission_is_told_which_permissions_suffice(tenant):
    agent = tenant.agent()
    agent.session.headers["Authorization"] = f"Bearer {tenant.api_key}"

    assert agent.get("/chat/v3/contacts", params={"address": "15551230001"}).json()["detail"] == (
        "this key has none of the permissions that allow this: nexus:agent:chat nexus:designer:chat")
    user = tenant.gws_agent()  # GWS has half of the deadline to say who this is
    assert until_accepted(lambda: user.get("/nexus/v3/audit"), other_statuses=(403,)).json()["detail"] == (
        "this user has none of the permissions that allow this: nexus:admin:audit")


def test_another_tenants_conversation_is_not_found(nexus, conversation):
    stranger = Tenant(nexus).agent()
    path = f"/chat/v3/conversations/{conversation['id']}"

    answers = [stranger.get(path), stranger.get(f"{path}/messages"), stranger.send(conversation["id"]),
               stranger.post(f"{path}/accept"), stranger.post(f"{path}/done")]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert stranger.conversations() == []


def test_an_unknown_conversation_is_not_found(tenant):
    assert tenant.agent().get(f"/chat/v3/conversations/{uuid.uuid4()}").status_code == 404


def test_an_unknown_field_is_refused_by_its_name(tenant, conversation):
    answer = tenant.agent().send(conversation["id"], colour="red")

    assert answer.status_code == 400
    assert "colour" in answer.json()["detail"]
