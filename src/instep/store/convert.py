"""Between rows and the values of core: a booking's `state`, and a contact's map of values.

A state names hosts by key only, so that a host's new name reaches every booking without rewriting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from instep.core.booking import Booking, Guest, Host, Kind, Status, Transition
from instep.core.contact import Contact, Fields, contact_of

State = dict[str, Any]

_TEXTS = (
    "status_detail",
    "subject",
    "guest_time_zone",
    "virtual_location",
    "physical_location",
    "reason",
    "actioned_by",
    "calendar",
    "calendar_name",
    "tracking_id",
    "rescheduled_from",
    "manage_url",
)
_GUEST_TEXTS = ("name", "email", "phone", "mobile_phone", "company", "note")


def state_of(booking: Booking) -> State:
    """A booking as JSON, without its contact and without what is known of its hosts."""
    hosts = booking.hosts_newest_first
    return {
        "id": booking.id,
        "source": booking.source,
        "status": booking.status.value,
        "start": _wire(booking.start),
        "end": _wire(booking.end),
        "booked_at": _wire(booking.booked_at),
        "updated_at": _wire(booking.updated_at),
        **{name: getattr(booking, name) for name in _TEXTS},
        "guest": {
            **{name: getattr(booking.guest, name) for name in _GUEST_TEXTS},
            "guests": list(booking.guest.guests),
        },
        "custom": {name: _listed(value) for name, value in booking.custom.items()},
        "utm": dict(booking.utm),
        "record_ids": dict(booking.record_ids),
        "details": dict(booking.details),
        "host": booking.host.key if booking.host else None,
        "hosts": [host.key for host in hosts],
        # hosts that only the source knows, by its own id: no row of ours tells of them
        "strangers": {host.key: [host.name, host.time_zone] for host in hosts if not host.email},
        "timeline": [_step(step) for step in booking.timeline],
    }


def booking_of(
    state: Mapping[str, Any],
    contact_id: str,
    hosts: Mapping[str, Iterable[str]] | None,
    event_title: str = "",
) -> Booking:
    """A booking from its state; `hosts` maps a host's key to e-mail, name and time zone.

    `event_title` is the template of its calendar, as it is now.
    """
    known = {key: Host(key, *values) for key, values in (hosts or {}).items()}
    for key, (name, time_zone) in state["strangers"].items():
        known.setdefault(key, Host(key, "", name, time_zone))
    guest = state["guest"]
    return Booking(
        id=state["id"],
        source=state["source"],
        status=Status(state["status"]),
        start=_required(state["start"]),
        end=_required(state["end"]),
        booked_at=_moment(state["booked_at"]),
        updated_at=_moment(state["updated_at"]),
        **{name: state[name] for name in _TEXTS},
        guest=Guest(**{name: guest[name] for name in _GUEST_TEXTS}, guests=tuple(guest["guests"])),
        custom={name: _tupled(value) for name, value in state["custom"].items()},
        utm=state["utm"],
        # states that were kept before links could name records have none
        record_ids=state.get("record_ids") or {},
        host=known.get(state["host"]),
        timeline=tuple(_transition(step, known) for step in state["timeline"]),
        contact_id=contact_id,
        # states that were kept before sources were asked for them have none
        details=state.get("details") or {},
        event_title=event_title,
    )


def essence(state: Mapping[str, Any]) -> dict[str, Any]:
    """What of a state can show in the CRM: all of it but the older steps of the timeline."""
    timeline = state["timeline"]
    return {**state, "timeline": timeline[-1]["kind"] if timeline else None}


def fields_json(fields: Fields) -> dict[str, Any]:
    """A contact's map of values as JSON."""
    return {name: [_listed(value), stamp] for name, (value, stamp) in fields.items()}


def fields_of(document: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """A contact's map of values from JSON."""
    return {name: (_tupled(value), stamp) for name, (value, stamp) in document.items()}


def contact_from(
    public_id: str,
    document: Mapping[str, Any],
    updated_at: datetime | None,
    former_emails: Iterable[str] = (),
) -> Contact:
    """A contact from its row and the addresses that it had before."""
    contact = contact_of(public_id, fields_of(document), updated_at)
    former = tuple(former_emails)
    return evolve(contact, former_emails=former) if former else contact


def _step(step: Transition) -> dict[str, Any]:
    return {
        "kind": step.kind.value,
        "at": _wire(step.at),
        "status": step.status.value,
        "by": step.by,
        "reason": step.reason,
        "start": _wire(step.start),
        "host": step.host.key if step.host else None,
    }


def _transition(step: Mapping[str, Any], hosts: Mapping[str, Host]) -> Transition:
    return Transition(
        kind=Kind(step["kind"]),
        at=_required(step["at"]),
        status=Status(step["status"]),
        by=step["by"],
        reason=step["reason"],
        start=_moment(step["start"]),
        host=hosts.get(step["host"]),
    )


def _wire(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _required(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
