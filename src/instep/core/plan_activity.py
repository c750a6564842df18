"""The plan of one booking's activity: found again or made, its fields mirrored, its owner and person."""

from __future__ import annotations

from attrs import frozen

from instep.core.booking import Booking
from instep.core.changes import Action, Change, Verdict, Write
from instep.core.creation import Guests
from instep.core.desired import REF_LINE, DesiredField, Setting, activity_fields, body_of
from instep.core.lookup import Observed, Record
from instep.core.mapping import is_blank, same, wire_datetime
from instep.core.owners import Owner, activity_owner
from instep.core.plan_fields import (
    NOBODY,
    Related,
    mirror,
    mirroring,
    new_value,
    owner_change,
    record_type_change,
    relation,
    weaker,
)
from instep.core.refusal import quarantined_value
from instep.core.work import Known, Memory, Work


@frozen
class Relations:
    """Whom and what an activity is related to: its person, a case, and the ids of further people."""

    person: Related = NOBODY
    about: Related = NOBODY
    guests: tuple[str, ...] = ()


@frozen
class ActivityPlan:
    """The write of an activity (perhaps without a change), whether a read is needed, remarks.

    `more`: it is not complete before its person has an id.
    """

    write: Write | None = None
    needs_read: bool = False
    notes: tuple[str, ...] = ()
    more: bool = False


def activity_plan(
    setting: Setting, work: Work, to: Relations, waits: str, activities: Activities, memory: Memory
) -> ActivityPlan:
    """The plan of a booking's activity; `waits` says why its person is not written yet."""
    booking = work.booking
    assert booking is not None
    activity = setting.profile.activity
    owner = activity_owner(setting, booking)
    notes = [f"{activity.name} owner: {owner.note}."] if owner.note else []
    if waits:
        notes.append(f"{activity.name} written without its person, which waits: {waits}")
    record = activities.of(work)
    # a linked record that a real read does not find any more is deleted for good
    if record.deleted if record is not None else work.link.activity_id:
        if setting.config.deleted_event == "leave":
            return ActivityPlan(notes=(*notes, f"the {activity.name} was deleted in the CRM and is left so"))
        notes.append(f"the {activity.name} was deleted in the CRM: it is made again")
        record = None
    keyed = record is None or _keyed(setting, record, booking, memory)
    fields = activity_fields(setting, booking, work.contact, keyed, record)
    more = bool(to.person.ref and to.guests)
    if record is None:
        write = _new_activity(setting, work, fields, owner, to, memory)
        if write.action is Action.CREATE:
            notes.append(weaker(setting, activity.name))
        return ActivityPlan(write, True, tuple(notes), more)
    write, needs_read = _changed_activity(setting, work, record, fields, owner, to, memory)
    return ActivityPlan(write, needs_read, tuple(notes), more)


class Activities:
    """The activities that were read, by link, by our external id, and by their Ref line."""

    def __init__(self, setting: Setting, observed: Observed) -> None:
        self._setting = setting
        activity = setting.profile.activity
        rows = observed.of(activity.name)
        keyed = setting.has(activity.name, activity.key_field)
        self._by_id = {record.id[:15]: record for record in rows}
        self._by_key: dict[str, list[Record]] = {}
        for record in rows:
            keys = [str(record.get(activity.key_field) or "")] if keyed else self._ref_lines(record)
            for key in keys:
                self._by_key.setdefault(key.lower(), []).append(record)

    def of(self, work: Work) -> Record | None:
        """The booking's activity, a living one rather than one that was deleted; None where there is none."""
        assert work.booking is not None
        if work.link.activity_id:
            return self._by_id.get(work.link.activity_id[:15])
        mine = self._by_key.get(work.booking.id.lower(), [])
        return next((r for r in mine if not r.deleted), next(iter(mine), None))

    def _ref_lines(self, record: Record) -> list[str]:
        lines = body_of(self._setting, record).splitlines()
        return [line.removeprefix(REF_LINE).strip() for line in lines if line.startswith(REF_LINE)]

    def twin(self, booking: Booking, person_id: str) -> Record | None:
        """An activity that another product made of the same meeting: the same times, and its person or its subject."""
        activity = self._setting.profile.activity
        start, end = (
            self._setting.target(activity.name, n) for n in (activity.start_field, activity.end_field)
        )
        for record in self._by_id.values():
            if record.deleted or not is_blank(record.get(activity.key_field)):
                continue
            if not same(start, record.get(activity.start_field), wire_datetime(booking.start)):
                continue
            if not same(end, record.get(activity.end_field), wire_datetime(booking.end)):
                continue
            ours = person_id and str(record.get(activity.person_field) or "")[:15] == person_id[:15]
            if ours or record.get(activity.subject_field) == booking.subject:
                return record
        return None


def _new_activity(
    setting: Setting,
    work: Work,
    fields: tuple[DesiredField, ...],
    owner: Owner,
    to: Relations,
    memory: Memory,
) -> Write:
    activity = setting.profile.activity
    assert work.booking is not None
    person, about = to.person, to.about
    parents = _parents(setting, person, about)
    keys = (work.booking.id,)
    changes = [
        change
        for want in fields
        if (change := new_value(setting, activity.name, keys, want, memory)) is not None
    ]
    changes += owner_change(setting, activity.name, activity.owner_field, keys, owner, memory)
    changes += record_type_change(setting, activity.name, activity.name, keys, work.booking, memory)
    changes += relation(setting, activity.name, activity.person_field, person, "the booking's person")
    changes += relation(setting, activity.name, activity.about_field, about, "the booking's case")
    people, _ = _people(setting, work.booking, None, Known(), to)
    changes += people
    for name, value in activity.at_creation.items():
        target = setting.target(activity.name, name)
        mapped = any(change.field == name for change in changes)
        if target is not None and target.createable and not mapped:
            changes.append(Change(name, target.label, value, rule="set on every new record"))
    keyed = setting.has(activity.name, activity.key_field)
    return Write(
        f"activity:{work.booking.id}",
        work.item,
        Action.UPSERT if keyed else Action.CREATE,
        activity.name,
        tuple(changes),
        key=(activity.key_field, work.booking.id) if keyed else None,
        parents=parents,
        alone=not memory.fragile.isdisjoint(parents.values()),
    )


def _parents(setting: Setting, person: Related, about: Related) -> dict[str, str]:
    """The references to records that the same call makes."""
    activity = setting.profile.activity
    refs = {activity.person_field: person.ref, activity.about_field: about.ref}
    return {name: ref for name, ref in refs.items() if ref and setting.has(activity.name, name)}


def _changed_activity(
    setting: Setting,
    work: Work,
    record: Record,
    fields: tuple[DesiredField, ...],
    owner: Owner,
    to: Relations,
    memory: Memory,
) -> tuple[Write, bool]:
    """Update of an activity that exists: all mapped fields mirror the booking, blanks included."""
    activity = setting.profile.activity
    assert work.booking is not None
    keys = (record.id, work.booking.id)
    known = memory.known.get((record.object, record.id), Known())
    changes, needs_read = mirroring(record, known, keys, fields, memory, work.settled)
    key_changes, unsure = _own_key(setting, record, keys, work.booking, memory)
    changes += key_changes
    needs_read = needs_read or unsure
    owner_changes, unsure = _new_owner(setting, record, known, keys, work.booking, owner, memory)
    changes += owner_changes
    needs_read = needs_read or unsure
    person, about = to.person, to.about
    people, unsure = _people(setting, work.booking, record, known, to)
    changes += people
    needs_read = needs_read or unsure
    unrelated = is_blank(record.get(activity.about_field))
    parents = _parents(setting, person, about if unrelated else NOBODY)
    changes += _new_person(setting, record, known, person)
    changes += _new_about(setting, record, known, about)
    times = (activity.start_field, activity.end_field)
    return Write(
        f"activity:{work.booking.id}",
        work.item,
        Action.UPDATE,
        activity.name,
        mirror(setting, record, changes, bool(parents), times),
        id=record.id,
        parents=parents,
        alone=not memory.fragile.isdisjoint(parents.values()),
    ), needs_read


def _own_key(
    setting: Setting, record: Record, keys: tuple[str, ...], booking: Booking, memory: Memory
) -> tuple[list[Change], bool]:
    """Our id on an activity that was made before the CRM had a field for it: by it it is found again.

    The flag says that nobody has read the field yet.
    """
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.key_field)
    if target is None or not target.updateable or not is_blank(record.get(target.name)):
        return [], False
    if target.name not in record.fields:
        return [], record.assumed
    change = Change(target.name, target.label, booking.id, rule="Booking id added: the record is ours")
    refused = memory.refused(activity.name, keys, target.name, quarantined_value(change))
    return [change._replace(verdict=Verdict.LEAVE_OUT, note=refused) if refused else change], False


def _keyed(setting: Setting, record: Record, booking: Booking, memory: Memory) -> bool:
    """Whether the record carries our id, or will after this write: only then it may lose its Ref line."""
    if not is_blank(record.get(setting.profile.activity.key_field)):
        return True
    changes, unsure = _own_key(setting, record, (record.id, booking.id), booking, memory)
    return unsure or any(change.verdict is Verdict.WRITE for change in changes)


def _new_owner(
    setting: Setting,
    record: Record,
    known: Known,
    keys: tuple[str, ...],
    booking: Booking,
    owner: Owner,
    memory: Memory,
) -> tuple[list[Change], bool]:
    """The owner is sent only when the host changed: a human's later choice of owner stays.

    A fallback owner heals when the host gets a user, but only where the fallback still stands; the flag
    says that this must be read first.
    """
    activity = setting.profile.activity
    sent = known.sent.get(activity.owner_field)
    old = record.get(activity.owner_field)
    target = setting.target(activity.name, activity.owner_field)
    if target is None or same(target, old, owner.user_id) or not owner.user_id:
        return [], False
    if sent is not None and same(target, sent.value, owner.user_id):
        return [], False
    changes = owner_change(
        setting, activity.name, activity.owner_field, keys, owner, memory, old, not record.assumed
    )
    if sent is None or sent.source_value or len(booking.hosts_newest_first) > 1:
        return changes, False
    if same(target, old, sent.value):
        return changes, record.assumed
    kept = "kept: somebody chose this owner in the CRM after our last write"
    return [change._replace(verdict=Verdict.KEEP, note=kept) for change in changes], False


def _new_person(setting: Setting, record: Record, known: Known, person: Related) -> list[Change]:
    """The person is sent only when it changed: on conversion the CRM moves activities by itself."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.person_field)
    old = record.get(activity.person_field)
    sent = known.sent.get(activity.person_field)
    if target is None or not person.id or same(target, old, person.id):
        return []
    lost = _lost_everybody(setting, record)
    if sent is not None and same(target, sent.value, person.id) and not lost:
        return []
    rule = "the booking's person" + (", whom the record has lost" if lost and sent is not None else "")
    return [Change(target.name, target.label, person.id, old, not record.assumed, rule=rule)]


def _lost_everybody(setting: Setting, record: Record) -> bool:
    """Whether a reading says that an activity is related to nobody, in a CRM that may lose that by itself."""
    activity = setting.profile.activity
    was_read = activity.person_field in record.fields and not record.assumed
    return activity.person_apart and was_read and is_blank(record.get(activity.person_field))


def _new_about(setting: Setting, record: Record, known: Known, about: Related) -> list[Change]:
    """The case is sent where the activity is about nothing yet, or about what we wrote: a human's choice stays."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.about_field)
    old, sent = record.get(activity.about_field), known.sent.get(activity.about_field)
    if target is None or not about.id or same(target, old, about.id):
        return []
    if not is_blank(old) and (sent is None or not same(target, sent.value, old)):
        return []
    rule = "the booking's case"
    return [Change(target.name, target.label, about.id, old, not record.assumed, rule=rule)]


def _people(
    setting: Setting, booking: Booking, record: Record | None, known: Known, to: Relations
) -> tuple[list[Change], bool]:
    """The further people of an activity, where the CRM relates several (E10); the flag says that they must be read.

    The CRM does not tell them with the record: what counts is whom we named last, and for which guests.
    """
    field_name = setting.profile.activity.people_field
    target = setting.target(setting.profile.activity.name, field_name)
    sent = known.sent.get(field_name)
    if target is None or setting.config.guests is Guests.LIST or not (booking.guest.guests or sent):
        return [], False
    said = ", ".join(booking.guest.guests)
    if record is not None and record.assumed:
        settled = sent is not None and sent.source_value == said and to.person.id in sent.value
        return [], not settled
    if not to.person.id or setting.profile.alone(to.person.id):
        return [], False
    ids = list(dict.fromkeys((to.person.id, *to.guests)))[:_MOST_PEOPLE]
    change = Change(target.name, target.label, ids, rule="the guests whom the CRM knows", source_value=said)
    # nobody further is known: the person alone is related already, by the field that says so
    alone = sent is None and record is not None and ids == [to.person.id]
    if record is not None and _lost_everybody(setting, record):
        sent = None
    if alone or (sent is not None and set(sent.value) == set(ids)):
        return [change._replace(old=ids, verdict=Verdict.KEEP, note="already so", already=True)], False
    return [change._replace(old=sent.value if sent else None, old_known=sent is not None)], False


#: more a CRM does not relate to one activity (reference 3.3)
_MOST_PEOPLE = 50
