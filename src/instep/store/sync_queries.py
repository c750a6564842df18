"""Set-based SQL of the engine: marks, lanes, fences, and what is remembered of the CRM.

Rows travel as one JSON document and are unpacked in the database: a statement for each row would cost
three times the throughput. Every function takes the account first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection as db
from django.db import transaction

from instep.store.queries import IN_STEP, PROBLEM, STATE, WAITING

Row = dict[str, Any]


def _rows(sql: str, params: Sequence[Any] = ()) -> list[Row]:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _run(sql: str, params: Sequence[Any] = ()) -> int:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def _json(value: Any) -> str:
    """A value as JSON that the database takes: what no jsonb can hold becomes the replacement character.

    NUL and halves of characters cannot come from a booking (they are refused there), but a CRM may hold them.
    """
    text = json.dumps(value, default=str)
    if "\\u0000" in text or "\\ud" in text:
        text = json.dumps(_holdable(json.loads(text)))
    return text


def _holdable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_holdable(part) for part in value]
    if isinstance(value, dict):
        return {_holdable(name): _holdable(part) for name, part in value.items()}
    return value


@contextmanager
def advisory_lock(kind: int, key: int) -> Iterator[None]:
    """Hold out every other process that asks for the same lock, for the length of the block."""
    _rows("SELECT pg_advisory_lock(%s, %s)", [kind, key])
    try:
        yield
    finally:
        _rows("SELECT pg_advisory_unlock(%s, %s)", [kind, key])


def properties(account_id: int) -> list[Row]:
    """Custom properties of the account: object, identifier, label, type."""
    return _rows(
        "SELECT object, identifier, label, type FROM property WHERE account_id = %s ORDER BY 1, 2",
        [account_id],
    )


def close_connection() -> None:
    """Give this thread's database connection back."""
    db.close()


_DECODED = ("link", "snapshot", "sent", "document", "settings", "identity", "installed")


def _decode(rows: list[Row]) -> list[Row]:
    """JSON columns as values: raw cursors hand them over as text."""
    for row in rows:
        for name in _DECODED:
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows


# --- lanes ----------------------------------------------------------------------------------------


def connections(account_id: int) -> list[Row]:
    """Every connection of the account that is not disabled, oldest first."""
    return _decode(
        _rows(
            "SELECT * FROM connection WHERE account_id = %s AND state <> 'disabled' ORDER BY id", [account_id]
        )
    )


def connection_by_id(account_id: int, connection_id: int) -> Row | None:
    """One connection, or None."""
    found = _rows("SELECT * FROM connection WHERE account_id = %s AND id = %s", [account_id, connection_id])
    return _decode(found)[0] if found else None


def account_of_connection(connection_id: int) -> int | None:
    """Which account a connection belongs to: a job carries only the connection's id."""
    found = _rows("SELECT account_id FROM connection WHERE id = %s", [connection_id])
    return int(found[0]["account_id"]) if found else None


def begin_drain(account_id: int, connection_id: int) -> Row | None:
    """Take over the lane: everyone who held it before is fenced. None while it is held or disconnected."""
    found = _rows(
        """UPDATE connection SET epoch = epoch + 1
            WHERE account_id = %s AND id = %s AND state = 'connected'
              AND (held_until IS NULL OR held_until <= now())
        RETURNING *""",
        [account_id, connection_id],
    )
    return _decode(found)[0] if found else None


def is_mine(account_id: int, connection_id: int, epoch: int) -> bool:
    """Whether the lane still belongs to this epoch."""
    return bool(
        _rows(
            "SELECT 1 AS yes FROM connection WHERE account_id = %s AND id = %s AND epoch = %s",
            [account_id, connection_id, epoch],
        )
    )


def lanes_to_wake() -> list[Row]:
    """Connections of all accounts that have due items, are connected and not held."""
    return _rows(
        """SELECT c.account_id, c.id FROM connection c
            WHERE c.state = 'connected' AND (c.held_until IS NULL OR c.held_until <= now())
              AND EXISTS (SELECT 1 FROM sync_item i
                           WHERE i.account_id = c.account_id AND i.connection_id = c.id
                             AND i.due_at <= now())"""
    )


def wake(connection_id: int) -> None:
    """Have a drain of this connection run as soon as a worker is free."""
    _rows("SELECT instep_wake(%s)", [connection_id])


def hold(
    account_id: int, connection_id: int, seconds: float, code: str, reason: str, state: str = "connected"
) -> bool:
    """Pause a lane. True when it was not already held for the same reason (one alert per change)."""
    changed = _rows(
        """UPDATE connection c SET held_until = now() + make_interval(secs => %s), hold_code = %s,
                  hold_reason = %s, state = %s, failures = failures + 1
             FROM (SELECT id, hold_code AS before FROM connection
                    WHERE account_id = %s AND id = %s FOR UPDATE) o
            WHERE c.id = o.id RETURNING o.before""",
        [seconds, code, reason, state, account_id, connection_id],
    )
    return bool(changed) and changed[0]["before"] != code


def release(account_id: int, connection_id: int) -> bool:
    """End a pause. True when there was one."""
    return (
        _run(
            """UPDATE connection SET held_until = NULL, hold_code = '', hold_reason = '', failures = 0
                WHERE account_id = %s AND id = %s""",
            [account_id, connection_id],
        )
        > 0
    )


def raise_alert(account_id: int, connection_id: int, code: str, message: str) -> None:
    """Open an alert unless the same one is open."""
    _run(
        """INSERT INTO alert (account_id, connection_id, code, message, raised_at)
           VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING""",
        [account_id, connection_id, code, message],
    )


def clear_alerts(account_id: int, connection_id: int) -> int:
    """Close the open alerts of a connection that works again; how many there were."""
    return _run(
        """UPDATE alert SET cleared_at = now()
            WHERE account_id = %s AND connection_id = %s AND cleared_at IS NULL""",
        [account_id, connection_id],
    )


def set_batch_size(account_id: int, connection_id: int, size: int, grown: int) -> None:
    """Remember the batch size and how many batches of it went well."""
    _run(
        "UPDATE connection SET batch_size = %s, batch_grow = %s WHERE account_id = %s AND id = %s",
        [size, grown, account_id, connection_id],
    )


# --- items ----------------------------------------------------------------------------------------

# everyone locks items in this order, or writers deadlock
_LOCKED = """(SELECT id FROM sync_item WHERE account_id = %s AND connection_id = %s AND id = ANY(%s)
               ORDER BY connection_id, kind, target_id FOR UPDATE) locked"""


def due_items(account_id: int, connection_id: int, limit: int) -> list[Row]:
    """Due items in the order they fell due. A contact without a link takes that of its last booking."""
    return _decode(
        _rows(
            """SELECT i.*, COALESCE(NULLIF(i.link, '{}'::jsonb), other.link, '{}'::jsonb) AS link
                 FROM (SELECT * FROM sync_item
                        WHERE account_id = %s AND connection_id = %s AND due_at <= now()
                        ORDER BY due_at, id LIMIT %s) i
                 LEFT JOIN LATERAL (
                      SELECT b.link FROM sync_item b
                       WHERE i.kind = 'contact' AND b.account_id = i.account_id
                         AND b.connection_id = i.connection_id AND b.person_key = i.person_key
                         AND b.kind = 'booking' AND b.link ? 'person_id'
                       ORDER BY b.in_step_at DESC NULLS LAST LIMIT 1) other ON true
                ORDER BY i.due_at, i.id""",
            [account_id, connection_id, limit],
        )
    )


def item_of(account_id: int, connection_id: int, kind: str, target_id: int) -> Row | None:
    """One item of a lane, or None."""
    found = _rows(
        """SELECT * FROM sync_item WHERE account_id = %s AND connection_id = %s AND kind = %s
             AND target_id = %s""",
        [account_id, connection_id, kind, target_id],
    )
    return _decode(found)[0] if found else None


def mark_sent(account_id: int, connection_id: int, epoch: int, item_ids: list[int]) -> bool:
    """Note that a write of these items is on its way; False when the lane was taken over meanwhile."""
    return (
        _run(
            f"""UPDATE sync_item SET sent_at = now() FROM {_LOCKED}
                WHERE sync_item.account_id = %s AND sync_item.id = locked.id
                  AND EXISTS (SELECT 1 FROM connection WHERE account_id = %s AND id = %s AND epoch = %s)""",  # noqa: S608
            [account_id, connection_id, item_ids, account_id, account_id, connection_id, epoch],
        )
        > 0
    )


def make_due(account_id: int, connection_id: int, item_ids: list[int]) -> None:
    """Unfenced, the one thing that a fenced drain writes: its items are read again and compared."""
    _run(
        f"""UPDATE sync_item SET due_at = now(), observe_first = true FROM {_LOCKED}
            WHERE sync_item.account_id = %s AND sync_item.id = locked.id""",  # noqa: S608
        [account_id, connection_id, item_ids, account_id],
    )


def mark_in_lane(account_id: int, connection_id: int, emails: Iterable[str] | None = None) -> int:
    """Have bookings compared again in one lane: all, or those whose host has one of these addresses."""
    return _run(
        """INSERT INTO sync_item (account_id, connection_id, kind, target_id, person_key, wanted, due_at,
                                  marked_at)
           SELECT b.account_id, %s, 'booking', b.id, b.contact_id, 1, now(), now()
             FROM booking b LEFT JOIN host h ON h.account_id = b.account_id AND h.id = b.host_id
            WHERE b.account_id = %s AND NOT b.in_trash
              AND (%s::text[] IS NULL OR h.email_key = ANY(%s::text[]))
            ORDER BY b.id
           ON CONFLICT (account_id, connection_id, kind, target_id) DO UPDATE
              SET wanted = sync_item.wanted + 1, due_at = now(),
                  marked_at = CASE WHEN sync_item.done < sync_item.wanted
                                   THEN coalesce(sync_item.marked_at, now()) ELSE now() END""",
        [connection_id, account_id, *2 * (None if emails is None else [*emails],)],
    )


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
) -> bool:
    """Save all that a batch did in one transaction. False when the lane was taken over: nothing is saved."""
    with transaction.atomic():
        if not _run(
            """UPDATE connection SET calls_total = calls_total + %s, writes_total = writes_total + %s,
                      limit_used = COALESCE(%s, limit_used), limit_allowed = COALESCE(%s, limit_allowed)
                WHERE account_id = %s AND id = %s AND epoch = %s""",
            [calls, writes, *limits, account_id, connection_id, epoch],
        ):
            return False
        _finish_items(account_id, connection_id, items)
        _keep_records(account_id, connection_id, records)
        _keep_quarantine(account_id, connection_id, quarantine)
        _keep_receipts(account_id, connection_id, receipts)
        keep_users(account_id, connection_id, users)
        _keep_asked(account_id, connection_id, asked_hosts)
    return True


def put_aside_item(account_id: int, connection_id: int, item_id: int, message: str, seconds: float) -> None:
    """Note that one item cannot be worked because of a mistake of ours, and when it is tried again."""
    _run(
        """UPDATE sync_item SET attempts = attempts + 1, error_class = 'Bug', error_code = 'BUG',
                  error_message = %s, observe_first = true, due_at = now() + make_interval(secs => %s)
            WHERE account_id = %s AND connection_id = %s AND id = %s""",
        [message, seconds, account_id, connection_id, item_id],
    )


def count_calls(account_id: int, connection_id: int, calls: int, writes: int) -> None:
    """Add calls that belong to no batch (describes, users), or to a batch that was fenced."""
    _run(
        """UPDATE connection SET calls_total = calls_total + %s, writes_total = writes_total + %s
            WHERE account_id = %s AND id = %s""",
        [calls, writes, account_id, connection_id],
    )


def _finish_items(account_id: int, connection_id: int, items: list[Row]) -> None:
    ids = [item["id"] for item in items]
    _rows(f"SELECT 1 FROM {_LOCKED}", [account_id, connection_id, ids])  # noqa: S608
    # a mark that came while the batch ran keeps its own due_at: the item goes round again
    _run(
        """UPDATE sync_item i SET
                  done = CASE WHEN v.ok THEN GREATEST(i.done, v.wanted) ELSE i.done END,
                  attempts = CASE WHEN v.ok THEN 0 ELSE i.attempts + 1 END,
                  due_at = CASE WHEN v.ok AND i.wanted > v.wanted THEN LEAST(i.due_at, now())
                                WHEN v.next_in IS NULL THEN NULL
                                WHEN i.wanted > v.wanted THEN now()
                                ELSE now() + make_interval(secs => v.next_in) END,
                  error_class = v.error_class, error_code = v.error_code, error_message = v.error_message,
                  observe_first = v.observe_first,
                  sent_at = CASE WHEN v.unsure THEN i.sent_at ELSE NULL END,
                  link = v.link,
                  in_step_at = CASE WHEN v.ok THEN now() ELSE i.in_step_at END
             FROM jsonb_to_recordset(%s::jsonb) AS v(id bigint, wanted bigint, ok boolean,
                  next_in double precision, error_class text, error_code text, error_message text,
                  observe_first boolean, unsure boolean, link jsonb)
            WHERE i.account_id = %s AND i.connection_id = %s AND i.id = v.id""",
        [_json(items), account_id, connection_id],
    )


def _keep_records(account_id: int, connection_id: int, records: list[Row]) -> None:
    if not records:
        return
    _run(
        """INSERT INTO crm_record (account_id, connection_id, object, crm_id, snapshot, sent, made_by_us,
                                   updated_at)
           SELECT %s, %s, v.object, v.crm_id, v.snapshot, v.sent, v.made_by_us, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(object text, crm_id text, snapshot jsonb, sent jsonb,
                  made_by_us boolean)
            ORDER BY v.object, v.crm_id
           ON CONFLICT (account_id, connection_id, object, crm_id) DO UPDATE
              SET snapshot = excluded.snapshot, sent = excluded.sent,
                  made_by_us = crm_record.made_by_us OR excluded.made_by_us, updated_at = now()""",
        [account_id, connection_id, _json(records)],
    )


def _keep_quarantine(account_id: int, connection_id: int, rows: list[Row]) -> None:
    if not rows:
        return
    _run(
        """INSERT INTO field_quarantine (account_id, connection_id, object, record_key, field, value_hash,
                                         message, code, created_at)
           SELECT %s, %s, v.object, v.record_key, v.field, v.value_hash, v.message, v.code, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(object text, record_key text, field text,
                  value_hash text, message text, code text)
           ON CONFLICT (account_id, connection_id, object, record_key, field) DO UPDATE
              SET value_hash = excluded.value_hash, message = excluded.message, code = excluded.code,
                  created_at = now()""",
        [account_id, connection_id, _json(rows)],
    )


def _keep_receipts(account_id: int, connection_id: int, rows: list[Row]) -> None:
    if not rows:
        return
    _run(
        """INSERT INTO receipt (account_id, connection_id, kind, target_id, at, drain_id, outcome, calls, ms,
                                document)
           SELECT %s, %s, v.kind, v.target_id, now(), v.drain_id, v.outcome, v.calls, round(v.ms)::int, v.document
             FROM jsonb_to_recordset(%s::jsonb) AS v(kind text, target_id bigint, drain_id text,
                  outcome text, calls int, ms double precision, document jsonb)""",
        [account_id, connection_id, _json(rows)],
    )


def keep_users(account_id: int, connection_id: int, users: list[Row]) -> None:
    """Remember users of the CRM by id."""
    if not users:
        return
    _run(
        """INSERT INTO crm_user (account_id, connection_id, crm_id, email_key, username, name, active, seen_at)
           SELECT %s, %s, v.crm_id, v.email_key, v.username, v.name, v.active, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(crm_id text, email_key text, username text, name text,
                  active boolean)
           ON CONFLICT (account_id, connection_id, crm_id) DO UPDATE
              SET email_key = excluded.email_key, username = excluded.username, name = excluded.name,
                  active = excluded.active, seen_at = now()""",
        [account_id, connection_id, _json(users)],
    )


def replace_users(account_id: int, connection_id: int, users: list[Row]) -> list[str]:
    """The CRM's whole list of active users: others count as inactive. Returns addresses new since before."""
    with transaction.atomic():
        before = {
            row["email_key"]
            for row in _rows(
                "SELECT email_key FROM crm_user WHERE account_id = %s AND connection_id = %s AND active",
                [account_id, connection_id],
            )
        }
        _run(
            "UPDATE crm_user SET active = false WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        keep_users(account_id, connection_id, users)
        _run(
            "DELETE FROM unknown_host WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        _run(
            "UPDATE connection SET users_refreshed_at = now() WHERE account_id = %s AND id = %s",
            [account_id, connection_id],
        )
    return sorted({u["email_key"] for u in users} - before)


def _keep_asked(account_id: int, connection_id: int, emails: list[str]) -> None:
    if not emails:
        return
    _run(
        """INSERT INTO unknown_host (account_id, connection_id, email_key, asked_at)
           SELECT %s, %s, email, now() FROM unnest(%s::text[]) AS email
           ON CONFLICT (account_id, connection_id, email_key) DO UPDATE SET asked_at = now()""",
        [account_id, connection_id, emails],
    )


# --- memory ---------------------------------------------------------------------------------------


def records_known(account_id: int, connection_id: int, keys: Iterable[tuple[str, str]]) -> list[Row]:
    """What is remembered of these records, by (object, id)."""
    wanted = [{"object": o, "crm_id": i} for o, i in keys]
    if not wanted:
        return []
    return _decode(
        _rows(
            """SELECT r.object, r.crm_id, r.snapshot, r.sent, r.made_by_us
                 FROM jsonb_to_recordset(%s::jsonb) AS v(object text, crm_id text)
                 JOIN crm_record r ON r.account_id = %s AND r.connection_id = %s
                  AND r.object = v.object AND r.crm_id = v.crm_id""",
            [_json(wanted), account_id, connection_id],
        )
    )


def quarantined(account_id: int, connection_id: int, record_keys: Iterable[str]) -> list[Row]:
    """Values in quarantine for these records, and those that hold for every record."""
    return _rows(
        """SELECT object, record_key, field, value_hash, message FROM field_quarantine
            WHERE account_id = %s AND connection_id = %s AND (record_key = '*' OR record_key = ANY(%s))""",
        [account_id, connection_id, [*record_keys]],
    )


def lift_quarantine(account_id: int, connection_id: int) -> int:
    """A new mapping or describe may let refused values pass: forget all of them."""
    return _run(
        "DELETE FROM field_quarantine WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )


def users_known(account_id: int, connection_id: int, emails: Iterable[str]) -> list[Row]:
    """Active users of the CRM with these addresses."""
    return _rows(
        """SELECT crm_id, email_key, username, name FROM crm_user
            WHERE account_id = %s AND connection_id = %s AND active AND email_key = ANY(%s)
            ORDER BY crm_id""",
        [account_id, connection_id, [*emails]],
    )


def hosts_asked(account_id: int, connection_id: int, emails: Iterable[str], within: float) -> set[str]:
    """Addresses that were asked for in the last `within` seconds and are nobody's."""
    return {
        row["email_key"]
        for row in _rows(
            """SELECT email_key FROM unknown_host WHERE account_id = %s AND connection_id = %s
                 AND email_key = ANY(%s) AND asked_at > now() - make_interval(secs => %s)""",
            [account_id, connection_id, [*emails], within],
        )
    }


def describes(account_id: int, connection_id: int) -> dict[str, Row]:
    """Kept describe documents by object, with their age in seconds."""
    rows = _rows(
        """SELECT object, document, extract(epoch FROM now() - fetched_at)::float AS age
             FROM crm_describe WHERE account_id = %s AND connection_id = %s""",
        [account_id, connection_id],
    )
    return {row["object"]: row for row in _decode(rows)}


def keep_describes(account_id: int, connection_id: int, documents: Mapping[str, Any]) -> None:
    """Keep describe documents, fresh as of now."""
    rows = [{"object": name, "document": document} for name, document in documents.items()]
    _run(
        """INSERT INTO crm_describe (account_id, connection_id, object, document, fetched_at)
           SELECT %s, %s, v.object, v.document, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(object text, document jsonb)
           ON CONFLICT (account_id, connection_id, object) DO UPDATE
              SET document = excluded.document, fetched_at = now()""",
        [account_id, connection_id, _json(rows)],
    )


# --- progress -------------------------------------------------------------------------------------


def progress(account_id: int) -> Row:
    """How far all lanes of the account are: counts of items, and seconds from mark to CRM.

    `waiting` still has to be written, `problems` wait for a person, `in_step` are done.
    """
    found = _rows(
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


def totals(account_id: int) -> Row:
    """Calls and writes of all connections of the account since they were made."""
    return _rows(
        """SELECT COALESCE(sum(calls_total), 0)::bigint AS calls,
                  COALESCE(sum(writes_total), 0)::bigint AS writes
             FROM connection WHERE account_id = %s""",
        [account_id],
    )[0]


def receipts_of(account_id: int, kind: str, target_id: int, limit: int = 20) -> list[Row]:
    """The receipts of an item, newest first."""
    return _decode(
        _rows(
            """SELECT r.id, r.at, r.outcome, r.calls, r.ms, r.document, r.drain_id, r.connection_id
                 FROM receipt r WHERE r.account_id = %s AND r.kind = %s AND r.target_id = %s
                ORDER BY r.at DESC, r.id DESC LIMIT %s""",
            [account_id, kind, target_id, limit],
        )
    )


def problems(account_id: int, limit: int = 20) -> list[Row]:
    """Items that are not in step and say why, newest first."""
    return _rows(
        """SELECT i.kind, coalesce(b.source_id, c.public_id) AS id, i.error_class, i.error_code,
                  i.error_message, i.attempts
             FROM sync_item i
             LEFT JOIN booking b ON i.kind = 'booking' AND b.account_id = i.account_id AND b.id = i.target_id
             LEFT JOIN contact c ON i.kind = 'contact' AND c.account_id = i.account_id AND c.id = i.target_id
            WHERE i.account_id = %s AND i.error_class <> '' ORDER BY i.id DESC LIMIT %s""",
        [account_id, limit],
    )


def contact_of_booking(account_id: int, booking_key: int) -> int | None:
    """The key of the contact that a booking belongs to, or None."""
    found = _rows(
        "SELECT contact_id FROM booking WHERE account_id = %s AND id = %s", [account_id, booking_key]
    )
    return found[0]["contact_id"] if found else None


def count_set_aside(account_id: int) -> int:
    """How many events could not be used."""
    return int(_rows("SELECT count(*) AS n FROM set_aside WHERE account_id = %s", [account_id])[0]["n"])


def count_bookings_in_lanes(account_id: int) -> int:
    """How many bookings have an item in any lane."""
    found = _rows(
        """SELECT count(DISTINCT target_id) AS n FROM sync_item
            WHERE account_id = %s AND kind = 'booking'""",
        [account_id],
    )
    return int(found[0]["n"])


def count_quarantined(account_id: int, connection_id: int) -> int:
    """How many values the CRM refused and are left out until something changes."""
    found = _rows(
        "SELECT count(*) AS n FROM field_quarantine WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )
    return int(found[0]["n"])
