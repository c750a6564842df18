"""CRM objects and fields as the CRM describes them, and which of our types fit them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from attrs import evolve, field, frozen


@frozen
class PicklistValue:
    """One value of a picklist: what is stored, what people see, and whether it may be chosen."""

    value: str
    label: str
    active: bool = True
    default: bool = False
    #: places in the controlling field's list that this value goes with; None where nothing controls it
    valid_for: frozenset[int] | None = None


@frozen
class Field:
    """One field of a CRM object. `type` is the CRM's own describe type (Salesforce: `string`, `email` …).

    `length` is in characters, 0 where the type has none; `precision`/`scale`/`digits` in decimal digits.
    `controller` is the field that a dependent list follows; `compound` the one that this is a part of;
    `axis` is latitude or longitude for the two parts of a geolocation. A `reserved` field would contradict what
    Instep writes itself (an Event's duration), so that no mapping may name it. A `forward` list is a way that leads
    on only: a value that stands before the present one is never written. A `custom` field was made by the account
    itself, not by the CRM's maker.
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
    controller: str = ""
    compound: str = ""
    axis: str = ""
    reserved: bool = False
    forward: bool = False
    custom: bool = False

    @property
    def writable(self) -> bool:
        """Whether a value can be written at all: at creation, later, or both."""
        return not self.calculated and (self.createable or self.updateable)

    @property
    def required(self) -> bool:
        """Universally required: must be given at creation (reference: Salesforce 2.3)."""
        return self.createable and not self.nillable and not self.defaulted_on_create


@frozen
class RecordType:
    """One record type. `available` is for the connected user; `default` is the one that new records get.

    `person` is whether its records are people (person accounts); None where the CRM did not tell.
    """

    id: str
    name: str
    developer_name: str = ""
    available: bool = True
    default: bool = False
    master: bool = False
    person: bool | None = None


@frozen
class ObjectSchema:
    """One CRM object with the fields that the connected user can see; hidden fields are absent.

    `choices` are the values of picklists for each record type, where the CRM told them: id → field → values;
    `type_defaults` the value that the record type's own page starts with: id → field → value.
    """

    name: str
    label: str
    fields: Mapping[str, Field] = field(factory=dict)
    createable: bool = True
    updateable: bool = True
    queryable: bool = True
    record_types: tuple[RecordType, ...] = ()
    choices: Mapping[str, Mapping[str, frozenset[str]]] = field(factory=dict)
    type_defaults: Mapping[str, Mapping[str, str]] = field(factory=dict)
    _narrowed: dict[str, ObjectSchema] = field(init=False, factory=dict, eq=False, repr=False)

    def for_record_type(self, record_type_id: str) -> ObjectSchema:
        """This object as a record of that type takes it: picklists offer only the type's values."""
        allowed = self.choices.get(record_type_id)
        if not allowed:
            return self
        found = self._narrowed.get(record_type_id)
        if found is None:
            fields = {
                name: _narrow(one, allowed[name]) if name in allowed else one
                for name, one in self.fields.items()
            }
            found = self._narrowed[record_type_id] = evolve(self, fields=fields)
        return found

    def parts(self, name: str) -> tuple[Field, ...]:
        """The two fields of a geolocation that are written in its place, latitude first; else none."""
        found = [f for f in self.fields.values() if f.compound == name and f.axis]
        return tuple(sorted(found, key=lambda f: f.axis)) if len(found) == 2 else ()

    def get(self, name: str) -> Field | None:
        """The field of that API name in any case, or None when it does not exist or is hidden."""
        found = self.fields.get(name)
        if found is not None:
            return found
        return self._lowered.get(name.lower())

    def record_type(self, name: str) -> RecordType | None:
        """The record type with that id (15 or 18 characters) or developer name; None where there is none."""
        wanted = name.strip()
        return next(
            (t for t in self.record_types if t.id[:15] == wanted[:15] or t.developer_name == wanted), None
        )

    def required(self) -> tuple[Field, ...]:
        """The universally required fields, in the CRM's order."""
        return self._required

    def asked(self) -> tuple[Field, ...]:
        """The universally required fields as people fill them: a geolocation once, not its two parts."""
        wholes = (self.get(f.compound) if f.axis and self.parts(f.compound) else f for f in self._required)
        return tuple({f.name: f for f in wholes if f is not None}.values())

    @cached_property
    def _lowered(self) -> Mapping[str, Field]:
        return {name.lower(): f for name, f in self.fields.items()}

    @cached_property
    def _required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.required)


def _narrow(target: Field, values: frozenset[str]) -> Field:
    """A list as one record type has it."""
    return evolve(target, picklist=tuple(v for v in target.picklist if v.value in values))


Schema = Mapping[str, ObjectSchema]


def with_required(schema: Schema, learned: Mapping[str, Collection[str]]) -> dict[str, ObjectSchema]:
    """A schema in which these fields are required: some CRMs say so only when they refuse a record."""
    done = dict(schema)
    for name, fields in learned.items():
        if described := done.get(name):
            required = {
                key: evolve(described.fields[key], nillable=False)
                for key in fields
                if key in described.fields
            }
            done[name] = evolve(described, fields={**described.fields, **required})
    return done


TEXTUAL = frozenset({"string", "textarea", "combobox"})
NUMERIC = frozenset({"int", "long", "double", "currency", "percent"})
CHOICES = frozenset({"picklist", "multipicklist"})
LOCATION = "location"

# Which CRM types each of our property types may feed (reference: OnceHub 2.4.3, with checkbox and
# multi-select added where the CRM type fits). Text feeds every type: conversion decides by value. Words are texts
# that are never numbers, dates or ticks (names, subjects); they are offered what takes them as they are.
WORDS = "words"
_FITS: Mapping[str, frozenset[str]] = {
    "text": TEXTUAL | NUMERIC | CHOICES | {"email", "phone", "url", "date", "datetime", "boolean", LOCATION},
    WORDS: TEXTUAL | {"picklist", "email", "phone", "url"},
    "textarea": TEXTUAL,
    "email": TEXTUAL | {"email"},
    "phone": TEXTUAL | {"phone"},
    "url": TEXTUAL | {"url"},
    "number": TEXTUAL | NUMERIC,
    "date": TEXTUAL | {"date", "datetime"},
    "datetime": TEXTUAL | {"date", "datetime"},
    "picklist": TEXTUAL | CHOICES | {"boolean"},
    "multi": TEXTUAL | {"multipicklist"},
    "boolean": TEXTUAL | {"boolean", "picklist"},
}

#: every type that a mapping can fill; the others (look-ups, encrypted text, files …) are never offered
SUPPORTED = _FITS["text"]


def mappable(described: ObjectSchema, target: Field) -> bool:
    """Whether a mapping row can name this field: a supported type that can be written, or a geolocation."""
    if target.type == LOCATION:
        return bool(parts := described.parts(target.name)) and all(part.writable for part in parts)
    # the parts are written through the whole
    if target.axis and described.parts(target.compound):
        return False
    return target.writable and not target.reserved and target.type in SUPPORTED


def takes(property_type: str, described: ObjectSchema, target: Field) -> bool:
    """Whether a row may lead from a property of our type to this field."""
    if not mappable(described, target):
        return False
    return target.type in _FITS.get(property_type, frozenset())
