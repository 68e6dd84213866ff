"""What clients, customers and operators do to a Nexus under load, with an audit at the end: they get the answer that is
right, and nobody else notices."""

import base64
import contextlib
import resource
import socket
import uuid

import requests

from harness.fault_run import under_audit
from harness.people import Answer, Tenant
from harness.provisioning import Office
from harness.raw import exchange
from harness.silent_link import SilentLink
from harness.wait import eventually

UNHARMED = frozenset({200})


def is_alive(stack):
    """As a prober sees it, who waits no longer than a second."""
    return requests.get(f"{stack.url()}/health/live", timeout=1).status_code == 200


def test_probes_and_messages_get_through_beside_4100_idle_connections_of_one_address(make_stack):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 6000)), hard))

    with under_audit(make_stack, statuses=UNHARMED) as run, contextlib.ExitStack() as crowd:
        for _ in range(4100):
            crowd.enter_context(socket.create_connection(run.stack.address(), 10, source_address=("127.0.0.2", 0)))
        for _ in range(20):
            assert is_alive(run.stack)
            assert run.tenant.aggregator().message().status_code == 200
        closed = {reason: run.stack.metric("nexus_connections_closed_total", reason=reason) for reason in ("address", "full")}

    eventually(lambda: run.stack.metric("nexus_connections_closed_total", reason="address") >= 4100 - 1024,
               "those over the share are closed")
    assert closed["full"] == 0


def test_an_answer_of_success_that_is_cut_off_counts_and_nothing_is_sent_twice(make_stack):
    link = None

    def behind_a_link(stack):
        nonlocal link
        link = SilentLink(stack.simulator_port)
        tenant = Tenant(stack)
        tenant.webhook["url"] = tenant.webhook["url"].replace(f":{stack.simulator_port}", f":{link.port}")
        tenant.apply()
        return tenant

    with under_audit(make_stack, behind_a_link, statuses=UNHARMED) as run:
        link.cut_answers(5)
        run.goes_on(counts=(0, 50))
        eventually(lambda: link.answers_cut > 30, "many answers were cut off", 30)
        link.cut_answers(0)

    assert run.stack.query("select max(attempts) from (select count(*) as attempts from attempt group by message_id) a") == [(1,)]
    link.close()


def test_what_waits_follows_its_number_when_it_was_taken_away_and_put_back_elsewhere(make_stack):
    with under_audit(make_stack, statuses=UNHARMED) as run:
        stack, tenant = run.stack, Tenant(run.stack)
        office = Office(stack, tenant.ccid)
        office.number = tenant.number
        first = f"{stack.simulator_url}/gateway/first"
        requests.put(f"{stack.simulator_url}/sim/knobs/first", json={"status": 503}, timeout=5).raise_for_status()
        assert office.gateway(first, tenant.webhook_secret).status_code == 200
        office.has_number("chat.sms", provider="Async", endpoint="sales")
        waiting = [Answer(tenant) for _ in range(5)]
        eventually(lambda: {webhook["messageId"] for webhook in stack.journal("first")} >= {answer.id for answer in waiting},
                   "each was refused once")

        assert office.delete(office.section_path("chat.sms")).status_code == 200
        assert tenant.aggregator().message().status_code == 404
        calls = len(stack.journal("first"))
        assert office.gateway(f"{stack.simulator_url}/gateway/second", tenant.webhook_secret).status_code == 200
        office.has_number("chat.sms", provider="Async", endpoint="sales")
        later = [Answer(tenant, answer.conversation) for answer in waiting]

        for answer in waiting + later:
            answer.becomes("sent", within=30)
    assert len(stack.journal("first")) == calls, "where the number was before is not called"
    assert len(stack.journal("second")) == len(waiting + later)


def basic(tenant):
    return "Basic " + base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()


def text_of(tenant, name, *headers):
    form = f"type=MO&message_id={name}&phone_number={tenant.phone()[1:]}&shortcode={tenant.number[1:]}&message=hello"
    lines = ["POST /nexus/v3/sms/message HTTP/1.1", "Host: n", *headers, "Content-Type: application/x-www-form-urlencoded",
             f"Content-Length: {len(form)}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n" + form).encode()


def test_headers_that_say_who_asks_stand_once_or_the_request_is_refused(make_stack):
    with under_audit(make_stack, statuses=UNHARMED) as run:
        stack, tenant, other = run.stack, run.tenant, Tenant(run.stack)
        shown, others = f"Authorization: {basic(tenant)}", f"Authorization: {basic(other)}"
        refused = [(shown, others), (others, shown), (shown, shown), (shown, shown.lower().replace("basic", "Basic")),
                   (shown, f"x-ccid: {tenant.ccid}", f"x-ccid: {other.ccid}"), (shown, f"X-Ccid: {tenant.ccid}", f"x-CCID: {tenant.ccid}"),
                   (f"x-api-key: {tenant.api_key}", f"x-api-key: {other.api_key}")]
        names = [uuid.uuid4().hex for _ in refused]
        for name, headers in zip(names, refused):
            assert exchange(stack, text_of(tenant, name, *headers))[0][0] == 400, headers
        good = uuid.uuid4().hex
        assert exchange(stack, text_of(tenant, good, shown))[0][0] == 200

    assert stack.query("select external_id from message where external_id = any(%s)", names + [good]) == [(good,)]


def test_a_simulator_that_stops_answers_what_it_has_taken(make_stack):
    with under_audit(make_stack, statuses=UNHARMED) as run:
        requests.put(f"{run.stack.simulator_url}/sim/knobs", json={"latency_ms": 500}, timeout=5).raise_for_status()
        run.goes_on(counts=(0, 30))
        for _ in range(3):
            assert run.stack["simulator-0"].stop() == 0
            run.stack["simulator-0"].restart()
            run.goes_on(counts=(0, 10))
