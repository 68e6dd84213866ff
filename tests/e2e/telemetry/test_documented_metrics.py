"""The metrics that operators of the product know (documented_metrics.txt) exist with the same names, types and labels;
and all metrics are valid for Prometheus and OpenMetrics."""

import pathlib
import re
import shutil
import subprocess

import pytest

from harness.people import Tenant
from harness.reading import label_values
from harness.reading.scrape import OPENMETRICS, Scrape
from harness.wait import eventually

# Names that promtool objects to and that stay, because dashboards use them.
ALLOWED = {"nexus_db_request_duration_milliseconds", "nexus_nodejs_active_handles_total",
           "nexus_nodejs_active_requests_total"}

ROWS = [line.split() for line in pathlib.Path(__file__).with_name("documented_metrics.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")]


@pytest.fixture
def scrape(nexus):
    """A scrape in which every documented metric has a value."""
    assert Tenant(nexus).aggregator().message().status_code == 200

    def complete():
        now = Scrape(nexus)
        return {row[0] for row in ROWS} <= set(now.families) and has_counted_statements(now) and now

    def has_counted_statements(now):
        return sum(one.value for one in now.families["nexus_db_success_total"].series) > 0

    return eventually(complete, "every documented metric has a value", 20)


@pytest.mark.parametrize("name, kind, labels, unit", ROWS)
def test_a_documented_metric_is_as_documented(scrape, name, kind, labels, unit):
    family = scrape.families[name]
    plain = [one for one in family.series if not one.name.endswith(("_bucket", "_sum"))]

    assert family.kind == kind
    assert family.label_names() == (set() if labels == "-" else set(labels.split(",")))
    assert len(plain) == 1 or labels not in ("-", "le"), f"one series a pod, not {plain}"
    assert unit in ("bytes", "seconds", "milliseconds") or "bytes" not in name and "seconds" not in name


def test_the_help_text_of_compatibility_metrics_says_so(scrape):
    for name in re.findall(r"^# HELP ((?:iwd|nexus_nodejs)_\w+) (?!.*compatibility)", scrape.text, re.MULTILINE):
        pytest.fail(f"the help text of {name} does not say that it exists for compatibility")


def test_values_of_the_documented_gauges_are_plausible(scrape, nexus):
    def value(name, now=scrape):
        return sum(one.value for one in now.families[name].series)

    def redis_is_connected():
        now = Scrape(nexus)  # a Redis that does not answer for a second is connected again
        return value("nexus_redis_connections_ready", now) == value("nexus_redis_connections_established", now) == 1

    assert value("nexus_process_resident_memory_bytes") > 1e6
    assert value("nexus_process_virtual_memory_bytes") > value("nexus_process_resident_memory_bytes")
    assert value("nexus_process_open_fds") > 20
    assert value("nexus_process_max_fds") >= 1024
    assert 1.6e9 < value("nexus_process_start_time_seconds") < 1e10
    eventually(redis_is_connected, "the gateway is connected to Redis")
    assert value("nexus_nodejs_active_handles") == value("nexus_nodejs_active_handles_total") > 20
    assert value("nexus_nodejs_heap_space_size_total_bytes") == value("nexus_nodejs_heap_size_total_bytes")
    assert value("nexus_db_request_total") >= value("nexus_db_success_total")
    assert value("nexus_db_connect_total") >= value("nexus_db_disconnect_total")


def test_promtool_objects_only_to_the_three_names_that_stay(scrape):
    if not shutil.which("promtool"):
        pytest.skip("promtool")
    checked = subprocess.run(["promtool", "check", "metrics"], input=scrape.text, text=True, capture_output=True,
                             timeout=120, check=False)

    assert {line.split()[0] for line in (checked.stdout + checked.stderr).splitlines() if line} == ALLOWED, \
        checked.stdout + checked.stderr


def test_all_label_values_are_declared(scrape):
    assert label_values.undeclared(scrape) == []


def test_openmetrics_is_served_on_request_with_the_same_series(nexus):
    def both():
        text, openmetrics = Scrape(nexus), Scrape(nexus, OPENMETRICS)  # a process may report a new series in between
        return {one.key for one in text.series()} == {one.key for one in openmetrics.series()} and (text, openmetrics)

    text, openmetrics = eventually(both, "both have the same series")

    assert text.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert openmetrics.text.endswith("# EOF\n") and "# EOF" not in text.text


def test_openmetrics_can_be_parsed_by_a_strict_parser(nexus):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client")

    families = list(parser.text_string_to_metric_families(Scrape(nexus, OPENMETRICS).text))

    assert len(families) > 60


def test_a_bucket_has_the_trace_id_of_a_request(nexus):
    trace = "0af7651916cd43dd8448eb211c80319c"
    tenant = Tenant(nexus)
    aggregator = tenant.aggregator()
    aggregator.session.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    assert aggregator.message().status_code == 200

    def shown():
        line = re.search(rf'^nexus_http_request_duration_seconds_bucket\{{.*?\}} \d+ # \{{trace_id="{trace}"\}} (\S+) (\S+)$',
                         Scrape(nexus, OPENMETRICS).text, re.MULTILINE)
        return line and float(line[1]) > 0 and float(line[2]) > 1.6e9

    eventually(shown, "the bucket has the trace id")


def test_compatibility_metrics_can_be_switched_off(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_COMPAT": "false"}})

    families = eventually(lambda: "nexus_process_open_fds" in Scrape(stack).families and Scrape(stack).families, "a scrape")

    assert not [name for name in families if name.startswith(("iwd_", "nexus_nodejs_"))]


def test_the_agent_of_a_pod_of_workers_counts_tasks_as_requests(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_OF_WORKERS": "true"},
                                 "gateway": {"NEXUS_METRICS_PUSH": ""}})
    assert Tenant(stack).aggregator().message().status_code == 200

    eventually(lambda: stack.metric("nexus_request_total") == stack.metric("nexus_tasks_total") > 1, "tasks are counted as requests")


def test_a_scrape_is_answered_even_if_totals_cannot_be_stored(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_STATE": "/nowhere/totals"}})

    eventually(lambda: stack.metric("nexus_processes", proc="gateway") == 1, "the scrape is answered")
    Scrape(stack)

    lines = stack["metrics-agent-0"].log.read_text(encoding="utf-8").splitlines()
    logged = [line for line in lines if "metrics.state_not_kept" in line]
    assert len(logged) == 1 and "/nowhere/totals" in logged[0]
