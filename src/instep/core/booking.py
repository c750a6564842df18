"""A booking and its life: statuses, transitions, and the state that a set of facts adds up to.

Sources: statuses and detailed texts as in the activity stream of the scheduling product that
sends the events (reference: OnceHub 8.1); the seven event-status texts from its Activity Event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import field, frozen


class Status(StrEnum):
    """The six statuses of a booking, by their wire names."""

    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    RESCHEDULED = "rescheduled"
    COMPLETED = "completed"
    CANCELED = "canceled"
    NO_SHOW = "no_show"


STATUS_WORDS: Mapping[Status, str] = {
    Status.REQUESTED: "Requested",
    Status.SCHEDULED: "Scheduled",
    Status.RESCHEDULED: "Rescheduled",
    Status.COMPLETED: "Completed",
    Status.CANCELED: "Canceled",
    Status.NO_SHOW: "No-show",
}

#: appended to Scheduled and Rescheduled while a reassignment is the latest transition
REASSIGNED_SUFFIX = " (Reassigned by User)"

#: the seven texts of the CRM field "Event status", in the order people meet them
EVENT_STATUS_TEXTS = (
    "Scheduled",
    "Rescheduled",
    "Completed",
    "Canceled",
    "No-show",
    "Scheduled" + REASSIGNED_SUFFIX,
    "Rescheduled" + REASSIGNED_SUFFIX,
)


class Kind(StrEnum):
    """What happened at one transition. The wire names are those of the webhook types.

    Approved, declined and no-show undone happen to bookings made here only.
    """

    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    APPROVED = "approved"
    DECLINED = "declined"
    RESCHEDULED = "rescheduled"
    REASSIGNED = "reassigned"
    CANCELED = "canceled"
    CANCELED_THEN_RESCHEDULED = "canceled_then_rescheduled"
    CANCELED_RESCHEDULE_REQUESTED = "canceled_reschedule_requested"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    NO_SHOW_UNDONE = "no_show_undone"


#: transitions whose reason is the booking's from then on; after all others it stays what it was
REASON_KINDS = frozenset(
    {
        Kind.RESCHEDULED,
        Kind.CANCELED,
        Kind.DECLINED,
        Kind.CANCELED_THEN_RESCHEDULED,
        Kind.CANCELED_RESCHEDULE_REQUESTED,
    }
)


@frozen
class Host:
    """Who is booked. `key` is our own stable id; `time_zone` an IANA name or empty when unknown."""

    key: str
    email: str = ""
    name: str = ""
    time_zone: str = ""


@frozen
class Transition:
    """One step of a booking's life. `at` is UTC; `host` is who was booked from then on, if known."""

    kind: Kind
    at: datetime
    status: Status
    by: str = ""
    reason: str = ""
    start: datetime | None = None
    host: Host | None = None


@frozen
class Guest:
    """What the guest typed for this booking; empty strings where nothing was said."""

    name: str = ""
    email: str = ""
    phone: str = ""
    mobile_phone: str = ""
    company: str = ""
    note: str = ""
    guests: tuple[str, ...] = ()


@frozen
class Booking:
    """The state of a booking, whatever way it came to be. Times are aware and in UTC.

    `id` is the source's id exactly as given; it is written into the CRM. `contact_id` is the public id
    of our contact, empty while nobody is known. `timeline` runs from oldest to newest.
    """

    id: str
    source: str
    status: Status
    status_detail: str
    subject: str
    start: datetime
    end: datetime
    contact_id: str = ""
    booked_at: datetime | None = None
    updated_at: datetime | None = None
    guest_time_zone: str = ""
    virtual_location: str = ""
    physical_location: str = ""
    reason: str = ""
    actioned_by: str = ""
    host: Host | None = None
    guest: Guest = field(factory=Guest)
    calendar: str = ""
    calendar_name: str = ""
    tracking_id: str = ""
    rescheduled_from: str = ""
    manage_url: str = ""
    custom: Mapping[str, Any] = field(factory=dict)
    utm: Mapping[str, str] = field(factory=dict)
    #: ids of CRM records that the link named: lead, contact, case → 15 or 18 characters
    record_ids: Mapping[str, str] = field(factory=dict)
    timeline: tuple[Transition, ...] = ()
    #: what only some sources tell: names as in the catalogue, without `meeting.`
    details: Mapping[str, str] = field(factory=dict)
    #: the template of its calendar's event titles, as it is now; empty where there is none
    event_title: str = ""

    @property
    def duration(self) -> timedelta:
        """How long the meeting lasts."""
        return self.end - self.start

    @property
    def location(self) -> str:
        """Virtual or physical location, the virtual one first."""
        return self.virtual_location or self.physical_location

    @property
    def reassigned_last(self) -> bool:
        """True while a reassignment is the latest transition (the suffix stands only then)."""
        return bool(self.timeline) and self.timeline[-1].kind is Kind.REASSIGNED

    @property
    def hosts_newest_first(self) -> tuple[Host, ...]:
        """Everyone who was booked, the present host first, without repetition."""
        seen: dict[str, Host] = {}
        if self.host is not None:
            seen[self.host.key] = self.host
        for step in reversed(self.timeline):
            if step.host is not None:
                seen.setdefault(step.host.key, step.host)
        return tuple(seen.values())


def event_status(booking: Booking, host_connected: bool) -> str:
    """The text of the CRM field "Event status" (one of the seven).

    The suffix is written only while the reassignment is the latest transition and the new host has a
    user in the CRM; otherwise the CRM shows the plain status (rule E4). A booking that takes the place of another
    is a rescheduled one (rule E5).
    """
    status = booking.status
    if status is Status.SCHEDULED and booking.rescheduled_from:
        status = Status.RESCHEDULED
    word = STATUS_WORDS[status]
    if (
        booking.reassigned_last
        and host_connected
        and booking.status in (Status.SCHEDULED, Status.RESCHEDULED)
    ):
        return word + REASSIGNED_SUFFIX
    return word


_DETAILS: Mapping[Kind, Mapping[str, str]] = {
    Kind.REQUESTED: {"customer": "Requested (By customer)", "user": "Requested (Initiated by user)"},
    Kind.SCHEDULED: {"customer": "Scheduled (By customer)", "user": "Scheduled (By user)"},
    Kind.APPROVED: {"customer": "Scheduled (Approved by User)"},
    Kind.DECLINED: {"customer": "Canceled (Declined by User)", "system": "Canceled (Not confirmed)"},
    Kind.RESCHEDULED: {"customer": "Rescheduled (By customer)", "user": "Rescheduled (By user)"},
    Kind.CANCELED: {
        "customer": "Canceled (By customer)",
        "user": "Canceled (By user)",
        "system": "Canceled (Not confirmed)",
    },
    Kind.CANCELED_THEN_RESCHEDULED: {
        "customer": "Canceled (By customer)",
        "user": "Canceled (By user)",
    },
    Kind.CANCELED_RESCHEDULE_REQUESTED: {
        "customer": "Canceled (Reschedule requested by User)",
        "user": "Canceled (Reschedule requested by User)",
    },
    Kind.COMPLETED: {"customer": "Completed (Set by System)", "user": "Completed (Set by System)"},
    Kind.NO_SHOW: {"customer": "No-show (Set by user)", "user": "No-show (Set by user)"},
}


def status_detail(kind: Kind, status: Status, by: str) -> str:
    """The detailed status text of a transition; `by` is "customer", "user", "system" or empty."""
    if kind is Kind.REASSIGNED and status in (Status.SCHEDULED, Status.RESCHEDULED):
        return f"{STATUS_WORDS[status]} (Reassigned by user)"
    if kind is Kind.NO_SHOW_UNDONE:
        return f"{STATUS_WORDS[status]} (No-show undone by user)"
    texts = _DETAILS.get(kind, {})
    # a booking that nobody is named for was made by the customer: the source names users explicitly
    return texts.get(by or "customer", texts.get("customer", STATUS_WORDS[status]))
