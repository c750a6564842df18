"""Custom fields of every type: how they are described, what they take and give."""

from __future__ import annotations

from typing import Any

import pytest

from instep_standins.salesforce import Org, admin, custom_fields
from standins.conftest import Clock
from standins.sf import Client, package
from standins.test_page import do

LEAD = {"LastName": "Hopper", "Company": "Navy"}
MORE = {"Picklist": {"choices": ["A", "B"]}, "MultiselectPicklist": {"choices": ["A", "B"]}, "Text": {"length": 20},
        "Lookup": {"target": "Account"}, "Formula": {"formula": "UPPER(LastName)"}}  # fmt: skip


def field(sf: Client, name: str) -> dict[str, Any]:
    found = sf.call("GET", "/sobjects/Lead/describe").json()["fields"]
    return next(one for one in found if one["name"] == name)


def make(sf: Client, kind: str, name: str = "Any__c", **more: Any) -> None:
    sf.fake(
        "field",
        {
            "object": "Lead",
            "field": name,
            "create": {"kind": kind, "label": "Any", **MORE.get(kind, {}), **more},
        },
    )
    sf.fake("fls", {"object": "Lead", "field": name, "read": True, "edit": True})


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("Text", " x ", "x"),
        ("EncryptedText", "x", "x"),
        ("Checkbox", True, True),
        ("Date", "2026-02-28", "2026-02-28"),
        ("DateTime", "2026-02-28T10:00:00+01:00", "2026-02-28T09:00:00.000+0000"),
        ("Time", "13:45", "13:45:00.000Z"),
        ("Number", 12, 12.0),
        ("Currency", 12.5, 12.0),
        ("Percent", 12, 12.0),
        ("Picklist", "a", "A"),
        ("MultiselectPicklist", "b;A", "B;A"),
        ("Email", "a@b.example", "a@b.example"),
        ("Url", "https://x.example", "https://x.example"),
    ],
)
def test_each_type_takes_its_values(sf: Client, kind: str, given: Any, stored: Any) -> None:
    make(sf, kind)
    assert field(sf, "Any__c")["type"] == custom_fields.KINDS[kind][0]
    lead = sf.create("Lead", **LEAD, Any__c=given)
    assert sf.get("Lead", lead)["Any__c"] == stored
    assert sf.rows(f"SELECT Any__c FROM Lead WHERE Id = '{lead}'")[0]["Any__c"] == stored


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("Time", "25:00"),
        ("Date", "soon"),
        ("Number", "12"),
        ("Email", "nobody"),
        ("Checkbox", "yes"),
        ("Lookup", "x"),
    ],
)
def test_each_type_refuses_what_is_none(sf: Client, kind: str, given: Any) -> None:
    make(sf, kind)
    assert sf.call("POST", "/sobjects/Lead", {**LEAD, "Any__c": given}).status_code == 400


def test_a_geolocation_is_two_numbers_that_are_written_and_one_place_that_is_read(sf: Client) -> None:
    make(sf, "Location", "Place__c")
    whole, part = field(sf, "Place__c"), field(sf, "Place__Latitude__s")
    assert (whole["type"], whole["createable"], whole["queryByDistance"]) == ("location", False, True)
    assert (part["type"], part["createable"], part["compoundFieldName"]) == ("double", True, "Place__c")
    lead = sf.create("Lead", **LEAD, Place__Latitude__s=55.68, Place__Longitude__s=12.57)
    assert sf.get("Lead", lead)["Place__c"] == {"latitude": 55.68, "longitude": 12.57}
    assert sf.rows("SELECT Place__c FROM Lead")[0]["Place__c"]["latitude"] == 55.68
    refused = sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Place__Latitude__s": 91})
    assert refused[1:3] == ("NUMBER_OUTSIDE_VALID_RANGE", ["Place__Latitude__s"])
    sf.fake("field", {"object": "Lead", "field": "Place__c", "remove": True})
    assert "Place__Latitude__s" not in sf.org.catalogue["Lead"].fields


def test_a_geolocations_parts_are_granted_with_it(sf: Client) -> None:
    place = ("<fields><fullName>Place__c</fullName><label>Place</label><scale>5</scale><type>Location</type>"
             "<displayLocationInDecimal>true</displayLocationInDecimal></fields>")  # fmt: skip
    assert sf.deploy(package({"Lead": place}, ("Lead.Place__c",)))["success"]
    sf.assign()
    lead = sf.create("Lead", **LEAD, Place__Latitude__s=1, Place__Longitude__s=2)
    assert sf.get("Lead", lead)["Place__c"] == {"latitude": 1.0, "longitude": 2.0}


def test_formulas_and_numbers_are_filled_by_the_org(sf: Client) -> None:
    make(sf, "Formula", "Loud__c")
    make(sf, "AutoNumber", "Number__c")
    assert field(sf, "Loud__c")["calculatedFormula"] == "UPPER(LastName)"
    for name in ("Loud__c", "Number__c"):
        assert (
            sf.refusal("POST", "/sobjects/Lead", {**LEAD, name: "x"})[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        )
    made = [sf.get("Lead", sf.create("Lead", **LEAD)) for _ in range(2)]
    assert [(lead["Loud__c"], lead["Number__c"]) for lead in made] == [
        ("HOPPER", "00001"),
        ("HOPPER", "00002"),
    ]
    assert sf.rows("SELECT Id FROM Lead WHERE Loud__c = 'hopper'")


def test_a_lookup_is_a_relationship(sf: Client) -> None:
    make(sf, "Lookup", "Firm__c")
    account = sf.create("Account", Name="Navy")
    sf.create("Lead", **LEAD, Firm__c=account)
    assert (
        sf.rows("SELECT Firm__r.Name FROM Lead WHERE Firm__r.Name = 'Navy'")[0]["Firm__r"]["Name"] == "Navy"
    )
    assert (
        sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Firm__c": sf.create("Lead", **LEAD)})[1]
        == "MALFORMED_ID"
    )


def test_a_new_required_field_holds_for_everybody_from_the_next_call_on(sf: Client) -> None:
    sf.create("Lead", **LEAD)
    make_required = {"kind": "Text", "label": "Cost centre", "length": 20, "required": True}
    sf.fake("field", {"object": "Lead", "field": "Cost_centre__c", "create": make_required})
    assert sf.refusal("POST", "/sobjects/Lead", LEAD)[1:3] == ("REQUIRED_FIELD_MISSING", ["Cost_centre__c"])
    assert field(sf, "Cost_centre__c")["permissionable"] is False


def test_what_an_admin_changed_outlives_the_process(clock: Clock, tmp_path: Any) -> None:
    org = Org(tmp_path / "org.sqlite", clock=clock)
    for body in (
        {"object": "Lead", "field": "Place__c", "create": {"kind": "Location", "label": "Place"}},
        {"object": "Lead", "field": "Title", "change": {"length": 10, "nillable": False}},
        {"object": "Lead", "field": "Rating", "change": {"controller": "LeadSource", "choices": [
            {"value": "Hot", "valid_for": ["Web"]}]}},
    ):  # fmt: skip
        admin.order(org, "POST", "field", body)
    admin.order(org, "POST", "features", {"personAccounts": True, "stateCountryPicklists": True})
    before = org.catalogue
    org.close()
    again = Org(tmp_path / "org.sqlite", clock=clock)
    for name in ("Lead", "Account", "Contact", "RecordType"):
        assert again.catalogue[name].fields == before[name].fields
    again.close()


def test_a_retired_value_stays_where_it_is_and_is_offered_no_more(sf: Client) -> None:
    hot = sf.create("Lead", **LEAD, Rating="Hot")
    path = "/setup/objects/Lead/Rating"
    do(sf, path, act="value", value="Hot", to="")
    do(sf, path, act="add-value", value="Boiling", label="Boiling hot")
    told = {v["value"]: (v["active"], v["label"]) for v in field(sf, "Rating")["picklistValues"]}
    assert (told["Hot"], told["Boiling"]) == ((False, "Hot"), (True, "Boiling hot"))
    assert sf.get("Lead", hot)["Rating"] == "Hot"
    sf.create("Lead", **LEAD, Rating="Hot")
    values = sf.call("GET", "/ui-api/object-info/Lead/picklist-values/012000000000000AAA/Rating").json()[
        "values"
    ]
    assert [value["value"] for value in values] == ["Warm", "Cold", "Boiling"]
    do(sf, path, act="change", rights="restore", restricted="yes")
    refused = sf.refusal("POST", "/sobjects/Lead", {**LEAD, "Rating": "Hot"})
    assert refused[1] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    sf.create("Lead", **LEAD, Rating="Boiling")
    for value in ("Warm", "Cold"):
        do(sf, path, act="value", value=value, to="")
    last = sf.http.post(path, data={"act": "value", "value": "Boiling", "to": ""})
    assert (last.status_code, "must keep a value" in last.text) == (400, True)


def test_the_setup_page_makes_fields(sf: Client) -> None:
    do(
        sf,
        "/setup/objects/Lead",
        act="add",
        kind="Picklist",
        label="Shoe size",
        values="Small, Large",
        seen="yes",
    )
    assert [v["value"] for v in field(sf, "Shoe_size__c")["picklistValues"]] == ["Small", "Large"]
    do(
        sf,
        "/setup/objects/Lead",
        act="add",
        kind="Formula",
        label="Loud",
        formula="UPPER(LastName)",
        seen="yes",
    )
    assert sf.get("Lead", sf.create("Lead", **LEAD))["Loud__c"] == "HOPPER"
    for form, why in (
        ({"kind": "Picklist"}, "at least one value"),
        ({"kind": "Formula", "formula": "UPPER("}, "ends too early"),
    ):
        refused = sf.http.post("/setup/objects/Lead", data={"act": "add", "label": "Odd", **form})
        assert (refused.status_code, why in refused.text) == (400, True), refused.text
