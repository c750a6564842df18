"""One batch against one CRM: read, plan, write, react, until nothing is left to do. Knows no database.

The two-call rule: a batch costs one read and one write. When every item is linked and what we remember
of its records suffices, the read rides in the write's own call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import structlog
from attrs import evolve, field, frozen

from instep.core.absorb import absorb
from instep.core.causes import DOUBTFUL
from instep.core.changes import Write
from instep.core.desired import Setting
from instep.core.errors import Bug, Fenced, InstepError, NeedsAdmin, Retry, Scope
from instep.core.lookup import CrmUser, Observed, Record
from instep.core.plan import BatchPlan, ItemPlan, plan
from instep.core.receipt import Cost, receipt_document
from instep.core.refusal import NOT_SEARCHABLE
from instep.core.rules import plain_email
from instep.core.work import Memory, Quarantined, QuarantineKey, Work
from instep.crm.port import Applied, Call, Crm, ReadOne
from instep.engine.reading import look, read_on, reads_for, remembered
from instep.engine.refusals import react_to
from instep.engine.run import Recall, Run

log = structlog.get_logger(__name__)


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
    #: ids of users who turned out to be active no more
    inactive_users: Collection[str] = ()


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
    run = Run(crm, setting, tuple(works), memory, recall=recall)
    failure: InstepError | None = None
    try:
        if not _from_memory(run, look_first, unknown_hosts, before_write):
            look(run, unknown_hosts)
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
        run.inactive,
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
    run = Run(crm, setting, tuple(works), evolve(memory, waiting={}), recall=recall)
    quick = None if unknown_hosts else _planned_from_memory(run)
    before = len(crm.calls)
    look(run, unknown_hosts)
    looks = len(crm.calls) - before
    full = plan(run.setting, run.works, run.observed, run.memory)
    return full, looks + crm.calls_for(full.writes) if quick is None else crm.calls_for(quick.batch.writes)


@frozen
class _FromMemory:
    """The one-call way: planned from what is remembered, with what is read in the call that writes."""

    observed: Observed
    batch: BatchPlan
    reads: tuple[ReadOne, ...]


def _planned_from_memory(run: Run) -> _FromMemory | None:
    """The plan that is made without a look, None where one is needed."""
    observed = remembered(run)
    if observed is None:
        return None
    batch = plan(run.setting, run.works, observed, run.memory)
    reads = reads_for(run, batch)
    if batch.needs_read or len(reads) > run.crm.reads_in_a_write:
        return None
    return _FromMemory(observed, batch, reads)


def _from_memory(
    run: Run,
    look_first: frozenset[str],
    unknown_hosts: frozenset[str],
    before_write: Callable[[], None],
) -> bool:
    """Try the one-call way: plan from memory, read the true old values in the write's own call."""
    if unknown_hosts or any(work.item in look_first for work in run.works):
        return False
    quick = _planned_from_memory(run)
    if quick is None:
        return False
    run.observed = quick.observed
    _rounds(run, before_write, 1, reads=quick.reads, planned=quick.batch)
    _note_stale_people(run)
    if run.problems or not _all_well(run):
        # what memory said was refused: forget the verdicts and take the long way, with a read
        run.problems.clear()
        run.look_again.clear()
        run.parked.clear()
        run.memory = evolve(run.memory, waiting={})
        return False
    return True


def _all_well(run: Run) -> bool:
    batch, applied = run.rounds[-1]
    return all(applied.results[write.ref].ok for write in batch.writes)


def _note_stale_people(run: Run) -> None:
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


def _rounds(
    run: Run,
    before_write: Callable[[], None],
    max_rounds: int,
    reads: tuple[ReadOne, ...],
    planned: BatchPlan | None = None,
) -> None:
    for _ in range(max_rounds):
        batch = planned or plan(run.setting, run.works, run.observed, run.memory)
        planned = None
        _note_doubtful(run, batch)
        _note_blind(run, batch)
        writes = tuple(w for w in batch.writes if w.ref not in run.parked)
        if not writes:
            # what this plan remarks ("deleted in the CRM and left so") belongs into the receipt too
            if not run.rounds or any(item.notes for item in batch.items):
                run.rounds.append((batch, Applied()))
                _take_in(run, batch, Applied())
            return
        applied = _apply(run, batch, writes, reads, before_write)
        react_to(run, writes, applied)
        if batch.pending or run.to_read:
            read_on(run)
        elif not batch.more and all(applied.results[write.ref].ok for write in writes):
            # planning again would find nothing: that is the plan's own law, and it costs time
            return
    remaining = plan(run.setting, run.works, run.observed, run.memory).writes
    for write in remaining:
        if write.ref not in run.parked and write.item not in run.problems and not reads:
            run.problems[write.item] = Retry(
                f"{write.object} was refused again and again in one run.", code="TOO_MANY_ROUNDS"
            )


def _apply(
    run: Run,
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


def _take_in(run: Run, batch: BatchPlan, applied: Applied) -> None:
    after = absorb(run.setting, run.works, batch, applied.results, applied.reads, run.observed, run.memory)
    run.observed, run.memory, run.works = after.observed, after.memory, after.works


def _keep_partial(run: Run, error: InstepError) -> None:
    """Take in what the CRM had answered before the batch stopped: it must not be done twice."""
    partial = getattr(error, "partial", None)
    if not isinstance(partial, Applied) or not run.rounds:
        return
    batch, _ = run.rounds[-1]
    run.rounds[-1] = (batch, partial)
    _take_in(run, batch, partial)


def _note_doubtful(run: Run, batch: BatchPlan) -> None:
    """Records for a person to look at are kept with the refused values; the whole name is never written."""
    for item in batch.items:
        name, record_id, why = item.doubtful
        if why:
            field_name = run.setting.profile.person(name).name_field
            run.quarantine[(name, record_id, field_name)] = Quarantined("", why, DOUBTFUL)


def _note_blind(run: Run, batch: BatchPlan) -> None:
    """Items whose person nobody can look for wait for somebody to open the field; their activities do not."""
    label = run.setting.profile.label
    for item in batch.items:
        if item.blind:
            names = " and ".join(item.blind)
            run.problems[item.item] = NeedsAdmin(
                f"{label} does not let the connected user search by {names}: "
                "nobody knows whether this person is there.",
                code=NOT_SEARCHABLE,
                cure=f"Grant the connected user {names}, unencrypted or searchable, and try again.",
                fields=tuple(name.rpartition(".")[2] for name in item.blind),
            )


def _outcomes(run: Run, calls: tuple[Call, ...], failure: InstepError | None) -> tuple[Outcome, ...]:
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
