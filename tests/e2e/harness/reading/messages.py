"""What the API shows of messages, for tests that would otherwise read tables."""

from harness.answers import data_of
from harness.people import until_accepted
from harness.reading.pages import rows_of_all_pages
from harness.reading.timeline import timeline_reader, path


def timeline(tenant, word):
    """The timeline of a message. Asks until it gets an answer, as processes may just have died."""
    answer = until_accepted(lambda: timeline_reader(tenant).get(path(word)), other_statuses=(404,))
    return data_of(answer) if answer.ok else {"matches": [], "steps": []}


def matches(tenant, word):
    """The messages of the tenant that have this id, from us or from another party."""
    return [match["message"] for match in timeline(tenant, word)["matches"]]


def message(tenant, word):
    (only,) = matches(tenant, word)
    return only


def attempts(tenant, word):
    """The finished attempts to send this message."""
    return [step for step in timeline(tenant, word)["steps"] if step["step"] == "attempt"]


def messages(tenant):
    """The latest messages of the tenant, in both directions."""
    return data_of(timeline_reader(tenant).get("/nexus/v3/messages"))["messages"]


def all_messages(tenant, gateway=0, **filters):
    """All messages of the tenant that pass the filters, the latest first."""
    reader = timeline_reader(tenant, gateway)
    return rows_of_all_pages("messages", lambda after: data_of(
        reader.get("/nexus/v3/messages", params={"count": 200, "after": after, **filters})))


def balance(tenant, direction):
    """The row of the ledger for the messages of the tenant in this direction, "in" or "out": how many were accepted, and how many
    are in each state."""
    rows = data_of(timeline_reader(tenant).get("/nexus/v3/ledger", params={"by": "tenant"}))["rows"]
    (row,) = [row for row in rows if row["direction"] == direction]
    return row


def states(tenant, direction="out"):
    """The states in which the tenant's messages are, as the ledger counts them."""
    return {state for state, count in balance(tenant, direction)["states"].items() if count}


def receipts(tenant, word):
    """The stored receipts of this message."""
    return [step for step in timeline(tenant, word)["steps"] if step["step"] == "receipt"]


def unmatched_receipts(tenant):
    """The stored receipts of the tenant that match no message."""
    return data_of(timeline_reader(tenant).get("/nexus/v3/sms/receipts/unmatched"))["receipts"]
