"""What the acceptance tests share: a home, an org of its own, and the two connected."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from standin_org import StandinOrg

from faults.conftest import fake, scene
from instep_process import InstepHome, Template

__all__ = ["fake", "scene"]


@pytest.fixture
def org(instep_home: InstepHome) -> StandinOrg:
    """A fresh Salesforce stand-in in a process of its own."""
    return StandinOrg.start(instep_home)


@pytest.fixture
def connected(instep_home: InstepHome, org: StandinOrg) -> InstepHome:
    """The home, connected to the org with the connector's fields installed; nothing is counted yet."""
    instep_home.run(*org.connect_arguments(), "--install")
    org.order("journal/clear")
    return instep_home


@pytest.fixture
def new_home(migrated_template: Template) -> Iterator[Callable[[], InstepHome]]:
    """Further homes with databases of their own, as many as a test needs."""
    made: list[InstepHome] = []

    def make() -> InstepHome:
        made.append(
            InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), migrated_template.copy())
        )
        return made[-1]

    yield make
    for home in made:
        home.stop_all()
        migrated_template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)
