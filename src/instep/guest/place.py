"""A published calendar as a guest has opened it, and the way every page of it begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from attrs import evolve, frozen
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instep.bookings import calendars
from instep.core.booking_calendar import BookingCalendar, QuestionType, Rules
from instep.engine import record_links
from instep.engine.record_links import Named
from instep.guest.asked import Asked, asked_of
from instep.guest.picking import Bookable
from instep.guest.public import frameable, hushed, nothing_here
from instep.guest.reading import Reading, reading_of
from instep.store import guest_queries
from instep.store.guest_queries import HostFace


@frozen
class Place:
    """A published calendar and what a guest wants of it."""

    account_id: int
    account: str
    calendar: BookingCalendar
    hosts: tuple[HostFace, ...]
    asked: Asked
    reading: Reading
    now: datetime
    named: Named

    @property
    def rules(self) -> Rules:
        """The calendar's rules."""
        return self.calendar.rules

    @property
    def duration(self) -> int:
        """The chosen duration, in minutes, or the first one offered."""
        offered = self.rules.durations
        return self.asked.duration if self.asked.duration in offered else offered[0]

    @property
    def bookable(self) -> Bookable:
        """What the guest can choose from."""
        return Bookable(self.account_id, self.calendar, self.duration, self.now)

    def address(self, name: str) -> str:
        """The path of one of this calendar's pages."""
        return reverse(name, args=[self.calendar.slug])

    def context(self) -> dict[str, Any]:
        """What every page of it shows."""
        return {
            "account": self.account,
            "calendar": self.calendar,
            "rules": self.rules,
            "hosts": self.hosts,
            "reading": self.reading,
            "now": self.now,
            "duration": self.duration,
            "embedded": self.asked.embedded,
        }


def place_of(request: HttpRequest, slug: str) -> Place | None:
    """The calendar of this address; None where nothing is published."""
    found = calendars.by_slug(slug.lower())
    if found is None or not found[1].published:
        return None
    account_id, calendar = found
    said = request.POST if request.method == "POST" else request.GET
    # consent that a link gave would be nobody's
    own = [q.identifier for q in calendar.rules.questions if q.type is not QuestionType.CONSENT]
    asked = asked_of(said.dict(), own)
    if request.method == "POST":
        # what was typed belongs into no address
        asked = evolve(asked, prefill={})
    hosts = guest_queries.faces(account_id, calendar.hosts)
    reading = reading_of(request, asked, hosts[0].zone if hosts else "")
    account = guest_queries.account_name(account_id)
    now = datetime.now(UTC)
    named = record_links.named_by(account_id, calendar.id, asked.record, now)
    return Place(account_id, account, calendar, hosts, asked, reading, now, named)


def at_calendar(view: Callable[[HttpRequest, Place], HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of a published calendar. Its address is kept quiet where it names a record of the CRM."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str) -> HttpResponse:
        place = place_of(request, slug)
        if place is None:
            return nothing_here(request, "guest/no_calendar.html")
        response = view(request, place)
        if place.asked.record:
            hushed(response)
        return frameable(response) if place.asked.embedded else response

    return guarded
