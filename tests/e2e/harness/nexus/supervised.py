"""The whole of Nexus as ./build.sh run starts it: under s6, with a PostgreSQL and a state directory of its own."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import psycopg2
import requests

from harness.nexus.ports import free_port
from harness.nexus.stack import RELEASE, ROOT
from harness.wait import LONGEST_ANSWER, PATIENCE, eventually


class Supervised:
    """Traffic and its audit can use it like a Stack. Its supervisors can be killed, and start() starts it again."""

    is_shared = False

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nx-s6-", dir="/tmp"))
        self.state = self.folder / "state"
        self.output = self.folder / "output"
        self.webhooks = self.folder / "webhooks.jsonl"
        self.private = set()
        self.broken = []
        self._ports = {name: free_port() for name in ("NEXUS_HTTP_PORT", "NEXUS_METRICS_PORT", "NEXUS_SIM_PORT")}
        self._up = None

    def start(self):
        self.state.mkdir(exist_ok=True)
        environment = {**{name: str(port) for name, port in self._ports.items()}, "PATH": os.environ["PATH"],
                       "LANG": "C.UTF-8", "HOME": str(self.state), "NEXUS_STATE_DIR": str(self.state),
                       "NEXUS_SIM_JOURNAL": str(self.webhooks), "NEXUS_SIM_WEBHOOK_SECRET": ""}
        with open(self.output, "wb") as output:
            self._up = subprocess.Popen([ROOT / "supervise/up"], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
                                        stdout=output, stderr=subprocess.STDOUT)
        eventually(self._is_ready, "it is ready", 90)
        return self

    def _is_ready(self):
        assert self._up.poll() is None, self.printed()
        assert "\nready: " in self.printed(), self.printed()
        return True

    def printed(self):
        return self.output.read_text()

    def ended(self):
        """Waits until it ends by itself, and returns its output."""
        eventually(lambda: self._up.poll() is not None, "it has ended", 90)
        return self.printed()

    def stop(self):
        self._up.send_signal(signal.SIGTERM)
        self._up.wait(90 * PATIENCE)

    def finish(self):
        if self._up.poll() is None:
            self.stop()
        remaining = self.remaining_processes()
        assert not remaining, f"these processes remain: {remaining}"
        shutil.rmtree(self.folder)

    def remaining_processes(self):
        """The ids of processes that work in its state directory or were started with its settings."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    def _is_ours(self, pid):
        try:  # a zombie has neither of them
            return str(self.state).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() or \
                os.readlink(f"/proc/{pid}/cwd").startswith(str(self.state))
        except OSError:
            return False  # it has ended, or belongs to another user

    def _s6(self):
        """(process id, name, folder) of each process of s6."""
        for pid in self.remaining_processes():
            try:
                name, folder = pathlib.Path(f"/proc/{pid}/comm").read_text().strip(), os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue  # it has ended meanwhile
            if name in ("s6-svscan", "s6-supervise"):
                yield pid, name, folder

    # --- processes to break ---

    def process(self, name):
        """The id of a process: sms-worker-0, postgresql, log-gateway-0."""
        number = (self.state / "alive" / name).read_text().strip()
        assert number, f"{name} has just started"
        return int(number)

    def supervisor(self, name):
        """The id of the s6-supervise of a process."""
        return next(pid for pid, _, folder in self._s6() if folder == str(self.state / "supervise" / name))

    @property
    def top_supervisor(self):
        return next(pid for pid, name, _ in self._s6() if name == "s6-svscan")

    def kill_all_supervisors(self):
        """Kills them at once: none of them has time to stop what it supervises."""
        self._up.send_signal(signal.SIGSTOP)
        for pid, *_ in list(self._s6()):
            os.kill(pid, signal.SIGKILL)
        self._up.kill()
        self._up.wait()

    # --- the interface of Stack ---

    def url(self, _gateway=0):
        return f"http://127.0.0.1:{self._ports['NEXUS_HTTP_PORT']}"

    @property
    def simulator_url(self):
        return f"http://127.0.0.1:{self._ports['NEXUS_SIM_PORT']}"

    def running(self, *_programs):
        return ["gateway-0"]

    def health(self, _gateway=0):
        return requests.get(f"{self.url()}/health/detail", timeout=LONGEST_ANSWER)

    def query(self, statement, *parameters):
        connection = psycopg2.connect(f"host={self.state}/run dbname=nexus")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def imbalance(self):
        return self.query("select * from ledger where imbalance <> 0")

    def apply(self, document):
        subprocess.run([RELEASE / "bin/nexusctl", "--config", self.state / "nexus.conf", "apply", "-f", "-"], check=True, text=True,
                       input=json.dumps(document), stdout=subprocess.DEVNULL, timeout=60 * PATIENCE, env={"PATH": os.environ["PATH"]})

    def tails(self):
        return self.printed() + "".join(f"--- {log}\n{log.read_text(errors='replace')[-3000:]}"
                                     for log in sorted(self.state.glob("log/*/current")))
