"""Another time for a guest's booking: the same month of free times, then a page that asks for the reason and moves it.

Where the host asked for another time, the chosen one becomes a new booking that says which one it follows, with the
name and the answers that the guest gave before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import evolve
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from instep.bookings import commands
from instep.bookings.commands import Taken, Wish
from instep.bookings.manage import token_of
from instep.core.acts import Act
from instep.core.errors import InputError
from instep.engine import strict
from instep.engine.strict import NotConfirmed
from instep.guest.asked import cleaned, moment_text
from instep.guest.known import NOT_AS_KNOWN
from instep.guest.manage import LONGEST_REASON
from instep.guest.meeting import Meeting, meeting_of, no_meeting
from instep.guest.month import first_of
from instep.guest.picking import PAUSED, Bookable, instead_of, picture
from instep.guest.public import base_url, guest_page, not_confirmed, pause, private, status_of, too_often
from instep.guest.reading import remember_clock
from instep.guest.zone import zone_page


@guest_page("GET")
@private
def times(request: HttpRequest, token: str) -> HttpResponse:
    """The month, and the times of a day, for this booking."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    if meeting.follower:
        return HttpResponseRedirect(meeting.follower)
    refusal = _refusal(meeting)
    if refusal:
        return _refused(request, meeting, refusal)
    asked = evolve(meeting.asked, start=None, duration=0, prefill={}, utm={}, skip=False)
    if asked.month is None and asked.day is None and not meeting.standing.asked_anew:
        # people look for another time around the one they have
        asked = evolve(asked, month=first_of(meeting.reading.date(meeting.booking.start)))
    own = meeting.address("manage-time")
    context = {
        **meeting.context(),
        "picture": picture(
            _bookable(meeting), asked, meeting.reading, own, meeting.address("manage-confirm")
        ),
        "clock_link": asked.link(own, hour12=not meeting.reading.hour12),
        "zone_link": asked.link(meeting.address("manage-zone")),
    }
    return remember_clock(render(request, "guest/move.html", context), meeting.asked)


@guest_page("GET")
@private
def zone(request: HttpRequest, token: str) -> HttpResponse:
    """Search for another time zone."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    asked = evolve(meeting.asked, prefill={}, utm={}, skip=False)
    back = meeting.address("manage-confirm" if asked.start else "manage-time")
    known = [meeting.booking.guest_time_zone, meeting.booking.host.time_zone if meeting.booking.host else ""]
    own = meeting.address("manage-zone")
    return zone_page(request, asked, meeting.reading, back, own, known, meeting.now, meeting.context())


@guest_page("GET", "POST")
@private
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show what would change, and change it when the form is sent."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    start = meeting.asked.start
    if meeting.follower or (start == meeting.booking.start and not meeting.standing.asked_anew):
        # pressed twice
        return HttpResponseRedirect(meeting.follower or meeting.address("manage"), status=303)
    refusal = _refusal(meeting)
    if refusal:
        return _refused(request, meeting, refusal, 409 if request.method == "POST" else 200)
    if start is None:
        return HttpResponseRedirect(meeting.address("manage-time"))
    if request.method != "POST":
        bookable = _bookable(meeting)
        if bookable.has(start):
            return _page(request, meeting, start)
        told = str(PAUSED) if bookable.is_paused else _("This time is not free any more.")
        return _page(request, meeting, start, told=told, lost=True, nearest=bookable.nearest(start))
    if too_often(request):
        told = _("Too many forms came from your network. Wait a few minutes, then press the button again.")
        return pause(_page(request, meeting, start, 429, told=told))
    try:
        token = _move(request, meeting, start)
    except Taken as taken:
        return _page(request, meeting, start, 409, told=taken.message, lost=True, nearest=taken.nearest)
    except NotConfirmed as error:
        return pause(_page(request, meeting, start, status_of(error), told=not_confirmed(error)))
    except InputError as refused:
        nearest = _bookable(meeting).nearest(start)
        # of who came by a record's link, the booking may hold what the guest has never seen
        told = str(NOT_AS_KNOWN) if meeting.booking.record_ids else refused.message
        return _page(request, meeting, start, 409, told=told, lost=True, nearest=nearest)
    return HttpResponseRedirect(reverse("manage", args=[token]), status=303)


def _move(request: HttpRequest, meeting: Meeting, start: datetime) -> str:
    """Move the booking, or book anew where the host asked for that; the link of what holds then."""
    booking = meeting.booking
    if not meeting.standing.asked_anew:
        commands.reschedule(
            meeting.account_id, booking.id, start, None, _reason(request), "customer", meeting.now
        )
        return meeting.token
    calendar = meeting.calendar
    assert calendar is not None
    questions = {question.identifier for question in calendar.rules.questions}
    wish = Wish(
        calendar=calendar,
        start=start,
        duration=_minutes(meeting),
        guest=booking.guest,
        time_zone=meeting.reading.zone_name,
        answers={name: said for name, said in booking.custom.items() if said and name in questions},
        utm=booking.utm,
        # the same choice sent twice is one booking
        key=f"follows {booking.id}",
        base_url=base_url(request),
        rescheduled_from=booking.id,
        record_ids=booking.record_ids,
    )
    return token_of(strict.book(meeting.account_id, wish, meeting.now).id)


def _refusal(meeting: Meeting) -> str:
    """Why no other time can be chosen; empty when one can."""
    if meeting.calendar is None:
        return _("The calendar that was booked is gone. Please write to your host.")
    if not meeting.standing.asked_anew:
        return meeting.refusal(Act.RESCHEDULE)
    return (
        ""
        if meeting.calendar.published
        else _("This calendar takes no bookings now. Please write to your host.")
    )


def _refused(request: HttpRequest, meeting: Meeting, refusal: str, status: int = 200) -> HttpResponse:
    return render(request, "guest/not_movable.html", {**meeting.context(), "told": refusal}, status=status)


def _bookable(meeting: Meeting) -> Bookable:
    calendar, booking = meeting.calendar, meeting.booking
    assert calendar is not None
    common = Bookable(meeting.account_id, calendar, _minutes(meeting), meeting.now)
    if meeting.standing.asked_anew or booking.host is None:
        return common
    # a meeting that is moved stays with its host
    return evolve(common, without=booking.id, only_host=booking.host.key, own_start=booking.start)


def _minutes(meeting: Meeting) -> int:
    """How long the meeting lasts; one that is booked anew may be as long as the calendar now offers."""
    minutes, offered = int(meeting.booking.duration / timedelta(minutes=1)), meeting.rules.durations
    return offered[0] if meeting.standing.asked_anew and minutes not in offered else minutes


def _reason(request: HttpRequest) -> str:
    return cleaned(request.POST.get("reason", ""))[:LONGEST_REASON]


def _page(
    request: HttpRequest,
    meeting: Meeting,
    start: datetime,
    status: int = 200,
    *,
    told: str = "",
    lost: bool = False,
    nearest: Sequence[datetime] = (),
) -> HttpResponse:
    length = timedelta(minutes=_minutes(meeting))
    asked = evolve(meeting.asked, prefill={}, utm={}, skip=False, duration=0)
    day = meeting.reading.date(start)
    context = {
        **meeting.context(),
        "start": start,
        "end": start + length,
        "reason": _reason(request),
        "longest": LONGEST_REASON,
        "told": told,
        "lost": lost,
        "nearest": instead_of(start, nearest, length),
        "kept": {
            "start": moment_text(start),
            "tz": meeting.reading.zone_name,
            "clock": "12" if meeting.reading.hour12 else "24",
        },
        "back": asked.link(meeting.address("manage-time"), start=None, day=day, month=first_of(day)),
    }
    return render(request, "guest/confirm.html", context, status=status)
