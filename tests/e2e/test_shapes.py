"""Any number of each process, in any order, over any transport."""

import collections
import concurrent.futures
import threading

import pytest

from harness.people import Tenant
from harness.stack import curve_pair
from harness.wait import eventually


class Load:
    """Aggregators that post without pause; each remembers every answer it got."""

    def __init__(self, tenant, clients=8, gateway=0):
        self.tenant = tenant
        self.answers = collections.Counter()
        self.accepted = set()
        self._stop = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(clients)
        self._running = [self._pool.submit(self._post, client, gateway) for client in range(clients)]

    def _post(self, client, gateway):
        aggregator, phone, count = self.tenant.aggregator(gateway), self.tenant.phone(), 0
        while not self._stop.is_set():
            count += 1
            name = f"{client}-{count}"
            status = aggregator.message(phone, "load", message_id=name).status_code
            self.answers[status] += 1
            if status == 200:
                self.accepted.add(name)

    def reaches(self, more):
        goal = len(self.accepted) + more
        eventually(lambda: len(self.accepted) >= goal, f"{more} more messages are accepted", within=30)

    def stop(self):
        self._stop.set()
        for client in self._running:
            client.result(30)
        self._pool.shutdown()

    def stored(self):
        return {row[0] for row in self.tenant.stack.query("select external_id from message")}


@pytest.mark.parametrize("bus", ["ipc", "tcp"])
def test_two_of_everything_carry_the_whole_job(make_stack, bus):
    stack = make_stack(gateways=2, chat_workers=2, sms_workers=2, provisioning_workers=2, bus=bus)
    tenant = Tenant(stack)

    for number in range(20):
        phone = tenant.phone()
        assert tenant.aggregator(number % 2).message(phone).status_code == 200
        conversation = tenant.agent((number + 1) % 2).conversation_with(phone)
        assert tenant.agent(number % 2).answer(conversation["id"]).status_code == 200

    eventually(lambda: {row[0] for row in stack.query("select state from message where direction = 2")} <= {4, 5},
               "all answers are sent")


def test_a_worker_without_the_right_key_is_not_let_in(make_stack):
    stack = make_stack(bus="tcp")
    stranger = stack.add("sms-worker", 1)
    public, secret = curve_pair()
    stranger.environment.update(NEXUS_CURVE_PUBLIC=public, NEXUS_CURVE_SECRET=secret)

    stranger.start()

    eventually(lambda: "sms-worker-0" in stack.workers(), "the known worker is there")
    assert "sms-worker-1" not in stack.workers()


def test_a_worker_started_later_is_used(make_stack):
    stack = make_stack()
    load = Load(Tenant(stack))
    load.reaches(20)

    stack.add("sms-worker", 1).start().ready()

    eventually(lambda: "sms-worker-1" in stack.workers(), "the new worker grants credit")
    stack["sms-worker-0"].stop()
    load.reaches(20)
    load.stop()
    assert set(load.answers) == {200}


@pytest.mark.parametrize("program", ["sms-worker", "provisioning-worker"])
def test_a_worker_stopped_under_load_costs_no_client_an_error(make_stack, program):
    stack = make_stack(sms_workers=2, provisioning_workers=2)
    load = Load(Tenant(stack))
    load.reaches(50)

    for number in (0, 1, 0):
        name = f"{program}-{number}"
        assert stack[name].stop() == 0
        load.reaches(20)
        stack.bring_back(name)
        load.reaches(20)

    load.stop()
    assert set(load.answers) == {200}
    assert load.accepted == load.stored()


def test_a_chat_worker_stopped_under_load_costs_no_agent_an_error(make_stack):
    stack = make_stack(chat_workers=2)
    tenant = Tenant(stack)
    phone = tenant.phone()
    tenant.aggregator().message(phone)
    agent = tenant.agent()
    conversation = agent.conversation_with(phone)["id"]
    sequences = []

    for number in range(60):
        if number in (20, 40):
            threading.Thread(target=stack[f"chat-worker-{number // 20 - 1}"].stop).start()
        if number == 39:
            eventually(lambda: not stack["chat-worker-0"].alive, "the first worker is gone")
            stack.bring_back("chat-worker-0")
        answer = agent.answer(conversation)
        assert answer.status_code == 200, answer.text
        sequences.append(answer.json()["data"]["sequence"])

    assert sequences == list(range(2, 62))


def test_a_gateway_stopped_under_load_finishes_what_it_took(make_stack):
    stack = make_stack(gateways=2)
    tenant = Tenant(stack)
    load = Load(tenant, gateway=1)
    load.reaches(50)
    aggregator = tenant.aggregator(0)
    assert aggregator.message(message_id="before").status_code == 200

    assert stack["gateway-0"].stop() == 0

    load.reaches(50)
    load.stop()
    assert set(load.answers) == {200}
    assert load.accepted | {"before"} == load.stored()
