"""Who is told of what, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from instep.core.booking import Booking, Guest, Host, Kind, Status, Transition
from instep.notify.mails import GUEST, HANDED_OVER, HOST, TAKEN_OVER, owed
from instep.notify.wording import worded

START = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)
NUNO = Host("HST-1", "nuno@host.example", "Nuno Reis", "Europe/Lisbon")
MAYA = Host("HST-2", "maya@host.example", "Maya Sen", "Asia/Kolkata")
BOOKED = Booking(
    id="BKNG-1",
    source="instep",
    status=Status.SCHEDULED,
    status_detail="Scheduled (By customer)",
    subject="Product demo",
    start=START,
    end=START + timedelta(minutes=45),
    guest_time_zone="America/New_York",
    virtual_location="https://meet.example/xyz",
    host=NUNO,
    guest=Guest("Ines Castro", "ines@guest.example", company="Castro Lda", note="The reporting part."),
    manage_url="https://book.example/m/BKNG-1:signed",
    timeline=(Transition(Kind.SCHEDULED, START, Status.SCHEDULED, "customer", host=NUNO),),
)


def after(kind: Kind, status: Status, by: str = "user", reason: str = "", **changes: object) -> Booking:
    """The example booking after one more transition."""
    step = Transition(kind, START, status, by, reason)
    return evolve(BOOKED, status=status, timeline=(*BOOKED.timeline, step), **changes)


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        (Kind.REQUESTED, Status.REQUESTED, {HOST, GUEST}),
        (Kind.SCHEDULED, Status.SCHEDULED, {HOST, GUEST}),
        (Kind.APPROVED, Status.SCHEDULED, {GUEST}),
        (Kind.DECLINED, Status.CANCELED, {GUEST}),
        (Kind.RESCHEDULED, Status.RESCHEDULED, {HOST, GUEST}),
        (Kind.CANCELED, Status.CANCELED, {HOST, GUEST}),
        (Kind.CANCELED_RESCHEDULE_REQUESTED, Status.CANCELED, {HOST, GUEST}),
        (Kind.COMPLETED, Status.COMPLETED, set()),
        (Kind.NO_SHOW, Status.NO_SHOW, set()),
        (Kind.NO_SHOW_UNDONE, Status.COMPLETED, set()),
    ],
)
def test_each_transition_tells_those_whom_it_concerns(kind: Kind, status: Status, told: set[str]) -> None:
    mails = owed(BOOKED, after(kind, status))
    assert {mail.role for mail in mails} == told
    addresses = {GUEST: "ines@guest.example", HOST: "nuno@host.example"}
    assert all(mail.recipient == addresses[mail.role] for mail in mails)
    for mail in mails:
        assert worded(mail.what, mail.role, mail.recipient, mail.document, "").subject


def test_a_reassignment_tells_both_hosts_each_in_his_own_zone_and_not_the_guest() -> None:
    mails = owed(BOOKED, after(Kind.REASSIGNED, Status.SCHEDULED, host=MAYA))
    assert [(mail.what, mail.recipient) for mail in mails] == [
        (HANDED_OVER, "nuno@host.example"),
        (TAKEN_OVER, "maya@host.example"),
    ]
    texts = [worded(m.what, m.role, m.recipient, m.document, "").text for m in mails]
    assert "(Europe/Lisbon)" in texts[0]
    assert "Maya Sen’s now" in texts[0]
    assert "(Asia/Kolkata)" in texts[1]


def test_nobody_without_an_address_is_written_to() -> None:
    alone = evolve(BOOKED, guest=Guest("Ines"), host=None)
    assert owed(None, alone) == ()
    assert owed(None, evolve(BOOKED, timeline=())) == ()


def test_a_host_reads_who_when_where_and_the_way_to_the_booking() -> None:
    mail = next(m for m in owed(None, BOOKED) if m.role == HOST)
    said = worded(mail.what, mail.role, mail.recipient, mail.document, "https://book.example/bookings/7")
    assert said.subject.startswith("New booking: Ines Castro, ")
    assert said.reply_to == "ines@guest.example"
    for part in ("13:00", "Europe/Lisbon", "Castro Lda", "The reporting part.", "https://meet.example/xyz"):
        assert part in said.text
    assert "https://book.example/bookings/7" in said.text
    assert "signed" not in said.text, "the guest's own link is the guest's alone"


def test_a_guest_reads_it_in_his_own_zone_with_his_own_link() -> None:
    mail = next(m for m in owed(None, BOOKED) if m.role == GUEST)
    said = worded(mail.what, mail.role, mail.recipient, mail.document, "https://book.example/bookings/7")
    assert "(America/New_York)" in said.text
    assert "https://book.example/m/BKNG-1:signed" in said.text
    assert "/bookings/7" not in said.text
    assert said.reply_to == "nuno@host.example"


def test_a_new_time_names_the_one_before_and_the_reason() -> None:
    moved = after(
        Kind.RESCHEDULED,
        Status.RESCHEDULED,
        "customer",
        "Travel clash",
        start=START + timedelta(days=1),
        end=START + timedelta(days=1, minutes=45),
    )
    mail = next(m for m in owed(BOOKED, moved) if m.role == HOST)
    said = worded(mail.what, mail.role, mail.recipient, mail.document, "")
    assert "Ines Castro has moved" in said.text
    assert "Reason: Travel clash" in said.text
    before = next(line for line in said.text.splitlines() if line.startswith("Before:"))
    assert "5" in before
    assert "13:00" in before


def test_a_canceled_guest_gets_no_link_and_one_asked_to_reschedule_gets_it() -> None:
    def guests(kind: Kind) -> str:
        mail = next(m for m in owed(BOOKED, after(kind, Status.CANCELED)) if m.role == GUEST)
        return worded(mail.what, mail.role, mail.recipient, mail.document, "").text

    assert "signed" not in guests(Kind.CANCELED)
    assert "Choose another time: https://book.example/m/BKNG-1:signed" in guests(
        Kind.CANCELED_RESCHEDULE_REQUESTED
    )


def test_what_people_typed_stays_one_line_in_a_subject() -> None:
    sly = evolve(BOOKED, subject="Demo", guest=evolve(BOOKED.guest, name="Eve\r\nBcc: all@example.org"))
    mail = next(m for m in owed(None, sly) if m.role == HOST)
    said = worded(mail.what, mail.role, mail.recipient, mail.document, "")
    assert "\n" not in said.subject
    assert "\r" not in said.subject
    assert "\nBcc" not in said.text


def test_a_meeting_over_midnight_says_both_days() -> None:
    late = evolve(
        BOOKED, start=START.replace(hour=23, minute=30), end=START.replace(hour=23) + timedelta(hours=2)
    )
    mail = next(m for m in owed(None, late) if m.role == HOST)
    when = worded(mail.what, mail.role, mail.recipient, mail.document, "").text
    assert "5" in when.split(" – ")[0]
    assert "6" in when.split(" – ")[1]
