"""A gateway that is told to stop goes without cutting anybody off, and one that starts keeps nobody out."""

import base64
import contextlib
import http.client
import select
import signal
import socket
import threading
import time
import urllib.parse
import uuid

import pytest
import requests

from harness.api.raw import RawClient
from harness.load.fault_run import PAIRS, FaultRun
from harness.outside.receiver import arrival
from harness.people import Tenant
from harness.wait import eventually

KEEP_ALIVE_CLIENTS = 14
GRACE_S = 1  # a gateway that leaves closes connections on which nothing was said for so long


class Hammer:
    """A client that texts without a pause on a kept connection, and goes to the next gateway only when this one does not
    let it in. It repeats nothing: an answer that does not come is written down. It uses no connection that was closed while it asked
    nothing. When a slow machine lets it pause for longer than a gateway waits, even between its look and its request, the gateway
    did not cut it off."""

    def __init__(self, tenant):
        self.tenant, self.stack = tenant, tenant.stack
        self.answers, self.refusals, self.broken, self.gateway = [], [], [], 0
        self.acknowledged = []  # message_ids
        self.idle_since = self.paused_s = 0.0  # since it was connected or its answer arrived; how long until it had sent its last request
        self.stopping = threading.Event()
        credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
        self.headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _connected(self):
        while not self.stopping.is_set():
            connection = http.client.HTTPConnection(*self.stack.address(self.gateway), timeout=60)
            try:
                connection.connect()
                self.idle_since = time.monotonic()
                return connection
            except ConnectionRefusedError:
                self.gateway = 1 - self.gateway
                self.stopping.wait(0.01)
        return None

    def _text(self, connection):
        form = {"type": "MO", "message_id": uuid.uuid4().hex, "phone_number": self.tenant.phone(),
                "shortcode": self.tenant.number, "message": self.tenant.text()}
        try:
            connection.request("POST", "/nexus/v3/sms/message", urllib.parse.urlencode(form), self.headers)
        finally:
            self.paused_s = time.monotonic() - self.idle_since
        answer = connection.getresponse()
        body = answer.read()
        self.idle_since = arrival(connection.sock) if connection.sock else time.monotonic()
        self.answers.append((self.gateway, answer.status))
        if answer.status != 200:
            self.refusals.append(f"gateway-{self.gateway}: {answer.status} {body.decode()}")
        if answer.status == 200:
            self.acknowledged.append(form["message_id"])
        return not answer.will_close

    def _run(self):
        while connection := self._connected():
            try:
                while not was_closed(connection) and self._text(connection) and not self.stopping.is_set():
                    pass
            except (http.client.HTTPException, OSError) as error:
                if self.paused_s < GRACE_S:
                    self.broken.append(f"gateway-{self.gateway}: {error!r}, after a pause of {self.paused_s:.3f} s")
            connection.close()

    def answered(self, gateway):
        return any(asked == gateway for asked, _ in self.answers[-2:])

    def stop(self):
        self.stopping.set()
        self.thread.join(120)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def hammering(tenant):
    """Many clients, which stop also if the test fails."""
    hammers = [Hammer(tenant) for _ in range(KEEP_ALIVE_CLIENTS)]
    try:
        yield hammers
    finally:
        for hammer in hammers:
            hammer.stopping.set()


def was_closed(connection):
    return bool(select.select([connection.sock], [], [], 0)[0])  # between two requests there is nothing to read but the end


def all_are_at(hammers, gateway):
    return all(hammer.answered(gateway) for hammer in hammers)


@pytest.mark.parametrize("delay", ["0s", "500ms"])
def test_no_client_is_cut_off_when_gateways_are_restarted_one_after_the_other(make_stack, delay):
    # A slow machine may need longer than 6 s for an answer.
    stack = make_stack(**PAIRS, settings={"gateway": {"NEXUS_DRAIN_DELAY": delay, "NEXUS_DEADLINE_FACTOR": 6}})
    with FaultRun(stack, rate=20) as run, hammering(run.tenant) as hammers:
        eventually(lambda: all_are_at(hammers, 0), "all clients are at gateway-0", 30)
        for leaving in (0, 1, 0):
            assert stack[f"gateway-{leaving}"].stop() == 0
            # A client that pauses until the gateway is back would stay there.
            eventually(lambda: all_are_at(hammers, 1 - leaving), f"all clients have left gateway-{leaving}", 30)
            stack[f"gateway-{leaving}"].restart()
        for hammer in hammers:
            hammer.stop()
            run.acknowledged(*hammer.acknowledged)

    assert [hammer.broken for hammer in hammers] == [[]] * KEEP_ALIVE_CLIENTS
    assert [hammer.refusals for hammer in hammers] == [[]] * KEEP_ALIVE_CLIENTS


@pytest.fixture
def slow_to_leave(make_stack):
    return make_stack(settings={"gateway": {"NEXUS_DRAIN_DELAY": "15s"}})  # so that a slow machine can ask it several things meanwhile


def is_unready(stack):
    return requests.get(f"{stack.url()}/health/ready", timeout=30).status_code == 503


def test_a_gateway_that_drains_is_unready_at_once_and_accepts_connections_until_its_delay_is_over(slow_to_leave):
    tenant = Tenant(slow_to_leave)
    slow_to_leave["gateway-0"].send(signal.SIGTERM)

    eventually(lambda: is_unready(slow_to_leave), "it says that it leaves")
    answer = tenant.aggregator().message()

    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"
    with tenant.agent().events().response as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert slow_to_leave["gateway-0"].wait() == 0
        assert b"id: " in stream.content  # from where its reader goes on elsewhere


def test_requests_that_were_sent_one_behind_the_other_are_all_answered_by_a_gateway_that_leaves(slow_to_leave):
    ask, last = b"GET /health/live HTTP/1.1\r\nHost: n\r\n\r\n", b"GET /health/ready HTTP/1.1\r\nHost: n\r\n\r\n"
    slow_to_leave["gateway-0"].send(signal.SIGTERM)
    eventually(lambda: is_unready(slow_to_leave), "it says that it leaves")

    with RawClient(slow_to_leave) as client:
        client.send(ask * 20 + last)
        assert [status for status, _ in client.answers()] == [200] * 20 + [503]
    assert slow_to_leave["gateway-0"].wait() == 0


def test_a_request_that_was_begun_is_answered_after_its_gateway_let_go(make_stack):
    stack = make_stack()
    with RawClient(stack) as slow:
        slow.send(b"GET /health/live HTTP/1.1\r\nHo")
        stack["gateway-0"].send(signal.SIGTERM)
        eventually(lambda: refuses(stack.address()), "nobody new is let in")
        slow.send(b"st: n\r\n\r\n")

        assert [status for status, _ in slow.answers()] == [200]
    assert stack["gateway-0"].wait() == 0


def test_connections_on_which_nothing_is_said_do_not_hold_a_gateway_up(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_DRAIN_TIMEOUT": "600s"}})
    with RawClient(stack) as silent, RawClient(stack) as kept:
        kept.send(b"GET /health/live HTTP/1.1\r\nHost: n\r\n\r\n")
        assert kept.socket.recv(9) == b"HTTP/1.1 "

        assert stack["gateway-0"].stop() == 0
        assert silent.answers() == []


def test_an_answer_that_is_not_read_holds_a_gateway_up_no_longer_than_its_drain_timeout(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_DRAIN_TIMEOUT": "2s"}})
    with RawClient(stack) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(b"GET /openapi.json HTTP/1.1\r\nHost: n\r\n\r\n" * 100)
        assert client.socket.recv(9) == b"HTTP/1.1 "

        assert stack["gateway-0"].stop() == 0


def test_a_delay_that_is_not_shorter_than_the_time_to_drain_is_refused(make_stack):
    stack = make_stack()
    gateway = stack["gateway-0"]
    assert gateway.stop() == 0
    gateway.environment.update(NEXUS_DRAIN_DELAY="3s", NEXUS_DRAIN_TIMEOUT="3s")

    assert gateway.start().wait() == 125

    assert "NEXUS_DRAIN_DELAY must be shorter than NEXUS_DRAIN_TIMEOUT" in gateway.tail()
    gateway.environment.update(NEXUS_DRAIN_DELAY="0s")
    gateway.restart()


def test_a_gateway_that_comes_back_answers_the_first_request_as_soon_as_a_worker_is_there(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    for _ in range(3):
        stack["gateway-0"].kill()
        stack["gateway-0"].restart()
        assert aggregator.message().status_code == 200


def test_a_new_gateway_whose_workers_do_not_come_says_so_and_does_not_wait_for_them_again(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    stack["sms-worker-0"].kill()
    stack["gateway-0"].kill()
    stack["gateway-0"].restart()

    answer = aggregator.message()

    assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
    eventually(lambda: "no sms-worker is connected" in aggregator.message().text, "nobody is waited for any more")


def refuses(address):
    try:
        socket.create_connection(address, 1).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        pass  # its listener is deaf for a moment before it closes; asking anew is quicker than to wait until the kernel asks again
    return False
