"""What helps where a CRM asks for a required field: for every kind of field, new records and those that are there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.crm_schema import Field, ObjectSchema, mappable
from instep.core.required_advice import advice, called
from instep.crm.hubspot.profile import PROFILE as HUBSPOT
from instep.crm.salesforce.profile import PROFILE as SALESFORCE

TYPES = ("string", "picklist", "currency", "boolean", "reference", "encryptedstring", "base64", "email")
FIELDS = {
    kind: Field(f"{kind}__c", f"The {kind}", kind, nillable=False, reference_to=("Account",))
    for kind in TYPES
}
LEAD = ObjectSchema("Lead", "Lead", {f.name: f for f in FIELDS.values()})


#: whom a cure is for: new records, those that are there, or both
_FOR = st.sampled_from([(True, False), (False, True), (True, True)])


@given(
    st.lists(st.sampled_from(sorted(LEAD.fields)), min_size=1, max_size=4, unique=True),
    _FOR,
)
def test_mapping_is_advised_exactly_for_what_a_mapping_can_fill(
    names: list[str], whom: tuple[bool, bool]
) -> None:
    new, there = whom
    said = advice(LEAD, names, SALESFORCE, new=new, there=there)
    for name in names:
        target = LEAD.fields[name]
        can = mappable(LEAD, target)
        to_map = said.partition("fallback value")[0] if "Map " in said else ""
        assert (called(target) in to_map) is can, said
        assert (f"No mapping can fill {called(target)}" in said) is not can
    assert ("page layout" in said) is any(not mappable(LEAD, LEAD.fields[name]) for name in names)
    assert ("then retry" in said) is there


@pytest.mark.parametrize(
    ("kind", "new", "there", "said"),
    [
        ("picklist", True, False, "Map The picklist (picklist__c), or give it a fallback value."),
        (
            "reference",
            True,
            False,
            "No mapping can fill The reference (reference__c), a look-up to another record. Make it optional in "
            "Salesforce, or required on the page layout only.",
        ),
        (
            "reference",
            False,
            True,
            "No mapping can fill The reference (reference__c), a look-up to another record. Give the record a value "
            "for it in Salesforce, then retry. To keep others from waiting, make it optional there, or required on the "
            "page layout only.",
        ),
        (
            "picklist",
            False,
            True,
            "Map The picklist (picklist__c), or give it a fallback value. Or give the record a value for it in "
            "Salesforce, then retry.",
        ),
    ],
)
def test_words(kind: str, new: bool, there: bool, said: str) -> None:
    assert advice(LEAD, [f"{kind}__c"], SALESFORCE, new=new, there=there) == said


def test_a_crm_without_page_layouts_is_not_told_of_them() -> None:
    assert "page layout" not in advice(LEAD, ["reference__c"], HUBSPOT, new=True)


def test_a_field_that_is_not_described_goes_by_its_name_and_no_field_says_nothing() -> None:
    assert advice(None, ["Tier__c"], SALESFORCE, new=True) == "Map Tier__c, or give it a fallback value."
    assert advice(LEAD, [], SALESFORCE, new=True, there=True) == ""


def test_a_geolocation_is_named_once_as_people_fill_it() -> None:
    whole = Field("Office__c", "Office", "location", nillable=False)
    parts = [
        Field(
            f"Office__{axis}__s",
            f"Office ({axis})",
            "double",
            nillable=False,
            compound="Office__c",
            axis=axis,
        )
        for axis in ("latitude", "longitude")
    ]
    described = ObjectSchema("Lead", "Lead", {f.name: f for f in (whole, *parts)})
    said = advice(described, [part.name for part in parts], SALESFORCE, new=True)
    assert said == "Map Office (Office__c), or give it a fallback value."
