"""Rows that suggest themselves: equal words and a type that fits, never twice, never against what is mapped."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.org import SCHEMA
from instep.core.catalogue import TYPES, Property
from instep.core.crm_schema import SUPPORTED, Field, ObjectSchema, PicklistValue
from instep.core.mapping import Row, convert
from instep.core.mapping_check import row_faults
from instep.core.suggestions import suggestions
from instep.crm.salesforce.profile import PROFILE

SIZE = Property("contact.custom.team_size", "Contact", "How many are you?", "text", "Custom fields", True)
OLD = Property("contact.custom.budget", "Contact", "Budget", "number", "Custom fields", True, archived=True)
TOPIC = Property("meeting.custom.topics", "Meeting", "Topics", "multi", "Custom fields", True)
CUSTOM = {p.key: p for p in (SIZE, OLD, TOPIC)}


def suggested(*fields: Field, rows: tuple[Row, ...] = (), meeting: bool = False) -> dict[str, str]:
    described = ObjectSchema("Lead", "Lead", {f.name: f for f in fields})
    found = suggestions(described, rows, {"OwnerId"}, CUSTOM, meeting)
    return {row.field: row.source for row in found}


def test_equal_names_are_proposed() -> None:
    """By label, by API name, by what CRMs call it, and by the identifier of a custom property."""
    assert suggested(
        Field("Title", "Title", "string"),
        Field("MailingCity", "Mailing City", "string"),
        Field("Team_Size__c", "Headcount", "string"),
        Field("MiddleName", "Middle Name", "string"),
        Field("Topics__c", "Themes", "multipicklist"),
        Field("Anything__c", "Anything", "string"),
    ) == {
        "Title": "contact.job_title",
        "MailingCity": "contact.city",
        "Team_Size__c": "contact.custom.team_size",
        "MiddleName": "contact.middle_name",
        "Topics__c": "meeting.custom.topics",
    }


def test_what_does_not_fit_is_not_proposed() -> None:
    assert not suggested(
        Field("City", "City", "double"),
        Field("Budget__c", "Budget", "currency"),
        Field("State", "State", "string", createable=False, updateable=False),
        Field("OwnerId", "Owner", "string"),
    )


@pytest.mark.parametrize(
    "target",
    [
        "double",
        "currency",
        "int",
        "date",
        "datetime",
        "boolean",
        "email",
        "url",
        "multipicklist",
        "restricted picklist",
        "restricted multipicklist",
        "restricted string",
    ],
)
@pytest.mark.parametrize("kind", ["text", "textarea", "picklist", "phone"])
def test_what_fits_by_chance_is_not_proposed(kind: str, target: str) -> None:
    """What guests type may be a number, one of a closed list's values, an address: people choose that, we do not."""
    values = (PicklistValue("A", "A"),) if "restricted" in target else ()
    one = Field("Wish__c", "Wish", target.split()[-1], restricted=bool(values), picklist=values)
    wish = Property("contact.custom.wish", "Contact", "Wish", kind, "Custom fields", True)
    described = ObjectSchema("Lead", "Lead", {one.name: one})
    found = suggestions(described, (), (), {wish.key: wish}, False)
    assert bool(found) is ((kind, target) == ("picklist", "multipicklist"))


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
def test_every_value_of_what_is_proposed_is_written(kind: str, data: st.DataObject) -> None:
    """Whatever the property holds: nothing is refused, in any type of field that is proposed."""
    types = sorted(SUPPORTED - {"location"})
    fields = {t: Field(f"{t}__c", "Wish", t, length=255, precision=18, scale=2) for t in types}
    wish = Property("contact.custom.wish", "Contact", "Wish", kind, "Custom fields", True)
    proposed = 0
    for target in fields.values():
        described = ObjectSchema("Lead", "Lead", {target.name: target})
        for row in suggestions(described, (), (), {wish.key: wish}, False):
            proposed += 1
            assert not convert(data.draw(VALUES[kind]), described.fields[row.field]).refused
    assert proposed >= 3, "texts at least"


_TEXT = st.text(max_size=300)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "text": _TEXT,
    "textarea": _TEXT,
    "picklist": _TEXT,
    "phone": _TEXT,
    "multi": st.lists(_TEXT, max_size=3).map(tuple),
    "boolean": st.booleans(),
    "number": st.integers(-(10**6), 10**6),
    "date": st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(str),
    "datetime": st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "email": st.just("ada@guest.example"),
    "url": st.just("https://guest.example/a"),
}


def test_nothing_is_proposed_twice() -> None:
    """Neither for a mapped field, nor from a source that a row uses, nor for two fields at once."""
    city = Field("City", "City", "string")
    assert not suggested(city, rows=(Row("contact.name", "City"),))
    assert not suggested(city, rows=(Row("contact.city", "Town__c"),))
    both = suggested(city, Field("MailingCity", "Mailing City", "string"))
    assert both == {"City": "contact.city"}


def test_on_events_the_meetings_own_properties_count() -> None:
    title = Field("Calendar_Event_Title__c", "Calendar event title", "string")
    assert suggested(title, meeting=True) == {"Calendar_Event_Title__c": "meeting.event_title"}
    assert not suggested(title)


def test_a_suggestion_can_always_be_saved() -> None:
    for name, described in SCHEMA.items():
        for row in suggestions(described, PROFILE.default_rows[name], set(), {}, name == "Event"):
            assert not row_faults(row, described, frozenset(), "Salesforce", {})
