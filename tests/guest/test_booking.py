"""A calendar's page and its form: what a guest sees, what a link may fill in, what is refused and how."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from instep.core.booking_calendar import Ask, BookingCalendar

from .conftest import ASKED
from .pages import Page

if TYPE_CHECKING:
    import time_machine
    from django.test import Client

    from instep.core.booking import Booking
    from instep.store.models import Account

Publish = Callable[..., BookingCalendar]
Booked = Callable[..., "Booking"]


def rows(table: str) -> int:
    from instep.store.queries import rows as run

    return int(run(f"SELECT count(*) FROM {table}", [])[0][0])


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


# --- the form ---


def test_form_books_and_leads_to_the_booking(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish(**ASKED)
    more = {
        "company": "Sousa Lda.",
        "phone": "912 345 678",
        "note": "Olá\nall",
        "q_team_size": "11-50",
        "q_terms": "on",
    }
    response = guest.post("/b/demo/details", {**details, **more, "utm_source": "news", "utm_evil": "x"})
    assert response.status_code == 303
    made = booked()
    assert response["Location"] == f"/m/{made.manage_url.rpartition('/m/')[2]}"
    assert made.manage_url.startswith("http://testserver/m/")
    assert (made.start, made.duration) == (datetime(2026, 3, 5, 9, tzinfo=UTC), timedelta(minutes=30))
    assert (made.guest.name, made.guest.email, made.guest.company) == (
        "Ana Sousa",
        "ana@guest.example",
        "Sousa Lda.",
    )
    assert made.guest.phone == "+351912345678"
    assert made.guest.note == "Olá\nall"
    assert made.custom == {"team_size": "11-50", "terms": "Yes"}
    assert made.utm == {"utm_source": "news"}
    assert made.guest_time_zone == "Europe/Lisbon"
    assert made.host is not None
    assert made.host.name == "Nuno Reis"


def test_form_asks_what_the_rules_say(guest: Client, publish: Publish) -> None:
    publish(**{**ASKED, "ask_phone": Ask.NO, "ask_note": Ask.NO})
    page = Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z"))
    names = set(page.fields) | {given["name"] for given in page.all("input", type="checkbox")}
    assert {"name", "email", "company", "q_goal", "q_terms"} <= names
    assert not {"phone", "note"} & names
    assert "Company Team size (optional)" in page.text
    assert "Book Thu 5 Mar, 09:00" in page.text


def test_errors_keep_what_was_typed_and_are_tied_to_their_fields(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(**ASKED)
    typed = {
        **details,
        "name": "  ",
        "email": "ana@",
        "phone": "123",
        "note": "<b>kept</b>",
        "utm_source": "news",
    }
    response = guest.post("/b/demo/details", typed)
    assert response.status_code == 422
    page = Page(response)
    assert page.title.startswith("Not booked yet")
    assert "5 answers need another look" in page.text
    assert page.fields["email"] == "ana@"
    assert page.fields["phone"] == "123"
    assert page.fields["note"] == "<b>kept</b>"
    assert page.fields["key"] == details["key"]
    assert page.fields["utm_source"] == "news"
    assert "like +351 21 234 5678" in page.text
    for name in ("name", "email", "phone", "company", "q_terms"):
        (field,) = page.all("input", id=f"id_{name}")
        assert field["aria-invalid"] == "true"
        assert field["aria-describedby"] == f"id_{name}_error"
        assert list(page.all("p", id=f"id_{name}_error")), name
        assert f"#id_{name}" in page.links.values()
    (summary,) = page.all("div", role="alert")
    assert "autofocus" in summary
    assert rows("booking") == 0


def test_choice_that_is_not_offered_is_refused(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(questions=ASKED["questions"])
    response = guest.post("/b/demo/details", {**details, "q_team_size": "a million", "q_terms": "on"})
    assert response.status_code == 422
    assert "Choose one of the answers." in Page(response).text


@pytest.mark.parametrize(
    "email", ["n/a", "ana", "ana@guest", "a b@guest.example", "ana@guest.example\r\nBcc: x@y.z"]
)
def test_what_is_no_address_is_no_address(
    guest: Client, publish: Publish, details: dict[str, str], email: str
) -> None:
    publish()
    assert guest.post("/b/demo/details", {**details, "email": email}).status_code == 422
    assert rows("booking") == 0


def test_national_number_belongs_to_the_guests_country(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish()
    guest.post("/b/demo/details", {**details, "tz": "Asia/Kolkata", "phone": "098765 43210"})
    assert booked().guest.phone == "+919876543210"


def test_names_from_everywhere_are_kept_and_shown_as_they_are(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish()
    name = "محمد <script>alert(1)</script> O'Neil‏"
    response = guest.post("/b/demo/details", {**details, "name": name, "company": "x" * 200})
    assert booked().guest.name == name
    page = guest.get(response["Location"])
    assert "<script>" not in page.content.decode()
    assert f"<bdi>{name.split('<')[0]}" in page.content.decode()


def test_control_characters_do_not_stop_a_guest(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish()
    response = guest.post(
        "/b/demo/details", {**details, "name": "A\0na\x08", "note": "line\r\nline", "utm_term": "\0"}
    )
    assert response.status_code == 303
    assert booked().guest.name == "Ana"
    assert booked().guest.note == "line\nline"
    assert booked().utm == {}


def test_text_that_is_too_long_is_refused_with_what_fits(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    response = guest.post("/b/demo/details", {**details, "name": "x" * 201})
    assert response.status_code == 422
    assert "200" in Page(response).text


def test_same_form_sent_twice_is_one_booking(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    first = guest.post("/b/demo/details", details)
    assert guest.post("/b/demo/details", details)["Location"] == first["Location"]
    assert rows("booking") == 1


def test_every_form_has_a_key_of_its_own(guest: Client, publish: Publish) -> None:
    publish()
    keys = {Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z")).fields["key"] for _ in range(3)}
    assert len(keys) == 3


def test_form_without_a_usable_key_books_all_the_same(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    assert guest.post("/b/demo/details", {**details, "key": "x"}).status_code == 303


# --- what cannot be had ---


def test_time_taken_meanwhile_offers_the_nearest_and_one_more_press_books(
    guest: Client, publish: Publish, details: dict[str, str], booked: Booked
) -> None:
    publish()
    assert guest.post("/b/demo/details", {**details, "key": "somebody-elses-form", "email": "b@c.example"})
    response = guest.post("/b/demo/details", {**details, "note": "Typed."})
    assert response.status_code == 409
    page = Page(response)
    assert "This time is not free any more." in page.text
    assert "what you typed is kept" in page.text
    assert page.fields["note"] == "Typed."
    offered = [given["value"] for given in page.all("input", type="radio", name="start")]
    assert "2026-03-05T09:00Z" not in offered
    assert offered == sorted(offered)
    assert "2026-03-05T09:30Z" in offered
    assert page.fields["start"] == "2026-03-05T09:30Z", "the nearest one is chosen already"
    again = guest.post("/b/demo/details", {**page.fields, "start": "2026-03-05T09:30Z"})
    assert again.status_code == 303
    assert booked().start == datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "start",
    ["2026-03-01T09:00Z", "2026-03-05T09:07Z", "2026-03-07T09:00Z", "2027-03-05T09:00Z", "2199-12-31T23:59Z"],
)
def test_time_that_was_never_offered_is_refused_in_the_same_way(
    guest: Client, publish: Publish, details: dict[str, str], start: str
) -> None:
    publish()
    response = guest.post("/b/demo/details", {**details, "start": start})
    assert response.status_code == 409
    assert list(Page(response).all("input", type="radio", name="start"))
    assert rows("booking") == 0


def test_time_that_came_too_near_is_refused(
    guest: Client, publish: Publish, details: dict[str, str], clock: time_machine.Coordinates
) -> None:
    publish()
    clock.move_to(datetime(2026, 3, 5, 8, 30, tzinfo=UTC))
    response = guest.post("/b/demo/details", details)
    assert response.status_code == 409
    assert "2026-03-05T09:30Z" in [given["value"] for given in Page(response).all("input", name="start")]


def test_time_lost_with_nothing_left_leads_to_the_month(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(min_notice=61 * 24 * 60)
    response = guest.post("/b/demo/details", details)
    assert response.status_code == 409
    page = Page(response)
    assert "See the free times" in page.links
    assert not list(page.all("button"))


def test_duration_that_is_no_longer_offered_is_not_exchanged_in_silence(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(durations=(60,))
    response = guest.post("/b/demo/details", details)
    assert response.status_code == 409
    assert "no longer offered" in Page(response).text
    assert Page(response).fields["duration"] == "60"
    assert rows("booking") == 0


def test_form_without_a_time_leads_to_the_month(guest: Client, publish: Publish) -> None:
    publish()
    assert guest.get("/b/demo/details?name=Ana")["Location"] == "/b/demo?name=Ana"
    response = guest.post("/b/demo/details", {"name": "Ana Sousa", "email": "ana@guest.example"})
    assert response["Location"] == "/b/demo", "what was typed gets into no address"


def test_programs_that_fill_in_everything_are_told_and_people_can_go_on(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    response = guest.post("/b/demo/details", {**details, "website": "http://spam.example"})
    assert response.status_code == 422
    page = Page(response)
    assert "press the button again" in page.text
    assert page.fields["website"] == ""
    assert rows("booking") == 0
    assert guest.post("/b/demo/details", page.fields).status_code == 303


def test_too_many_forms_are_slowed_down_and_nothing_typed_is_lost(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    for _ in range(30):
        guest.post("/b/demo/details", {**details, "email": "wrong"})
    response = guest.post("/b/demo/details", details)
    assert response.status_code == 429
    assert response["Retry-After"] == "600"
    page = Page(response)
    assert "Wait a few minutes" in page.text
    assert page.fields["name"] == "Ana Sousa"
    assert rows("booking") == 0
    # looking is free
    assert guest.get("/b/demo").status_code == 200


def test_time_that_is_gone_is_told_before_anything_is_typed(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish()
    guest.post("/b/demo/details", details)
    page = Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z&name=Ana&email=a@b.example&skip=1"))
    assert "This time is not free any more." in page.text
    assert page.fields["start"] == "2026-03-05T09:30Z"
    assert page.fields["name"] == "Ana"


# --- what a link fills in ---


def test_link_fills_in_the_form(guest: Client, publish: Publish) -> None:
    publish(**ASKED)
    said = {
        "start": "2026-03-05T09:00Z",
        "Name": "Ana <b>",
        "email": "ana@guest.example",
        "mobile_phone": "+351912345678",
        "company": "Sousa",
        "note": "Hi",
        "goal": "Peace",
        "team_size": "11-50",
        "terms": "on",
        "sfLeadId": "00Q000000000001",
    }
    page = Page(guest.get("/b/demo/details", said))
    assert page.fields["name"] == "Ana <b>"
    assert page.fields["phone"] == "+351912345678"
    assert page.fields["q_goal"] == "Peace"
    assert page.fields["q_team_size"] == "11-50"
    assert "q_terms" not in page.fields, "consent that a link gives is nobody's"
    assert "00Q000000000001" not in guest.get("/b/demo/details", said).content.decode()


def test_link_with_all_answers_skips_the_form_but_never_books_by_itself(
    guest: Client, publish: Publish, booked: Booked
) -> None:
    publish(ask_company=Ask.REQUIRED)
    link = "/b/demo/details?start=2026-03-05T09:00Z&name=Ana&email=ana@guest.example&skip=1"
    assert "name" in Page(guest.get(link)).fields
    assert list(Page(guest.get(link)).all("input", id="id_company")), "a required answer is missing"
    page = Page(guest.get(f"{link}&company=Sousa"))
    assert not list(page.all("input", id="id_company"))
    assert "Company Sousa" in page.text
    assert rows("booking") == 0
    assert list(Page(guest.get(page.links["Change these"])).all("input", id="id_company"))
    assert guest.post("/b/demo/details", page.fields).status_code == 303
    assert booked().guest.company == "Sousa"


def test_link_with_a_wrong_answer_shows_the_form(guest: Client, publish: Publish) -> None:
    publish()
    page = Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z&name=Ana&email=nonsense&skip=1"))
    assert page.fields["email"] == "nonsense"
    assert list(page.all("input", id="id_email"))


# --- requests, and who may do what ---


def test_calendar_with_approval_speaks_of_requests(
    guest: Client, publish: Publish, details: dict[str, str]
) -> None:
    publish(approval=True)
    assert "you send a request" in Page(guest.get("/b/demo")).text
    assert "Request Thu 5 Mar, 09:00" in Page(guest.get("/b/demo/details?start=2026-03-05T09:00Z")).text
    page = Page(guest.get(guest.post("/b/demo/details", details)["Location"]))
    assert "Your request is sent" in page.text
    assert "confirmed" not in page.text
    assert "Take back the request" in page.links


def test_looking_changes_nothing(guest: Client, publish: Publish, details: dict[str, str]) -> None:
    publish()
    query = "&".join(f"{name}={value}" for name, value in details.items())
    for path in ("/b/demo", "/b/demo/details", "/b/demo/zone"):
        assert guest.get(f"{path}?{query}&skip=1").status_code == 200
        assert guest.head(f"{path}?{query}").status_code == 200
    assert (rows("booking"), rows("fact"), rows("contact"), rows("delivery")) == (0, 0, 0, 0)
    assert guest.post("/b/demo", details).status_code == 405
    assert guest.delete("/b/demo/details").status_code == 405


def test_guest_needs_no_cookie(publish: Publish, details: dict[str, str], clock: Any, db: None) -> None:
    from django.test import Client

    publish()
    assert Client(enforce_csrf_checks=True).post("/b/demo/details", details).status_code == 303


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
