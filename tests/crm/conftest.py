"""A real stand-in org on a port of its own for each test of the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from attrs import define

from instep.crm.salesforce import SalesforceCredentials, SalesforceCrm, connect
from instep.crm.transport import Transport
from instep_standins.salesforce import Org, serve_in_thread


@define
class StandIn:
    """A running stand-in org and its admin endpoint."""

    org: Org
    base_url: str
    http: httpx2.Client
    transport: Transport

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.base_url}/__fake__/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def fault(self, kind: str, **details: Any) -> None:
        """Arm one fault; it hits once unless `times` says otherwise."""
        self.admin("POST", "faults", {"kind": kind, "times": 1, **details})

    def records(self, object_name: str) -> list[dict[str, Any]]:
        return self.admin("GET", f"records?object={object_name}")[object_name]

    def counted(self) -> int:
        """API calls that the org has counted."""
        return self.admin("GET", "calls")["counted"]

    @property
    def credentials(self) -> SalesforceCredentials:
        return SalesforceCredentials(self.base_url, self.org.client_id, self.org.client_secret)

    def connect(self, **more: Any) -> SalesforceCrm:
        return connect(self.credentials, **{"transport": self.transport, **more})


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A fresh org without our fields."""
    org = Org()
    server = serve_in_thread(org)
    transport = Transport(read_seconds=20)
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
