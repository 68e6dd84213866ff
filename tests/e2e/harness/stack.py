"""A whole Nexus: any number of each program, over ipc or over tcp, each with keys of its own, on a database of its own."""

import ctypes
import datetime
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

import requests

from . import label_values, watch
from .database import Redis
from .gws import CLIENT, Gws
from .people import User
from .ports import free_port
from .process import Process
from .scrape import Scrape
from .wait import eventually

ROOT = pathlib.Path(__file__).parents[3]
BINARIES = pathlib.Path(os.environ.get("NEXUS_BUILD_DIR", ROOT / "build/asan")) / "bin"
RELEASE = ROOT / "build/release"  # for tests under a load that sanitizers would not take
WORKERS = ("chat-worker", "sms-worker", "provisioning-worker")
PROGRAMS = ("gateway", *WORKERS, "metrics-agent", "simulator")
READABLE = "process.readable=fail"  # NEXUS_FAILPOINTS of a process into which a test looks in /proc


def curve_pair():
    """(public, secret) in Z85, made by libzmq."""
    public, secret = ctypes.create_string_buffer(41), ctypes.create_string_buffer(41)
    assert ctypes.CDLL("libzmq.so.5").zmq_curve_keypair(public, secret) == 0
    return public.value.decode(), secret.value.decode()


class Stack:
    """Say its shape, start() it, use it, finish() it. finish() is where every test's standing promises are checked."""

    def __init__(self, postgres, template, gateways=1, chat_workers=1, sms_workers=1, provisioning_workers=1,
                 bus="ipc", settings=None, binaries=BINARIES, knows_gws=True):
        self.postgres = postgres
        self.binaries = binaries
        self.database = postgres.create_database(template)
        # Short, because a socket's path must be.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nx-", dir="/tmp"))
        self.processes = {}
        self.broken = []  # answers that were not as documented
        self.private = set()  # phone numbers, texts, secrets: what no log may show
        self.webhooks = self.folder / "webhooks.jsonl"  # every one that the simulator received
        self._settings = settings or {}
        self._bus = bus
        self._knows_gws = knows_gws
        self.keys = {program: curve_pair() for program in PROGRAMS}  # (public, secret) of each on the bus
        self._bus_ports = {}
        self._http_ports = {}
        self.metrics_port, self.simulator_port = free_port(), free_port()
        (self.folder / "key_encryption_key").write_text(secrets.token_hex(32))
        (self.folder / "key_pepper").write_text(secrets.token_hex(32))
        (self.folder / "log_key").write_text(secrets.token_hex(32))
        self.redis = Redis(self.folder)
        self.gws = Gws(self)
        self._add("metrics-agent", 0, NEXUS_METRICS_PORT=self.metrics_port,
                  NEXUS_METRICS_STATE=self.folder / "metrics.totals")
        self._add("simulator", 0, NEXUS_SIM_PORT=self.simulator_port, NEXUS_SIM_JOURNAL=self.webhooks,
                  NEXUS_WEBHOOK_ALLOW_CIDRS="127.0.0.0/8")
        for number in range(gateways):
            self.add("gateway", number)
        for program, count in zip(WORKERS, (chat_workers, sms_workers, provisioning_workers)):
            for number in range(count):
                self.add(program, number)

    # --- shape ---

    def add(self, program, number):
        """One more of a program, not yet started."""
        if program == "gateway":
            self._http_ports[number], self._bus_ports[number] = free_port(), free_port()
            watch.gateway(self, self._http_ports[number])
            return self._add(program, number, NEXUS_HTTP_PORT=self._http_ports[number],
                             NEXUS_REDIS_URL=f"unix:{self.redis.socket}", NEXUS_DRAIN_DELAY="0s",
                             NEXUS_METRICS_URL=f"http://127.0.0.1:{self.metrics_port}/metrics", **self._bus_at_gateway(number))
        return self._add(program, number, NEXUS_PG_URL=self.postgres.worker_url(self.database), **self._secrets(),
                         **self._bus_at_worker())

    def _add(self, program, number, **environment):
        name = f"{program}-{number}"
        command = [self.binaries / program, "--instance", number]
        public, secret = self.keys[program]
        common = {"NEXUS_METRICS_PUSH": f"ipc://{self.folder}/metrics.sock", "NEXUS_CURVE_PUBLIC": public,
                  "NEXUS_CURVE_SECRET": secret, "NEXUS_CURVE_SERVER": self.keys["gateway"][0],
                  "NEXUS_CURVE_AGENT": self.keys["metrics-agent"][0], "NEXUS_CURVE_CLIENTS": self._clients()}
        own = self._settings.get(program, {})
        self.processes[name] = Process(name, command, self.folder, {**common, **environment, **own})
        return self.processes[name]

    def _secrets(self):
        return {"NEXUS_KEY_ENCRYPTION_KEY_FILE": self.folder / "key_encryption_key",
                "NEXUS_KEY_PEPPER_FILE": self.folder / "key_pepper",
                "NEXUS_LOG_KEY_FILE": self.folder / "log_key",
                "NEXUS_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8,::1/128"}

    def _clients(self):
        """The list of who may be what."""
        return "\n".join(f"{public} {program}" for program, (public, _) in self.keys.items())

    def _bus_at_gateway(self, number):
        if self._bus == "ipc":
            return {"NEXUS_BUS_BIND": f"ipc://{self.folder}/bus.gateway-{number}.sock"}
        return {"NEXUS_BUS_BIND": f"tcp://127.0.0.1:{self._bus_ports[number]}"}

    def _bus_at_worker(self):
        if self._bus == "ipc":
            return {"NEXUS_BUS": f"ipc://{self.folder}/bus.gateway-*.sock"}
        return {"NEXUS_BUS": ",".join(f"tcp://127.0.0.1:{port}" for port in self._bus_ports.values())}

    # --- life ---

    def start(self):
        if self._knows_gws:
            self._gapis_add()
        self.redis.start().ready()
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.ready()
        if self._knows_gws:
            self.gws.register().raise_for_status()
        self.wait_for("green")
        return self

    def _gapis_add(self):
        """The row that tells Nexus where GWS is."""
        self.query("insert into nex_gapis (url, clientid, apikey, clientsecret, created, region, authinturl, authexturl)"
                   " values (%s, %s, 'NA', %s, now(), null, %s, %s)",
                   self.gws.url, CLIENT, self.gws.client_secret, self.gws.url, self.gws.url)

    def __getitem__(self, name):
        return self.redis if name == "redis" else self.processes[name]

    def all_alive(self):
        return all(process.alive for process in [self.redis, *self.processes.values()])

    def running(self, *programs):
        """Their processes that are alive."""
        return [p for p in self.processes.values() if p.alive and p.name.rsplit("-", 1)[0] in programs]

    def finish(self):
        """Stops everything in order and checks what must hold after every test."""
        problems = [f"a label has a value that nobody declared: {series}" for series in self._undeclared_labels()]
        for order in (("gateway", "simulator"), WORKERS, ("metrics-agent",)):
            leaving = self.running(*order)
            for process in leaving:
                process.ask_to_stop()
            for process in leaving:
                try:
                    code = process.wait()
                    if code != 0:
                        problems.append(f"{process.name} exited with {code}:\n{process.tail()}")
                except AssertionError as hung:
                    problems.append(str(hung))
        if self.redis.alive:
            self.redis.stop()
        watch.forget(self)
        problems += self.broken_promises()
        self.postgres.drop_database(self.database)
        if not problems:
            shutil.rmtree(self.folder)
        assert not problems, "\n".join(problems)

    def broken_promises(self):
        """The ledger balances, no sanitizer spoke, every answer was as documented, and no log knows a number, a text or a
        secret."""
        problems, self.broken = self.broken, []
        imbalance = self.imbalance()
        if imbalance:
            problems.append(f"the ledger does not balance: {imbalance}")
        for process in self.processes.values():
            if process.sanitizer_reports():
                problems.append(f"{process.name}:\n{process.sanitizer_reports()}")
            for file in (process.log, process.errors):
                text = file.read_text(errors="replace") if file.exists() else ""
                problems += [f"{file.name} shows {word!r}" for word in self.private if word in text]
        return problems

    def _undeclared_labels(self):
        try:
            return label_values.undeclared(Scrape(self)) if self.processes["metrics-agent-0"].alive else []
        except requests.RequestException:
            return []  # the test has left it frozen

    def imbalance(self):
        """Rows of the ledger whose two sides differ."""
        return [row for row in self.query("select * from ledger where imbalance <> 0")]

    def bring_back(self, name):
        """Starts a worker again and waits until every gateway knows it and its database."""
        self.processes[name].restart()
        for gateway in self._http_ports:
            if self.processes[f"gateway-{gateway}"].alive:
                eventually(lambda: self._knows(gateway, name), f"gateway-{gateway} knows {name}")

    def _knows(self, gateway, name):
        return any(worker["instance"] == name and worker["db"] for worker in self.health(gateway).json()["workers"])

    def workers(self, gateway=0):
        """The names of those that grant this gateway credit."""
        return {worker["instance"] for worker in self.health(gateway).json()["workers"]}

    # --- what operators do ---

    def query(self, statement, *parameters):
        connection = self.postgres.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def nexusctl(self, *words, check=True, standard_input=None, failpoints=""):
        environment = {"PATH": os.environ["PATH"], **self.postgres.urls(self.database),
                       **{name: str(value) for name, value in self._secrets().items()},
                       "NEXUS_FAILPOINTS": failpoints}
        done = subprocess.run([self.binaries / "nexusctl", *[str(word) for word in words]], env=environment, text=True,
                              input=standard_input, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0 or not check, f"nexusctl {words} exited with {done.returncode}: {done.stderr}"
        return done

    def apply(self, document):
        """Provisions what the document says, as an operator would from a file."""
        file = self.folder / "apply.json"
        file.write_text(json.dumps(document))
        self.nexusctl("apply", "-f", file)
        file.unlink()

    # --- what can be seen from outside ---

    def bus_port(self, gateway=0):
        return self._bus_ports[gateway]

    def url(self, gateway=0):
        return f"http://127.0.0.1:{self._http_ports[gateway]}"

    def urls(self):
        return [self.url(gateway) for gateway in self._http_ports]

    def operator(self, gateway=0):
        """ops, who belongs to no contact center, logged in at GWS."""
        return User(self, gateway, self.gws.token("ops"))

    def address(self, gateway=0):
        """For bare sockets."""
        return "127.0.0.1", self._http_ports[gateway]

    @property
    def simulator_url(self):
        return f"http://127.0.0.1:{self.simulator_port}"

    def health(self, gateway=0):
        return requests.get(f"{self.url(gateway)}/health/detail", timeout=5)

    def wait_for(self, colour, within=20.0):
        for gateway in self._http_ports:
            if self.processes[f"gateway-{gateway}"].alive:
                eventually(lambda: self._colour(gateway) == colour, f"health of gateway-{gateway} is {colour}", within)

    def wait_until_well(self, within=20.0):
        """Green, or yellow for nothing but customers' destinations."""
        eventually(lambda: self.db_is_ready() and self.causes() <= {"destination.failing", "destination.off"},
                   "health knows of nothing but destinations", within)

    def causes(self):
        return {cause["code"] for cause in self.health().json()["causes"]}

    def db_is_ready(self):
        return self.health().json()["db"]["ready"]

    def _colour(self, gateway):
        try:
            return self.health(gateway).json()["state"]
        except requests.RequestException as refused:
            raise AssertionError(refused) from None

    def journal(self, channel=None):
        """The webhooks that the simulator received, in the order of coming, with the time of it."""
        lines = [json.loads(line) for line in self.webhooks.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [{**line, "at": datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()}
                for line in lines if channel in (None, line["channel"])]

    def metrics(self):
        """{"name{labels}": value} of every series there is."""
        text = requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5).text
        series = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in series}

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if series.split("{")[0] == name and all(label in series for label in wanted))

    def tails(self):
        return "".join(process.tail() for process in [self.postgres, self.redis, *self.processes.values()])
