"""An org on a port of its own and an account connected to it, for each test of a fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from instep_standins import hubspot
from instep_standins.salesforce import Org, ids, serve_in_thread

pytest.register_assert_rewrite("faults.scene", "faults.houses", "faults.portal")

if TYPE_CHECKING:
    from faults.houses import House
    from faults.portal import Portal
    from faults.scene import Fake, Scene
    from instep_process import InstepHome

# The scene knows Django's models: it is imported when a test asks for it, after Django is set up.


@contextmanager
def _serving(org: Org) -> Iterator[Fake]:
    from faults.scene import Fake

    running = serve_in_thread(org)
    with httpx2.Client(timeout=120) as http:
        yield Fake(running, http)
    running.stop()


@pytest.fixture
def fake() -> Iterator[Fake]:
    with _serving(Org()) as fake:
        yield fake


@pytest.fixture
def scene(fake: Fake, transactional_db: None) -> Scene:
    from faults.scene import new_scene

    return new_scene(fake)


@pytest.fixture
def other_org(scene: Scene) -> Iterator[Scene]:
    """Another org that the same account is connected to."""
    from faults.scene import new_scene

    org = Org()
    acme = org.organization
    org.tables.remove("Organization", acme["Id"])
    org.insert("Organization", {**acme, "Id": ids.mint("00D", 2), "Name": "Acme's second org"})
    with _serving(org) as fake:
        yield new_scene(fake, scene.account_id)


@pytest.fixture
def house(fake: Fake, instep_home: InstepHome) -> House:
    from faults.houses import House

    made = House(instep_home, fake)
    made.connect()
    return made


@pytest.fixture
def portal() -> Iterator[Portal]:
    """A HubSpot portal on a port of its own."""
    from faults.portal import Portal

    running = hubspot.serve_in_thread(hubspot.Portal())
    with httpx2.Client(timeout=120) as http:
        yield Portal(running, http)
    running.stop()


@pytest.fixture
def hub(portal: Portal, transactional_db: None) -> Scene:
    """An account connected to a HubSpot portal."""
    from faults.scene import new_scene

    return new_scene(portal)


@pytest.fixture
def hub_house(portal: Portal, instep_home: InstepHome) -> House:
    """Real processes, connected to a HubSpot portal."""
    from faults.houses import House

    made = House(instep_home, portal)
    made.connect()
    return made


@pytest.fixture
def hub_beside(scene: Scene, portal: Portal) -> Scene:
    """A HubSpot portal that the same account is connected to as the Salesforce org of `scene`."""
    from faults.scene import new_scene

    return new_scene(portal, scene.account_id)
