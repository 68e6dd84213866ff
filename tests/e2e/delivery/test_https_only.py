"""With NEXUS_WEBHOOK_HTTPS_ONLY, webhooks must use https."""

import json

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant
from harness.provisioning import Provisioner, error_text
from harness.wait import eventually

RULE = "must be a URL with https:// (NEXUS_WEBHOOK_HTTPS_ONLY is set)"
HTTPS_ONLY = {"NEXUS_WEBHOOK_HTTPS_ONLY": "true"}


@pytest.fixture
def strict(make_stack):
    """A Nexus with the setting in its workers only: nexusctl does not have it, so that tests can provision a webhook with http."""
    return make_stack(settings={"sms-worker": dict(HTTPS_ONLY), "provisioning-worker": dict(HTTPS_ONLY)})


def destination_of(tenant):
    return data_of(tenant.known_administrator().get("/nexus/v3/destinations"))["destinations"][0]


def attempts_of(message):
    steps = data_of(message.tenant.known_administrator().get(f"/nexus/v3/messages/{message.id}/timeline"))["steps"]
    return [step for step in steps if step["step"] == "attempt"]


def test_provisioning_refuses_a_webhook_with_http_and_names_field_and_rule(strict):
    provisioner = Provisioner(strict)

    refused = provisioner.gateway("http://gateway.example.com/sms")
    accepted = provisioner.gateway("https://gateway.example.com/sms")

    assert (refused.status_code, error_text(refused)) == (400, f"data.channels[0].webhook.url: {RULE}")
    assert accepted.status_code == 200, accepted.text


def test_apply_refuses_a_webhook_with_http_names_field_and_rule_and_changes_nothing(strict):
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
    assert [one["name"] for one in strict.nexusctl_json("tenants")["tenants"] if one["ccid"] == tenant.ccid] == [tenant.name]
    assert apply("https://gateway.example.com/sms").returncode == 0


def test_nothing_is_sent_to_an_existing_webhook_with_http_and_its_destination_shows_why(strict, receiver):
    tenant = Tenant(strict, webhook_url=receiver.url)
    message = OutboundMessage(tenant)

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the destination shows why", within=20)

    shown = destination_of(tenant)
    assert (shown["lastAnswer"]["kind"], shown["lastAnswer"]["status"], shown["lastAnswer"]["detail"]) == ("unusable", None, RULE)
    assert shown["failing"] and shown["waiting"] == 1
    assert RULE in eventually(lambda: attempts_of(message), "the timeline shows the attempt")[0]["text"]
    assert f"unusable: {RULE}" in strict.nexusctl("destinations", "list").stdout
    assert receiver.messages() == []

    worker = strict["sms-worker-0"]  # the operator removes the setting; the message still waits
    worker.stop()
    worker.environment["NEXUS_WEBHOOK_HTTPS_ONLY"] = "false"
    worker.start()
    strict.wait_until_well()
    assert tenant.known_administrator().post(f"/nexus/v3/destinations/{shown['id']}/try").status_code == 200
    message.becomes("sent")
