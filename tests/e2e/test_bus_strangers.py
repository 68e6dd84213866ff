"""The bus and the metrics socket listen only to those whose key says who they are."""

import threading

import pytest

from harness.bus_peer import BusPeer, pack
from harness.fault_run import FAST, PAIRS, FaultRun
from harness.people import Tenant
from harness.stack import curve_pair
from harness.wait import eventually

HELLO, REPLY, HEARTBEAT, BYE, EVENT, DOORBELL, WELCOME, REQUEST = 1, 2, 3, 5, 6, 7, 8, 9


def hello(service, instance):
    return pack([1, HELLO, service, instance, 1, "rogue", 256, 1 << 20])


def refused(stack, socket="bus", reason="service"):
    return stack.metric("nexus_bus_refused_total", socket=socket, reason=reason)


def reason_codes(stack):
    return {reason["code"] for reason in stack.health().json()["causes"]}


@pytest.mark.parametrize("bus", ["ipc", "tcp"])
def test_a_worker_is_only_what_its_key_may_be(make_stack, bus):
    stack = make_stack(bus=bus)

    with BusPeer(stack, key="sms-worker") as rogue:
        rogue.say(hello("provisioning-worker", "provisioning-worker-9"))
        eventually(lambda: refused(stack) == 1, "the claim is refused and counted")

        assert "provisioning-worker-9" not in stack.workers()
        assert rogue.hear() is None, "nobody says WELCOME"
        assert "bus.refused" in reason_codes(stack)
        assert stack.health().json()["state"] == "yellow"
        assert stack["gateway-0"].log.read_text().count("bus.refused") == 1
        rogue.say(hello("sms-worker", "sms-worker-9"))
        eventually(lambda: "sms-worker-9" in stack.workers(), "it may be what its key says")


def strangers(stack, socket):
    """Connections that were refused; who has no keys may go by himself as soon as he sees that he needs some."""
    return refused(stack, socket, "key") + refused(stack, socket, "unfinished")


@pytest.mark.parametrize("key", [None, curve_pair()], ids=["no key", "a key of nobody"])
def test_strangers_are_not_let_in_and_are_counted(make_stack, key):
    stack = make_stack()

    with BusPeer(stack, key=key, send_timeout_ms=1000) as stranger:
        assert not stranger.tries_to_say(hello("sms-worker", "sms-worker-9"))

    eventually(lambda: strangers(stack, "bus") > 0, "the stranger is counted")
    assert stack.workers() == {"sms-worker-0", "chat-worker-0", "provisioning-worker-0"}
    if key:
        assert "bus.refused" in reason_codes(stack)


def test_a_worker_cannot_put_one_of_another_service_out(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()

    with BusPeer(stack, key="chat-worker") as rogue:
        rogue.say(hello("chat-worker", "sms-worker-0"))
        eventually(rogue.hear, "it is welcomed as the chat-worker that it may be")
        rogue.say(pack([1, HEARTBEAT, 0, False, True]))
        assert aggregator.message().status_code == 200

    assert stack.metric("nexus_bus_peers_dropped_total", reason="replaced") == 0


def test_a_reply_counts_only_from_whom_the_request_was_sent_to(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator, phone = tenant.aggregator(), tenant.phone()
    assert aggregator.message(phone).status_code == 200  # the key is known from here on
    before = stack.query("select count(*) from message")[0][0]
    answers = []
    stack["sms-worker-0"].freeze()
    asks = threading.Thread(target=lambda: answers.append(aggregator.message(phone)))
    with BusPeer(stack, key="chat-worker") as rogue:
        rogue.say(hello("chat-worker", "chat-worker-9"))
        eventually(rogue.hear, "it is welcomed")
        # No credit is needed to reply, and no database: it takes no requests itself.
        rogue.say(pack([1, HEARTBEAT, 0, False, True]))
        asks.start()
        for slot in range(64):  # each slot, with the first numbers that somebody would guess
            for life in range(8):
                rogue.say(pack([1, REPLY, [[life << 32 | slot, "ok", b'{"forged":true}'], [life << 13 | slot, "ok", b'{"forged":true}'],
                                           [slot, "ok", b'{"forged":true}']]]))
        rogue.say(pack([1, HEARTBEAT, 0, False, True]))
        stack["sms-worker-0"].thaw()
        asks.join(30)

    assert "forged" not in answers[0].text
    stored = stack.query("select count(*) from message")[0][0] - before
    assert (answers[0].status_code == 200) <= (stored == 1), "an answer of 200 is a message that is stored"


def test_a_rogue_worker_under_load_gets_nobody_a_200_for_what_is_not_stored(make_stack):
    forged = b'{"status":{"code":0},"data":{"forged":true}}'
    with FaultRun(make_stack(**PAIRS, **FAST)) as run:
        with BusPeer(run.stack, key="chat-worker") as rogue:
            rogue.say(hello("sms-worker", "sms-worker-9"))
            rogue.say(hello("chat-worker", "chat-worker-9"))
            eventually(rogue.hear, "it is welcomed as the chat-worker that it may be")
            for life in range(16):  # every slot of a request, with the first numbers that somebody would guess
                for slot in range(0, 1024, 64):
                    rogue.say(pack([1, REPLY, [[life << 32 | number, "ok", forged] for number in range(slot, slot + 64)]]))
                rogue.say(pack([1, HEARTBEAT, 0, False, True]))
            run.goes_on()

    assert set(run.statuses) == {200}


def test_hostile_frames_under_a_good_key_forge_nothing(make_stack):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    frames = [b"", b"\xc1", b"nonsense", pack([1, WELCOME, "gateway-9", "b"]), pack([1, REQUEST, [[b"", b""]]]),
              pack([1, REPLY, [[0, "ok", b"{}"]] * 1024]), pack([1, EVENT, [["1", b""]]]), pack([1, DOORBELL, [1]]), pack([1, BYE])]

    for frame in frames:
        with BusPeer(stack, key="chat-worker") as rogue:
            rogue.say(hello("chat-worker", "chat-worker-9"))
            rogue.say(frame)
        assert aggregator.message().status_code == 200

    assert stack.all_alive()


def test_workers_take_no_requests_from_a_gateway_that_is_none(make_stack):
    stack = make_stack()
    folder = stack.folder

    with BusPeer(stack, kind="router", key="gateway", address=f"ipc://{folder}/bus.gateway-7.sock") as real, \
            BusPeer(stack, kind="router", key=curve_pair(), address=f"ipc://{folder}/bus.gateway-8.sock") as impostor, \
            BusPeer(stack, kind="router", key=None, address=f"ipc://{folder}/bus.gateway-9.sock") as bare:
        stack["sms-worker-0"].stop()
        stack["sms-worker-0"].restart()

        eventually(real.hear, "a gateway with the gateways' key hears HELLO")
        assert impostor.hear() is None
        assert bare.hear() is None


def test_metrics_of_strangers_are_refused_and_counted(make_stack):
    stack = make_stack()
    address = f"ipc://{stack.folder}/metrics.sock"
    snapshot = pack([1, "gateway", "99", 7, 7, [], 0])

    with BusPeer(stack, kind="push", key=None, address=address, send_timeout_ms=1000) as stranger:
        assert not stranger.tries_to_say(snapshot)
    eventually(lambda: strangers(stack, "metrics") > 0, "the stranger is counted")

    with BusPeer(stack, kind="push", key="sms-worker", address=address) as impostor:
        impostor.say(snapshot)
    eventually(lambda: refused(stack, "metrics", "service") == 1, "a snapshot under another's key is counted")

    assert stack.metric("nexus_proc_tick_age_seconds", slot="99") == 0
    eventually(lambda: "bus.refused" in reason_codes(stack), "health tells it")


def test_keys_without_services_may_be_any_worker_as_they_could_before(make_stack):
    def as_before(stack):
        keys = ",".join(stack.keys[program][0] for program in ("chat-worker", "sms-worker", "provisioning-worker"))
        stack["gateway-0"].environment["NEXUS_CURVE_CLIENTS"] = keys

    stack = make_stack(as_before)

    assert Tenant(stack).aggregator().message().status_code == 200
    assert "curve.keys_without_service" in stack["gateway-0"].log.read_text()


def test_without_keys_the_bus_keeps_to_a_directory_of_its_own(make_stack):
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
