"""Any number of processes of each program, started and stopped in any order, over both transports."""

import concurrent.futures
import threading

import pytest

from harness.answers import data_of
from harness.load.fault_run import PATIENT
from harness.nexus.stack import curve_pair
from harness.people import Tenant
from harness.reading import messages
from harness.wait import eventually


class Load:
    """Aggregators that post without pause and record the answers."""

    def __init__(self, tenant, clients=8, gateway=0):
        self.tenant = tenant
        self.accepted = set()  # message ids
        self.errors = []       # every other answer: status, body
        self._stop = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(clients)
        self._running = [self._pool.submit(self._post, client, gateway) for client in range(clients)]

    def _post(self, client, gateway):
        aggregator, phone, count = self.tenant.aggregator(gateway), self.tenant.phone(), 0
        while not self._stop.is_set():
            count += 1
            name = f"{client}-{count}"
            answer = aggregator.message(phone, "load", message_id=name)
            if answer.status_code == 200:
                self.accepted.add(name)
            else:
                self.errors.append((answer.status_code, answer.text))

    def reaches(self, more):
        goal = len(self.accepted) + more
        eventually(lambda: len(self.accepted) >= goal, f"{more} more messages are accepted", within=30)

    def stop(self):
        self._stop.set()
        for client in self._running:
            client.result()
        self._pool.shutdown()

    def stored(self, gateway=0):
        return {message["externalId"] for message in messages.all_messages(self.tenant, gateway)}


@pytest.mark.parametrize("bus", ["ipc", "tcp"])
def test_two_processes_of_each_program_serve_texts_and_outbound_messages(make_stack, bus):
    stack = make_stack(gateways=2, chat_workers=2, sms_workers=2, provisioning_workers=2, bus=bus)
    tenant = Tenant(stack)

    for number in range(20):
        phone = tenant.phone()
        assert tenant.aggregator(number % 2).message(phone).status_code == 200
        conversation = tenant.agent((number + 1) % 2).conversation_with(phone)
        assert tenant.agent(number % 2).send(conversation["id"]).status_code == 200

    eventually(lambda: messages.states(tenant) <= {"sent", "delivered"}, "all outbound messages are sent")
    assert messages.balance(tenant, "out")["accepted"] == 20


def test_a_worker_without_a_valid_key_is_refused(make_stack):
    stack = make_stack(bus="tcp")
    unknown = stack.add("sms-worker", 1)
    public, secret = curve_pair()
    unknown.environment.update(NEXUS_CURVE_PUBLIC=public, NEXUS_CURVE_SECRET=secret)

    unknown.start().ready()

    eventually(lambda: stack.metric("nexus_bus_refused_total", socket="bus", reason="key") > 0, "the refusal is counted")
    assert "sms-worker-1" not in stack.workers()


def test_a_worker_started_later_is_used(make_stack):
    stack = make_stack(**PATIENT)
    load = Load(Tenant(stack))
    load.reaches(20)

    stack.add("sms-worker", 1).start().ready()

    eventually(lambda: "sms-worker-1" in stack.serving_workers(), "the new worker can serve", 20)
    stack["sms-worker-0"].stop()
    load.reaches(20)
    load.stop()
    assert load.errors == []


@pytest.mark.parametrize("program", ["sms-worker", "provisioning-worker"])
def test_a_worker_stopped_under_load_costs_no_client_an_error(make_stack, program):
    stack = make_stack(sms_workers=2, provisioning_workers=2, **PATIENT)
    load = Load(Tenant(stack))
    load.reaches(50)

    for number in (0, 1, 0):
        name = f"{program}-{number}"
        assert stack[name].stop() == 0
        load.reaches(20)
        stack.bring_back(name)
        load.reaches(20)

    load.stop()
    assert load.errors == []
    assert load.accepted == load.stored()


def test_a_chat_worker_stopped_under_load_costs_no_agent_an_error(make_stack):
    stack = make_stack(chat_workers=2, **PATIENT)
    tenant = Tenant(stack)
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    agent = tenant.agent()
    conversation = agent.conversation_with(phone)["id"]
    sequences = []

    for number in range(60):
        if number in (20, 40):
            stack[f"chat-worker-{number // 20 - 1}"].ask_to_stop()
        if number == 39:
            assert stack["chat-worker-0"].wait() == 0
            stack.bring_back("chat-worker-0")
        answer = agent.send(conversation)
        assert answer.status_code == 200, answer.text
        sequences.append(data_of(answer)["sequence"])

    assert sequences == list(range(2, 62))
    assert stack["chat-worker-1"].wait() == 0


def test_a_gateway_stopped_under_load_finishes_the_requests_it_accepted(make_stack):
    stack = make_stack(gateways=2, **PATIENT)
    tenant = Tenant(stack)
    load = Load(tenant, gateway=1)
    load.reaches(50)
    aggregator = tenant.aggregator(0)
    assert aggregator.message(message_id="before").status_code == 200

    assert stack["gateway-0"].stop() == 0

    load.reaches(50)
    load.stop()
    assert load.errors == []
    assert load.accepted | {"before"} == load.stored(gateway=1)
