"""Creation rules: what becomes of people and meetings in the CRM, whose data wins, who owns what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.core.errors import InstepError
from instep.core.rules import SyncConfig
from instep.crm.vendors import Vendor, vendor_of
from instep.engine import rules_edit
from instep.engine.lane import load_config
from instep.engine.schemas import schemas_of
from instep.store.calendar_queries import calendar_uses
from instep.web.connection import row_of
from instep.web.creation_form import CreationForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def creation_rules(request: HttpRequest, connection_id: str) -> HttpResponse:
    """The two questions and a card for each object; saved together."""
    row = row_of(request, connection_id)
    vendor, config = vendor_of(row["vendor"]), load_config(row)
    if request.method != "POST":
        error = rules_edit.look_again(request.user.account_id, row)
        return _shown(request, row, vendor, config, _form(request, row, vendor, config), error=error)
    if request.POST.get("act") == "read":
        error = rules_edit.look_again(request.user.account_id, row, older_than=0)
        return _shown(request, row, vendor, config, _form(request, row, vendor, config), error=error)
    form = _form(request, row, vendor, config)
    if not form.is_valid():
        return _shown(request, row, vendor, config, form, status=422)
    try:
        outcome = rules_edit.save_rules(
            request.user.account_id, row, form.change, request.POST.get("version", "")
        )
    except InstepError as error:
        return _shown(request, row, vendor, config, form, error=error, status=503)
    if outcome.meanwhile:
        return _shown(request, row, vendor, load_config(row), form, meanwhile=True, status=409)
    if outcome.faults:
        for fault in outcome.faults:
            form.fault(fault)
        return _shown(request, row, vendor, config, form, status=422)
    messages.success(request, _("The creation rules are saved; every booking is compared again."))
    return redirect("creation-rules", row["public_id"])


def _form(request: HttpRequest, row: dict[str, Any], vendor: Vendor, config: SyncConfig) -> CreationForm:
    account_id = request.user.account_id
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    uses = calendar_uses(account_id, datetime.now(UTC))
    offered = [(one.source_id, one.called) for one in uses]
    data = request.POST if request.method == "POST" else None
    return CreationForm(data, config, vendor.profile, schema, offered)


def _shown(
    request: HttpRequest,
    row: dict[str, Any],
    vendor: Vendor,
    config: SyncConfig,
    form: CreationForm,
    *,
    error: InstepError | None = None,
    meanwhile: bool = False,
    status: int = 200,
) -> HttpResponse:
    # a form that was sent keeps the version that it was made from, until it is saved over what others saved
    sent = request.POST.get("version") if request.method == "POST" and not meanwhile else None
    cards = [{"part": part, "fields": [_field(form, name) for name in part.fields]} for part in form.parts]
    context = {
        "row": row,
        "vendor": vendor,
        "form": form,
        "questions": [_field(form, "new_contacts")] if "new_contacts" in form.fields else [],
        "events": form["events"],
        "cases": form["case_calendars"] if "case_calendars" in form.fields else None,
        "cards": cards,
        "version": sent or rules_edit.version_of(config),
        "error": error,
        "meanwhile": meanwhile,
        "wrong": status == 422,
    }
    return render(request, "web/creation/page.html", context, status=status)


def _field(form: CreationForm, name: str) -> dict[str, Any]:
    """A field of the form, with its choices where each has an example."""
    bound = form[name]
    radio = bound.widget_type == "radioselect"
    return {"field": bound, "options": list(form.options(name)) if radio else None}
