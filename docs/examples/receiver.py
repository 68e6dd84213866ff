#!/usr/bin/env python3
"""A receiver of Nexus' webhooks, complete, with nothing but Python's standard library (3.9 or later).

    WEBHOOK_SECRET=… python3 receiver.py [PORT]

It checks who sent the request, keeps each message once, and answers at once. What is kept waits in received.db, from where
your own program sends it on: select body from received order by place. docs/webhooks.md is the contract it follows.

Settings: WEBHOOK_SECRET, the secret of the number's webhook (while it is rotated: old and new, with a blank between);
RECEIVER_DB, where messages are kept; RECEIVER_HOST, the address to listen on. Put it behind something that speaks TLS.
"""

import base64
import binascii
import hashlib
import hmac
import http.server
import json
import os
import sqlite3
import sys
import time

SECRETS = os.environ["WEBHOOK_SECRET"].split()
DATABASE = os.environ.get("RECEIVER_DB", "received.db")
BODY_LIMIT = 2 * 1024 * 1024
CLOCK_SKEW_S = 300
IDLE_S = 75  # longer than the 60 s for which Nexus keeps an idle connection


def key_of(secret):
    """A secret of the form whsec_… is base64 of the key; any other is the key itself."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret[len("whsec_"):], validate=True)
        except binascii.Error:
            pass  # it only looks like one
    return secret.encode()


def is_from_nexus(headers, body, now):
    """True when webhook-signature is right for these exact bytes, and was made within the last five minutes."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > CLOCK_SKEW_S:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    right = False
    for secret in SECRETS:
        digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        wanted = b"v1," + base64.b64encode(digest)
        for given in headers.get("webhook-signature", "").split():
            right |= hmac.compare_digest(given.encode(), wanted)  # takes as long whichever byte differs
    return right


def open_database():
    """One connection a request: sqlite lets them wait for each other."""
    database = sqlite3.connect(DATABASE, timeout=5)
    database.execute("""create table if not exists received (
        place integer primary key, id text not null unique, body text not null)""")
    return database


def keep(messages):
    """Stores of {id: message} what is new, each id once, and returns when it is on disk. What was there before stays as it is."""
    database = open_database()
    try:
        with database:  # one transaction: all or nothing
            database.executemany("insert into received (id, body) values (?, ?) on conflict (id) do nothing",
                                 [(message_id, json.dumps(message)) for message_id, message in messages.items()])
    finally:
        database.close()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True  # or the second part of an answer waits 40 ms until the first is acknowledged

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16 and int(length) <= BODY_LIMIT):
            self.close_connection = True  # what follows cannot be told from a request
            return self.answer(413, {"error": "the length of the body must be stated, and reasonable"})
        body = self.rfile.read(int(length))
        if not is_from_nexus(self.headers, body, time.time()):
            return self.answer(401, {"error": "the signature is wrong"})
        try:
            messages = {str(message["id"]): message for message in json.loads(body)["messages"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            return self.answer(400, {"error": "this is no list of messages"})
        try:
            keep(messages)
        except sqlite3.Error as error:
            print(f"not stored: {error}", file=sys.stderr, flush=True)
            return self.answer(503, {"error": "not stored; send it again"}, {"Retry-After": "5"})
        # Only now, when a loss of power would not lose it. A repetition gets the same answer.
        return self.answer(200, {"messageId": next(iter(messages), None)})

    def answer(self, status, content, headers=None):
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, form, *values):
        print(form % values, file=sys.stderr, flush=True)  # method, path and status; no text, no number


def main():
    open_database().close()
    place = os.environ.get("RECEIVER_HOST", "127.0.0.1"), int(sys.argv[1]) if len(sys.argv) > 1 else 8088
    server = http.server.ThreadingHTTPServer(place, Receiver)
    print(f"listening on http://{place[0]}:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
