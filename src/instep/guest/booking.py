"""Booking: a calendar's page with its free times, and the form of the one that was chosen."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from instep.bookings import calendars, commands
from instep.bookings.commands import Taken, Wish
from instep.bookings.manage import token_of
from instep.core.booking_calendar import BookingCalendar, QuestionType, Rules
from instep.core.errors import InputError
from instep.guest.asked import Asked, asked_of, cleaned, moment_text
from instep.guest.form import TRAP, DetailsForm, prefilled
from instep.guest.month import first_of
from instep.guest.picking import Bookable, instead_of, picture
from instep.guest.public import base_url, guest_page, nothing_here, pause, too_often
from instep.guest.reading import Reading, reading_of, remember_clock
from instep.guest.zone import zone_page
from instep.store import guest_queries
from instep.store.guest_queries import HostFace

_LONGEST_KEY = 80


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
    return Place(account_id, account, calendar, hosts, asked, reading, datetime.now(UTC))


@guest_page("GET")
def book(request: HttpRequest, slug: str) -> HttpResponse:
    """The month, and the times of a day."""
    place = place_of(request, slug)
    if place is None:
        return nothing_here(request, "guest/no_calendar.html")
    own, details_path = place.address("book"), place.address("book-details")
    asked = evolve(place.asked, start=None)
    context = {
        **_context(place),
        "picture": picture(place.bookable, asked, place.reading, own, details_path),
        "choices": [
            (minutes, minutes == place.duration, asked.link(own, duration=minutes))
            for minutes in place.rules.durations
        ],
        "clock_link": asked.link(own, hour12=not place.reading.hour12),
        "zone_link": asked.link(place.address("book-zone")),
    }
    response = render(request, "guest/book.html", context)
    response["Cache-Control"] = "no-cache, private"
    return remember_clock(response, place.asked)


@guest_page("GET")
def astray(request: HttpRequest, rest: str) -> HttpResponse:
    """An address that is none: with what a mail program or a hand added at its end taken off, it may be one."""
    slug = rest.rstrip("/.,;:)>]").lower()
    found = calendars.by_slug(slug) if slug != rest else None
    if found is not None and found[1].published:
        return HttpResponseRedirect(reverse("book", args=[slug]))
    return nothing_here(request, "guest/no_calendar.html")


@guest_page("GET")
def zone(request: HttpRequest, slug: str) -> HttpResponse:
    """Search for another time zone."""
    place = place_of(request, slug)
    if place is None:
        return nothing_here(request, "guest/no_calendar.html")
    back = place.address("book-details" if place.asked.start else "book")
    own = place.address("book-zone")
    known = [host.zone for host in place.hosts]
    return zone_page(request, place.asked, place.reading, back, own, known, place.now, _context(place))


@guest_page("GET", "POST")
def details(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of a chosen time; sent, it books."""
    place = place_of(request, slug)
    if place is None:
        return nothing_here(request, "guest/no_calendar.html")
    if place.asked.start is None:
        return HttpResponseRedirect(place.asked.link(place.address("book")))
    if request.method == "POST":
        return _sent(request, place)
    said = prefilled(place.rules, place.asked.prefill)
    empty = DetailsForm(place.rules, place.reading.zone_name, initial=said)
    if not place.bookable.has(place.asked.start):
        # said before anything is typed
        return _other_time(request, place, empty, _("This time is not free any more."), 200)
    filled = DetailsForm(place.rules, place.reading.zone_name, data=said)
    if place.asked.skip and filled.is_valid():
        return _form(request, place, filled, template="guest/sure.html")
    return _form(request, place, empty)


def _sent(request: HttpRequest, place: Place) -> HttpResponse:
    typed = {name: cleaned(value) for name, value in request.POST.items()}
    form = DetailsForm(place.rules, place.reading.zone_name, data=typed)
    if too_often(request):
        told = _(
            "Too many forms came from your network. Wait a few minutes, then press the button again: "
            "what you typed is kept."
        )
        return pause(_form(request, place, form, 429, told=told))
    if typed.get(TRAP):
        told = _(
            "This looked like it was filled in by a program. If you are a person, press the button again."
        )
        return _form(request, place, form, 422, told=told)
    if not form.is_valid():
        return _form(request, place, form, 422)
    if place.asked.duration not in place.rules.durations:
        told = _("The calendar has changed: a meeting as long as you chose is no longer offered.")
        return _other_time(request, place, form, told)
    try:
        booked = commands.book(place.account_id, _wish(request, place, form), place.now)
    except Taken as taken:
        return _form(request, place, form, 409, told=taken.message, lost=True, nearest=taken.nearest)
    except InputError as refused:
        if form.blame(refused):
            return _form(request, place, form, 422)
        return _other_time(request, place, form, refused.message)
    return HttpResponseRedirect(reverse("manage", args=[token_of(booked.id)]), status=303)


def _other_time(
    request: HttpRequest, place: Place, form: DetailsForm, told: str, status: int = 409
) -> HttpResponse:
    """The form with all that was typed, and the free times that are nearest to the one that cannot be had."""
    assert place.asked.start is not None
    nearest = place.bookable.nearest(place.asked.start)
    return _form(request, place, form, status, told=told, lost=True, nearest=nearest)


def _wish(request: HttpRequest, place: Place, form: DetailsForm) -> Wish:
    assert place.asked.start is not None
    return Wish(
        calendar=place.calendar,
        start=place.asked.start,
        duration=place.duration,
        guest=form.guest(),
        time_zone=place.reading.zone_name,
        answers=form.answers(),
        utm=place.asked.utm,
        key=_key(request),
        base_url=base_url(request),
    )


def _key(request: HttpRequest) -> str:
    """The random text of this form: the same form sent twice is one booking."""
    kept = cleaned(request.POST.get("key", ""))
    return kept if 16 <= len(kept) <= _LONGEST_KEY else secrets.token_urlsafe(24)


def _form(
    request: HttpRequest,
    place: Place,
    form: DetailsForm,
    status: int = 200,
    *,
    told: str = "",
    lost: bool = False,
    nearest: Sequence[datetime] = (),
    template: str = "guest/details.html",
) -> HttpResponse:
    start = place.asked.start
    assert start is not None
    day = place.reading.date(start)
    asked, length = place.asked, timedelta(minutes=place.duration)
    context = {
        **_context(place),
        "form": form,
        "start": start,
        "end": start + length,
        "told": told,
        "nearest": instead_of(start, nearest, length),
        "lost": lost,
        "key": _key(request),
        "trap": TRAP,
        "kept": {
            "start": moment_text(start),
            "duration": place.duration,
            "tz": place.reading.zone_name,
            "clock": "12" if place.reading.hour12 else "24",
            **place.asked.utm,
        },
        "back": asked.link(place.address("book"), start=None, day=day, month=first_of(day)),
        "change": asked.link(place.address("book-details"), skip=False),
        "zone_link": asked.link(place.address("book-zone")),
    }
    return render(request, template, context, status=status)


def _context(place: Place) -> dict[str, Any]:
    return {
        "account": place.account,
        "calendar": place.calendar,
        "rules": place.rules,
        "hosts": place.hosts,
        "reading": place.reading,
        "now": place.now,
        "duration": place.duration,
    }
