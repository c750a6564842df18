"""Workers that are killed or paused at the worst moment: another takes over, nothing twice, nothing stale."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from attrs import evolve

from faults.houses import House, kill, log_of, pause, wake
from faults.lives import DAY, Life, lives, scheduled
from faults.scene import Scene, eventually
from instep.core.changes import Action
from instep.crm.salesforce import SalesforceCrm
from instep.engine import drain, saving
from instep.store import item_queries, statements

WRITE = {"op": "upsert", "object": "Event"}
#: a worker that does not beat for so long has lost its lanes (and some time for a busy machine)
TAKEN_OVER = 15


# --- F4: killed between the effect and saving it --------------------------------------------------


@pytest.mark.fault("F4")
def test_F04_killed_between_the_effect_and_saving_it(house: House) -> None:
    """kill -9 when the CRM has written and the worker does not know yet: another takes over, nothing twice."""
    these = lives(40)
    house.tell(*scheduled(these))
    # the effect comes at once, the answer never
    house.fake.arm("late_commit", WRITE, ms=0, hold=120_000)
    first = house.worker()
    eventually(lambda: len(house.fake.crm()["Event"]) == 40, "the CRM has written")
    kill(first)
    assert house.asked("SELECT count(*) FROM sync_item WHERE done = wanted") == 0, "nothing was saved"
    died = time.monotonic()
    house.worker()
    eventually(lambda: house.asked("SELECT count(*) FROM sync_item WHERE done = wanted") == 40, "taken over")
    assert time.monotonic() - died < TAKEN_OVER
    house.tell(these[0].canceled("Ill"))
    house.until_settled()
    house.assert_in_step()


class Killed(BaseException):
    """Stands for the end of a process: nothing catches it."""


def die(*arguments: Any, **more: Any) -> Any:
    raise Killed


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    ("room", "name"),
    [
        pytest.param(item_queries, "mark_sent", id="before the write"),
        pytest.param(drain.saving, "save", id="after the write"),
        pytest.param(drain.pauses, "after_batch", id="after saving"),
    ],
)
@pytest.mark.parametrize("linked", [False, True], ids=["first write", "change"])
def test_F04_killed_at_every_step(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, room: Any, name: str, linked: bool
) -> None:
    """Wherever in its work a drain ends, the next one goes on from there."""
    these = lives(5)
    scene.tell(*scheduled(these))
    if linked:
        scene.until_settled()
        scene.tell(these[0].canceled("Ill"), these[1].rescheduled(DAY + timedelta(days=1), "Sooner"))
    with monkeypatch.context() as patched:
        patched.setattr(room, name, die)
        with pytest.raises(Killed):
            scene.drain()
    scene.tell(these[2].rescheduled(DAY + timedelta(days=2), "Later"))
    scene.until_settled()
    scene.assert_in_step()


def create(apply: Callable[..., Any]) -> Callable[..., Any]:
    """What a connector does that knows no external ids: it creates."""

    def creating(crm: SalesforceCrm, writes: Any, *rest: Any) -> Any:
        plain = [evolve(w, action=Action.CREATE, key=None) if w.key else w for w in writes]
        return apply(crm, plain, *rest)

    return creating


@pytest.mark.fault("F4")
def test_F04_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector that creates where we upsert doubles the Event after a crash, and the comparison says so."""
    monkeypatch.setattr(SalesforceCrm, "apply", create(SalesforceCrm.apply))
    scene.tell(*scheduled(lives(1)))
    with monkeypatch.context() as patched:
        patched.setattr(saving, "save", die)
        with pytest.raises(Killed):
            scene.drain()
    scene.until_settled()
    assert len(scene.fake.crm()["Event"]) == 2
    with pytest.raises(AssertionError):
        scene.assert_in_step()


# --- F27: paused for longer than the stall limit --------------------------------------------------


@pytest.mark.fault("F27")
def test_F27_a_worker_paused_longer_than_the_stall_limit(house: House) -> None:
    """SIGSTOP between read and write, woken when another worker has gone on: it writes nothing any more."""
    these = lives(6)
    house.tell(*scheduled(these))
    house.fake.arm("latency", {"op": "query", "object": "Lead"}, ms=1500)
    asleep = house.worker()
    eventually(lambda: house.fake.drawn() == 1, "the first worker is reading")
    pause(asleep)
    house.worker()
    eventually(lambda: len(house.fake.crm()["Event"]) == 6, "the second worker takes over")
    house.tell(these[0].canceled("Ill"), these[1].rescheduled(DAY + timedelta(days=1), "Sooner"))
    house.until_settled()
    house.assert_in_step()
    wake(asleep)
    eventually(lambda: "drain.fenced" in log_of(asleep), "the first worker finds itself fenced")
    house.assert_in_step()  # at once, not only after its items were looked at again
    house.until_settled()
    house.assert_in_step()


@pytest.mark.fault("F27")
def test_F27_paused_within_a_transaction(house: House) -> None:
    """SIGSTOP while it holds its lane's row: the transaction is undone, and another worker goes on."""
    these = lives(2)
    with psycopg.connect(house.home.database_url) as ours:
        ours.execute("LOCK TABLE crm_user IN SHARE ROW EXCLUSIVE MODE")
        asleep = house.worker()
        waits = "SELECT count(*) FROM pg_locks WHERE relation = 'crm_user'::regclass AND NOT granted"
        eventually(lambda: house.asked(waits) == 1, "the first worker looks at the setup and saves the users")
        pause(asleep)
    house.tell(*scheduled(these))
    house.worker()
    in_step = "SELECT count(*) FROM sync_item WHERE done = wanted"
    eventually(lambda: house.asked(in_step) == 2, "the second worker takes over", 60)
    wake(asleep)
    house.tell(these[0].canceled("Ill"))
    house.until_settled()
    house.assert_in_step()


@pytest.mark.fault("F27")
def test_F27_paused_after_its_write(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fenced after its write: its late write-back makes its items due again and changes nothing else."""
    life = lives(1)[0]
    overtaken_after_its_write(scene, monkeypatch, life)
    assert scene.count("due_at <= now() AND observe_first") == 1
    assert scene.count("done = wanted") == 1, "what the other one saved stays saved"
    scene.until_settled()
    scene.assert_in_step()


def overtaken_after_its_write(scene: Scene, monkeypatch: pytest.MonkeyPatch, life: Life) -> None:
    """A drain writes; before it saves, another one takes the lane over, and the booking moves on."""
    save = saving.save
    overtaking: list[bool] = []

    def late(*arguments: Any) -> bool:
        if not overtaking:
            overtaking.append(True)
            scene.tell(life.canceled("Ill"))
            scene.until_settled()
        return save(*arguments)

    monkeypatch.setattr(saving, "save", late)
    scene.tell(life.scheduled())
    assert scene.drain().held == "FENCED"


def overtaken_before_its_write(scene: Scene, these: list[Life]) -> Future[Any]:
    """A drain that is reading when another one takes the lane over, writes, and writes a change."""
    scene.fake.arm("latency", {"op": "query", "object": "Lead"}, ms=2000)
    scene.tell(*scheduled(these))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(in_thread, scene)
        eventually(lambda: scene.fake.drawn() == 1, "the first drain is reading")
        scene.drain()
        scene.tell(*(life.canceled("Ill") for life in these))
        scene.until_settled()
        scene.assert_in_step()
        assert not slow.done(), "the first drain is still reading"
    return slow


def in_thread(scene: Scene) -> Any:
    try:
        return scene.drain()
    finally:
        statements.close_connection()


@pytest.mark.fault("F27")
def test_F27_a_slow_drain_writes_nothing(scene: Scene) -> None:
    """A drain overtaken while it reads finds itself fenced before its write."""
    slow = overtaken_before_its_write(scene, lives(3))
    assert slow.result().held == "FENCED"
    scene.assert_in_step()
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F27")
def test_F27_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain that does not ask for its epoch writes what it planned long ago, and the comparison says so."""
    monkeypatch.setattr(item_queries, "mark_sent", lambda *arguments: True)
    overtaken_before_its_write(scene, lives(3)).result()
    with pytest.raises(AssertionError):
        scene.assert_in_step()
