"""Packing writes into batches: one kind of write on one object, at most 100 records, no record twice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from instep.core.changes import Action, Write
from instep.crm.hubspot import names
from instep.crm.hubspot.wire import properties_of

#: reference 2.2
RECORDS_PER_BATCH = 100
#: new people, then changes of people, then what is about them
_ORDER = ((names.CONTACT, True), (names.CONTACT, False), (names.MEETING, True), (names.MEETING, False))

IdOf = Callable[[str], str]


@frozen
class Batch:
    """Writes that one request takes: all new or all known, of one object."""

    object: str
    new: bool
    writes: tuple[Write, ...]

    @property
    def path(self) -> str:
        """Where the batch is sent."""
        return f"/crm/objects/{{V}}/{names.PATHS[self.object]}/batch/{'create' if self.new else 'update'}"


def batches(writes: Iterable[Write]) -> list[Batch]:
    """All writes in batches, parents before children. Every write is in exactly one."""
    kinds: dict[tuple[str, bool], list[Write]] = {kind: [] for kind in _ORDER}
    for write in writes:
        kinds[write.object, write.action is not Action.UPDATE].append(write)
    return [Batch(*kind, tuple(chunk)) for kind, found in kinds.items() for chunk in _cut(found)]


def _cut(writes: Sequence[Write]) -> list[list[Write]]:
    """Chunks within the limit; a record that is written twice goes into the next one (reference 2.2)."""
    chunks: list[list[Write]] = []
    taken: list[set[str]] = []
    for write in writes:
        identity = write.id or (write.key[1] if write.key else write.ref)
        for chunk, keys in zip(chunks, taken, strict=True):
            if identity not in keys and len(chunk) < RECORDS_PER_BATCH:
                chunk.append(write)
                keys.add(identity)
                break
        else:
            chunks.append([write])
            taken.append({identity})
    return chunks


def body_of(batch: Batch, id_of: IdOf) -> dict[str, Any]:
    """The body of a batch; every input is named, so that an answer can say which one it means."""
    return {"inputs": [_input(batch, write, id_of) for write in batch.writes]}


def _input(batch: Batch, write: Write, id_of: IdOf) -> dict[str, Any]:
    properties = properties_of(write.values)
    if not batch.new:
        return {"id": write.id, "properties": properties, "objectWriteTraceId": write.ref}
    if write.key is not None:
        properties[write.key[0]] = write.key[1]
    return {
        # nothing is there that a blank could clear
        "properties": {name: value for name, value in properties.items() if value != ""},
        "associations": [
            {
                "to": {"id": contact},
                "types": [
                    {
                        "associationCategory": "HUBSPOT_DEFINED",
                        "associationTypeId": names.MEETING_TO_CONTACT,
                    }
                ],
            }
            for contact in contacts_of(write, id_of)
        ],
        "objectWriteTraceId": write.ref,
    }


def contacts_of(write: Write, id_of: IdOf) -> tuple[str, ...]:
    """The contacts that a meeting is to be associated with, its own person first."""
    if write.object != names.MEETING:
        return ()
    person = [id_of(ref) for name, ref in write.parents.items() if name == names.PERSON]
    person += [str(write.values[names.PERSON])] if write.values.get(names.PERSON) else []
    people = [str(one) for one in write.values.get(names.PEOPLE) or ()]
    return tuple(dict.fromkeys((*person, *people)))


def contacts_left(write: Write, now: Sequence[str]) -> tuple[str, ...]:
    """The contacts that a known meeting was associated with by us, and is not any more."""
    before: list[str] = []
    for change in write.changes:
        if change.field in (names.PERSON, names.PEOPLE) and change.field in write.values:
            before += [change.old] if isinstance(change.old, str) else list(change.old or ())
    return tuple(dict.fromkeys(one for one in before if one and one not in now))


def named_by(entry: Mapping[str, Any], batch: Batch, id_of: IdOf, blocked: frozenset[str]) -> list[Write]:
    """The writes that an error of a batch speaks of: by trace id, by record id, by the contact it was refused."""
    context = entry.get("context") or {}
    traces = frozenset(map(str, context.get("objectWriteTraceId") or ()))
    ids = frozenset(map(str, (*(context.get("ids") or ()), *(context.get("id") or ()))))
    return [
        write
        for write in batch.writes
        if write.ref in traces
        or (write.id and write.id in ids)
        or (blocked and not blocked.isdisjoint(contacts_of(write, id_of)))
    ]
