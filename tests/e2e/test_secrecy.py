"""What a process knows stays in it, and who could read on the way to PostgreSQL is named."""

import os
import pathlib
import resource
import subprocess

import pytest
from harness.stack import BINARIES, PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_leaves_no_core_and_nobody_of_its_user_looks_into_it(nexus, program):
    process = nexus[f"{program}-0"]

    assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)
    for file in ("environ", "maps", "mem"):
        with pytest.raises(PermissionError):
            pathlib.Path(f"/proc/{process.pid}/{file}").read_bytes()


@pytest.mark.parametrize("address, is_weak", [
    ("host=db.example.com dbname=nexus", True), ("host=db.example.com dbname=nexus sslmode=require", True),
    ("host=db.example.com dbname=nexus sslmode=verify-full", False), ("host=/run/postgresql dbname=nexus", False)])
def test_a_way_to_postgresql_that_could_be_read_is_named_by_check_config(address, is_weak):
    done = subprocess.run([BINARIES / "chat-worker", "--check-config"], env={"PATH": os.environ["PATH"], "NEXUS_PG_URL": address},
                          capture_output=True, text=True, timeout=20, check=True)

    assert ("verify-full" in done.stdout) == is_weak
    assert "db.example.com" not in done.stdout


@pytest.mark.parametrize("address", ["postgresql://nexus:top%secret@192.0.2.1/nexus", "host=192.0.2.1 password=top secret",
                                     "postgresql://nexus:top/secret@192.0.2.1/nexus", "postgresql://nexus:top@secret@192.0.2.1/nexus"])
@pytest.mark.parametrize("command", [["sms-worker"], ["sms-worker", "--check-config"], ["nexusctl", "tenants", "list"]],
                         ids=["a worker", "its check", "nexusctl"])
def test_a_password_that_breaks_the_address_of_postgresql_is_not_repeated(address, command):
    """libpq's own words have the part of it that it could not read."""
    done = subprocess.run([BINARIES / command[0], *command[1:]], capture_output=True, text=True, timeout=20, check=False,
                          env={"PATH": os.environ["PATH"], "NEXUS_PG_URL": address, "NEXUS_BUS": "ipc:///nowhere/*.sock"})

    said = done.stdout + done.stderr
    assert done.returncode not in (0, None)
    assert "postgresql://USER@HOST/DATABASE is wanted" in said
    assert "secret" not in said.replace("NEXUS_", "")


def test_a_worker_says_at_its_start_that_the_way_to_postgresql_could_be_read(make_stack):
    """No server of that name is needed: it says so before it asks."""
    stack = make_stack()
    worker = stack["chat-worker-0"]
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = "host=192.0.2.1 dbname=nexus connect_timeout=2"
    worker.restart()

    assert '"event":"pg.url_weak"' in worker.log.read_text()
    assert '"event":"pg.login_too_strong"' not in worker.log.read_text()
    worker.stop()


def test_a_worker_whose_login_may_do_more_than_a_worker_needs_says_so(make_stack):
    stack = make_stack()
    worker = stack["chat-worker-0"]
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = stack.postgres.url(stack.database)
    worker.restart()
    stack.wait_for("green")

    assert '"event":"pg.login_too_strong","why":"superuser"' in worker.log.read_text()
