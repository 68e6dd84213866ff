"""Timelines: every possible history of a message is shown from the data in PostgreSQL."""

import json
import threading
import uuid

import pytest

from harness.answers import data_of
from harness.nexus.stack import Stack
from harness.outside.sink import Sink, plain
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.reading.timeline import Timeline, path, timeline_reader, without_waiting
from harness.wait import LONGEST_ANSWER, eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


@pytest.fixture(scope="module")
def impatient(postgres, template):
    """A receiver has five seconds for an answer (in less a busy machine may not even connect), and a message has two attempts."""
    stack = Stack(postgres, template, settings={
        "sms-worker": {"NEXUS_WEBHOOK_TIMEOUT": "5s", "NEXUS_DELIVERY_ATTEMPTS": 2}}).start()
    yield stack
    stack.finish()


def decisions(timeline):
    return [step["decision"] for step in timeline.steps]


# --- texts ---

def test_a_repeated_text_is_accepted_once_and_its_timeline_shows_the_repetitions(tenant):
    phone, name = tenant.phone(), uuid.uuid4().hex
    first = data_of(tenant.aggregator().message(phone, "hi there", message_id=name))
    for _ in range(2):
        assert data_of(tenant.aggregator().message(phone, "hi there", message_id=name)) == first

    timeline = Timeline(tenant, first["messageId"])

    assert timeline.names == ["accepted", "repeated"]
    assert timeline.one("accepted")["process"] == "sms-worker-0"
    assert decisions(timeline) == ["dedupe: new", "dedupe: repeated"]
    assert "again 2 times" in timeline.one("repeated")["text"]
    assert timeline.message["externalId"] == name and timeline.message["phone"] == "…" + phone[-2:]
    assert Timeline(tenant, name).data["steps"] == timeline.steps


def test_a_waiting_part_is_reported_and_a_copy_of_a_part_is_found_in_its_text(tenant):
    phone, first, again, second = tenant.phone(), *(uuid.uuid4().hex for _ in range(3))
    text = tenant.text("part")

    def part(number, name, text):
        return tenant.aggregator().message(phone, text, message_id=name, concat_reference="77", concat_total=2, concat_part=number)

    waiting = data_of(part(1, first, text))["messageId"]
    part(1, again, text)
    for word in (first, waiting, again):
        answer = timeline_reader(tenant).get(path(word))
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(f'"{word}" is part 1 of 2 of a long text and has waited for the rest since ')

    whole = data_of(part(2, second, tenant.text("rest")))["messageId"]
    timelines = [Timeline(tenant, word) for word in (first, again, second)]
    assert len({timeline.message["id"] for timeline in timelines}) == 1 and whole
    assert timelines[0].names == ["part", "copy", "part", "accepted"]


def test_the_parts_of_a_long_text_are_shown_in_the_order_of_arrival(tenant):
    phone, reference = tenant.phone(), uuid.uuid4().hex
    names = [uuid.uuid4().hex for _ in range(3)]
    for part in (2, 3, 1):
        tenant.aggregator().message(phone, tenant.text("part"), message_id=names[part - 1], concat_reference=reference,
                                    concat_total=3, concat_part=part)

    timeline = Timeline(tenant, names[2])

    assert timeline.names == ["part", "part", "part", "accepted"]
    assert [step["text"].split(" came")[0] for step in timeline.all("part")] == ["part 2 of 3", "part 3 of 3", "part 1 of 3"]
    assert timeline.data["matches"][0]["called"] == "part" or timeline.data["matches"][0]["called"] == "sender"


def test_the_timelines_of_stop_and_start_show_that_the_opt_out_was_set_and_cleared(tenant):
    phone = tenant.phone()
    stop = data_of(tenant.aggregator().message(phone, "STOP"))["messageId"]
    start = data_of(tenant.aggregator().message(phone, "START"))["messageId"]

    assert Timeline(tenant, stop).one("opt_out")["decision"] == "opt-out: set"
    assert Timeline(tenant, start).one("opt_out")["decision"] == "opt-out: cleared"


# --- outbound messages ---

def test_the_timeline_of_a_delivered_message_shows_claim_webhook_and_receipts(tenant, receiver):
    message = OutboundMessage(tenant).becomes("sent")
    webhook = receiver.messages(message.text)[0]
    provider_id = Timeline(tenant, message.id).message["providerId"]
    tenant.aggregator().receipt(provider_id, 1)
    tenant.aggregator().receipt(provider_id, 2, result_code=0)
    tenant.aggregator().receipt(provider_id, 5)

    timeline = Timeline(tenant, provider_id)

    assert timeline.names == ["accepted", "claimed", "attempt", "receipt", "receipt", "receipt"]
    assert decisions(timeline) == ["dedupe: new", "gate: passed; breaker: closed", "class: ok", "receipt: nothing final",
                                   "receipt: applied", "receipt: ignored"]
    assert [step["process"] for step in timeline.steps[:3]] == ["chat-worker-0", "sms-worker-0", "sms-worker-0"]
    assert timeline.message["state"] == "delivered" and "late" in timeline.steps[-1]["text"]
    assert [step["afterMs"] for step in timeline.steps] == sorted(step["afterMs"] for step in timeline.steps)
    request = timeline.one("attempt")["request"]
    assert (request["method"], request["path"], request["bytes"]) == ("POST", "/sms", len(webhook.body))
    assert f"http://{request['host']}/sms" == receiver.url and not request["changed"]
    ours = {name for name in webhook.headers if name not in ("Host", "User-Agent", "Accept", "Content-Length")}
    assert {header["name"] for header in request["headers"]} == ours
    for header in request["headers"]:
        assert header["value"] in (None, "***") or header["value"].rstrip("…") in webhook.headers[header["name"]]
    assert timeline.one("attempt")["answer"]["excerpt"] is None


def test_a_receipt_that_arrives_before_its_messages_id_is_known_is_shown_as_early(nexus):
    provider_id, may_answer = f"theirs-{uuid.uuid4().hex}", threading.Event()

    def answer(connection):
        may_answer.wait(LONGEST_ANSWER)
        plain(200, json.dumps({"messageId": provider_id}).encode())(connection)

    sink = Sink(answer)
    tenant = Tenant(nexus, webhook_url=sink.url)
    message = OutboundMessage(tenant)
    eventually(lambda: sink.requests, "the webhook arrives")
    assert not data_of(tenant.aggregator().receipt(provider_id, 2))["bound"]
    may_answer.set()
    message.becomes("delivered")
    sink.close()

    receipt = Timeline(tenant, message.id).one("receipt")

    assert receipt["decision"] == "receipt: applied" and "before its message's id was known" in receipt["text"]


def test_a_failed_attempt_shows_the_answer_without_its_words(tenant, receiver):
    phone = tenant.phone()
    receiver.answer_once(status=503, body=json.dumps(
        {"error": {"code": 30007, "message": tenant.text("for"), "to": phone}, phone: [int(phone[1:]), True, None]}))
    message = OutboundMessage(tenant, conversation_of(tenant, phone))
    message.becomes("sent")

    timeline = Timeline(tenant, message.id)

    assert timeline.names == ["accepted", "claimed", "attempt", "claimed", "attempt"]
    first, second = timeline.all("attempt")
    assert (first["decision"], second["decision"]) == ("class: retry", "class: ok")
    assert first["answer"]["status"] == 503 and "again in" in first["text"]
    assert first["answer"]["excerpt"] == '{"error":{"code":30007,"message":"*16","to":"*13"},"*13":[#,true,null]}'
    assert "attempt 2" in timeline.table


def test_a_message_to_a_dead_destination_is_held_back_by_the_breaker_until_it_moves(nexus, receiver):
    tenant = Tenant(nexus, webhook_url="http://127.0.0.1:1/")
    outbound = [OutboundMessage(tenant) for _ in range(6)]

    def is_held():
        timeline = Timeline(tenant, outbound[-1].id)
        # After half a minute a probe is due, and if it fails the breaker is open again.
        return [step["decision"] for step in timeline.all("waiting")] == ["breaker: open"] and timeline.all("held_back") and timeline

    held = eventually(is_held, "the timeline shows the breaker")
    assert held.one("held_back")["until"] is None
    assert held.all("attempt") == [] or held.all("attempt")[0]["decision"] == "class: not sent"

    tenant.webhook["url"] = receiver.url
    tenant.apply()
    for message in outbound:
        message.becomes("sent")

    timeline = Timeline(tenant, outbound[-1].id)
    hold = timeline.one("held_back")
    assert hold["decision"] == "breaker: open" and hold["at"] < hold["until"] <= timeline.all("claimed")[-1]["at"]
    assert "waiting" not in timeline.names


def test_an_unreachable_receiver_is_shown_differently_from_one_that_does_not_answer(nexus):
    message = OutboundMessage(Tenant(nexus, webhook_url="http://127.0.0.1:1/"))

    eventually(lambda: "it was not reached, after" in "".join(step["text"] for step in Timeline(message.tenant, message.id).steps),
               "the timeline shows the first attempt")


def test_a_message_that_was_not_sent_because_of_a_stop_names_the_stop(tenant):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    stop = data_of(tenant.aggregator().message(phone, "STOP"))["messageId"]

    message = OutboundMessage(tenant, conversation).becomes("opted_out")

    timeline = Timeline(tenant, message.id)
    assert timeline.names == ["accepted", "opted_out"]
    assert timeline.one("opted_out")["decision"] == "gate: opted out" and stop in timeline.one("opted_out")["text"]


def test_an_expired_message_shows_that_it_expired(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, validity="10s")  # enough for a first attempt on a busy machine
    receiver.answer(status=503)

    message = OutboundMessage(tenant).becomes("expired")

    timeline = Timeline(tenant, message.id)
    assert timeline.names[0] == "accepted" and timeline.names[-2:] == ["expired", "undelivered"]
    assert timeline.one("expired")["decision"] == "gate: expired" and "attempt" in timeline.names


def test_a_message_that_may_have_arrived_is_shown_as_uncertain(impatient, receiver):
    tenant = Tenant(impatient, webhook_url=receiver.url, uncertain="hold")
    receiver.answer(delay=20)

    message = OutboundMessage(tenant).becomes("uncertain")

    timeline = Timeline(tenant, message.id)
    assert timeline.names == ["accepted", "claimed", "attempt", "undelivered"]
    assert timeline.one("attempt")["decision"] == "class: uncertain"
    assert timeline.one("undelivered")["decision"] == "undelivered: uncertain"
    assert timeline.one("attempt")["answer"]["status"] is None and timeline.one("attempt")["answer"]["excerpt"]


def test_a_replay_shows_its_user_and_the_failure_before(tenant, receiver):
    receiver.answer(status=400, body="<h1>No</h1>")
    message = OutboundMessage(tenant).becomes("failed")
    failed = Timeline(tenant, message.id)
    assert failed.names == ["accepted", "claimed", "attempt", "undelivered"]
    assert failed.one("attempt")["answer"] == {"status": 400, "durationMs": failed.one("attempt")["answer"]["durationMs"],
                                               "excerpt": "11 bytes that are not JSON"}
    receiver.answer(status=200)
    tenant.stack.nexusctl("replay", "--id", message.id, "--by", "night shift")
    message.becomes("sent")

    timeline = Timeline(tenant, message.id)

    assert timeline.names == ["accepted", "claimed", "attempt", "undelivered", "replayed", "claimed", "attempt"]
    assert [step["attempt"] for step in timeline.all("attempt")] == [1, 2]
    assert (timeline.one("undelivered")["decision"], timeline.one("undelivered")["attempt"]) == ("undelivered: refused", 1)
    assert timeline.one("replayed")["text"] == "sent again by night shift"
    assert [step["decision"] for step in timeline.all("attempt")] == ["class: permanent", "class: ok"]


def test_the_timeline_shows_a_worker_that_died_between_sending_and_storing(make_stack, receiver):
    stack = make_stack(settings={"sms-worker": {"NEXUS_FAILPOINTS": "delivery.after_http_before_complete=kill:1"}})
    tenant, worker = Tenant(stack, webhook_url=receiver.url), stack["sms-worker-0"]
    message = OutboundMessage(tenant)
    eventually(lambda: not worker.alive, "the failpoint is hit", within=20)
    worker.environment.pop("NEXUS_FAILPOINTS")
    stack.bring_back("sms-worker-0")
    # A lease lasts half a minute; the test ends it now.
    stack.query("update delivery set lease_until = now() - interval '1 ms' where lease_until is not null returning 1")
    message.becomes("sent", within=30)

    timeline = Timeline(tenant, message.id)

    assert timeline.names == ["accepted", "lost", "claimed", "attempt"]
    assert timeline.one("lost")["process"] == "sms-worker-0" and "may have left" in timeline.one("lost")["text"]


# --- timelines need only PostgreSQL ---

def test_a_timeline_is_the_same_after_all_processes_were_restarted(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(status=503)
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)
    receiver.answer(status=200)
    message.becomes("sent")
    before = Timeline(tenant, message.id)
    names = [name for name, process in stack.processes.items() if process.alive]

    for name in names:
        stack[name].stop()
    offline = stack.nexusctl("explain", message.id, "--json").stdout
    stack.postgres.stop()
    stack.postgres.restart()
    for name in names:
        stack[name].restart()
    stack.wait_for("green")

    assert without_waiting(json.loads(offline)) == without_waiting(before.data)
    assert Timeline(tenant, message.id).data == before.data


def test_deleted_history_is_shown_as_deleted(tenant):
    message = OutboundMessage(tenant).becomes("sent")
    tenant.stack.query("select upkeep_forgotten(30)")
    assert "forgotten" not in Timeline(tenant, message.id).names

    # The ledger's entries move with the message, so that the ledger stays balanced.
    tenant.stack.query("""with moved as (update message set created = created - interval '40 days' where id = %s
                                         returning tenant_id, channel_id, state)
                          insert into ledger_entry (tenant_id, channel_id, direction, day, accepted, state, messages)
                          select m.tenant_id, m.channel_id, 2, (now() at time zone 'utc')::date - d.ago, d.one, m.state, d.one
                            from moved m cross join (values (40, 1), (0, -1)) d (ago, one)""", message.id)

    forgotten = Timeline(tenant, message.id).one("forgotten")
    assert "are not kept any more" in forgotten["text"] and forgotten["until"] > forgotten["at"]


# --- ids by which messages are found ---

def test_all_messages_with_an_ambiguous_id_are_listed(tenant, receiver):
    name = uuid.uuid4().hex
    theirs = data_of(tenant.aggregator().message(message_id=name))["messageId"]
    receiver.answer(body=json.dumps({"messageId": name}))
    ours = OutboundMessage(tenant).becomes("sent")

    timeline = Timeline(tenant, name)

    assert timeline.steps == []
    assert [(match["called"], match["message"]["id"]) for match in timeline.data["matches"]] == [
        ("sender", theirs), ("provider", ours.id)]
    assert "several messages have this id" in timeline.table


def test_all_texts_with_the_same_message_id_are_found(tenant):
    name = uuid.uuid4().hex
    ids = {data_of(tenant.aggregator().message(tenant.phone(), message_id=name))["messageId"] for _ in range(3)}

    timeline = Timeline(tenant, name)

    assert {match["message"]["id"] for match in timeline.data["matches"]} == ids
    assert {match["called"] for match in timeline.data["matches"]} == {"sender"}


def test_an_outbound_message_is_found_by_its_client_id(tenant):
    name = f"of the client/{uuid.uuid4().hex}"
    conversation = conversation_of(tenant)
    posted = data_of(tenant.agent().send(conversation, client_id=name))["id"]
    eventually(lambda: tenant.agent().transcript(conversation)[-1]["state"] == "sent", "the message was sent")

    timeline = Timeline(tenant, name)

    assert timeline.message["id"] == posted and timeline.data["matches"][0]["called"] == "client"


def test_messages_of_another_contact_center_are_not_found(tenant, nexus, receiver):
    other = Tenant(nexus, webhook_url=receiver.url)
    name = uuid.uuid4().hex
    theirs = data_of(other.aggregator().message(message_id=name))["messageId"]
    outbound = OutboundMessage(other).becomes("sent")
    provider_id = Timeline(other, outbound.id).message["providerId"]

    words = (theirs, name, outbound.id, provider_id, "nobody's", str(uuid.uuid4()))
    refused = [timeline_reader(tenant).get(path(word)) for word in words]

    assert [(answer.status_code, answer.json()["detail"]) for answer in refused] == \
        [(404, f'no message is called "{word}"') for word in words]
