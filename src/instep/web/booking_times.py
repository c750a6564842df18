"""Times that a booking may move to: what its host has free, by days of the host's zone, and any other time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from instep.bookings import calendars, hosting, slots
from instep.core.booking import Booking
from instep.core.booking_calendar import BookingCalendar
from instep.core.errors import InputError
from instep.core.zones import canonical

DAYS_SHOWN = 7
_NEAREST = 6


@frozen
class Day:
    """One day of the host's, by a moment of it, and the free starts on it."""

    at: datetime
    starts: tuple[datetime, ...]


@frozen
class Times:
    """Free times over some days. `earlier` and `later` are first days of other stretches, empty at the ends.

    `nearest` are the next free times where these days have none.
    """

    days: tuple[Day, ...] = ()
    earlier: str = ""
    later: str = ""
    nearest: tuple[datetime, ...] = ()


def host_zone(account_id: int, booking: Booking, now: datetime) -> str:
    """The zone that the booking's host works in."""
    if booking.host is None:
        return "UTC"
    known = hosting.host(account_id, booking.host.key, now)
    return canonical(known.hours.zone if known else booking.host.time_zone) or "UTC"


def calendar_of(account_id: int, booking: Booking) -> BookingCalendar | None:
    """The calendar that the booking was made in, if it is still there."""
    return calendars.calendar(account_id, booking.calendar) if booking.calendar else None


def free_times(
    account_id: int, calendar: BookingCalendar | None, booking: Booking, wanted: str, zone: str, now: datetime
) -> Times:
    """The free starts of the booking's host from the day `wanted` on (an ISO date; today for anything else)."""
    if calendar is None or booking.host is None:
        return Times()
    where, minutes = ZoneInfo(zone), _minutes(booking)
    today = now.astimezone(where).date()
    end = today + timedelta(days=calendar.rules.window_days)
    first = min(max(_day(wanted) or today, today), end)
    after = first + timedelta(days=DAYS_SHOWN)
    found = slots.offered(
        account_id,
        calendar,
        minutes,
        _midnight(first, where),
        _midnight(after, where),
        now,
        without=booking.id,
        only_host=booking.host.key,
    )
    starts = [start for start in found if start != booking.start]
    near: tuple[datetime, ...] = ()
    if not starts:
        near = slots.nearest(
            account_id,
            calendar,
            minutes,
            _midnight(first, where),
            now,
            count=_NEAREST,
            without=booking.id,
            only_host=booking.host.key,
        )
    return Times(
        _by_day(starts, where),
        max(first - timedelta(days=DAYS_SHOWN), today).isoformat() if first > today else "",
        after.isoformat() if after <= end else "",
        tuple(start for start in near if start != booking.start),
    )


def _by_day(starts: Sequence[datetime], where: ZoneInfo) -> tuple[Day, ...]:
    days: defaultdict[date, list[datetime]] = defaultdict(list)
    for start in starts:
        days[start.astimezone(where).date()].append(start)
    return tuple(Day(found[0], tuple(found)) for _, found in sorted(days.items()))


def moment_at(day: date, clock: time, zone: str) -> datetime:
    """A wall time of a zone in UTC, the first one where it comes twice. Raises `InputError` for one that is skipped."""
    wall = datetime.combine(day, clock)
    moment = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        raise InputError(
            f"There is no {clock:%H:%M} on that day in {zone}: the clocks go forward.",
            cure="Choose another time.",
            code="NO_SUCH_TIME",
            fields=("time",),
        )
    return moment


def _minutes(booking: Booking) -> int:
    return int(booking.duration.total_seconds() // 60)


def lengths(calendar: BookingCalendar | None, booking: Booking) -> tuple[int, ...]:
    """The durations to choose from, in minutes: the booking's own first, then the calendar's."""
    return tuple(dict.fromkeys((_minutes(booking), *(calendar.rules.durations if calendar else ()))))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date, where: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, where).astimezone(UTC)
