"""The commands of docs/backup.md, run unchanged, restore a Nexus that works."""

import datetime
import itertools
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from harness.nexus.database import BINARIES as POSTGRES
from harness.nexus.database import Postgres
from harness.nexus.stack import BINARIES, ROOT, Stack
from harness.people import OutboundMessage, Tenant
from harness.wait import eventually

GUIDE = (ROOT / "docs/backup.md").read_text()


def commands(heading):
    """The shell commands of a section of the guide."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE, re.S | re.M)[1]
    return re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M)


def run(block, **variables):
    environment = {"PATH": f"{BINARIES}:{POSTGRES}:{os.environ['PATH']}", **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], env=environment, text=True, capture_output=True, timeout=600,
                          check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def servers():
    """servers() makes another PostgreSQL and does not start it."""
    made = []

    def make():
        folder = tempfile.mkdtemp(prefix="nx-backup-", dir="/tmp")
        made.append((Postgres(f"{folder}/p"), folder))
        made[-1][0]._numbers = itertools.count(100 * len(made))  # so that names of databases do not occur in backups of other servers
        return made[-1][0]

    yield make
    for server, folder in made:
        if server.alive:
            server.stop()
        shutil.rmtree(folder)


class Restored(Stack):
    """A Nexus with a new state directory on an existing database. secrets: the folder of the two key files; None: they are lost."""

    def __init__(self, postgres, database, secrets):
        super().__init__(postgres, "template1", knows_gws=False)
        self.database = database
        for process in self.processes.values():
            if "NEXUS_PG_URL" in process.environment:
                process.environment["NEXUS_PG_URL"] = postgres.worker_url(database)
        for name in ("key_encryption_key", "key_pepper") if secrets else ():
            shutil.copy(secrets / name, self.folder / name)


def goes_on(stack, tenant):
    """Asserts that the tenant can send with its old keys and its old webhook."""
    tenant.stack = stack
    message = OutboundMessage(tenant).becomes("sent")
    assert stack.imbalance() == []
    return message


def test_a_dump_restored_on_another_server_works_with_the_old_keys_and_secrets(make_stack, receiver, servers, tmp_path):
    stack, other = make_stack(), servers().start().ready()
    tenant = Tenant(stack, webhook_url=receiver.url)
    before = OutboundMessage(tenant).becomes("sent")
    receiver.answer(status=503)
    waiting = OutboundMessage(tenant)
    backup, secrets = tmp_path / "backup", tmp_path / "secrets"
    backup.mkdir()
    secrets.mkdir()

    [dump] = commands("A dump each night")
    run(dump, ADMINISTRATOR=stack.postgres.url(stack.database), BACKUP=backup, SECRETS=secrets,
        NEXUS_KEY_ENCRYPTION_KEY_FILE=stack.folder / "key_encryption_key", NEXUS_KEY_PEPPER_FILE=stack.folder / "key_pepper")
    for process in stack.running("gateway", "chat-worker", "sms-worker", "provisioning-worker"):
        process.stop()
    receiver.answer()
    [restore] = commands("Restore a dump")
    output = run(restore, NEW_SERVER=other.url("postgres"), RESTORED=other.url("nexus"), BACKUP=backup)

    assert "balanced" in output
    restored = Restored(other, "nexus", secrets).start()
    after = goes_on(restored, tenant)
    waiting.becomes("sent", within=60)
    assert [len(receiver.messages(answer.text)) for answer in (before, after)] == [1, 1]
    assert len(receiver.messages(after.text)[0].signed_with(tenant.webhook_secret)) == 3
    restored.finish()


def test_the_drill_accepts_the_right_sealing_key_only(make_stack, receiver, tmp_path):
    stack = make_stack()
    Tenant(stack, webhook_url=receiver.url)
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    shutil.copy(stack.folder / "key_encryption_key", tmp_path / "right")
    (tmp_path / "wrong" / "key_encryption_key").write_text("ab" * 32)

    [drill] = commands("A drill")
    settings = {"RESTORED": stack.postgres.url(stack.database)}
    run(drill, SECRETS=tmp_path / "right", **settings)

    with pytest.raises(AssertionError, match="would be wrapped again"):
        run(drill, SECRETS=tmp_path / "wrong", **settings)


def test_a_database_whose_pepper_is_lost_accepts_no_old_key(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    assert tenant.agent().get("/chat/v3/conversations").status_code == 200
    for process in stack.running("gateway", "chat-worker", "sms-worker", "provisioning-worker"):
        process.stop()

    # A database to which somebody is connected cannot be copied, and connections of a process end after the process.
    eventually(lambda: not stack.query("select from pg_stat_activity where datname = current_database() and usename = 'nexus_worker'"),
               "the connections of the workers have ended")
    restored = Restored(stack.postgres, stack.copy_database(), secrets=None).start()
    tenant.stack = restored

    assert tenant.agent().get("/chat/v3/conversations").status_code == 401
    restored.finish()


def test_the_write_ahead_log_restores_any_point_in_time(servers, receiver, tmp_path):
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
    tenant = Tenant(stack, webhook_url=receiver.url)
    base, restore = commands("Restore to any point in time")
    run(base, ADMINISTRATOR=server.url(stack.database), BACKUP=tmp_path)

    kept = OutboundMessage(tenant).becomes("sent")
    until = datetime.datetime.now(datetime.timezone.utc).isoformat()
    lost = OutboundMessage(tenant).becomes("sent")
    [(segment,)] = stack.query("select pg_walfile_name(pg_switch_wal())")
    eventually(lambda: (tmp_path / "wal" / segment).exists(), "the write-ahead log is archived", 60)
    name, secrets = stack.database, tmp_path / "data"
    for secret in ("key_encryption_key", "key_pepper"):
        shutil.copy(stack.folder / secret, secrets / secret)
    stack.finish()

    other = servers()
    shutil.rmtree(other.data)
    run(restore, BACKUP=tmp_path, DATA=other.data, UNTIL=until)
    other.start().ready()
    eventually(lambda: other.rows("select pg_is_in_recovery()") == [(False,)], "the server has been promoted", 60)

    found = other.rows("select body from message where id = any (%s::uuid[])", [kept.id, lost.id], database=name)
    assert found == [(kept.text,)]
    restored = Restored(other, name, secrets).start()
    goes_on(restored, tenant)
    restored.finish()
