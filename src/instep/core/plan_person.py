"""The plan of one person: what is filled, overwritten, kept or left out, and how a new one is made."""

from __future__ import annotations

from attrs import frozen

from instep.core.changes import Action, Change, Verdict, Write
from instep.core.contact import Contact
from instep.core.creation import Duplicates
from instep.core.desired import Setting, fields_of
from instep.core.lookup import Record
from instep.core.mapping import is_blank
from instep.core.matching import Found
from instep.core.owners import new_record_owner
from instep.core.plan_fields import (
    NOBODY,
    Related,
    assigned_by_rules,
    left_to_rules,
    new_value,
    owner_change,
    owner_of_existing,
    record_type_change,
    relation,
    weaker,
)
from instep.core.plan_record import Filling, filled
from instep.core.profile import PersonObject
from instep.core.work import Known, Memory, Work


@frozen
class Planned:
    """The write of one record (perhaps without a change), whether it must be read first, remarks."""

    write: Write
    needs_read: bool = False
    notes: tuple[str, ...] = ()


def person_write(
    setting: Setting, lead: Work, found: Found, contact: Contact, company: Related, memory: Memory
) -> Planned:
    """The plan of a person; `lead` is the item that speaks for everyone who shares it."""
    if found.record is None:
        return _new_person(setting, lead, found, contact, company, memory)
    return _known_person(setting, lead, found, found.record, contact, company, memory)


def _known_person(
    setting: Setting,
    lead: Work,
    found: Found,
    record: Record,
    contact: Contact,
    company: Related,
    memory: Memory,
) -> Planned:
    person = setting.profile.person(record.object)
    known = memory.known.get((record.object, record.id), Known())
    # what we made carries our own id and may have been refused under it before it had one of the CRM's
    keys = (record.id, contact.id)
    fields = fields_of(setting, person.role, contact, lead.booking, record)
    filling = Filling(record, known, keys, lead.spoke, contact, settled=lead.settled, named=bool(found.named))
    changes, needs_read = filled(setting, filling, fields, memory)
    changes += owner_of_existing(
        setting, person.owner_field, record, known, keys, lead.booking, memory, lead.spoke
    )
    parents = {}
    if person.employer and is_blank(record.get(person.employer.field)) and company != NOBODY:
        needs_read = needs_read or record.assumed
        changes += relation(setting, person.name, person.employer.field, company, "the person's company")
        parents = {person.employer.field: company.ref} if company.ref else {}
    write = Write(
        f"person:{record.object}:{record.id}",
        lead.item,
        Action.UPDATE,
        record.object,
        tuple(changes),
        id=record.id,
        parents=parents,
        alone=company.ref in memory.fragile if company.ref else False,
        auto_assign=assigned_by_rules(setting, record.object, new=False) and not lead.link.person_id,
        # what a rule has refused is told from what it only warns of by saying so
        save_doubles=f"person:{record.object}:{record.id}" in memory.duplicates,
    )
    return Planned(write, needs_read)


def _new_person(
    setting: Setting, lead: Work, found: Found, contact: Contact, company: Related, memory: Memory
) -> Planned:
    person = found.made
    ref = f"person:{person.name}:{contact.id}"
    keys, spoke = (contact.id,), lead.spoke
    changes = [
        change
        for want in fields_of(setting, person.role, contact, lead.booking)
        if (change := new_value(setting, person.name, keys, want, memory, spoke)) is not None
    ]
    changes += record_type_change(setting, person.name, person.role, keys, lead.booking, memory)
    notes: list[str] = []
    assigned = assigned_by_rules(setting, person.name, new=True)
    if assigned:
        changes += left_to_rules(setting, person.name, person.owner_field, lead.booking)
    else:
        owner = new_record_owner(setting, lead.booking)
        changes += owner_change(setting, person.name, person.owner_field, keys, owner, memory)
        notes += [f"{person.name} owner: {owner.note}."] if owner.note else []
    if person.employer:
        changes += relation(setting, person.name, person.employer.field, company, "the person's company")
    alone = ref in memory.duplicates
    keyed = setting.has(person.name, person.key_field)
    if not keyed:
        notes.append(weaker(setting, person.name))
    elif found.key_taken:
        keyed = False
        notes.append(
            f"{person.name} made without Instep's contact id: a record that cannot be used carries it."
        )
    # a plain create is told which record it would double; person accounts cannot be upserted at all
    upsert = keyed and person.upsert and not alone
    if keyed and not upsert:
        changes += _key_as_value(setting, person, contact)
    write = Write(
        ref,
        lead.item,
        Action.UPSERT if upsert else Action.CREATE,
        person.name,
        tuple(changes),
        key=(person.key_field, contact.id) if upsert else None,
        parents={person.employer.field: company.ref} if person.employer and company.ref else {},
        alone=alone or (company.ref in memory.fragile if company.ref else False),
        auto_assign=assigned,
        save_doubles=setting.config.duplicates is Duplicates.SAVE,
    )
    return Planned(write, True, tuple(notes))


def _key_as_value(setting: Setting, person: PersonObject, contact: Contact) -> list[Change]:
    target = setting.target(person.name, person.key_field)
    if target is None or not target.createable:
        return []
    return [
        Change(
            target.name,
            target.label,
            contact.id,
            rule="Instep's contact id",
            verdict=Verdict.WRITE,
            optional=False,
        )
    ]
