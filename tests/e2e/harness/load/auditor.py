"""Compares the answers that callers got and the webhooks that the receiver got with what Nexus stored: nothing is lost,
nothing is stored twice, and everything is in order."""

import collections
import datetime
import json

from harness.wait import eventually

SENT = (4, 5, 6)                    # message_state: sent, delivered, read
ENDED_OTHERWISE = (7, 8, 9, 10, 11, 12)  # failed, expired, opted out, suppressed, cancelled, uncertain


def audit(traffic, may_double=0, leases_s=15, **counts):
    """Ends the traffic and asserts that everything was acknowledged and ended, and that callers got no error but "try again"."""
    traffic.finish()
    auditor = Auditor(traffic).settle(leases_s)
    problems = auditor.problems(may_double)
    print({**counts, **auditor.counts, "statuses": dict(traffic.statuses)})
    assert not problems, "\n".join(problems)
    assert set(traffic.statuses) <= {200, 503, 504}, f"a caller got another status: {dict(traffic.statuses)}"


class Auditor:
    """Call settle() once all traffic has ended, then problems(); counts has the figures."""

    def __init__(self, traffic):
        self.traffic, self.stack = traffic, traffic.stack
        self.counts = {}

    def settle(self, leases_s=15, within=60.0):
        """Waits until no delivery is left. The deliveries of a worker that died stay leased for 30 s, 20 s longer than a
        living worker takes to extend a lease; a test need not wait for all of that time."""
        eventually(lambda: self._nothing_queued(leases_s), "all outbound messages are sent", within)
        return self

    def _nothing_queued(self, leases_s):
        self.stack.query("update delivery set lease_until = now() where lease_until < now() + interval '30 s' - %s",
                         datetime.timedelta(seconds=leases_s))
        left = self.stack.query(
            "select count(*), count(lease_until), min(lease_until) - now(), max(lease_until) - now(), min(due) - now(), "
            "max(attempt) from delivery")[0]
        assert left[0] == 0, "%d are queued, %d leased until in %s to %s, due since %s, after up to %s attempts" % left
        return True

    def problems(self, may_double=0):
        """The problems as sentences; may_double: how many webhooks may have come again after a 200."""
        return [*self._texts(), *self._outbound(), *self._sequences(), *self._webhooks(may_double),
                *[f"the ledger does not balance: {row}" for row in self.stack.imbalance()]]

    def _texts(self):
        """Each acknowledged message_id is one row."""
        rows = collections.Counter(
            name for name, in self.stack.query("select external_id from message where direction = 1"))
        lost = self.traffic.texts - set(rows)
        twice = [name for name, count in rows.items() if count > 1]
        self.counts.update(texts=len(self.traffic.texts), texts_lost=len(lost), texts_twice=len(twice))
        if lost:
            yield f"{len(lost)} acknowledged texts are lost: {sorted(lost)[:5]}"
        if twice:
            yield f"{len(twice)} texts are stored twice: {twice[:5]}"

    def _outbound(self):
        """Each acknowledged outbound message is stored as its 200 described it, and was sent or is listed as undelivered."""
        rows = {(id, conversation, sequence, client_id): state for id, conversation, sequence, client_id, state in
                self.stack.query("select id::text, conversation_id::text, sequence, external_id, state "
                                 "from message where direction = 2")}
        lost = [a for a in self.traffic.answers if (a.id, a.conversation, a.sequence, a.client_id) not in rows]
        named = [(conversation, client_id) for _, conversation, _, client_id in rows if client_id is not None]
        twice = len(named) - len(set(named))
        received = {webhook["messageId"] for webhook in self._received() if webhook["status"] == 200}
        unsent = [(id, state) for (id, *_), state in rows.items()
                  if not (state in SENT and id in received) and state not in ENDED_OTHERWISE]
        self.counts.update(outbound=len(self.traffic.answers), outbound_lost=len(lost) + len(unsent), outbound_twice=twice)
        if lost:
            yield f"{len(lost)} acknowledged outbound messages are not stored as they were acknowledged: {lost[:5]}"
        if twice:
            yield f"{twice} outbound messages are stored twice"
        if unsent:
            yield f"{len(unsent)} outbound messages neither went out nor are on record (id, state): {unsent[:5]}"
        if self.traffic.contradictions:
            yield f"a repeated outbound message got another answer: {self.traffic.contradictions[:5]}"

    def _sequences(self):
        """The sequence numbers of each conversation start at 1 and have no gap."""
        gaps = self.stack.query(
            "select c.id, c.last_sequence, count(m.id), min(m.sequence), max(m.sequence) from conversation c "
            "left join message m on m.tenant_id = c.tenant_id and m.conversation_id = c.id group by c.id, c.last_sequence "
            "having count(m.id) <> c.last_sequence or min(m.sequence) <> 1 or max(m.sequence) <> c.last_sequence")
        if gaps:
            yield f"{len(gaps)} conversations have gaps: {gaps[:5]}"

    def _webhooks(self, may_double):
        """Every webhook is of a stored message, those of one conversation come in order, and repeated ones stay within the bound.
        A keyword reply does not wait, so it may come before an outbound message of an agent that was being sent already."""
        places = {id: (conversation, sequence) for id, conversation, sequence in
                  self.stack.query("select id::text, case when answers is null then conversation_id end, sequence"
                                   " from message where direction = 2")}
        latest, good, seen, unknown, disorder = {}, collections.Counter(), set(), set(), []
        for webhook in self._received():
            message = webhook["messageId"]
            good[message] += webhook["status"] == 200
            if message not in places:
                unknown.add(message)
            elif message not in seen:
                conversation, sequence = places[message]
                if conversation and sequence < latest.get(conversation, 0):
                    disorder.append(message)
                latest[conversation] = sequence
            seen.add(message)
        doubled = sum(count - 1 for count in good.values() if count > 1)
        self.counts.update(webhooks=sum(good.values()), doubled=doubled, may_double=may_double, disorder=len(disorder))
        if unknown:
            yield f"{len(unknown)} webhooks are of messages that are not stored: {sorted(unknown)[:5]}"
        if disorder:
            yield f"{len(disorder)} webhooks came behind a later one of their conversation: {disorder[:5]}"
        if doubled > may_double:
            yield f"{doubled} webhooks came again after a 200, where {may_double} may"

    def _received(self):
        """Every webhook in the order of arrival, as the simulator recorded it before it answered."""
        return [json.loads(line) for line in self.stack.webhooks.read_text().splitlines()]
