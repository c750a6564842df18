"""A month of days, and the times of one of them, as a guest sees them: in the guest's own zone. Pure.

A host's day may lie on two days of the guest's; what is grouped here is the guest's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from attrs import frozen
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instep.core import cldr, zones
from instep.guest.asked import Asked
from instep.guest.reading import Reading

_DAY = timedelta(days=1)


@frozen
class Day:
    """One day of the grid. `link` is empty where nothing is free; `spoken` is its name for who listens."""

    on: date
    times: int
    link: str
    spoken: str
    chosen: bool
    today: bool


@frozen
class Month:
    """The grid: weeks of seven, None for days of other months. Links are empty where there is nothing to see."""

    title: str
    weekdays: tuple[tuple[int, str, str], ...]
    weeks: tuple[tuple[Day | None, ...], ...]
    before: str
    after: str


@frozen
class Time:
    """One time to choose. `label` says the offset too where the clock shows it twice that day."""

    start: datetime
    label: str
    link: str


@frozen
class Times:
    """The times of one day, in parts of the day: ("Morning", times)."""

    day: str
    count: int
    parts: tuple[tuple[str, tuple[Time, ...]], ...]


def first_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return first_of(first + 32 * _DAY)


def midnight(day: date, reading: Reading) -> datetime:
    """When a day begins for the guest, in UTC; where the clocks skip midnight, the first moment after it."""
    return datetime.combine(day, time(), tzinfo=reading.zone).astimezone(UTC)


def days_with_times(starts: Iterable[datetime], reading: Reading) -> Counter[date]:
    """How many times each of the guest's days has."""
    return Counter(map(reading.date, starts))


def grid(
    first: date,
    counts: Counter[date],
    chosen: date | None,
    today: date,
    last: date,
    asked: Asked,
    path: str,
    reading: Reading,
) -> Month:
    """The grid of the month that begins with `first`; nothing can be booked after the day `last`."""
    weekdays = cldr.weekdays(reading.locale)
    following = next_month(first)
    days = [first + n * _DAY for n in range((following - first).days)]
    made = [_day(day, counts[day], chosen, today, asked, path, reading) for day in days]
    column = [weekday for weekday, _, _ in weekdays].index(first.weekday())
    cells: list[Day | None] = [*[None] * column, *made]
    cells += [None] * (-len(cells) % 7)
    plain = {"day": None, "start": None}
    before = first_of(first - _DAY)
    return Month(
        title=cldr.month(first, reading.locale),
        weekdays=weekdays,
        weeks=tuple(tuple(cells[n : n + 7]) for n in range(0, len(cells), 7)),
        before=asked.link(path, month=before, **plain) if before >= first_of(today) else "",
        after=asked.link(path, month=following, **plain) if following <= last else "",
    )


def _day(
    day: date, times: int, chosen: date | None, today: date, asked: Asked, path: str, reading: Reading
) -> Day:
    named = reading.day(day, "day")
    spoken = ngettext("%(day)s, %(n)s time", "%(day)s, %(n)s times", times) % {"day": named, "n": times}
    link = asked.link(path, month=first_of(day), day=day, start=None) if times else ""
    return Day(day, times, link, spoken, chosen=day == chosen, today=day == today)


def times_of(day: date, starts: Sequence[datetime], asked: Asked, path: str, reading: Reading) -> Times:
    """The times of a day of the guest's; `path` is where a chosen one leads."""
    own = [start for start in sorted(starts) if reading.date(start) == day]
    shown = Counter(map(reading.clock, own))
    made = [_time(start, shown[reading.clock(start)] > 1, asked, path, reading) for start in own]
    parts = groupby(made, key=lambda t: _part(t.start.astimezone(reading.zone).hour))
    return Times(reading.day(day, "day"), len(made), tuple((name, tuple(group)) for name, group in parts))


def _time(start: datetime, twice: bool, asked: Asked, path: str, reading: Reading) -> Time:
    label = reading.clock(start)
    if twice:
        label = f"{label} ({zones.offset_words(reading.zone, start)})"
    return Time(start, label, asked.link(path, start=start, day=None, month=None))


def _part(hour: int) -> str:
    if hour < 6:
        return _("Night")
    if hour < 12:
        return _("Morning")
    return _("Afternoon") if hour < 18 else _("Evening")
