"""What an admin lets the org do by itself: assignment, validation and duplicate rules, picklists, currencies."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from instep_standins.salesforce import Org, formulas
from standins.sf import BASE, Client

LEAD = {"LastName": "Hopper", "Company": "Navy", "Email": "grace@navy.example"}
GRETA = "greta.lindqvist@acme.example"


def user(sf: Client, username: str) -> str:
    return sf.rows(f"SELECT Id FROM User WHERE Username = '{username}'")[0]["Id"]


# -- owners -------------------------------------------------------------------------------------------


@pytest.fixture
def queue(sf: Client) -> str:
    return sf.fake("queues", {"name": "Web leads", "objects": ["Lead"]})["Id"]


@pytest.fixture
def rule(sf: Client, queue: str) -> str:
    entries = [
        {"when": 'ISPICKVAL(LeadSource, "Web")', "owner": "Web leads"},
        {"when": 'Company = "Acme"', "owner": GRETA},
    ]
    return sf.fake("assignment-rules", {"object": "Lead", "name": "Standard", "entries": entries})["Id"]


def owner(sf: Client, headers: dict[str, str] | None = None, **fields: Any) -> str:
    answer = sf.call("POST", "/sobjects/Lead", {**LEAD, **fields}, **(headers or {}))
    assert answer.status_code == 201, answer.text
    return sf.get("Lead", answer.json()["id"])["OwnerId"]


def test_active_rules_run_unless_the_header_says_no(sf: Client, queue: str, rule: str) -> None:
    mine = user(sf, "integration@acme.example")
    assert owner(sf, LeadSource="Web") == queue
    assert owner(sf, LeadSource="Web", OwnerId=mine) == queue
    assert owner(sf, Company="Acme") == user(sf, GRETA)
    assert owner(sf) == mine
    assert owner(sf, {"Sforce-Auto-Assign": "FALSE"}, LeadSource="Web") == mine
    assert owner(sf, {"Sforce-Auto-Assign": "false"}, LeadSource="Web", OwnerId=user(sf, GRETA)) == user(
        sf, GRETA
    )
    sf.fake("default-owner", {"object": "Lead", "owner": GRETA})
    assert owner(sf) == user(sf, GRETA)


def test_the_header_may_name_a_rule_that_is_not_active(sf: Client, queue: str, rule: str) -> None:
    other = sf.fake(
        "assignment-rules", {"object": "Lead", "name": "All", "entries": [{"owner": GRETA}], "active": False}
    )
    assert owner(sf, {"Sforce-Auto-Assign": other["Id"]}) == user(sf, GRETA)
    assert owner(sf, {"Sforce-Auto-Assign": rule}, LeadSource="Web") == queue
    for given, code in (("01Q000000000000", "INVALID_CROSS_REFERENCE_KEY"), ("yes", "MALFORMED_ID")):
        answer = sf.call("POST", "/sobjects/Lead", LEAD, **{"Sforce-Auto-Assign": given})
        assert answer.json()[0]["errorCode"] == code


def test_one_rule_of_an_object_is_active(sf: Client, rule: str) -> None:
    second = sf.fake("assignment-rules", {"object": "Lead", "name": "Second", "entries": [{"owner": GRETA}]})
    found = sf.rows("SELECT Id, Name FROM AssignmentRule WHERE SobjectType = 'Lead' AND Active = true")
    assert [row["Id"] for row in found] == [second["Id"]]


def test_collections_and_composite_parts_carry_the_header_too(sf: Client, queue: str, rule: str) -> None:
    records = [{"attributes": {"type": "Lead"}, **LEAD, "LeadSource": "Web"}]
    for value, expected in (("TRUE", queue), ("FALSE", user(sf, "integration@acme.example"))):
        done = sf.call(
            "POST", "/composite/sobjects", {"records": records}, **{"Sforce-Auto-Assign": value}
        ).json()
        assert sf.get("Lead", done[0]["id"])["OwnerId"] == expected
        part = {"method": "POST", "url": BASE + "/sobjects/Lead", "referenceId": "a"}
        part |= {"body": {**LEAD, "LeadSource": "Web"}, "httpHeaders": {"Sforce-Auto-Assign": value}}
        made = sf.call("POST", "/composite", {"compositeRequest": [part]}).json()["compositeResponse"][0]
        assert sf.get("Lead", made["body"]["id"])["OwnerId"] == expected


def test_a_rule_runs_again_when_a_record_changes(sf: Client, queue: str, rule: str) -> None:
    lead = sf.create("Lead", **LEAD)
    sf.call("PATCH", f"/sobjects/Lead/{lead}", {"LeadSource": "Web"}, **{"Sforce-Auto-Assign": "FALSE"})
    assert sf.get("Lead", lead)["OwnerId"] != queue
    sf.call("PATCH", f"/sobjects/Lead/{lead}", {"Title": "x"})
    assert sf.get("Lead", lead)["OwnerId"] == queue


def test_a_queue_owns_what_it_was_made_for(sf: Client, queue: str) -> None:
    assert [
        r["QueueId"]
        for r in sf.rows("SELECT QueueId, Queue.Name FROM QueueSobject WHERE SobjectType = 'Lead'")
    ] == [queue]
    assert owner(sf, OwnerId=queue) == queue
    refused = sf.refusal("POST", "/sobjects/Case", {"OwnerId": queue})
    assert refused[1:] == (
        "INVALID_CROSS_REFERENCE_KEY",
        ["OwnerId"],
        "Queue not associated with this SObject type",
    )
    assert sf.refusal("POST", "/sobjects/Contact", {"LastName": "x", "OwnerId": queue})[1] == "MALFORMED_ID"


# -- validation rules ---------------------------------------------------------------------------------


def test_a_validation_rule_refuses_with_the_admins_words(sf: Client) -> None:
    sf.fake("validation-rules", {"object": "Lead", "name": "Phone_needed", "formula": "ISBLANK(Phone)",
                                 "message": "Type a phone number.", "field": "Phone"})  # fmt: skip
    assert sf.refusal("POST", "/sobjects/Lead", LEAD) == (
        400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Phone"], "Type a phone number.",
    )  # fmt: skip
    [row] = sf.collection("POST", "Lead", [LEAD])
    assert row["errors"] == [
        {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "Type a phone number.",
            "fields": ["Phone"],
        }
    ]
    lead = sf.create("Lead", **LEAD, Phone="1")
    assert sf.refusal("PATCH", f"/sobjects/Lead/{lead}", {"Phone": None})[2] == ["Phone"]


def test_all_rules_that_a_record_breaks_are_named(sf: Client) -> None:
    for name in ("One", "Two"):
        sf.fake("validation-rules", {"object": "Lead", "name": name, "formula": "TRUE", "message": name})
    sf.fake(
        "validation-rules",
        {"object": "Lead", "name": "Off", "formula": "TRUE", "message": "Off", "active": False},
    )
    told = sf.call("POST", "/sobjects/Lead", LEAD).json()
    assert [(one["message"], one["fields"]) for one in told] == [("One", []), ("Two", [])]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("ISBLANK(Phone)", True),
        ("NOT(ISBLANK(Email)) && LEN(LastName) > 5", True),
        ('AND(ISPICKVAL(Rating, ""), OR(Company = "Navy", FALSE))', True),
        ('Company <> "Navy" || NumberOfEmployees >= 10', False),
        ('REGEX(Email, "[^@]+@navy[.]example")', True),
        ('CONTAINS(Email, "navy") & "" = "x"', False),
        ('BEGINS(LEFT(UPPER(LastName), 3), "HOP")', True),
        ("NumberOfEmployees * 2 + 1 > -3", True),
        ("NumberOfEmployees > 0", False),
        ("ISNEW() && !ISCHANGED(Company)", True),
        ('IF(ISBLANK(Phone), BLANKVALUE(Phone, "none"), Phone) = "none"', True),
        ('Owner.Name = "Integration User" && $User.Username = "integration@acme.example"', True),
        ('TEXT(Status) = "Open - Not Contacted"', True),
        ("DATEVALUE(CreatedDate) = TODAY() && TODAY() + 1 > TODAY()", True),
    ],
)
def test_formulas_mean_what_they_say(sf: Client, formula: str, expected: bool) -> None:
    sf.fake("validation-rules", {"object": "Lead", "name": "Any", "formula": formula, "message": "No."})
    assert (sf.call("POST", "/sobjects/Lead", LEAD).status_code == 400) is expected


@pytest.mark.parametrize(
    "formula",
    [
        "ISBLANK(Nothing)",
        "ISBLANK(",
        "EVAL(1)",
        "1 +",
        "LEN()",
        "Owner.Shoe = 1",
        "a b",
        "(" * 100,
        "$Api.Key = 1",
    ],
)
def test_a_formula_that_means_nothing_is_refused_when_it_is_saved(sf: Client, formula: str) -> None:
    body = {"object": "Lead", "name": "Any", "formula": formula, "message": "No."}
    refused = sf.http.post("/__fake__/validation-rules", json=body)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]


def test_a_formula_of_a_field_that_is_gone_holds_never(org: Org) -> None:
    scope = formulas.Scope(org, org.catalogue["Lead"], {}, None, "")
    assert not formulas.holds("ISBLANK(Nothing)", scope)


# -- duplicate rules ----------------------------------------------------------------------------------


def rule_of(sf: Client, create: str = "alert", **more: Any) -> Any:
    return sf.fake(
        "duplicate-rules",
        {"object": "Lead", "name": "Standard_Lead_Duplicate_Rule", "create": create, **more},
    )


def test_a_duplicate_is_told_to_the_letter(sf: Client) -> None:
    rule_of(
        sf, message="Use one of these.", matching=[{"object": "Lead", "fields": ["Email"], "rule": "Emails"}]
    )
    first = sf.create("Lead", **LEAD)
    answer = sf.call("POST", "/sobjects/Lead", {**LEAD, "Email": "GRACE@navy.example"})
    record = {"attributes": {"type": "Lead", "url": f"{BASE}/sobjects/Lead/{first}"}, "Id": first}
    match = {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
    result = {"entityType": "Lead", "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": [match],
              "rule": "Emails", "size": 1, "success": True}  # fmt: skip
    assert (answer.status_code, answer.json()) == (400, [{
        "duplicateResut": {
            "allowSave": True, "duplicateRule": "Standard_Lead_Duplicate_Rule", "duplicateRuleEntityType": "Lead",
            "errorMessage": "Use one of these.", "matchResults": [result],
        },
        "message": "Use one of these.", "errorCode": "DUPLICATES_DETECTED",
    }])  # fmt: skip
    sf.fake("settings", {"duplicateKey": "duplicateResult"})
    assert "duplicateResult" in sf.call("POST", "/sobjects/Lead", LEAD).json()[0]


def test_a_collection_names_no_match(sf: Client) -> None:
    rule_of(sf)
    sf.create("Lead", **LEAD)
    [row] = sf.collection("POST", "Lead", [LEAD])
    assert row["errors"] == [
        {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    ]


@pytest.mark.parametrize(("action", "with_header"), [("alert", 201), ("block", 400), ("allow", 201)])
def test_the_header_saves_where_the_rule_only_alerts(sf: Client, action: str, with_header: int) -> None:
    rule_of(sf, create=action)
    sf.create("Lead", **LEAD)
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=true"}
    answer = sf.call("POST", "/sobjects/Lead", LEAD, **header)
    assert answer.status_code == with_header
    if action == "block":
        told = answer.json()[0]["duplicateResut"]
        assert told["allowSave"] is False
        assert told["matchResults"][0]["matchRecords"][0]["record"]["Company"] == "Navy"
    assert sf.call("POST", "/sobjects/Lead", LEAD).status_code == (201 if action == "allow" else 400)


def test_a_lead_rule_may_match_contacts_and_passes_blanks_and_converted_leads(sf: Client) -> None:
    rule_of(
        sf, matching=[{"object": "Contact", "fields": ["Email"]}, {"object": "Lead", "fields": ["Email"]}]
    )
    sf.create("Lead", LastName="a", Company="b")
    sf.create("Lead", LastName="a", Company="b")
    lead = sf.create("Lead", **LEAD)
    done = sf.fake("convert-lead", {"leadId": lead})
    told = sf.call("POST", "/sobjects/Lead", LEAD).json()[0]["duplicateResut"]
    assert told["duplicateRuleEntityType"] == "Lead"
    [result] = told["matchResults"]
    assert (result["entityType"], result["matchRecords"][0]["record"]["Id"]) == ("Contact", done["contactId"])


def test_a_change_is_compared_only_where_the_rule_asks_for_it(sf: Client) -> None:
    sf.create("Lead", **LEAD)
    other = sf.create("Lead", **{**LEAD, "Email": "other@navy.example"})
    rule_of(sf)
    assert sf.call("PATCH", f"/sobjects/Lead/{other}", {"Email": LEAD["Email"]}).status_code == 204
    rule_of(sf, update="block")
    assert sf.call("PATCH", f"/sobjects/Lead/{other}", {"Title": "x"}).status_code == 204
    sf.call("PATCH", f"/sobjects/Lead/{other}", {"Email": None})
    assert (
        sf.refusal("PATCH", f"/sobjects/Lead/{other}", {"Email": LEAD["Email"]})[1] == "DUPLICATES_DETECTED"
    )


# -- picklists of places, dependent ones, currencies, encryption --------------------------------------


def test_states_depend_on_their_country(sf: Client) -> None:
    sf.fake("features", {"stateCountryPicklists": True})
    fields = {f["name"]: f for f in sf.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    state = fields["StateCode"]
    assert (state["controllerName"], state["dependentPicklist"], state["restrictedPicklist"]) == (
        "CountryCode",
        True,
        True,
    )
    countries = [value["value"] for value in fields["CountryCode"]["picklistValues"]]
    california = next(v for v in state["picklistValues"] if v["label"] == "California")
    bits = base64.b64decode(california["validFor"])
    offered = [c for i, c in enumerate(countries) if bits[i >> 3] & (0x80 >> (i & 7))]
    assert (california["value"], offered) == ("CA", ["US"])
    assert "MailingStateCode" in {
        f["name"] for f in sf.call("GET", "/sobjects/Contact/describe").json()["fields"]
    }


def test_an_address_names_places_that_exist(sf: Client) -> None:
    sf.fake("features", {"stateCountryPicklists": True})
    for given in (
        {"CountryCode": "US", "StateCode": "CA"},
        {"Country": "United States", "State": "California"},
    ):
        lead = sf.get("Lead", sf.create("Lead", **LEAD, **given))
        assert [lead[n] for n in ("CountryCode", "Country", "StateCode", "State")] == [
            "US",
            "United States",
            "CA",
            "California",
        ]
    for given, field in (
        ({"Country": "Utopia"}, "Country"),
        ({"Country": "Denmark", "State": "California"}, "State"),
        ({"State": "California"}, "State"),
        ({"CountryCode": "DK", "StateCode": "CA"}, "StateCode"),
    ):
        assert sf.refusal("POST", "/sobjects/Lead", {**LEAD, **given})[1:3] == (
            "FIELD_INTEGRITY_EXCEPTION",
            [field],
        ), given
    lead_id = sf.create("Lead", **LEAD, CountryCode="US", StateCode="CA")
    assert (
        sf.refusal("PATCH", f"/sobjects/Lead/{lead_id}", {"CountryCode": "DK"})[1]
        == "FIELD_INTEGRITY_EXCEPTION"
    )
    address = sf.get("Lead", lead_id)["Address"]
    assert (address["countryCode"], address["stateCode"], address["state"]) == ("US", "CA", "California")
    cleared = {"CountryCode": None, "StateCode": None}
    assert sf.call("PATCH", f"/sobjects/Lead/{lead_id}", cleared).status_code == 204
    assert sf.get("Lead", lead_id)["State"] is None


def test_any_picklist_may_depend_on_another(sf: Client) -> None:
    sf.fake("field", {"object": "Lead", "field": "Rating", "change": {
        "controller": "LeadSource",
        "choices": [{"value": "Hot", "valid_for": ["Web", "Other"]}, {"value": "Cold", "valid_for": []}],
    }})  # fmt: skip
    fields = {f["name"]: f for f in sf.call("GET", "/sobjects/Lead/describe").json()["fields"]}
    hot, cold = fields["Rating"]["picklistValues"]
    # Web is the first of five values, Other the last.
    assert base64.b64decode(hot["validFor"]) == bytes([0b10001000])
    assert base64.b64decode(cold["validFor"]) == bytes([0])


def test_several_currencies(sf: Client) -> None:
    assert sf.query("SELECT IsoCode FROM CurrencyType").json()[0]["errorCode"] == "INVALID_TYPE"
    sf.fake("features", {"multiCurrency": True})
    assert {r["IsoCode"] for r in sf.rows("SELECT IsoCode FROM CurrencyType WHERE IsActive = true")} == {
        "EUR",
        "USD",
        "DKK",
    }
    assert sf.get("Lead", sf.create("Lead", **LEAD))["CurrencyIsoCode"] == "EUR"
    assert sf.get("Lead", sf.create("Lead", **LEAD, CurrencyIsoCode="USD"))["CurrencyIsoCode"] == "USD"
    assert sf.refusal("POST", "/sobjects/Lead", {**LEAD, "CurrencyIsoCode": "XXX"})[1:3] == (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CurrencyIsoCode"],
    )  # fmt: skip
    assert sf.rows("SELECT DefaultCurrencyIsoCode FROM User LIMIT 1")


def test_an_encrypted_address_cannot_be_searched_for(sf: Client) -> None:
    change = {"encrypted": True, "filterable": False, "sortable": False, "groupable": False}
    sf.fake("field", {"object": "Lead", "field": "Email", "change": change})
    email = next(
        f for f in sf.call("GET", "/sobjects/Lead/describe").json()["fields"] if f["name"] == "Email"
    )
    assert (email["encrypted"], email["filterable"]) == (True, False)
    refused = sf.query("SELECT Id FROM Lead WHERE Email = 'a@b.example'").json()[0]
    assert refused["errorCode"] == "INVALID_FIELD"
    assert "can not be filtered" in refused["message"]


def test_setup_rows_past_all_rules_hold_nothing_up(sf: Client) -> None:
    """An order may store a row of any object; without what belongs to it, it decides nothing."""
    sf.fake("records", {"object": "RecordType", "fields": {"SobjectType": "Lead"}})
    sf.fake("records", {"object": "DuplicateRule", "fields": {"SobjectType": "Lead", "IsActive": True}})
    sf.fake("records", {"object": "ValidationRule", "fields": {"EntityDefinitionId": "Lead", "Active": True}})
    sf.fake("records", {"object": "AssignmentRule", "fields": {"SobjectType": "Lead", "Active": True}})
    sf.create("Lead", **LEAD)
    assert len(sf.call("GET", "/sobjects/Lead/describe").json()["recordTypeInfos"]) == 2
    for path in ("/setup/record-types", "/setup/rules", "/setup/rights"):
        assert sf.http.get(path).status_code == 200
