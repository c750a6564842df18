"""What people and the clock do to bookings made here: one transaction each, checked under locks, kept as facts.

Locks are taken in this order: the time of the hosts concerned, what is known of hosts, the booking's row, then those of
recording. A command that reads before it locks looks again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from attrs import asdict, frozen
from django.db import transaction
from django.db.utils import IntegrityError
from django.utils.crypto import salted_hmac

from instep.bookings import calendars, slots
from instep.bookings.attempts import Outdated, in_transaction
from instep.bookings.checks import NotFree, check_any_time, check_guest, check_offered, tidy_reason
from instep.bookings.manage import manage_url
from instep.bookings.record import Kept, keep
from instep.core import acts, assignment
from instep.core import wish as wishes
from instep.core.acts import CUSTOMER, Act
from instep.core.assignment import Candidate
from instep.core.booking import Booking, Status
from instep.core.booking_calendar import HERE, BookingCalendar, Rules
from instep.core.errors import InputError
from instep.core.fold import Change, Snapshot
from instep.core.wish import Wish
from instep.notify import mails
from instep.store import booked_time_queries as times
from instep.store import delivery_queries, guest_queries, provisional_queries, queries, recording
from instep.store.models import public_id

__all__ = ["Booked", "Taken", "Wish"]

#: hosts take turns by their bookings from this long ago on, and by those to come
_FAIR_SINCE = timedelta(days=30)


class Taken(InputError):
    """The time is not free, or not offered any more; `nearest` are offered times around it, in order."""

    def __init__(self, message: str, cure: str, nearest: tuple[datetime, ...] = ()) -> None:
        super().__init__(message, cure=cure, code="TAKEN", fields=("start",))
        self.nearest = nearest


class _Decided(Exception):
    """Somebody else has decided about a provisional booking."""


@frozen
class Booked:
    """A booking as it was made: its id and key. `repeated` when this very wish had been granted before."""

    id: str
    key: int
    repeated: bool = False


# --- book ---


def book(account_id: int, wish: Wish, now: datetime, provisional_until: datetime | None = None) -> Booked:
    """Grant a wish: a booking with the host whose turn it is. Raises `Taken` and other `InputError`.

    With `provisional_until` nobody is told of it before `confirm`; `take_back` undoes it.
    """
    wish = wishes.checked(wish)
    booking_id = _id_of(account_id, wish)
    try:
        return in_transaction(lambda: _book(account_id, wish, booking_id, now, provisional_until))
    except (NotFree, IntegrityError) as error:
        _reraise_others(error)
    nearest = slots.nearest(account_id, wish.calendar, wish.duration, wish.start, now)
    raise _gone(nearest)


def _book(
    account_id: int, wish: Wish, booking_id: str, now: datetime, provisional_until: datetime | None
) -> Booked:
    calendar = wish.calendar
    _lock_time(account_id, calendar.hosts)
    if (key := times.booking_key(account_id, booking_id)) is not None:
        return Booked(booking_id, key, repeated=True)
    _check_former(account_id, wish.rescheduled_from)
    second = timedelta(seconds=1)
    free = slots.offered(account_id, calendar, wish.duration, wish.start, wish.start + second, now)
    if wish.start not in free:
        raise NotFree
    chosen = _whose_turn(account_id, calendar, free[wish.start], now)
    host = times.hosts(account_id, [chosen])[chosen]
    start, end = _with_buffers(calendar.rules, wish.start, timedelta(minutes=wish.duration))
    times.take(account_id, booking_id, host.key, start, end)
    link = manage_url(wish.base_url, booking_id)
    fact = wishes.booked(wish, booking_id, host.host.email, link, now, _fact_id())
    if provisional_until is not None:
        provisional_queries.hold(account_id, booking_id, provisional_until)
    mails_due = provisional_until and provisional_until + delivery_queries.HELD
    kept = _keep(account_id, {booking_id: None}, [fact], now, mails_due)
    return Booked(booking_id, kept.keys[booking_id])


def _id_of(account_id: int, wish: Wish) -> str:
    """The same for the same wish, different for another, and nobody else's guess."""
    if not wish.key:
        return public_id("BKNG")
    said = (account_id, wish.calendar.id, wish.key, wish.start.isoformat(), wish.guest.email.lower())
    digest = salted_hmac("instep.bookings.wish", "\0".join(map(str, said)), algorithm="sha256")
    return f"BKNG-{digest.hexdigest()[:20].upper()}"


def _check_former(account_id: int, booking_id: str) -> None:
    """A booking takes the place of a canceled one of the same account."""
    if not booking_id:
        return
    key = times.booking_key(account_id, booking_id)
    former = queries.load_bookings(account_id, [key]).get(key) if key is not None else None
    if key is None or former is None or former.status is not Status.CANCELED:
        raise InputError(
            "The booking that this one is to replace is not a canceled one.",
            cure="Open its link again and reschedule it there.",
            code="NOT_ALLOWED",
        )
    if guest_queries.follower_of(account_id, key):
        raise InputError(
            "Another time has been chosen in its place already.",
            cure="Open the link of the booking again: it leads to the new one.",
            code="NOT_ALLOWED",
        )


def _whose_turn(account_id: int, calendar: BookingCalendar, free: tuple[str, ...], now: datetime) -> str:
    loads = times.loads(account_id, calendar.id, free, now - _FAIR_SINCE)
    none = times.Load(0, None)
    return assignment.choose(
        Candidate(key, calendar.priority_of(key), load.booked, load.last)
        for key in free
        for load in (loads.get(key, none),)
    )


def confirm(account_id: int, booking_id: str, now: datetime) -> bool:
    """Have everybody told of a provisional booking. False when somebody else has decided about it."""
    with transaction.atomic():
        if not provisional_queries.decide(account_id, booking_id):
            return False
        if (key := times.booking_key(account_id, booking_id)) is not None:
            delivery_queries.release(account_id, key, now)
    return True


def take_back(account_id: int, booking_id: str, reason: str, now: datetime) -> bool:
    """Undo a provisional booking: its time is free again, nobody hears of it, and what a CRM has of it is canceled.

    False when somebody else has decided about it.
    """

    def act(before: Booking, _: str) -> Snapshot:
        if not provisional_queries.decide(account_id, booking_id):
            raise _Decided
        fact = acts.taken_back(before, reason, now, _fact_id())
        times.release(account_id, booking_id)
        _drop_held(account_id, booking_id, now)
        return fact

    try:
        _change(account_id, booking_id, now, act)
    except _Decided:
        return False
    except InputError:
        # somebody has canceled it meanwhile: whoever hears of that need not hear that it was made
        with transaction.atomic():
            if provisional_queries.decide(account_id, booking_id):
                _drop_held(account_id, booking_id, now)
        return False
    return True


def _drop_held(account_id: int, booking_id: str, now: datetime) -> None:
    if (key := times.booking_key(account_id, booking_id)) is not None:
        delivery_queries.drop_held(account_id, key, now)


# --- the acts ---


def reschedule(
    account_id: int,
    booking_id: str,
    start: datetime,
    duration: int | None,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Move a booking to another time (and duration, in minutes) with the same host; its id stays.

    A guest (`by` "customer") is bound by the calendar's rules and offered times; the host's side may take any time that
    does not overlap another booking of the host. Raises `Taken` and other `InputError`.
    """
    start = start.astimezone(UTC)

    def act(before: Booking, host: str) -> Snapshot:
        calendar = calendars.calendar(account_id, before.calendar)
        length = before.duration if duration is None else timedelta(minutes=duration)
        if by == CUSTOMER:
            check_guest(calendar, before, Act.RESCHEDULE, now)
            check_offered(account_id, calendar, before, start, length, host, now)
        else:
            check_any_time(start, length)
        fact = acts.rescheduled(before, start, length, Change(tidy_reason(reason), by), now, _fact_id())
        span = _with_buffers(calendar.rules if calendar else Rules(), start, length)
        if slots.free_hosts(account_id, [host], *span, without=booking_id) != {host}:
            raise NotFree
        times.move(account_id, booking_id, times.hosts(account_id, [host])[host].key, *span)
        return fact

    try:
        _change(account_id, booking_id, now, act)
    except (NotFree, IntegrityError) as error:
        _reraise_others(error)
        raise _gone(_near_move(account_id, booking_id, start, duration, now)) from None


def cancel(account_id: int, booking_id: str, reason: str, by: str, now: datetime) -> None:
    """Cancel a booking; its time is free again. Raises `InputError`."""

    def act(before: Booking, _: str) -> Snapshot:
        if by == CUSTOMER:
            check_guest(calendars.calendar(account_id, before.calendar), before, Act.CANCEL, now)
        fact = acts.canceled(before, Change(tidy_reason(reason), by), now, _fact_id())
        times.release(account_id, booking_id)
        return fact

    _change(account_id, booking_id, now, act)


def ask_to_reschedule(account_id: int, booking_id: str, reason: str, now: datetime) -> None:
    """Cancel a booking and ask the guest to choose another time, which will be a new booking. Raises `InputError`."""
    _ending(account_id, booking_id, reason, now, acts.asked_to_reschedule)


def decline(account_id: int, booking_id: str, reason: str, now: datetime) -> None:
    """Refuse a request; its time is free again. Raises `InputError`."""
    _ending(account_id, booking_id, reason, now, acts.declined)


def approve(account_id: int, booking_id: str, reason: str, now: datetime) -> None:
    """Grant a request: it is scheduled from now on, at the time that it has kept. Raises `InputError`."""
    _staying(account_id, booking_id, reason, now, acts.approved)


def mark_no_show(account_id: int, booking_id: str, reason: str, now: datetime) -> None:
    """Say that the guest did not come, from the start on. Raises `InputError`."""
    _staying(account_id, booking_id, reason, now, acts.marked_no_show)


def undo_no_show(account_id: int, booking_id: str, reason: str, now: datetime) -> None:
    """Take a no-show back. Raises `InputError`."""
    _staying(account_id, booking_id, reason, now, acts.no_show_undone)


def reassign(account_id: int, booking_id: str, host_key: str, reason: str, now: datetime) -> None:
    """Give a booking to another host at the same time, whatever his working hours. Raises `Taken`, `InputError`."""

    def act(before: Booking, _: str) -> Snapshot:
        new = times.hosts(account_id, [host_key]).get(host_key)
        if new is None:
            raise InputError("There is no such host.", cure="Choose one from the list.", code="UNKNOWN_HOST")
        fact = acts.reassigned(before, new.host, tidy_reason(reason), now, _fact_id())
        start, end = before.start, before.end
        if slots.free_hosts(account_id, [host_key], start, end, without=booking_id) != {host_key}:
            raise NotFree
        times.hand_over(account_id, booking_id, new.key)
        return fact

    try:
        _change(account_id, booking_id, now, act, host_key)
    except (NotFree, IntegrityError) as error:
        _reraise_others(error)
        raise Taken(
            "This host has another booking at that time.",
            "Choose another host, or reschedule the booking first.",
        ) from None


_Simple = Callable[[Booking, str, datetime, str], Snapshot]


def _ending(account_id: int, booking_id: str, reason: str, now: datetime, make: _Simple) -> None:
    def act(before: Booking, _: str) -> Snapshot:
        fact = make(before, tidy_reason(reason), now, _fact_id())
        times.release(account_id, booking_id)
        return fact

    _change(account_id, booking_id, now, act)


def _staying(account_id: int, booking_id: str, reason: str, now: datetime, make: _Simple) -> None:
    _change(account_id, booking_id, now, lambda before, _: make(before, tidy_reason(reason), now, _fact_id()))


def _change(
    account_id: int,
    booking_id: str,
    now: datetime,
    act: Callable[[Booking, str], Snapshot],
    *other_hosts: str,
) -> None:
    """Do one act to a booking under all its locks. `act` gets the booking and the host whose time it takes; it changes
    that time and returns the fact."""

    def work() -> None:
        host = times.host_of(account_id, booking_id)
        if host is None:
            raise InputError(
                f"There is no booking {booking_id[:60]} that was made here.", code="UNKNOWN_BOOKING"
            )
        _lock_time(account_id, (host, *other_hosts))
        row = recording.lock_bookings(account_id, HERE, [booking_id])[booking_id]
        if times.host_of(account_id, booking_id) != host:
            raise Outdated
        before = queries.load_bookings(account_id, [row.key])[row.key]
        _keep(account_id, {booking_id: before}, [act(before, host)], now)

    in_transaction(work)


# --- the clock ---


def complete_due(now: datetime, limit: int = 200) -> int:
    """Complete meetings made here whose end has passed, at most `limit` of each account; how many there were.

    Bookings that somebody is changing at this moment are left for the next time: whatever he does comes first. What
    goes wrong in one account is raised when the others are done.
    """
    done, failures = 0, []
    for account_id in times.accounts_with_ended(now):
        try:
            done += _complete(account_id, now, limit)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _complete(account_id: int, now: datetime, limit: int) -> int:
    with transaction.atomic():
        recording.lock_hosts(account_id, alone=False)
        keys = times.lock_ended(account_id, now, limit)
        before = {b.id: b for b in queries.load_bookings(account_id, keys).values()}
        if before:
            _keep(account_id, before, [acts.completed(b, _fact_id()) for b in before.values()], now)
    return len(before)


# --- shared ---


def _lock_time(account_id: int, hosts: tuple[str, ...]) -> None:
    times.lock_hosts(account_id, hosts)
    recording.lock_hosts(account_id, alone=False)


def _keep(
    account_id: int,
    before: Mapping[str, Booking | None],
    facts: list[Snapshot],
    now: datetime,
    mails_due: datetime | None = None,
) -> Kept:
    """Record facts, owe the mails about them, and wake the lanes as the very last thing."""
    kept = keep(account_id, facts, now)
    for booking_id, after in kept.bookings.items():
        owed: list[dict[str, Any]] = [asdict(mail) for mail in mails.owed(before[booking_id], after)]
        delivery_queries.owe(account_id, kept.keys[booking_id], owed, now, mails_due)
    queries.wake(account_id, kept.lanes)
    return kept


def _fact_id() -> str:
    return public_id("EVNT")


def _with_buffers(rules: Rules, start: datetime, duration: timedelta) -> tuple[datetime, datetime]:
    """What a meeting takes of its host's time."""
    before, after = timedelta(minutes=rules.buffer_before), timedelta(minutes=rules.buffer_after)
    return start - before, start + duration + after


def _near_move(
    account_id: int, booking_id: str, start: datetime, duration: int | None, now: datetime
) -> tuple[datetime, ...]:
    """Offered times around one that a booking cannot be moved to, of the host that it has."""
    key = times.booking_key(account_id, booking_id)
    booking = queries.load_bookings(account_id, [key]).get(key) if key is not None else None
    calendar = calendars.calendar(account_id, booking.calendar) if booking else None
    if booking is None or calendar is None or booking.host is None:
        return ()
    minutes = duration or int(booking.duration.total_seconds() // 60)
    return slots.nearest(
        account_id, calendar, minutes, start, now, without=booking_id, only_host=booking.host.key
    )


def _gone(nearest: tuple[datetime, ...]) -> Taken:
    return Taken("This time is not free any more.", "Choose another one.", nearest)


def _reraise_others(error: Exception) -> None:
    """Let only a lost race for a host's time pass."""
    if isinstance(error, IntegrityError) and not isinstance(
        error.__cause__, psycopg.errors.ExclusionViolation
    ):
        raise error
