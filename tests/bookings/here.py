"""A place where bookings are made: an account with hosts and a calendar, and wishes for it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve

from instep.bookings import calendars, facts, hosting, hosts
from instep.bookings.commands import Booked, Wish, book
from instep.core.acts import takes_time
from instep.core.booking import Booking as State
from instep.core.booking import Guest, Status
from instep.core.booking_calendar import BookingCalendar, Rules, WeeklyHours
from instep.core.fold import fold
from instep.store import convert, queries
from instep.store.models import Account, BookedTime, Booking, Connection, Fact, SyncItem, Transition

#: Monday morning of a week without any change of clocks
NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
TEN = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
ALWAYS = tuple((day, 0, 1440) for day in range(7))
RULES = Rules(durations=(30, 60), slot_step=30, min_notice=0)

_numbers = itertools.count(1)


@define
class Place:
    """An account, the keys of its hosts, and one calendar with all of them."""

    account: Account
    hosts: list[str]
    calendar: BookingCalendar

    def wish(self, start: datetime = TEN, duration: int = 30, **parts: Any) -> Wish:
        """A wish of somebody new, unless parts say otherwise."""
        number = next(_numbers)
        said = {
            "guest": Guest(f"Guest {number}", f"guest{number}@x.example"),
            "time_zone": "America/New_York",
            "key": f"form-{number}",
            "base_url": "https://book.example",
        }
        return Wish(self.calendar, start, duration, **{**said, **parts})

    def book(self, start: datetime = TEN, duration: int = 30, now: datetime = NOW, **parts: Any) -> Booked:
        return book(self.account.id, self.wish(start, duration, **parts), now)

    def state(self, booking_id: str) -> State:
        """A booking as it is now."""
        key = Booking.objects.get(account=self.account, source_id=booking_id).id
        return queries.load_bookings(self.account.id, [key])[key]

    def follow(self, **rules: Any) -> None:
        """Change the calendar's rules."""
        self.calendar = evolve(self.calendar, rules=evolve(self.calendar.rules, **rules))
        calendars.change(self.account.id, self.calendar)

    def states(self) -> dict[str, State]:
        """Every booking made here as it is now, by id."""
        keys = list(
            Booking.objects.filter(account=self.account, source="instep").values_list("id", flat=True)
        )
        return {state.id: state for state in queries.load_bookings(self.account.id, keys).values()}

    def wanted(self, booking_id: str) -> int:
        """How often the booking has been marked in the account's lane."""
        key = Booking.objects.get(account=self.account, source_id=booking_id).id
        return SyncItem.objects.get(account=self.account, kind="booking", target_id=key).wanted

    def taken(self) -> list[tuple[str, datetime, datetime]]:
        """The time that is taken: (host's key, from, to), in order."""
        rows = BookedTime.objects.filter(account=self.account, active=True).order_by("start_at", "host_id")
        return [(row.host.public_id, row.start_at, row.end_at) for row in rows.select_related("host")]


def open_place(hosts: int = 1, hours: WeeklyHours | None = None, rules: Rules = RULES) -> Place:
    """A new account whose hosts work all the time in UTC, unless hours are given; one CRM is connected."""
    account = Account.objects.create(name="Acme")
    Connection.objects.create(
        account=account, vendor="salesforce", url="https://crm.example", org_id=f"00D{account.id}"
    )
    keys = [
        hosting.create_host(
            account.id, f"Host {n}", f"host{n}@host.example", hours or WeeklyHours("UTC", ALWAYS), NOW
        )
        for n in range(1, hosts + 1)
    ]
    calendar = calendars.create(account.id, "Product demo", f"demo-{account.id}", rules, keys, True)
    return Place(account, keys, calendar)


def overlapping() -> int:
    """Pairs of active rows of one host that overlap: what must never be."""
    rows = queries.rows(
        """
        SELECT count(*) FROM booked_time a JOIN booked_time b
            ON a.host_id = b.host_id AND a.id < b.id AND a.start_at < b.end_at AND b.start_at < a.end_at
         WHERE a.active AND b.active
        """,
        [],
    )
    return int(rows[0][0])


def assert_whole(place: Place) -> None:
    """What must hold of an account's bookings at any moment, whatever was done to them."""
    account_id = place.account.id
    assert overlapping() == 0
    times = {row.booking_source_id: row for row in BookedTime.objects.filter(account_id=account_id)}
    bookings = {row.source_id: row for row in Booking.objects.filter(account_id=account_id, source="instep")}
    assert times.keys() == bookings.keys()
    rules = place.calendar.rules
    before, after = timedelta(minutes=rules.buffer_before), timedelta(minutes=rules.buffer_after)
    said = defaultdict(list)
    for raw in Fact.objects.filter(account_id=account_id, source="instep").values_list("raw", flat=True):
        said[raw["booking_id"]].append(facts.snapshot_of(raw))
    known = hosts.known_to(account_id, [fact for these in said.values() for fact in these])
    logs = defaultdict(list)
    for step in Transition.objects.filter(account_id=account_id).order_by("at", "id"):
        logs[step.booking_id].append((step.kind, step.at, step.reason))
    for booking_id, row in bookings.items():
        state = fold(said[booking_id], known)
        assert row.state == convert.state_of(state)
        assert (row.status, row.start_at, row.end_at) == (state.status.value, state.start, state.end)
        assert logs[row.id] == [(step.kind, step.at, step.reason) for step in state.timeline]
        moments = [step.at for step in state.timeline]
        assert moments == sorted(set(moments)), "a fact went back in time"
        time = times[booking_id]
        assert time.active == takes_time(state.status) == (state.status is not Status.CANCELED)
        assert (time.start_at, time.end_at) == (state.start - before, state.end + after)
        assert time.host_id == row.host_id
