"""The API as its OpenAPI document describes it, and the check that an answer is what the document promises.

    api = Api.of(binaries)
    api.operations                     all operations
    api.check(method, url, answer)     raises ContractViolation

An undocumented member is as wrong as a missing one: the document declares each of our objects without additional
members."""

import collections
import datetime
import functools
import json
import re
import subprocess
import urllib.parse
import uuid

import jsonschema

ALWAYS_A_DEFECT = {500}  # although it is documented


class ContractViolation(AssertionError):
    """An answer differs from the OpenAPI document."""


formats = jsonschema.FormatChecker(formats=())


@formats.checks("uuid", raises=ValueError)
def _is_uuid(value):
    return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()


@formats.checks("date-time", raises=ValueError)
def _is_time(value):
    return not isinstance(value, str) or datetime.datetime.fromisoformat(value).tzinfo is not None


class Operation:
    """One method of one path."""

    def __init__(self, api, path, method, declared):
        self.api, self.path, self.method, self.declared = api, path, method.upper(), declared
        self.name = declared["operationId"]
        self.row = declared["x-nexus"]  # its row in the route table
        self.parameters = [api.resolved(parameter) for parameter in declared.get("parameters", [])]
        self.responses = {int(status): api.resolved(answer) for status, answer in declared["responses"].items()}
        self.pattern = re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)))
        self._validators = {}

    def __repr__(self):
        return f"{self.method} {self.path}"

    @property
    def body(self):
        """The schema of its body, or None."""
        content = self.declared.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")

    @property
    def needs_body(self):
        return self.declared.get("requestBody", {}).get("required", False)

    @property
    def success(self):
        return min(self.responses)

    @property
    def is_stream(self):
        return "text/event-stream" in self.responses[self.success].get("content", {})

    def path_names(self):
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == "path"]

    def check(self, answer, method):
        """What is wrong with the answer, or None."""
        declared = self.responses.get(answer.status_code)
        if declared is None:
            return "this status is not documented"
        for name, header in declared.get("headers", {}).items():
            if self.api.resolved(header).get("required") and name not in answer.headers:
                return f"the header {name} is missing"
        if method == "HEAD":
            return None
        content = declared.get("content", {})
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        if not content:
            return f"it has a body ({kind}); none is documented" if answer.content else None
        if kind not in content and "*/*" not in content:
            return f"the content type {kind or 'none'!r} is not documented"
        if not kind.endswith("json"):
            return None
        try:
            value = json.loads(answer.content)
        except ValueError as fault:
            return f"not JSON: {fault}"
        return self.fault(value, answer.status_code, kind if kind in content else "*/*")

    def fault(self, value, status, kind):
        """Where a body does not match its schema, or None."""
        key = status, kind
        if key not in self._validators:
            self._validators[key] = self.api.validator(self.responses[status]["content"][kind]["schema"])
        found = jsonschema.exceptions.best_match(self._validators[key].iter_errors(value))
        return found and f"{found.json_path}: {found.message}"


class Api:
    """The OpenAPI document, its operations and checks."""

    def __init__(self, document):
        self.document = document
        self.operations = [Operation(self, path, method, declared)
                           for path, methods in {**document["paths"], **document["x-pages"]}.items()
                           for method, declared in methods.items()]
        self.unknown = self.validator({"$ref": "#/components/schemas/problem"})
        self.unknown_documented = self.validator({"$ref": "#/components/schemas/numeric_error"})
        self._found = {}
        self.seen = collections.Counter()  # (operation, status): how many answers were checked

    @staticmethod
    @functools.cache
    def of(binaries):
        """The document that the gateway of this build serves, generated from the same tables: a running gateway may be about to die."""
        return Api(json.loads(subprocess.run([binaries / "openapi-generator", "json"], check=True, timeout=30, stdout=subprocess.PIPE).stdout))

    def resolved(self, value):
        """The value that a {"$ref": …} refers to."""
        while "$ref" in value:
            found = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value

    def validator(self, schema):
        """A validator of this schema, which may refer to the document's components."""
        return jsonschema.Draft202012Validator({**schema, "components": self.document["components"]},
                                               format_checker=formats)

    def operation(self, method, path):
        """(the operation or None, whether the path has any operation)"""
        key = method, path
        if key not in self._found:
            matching = [operation for operation in self.operations if operation.pattern.fullmatch(path)]
            # A path without a parameter has precedence over one with a parameter.
            matching.sort(key=lambda operation: len(operation.path_names()))
            wanted = "GET" if method == "HEAD" else method
            self._found[key] = next((o for o in matching if o.method == wanted), None), bool(matching)
        return self._found[key]

    def check(self, method, url, answer):
        """Raises ContractViolation unless the document promises this answer."""
        path = urllib.parse.urlsplit(url).path
        operation, path_exists = self.operation(method, path)
        if operation:
            fault = operation.check(answer, method)
            self.seen[operation.name, answer.status_code] += 1
        else:
            fault = self._outside(answer, method, 405 if path_exists else 404)
        if answer.status_code in ALWAYS_A_DEFECT:
            fault = "this is a defect"
        if fault:
            name = operation or f"{method} {path}"
            raise ContractViolation(f"{name} answered {answer.status_code}: {fault}\n{answer.text[:1000]}")

    def _outside(self, answer, method, expected):
        """For a request without an operation: the answer is 404 or 405, or says that the request cannot be read."""
        if answer.status_code not in (expected, 400, 408, 413, 431):
            return f"there is no such operation; the answer must be {expected}"
        if method == "HEAD":
            return None
        # A documented path keeps its envelope even if it does not have the method.
        known = self.unknown_documented if answer.headers["Content-Type"] == "application/json" else self.unknown
        found = jsonschema.exceptions.best_match(known.iter_errors(json.loads(answer.content)))
        return found and f"{found.json_path}: {found.message}"
