"""A real stand-in org on a port of its own for each test of the adapter."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from crm_batches import StandIn
from hubspot_portal import StandinPortal
from instep.crm.addresses import LOOPBACK
from instep.crm.hubspot import HubSpotCrm
from instep.crm.salesforce import SalesforceCrm
from instep.crm.transport import Transport
from instep_standins import hubspot
from instep_standins.hubspot import Portal
from instep_standins.salesforce import Org, serve_in_thread


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A fresh org without our fields."""
    org = Org()
    server = serve_in_thread(org)
    transport = Transport(read_seconds=20, allow=(LOOPBACK,))
    with httpx2.Client(trust_env=False) as http:
        yield StandIn(org, server.base_url, http, transport)
    transport.close()
    server.stop()


@pytest.fixture
def crm(standin: StandIn) -> SalesforceCrm:
    """A client of the fresh org with our fields installed, its calls counted from zero."""
    client = standin.connect()
    client.install()
    client.calls.clear()
    standin.admin("POST", "journal/clear")
    return client


@pytest.fixture
def portal() -> Iterator[StandinPortal]:
    """A fresh HubSpot portal without our properties."""
    fresh = Portal()
    server = hubspot.serve_in_thread(fresh)
    transport = Transport(read_seconds=20, allow=(LOOPBACK,))
    with httpx2.Client(trust_env=False) as http:
        yield StandinPortal(fresh, server.base_url, http, transport)
    transport.close()
    server.stop()


@pytest.fixture
def hub(portal: StandinPortal) -> HubSpotCrm:
    """A client of the fresh portal with our properties installed, its calls counted from zero."""
    client = portal.connect()
    client.install()
    client.calls.clear()
    portal.admin("POST", "journal/clear")
    return client
