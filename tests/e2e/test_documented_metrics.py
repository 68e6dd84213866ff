"""The metrics that operators of the product know (documented_metrics.txt) are there under the same names, types and
labels; and all metrics, these included, are as Prometheus and OpenMetrics want them."""

import pathlib
import re
import shutil
import subprocess

import pytest

from harness import label_values
from harness.people import Tenant
from harness.scrape import OPENMETRICS, Scrape
from harness.wait import eventually

# Names that promtool finds fault with and that stay, because dashboards know them.
ALLOWED = {"nexus_db_request_duration_milliseconds", "nexus_nodejs_active_handles_total",
           "nexus_nodejs_active_requests_total"}

ROWS = [line.split() for line in pathlib.Path(__file__).with_name("documented_metrics.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")]


@pytest.fixture
def scrape(nexus):
    """Of a Nexus that has done something of everything the documented metrics count."""
    assert Tenant(nexus).aggregator().message().status_code == 200

    def complete():
        now = Scrape(nexus)
        return {row[0] for row in ROWS} <= set(now.families) and nexus_is_told(now) and now

    def nexus_is_told(now):
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


def test_help_says_what_is_only_there_for_others(scrape):
    for name in re.findall(r"^# HELP ((?:iwd|nexus_nodejs)_\w+) (?!.*compatibility)", scrape.text, re.MULTILINE):
        pytest.fail(f"{name} does not say that it is there for compatibility")


def test_values_of_the_documented_gauges_are_plausible(scrape):
    def value(name):
        return sum(one.value for one in scrape.families[name].series)

    assert value("nexus_process_resident_memory_bytes") > 1e6
    assert value("nexus_process_virtual_memory_bytes") > value("nexus_process_resident_memory_bytes")
    assert value("nexus_process_open_fds") > 20
    assert value("nexus_process_max_fds") >= 1024
    assert 1.6e9 < value("nexus_process_start_time_seconds") < 1e10
    assert value("nexus_redis_connections_ready") == value("nexus_redis_connections_established") == 1
    assert value("nexus_nodejs_active_handles") == value("nexus_nodejs_active_handles_total") > 20
    assert value("nexus_nodejs_heap_space_size_total_bytes") == value("nexus_nodejs_heap_size_total_bytes")
    assert value("nexus_db_request_total") >= value("nexus_db_success_total")
    assert value("nexus_db_connect_total") >= value("nexus_db_disconnect_total")


def test_promtool_complains_about_the_three_names_that_stay_and_no_other(scrape):
    if not shutil.which("promtool"):
        pytest.skip("promtool")
    checked = subprocess.run(["promtool", "check", "metrics"], input=scrape.text, text=True, capture_output=True,
                             timeout=30, check=False)

    assert {line.split()[0] for line in (checked.stdout + checked.stderr).splitlines() if line} == ALLOWED, \
        checked.stdout + checked.stderr


def test_no_label_has_a_value_that_nobody_declared(scrape):
    assert label_values.undeclared(scrape) == []


def test_openmetrics_is_answered_to_who_asks_and_says_the_same(nexus):
    text, openmetrics = Scrape(nexus), Scrape(nexus, OPENMETRICS)

    assert text.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert openmetrics.text.endswith("# EOF\n") and "# EOF" not in text.text
    assert {one.key for one in text.series()} == {one.key for one in openmetrics.series()}


def test_openmetrics_can_be_read_by_a_strict_reader(nexus):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client")

    families = list(parser.text_string_to_metric_families(Scrape(nexus, OPENMETRICS).text))

    assert len(families) > 60


def test_a_slow_bucket_leads_to_the_trace_of_a_request(nexus):
    trace = "0af7651916cd43dd8448eb211c80319c"
    tenant = Tenant(nexus)
    aggregator = tenant.aggregator()
    aggregator.session.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    assert aggregator.message().status_code == 200

    def shown():
        line = re.search(rf'^nexus_http_request_duration_seconds_bucket\{{.*?\}} \d+ # \{{trace_id="{trace}"\}} (\S+) (\S+)$',
                         Scrape(nexus, OPENMETRICS).text, re.MULTILINE)
        return line and float(line[1]) > 0 and float(line[2]) > 1.6e9

    eventually(shown, "the trace's id stands beside the bucket")


def test_names_made_for_others_can_be_left_out(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_COMPAT": "false"}})

    families = eventually(lambda: "nexus_process_open_fds" in Scrape(stack).families and Scrape(stack).families, "a scrape")

    assert not [name for name in families if name.startswith(("iwd_", "nexus_nodejs_"))]


def test_requests_of_a_pod_of_workers_are_what_they_are_asked(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_OF_WORKERS": "true"},
                                 "gateway": {"NEXUS_METRICS_PUSH": ""}})
    assert Tenant(stack).aggregator().message().status_code == 200

    eventually(lambda: stack.metric("nexus_request_total") == stack.metric("nexus_tasks_total") > 1, "they are counted")


def test_a_scrape_is_answered_also_where_its_totals_cannot_be_kept(make_stack):
    stack = make_stack(settings={"metrics-agent": {"NEXUS_METRICS_STATE": "/nowhere/totals"}})

    eventually(lambda: stack.metric("nexus_processes", proc="gateway") == 1, "it is answered")
    Scrape(stack)

    said = [line for line in stack["metrics-agent-0"].log.read_text(encoding="utf-8").splitlines() if "metrics.state_not_kept" in line]
    assert len(said) == 1 and "/nowhere/totals" in said[0]
