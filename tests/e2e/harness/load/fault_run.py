"""A fault under load and audit: consumers and agents write before, during and after it. At the end everything that was
acknowledged is stored once and in order, and the ledger is balanced.

    with FaultRun(stack) as run:        # texts and outbound messages are acknowledged
        with something_broken():
            run.goes_on()               # if Nexus promises that
"""

import contextlib
import uuid

import requests

from harness.load.auditor import audit
from harness.load.traffic import Traffic
from harness.nexus.stack import RELEASE
from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually

PAIRS = {"gateways": 2, "chat_workers": 2, "sms_workers": 2, "provisioning_workers": 2}  # arguments of make_stack: two processes of each program
FAST = {"binaries": RELEASE / "bin"}  # argument of make_stack: built without sanitizers, for a busy machine
# Argument of make_stack for tests in which a late answer is a failure: the usual deadlines are 12 s, so a slow machine keeps them.
PATIENT = {"settings": {"gateway": {"NEXUS_DEADLINE_FACTOR": 6}}}
WINDOW = 20  # NEXUS_DELIVERY_WINDOW: requests to one destination that are unanswered when a worker dies
ENOUGH = (10, 4)  # so many texts and outbound messages show that work goes on


class FaultRun:
    """may_double: how many webhooks this fault may repeat. The other arguments are for Traffic. A test gives a tenant of its own
    if the fault is in the tenant's number or destination."""

    def __init__(self, stack, tenant=None, may_double=0, leases_s=15, rate=60, phones=40, agents=2):
        self.stack = stack
        self.may_double, self.leases_s = may_double, leases_s
        self.traffic = Traffic(tenant or Tenant(stack), rate=rate, phones=phones, agents=agents)

    @property
    def tenant(self):
        return self.traffic.tenant

    @property
    def statuses(self):
        """The statuses that callers got; those of texts only after the end."""
        return self.traffic.statuses

    def text(self, phone, text=None, message_id=None, gateway=0):
        """Posts one more text from this phone. If it is acknowledged, the audit looks for it, too."""
        message_id = message_id or uuid.uuid4().hex
        answer = self.tenant.aggregator(gateway).message(phone, text, message_id=message_id)
        if answer.status_code == 200:
            self.traffic.texts.add(message_id)
        return answer

    def goes_on(self, within=30.0, counts=ENOUGH):
        """Waits until texts and outbound messages have been acknowledged after this call."""
        before = self.traffic.acknowledged
        eventually(lambda: self._more_than(before, counts), "texts and outbound messages are acknowledged", within)

    def acknowledged(self, *message_ids):
        """Adds texts that another client sent and that were acknowledged; the audit looks for them, too."""
        self.traffic.texts.update(message_ids)

    def _more_than(self, before, counts):
        more = [count - earlier for count, earlier in zip(self.traffic.acknowledged, before)]
        assert all(gained >= wanted for gained, wanted in zip(more, counts)), "%d texts and %d outbound messages" % tuple(more)
        return True

    def __enter__(self):
        try:
            self.goes_on()
        except BaseException:
            self.traffic.abandon()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.goes_on()
                audit(self.traffic, self.may_double, self.leases_s)
        finally:
            self.traffic.abandon()


@contextlib.contextmanager
def under_audit(make_stack, tenant=None, statuses=frozenset({200, 503, 504}), **shape):
    """A FaultRun on a Nexus with two processes of each program. The receiver is so slow that a worker that breaks has unanswered
    requests. tenant(stack) makes a special tenant; statuses: the ones that callers may get."""
    stack = make_stack(**{**PAIRS, **FAST, **shape})
    knobs = {"latency_ms": 20, "jitter_ms": 60}
    requests.put(f"{stack.simulator_url}/sim/knobs", json=knobs, timeout=LONGEST_ANSWER).raise_for_status()
    with FaultRun(stack, tenant and tenant(stack)) as run:
        yield run
    assert set(run.statuses) <= statuses, f"callers got {dict(run.statuses)}"
