"""Hosts as people see and edit them: who they are, and when they can be booked here.

What a person says of a host is the newest word on it, as an edit of a contact is. The address is who a host is:
bookings name their host by it, so that it stays once there are any.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from instep.core.booking_calendar import HERE, WeeklyHours, check_hours, hours_document, hours_of
from instep.core.contact import Fields, email_key, merge, tidy_email, values_of
from instep.core.errors import InputError
from instep.core.fold import stamp
from instep.core.zones import canonical
from instep.store import calendar_queries, convert, people_queries, queries, recording
from instep.store.calendar_queries import StoredHost
from instep.store.models import public_id

#: above the rank of every fact: of a fact and an edit of the same moment the edit is the newer one
_EDIT_RANK = 99


@frozen
class HostRow:
    """A host. `upcoming` counts its active bookings still to come, `booked` all that it has now.

    `hours` have the host's own zone even where there are none; `calendars` are (id, name, published) of the
    calendars made here; `crm_user` tells whether a CRM is known to have a user with this address.
    """

    key: str
    email: str
    name: str
    hours: WeeklyHours
    from_source: str
    upcoming: int
    booked: int = 0
    calendars: tuple[tuple[str, str, bool], ...] = ()
    crm_user: bool = False

    @property
    def made_here(self) -> bool:
        """Whether a person made this host, and not an event."""
        return self.from_source == HERE

    @property
    def called(self) -> str:
        """The name, or the address of a host without one."""
        return self.name or self.email


def list_hosts(account_id: int, now: datetime) -> tuple[HostRow, ...]:
    """The account's hosts, by name."""
    return tuple(_host(row) for row in calendar_queries.hosts(account_id, now))


def host(account_id: int, key: str, now: datetime) -> HostRow | None:
    """One of the account's hosts, by its public id."""
    found = calendar_queries.hosts(account_id, now, key) if key else []
    return _host(found[0]) if found else None


def create_host(account_id: int, name: str, email: str, hours: WeeklyHours, now: datetime) -> str:
    """Make a host; returns its key. Raises `InputError` for what cannot be, and for an address that is known."""
    address = _address(email)
    said = _said(name, hours)
    with transaction.atomic():
        recording.lock_hosts(account_id, alone=True)
        if people_queries.hosts(account_id, [email_key(address)]):
            raise _taken(address)
        key = public_id("HST")
        fields = {part: (value, _newest({}, part, now)) for part, value in said.items()}
        _save(account_id, HERE, key, address, fields)
        calendar_queries.set_weekly_hours(account_id, key, hours_document(hours))
    return key


def change_host(account_id: int, key: str, name: str, email: str, hours: WeeklyHours, now: datetime) -> None:
    """Write a host as it is to be; its bookings are compared with every CRM where its name or zone changed.

    Raises `InputError` for what cannot be, for an unknown host, and for another address once there are bookings.
    """
    address = _address(email)
    said = _said(name, hours)
    with transaction.atomic():
        recording.lock_hosts(account_id, alone=True)
        found = calendar_queries.hosts(account_id, now, key)
        if not found:
            raise _unknown(key)
        if email_key(address) != email_key(found[0].email):
            _move(account_id, found[0], address)
        row = people_queries.hosts(account_id, [email_key(address)], lock=True)[0]
        before = convert.fields_of(row.fields)
        after = merge(before, {part: (v, _newest(before, part, now)) for part, v in said.items()})
        if values_of(after) != values_of(before):
            _save(account_id, found[0].from_source, key, row.email, after)
            marks = recording.bookings_of_hosts(account_id, [row.email_key])
            connections = queries.mark(account_id, queries.BOOKING, marks, now)
        else:
            connections = []
        calendar_queries.set_weekly_hours(account_id, key, hours_document(hours))
        queries.wake(account_id, connections)


def delete_host(account_id: int, key: str, now: datetime) -> None:
    """Delete a host whom nobody ever booked. Raises `InputError` where bookings know it."""
    with transaction.atomic():
        recording.lock_hosts(account_id, alone=True)
        found = calendar_queries.hosts(account_id, now, key)
        if not found:
            raise _unknown(key)
        if calendar_queries.was_ever_booked(account_id, key):
            raise InputError(
                f"{found[0].name or found[0].email} has bookings: they would lose their host.",
                cure="Remove all weekly hours instead: then nobody can book this host any more.",
                code="HOST_BOOKED",
            )
        calendar_queries.delete_host(account_id, key)


def _host(row: StoredHost) -> HostRow:
    hours = hours_of(row.weekly_hours)
    zone = hours.zone if hours.spans else canonical(row.time_zone) or "UTC"
    return HostRow(
        row.public_id,
        row.email,
        row.name,
        WeeklyHours(zone, hours.spans),
        row.from_source,
        row.ahead,
        row.bookings,
        row.calendars,
        row.crm,
    )


def _address(email: str) -> str:
    address = tidy_email(email)
    try:
        validate_email(address)
    except ValidationError:
        raise InputError(
            f"“{address[:80]}” is not an e-mail address." if address else "A host needs an e-mail address.",
            cure="It is what the host is known by, here and in the CRM: name@company.com.",
            code="EMAIL",
        ) from None
    return address


def _said(name: str, hours: WeeklyHours) -> dict[str, str]:
    """What an edit says, by the names of a host's map of values."""
    check_hours(hours)
    tidy = " ".join(name.split())
    if len(tidy) > 200 or not tidy.isprintable():
        raise InputError(
            "The host's name is too long, or holds characters that cannot be shown.", code="NAME"
        )
    return {"name": tidy, "time_zone": hours.zone}


def _newest(before: Fields, part: str, now: datetime) -> str:
    """An order key of this moment, but after what is there: a source's clock may run ahead of ours."""
    mine = stamp(now, now, _EDIT_RANK, "")
    there = before[part][1] if part in before else ""
    return mine if mine > there else there + "~"


def _save(account_id: int, source: str, key: str, address: str, fields: Fields) -> None:
    said = values_of(fields)
    entry = {
        "public_id": key,
        "email": address,
        "email_key": email_key(address),
        "source_ids": sorted(str(value) for part, value in said.items() if part.startswith("source:")),
        "name": said.get("name", ""),
        "time_zone": said.get("time_zone", ""),
        "fields": convert.fields_json(fields),
    }
    people_queries.save_hosts(account_id, source, [entry])


def _move(account_id: int, found: StoredHost, address: str) -> None:
    """Give a host whom nobody booked yet another address."""
    if found.from_source != HERE or calendar_queries.was_ever_booked(account_id, found.public_id):
        raise InputError(
            f"The address {found.email} stays: bookings and the CRM know this host by it.",
            cure="Make another host with the new address, and reassign the bookings to it.",
            code="EMAIL_FIXED",
        )
    try:
        with transaction.atomic():
            calendar_queries.set_host_email(account_id, found.public_id, address, email_key(address))
    except IntegrityError:
        raise _taken(address) from None


def _taken(address: str) -> InputError:
    return InputError(
        f"There is a host with the address {address} already.",
        cure="Open it in the list of hosts, and give it weekly hours there.",
        code="HOST_EXISTS",
    )


def _unknown(key: str) -> InputError:
    return InputError(f"There is no host {key}.", code="UNKNOWN_HOST")
