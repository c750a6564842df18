"""Many clients want one host's time at the same moment: one gets it, whatever they choose and whoever they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from django.db import connection, transaction

from bookings.here import NOW, RULES, TEN, Place, assert_whole, open_place, overlapping
from bookings.racing import race
from instep.bookings import calendars, commands
from instep.bookings.commands import Taken
from instep.bookings.record import record
from instep.core.booking import Guest, Status
from instep.core.errors import InputError
from instep.store.models import BookedTime, Booking, Contact
from oncehub_events import form, line, owner

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, ROUNDS = 64, 100
#: what guests are offered, fine enough for times that overlap without being the same
FINE = evolve(RULES, slot_step=5)


def start_of(number: int, client: int) -> datetime:
    """In even rounds all want the same time, in odd ones six times that overlap one another."""
    offset = 5 * (client % 6) if number % 2 else 0
    return TEN + timedelta(hours=2 * number, minutes=offset)


def wins(place: Place, start: datetime, **parts: object) -> bool:
    """Whether a new guest gets this time."""
    try:
        place.book(start, **parts)
    except Taken:
        return False
    return True


@pytest.mark.timeout(900)
def test_of_64_clients_one_gets_the_time_in_each_of_100_rounds() -> None:
    place = open_place(rules=FINE)
    winners = race(lambda number, client: wins(place, start_of(number, client)), CLIENTS, ROUNDS)
    assert winners == [1] * ROUNDS
    assert overlapping() == 0
    assert BookedTime.objects.count() == Booking.objects.count() == ROUNDS


@pytest.fixture
def unguarded() -> Iterator[None]:
    """A table of taken time that the database does not watch."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE unguarded_time (start_at timestamptz, end_at timestamptz)")
        yield
        cursor.execute("DROP TABLE unguarded_time")


@pytest.mark.usefixtures("unguarded")
def test_who_looks_and_then_writes_gives_the_time_away_twice() -> None:
    """The same harness, against the way that is not safe: it must see it fail."""

    def attempt(number: int, client: int) -> bool:
        start = start_of(number, client)
        end = start + timedelta(minutes=30)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM unguarded_time WHERE start_at < %s AND end_at > %s", [end, start]
            )
            if cursor.fetchone()[0]:
                return False
            cursor.execute("INSERT INTO unguarded_time VALUES (%s, %s)", [start, end])
            return True

    winners = race(attempt, CLIENTS, 10)
    assert max(winners[::2]) > 1, "this harness cannot tell a safe way from an unsafe one"
    assert max(winners[1::2]) > 1, "overlapping times are no race here"


def test_where_the_lock_is_missing_the_constraint_still_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place()
    place.book()
    monkeypatch.setattr(
        commands.slots, "offered", lambda *_, **__: {TEN + timedelta(minutes=15): tuple(place.hosts)}
    )
    monkeypatch.setattr(commands.slots, "nearest", lambda *_, **__: (TEN + timedelta(hours=1),))
    with pytest.raises(Taken) as refused:
        place.book(TEN + timedelta(minutes=15))
    assert refused.value.nearest == (TEN + timedelta(hours=1),)
    assert Booking.objects.count() == 1


def test_three_hosts_of_two_calendars_take_three_bookings_and_nobody_waits_in_a_circle() -> None:
    place = open_place(hosts=3)
    turned = calendars.create(
        place.account.id, "Turned round", "turned-round", place.calendar.rules, place.hosts[::-1], True
    )
    other = evolve(place, calendar=turned)
    winners = race(
        lambda number, client: wins((place, other)[client % 2], start_of(2 * number, client)), 32, 8
    )
    assert winners == [3] * 8
    assert_whole(place)


def test_the_limit_of_a_day_holds_among_different_times() -> None:
    place = open_place(rules=evolve(RULES, max_per_day=2))
    midnight = TEN.replace(hour=0)

    def attempt(number: int, client: int) -> bool:
        return wins(place, midnight + timedelta(days=number, minutes=30 * client))

    assert race(attempt, 24, 5) == [2] * 5


def test_the_same_form_sent_by_many_at_once_is_one_booking() -> None:
    place = open_place(hosts=2)
    made = []

    def attempt(number: int, _: int) -> bool:
        guest = Guest("Ann", "ann@x.example")
        done = place.book(TEN + timedelta(days=number), guest=guest, key=f"the form {number}")
        made.append(done.id)
        return not done.repeated

    assert race(attempt, 16, 5) == [1] * 5
    assert len(set(made)) == Booking.objects.count() == 5
    assert Contact.objects.count() == 1


def test_whoever_moves_cancels_hands_over_and_completes_at_once_leaves_a_whole_booking() -> None:
    place = open_place(hosts=2)
    account_id = place.account.id
    ids = [place.book(TEN + timedelta(hours=2 * n)).id for n in range(12)]
    refusals: set[str] = set()

    def attempt(number: int, client: int) -> bool:
        booking_id, end = ids[number], TEN + timedelta(hours=2 * number, minutes=30)
        acts = (
            lambda: commands.reschedule(
                account_id, booking_id, end + timedelta(minutes=30), None, "", "user", end
            ),
            lambda: commands.cancel(account_id, booking_id, "no", "user", end),
            lambda: commands.complete_due(end),
            lambda: commands.reassign(account_id, booking_id, place.hosts[client % 2], "", end),
            lambda: commands.mark_no_show(account_id, booking_id, "", end),
        )
        try:
            acts[client % len(acts)]()
        except InputError as error:
            refusals.add(error.code)
        return False

    race(attempt, 10, len(ids))
    assert refusals <= {"NOT_ALLOWED", "SAME_HOST", "SAME_TIME"}
    assert_whole(place)
    for booking_id in ids:
        state = place.state(booking_id)
        assert state.status is Status.CANCELED
        assert state.timeline[-1].kind == "canceled", "nothing happens to a canceled booking"
        assert state.timeline[-1].reason == "no"


def test_the_clock_completes_each_meeting_once() -> None:
    place = open_place()
    for n in range(10):
        place.book(TEN + timedelta(minutes=30 * n))
    done: list[int] = []

    def attempt(_: int, __: int) -> bool:
        done.append(commands.complete_due(TEN + timedelta(days=1), limit=3))
        return False

    race(attempt, 8, 6)
    assert sum(done) == 10
    assert_whole(place)


def test_the_clock_waits_for_nobody_and_lets_a_cancellation_pass() -> None:
    """While somebody has the booking in his hands the clock passes it over; afterwards it finds it canceled."""
    place = open_place()
    made, other = place.book(), place.book(TEN + timedelta(hours=1))
    late = TEN + timedelta(days=1)
    done: list[int] = []

    def strike() -> None:
        done.append(commands.complete_due(late))
        connection.close()

    with transaction.atomic():
        commands.cancel(place.account.id, made.id, "", "user", late)
        clock = threading.Thread(target=strike)
        clock.start()
        clock.join(timeout=30)
        assert done == [1], "it waited, or it took what another had in hand"
    assert commands.complete_due(late) == 0
    assert place.state(made.id).status is Status.CANCELED
    assert place.state(other.id).status is Status.COMPLETED


def test_events_of_another_product_about_the_same_people_and_hosts_do_not_get_in_the_way() -> None:
    place = open_place(hosts=2)

    def attempt(number: int, client: int) -> bool:
        guest = f"guest{client % 3}@x.example"
        if client % 2:
            return wins(place, TEN + timedelta(days=number), guest=Guest(f"G {client}", guest))
        # each event makes another host known, which takes the lock that all share
        event = line(
            f"E{number}-{client}",
            "scheduled",
            client,
            id=f"B{number}-{client}",
            form_submission=form(email=guest, name=f"N {client}"),
            owner=owner(id=f"USR-{number}-{client}", email=f"u{number}-{client}@host.example"),
            external_calendar={"id": f"u{number}-{client}@host.example"},
        )
        record(place.account.id, [event], "oncehub", NOW)
        return False

    assert race(attempt, 12, 6) == [2] * 6
    assert_whole(place)
    assert Contact.objects.count() == 3
