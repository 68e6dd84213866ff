"""HTTP as raw bytes, for requests that no client library sends."""

import socket
import struct


# More than the 10 s after which a gateway closes a silent connection, and less than the 30 s after which libh2o would.
TIMEOUT = 25


class RawClient:
    """One connection to a gateway."""

    def __init__(self, stack, gateway=0, timeout=TIMEOUT):
        self.socket = socket.create_connection(stack.address(gateway), timeout=timeout)

    @classmethod
    def slow_reader(cls, stack, gateway=0):
        """A client with a small receive buffer and packets as small as those of a network."""
        client = cls.__new__(cls)
        client.socket = socket.socket()
        client.socket.settimeout(TIMEOUT)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.socket.connect(stack.address(gateway))
        return client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        """Closes the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def answers(self):
        """All answers until the other side closes: [(status, body)]."""
        received = b""
        try:
            while piece := self.socket.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        answers = []
        while received:
            head, _, received = received.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                           if line.lower().startswith(b"content-length:")), 0)
            answers.append((int(head.split()[1]), received[:length]))
            received = received[length:]
        return answers


def exchange(stack, data):
    """Sends the bytes on a new connection and returns all answers until the gateway closes it."""
    with RawClient(stack) as client:
        client.send(data)
        return client.answers()
