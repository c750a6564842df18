"""Named, set-based queries. The account is the first argument of each: no query sees another tenant's rows.

Rows of `sync_item` are locked in the order (connection, kind, target) by everyone, or writers deadlock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from attrs import frozen
from django.db import connection as database

from instep.core.booking import Booking, Status
from instep.core.contact import Contact
from instep.store import convert
from instep.store.statements import as_array, prepared_rows

BOOKING = "booking"
CONTACT = "contact"


def rows(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement and fetch what it returns."""
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


#: as a number: making a moment out of PostgreSQL's text takes longer than all else of a row
_UPDATED = "extract(epoch FROM c.updated_at)::float AS updated_at"
_FORMER = """ARRAY(SELECT f.email_key FROM contact_former_email f
                  WHERE f.account_id = c.account_id AND f.contact_id = c.id) AS former"""


#: a booking `b` with its contact `c` and all that belongs to them, as `meetings_in` takes it
MEETING = f"""b.id AS booking, b.state, c.id AS contact, c.public_id, c.fields, {_UPDATED}, {_FORMER},
       (SELECT jsonb_object_agg(h.public_id, jsonb_build_array(h.email, h.name, h.time_zone))
          FROM host h
         WHERE h.account_id = b.account_id
           AND h.public_id IN (SELECT jsonb_array_elements_text(b.state -> 'hosts'))) AS hosts,
       (SELECT k.rules ->> 'event_title' FROM calendar k
         WHERE k.account_id = b.account_id AND k.source = b.source
           AND k.source_id = b.state ->> 'calendar') AS event_title"""  # noqa: S608 - the words in braces are ours
#: the sum leaves PostgreSQL the contact's own key, as in `item_queries.due_items`
CONTACT_OF_MEETING = "LEFT JOIN contact c ON c.account_id + 0 = b.account_id AND c.id = b.contact_id"


def load_bookings(account_id: int, ids: Collection[int]) -> dict[int, Booking]:
    """Bookings by key, with their hosts as known now; those in the source's trash are left out."""
    found = prepared_rows(
        f"""SELECT {MEETING} FROM booking b {CONTACT_OF_MEETING}
             WHERE b.account_id = %s AND b.id = ANY(%s::bigint[]) AND NOT b.in_trash""",  # noqa: S608 - ours
        [account_id, as_array(ids)],
    )
    return meetings_in(found)[0]


def meetings_in(found: Iterable[Mapping[str, Any]]) -> tuple[dict[int, Booking], dict[int, Contact]]:
    """Bookings out of rows with `MEETING`, and the contacts whose bookings they are, by key."""
    held = [row for row in found if row["booking"] is not None]
    bookings = {
        row["booking"]: convert.booking_of(
            _json(row["state"]), row["public_id"] or "", _json(row["hosts"]), row["event_title"] or ""
        )
        for row in held
    }
    persons = {row["contact"]: row for row in held if row["contact"] is not None}
    return bookings, {key: _contact(row) for key, row in persons.items()}


def load_contacts(account_id: int, ids: Collection[int]) -> dict[int, Contact]:
    """Contacts by key, with the addresses that they had before."""
    found = prepared_rows(
        f"""SELECT c.id, c.public_id, c.fields, {_UPDATED}, {_FORMER}
              FROM contact c WHERE c.account_id = %s AND c.id = ANY(%s::bigint[])""",  # noqa: S608
        [account_id, as_array(ids)],
    )
    return {row["id"]: _contact(row) for row in found}


def _contact(row: Mapping[str, Any]) -> Contact:
    updated_at = datetime.fromtimestamp(row["updated_at"], UTC) if row["updated_at"] is not None else None
    return convert.contact_from(row["public_id"], _json(row["fields"]), updated_at, row["former"])


def find_booking(account_id: int, source_id: str) -> int | None:
    """The key of the booking with that id of its source, or None; the newest where sources share an id."""
    found = rows(
        "SELECT id FROM booking WHERE account_id = %s AND source_id = %s ORDER BY id DESC LIMIT 1",
        [account_id, source_id],
    )
    return found[0][0] if found else None


@frozen
class BookingSummary:
    """A booking for lists. `crm` is in step, waiting, problem, ignored, or empty where no CRM is connected."""

    key: int
    id: str
    status: Status
    status_detail: str
    subject: str
    start: datetime
    end: datetime
    guest: str
    guest_email: str
    host: str
    host_email: str
    contact_id: str
    crm: str
    crm_message: str


IN_STEP, WAITING, PROBLEM, IGNORED = "in step", "waiting", "problem", "ignored"
#: what passes by itself; every other error class waits for a person
_PASSING = "('', 'Retry', 'Wait', 'Held')"
#: the state of one row `i` of sync_item; a problem that somebody said may stay is "ignored"
STATE = f"""CASE WHEN i.done >= i.wanted THEN '{IN_STEP}'
                 WHEN i.error_class IN {_PASSING} THEN '{WAITING}'
                 WHEN i.ignored_at IS NOT NULL THEN '{IGNORED}'
                 ELSE '{PROBLEM}' END"""


def booking_summaries(
    account_id: int,
    *,
    limit: int = 100,
    before: tuple[datetime, int] | None = None,
    search: str = "",
    crm: str = "",
) -> list[BookingSummary]:
    """Bookings, the latest start first. `before` is (start, key) of the last one already seen.

    `search` looks for a part of id, subject, guest's name or e-mail; `crm` keeps one CRM state only.
    """
    found = rows(
        f"""
        SELECT * FROM (
            SELECT b.id, b.source_id, b.status, b.detail, b.subject, b.start_at, b.end_at,
                   b.state #>> '{{guest,name}}' AS guest, b.state #>> '{{guest,email}}' AS email,
                   coalesce(nullif(h.name, ''), h.email, b.state ->> 'host', ''), coalesce(h.email, ''),
                   coalesce(c.public_id, ''), coalesce(s.crm, '') AS crm, coalesce(s.message, '')
              FROM booking b
              LEFT JOIN host h ON h.account_id = b.account_id AND h.id = b.host_id
              LEFT JOIN contact c ON c.account_id = b.account_id AND c.id = b.contact_id
              LEFT JOIN LATERAL (
                    SELECT CASE WHEN bool_or({STATE} = '{PROBLEM}') THEN '{PROBLEM}'
                                WHEN bool_or({STATE} = '{WAITING}') THEN '{WAITING}'
                                WHEN bool_or({STATE} = '{IGNORED}') THEN '{IGNORED}'
                                WHEN count(*) > 0 THEN '{IN_STEP}' END AS crm,
                           max(i.error_message) AS message
                      FROM sync_item i
                     WHERE i.account_id = b.account_id AND i.kind = '{BOOKING}' AND i.target_id = b.id
                   ) s ON true
             WHERE b.account_id = %(account)s
               AND (%(start)s::timestamptz IS NULL OR (b.start_at, b.id) < (%(start)s, %(key)s))
        ) found
        WHERE (%(crm)s = '' OR crm = %(crm)s)
          AND (%(search)s = '' OR position(lower(%(search)s) IN lower(
               concat_ws(' ', source_id, subject, guest, email))) > 0)
        ORDER BY start_at DESC, id DESC LIMIT %(limit)s
        """,  # noqa: S608 - the words in braces are this module's own
        {
            "account": account_id,
            "start": before[0] if before else None,
            "key": before[1] if before else None,
            "crm": crm,
            "search": search.replace("\0", ""),
            "limit": limit,
        },
    )
    return [BookingSummary(row[0], row[1], Status(row[2]), *row[3:]) for row in found]


@frozen
class LoggedTransition:
    """One row of the append-only log."""

    kind: str
    at: datetime
    by: str
    reason: str
    status: str
    start: datetime | None
    host: str
    recorded_at: datetime


def transitions(account_id: int, booking_key: int) -> list[LoggedTransition]:
    """The log of one booking by the time that things happened; `recorded_at` says when we learned of it."""
    found = rows(
        """
        SELECT t.kind, t.at, t.by, t.reason, t.status, t.start_at,
               coalesce(nullif(h.name, ''), h.email, ''), t.recorded_at
          FROM transition t
          LEFT JOIN host h ON h.account_id = t.account_id AND h.id = t.host_id
         WHERE t.account_id = %s AND t.booking_id = %s ORDER BY t.at, t.id
        """,
        [account_id, booking_key],
    )
    return [LoggedTransition(*row) for row in found]


# --- marks ---


def mark(account_id: int, kind: str, targets: Mapping[int, int | None], now: datetime) -> list[int]:
    """Mark items as wanted in the lane of every enabled connection; `targets` maps key → person key.

    Returns the connections whose drains are to be woken, as the very last thing of the transaction (`wake`).
    """
    if not targets:
        return []
    found = rows(
        """
        WITH marked AS (
            INSERT INTO sync_item (account_id, connection_id, kind, target_id, person_key, wanted, due_at,
                                   marked_at)
            SELECT c.account_id, c.id, %(kind)s, t.id, t.person, 1, %(now)s, %(now)s
              FROM connection c
             CROSS JOIN unnest(%(targets)s::bigint[], %(persons)s::bigint[]) AS t (id, person)
             WHERE c.account_id = %(account)s AND c.state <> 'disabled'
             ORDER BY c.id, t.id
            ON CONFLICT (account_id, connection_id, kind, target_id) DO UPDATE
               SET wanted = sync_item.wanted + 1,
                   person_key = excluded.person_key,
                   due_at = excluded.due_at,
                   ignored_at = NULL,
                   rules_only = false,
                   marked_at = CASE WHEN sync_item.done < sync_item.wanted
                                    THEN coalesce(sync_item.marked_at, excluded.marked_at)
                                    ELSE excluded.marked_at END
            RETURNING connection_id)
        SELECT DISTINCT connection_id FROM marked ORDER BY 1
        """,
        {
            "account": account_id,
            "kind": kind,
            "targets": list(targets),
            "persons": list(targets.values()),
            "now": now,
        },
    )
    return [connection_id for (connection_id,) in found]


def unmark(account_id: int, kind: str, targets: Iterable[int]) -> None:
    """Take items out of every lane: nothing is written for them until they are marked again."""
    rows(
        """
        UPDATE sync_item SET due_at = NULL FROM (
            SELECT id FROM sync_item
             WHERE account_id = %s AND kind = %s AND target_id = ANY(%s::bigint[]) AND due_at IS NOT NULL
             ORDER BY connection_id, kind, target_id FOR UPDATE) locked
         WHERE sync_item.account_id = %s AND sync_item.id = locked.id
        """,
        [account_id, kind, list(targets), account_id],
    )


def wake(account_id: int, connection_ids: Iterable[int]) -> None:
    """Wake these connections' drains: the transaction's last statement, for it takes the queue's locks."""
    ids = list(connection_ids)
    if ids:
        rows(
            """
            SELECT instep_wake(id) FROM connection
             WHERE account_id = %s AND id = ANY(%s::bigint[]) ORDER BY id
            """,
            [account_id, ids],
        )


def properties(account_id: int) -> list[dict[str, str]]:
    """Every custom property of the account: object, identifier, label, type."""
    found = rows(
        "SELECT object, identifier, label, type FROM property WHERE account_id = %s ORDER BY 1, 2",
        [account_id],
    )
    return [dict(zip(("object", "identifier", "label", "type"), row, strict=True)) for row in found]


@contextmanager
def advisory_lock(space: int, key: int) -> Iterator[None]:
    """Hold a lock of this session over several transactions; waits for whoever has it. Two 32-bit numbers."""
    rows("SELECT pg_advisory_lock(%s, %s)", [space, key])
    try:
        yield
    finally:
        rows("SELECT pg_advisory_unlock(%s, %s)", [space, key])


def make_partitions(ahead: int = 3) -> int:
    """Make the log partitions of this month and the next ones where they are missing; returns how many."""
    return int(rows("SELECT instep_make_partitions(%s)", [ahead])[0][0])


def _json(text: str | None) -> Any:
    # Django has jsonb delivered as text
    return None if text is None else orjson.loads(text)
