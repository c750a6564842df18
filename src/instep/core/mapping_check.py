"""What is wrong with a mapping row before it is saved, and what it will do that an admin may not expect.

One list of faults serves the editor, the YAML file and the checks afterwards. Each fault is a sentence about the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from instep.core.catalogue import STATIC, Property, find, static_value
from instep.core.crm_schema import LOCATION, Field, ObjectSchema, RecordType, mappable, takes
from instep.core.mapping import Row, convert

SOURCE, FIELD, FALLBACK = "source", "field", "fallback"


@frozen
class Fault:
    """A sentence about one row; `part` is the half that it is about: source, field or fallback."""

    part: str
    message: str


def row_faults(
    row: Row, described: ObjectSchema, own: frozenset[str], crm: str, custom: Mapping[str, Property]
) -> list[Fault]:
    """Every fault of a row by itself. `own` are the fields that Instep fills; `crm` names the CRM."""
    target = described.get(row.field)
    if target is None:
        text = f"{crm} has no such field on {described.name}, or hides it from the connected user."
        return [Fault(FIELD, text)]
    if target.name in own or target.reserved:
        return [Fault(FIELD, "Instep fills this field itself; remove the row.")]
    why = unusable(target, described, crm)
    if why:
        return [Fault(FIELD, why)]
    return [*_source_faults(row, target, described, custom), *_value_faults(row, target, described)]


def unusable(target: Field, described: ObjectSchema, crm: str) -> str:
    """Why no row can name this field, in words; empty where one can."""
    if mappable(described, target) or (target.axis and target.writable):
        return ""
    if not target.writable and target.type != LOCATION:
        return f"read-only in {crm}; remove the row."
    return f"fields of type {target.type} cannot be filled by a mapping; remove the row."


def _source_faults(
    row: Row, target: Field, described: ObjectSchema, custom: Mapping[str, Property]
) -> list[Fault]:
    if not row.source:
        return [] if row.fallback is not None else [Fault(SOURCE, "needs a source or a fallback.")]
    if row.source.startswith(STATIC):
        return [] if static_value(row.source) else [Fault(SOURCE, "needs the value that is always written.")]
    prop = find(row.source, custom)
    if prop is None:
        return [Fault(SOURCE, f"unknown source “{row.source}”.")]
    whole = target if not target.axis else described.get(target.compound) or target
    if not takes(prop.type, described, whole) and not (target.axis and prop.type in ("text", "number")):
        return [Fault(SOURCE, f"{prop.label} ({prop.type}) does not fit a field of type {target.type}.")]
    return []


def _value_faults(row: Row, target: Field, described: ObjectSchema) -> list[Fault]:
    """Fixed values that the field cannot take."""
    faults = []
    static = static_value(row.source)
    if static and (why := _refusal(static, target, described)):
        faults.append(Fault(SOURCE, f"the static value cannot be written: {why}"))
    if row.fallback is not None and (why := _refusal(row.fallback, target, described)):
        faults.append(Fault(FALLBACK, f"the fallback cannot be written: {why}"))
    return faults


def _refusal(value: str, target: Field, described: ObjectSchema) -> str:
    """Why a fixed value cannot be written; a note (cut, not in the list) is none."""
    parts = described.parts(target.name) if target.type == LOCATION else (target,)
    return next((done.refused for part in parts if (done := convert(value, part)).refused), "")


def doubled(rows: Sequence[Row], described: ObjectSchema) -> list[int]:
    """The places of rows whose field an earlier row names already: one field takes one source."""
    seen: set[str] = set()
    places = []
    for place, row in enumerate(rows):
        target = described.get(row.field)
        name = target.name if target else row.field
        if name in seen:
            places.append(place)
        seen.add(name)
    return places


def hints(rows: Sequence[Row], described: ObjectSchema, chosen: Sequence[RecordType] = ()) -> list[str]:
    """What rows that may be saved will do that an admin may not expect, in words.

    `chosen` are the record types that new records may get.
    """
    mapped = {target.name for row in rows if (target := described.get(row.field)) is not None}
    said = []
    for name in sorted(mapped):
        leading = described.get(described.fields[name].controller)
        if leading is not None and leading.name not in mapped and leading.type != "boolean":
            said.append(
                f"{described.fields[name].label} follows {leading.label}, which is not mapped: values that do "
                f"not go with what the record says there are refused."
            )
    for record_type in chosen:
        narrow = described.for_record_type(record_type.id)
        said += [
            f"New records of type “{record_type.name}”: {fault.message}"
            for row in rows
            if narrow is not described and (target := narrow.get(row.field)) is not None
            for fault in _value_faults(row, target, narrow)
        ]
    return said
