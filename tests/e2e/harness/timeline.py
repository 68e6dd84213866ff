"""What Nexus tells of one message: over HTTP, by nexusctl as JSON, and by nexusctl for people. All three are asked, and
none may show a number or a text."""

import json
import re
import urllib.parse

from .people import Caller
from .wait import eventually

NOBODYS = {"waiting", "replayed", "forgotten"}  # steps that no process took: it stands somewhere, or a person did it


class Timeline:
    def __init__(self, tenant, word):
        self.tenant, self.word = tenant, word
        self.data = eventually(self.told_alike, "the message rests, and HTTP and nexusctl tell the same of it")
        self.steps = self.data["steps"]
        assert [step["step"] for step in self.steps if not step["process"] and step["step"] not in NOBODYS] == []
        self.table = self.shown(tenant.stack.nexusctl("explain", word, "--tenant", tenant.ccid).stdout)

    def told_alike(self):
        """What is told of it; nothing where something happened to the message between the two questions."""
        answer = asker(self.tenant).get(path(self.word))
        assert answer.status_code == 200, answer.text
        told = self.tenant.stack.nexusctl("explain", self.word, "--tenant", self.tenant.ccid, "--json").stdout
        data = json.loads(self.shown(answer.text))["data"]
        return data if lasting(json.loads(self.shown(told))) == lasting(data) else None

    def shown(self, text):
        """That text, which shows nothing that it should not."""
        if [secret for secret in {*self.tenant.stack.private, self.tenant.number} if secret in text] or re.search(r"(?<!\d)\+?1555\d{4,}", text):
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


def asker(tenant):
    """Who may read messages of this tenant, by a key for all of them."""
    caller = Caller(tenant.stack, 0)
    caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    return caller


def path(word):
    return f"/nexus/v3/messages/{urllib.parse.quote(word, safe='')}/timeline"


def lasting(data):
    """Without what the time of asking changes."""
    return {**data, "steps": [step for step in data["steps"] if step["step"] != "waiting"]}
