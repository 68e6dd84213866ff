"""The basis of every measurement: a Nexus with a real PostgreSQL, its load, and the audit of what was acknowledged.

A figure counts only if nothing was lost for it: after each run PostgreSQL is killed with all its processes, started
again, and everything that was acknowledged is looked up."""

import contextlib
import pathlib
import shutil
import tempfile
import time
import typing

import requests

import generators
from harness.nexus.database import Postgres
from harness.nexus.stack import BINARIES, PROGRAMS, READABLE, Stack
from harness.people import Tenant
from harness.wait import eventually


class AuditFailed(Exception):
    """An acknowledged message is missing or wrong."""


class Scale(typing.NamedTuple):
    """Durations and counts of the measurements; whole seconds, as wrk needs them."""
    quiet_s: int        # before memory is read
    warm_s: int         # load before a run, not counted but audited
    run_s: int          # one run under load
    limit_s: int        # one run of the statement alone
    open_s: int         # one run of the open loop
    pairs: int          # of runs that are compared
    drain: int          # outbound messages that one drain sends
    hopeless: int       # outbound messages to each destination that does not accept them
    backlog: int        # rows
    scrapes: int        # of each format
    history: int        # messages
    history_s: int      # one run beside it


FULL = Scale(quiet_s=3, warm_s=1, run_s=8, limit_s=4, open_s=15, pairs=5, drain=20_000, hopeless=2_000, backlog=1_000_000,
             scrapes=500, history=20_000_000, history_s=20)
QUICK = Scale(quiet_s=3, warm_s=1, run_s=2, limit_s=2, open_s=3, pairs=1, drain=4_000, hopeless=500, backlog=50_000, scrapes=100,
              history=200_000, history_s=3)


class Correspondents(typing.NamedTuple):
    tenant_id: int
    conversations: list


class Rig:
    """One PostgreSQL for all measurements; a fresh database and fresh processes for each."""

    def __init__(self, scale):
        self.scale = scale
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nx-bench-", dir="/tmp"))
        self.postgres = Postgres(self.folder / "pg").start().ready()
        self.template = self.postgres.create_database()
        self.postgres.migrate(self.template, BINARIES)

    def close(self):
        self.postgres.stop()
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def nexus(self, **shape):
        """A running Nexus with one tenant. Its end checks that the ledger is balanced and that all processes stop in order."""
        nexus = Nexus(self, **shape)
        try:
            yield nexus
        except BaseException:
            nexus.abandon()
            raise
        nexus.close()


class Nexus:
    def __init__(self, rig, readable=False, **shape):
        self.rig, self.postgres, self.scale = rig, rig.postgres, rig.scale
        # In memory, because the simulator syncs its journal, which must not compete with PostgreSQL.
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="nx-bench-", dir="/dev/shm"))
        self.webhooks = self.scratch / "webhooks"
        settings = {program: {"NEXUS_FAILPOINTS": READABLE} if readable else {} for program in PROGRAMS}
        settings["simulator"] = {"NEXUS_SIM_JOURNAL": self.webhooks}
        self.stack = Stack(rig.postgres, rig.template, settings=settings, **shape)
        self.stack.start()
        self.tenant = Tenant(self.stack)
        self.simulator("PUT", "knobs", {"receipts": "none"})

    def close(self):
        shutil.rmtree(self.scratch)
        self.stack.finish()

    def abandon(self):
        """After a failure: kills the processes and keeps the files of the stack."""
        for process in [*self.stack.processes.values(), self.stack.redis]:
            if process.alive:
                process.kill()
        shutil.rmtree(self.scratch)

    # --- queries ---

    def query(self, statement, *parameters):
        return self.stack.query(statement, *parameters)

    def value(self, statement, *parameters):
        return self.query(statement, *parameters)[0][0]

    def tenant_id(self, tenant=None):
        return self.value("select id from tenant where ccid = %s", (tenant or self.tenant).ccid)

    def simulator(self, method, path, body=None):
        answer = requests.request(method, f"{self.stack.simulator_url}/sim/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def quiet(self, seconds=1.2):
        """Waits without load; the processes push their metrics once a second."""
        time.sleep(seconds)

    # --- load ---

    def inbound(self, name, connections, seconds, tenant=None, **phones):
        return generators.inbound(self, tenant or self.tenant, name, connections, seconds, **phones)

    def correspondents(self, count, tenant=None):
        """Open conversations of a tenant, made by texts of so many phones."""
        number = self.tenant_id(tenant)
        for seconds in range(1, 8):     # each run starts with the same phones
            self.inbound(f"prepare-{number}-{seconds}", 64, seconds, tenant)
            rows = self.query("select id from conversation where tenant_id = %s and state < 9 limit %s", number, count)
            if len(rows) == count:
                return Correspondents(number, [row[0] for row in rows])
        raise AssertionError(f"no {count} conversations in {seconds} s")

    # --- audit ---

    def crash_postgres(self):
        """Kills the postmaster and every backend at once, and waits for the recovery."""
        self.postgres.kill()
        self.postgres.restart()
        self.stack.wait_for("green", within=60)

    def audit(self, *loads, condition="m.id = a.key::uuid", tenants=None):
        """Checks that every acknowledged message of these loads is stored once, and returns their number. They belong to the
        tenant, unless the ids of other tenants are given."""
        self.crash_postgres()
        connection = self.postgres.connect(self.stack.database)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("create temp table acknowledged (key text)")
            for journal in (one.journal for one in loads):
                with open(journal, encoding="ascii") as lines:
                    cursor.copy_expert("copy acknowledged from stdin", lines)
            cursor.execute("analyze acknowledged")
            cursor.execute(f"""select count(*), count(distinct a.key), count(m.id), count(distinct m.id)
                                 from acknowledged a
                                 left join message m on m.tenant_id = any (%s) and {condition}""",
                           [list(tenants or [self.tenant_id()])])
            joined, keys, found, messages = cursor.fetchone()
        if not joined == keys == found == messages > 0:
            raise AuditFailed(f"{keys} acknowledged, {messages} found, {joined} pairs")
        return keys


def until_empty(nexus, tenant_id, within):
    """Waits until all outbound messages of this tenant are sent. It uses one connection, because new ones would be load."""
    with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as connection, connection.cursor() as cursor:
        def is_empty():
            cursor.execute("select from delivery where tenant_id = %s and conversation_id is not null limit 1", [tenant_id])
            return cursor.rowcount == 0

        eventually(is_empty, "nothing waits for delivery", within)
