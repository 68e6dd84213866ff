"""Large bodies in difficult cases: many at once, slow ones, and processes that die while one arrives."""

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

from harness.answers import data_of
from harness.large_bodies import (KIB, MIB, SMS, answer_of, as_json, connect, head, media, mo, photo, received, slow_body, stored,
                                  uploads_waiting)
from harness.nexus.failpoints import arm, disarm
from harness.nexus.stack import PROGRAMS, READABLE, RELEASE
from harness.people import Tenant, until_accepted
from harness.signing import fresh, hub_sha256
from harness.wait import eventually

ABOVE_IDLE = 8 * MIB  # additional memory that gateway and worker may use, each


def memory(process):
    """The resident size: (now, the maximum since the last call)."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    now, most = (1024 * int(status.split(f"{name}:")[1].split()[0]) for name in ("VmRSS", "VmHWM"))
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    return now, most


TRY_AGAIN = (408, 503, 504)  # 408: the machine is so slow that the sender was, while others waited


def checked_retry_after(answer):
    """Asserts that a 503 has a Retry-After, and returns the answer."""
    assert answer.status_code != 503 or int(answer.headers["Retry-After"]) > 0, answer.text
    return answer


BOTH = ("sms-worker-0", "sms-worker-1")


def arm_workers(stack, names, rule):
    """Afterwards the gateway uses both workers, so that one gets the requests of the other when that dies."""
    for name in names:
        arm(stack, stack[name], rule)
    eventually(lambda: stack.serving_workers() >= set(BOTH), "the gateway uses both workers", 20)


def upkeep(stack):
    """Deletes uploads whose message did not come within 15 minutes. It does nothing while provisioning-worker does the same."""
    eventually(lambda: stack.query("select upkeep_uploads(900)") != [(None,)], "upkeep deletes old uploads")


def test_memory_does_not_grow_with_the_number_of_senders_or_readers(make_stack):
    stack = make_stack(binaries=RELEASE / "bin", settings={program: {"NEXUS_FAILPOINTS": READABLE} for program in PROGRAMS})
    tenant, content = Tenant(stack), photo(5 * MIB - 1000)
    watched = [stack[name] for name in ("gateway-0", "sms-worker-0", "chat-worker-0")]
    for _ in range(20):
        assert tenant.aggregator().message().status_code == 200
    idle = {process.name: memory(process)[0] for process in watched}

    def post(number):
        until_accepted(lambda: checked_retry_after(as_json(tenant, contents=[content], message_id=f"many {number}")),
                       refusals=TRY_AGAIN, within=60)

    def fetch(path):
        eventually(lambda: tenant.agent().get(path, timeout=60).content == content, "the whole attachment is downloaded", 60)

    with concurrent.futures.ThreadPoolExecutor(24) as senders:
        list(senders.map(post, range(30)))
    path, _, _ = received(tenant, content)
    with concurrent.futures.ThreadPoolExecutor(16) as readers:
        list(readers.map(fetch, [f"{path}/1"] * 24))

    used = {process.name: memory(process)[1] - idle[process.name] for process in watched}
    assert max(used.values()) < ABOVE_IDLE, used


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
        until_accepted(lambda: checked_retry_after(tenant.aggregator().post(SMS, data=body, timeout=60, headers={
            "Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"})), refusals=TRY_AGAIN, within=60)

    with concurrent.futures.ThreadPoolExecutor(12) as senders:
        list(senders.map(post, range(12)))

    used = {process.name: memory(process)[1] - idle[process.name] for process in watched}
    assert max(used.values()) < ABOVE_IDLE, used


@pytest.fixture
def slow_senders(tenant):
    """As many slow senders as one contact center has places, and some that wait."""
    connections = [slow_body(tenant) for _ in range(6)]
    yield connections
    for connection in connections:
        connection.close()


@pytest.mark.usefixtures("slow_senders")
def test_slow_senders_delay_neither_small_requests_nor_other_contact_centers(tenant):
    other = Tenant(tenant.stack)

    assert tenant.aggregator().message().status_code == 200
    assert as_json(other, contents=[photo(300 * KIB)]).status_code == 200


def test_senders_beyond_the_limit_are_told_to_retry(make_stack):
    stack = make_stack()
    tenant, slow, answers = Tenant(stack), [], []

    def is_refused():
        slow.extend(slow_body(tenant) for _ in range(4 + 64))  # each time, because after five seconds slow ones lose their places
        answers.append(as_json(tenant, contents=[photo(40 * KIB)]))
        return answers[-1].status_code == 429

    eventually(is_refused, "no more bodies of this contact center may wait", 30)

    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
    for connection in slow:
        connection.close()
    eventually(lambda: as_json(tenant, contents=[photo(40 * KIB)]).status_code == 200, "a body is accepted again")


def test_small_compressed_bodies_that_waited_for_a_place_are_stored_once_each(make_stack):
    tenant = Tenant(make_stack())
    slow = [slow_body(tenant) for _ in range(4)]
    assert tenant.aggregator().message().status_code == 200, "meanwhile the slow senders get their places"
    waiting = [connect(tenant) for _ in range(4)]
    for connection in waiting:
        body = gzip.compress(json.dumps({"message_id": secrets.token_hex(8), "phone_number": tenant.phone(),
                                         "shortcode": tenant.number, "message": "small"}).encode())
        connection.sendall(head(tenant, len(body), "Content-Encoding: gzip") + body)
    assert tenant.aggregator().message().status_code == 200, "meanwhile the compressed bodies wait"

    slow.pop().close()

    assert [answer_of(connection)[0] for connection in waiting] == [200] * len(waiting)
    eventually(lambda: tenant.stack.metric("nexus_messages_total", direction="in") == 6, "each text is counted")
    assert tenant.stack.metric("nexus_duplicates_total") == 0
    for connection in slow + waiting:
        connection.close()


@pytest.mark.usefixtures("slow_senders")
def test_slow_senders_lose_their_places_to_waiting_ones(tenant):
    assert as_json(tenant, contents=[photo(300 * KIB)]).status_code == 200


def test_a_gateway_that_stops_accepts_arriving_requests_and_sends_pending_answers(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_DRAIN_TIMEOUT": "120s"}})
    tenant, content = Tenant(stack), photo(5 * MIB)
    path, agent, _ = received(tenant, content)
    body = mo(tenant, content)
    with (connect(tenant) as connection, agent.get(f"{path}/1", stream=True) as download,
          concurrent.futures.ThreadPoolExecutor(1) as reader):
        connection.settimeout(120)
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "a piece of the body is stored")
        stack["gateway-0"].send(signal.SIGTERM)
        downloaded = reader.submit(lambda: download.content)  # meanwhile, because a client that does not read is disconnected
        connection.sendall(body[MIB:])

        assert answer_of(connection)[0] == 200
        assert downloaded.result() == content
    assert stack["gateway-0"].wait() == 0
    assert stored(tenant) == [content] * 2


def test_a_body_is_stored_although_a_worker_dies_while_it_arrives(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack), photo(2 * MIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "a piece of the body is stored")
        stack["sms-worker-0"].kill()
        connection.sendall(body[MIB:])

        status, text = answer_of(connection)

    assert status == 200, text
    assert stored(tenant) == [content]


def test_nothing_is_visible_of_a_body_whose_gateway_dies_while_it_arrives(make_stack):
    stack = make_stack(gateways=2)
    tenant, content = Tenant(stack), photo(2 * MIB)
    body = mo(tenant, content, "again")
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:MIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "a piece of the body is stored")
        stack["gateway-0"].kill()
    assert stored(tenant) == []

    answer = tenant.aggregator(gateway=1).post(SMS, data=body, timeout=60, headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text
    assert stored(tenant) == [content]
    upkeep(stack)
    assert uploads_waiting(tenant) == 1, "it is kept, because the body could still be arriving"
    stack.query("update upload set created = created - interval '1 hour'")
    upkeep(stack)
    assert uploads_waiting(tenant) == 0
    assert stack.query("select count(*) from upload_piece where upload_id not in (select upload_id from attachment)")[0][0] == 0
    assert stored(tenant) == [content]


@pytest.mark.parametrize("point", ["sms.inbound.before_commit", "sms.inbound.after_commit"])
def test_repetitions_make_one_message_although_workers_die_at_the_commit(make_stack, point):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack), photo(300 * KIB)
    arm_workers(stack, BOTH, f"{point}=kill:1")
    phone = tenant.phone()

    def post():
        return as_json(tenant, phone, [content], message_id="same", message="one")

    assert post().status_code != 200
    for name in BOTH:
        disarm(stack[name])
    first, second = (until_accepted(post, TRY_AGAIN) for _ in range(2))

    assert data_of(first) == data_of(second)
    assert stored(tenant) == [content]


def signed_photo(tenant, content, message_id, secret=None, **fields):
    """Posts a text with a photo, signed by its number."""
    body = json.dumps({"message_id": message_id, "phone_number": "+15550001234", "shortcode": tenant.number, "message": "look",
                       "mms_attachment": media(content), **fields}).encode()
    return tenant.aggregator().post(SMS, data=body, timeout=60, headers={
        "Content-Type": "application/json", **hub_sha256(secret or tenant.api_secret, body)})


def test_a_large_body_is_stored_although_a_worker_dies_after_it_has_verified_it(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack, api_secret=fresh()), photo(300 * KIB)
    names, rule = (f"text {number}" for number in itertools.count()), "sms.inbound.before_commit=kill:1"
    unanswered = []  # their uploads, at most two of each, wait for upkeep

    def is_stored_although_its_worker_dies():
        """On a busy machine the time of the request may be over before the death is noticed; then the worker dies once more."""
        if not stack["sms-worker-0"].alive:
            arm_workers(stack, BOTH[:1], rule)
        answer = signed_photo(tenant, content, next(names), phone_number=tenant.phone())
        if answer.status_code in (503, 504):
            unanswered.append(answer)
        assert answer.status_code == 200, answer.text
        return not stack["sms-worker-0"].alive

    arm_workers(stack, BOTH[:1], rule)
    eventually(is_stored_although_its_worker_dies, "a body is stored although its worker dies", 60)
    assert set(stored(tenant)) == {content}
    eventually(lambda: uploads_waiting(tenant) <= 2 * len(unanswered), "no copy of a body that was answered is left")
    disarm(stack["sms-worker-0"])


def test_a_large_body_is_stored_once_although_the_workers_that_verified_it_died(make_stack):
    stack = make_stack(sms_workers=2)
    tenant, content = Tenant(stack, api_secret=fresh()), photo(300 * KIB)
    arm_workers(stack, BOTH, "sms.inbound.before_commit=kill:1")

    def both_have_died():
        """The second worker dies of a repetition if the time of the first request is over before its death is noticed."""
        assert signed_photo(tenant, content, "same").status_code in (503, 504)
        return not any(stack[name].alive for name in BOTH)

    eventually(both_have_died, "both have died", 30)
    assert stored(tenant) == []
    for name in BOTH:
        disarm(stack[name])

    for _ in range(2):
        eventually(lambda: signed_photo(tenant, content, "same").status_code == 200, "it is accepted", 30)
    assert stored(tenant) == [content]
    stack.query("update upload set created = created - interval '1 hour'")
    eventually(lambda: stack.query("select upkeep_uploads(900)") and uploads_waiting(tenant) == 0, "upkeep deletes the uploads of the dead workers")
    assert stack.query("select count(*) from upload_piece where upload_id not in (select upload_id from attachment)")[0][0] == 0


@pytest.mark.parametrize("status, fields", [(401, {"secret": "another"}), (404, {"shortcode": "+15559990000"}), (400, {"phone_number": None})],
                         ids=["wrongly signed", "no such number", "no sender"])
def test_the_photo_of_a_refused_text_is_deleted_at_once(nexus, status, fields):
    tenant = Tenant(nexus, api_secret=fresh())

    assert signed_photo(tenant, photo(300 * KIB), "refused", **fields).status_code == status

    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")
