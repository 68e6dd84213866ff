"""PostgreSQL and Redis of a test run: private, on unix sockets, the same settings as ./build.sh run."""

import itertools
import os
import pathlib
import signal
import subprocess

import psycopg2

from .process import Process
from .wait import eventually

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
SETTINGS = pathlib.Path(__file__).parents[3] / "supervise/postgresql"
LOGINS = ("one_for_all", "nexus_migration")  # whom tests make and log in as


class Postgres(Process):
    """One cluster for many tests: each gets a database of its own, copied from a migrated one."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self._numbers = itertools.count(1)
        self.folder.mkdir()
        (self.folder / "pg_ident.conf").write_text((SETTINGS / "pg_ident.conf").read_text()
                                                   + "".join(f"nexus /^.*$ {login}\n" for login in LOGINS))
        subprocess.run(
            [BINARIES / "initdb", "--no-sync", "--data-checksums", "--auth=peer", "--encoding=UTF8",
             "--locale=C.UTF-8", "-D", self.data], check=True, stdout=subprocess.DEVNULL)
        super().__init__(
            "postgresql",
            [BINARIES / "postgres", "-D", self.data, f"--config-file={SETTINGS}/postgresql.conf", "-k", self.folder,
             "-c", f"hba_file={SETTINGS}/pg_hba.conf", "-c", f"ident_file={self.folder}/pg_ident.conf",
             "-c", "max_connections=200"], folder)

    def ready(self, within=30.0):
        eventually(self._answers, "PostgreSQL answers", within)
        return self

    def crash(self):
        """Every process of it gone at once, as if the machine had stopped."""
        self.send(signal.SIGQUIT)
        self.wait()

    def kill(self):
        """The postmaster and every backend, as kill -9 of each does it. All are gone when this returns, so that it can be
        started again at once."""
        pids = self._signal_all(signal.SIGKILL)
        super().kill()
        eventually(lambda: not any(_is_there(pid) for pid in pids), "no backend is left")

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
        """Starts again as a standby, which can be read and not written."""
        self.stop()
        (self.data / "standby.signal").touch()
        self.restart()

    def promote(self):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_promote()")
                assert cursor.fetchone() == (True,)
        finally:
            connection.close()

    def set(self, setting, value):
        """Of the whole server, while it runs."""
        self.administer(f"alter system set {setting} = {value}")
        self.administer("select pg_reload_conf()")

    def url(self, database):
        """As the superuser, which no program of ours is but nexusctl migrate."""
        return f"host={self.folder} dbname={database}"

    def worker_url(self, database):
        return f"{self.url(database)} user=nexus_worker"

    def urls(self, database):
        """As settings of workers and of nexusctl."""
        return {"NEXUS_PG_URL": self.worker_url(database), "NEXUS_PG_MIGRATION_URL": self.url(database)}

    def connect(self, database="postgres"):
        connection = psycopg2.connect(self.url(database))
        connection.autocommit = True
        return connection

    def create_database(self, template="template1"):
        name = f"nexus_{next(self._numbers)}"
        self.administer(f"create database {name} template {template}")
        self.administer(f"revoke temporary on database {name} from public")  # a copy does not have it from its template
        return name

    def migrate(self, database, binaries):
        """Brings it up to date with what these binaries are built for."""
        subprocess.run([binaries / "nexusctl", "migrate"], check=True, timeout=120, stdout=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], **self.urls(database)})
        self.administer("alter role nexus_worker login")

    def drop_database(self, name):
        self.administer(f"drop database {name} with (force)")

    def administer(self, statement):
        connection = self.connect()
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def _answers(self):
        try:
            self.connect().close()
        except psycopg2.OperationalError as refused:
            raise AssertionError(refused) from None
        return True

    def _signal_all(self, number):
        """The backends are processes of their own: a frozen postmaster alone would freeze nobody."""
        pids = [self.pid] + children(self.pid)
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        return pids


class SmallDisk(Postgres):
    """Keeps its databases on a file system of 128 MB, which only it sees and which can be filled up."""

    def __init__(self, folder):
        super().__init__(folder)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mount = f"mount -t tmpfs -o size=128m none {self.disk} && exec unshare --user --map-user={os.getuid()} " \
                f"--map-group={os.getgid()} \"$@\""
        self.command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "postgres", *self.command]

    @staticmethod
    def is_possible():
        """May this user have a mount of his own?"""
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
        """Takes all that is left, and keeps it though the statement fails. Without room a new connection may be refused, so this
        one stays for make_room()."""
        self.filler = self.connect(database)
        cursor = self.filler.cursor()
        cursor.execute("create table if not exists filler (fill text)")
        for rows in (10_000, 100, 1):
            try:
                while True:
                    cursor.execute("insert into filler select repeat(md5(n::text), 60) from generate_series(1, %s) n", (rows,))
            except psycopg2.errors.DiskFull:
                pass

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


def _is_there(pid):
    """A zombie is not: it holds nothing any more, and who reaps it is the machine's affair."""
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
