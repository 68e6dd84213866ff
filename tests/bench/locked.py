"""Inbound messages while the rows of one phone or of twenty are locked, as by a person at psql: the effect on other phones."""

import contextlib
import statistics
import threading

from accepting import COMPARED, middle
from harness.people import conversation_of

ROWS = {
    "conversation": "select from conversation where id = %s for update",
    "contact": "select from contact where (tenant_id, id) = (select tenant_id, contact_id from conversation where id = %s) for update",
}
PAUSE_S = 0.05      # between the texts of a phone
MANY = 20


def throughput(rig, section):
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)     # contacts, conversations and caches of the tenant
        loads = []
        for phones, row in ((1, "conversation"), (1, "contact"), (MANY, "conversation")):
            pairs = [pair(nexus, number, row, phones, loads) for number in range(rig.scale.pairs)]
            section.table(f"{COMPARED} connections while {phones} more phone(s) text, too; the {row} of each of these is held, or is not",
                          [*pairs, middle(pairs)])
            section.at_least(f"accepted from other phones beside {phones} held {row}(s)",
                             statistics.median(one["ratio"] for one in pairs), 0.95, "×")
        nexus.audit(*loads)


def pair(nexus, number, row, count, loads):
    """Both run in alternating order, because the machine's speed changes with its neighbours."""
    phones = [nexus.tenant.phone() for _ in range(count)]
    conversations = [conversation_of(nexus.tenant, phone) for phone in phones]

    def run(name, *statements):
        with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as holder, contextlib.ExitStack() as texts:
            holder.autocommit = False
            for statement in statements:
                for conversation in conversations:
                    holder.cursor().execute(statement, [conversation])
            statuses = []
            for phone in phones:
                texts.enter_context(texting(nexus, phone, statuses))
            loads.append(nexus.inbound(f"{row}-{count}-{number}-{name}", COMPARED, nexus.scale.run_s))
        return loads[-1].per_second, loads[-1].errors, statuses.count(503)

    if number % 2 == 0:
        (free, *_), (beside, errors, refused) = run("free"), run("held", ROWS[row])
    else:
        (beside, errors, refused), (free, *_) = run("held", ROWS[row]), run("free")
    return {"pair": str(number + 1), "free /s": round(free), "held /s": round(beside), "ratio": round(beside / free, 3),
            "refused of others": errors, "refused of its phones": refused}


@contextlib.contextmanager
def texting(nexus, phone, statuses):
    """Within this context the phone sends texts continuously, also after a refusal."""
    enough = threading.Event()

    def text():
        aggregator = nexus.tenant.aggregator()
        while not enough.wait(PAUSE_S):
            statuses.append(aggregator.message(phone).status_code)

    thread = threading.Thread(target=text)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
