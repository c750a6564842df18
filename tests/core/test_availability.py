"""Free times against an oracle that looks at every minute, the laws they keep, and the days the clocks change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from instep.core.availability import Span, open_spans, slots
from instep.core.booking_calendar import Rules, WeeklyHours

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Slots = Callable[..., tuple[datetime, ...]]

#: zones, each with days on or around which its clocks change
CHANGES = [
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("Europe/Dublin", date(2026, 3, 29)),
    ("Europe/Dublin", date(2026, 10, 25)),
    ("Asia/Kathmandu", date(2026, 3, 2)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Pacific/Kiritimati", date(1995, 1, 1)),
    # clocks that change at midnight
    ("America/Havana", date(2026, 11, 1)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Asia/Beirut", date(2026, 10, 25)),
]


# --- the oracle ---


@lru_cache
def walls(zone: str, day: date) -> tuple[datetime, list[datetime]]:
    """A moment, and what the clocks of a zone show in each of the minutes from then on, for ten days."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - 4 * DAY
    local = ZoneInfo(zone)
    shown = [(begin + n * MINUTE).astimezone(local).replace(tzinfo=None, fold=0) for n in range(10 * 1440)]
    return begin, shown


def at_or_after(shown: Sequence[datetime], wall: datetime) -> int:
    """The first minute that shows a wall time, or one after it."""
    return next((n for n, w in enumerate(shown) if w >= wall), len(shown))


def last_before(shown: Sequence[datetime], wall: datetime) -> int:
    """One after the last minute that shows an earlier wall time."""
    return next((n + 1 for n in range(len(shown) - 1, -1, -1) if shown[n] < wall), 0)


@lru_cache
def day_spans(zone: str, around: date, hours: WeeklyHours) -> list[tuple[int, int]]:
    """Weekly hours as minutes of `walls`, a span for each on each day."""
    _, shown = walls(zone, around)
    found = []
    for offset in range(-3, 6):
        day = around + offset * DAY
        for weekday, a, b in hours.spans:
            midnight = datetime.combine(day, time())
            if day.weekday() == weekday:
                start = at_or_after(shown, midnight + a * MINUTE)
                end = last_before(shown, midnight + b * MINUTE)
                if b == 1440:
                    end = at_or_after(shown, midnight + DAY)
                found.append((start, end))
    return [(a, b) for a, b in found if a < b]


@frozen
class Scene:
    """One question to `slots`."""

    around: date
    hours: WeeklyHours
    rules: Rules
    duration: int
    busy: tuple[Span, ...]
    booked: tuple[datetime, ...]
    first: datetime
    last: datetime
    now: datetime

    def ask(self, function: Slots = slots, **changes: object) -> tuple[datetime, ...]:
        """What a function answers."""
        s = evolve(self, **changes)
        return function(s.hours, s.rules, s.duration, s.busy, s.booked, s.first, s.last, s.now)

    def expected(self) -> tuple[datetime, ...]:
        """What the answer must be, minute by minute."""
        begin, shown = walls(self.hours.zone, self.around)
        spans = day_spans(self.hours.zone, self.around, self.hours)
        working = {minute for a, b in spans for minute in range(a, b)}
        starts = {s for a, b in spans for s in range(a, b, self.rules.slot_step)}
        zone = ZoneInfo(self.hours.zone)
        full = [start.astimezone(zone).date() for start in self.booked]
        last_day = self.now.astimezone(zone).date() + self.rules.window_days * DAY
        found = []
        for s in sorted(starts):
            start = begin + s * MINUTE
            taken_from = start - self.rules.buffer_before * MINUTE
            taken_to = start + (self.duration + self.rules.buffer_after) * MINUTE
            day = shown[s].date()
            if (
                self.first <= start < self.last
                and all(m in working for m in range(s, s + self.duration))
                and not any(a < taken_to and taken_from < b and a < b for a, b in self.busy)
                and start >= self.now + self.rules.min_notice * MINUTE
                and day <= last_day
                and not (self.rules.max_per_day and full.count(day) >= self.rules.max_per_day)
            ):
                found.append(start)
        return tuple(found)


@st.composite
def weekly(draw: st.DrawFn, zone: str) -> WeeklyHours:
    """Up to two spans on each of some days, on quarters of an hour."""
    spans: list[tuple[int, int, int]] = []
    for weekday in draw(st.sets(st.integers(0, 6), min_size=2)):
        points = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=4)))
        pairs = zip(points[::2], points[1::2], strict=False)
        spans += [(weekday, a * 15, b * 15) for a, b in pairs]
    if draw(st.booleans()):
        spans = [(d, 0, 1440) for d, _, _ in spans]
    return WeeklyHours(zone, tuple(sorted(set(spans))))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    zone, around = draw(st.sampled_from(CHANGES))
    base = datetime(around.year, around.month, around.day, tzinfo=UTC)
    minutes = st.integers(-1440, 3 * 1440)
    first = base + draw(st.integers(-1440, 1440)) * MINUTE
    moments = st.builds(lambda n: base + n * MINUTE, minutes)
    busy = draw(st.lists(st.tuples(moments, st.integers(0, 300)), max_size=6))
    rules = Rules(
        slot_step=draw(st.sampled_from([5, 15, 30, 45, 50, 60])),
        buffer_before=draw(st.sampled_from([0, 0, 10, 45])),
        buffer_after=draw(st.sampled_from([0, 0, 15, 60])),
        min_notice=draw(st.sampled_from([0, 0, 120, 1441])),
        window_days=draw(st.integers(1, 3)),
        max_per_day=draw(st.sampled_from([0, 0, 1, 2])),
    )
    return Scene(
        around=around,
        hours=draw(weekly(zone)),
        rules=rules,
        duration=draw(st.sampled_from([5, 30, 45, 60, 90, 240])),
        busy=tuple((start, start + length * MINUTE) for start, length in busy),
        booked=tuple(draw(st.lists(moments, max_size=4))),
        first=first,
        last=first + draw(st.integers(0, 3 * 1440)) * MINUTE,
        now=base + draw(st.integers(-1440, 1440)) * MINUTE + timedelta(seconds=draw(st.integers(0, 59))),
    )


@settings(max_examples=400, deadline=None)
@given(scenes())
def test_slots_are_those_of_the_oracle(scene: Scene) -> None:
    """Complete, inside working hours, clear of everything taken, sorted, each once."""
    assert scene.ask() == scene.expected()


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_open_spans_are_those_of_the_oracle(scene: Scene) -> None:
    begin, _ = walls(scene.hours.zone, scene.around)
    working = {m for a, b in day_spans(scene.hours.zone, scene.around, scene.hours) for m in range(a, b)}
    found = open_spans(scene.hours, scene.first, scene.last)
    shown = {(a - begin) // MINUTE + n for a, b in found for n in range((b - a) // MINUTE)}
    assert shown == {m for m in working if scene.first <= begin + m * MINUTE < scene.last}
    assert all(one[1] < other[0] for one, other in pairwise(found))


def wall_clock_slots(
    hours: WeeklyHours,
    rules: Rules,
    duration: int,
    busy: Sequence[Span],
    booked: Sequence[datetime],
    first: datetime,
    last: datetime,
    now: datetime,
) -> tuple[datetime, ...]:
    """Wrong on purpose: adds minutes to wall times, as if every day had 24 hours."""
    zone, found = ZoneInfo(hours.zone), []
    day = first.astimezone(zone).date()
    while day <= last.astimezone(zone).date():
        for weekday, a, b in hours.spans:
            if weekday == day.weekday():
                midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
                for minute in range(a, b - duration + 1, rules.slot_step):
                    start = (midnight + minute * MINUTE).astimezone(UTC)
                    if first <= start < last and start >= now:
                        found.append(start)
        day += DAY
    return tuple(found)


def test_the_oracle_finds_a_function_that_adds_to_wall_times() -> None:
    around = date(2026, 3, 29)
    begin = datetime(2026, 3, 28, 20, tzinfo=UTC)
    scene = Scene(
        around,
        WeeklyHours("Europe/Berlin", ((6, 60, 300),)),
        Rules(min_notice=0),
        30,
        (),
        (),
        begin,
        begin + DAY,
        begin,
    )
    assert scene.ask() == scene.expected()
    assert scene.ask(wall_clock_slots) != scene.expected()


# --- laws ---


@settings(max_examples=150, deadline=None)
@given(scenes(), st.integers(-1440, 4000), st.integers(1, 200))
def test_another_busy_time_never_adds_a_slot(scene: Scene, offset: int, length: int) -> None:
    start = scene.first + offset * MINUTE
    more = (*scene.busy, (start, start + length * MINUTE))
    assert set(scene.ask(busy=more)) <= set(scene.ask())


# many scenes have no free time at all
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(scenes(), st.data())
def test_a_booked_slot_goes_and_no_other_that_overlaps_it_stays(scene: Scene, data: st.DataObject) -> None:
    offered = scene.ask()
    assume(offered)
    taken = data.draw(st.sampled_from(offered))
    length = scene.duration * MINUTE
    left = scene.ask(busy=(*scene.busy, (taken, taken + length)), booked=(*scene.booked, taken))
    assert set(left) < set(offered)
    assert all(abs(start - taken) >= length for start in left)


@settings(max_examples=100, deadline=None)
@given(scenes(), st.integers(0, 3 * 1440))
def test_a_period_is_the_sum_of_its_parts(scene: Scene, cut: int) -> None:
    middle = min(scene.last, scene.first + cut * MINUTE)
    assert scene.ask() == scene.ask(last=middle) + scene.ask(first=middle)


@settings(max_examples=100, deadline=None)
@given(scenes(), st.sampled_from([-11, -3.5, 0, 5.75, 14]))
def test_the_zone_that_the_question_is_asked_in_does_not_matter(scene: Scene, offset: float) -> None:
    there = timezone(timedelta(hours=offset))
    moved = {name: getattr(scene, name).astimezone(there) for name in ("first", "last", "now")}
    assert scene.ask(**moved) == scene.ask()


@settings(max_examples=60, deadline=None)
@given(weekly("Asia/Kathmandu"), st.integers(0, 50))
def test_weeks_are_alike_where_the_clocks_do_not_change(hours: WeeklyHours, weeks: int) -> None:
    first, rules = datetime(2026, 1, 5, tzinfo=UTC), Rules(min_notice=0)
    later = first + timedelta(weeks=weeks)
    here, there = (slots(hours, rules, 30, (), (), at, at + 7 * DAY, at) for at in (first, later))
    assert [start + timedelta(weeks=weeks) for start in here] == list(there)


# --- days on which the clocks change, and other corners ---


def starts(zone: str, spans: Sequence[tuple[int, int, int]], day: date, **rules: int) -> list[str]:
    """The offered starts of a local day as the zone's clocks show them, with the offset in hours."""
    local = ZoneInfo(zone)
    first = datetime(day.year, day.month, day.day, tzinfo=local)
    last = datetime(day.year, day.month, day.day, tzinfo=local) + DAY
    made = Rules(**{"min_notice": 0, "slot_step": 60, **rules})
    found = slots(WeeklyHours(zone, tuple(spans)), made, 60, (), (), first, last, first - DAY)
    shown = [at.astimezone(local) for at in found]
    return [f"{at:%H:%M}{(at.utcoffset() or timedelta()) / timedelta(hours=1):+g}" for at in shown]


def test_a_span_that_begins_in_the_gap_begins_when_the_gap_ends() -> None:
    assert starts("Europe/Berlin", [(6, 150, 300)], date(2026, 3, 29)) == ["03:00+2", "04:00+2"]


def test_a_span_that_ends_in_the_gap_ends_when_the_gap_begins() -> None:
    assert starts("Europe/Berlin", [(6, 60, 150)], date(2026, 3, 29)) == ["01:00+1"]


def test_a_span_inside_the_gap_does_not_exist() -> None:
    assert starts("Europe/Berlin", [(6, 120, 180)], date(2026, 3, 29)) == []


def test_an_hour_that_comes_twice_is_offered_twice() -> None:
    found = starts("Europe/Berlin", [(6, 120, 240)], date(2026, 10, 25))
    assert found == ["02:00+2", "02:00+1", "03:00+1"]


def test_until_half_past_two_covers_both() -> None:
    found = starts("Europe/Berlin", [(6, 90, 150)], date(2026, 10, 25))
    assert found == ["01:30+2", "02:30+2"]


def test_half_an_hour_of_change_on_lord_howe() -> None:
    found = starts("Australia/Lord_Howe", [(6, 60, 240)], date(2026, 10, 4))
    assert found == ["01:00+10.5", "02:30+11"]


def test_a_day_that_apia_skipped_has_no_times() -> None:
    assert starts("Pacific/Apia", [(4, 540, 720)], date(2011, 12, 30)) == []


def test_negative_summer_time_in_dublin() -> None:
    found = starts("Europe/Dublin", [(6, 0, 240)], date(2026, 10, 25))
    assert found == ["00:00+1", "01:00+1", "01:00+0", "02:00+0", "03:00+0"]


def test_a_midnight_that_comes_twice_ends_one_day_and_begins_the_next_once() -> None:
    """Saturday until 24:00 and Sunday from 00:00 touch; neither takes an hour of the other's."""
    zone = "America/Havana"
    assert starts(zone, [(5, 1320, 1440)], date(2026, 10, 31)) == ["22:00-4", "23:00-4"]
    assert starts(zone, [(6, 0, 120)], date(2026, 11, 1)) == ["00:00-4", "00:00-5", "01:00-5"]


def test_a_meeting_may_go_over_midnight_where_the_hours_do() -> None:
    spans = [(0, 1380, 1440), (1, 0, 60)]
    assert starts("Asia/Tokyo", spans, date(2026, 3, 2), slot_step=30) == ["23:00+9", "23:30+9"]
    assert starts("Asia/Tokyo", spans[:1], date(2026, 3, 2), slot_step=30) == ["23:00+9"]


def test_starts_are_anchored_to_the_hours_and_not_to_what_is_taken() -> None:
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    busy = [(nine, nine + timedelta(minutes=37))]
    found = slots(
        WeeklyHours("UTC", ((0, 540, 720),)), Rules(min_notice=0), 30, busy, (), nine, nine + DAY, nine - DAY
    )
    assert [f"{at:%H:%M}" for at in found] == ["10:00", "10:30", "11:00", "11:30"]


def test_buffers_may_lie_outside_of_the_hours_but_not_on_what_is_taken() -> None:
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    rules = Rules(min_notice=0, buffer_before=15, buffer_after=15)
    hours = WeeklyHours("UTC", ((0, 540, 660),))
    free = slots(hours, rules, 30, (), (), nine, nine + DAY, nine - DAY)
    assert [f"{at:%H:%M}" for at in free] == ["09:00", "09:30", "10:00", "10:30"]
    busy = [
        (nine - timedelta(minutes=10), nine),
        (nine + timedelta(minutes=75), nine + timedelta(minutes=80)),
    ]
    left = slots(hours, rules, 30, busy, (), nine, nine + DAY, nine - DAY)
    assert [f"{at:%H:%M}" for at in left] == ["09:30"]


def test_something_taken_by_seconds_blocks_its_minute() -> None:
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    second = timedelta(seconds=1)
    hours, rules = WeeklyHours("UTC", ((0, 540, 600),)), Rules(min_notice=0)
    for busy, left in (
        ([(nine - second, nine + timedelta(microseconds=1))], ["09:30"]),
        ([(nine - second, nine)], ["09:00", "09:30"]),
        ([(nine, nine)], ["09:00", "09:30"]),
    ):
        found = slots(hours, rules, 30, busy, (), nine, nine + DAY, nine - DAY)
        assert [f"{at:%H:%M}" for at in found] == left


@pytest.mark.parametrize(("zone", "offered"), [("Pacific/Kiritimati", 0), ("Pacific/Pago_Pago", 4)])
def test_the_daily_limit_is_counted_in_the_hosts_day(zone: str, offered: int) -> None:
    """A booking of Monday 12:00 UTC is Tuesday's on Kiritimati and Monday's in Pago Pago."""
    hours = WeeklyHours(zone, ((1, 540, 660),))
    first = datetime(2026, 3, 2, tzinfo=UTC)
    booked = [datetime(2026, 3, 2, 12, tzinfo=UTC)]
    rules = Rules(min_notice=0, max_per_day=1)
    assert len(slots(hours, rules, 30, (), booked, first, first + 3 * DAY, first - DAY)) == offered


def test_the_window_ends_with_the_hosts_day() -> None:
    hours = WeeklyHours("Asia/Tokyo", tuple((d, 0, 1440) for d in range(7)))
    now = datetime(2026, 3, 2, 16, tzinfo=UTC)  # the 3rd in Tokyo
    found = slots(hours, Rules(min_notice=0, window_days=1), 30, (), (), now, now + 9 * DAY, now)
    assert found[0] == now
    assert found[-1].astimezone(ZoneInfo("Asia/Tokyo")).strftime("%d %H:%M") == "04 23:30"


def test_a_notice_that_ends_between_two_starts_leaves_the_later_one() -> None:
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    hours = WeeklyHours("UTC", ((0, 540, 660),))
    found = slots(hours, Rules(min_notice=60), 30, (), (), nine - DAY, nine + DAY, nine - 29 * MINUTE)
    assert [f"{at:%H:%M}" for at in found] == ["10:00", "10:30"]


def test_a_question_far_from_the_window_is_answered_at_once_and_with_nothing() -> None:
    hours = WeeklyHours("UTC", tuple((d, 0, 1440) for d in range(7)))
    now = datetime(2026, 3, 2, tzinfo=UTC)
    far = datetime(9999, 1, 1, tzinfo=UTC)
    assert slots(hours, Rules(), 30, (), (), far, far + DAY, now) == ()
    long_ago = datetime(1, 1, 2, tzinfo=UTC)
    assert slots(hours, Rules(), 30, (), (), long_ago, long_ago + DAY, now) == ()
    assert len(slots(hours, Rules(window_days=1), 30, (), (), long_ago, far, now)) == 2 * 48 - 4
    assert slots(WeeklyHours("UTC"), Rules(), 30, (), (), now, now + DAY, now) == ()
