"""What operators see beyond health (test_health.py): every number the runbooks name, in a form Prometheus reads, and
nothing personal in any of it."""

import itertools
import json

import pytest
import requests

from harness.people import Answer, Tenant
from harness.stack import WORKERS
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


def exposition(stack):
    return requests.get(f"http://127.0.0.1:{stack.metrics_port}/metrics", timeout=5)


def test_deliveries_are_counted_by_what_became_of_them(tenant, customer):
    def count(outcome):
        return tenant.stack.metric("nexus_deliveries_total", outcome=outcome)

    before = {outcome: count(outcome) for outcome in ("sent", "failed", "retry", "opted_out")}
    phone = tenant.phone()
    sent = Answer(tenant).becomes("sent")
    customer.answer(status=400)
    Answer(tenant).becomes("failed")
    customer.answer(status=503)
    retried = Answer(tenant)
    customer.wait_for(retried.text)
    customer.answer(status=200)
    retried.becomes("sent")
    stopped = tenant.aggregator().message(phone, "STOP").json()["data"]["conversationId"]
    Answer(tenant, stopped).becomes("opted_out")

    for outcome, more in (("sent", 2), ("failed", 1), ("retry", 1), ("opted_out", 1)):
        eventually(lambda: count(outcome) >= before[outcome] + more, f"{more} more {outcome}")
    assert sent.undelivered is None


def test_what_waits_is_seen_with_its_age(nexus, customer):
    customer.answer(status=503, headers={"Retry-After": "60"})
    tenant = Tenant(nexus, webhook_url=customer.url)
    first = Answer(tenant)
    Answer(tenant, first.conversation)  # waits behind the first, and is due

    eventually(lambda: nexus.metric("nexus_queue_depth", queue="held") >= 1, "the queue is not empty", 20)
    eventually(lambda: nexus.metric("nexus_queue_oldest_age_seconds", queue="held") > 1, "its oldest grows older", 20)


def test_every_process_shows_its_memory_processor_and_descriptors(nexus):
    names = ("nexus_proc_resident_memory_bytes", "nexus_proc_cpu_seconds_total", "nexus_proc_open_fds",
             "nexus_proc_start_time_seconds")

    for program, name in itertools.product(("gateway", "metrics-agent", *WORKERS), names):
        eventually(lambda: nexus.metric(name, proc=program, slot="0") > 0, f"{name} of {program}")


def test_credit_and_workers_are_seen_by_service(nexus):
    for worker in WORKERS:
        eventually(lambda: nexus.metric("nexus_credit_available", service=worker) > 0, f"credit of {worker}")
        assert nexus.metric("nexus_workers", service=worker) == 1


def test_the_exposition_keeps_prometheus_rules(nexus):
    answer = exposition(nexus)
    families, series = [], set()

    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
        elif not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            assert name == families[-1] or name.rpartition("_")[0] == families[-1], f"{name} stands outside of its family"
            assert line.rpartition(" ")[0] not in series, f"twice: {line}"
            series.add(line.rpartition(" ")[0])
    assert len(families) == len(set(families))


def test_counters_do_not_go_down_when_a_process_dies(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    for _ in range(10):
        assert aggregator.message().status_code == 200

    def messages():
        return stack.metric("nexus_messages_total", direction="in")

    eventually(lambda: messages() >= 10, "they are counted")
    stack["sms-worker-0"].kill()
    assert messages() >= 10
    stack["sms-worker-0"].restart()
    stack.wait_for("green")
    assert aggregator.message().status_code == 200

    eventually(lambda: messages() >= 11, "and those after it as well")


def test_nothing_personal_is_seen_anywhere(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url, headers={"X-Token": "canary-of-a-header"})
    nexus.private.add("canary-of-a-header")
    customer.answer(status=400, body='{"error":"canary of an answer"}')
    nexus.private.add("canary of an answer")
    answer = Answer(tenant).becomes("failed")
    nexus.nexusctl("replay", "--id", answer.id)
    tenant.aggregator().receipt(answer.id, 2)
    tenant.aggregator().post("/nexus/v3/sms/message", data=f'{{"message":"{answer.text}'.encode(),
                             headers={"Content-Type": "application/json"})

    shown = exposition(nexus).text + nexus.health().text + "".join(
        file.read_text(errors="replace") for process in nexus.processes.values() for file in (process.log, process.errors))

    assert [word for word in nexus.private if word in shown] == []


def test_a_failure_is_found_in_the_log_by_the_operation_id_of_its_answer(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    assert aggregator.message().status_code == 200
    stack["sms-worker-0"].stop()
    eventually(lambda: "sms-worker-0" not in stack.workers(), "the worker has gone")

    refused = aggregator.message()

    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1

    lines = [json.loads(line) for line in stack["gateway-0"].log.read_text().splitlines()]
    found = [line for line in lines if line.get("operationId") == refused.json()["operationId"]]
    assert [(line["event"], line["code"]) for line in found] == [("http.failed", "unavailable")]
