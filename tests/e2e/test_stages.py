"""Where a message's time goes, what waits, and what became of it, as the metrics show it."""

import pytest

from harness.people import Answer, Tenant
from harness.wait import eventually

STAGES = ("accept_commit", "commit_claim", "claim_sent", "sent_done", "end_to_end")


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


class More:
    """How much more than at first a counter has become."""

    def __init__(self, stack, name, **labels):
        self._read = lambda: stack.metric(name, **labels)
        self._before = self._read()

    def is_at_least(self, count):
        more = self._read() - self._before
        assert more >= count, f"{more} more"
        return True


def test_each_stage_of_a_message_is_timed(tenant):
    more = {stage: More(tenant.stack, "nexus_stage_duration_seconds_count", stage=stage) for stage in STAGES}

    Answer(tenant).becomes("sent")

    for stage in STAGES:
        # What came in and the answer to it are both accepted; only the answer goes out.
        eventually(lambda: more[stage].is_at_least(2 if stage == "accept_commit" else 1), stage)


def test_the_way_of_a_message_takes_as_long_as_its_parts(make_stack, customer):
    stack = make_stack()
    customer.answer(status=503)
    answer = Answer(Tenant(stack, webhook_url=customer.url))
    eventually(lambda: stack.metric("nexus_deliveries_total", outcome="retry") >= 1, "it is put off")
    customer.answer(status=200)
    answer.becomes("sent", 30)
    attempts = len(customer.messages())

    def seconds(stage):
        return stack.metric("nexus_stage_duration_seconds_sum", stage=stage)

    def count(stage):
        return stack.metric("nexus_stage_duration_seconds_count", stage=stage)

    eventually(lambda: count("end_to_end") == 1, "it is timed")
    assert count("commit_claim") == 1, "what was put off did not wait for a worker"
    assert count("claim_sent") == count("sent_done") == attempts >= 2
    waited = seconds("end_to_end") - sum(seconds(stage) for stage in ("commit_claim", "claim_sent", "sent_done"))
    assert waited > 0, "between the attempts"


def test_what_fails_for_good_is_counted_by_why_and_can_be_seen_waiting(tenant, customer):
    stack = tenant.stack
    refused = More(stack, "nexus_undelivered_total", reason="refused")
    attempts = More(stack, "nexus_webhook_attempts_total", channel="sms", **{"class": "permanent"})
    failed = More(stack, "nexus_messages_total", channel="sms", direction="out", outcome="failed")
    customer.answer(status=400)

    Answer(tenant).becomes("failed")

    for one in (refused, attempts, failed):
        eventually(lambda: one.is_at_least(1), "it is counted")
    eventually(lambda: stack.metric("nexus_queue_depth", queue="undelivered") >= 1, "it waits for a replay", 30)
    eventually(lambda: stack.metric("nexus_queue_oldest_age_seconds", queue="undelivered") >= 1, "its age is seen", 30)


def test_what_is_replayed_is_counted(tenant, customer):
    replayed = More(tenant.stack, "nexus_replayed_total")
    customer.answer(status=400)
    failed = Answer(tenant).becomes("failed")
    customer.answer(status=200)

    tenant.administrator().post("/nexus/v3/undelivered/replay", json={"ids": [failed.id]}).raise_for_status()

    failed.becomes("sent")
    eventually(lambda: replayed.is_at_least(1), "it is counted")


def test_repetitions_are_counted_by_where_they_were_recognised(tenant):
    aggregator = tenant.aggregator()
    where = {name: More(tenant.stack, "nexus_duplicates_total", where=name) for name in ("sms.inbound", "idempotency_key")}

    for _ in range(2):
        assert aggregator.message("+15550009999", "the same", message_id="the same").status_code == 200
    conversation = Answer(tenant).conversation
    agent = tenant.agent()
    agent.session.headers["Idempotency-Key"] = "the same key"
    for _ in range(2):
        assert agent.answer(conversation, "twice").status_code == 200

    for name, more in where.items():
        eventually(lambda: more.is_at_least(1), name)


def test_destinations_are_counted_by_the_state_of_their_breaker(tenant):
    Answer(tenant).becomes("sent")

    eventually(lambda: tenant.stack.metric("nexus_breaker_destinations", state="closed") >= 1, "it is closed", 30)
    assert {"open", "half_open", "closed", "disabled"} == {
        series.split('"')[1] for series in tenant.stack.metrics() if series.startswith("nexus_breaker_destinations{")}


def test_what_postgresql_holds_back_is_seen(tenant):
    names = ("nexus_db_oldest_xmin_age_seconds", "nexus_delivery_dead_tuples", 'nexus_queue_depth{queue="deferred"}')

    eventually(lambda: set(names) <= set(tenant.stack.metrics()), "the census is told", 30)
