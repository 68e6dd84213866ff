"""Health is red with the cause while messages cannot be committed, even if no message arrives."""

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

from harness.load.fault_run import FAST, PAIRS, FaultRun
from harness.nexus.database import SmallDisk, children
from harness.nexus.stack import BINARIES, Stack
from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually


def is_ready(stack, gateway=0):
    return requests.get(f"{stack.url(gateway)}/health/ready", timeout=LONGEST_ANSWER).status_code == 200


def is_red_because(stack, code, gateway=0):
    health = stack.health(gateway)
    causes = {cause["code"] for cause in health.json()["causes"]}
    return health.status_code == 503 and health.json()["state"] == "red" and code in causes and not is_ready(stack, gateway)


def is_reported(stack, code):
    health = stack.health().json()
    return health["state"] != "green" and code in {cause["code"] for cause in health["causes"]}


def is_well(stack):
    return stack.health().json()["state"] == "green" and is_ready(stack)


def lock_on(table):
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
    try:
        _send(backends, signal.SIGSTOP)
        yield
    finally:
        _send(backends, signal.SIGCONT)


def _send(pids, signal_number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a backend whose client has gone may just have ended
            os.kill(pid, signal_number)


@contextlib.contextmanager
def read_only(_stack, postgres):
    postgres.set("default_transaction_read_only", "on")
    try:
        yield
    finally:
        postgres.set("default_transaction_read_only", "off")


CAUSES = {"tables are locked": (lock_on("message"), "db.stuck"), "backends are frozen": (frozen_backends, "db.stuck"),
          "the server is read-only": (read_only, "db.read_only")}
CAUSES_OF_READS = {"numbers are locked": (lock_on("channel"), "db.stuck"), "keys are locked": (lock_on("api_key"), "db.stuck"),
              "Idempotency-Keys are locked": (lock_on("idempotency"), "db.stuck")}


@pytest.mark.parametrize("cause", [*CAUSES, *CAUSES_OF_READS])
def test_an_idle_nexus_that_cannot_commit_is_red_and_recovers(make_stack, postgres, cause):
    break_it, code = (CAUSES | CAUSES_OF_READS)[cause]
    stack = make_stack()

    with break_it(stack, postgres):
        eventually(lambda: is_red_because(stack, code), f"health is red because of {code}")

    eventually(lambda: is_well(stack), "health is green and the gateway is ready")
    assert Tenant(stack).aggregator().message().status_code == 200


def post_unchecked(stack, aggregator):
    """Posts a text that gets 500, without the harness, which would report a defect."""
    login = base64.b64encode(":".join(aggregator.session.auth).encode()).decode()
    text = {"message_id": "unchecked", "phone_number": "+15551110001", "shortcode": aggregator.tenant.number, "message": "hi"}
    request = urllib.request.Request(f"{stack.url()}/nexus/v3/sms/message", urllib.parse.urlencode(text).encode(),
                                     {"Authorization": f"Basic {login}"})
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=LONGEST_ANSWER).close()


@pytest.mark.parametrize("breaking, mending", [
    ("revoke insert on message from nexus_worker", "grant insert on message to nexus_worker"),
    ("alter table ledger_entry rename to ledger_entry_away", "alter table ledger_entry_away rename to ledger_entry")])
def test_health_reports_a_missing_right_or_table_until_it_exists_again(make_stack, postgres, breaking, mending):
    stack = make_stack()
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    connection = postgres.connect(stack.database)
    connection.autocommit = True

    connection.cursor().execute(breaking)
    post_unchecked(stack, aggregator)
    try:
        eventually(lambda: is_reported(stack, "db.failing"), "health reports that something is missing")
        eventually(lambda: stack.health().json()["state"] == "red", "health is red while no text is stored")
    finally:
        connection.cursor().execute(mending)

    eventually(lambda: is_well(stack), "health is green and the gateway is ready")
    assert aggregator.message().status_code == 200


@pytest.mark.parametrize("cause", CAUSES)
def test_writes_that_cannot_commit_under_load_turn_health_red_and_lose_nothing(make_stack, postgres, cause):
    break_it, code = CAUSES[cause]
    with FaultRun(make_stack(**PAIRS, **FAST)) as run:
        with break_it(run.stack, postgres):
            for gateway in (0, 1):
                eventually(lambda: is_red_because(run.stack, code, gateway), f"health of gateway-{gateway} is red because of {code}")
        eventually(lambda: is_well(run.stack), "health is green and the gateway is ready")


@pytest.fixture(scope="module")
def small_disk():
    if not SmallDisk.is_possible():
        pytest.skip("this user may not mount a file system (unshare --user --mount)")
    folder = tempfile.mkdtemp(prefix="nx-pg-", dir="/tmp")
    server = SmallDisk(f"{folder}/p").start().ready()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def small_stack(request, small_disk):
    """A Nexus whose disk a test can fill with small_disk.fill()."""
    template = small_disk.create_database()
    small_disk.migrate(template, BINARIES)
    stack = Stack(small_disk, template, **FAST).start()
    request.node.stacks = [stack]
    yield stack
    stack.finish()


def test_a_full_disk_is_reported_and_loses_nothing(small_stack, small_disk):
    with FaultRun(small_stack) as run:
        small_disk.fill(small_stack.database)
        # Together, because some texts fit into pages that exist, and health reports the disk for 2 s after the last one that did not.
        eventually(lambda: is_red_because(small_stack, "db.full") and "53100" in " ".join(small_stack.health().json()["reasons"]),
                   "health is red because the disk is full")
        eventually(lambda: run.text(run.tenant.phone()).status_code == 503 and is_red_because(small_stack, "db.full"),
                   "a text that needs a new page is refused while health is red")
        small_disk.make_room()
        eventually(lambda: is_well(small_stack), "health is green and the gateway is ready")
