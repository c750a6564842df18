"""Many snapshots of one booking, in any order and any number, become its one present state.

A fact says what was true of a booking at one moment. Facts are put in order by what they say of
themselves, never by when they came: last update, then creation of the event, then the place of its
kind in a booking's life, then the event's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from attrs import field, frozen

from instep.core.booking import (
    REASON_KINDS,
    Booking,
    Guest,
    Host,
    Kind,
    Status,
    Transition,
    status_detail,
)
from instep.core.contact import email_key

#: where a kind stands in a booking's life; decides between facts of the very same moment. Ranks are kept with
#: what facts said: a kind that is added takes the place of its like, and moves no other.
LIFE_ORDER: Mapping[Kind, int] = {
    kind: rank
    for rank, kinds in enumerate(
        (
            (Kind.REQUESTED,),
            (Kind.SCHEDULED, Kind.APPROVED),
            (Kind.RESCHEDULED,),
            (Kind.REASSIGNED,),
            (Kind.COMPLETED,),
            (Kind.NO_SHOW,),
            (Kind.NO_SHOW_UNDONE,),
            (Kind.CANCELED_RESCHEDULE_REQUESTED,),
            (Kind.CANCELED_THEN_RESCHEDULED,),
            (Kind.CANCELED, Kind.DECLINED),
        )
    )
    for kind in kinds
}

_STATUSES_OF: Mapping[Kind, frozenset[Status]] = {
    Kind.APPROVED: frozenset({Status.SCHEDULED}),
    Kind.DECLINED: frozenset({Status.CANCELED}),
    Kind.REASSIGNED: frozenset(Status),
    Kind.NO_SHOW_UNDONE: frozenset(Status),
    Kind.CANCELED_THEN_RESCHEDULED: frozenset({Status.CANCELED}),
    Kind.CANCELED_RESCHEDULE_REQUESTED: frozenset({Status.CANCELED}),
}

Order = tuple[datetime, datetime, int, str]
T = TypeVar("T")


@frozen
class Form:
    """What the guest typed, blanks empty; `custom` maps an identifier to a text or a tuple of texts."""

    name: str = ""
    email: str = ""
    phone: str = ""
    mobile_phone: str = ""
    company: str = ""
    note: str = ""
    guests: tuple[str, ...] = ()
    custom: Mapping[str, Any] = field(factory=dict)


@frozen
class Owner:
    """Who the source says owns the booking. Only `id` is known when it came as a bare id."""

    id: str
    email: str = ""
    name: str = ""
    time_zone: str = ""


@frozen
class Change:
    """Why and by whom ("user", "customer" or "system") a booking was changed."""

    reason: str = ""
    by: str = ""


@frozen
class Snapshot:
    """One fact, normalised. Times are UTC; None means that the fact does not speak of this part.

    `host_address` is the address of the calendar that the meeting stands in. `change` is the reason of the latest
    cancel or move, which the CRM shows and later facts repeat; `step` is that of any other transition, which only
    the timeline shows.
    """

    source: str
    envelope_id: str
    booking_id: str
    kind: Kind
    updated_at: datetime
    created_at: datetime
    status: Status
    start: datetime
    duration: timedelta
    in_trash: bool = False
    booked_at: datetime | None = None
    subject: str | None = None
    time_zone: str | None = None
    virtual_location: str | None = None
    physical_location: str | None = None
    rescheduled_from: str | None = None
    change: Change | None = None
    step: Change | None = None
    attendees: tuple[str, ...] | None = None
    form: Form | None = None
    owner: Owner | None = None
    host_address: str | None = None
    calendar: str | None = None
    calendar_name: str | None = None
    tracking_id: str | None = None
    manage_url: str | None = None
    custom: Mapping[str, Any] | None = None
    utm: Mapping[str, str] | None = None
    record_ids: Mapping[str, str] | None = None
    details: Mapping[str, str] | None = None

    @property
    def order(self) -> Order:
        """The total order of facts."""
        return (self.updated_at, self.created_at, LIFE_ORDER[self.kind], self.envelope_id)

    @property
    def stamp(self) -> str:
        """`order` as text that sorts alike (by code point), for values that remember who said them."""
        return stamp(*self.order)


def stamp(updated_at: datetime, created_at: datetime, rank: int, envelope_id: str) -> str:
    """An order key as text that sorts like the key itself; years have four digits."""
    moments = (at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") for at in (updated_at, created_at))
    return "|".join((*moments, f"{rank:02d}", envelope_id))


@frozen
class Hosts:
    """The hosts known now: by lower-case address, and by the source's own id of a user."""

    by_email: Mapping[str, Host] = field(factory=dict)
    by_id: Mapping[str, Host] = field(factory=dict)


def in_order(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Facts from oldest to newest, each event once."""
    return tuple(sorted({s.envelope_id: s for s in snapshots}.values(), key=lambda s: s.order))


def fold(snapshots: Iterable[Snapshot], hosts: Hosts) -> Booking:
    """The state that these facts of one booking add up to, the same for every order of arrival.

    The newest fact decides; a part that it does not speak of keeps what the newest fact with that part said.
    `contact_id` is left empty: identity is not in the facts. Raises `ValueError` when there is no fact.
    """
    facts = in_order(snapshots)
    if not facts:
        raise ValueError("a booking needs at least one fact")
    newest = facts[-1]
    form = newest_said(facts, lambda s: s.form) or Form()
    reason, by = _reason(facts)
    present = _hosts_by_step(facts, hosts)
    return Booking(
        id=newest.booking_id,
        source=newest.source,
        status=newest.status,
        status_detail=_detail(newest),
        subject=newest_said(facts, lambda s: s.subject) or "",
        start=newest.start,
        end=newest.start + newest.duration,
        booked_at=newest_said(facts, lambda s: s.booked_at),
        updated_at=newest.updated_at,
        guest_time_zone=newest_said(facts, lambda s: s.time_zone) or "",
        virtual_location=newest_said(facts, lambda s: s.virtual_location) or "",
        physical_location=newest_said(facts, lambda s: s.physical_location) or "",
        reason=reason,
        actioned_by=by,
        host=present[-1],
        guest=_guest(form),
        calendar=newest_said(facts, lambda s: s.calendar) or "",
        calendar_name=newest_said(facts, lambda s: s.calendar_name) or "",
        tracking_id=newest_said(facts, lambda s: s.tracking_id) or "",
        rescheduled_from=newest_said(facts, lambda s: s.rescheduled_from) or "",
        manage_url=newest_said(facts, lambda s: s.manage_url) or "",
        custom={**form.custom, **(newest_said(facts, lambda s: s.custom) or {})},
        utm=newest_said(facts, lambda s: s.utm) or {},
        record_ids=newest_said(facts, lambda s: s.record_ids) or {},
        timeline=tuple(transition(s, host) for s, host in zip(facts, present, strict=True)),
        details={name: value for s in facts for name, value in (s.details or {}).items()},
    )


def newest_said(facts: Sequence[Snapshot], part: Callable[[Snapshot], T | None]) -> T | None:
    """A part as the newest of these facts (oldest first) that speaks of it says it."""
    return next((said for s in reversed(facts) if (said := part(s)) is not None), None)


def transition(snapshot: Snapshot, host: Host | None) -> Transition:
    """The step of the timeline that a fact stands for, with the reason and the person of this very step."""
    said = _said_of_step(snapshot)
    return Transition(
        kind=snapshot.kind,
        at=snapshot.updated_at,
        status=snapshot.status,
        by=said.by,
        reason=said.reason,
        start=snapshot.start,
        host=host,
    )


def _said_of_step(snapshot: Snapshot) -> Change:
    # the block of a cancel or move is repeated on later facts, whose own step it does not explain
    return (snapshot.change if snapshot.kind in REASON_KINDS else snapshot.step) or Change()


def _guest(form: Form) -> Guest:
    return Guest(
        name=form.name,
        email=form.email,
        phone=form.phone,
        mobile_phone=form.mobile_phone,
        company=form.company,
        note=form.note,
        guests=form.guests,
    )


def _reason(facts: Sequence[Snapshot]) -> tuple[str, str]:
    """Reason and who gave it: of the latest reschedule or cancel, emptied by one without a reason.

    The block is repeated on later facts of other kinds; those only count when the source never told of the
    change itself.
    """
    changes = [s for s in facts if s.kind in REASON_KINDS]
    if changes:
        block = changes[-1].change or Change()
    else:
        block = newest_said(facts, lambda s: s.change) or Change()
    return block.reason, block.by


def _detail(newest: Snapshot) -> str:
    """The detailed status; where kind and status contradict each other the status is believed."""
    kind, fitting = newest.kind, _STATUSES_OF.get(newest.kind)
    if newest.status.value != kind.value and (fitting is None or newest.status not in fitting):
        kind = Kind(newest.status.value)
    said = newest.change if kind in REASON_KINDS else newest.step
    return status_detail(kind, newest.status, said.by if said else "")


def _hosts_by_step(facts: Sequence[Snapshot], hosts: Hosts) -> list[Host | None]:
    """Who was booked after each fact, oldest first.

    The calendar's address decides, else the first known host among the attendees. A fact that shows neither
    leaves the host as he was. The owner comes last: he stays the same when a booking is reassigned.
    """
    present: Host | None = None
    owner: Host | None = None
    steps: list[Host | None] = []
    for snapshot in facts:
        present = _host_in(snapshot, hosts, present) or present
        owner = _owner_in(snapshot, hosts) or owner
        steps.append(present or owner)
    return steps


def _host_in(snapshot: Snapshot, hosts: Hosts, present: Host | None) -> Host | None:
    settled = hosts.by_email.get(email_key(snapshot.host_address or ""))
    if settled is not None:
        return settled
    guest = email_key(snapshot.form.email) if snapshot.form else ""
    addresses = [email_key(a) for a in snapshot.attendees or ()]
    # a colleague who books is a known host too, but not the one who is booked
    addresses = [a for a in addresses if a != guest] or addresses
    known = [hosts.by_email[a] for a in addresses if a in hosts.by_email]
    if present in known and snapshot.kind is not Kind.REASSIGNED:
        return present
    return known[0] if known else None


def _owner_in(snapshot: Snapshot, hosts: Hosts) -> Host | None:
    owner = snapshot.owner
    if owner is None:
        return None
    known = hosts.by_email.get(email_key(owner.email)) if owner.email else None
    known = known or hosts.by_id.get(owner.id)
    return known or Host(key=owner.id, email=owner.email, name=owner.name, time_zone=owner.time_zone)
