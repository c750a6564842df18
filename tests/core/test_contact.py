"""Contacts: identity, names, and values that remember who said them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.contact import (
    contact_of,
    identity_email,
    identity_mobile,
    is_other_name,
    merge,
    mobile_key,
    phone_spellings,
    split_name,
    stamped,
    tidy_email,
    values_of,
)

fields = st.dictionaries(
    st.sampled_from(["name", "phone", "company", "custom.size"]),
    # a stamp belongs to one fact, so that one stamp says one thing
    st.integers(0, 5).map(lambda n: (f"value {n}", f"{n:02d}")),
)


@given(fields, fields, fields)
def test_merging_does_not_care_about_order_grouping_or_repetition(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]
) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(merge(a, b), b) == merge(a, b)


def test_a_blank_never_erases() -> None:
    known = stamped({"phone": "1", "company": "Acme", "custom.topics": ("a",)}, "1")
    newer = stamped({"phone": "", "company": None, "custom.topics": (), "name": "Ann"}, "2")
    assert values_of(merge(known, newer)) == {
        "phone": "1",
        "company": "Acme",
        "custom.topics": ("a",),
        "name": "Ann",
    }


def test_the_newest_value_wins_value_by_value() -> None:
    older, newer = stamped({"phone": "1", "name": "Ann"}, "1"), stamped({"phone": "2"}, "2")
    assert values_of(merge(newer, older)) == {"phone": "2", "name": "Ann"}


def test_a_contact_made_of_its_values() -> None:
    said = stamped({"name": "Ines Castro", "email": "i@x.example", "custom.topics": ("a", "b")}, "1")
    contact = contact_of("CTC-1", said)
    assert (contact.id, contact.first_name, contact.last_name) == ("CTC-1", "Ines", "Castro")
    assert contact.custom == {"topics": ("a", "b")}


words = st.lists(
    st.text(st.characters(categories=("L", "M")), min_size=1, max_size=8), min_size=1, max_size=5
)
titled = st.sampled_from(["", "Dr. ", "Prof. ", "Mrs "])
suffixed = st.sampled_from(["", " Jr.", " III", " PhD", ", MD"])


@given(titled, words, suffixed)
def test_splitting_a_name_loses_no_word(title: str, parts: list[str], suffix: str) -> None:
    typed = title + " ".join(parts) + suffix
    contact = contact_of("CTC-1", stamped({"name": typed}, "1"))
    kept = f"{contact.salutation} {contact.first_name} {contact.last_name}"
    assert sorted(kept.replace(",", " ").split()) == sorted(typed.replace(",", " ").split())
    assert contact.last_name, "a CRM's last name is never empty"


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("Ines Castro", "Ines", "Castro"),
        ("Prince", "", "Prince"),
        ("  Anna-Lena   Müller ", "Anna-Lena", "Müller"),
        ("王小明", "", "王小明"),
        ("Ludwig van der Berg", "Ludwig", "van der Berg"),
        ("Robert Downey Jr.", "Robert", "Downey Jr."),
    ],
)
def test_names(typed: str, first: str, last: str) -> None:
    contact = contact_of("CTC-1", stamped({"name": typed}, "1"))
    assert (contact.first_name, contact.last_name) == (first, last)


@pytest.mark.parametrize("typed", ["", "   ", "\t\n"])
def test_no_name_has_no_parts(typed: str) -> None:
    assert split_name(typed).last == ""


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("  Ines@Guest.Example ", "ines@guest.example"),
        ("n/a", ""),
        ("@", ""),
        ("a b@x.example", ""),
        ("x" * 300 + "@y.example", ""),
        ("", ""),
    ],
)
def test_only_what_can_be_an_address_identifies_a_person(typed: str, key: str) -> None:
    assert identity_email(typed) == key


def test_the_local_part_stays_as_typed() -> None:
    assert tidy_email(" Ines.Castro@GUEST.Example ") == "Ines.Castro@guest.example"
    assert tidy_email("n/a") == "n/a"


def test_only_an_international_number_identifies_a_person() -> None:
    assert identity_mobile("+351 912 000 111") == "+351912000111"
    assert identity_mobile("912 000 111") == ""
    assert mobile_key("912 000 111") == "912000111"
    assert identity_mobile("") == ""


def test_phone_spellings_hold_every_form_a_crm_may_keep() -> None:
    spellings = phone_spellings("+351 912 000 111")
    assert {"+351912000111", "+351 912 000 111", "351912000111", "912 000 111", "912000111"} <= set(spellings)


@pytest.mark.parametrize("number", ["", "n/a", "123", "+45 31\x0b23 45 67", "1" * 41])
def test_what_is_no_phone_number_is_searched_by_nobody(number: str) -> None:
    """A look-up by "n/a" would find every stranger who typed the same."""
    assert phone_spellings(number) == ()


@pytest.mark.parametrize(
    ("there", "other"),
    [
        ("Ada Aalto", False),
        ("A. Aalto", False),
        ("ada  AALTO", False),
        ("Aalto", False),
        ("Ada Aalto-Berg", False),
        ("Ada Maria Aalto", False),
        ("", False),
        ("Bo Berg", True),
        ("Ada Berg", True),
        ("Bo Aalto", True),
        ("B. Aalto", True),
    ],
)
def test_another_name_is_told_from_another_spelling(there: str, other: bool) -> None:
    assert is_other_name(there, contact_of("c", {"name": ("Ada Aalto", "1")})) is other


def test_a_first_name_that_nobody_typed_is_no_other_name() -> None:
    assert not is_other_name("Bo Aalto", contact_of("c", {"name": ("Aalto", "1")}))
