"""What the org must hold after the example events: derived from the file alone, by other code than ours.

The rules are written out as people would tell them: the newest snapshot of a booking says how it stands, its
host is the calendar's user, a person is an e-mail address, and what the org makes of a name is in a table.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from standin_org import StandinOrg

EXAMPLES = Path(__file__).parents[2] / "examples" / "oncehub-events.jsonl"

_WORDS = {
    "scheduled": "Scheduled", "rescheduled": "Rescheduled", "completed": "Completed", "canceled": "Canceled",
    "no_show": "No-show",
}  # fmt: skip
_GIVE_A_REASON = ("rescheduled", "canceled", "canceled_then_rescheduled", "canceled_reschedule_requested")

#: typed name → first and last name
_NAMES = {
    "Søren Ångström": ("Søren", "Ångström"),
    "Ludwig van der Berg": ("Ludwig", "van der Berg"),
    "Prince": (None, "Prince"),
    "Anna-Lena Müller": ("Anna-Lena", "Müller"),
    "O'Neil, Siobhán": ("Siobhán", "O'Neil"),
    "Ines Castro": ("Ines", "Castro"),
    "Robert'); DROP TABLE Lead;--": ("Robert'); DROP TABLE", "Lead;--"),
    "王小明": (None, "王小明"),
    "Nguyễn Thị Minh Khai": ("Nguyễn Thị Minh", "Khai"),
    "Dr. Juan Q. Xavier de la Vega III": ("Juan Q. Xavier", "de la Vega III"),
    "María del Carmen Ruiz": ("María", "del Carmen Ruiz"),
    "Ada Byron": ("Ada", "Byron"),
}

#: object → what its records are sorted by, and the fields that are compared
_TOLD = {
    "Lead": ("Email", {"FirstName", "LastName", "Company", "Email", "Phone", "MobilePhone", "OwnerId"}),
    "Event": (
        "Instep_Booking_Id__c",
        {
            "Instep_Booking_Id__c", "Subject", "Location", "Description", "Instep_Event_Status__c", "WhoId",
            "Instep_Cancel_Reschedule_Reason__c", "StartDateTime", "EndDateTime", "OwnerId",
            "ShowAs",
        },
    ),
}  # fmt: skip


def read(path: Path = EXAMPLES) -> list[dict[str, Any]]:
    """The events of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def newest_day(events: Iterable[dict[str, Any]]) -> datetime:
    """When the newest of these events was sent."""
    return max(_at(event["creation_time"]) for event in events)


def expected(events: Iterable[dict[str, Any]], days: int) -> dict[str, list[dict[str, Any]]]:
    """Leads and Events after these events, their dates moved by `days`; blanks are left out."""
    lives: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in {event["id"]: event for event in events}.values():
        lives[event["data"]["id"]].append(event)
    for life in lives.values():
        life.sort(key=lambda e: (_at(e["data"]["last_updated_time"]), _at(e["creation_time"])))
    zones = _zones(lives)
    newest_first = sorted(lives.values(), key=lambda life: _at(life[-1]["data"]["last_updated_time"]))[::-1]
    leads: dict[str, dict[str, Any]] = {}
    for life in newest_first:
        leads.setdefault(_email(life), _lead(life))
    meetings = [_meeting(life, zones, timedelta(days=days), leads[_email(life)]) for life in lives.values()]
    return {
        "Lead": sorted(map(_filled, leads.values()), key=lambda r: r["Email"]),
        "Event": sorted(map(_filled, meetings), key=lambda r: r["Instep_Booking_Id__c"]),
    }


def told(org: StandinOrg) -> dict[str, list[dict[str, Any]]]:
    """Leads and Events of an org with the fields that `expected` speaks of; there must be no other records."""
    whole = org.whole()
    assert whole["Contact"] == whole["Account"] == whole["Case"] == []
    return {
        name: sorted(
            ({k: v for k, v in row.items() if k in fields} for row in whole[name]), key=lambda r: r[key]
        )
        for name, (key, fields) in _TOLD.items()
    }


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _filled(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value not in (None, "")}


def _host(life: list[dict[str, Any]]) -> str:
    return str(life[-1]["data"]["external_calendar"]["id"])


def _email(life: list[dict[str, Any]]) -> str:
    return str(_form(life)["email"]).lower()


def _form(life: list[dict[str, Any]]) -> dict[str, Any]:
    return next(form for e in reversed(life) if (form := e["data"]["form_submission"]))


def _zones(lives: dict[str, list[dict[str, Any]]]) -> dict[str, ZoneInfo]:
    owners = [
        e["data"]["owner"] for life in lives.values() for e in life if isinstance(e["data"]["owner"], dict)
    ]
    return {owner["email"]: ZoneInfo(owner["timezone"]) for owner in owners}


def _lead(life: list[dict[str, Any]]) -> dict[str, Any]:
    form = _form(life)
    first, last = _NAMES[" ".join(form["name"].split())]
    return {
        "FirstName": first, "LastName": last, "Company": form["company"] or "Unspecified", "Email": _email(life),
        "Phone": form["phone"], "MobilePhone": form["mobile_phone"], "OwnerId": _host(life),
    }  # fmt: skip


def _meeting(
    life: list[dict[str, Any]], zones: dict[str, ZoneInfo], moved: timedelta, lead: dict[str, Any]
) -> dict[str, Any]:
    data = life[-1]["data"]
    status = _WORDS[data["status"]]
    if life[-1]["type"] == "booking.reassigned":
        status += " (Reassigned by User)"
    start = _at(data["starting_time"]) + moved
    end = start + timedelta(minutes=data["duration_minutes"])
    where = (data["virtual_conferencing"] or {}).get("join_url") or data["location_description"]
    name = " ".join(part for part in (lead["FirstName"], lead["LastName"]) if part)
    return {
        "Instep_Booking_Id__c": data["id"], "Subject": data["subject"], "Location": where,
        "Description": _summary(life, where, start.astimezone(zones.get(_host(life), UTC))),
        "Instep_Event_Status__c": status, "Instep_Cancel_Reschedule_Reason__c": _reason(life),
        "StartDateTime": _wire(start), "EndDateTime": _wire(end), "OwnerId": _host(life),
        "ShowAs": "Free" if data["status"] == "canceled" else "Busy", "WhoId": f"{name} <{lead['Email']}>",
    }  # fmt: skip


def _reason(life: list[dict[str, Any]]) -> str | None:
    said = [e for e in life if e["type"].removeprefix("booking.") in _GIVE_A_REASON]
    return (said[-1]["data"]["cancel_reschedule_information"] or {}).get("reason") if said else None


def _summary(life: list[dict[str, Any]], where: str, start: datetime) -> str:
    form, data = _form(life), life[-1]["data"]
    parts = {
        "Meeting with": " ".join(form["name"].split()), "Company": form["company"], "Subject": data["subject"],
        "Start time": f"{start:%a, %b} {start.day}, {start:%Y}, {start.hour % 12 or 12}:{start:%M %p} ({start.tzinfo})",
        "Duration": f"{data['duration_minutes']} minutes", "Location": where, "Customer email": _email(life),
        "Customer phone": form["phone"], "Customer mobile phone": form["mobile_phone"],
        "Note from customer": form["note"],
    }  # fmt: skip
    guests = f"\nGuests: {', '.join(form['guests'])}" if form["guests"] else ""
    return ", ".join(f"{label}: {value}" for label, value in parts.items() if value) + guests


def _wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
