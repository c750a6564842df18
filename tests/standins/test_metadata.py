"""Deploying fields and a permission set, and what they change for the connected user."""

from __future__ import annotations

import pytest

from standins.sf import BASE, BOOKING_ID, CONTACT_ID, STATUS, Client, package

EVENT = {"StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}


def event_fields(sf: Client) -> dict[str, dict[str, object]]:
    return {f["name"]: f for f in sf.call("GET", "/sobjects/Event/describe").json()["fields"]}


def test_deployed_field_is_invisible_until_its_permission_set_is_assigned(sf: Client) -> None:
    assert sf.deploy(package())["status"] == "Succeeded"
    assert "Instep_Booking_Id__c" not in event_fields(sf)
    assert sf.refusal("POST", "/sobjects/Event", {**EVENT, "Instep_Booking_Id__c": "x"})[1] == "INVALID_FIELD"
    assert sf.query("SELECT Instep_Booking_Id__c FROM Event").status_code == 400
    sf.assign()
    field = event_fields(sf)["Instep_Booking_Id__c"]
    wanted = {
        "type": "string", "length": 255, "unique": True, "externalId": True, "caseSensitive": False, "createable": True,
        "updateable": True, "custom": True, "label": "Booking id", "idLookup": True,
    }  # fmt: skip
    assert {key: field[key] for key in wanted} == wanted
    assert event_fields(sf)["Instep_Event_Status__c"]["restrictedPicklist"] is False
    sf.create("Event", **EVENT, Instep_Booking_Id__c="x", Instep_Event_Status__c="Any text")


def test_same_package_again_changes_nothing(sf: Client) -> None:
    first = sf.deploy(package())["details"]["componentSuccesses"]
    again = sf.deploy(package())["details"]["componentSuccesses"]
    assert {(c["created"], c["changed"]) for c in first} == {(True, True)}
    assert {(c["created"], c["changed"]) for c in again} == {(False, False)}
    assert len(sf.rows("SELECT Id FROM PermissionSet")) == 1


def test_one_assignment_per_user(sf: Client) -> None:
    sf.install()
    [held] = sf.rows("SELECT PermissionSetId, AssigneeId, PermissionSet.Name FROM PermissionSetAssignment")
    assert held["PermissionSet"]["Name"] == "Instep_Connector"
    body = {"PermissionSetId": held["PermissionSetId"], "AssigneeId": held["AssigneeId"]}
    assert sf.refusal("POST", "/sobjects/PermissionSetAssignment", body)[1] == "DUPLICATE_VALUE"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            package(grants=("Activity.Instep_Booking_Id__c",)),
            "no CustomField named Activity.Instep_Booking_Id__c",
        ),
        (package(grants=("Event.Subject",)), "You cannot deploy to a required field: Event.Subject"),
        (package(grants=("Event.Missing__c",)), "no CustomField named Event.Missing__c found"),
        (package(fields={"Event": BOOKING_ID}, grants=()), "Entity Event does not take custom fields"),
        (package(fields={"Lead": CONTACT_ID.replace(">255<", ">300<")}, grants=()), "between 1 and 255"),
        (
            package(fields={"Lead": STATUS.replace("Picklist", "Hologram")}, grants=()),
            "type Hologram is not supported",
        ),
        (package(extra_member="<members>Lead.Absent__c</members>"), "no CustomField named Lead.Absent__c"),
        ({"readme.txt": "nothing"}, "No package.xml found"),
        ({**package(), "objects/Lead.object": "<broken"}, "not well-formed"),
        ({**package(), "objects/Lead.object": "<!DOCTYPE x><x/>"}, "document type declarations"),
    ],
)
def test_failed_component_rolls_the_package_back(sf: Client, files: dict[str, str], problem: str) -> None:
    result = sf.deploy(files)
    assert (result["success"], result["status"]) == (False, "Failed")
    [failure] = result["details"]["componentFailures"][:1]
    assert problem in failure["problem"]
    assert failure["problemType"] == "Error"
    assert sf.rows("SELECT Id FROM PermissionSet") == []
    again = sf.deploy(package())["details"]["componentSuccesses"]
    assert all(component["created"] for component in again)


def test_without_rollback_the_good_components_stay(sf: Client) -> None:
    result = sf.deploy(package(grants=("Event.Subject",)), rollbackOnError=False)
    assert result["status"] == "SucceededPartial"
    assert {c["componentType"] for c in result["details"]["componentSuccesses"]} == {"CustomField"}


def test_check_only_leaves_the_org_as_it_was(sf: Client) -> None:
    assert sf.deploy(package(), checkOnly=True)["success"] is True
    assert sf.rows("SELECT Id FROM PermissionSet") == []


def test_broken_zip_and_wrong_form(sf: Client) -> None:
    form = {"json": ("", "{}", "application/json"), "file": ("a.zip", b"no zip", "application/zip")}
    answer = sf.http.post(BASE + "/metadata/deployRequest", files=form)
    result = sf.call("GET", f"/metadata/deployRequest/{answer.json()['id']}?includeDetails=true").json()
    assert result["deployResult"]["success"] is False
    assert sf.refusal("POST", "/metadata/deployRequest", {"a": 1})[0] == 400


def test_missing_permission_to_deploy(sf: Client) -> None:
    sf.fake("settings", {"permissions": {"PermissionsModifyMetadata": False}})
    assert (
        sf.rows("SELECT PermissionsModifyMetadata FROM UserPermissionAccess")[0]["PermissionsModifyMetadata"]
        is False
    )
    form = {"json": ("", "{}", "application/json"), "file": ("a.zip", b"", "application/zip")}
    assert sf.http.post(BASE + "/metadata/deployRequest", files=form).status_code == 403


def test_field_hidden_or_locked_by_the_admin(sf: Client) -> None:
    sf.fake("fls", {"object": "Lead", "field": "Title", "read": True, "edit": False})
    body = {"LastName": "A", "Company": "C", "Title": "x"}
    assert sf.refusal("POST", "/sobjects/Lead", body)[:3] == (
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ["Title"],
    )
    sf.fake("fls", {"object": "Lead", "field": "Title", "read": False, "edit": False})
    assert sf.refusal("POST", "/sobjects/Lead", body)[1] == "INVALID_FIELD"
    sf.fake("fls", {"object": "Lead", "field": "Title", "read": True, "edit": True})
    assert "Title" in sf.get("Lead", sf.create("Lead", **body))


def test_admin_can_shorten_require_and_remove_a_field(sf: Client) -> None:
    sf.install()
    sf.fake("field", {"object": "Lead", "field": "Title", "change": {"length": 3}})
    body = {"LastName": "A", "Company": "C"}
    assert sf.refusal("POST", "/sobjects/Lead", {**body, "Title": "long"})[1] == "STRING_TOO_LONG"
    sf.fake("field", {"object": "Lead", "field": "Phone", "change": {"nillable": False}})
    assert sf.refusal("POST", "/sobjects/Lead", body)[2] == ["Phone"]
    sf.fake("field", {"object": "Event", "field": "Instep_Event_Status__c", "remove": True})
    assert "Instep_Event_Status__c" not in event_fields(sf)
