"""Stretches of days in the reader's zone, as an address names them: a word (`period`), or dates (`from`, `to`)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from attrs import frozen
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

UPCOMING, TODAY, PAST_WEEK = "upcoming", "today", "past-7-days"

#: the quick choices of a list, in the order shown
QUICK = (("", _("All")), (UPCOMING, _("Upcoming")), (TODAY, _("Today")), (PAST_WEEK, _("Past 7 days")))


@frozen
class Period:
    """`first` ≤ moment < `until`; `ahead_of` instead where what is still to come is meant.

    `since` and `to` are the dates as typed, inclusive, for the form.
    """

    quick: str = ""
    since: str = ""
    to: str = ""
    first: datetime | None = None
    until: datetime | None = None
    ahead_of: datetime | None = None


def period_of(request: HttpRequest, now: datetime) -> Period:
    """The stretch that the address names. Dates go before a word; what is no date narrows nothing."""
    since, to = _day(request.GET.get("from", "")), _day(request.GET.get("to", ""))
    if since or to:
        return Period(
            since=since.isoformat() if since else "",
            to=to.isoformat() if to else "",
            first=_midnight(since) if since else None,
            until=_midnight(to + timedelta(days=1)) if to else None,
        )
    today = timezone.localtime(now).date()
    match request.GET.get("period", ""):
        case "upcoming":
            return Period(UPCOMING, ahead_of=now)
        case "today":
            return Period(TODAY, first=_midnight(today), until=_midnight(today + timedelta(days=1)))
        case "past-7-days":
            return Period(PAST_WEEK, first=_midnight(today - timedelta(days=7)), until=now)
    return Period()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # a database knows more years than people book in, and the ends of the calendar have no neighbours
    return day if 1970 <= day.year < 3000 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())
