"""One booking calendar: made, edited, published, unpublished, deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from instep.bookings import calendars
from instep.bookings.hosting import HostRow, list_hosts
from instep.core.booking_calendar import HERE, BookingCalendar
from instep.core.errors import InputError
from instep.store.calendar_queries import calendar_uses
from instep.web.calendar_form import CalendarForm, initial_of, typed_values
from instep.web.calendars import address_of, hindrance
from instep.web.question_rows import QuestionRows, rows_after, rows_of, rows_sent

#: which field a refusal is about, by its code
_FIELD_OF = {
    "NAME": "name",
    "SLUG": "slug",
    "SLUG_TAKEN": "slug",
    "DURATION": "durations",
    "UNKNOWN_HOST": "hosts",
}


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a calendar."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """Edit a calendar."""
    return _edit(request, _known(request, calendar_id))


@require_POST
def publish(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """Let guests book a calendar (`published` is 1), or no longer."""
    known = _known(request, calendar_id)
    published = request.POST.get("published") == "1"
    calendars.change(request.user.account_id, evolve(known, published=published))
    if published:
        said = _("“%(name)s” is published: whoever has the address can book it.")
    else:
        said = _("“%(name)s” is no longer published: nobody can book it. Its bookings stay as they are.")
    messages.success(request, said % {"name": known.name})
    return redirect("calendar", calendar_id=calendar_id)


@require_POST
def delete(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """Delete a calendar that nobody ever booked."""
    known = _known(request, calendar_id)
    try:
        calendars.delete(request.user.account_id, calendar_id)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("calendar", calendar_id=calendar_id)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": known.name})
    return redirect("calendars")


def _known(request: HttpRequest, calendar_id: str) -> BookingCalendar:
    found = calendars.calendar(request.user.account_id, calendar_id)
    if found is None:
        raise Http404
    return found


def _edit(request: HttpRequest, known: BookingCalendar | None) -> HttpResponse:
    now = datetime.now(UTC)
    hosts = list_hosts(request.user.account_id, now)
    act = request.POST.get("act", "")
    if request.method == "POST" and act:
        form = CalendarForm(None, hosts, typed_values(request.POST, hosts))
        rows = rows_after(request.POST, act)
    elif request.method == "POST":
        form, rows = CalendarForm(request.POST, hosts, initial_of(known, hosts)), rows_sent(request.POST)
        # both are judged, so that everything that is wrong is marked at once
        valid = all([form.is_valid(), rows.are_valid()])
        saved = _save(request, known, form, rows) if valid else None
        if saved is not None:
            return redirect("calendar", calendar_id=saved.id)
    else:
        form = CalendarForm(None, hosts, initial_of(known, hosts))
        rows = rows_of(known.rules.questions if known else ())
    wrong = bool(form.errors) or any(row.errors for row in rows.forms)
    context = {**_about(request, known, hosts, now), "form": form, "rows": rows, "wrong": wrong, "acted": act}
    return render(request, "web/calendar/page.html", context, status=422 if wrong else 200)


def _about(
    request: HttpRequest, known: BookingCalendar | None, hosts: tuple[HostRow, ...], now: datetime
) -> dict[str, Any]:
    """What the page says of a calendar that exists."""
    if known is None:
        return {"calendar": None, "prefix": address_of(request, "x")[:-1], "hosts": hosts}
    uses = calendar_uses(request.user.account_id, now)
    return {
        "calendar": known,
        "prefix": address_of(request, "x")[:-1],
        "address": address_of(request, known.slug),
        "hindrance": hindrance(known, hosts, now),
        "use": next(u for u in uses if (u.source, u.source_id) == (HERE, known.id)),
        "hosts": hosts,
    }


def _save(
    request: HttpRequest, known: BookingCalendar | None, form: CalendarForm, rows: QuestionRows
) -> BookingCalendar | None:
    """Save what was typed; None where it is refused, with the reason at its field."""
    account_id, said = request.user.account_id, form.cleaned_data
    keys, priorities = form.chosen_hosts()
    try:
        rules = form.rules(rows.questions())
        if known is None:
            made = calendars.create(account_id, said["name"], said["slug"], rules, keys, False, priorities)
            messages.success(request, _("“%(name)s” is saved. Publish it when it is ready.") % said)
            return made
        wanted = evolve(
            known, name=said["name"], slug=said["slug"], rules=rules, hosts=keys, priorities=priorities
        )
        calendars.change(account_id, wanted)
    except InputError as error:
        form.add_error(_FIELD_OF.get(error.code), str(error))
        return None
    messages.success(request, _("“%(name)s” is saved.") % said)
    return wanted
