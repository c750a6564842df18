"""What happened to each record: which field went from what to what, when, and by which call."""

from collections.abc import Sequence
from typing import Any

import attrs

from .operations import Operation
from .tables import Record

KEPT = 50  # entries of one record; the oldest go first
_LONGEST = 300  # characters kept of a text: a history is for reading, the record holds the rest
_LONGEST_CALL = 120
# They change with every write and say nothing that the entry does not say itself.
_STAMPS = frozenset({"LastModifiedDate", "SystemModstamp", "LastModifiedById"})

MADE, CHANGED, DELETED, RESTORED = "made", "changed", "deleted", "restored"


@attrs.frozen
class Cause:
    """Who changes records and by what: a user's call, or (without a user) an order given on this machine."""

    user_id: str | None = None
    operations: Sequence[Operation] = ()
    order: str = ""

    def told(self) -> str:
        """A few words; a composite is told by what is in it."""
        words = ", ".join(one.told() for one in self.operations[1:] or self.operations) or self.order
        return _clipped(words, _LONGEST_CALL)


FIRST_DAY = Cause(order="the org's first day")


@attrs.frozen
class Entry:
    """One write of one record. `at` is a stored datetime; `changes` are (field, from, to)."""

    at: str
    kind: str
    call: str
    user_id: str | None
    changes: tuple[tuple[str, Any, Any], ...] = ()


def _clipped(value: Any, longest: int = _LONGEST) -> Any:
    return value[: longest - 1] + "…" if isinstance(value, str) and len(value) > longest else value


def _changes(old: Record, new: Record) -> tuple[tuple[str, Any, Any], ...]:
    names = dict.fromkeys([*old, *new])
    found = ((name, old.get(name), new.get(name)) for name in names if name not in _STAMPS)
    return tuple((name, _clipped(was), _clipped(now)) for name, was, now in found if was != now)


def _kind(old: Record | None, new: Record) -> str:
    if old is None:
        return MADE
    if bool(old.get("IsDeleted")) == bool(new.get("IsDeleted")):
        return CHANGED
    return DELETED if new.get("IsDeleted") else RESTORED


class History:
    """The latest entries of every record. Callers hold the org's lock."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}

    def note(
        self, record_id: str, old: Record | None, new: Record | None, at: str, cause: tuple[str, str | None]
    ) -> None:
        """Write one change down; `cause` is (call in words, user id). What is gone for good takes its history along."""
        if new is None:
            self._entries.pop(record_id, None)
            return
        # What a new record holds is on the record itself, and in "from" once it changes.
        changes = () if old is None else _changes(old, new)
        kept = self._entries.setdefault(record_id, [])
        kept.append(Entry(at, _kind(old, new), *cause, changes))
        del kept[:-KEPT]

    def of(self, record_id: str) -> list[Entry]:
        """The entries of one record, the latest first."""
        return self._entries.get(record_id, [])[::-1]

    def dump(self, record_id: str) -> list[Any]:
        return [attrs.astuple(entry) for entry in self._entries.get(record_id, ())]

    def restore(self, record_id: str, saved: list[Any]) -> None:
        self._entries[record_id] = [
            Entry(at, kind, call, user_id, tuple((name, was, now) for name, was, now in changes))
            for at, kind, call, user_id, changes in saved
        ]
