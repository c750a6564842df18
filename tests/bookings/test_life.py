"""Random lives: whatever people and the clock do, in whatever order, what must hold of bookings holds after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import define
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bookings.here import NOW, TEN, Place, assert_whole, open_place
from instep.bookings import commands
from instep.core import acts
from instep.core.acts import Act
from instep.core.booking import Guest, Status
from instep.core.errors import InputError
from instep.store.models import Booking, SyncItem

HALF = timedelta(minutes=30)
#: few times, so that bookings meet
slots = st.integers(0, 5).map(lambda n: TEN + n * HALF)
guests = st.integers(1, 3).map(lambda n: Guest(f"Guest {n}", f"guest{n}@x.example"))


@define
class Known:
    """What this test knows of a booking by itself."""

    status: Status
    start: datetime
    length: timedelta
    host: str
    before_no_show: Status = Status.SCHEDULED


class Life(RuleBasedStateMachine):
    """Everything that can be done to the bookings of two hosts, and what must have come of it."""

    bookings: Any = Bundle("bookings")

    @initialize(approval=st.booleans())
    def open(self, approval: bool) -> None:
        # each life in a transaction of its own that is undone: the clock looks at every account
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.place: Place = open_place(hosts=2)
        self.place.follow(approval=approval)
        # the tie between two hosts is decided by their keys: the same way when a life is lived again
        self.place.hosts.sort()
        self.account = self.place.account.id
        self.now = NOW
        self.known: dict[str, Known] = {}
        self.marks: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "undone"):
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    # -- what is done --

    @rule(target=bookings, start=slots, minutes=st.sampled_from([30, 60]), guest=guests)
    def book(self, start: datetime, minutes: int, guest: Guest) -> str:
        free = {h for h in self.place.hosts if self._free(h, start, timedelta(minutes=minutes))}
        try:
            made = self.place.book(start, minutes, self.now, guest=guest)
        except commands.Taken:
            assert not free or start < self.now, "a free time was refused"
            return ""
        host = self.place.state(made.id).host
        assert host is not None
        assert host.key in free
        status = Status.REQUESTED if self.place.calendar.rules.approval else Status.SCHEDULED
        self.known[made.id] = Known(status, start, timedelta(minutes=minutes), host.key)
        self.marks[made.id] = 1
        return made.id

    @rule(
        booking=bookings,
        start=slots,
        minutes=st.sampled_from([None, 30, 60]),
        by=st.sampled_from(["user", "customer"]),
    )
    def reschedule(self, booking: str, start: datetime, minutes: int | None, by: str) -> None:
        if not (known := self.known.get(booking)):
            return
        length = timedelta(minutes=minutes) if minutes else known.length
        done = self._does(
            Act.RESCHEDULE,
            booking,
            lambda: commands.reschedule(self.account, booking, start, minutes, "moved", by, self.now),
            by,
        )
        if done:
            assert self._free(known.host, start, length, without=booking), "a time was given twice"
            known.status, known.start, known.length = Status.RESCHEDULED, start, length

    @rule(booking=bookings, by=st.sampled_from(["user", "customer"]))
    def cancel(self, booking: str, by: str) -> None:
        act = lambda: commands.cancel(self.account, booking, "over", by, self.now)  # noqa: E731
        if self._does(Act.CANCEL, booking, act, by):
            self.known[booking].status = Status.CANCELED

    @rule(booking=bookings)
    def ask_to_reschedule(self, booking: str) -> None:
        act = lambda: commands.ask_to_reschedule(self.account, booking, "", self.now)  # noqa: E731
        if self._does(Act.ASK_TO_RESCHEDULE, booking, act):
            self.known[booking].status = Status.CANCELED

    @rule(booking=bookings, number=st.integers(0, 1))
    def reassign(self, booking: str, number: int) -> None:
        host = self.place.hosts[number]
        act = lambda: commands.reassign(self.account, booking, host, "ill", self.now)  # noqa: E731
        if self._does(Act.REASSIGN, booking, act):
            known = self.known[booking]
            assert self._free(host, known.start, known.length, without=booking), "a time was given twice"
            known.host = host

    @rule(booking=bookings)
    def mark_no_show(self, booking: str) -> None:
        act = lambda: commands.mark_no_show(self.account, booking, "", self.now)  # noqa: E731
        if self._does(Act.NO_SHOW, booking, act):
            known = self.known[booking]
            known.before_no_show, known.status = known.status, Status.NO_SHOW

    @rule(booking=bookings)
    def undo_no_show(self, booking: str) -> None:
        act = lambda: commands.undo_no_show(self.account, booking, "", self.now)  # noqa: E731
        if self._does(Act.UNDO_NO_SHOW, booking, act):
            known = self.known[booking]
            over = known.start + known.length <= self.now
            known.status = Status.COMPLETED if over else known.before_no_show

    @rule(booking=bookings, granted=st.booleans())
    def answer(self, booking: str, granted: bool) -> None:
        command, act = (commands.approve, Act.APPROVE) if granted else (commands.decline, Act.DECLINE)
        if self._does(act, booking, lambda: command(self.account, booking, "", self.now)):
            self.known[booking].status = Status.SCHEDULED if granted else Status.CANCELED

    @rule()
    def clock_strikes(self) -> None:
        due = [
            booking
            for booking, known in self.known.items()
            if known.status in (Status.SCHEDULED, Status.RESCHEDULED)
            and known.start + known.length <= self.now
        ]
        assert commands.complete_due(self.now) == len(due)
        for booking in due:
            self.known[booking].status = Status.COMPLETED
            self.marks[booking] += 1

    @rule(minutes=st.sampled_from([15, 24 * 60 + 240]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.known)
    @rule(minutes=st.sampled_from([-15, 0, 45]))
    def another_machines_clock_is_a_little_behind_or_ahead(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # -- what must hold --

    @invariant()
    def it_is_whole(self) -> None:
        if hasattr(self, "place"):
            assert_whole(self.place)

    @invariant()
    def it_is_what_was_done(self) -> None:
        if not hasattr(self, "place"):
            return
        there = {
            b: (s.status, s.start, s.duration, s.host and s.host.key) for b, s in self.place.states().items()
        }
        assert there == {b: (k.status, k.start, k.length, k.host) for b, k in self.known.items()}

    @invariant()
    def each_change_is_marked_once_and_nothing_else_is(self) -> None:
        items = SyncItem.objects.filter(account_id=getattr(self, "account", 0), kind="booking")
        keys = dict(Booking.objects.values_list("id", "source_id"))
        assert {keys[i.target_id]: i.wanted for i in items} == getattr(self, "marks", {})

    # -- --

    def _free(self, host: str, start: datetime, length: timedelta, without: str = "") -> bool:
        return not any(
            known.host == host and start < known.start + known.length and known.start < start + length
            for booking, known in self.known.items()
            if booking != without and known.status is not Status.CANCELED
        )

    def _does(self, act: Act, booking: str, command: Any, by: str = "user") -> bool:
        """Do it; whether it was done. What is not allowed must be refused."""
        if booking not in self.known:
            return False
        state = self.place.state(booking)
        may = act in acts.allowed(state, self.now)
        if by == "customer":
            may = not acts.guest_may(state, self.place.calendar.rules, act, self.now)
        try:
            command()
        except InputError as error:
            refusal = error.code
        else:
            refusal = ""
        if refusal:
            assert not may or refusal in ("TAKEN", "SAME_TIME", "SAME_HOST")
            return False
        assert may, "what is not allowed was done"
        self.marks[booking] += 1
        return True


@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_random_lives() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
