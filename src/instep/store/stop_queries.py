"""Connections of all accounts that stand still, or do so no more: who is to be told, and that he was.

A stop begins with the first alert that is none of the setup and ends when none is open any more, however often its
cause changes meanwhile: one mail for each end.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from instep.core.causes import SETUP
from instep.store.statements import rows_of, run


@frozen
class Stop:
    """A stop of one connection. `message` is what the CRM says last; `waiting` counts its changes that wait."""

    account_id: int
    connection: str
    connection_name: str
    state: str
    message: str
    since: datetime
    waiting: int
    strict: bool
    keys: tuple[int, ...]
    recipients: tuple[str, ...]


_OF_STOPS = "NOT starts_with({0}.code, %(setup)s)"
_ABOUT = """
    SELECT n.account_id, n.public_id AS connection, n.name AS connection_name, n.state,
           (array_agg(f.message ORDER BY f.raised_at DESC, f.id DESC))[1] AS message,
           min(f.raised_at) AS since, array_agg(f.id ORDER BY f.id) AS keys,
           coalesce(n.settings #> '{config,strict}' = 'true'::jsonb, false) AS strict,
           (SELECT count(*) FROM sync_item i
             WHERE i.account_id = n.account_id AND i.connection_id = n.id AND i.due_at IS NOT NULL) AS waiting,
           ARRAY(SELECT u.email::text FROM account_user u
                  WHERE u.account_id = n.account_id AND u.is_active AND u.role IN ('owner', 'admin')
                  ORDER BY 1) AS recipients
      FROM found f JOIN connection n ON n.account_id = f.account_id AND n.id = f.connection_id
     GROUP BY n.id, n.account_id"""


def take_stop(after: float) -> Stop | None:
    """A stop that nobody was told of, locked: one that only a person can end, or that lasts so many seconds.

    What is older than a day is told by the dashboard alone.
    """
    return _one(
        f"""
        WITH first AS (
            SELECT a.account_id, a.connection_id FROM alert a
              JOIN connection n ON n.account_id = a.account_id AND n.id = a.connection_id
             WHERE a.cleared_at IS NULL AND a.mailed_at IS NULL AND {_OF_STOPS.format("a")}
               AND n.state <> 'disabled' AND a.raised_at > now() - interval '1 day'
               AND (n.state = 'reconnect' OR a.raised_at < now() - make_interval(secs => %(seconds)s))
               AND NOT EXISTS (SELECT 1 FROM alert m
                                WHERE m.account_id = a.account_id AND m.connection_id = a.connection_id
                                  AND m.mailed_at IS NOT NULL AND m.over_told_at IS NULL AND {_OF_STOPS.format("m")})
             ORDER BY a.id LIMIT 1 FOR UPDATE OF n SKIP LOCKED),
        found AS (
            SELECT a.* FROM alert a JOIN first USING (account_id, connection_id)
             WHERE a.cleared_at IS NULL AND {_OF_STOPS.format("a")})
        {_ABOUT}""",  # noqa: S608 - put together from constants
        after,
    )


def take_end(after: float) -> Stop | None:
    """A stop that was told of and has been over for so many seconds, locked."""
    return _one(
        f"""
        WITH first AS (
            SELECT m.account_id, m.connection_id FROM alert m
              JOIN connection n ON n.account_id = m.account_id AND n.id = m.connection_id
             WHERE m.mailed_at IS NOT NULL AND m.over_told_at IS NULL AND {_OF_STOPS.format("m")}
               AND NOT EXISTS (SELECT 1 FROM alert a
                                WHERE a.account_id = m.account_id AND a.connection_id = m.connection_id
                                  AND {_OF_STOPS.format("a")}
                                  AND (a.cleared_at IS NULL
                                       OR a.cleared_at > now() - make_interval(secs => %(seconds)s)))
             ORDER BY m.id LIMIT 1 FOR UPDATE OF n SKIP LOCKED),
        found AS (
            SELECT m.* FROM alert m JOIN first USING (account_id, connection_id)
             WHERE m.mailed_at IS NOT NULL AND m.over_told_at IS NULL AND {_OF_STOPS.format("m")})
        {_ABOUT}""",  # noqa: S608 - put together from constants
        after,
    )


def _one(sql: str, seconds: float) -> Stop | None:
    found = rows_of(sql, {"setup": SETUP, "seconds": seconds})
    if not found:
        return None
    row = found[0]
    return Stop(**{**row, "keys": tuple(row["keys"]), "recipients": tuple(row["recipients"])})


def mark_told(account_id: int, keys: tuple[int, ...]) -> None:
    """Administrators know of these alerts, or never will by mail."""
    run("UPDATE alert SET mailed_at = now() WHERE account_id = %s AND id = ANY(%s)", [account_id, list(keys)])


def mark_over(account_id: int, keys: tuple[int, ...]) -> None:
    """Administrators know that the stop of these alerts is over."""
    run(
        "UPDATE alert SET over_told_at = now() WHERE account_id = %s AND id = ANY(%s)",
        [account_id, list(keys)],
    )
