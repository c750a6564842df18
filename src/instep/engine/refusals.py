"""What a batch does about each refused write: leave a value out, read on, wait, or ask for a person."""

from __future__ import annotations

from attrs import evolve

from instep.core.changes import Action, Verdict, Write
from instep.core.crm_schema import Schema, with_required
from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope
from instep.core.refusal import (
    DOUBLED,
    OWNER_INACTIVE,
    REQUIRED,
    Reaction,
    Refusal,
    quarantined_value,
    react,
)
from instep.core.required_advice import advice
from instep.core.work import Quarantined, QuarantineKey
from instep.crm.port import Applied
from instep.engine.run import Run


def react_to(run: Run, writes: tuple[Write, ...], applied: Applied) -> None:
    planned_by = run.setting.schema
    for write in writes:
        result = applied.results.get(write.ref)
        if result is None:
            raise Bug(f"The CRM adapter gave no answer for {write.ref}.", code="NO_ANSWER")
        if result.error is not None and result.error.code == REQUIRED:
            _advise(run, write, result.error)
        if result.error is not None and not _learn(run, write, result.error, planned_by):
            _refused(run, write, result.error)


def _refused(run: Run, write: Write, error: InstepError) -> None:
    if error.scope in (Scope.BATCH, Scope.CONNECTION):
        raise error
    if _demanded(run, write, error) or _owner_left(run, write, error) or _saved_anyway(run, write, error):
        return
    refusal = react(write, error)
    parent = not write.ref.startswith("activity:")
    if parent:
        run.memory = evolve(run.memory, fragile=run.memory.fragile | {write.ref})
    if refusal.reaction is Reaction.LEAVE_OUT:
        added = _leave_out(run, write, refusal, error.code)
        if not error.fields:
            run.suspects[write.ref] = added
        return
    if refusal.reaction is Reaction.DOUBLED and _use_double(run, write, error):
        return
    if refusal.reaction in (Reaction.WAIT, Reaction.DOUBLED):
        _acquit(run, write)
    if refusal.reaction is Reaction.LOOK_AGAIN:
        run.look_again.add(write.item)
        error = Retry(error.message, code=error.code, scope=Scope.RECORD, after=0)
    elif refusal.reaction is not Reaction.LATER and not isinstance(error, NeedsAdmin):
        error = NeedsAdmin(error.message, code=error.code, cure=error.cure, fields=error.fields)
    run.parked.add(write.ref)
    if parent:
        run.memory = evolve(
            run.memory, waiting={**run.memory.waiting, write.ref: f"{error.code}: {error.message}"}
        )
    for item in _served(run, write):
        run.problems.setdefault(item, error)


def _advise(run: Run, write: Write, error: InstepError) -> None:
    """What helps depends on the kind of field, which the adapter does not know; the receipt has this same error."""
    described, there = run.setting.schema.get(write.object), write.action is Action.UPDATE
    cure = advice(described, error.fields, run.setting.profile, new=not there, there=there)
    error.cure = cure or error.cure


def _demanded(run: Run, write: Write, error: InstepError) -> bool:
    """What the CRM requires of a record that was there before the field was: its default rides along then."""
    if error.code != REQUIRED or write.action is not Action.UPDATE:
        return False
    new = {(write.object, write.id, name) for name in error.fields} - run.memory.demanded
    run.memory = evolve(run.memory, demanded=run.memory.demanded | new)
    return bool(new)


def _owner_left(run: Run, write: Write, error: InstepError) -> bool:
    """Whether the owner is active no more: then the host has no user, and the record is planned once more by that."""
    if error.code != OWNER_INACTIVE:
        return False
    named = {str(c.new) for c in write.changes if c.verdict is Verdict.WRITE and c.field in error.fields}
    users = run.setting.directory.by_email.values()
    run.inactive |= {user.id for user in users if user.id in named}
    run.setting = evolve(run.setting, directory=run.setting.directory.without(run.inactive))
    return bool(named & run.inactive)


def _learn(run: Run, write: Write, error: InstepError, planned_by: Schema) -> bool:
    """Whether the CRM requires fields of which its describe did not say so: then the write is planned once more."""
    described = planned_by.get(write.object)
    if error.code != REQUIRED or described is None:
        return False
    found = (described.get(name) for name in error.fields)
    new = {target.name for target in found if target is not None and not target.required}
    if not new:
        return False
    run.learned.setdefault(write.object, set()).update(new)
    run.setting = evolve(run.setting, schema=with_required(run.setting.schema, {write.object: new}))
    return True


def _use_double(run: Run, write: Write, error: InstepError) -> bool:
    """What a duplicate rule refused: sent alone, so that the rule names the record, which is then used.

    False where it has been sent alone and no record that can be used was named.
    """
    before = run.memory.duplicates.get(write.ref)
    if before is not None and (before or not error.matches):
        return False
    run.memory = evolve(run.memory, duplicates={**run.memory.duplicates, write.ref: error.matches})
    known = {(record.object, record.id) for record in run.observed.records}
    run.to_read |= {match for match in error.matches if match not in known}
    return True


def _saved_anyway(run: Run, write: Write, error: InstepError) -> bool:
    """A record that is there is changed although a rule warns that it resembles another: nobody is made by that.

    False where the rule forbids it: then it was sent so already.
    """
    warned = error.code == DOUBLED and write.action is Action.UPDATE and not write.save_doubles
    if not warned or not run.setting.profile.duplicate_rules:
        return False
    run.memory = evolve(run.memory, duplicates={**run.memory.duplicates, write.ref: ()})
    return True


def _served(run: Run, write: Write) -> list[str]:
    """Every item that needs this write: a person or a company may be shared by several."""
    batch, _ = run.rounds[-1]
    sharing = [item.item for item in batch.items if write.ref in (item.person_ref, item.company_ref)]
    return sharing or [write.item]


def _acquit(run: Run, write: Write) -> None:
    """Refused without the fields that were left out on suspicion: it was not them, they are sent next time."""
    innocent = run.suspects.pop(write.ref, frozenset())
    run.quarantine = {k: v for k, v in run.quarantine.items() if k not in innocent}
    kept = {k: v for k, v in run.memory.quarantine.items() if k not in innocent}
    run.memory = evolve(run.memory, quarantine=kept)


def _leave_out(run: Run, write: Write, refusal: Refusal, code: str) -> frozenset[QuarantineKey]:
    """Put fields of a record into quarantine; returns where."""
    key = write.id or (write.key[1] if write.key else "") or write.ref.rsplit(":", 1)[-1]
    added: dict[QuarantineKey, Quarantined] = {}
    for change in refusal.fields:
        where = (write.object, "*" if refusal.everywhere else key, change.field)
        value = "" if refusal.everywhere else quarantined_value(change)
        added[where] = Quarantined(value, refusal.message, code)
    run.schema_stale = run.schema_stale or refusal.everywhere
    run.quarantine |= added
    run.memory = evolve(run.memory, quarantine={**run.memory.quarantine, **added})
    return frozenset(added)
