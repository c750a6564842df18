"""Bookings: the list with its CRM marks, filters and search."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from instep.core.booking import Status
from instep.store import contact_queries, page_queries
from instep.store.contact_queries import ContactHead
from instep.store.page_queries import BookingFilter
from instep.store.queries import IGNORED, IN_STEP, PROBLEM, WAITING
from instep.web.paging import key_of, page_of, place
from instep.web.periods import QUICK, Period, period_of

PAGE_SIZE = 50
#: more bookings than these are not counted exactly
COUNTED = 1000

STATUS_CHOICES = (
    (Status.REQUESTED, _("Requested")),
    (Status.SCHEDULED, _("Scheduled")),
    (Status.RESCHEDULED, _("Rescheduled")),
    (Status.COMPLETED, _("Completed")),
    (Status.CANCELED, _("Canceled")),
    (Status.NO_SHOW, _("No-show")),
)
CRM_CHOICES = (
    (IN_STEP, _("In step")),
    (WAITING, _("Waiting")),
    (PROBLEM, _("Problem")),
    (IGNORED, _("Ignored")),
)


@require_safe
def bookings(request: HttpRequest) -> HttpResponse:
    """The account's bookings, the latest start first; the upcoming ones soonest first."""
    account_id = request.user.account_id
    period = period_of(request, datetime.now(UTC))
    contact = _contact(request)
    wanted = _wanted(request, period, contact.key if contact else None)
    found = page_queries.list_bookings(account_id, wanted, PAGE_SIZE + 1, place(request))
    context = {
        "page": page_of(request, found, PAGE_SIZE, lambda row: (row.start, row.key)),
        "wanted": wanted,
        "period": period,
        "contact": contact,
        "count": page_queries.count_bookings(account_id, wanted, COUNTED + 1),
        "counted": COUNTED,
        "standing": page_queries.standing(account_id),
        "tabs": _tabs(request, period),
        "status_choices": STATUS_CHOICES,
        "crm_choices": CRM_CHOICES,
        "calendars": page_queries.calendars_booked(account_id),
        "hosts": page_queries.hosts_booked(account_id),
        "address": request.get_full_path(),
    }
    return render(request, "web/bookings/page.html", context)


def _contact(request: HttpRequest) -> ContactHead | None:
    """The contact that the list is narrowed to."""
    contact_id = request.GET.get("contact", "").replace("\0", "")
    return contact_queries.contact_head(request.user.account_id, contact_id) if contact_id else None


def _wanted(request: HttpRequest, period: Period, contact: int | None) -> BookingFilter:
    """The filter in the address; words that are no choice narrow nothing."""
    status, crm = request.GET.get("status", ""), request.GET.get("crm", "")
    return BookingFilter(
        search=request.GET.get("search", "").strip()[:200],
        status=status if status in {choice.value for choice, word in STATUS_CHOICES} else "",
        crm=crm if crm in {choice for choice, word in CRM_CHOICES} else "",
        calendar=key_of(request.GET.get("calendar", "")),
        host=key_of(request.GET.get("host", "")),
        contact=contact,
        first=period.first,
        until=period.until,
        ahead_of=period.ahead_of,
    )


def _tabs(request: HttpRequest, period: Period) -> list[dict[str, Any]]:
    """The quick periods, each keeping the other filters."""
    query = request.GET.copy()
    for name in ("before", "period", "from", "to"):
        query.pop(name, None)
    tabs = []
    for name, word in QUICK:
        query["period"] = name
        current = name == period.quick and not (period.since or period.to)
        tabs.append({"query": query.urlencode(), "word": word, "current": current})
    return tabs
