"""What probes, health and callers are told in each state of what Nexus rests on, with real processes stopped."""

import http.client
import signal

import pytest
import requests

from harness.people import Tenant, conversation_of
from harness.stack import WORKERS
from harness.wait import eventually


class Town:
    """A Nexus with a tenant that has been at work, so that its callers are known."""

    def __init__(self, stack, postgres):
        self.stack, self.postgres = stack, postgres
        self.tenant = Tenant(stack)
        self.aggregator, self.agent = self.tenant.aggregator(), self.tenant.agent()
        self.ledger = self.tenant.agent()
        self.ledger.session.headers.update({"Authorization": f"Bearer {self.tenant.cluster_key}", "x-ccid": self.tenant.ccid})
        self.conversation = conversation_of(self.tenant)
        self.stranger = Tenant(stack)  # whom no gateway has seen
        assert self.answers() == dict.fromkeys(CALLERS, 200)

    def answers(self):
        """A status for each kind of call."""
        calls = {"text in": self.aggregator.message, "answer": lambda: self.agent.answer(self.conversation),
                 "conversations": lambda: self.agent.get("/chat/v3/conversations"),
                 "ledger": lambda: self.ledger.get("/nexus/v3/ledger")}
        return {name: call().status_code for name, call in calls.items()}

    def probes(self):
        return {probe: probe_of(self.stack, probe).status_code for probe in ("live", "startup", "ready")}

    # --- what can be done to it ---

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
    return requests.get(f"{stack.url(gateway)}/health/{probe}", timeout=5)


CALLERS = ("text in", "answer", "conversations", "ledger")
READY = {"live": 200, "startup": 200, "ready": 200}
UNREADY = {**READY, "ready": 503}


def all_but(*refused):
    return {caller: 503 if caller in refused else 200 for caller in CALLERS}


def without(program):
    return (lambda town: town.stop(program), lambda town: town.start(program))


# state: what breaks it, what mends it; probes, health/detail's state and its status, why; what callers get
STATES = {
    "everything is up": (Town.nothing, Town.nothing, READY, ("green", 200), [], all_but()),
    "PostgreSQL is down": (
        Town.crash_postgresql, Town.start_postgresql, UNREADY, ("red", 503), ["no worker reaches PostgreSQL"], all_but(*CALLERS)),
    "PostgreSQL is a standby": (
        Town.demote_postgresql, Town.promote_postgresql, UNREADY, ("red", 503), ["PostgreSQL is read-only"],
        all_but(*CALLERS)),
    "PostgreSQL refuses writes": (
        Town.forbid_writes, Town.allow_writes, UNREADY, ("red", 503), ["PostgreSQL is read-only"], all_but(*CALLERS)),
    "Redis is down": (
        Town.kill_redis, Town.start_redis, READY, ("yellow", 200), ["Redis does not answer"], all_but()),
    "no chat-worker": (
        *without("chat-worker"), READY, ("yellow", 200), ["no chat-worker takes requests"], all_but("answer", "conversations")),
    "no sms-worker": (
        *without("sms-worker"), READY, ("yellow", 200), ["no sms-worker takes requests"], all_but("text in", "ledger")),
    "no provisioning-worker": (
        *without("provisioning-worker"), READY, ("yellow", 200), ["no provisioning-worker takes requests"], all_but()),
    "no worker at all": (
        lambda town: town.stop(*WORKERS), lambda town: town.start(*WORKERS), UNREADY, ("red", 503),
        ["no worker reaches PostgreSQL"], all_but(*CALLERS)),
}


@pytest.fixture
def town(make_stack, postgres):
    return Town(make_stack(), postgres)


def test_each_state_of_what_nexus_rests_on_has_its_answers(town):
    for state, (break_it, mend_it, probes, (colour, status), reasons, answers) in STATES.items():
        break_it(town)
        try:
            town.stack.wait_for(colour)

            eventually(lambda: town.stack.health().json()["reasons"] == reasons, f"{state}: health says why")
            assert town.stack.health().status_code == status, state
            assert town.probes() == probes, state
            assert town.answers() == answers, state
        finally:
            mend_it(town)
        town.stack.wait_for("green")


def test_the_parts_of_health_detail_follow_the_state(town):
    def parts():
        health = town.stack.health().json()
        return health["db"]["ready"], health["cache"], {worker["instance"] for worker in health["workers"]}

    everybody = {f"{program}-0" for program in WORKERS}
    assert parts() == (True, {"ready": True, "state": "READY"}, everybody)

    town.kill_redis()
    town.stop("chat-worker")
    eventually(lambda: parts() == (True, {"ready": False, "state": "DOWN"}, everybody - {"chat-worker-0"}), "both are missed")

    town.crash_postgresql()
    eventually(lambda: parts()[0] is False, "PostgreSQL is missed")


def test_a_caller_whom_no_gateway_knows_waits_for_a_provisioning_worker(town):
    town.stop("provisioning-worker")
    town.stack.wait_for("yellow")

    assert town.stranger.aggregator().message().status_code == 503

    town.start("provisioning-worker")
    town.stack.wait_for("green")
    assert town.stranger.aggregator().message().status_code == 200


def test_a_gateway_that_no_worker_knows_has_not_started(make_stack):
    stack = make_stack(bus="tcp")  # the workers were told where gateway-0 is, and of no other
    stack.add("gateway", 1).restart()

    assert [probe_of(stack, probe, 1).status_code for probe in ("live", "startup", "ready")] == [200, 503, 503]
    assert stack.health(1).json()["state"] == "red"
    assert [probe_of(stack, probe, 0).status_code for probe in ("live", "startup", "ready")] == [200, 200, 200]


def test_a_gateway_that_drains_says_so_on_the_connections_it_still_has(town):
    gateway, asked = town.stack["gateway-0"], ("live", "startup", "ready", "detail")
    kept = {probe: http.client.HTTPConnection(*town.stack.address(), timeout=5) for probe in asked}
    for connection in kept.values():
        lives(connection)
    parked = http.client.HTTPConnection(*town.stack.address(), timeout=10)
    town.stack["sms-worker-0"].freeze()
    parked.request("GET", "/nexus/v3/ledger", headers=dict(town.ledger.session.headers))
    lives(kept["live"])  # what was sent before is read by now, and waits for its worker

    gateway.send(signal.SIGTERM)
    eventually(lambda: "service.draining" in gateway.log.read_text(), "it has heard")

    answers = {}
    for probe, connection in kept.items():
        connection.request("GET", f"/health/{probe}")
        answers[probe] = connection.getresponse()
    assert {probe: answer.status for probe, answer in answers.items()} == {**UNREADY, "detail": 200}
    assert b'"reasons":["this gateway drains"]' in answers["detail"].read()
    town.stack["sms-worker-0"].thaw()
    assert parked.getresponse().status == 200
    assert gateway.wait() == 0


def lives(connection):
    connection.request("GET", "/health/live")
    assert connection.getresponse().read() == b'{"live":true}'


def test_health_says_what_waits(town):
    requests.put(f"{town.stack.simulator_url}/sim/knobs", json={"latency_ms": 3000}).raise_for_status()
    for _ in range(45):
        assert town.agent.answer(town.conversation).status_code == 200

    def waits():
        queues = {queue["name"]: queue for queue in town.stack.health().json()["queues"]}
        assert {"calls", "deliveries"} <= set(queues), queues
        return queues["deliveries"]["depth"] > 0 and queues["deliveries"]["oldestMs"] > 0

    eventually(waits, "deliveries wait", within=20)
    requests.put(f"{town.stack.simulator_url}/sim/knobs", json={"latency_ms": 0}).raise_for_status()


# --- a pod whose processes have no port of their own asks the agent ---

def pod(stack, probe):
    return requests.get(f"http://127.0.0.1:{stack.metrics_port}/health/{probe}", timeout=5)


def reporting(stack):
    return {f"{p['process']}-{p['slot']}" for p in pod(stack, "ready").json()["processes"]}


def test_the_agent_answers_the_probes_of_a_pod(town):
    stack = town.stack
    eventually(lambda: reporting(stack) == set(stack.processes) - {"metrics-agent-0"}, "all report")
    eventually(lambda: [pod(stack, probe).status_code for probe in ("live", "startup", "ready")] == [200, 200, 200],
               "all have reached their databases")

    stack["sms-worker-0"].kill()
    eventually(lambda: pod(stack, "ready").status_code == 503, "a process that reports no more is missed", within=15)
    assert [pod(stack, probe).status_code for probe in ("live", "startup")] == [200, 200]

    stack.bring_back("sms-worker-0")
    eventually(lambda: pod(stack, "ready").status_code == 200, "its successor takes its place")


def test_the_agent_says_which_process_is_without_its_database(town):
    eventually(lambda: pod(town.stack, "ready").status_code == 200, "all report")

    town.crash_postgresql()

    eventually(lambda: pod(town.stack, "ready").status_code == 503, "the workers say so")
    blamed = {p["process"] for p in pod(town.stack, "ready").json()["processes"] if p.get("db") is False}
    assert blamed <= set(WORKERS) and blamed
    assert pod(town.stack, "live").status_code == 200
