"""The plan of companies: found by their exact name for people whom we make, else made (OnceHub 2.5).

Only a person whom we made leads to its company: the company of anybody else is not ours to fill. People share a
company, so that it is planned once for a batch, and the newest booking speaks for all its rows.
"""

from __future__ import annotations

from attrs import frozen

from instep.core.changes import Action, Change, Write
from instep.core.contact import Contact
from instep.core.creation import Duplicates
from instep.core.desired import Setting, company_name, fields_of
from instep.core.lookup import Observed, Record
from instep.core.matching import Found, Index
from instep.core.owners import new_record_owner
from instep.core.plan_fields import NOBODY, Related, new_value, owner_change, record_type_change
from instep.core.plan_person import Planned
from instep.core.plan_record import Filling, filled
from instep.core.profile import CompanyObject
from instep.core.wanted import makes_companies
from instep.core.work import Known, Memory, Work


@frozen
class Company:
    """The company of a person: the record, or None where one of that `name` is to be made."""

    object: str
    name: str
    record: Record | None = None

    @property
    def ref(self) -> str:
        """The name of the write that makes or changes it."""
        return f"company:{self.object}:{self.record.id if self.record else name_key(self.name)}"


def name_key(name: str) -> str:
    """The form in which two spellings of one name are equal."""
    return " ".join(name.split()).casefold()


class Companies:
    """The companies that were read, by name."""

    def __init__(self, setting: Setting, observed: Observed, index: Index, memory: Memory) -> None:
        self._setting = setting
        self._index = index
        self._memory = memory
        self._by_name: dict[str, list[Record]] = {}
        company = setting.profile.company
        self._object: CompanyObject | None = company if company and makes_companies(setting) else None
        if self._object is None:
            return
        twins = [p.twin.flag for p in setting.profile.persons if p.twin and p.name == self._object.name]
        rows = [r for r in observed.of(self._object.name) if not r.deleted]
        for record in sorted(rows, key=index.age, reverse=True):
            if not any(record.get(flag) for flag in twins):
                self._by_name.setdefault(name_key(str(record.get(self._object.name_field) or "")), []).append(
                    record
                )

    def of(self, work: Work, found: Found, contact: Contact) -> Company | None:
        """The company of an item's person, None where there is none that we may touch."""
        company, record = self._object, found.record
        person = self._setting.profile.person(record.object) if record else found.made
        if company is None or person.employer is None or person.twin is not None:
            return None
        if record is not None:
            known = self._memory.known.get((record.object, record.id))
            ours = record.get(person.key_field) == contact.id or (known is not None and known.made_by_us)
            if not ours:
                return None
            if there := record.get(person.employer.field):
                row = self._index.record(company.name, str(there))
                return Company(company.name, "", row) if row is not None and not row.deleted else None
        name = company_name(self._setting, contact, work.booking)
        return self._named(company, name) if name else None

    def _named(self, company: CompanyObject, name: str) -> Company:
        """The company of that name: the very spelling first, then the most recently modified; else a new one."""
        rows = self._by_name.get(name_key(name), [])
        exact = [r for r in rows if r.get(company.name_field) == name]
        new = Company(company.name, name)
        doubles = self._memory.duplicates.get(new.ref, ())
        named = [r for d in doubles if (r := self._index.record(*d)) is not None and not r.deleted]
        record = next(iter((*exact, *rows, *named)), None)
        return Company(company.name, name, record) if record is not None else new


def related(company: Company | None, waits: bool) -> Related:
    """What a person's reference to its company holds."""
    if company is None:
        return NOBODY
    if company.record is not None:
        return Related(id=company.record.id)
    return NOBODY if waits else Related(ref=company.ref)


def company_write(setting: Setting, lead: Work, company: Company, memory: Memory) -> Planned:
    """The plan of a company; `lead` is the item that speaks for everyone who belongs to it."""
    described = setting.profile.company
    assert described is not None
    record = company.record
    fields = fields_of(setting, described.name, lead.contact, lead.booking, record)
    if record is not None:
        known = memory.known.get((record.object, record.id), Known())
        on = Filling(
            record,
            known,
            (record.id, name_key(company.name)),
            lead.spoke,
            by_booking=True,
            shared="company",
            settled=lead.settled,
        )
        changes, needs_read = filled(setting, on, fields, memory)
        write = Write(
            company.ref,
            lead.item,
            Action.UPDATE,
            record.object,
            tuple(changes),
            id=record.id,
            save_doubles=company.ref in memory.duplicates,
        )
        return Planned(write, needs_read)
    keys = (name_key(company.name),)
    named = [want for want in fields if want.field != described.name_field or not want.default]
    changes = [
        change
        for want in named
        if (change := new_value(setting, described.name, keys, want, memory, lead.spoke)) is not None
    ]
    target = setting.target(described.name, described.name_field)
    if target is not None and not any(want.field == target.name for want in named):
        rule = "the company's name, which no row fills"
        changes.append(Change(target.name, target.label, company.name, rule=rule, optional=False))
    changes += record_type_change(setting, described.name, described.name, keys, lead.booking, memory)
    owner = new_record_owner(setting, lead.booking)
    changes += owner_change(setting, described.name, described.owner_field, keys, owner, memory)
    alone = company.ref in memory.duplicates
    made = Write(
        company.ref,
        lead.item,
        Action.CREATE,
        described.name,
        tuple(changes),
        alone=alone,
        save_doubles=setting.config.duplicates is Duplicates.SAVE,
    )
    return Planned(made, True)
