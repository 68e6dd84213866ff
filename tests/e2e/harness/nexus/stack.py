"""A complete Nexus: any number of processes of each program, over ipc or tcp, with a database of its own."""

import ctypes
import datetime
import json
import os
import pathlib
import secrets
import select
import shutil
import subprocess
import tempfile
import threading

import requests

from harness.api import watch
from harness.gws import CLIENT, Gws
from harness.nexus.database import FOLDER, Redis
from harness.nexus.ports import free_port
from harness.nexus.process import Process
from harness.people import User
from harness.reading import label_values
from harness.reading.leaks import Logs
from harness.reading.scrape import Scrape
from harness.wait import LONGEST_ANSWER, PATIENCE, eventually

ROOT = pathlib.Path(__file__).parents[4]
BINARIES = pathlib.Path(os.environ.get("NEXUS_BUILD_DIR", ROOT / "build/asan")) / "bin"
KEPT = pathlib.Path("/tmp")  # for the files of a Nexus that failed a check
RELEASE = ROOT / "build/release"  # for tests under a load that is too high for sanitizers
WORKERS = ("chat-worker", "sms-worker", "provisioning-worker")
PROGRAMS = ("gateway", *WORKERS, "metrics-agent", "simulator")
# Of a worker of a Nexus for one test: one batch gathers while the other commits. Four would take 15 %
# more processor time to start and stop it.
FEW_CONNECTIONS = {"NEXUS_PG_CONNECTIONS": 2}
READABLE = "process.readable=fail"  # NEXUS_FAILPOINTS of a process whose /proc entries a test reads


def curve_pair():
    """(public, secret) in Z85, made by libzmq."""
    public, secret = ctypes.create_string_buffer(41), ctypes.create_string_buffer(41)
    assert ctypes.CDLL("libzmq.so.5").zmq_curve_keypair(public, secret) == 0
    return public.value.decode(), secret.value.decode()


class Stack:
    """Create it, start() it, use it, finish() it. finish() checks what must hold after every test."""

    def __init__(self, postgres, template, gateways=1, chat_workers=1, sms_workers=1, provisioning_workers=1,
                 bus="ipc", settings=None, binaries=BINARIES, knows_gws=True, is_shared=False):
        self.postgres = postgres
        self.is_shared = is_shared  # by many tests: it may have tenants that no test uses
        self.spare_tenants = []
        self.binaries = binaries
        self.database = postgres.create_database(template)
        # The path is short, because paths of sockets must be.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nx-", dir=FOLDER))
        self.processes = {}
        self.broken = []  # answers that differ from the OpenAPI document
        self.private = set()  # phone numbers, texts and secrets, which no log may show
        self._logs = Logs()
        self._connection = None
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
        """Adds one more process of a program and does not start it."""
        if program == "gateway":
            self._http_ports[number], self._bus_ports[number] = free_port(), free_port()
            watch.gateway(self, self._http_ports[number])
            return self._add(program, number, NEXUS_HTTP_PORT=self._http_ports[number],
                             NEXUS_REDIS_URL=f"unix:{self.redis.socket}", NEXUS_DRAIN_DELAY="0s", NEXUS_DEADLINE_FACTOR=PATIENCE,
                             NEXUS_METRICS_URL=f"http://127.0.0.1:{self.metrics_port}/metrics", **self._bus_at_gateway(number))
        return self._add(program, number, NEXUS_PG_URL=self.postgres.worker_url(self.database), **self._secrets(),
                         **self._bus_at_worker(), **({} if self.is_shared else FEW_CONNECTIONS))

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
        """The list of the public keys and their programs."""
        return "\n".join(f"{public} {program}" for program, (public, _) in self.keys.items())

    def _bus_at_gateway(self, number):
        if self._bus == "ipc":
            return {"NEXUS_BUS_BIND": f"ipc://{self.folder}/bus.gateway-{number}.sock"}
        return {"NEXUS_BUS_BIND": f"tcp://127.0.0.1:{self._bus_ports[number]}"}

    def _bus_at_worker(self):
        if self._bus == "ipc":
            return {"NEXUS_BUS": f"ipc://{self.folder}/bus.gateway-*.sock"}
        return {"NEXUS_BUS": ",".join(f"tcp://127.0.0.1:{port}" for port in self._bus_ports.values())}

    # --- start and stop ---

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
        self.wait_for("green")  # of several workers it needs one
        self.wait_for_workers()
        return self

    def wait_for_workers(self):
        """Waits until every gateway can use every worker that runs."""
        workers = {worker.name for worker in self.running(*WORKERS)}
        for gateway in self._http_ports:
            eventually(lambda: workers <= self.serving_workers(gateway), f"gateway-{gateway} uses all workers", 20)

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
        """The living processes of these programs."""
        return [p for p in self.processes.values() if p.alive and p.name.rsplit("-", 1)[0] in programs]

    def finish(self):
        """Stops everything in its order and checks what must hold after every test."""
        problems = [f"a label has an undeclared value: {series}" for series in self._undeclared_labels()]
        for order in (("gateway", "simulator"), WORKERS, ("metrics-agent",)):
            stopping = self.running(*order)
            for process in stopping:
                process.ask_to_stop()
            for process in stopping:
                try:
                    code = process.wait()
                    if code != 0:
                        problems.append(f"{process.name} exited with {code}:\n{process.tail()}")
                except AssertionError as hung:
                    problems.append(str(hung))
        if self.redis.alive:
            self.redis.stop()
        watch.forget(self)
        problems += self.violations()
        if self._connection:
            self._connection.close()
        self.postgres.drop_database(self.database)
        if not problems:
            shutil.rmtree(self.folder)
        elif self.folder.parent != KEPT:
            kept = shutil.copytree(self.folder, KEPT / self.folder.name, ignore=lambda folder, names: [
                name for name in names if pathlib.Path(folder, name).is_socket()])
            shutil.rmtree(self.folder)
            problems.append(f"its files are in {kept}")
        assert not problems, "\n".join(problems)

    def violations(self):
        """Problems: an unbalanced ledger, reports of sanitizers, answers that differ from the document, and logs that show a number,
        a text or a secret."""
        problems, self.broken = self.broken, []
        imbalance = self.imbalance()
        if imbalance:
            problems.append(f"the ledger is not balanced: {imbalance}")
        drift = self.query("select * from ledger_compared('-infinity', 'infinity', 0) where booked <> counted")
        if drift:
            problems.append(f"the sums of the ledger are wrong: {drift}")
        for process in self.processes.values():
            if process.sanitizer_reports():
                problems.append(f"{process.name}:\n{process.sanitizer_reports()}")
            for file in (process.log, process.errors):
                problems += [f"{file.name} shows {word!r}" for word in self._logs.shows(file, self.private)]
        return problems

    def _undeclared_labels(self):
        try:
            return label_values.undeclared(Scrape(self)) if self.processes["metrics-agent-0"].alive else []
        except requests.RequestException:
            return []  # the test has frozen metrics-agent

    def imbalance(self):
        """Rows of the ledger that are not balanced."""
        return [row for row in self.query("select * from ledger where imbalance <> 0")]

    def bring_back(self, name):
        """Restarts a process. A worker: waits until every gateway reports it with its database. A gateway may not have noticed yet that
        the old process is gone, so the new one must have greeted it."""
        gateways = {gateway: self._greetings(gateway, name) for gateway in self._http_ports if self.processes[f"gateway-{gateway}"].alive}
        self.processes[name].restart()
        for gateway, before in gateways.items() if name.startswith(WORKERS) else ():
            eventually(lambda: self._greetings(gateway, name) > before and name in self.serving_workers(gateway),
                       f"gateway-{gateway} uses {name}", 20)

    def _greetings(self, gateway, worker):
        """How often a worker has connected to a gateway."""
        return self.processes[f"gateway-{gateway}"].log.read_text().count(f'"event":"bus.worker_came","worker":"{worker}"')

    def workers(self, gateway=0):
        """The names of the workers that are connected to this gateway."""
        return {worker["instance"] for worker in self.health(gateway).json()["workers"]}

    def serving_workers(self, gateway=0):
        """Those of them that can do what it asks: a worker whose database takes long to answer connects before it can."""
        return {worker["instance"] for worker in self.health(gateway).json()["workers"] if worker["db"]}

    # --- what operators do ---

    def query(self, statement, *parameters):
        if threading.current_thread() is not threading.main_thread():  # the main thread's connection is not shared
            return _query(self.postgres.connect(self.database), statement, parameters, close=True)
        if self._connection is None or _has_ended(self._connection):
            self._connection = self.postgres.connect(self.database)
        _query(self._connection, "discard all", ())  # so that it behaves like a new connection
        return _query(self._connection, statement, parameters)

    def copy_database(self):
        """Copies the database while no program is connected, and returns the name of the copy."""
        if self._connection:
            self._connection.close()  # query() opens another one
        return self.postgres.create_database(template=self.database)

    def nexusctl(self, *words, check=True, standard_input=None, failpoints="", binaries=None):
        environment = {"PATH": os.environ["PATH"], **self.postgres.urls(self.database),
                       **{name: str(value) for name, value in self._secrets().items()},
                       "NEXUS_FAILPOINTS": failpoints}
        done = subprocess.run([(binaries or self.binaries) / "nexusctl", *[str(word) for word in words]], env=environment, text=True,
                              input=standard_input, capture_output=True, timeout=60 * PATIENCE, check=False)
        assert done.returncode == 0 or not check, f"nexusctl {words} exited with {done.returncode}: {done.stderr}"
        return done

    def nexusctl_json(self, *words):
        """What nexusctl prints as JSON."""
        return json.loads(self.nexusctl(*words, "--json").stdout)

    def apply(self, document):
        """Provisions what the document says, as an operator does. Nearly every test begins with it, so it uses the release build;
        the tests of nexusctl use the one with sanitizers."""
        self.nexusctl("apply", "-f", "-", standard_input=json.dumps(document), binaries=RELEASE / "bin")

    # --- what is visible from outside ---

    def bus_port(self, gateway=0):
        return self._bus_ports[gateway]

    def url(self, gateway=0):
        return f"http://127.0.0.1:{self._http_ports[gateway]}"

    def urls(self):
        return [self.url(gateway) for gateway in self._http_ports]

    def operator(self, gateway=0):
        """The user ops, who belongs to no contact center, logged in at GWS."""
        return User(self, gateway, self.gws.token("ops"))

    def address(self, gateway=0):
        """The address for sockets."""
        return "127.0.0.1", self._http_ports[gateway]

    @property
    def simulator_url(self):
        return f"http://127.0.0.1:{self.simulator_port}"

    def health(self, gateway=0):
        return requests.get(f"{self.url(gateway)}/health/detail", timeout=LONGEST_ANSWER)

    def wait_for(self, colour, within=20.0):
        for gateway in self._http_ports:
            if self.processes[f"gateway-{gateway}"].alive:
                eventually(lambda: self._colour(gateway) == colour, f"health of gateway-{gateway} is {colour}", within)

    def wait_until_well(self, within=20.0):
        """Waits until health is green, or yellow because of destinations only."""
        eventually(lambda: self.db_is_ready() and self.causes() <= {"destination.failing", "destination.off"},
                   "health names no cause but destinations", within)

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
        """The webhooks that the simulator received, in the order of arrival, each with its time."""
        lines = [json.loads(line) for line in self.webhooks.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [{**line, "at": datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()}
                for line in lines if channel in (None, line["channel"])]

    def metrics(self):
        """{"name{labels}": value} of every series."""
        text = requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=LONGEST_ANSWER).text
        series = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in series}

    def metric(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if series.split("{")[0] == name and all(label in series for label in wanted))

    def tails(self):
        return "".join(process.tail() for process in [self.postgres, self.redis, *self.processes.values()])


def _query(connection, statement, parameters, close=False):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        if close:
            connection.close()


def _has_ended(connection):
    """Whether PostgreSQL has closed the connection: an idle connection is readable only then."""
    return bool(connection.closed or select.select([connection], [], [], 0)[0])
