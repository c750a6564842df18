"""What is remembered of the CRM: its records, refused values, users and describes. The account comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from instep.core.causes import DOUBTFUL
from instep.store.statements import Row, as_json, decoded, prepared_rows, rows_of, run

#: who can own records: people of the org who are active; `licence` names what others have instead
_CAN_OWN = "active AND licence = ''"


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
        """INSERT INTO crm_user (account_id, connection_id, crm_id, email_key, username, name, active, licence,
                                 seen_at)
           SELECT %s, %s, v.crm_id, v.email_key, v.username, v.name, v.active, COALESCE(v.licence, ''), now()
             FROM jsonb_to_recordset(%s::jsonb) AS v(crm_id text, email_key text, username text, name text,
                  active boolean, licence text)
           ON CONFLICT (account_id, connection_id, crm_id) DO UPDATE
              SET email_key = excluded.email_key, username = excluded.username, name = excluded.name,
                  active = excluded.active, licence = excluded.licence, seen_at = now()""",
        [account_id, connection_id, as_json(users)],
    )


def users_left(account_id: int, connection_id: int, crm_ids: Iterable[str]) -> None:
    """Remember that these users are active no more; the next list of all users tells who came back."""
    with transaction.atomic():
        _lock_lane(account_id, connection_id)
        run(
            "UPDATE crm_user SET active = false WHERE account_id = %s AND connection_id = %s AND crm_id = ANY(%s)",
            [account_id, connection_id, [*crm_ids]],
        )


def _lock_lane(account_id: int, connection_id: int) -> None:
    """The lane first, as whoever saves a batch does: two that lock in different orders wait for each other."""
    rows_of(
        "SELECT FROM connection WHERE account_id = %s AND id = %s FOR NO KEY UPDATE",
        [account_id, connection_id],
    )


def replace_users(account_id: int, connection_id: int, users: list[Row]) -> list[str]:
    """The CRM's whole list of active users: others count as inactive.

    Returns addresses that have a user since now, their own or the one that somebody chose for them.
    """
    with transaction.atomic():
        # locks the lane first, as `users_left` and whoever saves a batch do
        run(
            "UPDATE connection SET users_refreshed_at = now() WHERE account_id = %s AND id = %s",
            [account_id, connection_id],
        )
        before = _with_user(account_id, connection_id)
        run(
            "UPDATE crm_user SET active = false WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        keep_users(account_id, connection_id, users)
        run(
            "DELETE FROM unknown_host WHERE account_id = %s AND connection_id = %s",
            [account_id, connection_id],
        )
        now = _with_user(account_id, connection_id)
    return sorted(now - before)


def _with_user(account_id: int, connection_id: int) -> set[str]:
    """Addresses that a user of the CRM can own records for."""
    return {
        row["email_key"]
        for row in rows_of(
            f"""SELECT email_key FROM crm_user
                 WHERE account_id = %(a)s AND connection_id = %(c)s AND {_CAN_OWN} AND email_key <> ''
                 UNION
                SELECT h.email_key FROM host_user h JOIN crm_user u USING (account_id, connection_id, crm_id)
                 WHERE h.account_id = %(a)s AND h.connection_id = %(c)s AND {_CAN_OWN}""",  # noqa: S608 - ours
            {"a": account_id, "c": connection_id},
        )
    }


def hosts_without(account_id: int, connection_id: int, known: Iterable[str]) -> list[str]:
    """Addresses of hosts for whom nobody has chosen a user and that are not among the known ones."""
    found = rows_of(
        """SELECT h.email_key FROM host h
            WHERE h.account_id = %(a)s AND h.email_key <> '' AND h.email_key <> ALL(%(known)s)
              AND NOT EXISTS (SELECT FROM host_user c WHERE c.account_id = %(a)s AND c.connection_id = %(c)s
                                 AND c.email_key = h.email_key)
            ORDER BY 1""",
        {"a": account_id, "c": connection_id, "known": [*known]},
    )
    return [row["email_key"] for row in found]


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
    # The limit leaves PostgreSQL the record's own key: of a tenant that has grown since it counted, it believes that it
    # has next to nothing, and would read all that the tenant has.
    return decoded(
        prepared_rows(
            """SELECT r.object, r.crm_id, r.snapshot, r.sent, r.made_by_us
                 FROM jsonb_to_recordset(%s::jsonb) AS v(object text, crm_id text)
                 JOIN LATERAL (
                      SELECT * FROM crm_record r
                       WHERE r.account_id + 0 = %s AND r.connection_id = %s
                         AND r.object = v.object AND r.crm_id = v.crm_id LIMIT 1) r ON true""",
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


def lift_quarantine(account_id: int, connection_id: int, but: Iterable[str] = ()) -> int:
    """A new mapping or describe may let refused values pass: forget all of them but those with these codes.

    What somebody has to look at stays until somebody has.
    """
    return run(
        "DELETE FROM field_quarantine WHERE account_id = %s AND connection_id = %s AND code <> ALL(%s)",
        [account_id, connection_id, [DOUBTFUL, *but]],
    )


def quarantine_groups(account_id: int, connection_id: int, codes: list[str], limit: int) -> list[Row]:
    """Values that the CRM refused with one of these codes, by object and field; `message` is the newest one."""
    return rows_of(
        """SELECT code, object, field, (array_agg(message ORDER BY created_at DESC))[1] AS message,
                  min(created_at) AS since,
                  array_agg(record_key ORDER BY created_at DESC, record_key) AS keys
             FROM field_quarantine
            WHERE account_id = %s AND connection_id = %s AND code = ANY(%s)
            GROUP BY code, object, field ORDER BY since, code, object, field LIMIT %s""",
        [account_id, connection_id, codes, limit],
    )


def lift_values(
    account_id: int, connection_id: int, code: str, object_name: str, field_name: str
) -> list[str]:
    """Forget that the CRM refused this field with that code; the keys of the records that it was left out of."""
    found = rows_of(
        """DELETE FROM field_quarantine
            WHERE account_id = %s AND connection_id = %s AND code = %s AND object = %s AND field = %s
           RETURNING record_key""",
        [account_id, connection_id, code, object_name, field_name],
    )
    return [row["record_key"] for row in found]


def count_quarantined(account_id: int, connection_id: int) -> int:
    """How many values the CRM refused and are left out until something changes."""
    found = rows_of(
        "SELECT count(*) AS n FROM field_quarantine WHERE account_id = %s AND connection_id = %s",
        [account_id, connection_id],
    )
    return int(found[0]["n"])


def users_known(account_id: int, connection_id: int, emails: Iterable[str]) -> list[Row]:
    """Users of the CRM who own what hosts with these addresses own: as somebody chose, else by e-mail."""
    return prepared_rows(
        f"""SELECT u.crm_id, u.email_key, u.username, u.name FROM crm_user u
            WHERE u.account_id = %(a)s AND u.connection_id = %(c)s AND {_CAN_OWN}
              AND u.email_key = ANY(%(emails)s)
              AND NOT EXISTS (SELECT FROM host_user h WHERE h.account_id = %(a)s AND h.connection_id = %(c)s
                                 AND h.email_key = u.email_key)
           UNION ALL
           SELECT u.crm_id, h.email_key, u.username, u.name
             FROM host_user h JOIN crm_user u USING (account_id, connection_id, crm_id)
            WHERE h.account_id = %(a)s AND h.connection_id = %(c)s AND {_CAN_OWN}
              AND h.email_key = ANY(%(emails)s)
            ORDER BY crm_id""",  # noqa: S608 - the words in braces are this module's own
        {"a": account_id, "c": connection_id, "emails": [*emails]},
    )


def hosts_settled(account_id: int, connection_id: int, emails: Iterable[str], within: float) -> set[str]:
    """Addresses that the CRM need not be asked for: it was in the last `within` seconds, or somebody chose a user."""
    wanted = [*emails]
    if not wanted:
        return set()
    return {
        row["email_key"]
        for row in prepared_rows(
            """SELECT email_key FROM unknown_host WHERE account_id = %(a)s AND connection_id = %(c)s
                  AND email_key = ANY(%(emails)s) AND asked_at > now() - make_interval(secs => %(within)s)
               UNION
               SELECT email_key FROM host_user WHERE account_id = %(a)s AND connection_id = %(c)s
                  AND email_key = ANY(%(emails)s)""",
            {"a": account_id, "c": connection_id, "emails": wanted, "within": within},
        )
    }


_DESCRIBES = """(SELECT jsonb_object_agg(object, jsonb_build_object(
                     'digest', digest, 'age', extract(epoch FROM now() - fetched_at)::float))
                FROM crm_describe WHERE account_id = %(a)s AND connection_id = %(c)s) AS describes"""
_PROPERTIES = """(SELECT jsonb_agg(jsonb_build_object('object', object, 'identifier', identifier, 'label', label,
                            'type', type, 'archived', archived_at IS NOT NULL) ORDER BY object, identifier)
                FROM property WHERE account_id = %(a)s) AS properties"""


def describes(account_id: int, connection_id: int) -> dict[str, Row]:
    """What describe documents are kept, by object: the digest of each and its age in seconds."""
    [found] = prepared_rows(f"SELECT {_DESCRIBES}", {"a": account_id, "c": connection_id})
    return dict(decoded([found])[0]["describes"] or {})


#: columns of what opening a lane takes: `describes` and `properties`, and whether `any_refused` is in quarantine
OPENING = f"""{_DESCRIBES}, {_PROPERTIES},
       EXISTS (SELECT FROM field_quarantine
                WHERE account_id = %(a)s AND connection_id = %(c)s) AS any_refused"""


def opening(account_id: int, connection_id: int) -> Row:
    """What opening a lane takes, as in `OPENING`."""
    [found] = prepared_rows(f"SELECT {OPENING}", {"a": account_id, "c": connection_id})
    return decoded([found])[0]


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
    [found] = prepared_rows(f"SELECT {_PROPERTIES}", {"a": account_id})
    return list(decoded([found])[0]["properties"] or [])
