"""The form of a chosen time: what it asks, keeps, refuses and books, and what a link may fill in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from instep.core.booking_calendar import Ask, BookingCalendar

from .conftest import ASKED
from .pages import Page, rows

if TYPE_CHECKING:
    import time_machine
    from django.test import Client

    from instep.core.booking import Booking

Publish = Callable[..., BookingCalendar]
Booked = Callable[..., "Booking"]


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
