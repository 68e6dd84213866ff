"""With a synchronous standby a 2xx means that the standby has it too, also when a request is repeated. Two real servers."""

import concurrent.futures
import shutil
import tempfile
import uuid

import pytest

from harness.nexus.database import TEMPLATE, Postgres, prepared_data
from harness.nexus.stack import BINARIES, FOLDER, Stack
from harness.people import Tenant
from harness.wait import PATIENCE, eventually

WAITING = "select pid from pg_stat_activity where wait_event = 'SyncRep' and datname = %s"


@pytest.fixture
def servers(tmp_path_factory):
    """A primary and its synchronous standby; both run."""
    folder = tempfile.mkdtemp(prefix="nx-standby-", dir=FOLDER)
    primary = Postgres(f"{folder}/p", prepared_data(tmp_path_factory.getbasetemp().parent / "cluster", BINARIES)).start().ready()
    standby = primary.standby(f"{folder}/s").start().ready()
    primary.set("synchronous_standby_names", "'*'")
    yield primary, standby
    for server in (standby, primary):
        server.thaw()
        server.crash()
    shutil.rmtree(folder)


@pytest.fixture
def stack(servers):
    primary, standby = servers
    # Requests that wait for a standby which is away are answered after twice the usual time.
    stack = Stack(primary, TEMPLATE, settings={"gateway": {"NEXUS_DEADLINE_FACTOR": 2}}).start()
    yield stack
    if not standby.alive:
        standby.start().ready()
    stack.finish()


def requests_of(tenant):
    """One of each kind that is answered 2xx because something is stored: the same request each time it is called."""
    phone, identity, text = tenant.phone(), str(uuid.uuid4()), tenant.text()
    receipted = uuid.uuid4().hex
    conversation = _conversation(tenant)
    in_hand = _conversation(tenant)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    document = {"name": f"standby {identity}", "tenant": tenant.ccid, "permissions": ["nexus:consumer:chat"]}
    return {
        "text": lambda: tenant.aggregator().message(phone, text, message_id=identity),
        "part of a text": lambda: tenant.aggregator().message(phone, text, message_id=f"{identity}-1", concat_reference="9",
                                                              concat_total=2, concat_part=1),
        "receipt": lambda: tenant.aggregator().receipt(receipted, 2),
        "answer": lambda: tenant.agent().send(conversation, text, client_id=identity),
        "request with an Idempotency-Key": lambda: tenant.administrator().post("/nexus/v3/apikeys", json=document, headers=key),
        "acceptance of a conversation": lambda: tenant.agent().post(f"/chat/v3/conversations/{in_hand}/accept"),
    }


def _conversation(tenant):
    answer = tenant.aggregator().message()
    assert answer.ok, answer.text
    return answer.json()["data"]["conversationId"]


def ask(requests):
    """All at the same time; the status of each."""
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        answers = {name: pool.submit(request) for name, request in requests.items()}
    return {name: answer.result().status_code for name, answer in answers.items()}


def restart_without_standby(primary, standby, database):
    """What has waited for the standby is committed and visible after a crash of the primary, which alone has it."""
    eventually(lambda: primary.rows(WAITING, database), "transactions wait for the standby")
    primary.crash()
    primary.start().ready()
    assert not standby.alive


def test_a_repetition_of_what_only_the_primary_has_is_not_answered_2xx_until_the_standby_has_it(servers, stack):
    primary, standby = servers
    tenant = Tenant(stack)
    requests = requests_of(tenant)
    standby.stop()

    first = ask(requests)
    assert all(status in (503, 504) for status in first.values()), first
    restart_without_standby(primary, standby, stack.database)
    stack.wait_for_workers()
    again = ask(requests)
    assert all(status in (503, 504) for status in again.values()), again

    standby.start().ready()
    stack.wait_for("green", within=60 * PATIENCE)

    def answered():
        statuses = ask(requests)
        assert all(status in (200, 201) for status in statuses.values()), statuses
        return statuses

    eventually(answered, "everything is answered 2xx", 60)


def test_an_operator_who_cancels_the_wait_for_the_standby_makes_no_2xx(servers, stack):
    primary, standby = servers
    tenant = Tenant(stack)
    phone, identity, text = tenant.phone(), str(uuid.uuid4()), tenant.text()
    standby.stop()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: tenant.aggregator().message(phone, text, message_id=identity))

        def answered():
            primary.rows("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' and datname = %s",
                         stack.database)
            return answer.done()

        eventually(answered, "the request is answered although every wait is cancelled", 60)
        assert answer.result().status_code in (503, 504)

    standby.start().ready()
    stack.wait_for("green", within=60 * PATIENCE)
    assert tenant.aggregator().message(phone, text, message_id=identity).ok


def test_a_worker_that_starts_while_the_standby_is_away_reads(servers, stack):
    _, standby = servers
    tenant = Tenant(stack)
    conversation = _conversation(tenant)
    standby.stop()

    stack["chat-worker-0"].stop()
    stack.bring_back("chat-worker-0")

    assert [message["sequence"] for message in tenant.agent().transcript(conversation)] == [1]


def test_connections_that_wait_for_a_standby_are_replaced_and_not_added_to(servers, stack):
    primary, standby = servers
    tenant = Tenant(stack)
    standby.stop()

    def connections():
        return primary.rows("select count(*) from pg_stat_activity where datname = %s and usename = 'nexus_worker'",
                            stack.database)[0][0]

    before = connections()
    lost = "connections were given up because the database did not answer"
    worker = stack["sms-worker-0"]
    for _ in range(3):
        ask({str(number): tenant.aggregator().message for number in range(4)})
    eventually(lambda: worker.log.read_text().count('"event":"pg.disconnected"') >= 3, lost, 60)

    assert connections() <= before + 2, "each connection that was given up left its server process"
