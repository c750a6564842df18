"""A booking's texts and the parts that follow from others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from instep.core.booking import (
    EVENT_STATUS_TEXTS,
    Booking,
    Host,
    Kind,
    Status,
    Transition,
    event_status,
    status_detail,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOOKING = Booking("B", "oncehub", Status.SCHEDULED, "", "Demo", NOON, NOON + timedelta(minutes=45))
REASSIGNED = Transition(Kind.REASSIGNED, NOON, Status.SCHEDULED)


def test_there_are_exactly_seven_event_status_texts() -> None:
    shown = {event_status(evolve(BOOKING, status=s), True) for s in Status if s is not Status.REQUESTED}
    shown |= {
        event_status(evolve(BOOKING, status=s, timeline=(REASSIGNED,)), True)
        for s in (Status.SCHEDULED, Status.RESCHEDULED)
    }
    assert shown == set(EVENT_STATUS_TEXTS)


def test_the_suffix_stands_only_while_the_reassignment_is_the_last_step() -> None:
    later = Transition(Kind.RESCHEDULED, NOON, Status.RESCHEDULED)
    assert event_status(evolve(BOOKING, timeline=(REASSIGNED,)), True) == "Scheduled (Reassigned by User)"
    assert event_status(evolve(BOOKING, timeline=(REASSIGNED, later)), True) == "Scheduled"


def test_a_new_host_without_a_crm_user_shows_the_plain_status() -> None:
    assert event_status(evolve(BOOKING, timeline=(REASSIGNED,)), False) == "Scheduled"


def test_a_completed_booking_has_no_suffix() -> None:
    done = evolve(BOOKING, status=Status.COMPLETED, timeline=(REASSIGNED,))
    assert event_status(done, True) == "Completed"


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_detailed_text(status: Status) -> None:
    assert "(" in status_detail(Kind(status.value), status, "")


def test_the_virtual_location_comes_first() -> None:
    both = evolve(BOOKING, virtual_location="https://meet.example", physical_location="Rua Augusta 12")
    assert both.location == "https://meet.example"
    assert evolve(both, virtual_location="").location == "Rua Augusta 12"


def test_everyone_who_was_booked_the_present_host_first() -> None:
    nuno, greta = Host("1", "n@x.example"), Host("2", "g@x.example")
    timeline = tuple(Transition(Kind.REASSIGNED, NOON, Status.SCHEDULED, host=h) for h in (nuno, greta, nuno))
    assert evolve(BOOKING, host=nuno, timeline=timeline).hosts_newest_first == (nuno, greta)
    assert BOOKING.duration == timedelta(minutes=45)


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        (Kind.APPROVED, Status.SCHEDULED, "Scheduled (Approved by User)"),
        (Kind.DECLINED, Status.CANCELED, "Canceled (Declined by User)"),
        (Kind.NO_SHOW_UNDONE, Status.COMPLETED, "Completed (No-show undone by user)"),
        (Kind.NO_SHOW_UNDONE, Status.RESCHEDULED, "Rescheduled (No-show undone by user)"),
    ],
)
def test_what_only_happens_here_has_a_detailed_text(kind: Kind, status: Status, text: str) -> None:
    assert status_detail(kind, status, "user") == text
