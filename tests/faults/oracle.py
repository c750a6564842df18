"""What the whole CRM must say, worked out from the raw events by code that shares nothing with the product.

The default mapping (fill only what is empty, new people are Leads) and the default rules of ownership.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

#: rows of one object, without what an org sets by itself, ids replaced by what they lead to
CRM = dict[str, list[dict[str, Any]]]

OBJECTS = ("Lead", "Contact", "Account", "Case", "Event")
CONNECTED = "integration@acme.example"
STATUS, REASON = "Instep_Event_Status__c", "Instep_Cancel_Reschedule_Reason__c"
BOOKING_ID = "Instep_Booking_Id__c"
USERS = frozenset(
    {"greta.lindqvist@host.example", "amara.okafor@host.example", "nuno.reis@host.example", CONNECTED}
)

#: an org's own stamps, and fields that it works out from others
_ITS_OWN = frozenset(
    {"Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
    | {"ActivityDateTime", "ActivityDate", "EndDate"}
    | {"ConvertedDate", "ConvertedContactId", "ConvertedAccountId"}
)
#: what an org fills in on every new record; any other value counts
_BORN = {"Status": "Open - Not Contacted", "ShowAs": "Busy", "GroupEventType": "0", "EventSubtype": "Event"}
_WORDS = {
    "scheduled": "Scheduled",
    "rescheduled": "Rescheduled",
    "completed": "Completed",
    "canceled": "Canceled",
    "no_show": "No-show",
}
_CHANGES = ("rescheduled", "canceled", "canceled_then_rescheduled", "canceled_reschedule_requested")


@frozen
class Person:
    """A record that was there before us and that a booking's guest must be matched to, by its e-mail."""

    object: str
    fields: Mapping[str, Any]


def crm_of(records: Mapping[str, list[dict[str, Any]]]) -> CRM:
    """The stored records in the form that `expected` gives."""
    names = {r["Id"]: r["Email"] for r in records["User"]}
    for name in ("Lead", "Contact"):
        names |= {r["Id"]: _who(name, r) for r in records[name]}
    names |= {r["Id"]: f"Account {r.get('Name')}" for r in records["Account"]}
    names |= {r["Id"]: f"Case {r.get('Subject')}" for r in records["Case"]}
    names |= {r["Id"]: f"Record type {r.get('DeveloperName')}" for r in records.get("RecordType", ())}
    names |= {r["Id"]: f"Queue {r.get('Name')}" for r in records.get("Group", ())}
    return in_order({name: [_plain(row, names) for row in records[name]] for name in OBJECTS})


def in_order(crm: CRM) -> CRM:
    """The same rows, in an order that two equal CRMs share."""
    return {
        name: sorted(crm.get(name, []), key=lambda row: json.dumps(row, sort_keys=True)) for name in OBJECTS
    }


def _who(name: str, row: Mapping[str, Any]) -> str:
    return f"{name} {row.get('Email')} {row.get('Name')}"


def _plain(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field, value in row.items():
        if field in _ITS_OWN or value in (None, False) or _BORN.get(field) == value:
            continue
        if field == "Instep_Contact_Id__c":
            value = "ours"
        elif field.endswith("Id") and isinstance(value, str):
            value = names.get(value, f"nobody's id {value}")
        elif field.endswith("DateTime"):
            value = _moment(value)
        kept[field] = value
    return kept


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).isoformat()


def differences(there: CRM, wanted: CRM) -> list[str]:
    """Every row and every field in which two CRMs differ, in words; empty when they are the same."""
    found = []
    for name in OBJECTS:
        rest = list(there[name])
        for row in wanted[name]:
            if row in rest:
                rest.remove(row)
                continue
            twin = next((r for r in rest if _same_thing(r, row)), None)
            if twin is None:
                found.append(f"{name} lost: {row}")
                continue
            rest.remove(twin)
            for field in sorted(row.keys() | twin.keys()):
                if row.get(field) != twin.get(field):
                    found.append(f"{name} {field}: is {twin.get(field)!r}, should be {row.get(field)!r}")
        found += [f"{name} too much: {row}" for row in rest]
    return found


def _same_thing(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = (BOOKING_ID, "Email", "Name")
    return next((one[n] == other[n] for n in names if n in one and n in other), False)


def events_of(crm: CRM) -> dict[str, dict[str, Any]]:
    """The Events by the id of their booking."""
    return {row[BOOKING_ID]: row for row in crm["Event"]}


def without(crm: CRM, booking_id: str, *fields: str) -> CRM:
    """The CRM without some fields of one Event, which the CRM has refused."""
    for field in fields:
        events_of(crm)[booking_id].pop(field)
    return crm


# --- what the bookings say ------------------------------------------------------------------------


def expected(
    told: Iterable[bytes],
    known: Iterable[Person] = (),
    *,
    kept: CRM | None = None,
    new: str = "Lead",
) -> CRM:
    """The whole CRM after these events.

    `known` people are matched and filled; `kept` rows have nothing to do with any booking and stay as they
    are; `new` is the object that unknown people become.
    """
    bookings = bookings_of(told)
    people = people_of(bookings, known, new)
    crm: CRM = {name: list((kept or {}).get(name, [])) for name in OBJECTS}
    for person in people.values():
        crm[person["object"]].append(person["row"])
    # a new Contact's company is made with it, once for all of its people: the newest of them speaks for it
    companies: dict[str, dict[str, Any]] = {}
    for person in people.values():
        if person.get("new") and "AccountId" in person["row"]:
            row, form = person["row"], person["form"]
            company = {"Name": form["company"], "Phone": form.get("phone"), "OwnerId": row["OwnerId"]}
            companies[form["company"]] = {field: value for field, value in company.items() if value}
    crm["Account"] += companies.values()
    crm["Event"] += [_event(booking, people) for booking in bookings]
    return in_order(crm)


def bookings_of(told: Iterable[bytes]) -> list[list[dict[str, Any]]]:
    """The events of each booking, oldest first, each once."""
    unique = {event["id"]: event for event in map(json.loads, told)}
    by_booking: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(unique.values(), key=lambda e: str(e["data"]["last_updated_time"])):
        by_booking.setdefault(event["data"]["id"], []).append(event)
    return list(by_booking.values())


def people_of(
    bookings: list[list[dict[str, Any]]], known: Iterable[Person], new: str
) -> dict[str, dict[str, Any]]:
    there = {str(person.fields["Email"]).lower(): person for person in known}
    said: dict[str, dict[str, Any]] = {}
    host: dict[str, str] = {}
    facts = sorted(
        (e for events in bookings for e in events), key=lambda e: str(e["data"]["last_updated_time"])
    )
    for fact in facts:
        form = fact["data"]["form_submission"]
        if form and form["email"]:
            key = form["email"].lower()
            said.setdefault(key, {}).update({name: value for name, value in form.items() if value})
            # a person keeps the owner that it was made with
            host.setdefault(key, fact["data"]["external_calendar"]["id"])
    people = {}
    for key, form in said.items():
        person = there.pop(key, None)
        name = person.object if person else new
        row = _person_row(name, form)
        if person is None:
            row |= {"OwnerId": _user(host[key]), "Instep_Contact_Id__c": "ours"}
            if name == "Contact" and form.get("company"):
                row["AccountId"] = f"Account {form['company']}"
        else:
            row |= {"OwnerId": CONNECTED, **person.fields}
        row["Name"] = " ".join(row[part] for part in ("FirstName", "LastName") if part in row)
        people[key] = {"object": name, "row": row, "form": form, "new": person is None}
    for key, person in there.items():
        name = " ".join(person.fields[part] for part in ("FirstName", "LastName") if part in person.fields)
        people[key] = {
            "object": person.object,
            "row": {"OwnerId": CONNECTED, "Name": name, **person.fields},
            "form": {},
        }
    return people


def _person_row(name: str, form: Mapping[str, Any]) -> dict[str, Any]:
    first, _, last = form["name"].rpartition(" ")
    row = {
        "FirstName": first,
        "LastName": last,
        "Email": form["email"],
        "Phone": form.get("phone"),
        "MobilePhone": form.get("mobile_phone"),
    }
    if name == "Lead":
        row["Company"] = form.get("company") or "Unspecified"
    return {field: value for field, value in row.items() if value}


def _user(host: str) -> str:
    return host if host in USERS else CONNECTED


def _event(events: list[dict[str, Any]], people: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    newest = events[-1]
    data = newest["data"]
    form = next(e["data"]["form_submission"] for e in reversed(events) if e["data"]["form_submission"])
    person = people.get((form["email"] or "").lower())
    start = datetime.fromisoformat(data["starting_time"])
    end = start + timedelta(minutes=data["duration_minutes"])
    virtual = next((v for e in reversed(events) if (v := e["data"]["virtual_conferencing"]) is not None), {})
    location = virtual.get("join_url") or data["location_description"]
    contact = {**form, **person["form"]} if person else form
    row = {
        "Subject": data["subject"],
        "Location": location,
        "Description": summary_of(data, contact, form, location, start.astimezone(zone_of(data))),
        "StartDateTime": start.isoformat(),
        "EndDateTime": end.isoformat(),
        "DurationInMinutes": data["duration_minutes"],
        STATUS: status_of(newest),
        REASON: reason_of(events),
        # what an org shows by itself is busy
        "ShowAs": "Free" if data["status"] == "canceled" else None,
        BOOKING_ID: data["id"],
        "OwnerId": _owner(events),
        "WhoId": _who(person["object"], person["row"]) if person else None,
    }
    if person and person["object"] == "Contact" and "AccountId" in person["row"]:
        row["AccountId"] = person["row"]["AccountId"]
    return {field: value for field, value in row.items() if value}


def summary_of(
    data: Mapping[str, Any],
    contact: Mapping[str, Any],
    form: Mapping[str, Any],
    location: str,
    start: datetime,
) -> str:
    parts = {
        "Meeting with": contact["name"],
        "Company": contact.get("company"),
        "Subject": data["subject"],
        "Start time": f"{start:%a, %b} {start.day}, {start.year}, {start.hour % 12 or 12}:{start:%M %p} "
        f"({start.tzinfo})",
        "Duration": f"{data['duration_minutes']} minutes",
        "Location": location,
        "Customer email": contact["email"],
        "Customer phone": contact.get("phone"),
        "Customer mobile phone": contact.get("mobile_phone"),
        "Note from customer": form["note"],
    }
    return ", ".join(f"{label}: {value}" for label, value in parts.items() if value)


def zone_of(data: Mapping[str, Any]) -> tzinfo:
    """The host's zone, where an event tells it: only a full owner does."""
    owner = data["owner"]
    known = isinstance(owner, dict) and owner["email"] == data["external_calendar"]["id"]
    return ZoneInfo(owner["timezone"]) if known else UTC


def status_of(newest: Mapping[str, Any]) -> str:
    word = _WORDS[newest["data"]["status"]]
    reassigned = newest["type"] == "booking.reassigned" and word in ("Scheduled", "Rescheduled")
    connected = newest["data"]["external_calendar"]["id"] in USERS
    return f"{word} (Reassigned by User)" if reassigned and connected else word


def reason_of(events: list[dict[str, Any]]) -> str | None:
    changes = [e for e in events if e["type"].removeprefix("booking.") in _CHANGES]
    block = changes[-1]["data"]["cancel_reschedule_information"] if changes else None
    return block["reason"] if block else None


def _owner(events: list[dict[str, Any]]) -> str:
    hosts = [e["data"]["external_calendar"]["id"] for e in reversed(events)]
    return next((host for host in hosts if host in USERS), CONNECTED)
