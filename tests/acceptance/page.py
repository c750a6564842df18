"""A booking page that is connected to an org, and what the whole CRM must hold after its bookings.

The rows that a booking leads to are written out here as people would tell them, by code that shares nothing with the
product; a test says only what differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve

from faults.lives import AMARA, DAY, GRETA, NUNO, Life, guest
from faults.oracle import CRM, in_order
from faults.scene import Scene
from instep.bookings import calendars, commands, hosting
from instep.core.booking import Guest
from instep.core.booking_calendar import BookingCalendar, Rules, WeeklyHours
from instep.core.creation import CalendarRules
from instep.core.wish import Wish
from instep.engine.lane import load_config
from instep.store import item_queries

ALWAYS = tuple((day, 0, 1440) for day in range(7))
NAME, EMAIL, COMPANY = "Ada Aalto", "ada.aalto@guest.example", "Aalto Oy"
#: what the org works out by itself from other fields
_WORKED_OUT = frozenset(
    {"Name", "DurationInMinutes", "ContactEmail", "ContactPhone", "ContactMobile", "CaseNumber", "Priority"}
    | {"Description", "IsPersonAccount", "PersonContactId", "WhoCount", "WhatCount", "MasterRecordId"}
)


@define
class Page:
    """A booking calendar of three hosts who all have a user in the org."""

    scene: Scene
    calendar: BookingCalendar
    hosts: dict[str, str]

    def rules(self, **changes: Any) -> None:
        """What the page wants of the CRM."""
        known = load_config(self.scene.lane()).calendars
        rules = evolve(known.get(self.calendar.id, CalendarRules()), **changes)
        self.scene.configure(calendars={**known, self.calendar.id: rules})

    def book(self, *said: Any, **more: Any) -> str:
        """Book the page, and bring the CRM in step; the booking's id."""
        made = self.ask(*said, **more)
        self.scene.until_settled()
        return made

    def ask(
        self,
        name: str = NAME,
        *,
        email: str = EMAIL,
        at: datetime = DAY,
        record_ids: Mapping[str, str] | None = None,
        guests: Sequence[str] = (),
        host: str = GRETA,
        **said: str,
    ) -> str:
        """Book the page and leave the CRM as it is; the booking's id."""
        person = Guest(name, email, guests=tuple(guests), **{"company": COMPANY, **said})
        self.prefer(host)
        wish = Wish(self.calendar, at, 30, person, "UTC", key=f"{name}{at}", record_ids=record_ids or {})
        return commands.book(self.scene.account_id, wish, datetime.now(UTC)).id

    def tell_without_address(self, name: str, phone: str) -> None:
        """A booking of another product's whose guest has left no address."""
        person = guest(name, email=None, mobile_phone=phone)
        self.scene.tell(Life("BKNG-PHONE", person=person).scheduled())
        self.scene.until_settled()

    def cancel(self, booking_id: str, reason: str) -> None:
        commands.cancel(self.scene.account_id, booking_id, reason, "user", datetime.now(UTC))
        self.scene.until_settled()

    def reschedule(self, booking_id: str, to: datetime, reason: str) -> None:
        commands.reschedule(self.scene.account_id, booking_id, to, None, reason, "user", datetime.now(UTC))
        self.scene.until_settled()

    def reassign(self, booking_id: str, host: str) -> None:
        commands.reassign(self.scene.account_id, booking_id, self.hosts[host], "", datetime.now(UTC))
        self.scene.until_settled()

    def receipt(self, booking_id: str) -> dict[str, Any]:
        """The newest receipt of a booking."""
        key = self.scene.rows("SELECT id FROM booking WHERE source_id = %s", booking_id)[0][0]
        found = item_queries.receipts_of(self.scene.account_id, "booking", key)
        return dict(found[0]["document"])

    def prefer(self, host: str) -> None:
        """Have this host asked first."""
        priorities = {key: 1 if name == host else 2 for name, key in self.hosts.items()}
        self.calendar = evolve(self.calendar, priorities=priorities)

    def whole(self) -> CRM:
        """The whole CRM without what an org works out by itself and without the long summary of Events."""
        crm = self.scene.fake.crm()
        return in_order({name: [_compared(name, row) for row in rows] for name, rows in crm.items()})


def _compared(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in _WORKED_OUT}
    return {"Name": row.get("Name"), **kept} if name == "Account" else kept


def open_page(scene: Scene) -> Page:
    """A page whose first host is Greta."""
    hours = WeeklyHours("UTC", ALWAYS)
    keys = {
        address: hosting.create_host(scene.account_id, address.split(".")[0].title(), address, hours, DAY)
        for address in (GRETA, AMARA, NUNO)
    }
    rules = Rules(min_notice=0, window_days=730, durations=(30,), virtual_location="https://meet.example/42")
    calendar = calendars.create(
        scene.account_id, "Product demo", "product-demo", rules, list(keys.values()), True, {}
    )
    return Page(scene, calendar, keys)


# --- rows -----------------------------------------------------------------------------------------


def crm(**rows: Sequence[Mapping[str, Any]]) -> CRM:
    """A whole CRM of these rows."""
    return in_order({name: [_told(row) for row in found] for name, found in rows.items()})


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def lead(**changes: Any) -> dict[str, Any]:
    """The Lead that a booking of Ada's makes."""
    return {**_person(), "Company": COMPANY, **changes}


def contact(**changes: Any) -> dict[str, Any]:
    """The Contact that a booking of Ada's makes."""
    return {**_person(), "AccountId": f"Account {COMPANY}", **changes}


def _person() -> dict[str, Any]:
    return {
        "FirstName": "Ada",
        "LastName": "Aalto",
        "Email": EMAIL,
        "OwnerId": GRETA,
        "Instep_Contact_Id__c": "ours",
    }


def account(**changes: Any) -> dict[str, Any]:
    """The Account that a new Contact's company makes."""
    return {"Name": COMPANY, "OwnerId": GRETA, **changes}


def case(booking_id: str, **changes: Any) -> dict[str, Any]:
    """The Case that a booking of Ada's makes."""
    return {
        "Subject": "Product demo",
        "Status": "New",
        "SuppliedName": NAME,
        "SuppliedEmail": EMAIL,
        "SuppliedCompany": COMPANY,
        "ContactId": f"Contact {EMAIL} {NAME}",
        "AccountId": f"Account {COMPANY}",
        "OwnerId": GRETA,
        "Instep_Booking_Id__c": booking_id,
        **changes,
    }


def event(booking_id: str, who: str, at: datetime = DAY, **changes: Any) -> dict[str, Any]:
    """The Event of a booking, related to a Lead or Contact of that kind called Ada."""
    return {
        "Subject": "Product demo",
        "Location": "https://meet.example/42",
        "StartDateTime": at.astimezone(UTC).isoformat(),
        "EndDateTime": (at + timedelta(minutes=30)).astimezone(UTC).isoformat(),
        "Instep_Event_Status__c": "Scheduled",
        "Instep_Booking_Id__c": booking_id,
        "OwnerId": GRETA,
        "WhoId": f"{who} {EMAIL} {NAME}",
        "AccountId": f"Account {COMPANY}" if who == "Contact" else None,
        **changes,
    }
