"""Contacts: the list of people who booked, with search and where each stands in the CRM."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instep.store import contact_queries
from instep.web.paging import page_of, place

PAGE_SIZE = 50
#: more contacts than these are not counted exactly
COUNTED = 1000


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """The account's contacts, the newest first."""
    account_id = request.user.account_id
    search = request.GET.get("search", "").strip()[:200]
    found = contact_queries.list_contacts(account_id, search, PAGE_SIZE + 1, place(request))
    context = {
        "page": page_of(request, found, PAGE_SIZE, lambda row: (row.created_at, row.key)),
        "search": search,
        "count": contact_queries.count_contacts(account_id, search, COUNTED + 1),
        "counted": COUNTED,
        "address": request.get_full_path(),
    }
    return render(request, "web/contacts/page.html", context)
