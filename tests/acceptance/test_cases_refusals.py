"""The acceptance cases of what is refused or stands still, by their numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from page import Page, account, case, contact, crm, event, lead, open_page

from faults.lives import DAY, Life, guest
from faults.scene import Scene
from instep.bookings import slots
from instep.bookings.commands import Taken
from instep.core.creation import CASE, NONE, CalendarRules, OwnerRule, Ownership
from instep.core.errors import InputError
from instep.core.mapping import Row
from instep.core.rules import check, warnings
from instep.engine.connecting import connect, disconnect
from instep.engine.lane import load_config, open_lane

LATER = DAY + timedelta(hours=2)


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def faults(scene: Scene, name: str, field: str, source: str = "meeting.subject") -> list[str]:
    """What is said of a row that leads from a text to that field."""
    lane = open_lane(scene.account_id, scene.lane())
    rows = {**lane.config.rows, name: (*lane.config.rows[name], Row(source, field))}
    config = lane.config.__class__(lane.config.person_object, rows)
    return check(config, lane.vendor.profile, lane.schema, {})


def field(scene: Scene, name: str, api_name: str, **made: Any) -> None:
    scene.fake.order(
        "POST", "field", {"object": name, "field": api_name, "create": {"label": api_name, **made}}
    )
    if made.get("nillable", True):
        scene.fake.order("POST", "fls", {"object": name, "field": api_name})
    scene.configure()


def test_case_03_what_is_never_mapped(scene: Scene) -> None:
    """Look-ups, encrypted texts and an Event's start and end; checkboxes and multi-select fit, other than before."""
    field(scene, "Lead", "Boss__c", type="reference", targets=["User"])
    field(scene, "Lead", "Secret__c", type="encryptedstring", length=20)
    field(scene, "Lead", "Ready__c", type="boolean", defaulted=True, nillable=False)
    for name, refused in (
        ("Lead", "Boss__c"),
        ("Lead", "Secret__c"),
        ("Event", "StartDateTime"),
        ("Event", "EndDateTime"),
    ):
        assert faults(scene, name, refused), refused
    assert faults(scene, "Lead", "Ready__c") == []


def test_case_04_a_required_field_with_a_default_is_not_listed(scene: Scene) -> None:
    """Required and without a default: it is told; with a default in Salesforce it is not."""
    field(scene, "Lead", "Budget__c", type="string", length=20, nillable=False)
    lane = open_lane(scene.account_id, scene.lane())
    said = warnings(lane.config, lane.vendor.profile, lane.schema)
    assert any("Lead.Budget__c: required and not mapped" in line for line in said)
    change = {"object": "Lead", "field": "Budget__c", "change": {"defaulted": True}}
    scene.fake.order("POST", "field", change)
    scene.configure()
    lane = open_lane(scene.account_id, scene.lane())
    assert not any("Budget__c" in line for line in warnings(lane.config, lane.vendor.profile, lane.schema))


@pytest.mark.parametrize("strict", [True, False], ids=["strict mode", "queue mode"])
def test_case_18_the_calls_of_the_day_are_used_up(scene: Scene, page: Page, strict: bool) -> None:
    """Strict mode takes no bookings; queue mode does, and writes them when calls are left again."""
    scene.configure(strict=strict)
    quota = {"status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
    scene.fake.arm("status", times=None, **quota)
    scene.patient(quota_probe=60)
    scene.tell(Life("BKNG-FIRST", person=guest("Bo Berg")).scheduled())
    scene.drain()
    assert scene.hold_left() > 0
    now = datetime.now(UTC)
    offered = slots.offered(scene.account_id, page.calendar, 30, DAY, DAY + timedelta(hours=1), now)
    if strict:
        assert offered == {}
        with pytest.raises(Taken):
            page.ask()
        scene.fake.disarm()
        page.rules(links=NONE)
        assert page.ask(), "a page that is not integrated goes on"
        return
    made = page.ask()
    scene.fake.disarm()
    scene.rows("UPDATE connection SET held_until = NULL RETURNING id")
    scene.until_settled()
    assert made in {row["Instep_Booking_Id__c"] for row in page.whole()["Event"]}


def test_case_21_a_fallback_is_used_only_when_the_answer_is_empty(scene: Scene, page: Page) -> None:
    """The guest's own company is written; who names none gets the fallback, which real data replace later."""
    config = load_config(scene.lane())
    rows = tuple(
        Row(row.source, row.field, fallback="Unknown") if row.field == "Company" else row
        for row in config.rows["Lead"]
    )
    scene.configure(rows={**config.rows, "Lead": rows})
    page.book()
    page.book("Bo Berg", email="bo@guest.example", at=LATER, company="")
    assert {row["Email"]: row["Company"] for row in page.whole()["Lead"]} == {
        "ada.aalto@guest.example": "Aalto Oy",
        "bo@guest.example": "Unknown",
    }
    page.book("Bo Berg", email="bo@guest.example", at=LATER + timedelta(hours=1), company="Berg AB")
    assert "Berg AB" in {row["Company"] for row in page.whole()["Lead"]}


@pytest.mark.fault("F7")
@pytest.mark.parametrize("name", ["Account", "Case"])
def test_F7_a_refused_account_or_case_holds_nothing_else(scene: Scene, page: Page, name: str) -> None:
    """What stays refused waits visibly; the Contact and the Event are written, and related once it is cured."""
    rule = {"object": name, "name": "Never", "formula": "TRUE", "message": "Not today."}
    made_rule = scene.fake.order("POST", "validation-rules", rule)
    page.rules(links=CASE)
    made = page.book()
    held = {"Account": [account()], "Case": [case(made)], name: []}
    who = contact(AccountId=None) if name == "Account" else contact()
    if name == "Account":
        held["Case"] = [case(made, AccountId=None)]
    about = "Case Product demo" if name == "Account" else None
    belongs = None if name == "Account" else "Account Aalto Oy"
    assert page.whole() == crm(
        Lead=[], Contact=[who], Event=[event(made, "Contact", WhatId=about, AccountId=belongs)], **held
    )
    assert "Not today." in str(scene.problems())
    scene.fake.order("DELETE", "validation-rules", {"id": made_rule["Id"]})
    scene.hurry()
    scene.until_settled()
    whole = page.whole()
    assert [len(whole[kind]) for kind in ("Contact", "Account", "Case", "Event")] == [1, 1, 1, 1]
    assert whole["Contact"][0]["AccountId"] == "Account Aalto Oy"
    assert whole["Event"][0]["WhatId"] == "Case Product demo"
    assert scene.problems() == []


def test_cases_need_our_field(scene: Scene, page: Page) -> None:
    """Without Instep's field a Case could be made twice: such a configuration is refused."""
    scene.fake.order("POST", "field", {"object": "Case", "field": "Instep_Booking_Id__c", "remove": True})
    with pytest.raises(InputError, match="Case needs Instep's field Booking id"):
        scene.configure(calendars={page.calendar.id: CalendarRules(CASE)})
    made = page.book()
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])


@pytest.mark.parametrize("sandbox", [True, False], ids=["case_17 sandbox", "case_23 production"])
def test_case_17_and_23_disconnecting_keeps_the_setup(scene: Scene, page: Page, sandbox: bool) -> None:
    """Nothing is written while it is disconnected; mapping and rules are there again when it is connected.

    Case 23 says that disconnecting production removes the mappings; C3 keeps the setup unless removal is chosen.
    """
    scene.fake.order("POST", "organization", {"sandbox": sandbox})
    config = load_config(scene.lane())
    rows = {**config.rows, "Lead": (*config.rows["Lead"], Row("contact.job_title", "Title"))}
    scene.configure(rows=rows, owners={"Lead": OwnerRule(Ownership.HOST)})
    page.rules(links="Contact")
    kept = load_config(scene.lane())
    disconnect(scene.account_id, scene.lane())
    made = page.book()
    assert page.whole() == crm(Lead=[], Contact=[], Account=[], Case=[], Event=[])
    connect(scene.account_id, "salesforce", scene.fake.entered())
    assert load_config(scene.lane()) == kept
    scene.until_settled()
    second = page.book(at=LATER)
    assert second in {row["Instep_Booking_Id__c"] for row in page.whole()["Event"]}
    assert page.whole()["Contact"] == [contact()]
    assert made != second
