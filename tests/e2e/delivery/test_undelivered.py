"""Undelivered messages: the list of one contact center and of all, page by page, and the counts by destination."""

import itertools
import json
import urllib.parse

import pytest

from harness.answers import data_of
from harness.nexus.nexusctl import Operator
from harness.people import OutboundMessage, Tenant
from harness.wait import eventually

PATH = "/nexus/v3/undelivered"


@pytest.fixture
def tenant(nexus, receiver):
    return Tenant(nexus, webhook_url=receiver.url)


def failed(tenant, receiver, count):
    """Ids of outbound messages that the receiver refused, the latest first."""
    receiver.answer(status=400)
    return [OutboundMessage(tenant).becomes("failed").id for _ in range(count)][::-1]


def page(caller, ccid=None, **filters):
    answer = caller.get(PATH, params=filters, headers={"x-ccid": ccid} if ccid else {})
    assert answer.status_code == 200, answer.text
    return data_of(answer)


def test_the_latest_come_first_with_their_last_status_and_the_first_page_has_the_total(tenant, receiver):
    ids = failed(tenant, receiver, 3)
    administrator = tenant.known_administrator()

    first = page(administrator, count=2)
    second = page(administrator, count=2, after=first["next"])

    assert [one["id"] for one in first["undelivered"] + second["undelivered"]] == ids
    assert (first["total"], second["total"], second["destinations"], second["next"]) == (3, None, None, None)
    host = urllib.parse.urlsplit(receiver.url).netloc
    assert {(one["ccid"], one["host"], one["reason"], one["status"], one["attempts"]) for one in first["undelivered"]} == {
        (tenant.ccid, host, "refused", 400, 1)}
    assert page(administrator, after=ids[1])["undelivered"][0]["id"] == ids[2]


def test_an_operator_sees_undelivered_messages_of_all_contact_centers_by_destination(nexus, tenant, receiver):
    other = Tenant(nexus, webhook_url=receiver.url)
    failed(tenant, receiver, 2)
    failed(other, receiver, 1)
    ours = {tenant.ccid, other.ccid}

    seen = page(nexus.operator(), count=1000)

    assert ours <= {one["ccid"] for one in seen["undelivered"]}
    counts = {(group["ccid"], group["channel"]): group["count"] for group in seen["destinations"] if group["ccid"] in ours}
    assert counts == {(tenant.ccid, tenant.number): 2, (other.ccid, other.number): 1}
    assert {one["ccid"] for one in page(nexus.operator(), tenant.ccid)["undelivered"]} == {tenant.ccid}
    assert {one["ccid"] for one in page(tenant.known_administrator())["undelivered"]} == {tenant.ccid}


def test_a_filter_narrows_list_total_and_destinations(tenant, receiver):
    failed(tenant, receiver, 2)
    administrator = tenant.known_administrator()

    for nothing in ({"reason": "expired"}, {"channel": "+15550009999"}, {"to": "2020-01-01T00:00:00Z"},
                    {"from": "2035-01-01T00:00:00Z"}):
        empty = page(administrator, **nothing)
        assert (empty["undelivered"], empty["total"], empty["destinations"], empty["next"]) == ([], 0, [], None)
    all_of_them = page(administrator, reason="refused", channel=tenant.number, **{"from": "2020-01-01T00:00:00Z"})
    assert all_of_them["total"] == 2


SORTS = {"since": lambda one: (), "channel": lambda one: (one["channel"],), "reason": lambda one: (one["reason"],),
         "status": lambda one: (one["status"] or 0,), "attempts": lambda one: (one["attempts"],)}


def all_pages(caller, count, **query):
    """Every row, page by page."""
    rows, after = [], ""
    while after is not None:
        one = page(caller, count=count, after=after, **query)
        rows, after = rows + one["undelivered"], one["next"]
    return rows


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
def test_each_order_shows_every_message_once_although_one_is_replayed_between_two_pages(tenant, receiver, sort, order):
    ids = failed(tenant, receiver, 7)
    for one, (reason, status, attempts) in zip(ids, [("refused", 400, 1), ("expired", None, 3), ("exhausted", 503, 12), ("refused", 400, 1),
                                                     ("expired", None, 3), ("uncertain", 200, 2), ("refused", 422, 1)], strict=True):
        tenant.stack.query("update undelivered set reason = %s, last_status = %s, attempts = %s where message_id = %s",
                           reason, status, attempts, one)
    administrator = tenant.known_administrator()
    wanted = sorted(page(administrator)["undelivered"], key=lambda one: (*SORTS[sort](one), one["since"], one["id"]), reverse=order == "desc")

    for count in (1, 2, 3, 7):
        assert all_pages(administrator, count, sort=sort, order=order) == wanted
    first = page(administrator, count=3, sort=sort, order=order)
    assert page(administrator, sort=sort, order=order, after=wanted[2]["id"])["undelivered"] == wanted[3:]
    receiver.answer(status=200)
    tenant.stack.nexusctl("replay", "--id", wanted[2]["id"])  # the last message of the first page
    assert page(administrator, sort=sort, order=order, after=first["next"])["undelivered"][:4] == wanted[3:]
    refused = administrator.get(PATH, params={"after": first["next"], "sort": "reason" if sort != "reason" else "status"})
    assert (refused.status_code, refused.json()["detail"].split(":")[0]) == (400, "after")


def test_a_page_in_any_order_reads_only_what_it_shows(postgres, template):
    database = Operator(postgres, postgres.create_database(template))
    connection = postgres.connect(database.database)
    rows_read = "select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'undelivered'"
    with connection.cursor() as cursor:
        cursor.execute("""
            insert into undelivered (tenant_id, message_id, destination_id, channel, reason, last_status, attempts, since)
            select 1 + n %% 3, gen_random_uuid(), 1, '+1844555' || n %% 7, (array['refused', 'expired', 'exhausted'])[1 + n %% 3],
                   nullif(n %% 5, 0) * 100, n %% 11, now() - n * interval '1 s' from generate_series(1, 20000) n""", ())
        connection.commit()
        cursor.execute("analyze undelivered")
        connection.commit()
        for tenant, sort, order in itertools.product((0, 2), SORTS, ("asc", "desc")):
            cursor.execute("select u from undelivered_page(%s, '', '', '', '', '', 20, %s, %s) u", (tenant, sort, order))
            after = json.loads(cursor.fetchone()[0])["next"]
            cursor.execute("select pg_stat_force_next_flush()")    # from now on only the next page counts
            connection.commit()
            cursor.execute("select undelivered_page(%s, %s, '', '', '', '', 20, %s, %s)", (tenant, after, sort, order))
            cursor.execute(rows_read)
            scanned, fetched = cursor.fetchone()
            connection.commit()
            assert scanned == 0 and fetched <= 25, (tenant, sort, order, scanned, fetched)
    connection.close()


@pytest.mark.parametrize("query, field", [("sort=colour", "sort"), ("order=down", "order"),
                                          ("sort=status&after=status.7a-1-00000000-0000-0000-0000-000000000000", "after"),
                                          ("sort=channel&after=channel.ff-1-00000000-0000-0000-0000-000000000000", "after"),
                                          ("after=x", "after"), ("after=1-2", "after"), ("from=yesterday", "from"),
                                          ("to=2026-13-01", "to")])
def test_an_invalid_field_is_refused_with_its_name(tenant, query, field):
    answer = tenant.known_administrator().get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (400, field)


def test_nexusctl_lists_undelivered_messages_of_all_contact_centers(nexus, tenant, receiver):
    ids = failed(tenant, receiver, 2)

    lines = nexus.nexusctl("undelivered", "--limit", "1000").stdout
    for one in ids:
        assert any(one in line and tenant.ccid in line and "400" in line for line in lines.splitlines())
    assert " undelivered\n" in lines
    first = nexus.nexusctl("undelivered", "--tenant", tenant.ccid, "--limit", "1").stdout
    assert ids[0] in first and "there are more: --after " in first
    rest = nexus.nexusctl("undelivered", "--tenant", tenant.ccid, "--after", first.rsplit(" ", 1)[1].strip()).stdout
    assert ids[1] in rest and "there are more" not in rest
    upward = nexus.nexusctl("undelivered", "--tenant", tenant.ccid, "--sort", "attempts", "--order", "asc").stdout
    assert upward.index(ids[1]) < upward.index(ids[0])
    grouped = nexus.nexusctl("undelivered", "--by", "destination").stdout
    assert any(tenant.ccid in line and " 2 " in line for line in grouped.splitlines())


def test_the_timeline_keeps_the_failure_of_each_replay(tenant, receiver):
    [one] = failed(tenant, receiver, 1)
    for _ in range(2):
        tenant.stack.nexusctl("replay", "--id", one)
        eventually(lambda: page(tenant.known_administrator())["undelivered"], "the message failed again")

    steps = data_of(tenant.known_administrator().get(f"/nexus/v3/messages/{one}/timeline"))["steps"]

    assert [(step["step"], step["attempt"]) for step in steps if step["step"] in ("attempt", "undelivered")] == [
        (step, attempt) for attempt in (1, 2, 3) for step in ("attempt", "undelivered")]
