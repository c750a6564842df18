"""Booking Calendars: those that can be booked here, and those that a source's events name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from attrs import frozen
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from instep.bookings.calendars import list_calendars
from instep.bookings.hosting import HostRow, list_hosts
from instep.core.availability import slots
from instep.core.booking_calendar import HERE, BookingCalendar
from instep.store.calendar_queries import CalendarUse, calendar_uses

#: weekly hours come again after so long
_WEEK = timedelta(days=8)


@frozen
class Hindrance:
    """Why nobody can book a calendar, and what to do; `host` is the key of the one whose hours would help."""

    words: str
    cure: str
    host: str = ""
    needs_host: bool = False


@frozen
class ListedCalendar:
    """One row of the list."""

    calendar: BookingCalendar
    address: str
    hosts: tuple[HostRow, ...]
    bookings: int
    ahead: int
    hindrance: Hindrance | None


def address_of(request: HttpRequest, slug: str) -> str:
    """The whole address of a calendar's page, as guests are given it."""
    path = reverse("book", args=[slug])
    public: str = settings.INSTEP.public_url
    return f"{public}{path}" if public else request.build_absolute_uri(path)


def hindrance(calendar: BookingCalendar, hosts: Iterable[HostRow], now: datetime) -> Hindrance | None:
    """What keeps guests from being offered any time, whatever is taken; None where nothing does."""
    chosen = [host for host in hosts if host.key in calendar.hosts]
    if not chosen:
        return Hindrance(
            _("Nobody can book it: it has no host."), _("Choose one, and save."), needs_host=True
        )
    without = [host for host in chosen if not host.hours.spans]
    if len(without) == len(chosen):
        return Hindrance(
            _("Nobody can book it: no host has weekly hours."),
            _("Give %(host)s weekly hours") % {"host": without[0].called},
            without[0].key,
        )
    rules = calendar.rules
    first = now + timedelta(minutes=rules.min_notice)
    if any(
        slots(host.hours, rules, min(rules.durations), (), (), first, first + _WEEK, now) for host in chosen
    ):
        return None
    return Hindrance(
        _("Nobody can book it: no start fits its rules."),
        _("The meeting and its hosts' weekly hours, or the notice and the days ahead, leave no room."),
    )


@require_safe
def calendars(request: HttpRequest) -> HttpResponse:
    """The account's calendars, by name."""
    account_id, now = request.user.account_id, datetime.now(UTC)
    uses = calendar_uses(account_id, now)
    context = {
        "calendars": _listed(request, uses, now),
        "ingested": [use for use in uses if use.source != HERE],
    }
    return render(request, "web/calendars/page.html", context)


def _listed(request: HttpRequest, uses: list[CalendarUse], now: datetime) -> list[ListedCalendar]:
    account_id = request.user.account_id
    hosts: Mapping[str, HostRow] = {host.key: host for host in list_hosts(account_id, now)}
    numbers = {use.source_id: use for use in uses if use.source == HERE}
    found = []
    for calendar in list_calendars(account_id):
        chosen = tuple(hosts[key] for key in calendar.hosts if key in hosts)
        use = numbers[calendar.id]
        found.append(
            ListedCalendar(
                calendar,
                address_of(request, calendar.slug),
                chosen,
                use.bookings,
                use.ahead,
                hindrance(calendar, chosen, now),
            )
        )
    return found
