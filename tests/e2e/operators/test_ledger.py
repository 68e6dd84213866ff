"""The ledger: sums that each transaction keeps correct, and the recount that compares them with the stored messages."""

import datetime
import uuid

import pytest

from harness.nexus.nexusctl import CCID, Operator
from harness.wait import eventually


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def states(ledger):
    return {state: count for state, count in ledger["totals"]["states"].items() if count}


def recounted(operator, *words, code=0):
    return operator.json("ledger", "--recount", *words, code=code)


def day(ago):
    return str(datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=ago))


def move(operator, identity, days):
    """Makes a message, with what was entered of it, as old as this."""
    operator.query("update message set created = created - %s * interval '1 day' where id = %s", days, identity)
    operator.query("update ledger_entry set day = day - %s where day = (now() at time zone 'utc')::date", days)


# --- the sums ---

def test_the_ledger_is_balanced_while_a_message_waits_and_when_it_is_sent(operator):
    operator.message(state=1, delivery=True)
    operator.message(state=4, delivery=False)

    ledger = operator.json("ledger")

    assert ledger["balanced"] and ledger["totals"]["accepted"] == 2
    assert states(ledger) == {"accepted": 1, "sent": 1}
    assert operator.run("ledger").stdout.endswith("balanced\n")


def test_adding_up_entries_changes_no_number(operator):
    for state in (4, 4, 7):
        operator.message(state=state, delivery=False)
    before = operator.json("ledger"), operator.json("ledger", "--from", day(1))

    assert operator.value("select upkeep_ledger()") == 3

    assert (operator.json("ledger"), operator.json("ledger", "--from", day(1))) == before
    assert operator.value("select count(*) from ledger_entry") == 0
    assert operator.value("select upkeep_ledger()") == 0


def test_the_ledger_of_some_days_has_the_messages_accepted_on_them(operator):
    for age in (40, 3, 0):
        move(operator, operator.message(state=4, delivery=False), age)
        operator.query("select upkeep_ledger()")

    def accepted(*words):
        return operator.json("ledger", *words)["totals"]["accepted"]

    assert accepted() == 3
    assert accepted("--from", day(3)) == 2
    assert accepted("--to", day(3)) == 2
    assert accepted("--from", day(39), "--to", day(1)) == 1
    assert accepted("--to", "2020-01-01") == 0


def test_the_ledger_of_other_contact_centers_is_empty(operator):
    operator.message(state=4, delivery=False)
    assert operator.json("ledger", "--to", "2020-01-01")["rows"] == []
    assert operator.json("ledger", "--tenant", CCID)["totals"]["accepted"] == 1
    operator.run("ledger", "--tenant", str(uuid.uuid4()), code=1)


def test_days_that_are_none_or_in_the_wrong_order_are_refused(operator):
    assert "--from: must be a day such as" in operator.run("ledger", "--from", "yesterday", code=2).stderr
    assert "--from is after --to" in operator.run("ledger", "--from", "2026-02-01", "--to", "2026-01-31", code=2).stderr


# --- the recount ---

def test_a_lost_message_is_an_imbalance(operator):
    operator.message(state=4, delivery=False)
    operator.query("delete from message")

    assert operator.run("ledger", "--recount", code=1).stdout.endswith("IMBALANCE 1\n")

    # It stays one until a recount finds the message.
    assert operator.run("ledger", code=1).stdout.endswith("IMBALANCE 1\n")


def test_an_accepted_message_without_a_delivery_is_an_imbalance(operator):
    operator.message(state=1, delivery=False)
    assert recounted(operator, code=1)["remainder"] == 1


def test_two_faults_do_not_cancel_out(operator):
    operator.message(state=4, delivery=False)
    operator.query("update message set direction = 1")
    assert recounted(operator, "--by", "tenant", code=1)["remainder"] == 2


def test_a_message_that_is_there_again_is_no_imbalance_any_more(operator):
    identity = operator.message(state=1, delivery=True)
    operator.query("create table kept as select * from delivery")
    operator.query("delete from delivery")
    assert recounted(operator, code=1)["remainder"] == 1

    operator.query("insert into delivery overriding system value select * from kept")

    assert recounted(operator)["balanced"]
    assert operator.value("select id::text from message") == identity


def test_a_recount_corrects_sums_that_somebody_has_falsified(operator):
    operator.message(state=4, delivery=False)
    operator.query("update message set state = 5")
    assert states(operator.json("ledger")) == {"sent": 1}

    assert states(recounted(operator)) == {"delivered": 1}
    assert states(recounted(operator)) == {"delivered": 1}


def test_a_recount_of_some_days_finds_what_is_missing_on_them(operator):
    for age in (5, 1):
        move(operator, operator.message(state=4, delivery=False), age)
        operator.query("select upkeep_ledger()")
    operator.query("delete from message")

    assert recounted(operator, "--from", day(2), code=1)["remainder"] == 1
    assert operator.json("ledger", code=1)["recounted"] is None, "one day was not counted yet"
    assert recounted(operator, code=1)["remainder"] == 2
    assert operator.json("ledger", "--to", day(2), code=1)["remainder"] == 1


def test_the_ledger_says_since_when_all_days_have_been_counted(operator):
    operator.message(state=4, delivery=False)
    assert "not every day was counted yet; --recount does it now" in operator.run("ledger").stdout

    then = recounted(operator)["recounted"]

    assert f"every day was counted at {then} or later" in operator.run("ledger").stdout


# --- which day is next ---

def next_days(operator):
    """Lets the job count until no day is due; the days in their order."""
    days, more = [], True
    while more:
        [(counted, more)] = operator.query("select day::text, more from ledger_recount_next()")
        days += [counted] if counted else []
        assert len(days) < 10
    return days


def test_every_day_is_counted_and_then_only_the_last_two_are_due(operator):
    for age in (200, 2):
        move(operator, operator.message(state=4, delivery=False), age)
        operator.query("select upkeep_ledger()")

    assert sorted(next_days(operator)) == sorted({day(200), day(2), day(1), day(0)})
    assert next_days(operator) == []

    operator.query("update ledger_recount set counted = counted - interval '1 minute'")
    assert sorted(next_days(operator)) == [day(1), day(0)]
    operator.query("update ledger_recount set counted = counted - interval '13 hours'")
    assert sorted(next_days(operator)) == sorted({day(200), day(2), day(1), day(0)})


def test_a_day_that_takes_long_to_count_is_counted_less_often(operator):
    next_days(operator)
    operator.query("update ledger_recount set counted = counted - interval '1 minute', took_ms = 10000")
    assert next_days(operator) == []
    operator.query("update ledger_recount set counted = counted - interval '17 minutes'")
    assert next_days(operator) == [day(0), day(1)]


def test_only_one_process_counts_at_a_time(postgres, operator):
    other = postgres.connect(operator.database)
    with other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select * from ledger_recount_next()")
        assert operator.query("select * from ledger_recount_next()") == []
        cursor.execute("commit")
    other.close()


def test_the_age_of_the_recount_is_that_of_the_day_that_waits_longest(operator):
    next_days(operator)
    operator.query("update ledger_recount set counted = counted - interval '3 hours' where day = %s", day(1))
    operator.query("insert into ledger_recount (day, since) values (%s, now() - interval '2 days')", day(300))

    def age():
        [(uncounted_s,)] = operator.query("select uncounted_s from ledger_recount_next()")
        return uncounted_s

    assert 3 * 3600 <= age() < 4 * 3600, "the day that nobody has counted came first"
    assert age() < 60


# --- in a running Nexus ---

def test_the_metrics_show_a_message_that_was_removed_from_any_day(make_stack):
    stack = make_stack()
    stack.query("insert into ledger_entry (tenant_id, channel_id, direction, day, accepted, state, messages)"
                " values (1, 1, 1, current_date - 100, 3, 13, 3)")
    stack.query("select upkeep_ledger()")
    stack.query("update ledger_recount set counted = null")

    eventually(lambda: stack.metric("nexus_ledger_imbalance") == 3, "the gauge shows the imbalance", 40)
    assert stack.metric("nexus_ledger_recount_age_seconds") < 3600

    stack.query("delete from ledger_entry; delete from ledger_sum; delete from ledger_missing")
