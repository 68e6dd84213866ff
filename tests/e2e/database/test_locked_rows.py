"""A row is locked, for instance by a person at psql: only the consumer or agent whose row it is waits; all others go on."""

import collections
import concurrent.futures
import threading

import pytest

from harness.load.fault_run import FAST, PAIRS, FaultRun
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.wait import eventually

# So many that a text and an outbound message rarely want the same conversation. On a busy machine one of them may hold it for longer than
# the other waits, which is half a second; then the other is answered 503, too.
PHONES = 1000

ROWS = {
    "conversation": "select from conversation where id = %s for update",
    "contact": "select from contact where id = (select contact_id from conversation where id = %s) for update",
    "newest message": "select from message where conversation_id = %s order by sequence desc limit 1 for update",
}


@pytest.fixture
def tenant(make_stack):
    return Tenant(make_stack())


@pytest.fixture
def hold_row():
    """hold_row(tenant, conversation, row) locks the row in a transaction, until the test ends or calls hold_row.release()."""
    connections = []

    def hold(tenant, conversation, row="conversation"):
        connections.append(tenant.stack.postgres.connect(tenant.stack.database))
        connections[-1].autocommit = False
        connections[-1].cursor().execute(ROWS[row], (conversation,))
        return connections[-1]

    def release():
        while connections:
            connection = connections.pop()
            connection.rollback()  # unlike close() it returns when the row is free
            connection.close()

    hold.release = release
    yield hold
    release()


# 504: on a busy machine the deadline may pass before the worker gives up.
@pytest.mark.parametrize("row, meanwhile", [("conversation", {503, 504}), ("contact", {200}), ("newest message", {200})], ids=list(ROWS))
def test_a_locked_row_delays_only_the_texts_of_its_own_phone(make_stack, hold_row, row, meanwhile):
    with FaultRun(make_stack(**PAIRS, **FAST), phones=PHONES) as run, concurrent.futures.ThreadPoolExecutor(4) as pool:
        phone, names = run.tenant.phone(), [f"held-{number}" for number in range(4)]
        hold_row(run.tenant, conversation_of(run.tenant, phone), row)

        held = [pool.submit(run.text, phone, "mine", name) for name in names]
        run.goes_on()

        assert {future.result().status_code for future in held} <= meanwhile
        run.goes_on()
        hold_row.release()
        assert [run.text(phone, "mine", name).status_code for name in names] == [200] * len(names)

    assert set(run.statuses) == {200}, "other callers had to try again"


def test_many_locked_rows_delay_no_other_phone_and_each_is_written_as_soon_as_it_is_free(make_stack, hold_row):
    """20 phones, one worker, and a text from each phone all the time."""
    with FaultRun(make_stack(**FAST), phones=PHONES) as run, concurrent.futures.ThreadPoolExecutor(20) as pool:
        phones, statuses, stopping = [run.tenant.phone() for _ in range(20)], collections.Counter(), threading.Event()
        locks = [hold_row(run.tenant, conversation_of(run.tenant, phone)) for phone in phones]

        def texts_until_stopped(phone):
            while not stopping.is_set():
                statuses[run.text(phone).status_code] += 1

        try:
            statuses.update(answer.status_code for answer in pool.map(run.text, phones))
            posting = {phone: pool.submit(texts_until_stopped, phone) for phone in phones[5:]}
            eventually(lambda: sum(statuses.values()) > 60, "texts of all of them have been answered", 60)
            run.goes_on()
            assert 200 not in statuses, "their rows are locked"

            for number, (phone, lock) in enumerate(zip(phones[:5], locks)):
                lock.rollback()
                # This row is free, the rows of 15 others are not.
                until_accepted(lambda: run.text(phone, "mine", f"free-{number}"))
            run.goes_on()
        finally:
            stopping.set()
        hold_row.release()
        for future in posting.values():
            future.result()
        assert [run.text(phone).status_code for phone in phones] == [200] * 20

    assert set(statuses) <= {200, 503, 504}
    assert set(run.statuses) == {200}, "other callers had to try again"


@pytest.mark.parametrize("row", ["conversation", "contact", "newest message"])
def test_a_locked_row_delays_only_its_own_agent(make_stack, hold_row, row):
    with FaultRun(make_stack(**PAIRS, **FAST), phones=PHONES) as run, concurrent.futures.ThreadPoolExecutor(1) as pool:
        conversation = conversation_of(run.tenant)
        if row == "newest message":
            OutboundMessage(run.tenant, conversation)  # a message that may be being sent
        hold_row(run.tenant, conversation, row)

        held = pool.submit(lambda: run.tenant.agent().send(conversation, client_id="one").status_code)
        run.goes_on()

        assert held.result() in ((503, 504) if row == "conversation" else (200,))
        others_are_sent(run, conversation)
        hold_row.release()
        assert run.tenant.agent().send(conversation, client_id="one").status_code in (200, 409)

    assert set(run.statuses) == {200}, "other callers had to try again"


def others_are_sent(run, conversation):
    """Waits until the outbound messages of all other conversations have been sent."""
    ids = [message.id for message in run.traffic.answers]
    eventually(lambda: not run.stack.query("select from message where id = any (%s::uuid[]) and state < 4 and conversation_id <> %s",
                                           ids, conversation), "outbound messages of other conversations are sent", 30)


def test_a_text_waits_for_a_row_that_is_locked_for_a_moment(tenant, hold_row):
    """A text gives up after half a second. If this test was not as fast, it posts another one."""
    def waited_and_was_stored():
        phone = tenant.phone()
        hold_row(tenant, conversation_of(tenant, phone))
        held = pool.submit(lambda: tenant.aggregator().message(phone).status_code)
        eventually(lambda: held.done() or waits_for_a_lock(tenant.stack), "the text waits")
        hold_row.release()
        return held.result() == 200

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        eventually(waited_and_was_stored, "a text that waited for its row is stored", 30)


def waits_for_a_lock(stack):
    return stack.query("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")


def test_a_locked_message_that_has_expired_blocks_no_other(tenant, hold_row):
    sender = tenant.stack["sms-worker-0"]
    conversations = [conversation_of(tenant) for _ in range(2)]
    sender.stop()
    late, other = (OutboundMessage(tenant, conversation) for conversation in conversations)
    tenant.stack.query("update delivery set expires = now() where message_id = %s", late.id)
    hold_row(tenant, late.conversation, "newest message")

    sender.restart()

    other.becomes("sent")
    assert late.state == "accepted"
    hold_row.release()
    late.becomes("expired")
