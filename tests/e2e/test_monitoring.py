"""What an SRE points at Nexus: a real Prometheus scrapes it, the alerts see its faults, every panel shows something."""

import re

import pytest

from harness.people import Tenant
from harness.prometheus import RULES, Prometheus
from harness.wait import eventually


@pytest.fixture
def watched(make_stack):
    """A Nexus and the Prometheus that scrapes it."""
    stack = make_stack()
    prometheus = Prometheus(stack).start().ready()
    yield stack, prometheus
    prometheus.stop()


def test_prometheus_evaluates_the_alerts_and_a_fault_makes_its_alert_pending(watched, postgres):
    stack, prometheus = watched
    aggregator = Tenant(stack).aggregator()
    assert aggregator.message().status_code == 200
    names = set(re.findall(r"- alert: (.*)", RULES.read_text()))
    eventually(lambda: prometheus.rules() == dict.fromkeys(names, "ok"), "every alert is evaluated")
    eventually(lambda: prometheus.alerts() == {}, "nothing is wrong")

    stack.redis.kill()
    eventually(lambda: prometheus.alerts() == {"NexusRedisNotReady": "pending"}, "Redis is missed", within=20)
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
