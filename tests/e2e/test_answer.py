"""The agent's side: reading and answering, and what goes out to the customer's gateway. The events on the screen are in
test_events.py."""

import uuid

import pytest
import requests

from harness.people import Tenant
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


@pytest.fixture
def conversation(tenant):
    """A phone has written; its conversation waits."""
    phone = tenant.phone()
    assert tenant.aggregator().message(phone).status_code == 200
    return tenant.agent().conversation_with(phone)


def state_of(tenant, conversation, message):
    return next(m["state"] for m in tenant.agent().transcript(conversation["id"]) if m["id"] == message)


def test_an_answer_reaches_the_customers_gateway_signed_three_ways(tenant, conversation, customer):
    text = tenant.text("your parcel arrives at noon")

    posted = tenant.agent().answer(conversation["id"], text)

    assert posted.status_code == 200, posted.text
    assert posted.json()["data"]["sequence"] == 2
    webhook = customer.wait_for(text)[0]
    assert webhook.signed_with(tenant.webhook_secret) == ["X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature"]
    assert webhook.message["id"] == posted.json()["data"]["id"]
    assert webhook.headers["traceparent"] and webhook.headers["X-B3-TraceId"]
    eventually(lambda: state_of(tenant, conversation, webhook.message["id"]) == "sent", "the message is sent")


def test_the_provider_messages_id_is_stored(tenant, conversation, customer):
    customer.answer(body='{"messageId":"theirs-1"}')
    message = tenant.agent().answer(conversation["id"]).json()["data"]["id"]

    def provider_id():
        rows = tenant.stack.query("select provider_id from message where id = %s", message)
        return rows[0][0] == "theirs-1"

    eventually(provider_id, "the provider's id is stored")


def test_the_same_client_id_makes_one_message(tenant, conversation, customer):
    agent, text = tenant.agent(), tenant.text()

    first, second = (agent.answer(conversation["id"], text, client_id="once") for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    customer.wait_for(text)
    assert len(agent.transcript(conversation["id"])) == 2


def test_answers_of_one_conversation_go_out_in_order(tenant, conversation, customer):
    texts = [tenant.text(f"answer {number}") for number in range(10)]

    for text in texts:
        assert tenant.agent().answer(conversation["id"], text).status_code == 200

    customer.wait_for(texts[-1])
    assert [webhook.message["text"] for webhook in customer.messages()] == texts


def test_a_gateway_that_fails_is_asked_again_with_the_same_id(tenant, conversation, customer):
    text = tenant.text()
    customer.answer(status=503, headers={"Retry-After": "1"})
    tenant.agent().answer(conversation["id"], text)
    customer.wait_for(text)

    customer.answer(status=200)

    webhooks = customer.wait_for(text, count=2, within=20)
    assert len({webhook.message["id"] for webhook in webhooks}) == 1
    assert len({webhook.headers["webhook-id"] for webhook in webhooks}) == 1
    assert webhooks[1].at - webhooks[0].at >= 1.0


def test_a_gateway_that_refuses_ends_the_message_and_a_replay_sends_it_again(tenant, conversation, customer):
    text = tenant.text()
    customer.answer(status=400)
    message = tenant.agent().answer(conversation["id"], text).json()["data"]["id"]
    eventually(lambda: state_of(tenant, conversation, message) == "failed", "the message has failed")

    customer.answer(status=200)
    tenant.stack.nexusctl("replay", "--id", message)

    assert len(customer.wait_for(text, count=2)) == 2
    eventually(lambda: state_of(tenant, conversation, message) == "sent", "the message is sent")


def test_who_said_stop_gets_no_answer(tenant, conversation, customer):
    phone = conversation["contact"]["address"]
    tenant.aggregator().message(phone, "STOP")

    text = tenant.text()
    message = tenant.agent().answer(conversation["id"], text).json()["data"]["id"]

    eventually(lambda: state_of(tenant, conversation, message) == "opted_out", "the message is opted out")
    assert customer.messages(text) == []


def test_accept_takes_a_waiting_conversation_and_done_ends_it(tenant, conversation):
    agent, path = tenant.agent(), f"/chat/v3/conversations/{conversation['id']}"

    assert agent.post(f"{path}/accept").status_code == 200
    assert agent.get(path).json()["data"]["state"] == "active"
    assert agent.post(f"{path}/done").status_code == 200
    assert agent.get(path).json()["data"]["state"] == "done"
    assert agent.answer(conversation["id"]).status_code == 409


def test_a_transcript_is_read_on_from_the_last_sequence(tenant, conversation):
    agent = tenant.agent()
    for _ in range(5):
        agent.answer(conversation["id"])

    assert [m["sequence"] for m in agent.transcript(conversation["id"], after=4)] == [5, 6]


def test_agents_need_a_token(nexus):
    answer = requests.get(f"{nexus.url()}/chat/v3/conversations", timeout=5)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_an_aggregators_key_is_no_agents_token(tenant):
    agent = tenant.agent()
    agent.session.headers["Authorization"] = f"Bearer {tenant.api_key}"

    assert agent.get("/chat/v3/conversations").status_code == 403


def test_who_lacks_a_permission_is_told_which_would_do(tenant):
    agent = tenant.agent()
    agent.session.headers["Authorization"] = f"Bearer {tenant.api_key}"

    assert agent.get("/chat/v3/contacts", params={"address": "15551230001"}).json()["detail"] == (
        "this key has none of the permissions that allow this: nexus:agent:chat nexus:designer:chat")
    assert tenant.gws_agent().get("/nexus/v3/audit").json()["detail"] == (
        "this user has none of the permissions that allow this: nexus:admin:audit")


def test_another_tenants_conversation_is_not_found(nexus, conversation):
    stranger = Tenant(nexus).agent()
    path = f"/chat/v3/conversations/{conversation['id']}"

    answers = [stranger.get(path), stranger.get(f"{path}/messages"), stranger.answer(conversation["id"]),
               stranger.post(f"{path}/accept"), stranger.post(f"{path}/done")]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert stranger.conversations() == []


def test_a_conversation_that_never_was_is_not_found(tenant):
    assert tenant.agent().get(f"/chat/v3/conversations/{uuid.uuid4()}").status_code == 404


def test_an_unknown_field_on_our_own_path_is_refused_by_name(tenant, conversation):
    answer = tenant.agent().answer(conversation["id"], colour="red")

    assert answer.status_code == 400
    assert "colour" in answer.json()["detail"]
