"""What a plan of an invented booking is made of: calendars and hosts to choose from, and who is known already."""

from __future__ import annotations

import json
from typing import Any

from instep.core.booking import Host
from instep.store.queries import rows

#: so many are offered to choose from
_CHOICES = 500


def calendar_choices(account_id: int) -> list[tuple[int, str]]:
    """Keys and names of the account's calendars, by name; those without a name are left out."""
    found = rows(
        "SELECT id, name FROM calendar WHERE account_id = %s AND name <> '' ORDER BY lower(name), id LIMIT %s",
        [account_id, _CHOICES],
    )
    return [(key, name) for key, name in found]


def host_choices(account_id: int) -> list[tuple[int, str]]:
    """Keys and names of the account's hosts, by name; who has none is shown by e-mail."""
    found = rows(
        """
        SELECT id, coalesce(nullif(name, ''), email) AS shown FROM host WHERE account_id = %s
         ORDER BY lower(coalesce(nullif(name, ''), email)), id LIMIT %s
        """,
        [account_id, _CHOICES],
    )
    return [(key, name) for key, name in found]


def host_by_key(account_id: int, key: int) -> Host | None:
    """One host, or None: also for another account's."""
    found = rows(
        "SELECT public_id, email, name, time_zone FROM host WHERE account_id = %s AND id = %s",
        [account_id, key],
    )
    return Host(*found[0]) if found else None


def calendar_of(account_id: int, key: int) -> tuple[str, str]:
    """The id by which bookings name a calendar, and its name; both empty where the account has no such calendar."""
    found = rows("SELECT source_id, name FROM calendar WHERE account_id = %s AND id = %s", [account_id, key])
    return (found[0][0], found[0][1]) if found else ("", "")


def contact_known_by(account_id: int, email_key: str) -> tuple[str, dict[str, Any]] | None:
    """Public id and values of the contact that an address leads to, now or formerly; None for a stranger."""
    found = rows(
        """
        SELECT public_id, fields FROM contact
         WHERE account_id = %(a)s AND id = coalesce(
               (SELECT id FROM contact WHERE account_id = %(a)s AND email_key <> '' AND email_key = %(e)s),
               (SELECT contact_id FROM contact_former_email WHERE account_id = %(a)s AND email_key = %(e)s))
        """,
        {"a": account_id, "e": email_key},
    )
    return (found[0][0], json.loads(found[0][1])) if found else None
