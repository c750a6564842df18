"""One host: made, edited, deleted. Weekly hours are typed a line a day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_http_methods, require_POST

from instep.bookings import hosting
from instep.bookings.hosting import HostRow
from instep.core.booking_calendar import WeeklyHours
from instep.core.errors import InputError
from instep.core.weekly_text import day_spans, day_text
from instep.core.zones import ZoneChoice
from instep.web.zone import offered, read_zone

_DAYS = tuple(f"day{weekday}" for weekday in range(7))
#: what stands in the form of a new host, Monday to Friday
_OFFICE_HOURS = "09:00–17:00"
#: which field a refusal is about, by its code
_FIELD_OF = {
    "EMAIL": "email",
    "HOST_EXISTS": "email",
    "EMAIL_FIXED": "email",
    "NAME": "name",
    "ZONE": "zone",
}


class HostForm(forms.Form):
    """Who a host is, and when it can be booked."""

    name = forms.CharField(
        label=later("Name"), required=False, max_length=200, help_text=later("Guests read it when they book.")
    )
    email = forms.CharField(
        label=later("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=later(
            "Bookings go to this address. The user of the CRM with the same address owns the events."
        ),
        error_messages={
            "required": later("A host needs an e-mail address: bookings and the CRM know it by that.")
        },
    )
    zone = forms.CharField(
        label=later("Time zone"),
        max_length=100,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=later(
            "The hours below are meant in it. A city, a country or a name: Lisbon, Europe/Berlin."
        ),
        error_messages={
            "required": later("Weekly hours need a time zone: type a city, a country or a name.")
        },
    )

    def __init__(self, data: Any, now: datetime, initial: dict[str, str], *, fixed: str = "") -> None:
        """`fixed` says why the address cannot be changed."""
        super().__init__(data, initial=initial)
        self._now = now
        self.among: tuple[ZoneChoice, ...] = ()
        self.hours = WeeklyHours()
        for weekday, name in enumerate(_DAYS):
            self.fields[name] = forms.CharField(label=WEEKDAYS[weekday], required=False, max_length=200)
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.fields["name"].widget.attrs["dir"] = "auto"
        if fixed:
            self.fields["email"].widget.attrs["readonly"] = True
            self.fields["email"].help_text = fixed

    @property
    def days(self) -> list[forms.BoundField]:
        """The fields of the week, Monday first."""
        return [self[name] for name in _DAYS]

    def clean_zone(self) -> str:
        """Today's name of the zone that was meant."""
        read = read_zone(self.cleaned_data["zone"], self.data.get("zone_pick", ""), self._now)
        self.among = read.among
        if read.error:
            raise forms.ValidationError(read.error)
        return read.name

    def clean(self) -> None:
        """Read the hours of each day."""
        spans: list[tuple[int, int, int]] = []
        for weekday, name in enumerate(_DAYS):
            try:
                spans += [(weekday, a, b) for a, b in day_spans(self.cleaned_data.get(name, ""))]
            except InputError as error:
                self.add_error(name, str(error))
        self.hours = WeeklyHours(self.cleaned_data.get("zone", ""), tuple(spans))


@frozen
class _Page:
    """What the page is about: a host, or none yet."""

    known: HostRow | None

    @property
    def initial(self) -> dict[str, str]:
        """What stands in the form at first."""
        if self.known is None:
            zone = timezone.get_current_timezone_name()
            return {"zone": zone, **dict.fromkeys(_DAYS[:5], _OFFICE_HOURS)}
        hours = self.known.hours
        days = {name: day_text(hours, weekday) for weekday, name in enumerate(_DAYS)}
        return {"name": self.known.name, "email": self.known.email, "zone": hours.zone, **days}

    @property
    def fixed(self) -> str:
        """Why the address cannot be changed, if it cannot."""
        if self.known is None or (self.known.made_here and not self.known.booked):
            return ""
        return _("It stays as it is: bookings and the CRM know this host by it.")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a host."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def host(request: HttpRequest, key: str) -> HttpResponse:
    """Edit a host."""
    known = hosting.host(request.user.account_id, key, datetime.now(UTC))
    if known is None:
        raise Http404
    return _edit(request, known)


@require_POST
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Delete a host whom nobody ever booked."""
    now = datetime.now(UTC)
    known = hosting.host(request.user.account_id, key, now)
    if known is None:
        raise Http404
    try:
        hosting.delete_host(request.user.account_id, key, now)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("host", key=key)
    messages.success(request, _("%(host)s is deleted.") % {"host": known.called})
    return redirect("hosts")


def _edit(request: HttpRequest, known: HostRow | None) -> HttpResponse:
    now = datetime.now(UTC)
    page = _Page(known)
    copied = request.POST.get("act") == "copy"
    if request.method == "POST" and copied:
        form = HostForm(None, now, _with_monday(request), fixed=page.fixed)
    elif request.method == "POST":
        form = HostForm(request.POST, now, page.initial, fixed=page.fixed)
        if form.is_valid() and _save(request, known, form, now):
            return redirect("hosts")
    else:
        form = HostForm(None, now, page.initial, fixed=page.fixed)
    context = {"host": known, "form": form, "copied": copied, "offered": offered(now)}
    return render(request, "web/host/page.html", context, status=422 if form.errors else 200)


def _with_monday(request: HttpRequest) -> dict[str, str]:
    """What was typed, with Monday's hours on Tuesday to Friday too."""
    typed = {name: request.POST.get(name, "") for name in ("name", "email", "zone", *_DAYS)}
    return {**typed, **dict.fromkeys(_DAYS[1:5], typed["day0"])}


def _save(request: HttpRequest, known: HostRow | None, form: HostForm, now: datetime) -> bool:
    account_id, said = request.user.account_id, form.cleaned_data
    try:
        if known is None:
            hosting.create_host(account_id, said["name"], said["email"], form.hours, now)
        else:
            hosting.change_host(account_id, known.key, said["name"], said["email"], form.hours, now)
    except InputError as error:
        form.add_error(_FIELD_OF.get(error.code), str(error))
        return False
    messages.success(request, _("%(host)s is saved.") % {"host": said["name"] or said["email"]})
    if not form.hours.spans:
        messages.warning(request, _("Without weekly hours nobody can book this host here."))
    return True
