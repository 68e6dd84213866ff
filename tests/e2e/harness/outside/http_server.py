"""An HTTP server of the world outside, in a thread of the test."""

import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """Calls take(handler) for each POST, each connection in a thread of its own. url is its address, without a path."""

    request_queue_size = 128  # a new connection is refused while more wait, as they do while a busy machine does not run this process
    daemon_threads = True

    def __init__(self, take):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the body of an answer waits 40 ms until its head is acknowledged

            def do_POST(self):
                take(self)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.server_close()


def answer(handler, status, headers, body):
    """headers replace the two that every answer has."""
    try:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
            handler.send_header(name, str(value))
        handler.end_headers()
        handler.wfile.write(body.encode())
    except ConnectionError:
        pass  # the client did not wait so long
