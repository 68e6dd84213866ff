"""Ordinary work and all kinds of failures, with unique texts, numbers and secrets. None of them may be found afterwards in
logs, metrics, traces, health or errors."""

import base64
import pathlib
import secrets
import signal
import socket
import uuid

import pytest
import requests

from harness.api.openapi import ContractViolation
from harness.nexus.stack import WORKERS
from harness.outside.collector import Collector
from harness.outside.receiver import Receiver
from harness.outside.sink import Sink
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.reading import messages
from harness.wait import LONGEST_ANSWER, eventually

PROGRAMS = ("gateway", *WORKERS, "metrics-agent", "simulator")


class Canary:
    """word() makes a private word, which must not be shown anywhere."""

    def __init__(self, stack):
        self.stack = stack
        self.shown = []  # (where, text)

    def word(self):
        word = f"canary{secrets.token_hex(8)}"
        self.stack.private.add(word)
        return word

    def found(self):
        """Places that show a private word, in any of its spellings."""
        for word in self.stack.private:
            for spelled in {word, word.lstrip("+"), base64.b64encode(word.encode()).decode().rstrip("=")}:
                for where, text in self.shown:
                    at = text.find(spelled)
                    if at >= 0:
                        yield f"{where} shows {word!r}: …{text[max(0, at - 300):at + 60]}…"


@pytest.fixture
def collector():
    one = Collector()
    yield one
    one.close()


@pytest.fixture
def canary(make_stack, collector, monkeypatch):
    common = {"NEXUS_OTLP_ENDPOINT": collector.url, "NEXUS_TRACE_SAMPLE": "1", "NEXUS_LOG_LEVEL": "debug"}
    settings = {program: dict(common) for program in PROGRAMS}
    otlp_key = secrets.token_hex(16)
    settings["metrics-agent"]["NEXUS_OTLP_HEADERS"] = f"authorization=Bearer%20{otlp_key}"
    settings["sms-worker"].update(NEXUS_DELIVERY_ATTEMPTS="2")
    canary = Canary(make_stack(settings=settings))
    canary.stack.private.add(otlp_key)
    send = requests.adapters.HTTPAdapter.send

    def recording(adapter, request, **options):
        answer = send(adapter, request, **options)
        if answer.status_code >= 400 and request.url.startswith(canary.stack.url()):
            canary.shown.append((f"{request.method} {request.url}: {answer.status_code}", answer.text + str(answer.headers)))
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", recording)
    return canary


def invalid_requests_of_aggregators(canary, tenant):
    """Sends every kind of invalid request of an aggregator."""
    word, aggregator = canary.word, tenant.aggregator()
    path = "/nexus/v3/sms/message"
    form = {"message_id": uuid.uuid4().hex, "phone_number": tenant.phone(), "shortcode": tenant.number, "message": word()}
    aggregator.message(phone=word())
    aggregator.message(text=word() * 400)
    aggregator.message(shortcode=word())
    aggregator.message(message_id=word() * 40)
    aggregator.message(mms_attachment=word())
    aggregator.message(concat_total=2, concat_part=word(), concat_reference=word())
    aggregator.post(path, data=f'{{"message": "{word()}', headers={"Content-Type": "application/json"})
    aggregator.post(path, data=word(), headers={"Content-Type": word()})
    aggregator.post(path, data=f"message=%zz{word()}", headers={"Content-Type": "application/x-www-form-urlencoded"})
    aggregator.post(path, data=word() * 20_000, headers={"Content-Type": "text/plain"})
    aggregator.post(f"{path}?token={word()}&operationId={word()}", data=form)
    aggregator.put(f"{path}?token={word()}", data=word())
    requests.post(aggregator.base + path, data=form, auth=(word(), word()), timeout=LONGEST_ANSWER)
    requests.post(aggregator.base + path, data=form, headers={"Authorization": f"Basic {word()}"}, timeout=LONGEST_ANSWER)
    aggregator.receipt(word(), 77)
    aggregator.receipt(word(), word())
    aggregator.receipt(word(), 2)


def invalid_requests_of_agents(canary, tenant, conversation):
    word, agent = canary.word, tenant.agent()
    path = f"/chat/v3/conversations/{conversation}/messages"
    agent.post(path, json={"type": "Text", "text": word() * 1000})
    agent.post(path, json={"type": word(), "text": word()})
    agent.post(path, json={"type": "Text", "text": {"a": word()}})
    agent.post(path, json={"type": "Text", "text": word()}, headers={"Idempotency-Key": word() * 20})
    agent.post(path.replace(conversation, str(uuid.uuid4())), json={"type": "Text", "text": word()})
    for text in (word(), word()):  # the same key for another body
        agent.post(path, json={"type": "Text", "text": text}, headers={"Idempotency-Key": "one"})
    for headers in ({"x-api-key": word()}, {"Authorization": f"Bearer {word()}"}, {"Cookie": f"nexus_session={word()}"}):
        requests.get(f"{agent.base}/chat/v3/conversations", headers=headers, timeout=LONGEST_ANSWER)
    requests.get(f"{agent.base}/auth/callback?state={word()}&code={word()}", timeout=LONGEST_ANSWER)
    requests.get(f"{agent.base}/auth/login?return={word()}", timeout=LONGEST_ANSWER)
    with socket.create_connection(canary.stack.address()) as bare:  # not valid HTTP
        bare.sendall(f"POST /chat/v3 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\nX: {word()}\r\n\r\n".encode())
        canary.shown.append(("an answer to invalid HTTP", bare.recv(65536).decode()))


def invalid_requests_of_administrators(canary, tenant):
    word, administrator = canary.word, tenant.administrator()
    services = f"/nexus/v3/provisioning/services/{tenant.ccid}"
    administrator.post(f"{services}/sms-async-{tenant.number.lstrip('+')}", json={"data": {"secret": word(), "url": word()}})
    administrator.post(f"{services}/{uuid.uuid4().hex}", data=f'{{"data": {{"apiSecret": "{word()}"',
                       headers={"Content-Type": "application/json"})
    administrator.post("/nexus/v3/apikeys", json={"data": {"name": word() * 50, "permissions": [word()]}})
    administrator.get("/nexus/v3/provisioning/tenants", headers={"Authorization": f"Bearer {word()}"})
    canary.stack.gws.grant(grant_type="password", username=f"{tenant.ccid}\\nexus", password=word())


def failing_webhooks(canary, receiver):
    """Produces every outcome of a webhook. Answers, URLs and static headers contain secrets."""
    stack, word = canary.stack, canary.word
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/{word()}"
    for status, body, url in ((400, word(), None), (410, word(), None), (301, word(), None), (401, word(), None),
                              (200, f'{{"messageId": "{word() * 9}', None), (503, word(), None), (200, None, refused),
                              (200, None, f"http://169.254.1.1/{word()}")):
        receiver.answer(status=status, body=body, headers={"Location": f"http://127.0.0.1/{word()}"})
        tenant = Tenant(stack, webhook_url=url or f"{receiver.url}?token={word()}", headers={"X-Token": word()})
        message = OutboundMessage(tenant)
        for _ in range(2):
            eventually(lambda: messages.attempts(tenant, message.id), "an attempt")
            stack.query("update delivery set due = now()")
    receiver.answer()
    silent = Sink()
    hung = OutboundMessage(Tenant(stack, webhook_url=f"{silent.url}?token={word()}"))
    eventually(lambda: messages.attempts(hung.tenant, hung.id), "an attempt without an answer", 30)
    silent.close()


def rows_refused_by_the_database(canary, tenant, conversation):
    """PostgreSQL's message about a row that violates a rule contains the row. The last answer is an intended 500."""
    stack = canary.stack
    stack.query("alter table message add constraint refuses check (not starts_with(body, 'canary')) not valid")
    tenant.agent().send(conversation, canary.word())
    tenant.aggregator().message(text=canary.word())
    stack.query("alter table message drop constraint refuses")
    stack.query("create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no: %%', new; end $$")
    stack.query("create trigger refuse before insert on message for each row execute function refuse()")
    with pytest.raises(ContractViolation, match="defect"):
        tenant.agent().send(conversation, canary.word())
    stack.query("drop function refuse cascade")
    canary.shown += [("a defect", text) for text in stack.broken]
    stack.broken.clear()


def secrets_that_cannot_be_decrypted(canary):
    stack = canary.stack
    tenant = Tenant(stack)
    stack.query("update destination set secrets = array[%s] where tenant_id = (select id from tenant where name = %s)",
                canary.word(), tenant.name)
    OutboundMessage(tenant)
    eventually(lambda: "destination.unusable" in stack["sms-worker-0"].log.read_text(), "the worker logs it")


def crashes_of_processes(canary, tenant):
    stack = canary.stack
    stack["sms-worker-0"].kill()
    tenant.aggregator().message()
    stack.bring_back("sms-worker-0")
    stack.postgres.kill()
    tenant.aggregator().message()
    tenant.agent().send(str(uuid.uuid4()), canary.word())
    stack.postgres.restart()
    stack.wait_until_well(within=30)


def readable_texts(canary, collector, tenant, message):
    """Everything that operators and monitoring can read: pairs of place and text."""
    stack = canary.stack
    for process in stack.processes.values():
        for file in (process.log, process.errors):
            yield file.name, file.read_text(errors="replace")
    for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        answer = requests.get(f"http://127.0.0.1:{stack.metrics_port}/metrics", headers={"Accept": accept}, timeout=LONGEST_ANSWER)
        yield f"/metrics as {accept}", answer.text
    for _, _, body, _ in collector.requests:
        yield "a trace", body.decode()
    for path in ("/health/detail", "/health/ready", "/health/live", "/openapi.json"):
        yield path, requests.get(stack.url() + path, timeout=LONGEST_ANSWER).text
    operator, path = stack.operator(), f"/nexus/v3/messages/{message}/timeline"
    yield "the timeline", until_accepted(lambda: operator.get(path, headers={"x-ccid": tenant.ccid})).text


def test_no_text_number_or_secret_is_found_in_logs_metrics_traces_errors_or_health(canary, collector):
    receiver = Receiver()
    try:
        stack, word = canary.stack, canary.word
        tenant = Tenant(stack, webhook_url=f"{receiver.url}?token={word()}", headers={"X-Token": word()})
        conversation = conversation_of(tenant)
        receiver.answer(body='{"messageId":"theirs"}')
        good = OutboundMessage(tenant, conversation, word()).becomes("sent")
        tenant.aggregator().receipt("theirs", 2)
        tenant.aggregator().message(phone=tenant.phone(), text="STOP")

        invalid_requests_of_aggregators(canary, tenant)
        invalid_requests_of_agents(canary, tenant, conversation)
        invalid_requests_of_administrators(canary, tenant)
        failing_webhooks(canary, receiver)
        secrets_that_cannot_be_decrypted(canary)
        rows_refused_by_the_database(canary, tenant, conversation)
        crashes_of_processes(canary, tenant)
        stack["gateway-0"].send(signal.SIGUSR2)
        eventually(lambda: collector.spans(name="webhook.attempt"), "spans of attempts")

        canary.shown += readable_texts(canary, collector, tenant, good.id)
        assert len([where for where, _ in canary.shown if where.startswith(("GET", "POST", "PUT"))]) > 30
        assert not list(canary.found()), "\n".join(canary.found())
        assert not list(pathlib.Path(stack.folder).glob("core*"))
    finally:
        receiver.close()
