"""Phones that send texts and agents that write outbound messages, at a steady rate, while a test breaks something. Like any
caller they repeat what was not acknowledged, and they record what was."""

import collections
import dataclasses
import itertools
import json
import subprocess
import threading

import requests

from harness.answers import data_of
from harness.nexus.stack import RELEASE
from harness.wait import LONGEST_ANSWER, eventually

LOAD = RELEASE / "bench/load"
NUMBERS = "+165000"  # prefix of the phone numbers that bench/load uses
MESSAGE = "Is my parcel on its way?"


@dataclasses.dataclass(frozen=True)
class Accepted:
    """An outbound message, as its 200 described it."""

    client_id: str
    id: str
    conversation: str
    sequence: int


FOR_EVER = 600  # seconds, for a test that ends its traffic itself


class Traffic:
    """Starts at once. Each gateway gets its share of the texts; each agent goes to the next gateway when one fails.
    The texts end after the given seconds, or with finish()."""

    def __init__(self, tenant, rate=500, seconds=None, phones=200, agents=2):
        self.tenant, self.stack, self.rate, self.seconds = tenant, tenant.stack, rate, seconds
        self.texts = set()       # message_id of every text that was acknowledged
        self.answers = []        # Accepted
        self.contradictions = [] # outbound messages whose repetition got another answer
        self.statuses = collections.Counter()
        self._gateways = range(len(self.stack.running("gateway")))
        self._words = tenant.text("outbound")
        self.stack.private |= {NUMBERS, MESSAGE}
        self._journals = [self.stack.folder / f"acknowledged-{number}" for number in self._gateways]
        self._loads = [self._load(number, rate // len(self._gateways), phones) for number in self._gateways]
        self._conversations = eventually(self._some_conversations, "phones have begun conversations")
        self._stopping, self._abandoned = threading.Event(), threading.Event()
        self._agents = [threading.Thread(target=self._write, args=[number], daemon=True) for number in range(agents)]
        for agent in self._agents:
            agent.start()

    @property
    def flows(self):
        """Whether texts are still being sent."""
        return all(load.poll() is None for load in self._loads)

    @property
    def acknowledged(self):
        """How many texts and how many outbound messages were acknowledged so far."""
        return sum(journal.read_text().count("\n") for journal in self._journals if journal.exists()), len(self.answers)

    def finish(self):
        """Waits until everything that was sent is acknowledged, and collects the results."""
        reports = []
        for load in self._loads:
            if not self.seconds:
                load.terminate()
            output, errors = load.communicate(timeout=(self.seconds or 0) + 240)
            assert load.returncode == 0, f"not everything was acknowledged: {output}{errors}"
            reports.append(json.loads(output))
        self._stopping.set()
        for agent in self._agents:
            agent.join(3 * LONGEST_ANSWER)
            assert not agent.is_alive(), "an agent still waits for the 200 of its message"
        for report, journal in zip(reports, self._journals):
            self.statuses.update({int(status): count for status, count in report["statuses"].items()})
            acknowledged = set(journal.read_text().split())
            assert len(acknowledged) == report["acknowledged"]
            self.texts |= acknowledged
        assert sum(report["made"] for report in reports) >= self.rate * (self.seconds or 0) - len(reports)
        return self

    def abandon(self):
        """Stops all traffic after a failure."""
        self._stopping.set()
        self._abandoned.set()
        for load in self._loads:
            load.kill()
            load.communicate()

    def _load(self, gateway, rate, phones):
        return subprocess.Popen(
            [LOAD, "--port", str(self.stack.url(gateway).rsplit(":", 1)[1]), "--ccid", self.tenant.ccid,
             "--key", self.tenant.api_key, "--number", self.tenant.number, "--rate", str(rate), "--connections", "64",
             "--seconds", str(self.seconds or FOR_EVER), "--phones", str(phones), "--name", f"text-{gateway}",
             "--journal", self._journals[gateway]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _some_conversations(self):
        found = self.tenant.agent().conversations()
        return len(found) >= 20 and [conversation["id"] for conversation in found]

    def _write(self, number):
        callers = itertools.cycle([self.tenant.agent(gateway) for gateway in self._gateways])
        caller = next(callers)
        for count in itertools.count():
            if self._stopping.is_set():
                return
            # Each agent cycles through all conversations, and begins at another one.
            conversation = self._conversations[(count + 7 * number) % len(self._conversations)]
            client_id, first = f"answer-{number}-{count}", None
            # Every tenth is posted twice although it was acknowledged: its 200 could have been lost.
            for _ in range(2 if count % 10 == 0 else 1):
                while not (accepted := self._post(caller, conversation, client_id)):
                    caller = next(callers)
                    if self._abandoned.wait(0.05):
                        return
                first = first or accepted
                if accepted != first:
                    self.contradictions.append((first, accepted))
            self.answers.append(first)
            self._stopping.wait(0.01)

    def _post(self, caller, conversation, client_id):
        try:
            answer = caller.send(conversation, self._words, client_id=client_id)
        except requests.RequestException:
            return None  # the gateway has stopped
        self.statuses[answer.status_code] += 1
        if answer.status_code != 200:
            return None
        data = data_of(answer)
        return Accepted(client_id, data["id"], conversation, data["sequence"])
