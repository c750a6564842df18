"""Fields that an org requires later, and what admins fill them with: what happens to records from before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from page import COMPANY, EMAIL, Page, crm, event, lead, open_page

from faults.lives import DAY
from faults.oracle import CONNECTED
from faults.scene import Scene
from instep.core.mapping import Row
from instep.engine.lane import load_config, open_lane, refresh

LATER = DAY + timedelta(hours=2)
BO = {"FirstName": "Bo", "LastName": "Berg", "Email": "bo@guest.example", "Company": "Berg Ab"}


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def require(scene: Scene, name: str, field: str) -> None:
    """An admin makes a field that every record must have, and Instep looks."""
    made = {"type": "string", "length": 40, "label": "Region", "nillable": False}
    scene.fake.order("POST", "field", {"object": name, "field": field, "create": made})
    refresh(open_lane(scene.account_id, scene.lane()), force=True)


def fill(scene: Scene, name: str, *rows: Row) -> None:
    """The rows that an admin adds, in place of those that fill the same fields."""
    known: dict[str, Sequence[Row]] = load_config(scene.lane()).rows
    kept = [row for row in known[name] if row.field not in {new.field for new in rows}]
    scene.configure(rows={**known, name: (*kept, *rows)})


def test_what_fills_required_fields_is_for_new_records(scene: Scene, page: Page) -> None:
    """Saving it touches nothing that is there; new records get it, found ones no default."""
    made = page.book()
    scene.fake.seed("Lead", **BO)
    before = page.whole()
    require(scene, "Lead", "Region__c")
    fill(scene, "Lead", Row("static:Web", "LeadSource"))
    fill(scene, "Event", Row("static:Free", "ShowAs"))
    scene.until_settled()
    assert page.whole() == before
    other = page.book("Cy Cole", email="cy@guest.example", at=LATER)
    named = {"FirstName": "Cy", "LastName": "Cole", "Email": "cy@guest.example"}
    new = lead(**named, LeadSource="Web", Region__c="Unspecified")
    meeting = event(other, "Lead", LATER, WhoId="Lead cy@guest.example Cy Cole", ShowAs="Free")
    known = {"OwnerId": CONNECTED, **BO}
    assert page.whole() == crm(
        Lead=[lead(), known, new], Contact=[], Account=[], Case=[], Event=[event(made, "Lead"), meeting]
    )


def test_fixed_values_ride_along_and_a_default_where_the_crm_insists(scene: Scene, page: Page) -> None:
    """A change of the booking brings the fixed value; a record that the CRM will not change without its required
    field gets the default then, and the Event its person."""
    scene.fake.seed("Lead", FirstName="Ada", LastName="Aalto", Email=EMAIL, Company=COMPANY)
    require(scene, "Lead", "Region__c")
    fill(scene, "Lead", Row("static:Web", "LeadSource"))
    made = page.book(phone="+358401234567")
    there = {
        "FirstName": "Ada",
        "LastName": "Aalto",
        "Email": EMAIL,
        "Company": COMPANY,
        "OwnerId": CONNECTED,
    }
    known = {**there, "Phone": "+358401234567", "LeadSource": "Web", "Region__c": "Unspecified"}
    assert page.whole() == crm(Lead=[known], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])


def test_a_required_field_is_left_alone_where_nothing_else_is_written(scene: Scene, page: Page) -> None:
    """A found Lead that has all that the booking says is not written to for a default."""
    known = {"FirstName": "Ada", "LastName": "Aalto", "Email": EMAIL, "Company": COMPANY}
    scene.fake.seed("Lead", **known)
    require(scene, "Lead", "Region__c")
    made = page.book()
    there = {**known, "OwnerId": CONNECTED}
    assert page.whole() == crm(Lead=[there], Contact=[], Account=[], Case=[], Event=[event(made, "Lead")])
