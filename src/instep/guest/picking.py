"""Choosing a time: the month with its free days, the times of one day, and where to look when nothing is free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from attrs import evolve, frozen
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from instep.bookings import slots
from instep.core.booking_calendar import BookingCalendar
from instep.guest.asked import Asked, moment_text
from instep.guest.month import Month, Times, days_with_times, first_of, grid, midnight, next_month, times_of
from instep.guest.reading import Reading

#: The window ends with a day of the host's, which may end later than the guest's.
_SLACK = timedelta(days=2)
PAUSED = gettext_lazy("No bookings can be taken at the moment. Please try again in a few minutes.")


@frozen
class Bookable:
    """What can be booked: with any host of the calendar, or with `only_host`; the time that the booking `without`
    takes counts as free, but its own start `own_start` is no other time. `duration` in minutes."""

    account_id: int
    calendar: BookingCalendar
    duration: int
    now: datetime
    without: str = ""
    only_host: str = ""
    own_start: datetime | None = None

    @property
    def horizon(self) -> datetime:
        """After this moment nothing is offered."""
        return self.now + timedelta(days=self.calendar.rules.window_days) + _SLACK

    def starts(self, first: datetime, last: datetime) -> tuple[datetime, ...]:
        """The free starts between two moments, sorted."""
        offered = slots.offered(
            self.account_id,
            self.calendar,
            self.duration,
            first,
            min(last, self.horizon),
            self.now,
            without=self.without,
            only_host=self.only_host,
        )
        return tuple(sorted(start for start in offered if start != self.own_start))

    @property
    def is_paused(self) -> bool:
        """Whether nothing can be chosen for the moment, whatever is free."""
        return slots.is_paused(self.account_id, self.calendar, self.now)

    def has(self, start: datetime) -> bool:
        """Whether this very start can be chosen."""
        return start in self.starts(start, start + timedelta(seconds=1))

    def nearest(self, wanted: datetime) -> tuple[datetime, ...]:
        """The free starts that are nearest to a wish, sorted."""
        found = slots.nearest(
            self.account_id,
            self.calendar,
            self.duration,
            wanted,
            self.now,
            without=self.without,
            only_host=self.only_host,
        )
        return tuple(sorted(start for start in found if start != self.own_start))


@frozen
class Near:
    """A time to take instead. `value` is how a form says it; `first` the nearest one, chosen already."""

    value: str
    start: datetime
    end: datetime
    first: bool


def instead_of(wanted: datetime, nearest: Sequence[datetime], duration: timedelta) -> tuple[Near, ...]:
    """Times around one that cannot be had, in order."""
    closest = min(nearest, key=lambda start: abs(start - wanted), default=None)
    return tuple(Near(moment_text(at), at, at + duration, at == closest) for at in nearest)


@frozen
class Picture:
    """The page of a month. `nothing` says that there is nothing, `instead` leads to the next free day."""

    month: Month
    times: Times | None
    nothing: str = ""
    instead: str = ""
    instead_day: str = ""


def picture(bookable: Bookable, asked: Asked, reading: Reading, path: str, times_path: str) -> Picture:
    """The month that is asked for, or the first one with a free day; a chosen day's times, or the first one's.

    `path` is the page's own address, `times_path` where a chosen time leads.
    """
    today = reading.date(bookable.now)
    last = reading.date(bookable.horizon)
    first, starts = _month(bookable, asked, reading, today, last)
    counts = days_with_times(starts, reading)
    in_month = asked.day if asked.day is not None and first_of(asked.day) == first else None
    chosen = in_month or (min(counts) if counts else None)
    plain = evolve(asked, day=None, start=None, month=None)
    month = grid(first, counts, chosen, today, last, plain, path, reading)
    if chosen is not None and counts[chosen]:
        return Picture(month, times_of(chosen, starts, plain, times_path, reading))
    if bookable.is_paused:
        return Picture(month, None, str(PAUSED))
    free = _next_free(bookable, reading, chosen or first)
    if free is None:
        days = bookable.calendar.rules.window_days
        return Picture(month, None, _("There is no free time in the next %(days)s days.") % {"days": days})
    if chosen is not None:
        nothing = _("No time is left on %(day)s.") % {"day": reading.day(chosen, "day")}
    else:
        nothing = _("No time is free in %(month)s.") % {"month": month.title}
    instead = plain.link(path, month=first_of(free), day=free)
    return Picture(month, None, nothing, instead, reading.day(free, "day"))


def _month(
    bookable: Bookable, asked: Asked, reading: Reading, today: date, last: date
) -> tuple[date, tuple[datetime, ...]]:
    """The first day of the month to show, and its free starts."""
    wanted = asked.month or (first_of(asked.day) if asked.day else None)
    if wanted is not None:
        first = min(max(wanted, first_of(today)), first_of(last))
        return first, _starts_of(bookable, reading, first)
    first = first_of(today)
    starts = _starts_of(bookable, reading, first)
    if starts:
        return first, starts
    later = bookable.starts(midnight(next_month(first), reading), bookable.horizon)
    if not later:
        return first, ()
    first = first_of(reading.date(later[0]))
    return first, tuple(start for start in later if first_of(reading.date(start)) == first)


def _starts_of(bookable: Bookable, reading: Reading, first: date) -> tuple[datetime, ...]:
    return bookable.starts(midnight(first, reading), midnight(next_month(first), reading))


def _next_free(bookable: Bookable, reading: Reading, since: date) -> date | None:
    """The first free day since one, else the first free day at all."""
    later = bookable.starts(midnight(since, reading), bookable.horizon)
    found = later or bookable.starts(bookable.now, bookable.horizon)
    return reading.date(found[0]) if found else None
