"""Concurrent changes: If-None-Match never overwrites, If-Match changes only the version that was read. References must exist."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.answers import data_of
from harness.nexus.nexusctl import CCID, Operator
from harness.people import new_number, until_accepted
from harness.provisioning import PROVISIONING, Provisioner, error_text
from harness.reading.provisioned import numbers

HOOK = "http://127.0.0.1:1/out"
NEW = {"If-None-Match": "*"}
CHANGED = "it was changed in the meantime: read it again"


@pytest.fixture
def provisioner(nexus):
    return Provisioner(nexus)


class ProvisionedObject:
    """An object with a path of its own, and two documents for it."""

    def __init__(self, provisioner, path, one, other, fault):
        self.provisioner, self.path, self.one, self.other, self.fault = provisioner, path, one, other, fault

    def write(self, document, **headers):
        return self.provisioner.put(self.path, json=document, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def version(self):
        return self.provisioner.get(self.path).headers["ETag"]


@pytest.fixture(params=["a number", "an endpoint", "a transaction", "a service"])
def provisioned(provisioner, request):
    number = {"channelId": provisioner.number, "channelType": "sms"}
    return {
        "a number": lambda: ProvisionedObject(provisioner, provisioner.section_path("chat.A"), number, {**number, "validity": "1h"},
                                  "section: there is one of this name already"),
        "an endpoint": lambda: ProvisionedObject(provisioner, provisioner.section_path("support", "NexusEndpoints"), {"queue": "a"}, {"queue": "b"},
                                     "section: there is one of this name already"),
        "a transaction": lambda: ProvisionedObject(provisioner, provisioner.section_path(None, "NexusEndpoints"), {"one": {"queue": "a"}},
                                       {"two": {"queue": "b"}}, "transaction: it is there already"),
        "a service": lambda: ProvisionedObject(provisioner, provisioner.service_path("PlatformUCS"), {"url": "https://one.example.com"},
                                   {"url": "https://two.example.com"}, "serviceName: this service is set up already"),
    }[request.param]()


def test_if_none_match_does_not_overwrite_an_object(provisioned):
    provisioned.write(provisioned.one)
    before = provisioned.provisioner.get(provisioned.path)

    answer = provisioned.write(provisioned.other, If_None_Match="*")

    assert (answer.status_code, error_text(answer)) == (412, provisioned.fault)
    after = provisioned.provisioner.get(provisioned.path)
    assert data_of(after) == data_of(before) and after.headers["ETag"] == before.headers["ETag"]


def test_if_match_with_the_current_version_changes_the_object_and_returns_the_next_version(provisioned):
    provisioned.write(provisioned.one)
    first = provisioned.version()

    answer = provisioned.write(provisioned.other, If_Match=first)

    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == provisioned.version() != first


def test_if_match_with_an_older_version_gets_412_and_changes_nothing(provisioned):
    provisioned.write(provisioned.one)
    read = provisioned.version()
    provisioned.write(provisioned.other)

    answers = [provisioned.write(provisioned.one, If_Match=read), provisioned.provisioner.delete(provisioned.path, headers={"If-Match": read})]

    assert [(answer.status_code, error_text(answer)) for answer in answers] == [(412, CHANGED)] * 2
    assert provisioned.write(provisioned.one, If_Match=f'"another", {provisioned.version()}').status_code == 200
    assert provisioned.provisioner.delete(provisioned.path, headers={"If-Match": provisioned.version()}).status_code == 200


def test_without_a_condition_the_last_writer_wins(provisioned):
    assert [provisioned.write(document).status_code for document in (provisioned.one, provisioned.other, provisioned.one)] == [200, 200, 200]


def test_only_one_of_many_concurrent_requests_with_if_none_match_succeeds(provisioner):
    provisioner.has_number("chat.Other")  # the contact center exists

    def write(queue):
        """On a busy machine one may wait longer for the others than PostgreSQL lets it; then nothing was stored, and it repeats."""
        return until_accepted(lambda: provisioner.put(provisioner.section_path("support", "NexusEndpoints"), headers=NEW,
                                                      json={"queue": f"q{queue}"}), refusals=(503,), other_statuses=(412,))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    won = next(answer for answer in answers if answer.status_code == 200)
    assert data_of(provisioner.get(provisioner.section_path("support", "NexusEndpoints"))) == data_of(won)


def test_a_new_object_can_be_added_and_a_deleted_one_cannot_be_changed(provisioner):
    path = provisioner.section_path("support", "NexusEndpoints")
    assert provisioner.put(path, headers=NEW, json={"queue": "a"}).status_code == 200
    read = provisioner.get(path).headers["ETag"]
    provisioner.delete(path)

    for condition in (read, "*"):
        answer = provisioner.put(path, headers={"If-Match": condition}, json={"queue": "b"})
        assert (answer.status_code, error_text(answer)) == (412, CHANGED)
    assert provisioner.get(path).status_code == 404


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["", "abc", '"abc', '"a" "b"', '"a",,"b"', '*, "a"', '"' + "a" * 600 + '"'])
def test_a_malformed_condition_is_refused_with_the_name_of_the_header(provisioner, header, value):
    answer = provisioner.put(provisioner.section_path("support", "NexusEndpoints"), headers={header: value}, json={"queue": "a"})

    assert (answer.status_code, error_text(answer).split(":")[0]) == (400, header)


def tenant_document(provisioner, name):
    return {"id": provisioner.ccid, "name": name, "type": "PureEngage", "backendurl": "http://gws.example.com",
            "username": "nexus", "token": provisioner.secret, "genesystemenantid": 1}


def test_conditions_also_protect_a_contact_center(nexus, provisioner):
    provisioner.has_number()  # creates the contact center
    name = f"premise_{provisioner.ccid[:8]}"
    path = f"{PROVISIONING}/tenants"
    made = provisioner.post(path, headers=NEW, json=tenant_document(provisioner, name))
    assert made.status_code == 200, made.text
    nexus.private.add(data_of(made)["xapikey"])
    read = provisioner.get(f"{path}/{provisioner.ccid}").headers["ETag"]

    again = provisioner.post(path, headers=NEW, json=tenant_document(provisioner, name + "_2"))
    changed = provisioner.post(path, headers={"If-Match": read}, json=tenant_document(provisioner, name + "_3"))
    late = provisioner.post(path, headers={"If-Match": read}, json=tenant_document(provisioner, name + "_4"))

    assert (again.status_code, error_text(again)) == (412, "id: this contact center is provisioned already")
    assert (changed.status_code, late.status_code, error_text(late)) == (200, 412, CHANGED)
    assert data_of(provisioner.get(f"{path}/{provisioner.ccid}"))["name"] == name + "_3"


def test_a_version_depends_on_the_exact_text_with_spaces_quotes_and_umlauts(provisioner):
    path = provisioner.section_path("support", "NexusEndpoints")
    for greeting in ("a  b", "a b", 'say " : , " twice', "back\\slash \\", "Grüße , : 🙂"):
        read = provisioner.put(path, json={"greeting": greeting, "queue": "q"}).headers["ETag"]
        assert provisioner.put(path, json={"greeting": greeting, "queue": "r"}, headers={"If-Match": read}).status_code == 200
    one = provisioner.put(path, json={"greeting": "a  b"}).headers["ETag"]
    assert provisioner.put(path, json={"greeting": "a b"}).headers["ETag"] != one


def test_a_refused_request_is_not_in_the_audit_log(provisioner):
    provisioner.section("support", {"queue": "a"}, "NexusEndpoints")
    provisioner.put(provisioner.section_path("support", "NexusEndpoints"), headers=NEW, json={"queue": "b"})

    changes = data_of(provisioner.get("/nexus/v3/audit", headers={"x-ccid": provisioner.ccid}))["changes"]

    assert [change["object"] for change in changes] == ["NexusEndpoints/support"]


# --- references

def test_a_number_that_names_an_unknown_endpoint_is_refused_at_the_field(provisioner):
    provisioner.section("support", {"queue": "a"}, "NexusEndpoints")

    answer = provisioner.section("chat.A", {"channelId": provisioner.number, "channelType": "sms", "endpoint": "nosuchendpoint"})

    assert (answer.status_code, error_text(answer)) == (
        400, 'endpoint: chat.A names "nosuchendpoint", and there is no such endpoint')
    assert provisioner.get(provisioner.section_path("chat.A")).status_code == 404
    for name in ("support", "chat.support"):
        provisioner.has_number("chat.A", endpoint=name)


def test_a_number_may_name_any_queue_while_there_are_no_endpoints(provisioner, nexus):
    provisioner.has_number("chat.A", endpoint="sales")

    assert [one["endpoint"] for one in numbers(nexus, provisioner.ccid)] == ["sales"]
    # A name without an endpoint stays valid after endpoints were added.
    assert provisioner.section("support", {"queue": "a"}, "NexusEndpoints").status_code == 200
    provisioner.has_number("chat.B", new_number(), endpoint="support")
    provisioner.has_number("chat.A", endpoint="sales", validity="1h")


def test_an_endpoint_that_a_number_names_cannot_be_deleted_while_others_exist(provisioner, nexus):
    provisioner.section("support", {"queue": "a"}, "NexusEndpoints")
    provisioner.section("other", {"queue": "b"}, "NexusEndpoints")
    provisioner.has_number("chat.A", endpoint="chat.support")
    fault = (409, 'the endpoint "chat.support" is named by chat.A')

    one = provisioner.delete(provisioner.section_path("support", "NexusEndpoints"))
    replaced = provisioner.put(provisioner.section_path(None, "NexusEndpoints"), json={"other": {"queue": "b"}})

    assert [(answer.status_code, error_text(answer)) for answer in (one, replaced)] == [fault] * 2
    assert provisioner.delete(provisioner.section_path(None, "NexusEndpoints")).status_code == 200
    assert [one["endpoint"] for one in numbers(nexus, provisioner.ccid)] == ["chat.support"]


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def test_a_file_that_names_an_unknown_endpoint_changes_nothing(operator):
    number = {"address": "18445551212", "name": "Support", "endpoint": "nosuchendpoint"}
    file = {"tenants": [{"ccid": CCID, "name": "premise", "numbers": [number], "endpoints": {"sales": {"queue": "a"}}}]}

    refused = operator.run("apply", "-f", "-", standard_input=json.dumps(file), code=1)

    assert 'endpoint: chat.Support names "nosuchendpoint", and there is no such endpoint' in refused.stderr
    assert operator.value("select count(*) from tenant") == 0
