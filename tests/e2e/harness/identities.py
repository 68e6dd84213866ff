"""Everybody who may knock at a gateway, and what the route table says that each of them gets.

    town = Town(stack)                       two contact centers and all their keys and users
    for who in town.everybody: …
    who.expected(operation, request)         the status that the operation's row demands"""

import base64
import dataclasses
import uuid

from .people import Tenant

ALL_RIGHTS = ["nexus:*:*"]
OURS, THEIRS, ALL = "ours", "theirs", "all"


def covers(granted, wanted):
    """The rule of permissions: segment by segment, * stands for any; of the wanted one only for itself."""
    have, want = granted.split(":"), wanted.split(":")
    return len(have) == len(want) and all(h in ("*", w) for h, w in zip(have, want))


@dataclasses.dataclass
class Identity:
    """Somebody with a secret. of: whose contact center it belongs to; names: the ccid it says itself, if any."""

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
        """How it asks; ccid is the contact center whose door it is, which BASIC always names."""
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
        """Does it have one of the permissions that are enough?"""
        return any(covers(granted, wanted) for granted in self.permissions for wanted in operation.row["enough"])

    def expected(self, operation, concerns_us):
        """The status: what stands in the row, and whether the request names something of our contact center."""
        basic, tenants = operation.row["credentials"] == "BASIC", operation.row["tenants"]
        is_named = basic or self.names
        if not self.is_valid or (basic and (self.is_user or self.of == THEIRS)):
            return 401
        if self.of == THEIRS and self.names and not (tenants == "NAMED" and "{ccid}" in operation.path):
            return 401  # in our name, which is not theirs
        if not self.may(operation) or (tenants == "PLATFORM" and (self.of != ALL or is_named)):
            return 403
        if self.of == ALL and not is_named and (tenants == "ONE_TENANT" or (tenants == "NAMED" and not self.is_user)):
            return 400
        if self.of == THEIRS and concerns_us:
            return 404
        return operation.success


class Town:
    """Our contact center and another one on the same Nexus."""

    def __init__(self, stack):
        self.stack = stack
        self.ours, self.theirs = Tenant(stack), Tenant(stack)
        self._provision_number()
        self.ours_rights, self.theirs_rights = self._key(self.ours, "all", ALL_RIGHTS), self._key(self.theirs, "all", ALL_RIGHTS)
        self.right = Identity("a key with all rights", self.ours_rights, tuple(ALL_RIGHTS))
        self.stranger = Identity("another contact center's key", self.theirs_rights, tuple(ALL_RIGHTS), THEIRS)
        self.everybody = [
            self.right, self.stranger,
            dataclasses.replace(self.stranger, name="another contact center's key in our name", names=self.ours.ccid),
            Identity("nobody", is_valid=False),
            Identity("a key that nobody made", str(uuid.uuid4()), is_valid=False),
            Identity("what is no key at all", "x" * 40, is_valid=False),
            self._spoiled("an expired key", "expires = now() - interval '1 second'"),
            self._spoiled("a revoked key", "revoked = true"),
            self._spoiled("a disabled key", "enabled = false"),
            *self._with("nexus:consumer:chat", "nexus:consumer:securemail", "nexus:designer:chat", "nexus:agent:chat",
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
        """What is provisioned later leaves numbers alone that services and sections ask for."""
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
        self.stack.private.add(key)
        self.stack.apply({"tenants": [{"ccid": tenant.ccid, "name": tenant.name, "keys": [
            {"name": f"{name} {key[:4]}", "key": key, "permissions": ["nexus:consumer:chat"], "capacity": 0}]}]})
        row = self.stack.query("update api_key set permissions = %s where name = %s returning id", permissions,
                               f"{name} {key[:4]}")
        assert len(row) == 1
        if changes:
            self.stack.query(f"update api_key set {changes} where id = %s", row[0][0])
        return key

    def _spoiled(self, name, changes):
        return Identity(name, self._key(self.ours, name, ALL_RIGHTS, changes), is_valid=False)

    def _with(self, *permissions):
        return [Identity(f"a key with {one}", self._key(self.ours, one, [one]), (one,)) for one in permissions]

    def _user(self, name, user, permissions, of=OURS, names=None):
        ccid = {OURS: self.ours.ccid, THEIRS: self.theirs.ccid, ALL: None}[of]
        return Identity(name, self.stack.gws.token(user, ccid), permissions, of, names, is_user=True)
