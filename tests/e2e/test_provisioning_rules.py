"""Rules between the parts of what is provisioned: what a number names is there, a name is used once, a secret can be removed."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.provisioning import Office, said

HOOK, ADDRESS = "https://sms.example.com/out", "+18445551212"


@pytest.fixture
def office(nexus):
    return Office(nexus)


def test_a_number_that_names_a_service_there_is_not_is_refused(office):
    number = {"channelId": office.number, "channelType": "sms", "provider": "Async"}

    refused = office.section("chat.Support", number)

    assert refused.status_code == 400
    assert said(refused) == 'provider: chat.Support names the service "Async", and there is no such service'
    assert office.gateway(HOOK).status_code == 200
    assert office.section("chat.Support", number).status_code == 200


def test_the_api_secret_of_a_number_is_removed_by_null_and_everything_else_of_it_stays(nexus, office):
    hush = secrets.token_hex(16)
    nexus.private.add(hush)
    assert office.gateway(HOOK).status_code == 200
    office.has_number(provider="Async")
    entry = {"channelId": office.number}
    data = {"channels": [{**entry, "webhook": {"url": HOOK}}]}

    def stored():
        [row] = nexus.query("select cardinality(c.secrets), cardinality(d.secrets), c.retired from channel c"
                            " join destination d on d.id = c.destination_id where c.address = %s", office.number)
        return row

    given = office.service("Async", {"data": data, "secret": {"channels": [{**entry, "api": {"secret": hush}}]}}, "PUT")
    assert given.status_code == 200, given.text
    assert stored() == (1, 1, None)
    assert office.service("Async", {"data": data, "secret": {"channels": [entry]}}, "PUT").status_code == 200
    assert stored() == (1, 1, None), "what is left out stays"
    assert office.service("Async", {"data": data, "secret": {"channels": [{**entry, "api": None}]}}, "PUT").status_code == 200

    assert stored() == (0, 1, None)
    changes = office.get("/nexus/v3/audit", params={"object": "Async", "count": 1}).json()["data"]["changes"]
    assert [(change["action"], change["fields"]) for change in changes] == [("service.change", ["secret"])]


def test_a_channel_that_has_no_webhook_secret_yet_wants_one(office):
    answer = office.service("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": HOOK}}]},
                                      "secret": {"channels": [{"channelId": ADDRESS, "api": None}]}})

    assert answer.status_code == 400 and said(answer) == "secret.channels[0].webhook: missing"


def test_of_keys_that_are_made_with_one_name_in_the_same_instant_one_is_made_and_the_others_are_refused(nexus, office):
    assert office.key(name="first").status_code == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: office.key(name="the same"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [409]
    assert {said(answer) for answer in answers if answer.status_code == 409} == {"name: another key has it already"}
    renamed = next(answer for answer in answers if answer.status_code == 200).json()["id"]
    assert office.put(f"/nexus/v3/apikeys/{renamed}", json={"name": "first"}).status_code == 409
    assert office.delete(f"/nexus/v3/apikeys/{renamed}").status_code == 200
    assert office.key(name="the same").status_code == 200, "the name of a revoked key is free"
