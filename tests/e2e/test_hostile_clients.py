"""Who connects and does not behave: too many, too slow, or on the bus without speaking its language. Others notice
nothing, memory and processor stay where they were."""

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

from harness.bus_peer import BusPeer, pack
from harness.people import Tenant
from harness.raw import RawClient
from harness.stack import READABLE
from harness.wait import eventually
from test_bad_input import credentials
from test_media import MIB, photo, received


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def asking(stack, requests_text, clients):
    """That many clients send the same again and again on connections they keep, until the gateway closes them."""
    def ask(client):
        with contextlib.suppress(OSError), client:
            while True:
                client.send(requests_text)
                if not client.socket.recv(1 << 20):
                    return

    threads = [threading.Thread(target=ask, args=[RawClient(stack)]) for _ in range(clients)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "the gateway kept a connection"


# --- too many, too slow ---

def is_alive(stack):
    return requests.get(f"{stack.url()}/health/live", timeout=2).status_code == 200


def closed(stack, reason):
    return stack.metric("nexus_connections_closed_total", reason=reason)


def test_without_descriptors_the_connection_that_is_idle_longest_makes_room(make_stack):
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
        before, started = processor_seconds(gateway), time.monotonic()
        assert is_alive(stack)
        assert aggregator.message().status_code == 200
        eventually(lambda: closed(stack, "full") > 0, "it is counted")
        share = (processor_seconds(gateway) - before) / (time.monotonic() - started)
        assert share < 0.5, f"it took {share:.0%} of a processor"


def test_of_a_full_house_the_idle_leave_and_the_busy_stay(make_stack):
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
    eventually(lambda: aggregator.message().status_code == 200, "all are served again")


def test_a_gateway_that_stops_lets_go_of_clients_that_keep_asking_and_of_those_that_vanish(make_stack):
    # Found by stopping gateways under such a crowd: a request that came on a kept connection after the gateway had said
    # that it is done made it say so again; a stream whose reader had reset the connection was waited for without end.
    stack = make_stack()
    token = Tenant(stack).agent_token
    events = f"GET /chat/v3/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    for _ in range(8):
        with contextlib.ExitStack() as crowd:
            for _ in range(5):
                client = crowd.enter_context(RawClient(stack))
                client.send(events)
                client.reset()
            crowd.enter_context(asking(stack, b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 50, clients=16))
            assert stack["gateway-0"].stop() == 0
        stack["gateway-0"].start().ready()
        stack.wait_for("green")


def test_slow_clients_are_cut_while_quick_ones_are_served(nexus, tenant):
    head = (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Basic {credentials(tenant)}\r\n").encode()
    beginnings = {"says nothing": b"", "half a head": head, "half a body": head + b"Content-Length: 100\r\n\r\n{",
                  "half a chunk": head + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"}
    with contextlib.ExitStack() as all_clients:
        clients = {name: all_clients.enter_context(RawClient(nexus)) for name in beginnings}
        for name, client in clients.items():
            client.send(beginnings[name])
        dripping = all_clients.enter_context(RawClient(nexus))
        started = time.monotonic()
        eventually(lambda: drips_no_more(dripping), "the one that drips is cut", within=20)
        took = time.monotonic() - started

        assert took > 8
        assert tenant.aggregator().message().status_code == 200
        for name, client in clients.items():
            statuses = [status for status, _ in client.answers()]
            assert statuses == ([] if name == "says nothing" else [408]), name


def drips_no_more(client):
    """One more byte of a head that never ends; true once the connection is gone."""
    try:
        client.send(b"G" if not getattr(client, "begun", False) else b"E")
        client.begun = True
        client.socket.settimeout(0.05)
        return client.socket.recv(1) is not None
    except TimeoutError:
        return False
    except OSError:
        return True


def read_slowly(clients):
    """A kilobyte a second of each; true once all are gone."""
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


def test_whoever_reads_too_slowly_loses_the_connection_and_the_place_it_holds(make_stack):
    # The kernel gives up a connection on which nothing at all is read; a few bytes a second kept it for hours.
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})  # of 32 downloads 3
    tenant = Tenant(stack)
    path = received(tenant, photo(5 * MIB))[0]
    with contextlib.ExitStack() as crowd:
        clients = [crowd.enter_context(RawClient.narrow(stack)) for _ in range(3)]
        for client in clients:
            client.send(f"GET {path}/1 HTTP/1.1\r\nHost: n\r\nx-api-key: {tenant.agent_token}\r\n\r\n".encode())
            assert client.socket.recv(256).startswith(b"HTTP/1.1 200 ")
        assert tenant.agent().get(f"{path}/1").status_code == 429

        eventually(lambda: read_slowly(clients), "those who read slowly are cut off", within=60)

    eventually(lambda: tenant.agent().get(f"{path}/1").status_code == 200, "there is room again")
    eventually(lambda: closed(stack, "slow") == 3, "they are counted")


def test_a_client_that_leaves_before_its_answer_costs_nothing(tenant):
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
    eventually(lambda: tenant.stack.metric("nexus_http_inflight") == 0, "nothing is left over")


# --- on the bus ---

HELLO = 1
REPLY = 2
HOSTILE_FRAMES = [
    b"", b"\x00", b"\xc1", b"nonsense", b"\x93", b"\x91" * 4096, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff", b"\xdd\x00\x0f\xff\xff" + b"\xdd\x00\x0f\xff\xff" * 100, b"\xc9\xff\xff\xff\xff\x01",
    pack([2, HELLO]), pack([1, 99]), pack([1, HELLO, 1, 2, 3]), pack([1, HELLO, "sms-worker", "", 1, "b", 1, 1]),
    pack([1, HELLO, "nobody", "x", 1, "b", 1, 1]), pack([1, HELLO, "sms-worker", "x" * 1000, 1, "b", 1, 1]),
    pack([1, HELLO, "sms-worker", "x", 1, "b", 2**63, 1]), pack([1, HELLO, "sms-worker", "x", 1, "b", 0, 0]),
    pack([1, HELLO, ["sms-worker"], [], 1, "b", 1, 1]),
    b"\xdb\x00\x0f\x00\x00" + bytes(0xf0000), pack([1, REPLY, 7]), pack([1, REPLY, [[1, 2, 3]]]), pack([1, REPLY, [[1, "ok"]]]), pack([1, 7, ["x"]]), pack([1, 6, [["7"]]]),
]


@pytest.fixture
def stack(make_stack):
    # Memory that was freed is given back at once, so that what the process holds is what it uses.
    return make_stack(settings={"gateway": {"ASAN_OPTIONS": "quarantine_size_mb=1:detect_stack_use_after_return=1:exitcode=99"}})


@pytest.fixture
def peer(stack):
    peer = BusPeer(stack)
    yield peer
    peer.close()


def test_frames_that_are_none_are_counted_and_cost_nothing(stack):
    aggregator = Tenant(stack).aggregator()
    chance = random.Random(7)
    count = 0

    def round_of_frames():
        nonlocal count
        for frame in HOSTILE_FRAMES + [chance.randbytes(chance.randrange(1, 2000)) for _ in range(10)]:
            with BusPeer(stack) as stranger:
                stranger.say(frame)
            count += 1
        assert aggregator.message().status_code == 200
        eventually(lambda: stack.metric("nexus_bus_peers_dropped_total", reason="malformed") == count, f"all {count} are counted")

    round_of_frames()
    settled = resident_bytes(stack["gateway-0"])
    for _ in range(5):
        round_of_frames()

    assert resident_bytes(stack["gateway-0"]) - settled < 16 * 1024 * 1024
    assert stack.workers() >= {"sms-worker-0", "chat-worker-0"}


def test_a_peer_that_does_not_stop_is_not_listened_to(stack, peer):
    for _ in range(10000):
        peer.say(b"nonsense")

    assert Tenant(stack).aggregator().message().status_code == 200
    assert 0 < stack["gateway-0"].log.read_text().count("bus.malformed") < 100


def test_a_frame_over_the_limit_is_not_even_received(stack, peer):
    before = resident_bytes(stack["gateway-0"])

    peer.say(bytes(64 * 1024 * 1024))

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
    peer.say(pack([1, HELLO, "sms-worker", "stranger", 1, "b", 100, 1 << 20]))
    peer.say(pack([1, 3, 0, True, True]))
    eventually(lambda: "stranger" in stack.workers(), "the stranger is taken for a worker")

    # Requests are placed by the phone's number: some of these are the stranger's, who breaks the rules when one comes.
    answers = []
    with contextlib.ExitStack() as clients:
        waiting = []
        for number in range(20):
            client = clients.enter_context(RawClient(stack))
            waiting.append(client)
            prepared = requests.Request("POST", stack.url() + "/nexus/v3/sms/message", auth=(tenant.ccid, tenant.api_key), json={
                "message_id": f"m{number}", "phone_number": tenant.phone(), "shortcode": tenant.number, "message": "m"}).prepare()
            client.send(b"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + b"".join(f"{name}: {value}\r\n".encode() for name, value in prepared.headers.items()) + b"\r\n" + prepared.body)
        eventually(lambda: (peer.hear() or b"").startswith(b"\x93\x01\x09"), "the stranger was asked")
        peer.say(pack([1, REPLY, [[1, "ok"]]]))
        for client in waiting:
            answers += [status for status, _ in client.answers()]

    assert answers == [200] * 20
    assert "stranger" not in stack.workers()


# --- what answers say to whoever stands between, and what they do not repeat ---

@pytest.mark.parametrize("path, keeping", [
    ("/health/live", "no-store"), ("/nowhere", "no-store"), ("/nexus/v3/ledger", "no-store"), ("/chat/v3/events", "no-store"),
    ("/openapi.json", "no-cache")])  # the same for everybody: who keeps it asks whether it has changed
def test_every_answer_says_whether_it_may_be_kept_and_that_nobody_guesses_its_type(nexus, tenant, path, keeping):
    answer = requests.get(f"{nexus.url()}{path}", headers=dict(tenant.agent().session.headers), stream=True, timeout=5)

    with answer:
        assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (keeping, "nosniff")
        assert "Strict-Transport-Security" not in answer.headers  # browsers do not reach it by https


def test_a_refused_head_says_so_too(nexus):
    with RawClient(nexus) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        head = client.socket.recv(65536).lower()
    assert b"\r\ncache-control: no-store\r\n" in head and b"\r\nx-content-type-options: nosniff\r\n" in head


def test_browsers_that_come_by_https_are_told_to_stay_with_it(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_PUBLIC_URL": "https://nexus.example"}})

    assert "max-age=" in requests.get(f"{stack.url()}/health/live", timeout=5).headers["Strict-Transport-Security"]


def test_an_error_repeats_of_a_key_in_its_path_no_more_than_its_short_id(nexus):
    key = "9b7682b7-cbce-4c1e-9c5b-2f0d6a1e8f3a"

    for path, shown in ((f"/nexus/v3/apikeys/{key}", "/nexus/v3/apikeys/9b7682b7-cbce"),
                        (f"/nexus/v3/apikeys/{key}/x", "/nexus/v3/apikeys/9b7682b7-cbce"),
                        (f"/chat/v3/attachments/{key}", "/chat/v3/attachments/")):
        answer = nexus.operator().get(path)
        assert answer.status_code == 404
        assert answer.json()["instance"] == shown
        assert key not in answer.text
