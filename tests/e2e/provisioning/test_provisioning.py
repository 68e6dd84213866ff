"""Provisioning over HTTP: tenants, keys, services, transactions. Valid documents take effect, invalid ones are refused
with the path of the fault and the rule, and secrets are neither returned nor stored unencrypted."""

import secrets
import uuid

import pytest

from harness.answers import data_of
from harness.people import Aggregator, Tenant, new_number
from harness.provisioning import PROVISIONING, Provisioner, error_text

PREFIX = 13  # characters of a key that stay visible


@pytest.fixture
def provisioner(nexus):
    return Provisioner(nexus)


def all_rows(stack):
    """All rows of all tables, as one text."""
    tables = [row[0] for row in stack.query(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'")]
    return "\n".join(str(stack.query(f"select * from {table}")) for table in tables)


# --- tenants

def tenant_document(provisioner, **members):
    return {"id": provisioner.ccid, "name": f"premise_{provisioner.ccid[:8]}", "type": "PureEngage",
            "backendurl": "http://gws.example.com", "username": "nexus", "token": provisioner.secret,
            "genesystemenantid": 1, **members}


def test_a_tenant_is_provisioned_and_gets_a_key_for_chat(nexus, provisioner):
    answer = provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    key = body["data"]["xapikey"]
    nexus.private.add(key)
    assert body["status"] == {"code": 0} and uuid.UUID(body["operationId"]) and uuid.UUID(key)
    stored = provisioner.get(f"/nexus/v3/apikeys/{key}").json()
    assert stored["permissions"] == ["nexus:consumer:chat"] and stored["tenant"] == provisioner.ccid
    assert data_of(provisioner.get(f"{PROVISIONING}/tenants/{provisioner.ccid}"))["name"] == f"premise_{provisioner.ccid[:8]}"


def test_a_tenant_provisioned_again_keeps_its_key_and_gets_the_changes(nexus, provisioner):
    first = data_of(provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner)))["xapikey"]
    nexus.private.add(first)

    again = data_of(provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner, type="Other")))["xapikey"]

    assert again == first[:PREFIX]
    read = data_of(provisioner.get(f"{PROVISIONING}/tenants/{provisioner.ccid}"))
    assert read["type"] == "Other" and "token" not in read
    assert len(nexus.nexusctl_json("keys", "list", "--tenant", provisioner.ccid)["keys"]) == 1


def test_the_name_of_another_tenant_gets_409(nexus, provisioner):
    other = Provisioner(nexus)
    other.post(f"{PROVISIONING}/tenants", json=tenant_document(other, name="the same name"))

    answer = provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner, name="the same name"))

    assert answer.status_code == 409
    assert error_text(answer) == "name: belongs to another contact center"


@pytest.mark.parametrize("members, fault", [
    ({"id": None}, "id: missing"),
    ({"id": "premise"}, "id: not a UUID"),
    ({"name": None}, "name: missing"),
    ({"backendurl": "gws"}, "backendurl: must be a URL with http:// or https://"),
    ({"genesystemenantid": "one"}, "genesystemenantid: not a whole number"),
])
def test_an_invalid_tenant_is_refused_with_path_and_rule(provisioner, members, fault):
    answer = provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner, **members))

    assert (answer.status_code, error_text(answer)) == (400, fault)


# --- keys

def test_a_key_has_a_unique_name_and_an_expiry_in_the_future(provisioner):
    first = provisioner.key("nexus:agent:chat", name="site")
    assert first.status_code == 200
    key = f"/nexus/v3/apikeys/{first.json()['id']}"

    again, late = provisioner.key("nexus:agent:chat", name="site"), provisioner.key("nexus:agent:chat", expires="2020-01-31")
    other = provisioner.key("nexus:agent:chat", name="other").json()["id"]

    assert (again.status_code, error_text(again)) == (409, "name: another key has it already")
    assert (late.status_code, error_text(late)) == (400, "expires: this time has passed")
    assert provisioner.put(key, json={"name": "other"}).status_code == 409
    assert provisioner.put(key, json={"name": "site"}).status_code == 200
    provisioner.delete(f"/nexus/v3/apikeys/{other}")
    assert provisioner.put(key, json={"name": "other"}).status_code == 200


def test_a_key_has_the_documented_members_and_is_shown_once(provisioner):
    made = provisioner.key("nexus:consumer:chat", "nexus:designer:chat", name="site").json()

    assert list(made) == ["id", "tenant", "name", "permissions", "enabled", "created", "revoked", "expires", "createdby",
                          "capacity", "frequency"]
    assert uuid.UUID(made["id"]) and made["created"].endswith("Z")
    assert {**made, "id": "", "created": "", "createdby": ""} == {
        "id": "", "tenant": provisioner.ccid, "name": "site",
        "permissions": ["nexus:consumer:chat", "nexus:designer:chat"], "enabled": True, "created": "", "revoked": False,
        "expires": False, "createdby": "", "capacity": 120, "frequency": 60}
    short = {**made, "id": made["id"][:PREFIX]}
    assert provisioner.get(f"/nexus/v3/apikeys/{made['id']}").json() == short
    assert provisioner.get(f"/nexus/v3/apikeys/{short['id']}").json() == short
    listed = data_of(provisioner.get("/nexus/v3/apikeys", params={"tenant": provisioner.ccid}))
    assert listed == {"keys": [short], "total": 1}


def test_a_key_can_be_changed_except_its_permissions(provisioner):
    path = f"/nexus/v3/apikeys/{provisioner.key().json()['id']}"

    changed = provisioner.put(path, json={"capacity": 0, "frequency": 10, "expires": "2030-01-31T12:00:00Z", "enabled": False,
                                          "name": "other"}).json()
    assert (changed["capacity"], changed["frequency"], changed["expires"], changed["enabled"], changed["name"]) == (
        0, 10, "2030-01-31T12:00:00.000Z", False, "other")
    assert provisioner.put(path, json={"expires": False}).json()["expires"] is False
    refused = provisioner.put(path, json={"permissions": ["nexus:cluster:*"]})
    assert (refused.status_code, error_text(refused)) == (400, "permissions: cannot be changed; make another key")


def test_a_revoked_key_cannot_be_enabled_again_and_stays_listed(provisioner):
    key = provisioner.key().json()["id"]
    path = f"/nexus/v3/apikeys/{key}"

    assert provisioner.delete(path).json()["revoked"] is True

    assert provisioner.put(path, json={"enabled": True}).status_code == 409
    assert data_of(provisioner.get("/nexus/v3/apikeys", params={"tenant": provisioner.ccid}))["total"] == 0
    listed = data_of(provisioner.get("/nexus/v3/apikeys", params={"tenant": provisioner.ccid, "revoked": "true"}))["keys"]
    assert [k["id"] for k in listed] == [key[:PREFIX]]


def test_a_new_key_is_valid_at_once(nexus, provisioner):
    key = provisioner.key("nexus:agent:chat").json()["id"]
    agent = Provisioner(nexus, provisioner.ccid, key)

    assert agent.get("/chat/v3/conversations").status_code == 200


@pytest.mark.parametrize("members, fault", [
    ({"tenant": None}, "tenant: missing"),
    ({"tenant": "premise"}, "tenant: must be a UUID or *"),
    ({"name": ""}, "name: 1 to 128 bytes are allowed"),
    ({"permissions": []}, "permissions: 1 to 16 elements are allowed"),
    ({"permissions": "nexus:consumer:chat"}, "permissions: must be a list"),
    ({"permissions": ["nexus:consumer:chat", "nexus:admin:*"]}, "permissions[1]: must be nexus:consumer:chat,"),
    ({"enabled": "yes"}, "enabled: must be true or false"),
    ({"expires": "tomorrow"}, "expires: must be a time such as 2027-01-31"),
    ({"expires": "2027-02-30"}, "expires: must be a time such as 2027-01-31"),
    ({"expires": True}, "expires: must be false or a time"),
    ({"capacity": -1}, "capacity: must be a whole number from 0 to 1000000"),
    ({"frequency": 0}, "frequency: must be a whole number from 1 to 86400"),
])
def test_an_invalid_key_document_is_refused_with_path_and_rule(provisioner, members, fault):
    document = {"tenant": provisioner.ccid, "name": "key", "permissions": ["nexus:consumer:chat"], **members}

    answer = provisioner.post("/nexus/v3/apikeys", json=document)

    assert answer.status_code == 400
    assert error_text(answer).startswith(fault)


@pytest.mark.parametrize("key", ["9b7682b7-cbce", "9b7682b7-0000-422f-9bbb-000000000001", "x"])
def test_an_unknown_key_gets_404(provisioner, key):
    assert provisioner.get(f"/nexus/v3/apikeys/{key}").status_code == 404
    assert provisioner.put(f"/nexus/v3/apikeys/{key}", json={"enabled": True}).status_code == 404
    assert provisioner.delete(f"/nexus/v3/apikeys/{key}").status_code == 404


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
def test_each_service_is_accepted_read_replaced_and_deleted(provisioner, name, document, url):
    made = provisioner.service(name, document)

    assert made.status_code == 200, made.text
    assert made.json()["status"] == {"code": 0}
    read = data_of(provisioner.get(provisioner.service_path(name)))
    assert (read["name"], read["url"], read["data"]) == (name, url, document["data"])
    assert "secret" not in read and "hush" not in str(read)
    assert provisioner.service(name, document, "PUT").status_code == 200
    assert [s["name"] for s in data_of(provisioner.get(provisioner.service_path()))["services"]] == [name]
    assert provisioner.delete(provisioner.service_path(name)).status_code == 200
    assert provisioner.get(provisioner.service_path(name)).status_code == 404


@pytest.mark.parametrize("name, document, fault", [
    ("Telegraph", {}, "serviceName: unknown service"),
    ("PlatformUCS", {}, "url: missing"),
    ("PlatformUCS", {"url": "N/A"}, "url: must be a URL with http:// or https://"),
    ("PlatformUCS", {"url": 7}, "url: must be a text"),
    ("PlatformUCS", {"url": URL, "data": {"x": 1}}, "data.x: unknown"),
    ("PlatformUCS", {"url": URL, "data": []}, "data: must be an object"),
    ("PlatformUCS", {"url": URL, "secrets": {}}, "secrets: unknown member"),
    ("PurecloudIDP", {"url": URL, "data": {}}, "secret.clientId: missing"),
    ("PurecloudIDP", {"url": URL, "secret": {"clientId": "i"}}, "secret.clientSecret: missing"),
    ("PurecloudIDP", {"url": URL, "secret": {"clientId": "i", "clientSecret": 5}},
     "secret.clientSecret: must be a text, or a list of one or two"),
    ("SMS", {"url": "N/A", "data": {}}, "data.provider: missing; give this or tokenProvider"),
    ("SMS", {"url": "N/A", "data": {"provider": "Pigeon"}}, "data.provider: must be Async"),
    ("Email", {"url": "N/A", "data": {}}, "data.provider: missing"),
    ("Async", {"data": {}}, "data.channels: missing"),
    ("Async", {"data": {"channels": {}}}, "data.channels: must be a list of at most 10000"),
    ("Async", {"data": {"channels": [{"webhook": {"url": HOOK}}]}}, "data.channels[0].channelId: missing"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS}]}}, "data.channels[0].webhook: missing"),
    ("Async", {"data": {"channels": [{"channelId": "nobody", "webhook": {"url": HOOK}}]}},
     "data.channels[0].channelId: must be a phone number or a mail domain"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": "https://u:p@h/"}}]}},
     "data.channels[0].webhook.url: no user name or password in a URL; use a header"),
    ("Async", {"data": {"channels": [{"channelId": ADDRESS, "webhook": {"url": HOOK}}] * 2}},
     "data.channels[1].channelId: is given twice in the list"),
    ("Async", {"data": async_document()["data"]},
     "secret.channels: no entry for the channelId of data.channels[0]"),
    ("Async", async_document(webhook={}), "secret.channels[0].webhook.secret: missing"),
    ("Async", async_document(webhook={"secret": ""}), "secret.channels[0].webhook.secret: 1 to 256 bytes are allowed"),
    ("Async", async_document(webhook={"secret": ["a", "b", "c"]}),
     "secret.channels[0].webhook.secret: must be a text, or a list of one or two"),
    ("Kaleyra", {"url": URL, "data": {"senderId": "123"}}, "data.senderId: must be 5 or 10 digits"),
    ("SMTP", {"url": "http://mail.example.com"}, "url: must be smtp://host:port or smtps://host:port"),
])
def test_an_invalid_service_is_refused_with_path_and_rule(provisioner, name, document, fault):
    answer = provisioner.service(name, document)

    assert (answer.status_code, error_text(answer)) == (400, fault)


def test_an_empty_url_is_reported_as_missing(provisioner):
    answer = provisioner.service("Async", {"data": {"channels": [{"channelId": "+15550001111", "webhook": {"url": "https://"}}]}})

    assert (answer.status_code, error_text(answer)) == (400, "data.channels[0].webhook.url: the URL is missing")


def test_numbers_domains_and_urls_are_stored_in_one_spelling(provisioner):
    document = {"data": {"channels": [{"channelId": "18445551212", "webhook": {"url": "HTTPS://SMS.Example.COM/Out"}},
                                      {"channelId": "Mail.Example.COM", "webhook": {"url": HOOK}}]},
                "secret": {"channels": [{"channelId": "+18445551212", "webhook": {"secret": "one"}},
                                        {"channelId": "mail.example.com", "webhook": {"secret": ["new", "old"]}}]}}

    data = data_of(provisioner.service("Async", document))["data"]

    assert data == {"channels": [{"channelId": ADDRESS, "webhook": {"url": "https://sms.example.com/Out"}},
                                 {"channelId": "mail.example.com", "webhook": {"url": HOOK}}]}


def test_secrets_are_sealed_and_no_table_has_them_unencrypted(nexus, provisioner):
    words = [secrets.token_hex(12) for _ in range(6)]
    nexus.private |= set(words)
    document = async_document(webhook={"secret": words[:2]}, api={"secret": words[2]})

    assert provisioner.service("Async", document).status_code == 200
    assert provisioner.service("PurecloudIDP", {"url": URL, "secret": {"clientId": "i", "clientSecret": words[3]}}).ok
    assert provisioner.section("options", {"password": words[4]}, "DesignerEnv").ok
    assert provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner, token=words[5])).ok

    stored = all_rows(nexus)
    assert "v2|" in stored
    assert [word for word in words if word in stored] == []


def test_an_omitted_secret_is_not_changed(nexus, provisioner):
    first, second = ADDRESS, "+18445551213"
    provisioner.service("Async", async_document())
    before = nexus.query("select secret from service where name = 'Async' order by changed desc limit 1")[0][0]

    added = provisioner.service("Async", {
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
def test_each_kind_of_section_is_written_read_replaced_and_deleted(provisioner, transaction, section, options):
    if "provider" in options:
        assert provisioner.gateway(HOOK).status_code == 200
    made = provisioner.section(section, options, transaction)

    assert made.status_code == 200, made.text
    path = provisioner.section_path(section, transaction)
    assert data_of(made) == data_of(provisioner.get(path)) == options
    assert data_of(provisioner.get(provisioner.section_path(None, transaction))) == {section: options}
    assert provisioner.delete(path).status_code == 200
    assert provisioner.get(path).status_code == 404
    assert data_of(provisioner.get(provisioner.section_path(None, transaction))) == {}


def test_writing_a_transaction_replaces_all_its_sections(provisioner):
    provisioner.section("old", {"queue": "a"}, "NexusEndpoints")

    answer = provisioner.put(provisioner.section_path(None, "NexusEndpoints"), json={"one": {"queue": "b"}, "two": {"queue": "c"}})

    assert data_of(answer) == {"one": {"queue": "b"}, "two": {"queue": "c"}}
    assert provisioner.get(provisioner.section_path("old", "NexusEndpoints")).status_code == 404
    assert data_of(provisioner.delete(provisioner.section_path(None, "NexusEndpoints"))) == {"sections": ["one", "two"]}


SMS = {"channelId": ADDRESS, "channelType": "sms"}


@pytest.mark.parametrize("transaction, section, options, fault", [
    ("NexusServices", "chat.A", {}, "channelId: missing"),
    ("NexusServices", "chat.A", {"channelId": ADDRESS}, "channelType: missing"),
    ("NexusServices", "chat.A", {**SMS, "channelId": "support"}, "channelId: not a phone number (+ and 3 to 15 digits)"),
    ("NexusServices", "chat.A", {**SMS, "channelType": "email"}, "channelType: must be sms"),
    ("NexusServices", "chat.A", {**SMS, "colour": "red"}, "colour: unknown"),
    ("NexusServices", "chat.A", {**SMS, "cxcOnly": "maybe"}, "cxcOnly: must be true or false"),
    ("NexusServices", "chat.A", {**SMS, "cxcOnly": True}, "cxcOnly: must be a text"),
    ("NexusServices", "chat.A", {**SMS, "provider": "Pigeon"}, "provider: must be Async"),
    ("NexusServices", "chat.A", {**SMS, "validity": "1y"}, "validity: must be a duration from 1s to 7d"),
    ("NexusServices", "chat.A", {**SMS, "uncertain": "ask"}, "uncertain: must be resend or hold"),
    ("NexusServices", "chat.A", {**SMS, "endpoint": "two words"}, "endpoint: must consist of letters, digits, _, - and ."),
    ("NexusServices", "chat.", SMS, "chat.: unknown section"),
    ("NexusServices", "support", SMS, "support: unknown section"),
    ("NexusServices", "cxc.A", {"channelId": "mail", "channelType": "email"}, "channelId: must be a mail domain"),
    ("NexusServices", "Async", {"header:Host": "x"}, "header:Host: not a header that a webhook may carry"),
    ("NexusServices", "Async", {"header:X-Hub-Signature": "x"}, "header:X-Hub-Signature: not a header"),
    ("NexusServices", "Async", {"header:Content-Length": "1"}, "header:Content-Length: not a header"),
    ("NexusServices", "Async", {"header:a b": "x"}, "header:a b: not a header"),
    ("NexusServices", "Async", {"header:x-a": "one\r\nHost: two"}, "header:x-a: not a header"),
    ("NexusServices", "Async", {"url": HOOK}, "url: unknown"),
    ("NexusEndpoints", "support", {"capacity": "0"}, "capacity: must be a whole number from 1 to 1000000"),
    ("NexusEndpoints", "support", {"bot": "ftp://bot"}, "bot: must be a URL with http:// or https://"),
    ("DesignerEnv", "other", {}, "other: unknown section"),
])
def test_an_invalid_section_is_refused_with_path_and_rule(provisioner, transaction, section, options, fault):
    answer = provisioner.section(section, options, transaction)

    assert answer.status_code == 400, answer.text
    assert error_text(answer).startswith(fault)


def test_the_path_of_a_fault_in_a_transaction_begins_with_the_section(provisioner):
    answer = provisioner.put(provisioner.section_path(), json={"chat.A": SMS, "chat.B": {**SMS, "media": "voice"}})

    assert (answer.status_code, error_text(answer)) == (400, "chat.B.media: must be chat")


def test_one_number_in_two_sections_gets_409(provisioner):
    provisioner.has_number("chat.A")

    answer = provisioner.section("chat.B", {**SMS, "channelId": provisioner.number})

    assert (answer.status_code, error_text(answer)) == (409, "channelId: the same in chat.A and chat.B")


def test_an_unknown_transaction_gets_404(provisioner):
    assert provisioner.section("x", {}, "NexusSecrets").status_code == 404
    assert provisioner.get(provisioner.section_path(None, "NexusSecrets")).status_code == 404


# --- rights

@pytest.fixture
def stranger(nexus):
    """The administrator of another contact center, with all rights there."""
    ccid = str(uuid.uuid4())
    return Provisioner(nexus, ccid, token=nexus.gws.token("nexus", ccid))


def test_objects_of_another_tenant_get_404(nexus, provisioner, stranger):
    key = provisioner.key().json()["id"]
    provisioner.service("PlatformUCS", {"url": URL})
    provisioner.has_number()
    mine, stranger.ccid = stranger.ccid, provisioner.ccid

    answers = [stranger.get(f"{PROVISIONING}/tenants/{provisioner.ccid}"),
               stranger.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner)),
               stranger.get(f"/nexus/v3/apikeys/{key}"), stranger.get(f"/nexus/v3/apikeys/{key[:PREFIX]}"),
               stranger.put(f"/nexus/v3/apikeys/{key}", json={"enabled": False}), stranger.delete(f"/nexus/v3/apikeys/{key}"),
               stranger.get("/nexus/v3/apikeys", params={"tenant": provisioner.ccid}), stranger.key(tenant=provisioner.ccid),
               stranger.get(stranger.service_path()), stranger.get(stranger.service_path("PlatformUCS")),
               stranger.service("PlatformUCS", {"url": URL}), stranger.delete(stranger.service_path("PlatformUCS")),
               stranger.get(stranger.section_path()), stranger.get(stranger.section_path("chat.Support")),
               stranger.section("chat.Support", SMS), stranger.delete(stranger.section_path())]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert stranger.key(tenant=mine).status_code == 200
    assert stranger.key(tenant="*").status_code == 403
    assert [t["id"] for t in data_of(stranger.get(f"{PROVISIONING}/tenants"))["tenants"]] == [mine]


def test_reading_creates_no_tenant(provisioner):
    assert provisioner.get(f"{PROVISIONING}/tenants/{provisioner.ccid}").status_code == 404
    assert provisioner.get(provisioner.service_path()).status_code == 404
    assert provisioner.get(provisioner.section_path()).status_code == 404
    assert provisioner.delete(provisioner.service_path("SMS")).status_code == 404


# --- in any order

def test_keys_services_and_numbers_may_come_before_the_tenant(nexus, provisioner, receiver):
    key = provisioner.key("nexus:gateway:sms").json()["id"]
    assert provisioner.gateway(receiver.url).status_code == 200
    assert provisioner.service("SMS", {"url": "N/A", "data": {"provider": "Async"}}).status_code == 200
    provisioner.has_number(endpoint="chat.support")

    answer = provisioner.post(f"{PROVISIONING}/tenants", json=tenant_document(provisioner))

    assert answer.status_code == 200, answer.text
    nexus.private.add(data_of(answer)["xapikey"])
    provisioner.api_key = key
    assert Aggregator(AggregatorsTenant(nexus, provisioner, key), 0).message(new_private_number(nexus)).status_code == 200


class AggregatorsTenant:
    """The members of a tenant that an Aggregator needs."""

    def __init__(self, stack, provisioner, key):
        self.stack, self.ccid, self.api_key, self.number = stack, provisioner.ccid, key, provisioner.number
        self.text = lambda words="hello": Tenant.text(self, words)


def new_private_number(stack):
    number = new_number()
    stack.private.add(number)
    return number


def test_a_number_without_its_section_accepts_nothing_until_it_has_one_again(nexus, provisioner):
    aggregator = Aggregator(AggregatorsTenant(nexus, provisioner, provisioner.key("nexus:gateway:sms").json()["id"]), 0)
    provisioner.has_number()
    assert aggregator.message(new_private_number(nexus)).status_code == 200

    provisioner.delete(provisioner.section_path("chat.Support"))
    assert aggregator.message(new_private_number(nexus)).status_code == 404

    provisioner.has_number("chat.Again")
    assert aggregator.message(new_private_number(nexus)).status_code == 200
