"""What Nexus tells of one message: over HTTP, by nexusctl as JSON, and by nexusctl for people. All three are asked, and
none may show a number or a text."""

import json
import re
import urllib.parse

from .people import Caller


class Timeline:
    def __init__(self, tenant, word):
        answer = asker(tenant).get(path(word))
        assert answer.status_code == 200, answer.text
        self.data = answer.json()["data"]
        self.steps = self.data["steps"]
        told = tenant.stack.nexusctl("explain", word, "--tenant", tenant.ccid, "--json").stdout
        self.table = tenant.stack.nexusctl("explain", word, "--tenant", tenant.ccid).stdout
        assert lasting(json.loads(told)) == lasting(self.data)
        for text in (answer.text, told, self.table):
            assert [secret for secret in {*tenant.stack.private, tenant.number} if secret in text] == []
            assert re.findall(r"\+?1555\d+", text) == []

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
