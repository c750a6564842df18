"""A booking as an iCalendar file that a guest keeps: one UID for the booking's life, SEQUENCE one more per change.

Sources: RFC 5545 (the format), RFC 5546 3.2.1 (PUBLISH), 2.1.4 (SEQUENCE).
"""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from instep.core.booking import Booking, Kind, Status

CONTENT_TYPE = "text/calendar; charset=utf-8"

#: transitions after which a calendar program must take the newer file; the rest changes nothing that it shows
_CHANGES = frozenset(
    {
        Kind.APPROVED,
        Kind.DECLINED,
        Kind.RESCHEDULED,
        Kind.REASSIGNED,
        Kind.CANCELED,
        Kind.CANCELED_THEN_RESCHEDULED,
        Kind.CANCELED_RESCHEDULE_REQUESTED,
    }
)


def uid_of(booking_id: str) -> str:
    """The UID of a booking: the same for its whole life, in every file and invitation."""
    return f"{booking_id}@instep"


def sequence_of(booking: Booking) -> int:
    """How often what a calendar shows was changed."""
    return sum(step.kind in _CHANGES for step in booking.timeline)


def calendar_file(booking: Booking, now: datetime, notes: str = "") -> bytes:
    """The file; `notes` stand in its description. Times are UTC, which every program shows in its own zone."""
    event = Event()
    event.add("uid", uid_of(booking.id))
    event.add("sequence", sequence_of(booking))
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    if booking.updated_at is not None:
        event.add("last-modified", booking.updated_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", booking.start.astimezone(UTC))
    event.add("dtend", booking.end.astimezone(UTC))
    event.add("summary", booking.subject)
    event.add("status", _status(booking))
    event.add("transp", "TRANSPARENT" if booking.status is Status.CANCELED else "OPAQUE")
    if booking.location:
        event.add("location", booking.location)
    described = "\n\n".join(part for part in (notes, booking.manage_url) if part)
    if described:
        event.add("description", described)
    if booking.manage_url:
        event.add("url", booking.manage_url)
    if booking.host is not None and booking.host.email:
        event.add("organizer", _person(booking.host.email, booking.host.name), encode=False)
    if booking.guest.email:
        attendee = _person(booking.guest.email, booking.guest.name)
        attendee.params["PARTSTAT"] = vText("ACCEPTED")
        event.add("attendee", attendee, encode=False)
    file = Calendar()
    file.add("prodid", "-//Instep//Booking//EN")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    file.add_component(event)
    return bytes(file.to_ical())


def _status(booking: Booking) -> str:
    if booking.status is Status.CANCELED:
        return "CANCELLED"
    return "TENTATIVE" if booking.status is Status.REQUESTED else "CONFIRMED"


def _person(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        # a quote would end the parameter, and RFC 5545 knows no way to write one in it
        address.params["CN"] = vText(" ".join(name.replace('"', "'").split()))
    return address
