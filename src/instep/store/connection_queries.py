"""What the pages about connections read: one connection or all of them, disconnected ones too. Account first."""

from __future__ import annotations

from datetime import datetime

from instep.store.statements import Row, decoded, prepared_rows, rows_of


def connection_by_public_id(account_id: int, public_id: str) -> Row | None:
    """One connection in whatever state, or None: also for another account's."""
    found = rows_of(
        "SELECT * FROM connection WHERE account_id = %s AND public_id = %s",
        [account_id, public_id.replace("\0", "")],
    )
    return decoded(found)[0] if found else None


def every_connection(account_id: int) -> list[Row]:
    """All connections of the account: those at work first, the oldest first among them."""
    return decoded(
        rows_of(
            """SELECT * FROM connection WHERE account_id = %s
                ORDER BY state = 'disabled', id""",
            [account_id],
        )
    )


def work_of(account_id: int, connection_id: int) -> Row:
    """How a lane's items stand: `waiting`, `linked` (have a record in the CRM), `last_at` (last in step)."""
    return rows_of(
        """SELECT count(*) FILTER (WHERE due_at IS NOT NULL AND done < wanted) AS waiting,
                  count(*) FILTER (WHERE link <> '{}'::jsonb) AS linked,
                  max(in_step_at) AS last_at
             FROM sync_item WHERE account_id = %s AND connection_id = %s""",
        [account_id, connection_id],
    )[0]


def count_receipts(account_id: int, connection_id: int) -> int:
    """How many receipts of a connection are kept."""
    found = rows_of(
        "SELECT count(*) AS n FROM receipt WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )
    return int(found[0]["n"])


def locked_settings(account_id: int, connection_id: int) -> Row:
    """The settings document of a connection, kept from others until the transaction ends."""
    found = decoded(
        rows_of(
            "SELECT settings FROM connection WHERE account_id = %s AND id = %s FOR UPDATE",
            [account_id, connection_id],
        )
    )
    return dict(found[0]["settings"] or {}) if found else {}


def described_at(account_id: int, connection_id: int) -> dict[str, datetime]:
    """When the CRM described each object last."""
    found = rows_of(
        "SELECT object, fetched_at FROM crm_describe WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )
    return {row["object"]: row["fetched_at"] for row in found}


def defaults_sent(
    account_id: int, connection_id: int, mark: str, shown: int = 10, newest: int = 5000
) -> list[Row]:
    """Lines of the newest receipts whose note begins with `mark`, by calendar and field, each with its `total`.

    Receipt, target, at, object, field, label, value; of each field of a calendar the newest `shown`.
    """
    return rows_of(
        """
        WITH lines AS (
        SELECT r.id AS receipt, r.kind, r.target_id AS target, r.at, w ->> 'object' AS object,
               c ->> 'field' AS field, c ->> 'label' AS label, c ->> 'new' AS value,
               coalesce(b.subject, '') AS subject, coalesce(b.state #>> '{guest,name}', '') AS guest,
               coalesce(nullif(k.name, ''), nullif(b.state ->> 'calendar_name', ''), k.source_id, '') AS calendar
          FROM (SELECT * FROM receipt
                 WHERE account_id = %s AND connection_id = %s AND at > now() - interval '30 days'
                 ORDER BY at DESC LIMIT %s) r
         CROSS JOIN jsonb_array_elements(r.document -> 'writes') w
         CROSS JOIN jsonb_array_elements(w -> 'changes') c
          LEFT JOIN booking b ON r.kind = 'booking' AND b.account_id = r.account_id AND b.id = r.target_id
          LEFT JOIN calendar k ON k.account_id = b.account_id AND k.id = b.calendar_id
         WHERE c ->> 'verdict' = 'write' AND starts_with(c ->> 'note', %s)
           AND coalesce((w #>> '{result,ok}')::boolean, false)),
        counted AS (
        SELECT *, count(*) OVER of_field AS total,
               row_number() OVER (of_field ORDER BY at DESC, receipt DESC) AS place
          FROM lines WINDOW of_field AS (PARTITION BY calendar, object, field))
        SELECT * FROM counted WHERE place <= %s
         ORDER BY calendar = '', calendar, object, field, place
        """,
        [account_id, connection_id, newest, mark, shown],
    )


def linked_records(account_id: int, connection_id: int) -> dict[str, int]:
    """How many records of people (by object), activities, cases and companies the bookings of a lane are linked to."""
    found = rows_of(
        """SELECT kind, count(DISTINCT id) AS n FROM (
             SELECT link ->> 'person_object' AS kind, link ->> 'person_id' AS id FROM sync_item
              WHERE account_id = %(a)s AND connection_id = %(c)s
              UNION ALL
             SELECT v.kind, v.id FROM sync_item i
              CROSS JOIN LATERAL (VALUES ('activity', i.link ->> 'activity_id'), ('case', i.link ->> 'case_id'),
                                         ('company', i.link ->> 'company_id')) AS v (kind, id)
              WHERE i.account_id = %(a)s AND i.connection_id = %(c)s) every
            WHERE id <> '' GROUP BY kind""",
        {"a": account_id, "c": connection_id},
    )
    return {row["kind"]: int(row["n"]) for row in found}


def strict_and_held(account_id: int, calendar_id: str, now: datetime) -> bool:
    """Whether a CRM in strict mode, which this calendar is integrated with, stands still at that moment."""
    return bool(
        prepared_rows(
            """SELECT 1 FROM connection
                WHERE account_id = %s AND state <> 'disabled' AND settings #> '{config,strict}' = 'true'::jsonb
                  AND (state <> 'connected' OR held_until > %s)
                  AND settings #>> ARRAY['config', 'calendars', %s, 'general_links'] IS DISTINCT FROM 'none'
                LIMIT 1""",
            [account_id, now, calendar_id],
        )
    )
