"""Administrators who provision contact centers over HTTP."""

import secrets
import uuid

from harness.answers import data_of
from harness.people import Caller, new_number, until_accepted

PROVISIONING = "/nexus/v3/provisioning"


class Provisioner(Caller):
    """Provisions one contact center over HTTP: a new one, unless a ccid is given. It acts as an operator of GWS, unless a key or
    a token is given."""

    def __init__(self, stack, ccid=None, key=None, token=None):
        super().__init__(stack, 0)
        self.stack = stack
        self.ccid = ccid or str(uuid.uuid4())
        self.number = new_number()
        self.secret = secrets.token_hex(24)
        stack.private |= {self.number, self.secret}
        self.session.headers.update({"x-api-key": key, "x-ccid": self.ccid} if key else
                                    {"Authorization": f"Bearer {token or stack.gws.token('ops')}"})
        if not key:
            # Nexus asks GWS about a new token, with half of the deadline for the answer, and remembers the answer.
            until_accepted(lambda: self.get(f"{PROVISIONING}/tenants", params={"count": 1}))

    # --- services ---

    def service_path(self, name=""):
        return f"{PROVISIONING}/services/{self.ccid}" + (f"/{name}" if name else "")

    def service(self, name, document, method="POST"):
        return self.request(method, self.service_path(name), json=document)

    def gateway(self, url, secret=None, number=None):
        """The service Async with one channel."""
        number = number or self.number
        return self.service("Async", {
            "data": {"channels": [{"channelId": number, "webhook": {"url": url}}]},
            "secret": {"channels": [{"channelId": number, "webhook": {"secret": secret or self.secret}}]}})

    # --- transactions ---

    def section_path(self, section=None, transaction="NexusServices"):
        return f"{PROVISIONING}/transactions/{self.ccid}/{transaction}" + (f"/{section}" if section else "")

    def section(self, section, options, transaction="NexusServices"):
        return self.put(self.section_path(section, transaction), json=options)

    def has_number(self, section="chat.Support", number=None, **options):
        answer = self.section(section, {"channelId": number or self.number, "channelType": "sms", **options})
        assert answer.status_code == 200, answer.text
        return data_of(answer)

    # --- keys ---

    def key(self, *permissions, tenant=None, **members):
        """Creates a key and returns the answer."""
        answer = self.post("/nexus/v3/apikeys", json={
            "tenant": tenant or self.ccid, "name": f"test key {uuid.uuid4()}",
            "permissions": list(permissions) or ["nexus:consumer:chat"], **members})
        if answer.status_code == 200:
            self.stack.private.add(answer.json()["id"])
        return answer


def error_text(answer):
    """The text of an error, in either of the two envelopes."""
    body = answer.json()
    return body["detail"] if "detail" in body else body["status"]["message"]
