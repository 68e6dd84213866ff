"""A TCP link between two processes that can fall silent: no byte passes, and no connection is closed. It can also close a
connection in the middle of an answer."""

import socket
import threading

from harness.outside.sink import accepted


class SilentLink:
    """Listens on a port of its own and forwards everything to another port, in both directions, until cut()."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._passes = threading.Event()
        self._passes.set()
        self._cut, self.answers_cut = 0, 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self._passes.clear()

    def mend(self):
        """Forwards again. What was held up arrives late, as after the repair of a network."""
        self._passes.set()

    def cut_answers(self, missing):
        """From now on the last bytes of each answer are missing and its connection ends; 0: answers are complete again."""
        self._cut = missing

    def close(self):
        self.mend()
        for one in [self._listener, *self._sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already
            one.close()

    def _accept(self):
        while near := accepted(self._listener):
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()  # as if no process listened; the next connection may succeed
                continue
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=[source, sink, source is far], daemon=True).start()

    def _pass_on(self, source, sink, answers):
        """Assumes that an answer to be cut arrives in one piece, as small ones do."""
        try:
            while data := source.recv(65536):
                self._passes.wait()
                if answers and self._cut:
                    sink.sendall(data[:-self._cut])
                    self.answers_cut += 1
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR if data else socket.SHUT_WR)
        except OSError:
            pass  # one end has closed; the other end notices it
