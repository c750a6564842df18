"""The plan of records that were there before us: what is filled, overwritten, kept or left out.

People, the companies of people whom we made, and cases that a link names: Overwrite decides, a blank never erases.
"""

from __future__ import annotations

from attrs import frozen

from instep.core.catalogue import is_booking_fed
from instep.core.changes import Change, Verdict
from instep.core.contact import Contact, email_key, is_other_name
from instep.core.crm_schema import Field
from instep.core.desired import DesiredField, Setting
from instep.core.lookup import Record
from instep.core.mapping import is_blank, same
from instep.core.picklists import leads_back
from instep.core.plan_fields import AT_NEXT_CHANGE, change_of, refusal_of, said_by_nobody
from instep.core.work import Known, Memory, Sent

#: what is said of a record that has another address than the booking's
OTHER_ADDRESS = "this record has another e-mail address: somebody should see whether it is the same person"
#: what is said of a record that has no address and is called otherwise
OTHER_NAME = (
    "this record has another name and no e-mail address: somebody should see whether it is the same person"
)
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
    row counts as said by that booking, because several share the record; `shared` says what is shared. `settled`: no
    booking has changed, only rules have. `named`: the booking's link names the record, whatever it says.
    """

    record: Record
    known: Known
    keys: tuple[str, ...]
    spoke: str
    contact: Contact | None = None
    by_booking: bool = False
    shared: str = "person"
    settled: bool = False
    named: bool = False


def filled(
    setting: Setting, on: Filling, fields: tuple[DesiredField, ...], memory: Memory
) -> tuple[list[Change], bool]:
    """What becomes of each mapped field of a record that exists, and whether it must be read to be sure."""
    changes, needs_read = [], False
    assumed = on.record.assumed
    name, address = _foreign_name(setting, on, fields), _foreign_address(setting, on)
    for want in fields:
        foreign = name if _is_name_part(setting, on, want) else address if want.source == EMAIL else ""
        change = _change(setting, on, want, memory, foreign)
        if change is None:
            continue
        changes.append(change._replace(spoke=on.spoke) if on.by_booking and on.spoke else change)
        if change.note == AT_NEXT_CHANGE:
            continue
        if assumed and change.verdict is Verdict.WRITE and not want.overwrite:
            needs_read = True
        if assumed and want.field not in on.record.fields and not want.refused:
            needs_read = True
    return changes, needs_read


def _change(setting: Setting, on: Filling, want: DesiredField, memory: Memory, foreign: str) -> Change | None:
    """What becomes of one mapped field; None where there is nothing to say. `foreign` says why it is not written."""
    record, target = on.record, want.target
    old, read = record.fields.get(want.field), not record.assumed
    if want.default and (record.object, record.id, want.field) not in memory.demanded:
        return None  # defaults are for records that we make, unless the CRM takes no change without the field
    refused = want.refused
    if memory.quarantine and not refused:
        refused = refusal_of(memory, record.object, on.keys, want)
    if refused:
        return change_of(want, old, read, on.spoke, Verdict.LEAVE_OUT, note=refused)
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
    if on.settled and said_by_nobody(want):
        return change_of(want, old, read, on.spoke, Verdict.KEEP, note=AT_NEXT_CHANGE)
    if foreign:
        return change_of(want, old, read, on.spoke, Verdict.KEEP, note=foreign)
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


def _foreign_name(setting: Setting, on: Filling, fields: tuple[DesiredField, ...]) -> str:
    """Why no part of the person's name is written; empty where there is no reason.

    A name is one value: its parts are written together, or into what is the same name already.
    """
    if on.contact is None:
        return ""
    if _same_name(setting, on):
        # how a typed name is parted is our guess, how it stands there somebody's knowledge; and whom a link names
        # comes back with the name that was read
        return "kept: the whole name is the same"
    parts = [want for want in fields if _is_name_part(setting, on, want)]
    there = [(want, old) for want in parts if not is_blank(old := _by_others(on, want))]
    if not there or all(want.overwrite for want in parts):
        return ""
    if why_stranger(setting, on.record, on.contact) == OTHER_ADDRESS:
        return f"kept: {OTHER_ADDRESS}"
    if any(not same(want.target, old, want.value) for want, old in there):
        return "kept: another name is there, and a name is written whole or not at all"
    return ""


def _foreign_address(setting: Setting, on: Filling) -> str:
    """Why no address is written; empty where there is no reason.

    Whom a rule of the CRM took for the person may be somebody else: with the address of another, the record would be
    found for each later booking of theirs.
    """
    if on.contact is None or on.known.made_by_us or on.named:
        return ""
    if setting.profile.person(on.record.object).email_field in on.known.sent:
        return ""
    why = why_stranger(setting, on.record, on.contact)
    return f"kept: {why}" if why == OTHER_NAME else ""


def _by_others(on: Filling, want: DesiredField) -> object:
    """What stands in a field, unless it is a fallback of ours, which real data replace."""
    old, sent = on.record.get(want.field), on.known.sent.get(want.field)
    return None if sent is not None and sent.stand_in and same(want.target, old, sent.value) else old


def _is_name_part(setting: Setting, on: Filling, want: DesiredField) -> bool:
    if on.contact is None or want.source not in _NAME_PARTS:
        return False  # a company's or a case's field, whatever is written into it
    return want.field in setting.profile.person(on.record.object).name_parts


def why_stranger(setting: Setting, record: Record, contact: Contact) -> str:
    """Why a record may be somebody else than the contact; empty where an address or the name is the same.

    A record with addresses none of which is or ever was the contact's, or one without any and with another name.
    """
    person = setting.profile.person(record.object)
    more = str(record.get(person.more_emails_field) or "").split(";") if person.more_emails_field else []
    there = {email_key(address) for address in (str(record.get(person.email_field) or ""), *more)} - {""}
    if there:
        ours = (email_key(contact.email), *contact.former_emails)
        return OTHER_ADDRESS if contact.email and there.isdisjoint(ours) else ""
    called = str(record.get(person.name_field) or "")
    return OTHER_NAME if is_other_name(called, contact) else ""


def _same_name(setting: Setting, on: Filling) -> bool:
    """Whether the person's whole name stands in the CRM already, however it is parted there."""
    there = str(on.record.get(setting.profile.person(on.record.object).name_field) or "")
    return on.contact is not None and there != "" and there.split() == on.contact.name.split()


def _was_corrected(contact: Contact | None, want: DesiredField, old: object) -> bool:
    """Whether the CRM still holds an address that somebody has corrected here.

    Overwrite guards the CRM's values against what guests type; a correction is a person's own word on this very value.
    """
    if contact is None or want.source != EMAIL or not contact.former_emails:
        return False
    return email_key(str(old)) in contact.former_emails
