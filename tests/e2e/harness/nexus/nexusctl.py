"""nexusctl with a real database and no other process of Nexus."""

import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import uuid

from harness.nexus.stack import BINARIES
from harness.wait import PATIENCE

PEPPER, ENCRYPTION_KEY = "ab" * 32, "cd" * 32
CCID = "578ec98e-0000-46ad-9675-000000000001"


class Operator:
    def __init__(self, postgres, database):
        self.postgres, self.database = postgres, database
        self.settings = {"NEXUS_KEY_PEPPER": PEPPER, "NEXUS_KEY_ENCRYPTION_KEY": ENCRYPTION_KEY}

    def start(self, *words, stdout=subprocess.PIPE, **options):
        # A command leaves its memory to the kernel; to look for leaks would take as long as the command. Unit tests look for them.
        environment = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0", **self.postgres.urls(self.database), **self.settings}
        return subprocess.run([BINARIES / "nexusctl", *words], env=environment, text=True, stdout=stdout, stderr=subprocess.PIPE,
                              timeout=60 * PATIENCE, check=False, **options)

    def run(self, *words, standard_input=None, code=0):
        done = self.start(*words, input=standard_input)
        assert done.returncode == code, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def json(self, *words, **options):
        return json.loads(self.run(*words, "--json", **options).stdout)

    def apply(self, document, *words, **options):
        return self.json("apply", "-f", "-", *words, standard_input=json.dumps(document), **options)

    def query(self, statement, *parameters):
        connection = self.postgres.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def migration(self, name):
        """Runs the file of a migration once more and returns the database's notices."""
        [file] = (pathlib.Path(__file__).parents[4] / "db/migrations").glob(f"*_{name}.sql")
        connection = self.postgres.connect(self.database)
        try:
            connection.cursor().execute(file.read_text())
            return "".join(connection.notices)
        finally:
            connection.close()

    def value(self, statement, *parameters):
        return self.query(statement, *parameters)[0][0]

    def message(self, state, delivery):
        """Inserts one accepted outbound message with its ledger entry, and with a delivery or without; returns its id."""
        self.apply(document())
        identity = str(uuid.uuid4())
        self.query("""
            with c as (select tenant_id, id, destination_id from channel), entered as (
                insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
                select tenant_id, id, 2, 1, %s, 1 from c
            ), queued as (
                insert into delivery (tenant_id, destination_id, channel_id, message_id, address, expires)
                select tenant_id, destination_id, id, %s, '+15550001', now() + interval '1 day' from c where %s)
            insert into message (tenant_id, id, channel_id, direction, state, address)
            select tenant_id, %s, id, 2, %s, '+15550001' from c""", state, identity, delivery, identity, state)
        return identity


def document(**changes):
    number = {"address": "18445551212", "name": "support", "endpoint": "sales",
              "webhook": {"url": "http://127.0.0.1:1/out", "secret": "first webhook secret"},
              "api": {"secret": "inbound secret"}, **changes}
    return {"tenants": [{"ccid": CCID, "name": "premise", "numbers": [number],
                         "keys": [{"name": "designer", "permissions": ["nexus:designer:chat"]}]}]}


def actions(answer):
    return {line["name"]: (line["action"], line["changed"]) for line in answer["plan"]}


def mac(key):
    return hmac.new(bytes.fromhex(PEPPER), hashlib.sha256(key.encode()).digest(), "sha256").digest()
