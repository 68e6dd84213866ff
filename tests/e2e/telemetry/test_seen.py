"""Metrics beyond health (test_health.py): every value that the runbooks name exists, in the format of Prometheus, and
without personal data."""

import itertools
import json

import pytest
import requests

from harness.answers import data_of
from harness.nexus.stack import WORKERS
from harness.people import OutboundMessage, Tenant
from harness.wait import LONGEST_ANSWER, eventually


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


def exposition(stack):
    return requests.get(f"http://127.0.0.1:{stack.metrics_port}/metrics", timeout=LONGEST_ANSWER)


def test_deliveries_are_counted_by_outcome(tenant, receiver):
    def count(outcome):
        return tenant.stack.metric("nexus_deliveries_total", outcome=outcome)

    before = {outcome: count(outcome) for outcome in ("sent", "failed", "retry", "opted_out")}
    phone = tenant.phone()
    sent = OutboundMessage(tenant).becomes("sent")
    receiver.answer(status=400)
    OutboundMessage(tenant).becomes("failed")
    receiver.answer(status=503)
    retried = OutboundMessage(tenant)
    receiver.wait_for(retried.text)
    receiver.answer(status=200)
    retried.becomes("sent")
    stopped = data_of(tenant.aggregator().message(phone, "STOP"))["conversationId"]
    OutboundMessage(tenant, stopped).becomes("opted_out")

    for outcome, more in (("sent", 2), ("failed", 1), ("retry", 1), ("opted_out", 1)):
        eventually(lambda: count(outcome) >= before[outcome] + more, f"{more} more {outcome}")
    assert sent.undelivered is None


def test_queues_are_shown_with_their_age(nexus, receiver):
    receiver.answer(status=503, headers={"Retry-After": "60"})
    tenant = Tenant(nexus, webhook_url=receiver.url)
    first = OutboundMessage(tenant)
    OutboundMessage(tenant, first.conversation)  # waits for the first one, and is due

    eventually(lambda: nexus.metric("nexus_queue_depth", queue="held") >= 1, "the queue is not empty", 20)
    eventually(lambda: nexus.metric("nexus_queue_oldest_age_seconds", queue="held") > 1, "the age of the oldest delivery grows", 20)


def test_every_process_reports_its_memory_cpu_time_and_descriptors(nexus):
    names = ("nexus_proc_resident_memory_bytes", "nexus_proc_cpu_seconds_total", "nexus_proc_open_fds",
             "nexus_proc_start_time_seconds")

    for program, name in itertools.product(("gateway", "metrics-agent", *WORKERS), names):
        eventually(lambda: nexus.metric(name, proc=program, slot="0") > 0, f"{name} of {program}")


def test_credit_and_workers_are_counted_by_service(nexus):
    for worker in WORKERS:
        eventually(lambda: nexus.metric("nexus_credit_available", service=worker) > 0, f"credit of {worker}")
        eventually(lambda: nexus.metric("nexus_workers", service=worker) == 1, f"{worker} is counted")


def test_the_exposition_follows_the_rules_of_prometheus(nexus):
    answer = exposition(nexus)
    families, series = [], set()

    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
        elif not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            assert name == families[-1] or name.rpartition("_")[0] == families[-1], f"{name} is outside its family"
            assert line.rpartition(" ")[0] not in series, f"repeated series: {line}"
            series.add(line.rpartition(" ")[0])
    assert len(families) == len(set(families))


def test_counters_do_not_decrease_when_a_process_dies(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    for _ in range(10):
        assert aggregator.message().status_code == 200

    def messages():
        return stack.metric("nexus_messages_total", direction="in")

    eventually(lambda: messages() >= 10, "the texts are counted")
    stack["sms-worker-0"].kill()
    assert messages() >= 10
    eventually(lambda: "sms-worker-0" not in stack.workers(), "the gateway notices that it is gone")
    stack["sms-worker-0"].restart()
    stack.wait_for("green")
    assert aggregator.message().status_code == 200

    eventually(lambda: messages() >= 11, "the next text is counted as well")


def test_metrics_health_and_logs_contain_nothing_personal(nexus, receiver):
    tenant = Tenant(nexus, webhook_url=receiver.url, headers={"X-Token": "canary-of-a-header"})
    nexus.private.add("canary-of-a-header")
    receiver.answer(status=400, body='{"error":"canary of an answer"}')
    nexus.private.add("canary of an answer")
    message = OutboundMessage(tenant).becomes("failed")
    nexus.nexusctl("replay", "--id", message.id)
    tenant.aggregator().receipt(message.id, 2)
    tenant.aggregator().post("/nexus/v3/sms/message", data=f'{{"message":"{message.text}'.encode(),
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

    # The line is written before the answer; the last one may be half a line, because the gateway is writing.
    lines = [json.loads(line) for line in stack["gateway-0"].log.read_bytes().split(b"\n")[:-1]]
    found = [line for line in lines if line.get("operationId") == refused.json()["operationId"]]
    assert [(line["event"], line["code"]) for line in found] == [("http.failed", "unavailable")]
