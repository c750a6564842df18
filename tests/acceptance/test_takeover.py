"""A worker dies by kill -9 in the middle of its work: another one goes on, and nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oracle
import pytest
from events import OTHER_HOST, event, write
from standin_org import StandinOrg

from instep_process import InstepHome

BOOKINGS = 2000
#: the promise is 15 s on a quiet machine with two cores; the test's machine may be anything but quiet
BOUND = 45.0


def lives() -> list[dict[str, Any]]:
    """2,000 bookings, every second one moved to another host and time before the CRM hears of it."""
    told: list[dict[str, Any]] = []
    for number in range(BOOKINGS):
        name = f"BKNG-{number:05d}"
        told.append(event(name, host=OTHER_HOST if number % 3 else "nuno.reis@host.example"))
        if number % 2:
            told.append(event(name, kind="rescheduled", step=1 + number % 50, reason=f"Reason {number}"))
    return told


def until(happened: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something to become true; its value."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if value := happened():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def composites(worker: subprocess.Popen[str]) -> int:
    """How many batches a worker says that it has sent."""
    log: Path = worker.log  # type: ignore[attr-defined]
    return log.read_text(errors="replace").count("/composite")


@pytest.mark.timeout(240)
def test_another_worker_takes_over_and_nothing_is_lost_or_doubled(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Killed while a batch is on its way; the whole org is compared with the oracle afterwards."""
    events = lives()
    # slow enough that the blow always falls between two of the ten batches
    org.order("faults", {"kind": "latency", "times": None, "ms": 400, "match": {"path": "/composite$"}})
    workers = [connected.spawn("worker"), connected.spawn("worker")]
    connected.run("ingest", "oncehub", write(tmp_path / "events.jsonl", events))
    busy = until(
        lambda: next((w for w in workers if composites(w) >= 5), None),
        60,
        "a worker in the middle of the work",
    )
    other = next(worker for worker in workers if worker is not busy)
    written = len(org.records("Event"))
    before = composites(other)
    busy.kill()
    killed = time.monotonic()
    assert 0 < written < BOOKINGS

    until(lambda: composites(other) > before, BOUND, "the other worker's first call")
    print(f"kill -9 with {written} of {BOOKINGS} written; take-over after {time.monotonic() - killed:.1f} s")
    org.order("faults", method="DELETE")
    done = connected.json("sync", "--wait", "--timeout", "120", timeout=150)
    print(f"all in step {time.monotonic() - killed:.1f} s after the kill")
    assert (done["in_step"], done["problems"]) == (BOOKINGS, 0)
    assert oracle.told(org) == oracle.expected(events, days=0)
