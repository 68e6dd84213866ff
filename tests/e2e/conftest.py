"""Fixtures: one PostgreSQL for each worker of pytest-xdist, one shared Nexus for tests that damage nothing, and
make_stack for tests that need a Nexus of their own."""

import os
import shutil
import tempfile

import pytest

from harness.nexus.database import FOLDER, TEMPLATE, Postgres, prepared_data
from harness.nexus.stack import BINARIES, Stack
from harness.outside.receiver import Receiver
from harness.people import Tenant


def pytest_configure(config):
    if os.geteuid() == 0:
        pytest.exit("the programs refuse to run as root: use ./build.sh test e2e, which does not", 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Distributes the tests: tests that share a module fixture go to one worker, so that the fixture is made once; all others go
    to any free worker. The groups take longest and run first; tests that start a Nexus of their own follow."""
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values()  # pylint: disable=protected-access
        if any(fixture[-1].scope == "module" for fixture in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    items.sort(key=lambda item: (not item.get_closest_marker("xdist_group"), "make_stack" not in item.fixturenames))


def pytest_runtest_logreport(report):
    """Shows the name of a test that fails at once; the whole report comes after the last test."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\nFAILED {report.nodeid}: {_first_line(report)}", flush=True)


def _first_line(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr)).strip().splitlines()[0]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    folder = tempfile.mkdtemp(prefix="nx-pg-", dir=FOLDER)
    # The folders of all workers of one run have the same parent. The write-ahead log is small because it may be in memory, and
    # databases that live for seconds need no vacuum.
    data = prepared_data(tmp_path_factory.getbasetemp().parent / "cluster", BINARIES)
    server = Postgres(f"{folder}/p", data, max_wal_size="256MB", autovacuum_naptime="1min").start().ready()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres):
    """The name of a migrated database; every stack gets a copy of it."""
    assert postgres.alive
    return TEMPLATE


@pytest.fixture(scope="session")
def shared_stacks(postgres):
    """The last one is in use. If a test has damaged it, the next test starts another."""
    stacks = []
    yield stacks
    for stack in stacks:
        stack.finish()


@pytest.fixture(autouse=True)
def databases_of_one_test(postgres, shared_stacks):
    """Drops the databases that a test leaves. PostgreSQL vacuums each database every few seconds, so hundreds would keep it busy."""
    before = set(postgres.databases)
    yield
    if not postgres.alive:
        postgres.restart()
    for name in postgres.databases - before - {stack.database for stack in shared_stacks}:
        postgres.drop_database(name)


@pytest.fixture
def nexus(request, postgres, template, shared_stacks):
    """A running Nexus that other tests use, too: make a tenant in it and do not stop its processes."""
    if not shared_stacks or not shared_stacks[-1].all_alive():
        shared_stacks.append(Stack(postgres, template, is_shared=True).start())
    stack = shared_stacks[-1]
    stack.wait_for_workers()  # the test before may have restarted PostgreSQL
    request.node.stacks = [stack]
    yield stack
    problems = stack.violations()
    assert not problems, "\n".join(problems)


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


@pytest.fixture
def receiver():
    gateway = Receiver()
    yield gateway
    gateway.close()


@pytest.fixture
def make_stack(request, postgres, template):
    """make_stack(gateways=2, …): a Nexus for this test only, whose processes it may kill, freeze and disconnect."""
    request.node.stacks = stacks = []

    def make(before_start=lambda stack: None, **shape):
        stacks.append(Stack(postgres, template, **shape))
        before_start(stacks[-1])
        return stacks[-1].start()

    yield make
    if not postgres.alive:
        postgres.restart()
    for stack in stacks:
        stack.finish()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for stack in getattr(item, "stacks", []):
            report.sections.append(("last lines of the processes' logs", stack.tails()))
