"""A test booking that is never made: its plan, by the same component as a real one's. Writes nothing anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.core.contact import identity_email
from instep.core.errors import InstepError
from instep.engine.lane import record_url_of
from instep.engine.preview import Invented, plan_invented
from instep.store import plan_queries
from instep.store.page_queries import lane_states
from instep.web.document import read_document
from instep.web.templatetags.look import vendor

_LONGEST = 8 * 60
#: what a browser's own date and time control sends
_LOCAL = "%Y-%m-%dT%H:%M"


class TrialForm(forms.Form):
    """What a guest would say. Calendars, hosts and connections are those of one account."""

    name = forms.CharField(
        label=_("Guest's name"), max_length=200, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    email = forms.CharField(
        label=_("Guest's e-mail"),
        max_length=254,
        help_text=_("Try one that your CRM knows, and one that it does not."),
        widget=forms.EmailInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    company = forms.CharField(
        label=_("Company"), max_length=200, required=False, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    calendar = forms.TypedChoiceField(label=_("Calendar"), required=False, coerce=int, empty_value=None)
    host = forms.TypedChoiceField(label=_("Host"), required=False, coerce=int, empty_value=None)
    start = forms.DateTimeField(
        label=_("Start"),
        input_formats=[_LOCAL, "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_LOCAL),
    )
    minutes = forms.IntegerField(label=_("Length in minutes"), min_value=1, max_value=_LONGEST, initial=30)
    connection = forms.ChoiceField(label=_("Connection"))

    def __init__(self, account_id: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lanes = lane_states(account_id)
        nobody = [("", _("None"))]
        self.fields["calendar"].choices = [*nobody, *plan_queries.calendar_choices(account_id)]
        self.fields["host"].choices = [*nobody, *plan_queries.host_choices(account_id)]
        self.fields["connection"].choices = [
            (lane.id, " · ".join(part for part in (vendor(lane.vendor), lane.name) if part)) for lane in lanes
        ]
        self.fields["start"].help_text = timezone.get_current_timezone_name()
        if len(lanes) == 1:
            # there is nothing to choose
            del self.fields["connection"]

    def clean_email(self) -> str:
        """An address that could be somebody's: it decides which record is found."""
        email = str(self.cleaned_data["email"])
        if not identity_email(email):
            raise forms.ValidationError(_("This is no e-mail address. One looks like name@company.example."))
        return email


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def trial(request: HttpRequest) -> HttpResponse:
    """The form, and below it the plan of what was typed; the CRM is read for it."""
    account_id = request.user.account_id
    lanes = lane_states(account_id)
    if not lanes:
        return render(request, "web/trial/page.html", {"connected": False})
    tomorrow = timezone.localtime().replace(hour=10, minute=0) + timedelta(days=1)
    if request.method != "POST":
        form = TrialForm(account_id, initial={"start": tomorrow})
        return render(request, "web/trial/page.html", {"connected": True, "form": form})
    form = TrialForm(account_id, request.POST)
    context: dict[str, Any] = {"connected": True, "form": form}
    if not form.is_valid():
        return render(request, "web/trial/page.html", context, status=422)
    named = form.cleaned_data.get("connection", lanes[0].id)
    chosen = next(lane for lane in lanes if lane.id == named)
    try:
        document = plan_invented(account_id, _invented(form), timezone.now(), chosen.id)
    except InstepError as error:
        return render(request, "web/trial/page.html", {**context, "error": error}, status=503)
    context["document"] = read_document(document, record_url_of(account_id, chosen.key))
    return render(request, "web/trial/page.html", context)


def _invented(form: TrialForm) -> Invented:
    told = form.cleaned_data
    return Invented(
        name=told["name"],
        email=told["email"],
        start=told["start"],
        minutes=told["minutes"],
        company=told["company"],
        calendar_key=told["calendar"],
        host_key=told["host"],
    )
