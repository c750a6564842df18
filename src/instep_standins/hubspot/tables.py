"""Everything the portal keeps, in memory: rows by kind and id, the indexes that look-ups need, and an undo log."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

RECORD_KINDS = ("contacts", "companies", "deals", "tickets", "meetings")
ASSOCIATIONS, OWNERS, PROPERTIES, GROUPS = "associations", "owners", "properties", "groups"
KINDS = (*RECORD_KINDS, ASSOCIATIONS, OWNERS, PROPERTIES, GROUPS)


def index_key(value: Any) -> str:
    return str(value).strip().lower()


class Tables:
    """Rows of all kinds; each has an `id`. A stored row is never changed in place, only replaced by `put`."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {kind: {} for kind in KINDS}
        self._index: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._undo: list[tuple[str, str, Row | None]] = []
        self.version = 0  # grows with every change, so that a reader sees whether there was one
        for name in ("email", "hs_additional_emails"):
            self.add_index("contacts", name)
        self.add_index(ASSOCIATIONS, "from")

    def get(self, kind: str, row_id: str) -> Row | None:
        return self._rows[kind].get(row_id)

    def rows(self, kind: str) -> dict[str, Row]:
        return self._rows[kind]

    def living(self, kind: str) -> list[Row]:
        return [row for row in self._rows[kind].values() if not row.get("archived")]

    def put(self, kind: str, row: Row) -> None:
        row_id = row["id"]
        old = self._rows[kind].get(row_id)
        self._undo.append((kind, row_id, old))
        self._replace(kind, row_id, old, row)

    def remove(self, kind: str, row_id: str) -> None:
        old = self._rows[kind].get(row_id)
        if old is not None:
            self._undo.append((kind, row_id, old))
            self._replace(kind, row_id, old, None)

    def _keys(self, kind: str, name: str, row: Row | None) -> set[str]:
        """What an index files a row under; a property of several values under each."""
        if row is None:
            return set()
        value = row.get(name) if kind == ASSOCIATIONS else row["properties"].get(name)
        if value is None or value == "":
            return set()
        parts: Iterable[str] = str(value).split(";") if name == "hs_additional_emails" else (value,)
        return {index_key(part) for part in parts}

    def _replace(self, kind: str, row_id: str, old: Row | None, new: Row | None) -> None:
        self.version += 1
        for (indexed, name), entries in self._index.items():
            if indexed != kind:
                continue
            before, after = self._keys(kind, name, old), self._keys(kind, name, new)
            for key in before - after:
                entries[key].pop(row_id, None)
            for key in after - before:
                entries.setdefault(key, {})[row_id] = None
        if new is None:
            self._rows[kind].pop(row_id, None)
        else:
            self._rows[kind][row_id] = new

    def add_index(self, kind: str, name: str) -> None:
        """Index one more value, with the rows that are there already."""
        if (kind, name) in self._index:
            return
        entries: dict[str, dict[str, None]] = {}
        for row in self._rows[kind].values():
            for key in self._keys(kind, name, row):
                entries.setdefault(key, {})[row["id"]] = None
        self._index[kind, name] = entries

    def find(self, kind: str, name: str, value: Any) -> list[Row]:
        """Living rows with that value in an indexed field, in order of arrival."""
        found = [self._rows[kind][one] for one in self._index[kind, name].get(index_key(value), ())]
        return [row for row in found if not row.get("archived")]

    def mark(self) -> int:
        """A point to which `rollback` can return within the running request."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        while len(self._undo) > mark:
            kind, row_id, old = self._undo.pop()
            self._replace(kind, row_id, self._rows[kind].get(row_id), old)

    def take_changes(self) -> list[tuple[str, str, Row | None, Row | None]]:
        """(kind, id, as it was at the last call, as it is now) of what changed since; empties the undo log."""
        touched: dict[tuple[str, str], Row | None] = {}
        for kind, row_id, old in self._undo:
            touched.setdefault((kind, row_id), old)
        self._undo.clear()
        return [(kind, row_id, old, self._rows[kind].get(row_id)) for (kind, row_id), old in touched.items()]
