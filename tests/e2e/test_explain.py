"""Explain this message: every fate a message can have is told from what PostgreSQL holds. The gateway of the customer
has half a second here, and a message two attempts, where a test needs that."""

import json
import uuid

import pytest

from harness.people import Answer, Tenant, conversation_of
from harness.stack import Stack
from harness.timeline import Timeline, asker, lasting, path
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


@pytest.fixture(scope="module")
def impatient(postgres, template):
    stack = Stack(postgres, template, settings={
        "sms-worker": {"NEXUS_WEBHOOK_TIMEOUT": "500ms", "NEXUS_DELIVERY_ATTEMPTS": 2}}).start()
    yield stack
    stack.finish()


def decisions(timeline):
    return [step["decision"] for step in timeline.steps]


# --- what came in ---

def test_a_text_that_came_twice_is_accepted_once_and_both_are_told(tenant):
    phone, name = tenant.phone(), uuid.uuid4().hex
    first = tenant.aggregator().message(phone, "hi there", message_id=name).json()["data"]
    for _ in range(2):
        assert tenant.aggregator().message(phone, "hi there", message_id=name).json()["data"] == first

    timeline = Timeline(tenant, first["messageId"])

    assert timeline.names == ["accepted", "repeated"]
    assert timeline.one("accepted")["process"] == "sms-worker-0"
    assert decisions(timeline) == ["dedupe: new", "dedupe: repeated"]
    assert "again 2 times" in timeline.one("repeated")["text"]
    assert timeline.message["externalId"] == name and timeline.message["phone"] == "…" + phone[-2:]
    assert Timeline(tenant, name).data["steps"] == timeline.steps


def test_a_part_that_waits_says_so_and_a_copy_of_one_leads_to_its_text(tenant):
    phone, first, again, second = tenant.phone(), *(uuid.uuid4().hex for _ in range(3))
    text = tenant.text("part")

    def part(number, name, text):
        return tenant.aggregator().message(phone, text, message_id=name, concat_reference="77", concat_total=2, concat_part=number)

    waiting = part(1, first, text).json()["data"]["messageId"]
    part(1, again, text)
    for word in (first, waiting, again):
        answer = asker(tenant).get(path(word))
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(f'"{word}" is part 1 of 2 of a long text and has waited for the rest since ')

    whole = part(2, second, tenant.text("rest")).json()["data"]["messageId"]
    timelines = [Timeline(tenant, word) for word in (first, again, second)]
    assert len({timeline.message["id"] for timeline in timelines}) == 1 and whole
    assert timelines[0].names == ["part", "copy", "part", "accepted"]


def test_the_parts_of_a_long_text_are_told_in_the_order_they_came(tenant):
    phone, reference = tenant.phone(), uuid.uuid4().hex
    names = [uuid.uuid4().hex for _ in range(3)]
    for part in (2, 3, 1):
        tenant.aggregator().message(phone, tenant.text("part"), message_id=names[part - 1], concat_reference=reference,
                                    concat_total=3, concat_part=part)

    timeline = Timeline(tenant, names[2])

    assert timeline.names == ["part", "part", "part", "accepted"]
    assert [step["text"].split(" came")[0] for step in timeline.all("part")] == ["part 2 of 3", "part 3 of 3", "part 1 of 3"]
    assert timeline.data["matches"][0]["called"] == "part" or timeline.data["matches"][0]["called"] == "sender"


def test_a_stop_tells_what_it_did_and_a_start_that_it_is_over(tenant):
    phone = tenant.phone()
    stop = tenant.aggregator().message(phone, "STOP").json()["data"]["messageId"]
    start = tenant.aggregator().message(phone, "START").json()["data"]["messageId"]

    assert Timeline(tenant, stop).one("opt_out")["decision"] == "opt-out: set"
    assert Timeline(tenant, start).one("opt_out")["decision"] == "opt-out: cleared"


# --- what went out ---

def test_a_delivered_message_tells_its_claim_its_webhook_and_its_receipt(tenant, customer):
    answer = Answer(tenant).becomes("sent")
    webhook = customer.messages(answer.text)[0]
    provider_id = Timeline(tenant, answer.id).message["providerId"]
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
    assert f"http://{request['host']}/sms" == customer.url and not request["changed"]
    ours = {name for name in webhook.headers if name not in ("Host", "User-Agent", "Accept", "Content-Length")}
    assert {header["name"] for header in request["headers"]} == ours
    for header in request["headers"]:
        assert header["value"] in (None, "***") or header["value"].rstrip("…") in webhook.headers[header["name"]]
    assert timeline.one("attempt")["answer"]["excerpt"] is None


def test_a_receipt_that_comes_before_its_message_is_known_is_told_as_early(tenant, customer):
    provider_id = f"theirs-{uuid.uuid4().hex}"
    customer.answer(delay=0.5, body=json.dumps({"messageId": provider_id}))
    answer = Answer(tenant)
    customer.wait_for(answer.text)
    assert not tenant.aggregator().receipt(provider_id, 2).json()["data"]["bound"]
    answer.becomes("delivered")

    receipt = Timeline(tenant, answer.id).one("receipt")

    assert receipt["decision"] == "receipt: applied" and "before its message's id was known" in receipt["text"]


def test_what_was_tried_again_after_a_503_shows_the_answer_without_its_words(tenant, customer):
    phone = tenant.phone()
    customer.answer(status=503, body=json.dumps(
        {"error": {"code": 30007, "message": tenant.text("for"), "to": phone}, phone: [int(phone[1:]), True, None]}))
    answer = Answer(tenant, conversation_of(tenant, phone))
    customer.wait_for(answer.text)
    customer.answer(status=200)
    answer.becomes("sent")

    timeline = Timeline(tenant, answer.id)

    assert timeline.names == ["accepted", "claimed", "attempt", "claimed", "attempt"]
    first, second = timeline.all("attempt")
    assert (first["decision"], second["decision"]) == ("class: retry", "class: ok")
    assert first["answer"]["status"] == 503 and "again in" in first["text"]
    assert first["answer"]["excerpt"] == '{"error":{"code":30007,"message":"*16","to":"*13"},"*13":[#,true,null]}'
    assert "attempt 2" in timeline.table


def test_what_waits_for_a_dead_destination_is_held_back_by_the_breaker_until_it_moves(nexus, customer):
    tenant = Tenant(nexus, webhook_url="http://127.0.0.1:1/")
    answers = [Answer(tenant) for _ in range(6)]
    eventually(lambda: "held_back" in Timeline(tenant, answers[-1].id).names, "the breaker is told of")
    held = Timeline(tenant, answers[-1].id)
    assert held.one("held_back")["until"] is None and held.one("waiting")["decision"] == "breaker: open"
    assert held.all("attempt") == [] or held.all("attempt")[0]["decision"] == "class: not sent"

    tenant.webhook["url"] = customer.url
    tenant.apply()
    for answer in answers:
        answer.becomes("sent")

    timeline = Timeline(tenant, answers[-1].id)
    hold = timeline.one("held_back")
    assert hold["decision"] == "breaker: open" and hold["at"] < hold["until"] <= timeline.all("claimed")[-1]["at"]
    assert "waiting" not in timeline.names


def test_a_receiver_that_was_not_reached_is_told_apart_from_one_that_does_not_answer(nexus):
    answer = Answer(Tenant(nexus, webhook_url="http://127.0.0.1:1/"))

    eventually(lambda: "it was not reached, after" in "".join(step["text"] for step in Timeline(answer.tenant, answer.id).steps),
               "the first attempt is told")


def test_what_was_not_sent_because_of_a_stop_says_which(tenant):
    phone = tenant.phone()
    conversation = conversation_of(tenant, phone)
    stop = tenant.aggregator().message(phone, "STOP").json()["data"]["messageId"]

    answer = Answer(tenant, conversation).becomes("opted_out")

    timeline = Timeline(tenant, answer.id)
    assert timeline.names == ["accepted", "opted_out"]
    assert timeline.one("opted_out")["decision"] == "gate: opted out" and stop in timeline.one("opted_out")["text"]


def test_what_was_too_late_says_so(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, validity="2s")
    customer.answer(status=503)

    answer = Answer(tenant).becomes("expired")

    timeline = Timeline(tenant, answer.id)
    assert timeline.names[0] == "accepted" and timeline.names[-2:] == ["expired", "undelivered"]
    assert timeline.one("expired")["decision"] == "gate: expired" and "attempt" in timeline.names


def test_what_may_have_arrived_is_told_as_uncertain(impatient, customer):
    tenant = Tenant(impatient, webhook_url=customer.url, uncertain="hold")
    customer.answer(delay=20)

    answer = Answer(tenant).becomes("uncertain")

    timeline = Timeline(tenant, answer.id)
    assert timeline.names == ["accepted", "claimed", "attempt", "undelivered"]
    assert timeline.one("attempt")["decision"] == "class: uncertain"
    assert timeline.one("undelivered")["decision"] == "undelivered: uncertain"
    assert timeline.one("attempt")["answer"]["status"] is None and timeline.one("attempt")["answer"]["excerpt"]


def test_a_replay_says_who_did_it_and_what_had_failed(tenant, customer):
    customer.answer(status=400, body="<h1>No</h1>")
    answer = Answer(tenant).becomes("failed")
    failed = Timeline(tenant, answer.id)
    assert failed.names == ["accepted", "claimed", "attempt", "undelivered"]
    assert failed.one("attempt")["answer"] == {"status": 400, "durationMs": failed.one("attempt")["answer"]["durationMs"],
                                               "excerpt": "11 bytes that are not JSON"}
    customer.answer(status=200)
    tenant.stack.nexusctl("replay", "--id", answer.id, "--by", "night shift")
    answer.becomes("sent")

    timeline = Timeline(tenant, answer.id)

    assert timeline.names == ["accepted", "claimed", "attempt", "undelivered", "replayed", "claimed", "attempt"]
    assert [step["attempt"] for step in timeline.all("attempt")] == [1, 2]
    assert (timeline.one("undelivered")["decision"], timeline.one("undelivered")["attempt"]) == ("undelivered: refused", 1)
    assert timeline.one("replayed")["text"] == "sent again by night shift"
    assert [step["decision"] for step in timeline.all("attempt")] == ["class: permanent", "class: ok"]


def test_a_worker_that_died_between_sending_and_storing_is_told(make_stack, customer):
    stack = make_stack(settings={"sms-worker": {"NEXUS_FAILPOINTS": "delivery.after_http_before_complete=kill:1"}})
    tenant, worker = Tenant(stack, webhook_url=customer.url), stack["sms-worker-0"]
    answer = Answer(tenant)
    eventually(lambda: not worker.alive, "the failpoint is hit", within=20)
    worker.environment.pop("NEXUS_FAILPOINTS")
    stack.bring_back("sms-worker-0")
    # Nobody waits half a minute for a lease in a test: it runs out now.
    stack.query("update delivery set lease_until = now() - interval '1 ms' where lease_until is not null returning 1")
    answer.becomes("sent", within=30)

    timeline = Timeline(tenant, answer.id)

    assert timeline.names == ["accepted", "lost", "claimed", "attempt"]
    assert timeline.one("lost")["process"] == "sms-worker-0" and "may have left" in timeline.one("lost")["text"]


# --- from PostgreSQL alone ---

def test_after_everything_was_stopped_and_started_the_same_is_told(make_stack, customer):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(status=503)
    answer = Answer(tenant)
    customer.wait_for(answer.text)
    customer.answer(status=200)
    answer.becomes("sent")
    before = Timeline(tenant, answer.id)
    names = [name for name, process in stack.processes.items() if process.alive]

    for name in names:
        stack[name].stop()
    offline = stack.nexusctl("explain", answer.id, "--json").stdout
    stack.postgres.stop()
    stack.postgres.restart()
    for name in names:
        stack[name].restart()
    stack.wait_for("green")

    assert lasting(json.loads(offline)) == lasting(before.data)
    assert Timeline(tenant, answer.id).data == before.data


def test_what_is_not_kept_any_more_is_told_as_forgotten(tenant):
    answer = Answer(tenant).becomes("sent")
    tenant.stack.query("select upkeep_forgotten(30)")
    assert "forgotten" not in Timeline(tenant, answer.id).names

    # Its ledger entry moves along, so that the balance stands.
    tenant.stack.query("""with moved as (update message set created = created - interval '40 days' where id = %s
                                         returning tenant_id, channel_id),
                               entered as (insert into ledger_entry select tenant_id, channel_id, 2, current_date - 40, 1
                                           from moved)
                          insert into ledger_entry select tenant_id, channel_id, 2, current_date, -1 from moved""", answer.id)

    forgotten = Timeline(tenant, answer.id).one("forgotten")
    assert "are not kept any more" in forgotten["text"] and forgotten["until"] > forgotten["at"]


# --- who is asked about ---

def test_of_several_messages_that_are_called_so_all_are_listed(tenant, customer):
    name = uuid.uuid4().hex
    theirs = tenant.aggregator().message(message_id=name).json()["data"]["messageId"]
    customer.answer(body=json.dumps({"messageId": name}))
    ours = Answer(tenant).becomes("sent")

    timeline = Timeline(tenant, name)

    assert timeline.steps == []
    assert [(match["called"], match["message"]["id"]) for match in timeline.data["matches"]] == [
        ("sender", theirs), ("provider", ours.id)]
    assert "several messages have this id" in timeline.table


def test_all_texts_under_one_message_id_are_found_by_it(tenant):
    name = uuid.uuid4().hex
    ids = {tenant.aggregator().message(tenant.phone(), message_id=name).json()["data"]["messageId"] for _ in range(3)}

    timeline = Timeline(tenant, name)

    assert {match["message"]["id"] for match in timeline.data["matches"]} == ids
    assert {match["called"] for match in timeline.data["matches"]} == {"sender"}


def test_a_post_is_found_by_its_client_id(tenant):
    name = f"of the client/{uuid.uuid4().hex}"
    conversation = conversation_of(tenant)
    posted = tenant.agent().answer(conversation, client_id=name).json()["data"]["id"]
    eventually(lambda: tenant.agent().transcript(conversation)[-1]["state"] == "sent", "it was sent")

    timeline = Timeline(tenant, name)

    assert timeline.message["id"] == posted and timeline.data["matches"][0]["called"] == "client"


def test_nobody_learns_of_another_contact_centers_messages(tenant, nexus, customer):
    other = Tenant(nexus, webhook_url=customer.url)
    name = uuid.uuid4().hex
    theirs = other.aggregator().message(message_id=name).json()["data"]["messageId"]
    answer = Answer(other).becomes("sent")
    provider_id = Timeline(other, answer.id).message["providerId"]

    words = (theirs, name, answer.id, provider_id, "nobody's", str(uuid.uuid4()))
    refused = [asker(tenant).get(path(word)) for word in words]

    assert [(answer.status_code, answer.json()["detail"]) for answer in refused] == \
        [(404, f'no message is called "{word}"') for word in words]
