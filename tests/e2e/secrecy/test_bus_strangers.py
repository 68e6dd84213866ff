"""The bus and the metrics socket accept only peers whose key identifies them."""

import threading

import pytest

from harness.load.fault_run import FAST, PAIRS, FaultRun
from harness.nexus.stack import curve_pair
from harness.outside.bus_peer import BusPeer, pack
from harness.people import Tenant
from harness.reading import messages
from harness.wait import eventually

HELLO, REPLY, HEARTBEAT, BYE, EVENT, DOORBELL, WELCOME, REQUEST = 1, 2, 3, 5, 6, 7, 8, 9


def hello(service, instance):
    return pack([1, HELLO, service, instance, 1, "rogue", 256, 1 << 20])


def refused(stack, socket="bus", reason="service"):
    return stack.metric("nexus_bus_refused_total", socket=socket, reason=reason)


def is_reported(stack):
    """Whether health is yellow and reports that a peer was refused."""
    health = stack.health().json()
    return health["state"] == "yellow" and "bus.refused" in {cause["code"] for cause in health["causes"]}


@pytest.mark.parametrize("bus", ["ipc", "tcp"])
def test_a_worker_is_only_what_its_key_may_be(make_stack, bus):
    stack = make_stack(bus=bus)

    with BusPeer(stack, key="sms-worker") as rogue:
        rogue.send_frame(hello("provisioning-worker", "provisioning-worker-9"))
        eventually(lambda: refused(stack) == 1, "the HELLO is refused and counted")

        assert "provisioning-worker-9" not in stack.workers()
        assert rogue.receive_frame() is None, "no gateway answers WELCOME"
        eventually(lambda: is_reported(stack), "health reports it")
        assert stack["gateway-0"].log.read_text().count("bus.refused") == 1
        rogue.send_frame(hello("sms-worker", "sms-worker-9"))
        eventually(lambda: "sms-worker-9" in stack.workers(), "the peer may be a worker of its key's service")


def refused_peers(stack, socket):
    """The number of refused connections. A peer without keys may close the connection itself when it notices that it needs some."""
    return refused(stack, socket, "key") + refused(stack, socket, "unfinished")


@pytest.mark.parametrize("key", [None, curve_pair()], ids=["no key", "an unknown key"])
def test_unknown_peers_are_refused_and_counted(make_stack, key):
    stack = make_stack()

    with BusPeer(stack, key=key, send_timeout_ms=1000) as unknown:
        assert not unknown.try_send_frame(hello("sms-worker", "sms-worker-9"))
        # It stays until it was refused: a gateway that did not run for a second has not seen its key.
        eventually(lambda: refused_peers(stack, "bus") > 0, "the refused peer is counted")
        if key:
            eventually(lambda: is_reported(stack), "health reports it")

    assert stack.workers() == {"sms-worker-0", "chat-worker-0", "provisioning-worker-0"}


def replaced(stack):
    """The lines about workers that were replaced. The start may cause some: a worker greets again after a second without an answer."""
    lines = stack["gateway-0"].log.read_text().splitlines()
    return [line for line in lines if '"event":"bus.worker_lost"' in line and '"reason":"replaced"' in line]


def test_a_worker_cannot_replace_one_of_another_service(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    before = replaced(stack)

    with BusPeer(stack, key="chat-worker") as rogue:
        rogue.send_frame(hello("chat-worker", "sms-worker-0"))
        eventually(rogue.receive_frame, "the peer is accepted as a chat-worker")
        rogue.send_frame(pack([1, HEARTBEAT, 0, False, True]))
        assert aggregator.message().status_code == 200

    assert replaced(stack) == before


def test_a_reply_counts_only_from_whom_the_request_was_sent_to(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator, phone = tenant.aggregator(), tenant.phone()
    assert aggregator.message(phone).status_code == 200  # the gateway knows the key from now on
    before = len(messages.all_messages(tenant))
    answers = []
    stack["sms-worker-0"].freeze()
    request = threading.Thread(target=lambda: answers.append(aggregator.message(phone)))
    with BusPeer(stack, key="chat-worker") as rogue:
        rogue.send_frame(hello("chat-worker", "chat-worker-9"))
        eventually(rogue.receive_frame, "the peer is accepted")
        # A peer without credit and database gets no requests, but it can send replies.
        rogue.send_frame(pack([1, HEARTBEAT, 0, False, True]))
        request.start()
        for slot in range(64):  # each slot, with the numbers that are easiest to guess
            for life in range(8):
                rogue.send_frame(pack([1, REPLY, [[life << 32 | slot, "ok", b'{"forged":true}'], [life << 13 | slot, "ok", b'{"forged":true}'],
                                           [slot, "ok", b'{"forged":true}']]]))
        rogue.send_frame(pack([1, HEARTBEAT, 0, False, True]))
        stack["sms-worker-0"].thaw()
        request.join(30)

    assert "forged" not in answers[0].text
    # If sms-worker was frozen for longer than four seconds, the gateway has to find it again.
    stored = len(eventually(lambda: messages.all_messages(tenant), "the messages are listed")) - before
    assert (answers[0].status_code == 200) <= (stored == 1), "a message with an answer of 200 is stored"


def test_a_rogue_worker_under_load_cannot_forge_a_200(make_stack):
    forged = b'{"status":{"code":0},"data":{"forged":true}}'
    # So many phones that a text and an outbound message rarely want the same conversation: one of them may be answered 503 then.
    with FaultRun(make_stack(**PAIRS, **FAST), phones=1000) as run:
        with BusPeer(run.stack, key="chat-worker") as rogue:
            rogue.send_frame(hello("sms-worker", "sms-worker-9"))
            rogue.send_frame(hello("chat-worker", "chat-worker-9"))
            eventually(rogue.receive_frame, "the peer is accepted as a chat-worker")
            for life in range(16):  # every slot of a request, with the numbers that are easiest to guess
                for slot in range(0, 1024, 64):
                    rogue.send_frame(pack([1, REPLY, [[life << 32 | number, "ok", forged] for number in range(slot, slot + 64)]]))
                rogue.send_frame(pack([1, HEARTBEAT, 0, False, True]))
            run.goes_on()

    assert set(run.statuses) == {200}


def test_hostile_frames_with_a_valid_key_forge_nothing(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    frames = [b"", b"\xc1", b"nonsense", pack([1, WELCOME, "gateway-9", "b"]), pack([1, REQUEST, [[b"", b""]]]),
              pack([1, REPLY, [[0, "ok", b"{}"]] * 1024]), pack([1, EVENT, [["1", b""]]]), pack([1, DOORBELL, [1]]), pack([1, BYE])]

    for frame in frames:
        with BusPeer(stack, key="chat-worker") as rogue:
            rogue.send_frame(hello("chat-worker", "chat-worker-9"))
            rogue.send_frame(frame)
        assert aggregator.message().status_code == 200

    assert stack.all_alive()


def test_workers_accept_no_requests_from_a_false_gateway(make_stack):
    stack = make_stack()
    folder = stack.folder

    with BusPeer(stack, kind="router", key="gateway", address=f"ipc://{folder}/bus.gateway-7.sock") as real, \
            BusPeer(stack, kind="router", key=curve_pair(), address=f"ipc://{folder}/bus.gateway-8.sock") as impostor, \
            BusPeer(stack, kind="router", key=None, address=f"ipc://{folder}/bus.gateway-9.sock") as keyless:
        stack["sms-worker-0"].stop()
        stack["sms-worker-0"].restart()

        eventually(real.receive_frame, "a gateway with the key of gateways gets HELLO")
        assert impostor.receive_frame() is None
        assert keyless.receive_frame() is None


def test_metrics_of_unknown_peers_are_refused_and_counted(make_stack):
    stack = make_stack()
    address = f"ipc://{stack.folder}/metrics.sock"
    snapshot = pack([1, "gateway", "99", 7, 7, [], 0])

    with BusPeer(stack, kind="push", key=None, address=address, send_timeout_ms=1000) as unknown:
        assert not unknown.try_send_frame(snapshot)
        eventually(lambda: refused_peers(stack, "metrics") > 0, "the refused peer is counted")

    with BusPeer(stack, kind="push", key="sms-worker", address=address) as impostor:
        impostor.send_frame(snapshot)
    eventually(lambda: refused(stack, "metrics", "service") == 1, "a snapshot with the key of another program is counted")

    assert stack.metric("nexus_proc_tick_age_seconds", slot="99") == 0
    eventually(lambda: is_reported(stack), "health reports it")


def test_keys_without_services_may_be_any_worker(make_stack):
    def without_services(stack):
        keys = ",".join(stack.keys[program][0] for program in ("chat-worker", "sms-worker", "provisioning-worker"))
        stack["gateway-0"].environment["NEXUS_CURVE_CLIENTS"] = keys

    stack = make_stack(without_services)

    assert Tenant(stack).aggregator().message().status_code == 200
    assert "curve.keys_without_service" in stack["gateway-0"].log.read_text()


def test_without_keys_the_bus_needs_a_private_directory(make_stack):
    def without_keys(stack):
        for process in stack.processes.values():
            for name in [name for name in process.environment if name.startswith("NEXUS_CURVE_")]:
                del process.environment[name]
        stack.folder.chmod(0o755)
        gateway = stack["gateway-0"].start()
        assert gateway.wait() == 125
        assert "others may enter its directory" in gateway.tail()
        stack.folder.chmod(0o700)

    stack = make_stack(without_keys)

    assert Tenant(stack).aggregator().message().status_code == 200
