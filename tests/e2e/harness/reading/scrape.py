"""The metrics that metrics-agent serves, parsed as by Prometheus: families of series."""

import re
import typing

import requests

from harness.wait import LONGEST_ANSWER

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

_SERIES = re.compile(r'^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*?)\})? (?P<value>\S+)(?: # .*)?$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Series(typing.NamedTuple):
    name: str       # with _bucket, _sum, _count
    labels: dict
    value: float

    @property
    def key(self):
        return self.name, *sorted(self.labels.items())


class Family(typing.NamedTuple):
    name: str
    kind: str
    series: list

    def label_names(self):
        """The label names of all its series, including le of the buckets."""
        return {label for one in self.series for label in one.labels}


class Scrape:
    def __init__(self, stack, accept="text/plain; version=0.0.4"):
        answer = requests.get(f"http://127.0.0.1:{stack.metrics_port}/metrics", headers={"Accept": accept}, timeout=LONGEST_ANSWER)
        answer.raise_for_status()
        self.content_type, self.text = answer.headers["Content-Type"], answer.text
        self.families = {}
        for line in self.text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:4]
                assert name not in self.families, f"{name} comes twice"
                family = self.families[name] = Family(name, kind, [])
            elif not line.startswith("#"):
                family.series.append(_series(line))

    def series(self):
        return [one for family in self.families.values() for one in family.series]

    def counters(self):
        """{series: value} of all that never decrease: counters, and the buckets, sums and counts of histograms."""
        return {one.key: one.value for family in self.families.values() if family.kind in ("counter", "histogram")
                for one in family.series}


def _series(line):
    match = _SERIES.match(line)
    assert match, f"not a series: {line}"
    return Series(match["name"], dict(_LABEL.findall(match["labels"] or "")), float(match["value"]))
