"""Long texts in parts: lost parts, copies, and references that are used again."""

import pytest

from harness.people import Tenant
from harness.reading import messages, tables
from harness.wait import eventually
from test_repetitions import accepted_data, texts


def post(tenant, phone, text, part, total=2, reference="7", **fields):
    return accepted_data(tenant.aggregator().message(phone, text, concat_reference=reference, concat_total=total, concat_part=part,
                                             **fields))


def age_parts(tenant, minutes=11):
    """Makes the parts of this tenant older and runs their upkeep."""
    tenant.stack.query("update inbound_part p set received = received - make_interval(mins => %s) from tenant t"
                       " where t.id = p.tenant_id and t.ccid = %s", minutes, tenant.ccid)
    tenant.stack.query("select inbound_parts_late(100)")


def test_a_reused_reference_mixes_no_texts_and_loses_none(tenant):
    phone = tenant.phone()

    for part, text in ((1, "OLD-1"), (1, "NEW-1"), (2, "NEW-2")):
        post(tenant, phone, text, part)

    assert texts(tenant, phone) == ["OLD-1[…]", "NEW-1NEW-2"]


def test_a_part_with_another_total_begins_another_text(tenant):
    phone = tenant.phone()

    post(tenant, phone, "of three", 2, total=3)
    for part, text in ((2, "two"), (1, "one,")):
        post(tenant, phone, text, part)

    assert texts(tenant, phone) == ["[…]of three[…]", "one,two"]


def test_an_incomplete_text_is_shown_after_minutes_with_its_gaps_marked(tenant):
    phone = tenant.phone()
    post(tenant, phone, "one,", 1, total=5)
    post(tenant, phone, "four,", 4, total=5)
    assert texts(tenant, phone) == []

    age_parts(tenant)

    assert texts(tenant, phone) == ["one,[…]four,[…]"]
    [message] = tenant.agent().transcript(tenant.agent().conversation_with(phone)["id"])
    assert message["content"] == {"partsMissing": 3}


def test_a_part_that_arrives_after_minutes_belongs_to_another_text(tenant):
    phone = tenant.phone()
    post(tenant, phone, "one,", 1)
    tenant.stack.query("update inbound_part set received = received - interval '11 min' where address = %s", phone)

    post(tenant, phone, "two", 2)
    age_parts(tenant)

    assert texts(tenant, phone) == ["one,[…]", "[…]two"]


@pytest.mark.parametrize("same_name", [True, False], ids=["same-message-id", "other-message-id"])
def test_a_copy_of_a_part_gets_the_same_answer_and_is_not_joined_to_a_later_text(tenant, same_name):
    phone = tenant.phone()
    names = ({"message_id": f"m{number}"} if same_name else {} for number in (1, 2, 1, 2, 3))
    first = [post(tenant, phone, text, part, **next(names)) for part, text in ((1, "one,"), (2, "two"))]

    again = [post(tenant, phone, text, part, **next(names)) for part, text in ((1, "one,"), (2, "two"))]
    post(tenant, phone, "later,", 1, **next(names))
    age_parts(tenant)

    assert first == again
    assert texts(tenant, phone) == ["one,two", "later,[…]"]


def test_the_same_long_text_sent_later_is_shown_again(tenant):
    phone = tenant.phone()

    for _ in range(2):
        for part, text in ((1, "one,"), (2, "two")):
            post(tenant, phone, text, part)
        age_parts(tenant)

    assert texts(tenant, phone) == ["one,two", "one,two"]


def test_attachments_of_parts_stay_with_the_joined_text(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    for part in (2, 1):
        accepted_data(aggregator.post("/nexus/v3/sms/message", json={
            "message_id": f"p{part}", "phone_number": phone, "shortcode": tenant.number, "message": f"{part},",
            "concat_reference": "7", "concat_total": 2, "concat_part": part,
            "mms_attachment": [{"content_type": f"text/x-{part}", "content": "aGk="}]}))

    [message] = tenant.agent().transcript(tenant.agent().conversation_with(phone)["id"])

    assert message["text"] == "1,2,"
    assert [(a["ordinal"], a["contentType"]) for a in message["attachments"]] == [(1, "text/x-1"), (2, "text/x-2")]


def test_a_stop_in_parts_opts_the_phone_out(tenant):
    phone = tenant.phone()

    for part, text in ((1, "ST"), (2, "OP")):
        post(tenant, phone, text, part)

    assert tables.opted_out(tenant, phone)
    transcript = tenant.agent().transcript(tenant.agent().conversation_with(phone)["id"])
    assert [(m["direction"], m["text"]) for m in transcript][0] == ("in", "STOP") and len(transcript) == 2


def test_parts_and_whole_texts_of_one_phone_keep_their_order_in_one_batch(tenant):
    phone = tenant.phone()
    for text, part in (("before", None), ("one,", 1), ("two", 2), ("after", None)):
        post(tenant, phone, text, part) if part else accepted_data(tenant.aggregator().message(phone, text))

    assert texts(tenant, phone) == ["before", "one,two", "after"]


# ---- the ledger

def test_the_ledger_counts_parts_and_copies(tenant):
    phone = tenant.phone()
    accepted_data(tenant.aggregator().message(phone))
    for part, text in ((1, "one,"), (2, "two"), (1, "one,"), (1, "waits,")):
        post(tenant, phone, text, part)

    row = messages.balance(tenant, "in")
    assert {state: count for state, count in row["states"].items() if count} == {
        "received": 1, "parts_joined": 2, "copies": 1, "parts_waiting": 1}
    assert (row["accepted"], row["imbalance"]) == (5, 0)


@pytest.mark.parametrize("fault, missing", [
    ("delete from message m where m.id = new.id", 2), ("update message m set body = 'one,' where m.id = new.id", 1)],
    ids=["whole-text", "one-part"])
def test_a_join_that_loses_texts_makes_an_imbalance(make_stack, fault, missing):
    stack = make_stack()
    tenant = Tenant(stack)
    stack.query("create function lose() returns trigger language plpgsql security definer as $$ begin"
                f" if new.parts is not null then {fault}; end if; return null; end $$;"
                " create constraint trigger lose after insert on message deferrable initially deferred"
                " for each row execute function lose()")

    phone = tenant.phone()
    for part, text in ((1, "one,"), (2, "two")):
        post(tenant, phone, text, part)

    printed = stack.nexusctl("ledger", "--recount", check=False)
    assert printed.returncode == 1 and printed.stdout.endswith(f"IMBALANCE {missing}\n")
    eventually(lambda: stack.metric("nexus_ledger_imbalance") == missing, "the gauge shows the imbalance", 40)
    stack.query("delete from message; delete from inbound_part; delete from ledger_entry; delete from ledger_sum; delete from ledger_missing")
