"""The calendar file of a booking: what a calendar program needs to keep one entry right for its whole life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve
from icalendar import Calendar

from instep.core.booking import Booking, Guest, Host, Kind, Status, Transition
from instep.core.calendar_file import calendar_file

START = datetime(2026, 3, 5, 13, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def step(kind: Kind, status: Status) -> Transition:
    return Transition(kind, NOW, status, start=START)


BOOKED = Booking(
    id="BKNG-1",
    source="instep",
    status=Status.SCHEDULED,
    status_detail="",
    subject="Demo; with, commas\nand lines",
    start=START,
    end=START + timedelta(minutes=45),
    updated_at=NOW,
    host=Host("HST-1", "nuno@acme.example", 'Nuno "N" Reis'),
    guest=Guest(name="Zoë, Ltd: Ana", email="ana@guest.example"),
    virtual_location="https://meet.example/x",
    manage_url="https://book.example/m/BKNG-1:sig",
    timeline=(step(Kind.SCHEDULED, Status.SCHEDULED),),
)


def event(booking: Booking, notes: str = "") -> dict[str, object]:
    file = Calendar.from_ical(calendar_file(booking, NOW, notes))
    assert str(file["METHOD"]) == "PUBLISH"
    (found,) = file.walk("VEVENT")
    return found


def test_file_says_what_when_where_and_who() -> None:
    made = event(BOOKED, "Bring your laptop.")
    assert str(made["SUMMARY"]) == "Demo; with, commas\nand lines"
    assert (made["DTSTART"].dt, made["DTEND"].dt) == (START, START + timedelta(minutes=45))
    assert str(made["LOCATION"]) == "https://meet.example/x"
    assert str(made["ORGANIZER"]) == "mailto:nuno@acme.example"
    assert made["ORGANIZER"].params["CN"] == "Nuno 'N' Reis"
    assert made["ATTENDEE"].params["CN"] == "Zoë, Ltd: Ana"
    assert str(made["DESCRIPTION"]) == "Bring your laptop.\n\nhttps://book.example/m/BKNG-1:sig"
    assert str(made["STATUS"]) == "CONFIRMED"
    assert made["DTSTAMP"].dt == NOW


def test_lines_are_as_long_as_the_format_allows() -> None:
    body = calendar_file(evolve(BOOKED, subject="ü" * 200), NOW)
    assert max(len(line) for line in body.split(b"\r\n")) <= 75


def test_uid_stays_and_sequence_grows_with_each_change_that_shows() -> None:
    first = event(BOOKED)
    moved = (step(Kind.RESCHEDULED, Status.RESCHEDULED), step(Kind.REASSIGNED, Status.RESCHEDULED))
    changed = event(evolve(BOOKED, timeline=(*BOOKED.timeline, *moved)))
    assert (first["UID"], first["SEQUENCE"]) == (changed["UID"], 0)
    assert changed["SEQUENCE"] == 2
    over = evolve(BOOKED, timeline=(*BOOKED.timeline, step(Kind.COMPLETED, Status.COMPLETED)))
    assert event(over)["SEQUENCE"] == 0


def test_canceled_meeting_is_free_time_and_a_request_is_not_certain() -> None:
    canceled = event(evolve(BOOKED, status=Status.CANCELED))
    assert (str(canceled["STATUS"]), str(canceled["TRANSP"])) == ("CANCELLED", "TRANSPARENT")
    assert str(event(evolve(BOOKED, status=Status.REQUESTED))["STATUS"]) == "TENTATIVE"


def test_line_breaks_in_a_name_add_no_lines_to_the_file() -> None:
    body = calendar_file(evolve(BOOKED, guest=Guest(name="A\r\nX-EVIL:1", email="a@b.example")), NOW)
    assert b"\r\nX-EVIL" not in body
