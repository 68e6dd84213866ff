"""Somebody holds a row, a person at psql for instance: only the phone whose row it is waits; everybody else goes on."""

import collections
import concurrent.futures
import threading

import pytest

from harness.fault_run import FAST, PAIRS, FaultRun
from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually

ROWS = {
    "conversation": "select from conversation where id = %s for update",
    "contact": "select from contact where id = (select contact_id from conversation where id = %s) for update",
    "newest message": "select from message where conversation_id = %s order by sequence desc limit 1 for update",
}


@pytest.fixture
def tenant(make_stack):
    return Tenant(make_stack())


@pytest.fixture
def holds():
    """holds(tenant, conversation, row) keeps it in a transaction until the test, or holds.let_go(), ends that."""
    connections = []

    def hold(tenant, conversation, row="conversation"):
        connections.append(tenant.stack.postgres.connect(tenant.stack.database))
        connections[-1].autocommit = False
        connections[-1].cursor().execute(ROWS[row], (conversation,))
        return connections[-1]

    def let_go():
        while connections:
            connections.pop().close()  # twice does no harm

    hold.let_go = let_go
    yield hold
    let_go()


@pytest.mark.parametrize("row, meanwhile", [("conversation", 503), ("contact", 200), ("newest message", 200)])
def test_a_held_row_delays_the_texts_of_its_own_phone_only(make_stack, holds, row, meanwhile):
    with FaultRun(make_stack(**PAIRS, **FAST)) as run, concurrent.futures.ThreadPoolExecutor(4) as pool:
        phone, names = run.tenant.phone(), [f"held-{number}" for number in range(4)]
        holds(run.tenant, conversation_of(run.tenant, phone), row)

        held = [pool.submit(run.text, phone, "mine", name) for name in names]
        run.goes_on()

        assert [future.result().status_code for future in held] == [meanwhile] * len(names)
        run.goes_on()
        holds.let_go()
        assert [run.text(phone, "mine", name).status_code for name in names] == [200] * len(names)

    assert set(run.statuses) == {200}, "others were told to try again"


def test_many_held_rows_delay_nobody_else_and_each_is_written_to_as_soon_as_it_is_free(make_stack, holds):
    """20 phones at one worker, all of them tried all the time."""
    with FaultRun(make_stack(**FAST)) as run, concurrent.futures.ThreadPoolExecutor(20) as pool:
        phones, told, stopping = [run.tenant.phone() for _ in range(20)], collections.Counter(), threading.Event()
        locks = [holds(run.tenant, conversation_of(run.tenant, phone)) for phone in phones]

        def texts_until_stopped(phone):
            while not stopping.is_set():
                told[run.text(phone).status_code] += 1

        try:
            told.update(answer.status_code for answer in pool.map(run.text, phones))
            posting = {phone: pool.submit(texts_until_stopped, phone) for phone in phones[5:]}
            eventually(lambda: sum(told.values()) > 60, "all of them have been answered again and again", 60)
            run.goes_on()
            assert 200 not in told, "they are held"

            for phone, lock in zip(phones[:5], locks):
                lock.close()
                assert run.text(phone).status_code == 200, "this one is free, 15 and more others are not"
            run.goes_on()
        finally:
            stopping.set()
        holds.let_go()
        for future in posting.values():
            future.result()
        assert [run.text(phone).status_code for phone in phones] == [200] * 20

    assert set(told) <= {200, 503, 504}
    assert set(run.statuses) == {200}, "others were told to try again"


@pytest.mark.parametrize("row", ["conversation", "contact", "newest message"])
def test_a_held_row_delays_its_own_agent_only(make_stack, holds, row):
    with FaultRun(make_stack(**PAIRS, **FAST)) as run, concurrent.futures.ThreadPoolExecutor(1) as pool:
        conversation = conversation_of(run.tenant)
        if row == "newest message":
            Answer(run.tenant, conversation)  # which may be on its way out
        holds(run.tenant, conversation, row)

        held = pool.submit(lambda: run.tenant.agent().answer(conversation, client_id="one").status_code)
        run.goes_on()

        assert held.result() == (503 if row == "conversation" else 200)
        everything_leaves_but(run, conversation)
        holds.let_go()
        assert run.tenant.agent().answer(conversation, client_id="one").status_code in (200, 409)

    assert set(run.statuses) == {200}, "others were told to try again"


def everything_leaves_but(run, conversation):
    """All that others were answered until now is with the customer, or further."""
    answers = [answer.id for answer in run.traffic.answers]
    eventually(lambda: not run.stack.query("select from message where id = any (%s::uuid[]) and state < 4 and conversation_id <> %s",
                                           answers, conversation), "answers to others are sent", 30)


def test_a_row_that_is_held_for_a_moment_costs_nobody_anything(tenant, holds):
    phone = tenant.phone()
    holds(tenant, conversation_of(tenant, phone))

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        held = pool.submit(lambda: tenant.aggregator().message(phone).status_code)
        eventually(lambda: tenant.stack.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'"), "it waits")
        holds.let_go()

    assert held.result() == 200


def test_a_held_message_that_may_not_leave_any_more_keeps_no_other_from_leaving(tenant, holds):
    sender = tenant.stack["sms-worker-0"]
    conversations = [conversation_of(tenant) for _ in range(2)]
    sender.stop()
    late, other = (Answer(tenant, conversation) for conversation in conversations)
    tenant.stack.query("update delivery set expires = now() where message_id = %s", late.id)
    holds(tenant, late.conversation, "newest message")

    sender.restart()

    other.becomes("sent")
    assert late.state == "accepted"
    holds.let_go()
    late.becomes("expired")
