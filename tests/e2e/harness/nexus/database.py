"""PostgreSQL and Redis of a test run: private, on unix sockets, with the settings of ./build.sh run."""

import contextlib
import fcntl
import itertools
import os
import pathlib
import shutil
import signal
import subprocess

import psycopg2

from harness.nexus.process import Process
from harness.wait import PATIENCE, eventually

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
SETTINGS = pathlib.Path(__file__).parents[4] / "supervise/postgresql"
FOLDER = pathlib.Path(os.environ.get("NEXUS_TEST_FOLDER", "/tmp"))  # for files that are written often: in memory if there is room
TEMPLATE = "nexus_template"  # the migrated database in the data that prepared_data() makes
LOGINS = ("one_for_all", "nexus_migration")  # roles that tests create and log in as


class Postgres(Process):
    """One cluster for many tests: each test gets a database of its own, copied from a migrated one. The cluster starts empty, or
    as a copy of prepared_data()."""

    def __init__(self, folder, copy_of=None, **settings):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self._numbers = itertools.count(1)
        self.databases = set()  # the names of those that create_database() made and nobody dropped
        self.folder.mkdir()
        (self.folder / "pg_ident.conf").write_text((SETTINGS / "pg_ident.conf").read_text()
                                                   + "".join(f"nexus /^.*$ {login}\n" for login in LOGINS))
        if copy_of:
            shutil.copytree(copy_of, self.data)
        else:
            subprocess.run(
                [BINARIES / "initdb", "--no-sync", "--data-checksums", "--auth=peer", "--encoding=UTF8",
                 "--locale=C.UTF-8", "-D", self.data], check=True, stdout=subprocess.DEVNULL)
        super().__init__(
            "postgresql",
            [BINARIES / "postgres", "-D", self.data, f"--config-file={SETTINGS}/postgresql.conf", "-k", self.folder,
             "-c", f"hba_file={SETTINGS}/pg_hba.conf", "-c", f"ident_file={self.folder}/pg_ident.conf",
             "-c", "max_connections=200", *[f"--{name}={value}" for name, value in settings.items()]], folder)

    def ready(self, within=30.0):
        eventually(self._answers, "PostgreSQL answers", within)
        return self

    def crash(self):
        """Ends all its processes at once, as if the machine had stopped."""
        self.send(signal.SIGQUIT)
        self.wait()

    def kill(self):
        """Kills the postmaster and every backend with SIGKILL. All have ended when this returns, so that the server can be
        started again at once."""
        pids = self._signal_all(signal.SIGKILL)
        super().kill()
        eventually(lambda: not any(_is_running(pid) for pid in pids), "no backend is left")

    def stop(self, within=30.0):
        if self.alive:
            self.thaw()
            self.send(signal.SIGINT)
        return self.wait(within)

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def become_standby(self):
        """Restarts as a standby, which is read-only."""
        self.stop()
        (self.data / "standby.signal").touch()
        self.restart()

    def standby(self, folder):
        """Another server that follows this one, and is not started yet."""
        copy = pathlib.Path(f"{folder}.copy")
        subprocess.run([BINARIES / "pg_basebackup", "-h", self.folder, "-D", copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
                       check=True)
        server = Postgres(folder, copy)
        shutil.rmtree(copy)
        return server

    def promote(self):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_promote()")
                assert cursor.fetchone() == (True,)
        finally:
            connection.close()

    def set(self, setting, value):
        """Sets it for the whole server, while it runs."""
        self.administer(f"alter system set {setting} = {value}")
        self.administer("select pg_reload_conf()")

    def url(self, database):
        """A URL of the superuser. Of our programs, only nexusctl migrate uses it."""
        return f"host={self.folder} dbname={database}"

    def worker_url(self, database):
        return f"{self.url(database)} user=nexus_worker"

    def urls(self, database):
        """The URLs as settings of workers and of nexusctl."""
        return {"NEXUS_PG_URL": self.worker_url(database), "NEXUS_PG_MIGRATION_URL": self.url(database)}

    def connect(self, database="postgres"):
        # A transaction that holds a lock ends when the test says so, and not because the test is slow.
        connection = psycopg2.connect(self.url(database), options="-c idle_in_transaction_session_timeout=0")
        connection.autocommit = True
        return connection

    def rows(self, statement, *parameters, database="postgres"):
        """The answer to a query, asked on a connection of its own."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()
        finally:
            connection.close()

    def create_database(self, template="template1"):
        name = f"nexus_{next(self._numbers)}"
        # A copy does not inherit the rights of its template. Copying files needs two checkpoints, which are quick in memory.
        strategy = "file_copy" if FOLDER.is_relative_to("/dev/shm") else "wal_log"
        self.administer(f"create database {name} template {template} strategy {strategy}", f"revoke temporary on database {name} from public")
        self.databases.add(name)
        return name

    def migrate(self, database, binaries):
        """Migrates the database to the schema of these binaries."""
        subprocess.run([binaries / "nexusctl", "migrate"], check=True, timeout=60 * PATIENCE, stdout=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], **self.urls(database)})
        self.administer("alter role nexus_worker login")

    def drop_database(self, name):
        self.administer(f"drop database if exists {name} with (force)")
        self.databases.discard(name)

    def administer(self, *statements):
        """Some statements need a database for themselves. PostgreSQL waits 5 s for processes that are about to leave it, such as a
        backend whose client has just closed the connection; on a busy machine they may need longer, so the statement is repeated."""
        connection = self.connect()
        try:
            for statement in statements:
                eventually(lambda: _execute(connection, statement), "no other process uses the database")
        finally:
            connection.close()

    def _answers(self):
        try:
            self.connect().close()
        except psycopg2.OperationalError as refused:
            raise AssertionError(refused) from None
        return True

    def _signal_all(self, number):
        """The backends are separate processes: freezing the postmaster alone would not stop them. It is stopped first, so that it
        starts no further ones meanwhile."""
        self.send(signal.SIGSTOP)
        pids = [*children(self.pid), self.pid]
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        return pids


def prepared_data(folder, binaries):
    """The data of a cluster that has TEMPLATE. The first worker of a test run makes it; the others wait, and all copy it."""
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            server = Postgres(folder / "p").start().ready()
            server.administer(f"create database {TEMPLATE}", f"revoke temporary on database {TEMPLATE} from public")
            for _ in range(2):  # the second time finds nothing to do
                server.migrate(TEMPLATE, binaries)
            server.stop()
            (folder / "made").touch()
    return folder / "p/data"


class SmallDisk(Postgres):
    """Keeps its databases on a file system of 128 MB, which no other process sees and which tests can fill up."""

    def __init__(self, folder):
        super().__init__(folder)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mount = f"mount -t tmpfs -o size=128m none {self.disk} && exec unshare --user --map-user={os.getuid()} " \
                f"--map-group={os.getgid()} \"$@\""
        self.command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "postgres", *self.command]

    @staticmethod
    def is_possible():
        """Whether this user may mount a file system in a namespace."""
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                              capture_output=True, check=False).returncode == 0

    def ready(self, within=30.0):
        super().ready(within)
        self.administer(f"create tablespace disk location '{self.disk}'")
        return self

    def create_database(self, template="template1"):
        name = super().create_database(template)
        self.administer(f"alter database {name} set tablespace disk")
        return name

    def fill(self, database):
        """Uses all space that is left, and keeps it although the statement fails. On a full disk a new connection may be refused, so
        this one stays open for make_room()."""
        self.filler = self.connect(database)
        cursor = self.filler.cursor()
        cursor.execute("create table if not exists filler (fill text)")
        for rows in (10_000, 100, 1):
            with contextlib.suppress(psycopg2.errors.DiskFull):
                for _ in range(1000):  # more than there is room for
                    cursor.execute("insert into filler select repeat(md5(n::text), 60) from generate_series(1, %s) n", (rows,))

    def make_room(self):
        self.filler.cursor().execute("drop table filler")
        self.filler.close()


class Redis(Process):
    def __init__(self, folder):
        self.socket = pathlib.Path(folder) / "redis.sock"
        super().__init__(
            "redis", ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
                      "--appendonly", "no"], folder)

    def ready(self, within=10.0):
        eventually(lambda: self.command_line("ping") == "PONG", "Redis answers", within)
        return self

    def command_line(self, *words):
        answer = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True, text=True, check=False)
        return answer.stdout.strip()


def _execute(connection, statement):
    try:
        connection.cursor().execute(statement)
    except psycopg2.errors.ObjectInUse as used:
        raise AssertionError(used) from None
    return True


def _is_running(pid):
    """Whether the process runs. A zombie does not: it holds nothing any more, and init reaps it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]
