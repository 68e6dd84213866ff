"""A fault under load and audit: phones text and agents answer before it, during it and after it. At the end everything that
was acknowledged is there once, in order and paid for in the ledger.

    with FaultRun(stack) as run:        # texts and answers are acknowledged
        with something_broken():
            run.goes_on()               # if the promise is that it does
"""

import contextlib
import uuid

import requests

from .auditor import audit
from .people import Tenant
from .stack import RELEASE
from .traffic import Traffic
from .wait import eventually

PAIRS = {"gateways": 2, "chat_workers": 2, "sms_workers": 2, "provisioning_workers": 2}  # of make_stack: two of everything
FAST = {"binaries": RELEASE / "bin"}  # of make_stack: built without sanitizers, for a machine that has other work, too
WINDOW = 20  # NEXUS_DELIVERY_WINDOW: requests to one destination that a worker has out when it dies
ENOUGH = (10, 4)  # texts and answers that show that they go on


class FaultRun:
    """may_double: webhooks that this fault may bring a second time. The rest is for Traffic. A tenant of the test's own may
    be given, if its number or its destination is what breaks."""

    def __init__(self, stack, tenant=None, may_double=0, leases_s=15, rate=60, phones=40, agents=2):
        self.stack = stack
        self.may_double, self.leases_s = may_double, leases_s
        self.traffic = Traffic(tenant or Tenant(stack), rate=rate, phones=phones, agents=agents)

    @property
    def tenant(self):
        return self.traffic.tenant

    @property
    def statuses(self):
        """What callers were told; that of texts only after the end."""
        return self.traffic.statuses

    def text(self, phone, text=None, message_id=None, gateway=0):
        """One more text, of a phone of the test's own. The audit looks for it, too, once it was acknowledged."""
        message_id = message_id or uuid.uuid4().hex
        answer = self.tenant.aggregator(gateway).message(phone, text, message_id=message_id)
        if answer.status_code == 200:
            self.traffic.texts.add(message_id)
        return answer

    def goes_on(self, within=30.0, counts=ENOUGH):
        """Both texts and answers are acknowledged, from now on."""
        before = self.traffic.acknowledged
        eventually(lambda: self._more_than(before, counts), "texts and answers are acknowledged", within)

    def acknowledged(self, *message_ids):
        """Texts that somebody else was told are taken; the audit looks for them, too."""
        self.traffic.texts.update(message_ids)

    def _more_than(self, before, counts):
        more = [count - earlier for count, earlier in zip(self.traffic.acknowledged, before)]
        assert all(gained >= wanted for gained, wanted in zip(more, counts)), "%d texts and %d answers" % tuple(more)
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
    """A FaultRun on a Nexus of two of everything that is slow enough for a worker that breaks to have requests out.
    tenant(stack) makes one that is not as others; statuses: what callers may be told."""
    stack = make_stack(**{**PAIRS, **FAST, **shape})
    requests.put(f"{stack.simulator_url}/sim/knobs", json={"latency_ms": 20, "jitter_ms": 60}, timeout=5).raise_for_status()
    with FaultRun(stack, tenant and tenant(stack)) as run:
        yield run
    assert set(run.statuses) <= statuses, f"callers were told {dict(run.statuses)}"
