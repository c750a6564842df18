"""OnceHub events for tests: an envelope that is right in every part, with what a test wants changed."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUNO = "nuno.reis@host.example"
GRETA = "greta.lindqvist@host.example"

_STATUS_OF = {
    "reassigned": "scheduled",
    "canceled_then_rescheduled": "canceled",
    "canceled_reschedule_requested": "canceled",
}


def form(**changes: Any) -> dict[str, Any]:
    """A filled-in booking form."""
    return {
        "name": "Ines Castro",
        "email": "ines.castro@guest.example",
        "phone": None,
        "mobile_phone": "+351912000111",
        "note": "Please show the reporting part.",
        "company": "Castro Lda",
        "guests": ["rui.melo@guest.example"],
        "custom_fields": [
            {"name": "team_size", "value": "11-50"},
            {"name": "topics", "value": ["Pricing", "Security"]},
        ],
        **changes,
    }


def owner(**changes: Any) -> dict[str, Any]:
    """A user object, as some events carry it in place of the bare id."""
    return {
        "object": "user",
        "id": "USR-4HN2P7WZQ8",
        "first_name": "Nuno",
        "last_name": "Reis",
        "email": NUNO,
        "timezone": "Europe/Lisbon",
        **changes,
    }


def envelope(
    envelope_id: str = "EVNT-1", kind: str = "scheduled", at: datetime | int = 0, **data: Any
) -> dict[str, Any]:
    """An event; `at` is when the booking was last updated, or minutes after noon of the day of the tests."""
    moment = NOON + timedelta(minutes=at) if isinstance(at, int) else at
    return {
        "id": envelope_id,
        "object": "event",
        "creation_time": _wire(moment),
        "type": f"booking.{kind}",
        "api_version": "v2",
        "data": {**_booking(kind, moment), **data},
    }


def line(*arguments: Any, **data: Any) -> bytes:
    """An event as it comes over the wire."""
    return json.dumps(envelope(*arguments, **data)).encode()


def with_change(event: dict[str, Any], path: str, value: Any) -> bytes:
    """The event with one part (`data.form_submission.name`) replaced, over the wire."""
    changed = copy.deepcopy(event)
    *parents, last = path.split(".")
    part = changed
    for parent in parents:
        part = part[parent]
    part[last] = value
    return json.dumps(changed).encode()


def _wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _booking(kind: str, moment: datetime) -> dict[str, Any]:
    return {
        "object": "booking",
        "id": "BKNG-7Q2M9XKD41TA",
        "tracking_id": "BKNG-7Q2M9XKD41TA",
        "subject": "Onboarding call",
        "status": _STATUS_OF.get(kind, kind),
        "in_trash": False,
        "creation_time": _wire(NOON),
        "starting_time": "2026-03-05T13:00:00.000Z",
        "last_updated_time": _wire(moment),
        "customer_timezone": "Europe/Lisbon",
        "duration_minutes": 45,
        "virtual_conferencing": {"join_url": "https://meet.example.org/xyz-123"},
        "location_description": "",
        "rescheduled_booking_id": "",
        "cancel_reschedule_information": None,
        "attendees": [NUNO, "ines.castro@guest.example"],
        "form_submission": form(),
        "owner": "USR-4HN2P7WZQ8",
        "conversation": None,
        "booking_calendar": "BKC-51RT8YQ20V",
        "booking_page": None,
        "external_calendar": {"type": "google", "name": NUNO, "id": NUNO, "event_id": "k2v8f0e6p1a4"},
        "cancel_reschedule_url": "https://book.example.org/m/BKNG-7Q2M9XKD41TA",
        "custom_fields": [{"name": "discussion_points", "value": "Data import"}],
    }
