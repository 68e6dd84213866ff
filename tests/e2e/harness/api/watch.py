"""Compares every answer that a gateway gives in these tests with the OpenAPI document: the check is part of the adapter of
requests. It raises in the middle of the test. If a thread swallows the exception, the end of the test reports it again."""

import urllib.parse

import requests

from harness.api.openapi import Api, ContractViolation

_gateways = {}  # address → Stack
_send = requests.adapters.HTTPAdapter.send


def gateway(stack, port):
    """From now on answers from this port are checked as a gateway's."""
    _gateways[f"127.0.0.1:{port}"] = stack


def forget(stack):
    """Another program may get its ports later."""
    for address in [address for address, owner in _gateways.items() if owner is stack]:
        del _gateways[address]


def _checked(adapter, request, **options):
    answer = _send(adapter, request, **options)
    stack = _gateways.get(urllib.parse.urlsplit(request.url).netloc)
    if stack is None or is_stream(answer):
        return answer
    try:
        Api.of(stack.binaries).check(request.method, request.url, answer)
    except ContractViolation as broken:
        stack.broken.append(str(broken))
        raise
    return answer


def is_stream(answer):
    """A stream does not end, so it is not checked here; event streams have their own tests (test_events.py)."""
    return answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/event-stream")


requests.adapters.HTTPAdapter.send = _checked
