"""Administrators who provision contact centers over HTTP."""

import secrets
import uuid

from .people import Caller, new_number

PROVISIONING = "/nexus/v3/provisioning"


class Office(Caller):
    """Provisions one contact center, as the operator of GWS unless a key or a token says otherwise; a contact center that
    nobody knows yet, unless it is named."""

    def __init__(self, stack, ccid=None, key=None, token=None):
        super().__init__(stack, 0)
        self.stack = stack
        self.ccid = ccid or str(uuid.uuid4())
        self.number = new_number()
        self.secret = secrets.token_hex(24)
        stack.private |= {self.number, self.secret}
        self.session.headers.update({"x-api-key": key, "x-ccid": self.ccid} if key else
                                    {"Authorization": f"Bearer {token or stack.gws.token('ops')}"})

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
        return answer.json()["data"]

    # --- keys ---

    def key(self, *permissions, tenant=None, **members):
        """A new key; the answer."""
        answer = self.post("/nexus/v3/apikeys", json={
            "tenant": tenant or self.ccid, "name": f"of a test {uuid.uuid4()}",
            "permissions": list(permissions) or ["nexus:consumer:chat"], **members})
        if answer.status_code == 200:
            self.stack.private.add(answer.json()["id"])
        return answer


def said(answer):
    """What an error says, in whichever form its path has."""
    body = answer.json()
    return body["detail"] if "detail" in body else body["status"]["message"]
