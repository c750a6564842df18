"""The set-based statements behind `bookings.hosts`, `bookings.people` and `bookings.contacts`.

Rows are locked by key; what may be made is locked by name first (`recording.lock_names`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.store.queries import rows

# --- hosts ---


@frozen
class HostRow:
    """A host as stored; `fields` maps a value's name to itself and the order key of the fact that said so."""

    key: int
    public_id: str
    email: str
    email_key: str
    fields: Mapping[str, Any]


def hosts(
    account_id: int, emails: Collection[str], source_ids: Collection[str] = (), *, lock: bool = False
) -> list[HostRow]:
    """The hosts that have one of these addresses (lower case) or ids; `lock` holds their rows, by key."""
    found = rows(
        f"""
        SELECT id, public_id, email, email_key, fields FROM host
         WHERE account_id = %s AND (email_key = ANY(%s::text[]) OR source_ids && %s::text[])
         ORDER BY id {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 - nothing but two words of this function
        [account_id, list(emails), list(source_ids)],
    )
    return [HostRow(*row[:-1], json.loads(row[-1])) for row in found]


def save_hosts(account_id: int, source: str, known: Sequence[Mapping[str, Any]]) -> None:
    """Make or overwrite hosts (public_id, email, email_key, source_ids, name, time_zone, fields)."""
    if not known:
        return
    rows(
        """
        INSERT INTO host (account_id, public_id, email, email_key, source_ids, name, time_zone, fields,
                          from_source)
        SELECT %(account)s, h.public_id, h.email, h.email_key,
               ARRAY(SELECT jsonb_array_elements_text(h.source_ids)), h.name, h.time_zone, h.fields,
               %(source)s
          FROM jsonb_to_recordset(%(hosts)s::jsonb) AS h (
               public_id text, email text, email_key text, source_ids jsonb, name text, time_zone text,
               fields jsonb)
         ORDER BY h.email_key
        ON CONFLICT (account_id, email_key) DO UPDATE
           SET source_ids = excluded.source_ids, name = excluded.name, time_zone = excluded.time_zone,
               fields = excluded.fields
        """,
        {"account": account_id, "source": source, "hosts": json.dumps(list(known))},
    )


def add_mentions(account_id: int, source: str, mentions: Collection[tuple[str, str]]) -> None:
    """Remember (address or id, booking) where a fact's host hangs on who becomes known."""
    if not mentions:
        return
    rows(
        """
        INSERT INTO host_mention (account_id, mention, source, booking_source_id)
        SELECT %s, m.mention, %s, m.booking FROM unnest(%s::text[], %s::text[]) AS m (mention, booking)
         ORDER BY 2, 4 ON CONFLICT DO NOTHING
        """,
        [account_id, source, *(list(column) for column in zip(*sorted(mentions), strict=True))],
    )


def bookings_mentioning(account_id: int, source: str, mentions: Collection[str]) -> set[str]:
    """The bookings whose host may be one of these."""
    if not mentions:
        return set()
    found = rows(
        """
        SELECT DISTINCT booking_source_id FROM host_mention
         WHERE account_id = %s AND mention = ANY(%s::text[]) AND source = %s
        """,
        [account_id, list(mentions), source],
    )
    return {row[0] for row in found}


# --- contacts ---


@frozen
class ContactRow:
    """A contact as stored, locked. `email_keys` are the addresses that lead to it, former ones too."""

    key: int
    public_id: str
    email_key: str
    email_keys: Sequence[str]
    mobile_key: str
    identity_booking: str
    fields: Mapping[str, Any]


_CONTACT_COLUMNS = """
    c.id, c.public_id, c.email_key,
    ARRAY(SELECT f.email_key FROM contact_former_email f
           WHERE f.account_id = c.account_id AND f.contact_id = c.id AND f.email_key = ANY(%(e)s::text[]))
    || ARRAY(SELECT c.email_key WHERE c.email_key <> ''),
    c.mobile_key, c.identity_booking, c.fields"""


def lock_contacts(
    account_id: int,
    emails: Collection[str] = (),
    mobiles: Collection[str] = (),
    bookings: Collection[str] = (),
    public_id: str = "",
) -> list[ContactRow]:
    """The contacts of these identities (or of one public id), their rows locked by key."""
    found = rows(
        f"""
        SELECT {_CONTACT_COLUMNS} FROM contact c
         WHERE c.id IN (
            SELECT id FROM contact
             WHERE account_id = %(a)s AND email_key <> '' AND email_key = ANY(%(e)s::text[])
            UNION ALL
            SELECT contact_id FROM contact_former_email
             WHERE account_id = %(a)s AND email_key = ANY(%(e)s::text[])
            UNION ALL
            SELECT id FROM contact
             WHERE account_id = %(a)s AND mobile_key <> '' AND mobile_key = ANY(%(m)s::text[])
            UNION ALL
            SELECT id FROM contact
             WHERE account_id = %(a)s AND identity_booking <> '' AND identity_booking = ANY(%(b)s::text[])
            UNION ALL
            SELECT id FROM contact WHERE account_id = %(a)s AND public_id = %(p)s)
         ORDER BY c.id FOR UPDATE OF c
        """,  # noqa: S608 - the columns above
        {"a": account_id, "e": list(emails), "m": list(mobiles), "b": list(bookings), "p": public_id},
    )
    return [ContactRow(*row[:-1], json.loads(row[-1])) for row in found]


def remember_email(account_id: int, contact_key: int, email_key: str) -> None:
    """Keep leading an address to the contact that had it."""
    rows(
        """
        INSERT INTO contact_former_email (account_id, email_key, contact_id) VALUES (%s, %s, %s)
        ON CONFLICT (account_id, email_key) DO UPDATE SET contact_id = excluded.contact_id
        """,
        [account_id, email_key, contact_key],
    )


def add_contacts(account_id: int, contacts: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, int]:
    """Make contacts (public_id, email, email_key, mobile_key, identity_booking, fields); id → key."""
    if not contacts:
        return {}
    return dict(
        rows(
            """
            INSERT INTO contact (account_id, public_id, email, email_key, mobile_key, identity_booking,
                                 fields, created_at, updated_at)
            SELECT %s, c.public_id, c.email, c.email_key, c.mobile_key, c.identity_booking, c.fields, %s, %s
              FROM jsonb_to_recordset(%s::jsonb) AS c (public_id text, email text, email_key text,
                   mobile_key text, identity_booking text, fields jsonb)
            RETURNING public_id, id
            """,
            [account_id, now, now, json.dumps(list(contacts))],
        )
    )


def change_contacts(account_id: int, contacts: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Write locked contacts back: key, email, email_key, fields, and whether a value `changed`."""
    if not contacts:
        return
    rows(
        """
        UPDATE contact SET email = c.email, email_key = c.email_key, fields = c.fields,
               version = version + c.changed::int,
               updated_at = CASE WHEN c.changed THEN %s ELSE updated_at END
          FROM jsonb_to_recordset(%s::jsonb) AS c (
               key bigint, email text, email_key text, fields jsonb, changed boolean)
         WHERE contact.account_id = %s AND contact.id = c.key
        """,
        [now, json.dumps(list(contacts)), account_id],
    )


def mobile_owners(account_id: int, mobiles: Collection[str]) -> dict[str, str]:
    """For each mobile number the e-mail of the fact that named it first by the facts' order, or empty."""
    return dict(
        rows(
            """
            SELECT DISTINCT ON (mobile_key) mobile_key, email_key FROM fact
             WHERE account_id = %s AND mobile_key <> '' AND mobile_key = ANY(%s::text[])
             ORDER BY mobile_key, updated_at, created_at, rank, envelope_id COLLATE "C"
            """,
            [account_id, list(mobiles)],
        )
    )


def bookings_known_by_mobile(account_id: int, source: str, mobiles: Collection[str]) -> set[str]:
    """The bookings with a fact that names one of these numbers and no e-mail."""
    if not mobiles:
        return set()
    found = rows(
        """
        SELECT DISTINCT booking_source_id FROM fact
         WHERE account_id = %s AND mobile_key <> '' AND mobile_key = ANY(%s::text[]) AND email_key = ''
           AND source = %s
        """,
        [account_id, list(mobiles), source],
    )
    return {row[0] for row in found}
