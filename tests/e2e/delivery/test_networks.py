"""Private networks that an operator grants to the webhooks of one contact center (nexusctl networks)."""

import json

import pytest

from harness.answers import data_of
from harness.nexus.nexusctl import Operator
from harness.nexus.stack import Stack
from harness.outside.sink import Sink, plain
from harness.people import OutboundMessage, Tenant


@pytest.fixture(scope="module")
def strict(postgres, template):
    """A Nexus that sends no webhooks to private networks, unless a network is granted."""
    stack = Stack(postgres, template, settings={"sms-worker": {"NEXUS_WEBHOOK_ALLOW_CIDRS": ""}}).start()
    yield stack
    stack.finish()


@pytest.fixture(scope="module")
def operator(strict):
    return Operator(strict.postgres, strict.database)


@pytest.fixture
def sink():
    sink = Sink(plain(200))
    yield sink
    sink.close()


def attempt_of(message):
    steps = data_of(message.tenant.known_administrator().get(f"/nexus/v3/messages/{message.id}/timeline"))["steps"]
    return [step["text"] for step in steps if step["step"] == "attempt"][-1]


def grant(operator, tenant, network, **arguments):
    return operator.run("networks", "grant", network, "--tenant", tenant.ccid, **arguments)


def audited(operator, tenant, action):
    changes = json.loads(operator.run("audit", "list", "--tenant", tenant.ccid, "--json").stdout)["changes"]
    return [(change["object"], change["credential"]) for change in changes if change["action"] == action]


def test_a_network_is_granted_to_one_contact_center_and_no_other_one_reaches_it(strict, operator, sink):
    ours, theirs = Tenant(strict, webhook_url=sink.url), Tenant(strict, webhook_url=sink.url)

    assert "127.0.0.0/8 is granted" in grant(operator, ours, "127.0.0.0/8").stdout
    OutboundMessage(ours).becomes("sent")
    refused = OutboundMessage(theirs).becomes("failed")  # the connection of the first contact center is still open

    assert refused.undelivered == ("forbidden_address", None, 1)
    assert "the address is not allowed (127.0.0.0/8, loopback)" in attempt_of(refused)
    assert len(sink.requests) == 1


def test_a_network_may_be_granted_for_one_port_only(strict, operator, sink):
    tenant = Tenant(strict, webhook_url=sink.url)

    grant(operator, tenant, f"127.0.0.0/8:{sink.port + 1 if sink.port < 65535 else 1}")
    refused = OutboundMessage(tenant).becomes("failed")
    assert "the address is not allowed (granted at another port only)" in attempt_of(refused)

    grant(operator, tenant, f"127.0.0.0/8:{sink.port}")
    OutboundMessage(tenant).becomes("sent")
    assert operator.run("replay", "--tenant", tenant.ccid, "--reason", "forbidden_address").returncode == 0
    refused.becomes("sent")


def test_a_name_that_resolves_to_a_private_network_is_checked_by_its_address(strict, operator, sink):
    tenant = Tenant(strict, webhook_url=f"http://localhost:{sink.port}/sms")

    grant(operator, tenant, "10.0.0.0/8")
    refused = OutboundMessage(tenant).becomes("failed")
    assert refused.undelivered == ("forbidden_address", None, 1)

    grant(operator, tenant, "127.0.0.1/32")
    OutboundMessage(tenant).becomes("sent")


def test_a_revoked_network_is_not_reached_over_an_open_connection(strict, operator, sink):
    tenant = Tenant(strict, webhook_url=sink.url)
    grant(operator, tenant, "127.0.0.0/8")
    OutboundMessage(tenant).becomes("sent")

    assert "127.0.0.0/8 is revoked" in operator.run("networks", "revoke", "127.0.0.0/8", "--tenant", tenant.ccid).stdout

    assert OutboundMessage(tenant).becomes("failed").undelivered == ("forbidden_address", None, 1)
    assert len(sink.requests) == 1


def test_each_grant_is_listed_and_audited_and_a_repetition_changes_nothing(strict, operator):
    tenant = Tenant(strict)
    for network in ("10.1.0.0/16:8443", "10.1.0.0/16:8443", "FD00:1:0::/48"):
        grant(operator, tenant, network)

    listed = json.loads(operator.run("networks", "list", "--tenant", tenant.ccid, "--json").stdout)["networks"]
    assert [row["range"] for row in listed] == ["10.1.0.0/16:8443", "fd00:1::/48"]
    assert "10.1.0.0/16:8443" in operator.run("networks", "list").stdout
    assert sorted(audited(operator, tenant, "network.grant")) == [("10.1.0.0/16:8443", "local"), ("fd00:1::/48", "local")]

    operator.run("networks", "revoke", "fd00:1:0:0::/48", "--tenant", tenant.ccid)
    assert audited(operator, tenant, "network.revoke") == [("fd00:1::/48", "local")]
    refused = operator.run("networks", "revoke", "fd00:1::/48", "--tenant", tenant.ccid, code=1)
    assert "this contact center has no such network" in refused.stderr


@pytest.mark.parametrize("network, rule", [
    ("10.1.0.0", "must be address/bits or address/bits:port"), ("10.1.0.0/33", "must be address/bits"),
    ("10.1.0.0/16:0", "must be address/bits"), ("10.1.0.0/16:65536", "must be address/bits"),
    ("intranet/16", "must be address/bits"), ("10.1.2.3/16", "bits set behind the first"),
    ("0.0.0.0/0", "larger than one grant may be"), ("::/0", "larger than one grant may be"),
    ("::/64", "larger than one grant may be")])
def test_a_malformed_network_is_refused_with_its_rule(strict, operator, network, rule):
    tenant = Tenant(strict)

    refused = grant(operator, tenant, network, code=2)

    assert "RANGE: " in refused.stderr and rule in refused.stderr
    assert json.loads(operator.run("networks", "list", "--tenant", tenant.ccid, "--json").stdout) == {"networks": []}


def test_a_contact_center_has_at_most_64_networks(strict, operator):
    tenant = Tenant(strict)
    strict.query("insert into tenant_network (tenant_id, range) select t.id, '10.' || n || '.0.0/16' "
                 "from tenant t, generate_series(1, 64) n where t.ccid = %s returning 1", tenant.ccid)

    assert "at most 64 networks" in grant(operator, tenant, "10.200.0.0/16", code=1).stderr
    assert "was granted before" in grant(operator, tenant, "10.1.0.0/16").stdout


def test_no_statement_of_a_contact_center_may_grant(strict, operator):
    rights = strict.query("select has_table_privilege('nexus_api', 'tenant_network', p) "
                          "from unnest(array['insert', 'update', 'delete']) p")
    called = strict.query("select has_function_privilege('nexus_api', p.oid, 'execute') from pg_proc p "
                          "where p.proname in ('network_grant', 'network_revoke')")

    assert rights == [(False,)] * 3 and called == [(False,)] * 2
