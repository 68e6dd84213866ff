"""The pipeline as the gateway reads it from metrics-agent: it counts the traffic and shows faults."""

import datetime
import threading

import requests

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, until_accepted
from harness.wait import LONGEST_ANSWER, eventually

HOPS = ["http", "bus", "commit", "claim", "send", "retry", "outcome", "receipt"]


def pipeline(caller):
    """To be waited for: GWS has half of the deadline to say who a caller is, and metrics-agent has two seconds for its page."""
    return {hop["name"]: hop for hop in data_of(caller.get("/nexus/v3/pipeline"))["hops"]}


def becomes(caller, name, state, why):
    """Waits for the state with this reason; it may have another reason first, such as the requests that fail meanwhile."""

    def has_become():
        hop = pipeline(caller)[name]
        assert (hop["state"], hop["why"]) == (state, why)
        return True

    eventually(has_become, f"the hop {name} is {state}", within=30)


def is_refused(caller, why):
    """To be waited for, because the first reason may be that GWS did not say in time who the caller is."""
    answer = caller.get("/nexus/v3/pipeline")
    assert (answer.status_code, answer.json().get("detail")) == (503, why)
    return True


def test_each_hop_has_a_count_and_a_rate(make_stack, receiver):
    stack = make_stack()  # of its own, because messages of other tests may still go wrong
    tenant = Tenant(stack, webhook_url=receiver.url)
    caller = stack.operator()
    before = eventually(lambda: pipeline(caller), "the pipeline is shown")
    assert list(before) == HOPS

    for _ in range(5):
        message = OutboundMessage(tenant).becomes("sent")
        assert tenant.aggregator().receipt(message.id, 2).status_code == 200

    def has_moved():
        now = pipeline(caller)
        return all(now[name]["total"] >= before[name]["total"] + 5 for name in HOPS if name != "retry") and now

    now = eventually(has_moved, "every hop has counted five")
    assert now["send"]["errors"] == before["send"]["errors"]
    assert all(hop["rate"] is None or hop["rate"] >= 0 for hop in now.values())
    eventually(lambda: pipeline(caller)["http"]["state"] == "good", "these requests are traffic, too")


def test_only_operators_see_the_numbers_of_all_contact_centers(nexus, tenant):
    operator = nexus.operator()
    operator.session.headers["x-ccid"] = tenant.ccid

    for caller in (tenant.administrator(), operator):
        answer = until_accepted(lambda: caller.get("/nexus/v3/pipeline"), other_statuses=(403,))
        assert (answer.status_code, answer.json()["detail"]) == (403, "only for callers who act for all contact centers")


def test_all_requests_within_a_second_get_the_same_reading(nexus):
    callers = [nexus.operator() for _ in range(4)]
    times = []

    def read(caller):
        answer = until_accepted(lambda: caller.get("/nexus/v3/pipeline"))
        times.append(datetime.datetime.fromisoformat(data_of(answer)["at"]))

    threads = [threading.Thread(target=read, args=[caller]) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    readings = sorted(set(times))  # more than two if a busy machine does not make all requests within a second
    assert len(times) == 4
    assert all(later - earlier >= datetime.timedelta(seconds=1) for earlier, later in zip(readings, readings[1:])), readings


def test_a_dead_destination_makes_sending_bad(make_stack):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url="http://127.0.0.1:1/")
    caller = stack.operator()
    eventually(lambda: pipeline(caller), "the pipeline is shown")
    for _ in range(6):
        OutboundMessage(tenant)

    states = set()
    eventually(lambda: states.add(pipeline(caller)["send"]["state"]) or "bad" in states, "sending is bad")
    becomes(caller, "send", "warn", "1 destination is left alone")


def test_a_stopped_postgresql_is_shown_while_the_caller_is_cached(make_stack, postgres):
    stack = make_stack()
    caller = stack.operator()
    eventually(lambda: pipeline(caller)["commit"]["state"] != "bad", "the hop is not bad")

    postgres.crash()  # at once: the caller is cached for half a minute

    becomes(caller, "commit", "bad", "PostgreSQL does not answer")
    postgres.restart()
    eventually(lambda: pipeline(caller)["commit"]["state"] != "bad", "commit is not bad any more", within=30)
    stack.wait_for("green")


def test_without_its_workers_the_bus_is_bad(make_stack):
    stack = make_stack(sms_workers=2)
    caller = stack.operator()
    eventually(lambda: pipeline(caller)["bus"]["state"] != "bad", "the hop is not bad")

    for number in range(2):
        stack[f"sms-worker-{number}"].stop()

    becomes(caller, "bus", "bad", "no sms-worker is connected")


def test_without_metrics_agent_the_pipeline_is_refused_with_the_reason(make_stack):
    stack = make_stack()
    caller = stack.operator()
    stack["metrics-agent-0"].kill()

    eventually(lambda: is_refused(caller, "metrics-agent cannot be read: Couldn't connect to server"), "the pipeline is refused")
    assert requests.get(f"{stack.url()}/health/ready", timeout=LONGEST_ANSWER).status_code == 200


def test_a_gateway_without_the_address_of_metrics_agent_reports_that(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_METRICS_URL": ""}})

    caller = stack.operator()

    eventually(lambda: is_refused(caller, "NEXUS_METRICS_URL is empty: set the address of metrics-agent"), "the pipeline is refused")
