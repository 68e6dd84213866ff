"""Receipts under load, with a record of those that were acknowledged."""

import itertools
import json
import threading

import requests

from harness.wait import LONGEST_ANSWER, eventually

DELIVERED = 5  # message_state


class Receipts(threading.Thread):
    """Sends a receipt for each webhook as soon as it has arrived, even before it is answered, and repeats it until it is
    acknowledged."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self._stack, self._over = run.stack, threading.Event()
        self._callers = itertools.cycle([run.tenant.aggregator(gateway) for gateway in (0, 1)])
        self.acknowledged = set()  # ids of messages
        self.start()

    def run(self):
        while not self._over.is_set() or self._new_messages():
            for message in self._new_messages():
                while not self._post(next(self._callers), message):
                    self._over.wait(0.05)
                self.acknowledged.add(message)
            self._over.wait(0.02)

    def finish(self):
        """Call it after the traffic has ended. Returns the receipts without the effect that their 200 promised."""
        self._over.set()
        self.join(3 * LONGEST_ANSWER)
        assert not self.is_alive(), "a receipt still waits for its 200"
        eventually(lambda: not self._stack.query("select 1 from receipt where message_id is null"), "every receipt is bound", 30)
        states = dict(self._stack.query("select id::text, state from message where direction = 2"))
        return [f"{id} is in state {states.get(id)}" for id in self.acknowledged if states.get(id) != DELIVERED]

    def _new_messages(self):
        lines = self._stack.webhooks.read_text().splitlines(keepends=True)
        return {json.loads(line)["messageId"] for line in lines if line.endswith("\n")} - self.acknowledged

    def _post(self, caller, message):
        try:
            return caller.receipt(f"sim-{message}", 2).status_code == 200
        except requests.RequestException:
            return False  # the gateway has gone
