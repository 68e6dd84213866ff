"""Hostile clients: too many, too slow, or peers on the bus that break its protocol. Others are not affected, and memory and
CPU time do not grow."""

import contextlib
import os
import pathlib
import random
import resource
import socket
import threading
import time

import pytest
import requests

from harness.api.raw import RawClient
from harness.large_bodies import MIB, photo, received
from harness.nexus.stack import READABLE
from harness.outside.bus_peer import BusPeer, pack
from harness.people import Tenant, until_accepted
from harness.wait import LONGEST_ANSWER, eventually
from test_bad_input import credentials


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


def sleeps(process):
    """Each of ten looks finds it waiting for something to happen; a loop without a pause would be found running."""
    states = [pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] for _ in range(10)]
    return set(states) == {"S"}


def resident_bytes(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def clients_repeating(stack, requests_text, clients):
    """So many clients send the same requests repeatedly on persistent connections, until the gateway closes them."""
    def ask(client):
        with contextlib.suppress(OSError), client:
            client.send(requests_text)
            while client.socket.recv(1 << 20):
                client.send(requests_text)

    threads = [threading.Thread(target=ask, args=[RawClient(stack)]) for _ in range(clients)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "the gateway kept a connection"


# --- too many, too slow ---

def is_alive(stack):
    return requests.get(f"{stack.url()}/health/live", timeout=LONGEST_ANSWER).status_code == 200


def closed(stack, reason):
    return stack.metric("nexus_connections_closed_total", reason=reason)


def test_without_free_descriptors_the_longest_idle_connection_is_closed(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_FAILPOINTS": READABLE}})
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    assert aggregator.message().status_code == 200
    gateway = stack["gateway-0"]
    limits = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{gateway.pid}/fd"))
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (used + 10, limits[1]))

    with contextlib.ExitStack() as crowd:
        for _ in range(40):
            crowd.enter_context(RawClient(stack))
        assert is_alive(stack)
        assert aggregator.message().status_code == 200
        eventually(lambda: closed(stack, "full") > 0, "the metric counts it")
        eventually(lambda: sleeps(gateway), "the gateway does not try again and again to accept connections")


def test_a_full_server_closes_idle_connections_and_keeps_busy_ones(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_HTTP_CONNECTIONS": 20}})
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    assert aggregator.message().status_code == 200

    with contextlib.ExitStack() as crowd:
        for _ in range(60):
            crowd.enter_context(RawClient(stack))
        assert is_alive(stack)
        assert aggregator.message().status_code == 200

    with contextlib.ExitStack() as crowd:
        for _ in range(20):
            crowd.enter_context(contextlib.closing(tenant.agent().events()))
        assert is_alive(stack)
        refused = tenant.aggregator().message()
        assert (refused.status_code, refused.headers["Connection"]) == (503, "close")
        assert int(refused.headers["Retry-After"]) >= 1
    eventually(lambda: aggregator.message().status_code == 200, "clients are served again")


def test_a_gateway_stops_although_clients_go_on_sending_and_others_have_reset_their_connections(make_stack):
    # Two former defects: a request on a persistent connection after the end of draining was reported as a second end, and the
    # gateway waited without end for a stream whose reader had reset the connection. Clients that never pause keep their
    # connections until the drain timeout, which is short here.
    stack = make_stack(settings={"gateway": {"NEXUS_DRAIN_TIMEOUT": "2s"}})
    token = Tenant(stack).agent_token
    events = f"GET /chat/v3/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    for _ in range(8):
        with contextlib.ExitStack() as crowd:
            for _ in range(5):
                client = crowd.enter_context(RawClient(stack))
                client.send(events)
                client.reset()
            crowd.enter_context(clients_repeating(stack, b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 50, clients=16))
            assert stack["gateway-0"].stop() == 0
        stack["gateway-0"].start().ready()
        stack.wait_for("green")


def test_slow_clients_are_cut_while_quick_ones_are_served(nexus, tenant):
    head = (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Basic {credentials(tenant)}\r\n").encode()
    beginnings = {"sends nothing": b"", "half a head": head, "half a body": head + b"Content-Length: 100\r\n\r\n{",
                  "half a chunk": head + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"}
    with contextlib.ExitStack() as all_clients:
        clients = {name: all_clients.enter_context(RawClient(nexus)) for name in beginnings}
        for name, client in clients.items():
            client.send(beginnings[name])
        dripping = all_clients.enter_context(RawClient(nexus))
        eventually(lambda: is_closed_after_a_byte(dripping), "the connection that sends single bytes is closed", within=20)

        assert dripping.bytes > 3, "it is not closed at once"
        assert tenant.aggregator().message().status_code == 200
        for name, client in clients.items():
            statuses = [status for status, _ in client.answers()]
            assert statuses == ([] if name == "sends nothing" else [408]), name


def is_closed_after_a_byte(client):
    """Sends one more byte of an endless head; true once the connection is closed."""
    try:
        client.bytes = getattr(client, "bytes", 0) + 1
        client.send(b"G" if client.bytes == 1 else b"E")
        client.socket.settimeout(0.05)
        return client.socket.recv(1) is not None
    except TimeoutError:
        return False
    except OSError:
        return True


def read_slowly(clients):
    """Reads a kilobyte per second from each client; true once all connections are closed."""
    for client in list(clients):
        if time.monotonic() < getattr(client, "reads_next", 0):
            continue
        client.reads_next = time.monotonic() + 0.25
        try:
            client.socket.settimeout(0.05)
            if client.socket.recv(256):
                continue
        except TimeoutError:
            continue
        except OSError:
            pass
        clients.remove(client)
    return not clients


def test_a_reader_that_is_too_slow_loses_its_connection_and_its_place(make_stack):
    # The kernel closes a connection that is not read at all; a few bytes per second would keep it open for hours.
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})  # 3 of 32 downloads
    tenant = Tenant(stack)
    path = received(tenant, photo(5 * MIB))[0]
    with contextlib.ExitStack() as crowd:
        clients = [crowd.enter_context(RawClient.slow_reader(stack)) for _ in range(3)]
        for client in clients:
            client.send(f"GET {path}/1 HTTP/1.1\r\nHost: n\r\nx-api-key: {tenant.agent_token}\r\n\r\n".encode())
            assert client.socket.recv(256).startswith(b"HTTP/1.1 200 ")
        assert tenant.agent().get(f"{path}/1").status_code == 429

        eventually(lambda: read_slowly(clients), "slow readers are disconnected", within=60)

    eventually(lambda: tenant.agent().get(f"{path}/1").status_code == 200, "a download is possible again")
    eventually(lambda: closed(stack, "slow") == 3, "the metric counts them")


def test_a_client_that_disconnects_before_its_answer_leaves_nothing_behind(tenant):
    body = b"message_id=%d&phone_number=%s&shortcode=%s&message=x"
    aggregator = tenant.aggregator()
    prepared = requests.Request("POST", aggregator.base, auth=(tenant.ccid, tenant.api_key)).prepare()
    for number in range(50):
        with RawClient(tenant.stack) as client:
            text = body % (number, tenant.phone().strip("+").encode(), tenant.number.strip("+").encode())
            client.send(b"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n"
                        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                        % (prepared.headers["Authorization"].encode(), len(text)) + text)
            if number % 2:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset

    assert aggregator.message().status_code == 200
    eventually(lambda: tenant.stack.metric("nexus_http_inflight") == 0, "no request is left in flight")


# --- on the bus ---

HELLO = 1
REPLY = 2
HEARTBEAT = pack([1, 3, 0, True, True])
HOSTILE_FRAMES = [
    b"", b"\x00", b"\xc1", b"nonsense", b"\x93", b"\x91" * 4096, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff", b"\xdd\x00\x0f\xff\xff" + b"\xdd\x00\x0f\xff\xff" * 100, b"\xc9\xff\xff\xff\xff\x01",
    pack([2, HELLO]), pack([1, 99]), pack([1, HELLO, 1, 2, 3]), pack([1, HELLO, "sms-worker", "", 1, "b", 1, 1]),
    pack([1, HELLO, "nobody", "x", 1, "b", 1, 1]), pack([1, HELLO, "sms-worker", "x" * 1000, 1, "b", 1, 1]),
    pack([1, HELLO, "sms-worker", "x", 1, "b", 2**63, 1]), pack([1, HELLO, "sms-worker", "x", 1, "b", 0, 0]),
    pack([1, HELLO, ["sms-worker"], [], 1, "b", 1, 1]),
    b"\xdb\x00\x0f\x00\x00" + bytes(0xf0000), pack([1, REPLY, 7]), pack([1, REPLY, [[1, 2, 3]]]), pack([1, REPLY, [[1, "ok"]]]),
    pack([1, 7, ["x"]]), pack([1, 6, [["7"]]]),
]


@pytest.fixture
def stack(make_stack):
    # Freed memory is returned to the system at once, so that the resident size is the used size.
    return make_stack(settings={"gateway": {"ASAN_OPTIONS": "quarantine_size_mb=1:detect_stack_use_after_return=1:exitcode=99",
                                            "NEXUS_DEADLINE_FACTOR": 10}})


@pytest.fixture
def peer(stack):
    peer = BusPeer(stack)
    yield peer
    peer.close()


def test_malformed_frames_are_counted_and_cost_nothing(stack):
    aggregator = Tenant(stack).aggregator()
    chance = random.Random(7)
    count = 0

    def round_of_frames():
        nonlocal count
        for frame in HOSTILE_FRAMES + [chance.randbytes(chance.randrange(1, 2000)) for _ in range(10)]:
            with BusPeer(stack) as hostile:
                hostile.send_frame(frame)
            count += 1
        assert aggregator.message().status_code == 200
        eventually(lambda: stack.metric("nexus_bus_peers_dropped_total", reason="malformed") == count, f"the metric counts all {count} frames")

    round_of_frames()
    settled = resident_bytes(stack["gateway-0"])
    for _ in range(5):
        round_of_frames()

    assert resident_bytes(stack["gateway-0"]) - settled < 16 * 1024 * 1024
    assert stack.workers() >= {"sms-worker-0", "chat-worker-0"}


def test_a_peer_that_keeps_breaking_the_rules_is_ignored(stack, peer):
    for _ in range(10000):
        peer.send_frame(b"nonsense")

    assert Tenant(stack).aggregator().message().status_code == 200
    eventually(lambda: "bus.malformed" in stack["gateway-0"].log.read_text(), "the first ones are logged")
    assert stack["gateway-0"].log.read_text().count("bus.malformed") < 100


def test_a_frame_over_the_limit_is_not_received(stack, peer):
    before = resident_bytes(stack["gateway-0"])

    peer.send_frame(bytes(64 * 1024 * 1024))

    assert Tenant(stack).aggregator().message().status_code == 200
    assert resident_bytes(stack["gateway-0"]) - before < 16 * 1024 * 1024


@pytest.fixture
def sms_peer(stack):
    with BusPeer(stack, key="sms-worker") as peer:
        yield peer


def test_a_worker_that_breaks_the_rules_is_dropped_and_its_requests_go_elsewhere(stack, sms_peer):
    peer = sms_peer
    tenant = Tenant(stack)
    tenant.aggregator().message()

    def has_come():
        peer.send_frame(pack([1, HELLO, "sms-worker", "intruder", 1, "b", 100, 1 << 20]))
        peer.send_frame(HEARTBEAT)
        return "intruder" in stack.workers()

    eventually(has_come, "the gateway accepts the intruder as a worker")

    # The phone number selects the worker: some requests go to the intruder, which then sends a malformed reply.
    texts = [requests.Request("POST", stack.url() + "/nexus/v3/sms/message", auth=(tenant.ccid, tenant.api_key), json={
        "message_id": f"m{number}", "phone_number": tenant.phone(), "shortcode": tenant.number, "message": "m"}).prepare()
        for number in range(20)]
    answers = []
    with contextlib.ExitStack() as clients:
        waiting = [clients.enter_context(RawClient(stack)) for _ in texts]
        for client, text in zip(waiting, texts):
            peer.send_frame(HEARTBEAT)  # without one for 4 s it would be lost before it is asked
            client.send(b"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + b"".join(f"{name}: {value}\r\n".encode() for name, value in text.headers.items()) + b"\r\n" + text.body)
        eventually(lambda: (peer.receive_frame() or b"").startswith(b"\x93\x01\x09"), "the intruder got a request")
        peer.send_frame(pack([1, REPLY, [[1, "ok"]]]))
        for client in waiting:
            answers += [status for status, _ in client.answers()]

    assert answers == [200] * 20
    assert "intruder" not in stack.workers()


# --- headers of answers for caches, proxies and browsers; secrets that answers must not repeat ---

@pytest.mark.parametrize("path, cache_control", [
    ("/health/live", "no-store"), ("/nowhere", "no-store"), ("/nexus/v3/ledger", "no-store"), ("/chat/v3/events", "no-store"),
    ("/openapi.json", "no-cache")])  # the same for all callers: a cache must revalidate it
def test_every_answer_has_cache_and_nosniff_headers(nexus, tenant, path, cache_control):
    answer = requests.get(f"{nexus.url()}{path}", headers=dict(tenant.agent().session.headers), stream=True, timeout=LONGEST_ANSWER)

    with answer:
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (cache_control, "nosniff")
        assert "Strict-Transport-Security" not in answer.headers  # browsers do not reach it by https


def test_the_answer_to_a_malformed_head_has_these_headers_too(nexus):
    with RawClient(nexus) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        head = client.socket.recv(65536).lower()
    assert b"\r\ncache-control: no-store\r\n" in head and b"\r\nx-content-type-options: nosniff\r\n" in head


def test_answers_have_strict_transport_security_if_the_public_url_is_https(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_PUBLIC_URL": "https://nexus.example"}})

    assert "max-age=" in requests.get(f"{stack.url()}/health/live", timeout=LONGEST_ANSWER).headers["Strict-Transport-Security"]


def test_an_error_shows_only_the_short_id_of_a_key_in_its_path(nexus):
    key, operator = "9b7682b7-cbce-4c1e-9c5b-2f0d6a1e8f3a", nexus.operator()

    for path, shown in ((f"/nexus/v3/apikeys/{key}", "/nexus/v3/apikeys/9b7682b7-cbce"),
                        (f"/nexus/v3/apikeys/{key}/x", "/nexus/v3/apikeys/9b7682b7-cbce"),
                        (f"/chat/v3/attachments/{key}", "/chat/v3/attachments/")):
        # Repeated if GWS does not say in time who this is: Nexus waits for it for half of the deadline.
        answer = until_accepted(lambda: operator.get(path), other_statuses=(404,))
        assert answer.status_code == 404
        assert answer.json()["instance"] == shown
        assert key not in answer.text
