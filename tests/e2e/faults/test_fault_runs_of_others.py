"""Faults of clients, receivers and operators under load, with an audit at the end: each gets the right answer, and other
clients are not affected."""

import base64
import contextlib
import resource
import socket
import uuid

import requests

from harness.api.raw import exchange
from harness.load.fault_run import PATIENT, under_audit
from harness.outside.silent_link import SilentLink
from harness.people import OutboundMessage, Tenant
from harness.provisioning import Provisioner
from harness.reading import messages
from harness.wait import eventually

UNAFFECTED = {"statuses": frozenset({200}), **PATIENT}  # arguments of under_audit: callers get nothing but 200


def is_alive(stack):
    return requests.get(f"{stack.url()}/health/live", timeout=30).status_code == 200


def test_probes_and_messages_get_through_beside_4100_idle_connections_of_one_address(make_stack):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 6000)), hard))

    with under_audit(make_stack, **UNAFFECTED) as run, contextlib.ExitStack() as crowd:
        for _ in range(4100):
            crowd.enter_context(socket.create_connection(run.stack.address(), 30, source_address=("127.0.0.2", 0)))
        for _ in range(20):
            assert is_alive(run.stack)
            assert run.tenant.aggregator().message().status_code == 200
        closed = {reason: run.stack.metric("nexus_connections_closed_total", reason=reason) for reason in ("address", "full")}

    eventually(lambda: run.stack.metric("nexus_connections_closed_total", reason="address") >= 4100 - 1024,
               "connections above the limit of an address are closed")
    assert closed["full"] == 0


def test_a_truncated_answer_of_success_counts_and_nothing_is_sent_twice(make_stack):
    link = None

    def behind_a_link(stack):
        nonlocal link
        link = SilentLink(stack.simulator_port)
        tenant = Tenant(stack)
        tenant.webhook["url"] = tenant.webhook["url"].replace(f":{stack.simulator_port}", f":{link.port}")
        tenant.apply()
        return tenant

    with under_audit(make_stack, behind_a_link, **UNAFFECTED) as run:
        link.cut_answers(5)
        run.goes_on(counts=(0, 50))
        eventually(lambda: link.answers_cut > 30, "many answers were truncated", 30)
        link.cut_answers(0)

    sent = messages.all_messages(run.tenant, direction="out")
    assert sent and {len(messages.attempts(run.tenant, message["id"])) for message in sent} == {1}
    link.close()


def test_waiting_messages_follow_their_number_when_it_is_removed_and_provisioned_with_another_destination(make_stack):
    with under_audit(make_stack, **UNAFFECTED) as run:
        stack, tenant = run.stack, Tenant(run.stack)
        provisioner = Provisioner(stack, tenant.ccid)
        provisioner.number = tenant.number
        first = f"{stack.simulator_url}/gateway/first"
        # They are not tried again before they follow, so that no worker has one of them in hand meanwhile.
        knobs = {"status": 503, "retry_after": 600}
        requests.put(f"{stack.simulator_url}/sim/knobs/first", json=knobs, timeout=30).raise_for_status()
        assert provisioner.gateway(first, tenant.webhook_secret).status_code == 200
        provisioner.has_number("chat.sms", provider="Async", endpoint="sales")
        waiting = [OutboundMessage(tenant) for _ in range(5)]
        eventually(lambda: all(messages.attempts(tenant, message.id) for message in waiting), "each message was refused once")

        assert provisioner.delete(provisioner.section_path("chat.sms")).status_code == 200
        assert tenant.aggregator().message().status_code == 404
        calls = len(stack.journal("first"))
        assert provisioner.gateway(f"{stack.simulator_url}/gateway/second", tenant.webhook_secret).status_code == 200
        provisioner.has_number("chat.sms", provider="Async", endpoint="sales")
        later = [OutboundMessage(tenant, message.conversation) for message in waiting]

        for message in waiting + later:
            message.becomes("sent", within=30)
    assert len(stack.journal("first")) == calls, "the former destination is not called"
    assert len(stack.journal("second")) == len(waiting + later)


def basic(tenant):
    return "Basic " + base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()


def text_of(tenant, name, *headers):
    form = f"type=MO&message_id={name}&phone_number={tenant.phone()[1:]}&shortcode={tenant.number[1:]}&message=hello"
    lines = ["POST /nexus/v3/sms/message HTTP/1.1", "Host: n", *headers, "Content-Type: application/x-www-form-urlencoded",
             f"Content-Length: {len(form)}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n" + form).encode()


def test_a_request_with_a_repeated_header_that_identifies_the_caller_is_refused(make_stack):
    with under_audit(make_stack, **UNAFFECTED) as run:
        stack, tenant, other = run.stack, run.tenant, Tenant(run.stack)
        own, others = f"Authorization: {basic(tenant)}", f"Authorization: {basic(other)}"
        refused = [(own, others), (others, own), (own, own), (own, own.lower().replace("basic", "Basic")),
                   (own, f"x-ccid: {tenant.ccid}", f"x-ccid: {other.ccid}"), (own, f"X-Ccid: {tenant.ccid}", f"x-CCID: {tenant.ccid}"),
                   (f"x-api-key: {tenant.api_key}", f"x-api-key: {other.api_key}")]
        names = [uuid.uuid4().hex for _ in refused]
        for name, headers in zip(names, refused):
            assert exchange(stack, text_of(tenant, name, *headers))[0][0] == 400, headers
        good = uuid.uuid4().hex
        assert exchange(stack, text_of(tenant, good, own))[0][0] == 200

    assert [name for name in names if messages.matches(tenant, name) or messages.matches(other, name)] == []
    assert messages.message(tenant, good)["externalId"] == good


def test_a_simulator_that_stops_answers_the_requests_it_has_accepted(make_stack):
    with under_audit(make_stack, **UNAFFECTED) as run:
        requests.put(f"{run.stack.simulator_url}/sim/knobs", json={"latency_ms": 500}, timeout=30).raise_for_status()
        run.goes_on(counts=(0, 30))
        for _ in range(3):
            assert run.stack["simulator-0"].stop() == 0
            run.stack["simulator-0"].restart()
            run.goes_on(counts=(0, 10))
