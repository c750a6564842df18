"""Values and records as HubSpot writes them: every value is a text, an empty one clears."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from instep.core.lookup import Record
from instep.core.mapping import is_blank
from instep.crm.hubspot import names

#: fields that no property holds, and the properties that they are made of
MADE_OF: Mapping[str, tuple[str, ...]] = {
    names.WHOLE_NAME: (names.FIRST_NAME, names.LAST_NAME),
    names.PERSON: (),
    names.PEOPLE: (),
}
#: epoch milliseconds, as some properties of moments come back (reference 2.1)
_MILLISECONDS = re.compile(r"\d{12,14}\Z")
_MOMENTS = frozenset({names.START, names.END, names.TIMESTAMP})


def property_names(fields: Iterable[str]) -> list[str]:
    """The properties to ask for, so that these fields can be told."""
    return list(dict.fromkeys(p for name in fields for p in MADE_OF.get(name, (name,))))


def properties_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Field values as properties; a meeting stands on the timeline where it starts."""
    told = {name: text_of(value) for name, value in values.items() if name not in MADE_OF}
    if names.START in told:
        told[names.TIMESTAMP] = told[names.START]
    return told


def text_of(value: Any) -> str:
    """One value as HubSpot takes it."""
    if is_blank(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def record_of(object_name: str, row: Mapping[str, Any], select: Iterable[str]) -> Record:
    """One record as read, with the fields asked for; those made of others are put together."""
    properties = row.get("properties") or {}
    fields: dict[str, Any] = {}
    for name in select:
        parts = MADE_OF.get(name)
        if parts is None:
            fields[name] = _value(name, properties.get(name))
        elif parts:
            fields[name] = " ".join(filter(None, (properties.get(p) for p in parts))) or None
    return Record(object_name, str(row.get("id") or ""), fields)


def _value(name: str, value: Any) -> Any:
    if name in _MOMENTS and isinstance(value, str) and _MILLISECONDS.match(value):
        return datetime.fromtimestamp(int(value) / 1000, UTC).isoformat().replace("+00:00", "Z")
    return value if value != "" else None
