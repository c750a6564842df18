"""How the engine's SQL is run: rows as dictionaries, values as JSON that the database takes, session locks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import orjson
import psycopg
from django.db import connection as db

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any]

#: uses of a statement in a session before PostgreSQL keeps its plan
_PREPARE_AFTER = 0
#: to be joined to a statement whose commit need not wait for the disk: a crash of the server may lose the last of them
UNHURRIED = "(SELECT set_config('synchronous_commit', 'off', true)) unhurried"
#: seconds for which a thread's connection that did well is taken for sound
_SOUND_FOR = 5.0
_rested = threading.local()


def rows_of(sql: str, params: Params = ()) -> list[Row]:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run(sql: str, params: Sequence[Any] = ()) -> int:
    with db.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def prepared_rows(sql: str, params: Params = ()) -> list[Row]:
    """`rows_of` for statements that every drain runs: PostgreSQL binds the values and plans them once a session.

    They name their columns: a kept plan of `SELECT *` is refused once a migration has added one.
    """
    with _prepared(sql, params) as cursor:
        return cursor.fetchall()


def prepared_run(sql: str, params: Sequence[Any] = ()) -> int:
    """`run` for statements that every drain runs."""
    with _prepared(sql, params) as cursor:
        return int(cursor.rowcount)


@contextmanager
def _prepared(sql: str, params: Params) -> Iterator[psycopg.Cursor[Row]]:
    """A statement executed on Django's connection but past its cursors, which bind the values into the text.

    For a document of many rows that means to quote it here and to parse it there, each time.
    """
    db.close_if_health_check_failed()
    db.ensure_connection()
    connection = db.connection
    assert connection is not None
    if connection.prepare_threshold != _PREPARE_AFTER:
        connection.prepare_threshold = _PREPARE_AFTER
        # All of them find rows by their keys: a plan for the values at hand would be the same, made anew each time.
        connection.execute("SET plan_cache_mode = force_generic_plan")
    with db.wrap_database_errors, psycopg.Cursor(connection, row_factory=_rows_as_named(sql)) as cursor:
        cursor.execute(sql, params)
        yield cursor


@lru_cache(maxsize=256)
def _rows_as_named(sql: str) -> Callable[[psycopg.Cursor[Any]], Callable[[Sequence[Any]], Row]]:
    """`psycopg.rows.dict_row` for one statement, which is asked for the names of its columns once and not each time."""
    names: tuple[str, ...] = ()

    def factory(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
        nonlocal names
        if not names and cursor.description is not None:
            # set at once: threads that are first together would each add theirs
            names = tuple(column.name for column in cursor.description)
        return lambda values: dict(zip(names, values, strict=True))

    return factory


def as_array(numbers: Iterable[int]) -> str:
    """Whole numbers as an array for `%s::bigint[]`: written here, for the driver asks of each what it is."""
    return f"{{{','.join(map(str, numbers))}}}"


def as_json(value: Any) -> str:
    """A value as JSON that the database takes: what no jsonb can hold becomes the replacement character.

    NUL and halves of characters cannot come from a booking (they are refused there), but a CRM may hold them.
    """
    try:
        document = orjson.dumps(value, default=str, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        # halves of characters, numbers of more than 64 bits
        document = b"\\u0000"
    if b"\\u0000" not in document:
        return document.decode()
    return json.dumps(_holdable(json.loads(json.dumps(value, default=str))))


def _holdable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_holdable(part) for part in value]
    if isinstance(value, dict):
        return {_holdable(name): _holdable(part) for name, part in value.items()}
    return value


_DECODED = (
    "link",
    "earlier_link",
    "snapshot",
    "sent",
    "document",
    "settings",
    "identity",
    "installed",
    "removed_setup",
    "describes",
    "properties",
)


def decoded(rows: list[Row]) -> list[Row]:
    """JSON columns as values: raw cursors hand them over as text."""
    for row in rows:
        for name in _DECODED:
            if isinstance(row.get(name), str):
                row[name] = orjson.loads(row[name])
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

    A new connection costs PostgreSQL more than a drain does, and asking whether it is sound as much as any statement:
    that is done now and then, and after an error.
    """
    now = time.monotonic()
    if db.errors_occurred or now - getattr(_rested, "at", 0.0) > _SOUND_FOR:
        _rested.at = now
        db.close_if_unusable_or_obsolete()
