"""Mails that are owed: written with the transition that they are about, sent by the engine afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from instep.store.queries import rows


@frozen
class Due:
    """One mail that is to be sent, its row locked until the transaction ends."""

    account_id: int
    created_at: datetime
    id: int
    booking_key: int
    booking_id: str
    what: str
    role: str
    recipient: str
    document: Mapping[str, Any]
    attempts: int


def owe(
    account_id: int,
    booking_key: int,
    mails: Sequence[Mapping[str, Any]],
    now: datetime,
    due: datetime | None = None,
) -> None:
    """Keep mails (what, role, recipient, document) about one transition, due at once unless `due` is said."""
    if not mails:
        return
    rows(
        """
        INSERT INTO delivery (account_id, created_at, booking_id, what, role, recipient, document, due_at)
        SELECT %s, %s, %s, m.what, m.role, m.recipient, m.document, %s
          FROM jsonb_to_recordset(%s::jsonb) AS m (what text, role text, recipient text, document jsonb)
        """,
        [account_id, now, booking_key, due or now, json.dumps(list(mails), ensure_ascii=False)],
    )


#: mails that wait for a decision are due so long after it at the earliest, which no other mail ever is
HELD = timedelta(days=365)


def release(account_id: int, booking_key: int, now: datetime) -> None:
    """Have the mails about a booking sent that waited for a decision."""
    rows(
        "UPDATE delivery SET due_at = %s WHERE account_id = %s AND booking_id = %s AND due_at > %s",
        [now, account_id, booking_key, now + HELD / 2],
    )


def drop_held(account_id: int, booking_key: int, now: datetime) -> None:
    """Forget the mails that waited: nobody is to hear of the booking."""
    rows(
        "DELETE FROM delivery WHERE account_id = %s AND booking_id = %s AND due_at > %s",
        [account_id, booking_key, now + HELD / 2],
    )


def take_due(limit: int) -> list[Due]:
    """Mails of every account that are due, oldest first, locked; those that another sender holds are left out."""
    found = rows(
        """
        SELECT d.account_id, d.created_at, d.id, d.booking_id, b.source_id, d.what, d.role, d.recipient,
               d.document, d.attempts
          FROM delivery d JOIN booking b ON b.account_id = d.account_id AND b.id = d.booking_id
         WHERE d.due_at <= now() ORDER BY d.due_at, d.id LIMIT %s FOR UPDATE OF d SKIP LOCKED
        """,
        [limit],
    )
    # a mail server may take its time, and only other senders pass these rows
    rows("SELECT set_config('idle_in_transaction_session_timeout', '10min', true)", [])
    return [Due(*row[:8], json.loads(row[8]), row[9]) for row in found]


def settle(due: Due, *, sent: bool, again_in: float | None = None, error: str = "") -> None:
    """Write down how a try ended; `again_in` seconds to the next one, None for never."""
    rows(
        """
        UPDATE delivery SET attempts = attempts + 1, error = %s,
               sent_at = CASE WHEN %s THEN now() END, due_at = now() + make_interval(secs => %s)
         WHERE account_id = %s AND created_at = %s AND id = %s
        """,
        [error, sent, again_in, due.account_id, due.created_at, due.id],
    )


@frozen
class MailStanding:
    """How many mails wait, and how many were given up in the last days, with the latest error."""

    waiting: int
    given_up: int
    error: str


def standing(account_id: int, days: int = 7) -> MailStanding:
    """How an account's mails of the last days stand."""
    found = rows(
        """
        SELECT count(*) FILTER (WHERE due_at IS NOT NULL),
               count(*) FILTER (WHERE due_at IS NULL AND sent_at IS NULL),
               coalesce((array_agg(error ORDER BY created_at DESC) FILTER (WHERE error <> ''))[1], '')
          FROM delivery WHERE account_id = %s AND created_at > now() - make_interval(days => %s)
        """,
        [account_id, days],
    )
    return MailStanding(*found[0])


@frozen
class SentMail:
    """One mail about a booking, as its page shows it."""

    what: str
    role: str
    recipient: str
    created_at: datetime
    sent_at: datetime | None
    waiting: bool
    error: str


def of_booking(account_id: int, booking_key: int) -> list[SentMail]:
    """The mails about one booking, newest first."""
    found = rows(
        """
        SELECT what, role, recipient, created_at, sent_at, due_at IS NOT NULL, error FROM delivery
         WHERE account_id = %s AND booking_id = %s ORDER BY created_at DESC, id DESC
        """,
        [account_id, booking_key],
    )
    return [SentMail(*row) for row in found]
