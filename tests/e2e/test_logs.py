"""What operators read: one JSON line an event, as talkative as they want, and never in the way."""

import fcntl
import json
import os
import signal

import pytest
import requests

from harness.people import Answer, Tenant, conversation_of
from harness.wait import eventually


def events_of(process):
    return [json.loads(line) for line in process.log.read_text().splitlines()]


def levels_of(process):
    return [line["to"] for line in events_of(process) if line["event"] == "log.level_changed"]


def answered(process):
    return [line for line in events_of(process) if line["event"] == "http.answered"]


def turn(process, signal_number, level):
    process.send(signal_number)
    eventually(lambda: levels_of(process) and levels_of(process)[-1] == level, f"the level is {level}")


@pytest.mark.parametrize("program", ["gateway-0", "chat-worker-0", "sms-worker-0", "provisioning-worker-0",
                                     "metrics-agent-0", "simulator-0"])
def test_every_program_is_made_more_and_less_talkative_by_signal(make_stack, program):
    process = make_stack()[program]

    for number, level in ((signal.SIGUSR1, "debug"), (signal.SIGUSR1, "debug"), (signal.SIGUSR2, "info"),
                          (signal.SIGUSR2, "warn"), (signal.SIGUSR2, "error"), (signal.SIGUSR2, "error"),
                          (signal.SIGUSR1, "warn")):
        before = len(levels_of(process))
        process.send(number)
        eventually(lambda: len(levels_of(process)) > before, "it says so")
        assert levels_of(process)[-1] == level

    assert process.alive


def test_at_debug_level_each_request_is_a_line_with_its_trace_tenant_and_operation(make_stack):
    stack = make_stack()
    gateway, agent = stack["gateway-0"], Tenant(stack).agent()
    assert agent.get("/chat/v3/conversations").status_code == 200
    assert not answered(gateway)

    turn(gateway, signal.SIGUSR1, "debug")
    answer = agent.get("/chat/v3/conversations")
    line = eventually(lambda: [line for line in answered(gateway) if line["tenant"]], "a line")[0]
    turn(gateway, signal.SIGUSR2, "info")
    count = len(answered(gateway))
    agent.get("/chat/v3/conversations")
    turn(gateway, signal.SIGUSR2, "warn")

    assert line["level"] == "debug" and line["service"] == "gateway" and line["instance"] == "gateway-0"
    assert line["traceId"] == answer.headers["traceparent"].split("-")[1]
    assert line["operationId"] == answer.json()["operationId"]
    assert line["code"] == "ok" and isinstance(line["micros"], int)
    assert len(answered(gateway)) == count


def test_an_operator_finds_the_lines_about_a_number_by_its_token(nexus, customer):
    customer.answer(status=400)
    tenant = Tenant(nexus, webhook_url=customer.url)
    phone = tenant.phone()

    message = Answer(tenant, conversation_of(tenant, phone)).becomes("failed").id
    token = nexus.nexusctl("token", phone).stdout.strip()

    lines = [line for line in events_of(nexus["sms-worker-0"]) if line.get("to") == token]
    assert [line["messageId"] for line in lines] == [message]
    assert nexus.nexusctl("token", phone.lstrip("+")).stdout.strip() == token
    assert nexus.nexusctl("token", "somebody", check=False).returncode == 2


def test_what_postgresql_says_to_a_connection_it_ends_is_a_line_of_the_log(make_stack):
    stack = make_stack()
    worker = stack["provisioning-worker-0"]  # one of its connections listens

    stack.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'provisioning-worker-0'")
    said = eventually(lambda: [line for line in events_of(worker) if line["event"] == "pg.notice"], "it is told")

    assert said[0]["state"] == "57P01" and "terminating connection" in said[0]["text"]
    assert worker.errors.read_text() == ""


def test_a_program_that_cannot_start_says_why_in_its_log(make_stack):
    stack = make_stack()
    first = stack["gateway-0"]

    second = stack.add("gateway", 1)
    second.environment["NEXUS_HTTP_PORT"] = first.environment["NEXUS_HTTP_PORT"]
    second.start()
    assert second.wait() == 1

    [failed] = [line for line in events_of(second) if line["event"] == "service.failed"]
    assert (failed["level"], failed["error"]) == ("error", "unavailable") and "cannot listen" in failed["detail"]
    assert second.errors.read_text() == ""


class Pipe:
    """The standard output of a process, in a pipe that nobody reads until read() is called."""

    def __init__(self, process):
        self.file = process.log
        os.mkfifo(self.file)
        self._end = os.open(self.file, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, 4096)
        self.text = ""

    def read(self):
        try:
            while piece := os.read(self._end, 65536):
                self.text += piece.decode()
        except BlockingIOError:
            pass
        return [json.loads(line) for line in self.text.splitlines(keepends=True) if line.endswith("\n")]

    def close(self):
        """From now on the file holds what was read."""
        os.close(self._end)
        self.file.unlink()
        self.file.write_text(self.text)


def test_a_log_that_nobody_reads_holds_up_nobody_and_says_afterwards_what_is_missing(make_stack):
    pipes = []
    stack = make_stack(before_start=lambda stack: pipes.append(Pipe(stack["gateway-0"])),
                       settings={"gateway": {"NEXUS_LOG_LEVEL": "debug"}})
    pipe, session, count = pipes[0], requests.Session(), 2500

    for _ in range(count):
        assert session.get(f"{stack.url()}/health/live", timeout=5).status_code == 200
    counted = eventually(lambda: stack.metric("nexus_log_dropped_total"), "lines are dropped, and counted")

    def said():
        return [line["lines"] for line in pipe.read() if line["event"] == "log.dropped"]

    dropped = eventually(said, "the log says that lines are missing")[-1]
    lines = [line for line in pipe.read() if line["event"] == "http.answered"]
    stack["gateway-0"].stop()
    pipe.read()
    pipe.close()

    assert dropped >= counted > 0
    assert len(lines) + dropped >= count
