"""What an address asks for: known names in any case, cut and cleaned; the rest is ignored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instep.guest.asked import LONGEST, Asked, asked_of, cleaned


def test_known_parameters_are_read_in_any_case_and_unknown_ones_ignored() -> None:
    asked = asked_of(
        {
            "Month": "2026-03",
            "DATE": "2026-03-05",
            "tz": "asia/calcutta",
            "duration": "45",
            "clock": "12",
            "start": "2026-03-05T13:00Z",
            "Name": "Ana",
            "Team_Size": "11-50",
            "UTM_Source": "news",
            "sfLeadId": "00Q",
            "skip": "1",
        },
        ["team_size"],
    )
    assert asked == Asked(
        month=date(2026, 3, 1),
        day=date(2026, 3, 5),
        zone="Asia/Kolkata",
        duration=45,
        hour12=True,
        start=datetime(2026, 3, 5, 13, tzinfo=UTC),
        prefill={"name": "Ana", "team_size": "11-50"},
        utm={"utm_source": "news"},
        skip=True,
    )


def test_other_products_names_of_zone_and_duration_are_understood() -> None:
    asked = asked_of(
        {"iana_time_zone": "Europe/Lisbon", "duration_minutes": "30", "mobile_phone": "+351912000111"}
    )
    assert (asked.zone, asked.duration, asked.prefill) == (
        "Europe/Lisbon",
        30,
        {"mobile_phone": "+351912000111"},
    )


@pytest.mark.parametrize(
    "said",
    [
        {"month": "2026-13"},
        {"month": "9999-12"},
        {"date": "2026-02-30"},
        {"date": "0001-01-01"},
        {"start": "2026-03-05T13:00"},
        {"start": "9999-12-31T23:59Z"},
        {"start": "soon"},
        {"tz": "../../etc/passwd"},
        {"duration": "-30"},
        {"duration": "٣٠"},
        {"clock": "25"},
        {"skip": "yes"},
        {"utm_source": "\0"},
    ],
)
def test_what_cannot_be_is_as_if_nothing_was_said(said: dict[str, str]) -> None:
    assert asked_of(said) == Asked()


def test_values_are_cut_and_hold_no_control_characters() -> None:
    asked = asked_of(
        {"name": "A\0n\x1ba\x7f", "note": "one\ntwo", "company": "x" * 5000, "utm_term": "y" * 5000}
    )
    assert asked.prefill["name"] == "Ana"
    assert asked.prefill["note"] == "one\ntwo"
    assert len(asked.prefill["company"]) == LONGEST
    assert len(asked.utm["utm_term"]) == 200


@settings(deadline=None)  # the first example reads the tables of time zones
@given(
    st.dictionaries(
        st.sampled_from(["name", "email", "note", "utm_source", "team_size"]), st.text(max_size=80)
    )
)
def test_a_link_says_what_was_asked(said: dict[str, str]) -> None:
    """Whatever a page was asked for, the page behind its links is asked for the same."""
    asked = asked_of({**said, "tz": "Europe/Lisbon", "date": "2026-03-05", "clock": "24"}, ["team_size"])
    link = asked.link("/b/demo")
    assert asked_of(dict(parse_qsl(urlsplit(link).query)), ["team_size"]) == asked


@given(st.text())
def test_cleaned_text_can_be_stored(text: str) -> None:
    assert not any(c < " " and c not in "\n\t" for c in cleaned(text))
