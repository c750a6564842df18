"""The CRM refuses a field, a record, a batch: only what is refused waits, and says why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from faults.lives import DAY, GRETA, Life, guest, lives, scheduled
from faults.oracle import CRM, Person, differences, expected
from faults.scene import Scene, eventually
from instep.core import refusal

ADA = {"FirstName": "Ada", "LastName": "Aalto", "Email": "ada.aalto@guest.example"}
STATUS, REASON = "Instep_Event_Status__c", "Instep_Cancel_Reschedule_Reason__c"
RULE = {"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}


def ada(booking_id: str = "BKNG-1", **more: Any) -> Life:
    return Life(booking_id, person=guest("Ada Aalto"), **more)


def events(crm: CRM) -> dict[str, dict[str, Any]]:
    return {row["Instep_Booking_Id__c"]: row for row in crm["Event"]}


def without(crm: CRM, booking_id: str, *fields: str) -> CRM:
    """The expected CRM without some fields of one Event."""
    for field in fields:
        events(crm)[booking_id].pop(field)
    return crm


def receipt_text(scene: Scene, life: Life) -> str:
    return json.dumps([receipt["document"] for receipt in scene.receipts(life)], ensure_ascii=False)


# --- F8: the Event ----------------------------------------------------------------------------------


@pytest.mark.fault("F8")
@pytest.mark.parametrize("count", [1, 20])
def test_F08_a_validation_rule_on_one_field_of_the_event(scene: Scene, count: int) -> None:
    """A rule refuses one Event's Location: only that field is left out, and the receipt says why."""
    these = lives(count)
    scene.fake.arm(
        "row",
        {"object": "Event", "field": "Location", "contains": "bkng-0000"},
        times=None,
        **RULE,
        message="No links, please",
        fields=["Location"],
    )
    scene.tell(*scheduled(these))
    scene.until_settled()
    assert differences(scene.fake.crm(), without(expected(scene.told), "BKNG-0000", "Location")) == []
    assert "No links, please" in receipt_text(scene, these[0])
    scene.tell(these[0].canceled("Ill"))
    scene.until_settled()
    assert differences(scene.fake.crm(), without(expected(scene.told), "BKNG-0000", "Location")) == []


@pytest.mark.fault("F8")
def test_F08_a_rule_that_names_no_field(scene: Scene) -> None:
    """A rule that names no field: the Event is written once without what can be spared, and says so."""
    life, other = lives(2)
    rule = {"object": "Event", "field": "Description", "contains": "guest0000"}
    scene.fake.arm("row", rule, times=None, **RULE, message="Not in office hours")
    scene.tell(life.scheduled(), other.scheduled())
    scene.until_settled()
    want = expected(scene.told)
    there = events(scene.fake.crm())
    assert there[other.id] == events(want)[other.id]
    kept = {"StartDateTime", "EndDateTime", "WhoId", "OwnerId", "Instep_Booking_Id__c"}
    assert {k: v for k, v in there[life.id].items() if k in kept} == {
        k: v for k, v in events(want)[life.id].items() if k in kept
    }
    assert "Not in office hours" in receipt_text(scene, life)


@pytest.mark.fault("F8")
@pytest.mark.fault("F30")
def test_F08_a_field_of_ours_is_gone(scene: Scene) -> None:
    """An admin deleted our reason field: everything else is written, for old and for new bookings."""
    life, new = lives(2)
    scene.tell(life.scheduled())
    scene.until_settled()
    scene.fake.order("POST", "field", {"object": "Event", "field": REASON, "remove": True})
    scene.tell(life.canceled("Ill"), new.scheduled())
    scene.until_settled()
    assert differences(scene.fake.crm(), without(expected(scene.told), life.id, REASON)) == []
    scene.tell(new.rescheduled(DAY + timedelta(days=2), "Later"))
    scene.until_settled()
    want = without(expected(scene.told), life.id, REASON)
    assert differences(scene.fake.crm(), without(want, new.id, REASON)) == []


@pytest.mark.fault("F8")
@pytest.mark.fault("F30")
def test_F08_a_field_is_hidden_from_us(scene: Scene) -> None:
    """Location is hidden from the connected user between two syncs: the rest is written, and it says so."""
    life = lives(1)[0]
    scene.tell(life.scheduled())
    scene.until_settled()
    scene.fake.order("POST", "fls", {"object": "Event", "field": "Location", "read": False, "edit": False})
    scene.tell(life.rescheduled(DAY + timedelta(days=2), "Later"))
    scene.until_settled()
    scene.assert_in_step()  # the old Location is still the right one
    assert "Location" in receipt_text(scene, life)


@pytest.mark.fault("F30")
@pytest.mark.parametrize("what", ["read-only", "shortened"])
def test_F30_a_field_changes_between_two_syncs(scene: Scene, what: str) -> None:
    """Location became read-only, or too short: the rest is written, the old value stays, the receipt says why."""
    life, new = lives(2)
    scene.tell(life.scheduled())
    scene.until_settled()
    if what == "read-only":
        scene.fake.order("POST", "fls", {"object": "Event", "field": "Location", "read": True, "edit": False})
    else:
        scene.fake.order("POST", "field", {"object": "Event", "field": "Location", "change": {"length": 20}})
    old = life.data = {"virtual_conferencing": {"join_url": "https://meet.example.org/another-room"}}
    new.data = old
    scene.tell(life.rescheduled(DAY + timedelta(days=2), "Later"), new.scheduled())
    scene.until_settled()
    want = expected(scene.told)
    events(want)[life.id]["Location"] = "https://meet.example.org/bkng-0000"
    assert differences(scene.fake.crm(), without(want, new.id, "Location")) == []
    assert "Location" in receipt_text(scene, new)
    assert scene.problems() == []


@pytest.mark.fault("F30")
def test_F30_a_field_comes_back(scene: Scene) -> None:
    """A hidden field is shown again: once the mapping is applied again its values are written, old ones too."""
    these = lives(3)
    scene.fake.order("POST", "fls", {"object": "Event", "field": "Location", "read": False, "edit": False})
    scene.tell(*scheduled(these))
    scene.until_settled()
    assert not any("Location" in row for row in scene.fake.crm()["Event"])
    scene.fake.order("POST", "fls", {"object": "Event", "field": "Location", "read": True, "edit": True})
    scene.configure()
    scene.until_settled()
    scene.assert_in_step()


# --- F6, F7, F21: the person ------------------------------------------------------------------------


@pytest.mark.fault("F7")
def test_F07_a_rule_refuses_a_field_of_the_person(scene: Scene) -> None:
    """A rule refuses the phone of one new person of many: only that field waits; the Event is related."""
    these = lives(12)
    rule = {"object": "Lead", "field": "Phone", "equals": "+4531000003"}
    scene.fake.arm("row", rule, times=None, **RULE, message="Danish numbers only", fields=["Phone"])
    scene.tell(*scheduled(these))
    scene.until_settled()
    want = expected(scene.told)
    next(row for row in want["Lead"] if row.get("Phone") == "+4531000003").pop("Phone")
    assert differences(scene.fake.crm(), want) == []
    assert "Danish numbers only" in receipt_text(scene, these[3])


@pytest.mark.fault("F7")
def test_F07_a_person_that_cannot_be_written(scene: Scene) -> None:
    """A rule refuses one person whatever we leave out: the Event is written without it, an item stays open."""
    these = lives(4)
    rule = {"object": "Lead", "field": "Email", "contains": "guest0002"}
    scene.fake.arm("row", rule, times=None, **RULE, message="Blocked by policy")
    scene.tell(*scheduled(these))
    scene.until_settled()
    want = expected(scene.told)
    want["Lead"] = [row for row in want["Lead"] if "guest0002" not in row["Email"]]
    assert differences(scene.fake.crm(), without(want, these[2].id, "WhoId")) == []
    assert [p["error_message"] for p in scene.problems()] == ["Blocked by policy"]


@pytest.mark.fault("F21")
def test_F21_an_update_of_the_person_is_refused(scene: Scene) -> None:
    """A person that was there cannot be filled: the field waits with the reason, the Event is kept and related."""
    scene.fake.seed("Lead", **ADA, Company="Aalto Oy")
    life = ada()
    life.person["phone"] = "+4531555555"
    rule = {"object": "Lead", "op": "update"}
    scene.fake.arm("row", rule, times=None, **RULE, message="Locked by sales", fields=["Phone"])
    scene.tell(life.scheduled())
    scene.until_settled()
    want = expected(scene.told, [Person("Lead", {**ADA, "Company": "Aalto Oy"})])
    want["Lead"][0].pop("Phone")
    assert differences(scene.fake.crm(), want) == []
    assert "Locked by sales" in receipt_text(scene, life)


# --- F10: reschedule --------------------------------------------------------------------------------


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
    assert "was deleted in the CRM" in receipt_text(scene, life)


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


# --- F25: one of two hundred ------------------------------------------------------------------------


@pytest.mark.fault("F25")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(
            {"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}, id="locked"
        ),
        pytest.param({**RULE, "message": "Blocked by policy"}, id="refused"),
    ],
)
def test_F25_one_new_person_of_two_hundred(scene: Scene, order: dict[str, Any]) -> None:
    """One person of 200 is refused: 199 others and all Events are written in that drain, it is related later."""
    these = lives(200)
    one = these[77]
    scene.patient(backoff=30, backoff_max=30)
    rule = {"object": "Lead", "field": "Email", "equals": one.person["email"]}
    scene.fake.arm("row", rule, times=None, **order)
    scene.tell(*scheduled(these))
    assert scene.drain().items == 200
    want = expected(scene.told)
    want["Lead"] = [row for row in want["Lead"] if row["Email"] != one.person["email"]]
    assert differences(scene.fake.crm(), without(want, one.id, "WhoId")) == []
    assert scene.count("done = wanted") == 199
    assert len(scene.problems()) == 1
    assert one.id in receipt_text(scene, one)
    scene.fake.disarm()
    scene.hurry()
    scene.until_settled()
    scene.assert_in_step()
    assert scene.problems() == []


@pytest.mark.fault("F25")
def test_F25_a_locked_row_that_was_there(scene: Scene) -> None:
    """One Event of 60 is locked for a moment: the others change at once, it alone is tried again."""
    these = lives(60)
    scene.tell(*scheduled(these))
    scene.until_settled()
    lock = {"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    scene.fake.arm("row", {"object": "Event", "op": "update", "contains": "Reason 7!"}, times=1, **lock)
    scene.tell(*(life.canceled(f"Reason {n}!") for n, life in enumerate(these)))
    scene.patient(backoff=30, backoff_max=30)
    scene.drain()
    assert sum(row[STATUS] == "Canceled" for row in scene.fake.crm()["Event"]) == 59
    assert scene.fake.drawn() == 1
    scene.hurry()
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F25")
def test_F25_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector that puts the refused person's Event among the others loses all of them in that drain."""
    scene.patient(rounds=1, backoff=30, backoff_max=30)
    react = refusal.react
    monkeypatch.setattr(refusal, "react", lambda write, error: evolve(react(write, error), fields=()))
    these = lives(30)
    rule = {"object": "Lead", "field": "Email", "equals": these[7].person["email"]}
    scene.fake.arm("row", rule, times=None, errorCode="UNABLE_TO_LOCK_ROW", message="locked")
    scene.tell(*scheduled(these))
    scene.drain()
    assert scene.fake.crm()["Event"] == []


# --- F32: too many for the org's own automation -----------------------------------------------------


@pytest.mark.fault("F32")
def test_F32_the_batch_halves_until_it_passes(scene: Scene) -> None:
    """The org's automation does 25 records, not 200: the batch halves, is remembered, and grows slowly."""
    scene.patient(grow_after=2)
    scene.fake.arm("row_limit", {"object": "Event"}, max=25, times=None)
    scene.tell(*scheduled(lives(120)))
    scene.until_settled()
    scene.assert_in_step()
    assert 10 <= scene.lane()["batch_size"] <= 32
    assert scene.alerts() == [], "the org answers: nobody has to be called"
    scene.fake.disarm()
    sizes = [scene.lane()["batch_size"]]
    for n in range(12):
        scene.tell(*scheduled(lives(1, prefix=f"GROW{n}")))
        scene.drain()
        sizes.append(scene.lane()["batch_size"])
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] < 200
    assert all(b <= a + max(1, a // 4) for a, b in pairwise(sizes)), "by a quarter at most"
    scene.assert_in_step()


@pytest.mark.fault("F32")
def test_F32_a_single_record_is_too_much(scene: Scene) -> None:
    """An automation that cannot do even one record delays nobody else's person, and is not hammered."""
    rule = {"object": "Event", "field": "Instep_Booking_Id__c", "equals": "BKNG-0001"}
    scene.fake.arm(
        "row",
        rule,
        times=None,
        errorCode="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        message="System.LimitException: Apex CPU time limit exceeded",
    )
    scene.tell(*scheduled(lives(8)))
    scene.patient(backoff=30, backoff_max=30)
    eventually(lambda: scene.drain() and scene.count("done = wanted") == 7, "the seven others are written")
    calls = scene.fake.calls()
    for _ in range(3):
        scene.drain()
    assert scene.fake.calls() - calls <= 2
    assert len(scene.fake.crm()["Event"]) == 7
