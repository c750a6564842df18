"""Texts that are composed of a booking's data: times in three zones, summaries, the invoice line.

Labels and formats follow the field library of the connector that this re-creates (reference: OnceHub 2.4.1). They are
English and locale-independent, as integrations expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from instep.core.booking import Booking, Host
from instep.core.contact import Contact


@frozen
class Source:
    """What one value is taken from. `host_connected` says whether the host has a user in the CRM."""

    contact: Contact | None
    booking: Booking | None = None
    host_connected: bool = True


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The time zone of that IANA name; UTC for an empty or unknown one."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day_time(at: datetime, where: tzinfo) -> str:
    """`Mon, Mar 23, 2015, 11:00 AM` in the given zone."""
    local = at.astimezone(where)
    return f"{_day(local)}, {_time(local)}"


def _day(local: datetime) -> str:
    return f"{_DAYS[local.weekday()]}, {_MONTHS[local.month - 1]} {local.day}, {local.year}"


def _time(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'AM' if local.hour < 12 else 'PM'}"


# strftime would follow the process's locale; values for a CRM must not
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_range(booking: Booking, where: tzinfo) -> str:
    """`Mon, Mar 23, 2015, 10:30 AM - 10:45 AM`; the day is repeated when the meeting passes midnight."""
    start, end = booking.start.astimezone(where), booking.end.astimezone(where)
    first, last = _day(start), _day(end)
    return f"{first}, {_time(start)} - {_time(end) if first == last else f'{last}, {_time(end)}'}"


def host_of(booking: Booking) -> Host:
    """The booked host, or one of whom nothing is known."""
    return booking.host or Host(key="")


def owner_zone(booking: Booking) -> tzinfo:
    """The zone of the booked host."""
    return zone(host_of(booking).time_zone)


def minutes_of(booking: Booking) -> int:
    """How long the meeting lasts, in whole minutes."""
    return int(booking.duration.total_seconds() // 60)


def _labelled(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{label}: {value}" for label, value in pairs if value)


def summary(source: Source, long: bool) -> str:
    """The booking summary, long or short: `Label: value` with commas between them; what is empty is left out."""
    booking, contact = source.booking, source.contact
    if booking is None:
        return ""
    name = " ".join(((contact.name if contact else "") or booking.guest.name).split())
    company = (contact.company if contact else "") or booking.guest.company
    pairs, where = [("Meeting with", name), ("Company", company)], owner_zone(booking)
    if long:
        pairs += [
            ("Subject", booking.subject),
            # whoever reads it in the CRM knows the host's zone no more than the guest's
            ("Start time", f"{day_time(booking.start, where)} ({where})"),
            ("Duration", f"{minutes_of(booking)} minutes"),
        ]
    pairs.append(("Location", booking.location))
    if long:
        pairs += [
            ("Customer email", contact.email if contact else booking.guest.email),
            ("Customer phone", contact.phone if contact else booking.guest.phone),
            ("Customer mobile phone", contact.mobile_phone if contact else booking.guest.mobile_phone),
        ]
    pairs.append(("Note from customer", booking.guest.note))
    return _labelled(pairs)


def change_summary(source: Source, long: bool) -> str:
    """What happened and why, then the summary; empty for a booking that was neither moved nor canceled."""
    booking = source.booking
    if booking is None or booking.status.value not in ("rescheduled", "canceled"):
        return ""
    word = booking.status.value
    label = "Rescheduling reason" if word == "rescheduled" else "Cancellation reason"
    pairs = _labelled([(label, booking.reason)])
    parts = (f"The meeting was {word}.", f"{pairs}," if pairs else "", summary(source, long))
    return " ".join(part for part in parts if part).rstrip(",")


def invoice_line(booking: Booking) -> str:
    """Subject, meeting time in the customer's zone, duration and host."""
    when = day_range(booking, zone(booking.guest_time_zone))
    parts = [booking.subject, when, f"{minutes_of(booking)} minutes"]
    if booking.host and booking.host.name:
        parts.append(f"with {booking.host.name}")
    return ", ".join(parts)
