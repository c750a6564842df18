"""The acceptance cases of the creation rules, by their numbers: which record, whose, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from page import COMPANY, EMAIL, NAME, Page, account, case, contact, crm, event, lead, open_page

from faults.lives import AMARA, DAY, GRETA, NUNO
from faults.oracle import CONNECTED
from faults.scene import Scene
from instep.core.creation import CASE, NONE, OwnerRule, Ownership, PersonAccounts
from instep.core.errors import InputError
from instep.core.rules import with_case_calendars, with_data_rule
from instep.engine.lane import load_config

BY = {"FirstName": "Ada", "LastName": "Aalto", "Email": EMAIL}
LATER = DAY + timedelta(hours=2)


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def modified(days_ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def there(**fields: Any) -> dict[str, Any]:
    """A record that was there before, as it is compared."""
    return {"OwnerId": CONNECTED, **fields}


def rule(scene: Scene, override: bool, *objects: str) -> None:
    """Set the data option of these objects' cards."""
    config = load_config(scene.lane())
    for name in objects:
        config = with_data_rule(config, name, override)
    scene.configure(rows=config.rows)


# --- Leads and Contacts ---------------------------------------------------------------------------


@pytest.mark.parametrize("override", [False, True], ids=["only empty", "override"])
def test_case_05_the_data_option_of_an_existing_lead(scene: Scene, page: Page, override: bool) -> None:
    """“Only empty” keeps what is there and fills the rest; “override” replaces it."""
    scene.fake.seed("Lead", **BY, Company="Old Oy")
    rule(scene, override, "Lead")
    made = page.book(phone="+358401234567")
    known = there(**BY, Company=COMPANY if override else "Old Oy", Phone="+358401234567")
    assert page.whole() == crm(Lead=[known], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])


def test_case_06_of_two_leads_only_the_most_recent_changes(scene: Scene, page: Page) -> None:
    """Two Leads with one address: the one modified last is used, the other stays as it is."""
    scene.fake.seed("Lead", **BY, Company="Old Oy", LastModifiedDate=modified(20))
    scene.fake.seed("Lead", **BY, Company="New Oy", LastModifiedDate=modified(3))
    made = page.book(phone="+358401234567")
    assert page.whole() == crm(
        Lead=[there(**BY, Company="Old Oy"), there(**BY, Company="New Oy", Phone="+358401234567")],
        Contact=[],
        Account=[],
        Case=[],
        Event=[event(made, "Lead")],
    )


@pytest.mark.parametrize("links", ["Contact", CASE])
def test_case_07_the_record_id_decides_the_object(scene: Scene, page: Page, links: str) -> None:
    """A link with a Lead's id on a page for Contacts or Cases: the Lead is used, whatever its address says."""
    record = scene.fake.seed("Lead", FirstName="Ada", LastName="Lovelace", Company="Analytical")
    scene.fake.seed("Contact", **BY)
    page.rules(links=links)
    made = page.book(record_ids={"lead": record[:15]})
    known = there(FirstName="Ada", LastName="Lovelace", Company="Analytical", Email=EMAIL)
    assert page.whole() == crm(
        Lead=[known],
        Contact=[there(**BY)],
        Account=[],
        Case=[],
        Event=[event(made, "Lead", WhoId=f"Lead {EMAIL} Ada Lovelace")],
    )


def test_case_07_an_unknown_id_falls_back_to_the_address(scene: Scene, page: Page) -> None:
    """An id that no record has, and one of another object, are no ids: the address is searched."""
    scene.fake.seed("Contact", **BY)
    made = page.book(record_ids={"lead": "00Q000000000999", "contact": "001000000000001AAA"})
    assert page.whole() == crm(
        Lead=[],
        Contact=[there(**BY)],
        Account=[],
        Case=[],
        Event=[event(made, "Contact", AccountId=None)],
    )


def test_case_08_a_new_contact_belongs_to_the_page_owner_and_gets_an_account(
    scene: Scene, page: Page
) -> None:
    """Owner is the page's owner; the Account is made once, and found by its exact name the next time."""
    scene.configure(person_object="Contact")
    first = page.book()
    second = page.book("Bo Berg", email="bo@guest.example", at=LATER, host=AMARA)
    bo = contact(FirstName="Bo", LastName="Berg", Email="bo@guest.example", OwnerId=AMARA)
    assert page.whole() == crm(
        Lead=[],
        Contact=[contact(), bo],
        Account=[account()],
        Case=[],
        Event=[
            event(first, "Contact"),
            event(second, "Contact", LATER, OwnerId=AMARA, WhoId="Contact bo@guest.example Bo Berg"),
        ],
    )


def test_case_08_two_new_contacts_of_one_company_in_one_batch(scene: Scene, page: Page) -> None:
    """One Account, made once."""
    scene.configure(person_object="Contact")
    page.ask()
    page.ask("Bo Berg", email="bo@guest.example", at=LATER, company=f" {COMPANY.upper()}")
    scene.until_settled()
    assert len(page.whole()["Contact"]) == 2
    assert len(page.whole()["Account"]) == 1


def test_case_08_without_a_company_a_contact_has_no_account(scene: Scene, page: Page) -> None:
    """No company given: the Contact is made without an Account."""
    scene.configure(person_object="Contact")
    made = page.book(company="")
    assert page.whole() == crm(
        Lead=[],
        Contact=[contact(AccountId=None)],
        Account=[],
        Case=[],
        Event=[event(made, "Contact", AccountId=None)],
    )


def test_case_09_contacts_have_no_assignment_rules(scene: Scene, page: Page) -> None:
    """Neither for existing nor for new ones: such a configuration is refused by name."""
    for wrong in (OwnerRule(Ownership.RULES), OwnerRule(new=Ownership.RULES)):
        with pytest.raises(
            InputError, match=r"owners\.Contact: Salesforce has assignment rules for Case and Lead"
        ):
            scene.configure(owners={"Contact": wrong})


@pytest.mark.parametrize("existing", [Ownership.KEEP, Ownership.HOST])
def test_the_owner_of_an_existing_record(scene: Scene, page: Page, existing: Ownership) -> None:
    """Kept, or the booking's host; whom somebody chose in Salesforce since stays until the host changes."""
    record = scene.fake.seed("Lead", **BY, Company="Old Oy")
    scene.configure(owners={"Lead": OwnerRule(existing)})
    page.book()
    asked = existing is Ownership.HOST
    assert page.whole()["Lead"][0]["OwnerId"] == (GRETA if asked else CONNECTED)
    users = {row["Email"]: row["Id"] for row in scene.fake.records()["User"]}
    scene.fake.edit("Lead", record, OwnerId=users[NUNO])
    page.book(at=LATER)
    assert page.whole()["Lead"][0]["OwnerId"] == NUNO
    page.book(at=LATER + timedelta(hours=1), host=AMARA)
    assert page.whole()["Lead"][0]["OwnerId"] == (AMARA if asked else NUNO)


def queue(scene: Scene, name: str) -> None:
    """An active assignment rule that gives every record of that object to a queue."""
    made = scene.fake.order("POST", "queues", {"name": f"{name} queue", "objects": [name]})
    entries = [{"when": "", "owner": made["Id"]}]
    scene.fake.order("POST", "assignment-rules", {"object": name, "name": "Usual", "entries": entries})


def test_assignment_rules_choose_the_owner_of_new_leads(scene: Scene, page: Page) -> None:
    """Where they are chosen; otherwise they stay out, and the host owns the Lead."""
    queue(scene, "Lead")
    page.book()
    assert page.whole()["Lead"] == [lead()]
    scene.configure(owners={"Lead": OwnerRule(new=Ownership.RULES)})
    page.book("Bo Berg", email="bo@guest.example", at=LATER)
    owners = {row["Email"]: row["OwnerId"] for row in page.whole()["Lead"]}
    assert owners == {EMAIL: GRETA, "bo@guest.example": "Queue Lead queue"}


def test_assignment_rules_run_once_for_each_booking_of_an_existing_lead(scene: Scene, page: Page) -> None:
    """At the booking, not at every later change of it."""
    record = scene.fake.seed("Lead", **BY, Company=COMPANY)
    queue(scene, "Lead")
    scene.configure(owners={"Lead": OwnerRule(Ownership.RULES)})
    made = page.book()
    assert page.whole()["Lead"][0]["OwnerId"] == "Queue Lead queue"
    users = {row["Email"]: row["Id"] for row in scene.fake.records()["User"]}
    scene.fake.edit("Lead", record, OwnerId=users[NUNO])
    page.cancel(made, "Ill")
    assert page.whole()["Lead"][0]["OwnerId"] == NUNO


# --- Cases ----------------------------------------------------------------------------------------


def test_case_10_a_general_link_on_a_case_page_always_makes_a_new_case(scene: Scene, page: Page) -> None:
    """A Case with that address is never matched; the Contact is updated by the Contact rules."""
    scene.fake.seed("Contact", **BY)
    scene.fake.seed("Case", Subject="Older", SuppliedEmail=EMAIL)
    page.rules(links=CASE)
    first, second = page.book(phone="+358401234567"), page.book(at=LATER)
    about = {"WhatId": "Case Product demo", "AccountId": None}
    one = case(first, AccountId=None, SuppliedPhone="+358401234567")
    assert page.whole() == crm(
        Lead=[],
        Contact=[there(**BY, Phone="+358401234567")],
        Account=[],
        Case=[
            there(Subject="Older", SuppliedEmail=EMAIL),
            one,
            case(second, AccountId=None, SuppliedPhone="+358401234567"),
        ],
        Event=[event(first, "Contact", **about), event(second, "Contact", LATER, **about)],
    )


def test_case_10_a_lead_with_the_address_is_only_a_candidate(scene: Scene, page: Page) -> None:
    """A Case never goes with a Lead: a Contact is made, the Lead is named and left as it is."""
    record = scene.fake.seed("Lead", **BY, Company="Old Oy")
    page.rules(links=CASE)
    made = page.book()
    assert page.whole() == crm(
        Lead=[there(**BY, Company="Old Oy")],
        Contact=[contact()],
        Account=[account()],
        Case=[case(made)],
        Event=[event(made, "Contact", WhatId="Case Product demo")],
    )
    candidates = page.receipt(made)["match"]["candidates"]
    assert [(c["id"], c["reason"]) for c in candidates] == [(record, "a Lead cannot have a Case")]


@pytest.mark.parametrize("override", [False, True], ids=["only empty", "override"])
def test_case_10_a_case_named_by_its_id_is_updated(scene: Scene, page: Page, override: bool) -> None:
    """The Case and its own Contact are updated by their rules; the Event stands at both."""
    person = scene.fake.seed("Contact", FirstName="Ada", LastName="Lovelace")
    known = scene.fake.seed("Case", Subject="Printer on fire", ContactId=person)
    rule(scene, override, "Case")
    made = page.book(record_ids={"case": known})
    kept = {"Subject": "Product demo" if override else "Printer on fire", "SuppliedName": NAME}
    kept |= {"SuppliedEmail": EMAIL, "SuppliedCompany": COMPANY, "ContactId": f"Contact {EMAIL} Ada Lovelace"}
    assert page.whole() == crm(
        Lead=[],
        Contact=[there(FirstName="Ada", LastName="Lovelace", Email=EMAIL)],
        Account=[],
        Case=[there(**kept)],
        Event=[
            event(
                made,
                "Contact",
                AccountId=None,
                WhoId=f"Contact {EMAIL} Ada Lovelace",
                WhatId=f"Case {kept['Subject']}",
            )
        ],
    )


def test_case_10_assignment_rules_choose_the_owner_of_new_cases(scene: Scene, page: Page) -> None:
    """Cases know them too; the Contact of the same booking belongs to the host."""
    queue(scene, "Case")
    scene.configure(owners={"Case": OwnerRule(new=Ownership.RULES)})
    page.rules(links=CASE)
    made = page.book()
    assert page.whole() == crm(
        Lead=[],
        Contact=[contact()],
        Account=[account()],
        Case=[case(made, OwnerId="Queue Case queue")],
        Event=[event(made, "Contact", WhatId="Case Product demo")],
    )


def test_case_22_cases_only_for_chosen_calendars(scene: Scene, page: Page) -> None:
    """Meetings of other calendars are Events of a Lead, as the connection says."""
    config = with_case_calendars(load_config(scene.lane()), ["BKC-OTHER"])
    scene.configure(calendars=config.calendars)
    made = page.book()
    assert page.whole() == crm(Lead=[lead()], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])


# --- person accounts ------------------------------------------------------------------------------


def person_accounts(scene: Scene) -> str:
    """Switch them on; the id of their record type."""
    scene.fake.order("POST", "features", {"personAccounts": True})
    scene.configure()
    types = scene.fake.records()["RecordType"]
    return str(next(row["Id"] for row in types if row.get("IsPersonType")))


@pytest.mark.parametrize("new", ["Lead", "Contact"])
def test_case_11_an_existing_person_account_is_updated(scene: Scene, page: Page, new: str) -> None:
    """Found by its address, whatever new people become; the Event is related to the Contact behind it."""
    kind = person_accounts(scene)
    who = {"FirstName": "Ada", "LastName": "Aalto", "PersonEmail": EMAIL}
    scene.fake.seed("Account", **who, RecordTypeId=kind)
    scene.configure(person_object=new)
    made = page.book(mobile_phone="+358401234567")
    known = there(
        Name=NAME, **who, PersonMobilePhone="+358401234567", RecordTypeId="Record type PersonAccount"
    )
    behind = there(**BY, MobilePhone="+358401234567", AccountId=f"Account {NAME}")
    assert page.whole() == crm(
        Lead=[],
        Contact=[behind],
        Account=[known],
        Case=[],
        Event=[event(made, "Contact", AccountId=f"Account {NAME}")],
    )


def test_case_11_a_person_account_by_the_id_of_its_contact_and_with_a_case(scene: Scene, page: Page) -> None:
    """The id in the link is that of the Contact behind it; on a page for Cases the Case is related to it too."""
    kind = person_accounts(scene)
    who = {"FirstName": "Ada", "LastName": "Aalto", "PersonEmail": "else@guest.example"}
    scene.fake.seed("Account", **who, RecordTypeId=kind)
    behind = scene.fake.records()["Contact"][0]["Id"]
    named = page.book(record_ids={"contact": behind})
    page.rules(links=CASE)
    made = page.book(email="else@guest.example", at=LATER)
    found = page.whole()
    related = f"Contact else@guest.example {NAME}"
    assert [(row["Instep_Booking_Id__c"], row["ContactId"]) for row in found["Case"]] == [(made, related)]
    assert {row["Instep_Booking_Id__c"]: row["WhoId"] for row in found["Event"]} == {
        named: related,
        made: related,
    }
    assert [len(found[name]) for name in ("Lead", "Contact", "Account")] == [0, 1, 1]


def test_case_11_none_is_made_unless_the_admin_chose_so(scene: Scene, page: Page) -> None:
    """Missing: a Contact is made, no person account."""
    person_accounts(scene)
    scene.configure(person_object="Contact")
    page.book()
    assert [row.get("RecordTypeId") for row in page.whole()["Account"]] == [None]
    assert page.whole()["Contact"] == [contact()]


def test_person_accounts_are_made_where_the_admin_chose_so(scene: Scene, page: Page) -> None:
    """R6: who names no company becomes a person account; the Event is related to the Contact behind it."""
    kind = person_accounts(scene)
    scene.configure(
        person_object="Contact",
        person_accounts=PersonAccounts.WITHOUT_COMPANY,
        record_types={"PersonAccount": kind},
    )
    made = page.book(company="", mobile_phone="+358401234567")
    known = {
        "Name": NAME,
        "FirstName": "Ada",
        "LastName": "Aalto",
        "PersonEmail": EMAIL,
        "PersonMobilePhone": "+358401234567",
        "OwnerId": GRETA,
        "Instep_Contact_Id__pc": "CTC",
        "RecordTypeId": "Record type PersonAccount",
    }
    [found] = page.whole()["Account"]
    assert {**found, "Instep_Contact_Id__pc": found["Instep_Contact_Id__pc"][:3]} == known
    assert page.whole()["Event"] == [event(made, "Contact", AccountId=f"Account {NAME}")]
    again = page.book(company="", at=LATER)
    assert len(page.whole()["Account"]) == 1
    assert {row["Instep_Booking_Id__c"] for row in page.whole()["Event"]} == {made, again}


# --- pages that are not integrated ----------------------------------------------------------------


def test_case_12_a_page_that_is_not_integrated(scene: Scene, page: Page) -> None:
    """Nothing is written for a general link; a link with a Salesforce id is written all the same."""
    record = scene.fake.seed("Contact", **BY)
    page.rules(links=NONE)
    quiet = page.book(phone="+358401234567")
    assert page.whole() == crm(Lead=[], Contact=[there(**BY)], Account=[], Case=[], Event=[])
    made = page.book(at=LATER, record_ids={"contact": record})
    assert page.whole() == crm(
        Lead=[],
        Contact=[there(**BY, Phone="+358401234567")],
        Account=[],
        Case=[],
        Event=[event(made, "Contact", LATER, AccountId=None)],
    )
    page.cancel(quiet, "Ill")
    assert len(page.whole()["Event"]) == 1


# --- the new integration --------------------------------------------------------------------------


def test_case_19_address_then_phone_then_new(scene: Scene, page: Page) -> None:
    """An address matches; without one a phone does, of two the most recently modified; nobody: a new record."""
    scene.fake.seed(
        "Contact", FirstName="Old", LastName="One", Phone="+14155550100", LastModifiedDate=modified(9)
    )
    scene.fake.seed(
        "Contact", FirstName="New", LastName="One", Phone="+14155550100", LastModifiedDate=modified(2)
    )
    scene.fake.seed("Contact", **BY)
    page.book()
    page.tell_without_address("Bo Berg", "+14155550100")
    page.book("Chen Castro", email="chen@guest.example", at=LATER + timedelta(hours=1))
    found = page.whole()
    assert [row["Email"] for row in found["Lead"]] == ["chen@guest.example"]
    assert {row["WhoId"].split(" ", 1)[1] for row in found["Event"]} == {
        f"{EMAIL} {NAME}",
        "None New One",
        "chen@guest.example Chen Castro",
    }


@pytest.mark.parametrize("override", [False, True])
def test_case_20_overwrite(scene: Scene, page: Page, override: bool) -> None:
    """Off keeps a value, on replaces it; a blank never erases."""
    scene.fake.seed("Lead", **BY, Company="Old Oy", Phone="+14155550100")
    rule(scene, override, "Lead")
    made = page.book()
    known = there(**BY, Company=COMPANY if override else "Old Oy", Phone="+14155550100")
    assert page.whole() == crm(Lead=[known], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])
