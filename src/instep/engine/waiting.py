"""Waiting until everything is in step; works the lanes itself while no worker beats."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

from instep.engine import recover
from instep.engine.drain import drain
from instep.store import item_queries, lane_queries

_LOOK_EVERY = 0.2


@frozen
class Progress:
    """How far the lanes are. Calls and writes are those since the waiting began; seconds from mark to CRM."""

    waiting: int
    problems: int
    in_step: int
    calls: int
    writes: int
    median_seconds: float | None
    slowest_seconds: float | None
    timed_out: bool = False
    held: tuple[str, ...] = ()


def wait_until_in_step(
    account_id: int, timeout: float, on_progress: Callable[[int, int], None] = lambda waiting, done: None
) -> Progress:
    """Wait until no item is waiting, at most `timeout` seconds. Items that need a person do not count."""
    before = lane_queries.totals(account_id)
    ends = time.monotonic() + timeout
    shown = None
    while True:
        now = item_queries.progress(account_id)
        waiting = int(now["waiting"])
        if (waiting, now["in_step"]) != shown:
            shown = (waiting, now["in_step"])
            on_progress(*shown)
        if waiting == 0 or time.monotonic() >= ends or not _any_lane_open(account_id):
            return _report(account_id, now, before, timed_out=waiting > 0)
        if recover.workers_beating() or not _work(account_id):
            time.sleep(_LOOK_EVERY)


def _any_lane_open(account_id: int) -> bool:
    """Whether waiting can help: a lane that needs a new sign-in goes on only after a person has connected it."""
    return any(row["state"] == "connected" for row in lane_queries.connections(account_id))


def _work(account_id: int) -> bool:
    """Drain every lane of the account that has due work; False when there was nothing to do now."""
    lanes = [lane for lane in lane_queries.lanes_to_wake() if lane["account_id"] == account_id]
    for lane in lanes:
        drain(account_id, lane["id"])
    return bool(lanes)


def snapshot(account_id: int) -> Progress:
    """How far the lanes are now, with the calls and writes since the beginning."""
    nothing = {"calls": 0, "writes": 0}
    now = item_queries.progress(account_id)
    return _report(account_id, now, nothing, timed_out=False)


def _report(account_id: int, now: dict[str, Any], before: dict[str, Any], timed_out: bool) -> Progress:
    totals = lane_queries.totals(account_id)
    held = tuple(
        f"{row['hold_code']}: {row['hold_reason']}"
        for row in lane_queries.connections(account_id)
        if row["hold_code"]
    )
    return Progress(
        int(now["waiting"]),
        int(now["problems"]),
        int(now["in_step"]),
        int(totals["calls"] - before["calls"]),
        int(totals["writes"] - before["writes"]),
        _rounded(now["median_seconds"]),
        _rounded(now["slowest_seconds"]),
        timed_out,
        held,
    )


def _rounded(seconds: Any) -> float | None:
    return round(float(seconds), 3) if seconds is not None else None
