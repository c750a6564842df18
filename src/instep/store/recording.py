"""The set-based statements behind `bookings.record`, in the order in which a transaction runs them.

Locks are taken in one order by every transaction, so that none waits for another in a circle: the time of
hosts (`booked_time_queries`, for bookings made here), what is known of hosts, then the sorted names of
everything that may be made, then rows of bookings, contacts and hosts, each by key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.store.queries import rows

#: first halves of advisory locks: any numbers, but the same in every version
_HOSTS_SPACE = 0x1457
_NAMES_SPACE = 0x1458
_ALL_NAMES_SPACE = 0x145A
#: more names than this are locked as one: PostgreSQL has room for some 6,000 locks, of all transactions together
_NAMES_ALONE = 500


def lock_hosts(account_id: int, *, alone: bool) -> None:
    """Keep what is known of hosts as it is until the transaction ends; `alone` to add to it."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    rows(f"SELECT {lock}(%s, (%s %% 2147483647)::int)", [_HOSTS_SPACE, account_id])


def lock_names(account_id: int, names: Iterable[str]) -> None:
    """Hold out every other transaction that is about to make something of one of these names.

    Who has very many of them holds out all of the account's others instead.
    """
    wanted = set(names)
    lock = "pg_advisory_xact_lock" if len(wanted) > _NAMES_ALONE else "pg_advisory_xact_lock_shared"
    rows(f"SELECT {lock}(%s, (%s %% 2147483647)::int)", [_ALL_NAMES_SPACE, account_id])
    if len(wanted) > _NAMES_ALONE:
        return
    rows(
        """
        SELECT count(pg_advisory_xact_lock(%s, key)) FROM (
            SELECT DISTINCT hashtext(%s || ':' || name) AS key FROM unnest(%s::text[]) AS t (name)
             ORDER BY 1) sorted
        """,
        [_NAMES_SPACE, str(account_id), list(wanted)],
    )


def add_facts(
    account_id: int, source: str, facts: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, int]:
    """Keep facts; returns envelope id → key of those that were not known yet.

    Each has envelope_id, booking_id, kind, updated_at, created_at, rank, email_key, mobile_key and the event
    itself as raw.
    """
    found = rows(
        """
        INSERT INTO fact (account_id, source, envelope_id, booking_source_id, kind, updated_at, created_at,
                          rank, email_key, mobile_key, raw, received_at)
        SELECT %s, %s, f.*, %s
          FROM jsonb_to_recordset(%s::jsonb) AS f (
               envelope_id text, booking_id text, kind text, updated_at timestamptz, created_at timestamptz,
               rank smallint, email_key text, mobile_key text, raw jsonb)
        ON CONFLICT (account_id, source, envelope_id) DO NOTHING
        RETURNING envelope_id, id
        """,
        # one document and no arrays: quoting events into an array costs more than all the rest
        [account_id, source, now, json.dumps(list(facts), ensure_ascii=False)],
    )
    return dict(found)


def set_aside(
    account_id: int, source: str, events: Sequence[tuple[str, str, str, str]], now: datetime
) -> None:
    """Keep unusable events, each as (code, reason, raw text, digest); one that is kept stays as it is."""
    if not events:
        return
    rows(
        """
        INSERT INTO set_aside (account_id, source, code, reason, raw, digest, at)
        SELECT %s, %s, e.*, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS e
        ON CONFLICT (account_id, source, digest) DO NOTHING
        """,
        [account_id, source, now, *(list(column) for column in zip(*events, strict=True))],
    )


def older_facts(
    account_id: int, source: str, booking_ids: Collection[str], without: Collection[int]
) -> list[Mapping[str, Any]]:
    """The raw events of these bookings, but for those facts that the caller has at hand."""
    found = rows(
        """
        SELECT raw FROM fact
         WHERE account_id = %s AND source = %s AND booking_source_id = ANY(%s::text[])
           AND NOT id = ANY(%s::bigint[])
        """,
        [account_id, source, list(booking_ids), list(without)],
    )
    return [json.loads(raw) for (raw,) in found]


def save_surroundings(
    account_id: int,
    source: str,
    note: str,
    calendars: Collection[tuple[str, str, str]],
    properties: Collection[tuple[str, str, str]],
) -> None:
    """Make what events name, on first sight.

    Calendars (id, name, stamp of the name) are unpublished, and their newest name wins. A property (object,
    identifier, type) that ever held several values is `multi`. What is known already is not touched: the lock
    on its row would have every delivery wait for the one before.
    """
    if not calendars and not properties:
        return
    rows(
        """
        WITH made AS (
            INSERT INTO calendar (account_id, source, source_id, name, name_stamp, note)
            SELECT %(account)s, %(source)s, c.source_id, c.name, c.stamp, %(note)s
              FROM unnest(%(ids)s::text[], %(names)s::text[], %(stamps)s::text[]) AS c (source_id, name, stamp)
             WHERE NOT EXISTS (
                SELECT FROM calendar k
                 WHERE k.account_id = %(account)s AND k.source = %(source)s AND k.source_id = c.source_id
                   AND k.name_stamp COLLATE "C" >= c.stamp COLLATE "C")
             ORDER BY c.source_id
            ON CONFLICT (account_id, source, source_id) DO UPDATE
               SET name = excluded.name, name_stamp = excluded.name_stamp
             WHERE calendar.name_stamp COLLATE "C" < excluded.name_stamp COLLATE "C")
        INSERT INTO property (account_id, object, identifier, label, type)
        SELECT %(account)s, p.object, p.identifier, p.identifier, p.type
          FROM unnest(%(objects)s::text[], %(identifiers)s::text[], %(types)s::text[])
            AS p (object, identifier, type)
         WHERE NOT EXISTS (
            SELECT FROM property k
             WHERE k.account_id = %(account)s AND k.object = p.object AND k.identifier = p.identifier
               AND (k.type <> 'text' OR p.type = 'text'))
         ORDER BY 2, 3
        ON CONFLICT (account_id, object, identifier) DO UPDATE SET type = excluded.type
         WHERE property.type = 'text' AND excluded.type = 'multi'
        """,
        {
            "account": account_id,
            "source": source,
            "note": note,
            **_columns(("ids", "names", "stamps"), calendars),
            **_columns(("objects", "identifiers", "types"), properties),
        },
    )


def _columns(names: Sequence[str], table: Collection[Sequence[Any]]) -> dict[str, list[Any]]:
    """The columns of a table given by rows."""
    return {name: [row[place] for row in table] for place, name in enumerate(names)}


@frozen
class BookingRow:
    """A booking as stored, locked."""

    key: int
    source_id: str
    state: Mapping[str, Any]
    contact_key: int | None
    in_trash: bool


def lock_bookings(account_id: int, source: str, source_ids: Collection[str]) -> dict[str, BookingRow]:
    """The stored bookings of these ids, their rows locked by key."""
    found = rows(
        """
        SELECT id, source_id, state, contact_id, in_trash FROM booking
         WHERE account_id = %s AND source = %s AND source_id = ANY(%s::text[]) ORDER BY id FOR UPDATE
        """,
        [account_id, source, list(source_ids)],
    )
    return {row[1]: BookingRow(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in found}


def save_bookings(
    account_id: int, source: str, bookings: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, int]:
    """Make or change bookings; source id → key. `host` is our public id, `calendar` the source's id."""
    found = rows(
        """
        INSERT INTO booking (account_id, source, source_id, status, detail, subject, start_at, end_at,
                             host_id, contact_id, calendar_id, state, active, in_trash, created_at,
                             updated_at)
        SELECT %(account)s, %(source)s, b.source_id, b.status, b.detail, b.subject, b.start_at, b.end_at,
               h.id, b.contact, c.id, b.state, b.active, b.in_trash, %(now)s, %(now)s
          FROM jsonb_to_recordset(%(bookings)s::jsonb) AS b (
               source_id text, status text, detail text, subject text, start_at timestamptz,
               end_at timestamptz, host text, contact bigint, calendar text, state jsonb,
               active boolean, in_trash boolean)
          LEFT JOIN host h ON h.account_id = %(account)s AND h.public_id = b.host
          LEFT JOIN calendar c
            ON c.account_id = %(account)s AND c.source = %(source)s AND c.source_id = b.calendar
         ORDER BY b.source_id
        ON CONFLICT (account_id, source, source_id) DO UPDATE
           SET status = excluded.status, detail = excluded.detail, subject = excluded.subject,
               start_at = excluded.start_at, end_at = excluded.end_at, host_id = excluded.host_id,
               contact_id = excluded.contact_id, calendar_id = excluded.calendar_id, state = excluded.state,
               active = excluded.active, in_trash = excluded.in_trash, updated_at = excluded.updated_at,
               version = booking.version + 1
        RETURNING source_id, id
        """,
        {
            "account": account_id,
            "source": source,
            "bookings": json.dumps(list(bookings)),
            "now": now,
        },
    )
    return dict(found)


def log_transitions(account_id: int, steps: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Append to the log: booking, kind, at, by, reason, status, start_at, host (public id), fact."""
    rows(
        """
        INSERT INTO transition (account_id, booking_id, kind, at, by, reason, status, start_at, host_id,
                                fact_id, recorded_at)
        SELECT %s, s.booking, s.kind, s.at, s.by, s.reason, s.status, s.start_at, h.id, s.fact, %s
          FROM jsonb_to_recordset(%s::jsonb) AS s (booking bigint, kind text, at timestamptz, by text,
               reason text, status text, start_at timestamptz, host text, fact bigint)
          LEFT JOIN host h ON h.account_id = %s AND h.public_id = s.host
         ORDER BY s.at, s.fact
        """,
        [account_id, now, json.dumps(list(steps)), account_id],
    )


def bookings_of_hosts(account_id: int, emails: Collection[str]) -> dict[int, int | None]:
    """The bookings that these hosts (by lower-case address) have now: key → contact's key."""
    return dict(
        rows(
            """
            SELECT b.id, b.contact_id
              FROM booking b JOIN host h ON h.account_id = b.account_id AND h.id = b.host_id
             WHERE b.account_id = %s AND h.email_key = ANY(%s::text[]) AND NOT b.in_trash
            """,
            [account_id, list(emails)],
        )
    )
