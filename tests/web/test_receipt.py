"""Receipts of a booking: the newest, a chosen one, and none yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from instep.store.models import Account, Connection
from oncehub_events import line

from .test_bookings import text_of
from .test_document import change, write

DOCUMENT = {
    "tense": "receipt",
    "item": "booking:BKNG-7Q2M9XKD41TA",
    "match": {
        "outcome": "found",
        "rule": "2 Leads have this e-mail address",
        "object": "Lead",
        "id": "00Q1",
        "candidates": [
            {
                "object": "Lead", "id": "00Q1", "name": "Ines Castro", "why": "same e-mail address",
                "modified": "2026-03-01T10:00:00.000Z", "chosen": True, "reason": "most recently modified",
            },
            {
                "object": "Lead", "id": "00Q9", "name": "I. Castro", "why": "same e-mail address",
                "modified": "2023-03-01T10:00:00.000Z", "chosen": False, "reason": "changed longer ago",
            },
        ],
    },
    "writes": [
        write(
            result={"ok": True, "created": False},
            changes=[
                change(old="+351 21", new="+351912000111", rule="mapping: Mobile phone, Overwrite on"),
                change(field="Company", label="Company", verdict="keep", old="Castro", rule="Overwrite off"),
                change(field="Title", label="Title", verdict="leave_out", new="x", note="data value too large"),
            ],
        ),
        write(object="Event", id="", action="upsert", key={"field": "Instep_Booking_Id__c", "value": "B"},
              result={"ok": False, "code": "INVALID_FIELD", "message": "No such column", "cure": "Install it."}),
    ],
    "notes": ["the host has no Salesforce user: owned by the connected user"],
    "set_by": "",
    "cost": {"calls": 2, "ms": 412.0, "request_ids": ["req-1"], "batch_items": 3},
    "error": {"code": "INVALID_FIELD", "message": "No such column"},
}  # fmt: skip


@pytest.fixture
def booking(recorded: Callable[..., list[int]]) -> int:
    return recorded(line("EVNT-1"))[0]


def test_receipt_tells_read_write_notes_and_cost(
    client: Client, booking: int, keep_receipt: Callable[..., int]
) -> None:
    receipt = keep_receipt(booking, DOCUMENT, "NeedsAdmin")
    words = text_of(client.get(f"/bookings/{booking}/receipts/{receipt}"))
    for part in (
        "2 Leads have this e-mail address",
        "● Lead Ines Castro 00Q1 same e-mail address · changed 1 Mar 2026, 10:00:00 Chosen: most recently modified",
        "○ Lead I. Castro 00Q9 same e-mail address · changed 1 Mar 2023, 10:00:00 Not chosen: changed longer ago",
        "Lead 00Q1 updated",
        "Phone +351 21 → +351912000111 mapping: Mobile phone, Overwrite on",
        "Title ✗ left out: x mapping: Mobile phone data value too large",
        "1 field kept as it is",
        "Company Castro Overwrite off",
        "Event refused found or made by Instep_Booking_Id__c = B ✗ INVALID_FIELD No such column Install it.",
        "Waits: INVALID_FIELD No such column",
        "the host has no Salesforce user: owned by the connected user",
        "2 API calls, shared by the 3 items of one batch · 412 ms",
        "req-1",
    ):
        assert part in words


def test_newest_receipt_is_opened_and_the_others_are_at_hand(
    client: Client, booking: int, keep_receipt: Callable[..., int]
) -> None:
    older = keep_receipt(booking, DOCUMENT, at=timezone.now() - timedelta(hours=1))
    newer = keep_receipt(booking, DOCUMENT)
    answer = client.get(f"/bookings/{booking}/receipts", follow=True)
    assert answer.redirect_chain[-1][0] == f"/bookings/{booking}/receipts/{newer}"
    assert f'href="/bookings/{booking}/receipts/{older}"' in answer.content.decode()


def test_receipts_of_another_connection_are_not_the_newest(
    client: Client, booking: int, keep_receipt: Callable[..., int]
) -> None:
    keep_receipt(booking, DOCUMENT)
    for connection in ("CON-OTHER", "a%00b"):
        answer = client.get(f"/bookings/{booking}/receipts?connection={connection}")
        assert "Nothing has been written yet" in text_of(answer) or connection == "a%00b"


def test_receipt_of_another_booking_is_not_found(
    client: Client, booking: int, recorded: Callable[..., list[int]], keep_receipt: Callable[..., int]
) -> None:
    (other,) = recorded(line("EVNT-2", id="BKNG-2"))
    receipt = keep_receipt(other, DOCUMENT)
    assert client.get(f"/bookings/{booking}/receipts/{receipt}").status_code == 404


def test_nothing_written_yet_leads_to_the_plan(client: Client, booking: int) -> None:
    answer = client.get(f"/bookings/{booking}/receipts")
    assert "Nothing has been written yet" in text_of(answer)
    assert f'href="/bookings/{booking}/plan"' in answer.content.decode()


def test_receipts_of_two_connections_are_told_apart(
    client: Client, booking: int, keep_receipt: Callable[..., int], account: Account, lane: Connection
) -> None:
    """Both CRMs write in the same second: each receipt says whose it is, and its neighbours and plan are its own."""
    now = timezone.now()
    first, last = (keep_receipt(booking, DOCUMENT, at=now - timedelta(hours=n)) for n in (2, 0))
    other = Connection.objects.create(
        account_id=account.id, public_id="CON-B", vendor="hubspot", name="Portal 7", state="connected"
    )
    theirs = keep_receipt(booking, DOCUMENT, at=now - timedelta(hours=1), lane=other)
    answer = client.get(f"/bookings/{booking}/receipts/{last}")
    page, words = answer.content.decode(), text_of(answer)
    assert "HubSpot Portal 7 · " in words
    assert "Salesforce" in words
    assert re.findall(r'receipts/(\d+)" rel="prev"', page) == [str(first)]
    assert f"/bookings/{booking}/plan?connection={lane.public_id}" in page
    page = client.get(f"/bookings/{booking}/receipts/{theirs}").content.decode()
    assert 'rel="prev"' not in page
    assert 'rel="next"' not in page
    assert f"/bookings/{booking}/plan?connection=CON-B" in page


def test_receipt_leads_to_the_ones_before_and_after(
    client: Client, booking: int, keep_receipt: Callable[..., int]
) -> None:
    now = timezone.now()
    first, middle, last = (keep_receipt(booking, DOCUMENT, at=now - timedelta(hours=n)) for n in (2, 1, 0))

    def leads(receipt: int) -> list[tuple[str, str]]:
        page = client.get(f"/bookings/{booking}/receipts/{receipt}").content.decode()
        return re.findall(r'href="/bookings/\d+/receipts/(\d+)" rel="(prev|next)"', page)

    assert leads(middle) == [(str(first), "prev"), (str(last), "next")]
    assert leads(first) == [(str(middle), "next")]
    assert leads(last) == [(str(middle), "prev")]
