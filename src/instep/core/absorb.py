"""What we know after a batch was written: the CRM as it now is, what we sent, and the links of the items.

Planning again on the result gives exactly what is still to do, so a drain goes round until nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from instep.core.changes import Answer, Verdict, Write
from instep.core.desired import Setting
from instep.core.lookup import Observed, Record
from instep.core.matching import Index
from instep.core.plan import BatchPlan, ItemPlan
from instep.core.to_read import fields_to_read
from instep.core.work import Known, Link, Memory, Sent, Work

RecordKey = tuple[str, str]

_UNKNOWN = Known()


@frozen
class After:
    """The CRM as known after a round, what is remembered of each record, and the works with new links."""

    observed: Observed
    memory: Memory
    works: tuple[Work, ...]


def absorb(
    setting: Setting,
    works: tuple[Work, ...],
    batch: BatchPlan,
    answers: Mapping[str, Answer],
    reads: Mapping[RecordKey, Record | None],
    observed: Observed,
    memory: Memory,
) -> After:
    """Fold the answers of one round into what is known. Pure; refused and void writes change nothing."""
    # those behind a conversion too: what is written to them must not make the rest of them look empty
    behind = (r for record in observed.records for r in record.followed.values())
    records = {(r.object, r.id): r for r in (*behind, *observed.records)}
    for key, record in reads.items():
        if record is not None:
            records[key] = record
        else:
            records.pop(key, None)
    known = dict(memory.known)
    blank: dict[str, dict[str, Any]] = {}
    for write in (w for item in batch.items for w in item.writes if w.id):
        known[(write.object, write.id)] = _confirm(known.get((write.object, write.id), Known()), write)
    for write in batch.writes:
        answer = answers.get(write.ref)
        if answer is None or not answer.ok:
            continue
        key = (write.object, answer.id or write.id)
        values = _values(write, answers)
        before = records.get(key)
        if before is None:
            if write.object not in blank:
                blank[write.object] = dict.fromkeys(fields_to_read(setting, write.object))
            records[key] = Record(write.object, key[1], {**blank[write.object], **values})
        else:
            records[key] = evolve(before, id=key[1], fields={**before.fields, **values})
        known[key] = _remember(known.get(key, Known()), write, values, answer.created)
    now = evolve(observed, records=tuple(records.values()))
    index = Index(setting, now)
    linked = tuple(
        evolve(work, link=_link(setting, work, item, answers, index))
        for work, item in zip(works, batch.items, strict=True)
    )
    for work in linked:
        for key in work.link.records(setting.profile):
            if key in records:
                before_it = known.get(key, _UNKNOWN)
                known[key] = Known(dict(records[key].fields), before_it.sent, before_it.made_by_us)
    return After(now, evolve(memory, known=known), linked)


def _values(write: Write, answers: Mapping[str, Answer]) -> dict[str, Any]:
    values = dict(write.values)
    for name, ref in write.parents.items():
        parent = answers.get(ref)
        if parent is not None and parent.ok:
            values[name] = parent.id
    if write.key is not None:
        values[write.key[0]] = write.key[1]
    return values


def _confirm(known: Known, write: Write) -> Known:
    """Values that were there already count as ours from now on: what a human makes of them later stays."""
    found = {
        c.field: Sent(c.old, c.source_value, spoke=c.spoke)
        for c in write.changes
        if c.already and not c.stand_in
    }
    return evolve(known, sent={**known.sent, **found}) if found else known


def _remember(known: Known, write: Write, values: Mapping[str, Any], created: bool) -> Known:
    sent = dict(_confirm(known, write).sent)
    for change in write.changes:
        if change.verdict is Verdict.WRITE:
            sent[change.field] = Sent(change.new, change.source_value, change.stand_in, change.spoke)
    for name in write.parents:
        if name in values:
            sent[name] = Sent(values[name])
    return Known(known.snapshot, sent, known.made_by_us or created)


def _link(setting: Setting, work: Work, item: ItemPlan, answers: Mapping[str, Answer], index: Index) -> Link:
    """The item's link after the round: its records found or made, its person followed to what it became."""
    link, profile = work.link, setting.profile
    person = item.person
    made = answers.get(item.person_ref) if item.person_ref else None
    if not person[1] and made is not None and made.ok and item.match is not None:
        person = (item.match.object, made.id)
    if person[1]:
        link = evolve(link, person_object=person[0], person_id=person[1])
    now = index.standing(index.record(link.person_object, link.person_id))
    if now is not None:
        link = evolve(link, person_object=now.object, person_id=now.id)
    company = answers.get(item.company_ref) if item.company_ref else None
    link = evolve(
        link,
        activity_id=_made(item, answers, profile.activity.name) or item.activity_id or link.activity_id,
        company_id=(company.id if company is not None and company.ok else "")
        or item.company_id
        or link.company_id,
    )
    if profile.case is None:
        return link
    return evolve(link, case_id=_made(item, answers, profile.case.name) or item.case_id or link.case_id)


def _made(item: ItemPlan, answers: Mapping[str, Answer], object_name: str) -> str:
    """The id of the item's own record of that object, as the CRM has answered; empty where it did not."""
    own = next((w for w in item.writes if w.object == object_name), None)
    answer = answers.get(own.ref) if own is not None else None
    return (answer.id or (own.id if own else "")) if answer is not None and answer.ok else ""
