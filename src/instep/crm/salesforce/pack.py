"""Packing writes into as few requests as Salesforce's limits allow, parents before children. Pure.

    writes → collections (one kind of write, ≤ 200 records) → Composites (≤ 25 parts, ≤ 5 collections)

A collection of one record is sent as a single-record part: it does not count against the five, a
refusal of its parent voids nobody else, and a duplicate refusal names the matching records there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from instep.core.changes import Action, Write
from instep.core.errors import Bug
from instep.crm.port import ReadOne
from instep.crm.salesforce.names import (
    ACCOUNT,
    ASSIGNED_BY_RULES,
    CASE,
    CONTACT,
    EVENT,
    LEAD,
    REFERENCE_OPENS,
)

#: reference 2.4 and 2.6
RECORDS_PER_COLLECTION = 200
TYPE_CHUNKS_PER_COLLECTION = 10
PARTS_PER_COMPOSITE = 25
COLLECTIONS_PER_COMPOSITE = 5

#: New records come in this order, records updated by id between the people and what is about them.
_NEW_ORDER: Mapping[str, int] = {ACCOUNT: 0, LEAD: 10, CONTACT: 20, CASE: 40, EVENT: 50}
_UPDATES = 30
_NEW_OTHERS = 35

#: External ids that may stand in an address as they are; others travel in a collection's body.
_PLAIN_IN_ADDRESS = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*\Z")


@frozen
class Collection:
    """Writes of one kind that one sub-request takes, in the order their answers come."""

    writes: tuple[Write, ...]

    @property
    def action(self) -> Action:
        """How these records are written."""
        return self.writes[0].action

    @property
    def single(self) -> bool:
        """Whether this goes as one single-record part instead of a collection."""
        if len(self.writes) > 1:
            return False
        key = self.writes[0].key
        return self.action is not Action.UPSERT or (key is not None and bool(_PLAIN_IN_ADDRESS.match(key[1])))

    @property
    def rules_off(self) -> bool:
        """Whether assignment rules have to be told to stay out."""
        return any(w.object in ASSIGNED_BY_RULES and not w.auto_assign for w in self.writes)

    @property
    def rules_on(self) -> bool:
        """Whether assignment rules are asked to choose the owners."""
        return any(w.object in ASSIGNED_BY_RULES and w.auto_assign for w in self.writes)

    @property
    def save_doubles(self) -> bool:
        """Whether records are saved that a duplicate rule warns of."""
        return any(w.save_doubles for w in self.writes)


@frozen
class Composite:
    """One request: single-record reads first, then collections, each part named by its place."""

    reads: tuple[ReadOne, ...] = ()
    collections: tuple[Collection, ...] = ()


def mentions_reference(write: Write) -> bool:
    """Whether a text of the write would be taken for a reference inside a Composite (guests' text too)."""
    return REFERENCE_OPENS in (write.id + (write.key[1] if write.key else "")) or _mentions(write.values)


def _mentions(value: Any) -> bool:
    if isinstance(value, str):
        return REFERENCE_OPENS in value
    if isinstance(value, Mapping):
        return any(_mentions(k) or _mentions(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return any(_mentions(v) for v in value)
    return False


def ranks(writes: Sequence[Write]) -> dict[str, int]:
    """The place of each write's kind in the order of sending; every parent ranks before its children.

    Raises Bug where a parent is missing or writes are each other's parents.
    """
    by_ref = {w.ref: w for w in writes}
    if len(by_ref) != len(writes):
        raise Bug("Two writes of one batch have the same name.", code="ambiguous_write")
    found: dict[str, int] = {}
    for write in writes:
        _rank(write, by_ref, found, ())
    return found


def _rank(write: Write, by_ref: Mapping[str, Write], found: dict[str, int], above: tuple[str, ...]) -> int:
    if write.ref in found:
        return found[write.ref]
    if write.ref in above:
        raise Bug(f"The writes {', '.join(above)} are each other's parents.", code="circular_write")
    rank = _UPDATES if write.action is Action.UPDATE else _NEW_ORDER.get(write.object, _NEW_OTHERS)
    for ref in write.parents.values():
        parent = by_ref.get(ref)
        if parent is None:
            raise Bug(f"{write.ref} refers to {ref}, which is not in the batch.", code="missing_parent")
        if parent.action is Action.UPDATE:
            continue  # its id is known: it need not be written before
        rank = max(rank, _rank(parent, by_ref, found, (*above, write.ref)) + 1)
    found[write.ref] = rank
    return rank


def collections(writes: Sequence[Write], order: Mapping[str, int]) -> list[Collection]:
    """All writes in collections, in the order of sending. Every write is in exactly one."""
    kinds: dict[tuple[Any, ...], list[Write]] = {}
    for write in sorted(writes, key=lambda w: (order[w.ref], w.object)):
        kinds.setdefault(_kind(write, order[write.ref]), []).append(write)
    return [Collection(tuple(chunk)) for kind in kinds.values() for chunk in _cut(kind)]


def _kind(write: Write, rank: int) -> tuple[Any, ...]:
    """What writes must have in common to share a collection."""
    assigned = write.auto_assign and write.object in ASSIGNED_BY_RULES
    # Its parent's refusal would void the whole collection, so only brothers of the same fate share one.
    alone = frozenset(write.parents.values()) if write.alone and write.parents else None
    # a new record that doubles one is sent alone, so that the refusal names the other
    itself = write.ref if write.alone and write.action is Action.CREATE else ""
    common = (rank, write.action, assigned, write.save_doubles, alone, itself)
    if write.action is Action.UPDATE:
        return common
    return (*common, write.object, write.key[0] if write.key else "")


def _cut(writes: Iterable[Write]) -> list[list[Write]]:
    """Chunks within the limits; a record that is written twice goes into the next one."""
    chunks: list[list[Write]] = []
    open_keys: list[set[tuple[Any, ...]]] = []
    for write in writes:
        identity = _identity(write)
        for chunk, keys in zip(chunks, open_keys, strict=True):
            if identity not in keys and _takes(chunk, write):
                chunk.append(write)
                keys.add(identity)
                break
        else:
            chunks.append([write])
            open_keys.append({identity})
    return chunks


def _takes(chunk: Sequence[Write], write: Write) -> bool:
    if len(chunk) >= RECORDS_PER_COLLECTION:
        return False
    # Writes come sorted by object, so each object is one run; a run counts as one type chunk.
    return chunk[-1].object == write.object or len({w.object for w in chunk}) < TYPE_CHUNKS_PER_COLLECTION


def _identity(write: Write) -> tuple[Any, ...]:
    if write.action is Action.UPDATE:
        return (write.object, write.id[:15])
    if write.action is Action.UPSERT and write.key:
        return (write.object, write.key[1].lower())
    return (write.ref,)


def composites(reads: Sequence[ReadOne], parts: Sequence[Collection]) -> list[Composite]:
    """Reads, then collections, in as few Composites as their limits allow."""
    packed: list[Composite] = []
    reading: list[ReadOne] = []
    writing: list[Collection] = []
    for read in dict.fromkeys(reads):
        if len(reading) == PARTS_PER_COMPOSITE:
            packed.append(Composite(reads=tuple(reading)))
            reading = []
        reading.append(read)
    for part in parts:
        full = len(reading) + len(writing) == PARTS_PER_COMPOSITE
        five = not part.single and sum(not p.single for p in writing) == COLLECTIONS_PER_COMPOSITE
        if full or five:
            packed.append(Composite(tuple(reading), tuple(writing)))
            reading, writing = [], []
        writing.append(part)
    if reading or writing:
        packed.append(Composite(tuple(reading), tuple(writing)))
    return packed
