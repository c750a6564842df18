"""Receipts of one booking: what was read, matched and written, why, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from instep.engine.lane import record_url_of
from instep.store import page_queries
from instep.store.page_queries import ReceiptRow
from instep.web.booking import head_of, shown_booking
from instep.web.document import read_document


@require_safe
def newest(request: HttpRequest, key: int) -> HttpResponse:
    """The newest receipt, of one connection where the address names it; a page of its own while there is none."""
    head = head_of(request, key)
    account_id = request.user.account_id
    connection = request.GET.get("connection", "").replace("\0", "")
    found = page_queries.list_receipts(account_id, key, connection, 1)
    if found:
        return redirect("receipt", key=key, receipt_id=found[0].id)
    return render(
        request, "web/receipt/none.html", {"head": head, "booking": shown_booking(account_id, head)}
    )


@require_safe
def receipt(request: HttpRequest, key: int, receipt_id: int) -> HttpResponse:
    """One receipt of a booking."""
    head = head_of(request, key)
    account_id = request.user.account_id
    found = page_queries.receipt(account_id, key, receipt_id) if receipt_id < 2**63 else None
    if found is None:
        raise Http404
    receipts = page_queries.list_receipts(account_id, key)
    # what came before in another CRM is no earlier state of this one
    earlier, later = neighbours([r for r in receipts if r.connection_key == found.connection_key], receipt_id)
    lane = next(
        (one for one in page_queries.lane_states(account_id) if one.key == found.connection_key), None
    )
    context = {
        "head": head,
        "booking": shown_booking(account_id, head),
        "receipt": found,
        "receipts": receipts,
        "several": in_several(receipts),
        "connection_id": lane.id if lane else "",
        "earlier": earlier,
        "later": later,
        "document": read_document(found.document, record_url_of(account_id, found.connection_key)),
    }
    return render(request, "web/receipt/page.html", context)


def in_several(receipts: Sequence[ReceiptRow]) -> bool:
    """Whether the receipts are of more than one connection, so that a time alone does not tell them apart."""
    return len({one.connection_key for one in receipts}) > 1


def neighbours(
    receipts: Sequence[ReceiptRow], receipt_id: int
) -> tuple[ReceiptRow | None, ReceiptRow | None]:
    """The receipts before and after this one, of those at hand; `receipts` run from newest to oldest."""
    place = next((n for n, row in enumerate(receipts) if row.id == receipt_id), None)
    if place is None:
        return None, None
    earlier = receipts[place + 1] if place + 1 < len(receipts) else None
    return earlier, receipts[place - 1] if place else None
