"""Describes as values: lists that follow others, states and countries, geolocations, record types, currencies."""

from __future__ import annotations

from typing import Any

import pytest

from crm_batches import StandIn
from instep.core.crm_schema import Field, ObjectSchema, mappable
from instep.core.mapping import convert
from instep.core.picklists import clash
from instep.crm.salesforce import SalesforceCrm
from instep.crm.salesforce.describe import schema_of


def described(crm: SalesforceCrm, name: str = "Lead") -> ObjectSchema:
    """An object as the org describes it now."""
    return crm.schema_of(crm.describe([name])[name])


def document(*fields: dict[str, Any], name: str = "Lead") -> ObjectSchema:
    """An object as a kept document of these fields."""
    return schema_of({"schema": {"name": name, "label": name, "fields": list(fields)}})


# -- states and countries --------------------------------------------------------------------------


@pytest.fixture
def addressed(standin: StandIn, crm: SalesforceCrm) -> ObjectSchema:
    """Leads of an org with lists of states and countries."""
    standin.admin("POST", "features", {"stateCountryPicklists": True})
    return described(crm)


def test_texts_of_states_and_countries_take_what_their_lists_know(addressed: ObjectSchema) -> None:
    """By code or by label; the text is written as its label, the code field as its code."""
    state, code = addressed.fields["State"], addressed.fields["StateCode"]
    assert convert("ca", state).value == "California"
    assert convert("California", state).value == "California"
    assert convert("california", code).value == "CA"
    assert "is not one of its values" in convert("Bavaria upon Sea", state).refused
    assert convert("us", addressed.fields["Country"]).value == "United States"


def test_a_state_goes_with_its_country(addressed: ObjectSchema) -> None:
    state, country = addressed.fields["State"], addressed.fields["Country"]
    assert state.controller == "Country"
    assert addressed.fields["StateCode"].controller == "CountryCode"
    assert clash(state, "California", country, "Germany")
    assert not clash(state, "California", country, "United States")


def test_without_the_lists_they_are_texts(crm: SalesforceCrm) -> None:
    assert convert("Anywhere", described(crm).fields["State"]).value == "Anywhere"


# -- record types ----------------------------------------------------------------------------------


def test_the_values_of_a_record_type_are_its_own(standin: StandIn, crm: SalesforceCrm) -> None:
    made = standin.admin(
        "POST",
        "record-types",
        {"object": "Lead", "name": "Partner", "label": "Partner lead", "values": {"Rating": ["Hot", "Warm"]}},
    )
    lead = described(crm)
    (partner,) = [one for one in lead.record_types if not one.master]
    assert (partner.id, partner.name, partner.available) == (made["Id"], "Partner lead", True)
    assert {v.value for v in lead.fields["Rating"].picklist} >= {"Hot", "Warm", "Cold"}
    assert {v.value for v in lead.for_record_type(partner.id).fields["Rating"].picklist} == {"Hot", "Warm"}


def test_without_record_types_nothing_more_is_asked(crm: SalesforceCrm) -> None:
    crm.calls.clear()
    described(crm)
    assert len(crm.calls) == 1


def test_an_org_that_does_not_tell_them_has_the_union(standin: StandIn, crm: SalesforceCrm) -> None:
    """Not every object is known to that part of the API: a refusal there stops nothing."""
    made = standin.admin("POST", "record-types", {"object": "Lead", "name": "Partner", "label": "Partner"})
    refusal = {"status": 403, "errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "not supported"}
    standin.fault("status", match={"path": "ui-api"}, **refusal)
    lead = described(crm)
    assert not lead.choices
    assert lead.for_record_type(made["Id"]) is lead


def test_record_types_of_people_are_told_apart(standin: StandIn, crm: SalesforceCrm) -> None:
    """A company's Account with the record type of people is refused, and the describe does not tell which is which."""
    standin.admin("POST", "features", {"personAccounts": True})
    types = [one for one in described(crm, "Account").record_types if not one.master]
    assert {one.person for one in types} == {True, False}
    assert [one.developer_name for one in types if one.person] == ["PersonAccount"]


def test_without_person_accounts_nobody_tells(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.admin("POST", "record-types", {"object": "Account", "name": "Partner", "label": "Partner"})
    assert {one.person for one in described(crm, "Account").record_types} == {None}


# -- single fields ---------------------------------------------------------------------------------


def test_the_currency_of_a_record_is_a_list(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.admin("POST", "features", {"multiCurrency": True})
    currency = described(crm).fields["CurrencyIsoCode"]
    assert currency.type == "picklist"
    assert currency.writable
    assert convert("xxx", currency).refused
    assert convert(currency.picklist[0].value.lower(), currency).value == currency.picklist[0].value


def test_an_events_times_and_series_are_reserved(crm: SalesforceCrm) -> None:
    """They would contradict what Instep writes itself."""
    event = described(crm, "Event")
    offered = {f.name for f in event.fields.values() if mappable(event, f)}
    assert {"Subject", "Location", "Description", "Instep_Event_Status__c"} <= offered
    never = {
        "StartDateTime",
        "EndDateTime",
        "DurationInMinutes",
        "ActivityDate",
        "IsAllDayEvent",
        "IsReminderSet",
    }
    assert not never & offered
    assert not [name for name in offered if name.startswith("Recurrence")]


def test_look_ups_are_called_as_people_meet_them(crm: SalesforceCrm) -> None:
    """A describe says “Name ID” of what every page of Salesforce calls “Name”; an admin's own label stays."""
    described = crm.describe(["Event", "Lead"])
    event, lead = (schema_of(described[name]) for name in ("Event", "Lead"))
    labels = {name: event.fields[name].label for name in ("WhoId", "WhatId", "OwnerId")}
    assert labels == {"WhoId": "Name", "WhatId": "Related To", "OwnerId": "Assigned To"}
    assert lead.fields["OwnerId"].label == "Owner"
    own = {"name": "Badge__c", "label": "Badge ID", "type": "reference"}
    text = {"name": "TaxCode", "label": "Tax ID", "type": "string"}
    kept = {"schema": {"name": "Lead", "fields": [own, text], "idLists": ["EventWhoIds"]}}
    assert [field.label for field in schema_of(kept).fields.values()] == [
        "Badge ID", "Tax ID", "Name (several people)"
    ]  # fmt: skip


def test_the_parts_of_a_geolocation_are_known() -> None:
    where = {
        "name": "Office__c",
        "type": "location",
        "createable": False,
        "updateable": False,
        "label": "Office",
    }
    parts = [
        {
            "name": f"Office__{axis}__s",
            "type": "double",
            "compoundFieldName": "Office__c",
            "precision": 18,
            "scale": 15,
        }
        for axis in ("Longitude", "Latitude")
    ]
    lead = document(where, *parts)
    assert [(part.name, part.axis) for part in lead.parts("Office__c")] == [
        ("Office__Latitude__s", "latitude"),
        ("Office__Longitude__s", "longitude"),
    ]
    assert mappable(lead, lead.fields["Office__c"])


def test_a_document_that_was_kept_before_is_read_too() -> None:
    """Documents of an earlier version lack the newer parts."""
    lead = document({"name": "City", "type": "string", "picklistValues": [{"value": "A", "label": "A"}]})
    city: Field = lead.fields["City"]
    assert (city.controller, city.axis, city.reserved, lead.choices) == ("", "", False, {})
    assert city.picklist[0].valid_for is None
