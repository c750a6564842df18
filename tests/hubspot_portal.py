"""A running HubSpot stand-in with clients of our own, for the adapter's tests."""

from __future__ import annotations

from typing import Any

import httpx2
from attrs import define

from instep.core.changes import Action, Change, Write
from instep.crm.hubspot import HubSpotCredentials, HubSpotCrm, connect
from instep.crm.oauth import Tokens
from instep.crm.transport import Transport
from instep_standins.hubspot import Portal

START, END = "2026-12-01T10:00:00.000Z", "2026-12-01T10:30:00.000Z"


@define
class StandinPortal:
    """A running portal and its admin endpoint."""

    portal: Portal
    base_url: str
    http: httpx2.Client
    transport: Transport

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.base_url}/__fake__/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def arm(self, kind: str, match: dict[str, Any] | None = None, **more: Any) -> None:
        """Arm one fault; it hits once unless `times` says otherwise."""
        self.admin("POST", "faults", {"kind": kind, "match": match or {}, **more})

    def settings(self, **values: Any) -> dict[str, Any]:
        return dict(self.admin("POST", "settings", values))

    def records(self, name: str) -> list[dict[str, Any]]:
        return list(self.admin("GET", f"records?object={name}")[name])

    def seed(self, name: str, **properties: Any) -> str:
        return str(self.admin("POST", "records", {"object": name, "properties": properties})["id"])

    def connect(self, **more: Any) -> HubSpotCrm:
        """A client with the static token."""
        credentials = HubSpotCredentials(self.base_url, token=self.portal.token)
        return connect(credentials, **{"transport": self.transport, **more})

    def app(self, **more: Any) -> HubSpotCredentials:
        """The portal's OAuth app."""
        return HubSpotCredentials(
            self.base_url,
            client_id=self.portal.client_id,
            client_secret=self.portal.client_secret,
            grant="authorization_code",
            **more,
        )


@define
class Keep:
    """Tokens between processes, as the engine keeps them: what is saved is loaded by the next."""

    tokens: Tokens | None = None
    saved: int = 0

    def load(self) -> Tokens | None:
        return self.tokens

    def save(self, new: Tokens, previous: Tokens | None) -> None:
        self.tokens, self.saved = new, self.saved + 1


def person(key: str, email: str = "", **values: Any) -> Write:
    """A new contact."""
    fields = {"email": email or f"{key.lower()}@guest.example", "lastname": key, **values}
    changes = tuple(Change(name, name, value) for name, value in fields.items())
    return Write(
        f"person:Contact:{key}", f"b:{key}", Action.UPSERT, "Contact", changes, key=("instep_contact_id", key)
    )


def meeting(key: str, parent: Write | None = None, contact: str = "", **values: Any) -> Write:
    """A new meeting, of a contact made in the same batch or there already."""
    fields: dict[str, Any] = {
        "hs_meeting_title": key,
        "hs_meeting_start_time": START,
        "hs_meeting_end_time": END,
    }
    fields |= {"associations.contact": contact} if contact else {}
    changes = tuple(Change(name, name, value) for name, value in {**fields, **values}.items())
    return Write(
        f"activity:{key}",
        f"b:{key}",
        Action.UPSERT,
        "Meeting",
        changes,
        key=("instep_booking_id", key),
        parents={"associations.contact": parent.ref} if parent else {},
    )


def changed(object_name: str, record_id: str, **values: Any) -> Write:
    """A change of a record that is there."""
    changes = tuple(Change(name, name, value) for name, value in values.items())
    ref = f"change:{object_name}:{record_id}"
    return Write(ref, "b", Action.UPDATE, object_name, changes, id=record_id)
