"""What is offered: the same answer for the page that shows a time and for the command that takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.here import NOW, TEN, Place, open_place
from instep.bookings import commands, slots
from instep.bookings.record import record
from instep.core.booking_calendar import WeeklyHours
from oncehub_events import line

pytestmark = pytest.mark.django_db

HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


def offered(place: Place, hours: int = 1, **more: str) -> dict[object, tuple[str, ...]]:
    """From ten o'clock on."""
    return dict(slots.offered(place.account.id, place.calendar, 30, TEN, TEN + hours * HOUR, NOW, **more))


def test_each_start_names_the_hosts_who_are_free_in_the_calendars_order() -> None:
    place = open_place(hosts=3)
    turned = evolve(place, calendar=evolve(place.calendar, hosts=tuple(place.hosts[::-1])))
    taken = place.state(place.book(TEN).id).host
    assert taken is not None
    free = tuple(key for key in turned.calendar.hosts if key != taken.key)
    assert offered(turned) == {TEN: free, TEN + HALF: turned.calendar.hosts}


def test_the_own_time_of_a_booking_that_is_moved_is_free() -> None:
    place = open_place()
    place.follow(buffer_before=30, max_per_day=1)
    made = place.book(TEN + HALF)
    assert offered(place) == {}
    assert list(offered(place, without=made.id)) == [TEN, TEN + HALF]


def test_one_host_can_be_asked_for_even_outside_the_calendar() -> None:
    place, other = open_place(hosts=2), open_place()
    assert offered(place, only_host=place.hosts[1])[TEN] == (place.hosts[1],)
    alone = evolve(place, calendar=evolve(place.calendar, hosts=(place.hosts[0],)))
    assert offered(alone, only_host=place.hosts[1])[TEN] == (place.hosts[1],)
    assert offered(place, only_host=other.hosts[0]) == {}, "hosts of other accounts are nobody here"


def test_a_calendar_without_hosts_or_hours_offers_nothing() -> None:
    place = open_place(hours=WeeklyHours("UTC"))
    assert offered(place) == {}
    nobody = evolve(place.calendar, hosts=())
    assert slots.nearest(place.account.id, nobody, 30, TEN, NOW) == ()


@pytest.mark.parametrize("days", [-5, 0, 20, 59, 4000])
def test_the_nearest_times_are_found_however_far_they_are(days: int) -> None:
    """One hour on Mondays: the nearest lie days away, on both sides; none lies beyond the window or in the past."""
    place = open_place(hours=WeeklyHours("UTC", ((0, 540, 600),)))
    wanted = TEN + timedelta(days=days)
    found = slots.nearest(place.account.id, place.calendar, 30, wanted, NOW, count=4)
    everything = slots.offered(place.account.id, place.calendar, 30, NOW, NOW + timedelta(days=90), NOW)
    assert len(everything) == 18
    assert list(found) == sorted(sorted(everything, key=lambda start: (abs(start - wanted), start))[:4])


def test_where_less_is_offered_than_asked_for_all_of_it_comes() -> None:
    place = open_place(hours=WeeklyHours("UTC", ((0, 540, 600),)))
    found = slots.nearest(place.account.id, place.calendar, 30, TEN, NOW, count=100)
    assert len(found) == 18


def test_who_is_free_whatever_the_hours_say() -> None:
    place = open_place(hosts=2, hours=WeeklyHours("UTC", ((1, 600, 660),)))
    mine = place.state(place.book(TEN).id)
    assert mine.host is not None
    everyone, other = frozenset(place.hosts), frozenset(place.hosts) - {mine.host.key}

    def free(start: object, **more: str) -> frozenset[str]:
        return slots.free_hosts(place.account.id, place.hosts, start, start + HALF, **more)  # type: ignore[arg-type,operator]

    assert free(TEN) == free(TEN + HALF / 2) == free(TEN - HALF / 2) == other
    assert free(TEN, without=mine.id) == free(TEN + HALF) == free(TEN - HALF) == everyone
    record(
        place.account.id,
        [line(starting_time=TEN.isoformat(), external_calendar={"id": "host1@host.example"})],
        "oncehub",
        NOW,
    )
    assert place.hosts[0] not in free(TEN)


def test_what_is_offered_can_be_booked_and_then_is_offered_no_more() -> None:
    """For meetings and buffers of any length, from the first offer to the last."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.sampled_from([30, 60]),
        st.sampled_from([0, 15, 45]),
        st.sampled_from([0, 10, 30]),
        st.data(),
    )
    def holds(minutes: int, before: int, after: int, data: st.DataObject) -> None:
        place = open_place()
        place.follow(buffer_before=before, buffer_after=after)
        place.book(TEN + 2 * HOUR)
        day = slots.offered(place.account.id, place.calendar, minutes, TEN, TEN + 5 * HOUR, NOW)
        start = data.draw(st.sampled_from(sorted(day)))
        made = place.book(start, minutes)
        left = slots.offered(place.account.id, place.calendar, minutes, TEN, TEN + 5 * HOUR, NOW)
        assert set(left) < set(day)
        length = timedelta(minutes=minutes)
        assert not any(start - length < other < start + length for other in left)
        if data.draw(st.booleans()):
            commands.cancel(place.account.id, made.id, "", "user", NOW)
            again = slots.offered(place.account.id, place.calendar, minutes, TEN, TEN + 5 * HOUR, NOW)
            assert again == day

    holds()
