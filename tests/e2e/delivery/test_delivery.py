"""Outbound messages: what the receiver gets, and what becomes of a message if the receiver refuses, fails, hangs, answers
nonsense or does not listen. The ordinary case is in test_answer.py."""

import collections
import datetime
import json
import time

import pytest

from harness.answers import data_of
from harness.nexus.ports import free_port
from harness.outside.receiver import Receiver
from harness.outside.sink import Sink, plain
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.reading import messages, tables
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


@pytest.fixture
def sink_for():
    """sink_for(answer) opens a Sink, which is closed at the end of the test."""
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

def test_the_webhook_names_sender_consumer_text_and_the_place_in_the_conversation(tenant, receiver):
    phone = tenant.phone()

    message = OutboundMessage(tenant, conversation_of(tenant, phone))

    webhook = receiver.wait_for(message.text)[0]
    assert json.loads(webhook.body) == {"messages": [{
        "id": message.id, "type": "sms", "from": tenant.number, "to": phone,
        "conversationId": message.conversation, "sequence": 2, "text": message.text}]}
    assert webhook.headers["Content-Type"] == "application/json"
    assert webhook.headers["webhook-id"] == message.id
    assert abs(int(webhook.headers["webhook-timestamp"]) - time.time()) < 300


@pytest.mark.parametrize("words", ["café – ¿qué? 🙂", 'quotes " and \\ and / and </script>', "two\nlines\tand a tab", "\u2028\u0001"])
def test_the_signatures_cover_the_exact_bytes_whatever_the_text(tenant, receiver, words):
    message = OutboundMessage(tenant, text=tenant.text(words))

    webhook = receiver.wait_for(message.text)[0]

    assert webhook.signed_with(tenant.webhook_secret) == ["X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature"]


def test_the_webhook_has_the_contact_centers_custom_headers(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, headers={"X-Team": "blue", "X-Route": "a; b=c"})

    webhook = receiver.wait_for(OutboundMessage(tenant).text)[0]

    assert (webhook.headers["X-Team"], webhook.headers["X-Route"]) == ("blue", "a; b=c")


def test_both_secrets_sign_while_a_secret_is_rotated(tenant, receiver):
    former = tenant.webhook_secret
    tenant.webhook["secret"] = [tenant.text("new secret"), former]
    tenant.apply()

    webhook = receiver.wait_for(OutboundMessage(tenant).text)[0]

    assert len(webhook.headers["webhook-signature"].split()) == 2
    assert "webhook-signature" in webhook.signed_with(former)
    assert len(webhook.signed_with(tenant.webhook["secret"][0])) == 3


@pytest.mark.parametrize("body", ["", "ok", "[1]", "{}", '{"messageId":7.5}', '{"messageId":""}',
                                  json.dumps({"messageId": "x" * 500}), "{" * 5000, '{"messageId":"a\\u0000b"}'])
def test_an_answer_without_a_usable_message_id_is_accepted(tenant, receiver, body):
    receiver.answer(body=body)

    message = OutboundMessage(tenant).becomes("sent")

    assert messages.message(tenant, message.id)["providerId"] is None


def test_a_message_id_may_be_a_number(tenant, receiver):
    receiver.answer(body='{"messageId":7001}')

    message = OutboundMessage(tenant).becomes("sent")

    assert messages.message(tenant, message.id)["providerId"] == "7001"


# --- a receiver that fails for a while ---

@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 504])
def test_a_message_is_sent_again_under_the_same_id_after_a_temporary_failure(tenant, receiver, status):
    receiver.answer(status=status)
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)

    receiver.answer(status=200)

    message.becomes("sent")
    webhooks = receiver.messages(message.text)
    failures = len(webhooks) - 1  # one, unless the new answer came later than the second attempt
    assert failures >= 1
    assert [attempt["answer"]["status"] for attempt in messages.attempts(tenant, message.id)] == [status] * failures + [200]
    assert {webhook.headers["webhook-id"] for webhook in webhooks} == {message.id}
    assert gaps(webhooks)[0] >= 0.5


def test_each_attempt_waits_longer_than_the_one_before(tenant, receiver):
    receiver.answer(status=503)
    message = OutboundMessage(tenant)

    webhooks = receiver.wait_for(message.text, count=4, within=25)[:4]

    first, second, third = gaps(webhooks)
    assert 0.5 <= first and 1.0 <= second and 2.0 <= third
    assert len({webhook.headers["X-B3-TraceId"] for webhook in webhooks}) == 1


def test_after_429_the_sender_waits_as_long_as_requested(tenant, receiver):
    receiver.answer(status=429, headers={"Retry-After": "3"})
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)

    receiver.answer(status=200)

    assert gaps(receiver.wait_for(message.text, count=2))[0] >= 3.0


def test_a_message_waits_for_a_receiver_that_does_not_listen_yet(nexus, sink_for):
    port = free_port()
    message = OutboundMessage(Tenant(nexus, webhook_url=f"http://127.0.0.1:{port}/sms"))
    eventually(lambda: messages.attempts(message.tenant, message.id), "an attempt has failed")

    sink = sink_for(plain(200), port=port)

    message.becomes("sent", within=30)  # after a second attempt in vain the breaker is open for half a minute
    assert len(sink.requests) == 1


def test_messages_of_a_conversation_stay_in_order_when_one_fails(tenant, receiver):
    receiver.answer(status=503)
    first = OutboundMessage(tenant)
    receiver.wait_for(first.text)
    later = [OutboundMessage(tenant, first.conversation) for _ in range(3)]
    elsewhere = OutboundMessage(tenant)

    receiver.wait_for(elsewhere.text)
    assert receiver.messages(later[0].text) == []
    receiver.answer(status=200)

    later[-1].becomes("sent", within=30)
    seen = [webhook.message["sequence"] for webhook in receiver.messages()
            if webhook.message["conversationId"] == first.conversation]
    assert list(dict.fromkeys(seen)) == sorted(set(seen)) == [2, 3, 4, 5]


def test_a_conversation_that_was_delayed_continues_without_pauses(tenant, receiver):
    busy = conversation_of(tenant)
    receiver.answer(delay=3)
    first = OutboundMessage(tenant)
    delayed = [OutboundMessage(tenant, first.conversation) for _ in range(24)]
    receiver.wait_for(first.text)
    receiver.answer()

    def claims_continue():
        receiver.wait_for(OutboundMessage(tenant, busy).text)
        return receiver.messages(delayed[0].text)

    eventually(claims_continue, "the first delayed message is sent", within=30)
    receiver.wait_for(delayed[-1].text)  # this would take longer if only sweeps found messages, one each


def test_an_expired_message_is_not_sent(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, validity="2s")
    receiver.answer(status=503)

    message = OutboundMessage(tenant).becomes("expired")

    assert message.undelivered[0] == "expired"
    count = len(receiver.messages(message.text))
    receiver.answer(status=200)
    tenant.options["validity"] = "1h"  # the next one must not expire on a slow machine
    tenant.apply()
    next_one = OutboundMessage(tenant, message.conversation).becomes("sent")
    assert (len(receiver.messages(message.text)), len(receiver.messages(next_one.text))) == (count, 1)


# --- a receiver that refuses ---

@pytest.mark.parametrize("status", [400, 405, 413, 415, 422, 451])
def test_a_message_is_sent_only_once_if_the_failure_is_permanent(tenant, receiver, status):
    receiver.answer(status=status)

    message = OutboundMessage(tenant).becomes("failed")

    assert message.undelivered == ("refused", status, 1)
    assert len(receiver.messages(message.text)) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(nexus, sink_for, status):
    elsewhere = sink_for(plain(200))
    sink = sink_for(plain(status, Location=elsewhere.url))

    message = OutboundMessage(Tenant(nexus, webhook_url=sink.url)).becomes("failed")

    assert message.undelivered == ("refused", status, 1)
    assert (len(sink.requests), elsewhere.connections) == (1, 0)


def wait_after_gone(tenant, receiver):
    """An outbound message that got 410 and waits, and a second one behind it."""
    receiver.answer(status=410)
    first = OutboundMessage(tenant)
    eventually(lambda: messages.attempts(tenant, first.id), "the first attempt has failed")
    receiver.answer(status=200)
    return first, OutboundMessage(tenant, first.conversation)


def test_a_message_that_got_410_is_sent_when_the_same_webhook_is_provisioned_again(tenant, receiver):
    first, second = wait_after_gone(tenant, receiver)

    tenant.apply()

    first.becomes("sent")
    second.becomes("sent")


def test_a_message_that_got_410_is_sent_to_the_new_url_of_the_webhook(tenant, receiver):
    first, second = wait_after_gone(tenant, receiver)
    moved = Receiver()
    tenant.webhook["url"] = moved.url

    tenant.apply()

    first.becomes("sent")
    second.becomes("sent")
    assert [len(moved.messages(answer.text)) for answer in (first, second)] == [1, 1]
    moved.close()


# --- replay ---

def failed(tenant, receiver, count=1, status=400):
    receiver.answer(status=status)
    outbound = [OutboundMessage(tenant) for _ in range(count)]
    for message in outbound:
        message.becomes("failed")
    receiver.answer(status=200)
    return outbound


def assert_sent_again(outbound, receiver):
    for message in outbound:
        message.becomes("sent")
        assert [webhook.message["id"] for webhook in receiver.messages(message.text)] == [message.id] * 2
        assert message.undelivered is None


def seconds_from_now(seconds):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_replay_by_reason_sends_the_messages_that_failed_for_it_under_their_ids(tenant, receiver):
    refused = failed(tenant, receiver, 3)

    nothing = tenant.stack.nexusctl("replay", "--tenant", tenant.ccid, "--reason", "exhausted", "--json")
    done = tenant.stack.nexusctl("replay", "--tenant", tenant.ccid, "--reason", "refused", "--json")

    assert (json.loads(nothing.stdout)["replayed"], json.loads(done.stdout)["replayed"]) == (0, 3)
    assert_sent_again(refused, receiver)


def test_replay_by_time_sends_the_messages_that_failed_in_that_time(tenant, receiver):
    outbound = failed(tenant, receiver, 2)
    replay = ("replay", "--tenant", tenant.ccid, "--json")

    before = tenant.stack.nexusctl(*replay, "--to", seconds_from_now(-3600))
    after = tenant.stack.nexusctl(*replay, "--from", seconds_from_now(+3600))
    within = tenant.stack.nexusctl(*replay, "--from", seconds_from_now(-3600), "--to", seconds_from_now(+3600), "--by", "night shift")

    assert [json.loads(done.stdout)["replayed"] for done in (before, after, within)] == [0, 0, 2]
    assert_sent_again(outbound, receiver)
    replays = [step for message in outbound for step in messages.timeline(tenant, message.id)["steps"] if step["step"] == "replayed"]
    assert {step["text"] for step in replays} == {"sent again by night shift"}


def test_replay_over_http_takes_ids_and_returns_the_count(tenant, receiver):
    chosen, other = failed(tenant, receiver, 2)
    operator = tenant.agent()
    operator.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    listed = data_of(operator.get("/nexus/v3/undelivered"))["undelivered"]
    assert {(row["id"], row["reason"], row["status"]) for row in listed} == {(a.id, "refused", 400) for a in (chosen, other)}

    done = operator.post("/nexus/v3/undelivered/replay", json={"ids": [chosen.id]})

    assert done.status_code == 200, done.text
    assert data_of(done)["replayed"] == 1
    assert_sent_again([chosen], receiver)
    assert len(receiver.messages(other.text)) == 1 and other.state == "failed"


def test_a_replay_sends_nothing_to_a_consumer_who_has_sent_stop_since(tenant, receiver):
    phone = tenant.phone()
    receiver.answer(status=400)
    message = OutboundMessage(tenant, conversation_of(tenant, phone)).becomes("failed")
    receiver.answer(status=200)
    tenant.aggregator().message(phone, "STOP")

    tenant.stack.nexusctl("replay", "--id", message.id)

    message.becomes("opted_out")
    assert len(receiver.messages(message.text)) == 1


# --- opting out ---

def destination_of(tenant):
    return data_of(tenant.known_administrator().get("/nexus/v3/destinations"))["destinations"][0]


def test_a_stop_also_ends_a_message_that_waits_for_its_next_attempt(tenant, receiver):
    phone = tenant.phone()
    receiver.answer(status=503, headers={"Retry-After": "600"})
    message = OutboundMessage(tenant, conversation_of(tenant, phone))
    eventually(lambda: messages.attempts(tenant, message.id), "the first attempt has failed")

    assert tenant.aggregator().message(phone, "STOP").status_code == 200
    receiver.answer(status=200)
    tried = tenant.known_administrator().post(f"/nexus/v3/destinations/{destination_of(tenant)['id']}/try")  # its next attempt is due
    assert tried.status_code == 200

    message.becomes("opted_out")
    assert len(receiver.messages(message.text)) == 1 and message.undelivered is None


def test_after_start_outbound_messages_are_sent_again(tenant, receiver):
    phone = tenant.phone()
    tenant.aggregator().message(phone, "STOP")
    unwanted = OutboundMessage(tenant, conversation_of(tenant, phone)).becomes("opted_out")

    tenant.aggregator().message(phone, "START")

    OutboundMessage(tenant, unwanted.conversation).becomes("sent")
    assert receiver.messages(unwanted.text) == []


def test_a_stop_affects_one_consumer_only(tenant, receiver):
    stopped, other = tenant.phone(), tenant.phone()
    tenant.aggregator().message(stopped, "STOP")

    OutboundMessage(tenant, conversation_of(tenant, other)).becomes("sent")


# --- several destinations, several workers ---

def breaker_of(tenant):
    return destination_of(tenant)["state"]


def test_a_dead_destination_is_soon_not_called_any_more_and_delays_no_other(nexus, receiver):
    dead = Receiver()
    dead.answer(status=503)
    failing, working = Tenant(nexus, webhook_url=dead.url), Tenant(nexus, webhook_url=receiver.url)
    outbound = []

    for _ in range(40):
        OutboundMessage(failing)
        outbound.append(OutboundMessage(working))

    for message in outbound:
        message.becomes("sent")
    eventually(lambda: breaker_of(failing) != "closed", "the breaker is open")
    assert len(dead.messages()) < 40
    assert all(len(receiver.messages(message.text)) == 1 for message in outbound)
    eventually(lambda: nexus.metric("nexus_breaker_destinations", state="open") >= 1, "the metric shows the open breaker")
    dead.close()


def test_the_breaker_of_an_unreachable_destination_opens_and_no_delivery_stays_leased(nexus, receiver):
    dead = Tenant(nexus, webhook_url="http://127.0.0.1:1/")
    for _ in range(6):
        OutboundMessage(dead)

    eventually(lambda: breaker_of(dead) == "open", "the breaker is open")

    OutboundMessage(Tenant(nexus, webhook_url=receiver.url)).becomes("sent")
    eventually(lambda: tables.leased(dead) == 0, "no delivery stays leased")


def test_two_workers_send_no_message_twice(make_stack, receiver):
    stack = make_stack(sms_workers=2)
    tenant = Tenant(stack, webhook_url=receiver.url)
    conversations = [conversation_of(tenant) for _ in range(10)]

    outbound = [OutboundMessage(tenant, conversation) for _ in range(10) for conversation in conversations]

    eventually(lambda: len({webhook.message["id"] for webhook in receiver.messages()}) == 100, "all have arrived", 30)
    for message in outbound:
        message.becomes("sent")
    assert collections.Counter(webhook.message["id"] for webhook in receiver.messages()).most_common(1)[0][1] == 1
    for conversation in conversations:
        seen = [webhook.message["sequence"] for webhook in receiver.messages()
                if webhook.message["conversationId"] == conversation]
        assert seen == list(range(2, 12))


def test_a_worker_that_stops_finishes_the_deliveries_it_has_begun(make_stack, receiver):
    stack = make_stack(sms_workers=2)
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(delay=0.05)
    conversations = [conversation_of(tenant) for _ in range(10)]
    outbound = [OutboundMessage(tenant, conversation) for _ in range(10) for conversation in conversations]

    assert stack["sms-worker-0"].stop() == 0

    for message in outbound:
        message.becomes("sent", within=30)
    assert all(len(receiver.messages(message.text)) == 1 for message in outbound)


@pytest.mark.parametrize("point", ["delivery.after_claim", "delivery.after_http_before_complete",
                                   "delivery.complete.before_commit", "delivery.mid_complete"])
def test_a_worker_that_dies_loses_nothing_and_keeps_the_order(make_stack, receiver, point):
    stack = make_stack(settings={"sms-worker": {"NEXUS_FAILPOINTS": f"{point}=kill:0.2", "NEXUS_FAILPOINT_SEED": 11}})
    worker = stack["sms-worker-0"]
    tenant = Tenant(stack, webhook_url=receiver.url)
    conversation = conversation_of(tenant)
    outbound = [OutboundMessage(tenant, conversation) for _ in range(20)]
    eventually(lambda: not worker.alive, "the failpoint is hit", within=20)

    worker.environment.pop("NEXUS_FAILPOINTS")
    worker.restart()
    # A lease lasts half a minute; the test ends it now.
    stack.query("update delivery set lease_until = now() - interval '1 s' where lease_until is not null returning 1")

    for message in outbound:
        message.becomes("sent", within=30)
    order = list(dict.fromkeys(webhook.message["id"] for webhook in receiver.messages()))
    assert order == [message.id for message in outbound]
    assert len(receiver.messages()) <= len(outbound) + 1
