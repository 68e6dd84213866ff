#!/usr/bin/env python3
"""Starts a whole Nexus with its web pages, runs the tests of this folder on it in a real browser, stops it, and checks what
must be true after every test (the ledger balances, no sanitizer reported anything, no log shows a secret).

usage: run.py FOLDER [PATTERN]   FOLDER gets result.tap; only tests whose name matches PATTERN run"""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.nexus.database import FOLDER, TEMPLATE, Postgres, prepared_data  # noqa: E402
from harness.nexus.stack import BINARIES, ROOT, Stack  # noqa: E402


def main(folder, pattern=None):
    data = pathlib.Path(tempfile.mkdtemp(prefix="nx-web-", dir=FOLDER))
    postgres = Postgres(data / "p", prepared_data(data / "cluster", BINARIES)).start().ready()
    try:
        stack = Stack(postgres, TEMPLATE, settings={"gateway": {"NEXUS_WEB_ROOT": ROOT / "web/dist", "NEXUS_DEADLINE_FACTOR": 15}}).start()
        try:
            status = browse(stack, folder, pattern)
        finally:
            stack.finish()
    finally:
        postgres.stop()
        shutil.rmtree(data)
    return status


class Faults:
    """What a browser test may do to the Nexus under test: POST url/<what>."""

    def __init__(self, stack):
        def start():
            """The next test needs every worker."""
            stack.postgres.restart()
            stack.wait_for_workers()

        ways = {"/stop-postgresql": stack.postgres.stop, "/start-postgresql": start}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                ways[self.path]()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"


def browse(stack, folder, pattern):
    where = {"url": stack.url(), "simulator": stack.simulator_url, "folder": str(folder),
             "clientSecret": stack.gws.client_secret, "faults": Faults(stack).url}
    filters = [f"--test-name-pattern={pattern}"] if pattern else []
    return subprocess.run(
        ["node", *filters, "--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=tap",
         f"--test-reporter-destination={folder}/result.tap", HERE / "all.mjs"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "NEXUS_UNDER_TEST": json.dumps(where),
             "NEXUS_SCREENSHOTS": os.environ.get("NEXUS_SCREENSHOTS", "")},
        check=False, timeout=3600).returncode


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), *sys.argv[2:3]))
