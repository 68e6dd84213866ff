"""Monitoring with a real Prometheus: it scrapes Nexus, faults make alerts pending, and every panel has data."""

import re
import threading

import pytest

from harness.outside.prometheus import RULES, Prometheus, dashboard_expressions, our_metric_names
from harness.people import OutboundMessage, Tenant
from harness.wait import eventually


@pytest.fixture
def watched(make_stack):
    """A Nexus and a Prometheus that scrapes it."""
    stack = make_stack()
    prometheus = Prometheus(stack).start().ready()
    yield stack, prometheus
    prometheus.stop()


def alert_expressions():
    """The expressions of the alerts: the text between "expr:" and "for:"."""
    return re.findall(r"expr: (.*?)\n +for:", RULES.read_text(), re.S)


def cause_every_event(stack, receiver, postgres):
    """Causes each kind of event at least once, so that every series exists."""
    tenant = Tenant(stack, webhook_url=receiver.url)
    aggregator = tenant.aggregator()
    phone = tenant.phone()
    for _ in range(2):  # the second is a repetition
        assert aggregator.message(phone, "same", message_id="same").status_code == 200
    OutboundMessage(tenant).becomes("sent")

    receiver.answer(status=503)
    late = OutboundMessage(tenant)
    receiver.wait_for(late.text)
    receiver.answer(status=400)
    late.becomes("failed")
    receiver.answer(status=200)
    operator = tenant.agent()
    operator.session.headers["Authorization"] = f"Bearer {tenant.cluster_key}"
    replayed = operator.post("/nexus/v3/undelivered/replay", json={"ids": [late.id]}, headers={"x-ccid": tenant.ccid})
    assert replayed.status_code == 200, replayed.text
    assert aggregator.receipt("nobody-sent-this", 2).status_code == 200
    for counted in ("nexus_receipts_total", "nexus_undelivered_total"):  # before the process dies, because its last second is lost
        eventually(lambda: stack.metric(counted) > 0, f"{counted} counts")

    stack["sms-worker-0"].freeze()
    # A request with the longest deadline: what is in flight is reported once a second.
    parked = threading.Thread(target=lambda: operator.get("/nexus/v3/ledger", headers={"x-ccid": tenant.ccid}))
    parked.start()
    eventually(lambda: stack.metric("nexus_http_inflight") > 0, "the request is in flight")
    stack["sms-worker-0"].kill()
    stack.bring_back("sms-worker-0")
    parked.join()

    stack["chat-worker-0"].stop()
    assert tenant.agent().get("/chat/v3/conversations").status_code == 503
    stack.bring_back("chat-worker-0")
    stack.redis.kill()
    stack.redis.restart()
    postgres.crash()
    postgres.restart()
    stack.wait_for("green")


def test_the_metrics_of_every_alert_and_panel_exist(watched, receiver, postgres):
    stack, prometheus = watched
    cause_every_event(stack, receiver, postgres)
    expressions = list(dashboard_expressions())
    named = our_metric_names("\n".join([*expressions, *alert_expressions()]))

    def all_there():
        missing = named - {series.split("{")[0] for series in stack.metrics()}
        assert not missing, f"no {', '.join(sorted(missing))}"
        return True

    eventually(all_there, "every named metric has a series", within=30)
    assert len(named) > 60

    def all_have_data():
        empty = [expression for expression in expressions if not prometheus.query(expression)]
        assert not empty, "\n".join(empty)
        return True

    eventually(all_have_data, "every panel has data", within=30)


def test_prometheus_evaluates_the_alerts_and_a_fault_makes_its_alert_pending(watched, postgres):
    stack, prometheus = watched
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    names = set(re.findall(r"- alert: (.*)", RULES.read_text()))

    def alerts():
        return {name: state for name, state in prometheus.alerts().items() if name != "NexusLoopLag"}  # of a busy machine

    eventually(lambda: prometheus.rules() == dict.fromkeys(names, "ok"), "every alert is evaluated")
    eventually(lambda: alerts() == {}, "there is no alert")

    stack.redis.kill()
    missed = {"NexusRedisNotReady": "pending", "NexusHealthYellow": "pending"}
    eventually(lambda: alerts() == missed, "the alerts of Redis are pending", within=20)
    stack.redis.restart()
    eventually(lambda: alerts() == {}, "there is no alert any more", within=20)

    postgres.crash()
    stack.wait_for("red")
    first = {}  # the state in which each alert was seen first: that of the database fires after a minute

    def both_seen():
        for _ in range(20):
            assert aggregator.message().status_code == 503
        for name, state in alerts().items():
            first.setdefault(name, state)
        return {"Nexus error rate", "NexusDatabaseNotReady"} <= set(first)

    eventually(both_seen, "there are the alerts of the database and of errors", within=30)
    assert first["Nexus error rate"] == first["NexusDatabaseNotReady"] == "pending", "they do not fire at once"

    stack["metrics-agent-0"].kill()
    eventually(lambda: prometheus.alerts().get("NexusMetricsAgentAbsent") == "pending", "the alert of the agent is pending", within=20)
    stack["metrics-agent-0"].restart()
