"""A contact center's receiver: records every webhook and answers as the test says."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
import uuid

from harness.outside import http_server
from harness.wait import eventually, slowly


LAST_DATA_RECEIVED = 52  # offset of tcpi_last_data_recv in struct tcp_info (linux/tcp.h): milliseconds ago


def arrival(connection):
    """When the kernel received the last bytes on this connection: a busy machine may run the thread that reads them much later."""
    for _ in range(1000):
        before = time.monotonic()
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        if time.monotonic() - before < 0.005:  # nothing came between the two clocks
            (ago_ms,) = struct.unpack_from("I", info, LAST_DATA_RECEIVED)
            return before - ago_ms / 1000
    raise AssertionError("the machine is too slow to read two clocks at once")


class Webhook:
    """One webhook as it was received; at: when its last bytes arrived."""

    def __init__(self, at, path, headers, body):
        self.at = at
        self.path = path
        self.headers = headers
        self.body = body
        self.message = json.loads(body)["messages"][0]

    def signed_with(self, secret):
        """The names of the signature headers that are valid for the exact bytes of the body."""
        key = secret.encode()
        good = []
        for header, prefix, digest in (("X-Hub-Signature", "sha1=", hashlib.sha1),
                                       ("X-Hub-Signature-256", "sha256=", hashlib.sha256)):
            if self.headers.get(header) == prefix + hmac.new(key, self.body, digest).hexdigest():
                good.append(header)
        signed = f"{self.headers.get('webhook-id')}.{self.headers.get('webhook-timestamp')}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if wanted in self.headers.get("webhook-signature", "").split():
            good.append("webhook-signature")
        return good


class Receiver:
    """Answers 200 with a messageId unless told otherwise: answer(status=…, body=…, delay=…, headers=…)."""

    def __init__(self):
        self.received = []
        self._answer = self._next = {}
        self._lock = threading.Lock()
        self._server = http_server.Server(self._take)
        self.url = f"{self._server.url}/sms"

    def answer(self, status=200, body=None, delay=0.0, headers=None):
        with self._lock:
            self._answer = self._next = {"status": status, "body": body, "delay": delay, "headers": headers or {}}

    def answer_once(self, status, body):
        """The next webhook gets this answer, all later ones 200."""
        with self._lock:
            self._answer, self._next = {"status": status, "body": body}, {}

    def messages(self, text=None):
        with self._lock:
            return [w for w in self.received if text is None or w.message.get("text") == text]

    def wait_for(self, text, count=1, within=15.0):
        return eventually(lambda: len(self.messages(text)) >= count and self.messages(text),
                          f"{count} webhook(s) with the text arrived", within)

    def close(self):
        self._server.close()

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        at = arrival(handler.connection)
        with self._lock:
            self.received.append(Webhook(at, handler.path, handler.headers, body))
            answer, self._answer = self._answer, self._next
        if answer.get("delay"):
            slowly(answer["delay"])
        reply = answer.get("body")
        if reply is None:
            reply = json.dumps({"messageId": f"receiver-{uuid.uuid4().hex}"})
        http_server.answer(handler, answer.get("status", 200), answer.get("headers", {}), reply)
