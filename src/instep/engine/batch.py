"""One batch against one CRM: read, plan, write, react, until nothing is left to do. Knows no database.

The two-call rule: a batch costs one read and one write. When every item is linked and what we remember
of its records suffices, the read rides in the write's own call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog
from attrs import define, evolve, field, frozen

from instep.core.absorb import absorb
from instep.core.causes import DOUBTFUL
from instep.core.changes import Action, Write
from instep.core.crm_schema import Schema, with_required
from instep.core.desired import Setting
from instep.core.errors import Bug, Fenced, InstepError, NeedsAdmin, Retry, Scope
from instep.core.lookup import CrmUser, Lookup, ObjectLookup, Observed, Record
from instep.core.plan import BatchPlan, ItemPlan, plan
from instep.core.plan_record import OTHER_ADDRESS
from instep.core.receipt import Cost, receipt_document
from instep.core.refusal import REQUIRED, Reaction, Refusal, quarantined_value, react
from instep.core.required_advice import advice
from instep.core.rules import plain_email
from instep.core.to_read import fields_to_read, lookup_for
from instep.core.wanted import wanted
from instep.core.work import Memory, Quarantined, QuarantineKey, Work
from instep.crm.port import Applied, Call, Crm, ReadOne

log = structlog.get_logger(__name__)

#: loads what is remembered of records by (object, id)
Recall = Callable[[list[tuple[str, str]]], Memory]


@frozen
class Outcome:
    """What became of one item. `error` is what it waits for; `look_first` asks for a read next time."""

    work: Work
    document: Mapping[str, Any]
    error: InstepError | None = None
    look_first: bool = False

    @property
    def done(self) -> bool:
        """True when the CRM says what the item wants."""
        return self.error is None


@frozen
class BatchResult:
    """What a batch did: outcomes in the order of its items, what is remembered now, calls made.

    `failure` is the error that stopped the batch or the whole connection; the outcomes of items that it
    reached before are then already true. `schema_stale` asks for a fresh describe.
    """

    outcomes: tuple[Outcome, ...]
    memory: Memory
    setting: Setting
    new_quarantine: Mapping[QuarantineKey, Quarantined]
    asked_hosts: tuple[str, ...]
    new_users: tuple[CrmUser, ...]
    calls: tuple[Call, ...]
    writes: int
    failure: InstepError | None = None
    schema_stale: bool = False
    #: fields by object that the CRM turned out to require, although its describe does not say so
    learned: Mapping[str, Collection[str]] = field(factory=dict)


@define
class _Run:
    """The moving parts of one batch."""

    crm: Crm
    setting: Setting
    works: tuple[Work, ...]
    memory: Memory
    observed: Observed = field(factory=Observed)
    rounds: list[tuple[BatchPlan, Applied]] = field(factory=list)
    problems: dict[str, InstepError] = field(factory=dict)
    look_again: set[str] = field(factory=set)
    quarantine: dict[QuarantineKey, Quarantined] = field(factory=dict)
    #: by write, what was left out because the CRM named no field
    suspects: dict[str, frozenset[QuarantineKey]] = field(factory=dict)
    parked: set[str] = field(factory=set)
    #: fields by object that are required although no describe says so
    learned: dict[str, set[str]] = field(factory=dict)
    #: records that a refusal has named and that nobody has read yet
    to_read: set[tuple[str, str]] = field(factory=set)
    recall: Recall = lambda keys: Memory()
    asked_hosts: tuple[str, ...] = ()
    writes: int = 0
    schema_stale: bool = False


def run_batch(
    crm: Crm,
    setting: Setting,
    works: Sequence[Work],
    memory: Memory,
    *,
    look_first: frozenset[str] = frozenset(),
    unknown_hosts: frozenset[str] = frozenset(),
    before_write: Callable[[], None] = lambda: None,
    recall: Recall = lambda keys: Memory(),
    max_rounds: int = 8,
) -> BatchResult:
    """Bring the items in step. Never raises for the CRM's refusals; a `Fenced` is passed through.

    `look_first` names items whose remembered records must not be trusted; `unknown_hosts` are e-mail
    addresses of hosts that the directory does not know yet; `recall` loads what is remembered of the
    records that a read has found.
    """
    first_call = len(crm.calls)
    run = _Run(crm, setting, tuple(works), memory, recall=recall)
    failure: InstepError | None = None
    try:
        if not _from_memory(run, look_first, unknown_hosts, before_write):
            _look(run, unknown_hosts)
            _rounds(run, before_write, max_rounds, reads=())
    except Fenced:
        raise
    except InstepError as error:
        failure = error
        _keep_partial(run, error)
    except Exception as error:
        # our own mistake with somebody's data must not stop the lane: the batch is halved until one
        # item is left, and that one waits with the words of the mistake
        log.exception("batch.bug", items=len(run.works))
        failure = Bug(
            f"{type(error).__name__}: {error}", code="BUG", cure="Please report it; the rest goes on."
        )
    calls = tuple(crm.calls[first_call:])
    return BatchResult(
        _outcomes(run, calls, failure),
        run.memory,
        run.setting,
        run.quarantine,
        run.asked_hosts,
        run.observed.users,
        calls,
        run.writes,
        failure,
        run.schema_stale,
        run.learned,
    )


def preview(
    crm: Crm,
    setting: Setting,
    works: Sequence[Work],
    memory: Memory,
    unknown_hosts: frozenset[str],
    recall: Recall = lambda keys: Memory(),
) -> tuple[BatchPlan, int]:
    """What `run_batch` would do, with one read and no write; the second value is its cost in calls."""
    run = _Run(crm, setting, tuple(works), evolve(memory, waiting={}), recall=recall)
    quick = None if unknown_hosts else _planned_from_memory(run)
    before = len(crm.calls)
    _look(run, unknown_hosts)
    looks = len(crm.calls) - before
    full = plan(run.setting, run.works, run.observed, run.memory)
    return full, looks + crm.calls_for(full.writes) if quick is None else crm.calls_for(quick.writes)


def _planned_from_memory(run: _Run) -> BatchPlan | None:
    """The plan that is made without a look, None where one is needed."""
    remembered = _remembered(run)
    if remembered is None:
        return None
    quick = plan(run.setting, run.works, remembered, run.memory)
    fits = len(_reads(run, quick)) <= run.crm.reads_in_a_write
    return quick if fits and not quick.needs_read else None


# --- reading ------------------------------------------------------------------------------------


def _look(run: _Run, unknown_hosts: frozenset[str]) -> None:
    lookup = lookup_for(run.setting, run.works, unknown_hosts)
    if lookup.empty:
        return
    run.observed = run.crm.observe(lookup)
    run.asked_hosts = lookup.users
    directory = run.setting.directory.with_users(run.observed.users)
    run.setting = evolve(run.setting, directory=directory)
    found = run.recall(_record_keys(run.observed))
    run.memory = evolve(
        run.memory,
        known={**found.known, **run.memory.known},
        quarantine={**found.quarantine, **run.memory.quarantine},
    )


def _record_keys(observed: Observed) -> list[tuple[str, str]]:
    """Every record that was read, those behind a conversion too."""
    behind = [r for record in observed.records for r in record.followed.values()]
    return [(r.object, r.id) for r in (*observed.records, *behind)]


def _remembered(run: _Run) -> Observed | None:
    """The linked records as we last saw them, or None when any item has none to rely on."""
    records: dict[tuple[str, str], Record] = {}
    for work in run.works:
        want = wanted(run.setting, work)
        if work.held or want.nothing:
            continue
        link = work.link
        if (work.contact is not None and not link.person_id) or (want.activity and not link.activity_id):
            return None
        for key in link.records(run.setting.profile):
            known = run.memory.known.get(key)
            if known is None or not known.snapshot:
                return None
            records[key] = Record(key[0], key[1], known.snapshot, assumed=True)
    return Observed(tuple(records.values()))


def _from_memory(
    run: _Run,
    look_first: frozenset[str],
    unknown_hosts: frozenset[str],
    before_write: Callable[[], None],
) -> bool:
    """Try the one-call way: plan from memory, read the true old values in the write's own call."""
    if unknown_hosts or any(work.item in look_first for work in run.works):
        return False
    remembered = _remembered(run)
    if remembered is None:
        return False
    batch = plan(run.setting, run.works, remembered, run.memory)
    reads = _reads(run, batch)
    if batch.needs_read or len(reads) > run.crm.reads_in_a_write:
        return False
    run.observed = remembered
    _rounds(run, before_write, 1, reads=reads)
    _note_stale_people(run)
    if run.problems or not _all_well(run):
        # what memory said was refused: forget the verdicts and take the long way, with a read
        run.problems.clear()
        run.look_again.clear()
        run.parked.clear()
        run.memory = evolve(run.memory, waiting={})
        return False
    return True


def _all_well(run: _Run) -> bool:
    batch, applied = run.rounds[-1]
    return all(applied.results[write.ref].ok for write in batch.writes)


def _note_stale_people(run: _Run) -> None:
    """A linked person that the write's own read shows as converted or gone: its items are read at once."""
    _, applied = run.rounds[-1]
    stale = {
        key for key, record in applied.reads.items() if record is None or _is_converted(run.setting, record)
    }
    for work in run.works:
        if (work.link.person_object, work.link.person_id) in stale:
            run.look_again.add(work.item)


def _is_converted(setting: Setting, record: Record) -> bool:
    person = next((p for p in setting.profile.persons if p.name == record.object), None)
    return bool(person and person.conversion and record.get(person.conversion.flag))


def _reads(run: _Run, batch: BatchPlan) -> tuple[ReadOne, ...]:
    """The records whose true old values the receipt shows: each one written, and its person.

    None where the CRM cannot tell them in the call that writes: then they are shown as unknown.
    """
    if not run.crm.reads_in_a_write:
        return ()
    keys: dict[tuple[str, str], None] = {}
    serving = {write.item for write in batch.writes}
    for write in batch.writes:
        if write.id:
            keys[(write.object, write.id)] = None
    for item in batch.items:
        if item.item in serving and item.person[1]:
            keys[item.person] = None
    return tuple(ReadOne(o, i, fields_to_read(run.setting, o)) for o, i in keys)


# --- writing and reacting -----------------------------------------------------------------------


def _rounds(run: _Run, before_write: Callable[[], None], max_rounds: int, reads: tuple[ReadOne, ...]) -> None:
    for _ in range(max_rounds):
        batch = plan(run.setting, run.works, run.observed, run.memory)
        _note_doubtful(run, batch)
        writes = tuple(w for w in batch.writes if w.ref not in run.parked)
        if not writes:
            # what this plan remarks ("deleted in the CRM and left so") belongs into the receipt too
            if not run.rounds or any(item.notes for item in batch.items):
                run.rounds.append((batch, Applied()))
                _take_in(run, batch, Applied())
            return
        applied = _apply(run, batch, writes, reads, before_write)
        _react(run, writes, applied)
        if batch.pending or run.to_read:
            _read_on(run)
        elif not batch.more and all(applied.results[write.ref].ok for write in writes):
            # planning again would find nothing: that is the plan's own law, and it costs time
            return
    remaining = plan(run.setting, run.works, run.observed, run.memory).writes
    for write in remaining:
        if write.ref not in run.parked and write.item not in run.problems and not reads:
            run.problems[write.item] = Retry(
                f"{write.object} was refused again and again in one run.", code="TOO_MANY_ROUNDS"
            )


def _read_on(run: _Run) -> None:
    """Read what a round has brought up: records made that others refer to by another id, records that are doubled."""
    named = tuple(
        ObjectLookup(name, fields_to_read(run.setting, name), {"Id": tuple(sorted(ids))})
        for name, ids in _by_object(run.to_read).items()
    )
    run.to_read.clear()
    again = Lookup(named) if named else lookup_for(run.setting, run.works)
    seen = run.crm.observe(again)
    records = {(r.object, r.id): r for r in (*run.observed.records, *seen.records)}
    run.observed = evolve(run.observed, records=tuple(records.values()))
    found = run.recall(_record_keys(seen))
    run.memory = evolve(
        run.memory,
        known={**found.known, **run.memory.known},
        quarantine={**found.quarantine, **run.memory.quarantine},
    )


def _by_object(keys: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for name, record_id in keys:
        ids.setdefault(name, set()).add(record_id)
    return ids


def _apply(
    run: _Run,
    batch: BatchPlan,
    writes: tuple[Write, ...],
    reads: tuple[ReadOne, ...],
    before_write: Callable[[], None],
) -> Applied:
    run.writes += len(writes)
    try:
        applied = run.crm.apply(writes, reads, before_write)
    except InstepError as error:
        run.rounds.append((batch, Applied()))
        run.problems |= {w.item: error for w in writes if error.scope is Scope.BATCH}
        raise
    run.rounds.append((batch, applied))
    _take_in(run, batch, applied)
    return applied


def _take_in(run: _Run, batch: BatchPlan, applied: Applied) -> None:
    after = absorb(run.setting, run.works, batch, applied.results, applied.reads, run.observed, run.memory)
    run.observed, run.memory, run.works = after.observed, after.memory, after.works


def _keep_partial(run: _Run, error: InstepError) -> None:
    """Take in what the CRM had answered before the batch stopped: it must not be done twice."""
    partial = getattr(error, "partial", None)
    if not isinstance(partial, Applied) or not run.rounds:
        return
    batch, _ = run.rounds[-1]
    run.rounds[-1] = (batch, partial)
    _take_in(run, batch, partial)


def _react(run: _Run, writes: tuple[Write, ...], applied: Applied) -> None:
    planned_by = run.setting.schema
    for write in writes:
        result = applied.results.get(write.ref)
        if result is None:
            raise Bug(f"The CRM adapter gave no answer for {write.ref}.", code="NO_ANSWER")
        if result.error is not None and result.error.code == REQUIRED:
            _advise(run, write, result.error)
        if result.error is not None and not _learn(run, write, result.error, planned_by):
            _refused(run, write, result.error)


def _refused(run: _Run, write: Write, error: InstepError) -> None:
    if error.scope in (Scope.BATCH, Scope.CONNECTION):
        raise error
    if _demanded(run, write, error):
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


def _advise(run: _Run, write: Write, error: InstepError) -> None:
    """What helps depends on the kind of field, which the adapter does not know; the receipt has this same error."""
    described, there = run.setting.schema.get(write.object), write.action is Action.UPDATE
    cure = advice(described, error.fields, run.setting.profile, new=not there, there=there)
    error.cure = cure or error.cure


def _demanded(run: _Run, write: Write, error: InstepError) -> bool:
    """What the CRM requires of a record that was there before the field was: its default rides along then."""
    if error.code != REQUIRED or write.action is not Action.UPDATE:
        return False
    new = {(write.object, write.id, name) for name in error.fields} - run.memory.demanded
    run.memory = evolve(run.memory, demanded=run.memory.demanded | new)
    return bool(new)


def _learn(run: _Run, write: Write, error: InstepError, planned_by: Schema) -> bool:
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


def _use_double(run: _Run, write: Write, error: InstepError) -> bool:
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


def _served(run: _Run, write: Write) -> list[str]:
    """Every item that needs this write: a person or a company may be shared by several."""
    batch, _ = run.rounds[-1]
    sharing = [item.item for item in batch.items if write.ref in (item.person_ref, item.company_ref)]
    return sharing or [write.item]


def _acquit(run: _Run, write: Write) -> None:
    """Refused without the fields that were left out on suspicion: it was not them, they are sent next time."""
    innocent = run.suspects.pop(write.ref, frozenset())
    run.quarantine = {k: v for k, v in run.quarantine.items() if k not in innocent}
    kept = {k: v for k, v in run.memory.quarantine.items() if k not in innocent}
    run.memory = evolve(run.memory, quarantine=kept)


def _leave_out(run: _Run, write: Write, refusal: Refusal, code: str) -> frozenset[QuarantineKey]:
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


def _note_doubtful(run: _Run, batch: BatchPlan) -> None:
    """Records for a person to look at are kept with the refused values; the whole name is never written."""
    for item in batch.items:
        name, record_id = item.doubtful
        if record_id:
            field_name = run.setting.profile.person(name).name_field
            run.quarantine[(name, record_id, field_name)] = Quarantined("", OTHER_ADDRESS, DOUBTFUL)


# --- outcomes -----------------------------------------------------------------------------------


def _outcomes(run: _Run, calls: tuple[Call, ...], failure: InstepError | None) -> tuple[Outcome, ...]:
    cost = Cost(
        len(calls),
        sum(call.ms for call in calls),
        tuple(call.request_id for call in calls if call.request_id),
        len(run.works),
    )
    outcomes = []
    for position, work in enumerate(run.works):
        error = run.problems.get(work.item) or failure
        rounds = [
            (_own(batch.items[position], applied), applied.results, applied.reads)
            for batch, applied in run.rounds
        ]
        said = _error(error) if error is not None else None
        document = receipt_document(rounds, cost, said, schema=run.setting.schema)
        document.setdefault("item", work.item)
        document["item"] = document["item"] or work.item
        outcomes.append(Outcome(work, document, error, look_first=work.item in run.look_again))
    return tuple(outcomes)


def _own(item: ItemPlan, applied: Applied) -> ItemPlan:
    """The item's part of a round without writes that had nothing to say."""
    if all(w.changes for w in item.writes):
        return item
    return evolve(item, writes=tuple(w for w in item.writes if w.ref in applied.results or w.changes))


def _error(error: InstepError) -> dict[str, Any]:
    return {
        "class": error.decision,
        "code": error.code,
        "message": error.message,
        "cure": error.cure,
        "fields": list(error.fields),
        "request_id": error.request_id,
    }


def hosts_of(works: Sequence[Work]) -> frozenset[str]:
    """The e-mail addresses of everyone who is or was booked in these items, for comparing."""
    return frozenset(
        plain_email(host.email)
        for work in works
        if work.booking is not None
        for host in work.booking.hosts_newest_first
        if host.email
    )
