"""The set-based statements behind `bookings.calendars` and `bookings.hosting`, and what their pages read.

A calendar that is made here has source `instep`; its id is the one of the source. Account first, but for the one
statement that finds the account by a slug.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.core.booking_calendar import HERE
from instep.store.queries import rows

#: the stamp of a name that was given here: newer than any fact, so that no fact renames the calendar
_NAMED_HERE = "~"


@frozen
class CalendarRow:
    """A calendar made here; `hosts` are (public id, priority), the first to be asked first."""

    account_id: int
    source_id: str
    name: str
    slug: str
    published: bool
    rules: Mapping[str, Any]
    hosts: tuple[tuple[str, int], ...]


_CALENDAR = """
    SELECT c.account_id, c.source_id, c.name, c.slug, c.published, c.rules,
           (SELECT jsonb_agg(jsonb_build_array(h.public_id, ch.priority) ORDER BY ch.priority, h.id)
              FROM calendar_host ch JOIN host h ON h.account_id = ch.account_id AND h.id = ch.host_id
             WHERE ch.account_id = c.account_id AND ch.calendar_id = c.id)
      FROM calendar c"""


def _calendars(condition: str, parameters: list[Any]) -> list[CalendarRow]:
    return [
        CalendarRow(*row[:5], json.loads(row[5]), tuple((key, n) for key, n in json.loads(row[6] or "[]")))
        for row in rows(f"{_CALENDAR} WHERE {condition} ORDER BY lower(c.name), c.id", parameters)
    ]


def calendars(account_id: int) -> list[CalendarRow]:
    """The calendars made here, by name."""
    return _calendars("c.account_id = %s AND c.source = %s", [account_id, HERE])


def bookings_to_come(account_id: int, source_id: str) -> dict[int, int | None]:
    """The bookings of a calendar made here that are still to come, and the contact of each, by key."""
    return dict(
        rows(
            """SELECT b.id, b.contact_id FROM booking b
                WHERE b.account_id = %s AND b.source = %s AND b.state ->> 'calendar' = %s
                  AND b.start_at > now() AND NOT b.in_trash
                ORDER BY b.id""",
            [account_id, HERE, source_id],
        )
    )


def calendar(account_id: int, source_id: str) -> CalendarRow | None:
    """One calendar made here."""
    found = _calendars(
        "c.account_id = %s AND c.source = %s AND c.source_id = %s", [account_id, HERE, source_id]
    )
    return found[0] if found else None


def calendar_by_slug(slug: str) -> CalendarRow | None:
    """The calendar of an address: a guest knows no account."""
    found = _calendars("c.slug = %s AND c.slug <> '' AND c.source = %s", [slug, HERE])
    return found[0] if found else None


def add_calendar(account_id: int, source_id: str, values: Mapping[str, Any]) -> int:
    """Make a calendar (name, slug, published, rules); its key. A slug that is taken raises `IntegrityError`."""
    found = rows(
        """
        INSERT INTO calendar (account_id, source, source_id, name, name_stamp, slug, published, rules)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb) RETURNING id
        """,
        [
            account_id,
            HERE,
            source_id,
            values["name"],
            _NAMED_HERE,
            values["slug"],
            values["published"],
            json.dumps(values["rules"]),
        ],
    )
    return int(found[0][0])


def change_calendar(account_id: int, source_id: str, values: Mapping[str, Any]) -> int | None:
    """Write name, slug, published and rules; the key, None where there is no such calendar made here."""
    found = rows(
        """
        UPDATE calendar SET name = %s, name_stamp = %s, slug = %s, published = %s, rules = %s::jsonb
         WHERE account_id = %s AND source = %s AND source_id = %s RETURNING id
        """,
        [
            values["name"],
            _NAMED_HERE,
            values["slug"],
            values["published"],
            json.dumps(values["rules"]),
            account_id,
            HERE,
            source_id,
        ],
    )
    return int(found[0][0]) if found else None


def set_calendar_hosts(account_id: int, calendar_key: int, hosts: Mapping[str, int]) -> set[str]:
    """Give a calendar exactly these hosts (public id → priority); returns those that exist."""
    found = rows(
        """
        WITH wanted AS (
            SELECT h.id, h.public_id, w.priority
              FROM jsonb_each_text(%(hosts)s::jsonb) AS w (public_id, priority)
              JOIN host h ON h.account_id = %(account)s AND h.public_id = w.public_id),
        gone AS (
            DELETE FROM calendar_host
             WHERE account_id = %(account)s AND calendar_id = %(calendar)s
               AND host_id NOT IN (SELECT id FROM wanted)),
        made AS (
            INSERT INTO calendar_host (account_id, calendar_id, host_id, priority)
            SELECT %(account)s, %(calendar)s, id, priority::int FROM wanted ORDER BY id
            ON CONFLICT (account_id, calendar_id, host_id) DO UPDATE SET priority = excluded.priority)
        SELECT public_id FROM wanted
        """,
        {"account": account_id, "calendar": calendar_key, "hosts": json.dumps(dict(hosts))},
    )
    return {public_id for (public_id,) in found}


def delete_calendar(account_id: int, source_id: str) -> bool:
    """Delete a calendar made here that no booking belongs to; False, and nothing is done, where there is none such."""
    found = rows(
        """
        DELETE FROM calendar c
         WHERE c.account_id = %(account)s AND c.source = %(here)s AND c.source_id = %(id)s
           AND NOT EXISTS (SELECT FROM booking b WHERE b.account_id = %(account)s AND b.calendar_id = c.id)
        RETURNING c.id
        """,
        {"account": account_id, "here": HERE, "id": source_id},
    )
    if found:
        # foreign keys are checked at the end of the transaction
        rows(
            "DELETE FROM calendar_host WHERE account_id = %s AND calendar_id = %s", [account_id, found[0][0]]
        )
    return bool(found)


@frozen
class CalendarUse:
    """What the list of calendars says of one: made here (`source` instep) or named by a source's events.

    `named_here` is a name that somebody typed here; `subject` is that of its newest booking.
    """

    source: str
    source_id: str
    name: str
    named_here: bool
    subject: str
    bookings: int
    ahead: int

    @property
    def called(self) -> str:
        """The name; of a calendar without one its id and what its bookings are about."""
        about = f" · “{self.subject}”" if self.subject else ""
        return self.name or f"{self.source_id}{about}"


#: what the newest booking of a calendar `c` is about
NEWEST_SUBJECT = """
    SELECT s.subject FROM booking s
     WHERE s.account_id = c.account_id AND s.calendar_id = c.id AND s.subject <> ''
     ORDER BY s.id DESC LIMIT 1"""


def calendar_uses(account_id: int, now: datetime) -> list[CalendarUse]:
    """Every calendar with how many bookings it has, and how many of them are still to come."""
    found = rows(
        f"""
        SELECT c.source, c.source_id, c.name, c.name_stamp = %(named_here)s,
               coalesce(({NEWEST_SUBJECT}), ''), count(b.id),
               count(b.id) FILTER (WHERE b.active AND b.start_at > %(now)s)
          FROM calendar c
          LEFT JOIN booking b ON b.account_id = %(account)s AND b.calendar_id = c.id AND NOT b.in_trash
         WHERE c.account_id = %(account)s
         GROUP BY c.id ORDER BY lower(c.name), c.id
        """,  # noqa: S608 - the words in braces are this module's own
        {"account": account_id, "now": now, "named_here": _NAMED_HERE},
    )
    return [CalendarUse(*row) for row in found]


def calendar_name(account_id: int, source_id: str) -> str:
    """The name of a calendar, made here or known from a source; empty where there is none."""
    found = rows(
        "SELECT name FROM calendar WHERE account_id = %s AND source_id = %s ORDER BY id LIMIT 1",
        [account_id, source_id],
    )
    return str(found[0][0]) if found else ""


def name_calendar(account_id: int, source: str, source_id: str, name: str) -> None:
    """Give a calendar of another source a name of one's own; empty: the newest that the source's events say, if any."""
    rows(
        """
        UPDATE calendar c
           SET name_stamp = CASE WHEN %(name)s = '' THEN '' ELSE %(named_here)s END,
               name = coalesce(nullif(%(name)s, ''), (
                   SELECT b.state ->> 'calendar_name' FROM booking b
                    WHERE b.account_id = c.account_id AND b.calendar_id = c.id AND b.state ->> 'calendar_name' <> ''
                    ORDER BY b.id DESC LIMIT 1), '')
         WHERE c.account_id = %(account)s AND c.source = %(source)s AND c.source <> %(here)s AND c.source_id = %(id)s
        """,
        {
            "account": account_id,
            "source": source,
            "here": HERE,
            "id": source_id,
            "name": name,
            "named_here": _NAMED_HERE,
        },
    )


# --- hosts ---


@frozen
class StoredHost:
    """A host, and what is known of it. `ahead` counts active bookings still to come, `bookings` all that it has
    now; `calendars` are (id, name, published) of those made here; `crm` whether a user of a CRM has the address."""

    public_id: str
    email: str
    name: str
    time_zone: str
    weekly_hours: Mapping[str, Any]
    from_source: str
    bookings: int
    ahead: int
    calendars: tuple[tuple[str, str, bool], ...]
    crm: bool


def hosts(account_id: int, now: datetime, public_id: str = "") -> list[StoredHost]:
    """All hosts by name, or the one of this id."""
    found = rows(
        """
        SELECT h.public_id, h.email, h.name, h.time_zone, h.weekly_hours, h.from_source, n.bookings, n.ahead,
               (SELECT jsonb_agg(jsonb_build_array(c.source_id, c.name, c.published) ORDER BY lower(c.name), c.id)
                  FROM calendar_host ch JOIN calendar c ON c.account_id = ch.account_id AND c.id = ch.calendar_id
                 WHERE ch.account_id = h.account_id AND ch.host_id = h.id),
               EXISTS (SELECT FROM crm_user u
                         JOIN connection k ON k.account_id = u.account_id AND k.id = u.connection_id
                        WHERE u.account_id = h.account_id AND u.email_key = h.email_key AND u.active
                          AND k.state <> 'disabled')
          FROM host h
          LEFT JOIN LATERAL (
               SELECT count(*) AS bookings, count(*) FILTER (WHERE b.active AND b.start_at > %(now)s) AS ahead
                 FROM booking b
                WHERE b.account_id = %(account)s AND b.host_id = h.id AND NOT b.in_trash) n ON true
         WHERE h.account_id = %(account)s AND (%(key)s = '' OR h.public_id = %(key)s)
         ORDER BY lower(coalesce(nullif(h.name, ''), h.email)), h.id
        """,
        {"account": account_id, "now": now, "key": public_id},
    )
    return [
        StoredHost(
            *row[:4],
            json.loads(row[4]),
            *row[5:8],
            tuple((key, name, published) for key, name, published in json.loads(row[8] or "[]")),
            row[9],
        )
        for row in found
    ]


def set_weekly_hours(account_id: int, public_id: str, document: Mapping[str, Any]) -> None:
    """Write when a host can be booked."""
    rows(
        "UPDATE host SET weekly_hours = %s::jsonb WHERE account_id = %s AND public_id = %s",
        [json.dumps(document), account_id, public_id],
    )


def was_ever_booked(account_id: int, public_id: str) -> bool:
    """Whether any booking knows this host, now or from before."""
    found = rows(
        """
        SELECT EXISTS (SELECT FROM booking b
                        WHERE b.account_id = %s AND jsonb_exists(b.state -> 'hosts', %s))
        """,
        [account_id, public_id],
    )
    return bool(found[0][0])


def set_host_email(account_id: int, public_id: str, email: str, email_key: str) -> None:
    """Give a host another address; one that is taken raises `IntegrityError`."""
    rows(
        "UPDATE host SET email = %s, email_key = %s WHERE account_id = %s AND public_id = %s",
        [email, email_key, account_id, public_id],
    )


def delete_host(account_id: int, public_id: str) -> None:
    """Delete a host whom no booking knows, and take it out of its calendars."""
    rows(
        """
        DELETE FROM calendar_host
         WHERE account_id = %(account)s
           AND host_id = (SELECT id FROM host WHERE account_id = %(account)s AND public_id = %(key)s)
        """,
        {"account": account_id, "key": public_id},
    )
    rows("DELETE FROM host WHERE account_id = %s AND public_id = %s", [account_id, public_id])
