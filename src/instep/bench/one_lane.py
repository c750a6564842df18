"""One connection: a burst, a booking alone, a change, how soon a drain begins, and ten thousand bookings."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from attrs import frozen

from instep.bench.bookings import rescheduled, scheduled
from instep.bench.house import House, Org


@frozen
class Spent:
    """What something took: seconds from commit to CRM, API calls as the org counted them, CPU seconds."""

    seconds: float
    calls: int
    worker_cpu: float = 0.0
    org_cpu: float = 0.0
    postgres_cpu: float = 0.0


def connect(house: House, org: Org) -> int:
    """Connect the org with the connector's fields installed; the connection's key."""
    from instep.engine.connecting import connect

    return connect(house.account_id, org.vendor, org.entered, install=True).connection_id


def write(
    house: House, org: Org, events: list[dict[str, Any]], workers: Any = None, patience: float = 600
) -> Spent:
    """Record these events in one transaction, wait until the CRM has them all, and say what it took."""
    org.order("journal/clear")
    before = (workers.cpu if workers else 0.0, org.cpu, house.postgres_cpu)
    committed = house.record(events)
    done = house.until_in_step(patience)
    after = (workers.cpu if workers else 0.0, org.cpu, house.postgres_cpu)
    problems = house.problems()
    if problems:
        raise AssertionError(f"the CRM refused bookings of the bench: {problems}")
    return Spent(done - committed, org.calls, *(b - a for a, b in zip(before, after, strict=True)))


def begin_milliseconds(house: House, org: Org, samples: int) -> list[float]:
    """For bookings that come while all is idle: ms from commit to the first request that reaches the CRM.

    That is more than "the drain has begun": the lane is open by then, and the batch is loaded.
    """
    waits = []
    for number in range(samples):
        org.order("journal/clear")
        committed = house.record([scheduled(number, "IDLE")])
        house.until_in_step(60)
        first = org.order("journal", method="GET")[0]
        arrived = datetime.fromisoformat(first["at"]).timestamp() - first["ms"] / 1000
        waits.append(max(0.0, (arrived - committed) * 1000))
        # lets the workers fall idle again, at no fixed beat with their polling
        time.sleep(0.01 + 0.0013 * (number % 17))
    return waits


def fly(house: House, connection_id: int, batches: int) -> None:
    """Let so many batches of this connection be in flight at once."""
    from instep.store import credentials, lane_queries

    row = lane_queries.connection_by_id(house.account_id, connection_id)
    assert row is not None
    config = {**((row["settings"] or {}).get("config") or _defaults(row)), "batches_in_flight": batches}
    credentials.save_settings(house.account_id, connection_id, {**(row["settings"] or {}), "config": config})


def _defaults(row: dict[str, Any]) -> dict[str, Any]:
    from instep.engine.lane import config_document

    return config_document(row)


def moved(count: int, prefix: str, times: int) -> list[dict[str, Any]]:
    """The first bookings of a run, moved once more."""
    return [rescheduled(number, prefix, times) for number in range(count)]


def new(count: int, prefix: str) -> list[dict[str, Any]]:
    """New bookings of a run."""
    return [scheduled(number, prefix) for number in range(count)]
