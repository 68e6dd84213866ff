"""docs/backup.md: its commands are run as they stand there, and what comes back is a Nexus that goes on."""

import datetime
import itertools
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from harness.database import BINARIES as POSTGRES
from harness.database import Postgres
from harness.people import Answer, Tenant
from harness.stack import BINARIES, ROOT, Stack
from harness.wait import eventually

GUIDE = (ROOT / "docs/backup.md").read_text()


def commands(heading):
    """The shell commands of a section of the guide."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE, re.S | re.M)[1]
    return re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M)


def run(block, **variables):
    environment = {"PATH": f"{BINARIES}:{POSTGRES}:{os.environ['PATH']}", **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], env=environment, text=True, capture_output=True, timeout=120,
                          check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def servers():
    """servers() is another PostgreSQL, not yet started."""
    made = []

    def make():
        folder = tempfile.mkdtemp(prefix="nx-backup-", dir="/tmp")
        made.append((Postgres(f"{folder}/p"), folder))
        made[-1][0]._numbers = itertools.count(100 * len(made))  # names that no backup of another one brings along
        return made[-1][0]

    yield make
    for server, folder in made:
        if server.alive:
            server.stop()
        shutil.rmtree(folder)


class Restored(Stack):
    """A Nexus on a database that is there already."""

    def __init__(self, postgres, database, secrets):
        super().__init__(postgres, "template1", knows_gws=False)
        self.database = database
        for process in self.processes.values():
            if "NEXUS_PG_URL" in process.environment:
                process.environment["NEXUS_PG_URL"] = postgres.worker_url(database)
        for name in ("key_encryption_key", "key_pepper"):
            shutil.copy(secrets / name, self.folder / name)


def answer_of(server, database, statement, *parameters):
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()
    finally:
        connection.close()


def goes_on(stack, tenant):
    """The same tenant, with its old keys and its old webhook."""
    tenant.stack = stack
    answer = Answer(tenant).becomes("sent")
    assert stack.imbalance() == []
    return answer


def test_a_dump_is_restored_on_another_server_and_goes_on_with_the_old_keys_and_secrets(make_stack, customer, servers, tmp_path):
    stack, other = make_stack(), servers().start().ready()
    tenant = Tenant(stack, webhook_url=customer.url)
    before = Answer(tenant).becomes("sent")
    backup, secrets = tmp_path / "backup", tmp_path / "secrets"
    backup.mkdir()
    secrets.mkdir()

    [dump] = commands("A dump each night")
    run(dump, ADMINISTRATOR=stack.postgres.url(stack.database), BACKUP=backup, SECRETS=secrets,
        NEXUS_KEY_ENCRYPTION_KEY_FILE=stack.folder / "key_encryption_key", NEXUS_KEY_PEPPER_FILE=stack.folder / "key_pepper")
    for process in stack.running("gateway", "chat-worker", "sms-worker", "provisioning-worker"):
        process.stop()
    [restore] = commands("Restore a dump")
    said = run(restore, NEW_SERVER=other.url("postgres"), RESTORED=other.url("nexus"), BACKUP=backup)

    assert "balanced" in said
    restored = Restored(other, "nexus", secrets).start()
    after = goes_on(restored, tenant)
    assert [len(customer.messages(answer.text)) for answer in (before, after)] == [1, 1]
    assert len(customer.messages(after.text)[0].signed_with(tenant.webhook_secret)) == 3
    restored.finish()


def test_the_log_of_postgresql_brings_back_any_point_in_time(servers, customer, tmp_path):
    server = servers().start().ready()
    for folder in ("wal", "data"):
        (tmp_path / folder).mkdir()
    [settings] = [block for block in re.findall(r"^```\w*\n(.*?)^```", GUIDE, re.S | re.M) if "archive_mode" in block]
    with open(server.data / "postgresql.auto.conf", "a", encoding="utf-8") as file:
        file.write(settings.replace("/backup", str(tmp_path)))
    server.stop()
    server.restart()
    database = server.create_database()
    server.migrate(database, BINARIES)
    stack = Stack(server, database).start()
    tenant = Tenant(stack, webhook_url=customer.url)
    base, restore = commands("To any point in time")
    run(base, ADMINISTRATOR=server.url(stack.database), BACKUP=tmp_path)

    kept = Answer(tenant).becomes("sent")
    until = datetime.datetime.now(datetime.timezone.utc).isoformat()
    lost = Answer(tenant).becomes("sent")
    [(segment,)] = stack.query("select pg_walfile_name(pg_switch_wal())")
    eventually(lambda: (tmp_path / "wal" / segment).exists(), "the log is archived")
    name, secrets = stack.database, tmp_path / "data"
    for secret in ("key_encryption_key", "key_pepper"):
        shutil.copy(stack.folder / secret, secrets / secret)
    stack.finish()

    other = servers()
    shutil.rmtree(other.data)
    run(restore, BACKUP=tmp_path, DATA=other.data, UNTIL=until)
    other.start().ready()
    eventually(lambda: answer_of(other, name, "select pg_is_in_recovery()") == [(False,)], "the server has been promoted")

    assert answer_of(other, name, "select body from message where id = any (%s::uuid[])", [kept.id, lost.id]) == [(kept.text,)]
    restored = Restored(other, name, secrets).start()
    goes_on(restored, tenant)
    restored.finish()
