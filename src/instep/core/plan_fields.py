"""What planning a person and planning an activity share: one field, its owner, and what was refused before."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from instep.core.booking import Booking
from instep.core.catalogue import SHOW_AS, is_booking_fed, static_value
from instep.core.changes import Change, Verdict
from instep.core.creation import Ownership
from instep.core.crm_schema import Field, ObjectSchema, RecordType
from instep.core.desired import DesiredField, Setting, chosen_record_type, host_user
from instep.core.lookup import Record
from instep.core.mapping import default_for, fingerprint, is_blank, same
from instep.core.owners import Owner, called
from instep.core.work import Known, Memory, Sent

#: the note on a value that rules alone give to a record that was in step
AT_NEXT_CHANGE = "written with the booking's next change: new rules alone do not write fixed values"

#: the note on a calendar entry of before, which a row that is new would show as busy or free
SHOWN_AT_NEXT_CHANGE = "written with the booking's next change: new rules alone do not change how it is shown"


def said_by_nobody(want: DesiredField) -> bool:
    """Whether rules alone say a value, no guest and no host: a static value, a fallback, a default."""
    return want.stand_in or bool(static_value(want.source))


def weaker(setting: Setting, object_name: str) -> str:
    return (
        f"{setting.profile.label} lacks Instep's id field on {object_name}: a lost answer is repaired by "
        "search, which is a weaker guarantee. Install the fields."
    )


def new_value(
    setting: Setting,
    object_name: str,
    keys: tuple[str, ...],
    want: DesiredField,
    memory: Memory,
    spoke: str = "",
) -> Change | None:
    """One field of a record that is made now; a refused required value gives way to the default."""
    target = want.target
    refused = want.refused
    if not refused and memory.quarantine:
        refused = refusal_of(memory, object_name, keys, want)
    if refused and target is not None and target.required:
        spare = _default(setting, target)
        if spare is not None and not memory.refused(object_name, keys, want.field, fingerprint(spare.new)):
            return spare._replace(note=refused)
    if refused:
        return change_of(want, None, True, spoke, Verdict.LEAVE_OUT, note=refused)
    if target is None or is_blank(want.value):
        return None
    if not target.createable:
        read_only = f"{target.label} is read-only in the CRM"
        return change_of(want, None, True, spoke, Verdict.LEAVE_OUT, note=read_only)
    return change_of(want, None, True, spoke)


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


def change_of(
    want: DesiredField,
    old: Any,
    old_known: bool,
    spoke: str = "",
    verdict: Verdict = Verdict.WRITE,
    *,
    rule: str = "",
    note: str = "",
    already: bool = False,
) -> Change:
    """What becomes of one field; `rule` and `note` replace those of the mapping where they are given."""
    # past the constructor of the named tuple, which is a call of its own: nearly all changes are made here
    return tuple.__new__(
        Change,
        (
            want.field,
            want.label,
            want.value,
            old,
            old_known,
            rule or want.rule,
            want.source,
            note or want.note,
            verdict,
            want.optional,
            want.source_value,
            want.stand_in,
            spoke if spoke and is_booking_fed(want.source) else "",
            already,
        ),
    )


def refusal_of(memory: Memory, object_name: str, keys: tuple[str, ...], want: DesiredField) -> str:
    if not memory.quarantine:
        return ""
    return memory.refused(object_name, keys, want.field, fingerprint(want.value))


def owner_change(
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
        change = change._replace(verdict=Verdict.LEAVE_OUT, note=refused)
    return [change]


def record_type_change(
    setting: Setting,
    object_name: str,
    role: str,
    keys: tuple[str, ...],
    booking: Booking | None,
    memory: Memory,
) -> list[Change]:
    """The record type of a new record (R8), and the status that its process starts with."""
    wanted, own = chosen_record_type(setting, role, booking)
    target = setting.target(object_name, setting.profile.record_type_field)
    described = setting.schema.get(object_name)
    if not wanted or target is None or described is None or not target.createable:
        return []
    rule = f"record type of {'the calendar' if own else 'the connection'}"
    found = described.record_type(wanted)
    if found is None or not found.available:
        who = "the connected user may not use" if found else f"{setting.profile.label} no longer has"
        note = f"{who} the record type “{found.name if found else wanted}”"
        return [Change(target.name, target.label, wanted, rule=rule, note=note, verdict=Verdict.LEAVE_OUT)]
    change = Change(target.name, target.label, found.id, rule=f"{rule}: {found.name}")
    refused = memory.refused(object_name, keys, target.name, found.id)
    if refused:
        return [change._replace(verdict=Verdict.LEAVE_OUT, note=refused)]
    return [change, *_first_status(setting, described, found)]


def _first_status(setting: Setting, described: ObjectSchema, record_type: RecordType) -> list[Change]:
    """The status that the record type's process starts with, unless a row says another."""
    target = described.get(setting.profile.process_fields.get(described.name, ""))
    if target is None or not target.createable:
        return []
    first = described.type_defaults.get(record_type.id, {}).get(target.name, "")
    mapped = any(row.field == target.name for row in setting.config.rows.get(described.name, ()))
    if not first or mapped:
        return []
    rule = f"the status that the process of {record_type.name} starts with"
    return [Change(target.name, target.label, first, rule=rule, stand_in=True)]


def assigned_by_rules(setting: Setting, object_name: str, *, new: bool) -> bool:
    """Whether the CRM's own assignment rules choose the owner of such a record."""
    rule = setting.config.owner(object_name)
    chosen = rule.new if new else rule.existing
    return chosen is Ownership.RULES and object_name in setting.profile.assigned


def left_to_rules(
    setting: Setting, object_name: str, owner_field: str, booking: Booking | None
) -> list[Change]:
    """What is remembered of an owner whom the CRM's assignment rules chose for this host's booking."""
    target = setting.target(object_name, owner_field)
    if target is None:
        return []
    host = booking.host.key if booking is not None and booking.host is not None else ""
    said = f"{setting.profile.label}'s active assignment rules choose the owner"
    return [
        Change(
            target.name,
            target.label,
            None,
            old_known=False,
            note=said,
            verdict=Verdict.KEEP,
            source_value=host,
            already=True,
        )
    ]


def owner_of_existing(
    setting: Setting,
    owner_field: str,
    record: Record,
    known: Known,
    keys: tuple[str, ...],
    booking: Booking | None,
    memory: Memory,
    spoke: str,
) -> list[Change]:
    """The owner of a record that was there, where the booking's host is to own it; else nothing.

    It is sent when the host changes: whom a human chose since our last write stays the owner. A host without a user
    changes nothing.
    """
    target = setting.target(record.object, owner_field)
    host = booking.host if booking else None
    user = host_user(setting, host)
    if (
        setting.config.owner(record.object).existing is not Ownership.HOST
        or target is None
        or not target.updateable
    ):
        return []
    if user is None or host is None:
        return []
    sent = known.sent.get(owner_field)
    old = record.get(owner_field)
    change = Change(
        target.name,
        target.label,
        user.id,
        old,
        not record.assumed,
        rule=f"the host's {setting.profile.user_called}{called(user, host)}",
        source_value=host.key,
        spoke=spoke,
    )
    if same(target, old, user.id):
        return [change._replace(verdict=Verdict.KEEP, note="already so", already=not record.assumed)]
    if sent is not None and (sent.source_value == host.key or spoke < sent.spoke):
        newer = "set by a newer booking" if spoke < sent.spoke else "changed in the CRM after our last write"
        return [change._replace(verdict=Verdict.KEEP, note=f"kept: {newer}")]
    refused = memory.refused(record.object, keys, target.name, user.id)
    return [change._replace(verdict=Verdict.LEAVE_OUT, note=refused) if refused else change]


def mirroring(
    record: Record,
    known: Known,
    keys: tuple[str, ...],
    fields: tuple[DesiredField, ...],
    memory: Memory,
    settled: bool,
) -> tuple[list[Change], bool]:
    """Each mapped field of a record that mirrors the booking, blanks included; whether it must be read to be sure.

    `settled`: the booking has not changed, only rules have.
    """
    changes, needs_read = [], False
    there, sent, read = record.fields, known.sent, not record.assumed
    for want in fields:
        old, target, refused = there.get(want.field), want.target, want.refused
        if memory.quarantine and not refused:
            refused = refusal_of(memory, record.object, keys, want)
        if refused:
            changes.append(change_of(want, old, read, verdict=Verdict.LEAVE_OUT, note=refused))
        elif target is not None and target.updateable:
            later = _later(want, old) if settled else ""
            if later and not same(target, old, want.value):
                changes.append(change_of(want, old, read, verdict=Verdict.KEEP, note=later))
                continue
            changes.append(_mirrored(target, want, old, read, sent.get(want.field)))
            needs_read = needs_read or not (read or want.field in there)
    return changes, needs_read


def _later(want: DesiredField, old: Any) -> str:
    """Why rules alone do not write a value into a record that is in step; empty where they do."""
    if said_by_nobody(want):
        return AT_NEXT_CHANGE
    # a CRM's calendar shows every entry as something: what hosts see of old meetings does not change by a new row
    return SHOWN_AT_NEXT_CHANGE if want.source == SHOW_AS and not is_blank(old) else ""


def _mirrored(target: Field, want: DesiredField, old: Any, old_known: bool, sent: Sent | None) -> Change:
    """One field of a record that mirrors the booking; an empty checkbox is an unticked one."""
    if want.default and not is_blank(old) and (sent is None or sent.stand_in):
        # the default of a date is the present moment: it would never be in step
        kept = "kept: a default only fills an empty field"
        return change_of(want, old, old_known, verdict=Verdict.KEEP, note=kept)
    base = change_of(want, old, old_known)
    if target.type == "boolean" and is_blank(want.value):
        return base._replace(new=False)
    return base


def mirror(
    setting: Setting, record: Record, changes: list[Change], forced: bool, together: tuple[str, ...] = ()
) -> tuple[Change, ...]:
    """Nothing if nothing differs. Fields of `together` travel together; from memory, all mapped fields do."""

    def differs(change: Change) -> bool:
        target = setting.target(record.object, change.field)
        return change.verdict is Verdict.WRITE and not same(target, change.old, change.new)

    if record.assumed and (forced or any(differs(change) for change in changes)):
        return tuple(changes)
    changed = {change.field for change in changes if differs(change)}
    if changed & set(together):
        changed |= set(together)
    return tuple(
        change
        if change.verdict is not Verdict.WRITE or change.field in changed
        else change._replace(verdict=Verdict.KEEP, note="already so")
        for change in changes
    )


@frozen
class Related:
    """What a reference to another record should hold: its id, or the ref of a write that makes it.

    `pending`: the record is there or made now, but the id by which others refer to it has to be read first.
    """

    id: str = ""
    ref: str = ""
    pending: bool = False


NOBODY = Related()


def relation(setting: Setting, object_name: str, name: str, to: Related, rule: str) -> list[Change]:
    """A reference of a new record to one that exists; the one to a record made now is a parent."""
    target = setting.target(object_name, name)
    if target is None or not to.id:
        return []
    return [Change(target.name, target.label, to.id, rule=rule)]
