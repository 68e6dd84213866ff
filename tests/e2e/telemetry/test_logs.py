"""Logs: one JSON line for each event, at the level that operators set; logging never delays requests."""

import fcntl
import json
import os
import signal

import pytest
import requests

from harness.people import OutboundMessage, Tenant, conversation_of
from harness.wait import LONGEST_ANSWER, eventually


def events_of(process):
    """Without the last line, if the process is still writing it."""
    return [json.loads(line) for line in process.log.read_bytes().split(b"\n")[:-1]]


def levels_of(process):
    return [line["to"] for line in events_of(process) if line["event"] == "log.level_changed"]


def answered(process):
    return [line for line in events_of(process) if line["event"] == "http.answered"]


def change_level(process, signal_number, level):
    process.send(signal_number)
    eventually(lambda: levels_of(process) and levels_of(process)[-1] == level, f"the level is {level}")


@pytest.mark.parametrize("program", ["gateway-0", "chat-worker-0", "sms-worker-0", "provisioning-worker-0",
                                     "metrics-agent-0", "simulator-0"])
def test_signals_change_the_log_level_of_every_program(make_stack, program):
    process = make_stack()[program]

    for number, level in ((signal.SIGUSR1, "debug"), (signal.SIGUSR1, "debug"), (signal.SIGUSR2, "info"),
                          (signal.SIGUSR2, "warn"), (signal.SIGUSR2, "error"), (signal.SIGUSR2, "error"),
                          (signal.SIGUSR1, "warn")):
        before = len(levels_of(process))
        process.send(number)
        eventually(lambda: len(levels_of(process)) > before, "the change is logged")
        assert levels_of(process)[-1] == level

    assert process.alive


def test_at_debug_level_each_request_is_a_line_with_its_trace_tenant_and_operation(make_stack):
    stack = make_stack()
    gateway, agent = stack["gateway-0"], Tenant(stack).agent()
    assert agent.get("/chat/v3/conversations").status_code == 200
    assert not answered(gateway)

    change_level(gateway, signal.SIGUSR1, "debug")
    answer = agent.get("/chat/v3/conversations")
    line = eventually(lambda: [line for line in answered(gateway) if line["tenant"]], "a line")[0]
    change_level(gateway, signal.SIGUSR2, "info")
    count = len(answered(gateway))
    agent.get("/chat/v3/conversations")
    change_level(gateway, signal.SIGUSR2, "warn")

    assert line["level"] == "debug" and line["service"] == "gateway" and line["instance"] == "gateway-0"
    assert line["traceId"] == answer.headers["traceparent"].split("-")[1]
    assert line["operationId"] == answer.json()["operationId"]
    assert line["code"] == "ok" and isinstance(line["micros"], int)
    assert len(answered(gateway)) == count


def test_an_operator_finds_the_lines_about_a_number_by_its_token(nexus, receiver):
    receiver.answer(status=400)
    tenant = Tenant(nexus, webhook_url=receiver.url)
    phone = tenant.phone()

    message = OutboundMessage(tenant, conversation_of(tenant, phone)).becomes("failed").id
    token = nexus.nexusctl("token", phone).stdout.strip()

    lines = eventually(lambda: [line for line in events_of(nexus["sms-worker-0"]) if line.get("to") == token], "the failure is logged")
    assert [line["messageId"] for line in lines] == [message]
    assert nexus.nexusctl("token", phone.lstrip("+")).stdout.strip() == token
    assert nexus.nexusctl("token", "somebody", check=False).returncode == 2


def test_the_message_with_which_postgresql_ends_a_connection_is_logged(make_stack):
    stack = make_stack()
    worker = stack["provisioning-worker-0"]  # one of its connections listens

    stack.query("select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'provisioning-worker-0'")
    logged = eventually(lambda: [line for line in events_of(worker) if line["event"] == "pg.notice"], "the message is logged")

    assert logged[0]["state"] == "57P01" and "terminating connection" in logged[0]["text"]
    assert worker.errors.read_text() == ""


def test_a_program_that_cannot_start_logs_the_reason(make_stack):
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
    """The standard output of a process, from its next start on, as a pipe, which is not read until read() is called."""

    def __init__(self, process):
        self.file = process.log
        self._before = self.file.read_text()
        self.file.unlink()
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
        """Replaces the pipe by a file with everything that was read, and what was there before."""
        os.close(self._end)
        self.file.unlink()
        self.file.write_text(self._before + self.text)


def test_a_log_that_is_not_read_delays_nothing_and_later_reports_missing_lines(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_LOG_LEVEL": "debug"}})
    gateway, session, count = stack["gateway-0"], requests.Session(), 2500
    gateway.stop()
    pipe = Pipe(gateway)  # not before: health is yellow from 5 s after its last read on, and a stack may take longer to become green
    gateway.restart()

    for _ in range(count):
        assert session.get(f"{stack.url()}/health/live", timeout=LONGEST_ANSWER).status_code == 200
    counted = eventually(lambda: stack.metric("nexus_log_dropped_total"), "lines are dropped and counted")

    def reported():
        return [line["lines"] for line in pipe.read() if line["event"] == "log.dropped"]

    dropped = eventually(reported, "the log reports that lines are missing")[-1]
    lines = [line for line in pipe.read() if line["event"] == "http.answered"]
    gateway.stop()
    pipe.read()
    pipe.close()

    assert dropped >= counted > 0
    assert len(lines) + dropped >= count
