"""Destinations: whoever runs the place sees which webhook fails and what waits for it, and can try it, switch it off and
switch it on."""

import json
import urllib.parse

import pytest

from harness.people import Answer, Tenant
from harness.provisioning import Office
from harness.wait import eventually



@pytest.fixture
def tenant(nexus, customer):
    """Its destination is on when the test is over: health of others does not tell of it."""
    tenant = Tenant(nexus, webhook_url=customer.url)
    yield tenant
    do(tenant, "enable")


def destinations_of(tenant, caller=None, **filters):
    caller = caller or tenant.administrator()
    return caller.get("/nexus/v3/destinations", params=filters).json()["data"]["destinations"]


def destination_of(tenant):
    return destinations_of(tenant)[0]


def do(tenant, what, identity=None, caller=None):
    identity = identity or destination_of(tenant)["id"]
    return (caller or tenant.administrator()).post(f"/nexus/v3/destinations/{identity}/{what}")


def waits_for_a_later_attempt(answer):
    return answer.tenant.stack.query("select 1 from delivery where message_id = %s and attempt > 0 and due > now()", answer.id)


def test_a_destination_is_shown_with_its_numbers_and_host_and_without_the_secrets_of_its_url(nexus, customer):
    host = urllib.parse.urlsplit(customer.url).netloc
    tenant = Tenant(nexus, webhook_url=f"http://{host}/sms/s3cr3t?token=s3cr3t")

    shown = destination_of(tenant)

    assert (shown["ccid"], shown["host"], shown["state"]) == (tenant.ccid, host, "closed")
    assert shown["numbers"] == [{"number": tenant.number, "name": "sms"}]
    assert (shown["waiting"], shown["oldest"], shown["nextTry"], shown["failing"]) == (0, None, None, False)
    assert "s3cr3t" not in json.dumps(shown)


def test_what_is_switched_off_gets_nothing_until_it_is_switched_on(tenant, customer):
    done = do(tenant, "disable")
    answers = [Answer(tenant) for _ in range(2)]

    off = destination_of(tenant)
    assert done.status_code == 200 and done.json()["data"]["state"] == "off"
    assert (off["state"], off["waiting"], off["failing"], off["nextTry"]) == ("off", 2, True, None)
    assert off["oldest"] and off["offSince"]
    assert customer.messages() == []

    assert do(tenant, "enable").json()["data"]["state"] == "closed"
    for answer in answers:
        answer.becomes("sent")
    assert destination_of(tenant)["waiting"] == 0


def test_what_is_switched_off_is_switched_on_by_provisioning_it_again(tenant):
    do(tenant, "disable")
    answer = Answer(tenant)

    tenant.apply()

    assert destination_of(tenant)["state"] == "closed"
    answer.becomes("sent")


def test_a_message_says_that_its_destination_was_switched_off(tenant):
    do(tenant, "disable")
    answer = Answer(tenant)

    def decisions(kind):
        steps = tenant.administrator().get(f"/nexus/v3/messages/{answer.id}/timeline").json()["data"]["steps"]
        return [step["decision"] for step in steps if step["step"] == kind]

    assert decisions("waiting") == ["destination: switched off"]
    eventually(lambda: decisions("held_back") == ["destination: switched off"], "it is held back")
    do(tenant, "enable")
    answer.becomes("sent")
    assert decisions("held_back") == ["destination: switched off"]


def test_switching_twice_is_the_same_as_once(tenant):
    assert [do(tenant, "disable").status_code, do(tenant, "disable").status_code] == [200, 200]
    since = destination_of(tenant)["offSince"]
    assert do(tenant, "disable").json()["data"]["offSince"] == since
    assert [do(tenant, "enable").status_code, do(tenant, "enable").status_code] == [200, 200]


def test_a_destination_is_tried_now_when_somebody_says_so(tenant, customer):
    customer.answer(status=410)  # is tried again after a minute
    answer = Answer(tenant)
    eventually(lambda: waits_for_a_later_attempt(answer), "the answer is put off")
    customer.answer(status=200)

    assert do(tenant, "try").status_code == 200

    answer.becomes("sent")


def test_the_breaker_of_a_destination_that_is_tried_now_lets_one_message_through_as_its_test(tenant, customer):
    customer.answer(status=503)
    answers = [Answer(tenant) for _ in range(12)]
    eventually(lambda: destination_of(tenant)["state"] == "open", "the breaker is open", within=30)
    failing = destination_of(tenant)
    assert failing["failing"] and failing["openings"] >= 1 and failing["waiting"] == 12 and failing["nextTry"]
    assert [one["id"] for one in destinations_of(tenant, state="failing")] == [failing["id"]]
    customer.answer(status=200)

    do(tenant, "try")

    for answer in answers:
        answer.becomes("sent", within=30)
    eventually(lambda: destination_of(tenant)["state"] == "closed", "the breaker is closed")
    assert destinations_of(tenant, state="failing") == []


def test_what_is_switched_off_is_not_tried_and_says_what_to_do(tenant):
    do(tenant, "disable")

    refused = do(tenant, "try")

    assert refused.status_code == 409 and "enable" in refused.text


def test_the_destinations_of_others_are_not_there(tenant, nexus):
    stranger, theirs = Tenant(nexus), destination_of(tenant)["id"]

    assert theirs not in [one["id"] for one in destinations_of(stranger)]
    for what in ("try", "enable", "disable"):
        assert do(stranger, what, theirs).status_code == 404
    assert destination_of(tenant)["state"] == "closed"


def test_operators_see_the_destinations_of_all_page_by_page(tenant, nexus):
    others, seen, after = [Tenant(nexus) for _ in range(3)], [], ""
    while after is not None:
        page = nexus.operator().get("/nexus/v3/destinations", params={"count": 2, "after": after}).json()["data"]
        assert len(page["destinations"]) <= 2
        seen += [(one["ccid"], one["id"]) for one in page["destinations"]]
        after = page["next"]

    assert len(set(seen)) == len(seen)
    assert {other.ccid for other in (tenant, *others)} <= {ccid for ccid, _ in seen}
    assert do(tenant, "try", caller=nexus.operator()).status_code == 200


@pytest.mark.parametrize("filters, field", [({"state": "broken"}, "state"), ({"after": "x"}, "after"), ({"count": 0}, "count"),
                                            ({"count": 201}, "count")])
def test_a_filters_fault_is_named(tenant, filters, field):
    answer = tenant.administrator().get("/nexus/v3/destinations", params=filters)

    assert answer.status_code == 400 and field in answer.text


def test_a_destination_that_no_number_has_any_more_is_listed_while_something_waits_for_it(tenant, customer):
    customer.answer(status=410)
    answer = Answer(tenant)
    eventually(lambda: waits_for_a_later_attempt(answer), "the answer is put off")
    office = Office(tenant.stack, tenant.ccid)
    assert office.delete(office.section_path("chat.sms")).status_code == 200

    shown = destination_of(tenant)

    assert (shown["state"], shown["numbers"], shown["waiting"]) == ("unused", [], 1)
    refused = do(tenant, "enable", shown["id"])
    assert refused.status_code == 409 and "number" in refused.text
    customer.answer(status=200)
    tenant.apply()
    answer.becomes("sent")


def health_says(stack, code, identity):
    return {"code": code, "about": identity} in [{key: cause[key] for key in ("code", "about")}
                                                 for cause in stack.health().json()["causes"]]


def test_what_a_destination_said_last_is_shown(tenant, customer):
    assert destination_of(tenant)["lastAnswer"] is None
    customer.answer(status=503, body='{"error": "out of order"}')
    answer = Answer(tenant)

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the answer is told", within=20)
    shown = destination_of(tenant)
    assert (shown["lastAnswer"]["kind"], shown["lastAnswer"]["status"]) == ("retry", 503)
    assert "out of order" not in json.dumps(shown) and shown["failingSince"]
    customer.answer(status=200)
    do(tenant, "try")
    answer.becomes("sent")
    eventually(lambda: destination_of(tenant)["lastAnswer"]["status"] == 200, "the good answer is told", within=20)
    assert destination_of(tenant)["failingSince"] is None


def test_what_a_destination_said_is_told_though_the_worker_stops_right_after_it(make_stack, customer):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(status=410)  # is tried again after half a minute, by nobody here
    answer = Answer(tenant)
    customer.wait_for(answer.text)

    stack["sms-worker-0"].stop()

    assert stack.query("select a.status from destination_answer a join tenant t on t.id = a.tenant_id where t.ccid = %s",
                       tenant.ccid) == [(410,)]
    stack["sms-worker-0"].start()
    stack.wait_until_well()


def test_a_destination_that_works_again_is_not_said_to_fail_though_the_worker_died_right_after_it(make_stack, customer):
    stack = make_stack()
    tenant, worker = Tenant(stack, webhook_url=customer.url), stack["sms-worker-0"]
    customer.answer(status=503)
    answer = Answer(tenant)
    eventually(lambda: destination_of(tenant)["lastAnswer"], "the bad answer is told", within=20)
    worker.stop()
    worker.environment["NEXUS_FAILPOINTS"] = "delivery.complete.after_commit=kill"
    customer.answer(status=200)
    stack.query("update delivery set due = now()")
    worker.start()
    eventually(lambda: not worker.alive, "the worker dies once the good answer is stored", within=20)

    [said] = stack.query("select a.status, a.failing_since from destination_answer a join tenant t on t.id = a.tenant_id where t.ccid = %s",
                         tenant.ccid)
    assert said == (200, None)
    worker.wait()
    del worker.environment["NEXUS_FAILPOINTS"]
    worker.restart()
    answer.becomes("sent")
    eventually(lambda: destination_of(tenant)["lastAnswer"]["status"] == 200, "it is told")
    assert destination_of(tenant)["failingSince"] is None


def test_what_a_destination_said_is_told_later_when_it_could_not_be_stored(make_stack, customer):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(status=410)
    stack.query("revoke insert on destination_answer from nexus_worker")
    answer = Answer(tenant)
    eventually(lambda: "answers_not_stored" in stack["sms-worker-0"].log.read_text(), "it could not be stored")
    stack.query("grant insert on destination_answer to nexus_worker")

    eventually(lambda: destination_of(tenant)["lastAnswer"], "the answer is told", within=20)
    assert destination_of(tenant)["lastAnswer"]["status"] == 410
    assert len(customer.messages(answer.text)) == 1  # it was this answer, not the next


def test_one_410_makes_health_yellow_and_says_which_destination_until_it_works_again(make_stack, customer):
    nexus = make_stack()
    tenant = Tenant(nexus, webhook_url=customer.url)
    customer.answer(status=410)
    answer = Answer(tenant)
    identity = destination_of(tenant)["id"]

    eventually(lambda: health_says(nexus, "destination.failing", identity), "health tells of it", within=20)
    assert nexus.health().json()["state"] == "yellow"
    assert f"messages wait for a destination that fails (ID {identity})" in nexus.health().json()["reasons"]
    assert [one["id"] for one in destinations_of(tenant, state="failing")] == [identity]
    assert "closed, failing" in nexus.nexusctl("destinations", "--tenant", tenant.ccid).stdout
    customer.answer(status=200)
    do(tenant, "try")

    answer.becomes("sent")
    eventually(lambda: not health_says(nexus, "destination.failing", identity), "health tells of it no more", within=20)


def test_a_destination_that_is_switched_off_makes_health_yellow_though_nothing_waits(make_stack, customer):
    nexus = make_stack()
    tenant = Tenant(nexus, webhook_url=customer.url)
    identity = do(tenant, "disable").json()["data"]["id"]

    eventually(lambda: health_says(nexus, "destination.off", identity), "health tells of it", within=20)
    do(tenant, "enable")
    eventually(lambda: not health_says(nexus, "destination.off", identity), "health tells of it no more", within=20)


def test_what_a_failing_destination_holds_back_is_no_age_of_the_queue_that_workers_send_from(make_stack, customer):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(status=410)
    first = Answer(tenant)
    eventually(lambda: waits_for_a_later_attempt(first), "the first is put off")
    second = Answer(tenant, first.conversation)
    others = Answer(tenant)
    eventually(lambda: waits_for_a_later_attempt(others), "another person's is put off, too")
    stack.query("update delivery set due = now() - interval '1 hour' where message_id = %s", second.id)

    eventually(lambda: stack.metric("nexus_queue_oldest_age_seconds", queue="held") >= 3600, "it is counted as held", within=20)
    assert stack.metric("nexus_queue_oldest_age_seconds", queue="deliveries") == 0
    eventually(lambda: stack.metric("nexus_destinations_failing") == 1, "the alert has its number", within=20)


def test_lines_about_a_destination_name_its_contact_center_and_its_host(make_stack, customer):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=customer.url)
    customer.answer(status=404)

    Answer(tenant)

    lines = eventually(lambda: [line for line in map(json.loads, stack["sms-worker-0"].log.read_text().splitlines()) if line["event"] == "destination.misconfigured"],
                       "the fault is logged")
    assert (lines[0]["ccid"], lines[0]["host"]) == (tenant.ccid, urllib.parse.urlsplit(customer.url).netloc)


def test_the_operators_command_lists_and_switches_destinations(tenant):
    def command(*words):
        return json.loads(tenant.stack.nexusctl("destinations", *words, "--tenant", tenant.ccid, "--json").stdout)

    identity = destination_of(tenant)["id"]
    assert [one["id"] for one in command()["destinations"]] == [identity]
    assert command("disable", identity)["state"] == "off"
    assert [one["id"] for one in command("list", "--state", "off")["destinations"]] == [identity]
    assert command("enable", identity)["state"] == "closed"
    assert command("try", identity)["state"] == "closed"
    assert destination_of(tenant)["host"] in tenant.stack.nexusctl("destinations", "--limit", "1000").stdout
    unknown = tenant.stack.nexusctl("destinations", "try", "999999999", check=False)
    assert unknown.returncode == 1 and "there is no such destination" in unknown.stderr
    assert tenant.stack.nexusctl("destinations", "try", check=False).returncode == 2
