"""nexusctl numbers list, with a real database; no other process of Nexus runs."""

import uuid

import pytest

from harness.nexus.nexusctl import CCID, Operator, document


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def test_numbers_are_listed_with_their_contact_center_service_and_destination(operator):
    other = str(uuid.uuid4())
    operator.apply(document())
    operator.apply({"tenants": [{"ccid": other, "name": "other", "numbers": [
        {"address": "12345", "name": "short", "country": "US", "endpoint": "sales"}], "domains": [
        {"address": "mail.example.com", "name": "mail"}]}]})

    numbers = operator.json("numbers", "list")["numbers"]

    assert sorted((n["number"], n["ccid"], n["kind"], n["country"], n["name"], n["endpoint"], n["service"], n["state"]) for n in numbers) == [
        ("+18445551212", CCID, "sms", None, "support", "sales", "Async", "in use"),
        ("12345", other, "sms", "US", "short", "sales", "Portico", "no webhook"),
        ("mail.example.com", other, "email", None, "mail", None, "Portico", "no webhook")]
    [destination] = operator.json("destinations")["destinations"]
    assert [n["destination"] for n in numbers if n["ccid"] == CCID] == [destination["id"]]
    assert [n["number"] for n in operator.json("numbers", "--tenant", CCID)["numbers"]] == ["+18445551212"]
    table = operator.run("numbers").stdout.splitlines()
    assert table[0].split() == ["NUMBER", "CCID", "KIND", "COUNTRY", "NAME", "ENDPOINT", "SERVICE", "DESTINATION", "STATE"]
    assert len(table) == 4


def test_numbers_are_listed_page_by_page(operator):
    operator.apply({"tenants": [{"ccid": CCID, "numbers": [{"address": f"1844555121{i}", "name": f"n{i}"} for i in range(5)]}]})
    seen, words = [], []
    for _ in range(5):
        page = operator.json("numbers", "list", "--limit", "2", *words)
        seen += [number["number"] for number in page["numbers"]]
        if page["next"] is None:
            break
        words = ["--after", page["next"]]

    assert sorted(seen) == [f"+1844555121{i}" for i in range(5)]
    assert "there are more: --after" in operator.run("numbers", "--limit", "2").stdout


def test_a_number_that_is_no_longer_provisioned_is_listed_as_retired(operator):
    operator.apply(document())
    operator.apply({"tenants": [{"ccid": CCID, "name": "premise", "numbers": []}]}, "--prune")

    assert [number["state"] for number in operator.json("numbers")["numbers"]] == ["retired"]
