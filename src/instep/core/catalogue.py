"""The catalogue: every source field that a mapping row may use, system and custom.

One list serves the drop-downs, the checks and the sync. Labels follow the field library of the
connector that this re-creates (reference: OnceHub 2.4.1); texts in values are English and
locale-independent, as integrations expect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from operator import attrgetter
from typing import Any

from attrs import frozen

from instep.core.booking import Booking, Status, event_status
from instep.core.composed import (
    Source,
    change_summary,
    day_range,
    day_time,
    host_of,
    invoice_line,
    minutes_of,
    owner_zone,
    summary,
    zone,
)


@frozen
class Property:
    """One source field. `type` is one of `TYPES`. An archived one is offered no more; rows that use it go on."""

    key: str
    object: str
    label: str
    type: str
    group: str
    custom: bool = False
    archived: bool = False


#: what a property may hold, in the order in which people choose
TYPES = (
    "text",
    "textarea",
    "picklist",
    "multi",
    "boolean",
    "number",
    "date",
    "datetime",
    "email",
    "phone",
    "url",
)

#: opens the source of a row that always writes the same: `static:Web`
STATIC = "static:"


#: what may stand after @ in the title of a calendar's events; every key of the catalogue may, too
TITLE_WORDS: Mapping[str, str] = {
    "name": "contact.name",
    "first_name": "contact.first_name",
    "last_name": "contact.last_name",
    "company": "contact.company",
    "email": "contact.email",
    "subject": "meeting.subject",
    "calendar": "meeting.calendar",
    "host": "meeting.owner",
    "duration": "meeting.duration_minutes",
    "location": "meeting.location",
    "note": "meeting.note",
}
_AT_WORD = re.compile(r"@([a-z][a-z_]*(?:\.[a-z0-9_]+)*)")


def unknown_title_words(template: str) -> tuple[str, ...]:
    """The @-properties of a title template that nothing fills."""
    custom = ("contact.custom.", "meeting.custom.")
    return tuple(
        word
        for word in _AT_WORD.findall(template)
        if TITLE_WORDS.get(word, word) not in _GETTERS and not word.startswith(custom)
    )


def _event_title(source: Source) -> str:
    """The title of the calendar's events with its @-properties filled in; the subject where it has none.

    What stays empty takes the separator beside it along, so that “Demo – @company” never ends in a dash.
    """
    booking = source.booking
    if booking is None:
        return ""

    def fill(found: re.Match[str]) -> str:
        key = TITLE_WORDS.get(found[1], found[1])
        if key == TITLE_KEY:
            return ""
        value = value_of(key, source)
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")

    title = " ".join(_AT_WORD.sub(fill, booking.event_title).split())
    return _LOOSE_ENDS.sub("", title) or booking.subject


TITLE_KEY = "meeting.event_title"
#: whether a meeting takes its host's time in the CRM's own calendar
SHOW_AS = "meeting.show_as"
_LOOSE_ENDS = re.compile(r"^[\s,;:|/–—-]+|[\s,;:|/–—-]+$")


Getter = Callable[[Source], Any]


def _of_contact(name: str) -> Getter:
    get = attrgetter(name)
    return lambda source: get(source.contact) if source.contact is not None else None


def _of_booking(get: Callable[[Booking], Any]) -> Getter:
    return lambda source: get(source.booking) if source.booking is not None else None


def _initiated(by: str) -> Callable[[Booking], str]:
    def name(booking: Booking) -> str:
        if booking.actioned_by != by:
            return ""
        return booking.guest.name if by == "customer" else host_of(booking).name

    return name


_CONTACT: tuple[tuple[str, str, str], ...] = (
    ("email", "Email", "email"),
    ("name", "Name", "text"),
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("middle_name", "Middle name", "text"),
    ("suffix", "Suffix", "text"),
    ("salutation", "Salutation", "text"),
    ("company", "Company", "text"),
    ("job_title", "Job title", "text"),
    ("phone", "Phone", "phone"),
    ("mobile_phone", "Mobile phone", "phone"),
    ("street", "Street address", "textarea"),
    ("city", "City", "text"),
    ("state", "State", "text"),
    ("postal_code", "Post code", "text"),
    ("country", "Country", "text"),
    ("location", "Location", "text"),
    ("time_zone", "Time zone", "text"),
    ("status", "Contact status", "text"),
    ("id", "Contact id", "text"),
)


def _detail(name: str, label: str, group: str, kind: str = "text") -> tuple[str, str, str, str, Getter]:
    """A property that only some sources tell of."""
    return name, label, kind, group, _of_booking(lambda b: b.details.get(name, ""))


_MEETING: tuple[tuple[str, str, str, str, Getter], ...] = (
    ("id", "Booking ID", "text", "Booking data", _of_booking(lambda b: b.id)),
    ("tracking_id", "Tracking ID", "text", "Booking data", _of_booking(lambda b: b.tracking_id or b.id)),
    ("subject", "Subject", "text", "Booking data", _of_booking(lambda b: b.subject)),
    ("event_title", "Calendar event title", "text", "Booking data", lambda s: _event_title(s)),
    (
        "status",
        "Event status",
        "text",
        "Booking data",
        lambda s: event_status(s.booking, s.host_connected) if s.booking else None,
    ),
    ("status_detail", "Status, detailed", "text", "Booking data", _of_booking(lambda b: b.status_detail)),
    (
        "show_as",
        "Show time as",
        "picklist",
        "Booking data",
        # a canceled meeting leaves its host free; Salesforce's own words for both
        _of_booking(lambda b: "Free" if b.status is Status.CANCELED else "Busy"),
    ),
    ("created", "Creation date", "datetime", "Booking data", _of_booking(lambda b: b.booked_at)),
    ("updated", "Last updated", "datetime", "Booking data", _of_booking(lambda b: b.updated_at)),
    ("start", "Start", "datetime", "Booking data", _of_booking(lambda b: b.start)),
    ("end", "End", "datetime", "Booking data", _of_booking(lambda b: b.end)),
    ("duration_minutes", "Duration in minutes", "number", "Booking data", _of_booking(minutes_of)),
    (
        "duration_seconds",
        "Duration in seconds",
        "number",
        "Booking data",
        _of_booking(lambda b: int(b.duration.total_seconds())),
    ),
    (
        "time_customer",
        "Meeting time in Customer's time zone",
        "text",
        "Booking data",
        _of_booking(lambda b: day_range(b, zone(b.guest_time_zone))),
    ),
    (
        "time_utc",
        "Meeting time in UTC",
        "text",
        "Booking data",
        _of_booking(lambda b: day_time(b.start, UTC)),
    ),
    (
        "time_owner",
        "Meeting time in Owner's time zone",
        "text",
        "Booking data",
        _of_booking(lambda b: day_range(b, owner_zone(b))),
    ),
    (
        "start_customer",
        "Starting time in Customer's time zone",
        "text",
        "Booking data",
        _of_booking(lambda b: day_time(b.start, zone(b.guest_time_zone))),
    ),
    (
        "start_owner",
        "Starting time in Owner's time zone",
        "text",
        "Booking data",
        _of_booking(lambda b: day_time(b.start, owner_zone(b))),
    ),
    ("location", "Virtual or physical location", "text", "Booking data", _of_booking(lambda b: b.location)),
    (
        "virtual_location",
        "Virtual location",
        "url",
        "Booking data",
        _of_booking(lambda b: b.virtual_location),
    ),
    (
        "physical_location",
        "Physical location",
        "text",
        "Booking data",
        _of_booking(lambda b: b.physical_location),
    ),
    _detail("mode", "Mode (automatic / with approval)", "Booking data"),
    _detail("sessions", "Number of sessions scheduled", "Booking data", "number"),
    _detail("package_id", "Package ID", "Booking data"),
    _detail("attachment", "Attachment", "Booking data", "url"),
    _detail("payment_amount", "Amount charged (smallest unit)", "Booking data", "number"),
    _detail("payment_currency", "Currency charged", "Booking data"),
    ("summary_long", "Summary (long)", "textarea", "Booking data", lambda s: summary(s, True)),
    ("summary_short", "Summary (short)", "textarea", "Booking data", lambda s: summary(s, False)),
    ("invoice_line", "Invoice line item", "text", "Booking data", _of_booking(invoice_line)),
    ("note", "Note", "textarea", "Customer data", _of_booking(lambda b: b.guest.note)),
    ("guests", "Customer guests", "multi", "Customer data", _of_booking(lambda b: list(b.guest.guests))),
    (
        "customer_time_zone",
        "Customer time zone",
        "text",
        "Customer data",
        _of_booking(lambda b: b.guest_time_zone),
    ),
    ("reason", "Cancel/reschedule reason", "text", "Cancel/reschedule data", _of_booking(lambda b: b.reason)),
    (
        "initiated_by_customer",
        "Initiated by customer name",
        "text",
        "Cancel/reschedule data",
        _of_booking(_initiated("customer")),
    ),
    (
        "initiated_by_user",
        "Initiated by user name",
        "text",
        "Cancel/reschedule data",
        _of_booking(_initiated("user")),
    ),
    (
        "change_summary_long",
        "Cancel/reschedule summary (long)",
        "textarea",
        "Cancel/reschedule data",
        lambda s: change_summary(s, True),
    ),
    (
        "change_summary_short",
        "Cancel/reschedule summary (short)",
        "textarea",
        "Cancel/reschedule data",
        lambda s: change_summary(s, False),
    ),
    ("customer_link", "Customer link", "url", "Cancel/reschedule data", _of_booking(lambda b: b.manage_url)),
    _detail("cancel_link", "Cancel link", "Cancel/reschedule data", "url"),
    (
        "rescheduled_from",
        "Tracking ID (canceled booking)",
        "text",
        "Cancel/reschedule data",
        _of_booking(lambda b: b.rescheduled_from),
    ),
    ("calendar", "Public name", "text", "Booking page data", _of_booking(lambda b: b.calendar_name)),
    (
        "calendar_id",
        "Booking calendar ID",
        "text",
        "Booking page data",
        _of_booking(lambda b: b.calendar),
    ),
    _detail("page_label", "Internal label", "Booking page data"),
    _detail("page_category", "Category", "Booking page data"),
    _detail("page_link", "Public link", "Booking page data", "url"),
    _detail("master_label", "Master page: internal label", "Master page data"),
    _detail("master_name", "Master page: public name", "Master page data"),
    _detail("master_link", "Master page: public link", "Master page data", "url"),
    _detail("type_name", "Event type: name", "Event type data"),
    _detail("type_category", "Event type: category", "Event type data"),
    _detail("type_description", "Event type: description", "Event type data", "textarea"),
    _detail("type_price", "Event type: price", "Event type data", "number"),
    _detail("type_currency", "Event type: currency", "Event type data"),
    ("owner", "Owner", "text", "Booking page data", _of_booking(lambda b: host_of(b).name)),
    ("owner_email", "Owner email", "email", "Booking page data", _of_booking(lambda b: host_of(b).email)),
    (
        "owner_time_zone",
        "Owner time zone",
        "text",
        "Booking page data",
        _of_booking(lambda b: host_of(b).time_zone),
    ),
    *(
        (
            f"utm_{name}",
            f"UTM {name}",
            "text",
            "Source tracking",
            _of_booking(lambda b, name=name: b.utm.get(f"utm_{name}", "")),  # type: ignore[misc]
        )
        for name in ("source", "medium", "campaign", "term", "content")
    ),
)

_GETTERS: Mapping[str, Getter] = {
    **{f"contact.{name}": _of_contact(name) for name, _, _ in _CONTACT},
    # what is left of a name whose middle part or suffix has a row of its own
    **{f"contact.{name}": _of_contact(name) for name in ("given_name", "family_name")},
    **{f"meeting.{name}": get for name, _, _, _, get in _MEETING},
}

SYSTEM_PROPERTIES: tuple[Property, ...] = (
    *(Property(f"contact.{n}", "Contact", label, kind, "Customer data") for n, label, kind in _CONTACT),
    *(Property(f"meeting.{n}", "Meeting", label, kind, group) for n, label, kind, group, _ in _MEETING),
)

_BY_KEY = {p.key: p for p in SYSTEM_PROPERTIES}


def static_value(key: str) -> str | None:
    """The value of a row that always writes the same; None for any other source."""
    return key.removeprefix(STATIC).strip() if key.startswith(STATIC) else None


def find(key: str, custom: Mapping[str, Property] | None = None) -> Property | None:
    """The property of that key, system or custom, or None. A static value counts as a text of its own."""
    static = static_value(key)
    if static:
        return Property(key, "", f"static value “{static}”", "text", "Static value")
    return _BY_KEY.get(key) or (custom or {}).get(key)


def custom_key(object_name: str, identifier: str) -> str:
    """The catalogue key of a custom property: `contact.custom.team_size`."""
    return f"{object_name.lower()}.custom.{identifier}"


#: kinds of values that are nothing when they are empty
_EMPTY_IS_NONE = (str, list, tuple)


def getter_of(key: str) -> Getter:
    """What takes the value of that source field from a source; an unknown one is always None."""
    known = _GETTERS.get(key)
    if known is not None:
        return known
    static = static_value(key)
    if static is not None:
        return lambda source: static
    owner, _, name = key.partition(".custom.")
    if owner == "contact":
        return lambda source: source.contact.custom.get(name) if source.contact else None
    if owner == "meeting":
        return lambda source: source.booking.custom.get(name) if source.booking else None
    return lambda source: None


def value_of(key: str, source: Source) -> Any:
    """The value of a source field: text, number, aware datetime, list of texts, or None when empty."""
    value = getter_of(key)(source)
    return None if not value and isinstance(value, _EMPTY_IS_NONE) else value


def is_booking_fed(key: str) -> bool:
    """Whether a row with this source takes its value from one booking rather than from the contact."""
    return key.startswith("meeting.")
