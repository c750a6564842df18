"""What helps where a CRM asks for the value of a required field: by the kind of field, the same wherever it is told.

A universally required field must have a value whenever a record is saved, by whomever, so that changes of records from
before wait for it too; what only a page's layout requires binds people alone. Sources: OnceHub 2.3, Salesforce 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from instep.core.crm_schema import Field, ObjectSchema, mappable
from instep.core.profile import Profile


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
        fields = _listed([*open_to_rows])
        it = "them" if len(open_to_rows) > 1 else "it"
        said.append(f"Map {fields}, or give {it} a fallback value.")
    for field, kind in closed.items():
        said.append(f"No mapping can fill {field}, {kind}.")
    if there and (open_to_rows or closed):
        fields = _listed([*open_to_rows, *closed])
        said.append(_of_records(fields, profile.label, new))
    if closed:
        fields = "them" if len(closed) > 1 else "it"
        least = f", or {profile.required_of_people}" if profile.required_of_people else ""
        said.append(f"So that no other record waits, make {fields} optional in {profile.label}{least}.")
    return " ".join(said)


def _of_records(fields: str, crm: str, new: bool) -> str:
    if new:
        return f"A record that is there without {fields} waits too: give it a value in {crm}, then retry."
    return f"Give the record a value for {fields} in {crm}, then retry."


def _whole(described: ObjectSchema | None, name: str) -> Field | None:
    """The field as people fill it: a geolocation, not one of its two parts."""
    target = described.get(name) if described is not None else None
    if described is not None and target is not None and target.axis and described.parts(target.compound):
        return described.get(target.compound) or target
    return target


def _kind(target: Field) -> str:
    if target.type == "reference":
        return "a look-up to another record"
    return f"a field of the type {target.type}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
