"""Hosts on first sight: who the facts name, what they say of them, and whose bookings that concerns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from instep.core.booking import Host
from instep.core.contact import Fields, email_key, merge, stamped, values_of
from instep.core.fold import Hosts, Snapshot
from instep.ingest.oncehub import is_host_address
from instep.store import convert, people_queries
from instep.store.models import public_id
from instep.store.people_queries import HostRow

#: how a host's map of values names the source's id of him
_ID = "source:"


@frozen
class Claim:
    """What facts say of the host with one address."""

    email: str
    fields: Fields = field(factory=dict)


@frozen
class Learned:
    """What is new about hosts: addresses and ids that became known or moved; addresses of changed hosts.

    `fresher` says that there is something to write, if only that known values are confirmed by newer facts.
    """

    mentions: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    fresher: bool = False


def claims(snapshots: Iterable[Snapshot]) -> dict[str, Claim]:
    """What these facts say of hosts, by lower-case address."""
    found: dict[str, Claim] = {}
    for snapshot in sorted(snapshots, key=lambda s: s.order):
        owner = snapshot.owner
        said: list[tuple[str, dict[str, Any]]] = []
        if snapshot.host_address and is_host_address(snapshot.host_address):
            said.append((snapshot.host_address, {}))
        if owner is not None and owner.email:
            ids = {_ID + owner.id: owner.id} if owner.id else {}
            said.append((owner.email, {"name": owner.name, "time_zone": owner.time_zone, **ids}))
        for address, values in said:
            key = email_key(address)
            known = found.get(key, Claim(email=key))
            found[key] = Claim(known.email, merge(known.fields, stamped(values, snapshot.stamp)))
    return found


def news(account_id: int, said: Mapping[str, Claim]) -> Learned:
    """What these claims add to the hosts that are stored; nothing is written."""
    ids = {str(value) for claim in said.values() for name, value in _ids(claim.fields)}
    stored = {row.email_key: row for row in people_queries.hosts(account_id, said, ids)}
    before = {key: convert.fields_of(row.fields) for key, row in stored.items()}
    after = dict(before)
    for key, claim in said.items():
        after[key] = merge(before.get(key, {}), claim.fields)
    new = {key for key in after if key not in before}
    moved = {id_ for id_ in ids if _holder(id_, before) != _holder(id_, after)}
    changed = {key for key in before if _shown(before[key]) != _shown(after[key])}
    return Learned(frozenset(new | moved), frozenset(changed), fresher=after != before)


def keep(account_id: int, source: str, said: Mapping[str, Claim]) -> None:
    """Write what these claims say; older claims never overwrite newer ones."""
    stored = {row.email_key: row for row in people_queries.hosts(account_id, said, lock=True)}
    entries = []
    for key, claim in sorted(said.items()):
        row = stored.get(key)
        before = convert.fields_of(row.fields) if row else {}
        fields = merge(before, claim.fields)
        if row is None or fields != before:
            entries.append(_entry(row, claim, fields))
    people_queries.save_hosts(account_id, source, entries)


def known_to(account_id: int, snapshots: Collection[Snapshot]) -> Hosts:
    """The hosts that these facts may mean, as they are known now."""
    emails, ids = set(), set()
    for snapshot in snapshots:
        emails.update(email_key(address) for address in snapshot.attendees or ())
        emails.add(email_key(snapshot.host_address or ""))
        if snapshot.owner is not None:
            emails.add(email_key(snapshot.owner.email))
            ids.add(snapshot.owner.id)
    stored = people_queries.hosts(account_id, emails, ids)
    by_key = {row.email_key: _host(row) for row in stored}
    fields = {row.email_key: convert.fields_of(row.fields) for row in stored}
    holders = {id_: _holder(id_, fields) for id_ in ids}
    return Hosts(by_key, {id_: by_key[holder] for id_, holder in holders.items() if holder})


def mentions(snapshots: Iterable[Snapshot]) -> set[tuple[str, str]]:
    """(address or id, booking) for the facts whose host hangs on who becomes known."""
    found: set[tuple[str, str]] = set()
    for snapshot in snapshots:
        if snapshot.host_address and is_host_address(snapshot.host_address):
            continue
        names = [email_key(address) for address in snapshot.attendees or ()]
        if snapshot.owner is not None:
            names += [snapshot.owner.id, email_key(snapshot.owner.email)]
        found.update((name, snapshot.booking_id) for name in names if 0 < len(name) <= _LONGEST)
    return found


#: longer than any address or id can be
_LONGEST = 255


def _ids(fields: Fields) -> list[tuple[str, Any]]:
    return [(name, value) for name, (value, _) in fields.items() if name.startswith(_ID)]


def _holder(source_id: str, hosts: Mapping[str, Fields]) -> str | None:
    """Whose the source's id is: that of the host whom the newest fact gave it."""
    held = [(fields[_ID + source_id][1], key) for key, fields in hosts.items() if _ID + source_id in fields]
    return max(held)[1] if held else None


def _shown(fields: Fields) -> tuple[Any, Any]:
    said = values_of(fields)
    return said.get("name"), said.get("time_zone")


def _host(row: HostRow) -> Host:
    name, time_zone = _shown(convert.fields_of(row.fields))
    return Host(row.public_id, row.email, name or "", time_zone or "")


def _entry(row: HostRow | None, claim: Claim, fields: Fields) -> dict[str, Any]:
    name, time_zone = _shown(fields)
    return {
        "public_id": row.public_id if row else public_id("HST"),
        "email": row.email if row else claim.email,
        "email_key": email_key(claim.email),
        "source_ids": sorted(str(value) for _, value in _ids(fields)),
        "name": name or "",
        "time_zone": time_zone or "",
        "fields": convert.fields_json(fields),
    }
