"""One calendar of another scheduler: what is known of it, and the name that it goes by here."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_http_methods

from instep.core.booking_calendar import HERE
from instep.store.calendar_queries import calendar_uses, name_calendar


class NameForm(forms.Form):
    """The name of a calendar. Empty: what its source says."""

    name = forms.CharField(
        label=later("Name"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
        help_text=later(
            "Shown wherever calendars are listed or chosen here; the CRM gets what the events say. "
            "Empty: the name that the events say, where they say one."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def known_calendar(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """See a calendar of another scheduler, and name it."""
    account_id = request.user.account_id
    uses = calendar_uses(account_id, datetime.now(UTC))
    use = next((one for one in uses if one.source != HERE and one.source_id == calendar_id), None)
    if use is None:
        raise Http404
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": use.name})
    if form.is_valid():
        # typing what stands there already is no wish for a name of one's own
        if form.cleaned_data["name"] != use.name:
            name_calendar(account_id, use.source, use.source_id, form.cleaned_data["name"])
        messages.success(request, _("The name is saved."))
        return redirect("calendars")
    status = 422 if form.errors else 200
    return render(request, "web/known_calendar/page.html", {"use": use, "form": form}, status=status)
