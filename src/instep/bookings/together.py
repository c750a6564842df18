"""Deliveries that arrive at the same time are recorded in one transaction.

Each sender is still answered only when his own event is durable. While one transaction is being committed
the next deliveries gather; whoever comes first takes all of them along. A burst so costs one commit and one
wake-up for many events, where otherwise each would wait for the one before at the queue's unique index.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import datetime

from attrs import define, field, frozen
from django.db import OperationalError

from instep.bookings.record import Problem, record

#: so many events are recorded at once; more wait for the next round
_MOST = 200


@frozen
class Outcome:
    """What came of one event: accepted, unless it was known or is a problem."""

    known: bool = False
    problem: Problem | None = None


@define(eq=False)
class _Delivery:
    """One event that a thread waits for."""

    raw: bytes
    now: datetime
    taken: bool = False
    outcome: Outcome | None = None
    error: Exception | None = None
    #: set when its round is over, or when this thread is to record the next round
    called: threading.Event = field(factory=threading.Event)


@define(eq=False)
class _Lane:
    """The deliveries of one account and source: those that wait, and whether somebody is recording."""

    waiting: list[_Delivery] = field(factory=list)
    busy: bool = False


_lanes: defaultdict[tuple[int, str], _Lane] = defaultdict(_Lane)
_guard = threading.Lock()


def record_one(account_id: int, raw: bytes, source: str, now: datetime) -> Outcome:
    """Record one event, together with those that other threads of this process deliver meanwhile.

    Returns when it is committed; raises what recording raises.
    """
    mine = _Delivery(raw, now)
    with _guard:
        lane = _lanes[account_id, source]
        lane.waiting.append(mine)
        first = not lane.busy
        lane.busy = True
    if not first:
        mine.called.wait()
    if not mine.taken:
        _round(lane, account_id, source)
    if mine.error is not None:
        raise mine.error
    if mine.outcome is None:
        raise RuntimeError("The thread that recorded this event was stopped before it was done.")
    return mine.outcome


def _round(lane: _Lane, account_id: int, source: str) -> None:
    """Record what waits now, then call those who waited for it, and one of those who came since."""
    with _guard:
        batch, lane.waiting = lane.waiting[:_MOST], lane.waiting[_MOST:]
        for delivery in batch:
            delivery.taken = True
    try:
        _record_each_if_need_be(account_id, source, batch)
    finally:
        with _guard:
            lane.busy = bool(lane.waiting)
            following = lane.waiting[:1]
        for delivery in (*batch, *following):
            delivery.called.set()


def _record_each_if_need_be(account_id: int, source: str, batch: list[_Delivery]) -> None:
    """Record a round; where one event makes it fail, the others do not suffer for it."""
    try:
        _record(account_id, source, batch)
    except Exception as error:
        # a database that does not answer will not answer two hundred times either
        if len(batch) > 1 and not isinstance(error, OperationalError):
            for delivery in batch:
                _record_each_if_need_be(account_id, source, [delivery])
            return
        for delivery in batch:
            delivery.error = error


def _record(account_id: int, source: str, batch: list[_Delivery]) -> None:
    done = record(account_id, [d.raw for d in batch], source, max(d.now for d in batch))
    problems = {problem.position: problem for problem in done.problems}
    for position, delivery in enumerate(batch, start=1):
        delivery.outcome = Outcome(position in done.known, problems.get(position))
