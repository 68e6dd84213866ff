"""After STOP's 200 no webhook to that person begins, however many answers wait, however slow the customer's gateway is,
and whatever the worker that holds them has been through."""

import concurrent.futures
import datetime
import json
import os
import random
import threading
import time

import pytest
import requests

from harness.customer import CustomerGateway
from harness.fault_run import FAST, PAIRS, FaultRun
from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually

RACES = int(os.environ.get("NEXUS_STOP_RACES", "40"))   # of each delay; 334 make the thousand
AT_ONCE = 20


def hammer(stack, delay):
    """Answers and STOPs of RACES people meet. Gives the webhooks that began after the 200, and what all of it came to."""
    gateway = CustomerGateway()
    gateway.answer(delay=delay)
    tenant = Tenant(stack, webhook_url=gateway.url)
    people = [(phone, conversation_of(tenant, phone)) for phone in (tenant.phone() for _ in range(RACES))]

    def race(person):
        phone, conversation = person
        answers = [Answer(tenant, conversation) for _ in range(2)]
        threading.Event().wait(random.uniform(0, 0.3))  # where in the answers' way the STOP meets them
        stop = tenant.aggregator(random.randrange(2)).message(phone, "STOP")
        return phone, stop.status_code, time.monotonic(), answers

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        races = list(pool.map(race, people))
    eventually(lambda: not stack.query("select 1 from delivery d join tenant t on t.id = d.tenant_id where t.ccid = %s",
                                       tenant.ccid), "every answer has come to its end", 60 + RACES * delay)
    posted = {answer.id for *_, answers in races for answer in answers}   # what we answer to STOP itself is none of them
    begun = {phone: [w.at for w in gateway.messages() if w.message["to"] == phone and w.message["id"] in posted]
             for phone, *_ in races}
    gateway.close()
    late = [at - stopped for phone, status, stopped, _ in races if status == 200 for at in begun[phone] if at > stopped]
    return late, races, tenant


@pytest.mark.parametrize("delay", [0.5, 1.5, 4.0])
def test_no_webhook_begins_after_stop_was_answered(make_stack, delay):
    stack = make_stack(gateways=2, sms_workers=2)

    late, races, tenant = hammer(stack, delay)

    assert late == []
    assert sum(status == 200 for _, status, _, _ in races) >= RACES * 0.95
    states = {state for state, in stack.query(
        "select distinct s.name from message m join message_state s on s.id = m.state join tenant t on t.id = m.tenant_id"
        " where t.ccid = %s and m.direction = 2", tenant.ccid)}
    assert states <= {"sent", "delivered", "opted_out"} and "opted_out" in states


def test_stops_under_load_are_obeyed_from_their_200_on_and_nothing_else_is_lost(make_stack):
    stopped = {}
    with FaultRun(make_stack(**PAIRS, **FAST), rate=30) as run:
        requests.put(f"{run.stack.simulator_url}/sim/knobs", json={"latency_ms": 400, "jitter_ms": 200}, timeout=5).raise_for_status()
        phones = eventually(lambda: answered_phones(run, 20), "agents have answered many")

        def stop(phone):
            threading.Event().wait(random.uniform(0, 1))
            eventually(lambda: run.text(phone, "STOP", f"stop-{phone}", gateway=random.randrange(2)).status_code == 200, "STOP is taken")
            stopped[phone] = datetime.datetime.now(datetime.timezone.utc)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(stop, phones))
        run.goes_on(counts=(10, 50))  # answers also to those who said STOP

    posted = {answer.id for answer in run.traffic.answers}
    webhooks = [json.loads(line) for line in run.stack.webhooks.read_text().splitlines()]
    assert [w for w in webhooks if w["to"] in stopped and w["messageId"] in posted
            and datetime.datetime.fromisoformat(w["time"]) > stopped[w["to"]]] == []
    assert {w["to"] for w in webhooks if w["messageId"] in posted} >= set(stopped), "they were sent some before"
    assert run.stack.query("select count(*) > 0 from message where direction = 2 and state = 9") == [(True,)]


def answered_phones(run, count):
    found = run.stack.query("select distinct m.address from message m where m.direction = 2 and m.state = 4 limit %s", count)
    return len(found) == count and [address for address, in found]


def is_frozen(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as line:
        return line.read().rsplit(")", 1)[1].split()[0] == "T"


def test_a_worker_that_was_frozen_sends_nothing_of_what_another_has_ended(make_stack, customer):
    stack = make_stack(sms_workers=2, settings={"sms-worker": {"NEXUS_FAILPOINTS": "delivery.after_claim=hang"}})
    frozen, other = stack["sms-worker-0"], stack["sms-worker-1"]
    other.environment.pop("NEXUS_FAILPOINTS")
    other.stop()
    tenant = Tenant(stack, webhook_url=customer.url)
    phone = tenant.phone()
    answer = Answer(tenant, conversation_of(tenant, phone))
    eventually(lambda: is_frozen(frozen), "the worker is frozen with what it has claimed")
    other.restart()
    eventually(lambda: tenant.aggregator().message(phone, "STOP", message_id="the same").status_code == 200, "STOP is taken", 30)
    stack.query("update delivery set lease_until = now() - interval '1 s' where lease_until is not null")  # what 30 s would do
    answer.becomes("opted_out")

    eventually(lambda: frozen.thaw() or stack.metric("nexus_fenced_completions_total") >= 1,
               "the one that was frozen has given up what it held")

    assert customer.messages(answer.text) == []
