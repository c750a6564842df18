"""The plan: the difference between what should be and what is, as ordered writes with their reasons.

Planning a batch twice against the same CRM gives nothing the second time. Each person is planned once
for all items that share it; rows fed by booking data come from the item with the newest transition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import define, evolve, field, frozen

from instep.core.booking import Booking
from instep.core.changes import Action, Match, Write
from instep.core.contact import email_key
from instep.core.desired import Setting, wants_activity
from instep.core.lookup import Observed
from instep.core.matching import Found, Index, by_record_id, find_person
from instep.core.plan_activity import Activities, ActivityPlan, Relations, activity_plan
from instep.core.plan_case import NO_CASE, CasePlan, Cases, case_plan
from instep.core.plan_company import Companies, Company, company_write, related
from instep.core.plan_fields import NOBODY, Related
from instep.core.plan_guests import (
    addresses,
    are_listed,
    guest_contact,
    guest_work,
    makes_guests,
    noted,
)
from instep.core.plan_person import Planned, person_write
from instep.core.plan_record import why_stranger
from instep.core.to_read import relates_guests
from instep.core.wanted import Wanted, wanted
from instep.core.work import Memory, Work


@frozen
class ItemPlan:
    """What happens to one item: how its person was found, every field considered, and remarks.

    `needs_read` is True when remembered values do not suffice to decide. `shared_with` names the item
    whose plan holds the person's changes.
    """

    item: str
    match: Match | None = None
    writes: tuple[Write, ...] = ()
    notes: tuple[str, ...] = ()
    shared_with: str = ""
    person_ref: str = ""
    company_ref: str = ""
    needs_read: bool = False
    #: (object, id) of the record that is this item's person from now on; empty while it is new
    person: tuple[str, str] = ("", "")
    #: ids of the activity, case and company that belong to this item; empty while there are none
    activity_id: str = ""
    case_id: str = ""
    company_id: str = ""
    #: something of it can only be written once what is made now has been read
    pending: bool = False
    #: something of it can only be written once what is made now has an id
    more: bool = False
    #: (object, id, why) of a record that the CRM took for this person and that may be somebody else
    doubtful: tuple[str, str, str] = ("", "", "")
    #: fields of addresses that nobody can be looked for by, where that keeps the person from being made
    blind: tuple[str, ...] = ()


@frozen
class BatchPlan:
    """The plans of a batch, in the order of the items, and the writes to send, parents first."""

    items: tuple[ItemPlan, ...] = ()
    writes: tuple[Write, ...] = field(factory=tuple)

    @property
    def needs_read(self) -> bool:
        """True when any item cannot be planned from memory."""
        return any(item.needs_read for item in self.items)

    @property
    def pending(self) -> bool:
        """True when more can be planned once these writes are done and what they made was read."""
        return any(item.pending for item in self.items)

    @property
    def more(self) -> bool:
        """True when more can be planned once these writes are done."""
        return any(item.more for item in self.items)


def plan(setting: Setting, works: Iterable[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Plan a batch against what was observed (or, with `assumed` records, against what we remember)."""
    planning = _Planning(setting, tuple(works), observed, memory)
    by_item = planning.run()
    items = tuple(by_item[work.item] for work in planning.works)
    sent = [w for item in items for w in item.writes if _to_send(w)]
    order = _order(setting)
    sent.sort(key=lambda w: order.get(w.object, len(order)))
    return BatchPlan(items, tuple(sent))


def _order(setting: Setting) -> dict[str, int]:
    """The place of each object among the writes: every parent before its children."""
    profile = setting.profile
    names = [profile.company.name] if profile.company else []
    names += [person.name for person in profile.persons]
    names += [profile.case.name] if profile.case else []
    return {name: n for n, name in enumerate(dict.fromkeys((*names, profile.activity.name)))}


def _to_send(write: Write) -> bool:
    return write.action is not Action.UPDATE or bool(write.values or write.parents or write.auto_assign)


@frozen
class _Member:
    """One item with what the rules want of it and the person that was found for it."""

    work: Work
    want: Wanted
    found: Found | None


@frozen
class _Group:
    """All items of a batch whose person is the same record; `lead` speaks for them."""

    lead: _Member
    members: tuple[_Member, ...]


@define
class _Planning:
    """One batch on its way from what was observed to its writes."""

    setting: Setting
    works: tuple[Work, ...]
    observed: Observed
    memory: Memory
    index: Index = field(init=False)
    activities: Activities = field(init=False)
    cases: Cases = field(init=False)
    companies: Companies = field(init=False)
    #: by the lead's item: the company of its person
    company_of: dict[str, Company] = field(factory=dict)
    #: by company, the item that speaks for it
    speaker: dict[str, Work] = field(factory=dict)
    #: addresses of people whom this batch makes anyway
    made_anyway: set[str] = field(factory=set)
    #: by case, the stamp of the newest booking that has it
    newest_of_case: dict[str, tuple[datetime, str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.index = Index(self.setting, self.observed)
        self.activities = Activities(self.setting, self.observed)
        self.cases = Cases(self.setting, self.observed, self.index)
        self.companies = Companies(self.setting, self.observed, self.index, self.memory)

    def run(self) -> dict[str, ItemPlan]:
        """The plan of each item."""
        groups = self._groups()
        self.made_anyway = {
            email_key(group.lead.work.contact.email)
            for group in groups
            if group.lead.work.contact is not None and group.lead.found and group.lead.found.record is None
        }
        for group in groups:
            self._note_company(group.lead)
            self._note_cases(group)
        by_item: dict[str, ItemPlan] = {}
        for group in groups:
            self._plan_group(group, by_item)
        return by_item

    def _groups(self) -> list[_Group]:
        """Items by the record that is their person (or will be, for a new one)."""
        members = [self._member(work) for work in self.works]
        made = self._one_for_each(members)
        grouped: dict[tuple[str, str], list[_Member]] = {}
        for member in members:
            work, found = member.work, member.found
            if found is None:
                key = ("item", work.item)
            elif found.record is not None:
                key = (found.record.object, found.record.id[:15])
            else:
                key = ("new", work.contact.id if work.contact else work.item)
                member = evolve(member, found=made[key[1]])
            grouped.setdefault(key, []).append(member)
        return [_Group(max(ms, key=lambda m: m.work.stamp), tuple(ms)) for ms in grouped.values()]

    def _member(self, work: Work) -> _Member:
        want, found = self._with_named_case(work, wanted(self.setting, work)), None
        if want.unless_named and not by_record_id(self.setting, self.index, want)[0]:
            want = evolve(want, nothing=True)
        if work.contact is not None and not work.held and not want.nothing:
            found = find_person(self.setting, work, work.contact, self.index, want, self.memory)
        return _Member(work, want, found)

    def _with_named_case(self, work: Work, want: Wanted) -> Wanted:
        """What is wanted of a booking whose link names a case that is there: a person who can have one."""
        case = self.setting.profile.case
        if case is None or case.link not in want.ids or self.cases.of(work, want)[0] is None:
            return want
        return evolve(want, family=case.family, case=True)

    def _one_for_each(self, members: list[_Member]) -> dict[str, Found]:
        """What each new person becomes, by our contact: one record, whatever the calendars of its bookings want.

        A booking with a case decides, which needs its own kind of person; else the oldest one does.
        """
        made: dict[str, Found] = {}
        for member in sorted(members, key=lambda m: (not m.want.case, m.work.stamp)):
            if member.found is not None and member.found.record is None and member.work.contact is not None:
                made.setdefault(member.work.contact.id, member.found)
        return made

    def _note_company(self, lead: _Member) -> None:
        """Note whose company an item's person has, and that the newest item speaks for a company."""
        if lead.found is None or lead.work.contact is None or lead.found.blind:
            return
        company = self.companies.of(lead.work, lead.found, lead.work.contact)
        if company is None:
            return
        self.company_of[lead.work.item] = company
        known = self.speaker.get(company.ref)
        if known is None or lead.work.stamp > known.stamp:
            self.speaker[company.ref] = lead.work

    def _note_cases(self, group: _Group) -> None:
        """Note which booking speaks for a case that several have."""
        for member in group.members:
            record, _ = self.cases.of(member.work, member.want)
            if record is not None:
                before = self.newest_of_case.get(record.id, member.work.stamp)
                self.newest_of_case[record.id] = max(before, member.work.stamp)

    def _case(self, member: _Member, person: Related, forced: bool = False) -> CasePlan:
        record, _ = self.cases.of(member.work, member.want)
        speaks = record is None or self.newest_of_case.get(record.id) == member.work.stamp
        return case_plan(
            self.setting,
            member.work,
            member.found,
            person,
            member.want,
            self.cases,
            self.memory,
            speaks,
            forced,
        )

    def _plan_group(self, group: _Group, into: dict[str, ItemPlan]) -> None:
        lead, company = group.lead, self.company_of.get(group.lead.work.item)
        planned: Planned | None = None
        company_waits = self.memory.waiting.get(company.ref, "") if company else ""
        if lead.found is not None and lead.work.contact is not None and not lead.found.blind:
            employer = related(company, bool(company_waits))
            # one booking of theirs that has changed is reason enough
            speaker = evolve(lead.work, settled=all(member.work.settled for member in group.members))
            planned = person_write(
                self.setting, speaker, lead.found, lead.work.contact, employer, self.memory
            )
        for member in group.members:
            plan = self._plan_item(member, planned, member is lead, company)
            if member is lead and company is not None:
                plan = self._with_company(plan, company, company_waits)
            elif planned is not None and member is not lead:
                plan = evolve(plan, shared_with=lead.work.item)
            into[member.work.item] = plan

    def _with_company(self, item: ItemPlan, company: Company, waits: str) -> ItemPlan:
        """The plan of an item whose person has a company, with the company's own where it speaks for it."""
        if waits:
            return evolve(item, notes=(*item.notes, f"{company.object} left out, it waits: {waits}"))
        if self.speaker[company.ref].item != item.item:
            return item
        planned = company_write(self.setting, self.speaker[company.ref], company, self.memory)
        return evolve(
            item,
            writes=(planned.write, *item.writes),
            notes=(*item.notes, *planned.notes),
            needs_read=item.needs_read or planned.needs_read,
        )

    def _plan_item(
        self, member: _Member, planned: Planned | None, leads: bool, company: Company | None
    ) -> ItemPlan:
        work, found = member.work, member.found
        ref = planned.write.ref if planned else ""
        waits = self.memory.waiting.get(ref, "")
        notes = list(planned.notes) if planned and leads else []
        writes = [planned.write] if planned is not None and leads and not waits else []
        needs_read = bool(planned and planned.needs_read and leads)
        person = self._person(found, planned, waits)
        case, activity, more_guests = NO_CASE, ActivityPlan(), False
        if work.held:
            notes.append("in the trash of its source: the CRM is not touched")
        elif member.want.nothing and work.booking is not None:
            name = work.booking.calendar_name or work.booking.calendar
            notes.append(f"“{name}” is not integrated with {self.setting.profile.label}: nothing is written")
        elif work.booking is not None:
            case, activity = self._meeting(member, work.booking, person, waits)
            writes += self._case_writes(case, notes)
            writes += [activity.write] if activity.write is not None else []
            guests, needs_guests, more_guests = self._new_guests(member, work.booking)
            writes += guests
            needs_read = needs_read or needs_guests
            notes += [*activity.notes, *self._remarks(member, work.booking, person), *map(noted, guests)]
        record = found.record if found else None
        doubtful = self._doubtful(work, found)
        if doubtful[2]:
            notes.append(f"Please look at {doubtful[0]} {doubtful[1]}: {doubtful[2]}.")
        return ItemPlan(
            work.item,
            self._match(found, waits),
            tuple(writes),
            tuple(notes),
            person_ref=ref,
            company_ref=company.ref if company else "",
            needs_read=needs_read or case.needs_read or activity.needs_read or _gone(work, found),
            person=(record.object, record.id) if record else ("", ""),
            activity_id=activity.write.id if activity.write else work.link.activity_id,
            case_id=case.record.id if case.record else work.link.case_id,
            company_id=company.record.id if company and company.record else "",
            pending=person.pending,
            more=activity.more or more_guests,
            doubtful=doubtful,
            blind=found.blind if found else (),
        )

    def _doubtful(self, work: Work, found: Found | None) -> tuple[str, str, str]:
        """(object, id, why) of the record that a duplicate rule has named, where it may be somebody else."""
        record = found.record if found is not None and found.match.doubled else None
        if record is None or work.contact is None:
            return "", "", ""
        return record.object, record.id, why_stranger(self.setting, record, work.contact)

    def _meeting(
        self, member: _Member, booking: Booking, person: Related, waits: str
    ) -> tuple[CasePlan, ActivityPlan]:
        """The case and the activity of a booking."""
        work, want = member.work, member.want
        if person.pending:
            return NO_CASE, ActivityPlan()
        case = self._case(member, person)
        if not want.activity:
            return case, ActivityPlan()
        to = Relations(person, self._about(case), self._guests(booking))
        activity = activity_plan(self.setting, work, to, waits, self.activities, self.memory)
        if (
            activity.write is not None
            and activity.write.values
            and case.record is not None
            and case.record.assumed
        ):
            # a change of the booking sends all that mirrors it, whatever we remember of the case
            case = self._case(member, person, forced=True)
        return case, activity

    def _guests(self, booking: Booking) -> tuple[str, ...]:
        """The ids by which the booking's further guests are related, as far as the CRM knows them."""
        if not booking.guest.guests or not relates_guests(self.setting):
            return ()
        found = []
        for address in booking.guest.guests:
            for record in self.index.by_email(address):
                person = self.setting.profile.person(record.object)
                key = str(record.get(person.twin.id_field) or "") if person.twin else record.id
                if key and not self.setting.profile.alone(key):
                    found.append(key)
                    break
        return tuple(found)

    def _new_guests(self, member: _Member, booking: Booking) -> tuple[list[Write], bool, bool]:
        """Records for further guests whom the CRM does not know; whether it must be read first, and whether some of
        them can only be related once they are there."""
        work, setting = member.work, self.setting
        if not member.want.activity or not makes_guests(setting, work):
            return [], False, False
        meeting = self.index.record(setting.profile.activity.name, work.link.activity_id)
        if meeting is not None and meeting.assumed:
            return [], not are_listed(setting, booking, meeting), False
        writes, more = [], False
        for address in addresses(booking):
            if self.index.by_email(address):
                continue
            more = more or relates_guests(setting)
            contact = guest_contact(address)
            if address in self.made_anyway:
                continue
            self.made_anyway.add(address)
            as_guest = guest_work(work, contact)
            want = Wanted(member.want.family)
            found = find_person(setting, as_guest, contact, self.index, want, self.memory)
            if found.record is None and not found.blind:
                writes.append(person_write(setting, as_guest, found, contact, NOBODY, self.memory).write)
        return [w for w in writes if w.ref not in self.memory.waiting], False, more

    def _remarks(self, member: _Member, booking: Booking, person: Related) -> list[str]:
        """What there is to say of a booking besides its records."""
        said = []
        if not wants_activity(booking):
            said.append("a request that nobody has approved has no activity in the CRM")
        elif member.want.elsewhere:
            name = self.setting.profile.activity.name
            twin = self.activities.twin(booking, person.id)
            said.append(f"no {name}: it is switched off for this calendar")
            said += (
                [f"the {name} {twin.id}, which another product made, stands for this meeting"] if twin else []
            )
        if booking.rescheduled_from:
            said.append(f"takes the place of {booking.rescheduled_from}")
        return said

    def _person(self, found: Found | None, planned: Planned | None, waits: str) -> Related:
        """What refers to the person holds its id, or the one of the Contact behind a person account."""
        if found is None:
            return NOBODY
        record = found.record
        twin = (self.setting.profile.person(record.object) if record is not None else found.made).twin
        if record is None:
            if planned is None or waits:
                return NOBODY
            return Related(pending=True) if twin else Related(ref=planned.write.ref)
        if twin is None:
            return Related(id=record.id)
        other_id = str(record.get(twin.id_field) or "")
        return Related(id=other_id) if other_id else Related(pending=True)

    def _case_writes(self, case: CasePlan, notes: list[str]) -> list[Write]:
        notes += case.notes
        if case.write is None:
            return []
        waits = self.memory.waiting.get(case.write.ref, "")
        if waits:
            notes.append(f"{case.write.object} left out, it waits: {waits}")
            return []
        return [case.write]

    def _about(self, case: CasePlan) -> Related:
        if case.record is not None:
            return Related(id=case.record.id)
        if case.write is None or case.write.ref in self.memory.waiting:
            return NOBODY
        return Related(ref=case.write.ref)

    def _match(self, found: Found | None, waits: str) -> Match | None:
        match = found.match if found else None
        if match is not None and waits:
            return evolve(match, outcome="waits", rule=f"{match.rule}; it waits: {waits}")
        return match


def _gone(work: Work, found: Found | None) -> bool:
    """Whether the person of a linked item was not among the records at hand."""
    return found is not None and work.link.person_id != "" and found.match.outcome != "linked"
