"""All kinds of callers, and the status that the route table declares for each of them.

    installation = Installation(stack)       two contact centers with keys and users of every kind
    for caller in installation.callers: …
    caller.expected(operation, concerns_us)  the status that the operation's row demands"""

import base64
import dataclasses
import uuid

from harness.people import Tenant

ALL_RIGHTS = ["nexus:*:*"]
OURS, THEIRS, ALL = "ours", "theirs", "all"


def covers(granted, wanted):
    """The rule of permissions, segment by segment: a granted * matches any segment; a wanted * matches only a granted *."""
    have, want = granted.split(":"), wanted.split(":")
    return len(have) == len(want) and all(h in ("*", w) for h, w in zip(have, want))


@dataclasses.dataclass
class Identity:
    """A caller with a secret. of: the contact center that the secret belongs to; names: the ccid that the caller sends, if any."""

    name: str
    secret: str | None = None
    permissions: tuple = ()
    of: str = OURS
    names: str | None = None
    is_valid: bool = True
    is_user: bool = False  # of GWS

    def __str__(self):
        return self.name

    def headers(self, operation, ccid):
        """The headers that identify the caller. BASIC always names a contact center: ccid unless the caller names another."""
        if self.secret is None:
            return {}
        if operation.row["credentials"] == "BASIC":
            pair = base64.b64encode(f"{self.names or ccid}:{self.secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        named = {"x-ccid": self.names} if self.names else {}
        if self.is_user:
            return {"Authorization": f"Bearer {self.secret}", **named}
        return {"x-api-key": self.secret, **named}

    def may(self, operation):
        """Whether it has one of the permissions that allow the operation."""
        return any(covers(granted, wanted) for granted in self.permissions for wanted in operation.row["enough"])

    def expected(self, operation, concerns_us):
        """The status that follows from the row and from whether the request names an object of our contact center."""
        is_basic, tenants = operation.row["credentials"] == "BASIC", operation.row["tenants"]
        is_named = is_basic or self.names
        if not self.is_valid or (is_basic and (self.is_user or self.of == THEIRS)):
            return 401
        if self.of == THEIRS and self.names and not (tenants == "NAMED" and "{ccid}" in operation.path):
            return 401  # it names our contact center and belongs to another
        if not self.may(operation) or (tenants == "PLATFORM" and (self.of != ALL or is_named)):
            return 403
        if self.of == ALL and not is_named and (tenants == "ONE_TENANT" or (tenants == "NAMED" and not self.is_user)):
            return 400
        if self.of == THEIRS and concerns_us:
            return 404
        return operation.success


class Installation:
    """Our contact center and another one of the same Nexus, and callers of every kind."""

    def __init__(self, stack):
        self.stack = stack
        self.ours, self.theirs = Tenant(stack), Tenant(stack)
        self._provision_number()
        self.ours_rights, self.theirs_rights = self._key(self.ours, "all", ALL_RIGHTS), self._key(self.theirs, "all", ALL_RIGHTS)
        self.authorized = Identity("a key with all rights", self.ours_rights, tuple(ALL_RIGHTS))
        self.stranger = Identity("another contact center's key", self.theirs_rights, tuple(ALL_RIGHTS), THEIRS)
        self.callers = [
            self.authorized, self.stranger,
            dataclasses.replace(self.stranger, name="another contact center's key in our name", names=self.ours.ccid),
            Identity("a caller without credentials", is_valid=False),
            Identity("an unknown key", str(uuid.uuid4()), is_valid=False),
            Identity("a malformed key", "x" * 40, is_valid=False),
            self._invalid_key("an expired key", "expires = now() - interval '1 second'"),
            self._invalid_key("a revoked key", "revoked = true"),
            self._invalid_key("a disabled key", "enabled = false"),
            *self._keys_with("nexus:consumer:chat", "nexus:consumer:securemail", "nexus:designer:chat", "nexus:agent:chat",
                        "nexus:gateway:sms", "nexus:campaign:*", "nexus:admin:keys", "nexus:admin:tenants", "nexus:admin:services",
                        "nexus:admin:messages", "nexus:admin:*", "other:admin:*"),
            Identity("a cluster key", self.ours.cluster_key, ("nexus:cluster:*",), ALL),
            Identity("a cluster key for us", self.ours.cluster_key, ("nexus:cluster:*",), ALL, self.ours.ccid),
            self._user("an agent of GWS", "agent1", ("nexus:agent:chat",)),
            self._user("an administrator of GWS", "nexus", ("nexus:admin:*",)),
            self._user("another contact center's administrator", "nexus", ("nexus:admin:*",), THEIRS),
            self._user("an operator", "ops", ("nexus:admin:*",), ALL),
            self._user("an operator for us", "ops", ("nexus:admin:*",), ALL, self.ours.ccid),
        ]

    def _provision_number(self):
        """Stores the number in the documents, too, so that later changes of services and sections do not remove it."""
        self.stack.query("""insert into service (tenant_id, name, data)
                            select id, 'Async', json_build_object('channels', json_build_array(json_build_object(
                                   'channelId', %s, 'webhook', json_build_object('url', %s)))) from tenant where ccid = %s
                                on conflict do nothing""", self.ours.number, self.ours.webhook["url"], self.ours.ccid)
        self.stack.query("""insert into transaction_section (tenant_id, transaction, section, options)
                            select id, 'NexusServices', 'chat.sms', json_build_object('channelId', %s, 'channelType', 'sms',
                                   'endpoint', 'sales', 'provider', 'Async') from tenant where ccid = %s
                                on conflict do nothing""", self.ours.number, self.ours.ccid)

    def _key(self, tenant, name, permissions, changes=None):
        key = str(uuid.uuid4())
        unique = f"{name} {key[:8]}"
        self.stack.private.add(key)
        self.stack.apply({"tenants": [{"ccid": tenant.ccid, "name": tenant.name, "keys": [
            {"name": unique, "key": key, "permissions": ["nexus:consumer:chat"], "capacity": 0}]}]})
        row = self.stack.query("update api_key set permissions = %s where name = %s returning id", permissions, unique)
        assert len(row) == 1
        if changes:
            self.stack.query(f"update api_key set {changes} where id = %s", row[0][0])
        return key

    def _invalid_key(self, name, changes):
        return Identity(name, self._key(self.ours, name, ALL_RIGHTS, changes), is_valid=False)

    def _keys_with(self, *permissions):
        return [Identity(f"a key with {one}", self._key(self.ours, one, [one]), (one,)) for one in permissions]

    def _user(self, name, user, permissions, of=OURS, names=None):
        ccid = {OURS: self.ours.ccid, THEIRS: self.theirs.ccid, ALL: None}[of]
        return Identity(name, self.stack.gws.token(user, ccid), permissions, of, names, is_user=True)


def key_of(tenant, **settings):
    """A key for agents, created over HTTP: (key, its visible prefix)."""
    made = tenant.administrator().post("/nexus/v3/apikeys", json={
        "tenant": tenant.ccid, "name": f"agent {uuid.uuid4()}", "permissions": ["nexus:agent:chat"], "capacity": 0,
        "enabled": True, **settings})
    assert made.status_code == 200, made.text
    key = made.json()["id"]
    tenant.stack.private.add(key)
    return key, key[:13]
