"""What is wrong with a row before it is saved: one sentence about the half that is to blame."""

from __future__ import annotations

import pytest
from attrs import evolve

from core.org import SCHEMA
from instep.core.catalogue import Property
from instep.core.crm_schema import Field, ObjectSchema, RecordType
from instep.core.mapping import Row
from instep.core.mapping_check import FALLBACK, FIELD, SOURCE, doubled, hints, row_faults

PLACE = Field("Office__c", "Office", "location", createable=False, updateable=False)
LATITUDE = Field(
    "Office__Latitude__s", "Latitude", "double", compound="Office__c", axis="latitude", precision=18, scale=6
)
LONGITUDE = evolve(LATITUDE, name="Office__Longitude__s", label="Longitude", axis="longitude")
STATE = Field("StateCode", "State", "picklist", controller="CountryCode")
COUNTRY = Field("CountryCode", "Country", "picklist")
DURATION = Field("DurationInMinutes", "Duration", "int", reserved=True)
MORE = {f.name: f for f in (PLACE, LATITUDE, LONGITUDE, STATE, COUNTRY, DURATION)}
LEAD = ObjectSchema("Lead", "Lead", {**SCHEMA["Lead"].fields, **MORE})
OLD = Property("contact.custom.old", "Contact", "Old", "text", "Custom fields", True, archived=True)


@pytest.mark.parametrize(
    ("row", "part", "said"),
    [
        (Row("contact.city", "Nonsense"), FIELD, "no such field on Lead"),
        (Row("contact.name", "OwnerId"), FIELD, "Instep fills this field itself"),
        (Row("meeting.duration_minutes", "DurationInMinutes"), FIELD, "Instep fills this field itself"),
        (Row("contact.name", "ConvertedContactId"), FIELD, "read-only in Salesforce"),
        (Row("static:", "Title"), SOURCE, "needs the value that is always written"),
        (Row("static:soon", "Since__c"), SOURCE, "is not a date"),
        (Row("static:Bronze", "Tier__c"), SOURCE, "is not one of its values"),
        (Row("contact.city", "Seats__c", fallback="many"), FALLBACK, "is not a number"),
        (Row("", "Title"), SOURCE, "needs a source or a fallback"),
        (Row("meeting.guests", "Office__c"), SOURCE, "does not fit a field of type location"),
        (Row("contact.city", "Office__c", fallback="far away"), FALLBACK, "is not"),
    ],
)
def test_each_fault_is_about_one_half(row: Row, part: str, said: str) -> None:
    (fault,) = row_faults(row, LEAD, frozenset({"OwnerId"}), "Salesforce", {})
    assert fault.part == part
    assert said in fault.message


@pytest.mark.parametrize(
    "row",
    [
        Row("static:Web", "LeadSource"),
        Row("static:38.7, -9.1", "Office__c"),
        Row("contact.city", "Office__c", fallback="0, 0"),
        Row("meeting.duration_minutes", "Office__Latitude__s"),
        Row("", "Title", fallback="Guest"),
        Row("contact.custom.old", "Title"),
    ],
)
def test_rows_that_may_be_saved(row: Row) -> None:
    """A geolocation by its whole or by one part; a fallback alone; an archived property that is used already."""
    assert row_faults(row, LEAD, frozenset(), "Salesforce", {OLD.key: OLD}) == []


def test_a_fixed_value_that_a_chosen_record_type_lacks_is_worth_a_hint() -> None:
    partner = RecordType("012A", "Partner")
    described = evolve(LEAD, record_types=(partner,), choices={"012A": {"Tier__c": frozenset({"Silver"})}})
    rows = (Row("static:Gold", "Tier__c"), Row("static:Silver", "Tier__c"))
    assert not row_faults(rows[0], described, frozenset(), "Salesforce", {})
    (hint,) = hints(rows, described, [partner])
    assert hint.startswith("New records of type “Partner”: the static value cannot be written")
    assert hints(rows, described) == []


def test_a_field_takes_one_source_however_it_is_spelled() -> None:
    rows = (Row("contact.city", "City"), Row("contact.state", "Title"), Row("contact.country", "city"))
    assert doubled(rows, LEAD) == [2]


def test_a_dependent_list_whose_leading_field_is_not_mapped_is_worth_a_hint() -> None:
    alone = hints((Row("contact.state", "StateCode"),), LEAD)
    assert len(alone) == 1
    assert alone[0].startswith("State follows Country, which is not mapped")
    assert hints((Row("contact.state", "StateCode"), Row("contact.country", "CountryCode")), LEAD) == []
