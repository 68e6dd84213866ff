"""The whole job with the simulator as the world outside: its aggregator posts and sends receipts, its gateway checks what
it gets, and its knobs make things go wrong."""

import pytest
import requests

from harness.people import Answer, Tenant
from harness.wait import eventually


class World:
    """The simulator's side of one tenant's number."""

    def __init__(self, stack, **knobs):
        self.base = stack.simulator_url
        self.tenant = Tenant(stack)
        self.channel = self.tenant.number.lstrip("+")
        self.tenant.webhook["url"] = f"{self.base}/gateway/{self.channel}"
        self.tenant.apply()
        self.set(secret=self.tenant.webhook_secret, target=stack.url(), ccid=self.tenant.ccid, key=self.tenant.api_key,
                 receipt_delay_ms=20, **knobs)

    def set(self, **knobs):
        requests.put(f"{self.base}/sim/knobs/{self.channel}", json=knobs, timeout=5).raise_for_status()

    def writes(self, phone, text):
        """The phone sends a text; returns the conversation once Nexus has it."""
        sent = requests.post(f"{self.base}/sim/mo", json={"from": phone, "to": self.tenant.number, "text": text}, timeout=5)
        assert sent.status_code == 202, sent.text
        return eventually(lambda: self.tenant.agent().conversation_with(phone), "the text has arrived")["id"]

    def counts(self):
        return requests.get(f"{self.base}/sim/stats", timeout=5).json()["channels"][self.channel]

    def shown(self, phone):
        """What stands on the phone's screen, both directions."""
        answer = requests.get(f"{self.base}/sim/messages", params={"number": phone, "count": 100}, timeout=5)
        return [(message["direction"], message["text"]) for message in answer.json()["messages"]]


def talk(world):
    phone, question = world.tenant.phone(), world.tenant.text("where is my parcel")
    return phone, question, Answer(world.tenant, world.writes(phone, question))


def test_a_text_is_answered_and_the_answers_receipt_comes_back(nexus):
    world = World(nexus)

    phone, question, answer = talk(world)

    answer.becomes("delivered")
    assert world.shown(phone) == [("mo", question), ("mt", answer.text)]
    counts = world.counts()
    assert (counts["badSignatures"], counts["malformed"], counts["orderViolations"], counts["duplicates"]) == (0, 0, 0, 0)
    assert counts["receiptsPosted"] == 2


@pytest.mark.parametrize("knobs", [{"receipts": "early"}, {"duplicate": True}, {"messageId": False}, {"latency_ms": 300, "jitter_ms": 200},
                                   {"error_rate": 0.5}], ids=lambda knobs: "-".join(knobs))
def test_whatever_the_gateway_does_the_answer_is_delivered_once(nexus, knobs):
    world = World(nexus, **knobs)

    phone, question, answer = talk(world)

    answer.becomes("delivered", within=30)
    assert world.shown(phone) == [("mo", question), ("mt", answer.text)]
    assert world.counts()["duplicates"] == 0


@pytest.mark.parametrize("receipt, state", [(3, "expired"), (5, "failed"), (8, "failed")])
def test_the_last_receipt_says_what_became_of_it(nexus, receipt, state):
    world = World(nexus, receipt_state=receipt)

    talk(world)[2].becomes(state)


def test_a_lost_connection_leads_to_a_second_webhook_under_the_same_id(nexus):
    world = World(nexus, drop=True)
    phone, _, answer = talk(world)
    eventually(lambda: world.counts()["received"] >= 1, "the first webhook has come")

    world.set(drop=False)

    answer.becomes("delivered")
    assert world.counts()["distinct"] == 1 and world.counts()["received"] >= 2
    assert world.shown(phone)[1:] == [("mt", answer.text)]


def test_a_wrong_secret_is_noticed_by_the_gateway_and_by_the_operator(nexus):
    world = World(nexus)
    world.set(secret="another secret")

    answer = talk(world)[2]

    eventually(lambda: world.counts()["badSignatures"] == 1, "the gateway refuses it")
    assert answer.state == "accepted"  # somebody must mend the configuration; it is tried again, slowly
    eventually(lambda: "destination.misconfigured" in nexus["sms-worker-0"].log.read_text(), "the log says so")
