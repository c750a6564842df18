"""A source value becomes a CRM's wire value, or the reason why it cannot; equal values are known as equal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crm import WouldBeRefused, stored
from core.org import SCHEMA
from instep.core.crm_schema import Field, PicklistValue
from instep.core.mapping import (
    as_read,
    canonical,
    convert,
    default_for,
    fingerprint,
    is_blank,
    is_email,
    same,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TIER = Field(
    "Tier__c",
    "Tier",
    "picklist",
    length=255,
    restricted=True,
    picklist=(PicklistValue("G", "Gold"), PicklistValue("Old", "Old", active=False)),
)
TOPICS = Field(
    "Topics__c",
    "Topics",
    "multipicklist",
    restricted=True,
    picklist=(PicklistValue("A", "A"), PicklistValue("B", "B")),
)


def of_type(kind: str, **more: Any) -> Field:
    return Field("X__c", "X", kind, **more)


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("currency", 0),
        ("date", "2026-11-02"),
        ("datetime", "2026-11-02T12:00:00.000Z"),
        ("email", "email@example.com"),
        ("double", 0),
        ("int", 0),
        ("percent", 0),
        ("phone", "1234567890"),
        ("string", "Unspecified"),
        ("textarea", "Unspecified"),
        ("url", "http://NA"),
    ],
)
def test_documented_default_of_each_type(kind: str, default: Any) -> None:
    """A required field that nothing fills gets the default of its type."""
    assert default_for(of_type(kind), NOON).value == default


def test_rich_text_gets_the_default_of_text() -> None:
    """Text, text area, long and rich text share one default; a short field takes what fits."""
    assert default_for(of_type("textarea", html=True, length=131072), NOON).value == "Unspecified"
    assert default_for(of_type("string", length=5), NOON).value == "Unspe"


@pytest.mark.parametrize("kind", ["picklist", "reference", "multipicklist", "encryptedstring"])
def test_no_default_where_none_is_documented(kind: str) -> None:
    """Types without a documented default say so and send nothing."""
    done = default_for(of_type(kind), NOON)
    assert done.value is None
    assert done.refused == "X is required and has no value, no fallback and no default."


@pytest.mark.parametrize(
    ("value", "target", "wire"),
    [
        ("$1,234.50", of_type("currency", precision=18, scale=2), 1234.5),
        ("EUR 12", of_type("currency", precision=18, scale=2), 12.0),
        ("12 €", of_type("currency", precision=18, scale=2), 12.0),
        ("15%", of_type("percent", precision=5, scale=1), 15.0),
        ("007", of_type("double", precision=18), 7.0),
        ("2.5", of_type("double", precision=18), 3.0),
        ("-2.5", of_type("double", precision=18), -3.0),
        (30, of_type("int"), 30),
        ("1,250", of_type("int"), 1250),
        ("37.7749", of_type("double", precision=18, scale=15), 37.7749),
        ("yes", of_type("boolean"), True),
        ("Off", of_type("boolean"), False),
        ("gold", TIER, "G"),
        ("Platinum", of_type("picklist", length=255), "Platinum"),
        (["A", "B"], TOPICS, "A;B"),
        (["A", "b", "A"], TOPICS, "A;B"),
        (["Ann", "Bo"], of_type("string"), "Ann, Bo"),
        (" padded ", of_type("string"), "padded"),
        ("two\nlines", of_type("string"), "two lines"),
        ("two\r\nlines", of_type("textarea"), "two\nlines"),
        ("a < b", of_type("textarea", html=True), "a &lt; b"),
        ("http://x.example", of_type("url", length=255), "http://x.example"),
        ("+1 415 555 0100", of_type("phone", length=40), "+1 415 555 0100"),
        ("", of_type("string"), None),
        ("  ", of_type("email"), None),
        ([], TOPICS, None),
    ],
)
def test_conversion(value: Any, target: Field, wire: Any) -> None:
    """Each supported type takes what its line of the table says."""
    done = convert(value, target)
    assert (done.value, done.refused) == (wire, "")


def test_date_is_the_hosts_date() -> None:
    """The date of a moment is the one in the owner's zone; a date and time travels as UTC."""
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert convert(late, of_type("date"), ZoneInfo("Asia/Tokyo")).value == "2026-11-03"
    assert convert(late, of_type("datetime"), ZoneInfo("Asia/Tokyo")).value == "2026-11-02T23:30:00.000Z"
    assert (
        convert("2026-11-03T08:30", of_type("datetime"), ZoneInfo("Asia/Tokyo")).value[:16]
        == "2026-11-02T23:30"
    )
    assert convert("2026-11-03", of_type("date"), ZoneInfo("America/New_York")).value == "2026-11-03"


@pytest.mark.parametrize(
    ("value", "target", "reason"),
    [
        ("twelve", of_type("double"), "is not a number"),
        ("1.234,50", of_type("currency", precision=18, scale=2), "is not a number"),
        ("nan", of_type("double"), "is not a number"),
        ("Infinity", of_type("double"), "is not a number"),
        ("3000000000", of_type("int"), "is too large"),
        ("12345", of_type("double", precision=6, scale=2), "is too large"),
        ("1e999999", of_type("double"), "is too large"),
        ("tomorrow", of_type("date"), "is not a date"),
        ("0001-01-01", of_type("datetime"), "the CRM cannot hold"),
        ("9999-12-31T23:59", of_type("date"), "the CRM cannot hold"),
        ("perhaps", of_type("boolean"), "neither yes nor no"),
        ("Platinum", TIER, "is not one of its values"),
        ("Old", TIER, "is no longer an active value"),
        (["C"], TOPICS, "is not one of its values"),
        ("not-an-address", of_type("email"), "is not a valid e-mail address"),
        ("http://x.example/" + "y" * 300, of_type("url", length=255), "longer than 255"),
        ("003000000000001", of_type("reference"), "cannot be filled by a mapping"),
        ("x", of_type("encryptedstring"), "cannot be filled by a mapping"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_reason(value: Any, target: Field, reason: str) -> None:
    """Nothing is sent that the CRM would refuse; the reason names the field or the value."""
    done = convert(value, target)
    assert done.value is None
    assert reason in done.refused


def test_long_text_is_cut_with_a_note() -> None:
    """Text is cut to the field's length, and the receipt says so."""
    done = convert("word " * 10, of_type("string", length=6))
    assert (done.value, done.note) == ("word w", "cut to 6 characters (was 49)")


def test_some_choices_of_several_are_written() -> None:
    """Of a multi-select the valid choices are written and the others named."""
    done = convert(["A", "C"], TOPICS)
    assert done.value == "A"
    assert "“C” is not one of its values" in done.note


@pytest.mark.parametrize(
    ("target", "one", "other"),
    [
        (of_type("datetime"), "2026-11-02T12:00:00.000Z", "2026-11-02T13:00:00.000+0100"),
        (of_type("double"), 1, 1.0),
        (of_type("email"), "A@b.example", "a@B.example"),
        (of_type("textarea"), "a\nb", "a\r\nb "),
        (of_type("string", length=3), "abcdef", "abc"),
        (of_type("reference"), "003000000000001", "003000000000001AAA"),
        (of_type("string"), "", None),
        (of_type("boolean"), None, False),
        (TOPICS, "B;A", "A;B"),
        (of_type("textarea", html=True), "a &quot;b&quot; &#x27;", 'a "b" \''),
        (None, "x ", "x"),
    ],
)
def test_same_meaning_is_no_difference(target: Field | None, one: Any, other: Any) -> None:
    """What the CRM gives back in its own form is known again."""
    assert same(target, one, other)


@pytest.mark.parametrize(
    ("rich", "read"),
    [
        ("a &lt; b<br>c", "a < b\nc"),
        (
            '<div dir="auto"><p>First&nbsp;line</p><p>second<br/>third</p></div>',
            "First\xa0line\nsecond\nthird",
        ),
        ("&lt;b&gt; was typed", "<b> was typed"),
        ("3 < 4 > 2", "3 < 4 > 2"),
        ("", ""),
    ],
)
def test_rich_text_is_read_without_its_marks(rich: str, read: str) -> None:
    """Ours or a person's; what was typed as a mark stays readable."""
    assert as_read(rich) == read


@pytest.mark.parametrize(
    ("target", "one", "other"),
    [
        (of_type("string"), "a", "A"),
        (of_type("double"), 0, None),
        (of_type("boolean"), True, None),
        (of_type("reference"), "003000000000001AAA", "003000000000002AAA"),
        (TOPICS, "A", "A;B"),
        (of_type("date"), "2026-11-02", "2026-11-03"),
    ],
)
def test_different_values_differ(target: Field, one: Any, other: Any) -> None:
    """Zero is not empty, case counts in text, ids count by all of their first 15 characters."""
    assert not same(target, one, other)


_FIELDS = [f for f in SCHEMA["Lead"].fields.values() if f.createable and f.type != "reference"]
_VALUES = st.one_of(
    st.text(max_size=300),
    st.integers(),
    st.floats(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.text(max_size=12)),
    st.sampled_from(["12.345", "Gold", "Alpha;Beta", "2026-12-01", "yes", "a@b.example"]),
)


@given(_VALUES, st.sampled_from(_FIELDS))
def test_whatever_is_converted_is_taken_and_known_again(value: Any, target: Field) -> None:
    """For every value and field: a value comes out that the CRM takes and gives back as the same, or a reason."""
    done = convert(value, target)
    if done.refused or is_blank(done.value):
        assert is_blank(done.value)
        return
    try:
        kept = stored(target, done.value)
    except WouldBeRefused as refused:
        pytest.fail(str(refused))
    assert same(target, kept, done.value)
    assert same(target, kept, convert(kept, target).value) or target.html


def test_canonical_of_an_unreadable_moment_is_itself() -> None:
    """A moment that nobody can read compares as text instead of failing."""
    assert canonical(of_type("datetime"), "soon") == "soon"


def test_fingerprint_tells_whether_a_source_changed() -> None:
    """Values of every kind have a text of their own; blanks share the empty one."""
    values = [NOON, date(2026, 11, 2), ["a", "b"], 3, "x"]
    assert [fingerprint(v) for v in values] == ["2026-11-02T12:00:00.000Z", "2026-11-02", "a, b", "3", "x"]
    assert {fingerprint(v) for v in (None, "", "  ", [], ())} == {""}


@pytest.mark.parametrize("text", ["a@b.example", "o'neil+x@sub.b.example", "ö@b.example"])
def test_addresses_that_a_crm_takes(text: str) -> None:
    """Ordinary addresses pass."""
    assert is_email(text)


@pytest.mark.parametrize(
    "text", ["a@b", "a b@c.example", "a@@b.example", "a..b@c.example", "a.@c.example", "@c.example"]
)
def test_addresses_that_a_crm_refuses(text: str) -> None:
    """What a CRM would refuse is not sent as an address."""
    assert not is_email(text)
