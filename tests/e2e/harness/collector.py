"""A trace collector that speaks OTLP/HTTP in JSON, and believes nothing: every request is held against OpenTelemetry's own
protocol definitions (tests/e2e/otlp). It answers as a test says."""

import base64
import collections
import functools
import http.server
import json
import pathlib
import re
import subprocess
import tempfile
import threading

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from .wait import eventually

DEFINITIONS = pathlib.Path(__file__).parents[1] / "otlp"
SERVICE = "opentelemetry/proto/collector/trace/v1/trace_service.proto"
REQUEST = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest"
HEX_IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
NUMBERS_OF_64_BITS = {"startTimeUnixNano", "endTimeUnixNano", "intValue"}


@functools.cache
def request_type():
    """The class of the request message, made of the definitions."""
    with tempfile.NamedTemporaryFile() as compiled:
        subprocess.run(["protoc", f"--proto_path={DEFINITIONS}", "--include_imports",
                        f"--descriptor_set_out={compiled.name}", SERVICE], check=True, timeout=60)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(compiled.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(REQUEST))


def validated(body):
    """The request in a body, or a ValueError that says what is not as OTLP has it."""
    parsed = json.loads(body)
    json_format.ParseDict(_as_protobuf_json(parsed), request_type()(), ignore_unknown_fields=False)
    return parsed


def _as_protobuf_json(value, name=""):
    """OTLP writes ids in hex where Protobuf's JSON wants base64, and is stricter than Protobuf about the rest."""
    if isinstance(value, dict):
        for key in value:
            if "_" in key:
                raise ValueError(f"{key} is not in lowerCamelCase")
        return {key: _as_protobuf_json(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_protobuf_json(item, name) for item in value]
    if name in HEX_IDS:
        if not re.fullmatch(f"[0-9a-f]{{{HEX_IDS[name]}}}", value) or set(value) == {"0"}:
            raise ValueError(f"{name} is {value!r}, not {HEX_IDS[name]} hex digits")
        return base64.b64encode(bytes.fromhex(value)).decode()
    if name in NUMBERS_OF_64_BITS and not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: a number of 64 bits is a string")
    return value


class Span:
    """One span as it was exported, with the process that it is of."""

    def __init__(self, fields, resource):
        self.fields = fields
        self.name = fields["name"]
        self.trace, self.id = fields["traceId"], fields["spanId"]
        self.parent = fields.get("parentSpanId")
        self.links = [(link["traceId"], link["spanId"]) for link in fields.get("links", [])]
        self.failed = fields.get("status", {}).get("code") == 2
        self.started, self.ended = int(fields["startTimeUnixNano"]), int(fields["endTimeUnixNano"])
        self.says = {item["key"]: int(item["value"]["intValue"]) if "intValue" in item["value"] else
                     item["value"]["stringValue"] for item in fields["attributes"]}
        self.process = resource["service.instance.id"].split("@")[0]

    def __repr__(self):
        return f"<{self.name} {self.id} of {self.process}, parent {self.parent}, links {self.links}, {self.says}>"


class Collector:
    """url is what NEXUS_OTLP_ENDPOINT takes. answers: what the next requests get, in turn: (status, headers, body); after
    those, 200. While hold is set requests wait for release()."""

    def __init__(self):
        self.requests = []  # (path, headers, bytes, status)
        self.problems = []
        self.answers = collections.deque()
        self._spans = []
        self._lock = threading.Lock()
        self._go = threading.Event()
        self._go.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold(self):
        self._go.clear()

    def release(self):
        self._go.set()

    def close(self):
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace=None, name=None):
        """Those of requests that were answered with 200, each once."""
        with self._lock:
            return [span for span in self._spans if trace in (None, span.trace) and name in (None, span.name)]

    def wait_for(self, trace, names, within=15.0):
        """The trace's spans once each of these names is among them."""
        def all_there():
            spans = self.spans(trace)
            missing = set(names) - {span.name for span in spans}
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
            except (ValueError, KeyError, json_format.ParseError) as wrong:
                self.problems.append(f"{wrong}: {body[:2000]}")
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(reply), **headers}.items():
                handler.send_header(name, str(value))
            handler.end_headers()
            handler.wfile.write(reply.encode())
        except ConnectionError:
            pass  # who asked did not wait so long

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
