"""Alerts about the setup of connections: set as a whole by each look, listed, and mailed once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen
from django.db import transaction

from instep.store.queries import rows
from instep.store.statements import run


@frozen
class OpenAlert:
    """An alert that is open."""

    key: int
    connection: str
    vendor: str
    connection_name: str
    code: str
    message: str
    raised_at: datetime


@frozen
class AlertMail:
    """What one person is told: the open alerts of one connection that nobody was told of."""

    account_id: int
    connection: str
    connection_name: str
    vendor: str
    keys: tuple[int, ...]
    messages: tuple[str, ...]
    recipients: tuple[str, ...]


def set_alerts(account_id: int, connection_id: int, prefix: str, found: Sequence[tuple[str, str]]) -> None:
    """Have exactly these alerts (code, message) of that kind open: others are cleared, open ones keep their age."""
    codes, messages = [code for code, _ in found], [message for _, message in found]
    with transaction.atomic():
        run(
            """UPDATE alert SET cleared_at = now()
                WHERE account_id = %s AND connection_id = %s AND cleared_at IS NULL
                  AND starts_with(code, %s) AND code <> ALL(%s::text[])""",
            [account_id, connection_id, prefix, codes],
        )
        run(
            """INSERT INTO alert (account_id, connection_id, code, message, raised_at)
               SELECT %s, %s, f.code, f.message, now() FROM unnest(%s::text[], %s::text[]) AS f (code, message)
               ON CONFLICT (account_id, connection_id, code) WHERE cleared_at IS NULL
               DO UPDATE SET message = excluded.message""",
            [account_id, connection_id, codes, messages],
        )


def open_alerts(account_id: int, prefix: str, connection_id: int | None = None) -> list[OpenAlert]:
    """Open alerts of that kind, the oldest first: of one connection or of all that are not disconnected."""
    found = rows(
        """
        SELECT a.id, n.public_id, n.vendor, n.name, a.code, a.message, a.raised_at
          FROM alert a JOIN connection n ON n.account_id = a.account_id AND n.id = a.connection_id
         WHERE a.account_id = %(account)s AND a.cleared_at IS NULL AND starts_with(a.code, %(prefix)s)
           AND (%(connection)s::bigint IS NULL OR n.id = %(connection)s) AND n.state <> 'disabled'
         ORDER BY a.raised_at, a.id
        """,
        {"account": account_id, "prefix": prefix, "connection": connection_id},
    )
    return [OpenAlert(*row) for row in found]


def hold_since(account_id: int, connection_id: int, code: str) -> datetime | None:
    """Since when an alert with that code is open."""
    found = rows(
        """SELECT min(raised_at) FROM alert
            WHERE account_id = %s AND connection_id = %s AND code = %s AND cleared_at IS NULL""",
        [account_id, connection_id, code],
    )
    since: datetime | None = found[0][0]
    return since


def take_unmailed(prefix: str) -> AlertMail | None:
    """The unmailed alerts of one connection of any account, locked, and its administrators; None when there are none.

    What is older than a day is told by the dashboard alone: a mail that comes late tells old news.
    """
    found = rows(
        """
        WITH fresh AS (
            SELECT id, account_id, connection_id, message FROM alert
             WHERE mailed_at IS NULL AND cleared_at IS NULL AND starts_with(code, %(prefix)s)
               AND raised_at > now() - interval '1 day'
             ORDER BY raised_at, id FOR UPDATE SKIP LOCKED),
        first AS (SELECT account_id, connection_id FROM fresh ORDER BY id LIMIT 1)
        SELECT n.account_id, n.public_id, n.name, n.vendor, array_agg(f.id ORDER BY f.id),
               array_agg(f.message ORDER BY f.id),
               ARRAY(SELECT u.email::text FROM account_user u
                      WHERE u.account_id = n.account_id AND u.is_active AND u.role IN ('owner', 'admin')
                      ORDER BY 1)
          FROM fresh f JOIN first USING (account_id, connection_id)
          JOIN connection n ON n.account_id = f.account_id AND n.id = f.connection_id
         GROUP BY n.id, n.account_id, n.public_id, n.name, n.vendor
        """,
        {"prefix": prefix},
    )
    if not found:
        return None
    *head, keys, messages, recipients = found[0]
    return AlertMail(*head, tuple(keys), tuple(messages), tuple(recipients))


def mark_mailed(account_id: int, keys: Sequence[int]) -> None:
    """These alerts have been told by mail, or never will be."""
    run("UPDATE alert SET mailed_at = now() WHERE account_id = %s AND id = ANY(%s)", [account_id, list(keys)])
