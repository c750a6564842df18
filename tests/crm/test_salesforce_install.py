"""Installing the connector's fields: exactly as documented, once, and told plainly when it fails."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from crm_batches import StandIn, event, lead, scripted
from instep.core.errors import NeedsAdmin, Retry, Scope
from instep.core.lookup import Lookup, ObjectLookup
from instep.crm.salesforce import SalesforceClient, SalesforceCrm, zip_bytes
from instep.crm.salesforce.install import install

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


def package() -> dict[str, ElementTree.Element]:
    with zipfile.ZipFile(io.BytesIO(zip_bytes())) as archive:
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


def plain(element: ElementTree.Element) -> dict[str, str]:
    return {child.tag.removeprefix(NAMESPACE): child.text or "" for child in element}


def fields(object_name: str) -> dict[str, dict[str, str]]:
    described = (plain(f) for f in package()[f"objects/{object_name}.object"])
    return {f["fullName"]: {k: v for k, v in f.items() if k != "description"} for f in described}


EXTERNAL_ID = {
    "type": "Text",
    "length": "255",
    "externalId": "true",
    "unique": "true",
    "caseSensitive": "false",
    "required": "false",
}


def test_the_fields_are_exactly_those_that_were_promised() -> None:
    activity = fields("Activity")
    assert list(activity) == [
        "Instep_Event_Status__c",
        "Instep_Cancel_Reschedule_Reason__c",
        "Instep_Booking_Id__c",
    ]
    reason = activity["Instep_Cancel_Reschedule_Reason__c"]
    assert (reason["label"], reason["type"]) == ("Cancel/reschedule reason", "TextArea")
    assert "length" not in reason, "a Text Area has 255 characters and takes no length"
    booking_id = {"fullName": "Instep_Booking_Id__c", "label": "Booking id", **EXTERNAL_ID}
    contact_id = {"fullName": "Instep_Contact_Id__c", "label": "Contact id", **EXTERNAL_ID}
    assert activity["Instep_Booking_Id__c"] == booking_id
    assert fields("Case") == {"Instep_Booking_Id__c": booking_id}
    assert fields("Lead") == fields("Contact") == {"Instep_Contact_Id__c": contact_id}


def test_the_status_is_an_open_picklist_of_the_seven_texts() -> None:
    (status, *_) = package()["objects/Activity.object"]
    assert plain(status)["label"] == "Event status"
    assert plain(status)["type"] == "Picklist"
    assert status.findtext(f".//{NAMESPACE}restricted") == "false"
    values = [v.findtext(f"{NAMESPACE}fullName") for v in status.iter(f"{NAMESPACE}value")]
    assert values == [
        "Scheduled",
        "Rescheduled",
        "Completed",
        "Canceled",
        "No-show",
        "Scheduled (Reassigned by User)",
        "Rescheduled (Reassigned by User)",
    ]


def test_the_permission_set_grants_what_is_needed_and_no_more() -> None:
    root = package()["permissionsets/Instep_Connector.permissionset"]
    assert root.findtext(f"{NAMESPACE}label") == "Instep connector"
    assert root.find(f"{NAMESPACE}license") is None, "it must fit users of any licence"
    granted = {plain(e)["field"]: plain(e) for e in root.iter(f"{NAMESPACE}fieldPermissions")}
    assert set(granted) == {
        "Event.Instep_Event_Status__c",
        "Event.Instep_Cancel_Reschedule_Reason__c",
        "Event.Instep_Booking_Id__c",
        "Event.WhoId",
        "Event.WhatId",
        "Event.Location",
        "Event.Description",
        "Event.IsAllDayEvent",
        "Lead.Email",
        "Lead.Phone",
        "Lead.MobilePhone",
        "Contact.AccountId",
        "Contact.Email",
        "Contact.Phone",
        "Contact.MobilePhone",
        "Account.Phone",
        "Case.ContactId",
        "Case.Subject",
        "Case.Description",
        "Case.SuppliedName",
        "Case.SuppliedEmail",
        "Case.SuppliedPhone",
        "Case.SuppliedCompany",
        "Case.Instep_Booking_Id__c",
        "Lead.Instep_Contact_Id__c",
        "Contact.Instep_Contact_Id__c",
    }
    assert all((g["readable"], g["editable"]) == ("true", "true") for g in granted.values())
    objects = [plain(e) for e in root.iter(f"{NAMESPACE}objectPermissions")]
    assert [o["object"] for o in objects] == ["Account", "Case", "Contact", "Lead"]
    assert {o["allowDelete"] for o in objects} == {o["viewAllRecords"] for o in objects} == {"false"}
    users = {plain(e)["name"] for e in root.iter(f"{NAMESPACE}userPermissions")}
    assert users == {"ApiEnabled", "EditEvent"}


def test_the_package_names_every_part_and_no_other_prefix() -> None:
    members = {e.text for e in package()["package.xml"].iter(f"{NAMESPACE}members")}
    assert members == {
        "Activity.Instep_Event_Status__c",
        "Activity.Instep_Cancel_Reschedule_Reason__c",
        "Activity.Instep_Booking_Id__c",
        "Case.Instep_Booking_Id__c",
        "Lead.Instep_Contact_Id__c",
        "Contact.Instep_Contact_Id__c",
        "Instep_Connector",
    }
    assert zip_bytes() == zip_bytes()


def test_installing_twice_changes_nothing_more(standin: StandIn) -> None:
    crm = standin.connect()
    before = crm.preflight()
    assert not before["complete"]
    assert not before["permission_set"]
    assert not any(before["fields"].values())
    first, second = crm.install(), crm.install()
    assert first["complete"]
    assert second["complete"]
    assert len(first["created"]) == 7
    assert second["created"] == []
    assert len(standin.records("PermissionSetAssignment")) == 1
    after = crm.preflight()
    assert after["complete"]
    assert after["assigned"]
    assert all(after["fields"].values())


def test_what_was_installed_can_be_written_and_found(standin: StandIn, crm: SalesforceCrm) -> None:
    assert all(r.ok for r in crm.apply([lead(1), event(1, "lead1")]).results.values())
    asked = ObjectLookup("Event", ("Instep_Booking_Id__c",), {"Instep_Booking_Id__c": ("b-1",)})
    (found,) = crm.observe(Lookup((asked,))).records
    assert found.get("Instep_Booking_Id__c") == "B-1"


def test_a_right_that_is_taken_away_shows_in_the_preflight(standin: StandIn, crm: SalesforceCrm) -> None:
    body = {"object": "Event", "field": "Instep_Event_Status__c", "read": True, "edit": False}
    standin.admin("POST", "fls", body)
    report = crm.preflight()
    assert not report["complete"]
    assert [name for name, there in report["fields"].items() if not there] == ["Event.Instep_Event_Status__c"]


# -- failures ------------------------------------------------------------------------------------


def deploying(*results: dict[str, Any]) -> SalesforceClient:
    """An org whose deployment shows these results, one at each look."""
    left = list(results)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            assert request.headers["content-type"].startswith("multipart/form-data")
            assert zip_bytes("68.0") in request.content
            return httpx2.Response(201, json={"id": "0Af000000000001AAA"})
        return httpx2.Response(200, json={"deployResult": left.pop(0) if len(left) > 1 else left[0]})

    return scripted(answer).client


def test_a_failed_deployment_names_the_component_the_problem_and_the_cure() -> None:
    failures = [
        {
            "fullName": "Activity.Instep_Booking_Id__c",
            "problem": "You have reached the maximum of 25",
            "x": 1,
        },
        {"fullName": "Instep_Connector", "problem": "Unknown user permission"},
    ]
    waited: list[float] = []
    client = deploying(
        {"done": False, "status": "Pending"},
        {"done": False, "status": "InProgress"},
        {"done": True, "success": False, "status": "Failed", "details": {"componentFailures": failures}},
    )
    with pytest.raises(NeedsAdmin) as caught:
        install(client, "005000000000001AAA", waited.append)
    told = str(caught.value)
    assert "Activity.Instep_Booking_Id__c (You have reached the maximum of 25)" in told
    assert "Instep_Connector (Unknown user permission)" in told
    assert caught.value.cure in told
    assert caught.value.scope is Scope.CONNECTION
    assert len(waited) == 2
    assert waited[0] < waited[1]


def test_a_deployment_that_never_ends_is_given_up() -> None:
    waited: list[float] = []
    with pytest.raises(Retry, match="0Af000000000001AAA"):
        install(deploying({"done": False}), "005000000000001AAA", waited.append)
    assert 600 <= sum(waited) < 700


def test_a_user_without_the_right_to_deploy_is_told_whom_to_ask() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        error = {"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}
        return httpx2.Response(403, json=[error])

    with pytest.raises(NeedsAdmin, match="insufficient access rights") as caught:
        install(scripted(answer).client, "005000000000001AAA")
    assert "administrator" in caught.value.cure
