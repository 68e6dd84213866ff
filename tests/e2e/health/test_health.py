"""What health, metrics and logs show operators, also after the loss of a dependency."""

import json

import pytest
import requests

from harness.answers import data_of
from harness.nexus.stack import WORKERS
from harness.people import Tenant
from harness.reading import messages
from harness.wait import LONGEST_ANSWER, eventually


def test_health_detail_has_the_documented_shape(nexus):
    def well():
        health = nexus.health().json()
        assert (health["db"], health["cache"]) == ({"ready": True}, {"ready": True, "state": "READY"}), health
        assert health["state"] == ("yellow" if health["causes"] else "green"), health  # destinations of other tests may fail
        return health

    health = eventually(well, "a busy PostgreSQL and a busy Redis answer in time")

    assert {"buildInfo", "startTime", "os", "upTime", "memoryUsage", "cache", "db", "state"} <= set(health)
    assert {"@genesys/nexus-admin-ux", "@genesys/nexus-ux", "version", "changeset", "timestamp"} == set(health["buildInfo"])
    assert {"upTime", "freemem", "loadavg", "totalmem"} == set(health["os"]) and len(health["os"]["loadavg"]) == 3
    assert {"rss", "heapTotal", "heapUsed", "external", "arrayBuffers"} == set(health["memoryUsage"])


@pytest.mark.parametrize("probe", ["live", "ready"])
def test_probes_answer_200(nexus, probe):
    eventually(lambda: requests.get(f"{nexus.url()}/health/{probe}", timeout=LONGEST_ANSWER).status_code == 200, "it is 200")


def test_without_redis_health_is_yellow_and_work_goes_on(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)

    stack.redis.kill()
    stack.wait_for("yellow")
    assert tenant.aggregator().message().status_code == 200
    assert stack.health().json()["cache"]["ready"] is False
    assert requests.get(f"{stack.url()}/health/ready", timeout=LONGEST_ANSWER).status_code == 200

    stack.redis.restart()
    stack.wait_for("green")


def test_without_postgresql_health_is_red_and_writes_are_refused_before_their_deadline(make_stack, postgres):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    assert aggregator.message().status_code == 200

    postgres.crash()
    stack.wait_for("red")
    refusals = [aggregator.message() for _ in range(10)]

    # A request that waited until its deadline would be answered 504.
    assert all(refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1 for refused in refusals)
    assert requests.get(f"{stack.url()}/health/ready", timeout=LONGEST_ANSWER).status_code == 503
    assert requests.get(f"{stack.url()}/health/live", timeout=LONGEST_ANSWER).status_code == 200

    postgres.restart()
    stack.wait_for("green")
    assert aggregator.message().status_code == 200


def tick_age(stack, program):
    """Seconds since the last report of this program to metrics-agent."""
    return stack.metrics().get(f'nexus_proc_tick_age_seconds{{proc="{program}",slot="0"}}', 0)


def test_workers_survive_a_write_to_a_postgresql_that_has_ended(make_stack, postgres):
    stack = make_stack()
    workers = stack.running(*WORKERS)
    eventually(lambda: all(stack.metric("nexus_processes", proc=program) == 1 for program in WORKERS), "metrics-agent knows the workers")

    # After the thaw the kernel decides whether a timer or the socket is served first: mostly a timer.
    for _ in range(8):
        for worker in workers:
            worker.freeze()
        postgres.kill()  # with SIGKILL, so that nothing is sent on the socket first
        eventually(lambda: all(tick_age(stack, program) > 11 for program in WORKERS), "the work of every 10 s is due", 40)
        for worker in workers:
            worker.thaw()
        stack.wait_for("red")
        postgres.restart()
        stack.wait_for("green")
        if any("pg.send_failed" in worker.log.read_text() for worker in workers):
            break
    else:
        raise AssertionError("no worker wrote before it noticed the closed connection")
    assert all(worker.alive for worker in workers)


def test_accepted_texts_are_stored_after_a_crash_of_postgresql(make_stack, postgres):
    stack = make_stack()
    tenant = Tenant(stack)
    aggregator = tenant.aggregator()
    accepted = [name for name in (f"m{number}" for number in range(50))
                if aggregator.message(message_id=name).status_code == 200]

    postgres.crash()
    postgres.restart()

    stack.wait_for("green")  # perhaps of before: a worker may notice the crash later
    stored = eventually(lambda: messages.all_messages(tenant), "the messages are listed")
    assert {message["externalId"] for message in stored} == set(accepted) and len(accepted) == 50


def test_the_documented_metrics_exist(tenant):
    assert tenant.aggregator().message().status_code == 200

    def all_there():
        names = {series.split("{")[0] for series in tenant.stack.metrics()}
        missing = {
            "nexus_request_total", "nexus_errors_total", "nexus_batch_rows_count", "nexus_commit_duration_seconds_count",
            "nexus_queue_depth", "nexus_queue_oldest_age_seconds", "nexus_credit_available", "nexus_ledger_imbalance",
            "nexus_proc_resident_memory_bytes", "nexus_proc_cpu_seconds_total", "nexus_proc_open_fds"} - names
        assert not missing, f"no {', '.join(sorted(missing))}"
        return True

    eventually(all_there, "every documented metric has a value")
    assert tenant.stack.metric("nexus_ledger_imbalance") == 0


def test_metrics_count_requests(tenant):
    before = tenant.stack.metric("nexus_request_total")

    for _ in range(5):
        tenant.aggregator().message()

    eventually(lambda: tenant.stack.metric("nexus_request_total") >= before + 5, "five more requests are counted")


def test_logs_are_json_lines(nexus):
    for process in nexus.processes.values():
        for line in process.log.read_bytes().split(b"\n")[:-1]:  # the last one may be half a line, because the process is writing
            assert {"time", "level"} <= set(json.loads(line)), f"{process.name}: {line}"


def test_the_ledger_that_operators_see_is_balanced(tenant):
    tenant.aggregator().message()
    operator = tenant.agent()
    operator.session.headers["Authorization"] = f"Bearer {tenant.cluster_key}"

    ledger = operator.get("/nexus/v3/ledger", headers={"x-ccid": tenant.ccid})

    assert ledger.status_code == 200, ledger.text
    assert data_of(ledger)["remainder"] == 0
    assert "remainder" in tenant.stack.nexusctl("ledger", "--json").stdout
