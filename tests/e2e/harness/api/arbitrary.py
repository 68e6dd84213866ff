"""Random requests generated from the OpenAPI document: with values that follow a schema and with values that do not.

    requests_for(operation, ids, bodies)     a Hypothesis strategy of Request

ids: {parameter: values that exist}, so that not every request ends with 404. bodies: valid bodies, for schemas that
say little."""

import dataclasses
import json
import math
import urllib.parse

from hypothesis import strategies as st

TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
NASTY = st.sampled_from(["", "0", "-1", "null", "true", "[]", "{}", "%00", "\0", "a\0b", "'", "\"", "\\", "../..", "é" * 200, "x" * 5000,
                         "9" * 30, "1e400", "2026-02-30", "2026-11-24T00:00:00Z", "99999-01-01", "+15550000000", "*",
                         "00000000-0000-0000-0000-000000000000", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
                         "\r\nx-api-key: 1", "nexus:*:*", "Async", "NexusServices"])
HEADERS = st.one_of(st.sampled_from(["a", "1", "7-1", "0-0", "x" * 300, "é"]), st.uuids().map(str)).map(str.encode)
NUMBERS = st.one_of(st.integers(-2**63, 2**63), st.floats(allow_nan=False, allow_infinity=False), st.just(math.pi))
JSON = st.recursive(st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, NASTY),
                    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=12)


class Values:
    """Strategies for the schemas of one document. They support the part of JSON Schema that the document uses."""

    def __init__(self, api):
        self.api = api

    def of(self, schema):
        """Values that follow the schema."""
        if "$ref" in schema:
            siblings = {name: value for name, value in schema.items() if name != "$ref"}
            whole = self.api.resolved(schema)
            return self.of({**whole, **siblings, "properties": {**whole.get("properties", {}), **siblings.get("properties", {})}})
        if "anyOf" in schema:
            return st.one_of([self.of(one) for one in schema["anyOf"]])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        make = getattr(self, f"_{schema['type']}", None) if "type" in schema else None
        return make(schema) if make else JSON

    def _string(self, schema):
        if schema.get("format") == "uuid":
            return st.uuids().map(str)
        if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        least, most = schema.get("minLength", 0), min(schema.get("maxLength", 60), 60)
        return st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=least, max_size=max(least, most))

    def _integer(self, schema):
        return st.integers(schema.get("minimum", -2**31), schema.get("maximum", 2**31))

    def _boolean(self, _):
        return st.booleans()

    def _array(self, schema):
        return st.lists(self.of(schema.get("items", {})), max_size=5)

    def _object(self, schema):
        members = {name: self.of(one) for name, one in schema.get("properties", {}).items()}
        needed = set(schema.get("required", []))
        for one in schema.get("allOf", []):  # of alternatives, the first
            needed |= set(one["required"] if "required" in one else one["anyOf"][0]["required"])
        if not members:
            return st.dictionaries(TEXTS, st.one_of(TEXTS, JSON), max_size=5)
        return st.fixed_dictionaries({name: members[name] for name in members if name in needed},
                                     optional={name: members[name] for name in members if name not in needed})


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: list
    headers: dict
    body: bytes | None

    def send(self, session, base, headers, **options):
        query = urllib.parse.urlencode(self.query)
        return session.request(self.method, f"{base}{self.path}{'?' if query else ''}{query}", data=self.body,
                               headers={**headers, **self.headers}, timeout=30, allow_redirects=False, **options)


def _with_one_fault(value):
    """A copy of the value in which one part has another value."""
    if isinstance(value, dict) and value:
        return st.sampled_from(sorted(value)).flatmap(lambda name: st.one_of(
            JSON.map(lambda other: {**value, name: other}),
            st.just({key: kept for key, kept in value.items() if key != name}),
            _with_one_fault(value[name]).map(lambda other: {**value, name: other}),
            st.tuples(TEXTS, JSON).map(lambda more: {**value, more[0]: more[1]})))
    if isinstance(value, list) and value:
        return st.integers(0, len(value) - 1).flatmap(
            lambda place: _with_one_fault(value[place]).map(lambda other: [*value[:place], other, *value[place + 1:]]))
    return st.one_of(JSON, NASTY)


def _as_form(value):
    pairs = [(name, one if isinstance(one, str) else json.dumps(one)) for name, one in value.items()]
    return urllib.parse.urlencode(pairs).encode(), "application/x-www-form-urlencoded"


def _as_json(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), "application/json"


def _bodies(values, schema, known):
    """(bytes or None, content type)"""
    good = st.one_of(st.sampled_from(known), values.of(schema)) if known else values.of(schema)
    bad = good.flatmap(_with_one_fault)
    return st.one_of(good.map(_as_json), good.map(_as_json), good.map(_as_form), bad.map(_as_json),
                     bad.map(lambda value: _as_form(value) if isinstance(value, dict) else _as_json(value)),
                     JSON.map(_as_json), st.just((None, None)),
                     st.tuples(st.binary(max_size=60), st.sampled_from(
                         ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])))


def _path_values(name, known):
    segment = st.one_of(TEXTS, NASTY, st.uuids().map(str)).filter(lambda text: text not in ("", ".", ".."))
    return st.one_of(*([st.sampled_from(known)] * 3 if known else []), segment)


@st.composite
def requests_for(draw, operation, ids, bodies=()):
    values = Values(operation.api)
    path, query, headers = operation.path, [], {}
    for parameter in operation.parameters:
        name = parameter["name"]
        if parameter["in"] == "path":
            value = draw(_path_values(name, ids.get(name, [])))
            path = path.replace(f"{{{name}}}", urllib.parse.quote(value, safe="").replace("%2F", "%2f"))
        elif parameter["in"] == "query" and (parameter.get("required") or draw(st.booleans())):
            value = draw(st.one_of(values.of(parameter["schema"]), values.of(parameter["schema"]), NASTY, TEXTS))
            query.append((name, value if isinstance(value, str) else json.dumps(value)))
        elif parameter["in"] == "header" and name != "x-ccid" and draw(st.integers(0, 3)) == 0:
            headers[name] = draw(HEADERS)
    if draw(st.integers(0, 9)) == 0:
        query.append((draw(TEXTS), draw(TEXTS)))
    body, kind = draw(_bodies(values, operation.body, bodies)) if operation.body else (None, None)
    if kind:
        headers["Content-Type"] = kind
    if draw(st.integers(0, 4)) == 0:
        headers["Accept"] = draw(st.sampled_from(["application/problem+json", "text/html", "*/*", ""]))
    return Request(operation.method, path, query, headers, body)
