"""What is remembered of the CRM: its records, refused values, users and describes. The account comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from instep.store.statements import Row, as_json, decoded, prepared_rows, rows_of, run


def keep_quarantine(account_id: int, connection_id: int, rows: list[Row]) -> None:
    if not rows:
        return
    run(
        """INSERT INTO field_quarantine (account_id, connection_id, object, record_key, field, value_hash,
                                         message, code, created_at)
           SELECT %s, %s, v.object, v.record_key, v.field, v.value_hash, v.message, v.code, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(object text, record_key text, field text,
                  value_hash text, message text, code text)
           ON CONFLICT (account_id, connection_id, object, record_key, field) DO UPDATE
              SET value_hash = excluded.value_hash, message = excluded.message, code = excluded.code,
                  created_at = now()""",
        [account_id, connection_id, as_json(rows)],
    )


def keep_users(account_id: int, connection_id: int, users: list[Row]) -> None:
    """Remember users of the CRM by id."""
    if not users:
        return
    run(
        """INSERT INTO crm_user (account_id, connection_id, crm_id, email_key, username, name, active, seen_at)
           SELECT %s, %s, v.crm_id, v.email_key, v.username, v.name, v.active, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(crm_id text, email_key text, username text, name text,
                  active boolean)
           ON CONFLICT (account_id, connection_id, crm_id) DO UPDATE
              SET email_key = excluded.email_key, username = excluded.username, name = excluded.name,
                  active = excluded.active, seen_at = now()""",
        [account_id, connection_id, as_json(users)],
    )


def replace_users(account_id: int, connection_id: int, users: list[Row]) -> list[str]:
    """The CRM's whole list of active users: others count as inactive. Returns addresses new since before."""
    with transaction.atomic():
        before = {
            row["email_key"]
            for row in rows_of(
                "SELECT email_key FROM crm_user WHERE account_id = %s AND connection_id = %s AND active",
                [account_id, connection_id],
            )
        }
        run(
            "UPDATE crm_user SET active = false WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        keep_users(account_id, connection_id, users)
        run(
            "DELETE FROM unknown_host WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        run(
            "UPDATE connection SET users_refreshed_at = now() WHERE account_id = %s AND id = %s",
            [account_id, connection_id],
        )
    return sorted({u["email_key"] for u in users} - before)


def keep_asked(account_id: int, connection_id: int, emails: list[str]) -> None:
    if not emails:
        return
    run(
        """INSERT INTO unknown_host (account_id, connection_id, email_key, asked_at)
           SELECT %s, %s, email, now() FROM unnest(%s::text[]) AS email
           ON CONFLICT (account_id, connection_id, email_key) DO UPDATE SET asked_at = now()""",
        [account_id, connection_id, emails],
    )


def records_known(account_id: int, connection_id: int, keys: Iterable[tuple[str, str]]) -> list[Row]:
    """What is remembered of these records, by (object, id)."""
    wanted = [{"object": o, "crm_id": i} for o, i in keys]
    if not wanted:
        return []
    return decoded(
        prepared_rows(
            """SELECT r.object, r.crm_id, r.snapshot, r.sent, r.made_by_us
                 FROM jsonb_to_recordset(%s::jsonb) AS v(object text, crm_id text)
                 JOIN crm_record r ON r.account_id = %s AND r.connection_id = %s
                  AND r.object = v.object AND r.crm_id = v.crm_id""",
            [as_json(wanted), account_id, connection_id],
        )
    )


def quarantined(account_id: int, connection_id: int, record_keys: Iterable[str]) -> list[Row]:
    """Values in quarantine for these records, and those that hold for every record."""
    return prepared_rows(
        """SELECT object, record_key, field, value_hash, message FROM field_quarantine
            WHERE account_id = %s AND connection_id = %s AND (record_key = '*' OR record_key = ANY(%s))""",
        [account_id, connection_id, [*record_keys]],
    )


def lift_quarantine(account_id: int, connection_id: int) -> int:
    """A new mapping or describe may let refused values pass: forget all of them."""
    return run(
        "DELETE FROM field_quarantine WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )


def count_quarantined(account_id: int, connection_id: int) -> int:
    """How many values the CRM refused and are left out until something changes."""
    found = rows_of(
        "SELECT count(*) AS n FROM field_quarantine WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )
    return int(found[0]["n"])


def users_known(account_id: int, connection_id: int, emails: Iterable[str]) -> list[Row]:
    """Active users of the CRM with these addresses."""
    return prepared_rows(
        """SELECT crm_id, email_key, username, name FROM crm_user
            WHERE account_id = %s AND connection_id = %s AND active AND email_key = ANY(%s)
            ORDER BY crm_id""",
        [account_id, connection_id, [*emails]],
    )


def hosts_asked(account_id: int, connection_id: int, emails: Iterable[str], within: float) -> set[str]:
    """Addresses that were asked for in the last `within` seconds and are nobody's."""
    wanted = [*emails]
    if not wanted:
        return set()
    return {
        row["email_key"]
        for row in prepared_rows(
            """SELECT email_key FROM unknown_host WHERE account_id = %s AND connection_id = %s
                 AND email_key = ANY(%s) AND asked_at > now() - make_interval(secs => %s)""",
            [account_id, connection_id, wanted, within],
        )
    }


def describes(account_id: int, connection_id: int) -> dict[str, Row]:
    """What describe documents are kept, by object: the digest of each and its age in seconds."""
    rows = prepared_rows(
        """SELECT object, digest, extract(epoch FROM now() - fetched_at)::float AS age
             FROM crm_describe WHERE account_id = %s AND connection_id = %s""",
        [account_id, connection_id],
    )
    return {row["object"]: row for row in rows}


def describe_documents(account_id: int, connection_id: int, objects: Iterable[str]) -> dict[str, Any]:
    """The kept describe documents of these objects; empty ones stand for objects that are hidden from us."""
    rows = rows_of(
        """SELECT object, document FROM crm_describe
            WHERE account_id = %s AND connection_id = %s AND object = ANY(%s)""",
        [account_id, connection_id, [*objects]],
    )
    return {row["object"]: row["document"] for row in decoded(rows)}


def keep_describes(account_id: int, connection_id: int, documents: Mapping[str, Any]) -> None:
    """Keep describe documents, fresh as of now."""
    rows = [{"object": name, "document": document} for name, document in documents.items()]
    run(
        """INSERT INTO crm_describe (account_id, connection_id, object, document, fetched_at)
           SELECT %s, %s, v.object, v.document, now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(object text, document jsonb)
           ON CONFLICT (account_id, connection_id, object) DO UPDATE
              SET document = excluded.document, fetched_at = now()""",
        [account_id, connection_id, as_json(rows)],
    )


def properties(account_id: int) -> list[Row]:
    """Custom properties of the account: object, identifier, label, type, and whether it is archived."""
    return prepared_rows(
        """SELECT object, identifier, label, type, archived_at IS NOT NULL AS archived
             FROM property WHERE account_id = %s ORDER BY 1, 2""",
        [account_id],
    )
