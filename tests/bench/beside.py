"""Compares accepting and delivering in this build and in another one, alternately in one run.

Each build is loaded by the bench of its own tree, which matches its settings and schema, in a separate process
(beside_turns.py)."""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

from harness.nexus.stack import ROOT
from machine import commit

LOADS = {"accepted at 64 connections": ["accept", 64], "accepted at 256 connections": ["accept", 256],
         "answers posted and delivered": ["post"], "answers that wait, delivered": ["drain"]}
TARGET = 0.95
PAIRS = 3           # factor of the number of pairs: these runs are short, because the machine changes within seconds


def throughput(other):
    """The measurement that compares with the other tree. Both must be built: ./build.sh build release."""
    def compare(rig, section):
        with turns(ROOT) as ours, turns(other) as theirs:
            pairs = {what: [pair(turn, ours, theirs, load) for turn in range(PAIRS * rig.scale.pairs)] for what, load in LOADS.items()}
        section.table(f"alternately with {commit(other)}, each audited", [row(what, rows) for what, rows in pairs.items()])
        for what, rows in pairs.items():
            section.at_least(f"{what}, of {commit(other)}", statistics.median(row["rate"] for row in rows), TARGET, "×")

    return compare


def pair(turn, ours, theirs, load):
    """The builds run in alternating order, because the machine's speed changes with its neighbours."""
    if turn % 2 == 0:
        this, that = ours(*load), theirs(*load)
    else:
        that, this = theirs(*load), ours(*load)
    return {name: this[name] / that[name] for name in this}


def row(what, pairs):
    rates = sorted(pair["rate"] for pair in pairs)
    return {"": what, "pairs": len(pairs), "a second, median": round(statistics.median(rates), 2), "lowest": round(rates[0], 2),
            "highest": round(rates[-1], 2), "CPU a message, median": round(statistics.median(pair["cpu"] for pair in pairs), 2)}


@contextlib.contextmanager
def turns(tree):
    """A running Nexus of that tree, as a function that applies one load and returns its rate and CPU time for each message."""
    with subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("beside_turns.py"), tree], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
                               "NEXUS_BUILD_DIR": str(tree / "build/release")}) as process:
        def turn(*load):
            process.stdin.write(json.dumps(load) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline() or f'"{tree} ended"')

        yield turn
        process.stdin.close()
        if process.wait(120) != 0:
            raise RuntimeError(f"the run of {tree} failed")
