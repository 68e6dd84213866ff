"""Somebody holds a row, a person at psql for instance: only the phone whose row it is waits; everybody else goes on."""

import concurrent.futures

import pytest

from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually

OTHERS = 60


@pytest.fixture
def tenant(make_stack):
    return Tenant(make_stack())


@pytest.fixture
def holds(tenant):
    """holds(conversation) keeps its row in a transaction until the test, or holds.let_go(), ends it."""
    connection = tenant.stack.postgres.connect(tenant.stack.database)
    connection.autocommit = False

    def hold(conversation):
        connection.cursor().execute("select from conversation where id = %s for update", (conversation,))

    hold.let_go = connection.rollback
    yield hold
    connection.close()


def test_a_held_conversation_delays_its_own_phone_only(tenant, holds):
    unlucky, name = tenant.phone(), "held"
    conversation = conversation_of(tenant, unlucky)
    phones = [tenant.phone() for _ in range(OTHERS)]
    holds(conversation)

    def text(phone):
        aggregator = tenant.aggregator()
        return [aggregator.message(phone).status_code for _ in range(5)]

    with concurrent.futures.ThreadPoolExecutor(OTHERS + 1) as pool:
        held = pool.submit(lambda: tenant.aggregator().message(unlucky, "mine", message_id=name).status_code)
        statuses = [status for future in [pool.submit(text, phone) for phone in phones] for status in future.result()]

    assert statuses == [200] * (5 * OTHERS)
    assert held.result() == 503
    holds.let_go()
    assert tenant.aggregator().message(unlucky, "mine", message_id=name).status_code == 200
    assert tenant.stack.query("select count(*) from message where external_id = %s", name) == [(1,)]


def test_a_held_conversation_delays_its_own_agent_only(tenant, holds):
    unlucky, lucky = conversation_of(tenant), [conversation_of(tenant) for _ in range(20)]
    holds(unlucky)

    with concurrent.futures.ThreadPoolExecutor(21) as pool:
        held = pool.submit(lambda: tenant.agent().answer(unlucky, "mine", client_id="one").status_code)
        answers = [future.result() for future in [pool.submit(Answer, tenant, conversation) for conversation in lucky]]

    assert held.result() == 503
    for answer in answers:
        answer.becomes("sent")
    holds.let_go()
    assert tenant.agent().answer(unlucky, "mine", client_id="one").status_code == 200
    assert [m["text"] for m in tenant.agent().transcript(unlucky)].count("mine") == 1


def test_a_row_that_is_held_for_a_moment_costs_nobody_anything(tenant, holds):
    phone = tenant.phone()
    holds(conversation_of(tenant, phone))

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        held = pool.submit(lambda: tenant.aggregator().message(phone).status_code)
        eventually(lambda: tenant.stack.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'"), "it waits")
        holds.let_go()

    assert held.result() == 200
