"""Batches to write, clients with scripted answers, and a running stand-in, for the adapter's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
from attrs import define

from instep.core.changes import Action, Change, Write
from instep.crm.salesforce import SalesforceCredentials, SalesforceCrm, connect
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID
from instep.crm.transport import Transport
from instep_standins.salesforce import Org

Handler = Callable[[httpx2.Request], httpx2.Response]

START, END = "2026-12-01T10:00:00.000Z", "2026-12-01T10:30:00.000Z"


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


def scripted(handler: Handler, **more: Any) -> SalesforceCrm:
    """A client whose every request is answered by a function: for answers no real org would repeat."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/oauth2/token"):
            return httpx2.Response(
                200,
                json={
                    "access_token": "token",
                    "instance_url": "https://acme.my.salesforce.com",
                    "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
                },
            )
        return handler(request)

    credentials = SalesforceCredentials("https://acme.my.salesforce.com", "client", "secret")
    transport = Transport(inner=httpx2.MockTransport(answer))
    return connect(credentials, transport=transport, api_version="68.0", **more)


def changes(values: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(Change(name, name, value) for name, value in values.items())


def lead(n: int | str, **values: Any) -> Write:
    """A new Lead with our contact id."""
    fields = {"LastName": f"Guest {n}", "Company": "Acme", "Email": f"guest{n}@guest.example", **values}
    return Write(f"lead{n}", f"b{n}", Action.UPSERT, "Lead", changes(fields), key=(CONTACT_ID, f"C-{n}"))


def event(n: int | str, parent: str = "", *, alone: bool = False, **values: Any) -> Write:
    """A new Event with our booking id, about a new person of the batch if `parent` names one."""
    fields = {"Subject": f"Meeting {n}", "StartDateTime": START, "EndDateTime": END, **values}
    return Write(
        f"event{n}",
        f"b{n}",
        Action.UPSERT,
        "Event",
        changes(fields),
        key=(BOOKING_ID, f"B-{n}"),
        parents={"WhoId": parent} if parent else {},
        alone=alone,
    )


def update(ref: str, object_name: str, record_id: str, **values: Any) -> Write:
    return Write(ref, ref, Action.UPDATE, object_name, changes(values), id=record_id)


def composed(request: httpx2.Request, *parts: dict[str, Any]) -> httpx2.Response:
    """A Composite's answer: the parts given, named as the request named them."""
    asked = json.loads(request.content)["compositeRequest"]
    named = [{**part, "referenceId": a["referenceId"]} for a, part in zip(asked, parts, strict=True)]
    return httpx2.Response(200, json={"compositeResponse": named})
