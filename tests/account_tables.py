"""The whole of an account's tables as plain values, for comparing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from instep.store.models import Account, Booking, Calendar, Contact, Fact, Host, Property, Transition


def tables(account: Account) -> dict[str, Any]:
    """What the account's tables say, without keys, random ids and the times of arrival."""
    hosts = {h.public_id: h.email for h in Host.objects.filter(account=account)}
    bookings = Booking.objects.filter(account=account).select_related("host", "contact", "calendar")
    contacts = Contact.objects.filter(account=account)
    # somebody known by a number only is nobody's contact any more once its earlier owner is known
    orphans = contacts.filter(email_key="", booking=None)
    return {
        "bookings": {b.source_id: _booking(b, hosts) for b in bookings},
        "contacts": sorted(
            contacts.exclude(id__in=orphans).values_list(
                "email", "email_key", "mobile_key", "identity_booking", "fields"
            ),
            key=repr,
        ),
        "hosts": _rows(Host, account, "email", "email_key", "source_ids", "name", "time_zone", "fields"),
        "calendars": _rows(Calendar, account, "source_id", "name", "published", "note"),
        "properties": _rows(Property, account, "object", "identifier", "type"),
        "facts": _rows(Fact, account, "envelope_id", "booking_source_id", "kind", "raw"),
        "transitions": sorted(
            (t.kind, t.at, t.by, t.reason, t.status) for t in Transition.objects.filter(account_id=account.id)
        ),
    }


def _rows(model: Any, account: Account, *columns: str) -> list[Any]:
    return sorted(model.objects.filter(account=account).values_list(*columns), key=repr)


def _booking(row: Booking, hosts: dict[str, str]) -> Any:
    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {hosts.get(k, k): named(v) for k, v in value.items()}
        if isinstance(value, list):
            return [named(v) for v in value]
        return hosts.get(value, value) if isinstance(value, str) else value

    return (
        row.status,
        row.detail,
        row.subject,
        row.start_at,
        row.end_at,
        row.active,
        row.in_trash,
        row.host.email if row.host else None,
        (row.contact.email_key, row.contact.mobile_key, row.contact.identity_booking)
        if row.contact
        else None,
        row.calendar.source_id if row.calendar else None,
        named(row.state),
    )


def chunks(events: list[bytes], sizes: Iterable[int]) -> list[list[bytes]]:
    """The events cut into pieces of these sizes, the rest in one."""
    pieces, rest = [], list(events)
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return [piece for piece in (*pieces, rest) if piece]
