"""How the engine's SQL is run: rows as dictionaries, values as JSON that the database takes, session locks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection as db

Row = dict[str, Any]


def rows_of(sql: str, params: Sequence[Any] = ()) -> list[Row]:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run(sql: str, params: Sequence[Any] = ()) -> int:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def as_json(value: Any) -> str:
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


_DECODED = ("link", "snapshot", "sent", "document", "settings", "identity", "installed")


def decoded(rows: list[Row]) -> list[Row]:
    """JSON columns as values: raw cursors hand them over as text."""
    for row in rows:
        for name in _DECODED:
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows


@contextmanager
def advisory_lock(kind: int, key: int) -> Iterator[None]:
    """Hold out every other process that asks for the same lock, for the length of the block."""
    rows_of("SELECT pg_advisory_lock(%s, %s)", [kind, key])
    try:
        yield
    finally:
        rows_of("SELECT pg_advisory_unlock(%s, %s)", [kind, key])


def close_connection() -> None:
    """Close this thread's database connection: the thread ends."""
    db.close()


def rest_connection() -> None:
    """This thread has done its turn: its database connection stays for the next one, if it is sound and not old.

    A new connection costs PostgreSQL more than a drain does.
    """
    db.close_if_unusable_or_obsolete()
