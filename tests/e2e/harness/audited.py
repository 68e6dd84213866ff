"""A run under audit: phones and agents go on while a test breaks something, and at the end everything that was
acknowledged is where it belongs."""

import contextlib
import itertools
import json
import threading

import requests

from .auditor import Auditor
from .people import Tenant
from .stack import RELEASE
from .traffic import Traffic
from .wait import eventually

DELIVERED = 5  # message_state
WINDOW = 20  # NEXUS_DELIVERY_WINDOW: requests to one destination that a worker has out when it dies


class Run:
    """stack and traffic. What a test's own people were acknowledged is added with also()."""

    def __init__(self, stack, tenant, **load):
        self.stack = stack
        # Slow enough that a worker that is broken has requests out.
        requests.put(f"{stack.simulator_url}/sim/knobs", json={"latency_ms": 20, "jitter_ms": 60}, timeout=5).raise_for_status()
        self.traffic = Traffic(tenant or Tenant(stack), **load)
        self.may_double = 0

    @property
    def tenant(self):
        return self.traffic.tenant

    def flows_on(self, answers=5):
        """Agents are acknowledged some more answers, whatever happened before."""
        there = len(self.traffic.answers)
        eventually(lambda: len(self.traffic.answers) >= there + answers, "agents are answered", 30)

    def finish(self, leases_s, statuses):
        self.traffic.finish()
        auditor = Auditor(self.traffic).settle(leases_s)
        problems = auditor.problems(self.may_double)
        print({**auditor.counts, "statuses": dict(self.traffic.statuses)})
        assert not problems, "\n".join(problems)
        assert set(self.traffic.statuses) <= statuses, f"callers were told {dict(self.traffic.statuses)}"


@contextlib.contextmanager
def under_audit(make_stack, tenant=None, rate=100, seconds=6, leases_s=15, statuses=frozenset({200, 503, 504}), **shape):
    """A Nexus under load, for a with block that breaks it: load runs before the block, in it, and after it. statuses: what
    callers may have been told; anything but 200 they repeat."""
    stack = make_stack(**{"gateways": 2, "chat_workers": 2, "sms_workers": 2, "binaries": RELEASE / "bin", **shape})
    run = Run(stack, tenant and tenant(stack), rate=rate, seconds=seconds)
    run.flows_on()
    yield run
    run.flows_on()
    run.finish(leases_s, statuses)


class Receipts(threading.Thread):
    """Somebody who sends a receipt for each webhook as soon as it has come, before it is answered, until the receipt is
    acknowledged."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self._stack, self._over = run.stack, threading.Event()
        self._callers = itertools.cycle([run.tenant.aggregator(gateway) for gateway in (0, 1)])
        self.acknowledged = set()  # our ids of the messages
        self.start()

    def run(self):
        while not self._over.is_set() or self._news():
            for message in self._news():
                while not self._post(next(self._callers), message):
                    self._over.wait(0.05)
                self.acknowledged.add(message)
            self._over.wait(0.02)

    def finish(self):
        """After the traffic; gives what is wrong. Each receipt has the effect that its 200 promised."""
        self._over.set()
        self.join(60)
        assert not self.is_alive(), "a receipt still waits for its 200"
        eventually(lambda: not self._stack.query("select 1 from receipt where message_id is null"), "every receipt is bound", 30)
        states = dict(self._stack.query("select id::text, state from message where direction = 2"))
        return [f"{id} is in state {states.get(id)}" for id in self.acknowledged if states.get(id) != DELIVERED]

    def _news(self):
        lines = self._stack.webhooks.read_text().splitlines(keepends=True)
        return {json.loads(line)["messageId"] for line in lines if line.endswith("\n")} - self.acknowledged

    def _post(self, caller, message):
        try:
            return caller.receipt(f"sim-{message}", 2).status_code == 200
        except requests.RequestException:
            return False  # the gateway has gone
