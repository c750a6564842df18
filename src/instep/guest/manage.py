"""A guest's own booking: how it stands, its calendar file, and canceling it. Looking at it changes nothing."""

from __future__ import annotations

from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from attrs import evolve
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from instep.bookings import commands
from instep.core import calendar_file as files
from instep.core import zones
from instep.core.acts import Act
from instep.core.booking import Booking, Guest, Status
from instep.core.errors import InputError
from instep.guest.asked import cleaned
from instep.guest.meeting import Meeting, meeting_of, no_meeting
from instep.guest.public import frameable, guest_page, pause, private, too_often
from instep.notify import sending

#: as long as a reason may be
LONGEST_REASON = 1000


@guest_page("GET")
@private
def manage(request: HttpRequest, token: str) -> HttpResponse:
    """What was booked, how it stands, and what can be done about it."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    calendar = meeting.calendar
    context = {
        **meeting.context(),
        "follower": meeting.follower,
        "file_link": meeting.address("manage-file"),
        "there": _time_there(meeting),
        "elsewhere": _elsewhere(meeting.booking) if meeting.standing.active else (),
        "refusals": _refusals(meeting),
        "may_move": not meeting.refusal(Act.RESCHEDULE),
        "may_cancel": not meeting.refusal(Act.CANCEL),
        "book_again": reverse("book", args=[calendar.slug]) if calendar and calendar.published else "",
        "mailed": sending.is_set_up(),
    }
    response = render(request, "guest/manage.html", context)
    # right after booking inside another page; it holds links only, and they open pages of their own
    return frameable(response) if meeting.asked.embedded else response


@guest_page("GET")
@private
def astray(request: HttpRequest, rest: str) -> HttpResponse:
    """A link that was bent on its way."""
    if rest.endswith("/") and "/" not in rest[:-1]:
        return HttpResponseRedirect(reverse("manage", args=[rest[:-1]]))
    return no_meeting(request)


@guest_page("GET")
@private
def calendar_file(request: HttpRequest, token: str) -> HttpResponse:
    """The booking as an iCalendar file."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    shown = evolve(meeting.booking, guest=Guest()) if meeting.private else meeting.booking
    body = files.calendar_file(shown, meeting.now, meeting.rules.next_steps)
    response = HttpResponse(body, content_type=files.CONTENT_TYPE)
    response["Content-Disposition"] = 'attachment; filename="meeting.ics"'
    return response


@guest_page("GET", "POST")
@private
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a reason, then cancel."""
    meeting = meeting_of(request, token)
    if meeting is None:
        return no_meeting(request)
    reason = cleaned(request.POST.get("reason", ""))[:LONGEST_REASON]
    if request.method == "POST" and meeting.booking.status is Status.CANCELED:
        # pressed twice
        return HttpResponseRedirect(meeting.address("manage"), status=303)
    refusal = meeting.refusal(Act.CANCEL)
    if refusal:
        return _cancel_page(request, meeting, reason, refusal, 409 if request.method == "POST" else 200)
    if request.method != "POST":
        return _cancel_page(request, meeting, reason)
    if too_often(request):
        told = _("Too many forms came from your network. Wait a few minutes, then press the button again.")
        return pause(_cancel_page(request, meeting, reason, told, 429, open_still=True))
    try:
        commands.cancel(meeting.account_id, meeting.booking.id, reason, "customer", meeting.now)
    except InputError as refused:
        return _cancel_page(request, meeting, reason, refused.message, 409)
    return HttpResponseRedirect(meeting.address("manage"), status=303)


def _cancel_page(
    request: HttpRequest,
    meeting: Meeting,
    reason: str,
    told: str = "",
    status: int = 200,
    *,
    open_still: bool = False,
) -> HttpResponse:
    context = {
        **meeting.context(),
        "reason": reason,
        "told": told,
        "may": open_still or not told,
        "longest": LONGEST_REASON,
        "requested": meeting.booking.status is Status.REQUESTED,
    }
    return render(request, "guest/cancel.html", context, status=status)


def _refusals(meeting: Meeting) -> tuple[str, ...]:
    """Why the guest can change nothing, each reason once; nothing to say of what is over."""
    if not meeting.standing.active:
        return ()
    said = (meeting.refusal(Act.RESCHEDULE), meeting.refusal(Act.CANCEL))
    return tuple(dict.fromkeys(reason for reason in said if reason))


def _time_there(meeting: Meeting) -> str:
    """Day and time at the place where people meet, where the guest's own clock shows another."""
    booking, reading = meeting.booking, meeting.reading
    if not booking.physical_location or booking.virtual_location or booking.host is None:
        return ""
    name = zones.canonical(booking.host.time_zone)
    if not name or booking.start.astimezone(ZoneInfo(name)).utcoffset() == (
        booking.start.astimezone(reading.zone).utcoffset()
    ):
        return ""
    there = evolve(reading, zone=ZoneInfo(name))
    return f"{there.day(booking.start, 'day')}, {there.clock(booking.start)}"


def _elsewhere(booking: Booking) -> tuple[tuple[str, str], ...]:
    """Links that put the meeting into a calendar on the web; the secret link to it stays out of them."""
    compact, long = "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"
    google = {
        "action": "TEMPLATE",
        "text": booking.subject,
        "dates": f"{booking.start:{compact}}/{booking.end:{compact}}",
        "location": booking.location,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": booking.subject,
        "startdt": f"{booking.start:{long}}",
        "enddt": f"{booking.end:{long}}",
        "location": booking.location,
    }
    return (
        ("Google Calendar", f"https://calendar.google.com/calendar/render?{urlencode(google)}"),
        ("Outlook", f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}"),
        ("Microsoft 365", f"https://outlook.office.com/calendar/0/deeplink/compose?{urlencode(outlook)}"),
    )
