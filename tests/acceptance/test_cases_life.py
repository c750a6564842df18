"""The acceptance cases of a booking's life, by their numbers, and of records that people change meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from page import COMPANY, EMAIL, NAME, Page, account, case, contact, crm, event, lead, open_page

from faults.lives import AMARA, DAY, GRETA, NUNO, Life, guest
from faults.oracle import CONNECTED
from faults.scene import Scene
from instep.bookings import commands
from instep.core.creation import CASE, Duplicates, Guests
from instep.engine.lane import load_config

BY = {"FirstName": "Ada", "LastName": "Aalto", "Email": EMAIL}
LATER = DAY + timedelta(hours=2)
REASON = "Instep_Cancel_Reschedule_Reason__c"
STATUS = "Instep_Event_Status__c"


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def test_case_13_no_event(scene: Scene, page: Page) -> None:
    """Event off: the record is written, no Event, through the whole life."""
    page.rules(event=False)
    made = page.book()
    page.reschedule(made, LATER, "Ill")
    page.cancel(made, "Still ill")
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[])


def test_a_canceled_meeting_is_kept_and_frees_its_hosts_calendar(scene: Scene, page: Page) -> None:
    """Without anybody having mapped it; the meeting that is still on stays busy."""
    gone, stays = page.book(), page.book(at=LATER)
    page.cancel(gone, "Ill")
    canceled = event(gone, "Lead", **{STATUS: "Canceled", REASON: "Ill"}, ShowAs="Free")
    assert page.whole() == crm(
        Lead=[lead()], Contact=[], Account=[], Case=[], Event=[canceled, event(stays, "Lead", LATER)]
    )


def test_meetings_canceled_before_that_row_are_left_as_they_are(scene: Scene, page: Page) -> None:
    """A connection from before the default, and one whose admin took the row away: its return writes to no record."""
    rows = load_config(scene.lane()).rows
    without = tuple(row for row in rows["Event"] if row.field != "ShowAs")
    scene.configure(rows={**rows, "Event": without})
    old, next_one = page.book(), page.book(at=LATER)
    page.cancel(old, "Ill")
    stamps = {row["Id"]: row["LastModifiedDate"] for row in scene.fake.records()["Event"]}
    scene.configure(rows=rows)
    scene.until_settled()
    assert {row["Id"]: row["LastModifiedDate"] for row in scene.fake.records()["Event"]} == stamps
    page.cancel(next_one, "Travel")
    left = event(old, "Lead", **{STATUS: "Canceled", REASON: "Ill"})
    freed = event(next_one, "Lead", LATER, **{STATUS: "Canceled", REASON: "Travel"}, ShowAs="Free")
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[left, freed])


def test_an_event_that_another_product_made_is_recognised(scene: Scene, page: Page) -> None:
    """E6: Event off; the twin of a calendar sync is named in the receipt and left as it is."""
    page.rules(event=False)
    times = {"StartDateTime": DAY.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
    times["EndDateTime"] = (DAY + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    twin = scene.fake.seed("Event", Subject="Product demo", **times)
    scene.fake.seed("Event", Subject="Something else", **times)
    before = page.whole()["Event"]
    made = page.book()
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=before)
    said = f"the Event {twin}, which another product made, stands for this meeting"
    assert said in page.receipt(made)["notes"]


def test_an_event_for_all_meetings_or_for_some(scene: Scene, page: Page) -> None:
    """The connection's switch is off; the calendar that says otherwise has its way."""
    scene.configure(events=False)
    page.book()
    assert page.whole()["Event"] == []
    page.rules(event=True)
    made = page.book(at=LATER)
    assert page.whole() == crm(
        Lead=[lead()], Contact=[], Account=[], Case=[], Event=[event(made, "Lead", LATER)]
    )


def test_case_14_reschedule_on_the_same_page(scene: Scene, page: Page) -> None:
    """One Event, the same id, Rescheduled, the reason."""
    made = page.book()
    [before] = scene.fake.records()["Event"]
    page.reschedule(made, LATER, "Travel clash")
    [after] = scene.fake.records()["Event"]
    assert after["Id"] == before["Id"]
    moved = event(made, "Lead", LATER, **{STATUS: "Rescheduled", REASON: "Travel clash"})
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[moved])


def test_case_15_reassign(scene: Scene, page: Page) -> None:
    """Both connected: the owner and “Scheduled (Reassigned by User)”; after a reschedule “Rescheduled (…)”.

    The reassignment follows the reschedule: the suffix stands only while it is the latest step.
    """
    first, second = page.book(), page.book(at=LATER)
    page.reassign(first, AMARA)
    page.reschedule(second, LATER + timedelta(hours=1), "Travel clash")
    page.reassign(second, NUNO)
    moved = {STATUS: "Rescheduled (Reassigned by User)", REASON: "Travel clash", "OwnerId": NUNO}
    assert page.whole() == crm(
        Lead=[lead()],
        Contact=[],
        Account=[],
        Case=[],
        Event=[
            event(first, "Lead", OwnerId=AMARA, **{STATUS: "Scheduled (Reassigned by User)"}),
            event(second, "Lead", LATER + timedelta(hours=1), **moved),
        ],
    )


def test_case_15_to_a_host_without_a_user(scene: Scene, page: Page) -> None:
    """The owner stays that of the last connected host, without the suffix; what else changes stays in step."""
    made = page.book()
    user = next(r for r in scene.fake.records()["User"] if r["Email"] == AMARA)
    scene.fake.edit("User", user["Id"], IsActive=False)
    scene.rows("DELETE FROM crm_user WHERE email_key = %s RETURNING id", AMARA)
    page.reassign(made, AMARA)
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])
    assert "has no active user in Salesforce" in str(page.receipt(made)["notes"])


def test_a_case_follows_its_booking(scene: Scene, page: Page) -> None:
    """R7: a Case that we made mirrors the booking; rescheduling and canceling change it in place."""
    page.rules(links=CASE)
    made = page.book()
    scene.fake.edit(
        "Case", scene.fake.records()["Case"][0]["Id"], Subject="Changed by an agent", Status="Working"
    )
    page.reschedule(made, LATER, "Travel clash")
    moved = event(
        made, "Contact", LATER, WhatId="Case Product demo", **{STATUS: "Rescheduled", REASON: "Travel clash"}
    )
    assert page.whole() == crm(
        Lead=[],
        Contact=[contact()],
        Account=[account()],
        Case=[case(made, Status="Working")],
        Event=[moved],
    )


def test_a_requested_case_waits_for_the_approval(scene: Scene, page: Page) -> None:
    """E1: a request writes the Contact only; Case and Event come when it is scheduled."""
    page.rules(links=CASE)
    life = Life("BKNG-ASK", person=guest(NAME, company=COMPANY), booking_calendar=page.calendar.id)
    scene.tell(life.step("scheduled", "requested"))
    scene.until_settled()
    assert page.whole() == crm(Lead=[], Contact=[contact()], Account=[account()], Case=[], Event=[])
    scene.tell(life.scheduled())
    scene.until_settled()
    assert [len(page.whole()[name]) for name in ("Case", "Event")] == [1, 1]


# --- E5: rebooked on another calendar -------------------------------------------------------------


def test_rebooked_on_another_calendar(scene: Scene, page: Page) -> None:
    """The old Event is Canceled, the new one Rescheduled; both stand at the same person and name each other."""
    old = Life("BKNG-OLD", person=guest(NAME, company=COMPANY))
    new = Life(
        "BKNG-NEW",
        person=guest(NAME, company=COMPANY),
        start=LATER,
        booking_calendar="BKC-OTHER",
        rescheduled_booking_id="BKNG-OLD",
    )
    scene.tell(old.scheduled())
    scene.until_settled()
    scene.tell(old.step("canceled_then_rescheduled", "canceled", reason="Other team"), new.scheduled())
    scene.until_settled()
    found = {row["Instep_Booking_Id__c"]: row for row in page.whole()["Event"]}
    assert {key: (row[STATUS], row["WhoId"]) for key, row in found.items()} == {
        "BKNG-OLD": ("Canceled", f"Lead {EMAIL} {NAME}"),
        "BKNG-NEW": ("Rescheduled", f"Lead {EMAIL} {NAME}"),
    }
    assert len(page.whole()["Lead"]) == 1
    assert "takes the place of BKNG-OLD" in str(page.receipt("BKNG-NEW")["notes"])


# --- R11: following the person --------------------------------------------------------------------


def merge(scene: Scene, name: str, loser: str, master: str) -> None:
    """Somebody merges two records: what referred to the loser refers to the master."""
    for kind, field in (
        ("Event", "WhoId"),
        ("Event", "WhatId"),
        ("Case", "ContactId"),
        ("Contact", "AccountId"),
    ):
        for row in scene.fake.records()[kind]:
            if row.get(field) == loser:
                scene.fake.edit(kind, row["Id"], **{field: master})
    scene.fake.edit(name, loser, MasterRecordId=master)
    scene.fake.delete(name, loser)


@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_merged_person_is_followed_to_its_master(scene: Scene, page: Page, name: str) -> None:
    """The linked record was merged into one with another address: the booking goes on with that one."""
    scene.configure(person_object=name)
    made = page.book()
    loser = scene.fake.records()[name][0]["Id"]
    extra = {"Company": "Union Oy"} if name == "Lead" else {}
    master = scene.fake.seed(name, FirstName="Ada", LastName="Union", Email="union@guest.example", **extra)
    merge(scene, name, loser, master)
    page.reschedule(made, LATER, "Travel clash")
    [kept] = page.whole()[name]
    assert kept["LastName"] == "Union"
    assert kept["Email"] == "union@guest.example"
    [row] = page.whole()["Event"]
    assert (row["WhoId"], row[STATUS]) == (f"{name} union@guest.example Ada Union", "Rescheduled")
    page.cancel(made, "Ill")
    assert page.whole()["Event"][0][STATUS] == "Canceled"
    assert len(page.whole()[name]) == 1


@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_the_next_booking_of_a_merged_person_finds_the_master(scene: Scene, page: Page, name: str) -> None:
    """What was merged into a record with another address still leads to it: nobody is made twice."""
    scene.configure(person_object=name)
    made = page.book()
    loser = scene.fake.records()[name][0]["Id"]
    extra = {"Company": "Union Oy"} if name == "Lead" else {}
    master = scene.fake.seed(name, FirstName="Ada", LastName="Union", Email="union@guest.example", **extra)
    merge(scene, name, loser, master)
    other = page.book(at=LATER)
    [kept] = page.whole()[name]
    assert (kept["LastName"], kept["Email"]) == ("Union", "union@guest.example")
    whos = {row["Instep_Booking_Id__c"]: row["WhoId"] for row in page.whole()["Event"]}
    assert whos == dict.fromkeys((made, other), f"{name} union@guest.example Ada Union")
    assert "merged into this" in str(page.receipt(other)["match"])


def test_a_merged_case_is_followed(scene: Scene, page: Page) -> None:
    """Cases are merged too: the booking goes on with the master."""
    page.rules(links=CASE)
    made = page.book()
    loser = scene.fake.records()["Case"][0]["Id"]
    master = scene.fake.seed("Case", Subject="Printer on fire")
    merge(scene, "Case", loser, master)
    page.cancel(made, "Ill")
    assert [row["Subject"] for row in page.whole()["Case"]] == ["Printer on fire"]
    assert page.whole()["Event"][0]["WhatId"] == "Case Printer on fire"


def test_a_lead_that_became_a_person_account_is_followed(scene: Scene, page: Page) -> None:
    """A Lead without a company is converted into a person account: the booking goes on with that."""
    scene.fake.order("POST", "features", {"personAccounts": True})
    scene.configure()
    record = scene.fake.seed("Lead", **BY)
    made = page.book(company="", mobile_phone="+358401234567")
    scene.fake.order("POST", "convert-lead", {"leadId": record})
    page.reschedule(made, LATER, "Travel clash")
    page.cancel(made, "Ill")
    [person] = page.whole()["Account"]
    assert person["PersonEmail"] == EMAIL
    [row] = page.whole()["Event"]
    assert (row["WhoId"], row[STATUS]) == (f"Contact {EMAIL} {NAME}", "Canceled")
    link = scene.rows("SELECT link FROM sync_item WHERE kind = 'booking'")[0][0]
    assert '"person_object": "Account"' in str(link).replace("'", '"')


# --- R12: duplicate rules -------------------------------------------------------------------------


def forbid(scene: Scene, action: str = "block") -> None:
    """A rule that takes a Lead with the phone of a Contact for the same person."""
    matching = [{"object": "Contact", "fields": ["MobilePhone"]}]
    scene.fake.order(
        "POST",
        "duplicate-rules",
        {"object": "Lead", "create": action, "matching": matching, "message": "Known."},
    )


@pytest.mark.fault("F6")
def test_F6_the_record_that_a_duplicate_rule_names_is_used(scene: Scene, page: Page) -> None:
    """The Event is related to it, its empty fields are filled; the other rows of the batch are unharmed."""
    scene.fake.seed("Contact", FirstName="A.", LastName="Aalto", MobilePhone="+358401234567")
    forbid(scene)
    made = page.ask(mobile_phone="+358401234567")
    other = page.ask("Bo Berg", email="bo@guest.example", at=LATER)
    before = scene.fake.calls()
    scene.until_settled()
    assert scene.fake.calls() - before <= 5
    bo = lead(FirstName="Bo", LastName="Berg", Email="bo@guest.example")
    known = {"FirstName": "A.", "LastName": "Aalto", "MobilePhone": "+358401234567", "Email": EMAIL}
    assert page.whole() == crm(
        Lead=[bo],
        Contact=[{"OwnerId": CONNECTED, **known}],
        Account=[],
        Case=[],
        Event=[
            event(made, "Contact", WhoId=f"Contact {EMAIL} A. Aalto", AccountId=None),
            event(other, "Lead", LATER, WhoId="Lead bo@guest.example Bo Berg"),
        ],
    )
    assert "a duplicate rule of Salesforce says" in str(page.receipt(made))
    assert scene.problems() == []


@pytest.mark.fault("F6")
@pytest.mark.parametrize("action", ["alert", "block"])
def test_F6_saved_anyway_where_the_admin_chose_so(scene: Scene, page: Page, action: str) -> None:
    """A rule that only warns is passed; one that forbids still names the record to use."""
    scene.fake.seed("Contact", FirstName="A.", LastName="Aalto", MobilePhone="+358401234567")
    forbid(scene, action)
    scene.configure(duplicates=Duplicates.SAVE)
    made = page.book(mobile_phone="+358401234567")
    saved = [lead(MobilePhone="+358401234567")] if action == "alert" else []
    assert page.whole()["Lead"] == saved
    who = f"Lead {EMAIL} {NAME}" if saved else f"Contact {EMAIL} A. Aalto"
    assert [(row["Instep_Booking_Id__c"], row["WhoId"]) for row in page.whole()["Event"]] == [(made, who)]


# --- E10: guests ----------------------------------------------------------------------------------


def guest_row(address: str, **changes: Any) -> dict[str, Any]:
    """The record that a further guest gets."""
    name = address.partition("@")[0]
    return {"LastName": name, "Email": address, "OwnerId": GRETA, "Instep_Contact_Id__c": "ours", **changes}


@pytest.mark.parametrize("shared", [True, False], ids=["related", "org relates nobody"])
@pytest.mark.parametrize("kind", ["Lead", "Contact"])
def test_guests_get_records_where_that_is_chosen(scene: Scene, page: Page, kind: str, shared: bool) -> None:
    """The whole CRM: one record for each new guest, whoever is there stays as he is, and nobody twice."""
    scene.fake.order("POST", "features", {"sharedActivities": shared})
    scene.configure(person_object=kind, guests=Guests.RECORDS)
    company = {"Company": "Unspecified"} if kind == "Lead" else {}
    scene.fake.seed("Contact", FirstName="Rui", LastName="Melo", Email="rui@guest.example")
    there = contact_there("Rui", "Melo", "rui@guest.example")
    made = page.book(guests=["rui@guest.example", "Zoe@guest.example", "yan@guest.example", EMAIL])
    booked = lead() if kind == "Lead" else contact()
    zoe, yan = (guest_row(f"{name}@guest.example", **company) for name in ("zoe", "yan"))
    people = sorted_people(kind, there, booked, zoe, yan)
    assert people_of(page) == people
    if shared and kind == "Contact":
        assert related_to(scene) == sorted(
            [EMAIL, "rui@guest.example", "yan@guest.example", "zoe@guest.example"]
        )
    # nothing is left to do, and a second meeting with them makes nobody
    calls = scene.fake.calls()
    scene.hurry()
    scene.until_settled()
    assert scene.fake.calls() == calls
    page.book(
        "Bo Berg", email="zoe@guest.example", guests=["yan@guest.example"], at=LATER, company="Other Oy"
    )
    assert sum(row["Email"] == "zoe@guest.example" for rows in people_of(page).values() for row in rows) == 1
    assert sum(row["Email"] == "yan@guest.example" for rows in people_of(page).values() for row in rows) == 1
    page.cancel(made, "Off")
    assert sum(len(rows) for rows in people_of(page).values()) == 4


def test_a_meeting_that_is_off_makes_nobody_of_its_guests(scene: Scene, page: Page) -> None:
    scene.configure(guests=Guests.RECORDS)
    made = page.ask(guests=["zoe@guest.example"])
    commands.cancel(scene.account_id, made, "Off", "user", datetime.now(UTC))
    scene.until_settled()
    assert people_of(page) == {"Lead": [lead()], "Contact": []}


def test_a_guest_who_books_in_the_same_batch_is_one_record(scene: Scene, page: Page) -> None:
    scene.configure(guests=Guests.RECORDS)
    page.ask(guests=["zoe@guest.example"])
    page.ask(
        "Zoe Zander", email="zoe@guest.example", at=LATER, company="Zander Oy", guests=["yan@guest.example"]
    )
    scene.until_settled()
    emails = [row["Email"] for row in people_of(page)["Lead"]]
    assert sorted(emails) == sorted([EMAIL, "zoe@guest.example", "yan@guest.example"])


def test_a_guest_whom_the_crm_refuses_keeps_nobody_else_waiting(scene: Scene, page: Page) -> None:
    scene.configure(guests=Guests.RECORDS)
    scene.fake.arm(
        "row", {"object": "Lead", "contains": "zoe@"}, errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="Nobody called Zoe", times=None,
    )  # fmt: skip
    made = page.book(guests=["zoe@guest.example", "yan@guest.example"])
    assert {row["Email"] for row in people_of(page)["Lead"]} == {EMAIL, "yan@guest.example"}
    [row] = page.whole()["Event"]
    assert (row["Instep_Booking_Id__c"], row["WhoId"]) == (made, f"Lead {EMAIL} {NAME}")
    assert "Nobody called Zoe" in str(scene.problems())
    scene.fake.disarm()
    scene.hurry()
    scene.until_settled()
    assert {row["Email"] for row in people_of(page)["Lead"]} >= {"zoe@guest.example"}
    assert scene.problems() == []


def people_of(page: Page) -> dict[str, list[dict[str, Any]]]:
    whole = page.whole()
    return {
        name: [{k: v for k, v in row.items() if k != "AccountId"} for row in whole[name]]
        for name in ("Lead", "Contact")
    }


def sorted_people(kind: str, there: dict[str, Any], *made: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows = {"Lead": [], "Contact": [there], kind: []} | {
        kind: [*([there] if kind == "Contact" else []), *made]
    }
    found = crm(**rows)
    return {
        name: [{k: v for k, v in row.items() if k != "AccountId"} for row in found[name]]
        for name in ("Lead", "Contact")
    }


def contact_there(first: str, last: str, address: str) -> dict[str, Any]:
    return {"FirstName": first, "LastName": last, "Email": address, "OwnerId": CONNECTED}


def related_to(scene: Scene) -> list[str]:
    """The addresses of everybody who is related to an Event."""
    people = {r["Id"]: r["Email"] for name in ("Lead", "Contact") for r in scene.fake.records()[name]}
    return sorted(
        people[r["RelationId"]] for r in scene.fake.records()["EventRelation"] if not r.get("IsWhat")
    )


@pytest.mark.parametrize("chosen", [Guests.RELATE, Guests.LIST])
def test_guests_are_listed_and_related(scene: Scene, page: Page, chosen: Guests) -> None:
    """In the Description always; those that Salesforce knows as Contacts stand at the Event, where the org allows."""
    scene.fake.order("POST", "features", {"sharedActivities": True})
    scene.configure(person_object="Contact", guests=chosen)
    scene.fake.seed("Contact", FirstName="Rui", LastName="Melo", Email="rui@guest.example")
    made = page.book(guests=["rui@guest.example", "nobody@guest.example"])
    [row] = scene.fake.records()["Event"]
    assert row["Description"].splitlines()[-1] == "Guests: rui@guest.example, nobody@guest.example"
    people = {r["Id"]: r["Email"] for r in scene.fake.records()["Contact"]}
    related = [people[r["RelationId"]] for r in scene.fake.records()["EventRelation"] if not r.get("IsWhat")]
    assert sorted(related) == sorted([EMAIL, "rui@guest.example"] if chosen is Guests.RELATE else [EMAIL])
    page.reschedule(made, LATER, "Travel clash")
    calls = scene.fake.calls()
    scene.hurry()
    scene.until_settled()
    assert scene.fake.calls() == calls
    assert len(page.whole()["Contact"]) == 2
    assert load_config(scene.lane()).guests is chosen
    assert row["OwnerId"] == next(u["Id"] for u in scene.fake.records()["User"] if u["Email"] == GRETA)
