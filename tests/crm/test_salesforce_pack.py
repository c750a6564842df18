"""Packing: every write once, within Salesforce's limits, parents before children."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_batches import event, lead, update
from instep.core.changes import Action, Change, Write
from instep.core.errors import Bug
from instep.crm.port import ReadOne
from instep.crm.salesforce.pack import (
    Collection,
    Composite,
    collections,
    composites,
    mentions_reference,
    ranks,
)

_KINDS = [
    (Action.CREATE, "Account", ""),
    (Action.UPSERT, "Lead", "Instep_Contact_Id__c"),
    (Action.UPSERT, "Contact", "Instep_Contact_Id__c"),
    (Action.CREATE, "Contact", ""),
    (Action.UPDATE, "Lead", ""),
    (Action.UPDATE, "Event", ""),
    (Action.UPSERT, "Case", "Instep_Booking_Id__c"),
    (Action.UPSERT, "Event", "Instep_Booking_Id__c"),
    (Action.CREATE, "Event", ""),
]


def some_batch(seed: int, size: int) -> list[Write]:
    """Any writes; parents are any earlier ones, so that there are no circles. Drawn here, not by Hypothesis:
    a batch of hundreds takes thousands of draws."""
    dice = random.Random(seed)
    writes: list[Write] = []
    for n in range(size):
        action, name, key = dice.choice(_KINDS)
        number = dice.randrange(30) if dice.random() < 0.1 else n
        writes.append(
            Write(
                f"w{n}",
                f"b{n}",
                action,
                name,
                (Change("Subject", "Subject", "x"),),
                id=f"00Q{number:012}" if action is Action.UPDATE else "",
                key=(key, dice.choice((f"K-{number}", f"K/{number}"))) if key else None,
                parents={"WhoId": f"w{dice.randrange(n)}"} if n and dice.random() < 0.3 else {},
                alone=dice.random() < 0.05,
                auto_assign=dice.random() < 0.5,
            )
        )
    dice.shuffle(writes)
    return writes


batches = st.builds(some_batch, st.integers(0, 2**32), st.sampled_from([0, 1, 2, 3, 5, 12, 40, 450]))


@given(batches, st.integers(0, 60))
def test_packing_keeps_all_promises(writes: list[Write], read_count: int) -> None:
    reads = [ReadOne("Lead", f"00Q{n:012}", ("Email",)) for n in range(read_count)]
    parts = collections(writes, ranks(writes))
    packed = composites(reads, parts)

    sent = [w for composite in packed for part in composite.collections for w in part.writes]
    assert sorted(w.ref for w in sent) == sorted(w.ref for w in writes), "every write exactly once"
    assert [r for composite in packed for r in composite.reads] == reads

    part_of = {w.ref: n for n, part in enumerate(parts) for w in part.writes}
    for write in writes:
        for ref in write.parents.values():
            if next(w for w in writes if w.ref == ref).action is not Action.UPDATE:
                assert part_of[ref] < part_of[write.ref], "parents in an earlier part"

    for composite in packed:
        assert len(composite.reads) + len(composite.collections) <= 25
        assert sum(not part.single for part in composite.collections) <= 5
    for part in parts:
        check_collection(part)


def check_collection(part: Collection) -> None:
    assert 1 <= len(part.writes) <= 200
    runs = [w.object for n, w in enumerate(part.writes) if not n or part.writes[n - 1].object != w.object]
    assert len(runs) <= 10, "type chunks"
    assert len({w.action for w in part.writes}) == 1
    if part.action is not Action.UPDATE:
        assert len({(w.object, w.key[0] if w.key else "") for w in part.writes}) == 1
    ids = [w.id or (w.key and w.key[1].lower()) or w.ref for w in part.writes]
    assert len({(w.object, i) for w, i in zip(part.writes, ids, strict=True)}) == len(ids), "no record twice"
    assigned = {w.auto_assign for w in part.writes if w.object in ("Lead", "Case", "Account")}
    assert len(assigned) <= 1, "one header for all"
    if any(w.alone and w.parents for w in part.writes):
        assert len({frozenset(w.parents.values()) for w in part.writes}) == 1


def packed(*writes: Write) -> list[Composite]:
    return composites((), collections(writes, ranks(writes)))


def test_two_hundred_new_bookings_are_one_composite_of_two_collections() -> None:
    writes = [w for n in range(200) for w in (event(n, f"lead{n}"), lead(n))]
    (composite,) = packed(*writes)
    assert [[w.object for w in part.writes][:1] for part in composite.collections] == [["Lead"], ["Event"]]


def test_a_collection_holds_two_hundred() -> None:
    (composite,) = packed(*(lead(n) for n in range(450)))
    assert [len(part.writes) for part in composite.collections] == [200, 200, 50]


def test_the_order_of_kinds_is_that_of_the_design() -> None:
    account = Write("a", "b", Action.CREATE, "Account", (Change("Name", "Name", "x"),))
    case = Write("c", "b", Action.UPSERT, "Case", (Change("Subject", "s", "x"),), key=("K", "1"))
    contact = Write("p", "b", Action.UPSERT, "Contact", (), key=("K", "1"), parents={"AccountId": "a"})
    writes = (event(1, "lead1"), case, update("u", "Lead", "00Q1"), contact, lead(1), account)
    (composite,) = packed(*writes)
    order = [(p.writes[0].action.value, p.writes[0].object) for p in composite.collections]
    assert order == [
        ("create", "Account"),
        ("upsert", "Lead"),
        ("upsert", "Contact"),
        ("update", "Lead"),
        ("upsert", "Case"),
        ("upsert", "Event"),
    ]


def test_updates_of_mixed_types_share_a_collection() -> None:
    (composite,) = packed(
        update("a", "Event", "00U1"), update("b", "Lead", "00Q1"), update("c", "Event", "00U2")
    )
    (part,) = composite.collections
    assert [w.object for w in part.writes] == ["Event", "Event", "Lead"]


def test_an_update_that_refers_to_a_later_kind_follows_it() -> None:
    case = Write("c", "b", Action.UPSERT, "Case", (), key=("K", "1"))
    related = Write("u", "b", Action.UPDATE, "Event", (), id="00U1", parents={"WhatId": "c"})
    (composite,) = packed(related, case)
    assert [p.writes[0].ref for p in composite.collections] == ["c", "u"]


def test_children_of_a_fragile_parent_travel_alone() -> None:
    writes = [lead(1), lead(2), lead(3), event(1, "lead1", alone=True), event(2, "lead2"), event(3, "lead3")]
    (composite,) = packed(*writes)
    assert [[w.ref for w in p.writes] for p in composite.collections] == [
        ["lead1", "lead2", "lead3"],
        ["event1"],
        ["event2", "event3"],
    ]


def test_a_missing_parent_and_a_circle_are_our_own_mistakes() -> None:
    with pytest.raises(Bug, match="not in the batch"):
        ranks([event(1, "lead1")])
    a = Write("a", "i", Action.CREATE, "Contact", (), parents={"X": "b"})
    b = Write("b", "i", Action.CREATE, "Contact", (), parents={"X": "a"})
    with pytest.raises(Bug, match="each other"):
        ranks([a, b])
    with pytest.raises(Bug, match="same name"):
        ranks([lead(1), lead(1)])


@pytest.mark.parametrize(
    "value", ["@{ref.id}", "hello @{", ["x", "@{"], {"a": {"b": "@{"}}, {"@{": 1}, "a@{b"]
)
def test_a_reference_is_seen_wherever_it_hides(value: object) -> None:
    assert mentions_reference(lead(1, Title=value))
    assert not mentions_reference(lead(1, Title="{@} @ {x}"))


def test_a_key_that_is_no_plain_word_travels_in_a_body() -> None:
    assert Collection((lead(1),)).single
    assert not Collection((lead("1/2"),)).single
    assert not Collection((lead("ä"),)).single
    assert not Collection((lead("x y"),)).single
