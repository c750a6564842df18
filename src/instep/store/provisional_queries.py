"""Bookings that wait for their CRM's yes (strict mode): held, looked at, decided. Account first."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from instep.core.booking_calendar import HERE
from instep.store.statements import prepared_rows, rows_of, run


@frozen
class Standing:
    """How far one lane is with a booking. `up` is False where the lane goes on after the deadline at the earliest."""

    written: bool
    error_class: str
    up: bool


@frozen
class Overdue:
    """A booking of any account that nobody has decided about in time."""

    account_id: int
    booking_id: str
    calendar: str


def strict_lanes(account_id: int, calendar_id: str) -> list[int]:
    """The connections in strict mode that a calendar is integrated with."""
    found = prepared_rows(
        """SELECT id FROM connection
            WHERE account_id = %s AND state <> 'disabled' AND settings #> '{config,strict}' = 'true'::jsonb
              AND settings #>> ARRAY['config', 'calendars', %s, 'general_links'] IS DISTINCT FROM 'none'
            ORDER BY id""",
        [account_id, calendar_id],
    )
    return [int(row["id"]) for row in found]


def hold(account_id: int, booking_id: str, until: datetime) -> None:
    """A booking that was just made waits until that moment; its mails wait with it."""
    run(
        "INSERT INTO provisional_booking (account_id, booking_source_id, until_at) VALUES (%s, %s, %s)",
        [account_id, booking_id, until],
    )


def is_held(account_id: int, booking_id: str) -> bool:
    """Whether nobody has decided about a booking yet."""
    return bool(
        prepared_rows(
            "SELECT 1 FROM provisional_booking WHERE account_id = %s AND booking_source_id = %s",
            [account_id, booking_id],
        )
    )


def decide(account_id: int, booking_id: str) -> bool:
    """Take the decision about a booking, in the caller's transaction; False when somebody else has it."""
    return (
        run(
            "DELETE FROM provisional_booking WHERE account_id = %s AND booking_source_id = %s",
            [account_id, booking_id],
        )
        > 0
    )


def standings(account_id: int, booking_id: str, lanes: list[int], deadline: datetime) -> list[Standing]:
    """How far these lanes are with a booking made here."""
    found = prepared_rows(
        """SELECT i.in_step_at IS NOT NULL AS written, coalesce(i.error_class, '') AS error_class,
                  n.state = 'connected' AND (n.held_until IS NULL OR n.held_until < %s) AS up
             FROM connection n
             JOIN booking b ON b.account_id = n.account_id AND b.source = %s AND b.source_id = %s
             LEFT JOIN sync_item i ON i.account_id = n.account_id AND i.connection_id = n.id
                                  AND i.kind = 'booking' AND i.target_id = b.id
            WHERE n.account_id = %s AND n.id = ANY(%s::bigint[]) AND n.state <> 'disabled'""",
        [deadline, HERE, booking_id, account_id, lanes],
    )
    return [Standing(row["written"], row["error_class"], row["up"]) for row in found]


def overdue(before: datetime, limit: int = 100) -> list[Overdue]:
    """Bookings whose wait ended before that moment: whoever waited is gone."""
    found = rows_of(
        """SELECT p.account_id, p.booking_source_id, b.state ->> 'calendar' AS calendar
             FROM provisional_booking p
             JOIN booking b ON b.account_id = p.account_id AND b.source = %s
                           AND b.source_id = p.booking_source_id
            WHERE p.until_at < %s ORDER BY p.id LIMIT %s""",
        [HERE, before, limit],
    )
    return [Overdue(row["account_id"], row["booking_source_id"], row["calendar"] or "") for row in found]
