"""The users of Nexus: a tenant, its aggregator, its agents, and the phones of consumers.

Every number and text generated here is marked as private; at the end of a test no log may contain it."""

import itertools
import json
import secrets
import uuid

import requests

from harness.answers import data_of
from harness.wait import LONGEST_ANSWER, eventually

_numbers = itertools.count(secrets.randbelow(10**8))  # runs beside each other begin far apart


def _spare_tenant(stack):
    """The attributes of a tenant that is provisioned and unused. Ten are provisioned at once: to start nexusctl takes longer than many
    of the tests that share a Nexus."""
    if not stack.spare_tenants:
        tenants = [Tenant.__new__(Tenant)._describe(stack) for _ in range(10)]  # pylint: disable=protected-access
        documents = [tenant.document() for tenant in tenants]
        stack.apply({part: [one for document in documents for one in document[part]] for part in ("tenants", "clusterKeys")})
        stack.spare_tenants = tenants
    return vars(stack.spare_tenants.pop())


class Tenant:
    """A contact center with one number, provisioned as by an operator. Its receiver is the simulator, unless a
    webhook_url names another one."""

    def __init__(self, stack, webhook_url=None, headers=None, api_secret=None, **number):
        if stack.is_shared and not (webhook_url or headers or api_secret or number):
            self.__dict__.update(_spare_tenant(stack))
            return
        self._describe(stack, webhook_url, headers, api_secret, number)
        self.apply()

    def _describe(self, stack, webhook_url=None, headers=None, api_secret=None, number=None):
        self.stack = stack
        self.name = f"tenant_{next(_numbers)}_{secrets.token_hex(3)}"
        self.ccid = str(uuid.uuid4())
        self.api_key, self.agent_token, self.cluster_key = (str(uuid.uuid4()) for _ in range(3))
        self.number = new_number()
        self.webhook_secret, self.api_secret = secrets.token_hex(24), api_secret
        self.webhook = {"url": webhook_url or f"{stack.simulator_url}/gateway/{self.number}",
                        "secret": self.webhook_secret}
        self.headers = headers or {}
        self.options = number or {}
        stack.private |= {self.api_key, self.agent_token, self.cluster_key, self.webhook_secret}
        return self

    def apply(self):
        self.stack.apply(self.document())

    def document(self):
        """What nexusctl applies."""
        number = {"address": self.number, "name": "sms", "endpoint": "sales", "webhook": self.webhook,
                  "api": {"secret": self.api_secret} if self.api_secret else None, **self.options}
        self.stack.private |= {self.api_secret} if isinstance(self.api_secret, str) else set(self.api_secret or [])
        return {
            "tenants": [{
                "ccid": self.ccid, "name": self.name,
                "keys": [{"name": "aggregator", "key": self.api_key, "permissions": ["nexus:gateway:sms"]},
                         {"name": "agent", "key": self.agent_token, "permissions": ["nexus:agent:chat"],
                          "capacity": 0}],
                "numbers": [number], "headers": self.headers}],
            "clusterKeys": [{"name": f"cluster of {self.name}", "key": self.cluster_key,
                             "permissions": ["nexus:cluster:*"], "capacity": 0}]}

    def aggregator(self, gateway=0):
        return Aggregator(self, gateway)

    def agent(self, gateway=0):
        return Agent(self, gateway)

    def administrator(self, gateway=0, token=None):
        """The user nexus of this contact center, logged in at GWS."""
        return User(self.stack, gateway, token or self.stack.gws.token("nexus", self.ccid))

    def known_administrator(self):
        """The same after a first request, for which Nexus asked GWS; requests of the next half minute do not wait for GWS."""
        administrator = self.administrator()
        until_accepted(lambda: administrator.get("/nexus/v3/apikeys"))
        return administrator

    def gws_agent(self, number=1, gateway=0):
        """One of the users agent1 to agent9 of this contact center, logged in at GWS."""
        return User(self.stack, gateway, self.stack.gws.token(f"agent{number}", self.ccid))

    def phone(self):
        """A new phone number of a consumer."""
        number = new_number()
        self.stack.private.add(number)
        return number

    def text(self, words="hello"):
        """A unique text."""
        text = f"{words} {secrets.token_hex(6)}"
        self.stack.private.add(text)
        return text


def new_number():
    """+1 555 and eight digits, unique within a run and between runs."""
    return f"+1555{next(_numbers) % 10**8:08d}"


class OutboundMessage:
    """A message that an agent writes to a consumer, and what becomes of it."""

    def __init__(self, tenant, conversation=None, text=None):
        self.tenant = tenant
        self.text = text or tenant.text("outbound")
        self.conversation = conversation or conversation_of(tenant)
        posted = tenant.agent().send(self.conversation, self.text)
        assert posted.status_code == 200, posted.text
        self.id = data_of(posted)["id"]
        self.sequence = data_of(posted)["sequence"]

    @property
    def state(self):
        return next(m["state"] for m in self.tenant.agent().transcript(self.conversation) if m["id"] == self.id)

    def becomes(self, state, within=15.0):
        eventually(lambda: self.state == state, f"the message is {state}", within)
        return self

    @property
    def undelivered(self):
        """Its row among the undelivered messages: (reason, last status, attempts), or None."""
        rows = self.tenant.stack.query(
            "select reason, last_status, attempts from undelivered where message_id = %s", self.id)
        return rows[0] if rows else None


def conversation_of(tenant, phone=None):
    """Posts a text from this phone; the id of the conversation that it opens or continues."""
    posted = tenant.aggregator().message(phone)
    assert posted.status_code == 200, posted.text
    return data_of(posted)["conversationId"]


def until_accepted(post, refusals=(503, 504), within=30.0, other_statuses=()):
    """Repeats a request until it is accepted, as every client must, and returns the answer. Users of GWS need that even if nothing is
    broken: Nexus waits for GWS for half of the deadline, and a busy GWS may not say in time who they are. other_statuses: also accepted."""
    def accepted():
        try:
            answer = post()
        except requests.ConnectionError:
            return None  # the gateway has stopped
        if answer.ok or answer.status_code in other_statuses:
            return [answer]  # in a list, because an answer with an error status is false
        if answer.status_code not in refusals:
            raise ValueError(f"refused with {answer.status_code}: {answer.text}")
        return None

    return eventually(accepted, "it is accepted", within)[0]


class Caller:
    """A client that speaks HTTP to one gateway, on one persistent connection."""

    def __init__(self, stack, gateway):
        self.stack = stack
        self.base = stack.url(gateway)
        self.session = requests.Session()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def request(self, method, path, **options):
        return self.session.request(method, self.base + path, **{"timeout": LONGEST_ANSWER, **options})


class User(Caller):
    """A user who is logged in at GWS."""

    def __init__(self, stack, gateway, token):
        super().__init__(stack, gateway)
        self.token = token
        self.session.headers["Authorization"] = f"Bearer {token}"


class TenantCaller(Caller):
    """A client with a key of the tenant."""

    def __init__(self, tenant, gateway):
        super().__init__(tenant.stack, gateway)
        self.tenant = tenant


class Aggregator(TenantCaller):
    """Posts texts of phones, and receipts."""

    def __init__(self, tenant, gateway):
        super().__init__(tenant, gateway)
        self.session.auth = (tenant.ccid, tenant.api_key)

    def message(self, phone=None, text=None, **fields):
        """Posts one text as a form; a field that is None is left out."""
        form = {"type": "MO", "message_id": uuid.uuid4().hex, "phone_number": phone or self.tenant.phone(),
                "shortcode": self.tenant.number, "message": text or self.tenant.text(), **fields}
        return self.post("/nexus/v3/sms/message", data=form)

    def receipt(self, message_id, state, **fields):
        return self.post("/nexus/v3/sms/receipt",
                         data={"type": "receipt", "message_id": message_id, "message_state": state, **fields})


class Agent(TenantCaller):
    """Reads conversations and writes outbound messages."""

    def __init__(self, tenant, gateway):
        super().__init__(tenant, gateway)
        self.session.headers["Authorization"] = f"Bearer {tenant.agent_token}"

    def conversations(self, **query):
        answer = self.get("/chat/v3/conversations", params=query)
        assert answer.status_code == 200, answer.text
        return data_of(answer)["conversations"]

    def conversation_with(self, phone):
        """The open conversation with this number, or None."""
        return next((c for c in self.conversations() if c["contact"]["address"] == phone), None)

    def transcript(self, conversation, after=0):
        answer = self.get(f"/chat/v3/conversations/{conversation}/messages", params={"after": after})
        assert answer.status_code == 200, answer.text
        return data_of(answer)["messages"]

    def send(self, conversation, text=None, client_id=None, **fields):
        body = {"type": "Text", "text": text or self.tenant.text("outbound"), **fields}
        if client_id:
            body["clientId"] = client_id
        return self.post(f"/chat/v3/conversations/{conversation}/messages", json=body)

    def events(self, last_event_id=None):
        """The event stream, as (id, event, data), until it is closed."""
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        stream = self.session.get(f"{self.base}/chat/v3/events", headers=headers, stream=True, timeout=30)
        assert stream.status_code == 200, stream.text
        return EventStream(stream)


class EventStream:
    def __init__(self, response):
        self.response = response

    def __iter__(self):
        event = {}
        for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
            if line:
                field, _, value = line.partition(":")
                event[field] = value.lstrip(" ")
            elif "data" in event:
                yield event.get("id"), event.get("event", "message"), json.loads(event["data"])
                event = {}

    def close(self):
        self.response.close()
