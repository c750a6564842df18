"""Every supported type of a CRM field, with one property each: what is written is taken, and known again.

The CRM in memory (`core.crm.stored`) keeps and gives back values the way Salesforce does, and refuses what it refuses.
"""

from __future__ import annotations

import html
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from core.crm import stored
from instep.core.catalogue import TYPES
from instep.core.crm_schema import Field, ObjectSchema, PicklistValue, RecordType, mappable, takes
from instep.core.mapping import Converted, Row, convert, effective, same
from instep.core.picklists import agreeing, clash, option_of, valid_for

ZONES = st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Apia", "Europe/Lisbon"])
TEXTS = st.text(max_size=400)


def of_type(kind: str, **more: Any) -> Field:
    return Field("X__c", "X", kind, **more)


def kept(target: Field, done: Converted) -> Any:
    """What the CRM gives back of a value that was written; its own form must mean the same."""
    back = stored(target, done.value)
    assert same(target, back, done.value), (back, done.value)
    return back


def again(target: Field, back: Any) -> None:
    """An old value of the CRM, written once more, changes nothing."""
    assert same(target, back, convert(back, target).value)


# -- text ------------------------------------------------------------------------------------------


@given(TEXTS, st.integers(1, 255))
def test_text_is_cut_to_its_length_and_said_so(text: str, length: int) -> None:
    target = of_type("string", length=length)
    done = convert(text, target)
    assert done.value is None or len(done.value) <= length
    if done.note:
        assert f"cut to {length} characters" in done.note
    again(target, kept(target, done))


@given(TEXTS)
def test_text_areas_keep_their_lines(text: str) -> None:
    target = of_type("textarea", length=32000)
    done = convert(text, target)
    again(target, kept(target, done))
    if done.value is not None and "\n" in text.strip() and "\0" not in text:
        assert done.note == ""


@given(TEXTS, st.integers(20, 200))
def test_rich_text_is_escaped_and_never_cut_inside_a_character(text: str, length: int) -> None:
    target = of_type("textarea", html=True, length=length)
    done = convert(text, target)
    if done.value is None:
        return
    assert len(done.value) <= length
    assert "<" not in done.value.replace("<br>", "")
    whole = convert(text, of_type("textarea", html=True)).value
    assert html.unescape(whole).startswith(html.unescape(done.value)), "no character is cut in two"
    kept(target, done)


@given(st.from_regex(r"\+?[0-9 ()-]{3,39}", fullmatch=True).filter(str.strip))
def test_phones_are_written_as_they_are(number: str) -> None:
    target = of_type("phone", length=40)
    done = convert(number, target)
    assert done.value == number.strip()
    again(target, kept(target, done))


@given(st.integers(0, 300))
def test_addresses_of_the_web_are_whole_or_refused(size: int) -> None:
    """Half an address leads nowhere."""
    target, url = of_type("url", length=255), "https://x.example/" + "y" * size
    done = convert(url, target)
    assert (done.value == url) == (len(url) <= 255)
    assert bool(done.refused) == (len(url) > 255)


@given(TEXTS)
def test_an_email_field_takes_addresses_only(text: str) -> None:
    target = of_type("email", length=80)
    done = convert(text, target)
    assert done.value is None or "@" in done.value
    kept(target, done)


# -- numbers ---------------------------------------------------------------------------------------


@given(st.decimals(-(10**9), 10**9, places=4), st.sampled_from(["", "$", "€", "EUR ", "£ "]))
def test_amounts_lose_their_currency_and_keep_their_value(amount: Any, sign: str) -> None:
    target = of_type("currency", precision=18, scale=2)
    done = convert(f"{sign}{amount}", target)
    assert done.value == pytest.approx(float(amount), abs=0.005001)
    assert ("EUR" in done.note) == (sign == "EUR ")
    again(target, kept(target, done))


@given(st.decimals(-1000, 1000, places=3))
def test_shares_lose_their_sign(share: Any) -> None:
    target = of_type("percent", precision=18, scale=2)
    done = convert(f"{share} %", target)
    assert done.value == pytest.approx(float(share), abs=0.005001)
    again(target, kept(target, done))


@given(st.integers(-(2**40), 2**40), st.sampled_from(["int", "long", "double"]))
def test_numbers_drop_leading_zeros(number: int, kind: str) -> None:
    target = of_type(kind, precision=18) if kind == "double" else of_type(kind)
    digits = f"{'-' if number < 0 else ''}000{abs(number)}"
    done = convert(digits, target)
    if done.refused:
        assert kind == "int"
        assert abs(number) >= 2**31
    else:
        assert done.value == number


LATITUDE = Field(
    "Office__Latitude__s",
    "Office (Latitude)",
    "double",
    precision=18,
    scale=15,
    compound="Office__c",
    axis="latitude",
)
LONGITUDE = evolve(LATITUDE, name="Office__Longitude__s", label="Office (Longitude)", axis="longitude")
OFFICE = Field("Office__c", "Office", "location", createable=False, updateable=False)
PLACES = ObjectSchema("Lead", "Lead", {f.name: f for f in (OFFICE, LATITUDE, LONGITUDE)})


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from([", ", ",", "; ", " "]))
def test_a_geolocation_is_written_as_its_two_parts(lat: float, long: float, between: str) -> None:
    text = f"{lat:.6f}{between}{long:.6f}"
    rows = effective((Row("meeting.custom.place", "Office__c", fallback="0, 0"),), PLACES)
    assert [row.field for row in rows] == ["Office__Latitude__s", "Office__Longitude__s"]
    assert {row.fallback for row in rows} == {"0, 0"}
    assert convert(text, LATITUDE).value == pytest.approx(round(lat, 6))
    assert convert(text, LONGITUDE).value == pytest.approx(round(long, 6))
    again(LATITUDE, kept(LATITUDE, convert(text, LATITUDE)))


@pytest.mark.parametrize("text", ["somewhere", "91, 0", "1, 2, 3", "12 N, 5 E"])
def test_what_is_no_place_on_earth_is_refused(text: str) -> None:
    assert convert(text, LATITUDE).refused


def test_a_geolocation_is_offered_as_one_field() -> None:
    assert [mappable(PLACES, one) for one in PLACES.fields.values()] == [True, False, False]
    assert takes("text", PLACES, OFFICE)
    assert not takes("number", PLACES, OFFICE)


# -- moments ---------------------------------------------------------------------------------------


@given(st.integers(-6_900_000_000, 63_000_000_000), ZONES)
def test_moments_travel_in_utc_and_dates_in_the_owners_zone(at: int, name: str) -> None:
    zone, moment = ZoneInfo(name), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
    stamp, day = of_type("datetime"), of_type("date")
    assert convert(moment, day, zone).value == moment.astimezone(zone).date().isoformat()
    done = convert(moment, stamp, zone)
    again(stamp, kept(stamp, done))
    again(day, kept(day, convert(moment, day, zone)))


@given(st.dates(date(1750, 1, 1), date(3990, 1, 1)), ZONES)
def test_a_typed_date_stays_that_date(day: date, name: str) -> None:
    assert convert(day.isoformat(), of_type("date"), ZoneInfo(name)).value == day.isoformat()


def test_a_moment_in_a_text_is_told_as_people_read_it() -> None:
    """Dates in texts look like those of the field library."""
    at = datetime(2015, 3, 23, 11, 0, tzinfo=UTC)
    assert convert(at, of_type("string", length=255)).value == "Mon, Mar 23, 2015, 11:00 AM"
    assert (
        convert(at, of_type("textarea"), ZoneInfo("America/New_York")).value == "Mon, Mar 23, 2015, 7:00 AM"
    )


# -- choices ---------------------------------------------------------------------------------------

SIZES = (PicklistValue("S", "Small"), PicklistValue("M", "Medium"), PicklistValue("XL", "Huge", active=False))


@given(st.sampled_from(["S", "s", "small", "Medium", "XL", "Huge", "Other", ";"]), st.booleans())
def test_a_list_takes_values_and_labels_that_are_active(text: str, restricted: bool) -> None:
    target = of_type("picklist", length=255, restricted=restricted, picklist=SIZES)
    done = convert(text, target)
    known = {"s": "S", "small": "S", "medium": "M"}.get(text.lower())
    if known:
        assert (done.value, done.note) == (known, "")
        again(target, kept(target, done))
    elif restricted:
        retired = text.lower() in ("xl", "huge")
        assert ("no longer an active value" in done.refused) == retired
    else:
        assert (done.value, done.note) == (text, "not in the field's list")


@given(st.lists(st.sampled_from(["S", "Medium", "Huge", "Other"]), max_size=4))
def test_several_choices_are_each_checked(parts: list[str]) -> None:
    target = of_type("multipicklist", length=255, restricted=True, picklist=SIZES)
    done = convert(parts, target)
    good = [{"S": "S", "Medium": "M"}[p] for p in dict.fromkeys(parts) if p in ("S", "Medium")]
    assert (done.value or "") == ";".join(good)
    assert bool(done.note or done.refused) == any(p in ("Huge", "Other") for p in parts)
    again(target, kept(target, done))


@given(st.sampled_from(["yes", "No", "TRUE", "0", "on", "off", True, False, "perhaps"]))
def test_a_checkbox_takes_yes_and_no(value: Any) -> None:
    target = of_type("boolean")
    done = convert(value, target)
    wanted = {"yes": True, "no": False, "true": True, "0": False, "on": True, "off": False, "false": False}
    assert done.value == wanted.get(str(value).lower())
    assert bool(done.refused) == (value == "perhaps")
    assert convert(True, of_type("string")).value == "Yes"


@given(st.sets(st.integers(0, 40), max_size=12))
def test_the_bits_of_a_dependent_value_name_its_partners(places: set[int]) -> None:
    """First bit first, as the CRM's bit map counts them."""
    import base64

    raw = bytearray(6)
    for place in places:
        raw[place // 8] |= 0x80 >> place % 8
    assert valid_for(base64.b64encode(bytes(raw)).decode()) == frozenset(places)


def test_a_broken_bit_map_restricts_nothing() -> None:
    assert valid_for("not base64!") is None
    assert valid_for("") is None


COUNTRY = Field(
    "CountryCode",
    "Country",
    "picklist",
    restricted=True,
    picklist=(PicklistValue("US", "United States"), PicklistValue("IN", "India")),
)
STATE = Field(
    "StateCode",
    "State",
    "picklist",
    restricted=True,
    controller="CountryCode",
    picklist=(
        PicklistValue("AL", "Alabama", valid_for=frozenset({0})),
        PicklistValue("PB", "Punjab", valid_for=frozenset({1})),
    ),
)


@pytest.mark.parametrize(
    ("state", "country", "clashes"),
    [("AL", "US", False), ("AL", "IN", True), ("PB", "IN", False), ("PB", None, False), ("ZZ", "US", False)],
)
def test_a_dependent_value_goes_with_its_leading_one(state: str, country: str | None, clashes: bool) -> None:
    said = clash(STATE, state, COUNTRY, country)
    assert bool(said) == clashes
    if clashes:
        assert said == f"State: “{state}” does not go with “{country}” in Country."


def test_a_code_that_two_countries_share_is_read_by_the_country() -> None:
    """AL is Alabama, and Alagoas in Brazil."""
    shared = evolve(
        STATE,
        picklist=(
            PicklistValue("Alabama", "AL", valid_for=frozenset({0})),
            PicklistValue("Alagoas", "AL", valid_for=frozenset({1})),
        ),
    )
    assert convert("AL", shared).value == "Alabama"
    assert clash(shared, "Alabama", COUNTRY, "IN")
    assert agreeing(shared, "AL", COUNTRY, "IN") == "Alagoas"
    assert agreeing(shared, "Punjab", COUNTRY, "IN") == ""


def test_a_list_may_follow_a_checkbox() -> None:
    vip = of_type("boolean")
    target = evolve(STATE, picklist=(PicklistValue("Gold", "Gold", valid_for=frozenset({1})),))
    assert clash(target, "Gold", vip, False)
    assert not clash(target, "Gold", vip, True)


def test_states_are_found_by_code_and_by_label() -> None:
    assert option_of(" alabama ", STATE) == STATE.picklist[0]
    assert option_of("pb", STATE) == STATE.picklist[1]


def test_a_record_type_narrows_its_lists() -> None:
    """The describe tells the union; a record of a type takes the type's values only."""
    status = of_type("picklist", restricted=True, picklist=SIZES[:2])
    described = ObjectSchema(
        "Case", "Case", {"X__c": status}, record_types=(RecordType("012A", "Support"),),
        choices={"012A": {"X__c": frozenset({"M"})}},
    )  # fmt: skip
    assert convert("Small", described.fields["X__c"]).value == "S"
    narrow = described.for_record_type("012A")
    assert convert("Small", narrow.fields["X__c"]).refused
    assert narrow is described.for_record_type("012A"), "put together once"
    assert described.for_record_type("012B") is described


# -- what is offered -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["reference", "encryptedstring", "id", "address", "base64", "anyType", "time"]
)
@pytest.mark.parametrize("source", TYPES)
def test_unsupported_types_are_offered_to_nothing(kind: str, source: str) -> None:
    target = of_type(kind)
    described = ObjectSchema("Lead", "Lead", {target.name: target})
    assert not mappable(described, target)
    assert not takes(source, described, target)


def test_names_lose_no_word_and_double_none() -> None:
    """A first name holds the middle names, a last name the suffix, unless they have rows of their own."""
    named = (Row("contact.first_name", "FirstName"), Row("contact.last_name", "LastName"))
    described = ObjectSchema("Lead", "Lead", {})
    assert effective(named, described) == named
    apart = effective(
        (*named, Row("contact.middle_name", "MiddleName"), Row("contact.suffix", "Suffix")), described
    )
    assert [row.source for row in apart] == [
        "contact.given_name",
        "contact.family_name",
        "contact.middle_name",
        "contact.suffix",
    ]
