"""Hosts and the users of a CRM that they are: listed, searched, chosen. Account first."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from instep.store.queries import rows
from instep.store.statements import run


@frozen
class HostUserRow:
    """One host and the user of the CRM who owns what is booked with it.

    `chosen` says that somebody chose (an empty `crm_id` then means nobody); otherwise the e-mail decided.
    `active` and `licence` are the user's; `user_email` is its own address.
    """

    key: str
    email_key: str
    email: str
    name: str
    chosen: bool
    chosen_by: str
    chosen_at: datetime | None
    crm_id: str
    user_name: str
    username: str
    user_email: str
    active: bool
    licence: str
    ahead: int

    @property
    def called(self) -> str:
        """The name, or the address of a host without one."""
        return self.name or self.email

    @property
    def owns(self) -> bool:
        """Whether the user can own records now."""
        return bool(self.crm_id) and self.active and not self.licence


@frozen
class FoundUser:
    """A user of the CRM as a search finds it."""

    crm_id: str
    name: str
    username: str
    email: str
    active: bool
    licence: str


def host_users(
    account_id: int, connection_id: int, now: datetime, *, key: str = "", search: str = ""
) -> list[HostUserRow]:
    """Hosts by name with their users: all, the one of this id, or those whose name or address has this text.

    Of several users with a host's address the one with the lowest id is it, among those who can own records first.
    """
    found = rows(
        """
        SELECT h.public_id, h.email_key, h.email, h.name, c.email_key IS NOT NULL, coalesce(c.chosen_by, ''),
               c.chosen_at, coalesce(u.crm_id, c.crm_id, ''), coalesce(u.name, ''), coalesce(u.username, ''),
               coalesce(u.email_key, ''), coalesce(u.active, false), coalesce(u.licence, ''),
               (SELECT count(*) FROM booking b
                 WHERE b.account_id = h.account_id AND b.host_id = h.id AND b.active AND b.start_at > %(now)s
                   AND NOT b.in_trash)
          FROM host h
          LEFT JOIN host_user c ON c.account_id = h.account_id AND c.connection_id = %(connection)s
                               AND c.email_key = h.email_key
          LEFT JOIN LATERAL (
               SELECT u.* FROM crm_user u
                WHERE u.account_id = h.account_id AND u.connection_id = %(connection)s
                  AND CASE WHEN c.email_key IS NULL THEN u.email_key = h.email_key ELSE u.crm_id = c.crm_id END
                ORDER BY u.active DESC, u.licence <> '', u.crm_id LIMIT 1) u ON true
         WHERE h.account_id = %(account)s AND h.email_key <> '' AND (%(key)s = '' OR h.public_id = %(key)s)
           AND (%(search)s = '' OR strpos(lower(h.name || ' ' || h.email), lower(%(search)s)) > 0)
         ORDER BY lower(coalesce(nullif(h.name, ''), h.email)), h.id
        """,
        {
            "account": account_id,
            "connection": connection_id,
            "now": now,
            "key": key.replace("\0", ""),
            "search": search.replace("\0", ""),
        },
    )
    return [HostUserRow(*row) for row in found]


def count_hosts(account_id: int, connection_id: int) -> tuple[int, int]:
    """How many hosts there are, and how many of them have no user who can own records and nobody said so."""
    found = rows(
        """
        SELECT count(*), count(*) FILTER (WHERE coalesce(c.crm_id, 'x') <> '' AND NOT EXISTS (
                 SELECT FROM crm_user u
                  WHERE u.account_id = h.account_id AND u.connection_id = %(connection)s
                    AND u.active AND u.licence = ''
                    AND CASE WHEN c.email_key IS NULL THEN u.email_key = h.email_key
                             ELSE u.crm_id = c.crm_id END))
          FROM host h
          LEFT JOIN host_user c ON c.account_id = h.account_id AND c.connection_id = %(connection)s
                               AND c.email_key = h.email_key
         WHERE h.account_id = %(account)s AND h.email_key <> ''
        """,
        {"account": account_id, "connection": connection_id},
    )
    return int(found[0][0]), int(found[0][1])


def find_users(account_id: int, connection_id: int, search: str, limit: int = 50) -> list[FoundUser]:
    """Users whose name, username or address has this text: those who can own records first, then by name."""
    found = rows(
        """
        SELECT crm_id, name, username, email_key, active, licence FROM crm_user
         WHERE account_id = %(account)s AND connection_id = %(connection)s
           AND (%(search)s = '' OR strpos(lower(name || ' ' || username || ' ' || email_key), lower(%(search)s)) > 0)
         ORDER BY active DESC, licence <> '', lower(name), crm_id LIMIT %(limit)s
        """,
        {
            "account": account_id,
            "connection": connection_id,
            "search": search.replace("\0", ""),
            "limit": limit,
        },
    )
    return [FoundUser(*row) for row in found]


def is_user(account_id: int, connection_id: int, crm_id: str) -> bool:
    """Whether the CRM is known to have this user."""
    return bool(
        rows(
            "SELECT 1 FROM crm_user WHERE account_id = %s AND connection_id = %s AND crm_id = %s",
            [account_id, connection_id, crm_id.replace("\0", "")],
        )
    )


def choose_user(account_id: int, connection_id: int, email_key: str, crm_id: str, by: str) -> None:
    """Write down which user a host is; an empty id: nobody."""
    run(
        """INSERT INTO host_user (account_id, connection_id, email_key, crm_id, chosen_by, chosen_at)
           VALUES (%s, %s, %s, %s, %s, now())
           ON CONFLICT (account_id, connection_id, email_key) DO UPDATE
              SET crm_id = excluded.crm_id, chosen_by = excluded.chosen_by, chosen_at = now()""",
        [account_id, connection_id, email_key, crm_id, by],
    )


def let_email_decide(account_id: int, connection_id: int, email_key: str) -> None:
    """Forget what was chosen for a host."""
    run(
        "DELETE FROM host_user WHERE account_id = %s AND connection_id = %s AND email_key = %s",
        [account_id, connection_id, email_key],
    )


def choices(account_id: int, connection_id: int) -> list[dict[str, str]]:
    """What was chosen for hosts, with the chosen users' names and addresses: as a setup that moves carries it."""
    found = rows(
        """SELECT c.email_key, c.crm_id, coalesce(u.email_key, ''), coalesce(u.name, ''), coalesce(u.username, '')
             FROM host_user c LEFT JOIN crm_user u
               ON u.account_id = c.account_id AND u.connection_id = c.connection_id AND u.crm_id = c.crm_id
            WHERE c.account_id = %s AND c.connection_id = %s ORDER BY c.email_key""",
        [account_id, connection_id],
    )
    names = ("host", "crm_id", "user_email", "name", "username")
    return [dict(zip(names, row, strict=True)) for row in found]
