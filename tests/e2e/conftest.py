"""Fixtures: one PostgreSQL a worker of pytest-xdist, one shared Nexus for tests that hurt nobody, and a maker of
Nexuses of any shape for those that do."""

import os
import shutil
import tempfile

import pytest

from harness.customer import CustomerGateway
from harness.database import Postgres
from harness.people import Tenant
from harness.stack import BINARIES, Stack


def pytest_configure(config):
    if os.geteuid() == 0:
        pytest.exit("the programs refuse to run as root: use ./build.sh test e2e, which does not", 2)


@pytest.fixture(scope="session")
def postgres():
    folder = tempfile.mkdtemp(prefix="nx-pg-", dir="/tmp")
    server = Postgres(f"{folder}/p").start().ready()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres):
    """A database brought up to date once; every stack gets a copy."""
    name = postgres.create_database()
    for _ in range(2):  # the second time finds nothing to do
        postgres.migrate(name, BINARIES)
    return name


@pytest.fixture(scope="session")
def shared_stacks(postgres):
    """The one in use, last; a test that left it damaged makes the next test start another."""
    stacks = []
    yield stacks
    for stack in stacks:
        stack.finish()


@pytest.fixture
def nexus(request, postgres, template, shared_stacks):
    """A running Nexus that other tests use too: make a tenant, leave the processes alone."""
    if not shared_stacks or not shared_stacks[-1].all_alive():
        shared_stacks.append(Stack(postgres, template).start())
    stack = shared_stacks[-1]
    request.node.stacks = [stack]
    yield stack
    problems = stack.broken_promises()
    assert not problems, "\n".join(problems)


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


@pytest.fixture
def customer():
    gateway = CustomerGateway()
    yield gateway
    gateway.close()


@pytest.fixture
def make_stack(request, postgres, template):
    """make_stack(gateways=2, …): a Nexus of the test's own, to be killed, frozen and cut off at will."""
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
            report.sections.append(("the processes' last words", stack.tails()))
