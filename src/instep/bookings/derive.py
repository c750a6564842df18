"""Derive bookings from all their facts: who booked, what is true now, what the CRM has to be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from instep.bookings import facts, hosts, people
from instep.core.booking import Booking, Status
from instep.core.booking_calendar import HERE
from instep.core.fold import Snapshot, fold, in_order
from instep.core.fold import transition as step_of
from instep.ingest import oncehub
from instep.store import convert, queries, recording
from instep.store.recording import BookingRow

#: how the facts of each source are read again
SNAPSHOT: Mapping[str, Callable[[Mapping[str, Any]], Snapshot]] = {
    oncehub.SOURCE: oncehub.snapshot_of,
    HERE: facts.snapshot_of,
}

#: what is said of a calendar that an event makes known; those made here are there before their bookings
_CALENDAR_NOTES: Mapping[str, str] = {oncehub.SOURCE: "from OnceHub"}


@frozen
class Derived:
    """What facts made of bookings. `marks` says whom the CRMs are to be told of (booking key → person key), `changed`
    which keys have another state now; `bookings` and `keys` go by the source's id."""

    marks: Mapping[int, int | None]
    changed: tuple[int, ...]
    bookings: Mapping[str, Booking]
    keys: Mapping[str, int]


def derive(
    account_id: int,
    source: str,
    affected: set[str],
    fresh: Sequence[Snapshot],
    keys: Mapping[str, int],
    now: datetime,
) -> Derived:
    """Derive these bookings again. `fresh` are the new facts, `keys` all that the caller has at hand, by envelope."""
    stored = recording.lock_bookings(account_id, source, affected)
    # after the rows are locked: whoever held them before has committed the facts that he added
    facts_of = _facts(account_id, source, affected, fresh, keys)
    known = hosts.known_to(account_id, [s for said in facts_of.values() for s in said])
    owners = people.resolve(account_id, facts_of, now)
    _keep_surroundings(account_id, source, fresh)
    derived = {booking_id: fold(said, known) for booking_id, said in facts_of.items()}
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
    return Derived(
        {all_keys[b]: person.key if (person := owners[b]) else None for b in marked},
        tuple(all_keys[b] for b in sorted((*marked, *trashed))),
        {
            b: evolve(booking, contact_id=person.public_id if (person := owners[b]) else "")
            for b, booking in derived.items()
        },
        all_keys,
    )


def _facts(
    account_id: int, source: str, affected: set[str], fresh: Sequence[Snapshot], keys: Mapping[str, int]
) -> dict[str, tuple[Snapshot, ...]]:
    said: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in fresh:
        said[snapshot.booking_id].append(snapshot)
    for document in recording.older_facts(account_id, source, affected, keys.values()):
        snapshot = SNAPSHOT[source](document)
        said[snapshot.booking_id].append(snapshot)
    return {booking_id: in_order(found) for booking_id, found in said.items()}


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
    fact_keys: Mapping[str, int],
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
                "fact": fact_keys[snapshot.envelope_id],
            }
        )
    return steps


def _keep_surroundings(account_id: int, source: str, fresh: Sequence[Snapshot]) -> None:
    """Calendars and custom properties that these facts name, made on first sight."""
    calendars: dict[str, tuple[str, str]] = {}
    properties: dict[tuple[str, str], str] = {}
    for snapshot in sorted(fresh, key=lambda s: s.order):
        if source in _CALENDAR_NOTES and snapshot.calendar and len(snapshot.calendar) <= oncehub.MAX_ID:
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
        _CALENDAR_NOTES.get(source, ""),
        [(key, *named) for key, named in calendars.items()],
        [(*key, kind) for key, kind in properties.items()],
    )
