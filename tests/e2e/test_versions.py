"""Two people change the same: who adds overwrites nothing, who changes says what was read, and a reference leads somewhere."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.nexusctl import CCID, Operator
from harness.people import new_number
from harness.provisioning import PROVISIONING, Office, said

HOOK = "http://127.0.0.1:1/out"
NEW = {"If-None-Match": "*"}
CHANGED = "it was changed meanwhile: read it again"


@pytest.fixture
def office(nexus):
    return Office(nexus)


class Thing:
    """Something that is provisioned under a path of its own, in two states."""

    def __init__(self, office, path, one, other, fault):
        self.office, self.path, self.one, self.other, self.fault = office, path, one, other, fault

    def write(self, document, **headers):
        return self.office.put(self.path, json=document, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def version(self):
        return self.office.get(self.path).headers["ETag"]


@pytest.fixture(params=["a number", "an endpoint", "a transaction", "a service"])
def thing(office, request):
    number = {"channelId": office.number, "channelType": "sms"}
    return {
        "a number": lambda: Thing(office, office.section_path("chat.A"), number, {**number, "validity": "1h"},
                                  "section: there is one of this name already"),
        "an endpoint": lambda: Thing(office, office.section_path("support", "NexusEndpoints"), {"queue": "a"}, {"queue": "b"},
                                     "section: there is one of this name already"),
        "a transaction": lambda: Thing(office, office.section_path(None, "NexusEndpoints"), {"one": {"queue": "a"}},
                                       {"two": {"queue": "b"}}, "transaction: it is there already"),
        "a service": lambda: Thing(office, office.service_path("PlatformUCS"), {"url": "https://one.example.com"},
                                   {"url": "https://two.example.com"}, "serviceName: this service is set up already"),
    }[request.param]()


def test_what_is_added_overwrites_nothing(thing):
    thing.write(thing.one)
    before = thing.office.get(thing.path)

    answer = thing.write(thing.other, If_None_Match="*")

    assert (answer.status_code, said(answer)) == (412, thing.fault)
    after = thing.office.get(thing.path)
    assert after.json()["data"] == before.json()["data"] and after.headers["ETag"] == before.headers["ETag"]


def test_a_change_of_what_was_read_is_made_and_says_the_next_version(thing):
    thing.write(thing.one)
    first = thing.version()

    answer = thing.write(thing.other, If_Match=first)

    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == thing.version() != first


def test_a_change_of_what_somebody_changed_meanwhile_is_412_and_changes_nothing(thing):
    thing.write(thing.one)
    read = thing.version()
    thing.write(thing.other)

    answers = [thing.write(thing.one, If_Match=read), thing.office.delete(thing.path, headers={"If-Match": read})]

    assert [(answer.status_code, said(answer)) for answer in answers] == [(412, CHANGED)] * 2
    assert thing.write(thing.one, If_Match=f'"another", {thing.version()}').status_code == 200
    assert thing.office.delete(thing.path, headers={"If-Match": thing.version()}).status_code == 200


def test_without_a_condition_the_last_who_writes_wins_as_ever(thing):
    assert [thing.write(document).status_code for document in (thing.one, thing.other, thing.one)] == [200, 200, 200]


def test_of_two_who_add_the_same_at_once_one_succeeds(office):
    office.has_number("chat.Other")  # the contact center exists
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda queue: office.put(office.section_path("support", "NexusEndpoints"), headers=NEW,
                                                           json={"queue": f"q{queue}"}), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    won = next(answer for answer in answers if answer.status_code == 200)
    assert office.get(office.section_path("support", "NexusEndpoints")).json()["data"] == won.json()["data"]


def test_what_is_new_can_be_added_and_what_is_gone_cannot_be_changed(office):
    path = office.section_path("support", "NexusEndpoints")
    assert office.put(path, headers=NEW, json={"queue": "a"}).status_code == 200
    read = office.get(path).headers["ETag"]
    office.delete(path)

    for condition in (read, "*"):
        answer = office.put(path, headers={"If-Match": condition}, json={"queue": "b"})
        assert (answer.status_code, said(answer)) == (412, CHANGED)
    assert office.get(path).status_code == 404


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["", "abc", '"abc', '"a" "b"', '"a",,"b"', '*, "a"', '"' + "a" * 600 + '"'])
def test_a_condition_that_cannot_be_understood_is_refused_by_its_name(office, header, value):
    answer = office.put(office.section_path("support", "NexusEndpoints"), headers={header: value}, json={"queue": "a"})

    assert (answer.status_code, said(answer).split(":")[0]) == (400, header)


def tenant_document(office, name):
    return {"id": office.ccid, "name": name, "type": "PureEngage", "backendurl": "http://gws.example.com",
            "username": "nexus", "token": office.secret, "genesystemenantid": 1}


def test_a_contact_center_is_not_provisioned_over_another(nexus, office):
    office.has_number()  # founds it
    name = f"premise_{office.ccid[:8]}"
    path = f"{PROVISIONING}/tenants"
    made = office.post(path, headers=NEW, json=tenant_document(office, name))
    assert made.status_code == 200, made.text
    nexus.private.add(made.json()["data"]["xapikey"])
    read = office.get(f"{path}/{office.ccid}").headers["ETag"]

    again = office.post(path, headers=NEW, json=tenant_document(office, name + "_2"))
    changed = office.post(path, headers={"If-Match": read}, json=tenant_document(office, name + "_3"))
    late = office.post(path, headers={"If-Match": read}, json=tenant_document(office, name + "_4"))

    assert (again.status_code, said(again)) == (412, "id: this contact center is provisioned already")
    assert (changed.status_code, late.status_code, said(late)) == (200, 412, CHANGED)
    assert office.get(f"{path}/{office.ccid}").json()["data"]["name"] == name + "_3"


def test_a_version_is_of_the_texts_as_they_are_with_blanks_quotes_and_umlauts(office):
    path = office.section_path("support", "NexusEndpoints")
    for greeting in ("a  b", "a b", 'say " : , " twice', "back\\slash \\", "Grüße , : 🙂"):
        read = office.put(path, json={"greeting": greeting, "queue": "q"}).headers["ETag"]
        assert office.put(path, json={"greeting": greeting, "queue": "r"}, headers={"If-Match": read}).status_code == 200
    one = office.put(path, json={"greeting": "a  b"}).headers["ETag"]
    assert office.put(path, json={"greeting": "a b"}).headers["ETag"] != one


def test_what_was_refused_stands_in_no_audit_log(office):
    office.section("support", {"queue": "a"}, "NexusEndpoints")
    office.put(office.section_path("support", "NexusEndpoints"), headers=NEW, json={"queue": "b"})

    changes = office.get("/nexus/v3/audit", headers={"x-ccid": office.ccid}).json()["data"]["changes"]

    assert [change["object"] for change in changes] == ["NexusEndpoints/support"]


# --- references

def test_a_number_that_names_an_endpoint_there_is_not_is_refused_at_the_field(office):
    office.section("support", {"queue": "a"}, "NexusEndpoints")

    answer = office.section("chat.A", {"channelId": office.number, "channelType": "sms", "endpoint": "nosuchendpoint"})

    assert (answer.status_code, said(answer)) == (
        400, 'endpoint: chat.A names "nosuchendpoint", and there is no such endpoint')
    assert office.get(office.section_path("chat.A")).status_code == 404
    for name in ("support", "chat.support"):
        office.has_number("chat.A", endpoint=name)


def test_without_any_endpoints_a_number_names_its_queue(office, nexus):
    office.has_number("chat.A", endpoint="sales")

    assert nexus.query("select endpoint from channel where address = %s", f"+{office.number.lstrip('+')}") == [("sales",)]
    # What it found without its endpoint stays as it is.
    assert office.section("support", {"queue": "a"}, "NexusEndpoints").status_code == 200
    office.has_number("chat.B", new_number(), endpoint="support")
    office.has_number("chat.A", endpoint="sales", validity="1h")


def test_an_endpoint_that_a_number_names_does_not_go_while_there_are_others(office, nexus):
    office.section("support", {"queue": "a"}, "NexusEndpoints")
    office.section("other", {"queue": "b"}, "NexusEndpoints")
    office.has_number("chat.A", endpoint="chat.support")
    fault = (409, 'the endpoint "chat.support" is named by chat.A')

    one = office.delete(office.section_path("support", "NexusEndpoints"))
    replaced = office.put(office.section_path(None, "NexusEndpoints"), json={"other": {"queue": "b"}})

    assert [(answer.status_code, said(answer)) for answer in (one, replaced)] == [fault] * 2
    assert office.delete(office.section_path(None, "NexusEndpoints")).status_code == 200
    assert nexus.query("select endpoint from channel where address = %s", f"+{office.number.lstrip('+')}") == [("chat.support",)]


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def test_a_file_that_names_an_endpoint_there_is_not_changes_nothing(operator):
    number = {"address": "18445551212", "name": "Support", "endpoint": "nosuchendpoint"}
    file = {"tenants": [{"ccid": CCID, "name": "premise", "numbers": [number], "endpoints": {"sales": {"queue": "a"}}}]}

    refused = operator.run("apply", "-f", "-", standard_input=json.dumps(file), code=1)

    assert 'endpoint: chat.Support names "nosuchendpoint", and there is no such endpoint' in refused.stderr
    assert operator.value("select count(*) from tenant") == 0
