"""The plan of one person: what is filled, overwritten, kept or left out, and how a new one is made."""

from __future__ import annotations

from instep.core.catalogue import is_booking_fed
from instep.core.changes import Action, Change, Verdict, Write
from instep.core.contact import Contact, email_key
from instep.core.desired import DesiredField, Setting, new_record_owner, person_fields
from instep.core.lookup import Record
from instep.core.mapping import is_blank, same
from instep.core.matching import Found
from instep.core.plan_fields import change_of, new_value, owner_change, refusal_of, weaker
from instep.core.rules import PersonObject
from instep.core.work import Known, Memory, Work

#: the catalogue's key of a person's address
EMAIL = "contact.email"


def person_write(
    setting: Setting, lead: Work, found: Found, contact: Contact, memory: Memory
) -> tuple[Write, bool, tuple[str, ...]]:
    """The write of a person (perhaps without a change), whether a read is needed, notes.

    `lead` is the item that speaks for everyone who shares this person.
    """
    record = found.record
    object_name = record.object if record else found.match.object
    person = setting.profile.person(object_name)
    booking = lead.booking
    fields = person_fields(setting, object_name, contact, booking)
    if record is None:
        return _new_person(setting, lead, found, person, contact, fields, memory)
    known = memory.known.get((record.object, record.id), Known())
    # what we made carries our own id and may have been refused under it before it had one of the CRM's
    keys = (record.id, contact.id)
    changes, needs_read, spoke = [], False, lead.spoke
    for want in fields:
        change = _person_change(setting, contact, record, known, keys, want, memory, spoke)
        if change is None:
            continue
        changes.append(change)
        if record.assumed and change.verdict is Verdict.WRITE and not want.overwrite:
            needs_read = True
        if record.assumed and want.field not in record.fields and not want.refused:
            needs_read = True
    write = Write(
        f"person:{record.object}:{record.id}",
        lead.item,
        Action.UPDATE,
        record.object,
        tuple(changes),
        id=record.id,
    )
    return write, needs_read, ()


def _person_change(
    setting: Setting,
    contact: Contact,
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
    target = want.target
    old = record.get(want.field)

    def become(verdict: Verdict, rule: str = "", note: str = "", already: bool = False) -> Change:
        return change_of(want, old, not record.assumed, spoke, verdict, rule=rule, note=note, already=already)

    refused = want.refused or refusal_of(memory, record.object, keys, want)
    if refused and want.default:
        return None  # nothing has to be filled on a record that exists
    if refused:
        return become(Verdict.LEAVE_OUT, note=refused)
    if target is None or is_blank(want.value):
        return None
    if not target.updateable:
        return become(Verdict.LEAVE_OUT, note=f"{target.label} is read-only in the CRM")
    sent = known.sent.get(want.field)
    fresh = setting.config.always_write or sent is None or sent.source_value != want.source_value
    # what we remember may have been changed since: a value that must win is sent although it looks the same
    resend = record.assumed and want.overwrite and not want.stand_in and fresh
    if same(target, old, want.value) and not resend:
        return become(Verdict.KEEP, note="already so", already=not record.assumed)
    if is_blank(old):
        return become(Verdict.WRITE, f"{want.rule}; the field was empty")
    if want.stand_in:
        return become(Verdict.KEEP, note="kept: a fallback never replaces a value")
    if sent is not None and sent.stand_in and same(target, old, sent.value):
        return become(Verdict.WRITE, f"{want.rule}; it replaces the fallback that we wrote")
    if fresh and _was_corrected(contact, want, old):
        return become(Verdict.WRITE, f"{want.rule}; the address that was there was corrected in Instep")
    if not want.overwrite:
        return become(Verdict.KEEP, note="kept: Overwrite is off")
    if sent is not None and (spoke if is_booking_fed(want.source) else "") < sent.spoke:
        return become(Verdict.KEEP, note="kept: set by a newer booking of this person")
    if fresh:
        why = "Overwrite on" + (", always write" if setting.config.always_write else "")
        return become(Verdict.WRITE, f"{want.rule}, {why}")
    return become(
        Verdict.KEEP,
        note="kept: changed in the CRM after our last write, and the source has not changed since",
    )


def _was_corrected(contact: Contact, want: DesiredField, old: object) -> bool:
    """Whether the CRM still holds an address that somebody has corrected here.

    Overwrite guards the CRM's values against what guests type; a correction is a person's own word on this very value.
    """
    return (
        want.source == EMAIL and bool(contact.former_emails) and email_key(str(old)) in contact.former_emails
    )


def _new_person(
    setting: Setting,
    lead: Work,
    found: Found,
    person: PersonObject,
    contact: Contact,
    fields: tuple[DesiredField, ...],
    memory: Memory,
) -> tuple[Write, bool, tuple[str, ...]]:
    keys, spoke = (contact.id,), lead.spoke
    changes = [
        change
        for want in fields
        if (change := new_value(setting, person.name, keys, want, memory, spoke)) is not None
    ]
    notes: list[str] = []
    owner = new_record_owner(setting, lead.booking)
    changes += owner_change(setting, person.name, person.owner_field, keys, owner, memory)
    if owner.note:
        notes.append(f"{person.name} owner: {owner.note}.")
    keyed = setting.has(person.name, person.key_field)
    if not keyed:
        notes.append(weaker(setting, person.name))
    elif found.key_taken:
        keyed = False
        notes.append(f"{person.name} made without our Contact id: a record that cannot be used carries it.")
    write = Write(
        f"person:{person.name}:{contact.id}",
        lead.item,
        Action.UPSERT if keyed else Action.CREATE,
        person.name,
        tuple(changes),
        key=(person.key_field, contact.id) if keyed else None,
    )
    return write, True, tuple(notes)
