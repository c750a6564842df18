"""Which records must be read, and which of those found is the person (rules R1 to R3).

Order: the linked record, our own Contact id on a record, e-mail (the configured object first, then
the other), phone only where there is no e-mail. Several matches: the most recently modified, then the
most recently created. Unconverted Leads only; a converted one is followed to what it became.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen

from instep.core.changes import Candidate, Match
from instep.core.contact import Contact, email_key, phone_spellings
from instep.core.desired import Setting
from instep.core.lookup import Lookup, ObjectLookup, Observed, Record
from instep.core.mapping import is_email, wire_datetime
from instep.core.rules import PersonObject
from instep.core.work import Work


def fields_to_read(setting: Setting, object_name: str) -> tuple[str, ...]:
    """Every field of an object that a plan compares or shows, as far as the CRM shows it to us."""
    profile = setting.profile
    names = [row.field for row in setting.config.rows.get(object_name, ())]
    described = setting.schema.get(object_name)
    if described is None:
        return ()
    names += [f.name for f in described.required()]
    activity = profile.activity
    if object_name == activity.name:
        names += [activity.key_field, activity.start_field, activity.end_field]
        names += [activity.owner_field, activity.person_field, activity.subject_field]
        if not setting.has(activity.name, activity.key_field):
            names.append("Description")
    else:
        person = profile.person(object_name)
        names += [person.key_field, person.email_field, *person.phone_fields]
        names += [person.owner_field, person.name_field]
        if person.conversion:
            names += [person.conversion.flag, person.conversion.id_field]
    names += [profile.modified_field, profile.created_field]
    found = (described.get(name) for name in names)
    return tuple(dict.fromkeys(f.name for f in found if f is not None))


def lookup_for(setting: Setting, works: Iterable[Work], unknown_hosts: Iterable[str] = ()) -> Lookup:
    """What must be read for these items: one query for each object, and users not known yet."""
    todo = list(works)
    objects = [_person_lookup(setting, person, todo) for person in setting.profile.persons]
    objects.append(_activity_lookup(setting, todo))
    return Lookup(
        tuple(found for found in objects if found.keys or found.moments), tuple(sorted(set(unknown_hosts)))
    )


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if v))


def _person_lookup(setting: Setting, person: PersonObject, works: list[Work]) -> ObjectLookup:
    contacts = [w.contact for w in works if w.contact is not None]
    keys = {
        "Id": _unique(w.link.person_id for w in works if w.link.person_object == person.name),
        person.key_field: _unique(c.id for c in contacts),
        person.email_field: _unique(email_key(c.email) for c in contacts if is_email(c.email)),
    }
    phones = _unique(s for c in contacts for n in (c.phone, c.mobile_phone) for s in phone_spellings(n))
    for name in person.phone_fields:
        keys[name] = phones
    kept = {n: v for n, v in keys.items() if v and _searchable(setting, person.name, n)}
    follow = {}
    if person.conversion and setting.has(person.name, person.conversion.flag):
        follow[person.conversion.relationship] = fields_to_read(setting, person.conversion.target)
    return ObjectLookup(person.name, fields_to_read(setting, person.name), kept, follow)


def _searchable(setting: Setting, object_name: str, name: str) -> bool:
    if name == "Id":
        return True
    target = setting.target(object_name, name)
    return target is not None and target.filterable


def _activity_lookup(setting: Setting, works: list[Work]) -> ObjectLookup:
    activity = setting.profile.activity
    bookings = [w for w in works if w.booking is not None]
    keys = {"Id": _unique(w.link.activity_id for w in bookings)}
    moments = {}
    fresh = [w.booking for w in bookings if w.booking and not w.link.activity_id]
    if _searchable(setting, activity.name, activity.key_field):
        keys[activity.key_field] = _unique(b.id for b in fresh)
    else:
        # without our external id: by every start that the booking ever had, then by its Ref line
        starts = [s for b in fresh for s in (b.start, *(t.start for t in b.timeline)) if s]
        moments = {activity.start_field: _unique(wire_datetime(s) for s in starts)}
    return ObjectLookup(
        activity.name,
        fields_to_read(setting, activity.name),
        {n: v for n, v in keys.items() if v},
        include_deleted=True,
        moments={n: v for n, v in moments.items() if v},
    )


class Index:
    """What was observed, by everything that an item may be found by: one pass for a whole batch."""

    def __init__(self, setting: Setting, observed: Observed) -> None:
        self.setting = setting
        self._by_id: dict[tuple[str, str], Record] = {}
        self._by_key: dict[str, list[Record]] = {}
        self._by_email: dict[str, list[Record]] = {}
        self._by_phone: dict[str, list[Record]] = {}
        for record in observed.records:
            self._by_id[(record.object, record.id[:15])] = record
        for person in setting.profile.person_order(setting.config.person_object):
            rows = [r for r in observed.of(person.name) if not r.deleted]
            rows.sort(key=self.age, reverse=True)
            for record in rows:
                self._take(person, record)

    def age(self, record: Record) -> tuple[datetime, datetime, str]:
        """When it was modified, when created, and its id: the order among several matches, newest last."""
        profile = self.setting.profile
        return (
            _moment(record.get(profile.modified_field)),
            _moment(record.get(profile.created_field)),
            record.id,
        )

    def _take(self, person: PersonObject, record: Record) -> None:
        if key := record.get(person.key_field):
            self._by_key.setdefault(str(key), []).append(record)
        if email := email_key(str(record.get(person.email_field) or "")):
            self._by_email.setdefault(email, []).append(record)
        for phone in {str(record.get(name) or "") for name in person.phone_fields} - {""}:
            self._by_phone.setdefault(phone, []).append(record)

    def record(self, object_name: str, record_id: str) -> Record | None:
        """The record with that id, or None."""
        return self._by_id.get((object_name, record_id[:15]))

    def people(self, contact: Contact) -> tuple[list[Record], list[Record], list[Record]]:
        """Records that carry the contact's id, its e-mail address, one of its phone numbers; each in one list."""
        by_key = self._by_key.get(contact.id, [])
        email = email_key(contact.email) if is_email(contact.email) else ""
        by_email = [r for r in self._by_email.get(email, []) if email and r not in by_key]
        taken = [*by_key, *by_email]
        by_phone: list[Record] = []
        for number in (contact.phone, contact.mobile_phone):
            for spelling in phone_spellings(number):
                by_phone += [r for r in self._by_phone.get(spelling, []) if r not in taken + by_phone]
        # several spellings and fields found them: put them in order again
        return by_key, by_email, sorted(by_phone, key=self.age, reverse=True)


@frozen
class Found:
    """The person of an item: how it was found, and the record, None when it has to be made.

    `key_taken`: a record that cannot be used (a converted Lead whose Contact nobody can read) carries our
    Contact id, so that a new one cannot.
    """

    match: Match
    record: Record | None = None
    key_taken: bool = False


def find_person(setting: Setting, work: Work, contact: Contact, index: Index) -> Found:
    """Decide which record is this item's person, and name every other candidate."""
    pool = _Pool(setting, contact, index)
    chosen, rule, outcome = _linked(setting, work, index)
    if chosen is None:
        chosen, rule = pool.choose()
        outcome = "found"
    candidates = pool.candidates(chosen, rule, linked=outcome == "linked")
    if chosen is not None:
        return Found(Match(outcome, rule, chosen.object, chosen.id, candidates), chosen)
    made = setting.config.person_object
    new = Match("create", f"{_nobody(contact, pool)}: a new {made} is made", made, candidates=candidates)
    return Found(new, key_taken=any(record.object == made for record in pool.by_key))


def _nobody(contact: Contact, pool: _Pool) -> str:
    """Why the search found no record to use."""
    if pool.by_key or pool.by_email or (pool.by_phone and not pool.email):
        return "what was found cannot be used"
    if is_email(contact.email):
        return "nobody has this e-mail address"
    if contact.phone or contact.mobile_phone:
        return "nobody has this phone number"
    return "no e-mail address and no phone number to search by"


def _linked(setting: Setting, work: Work, index: Index) -> tuple[Record | None, str, str]:
    link = work.link
    if not link.person_id:
        return None, "", ""
    record = index.record(link.person_object, link.person_id)
    if record is None or record.deleted:
        return None, "", ""
    followed = follow_conversion(setting, record)
    if followed is not record:
        return followed, f"the linked {link.person_object} was converted: followed", "linked"
    return record, "linked since it was first written", "linked"


def follow_conversion(setting: Setting, record: Record) -> Record | None:
    """The record itself, or what it was converted to; None when converted to nothing we can read."""
    conversion = setting.profile.person(record.object).conversion
    if conversion is None or not record.get(conversion.flag):
        return record
    return record.followed.get(conversion.relationship)


def _moment(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _Pool:
    """The records read for one contact, by the rule that makes them candidates."""

    def __init__(self, setting: Setting, contact: Contact, index: Index) -> None:
        self.setting = setting
        self.index = index
        self.email = email_key(contact.email) if is_email(contact.email) else ""
        self.order = setting.profile.person_order(setting.config.person_object)
        self.by_key, self.by_email, self.by_phone = index.people(contact)

    def choose(self) -> tuple[Record | None, str]:
        found, rule = self._first(self.by_key, "carries our Contact id")
        if found is None:
            found, rule = self._first(self.by_email, "has this e-mail address")
        if found is None and not self.email:
            found, rule = self._first(self.by_phone, "has this phone number, and the booking no e-mail")
        return found, rule

    def _first(self, records: list[Record], why: str) -> tuple[Record | None, str]:
        for person in self.order:
            own = [r for r in records if r.object == person.name]
            usable = [r for r in own if follow_conversion(self.setting, r) is r]
            if usable:
                return usable[0], f"this {person.name} {why}{self._tie_break(usable)}"
            for record in own:
                became = follow_conversion(self.setting, record)
                if became is not None:
                    return became, f"a {person.name} that {why} was converted to this {became.object}"
        return None, ""

    def _tie_break(self, usable: list[Record]) -> str:
        """What put the first of several before the second."""
        if len(usable) < 2:
            return ""
        one, other = (self.index.age(record) for record in usable[:2])
        if one[0] != other[0]:
            return " and is the most recently modified"
        if one[1] != other[1]:
            return " and is the most recently created of those modified last"
        return " and has the highest id of those modified and created last"

    def candidates(self, chosen: Record | None, rule: str, linked: bool) -> tuple[Candidate, ...]:
        groups = (
            ("carries our Contact id", self.by_key),
            ("same e-mail address", self.by_email),
            ("same phone number", self.by_phone),
        )
        listed = [self._candidate(r, why, chosen, rule, linked) for why, rows in groups for r in rows]
        if chosen is not None and not any(c.chosen for c in listed):
            listed.insert(0, self._candidate(chosen, "the record in use", chosen, rule, linked))
        return tuple(listed)

    def _candidate(
        self, record: Record, why: str, chosen: Record | None, rule: str, linked: bool
    ) -> Candidate:
        profile = self.setting.profile
        is_it = chosen is not None and (record.object, record.id) == (chosen.object, chosen.id)
        return Candidate(
            record.object,
            record.id,
            str(record.get(profile.person(record.object).name_field) or ""),
            why,
            modified=str(record.get(profile.modified_field) or ""),
            chosen=is_it,
            reason=rule if is_it else self._why_not(record, chosen, linked),
        )

    def _why_not(self, record: Record, chosen: Record | None, linked: bool) -> str:
        became = follow_conversion(self.setting, record)
        if became is not record:
            return "was converted" if became else "was converted to a record that cannot be read"
        if chosen is None or (record in self.by_phone and self.email):
            email_field = self.setting.profile.person(record.object).email_field
            other = "another" if record.get(email_field) else "no"
            return f"{other} e-mail address: a phone number alone is no match"
        if linked:
            return "the booking is linked to another record"
        if record not in self.by_key and chosen in self.by_key:
            return "our Contact id comes before an e-mail address or a phone number"
        if record.object != chosen.object:
            return f"{self.order[0].name} comes first"
        one, other_one = self.index.age(record), self.index.age(chosen)
        if one > other_one:
            return f"a {self.order[0].name} that was found was converted to {chosen.id}"
        if one[0] != other_one[0]:
            return "modified less recently"
        return "modified at the same time, created less recently" if one[1] != other_one[1] else "a lower id"
