"""When a host can be booked: weekly hours, less what is taken, cut into starts. Whole seconds since 1970, UTC.

Weekly hours are walked day by day in the host's own zone. A wall time that a change of clocks skips means the first
real instant after it; one that comes twice means the first as a start and the last as an end, so that
“until 02:30” covers both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from zoneinfo import ZoneInfo

from attrs import frozen

from instep.core.booking_calendar import Rules, WeeklyHours

#: from and to, aware and in UTC; `to` is the first moment after
Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_DAY_SECONDS = 24 * 60 * 60
_EPOCH = date(1970, 1, 1).toordinal()


@frozen
class _Window:
    """One span of weekly hours on one day, in seconds; `end` is where the touching spans after it end."""

    day: date
    start: int
    own_end: int
    end: int


def open_spans(hours: WeeklyHours, first: datetime, last: datetime) -> tuple[Span, ...]:
    """When the host works between two moments, sorted; spans that touch (at midnight, say) are one."""
    low, high = ceil(first.timestamp()), floor(last.timestamp())
    merged: list[list[int]] = []
    for window in _windows(hours, low, high):
        if merged and window.start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], window.own_end)
        else:
            merged.append([window.start, window.own_end])
    cut = ((max(start, low), min(end, high)) for start, end in merged)
    return tuple((_moment(start), _moment(end)) for start, end in cut if start < end)


def slots(
    hours: WeeklyHours,
    rules: Rules,
    duration: int,
    busy: Sequence[Span],
    booked_starts: Sequence[datetime],
    first: datetime,
    last: datetime,
    now: datetime,
) -> tuple[datetime, ...]:
    """The starts `first` <= start < `last` that a guest may choose for a meeting of `duration` minutes, sorted.

    Starts stand `slot_step` apart from the beginning of each span of the weekly hours, whatever is taken: nobody is
    offered 09:37. The meeting must lie within working hours; its buffers need not, but they must be free of `busy`,
    which is taken as it is. `booked_starts` are this host's active bookings of this calendar: where `max_per_day`
    is reached, that day of the host's is closed. The window ends with the host's day `window_days` after today.
    """
    low, high = _bounds(hours, rules, first, last, now)
    if low >= high or duration <= 0:
        return ()
    length, step = duration * 60, rules.slot_step * 60
    blocked = _Blocked(busy, rules.buffer_before * 60, length + rules.buffer_after * 60)
    full = _full_days(hours, rules, booked_starts)
    found: set[int] = set()
    for window in _windows(hours, low, high + length):
        if window.day in full:
            continue
        begin = window.start + max(0, -(-(low - window.start) // step)) * step
        end = min(window.own_end, high, window.end - length + 1)
        found.update(start for start in range(begin, end, step) if start not in blocked)
    return tuple(map(_moment, sorted(found)))


class _Blocked:
    """The starts that something taken rules out: sorted, disjoint [from, to)."""

    def __init__(self, busy: Iterable[Span], before: int, after: int) -> None:
        """A meeting that starts at s takes [s - `before`, s + `after`); both in seconds."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        taken = sorted((floor(a.timestamp()), ceil(b.timestamp())) for a, b in busy if a < b)
        for start, end in ((a - after + 1, b + before) for a, b in taken):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __contains__(self, start: int) -> bool:
        place = bisect_right(self._starts, start) - 1
        return place >= 0 and start < self._ends[place]


def _bounds(
    hours: WeeklyHours, rules: Rules, first: datetime, last: datetime, now: datetime
) -> tuple[int, int]:
    """The first second that may be offered, and the first that may not."""
    zone = ZoneInfo(hours.zone)
    earliest = now + timedelta(minutes=rules.min_notice)
    closing = _midnight(now.astimezone(zone).date() + (rules.window_days + 1) * _DAY, zone)
    return (
        max(ceil(first.timestamp()), ceil(earliest.timestamp())),
        min(ceil(last.timestamp()), closing),
    )


def _full_days(hours: WeeklyHours, rules: Rules, booked_starts: Iterable[datetime]) -> frozenset[date]:
    """The days of the host's that have as many bookings as the rules allow."""
    if not rules.max_per_day:
        return frozenset()
    zone = ZoneInfo(hours.zone)
    booked = Counter(start.astimezone(zone).date() for start in booked_starts)
    return frozenset(day for day, count in booked.items() if count >= rules.max_per_day)


def _windows(hours: WeeklyHours, low: int, high: int) -> list[_Window]:
    """The spans of weekly hours that reach into [low, high), by their start."""
    if low >= high:
        return []
    raw = [(a, b, day) for day, a, b in _spans(hours, low, high) if a < high and b > low]
    windows: list[_Window] = []
    end = 0
    # from the last to the first: each learns how far the spans that touch it reach
    for index in range(len(raw) - 1, -1, -1):
        start, own_end, day = raw[index]
        end = max(own_end, end) if windows and windows[-1].start <= own_end else own_end
        windows.append(_Window(day, start, own_end, end))
    return windows[::-1]


def _spans(hours: WeeklyHours, low: int, high: int) -> Iterator[tuple[date, int, int]]:
    """Day, from and to of each span of weekly hours on the days around [low, high)."""
    zone = ZoneInfo(hours.zone)
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for weekday, start, end in sorted(hours.spans):
        week[weekday].append((start, end))
    day = _moment(low).astimezone(zone).date() - _DAY
    final = _moment(high).astimezone(zone).date() + _DAY
    midnight = _midnight(day, zone)
    while day <= final:
        following = day + _DAY
        next_midnight = _midnight(following, zone)
        for start, end in week[day.weekday()]:
            if next_midnight - midnight == _DAY_SECONDS:
                begin, close = midnight + start * 60, midnight + end * 60
            else:
                # the clocks change on this day
                begin, close = _instant(day, start, zone), _instant(day, end, zone, closing=True)
            if begin < close:
                yield day, begin, close
        day, midnight = following, next_midnight


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: ZoneInfo) -> int:
    """When the day begins."""
    return _instant(day, 0, zone)


def _instant(day: date, minute: int, zone: ZoneInfo, *, closing: bool = False) -> int:
    """The second of a wall time; `closing` takes the last of two, but 24:00 is when the next day first begins."""
    if minute == _DAY_SECONDS // 60:
        return _midnight(day + _DAY, zone)
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    seconds = (day.toordinal() - _EPOCH) * _DAY_SECONDS + minute * 60
    once, again = seconds - _offset(wall), seconds - _offset(wall.replace(fold=1))
    if once > again:
        return _after_gap(seconds, again, once, zone)
    return again if closing else once


def _after_gap(wall: int, before: int, after: int, zone: ZoneInfo) -> int:
    """The first second in (before, after] whose wall time is not earlier than `wall`, which the clocks skip."""
    while after - before > 1:
        middle = (before + after) // 2
        if middle + _offset(_moment(middle).astimezone(zone)) >= wall:
            after = middle
        else:
            before = middle
    return after


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else offset.days * _DAY_SECONDS + offset.seconds


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
