"""Bookings change: rescheduled, taken back, in other zones, without a status, deleted by a human meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from faults.lives import DAY, GRETA, Life, guest, lives, scheduled
from faults.oracle import REASON, differences, expected
from faults.scene import Scene
from instep.bookings import contacts
from instep.crm.salesforce.names import BOOKING_ID as BOOKING


@pytest.mark.fault("F10")
@pytest.mark.parametrize("away", [False, True], ids=["from memory", "after a look"])
def test_F10_every_field_follows_a_reschedule(scene: Scene, away: bool) -> None:
    """A reschedule brings every mapped field, not only the times; one without a reason empties the old reason."""
    life = lives(1)[0]
    scene.tell(life.scheduled())
    scene.until_settled()
    steps = (("Sooner", "Product demo", "https://meet.example.org/new"), ("", "Follow-up", ""))
    for day, (reason, subject, url) in enumerate(steps, start=1):
        life.data = {
            "subject": subject,
            "virtual_conferencing": {"join_url": url},
            "location_description": "Rua Augusta 12, Lisboa",
        }
        life.minutes = 45
        life.person = {**life.person, "note": f"Note {day}"}
        if away:
            scene.rows("UPDATE sync_item SET observe_first = true RETURNING id")
        before = scene.fake.calls()
        scene.tell(life.rescheduled(DAY + timedelta(days=day), reason))
        scene.until_settled()
        scene.assert_in_step()
        assert scene.fake.calls() - before == (2 if away else 1)
    assert REASON not in scene.fake.crm()["Event"][0]


@pytest.mark.fault("F10")
def test_F10_the_reason_of_a_life(scene: Scene) -> None:
    """The reason is that of the latest reschedule or cancel, kept through Completed, No-show and reassignment."""
    life = lives(1)[0]
    for event in (
        life.scheduled(),
        life.rescheduled(DAY + timedelta(days=1), "Train strike"),
        life.reassigned("amara.okafor@host.example"),
        life.no_show(),
        life.completed(),
    ):
        scene.tell(event)
        scene.until_settled()
        scene.assert_in_step()
    assert scene.fake.crm()["Event"][0][REASON] == "Train strike"


@pytest.mark.fault("F24")
def test_F24_a_no_show_by_mistake(scene: Scene) -> None:
    """Marked as no-show and taken back: the Event says again what is true."""
    life = lives(1)[0]
    for event in (life.scheduled(), life.no_show(), life.completed()):
        scene.tell(event)
        scene.until_settled()
        scene.assert_in_step()


# --- F29: clocks and zones --------------------------------------------------------------------------


def clock_change(zone: ZoneInfo) -> datetime:
    """The next day on which this zone changes its clocks, at its noon."""
    noons = (DAY.astimezone(zone).replace(hour=12) + timedelta(days=n) for n in range(366))
    return next(day for day in noons if day.utcoffset() != (day + timedelta(days=1)).utcoffset())


@pytest.mark.fault("F29")
@pytest.mark.parametrize("minutes", [-600, 600])
def test_F29_clocks_zones_and_midnight(scene: Scene, minutes: int) -> None:
    """The CRM's clock is wrong, the host's clocks change, the meeting passes midnight: times are right."""
    scene.fake.settings(clock=minutes * 60)
    zone = ZoneInfo("America/New_York")
    night = clock_change(zone).replace(hour=23, minute=30)
    host = {"id": "USR-1", "email": GRETA, "first_name": "Greta", "last_name": "L", "timezone": zone.key}
    these = [
        Life(f"BKNG-{n}", person=guest(f"Ada Zone{n}"), host=GRETA, start=at, minutes=60, owner=host)
        for n, at in enumerate((night - timedelta(days=1), night, night + timedelta(days=1)))
    ]
    scene.tell(*scheduled(these))
    scene.until_settled()
    scene.assert_in_step()
    scene.tell(*(life.rescheduled(life.start + timedelta(days=1), "A day later") for life in these))
    scene.until_settled()
    scene.assert_in_step()


# --- F12: deleted by a human ------------------------------------------------------------------------


@pytest.mark.fault("F12")
@pytest.mark.parametrize("policy", ["recreate", "leave"])
def test_F12_the_event_was_deleted_by_a_human(scene: Scene, policy: str) -> None:
    """A human deleted the Event, then it is moved: made again or left, by policy; said in the receipt."""
    scene.configure(deleted_event=policy)
    life, other = lives(2)
    scene.tell(life.scheduled(), other.scheduled())
    scene.until_settled()
    gone = next(r["Id"] for r in scene.fake.records()["Event"] if r["Instep_Booking_Id__c"] == life.id)
    scene.fake.delete("Event", gone)
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"))
    scene.until_settled()
    want = expected(scene.told)
    if policy == "leave":
        want["Event"] = [row for row in want["Event"] if row["Instep_Booking_Id__c"] != life.id]
    assert differences(scene.fake.crm(), want) == []
    assert "was deleted in the CRM" in scene.receipt_text(life)


@pytest.mark.fault("F12")
@pytest.mark.parametrize("policy", ["recreate", "leave"])
def test_F12_the_recycle_bin_was_emptied(scene: Scene, policy: str) -> None:
    """Nothing is found under the Event's id any more: the policy holds, for this change and for the next."""
    scene.configure(deleted_event=policy)
    life, other = lives(2)
    scene.tell(life.scheduled(), other.scheduled())
    scene.until_settled()
    gone = next(r["Id"] for r in scene.fake.records()["Event"] if r["Instep_Booking_Id__c"] == life.id)
    scene.fake.running.org.tables.remove("Event", gone)
    for event in (life.rescheduled(DAY + timedelta(days=1), "Sooner"), life.canceled("Ill")):
        scene.tell(event)
        scene.until_settled()
        want = expected(scene.told)
        if policy == "leave":
            want["Event"] = [row for row in want["Event"] if row["Instep_Booking_Id__c"] != life.id]
        assert differences(scene.fake.crm(), want) == []
    assert scene.problems() == []
    said = scene.receipt_text(life)
    assert ("is left so" if policy == "leave" else "it is made again") in said


# --- fields that come later -------------------------------------------------------------------------


def test_an_event_made_before_the_fields_were_there_gets_our_id(scene: Scene) -> None:
    """Once they are visible: one write for each Event, its Ref line goes with it, then nothing is left to do."""
    these = lives(3)
    see = partial(scene.fake.order, "POST", "fls")
    see({"object": "Event", "field": BOOKING, "read": False, "edit": False})
    scene.configure()
    scene.tell(*scheduled(these))
    scene.until_settled()
    before = scene.fake.records()["Event"]
    assert all(f"Ref: {life.id}" in json.dumps(before) for life in these)
    see({"object": "Event", "field": BOOKING})
    scene.configure()
    writes = scene.lane()["writes_total"]
    scene.until_settled()
    scene.assert_in_step()
    assert [row["Id"] for row in scene.fake.records()["Event"]] == [row["Id"] for row in before]
    assert scene.lane()["writes_total"] - writes == len(these)
    scene.configure()
    scene.until_settled()
    assert scene.lane()["writes_total"] - writes == len(these), "a second plan is empty"


# --- F19: changes without a status ------------------------------------------------------------------


@pytest.mark.fault("F19")
def test_F19_location_and_address_change(scene: Scene) -> None:
    """A new location reaches the Event, and a new phone number the person, without any change of status."""
    life = lives(1)[0]
    life.person["phone"] = None
    scene.tell(life.scheduled())
    scene.until_settled()
    life.data = {"virtual_conferencing": {"join_url": "https://meet.example.org/other-room"}}
    life.person = {**life.person, "phone": "+4531888888"}
    scene.tell(life.step("scheduled", "scheduled"))
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F19")
def test_F19_a_corrected_address_reaches_the_crm(scene: Scene) -> None:
    """An e-mail address that is corrected here replaces the old one in the CRM, with the default mapping."""
    life = lives(1)[0]
    scene.tell(life.scheduled())
    scene.until_settled()
    ((contact_id, former),) = scene.rows("SELECT public_id, email FROM contact")
    contacts.edit(scene.account_id, contact_id, {"email": "corrected@guest.example"}, datetime.now(UTC))
    scene.until_settled()
    people = [row for name in ("Lead", "Contact") for row in scene.fake.records()[name]]
    assert [row["Email"] for row in people] == ["corrected@guest.example"]
    assert former != "corrected@guest.example"
