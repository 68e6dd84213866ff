"""A real Prometheus that scrapes a Nexus every second and evaluates our alert rules."""

import json
import pathlib
import re
import shutil

import pytest
import requests

from harness.answers import data_of
from harness.nexus.ports import free_port
from harness.nexus.process import Process
from harness.wait import LONGEST_ANSWER, eventually

MONITORING = pathlib.Path(__file__).parents[4] / "monitoring"
RULES = MONITORING / "rules/nexus.yaml"


class Prometheus(Process):
    def __init__(self, stack):
        if not shutil.which("prometheus"):
            pytest.skip("prometheus")
        self.port = free_port()
        folder = pathlib.Path(stack.folder) / "prometheus"
        folder.mkdir()
        configuration = folder / "prometheus.yml"
        configuration.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "nexus",
                                "static_configs": [{"targets": [f"127.0.0.1:{stack.metrics_port}"]}]}]}))
        super().__init__("prometheus", ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}",
                                        f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], folder)

    def ready(self, within=30.0):
        eventually(lambda: self._ask("/-/ready").status_code == 200, "Prometheus is ready", within)
        eventually(lambda: [float(row["value"][1]) for row in self.query("up")] == [1], "it scrapes", within)
        return self

    def query(self, expression):
        answer = self._ask("/api/v1/query", query=expression).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        return answer["data"]["result"]

    def alerts(self):
        """{name: state} of the alerts that are pending or firing."""
        return {alert["labels"]["alertname"]: alert["state"] for alert in data_of(self._ask("/api/v1/alerts"))["alerts"]}

    def rules(self):
        """{name: health} of every alert rule."""
        groups = data_of(self._ask("/api/v1/rules"))["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _ask(self, path, **parameters):
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{path}", params=parameters, timeout=LONGEST_ANSWER)
        except requests.ConnectionError as refused:
            raise AssertionError(refused) from None


def dashboard_expressions():
    """Every query of every panel, as Grafana sends it if all pods are selected."""
    for file in sorted((MONITORING / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield re.sub(r"\$(namespace|pod|instance)\b", ".*", target["expr"].replace("$__rate_interval", "1m"))


def our_metric_names(text):
    """The names of our metrics in expressions."""
    return set(re.findall(r"\b(?:nexus|iwd)_[a-z0-9_]+\b", re.sub(r'"[^"]*"', "", text)))
