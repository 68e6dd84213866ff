"""Declarative provisioning: apply makes the database agree with a file, and export writes such a file."""

import json
import re
import uuid

import pytest

from harness.nexus.nexusctl import CCID, Operator, actions, document, mac
from harness.nexus.stack import ROOT


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def test_a_dry_run_shows_the_plan_and_changes_nothing(operator):
    answer = operator.apply(document(), "--dry-run", code=3)

    assert actions(answer)["+18445551212"] == ("create", [])
    assert answer["keys"] == []
    assert operator.value("select count(*) from tenant") == 0


def test_applying_a_file_again_changes_nothing(operator):
    operator.apply(document())
    assert {action for action, _ in actions(operator.apply(document())).values()} == {"same"}
    operator.apply(document(), "--dry-run", code=0)


def test_a_change_is_named_and_only_what_differs_changes(operator):
    operator.apply(document())
    changed = document(validity="1h", webhook={"url": "http://127.0.0.1:1/out",
                                               "secret": ["second", "first webhook secret"]})

    assert actions(operator.apply(changed)) == {
        "premise": ("same", []), "designer": ("same", []), "Async": ("change", ["secret"]),
        "+18445551212": ("change", ["validity"])}


def test_a_new_url_starts_with_a_closed_breaker(operator):
    operator.apply(document())
    operator.query("update destination set failures = 3, not_before = now() + interval '1 hour', enabled = false")

    operator.apply(document(webhook={"url": "http://127.0.0.1:1/other", "secret": "first webhook secret"}))

    [destination] = operator.json("destinations")["destinations"]
    assert (destination["state"], destination["openings"]) == ("closed", 0)
    assert operator.json("destinations", "--state", "unused")["destinations"] == []


def test_an_error_names_the_path_and_nothing_is_changed(operator):
    wrong = document()
    wrong["tenants"].append({"ccid": str(uuid.uuid4()), "name": "x", "keys": [{"name": "k", "permissions": ["x"]}]})

    done = operator.run("apply", "-f", "-", standard_input=json.dumps(wrong), code=1)

    assert "tenants[1].keys[0].permissions[0]" in done.stderr
    assert operator.value("select count(*) from tenant") == 0


def test_the_name_of_another_contact_center_is_a_conflict_and_nothing_is_changed(operator):
    operator.apply(document())
    wrong = document(name="changed")
    wrong["tenants"].append({"ccid": str(uuid.uuid4()), "name": "premise"})

    operator.run("apply", "-f", "-", standard_input=json.dumps(wrong), code=1)

    assert operator.value("select name from channel") == "support"


def test_secrets_are_sealed_and_keys_are_macs(operator):
    operator.apply(document())
    secrets, sealed = operator.query("select c.secrets, d.secrets from channel c, destination d")[0]

    assert all(text.startswith("v2|") for text in secrets + sealed)
    assert "secret" not in "".join(secrets + sealed)


def test_a_new_key_is_shown_once_and_is_valid(operator):
    [made] = operator.apply(document())["keys"]

    found = json.loads(operator.value("select caller from callers_of_keys(array[%s::bytea], array[%s::uuid])", mac(made["key"]), CCID))
    assert (found["name"], found["permissions"]) == ("designer", ["nexus:designer:chat"])
    assert operator.apply(document())["keys"] == []


COMPLETE = f"""
# everything that a file can contain
tenants:
  - ccid: {CCID.upper()}
    name: premise
    type: PureEngage
    backendurl: http://gws.example.com:8080
    username: nexus
    token: a password
    genesystemenantid: 1
    keys:
      - {{name: designer, permissions: ["nexus:designer:chat"], capacity: 0, expires: 2037-01-31T12:00:00Z}}
      - {{name: consumer, permissions: ["nexus:consumer:chat"], enabled: false}}
    services:
      SMS: {{url: N/A, data: {{provider: Async}}}}
      PurecloudIDP:
        url: https://login.example.com
        secret: {{clientId: 4711, clientSecret: "0123"}}
    numbers:
      - address: 18445551212
        name: Support
        endpoint: chat.sales
        cxcOnly: false
        interactionType: Inbound
        validity: 1h
        webhook: {{url: "http://127.0.0.1:1/out", secret: [new, old]}}
        api: {{secret: inbound}}
      - address: +18445551213
        name: Bare
    domains:
      - {{address: mail.example.com, name: mail, provider: Async, webhook: {{url: "http://127.0.0.1:1/mail", secret: s}}}}
    headers: {{x-account: 12345}}
    keywords: {{stop: "fin,  Slut", help: sos}}
    endpoints:
      sales: {{queue: sales_queue, capacity: 3, lastAgent: true}}
    designer: {{url: /nexus/v3, password: p}}
clusterKeys:
  - {{name: aggregator, permissions: ["nexus:cluster:*"]}}
"""


def test_a_yaml_file_is_complete_and_applying_it_twice_changes_nothing(operator):
    created = operator.json("apply", "-f", "-", standard_input=COMPLETE)
    assert {line["action"] for line in created["plan"]} == {"create"}
    assert [line["kind"] for line in created["plan"]] == [
        "tenant", "key", "key", "service", "service", "service", "number", "number", "domain", "headers", "keywords",
        "endpoint", "designer", "key"]
    # What follows from the file is read in the tables: export shows the file's words.
    assert operator.query("select address, name, endpoint, validity::text from channel order by address") == [
        ("+18445551212", "Support", "sales_queue", "01:00:00"), ("+18445551213", "Bare", "", "24:00:00"),
        ("mail.example.com", "mail", "", "24:00:00")]
    assert operator.value("select headers from destination limit 1") == {"x-account": "12345"}
    assert operator.query("select word, meaning from tenant_keyword order by word") == [
        ("Slut", 1), ("fin", 1), ("sos", 3)]

    again = operator.json("apply", "-f", "-", standard_input=COMPLETE)

    assert {line["action"] for line in again["plan"]} == {"same"}


def test_applying_an_exported_file_changes_nothing_and_the_file_has_no_secret(operator):
    made = operator.json("apply", "-f", "-", standard_input=COMPLETE)
    exported = operator.run("export").stdout

    for secret in ("4711", "0123", "inbound", "a password", *(key["key"] for key in made["keys"])):
        assert secret not in exported
    plan = operator.json("apply", "-f", "-", "--prune", "--dry-run", standard_input=exported)["plan"]
    assert len(plan) == len(made["plan"]) and {line["action"] for line in plan} == {"same"}
    assert operator.json("export", "--tenant", CCID)["tenants"] == operator.json("export")["tenants"]
    assert "clusterKeys" not in operator.json("export", "--tenant", CCID)


def test_an_exported_file_creates_the_same_in_another_database(operator, postgres, template):
    operator.json("apply", "-f", "-", standard_input=COMPLETE)
    document = operator.json("export")
    elsewhere = Operator(postgres, postgres.create_database(template))
    for tenant in document["tenants"]:  # secrets, which an export does not contain
        tenant["services"]["PurecloudIDP"]["secret"] = {"clientId": "x", "clientSecret": "y"}
        tenant["services"]["Async"]["secret"] = {"channels": [
            {"channelId": entry["channelId"], "webhook": {"secret": "z"}}
            for entry in tenant["services"]["Async"]["data"]["channels"]]}

    elsewhere.apply(document)

    assert elsewhere.run("export").stdout == operator.run("export").stdout


def test_the_file_of_the_demo_tenant_can_be_applied(operator):
    demo = {"ccid": CCID, "channelId": "18445551212", "emailDomain": "mail.demo.example", "simulatorUrl": "http://127.0.0.1:1",
            **{name: str(uuid.uuid4()) for name in ("apiKey", "agentToken", "clusterKey")},
            **{name: "01" * 24 for name in ("asyncWebhookSecret", "asyncApiSecret")}}
    text = re.sub(r"\$\{(\w+)\}", lambda match: demo[match[1]], (ROOT / "supervise/demo.yaml").read_text())

    assert {line["action"] for line in operator.json("apply", "-f", "-", standard_input=text)["plan"]} == {"create"}
    assert {line["action"] for line in operator.json("apply", "-f", "-", standard_input=text)["plan"]} == {"same"}


def test_prune_removes_what_the_file_does_not_mention_and_leaves_others_alone(operator):
    other = {"ccid": str(uuid.uuid4()), "name": "other", "endpoints": {"x": {"queue": "x"}}}
    operator.json("apply", "-f", "-", standard_input=COMPLETE)
    operator.apply({"tenants": [other]})
    short = {"tenants": [{"ccid": CCID, "keys": [{"name": "designer", "permissions": ["nexus:designer:chat"]}],
                          "numbers": [{"address": "18445551213", "name": "Renamed"}]}]}

    kept = operator.apply(short, "--dry-run", code=3)
    assert {line["action"] for line in kept["plan"]} == {"same", "change"}
    pruned = operator.apply(short, "--prune")

    gone = {(line["kind"], line["name"]) for line in pruned["plan"] if line["action"] == "delete"}
    assert gone == {("key", "consumer"), ("service", "SMS"), ("service", "PurecloudIDP"), ("service", "Async"),
                    ("number", "+18445551212"), ("domain", "mail.example.com"), ("headers", "Async"), ("keywords", "Keywords"),
                    ("endpoint", "sales"), ("designer", "DesignerEnv")}
    assert ("number", "+18445551213", ["name"]) in [(line["kind"], line["name"], line["changed"]) for line in pruned["plan"]]
    assert [number["number"] for number in operator.json("numbers")["numbers"] if number["state"] != "retired"] == ["+18445551213"]
    assert {key["name"]: key["revoked"] for key in operator.json("keys", "list")["keys"]} == {
        "aggregator": False, "consumer": True, "designer": False}
    assert [tenant["name"] for tenant in operator.json("export")["tenants"]] == ["premise", "other"]
    assert operator.apply(short, "--prune", "--dry-run")["plan"]


def test_a_webhook_of_another_number_does_not_change_the_existing_one(operator):
    operator.apply(document())
    operator.apply({"tenants": [{"ccid": CCID, "numbers": [
        {"address": "18445551299", "name": "second", "webhook": {"url": "http://127.0.0.1:1/2", "secret": "s"}}]}]})

    [service] = operator.json("export")["tenants"][0]["services"].items()

    assert [entry["channelId"] for entry in service[1]["data"]["channels"]] == ["+18445551212", "+18445551299"]
    assert operator.value("select count(*) from destination where secrets <> '{}'") == 2


def test_an_omitted_secret_stays_and_a_new_webhook_needs_one(operator):
    operator.apply(document())
    assert actions(operator.apply(document(webhook={"url": "http://127.0.0.1:1/out"}, api=None)))["Async"] == ("same", [])

    done = operator.run("apply", "-f", "-", code=1, standard_input=json.dumps(
        document(address="18445551299", name="other", webhook={"url": "http://127.0.0.1:1/out"}, api=None)))
    assert "no entry for the channelId" in done.stderr


def test_keys_keep_settings_that_the_file_does_not_mention(operator):
    operator.apply(document())
    operator.run("keys", "disable", "designer")
    operator.query("update api_key set capacity = 7")

    assert actions(operator.apply(document()))["designer"] == ("same", [])
    assert [(key["enabled"], key["capacity"]) for key in operator.json("keys", "list")["keys"]] == [(False, 7)]


def test_a_syntax_error_is_reported_with_line_and_column(operator):
    done = operator.run("apply", "-f", "-", standard_input="tenants:\n  - ccid: x\n    ccid: y\n", code=1)
    assert "line 3, column 5" in done.stderr


def test_the_api_secret_of_a_number_is_removed_by_n_a(operator):
    operator.apply(document())
    assert operator.value("select cardinality(secrets) from channel") == 1

    plan = actions(operator.apply(document(webhook={"url": "http://127.0.0.1:1/out"}, api="N/A")))

    assert plan["Async"] == ("change", ["secret"])
    assert operator.query("select cardinality(c.secrets), cardinality(d.secrets) from channel c join destination d on d.id = c.destination_id") == [
        (0, 1)]
    assert {action for action, _ in actions(operator.apply(document(webhook={"url": "http://127.0.0.1:1/out"}, api="N/A"))).values()} == {"same"}
