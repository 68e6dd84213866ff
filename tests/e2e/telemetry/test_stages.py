"""Metrics of the stages of messages: how long each takes, what waits, and the outcomes."""

import pytest

from harness.people import OutboundMessage, Tenant, until_accepted
from harness.wait import eventually

STAGES = ("accept_commit", "commit_claim", "claim_sent", "sent_done", "end_to_end")


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


class Increase:
    """The increase of a counter since the creation of this object."""

    def __init__(self, stack, name, **labels):
        self._read = lambda: stack.metric(name, **labels)
        self._before = self._read()

    def is_at_least(self, count):
        more = self._read() - self._before
        assert more >= count, f"{more} more"
        return True


def test_each_stage_of_a_message_is_timed(tenant):
    more = {stage: Increase(tenant.stack, "nexus_stage_duration_seconds_count", stage=stage) for stage in STAGES}

    OutboundMessage(tenant).becomes("sent")

    for stage in STAGES:
        # The text and the outbound message are both accepted; only the outbound message is sent.
        eventually(lambda: more[stage].is_at_least(2 if stage == "accept_commit" else 1), stage)


def test_the_total_time_of_a_message_includes_its_stages_and_the_wait_between_attempts(make_stack, receiver):
    stack = make_stack()
    receiver.answer(status=503)
    message = OutboundMessage(Tenant(stack, webhook_url=receiver.url))
    eventually(lambda: stack.metric("nexus_deliveries_total", outcome="retry") >= 1, "the first attempt has failed")
    receiver.answer(status=200)
    message.becomes("sent", 30)
    attempts = len(receiver.messages())

    def seconds(stage):
        return stack.metric("nexus_stage_duration_seconds_sum", stage=stage)

    def count(stage):
        return stack.metric("nexus_stage_duration_seconds_count", stage=stage)

    eventually(lambda: count("end_to_end") == 1, "the message is timed")
    assert count("commit_claim") == 1, "the wait for a later attempt is not a wait for a worker"
    assert count("claim_sent") == count("sent_done") == attempts >= 2
    waited = seconds("end_to_end") - sum(seconds(stage) for stage in ("commit_claim", "claim_sent", "sent_done"))
    assert waited > 0, "the wait between the attempts"


def test_undelivered_messages_are_counted_by_reason_and_as_a_queue(tenant, receiver):
    stack = tenant.stack
    refused = Increase(stack, "nexus_undelivered_total", reason="refused")
    attempts = Increase(stack, "nexus_webhook_attempts_total", channel="sms", **{"class": "permanent"})
    failed = Increase(stack, "nexus_messages_total", channel="sms", direction="out", outcome="failed")
    receiver.answer(status=400)

    OutboundMessage(tenant).becomes("failed")

    for one in (refused, attempts, failed):
        eventually(lambda: one.is_at_least(1), "the metric counts it")
    eventually(lambda: stack.metric("nexus_queue_depth", queue="undelivered") >= 1, "the queue of undelivered messages is not empty", 30)
    eventually(lambda: stack.metric("nexus_queue_oldest_age_seconds", queue="undelivered") >= 1, "the queue has an age", 30)


def test_replays_are_counted(tenant, receiver):
    replayed = Increase(tenant.stack, "nexus_replayed_total")
    receiver.answer(status=400)
    failed = OutboundMessage(tenant).becomes("failed")
    receiver.answer(status=200)

    administrator = tenant.administrator()  # GWS has half of the deadline to say who this is
    until_accepted(lambda: administrator.post("/nexus/v3/undelivered/replay", json={"ids": [failed.id]}))

    failed.becomes("sent")
    eventually(lambda: replayed.is_at_least(1), "the metric counts it")


def test_repetitions_are_counted_by_where_they_were_recognised(tenant):
    aggregator = tenant.aggregator()
    where = {name: Increase(tenant.stack, "nexus_duplicates_total", where=name) for name in ("sms.inbound", "idempotency_key")}

    for _ in range(2):
        assert aggregator.message("+15550009999", "the same", message_id="the same").status_code == 200
    conversation = OutboundMessage(tenant).conversation
    agent = tenant.agent()
    agent.session.headers["Idempotency-Key"] = "the same key"
    for _ in range(2):
        assert agent.send(conversation, "twice").status_code == 200

    for name, more in where.items():
        eventually(lambda: more.is_at_least(1), name)


def test_destinations_are_counted_by_the_state_of_their_breaker(tenant):
    OutboundMessage(tenant).becomes("sent")

    eventually(lambda: tenant.stack.metric("nexus_breaker_destinations", state="closed") >= 1, "a closed breaker is counted", 30)
    assert {"open", "half_open", "closed", "disabled"} == {
        series.split('"')[1] for series in tenant.stack.metrics() if series.startswith("nexus_breaker_destinations{")}


def test_work_that_postgresql_delays_is_shown(tenant):
    names = ("nexus_db_oldest_xmin_age_seconds", "nexus_delivery_dead_tuples", 'nexus_queue_depth{queue="deferred"}')

    eventually(lambda: set(names) <= set(tenant.stack.metrics()), "the metrics exist", 30)
