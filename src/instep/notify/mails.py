"""Which mails a transition of a booking owes, and to whom. Pure: nothing is stored or sent here.

A mail is about one transition: it says what was true then, so everything it needs is put into its document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from instep.core.acts import was_taken_back
from instep.core.booking import Booking, Host, Kind, Status

GUEST, HOST = "guest", "host"

#: who hears of what. A guest is not told of a reassignment: the meeting stays as it was agreed.
_TOLD: Mapping[Kind, tuple[str, ...]] = {
    Kind.REQUESTED: (HOST, GUEST),
    Kind.SCHEDULED: (HOST, GUEST),
    Kind.APPROVED: (GUEST,),
    Kind.DECLINED: (GUEST,),
    Kind.RESCHEDULED: (HOST, GUEST),
    Kind.CANCELED: (HOST, GUEST),
    Kind.CANCELED_RESCHEDULE_REQUESTED: (HOST, GUEST),
}

#: what a mail is about where that is not the transition's own name
HANDED_OVER, TAKEN_OVER = "handed_over", "taken_over"


@frozen
class Owed:
    """One mail: what it is about (a kind's wire name, or handed over / taken over), to whom, and its facts."""

    what: str
    role: str
    recipient: str
    document: Mapping[str, Any]


def owed(before: Booking | None, after: Booking) -> tuple[Owed, ...]:
    """The mails that the latest transition of `after` owes; none for transitions that nobody hears of."""
    if not after.timeline:
        return ()
    kind = after.timeline[-1].kind
    if was_taken_back(after):
        # nobody was told of the booking either
        return ()
    if kind is Kind.REASSIGNED:
        return tuple(_reassigned(before, after))
    document = _document(before, after)
    addresses = {GUEST: after.guest.email, HOST: after.host.email if after.host else ""}
    return tuple(
        Owed(kind.value, role, addresses[role], document) for role in _TOLD.get(kind, ()) if addresses[role]
    )


def _reassigned(before: Booking | None, after: Booking) -> Iterator[Owed]:
    former = before.host if before else None
    if former and former.email and (after.host is None or after.host.key != former.key):
        yield Owed(HANDED_OVER, HOST, former.email, _document(before, after, former))
    if after.host and after.host.email:
        yield Owed(TAKEN_OVER, HOST, after.host.email, _document(before, after))


def _document(before: Booking | None, after: Booking, reader: Host | None = None) -> dict[str, Any]:
    """The facts of a mail as JSON. `reader` is the host who reads it where that is not the present one."""
    step = after.timeline[-1]
    host, guest = after.host or Host(key=""), after.guest
    reader = reader or host
    moved = before is not None and before.start != after.start and before.status is not Status.CANCELED
    return {
        "booking": after.id,
        "subject": after.subject,
        "start": after.start.isoformat(),
        "end": after.end.isoformat(),
        "was": before.start.isoformat() if before is not None and moved else "",
        "by": step.by,
        "reason": step.reason,
        "host": {"name": host.name or host.email, "email": host.email, "zone": host.time_zone},
        "reader_zone": reader.time_zone or host.time_zone,
        "guest": {
            "name": guest.name,
            "email": guest.email,
            "phone": guest.mobile_phone or guest.phone,
            "company": guest.company,
            "note": guest.note,
            "zone": after.guest_time_zone,
        },
        "location": after.location,
        "manage_url": after.manage_url,
    }
