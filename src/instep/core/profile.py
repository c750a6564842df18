"""A vendor's CRM as data: the objects that stand for people, companies, cases and meetings, by their names.

The pure code knows vendors only through this.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen

from instep.core.mapping import Row


@frozen
class Conversion:
    """How a CRM turns one person object into another (Salesforce: a Lead into a Contact).

    `company_relationship` leads to the company that came of it, which may be a person account.
    """

    flag: str
    id_field: str
    relationship: str
    target: str
    company_relationship: str = ""


@frozen
class Employer:
    """How a person refers to the company that it belongs to."""

    field: str
    relationship: str


@frozen
class Twin:
    """A person object that is another side of a second one, and shares its mapping under other field names.

    Salesforce: a person account is an Account with a Contact behind it. `flag` marks such records on both sides;
    `id_field` holds the other side's id, by which everything else refers to the person. Fields in `same` have
    one name on both sides; the others get `prefix`, custom ones the ending `custom[1]` for `custom[0]`.
    """

    of: str
    flag: str
    id_field: str
    prefix: str
    same: frozenset[str]
    custom: tuple[str, str]

    def field_name(self, name: str) -> str:
        """The name that a field of the other side has on this one."""
        if name.endswith(self.custom[0]):
            return name.removesuffix(self.custom[0]) + self.custom[1]
        return name if name in self.same else f"{self.prefix}{name}"


@frozen
class PersonObject:
    """A CRM object that stands for a person, by its API names.

    `link` is the name that a booking's record ids have for it. `merged_into` is the relationship to the record
    that a merge has left; `upsert` is False where our id cannot be upserted by, only written. `companions`: several of
    them can share an activity. `more_emails_field` holds further addresses of the same person, parted by semicolons.
    `name_parts` make the name together, in this order.
    """

    name: str
    key_field: str
    email_field: str
    phone_fields: tuple[str, ...]
    owner_field: str
    name_field: str
    conversion: Conversion | None = None
    link: str = ""
    id_prefix: str = ""
    merged_into: str = ""
    employer: Employer | None = None
    twin: Twin | None = None
    upsert: bool = True
    companions: bool = False
    more_emails_field: str = ""
    name_parts: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """What its mapping is kept under: its name, unless it shares the object with companies."""
        return f"Person{self.name}" if self.twin else self.name

    @property
    def family(self) -> str:
        """The choice of `new_contacts` that it belongs to."""
        return self.twin.of if self.twin else self.name


@frozen
class CompanyObject:
    """The CRM object that stands for a company; it is known by its name."""

    name: str
    name_field: str
    owner_field: str


@frozen
class CaseObject:
    """The CRM object that stands for a request that a meeting is about.

    `family` is the only choice of people that it can be related to.
    """

    name: str
    key_field: str
    owner_field: str
    person_field: str
    person_relationship: str
    family: str
    link: str
    id_prefix: str
    merged_into: str = ""


@frozen
class ActivityObject:
    """The CRM object that stands for the meeting. `at_creation` are fixed values of new records.

    `about_field` relates it to a case; `people_field` to further people, in CRMs that have it. `body_field` is what
    people read in it. `outcome_field` holds how the meeting stands, in the CRM's own words: `outcomes` by status.
    `person_apart`: the CRM keeps whom it is related to apart from the record, where it may get lost without a word.
    """

    name: str
    key_field: str
    start_field: str
    end_field: str
    owner_field: str
    person_field: str
    subject_field: str
    at_creation: Mapping[str, object] = field(factory=dict)
    about_field: str = ""
    people_field: str = ""
    body_field: str = ""
    outcome_field: str = ""
    outcomes: Mapping[str, str] = field(factory=dict)
    person_apart: bool = False


@frozen
class Profile:
    """One vendor's CRM, as data: the pure code knows vendors only through this.

    `assigned` are the objects that the CRM's own rules can give an owner. `process_fields` are the fields, by object,
    whose first value depends on the record type's process. `one_key`: one call asks the CRM by one field, so that a
    record is looked for by the best key alone; what carries our id already is met when its double is refused.
    `duplicate_rules`: admins can have new people refused because somebody like them is there.
    `user_word` is what it calls somebody who can own records.
    `connected_owns`: what no host's user can own belongs to the connected user; else to nobody.
    `required_of_people` says how a field is asked of people and not of programs, where that can be.
    """

    vendor: str
    label: str
    persons: tuple[PersonObject, ...]
    activity: ActivityObject
    modified_field: str
    created_field: str
    default_rows: Mapping[str, tuple[Row, ...]]
    company: CompanyObject | None = None
    case: CaseObject | None = None
    record_type_field: str = ""
    assigned: frozenset[str] = frozenset()
    process_fields: Mapping[str, str] = field(factory=dict)
    one_key: bool = False
    duplicate_rules: bool = False
    user_word: str = "user"
    connected_owns: bool = True
    required_of_people: str = ""

    @property
    def user_called(self) -> str:
        """Somebody who can own records, with the CRM's name."""
        return f"{self.label} {self.user_word}"

    def person(self, name: str) -> PersonObject:
        """The person object of that name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, PersonObject]:
        return {p.name: p for p in self.persons}

    def alone(self, person_id: str) -> bool:
        """Whether a person with that id cannot share an activity with others."""
        sharing = [p.id_prefix for p in self.persons if p.companions]
        return not person_id.startswith(tuple(sharing))

    def object_of(self, role: str) -> str:
        """The object that a role of the mapping belongs to."""
        return next((p.name for p in self.persons if p.role == role), role)

    def other_side(self, name: str) -> Twin | None:
        """How records of that object are only the other side of a person object; None where they never are."""
        return next((p.twin for p in self.persons if p.twin is not None and p.twin.of == name), None)

    @property
    def choices(self) -> tuple[str, ...]:
        """What new people can be chosen to become."""
        return tuple(p.name for p in self.persons if p.twin is None)

    def person_order(self, first: str) -> tuple[PersonObject, ...]:
        """The person objects, the configured ones first (rule R3)."""
        return tuple(sorted(self.persons, key=lambda p: p.family != first))

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object that a sync reads or writes, in the order in which they are shown."""
        named = [p.name for p in self.persons if p.twin is None]
        named += [self.company.name] if self.company else []
        named += [self.activity.name]
        named += [self.case.name] if self.case else []
        return tuple(named)
