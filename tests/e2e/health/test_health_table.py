"""The answers of probes, health and the API in each state of the processes that Nexus depends on, with real processes stopped."""

import http.client
import json
import signal

import pytest
import requests

from harness.nexus.stack import WORKERS
from harness.people import Tenant, conversation_of
from harness.wait import LONGEST_ANSWER, eventually


class Installation:
    """A Nexus with a tenant whose callers the gateways know."""

    def __init__(self, stack, postgres):
        self.stack, self.postgres = stack, postgres
        self.tenant = Tenant(stack)
        self.aggregator, self.agent = self.tenant.aggregator(), self.tenant.agent()
        self.ledger = self.tenant.agent()
        self.ledger.session.headers.update({"Authorization": f"Bearer {self.tenant.cluster_key}", "x-ccid": self.tenant.ccid})
        self.conversation = conversation_of(self.tenant)
        self.stranger = Tenant(stack)  # no gateway knows its callers
        assert self.statuses() == dict.fromkeys(CALLERS, 200)

    def statuses(self):
        """{kind of call: status}."""
        calls = {"text in": self.aggregator.message, "outbound message": lambda: self.agent.send(self.conversation),
                 "conversations": lambda: self.agent.get("/chat/v3/conversations"),
                 "ledger": lambda: self.ledger.get("/nexus/v3/ledger")}
        return {name: call().status_code for name, call in calls.items()}

    def probes(self):
        return {probe: probe_of(self.stack, probe).status_code for probe in ("live", "startup", "ready")}

    # --- changes of its state ---

    def nothing(self):
        pass

    def crash_postgresql(self):
        self.postgres.crash()

    def start_postgresql(self):
        self.postgres.restart()

    def demote_postgresql(self):
        self.postgres.become_standby()

    def promote_postgresql(self):
        self.postgres.promote()

    def forbid_writes(self):
        self.postgres.set("default_transaction_read_only", "on")

    def allow_writes(self):
        self.postgres.set("default_transaction_read_only", "off")

    def kill_redis(self):
        self.stack.redis.kill()

    def start_redis(self):
        self.stack.redis.restart()

    def stop(self, *programs):
        for process in self.stack.running(*programs):
            assert process.stop() == 0

    def start(self, *programs):
        for process in self.stack.processes.values():
            if process.name.rsplit("-", 1)[0] in programs:
                process.restart()


def probe_of(stack, probe, gateway=0):
    return requests.get(f"{stack.url(gateway)}/health/{probe}", timeout=LONGEST_ANSWER)


CALLERS = ("text in", "outbound message", "conversations", "ledger")
READY = {"live": 200, "startup": 200, "ready": 200}
UNREADY = {**READY, "ready": 503}


def all_but(*refused):
    return {caller: 503 if caller in refused else 200 for caller in CALLERS}


def without(program):
    return (lambda installation: installation.stop(program), lambda installation: installation.start(program))


# state: how to cause it, how to end it; statuses of the probes; state, status and reasons of health/detail; statuses of callers
STATES = {
    "everything is up": (Installation.nothing, Installation.nothing, READY, ("green", 200), [], all_but()),
    # Soon, because a gateway knows its callers for a minute only.
    "no provisioning-worker": (
        *without("provisioning-worker"), READY, ("yellow", 200), ["no provisioning-worker takes requests"], all_but()),
    "PostgreSQL is down": (
        Installation.crash_postgresql, Installation.start_postgresql, UNREADY, ("red", 503), ["no worker reaches PostgreSQL"], all_but(*CALLERS)),
    "PostgreSQL is a standby": (
        Installation.demote_postgresql, Installation.promote_postgresql, UNREADY, ("red", 503), ["PostgreSQL is read-only"],
        all_but(*CALLERS)),
    "PostgreSQL refuses writes": (
        Installation.forbid_writes, Installation.allow_writes, UNREADY, ("red", 503), ["PostgreSQL is read-only"], all_but(*CALLERS)),
    "Redis is down": (
        Installation.kill_redis, Installation.start_redis, READY, ("yellow", 200), ["Redis does not answer"], all_but()),
    "no chat-worker": (
        *without("chat-worker"), READY, ("yellow", 200), ["no chat-worker takes requests"], all_but("outbound message", "conversations")),
    "no sms-worker": (
        *without("sms-worker"), READY, ("yellow", 200), ["no sms-worker takes requests"], all_but("text in", "ledger")),
    "no worker at all": (
        lambda installation: installation.stop(*WORKERS), lambda installation: installation.start(*WORKERS), UNREADY, ("red", 503),
        ["no worker reaches PostgreSQL"], all_but(*CALLERS)),
}


@pytest.fixture
def installation(make_stack, postgres):
    return Installation(make_stack(), postgres)


def test_each_state_of_the_dependencies_has_its_probes_health_and_answers(installation):
    def is_shown(status, reasons, probes):
        health = installation.stack.health()
        assert (health.status_code, health.json()["reasons"], installation.probes()) == (status, reasons, probes)
        return True

    for state, (break_it, mend_it, probes, (colour, status), reasons, statuses) in STATES.items():
        # The last state may have made the gateway forget its callers.
        eventually(lambda: installation.statuses() == all_but(), f"the gateway knows its callers before this state: {state}")
        break_it(installation)
        try:
            installation.stack.wait_for(colour)

            # A busy machine may add a reason for a moment.
            eventually(lambda: is_shown(status, reasons, probes), f"{state}: health has the reasons")
            assert installation.statuses() == statuses, state
        finally:
            mend_it(installation)
        installation.stack.wait_for("green")


def test_the_parts_of_health_detail_follow_the_state(installation):
    def parts():
        health = installation.stack.health().json()
        return health["db"]["ready"], health["cache"], {worker["instance"] for worker in health["workers"]}

    workers = {f"{program}-0" for program in WORKERS}
    eventually(lambda: parts() == (True, {"ready": True, "state": "READY"}, workers), "health shows all of them")

    installation.kill_redis()
    installation.stop("chat-worker")
    eventually(lambda: parts() == (True, {"ready": False, "state": "DOWN"}, workers - {"chat-worker-0"}), "health misses both")

    installation.crash_postgresql()
    eventually(lambda: parts()[0] is False, "health misses PostgreSQL")


def test_a_caller_that_no_gateway_knows_needs_a_provisioning_worker(installation):
    installation.stop("provisioning-worker")
    installation.stack.wait_for("yellow")

    assert installation.stranger.aggregator().message().status_code == 503

    installation.start("provisioning-worker")
    installation.stack.wait_for("green")
    assert installation.stranger.aggregator().message().status_code == 200


def test_a_gateway_without_any_worker_is_not_started(make_stack):
    stack = make_stack(bus="tcp")  # the workers know the address of gateway-0 only
    stack.add("gateway", 1).restart()

    assert [probe_of(stack, probe, 1).status_code for probe in ("live", "startup", "ready")] == [200, 503, 503]
    assert stack.health(1).json()["state"] == "red"
    assert [probe_of(stack, probe, 0).status_code for probe in ("live", "startup", "ready")] == [200, 200, 200]


def test_a_gateway_that_drains_says_so_on_the_connections_it_still_has(installation):
    gateway, asked = installation.stack["gateway-0"], ("live", "startup", "ready", "detail")
    kept = {probe: http.client.HTTPConnection(*installation.stack.address(), timeout=LONGEST_ANSWER) for probe in asked}
    for connection in kept.values():
        assert_live(connection)
    parked = http.client.HTTPConnection(*installation.stack.address(), timeout=LONGEST_ANSWER)
    installation.stack["sms-worker-0"].freeze()
    parked.request("GET", "/nexus/v3/ledger", headers=dict(installation.ledger.session.headers))
    assert_live(kept["live"])  # the request of the other connection has been read by now, and waits for its worker
    for connection in kept.values():
        connection.sock.sendall(b"GET ")  # without a byte of a request they would be closed after a second

    gateway.send(signal.SIGTERM)
    eventually(lambda: "service.draining" in gateway.log.read_text(), "the gateway drains")

    answers = {probe: rest_of_request(connection, f"/health/{probe}") for probe, connection in kept.items()}
    assert {probe: status for probe, (status, _) in answers.items()} == {**UNREADY, "detail": 200}
    assert "this gateway drains" in json.loads(answers["detail"][1])["reasons"]  # a worker that is frozen for 4 s is another one
    installation.stack["sms-worker-0"].thaw()
    assert parked.getresponse().status == 200
    assert gateway.wait() == 0


def rest_of_request(connection, path):
    """Sends what follows the method: (status, body) of the answer."""
    connection.sock.sendall(f"{path} HTTP/1.1\r\nHost: nexus\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()
    body = answer.read()
    connection.close()
    return answer.status, body


def assert_live(connection):
    connection.request("GET", "/health/live")
    assert connection.getresponse().read() == b'{"live":true}'


def test_health_shows_the_queues(installation):
    requests.put(f"{installation.stack.simulator_url}/sim/knobs", json={"latency_ms": 3000}).raise_for_status()
    for _ in range(45):
        assert installation.agent.send(installation.conversation).status_code == 200

    def waits():
        queues = {queue["name"]: queue for queue in installation.stack.health().json()["queues"]}
        assert {"calls", "deliveries"} <= set(queues), queues
        return queues["deliveries"]["depth"] > 0 and queues["deliveries"]["oldestMs"] > 0

    eventually(waits, "deliveries wait", within=20)
    requests.put(f"{installation.stack.simulator_url}/sim/knobs", json={"latency_ms": 0}).raise_for_status()


# --- metrics-agent answers the probes of pods whose processes have no port ---

def pod(stack, probe):
    return requests.get(f"http://127.0.0.1:{stack.metrics_port}/health/{probe}", timeout=LONGEST_ANSWER)


def reporting(stack):
    return {f"{p['process']}-{p['slot']}" for p in pod(stack, "ready").json()["processes"]}


def test_the_agent_answers_the_probes_of_a_pod(installation):
    stack = installation.stack
    eventually(lambda: reporting(stack) == set(stack.processes) - {"metrics-agent-0"}, "all processes report")
    eventually(lambda: [pod(stack, probe).status_code for probe in ("live", "startup", "ready")] == [200, 200, 200],
               "all processes have reached their databases")

    stack["sms-worker-0"].kill()
    eventually(lambda: pod(stack, "ready").status_code == 503, "the agent notices that a process does not report any more", within=15)
    assert [pod(stack, probe).status_code for probe in ("live", "startup")] == [200, 200]

    stack.bring_back("sms-worker-0")
    eventually(lambda: pod(stack, "ready").status_code == 200, "the restarted process reports")


def test_the_agent_shows_which_process_has_no_database(installation):
    eventually(lambda: pod(installation.stack, "ready").status_code == 200, "all processes report")

    installation.crash_postgresql()

    def blamed():
        answer = pod(installation.stack, "ready")  # 503 also while a busy machine keeps a process silent
        return answer.status_code == 503 and {p["process"] for p in answer.json()["processes"] if p.get("db") is False}

    assert eventually(blamed, "the workers report it") <= set(WORKERS)
    assert pod(installation.stack, "live").status_code == 200
