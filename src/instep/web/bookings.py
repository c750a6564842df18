"""Bookings: the list with its CRM marks, filters and search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from instep.core.booking import Status
from instep.store import page_queries
from instep.store.page_queries import BookingFilter
from instep.store.queries import IGNORED, IN_STEP, PROBLEM, WAITING
from instep.web.paging import page_of, place

PAGE_SIZE = 50

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
def home(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    return redirect("bookings")


@require_safe
def bookings(request: HttpRequest) -> HttpResponse:
    """The account's bookings, the latest start first."""
    account_id = request.user.account_id
    wanted = _wanted(request)
    found = page_queries.list_bookings(account_id, wanted, PAGE_SIZE + 1, place(request))
    context = {
        "page": page_of(request, found, PAGE_SIZE, lambda row: (row.start, row.key)),
        "wanted": wanted,
        "standing": page_queries.standing(account_id),
        "status_choices": STATUS_CHOICES,
        "crm_choices": CRM_CHOICES,
        "address": request.get_full_path(),
    }
    return render(request, "web/bookings/page.html", context)


def _wanted(request: HttpRequest) -> BookingFilter:
    """The filter in the address; words that are no choice narrow nothing."""
    status, crm = request.GET.get("status", ""), request.GET.get("crm", "")
    return BookingFilter(
        search=request.GET.get("search", "").strip()[:200],
        status=status if status in {choice.value for choice, word in STATUS_CHOICES} else "",
        crm=crm if crm in {choice for choice, word in CRM_CHOICES} else "",
    )
