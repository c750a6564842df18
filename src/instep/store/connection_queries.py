"""What the pages about connections read: one connection or all of them, disconnected ones too. Account first."""

from __future__ import annotations

from instep.store.statements import Row, decoded, rows_of


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
