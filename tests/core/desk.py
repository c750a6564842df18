"""A sync without an engine: look, plan, apply, absorb; what is remembered between rounds is kept here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import define, evolve, field

from core.crm import MemoryCrm
from instep.core.absorb import absorb
from instep.core.booking import Booking
from instep.core.changes import Verdict, Write
from instep.core.contact import Contact
from instep.core.desired import Setting
from instep.core.lookup import Observed, Record
from instep.core.plan import BatchPlan, plan
from instep.core.to_read import fields_to_read, lookup_for
from instep.core.wanted import wanted
from instep.core.work import Link, Memory, Work
from instep.crm.salesforce.profile import PROFILE

Planner = Callable[[Setting, Sequence[Work], Observed, Memory], BatchPlan]
Item = tuple[Booking | None, Contact | None]


class NotEmpty(AssertionError):
    """A second plan of the same batch still wants to write."""


@define
class Desk:
    """Everything between one CRM and its bookings. `planner` may be a wrong one, to see it found out.

    `strict` fails a sync after which a plan would still write.
    """

    crm: MemoryCrm
    setting: Setting
    planner: Planner = plan
    strict: bool = True
    memory: Memory = field(factory=Memory)
    links: dict[str, Link] = field(factory=dict)

    def works(self, items: Iterable[Item]) -> tuple[Work, ...]:
        """Items with the links that they have by now."""
        works = []
        for booking, contact in items:
            name = f"booking:{booking.id}" if booking else f"contact:{contact.id if contact else ''}"
            works.append(Work(name, contact, booking, self.links.get(name, Link())))
        return tuple(works)

    def look(self, works: Sequence[Work]) -> Observed:
        """What the CRM says about these items now."""
        return self.crm.observe(lookup_for(self.setting, works))

    def plan(self, *items: Item) -> BatchPlan:
        """What a sync would do, from a fresh look."""
        works = self.works(items)
        return self.planner(self.setting, works, self.look(works), self.memory)

    def sync(self, *items: Item) -> BatchPlan:
        """The two-call way; fails when planning again would still write."""
        works = self.works(items)
        return self._apply(works, self.look(works))

    def sync_from_memory(self, *items: Item) -> BatchPlan | None:
        """The one-call way, or None where memory does not suffice to decide."""
        works = self.works(items)
        observed = self._remembered(works)
        if observed is None or self.planner(self.setting, works, observed, self.memory).needs_read:
            return None
        return self._apply(works, observed)

    def _remembered(self, works: Sequence[Work]) -> Observed | None:
        records = []
        for work in works:
            want, link = wanted(self.setting, work), work.link
            if want.nothing:
                continue
            if (work.contact and not link.person_id) or (want.activity and not link.activity_id):
                return None
            for key in link.records(PROFILE):
                known = self.memory.known.get(key)
                if known is None or not known.snapshot:
                    return None
                records.append(Record(*key, known.snapshot, assumed=True))
        return Observed(tuple(_once(records)))

    def _apply(self, works: tuple[Work, ...], observed: Observed) -> BatchPlan:
        batch = self.planner(self.setting, works, observed, self.memory)
        reads = {}
        if any(record.assumed for record in observed.records):
            keys = [(w.object, w.id) for w in batch.writes] + [i.person for i in batch.items if i.person[1]]
            reads = {k: self.crm.read(k[1], k[0], fields_to_read(self.setting, k[0])) for k in keys}
        answers = self.crm.apply(batch.writes)
        after = absorb(self.setting, works, batch, answers, reads, observed, self.memory)
        self.memory = evolve(self.memory, known=after.memory.known)
        self.links |= {work.item: work.link for work in after.works}
        if batch.pending:
            # the ids by which new person accounts are referred to are read now
            return evolve(self._apply(after.works, self.look(after.works)), items=batch.items)
        self._is_empty("after what was written", after.works, after.observed)
        if not reads:
            self._is_empty("after a fresh look", after.works, self.look(after.works))
        return batch

    def _is_empty(self, when: str, works: Sequence[Work], observed: Observed) -> None:
        left = self.planner(self.setting, works, observed, self.memory).writes
        if left and self.strict:
            raise NotEmpty(f"{when} the plan still wants: {[sent(w) for w in left]}")


def _once(records: Iterable[Record]) -> Iterable[Record]:
    """Each record once, as a read would give it."""
    return {(r.object, r.id): r for r in records}.values()


def sent(write: Write) -> dict[str, Any]:
    """What a write sends, to compare or to show."""
    return {"ref": write.ref, **write.values, **write.parents}


def verdicts(write: Write) -> dict[str, str]:
    """What becomes of each field that was considered, with the reason."""
    return {
        c.field: f"{c.verdict.value}: {c.rule if c.verdict is Verdict.WRITE else c.note}"
        for c in write.changes
    }
