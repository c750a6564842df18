"""Events that came and could not be used, each with the reason: nothing that arrives is lost."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instep.store import page_queries
from instep.web.paging import page_of, place

PAGE_SIZE = 25


@require_safe
def set_aside(request: HttpRequest) -> HttpResponse:
    """Events kept aside, newest first."""
    found = page_queries.list_set_aside(request.user.account_id, PAGE_SIZE + 1, place(request))
    context = {"page": page_of(request, found, PAGE_SIZE, lambda row: (row.at, row.key))}
    return render(request, "web/set_aside/page.html", context)
