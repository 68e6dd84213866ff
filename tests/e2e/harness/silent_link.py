"""A TCP link between two processes that can die without a word: no byte passes, nothing is closed."""

import socket
import threading


class SilentLink:
    """Listens on a port of its own and passes everything on to another one, both ways, while it is not cut()."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._passes = threading.Event()
        self._passes.set()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self._passes.clear()

    def mend(self):
        """What was held up arrives late, as it would from a network that heals."""
        self._passes.set()

    def close(self):
        self.mend()
        for one in [self._listener, *self._sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone already
            one.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=[source, sink], daemon=True).start()

    def _pass_on(self, source, sink):
        try:
            while data := source.recv(65536):
                self._passes.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one end has gone; the other one notices by itself
