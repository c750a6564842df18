"""A HubSpot portal to order faults from, and what the whole of it must say after some events.

The second half shares no code with the product: it works from the raw events, like the oracle of Salesforce.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import define, field

from faults.oracle import (
    CRM,
    USERS,
    Person,
    bookings_of,
    reason_of,
    status_of,
    summary_of,
    zone_of,
)
from faults.scene import Fake

#: what nothing but the portal itself says
_CONTACT = ("firstname", "lastname", "email", "phone", "mobilephone", "company", "jobtitle", "lifecyclestage")
_MEETING = (
    "hs_meeting_title", "hs_meeting_body", "hs_internal_meeting_notes", "hs_meeting_location",
    "hs_meeting_external_url", "hs_meeting_start_time", "hs_meeting_end_time", "hs_timestamp",
    "hs_meeting_outcome", "instep_event_status", "instep_cancel_reschedule_reason", "instep_booking_id",
)  # fmt: skip
_MOMENTS = frozenset({"hs_meeting_start_time", "hs_meeting_end_time", "hs_timestamp"})
_OUTCOMES = {
    "scheduled": "SCHEDULED", "rescheduled": "RESCHEDULED", "completed": "COMPLETED", "canceled": "CANCELED",
    "no_show": "NO_SHOW",
}  # fmt: skip
OBJECTS = ("contacts", "meetings")


@define
class Portal(Fake):
    """A running portal. Its owners are asked for once: who compares must not use up the portal's calls."""

    vendor = "hubspot"
    owners: dict[str, str] = field(factory=dict)

    def entered(self) -> dict[str, str]:
        return {"url": self.running.base_url, "token": self.running.portal.token}

    def connect_arguments(self) -> tuple[str, ...]:
        entered = self.entered()
        return ("hubspot", "--url", entered["url"], "--token", entered["token"])

    def seed(self, object_name: str, **fields: Any) -> str:
        return str(self.order("POST", "records", {"object": object_name, "properties": fields})["id"])

    def edit(self, object_name: str, record_id: str, **fields: Any) -> None:
        self.order("PATCH", "records", {"object": object_name, "id": record_id, "properties": fields})

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call as another client of the portal makes it."""
        headers = {"Authorization": f"Bearer {self.running.portal.token}"}
        answer = self.http.request(method, f"{self.running.base_url}{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def meeting(self, booking_id: str) -> dict[str, Any]:
        """The only meeting of a booking, as stored."""
        rows = self.records()["meetings"]
        [found] = [row for row in rows if row["properties"].get("instep_booking_id") == booking_id]
        return dict(found)

    def crm(self) -> CRM:
        """All contacts and meetings; ids replaced by what they lead to. There must be no other records."""
        there = self.records()
        assert not any(rows for name, rows in there.items() if name not in OBJECTS)
        if not self.owners:
            self.owners.update({str(row["id"]): row["email"] for row in self._owners()})
        owners = self.owners
        people = {row["id"]: str(row["properties"].get("email")) for row in there["contacts"]}
        contacts = [_contact(row["properties"], owners) for row in there["contacts"]]
        meetings = [_meeting(row, owners, people) for row in there["meetings"]]
        return in_order({"contacts": contacts, "meetings": meetings})

    def _owners(self) -> list[dict[str, Any]]:
        path = "/crm/owners/2026-09?limit=500"
        return [*self.api("GET", path)["results"], *self.api("GET", f"{path}&archived=true")["results"]]

    def differences(self, told: Iterable[bytes], known: Iterable[Person], **rules: Any) -> list[str]:
        return differences(self.crm(), expected(told, known, **rules))


def in_order(crm: CRM) -> CRM:
    """The same rows, in an order that two equal portals share."""
    return {
        name: sorted(crm.get(name, []), key=lambda row: json.dumps(row, sort_keys=True)) for name in OBJECTS
    }


def _contact(properties: Mapping[str, Any], owners: Mapping[str, str]) -> dict[str, Any]:
    row = {name: properties[name] for name in _CONTACT if properties.get(name)}
    if properties.get("instep_contact_id"):
        row["instep_contact_id"] = "ours"
    if owner := properties.get("hubspot_owner_id"):
        row["owner"] = owners[owner]
    return row


def _meeting(
    record: Mapping[str, Any], owners: Mapping[str, str], people: Mapping[str, str]
) -> dict[str, Any]:
    properties = record["properties"]
    row: dict[str, Any] = {
        name: _moment(properties[name]) if name in _MOMENTS else properties[name]
        for name in _MEETING
        if properties.get(name)
    }
    if owner := properties.get("hubspot_owner_id"):
        row["owner"] = owners[owner]
    if linked := record["associations"].get("contacts"):
        row["contacts"] = sorted(people[one] for one in linked)
    return row


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).isoformat()


def differences(there: CRM, wanted: CRM) -> list[str]:
    """Every row and every field in which two portals differ, in words; empty when they are the same."""
    found = []
    for name in OBJECTS:
        rest = list(there[name])
        for row in wanted[name]:
            if row in rest:
                rest.remove(row)
                continue
            key = "instep_booking_id" if name == "meetings" else "email"
            twin = next((r for r in rest if r.get(key) == row.get(key)), None)
            if twin is None:
                found.append(f"{name} lost: {row}")
                continue
            rest.remove(twin)
            for one in sorted(row.keys() | twin.keys()):
                if row.get(one) != twin.get(one):
                    found.append(f"{name} {one}: is {twin.get(one)!r}, should be {row.get(one)!r}")
        found += [f"{name} too much: {row}" for row in rest]
    return found


# --- what the bookings say ------------------------------------------------------------------------


def expected(told: Iterable[bytes], known: Iterable[Person] = ()) -> CRM:
    """The whole portal after these events; `known` people are matched by their address and filled."""
    bookings = bookings_of(told)
    people, forms = _people(bookings, known)
    meetings = [_expected_meeting(events, people, forms) for events in bookings]
    return in_order({"contacts": list(people.values()), "meetings": meetings})


def _people(
    bookings: list[list[dict[str, Any]]], known: Iterable[Person]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """(contacts, what was said of each in all of its bookings), by address in lower case."""
    there = {str(person.fields["email"]).lower(): dict(person.fields) for person in known}
    forms: dict[str, dict[str, Any]] = {}
    host: dict[str, str] = {}
    for fact in sorted((e for b in bookings for e in b), key=lambda e: str(e["data"]["last_updated_time"])):
        form = fact["data"]["form_submission"]
        if form and form["email"]:
            key = form["email"].lower()
            forms.setdefault(key, {}).update({name: value for name, value in form.items() if value})
            host.setdefault(key, fact["data"]["external_calendar"]["id"])
    people = dict(there)
    for key, form in forms.items():
        first, _, last = form["name"].rpartition(" ")
        said = {
            "firstname": first, "lastname": last, "email": key, "phone": form.get("phone"),
            "mobilephone": form.get("mobile_phone"), "company": form.get("company"),
        }  # fmt: skip
        row = {field: value for field, value in said.items() if value}
        # a new one gets the portal's own first stage
        new = {"instep_contact_id": "ours", "lifecyclestage": "lead", **_owned(host[key])}
        people[key] = {**row, **there[key]} if key in there else {**row, **new}
    return people, forms


def _owned(host: str) -> dict[str, str]:
    return {"owner": host} if host in USERS else {}


def _expected_meeting(
    events: list[dict[str, Any]], people: Mapping[str, dict[str, Any]], forms: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    newest = events[-1]
    data = newest["data"]
    form = next(e["data"]["form_submission"] for e in reversed(events) if e["data"]["form_submission"])
    key = (form["email"] or "").lower()
    start = datetime.fromisoformat(data["starting_time"])
    end = start + timedelta(minutes=data["duration_minutes"])
    virtual = next((v for e in reversed(events) if (v := e["data"]["virtual_conferencing"]) is not None), {})
    url = virtual.get("join_url")
    location = url or data["location_description"]
    summary = summary_of(
        data, {**form, **forms.get(key, {})}, form, location, start.astimezone(zone_of(data))
    )
    hosts = [e["data"]["external_calendar"]["id"] for e in reversed(events)]
    row = {
        "hs_meeting_title": data["subject"],
        "hs_meeting_body": html.escape(summary).replace("\n", "<br>"),
        "hs_internal_meeting_notes": html.escape(form["note"] or "").replace("\n", "<br>"),
        "hs_meeting_location": location,
        "hs_meeting_external_url": url,
        "hs_meeting_start_time": start.isoformat(),
        "hs_meeting_end_time": end.isoformat(),
        "hs_timestamp": start.isoformat(),
        "hs_meeting_outcome": _OUTCOMES[data["status"]],
        "instep_event_status": status_of(newest),
        "instep_cancel_reschedule_reason": reason_of(events),
        "instep_booking_id": data["id"],
        "contacts": [people[key]["email"]] if key in people else None,
        **_owned(next((host for host in hosts if host in USERS), "")),
    }
    return {field: value for field, value in row.items() if value}
