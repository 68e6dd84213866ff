"""Signatures as gateways of contact centers make them."""

import base64
import hashlib
import hmac
import secrets
import time


def hub_sha1(secret, body):
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def hub_sha256(secret, body):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def standard(secret, body, at=None, name="msg_1"):
    at = str(int(at or time.time()))
    key = base64.b64decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": "v1," + base64.b64encode(digest).decode()}


def fresh():
    return secrets.token_hex(24)
