"""The configuration of a connection as a plain document, for YAML files and the database.

Reading names every fault at once, with its place; unknown keys are faults too, so that a typing error
never silently means "default".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import evolve

from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.core.rules import SyncConfig

_FLAT = ("new_contacts", "always_write", "batches_in_flight", "deleted_event", "api_reserve_percent")


def to_document(config: SyncConfig) -> dict[str, Any]:
    """The whole configuration, every key spelled out, in the order people read it."""
    return {
        "new_contacts": config.person_object,
        "always_write": config.always_write,
        "batches_in_flight": config.batches_in_flight,
        "deleted_event": config.deleted_event,
        "api_reserve_percent": config.api_reserve,
        "mapping": {name: [_row_out(row) for row in rows] for name, rows in config.rows.items()},
    }


def _row_out(row: Row) -> dict[str, Any]:
    return {
        "source": row.source or None,
        "field": row.field,
        "overwrite": row.overwrite,
        "fallback": row.fallback,
    }


def from_document(document: Mapping[str, Any], base: SyncConfig) -> SyncConfig:
    """The configuration that a document says, on top of `base`: keys left out stay as they are.

    An object that is named gets exactly the rows listed. Raises `InputError` with all faults.
    """
    faults: list[str] = []
    if not isinstance(document, Mapping):
        raise InputError("The configuration is not a table of settings.", code="CONFIG")
    for key in document:
        if key not in (*_FLAT, "mapping"):
            faults.append(f"{key}: no such setting; possible are {', '.join((*_FLAT, 'mapping'))}.")
    config = evolve(
        base,
        person_object=_get(document, "new_contacts", str, base.person_object, faults),
        always_write=_get(document, "always_write", bool, base.always_write, faults),
        batches_in_flight=_get(document, "batches_in_flight", int, base.batches_in_flight, faults),
        deleted_event=_get(document, "deleted_event", str, base.deleted_event, faults),
        api_reserve=_get(document, "api_reserve_percent", int, base.api_reserve, faults),
        rows=_rows_in(document.get("mapping"), base, faults),
    )
    if config.deleted_event not in ("recreate", "leave"):
        faults.append("deleted_event: choose recreate or leave.")
    if not 0 <= config.api_reserve <= 90:
        faults.append("api_reserve_percent: must be from 0 to 90.")
    if faults:
        raise InputError("The configuration was not applied. " + " ".join(faults), code="CONFIG")
    return config


def _get(document: Mapping[str, Any], key: str, kind: type, default: Any, faults: list[str]) -> Any:
    value = document.get(key, default)
    # True is an int to Python, but never a number to a person
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {str: "a text", bool: "true or false", int: "a whole number"}[kind]
        faults.append(f"{key}: must be {words}.")
        return default
    return value


def _rows_in(mapping: Any, base: SyncConfig, faults: list[str]) -> dict[str, tuple[Row, ...]]:
    rows = dict(base.rows)
    if mapping is None:
        return rows
    if not isinstance(mapping, Mapping):
        faults.append("mapping: must be a table of objects, each with a list of rows.")
        return rows
    for name, listed in mapping.items():
        if not isinstance(listed, list):
            faults.append(f"mapping.{name}: must be a list of rows.")
            continue
        done = [_row_in(f"mapping.{name}[{n}]", row, faults) for n, row in enumerate(listed, 1)]
        rows[str(name)] = tuple(row for row in done if row is not None)
    return rows


def _row_in(where: str, row: Any, faults: list[str]) -> Row | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("field"), str):
        faults.append(f"{where}: needs at least a field.")
        return None
    unknown = set(row) - {"source", "field", "overwrite", "fallback"}
    if unknown:
        faults.append(f"{where}: no such key: {', '.join(sorted(map(str, unknown)))}.")
    overwrite, fallback = row.get("overwrite", False), row.get("fallback")
    if not isinstance(overwrite, bool):
        faults.append(f"{where}.overwrite: must be true or false.")
        overwrite = False
    # YAML reads an unquoted 2026-12-01 as a date
    if fallback is not None and not isinstance(fallback, str | int | float | bool | date):
        faults.append(f"{where}.fallback: must be a text, a number or a date.")
        fallback = None
    source = row.get("source") or ""
    if not isinstance(source, str):
        faults.append(f"{where}.source: must be the name of a source field.")
        source = ""
    text = str(fallback) if fallback is not None else ""
    return Row(source, row["field"], overwrite, text if text.strip() else None)
