"""What the pages read: lists with their CRM state, one booking, set-aside events, lanes. Account first.

A booking's state in a lane is one of four words (`STATE`): a *problem* waits for a person, an *ignored* one
may stay as it is, what is *waiting* goes on by itself, everything else is *in step*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.core.booking import Status
from instep.store.calendar_queries import NEWEST_SUBJECT
from instep.store.queries import BOOKING, IGNORED, IN_STEP, PROBLEM, STATE, WAITING, rows


@frozen
class Mark:
    """Where one booking stands in one connection's lane."""

    connection: str
    vendor: str
    connection_name: str
    state: str
    code: str
    message: str
    due_at: datetime | None
    in_step_at: datetime | None
    link: Mapping[str, str]
    connection_key: int
    marked_at: datetime | None = None


@frozen
class ListedBooking:
    """One row of the list of bookings, with a mark for each connection."""

    key: int
    id: str
    status: Status
    detail: str
    subject: str
    start: datetime
    end: datetime
    guest: str
    guest_email: str
    host: str
    calendar: str
    marks: tuple[Mark, ...]


@frozen
class BookingFilter:
    """What the list is narrowed to; empty values narrow nothing.

    `first` and `until` bound the start, the latter exclusive; `ahead_of` keeps what ends after that moment and,
    unless a status is asked for, still stands, and puts the soonest first. `calendar`, `host` and `contact` are keys.
    """

    search: str = ""
    status: str = ""
    crm: str = ""
    calendar: int | None = None
    host: int | None = None
    contact: int | None = None
    first: datetime | None = None
    until: datetime | None = None
    ahead_of: datetime | None = None

    @property
    def any(self) -> bool:
        """True when the list is narrowed at all."""
        return self != BookingFilter()


#: which bookings `b` a filter keeps; those in the source's trash are in no list
_KEPT = f"""b.account_id = %(account)s AND NOT b.in_trash
           AND (%(status)s = '' OR b.status = %(status)s)
           AND (%(calendar)s::bigint IS NULL OR b.calendar_id = %(calendar)s)
           AND (%(host)s::bigint IS NULL OR b.host_id = %(host)s)
           AND (%(contact)s::bigint IS NULL OR b.contact_id = %(contact)s)
           AND (%(first)s::timestamptz IS NULL OR b.start_at >= %(first)s)
           AND (%(until)s::timestamptz IS NULL OR b.start_at < %(until)s)
           AND (%(ahead)s::timestamptz IS NULL OR (b.end_at > %(ahead)s AND (b.active OR %(status)s <> '')))
           AND (%(search)s = '' OR position(lower(%(search)s) IN lower(concat_ws(' ', b.source_id, b.subject,
                b.state #>> '{{guest,name}}', b.state #>> '{{guest,email}}'))) > 0)
           AND (%(crm)s = '' OR %(crm)s = (
                SELECT CASE WHEN bool_or(lane = '{PROBLEM}') THEN '{PROBLEM}'
                            WHEN bool_or(lane = '{WAITING}') THEN '{WAITING}'
                            WHEN bool_or(lane = '{IGNORED}') THEN '{IGNORED}' ELSE min(lane) END
                  FROM (SELECT {STATE} AS lane FROM sync_item i
                          JOIN connection n ON n.account_id = i.account_id AND n.id = i.connection_id
                         WHERE i.account_id = b.account_id AND i.kind = '{BOOKING}' AND i.target_id = b.id
                           AND n.state <> 'disabled') lanes))"""  # noqa: S608 - the words in braces are this module's own


def _asked(account_id: int, wanted: BookingFilter) -> dict[str, Any]:
    return {
        "account": account_id,
        "status": wanted.status,
        "calendar": wanted.calendar,
        "host": wanted.host,
        "contact": wanted.contact,
        "first": wanted.first,
        "until": wanted.until,
        "ahead": wanted.ahead_of,
        "search": wanted.search.replace("\0", "").strip(),
        "crm": wanted.crm,
    }


def list_bookings(
    account_id: int, wanted: BookingFilter, limit: int, before: tuple[datetime, int] | None = None
) -> list[ListedBooking]:
    """Bookings, the latest start first (the soonest first with `ahead_of`), without those in the source's trash.

    `before` is (start, key) of the last one already shown.
    """
    way, sign = ("", ">") if wanted.ahead_of else ("DESC", "<")
    found = rows(
        f"""
        SELECT b.id, b.source_id, b.status, b.detail, b.subject, b.start_at, b.end_at,
               btrim(coalesce(b.state #>> '{{guest,name}}', '')), coalesce(b.state #>> '{{guest,email}}', ''),
               coalesce(nullif(h.name, ''), h.email, ''), coalesce(c.name, '')
          FROM booking b
          LEFT JOIN host h ON h.account_id = b.account_id AND h.id = b.host_id
          LEFT JOIN calendar c ON c.account_id = b.account_id AND c.id = b.calendar_id
         WHERE {_KEPT}
           AND (%(start)s::timestamptz IS NULL OR (b.start_at, b.id) {sign} (%(start)s, %(key)s))
         ORDER BY b.start_at {way}, b.id {way} LIMIT %(limit)s
        """,  # noqa: S608 - as above
        {
            **_asked(account_id, wanted),
            "start": before[0] if before else None,
            "key": before[1] if before else None,
            "limit": limit,
        },
    )
    marks = marks_of(account_id, [row[0] for row in found])
    return [ListedBooking(row[0], row[1], Status(row[2]), *row[3:], marks.get(row[0], ())) for row in found]


def count_bookings(account_id: int, wanted: BookingFilter, at_most: int) -> int:
    """How many bookings a filter keeps; counting stops at `at_most`."""
    found = rows(
        f"SELECT count(*) FROM (SELECT FROM booking b WHERE {_KEPT} LIMIT %(at_most)s) kept",  # noqa: S608 - as above
        {**_asked(account_id, wanted), "at_most": at_most},
    )
    return int(found[0][0])


@frozen
class Choice:
    """A calendar or host that the list can be narrowed to."""

    key: int
    name: str


def calendars_booked(account_id: int) -> list[Choice]:
    """Every calendar as it is called (`calendar_queries.CalendarUse`), made here or named by a source's events."""
    found = rows(
        f"""
        SELECT c.id, coalesce(nullif(c.name, ''), c.source_id || coalesce(' · “' || ({NEWEST_SUBJECT}) || '”', ''))
          FROM calendar c WHERE c.account_id = %s
         ORDER BY lower(coalesce(nullif(c.name, ''), c.source_id)), c.id
        """,  # noqa: S608 - the words in braces are the store's own
        [account_id],
    )
    return [Choice(*row) for row in found]


def hosts_booked(account_id: int) -> list[Choice]:
    """Every host by name."""
    found = rows(
        """
        SELECT id, coalesce(nullif(name, ''), email) FROM host WHERE account_id = %s
         ORDER BY lower(coalesce(nullif(name, ''), email)), id
        """,
        [account_id],
    )
    return [Choice(*row) for row in found]


def marks_of(account_id: int, keys: list[int]) -> dict[int, tuple[Mark, ...]]:
    """Where bookings stand, by key, in the order of the connections; those in no lane are left out."""
    found = rows(
        f"""
        SELECT i.target_id, n.public_id, n.vendor, n.name, {STATE}, i.error_code, i.error_message, i.due_at,
               i.in_step_at, i.link, n.id, i.marked_at
          FROM sync_item i JOIN connection n ON n.account_id = i.account_id AND n.id = i.connection_id
         WHERE i.account_id = %s AND i.kind = '{BOOKING}' AND i.target_id = ANY(%s::bigint[])
           AND n.state <> 'disabled'
         ORDER BY n.id
        """,  # noqa: S608 - as above
        [account_id, keys],
    )
    marks: dict[int, tuple[Mark, ...]] = {}
    for row in found:
        mark = Mark(*row[1:9], json.loads(row[9]), *row[10:])
        marks[row[0]] = (*marks.get(row[0], ()), mark)
    return marks


@frozen
class Standing:
    """How many bookings stand where, over all lanes, and how long the last one took into the CRM."""

    in_step: int
    waiting: int
    problems: int
    last_seconds: float | None
    last_at: datetime | None


def standing(account_id: int) -> Standing:
    """The bookings of the account by their state, and the time from change to CRM of the latest."""
    found = rows(
        f"""
        SELECT count(*) FILTER (WHERE lane = '{IN_STEP}'), count(*) FILTER (WHERE lane = '{WAITING}'),
               count(*) FILTER (WHERE lane = '{PROBLEM}'),
               (array_agg(extract(epoch FROM in_step_at - marked_at)::float ORDER BY in_step_at DESC)
                   FILTER (WHERE lane = '{IN_STEP}' AND in_step_at >= marked_at))[1],
               max(in_step_at)
          FROM (SELECT {STATE} AS lane, i.in_step_at, i.marked_at
                  FROM sync_item i JOIN connection n ON n.account_id = i.account_id AND n.id = i.connection_id
                 WHERE i.account_id = %s AND i.kind = '{BOOKING}' AND n.state <> 'disabled'
                   AND (i.due_at IS NOT NULL OR i.done >= i.wanted OR i.error_class <> '')) lanes
        """,  # noqa: S608 - as above
        [account_id],
    )
    return Standing(*found[0])


@frozen
class LaneState:
    """One connection as the banners and the booking page show it. `waiting` counts its items that are due."""

    key: int
    id: str
    vendor: str
    name: str
    state: str
    held_until: datetime | None
    hold_code: str
    hold_reason: str
    waiting: int
    since: datetime | None


def lane_states(account_id: int) -> list[LaneState]:
    """Every connection that is not disabled, oldest first; items are counted only for lanes that stand still."""
    found = rows(
        """
        SELECT n.id, n.public_id, n.vendor, n.name, n.state,
               CASE WHEN n.held_until > now() THEN n.held_until END, n.hold_code, n.hold_reason,
               CASE WHEN n.state <> 'connected' OR n.held_until > now() THEN (
                    SELECT count(*) FROM sync_item i
                     WHERE i.account_id = n.account_id AND i.connection_id = n.id AND i.due_at IS NOT NULL
                       AND i.done < i.wanted) ELSE 0 END,
               (SELECT min(a.raised_at) FROM alert a
                 WHERE a.account_id = n.account_id AND a.connection_id = n.id AND a.cleared_at IS NULL
                   AND a.code = n.hold_code)
          FROM connection n WHERE n.account_id = %s AND n.state <> 'disabled' ORDER BY n.id
        """,
        [account_id],
    )
    return [LaneState(*row) for row in found]


@frozen
class SetAsideEvent:
    """An event that could not be used, as it came."""

    key: int
    source: str
    code: str
    reason: str
    raw: str
    at: datetime


def list_set_aside(
    account_id: int, limit: int, before: tuple[datetime, int] | None = None
) -> list[SetAsideEvent]:
    """Events kept aside, newest first; `before` is (at, key) of the last one already shown."""
    found = rows(
        """
        SELECT id, source, code, reason, raw, at FROM set_aside
         WHERE account_id = %(account)s
           AND (%(at)s::timestamptz IS NULL OR (at, id) < (%(at)s, %(key)s))
         ORDER BY at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "account": account_id,
            "at": before[0] if before else None,
            "key": before[1] if before else None,
            "limit": limit,
        },
    )
    return [SetAsideEvent(*row) for row in found]


@frozen
class BookingHead:
    """What names a booking on the pages about it."""

    key: int
    id: str
    source: str
    in_trash: bool
    contact_key: int | None


def booking_head(account_id: int, key: int) -> BookingHead | None:
    """The booking with this key, or None: also for another account's."""
    found = rows(
        "SELECT id, source_id, source, in_trash, contact_id FROM booking WHERE account_id = %s AND id = %s",
        [account_id, key],
    )
    return BookingHead(*found[0]) if found else None


@frozen
class RelatedBooking:
    """A booking that another one took the place of; `earlier` when it is the one that was replaced."""

    key: int
    subject: str
    start: datetime
    status: Status
    earlier: bool


def related_bookings(account_id: int, key: int) -> list[RelatedBooking]:
    """The booking that this one replaced, and the one that replaced this: bookings of the same contact."""
    found = rows(
        """
        SELECT o.id, o.subject, o.start_at, o.status, o.source_id = b.state ->> 'rescheduled_from' AS earlier
          FROM booking b
          JOIN booking o ON o.account_id = b.account_id AND o.contact_id = b.contact_id AND o.id <> b.id
         WHERE b.account_id = %s AND b.id = %s AND NOT o.in_trash
           AND (o.source_id = b.state ->> 'rescheduled_from' OR o.state ->> 'rescheduled_from' = b.source_id)
         ORDER BY o.start_at, o.id LIMIT 10
        """,
        [account_id, key],
    )
    return [RelatedBooking(*row[:3], Status(row[3]), row[4]) for row in found]


@frozen
class ReceiptRow:
    """One receipt of a booking or contact; `document` is `core.receipt`'s, empty in lists."""

    id: int
    at: datetime
    connection_key: int
    vendor: str
    connection_name: str
    outcome: str
    calls: int
    ms: int
    drain: str
    document: Mapping[str, Any]


_RECEIPT = """SELECT r.id, r.at, r.connection_id, coalesce(n.vendor, ''), coalesce(n.name, ''), r.outcome,
                     r.calls, r.ms, r.drain_id, {document}
                FROM receipt r
                LEFT JOIN connection n ON n.account_id = r.account_id AND n.id = r.connection_id
               WHERE r.account_id = %s AND r.kind = %s AND r.target_id = %s"""


def list_receipts(
    account_id: int, target_key: int, connection: str = "", limit: int = 50, *, kind: str = BOOKING
) -> list[ReceiptRow]:
    """The receipts of a booking or contact without their documents, newest first; `connection` is a public id
    or empty."""
    found = rows(
        _RECEIPT.format(document="'{}'")
        + " AND (%s = '' OR n.public_id = %s) ORDER BY r.at DESC, r.id DESC LIMIT %s",
        [account_id, kind, target_key, connection, connection, limit],
    )
    return [ReceiptRow(*row[:-1], {}) for row in found]


def receipt(account_id: int, target_key: int, receipt_id: int, *, kind: str = BOOKING) -> ReceiptRow | None:
    """One receipt of a booking or contact with its document, or None."""
    found = rows(
        _RECEIPT.format(document="r.document") + " AND r.id = %s", [account_id, kind, target_key, receipt_id]
    )
    return ReceiptRow(*found[0][:-1], json.loads(found[0][-1])) if found else None


def record_names(
    account_id: int, connection_key: int, ids: list[str], parts: Sequence[str], whole: Sequence[str]
) -> dict[tuple[str, str], str]:
    """What CRM records are called, as last seen, by (object, id): a person's name, a meeting's subject.

    `parts` are the fields that make a name together, `whole` those that are one; a record has those of its own CRM.
    """
    found = rows(
        """
        SELECT object, crm_id,
               coalesce((SELECT nullif(btrim(string_agg(snapshot ->> field, ' ' ORDER BY place)), '')
                                   FROM unnest(%s::text[]) WITH ORDINALITY AS part (field, place)),
                                (SELECT min(snapshot ->> field) FROM unnest(%s::text[]) AS whole (field)), '')
          FROM crm_record WHERE account_id = %s AND connection_id = %s AND crm_id = ANY(%s::text[])
        """,
        [list(parts), list(whole), account_id, connection_key, ids],
    )
    return {(name, crm_id): called for name, crm_id, called in found}
