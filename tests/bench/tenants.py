"""Many contact centers: whether their number changes the cost of a message."""

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


class ManyTenants(typing.NamedTuple):
    keys: str           # file with "credentials number" lines, in which each tenant occurs once before any is repeated
    key: str            # file with the line of the single tenant
    first_tenant: int   # the ids of its tenants are this one and the following ones


def throughput(rig, section):
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)
        population = populate(nexus)
        section.table(f"{TENANTS:,} tenants with a number each and {TENANTS * KEYS_EACH:,} keys are there in both; wrk -t1, "
                      f"{COMPARED} connections; each run audited after kill -9 of PostgreSQL",
                      rows := [pair(nexus, population, number) for number in range(rig.scale.pairs)])
        rows.append(middle(rows))
    section.at_least("accepted from 10 000 tenants with 50 000 keys, of one tenant's", rows[-1]["ratio"], 0.9, "×")


def pair(nexus, population, number):
    def one():
        return run(nexus, f"one-{number}", population.key, [nexus.tenant_id()], key_count=1)

    def many():
        return run(nexus, f"many-{number}", population.keys, range(population.first_tenant, population.first_tenant + TENANTS),
                   key_count=TENANTS * KEYS_EACH)

    if number % 2 == 0:
        alone, shared = one(), many()
    else:
        shared, alone = many(), one()
    return {"pair": str(number + 1), "one tenant /s": alone, "all tenants /s": shared, "ratio": round(shared / alone, 3)}


def run(nexus, name, keys, tenants, key_count):
    """Measures with all keys in the gateway's cache. The previous audit, which kills PostgreSQL, has emptied the cache. Therefore
    warm-up runs use each key first, for longer if necessary. The measured run may look up almost no key."""
    loads, seconds = [], nexus.scale.warm_s
    while not loads or loads[-1].acknowledged < key_count:
        loads.append(generators.inbound_tenants(nexus, keys, f"{name}-warm-{seconds}", COMPARED, seconds))
        seconds *= 4
    nexus.quiet()
    before = lookups(nexus)
    loads.append(generators.inbound_tenants(nexus, keys, name, COMPARED, nexus.scale.run_s))
    nexus.quiet()
    repeated = lookups(nexus) - before
    if repeated > loads[-1].acknowledged / 10:
        raise AssertionError(f"{repeated:.0f} keys were looked up again: the run did not measure the gateway's cache")
    nexus.audit(*loads, tenants=tenants)
    return round(loads[-1].per_second)


def lookups(nexus):
    """How many keys the gateway has looked up."""
    return sum(value for series, value in nexus.stack.metrics().items()
               if series.startswith("nexus_tasks_total{") and 'message="caller.lookup"' in series)


def populate(nexus):
    """Inserts the rows of the tenants, because provisioning them over HTTP would take long."""
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
    return ManyTenants(nexus.scratch / "keys", nexus.scratch / "key", first)


def line(ccid, key, number):
    return f"{base64.b64encode(f'{ccid}:{key}'.encode()).decode()} {number}\n"
