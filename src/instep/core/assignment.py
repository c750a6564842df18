"""Which of several free hosts takes a booking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen

_NEVER = datetime.min.replace(tzinfo=UTC)


@frozen
class Candidate:
    """A free host. `priority` 1 is asked before 2; `booked` counts active bookings of the calendar in the period that
    is looked at, recounted each time from the bookings themselves: a running counter drifts."""

    host: str
    priority: int = 1
    booked: int = 0
    last_booked: datetime | None = None


def choose(candidates: Iterable[Candidate]) -> str:
    """The host whose turn it is: highest priority, then fewest bookings, then longest not booked, then by key.

    Raises `ValueError` where nobody is free.
    """
    return min(candidates, key=lambda c: (c.priority, c.booked, c.last_booked or _NEVER, c.host)).host
