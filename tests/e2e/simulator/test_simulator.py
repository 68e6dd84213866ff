"""Nexus with the simulator: its aggregator posts texts and receipts, its receiver checks the webhooks, and its knobs
cause failures."""

import pytest
import requests

from harness.people import OutboundMessage, Tenant
from harness.wait import LONGEST_ANSWER, eventually


class SimulatedNumber:
    """The simulator's part for the number of one tenant."""

    def __init__(self, stack, **knobs):
        self.base = stack.simulator_url
        self.tenant = Tenant(stack)
        self.channel = self.tenant.number.lstrip("+")
        self.tenant.webhook["url"] = f"{self.base}/gateway/{self.channel}"
        self.tenant.apply()
        self.set(secret=self.tenant.webhook_secret, target=stack.url(), ccid=self.tenant.ccid, key=self.tenant.api_key,
                 receipt_delay_ms=20, **knobs)

    def set(self, **knobs):
        requests.put(f"{self.base}/sim/knobs/{self.channel}", json=knobs, timeout=LONGEST_ANSWER).raise_for_status()

    def send_text(self, phone, text):
        """Sends a text from the phone; the id of the conversation once Nexus has stored the text."""
        sent = requests.post(f"{self.base}/sim/mo", json={"from": phone, "to": self.tenant.number, "text": text}, timeout=LONGEST_ANSWER)
        assert sent.status_code == 202, sent.text
        return eventually(lambda: self.tenant.agent().conversation_with(phone), "the text has arrived")["id"]

    def counts(self):
        return requests.get(f"{self.base}/sim/stats", timeout=LONGEST_ANSWER).json()["channels"][self.channel]

    def shown(self, phone):
        """The messages that the phone shows, in both directions."""
        answer = requests.get(f"{self.base}/sim/messages", params={"number": phone, "count": 100}, timeout=LONGEST_ANSWER)
        return [(message["direction"], message["text"]) for message in answer.json()["messages"]]


def exchange(simulated):
    phone, question = simulated.tenant.phone(), simulated.tenant.text("where is my parcel")
    return phone, question, OutboundMessage(simulated.tenant, simulated.send_text(phone, question))


def test_an_outbound_message_is_delivered_and_its_receipt_arrives(nexus):
    simulated = SimulatedNumber(nexus)

    phone, question, message = exchange(simulated)

    message.becomes("delivered")
    assert simulated.shown(phone) == [("mo", question), ("mt", message.text)]
    counts = simulated.counts()
    assert (counts["badSignatures"], counts["malformed"], counts["orderViolations"], counts["duplicates"]) == (0, 0, 0, 0)
    assert counts["receiptsPosted"] == 2


@pytest.mark.parametrize("knobs", [{"receipts": "early"}, {"duplicate": True}, {"messageId": False}, {"latency_ms": 300, "jitter_ms": 200},
                                   {"error_rate": 0.5}], ids=lambda knobs: "-".join(knobs))
def test_an_outbound_message_is_delivered_once_whatever_the_receiver_does(nexus, knobs):
    simulated = SimulatedNumber(nexus, **knobs)

    phone, question, message = exchange(simulated)

    # Chance may refuse every attempt for which a test has time, so it has an end.
    eventually(lambda: message.state == "delivered" or simulated.counts()["received"] >= 4, "it is delivered or was tried four times", 30)
    simulated.set(error_rate=0)
    message.becomes("delivered", within=30)
    assert simulated.shown(phone) == [("mo", question), ("mt", message.text)]
    assert simulated.counts()["duplicates"] == 0


@pytest.mark.parametrize("receipt, state", [(3, "expired"), (5, "failed"), (8, "failed")])
def test_the_last_receipt_sets_the_state_of_the_message(nexus, receipt, state):
    simulated = SimulatedNumber(nexus, receipt_state=receipt)

    exchange(simulated)[2].becomes(state)


def test_after_a_lost_connection_the_webhook_is_repeated_under_the_same_id(nexus):
    simulated = SimulatedNumber(nexus, drop=True)
    phone, _, message = exchange(simulated)
    eventually(lambda: simulated.counts()["received"] >= 1, "the first webhook has arrived")

    simulated.set(drop=False)

    message.becomes("delivered")
    assert simulated.counts()["distinct"] == 1 and simulated.counts()["received"] >= 2
    assert simulated.shown(phone)[1:] == [("mt", message.text)]


def test_a_wrong_secret_is_refused_by_the_receiver_and_logged(nexus):
    simulated = SimulatedNumber(nexus)
    simulated.set(secret="another secret")

    message = exchange(simulated)[2]

    eventually(lambda: simulated.counts()["badSignatures"] == 1, "the receiver refuses the webhook")
    assert message.state == "accepted"  # an administrator must correct the secret; meanwhile it is sent again at long intervals
    eventually(lambda: "destination.misconfigured" in nexus["sms-worker-0"].log.read_text(), "the log reports it")
