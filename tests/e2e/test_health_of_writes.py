"""Health is red while what people send cannot be committed, whatever the cause, and says which; also when nobody sends."""

import base64
import contextlib
import os
import shutil
import signal
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import pytest
import requests

from harness.database import SmallDisk, children
from harness.fault_run import FAST, PAIRS, FaultRun
from harness.people import Tenant
from harness.stack import BINARIES, Stack
from harness.wait import eventually


def is_ready(stack, gateway=0):
    return requests.get(f"{stack.url(gateway)}/health/ready", timeout=5).status_code == 200


def is_red_because(stack, code, gateway=0):
    health = stack.health(gateway)
    told = {cause["code"] for cause in health.json()["causes"]}
    return health.status_code == 503 and health.json()["state"] == "red" and code in told and not is_ready(stack, gateway)


def is_told(stack, code):
    health = stack.health().json()
    return health["state"] != "green" and code in {cause["code"] for cause in health["causes"]}


def is_well(stack):
    return stack.health().json()["state"] == "green" and is_ready(stack)


def locked_one(table):
    @contextlib.contextmanager
    def locked(stack, postgres):
        connection = postgres.connect(stack.database)
        connection.autocommit = False
        connection.cursor().execute(f"lock table {table} in access exclusive mode")
        try:
            yield
        finally:
            connection.close()

    return locked


@contextlib.contextmanager
def frozen_backends(_stack, postgres):
    backends = children(postgres.pid)
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def read_only(_stack, postgres):
    postgres.set("default_transaction_read_only", "on")
    try:
        yield
    finally:
        postgres.set("default_transaction_read_only", "off")


CAUSES = {"tables are locked": (locked_one("message"), "db.stuck"), "backends are frozen": (frozen_backends, "db.stuck"),
          "the server is read-only": (read_only, "db.read_only")}
OF_READING = {"the numbers are locked": (locked_one("channel"), "db.stuck"), "the keys are locked": (locked_one("api_key"), "db.stuck"),
              "the Idempotency-Keys are locked": (locked_one("idempotency"), "db.stuck")}


@pytest.mark.parametrize("cause", [*CAUSES, *OF_READING])
def test_an_idle_nexus_whose_writes_would_not_commit_is_red_and_comes_back(make_stack, postgres, cause):
    break_it, code = (CAUSES | OF_READING)[cause]
    stack = make_stack()

    with break_it(stack, postgres):
        eventually(lambda: is_red_because(stack, code), f"health is red because of {code}")

    eventually(lambda: is_well(stack), "health is green, and the gateway ready")
    assert Tenant(stack).aggregator().message().status_code == 200


def post_unseen(stack, aggregator):
    """A text that is answered 500, which the harness would call a defect."""
    login = base64.b64encode(":".join(aggregator.session.auth).encode()).decode()
    text = {"message_id": "unseen", "phone_number": "+15551110001", "shortcode": aggregator.tenant.number, "message": "hi"}
    request = urllib.request.Request(f"{stack.url()}/nexus/v3/sms/message", urllib.parse.urlencode(text).encode(),
                                     {"Authorization": f"Basic {login}"})
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize("breaking, mending", [
    ("revoke insert on message from nexus_worker", "grant insert on message to nexus_worker"),
    ("alter table ledger_entry rename to ledger_entry_away", "alter table ledger_entry_away rename to ledger_entry")])
def test_what_is_missing_for_texts_is_told_by_health_until_it_is_there_again(make_stack, postgres, breaking, mending):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    connection = postgres.connect(stack.database)
    connection.autocommit = True

    connection.cursor().execute(breaking)
    post_unseen(stack, aggregator)
    try:
        eventually(lambda: is_told(stack, "db.failing"), "health tells that something is missing")
        eventually(lambda: stack.health().json()["state"] == "red", "health is red while no text is stored")
    finally:
        connection.cursor().execute(mending)

    eventually(lambda: is_well(stack), "health is green, and the gateway ready")
    assert aggregator.message().status_code == 200


@pytest.mark.parametrize("cause", CAUSES)
def test_writes_that_do_not_commit_while_people_send_turn_health_red_and_lose_nothing(make_stack, postgres, cause):
    break_it, code = CAUSES[cause]
    with FaultRun(make_stack(**PAIRS, **FAST)) as run:
        with break_it(run.stack, postgres):
            for gateway in (0, 1):
                eventually(lambda: is_red_because(run.stack, code, gateway), f"health of gateway-{gateway} is red because of {code}")
        eventually(lambda: is_well(run.stack), "health is green, and the gateway ready")


@pytest.fixture(scope="module")
def small_disk():
    if not SmallDisk.is_possible():
        pytest.skip("this user may not have a mount of his own (unshare --user --mount)")
    folder = tempfile.mkdtemp(prefix="nx-pg-", dir="/tmp")
    server = SmallDisk(f"{folder}/p").start().ready()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def cramped(request, small_disk):
    """A Nexus whose disk is filled up by postgres.fill()."""
    template = small_disk.create_database()
    small_disk.migrate(template, BINARIES)
    stack = Stack(small_disk, template, **FAST).start()
    request.node.stacks = [stack]
    yield stack
    stack.finish()


def test_a_full_disk_is_told_and_loses_nothing(cramped, small_disk):
    with FaultRun(cramped) as run:
        small_disk.fill(cramped.database)
        eventually(lambda: is_red_because(cramped, "db.full"), "health is red because the disk is full")
        assert "53100" in " ".join(cramped.health().json()["reasons"])
        eventually(lambda: run.text(run.tenant.phone()).status_code == 503, "what finds no place in a page of before is refused")
        assert is_red_because(cramped, "db.full")
        small_disk.make_room()
        eventually(lambda: is_well(cramped), "health is green, and the gateway ready")
