"""The declared values of each label of each metric, and the undeclared values in a scrape."""

import functools
import pathlib
import re

from harness.api import routes

ROOT = pathlib.Path(__file__).parents[4]
PROGRAMS = {"gateway", "chat-worker", "sms-worker", "provisioning-worker", "metrics-agent", "simulator"}
NUMBERED = {"@status": re.compile(r"[1-5]\d\d"), "@slot": re.compile(r"\d{1,2}")}
FREE = re.compile(r".+")  # @build: a value that the build sets


@functools.cache
def declared():
    """{(metric, label): the set of values, or a pattern}."""
    rows = re.findall(r'^VALUES\((\w+),\s*(\w+),\s*"([^"]*)"\)', _text("common/telemetry/metric_values.def"), re.MULTILINE)
    names = dict(re.findall(r'^(?:COUNTER|GAUGE|HISTOGRAM)\((\w+),\s*"(\w+)"', _text("common/telemetry/metrics.def"), re.MULTILINE))
    return {(names[metric], label): _values(values) for metric, label, values in rows}


def undeclared(scrape):
    """Series with an undeclared label value."""
    known = declared()
    faults = set()
    for family in scrape.families.values():
        for one in family.series:
            for label, value in one.labels.items():
                if label == "le":
                    continue
                allowed = known.get((family.name, label))
                fits = allowed is not None and (value in allowed if isinstance(allowed, set) else allowed.fullmatch(value))
                if not fits:
                    faults.add(f'{family.name}{{{label}="{value}"}}')
    return sorted(faults)


def _values(text):
    if text == "@build":
        return FREE
    if text in NUMBERED:
        return NUMBERED[text]
    tables = {"@routes": _routes, "@messages": _messages, "@errors": _errors, "@programs": lambda: PROGRAMS,
              "@states": _states, "@batches": _batches}
    return tables[text]() if text in tables else set(text.split())


def _routes():
    return set(re.findall(r"^(?:CALL|STREAM|OWN|LOCAL)\((\w+),", routes.TABLE.read_text(encoding="utf-8"), re.MULTILINE)) | {"none"}


def _messages():
    files = (ROOT / "common/wire/messages").glob("*.def")
    return {name for file in files
            for name in re.findall(r'^MESSAGE\(\w+,\s*\w+,\s*"([^"]+)"', file.read_text(encoding="utf-8"), re.MULTILINE)}


def _errors():
    return set(re.findall(r'^ERROR\(\w+,\s*"(\w+)"', _text("common/base/errors.def"), re.MULTILINE))


def _batches():
    return {name for file in ROOT.glob("*-worker/**/*.c")
            for name in re.findall(r'struct batch_def \w+ = \{\s*\.name = "([^"]+)"', file.read_text(encoding="utf-8"))}


def _states():
    table = re.search(r"states\[\] = \{(.*?)\};", _text("common/io/pg/pg_metrics.c"), re.DOTALL)
    return set(re.findall(r'"(\w+)"', table[1]))


def _text(path):
    return (ROOT / path).read_text(encoding="utf-8")
