#!/usr/bin/python3
"""Writes the dashboards beside this file, or into a folder: make.py [FOLDER]. A dashboard is a list of rows, a row is a list of panels,
and a panel has a title, a unit and queries. Every query is limited to the namespace, pod and instance chosen at the top; "All" chooses
every series, also series without such a label. The description of a panel is its text here, followed by the text of each of its
metrics in common/telemetry/metrics.def. The uid of a dashboard is its name for links and provisioning, and never changes."""

import json
import pathlib
import re
import sys

PODS = 'namespace=~"$namespace", pod=~"$pod", instance=~"$instance"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 8
TABLE = (pathlib.Path(__file__).parents[2] / "common/telemetry/metrics.def").read_text()
HELP = dict(re.findall(r'^(?:COUNTER|GAUGE|HISTOGRAM)\(\w+,\s*"(\w+)".*"([^"]+)"\)$', TABLE, re.M))


# --- queries ----------------------------------------------------------------------------------

def rate(metric, *by, where=""):
    """How much a counter grows in a second."""
    return query(f"sum{grouped(by)} (rate({series(metric, where)}[$__rate_interval]))", by, metric)


def value(metric, *by, where="", how="sum"):
    """The value of a gauge."""
    return query(f"{how}{grouped(by)} ({series(metric, where)})", by, metric)


def quantiles(histogram, *by, of=(0.5, 0.99)):
    """A query for each quantile."""
    def one(q):
        buckets = f"sum{grouped((*by, 'le'))} (rate({series(histogram + '_bucket')}[$__rate_interval]))"
        return query(f"histogram_quantile({q}, {buckets})", by, f"p{q * 100:g}")

    return [one(q) for q in of]


def query(expression, by=(), name=""):
    """Its legend is made of labels; the name is added if a panel has several queries, or if there are no labels."""
    return {"expression": expression, "labels": " ".join(f"{{{{{label}}}}}" for label in by), "name": name.removeprefix("nexus_")}


def grouped(by):
    return f" by ({', '.join(by)})" if by else ""


def series(metric, where=""):
    return f"{metric}{{{', '.join(part for part in (PODS, where) if part)}}}"


# --- panels -----------------------------------------------------------------------------------

def graph(title, unit, *queries, about="", stack=False):
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never",
              "stacking": {"mode": "normal" if stack else "none", "group": "A"}}
    return panel("timeseries", title, unit, queries, about, custom=custom,
                 options={"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}})


def stat(title, unit, number, *steps, about=""):
    """One number; steps are (from this value on, colour)."""
    return panel("stat", title, unit, [number], about, thresholds=steps or ((None, "blue"),),
                 options={"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "area"})


def table(title, rows, about=""):
    made = panel("table", title, "none", [rows], about, options={"showHeader": True})
    made["targets"][0] |= {"format": "table", "instant": True}
    return made


def panel(kind, title, unit, queries, about, options, custom=None, thresholds=((None, "green"),)):
    flat = [one for entry in queries for one in (entry if isinstance(entry, list) else [entry])]
    return {
        "type": kind, "title": title, "description": described(about, flat), "datasource": SOURCE,
        "fieldConfig": {"overrides": [], "defaults": {
            "unit": unit, "custom": custom or {},
            "thresholds": {"mode": "absolute", "steps": [{"value": at, "color": colour} for at, colour in thresholds]}}},
        "options": options,
        "targets": [{"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": one["expression"],
                     "legendFormat": legend(one, len(flat) > 1)} for number, one in enumerate(flat)]}


def described(about, queries):
    names = dict.fromkeys(name for one in queries for name in re.findall(r"\b(?:nexus|iwd)_\w+", one["expression"]))
    metrics = dict.fromkeys(re.sub(r"_(?:bucket|sum|count)$", "", name) if name not in HELP else name for name in names)
    return "\n\n".join(filter(None, [about, *(f"`{name}`: {HELP[name]}" for name in metrics)]))


def legend(one, is_of_several):
    return one["labels"] if one["labels"] and not is_of_several else f"{one['labels']} {one['name']}".strip()


def dashboard(title, about, *rows):
    panels, top = [], 0
    for name, *row in rows:
        panels.append({"type": "row", "title": name, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top}})
        top += 1
        height = 4 if all(entry["type"] == "stat" for entry in row) else HEIGHT
        for number, entry in enumerate(row):
            width = WIDTH // len(row)
            panels.append({**entry, "gridPos": {"h": height, "w": width, "x": number * width, "y": top}})
        top += height
    for number, entry in enumerate(panels, 1):
        entry["id"] = number
    return {"uid": None, "title": f"Nexus / {title}", "description": about, "tags": ["nexus"], "editable": True, "graphTooltip": 1,
            "schemaVersion": 37, "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
            "templating": {"list": variables()}, "panels": panels,
            "links": [{"type": "dashboards", "title": "Nexus", "tags": ["nexus"], "asDropdown": True, "keepTime": True,
                       "includeVars": True}]}


def variables():
    def label(name, where):
        values = f"label_values(nexus_build_info{{{where}}}, {name})"
        return {"name": name, "label": name, "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1, "multi": True,
                "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
                "definition": values, "query": {"query": values, "refId": name}}

    return [{"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus", "refresh": 1},
            label("namespace", ""), label("pod", 'namespace=~"$namespace"'),
            label("instance", 'namespace=~"$namespace", pod=~"$pod"')]


GOOD_IF_0 = ((None, "green"), (1, "red"))
GOOD_IF_1 = ((None, "red"), (1, "green"))
SECONDS_LATE = ((None, "green"), (60, "orange"), (300, "red"))

# --- the dashboards ---------------------------------------------------------------------------

OVERVIEW = dashboard(
    "Overview", "Does everything work, and if not, which part fails?",
    ("Now",
     stat("Requests that fail", "percentunit",
          query(f"sum(rate({series('nexus_errors_total')}[$__rate_interval]))"
                f" / sum(rate({series('nexus_request_total')}[$__rate_interval]))"), (None, "green"), (0.05, "orange"), (0.2, "red"), about="Ended with 5xx. More than 20 % for 15 minutes is an alert."),
     stat("Ledger", "none", query(f"max(abs({series('nexus_ledger_imbalance')}))"), *GOOD_IF_0,
          about="Accepted messages minus the sum of their states. Any other number than 0 is a defect."),
     stat("PostgreSQL", "bool_yes_no", value("nexus_db_ready", how="min"), *GOOD_IF_1, about="Can every process reach PostgreSQL?"),
     stat("Redis", "none", value("nexus_redis_connections_ready"), *GOOD_IF_1,
          about="Gateways that reach Redis. Without it each applies its own share of a rate limit."),
     stat("Oldest due message", "s", value("nexus_queue_oldest_age_seconds", where='queue="deliveries"', how="max"), *SECONDS_LATE),
     stat("Processes", "none", value("nexus_processes"))),
    ("Requests",
     graph("Requests", "reqps", rate("nexus_http_requests_total", "route"), stack=True),
     graph("Answers", "reqps", rate("nexus_http_requests_total", "code"), stack=True),
     graph("Time to the answer", "s", quantiles("nexus_http_request_duration_seconds"))),
    ("Refused and failed",
     graph("Refused to protect other requests", "reqps", rate("nexus_shed_total", "reason"),
           about="unavailable: no worker or no database. busy: no credit left. rate: a key's limit."),
     graph("Errors", "reqps", rate("nexus_errors_total"), about="5xx that Nexus answers."),
     graph("In flight", "none", value("nexus_http_inflight"), value("nexus_connections", "state"))),
    ("Messages",
     graph("Messages", "mps", rate("nexus_messages_total", "channel", "direction", "outcome")),
     graph("Stages, 99th percentile", "s", quantiles("nexus_stage_duration_seconds", "stage", of=(0.99,))),
     graph("Waiting", "none", value("nexus_queue_depth", "queue", how="max"))),
    ("Resources", graph("Workers", "none", value("nexus_workers", "service", how="max")),
     graph("Memory", "bytes", value("nexus_process_resident_memory_bytes", "instance")),
     graph("CPU", "none", rate("nexus_process_cpu_seconds_total", "instance"), about="Cores.")))

DELIVERY = dashboard(
    "Delivery and destinations", "Messages to consumers.",
    ("Queues",
     graph("Depth", "none", value("nexus_queue_depth", "queue", how="max")),
     graph("Age of the oldest", "s", value("nexus_queue_oldest_age_seconds", "queue", how="max")),
     graph("In flight", "none", value("nexus_inflight", "stage"))),
    ("Attempts",
     graph("Outcomes", "ops", rate("nexus_deliveries_total", "outcome"), stack=True),
     graph("Answers of destinations", "reqps", rate("nexus_webhook_attempts_total", "channel", "class"), stack=True),
     graph("Time until a destination answers", "s", quantiles("nexus_webhook_duration_seconds"))),
    ("Failures",
     graph("Sent again later", "ops", rate("nexus_retries_total", "class")),
     graph("Destinations by breaker", "none", value("nexus_breaker_destinations", "state", how="max")),
     graph("Failed for good", "ops", rate("nexus_undelivered_total", "reason"), rate("nexus_replayed_total"),
           about="Messages that failed for good, and messages that somebody replayed.")),
    ("Stages",
     graph("Median", "s", quantiles("nexus_stage_duration_seconds", "stage", of=(0.5,))),
     graph("99th percentile", "s", quantiles("nexus_stage_duration_seconds", "stage", of=(0.99,)))),
    ("Receipts and repetitions",
     graph("Receipts", "ops", rate("nexus_receipts_total", "outcome")),
     graph("Repetitions recognised", "ops", rate("nexus_duplicates_total", "where")),
     graph("Leases", "ops", rate("nexus_lease_expired_total"), rate("nexus_fenced_completions_total"),
           about="Claimed again because a lease ended; outcomes that came too late.")))

WORKERS = dashboard(
    "Workers and bus", "From the gateways to PostgreSQL.",
    ("Bus",
     graph("Workers", "none", value("nexus_workers", "service", how="max")),
     graph("Credit", "none", value("nexus_credit_available", "service"), about="Requests that the workers would accept now."),
     graph("Sent again", "ops", rate("nexus_bus_resent_total", "service"), rate("nexus_bus_peers_dropped_total", "reason"))),
    ("Work",
     graph("Messages handled", "ops", rate("nexus_tasks_total", "message"), stack=True),
     graph("Results", "ops", rate("nexus_tasks_total", "outcome")),
     graph("Rows in a batch", "none", quantiles("nexus_batch_rows", "batch")),
     graph("Time to commit", "s", quantiles("nexus_commit_duration_seconds", "batch"))),
    ("PostgreSQL",
     graph("Statements", "ops", rate("nexus_db_request_total", "db"), rate("nexus_db_success_total", "command")),
     graph("Errors", "ops", rate("nexus_db_errors_total", "code")),
     graph("Duration", "s", quantiles("nexus_db_request_duration_seconds", "method")),
     graph("Connections", "none", value("nexus_db_connections", "state"))),
    ("PostgreSQL's vacuum and pool",
     graph("Oldest snapshot", "s", value("nexus_db_oldest_xmin_age_seconds", how="max"),
           about="While it exists, PostgreSQL cannot remove deleted rows of the queue."),
     graph("Dead rows in the queue", "none", value("nexus_delivery_dead_tuples", how="max")),
     graph("Taken from the pool", "ops", rate("nexus_db_connect_total", "db"), rate("nexus_db_disconnect_total", "db"))),
    ("Processes",
     graph("Processes", "none", value("nexus_processes", "proc")),
     graph("Restarts", "none",
           query(f"sum by (proc, reason) (increase({series('nexus_worker_restarts_total')}[15m]))", ("proc", "reason")),
           about="Within 15 minutes."),
     graph("Time since the last report", "s", value("nexus_proc_tick_age_seconds", "proc", "slot", how="max"))))

RUNTIME = dashboard(
    "Runtime", "Memory, CPU and event loops of the processes, each and together.",
    ("Each process",
     graph("Memory", "bytes", value("nexus_proc_resident_memory_bytes", "proc", "slot")),
     graph("CPU", "none", rate("nexus_proc_cpu_seconds_total", "proc", "slot"), about="Cores."),
     graph("Open descriptors", "none", value("nexus_proc_open_fds", "proc", "slot"))),
    ("Event loops",
     graph("Lag, 99th percentile", "s", quantiles("nexus_loop_lag_seconds", "proc", of=(0.99,))),
     graph("Worst within 15 s", "s", value("nexus_proc_loop_lag_seconds", "proc", "slot", how="max"),
           value("nexus_nodejs_eventloop_lag_seconds", how="max")),
     graph("Age", "s", query(f"time() - max by (proc, slot) ({series('nexus_proc_start_time_seconds')})", ("proc", "slot")))),
    ("Pods",
     graph("Memory", "bytes", value("nexus_process_resident_memory_bytes", "instance"),
           value("nexus_process_heap_bytes", "instance"), value("nexus_process_virtual_memory_bytes", "instance")),
     graph("CPU", "none", rate("nexus_process_cpu_seconds_total", "instance"),
           rate("nexus_process_cpu_user_seconds_total", "instance"), rate("nexus_process_cpu_system_seconds_total", "instance")),
     graph("Descriptors", "none", value("nexus_process_open_fds", "instance"), value("nexus_process_max_fds", "instance", how="min"))),
    ("Redis",
     graph("Connections", "none", value("nexus_redis_connections_established"), value("nexus_redis_connections_ready"),
           value("nexus_redis_connections_reconnecting")),
     graph("Time until ready", "ms", quantiles("nexus_redis_duration_until_ready")),
     graph("Errors, and where rates are limited", "ops", rate("nexus_redis_errors_total"), rate("nexus_rate_decisions_total", "by"))),
    ("Compatibility",
     graph("Handles", "none", value("nexus_nodejs_active_handles", "type"), stack=True),
     graph("Requests", "none", value("nexus_nodejs_active_requests", "type"), stack=True),
     graph("Heap", "bytes", value("nexus_nodejs_heap_space_size_used_bytes", "space"),
           value("nexus_nodejs_heap_space_size_available_bytes", "space"), stack=True)),
    ("Lost data, and builds",
     graph("Log lines and observations dropped", "ops", rate("nexus_log_dropped_total"), rate("nexus_metric_series_overflow_total")),
     table("Builds", value("nexus_build_info", "instance", "version", "revision", how="max"))))

FILES = {"overview": OVERVIEW, "delivery": DELIVERY, "workers": WORKERS, "runtime": RUNTIME}

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for file, content in FILES.items():
        (folder / f"{file}.json").write_text(json.dumps({**content, "uid": f"nexus-{file}"}, indent=2) + "\n")
