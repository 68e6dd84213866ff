"""Large bodies under trouble: many at once, slow ones, and processes that die while one comes."""

import concurrent.futures
import gzip
import hashlib
import hmac
import itertools
import json
import pathlib
import secrets
import signal

import pytest

from harness.people import Tenant
from harness.stack import PROGRAMS, READABLE, RELEASE
from harness.wait import eventually
from test_failpoints import arm, disarm
from test_media import KIB, MIB, SMS, answer_of, as_json, connect, head, media, mo, photo, received, stored, uploads_waiting
from test_signatures import fresh, hub_sha256

ABOVE_IDLE = 8 * MIB  # what gateway and worker may take, each


def memory(process):
    """(now, the most since it was last asked), resident."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    now, most = (1024 * int(status.split(f"{name}:")[1].split()[0]) for name in ("VmRSS", "VmHWM"))
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    return now, most


def test_memory_does_not_grow_with_the_number_of_senders_or_readers(make_stack):
    stack = make_stack(binaries=RELEASE / "bin", settings={program: {"NEXUS_FAILPOINTS": READABLE} for program in PROGRAMS})
    tenant, content = Tenant(stack), photo(5 * MIB - 1000)
    watched = [stack[name] for name in ("gateway-0", "sms-worker-0", "chat-worker-0")]
    for _ in range(20):
        assert tenant.aggregator().message().status_code == 200
    idle = {process.name: memory(process)[0] for process in watched}

    def post(number):
        while True:
            answer = as_json(tenant, contents=[content], message_id=f"many {number}")
            if answer.status_code == 200:
                return
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, answer.text

    def fetch(path):
        return tenant.agent().get(path, timeout=60).content == content

    with concurrent.futures.ThreadPoolExecutor(24) as senders:
        list(senders.map(post, range(30)))
    path, _, _ = received(tenant, content)
    with concurrent.futures.ThreadPoolExecutor(16) as readers:
        assert all(readers.map(fetch, [f"{path}/1"] * 24))

    taken = {process.name: memory(process)[1] - idle[process.name] for process in watched}
    assert max(taken.values()) < ABOVE_IDLE, taken


def test_memory_does_not_grow_with_the_number_of_large_bodies_that_are_signed(make_stack):
    stack = make_stack(binaries=RELEASE / "bin", settings={program: {"NEXUS_FAILPOINTS": READABLE} for program in PROGRAMS})
    tenant, content = Tenant(stack, api_secret=secrets.token_hex(24)), photo(5 * MIB - 1000)
    watched = [stack[name] for name in ("gateway-0", "sms-worker-0")]
    unsigned = Tenant(stack)
    for _ in range(20):
        assert unsigned.aggregator().message().status_code == 200
    idle = {process.name: memory(process)[0] for process in watched}

    def post(number):
        body = mo(tenant, content, f"signed {number}")
        signature = hmac.new(tenant.api_secret.encode(), body, hashlib.sha256).hexdigest()
        while True:
            answer = tenant.aggregator().post(SMS, data=body, timeout=60, headers={
                "Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"})
            if answer.status_code == 200:
                return
            assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, answer.text

    with concurrent.futures.ThreadPoolExecutor(12) as senders:
        list(senders.map(post, range(12)))

    taken = {process.name: memory(process)[1] - idle[process.name] for process in watched}
    assert max(taken.values()) < ABOVE_IDLE, taken


def slow_body(tenant, length=100 * KIB):
    """A sender who says that a body comes, and then says nothing."""
    connection = connect(tenant)
    connection.sendall(head(tenant, length))
    return connection


@pytest.fixture
def slow_senders(tenant):
    """As many as there are places for one contact center, and some that wait."""
    connections = [slow_body(tenant) for _ in range(6)]
    yield connections
    for connection in connections:
        connection.close()


@pytest.mark.usefixtures("slow_senders")
def test_slow_senders_hold_up_neither_small_requests_nor_other_contact_centers(tenant):
    other = Tenant(tenant.stack)

    assert tenant.aggregator().message().status_code == 200
    assert as_json(other, contents=[photo(300 * KIB)]).status_code == 200


def test_more_senders_than_may_wait_are_told_to_come_again(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    slow = [slow_body(tenant) for _ in range(4 + 64)]
    eventually(lambda: as_json(tenant, contents=[photo(40 * KIB)]).status_code == 429, "no more of this one may wait")

    answer = as_json(tenant, contents=[photo(40 * KIB)])

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    for connection in slow:
        connection.close()
    eventually(lambda: as_json(tenant, contents=[photo(40 * KIB)]).status_code == 200, "there is room again")


def test_small_compressed_bodies_that_waited_for_a_place_are_taken_once_each(make_stack):
    tenant = Tenant(make_stack())
    slow = [slow_body(tenant) for _ in range(3)]
    assert tenant.aggregator().message().status_code == 200, "meanwhile they have the places"
    waiting = [connect(tenant) for _ in range(4)]
    for connection in waiting:
        body = gzip.compress(json.dumps({"message_id": secrets.token_hex(8), "phone_number": tenant.phone(),
                                         "shortcode": tenant.number, "message": "small"}).encode())
        connection.sendall(head(tenant, len(body), "Content-Encoding: gzip") + body)
    assert tenant.aggregator().message().status_code == 200, "meanwhile they wait"

    slow.pop().close()

    assert [answer_of(connection)[0] for connection in waiting] == [200] * len(waiting)
    eventually(lambda: tenant.stack.metric("nexus_messages_total", direction="in") == 6, "each is counted")
    assert tenant.stack.metric("nexus_duplicates_total") == 0
    for connection in slow + waiting:
        connection.close()


@pytest.mark.usefixtures("slow_senders")
def test_slow_senders_lose_their_places_to_those_who_wait(tenant):
    assert as_json(tenant, contents=[photo(300 * KIB)]).status_code == 200


def test_a_gateway_that_is_asked_to_stop_takes_what_is_coming_and_gives_what_is_going(make_stack):
    stack = make_stack()
    tenant, content = Tenant(stack), photo(5 * MIB)
    path, agent, _ = received(tenant, content)
    body = mo(tenant, content)
    with connect(tenant) as connection, agent.get(f"{path}/1", stream=True) as download:
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "some of it is stored")
        stack["gateway-0"].send(signal.SIGTERM)
        connection.sendall(body[MIB:])

        assert answer_of(connection)[0] == 200
        assert download.content == content
    assert stack["gateway-0"].wait() == 0
    assert stored(tenant) == [content] * 2


def test_a_worker_that_dies_while_a_body_comes_costs_nothing(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack), photo(2 * MIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "some of it is stored")
        stack["sms-worker-0"].kill()
        connection.sendall(body[MIB:])

        status, text = answer_of(connection)

    assert status == 200, text
    assert stored(tenant) == [content]


def test_a_gateway_that_dies_while_a_body_comes_leaves_nothing_to_be_seen(make_stack):
    stack = make_stack(gateways=2)
    tenant, content = Tenant(stack), photo(2 * MIB)
    body = mo(tenant, content, "again")
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "some of it is stored")
        stack["gateway-0"].kill()
    assert stored(tenant) == []

    answer = tenant.aggregator(gateway=1).post(SMS, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]
    assert stack.query("select upkeep_uploads(900)")[0][0] == 0  # not yet: it could still be coming
    stack.query("update upload set created = created - interval '1 hour'")
    assert stack.query("select upkeep_uploads(900)")[0][0] == 1
    assert stack.query("select count(*) from upload_piece where upload_id not in (select upload_id from attachment)")[0][0] == 0
    assert stored(tenant) == [content]


@pytest.mark.parametrize("point", ["sms.inbound.before_commit", "sms.inbound.after_commit"])
def test_a_worker_that_dies_at_the_commit_makes_one_message_of_repetitions(make_stack, point):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack), photo(300 * KIB)
    arm(stack, stack["sms-worker-0"], f"{point}=kill:1")
    arm(stack, stack["sms-worker-1"], f"{point}=kill:1")
    phone, answers = tenant.phone(), []

    def post():
        answers.append(as_json(tenant, phone, [content], message_id="same", message="one"))
        return answers[-1].status_code == 200

    assert not post()
    for name in ("sms-worker-0", "sms-worker-1"):
        disarm(stack[name])
    eventually(post, "it is accepted")
    assert post()

    assert answers[-1].json()["data"] == answers[-2].json()["data"]
    assert stored(tenant) == [content]


def signed_photo(tenant, content, message_id, secret=None, **fields):
    """Posts a text with a photo, signed by its number."""
    body = json.dumps({"message_id": message_id, "phone_number": "+15550001234", "shortcode": tenant.number, "message": "look",
                       "mms_attachment": media(content), **fields}).encode()
    return tenant.aggregator().post(SMS, data=body, timeout=60, headers={
        "Content-Type": "application/json", **hub_sha256(secret or tenant.api_secret, body)})


def test_a_worker_that_dies_after_it_has_verified_a_large_body_costs_nothing(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack, api_secret=fresh()), photo(300 * KIB)
    arm(stack, stack["sms-worker-0"], "sms.inbound.before_commit=kill:1")
    names = (f"text {number}" for number in itertools.count())

    def one_is_dead():
        answer = signed_photo(tenant, content, next(names), phone_number=tenant.phone())
        assert answer.status_code == 200, answer.text
        return not stack["sms-worker-0"].alive

    eventually(one_is_dead, "one comes to the worker that dies", 60)
    assert set(stored(tenant)) == {content}
    eventually(lambda: uploads_waiting(tenant) == 0, "no copy of a body is left")
    disarm(stack["sms-worker-0"])


def test_a_large_body_that_was_verified_by_workers_that_died_is_accepted_once_when_it_comes_again(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack, api_secret=fresh()), photo(300 * KIB)
    for name in ("sms-worker-0", "sms-worker-1"):
        arm(stack, stack[name], "sms.inbound.before_commit=kill:1")

    assert signed_photo(tenant, content, "same").status_code in (503, 504)
    eventually(lambda: not stack["sms-worker-0"].alive and not stack["sms-worker-1"].alive, "both have died")
    assert stored(tenant) == []
    for name in ("sms-worker-0", "sms-worker-1"):
        disarm(stack[name])

    eventually(lambda: signed_photo(tenant, content, "same").status_code == 200, "it is accepted", 30)
    assert signed_photo(tenant, content, "same").status_code == 200
    assert stored(tenant) == [content]
    stack.query("update upload set created = created - interval '1 hour'")
    eventually(lambda: stack.query("select upkeep_uploads(900)") and uploads_waiting(tenant) == 0, "upkeep drops what died with them")
    assert stack.query("select count(*) from upload_piece where upload_id not in (select upload_id from attachment)")[0][0] == 0


@pytest.mark.parametrize("status, fields", [(401, {"secret": "another"}), (404, {"shortcode": "+15559990000"}), (400, {"phone_number": None})],
                         ids=["wrongly signed", "no such number", "no sender"])
def test_a_photo_whose_text_is_refused_is_dropped_at_once(nexus, status, fields):
    tenant = Tenant(nexus, api_secret=fresh())

    assert signed_photo(tenant, photo(300 * KIB), "refused", **fields).status_code == status

    eventually(lambda: uploads_waiting(tenant) == 0, "nothing of it is left")
