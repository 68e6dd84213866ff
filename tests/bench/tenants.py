"""Many contact centers: does it cost a message anything that there are others?"""

import base64
import contextlib
import hashlib
import hmac
import io
import typing
import uuid

import generators
from accepting import COMPARED, middle

TENANTS, KEYS_EACH = 10_000, 5


class Town(typing.NamedTuple):
    keys: str           # file with "credentials number" lines, every tenant before the first comes again
    key: str            # one with the line of the one tenant
    first_tenant: int   # its tenants' numbers are this one and those that follow


def throughput(rig, section):
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)
        town = populate(nexus)
        section.table(f"{TENANTS:,} tenants with a number each and {TENANTS * KEYS_EACH:,} keys are there in both; wrk -t1, "
                      f"{COMPARED} connections; each run audited after kill -9 of PostgreSQL",
                      rows := [pair(nexus, town, number) for number in range(rig.scale.pairs)])
        rows.append(middle(rows))
    section.at_least("accepted from 10 000 tenants with 50 000 keys, of one tenant's", rows[-1]["ratio"], 0.9, "×")


def pair(nexus, town, number):
    def one():
        return run(nexus, f"one-{number}", town.key, [nexus.tenant_id()], shown=1)

    def many():
        return run(nexus, f"many-{number}", town.keys, range(town.first_tenant, town.first_tenant + TENANTS),
                   shown=TENANTS * KEYS_EACH)

    if number % 2 == 0:
        alone, shared = one(), many()
    else:
        shared, alone = many(), one()
    return {"pair": str(number + 1), "one tenant /s": alone, "all tenants /s": shared, "ratio": round(shared / alone, 3)}


def run(nexus, name, keys, tenants, shown):
    """What is measured finds the keys in the gateway's memory: a run before it, repeated longer where it must be, shows
    each of them (the audit before that, which kills PostgreSQL, made the gateway forget them all), and the gateway
    hardly asks about any again."""
    loads, seconds = [], nexus.scale.warm_s
    while not loads or loads[-1].acknowledged < shown:
        loads.append(generators.inbound_tenants(nexus, keys, f"{name}-warm-{seconds}", COMPARED, seconds))
        seconds *= 4
    nexus.quiet()
    before = lookups(nexus)
    loads.append(generators.inbound_tenants(nexus, keys, name, COMPARED, nexus.scale.run_s))
    nexus.quiet()
    asked = lookups(nexus) - before
    if asked > loads[-1].acknowledged / 10:
        raise AssertionError(f"{asked:.0f} keys were asked about again: what was measured is not the gateway's memory")
    nexus.audit(*loads, tenants=tenants)
    return round(loads[-1].per_second)


def lookups(nexus):
    """How many keys the gateway has asked about."""
    return sum(value for series, value in nexus.stack.metrics().items()
               if series.startswith("nexus_tasks_total{") and 'message="caller.lookup"' in series)


def populate(nexus):
    """The tenants, as their rows: over HTTP it would take a while."""
    pepper = bytes.fromhex((nexus.stack.folder / "key_pepper").read_text())
    first = nexus.value("select max(id) + 1 from tenant")
    tenants, keys, channels = io.StringIO(), io.StringIO(), io.StringIO()
    lines = [[] for _ in range(KEYS_EACH)]
    for place in range(TENANTS):
        who, ccid, number = first + place, uuid.uuid4(), f"+1777{place:07d}"
        tenants.write(f"{who}\t{ccid}\tmany {place}\n")
        channels.write(f"{who}\t{number}\t1\tsms\tAsync\tsales\n")
        for nth in range(KEYS_EACH):
            key = str(uuid.uuid4())
            mac = hmac.digest(pepper, hashlib.sha256(key.encode()).digest(), "sha256").hex()
            keys.write(f"{who}\t\\\\x{mac}\t{key[:13]}\tkey {nth}\t{{nexus:gateway:sms}}\n")
            lines[nth].append(line(ccid, key, number))
    with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as connection:
        with connection, connection.cursor() as cursor:
            for table, rows in (("tenant (id, ccid, name)", tenants),
                                ("api_key (tenant_id, mac, prefix, name, permissions)", keys),
                                ("channel (tenant_id, address, kind, name, provider, endpoint)", channels)):
                rows.seek(0)
                # Identity columns are given here, which COPY may do.
                cursor.copy_expert(f"copy {table} from stdin", rows)
            cursor.execute("select setval(pg_get_serial_sequence('tenant', 'id'), (select max(id) from tenant))")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("vacuum analyze tenant, api_key, channel")
    (nexus.scratch / "keys").write_text("".join("".join(of_each) for of_each in lines))
    (nexus.scratch / "key").write_text(line(nexus.tenant.ccid, nexus.tenant.api_key, nexus.tenant.number))
    return Town(nexus.scratch / "keys", nexus.scratch / "key", first)


def line(ccid, key, number):
    return f"{base64.b64encode(f'{ccid}:{key}'.encode()).decode()} {number}\n"
