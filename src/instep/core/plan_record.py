"""The plan of records that were there before us: what is filled, overwritten, kept or left out.

People, the companies of people whom we made, and cases that a link names: Overwrite decides, a blank never erases.
"""

from __future__ import annotations

from attrs import frozen

from instep.core.catalogue import is_booking_fed
from instep.core.changes import Change, Verdict
from instep.core.contact import Contact, email_key
from instep.core.crm_schema import Field
from instep.core.desired import DesiredField, Setting
from instep.core.lookup import Record
from instep.core.mapping import is_blank, same
from instep.core.picklists import leads_back
from instep.core.plan_fields import change_of, refusal_of
from instep.core.work import Known, Memory, Sent

#: the catalogue's keys of a person's address, and of what a typed name is parted into
EMAIL = "contact.email"
_NAME_PARTS = frozenset(
    f"contact.{part}"
    for part in ("first_name", "last_name", "middle_name", "given_name", "family_name", "suffix")
)


@frozen
class Filling:
    """What filling a record depends on besides its fields.

    `keys` are those of the quarantine; `spoke` is the stamp of the booking whose data are at hand; `by_booking`: every
    row counts as said by that booking, because several share the record; `shared` says what is shared.
    """

    record: Record
    known: Known
    keys: tuple[str, ...]
    spoke: str
    contact: Contact | None = None
    by_booking: bool = False
    shared: str = "person"


def filled(
    setting: Setting, on: Filling, fields: tuple[DesiredField, ...], memory: Memory
) -> tuple[list[Change], bool]:
    """What becomes of each mapped field of a record that exists, and whether it must be read to be sure."""
    changes, needs_read = [], False
    assumed = on.record.assumed
    for want in fields:
        change = _change(setting, on, want, memory)
        if change is None:
            continue
        changes.append(change._replace(spoke=on.spoke) if on.by_booking and on.spoke else change)
        if assumed and change.verdict is Verdict.WRITE and not want.overwrite:
            needs_read = True
        if assumed and want.field not in on.record.fields and not want.refused:
            needs_read = True
    return changes, needs_read


def _change(setting: Setting, on: Filling, want: DesiredField, memory: Memory) -> Change | None:
    """What becomes of one mapped field; None where there is nothing to say."""
    record, target = on.record, want.target
    old, read = record.fields.get(want.field), not record.assumed
    refused = want.refused
    if memory.quarantine and not refused:
        refused = refusal_of(memory, record.object, on.keys, want)
    if refused:
        # the default of a required field has nothing to fill on a record that exists
        return None if want.default else change_of(want, old, read, on.spoke, Verdict.LEAVE_OUT, note=refused)
    if target is None or is_blank(want.value):
        return None
    if not target.updateable:
        read_only = f"{target.label} is read-only in the CRM"
        return change_of(want, old, read, on.spoke, Verdict.LEAVE_OUT, note=read_only)
    sent = on.known.sent.get(want.field)
    fresh = setting.config.always_write or sent is None or sent.source_value != want.source_value
    # what we remember may have been changed since: a value that must win is sent although it looks the same
    resend = not read and want.overwrite and not want.stand_in and fresh
    if same(target, old, want.value) and not resend:
        return change_of(want, old, read, on.spoke, Verdict.KEEP, note="already so", already=read)
    rule, kept = _weighed(setting, on, want, target, old, sent, fresh)
    return change_of(want, old, read, on.spoke, Verdict.KEEP if kept else Verdict.WRITE, rule=rule, note=kept)


def _weighed(
    setting: Setting,
    on: Filling,
    want: DesiredField,
    target: Field,
    old: object,
    sent: Sent | None,
    fresh: bool,
) -> tuple[str, str]:
    """Whether our value or the one that stands there wins: the rule by which ours does, or why the other is kept."""
    if want.source in _NAME_PARTS and _same_name(setting, on):
        # how a typed name is parted is our guess, how it stands there somebody's knowledge; and whom a link names
        # comes back with the name that was read
        return "", "kept: the whole name is the same"
    if is_blank(old):
        return f"{want.rule}; the field was empty", ""
    if target.forward and leads_back(target, old, want.value):
        return "", f"kept: {target.label} only moves forward"
    if want.stand_in:
        return "", "kept: a fallback never replaces a value"
    if sent is not None and sent.stand_in and same(target, old, sent.value):
        return f"{want.rule}; it replaces the fallback that we wrote", ""
    if fresh and _was_corrected(on.contact, want, old):
        return f"{want.rule}; the address that was there was corrected in Instep", ""
    if not want.overwrite:
        return "", "kept: Overwrite is off"
    if sent is not None and (on.spoke if on.by_booking or is_booking_fed(want.source) else "") < sent.spoke:
        return "", f"kept: set by a newer booking of this {on.shared}"
    if fresh:
        return f"{want.rule}, Overwrite on" + (", always write" if setting.config.always_write else ""), ""
    return "", "kept: changed in the CRM after our last write, and the source has not changed since"


def _same_name(setting: Setting, on: Filling) -> bool:
    """Whether the person's whole name stands in the CRM already, however it is parted there."""
    person = next((p for p in setting.profile.persons if p.name == on.record.object), None)
    there = str(on.record.get(person.name_field) or "") if person is not None else ""
    return on.contact is not None and there != "" and there.split() == on.contact.name.split()


def _was_corrected(contact: Contact | None, want: DesiredField, old: object) -> bool:
    """Whether the CRM still holds an address that somebody has corrected here.

    Overwrite guards the CRM's values against what guests type; a correction is a person's own word on this very value.
    """
    if contact is None or want.source != EMAIL or not contact.former_emails:
        return False
    return email_key(str(old)) in contact.former_emails
