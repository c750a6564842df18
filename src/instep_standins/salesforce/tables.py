"""Records in memory with the indexes that look-ups by id, email and external id need, and an undo log."""

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

# Looked up by every sync in lists of hundreds; everything else is scanned.
_INDEXED = frozenset({
    "Email", "Name", "Username", "WhoId", "WhatId", "AccountId", "ContactId", "ConvertedContactId", "AssigneeId",
    "SuppliedEmail", "PersonEmail", "EventId", "ParentEventId",
})  # fmt: skip


def index_key(value: Any) -> Any:
    """Text compares without regard to case, as in Salesforce."""
    return value.lower() if isinstance(value, str) else value


class Tables:
    """All records of all objects. A stored record is never changed in place, only replaced by `put`."""

    def __init__(self, objects: Iterable[str]) -> None:
        self._rows: dict[str, dict[str, Record]] = {name: {} for name in objects}
        self._index: dict[str, dict[str, dict[Any, dict[str, None]]]] = {
            name: {field: {} for field in _INDEXED} for name in self._rows
        }
        self._undo: list[tuple[str, str, Record | None]] = []
        self.version = 0  # grows with every change, so that a reader sees whether there was one

    def get(self, name: str, record_id: str) -> Record | None:
        return self._rows[name].get(record_id)

    def rows(self, name: str) -> dict[str, Record]:
        return self._rows[name]

    def put(self, name: str, record: Record) -> None:
        record_id = record["Id"]
        old = self._rows[name].get(record_id)
        self._undo.append((name, record_id, old))
        self._replace(name, record_id, old, record)

    def remove(self, name: str, record_id: str) -> None:
        """Take a record out for good, recycle bin and all."""
        old = self._rows[name].get(record_id)
        self._undo.append((name, record_id, old))
        self._replace(name, record_id, old, None)

    def _replace(self, name: str, record_id: str, old: Record | None, new: Record | None) -> None:
        self.version += 1
        for field, entries in self._index[name].items():
            before = old.get(field) if old else None
            after = new.get(field) if new else None
            if before == after:
                continue
            if before is not None:
                entries.get(index_key(before), {}).pop(record_id, None)
            if after is not None:
                entries.setdefault(index_key(after), {})[record_id] = None
        if new is None:
            self._rows[name].pop(record_id, None)
        else:
            self._rows[name][record_id] = new

    def add_index(self, name: str, field: str) -> None:
        """Index one more field (a deployed external id), with the records that are there already."""
        if field in self._index[name]:
            return
        entries: dict[Any, dict[str, None]] = {}
        for record_id, record in self._rows[name].items():
            if record.get(field) is not None:
                entries.setdefault(index_key(record[field]), {})[record_id] = None
        self._index[name][field] = entries

    def is_indexed(self, name: str, field: str) -> bool:
        return field in self._index[name]

    def find(self, name: str, field: str, value: Any) -> list[str]:
        """Ids of the records with that value in an indexed field, in order of arrival, deleted ones included."""
        return list(self._index[name][field].get(index_key(value), ()))

    def mark(self) -> int:
        """A point to which `rollback` can return within the running request."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        while len(self._undo) > mark:
            name, record_id, old = self._undo.pop()
            self._replace(name, record_id, self._rows[name].get(record_id), old)

    def take_changes(self) -> list[tuple[str, str, Record | None, Record | None]]:
        """(object, id, as it was at the last call, as it is now) of what changed since; empties the undo log."""
        touched: dict[str, tuple[str, Record | None]] = {}
        for name, record_id, old in self._undo:
            touched.setdefault(record_id, (name, old))
        self._undo.clear()
        return [(name, rid, old, self._rows[name].get(rid)) for rid, (name, old) in touched.items()]
