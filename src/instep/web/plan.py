"""The plan of one booking: what would be written now. The CRM is read, nothing is written."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instep.core.errors import InstepError
from instep.engine.lane import record_url_of
from instep.engine.preview import plan_booking
from instep.store.page_queries import lane_states
from instep.web.booking import head_of, shown_booking
from instep.web.document import read_document


@require_safe
@never_cache
def plan(request: HttpRequest, key: int) -> HttpResponse:
    """The live plan on one connection, or why its CRM cannot be asked just now."""
    head = head_of(request, key)
    account_id = request.user.account_id
    shown = shown_booking(account_id, head)
    lanes = lane_states(account_id)
    named = request.GET.get("connection")
    chosen = next((lane for lane in lanes if lane.id == named), lanes[0] if lanes else None)
    context = {"head": head, "booking": shown, "connections": lanes, "chosen": chosen}
    if shown is None or chosen is None:
        return render(request, "web/plan/page.html", context)
    try:
        document = plan_booking(account_id, key, chosen.id)
    except InstepError as error:
        return render(request, "web/plan/page.html", {**context, "error": error}, status=503)
    context["document"] = read_document(document, record_url_of(account_id, chosen.key))
    return render(request, "web/plan/page.html", context)
