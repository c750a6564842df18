"""Record ids that come from outside: long and short ones, lost case, and what is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.crm.salesforce.ids import checked_id, long_id

LETTERS = string.ascii_letters + string.digits
short_ids = st.text(LETTERS, min_size=15, max_size=15)


def test_documented_example() -> None:
    """The three characters behind an id say which of its letters are capitals."""
    assert checked_id("00Q000000000001") == "00Q000000000001EAA"
    assert checked_id(" 00Q000000000001EAA\n") == "00Q000000000001EAA"


@given(short_ids)
def test_short_and_long_form_are_one_id(short: str) -> None:
    long = long_id(short)
    assert checked_id(short) == checked_id(long) == long


@given(short_ids)
def test_lost_case_is_repaired(short: str) -> None:
    long = long_id(short)
    assert checked_id(long.lower()) == checked_id(long.upper()) == long


@given(short_ids, st.integers(0, 14), st.sampled_from(LETTERS))
def test_changed_character_never_becomes_another_record(short: str, at: int, other: str) -> None:
    """A letter of the wrong kind is found out; whatever is taken differs by the change itself, never by a repair."""
    long = long_id(short)
    changed = long[:at] + other + long[at + 1 :]
    assert checked_id(changed) in ("", long, changed) or changed in (changed.lower(), changed.upper())
    if other.isupper() != long[at].isupper() and changed not in (changed.lower(), changed.upper()):
        assert checked_id(changed) == ""


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = checked_id(text)
    assert found == "" or (len(found) == 18 and checked_id(found) == found)


@pytest.mark.parametrize(
    "text", ["", "{!Lead.Id}", "00Q00000000000", "00Q000000000001EA", "00Q00000000000é", "٣" * 15]
)
def test_what_is_none(text: str) -> None:
    assert checked_id(text) == ""
