"""The time that bookings take from hosts: locks, who is free, and the rows that the database keeps from overlapping.

Whoever writes here holds the time locks of the hosts concerned (`lock_hosts`), taken before every other lock and in
one order; the exclusion constraint alone would have writers deadlock under load.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import frozen

from instep.core.availability import Span
from instep.core.booking import Host, Status
from instep.core.booking_calendar import HERE, WeeklyHours, hours_of
from instep.store.queries import rows

#: first half of an advisory lock: any number, but the same in every version
_TIME_SPACE = 0x1459

#: no booking, made here or elsewhere, is longer than this with its buffers; it keeps an index scan short
_LONGEST = timedelta(days=17)


def lock_hosts(account_id: int, hosts: Collection[str]) -> None:
    """Hold out everybody else who is about to give away time of these hosts (public ids), until the end."""
    rows(
        """
        SELECT count(pg_advisory_xact_lock(%s, key)) FROM (
            SELECT DISTINCT (id %% 2147483647)::int AS key FROM host
             WHERE account_id = %s AND public_id = ANY(%s::text[]) ORDER BY 1) sorted
        """,
        [_TIME_SPACE, account_id, list(hosts)],
    )


@frozen
class HostTime:
    """A host, by key, and when he works."""

    key: int
    host: Host
    hours: WeeklyHours


def hosts(account_id: int, public_ids: Collection[str]) -> dict[str, HostTime]:
    """These hosts, by public id."""
    found = rows(
        """
        SELECT id, public_id, email, name, time_zone, weekly_hours FROM host
         WHERE account_id = %s AND public_id = ANY(%s::text[])
        """,
        [account_id, list(public_ids)],
    )
    return {row[1]: HostTime(row[0], Host(*row[1:5]), hours_of(json.loads(row[5]))) for row in found}


def busy(
    account_id: int, host_keys: Collection[int], first: datetime, last: datetime, without: str = ""
) -> dict[int, list[Span]]:
    """What is taken of these hosts' time between two moments, by host key: bookings made here with their buffers
    and those of other sources. `without` is a booking made here that does not count."""
    found = rows(
        """
        SELECT host_id, start_at, end_at FROM booked_time
         WHERE account_id = %(account)s AND host_id = ANY(%(hosts)s::bigint[]) AND active
           AND start_at > %(early)s AND start_at < %(last)s AND end_at > %(first)s
           AND booking_source_id <> %(without)s
        UNION ALL
        SELECT host_id, start_at, end_at FROM booking
         WHERE account_id = %(account)s AND host_id = ANY(%(hosts)s::bigint[]) AND active
           AND start_at > %(early)s AND start_at < %(last)s AND end_at > %(first)s
           AND source <> %(here)s AND NOT in_trash
        """,
        {
            "account": account_id,
            "hosts": list(host_keys),
            "first": first,
            "last": last,
            "early": first - _LONGEST,
            "without": without,
            "here": HERE,
        },
    )
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for key, start, end in found:
        spans[key].append((start, end))
    return dict(spans)


def booked_starts(
    account_id: int,
    calendar_id: str,
    host_keys: Collection[int],
    first: datetime,
    last: datetime,
    without: str = "",
) -> dict[int, list[datetime]]:
    """When these hosts' bookings of a calendar begin, by host key; canceled ones do not count towards a day."""
    found = rows(
        """
        SELECT b.host_id, b.start_at
          FROM booking b JOIN calendar c ON c.account_id = b.account_id AND c.id = b.calendar_id
         WHERE b.account_id = %s AND b.host_id = ANY(%s::bigint[]) AND b.start_at >= %s AND b.start_at < %s
           AND b.source = %s AND b.status <> %s AND b.source_id <> %s AND c.source_id = %s
        """,
        [account_id, list(host_keys), first, last, HERE, Status.CANCELED.value, without, calendar_id],
    )
    starts: defaultdict[int, list[datetime]] = defaultdict(list)
    for key, start in found:
        starts[key].append(start)
    return dict(starts)


@frozen
class Load:
    """How many bookings of a calendar a host has, and when the last one was made."""

    booked: int
    last: datetime | None


def loads(account_id: int, calendar_id: str, public_ids: Collection[str], since: datetime) -> dict[str, Load]:
    """The loads of these hosts by public id, from bookings that start after `since` and are not canceled."""
    found = rows(
        """
        SELECT h.public_id, count(*), max(b.created_at)
          FROM host h
          JOIN booking b ON b.account_id = h.account_id AND b.host_id = h.id AND b.start_at >= %(since)s
          JOIN calendar c ON c.account_id = h.account_id AND c.id = b.calendar_id
         WHERE h.account_id = %(account)s AND h.public_id = ANY(%(hosts)s::text[])
           AND b.source = %(here)s AND b.status <> %(canceled)s AND c.source_id = %(calendar)s
         GROUP BY h.public_id
        """,
        {
            "account": account_id,
            "calendar": calendar_id,
            "hosts": list(public_ids),
            "since": since,
            "here": HERE,
            "canceled": Status.CANCELED.value,
        },
    )
    return {public_id: Load(booked, last) for public_id, booked, last in found}


# --- the rows ---


def take(account_id: int, booking_id: str, host_key: int, start: datetime, end: datetime) -> None:
    """Give a booking its time. The database raises `IntegrityError` (23P01) where somebody else has it."""
    rows(
        """
        INSERT INTO booked_time (account_id, booking_source_id, host_id, start_at, end_at, active)
        VALUES (%s, %s, %s, %s, %s, true)
        """,
        [account_id, booking_id, host_key, start, end],
    )


def move(account_id: int, booking_id: str, host_key: int, start: datetime, end: datetime) -> None:
    """Give a booking another time in place of its own: it cannot collide with itself. Raises as `take` does."""
    rows(
        """
        UPDATE booked_time SET host_id = %s, start_at = %s, end_at = %s, active = true
         WHERE account_id = %s AND booking_source_id = %s
        """,
        [host_key, start, end, account_id, booking_id],
    )


def hand_over(account_id: int, booking_id: str, host_key: int) -> None:
    """Take a booking's time from another host instead. Raises as `take` does."""
    rows(
        "UPDATE booked_time SET host_id = %s WHERE account_id = %s AND booking_source_id = %s",
        [host_key, account_id, booking_id],
    )


def release(account_id: int, booking_id: str) -> None:
    """Give a booking's time back."""
    rows(
        "UPDATE booked_time SET active = false WHERE account_id = %s AND booking_source_id = %s",
        [account_id, booking_id],
    )


def host_of(account_id: int, booking_id: str) -> str | None:
    """The public id of the host whose time a booking takes; None for a booking that was not made here."""
    found = rows(
        """
        SELECT h.public_id FROM booked_time t JOIN host h ON h.account_id = t.account_id AND h.id = t.host_id
         WHERE t.account_id = %s AND t.booking_source_id = %s
        """,
        [account_id, booking_id],
    )
    return found[0][0] if found else None


# --- bookings made here ---


def booking_key(account_id: int, booking_id: str) -> int | None:
    """The key of the booking made here with that id."""
    found = rows(
        "SELECT id FROM booking WHERE account_id = %s AND source = %s AND source_id = %s",
        [account_id, HERE, booking_id],
    )
    return found[0][0] if found else None


def account_of(booking_id: str) -> int | None:
    """Whose a booking made here is: a guest with a link knows no account. One look into each account's index."""
    found = rows(
        """
        SELECT a.id FROM account a
          JOIN booking b ON b.account_id = a.id AND b.source = %s AND b.source_id = %s LIMIT 1
        """,
        [HERE, booking_id],
    )
    return found[0][0] if found else None


#: meetings made here that the clock completes; the words stand in an index of their own (`booking_ending`)
_ENDED = f"""b.active AND b.source = '{HERE}' AND b.end_at <= %(now)s
             AND b.status IN ('{Status.SCHEDULED.value}', '{Status.RESCHEDULED.value}')"""


def accounts_with_ended(now: datetime) -> list[int]:
    """The accounts that have meetings whose end has passed unnoticed."""
    found = rows(
        f"""
        SELECT a.id FROM account a
         WHERE EXISTS (SELECT FROM booking b WHERE b.account_id = a.id AND {_ENDED}) ORDER BY a.id
        """,  # noqa: S608 - the words above
        {"now": now},
    )
    return [account_id for (account_id,) in found]


def lock_ended(account_id: int, now: datetime, limit: int) -> list[int]:
    """Keys of meetings whose end has passed, their rows locked; those that somebody else is changing are left out."""
    found = rows(
        f"""
        SELECT b.id FROM booking b WHERE b.account_id = %(account)s AND {_ENDED}
         ORDER BY b.end_at, b.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,  # noqa: S608 - the words above
        {"account": account_id, "now": now, "limit": limit},
    )
    return [key for (key,) in found]
