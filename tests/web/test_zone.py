"""The reader's time zone: chosen, told by the browser, or UTC; never an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from oncehub_events import line

from .test_bookings import text_of


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        ("Europe/Lisbon", "Europe/Lisbon"),
        ("auto:America/New_York", "America/New_York"),
        ("auto:Asia/Calcutta", "Asia/Kolkata"),
        ("europe/lisbon", "Europe/Lisbon"),
        ("", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("Mars/Base", "UTC"),
        ("auto:", "UTC"),
    ],
)
def test_times_are_shown_in_the_zone_of_the_cookie(client: Client, cookie: str, shown: str) -> None:
    client.cookies["instep_zone"] = cookie
    assert f'data-zone="{shown}"' in client.get("/bookings").content.decode()


def test_summer_time_is_that_of_the_day_of_the_booking(
    client: Client, recorded: Callable[..., list[int]]
) -> None:
    recorded(line("EVNT-1", starting_time="2026-07-05T13:00:00.000Z"))
    client.cookies["instep_zone"] = "Europe/Lisbon"
    assert "Sun 5 Jul 2026 14:00–14:45" in text_of(client.get("/bookings"))


def test_chosen_zone_stays_and_leads_back(client: Client) -> None:
    answer = client.post("/zone", {"zone": "Asia/Tokyo", "next": "/set-aside"})
    assert answer["Location"] == "/set-aside"
    assert 'data-zone="Asia/Tokyo"' in client.get("/set-aside").content.decode()
    client.post("/zone", {"automatic": "1", "next": "/"})
    assert 'data-zone="UTC"' in client.get("/set-aside").content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Mars/Base", "“Mars/Base” is no time zone"),
        ("portugal", "Several time zones fit “portugal”"),
        ("", "Type a city"),
        ("<b>", "“&lt;b&gt;” is no time zone"),
        ("a\0b", "is no time zone"),
    ],
)
def test_what_is_no_zone_is_said_and_stays_in_the_field(client: Client, typed: str, said: str) -> None:
    answer = client.post("/zone", {"zone": typed})
    assert answer.status_code == 400
    assert said in text_of(answer)
    if typed == "Mars/Base":
        assert 'value="Mars/Base"' in answer.content.decode()
        assert 'aria-describedby="zone-error zone-help"' in answer.content.decode()


def test_of_several_zones_one_is_picked(client: Client) -> None:
    asked = client.post("/zone", {"zone": "portugal"})
    assert "Madeira · Atlantic/Madeira" in text_of(asked)
    client.post("/zone", {"zone": "portugal", "zone_pick": "Atlantic/Madeira", "next": "/"})
    assert 'data-zone="Atlantic/Madeira"' in client.get("/set-aside").content.decode()


def test_a_city_is_enough(client: Client) -> None:
    assert client.post("/zone", {"zone": "kathmandu", "next": "/set-aside"})["Location"] == "/set-aside"
    assert client.cookies["instep_zone"].value == "Asia/Kathmandu"


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_led_to_another_site(client: Client, place: str) -> None:
    assert client.post("/zone", {"zone": "UTC", "next": place})["Location"] == "/"
