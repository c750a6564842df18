"""HubSpot by the command line: connected, in step, priced, checked, and beside Salesforce."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from events import OTHER_HOST, event, write
from standin_org import StandinOrg
from standin_portal import start_portal

from faults.portal import Portal
from instep_process import InstepHome


@pytest.fixture
def portal(instep_home: InstepHome) -> Iterator[Portal]:
    """A portal in a process of its own."""
    portal = start_portal(instep_home)
    with portal.http:
        yield portal


@pytest.fixture
def hub(instep_home: InstepHome, portal: Portal) -> Portal:
    """The portal, connected to the home; nothing is counted yet."""
    instep_home.run("connect", *portal.connect_arguments(), "--install")
    portal.order("POST", "journal/clear")
    return portal


def raw(*events: Any) -> list[bytes]:
    return [json.dumps(one).encode() for one in events]


def synced(home: InstepHome, portal: Portal, path: Path, *events: Any) -> dict[str, Any]:
    """Ingest these events, bring the portal in step, and say what it cost; the portal must have counted the same."""
    home.run("ingest", "oncehub", write(path, events))
    portal.order("POST", "journal/clear")
    done: dict[str, Any] = home.json("sync", "--wait", "--timeout", "300", timeout=120)
    assert done["waiting"] == done["problems"] == 0
    assert done["calls"] == portal.calls()
    return done


def test_a_booking_becomes_one_contact_and_one_meeting_through_its_whole_life(
    instep_home: InstepHome, hub: Portal, tmp_path: Path
) -> None:
    """Two or three calls to begin with, one for each change, none for what is told again; the whole portal is right."""
    path = tmp_path / "events.jsonl"
    life = [
        event("BKNG-ONE"),
        event("BKNG-ONE", kind="rescheduled", step=5, reason="Travel clash"),
        event("BKNG-ONE", kind="reassigned", status="rescheduled", step=6, host=OTHER_HOST),
        event("BKNG-ONE", kind="no_show", step=7, host=OTHER_HOST),
        event("BKNG-ONE", kind="completed", step=8, host=OTHER_HOST),
        event("BKNG-ONE", kind="canceled", step=9, reason="Ill", host=OTHER_HOST),
    ]
    assert synced(instep_home, hub, path, life[0])["calls"] in (2, 3)
    for place, one in enumerate(life[1:], start=2):
        assert synced(instep_home, hub, path, one)["calls"] == 1
        assert hub.differences(raw(*life[:place]), ()) == []
    assert synced(instep_home, hub, path, life[-1])["calls"] == 0
    receipt = instep_home.run("receipt", "BKNG-ONE").stdout
    assert "Meeting" in receipt
    assert "hs_meeting_outcome" in receipt


def test_a_thousand_new_bookings_in_a_burst_cost_at_most_sixty_calls(
    instep_home: InstepHome, hub: Portal, tmp_path: Path
) -> None:
    """A look, the people and the meetings, for each hundred."""
    burst = [event(f"BKNG-{number:04d}") for number in range(1000)]
    done = synced(instep_home, hub, tmp_path / "events.jsonl", *burst)
    assert done["calls"] <= 30
    there = hub.records()
    assert len(there["contacts"]) == len(there["meetings"]) == 1000


def test_two_crms_have_a_lane_and_a_receipt_each(
    instep_home: InstepHome, hub: Portal, org: StandinOrg, tmp_path: Path
) -> None:
    """One booking in both; while one cannot be reached the other goes on, and it catches up by itself."""
    path = tmp_path / "events.jsonl"
    instep_home.run(*org.connect_arguments(), "--install")
    instep_home.run("ingest", "oncehub", write(path, [event("BKNG-ONE"), event("BKNG-TWO")]))
    instep_home.json("sync", "--wait", "--timeout", "120", timeout=150)
    assert hub.differences(raw(event("BKNG-ONE"), event("BKNG-TWO")), ()) == []
    assert {row["Instep_Booking_Id__c"] for row in org.records("Event")} == {"BKNG-ONE", "BKNG-TWO"}
    assert len(instep_home.json("receipt", "BKNG-ONE", "--all")["receipts"]) == 2
    hub.arm("status", {"path": "^/crm/"}, status=503, times=None)
    moved = event("BKNG-ONE", kind="rescheduled", step=5, reason="Travel clash")
    instep_home.run("ingest", "oncehub", write(path, [moved]))
    instep_home.run("sync", "--wait", "--timeout", "5", check=False)
    statuses = {row["Instep_Booking_Id__c"]: row["Instep_Event_Status__c"] for row in org.records("Event")}
    assert statuses["BKNG-ONE"] == "Rescheduled"
    hub.disarm()
    instep_home.json("sync", "--wait", "--timeout", "120", timeout=150)
    assert hub.differences(raw(event("BKNG-ONE"), event("BKNG-TWO"), moved), ()) == []


def test_connecting_twice_installs_once(instep_home: InstepHome, hub: Portal) -> None:
    """The second time nothing is made; what is there is said."""
    again = instep_home.json("connect", *hub.connect_arguments(), "--install")
    assert again["new"] is False
    assert again["installed"]["created"] == []
    assert again["installed"]["complete"] is True
    assert all(again["installed"]["unique"].values())


def test_a_missing_scope_is_named_with_its_cure(instep_home: InstepHome, portal: Portal) -> None:
    """An account whose token may not make properties is told which scope to grant; the doctor says what lacks."""
    scopes = [
        s for s in portal.settings()["tokenScopes"] if not s.startswith("crm.schemas") or s.endswith("read")
    ]
    portal.settings(tokenScopes=scopes)
    refused = instep_home.run("connect", *portal.connect_arguments(), "--install", check=False)
    assert refused.returncode != 0
    assert "crm.schemas.contacts.write" in refused.stderr
    said = instep_home.json("doctor", check=False)
    told = " ".join(check["message"] for check in said["checks"])
    assert "Meeting.instep_booking_id" in told
    portal.settings(tokenScopes=[s for s in scopes if s != "crm.objects.owners.read"])
    lacking = instep_home.json("doctor", check=False)
    assert any("lacks the scopes crm.objects.owners.read" in check["message"] for check in lacking["checks"])


def test_a_token_is_needed_and_said_so(instep_home: InstepHome) -> None:
    """Neither a token nor an app: what to give, and where to find it."""
    refused = instep_home.run("connect", "hubspot", check=False)
    assert refused.returncode != 0
    assert "--token" in refused.stderr


def test_disconnecting_says_that_a_static_token_goes_on(instep_home: InstepHome, hub: Portal) -> None:
    """Nothing is called forgotten that is not; connected again, everything is in step as before."""
    told = instep_home.run("disconnect", "hubspot").stdout
    assert "goes on working" in told
    again = instep_home.json("connect", *hub.connect_arguments())
    assert again["new"] is True
