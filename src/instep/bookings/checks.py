"""What is checked of an act before it is done: the guest's limits, times that are offered, texts that can be kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from instep.bookings import slots
from instep.core import acts
from instep.core.acts import Act
from instep.core.booking import Booking
from instep.core.booking_calendar import BookingCalendar, Rules
from instep.core.errors import InputError

_LONGEST_REASON = 2000
_DURATIONS = range(5, 12 * 60 + 1)
_YEARS = range(2000, 2201)


class NotFree(Exception):
    """Nobody is free at the time that is asked for."""


def check_guest(calendar: BookingCalendar | None, before: Booking, act: Act, now: datetime) -> None:
    """Raises `InputError` for what the calendar does not let its guests do now."""
    refusal = acts.guest_may(before, calendar.rules if calendar else Rules(), act, now)
    if refusal:
        raise InputError(refusal, code="NOT_ALLOWED")


def check_offered(
    account_id: int,
    calendar: BookingCalendar | None,
    before: Booking,
    start: datetime,
    length: timedelta,
    host: str,
    now: datetime,
) -> None:
    """A guest moves a booking to a time that the calendar offers, of the same length or one that it offers.

    Raises `NotFree`, and `InputError` for a length that is not offered.
    """
    minutes = int(length.total_seconds() // 60)
    if calendar is None or (length != before.duration and minutes not in calendar.rules.durations):
        raise InputError(
            f"A meeting of {minutes} minutes is not offered.", code="DURATION", fields=("duration",)
        )
    free = slots.offered(
        account_id,
        calendar,
        minutes,
        start,
        start + timedelta(seconds=1),
        now,
        without=before.id,
        only_host=host,
    )
    if start not in free:
        raise NotFree


def check_any_time(start: datetime, length: timedelta) -> None:
    """Raises `InputError` for what is no time of a meeting; the host's side may choose any other."""
    if start.year not in _YEARS:
        raise InputError(f"The year {start.year} cannot be booked.", code="START", fields=("start",))
    minutes = length.total_seconds() / 60
    if minutes not in _DURATIONS:
        raise InputError("A meeting lasts from 5 minutes to 12 hours.", code="DURATION", fields=("duration",))


def tidy_reason(reason: str) -> str:
    """A reason without the spaces around it. Raises `InputError` for one that cannot be kept."""
    tidy = reason.strip()
    if len(tidy) > _LONGEST_REASON:
        raise InputError(
            f"The reason has {len(tidy)} characters; {_LONGEST_REASON} fit.",
            cure="Please shorten it.",
            code="TOO_LONG",
            fields=("reason",),
        )
    if "\0" in tidy or any("\ud800" <= ch <= "\udfff" for ch in tidy):
        raise InputError(
            "The reason holds a character that cannot be stored.",
            cure="Please type it anew.",
            code="UNUSABLE_TEXT",
            fields=("reason",),
        )
    return tidy
