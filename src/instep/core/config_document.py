"""The configuration of a connection as a plain document, for YAML files and the database.

Reading names every fault at once, with its place; unknown keys are faults too, so that a typing error
never silently means "default".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from attrs import define, evolve, field

from instep.core.creation import CalendarRules, OwnerRule, Ownership
from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.core.rules import SyncConfig

#: key of the document → attribute of the configuration
_FLAT = {
    "new_contacts": "person_object",
    "person_accounts": "person_accounts",
    "events": "events",
    "guests": "guests",
    "duplicates": "duplicates",
    "strict": "strict",
    "unsigned_links": "unsigned_links",
    "always_write": "always_write",
    "batches_in_flight": "batches_in_flight",
    "deleted_event": "deleted_event",
    "api_reserve_percent": "api_reserve",
}
_TABLES = ("owners", "record_types", "calendars", "mapping")
_DELETED = ("recreate", "leave")

Table = Mapping[str, Any]
Choice = TypeVar("Choice", bound=StrEnum)


def to_document(config: SyncConfig) -> dict[str, Any]:
    """The whole configuration, every key spelled out, in the order people read it."""
    return {
        **{key: _plain(getattr(config, name)) for key, name in _FLAT.items()},
        "owners": {
            name: {"existing": rule.existing.value, "new": rule.new.value}
            for name, rule in config.owners.items()
        },
        "record_types": dict(config.record_types),
        "calendars": {key: _calendar_out(rules) for key, rules in config.calendars.items()},
        "mapping": {name: [_row_out(row) for row in rows] for name, rows in config.rows.items()},
    }


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _calendar_out(rules: CalendarRules) -> dict[str, Any]:
    return {
        "general_links": rules.links or None,
        "event": rules.event,
        "record_types": dict(rules.record_types),
    }


def _row_out(row: Row) -> dict[str, Any]:
    return {
        "source": row.source or None,
        "field": row.field,
        "overwrite": row.overwrite,
        "fallback": row.fallback,
    }


def from_document(document: Table, base: SyncConfig) -> SyncConfig:
    """The configuration that a document says, on top of `base`: keys left out stay as they are.

    A table that is named replaces the one before: an object gets exactly the rows listed, a connection exactly
    the owners, record types and calendars listed. Raises `InputError` with all faults.
    """
    if not isinstance(document, Mapping):
        raise InputError("The configuration is not a table of settings.", code="CONFIG")
    reading = _Reading()
    possible = (*_FLAT, *_TABLES)
    for key in document:
        if key not in possible:
            reading.fault(str(key), f"no such setting; possible are {', '.join(possible)}.")
    known = {name: reading.flat(document, key, getattr(base, name)) for key, name in _FLAT.items()}
    config = evolve(
        base,
        **known,
        owners=reading.table("", document, "owners", base.owners, reading.owner),
        record_types=reading.table("", document, "record_types", base.record_types, reading.text),
        calendars=reading.table("", document, "calendars", base.calendars, reading.calendar),
        rows=reading.rows(document.get("mapping"), base),
    )
    if config.deleted_event not in _DELETED:
        reading.fault("deleted_event", f"choose {' or '.join(_DELETED)}.")
    if not 0 <= config.api_reserve <= 90:
        reading.fault("api_reserve_percent", "must be from 0 to 90.")
    if reading.faults:
        raise InputError("The configuration was not applied. " + " ".join(reading.faults), code="CONFIG")
    return config


@define
class _Reading:
    """A document being read, with the faults found so far."""

    faults: list[str] = field(factory=list)

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")

    def flat(self, document: Table, key: str, default: Any) -> Any:
        value = document.get(key, default)
        if isinstance(default, StrEnum):
            return self.choice(key, value, type(default), default)
        kind = type(default)
        # True is an int to Python, but never a number to a person
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            words = {str: "a text", bool: "true or false", int: "a whole number"}[kind]
            self.fault(key, f"must be {words}.")
            return default
        return value

    def choice(self, where: str, value: Any, kind: type[Choice], default: Choice) -> Choice:
        possible = [one.value for one in kind]
        if isinstance(value, str) and value in possible:
            return kind(value)
        self.fault(where, f"choose {' or '.join(possible)}.")
        return default

    def table(self, within: str, document: Table, key: str, default: Any, read: Any) -> Any:
        if key not in document:
            return default
        value = document[key] or {}
        where = f"{within}.{key}" if within else key
        if not isinstance(value, Mapping):
            self.fault(where, "must be a table.")
            return default
        done = {str(name): read(f"{where}.{name}", said) for name, said in value.items()}
        return {name: said for name, said in done.items() if said not in (None, "")}

    def text(self, where: str, value: Any) -> str:
        if value is None or isinstance(value, str):
            return (value or "").strip()
        self.fault(where, "must be a text.")
        return ""

    def keys(self, where: str, value: Any, known: tuple[str, ...]) -> Table:
        """A table of these keys at most."""
        if not isinstance(value, Mapping):
            self.fault(where, f"must be a table of {', '.join(known)}.")
            return {}
        unknown = sorted(str(key) for key in value if key not in known)
        if unknown:
            self.fault(where, f"no such key: {', '.join(unknown)}.")
        return value

    def owner(self, where: str, value: Any) -> OwnerRule:
        said = self.keys(where, value, ("existing", "new"))
        usual = OwnerRule()
        return OwnerRule(
            self.choice(f"{where}.existing", said.get("existing", usual.existing), Ownership, usual.existing),
            self.choice(f"{where}.new", said.get("new", usual.new), Ownership, usual.new),
        )

    def calendar(self, where: str, value: Any) -> CalendarRules:
        said = self.keys(where, value, ("general_links", "event", "record_types"))
        event = said.get("event")
        if event is not None and not isinstance(event, bool):
            self.fault(f"{where}.event", "must be true, false or left out.")
            event = None
        links = self.text(f"{where}.general_links", said.get("general_links"))
        types = self.table(where, said, "record_types", {}, self.text)
        return CalendarRules(links, event, types)

    def rows(self, mapping: Any, base: SyncConfig) -> dict[str, tuple[Row, ...]]:
        rows = dict(base.rows)
        if mapping is None:
            return rows
        if not isinstance(mapping, Mapping):
            self.fault("mapping", "must be a table of objects, each with a list of rows.")
            return rows
        for name, listed in mapping.items():
            if not isinstance(listed, list):
                self.fault(f"mapping.{name}", "must be a list of rows.")
                continue
            done = [self.row(f"mapping.{name}[{n}]", row) for n, row in enumerate(listed, 1)]
            rows[str(name)] = tuple(row for row in done if row is not None)
        return rows

    def row(self, where: str, row: Any) -> Row | None:
        if not isinstance(row, Mapping) or not isinstance(row.get("field"), str):
            self.fault(where, "needs at least a field.")
            return None
        self.keys(where, row, ("source", "field", "overwrite", "fallback"))
        overwrite, fallback = row.get("overwrite", False), row.get("fallback")
        if not isinstance(overwrite, bool):
            self.fault(f"{where}.overwrite", "must be true or false.")
            overwrite = False
        # YAML reads an unquoted 2026-12-01 as a date
        if fallback is not None and not isinstance(fallback, str | int | float | bool | date):
            self.fault(f"{where}.fallback", "must be a text, a number or a date.")
            fallback = None
        source = row.get("source") or ""
        if not isinstance(source, str):
            self.fault(f"{where}.source", "must be the name of a source field.")
            source = ""
        text = str(fallback) if fallback is not None else ""
        return Row(source, row["field"], overwrite, text if text.strip() else None)
