"""`instep demo`: the example bookings reach both CRMs as the events say, once, and in any order of the events."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import oracle
import pytest
from standin_org import StandinOrg
from standin_portal import start_portal

from instep_process import InstepHome

PATIENCE = 90.0


def kept_org(home: InstepHome) -> StandinOrg:
    """The org that the demo left in its folder."""
    return StandinOrg.start(home, "--data", str(home.path / "standin-salesforce.sqlite"))


@pytest.mark.timeout(240)
def test_every_example_booking_is_one_event_as_the_oracle_says_and_a_second_run_adds_nothing(
    instep_home: InstepHome,
) -> None:
    """Status, reason, times, owner, person: the whole org equals what other code reads from the events."""
    events = oracle.read()
    days = [(datetime.now(UTC).date() - oracle.newest_day(events).date()).days]
    first = instep_home.json("demo", "--once", timeout=PATIENCE)
    days.append((datetime.now(UTC).date() - oracle.newest_day(events).date()).days)
    print(f"events to CRM: {first['seconds']} s, {first['writes']} writes, {first['sync_calls']} calls")

    org = kept_org(instep_home)
    assert oracle.told(org) in [oracle.expected(events, shift) for shift in sorted(set(days))]
    contact_ids = [row["Instep_Contact_Id__c"] for row in org.records("Lead")]
    assert len(set(contact_ids)) == len(contact_ids)
    bookings = {event["data"]["id"] for event in events}
    assert (first["bookings"], first["in_step"], first["waiting"]) == (len(bookings), len(bookings), 0)
    assert (first["problems"], first["errors"]) == (0, [])
    portal = start_portal(instep_home, "--data", str(instep_home.path / "standin-hubspot.sqlite"))
    meetings = portal.records()["meetings"]
    assert sorted(row["properties"]["instep_booking_id"] for row in meetings) == sorted(bookings)
    assert all(row["associations"]["contacts"] for row in meetings)
    portal.http.close()
    before = org.stamps()
    instep_home.stop_all()

    second = instep_home.json("demo", "--once", timeout=PATIENCE)
    assert second["writes"] == 0
    assert second["events"] == {"accepted": 0, "duplicates": len(events), "malformed": 0}
    assert kept_org(instep_home).stamps() == before


@pytest.mark.timeout(240)
def test_the_same_events_in_random_order_give_the_same_org(
    instep_home: InstepHome, new_home: Callable[[], InstepHome], tmp_path: Path
) -> None:
    """Record for record, but for ids and stamps that the org gives and our own contact ids."""
    events = oracle.read()
    random.Random(20).shuffle(events)
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("".join(json.dumps(event) + "\n" for event in events))
    instep_home.json("demo", "--once", timeout=PATIENCE)
    other = new_home()
    other.json("demo", "--once", "--events", str(mixed), timeout=PATIENCE)
    assert kept_org(other).whole() == kept_org(instep_home).whole()
