"""What a CRM record knows of a guest already: the mapping, read from the CRM to the booking form.

Source: prefill from the mapping of phases 3 and 4 (OnceHub 4.3). Rows fed by the meeting are left out, but for the
answers to questions: a note or subject is about this very meeting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from instep.core.desired import Setting
from instep.core.lookup import Lookup, ObjectLookup, Observed, Record
from instep.core.mapping import DEFAULT_TEXT, Row
from instep.core.matching import Index, by_record_id
from instep.core.profile import CaseObject, PersonObject
from instep.core.to_read import lookup_for
from instep.core.wanted import wanted
from instep.core.work import Work

_SOURCES = ("contact.", "meeting.custom.")


def lookup_of_named(setting: Setting, work: Work) -> Lookup:
    """What must be read to know whom the record ids of this item's booking name: one query for each object."""
    found = lookup_for(setting, [work])
    return evolve(found, objects=tuple(_with_employer(setting, one) for one in found.objects))


def _with_employer(setting: Setting, one: ObjectLookup) -> ObjectLookup:
    """The look-up of a person with the name of its company, which forms ask for."""
    company = setting.profile.company
    person = next((p for p in setting.profile.persons if p.name == one.object and p.employer), None)
    if person is None or person.employer is None or company is None:
        return one
    readable = setting.has(person.name, person.employer.field) and setting.has(
        company.name, company.name_field
    )
    if not readable or person.employer.relationship in one.follow:
        return one
    return evolve(one, follow={**one.follow, person.employer.relationship: (company.name_field,)})


def values_of_named(setting: Setting, work: Work, observed: Observed) -> dict[str, str]:
    """The values of the person (and case) that the booking's record ids lead to, by catalogue key; empty for nobody.

    The ids are followed as a sync does: what was converted or merged leads to what became of it.
    """
    index, want = Index(setting, observed), wanted(setting, work)
    _, person, _ = by_record_id(setting, index, want)
    said: dict[str, str] = {}
    if person is not None:
        said = _of_person(setting, setting.profile.person(person.object), person)
    case = setting.profile.case
    record = index.record(case.name, want.ids[case.link]) if case and case.link in want.ids else None
    if case is None or record is None or record.deleted:
        return said
    return {**_of_case(setting, case, record), **said}


def _of_person(setting: Setting, person: PersonObject, record: Record) -> dict[str, str]:
    rows = setting.config.rows.get(person.family, ())
    found = {}
    for row in rows:
        name = person.twin.field_name(row.field) if person.twin else row.field
        found[row.source] = record.get(name)
    for name, key in zip(person.phone_fields, ("contact.phone", "contact.mobile_phone"), strict=False):
        found.setdefault(key, record.get(name))
    found["contact.name"] = record.get(person.name_field)
    found["contact.email"] = record.get(person.email_field)
    company = setting.profile.company
    if person.employer and company and (employer := record.followed.get(person.employer.relationship)):
        found.setdefault("contact.company", employer.get(company.name_field))
    return _texts(found)


def _of_case(setting: Setting, case: CaseObject, record: Record) -> dict[str, str]:
    """What the case itself says of the person that it came from."""
    rows: Iterable[Row] = setting.config.rows.get(case.name, ())
    return _texts({row.source: record.get(row.field) for row in rows})


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    said = {key: _text(value) for key, value in found.items() if key.startswith(_SOURCES)}
    # what stands for a value that nobody knew is not known now
    return {key: text for key, text in said.items() if text not in ("", DEFAULT_TEXT)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        # a geolocation, as guests write it
        return ", ".join(str(part) for part in value.values() if part is not None)
    return "" if value is None else str(value).strip()
