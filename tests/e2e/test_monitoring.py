"""What an SRE points at Nexus: a real Prometheus scrapes it, the alerts see its faults, every panel shows something."""

import re
import threading

import pytest

from harness.people import Answer, Tenant
from harness.prometheus import RULES, Prometheus, dashboard_expressions, names_of_ours
from harness.wait import eventually


@pytest.fixture
def watched(make_stack):
    """A Nexus and the Prometheus that scrapes it."""
    stack = make_stack()
    prometheus = Prometheus(stack).start().ready()
    yield stack, prometheus
    prometheus.stop()


def alert_expressions():
    """What follows "expr:" up to "for:", comments and notes left out."""
    return re.findall(r"expr: (.*?)\n +for:", RULES.read_text(), re.S)


def lead_an_eventful_life(stack, customer, postgres):
    """So that every series there can be is there: each happens once at least."""
    tenant = Tenant(stack, webhook_url=customer.url)
    aggregator = tenant.aggregator()
    phone = tenant.phone()
    for _ in range(2):  # the second is a repetition
        assert aggregator.message(phone, "same", message_id="same").status_code == 200
    Answer(tenant).becomes("sent")

    customer.answer(status=503)
    late = Answer(tenant)
    customer.wait_for(late.text)
    customer.answer(status=400)
    late.becomes("failed")
    customer.answer(status=200)
    operator = tenant.agent()
    operator.session.headers["Authorization"] = f"Bearer {tenant.cluster_key}"
    replayed = operator.post("/nexus/v3/undelivered/replay", json={"ids": [late.id]}, headers={"x-ccid": tenant.ccid})
    assert replayed.status_code == 200, replayed.text
    assert aggregator.receipt("nobody-sent-this", 2).status_code == 200
    for counted in ("nexus_receipts_total", "nexus_undelivered_total"):  # before its process dies, with its last second
        eventually(lambda: stack.metric(counted) > 0, f"{counted} counts")

    stack["sms-worker-0"].freeze()
    parked = threading.Thread(target=aggregator.message)
    parked.start()
    eventually(lambda: stack.metric("nexus_http_inflight") > 0, "the worker is asked")
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


def test_every_alert_and_every_panel_finds_its_metrics(watched, customer, postgres):
    stack, prometheus = watched
    lead_an_eventful_life(stack, customer, postgres)
    expressions = list(dashboard_expressions())
    named = names_of_ours("\n".join([*expressions, *alert_expressions()]))

    def all_there():
        missing = named - {series.split("{")[0] for series in stack.metrics()}
        assert not missing, f"no {', '.join(sorted(missing))}"
        return True

    eventually(all_there, "every metric that is named has a series", within=30)
    assert len(named) > 60

    def all_show_something():
        empty = [expression for expression in expressions if not prometheus.query(expression)]
        assert not empty, "\n".join(empty)
        return True

    eventually(all_show_something, "every panel shows something", within=30)


def test_prometheus_evaluates_the_alerts_and_a_fault_makes_its_alert_pending(watched, postgres):
    stack, prometheus = watched
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    names = set(re.findall(r"- alert: (.*)", RULES.read_text()))
    eventually(lambda: prometheus.rules() == dict.fromkeys(names, "ok"), "every alert is evaluated")
    eventually(lambda: prometheus.alerts() == {}, "nothing is wrong")

    stack.redis.kill()
    missed = {"NexusRedisNotReady": "pending", "NexusHealthYellow": "pending"}
    eventually(lambda: prometheus.alerts() == missed, "Redis is missed", within=20)
    stack.redis.restart()
    eventually(lambda: prometheus.alerts() == {}, "Redis is back", within=20)

    postgres.crash()
    stack.wait_for("red")

    def both_pending():
        for _ in range(20):
            assert aggregator.message().status_code == 503
        return {"Nexus error rate", "NexusDatabaseNotReady"} <= set(prometheus.alerts())

    eventually(both_pending, "the database and its callers are missed", within=30)
    assert "firing" not in prometheus.alerts().values(), "a few seconds are no quarter of an hour"

    stack["metrics-agent-0"].kill()
    eventually(lambda: prometheus.alerts().get("NexusMetricsAgentAbsent") == "pending", "the agent is missed", within=20)
    stack["metrics-agent-0"].restart()
