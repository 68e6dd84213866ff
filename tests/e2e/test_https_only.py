"""Webhooks must have https where the operator says so (NEXUS_WEBHOOK_HTTPS_ONLY)."""

import json

import pytest

from harness.people import Answer, Tenant
from harness.provisioning import Office, said
from harness.wait import eventually

RULE = "a URL with https:// is wanted (NEXUS_WEBHOOK_HTTPS_ONLY is set)"
DEMANDED = {"NEXUS_WEBHOOK_HTTPS_ONLY": "true"}


@pytest.fixture
def strict(make_stack):
    """Its nexusctl does not know the setting, so that a webhook with http can be there already."""
    return make_stack(settings={"sms-worker": dict(DEMANDED), "provisioning-worker": dict(DEMANDED)})


def destination_of(tenant):
    return tenant.administrator().get("/nexus/v3/destinations").json()["data"]["destinations"][0]


def attempts_of(answer):
    steps = answer.tenant.administrator().get(f"/nexus/v3/messages/{answer.id}/timeline").json()["data"]["steps"]
    return [step for step in steps if step["step"] == "attempt"]


def test_a_webhook_with_http_is_refused_over_http_with_field_and_rule(strict):
    office = Office(strict)

    refused = office.gateway("http://gateway.example.com/sms")
    taken = office.gateway("https://gateway.example.com/sms")

    assert (refused.status_code, said(refused)) == (400, f"data.channels[0].webhook.url: {RULE}")
    assert taken.status_code == 200, taken.text


def test_a_webhook_with_http_is_refused_by_apply_with_field_and_rule_and_nothing_of_the_file_is_done(strict):
    tenant = Tenant(strict)
    settings = strict.folder / "settings"
    settings.write_text("NEXUS_WEBHOOK_HTTPS_ONLY=true\n")
    file = strict.folder / "strict.json"

    def apply(url):
        file.write_text(json.dumps({"tenants": [{"ccid": tenant.ccid, "name": "renamed", "numbers": [
            {"address": tenant.number, "name": "sms", "webhook": {"url": url, "secret": tenant.webhook_secret}}]}]}))
        done = strict.nexusctl("apply", "--config", settings, "-f", file, check=False)
        file.unlink()
        return done

    refused = apply("http://gateway.example.com/sms")
    assert refused.returncode == 1 and f"tenants[0].numbers[0].webhook.url: {RULE}" in refused.stderr
    assert strict.query("select name from tenant where ccid = %s", tenant.ccid) == [(tenant.name,)]
    assert apply("https://gateway.example.com/sms").returncode == 0


def test_nothing_is_sent_to_a_webhook_with_http_that_is_there_already_and_its_destination_says_why(strict, customer):
    tenant = Tenant(strict, webhook_url=customer.url)
    answer = Answer(tenant)

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the destination says why", within=20)

    shown = destination_of(tenant)
    assert (shown["lastAnswer"]["kind"], shown["lastAnswer"]["status"], shown["lastAnswer"]["detail"]) == ("unusable", None, RULE)
    assert shown["failing"] and shown["waiting"] == 1
    assert RULE in eventually(lambda: attempts_of(answer), "the attempt is told")[0]["text"]
    assert f"unusable: {RULE}" in strict.nexusctl("destinations", "list").stdout
    assert customer.messages() == []

    worker = strict["sms-worker-0"]  # the operator takes the setting back: the message was kept
    worker.stop()
    worker.environment["NEXUS_WEBHOOK_HTTPS_ONLY"] = "false"
    worker.start()
    strict.wait_until_well()
    assert tenant.administrator().post(f"/nexus/v3/destinations/{shown['id']}/try").status_code == 200
    answer.becomes("sent")
