"""The CRM refuses a field, a record, a batch: only what is refused waits, and says why."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve

from faults.lives import DAY, Life, guest, lives, scheduled
from faults.oracle import REASON, STATUS, Person, differences, events_of, expected, without
from faults.scene import Scene, eventually
from instep.core import refusal

ADA = {"FirstName": "Ada", "LastName": "Aalto", "Email": "ada.aalto@guest.example"}
RULE = {"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}


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
    assert "No links, please" in scene.receipt_text(these[0])
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
    there = events_of(scene.fake.crm())
    assert there[other.id] == events_of(want)[other.id]
    kept = {"StartDateTime", "EndDateTime", "WhoId", "OwnerId", "Instep_Booking_Id__c"}
    assert {k: v for k, v in there[life.id].items() if k in kept} == {
        k: v for k, v in events_of(want)[life.id].items() if k in kept
    }
    assert "Not in office hours" in scene.receipt_text(life)


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
    assert "Location" in scene.receipt_text(life)


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
    events_of(want)[life.id]["Location"] = "https://meet.example.org/bkng-0000"
    assert differences(scene.fake.crm(), without(want, new.id, "Location")) == []
    assert "Location" in scene.receipt_text(new)
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
    assert "Danish numbers only" in scene.receipt_text(these[3])


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
    life = Life("BKNG-1", person=guest("Ada Aalto"))
    life.person["phone"] = "+4531555555"
    rule = {"object": "Lead", "op": "update"}
    scene.fake.arm("row", rule, times=None, **RULE, message="Locked by sales", fields=["Phone"])
    scene.tell(life.scheduled())
    scene.until_settled()
    want = expected(scene.told, [Person("Lead", {**ADA, "Company": "Aalto Oy"})])
    want["Lead"][0].pop("Phone")
    assert differences(scene.fake.crm(), want) == []
    assert "Locked by sales" in scene.receipt_text(life)


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
    assert one.id in scene.receipt_text(one)
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
