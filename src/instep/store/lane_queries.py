"""Lanes: connections, their epochs, pauses and alerts. Every function takes the account first."""

from __future__ import annotations

from instep.core.causes import SETUP
from instep.store import memory_queries
from instep.store.statements import Row, decoded, prepared_rows, rows_of, run


def connections(account_id: int) -> list[Row]:
    """Every connection of the account that is not disabled, oldest first."""
    return decoded(
        rows_of(
            "SELECT * FROM connection WHERE account_id = %s AND state <> 'disabled' ORDER BY id", [account_id]
        )
    )


def connection_by_id(account_id: int, connection_id: int) -> Row | None:
    """One connection, or None."""
    found = rows_of("SELECT * FROM connection WHERE account_id = %s AND id = %s", [account_id, connection_id])
    return decoded(found)[0] if found else None


def connection_of_org(account_id: int, vendor: str, org_id: str) -> Row | None:
    """The account's connection to that org in whatever state, or None."""
    found = rows_of(
        "SELECT * FROM connection WHERE account_id = %s AND vendor = %s AND org_id = %s",
        [account_id, vendor, org_id],
    )
    return decoded(found)[0] if found else None


def account_of_connection(connection_id: int) -> int | None:
    """Which account a connection belongs to: a job carries only the connection's id."""
    found = prepared_rows("SELECT account_id FROM connection WHERE id = %s", [connection_id])
    return int(found[0]["account_id"]) if found else None


def begin_drain(account_id: int, connection_id: int) -> Row | None:
    """Take over the lane: everyone who held it before is fenced. None while it is held or disconnected.

    The row carries what opening the lane takes (`memory_queries.OPENING`) as well.
    """
    found = prepared_rows(
        f"""WITH lane AS (
        UPDATE connection SET epoch = epoch + 1
            WHERE account_id = %(a)s AND id = %(c)s AND state = 'connected'
              AND (held_until IS NULL OR held_until <= now())
        RETURNING id, account_id, public_id, vendor, name, url, org_id, credentials, tokens, epoch, state,
                  held_until, hold_reason, hold_code, batch_size, batch_grow, failures, settings, api_version,
                  identity, limit_used, limit_allowed, calls_total, writes_total, installed,
                  users_refreshed_at, created_at)
        SELECT lane.*, {memory_queries.OPENING} FROM lane""",  # noqa: S608 - put together from constants
        {"a": account_id, "c": connection_id},
    )
    return decoded(found)[0] if found else None


def lanes_to_wake() -> list[Row]:
    """Connections of all accounts that have due items, are connected and not held."""
    return rows_of(
        """SELECT c.account_id, c.id FROM connection c
            WHERE c.state = 'connected' AND (c.held_until IS NULL OR c.held_until <= now())
              AND EXISTS (SELECT 1 FROM sync_item i
                           WHERE i.account_id = c.account_id AND i.connection_id = c.id
                             AND i.due_at <= now())"""
    )


def wake(connection_id: int) -> None:
    """Have a drain of this connection run as soon as a worker is free."""
    rows_of("SELECT instep_wake(%s)", [connection_id])


def hold(
    account_id: int, connection_id: int, seconds: float, code: str, reason: str, state: str = "connected"
) -> bool:
    """Pause a lane. True when it was not already held for the same reason (one alert per change)."""
    changed = rows_of(
        """UPDATE connection c SET held_until = now() + make_interval(secs => %s), hold_code = %s,
                  hold_reason = %s, state = %s, failures = failures + 1
             FROM (SELECT id, hold_code AS before FROM connection
                    WHERE account_id = %s AND id = %s AND state <> 'disabled' FOR UPDATE) o
            WHERE c.id = o.id RETURNING o.before""",
        [seconds, code, reason, state, account_id, connection_id],
    )
    return bool(changed) and changed[0]["before"] != code


def release(account_id: int, connection_id: int) -> bool:
    """End a pause. True when there was one."""
    return (
        run(
            """UPDATE connection SET held_until = NULL, hold_code = '', hold_reason = '', failures = 0
                WHERE account_id = %s AND id = %s""",
            [account_id, connection_id],
        )
        > 0
    )


def raise_alert(account_id: int, connection_id: int, code: str, message: str) -> None:
    """Open an alert unless the same one is open."""
    run(
        """INSERT INTO alert (account_id, connection_id, code, message, raised_at)
           VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING""",
        [account_id, connection_id, code, message],
    )


def clear_alerts(account_id: int, connection_id: int) -> int:
    """Close the open alerts of a connection that works again; how many there were.

    Those about its setup stay: a look at the setup closes them.
    """
    return run(
        """UPDATE alert SET cleared_at = now()
            WHERE account_id = %s AND connection_id = %s AND cleared_at IS NULL
              AND NOT starts_with(code, %s)""",
        [account_id, connection_id, SETUP],
    )


def unwatched(seconds: float, state: str) -> list[int]:
    """Connections of all accounts in that state whose setup nobody has looked at for so long."""
    found = rows_of(
        """SELECT id FROM connection WHERE state = %s
              AND coalesce((installed ->> 'checked_at')::timestamptz, created_at)
                  < now() - make_interval(secs => %s)
            ORDER BY id""",
        [state, seconds],
    )
    return [int(row["id"]) for row in found]


def set_batch_size(account_id: int, connection_id: int, size: int, grown: int) -> None:
    """Remember the batch size and how many batches of it went well."""
    run(
        "UPDATE connection SET batch_size = %s, batch_grow = %s WHERE account_id = %s AND id = %s",
        [size, grown, account_id, connection_id],
    )


def count_calls(account_id: int, connection_id: int, calls: int, writes: int) -> None:
    """Add calls that belong to no batch (describes, users), or to a batch that was fenced."""
    run(
        """UPDATE connection SET calls_total = calls_total + %s, writes_total = writes_total + %s
            WHERE account_id = %s AND id = %s""",
        [calls, writes, account_id, connection_id],
    )


def totals(account_id: int) -> Row:
    """Calls and writes of all connections of the account since they were made."""
    return rows_of(
        """SELECT COALESCE(sum(calls_total), 0)::bigint AS calls,
                  COALESCE(sum(writes_total), 0)::bigint AS writes
             FROM connection WHERE account_id = %s""",
        [account_id],
    )[0]
