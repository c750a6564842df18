"""How a booking stands, in the words of its guest. Pure."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from django.utils.translation import gettext as _

from instep.core.acts import was_taken_back
from instep.core.booking import Booking, Kind, Status

_GONE = (Status.COMPLETED, Status.NO_SHOW)


@frozen
class Standing:
    """`tone` is good, wait, bad or quiet; `active` says that the meeting is still to come or under way."""

    tone: str
    title: str
    text: str
    active: bool = False
    asked_anew: bool = False

    @property
    def sign(self) -> str:
        """A sign beside the words."""
        return {"good": "✓", "wait": "…", "bad": "✕"}.get(self.tone, "·")


def standing(booking: Booking, now: datetime) -> Standing:
    """What the page of a booking says first."""
    kind = booking.timeline[-1].kind if booking.timeline else Kind.SCHEDULED
    host = booking.host.name if booking.host and booking.host.name else _("Your host")
    if booking.status is Status.CANCELED:
        return _canceled(kind, host, booking)
    if booking.status in _GONE or booking.end <= now:
        return Standing("quiet", _("This meeting is over"), "")
    if booking.status is Status.REQUESTED:
        told = _("%(host)s has been asked and will answer. The time is kept for you until then.")
        return Standing("wait", _("Your request is sent"), told % {"host": host}, active=True)
    if booking.start <= now:
        return Standing("good", _("This meeting is under way"), "", active=True)
    if booking.status is Status.RESCHEDULED:
        return Standing("good", _("Your new time is confirmed"), "", active=True)
    return Standing("good", _("Your booking is confirmed"), "", active=True)


def _canceled(kind: Kind, host: str, booking: Booking) -> Standing:
    if kind is Kind.CANCELED_RESCHEDULE_REQUESTED:
        told = _("%(host)s cannot keep this time and asks you to choose another one.") % {"host": host}
        return Standing("wait", _("Please pick a new time"), told, asked_anew=True)
    if kind is Kind.DECLINED and not was_taken_back(booking):
        told = _("%(host)s cannot accept this request.") % {"host": host}
        return Standing("bad", _("Your request was declined"), told)
    if was_taken_back(booking):
        told = _("Nothing was booked. Please choose a time again.")
        return Standing("bad", _("This booking was not confirmed"), told)
    if booking.actioned_by == "user":
        told = _("%(host)s canceled it. You need not do anything.") % {"host": host}
        return Standing("bad", _("This meeting is canceled"), told)
    return Standing("bad", _("This meeting is canceled"), _("You canceled it. Your host has been told."))
