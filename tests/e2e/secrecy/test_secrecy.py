"""Other processes cannot read the memory of our processes, and connections to PostgreSQL that could be read are reported."""

import os
import pathlib
import resource
import subprocess

import pytest
from harness.nexus.stack import BINARIES, PROGRAMS
from harness.wait import eventually


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_writes_no_core_and_cannot_be_read_by_processes_of_its_user(nexus, program):
    process = nexus[f"{program}-0"]

    assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)
    for file in ("environ", "maps", "mem"):
        with pytest.raises(PermissionError):
            pathlib.Path(f"/proc/{process.pid}/{file}").read_bytes()


@pytest.mark.parametrize("address, is_weak", [
    ("host=db.example.com dbname=nexus", True), ("host=db.example.com dbname=nexus sslmode=require", True),
    ("host=db.example.com dbname=nexus sslmode=verify-full", False), ("host=/run/postgresql dbname=nexus", False)])
def test_check_config_reports_a_connection_to_postgresql_that_could_be_read(address, is_weak):
    done = subprocess.run([BINARIES / "chat-worker", "--check-config"], env={"PATH": os.environ["PATH"], "NEXUS_PG_URL": address},
                          capture_output=True, text=True, timeout=60, check=True)

    assert ("verify-full" in done.stdout) == is_weak
    assert "db.example.com" not in done.stdout


@pytest.mark.parametrize("address", ["postgresql://nexus:top%secret@192.0.2.1/nexus", "host=192.0.2.1 password=top secret",
                                     "postgresql://nexus:top/secret@192.0.2.1/nexus", "postgresql://nexus:top@secret@192.0.2.1/nexus"])
@pytest.mark.parametrize("command", [["sms-worker"], ["sms-worker", "--check-config"], ["nexusctl", "tenants", "list"]],
                         ids=["a worker", "check-config", "nexusctl"])
def test_a_password_in_a_malformed_url_of_postgresql_is_not_repeated(address, command):
    """The error message of libpq contains the part that it could not parse."""
    done = subprocess.run([BINARIES / command[0], *command[1:]], capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"], "NEXUS_PG_URL": address, "NEXUS_BUS": "ipc:///nowhere/*.sock"})

    output = done.stdout + done.stderr
    assert done.returncode not in (0, None)
    assert "must be postgresql://USER@HOST/DATABASE" in output
    assert "secret" not in output.replace("NEXUS_", "")


def test_a_worker_logs_at_its_start_that_its_connection_to_postgresql_could_be_read(make_stack):
    """No such server is needed: the worker logs it before it connects."""
    stack = make_stack()
    worker = stack["chat-worker-0"]
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = "host=192.0.2.1 dbname=nexus connect_timeout=2"
    worker.restart()

    assert '"event":"pg.url_weak"' in worker.log.read_text()
    assert '"event":"pg.login_too_strong"' not in worker.log.read_text()
    worker.stop()


def test_a_worker_logs_that_its_login_has_more_rights_than_it_needs(make_stack):
    stack = make_stack()
    worker = stack["chat-worker-0"]
    worker.stop()
    worker.environment["NEXUS_PG_URL"] = stack.postgres.url(stack.database)
    worker.restart()

    eventually(lambda: '"event":"pg.login_too_strong","why":"superuser"' in worker.log.read_text(), "it is logged")
