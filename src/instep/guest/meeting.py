"""The booking behind a signed link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instep.bookings import calendars
from instep.bookings.manage import find, token_of
from instep.core.acts import Act, guest_may
from instep.core.booking import Booking
from instep.core.booking_calendar import BookingCalendar, Rules
from instep.core.errors import InputError
from instep.core.wish import TYPED
from instep.guest.asked import Asked, asked_of
from instep.guest.public import nothing_here
from instep.guest.reading import Reading, reading_of
from instep.guest.standing import Standing, standing
from instep.store import guest_queries, queries

#: so long after the meeting its link leads nowhere any more
_LIFE = timedelta(days=30)


@frozen
class Meeting:
    """A booking as its guest sees it. `calendar` is None when it was deleted since."""

    token: str
    account_id: int
    key: int
    booking: Booking
    calendar: BookingCalendar | None
    asked: Asked
    reading: Reading
    now: datetime

    @property
    def rules(self) -> Rules:
        """The rules that hold for it."""
        return self.calendar.rules if self.calendar else Rules()

    @property
    def standing(self) -> Standing:
        """How it stands."""
        return standing(self.booking, self.now)

    @property
    def private(self) -> bool:
        """Whether the form was filled from the record that a link names: who was booked is not shown (OnceHub 4.3)."""
        return bool(self.booking.record_ids) and TYPED not in self.booking.details

    def refusal(self, act: Act) -> str:
        """Why the guest may not do this; empty when allowed."""
        return guest_may(self.booking, self.rules, act, self.now)

    @property
    def follower(self) -> str:
        """The path of the booking that took the place of this one after its host asked for that; empty without one."""
        if not self.standing.asked_anew:
            return ""
        booking_id = guest_queries.follower_of(self.account_id, self.key)
        return reverse("manage", args=[token_of(booking_id)]) if booking_id else ""

    def address(self, name: str) -> str:
        """The path of one of this booking's pages."""
        return reverse(name, args=[self.token])

    def context(self) -> dict[str, Any]:
        """What every page of it shows."""
        return {
            "meeting": self,
            "booking": self.booking,
            "calendar": self.calendar,
            "account": guest_queries.account_name(self.account_id),
            "rules": self.rules,
            "standing": self.standing,
            "reading": self.reading,
            "now": self.now,
            # what the CRM knows of a person is not shown to whoever has a link to the record
            "private": self.private,
            "embedded": self.asked.embedded,
            "manage_link": self.address("manage"),
            "time_link": self.address("manage-time"),
            "confirm_link": self.address("manage-confirm"),
            "cancel_link": self.address("manage-cancel"),
        }


def meeting_of(request: HttpRequest, token: str) -> Meeting | None:
    """The booking of a link; None for a link that is wrong, and in the very same way for one that has expired."""
    now = datetime.now(UTC)
    try:
        found = find(token)
    except InputError:
        return None
    account_id, key = found.account_id, found.key
    booking = queries.load_bookings(account_id, [key]).get(key)
    if booking is None or booking.end + _LIFE < now:
        return None
    said = request.POST if request.method == "POST" else request.GET
    asked = evolve(asked_of(said.dict()), record={})
    return Meeting(
        token=token,
        account_id=account_id,
        key=key,
        booking=booking,
        calendar=calendars.calendar(account_id, booking.calendar),
        asked=asked,
        reading=reading_of(request, asked, "", booked=booking.guest_time_zone),
        now=now,
    )


def no_meeting(request: HttpRequest) -> HttpResponse:
    """The page for a link that leads nowhere."""
    return nothing_here(request, "guest/no_booking.html")
