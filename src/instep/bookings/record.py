"""Record facts: the one transaction by which events of a source change bookings, contacts and hosts.

An ingested event is a fact, not a command: it is never refused for what it says. Whatever order, grouping
and repetition the events come in, the same bookings and contacts come out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from instep.bookings import hosts, people
from instep.bookings.attempts import in_transaction
from instep.bookings.derive import SNAPSHOT, derive
from instep.bookings.facts import document_of
from instep.core.booking import Booking
from instep.core.booking_calendar import HERE
from instep.core.contact import identity_email, identity_mobile
from instep.core.errors import InputError
from instep.core.fold import Snapshot
from instep.ingest import oncehub
from instep.store import people_queries, queries, recording

#: how each source's events are read
_READ: Mapping[str, Callable[[bytes], dict[str, Any]]] = {oncehub.SOURCE: oncehub.read}

#: how much of an event that cannot be used is kept, in bytes
KEPT_BYTES = 64 * 1024


@frozen
class Problem:
    """An event that was kept aside. `position` counts from 1; `unused` ones are of no use here."""

    position: int
    code: str
    reason: str

    @property
    def unused(self) -> bool:
        """True for events that are no bookings."""
        return self.code == oncehub.NOT_USED


@frozen
class Recorded:
    """What came of a number of events. `changed` are keys of bookings whose state is another one now.

    `known` are the positions (from 1) of the `duplicates`: events that were recorded before.
    """

    accepted: int = 0
    known: frozenset[int] = frozenset()
    problems: tuple[Problem, ...] = ()
    changed: tuple[int, ...] = ()

    @property
    def duplicates(self) -> int:
        """How many events were recorded before, or stood more than once among these."""
        return len(self.known)


@frozen
class Kept:
    """What came of facts made here: the bookings as they are now and their keys, by id; the lanes to be woken."""

    bookings: Mapping[str, Booking]
    keys: Mapping[str, int]
    lanes: tuple[int, ...]


@frozen
class _Read:
    """Events after reading: facts by envelope id, with the positions of each, and those that are none."""

    facts: Mapping[str, tuple[Snapshot, Mapping[str, Any]]]
    positions: Mapping[str, Sequence[int]]
    problems: tuple[Problem, ...] = ()
    aside: tuple[tuple[str, str, str, str], ...] = field(default=(), repr=False)


class _HostsNew(Exception):
    """The facts make hosts known: the transaction has to start again with nobody else recording."""


def record(account_id: int, events: Iterable[bytes], source: str, now: datetime) -> Recorded:
    """Record events in one transaction and mark what changed in every CRM's lane, waking the drains last.

    Events that cannot be used are kept aside with the reason and never hold back the others. Safe to call
    from many threads and processes with the same events.
    """
    read = _read(events, source)
    try:
        return in_transaction(lambda: _record(account_id, read, source, now, alone=False))
    except _HostsNew:
        return in_transaction(lambda: _record(account_id, read, source, now, alone=True))


def keep(account_id: int, snapshots: Sequence[Snapshot], now: datetime) -> Kept:
    """Record facts made here, in the caller's transaction: he holds the rows of the bookings that there are already,
    and calls `queries.wake` with `Kept.lanes` as its very last statement."""
    recording.lock_hosts(account_id, alone=False)
    made = [snapshot for snapshot in snapshots if snapshot.form is not None]
    recording.lock_names(account_id, _names(made))
    keys = recording.add_facts(account_id, HERE, [_row(s, document_of(s)) for s in snapshots], now)
    derived = derive(account_id, HERE, {s.booking_id for s in snapshots}, snapshots, keys, now)
    lanes = queries.mark(account_id, queries.BOOKING, derived.marks, now)
    return Kept(derived.bookings, derived.keys, tuple(lanes))


def _read(events: Iterable[bytes], source: str) -> _Read:
    facts: dict[str, tuple[Snapshot, Mapping[str, Any]]] = {}
    positions: defaultdict[str, list[int]] = defaultdict(list)
    problems, aside = [], []
    for position, raw in enumerate(events, start=1):
        try:
            document = _READ[source](raw)
            snapshot = SNAPSHOT[source](document)
        except InputError as error:
            problems.append(Problem(position, error.code, error.message))
            aside.append((error.code, error.message, *_kept(raw)))
            continue
        positions[snapshot.envelope_id].append(position)
        facts.setdefault(snapshot.envelope_id, (snapshot, document))
    return _Read(facts, positions, tuple(problems), tuple(aside))


def _kept(raw: bytes) -> tuple[str, str]:
    """As much of an unusable event as is kept, as text without NUL, and its fingerprint."""
    text = raw[:KEPT_BYTES].decode(errors="replace").replace("\0", "�")
    return text, hashlib.sha256(raw).hexdigest()


def _record(account_id: int, read: _Read, source: str, now: datetime, alone: bool) -> Recorded:
    recording.set_aside(account_id, source, read.aside, now)
    snapshots = [snapshot for snapshot, _ in read.facts.values()]
    if not snapshots:
        return Recorded(problems=read.problems)
    recording.lock_hosts(account_id, alone=alone)
    recording.lock_names(account_id, _names(snapshots))
    keys = recording.add_facts(account_id, source, _new_facts(read), now)
    fresh = [snapshot for snapshot in snapshots if snapshot.envelope_id in keys]
    known = frozenset(p for e, places in read.positions.items() for p in places[e in keys :])
    if not fresh:
        return Recorded(0, known, read.problems)
    said = hosts.claims(fresh)
    learned = hosts.news(account_id, said)
    if (learned.mentions or learned.changed) and not alone:
        raise _HostsNew
    if alone:
        hosts.keep(account_id, source, said)
    people_queries.add_mentions(account_id, source, hosts.mentions(fresh))
    affected = {snapshot.booking_id for snapshot in fresh}
    affected |= people_queries.bookings_mentioning(account_id, source, learned.mentions)
    affected |= people_queries.bookings_known_by_mobile(account_id, source, people.said_mobiles(fresh))
    derived = derive(account_id, source, affected, fresh, keys, now)
    if learned.fresher and not alone:
        # the last rows to be locked, and only to note how fresh the known values are
        hosts.keep(account_id, source, said)
    marks = derived.marks
    if learned.changed:
        marks = {**recording.bookings_of_hosts(account_id, learned.changed), **marks}
    queries.wake(account_id, queries.mark(account_id, queries.BOOKING, marks, now))
    return Recorded(len(fresh), known, read.problems, derived.changed)


def _names(snapshots: Sequence[Snapshot]) -> set[str]:
    """What these facts may make: bookings, and contacts by e-mail or mobile number."""
    names = {f"booking {s.booking_id}" for s in snapshots}
    for snapshot in snapshots:
        if snapshot.form is not None:
            names.add(f"email {identity_email(snapshot.form.email)}")
            names.add(f"mobile {identity_mobile(snapshot.form.mobile_phone)}")
    return names - {"email ", "mobile "}


def _new_facts(read: _Read) -> list[dict[str, Any]]:
    return [_row(snapshot, document) for _, (snapshot, document) in sorted(read.facts.items())]


def _row(snapshot: Snapshot, document: Mapping[str, Any]) -> dict[str, Any]:
    form = snapshot.form
    return {
        "envelope_id": snapshot.envelope_id,
        "booking_id": snapshot.booking_id,
        "kind": snapshot.kind.value,
        "updated_at": snapshot.updated_at.isoformat(),
        "created_at": snapshot.created_at.isoformat(),
        "rank": snapshot.order[2],
        "email_key": identity_email(form.email) if form else "",
        "mobile_key": identity_mobile(form.mobile_phone) if form else "",
        "raw": document,
    }
