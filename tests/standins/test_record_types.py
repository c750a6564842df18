"""Record types and business processes: where they show, who may choose which, what their picklists offer."""

from __future__ import annotations

from typing import Any

import pytest

from instep_standins.salesforce import Org
from standins.conftest import Clock
from standins.sf import Client

MASTER = "012000000000000AAA"
USER = "integration@acme.example"
NOT_YOURS = "Record Type ID: this ID value isn't valid for the user: "


@pytest.fixture
def partner(sf: Client) -> dict[str, Any]:
    """A Lead record type with a process and a picklist of its own."""
    sf.fake(
        "processes",
        {"object": "Lead", "name": "Partners", "values": ["Working - Contacted", "Closed - Converted"]},
    )
    return sf.fake("record-types", {
        "object": "Lead", "name": "Partner", "label": "Partner lead", "process": "Partners",
        "values": {"Rating": ["Hot", "Warm"]}, "defaults": {"Rating": "Warm"},
    })  # fmt: skip


def infos(sf: Client, name: str = "Lead") -> dict[str, dict[str, Any]]:
    told = sf.call("GET", f"/sobjects/{name}/describe").json()["recordTypeInfos"]
    return {one["developerName"]: one for one in told}


def test_without_record_types_there_is_no_field_and_the_master_alone(sf: Client) -> None:
    assert infos(sf).keys() == {"Master"}
    assert (
        sf.refusal("POST", "/sobjects/Lead", {"LastName": "x", "Company": "y", "RecordTypeId": MASTER})[1]
        == "INVALID_FIELD"
    )


def test_a_describe_names_them_and_says_who_may_choose_them(sf: Client, partner: dict[str, Any]) -> None:
    told = infos(sf)["Partner"]
    assert {key: told[key] for key in ("active", "available", "defaultRecordTypeMapping", "master", "name")} == {
        "active": True, "available": True, "defaultRecordTypeMapping": False, "master": False, "name": "Partner lead",
    }  # fmt: skip
    assert infos(sf)["Master"]["defaultRecordTypeMapping"]
    sf.fake("record-type-access", {"recordType": partner["Id"], "user": USER, "default": True})
    assert infos(sf)["Partner"]["defaultRecordTypeMapping"]
    assert not infos(sf)["Master"]["defaultRecordTypeMapping"]
    sf.fake("record-type-access", {"recordType": partner["Id"], "user": USER, "available": False})
    assert (infos(sf)["Partner"]["available"], infos(sf)["Partner"]["active"]) == (False, True)


def test_they_are_found_by_query_and_through_the_record(sf: Client, partner: dict[str, Any]) -> None:
    found = sf.rows(
        "SELECT Id, Name, DeveloperName, BusinessProcessId, SobjectType FROM RecordType WHERE IsActive = true"
    )
    assert [row["DeveloperName"] for row in found] == ["Partner"]
    sf.create("Lead", LastName="x", Company="y", RecordTypeId=partner["Id"])
    [row] = sf.rows("SELECT RecordType.DeveloperName FROM Lead WHERE RecordType.Name = 'Partner lead'")
    assert row["RecordType"]["DeveloperName"] == "Partner"
    # Without person accounts there is no such field.
    assert sf.query("SELECT IsPersonType FROM RecordType").json()[0]["errorCode"] == "INVALID_FIELD"


def test_a_new_record_takes_the_users_default_and_its_defaults(sf: Client, partner: dict[str, Any]) -> None:
    plain = sf.get("Lead", sf.create("Lead", LastName="x", Company="y"))
    assert (plain["RecordTypeId"], plain["Status"], plain["Rating"]) == (None, "Open - Not Contacted", None)
    sf.fake("record-type-access", {"recordType": partner["Id"], "default": True})
    made = sf.get("Lead", sf.create("Lead", LastName="x", Company="y"))
    assert (made["RecordTypeId"], made["Status"], made["Rating"]) == (
        partner["Id"],
        "Working - Contacted",
        "Warm",
    )
    told = sf.get(
        "Lead", sf.create("Lead", LastName="x", Company="y", Rating="Hot", RecordTypeId=partner["Id"][:15])
    )
    assert (told["RecordTypeId"], told["Rating"]) == (partner["Id"], "Hot")


@pytest.mark.parametrize("why", ["inactive", "hidden", "of another object", "not there", "the master"])
def test_a_record_type_that_is_not_the_users_is_refused(
    sf: Client, partner: dict[str, Any], why: str
) -> None:
    wanted = partner["Id"]
    if why == "inactive":
        sf.fake("record-types", {"id": wanted, "object": "Lead", "name": "Partner", "active": False})
    elif why == "hidden":
        sf.fake("record-type-access", {"recordType": wanted, "available": False})
    elif why == "of another object":
        wanted = sf.fake("record-types", {"object": "Case", "name": "Support"})["Id"]
    elif why == "not there":
        wanted = sf.fake("record-types", {"object": "Case", "name": "Gone"})["Id"]
        sf.fake("record-types", {"id": wanted}, "DELETE")
    else:
        sf.fake("record-type-access", {"recordType": wanted, "default": True})
        wanted = MASTER
    fields = {"LastName": "x", "Company": "y", "RecordTypeId": wanted}
    assert sf.refusal("POST", "/sobjects/Lead", fields) == (
        400, "INVALID_CROSS_REFERENCE_KEY", ["RecordTypeId"], NOT_YOURS + wanted,
    )  # fmt: skip
    assert sf.stored("Lead") == []


def test_a_restricted_picklist_takes_only_what_the_record_type_offers(sf: Client) -> None:
    sf.fake("field", {"object": "Lead", "field": "Rating", "change": {"restricted": True}})
    made = sf.fake("record-types", {"object": "Lead", "name": "Warm", "values": {"Rating": ["Warm"]}})
    fields = {"LastName": "x", "Company": "y", "RecordTypeId": made["Id"], "Rating": "Hot"}
    assert sf.refusal("POST", "/sobjects/Lead", fields)[1:] == (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Rating"], "Rating: bad value for restricted picklist field: Hot",
    )  # fmt: skip
    assert sf.call("POST", "/sobjects/Lead", {**fields, "Rating": "Warm"}).status_code == 201


def test_the_ui_api_tells_picklist_values_by_record_type(sf: Client, partner: dict[str, Any]) -> None:
    path = f"/ui-api/object-info/Lead/picklist-values/{partner['Id']}"
    whole = sf.call("GET", path).json()["picklistFieldValues"]
    assert [v["value"] for v in whole["Rating"]["values"]] == ["Hot", "Warm"]
    assert whole["Rating"]["defaultValue"]["value"] == "Warm"
    assert [v["value"] for v in whole["Status"]["values"]] == ["Working - Contacted", "Closed - Converted"]
    assert [v["attributes"]["converted"] for v in whole["Status"]["values"]] == [False, True]
    one = sf.call("GET", path + "/Rating").json()
    assert one["values"] == whole["Rating"]["values"]
    master = sf.call("GET", f"/ui-api/object-info/Lead/picklist-values/{MASTER}/Status").json()
    assert len(master["values"]) == 4
    assert sf.refusal("GET", "/ui-api/object-info/Lead/picklist-values/012000000000001AAA")[0] == 404
    assert sf.refusal("GET", path + "/LastName")[0] == 404


def test_they_outlive_the_process_and_a_removal_of_all_records(
    sf: Client, clock: Clock, tmp_path: Any
) -> None:
    first = Org(tmp_path / "org.sqlite", clock=clock)
    from instep_standins.salesforce import admin

    made = admin.order(first, "POST", "record-types", {"object": "Event", "name": "Visit"})
    admin.order(first, "POST", "reset", {"keepMetadata": True})
    first.close()
    again = Org(tmp_path / "org.sqlite", clock=clock)
    assert "RecordTypeId" in again.catalogue["Event"].fields
    assert [row["Id"] for row in again.tables.rows("RecordType").values()] == [made["Id"]]
    again.close()


def test_the_status_objects_tell_which_status_ends_a_record(sf: Client) -> None:
    [closed] = sf.rows("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")
    assert closed["MasterLabel"] == "Closed - Converted"
    [closed] = sf.rows("SELECT ApiName FROM CaseStatus WHERE IsClosed = true")
    assert closed["ApiName"] == "Closed"
