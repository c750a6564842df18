"""Another time for a booking: same host, own time free, reason kept; and a new booking where the host asked for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from instep.core.booking import Status
from instep.core.booking_calendar import BookingCalendar

from .conftest import ASKED, NOW
from .pages import Page

if TYPE_CHECKING:
    from django.test import Client

    from instep.core.booking import Booking
    from instep.store.models import Account

Publish = Callable[..., BookingCalendar]
Booked = Callable[..., "Booking"]


@pytest.fixture
def path(guest: Client, publish: Publish, details: dict[str, str]) -> str:
    """The link of a booking on 5 March at 9:00."""
    publish()
    return str(guest.post("/b/demo/details", details)["Location"])


def test_month_shows_the_time_to_leave_and_offers_the_others(guest: Client, path: str) -> None:
    page = Page(guest.get(f"{path}/time"))
    assert "Now: Thursday 5 March, 09:00–09:30" in page.text
    assert "March 2026" in page.text
    day = Page(guest.get(page.links["Thursday 5 March, 5 times"]))
    assert "09:00" not in day.links, "the time it has is no other time"
    assert day.links["09:30"] == f"{path}/time/confirm?start=2026-03-05T09%3A30Z"
    assert day.links["Back to your booking"] == path


def test_month_begins_where_the_meeting_is(guest: Client, publish: Publish, details: dict[str, str]) -> None:
    publish()
    path = guest.post("/b/demo/details", {**details, "start": "2026-04-15T09:00Z"})["Location"]
    assert "April 2026" in Page(guest.get(f"{path}/time")).text


def test_guest_moves_the_meeting(guest: Client, path: str, booked: Booked) -> None:
    page = Page(guest.get(f"{path}/time/confirm?start=2026-03-06T10:00Z"))
    assert "Before Thursday, 5 March 2026, 09:00–09:30" in page.text
    assert "New Friday, 6 March 2026, 10:00–10:30 Europe/Lisbon" in page.text
    response = guest.post(f"{path}/time/confirm", {**page.fields, "reason": "A train"})
    assert (response.status_code, response["Location"]) == (303, path)
    made = booked()
    assert (made.status, made.start) == (Status.RESCHEDULED, datetime(2026, 3, 6, 10, tzinfo=UTC))
    assert (made.reason, made.actioned_by) == ("A train", "customer")
    assert "Your new time is confirmed" in Page(guest.get(path)).text
    again = guest.post(f"{path}/time/confirm", {**page.fields, "reason": "A train"})
    assert (again.status_code, again["Location"]) == (303, path)
    assert len(booked().timeline) == 2


def test_meeting_stays_with_its_host(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    """Greta is free on Tuesdays and Thursdays at night, Nuno on weekday mornings; the meeting is Nuno's."""
    publish(who=("nuno", "greta"))
    path = guest.post("/b/demo/details", details)["Location"]
    host = booked().host
    assert "6 times on Monday 2 March" in Page(guest.get(f"{path}/time")).text
    assert "23:00" in Page(guest.get("/b/demo?date=2026-03-09")).links
    assert "23:00" not in Page(guest.get(f"{path}/time?date=2026-03-09")).links
    refused = guest.post(f"{path}/time/confirm", {"start": "2026-03-09T23:00Z"})
    assert refused.status_code == 409
    assert booked().host == host
    assert guest.post(f"{path}/time/confirm", {"start": "2026-03-09T09:00Z"}).status_code == 303
    assert booked().host == host


def test_overlap_with_its_own_time_is_no_obstacle(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish(durations=(60,), buffer_before=30)
    path = guest.post("/b/demo/details", {**details, "duration": "60"})["Location"]
    assert guest.post(f"{path}/time/confirm", {"start": "2026-03-05T09:30Z"}).status_code == 303
    assert booked().start == datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def test_time_taken_meanwhile_offers_the_nearest_and_keeps_the_reason(
    guest: Client, path: str, details: dict[str, str], booked: Booked
) -> None:
    other = {**details, "start": "2026-03-06T10:00Z", "email": "b@c.example"}
    assert guest.post("/b/demo/details", other).status_code == 303
    first = path.removeprefix("/m/").partition(":")[0]
    response = guest.post(f"{path}/time/confirm", {"start": "2026-03-06T10:00Z", "reason": "A train"})
    assert response.status_code == 409
    page = Page(response)
    assert page.fields["reason"] == "A train"
    offered = [given["value"] for given in page.all("input", type="radio", name="start")]
    assert "2026-03-06T10:00Z" not in offered
    assert "2026-03-05T09:00Z" not in offered
    assert "2026-03-06T10:30Z" in offered
    again = guest.post(f"{path}/time/confirm", {**page.fields, "start": "2026-03-06T10:30Z"})
    assert again.status_code == 303
    assert booked(first).start == datetime(2026, 3, 6, 10, 30, tzinfo=UTC)
    assert booked(first).reason == "A train"


@pytest.mark.parametrize("start", ["2026-03-06T09:07Z", "2026-03-07T09:00Z", "2027-03-05T09:00Z"])
def test_time_that_is_not_offered_is_refused(guest: Client, path: str, booked: Booked, start: str) -> None:
    assert guest.post(f"{path}/time/confirm", {"start": start}).status_code == 409
    assert booked().status is Status.SCHEDULED


def test_time_that_is_gone_is_told_before_it_is_confirmed(guest: Client, path: str) -> None:
    page = Page(guest.get(f"{path}/time/confirm?start=2026-03-07T09:00Z"))
    assert "This time is not free any more." in page.text
    assert page.fields["start"] == "2026-03-06T11:30Z"


def test_page_without_a_time_leads_to_the_month(guest: Client, path: str) -> None:
    assert guest.get(f"{path}/time/confirm")["Location"] == f"{path}/time"
    assert guest.post(f"{path}/time/confirm", {"reason": "x"})["Location"] == f"{path}/time"


def test_zone_can_be_changed_on_the_way(guest: Client, path: str) -> None:
    page = Page(guest.get(f"{path}/time?date=2026-03-06"))
    search = Page(guest.get(page.links["change the time zone"] + "&q=tokyo"))
    back = Page(guest.get(next(link for words, link in search.links.items() if words.startswith("Tokyo"))))
    assert "Times in Asia/Tokyo" in back.text
    assert "18:00" in back.links


def test_calendar_that_forbids_it_says_so(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish(guest_may_reschedule=False)
    path = guest.post("/b/demo/details", details)["Location"]
    assert "cannot be rescheduled here" in Page(guest.get(f"{path}/time")).text
    refused = guest.post(f"{path}/time/confirm", {"start": "2026-03-06T10:00Z"})
    assert refused.status_code == 409
    assert booked().status is Status.SCHEDULED


def test_too_many_forms_are_slowed_down(guest: Client, path: str, booked: Booked) -> None:
    for _ in range(30):
        guest.post(f"{path}/time/confirm", {"start": "2026-03-07T10:00Z"})
    response = guest.post(f"{path}/time/confirm", {"start": "2026-03-06T10:00Z", "reason": "A train"})
    assert response.status_code == 429
    assert Page(response).fields["reason"] == "A train"
    assert booked().status is Status.SCHEDULED


# --- the host asked for another time ---


@pytest.fixture
def asked(guest: Client, publish: Publish, details: dict[str, str], booked: Booked, account: Account) -> str:
    """The link of a booking whose host asked for another time."""
    from instep.bookings import commands

    publish(who=("nuno", "greta"), **ASKED)
    more = {
        "company": "Sousa",
        "q_goal": "Peace",
        "q_terms": "on",
        "phone": "912345678",
        "utm_source": "news",
    }
    path = str(guest.post("/b/demo/details", {**details, **more})["Location"])
    commands.ask_to_reschedule(account.id, booked().id, "I am traveling.", NOW + timedelta(minutes=1))
    return path


def test_guest_is_asked_to_pick_a_new_time(guest: Client, asked: str) -> None:
    page = Page(guest.get(asked))
    assert "Please pick a new time" in page.text
    assert "I am traveling." in page.text
    assert page.links["Pick a new time"] == f"{asked}/time"
    month = Page(guest.get(f"{asked}/time?date=2026-03-09"))
    assert "23:00" in month.links, "any host of the calendar will do"


def test_new_time_is_a_new_booking_that_follows_the_old_one(
    guest: Client, asked: str, booked: Booked
) -> None:
    old = booked()
    page = Page(guest.get(f"{asked}/time/confirm?start=2026-03-09T09:00Z"))
    assert "Ana Sousa, ana@guest.example" in page.text
    assert not {"name", "email"} & set(page.fields), "nothing is asked again"
    response = guest.post(f"{asked}/time/confirm", page.fields)
    assert response.status_code == 303
    new = booked()
    assert response["Location"] == f"/m/{new.manage_url.rpartition('/m/')[2]}"
    assert new.id != old.id
    assert new.rescheduled_from == old.id
    assert (new.guest, new.custom, new.utm) == (old.guest, old.custom, old.utm)
    assert (new.status, new.start) == (Status.SCHEDULED, datetime(2026, 3, 9, 9, tzinfo=UTC))
    assert booked(old.id).status is Status.CANCELED
    assert "Your booking is confirmed" in Page(guest.get(response["Location"])).text


def test_old_link_leads_to_the_new_booking_and_books_no_second_one(
    guest: Client, asked: str, booked: Booked
) -> None:
    new = guest.post(f"{asked}/time/confirm", {"start": "2026-03-09T09:00Z"})["Location"]
    page = Page(guest.get(asked))
    assert page.links["See the new booking"] == new
    assert "Pick a new time" not in page.links
    assert guest.get(f"{asked}/time")["Location"] == new
    again = guest.post(f"{asked}/time/confirm", {"start": "2026-03-10T09:00Z"})
    assert again["Location"] == new
    assert booked().start == datetime(2026, 3, 9, 9, tzinfo=UTC)


def test_calendar_that_takes_no_more_bookings_says_so(guest: Client, asked: str) -> None:
    from instep.store.models import Calendar

    Calendar.objects.update(published=False)
    assert "takes no bookings now" in Page(guest.get(f"{asked}/time")).text
    assert guest.post(f"{asked}/time/confirm", {"start": "2026-03-09T09:00Z"}).status_code == 409


def test_duration_that_is_no_longer_offered_gives_way_to_one_that_is(
    guest: Client, asked: str, booked: Booked
) -> None:
    from instep.store.models import Calendar

    row = Calendar.objects.get()
    row.rules = {**row.rules, "durations": [60], "questions": []}
    row.save()
    assert guest.post(f"{asked}/time/confirm", {"start": "2026-03-09T09:00Z"}).status_code == 303
    assert booked().duration == timedelta(minutes=60)
    assert booked().custom == {}
