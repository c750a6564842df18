"""No value leaves its quotes, and every statement fits where it goes."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.errors import Bug, InputError
from instep.core.lookup import ObjectLookup
from instep.crm.salesforce.soql import (
    ADDRESS_BYTES,
    STATEMENT_CHARS,
    literal,
    quoted,
    statements,
    user_statements,
)
from instep_standins.salesforce.soql_parse import parse

_CONTROL = "".join(chr(n) for n in range(32) if chr(n) not in "\n\r\t\b\f")
guest_text = st.text(st.characters(codec="utf-8", exclude_characters=_CONTROL), max_size=60)


@given(st.lists(guest_text, min_size=1, max_size=5, unique=True))
def test_what_goes_into_a_literal_comes_out_of_the_parser(values: list[str]) -> None:
    """Read back by the stand-in's own parser: the same values, and nothing beside them."""
    kept = tuple(v for v in values if "@{" not in v) or ("x",)
    (statement,) = statements(ObjectLookup("Lead", ("Email",), {"Email": kept}))
    where = parse(statement.soql).where
    assert tuple(v.value for v in where.values) == kept


@pytest.mark.parametrize("char", ["\x00", "\x01", "\x0b", "\x1b"])
def test_a_control_character_is_refused_before_sending(char: str) -> None:
    with pytest.raises(InputError, match="control character"):
        literal(f"a{char}b")


def test_a_value_beyond_the_length_of_a_string_is_refused() -> None:
    assert literal("x" * 4_000)
    with pytest.raises(InputError, match="4000"):
        literal("x" * 4_001)


@given(st.lists(st.text("abcäö'@{} ", max_size=300), max_size=600))
def test_every_value_is_asked_once_and_every_statement_fits(values: list[str]) -> None:
    for alone in (False, True):
        asked = statements(ObjectLookup("Lead", ("Email",), {"Email": tuple(values)}), alone=alone)
        found: list[str] = []
        for statement in asked:
            assert len(statement.soql) <= STATEMENT_CHARS
            if alone or not statement.composable:
                assert len(quote(statement.soql, safe="")) <= ADDRESS_BYTES
            found += [v.value for v in parse(statement.soql).where.values]
        assert sorted(found) == sorted(set(values))
        # A value with a reference never shares a statement with others that could travel in a Composite.
        assert {
            v for s in asked if s.composable for v in values if "@{" in v and literal(v) in s.soql
        } == set()


def test_two_hundred_people_are_one_statement() -> None:
    emails = tuple(f"guest.with.a.long.name.{n}@some-company-{n}.guest.example" for n in range(200))
    ids = tuple(f"C-{n:032}" for n in range(200))
    asked = statements(ObjectLookup("Lead", ("Email",), {"Email": emails, "Instep_Contact_Id__c": ids}))
    assert len(asked) == 1


def test_a_value_too_long_for_an_address_of_its_own_is_an_input_error() -> None:
    with pytest.raises(InputError, match="too long"):
        statements(ObjectLookup("Lead", ("Email",), {"Email": ("@{" + "ä" * 3_900,)}))


def test_nothing_to_match_asks_nothing() -> None:
    assert statements(ObjectLookup("Lead", ("Email",), {})) == []
    assert statements(ObjectLookup("Lead", ("Email",), {"Email": ()})) == []
    assert user_statements(()) == []


def test_moments_are_written_without_quotes_and_only_if_they_are_moments() -> None:
    at = "2026-12-01T10:00:00.000Z"
    (statement,) = statements(ObjectLookup("Event", ("Subject",), moments={"StartDateTime": (at,)}))
    assert f"StartDateTime IN ({at})" in statement.soql
    for bad in ("2026-12-01", "'x'", f"{at}) OR (Id != null", f"{at}\n"):
        with pytest.raises(Bug):
            statements(ObjectLookup("Event", ("Subject",), moments={"StartDateTime": (bad,)}))


def test_deleted_rows_are_asked_from_query_all() -> None:
    (statement,) = statements(ObjectLookup("Event", ("Id", "Subject"), {"Id": ("x",)}, include_deleted=True))
    assert statement.path("/base").startswith("/base/queryAll?q=")
    assert statement.soql.startswith("SELECT Id, Subject, IsDeleted FROM Event")


@pytest.mark.parametrize("name", ["Email FROM User --", "Email'", "", "Ä", "Email, Id"])
def test_only_field_names_become_part_of_a_statement(name: str) -> None:
    with pytest.raises(Bug):
        statements(ObjectLookup("Lead", (name,), {"Id": ("x",)}))


def test_users_are_asked_by_their_addresses() -> None:
    (statement,) = user_statements(["o'neil@host.example"])
    assert re.search(
        r"WHERE UserType IN \('Standard', 'CsnOnly'\) AND \(Email IN \('o\\'neil@host.example'\)\)",
        statement.soql,
    )


@given(st.text(st.characters(codec="utf-8")))
def test_an_address_carries_a_statement_as_urllib_writes_it(text: str) -> None:
    assert quoted(text) == quote(text, safe="")
