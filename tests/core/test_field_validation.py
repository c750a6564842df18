"""Required fields: what fills each, which default is sent, which cannot be filled at all."""

from __future__ import annotations

from instep.core.crm_schema import Field, ObjectSchema, PicklistValue
from instep.core.field_validation import State, required_fields, with_row
from instep.core.mapping import Row


def needed(name: str, kind: str = "string", **more: object) -> Field:
    return Field(name, name, kind, nillable=False, **more)  # type: ignore[arg-type]


def states(*fields: Field, rows: tuple[Row, ...] = ()) -> dict[str, tuple[State, str]]:
    described = ObjectSchema("Lead", "Lead", {f.name: f for f in fields})
    found = required_fields(described, rows, frozenset({"OwnerId"}))
    return {one.target.name: (one.state, one.default) for one in found}


def test_every_state() -> None:
    """Filled, filled at times, a default, refused, blocked."""
    rows = (
        Row("contact.company", "Company"),
        Row("static:Web", "Source"),
        Row("contact.city", "City", fallback="?"),
    )
    said = states(
        needed("Company"),
        needed("Source"),
        needed("City"),
        needed("Since", "date"),
        needed("Tier", "picklist", picklist=(PicklistValue("Gold", "Gold"),)),
        needed("Region", "reference"),
        needed("Secret", "encryptedstring"),
        needed("OwnerId", "reference"),
        rows=rows,
    )
    assert said == {
        "Since": (State.DEFAULT, "the day of the booking"),
        "Tier": (State.REFUSED, ""),
        "Region": (State.BLOCKED, ""),
        "Secret": (State.BLOCKED, ""),
        "Company": (State.AT_TIMES, "Unspecified"),
        "Source": (State.FILLED, "Unspecified"),
        "City": (State.FILLED, "Unspecified"),
    }
    assert next(iter(said)) == "Since", "open ones come first"


def test_a_field_with_a_default_is_not_listed() -> None:
    """A default of the CRM's own, and a field that may be empty, need nobody."""
    assert not states(needed("Status", defaulted_on_create=True), Field("City", "City", "string"))


def test_a_geolocation_is_asked_for_once() -> None:
    """Its two parts are required in the CRM; people fill the whole."""
    whole = Field("Office__c", "Office", "location", createable=False, updateable=False)
    parts = [
        needed(f"Office__{axis}__s", "double", compound="Office__c", axis=axis)
        for axis in ("latitude", "longitude")
    ]
    assert states(whole, *parts) == {"Office__c": (State.DEFAULT, "0.000000, 0.000000")}
    filled = states(whole, *parts, rows=(Row("static:38.7, -9.1", "Office__c"),))
    assert filled == {"Office__c": (State.FILLED, "0.000000, 0.000000")}


def test_a_choice_replaces_what_fed_the_field() -> None:
    described = ObjectSchema("Lead", "Lead", {"Company": needed("Company")})
    rows = (Row("contact.email", "Email"), Row("contact.company", "company", overwrite=True))
    static = Row("static:Acme", "Company")
    assert with_row(rows, described, "Company", static) == (
        rows[0],
        Row("static:Acme", "Company", overwrite=True),
    )
    assert with_row(rows, described, "Company", None) == rows[:1]
    assert with_row(rows[:1], described, "Company", static) == (rows[0], static)
