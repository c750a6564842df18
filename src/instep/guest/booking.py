"""Booking: a calendar's page with its free times, and the form of the one that was chosen."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import evolve
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from instep.bookings import calendars
from instep.bookings.commands import Taken, Wish
from instep.bookings.manage import token_of
from instep.core.errors import InputError
from instep.engine import named_record, strict
from instep.engine.record_links import NOBODY, Refused
from instep.engine.strict import NotConfirmed
from instep.guest.asked import cleaned, moment_text
from instep.guest.form import TRAP, DetailsForm, prefilled
from instep.guest.known import NOT_AS_KNOWN, NOTHING, Known, is_open, known_of, open_mark
from instep.guest.month import first_of
from instep.guest.picking import PAUSED, instead_of, picture
from instep.guest.place import Place, at_calendar
from instep.guest.public import (
    base_url,
    guest_page,
    not_confirmed,
    nothing_here,
    pause,
    status_of,
    too_many_ids,
    too_often,
)
from instep.guest.reading import remember_clock
from instep.guest.zone import zone_page

_LONGEST_KEY = 80


@guest_page("GET")
@at_calendar
def book(request: HttpRequest, place: Place) -> HttpResponse:
    """The month, and the times of a day."""
    own, details_path = place.address("book"), place.address("book-details")
    asked = evolve(place.asked, start=None)
    context = {
        **place.context(),
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
@at_calendar
def zone(request: HttpRequest, place: Place) -> HttpResponse:
    """Search for another time zone."""
    back = place.address("book-details" if place.asked.start else "book")
    own = place.address("book-zone")
    known = [host.zone for host in place.hosts]
    return zone_page(request, place.asked, place.reading, back, own, known, place.now, place.context())


@guest_page("GET", "POST")
@at_calendar
def details(request: HttpRequest, place: Place) -> HttpResponse:
    """The form of a chosen time; sent, it books."""
    if place.asked.start is None:
        return HttpResponseRedirect(place.asked.link(place.address("book")))
    if request.method == "POST":
        return _sent(request, place)
    place, known = _looked_up(request, place)
    said = prefilled(place.rules, place.asked.prefill)
    zone_name = place.reading.zone_name
    empty = DetailsForm(place.rules, zone_name, known, initial=said)
    if not place.bookable.has(place.asked.start):
        # said before anything is typed
        return _other_time(request, place, empty, _lost(place), 200)
    filled = DetailsForm(place.rules, zone_name, known, data=said)
    if place.asked.skip and filled.is_valid():
        return _form(request, place, filled, template="guest/sure.html")
    return _form(request, place, empty)


def _looked_up(request: HttpRequest, place: Place) -> tuple[Place, Known]:
    """What the CRM knows of the guest whom the link names; nothing where it does not answer at once.

    A visitor who has used up his look-ups goes on as one whose link names nobody: else whoever has an id could have
    the form opened on purpose, and type over what the record says.
    """
    if not place.named.ids:
        return place, NOTHING
    spent = []

    def may_ask() -> bool:
        # who signs knows the ids already: only those of others can be tried in turn
        if place.named.signed or not too_many_ids(request, place.account_id):
            return True
        spent.append(True)
        return False

    values = named_record.values_of(
        place.account_id, place.calendar.id, place.named.ids, place.now, may_ask=may_ask
    )
    return (evolve(place, named=NOBODY) if spent else place), known_of(place.rules, values or {})


def _sent(request: HttpRequest, place: Place) -> HttpResponse:
    typed = {name: cleaned(value) for name, value in request.POST.items()}
    # a form that was shown whole counts as it was typed, even if the CRM answers by now
    mark, named = typed.get("whole", ""), bool(place.named.ids)
    shown_whole = is_open(mark, place.account_id, place.calendar.id, place.named.ids)
    place, known = (place, NOTHING) if shown_whole else _looked_up(request, place)
    form = DetailsForm(place.rules, place.reading.zone_name, known, data=typed)
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
        lost_sight = named and not shown_whole and not known and "name" not in typed
        told = _("What is known cannot be read at the moment. Please fill in the form.") if lost_sight else ""
        return _form(request, place, form, 422, told=told)
    if place.asked.duration not in place.rules.durations:
        told = _("The calendar has changed: a meeting as long as you chose is no longer offered.")
        return _other_time(request, place, form, told)
    try:
        booked = strict.book(place.account_id, _wish(request, place, form), place.now)
    except Taken as taken:
        return _form(request, place, form, 409, told=_lost(place), lost=True, nearest=taken.nearest)
    except NotConfirmed as error:
        return pause(_form(request, place, form, status_of(error), told=not_confirmed(error)))
    except InputError as refused:
        if form.blame(refused):
            return _form(request, place, form, 422)
        if form.known_labels:
            # its words may quote what the form keeps to itself
            return _form(request, place, form, 422, told=str(NOT_AS_KNOWN))
        return _other_time(request, place, form, refused.message)
    own = reverse("manage", args=[token_of(booked.id)])
    return HttpResponseRedirect(f"{own}?embed=1" if place.asked.embedded else own, status=303)


def _lost(place: Place) -> str:
    """Why the chosen time cannot be had."""
    return str(PAUSED) if place.bookable.is_paused else _("This time is not free any more.")


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
        key=_key_of(request, form),
        record_ids=place.named.ids,
        base_url=base_url(request),
    )


def _named_again(place: Place, form: DetailsForm) -> dict[str, str]:
    """The link's ids for the form to send, and that it was shown whole where it was."""
    if not place.named.ids:
        return {}
    if form.known_labels:
        return dict(place.asked.record)
    whole = open_mark(place.account_id, place.calendar.id, place.named.ids)
    return {**place.asked.record, "whole": whole}


def _notice(place: Place, form: DetailsForm) -> str:
    """Why a link that names somebody shows the form of everybody; empty where it does not."""
    if place.named.refused in (Refused.EXPIRED, Refused.FORGED):
        return _("This personal link is no longer valid. You can book all the same: please fill in the form.")
    return ""


def _key_of(request: HttpRequest, form: DetailsForm) -> str:
    """The form's key; that of a form which hides what is known stays among its like.

    Else the same key with a guessed address, sent by an open form, would tell whether the guess was right.
    """
    key = _key(request)
    return (
        salted_hmac("instep.guest.private", key, algorithm="sha256").hexdigest() if form.known_labels else key
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
        **place.context(),
        "form": form,
        "says_what_is_known": place.named.signed,
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
            **({"embed": "1"} if place.asked.embedded else {}),
            **place.asked.utm,
            **_named_again(place, form),
        },
        "notice": _notice(place, form) if not told else "",
        "back": asked.link(place.address("book"), start=None, day=day, month=first_of(day)),
        "change": asked.link(place.address("book-details"), skip=False),
        "zone_link": asked.link(place.address("book-zone")),
    }
    return render(request, template, context, status=status)
