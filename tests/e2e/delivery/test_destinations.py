"""Destinations: administrators see which one fails and how many deliveries wait for it, and can try it, switch it off and
switch it on."""

import json
import urllib.parse

import pytest

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant
from harness.provisioning import Provisioner
from harness.reading import messages
from harness.wait import eventually


@pytest.fixture
def tenant(nexus, receiver):
    """A tenant whose destination is switched on again at the end, so that health in other tests does not report it."""
    tenant = Tenant(nexus, webhook_url=receiver.url)
    yield tenant
    command(tenant, "enable")


def destinations_of(tenant, caller=None, **filters):
    caller = caller or tenant.known_administrator()
    return data_of(caller.get("/nexus/v3/destinations", params=filters))["destinations"]


def destination_of(tenant):
    return destinations_of(tenant)[0]


def stored_destination_of(tenant):
    """The same from nexusctl, which needs no worker."""
    (destination,) = tenant.stack.nexusctl_json("destinations", "--tenant", tenant.ccid)["destinations"]
    return destination


def command(tenant, verb, identity=None, caller=None):
    identity = identity or destination_of(tenant)["id"]
    return (caller or tenant.known_administrator()).post(f"/nexus/v3/destinations/{identity}/{verb}")


def has_failed_once(message):
    return messages.attempts(message.tenant, message.id)


def test_a_destination_shows_its_numbers_and_host_and_no_secrets_of_its_url(nexus, receiver):
    host = urllib.parse.urlsplit(receiver.url).netloc
    tenant = Tenant(nexus, webhook_url=f"http://{host}/sms/s3cr3t?token=s3cr3t")

    shown = destination_of(tenant)

    assert (shown["ccid"], shown["host"], shown["state"]) == (tenant.ccid, host, "closed")
    assert shown["numbers"] == [{"number": tenant.number, "name": "sms"}]
    assert (shown["waiting"], shown["oldest"], shown["nextTry"], shown["failing"]) == (0, None, None, False)
    assert "s3cr3t" not in json.dumps(shown)


def test_a_destination_that_is_switched_off_gets_nothing_until_it_is_switched_on(tenant, receiver):
    done = command(tenant, "disable")
    outbound = [OutboundMessage(tenant) for _ in range(2)]

    off = destination_of(tenant)
    assert done.status_code == 200 and data_of(done)["state"] == "off"
    assert (off["state"], off["waiting"], off["failing"], off["nextTry"]) == ("off", 2, True, None)
    assert off["oldest"] and off["offSince"]
    assert receiver.messages() == []

    assert data_of(command(tenant, "enable"))["state"] == "closed"
    for message in outbound:
        message.becomes("sent")
    assert destination_of(tenant)["waiting"] == 0


def test_provisioning_a_destination_again_switches_it_on(tenant):
    command(tenant, "disable")
    message = OutboundMessage(tenant)

    tenant.apply()

    assert destination_of(tenant)["state"] == "closed"
    message.becomes("sent")


def test_the_timeline_of_a_message_shows_that_its_destination_was_switched_off(tenant):
    command(tenant, "disable")
    message = OutboundMessage(tenant)

    def decisions(kind):
        steps = data_of(tenant.known_administrator().get(f"/nexus/v3/messages/{message.id}/timeline"))["steps"]
        return [step["decision"] for step in steps if step["step"] == kind]

    assert decisions("waiting") == ["destination: switched off"]
    eventually(lambda: decisions("held_back") == ["destination: switched off"], "the message is held back")
    command(tenant, "enable")
    message.becomes("sent")
    assert decisions("held_back") == ["destination: switched off"]


def test_switching_twice_has_the_effect_of_once(tenant):
    assert [command(tenant, "disable").status_code, command(tenant, "disable").status_code] == [200, 200]
    since = destination_of(tenant)["offSince"]
    assert data_of(command(tenant, "disable"))["offSince"] == since
    assert [command(tenant, "enable").status_code, command(tenant, "enable").status_code] == [200, 200]


def test_a_destination_is_tried_now_on_request(tenant, receiver):
    receiver.answer(status=410)  # the next attempt would be after a minute
    message = OutboundMessage(tenant)
    eventually(lambda: has_failed_once(message), "the first attempt has failed")
    receiver.answer(status=200)

    assert command(tenant, "try").status_code == 200

    message.becomes("sent")


def test_trying_a_destination_sends_one_message_through_its_open_breaker(tenant, receiver):
    receiver.answer(status=503)
    outbound = [OutboundMessage(tenant) for _ in range(12)]
    eventually(lambda: destination_of(tenant)["state"] == "open", "the breaker is open", within=30)
    failing = destination_of(tenant)
    assert failing["failing"] and failing["openings"] >= 1 and failing["waiting"] == 12 and failing["nextTry"]
    assert [one["id"] for one in destinations_of(tenant, state="failing")] == [failing["id"]]
    receiver.answer(status=200)

    command(tenant, "try")

    for message in outbound:
        message.becomes("sent", within=30)
    eventually(lambda: destination_of(tenant)["state"] == "closed", "the breaker is closed")
    assert destinations_of(tenant, state="failing") == []


def test_trying_a_destination_that_is_switched_off_is_refused_with_advice(tenant):
    command(tenant, "disable")

    refused = command(tenant, "try")

    assert refused.status_code == 409 and "enable" in refused.text


def test_destinations_of_other_contact_centers_are_not_found(tenant, nexus):
    stranger, theirs = Tenant(nexus), destination_of(tenant)["id"]

    assert theirs not in [one["id"] for one in destinations_of(stranger)]
    for verb in ("try", "enable", "disable"):
        assert command(stranger, verb, theirs).status_code == 404
    assert destination_of(tenant)["state"] == "closed"


def test_operators_see_the_destinations_of_all_page_by_page(tenant, nexus):
    others, seen, after = [Tenant(nexus) for _ in range(3)], [], ""
    operator = nexus.operator()
    while after is not None:
        page = data_of(operator.get("/nexus/v3/destinations", params={"count": 2, "after": after}))
        assert len(page["destinations"]) <= 2
        seen += [(one["ccid"], one["id"]) for one in page["destinations"]]
        after = page["next"]

    assert len(set(seen)) == len(seen)
    assert {other.ccid for other in (tenant, *others)} <= {ccid for ccid, _ in seen}
    assert command(tenant, "try", caller=operator).status_code == 200


@pytest.mark.parametrize("filters, field", [({"state": "broken"}, "state"), ({"after": "x"}, "after"), ({"count": 0}, "count"),
                                            ({"count": 201}, "count")])
def test_an_invalid_filter_is_refused_with_its_name(tenant, filters, field):
    answer = tenant.known_administrator().get("/nexus/v3/destinations", params=filters)

    assert answer.status_code == 400 and field in answer.text


def test_a_destination_without_a_number_is_listed_while_a_message_waits_for_it(tenant, receiver):
    receiver.answer(status=410)
    message = OutboundMessage(tenant)
    eventually(lambda: has_failed_once(message), "the first attempt has failed")
    provisioner = Provisioner(tenant.stack, tenant.ccid)
    assert provisioner.delete(provisioner.section_path("chat.sms")).status_code == 200

    shown = destination_of(tenant)

    assert (shown["state"], shown["numbers"], shown["waiting"]) == ("unused", [], 1)
    refused = command(tenant, "enable", shown["id"])
    assert refused.status_code == 409 and "number" in refused.text
    receiver.answer(status=200)
    tenant.apply()
    message.becomes("sent")


def reports(health, code, identity):
    return {"code": code, "about": identity} in [{key: cause[key] for key in ("code", "about")} for cause in health["causes"]]


def health_reports(stack, code, identity):
    return reports(stack.health().json(), code, identity)


def yellow_because_of(stack, code, identity):
    """The health that is yellow and reports this; None: it is not so yet."""
    health = stack.health().json()
    return health if health["state"] == "yellow" and reports(health, code, identity) else None


def test_a_destination_shows_its_last_answer(tenant, receiver):
    assert destination_of(tenant)["lastAnswer"] is None
    receiver.answer(status=503, body='{"error": "out of order"}')
    message = OutboundMessage(tenant)

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the answer is shown", within=20)
    shown = destination_of(tenant)
    assert (shown["lastAnswer"]["kind"], shown["lastAnswer"]["status"]) == ("retry", 503)
    assert "out of order" not in json.dumps(shown) and shown["failingSince"]
    receiver.answer(status=200)
    command(tenant, "try")
    message.becomes("sent")
    eventually(lambda: destination_of(tenant)["lastAnswer"]["status"] == 200, "the good answer is shown", within=20)
    assert destination_of(tenant)["failingSince"] is None


def test_the_last_answer_is_stored_although_the_worker_stops_right_after_it(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(status=410)  # the next attempt would be after half a minute
    message = OutboundMessage(tenant)
    receiver.wait_for(message.text)

    stack["sms-worker-0"].stop()

    assert stored_destination_of(tenant)["lastAnswer"]["status"] == 410
    stack["sms-worker-0"].start()
    stack.wait_until_well()


def test_a_destination_that_works_again_is_not_shown_as_failing_although_the_worker_died_right_after(make_stack, receiver):
    stack = make_stack()
    tenant, worker = Tenant(stack, webhook_url=receiver.url), stack["sms-worker-0"]
    receiver.answer(status=503)
    message = OutboundMessage(tenant)
    eventually(lambda: destination_of(tenant)["lastAnswer"], "the bad answer is shown", within=20)
    worker.stop()
    worker.environment["NEXUS_FAILPOINTS"] = "delivery.complete.after_commit=kill"
    receiver.answer(status=200)
    stack.query("update delivery set due = now()")
    worker.start()
    eventually(lambda: not worker.alive, "the worker dies once the good answer is stored", within=20)

    stored = stored_destination_of(tenant)
    assert (stored["lastAnswer"]["status"], stored["failingSince"]) == (200, None)
    worker.wait()
    del worker.environment["NEXUS_FAILPOINTS"]
    worker.restart()
    message.becomes("sent")
    eventually(lambda: destination_of(tenant)["lastAnswer"]["status"] == 200, "the good answer is shown")
    assert destination_of(tenant)["failingSince"] is None


def test_a_last_answer_that_could_not_be_stored_is_stored_later(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(status=410)
    stack.query("revoke insert on destination_answer from nexus_worker")
    message = OutboundMessage(tenant)
    eventually(lambda: "answers_not_stored" in stack["sms-worker-0"].log.read_text(), "the answer could not be stored")
    stack.query("grant insert on destination_answer to nexus_worker")

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the answer is shown", within=20)
    assert destination_of(tenant)["lastAnswer"]["status"] == 410
    assert len(receiver.messages(message.text)) == 1  # the stored answer is that of the first attempt


def test_one_410_makes_health_yellow_with_the_id_of_the_destination_until_it_works_again(make_stack, receiver):
    nexus = make_stack()
    tenant = Tenant(nexus, webhook_url=receiver.url)
    receiver.answer(status=410)
    message = OutboundMessage(tenant)
    identity = destination_of(tenant)["id"]

    health = eventually(lambda: yellow_because_of(nexus, "destination.failing", identity), "health reports the destination", within=20)
    assert f"messages wait for a destination that fails (ID {identity})" in health["reasons"]
    assert [one["id"] for one in destinations_of(tenant, state="failing")] == [identity]
    assert "closed, failing" in nexus.nexusctl("destinations", "--tenant", tenant.ccid).stdout
    receiver.answer(status=200)
    command(tenant, "try")

    message.becomes("sent")
    eventually(lambda: not health_reports(nexus, "destination.failing", identity), "health does not report the destination any more", within=20)


def test_a_destination_that_is_switched_off_makes_health_yellow_even_if_nothing_waits(make_stack, receiver):
    nexus = make_stack()
    tenant = Tenant(nexus, webhook_url=receiver.url)
    identity = data_of(command(tenant, "disable"))["id"]

    eventually(lambda: yellow_because_of(nexus, "destination.off", identity), "health reports the destination", within=20)
    command(tenant, "enable")
    eventually(lambda: not health_reports(nexus, "destination.off", identity), "health does not report the destination any more", within=20)


def test_deliveries_that_a_failing_destination_holds_back_do_not_count_in_the_age_of_the_queue(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(status=410)
    first = OutboundMessage(tenant)
    eventually(lambda: has_failed_once(first), "the first attempt has failed")
    second = OutboundMessage(tenant, first.conversation)
    others = OutboundMessage(tenant)
    eventually(lambda: has_failed_once(others), "an attempt for another consumer has failed, too")
    stack.query("update delivery set due = now() - interval '1 hour' where message_id = %s", second.id)

    eventually(lambda: stack.metric("nexus_queue_oldest_age_seconds", queue="held") >= 3600, "the delivery is counted as held", within=20)
    assert stack.metric("nexus_queue_oldest_age_seconds", queue="deliveries") == 0
    eventually(lambda: stack.metric("nexus_destinations_failing") == 1, "the metric of the alert is set", within=20)


def test_log_lines_about_a_destination_name_its_contact_center_and_host(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    receiver.answer(status=404)

    OutboundMessage(tenant)

    def misconfigured():
        lines = map(json.loads, stack["sms-worker-0"].log.read_text().split("\n")[:-1])  # the last one may still be being written
        return [line for line in lines if line["event"] == "destination.misconfigured"]

    lines = eventually(misconfigured, "the fault is logged")
    assert (lines[0]["ccid"], lines[0]["host"]) == (tenant.ccid, urllib.parse.urlsplit(receiver.url).netloc)


def test_nexusctl_lists_and_switches_destinations(tenant):
    def nexusctl(*words):
        return json.loads(tenant.stack.nexusctl("destinations", *words, "--tenant", tenant.ccid, "--json").stdout)

    identity = destination_of(tenant)["id"]
    assert [one["id"] for one in nexusctl()["destinations"]] == [identity]
    assert nexusctl("disable", identity)["state"] == "off"
    assert [one["id"] for one in nexusctl("list", "--state", "off")["destinations"]] == [identity]
    assert nexusctl("enable", identity)["state"] == "closed"
    assert nexusctl("try", identity)["state"] == "closed"
    assert destination_of(tenant)["host"] in tenant.stack.nexusctl("destinations", "--limit", "1000").stdout
    unknown = tenant.stack.nexusctl("destinations", "try", "999999999", check=False)
    assert unknown.returncode == 1 and "there is no such destination" in unknown.stderr
    assert tenant.stack.nexusctl("destinations", "try", check=False).returncode == 2
