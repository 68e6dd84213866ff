"""Measures Nexus: ./build.sh bench [--quick] [--json FILE] [--record] [--beside TREE] [--messages N] [MEASUREMENT…] (tests/bench/run.sh).

Writes result.json and result.md into the folder named first. Exit code 1: something could not be measured, or an
audit found a loss. A target that was missed is marked in the table and fails nothing."""

import argparse
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))

import accepting    # noqa: E402 -- they import the harness, which the line above makes importable
import beside       # noqa: E402
import counting     # noqa: E402
import delivering   # noqa: E402
import history      # noqa: E402
import hotspots     # noqa: E402
import locked       # noqa: E402
import machine      # noqa: E402
import memory       # noqa: E402
import reading      # noqa: E402
import scraping     # noqa: E402
import tenants      # noqa: E402
from report import Report, Section      # noqa: E402
from rig import FULL, QUICK, Rig        # noqa: E402

MEASUREMENTS = {
    "idle": (memory.idle, "Memory of idle processes"),
    "scrape": (scraping.cost, "What a scrape costs"),
    "counting": (counting.cost, "What counting costs"),
    "inbound": (accepting.throughput, "Messages accepted a second"),
    "tenants": (tenants.throughput, "Messages accepted from many tenants"),
    "locked": (locked.throughput, "Messages accepted beside a held row"),
    "latency": (accepting.latency, "Latency of accepting"),
    "delivery": (delivering.throughput, "Answers delivered a second"),
    "isolation": (delivering.isolation, "Delivery beside destinations that do not answer"),
    "backlog": (delivering.backlog, "Delivery past a heap of waiting rows"),
    "history": (history.throughput, "With a long history"),
    "reading": (reading.latency, "Reading a long history"),
    "hotspots": (hotspots.accepting, "Where the time of accepting goes"),
}

FILLING = ("history", "reading")    # a database takes long, so these run only when they are named


def main():
    arguments = read_arguments()
    scale = QUICK if arguments.quick else FULL
    rig = Rig(scale._replace(history=arguments.messages or scale.history))
    try:
        quietness = machine.Quietness(rig.folder)
        report = Report(machine.facts(), arguments.quick)
        for function, section in chosen(arguments):
            report.sections.append(measure(rig, function, section))
        report.machine |= quietness.facts()
    finally:
        rig.close()
    (arguments.folder / "result.json").write_text(report.as_json() + "\n")
    (arguments.folder / "result.md").write_text(report.as_markdown())
    print(report.as_markdown(), end="")
    return 1 if report.failures() else 0


def read_arguments():
    parser = argparse.ArgumentParser(prog="./build.sh bench")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true",
                        help="makes short runs, which check that the bench works; their figures are not for publication")
    parser.add_argument("--beside", type=pathlib.Path, metavar="TREE",
                        help="compares accepting and delivering with another tree, built by its ./build.sh build release")
    parser.add_argument("--messages", type=message_count, metavar="N",
                        help=f"how many messages {' and '.join(FILLING)} store, {FULL.history:,} by default")
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", choices=[[], *MEASUREMENTS],
                        help=", ".join(MEASUREMENTS) + "; all but " + " and ".join(FILLING) + " when none is named, because filling a database takes long")
    return parser.parse_intermixed_args()


def message_count(word):
    count = int(word)
    if count < 1000:
        raise argparse.ArgumentTypeError("a history has at least 1000 messages")
    return count


def chosen(arguments):
    if arguments.beside:
        yield beside.throughput(arguments.beside), Section("beside", "Beside another build")
    for name in arguments.measurements or ([] if arguments.beside else [name for name in MEASUREMENTS if name not in FILLING]):
        function, what = MEASUREMENTS[name]
        yield function, Section(name, what)


def measure(rig, function, section):
    print(f"── {section.what}", file=sys.stderr, flush=True)
    try:
        function(rig, section)
    except Exception as failure:    # of any kind: the other measurements go on
        traceback.print_exc()
        section = Section(section.name, section.what)
        section.failure = f"{type(failure).__name__}: {failure}".splitlines()[0]
    return section


if __name__ == "__main__":
    sys.exit(main())
