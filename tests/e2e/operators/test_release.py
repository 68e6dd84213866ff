"""All programs and documents name the same version."""

import re

import pytest
import requests

from harness.nexus.nexusctl import Operator
from harness.nexus.stack import ROOT
from harness.wait import LONGEST_ANSWER, eventually


@pytest.fixture
def version(nexus):
    return Operator(nexus.postgres, nexus.database).json("version")["version"]


def test_health_the_api_and_metrics_name_the_version_of_nexusctl(nexus, version):
    health, api = (requests.get(nexus.url() + path, timeout=LONGEST_ANSWER).json() for path in ("/health/detail", "/openapi.json"))

    assert (health["buildInfo"]["version"], api["info"]["version"]) == (version, version)
    eventually(lambda: nexus.metric("nexus_build_info", version=version) >= 1, "the programs have reported their build")
    assert nexus.metric("nexus_nodejs_version_info", version=f"v{version}") >= 1


def test_the_latest_release_of_the_changelog_is_the_version_of_nexusctl(version):
    releases = re.findall(r"^## ([0-9.]+) \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert releases[0] == version, "CMakeLists.txt has the number"
