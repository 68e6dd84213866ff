"""Provisioning over HTTP: tenants, keys, services, transactions. What is good takes effect, what is not is refused
with its path and the rule, and no secret comes back or stands in the database in clear."""

import secrets
import uuid

import pytest

from harness.people import Aggregator, Tenant, new_number
from harness.provisioning import PROVISIONING, Office, said

PREFIX = 13  # characters of a key that stay visible


@pytest.fixture
def office(nexus):
    return Office(nexus)


def everything_stored(stack):
    """All rows of all tables, as one text."""
    tables = [row[0] for row in stack.query(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'")]
    return "\n".join(str(stack.query(f"select * from {table}")) for table in tables)


# --- tenants

def tenant_document(office, **members):
    return {"id": office.ccid, "name": f"premise_{office.ccid[:8]}", "type": "PureEngage",
            "backendurl": "http://gws.example.com", "username": "nexus", "token": office.secret,
            "genesystemenantid": 1, **members}


def test_a_tenant_is_provisioned_and_gets_a_key_for_chat(nexus, office):
    answer = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    key = body["data"]["xapikey"]
    nexus.private.add(key)
    assert body["status"] == {"code": 0} and uuid.UUID(body["operationId"]) and uuid.UUID(key)
    stored = office.get(f"/nexus/v3/apikeys/{key}").json()
    assert stored["permissions"] == ["nexus:consumer:chat"] and stored["tenant"] == office.ccid
    assert office.get(f"{PROVISIONING}/tenants/{office.ccid}").json()["data"]["name"] == f"premise_{office.ccid[:8]}"


def test_a_tenant_provisioned_again_keeps_its_key_and_takes_what_changed(nexus, office):
    first = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office)).json()["data"]["xapikey"]
    nexus.private.add(first)

    again = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office, type="Other")).json()["data"]["xapikey"]

    assert again == first[:PREFIX]
    read = office.get(f"{PROVISIONING}/tenants/{office.ccid}").json()["data"]
    assert read["type"] == "Other" and "token" not in read
    assert nexus.query("select count(*) from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s",
                       office.ccid) == [(1,)]


def test_a_name_that_belongs_to_another_tenant_is_409(nexus, office):
    other = Office(nexus)
    other.post(f"{PROVISIONING}/tenants", json=tenant_document(other, name="the same name"))

    answer = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office, name="the same name"))

    assert answer.status_code == 409
    assert said(answer) == "name: belongs to another contact center"


@pytest.mark.parametrize("members, fault", [
    ({"id": None}, "id: missing"),
    ({"id": "premise"}, "id: not a UUID"),
    ({"name": None}, "name: missing"),
    ({"backendurl": "gws"}, "backendurl: a URL with http:// or https:// is wanted"),
    ({"genesystemenantid": "one"}, "genesystemenantid: not a whole number"),
])
def test_a_tenant_that_is_not_good_is_refused_with_path_and_rule(office, members, fault):
    answer = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office, **members))

    assert (answer.status_code, said(answer)) == (400, fault)


# --- keys

def test_a_key_has_a_name_of_its_own_and_its_time_to_come(office):
    first = office.key("nexus:agent:chat", name="site")
    assert first.status_code == 200
    key = f"/nexus/v3/apikeys/{first.json()['id']}"

    again, late = office.key("nexus:agent:chat", name="site"), office.key("nexus:agent:chat", expires="2020-01-31")
    other = office.key("nexus:agent:chat", name="other").json()["id"]

    assert (again.status_code, said(again)) == (409, "name: another key has it already")
    assert (late.status_code, said(late)) == (400, "expires: this time has passed")
    assert office.put(key, json={"name": "other"}).status_code == 409
    assert office.put(key, json={"name": "site"}).status_code == 200
    office.delete(f"/nexus/v3/apikeys/{other}")
    assert office.put(key, json={"name": "other"}).status_code == 200


def test_a_key_looks_as_documented_and_is_shown_once(office):
    made = office.key("nexus:consumer:chat", "nexus:designer:chat", name="site").json()

    assert list(made) == ["id", "tenant", "name", "permissions", "enabled", "created", "revoked", "expires", "createdby",
                          "capacity", "frequency"]
    assert uuid.UUID(made["id"]) and made["created"].endswith("Z")
    assert {**made, "id": "", "created": "", "createdby": ""} == {
        "id": "", "tenant": office.ccid, "name": "site",
        "permissions": ["nexus:consumer:chat", "nexus:designer:chat"], "enabled": True, "created": "", "revoked": False,
        "expires": False, "createdby": "", "capacity": 120, "frequency": 60}
    short = {**made, "id": made["id"][:PREFIX]}
    assert office.get(f"/nexus/v3/apikeys/{made['id']}").json() == short
    assert office.get(f"/nexus/v3/apikeys/{short['id']}").json() == short
    listed = office.get("/nexus/v3/apikeys", params={"tenant": office.ccid}).json()["data"]
    assert listed == {"keys": [short], "total": 1}


def test_a_key_changes_but_not_its_permissions(office):
    path = f"/nexus/v3/apikeys/{office.key().json()['id']}"

    changed = office.put(path, json={"capacity": 0, "frequency": 10, "expires": "2030-01-31T12:00:00Z", "enabled": False,
                                     "name": "other"}).json()
    assert (changed["capacity"], changed["frequency"], changed["expires"], changed["enabled"], changed["name"]) == (
        0, 10, "2030-01-31T12:00:00.000Z", False, "other")
    assert office.put(path, json={"expires": False}).json()["expires"] is False
    refused = office.put(path, json={"permissions": ["nexus:cluster:*"]})
    assert (refused.status_code, said(refused)) == (400, "permissions: cannot be changed; make another key")


def test_a_revoked_key_is_never_good_again_and_stays_on_record(office):
    key = office.key().json()["id"]
    path = f"/nexus/v3/apikeys/{key}"

    assert office.delete(path).json()["revoked"] is True

    assert office.put(path, json={"enabled": True}).status_code == 409
    assert office.get("/nexus/v3/apikeys", params={"tenant": office.ccid}).json()["data"]["total"] == 0
    listed = office.get("/nexus/v3/apikeys", params={"tenant": office.ccid, "revoked": "true"}).json()["data"]["keys"]
    assert [k["id"] for k in listed] == [key[:PREFIX]]


def test_a_new_key_works_at_once(nexus, office):
    key = office.key("nexus:agent:chat").json()["id"]
    agent = Office(nexus, office.ccid, key)

    assert agent.get("/chat/v3/conversations").status_code == 200


@pytest.mark.parametrize("members, fault", [
    ({"tenant": None}, "tenant: missing"),
    ({"tenant": "premise"}, "tenant: a UUID or * is wanted"),
    ({"name": ""}, "name: 1 to 128 bytes are allowed"),
    ({"permissions": []}, "permissions: 1 to 16 elements are allowed"),
    ({"permissions": "nexus:consumer:chat"}, "permissions: a list is wanted"),
    ({"permissions": ["nexus:consumer:chat", "nexus:admin:*"]}, "permissions[1]: nexus:consumer:chat,"),
    ({"enabled": "yes"}, "enabled: true or false is wanted"),
    ({"expires": "tomorrow"}, "expires: false, or a time such as 2027-01-31"),
    ({"expires": "2027-02-30"}, "expires: false, or a time such as 2027-01-31"),
    ({"expires": True}, "expires: false or a time is wanted"),
    ({"capacity": -1}, "capacity: a whole number from 0 to 1000000 is wanted"),
    ({"frequency": 0}, "frequency: a whole number from 1 to 86400 is wanted"),
])
def test_a_key_that_is_not_good_is_refused_with_path_and_rule(office, members, fault):
    document = {"tenant": office.ccid, "name": "key", "permissions": ["nexus:consumer:chat"], **members}

    answer = office.post("/nexus/v3/apikeys", json=document)

    assert answer.status_code == 400
    assert said(answer).startswith(fault)


@pytest.mark.parametrize("key", ["9b7682b7-cbce", "9b7682b7-0000-422f-9bbb-000000000001", "x"])
def test_a_key_nobody_has_is_404(office, key):
    assert office.get(f"/nexus/v3/apikeys/{key}").status_code == 404
    assert office.put(f"/nexus/v3/apikeys/{key}", json={"enabled": True}).status_code == 404
    assert office.delete(f"/nexus/v3/apikeys/{key}").status_code == 404


# --- services

URL, HOOK = "https://api.example.com/v1", "https://sms.example.com/out"
ADDRESS = "+18445551212"


def async_document(**of_secret):
    return {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": HOOK}}]},
            "secret": {"channels": [{"channelId": ADDRESS, "webhook": {"secret": "s" * 8}, "api": {"secret": "a" * 8},
                                     **of_secret}]}}


@pytest.mark.parametrize("name, document, url", [
    ("PlatformUCS", {"url": URL, "data": {}, "secret": {}}, URL),
    ("PurecloudIDP", {"url": URL, "data": {}, "secret": {"clientId": "id", "clientSecret": "hush"}}, URL),
    ("SMS", {"url": "N/A", "data": {"tokenProvider": "Purecloud"}, "secret": {}}, None),
    ("SMS", {"url": "N/A", "data": {"provider": "Async"}, "secret": {}}, None),
    ("PorticoSMS", {"url": URL, "data": {}, "secret": {}}, URL),
    ("PorticoEmail", {"url": URL, "data": {}, "secret": {}}, URL),
    ("Async", async_document(), None),
    ("Email", {"url": "N/A", "data": {"provider": "Async"}, "secret": {}}, None),
    ("Kaleyra", {"url": URL, "data": {"senderId": "12345"}, "secret": {"username": "u", "password": "hush"}}, URL),
    ("SparkPost", {"url": URL, "data": {}, "secret": {"apiKey": "hush"}}, URL),
    ("SMTP", {"url": "smtps://mail.example.com:465", "data": {}, "secret": {}}, "smtps://mail.example.com:465"),
])
def test_each_service_is_accepted_read_replaced_and_taken_away(office, name, document, url):
    made = office.service(name, document)

    assert made.status_code == 200, made.text
    assert made.json()["status"] == {"code": 0}
    read = office.get(office.service_path(name)).json()["data"]
    assert (read["name"], read["url"], read["data"]) == (name, url, document["data"])
    assert "secret" not in read and "hush" not in str(read)
    assert office.service(name, document, "PUT").status_code == 200
    assert [s["name"] for s in office.get(office.service_path()).json()["data"]["services"]] == [name]
    assert office.delete(office.service_path(name)).status_code == 200
    assert office.get(office.service_path(name)).status_code == 404


@pytest.mark.parametrize("name, document, fault", [
    ("Telegraph", {}, "serviceName: unknown service"),
    ("PlatformUCS", {}, "url: missing"),
    ("PlatformUCS", {"url": "N/A"}, "url: a URL with http:// or https:// is wanted"),
    ("PlatformUCS", {"url": 7}, "url: a text is wanted"),
    ("PlatformUCS", {"url": URL, "data": {"x": 1}}, "data.x: unknown"),
    ("PlatformUCS", {"url": URL, "data": []}, "data: an object is wanted"),
    ("PlatformUCS", {"url": URL, "secrets": {}}, "secrets: unknown member"),
    ("PurecloudIDP", {"url": URL, "data": {}}, "secret.clientId: missing"),
    ("PurecloudIDP", {"url": URL, "secret": {"clientId": "i"}}, "secret.clientSecret: missing"),
    ("PurecloudIDP", {"url": URL, "secret": {"clientId": "i", "clientSecret": 5}},
     "secret.clientSecret: a text, or a list of one or two, is wanted"),
    ("SMS", {"url": "N/A", "data": {}}, "data.provider: missing; this or tokenProvider is wanted"),
    ("SMS", {"url": "N/A", "data": {"provider": "Pigeon"}}, "data.provider: Async is wanted"),
    ("Email", {"url": "N/A", "data": {}}, "data.provider: missing"),
    ("Async", {"data": {}}, "data.channels: missing"),
    ("Async", {"data": {"channels": {}}}, "data.channels: a list of at most 10000 is wanted"),
    ("Async", {"data": {"channels": [{"webhook": {"url": HOOK}}]}}, "data.channels[0].channelId: missing"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS}]}}, "data.channels[0].webhook: missing"),
    ("Async", {"data": {"channels": [{"channelId": "nobody", "webhook": {"url": HOOK}}]}},
     "data.channels[0].channelId: a phone number or a mail domain is wanted"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": "https://u:p@h/"}}]}},
     "data.channels[0].webhook.url: no user name or password in a URL; use a header"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": HOOK}}] * 2}},
     "data.channels[1].channelId: is given twice in the list"),
    ("Async", {"data": async_document()["data"]},
     "secret.channels: no entry for the channelId of data.channels[0]"),
    ("Async", async_document(webhook={}), "secret.channels[0].webhook.secret: missing"),
    ("Async", async_document(webhook={"secret": ""}), "secret.channels[0].webhook.secret: 1 to 256 bytes are allowed"),
    ("Async", async_document(webhook={"secret": ["a", "b", "c"]}),
     "secret.channels[0].webhook.secret: a text, or a list of one or two, is wanted"),
    ("Kaleyra", {"url": URL, "data": {"senderId": "123"}}, "data.senderId: 5 or 10 digits are wanted"),
    ("SMTP", {"url": "http://mail.example.com"}, "url: smtp://host:port or smtps://host:port is wanted"),
])
def test_a_service_that_is_not_good_is_refused_with_path_and_rule(office, name, document, fault):
    answer = office.service(name, document)

    assert (answer.status_code, said(answer)) == (400, fault)


def test_a_url_that_was_left_empty_is_called_missing(office):
    answer = office.service("Async", {"data": {"channels": [{"channelId": "+15550001111", "webhook": {"url": "https://"}}]}})

    assert (answer.status_code, said(answer)) == (400, "data.channels[0].webhook.url: the URL is missing")


def test_numbers_domains_and_urls_are_stored_in_one_spelling(office):
    document = {"data": {"channels": [{"channelId": "18445551212", "webhook": {"url": "HTTPS://SMS.Example.COM/Out"}},
                                      {"channelId": "Mail.Example.COM", "webhook": {"url": HOOK}}]},
                "secret": {"channels": [{"channelId": "+18445551212", "webhook": {"secret": "one"}},
                                        {"channelId": "mail.example.com", "webhook": {"secret": ["new", "old"]}}]}}

    data = office.service("Async", document).json()["data"]["data"]

    assert data == {"channels": [{"channelId": ADDRESS, "webhook": {"url": "https://sms.example.com/Out"}},
                                 {"channelId": "mail.example.com", "webhook": {"url": HOOK}}]}


def test_secrets_are_sealed_and_no_table_holds_them_in_clear(nexus, office):
    words = [secrets.token_hex(12) for _ in range(6)]
    nexus.private |= set(words)
    document = async_document(webhook={"secret": words[:2]}, api={"secret": words[2]})

    assert office.service("Async", document).status_code == 200
    assert office.service("PurecloudIDP", {"url": URL, "secret": {"clientId": "i", "clientSecret": words[3]}}).ok
    assert office.section("options", {"password": words[4]}, "DesignerEnv").ok
    assert office.post(f"{PROVISIONING}/tenants", json=tenant_document(office, token=words[5])).ok

    stored = everything_stored(nexus)
    assert "v2|" in stored
    assert [word for word in words if word in stored] == []


def test_a_secret_that_is_left_out_stays_as_it_is(nexus, office):
    first, second = ADDRESS, "+18445551213"
    office.service("Async", async_document())
    before = nexus.query("select secret from service where name = 'Async' order by changed desc limit 1")[0][0]

    added = office.service("Async", {
        "data": {"channels": [{"channelId": first, "webhook": {"url": URL}}, {"channelId": second, "webhook": {"url": HOOK}}]},
        "secret": {"channels": [{"channelId": second, "webhook": {"secret": "another"}}]}})

    assert added.status_code == 200, added.text
    after = nexus.query("select secret from service where name = 'Async' order by changed desc limit 1")[0][0]
    assert after["channels"][0] == before["channels"][0]
    assert after["channels"][1]["channelId"] == second


# --- transactions

@pytest.mark.parametrize("transaction, section, options", [
    ("NexusServices", "chat.Support", {
        "channelId": ADDRESS, "channelType": "sms", "endpoint": "chat.support", "interactionSubtype": "SMS",
        "interactionType": "Inbound", "media": "chat", "cxcOnly": "false", "provider": "Async", "validity": "24h",
        "uncertain": "hold"}),
    ("NexusServices", "cxc.Mail", {"channelId": "sections.example.com", "channelType": "email", "provider": "Async"}),
    ("NexusServices", "Async", {"header:custom-header-for-async-1": "12345"}),
    ("NexusEndpoints", "support", {"queue": "sales", "bot": HOOK, "greeting": "Good day", "capacity": "3",
                                   "businessHours": "Mo-Fr 09:00-17:00", "lastAgent": "true"}),
    ("DesignerEnv", "options", {"baseurl": "/nexus/v1", "url": "/nexus/v3"}),
])
def test_each_kind_of_section_is_written_read_replaced_and_taken_away(office, transaction, section, options):
    if "provider" in options:
        assert office.gateway(HOOK).status_code == 200
    made = office.section(section, options, transaction)

    assert made.status_code == 200, made.text
    path = office.section_path(section, transaction)
    assert made.json()["data"] == office.get(path).json()["data"] == options
    assert office.get(office.section_path(None, transaction)).json()["data"] == {section: options}
    assert office.delete(path).status_code == 200
    assert office.get(path).status_code == 404
    assert office.get(office.section_path(None, transaction)).json()["data"] == {}


def test_a_whole_transaction_replaces_all_its_sections(office):
    office.section("old", {"queue": "a"}, "NexusEndpoints")

    answer = office.put(office.section_path(None, "NexusEndpoints"), json={"one": {"queue": "b"}, "two": {"queue": "c"}})

    assert answer.json()["data"] == {"one": {"queue": "b"}, "two": {"queue": "c"}}
    assert office.get(office.section_path("old", "NexusEndpoints")).status_code == 404
    assert office.delete(office.section_path(None, "NexusEndpoints")).json()["data"] == {"sections": ["one", "two"]}


SMS = {"channelId": ADDRESS, "channelType": "sms"}


@pytest.mark.parametrize("transaction, section, options, fault", [
    ("NexusServices", "chat.A", {}, "channelId: missing"),
    ("NexusServices", "chat.A", {"channelId": ADDRESS}, "channelType: missing"),
    ("NexusServices", "chat.A", {**SMS, "channelId": "support"}, "channelId: not a phone number (+ and 3 to 15 digits)"),
    ("NexusServices", "chat.A", {**SMS, "channelType": "email"}, "channelType: sms is wanted"),
    ("NexusServices", "chat.A", {**SMS, "colour": "red"}, "colour: unknown"),
    ("NexusServices", "chat.A", {**SMS, "cxcOnly": "maybe"}, "cxcOnly: true or false is wanted"),
    ("NexusServices", "chat.A", {**SMS, "cxcOnly": True}, "cxcOnly: a text is wanted"),
    ("NexusServices", "chat.A", {**SMS, "provider": "Pigeon"}, "provider: Async is wanted"),
    ("NexusServices", "chat.A", {**SMS, "validity": "1y"}, "validity: a duration from 1s to 7d is wanted"),
    ("NexusServices", "chat.A", {**SMS, "uncertain": "ask"}, "uncertain: resend or hold is wanted"),
    ("NexusServices", "chat.A", {**SMS, "endpoint": "two words"}, "endpoint: letters, digits, _, - and . are wanted"),
    ("NexusServices", "chat.", SMS, "chat.: unknown section"),
    ("NexusServices", "support", SMS, "support: unknown section"),
    ("NexusServices", "cxc.A", {"channelId": "mail", "channelType": "email"}, "channelId: a mail domain is wanted"),
    ("NexusServices", "Async", {"header:Host": "x"}, "header:Host: not a header that a webhook may carry"),
    ("NexusServices", "Async", {"header:X-Hub-Signature": "x"}, "header:X-Hub-Signature: not a header"),
    ("NexusServices", "Async", {"header:Content-Length": "1"}, "header:Content-Length: not a header"),
    ("NexusServices", "Async", {"header:a b": "x"}, "header:a b: not a header"),
    ("NexusServices", "Async", {"header:x-a": "one\r\nHost: two"}, "header:x-a: not a header"),
    ("NexusServices", "Async", {"url": HOOK}, "url: unknown"),
    ("NexusEndpoints", "support", {"capacity": "0"}, "capacity: a whole number from 1 to 1000000 is wanted"),
    ("NexusEndpoints", "support", {"bot": "ftp://bot"}, "bot: a URL with http:// or https:// is wanted"),
    ("DesignerEnv", "other", {}, "other: unknown section"),
])
def test_a_section_that_is_not_good_is_refused_with_path_and_rule(office, transaction, section, options, fault):
    answer = office.section(section, options, transaction)

    assert answer.status_code == 400, answer.text
    assert said(answer).startswith(fault)


def test_in_a_whole_transaction_the_path_begins_with_the_section(office):
    answer = office.put(office.section_path(), json={"chat.A": SMS, "chat.B": {**SMS, "media": "voice"}})

    assert (answer.status_code, said(answer)) == (400, "chat.B.media: chat is wanted")


def test_one_number_in_two_sections_is_409(office):
    office.has_number("chat.A")

    answer = office.section("chat.B", {**SMS, "channelId": office.number})

    assert (answer.status_code, said(answer)) == (409, "channelId: the same in chat.A and chat.B")


def test_a_transaction_there_is_not_is_404(office):
    assert office.section("x", {}, "NexusSecrets").status_code == 404
    assert office.get(office.section_path(None, "NexusSecrets")).status_code == 404


# --- who may see what

@pytest.fixture
def stranger(nexus):
    """The administrator of another contact center, with all rights there."""
    ccid = str(uuid.uuid4())
    return Office(nexus, ccid, token=nexus.gws.token("nexus", ccid))


def test_another_tenants_objects_are_404(nexus, office, stranger):
    key = office.key().json()["id"]
    office.service("PlatformUCS", {"url": URL})
    office.has_number()
    mine, stranger.ccid = stranger.ccid, office.ccid

    answers = [stranger.get(f"{PROVISIONING}/tenants/{office.ccid}"),
               stranger.post(f"{PROVISIONING}/tenants", json=tenant_document(office)),
               stranger.get(f"/nexus/v3/apikeys/{key}"), stranger.get(f"/nexus/v3/apikeys/{key[:PREFIX]}"),
               stranger.put(f"/nexus/v3/apikeys/{key}", json={"enabled": False}), stranger.delete(f"/nexus/v3/apikeys/{key}"),
               stranger.get("/nexus/v3/apikeys", params={"tenant": office.ccid}), stranger.key(tenant=office.ccid),
               stranger.get(stranger.service_path()), stranger.get(stranger.service_path("PlatformUCS")),
               stranger.service("PlatformUCS", {"url": URL}), stranger.delete(stranger.service_path("PlatformUCS")),
               stranger.get(stranger.section_path()), stranger.get(stranger.section_path("chat.Support")),
               stranger.section("chat.Support", SMS), stranger.delete(stranger.section_path())]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert stranger.key(tenant=mine).status_code == 200
    assert stranger.key(tenant="*").status_code == 403
    assert [t["id"] for t in stranger.get(f"{PROVISIONING}/tenants").json()["data"]["tenants"]] == [mine]


def test_reading_founds_no_tenant(office):
    assert office.get(f"{PROVISIONING}/tenants/{office.ccid}").status_code == 404
    assert office.get(office.service_path()).status_code == 404
    assert office.get(office.section_path()).status_code == 404
    assert office.delete(office.service_path("SMS")).status_code == 404


# --- in any order

def test_keys_services_and_numbers_may_come_before_the_tenant(nexus, office, customer):
    key = office.key("nexus:gateway:sms").json()["id"]
    assert office.gateway(customer.url).status_code == 200
    assert office.service("SMS", {"url": "N/A", "data": {"provider": "Async"}}).status_code == 200
    office.has_number(endpoint="chat.support")

    answer = office.post(f"{PROVISIONING}/tenants", json=tenant_document(office))

    assert answer.status_code == 200, answer.text
    nexus.private.add(answer.json()["data"]["xapikey"])
    office.api_key = key
    assert Aggregator(Consumerless(nexus, office, key), 0).message(new_private_number(nexus)).status_code == 200


class Consumerless:
    """What an Aggregator needs of a tenant."""

    def __init__(self, stack, office, key):
        self.stack, self.ccid, self.api_key, self.number = stack, office.ccid, key, office.number
        self.text = lambda words="hello": Tenant.text(self, words)


def new_private_number(stack):
    number = new_number()
    stack.private.add(number)
    return number


def test_a_number_whose_section_went_takes_nothing_until_it_comes_back(nexus, office):
    aggregator = Aggregator(Consumerless(nexus, office, office.key("nexus:gateway:sms").json()["id"]), 0)
    office.has_number()
    assert aggregator.message(new_private_number(nexus)).status_code == 200

    office.delete(office.section_path("chat.Support"))
    assert aggregator.message(new_private_number(nexus)).status_code == 404

    office.has_number("chat.Again")
    assert aggregator.message(new_private_number(nexus)).status_code == 200
