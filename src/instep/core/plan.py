"""The plan: the difference between what should be and what is, as ordered writes with their reasons.

Planning a batch twice against the same CRM gives nothing the second time. Each person is planned once
for all items that share it; rows fed by booking data come from the item with the newest transition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, field, frozen

from instep.core.booking import Booking
from instep.core.catalogue import is_booking_fed
from instep.core.changes import Action, Change, Match, Verdict, Write
from instep.core.contact import Contact
from instep.core.crm_schema import Field
from instep.core.desired import (
    REF_LINE,
    DesiredField,
    Owner,
    Setting,
    activity_fields,
    activity_owner,
    new_record_owner,
    person_fields,
    wants_activity,
)
from instep.core.lookup import Observed, Record
from instep.core.mapping import default_for, fingerprint, is_blank, same
from instep.core.matching import Found, Index, find_person
from instep.core.rules import PersonObject
from instep.core.work import Known, Memory, Sent, Work


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
    needs_read: bool = False
    #: (object, id) of the record that is this item's person from now on; empty while it is new
    person: tuple[str, str] = ("", "")
    #: id of the activity record that belongs to this item; empty while there is none
    activity_id: str = ""


@frozen
class BatchPlan:
    """The plans of a batch, in the order of the items, and the writes to send, parents first."""

    items: tuple[ItemPlan, ...] = ()
    writes: tuple[Write, ...] = field(factory=tuple)

    @property
    def needs_read(self) -> bool:
        """True when any item cannot be planned from memory."""
        return any(item.needs_read for item in self.items)


def plan(setting: Setting, works: Iterable[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Plan a batch against what was observed (or, with `assumed` records, against what we remember)."""
    todo = list(works)
    index = Index(setting, observed)
    activities = _Activities(setting, observed)
    by_item: dict[str, ItemPlan] = {}
    for group in _people(setting, todo, index):
        _plan_group(setting, group, activities, memory, by_item)
    items = tuple(by_item[work.item] for work in todo)
    sent = [w for item in items for w in item.writes if _to_send(w)]
    order = {name: n for n, name in enumerate((*(p.name for p in setting.profile.persons), ""))}
    sent.sort(key=lambda w: order.get(w.object, len(order)))
    return BatchPlan(items, tuple(sent))


def _to_send(write: Write) -> bool:
    return write.action is not Action.UPDATE or bool(write.values) or bool(write.parents)


@frozen
class _Group:
    """All items of a batch whose person is the same record; `found` is that of the leading item."""

    lead: Work
    found: Found | None
    members: tuple[tuple[Work, Found | None], ...]


def _people(setting: Setting, works: list[Work], index: Index) -> list[_Group]:
    """Group items by the record that is their person (or will be, for a new one)."""
    grouped: dict[tuple[str, str], list[tuple[Work, Found | None]]] = {}
    for work in works:
        found = None
        if work.contact is not None and not work.held:
            found = find_person(setting, work, work.contact, index)
        if found is None:
            key = ("item", work.item)
        elif found.record is not None:
            key = (found.record.object, found.record.id[:15])
        else:
            key = ("new", work.contact.id if work.contact else work.item)
        grouped.setdefault(key, []).append((work, found))
    groups = []
    for members in grouped.values():
        lead, found = max(members, key=lambda member: member[0].stamp)
        groups.append(_Group(lead, found, tuple(members)))
    return groups


def _plan_group(
    setting: Setting, group: _Group, activities: _Activities, memory: Memory, into: dict[str, ItemPlan]
) -> None:
    person_write: Write | None = None
    needs_read, ref = False, ""
    notes: tuple[str, ...] = ()
    if group.found is not None and group.lead.contact is not None:
        person_write, needs_read, notes = _person(setting, group, group.lead.contact, memory)
        ref = person_write.ref
    waits = memory.waiting.get(ref, "")
    for work, found in group.members:
        leads = work is group.lead
        writes: list[Write] = []
        remarks: list[str] = list(notes) if leads else []
        if person_write is not None and leads and not waits:
            writes.append(person_write)
        item_needs = needs_read and leads
        activity_id = work.link.activity_id
        if work.held:
            remarks.append("in the trash of its source: the CRM is not touched")
        elif work.booking is not None and wants_activity(work.booking):
            event, reads, said = _activity(setting, work, found, person_write, waits, activities, memory)
            item_needs = item_needs or reads
            remarks += said
            if event is not None:
                writes.append(event)
                activity_id = event.id
        elif work.booking is not None:
            remarks.append("a request that nobody has approved has no activity in the CRM")
        match = found.match if found else None
        if match is not None and waits:
            match = evolve(match, outcome="waits", rule=f"{match.rule}; it waits: {waits}")
        record = found.record if found else None
        into[work.item] = ItemPlan(
            work.item,
            match,
            tuple(writes),
            tuple(remarks),
            shared_with="" if leads or person_write is None else group.lead.item,
            person_ref=ref,
            needs_read=item_needs or _gone(work, found),
            person=(record.object, record.id) if record else ("", ""),
            activity_id=activity_id,
        )


def _gone(work: Work, found: Found | None) -> bool:
    """Whether the person of a linked item was not among the records at hand."""
    return found is not None and work.link.person_id != "" and found.match.outcome != "linked"


# --- the person ---------------------------------------------------------------------------------


def _person(
    setting: Setting, group: _Group, contact: Contact, memory: Memory
) -> tuple[Write, bool, tuple[str, ...]]:
    assert group.found is not None
    record = group.found.record
    object_name = record.object if record else group.found.match.object
    person = setting.profile.person(object_name)
    booking = group.lead.booking
    fields = person_fields(setting, object_name, contact, booking)
    if record is None:
        return _new_person(setting, group, person, contact, fields, memory)
    known = memory.known.get((record.object, record.id), Known())
    # what we made carries our own id and may have been refused under it before it had one of the CRM's
    keys = (record.id, contact.id)
    changes, needs_read = [], False
    for want in fields:
        change = _person_change(setting, record, known, keys, want, memory, group.lead.spoke)
        if change is None:
            continue
        changes.append(change)
        if record.assumed and change.verdict is Verdict.WRITE and not want.overwrite:
            needs_read = True
        if record.assumed and want.field not in record.fields and not want.refused:
            needs_read = True
    write = Write(
        f"person:{record.object}:{record.id}",
        group.lead.item,
        Action.UPDATE,
        record.object,
        tuple(changes),
        id=record.id,
    )
    return write, needs_read, ()


def _person_change(
    setting: Setting,
    record: Record,
    known: Known,
    keys: tuple[str, ...],
    want: DesiredField,
    memory: Memory,
    spoke: str,
) -> Change | None:
    """What becomes of one mapped field of a person that exists; None where there is nothing to say.

    `spoke` is the stamp of the booking whose data are at hand.
    """
    target = setting.target(record.object, want.field)
    old = record.get(want.field)
    base = _change(want, old, not record.assumed, spoke)
    refused = want.refused or _refusal(memory, record.object, keys, want)
    if refused and want.default:
        return None  # nothing has to be filled on a record that exists
    if refused:
        return evolve(base, verdict=Verdict.LEAVE_OUT, note=refused)
    if target is None or is_blank(want.value):
        return None
    if not target.updateable:
        return evolve(base, verdict=Verdict.LEAVE_OUT, note=f"{target.label} is read-only in the CRM")
    sent = known.sent.get(want.field)
    fresh = setting.config.always_write or sent is None or sent.source_value != want.source_value
    # what we remember may have been changed since: a value that must win is sent although it looks the same
    resend = record.assumed and want.overwrite and not want.stand_in and fresh
    if same(target, old, want.value) and not resend:
        return evolve(base, verdict=Verdict.KEEP, note="already so", already=not record.assumed)
    if is_blank(old):
        return evolve(base, rule=f"{want.rule}; the field was empty")
    if want.stand_in:
        return evolve(base, verdict=Verdict.KEEP, note="kept: a fallback never replaces a value")
    if sent is not None and sent.stand_in and same(target, old, sent.value):
        return evolve(base, rule=f"{want.rule}; it replaces the fallback that we wrote")
    if not want.overwrite:
        return evolve(base, verdict=Verdict.KEEP, note="kept: Overwrite is off")
    if sent is not None and base.spoke < sent.spoke:
        return evolve(base, verdict=Verdict.KEEP, note="kept: set by a newer booking of this person")
    if fresh:
        why = "Overwrite on" + (", always write" if setting.config.always_write else "")
        return evolve(base, rule=f"{want.rule}, {why}")
    return evolve(
        base,
        verdict=Verdict.KEEP,
        note="kept: changed in the CRM after our last write, and the source has not changed since",
    )


def _new_person(
    setting: Setting,
    group: _Group,
    person: PersonObject,
    contact: Contact,
    fields: tuple[DesiredField, ...],
    memory: Memory,
) -> tuple[Write, bool, tuple[str, ...]]:
    keys = (contact.id,)
    changes = [
        change
        for want in fields
        if (change := _new_value(setting, person.name, keys, want, memory, group.lead.spoke)) is not None
    ]
    notes: list[str] = []
    owner = new_record_owner(setting, group.lead.booking)
    changes += _owner_change(setting, person.name, person.owner_field, keys, owner, memory)
    if owner.note:
        notes.append(f"{person.name} owner: {owner.note}.")
    keyed = setting.has(person.name, person.key_field)
    if not keyed:
        notes.append(_weaker(setting, person.name))
    elif group.found is not None and group.found.key_taken:
        keyed = False
        notes.append(f"{person.name} made without our Contact id: a record that cannot be used carries it.")
    write = Write(
        f"person:{person.name}:{contact.id}",
        group.lead.item,
        Action.UPSERT if keyed else Action.CREATE,
        person.name,
        tuple(changes),
        key=(person.key_field, contact.id) if keyed else None,
    )
    return write, True, tuple(notes)


def _weaker(setting: Setting, object_name: str) -> str:
    return (
        f"{setting.profile.label} lacks Instep's id field on {object_name}: a lost answer is repaired by "
        "search, which is a weaker guarantee. Install the fields."
    )


def _new_value(
    setting: Setting,
    object_name: str,
    keys: tuple[str, ...],
    want: DesiredField,
    memory: Memory,
    spoke: str = "",
) -> Change | None:
    """One field of a record that is made now; a refused required value gives way to the default."""
    target = setting.target(object_name, want.field)
    base = _change(want, None, True, spoke)
    refused = want.refused or _refusal(memory, object_name, keys, want)
    if refused and target is not None and target.required:
        spare = _default(setting, target)
        if spare is not None and not memory.refused(object_name, keys, want.field, fingerprint(spare.new)):
            return evolve(spare, note=refused)
    if refused:
        return evolve(base, verdict=Verdict.LEAVE_OUT, note=refused)
    if target is None or is_blank(want.value):
        return None
    if not target.createable:
        return evolve(base, verdict=Verdict.LEAVE_OUT, note=f"{target.label} is read-only in the CRM")
    return base


def _default(setting: Setting, target: Field) -> Change | None:
    done = default_for(target, setting.now)
    if done.refused:
        return None
    return Change(
        target.name,
        target.label,
        done.value,
        rule="default for a required field whose value was refused",
        optional=False,
        stand_in=True,
    )


def _change(want: DesiredField, old: Any, old_known: bool, spoke: str = "") -> Change:
    return Change(
        want.field,
        want.label,
        want.value,
        old,
        old_known,
        rule=want.rule,
        source=want.source,
        note=want.note,
        optional=want.optional,
        source_value=want.source_value,
        stand_in=want.stand_in,
        spoke=spoke if is_booking_fed(want.source) else "",
    )


def _refusal(memory: Memory, object_name: str, keys: tuple[str, ...], want: DesiredField) -> str:
    return memory.refused(object_name, keys, want.field, fingerprint(want.value))


def _owner_change(
    setting: Setting,
    object_name: str,
    field_name: str,
    keys: tuple[str, ...],
    owner: Owner,
    memory: Memory,
    old: Any = None,
    old_known: bool = True,
) -> list[Change]:
    target = setting.target(object_name, field_name)
    if target is None or not owner.user_id:
        return []
    change = Change(
        target.name, target.label, owner.user_id, old, old_known, rule=owner.rule, source_value=owner.host_key
    )
    refused = memory.refused(object_name, keys, target.name, owner.user_id)
    if refused:
        change = evolve(change, verdict=Verdict.LEAVE_OUT, note=refused)
    return [change]


# --- the activity -------------------------------------------------------------------------------


def _activity(
    setting: Setting,
    work: Work,
    found: Found | None,
    person_write: Write | None,
    waits: str,
    activities: _Activities,
    memory: Memory,
) -> tuple[Write | None, bool, list[str]]:
    """The activity of a booking: its write (perhaps without a change), whether a read is needed, notes."""
    booking = work.booking
    assert booking is not None
    activity = setting.profile.activity
    fields = activity_fields(setting, booking, work.contact)
    owner = activity_owner(setting, booking)
    notes = [f"{activity.name} owner: {owner.note}."] if owner.note else []
    if waits:
        notes.append(f"{activity.name} written without its person, which waits: {waits}")
    record = activities.of(work)
    # a linked record that a real read does not find any more is deleted for good
    if record.deleted if record is not None else work.link.activity_id:
        if setting.config.deleted_event == "leave":
            return None, False, [*notes, f"the {activity.name} was deleted in the CRM and is left so"]
        notes.append(f"the {activity.name} was deleted in the CRM: it is made again")
        record = None
    person = _person_value(found, person_write, waits)
    if record is None:
        write = _new_activity(setting, work, fields, owner, person, memory)
        if write.action is Action.CREATE:
            notes.append(_weaker(setting, activity.name))
        return write, True, notes
    write, needs_read = _changed_activity(setting, work, record, fields, owner, person, memory)
    return write, needs_read, notes


@frozen
class _PersonValue:
    """What the activity's person field should hold: an id, or the ref of a write that makes it."""

    id: str = ""
    ref: str = ""
    alone: bool = False


def _person_value(found: Found | None, person_write: Write | None, waits: str) -> _PersonValue:
    if found is None:
        return _PersonValue()
    if found.record is not None:
        return _PersonValue(id=found.record.id)
    if person_write is None or waits:
        return _PersonValue()
    return _PersonValue(ref=person_write.ref)


class _Activities:
    """The activities that were read, by link, by our external id, and by their Ref line."""

    def __init__(self, setting: Setting, observed: Observed) -> None:
        activity = setting.profile.activity
        rows = observed.of(activity.name)
        keyed = setting.has(activity.name, activity.key_field)
        self._by_id = {record.id[:15]: record for record in rows}
        self._by_key: dict[str, list[Record]] = {}
        for record in rows:
            keys = [str(record.get(activity.key_field) or "")] if keyed else _ref_lines(record)
            for key in keys:
                self._by_key.setdefault(key.lower(), []).append(record)

    def of(self, work: Work) -> Record | None:
        """The booking's activity, a living one rather than one that was deleted; None where there is none."""
        assert work.booking is not None
        if work.link.activity_id:
            return self._by_id.get(work.link.activity_id[:15])
        mine = self._by_key.get(work.booking.id.lower(), [])
        return next((r for r in mine if not r.deleted), next(iter(mine), None))


def _ref_lines(record: Record) -> list[str]:
    lines = str(record.get("Description") or "").splitlines()
    return [line.removeprefix(REF_LINE).strip() for line in lines if line.startswith(REF_LINE)]


def _new_activity(
    setting: Setting,
    work: Work,
    fields: tuple[DesiredField, ...],
    owner: Owner,
    person: _PersonValue,
    memory: Memory,
) -> Write:
    activity = setting.profile.activity
    assert work.booking is not None
    keys = (work.booking.id,)
    changes = [
        change
        for want in fields
        if (change := _new_value(setting, activity.name, keys, want, memory)) is not None
    ]
    changes += _owner_change(setting, activity.name, activity.owner_field, keys, owner, memory)
    changes += _person_change_of_activity(setting, person, None, True)
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
        parents={activity.person_field: person.ref} if person.ref else {},
        alone=person.ref in memory.fragile if person.ref else False,
    )


def _person_change_of_activity(
    setting: Setting, person: _PersonValue, old: Any, old_known: bool
) -> list[Change]:
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.person_field)
    if target is None or not person.id:
        return []
    return [Change(target.name, target.label, person.id, old, old_known, rule="the booking's person")]


def _changed_activity(
    setting: Setting,
    work: Work,
    record: Record,
    fields: tuple[DesiredField, ...],
    owner: Owner,
    person: _PersonValue,
    memory: Memory,
) -> tuple[Write, bool]:
    """Update of an activity that exists: all mapped fields mirror the booking, blanks included."""
    activity = setting.profile.activity
    assert work.booking is not None
    keys = (record.id, work.booking.id)
    known = memory.known.get((record.object, record.id), Known())
    changes: list[Change] = []
    needs_read = False
    for want in fields:
        target = setting.target(activity.name, want.field)
        base = _change(want, record.get(want.field), not record.assumed)
        refused = want.refused or _refusal(memory, activity.name, keys, want)
        if refused:
            changes.append(evolve(base, verdict=Verdict.LEAVE_OUT, note=refused))
        elif target is not None and target.updateable:
            changes.append(_mirrored(target, base, want, known.sent.get(want.field)))
            needs_read = needs_read or (record.assumed and want.field not in record.fields)
    changes += _own_key(setting, record, work.booking)
    owner_changes, unsure = _new_owner(setting, record, known, keys, work.booking, owner, memory)
    changes += owner_changes
    needs_read = needs_read or unsure
    parents = {}
    if person.ref:
        parents = {activity.person_field: person.ref}
    else:
        changes += _new_relation(setting, record, known, person)
    return Write(
        f"activity:{work.booking.id}",
        work.item,
        Action.UPDATE,
        activity.name,
        _mirror(setting, record, changes, bool(parents)),
        id=record.id,
        parents=parents,
        alone=person.ref in memory.fragile if person.ref else False,
    ), needs_read


def _mirrored(target: Field, base: Change, want: DesiredField, sent: Sent | None) -> Change:
    """One field of an activity that exists, as the booking has it; an empty checkbox is an unticked one."""
    if want.default and not is_blank(base.old) and (sent is None or sent.stand_in):
        # the default of a date is the present moment: it would never be in step
        return evolve(base, verdict=Verdict.KEEP, note="kept: a default only fills an empty field")
    if target.type == "boolean" and is_blank(want.value):
        return evolve(base, new=False)
    return base


def _mirror(setting: Setting, record: Record, changes: list[Change], forced: bool) -> tuple[Change, ...]:
    """Nothing if nothing differs. Start and end travel together; from memory, all mapped fields do."""
    activity = setting.profile.activity
    times = (activity.start_field, activity.end_field)

    def differs(change: Change) -> bool:
        target = setting.target(activity.name, change.field)
        return change.verdict is Verdict.WRITE and not same(target, change.old, change.new)

    changed = {change.field for change in changes if differs(change)}
    if changed & set(times):
        changed |= set(times)
    everything = record.assumed and (bool(changed) or forced)
    return tuple(
        change
        if change.verdict is not Verdict.WRITE or everything or change.field in changed
        else evolve(change, verdict=Verdict.KEEP, note="already so")
        for change in changes
    )


def _own_key(setting: Setting, record: Record, booking: Booking) -> list[Change]:
    """Our id on an activity that was made before the CRM had a field for it: by it it is found again."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.key_field)
    if target is None or not target.updateable or not is_blank(record.get(target.name)):
        return []
    if target.name not in record.fields:
        return []
    return [Change(target.name, target.label, booking.id, rule="Booking id added: the record is ours")]


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
    changes = _owner_change(
        setting, activity.name, activity.owner_field, keys, owner, memory, old, not record.assumed
    )
    heals = sent is not None and not sent.source_value and len(booking.hosts_newest_first) == 1
    if heals and sent is not None and not same(target, old, sent.value):
        kept = "kept: somebody chose this owner in the CRM after our last write"
        return [evolve(change, verdict=Verdict.KEEP, note=kept) for change in changes], record.assumed
    return changes, heals and record.assumed


def _new_relation(setting: Setting, record: Record, known: Known, person: _PersonValue) -> list[Change]:
    """The person is sent only when it changed: on conversion the CRM moves activities by itself."""
    activity = setting.profile.activity
    target = setting.target(activity.name, activity.person_field)
    old = record.get(activity.person_field)
    sent = known.sent.get(activity.person_field)
    if not person.id or same(target, old, person.id):
        return []
    if sent is not None and same(target, sent.value, person.id):
        return []
    return _person_change_of_activity(setting, person, old, not record.assumed)
