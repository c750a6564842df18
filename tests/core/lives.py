"""Bookings and what happens to them, for examples and for random lives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import evolve

from core.org import NOW
from instep.core.booking import REASON_KINDS, Booking, Guest, Host, Kind, Status, Transition, status_detail
from instep.core.contact import Contact, split_name

DANA = Host("HST-1", "dana@host.example", "Dana Host", "Europe/Lisbon")
OMAR = Host("HST-2", "omar@host.example", "Omar Host", "America/New_York")
LEA = Host("HST-3", "lea@host.example", "Lea Host")
HOSTS = (DANA, OMAR, LEA)

_STATUS = {
    Kind.REASSIGNED: None,
    Kind.NO_SHOW_UNDONE: Status.COMPLETED,
    Kind.CANCELED_THEN_RESCHEDULED: Status.CANCELED,
    Kind.CANCELED_RESCHEDULE_REQUESTED: Status.CANCELED,
}


def contact(key: str = "CTC-1", name: str = "Maria Ortega", **values: Any) -> Contact:
    """A contact of ours; the address follows from its key unless one is given."""
    parts = split_name(name)
    said = {"email": f"{key.lower()}@guest.example", **values}
    return Contact(key, name=name, first_name=parts.first, last_name=parts.last, **said)


def booking(
    key: str = "BKNG-1",
    host: Host | None = DANA,
    at: datetime = NOW,
    kind: Kind = Kind.SCHEDULED,
    **values: Any,
) -> Booking:
    """A fresh booking, made at `at` for the day after."""
    start = at.replace(microsecond=0) + timedelta(days=1)
    fresh = Booking(
        key,
        "oncehub",
        Status(kind.value),
        status_detail(kind, Status(kind.value), ""),
        "Product demo",
        start,
        start + timedelta(minutes=30),
        booked_at=at,
        updated_at=at,
        virtual_location="https://meet.example/42",
        host=host,
        guest=Guest(name="Maria Ortega", note="Bring the numbers"),
        timeline=(Transition(kind, at, Status(kind.value), start=start, host=host),),
    )
    return evolve(fresh, **values)


def step(
    before: Booking, kind: Kind, minutes: int = 5, reason: str = "", host: Host | None = None, **values: Any
) -> Booking:
    """The booking after one more transition, `minutes` after its last; a reschedule moves it by a day."""
    assert before.updated_at is not None
    at = before.updated_at + timedelta(minutes=minutes)
    status = before.status if kind is Kind.REASSIGNED else _STATUS.get(kind) or Status(kind.value)
    moved = timedelta(days=kind is Kind.RESCHEDULED)
    present = host or before.host
    after = Transition(kind, at, status, reason=reason, start=before.start + moved, host=present)
    return evolve(
        before,
        status=status,
        status_detail=status_detail(kind, status, ""),
        start=before.start + moved,
        end=before.end + moved,
        updated_at=at,
        host=present,
        reason=reason if kind in REASON_KINDS else before.reason,
        timeline=(*before.timeline, after),
        **values,
    )
