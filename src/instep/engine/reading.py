"""What a batch reads: before it plans, in the call that writes, and after a round that has brought something up."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from instep.core.lookup import Lookup, ObjectLookup, Observed, Record
from instep.core.plan import BatchPlan
from instep.core.to_read import fields_to_read, lookup_for
from instep.core.wanted import wanted
from instep.crm.port import ReadOne
from instep.engine.run import Run


def look(run: Run, unknown_hosts: frozenset[str]) -> None:
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


def remembered(run: Run) -> Observed | None:
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


def reads_for(run: Run, batch: BatchPlan) -> tuple[ReadOne, ...]:
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


def read_on(run: Run) -> None:
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
