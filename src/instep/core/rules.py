"""The admin's rules: which object people become, which rows are mapped, and what a vendor's CRM is like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import evolve, field, frozen

from instep.core.catalogue import Property
from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.errors import InputError
from instep.core.lookup import CrmUser
from instep.core.mapping import Row, default_for
from instep.core.mapping_check import row_faults


@frozen
class Conversion:
    """How a CRM turns one person object into another (Salesforce: a Lead into a Contact)."""

    flag: str
    id_field: str
    relationship: str
    target: str


@frozen
class PersonObject:
    """A CRM object that stands for a person, by its API names."""

    name: str
    key_field: str
    email_field: str
    phone_fields: tuple[str, ...]
    owner_field: str
    name_field: str
    conversion: Conversion | None = None


@frozen
class ActivityObject:
    """The CRM object that stands for the meeting. `at_creation` are fixed values of new records."""

    name: str
    key_field: str
    start_field: str
    end_field: str
    owner_field: str
    person_field: str
    subject_field: str
    at_creation: Mapping[str, object] = field(factory=dict)


@frozen
class Profile:
    """One vendor's CRM, as data: the pure code knows vendors only through this."""

    vendor: str
    label: str
    persons: tuple[PersonObject, ...]
    activity: ActivityObject
    modified_field: str
    created_field: str
    default_rows: Mapping[str, tuple[Row, ...]]

    def person(self, name: str) -> PersonObject:
        """The person object of that name."""
        return next(p for p in self.persons if p.name == name)

    def person_order(self, first: str) -> tuple[PersonObject, ...]:
        """The person objects, the configured one first (rule R3)."""
        return tuple(sorted(self.persons, key=lambda p: p.name != first))

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object that a sync reads or writes."""
        return (*(p.name for p in self.persons), self.activity.name)


@frozen
class SyncConfig:
    """What the admin chose for one connection.

    `person_object` is what new people become; `rows` the mapping by object; `always_write` makes rows
    with Overwrite win over a human's later value; `batches_in_flight` is 1 to 5; `deleted_event` says
    what happens when a human deleted the activity: "recreate" or "leave"; `api_reserve` is the share of
    the CRM's daily API calls that is never used, in percent.
    """

    person_object: str
    rows: Mapping[str, tuple[Row, ...]]
    always_write: bool = False
    batches_in_flight: int = 1
    deleted_event: str = "recreate"
    api_reserve: int = 5


def default_config(profile: Profile) -> SyncConfig:
    """The configuration of a fresh connection."""
    return SyncConfig(person_object=profile.persons[0].name, rows=dict(profile.default_rows))


@frozen
class Directory:
    """The CRM's active users by e-mail address, and the user we act as.

    A trailing `.invalid`, which sandboxes append, does not count. Where several users share an
    address, the one with the lowest id is taken, so that the choice never changes by itself.
    """

    by_email: Mapping[str, CrmUser] = field(factory=dict)
    connected: str = ""
    connected_name: str = ""

    def user(self, email: str) -> CrmUser | None:
        """The active user with that address, or None."""
        return self.by_email.get(plain_email(email)) if email else None

    def with_users(self, users: tuple[CrmUser, ...]) -> Directory:
        """This directory with more users known."""
        merged = dict(self.by_email)
        for user in sorted(users, key=lambda u: u.id):
            if user.active and user.email:
                merged.setdefault(plain_email(user.email), user)
        return evolve(self, by_email=merged)


def plain_email(email: str) -> str:
    """An address for comparing: lower case, without the suffix that sandboxes append."""
    return email.strip().lower().removesuffix(".invalid")


def check(
    config: SyncConfig,
    profile: Profile,
    schema: Schema,
    custom: Mapping[str, Property],
    before: SyncConfig | None = None,
) -> list[str]:
    """Every fault of a configuration against the CRM's present schema, in words; empty when it fits.

    A row that stood in `before` already may name a field that is missing or hidden by now, or the whole
    object may be: it is left out of what is written, and must not forbid other changes.
    """
    faults: list[str] = []
    if config.person_object not in {p.name for p in profile.persons}:
        names = " or ".join(p.name for p in profile.persons)
        faults.append(f"new_contacts: “{config.person_object}” is not possible; choose {names}.")
    if not 1 <= config.batches_in_flight <= 5:
        faults.append("batches_in_flight: must be from 1 to 5.")
    for name, rows in config.rows.items():
        known = before.rows.get(name, ()) if before else ()
        faults += _check_rows(name, rows, known, profile, schema, custom)
    return faults


def _check_rows(
    name: str,
    rows: tuple[Row, ...],
    known: tuple[Row, ...],
    profile: Profile,
    schema: Schema,
    custom: Mapping[str, Property],
) -> list[str]:
    described = schema.get(name)
    if described is None and name in profile.objects and rows == known:
        return []
    if name not in profile.objects or described is None:
        return [f"mapping.{name}: no such object here; choose from {', '.join(profile.objects)}."]
    faults, seen = [], set()
    own = system_fields(profile, name)
    for row in rows:
        where = f"mapping.{name}.{row.field}"
        target = described.get(row.field)
        if target is None and row in known:
            continue
        if target is None:
            faults.append(
                f"{where}: {profile.label} has no such field on {name}, or hides it from the connected user."
            )
            continue
        if target.name in seen:
            faults.append(f"{where}: mapped twice; one field takes one source.")
        seen.add(target.name)
        found = row_faults(row, described, own, profile.label, custom)
        faults += [f"{where}: {fault.message}" for fault in found]
    return faults


def system_fields(profile: Profile, name: str) -> frozenset[str]:
    """The fields of an object that Instep fills itself and that no row may name."""
    activity = profile.activity
    if name == activity.name:
        return frozenset(
            {
                activity.key_field,
                activity.start_field,
                activity.end_field,
                activity.owner_field,
                activity.person_field,
            }
        )
    return frozenset(f for p in profile.persons if p.name == name for f in (p.key_field, p.owner_field))


def checked(
    config: SyncConfig,
    profile: Profile,
    schema: Schema,
    custom: Mapping[str, Property],
    before: SyncConfig | None = None,
) -> SyncConfig:
    """The configuration unchanged, or `InputError` naming every fault at once."""
    faults = check(config, profile, schema, custom, before)
    if faults:
        raise InputError("The configuration was not applied. " + " ".join(faults), code="CONFIG")
    return config


def warnings(config: SyncConfig, profile: Profile, schema: Schema) -> list[str]:
    """What a configuration that may be applied will do that an admin may not expect, in words."""
    said: list[str] = []
    for name, rows in config.rows.items():
        described = schema.get(name)
        if described is None:
            said.append(f"{name}: missing or hidden, so nothing of it is read or written.")
            continue
        for row in rows:
            if described.get(row.field) is None:
                said.append(f"{name}.{row.field}: missing or hidden, so it is left out of what is written.")
            if row.overwrite and name == profile.activity.name:
                said.append(
                    f"{name}.{row.field}: {name} rows always mirror the booking; Overwrite means nothing."
                )
        if name in (config.person_object, profile.activity.name):
            said += _unfilled(name, rows, profile, described)
    return said


#: the moment itself is not told: a default of today would be read as the day of the warning
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def _unfilled(name: str, rows: tuple[Row, ...], profile: Profile, described: ObjectSchema) -> list[str]:
    """What new records will lack or get by default; `rows` are those of an object that we make."""
    mapped = {target.name for row in rows if (target := described.get(row.field)) is not None}
    said = []
    for target in described.required():
        if target.name in mapped or target.name in system_fields(profile, name):
            continue
        default = default_for(target, _ANY_DAY)
        if default.refused:
            said.append(
                f"{name}.{target.name}: required and not mapped: new records of {name} will be refused."
            )
            continue
        value = "the present moment" if target.type in ("date", "datetime") else f"“{default.value}”"
        said.append(f"{name}.{target.name}: required and not mapped: new records get {value}.")
    person = next((p for p in profile.persons if p.name == name), None)
    if person is not None and person.email_field not in mapped:
        said.append(f"{name}.{person.email_field}: not mapped: a new {name} will have no e-mail address.")
    return said
