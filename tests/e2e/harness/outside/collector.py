"""A trace collector that speaks OTLP/HTTP in JSON and validates every request against the protocol
(tests/e2e/otlp_traces.schema.json). Tests set its answers."""

import collections
import json
import pathlib
import threading

import jsonschema

from harness.outside.http_server import Server, answer
from harness.wait import eventually

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((pathlib.Path(__file__).parents[2] / "otlp_traces.schema.json").read_text()))


def validated(body):
    """The request in a body, or a ValueError that names what OTLP does not allow."""
    parsed = json.loads(body)
    fault = jsonschema.exceptions.best_match(SCHEMA.iter_errors(parsed))
    if fault:
        raise ValueError(f"{fault.json_path}: {fault.message}")
    return parsed


class Span:
    """One span as it was exported, with the name of its process."""

    def __init__(self, fields, resource):
        self.fields = fields
        self.name = fields["name"]
        self.trace, self.id = fields["traceId"], fields["spanId"]
        self.parent = fields.get("parentSpanId")
        self.links = [(link["traceId"], link["spanId"]) for link in fields.get("links", [])]
        self.failed = fields.get("status", {}).get("code") == 2
        self.started, self.ended = int(fields["startTimeUnixNano"]), int(fields["endTimeUnixNano"])
        self.attributes = {item["key"]: int(item["value"]["intValue"]) if "intValue" in item["value"] else
                     item["value"]["stringValue"] for item in fields["attributes"]}
        self.process = resource["service.instance.id"].split("@")[0]

    def __repr__(self):
        return f"<{self.name} {self.id} of {self.process}, parent {self.parent}, links {self.links}, {self.attributes}>"


class Collector:
    """url is the value for NEXUS_OTLP_ENDPOINT. answers: (status, headers, body) for each of the next requests; later ones get
    200. After hold() requests wait for release()."""

    def __init__(self):
        self.requests = []  # (path, headers, bytes, status)
        self.problems = []
        self.answers = collections.deque()
        self._spans = []
        self._lock = threading.Lock()
        self._go = threading.Event()
        self._go.set()
        self._server = Server(self._take)
        self.url = self._server.url

    def hold(self):
        self._go.clear()

    def release(self):
        self._go.set()

    def close(self):
        self.release()
        self._server.close()

    def spans(self, trace=None, name=None):
        """The spans of requests that were answered with 200."""
        with self._lock:
            return [span for span in self._spans if trace in (None, span.trace) and name in (None, span.name)]

    def wait_for(self, trace, names, within=15.0):
        """Waits until the trace has a span with each of these names, and returns its spans. Spans of caller.lookup do not count."""
        def all_there():
            spans = self.spans(trace)
            missing = set(names) - {span.name for span in spans if span.attributes.get("nexus.message") != "caller.lookup"}
            assert not missing, f"there is no {', '.join(sorted(missing))} among {spans}"
            return spans

        return eventually(all_there, f"the spans of {trace}", within)

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self._go.wait(30)
        with self._lock:
            status, headers, reply = self.answers.popleft() if self.answers else (200, {}, "{}")
            self.requests.append((handler.path, dict(handler.headers), body, status))
            try:
                self._keep(handler, body, status)
            except (ValueError, KeyError) as wrong:
                self.problems.append(f"{wrong}: {body[:2000]}")
        answer(handler, status, headers, reply)

    def _keep(self, handler, body, status):
        if handler.path != "/v1/traces" or handler.headers["Content-Type"] != "application/json":
            raise ValueError(f"{handler.path} with {handler.headers['Content-Type']}")
        for of_process in validated(body)["resourceSpans"]:
            resource = {item["key"]: item["value"]["stringValue"] for item in of_process["resource"]["attributes"]}
            for scope in of_process["scopeSpans"]:
                for fields in scope["spans"]:
                    span = Span(fields, resource)
                    if span.ended < span.started:
                        raise ValueError(f"{span} ended before it began")
                    if status == 200:
                        self._spans.append(span)
