"""Every source field of a mapping: its value, its format, and that it is there under its documented name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from core.lives import DANA, OMAR, booking, contact, step
from instep.core.booking import Guest, Kind
from instep.core.catalogue import (
    SYSTEM_PROPERTIES,
    TYPES,
    custom_key,
    find,
    is_booking_fed,
    unknown_title_words,
    value_of,
)
from instep.core.composed import Source, zone
from instep.core.crm_schema import Field, ObjectSchema, takes

START = datetime(2015, 3, 23, 11, 0, tzinfo=UTC)
MEETING = booking(
    start=START,
    end=START + timedelta(minutes=15),
    guest_time_zone="America/New_York",
    guest=Guest("Maria  Ortega", note="Bring the numbers", guests=("a@guest.example", "b@guest.example")),
    utm={"utm_source": "news", "utm_medium": "mail"},
    tracking_id="",
    calendar="CAL-1",
    calendar_name="Demo",
    custom={"topic": "Pricing"},
)
MARIA = contact(name="Maria  Ortega", company="Acme", phone="+14155550100", custom={"team": "Blue"})


def value(key: str, made: Any = MEETING, person: Any = MARIA, connected: bool = True) -> Any:
    return value_of(key, Source(person, made, connected))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("meeting.time_customer", "Mon, Mar 23, 2015, 7:00 AM - 7:15 AM"),
        ("meeting.time_owner", "Mon, Mar 23, 2015, 11:00 AM - 11:15 AM"),
        ("meeting.time_utc", "Mon, Mar 23, 2015, 11:00 AM"),
        ("meeting.start_customer", "Mon, Mar 23, 2015, 7:00 AM"),
        ("meeting.start_owner", "Mon, Mar 23, 2015, 11:00 AM"),
        ("meeting.duration_minutes", 15),
        ("meeting.duration_seconds", 900),
        ("meeting.tracking_id", "BKNG-1"),
        ("meeting.location", "https://meet.example/42"),
        ("meeting.guests", ["a@guest.example", "b@guest.example"]),
        ("meeting.utm_source", "news"),
        ("meeting.utm_term", None),
        ("meeting.owner", "Dana Host"),
        ("meeting.owner_email", "dana@host.example"),
        ("meeting.calendar", "Demo"),
        ("meeting.custom.topic", "Pricing"),
        ("contact.custom.team", "Blue"),
        ("contact.name", "Maria  Ortega"),
        ("contact.last_name", "Ortega"),
        ("contact.custom.unknown", None),
        ("nothing.at_all", None),
        (
            "meeting.invoice_line",
            "Product demo, Mon, Mar 23, 2015, 7:00 AM - 7:15 AM, 15 minutes, with Dana Host",
        ),
        (
            "meeting.summary_long",
            "Meeting with: Maria Ortega, Company: Acme, Subject: Product demo, "
            "Start time: Mon, Mar 23, 2015, 11:00 AM, Duration: 15 minutes, Location: https://meet.example/42, "
            "Customer email: ctc-1@guest.example, Customer phone: +14155550100, "
            "Note from customer: Bring the numbers",
        ),
        (
            "meeting.summary_short",
            "Meeting with: Maria Ortega, Company: Acme, Location: https://meet.example/42, "
            "Note from customer: Bring the numbers",
        ),
        ("meeting.change_summary_long", None),
    ],
)
def test_value(key: str, expected: Any) -> None:
    """Values and formats are those of the documented field library."""
    assert value(key) == expected


@pytest.mark.parametrize(
    ("hour", "said"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (13, "1:05 PM"), (23, "11:05 PM")]
)
def test_hours_of_the_day(hour: int, said: str) -> None:
    """Midnight and noon are twelve."""
    at = START.replace(hour=hour, minute=5)
    assert value("meeting.time_utc", evolve(MEETING, start=at, end=at)) == f"Mon, Mar 23, 2015, {said}"


def test_a_meeting_past_midnight_names_both_days() -> None:
    """Only within one day does the end go without its date."""
    late = evolve(MEETING, start=START.replace(hour=23), end=START.replace(hour=23) + timedelta(hours=2))
    assert value("meeting.time_owner", late) == "Mon, Mar 23, 2015, 11:00 PM - Tue, Mar 24, 2015, 1:00 AM"


def test_a_rescheduled_meeting_says_so_first() -> None:
    """The cancel/reschedule summaries open with what happened and why."""
    moved = step(MEETING, Kind.RESCHEDULED, reason="Ill")
    said = value("meeting.change_summary_short", moved)
    assert said.startswith(
        "The meeting was rescheduled. Rescheduling reason: Ill, Meeting with: Maria Ortega, "
    )
    canceled = step(MEETING, Kind.CANCELED)
    assert value("meeting.change_summary_short", canceled).startswith(
        "The meeting was canceled. Meeting with: "
    )
    assert value("meeting.change_summary_long", step(MEETING, Kind.COMPLETED)) is None


def test_who_changed_the_booking() -> None:
    """Only the one who did it is named."""
    by_guest = evolve(step(MEETING, Kind.CANCELED), actioned_by="customer")
    assert value("meeting.initiated_by_customer", by_guest) == "Maria  Ortega"
    assert value("meeting.initiated_by_user", by_guest) is None
    by_host = evolve(by_guest, actioned_by="user")
    assert value("meeting.initiated_by_user", by_host) == "Dana Host"


def test_the_status_depends_on_the_hosts_user() -> None:
    """Event status carries the suffix only where the new host has a user in the CRM; the detailed one always."""
    handed = step(MEETING, Kind.REASSIGNED, host=OMAR)
    assert value("meeting.status", handed) == "Scheduled (Reassigned by User)"
    assert value("meeting.status", handed, connected=False) == "Scheduled"
    assert value("meeting.status_detail", handed) == "Scheduled (Reassigned by user)"


def test_an_item_without_booking_or_contact_has_no_values() -> None:
    """Every field answers for a contact alone and for a booking that names nobody, and blanks are None."""
    for prop in SYSTEM_PROPERTIES:
        alone = value(prop.key, made=None)
        assert alone is None if prop.object == "Meeting" else alone != ""
        assert value(prop.key, person=None) != ""
    assert value("contact.email", person=None) is None


def test_keys_are_found_and_unique() -> None:
    """One list serves drop-downs, checks and the sync."""
    keys = [prop.key for prop in SYSTEM_PROPERTIES]
    assert len(keys) == len(set(keys)) > 50
    assert all(find(key) is not None for key in keys)
    assert find("meeting.custom.topic") is None
    assert custom_key("Meeting", "topic") == "meeting.custom.topic"
    assert is_booking_fed("meeting.custom.topic")
    assert not is_booking_fed("contact.custom.team")
    assert not is_booking_fed("")


def test_documented_fields_are_there() -> None:
    """The labels of the source product's library that this product knows, letter by letter."""
    labels = {prop.label for prop in SYSTEM_PROPERTIES}
    assert labels >= {
        "Meeting time in Customer's time zone",
        "Meeting time in Owner's time zone",
        "Virtual or physical location",
        "Summary (long)",
        "Summary (short)",
        "Tracking ID",
        "Invoice line item",
        "First name",
        "Last name",
        "Mobile phone",
        "Initiated by customer name",
        "Cancel/reschedule reason",
        "Customer link",
        "UTM source",
        "Note",
    }


def test_every_field_fits_some_crm_field() -> None:
    """No drop-down offers a field that could be mapped to nothing."""

    def fits(kind: str, target: Field) -> bool:
        return takes(kind, ObjectSchema("Lead", "Lead", {target.name: target}), target)

    long_text = Field("X", "X", "textarea", length=32000)
    assert all(fits(prop.type, long_text) for prop in SYSTEM_PROPERTIES)
    assert {prop.type for prop in SYSTEM_PROPERTIES} <= set(TYPES)
    assert all(fits(kind, long_text) for kind in TYPES)
    assert not fits("text", Field("X", "X", "reference"))
    assert not fits("text", Field("X", "X", "encryptedstring"))
    assert not fits("text", Field("X", "X", "string", reserved=True))
    assert not fits("text", Field("X", "X", "string", calculated=True))
    assert not fits("text", Field("X", "X", "string", createable=False, updateable=False))


def test_a_static_value_is_a_source_of_its_own() -> None:
    """It says the same for every booking, and its text is its whole definition."""
    prop = find("static: Web ")
    assert prop is not None
    assert (prop.label, prop.type, value("static: Web ")) == ("static value “Web”", "text", "Web")
    assert find("static:") is None
    assert value("static:") is None


def test_what_only_some_sources_tell() -> None:
    """Data of pages, types and payments come from the source, and are empty where it says nothing."""
    told = evolve(MEETING, details={"type_name": "Demo", "mode": "Automatic", "payment_amount": "9900"})
    assert [
        value(f"meeting.{name}", told) for name in ("type_name", "mode", "payment_amount", "master_name")
    ] == [
        "Demo",
        "Automatic",
        "9900",
        None,
    ]


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("", "Product demo"),
        ("@subject with @name", "Product demo with Maria Ortega"),
        ("@company | @subject (@duration min)", "Acme | Product demo (15 min)"),
        ("@subject – @meeting.custom.topic", "Product demo – Pricing"),
        ("@subject – @location", "Product demo – https://meet.example/42"),
        ("@subject - @note_of_nobody", "Product demo"),
        ("@meeting.event_title", "Product demo"),
        ("Call", "Call"),
    ],
)
def test_the_calendars_event_title_follows_its_template(template: str, title: str) -> None:
    """@-properties are filled in; what is empty leaves no loose ends; a title never names itself."""
    assert value("meeting.event_title", evolve(MEETING, event_title=template)) == title


def test_unknown_words_of_a_title_are_named() -> None:
    """A typing error would stand in every event."""
    assert unknown_title_words("@subject @custmer @contact.custom.team @meeting.start") == ("custmer",)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "\0"])
def test_an_unknown_zone_is_utc(name: str) -> None:
    """A zone that nobody knows never stops a sync."""
    assert zone(name) is UTC
    assert str(zone(DANA.time_zone)) == "Europe/Lisbon"
