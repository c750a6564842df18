"""What may happen next to a booking made here, and the fact that each act makes of it.

Source: OnceHub 8.1 and 8.2 (statuses and allowed actions), scheduling 1.3 (states and transitions). Facts made here
never go back in time: each is later than the one before, whatever the clocks of several machines say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from instep.core.booking import STATUS_WORDS, Booking, Host, Kind, Status
from instep.core.booking_calendar import HERE, Rules
from instep.core.errors import InputError
from instep.core.fold import Change, Snapshot

CUSTOMER, USER, SYSTEM = "customer", "user", "system"


class Act(StrEnum):
    """What the two sides can do with a booking, in the order of the pages."""

    RESCHEDULE = "reschedule"
    ASK_TO_RESCHEDULE = "ask_to_reschedule"
    REASSIGN = "reassign"
    NO_SHOW = "no_show"
    UNDO_NO_SHOW = "undo_no_show"
    CANCEL = "cancel"
    APPROVE = "approve"
    DECLINE = "decline"


#: what an act does to a booking, as people say it
_DONE: Mapping[Act, str] = {
    Act.RESCHEDULE: "rescheduled",
    Act.ASK_TO_RESCHEDULE: "canceled with a request for a new time",
    Act.REASSIGN: "reassigned",
    Act.NO_SHOW: "marked as no-show",
    Act.UNDO_NO_SHOW: "freed of a no-show",
    Act.CANCEL: "canceled",
    Act.APPROVE: "approved",
    Act.DECLINE: "declined",
}

_AHEAD = frozenset({Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.REASSIGN, Act.NO_SHOW, Act.CANCEL})
_HOSTS_SIDE: Mapping[Status, frozenset[Act]] = {
    Status.REQUESTED: frozenset({Act.APPROVE, Act.DECLINE}),
    Status.SCHEDULED: _AHEAD,
    Status.RESCHEDULED: _AHEAD,
    Status.COMPLETED: _AHEAD - {Act.REASSIGN},
    Status.NO_SHOW: frozenset({Act.RESCHEDULE, Act.ASK_TO_RESCHEDULE, Act.UNDO_NO_SHOW, Act.CANCEL}),
    Status.CANCELED: frozenset(),
}

#: the statuses in which a booking takes its host's time; an ended meeting has used it
_TAKES_TIME = frozenset(Status) - {Status.CANCELED}


def takes_time(status: Status) -> bool:
    """Whether a booking of this status keeps its host from being booked at its time."""
    return status in _TAKES_TIME


def allowed(booking: Booking, now: datetime) -> tuple[Act, ...]:
    """What the host's side may do now, in the order of the page; nothing for bookings of other sources."""
    return tuple(act for act in Act if not _refusal(booking, act, now))


def _refusal(booking: Booking, act: Act, now: datetime) -> str:
    """Why the host's side may not do this now; empty when it may."""
    if booking.source != HERE:
        return "This booking was made in another product: change it there."
    if act not in _HOSTS_SIDE[booking.status]:
        return f"A booking that is {STATUS_WORDS[booking.status]} cannot be {_DONE[act]}."
    if act is Act.NO_SHOW and now < booking.start:
        return "The meeting has not started yet: nobody can have missed it."
    if act is Act.APPROVE and now >= booking.start:
        return "The requested time has passed: decline the request."
    return ""


def guest_may(booking: Booking, rules: Rules, act: Act, now: datetime) -> str:
    """Empty when the guest may do this now, else the reason in plain words. Guests reschedule and cancel only."""
    if act not in (Act.RESCHEDULE, Act.CANCEL) or booking.source != HERE:
        return "Only the host can do this."
    if booking.status is Status.CANCELED:
        return "This booking has been canceled."
    if booking.status in (Status.COMPLETED, Status.NO_SHOW) or now >= booking.start:
        return "The meeting has started or is over, so it can no longer be changed here."
    if act is Act.CANCEL and not rules.guest_may_cancel:
        return "Bookings of this calendar cannot be canceled here. Please write to your host."
    if act is Act.RESCHEDULE:
        if not rules.guest_may_reschedule:
            return "Bookings of this calendar cannot be rescheduled here. Please write to your host."
        if rules.approval:
            return "The host confirms each time of this calendar: cancel this one and ask for another."
    if now > booking.start - timedelta(minutes=rules.guest_changes_until):
        return f"It is too late: changes end {_ahead(rules.guest_changes_until)} before the start."
    return ""


def _ahead(minutes: int) -> str:
    for size, name in ((24 * 60, "day"), (60, "hour")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{minutes} minutes"


# --- the facts ---


def rescheduled(
    booking: Booking, start: datetime, duration: timedelta, said: Change, now: datetime, fact_id: str
) -> Snapshot:
    """The booking at another time; its id stays. Raises `InputError`, as all these do."""
    _require(booking, Act.RESCHEDULE, said.by, now)
    if (start, duration) == (booking.start, booking.duration):
        raise InputError(
            "The meeting is at that time already.", cure="Choose another time.", code="SAME_TIME"
        )
    moved = {"start": start, "duration": duration}
    return _fact(booking, Kind.RESCHEDULED, Status.RESCHEDULED, now, fact_id, change=said, **moved)


def canceled(booking: Booking, said: Change, now: datetime, fact_id: str) -> Snapshot:
    """The booking canceled by one of the two sides."""
    _require(booking, Act.CANCEL, said.by, now)
    return _fact(booking, Kind.CANCELED, Status.CANCELED, now, fact_id, change=said)


def taken_back(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """A booking that was never confirmed, because a CRM in strict mode did not take it (rule E9)."""
    if booking.status not in (Status.REQUESTED, Status.SCHEDULED):
        raise InputError(
            f"A booking that is {STATUS_WORDS[booking.status]} cannot be taken back.", code="NOT_ALLOWED"
        )
    kind = Kind.DECLINED if booking.status is Status.REQUESTED else Kind.CANCELED
    return _fact(booking, kind, Status.CANCELED, now, fact_id, change=Change(reason, SYSTEM))


def was_taken_back(booking: Booking) -> bool:
    """Whether a booking was never confirmed."""
    return booking.status is Status.CANCELED and booking.actioned_by == SYSTEM


def asked_to_reschedule(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """The booking canceled by the host, the guest asked to choose another time: that will be a new booking."""
    _require(booking, Act.ASK_TO_RESCHEDULE, USER, now)
    kind = Kind.CANCELED_RESCHEDULE_REQUESTED
    return _fact(booking, kind, Status.CANCELED, now, fact_id, change=Change(reason, USER))


def reassigned(booking: Booking, host: Host, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """The booking in another host's hands, its status as it was."""
    _require(booking, Act.REASSIGN, USER, now)
    if booking.host is not None and host.key == booking.host.key:
        raise InputError(
            f"{host.name or host.email} has this booking already.",
            cure="Choose another host.",
            code="SAME_HOST",
        )
    said = Change(reason, USER)
    return _fact(booking, Kind.REASSIGNED, booking.status, now, fact_id, step=said, host_address=host.email)


def marked_no_show(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """The guest did not come."""
    _require(booking, Act.NO_SHOW, USER, now)
    return _fact(booking, Kind.NO_SHOW, Status.NO_SHOW, now, fact_id, step=Change(reason, USER))


def no_show_undone(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """A no-show taken back: Completed where the end has passed, else the status before."""
    _require(booking, Act.UNDO_NO_SHOW, USER, now)
    earlier = (s.status for s in reversed(booking.timeline) if s.status is not Status.NO_SHOW)
    status = Status.COMPLETED if booking.end <= now else next(earlier, Status.SCHEDULED)
    return _fact(booking, Kind.NO_SHOW_UNDONE, status, now, fact_id, step=Change(reason, USER))


def approved(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """A request that the host has granted."""
    _require(booking, Act.APPROVE, USER, now)
    return _fact(booking, Kind.APPROVED, Status.SCHEDULED, now, fact_id, step=Change(reason, USER))


def declined(booking: Booking, reason: str, now: datetime, fact_id: str) -> Snapshot:
    """A request that the host has refused; it never gets an activity in the CRM (rule E1)."""
    _require(booking, Act.DECLINE, USER, now)
    return _fact(booking, Kind.DECLINED, Status.CANCELED, now, fact_id, change=Change(reason, USER))


def completed(booking: Booking, fact_id: str) -> Snapshot:
    """The meeting's end has passed: completed at that very moment, however late this is noticed."""
    if booking.status not in (Status.SCHEDULED, Status.RESCHEDULED):
        raise InputError(
            f"A booking that is {STATUS_WORDS[booking.status]} cannot be completed.", code="NOT_ALLOWED"
        )
    said = Change(by=SYSTEM)
    return _fact(booking, Kind.COMPLETED, Status.COMPLETED, booking.end, fact_id, step=said)


def _require(booking: Booking, act: Act, by: str, now: datetime) -> None:
    """The guest's own limits are the calendar's (`guest_may`); a guest may also take back a request."""
    if by == CUSTOMER and booking.status is Status.REQUESTED and act is Act.CANCEL:
        return
    refusal = _refusal(booking, act, now)
    if refusal:
        raise InputError(refusal, code="NOT_ALLOWED")


def _fact(
    booking: Booking, kind: Kind, status: Status, now: datetime, fact_id: str, **parts: Any
) -> Snapshot:
    """A fact that speaks of what changes; every other part keeps what earlier facts said."""
    at = now
    if booking.updated_at is not None:
        at = max(now, booking.updated_at + timedelta(microseconds=1))
    return Snapshot(
        source=HERE,
        envelope_id=fact_id,
        booking_id=booking.id,
        kind=kind,
        updated_at=at,
        created_at=at,
        status=status,
        **{"start": booking.start, "duration": booking.duration, **parts},
    )
