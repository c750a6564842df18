"""All faults at once, by chance, while bookings live their lives: the whole CRM is right in the end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from faults.lives import DAY, Life, lives
from faults.scene import Scene, eventually
from faults.test_processes import Killed
from faults.test_weather import QUOTA
from instep.engine import drain
from instep.store import item_queries

#: seconds that a write may still be under way after its connection broke
LATE = 1
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "match": {"path": "/composite"}, "status": 503},
    {"kind": "status", "match": {"path": "/composite"}, **QUOTA},
    {"kind": "status", "match": {"op": "query"}, "status": 500},
    {"kind": "drop_before", "match": {"path": "/composite"}},
    {"kind": "drop_after", "match": {"path": "/composite"}},
    {"kind": "late_commit", "match": {"op": "upsert"}, "ms": 1000 * LATE},
    {"kind": "late_commit", "match": {"op": "update"}, "ms": 500 * LATE},
    # once only: a session refused twice in a row asks for a person, and rightly so
    {"kind": "session", "match": {"path": "/composite"}, "times": 1, "probability": 0.1},
    {"kind": "row", "errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"},
)
STEPS = ((item_queries, "mark_sent"), (drain.saving, "save"), (drain.pauses, "after_batch"))


@pytest.mark.parametrize("seed", range(2))
def test_everything_goes_wrong(scene: Scene, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Sixty bookings of forty people; one request in ten fails in some way, and drains die at any step."""
    dice = random.Random(seed)
    scene.configure(batches_in_flight=dice.choice([1, 3]))
    scene.patient(verify_after=2.5 * LATE, backoff=0.02, backoff_max=0.1, quota_probe=0.05)
    scene.rows("UPDATE connection SET batch_size = 20 WHERE id = %s RETURNING id", scene.connection_id)
    for n, order in enumerate(FAULTS):
        scene.fake.arm(**{"times": None, "probability": 0.02, "seed": seed * 100 + n, **order})
    for room, name in STEPS:
        monkeypatch.setattr(room, name, mortal(getattr(room, name), dice))
    these = bookings()
    for _ in range(25):
        scene.tell(*(next_step(life, dice) for life in dice.sample(these, 5)))
        try:
            scene.drain()
        except Killed:
            continue
    struck = scene.fake.drawn()
    scene.fake.disarm()
    monkeypatch.undo()
    eventually(lambda: scene.fake.order("GET", "faults")["pendingCommits"] == 0, "what is late lands")
    scene.until_settled()
    scene.assert_in_step()
    assert struck > 5
    assert scene.problems() == []


def mortal(step: Any, dice: random.Random) -> Any:
    """A step of a drain in which the process may end, before or after it."""

    def stepping(*arguments: Any, **more: Any) -> Any:
        fate = dice.random()
        if fate < 0.03:
            raise Killed
        done = step(*arguments, **more)
        if fate > 0.97:
            raise Killed
        return done

    return stepping


def bookings() -> list[Life]:
    """Sixty bookings; every second person books twice."""
    people = [life.person for life in lives(40, prefix="CHAOS")]
    return [Life(f"CHAOS-{n:02d}", person=people[n % 40], start=DAY + timedelta(hours=n)) for n in range(60)]


def next_step(life: Life, dice: random.Random) -> bytes:
    """The booking's first event, or any that may follow."""
    if not life.told:
        return life.scheduled()
    kind = dice.choice(["move", "move", "cancel", "complete", "no-show"])
    if kind == "move":
        return life.rescheduled(life.start + timedelta(hours=1), dice.choice(["Train strike", ""]))
    if kind == "cancel":
        return life.canceled(dice.choice(["Ill", ""]))
    return life.completed() if kind == "complete" else life.no_show()
