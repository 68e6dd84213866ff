"""The example receivers of docs/examples, and the worked example of docs/webhooks.md, against what Nexus really sends."""

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

from harness.customer import CustomerGateway
from harness.people import Answer, Tenant
from harness.stack import BINARIES, ROOT

EXAMPLES = ROOT / "docs/examples"
CONTRACT = ROOT / "docs/webhooks.md"


class Receiver:
    """An example as an operator starts it."""

    def __init__(self, command, folder, secret):
        self._command, self._folder, self._secret = command, folder, secret
        self._port = 0
        self.start()

    def start(self):
        with open(self._folder / "receiver.err", "ab") as errors:
            self._child = subprocess.Popen(
                [*self._command, str(self._port)], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self._folder,
                env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": self._secret})
        said = self._child.stdout.readline()
        assert said.startswith("listening on "), (self._folder / "receiver.err").read_text()
        self.url = said.split()[-1]
        self._port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def kill(self):
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(10)
        self._child.stdout.close()

    def kept(self):
        """The ids and texts it has kept, in the order in which they came."""
        database, lines = self._folder / "received.db", self._folder / "received.jsonl"
        if lines.exists():
            return [(message["id"], message["text"]) for message in map(json.loads, lines.read_text().splitlines())]
        with sqlite3.connect(database) as connection:
            bodies = connection.execute("select body from received order by place").fetchall()
        connection.close()
        return [(message["id"], message["text"]) for message in (json.loads(body) for [body] in bodies)]


@pytest.fixture(params=["receiver.py", "receiver.mjs"])
def receiver_for(request, tmp_path):
    """receiver_for(secret) starts this example with a place of its own."""
    interpreter = "/usr/bin/python3" if request.param.endswith(".py") else shutil.which("node")
    if interpreter is None:
        pytest.skip("node is not here")
    started = []

    def start(secret):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Receiver([interpreter, EXAMPLES / request.param], folder, secret))
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
    """A real webhook as it came: where a test changes a byte of it, that is the only difference."""
    customer = CustomerGateway()
    tenant = Tenant(nexus, webhook_url=customer.url)
    webhook = customer.wait_for(Answer(tenant).text)[0]
    customer.close()
    return webhook, tenant.webhook_secret


def signed_headers(webhook):
    return {name: webhook.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}


@pytest.mark.parametrize("secret", ["Correct.Horse.Battery", "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()])
def test_the_example_receiver_takes_what_an_agent_answers(nexus, receiver_for, secret):
    receiver = receiver_for(secret)
    tenant = tenant_at(nexus, receiver.url, secret)

    first = Answer(tenant, text=tenant.text("café – ¿qué? 🙂"))
    second = Answer(tenant, first.conversation).becomes("sent")

    assert receiver.kept() == [(first.id, first.text), (second.id, second.text)]
    assert nexus.query("select provider_id from message where id = %s", first.id) == [(first.id,)]


def test_the_example_receiver_takes_both_secrets_while_one_takes_the_place_of_the_other(nexus, receiver_for):
    receiver = receiver_for("the-old-secret the-new-secret")
    tenant = tenant_at(nexus, receiver.url, "the-old-secret")
    Answer(tenant).becomes("sent")

    for secret in (["the-new-secret", "the-old-secret"], "the-new-secret"):
        tenant.webhook["secret"] = secret
        tenant.apply()
        Answer(tenant).becomes("sent")

    assert len(receiver.kept()) == 3


class LosesTheFirstAnswer:
    """Stands between Nexus and a receiver; the first answer never arrives."""

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

    answer = Answer(tenant_at(nexus, between.url, "a-secret")).becomes("sent")

    assert [(name, status) for name, _, status in between.passed] == [(answer.id, 200), (answer.id, 200)]
    assert receiver.kept() == [(answer.id, answer.text)]
    between.close()


def test_the_example_receiver_knows_after_a_crash_what_it_has_kept(recorded, receiver_for):
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


def test_the_example_receiver_refuses_an_old_request_though_its_signature_is_right(receiver_for, tmp_path):
    receiver = receiver_for("a-secret")
    body = tmp_path / "body.json"
    body.write_text('{"messages":[{"id":"1","text":"late"}]}')
    signed = subprocess.run([BINARIES / "nexusctl", "--json", "sign", "--secret", "a-secret", "--timestamp",
                             str(int(time.time()) - 3600), body], check=True, capture_output=True, text=True, timeout=60)

    answer = requests.post(receiver.url, data=body.read_bytes(), headers=json.loads(signed.stdout)["headers"], timeout=10)

    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages":7}', b'{"messages":["x"]}', b"\xff", b"[" * 100000])
def test_the_example_receiver_answers_400_to_what_is_no_message(receiver_for, tmp_path, body):
    receiver = receiver_for("a-secret")
    (tmp_path / "body").write_bytes(body)
    signed = subprocess.run([BINARIES / "nexusctl", "sign", "--secret", "a-secret", "--headers", tmp_path / "body"], check=True,
                            capture_output=True, text=True, timeout=60)
    headers = dict(line.split(": ", 1) for line in signed.stdout.splitlines())

    assert requests.post(receiver.url, data=body, headers=headers, timeout=10).status_code == 400


def test_the_worked_example_of_the_contract_is_right(tmp_path):
    """Every header of the example is what nexusctl makes of its secret, id, timestamp and body."""
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
