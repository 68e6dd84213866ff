"""A stream of events lasts no longer than the right to it, however that right ends; nobody else's stream is touched."""

import datetime
import socket
import threading
import uuid

import pytest
import requests

from harness.browser import Browser
from harness.people import Tenant
from harness.wait import eventually


class Watch:
    """A stream that is open; what came through it, and whether it has ended."""

    def __init__(self, stack, headers):
        self.lines = []
        self.ended = threading.Event()
        self.response = requests.get(f"{stack.url()}/chat/v3/events", headers=headers, stream=True, timeout=60)
        assert self.response.status_code == 200, self.response.text
        self.reader = threading.Thread(target=self._follow, daemon=True)
        self.reader.start()
        eventually(lambda: self.lines, "the stream has begun")

    def _follow(self):
        try:
            for line in self.response.iter_lines(chunk_size=1):
                self.lines.append(line)
        except requests.RequestException:
            pass
        self.ended.set()

    def ends(self):
        eventually(self.ended.is_set, "the stream has ended")

    def tells_of(self, message):
        eventually(lambda: any(message.encode() in line for line in self.lines), "the stream tells of the message")

    def close(self):
        self.response.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # so that the reader ends; close() would wait for it
        self.reader.join()
        self.response.close()


def key_of(tenant, **settings):
    """A key for agents, made over HTTP; (key, what it is called)."""
    made = tenant.administrator().post("/nexus/v3/apikeys", json={
        "tenant": tenant.ccid, "name": f"agent {uuid.uuid4()}", "permissions": ["nexus:agent:chat"], "capacity": 0,
        "enabled": True, **settings})
    assert made.status_code == 200, made.text
    key = made.json()["id"]
    tenant.stack.private.add(key)
    return key, key[:13]


@pytest.fixture
def bystander(tenant):
    """Another reader of the same tenant, whose right stays."""
    watch = Watch(tenant.stack, {"x-api-key": tenant.agent_token})
    yield watch
    posted = tenant.aggregator().message().json()["data"]["messageId"]
    watch.tells_of(posted)
    assert not watch.ended.is_set()
    watch.close()


def test_a_revoked_keys_stream_ends(tenant, bystander):
    key, name = key_of(tenant)
    watch = Watch(tenant.stack, {"x-api-key": key})

    assert tenant.administrator().delete(f"/nexus/v3/apikeys/{name}").status_code == 200

    watch.ends()


def test_a_disabled_keys_stream_ends(tenant, bystander):
    key, name = key_of(tenant)
    watch = Watch(tenant.stack, {"x-api-key": key})

    assert tenant.administrator().put(f"/nexus/v3/apikeys/{name}", json={"enabled": False}).status_code == 200

    watch.ends()


def test_a_stream_ends_when_its_key_expires(tenant, bystander):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    key, _ = key_of(tenant, expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    watch = Watch(tenant.stack, {"x-api-key": key})

    watch.ends()


def test_a_cluster_keys_stream_ends_when_it_is_revoked(tenant, bystander):
    operator = tenant.stack.operator()
    made = operator.post("/nexus/v3/apikeys", json={"tenant": "*", "name": f"all {uuid.uuid4()}", "enabled": True,
                                                    "permissions": ["nexus:agent:chat"], "capacity": 0})
    assert made.status_code == 200, made.text
    key = made.json()["id"]
    tenant.stack.private.add(key)
    watch = Watch(tenant.stack, {"x-api-key": key, "x-ccid": tenant.ccid})

    assert operator.delete(f"/nexus/v3/apikeys/{key[:13]}").status_code == 200

    watch.ends()


def test_signing_out_ends_the_sessions_streams(tenant, bystander):
    browser = Browser(tenant.stack)
    browser.log_in(f"{tenant.ccid}\\agent1")
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    watch = Watch(tenant.stack, cookie)

    out = browser.request("POST", "/auth/sign-out", headers={"x-csrf-token": browser.session()["csrf"]})

    assert out.status_code == 200, out.text
    watch.ends()


def test_a_stream_ends_when_gws_no_longer_knows_its_user_and_those_of_others_go_on(make_stack):
    # With all settings as they are: other requests believe what GWS said for half a minute, streams do not.
    stack = make_stack()
    tenant = Tenant(stack)
    tokens = [stack.gws.token(f"agent{number % 9 + 1}", tenant.ccid) for number in range(25)]
    watches = [Watch(stack, {"Authorization": f"Bearer {token}"}) for token in tokens]  # more than are asked about at once

    stack.gws.sign_out(tokens[0])
    stack.gws.sign_out(tokens[-1])

    watches[0].ends()
    watches[-1].ends()
    posted = tenant.aggregator().message().json()["data"]["messageId"]
    for watch in watches[1:-1]:
        watch.tells_of(posted)
        assert not watch.ended.is_set()
        watch.close()


def test_a_users_stream_goes_on_while_gws_is_away(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    watch = Watch(stack, {"Authorization": f"Bearer {stack.gws.token('agent1', tenant.ccid)}"})
    before = stack.gws.counts(tenant.ccid)["gwsUserinfo"]

    stack.gws.knobs(tenant.ccid, gws_status=500)
    eventually(lambda: stack.gws.counts(tenant.ccid)["gwsUserinfo"] >= before + 2, "it is asked, and has trouble")

    watch.tells_of(tenant.aggregator().message().json()["data"]["messageId"])
    assert not watch.ended.is_set()
    watch.close()


def test_a_stream_ends_when_its_key_expires_also_while_nobody_can_be_asked(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)
    key, _ = key_of(tenant, expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    watch = Watch(stack, {"x-api-key": key})

    stack["provisioning-worker-0"].kill()

    eventually(watch.ended.is_set, "the stream has ended", within=30)
    stack.bring_back("provisioning-worker-0")


def test_a_stream_goes_on_while_nobody_can_be_asked(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    watch = Watch(stack, {"x-api-key": tenant.agent_token})

    stack["provisioning-worker-0"].kill()
    stack.bring_back("provisioning-worker-0")

    watch.tells_of(tenant.aggregator().message().json()["data"]["messageId"])
    assert not watch.ended.is_set()
    watch.close()
