"""Answers on their way out: what the customer's gateway gets to see, and what becomes of a message when that gateway
refuses, fails, hangs, lies or is not there. The plain way is in test_answer.py."""

import collections
import datetime
import json
import time

import pytest

from harness.customer import CustomerGateway
from harness.people import Answer, Tenant, conversation_of
from harness.sink import Sink, plain
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


@pytest.fixture
def sink_for():
    """sink_for(answer) opens a Sink that the test's end closes."""
    sinks = []

    def make(answer=None, **where):
        sinks.append(Sink(answer, **where))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


def gaps(webhooks):
    times = [webhook.at for webhook in webhooks]
    return [later - earlier for earlier, later in zip(times, times[1:])]


# --- what is sent ---

def test_the_webhook_says_who_what_and_which_place_in_the_conversation(tenant, customer):
    phone = tenant.phone()

    answer = Answer(tenant, conversation_of(tenant, phone))

    webhook = customer.wait_for(answer.text)[0]
    assert json.loads(webhook.body) == {"messages": [{
        "id": answer.id, "type": "sms", "from": tenant.number, "to": phone,
        "conversationId": answer.conversation, "sequence": 2, "text": answer.text}]}
    assert webhook.headers["Content-Type"] == "application/json"
    assert webhook.headers["webhook-id"] == answer.id
    assert abs(int(webhook.headers["webhook-timestamp"]) - time.time()) < 300


@pytest.mark.parametrize("words", ["café – ¿qué? 🙂", 'quotes " and \\ and / and </script>', "two\nlines\tand a tab", "\u2028\u0001"])
def test_the_signatures_cover_the_exact_bytes_whatever_the_text(tenant, customer, words):
    answer = Answer(tenant, text=tenant.text(words))

    webhook = customer.wait_for(answer.text)[0]

    assert webhook.signed_with(tenant.webhook_secret) == ["X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature"]


def test_custom_headers_go_along(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, headers={"X-Team": "blue", "X-Route": "a; b=c"})

    webhook = customer.wait_for(Answer(tenant).text)[0]

    assert (webhook.headers["X-Team"], webhook.headers["X-Route"]) == ("blue", "a; b=c")


def test_while_a_secret_is_rotated_both_sign(tenant, customer):
    former = tenant.webhook_secret
    tenant.webhook["secret"] = [tenant.text("new secret"), former]
    tenant.apply()

    webhook = customer.wait_for(Answer(tenant).text)[0]

    assert len(webhook.headers["webhook-signature"].split()) == 2
    assert "webhook-signature" in webhook.signed_with(former)
    assert len(webhook.signed_with(tenant.webhook["secret"][0])) == 3


@pytest.mark.parametrize("body", ["", "ok", "[1]", "{}", '{"messageId":7.5}', '{"messageId":""}',
                                  json.dumps({"messageId": "x" * 500}), "{" * 5000, '{"messageId":"a\\u0000b"}'])
def test_an_answer_without_a_usable_message_id_is_as_good(tenant, customer, body):
    customer.answer(body=body)

    answer = Answer(tenant).becomes("sent")

    assert tenant.stack.query("select provider_id from message where id = %s", answer.id) == [(None,)]


def test_a_message_id_may_be_a_number(tenant, customer):
    customer.answer(body='{"messageId":7001}')

    answer = Answer(tenant).becomes("sent")

    assert tenant.stack.query("select provider_id from message where id = %s", answer.id) == [("7001",)]


# --- a gateway that fails for a while ---

@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 504])
def test_what_may_work_later_is_tried_again_under_the_same_id(tenant, customer, status):
    customer.answer(status=status)
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    customer.answer(status=200)

    answer.becomes("sent")
    webhooks = customer.messages(answer.text)
    assert len(webhooks) == 2
    assert {webhook.headers["webhook-id"] for webhook in webhooks} == {answer.id}
    assert gaps(webhooks)[0] >= 0.5


def test_each_attempt_waits_longer_than_the_one_before(tenant, customer):
    customer.answer(status=503)
    answer = Answer(tenant)

    webhooks = customer.wait_for(answer.text, count=4, within=25)

    first, second, third = gaps(webhooks)
    assert 0.5 <= first and 1.0 <= second and 2.0 <= third
    assert len({webhook.headers["X-B3-TraceId"] for webhook in webhooks}) == 1


def test_too_many_requests_waits_as_long_as_it_is_asked_to(tenant, customer):
    customer.answer(status=429, headers={"Retry-After": "3"})
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    customer.answer(status=200)

    assert gaps(customer.wait_for(answer.text, count=2))[0] >= 3.0


def test_a_message_waits_for_a_gateway_that_is_not_there_yet(nexus, sink_for):
    absent = Sink()
    absent.close()
    answer = Answer(Tenant(nexus, webhook_url=absent.url))
    eventually(lambda: nexus.query("select 1 from delivery where message_id = %s and attempt > 0", answer.id),
               "an attempt has failed")

    sink = sink_for(plain(200), port=absent.port)

    answer.becomes("sent")
    assert sink.connections == 1


def test_what_fails_does_not_overtake_what_came_before_it_in_the_conversation(tenant, customer):
    customer.answer(status=503)
    first = Answer(tenant)
    customer.wait_for(first.text)
    later = [Answer(tenant, first.conversation) for _ in range(3)]
    elsewhere = Answer(tenant)

    customer.wait_for(elsewhere.text)
    assert customer.messages(later[0].text) == []
    customer.answer(status=200)

    later[-1].becomes("sent")
    seen = [webhook.message["sequence"] for webhook in customer.messages()
            if webhook.message["conversationId"] == first.conversation]
    assert list(dict.fromkeys(seen)) == sorted(set(seen)) == [2, 3, 4, 5]


def test_a_conversation_that_was_held_up_goes_on_without_pauses(tenant, customer):
    busy = conversation_of(tenant)
    customer.answer(delay=3)
    first = Answer(tenant)
    held_up = [Answer(tenant, first.conversation) for _ in range(4)]
    customer.wait_for(first.text)
    customer.answer()

    while not customer.messages(held_up[0].text):  # claims go on past what waits
        customer.wait_for(Answer(tenant, busy).text)

    customer.wait_for(held_up[-1].text, within=4)  # before the next sweeps would find one after the other


def test_a_message_that_is_too_old_is_not_sent_any_more(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, validity="2s")
    customer.answer(status=503)

    answer = Answer(tenant).becomes("expired")

    assert answer.undelivered[0] == "expired"
    count = len(customer.messages(answer.text))
    customer.answer(status=200)
    next_one = Answer(tenant, answer.conversation).becomes("sent")
    assert (len(customer.messages(answer.text)), len(customer.messages(next_one.text))) == (count, 1)


# --- a gateway that says no ---

@pytest.mark.parametrize("status", [400, 405, 413, 415, 422, 451])
def test_what_will_never_work_is_tried_once(tenant, customer, status):
    customer.answer(status=status)

    answer = Answer(tenant).becomes("failed")

    assert answer.undelivered == ("refused", status, 1)
    assert len(customer.messages(answer.text)) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(nexus, sink_for, status):
    elsewhere = sink_for(plain(200))
    sink = sink_for(plain(status, Location=elsewhere.url))

    answer = Answer(Tenant(nexus, webhook_url=sink.url)).becomes("failed")

    assert answer.undelivered == ("refused", status, 1)
    assert (sink.connections, elsewhere.connections) == (1, 0)


def wait_after_gone(tenant, customer):
    """A first answer that got 410 and waits, and a second one behind it."""
    customer.answer(status=410)
    first = Answer(tenant)
    eventually(lambda: tenant.stack.query("select 1 from delivery where message_id = %s and attempt = 1 and due > now()", first.id),
               "the first waits for a later attempt")
    customer.answer(status=200)
    return first, Answer(tenant, first.conversation)


def test_what_was_answered_with_410_goes_out_when_the_same_is_provisioned_again(tenant, customer):
    first, second = wait_after_gone(tenant, customer)

    tenant.apply()

    first.becomes("sent")
    second.becomes("sent")


def test_what_was_answered_with_410_goes_to_where_the_webhook_has_moved(tenant, customer):
    first, second = wait_after_gone(tenant, customer)
    moved = CustomerGateway()
    tenant.webhook["url"] = moved.url

    tenant.apply()

    first.becomes("sent")
    second.becomes("sent")
    assert [len(moved.messages(answer.text)) for answer in (first, second)] == [1, 1]
    moved.close()


# --- replay ---

def failed(tenant, customer, count=1, status=400):
    customer.answer(status=status)
    answers = [Answer(tenant) for _ in range(count)]
    for answer in answers:
        answer.becomes("failed")
    customer.answer(status=200)
    return answers


def arrive_again(answers, customer):
    for answer in answers:
        answer.becomes("sent")
        assert [webhook.message["id"] for webhook in customer.messages(answer.text)] == [answer.id] * 2
        assert answer.undelivered is None


def moment(seconds):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_replay_by_reason_sends_what_failed_for_it_under_the_old_ids(tenant, customer):
    refused = failed(tenant, customer, 3)

    nothing = tenant.stack.nexusctl("replay", "--tenant", tenant.ccid, "--reason", "exhausted", "--json")
    done = tenant.stack.nexusctl("replay", "--tenant", tenant.ccid, "--reason", "refused", "--json")

    assert (json.loads(nothing.stdout)["replayed"], json.loads(done.stdout)["replayed"]) == (0, 3)
    arrive_again(refused, customer)


def test_replay_by_window_sends_what_failed_within_it(tenant, customer):
    answers = failed(tenant, customer, 2)
    replay = ("replay", "--tenant", tenant.ccid, "--json")

    before = tenant.stack.nexusctl(*replay, "--to", moment(-3600))
    after = tenant.stack.nexusctl(*replay, "--from", moment(+3600))
    within = tenant.stack.nexusctl(*replay, "--from", moment(-3600), "--to", moment(+3600), "--by", "night shift")

    assert [json.loads(done.stdout)["replayed"] for done in (before, after, within)] == [0, 0, 2]
    arrive_again(answers, customer)
    rows = tenant.stack.query("select distinct by from replay where message_id = any(%s::uuid[])",
                              [answer.id for answer in answers])
    assert rows == [("night shift",)]


def test_replay_over_http_takes_ids_and_says_how_many(tenant, customer):
    chosen, other = failed(tenant, customer, 2)
    operator = tenant.agent()
    operator.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    listed = operator.get("/nexus/v3/undelivered").json()["data"]["undelivered"]
    assert {(row["id"], row["reason"], row["status"]) for row in listed} == {(a.id, "refused", 400) for a in (chosen, other)}

    done = operator.post("/nexus/v3/undelivered/replay", json={"ids": [chosen.id]})

    assert done.status_code == 200, done.text
    assert done.json()["data"]["replayed"] == 1
    arrive_again([chosen], customer)
    assert len(customer.messages(other.text)) == 1 and other.state == "failed"


def test_a_replay_reaches_nobody_who_said_stop_since(tenant, customer):
    phone = tenant.phone()
    customer.answer(status=400)
    answer = Answer(tenant, conversation_of(tenant, phone)).becomes("failed")
    customer.answer(status=200)
    tenant.aggregator().message(phone, "STOP")

    tenant.stack.nexusctl("replay", "--id", answer.id)

    answer.becomes("opted_out")
    assert len(customer.messages(answer.text)) == 1


# --- opting out ---

def test_a_stop_reaches_a_message_that_waits_for_its_next_attempt(tenant, customer):
    phone = tenant.phone()
    customer.answer(status=503)
    answer = Answer(tenant, conversation_of(tenant, phone))
    customer.wait_for(answer.text)

    assert tenant.aggregator().message(phone, "STOP").status_code == 200
    customer.answer(status=200)

    answer.becomes("opted_out")
    assert len(customer.messages(answer.text)) == 1 and answer.undelivered is None


def test_after_start_answers_go_out_again(tenant, customer):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")
    unwanted = Answer(tenant, conversation_of(tenant, phone)).becomes("opted_out")

    tenant.aggregator().message(phone, "START")

    Answer(tenant, unwanted.conversation).becomes("sent")
    assert customer.messages(unwanted.text) == []


def test_a_stop_is_meant_for_one_pair_of_numbers(tenant, customer):
    stopped, other = tenant.phone(), tenant.phone()
    tenant.aggregator().message(stopped, "STOP")

    Answer(tenant, conversation_of(tenant, other)).becomes("sent")


# --- several destinations, several workers ---

def test_a_dead_destination_is_soon_left_alone_and_holds_up_no_other(nexus, customer):
    dead = CustomerGateway()
    dead.answer(status=503)
    unlucky, lucky = Tenant(nexus, webhook_url=dead.url), Tenant(nexus, webhook_url=customer.url)
    answers = []

    for _ in range(40):
        Answer(unlucky)
        answers.append(Answer(lucky))

    for answer in answers:
        answer.becomes("sent")
    eventually(lambda: nexus.query("""select failures from destination d join tenant t on t.id = d.tenant_id
                                      where t.ccid = %s""", unlucky.ccid)[0][0] > 0, "the breaker is open")
    assert len(dead.messages()) < 40
    assert all(len(customer.messages(answer.text)) == 1 for answer in answers)
    eventually(lambda: nexus.metric("nexus_breaker_destinations", state="open") >= 1, "operators see it")
    dead.close()


def test_where_nobody_listens_the_breaker_opens_and_nothing_stays_leased(nexus, customer):
    dead = Tenant(nexus, webhook_url="http://127.0.0.1:1/")
    for _ in range(6):
        Answer(dead)
    destination = nexus.query("select destination_id from channel where address = %s", dead.number)[0][0]

    eventually(lambda: nexus.query("select failures from destination where id = %s", destination) == [(1,)],
               "the breaker is open")

    Answer(Tenant(nexus, webhook_url=customer.url)).becomes("sent")
    assert nexus.query("select count(*) from delivery where destination_id = %s and lease_until is not null",
                       destination) == [(0,)]


def test_two_workers_send_no_message_twice(make_stack, customer):
    stack = make_stack(sms_workers=2)
    tenant = Tenant(stack, webhook_url=customer.url)
    conversations = [conversation_of(tenant) for _ in range(10)]

    answers = [Answer(tenant, conversation) for _ in range(10) for conversation in conversations]

    eventually(lambda: len({webhook.message["id"] for webhook in customer.messages()}) == 100, "all have arrived", 30)
    for answer in answers:
        answer.becomes("sent")
    assert collections.Counter(webhook.message["id"] for webhook in customer.messages()).most_common(1)[0][1] == 1
    for conversation in conversations:
        seen = [webhook.message["sequence"] for webhook in customer.messages()
                if webhook.message["conversationId"] == conversation]
        assert seen == list(range(2, 12))


def test_a_worker_that_stops_finishes_what_it_has_begun(make_stack, customer):
    stack = make_stack(sms_workers=2)
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(delay=0.05)
    conversations = [conversation_of(tenant) for _ in range(10)]
    answers = [Answer(tenant, conversation) for _ in range(10) for conversation in conversations]

    assert stack["sms-worker-0"].stop() == 0

    for answer in answers:
        answer.becomes("sent", within=30)
    assert all(len(customer.messages(answer.text)) == 1 for answer in answers)


@pytest.mark.parametrize("point", ["delivery.after_claim", "delivery.after_http_before_complete",
                                   "delivery.complete.before_commit", "delivery.mid_complete"])
def test_a_worker_that_dies_loses_nothing_and_keeps_the_order(make_stack, customer, point):
    stack = make_stack(settings={"sms-worker": {"NEXUS_FAILPOINTS": f"{point}=kill:0.2", "NEXUS_FAILPOINT_SEED": 11}})
    worker = stack["sms-worker-0"]
    tenant = Tenant(stack, webhook_url=customer.url)
    conversation = conversation_of(tenant)
    answers = [Answer(tenant, conversation) for _ in range(20)]
    eventually(lambda: not worker.alive, "the failpoint is hit", within=20)

    worker.environment.pop("NEXUS_FAILPOINTS")
    worker.restart()
    # Nobody waits half a minute for a lease in a test: it runs out now.
    stack.query("update delivery set lease_until = now() - interval '1 s' where lease_until is not null returning 1")

    for answer in answers:
        answer.becomes("sent", within=30)
    order = list(dict.fromkeys(webhook.message["id"] for webhook in customer.messages()))
    assert order == [answer.id for answer in answers]
    assert len(customer.messages()) <= len(answers) + 1
