"""The plan of one booking's case: named by the link, found again, or made (OnceHub 2.5; rule R7).

A case is never found by e-mail. One that we made mirrors the booking; one that a link names is filled as its creation
rule says. A case has a person of its own family; it never goes with a Lead.
"""

from __future__ import annotations

from attrs import frozen

from instep.core.changes import Action, Change, Write
from instep.core.creation import Ownership
from instep.core.desired import Setting, fields_of, wants_activity
from instep.core.lookup import Observed, Record
from instep.core.mapping import is_blank, same
from instep.core.matching import Found, Index
from instep.core.owners import new_record_owner
from instep.core.plan_fields import (
    Related,
    assigned_by_rules,
    left_to_rules,
    mirror,
    mirroring,
    new_value,
    owner_change,
    owner_of_existing,
    record_type_change,
    relation,
)
from instep.core.plan_record import Filling, filled
from instep.core.profile import CaseObject
from instep.core.wanted import Wanted
from instep.core.work import Known, Memory, Work


@frozen
class CasePlan:
    """What happens to the case of a booking; `record` is the one that is there, None where none is or is made."""

    write: Write | None = None
    record: Record | None = None
    needs_read: bool = False
    notes: tuple[str, ...] = ()


NO_CASE = CasePlan()


class Cases:
    """The cases that were read, by link, by the link's record id, and by our booking id."""

    def __init__(self, setting: Setting, observed: Observed, index: Index) -> None:
        self._case = setting.profile.case
        self._index = index
        self._by_key: dict[str, Record] = {}
        if self._case is None:
            return
        for record in observed.of(self._case.name):
            key = str(record.get(self._case.key_field) or "").lower()
            if key and not record.deleted:
                self._by_key.setdefault(key, record)

    def of(self, work: Work, want: Wanted) -> tuple[Record | None, bool]:
        """The booking's case, and whether it had one that is gone."""
        case, booking = self._case, work.booking
        if case is None or booking is None:
            return None, False
        if work.link.case_id:
            return (found := self._standing(case, work.link.case_id)), found is None
        named = self._standing(case, want.ids[case.link]) if case.link in want.ids else None
        return named or self._by_key.get(booking.id.lower()), False

    def _standing(self, case: CaseObject, record_id: str) -> Record | None:
        """The record, or the one that it was merged into."""
        record = self._index.record(case.name, record_id)
        if record is not None and record.deleted:
            record = record.followed.get(case.merged_into)
        return None if record is None or record.deleted else record


def case_plan(
    setting: Setting,
    work: Work,
    found: Found | None,
    person: Related,
    want: Wanted,
    cases: Cases,
    memory: Memory,
    speaks: bool = True,
    forced: bool = False,
) -> CasePlan:
    """The plan of a booking's case, where it has one or is to get one.

    `speaks`: no newer booking of the batch has the same case. `forced`: the booking has changed, so that a remembered
    case of ours gets all that mirrors it.
    """
    case, booking = setting.profile.case, work.booking
    if case is None or booking is None:
        return NO_CASE
    record, gone = cases.of(work, want)
    if not _can_have(setting, case, found):
        asked = record is not None or _general(want, work, found)
        return CasePlan(notes=(f"no {case.name}: such a person cannot have one",)) if asked else NO_CASE
    if record is not None:
        made_for = str(record.get(case.key_field) or "")
        if made_for and made_for.lower() != booking.id.lower():
            return CasePlan(
                record=record, notes=(f"the {case.name} mirrors {made_for}, for which it was made",)
            )
        if not made_for and not speaks:
            return CasePlan(record=record, notes=(f"the {case.name} is set by a newer booking",))
        return _known_case(setting, work, case, record, person, memory, forced)
    if gone:
        return CasePlan(notes=(f"the {case.name} was deleted in the CRM and is left so",))
    if not _general(want, work, found) or not wants_activity(booking) or work.settled:
        return NO_CASE
    if not setting.has(case.name, case.key_field):
        said = f"no {case.name}: {setting.profile.label} lacks Instep's id field on it. Install the fields."
        return CasePlan(notes=(said,))
    return _new_case(setting, work, case, person, memory)


def _can_have(setting: Setting, case: CaseObject, found: Found | None) -> bool:
    """Whether the booking's person can have a case at all; nobody can, too."""
    if found is None:
        return True
    person = setting.profile.person(found.record.object) if found.record is not None else found.made
    return person.family == case.family


def _general(want: Wanted, work: Work, found: Found | None) -> bool:
    """Whether the booking came by a general link of a calendar whose bookings get a case.

    A record id that leads to a person decides the object, whatever the calendar says (R1).
    """
    if not want.case:
        return False
    by_id = bool(found and found.named) or work.link.person_id[:15] in {i[:15] for i in want.ids.values()}
    return not (want.ids and by_id)


def _new_case(setting: Setting, work: Work, case: CaseObject, person: Related, memory: Memory) -> CasePlan:
    booking = work.booking
    assert booking is not None
    keys = (booking.id,)
    changes = [
        change
        for want in fields_of(setting, case.name, work.contact, booking)
        if (change := new_value(setting, case.name, keys, want, memory)) is not None
    ]
    changes += record_type_change(setting, case.name, case.name, keys, booking, memory)
    notes: tuple[str, ...] = ()
    assigned = assigned_by_rules(setting, case.name, new=True)
    if assigned:
        changes += left_to_rules(setting, case.name, case.owner_field, booking)
    else:
        owner = new_record_owner(setting, booking)
        changes += owner_change(setting, case.name, case.owner_field, keys, owner, memory)
        notes = (f"{case.name} owner: {owner.note}.",) if owner.note else ()
    changes += relation(setting, case.name, case.person_field, person, "the booking's person")
    write = Write(
        f"case:{case.name}:{booking.id}",
        work.item,
        Action.UPSERT,
        case.name,
        tuple(changes),
        key=(case.key_field, booking.id),
        parents={case.person_field: person.ref} if person.ref else {},
        alone=person.ref in memory.fragile if person.ref else False,
        auto_assign=assigned,
    )
    return CasePlan(write, None, True, notes)


def _known_case(
    setting: Setting,
    work: Work,
    case: CaseObject,
    record: Record,
    person: Related,
    memory: Memory,
    forced: bool,
) -> CasePlan:
    booking = work.booking
    assert booking is not None
    known = memory.known.get((record.object, record.id), Known())
    keys = (record.id, booking.id)
    fields = fields_of(setting, case.name, work.contact, booking, record)
    ours = not is_blank(record.get(case.key_field))
    if ours:
        changes, needs_read = mirroring(record, known, keys, fields, memory)
    else:
        changes, needs_read = filled(
            setting, Filling(record, known, keys, work.spoke, by_booking=True, shared="case"), fields, memory
        )
    changes += owner_of_existing(setting, case.owner_field, record, known, keys, booking, memory, work.spoke)
    parents: dict[str, str] = {}
    if person.ref and is_blank(record.get(case.person_field)):
        parents = {case.person_field: person.ref}
    elif person.id:
        changes += _person_of(setting, case, record, known, person, ours)
    settled = mirror(setting, record, changes, forced or bool(parents)) if ours else tuple(changes)
    write = Write(
        f"case:{case.name}:{record.id}",
        work.item,
        Action.UPDATE,
        case.name,
        settled,
        id=record.id,
        parents=parents,
        alone=person.ref in memory.fragile if parents else False,
        auto_assign=_rules_again(setting, work, case, ours),
    )
    return CasePlan(write, record, needs_read)


def _rules_again(setting: Setting, work: Work, case: CaseObject, ours: bool) -> bool:
    """The assignment rules run once for each booking that finds a case, not at every change of it."""
    chosen = setting.config.owner(case.name).existing is Ownership.RULES
    return chosen and not ours and not work.link.case_id and case.name in setting.profile.assigned


def _person_of(
    setting: Setting, case: CaseObject, record: Record, known: Known, person: Related, ours: bool
) -> list[Change]:
    """The person of a case: set where there is none, and kept in step on a case of ours."""
    old, sent = record.get(case.person_field), known.sent.get(case.person_field)
    target = setting.target(case.name, case.person_field)
    if target is None or same(target, old, person.id):
        return []
    was_ours = sent is not None and same(target, sent.value, old)
    if not is_blank(old) and not (ours and was_ours):
        return []
    if sent is not None and same(target, sent.value, person.id) and not is_blank(old):
        return []
    return [
        Change(target.name, target.label, person.id, old, not record.assumed, rule="the booking's person")
    ]
