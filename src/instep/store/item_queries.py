"""Items of the lanes: what is due, what a batch leaves behind, how far everything is.

Rows travel as one JSON document and are unpacked in the database: a statement for each row would cost
three times the throughput. Every function takes the account first.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from django.db import transaction

from instep.store import memory_queries, statements
from instep.store.queries import CONTACT_OF_MEETING, IN_STEP, MEETING, PROBLEM, STATE, WAITING
from instep.store.statements import Row, as_array, as_json, decoded, prepared_rows, prepared_run, rows_of, run

# The sums leave PostgreSQL the way over the items' own keys: see `due_items`.
_OF_LANE = "account_id + 0 = %s AND connection_id + 0 = %s AND id = ANY(%s::bigint[])"
# everyone locks items in this order, or writers deadlock
_ORDERLY = "ORDER BY connection_id, kind, target_id FOR UPDATE"
_LOCKED = f"(SELECT id FROM sync_item WHERE {_OF_LANE} {_ORDERLY}) locked"  # noqa: S608

# One row by its own key for each item: PostgreSQL cannot know how few a limit leaves, and would read all bookings.
_BOOKING_OF_ITEM = f"""LEFT JOIN LATERAL (
                      SELECT {MEETING} FROM booking b {CONTACT_OF_MEETING}
                       WHERE i.kind = 'booking' AND b.account_id + 0 = i.account_id AND b.id = i.target_id
                         AND NOT b.in_trash LIMIT 1) meeting ON true"""  # noqa: S608 - the words in braces are our own


def due_items(account_id: int, connection_id: int, limit: int) -> list[Row]:
    """Due items in the order they fell due. A contact without a link takes that of its last booking.

    `earlier_link` is that of its person's last booking, for a booking that has none yet. Each row carries its booking
    (`queries.meetings_in`), which is empty for one in the trash of its source.
    """
    # The sums leave PostgreSQL the person's index only. Of a tenant that it has not counted yet it believes that it
    # has next to nothing, and would go through all of its bookings for each item.
    return decoded(
        prepared_rows(
            f"""SELECT i.id, i.kind, i.target_id, i.person_key, i.wanted, i.attempts, i.observe_first, i.sent_at,
                      i.rules_only,
                      extract(epoch FROM now() - i.sent_at)::float AS doubt_age,
                      COALESCE(NULLIF(i.link, '{{}}'::jsonb), CASE i.kind WHEN 'contact' THEN other.link END,
                               '{{}}'::jsonb) AS link,
                      CASE i.kind WHEN 'booking' THEN other.link END AS earlier_link, meeting.*
                 FROM (SELECT * FROM sync_item
                        WHERE account_id = %s AND connection_id = %s AND due_at <= now()
                        ORDER BY due_at, id LIMIT %s) i
                 LEFT JOIN LATERAL (
                      SELECT b.link FROM sync_item b
                       WHERE (i.kind = 'contact' OR NOT i.link ? 'person_id') AND b.account_id + 0 = i.account_id
                         AND b.connection_id + 0 = i.connection_id AND b.person_key = i.person_key
                         AND b.kind = 'booking' AND b.link ? 'person_id'
                       ORDER BY b.in_step_at DESC NULLS LAST LIMIT 1) other ON true
                 {_BOOKING_OF_ITEM}
                ORDER BY i.due_at, i.id""",  # noqa: S608 - the words in braces are our own
            [account_id, connection_id, limit],
        )
    )


def item_of(account_id: int, connection_id: int, kind: str, target_id: int) -> Row | None:
    """One item of a lane, or None; `earlier_link` and its booking as in `due_items`."""
    found = rows_of(
        f"""SELECT i.*, (SELECT b.link FROM sync_item b
                         WHERE i.kind = 'booking' AND NOT i.link ? 'person_id' AND b.account_id = i.account_id
                           AND b.connection_id = i.connection_id AND b.person_key = i.person_key
                           AND b.kind = 'booking' AND b.link ? 'person_id'
                         ORDER BY b.in_step_at DESC NULLS LAST LIMIT 1) AS earlier_link, meeting.*
             FROM sync_item i {_BOOKING_OF_ITEM}
            WHERE i.account_id = %s AND i.connection_id = %s AND i.kind = %s AND i.target_id = %s""",  # noqa: S608
        [account_id, connection_id, kind, target_id],
    )
    return decoded(found)[0] if found else None


def mark_sent(account_id: int, connection_id: int, epoch: int, item_ids: list[int]) -> bool:
    """Note that a write of these items is on its way; False when the lane was taken over meanwhile.

    Nobody waits for the disk: a crash of the server that loses this note leaves items as they were, due.
    """
    return (
        prepared_run(
            f"""UPDATE sync_item SET sent_at = now() FROM {_LOCKED}, {statements.UNHURRIED}
                WHERE sync_item.account_id = %s AND sync_item.id = locked.id
                  AND EXISTS (SELECT 1 FROM connection WHERE account_id = %s AND id = %s AND epoch = %s)""",  # noqa: S608
            [account_id, connection_id, as_array(item_ids), account_id, account_id, connection_id, epoch],
        )
        > 0
    )


def make_due(account_id: int, connection_id: int, item_ids: list[int]) -> None:
    """Unfenced, the one thing that a fenced drain writes: its items are read again and compared."""
    run(
        f"""UPDATE sync_item SET due_at = now(), observe_first = true FROM {_LOCKED}
            WHERE sync_item.account_id = %s AND sync_item.id = locked.id""",  # noqa: S608
        [account_id, connection_id, item_ids, account_id],
    )


def mark_in_lane(account_id: int, connection_id: int, emails: Iterable[str] | None = None) -> int:
    """Have bookings compared again in one lane: all, or those whose host has one of these addresses."""
    return run(
        """INSERT INTO sync_item (account_id, connection_id, kind, target_id, person_key, wanted, due_at,
                                  marked_at)
           SELECT b.account_id, %s, 'booking', b.id, b.contact_id, 1, now(), now()
             FROM booking b LEFT JOIN host h ON h.account_id = b.account_id AND h.id = b.host_id
            WHERE b.account_id = %s AND NOT b.in_trash
              AND (%s::text[] IS NULL OR h.email_key = ANY(%s::text[]))
            ORDER BY b.id
           ON CONFLICT (account_id, connection_id, kind, target_id) DO UPDATE
              SET wanted = sync_item.wanted + 1, due_at = now(), ignored_at = NULL,
                  rules_only = sync_item.in_step_at IS NOT NULL
                               AND (sync_item.rules_only OR sync_item.done >= sync_item.wanted),
                  marked_at = CASE WHEN sync_item.done < sync_item.wanted
                                   THEN coalesce(sync_item.marked_at, now()) ELSE now() END""",
        [connection_id, account_id, *2 * (None if emails is None else [*emails],)],
    )


def mark_records(account_id: int, connection_id: int, keys: Iterable[str]) -> int:
    """Have items compared again whose person, activity or case is one of these: the CRM's ids, or ours."""
    return run(
        """UPDATE sync_item SET wanted = wanted + 1, due_at = now(), ignored_at = NULL, observe_first = true
             FROM (SELECT i.id FROM sync_item i
                     LEFT JOIN booking b ON i.kind = 'booking' AND b.account_id = i.account_id AND b.id = i.target_id
                     LEFT JOIN contact c ON c.account_id = i.account_id AND c.id = i.person_key
                    WHERE i.account_id = %(a)s AND i.connection_id = %(c)s
                      AND (i.link ->> 'person_id' = ANY(%(keys)s) OR i.link ->> 'activity_id' = ANY(%(keys)s)
                           OR i.link ->> 'case_id' = ANY(%(keys)s) OR i.link ->> 'company_id' = ANY(%(keys)s)
                           OR b.source_id = ANY(%(keys)s) OR c.public_id = ANY(%(keys)s))
                    ORDER BY i.connection_id, i.kind, i.target_id FOR UPDATE OF i) locked
            WHERE sync_item.account_id = %(a)s AND sync_item.id = locked.id""",
        {"a": account_id, "c": connection_id, "keys": [*keys]},
    )


def try_refused_again(account_id: int, connection_id: int, but: Iterable[str] = ()) -> int:
    """Have items that wait for somebody tried now: what they were refused for may be cured. `but` are codes."""
    return run(
        """UPDATE sync_item SET due_at = now()
             FROM (SELECT id FROM sync_item
                    WHERE account_id = %(a)s AND connection_id = %(c)s AND error_class = 'NeedsAdmin'
                      AND due_at > now() AND error_code <> ALL(%(but)s)
                    ORDER BY connection_id, kind, target_id FOR UPDATE) locked
            WHERE sync_item.account_id = %(a)s AND sync_item.id = locked.id""",
        {"a": account_id, "c": connection_id, "but": [*but]},
    )


def count_bookings(account_id: int) -> int:
    """How many bookings a new lane would have to write."""
    found = rows_of("SELECT count(*) AS n FROM booking WHERE account_id = %s AND NOT in_trash", [account_id])
    return int(found[0]["n"])


def finish_batch(
    account_id: int,
    connection_id: int,
    epoch: int,
    items: list[Row],
    *,
    records: list[Row],
    quarantine: list[Row],
    receipts: list[Row],
    users: list[Row],
    asked_hosts: list[str],
    calls: int,
    writes: int,
    limits: tuple[int | None, int | None],
) -> bool | None:
    """Save all that a batch did in one transaction. None when the lane was taken over: nothing is saved.

    Else whether any of the items is due again already.
    """
    lane = [calls, writes, *limits, account_id, connection_id, epoch]
    # most batches leave nothing of these: then one statement is the whole transaction
    seldom = quarantine or users or asked_hosts
    with transaction.atomic() if seldom else nullcontext():
        found = _finish(account_id, connection_id, lane, items, records, receipts)
        if not found["held"]:
            return None
        memory_queries.keep_quarantine(account_id, connection_id, quarantine)
        memory_queries.keep_users(account_id, connection_id, users)
        memory_queries.keep_asked(account_id, connection_id, asked_hosts)
    return bool(found["due"])


def put_aside_item(
    account_id: int, connection_id: int, epoch: int, item_id: int, message: str, seconds: float
) -> None:
    """Note that one item cannot be worked because of a mistake of ours, and in how many seconds it is tried again.

    The attempt leaves a receipt of the mistake. A drain that was fenced meanwhile notes nothing: whoever has the
    lane now decides.
    """
    error = {"class": "Bug", "code": "BUG", "message": message, "cure": "Please report it; the rest goes on."}
    run(
        """WITH aside AS (
               UPDATE sync_item SET attempts = attempts + 1, error_class = 'Bug', error_code = 'BUG',
                      error_message = %s, observe_first = true, due_at = now() + make_interval(secs => %s)
                WHERE account_id = %s AND connection_id = %s AND id = %s
                  AND EXISTS (SELECT 1 FROM connection WHERE account_id = %s AND id = %s AND epoch = %s)
               RETURNING account_id, connection_id, kind, target_id)
           INSERT INTO receipt (account_id, connection_id, kind, target_id, outcome, document)
           SELECT account_id, connection_id, kind, target_id, 'Bug', %s::jsonb FROM aside""",
        [
            message, seconds, account_id, connection_id, item_id, account_id, connection_id, epoch,
            as_json({"tense": "receipt", "error": error}),
        ],
    )  # fmt: skip


# One statement, for each costs a turn to the database and back. What comes first is the fence: the rest hangs on it.
# A mark that came while the batch ran keeps its own due_at: the item goes round again.
_FINISH = f"""
WITH lane AS (
    UPDATE connection SET calls_total = calls_total + %s, writes_total = writes_total + %s,
           limit_used = COALESCE(%s, limit_used), limit_allowed = COALESCE(%s, limit_allowed)
     WHERE account_id = %s AND id = %s AND epoch = %s
    RETURNING 1),
locked AS MATERIALIZED (
    SELECT id FROM sync_item
     WHERE {_OF_LANE} AND EXISTS (SELECT 1 FROM lane)
     {_ORDERLY}),
items AS (
    UPDATE sync_item i SET
           done = CASE WHEN v.ok THEN GREATEST(i.done, v.wanted) ELSE i.done END,
           attempts = CASE WHEN v.ok THEN 0 ELSE i.attempts + 1 END,
           due_at = CASE WHEN v.ok AND i.wanted > v.wanted THEN LEAST(i.due_at, now())
                         WHEN v.next_in IS NULL THEN NULL
                         WHEN i.wanted > v.wanted THEN now()
                         ELSE now() + make_interval(secs => v.next_in) END,
           error_class = v.error_class, error_code = v.error_code, error_message = v.error_message,
           observe_first = v.observe_first,
           sent_at = CASE WHEN v.unsure THEN i.sent_at ELSE v.sent_at END,
           link = v.link,
           in_step_at = CASE WHEN v.ok THEN now() ELSE i.in_step_at END
      FROM locked
      JOIN jsonb_to_recordset(%s::jsonb) AS v(id bigint, wanted bigint, ok boolean,
           next_in double precision, error_class text, error_code text, error_message text,
           observe_first boolean, unsure boolean, sent_at timestamptz, link jsonb) ON v.id = locked.id
     WHERE i.account_id = %s AND i.id = locked.id
    RETURNING COALESCE(i.due_at <= now(), false) AS due),
records AS (
    INSERT INTO crm_record (account_id, connection_id, object, crm_id, snapshot, sent, made_by_us, updated_at)
    SELECT %s, %s, v.object, v.crm_id, v.snapshot, v.sent, v.made_by_us, now()
      FROM jsonb_to_recordset(%s::jsonb) AS v(object text, crm_id text, snapshot jsonb, sent jsonb,
           made_by_us boolean)
     WHERE EXISTS (SELECT 1 FROM lane)
     ORDER BY v.object, v.crm_id
    ON CONFLICT (account_id, connection_id, object, crm_id) DO UPDATE
       SET snapshot = excluded.snapshot, sent = excluded.sent,
           made_by_us = crm_record.made_by_us OR excluded.made_by_us, updated_at = now()),
receipts AS (
    INSERT INTO receipt (account_id, connection_id, kind, target_id, at, drain_id, outcome, calls, ms, document)
    SELECT %s, %s, v.kind, v.target_id, now(), v.drain_id, v.outcome, v.calls, round(v.ms)::int, v.document
      FROM jsonb_to_recordset(%s::jsonb) AS v(kind text, target_id bigint, drain_id text,
           outcome text, calls int, ms double precision, document jsonb)
     WHERE EXISTS (SELECT 1 FROM lane))
SELECT EXISTS (SELECT 1 FROM lane) AS held, COALESCE(bool_or(items.due), false) AS due FROM items
"""  # noqa: S608 - put together from constants


def _finish(
    account_id: int,
    connection_id: int,
    lane: list[Any],
    items: list[Row],
    records: list[Row],
    receipts: list[Row],
) -> Row:
    """Write what a batch did: `held` says whether the lane is still ours, `due` whether an item is due again."""
    ids = as_array(item["id"] for item in items)
    here = [account_id, connection_id]
    [found] = prepared_rows(
        _FINISH,
        [*lane, *here, ids, as_json(items), account_id, *here, as_json(records), *here, as_json(receipts)],
    )
    return found


def progress(account_id: int) -> Row:
    """How far all lanes of the account are: counts of items, and seconds from mark to CRM.

    `waiting` still has to be written, `problems` wait for a person, `in_step` are done.
    """
    found = rows_of(
        f"""SELECT count(*) FILTER (WHERE {STATE} = '{WAITING}') AS waiting,
                  count(*) FILTER (WHERE {STATE} = '{PROBLEM}') AS problems,
                  count(*) FILTER (WHERE {STATE} = '{IN_STEP}') AS in_step,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.in_step_at - i.marked_at))
                      FILTER (WHERE i.done >= i.wanted) AS median_seconds,
                  max(extract(epoch FROM i.in_step_at - i.marked_at))
                      FILTER (WHERE i.done >= i.wanted) AS slowest_seconds
             FROM sync_item i JOIN connection c ON c.account_id = i.account_id AND c.id = i.connection_id
            WHERE i.account_id = %s AND c.state <> 'disabled'""",  # noqa: S608
        [account_id],
    )
    return found[0]


def receipts_of(account_id: int, kind: str, target_id: int, limit: int = 20) -> list[Row]:
    """The receipts of an item, newest first."""
    return decoded(
        rows_of(
            """SELECT r.id, r.at, r.outcome, r.calls, r.ms, r.document, r.drain_id, r.connection_id
                 FROM receipt r WHERE r.account_id = %s AND r.kind = %s AND r.target_id = %s
                ORDER BY r.at DESC, r.id DESC LIMIT %s""",
            [account_id, kind, target_id, limit],
        )
    )


def problems(account_id: int, limit: int = 20) -> list[Row]:
    """Items that are not in step and say why, newest first; those that somebody ignores are left out."""
    return rows_of(
        """SELECT i.kind, coalesce(b.source_id, c.public_id) AS id, i.error_class, i.error_code,
                  i.error_message, i.attempts
             FROM sync_item i
             LEFT JOIN booking b ON i.kind = 'booking' AND b.account_id = i.account_id AND b.id = i.target_id
             LEFT JOIN contact c ON i.kind = 'contact' AND c.account_id = i.account_id AND c.id = i.target_id
            WHERE i.account_id = %s AND i.error_class <> '' AND i.ignored_at IS NULL
            ORDER BY i.id DESC LIMIT %s""",
        [account_id, limit],
    )


def contact_of_booking(account_id: int, booking_key: int) -> int | None:
    """The key of the contact that a booking belongs to, or None."""
    found = rows_of(
        "SELECT contact_id FROM booking WHERE account_id = %s AND id = %s", [account_id, booking_key]
    )
    return found[0]["contact_id"] if found else None


def count_set_aside(account_id: int) -> int:
    """How many events could not be used."""
    return int(rows_of("SELECT count(*) AS n FROM set_aside WHERE account_id = %s", [account_id])[0]["n"])


def count_bookings_in_step(account_id: int) -> int:
    """How many bookings are in step in every lane that they are in."""
    found = rows_of(
        f"""SELECT count(*) AS n
              FROM (SELECT bool_and({STATE} = '{IN_STEP}') AS all_in_step
                      FROM sync_item i JOIN connection c ON c.account_id = i.account_id AND c.id = i.connection_id
                     WHERE i.account_id = %s AND i.kind = 'booking' AND c.state <> 'disabled'
                     GROUP BY i.target_id) AS booking
             WHERE all_in_step""",  # noqa: S608
        [account_id],
    )
    return int(found[0]["n"])


def count_bookings_in_lanes(account_id: int) -> int:
    """How many bookings have an item in any lane."""
    found = rows_of(
        """SELECT count(DISTINCT target_id) AS n FROM sync_item
            WHERE account_id = %s AND kind = 'booking'""",
        [account_id],
    )
    return int(found[0]["n"])
