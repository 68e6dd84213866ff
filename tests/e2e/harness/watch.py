"""Every answer that a gateway gives to anybody in these tests is held against the OpenAPI document, whoever asked and
however: the check sits where requests receives. It raises in the middle of the test, and a thread that swallows that
is told of again when the test is over."""

import urllib.parse

import requests

from .openapi import Api, BrokenPromise

_gateways = {}  # address → Stack
_send = requests.adapters.HTTPAdapter.send


def gateway(stack, port):
    """From now on what this port answers is a gateway's answer."""
    _gateways[f"127.0.0.1:{port}"] = stack


def forget(stack):
    """Its ports may become anybody's."""
    for address in [address for address, owner in _gateways.items() if owner is stack]:
        del _gateways[address]


def _checked(adapter, request, **options):
    answer = _send(adapter, request, **options)
    stack = _gateways.get(urllib.parse.urlsplit(request.url).netloc)
    if stack is None or is_stream(answer):
        return answer
    try:
        Api.of(stack.binaries).check(request.method, request.url, answer)
    except BrokenPromise as broken:
        stack.broken.append(str(broken))
        raise
    return answer


def is_stream(answer):
    """It has no end to wait for; event streams have tests of their own (test_events.py)."""
    return answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/event-stream")


requests.adapters.HTTPAdapter.send = _checked
