"""A booking calendar's rules: as documents and back, and what cannot be."""

from __future__ import annotations

import json
import string

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from instep.core.booking_calendar import (
    Ask,
    Question,
    QuestionType,
    Rules,
    WeeklyHours,
    check_hours,
    check_name,
    check_rules,
    check_slug,
    hours_document,
    hours_of,
    rules_document,
    rules_of,
    slug_of,
)
from instep.core.errors import InputError

minutes = st.integers(0, 500)
questions = st.builds(
    Question,
    st.text(string.ascii_lowercase, min_size=1, max_size=8),
    st.text(min_size=1, max_size=20),
    st.sampled_from(QuestionType),
    st.booleans(),
    st.lists(st.text(max_size=9), max_size=3).map(tuple),
)
rules = st.builds(
    Rules,
    durations=st.lists(st.integers(5, 720), min_size=1, max_size=3, unique=True).map(tuple),
    slot_step=st.integers(5, 60),
    buffer_before=minutes,
    approval=st.booleans(),
    ask_company=st.sampled_from(Ask),
    ask_note=st.sampled_from(Ask),
    questions=st.lists(questions, max_size=3).map(tuple),
    next_steps=st.text(max_size=20),
)


@given(rules)
def test_rules_survive_their_document(made: Rules) -> None:
    assert rules_of(json.loads(json.dumps(rules_document(made)))) == made


def test_what_a_document_does_not_name_keeps_its_default() -> None:
    assert rules_of({}) == Rules()
    assert rules_of({"durations": [15], "of tomorrow": 1}) == Rules(durations=(15,))


def test_weekly_hours_survive_their_document() -> None:
    hours = WeeklyHours("Asia/Kathmandu", ((0, 0, 1440), (6, 540, 600)))
    assert hours_of(json.loads(json.dumps(hours_document(hours)))) == hours
    assert hours_document(WeeklyHours("Asia/Tokyo")) == {}
    assert hours_of({}) == WeeklyHours()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"durations": ()}, "DURATION"),
        ({"durations": (4,)}, "DURATION"),
        ({"durations": (30, 30)}, "DURATION"),
        ({"slot_step": 4}, "SLOT_STEP"),
        ({"buffer_after": -1}, "BUFFER"),
        ({"buffer_before": 1441}, "BUFFER"),
        ({"min_notice": -1}, "NOTICE"),
        ({"window_days": 0}, "WINDOW"),
        ({"max_per_day": 101}, "MAX_PER_DAY"),
        ({"guest_changes_until": -1}, "CHANGES_UNTIL"),
        ({"questions": (Question("Team size", "x"),)}, "QUESTION"),
        ({"questions": (Question("a", "x"), Question("a", "y"))}, "QUESTION"),
        ({"questions": (Question("a", " "),)}, "QUESTION"),
        ({"questions": (Question("a", "x", QuestionType.SELECT, False, ("one",)),)}, "QUESTION"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused(change: dict[str, object], code: str) -> None:
    check_rules(Rules())
    with pytest.raises(InputError) as refused:
        check_rules(evolve(Rules(), **change))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "spans",
    [((7, 0, 60),), ((0, 60, 60),), ((0, 0, 1441),), ((0, -1, 60),), ((0, 540, 700), (0, 699, 800))],
)
def test_hours_that_are_none_are_refused(spans: tuple[tuple[int, int, int], ...]) -> None:
    with pytest.raises(InputError):
        check_hours(WeeklyHours("UTC", spans))


def test_hours_may_touch_and_must_have_a_zone_of_today() -> None:
    check_hours(WeeklyHours("UTC", ((0, 700, 800), (0, 540, 700), (1, 0, 1440))))
    with pytest.raises(InputError, match="Mars/Base"):
        check_hours(WeeklyHours("Mars/Base"))
    with pytest.raises(InputError, match="Calcutta"):
        check_hours(WeeklyHours("Asia/Calcutta"))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Product demo", "product-demo"),
        ("  Café & Über-Tour! ", "cafe-uber-tour"),
        ("営業", ""),
        ("x" * 99, "x" * 64),
        ("a" * 63 + " b", "a" * 63),
    ],
)
def test_a_name_suggests_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text(max_size=90))
def test_a_suggested_slug_can_be_used(name: str) -> None:
    if slug_of(name):
        check_slug(slug_of(name))


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "a/b", "é", "a" * 65, "a\n"])
def test_a_slug_that_cannot_be_part_of_an_address_is_refused(slug: str) -> None:
    with pytest.raises(InputError):
        check_slug(slug)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0", "x" * 201])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    check_name("営業のデモ")
    with pytest.raises(InputError):
        check_name(name)
