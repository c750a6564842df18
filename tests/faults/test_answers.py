"""Reads that fail, answers that are lost, writes that land late: nothing twice, nothing stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from faults.lives import DAY, Life, guest, lives, scheduled
from faults.oracle import Person
from faults.scene import Scene, eventually
from instep.core.changes import Action
from instep.core.errors import InstepError
from instep.core.lookup import Observed
from instep.crm.salesforce import SalesforceCrm

#: seconds after which a late write lands: long enough for its retry, on a busy machine too
LANDS_AFTER = 3
WRITE = {"op": "upsert", "object": "Event"}
ADA = {"FirstName": "Ada", "LastName": "Aalto", "Email": "ada.aalto@guest.example", "Company": "Aalto Oy"}
BAD_QUERY = {"status": 400, "errorCode": "MALFORMED_QUERY", "message": "unexpected token"}


# --- F2: the look-up alone fails ------------------------------------------------------------------


@pytest.mark.fault("F2")
@pytest.mark.parametrize("name", ["Lead", "Contact", "Event"])
@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"status": 500}, id="500 without a reason"),
        pytest.param(
            {"status": 400, "errorCode": "QUERY_TIMEOUT", "message": "too slow"}, id="QUERY_TIMEOUT"
        ),
    ],
)
def test_F02_a_failed_query_is_never_nobody_found(scene: Scene, name: str, order: dict[str, Any]) -> None:
    """One query of the look-up fails: it is asked again, and who was there is found, not made anew."""
    scene.fake.seed("Lead", **ADA)
    scene.fake.arm("status", {"op": "query", "object": name}, times=2, **order)
    scene.tell(Life("BKNG-1", person=guest("Ada Aalto")).scheduled(), *scheduled(lives(3)))
    scene.until_settled()
    assert scene.fake.drawn() == 2
    scene.assert_in_step(Person("Lead", ADA))


@pytest.mark.fault("F2")
def test_F02_one_unreadable_address_in_the_batch(scene: Scene) -> None:
    """An address that the CRM cannot search for keeps its own booking waiting, with the reason; no other."""
    odd = Life("BKNG-ODD", person=guest("Odd One", email="odd@guest.example"))
    these = lives(9)
    scene.fake.arm("status", {"op": "query", "contains": "odd@guest.example"}, times=None, **BAD_QUERY)
    scene.tell(*scheduled(these[:4]), odd.scheduled(), *scheduled(these[4:]))
    eventually(lambda: scene.drain() and scene.count("done = wanted") == 9, "the nine others are written")
    aside = [event for event in scene.told if b"BKNG-ODD" in event]
    scene.told = [event for event in scene.told if event not in aside]
    scene.assert_in_step()
    assert [p["error_code"] for p in scene.problems()] == ["MALFORMED_QUERY"]
    scene.fake.disarm()
    scene.told += aside
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F2")
def test_F02_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that takes a failure for "nobody found" makes a second person, and the comparison says so."""
    asked = SalesforceCrm.observe

    def careless(crm: SalesforceCrm, lookup: Any) -> Observed:
        try:
            return asked(crm, lookup)
        except InstepError:
            return Observed()

    monkeypatch.setattr(SalesforceCrm, "observe", careless)
    scene.fake.seed("Lead", **ADA)
    scene.fake.arm("status", {"op": "query", "object": "Lead"}, status=500)
    scene.tell(Life("BKNG-1", person=guest("Ada Aalto")).scheduled())
    scene.until_settled()
    assert len(scene.fake.crm()["Lead"]) == 2
    with pytest.raises(AssertionError):
        scene.assert_in_step(Person("Lead", ADA))


# --- F3: the write succeeded, the answer was lost -------------------------------------------------


@pytest.mark.fault("F3")
@pytest.mark.parametrize("new", ["Lead", "Contact"])
@pytest.mark.parametrize("count", [1, 40])
def test_F03_the_answer_to_the_first_write_is_lost(scene: Scene, new: str, count: int) -> None:
    """Everything was written but no answer came: the retry finds it, nobody and nothing twice."""
    scene.configure(person_object=new)
    scene.fake.arm("drop_after", WRITE)
    scene.tell(*scheduled(lives(count)))
    scene.until_settled()
    assert scene.fake.drawn() == 1
    scene.assert_in_step(new=new)


@pytest.mark.fault("F3")
def test_F03_answers_are_lost_again_and_again(scene: Scene) -> None:
    """Every other write loses its answer, changes come in between: still one of each, in the last state."""
    these = lives(6)
    scene.fake.arm("drop_after", {"path": "/composite"}, times=None, probability=0.5, seed=3)
    scene.tell(*scheduled(these))
    scene.drain()
    scene.tell(these[0].rescheduled(DAY + timedelta(days=1), "Sooner"), these[1].canceled("Ill"))
    scene.drain()
    scene.tell(these[0].canceled("Never mind"), these[2].completed(), these[3].no_show())
    scene.until_settled()
    assert scene.fake.drawn() > 1
    scene.assert_in_step()


def creating(crm: SalesforceCrm, writes: Any, *rest: Any, apply: Callable[..., Any]) -> Any:
    """What a connector does that knows no external ids: it creates."""
    plain = [evolve(w, action=Action.CREATE, key=None) if w.key else w for w in writes]
    return apply(crm, plain, *rest)


@pytest.mark.fault("F3")
def test_F03_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that creates where we upsert doubles the Event, and the comparison says so."""
    apply = SalesforceCrm.apply
    monkeypatch.setattr(
        SalesforceCrm, "apply", lambda crm, writes, *rest: creating(crm, writes, *rest, apply=apply)
    )
    scene.fake.arm("drop_after", {"object": "Event", "op": "create"})
    scene.tell(*scheduled(lives(1)))
    scene.until_settled()
    assert len(scene.fake.crm()["Event"]) == 2
    with pytest.raises(AssertionError):
        scene.assert_in_step()


@pytest.mark.fault("F3")
def test_F03_a_write_lands_late(scene: Scene) -> None:
    """A write that was given up lands after its booking has moved on: the second look heals it."""
    scene.patient(verify_after=LANDS_AFTER + 0.5)
    late_write_over_a_newer_one(scene, *lives(2))
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F3")
def test_F03_a_late_write_can_fail(scene: Scene) -> None:
    """Without the second look a late write stays, and the comparison says so."""
    scene.patient(verify_after=3600)
    late_write_over_a_newer_one(scene, *lives(2))
    scene.until_settled()
    with pytest.raises(AssertionError):
        scene.assert_in_step()


@pytest.mark.fault("F3")
def test_F03_a_change_in_between_does_not_make_a_late_write_forgotten(scene: Scene) -> None:
    """What was written well since then says nothing of the write whose end nobody saw."""
    scene.patient(verify_after=1.5 * LANDS_AFTER)
    life, other = lives(2)
    scene.fake.arm("late_commit", WRITE, ms=1000 * LANDS_AFTER)
    scene.tell(life.scheduled(), other.scheduled())
    scene.drain()
    eventually(lambda: scene.drain() and scene.count("done = wanted") == 2, "the retry went well")
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"), other.canceled("Ill"))
    eventually(lambda: scene.drain() and scene.count("done = wanted") == 2, "so did the change")
    assert scene.fake.order("GET", "faults")["pendingCommits"] == 1, "the late write has not landed yet"
    eventually(lambda: scene.fake.order("GET", "faults")["pendingCommits"] == 0, "it lands")
    scene.until_settled()
    scene.assert_in_step()


def late_write_over_a_newer_one(scene: Scene, life: Life, other: Life) -> None:
    """The first write of two bookings is given up; it lands after the retry and a reschedule."""
    scene.fake.arm("late_commit", WRITE, ms=1000 * LANDS_AFTER)
    scene.tell(life.scheduled(), other.scheduled())
    scene.drain()
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"), other.canceled("Ill"))
    eventually(lambda: scene.drain() and scene.count("done = wanted") == 2, "both are written")
    assert scene.fake.order("GET", "faults")["pendingCommits"] == 1, "the late write has not landed yet"
    eventually(lambda: scene.fake.order("GET", "faults")["pendingCommits"] == 0, "it lands")
