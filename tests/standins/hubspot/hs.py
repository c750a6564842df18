"""A thin client of the portal for its tests: it hides addresses and headers, and nothing of the answers."""

from __future__ import annotations

from typing import Any

import httpx2

from instep_standins.hubspot import Portal

V = "2026-09"
STARTS = "2026-10-05T08:00:00Z"
MEETING_TO_CONTACT, CONTACT_TO_MEETING = 200, 199


def to(record_id: str, type_id: int = MEETING_TO_CONTACT) -> dict[str, Any]:
    """An inline association."""
    return {
        "to": {"id": record_id},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}],
    }


class Client:
    """Calls with the static token."""

    def __init__(self, http: httpx2.Client, portal: Portal) -> None:
        self.http = http
        self.portal = portal
        http.headers["Authorization"] = f"Bearer {portal.token}"

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx2.Response:
        return self.http.request(method, path, json=body, params=query or None)

    def objects(
        self, method: str, path: str, body: Any = None, version: str = V, **query: Any
    ) -> httpx2.Response:
        return self.call(method, f"/crm/objects/{version}/{path}", body, **query)

    def create(self, kind: str, *associations: dict[str, Any], **properties: Any) -> dict[str, Any]:
        answer = self.objects("POST", kind, {"properties": properties, "associations": list(associations)})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def contact(self, email: str = "mina@guest.example", **properties: Any) -> str:
        return self.create("contacts", email=email, **properties)["id"]

    def meeting(self, *contacts: str, **properties: Any) -> str:
        values = {"hs_timestamp": STARTS, "hs_meeting_title": "Intro", **properties}
        return self.create("meetings", *(to(one) for one in contacts), **values)["id"]

    def get(self, kind: str, record_id: str, *properties: str, **query: Any) -> dict[str, Any]:
        answer = self.objects("GET", f"{kind}/{record_id}", properties=",".join(properties), **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(
        self, method: str, path: str, body: Any = None, version: str = V, **query: Any
    ) -> tuple[int, Any]:
        """(status, body without its correlation id) of a call that must be refused."""
        answer = self.objects(method, path, body, version, **query)
        assert answer.status_code >= 400, answer.text
        told = answer.json()
        assert told.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
        return answer.status_code, told

    def fake(self, order: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.http.request(method, "/__fake__/" + order, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stored(self, kind: str) -> list[dict[str, Any]]:
        return self.fake(f"records?object={kind}", method="GET")[kind]

    def arm(self, kind: str, match: dict[str, Any] | None = None, **more: Any) -> None:
        self.fake("faults", {"kind": kind, "match": match or {}, **more})

    def install(self, unique: bool = True) -> None:
        """The connector's property on meetings."""
        answer = self.call("POST", f"/crm/properties/{V}/meetings", {
            "name": "instep_booking_id", "label": "Booking id", "type": "string", "fieldType": "text",
            "groupName": "engagement", "hasUniqueValue": unique,
        })  # fmt: skip
        assert answer.status_code == 201, answer.text
