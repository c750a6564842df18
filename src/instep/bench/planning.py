"""The plan of one booking with 60 mappings: the pure core alone, no database and no CRM."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import evolve

from instep.core.absorb import absorb
from instep.core.booking import Booking, Guest, Host, Kind, Status, Transition
from instep.core.catalogue import SYSTEM_PROPERTIES
from instep.core.contact import Contact
from instep.core.crm_schema import Field, ObjectSchema
from instep.core.desired import Setting
from instep.core.lookup import CrmUser, Observed, Record
from instep.core.mapping import Row
from instep.core.plan import plan
from instep.core.rules import Directory, default_config
from instep.core.work import Memory, Work
from instep.crm.port import WriteResult
from instep.crm.vendors import vendor_of

_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_ROWS_OF_EACH = 30
#: a CRM field of the type that a source of this type is usually mapped to
_TYPES = {
    "text": "string",
    "textarea": "textarea",
    "email": "email",
    "phone": "phone",
    "url": "url",
    "number": "double",
    "datetime": "datetime",
    "multi": "textarea",
    "picklist": "picklist",
}


def microseconds(repeats: int = 15, times: int = 200) -> tuple[float, float]:
    """CPU time of the plan of a new booking, and of a change of a linked one, each with 60 mappings."""
    setting, new = _new_booking()
    first = plan(setting, [new], Observed(), Memory())
    answers = {
        write.ref: WriteResult(
            write.ref, f"{'00Q' if write.object == 'Lead' else '00U'}000000000001AAA", True
        )
        for write in first.writes
    }
    after = absorb(setting, (new,), first, answers, {}, Observed(), Memory())
    remembered = tuple(Record(r.object, r.id, r.fields, assumed=True) for r in after.observed.records)
    changed = [evolve(after.works[0], booking=_moved(new.booking))]  # type: ignore[arg-type]
    return (
        _median_of(lambda: plan(setting, [new], Observed(), Memory()), repeats, times),
        _median_of(lambda: plan(setting, changed, Observed(remembered), after.memory), repeats, times),
    )


def _median_of(work: Callable[[], object], repeats: int, times: int) -> float:
    """Microseconds of CPU time of one call: the median of `repeats` runs of `times` calls."""
    # what is loaded at first use (time zones, the forms of phone numbers) is no part of a plan
    work()
    found = []
    for _ in range(repeats):
        gc.collect()
        began = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - began) / times * 1e6)
    return statistics.median(found)


def _new_booking() -> tuple[Setting, Work]:
    """A connection with 30 rows for the person and 30 for the activity, and a booking that fills most of them."""
    profile = vendor_of("salesforce").profile
    person, activity = profile.persons[0], profile.activity
    contact_fed = [p for p in SYSTEM_PROPERTIES if p.object == "Contact"]
    meeting_fed = [p for p in SYSTEM_PROPERTIES if p.object == "Meeting"]
    sources = {
        person.name: [*contact_fed, *meeting_fed][:_ROWS_OF_EACH],
        activity.name: meeting_fed[:_ROWS_OF_EACH],
    }
    rows, schema = {}, {}
    for name, properties in sources.items():
        fields = [
            Field(f"Mapped_{n}__c", p.label, _TYPES[p.type], length=32_000 if p.type == "textarea" else 255)
            for n, p in enumerate(properties)
        ]
        rows[name] = tuple(
            Row(p.key, f.name, overwrite=n % 2 == 0)
            for n, (p, f) in enumerate(zip(properties, fields, strict=True))
        )
        own = (*_OWN_FIELDS[name],)
        schema[name] = ObjectSchema(name, name, {f.name: f for f in (*fields, *own)})
    users = Directory(
        {"greta@host.example": CrmUser("005000000000002AAA", "greta@host.example")}, "005000000000001AAA"
    )
    config = evolve(default_config(profile), rows=rows)
    return Setting(profile, config, schema, users, _NOW), Work("booking:BKNG-1", _CONTACT, _BOOKING)


_OWN_FIELDS = {
    "Lead": (
        Field("Instep_Contact_Id__c", "Contact id", "string", length=255, external_id=True),
        Field("OwnerId", "Owner", "reference"),
    ),
    "Event": (
        Field("Instep_Booking_Id__c", "Booking id", "string", length=255, external_id=True),
        Field("StartDateTime", "Start", "datetime"),
        Field("EndDateTime", "End", "datetime"),
        Field("OwnerId", "Owner", "reference"),
        Field("WhoId", "Name", "reference"),
        Field("IsReminderSet", "Reminder", "boolean"),
    ),
}

_CONTACT = Contact(
    id="CTC-1",
    email="ines.castro@guest.example",
    name="Ines Castro",
    first_name="Ines",
    last_name="Castro",
    company="Castro Lda",
    phone="+351210000000",
    mobile_phone="+351912000111",
    city="Lisboa",
    country="PT",
)
_HOST = Host("USR-1", "greta@host.example", "Greta Lindqvist", "Europe/Copenhagen")
_BOOKING = Booking(
    id="BKNG-1",
    source="oncehub",
    status_detail="Scheduled (By customer)",
    status=Status.SCHEDULED,
    start=_NOW + timedelta(days=3),
    end=_NOW + timedelta(days=3, minutes=45),
    booked_at=_NOW,
    updated_at=_NOW,
    subject="Onboarding call",
    guest_time_zone="Europe/Lisbon",
    virtual_location="https://meet.example.org/xyz-123",
    calendar="BKC-1",
    calendar_name="Onboarding",
    tracking_id="BKNG-1",
    manage_url="https://book.example.org/m/BKNG-1",
    guest=Guest("Ines Castro", "ines.castro@guest.example", note="Please show the reporting part."),
    utm={"utm_source": "newsletter"},
    host=_HOST,
    timeline=(Transition(Kind.SCHEDULED, _NOW, Status.SCHEDULED, host=_HOST),),
    contact_id="CTC-1",
)


def _moved(booking: Booking) -> Booking:
    """The booking after its guest moved it."""
    at = booking.start + timedelta(days=1)
    step = Transition(
        Kind.RESCHEDULED, _NOW + timedelta(hours=1), Status.RESCHEDULED, start=at, host=booking.host
    )
    return evolve(
        booking,
        status=Status.RESCHEDULED,
        start=at,
        end=at + timedelta(minutes=45),
        updated_at=_NOW + timedelta(hours=1),
        reason="Travel clash",
        timeline=(*booking.timeline, step),
    )
