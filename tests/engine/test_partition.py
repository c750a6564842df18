"""How due items become batches in flight: none is opened that saves no time, and no person is in two."""

from __future__ import annotations

from typing import Any

import pytest

from instep.engine.drain import _partition

Rows = list[dict[str, Any]]


def rows(count: int, people: int = 0, linked: int = 0) -> Rows:
    """Due items of so many people; of those that are linked, each record has so many contacts."""
    return [
        {
            "id": n,
            "person_key": n % people + 1 if people else None,
            "link": {"person_id": f"00Q{n % linked}"} if linked else {},
        }
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "size", "in_flight", "sizes"),
    [
        (1, 200, 4, [1]),
        (25, 200, 4, [25]),
        (50, 200, 4, [50]),
        (60, 200, 4, [50, 10]),
        (400, 200, 4, [100, 100, 100, 100]),
        (800, 200, 4, [200, 200, 200, 200]),
        (40, 10, 4, [10, 10, 10, 10]),
        (200, 200, 1, [200]),
    ],
)
def test_a_small_burst_is_one_batch_and_a_large_one_is_spread(
    count: int, size: int, in_flight: int, sizes: list[int]
) -> None:
    """Each batch costs a read and a write; every item is in exactly one."""
    batches = _partition(rows(count), size, in_flight)
    assert [len(batch) for batch in batches] == sizes
    assert sorted(row["id"] for batch in batches for row in batch) == list(range(count))


@pytest.mark.parametrize(("people", "linked"), [(90, 0), (0, 90), (90, 35), (7, 400)])
def test_no_person_is_in_two_batches(people: int, linked: int) -> None:
    """Whether items share the contact, the CRM's record, or one by way of the other."""
    batches = _partition(rows(400, people, linked), 200, 4)
    for of in (lambda row: row["person_key"], lambda row: row["link"].get("person_id")):
        seen: dict[Any, int] = {}
        for number, batch in enumerate(batches):
            for row in batch:
                if of(row) is not None:
                    assert seen.setdefault(of(row), number) == number
    assert sum(map(len, batches)) > 0


def test_no_company_of_new_people_is_in_two_batches() -> None:
    """An Account that two batches both miss would be made twice; people who are linked have theirs."""
    companies = {key: f"company {key % 7}" for key in range(1, 401)}
    batches = _partition(rows(400, people=400), 100, 4, companies)
    places = [(companies[row["person_key"]], n) for n, batch in enumerate(batches) for row in batch]
    assert len(set(places)) == len({company for company, _ in places}) == 4
    linked = _partition(rows(400, people=400, linked=400), 100, 4, companies)
    assert [len(batch) for batch in linked] == [100, 100, 100, 100]
