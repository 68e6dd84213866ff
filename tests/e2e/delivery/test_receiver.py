"""The example receivers of docs/examples and the worked example of docs/webhooks.md agree with what Nexus sends."""

import base64
import http.server
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

from harness.nexus.ports import free_port
from harness.nexus.stack import BINARIES, ROOT
from harness.outside.receiver import Receiver
from harness.people import OutboundMessage, Tenant
from harness.reading import messages

EXAMPLES = ROOT / "docs/examples"
CONTRACT = ROOT / "docs/webhooks.md"


class ExampleReceiver:
    """An example receiver, started as its guide says."""

    def __init__(self, command, folder, secret):
        self._command, self._folder, self._secret = command, folder, secret
        self._port = free_port()
        self.start()

    def start(self):
        with open(self._folder / "receiver.err", "ab") as errors:
            self._child = subprocess.Popen(
                [*self._command, str(self._port)], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self._folder,
                env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": self._secret})
        line = self._child.stdout.readline()
        assert line.startswith("listening on "), (self._folder / "receiver.err").read_text()
        self.url = line.split()[-1]

    def kill(self):
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(10)
        self._child.stdout.close()

    def kept(self):
        """The ids and texts of the messages it has stored, in the order of arrival."""
        database, lines = self._folder / "received.db", self._folder / "received.jsonl"
        if lines.exists():
            return [(message["id"], message["text"]) for message in map(json.loads, lines.read_text().splitlines())]
        with sqlite3.connect(database) as connection:
            bodies = connection.execute("select body from received order by place").fetchall()
        connection.close()
        return [(message["id"], message["text"]) for message in (json.loads(body) for [body] in bodies)]


@pytest.fixture(params=["receiver.py", "receiver.mjs"])
def receiver_for(request, tmp_path):
    """receiver_for(secret) starts this example in a folder of its own."""
    interpreter = "/usr/bin/python3" if request.param.endswith(".py") else shutil.which("node")
    if interpreter is None:
        pytest.skip("node is not installed")
    started = []

    def start(secret):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(ExampleReceiver([interpreter, EXAMPLES / request.param], folder, secret))
        return started[-1]

    yield start
    for receiver in started:
        receiver.kill()


def tenant_at(nexus, url, secret):
    tenant = Tenant(nexus, webhook_url=url)
    tenant.webhook["secret"] = secret
    tenant.apply()
    return tenant


@pytest.fixture
def recorded(nexus):
    """A recorded webhook and its secret, for tests that change one byte of it."""
    receiver = Receiver()
    tenant = Tenant(nexus, webhook_url=receiver.url)
    webhook = receiver.wait_for(OutboundMessage(tenant).text)[0]
    receiver.close()
    return webhook, tenant.webhook_secret


def signed_headers(webhook):
    return {name: webhook.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}


@pytest.mark.parametrize("secret", ["Correct.Horse.Battery", "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()])
def test_the_example_receiver_accepts_outbound_messages(nexus, receiver_for, secret):
    receiver = receiver_for(secret)
    tenant = tenant_at(nexus, receiver.url, secret)

    first = OutboundMessage(tenant, text=tenant.text("café – ¿qué? 🙂"))
    second = OutboundMessage(tenant, first.conversation).becomes("sent")

    assert receiver.kept() == [(first.id, first.text), (second.id, second.text)]
    assert messages.message(tenant, first.id)["providerId"] == first.id


def test_the_example_receiver_accepts_both_secrets_while_a_secret_is_rotated(nexus, receiver_for):
    receiver = receiver_for("the-old-secret the-new-secret")
    tenant = tenant_at(nexus, receiver.url, "the-old-secret")
    OutboundMessage(tenant).becomes("sent")

    for secret in (["the-new-secret", "the-old-secret"], "the-new-secret"):
        tenant.webhook["secret"] = secret
        tenant.apply()
        OutboundMessage(tenant).becomes("sent")

    assert len(receiver.kept()) == 3


class LosesTheFirstAnswer:
    """A proxy between Nexus and a receiver that drops the first answer."""

    def __init__(self, url):
        self.passed = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = requests.post(url, data=body, headers=dict(self.headers), timeout=10)
                outer.passed.append((self.headers["webhook-id"], self.headers["webhook-timestamp"], answer.status_code))
                if len(outer.passed) > 1:
                    self.send_response(answer.status_code)
                    self.send_header("Content-Length", str(len(answer.content)))
                    self.end_headers()
                    self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def test_the_example_receiver_keeps_a_message_once_that_comes_twice(nexus, receiver_for):
    receiver = receiver_for("a-secret")
    between = LosesTheFirstAnswer(receiver.url)

    message = OutboundMessage(tenant_at(nexus, between.url, "a-secret")).becomes("sent")

    assert [(name, status) for name, _, status in between.passed] == [(message.id, 200), (message.id, 200)]
    assert receiver.kept() == [(message.id, message.text)]
    between.close()


def test_the_example_receiver_recognizes_a_repeated_message_after_a_crash(recorded, receiver_for):
    webhook, secret = recorded
    receiver = receiver_for(secret)

    for _ in range(2):
        assert requests.post(receiver.url, data=webhook.body, headers=signed_headers(webhook), timeout=10).status_code == 200
        receiver.kill()
        receiver.start()

    assert len(receiver.kept()) == 1


@pytest.mark.parametrize("tampered", ["body", "webhook-id", "webhook-timestamp", "webhook-signature", "unsigned", "of another secret"])
def test_the_example_receiver_refuses_what_was_tampered_with(recorded, receiver_for, tampered):
    webhook, secret = recorded
    receiver = receiver_for("another secret" if tampered == "of another secret" else secret)
    body, headers = webhook.body, signed_headers(webhook)
    if tampered == "body":
        body = body.replace(b'"text":"', b'"text":"!')
    elif tampered == "unsigned":
        del headers["webhook-signature"]
    elif tampered in headers:
        last = headers[tampered].rstrip("=")[-1]
        at = headers[tampered].rindex(last)
        headers[tampered] = headers[tampered][:at] + ("1" if last != "1" else "2") + headers[tampered][at + 1:]

    answer = requests.post(receiver.url, data=body, headers=headers, timeout=10)

    assert answer.status_code == 401
    assert receiver.kept() == []


def test_the_example_receiver_refuses_an_old_request_even_if_its_signature_is_valid(receiver_for, tmp_path):
    receiver = receiver_for("a-secret")
    body = tmp_path / "body.json"
    body.write_text('{"messages":[{"id":"1","text":"late"}]}')
    signed = subprocess.run([BINARIES / "nexusctl", "--json", "sign", "--secret", "a-secret", "--timestamp",
                             str(int(time.time()) - 3600), body], check=True, capture_output=True, text=True, timeout=60)

    answer = requests.post(receiver.url, data=body.read_bytes(), headers=json.loads(signed.stdout)["headers"], timeout=10)

    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages":7}', b'{"messages":["x"]}', b"\xff",
                                  pytest.param(b"[" * 100000, id="nested deeply")])
def test_the_example_receiver_answers_400_to_a_body_that_is_not_a_message(receiver_for, tmp_path, body):
    receiver = receiver_for("a-secret")
    (tmp_path / "body").write_bytes(body)
    signed = subprocess.run([BINARIES / "nexusctl", "sign", "--secret", "a-secret", "--headers", tmp_path / "body"], check=True,
                            capture_output=True, text=True, timeout=60)
    headers = dict(line.split(": ", 1) for line in signed.stdout.splitlines())

    assert requests.post(receiver.url, data=body, headers=headers, timeout=10).status_code == 400


def test_the_worked_example_of_the_contract_is_correct(tmp_path):
    """nexusctl makes every header of the example from its secret, id, timestamp and body."""
    blocks = re.findall(r"```\w*\n(.*?)\n```", CONTRACT.read_text(), re.S)
    request = next(block for block in blocks if block.startswith("POST "))
    head, body = request.split("\n\n", 1)
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    secret = re.search(r"secret is `([^`]+)`", CONTRACT.read_text())[1]
    (tmp_path / "body").write_text(body)

    signed = subprocess.run([BINARIES / "nexusctl", "sign", "--secret", secret, "--id", headers["webhook-id"], "--timestamp",
                             headers["webhook-timestamp"], "--headers", tmp_path / "body"], check=True, capture_output=True,
                            text=True, timeout=60)

    assert int(headers["Content-Length"]) == len(body.encode())
    for line in signed.stdout.splitlines():
        name, value = line.split(": ", 1)
        assert headers[name] == value


def test_the_contract_names_every_header_and_member_that_is_sent(recorded):
    webhook, _ = recorded
    text = CONTRACT.read_text()

    for name in [*webhook.headers, *webhook.message]:
        assert f"`{name}`" in text, name
