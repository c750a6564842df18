"""A calendar's page: the month, the times of a day, the zone, and addresses that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from instep.core.booking_calendar import BookingCalendar

from .pages import Page, rows

if TYPE_CHECKING:
    from django.test import Client

    from instep.core.booking import Booking
    from instep.store.models import Account

Publish = Callable[..., BookingCalendar]
Booked = Callable[..., "Booking"]


# --- the month ---


def test_page_shows_the_first_day_with_times_and_says_whose_and_in_which_zone(
    guest: Client, publish: Publish
) -> None:
    publish(description="We show it to you.", virtual_location="https://meet.example/x")
    page = Page(guest.get("/b/demo"))
    assert page.title == "Product demo · Acme <Labs>"
    assert "Times in Europe/Lisbon, now 08:00" in page.text
    assert "6 times on Monday 2 March" in page.text
    assert "Nuno Reis" in page.text
    assert "We show it to you." in page.text
    # the link to the meeting is for those who have booked
    assert "meet.example" not in page.text
    assert page.links["Thursday 5 March, 6 times"] == "/b/demo?month=2026-03&date=2026-03-05"
    assert not [words for words in page.links if words.startswith("Saturday")]
    assert page.links["09:00"] == "/b/demo/details?start=2026-03-02T09%3A00Z"


def test_chosen_day_shows_its_times(guest: Client, publish: Publish) -> None:
    publish()
    page = Page(guest.get("/b/demo?month=2026-03&date=2026-03-05"))
    assert "Thursday 5 March" in page.text
    assert page.links["11:30"] == "/b/demo/details?start=2026-03-05T11%3A30Z"
    assert [given["id"] for given in page.all("a", **{"aria-current": "date"})] == ["day-2026-03-05"]


def test_month_without_times_leads_to_the_next_free_day(guest: Client, publish: Publish) -> None:
    publish(min_notice=40 * 24 * 60)
    page = Page(guest.get("/b/demo"))
    assert "April 2026" in page.text
    empty = Page(guest.get("/b/demo?month=2026-03"))
    assert "No time is free in March 2026." in empty.text
    assert empty.links["Go to Monday 13 April"] == "/b/demo?month=2026-04&date=2026-04-13"


def test_day_without_times_says_so(guest: Client, publish: Publish) -> None:
    publish()
    page = Page(guest.get("/b/demo?date=2026-03-07"))
    assert "No time is left on Saturday 7 March." in page.text
    assert "Go to Monday 9 March" in page.links


def test_calendar_without_any_free_time_says_for_how_long(guest: Client, publish: Publish) -> None:
    publish(min_notice=61 * 24 * 60)
    assert "There is no free time in the next 60 days." in Page(guest.get("/b/demo")).text


def test_months_out_of_the_window_are_led_back_into_it(guest: Client, publish: Publish) -> None:
    publish(window_days=20)
    for month in ("2020-01", "2199-12"):
        page = Page(guest.get(f"/b/demo?month={month}"))
        assert "March 2026" in page.text
        assert "The month after" not in page.links


def test_times_are_those_of_the_guests_zone_over_midnight(guest: Client, publish: Publish) -> None:
    """Tuesday 8:00 in Tokyo is Monday afternoon in Los Angeles."""
    publish(who=("greta",))
    page = Page(guest.get("/b/demo?tz=America/Los_Angeles"))
    assert "4 times on Monday 2 March" in page.text
    assert "15:00" in page.links
    form = Page(guest.get(page.links["15:00"]))
    assert "Monday, 2 March 2026" in form.text
    assert form.fields["start"] == "2026-03-02T23:00Z"


def test_times_follow_the_hosts_clock_when_it_changes(guest: Client, publish: Publish) -> None:
    """Lisbon goes to summer time on 29 March; São Paulo does not."""
    publish()
    before = Page(guest.get("/b/demo?tz=America/Sao_Paulo&date=2026-03-27"))
    after = Page(guest.get("/b/demo?tz=America/Sao_Paulo&date=2026-03-30"))
    assert "06:00" in before.links
    assert "05:00" in after.links
    assert "06:00" in after.links
    assert "08:30" not in after.links


def test_meeting_that_ends_on_the_next_day_says_so(guest: Client, publish: Publish) -> None:
    publish(durations=(60,), who=("greta",))
    page = Page(guest.get("/b/demo/details?start=2026-03-02T23:00Z&tz=Asia/Karachi"))
    assert "04:00–05:00 " in page.text
    page = Page(guest.get("/b/demo/details?start=2026-03-02T23:30Z&tz=Europe/Lisbon"))
    assert "Monday, 2 March 2026 23:30–00:30 (+1 day)" in page.text


def test_zone_is_a_guess_only_where_nobody_told(guest: Client, publish: Publish) -> None:
    publish(who=("greta",))
    assert "Times in Europe/Lisbon" in Page(guest.get("/b/demo")).text
    guest.cookies.clear()
    page = Page(guest.get("/b/demo"))
    assert "Times in Asia/Tokyo" in page.text
    assert "your browser did not say yours" in page.text


def test_hours_are_those_of_the_guests_country_until_chosen(guest: Client, publish: Publish) -> None:
    publish()
    american = Page(guest.get("/b/demo", headers={"Accept-Language": "en-US"}))
    assert "9:00 AM" in american.links
    assert "Thursday, March 5, 6 times" in american.links
    chosen = guest.get(american.links["Use the 24-hour clock"], headers={"Accept-Language": "en-US"})
    assert "09:00" in Page(chosen).links
    # kept for the pages after the booking
    assert "09:00" in Page(guest.get("/b/demo", headers={"Accept-Language": "en-US"})).links


def test_durations_are_a_choice_that_is_carried_on(guest: Client, publish: Publish) -> None:
    publish(durations=(30, 90))
    page = Page(guest.get("/b/demo?utm_source=news"))
    longer = Page(guest.get(page.links["1 h 30 min"]))
    assert longer.links["Monday 2 March, 4 times"]
    form = Page(guest.get(longer.links["10:30"]))
    assert "10:30–12:00" in form.text
    assert (form.fields["duration"], form.fields["utm_source"]) == ("90", "news")
    odd = Page(guest.get("/b/demo?duration=31"))
    assert odd.links["Monday 2 March, 6 times"]


def test_choices_are_kept_from_page_to_page(guest: Client, publish: Publish) -> None:
    publish()
    page = Page(guest.get("/b/demo?tz=Asia/Tokyo&clock=12&name=Ana&utm_source=n&sfLeadId=00Q"))
    for words, link in page.links.items():
        if link.startswith("/b/"):
            assert "tz=Asia%2FTokyo" in link, words
            assert "name=Ana" in link, words
            assert "utm_source=n" in link, words
            assert "sfLeadId" not in link, words


@pytest.mark.parametrize(
    "path",
    ["/b/nothing", "/b/nothing/details?start=2026-03-05T09:00Z", "/b/nothing/zone", "/b/no/thing", "/b/%00"],
)
def test_unknown_address_has_a_friendly_answer(guest: Client, path: str) -> None:
    response = guest.get(path)
    assert response.status_code == 404
    assert "Nothing can be booked at this address" in Page(response).text


@pytest.mark.parametrize("added", ["/", ".", "),", "/."])
def test_address_with_something_added_leads_to_its_calendar(
    guest: Client, publish: Publish, added: str
) -> None:
    publish()
    assert guest.get(f"/b/demo{added}")["Location"] == "/b/demo"
    assert Page(guest.get("/b/DEMO")).title.startswith("Product demo")


def test_unpublished_calendar_is_as_if_it_were_not_there(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish("secret", published=False)
    shown, unknown = guest.get("/b/secret"), guest.get("/b/nothing")
    assert (shown.status_code, shown.content) == (404, unknown.content)
    assert guest.get("/b/secret/").content == unknown.content
    assert guest.post("/b/secret/details", details).status_code == 404
    assert rows("booking") == 0


# --- the zone ---


def test_zone_search_leads_back_with_the_zone_chosen(guest: Client, publish: Publish) -> None:
    publish()
    page = Page(guest.get("/b/demo?date=2026-03-05&utm_source=n"))
    search = Page(guest.get(page.links["change the time zone"] + "&q=new+york"))
    (link,) = [link for words, link in search.links.items() if words.startswith("New York")]
    assert "03:00 UTC−05:00" in search.text
    back = Page(guest.get(link))
    assert "Times in America/New_York" in back.text
    assert "Thursday 5 March" in back.text


def test_zone_search_from_the_form_leads_back_to_the_form(guest: Client, publish: Publish) -> None:
    publish()
    form = Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z"))
    search = Page(guest.get(form.links["Another time zone"] + "&q=tokyo"))
    back = Page(guest.get(next(link for words, link in search.links.items() if words.startswith("Tokyo"))))
    assert "Thursday, 5 March 2026 18:00–18:30" in back.text


def test_zone_search_offers_likely_zones_and_says_when_nothing_fits(guest: Client, publish: Publish) -> None:
    publish(who=("greta",))
    likely = Page(guest.get("/b/demo/zone"))
    assert [words.split(" ·")[0] for words in likely.links if "·" in words] == ["Lisbon", "Tokyo"]
    none = Page(guest.get("/b/demo/zone", {"q": "<b>nowhere\0"}))
    assert "No time zone fits “<b>nowhere”" in none.text


def test_another_accounts_calendar_is_its_own(guest: Client, publish: Publish, account: Account) -> None:
    """The slug alone decides whose page it is; hosts of another account never show."""
    from instep.store.models import Account as Accounts
    from instep.store.models import Calendar

    publish()
    other = Accounts.objects.create(name="Other Ltd")
    Calendar.objects.create(
        account=other, source="instep", source_id="CAL-2", name="Theirs", slug="theirs", published=True
    )
    page = Page(guest.get("/b/theirs"))
    assert "Other Ltd" in page.text
    assert "Nuno" not in page.text
