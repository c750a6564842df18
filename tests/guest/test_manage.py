"""The page behind a booking's own link: how it stands, its calendar file, canceling it, and who gets nowhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar

from instep.core.booking import Status
from instep.core.booking_calendar import BookingCalendar

from .conftest import NOW
from .pages import Page, rows

if TYPE_CHECKING:
    import time_machine
    from django.test import Client

    from instep.core.booking import Booking
    from instep.store.models import Account

Publish = Callable[..., BookingCalendar]
Booked = Callable[..., "Booking"]
Link = Callable[..., str]

PAGES = ("", "/cancel", "/time", "/time/confirm?start=2026-03-06T09:00Z", "/zone", "/meeting.ics")


@pytest.fixture
def link(guest: Client, publish: Publish, details: dict[str, str]) -> Link:
    """Book on 5 March at 9:00 in a calendar with these rules; the path of the booking's link."""

    def book(**rules: object) -> str:
        publish(**rules)
        response = guest.post("/b/demo/details", details)
        assert response.status_code == 303
        return str(response["Location"])

    return book


def test_confirmation_says_what_when_where_and_who(guest: Client, link: Link) -> None:
    page = Page(guest.get(link(virtual_location="https://meet.example/x", next_steps="Bring\nyour laptop.")))
    assert page.title == "Your booking is confirmed: Product demo · Acme <Labs>"
    assert "Thursday, 5 March 2026, 09:00–09:30 Europe/Lisbon" in page.text
    assert page.links["https://meet.example/x"] == "https://meet.example/x"
    assert "With Nuno Reis" in page.text
    assert "Booked by Ana Sousa, ana@guest.example" in page.text
    assert "Bring your laptop." in page.text
    assert {"Pick another time", "Cancel the meeting", "Calendar file (.ics)"} <= set(page.links)


def test_times_are_shown_in_the_zone_that_the_guest_booked_in(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(physical_location="Rua do Exemplo 12")
    path = guest.post("/b/demo/details", {**details, "tz": "Asia/Tokyo"})["Location"]
    page = Page(guest.get(path))
    assert "18:00–18:30 Asia/Tokyo" in page.text
    assert "Time at the place Thursday 5 March, 09:00 Europe/Lisbon" in page.text
    assert "Rua do Exemplo 12" in page.text


def test_place_that_is_no_web_address_is_no_link(guest: Client, link: Link) -> None:
    page = Page(guest.get(link(virtual_location="javascript:alert(1)")))
    assert "javascript:alert(1)" in page.text
    assert "javascript:alert(1)" not in page.links.values()


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_secret(guest: Client, link: Link, page: str) -> None:
    response = guest.get(link() + page)
    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]


@pytest.mark.parametrize("page", PAGES)
def test_looking_changes_nothing(guest: Client, link: Link, booked: Booked, page: str) -> None:
    """Mail scanners open every link of a mail, some with HEAD, some twice."""
    path = link() + page
    before = (booked(), rows("fact"), rows("transition"), rows("delivery"))
    guest.get(path)
    guest.head(path)
    guest.get(path, {"reason": "x", "start": "2026-03-06T09:00Z"})
    assert (booked(), rows("fact"), rows("transition"), rows("delivery")) == before


def test_wrong_and_expired_links_lead_nowhere_in_the_same_way(
    guest: Client, link: Link, clock: time_machine.Coordinates
) -> None:
    path = link()
    clock.move_to(datetime(2026, 4, 4, 9, 29, tzinfo=UTC))
    assert guest.get(path).status_code == 200
    clock.move_to(datetime(2026, 4, 4, 9, 31, tzinfo=UTC))
    nowhere = guest.get("/m/nonsense")
    assert "This link leads nowhere" in Page(nowhere).text
    cut = path[:-1]
    other = path.replace("BKNG-", "BKNG-0")
    for wrong in (path, cut, other, "/m/" + "x" * 3000, "/m/%00", "/m/BKNG-1:"):
        for page in PAGES:
            answer = guest.get(wrong + page)
            assert (answer.status_code, answer.content) == (404, nowhere.content), wrong + page
            assert answer["Referrer-Policy"] == "no-referrer"
    assert guest.post(path + "/cancel").status_code == 404
    assert guest.post(path + "/time/confirm", {"start": "2026-04-10T09:00Z"}).status_code == 404


def test_link_with_a_slash_at_its_end_is_the_link(guest: Client, link: Link) -> None:
    path = link()
    assert guest.get(f"{path}/")["Location"] == path
    nowhere = guest.get(f"{path}/what/else")
    assert (nowhere.status_code, nowhere["Referrer-Policy"]) == (404, "no-referrer")
    assert "This link leads nowhere" in Page(nowhere).text


# --- the calendar ---


def test_calendar_file_is_one_entry_for_the_bookings_whole_life(
    guest: Client, link: Link, booked: Booked
) -> None:
    path = link(next_steps="Bring your laptop.")
    response = guest.get(f"{path}/meeting.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert 'filename="meeting.ics"' in response["Content-Disposition"]
    (first,) = Calendar.from_ical(response.content).walk("VEVENT")
    assert (first["DTSTART"].dt, str(first["STATUS"]), first["SEQUENCE"]) == (booked().start, "CONFIRMED", 0)
    assert f"http://testserver{path}" in str(first["DESCRIPTION"])
    guest.post(f"{path}/time/confirm", {"start": "2026-03-06T09:00Z"})
    (moved,) = Calendar.from_ical(guest.get(f"{path}/meeting.ics").content).walk("VEVENT")
    assert (moved["UID"], moved["SEQUENCE"]) == (first["UID"], 1)
    assert moved["DTSTART"].dt == datetime(2026, 3, 6, 9, tzinfo=UTC)
    guest.post(f"{path}/cancel")
    (gone,) = Calendar.from_ical(guest.get(f"{path}/meeting.ics").content).walk("VEVENT")
    assert (gone["UID"], gone["SEQUENCE"], str(gone["STATUS"])) == (first["UID"], 2, "CANCELLED")


def test_links_to_calendars_on_the_web_carry_the_meeting_but_not_its_secret(
    guest: Client, link: Link
) -> None:
    path = link(virtual_location="https://meet.example/x")
    page = Page(guest.get(path))
    google = parse_qs(urlsplit(page.links["Google Calendar (opens in a new window)"]).query)
    assert google["dates"] == ["20260305T090000Z/20260305T093000Z"]
    assert google["text"] == ["Product demo"]
    outlook = parse_qs(urlsplit(page.links["Outlook (opens in a new window)"]).query)
    assert outlook["startdt"] == ["2026-03-05T09:00:00Z"]
    assert outlook["location"] == ["https://meet.example/x"]
    outside = [given for given in page.all("a") if given["href"].startswith("https://")]
    assert len(outside) == 4
    for given in outside:
        assert path.removeprefix("/m/") not in given["href"]
        assert "noreferrer" in given["rel"]


# --- canceling ---


def test_guest_cancels_with_a_reason(guest: Client, link: Link, booked: Booked) -> None:
    path = link()
    asked = Page(guest.get(f"{path}/cancel"))
    assert "Cancel this meeting?" in asked.text
    response = guest.post(f"{path}/cancel", {"reason": " I am <ill>\0 "})
    assert (response.status_code, response["Location"]) == (303, path)
    made = booked()
    assert (made.status, made.reason, made.actioned_by) == (Status.CANCELED, "I am <ill>", "customer")
    page = Page(guest.get(path))
    assert "This meeting is canceled" in page.text
    assert "I am <ill>" in page.text
    assert page.links["Book another time"] == "/b/demo"
    assert "Cancel the meeting" not in page.links
    assert "09:00" in Page(guest.get("/b/demo?date=2026-03-05")).links, "the time is free again"


def test_canceling_twice_is_canceling_once(guest: Client, link: Link, booked: Booked) -> None:
    path = link()
    guest.post(f"{path}/cancel", {"reason": "first"})
    again = guest.post(f"{path}/cancel", {"reason": "second"})
    assert (again.status_code, again["Location"]) == (303, path)
    assert booked().reason == "first"
    assert "This booking has been canceled." in Page(guest.get(f"{path}/cancel")).text


def test_request_is_taken_back(guest: Client, link: Link, booked: Booked) -> None:
    path = link(approval=True)
    assert "Take back this request?" in Page(guest.get(f"{path}/cancel")).text
    assert guest.post(f"{path}/cancel").status_code == 303
    assert booked().status is Status.CANCELED


def test_calendar_that_forbids_changes_says_why_and_keeps_to_it(
    guest: Client, link: Link, booked: Booked
) -> None:
    path = link(guest_may_cancel=False, guest_may_reschedule=False)
    page = Page(guest.get(path))
    assert "cannot be canceled here" in page.text
    assert not {"Pick another time", "Cancel the meeting"} & set(page.links)
    shown = guest.get(f"{path}/cancel")
    assert "cannot be canceled here" in Page(shown).text
    assert not list(Page(shown).all("form"))
    refused = guest.post(f"{path}/cancel", {"reason": "x"})
    assert refused.status_code == 409
    assert booked().status is Status.SCHEDULED


def test_changes_end_when_the_calendar_says(
    guest: Client, link: Link, booked: Booked, clock: time_machine.Coordinates
) -> None:
    path = link(guest_changes_until=60)
    clock.move_to(datetime(2026, 3, 5, 8, 0, tzinfo=UTC))
    assert "Cancel the meeting" in Page(guest.get(path)).links
    clock.move_to(datetime(2026, 3, 5, 8, 1, tzinfo=UTC))
    page = Page(guest.get(path))
    assert page.text.count("changes end 1 hour before the start") == 1
    assert "Cancel the meeting" not in page.links
    assert guest.post(f"{path}/cancel").status_code == 409
    assert booked().status is Status.SCHEDULED


def test_too_many_forms_are_slowed_down_and_the_reason_is_kept(
    guest: Client, link: Link, booked: Booked
) -> None:
    path = link()
    for _ in range(30):
        guest.post("/b/demo/details", {"start": "2026-03-05T10:00Z"})
    response = guest.post(f"{path}/cancel", {"reason": "I am ill"})
    assert response.status_code == 429
    assert Page(response).fields["reason"] == "I am ill"
    assert booked().status is Status.SCHEDULED


# --- how it stands ---


def test_meeting_under_way_and_over_says_so(
    guest: Client, link: Link, clock: time_machine.Coordinates
) -> None:
    from instep.bookings import commands

    path = link()
    clock.move_to(datetime(2026, 3, 5, 9, 10, tzinfo=UTC))
    page = Page(guest.get(path))
    assert "This meeting is under way" in page.text
    assert "can no longer be changed" in page.text
    clock.move_to(datetime(2026, 3, 5, 9, 31, tzinfo=UTC))
    assert "This meeting is over" in Page(guest.get(path)).text
    commands.complete_due(datetime(2026, 3, 5, 9, 31, tzinfo=UTC))
    page = Page(guest.get(path))
    assert "This meeting is over" in page.text
    assert not {"Pick another time", "Cancel the meeting", "Calendar file (.ics)"} & set(page.links)
    assert "Book another time" in page.links


def test_what_the_host_did_is_told_in_words(
    guest: Client, link: Link, booked: Booked, account: Account
) -> None:
    from instep.bookings import commands

    path = link(approval=True)
    later = NOW + timedelta(minutes=5)
    assert "Nuno Reis has been asked" in Page(guest.get(path)).text
    commands.approve(account.id, booked().id, "", later)
    assert "Your booking is confirmed" in Page(guest.get(path)).text
    commands.cancel(account.id, booked().id, "The office is closed.", "user", later)
    page = Page(guest.get(path))
    assert "Nuno Reis canceled it." in page.text
    assert "The office is closed." in page.text


def test_declined_request_is_told(guest: Client, link: Link, booked: Booked, account: Account) -> None:
    from instep.bookings import commands

    path = link(approval=True)
    commands.decline(account.id, booked().id, "Fully booked.", NOW)
    page = Page(guest.get(path))
    assert "Your request was declined" in page.text
    assert "Fully booked." in page.text


def test_no_show_is_no_reproach(
    guest: Client, link: Link, booked: Booked, account: Account, clock: time_machine.Coordinates
) -> None:
    from instep.bookings import commands

    path = link()
    clock.move_to(datetime(2026, 3, 5, 9, 20, tzinfo=UTC))
    commands.mark_no_show(account.id, booked().id, "", datetime.now(UTC))
    page = Page(guest.get(path))
    assert "This meeting is over" in page.text
    assert "show" not in page.text.lower().replace("showed", "")


def test_booking_of_a_deleted_calendar_is_still_shown(
    guest: Client, link: Link, booked: Booked, account: Account
) -> None:
    from instep.store.models import Booking as Row
    from instep.store.models import Calendar as Calendars

    path = link()
    Row.objects.update(calendar=None)
    Calendars.objects.all().delete()
    assert "Your booking is confirmed" in Page(guest.get(path)).text
    assert "The calendar that was booked is gone" in Page(guest.get(f"{path}/time")).text
    assert guest.post(f"{path}/time/confirm", {"start": "2026-03-06T09:00Z"}).status_code == 409
