"""Whose turn it is among free hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.assignment import Candidate, choose

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "candidates",
    [
        [Candidate("b", 1, 9, NOON), Candidate("a", 2)],
        [Candidate("b", 1, 1, NOON), Candidate("a", 1, 2, NOON - timedelta(days=9))],
        [Candidate("b", 1, 1, NOON - timedelta(hours=1)), Candidate("a", 1, 1, NOON)],
        [Candidate("b", 1, 0, None), Candidate("a", 1, 0, NOON)],
        [Candidate("b", 1, 1, NOON), Candidate("c", 1, 1, NOON)],
        [Candidate("b", 3, 5, NOON)],
    ],
    ids=["priority", "fewest", "longest ago", "never", "key", "alone"],
)
def test_b_is_chosen(candidates: list[Candidate]) -> None:
    assert choose(candidates) == "b"
    assert choose(candidates[::-1]) == "b"


def test_nobody_free_is_an_error() -> None:
    with pytest.raises(ValueError):
        choose([])


@given(st.permutations("abcd"), st.integers(1, 40))
def test_hosts_of_one_priority_share_evenly(order: list[str], bookings: int) -> None:
    """Whoever is listed first, and however many bookings come: nobody gets two more than another."""
    booked = dict.fromkeys(order, 0)
    last: dict[str, datetime] = {}
    for number in range(bookings):
        chosen = choose([Candidate(h, 1, booked[h], last.get(h)) for h in order])
        booked[chosen] += 1
        last[chosen] = NOON + timedelta(minutes=number)
    assert max(booked.values()) - min(booked.values()) <= 1
