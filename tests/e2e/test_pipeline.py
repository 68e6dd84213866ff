"""The picture of the pipeline, as the gateway reads it from metrics-agent: it moves with the traffic, and shows what is
wrong."""

import threading

import requests

from harness.people import Answer, Tenant
from harness.wait import eventually

HOPS = ["http", "bus", "commit", "claim", "send", "retry", "outcome", "receipt"]


def picture(caller):
    answer = caller.get("/nexus/v3/pipeline")
    assert answer.status_code == 200, answer.text
    return {hop["name"]: hop for hop in answer.json()["data"]["hops"]}


def test_what_passes_each_hop_is_counted_and_has_a_rate(nexus, customer):
    tenant = Tenant(nexus, webhook_url=customer.url)
    caller = nexus.operator()
    before = picture(caller)
    assert list(before) == HOPS

    for _ in range(5):
        answer = Answer(tenant).becomes("sent")
        tenant.aggregator().receipt(answer.id, 2)

    def has_moved():
        now = picture(caller)
        return all(now[name]["total"] >= before[name]["total"] + 5 for name in HOPS if name != "retry") and now

    now = eventually(has_moved, "every hop has counted five")
    assert now["send"]["errors"] == before["send"]["errors"]
    assert all(hop["rate"] is None or hop["rate"] >= 0 for hop in now.values())
    eventually(lambda: picture(caller)["http"]["state"] == "good", "asking is traffic, too")


def test_the_numbers_of_all_contact_centers_together_are_for_operators_alone(nexus, tenant):
    operator = nexus.operator()
    operator.session.headers["x-ccid"] = tenant.ccid

    for caller in (tenant.administrator(), operator):
        answer = caller.get("/nexus/v3/pipeline")
        assert (answer.status_code, answer.json()["detail"]) == (403, "only for who acts for all contact centers")


def test_all_who_ask_within_a_second_get_the_same_reading(nexus):
    callers = [nexus.operator() for _ in range(4)]
    times = []
    threads = [threading.Thread(target=lambda caller=caller: times.append(
        caller.get("/nexus/v3/pipeline").json()["data"]["at"])) for caller in callers for _ in range(1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(times) == 4 and len(set(times)) <= 2


def test_a_dead_destination_makes_sending_bad(make_stack):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url="http://127.0.0.1:1/")
    caller = stack.operator()
    picture(caller)
    for _ in range(6):
        Answer(tenant)

    states = set()
    eventually(lambda: states.add(picture(caller)["send"]["state"]) or "bad" in states, "what goes wrong is red")
    hop = eventually(lambda: picture(caller)["send"]["state"] == "warn" and picture(caller)["send"],
                     "the breaker is told of", within=30)
    assert hop["why"] == "1 destination is left alone"


def test_a_stopped_postgresql_is_shown_for_as_long_as_the_caller_is_known(make_stack, postgres):
    stack = make_stack()
    caller = stack.operator()
    eventually(lambda: picture(caller)["commit"]["state"] != "bad", "it is well")

    postgres.stop()

    commit = eventually(lambda: picture(caller)["commit"]["state"] == "bad" and picture(caller)["commit"], "commit is red")
    assert commit["why"] == "PostgreSQL does not answer"
    postgres.restart()
    eventually(lambda: picture(caller)["commit"]["state"] != "bad", "it is well again", within=30)
    stack.wait_for("green")


def test_without_its_workers_the_bus_is_bad(make_stack):
    stack = make_stack(sms_workers=2)
    caller = stack.operator()
    eventually(lambda: picture(caller)["bus"]["state"] != "bad", "it is well")

    for number in range(2):
        stack[f"sms-worker-{number}"].stop()

    bus = eventually(lambda: picture(caller)["bus"]["state"] == "bad" and picture(caller)["bus"], "the bus is red")
    assert bus["why"] == "no sms-worker is connected"


def test_without_metrics_agent_there_is_no_picture_but_a_reason(make_stack):
    stack = make_stack()
    caller = stack.operator()
    stack["metrics-agent-0"].kill()

    def reason():
        answer = caller.get("/nexus/v3/pipeline")
        return answer.status_code == 503 and answer.json()["detail"]

    assert eventually(reason, "the picture is refused") == "metrics-agent cannot be read: nobody answers there"
    assert requests.get(f"{stack.url()}/health/ready", timeout=5).status_code == 200


def test_a_gateway_that_was_not_told_where_metrics_agent_is_says_so(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_METRICS_URL": ""}})

    answer = stack.operator().get("/nexus/v3/pipeline")

    assert (answer.status_code, answer.json()["detail"]) == (503, "NEXUS_METRICS_URL is empty: where is metrics-agent?")
