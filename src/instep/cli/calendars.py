"""`instep calendars`: what can be booked, where, and with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from instep.cli.options import Home, Json, print_json

if TYPE_CHECKING:
    from instep.bookings.hosting import HostRow
    from instep.core.booking_calendar import BookingCalendar

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def register(app: typer.Typer) -> None:
    app.command("calendars", epilog="Example: instep calendars --json")(calendars)


def calendars(home: Home = None, as_json: Json = False) -> None:
    """List the booking calendars that are made here, with their addresses and hosts."""
    from instep.ops.boot import boot

    with boot(home, migrate=True) as booted:
        url = booted.settings.public_url
        found = _load()
    if as_json:
        print_json({"calendars": [_document(one, hosts, url) for one, hosts in found]})
    elif not found:
        print("No booking calendars. Make one on the page Booking Calendars.")
    else:
        for one, hosts in found:
            print(f"{one.name}  {url}/b/{one.slug}  ({'published' if one.published else 'not published'})")
            for host in hosts:
                print(f"    {host.email}  {_hours(host)}")


def _load() -> list[tuple[BookingCalendar, list[HostRow]]]:
    from datetime import UTC, datetime

    from instep.bookings.accounts import ensure_account
    from instep.bookings.calendars import list_calendars
    from instep.bookings.hosting import list_hosts

    account_id = ensure_account().id
    hosts = {host.key: host for host in list_hosts(account_id, datetime.now(UTC))}
    return [(one, [hosts[key] for key in one.hosts]) for one in list_calendars(account_id)]


def _document(one: BookingCalendar, hosts: list[HostRow], url: str) -> dict[str, Any]:
    from instep.core.booking_calendar import hours_document, rules_document

    return {
        "id": one.id,
        "name": one.name,
        "slug": one.slug,
        "address": f"{url}/b/{one.slug}",
        "published": one.published,
        "hosts": [
            {
                "id": host.key,
                "email": host.email,
                "name": host.name,
                "priority": one.priority_of(host.key),
                "weekly_hours": hours_document(host.hours),
            }
            for host in hosts
        ],
        "rules": rules_document(one.rules),
    }


def _hours(host: HostRow) -> str:
    from instep.core.weekly_text import week

    spans = [
        f"{_DAYS[first]}{'' if first == last else '–' + _DAYS[last]} {text}"
        for first, last, text in week(host.hours)
    ]
    return f"{'; '.join(spans)} ({host.hours.zone})" if spans else "no weekly hours"
