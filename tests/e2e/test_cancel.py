"""A message that waits to be sent can be taken back; then it is sent no more, and what comes after it goes on."""

import json
import uuid

import pytest

from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    """Its gateway asks for ten minutes: what is posted waits."""
    customer.answer(status=503, headers={"Retry-After": "600"})
    return Tenant(nexus, webhook_url=customer.url)


def stuck(tenant, conversation=None):
    answer = Answer(tenant, conversation)
    eventually(lambda: tenant.stack.query("""select 1 from delivery where message_id = %s and attempt > 0
                                             and lease_until is null""", answer.id), "it is put off")
    return answer


def cancel(tenant, message, caller=None):
    return (caller or tenant.administrator()).delete(f"/nexus/v3/messages/{message}")


def steps_of(answer):
    timeline = answer.tenant.administrator().get(f"/nexus/v3/messages/{answer.id}/timeline")
    return [step["step"] for step in timeline.json()["data"]["steps"]]


def test_a_message_that_is_cancelled_is_sent_no_more_and_the_next_one_goes_on(tenant, customer):
    first = stuck(tenant)
    second = Answer(tenant, first.conversation)
    customer.answer(status=200)

    done = cancel(tenant, first.id)

    assert (done.status_code, done.json()["data"]["state"]) == (200, "cancelled")
    second.becomes("sent")
    assert first.state == "cancelled" and len(customer.messages(first.text)) == 1
    assert steps_of(first)[-1] == "cancelled"


def test_watchers_and_the_ledger_hear_of_it(tenant):
    first = stuck(tenant)
    with_events = tenant.agent().events()

    cancel(tenant, first.id)

    assert any(first.id in json.dumps(data) and "cancelled" in json.dumps(data) for _, _, data in with_events)
    with_events.close()
    rows = tenant.administrator().get("/nexus/v3/ledger").json()["data"]["rows"]
    assert [row["states"]["cancelled"] for row in rows if row["direction"] == "out"] == [1]


def test_cancelling_again_changes_nothing_and_answers_the_same(tenant):
    first = stuck(tenant)

    answers = [cancel(tenant, first.id) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    audited = tenant.stack.query("select count(*) from audit where action = 'message.cancel' and object = %s", first.id)
    assert audited[0][0] == 1


def test_what_is_being_sent_is_not_taken_back(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url)
    customer.answer(status=200, delay=2)
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    refused = cancel(tenant, answer.id)

    assert refused.status_code == 409 and "being sent" in refused.text
    answer.becomes("sent")
    assert "sent already" in cancel(tenant, answer.id).text


def test_what_may_have_arrived_is_uncertain_once_it_is_cancelled(tenant):
    answer = stuck(tenant)
    tenant.stack.query("""insert into attempt (tenant_id, message_id, attempt, outcome)
                          select tenant_id, id, 1, 'uncertain' from message where id = %s""", answer.id)

    assert cancel(tenant, answer.id).json()["data"]["state"] == "uncertain"
    assert answer.undelivered[0] == "uncertain"


def test_only_ones_own_messages_on_their_way_out_can_be_cancelled(tenant, nexus):
    answer = stuck(tenant)
    conversation_of(tenant)
    inbound = tenant.stack.query("""select m.id from message m join tenant t on t.id = m.tenant_id
                                     where t.ccid = %s and m.direction = 1 limit 1""", tenant.ccid)[0][0]

    assert cancel(Tenant(nexus), answer.id).status_code == 404
    assert cancel(tenant, uuid.uuid4()).status_code == 404
    assert cancel(tenant, inbound).status_code == 409
    assert answer.state == "accepted"


def test_the_operators_command_cancels_by_id_or_destination_after_a_look(tenant):
    def command(*words, code=0):
        done = tenant.stack.nexusctl("cancel", *words, "--json", check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    answers = [stuck(tenant) for _ in range(3)]
    destination = tenant.administrator().get("/nexus/v3/destinations").json()["data"]["destinations"][0]["id"]

    assert command("--destination", destination, "--dry-run", code=3) == {"cancelled": 3, "inHand": 0}
    assert {answer.state for answer in answers} == {"accepted"}
    assert command("--id", answers[0].id) == {"cancelled": 1, "inHand": 0}
    assert command("--destination", destination, "--tenant", tenant.ccid) == {"cancelled": 2, "inHand": 0}
    assert {answer.state for answer in answers} == {"cancelled"}
    assert tenant.stack.nexusctl("cancel", check=False).returncode == 2
    assert tenant.stack.nexusctl("cancel", "--id", str(uuid.uuid4()), check=False).returncode == 1


def test_one_that_fails_again_and_again_holds_up_the_next_ones_of_its_person_for_a_limited_time(make_stack, customer):
    stack = make_stack(settings={"sms-worker": {"NEXUS_DELIVERY_ORDER_WAIT": "1s"}})
    customer.answer(status=503, headers={"Retry-After": "600"})
    tenant = Tenant(stack, webhook_url=customer.url)
    first = stuck(tenant)
    second = Answer(tenant, first.conversation)
    customer.answer(status=200)

    Answer(tenant).becomes("sent")  # so its destination takes others

    second.becomes("sent", within=30)
    assert first.state == "accepted"


def test_until_then_the_next_one_waits_and_says_for_what(tenant, customer):
    first = stuck(tenant)
    second = Answer(tenant, first.conversation)
    customer.answer(status=200)
    Answer(tenant).becomes("sent")

    timeline = tenant.administrator().get(f"/nexus/v3/messages/{second.id}/timeline").json()["data"]["steps"]

    assert timeline[-1]["decision"] == "order: behind an older one"
    assert first.id in timeline[-1]["text"] and "NEXUS_DELIVERY_ORDER_WAIT" in timeline[-1]["text"]
    assert second.state == "accepted"
