"""What failed for good: the list of one contact center and of all, page by page, and by destination."""

import urllib.parse

import pytest

from harness.people import Answer, Tenant
from harness.wait import eventually

PATH = "/nexus/v3/undelivered"


@pytest.fixture
def tenant(nexus, customer):
    return Tenant(nexus, webhook_url=customer.url)


def failed(tenant, customer, count):
    """Ids of answers that the customer's gateway refused, the latest first."""
    customer.answer(status=400)
    return [Answer(tenant).becomes("failed").id for _ in range(count)][::-1]


def page(caller, ccid=None, **filters):
    answer = caller.get(PATH, params=filters, headers={"x-ccid": ccid} if ccid else {})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_the_latest_come_first_with_their_last_status_and_the_first_page_says_how_many(tenant, customer):
    ids = failed(tenant, customer, 3)
    administrator = tenant.administrator()

    first = page(administrator, count=2)
    second = page(administrator, count=2, after=first["next"])

    assert [one["id"] for one in first["undelivered"] + second["undelivered"]] == ids
    assert (first["total"], second["total"], second["destinations"], second["next"]) == (3, None, None, None)
    host = urllib.parse.urlsplit(customer.url).netloc
    assert {(one["ccid"], one["host"], one["reason"], one["status"], one["attempts"]) for one in first["undelivered"]} == {
        (tenant.ccid, host, "refused", 400, 1)}
    assert page(administrator, after=ids[1])["undelivered"][0]["id"] == ids[2]


def test_an_operator_sees_those_of_all_contact_centers_by_destination(nexus, tenant, customer):
    other = Tenant(nexus, webhook_url=customer.url)
    failed(tenant, customer, 2)
    failed(other, customer, 1)
    ours = {tenant.ccid, other.ccid}

    seen = page(nexus.operator(), count=1000)

    assert ours <= {one["ccid"] for one in seen["undelivered"]}
    counts = {(group["ccid"], group["channel"]): group["count"] for group in seen["destinations"] if group["ccid"] in ours}
    assert counts == {(tenant.ccid, tenant.number): 2, (other.ccid, other.number): 1}
    assert {one["ccid"] for one in page(nexus.operator(), tenant.ccid)["undelivered"]} == {tenant.ccid}
    assert {one["ccid"] for one in page(tenant.administrator())["undelivered"]} == {tenant.ccid}


def test_a_filter_narrows_list_total_and_destinations(tenant, customer):
    failed(tenant, customer, 2)
    administrator = tenant.administrator()

    for nothing in ({"reason": "expired"}, {"channel": "+15550009999"}, {"to": "2020-01-01T00:00:00Z"},
                    {"from": "2035-01-01T00:00:00Z"}):
        empty = page(administrator, **nothing)
        assert (empty["undelivered"], empty["total"], empty["destinations"], empty["next"]) == ([], 0, [], None)
    all_of_them = page(administrator, reason="refused", channel=tenant.number, **{"from": "2020-01-01T00:00:00Z"})
    assert all_of_them["total"] == 2


@pytest.mark.parametrize("query, field", [("after=x", "after"), ("after=1-2", "after"), ("from=yesterday", "from"),
                                          ("to=2026-13-01", "to")])
def test_what_cannot_be_understood_is_refused_by_its_name(tenant, query, field):
    answer = tenant.administrator().get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (400, field)


def test_nexusctl_lists_those_of_all_contact_centers(nexus, tenant, customer):
    ids = failed(tenant, customer, 2)

    lines = nexus.nexusctl("undelivered", "--limit", "1000").stdout
    for one in ids:
        assert any(one in line and tenant.ccid in line and "400" in line for line in lines.splitlines())
    assert " undelivered\n" in lines
    first = nexus.nexusctl("undelivered", "--tenant", tenant.ccid, "--limit", "1").stdout
    assert ids[0] in first and "there are more: --after " in first
    rest = nexus.nexusctl("undelivered", "--tenant", tenant.ccid, "--after", first.rsplit(" ", 1)[1].strip()).stdout
    assert ids[1] in rest and "there are more" not in rest
    grouped = nexus.nexusctl("undelivered", "--by", "destination").stdout
    assert any(tenant.ccid in line and " 2 " in line for line in grouped.splitlines())


def test_each_replay_keeps_what_it_had_failed_with(tenant, customer):
    [one] = failed(tenant, customer, 1)
    for _ in range(2):
        tenant.stack.nexusctl("replay", "--id", one)
        eventually(lambda: page(tenant.administrator())["undelivered"], "it failed again")

    steps = tenant.administrator().get(f"/nexus/v3/messages/{one}/timeline").json()["data"]["steps"]

    assert [(step["step"], step["attempt"]) for step in steps if step["step"] in ("attempt", "undelivered")] == [
        (step, attempt) for attempt in (1, 2, 3) for step in ("attempt", "undelivered")]
