"""The plan of one booking: what would be written now. The CRM is read, nothing is written."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from instep.core.errors import InstepError
from instep.engine.lane import record_url_of
from instep.engine.preview import plan_booking
from instep.store import page_queries
from instep.web.booking import head_of, shown_booking
from instep.web.document import read_document


@require_safe
@never_cache
def plan(request: HttpRequest, key: int) -> HttpResponse:
    """The live plan, or why the CRM cannot be asked just now."""
    head = head_of(request, key)
    account_id = request.user.account_id
    shown = shown_booking(account_id, head)
    context = {"head": head, "booking": shown}
    lanes = page_queries.lane_states(account_id)
    if shown is None or not lanes:
        return render(request, "web/plan/page.html", {**context, "connected": bool(lanes)})
    try:
        document = plan_booking(account_id, key)
    except InstepError as error:
        return render(
            request, "web/plan/page.html", {**context, "connected": True, "error": error}, status=503
        )
    context |= {
        "connected": True,
        "document": read_document(document, record_url_of(account_id, lanes[0].key)),
    }
    return render(request, "web/plan/page.html", context)
