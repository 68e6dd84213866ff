"""After the 200 to a STOP no webhook to that consumer begins, however many outbound messages wait, however slow the receiver is,
and even if the worker that has leased them was frozen."""

import concurrent.futures
import datetime
import json
import os
import random
import secrets
import time

import pytest
import requests

from harness.answers import data_of
from harness.load.fault_run import FAST, PAIRS, FaultRun
from harness.outside.receiver import Receiver
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.reading import messages, tables
from harness.wait import LONGEST_ANSWER, eventually, some_moment

RACES = int(os.environ.get("NEXUS_STOP_RACES", "40"))   # for each delay; 334 make a thousand altogether
AT_ONCE = 20
LEASE_S = 30
PERMIT_S = 0.75  # for so long a worker may begin to send after it has checked opt-outs (PERMIT_MS in sms-worker/delivery/permit.h)


def outbound_message(tenant, conversation):
    """The id of an accepted outbound message."""
    agent, text, client_id = tenant.agent(), tenant.text("outbound"), secrets.token_hex(8)
    return data_of(until_accepted(lambda: agent.send(conversation, text, client_id)))["id"]


def run_races(stack, delay):
    """Sends outbound messages to RACES consumers while each sends STOP: (delays of webhooks that began after the 200, tenant)."""
    gateway = Receiver()
    gateway.answer(delay=delay)
    tenant = Tenant(stack, webhook_url=gateway.url)
    consumers = [(phone, conversation_of(tenant, phone)) for phone in (tenant.phone() for _ in range(RACES))]

    def race(consumer):
        phone, conversation = consumer
        outbound = [outbound_message(tenant, conversation) for _ in range(2)]
        some_moment(0.3)  # so that the STOP comes at different stages of sending
        aggregator, message_id = tenant.aggregator(random.randrange(2)), secrets.token_hex(8)
        until_accepted(lambda: aggregator.message(phone, "STOP", message_id=message_id))
        return phone, time.monotonic(), outbound

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        races = list(pool.map(race, consumers))
    eventually(lambda: tables.to_be_sent(tenant) == 0, "every outbound message has ended", 60 + RACES * delay)
    posted = {message for *_, outbound in races for message in outbound}  # without keyword replies
    begun = {phone: [w.at for w in gateway.messages() if w.message["to"] == phone and w.message["id"] in posted]
             for phone, *_ in races}
    gateway.close()
    late = [at - stopped for phone, stopped, _ in races for at in begun[phone] if at > stopped]
    return late, tenant


@pytest.mark.parametrize("delay", [0.5, 1.5, 4.0])
def test_no_webhook_begins_after_stop_was_answered(make_stack, delay):
    stack = make_stack(gateways=2, sms_workers=2)

    late, tenant = run_races(stack, delay)

    assert late == []
    states = messages.states(tenant)
    assert states <= {"sent", "delivered", "opted_out"} and "opted_out" in states


def simulator_reads(stack):
    """Waits until the simulator has read, and recorded with the present time, every webhook that had arrived before this call. It reads
    connections in the order in which bytes arrive; the second request is read after everything that arrived before the first."""
    for _ in range(2):
        requests.get(f"{stack.simulator_url}/sim/stats", timeout=LONGEST_ANSWER).raise_for_status()


def test_stops_under_load_take_effect_with_their_200_and_nothing_else_is_lost(make_stack):
    stopped = {}
    with FaultRun(make_stack(**PAIRS, **FAST), rate=30) as run:
        knobs = {"latency_ms": 400, "jitter_ms": 200}
        requests.put(f"{run.stack.simulator_url}/sim/knobs", json=knobs, timeout=LONGEST_ANSWER).raise_for_status()
        phones = eventually(lambda: phones_with_messages(run, 20), "many phones have got outbound messages")

        def stop(phone):
            some_moment(1)
            eventually(lambda: run.text(phone, "STOP", f"stop-{phone}", gateway=random.randrange(2)).status_code == 200, "STOP is accepted")
            simulator_reads(run.stack)
            stopped[phone] = datetime.datetime.now(datetime.timezone.utc)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(stop, phones))
        run.goes_on(counts=(10, 50))  # agents also write to consumers who have sent STOP

    posted = {message.id for message in run.traffic.answers}
    webhooks = [json.loads(line) for line in run.stack.webhooks.read_text().splitlines()]
    assert [w for w in webhooks if w["to"] in stopped and w["messageId"] in posted
            and datetime.datetime.fromisoformat(w["time"]) > stopped[w["to"]]] == []
    assert {w["to"] for w in webhooks if w["messageId"] in posted} >= set(stopped), "each got messages before its STOP"
    assert "opted_out" in messages.states(run.tenant)


def phones_with_messages(run, count):
    found = {webhook["to"] for webhook in run.stack.journal() if webhook["status"] == 200}
    return len(found) >= count and sorted(found)[:count]


def is_frozen(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as line:
        return line.read().rsplit(")", 1)[1].split()[0] == "T"


IN_ONE_TEXT = [{"text": "STOP", "message_id": "the same"}]
IN_TWO_PARTS = [{"text": text, "message_id": f"part {part}", "concat_reference": "7", "concat_total": 2, "concat_part": part}
                for part, text in ((1, "ST"), (2, "OP"))]


def accept(tenant, phone, text):
    eventually(lambda: tenant.aggregator().message(phone, **text).status_code == 200, "it is accepted", 30)


@pytest.mark.parametrize("texts", [IN_ONE_TEXT, IN_TWO_PARTS], ids=["in one text", "in two parts"])
def test_a_worker_that_was_frozen_sends_nothing_of_what_another_has_ended(make_stack, receiver, texts):
    stack = make_stack(sms_workers=2, settings={"sms-worker": {"NEXUS_FAILPOINTS": "delivery.after_claim=hang"}})
    frozen, other = stack["sms-worker-0"], stack["sms-worker-1"]
    other.environment.pop("NEXUS_FAILPOINTS")
    other.stop()
    tenant = Tenant(stack, webhook_url=receiver.url)
    phone = tenant.phone()
    conversation, lease_begins = conversation_of(tenant, phone), time.monotonic()
    message = OutboundMessage(tenant, conversation)
    eventually(lambda: is_frozen(frozen), "the worker is frozen with a claimed delivery")
    other.restart()
    for text in texts:
        accept(tenant, phone, text)
    before = time.monotonic()
    accept(tenant, phone, texts[-1])
    after = time.monotonic()
    assert after - before >= PERMIT_S or after - lease_begins > LEASE_S, "a repetition waits as the first did, whose answer may be lost"
    stack.query("update delivery set lease_until = now() - interval '1 s' where lease_until is not null")  # as after 30 s
    message.becomes("opted_out")

    eventually(lambda: frozen.thaw() or stack.metric("nexus_fenced_completions_total") >= 1,
               "the frozen worker has given up its delivery")

    assert receiver.messages(message.text) == []
