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

import psycopg
from attrs import field, frozen
from django.db import OperationalError, transaction
from django.db.utils import IntegrityError

from instep.bookings import hosts, people
from instep.core.booking import Booking, Status
from instep.core.contact import identity_email, identity_mobile
from instep.core.errors import InputError
from instep.core.fold import Snapshot, fold, in_order
from instep.core.fold import transition as step_of
from instep.ingest import oncehub
from instep.store import convert, people_queries, queries, recording
from instep.store.recording import BookingRow

#: how each source's events are read
_READ: Mapping[str, Callable[[bytes], dict[str, Any]]] = {oncehub.SOURCE: oncehub.read}
_SNAPSHOT: Mapping[str, Callable[[Mapping[str, Any]], Snapshot]] = {oncehub.SOURCE: oncehub.snapshot_of}

CALENDAR_NOTES: Mapping[str, str] = {oncehub.SOURCE: "from OnceHub"}

#: how much of an event that cannot be used is kept, in bytes
KEPT_BYTES = 64 * 1024

_ATTEMPTS = 4


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
    alone = False
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _record(account_id, read, source, now, alone)
        except _HostsNew:
            alone = True
        except (OperationalError, IntegrityError) as error:
            if attempt == _ATTEMPTS or not _passing(error):
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _passing(error: Exception) -> bool:
    """Whether another transaction was in the way: then the same work succeeds when it is done again."""
    return isinstance(
        error.__cause__,
        psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure
        | psycopg.errors.UniqueViolation,
    )


def _read(events: Iterable[bytes], source: str) -> _Read:
    facts: dict[str, tuple[Snapshot, Mapping[str, Any]]] = {}
    positions: defaultdict[str, list[int]] = defaultdict(list)
    problems, aside = [], []
    for position, raw in enumerate(events, start=1):
        try:
            document = _READ[source](raw)
            snapshot = _SNAPSHOT[source](document)
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
    marks, changed = _derive(account_id, source, affected, fresh, keys, now)
    if learned.fresher and not alone:
        # the last rows to be locked, and only to note how fresh the known values are
        hosts.keep(account_id, source, said)
    if learned.changed:
        marks = {**recording.bookings_of_hosts(account_id, learned.changed), **marks}
    queries.wake(account_id, queries.mark(account_id, queries.BOOKING, marks, now))
    return Recorded(len(fresh), known, read.problems, tuple(changed))


def _names(snapshots: Sequence[Snapshot]) -> set[str]:
    """What these facts may make: bookings, and contacts by e-mail or mobile number."""
    names = {f"booking {s.booking_id}" for s in snapshots}
    for snapshot in snapshots:
        if snapshot.form is not None:
            names.add(f"email {identity_email(snapshot.form.email)}")
            names.add(f"mobile {identity_mobile(snapshot.form.mobile_phone)}")
    return names - {"email ", "mobile "}


def _new_facts(read: _Read) -> list[dict[str, Any]]:
    facts = []
    for envelope_id, (snapshot, document) in sorted(read.facts.items()):
        form = snapshot.form
        facts.append(
            {
                "envelope_id": envelope_id,
                "booking_id": snapshot.booking_id,
                "kind": snapshot.kind.value,
                "updated_at": snapshot.updated_at.isoformat(),
                "created_at": snapshot.created_at.isoformat(),
                "rank": snapshot.order[2],
                "email_key": identity_email(form.email) if form else "",
                "mobile_key": identity_mobile(form.mobile_phone) if form else "",
                "raw": document,
            }
        )
    return facts


def _derive(
    account_id: int,
    source: str,
    affected: set[str],
    fresh: Sequence[Snapshot],
    keys: Mapping[str, int],
    now: datetime,
) -> tuple[dict[int, int | None], list[int]]:
    """Derive bookings again from all their facts: what to mark (key → person key), and what changed."""
    stored = recording.lock_bookings(account_id, source, affected)
    # after the rows are locked: whoever held them before has committed the facts that he added
    facts_of = _facts(account_id, source, affected, fresh, keys)
    known = hosts.known_to(account_id, [s for facts in facts_of.values() for s in facts])
    owners = people.resolve(account_id, facts_of, now)
    _keep_surroundings(account_id, source, fresh)
    derived = {booking_id: fold(facts, known) for booking_id, facts in facts_of.items()}
    entries, marked, trashed = [], [], []
    for booking_id, booking in sorted(derived.items()):
        row, person = stored.get(booking_id), owners[booking_id]
        entry = _entry(booking, person.key if person else None, facts_of[booking_id][-1].in_trash)
        differs = _differs(row, entry)
        if differs or (person is not None and person.changed):
            (trashed if entry["in_trash"] else marked).append(booking_id)
        if row is None or differs or row.state != entry["state"]:
            entries.append(entry)
    made = recording.save_bookings(account_id, source, entries, now) if entries else {}
    all_keys = {**{b: row.key for b, row in stored.items()}, **made}
    recording.log_transitions(account_id, _steps(fresh, derived, all_keys, keys), now)
    if trashed:
        queries.unmark(account_id, queries.BOOKING, [all_keys[b] for b in trashed])
    marks = {all_keys[b]: person.key if (person := owners[b]) else None for b in marked}
    return marks, [all_keys[b] for b in sorted((*marked, *trashed))]


def _facts(
    account_id: int, source: str, affected: set[str], fresh: Sequence[Snapshot], keys: Mapping[str, int]
) -> dict[str, tuple[Snapshot, ...]]:
    facts: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in fresh:
        facts[snapshot.booking_id].append(snapshot)
    for document in recording.older_facts(account_id, source, affected, keys.values()):
        snapshot = _SNAPSHOT[source](document)
        facts[snapshot.booking_id].append(snapshot)
    return {booking_id: in_order(found) for booking_id, found in facts.items()}


def _differs(row: BookingRow | None, entry: Mapping[str, Any]) -> bool:
    """Whether the CRM may have to be told: anything but older steps of the timeline."""
    return (
        row is None
        or row.contact_key != entry["contact"]
        or row.in_trash != entry["in_trash"]
        or convert.essence(row.state) != convert.essence(entry["state"])
    )


def _entry(booking: Booking, contact: int | None, in_trash: bool) -> dict[str, Any]:
    return {
        "source_id": booking.id,
        "status": booking.status.value,
        "detail": booking.status_detail,
        "subject": booking.subject,
        "start_at": booking.start.isoformat(),
        "end_at": booking.end.isoformat(),
        "host": booking.host.key if booking.host else None,
        "contact": contact,
        "calendar": booking.calendar or None,
        "state": convert.state_of(booking),
        "active": booking.status in (Status.REQUESTED, Status.SCHEDULED, Status.RESCHEDULED),
        "in_trash": in_trash,
    }


def _steps(
    fresh: Sequence[Snapshot],
    derived: Mapping[str, Booking],
    bookings: Mapping[str, int],
    facts: Mapping[str, int],
) -> list[dict[str, Any]]:
    """The log entries of these facts, each with the host whom the booking had from then on, as known now."""
    hosts_at = {
        booking_id: {(step.kind, step.at, step.start): step.host for step in booking.timeline}
        for booking_id, booking in derived.items()
    }
    steps = []
    for snapshot in fresh:
        host = hosts_at[snapshot.booking_id].get((snapshot.kind, snapshot.updated_at, snapshot.start))
        step = step_of(snapshot, host)
        steps.append(
            {
                "booking": bookings[snapshot.booking_id],
                "kind": step.kind.value,
                "at": step.at.isoformat(),
                "by": step.by,
                "reason": step.reason,
                "status": step.status.value,
                "start_at": snapshot.start.isoformat(),
                "host": host.key if host else None,
                "fact": facts[snapshot.envelope_id],
            }
        )
    return steps


def _keep_surroundings(account_id: int, source: str, fresh: Sequence[Snapshot]) -> None:
    """Calendars and custom properties that these facts name, made on first sight."""
    calendars: dict[str, tuple[str, str]] = {}
    properties: dict[tuple[str, str], str] = {}
    for snapshot in sorted(fresh, key=lambda s: s.order):
        if snapshot.calendar and len(snapshot.calendar) <= oncehub.MAX_ID:
            named = (snapshot.calendar_name, snapshot.stamp) if snapshot.calendar_name else ("", "")
            calendars[snapshot.calendar] = max(
                calendars.get(snapshot.calendar, ("", "")), named, key=lambda pair: pair[1]
            )
        form = snapshot.form.custom if snapshot.form else {}
        for objects, values in ((("Contact", "Meeting"), form), (("Meeting",), snapshot.custom or {})):
            for identifier, value in values.items():
                if len(identifier) <= oncehub.MAX_ID:
                    for name in objects:
                        several = isinstance(value, tuple) or properties.get((name, identifier)) == "multi"
                        properties[name, identifier] = "multi" if several else "text"
    recording.save_surroundings(
        account_id,
        source,
        CALENDAR_NOTES[source],
        [(key, *named) for key, named in calendars.items()],
        [(*key, kind) for key, kind in properties.items()],
    )
