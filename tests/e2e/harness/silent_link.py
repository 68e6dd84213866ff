"""A TCP link between two processes that can die without a word: no byte passes, nothing is closed. It can also end in the
middle of an answer."""

import socket
import threading


class SilentLink:
    """Listens on a port of its own and passes everything on to another one, both ways, while it is not cut()."""

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
        """What was held up arrives late, as it would from a network that heals."""
        self._passes.set()

    def cut_answers(self, missing):
        """From now on the last so many bytes of each answer do not come, and its connection ends; 0: all comes again."""
        self._cut = missing

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
                threading.Thread(target=self._pass_on, args=[source, sink, source is far], daemon=True).start()

    def _pass_on(self, source, sink, answers):
        """An answer that is cut off is taken to come in one piece, as small ones do."""
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
            pass  # one end has gone; the other one notices by itself
