"""What planning a person and planning an activity share: one field, its owner, and what was refused before."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from instep.core.catalogue import is_booking_fed
from instep.core.changes import Change, Verdict
from instep.core.crm_schema import Field
from instep.core.desired import DesiredField, Owner, Setting
from instep.core.mapping import default_for, fingerprint, is_blank
from instep.core.work import Memory


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
            return evolve(spare, note=refused)
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
    return Change(
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
    )


def refusal_of(memory: Memory, object_name: str, keys: tuple[str, ...], want: DesiredField) -> str:
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
        change = evolve(change, verdict=Verdict.LEAVE_OUT, note=refused)
    return [change]
