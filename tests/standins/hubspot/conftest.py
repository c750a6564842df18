"""A portal of its own for each test, and clients that are signed in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from hubspot_sdk import HubSpot

from instep_standins.hubspot import Portal, serve_in_thread
from instep_standins.hubspot.server import Running
from standins.hubspot.hs import Client


@pytest.fixture
def portal(clock) -> Portal:
    return Portal(clock=clock)


@pytest.fixture
def running(portal: Portal) -> Iterator[Running]:
    server = serve_in_thread(portal)
    yield server
    server.stop()


@pytest.fixture
def hs(running: Running) -> Iterator[Client]:
    # Plain HTTP: loading the certificates of the world for each test would take longer than the test.
    with httpx2.Client(base_url=running.base_url, timeout=10, verify=False) as http:
        yield Client(http, running.portal)


@pytest.fixture
def sdk(running: Running) -> Iterator[HubSpot]:
    """HubSpot's new client, which refuses every answer that differs from HubSpot's own description of it."""
    with HubSpot(
        access_token=running.portal.token,
        base_url=running.base_url,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client
