"""Mistakes of ours: one item waits with their words, or the lane pauses; nothing spins and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from faults.lives import lives, scheduled
from faults.scene import Scene
from instep.engine import drain


def test_a_mistake_with_one_item_holds_back_that_item_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is halved until the one is found; its neighbours are written in the same drain."""
    load, poison = drain.load, []

    def spoiled(lane: Any, rows: Any) -> Any:
        poison[:] = poison or [rows[0]["target_id"]]
        if any(row["target_id"] == poison[0] for row in rows):
            raise ValueError("a mistake of ours")
        return load(lane, rows)

    monkeypatch.setattr(drain, "load", spoiled)
    scene.tell(*scheduled(lives(5)))
    scene.drain()
    assert scene.count("done = wanted") == 4
    assert scene.count("error_class = 'Bug' AND error_message LIKE '%%a mistake of ours%%'") == 1
    said = scene.rows(
        "SELECT document #>> '{error,message}' FROM receipt WHERE account_id = %s AND outcome = 'Bug'",
        scene.account_id,
    )
    assert said == [("ValueError: a mistake of ours",)], "the attempt is in the sync log"


def test_a_mistake_at_opening_pauses_the_lane(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the sweep would make it again every two seconds; the pause ends by itself, and all is written."""
    with monkeypatch.context() as broken:

        def cannot(*arguments: Any) -> Any:
            raise ValueError("a mistake of ours")

        broken.setattr(drain, "open_lane", cannot)
        scene.tell(*scheduled(lives(2)))
        scene.drain()
        held = scene.rows("SELECT hold_code FROM connection WHERE id = %s", scene.connection_id)
    assert held == [("BUG",)]
    scene.until_settled()
    scene.assert_in_step()
