"""What can be booked: the times that a calendar offers, and who of its hosts is free then.

The same answer is given to the page that offers a time and, under the hosts' locks, to the command that takes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from instep.core import availability
from instep.core.booking_calendar import BookingCalendar
from instep.store import booked_time_queries as times
from instep.store import connection_queries

#: a day of the host's reaches so far beyond the same day in UTC
_ZONES = timedelta(days=2)
#: how far around a wish that cannot be met the nearest times are looked for first
_NEAR = timedelta(hours=12)


def offered(
    account_id: int,
    calendar: BookingCalendar,
    duration: int,
    first: datetime,
    last: datetime,
    now: datetime,
    *,
    without: str = "",
    only_host: str = "",
) -> Mapping[datetime, tuple[str, ...]]:
    """The starts from `first` up to `last` (excluded) that a guest may choose, in order: start → hosts who are free.

    `duration` is in minutes. The time of the booking `without` counts as free. `only_host` asks for one host, even one
    who is no longer among the calendar's. Nothing is offered while a CRM in strict mode stands still (rule E9).
    """
    if is_paused(account_id, calendar, now):
        return {}
    wanted = (only_host,) if only_host else calendar.hosts
    people = times.hosts(account_id, wanted)
    keys = [person.key for person in people.values()]
    rules = calendar.rules
    before = timedelta(minutes=rules.buffer_before)
    after = timedelta(minutes=duration + rules.buffer_after)
    busy = times.busy(account_id, keys, first - before, last + after, without)
    starts: Mapping[int, list[datetime]] = {}
    if rules.max_per_day:
        starts = times.booked_starts(account_id, calendar.id, keys, first - _ZONES, last + _ZONES, without)
    free: defaultdict[datetime, list[str]] = defaultdict(list)
    for key in wanted:
        if (person := people.get(key)) is None:
            continue
        for start in availability.slots(
            person.hours,
            rules,
            duration,
            busy.get(person.key, ()),
            starts.get(person.key, ()),
            first,
            last,
            now,
        ):
            free[start].append(key)
    return {start: tuple(hosts) for start, hosts in sorted(free.items())}


def is_paused(account_id: int, calendar: BookingCalendar, now: datetime) -> bool:
    """Whether nothing is offered because a CRM in strict mode stands still (rule E9)."""
    return connection_queries.strict_and_held(account_id, calendar.id, now)


def nearest(
    account_id: int,
    calendar: BookingCalendar,
    duration: int,
    wanted: datetime,
    now: datetime,
    *,
    count: int = 6,
    without: str = "",
    only_host: str = "",
) -> tuple[datetime, ...]:
    """The offered starts that are nearest to `wanted`, in order; fewer than `count` where there are no more."""
    end = now + timedelta(days=calendar.rules.window_days) + _ZONES
    around = min(max(wanted, now), end)
    reach = _NEAR
    while True:
        first, last = max(now, around - reach), min(end, around + reach)
        found = offered(
            account_id, calendar, duration, first, last, now, without=without, only_host=only_host
        )
        if len(found) >= count or (first == now and last == end):
            closest = sorted(found, key=lambda start: (abs(start - wanted), start))[:count]
            return tuple(sorted(closest))
        reach *= 4


def free_hosts(
    account_id: int, hosts: Collection[str], start: datetime, end: datetime, *, without: str = ""
) -> frozenset[str]:
    """Which of these hosts have nothing else between two moments, whatever their working hours say."""
    people = times.hosts(account_id, hosts)
    taken = times.busy(account_id, [p.key for p in people.values()], start, end, without)
    return frozenset(key for key, person in people.items() if not taken.get(person.key))
