"""Older workers go on working while their database is migrated. Their work is done here by their statements (those of 7eccdb0),
on the filled database of that version; then by the statements of this version, while another release follows."""

import itertools
import threading
import uuid

import psycopg2
from harness.wait import eventually
from test_older_databases import FUNCTIONS, RETIRED, another_release, migrate, old  # noqa: F401

TEXT = """select outcome from sms_accept(array[%(tenant)s], array[%(number)s], array[%(id)s]::uuid[], array[%(name)s], array['+14155550199'],
    array['while it is migrated'], array[gen_random_uuid()], array[0]::smallint[], array[null]::text[], array[null]::text[],
    array[0]::smallint[], array[0]::smallint[], array[null]::text[])"""
RECEIPT = "select bound from receipt_store(array[%(tenant)s], array[%(name)s], array[2]::smallint[], array[null]::text[], array[0])"
OUTBOUND = """select outcome from conversation_post(array[%(tenant)s], array[%(conversation)s]::uuid[], array[%(id)s]::uuid[], array[%(name)s],
    array['ada'], array['an outbound message meanwhile'], array[null]::text[], array[null]::text[])"""

# Errors after which a worker answers 503 or runs the statement again (common/io/pg/pg_error.c, common/io/pg/pg.c).
TRANSIENT = ("40001", "40P01", "55P03", "57014")
# Errors of a statement that was running when the migration was committed. The next statement finds the new functions.
SCHEMA_CHANGED = ("42P01", "42P10", "42703", "42883")


class Worker(threading.Thread):
    """Runs one statement repeatedly, each time for another request, and repeats a request until it succeeds."""

    def __init__(self, url, statement, known):
        super().__init__()
        self.url, self.statement, self.known = url, statement, known
        self.answered, self.failures, self.ended = [], [], threading.Event()

    def run(self):
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("set statement_timeout = '5s'")
                for number in itertools.count():
                    if self.ended.is_set():
                        return
                    self._answer(cursor, {**self.known, "id": str(uuid.uuid4()), "name": f"meanwhile-{number}"})
        finally:
            connection.close()

    def _answer(self, cursor, request):
        before = None
        for _ in range(1000):
            try:
                cursor.execute(self.statement, request)
            except psycopg2.Error as error:
                is_second = error.pgcode in SCHEMA_CHANGED and before in SCHEMA_CHANGED
                if is_second or error.pgcode not in TRANSIENT + SCHEMA_CHANGED:
                    self.failures.append(f"{error.pgcode}: {error}")
                    return
                before = error.pgcode
                continue
            if cursor.fetchone()[0] is not None:
                self.answered.append(request)
            return
        self.failures.append("a request did not succeed")

    def goes_on(self, more=20):
        count = len(self.answered)
        eventually(lambda: self.failures or len(self.answered) > count + more, "requests go on to succeed", 30)


# The statements of this version.
OURS = (
    """select outcome from sms_accept(array[%(tenant)s], array[%(number)s], array[%(id)s]::uuid[], array[%(name)s], array['+14155550199'],
    array['while it is migrated'], array[gen_random_uuid()], array[null]::text[], array[null]::text[], array[0]::smallint[],
    array[0]::smallint[], array[null]::text[], array['']::text[])""",
    "select bound from receipt_take(array[%(tenant)s], array[%(name)s], array[2]::smallint[], array[null]::text[], array['0'])",
    OUTBOUND)


def assert_work_continues(operator, statements, upgrade):
    """Runs the statements during the whole upgrade and asserts that everything that succeeded is stored."""
    tenant, number, conversation = operator.query(
        "select c.tenant_id, c.address, v.id::text from conversation v join channel c on c.id = v.channel_id where v.state < 9 limit 1")[0]
    known = {"tenant": tenant, "number": number, "conversation": conversation}
    texts, receipts, outbound = workers = [Worker(operator.login, statement, known) for statement in statements]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.goes_on()
        upgrade()
        for worker in workers:
            worker.goes_on()
    finally:
        for worker in workers:
            worker.ended.set()
        for worker in workers:
            worker.join(30)

    assert [worker.failures for worker in workers] == [[], [], []]
    stored = {row[0] for row in operator.query("select id::text from message")}
    assert {request["id"] for request in texts.answered + outbound.answered} <= stored
    assert {request["name"] for request in receipts.answered} <= {row[0] for row in operator.query("select provider_id from receipt")}
    assert operator.json("ledger")["balanced"] is True


def test_older_workers_store_every_text_receipt_and_outbound_message_while_their_database_is_upgraded(old):  # noqa: F811
    operator = old(None)
    assert_work_continues(operator, (TEXT, RECEIPT, OUTBOUND), lambda: migrate(operator))


def test_workers_go_on_while_the_next_release_drops_functions_that_only_older_ones_called(old):  # noqa: F811
    operator = old(None)
    migrate(operator)
    retired = operator.query(RETIRED)
    another_release(operator, "~grants")

    assert_work_continues(operator, OURS, lambda: migrate(operator))

    assert len(retired) > 5 and not set(retired) & set(operator.query(FUNCTIONS))
