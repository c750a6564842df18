"""Which of the records found is the person (rules R1 to R3, R11, R12).

Order: the linked record, a record whose id the link named, our own Contact id on a record, e-mail (the configured
object first, then the other), phone only where there is no e-mail. Several matches: the most recently modified, then
the most recently created. Unconverted Leads only; whatever was converted or merged is followed to what it became.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen

from instep.core.changes import Candidate, Match
from instep.core.contact import Contact, email_key, phone_spellings
from instep.core.desired import Setting, company_name
from instep.core.lookup import Observed, Record
from instep.core.mapping import is_email
from instep.core.profile import PersonObject
from instep.core.wanted import Wanted, new_person, people
from instep.core.work import Memory, Work


class Index:
    """What was observed, by everything that an item may be found by: one pass for a whole batch."""

    def __init__(self, setting: Setting, observed: Observed) -> None:
        self.setting = setting
        self._by_id: dict[tuple[str, str], Record] = {}
        self._by_key: dict[str, list[Record]] = {}
        self._by_email: dict[str, list[Record]] = {}
        self._by_phone: dict[str, list[Record]] = {}
        self._by_other_side: dict[str, Record] = {}
        for record in observed.records:
            self._by_id[(record.object, record.id[:15])] = record
        for record in observed.records:
            for behind in record.followed.values():
                self._by_id.setdefault((behind.object, behind.id[:15]), behind)
        by_object: dict[str, list[Record]] = {}
        for (name, _), record in self._by_id.items():
            by_object.setdefault(name, []).append(record)
        for person in setting.profile.person_order(setting.config.person_object):
            rows = [
                r
                for r in by_object.get(person.name, ())
                if _is_such(setting, person, r) and (not r.deleted or became(setting, r) is not None)
            ]
            if len(rows) > 1:
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
        if person.twin and (other := record.get(person.twin.id_field)):
            self._by_other_side[str(other)[:15]] = record
        if key := record.get(person.key_field):
            self._by_key.setdefault(str(key), []).append(record)
        for email in _addresses(person, record):
            self._by_email.setdefault(email, []).append(record)
        for phone in {str(record.get(name) or "") for name in person.phone_fields} - {""}:
            self._by_phone.setdefault(phone, []).append(record)

    def record(self, object_name: str, record_id: str) -> Record | None:
        """The record with that id, or None."""
        return self._by_id.get((object_name, record_id[:15]))

    def standing(self, record: Record | None) -> Record | None:
        """The record that stands for this person now: itself, or what became of it; None where that is unknown.

        A converted or merged record leads to what it was converted or merged into, and the Contact behind a
        person account to that account.
        """
        if record is None:
            return None
        now = became(self.setting, record)
        other = self.setting.profile.other_side(now.object) if now is not None else None
        if now is not None and other is not None and now.get(other.flag):
            return self.other_side(now.id)
        return now

    def other_side(self, record_id: str) -> Record | None:
        """The person account behind which that Contact stands, or None."""
        return self._by_other_side.get(record_id[:15]) if record_id else None

    def by_email(self, email: str) -> list[Record]:
        """The people with that address."""
        return [record for record in self._by_email.get(email_key(email), []) if not record.deleted]

    def people(self, contact: Contact) -> tuple[list[Record], list[Record], list[Record]]:
        """Records that carry the contact's id, its e-mail address, one of its phone numbers; each in one list."""
        by_key = self._by_key.get(contact.id, [])
        email = email_key(contact.email) if is_email(contact.email) else ""
        by_email = [r for r in self._by_email.get(email, []) if email and r not in by_key]
        taken = [*by_key, *by_email]
        by_phone: list[Record] = []
        for number in (contact.phone, contact.mobile_phone) if self._by_phone else ():
            for spelling in phone_spellings(number):
                by_phone += [r for r in self._by_phone.get(spelling, []) if r not in taken + by_phone]
        # several spellings and fields found them: put them in order again
        return by_key, by_email, sorted(by_phone, key=self.age, reverse=True)


def _addresses(person: PersonObject, record: Record) -> list[str]:
    """The addresses by which a person is known, its own first."""
    more = str(record.get(person.more_emails_field) or "") if person.more_emails_field else ""
    said = (str(record.get(person.email_field) or ""), *more.split(";"))
    return [key for key in dict.fromkeys(map(email_key, said)) if key]


def _is_such(setting: Setting, person: PersonObject, record: Record) -> bool:
    """Whether a record of that object is such a person: not a company, and not a person's other side only."""
    if person.twin is not None:
        return bool(record.get(person.twin.flag))
    other = setting.profile.other_side(person.name)
    return other is None or not record.get(other.flag)


def became(setting: Setting, record: Record) -> Record | None:
    """The record itself, or what it was converted or merged into; None when that cannot be read."""
    person = setting.profile.person(record.object)
    if record.deleted:
        master = record.followed.get(person.merged_into)
        return None if master is None or master.deleted else became(setting, master)
    conversion = person.conversion
    if conversion is None or not record.get(conversion.flag):
        return record
    target = record.followed.get(conversion.relationship)
    return None if target is None or target.deleted else target


@frozen
class Found:
    """The person of an item: how it was found, and the record, None when it has to be made as `made`.

    `key_taken`: a record that cannot be used (a converted Lead whose Contact nobody can read) carries our
    Contact id, so that a new one cannot. `named` is the name of the record id that led to the person, if one did.
    `blind` are the fields (Object.Field) of addresses that nobody can be looked for by: then nobody is made either.
    """

    match: Match
    made: PersonObject
    record: Record | None = None
    key_taken: bool = False
    named: str = ""
    blind: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The name of the write that makes or changes this person."""
        return f"person:{self.match.object}:{self.match.id}"


def find_person(
    setting: Setting, work: Work, contact: Contact, index: Index, want: Wanted, memory: Memory
) -> Found:
    """Decide which record is this item's person, and name every other candidate."""
    pool = _Pool(setting, contact, index, want)
    made = new_person(setting, want.family, lambda: company_name(setting, contact, work.booking))
    chosen, rule, outcome = _linked(setting, work, index)
    named, record, why = by_record_id(setting, index, want)
    if chosen is None and record is not None:
        chosen, rule, outcome = record, why, "found"
    if chosen is None:
        chosen, rule = pool.choose()
        outcome = "found"
    doubled = memory.duplicates.get(f"person:{made.name}:{contact.id}", ()) if memory.duplicates else ()
    if chosen is None:
        chosen, rule = pool.duplicate(doubled)
    settled = "the booking is linked to another record" if outcome == "linked" else ""
    if not settled and chosen is not None and chosen is record:
        settled = "the link names another record"
    candidates = pool.candidates(chosen, rule, settled)
    if chosen is not None:
        match = Match(outcome, rule, chosen.object, chosen.id, candidates, doubled=bool(doubled))
        return Found(match, made, chosen, named=named)
    blind = _blind(setting, contact, want)
    if blind:
        rule = f"nobody can be looked for by {' and '.join(blind)}, so nobody is made"
        return Found(Match("waits", rule, made.name, candidates=candidates), made, blind=blind)
    kind = "person account" if made.twin else made.name
    new = Match("create", f"{_nobody(contact, pool)}: a new {kind} is made", made.name, candidates=candidates)
    taken = any(record.object == made.name and not record.deleted for record in pool.by_key)
    return Found(new, made, key_taken=taken)


def _blind(setting: Setting, contact: Contact, want: Wanted) -> tuple[str, ...]:
    """The fields of addresses that are hidden or cannot be searched, on objects that can be seen.

    A look that could not be made is never taken for "nobody": who is there would be made twice.
    """
    if not is_email(contact.email):
        return ()
    closed = []
    for person in people(setting):
        if person.name not in setting.schema or (want.case and person.family != want.family):
            continue
        target = setting.target(person.name, person.email_field)
        if target is None or not target.filterable:
            closed.append(f"{person.name}.{person.email_field}")
    return tuple(closed)


def _nobody(contact: Contact, pool: _Pool) -> str:
    """Why the search found no record to use."""
    unusable = [
        r for r in (*pool.by_key, *pool.by_email, *(() if pool.email else pool.by_phone)) if pool.may_be(r)
    ]
    if unusable:
        return "what was found cannot be used"
    if is_email(contact.email):
        return f"nobody has this e-mail address{pool.limits}"
    if contact.phone or contact.mobile_phone:
        return f"nobody has this phone number{pool.limits}"
    return "no e-mail address and no phone number to search by"


def _linked(setting: Setting, work: Work, index: Index) -> tuple[Record | None, str, str]:
    link = work.link
    if not link.person_id:
        return None, "", ""
    record = index.record(link.person_object, link.person_id)
    now = index.standing(record)
    if record is None or now is None:
        return None, "", ""
    if now is not record:
        how = "merged into another" if record.deleted else "converted"
        return now, f"the linked {link.person_object} was {how}: followed", "linked"
    return record, "linked since it was first written", "linked"


def by_record_id(setting: Setting, index: Index, want: Wanted) -> tuple[str, Record | None, str]:
    """The person that the link's record ids lead to: the name of the id, the record, and the rule (R1).

    A case comes first: it has a person of its own, unless the link names one too.
    """
    case = setting.profile.case
    if not want.ids:
        return "", None, ""
    by_name: dict[str, tuple[Record, str]] = {}
    for person in people(setting):
        if (wanted_id := want.ids.get(person.link)) and person.twin is None:
            there = index.record(person.name, wanted_id)
            now = index.standing(there) or index.other_side(wanted_id)
            if now is not None:
                by_name.setdefault(person.link, (now, _how_named(setting, there, now)))
    found_case = index.record(case.name, want.ids[case.link]) if case and case.link in want.ids else None
    if case is not None and found_case is not None and not found_case.deleted:
        link = setting.profile.person(case.family).link
        if link in by_name:
            return case.link, by_name[link][0], f"{by_name[link][1]}, and a {case.name}"
        person_id = str(found_case.get(case.person_field) or "")
        now = index.standing(index.record(case.family, person_id)) or index.other_side(person_id)
        return case.link, now, f"the {now.object if now else ''} of the {case.name} that the link names"
    for name, (record, how) in by_name.items():
        return name, record, how
    return "", None, ""


def _how_named(setting: Setting, there: Record | None, now: Record) -> str:
    """How a record id of the link leads to a record: it is its own, or that of one that became this record."""
    if there is not None and there.deleted:
        return f"the link names a {there.object} that was merged into this {now.object}"
    if there is not None and there is not now and setting.profile.person(there.object).conversion:
        return f"the link names a {there.object} that was converted to this {now.object}"
    return f"the link names this {now.object}"


def _moment(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _Pool:
    """The records read for one contact, by the rule that makes them candidates."""

    def __init__(self, setting: Setting, contact: Contact, index: Index, want: Wanted) -> None:
        self.setting = setting
        self.index = index
        self.want = want
        self.email = email_key(contact.email) if is_email(contact.email) else ""
        self.order = setting.profile.person_order(want.family)
        self.by_key, self.by_email, self.by_phone = index.people(contact)

    @property
    def limits(self) -> str:
        """What the search leaves out, in words."""
        case = self.setting.profile.case
        return f" among those whom a {case.name} can have" if self.want.case and case else ""

    def may_be(self, record: Record) -> bool:
        """Whether this kind of person is allowed: a case's person is of its own family only."""
        return not self.want.case or self.setting.profile.person(record.object).family == self.want.family

    def choose(self) -> tuple[Record | None, str]:
        found, rule = self._first(self.by_key, "carries Instep's contact id")
        if found is None:
            found, rule = self._first(self.by_email, "has this e-mail address")
        if found is None and not self.email:
            found, rule = self._first(self.by_phone, "has this phone number, and the booking no e-mail")
        return found, rule

    def duplicate(self, named: Iterable[tuple[str, str]]) -> tuple[Record | None, str]:
        """The newest of the records that a duplicate rule of the CRM has named."""
        read = (self.index.standing(self.index.record(name, record_id)) for name, record_id in named)
        usable = sorted(
            (r for r in read if r is not None and self.may_be(r)), key=self.index.age, reverse=True
        )
        if not usable:
            return None, ""
        label = self.setting.profile.label
        return usable[0], f"a duplicate rule of {label} says that this {usable[0].object} is the same person"

    def _first(self, records: list[Record], why: str) -> tuple[Record | None, str]:
        for person in self.order:
            own = [r for r in records if r.object == person.name]
            usable = [r for r in own if self.index.standing(r) is r and self.may_be(r)]
            if usable:
                return usable[0], f"this {person.name} {why}{self._tie_break(usable)}"
            for record in own:
                now = self.index.standing(record)
                if now is not None and now is not record and self.may_be(now):
                    how = "merged into" if record.deleted else "converted to"
                    return now, f"a {person.name} that {why} was {how} this {now.object}"
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

    def candidates(self, chosen: Record | None, rule: str, settled: str) -> tuple[Candidate, ...]:
        groups = (
            ("carries Instep's contact id", self.by_key),
            ("same e-mail address", self.by_email),
            ("same phone number", self.by_phone),
        )
        listed = [self._candidate(r, why, chosen, rule, settled) for why, rows in groups for r in rows]
        if chosen is not None and not any(c.chosen for c in listed):
            listed.insert(0, self._candidate(chosen, "the record in use", chosen, rule, settled))
        return tuple(listed)

    def _candidate(
        self, record: Record, why: str, chosen: Record | None, rule: str, settled: str
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
            reason=rule if is_it else self._why_not(record, chosen, settled),
        )

    def _why_not(self, record: Record, chosen: Record | None, settled: str) -> str:
        now = self.index.standing(record)
        if now is not record:
            how = "merged into another" if record.deleted else "converted"
            return f"was {how}" if now else f"was {how} to a record that cannot be read"
        if not self.may_be(record):
            case = self.setting.profile.case
            return f"a {record.object} cannot have a {case.name if case else ''}"
        if chosen is None or (record in self.by_phone and self.email):
            email_field = self.setting.profile.person(record.object).email_field
            other = "another" if record.get(email_field) else "no"
            return f"{other} e-mail address: a phone number alone is no match"
        if settled:
            return settled
        if record not in self.by_key and chosen in self.by_key:
            return "Instep's contact id comes before an e-mail address or a phone number"
        if record.object != chosen.object:
            return f"{self.order[0].name} comes first"
        one, other_one = self.index.age(record), self.index.age(chosen)
        if one > other_one:
            return f"a {self.order[0].name} that was found became {chosen.id}"
        if one[0] != other_one[0]:
            return "modified less recently"
        return "modified at the same time, created less recently" if one[1] != other_one[1] else "a lower id"
