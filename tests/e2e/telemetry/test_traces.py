"""Traces: one trace leads from the request through all processes to the receipt; spans are exported to a collector."""

import json
import re
import secrets

import pytest
import requests

from harness.answers import data_of
from harness.nexus.stack import ROOT, WORKERS
from harness.outside.collector import Collector, validated
from harness.people import OutboundMessage, Tenant, conversation_of
from harness.wait import LONGEST_ANSWER, eventually

PROGRAMS = ("gateway", *WORKERS, "metrics-agent", "simulator")


@pytest.fixture
def collector():
    one = Collector()
    yield one
    one.close()
    assert not one.problems, "\n".join(one.problems)


@pytest.fixture
def traced(make_stack, collector):
    """traced(sample=…) starts a Nexus that exports its traces to the collector."""
    def make(sample="1", **of_agent):
        common = {"NEXUS_OTLP_ENDPOINT": collector.url, "NEXUS_TRACE_SAMPLE": sample}
        settings = {program: dict(common) for program in PROGRAMS}
        settings["metrics-agent"].update(of_agent)
        return make_stack(settings=settings)

    return make


def new_ids():
    return secrets.token_hex(16), secrets.token_hex(8)


def only(spans, name):
    """The only span with this name, apart from those of caller.lookup."""
    named = [span for span in spans if span.name == name and span.attributes.get("nexus.message") != "caller.lookup"]
    assert len(named) == 1, f"{name}: {spans}"
    return named[0]


def request_with(**of_span):
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "bus", "startTimeUnixNano": "1", "endTimeUnixNano": "2",
            **of_span}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]})


@pytest.mark.parametrize("of_span", [
    {"traceId": "ETn9DMI7TUuCUrzkOEpiXQ=="}, {"spanId": "0" * 16}, {"startTimeUnixNano": 1}, {"parent_span_id": "2" * 16},
    {"kind": "SPAN_KIND_SERVER"}, {"attributes": [{"key": "n", "value": {"intValue": 1}}]}, {"status": {"code": 3}}],
    ids=lambda of_span: next(iter(of_span)))
def test_the_collector_takes_only_what_the_protocol_allows(of_span):
    assert validated(request_with())

    with pytest.raises(ValueError):
        validated(request_with(**of_span))


def posted(tenant, conversation, text, headers):
    answer = tenant.agent().post(f"/chat/v3/conversations/{conversation}/messages",
                                 json={"type": "Text", "text": text}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def span_of(webhook):
    """The trace and the span that a webhook names, after the check that both header formats agree."""
    version, trace, span, flags = webhook.headers["traceparent"].split("-")
    assert (version, flags) == ("00", "01")
    assert webhook.headers["X-B3-TraceId"] == trace
    assert webhook.headers["X-B3-SpanId"] == span
    assert webhook.headers["X-B3-Sampled"] == "1"
    return trace, span


def test_one_trace_leads_from_the_request_through_bus_commit_claim_and_webhook_to_the_receipt(traced, collector, receiver):
    tenant = Tenant(traced(), webhook_url=receiver.url)
    conversation, text, (trace, caller) = conversation_of(tenant), tenant.text(), new_ids()
    receiver.answer(body='{"messageId":"theirs-1"}')

    answer = posted(tenant, conversation, text, {"traceparent": f"00-{trace}-{caller}-01"})
    webhook = receiver.wait_for(text)[0]
    eventually(lambda: tenant.agent().transcript(conversation)[-1]["state"] == "sent", "the message is sent")
    assert tenant.aggregator().receipt("theirs-1", 2).status_code == 200

    assert answer.headers["traceparent"] == f"00-{trace}-{caller}-01"
    spans = collector.wait_for(trace, ["http.accept", "bus", "pg.commit", "claim", "webhook.attempt", "receipt"])
    accept, bus, commit, claim, attempt, receipt = (
        only(spans, name) for name in ("http.accept", "bus", "pg.commit", "claim", "webhook.attempt", "receipt"))
    assert [span.parent for span in (accept, bus, commit, claim, attempt, receipt)] == [
        caller, accept.id, bus.id, commit.id, claim.id, attempt.id]
    assert [span.process for span in (accept, bus, commit, claim, attempt, receipt)] == [
        "gateway-0", "gateway-0", "chat-worker-0", "sms-worker-0", "sms-worker-0", "sms-worker-0"]
    assert span_of(webhook) == (trace, attempt.id)
    assert accept.attributes["http.route"] == "/chat/v3/conversations/{id}/messages"
    assert attempt.attributes["http.response.status_code"] == 200 and attempt.attributes["nexus.outcome"] == "sent"
    assert claim.attributes["nexus.message_id"] == attempt.attributes["nexus.message_id"] == data_of(answer)["id"]
    # The request of the receipt has its own trace, and both traces are linked.
    (own_trace, own_span), = receipt.links
    assert only(collector.wait_for(own_trace, ["pg.commit"]), "pg.commit").id == own_span
    assert not any(span.failed for span in spans)


def test_a_text_is_traced_to_its_commit(traced, collector):
    tenant = Tenant(traced())
    trace, caller = new_ids()

    answer = tenant.aggregator().post(
        "/nexus/v3/sms/message", headers={"traceparent": f"00-{trace}-{caller}-00"},
        data={"message_id": "mo-1", "phone_number": tenant.phone(), "shortcode": tenant.number, "message": tenant.text()})

    assert answer.status_code == 200
    spans = collector.wait_for(trace, ["http.accept", "bus", "pg.commit"])
    assert only(spans, "pg.commit").process == "sms-worker-0"
    assert only(spans, "pg.commit").parent == only(spans, "bus").id


@pytest.mark.parametrize("style", ["b3 in one header", "b3 of 64 bits", "X-B3", "X-B3 of 64 bits"])
def test_a_trace_is_continued_in_every_header_format(traced, collector, style):
    tenant = Tenant(traced())
    trace, caller = new_ids()
    if "64" in style:
        trace = trace[:16]
    headers = {"b3": f"{trace}-{caller}-1"} if style.startswith("b3") else {
        "X-B3-TraceId": trace, "X-B3-SpanId": caller, "X-B3-Sampled": "1"}

    answer = tenant.agent().get("/chat/v3/conversations", headers=headers)

    trace = trace.rjust(32, "0")
    assert answer.headers["traceparent"] == f"00-{trace}-{caller}-01"
    assert only(collector.wait_for(trace, ["http.accept"]), "http.accept").parent == caller


def test_traceparent_has_precedence_over_b3_and_malformed_headers_begin_a_new_trace(nexus):
    tenant = Tenant(nexus)
    (trace, span), (other, _) = new_ids(), new_ids()

    both = tenant.agent().get("/chat/v3/conversations",
                              headers={"traceparent": f"00-{trace}-{span}-01", "b3": f"{other}-{span}-1"})
    neither = tenant.agent().get("/chat/v3/conversations", headers={"traceparent": f"00-{trace}-{span}-0", "b3": "0"})

    assert both.headers["traceparent"] == f"00-{trace}-{span}-01"
    assert trace not in neither.headers["traceparent"] and len(neither.headers["traceparent"]) == 55


def test_each_attempt_has_its_own_claim_and_span_and_failed_ones_are_marked(traced, collector, receiver):
    tenant = Tenant(traced(), webhook_url=receiver.url)
    conversation, text, (trace, caller) = conversation_of(tenant), tenant.text(), new_ids()
    receiver.answer_once(503, "{}")

    posted(tenant, conversation, text, {"traceparent": f"00-{trace}-{caller}-01"})
    webhooks = receiver.wait_for(text, count=2)

    def both():
        spans = collector.spans(trace, "webhook.attempt")
        return len(spans) == 2 and sorted(spans, key=lambda span: span.started)

    first, second = eventually(both, "two attempts")
    assert [(span.failed, span.attributes["nexus.attempt"], span.attributes["nexus.outcome"]) for span in (first, second)] == [
        (True, 1, "retry"), (False, 2, "sent")]
    assert [span_of(webhook) for webhook in webhooks] == [(trace, first.id), (trace, second.id)]
    claims = {span.id: span for span in collector.spans(trace, "claim")}
    assert {claims[first.parent].attributes["nexus.attempt"], claims[second.parent].attributes["nexus.attempt"]} == {1, 2}


def test_an_attempt_more_than_a_minute_later_is_linked_and_not_a_child(traced, collector, receiver):
    tenant = Tenant(traced(), webhook_url=receiver.url)
    conversation, text, (trace, caller) = conversation_of(tenant), tenant.text(), new_ids()
    receiver.answer(status=503)

    posted(tenant, conversation, text, {"traceparent": f"00-{trace}-{caller}-01"})
    receiver.wait_for(text)
    tenant.stack.query("update message set created = created - interval '2 minutes'")
    tenant.stack.query("update delivery set due = now() where lease_until is null")

    def late(name):
        return [span for span in collector.spans(trace, name) if span.attributes.get("nexus.waited_us", 0) > 60_000_000]

    claim = eventually(lambda: late("claim"), "a late claim")[0]
    commit = only(collector.wait_for(trace, ["pg.commit"]), "pg.commit")
    assert claim.parent is None and claim.links == [(trace, commit.id)]
    attempt = eventually(lambda: [span for span in collector.spans(trace, "webhook.attempt") if span.parent == claim.id],
                         "its attempt")[0]
    assert attempt.attributes["nexus.attempt"] == claim.attributes["nexus.attempt"] > 1


def is_slow(span):
    """Slow spans are always exported, and on a busy machine any span may be slow."""
    limits_ms = dict(re.findall(r'^SPAN\(\w+, *"([^"]+)", *\w+, *(\d+)\)', (ROOT / "common/telemetry/spans.def").read_text(), re.M))
    return span.ended - span.started >= int(limits_ms[span.name]) * 1_000_000


def test_outside_the_sample_only_failed_traces_are_exported(traced, collector):
    tenant = Tenant(traced(sample="0"))
    conversation = conversation_of(tenant)
    (good, caller), (bad, _) = new_ids(), new_ids()

    posted(tenant, conversation, tenant.text(), {"traceparent": f"00-{good}-{caller}-01"})
    tenant.stack["chat-worker-0"].stop()
    refused = tenant.agent().get("/chat/v3/conversations", headers={"traceparent": f"00-{bad}-{caller}-01"})

    assert refused.status_code == 503
    spans = collector.wait_for(bad, ["http.accept", "bus"])
    assert all(span.failed or is_slow(span) for span in spans)
    assert only(spans, "http.accept").failed and only(spans, "bus").failed
    assert only(spans, "bus").parent == only(spans, "http.accept").id
    assert all(not span.failed and is_slow(span) for span in collector.spans(good))


def test_the_headers_of_the_collector_are_sent_and_shown_nowhere(traced, collector):
    key = secrets.token_hex(12)
    stack = traced(NEXUS_OTLP_HEADERS=f"x-key={key},x-dataset=my%20own")
    stack.private.add(key)

    eventually(lambda: collector.requests, "a request")

    assert collector.requests[0][1]["x-key"] == key and collector.requests[0][1]["x-dataset"] == "my own"


def exported(stack, **labels):
    return stack.metric("nexus_spans_exported_total", **labels)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collector_gets_the_same_batch_again_after_its_retry_after(traced, collector, status):
    collector.answers.append((status, {"Retry-After": 1}, ""))
    stack = traced()

    eventually(lambda: len(collector.requests) >= 2, "the batch is sent again")

    first, again = collector.requests[:2]
    assert first[2] == again[2] and (first[3], again[3]) == (status, 200)
    eventually(lambda: exported(stack, outcome="accepted") > 0, "spans are accepted")
    assert exported(stack, outcome="rejected") == exported(stack, outcome="given_up") == 0


def test_batches_that_the_collector_refuses_are_dropped_and_counted(traced, collector):
    collector.answers.append((400, {}, '{"message":"no"}'))
    stack = traced()
    tenant = Tenant(stack)

    eventually(lambda: exported(stack, outcome="rejected") > 0, "spans are rejected")
    conversation_of(tenant)
    eventually(lambda: exported(stack, outcome="accepted") > 0, "later spans are accepted")

    assert collector.requests[0][2] != collector.requests[1][2]


def test_spans_that_the_collector_refuses_in_part_are_counted(traced, collector):
    collector.answers.append((200, {}, json.dumps({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "old"}})))
    stack = traced()

    eventually(lambda: exported(stack, outcome="rejected") == 1, "one span is rejected")


def test_a_hanging_collector_delays_nothing_and_dropped_spans_are_counted(traced, collector):
    collector.hold()
    stack = traced()
    tenant = Tenant(stack)

    for _ in range(40):
        assert tenant.agent().get("/chat/v3/conversations").status_code == 200
    assert requests.get(f"http://127.0.0.1:{stack.metrics_port}/metrics", timeout=LONGEST_ANSWER).status_code == 200
    collector.release()

    eventually(lambda: exported(stack, outcome="accepted") > 80, "all spans are accepted in the end")


def test_without_a_collector_no_spans_are_exported(nexus, collector):
    OutboundMessage(Tenant(nexus)).becomes("sent")

    assert not collector.requests
    assert nexus.metric("nexus_spans_dropped_total") == 0


def test_the_log_has_the_trace_id(traced, receiver):
    stack = traced()
    tenant = Tenant(stack, webhook_url=receiver.url)
    conversation, text, (trace, caller) = conversation_of(tenant), tenant.text(), new_ids()
    receiver.answer(status=400)

    answer = posted(tenant, conversation, text, {"traceparent": f"00-{trace}-{caller}-01"})

    line = eventually(lambda: lines_of(stack["sms-worker-0"], "delivery.failed"), "the failure is logged")[0]
    assert line["traceId"] == trace and line["messageId"] == data_of(answer)["id"]
    assert line["tenant"] == stack.query("select id from tenant where name = %s", tenant.name)[0][0]
    phone = tenant.agent().conversations()[0]["contact"]["address"]
    assert line["to"].endswith(f"-{phone[-2:]}") and len(line["to"]) == 19


def lines_of(process, event):
    """The log lines of one event, without a last one that the process is still writing."""
    return [line for line in map(json.loads, process.log.read_bytes().split(b"\n")[:-1]) if line["event"] == event]
