"""CRM objects and fields as the CRM describes them, and which of our types fit them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen


@frozen
class PicklistValue:
    """One value of a picklist: what is stored, what people see, and whether it may be chosen."""

    value: str
    label: str
    active: bool = True
    default: bool = False


@frozen
class Field:
    """One field of a CRM object. `type` is the CRM's own describe type (Salesforce: `string`, `email` …).

    `length` is in characters, 0 where the type has none; `precision`/`scale`/`digits` in decimal digits.
    """

    name: str
    label: str
    type: str
    length: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    calculated: bool = False
    restricted: bool = False
    filterable: bool = True
    external_id: bool = False
    unique: bool = False
    html: bool = False
    precision: int = 0
    scale: int = 0
    digits: int = 0
    reference_to: tuple[str, ...] = ()
    relationship: str = ""
    picklist: tuple[PicklistValue, ...] = ()

    @property
    def required(self) -> bool:
        """Universally required: must be given at creation (reference: Salesforce 2.3)."""
        return self.createable and not self.nillable and not self.defaulted_on_create


@frozen
class RecordType:
    """One record type. `available` is for the connected user; `default` is the one that new records get."""

    id: str
    name: str
    developer_name: str = ""
    available: bool = True
    default: bool = False
    master: bool = False


@frozen
class ObjectSchema:
    """One CRM object with the fields that the connected user can see; hidden fields are absent."""

    name: str
    label: str
    fields: Mapping[str, Field] = field(factory=dict)
    createable: bool = True
    updateable: bool = True
    queryable: bool = True
    record_types: tuple[RecordType, ...] = ()

    def get(self, name: str) -> Field | None:
        """The field of that API name in any case, or None when it does not exist or is hidden."""
        found = self.fields.get(name)
        if found is not None:
            return found
        lowered = name.lower()
        return next((f for key, f in self.fields.items() if key.lower() == lowered), None)

    def record_type(self, name: str) -> RecordType | None:
        """The record type with that id (15 or 18 characters) or developer name; None where there is none."""
        wanted = name.strip()
        return next(
            (t for t in self.record_types if t.id[:15] == wanted[:15] or t.developer_name == wanted), None
        )

    def required(self) -> tuple[Field, ...]:
        """The universally required fields, in the CRM's order."""
        return self._required

    @cached_property
    def _required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.required)


Schema = Mapping[str, ObjectSchema]

TEXTUAL = frozenset({"string", "textarea", "combobox"})

# Which CRM types each of our property types may feed (reference: OnceHub 2.4.3, with checkbox and
# multi-select added where the CRM type fits). Text feeds every type: conversion decides by value.
_FITS: Mapping[str, frozenset[str]] = {
    "text": TEXTUAL
    | {"email", "phone", "url", "picklist", "multipicklist", "int", "double", "currency", "percent"}
    | {"date", "datetime", "boolean"},
    "textarea": TEXTUAL,
    "email": TEXTUAL | {"email"},
    "phone": TEXTUAL | {"phone"},
    "url": TEXTUAL | {"url"},
    "number": TEXTUAL | {"int", "double", "currency", "percent"},
    "date": TEXTUAL | {"date", "datetime"},
    "datetime": TEXTUAL | {"date", "datetime"},
    "picklist": TEXTUAL | {"picklist", "multipicklist"},
    "multi": TEXTUAL | {"multipicklist"},
    "boolean": TEXTUAL | {"boolean"},
}


def fits(property_type: str, target: Field) -> bool:
    """Whether a property of our type may be mapped to this CRM field (writable, not calculated)."""
    if target.calculated or not (target.createable or target.updateable):
        return False
    return target.type in _FITS.get(property_type, frozenset())
