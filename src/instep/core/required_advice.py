"""What helps where a CRM asks for the value of a required field: by the kind of field, the same wherever it is told.

A universally required field must have a value whenever a record is saved, by whomever, so that changes of records from
before wait for it too; what only a page's layout requires binds people alone. Sources: OnceHub 2.3, Salesforce 2.3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from instep.core.crm_schema import Field, ObjectSchema, mappable
from instep.core.profile import Profile

#: how people call the types that take no value of a booking
_KINDS = {
    "reference": "a look-up to another record",
    "encryptedstring": "an encrypted text",
    "base64": "a file",
}


def called(target: Field) -> str:
    """A field as people know it, with its name for programs: “Lead Source (LeadSource)”."""
    return target.label if target.label == target.name else f"{target.label} ({target.name})"


def advice(
    described: ObjectSchema | None, names: Sequence[str], profile: Profile, *, new: bool, there: bool = False
) -> str:
    """The cure in words for required fields of one object that have no value.

    `new` speaks of records that are to be made, `there` of records that the CRM has already. A field that the CRM
    does not describe is spoken of by its name as one that a mapping can fill.
    """
    open_to_rows: dict[str, None] = {}
    closed: dict[str, str] = {}
    for name in names:
        target = _whole(described, name)
        if described is None or target is None or mappable(described, target):
            open_to_rows[called(target) if target is not None else name] = None
        else:
            closed[called(target)] = _kind(target)
    said = []
    if open_to_rows:
        said.append(f"Map {_listed(open_to_rows)}, or give {_it(open_to_rows)} a fallback value.")
    said += [f"No mapping can fill {field}, {kind}." for field, kind in closed.items()]
    relaxed = _it(closed)
    least = f", or {profile.required_of_people}" if profile.required_of_people else ""
    missing = _it([*open_to_rows, *closed])
    if closed and new:
        said.append(f"Make {relaxed} optional in {profile.label}{least}.")
    if there and new:
        said.append(
            f"A record that has no value for {missing} waits until it has one: give it one in {profile.label}, "
            "then retry."
        )
    elif there:
        give = "Give" if closed else "Or give"
        said.append(f"{give} the record a value for {missing} in {profile.label}, then retry.")
        said += [f"To keep others from waiting, make {relaxed} optional there{least}."] if closed else []
    return " ".join(said) if open_to_rows or closed else ""


def _whole(described: ObjectSchema | None, name: str) -> Field | None:
    """The field as people fill it: a geolocation, not one of its two parts."""
    target = described.get(name) if described is not None else None
    if described is not None and target is not None and target.axis and described.parts(target.compound):
        return described.get(target.compound) or target
    return target


def _kind(target: Field) -> str:
    return _KINDS.get(target.type) or f"a field of the type {target.type}"


def _listed(names: Collection[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _it(names: Collection[str]) -> str:
    return "them" if len(names) > 1 else "it"
