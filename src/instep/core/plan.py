"""The plan: the difference between what should be and what is, as ordered writes with their reasons.

Planning a batch twice against the same CRM gives nothing the second time. Each person is planned once
for all items that share it; rows fed by booking data come from the item with the newest transition.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, field, frozen

from instep.core.changes import Action, Match, Write
from instep.core.desired import Setting, wants_activity
from instep.core.lookup import Observed
from instep.core.matching import Found, Index, find_person
from instep.core.plan_activity import Activities, activity_write
from instep.core.plan_person import person_write
from instep.core.work import Memory, Work


@frozen
class ItemPlan:
    """What happens to one item: how its person was found, every field considered, and remarks.

    `needs_read` is True when remembered values do not suffice to decide. `shared_with` names the item
    whose plan holds the person's changes.
    """

    item: str
    match: Match | None = None
    writes: tuple[Write, ...] = ()
    notes: tuple[str, ...] = ()
    shared_with: str = ""
    person_ref: str = ""
    needs_read: bool = False
    #: (object, id) of the record that is this item's person from now on; empty while it is new
    person: tuple[str, str] = ("", "")
    #: id of the activity record that belongs to this item; empty while there is none
    activity_id: str = ""


@frozen
class BatchPlan:
    """The plans of a batch, in the order of the items, and the writes to send, parents first."""

    items: tuple[ItemPlan, ...] = ()
    writes: tuple[Write, ...] = field(factory=tuple)

    @property
    def needs_read(self) -> bool:
        """True when any item cannot be planned from memory."""
        return any(item.needs_read for item in self.items)


def plan(setting: Setting, works: Iterable[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Plan a batch against what was observed (or, with `assumed` records, against what we remember)."""
    todo = list(works)
    index = Index(setting, observed)
    activities = Activities(setting, observed)
    by_item: dict[str, ItemPlan] = {}
    for group in _people(setting, todo, index):
        _plan_group(setting, group, activities, memory, by_item)
    items = tuple(by_item[work.item] for work in todo)
    sent = [w for item in items for w in item.writes if _to_send(w)]
    order = {name: n for n, name in enumerate((*(p.name for p in setting.profile.persons), ""))}
    sent.sort(key=lambda w: order.get(w.object, len(order)))
    return BatchPlan(items, tuple(sent))


def _to_send(write: Write) -> bool:
    return write.action is not Action.UPDATE or bool(write.values) or bool(write.parents)


@frozen
class _Group:
    """All items of a batch whose person is the same record; `found` is that of the leading item."""

    lead: Work
    found: Found | None
    members: tuple[tuple[Work, Found | None], ...]


def _people(setting: Setting, works: list[Work], index: Index) -> list[_Group]:
    """Group items by the record that is their person (or will be, for a new one)."""
    grouped: dict[tuple[str, str], list[tuple[Work, Found | None]]] = {}
    for work in works:
        found = None
        if work.contact is not None and not work.held:
            found = find_person(setting, work, work.contact, index)
        if found is None:
            key = ("item", work.item)
        elif found.record is not None:
            key = (found.record.object, found.record.id[:15])
        else:
            key = ("new", work.contact.id if work.contact else work.item)
        grouped.setdefault(key, []).append((work, found))
    groups = []
    for members in grouped.values():
        lead, found = max(members, key=lambda member: member[0].stamp)
        groups.append(_Group(lead, found, tuple(members)))
    return groups


def _plan_group(
    setting: Setting, group: _Group, activities: Activities, memory: Memory, into: dict[str, ItemPlan]
) -> None:
    written: Write | None = None
    needs_read, ref = False, ""
    notes: tuple[str, ...] = ()
    if group.found is not None and group.lead.contact is not None:
        written, needs_read, notes = person_write(
            setting, group.lead, group.found, group.lead.contact, memory
        )
        ref = written.ref
    waits = memory.waiting.get(ref, "")
    for work, found in group.members:
        leads = work is group.lead
        writes: list[Write] = []
        remarks: list[str] = list(notes) if leads else []
        if written is not None and leads and not waits:
            writes.append(written)
        item_needs = needs_read and leads
        activity_id = work.link.activity_id
        if work.held:
            remarks.append("in the trash of its source: the CRM is not touched")
        elif work.booking is not None and wants_activity(work.booking):
            event, reads, said = activity_write(setting, work, found, written, waits, activities, memory)
            item_needs = item_needs or reads
            remarks += said
            if event is not None:
                writes.append(event)
                activity_id = event.id
        elif work.booking is not None:
            remarks.append("a request that nobody has approved has no activity in the CRM")
        match = found.match if found else None
        if match is not None and waits:
            match = evolve(match, outcome="waits", rule=f"{match.rule}; it waits: {waits}")
        record = found.record if found else None
        into[work.item] = ItemPlan(
            work.item,
            match,
            tuple(writes),
            tuple(remarks),
            shared_with="" if leads or written is None else group.lead.item,
            person_ref=ref,
            needs_read=item_needs or _gone(work, found),
            person=(record.object, record.id) if record else ("", ""),
            activity_id=activity_id,
        )


def _gone(work: Work, found: Found | None) -> bool:
    """Whether the person of a linked item was not among the records at hand."""
    return found is not None and work.link.person_id != "" and found.match.outcome != "linked"
