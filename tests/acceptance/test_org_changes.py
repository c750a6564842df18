"""An org that changes under a connection: what was described before is described anew when a write shows it."""

from __future__ import annotations

import pytest
from page import EMAIL, Page, open_page

from faults.lives import AMARA, GRETA, NUNO
from faults.oracle import CONNECTED
from faults.scene import Scene
from instep.engine.lane import open_lane, refresh

STATUS = "Instep_Event_Status__c"


@pytest.fixture
def page(scene: Scene) -> Page:
    return open_page(scene)


def test_person_accounts_switched_on_after_connecting(scene: Scene, page: Page) -> None:
    """The first write that meets one has the org described anew, and goes through in the same run."""
    scene.configure(person_object="Contact")
    scene.fake.order("POST", "features", {"personAccounts": True})
    who = {"FirstName": "Ada", "LastName": "Aalto", "PersonEmail": EMAIL}
    types = scene.fake.records()["RecordType"]
    kind = next(row["Id"] for row in types if row.get("IsPersonType"))
    scene.fake.seed("Account", **who, RecordTypeId=kind)
    page.ask(mobile_phone="+358401234567")
    scene.drain()
    assert scene.pending() == 0
    [account] = page.whole()["Account"]
    assert (account["PersonEmail"], account["PersonMobilePhone"]) == (EMAIL, "+358401234567")
    [row] = page.whole()["Event"]
    assert row["WhoId"] == f"Contact {EMAIL} Ada Aalto"
    assert scene.problems() == []
    assert scene.rows("SELECT count(*) FROM field_quarantine")[0][0] == 0


def set_active(scene: Scene, address: str, active: bool) -> None:
    user = next(row for row in scene.fake.records()["User"] if row["Email"] == address)
    scene.fake.edit("User", user["Id"], IsActive=active)


def test_a_host_whose_user_was_deactivated_since_we_last_looked(scene: Scene, page: Page) -> None:
    """E4: the owner stays and no suffix is written, as for any host without a user; it heals when the user is back."""
    made = page.book()
    set_active(scene, AMARA, False)
    page.reassign(made, AMARA)
    [row] = page.whole()["Event"]
    assert (row["OwnerId"], row[STATUS]) == (GRETA, "Scheduled")
    assert "has no active user in Salesforce" in str(page.receipt(made)["notes"])
    page.reassign(made, NUNO)
    page.reassign(made, AMARA)
    [row] = page.whole()["Event"]
    assert (row["OwnerId"], row[STATUS]) == (NUNO, "Scheduled")
    assert scene.problems() == []

    set_active(scene, AMARA, True)
    refresh(open_lane(scene.account_id, scene.lane(), hurried=True), force=True)
    scene.until_settled()
    [row] = page.whole()["Event"]
    assert (row["OwnerId"], row[STATUS]) == (AMARA, "Scheduled (Reassigned by User)")


def test_new_records_of_a_host_whose_user_was_deactivated(scene: Scene, page: Page) -> None:
    """The person and the Event belong to the connected user, in one and the same run."""
    set_active(scene, GRETA, False)
    made = page.book(host=GRETA)
    whole = page.whole()
    assert {whole["Lead"][0]["OwnerId"], whole["Event"][0]["OwnerId"]} == {CONNECTED}
    assert whole["Event"][0][STATUS] == "Scheduled"
    assert "so the connected user owns it" in str(page.receipt(made)["notes"])
    assert scene.rows("SELECT count(*) FROM field_quarantine")[0][0] == 0


@pytest.mark.parametrize("how", ["hidden", "encrypted"])
def test_nobody_is_made_while_nobody_can_be_looked_for(scene: Scene, page: Page, how: str) -> None:
    """Whoever is there would be made twice. The Event is written, and related once the field is open again."""
    scene.fake.seed("Lead", FirstName="Ada", LastName="Aalto", Company="Aalto Oy", Email=EMAIL)
    if how == "hidden":
        scene.fake.order("POST", "fls", {"object": "Lead", "field": "Email", "read": False, "edit": False})
    else:
        closed = {"object": "Lead", "field": "Email", "change": {"filterable": False}}
        scene.fake.order("POST", "field", closed)
    refresh(open_lane(scene.account_id, scene.lane(), hurried=True), force=True)
    made = page.book()
    assert len(page.whole()["Lead"]) == 1
    assert [row.get("WhoId") for row in page.whole()["Event"]] == [None]
    [problem] = scene.problems()
    assert problem["error_code"] == "NOT_SEARCHABLE"
    assert "Lead.Email" in problem["error_message"]
    assert page.receipt(made)["match"]["outcome"] == "waits"

    if how == "hidden":
        scene.fake.order("POST", "fls", {"object": "Lead", "field": "Email", "read": True, "edit": True})
    else:
        scene.fake.order("POST", "field", {**closed, "change": {"filterable": True}})
    refresh(open_lane(scene.account_id, scene.lane(), hurried=True), force=True)
    scene.until_settled()
    assert [row["Email"] for row in page.whole()["Lead"]] == [EMAIL]
    assert [row["WhoId"] for row in page.whole()["Event"]] == [f"Lead {EMAIL} Ada Aalto"]
    assert scene.problems() == []
