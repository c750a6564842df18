"""A stand-in on disk: one SQLite file, so that a restart or a kill -9 finds every answered write again."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS record (
  id TEXT PRIMARY KEY, object TEXT NOT NULL, body TEXT NOT NULL, history TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Storage:
    """Reads everything at the start and appends each request's changes. Its lock serialises calls."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The file holds the app's secret; SQLite gives its companions the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        # WAL with NORMAL loses nothing when the process dies; only a power cut could take the last writes.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        if "history" not in {column[1] for column in self._db.execute("PRAGMA table_info(record)")}:
            # A file from before records had a history.
            self._db.execute("ALTER TABLE record ADD COLUMN history TEXT NOT NULL DEFAULT '[]'")

    def records(self) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
        """Every stored record as (object, fields, history)."""
        for name, body, history in self._db.execute("SELECT object, body, history FROM record ORDER BY id"):
            yield name, json.loads(body), json.loads(history)

    def meta(self) -> dict[str, Any]:
        return {name: json.loads(body) for name, body in self._db.execute("SELECT name, body FROM meta")}

    def write(
        self,
        records: Iterable[tuple[str, str, dict[str, Any] | None, list[Any]]],
        meta: dict[str, Any],
    ) -> None:
        """Save (object, id, fields or None for gone, history) and meta values in one durable transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        for name, record_id, body, history in records:
            if body is None:
                self._db.execute("DELETE FROM record WHERE id = ?", (record_id,))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO record (id, object, body, history) VALUES (?, ?, ?, ?)",
                    (record_id, name, json.dumps(body), json.dumps(history)),
                )
        self._db.executemany(
            "INSERT OR REPLACE INTO meta (name, body) VALUES (?, ?)",
            [(name, json.dumps(body)) for name, body in meta.items()],
        )
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()
