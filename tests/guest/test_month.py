"""The month and the times of a day, in the guest's own zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from instep.guest.asked import Asked
from instep.guest.month import Month, days_with_times, grid, midnight, times_of
from instep.guest.reading import Reading


def reading(zone: str = "Europe/Lisbon", locale: str = "en_GB", hour12: bool = False) -> Reading:
    return Reading(ZoneInfo(zone), locale, hour12)


def month(read: Reading, starts: list[datetime], first: date = date(2026, 3, 1), **more: object) -> Month:
    named = {"chosen": None, "today": date(2026, 3, 2), "last": date(2026, 5, 1), **more}
    counts = days_with_times(starts, read)
    return grid(first, counts, asked=Asked(), path="/b/demo", reading=read, **named)  # type: ignore[arg-type]


def numbers(made: Month) -> list[list[int]]:
    return [[day.on.day if day else 0 for day in week] for week in made.weeks]


def test_grid_has_every_day_once_under_its_weekday() -> None:
    made = month(reading(), [])
    assert made.title == "March 2026"
    assert numbers(made)[0] == [0, 0, 0, 0, 0, 0, 1]
    assert numbers(made)[-1] == [30, 31, 0, 0, 0, 0, 0]
    assert numbers(month(reading(locale="en_US"), []))[0] == [1, 2, 3, 4, 5, 6, 7]


def test_day_with_times_is_a_link_that_says_so_and_a_day_without_is_none() -> None:
    start = datetime(2026, 3, 5, 13, tzinfo=UTC)
    made = month(reading(), [start, start + timedelta(hours=1)], chosen=date(2026, 3, 5))
    fifth = made.weeks[1][3]
    assert fifth is not None
    assert (fifth.spoken, fifth.times, fifth.chosen) == ("Thursday 5 March, 2 times", 2, True)
    assert fifth.link == "/b/demo?month=2026-03&date=2026-03-05"
    sixth = made.weeks[1][4]
    assert sixth is not None
    assert sixth.link == ""


def test_only_months_that_can_have_times_are_led_to() -> None:
    assert month(reading(), []).before == ""
    assert month(reading(), []).after == "/b/demo?month=2026-04"
    last = month(reading(), [], first=date(2026, 5, 1))
    assert (last.before, last.after) == ("/b/demo?month=2026-04", "")


def test_a_moment_belongs_to_the_day_that_it_is_for_the_guest() -> None:
    """23:30 in Lisbon is the next day in Tokyo, and the day before in Honolulu."""
    late = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    assert list(days_with_times([late], reading("Asia/Tokyo"))) == [date(2026, 3, 6)]
    early = datetime(2026, 3, 5, 0, 30, tzinfo=UTC)
    assert list(days_with_times([early], reading("Pacific/Honolulu"))) == [date(2026, 3, 4)]
    assert times_of(date(2026, 3, 6), [late], Asked(), "/x", reading("Asia/Tokyo")).count == 1
    assert times_of(date(2026, 3, 5), [late], Asked(), "/x", reading("Asia/Tokyo")).count == 0


def test_times_are_in_order_and_in_parts_of_the_day() -> None:
    hours = (15, 9, 20, 3)
    starts = [datetime(2026, 3, 5, hour, tzinfo=UTC) for hour in hours]
    made = times_of(date(2026, 3, 5), starts, Asked(), "/b/demo/details", reading())
    assert [(name, [t.label for t in group]) for name, group in made.parts] == [
        ("Night", ["03:00"]),
        ("Morning", ["09:00"]),
        ("Afternoon", ["15:00"]),
        ("Evening", ["20:00"]),
    ]
    assert made.parts[1][1][0].link == "/b/demo/details?start=2026-03-05T09%3A00Z"


def test_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    """On 25 October 2026 Lisbon's clocks show 01:30 twice."""
    starts = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    labels = [
        t.label for _, g in times_of(date(2026, 10, 25), starts, Asked(), "/x", reading()).parts for t in g
    ]
    assert labels == ["01:30 (UTC+01:00)", "01:30 (UTC+00:00)"]


def test_hour_that_the_clocks_skip_is_shown_as_the_clock_shows_it() -> None:
    """On 29 March 2026 Lisbon goes from 01:00 to 02:00."""
    starts = [datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]
    labels = [
        t.label for _, g in times_of(date(2026, 3, 29), starts, Asked(), "/x", reading()).parts for t in g
    ]
    assert labels == ["00:30", "02:00"]


def test_day_begins_at_the_first_moment_that_its_clock_shows() -> None:
    """In Beirut 29 March 2026 begins at 01:00: midnight is skipped."""
    assert midnight(date(2026, 3, 29), reading("Asia/Beirut")) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert midnight(date(2026, 3, 5), reading("Asia/Kathmandu")) == datetime(2026, 3, 4, 18, 15, tzinfo=UTC)


def test_twelve_hours_where_the_guest_wants_them() -> None:
    made = times_of(
        date(2026, 3, 5), [datetime(2026, 3, 5, 15, tzinfo=UTC)], Asked(), "/x", reading(hour12=True)
    )
    assert made.parts[0][1][0].label == "3:00 pm"
