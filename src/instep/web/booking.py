"""One booking: who, when, its timeline, and its records in each CRM."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from attrs import frozen
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from instep.core.booking import Booking, Kind, Status, status_detail
from instep.core.booking_calendar import HERE
from instep.core.contact import Contact, email_key
from instep.core.work import link_of
from instep.crm.vendors import vendor_of
from instep.store import page_queries, queries
from instep.store.calendar_queries import calendar_name
from instep.store.page_queries import BookingHead, Mark, ReceiptRow
from instep.store.queries import LoggedTransition
from instep.web.act_words import buttons
from instep.web.links import CrmRecordLink, named_by_link, record_links

#: how long after a change the CRM usually follows
_MOMENTS = timedelta(seconds=30)
_NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class Step:
    """One entry of the timeline. `was` is the start before, where it moved; `host` the new one.

    `learned` is when it was recorded, where something newer was known by then: a late fact.
    """

    kind: str
    words: str
    status: Status
    at: datetime
    by: str
    reason: str
    was: datetime | None
    host: str
    learned: datetime | None


@frozen
class CrmSide:
    """One connection's side of a booking."""

    mark: Mark
    records: tuple[CrmRecordLink, ...]
    receipts: tuple[ReceiptRow, ...]


def head_of(request: HttpRequest, key: int) -> BookingHead:
    """The booking of this address, if it is the reader's account's. Raises `Http404`."""
    head = page_queries.booking_head(request.user.account_id, key) if key < 2**63 else None
    if head is None:
        raise Http404
    return head


def shown_booking(account_id: int, head: BookingHead) -> Booking | None:
    """The booking itself; None for one in the source's trash."""
    return queries.load_bookings(account_id, [head.key]).get(head.key)


@require_safe
def booking(request: HttpRequest, key: int) -> HttpResponse:
    """Everything about one booking."""
    head = head_of(request, key)
    account_id = request.user.account_id
    marks = page_queries.marks_of(account_id, [key]).get(key, ())
    now = datetime.now(UTC)
    shown = shown_booking(account_id, head)
    contact = _contact(account_id, head)
    made_for = named_by_link(account_id, shown.record_ids if shown else {}, marks)
    context: dict[str, Any] = {
        "head": head,
        "booking": shown,
        # a name that somebody gave here, else that of the events, else the id
        "calendar": shown
        and (calendar_name(account_id, shown.calendar) or shown.calendar_name or shown.calendar),
        "made_here": head.source == HERE,
        "acts": buttons(shown, now) if shown else [],
        "contact": contact,
        "other_email": shown is not None
        and contact is not None
        and email_key(shown.guest.email) not in ("", email_key(contact.email)),
        "made_for": made_for,
        "related": page_queries.related_bookings(account_id, key),
        "catching_up": any(catching_up(mark, now) for mark in marks),
        "steps": timeline(queries.transitions(account_id, key)),
        "sides": [_side(account_id, key, mark) for mark in marks],
        "address": request.get_full_path(),
    }
    return render(request, "web/booking/page.html", context)


def _contact(account_id: int, head: BookingHead) -> Contact | None:
    """The contact that the booking belongs to."""
    found = queries.load_contacts(account_id, [head.contact_key] if head.contact_key else [])
    return found.get(head.contact_key) if head.contact_key else None


def catching_up(mark: Mark, now: datetime) -> bool:
    """Whether the CRM is expected to follow within moments, so that the page looks more often."""
    return mark.state == queries.WAITING and mark.marked_at is not None and now - mark.marked_at < _MOMENTS


@require_POST
def write_again(request: HttpRequest, key: int) -> HttpResponse:
    """Have the booking compared with every CRM again, and written where it differs."""
    head = head_of(request, key)
    account_id = request.user.account_id
    if head.in_trash:
        messages.error(request, _("This booking is in the source's trash: nothing is written for it."))
        return redirect("booking", key=key)
    with transaction.atomic():
        lanes = queries.mark(account_id, queries.BOOKING, {key: head.contact_key}, datetime.now(UTC))
        queries.wake(account_id, lanes)
    if lanes:
        messages.success(request, _("The booking is compared with the CRM again; what differs is written."))
    else:
        messages.error(request, _("No CRM is connected: there is nowhere to write to."))
    return redirect("booking", key=key)


def timeline(log: list[LoggedTransition]) -> list[Step]:
    """The log as people read it, newest first."""
    steps: list[Step] = []
    start: datetime | None = None
    host = ""
    # when the first of all newer entries was recorded
    known_by = list(accumulate((entry.recorded_at for entry in log[:0:-1]), min, initial=_NEVER))[::-1]
    for place, entry in enumerate(log):
        moved = start is not None and entry.start is not None and entry.start != start
        handed = entry.kind == Kind.REASSIGNED or (host and entry.host and entry.host != host)
        status = Status(entry.status)
        steps.append(
            Step(
                kind=entry.kind,
                words=status_detail(Kind(entry.kind), status, entry.by),
                status=status,
                at=entry.at,
                by=entry.by,
                reason=entry.reason,
                was=start if moved else None,
                host=entry.host if handed else "",
                learned=entry.recorded_at if known_by[place] < entry.recorded_at else None,
            )
        )
        start, host = entry.start or start, entry.host or host
    return steps[::-1]


def _side(account_id: int, key: int, mark: Mark) -> CrmSide:
    records = link_of(mark.link).records(vendor_of(mark.vendor).profile)
    receipts = page_queries.list_receipts(account_id, key, mark.connection, 5)
    return CrmSide(mark, record_links(account_id, mark.connection_key, records), tuple(receipts))
