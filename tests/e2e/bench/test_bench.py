"""The audit of the bench must notice a lost message: a run that lost one publishes no figure."""

import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "bench"))

import generators               # noqa: E402 -- the line above extends the search path
from rig import QUICK, AuditFailed, Rig     # noqa: E402

OURS = "m.external_id = a.key"


@pytest.fixture
def nexus():
    rig = Rig(QUICK)
    try:
        with rig.nexus() as running:
            yield running
    finally:
        rig.close()


def test_the_audit_finds_every_acknowledged_message_and_reports_a_lost_one(nexus):
    load = generators.open_loop(nexus, "smoke", rate=100, seconds=1)

    assert nexus.audit(load, condition=OURS) == load.acknowledged == 100

    lost = load.journal.with_name("lost")
    lost.write_text(load.journal.read_text() + "smoke-1000000\n")
    with pytest.raises(AuditFailed, match="101 acknowledged, 100 found"):
        nexus.audit(load._replace(journal=lost), condition=OURS)
