"""Time zones as people look for them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.zones import canonical, choice, offset_words, regions, resolve, search

WINTER = datetime(2026, 1, 15, 12, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "today"),
    [
        ("Europe/Lisbon", "Europe/Lisbon"),
        ("europe/lisbon", "Europe/Lisbon"),
        (" America/New York ", "America/New_York"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("US/Eastern", "America/New_York"),
        # the same clock as Berlin's, but people live in Oslo
        ("Europe/Oslo", "Europe/Oslo"),
        # the database leads these to another country
        ("Iceland", "Atlantic/Reykjavik"),
        ("Pacific/Truk", "Pacific/Chuuk"),
        ("Etc/UTC", "UTC"),
        ("gmt", "UTC"),
        ("Etc/GMT-2", "Etc/GMT-2"),
        ("Mars/Base", ""),
        ("../../etc/passwd", ""),
        ("Factory", ""),
        ("", ""),
    ],
)
def test_a_name_becomes_the_one_of_today(name: str, today: str) -> None:
    assert canonical(name) == today


def test_every_zone_of_this_machine_has_a_name_of_today_with_the_same_clock() -> None:
    for name in available_timezones() - {"localtime", "Factory", "posixrules"}:
        today = canonical(name)
        assert today, name
        assert canonical(today) == today
        for at in (WINTER, SUMMER):
            assert at.astimezone(ZoneInfo(name)).utcoffset() == at.astimezone(ZoneInfo(today)).utcoffset()


def test_regions_offer_each_place_once_and_no_alias() -> None:
    found = regions()
    names = [name for _, zones in found for name in zones]
    assert found[0] == ("", ("UTC",))
    assert len(names) == len(set(names)) > 400
    assert [name for name in names if canonical(name) != name] == []
    assert "Asia/Calcutta" not in names


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("lisb", "Europe/Lisbon"),
        ("LISBON", "Europe/Lisbon"),
        ("new york", "America/New_York"),
        ("new_york", "America/New_York"),
        ("york", "America/New_York"),
        ("india", "Asia/Kolkata"),
        ("calcutta", "Asia/Kolkata"),
        ("us", "America/New_York"),
        ("eastern", "America/New_York"),
        ("são paulo", "America/Sao_Paulo"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("germany berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("+5:45", "Asia/Kathmandu"),
        ("UTC+05:45", "Asia/Kathmandu"),
        ("gmt-3:30", "America/St_Johns"),
        ("−3:30", "America/St_Johns"),
        ("+0", "UTC"),
        ("IST", "Asia/Jerusalem"),
    ],
)
def test_what_was_meant_comes_first(query: str, first: str) -> None:
    assert search(query, WINTER)[0].name == first


def test_abbreviations_of_both_halves_of_the_year_find_their_zones() -> None:
    for word in ("CET", "cest"):
        assert {"Europe/Berlin", "Europe/Paris"} <= {c.name for c in search(word, WINTER, 60)}


def test_an_offset_is_that_of_the_moment() -> None:
    assert "Europe/Lisbon" in {c.name for c in search("+1", SUMMER, 99)}
    assert "Europe/Lisbon" not in {c.name for c in search("+1", WINTER, 99)}
    assert choice("Europe/Lisbon", SUMMER).offset == "UTC+01:00"
    assert choice("Europe/Lisbon", WINTER).offset == "UTC+00:00"
    assert offset_words(ZoneInfo("America/St_Johns"), WINTER) == "UTC−03:30"


def test_a_label_names_the_city_first() -> None:
    assert choice("Europe/Lisbon", WINTER).label == "Lisbon · Europe/Lisbon"
    assert choice("America/Indiana/Knox", WINTER).label == "Knox, Indiana · America/Indiana/Knox"
    assert choice("UTC", WINTER).label == "UTC"


@pytest.mark.parametrize(
    ("typed", "picked", "name"),
    [
        ("Asia/Calcutta", "", "Asia/Kolkata"),
        ("lisbon", "", "Europe/Lisbon"),
        ("utc", "", "UTC"),
        ("portugal", "", ""),
        ("portugal", "Atlantic/Madeira", "Atlantic/Madeira"),
        ("portugal", "Asia/Tokyo", ""),
        ("EST", "", ""),
        ("EST", "America/New_York", "America/New_York"),
        ("Mars/Base", "", ""),
        ("", "Asia/Tokyo", ""),
    ],
)
def test_one_zone_is_taken_and_several_are_asked_about(typed: str, picked: str, name: str) -> None:
    found, among = resolve(typed, picked, WINTER)
    assert found == name
    assert bool(among) == (not name and typed in ("portugal", "EST"))


@pytest.mark.parametrize("query", ["", "   ", "qqqq", "+99", "%", "/", "\0"])
def test_nothing_fits_nonsense(query: str) -> None:
    assert search(query, WINTER) == ()


@given(st.text(max_size=30))
def test_any_text_is_an_answer(text: str) -> None:
    found = search(text, WINTER, 5)
    assert len(found) <= 5
    assert len({c.name for c in found}) == len(found)
