"""Rules between provisioned objects: a number names existing objects, a name is used once, a secret can be removed."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.answers import data_of
from harness.people import until_accepted
from harness.provisioning import Provisioner, error_text

HOOK, ADDRESS = "https://sms.example.com/out", "+18445551212"


@pytest.fixture
def provisioner(nexus):
    return Provisioner(nexus)


def test_a_number_that_names_an_unknown_service_is_refused(provisioner):
    number = {"channelId": provisioner.number, "channelType": "sms", "provider": "Async"}

    refused = provisioner.section("chat.Support", number)

    assert refused.status_code == 400
    assert error_text(refused) == 'provider: chat.Support names the service "Async", and there is no such service'
    assert provisioner.gateway(HOOK).status_code == 200
    assert provisioner.section("chat.Support", number).status_code == 200


def test_null_removes_the_api_secret_of_a_number_and_nothing_else(nexus, provisioner):
    api_secret = secrets.token_hex(16)
    nexus.private.add(api_secret)
    assert provisioner.gateway(HOOK).status_code == 200
    provisioner.has_number(provider="Async")
    entry = {"channelId": provisioner.number}
    data = {"channels": [{**entry, "webhook": {"url": HOOK}}]}

    def stored():
        [row] = nexus.query("select cardinality(c.secrets), cardinality(d.secrets), c.retired from channel c"
                            " join destination d on d.id = c.destination_id where c.address = %s", provisioner.number)
        return row

    given = provisioner.service("Async", {"data": data, "secret": {"channels": [{**entry, "api": {"secret": api_secret}}]}}, "PUT")
    assert given.status_code == 200, given.text
    assert stored() == (1, 1, None)
    assert provisioner.service("Async", {"data": data, "secret": {"channels": [entry]}}, "PUT").status_code == 200
    assert stored() == (1, 1, None), "an omitted secret stays"
    assert provisioner.service("Async", {"data": data, "secret": {"channels": [{**entry, "api": None}]}}, "PUT").status_code == 200

    assert stored() == (0, 1, None)
    changes = data_of(provisioner.get("/nexus/v3/audit", params={"object": "Async", "count": 1}))["changes"]
    assert [(change["action"], change["fields"]) for change in changes] == [("service.change", ["secret"])]


def test_a_channel_without_a_webhook_secret_must_be_given_one(provisioner):
    answer = provisioner.service("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": HOOK}}]},
                                           "secret": {"channels": [{"channelId": ADDRESS, "api": None}]}})

    assert answer.status_code == 400 and error_text(answer) == "secret.channels[0].webhook: missing"


def test_only_one_of_many_keys_created_at_once_with_the_same_name_is_accepted(nexus, provisioner):
    assert provisioner.key(name="first").status_code == 200

    def create(_):
        """On a busy machine one may wait longer for the others than PostgreSQL lets it; then nothing was stored, and it repeats."""
        return until_accepted(lambda: provisioner.key(name="the same"), refusals=(503,), other_statuses=(409,))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [409]
    assert {error_text(answer) for answer in answers if answer.status_code == 409} == {"name: another key has it already"}
    renamed = next(answer for answer in answers if answer.status_code == 200).json()["id"]
    assert provisioner.put(f"/nexus/v3/apikeys/{renamed}", json={"name": "first"}).status_code == 409
    assert provisioner.delete(f"/nexus/v3/apikeys/{renamed}").status_code == 200
    assert provisioner.key(name="the same").status_code == 200, "the name of a revoked key is free"
