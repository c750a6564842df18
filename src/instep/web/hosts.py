"""Hosts: everybody who can be booked, when, and in which calendars."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dates import WEEKDAYS_ABBR
from django.views.decorators.http import require_safe

from instep.bookings.hosting import list_hosts
from instep.core.booking_calendar import WeeklyHours
from instep.core.weekly_text import week


def week_words(hours: WeeklyHours) -> list[tuple[str, str]]:
    """Weekly hours for people, a line for each run of days: (“Mon–Fri”, “09:00–17:00”)."""
    return [
        (
            str(WEEKDAYS_ABBR[first]) if first == last else f"{WEEKDAYS_ABBR[first]}–{WEEKDAYS_ABBR[last]}",
            text,
        )
        for first, last, text in week(hours)
    ]


@require_safe
def hosts(request: HttpRequest) -> HttpResponse:
    """The account's hosts, by name."""
    found = list_hosts(request.user.account_id, datetime.now(UTC))
    return render(
        request, "web/hosts/page.html", {"hosts": [(host, week_words(host.hours)) for host in found]}
    )
