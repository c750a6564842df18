"""What the pages about contacts read: the list, one contact, where a person stands in each CRM. Account first."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.store.page_queries import Mark
from instep.store.queries import CONTACT, IGNORED, PROBLEM, STATE, WAITING, rows

#: the worst first: what a person's items in one lane come to
_RANK = f"CASE lane WHEN '{PROBLEM}' THEN 0 WHEN '{WAITING}' THEN 1 WHEN '{IGNORED}' THEN 2 ELSE 3 END"
#: fewer digits than this are no part of a phone number that somebody looks for
_FEWEST_DIGITS = 4


@frozen
class ListedContact:
    """One row of the list of contacts. `latest` is the start of the latest booking, also one to come."""

    key: int
    id: str
    name: str
    email: str
    phone: str
    company: str
    created_at: datetime
    bookings: int
    latest: datetime | None
    marks: tuple[Mark, ...]


#: which contacts `c` a search keeps: a part of name, address, company or id, or some digits of a number
_FOUND = """c.account_id = %(account)s
       AND (%(search)s = ''
            OR position(lower(%(search)s) IN lower(concat_ws(' ', c.public_id, c.email,
               c.fields -> 'name' ->> 0, c.fields -> 'company' ->> 0))) > 0
            OR (%(digits)s <> '' AND position(%(digits)s IN regexp_replace(concat_ws(' ',
               c.fields -> 'phone' ->> 0, c.fields -> 'mobile_phone' ->> 0), '[^0-9 ]', '', 'g')) > 0)
            OR EXISTS (SELECT FROM contact_former_email f
                        WHERE f.account_id = c.account_id AND f.contact_id = c.id
                          AND f.email_key = lower(%(search)s)))"""


def _asked(account_id: int, search: str) -> dict[str, Any]:
    text = search.replace("\0", "").strip()
    digits = "".join(ch for ch in text if ch in "0123456789")
    number = bool(text) and not any(ch.isalpha() or ch == "@" for ch in text)
    return {
        "account": account_id,
        "search": text,
        "digits": digits if number and len(digits) >= _FEWEST_DIGITS else "",
    }


def list_contacts(
    account_id: int, search: str, limit: int, before: tuple[datetime, int] | None = None
) -> list[ListedContact]:
    """Contacts, the newest first; `before` is (created, key) of the last one already shown."""
    found = rows(
        f"""
        SELECT c.id, c.public_id, coalesce(c.fields -> 'name' ->> 0, ''), c.email,
               coalesce(nullif(c.fields -> 'mobile_phone' ->> 0, ''), c.fields -> 'phone' ->> 0, ''),
               coalesce(c.fields -> 'company' ->> 0, ''), c.created_at, b.n, b.latest
          FROM contact c
         CROSS JOIN LATERAL (
               SELECT count(*) AS n, max(start_at) AS latest FROM booking
                WHERE account_id = c.account_id AND contact_id = c.id AND NOT in_trash) b
         WHERE {_FOUND}
           AND (%(at)s::timestamptz IS NULL OR (c.created_at, c.id) < (%(at)s, %(key)s))
         ORDER BY c.created_at DESC, c.id DESC LIMIT %(limit)s
        """,  # noqa: S608 - the words in braces are this module's own
        {
            **_asked(account_id, search),
            "at": before[0] if before else None,
            "key": before[1] if before else None,
            "limit": limit,
        },
    )
    marks = marks_of(account_id, [row[0] for row in found])
    return [ListedContact(*row, marks.get(row[0], ())) for row in found]


def count_contacts(account_id: int, search: str, at_most: int) -> int:
    """How many contacts a search keeps; counting stops at `at_most`."""
    found = rows(
        f"SELECT count(*) FROM (SELECT FROM contact c WHERE {_FOUND} LIMIT %(at_most)s) kept",  # noqa: S608 - as above
        {**_asked(account_id, search), "at_most": at_most},
    )
    return int(found[0][0])


def marks_of(account_id: int, keys: list[int]) -> dict[int, tuple[Mark, ...]]:
    """Where people stand, by contact key: the worst of the contact's own item and those of their bookings.

    A booking carries its person into the CRM, so a person is in step only when all of these are. The link is
    the contact's own, else that of the booking written last.
    """
    found = rows(
        f"""
        SELECT person_key, public_id, vendor, name, (array_agg(lane ORDER BY {_RANK}, indirect))[1],
               (array_agg(error_code ORDER BY {_RANK}, indirect))[1],
               (array_agg(error_message ORDER BY {_RANK}, indirect))[1],
               min(due_at) FILTER (WHERE due), max(in_step_at),
               coalesce((array_agg(link ORDER BY indirect, in_step_at DESC NULLS LAST)
                         FILTER (WHERE link ->> 'person_id' <> ''))[1], '{{}}'), connection_id, max(marked_at)
          FROM (SELECT i.person_key, n.public_id, n.vendor, n.name, {STATE} AS lane, i.kind <> '{CONTACT}' AS indirect,
                       i.error_code, i.error_message, i.due_at, i.done < i.wanted AS due, i.in_step_at, i.link,
                       i.connection_id, i.marked_at
                  FROM sync_item i JOIN connection n ON n.account_id = i.account_id AND n.id = i.connection_id
                 WHERE i.account_id = %s AND i.person_key = ANY(%s::bigint[]) AND n.state <> 'disabled'
                   AND (i.due_at IS NOT NULL OR i.done >= i.wanted OR i.error_class <> '')) items
         GROUP BY person_key, connection_id, public_id, vendor, name ORDER BY connection_id
        """,  # noqa: S608 - as above
        [account_id, keys],
    )
    marks: dict[int, tuple[Mark, ...]] = {}
    for row in found:
        marks[row[0]] = (*marks.get(row[0], ()), Mark(*row[1:9], json.loads(row[9]), *row[10:]))
    return marks


def lanes_edited(account_id: int, key: int) -> frozenset[int]:
    """The connections in whose lanes the contact stands by itself, because somebody edited it."""
    found = rows(
        "SELECT connection_id FROM sync_item WHERE account_id = %s AND kind = %s AND target_id = %s",
        [account_id, CONTACT, key],
    )
    return frozenset(connection for (connection,) in found)


@frozen
class ContactHead:
    """One contact as stored. `former` are the addresses that still lead to it; `fields` as in `core.contact`."""

    key: int
    id: str
    email_key: str
    fields: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    former: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the contact is called: name, else address, else id."""
        name = (self.fields.get("name") or [""])[0]
        return str(name or self.email_key or self.id)


def contact_head(account_id: int, contact_id: str) -> ContactHead | None:
    """The contact with this public id, or None: also for another account's."""
    found = rows(
        """
        SELECT c.id, c.public_id, c.email_key, c.fields, c.created_at, c.updated_at,
               ARRAY(SELECT f.email_key FROM contact_former_email f
                      WHERE f.account_id = c.account_id AND f.contact_id = c.id AND f.email_key <> c.email_key
                      ORDER BY 1)
          FROM contact c WHERE c.account_id = %s AND c.public_id = %s
        """,
        [account_id, contact_id],
    )
    if not found:
        return None
    *start, fields, created_at, updated_at, former = found[0]
    return ContactHead(*start, json.loads(fields), created_at, updated_at, tuple(former))


@frozen
class CustomProperty:
    """A custom property of contacts. `type` is text or multi."""

    identifier: str
    label: str
    type: str


def custom_properties(account_id: int) -> list[CustomProperty]:
    """The account's custom properties of contacts, by label."""
    found = rows(
        """
        SELECT identifier, label, type FROM property WHERE account_id = %s AND object = 'Contact'
         ORDER BY lower(label), identifier
        """,
        [account_id],
    )
    return [CustomProperty(*row) for row in found]


def companies_of(account_id: int, keys: Collection[int]) -> dict[int, str]:
    """The companies of these contacts, as they were said last; those without one are left out."""
    found = rows(
        """SELECT id, fields -> 'company' ->> 0 FROM contact
            WHERE account_id = %s AND id = ANY(%s) AND fields ? 'company'""",
        [account_id, [*keys]],
    )
    return {key: company for key, company in found if company}
