"""Bookings made here reach the CRM as those of other products do: each is compared with a twin that events tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve

from faults.lives import AMARA, DAY, GRETA, Life, guest
from faults.oracle import BOOKING_ID, REASON, differences, expected
from faults.scene import Scene
from faults.test_changes import clock_change
from instep.bookings import calendars, commands, hosting
from instep.bookings.commands import Booked, Wish
from instep.core.booking import Guest
from instep.core.booking_calendar import BookingCalendar, Rules, WeeklyHours
from instep.core.mapping import Row
from instep.engine.lane import load_config

ALWAYS = tuple((day, 0, 1440) for day in range(7))


@define
class Made:
    """A booking made here, and its twin; `subject` is the Event's where that is mapped from something else."""

    booked: Booked
    twin: Life
    subject: str = ""


@define
class Office:
    """A calendar of two hosts, both with users in the org, in one time zone."""

    scene: Scene
    zone: str
    calendar: BookingCalendar
    hosts: dict[str, str]

    def book(self, name: str, start: datetime, minutes: int, now: datetime, zone: str = "UTC") -> Made:
        """Book the calendar for somebody, and tell the twin's event."""
        person = guest(name)
        said = Guest(person["name"], person["email"], company=person["company"], note=person["note"])
        self.calendar = evolve(
            self.calendar, rules=evolve(self.calendar.rules, durations=(minutes,)), published=True
        )
        wish = Wish(self.calendar, start, minutes, said, zone, key=name, base_url="https://book.example")
        booked = commands.book(self.scene.account_id, wish, now)
        twin = Life(
            booked.id,
            person=person,
            start=start,
            minutes=minutes,
            subject="Product demo",
            virtual_conferencing={"join_url": "https://meet.example/42"},
            location_description="",
        )
        self.host(twin, GRETA)
        twin.scheduled()
        return Made(booked, twin)

    def host(self, twin: Life, address: str) -> None:
        """Have the twin's next events name this host, with his zone."""
        twin.host = address
        twin.data["owner"] = {"id": "USR-1", "email": address, "timezone": self.zone}

    def assert_in_step(self, these: Iterable[Made]) -> None:
        """The whole CRM is what the twins say."""
        self.scene.until_settled()
        made = {one.booked.id: one for one in these}
        wanted = expected([event for one in made.values() for event in one.twin.told])
        for row in wanted["Event"]:
            row["Subject"] = made[row[BOOKING_ID]].subject or row["Subject"]
        assert differences(self.scene.fake.crm(), wanted) == []


def open_office(scene: Scene, zone: str = "UTC") -> Office:
    """Greta is asked first; Amara takes over."""
    hours = WeeklyHours(zone, ALWAYS)
    hosts = {
        address: hosting.create_host(scene.account_id, address.split(".")[0], address, hours, DAY)
        for address in (GRETA, AMARA)
    }
    rules = Rules(min_notice=0, window_days=730, virtual_location="https://meet.example/42")
    calendar = calendars.create(
        scene.account_id, "Product demo", "demo", rules, list(hosts.values()), True, {hosts[AMARA]: 2}
    )
    return Office(scene, zone, calendar, hosts)


@pytest.mark.fault("F24")
@pytest.mark.parametrize("over", [False, True], ids=["during the meeting", "after it"])
def test_F24_a_no_show_marked_here_and_taken_back(scene: Scene, over: bool) -> None:
    """Marked here as no-show and taken back: the Event says what it said before, or Completed after the end."""
    office = open_office(scene)
    account_id = scene.account_id
    start = DAY - timedelta(days=9)
    made = office.book("Ada Missed", start, 30, start - timedelta(days=1))
    office.assert_in_step([made])
    commands.mark_no_show(account_id, made.booked.id, "nobody came", start + timedelta(minutes=5))
    made.twin.no_show()
    office.assert_in_step([made])
    back = start + timedelta(minutes=40 if over else 10)
    commands.undo_no_show(account_id, made.booked.id, "he was here", back)
    status = "completed" if over else "scheduled"
    made.twin.step(status, status)
    office.assert_in_step([made])
    assert REASON not in scene.fake.crm()["Event"][0], "the reason of a no-show is none of a cancel"


@pytest.mark.fault("F29")
def test_F29_a_booking_made_here_over_a_change_of_clocks_and_midnight(scene: Scene) -> None:
    """Booked here before the clocks change, past midnight, for a guest in another zone: right in both zones."""
    here, there = ZoneInfo("America/New_York"), ZoneInfo("Europe/Lisbon")
    scene.configure(rows=_with_guest_time(scene))
    office = open_office(scene, here.key)
    now = datetime.now(UTC)
    night = clock_change(here).replace(hour=23, minute=30)
    made = []
    for n, days in enumerate((-1, 0, 1)):
        local = night + timedelta(days=days)
        # the middle one lasts over the change itself
        minutes = 240 if days == 0 else 60
        one = office.book(f"Ada Zone{n}", local.astimezone(UTC), minutes, now, there.key)
        one.subject = _guest_time(one.twin, there)
        made.append(one)
    office.assert_in_step(made)
    for one in made:
        local = one.twin.start.astimezone(here)
        # the same wall time six days later, whatever the clocks do in between
        moved = (local + timedelta(days=6)).astimezone(UTC)
        commands.reschedule(scene.account_id, one.booked.id, moved, None, "Later", "customer", now)
        one.twin.rescheduled(moved, "Later")
        one.subject = _guest_time(one.twin, there)
    office.assert_in_step(made)


def _with_guest_time(scene: Scene) -> dict[str, Any]:
    """The default mapping, but the Event's subject says the time as the guest reads it."""
    rows = load_config(scene.lane()).rows
    events = (r for r in rows["Event"] if r.field != "Subject")
    return {**rows, "Event": (Row("meeting.time_customer", "Subject"), *events)}


def _guest_time(twin: Life, zone: ZoneInfo) -> str:
    """When the meeting is, as its guest reads it."""
    start = twin.start.astimezone(zone)
    end = (twin.start + timedelta(minutes=twin.minutes)).astimezone(zone)
    return f"{_words(start)} - {_hour(end) if start.date() == end.date() else _words(end)}"


def _words(at: datetime) -> str:
    return f"{at:%a, %b} {at.day}, {at.year}, {_hour(at)}"


def _hour(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M %p}"


@pytest.mark.parametrize("by", ["user", "customer"])
def test_every_act_reaches_the_crm(scene: Scene, by: str) -> None:
    """Moved, handed over, completed, canceled: the whole CRM follows each step."""
    office = open_office(scene)
    account_id = scene.account_id
    start = DAY - timedelta(days=9)
    now = start - timedelta(days=1)
    made = office.book("Ada Acts", start, 30, now)
    other = office.book("Bo Stays", start + timedelta(hours=5), 30, now)
    office.assert_in_step([made, other])
    later = start + timedelta(hours=1)
    commands.reschedule(account_id, made.booked.id, later, None, "Train strike", by, now)
    made.twin.rescheduled(later, "Train strike")
    office.assert_in_step([made, other])
    commands.reassign(account_id, made.booked.id, office.hosts[AMARA], "Greta is ill", now)
    office.host(made.twin, AMARA)
    made.twin.reassigned(AMARA)
    office.assert_in_step([made, other])
    assert commands.complete_due(later + timedelta(hours=1)) == 1
    made.twin.completed()
    office.assert_in_step([made, other])
    commands.cancel(account_id, made.booked.id, "", "user", later + timedelta(hours=2))
    made.twin.canceled("")
    commands.ask_to_reschedule(account_id, other.booked.id, "Ill", later + timedelta(hours=2))
    other.twin.step("canceled_reschedule_requested", "canceled", reason="Ill")
    office.assert_in_step([made, other])
