"""Bookings for the bench: OnceHub events in the source's own form, as many and as different as real ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

#: hosts of the bench who have users in the stand-in's org, and their ids at the source
HOSTS = (
    ("USR-GRETA", "Greta", "Lindqvist", "greta.lindqvist@host.example"),
    ("USR-AMARA", "Amara", "Okafor", "amara.okafor@host.example"),
    ("USR-NUNO", "Nuno", "Reis", "nuno.reis@host.example"),
)
_BOOKED = datetime(2026, 3, 2, 8, tzinfo=UTC)


def scheduled(number: int, prefix: str) -> dict[str, Any]:
    """Booking `number` of a run as its source tells of it; everybody books once."""
    return _envelope("scheduled", number, prefix, _BOOKED + timedelta(seconds=number))


def rescheduled(number: int, prefix: str, times: int) -> dict[str, Any]:
    """The same booking, moved by its guest for the `times`-th time."""
    moved = _envelope("rescheduled", number, prefix, _BOOKED + timedelta(days=times, seconds=number))
    moved["data"]["starting_time"] = _wire(_BOOKED + timedelta(days=30 + times, minutes=15 * (number % 32)))
    moved["data"]["cancel_reschedule_information"] = {
        "reason": "Travel clash",
        "actioned_by": "customer",
        "user_id": None,
    }
    return moved


def lines(events: list[dict[str, Any]]) -> list[bytes]:
    """Events as they come over the wire."""
    return [json.dumps(event).encode() for event in events]


def _wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _envelope(kind: str, number: int, prefix: str, at: datetime) -> dict[str, Any]:
    booking_id = f"BKNG-{prefix}-{number:06d}"
    key, first, last, email = HOSTS[number % len(HOSTS)]
    guest = f"guest.{prefix.lower()}.{number:06d}@people.example"
    return {
        "id": f"EVNT-{prefix}-{number:06d}-{kind}-{int(at.timestamp())}",
        "object": "event",
        "creation_time": _wire(at),
        "type": f"booking.{kind}",
        "api_version": "v2",
        "data": {
            "object": "booking",
            "id": booking_id,
            "tracking_id": booking_id,
            "subject": "Product demo",
            "status": kind,
            "in_trash": False,
            "creation_time": _wire(_BOOKED + timedelta(seconds=number)),
            "starting_time": _wire(_BOOKED + timedelta(days=30, minutes=15 * (number % 32))),
            "last_updated_time": _wire(at),
            "customer_timezone": "Europe/Copenhagen",
            "duration_minutes": 30,
            "virtual_conferencing": {"join_url": f"https://meet.example.org/{booking_id.lower()}"},
            "location_description": "",
            "rescheduled_booking_id": "",
            "cancel_reschedule_information": None,
            "attendees": [email, guest],
            "form_submission": {
                "name": f"Guest {number:06d}",
                "email": guest,
                "phone": None,
                "mobile_phone": f"+4531{number:06d}",
                "note": "Please show the reporting part.",
                "company": f"Company {number % 400} ApS",
                "guests": [],
                "custom_fields": [{"name": "team_size", "value": "11-50"}],
            },
            "owner": {
                "object": "user",
                "id": key,
                "first_name": first,
                "last_name": last,
                "email": email,
                "timezone": "Europe/Copenhagen",
            },
            "conversation": None,
            "booking_calendar": "BKC-51RT8YQ20V",
            "booking_page": None,
            "external_calendar": {"type": "google", "name": email, "id": email, "event_id": f"g{number}"},
            "cancel_reschedule_url": f"https://book.example.org/m/{booking_id}",
            "custom_fields": [],
        },
    }
