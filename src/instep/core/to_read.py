"""What must be read to decide about a batch of items: one query for each object (rules R1 to R3, R12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve

from instep.core.contact import email_key, phone_spellings
from instep.core.creation import Guests
from instep.core.crm_schema import LOCATION
from instep.core.desired import Setting, company_name
from instep.core.lookup import Lookup, ObjectLookup
from instep.core.mapping import is_email, wire_datetime
from instep.core.plan_guests import addresses, guest_contact, makes_guests
from instep.core.profile import PersonObject
from instep.core.wanted import Wanted, makes_companies, people, wanted
from instep.core.work import Work


def fields_to_read(setting: Setting, object_name: str) -> tuple[str, ...]:
    """Every field of an object that a plan compares or shows, as far as the CRM shows it to us."""
    return setting.reading(object_name, _fields_to_read)


def _fields_to_read(setting: Setting, object_name: str) -> tuple[str, ...]:
    profile = setting.profile
    names = [row.field for row in setting.config.rows.get(object_name, ())]
    described = setting.schema.get(object_name)
    if described is None:
        return ()
    names += [f.name for f in described.required()]
    activity, case, company = profile.activity, profile.case, profile.company
    if object_name == activity.name:
        names += [activity.key_field, activity.start_field, activity.end_field]
        names += [activity.owner_field, activity.person_field, activity.subject_field, activity.about_field]
        names.append(activity.outcome_field)
        if not setting.has(activity.name, activity.key_field):
            names.append(activity.body_field)
    if case is not None and object_name == case.name:
        names += [case.key_field, case.owner_field, case.person_field]
    if company is not None and object_name == company.name:
        names += [company.name_field, company.owner_field]
    for person in people(setting):
        if person.name == object_name:
            names += _of_person(setting, person)
    names += [profile.modified_field, profile.created_field]
    names += [profile.record_type_field] if described.choices else []
    found = [f for name in names if (f := described.get(name)) is not None]
    # a geolocation is compared by what is written in its place
    found += [part for f in found if f.type == LOCATION for part in described.parts(f.name)]
    return tuple(dict.fromkeys(f.name for f in found))


def _of_person(setting: Setting, person: PersonObject) -> list[str]:
    names = [person.key_field, person.email_field, person.more_emails_field, *person.phone_fields]
    names += [person.owner_field, person.name_field]
    if person.conversion:
        names += [person.conversion.flag, person.conversion.id_field]
    if person.employer:
        names.append(person.employer.field)
    if person.twin:
        names += [person.twin.flag, person.twin.id_field]
        rows = setting.config.rows.get(person.twin.of, ())
        other_side = setting.schema.get(person.twin.of)
        needed = [target.name for target in other_side.required()] if other_side else []
        names += [person.twin.field_name(name) for name in (*needed, *(row.field for row in rows))]
    other = setting.profile.other_side(person.name)
    return [*names, other.flag] if other else names


def lookup_for(setting: Setting, works: Iterable[Work], unknown_hosts: Iterable[str] = ()) -> Lookup:
    """What must be read for these items: one query for each object, and users not known yet."""
    todo = [(work, want) for work in works if not (want := wanted(setting, work)).nothing and not work.held]
    objects: dict[str, ObjectLookup] = {}
    for person in people(setting):
        found = _person_lookup(setting, person, todo)
        objects[person.name] = found
    for more in (
        _company_lookup(setting, todo),
        _case_lookup(setting, todo),
        _activity_lookup(setting, todo),
    ):
        if more is not None:
            known = objects.get(more.object)
            objects[more.object] = _both(known, more) if known else more
    return Lookup(
        tuple(found for found in objects.values() if found.keys or found.moments),
        tuple(sorted(set(unknown_hosts))),
    )


_Todo = Sequence[tuple[Work, Wanted]]


def _both(one: ObjectLookup, other: ObjectLookup) -> ObjectLookup:
    """Two look-ups of one object as one."""
    names = (*one.keys, *other.keys)
    keys = {n: _unique((*one.keys.get(n, ()), *other.keys.get(n, ()))) for n in names}
    deleted = one.include_deleted or other.include_deleted
    return evolve(one, keys=keys, follow={**one.follow, **other.follow}, include_deleted=deleted)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if v))


def _before(work: Work, one_key: bool) -> tuple[str, str]:
    """The record of the contact's booking before, where nothing else leads to what has become of it."""
    known_by_address = one_key and work.contact is not None and is_email(work.contact.email)
    return ("", "") if known_by_address else work.before


def _person_lookup(setting: Setting, person: PersonObject, todo: _Todo) -> ObjectLookup:
    one_key = setting.profile.one_key
    contacts = [w.contact for w, _ in todo if w.contact is not None and not (one_key and w.link.person_id)]
    # whoever has an address is known by it
    others = [c for c in contacts if not (one_key and is_email(c.email))]
    linked = _unique(
        record_id
        for w, _ in todo
        for name, record_id in ((w.link.person_object, w.link.person_id), _before(w, one_key))
        if name == person.name
    )
    named = _unique(want.ids.get(person.link, "") for _, want in todo)
    new_guests = tuple(_new_guests(setting, todo))
    keys = {
        "Id": linked if person.twin else (*linked, *named),
        person.key_field: _unique(
            c.id for c in (*others, *(() if one_key else map(guest_contact, new_guests)))
        ),
        person.email_field: _unique(
            (
                *(email_key(c.email) for c in contacts if is_email(c.email)),
                *(_guests(setting, todo) if person.companions else ()),
                *new_guests,
            )
        ),
    }
    if person.twin and named:
        keys[person.twin.id_field] = named
    phones = _unique(s for c in others for n in (c.phone, c.mobile_phone) for s in phone_spellings(n))
    for name in person.phone_fields:
        keys[name] = phones
    kept = {n: v for n, v in keys.items() if v and _searchable(setting, person.name, n)}
    return ObjectLookup(
        person.name,
        fields_to_read(setting, person.name),
        kept,
        _followed(setting, person, bool(linked or named)),
        # what was merged away stands among the deleted rows
        include_deleted=bool(linked or named) and bool(person.merged_into),
    )


def _guests(setting: Setting, todo: _Todo) -> Iterable[str]:
    """Addresses of further guests, who may be people that the CRM knows."""
    if setting.config.guests is Guests.LIST or not relates_guests(setting):
        return ()
    return (
        email_key(guest)
        for work, want in todo
        if want.activity and work.booking is not None
        for guest in work.booking.guest.guests
        if is_email(guest)
    )


def _new_guests(setting: Setting, todo: _Todo) -> list[str]:
    """Addresses of further guests who may get records: nobody is made without a look."""
    return [
        address
        for work, want in todo
        if want.activity and work.booking is not None and makes_guests(setting, work)
        for address in addresses(work.booking)
    ]


def relates_guests(setting: Setting) -> bool:
    """Whether the CRM relates more people than one to an activity."""
    activity = setting.profile.activity
    return bool(activity.people_field) and setting.has(activity.name, activity.people_field)


def _followed(setting: Setting, person: PersonObject, known: bool) -> dict[str, tuple[str, ...]]:
    """The relationships by which a record leads to what has become of the person, and to its company."""
    follow: dict[str, tuple[str, ...]] = {}
    twins = {p.twin.of for p in people(setting) if p.twin is not None}
    conversion = person.conversion
    if conversion and setting.has(person.name, conversion.flag):
        follow[conversion.relationship] = fields_to_read(setting, conversion.target)
        if conversion.target in twins and setting.profile.company:
            follow[conversion.company_relationship] = fields_to_read(setting, setting.profile.company.name)
    employer, company = person.employer, setting.profile.company
    followed = makes_companies(setting) or person.name in twins
    if employer and company and followed and setting.has(person.name, employer.field):
        follow[employer.relationship] = fields_to_read(setting, company.name)
    if known and person.merged_into and setting.has(person.name, f"{person.merged_into}Id"):
        follow[person.merged_into] = fields_to_read(setting, person.name)
    return follow


def _searchable(setting: Setting, object_name: str, name: str) -> bool:
    if name == "Id":
        return True
    target = setting.target(object_name, name)
    return target is not None and target.filterable


def _company_lookup(setting: Setting, todo: _Todo) -> ObjectLookup | None:
    company = setting.profile.company
    if company is None or not makes_companies(setting):
        return None
    names = _unique(
        company_name(setting, w.contact, w.booking)
        for w, _ in todo
        # whatever is made or found may be a Contact of ours that has no company yet
        if w.contact is not None and not w.link.company_id
    )
    keys = {"Id": _unique(w.link.company_id for w, _ in todo), company.name_field: names}
    kept = {n: v for n, v in keys.items() if v and _searchable(setting, company.name, n)}
    return ObjectLookup(company.name, fields_to_read(setting, company.name), kept)


def _case_lookup(setting: Setting, todo: _Todo) -> ObjectLookup | None:
    case = setting.profile.case
    if case is None:
        return None
    named = _unique(want.ids.get(case.link, "") for _, want in todo)
    linked = _unique(w.link.case_id for w, _ in todo)
    fresh = [w.booking.id for w, want in todo if w.booking and want.case and not w.link.case_id]
    keys = {"Id": _unique((*linked, *named)), case.key_field: _unique(fresh)}
    kept = {n: v for n, v in keys.items() if v and _searchable(setting, case.name, n)}
    if not kept:
        return None
    follow = {}
    if named:
        follow[case.person_relationship] = fields_to_read(setting, case.family)
    known = bool(named or linked)
    if known and case.merged_into and setting.has(case.name, f"{case.merged_into}Id"):
        follow[case.merged_into] = fields_to_read(setting, case.name)
    return ObjectLookup(
        case.name, fields_to_read(setting, case.name), kept, follow, include_deleted=bool(known and follow)
    )


def _activity_lookup(setting: Setting, todo: _Todo) -> ObjectLookup | None:
    activity = setting.profile.activity
    bookings = [w for w, want in todo if w.booking is not None and want.activity]
    keys = {"Id": _unique(w.link.activity_id for w in bookings)}
    moments = {}
    fresh = [w.booking for w in bookings if w.booking and not w.link.activity_id]
    # where it is switched off, another product may have written the same meeting
    elsewhere = [w.booking for w, want in todo if w.booking and want.elsewhere]
    if _searchable(setting, activity.name, activity.key_field):
        keys[activity.key_field] = () if setting.profile.one_key else _unique(b.id for b in fresh)
    else:
        # without our external id: by every start that the booking ever had, then by its Ref line
        starts = [s for b in fresh for s in (b.start, *(t.start for t in b.timeline)) if s]
        moments = {activity.start_field: _unique(wire_datetime(s) for s in starts)}
    twins = tuple(wire_datetime(booking.start) for booking in elsewhere)
    moments[activity.start_field] = _unique((*moments.get(activity.start_field, ()), *twins))
    return ObjectLookup(
        activity.name,
        fields_to_read(setting, activity.name),
        {n: v for n, v in keys.items() if v},
        include_deleted=True,
        moments={n: v for n, v in moments.items() if v},
    )
