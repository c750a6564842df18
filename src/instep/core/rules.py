"""The admin's rules: which object people become, which rows are mapped, who owns what, and their check."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from attrs import evolve, field, frozen

from instep.core.catalogue import Property
from instep.core.creation import (
    CASE,
    NO_CALENDAR,
    NONE,
    CalendarRules,
    Duplicates,
    Guests,
    OwnerRule,
    Ownership,
    PersonAccounts,
)
from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.errors import InputError
from instep.core.lookup import CrmUser
from instep.core.mapping import Row, default_for
from instep.core.mapping_check import row_faults
from instep.core.profile import Profile


@frozen
class SyncConfig:
    """What the admin chose for one connection.

    `person_object` is what new people become; `rows` the mapping by object; `always_write` makes rows
    with Overwrite win over a human's later value; `batches_in_flight` is 1 to 5; `deleted_event` says
    what happens when a human deleted the activity: "recreate" or "leave"; `api_reserve` is the share of
    the CRM's daily API calls that is never used, in percent. `events` is off where no calendar gets an
    activity unless it says so itself; `owners` by object; `record_types` (ids or developer names) by object, those
    of a calendar first. `strict` refuses a booking that the CRM refuses. `unsigned_links` is False where only signed
    links may name records.
    """

    person_object: str
    rows: Mapping[str, tuple[Row, ...]]
    always_write: bool = False
    batches_in_flight: int = 1
    deleted_event: str = "recreate"
    api_reserve: int = 5
    events: bool = True
    strict: bool = False
    unsigned_links: bool = True
    person_accounts: PersonAccounts = PersonAccounts.NEVER
    duplicates: Duplicates = Duplicates.MATCH
    guests: Guests = Guests.RELATE
    owners: Mapping[str, OwnerRule] = field(factory=dict)
    record_types: Mapping[str, str] = field(factory=dict)
    calendars: Mapping[str, CalendarRules] = field(factory=dict)

    def calendar(self, public_id: str) -> CalendarRules:
        """What that booking calendar wants, which is nothing of its own where nobody said so."""
        return self.calendars.get(public_id, NO_CALENDAR)

    def owner(self, object_name: str) -> OwnerRule:
        """Who owns the records of that object."""
        return self.owners.get(object_name, _USUAL_OWNER)


_USUAL_OWNER = OwnerRule()


def default_config(profile: Profile) -> SyncConfig:
    """The configuration of a fresh connection."""
    return SyncConfig(person_object=profile.persons[0].name, rows=dict(profile.default_rows))


# --- the card of an object's creation rule ---


def data_rule(config: SyncConfig, object_name: str) -> str:
    """What the card says of an object's existing records: "override", "fill", or "mixed" where its rows differ."""
    said = {row.overwrite for row in config.rows.get(object_name, ())}
    return "mixed" if len(said) > 1 else "override" if said == {True} else "fill"


def with_data_rule(config: SyncConfig, object_name: str, override: bool) -> SyncConfig:
    """The configuration with all rows of an object set at once, as its card does."""
    rows = tuple(evolve(row, overwrite=override) for row in config.rows.get(object_name, ()))
    return evolve(config, rows={**config.rows, object_name: rows})


def case_calendars(config: SyncConfig) -> tuple[str, ...]:
    """The public ids of the calendars whose meetings get a Case."""
    return tuple(key for key, calendar in config.calendars.items() if calendar.links == CASE)


def with_case_calendars(config: SyncConfig, chosen: Collection[str]) -> SyncConfig:
    """The configuration in which exactly these calendars' meetings get a Case."""
    calendars = {
        key: evolve(rules, links="") if rules.links == CASE and key not in chosen else rules
        for key, rules in config.calendars.items()
    }
    calendars |= {key: evolve(config.calendar(key), links=CASE) for key in chosen}
    return evolve(config, calendars={k: rules for k, rules in calendars.items() if rules != NO_CALENDAR})


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
            if user.active and not user.licence and user.email:
                merged.setdefault(plain_email(user.email), user)
        return evolve(self, by_email=merged)

    def without(self, user_ids: Collection[str]) -> Directory:
        """This directory without users who turned out to be active no more."""
        left = {email: user for email, user in self.by_email.items() if user.id not in user_ids}
        return evolve(self, by_email=left)


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

    What stood in `before` already may name a field, an object or a record type that is missing or hidden by now: it is
    left out of what is written, and must not forbid other changes.
    """
    faults: list[str] = []
    if config.person_object not in profile.choices:
        names = " or ".join(profile.choices)
        faults.append(f"new_contacts: “{config.person_object}” is not possible; choose {names}.")
    if not 1 <= config.batches_in_flight <= 5:
        faults.append("batches_in_flight: must be from 1 to 5.")
    faults += _check_owners(config, profile)
    types = {k: v for k, v in config.record_types.items() if not before or before.record_types.get(k) != v}
    faults += _check_record_types("record_types", types, profile, schema)
    for key, calendar in config.calendars.items():
        if before is None or before.calendars.get(key) != calendar:
            faults += _check_calendar(f"calendars.{key}", calendar, profile, schema)
    faults += _check_person_accounts(config, profile, schema)
    for name, rows in config.rows.items():
        known = before.rows.get(name, ()) if before else ()
        faults += _check_rows(name, rows, known, profile, schema, custom)
    return faults


def _check_owners(config: SyncConfig, profile: Profile) -> list[str]:
    """Which ownership each object allows (OnceHub 2.5): a new Contact always belongs to the booking's host."""
    faults = []
    possible = [*profile.choices, *([profile.case.name] if profile.case else [])]
    for name, rule in config.owners.items():
        where = f"owners.{name}"
        if name not in possible:
            faults.append(f"{where}: no creation rule has an owner there; choose from {', '.join(possible)}.")
            continue
        if rule.new is Ownership.KEEP:
            faults.append(f"{where}.new: a new record has no owner to keep; choose booking_owner.")
        if name not in profile.assigned and Ownership.RULES in (rule.new, rule.existing):
            rules = " and ".join(sorted(profile.assigned))
            faults.append(f"{where}: {profile.label} has assignment rules for {rules} only.")
    return faults


def _check_record_types(where: str, chosen: Mapping[str, str], profile: Profile, schema: Schema) -> list[str]:
    faults = []
    objects = {name: name for name in profile.objects}
    objects |= {person.role: person.name for person in profile.persons if person.twin}
    for role, wanted in chosen.items():
        described = schema.get(objects.get(role, ""))
        if role not in objects:
            faults.append(f"{where}.{role}: no such object here; choose from {', '.join(objects)}.")
        elif described is not None:
            found = described.record_type(wanted)
            if found is None:
                offered = ", ".join(
                    t.developer_name for t in described.record_types if t.available and not t.master
                )
                faults.append(f"{where}.{role}: no record type “{wanted}”; possible are {offered or 'none'}.")
            elif not found.available:
                faults.append(
                    f"{where}.{role}: the connected user may not use the record type “{found.name}”; "
                    "assign it to the user's profile or permission set, or choose another."
                )
            elif found.person is not None and found.person is not (role != objects[role]):
                kind = "is for person accounts" if found.person else "is not for person accounts"
                faults.append(f"{where}.{role}: the record type “{found.name}” {kind}; choose another.")
    return faults


def _check_calendar(where: str, calendar: CalendarRules, profile: Profile, schema: Schema) -> list[str]:
    faults = _check_record_types(f"{where}.record_types", calendar.record_types, profile, schema)
    possible = (*profile.choices, *((CASE,) if profile.case else ()), NONE)
    if calendar.links and calendar.links not in possible:
        faults.append(f"{where}.general_links: choose {' or '.join(possible)}.")
    case = profile.case
    if calendar.links == CASE and case is not None:
        described = schema.get(case.name)
        if described is None:
            faults.append(
                f"{where}.general_links: {profile.label} hides {case.name} from the connected user."
            )
        elif described.get(case.key_field) is None:
            faults.append(
                f"{where}.general_links: {case.name} needs Instep's field Booking id, by which it is made only once. "
                "Install the fields, or grant them."
            )
    return faults


def _check_person_accounts(config: SyncConfig, profile: Profile, schema: Schema) -> list[str]:
    """Person accounts are made only where the org has them, and with a record type that is one."""
    if config.person_accounts is PersonAccounts.NEVER:
        return []
    person = next((p for p in profile.persons if p.twin), None)
    described = schema.get(person.name) if person else None
    if person is None or person.twin is None or described is None or described.get(person.twin.flag) is None:
        return [f"person_accounts: this org has none switched on; choose {PersonAccounts.NEVER.value}."]
    if person.role not in config.record_types:
        return [
            f"person_accounts: choose the record type of person accounts as record_types.{person.role}, "
            "or they would be made as companies."
        ]
    return []


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
    activity, case, company = profile.activity, profile.case, profile.company
    found = {profile.record_type_field}
    if name == activity.name:
        found |= {activity.key_field, activity.start_field, activity.end_field}
        found |= {activity.owner_field, activity.person_field, activity.about_field, activity.people_field}
        found.add(activity.outcome_field)
    if case is not None and name == case.name:
        found |= {case.key_field, case.owner_field, case.person_field}
    if company is not None and name == company.name:
        found.add(company.owner_field)
    for person in profile.persons:
        if person.name == name:
            found |= {person.key_field, person.owner_field}
            found |= {person.employer.field} if person.employer else set()
            # a record that a row marked as converted could never be written again
            found |= {person.conversion.flag} if person.conversion else set()
    return frozenset(found - {""})


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
        whole = target.compound if target.axis else ""
        if {target.name, whole} & mapped or target.name in system_fields(profile, name):
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
