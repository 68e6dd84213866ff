"""The timeline of one message: over HTTP, from nexusctl as JSON, and from nexusctl as a table. All three are read, and none
may show a number or a text."""

import json
import re
import urllib.parse

from harness.people import Caller
from harness.wait import eventually

A_NUMBER = re.compile(r"(?<![0-9a-f-])\+?1555\d{4,}(?![0-9a-f-])")  # not in the middle of an id, whose random digits may be the same
WITHOUT_PROCESS = {"waiting", "replayed", "forgotten"}  # steps that no process took


class Timeline:
    def __init__(self, tenant, word):
        self.tenant, self.word = tenant, word
        self.data = eventually(self.same_from_both, "HTTP and nexusctl show the same timeline")
        self.steps = self.data["steps"]
        assert [step["step"] for step in self.steps if not step["process"] and step["step"] not in WITHOUT_PROCESS] == []
        self.table = self.shown(tenant.stack.nexusctl("explain", word, "--tenant", tenant.ccid).stdout)

    def same_from_both(self):
        """The timeline, or None if the two requests got different ones because something happened in between."""
        answer = timeline_reader(self.tenant).get(path(self.word))
        assert answer.status_code == 200, answer.text
        printed = self.tenant.stack.nexusctl("explain", self.word, "--tenant", self.tenant.ccid, "--json").stdout
        data = json.loads(self.shown(answer.text))["data"]
        return data if without_waiting(json.loads(self.shown(printed))) == without_waiting(data) else None

    def shown(self, text):
        """Returns the text after the check that it shows nothing private."""
        words = {*self.tenant.stack.private, self.tenant.number}
        words |= {word[1:] for word in words if re.fullmatch(r"\+1555\d{8,}", word)}
        if [secret for secret in words if secret in text] or A_NUMBER.search(text):
            raise RuntimeError(f"this shows what is private: {text}")
        return text

    @property
    def names(self):
        return [step["step"] for step in self.steps]

    @property
    def message(self):
        (match,) = self.data["matches"]
        return match["message"]

    def all(self, name):
        return [step for step in self.steps if step["step"] == name]

    def one(self, name):
        (step,) = self.all(name)
        return step


def timeline_reader(tenant, gateway=0):
    """A client that may read messages of this tenant, with a cluster key."""
    caller = Caller(tenant.stack, gateway)
    caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    return caller


def path(word):
    return f"/nexus/v3/messages/{urllib.parse.quote(word, safe='')}/timeline"


def without_waiting(data):
    """The timeline without the step that depends on the time of the request."""
    return {**data, "steps": [step for step in data["steps"] if step["step"] != "waiting"]}
