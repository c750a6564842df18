"""Whom a duplicate rule takes for the person of a booking: used, and never made into somebody whom he is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from page import EMAIL, Page, open_page

from faults.lives import DAY
from faults.scene import Scene
from instep.core.causes import Cause
from instep.engine.problems import problems_of, send_again

PHONE = "+358401234567"
LATER = DAY + timedelta(hours=2)


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def forbid(scene: Scene) -> None:
    """A rule that takes a Lead with the phone of a Contact for the same person."""
    matching = [{"object": "Contact", "fields": ["MobilePhone"]}]
    rule = {"object": "Lead", "create": "block", "matching": matching, "message": "Known."}
    scene.fake.order("POST", "duplicate-rules", rule)


def test_a_record_of_another_name_never_gets_the_guests_address(scene: Scene, page: Page) -> None:
    """With it, every later booking of the guest's would be found under that other person, and nobody asked."""
    bo = {"FirstName": "Bo", "LastName": "Berg", "MobilePhone": PHONE}
    scene.fake.seed("Contact", **bo)
    forbid(scene)
    first = page.book(mobile_phone=PHONE)
    second = page.book(mobile_phone=PHONE, at=LATER)
    page.reschedule(first, LATER + timedelta(hours=2), "Travel clash")
    [record] = page.whole()["Contact"]
    assert {name: record.get(name) for name in (*bo, "Email")} == {**bo, "Email": None}
    related = {row["Instep_Booking_Id__c"]: row["WhoId"] for row in page.whole()["Event"]}
    assert related == dict.fromkeys((first, second), "Contact None Bo Berg")
    assert "another name and no e-mail address" in str(page.receipt(second)["notes"])
    [card] = problems_of(scene.account_id, scene.lane())
    assert (card.cause, card.records) == (Cause.OTHER_PERSON, (("Contact", record_id(scene)),))

    send_again(scene.account_id, scene.lane(), card.refused)
    scene.until_settled()
    assert page.whole()["Contact"] == [record]
    assert problems_of(scene.account_id, scene.lane()) == ()


@pytest.mark.parametrize("action", ["alert", "block"])
def test_a_rule_about_changes_of_a_record_that_is_there(scene: Scene, page: Page, action: str) -> None:
    """What it only warns of is saved, for nobody is made by that; what it forbids has a card, until it is allowed."""
    scene.fake.seed("Contact", FirstName="Bo", LastName="Berg", MobilePhone=PHONE)
    scene.fake.seed("Lead", FirstName="Ada", LastName="Aalto", Company="Aalto Oy", Email=EMAIL)
    matching = [{"object": "Contact", "fields": ["MobilePhone"]}]
    rule = {"object": "Lead", "create": "allow", "update": action, "matching": matching, "message": "Known."}
    scene.fake.order("POST", "duplicate-rules", rule)
    made = page.book(mobile_phone=PHONE)
    assert [row["WhoId"] for row in page.whole()["Event"]] == [f"Lead {EMAIL} Ada Aalto"]
    assert "Known." in str(page.receipt(made))
    cards = problems_of(scene.account_id, scene.lane())
    if action == "block":
        [card] = cards
        assert (card.cause, card.subject) == (Cause.DUPLICATE_RULE, "Lead.MobilePhone")
        assert page.whole()["Lead"][0].get("MobilePhone") is None
        scene.fake.order("POST", "duplicate-rules", {**rule, "update": "allow"})
        send_again(scene.account_id, scene.lane(), card.refused)
        scene.until_settled()
    assert page.whole()["Lead"][0]["MobilePhone"] == PHONE
    assert problems_of(scene.account_id, scene.lane()) == ()


def record_id(scene: Scene) -> str:
    return str(scene.fake.records()["Contact"][0]["Id"])


def test_a_record_that_the_link_names_gets_the_guests_address(scene: Scene, page: Page) -> None:
    """Whoever made the link knows whose record it is, whatever name the guest types."""
    named = scene.fake.seed("Contact", FirstName="Bo", LastName="Berg")
    page.book(record_ids={"contact": named})
    assert [row["Email"] for row in page.whole()["Contact"]] == [EMAIL]
    assert [row["WhoId"] for row in page.whole()["Event"]] == [f"Contact {EMAIL} Bo Berg"]
