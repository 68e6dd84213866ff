"""Workers of before go on working while their database is brought up to date. What they do is done here by their own statements
(those of 7eccdb0), against the filled database that this version left."""

import itertools
import threading
import uuid

import psycopg2
from harness.wait import eventually
from test_older_databases import migrate, old  # noqa: F401

TEXT = """select outcome from sms_accept(array[%(tenant)s], array[%(number)s], array[%(id)s]::uuid[], array[%(name)s], array['+14155550199'],
    array['while it is brought up to date'], array[gen_random_uuid()], array[0]::smallint[], array[null]::text[], array[null]::text[],
    array[0]::smallint[], array[0]::smallint[], array[null]::text[])"""
RECEIPT = "select bound from receipt_store(array[%(tenant)s], array[%(name)s], array[2]::smallint[], array[null]::text[], array[0])"
ANSWER = """select outcome from conversation_post(array[%(tenant)s], array[%(conversation)s]::uuid[], array[%(id)s]::uuid[], array[%(name)s],
    array['ada'], array['an answer meanwhile'], array[null]::text[], array[null]::text[])"""

# What a worker answers with 503, and runs again by itself (common/io/pg_error.c, common/io/pg.c).
TRANSIENT = ("40001", "40P01", "55P03", "57014")
# A statement that was under way when the migration was committed. The next one meets the new functions.
SCHEMA_CHANGED = ("42P01", "42P10", "42703", "42883")


class Worker(threading.Thread):
    """Runs one statement again and again, each time for another request, which is repeated until it is answered."""

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
        while True:
            try:
                cursor.execute(self.statement, request)
            except psycopg2.Error as error:
                met_twice = error.pgcode in SCHEMA_CHANGED and before in SCHEMA_CHANGED
                if met_twice or error.pgcode not in TRANSIENT + SCHEMA_CHANGED:
                    self.failures.append(f"{error.pgcode}: {error}")
                    return
                before = error.pgcode
                continue
            if cursor.fetchone()[0] is not None:
                self.answered.append(request)
            return

    def goes_on(self, more=20):
        count = len(self.answered)
        eventually(lambda: self.failures or len(self.answered) > count + more, "what is done meanwhile goes on", 30)


def test_workers_of_before_get_every_text_receipt_and_answer_stored_while_their_database_is_brought_up_to_date(old):  # noqa: F811
    operator = old(None)
    tenant, number, conversation = operator.query(
        "select c.tenant_id, c.address, v.id::text from conversation v join channel c on c.id = v.channel_id where v.state < 9 limit 1")[0]
    known = {"tenant": tenant, "number": number, "conversation": conversation}
    texts, receipts, answers = workers = [Worker(operator.login, statement, known) for statement in (TEXT, RECEIPT, ANSWER)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.goes_on()
        migrate(operator)
        for worker in workers:
            worker.goes_on()
    finally:
        for worker in workers:
            worker.ended.set()
        for worker in workers:
            worker.join(30)

    assert [worker.failures for worker in workers] == [[], [], []]
    stored = {row[0] for row in operator.query("select id::text from message")}
    assert {request["id"] for request in texts.answered + answers.answered} <= stored
    assert {request["name"] for request in receipts.answered} <= {row[0] for row in operator.query("select provider_id from receipt")}
    assert operator.json("ledger")["balanced"] is True
