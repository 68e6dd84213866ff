"""beside_turns.py TREE: one side of beside.py. Reads one load from each line, and prints one result line for each. At the end of
its input it audits the accepted messages."""

import contextlib
import json
import os
import pathlib
import sys

TREE = pathlib.Path(sys.argv[1])
sys.path[:0] = [str(TREE / "tests/bench"), str(TREE / "tests/e2e")]

import consumption      # noqa: E402 -- the modules of that tree
import delivering       # noqa: E402
import generators       # noqa: E402
from rig import QUICK, Rig, until_empty       # noqa: E402


class Side:
    def __init__(self, nexus):
        self.nexus, self.accepted = nexus, []
        nexus.inbound("first", 64, 1)       # contacts, conversations and caches of the tenant
        self.phones = nexus.correspondents(delivering.CONVERSATIONS)
        nexus.query("analyze")              # as autovacuum would do soon

    def accept(self, connections):
        with self.consumed() as used:
            load = self.nexus.inbound(f"accept-{len(self.accepted)}", connections, self.nexus.scale.run_s)
        self.accepted.append(load)
        return {"rate": load.per_second, "cpu": used()["all µs"] / load.acknowledged}

    def post(self):
        with self.consumed() as used:
            load = generators.answers(self.nexus, f"post-{os.urandom(4).hex()}", 64, self.nexus.scale.run_s, self.phones.conversations)
            until_empty(self.nexus, self.phones.tenant_id, within=120)
        return {"rate": load.acknowledged / used()["seconds"], "cpu": used()["all µs"] / load.acknowledged}

    def drain(self):
        worker = self.nexus.stack["sms-worker-0"]
        worker.kill()
        delivering.fill(self.nexus, self.phones, self.nexus.scale.drain)
        rate, used = delivering.drain(self.nexus, self.phones)
        worker.restart()
        return {"rate": rate, "cpu": used.cpu_us(self.nexus.scale.drain)["all µs"]}

    @contextlib.contextmanager
    def consumed(self):
        """The total consumption between entry and exit."""
        self.nexus.quiet()
        before, ends = consumption.moment(self.nexus), []

        def used():
            between = consumption.between(before, *ends)
            return {"seconds": between.seconds, **between.cpu_us(1)}

        yield used
        ends.append(consumption.moment(self.nexus))


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)       # output of other code must not mix with the results
    rig = Rig(QUICK)
    try:
        with rig.nexus() as nexus:
            side = Side(nexus)
            for line in sys.stdin:
                load, *arguments = json.loads(line)
                print(json.dumps(getattr(side, load)(*arguments)), file=answers, flush=True)
            nexus.audit(*side.accepted)
    finally:
        rig.close()


if __name__ == "__main__":
    main()
