"""Messages coming in while somebody holds a row of one phone, as a person at psql does: what do the other phones notice?"""

import contextlib
import statistics
import threading

from accepting import COMPARED, middle
from harness.people import conversation_of

ROWS = {
    "conversation": "select from conversation where id = %s for update",
    "contact": "select from contact where (tenant_id, id) = (select tenant_id, contact_id from conversation where id = %s) for update",
}
PAUSE_S = 0.05      # of the phone between its texts


def throughput(rig, section):
    with rig.nexus() as nexus:
        nexus.inbound("first", COMPARED, 1)     # contacts, conversations and caches of the tenant
        loads = []
        for row, held in ROWS.items():
            pairs = [pair(nexus, number, row, held, loads) for number in range(rig.scale.pairs)]
            section.table(f"{COMPARED} connections while one phone texts, too; the {row} of that phone is held, or is not",
                          [*pairs, middle(pairs)])
            section.at_least(f"accepted from other phones beside a held {row}", statistics.median(one["ratio"] for one in pairs),
                             0.95, "×")
        nexus.audit(*loads)


def pair(nexus, number, row, held, loads):
    """In turns first, because the machine's speed changes with its neighbours."""
    phone = nexus.tenant.phone()
    conversation = conversation_of(nexus.tenant, phone)

    def run(name, *statements):
        with contextlib.closing(nexus.postgres.connect(nexus.stack.database)) as holder, texting(nexus, phone) as statuses:
            holder.autocommit = False
            for statement in statements:
                holder.cursor().execute(statement, [conversation])
            loads.append(nexus.inbound(f"{row}-{number}-{name}", COMPARED, nexus.scale.run_s))
        return loads[-1].per_second, loads[-1].errors, statuses.count(503)

    if number % 2 == 0:
        (free, *_), (beside, errors, refused) = run("free"), run("held", held)
    else:
        (beside, errors, refused), (free, *_) = run("held", held), run("free")
    return {"pair": str(number + 1), "free /s": round(free), "held /s": round(beside), "ratio": round(beside / free, 3),
            "refused of others": errors, "refused of its phone": refused}


@contextlib.contextmanager
def texting(nexus, phone):
    """This phone texts all the while and tries again when it is refused."""
    statuses, enough = [], threading.Event()

    def text():
        aggregator = nexus.tenant.aggregator()
        while not enough.wait(PAUSE_S):
            statuses.append(aggregator.message(phone).status_code)

    thread = threading.Thread(target=text)
    thread.start()
    try:
        yield statuses
    finally:
        enough.set()
        thread.join()
