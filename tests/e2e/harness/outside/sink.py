"""A plain TCP listener: records the bytes of every request and answers with any bytes that a test chooses."""

import socket
import threading


class Sink:
    """answer(connection) writes the answer; without it, connections get no answer and stay open until close()."""

    def __init__(self, answer=None, host="127.0.0.1", port=0):
        self.requests = []
        self.connections = 0
        self._answer = answer
        self._open = []
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/sms"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self):
        while connection := accepted(self._listener):
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while request := _request_of(connection):
                with self._lock:
                    self.requests.append(request)
                if self._answer:
                    self._answer(connection)
        except OSError:
            pass  # the other side has closed the connection


def accepted(listener):
    """The next connection; None if the listener was closed."""
    try:
        return listener.accept()[0]
    except OSError:
        return None


def _request_of(connection):
    """The exact bytes of one request; empty if the connection has ended."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def plain(status, body=b'{"messageId":"theirs"}', **headers):
    """An answer(connection) that writes ordinary HTTP."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *[f"{name}: {value}" for name, value in headers.items()]]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
