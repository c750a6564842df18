"""What must hold for every mapping, every CRM and every life of bookings, found by random search.

`test_wrong_*` show that the same search finds out a plan that does not keep its promises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, example, find, given, settings
from hypothesis import strategies as st

from core.crm import MemoryCrm, WouldBeRefused
from core.desk import Desk, NotEmpty, Planner
from core.lives import HOSTS, booking, contact, step
from core.org import setting
from core.random_lives import LIVES, OBJECTS, OUR_STEPS, PEOPLE, Broken, Existing, Life, World, lives
from instep.core import plan_activity, plan_fields, plan_record
from instep.core.booking import Booking, Kind
from instep.core.changes import Action, Change, Write
from instep.core.contact import Contact
from instep.core.creation import PersonAccounts
from instep.core.desired import Setting
from instep.core.lookup import Observed
from instep.core.mapping import Row
from instep.core.plan import BatchPlan, plan
from instep.core.work import Memory, Work
from instep.crm.salesforce.names import BOOKING_ID

RANDOM = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
SEARCH = settings(RANDOM, max_examples=3000, phases=[Phase.generate], database=None)


@RANDOM
@given(LIVES)
def test_every_life_keeps_the_promises(life: Life) -> None:
    """Plan, apply, plan is empty; no value is lost, nothing unmapped is touched, nothing is made twice."""
    World(life).live()


#: the row's value is sent once more from memory, which moves the CRM's clock; the second guest books all the same
SENT_ONCE_MORE = Life(
    "installed",
    {**dict.fromkeys(OBJECTS, ()), "Contact": (Row("contact.email", "LastName", overwrite=True),)},
    {"person_object": "Lead", "always_write": True},
    tuple(contact(key) for key in PEOPLE),
    (Existing("Contact", "ctc-1@guest.example", {}),),
    (),
    0,
    PersonAccounts.NEVER,
    (),
    (
        ("book", "CTC-1", HOSTS[0], "", None),
        ("syncs", {0}, False),
        ("syncs", {0}, True),
        ("book", "CTC-1", HOSTS[0], "", None),
    ),
)


@settings(RANDOM, max_examples=100)
@given(lives(OUR_STEPS))
@example(SENT_ONCE_MORE)
def test_one_call_and_two_calls_end_in_the_same_crm(life: Life) -> None:
    """Where memory suffices and nobody else has written, planning from it changes nothing in the end."""
    from_memory, from_reading = World(life).live(), World(life, one_call=False).live()
    assert from_memory.crm.copy() == from_reading.crm.copy()


@settings(RANDOM, max_examples=100)
@given(
    overwritten=st.sampled_from(
        [("Title", "job_title"), ("Code__c", "company"), ("Budget__c", "postal_code")]
    ),
    before=st.sampled_from(["1", "7"]),
    there=st.sampled_from(["", "1", "9"]),
    human=st.sampled_from(["2", "8"]),
    after=st.sampled_from(["1", "7", "3"]),
    from_memory=st.booleans(),
    always=st.booleans(),
)
def test_a_humans_later_value_stays_until_the_source_changes(
    overwritten: tuple[str, str],
    before: str,
    there: str,
    human: str,
    after: str,
    from_memory: bool,
    always: bool,
) -> None:
    """Overwrite on: what a human wrote after us stays, be the booking changed as often as it will."""
    name, source = overwritten
    rows = {"Contact": (Row(f"contact.{source}", name, overwrite=True),)}
    desk = Desk(MemoryCrm(), setting(rows, always_write=always))
    record = desk.crm.add("Contact", LastName="Doe", Email="ctc-1@guest.example", **{name: there})

    def says(value: str) -> bool:
        stored = desk.crm.rows["Contact"][record][name]
        return Decimal(str(stored)) == Decimal(value)

    def sync(made: Booking, person: Contact) -> None:
        if not from_memory or desk.sync_from_memory((made, person)) is None:
            desk.sync((made, person))

    made, person = booking(), contact(**{source: before})
    sync(made, person)
    assert says(before)
    desk.crm.edit("Contact", record, **{name: human})
    moved = step(made, Kind.RESCHEDULED)
    sync(moved, person)
    assert says(before if always else human)
    sync(step(moved, Kind.COMPLETED), evolve(person, **{source: after}))
    assert says(after if always or after != before else human)


# --- wrong plans are found out --------------------------------------------------------------------


def ignores_overwrite(on: Setting, works: Sequence[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Treats every row as if Overwrite were on."""
    rows = {name: tuple(evolve(r, overwrite=True) for r in mine) for name, mine in on.config.rows.items()}
    return plan(evolve(on, config=evolve(on.config, rows=rows)), works, observed, memory)


def plans_persons_by_booking(
    on: Setting, works: Sequence[Work], observed: Observed, memory: Memory
) -> BatchPlan:
    """Plans the person of each booking for itself."""
    mine = [evolve(w, contact=evolve(w.contact, id=w.item)) for w in works if w.contact]
    alone = [plan(on, [work], observed, memory) for work in mine]
    writes = [w for batch in alone for w in batch.writes]
    writes.sort(key=lambda w: w.object == "Event")
    return BatchPlan(tuple(item for batch in alone for item in batch.items), tuple(writes))


def _with_more(batch: BatchPlan, more: Callable[[Write], Sequence[Change]]) -> BatchPlan:
    """The plan with more changes in every update of a person."""
    updates = [w for i in batch.items for w in i.writes if w.object != "Event" and w.action is Action.UPDATE]
    changed = {w.ref: evolve(w, changes=(*w.changes, *more(w))) for w in updates}
    # those that are sent keep their place, behind the companies that they refer to
    kept = tuple(changed.pop(w.ref, w) for w in batch.writes)
    return evolve(batch, writes=(*kept, *changed.values()))


def erases(on: Setting, works: Sequence[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Sends the blanks of persons too."""

    def blanks(write: Write) -> list[Change]:
        mapped = {r.field for r in on.config.rows[write.object]} - {c.field for c in write.changes}
        kept = {f.name for f in on.schema[write.object].required()} | {"Vip__c"}
        return [Change(name, name, None) for name in sorted(mapped - kept)]

    return _with_more(plan(on, works, observed, memory), blanks)


def touches_more(on: Setting, works: Sequence[Work], observed: Observed, memory: Memory) -> BatchPlan:
    """Writes a field that nobody mapped."""
    return _with_more(plan(on, works, observed, memory), lambda w: [Change("Title", "Title", "Guest")])


def _forgets(name: str, key: str = "") -> Planner:
    """A plan that never sees records of an object, and makes them plainly."""

    def forgetful(on: Setting, works: Sequence[Work], observed: Observed, memory: Memory) -> BatchPlan:
        unlinked = [evolve(w, link=evolve(w.link, case_id="")) for w in works]
        batch = plan(on, unlinked, Observed(tuple(r for r in observed.records if r.object != name)), memory)
        made = [
            evolve(w, action=Action.CREATE, key=None, changes=(*w.changes, Change(key, "", w.key[1])))
            if w.object == name and w.key
            else w
            for w in batch.writes
        ]
        return evolve(batch, writes=tuple(made))

    return forgetful


forgets_events = _forgets("Event", BOOKING_ID)
forgets_cases = _forgets("Case", BOOKING_ID)
forgets_companies = _forgets("Account")


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        (ignores_overwrite, "Overwrite is off"),
        (plans_persons_by_booking, "persons have the address"),
        (erases, "a blank erased a value"),
        (touches_more, "nobody mapped this field"),
        (forgets_events, "two Events of one booking"),
        (forgets_cases, "two Cases of one booking"),
        (forgets_companies, "two Accounts of one name"),
    ],
)
def test_wrong_plan_is_found_out(wrong: Planner, promise: str) -> None:
    """The search above would find a plan that breaks a promise: it finds these, each by its promise."""

    def breaks(life: Life) -> bool:
        try:
            World(life, wrong, strict=False).live()
        except Broken as broken:
            return promise in str(broken)
        except WouldBeRefused:
            pass
        return False

    World(find(LIVES, breaks, settings=SEARCH, random=Random(1))).live()


def test_wrong_comparison_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that compares what it sends with what is stored, letter by letter, is never empty."""

    def never_ends(life: Life) -> bool:
        try:
            World(life).live()
        except NotEmpty:
            return True
        return False

    for room in (plan_activity, plan_fields, plan_record):
        monkeypatch.setattr(room, "same", lambda target, one, other: one == other)
    find(LIVES, never_ends, settings=SEARCH, random=Random(1))
