"""An event stream ends when its reader loses the right to read it, for whatever reason. Streams of other readers go on."""

import datetime
import socket
import threading
import uuid

import pytest
import requests

from harness.answers import data_of
from harness.browser import Browser
from harness.identities import key_of
from harness.people import Tenant, until_accepted
from harness.wait import eventually


class OpenStream:
    """An open event stream: its lines, and whether it has ended. It is opened again while GWS does not say in time whose token this is:
    Nexus waits for it for half of the deadline."""

    def __init__(self, stack, headers):
        self.lines = []
        self.ended = threading.Event()
        self.response = until_accepted(lambda: requests.get(f"{stack.url()}/chat/v3/events", headers=headers, stream=True, timeout=60))
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

    def wait_for_end(self, within=10.0):
        eventually(self.ended.is_set, "the stream has ended", within)

    def shows(self, message):
        eventually(lambda: any(message.encode() in line for line in self.lines), "the stream shows the message")

    def close(self):
        self.response.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # so that the reader ends; close() would wait for it
        self.reader.join()
        self.response.close()


@pytest.fixture
def bystander(tenant):
    """The stream of another reader of the same tenant, who keeps the right."""
    stream = OpenStream(tenant.stack, {"x-api-key": tenant.agent_token})
    yield stream
    posted = data_of(tenant.aggregator().message())["messageId"]
    stream.shows(posted)
    assert not stream.ended.is_set()
    stream.close()


def new_key(tenant):
    """key_of(), again if GWS did not say in time who the administrator is."""
    return eventually(lambda: key_of(tenant), "there is a new key")


def stream_of_a_key_that_expires(tenant, seconds):
    """An open stream of a key that expires after so many seconds; a later one if the machine was too slow to open it in time."""
    for life in (seconds, 4 * seconds, 16 * seconds):
        end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=life)).replace(microsecond=0)
        try:
            key, _ = key_of(tenant, expires=end.strftime("%Y-%m-%dT%H:%M:%SZ"))
            return OpenStream(tenant.stack, {"x-api-key": key})
        except (AssertionError, ValueError) as refused:
            late = refused
    raise late


def test_a_revoked_keys_stream_ends(tenant, bystander):
    key, name = new_key(tenant)
    stream = OpenStream(tenant.stack, {"x-api-key": key})

    administrator = tenant.administrator()
    assert until_accepted(lambda: administrator.delete(f"/nexus/v3/apikeys/{name}")).status_code == 200

    stream.wait_for_end()


def test_a_disabled_keys_stream_ends(tenant, bystander):
    key, name = new_key(tenant)
    stream = OpenStream(tenant.stack, {"x-api-key": key})

    administrator = tenant.administrator()
    assert until_accepted(lambda: administrator.put(f"/nexus/v3/apikeys/{name}", json={"enabled": False})).status_code == 200

    stream.wait_for_end()


def test_a_stream_ends_when_its_key_expires(tenant, bystander):
    stream = stream_of_a_key_that_expires(tenant, 4)

    stream.wait_for_end(within=60)


def test_a_cluster_keys_stream_ends_when_it_is_revoked(tenant, bystander):
    operator = tenant.stack.operator()
    made = until_accepted(lambda: operator.post("/nexus/v3/apikeys", json={
        "tenant": "*", "name": f"all {uuid.uuid4()}", "enabled": True, "permissions": ["nexus:agent:chat"], "capacity": 0}))
    assert made.status_code == 200, made.text
    key = made.json()["id"]
    tenant.stack.private.add(key)
    stream = OpenStream(tenant.stack, {"x-api-key": key, "x-ccid": tenant.ccid})

    assert until_accepted(lambda: operator.delete(f"/nexus/v3/apikeys/{key[:13]}")).status_code == 200

    stream.wait_for_end()


def test_signing_out_ends_the_sessions_streams(tenant, bystander):
    browser = Browser(tenant.stack)
    until_accepted(lambda: browser.log_in(f"{tenant.ccid}\\agent1"))
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    stream = OpenStream(tenant.stack, cookie)

    headers = {"x-csrf-token": eventually(browser.session, "GWS says whose session this is")["csrf"]}
    out = until_accepted(lambda: browser.request("POST", "/auth/sign-out", headers=headers))

    assert out.status_code == 200, out.text
    stream.wait_for_end()


def test_a_stream_ends_when_gws_no_longer_knows_its_user_and_streams_of_others_go_on(make_stack):
    # With the default settings: other requests trust an answer of GWS for half a minute, streams do not.
    stack = make_stack()
    tenant = Tenant(stack)
    tokens = [stack.gws.token(f"agent{number % 9 + 1}", tenant.ccid) for number in range(25)]
    streams = [OpenStream(stack, {"Authorization": f"Bearer {token}"}) for token in tokens]  # more than are checked at once

    stack.gws.sign_out(tokens[0])
    stack.gws.sign_out(tokens[-1])

    streams[0].wait_for_end()
    streams[-1].wait_for_end()
    posted = data_of(tenant.aggregator().message())["messageId"]
    for stream in streams[1:-1]:
        stream.shows(posted)
        assert not stream.ended.is_set()
        stream.close()


def test_a_users_stream_goes_on_while_gws_fails(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = OpenStream(stack, {"Authorization": f"Bearer {stack.gws.token('agent1', tenant.ccid)}"})
    before = stack.gws.counts(tenant.ccid)["gwsUserinfo"]

    stack.gws.knobs(tenant.ccid, gws_status=500)
    eventually(lambda: stack.gws.counts(tenant.ccid)["gwsUserinfo"] >= before + 2, "GWS was asked and failed")

    stream.shows(data_of(tenant.aggregator().message())["messageId"])
    assert not stream.ended.is_set()
    stream.close()


def test_a_stream_ends_when_its_key_expires_even_without_a_provisioning_worker(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = stream_of_a_key_that_expires(tenant, 8)

    stack["provisioning-worker-0"].kill()

    stream.wait_for_end(within=60)
    stack.bring_back("provisioning-worker-0")


def test_a_stream_goes_on_without_a_provisioning_worker(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = OpenStream(stack, {"x-api-key": tenant.agent_token})

    stack["provisioning-worker-0"].kill()
    eventually(lambda: "provisioning-worker-0" not in stack.workers(), "the gateway has noticed")
    stack.bring_back("provisioning-worker-0")

    stream.shows(data_of(tenant.aggregator().message())["messageId"])
    assert not stream.ended.is_set()
    stream.close()
