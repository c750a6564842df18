"""Records for a meeting's further guests, where an admin chose that (rule E10).

A further guest is an address and nothing else. Who is there already is related and never changed; whoever is not gets a
record of the kind that the booking's own person would get, by upsert on an id that follows from the address: however
many meetings name somebody, and however often a write is repeated, there is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from attrs import evolve

from instep.core.booking import Booking, Guest, Status
from instep.core.changes import Write
from instep.core.contact import Contact, email_key
from instep.core.creation import Guests
from instep.core.desired import GUESTS_LINE, Setting
from instep.core.lookup import Record
from instep.core.mapping import is_email
from instep.core.work import Work

#: where the CRM keeps the line that names the guests
_TEXT = "Description"


def makes_guests(setting: Setting, work: Work) -> bool:
    """Whether this item's further guests get records: not for a meeting that is off, nor because rules have changed."""
    booking = work.booking
    return (
        setting.config.guests is Guests.RECORDS
        and booking is not None
        and bool(booking.guest.guests)
        and booking.status is not Status.CANCELED
        and not (work.settled or work.held)
    )


def addresses(booking: Booking) -> Iterable[str]:
    """The further guests who can be found again, each once, without the one who booked."""
    own = email_key(booking.guest.email)
    keys = dict.fromkeys(email_key(address) for address in booking.guest.guests if is_email(address))
    return [key for key in keys if key != own]


def are_listed(booking: Booking, meeting: Record) -> bool:
    """Whether the activity names these very guests already, as far as is remembered of it."""
    return f"{GUESTS_LINE}{', '.join(booking.guest.guests)}" in str(meeting.get(_TEXT) or "")


def guest_contact(address: str) -> Contact:
    """A further guest as a person: the part before the @ is all that is known of the name."""
    digest = hashlib.sha256(email_key(address).encode()).hexdigest()[:20].upper()
    name = address.partition("@")[0]
    return Contact(f"GST-{digest}", email=address, name=name, last_name=name, family_name=name)


def guest_work(work: Work, contact: Contact) -> Work:
    """The item that a guest's record is planned for: this meeting, with this guest in place of the one who booked."""
    assert work.booking is not None
    booking = evolve(
        work.booking,
        guest=Guest(name=contact.name, email=contact.email),
        custom={},
        record_ids={},
        guest_time_zone="",
    )
    return Work(work.item, contact, booking)


def noted(write: Write) -> str:
    """What the receipt says of a new guest."""
    return f"{write.object} for a further guest, as chosen for this connection"
