"""Weekly hours as people write them, and as they are read back to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.booking_calendar import WeeklyHours
from instep.core.errors import InputError
from instep.core.weekly_text import day_spans, day_text, week


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00–17:00", [(540, 1020)]),
        ("9-17", [(540, 1020)]),
        ("9.30 - 12, 13h15–17:00", [(570, 720), (795, 1020)]),
        ("13:00-17:00 and 9:00-12:00", [(540, 720), (780, 1020)]),
        ("9-12 13-17", [(540, 720), (780, 1020)]),
        ("9am-5pm", [(540, 1020)]),
        ("9-5 p.m.", [(540, 1020)]),
        ("1-5pm", [(780, 1020)]),
        ("11am to 2pm", [(660, 840)]),
        ("12-1pm", [(720, 780)]),
        ("12am–12pm", [(0, 720)]),
        ("0900-1730", [(540, 1050)]),
        ("22:00–24:00", [(1320, 1440)]),
        ("22:00–00:00", [(1320, 1440)]),
        ("0-24", [(0, 1440)]),
        ("9-12, 12-17", [(540, 720), (720, 1020)]),
        ("", []),
        (" – ", []),
    ],
)
def test_what_is_meant(text: str, spans: list[tuple[int, int]]) -> None:
    assert list(day_spans(text)) == spans


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nine to five", "“nine to five” is no span"),
        ("9", "“9” is no span"),
        ("9-12, lunch", "“lunch” is no span"),
        ("9-5", "ends before it begins. Write 17:00 or 5pm"),
        ("22:00–02:00", "22:00–24:00 on one day"),
        ("9-9", "ends before"),
        ("24:30-25:00", "is no span"),
        ("9-24:01", "is no span"),
        ("13pm-14pm", "is no span"),
        ("9:75-10", "is no span"),
        ("9-12, 11-13", "09:00–12:00 and 11:00–13:00 overlap"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        day_spans(text)
    assert said in str(refused.value)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert all(0 <= a < b <= 1440 for a, b in day_spans(text))
    except InputError:
        pass


@given(st.sets(st.integers(0, 1440), min_size=2, max_size=6).map(sorted))
def test_what_is_shown_is_read_back(points: list[int]) -> None:
    spans = tuple(zip(points[::2], points[1::2], strict=False))
    shown = day_text(WeeklyHours("UTC", tuple((3, a, b) for a, b in spans)), 3)
    assert day_spans(shown) == spans


def test_days_with_the_same_hours_are_told_together() -> None:
    office = [(d, 540, 1020) for d in range(5)]
    hours = WeeklyHours("UTC", (*office, (6, 600, 1440)))
    assert week(hours) == ((0, 4, "09:00–17:00"), (6, 6, "10:00–24:00"))
    assert week(WeeklyHours("UTC", ((0, 540, 600), (2, 540, 600)))) == (
        (0, 0, "09:00–10:00"),
        (2, 2, "09:00–10:00"),
    )
    assert week(WeeklyHours("UTC")) == ()
