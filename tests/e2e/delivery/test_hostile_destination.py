"""URLs of webhooks come from contact centers: which addresses are forbidden, and which answers Nexus must survive."""

import socket

import pytest

from harness.nexus.ports import free_port
from harness.nexus.stack import Stack
from harness.outside.sink import Sink, plain
from harness.people import OutboundMessage, Tenant
from harness.reading import tables
from harness.wait import eventually


@pytest.fixture(scope="module")
def strict(postgres, template):
    """A Nexus that sends no webhooks to private networks."""
    stack = Stack(postgres, template, settings={"sms-worker": {"NEXUS_WEBHOOK_ALLOW_CIDRS": ""}}).start()
    yield stack
    stack.finish()


@pytest.fixture(scope="module")
def loopback():
    """Listeners on both loopback addresses, on one port. They must not be called."""
    port = free_port()
    six, four = Sink(plain(200), host="::1", port=port), Sink(plain(200), port=port)
    yield four, six
    four.close()
    six.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::1]",
                                  "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]"])
def test_however_it_is_written_the_loopback_address_is_not_called(strict, loopback, host):
    four, six = loopback

    message = OutboundMessage(Tenant(strict, webhook_url=f"http://{host}:{four.port}/sms")).becomes("failed")

    assert message.undelivered == ("forbidden_address", None, 1)
    assert (four.connections, six.connections) == (0, 0)


@pytest.mark.parametrize("host", ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
                                  "224.0.0.1", "255.255.255.255", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]",
                                  "[2002:7f00:1::]"])
def test_private_and_special_addresses_are_not_called(strict, host):
    message = OutboundMessage(Tenant(strict, webhook_url=f"http://{host}/sms")).becomes("failed")

    assert message.undelivered == ("forbidden_address", None, 1)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://user:pw@127.0.0.1/",
                                 "http://127.0.0.1@127.0.0.2/", "//127.0.0.1/", "http://", "http://127.0.0.1:99999/",
                                 "http://127.0.0.1/\r\nX: y"])
def test_a_malformed_url_is_not_provisioned(strict, url):
    with pytest.raises(AssertionError, match="webhook"):
        Tenant(strict, webhook_url=url)


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n")
    while connection.fileno() >= 0:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        endless.sent += 65536


def endless_head(connection):
    connection.sendall(b"HTTP/1.1 200 -\r\n")
    while connection.fileno() >= 0:
        connection.sendall(b"X-More: " + b"x" * 8000 + b"\r\n")


@pytest.fixture
def sink_for():
    sinks = []

    def make(answer):
        sinks.append(Sink(answer))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


def test_an_answer_without_end_is_read_only_so_far(nexus, sink_for):
    endless.sent = 0

    OutboundMessage(Tenant(nexus, webhook_url=sink_for(endless).url)).becomes("sent")

    assert endless.sent < 16 * 1024 * 1024  # Nexus reads 64 KiB; the kernel's buffers take the rest


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n", b"\x00\xff\xfe", b"HTTP/1.1 503 -\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 99999999999 -\r\n\r\n"])
def test_a_malformed_answer_makes_the_message_uncertain(nexus, sink_for, answer):
    def broken(connection):
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    sink = sink_for(broken)
    held = OutboundMessage(Tenant(nexus, webhook_url=sink.url, uncertain="hold")).becomes("uncertain")

    assert held.undelivered == ("uncertain", None, 1)
    assert len(sink.requests) == 1


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 -\r\nContent-Length: 10\r\n\r\nshort", b"HTTP/1.1 202 -\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 204 -\r\nContent-Le", b"HTTP/1.1 200 -\r\nContent-Length: -5\r\n\r\n"])
def test_a_status_line_of_success_counts_even_if_the_rest_is_malformed(nexus, sink_for, answer):
    def broken(connection):
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    sink = sink_for(broken)
    OutboundMessage(Tenant(nexus, webhook_url=sink.url)).becomes("sent")

    assert len(sink.requests) == 1


def test_a_head_without_end_is_read_only_so_far(nexus, sink_for):
    sink = sink_for(endless_head)

    OutboundMessage(Tenant(nexus, webhook_url=sink.url)).becomes("sent")


def test_a_slow_gateway_does_not_hold_up_the_others(nexus, sink_for, receiver):
    slow = Tenant(nexus, webhook_url=sink_for(None).url)
    for _ in range(10):
        OutboundMessage(slow)
    quick = Tenant(nexus, webhook_url=receiver.url)

    outbound = [OutboundMessage(quick) for _ in range(10)]

    for message in outbound:
        message.becomes("sent")
    eventually(lambda: tables.to_be_sent(slow) == 10, "messages to the slow receiver wait")
