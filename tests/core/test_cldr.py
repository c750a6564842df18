"""Dates and times in the words, the order and the hours of each language."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from instep.core import cldr

LISBON, NEW_YORK, KATHMANDU = (
    ZoneInfo("Europe/Lisbon"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Kathmandu"),
)
AT = datetime(2026, 3, 5, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "form", "said"),
    [
        ("en_GB", "full", "Thursday, 5 March 2026"),
        ("en_GB", "date", "Thu, 5 Mar 2026"),
        ("en_GB", "day", "Thursday 5 March"),
        ("en_GB", "short", "Thu 5 Mar"),
        ("en_US", "full", "Thursday, March 5, 2026"),
        ("en_US", "day", "Thursday, March 5"),
        ("en_DE", "day", "Thursday, 5 March"),
        ("de_DE", "day", "Donnerstag, 5. März"),
        ("pt_PT", "day", "quinta-feira, 5 de março"),
        ("ar_SA", "day", "الخميس، 5 مارس"),
    ],
)
def test_day_is_written_as_its_locale_does(locale: str, form: str, said: str) -> None:
    assert cldr.day(AT, LISBON, locale, form) == said


def test_day_and_time_are_those_of_the_zone() -> None:
    late = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    assert cldr.day(late, KATHMANDU, "en_GB", "short") == "Fri 6 Mar"
    assert cldr.time(late, KATHMANDU, "en_GB") == "05:15"
    assert cldr.day(date(2026, 3, 5), KATHMANDU, "en_GB", "short") == "Thu 5 Mar"


def test_hours_are_the_locales_unless_the_reader_chose() -> None:
    assert cldr.time(AT, NEW_YORK, "en_US") == "8:05 AM"
    assert cldr.time(AT, NEW_YORK, "en_US", hour12=False) == "08:05"
    assert cldr.time(AT, LISBON, "en_GB") == "13:05"
    assert cldr.time(AT, LISBON, "en_GB", hour12=True) == "1:05 pm"


@pytest.mark.parametrize(
    ("locale", "twelve"),
    [("en_US", True), ("en_GB", False), ("pt_PT", False), ("ar_SA", True), ("ja_JP", False)],
)
def test_twelve_hours_where_the_country_counts_so(locale: str, twelve: bool) -> None:
    assert cldr.default_hour12(locale) is twelve


def test_week_begins_where_the_country_begins_it() -> None:
    assert [d for d, _, _ in cldr.weekdays("en_GB")] == [0, 1, 2, 3, 4, 5, 6]
    assert cldr.weekdays("en_US")[0] == (6, "Su", "Sunday")


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("pt-PT,pt;q=0.9,en;q=0.8", ("pt_PT", "pt", "en")),
        ("en;q=0.5, de-DE", ("de_DE", "en")),
        ("fr;q=0", ()),
        ("*, xx-YY, ../../etc/passwd, \0", ()),
        ("", ()),
    ],
)
def test_accepted_languages_are_those_that_are_known_best_first(header: str, known: tuple[str, ...]) -> None:
    assert cldr.accepted(header) == known


def test_words_are_the_pages_and_the_order_is_the_readers() -> None:
    assert cldr.in_language("en", ("de_DE",)) == "en_DE"
    assert cldr.in_language("en", ("en_US",)) == "en_US"
    assert cldr.in_language("en", ()) == "en_GB"


def test_country_of_a_zone() -> None:
    assert cldr.territory("Europe/Lisbon") == "PT"
    assert cldr.territory("Asia/Kolkata") == "IN"
    assert cldr.territory("UTC") == ""


def test_unknown_locale_is_written_all_the_same() -> None:
    assert cldr.day(AT, LISBON, "zz_ZZ", "day") == "Thursday 5 March"
    assert cldr.month(date(2026, 3, 1), "de_DE") == "März 2026"
