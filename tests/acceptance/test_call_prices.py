"""What bookings cost in API calls: told by `sync --json`, and counted by the org itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from events import event, write
from standin_org import StandinOrg

from instep_process import InstepHome


def synced(home: InstepHome, org: StandinOrg, path: Path, *events: Any) -> dict[str, Any]:
    """Ingest these events, bring the org in step, and say what it cost; the org must have counted the same."""
    home.run("ingest", "oncehub", write(path, events))
    org.order("journal/clear")
    done: dict[str, Any] = home.json("sync", "--wait", "--timeout", "300", timeout=90)
    assert done["waiting"] == done["problems"] == 0
    assert done["calls"] == org.calls
    return done


def test_a_new_booking_costs_two_calls_a_change_one_and_a_change_of_nothing_no_write(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """The price of a single booking, alone in its batch, through its life."""
    path = tmp_path / "events.jsonl"
    assert synced(connected, org, path, event("BKNG-ONE"))["calls"] == 2

    moved = event("BKNG-ONE", kind="rescheduled", step=5, reason="Travel clash")
    assert synced(connected, org, path, moved)["calls"] == 1
    assert len(org.writes()) == 1
    [meeting] = org.records("Event")
    assert meeting["Instep_Event_Status__c"] == "Rescheduled"

    told_again = event("BKNG-ONE", kind="rescheduled", step=9, reason="Travel clash")
    assert synced(connected, org, path, told_again)["writes"] == 0
    assert org.writes() == []
    assert synced(connected, org, path, told_again)["calls"] == 0, "the same envelope again"


def test_a_thousand_new_bookings_in_a_burst_cost_at_most_thirty_calls(
    connected: InstepHome, org: StandinOrg, tmp_path: Path
) -> None:
    """Two calls for each batch of up to 200."""
    burst = [event(f"BKNG-{number:04d}") for number in range(1000)]
    began = time.monotonic()
    done = synced(connected, org, tmp_path / "events.jsonl", *burst)
    print(f"1,000 new bookings: {done['calls']} calls, {time.monotonic() - began:.1f} s")
    assert done["calls"] <= 30
    assert len(org.records("Lead")) == len(org.records("Event")) == 1000
