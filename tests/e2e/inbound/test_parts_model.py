"""Long texts in parts, compared with a model of what every reader must see: parts, copies, reused references, losses and
delays in random order, passed to the functions that the workers call."""

import hashlib
import itertools
import json
import os
import uuid

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.wait import eventually

EXAMPLES = int(os.environ.get("NEXUS_TEST_EXAMPLES", "40"))
WAIT_S = 600
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def connection(postgres, template):
    connection = psycopg2.connect(postgres.url(postgres.create_database(template)), options="-c jit=off")
    connection.autocommit = True
    yield connection
    connection.close()


def half_id(*words):
    return hashlib.sha256(repr(words).encode()).digest()[:8]


class Post:
    """A text or a part of one, with an id that is derived from its content, as sms-worker makes it."""

    def __init__(self, phone, text, reference="", total=0, part=0, name=0):
        self.phone, self.text, self.reference, self.total, self.part, self.name = phone, text, reference, total, part, f"m{name}"

    def id(self, number):
        content = half_id(self.phone, self.text, self.reference, self.total, self.part)
        return str(uuid.UUID(bytes=half_id(number, self.name) + content))


class Database:
    """The functions of the database, with a number of its own."""

    def __init__(self, connection):
        self.cursor = connection.cursor()
        self.number = f"+1999{next(_numbers):07d}"
        self.tenant = self.ask("insert into tenant (ccid, name) values (gen_random_uuid(), gen_random_uuid()) returning id")
        destination = self.ask("insert into destination (tenant_id, url) values (%s, 'https://x.example') returning id", self.tenant)
        self.ask("insert into channel (tenant_id, kind, address, name, provider, destination_id)"
                 " values (%s, 1, %s, 'sms', 'Async', %s) returning id", self.tenant, self.number, destination)
        self.beginning = self.read("events_read(%s, null, 1)", self.tenant)["position"]

    def ask(self, sql, *values):
        self.cursor.execute(sql, values)
        return self.cursor.fetchone()[0]

    def accept(self, posts):
        """Stores a batch like a worker; the ids that it answers."""
        rows = [(self.tenant, self.number, post.id(self.number), post.name, post.phone, post.text, str(uuid.uuid4()), None,
                 post.reference or None, post.total, post.part, None) for post in posts]
        self.cursor.execute(
            "select outcome, message_id from sms_accept(%s::int[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[],"
            " %s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::smallint[], %s::text[])",
            [list(column) for column in zip(*rows)])
        answered = self.cursor.fetchall()
        assert len(answered) == len(posts) and all(outcome in (1, 2, 4, 5) for outcome, _ in answered)
        return [message_id for _, message_id in answered]

    def upkeep(self):
        self.ask("select inbound_parts_late(100)")

    def delay(self, seconds):
        self.cursor.execute("update inbound_part set received = received - make_interval(secs => %s) where tenant_id = %s",
                            (seconds, self.tenant))

    def read(self, call, *values):
        """The JSON that a reading function returns."""
        return json.loads(self.ask(f"select {call}", *values))

    def conversations(self, phone):
        """The conversations of a phone, as the list shows them."""
        return self.read("conversation_list_of_senders(%s, null, null, null, 0, 50, array[%s])", self.tenant, phone)["conversations"]

    def transcript(self, conversation):
        return self.read("transcript_read(%s, %s, 0, 1000)", self.tenant, conversation["id"])["messages"]

    def events(self):
        """All events of messages. They become visible once no older transaction runs in the cluster."""
        def all_of_them():
            found = self.read("events_read(%s, %s, 1000)", self.tenant, self.beginning)["events"]
            return [found] if len(found) == self.ask("select count(*) from event where tenant_id = %s", self.tenant) else None
        return [event for event in eventually(all_of_them, "all events are visible")[0] if event["type"] == "message"]

    def webhooks(self, phone):
        """The texts that wait to be sent."""
        self.cursor.execute("select m.body from delivery d join message m on m.tenant_id = d.tenant_id and m.id = d.message_id"
                            " where d.tenant_id = %s and d.address = %s", (self.tenant, phone))
        return [body for body, in self.cursor.fetchall()]

    def listed(self, phone):
        """The ids in the administrators' list of messages."""
        return [message["id"] for message in
                self.read("message_list_of_senders(%s, array[%s], null, null, null, null, null, 200)", self.tenant, phone)["messages"]]

    def imbalance(self):
        return self.ask("select coalesce(sum(abs(imbalance)), 0)::int from ledger_window($$-infinity$$, $$infinity$$, %s)", self.tenant)


class Series:
    def __init__(self, total):
        self.total, self.parts, self.last, self.open = total, {}, 0, True

    def text(self):
        pieces = [self.parts.get(number) for number in range(1, self.total + 1)]
        kept = [piece for piece, before in zip(pieces, [True] + pieces) if piece or before]
        return "".join(piece or "[…]" for piece in kept)


class Model:
    def __init__(self, number):
        self.number, self.now = number, 0
        self.answers, self.seen, self.series = {}, {}, {}

    def accept(self, post):
        own = post.id(self.number)
        if own not in self.answers:
            self.answers[own] = self.part(post, own) if post.total else self.whole(post, own)
        return self.answers[own]

    def whole(self, post, own):
        self.seen.setdefault(post.phone, []).append(post.text)
        return own

    def part(self, post, own):
        known = self.series.setdefault((post.phone, post.reference), [])
        for series in known:
            if self.is_recent(series) and series.total == post.total and series.parts.get(post.part) == post.text:
                return series.answers[post.part]
        current = known[-1] if known and known[-1].open else None
        if current and not (self.is_recent(current) and current.total == post.total and post.part not in current.parts):
            self.show(post.phone, current)
            current = None
        if not current:
            current = Series(post.total)
            current.answers = {}
            known.append(current)
        current.parts[post.part], current.answers[post.part], current.last = post.text, own, self.now
        if len(current.parts) == current.total:
            self.show(post.phone, current)
        return own

    def is_recent(self, series):
        return series.last > self.now - WAIT_S

    def show(self, phone, series):
        series.open = False
        self.seen.setdefault(phone, []).append(series.text())

    def upkeep(self):
        late = [(series.last, phone, series) for (phone, _), known in self.series.items() for series in known
                if series.open and not self.is_recent(series)]
        for _, phone, series in sorted(late, key=lambda entry: entry[0]):
            self.show(phone, series)


PHONES = ["+15550000001", "+15550000002"]
posts = st.one_of(
    st.builds(Post, st.sampled_from(PHONES), st.sampled_from(["hello", "STOP", ""]), name=st.integers(1, 3)),
    st.integers(2, 3).flatmap(lambda total: st.builds(
        Post, st.sampled_from(PHONES), st.sampled_from(["one,", "two,", "three,"]), st.sampled_from(["7", "8"]),
        st.just(total), st.integers(1, total), st.integers(1, 4))))
steps = st.lists(st.one_of(st.lists(posts, min_size=1, max_size=4), st.sampled_from([250, 700]), st.just("upkeep")), max_size=20)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_readers_see_what_the_model_predicts(connection, script):
    database = Database(connection)
    model = Model(database.number)

    for step in script + [700, "upkeep"]:
        if step == "upkeep":
            database.upkeep()
            model.upkeep()
        elif isinstance(step, int):
            database.delay(step)
            model.now += step
        else:
            assert database.accept(step) == [model.accept(post) for post in step]
        assert database.imbalance() == 0

    events = database.events()
    for phone in PHONES:
        assert_all_see(database, phone, model.seen.get(phone, []), events)
    for post in (post for step in script if isinstance(step, list) for post in step):
        # Independently of the model: everything that was accepted is visible somewhere.
        assert any(post.text in text for text in model.seen[post.phone])


def assert_all_see(database, phone, texts, events):
    """List, transcript, events, webhooks and the administrators' list show these texts of a phone and the keyword reply to STOP."""
    conversations = database.conversations(phone)
    if not texts:
        assert (conversations, database.webhooks(phone), database.listed(phone)) == ([], [], [])
        return
    [conversation] = conversations
    transcript = database.transcript(conversation)
    replies = [message["text"] for message in transcript if message["direction"] == "out"]

    assert sorted(message["text"] for message in transcript if message["direction"] == "in") == sorted(texts)
    assert len(replies) == ("STOP" in texts) and database.webhooks(phone) == replies
    assert [message["sequence"] for message in transcript] == list(range(1, conversation["lastSequence"] + 1))
    assert [(event["messageId"], event["sequence"], event["text"]) for event in events if event["conversationId"] == conversation["id"]] \
        == [(message["id"], message["sequence"], message["text"]) for message in transcript]
    assert sorted(database.listed(phone)) == sorted(message["id"] for message in transcript)


# Possible faults of a join of the text "ha,ha,ho" of three parts, and the number of missing (or, if negative, surplus) messages.
BROKEN_JOINS = {
    "no text": ("delete from message m where m.id = new.id", 3),
    "the last part is missing": ("update message m set body = 'ha,ha,' where m.id = new.id", 1),
    "one of two equal parts is missing": ("update message m set body = 'ha,ho' where m.id = new.id", 1),
    "the parts are in another order": ("update message m set body = 'haha,,ho' where m.id = new.id", 1),
    "it contains a part of another text": ("update message m set body = body || 'OLD' where m.id = new.id", 1),
    "it belongs to another consumer": ("update message m set address = '+15550000003' where m.id = new.id", 3),
    "it is stored twice": ("insert into message select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), "
                              "'parts', 1, 'sequence', null, 'conversation_id', null))).* from message m where m.id = new.id", -1),
    "its parts still wait": ("update inbound_part p set message_id = null where p.message_id = new.id", -1),
    "its parts are deleted": ("delete from inbound_part p where p.message_id = new.id", 2)}


@pytest.mark.parametrize("fault", BROKEN_JOINS)
def test_a_join_that_loses_or_falsifies_texts_makes_an_imbalance(connection, fault):
    statement, missing = BROKEN_JOINS[fault]
    database = Database(connection)
    database.cursor.execute(f"""
        create function break_join() returns trigger language plpgsql as $$ begin
            if new.parts = 3 then {statement}; end if; return null; end $$;
        create constraint trigger break_join after insert on message deferrable initially deferred
               for each row execute function break_join()""")

    database.accept([Post(PHONES[0], text, "7", 3, part) for part, text in enumerate(("ha,", "ha,", "ho"), 1)])

    database.cursor.execute("drop function break_join cascade")
    assert database.ask("select imbalance from ledger_window('-infinity', 'infinity', %s)", database.tenant) == missing
