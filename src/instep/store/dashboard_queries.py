"""What the dashboard shows: how far each lane is, how fast bookings reach the CRM, what needs a person. Account first.

The queries that run every few seconds touch only what is behind (index `sync_item_behind`) and the last few
hundred changes; the charts read two weeks of the logs and are made once for each page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from attrs import field, frozen

from instep.store.queries import IGNORED, PROBLEM, STATE, WAITING, rows

#: so many of the last changes tell how fast bookings reach the CRM
_LATEST = 200


@frozen
class ConnectionCard:
    """One connection: who we are there, the calls of the day as last told, and how many items wait for what.

    `held_until` is set only while the lane is paused; `since` is when what holds it began.
    """

    key: int
    id: str
    vendor: str
    name: str
    url: str
    state: str
    identity: Mapping[str, Any]
    limit_used: int | None
    limit_allowed: int | None
    held_until: datetime | None
    hold_code: str
    hold_reason: str
    since: datetime | None
    waiting: int = 0
    problems: int = 0
    ignored: int = 0

    @property
    def calls_low(self) -> int:
        """So many calls of the day are nothing to speak of: half of those allowed."""
        return (self.limit_allowed or 0) // 2

    @property
    def calls_high(self) -> int:
        """From so many calls of the day on others may go short: nine of ten of those allowed."""
        return (self.limit_allowed or 0) * 9 // 10

    @property
    def stands_still(self) -> bool:
        """True while nothing is written through this connection."""
        return self.state != "connected" or self.held_until is not None


def connection_cards(account_id: int) -> list[ConnectionCard]:
    """Every connection that is not disabled, oldest first, with its items that are behind."""
    found = rows(
        """
        SELECT n.id, n.public_id, n.vendor, n.name, n.url, n.state, n.identity, n.limit_used, n.limit_allowed,
               CASE WHEN n.held_until > now() THEN n.held_until END, n.hold_code, n.hold_reason,
               (SELECT min(a.raised_at) FROM alert a
                 WHERE a.account_id = n.account_id AND a.connection_id = n.id AND a.cleared_at IS NULL
                   AND a.code = n.hold_code)
          FROM connection n WHERE n.account_id = %s AND n.state <> 'disabled' ORDER BY n.id
        """,
        [account_id],
    )
    behind = _behind(account_id)
    return [
        ConnectionCard(
            *row[:6],
            json.loads(row[6]) or {},
            *row[7:],
            waiting=behind.get((row[0], WAITING), 0),
            problems=behind.get((row[0], PROBLEM), 0),
            ignored=behind.get((row[0], IGNORED), 0),
        )
        for row in found
    ]


def _behind(account_id: int) -> dict[tuple[int, str], int]:
    """How many items are behind, by connection and state; those taken out of their lane are left out."""
    found = rows(
        f"""
        SELECT i.connection_id, {STATE}, count(*) FROM sync_item i
         WHERE i.account_id = %s AND i.done < i.wanted AND i.due_at IS NOT NULL
         GROUP BY 1, 2
        """,  # noqa: S608 - the words in braces are the store's own
        [account_id],
    )
    return {(connection, state): count for connection, state, count in found}


#: a change `t` of a booking and when it was in the CRM of connection `n`: its first good receipt after it
_REACHED = """
          JOIN connection n ON n.account_id = t.account_id AND n.state <> 'disabled'
                           AND n.created_at <= t.recorded_at
         CROSS JOIN LATERAL (
               SELECT r.at FROM receipt r
                WHERE r.account_id = t.account_id AND r.kind = 'booking' AND r.target_id = t.booking_id
                  AND r.connection_id = n.id AND r.outcome = 'done' AND r.at >= t.recorded_at
                ORDER BY r.at LIMIT 1) reached"""


@frozen
class Speed:
    """Seconds from a change to the CRM: of the last one, and what 95 of 100 of the latest kept under."""

    last_seconds: float | None
    last_at: datetime | None
    p95_seconds: float | None
    changes: int


def speed(account_id: int) -> Speed:
    """How fast the latest changes reached the CRM. Those older than the connection are not counted."""
    found = rows(
        f"""
        SELECT (array_agg(seconds ORDER BY at DESC))[1], max(at),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds), count(*)
          FROM (SELECT extract(epoch FROM reached.at - t.recorded_at)::float AS seconds, reached.at
                  FROM (SELECT * FROM transition WHERE account_id = %s
                         ORDER BY recorded_at DESC, id DESC LIMIT %s) t {_REACHED}) latest
        """,  # noqa: S608 - as above
        [account_id, _LATEST],
    )
    return Speed(*found[0])


@frozen
class Day:
    """One day in the reader's zone: bookings that reached the CRM, and how long their changes took in seconds."""

    day: date
    bookings: int = 0
    median_seconds: float | None = None
    p95_seconds: float | None = None


def days(account_id: int, zone: str, since: datetime) -> dict[date, Day]:
    """Days since then on which changes came that reached a CRM, by their date in `zone`."""
    found = rows(
        f"""
        SELECT day, count(DISTINCT booking_id), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
          FROM (SELECT (t.recorded_at AT TIME ZONE %s)::date AS day, t.booking_id,
                       extract(epoch FROM reached.at - t.recorded_at)::float AS seconds
                  FROM transition t {_REACHED}
                 WHERE t.account_id = %s AND t.recorded_at >= %s) changes
         GROUP BY day
        """,  # noqa: S608 - as above
        [zone, account_id, since],
    )
    return {row[0]: Day(*row) for row in found}


def calls_by_day(account_id: int, zone: str, since: datetime) -> dict[int, dict[date, int]]:
    """API calls that went into batches, by connection and by day in `zone`. A batch's receipts tell its calls."""
    found = rows(
        """
        SELECT connection_id, (at AT TIME ZONE %s)::date, sum(calls)
          FROM (SELECT connection_id, drain_id, at, max(calls) AS calls FROM receipt
                 WHERE account_id = %s AND at >= %s GROUP BY 1, 2, 3) batches
         GROUP BY 1, 2
        """,
        [zone, account_id, since],
    )
    told: dict[int, dict[date, int]] = {}
    for connection, day, calls in found:
        told.setdefault(connection, {})[day] = int(calls)
    return told


@frozen
class RefusedFields:
    """Fields whose values the CRM refused with one message, on so many records. `everywhere`: on all of them."""

    connection: str
    vendor: str
    object: str
    message: str
    fields: tuple[str, ...]
    records: int
    everywhere: bool
    #: a record that it was refused on: the CRM's id or ours
    example: str


def refused_fields(account_id: int, limit: int = 20) -> list[RefusedFields]:
    """Values in quarantine by object and message, the most frequent first."""
    found = rows(
        """
        SELECT n.public_id, n.vendor, q.object, q.message, string_agg(DISTINCT q.field, ' '),
               count(DISTINCT q.record_key), bool_or(q.record_key = '*'), max(q.record_key)
          FROM field_quarantine q JOIN connection n ON n.account_id = q.account_id AND n.id = q.connection_id
         WHERE q.account_id = %s AND n.state <> 'disabled'
         GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, 3, 4 LIMIT %s
        """,
        [account_id, limit],
    )
    return [RefusedFields(*row[:4], tuple(row[4].split()), *row[5:]) for row in found]


@frozen
class FirstSteps:
    """What an account still lacks. `bookings` says that bookings come in, from here or elsewhere."""

    connection: bool
    calendar: bool
    host: bool
    bookings: bool
    missing: tuple[str, ...] = field(init=False)

    @missing.default
    def _missing(self) -> tuple[str, ...]:
        # who schedules elsewhere needs neither calendars nor hosts here
        wanted = [("connection", self.connection)]
        if not self.bookings:
            wanted += [("calendar", self.calendar), ("host", self.host)]
        return tuple(name for name, there in wanted if not there)


def first_steps(account_id: int) -> FirstSteps:
    """What of a first set-up is there: a connection, a published calendar, a host with hours, a booking."""
    found = rows(
        """
        SELECT EXISTS (SELECT 1 FROM connection WHERE account_id = %(a)s AND state <> 'disabled'),
               EXISTS (SELECT 1 FROM calendar WHERE account_id = %(a)s AND published),
               EXISTS (SELECT 1 FROM host WHERE account_id = %(a)s AND weekly_hours <> '{}'::jsonb),
               EXISTS (SELECT 1 FROM booking WHERE account_id = %(a)s AND NOT in_trash)
        """,
        {"a": account_id},
    )
    return FirstSteps(*found[0])
