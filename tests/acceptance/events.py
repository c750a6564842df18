"""OnceHub events for tests, written from the description of their format and not from our code."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOST = "greta.lindqvist@host.example"
OTHER_HOST = "amara.okafor@host.example"
_FIRST = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def stamp(at: datetime) -> str:
    """A moment as OnceHub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def event(
    booking: str,
    *,
    kind: str = "scheduled",
    status: str | None = None,
    step: int = 0,
    start: datetime = _FIRST + timedelta(days=30),
    host: str = HOST,
    reason: str | None = None,
    form: Mapping[str, Any] | None = None,
    **data: Any,
) -> dict[str, Any]:
    """One event of a booking; `step` orders the events of its life, `data` replaces parts of the booking."""
    at = stamp(_FIRST + timedelta(minutes=step))
    guest = {
        "name": "Ada Byron", "email": f"{booking.lower()}@guest.example", "phone": None, "mobile_phone": None,
        "note": None, "company": "Analytical Engines", "guests": [], "custom_fields": [], **(form or {}),
    }  # fmt: skip
    change = {"reason": reason, "actioned_by": "customer", "user_id": None} if reason is not None else None
    body = {
        "object": "booking", "id": booking, "tracking_id": booking, "subject": "Product demo",
        "status": status or kind, "in_trash": False, "creation_time": stamp(_FIRST), "starting_time": stamp(start),
        "last_updated_time": at, "customer_timezone": "Europe/Lisbon", "duration_minutes": 30,
        "virtual_conferencing": {"join_url": f"https://meet.example.org/{booking.lower()}"},
        "location_description": "", "rescheduled_booking_id": "", "cancel_reschedule_information": change,
        "attendees": [host, guest["email"]], "form_submission": guest, "owner": "USR-A7PDBL371Z",
        "conversation": None, "booking_calendar": "BKC-5MNHRZY6XK", "booking_page": None, "master_page": None,
        "event_type": None, "external_calendar": {"type": "google", "name": host, "id": host, "event_id": "g-1"},
        "custom_fields": [], **data,
    }  # fmt: skip
    return {
        "id": f"EVNT-{uuid.uuid4().hex[:12].upper()}", "object": "event", "creation_time": at,
        "type": f"booking.{kind}", "api_version": "v2", "data": body,
    }  # fmt: skip


def lines(events: Iterable[Any]) -> str:
    """Events as a file holds them; a text stands for itself."""
    return "".join((e if isinstance(e, str) else json.dumps(e, ensure_ascii=False)) + "\n" for e in events)


def write(path: Path, events: Iterable[Any]) -> str:
    """Write events into a file; its name."""
    path.write_text(lines(events), encoding="utf-8")
    return str(path)


def signature(raw: bytes, secret: str, at: datetime) -> str:
    """The header with which OnceHub signs a body."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},s={hmac.new(secret.encode(), seconds.encode() + b'.' + raw, hashlib.sha256).hexdigest()}"
