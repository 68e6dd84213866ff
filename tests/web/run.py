#!/usr/bin/env python3
"""Starts a whole Nexus with its web pages, runs the tests of this folder on it in a real browser, stops it, and looks
whether the promises of every test hold (the ledger balances, no sanitizer spoke, no log shows a secret).

usage: run.py FOLDER [PATTERN]   FOLDER gets result.tap; only tests whose name matches PATTERN run"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.database import Postgres  # noqa: E402
from harness.stack import BINARIES, ROOT, Stack  # noqa: E402


def main(folder, pattern=None):
    data = tempfile.mkdtemp(prefix="nx-web-", dir="/tmp")
    postgres = Postgres(f"{data}/p").start().ready()
    try:
        template = postgres.create_database()
        subprocess.run([BINARIES / "nexusctl", "migrate"], check=True, timeout=120,
                       env={"PATH": os.environ["PATH"], "NEXUS_PG_URL": postgres.url(template)})
        stack = Stack(postgres, template, settings={"gateway": {"NEXUS_WEB_ROOT": ROOT / "web/dist"}}).start()
        try:
            status = browse(stack, folder, pattern)
        finally:
            stack.finish()
    finally:
        postgres.stop()
        shutil.rmtree(data)
    return status


def browse(stack, folder, pattern):
    where = {"url": stack.url(), "simulator": stack.simulator_url, "folder": str(folder),
             "clientSecret": stack.gws.client_secret}
    filters = [f"--test-name-pattern={pattern}"] if pattern else []
    return subprocess.run(
        ["node", *filters, "--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=tap",
         f"--test-reporter-destination={folder}/result.tap", HERE / "all.mjs"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "NEXUS_UNDER_TEST": json.dumps(where),
             "NEXUS_SCREENSHOTS": os.environ.get("NEXUS_SCREENSHOTS", "")},
        check=False, timeout=1800).returncode


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), *sys.argv[2:3]))
