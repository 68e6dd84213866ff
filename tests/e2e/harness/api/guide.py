"""The curl commands of the administrator's guide, run unchanged by a shell that has the guide's variables."""

import json
import os
import re
import subprocess


class Terminal:
    """A shell with the variables of the guide: gwsAdminName, authURL, ccId and so on."""

    def __init__(self, **variables):
        self.variables = variables

    def set(self, **variables):
        self.variables.update(variables)

    def run(self, command):
        """The status of the answer, and its body as the screen would show it."""
        done = subprocess.run(["bash", "-c", f"curl() {{ command curl --silent --max-time 30 --write-out '\\n%{{http_code}}' \"$@\"; }}\n{command}"],
                              env={"PATH": os.environ["PATH"], **self.variables}, capture_output=True, text=True, timeout=120,
                              check=False)
        assert done.returncode == 0, f"{command}\nexited with {done.returncode}: {done.stderr}"
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def expect(self, command, response):
        """Runs the command. Its answer must be 200 with JSON that has exactly the members and constants of the response; a
        function in the response stands for a value that varies. Returns the answer."""
        status, body = self.run(command)
        assert status == 200, f"{command}\nreturned {status}: {body}"
        answer = json.loads(body)
        fault = difference(answer, response)
        assert not fault, f"{command}\nreturned {body}\n{fault}"
        return answer


def difference(answer, wanted, where="answer"):
    """The first difference from the wanted answer, or None."""
    if isinstance(wanted, dict):
        if not isinstance(answer, dict) or list(answer) != list(wanted):
            return f"{where} must have the members {list(wanted)} in this order"
        return next(filter(None, (difference(answer[name], wanted[name], f"{where}.{name}") for name in wanted)), None)
    if isinstance(wanted, list):
        if not isinstance(answer, list) or len(answer) != len(wanted):
            return f"{where} is not a list of {len(wanted)}"
        return next(filter(None, (difference(a, w, f"{where}[{i}]") for i, (a, w) in enumerate(zip(answer, wanted)))), None)
    if callable(wanted):
        return None if wanted(answer) else f"{where} is not {wanted.__name__}"
    return None if answer == wanted and type(answer) is type(wanted) else f"{where} is not {wanted!r}"


def an_id(value):
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)


def a_time(value):
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value)


def an_object(value):
    return isinstance(value, dict)
