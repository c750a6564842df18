"""What one booking calendar wants of each connected CRM: record types, its Event, what general links become."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.bookings import calendars
from instep.core.booking_calendar import HERE
from instep.core.creation import CASE, NO_CALENDAR, NONE, CalendarRules
from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.errors import InstepError
from instep.core.profile import PersonObject, Profile
from instep.core.rules import SyncConfig
from instep.crm.vendors import vendor_of
from instep.engine import rules_edit
from instep.engine.lane import load_config
from instep.engine.schemas import schemas_of
from instep.store import lane_queries
from instep.store.calendar_queries import CalendarUse, calendar_uses
from instep.store.page_queries import lane_states
from instep.web.creation_form import record_type_choices, users_default
from instep.web.crm_words import words_of

#: the choices of an Event, and what the configuration says for each
_EVENT: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}


def _is_there(person: PersonObject, schema: Schema) -> bool:
    """Whether the org has such people: not every one has person accounts."""
    described = schema.get(person.name)
    return person.twin is None or (described is not None and described.get(person.twin.flag) is not None)


class CalendarCrmForm(forms.Form):
    """One calendar's rules in one CRM."""

    def __init__(
        self, data: Any, rules: CalendarRules, config: SyncConfig, profile: Profile, schema: Schema
    ) -> None:
        super().__init__(data)
        crm = profile.label
        roles = [p.role for p in profile.persons if _is_there(p, schema)]
        companies = [profile.company.name] if profile.company else []
        cases = [profile.case.name] if profile.case else []
        # as the settings of a booking page had them: Lead, Account, Contact, Event, Case
        for role in (*roles[:1], *companies, *roles[1:], profile.activity.name, *cases):
            described, people = schema.get(profile.object_of(role)), profile.object_of(role) != role
            choices = record_type_choices(described, rules.record_types.get(role, ""), people=people)
            if choices:
                self.fields[f"type-{role}"] = forms.ChoiceField(
                    label=_("Person Account") if role not in profile.objects else role,
                    choices=[
                        (
                            "",
                            _type_now(config.record_types.get(role, ""), described, people),
                        ),
                        *choices,
                    ],
                    initial=rules.record_types.get(role, ""),
                    required=False,
                )
        said = {"crm": crm, "meeting": words_of(profile.vendor).meeting}
        event = next(key for key, value in _EVENT.items() if value == rules.event)
        self.fields["event"] = forms.ChoiceField(
            label=_("%(crm)s Activity %(meeting)s creation") % said,
            choices=[
                ("", _as_now(_("create") if config.events else _("do not create"))),
                ("yes", _("Create a %(crm)s %(meeting)s") % said),
                ("no", _("Do not create a %(crm)s %(meeting)s") % said),
            ],
            initial=event,
            required=False,
            widget=forms.RadioSelect,
            help_text=_(
                "Without one, records are written all the same: for calendars that another product syncs."
            ),
        )
        # where there is one kind of people only, the connection says it already
        few = len(profile.choices) == 1 and rules.links not in profile.choices
        persons = [] if few else [(name, name) for name in profile.choices]
        self.fields["links"] = forms.ChoiceField(
            label=_("Bookings created via General links"),
            choices=[
                ("", _as_now(config.person_object)),
                *persons,
                *([(CASE, CASE)] if profile.case else []),
                (NONE, _("Do not integrate this calendar with %(crm)s") % {"crm": crm}),
            ],
            initial=rules.links,
            required=False,
            widget=forms.RadioSelect,
            help_text=_(
                "A link with a record's id ignores this: the id decides. For person accounts choose Contact."
            )
            if vendor_of(profile.vendor).link_ids
            else "",
        )

    @property
    def types(self) -> list[Any]:
        """The drop-downs of record types."""
        return [self[name] for name in self.fields if name.startswith("type-")]

    def rules(self) -> CalendarRules:
        """What was chosen."""
        chosen = self.cleaned_data
        types = {
            n.removeprefix("type-"): chosen[n] for n in self.fields if n.startswith("type-") and chosen[n]
        }
        return CalendarRules(chosen["links"], _EVENT[chosen["event"]], types)


def _type_now(chosen: str, described: ObjectSchema | None, people: bool) -> str:
    """Which record type it is as long as the calendar says nothing: short enough to be read whole."""
    if not chosen:
        return users_default(described, people=people)
    found = described.record_type(chosen) if described is not None else None
    return _("%(name)s (connection)") % {"name": found.name if found else chosen}


def _as_now(said: str) -> str:
    return _("As the connection says: %(said)s") % {"said": said}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def calendar_crm(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """The CRM tab of one calendar, made here or known from a source; one CRM at a time."""
    account_id = request.user.account_id
    uses = calendar_uses(account_id, datetime.now(UTC))
    use = next((one for one in uses if one.source_id == calendar_id), None)
    if use is None:
        raise Http404
    lanes = lane_states(account_id)
    wanted = request.POST.get("connection") or request.GET.get("connection") or ""
    chosen = next((lane for lane in lanes if lane.id == wanted), next(iter(lanes), None))
    context: dict[str, Any] = {
        "use": use,
        "elsewhere": use.source != HERE,
        # one that is known from a source alone has no page of its own here
        "has_page": calendars.calendar(account_id, calendar_id) is not None,
        "lanes": lanes,
        "chosen": chosen,
    }
    row = lane_queries.connection_by_id(account_id, chosen.key) if chosen else None
    if row is None:
        return render(request, "web/calendar_crm/page.html", context)
    config, vendor = load_config(row), vendor_of(row["vendor"])
    sent = request.method == "POST"
    asked = request.POST.get("act") == "read"
    if not sent:
        context["error"] = rules_edit.look_again(account_id, row)
    elif asked:
        context["error"] = rules_edit.look_again(account_id, row, older_than=0)
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    form = CalendarCrmForm(
        request.POST if sent else None, config.calendar(calendar_id), config, vendor.profile, schema
    )
    version = request.POST.get("version") or rules_edit.version_of(config)
    context |= {
        "form": form,
        "crm": vendor.profile.label,
        "has_types": bool(vendor.profile.record_type_field),
        "version": version,
    }
    if not sent or asked:
        return render(request, "web/calendar_crm/page.html", context)
    return _saved(request, row, use, context)


def _saved(
    request: HttpRequest, row: dict[str, Any], use: CalendarUse, context: dict[str, Any]
) -> HttpResponse:
    """Save what was chosen, or show it again with what is wrong, or that somebody else saved meanwhile."""
    account_id, form, status = request.user.account_id, context["form"], 422
    if form.is_valid():
        change = _changing(use.source_id, form.rules())
        try:
            outcome = rules_edit.save_rules(account_id, row, change, context["version"])
        except InstepError as error:
            context, status = {**context, "error": error}, 503
        else:
            if outcome.saved:
                messages.success(request, _("Saved; every booking is compared again."))
                return redirect(f"{request.path}?connection={row['public_id']}")
            if outcome.meanwhile:
                fresh = lane_queries.connection_by_id(account_id, int(row["id"])) or row
                context = {**context, "meanwhile": True, "version": rules_edit.version_of(load_config(fresh))}
                status = 409
            for fault in outcome.faults:
                form.add_error(None, fault.partition(": ")[2] or fault)
    return render(request, "web/calendar_crm/page.html", context, status=status)


def _changing(calendar_id: str, rules: CalendarRules) -> rules_edit.Change:
    def change(config: SyncConfig) -> SyncConfig:
        ruled = {key: one for key, one in config.calendars.items() if key != calendar_id}
        if rules != NO_CALENDAR:
            ruled[calendar_id] = rules
        return evolve(config, calendars=ruled)

    return change
