"""What the full configuration costs: Leads or Contacts, Accounts, Cases, owner rules, 40 mapped fields."""

from __future__ import annotations

from datetime import timedelta

import pytest

from faults.lives import DAY, HOSTS, Life, guest, lives, scheduled
from faults.scene import Scene
from instep.core.creation import CASE, CalendarRules, OwnerRule, Ownership
from instep.core.mapping import Row
from instep.engine.lane import load_config

SUPPORT = "BKC-SUPPORT"
#: four sources for each of five objects, twice over the default rows
SOURCES = ("meeting.subject", "meeting.status", "meeting.id", "contact.time_zone")


@pytest.fixture
def full(scene: Scene) -> Scene:
    """An org with custom fields on every object, all of them mapped, and every rule in use."""
    config = load_config(scene.lane())
    rows = dict(config.rows)
    for name in ("Lead", "Contact", "Account", "Event", "Case"):
        for n, source in enumerate(SOURCES):
            field = f"Mapped_{n}__c"
            made = {"object": name, "field": field, "create": {"type": "string", "length": 255}}
            scene.fake.order("POST", "field", made)
            scene.fake.order("POST", "fls", {"object": name, "field": field})
            rows[name] = (*rows[name], Row(source, field, overwrite=n % 2 == 0))
    assert sum(map(len, rows.values())) >= 40
    scene.configure(
        rows=rows,
        owners={"Lead": OwnerRule(Ownership.HOST), "Contact": OwnerRule(Ownership.HOST)},
        calendars={SUPPORT: CalendarRules(CASE)},
    )
    return scene


def cost(scene: Scene) -> int:
    """The calls that settling takes."""
    before = scene.fake.calls()
    scene.until_settled()
    assert scene.problems() == []
    return scene.fake.calls() - before


def test_a_new_booking_costs_two_calls_and_a_change_one(full: Scene) -> None:
    """Contact, Account, Case and Event together are written in one call, and changed in one."""
    life = Life("BKNG-1", person=guest("Ada Aalto"), booking_calendar=SUPPORT)
    full.tell(life.scheduled())
    assert cost(full) == 2
    held = full.fake.records()
    assert [len(held[name]) for name in ("Lead", "Contact", "Account", "Case", "Event")] == [0, 1, 1, 1, 1]
    full.tell(life.rescheduled(DAY + timedelta(hours=1), "Travel clash"))
    assert cost(full) == 1
    full.tell(life.canceled("Ill"))
    assert cost(full) == 1
    event = full.fake.records()["Event"][0]
    assert (event["Instep_Event_Status__c"], event["WhatId"]) == ("Canceled", held["Case"][0]["Id"])


def test_a_burst_of_a_thousand_costs_at_most_thirty(full: Scene) -> None:
    """Half of them Leads, half with a Contact, an Account and a Case; nothing is made twice."""
    burst = lives(1000)
    for n, life in enumerate(burst):
        life.data |= {"booking_calendar": SUPPORT} if n % 2 else {}
    full.tell(*scheduled(burst))
    calls = cost(full)
    print(f"1,000 new bookings, full configuration: {calls} calls")
    assert calls <= 30
    held = full.fake.records()
    assert [len(held[name]) for name in ("Lead", "Contact", "Account", "Case", "Event")] == [
        500,
        500,
        7,
        500,
        1000,
    ]
    assert {len({row["Instep_Booking_Id__c"] for row in held[name]}) for name in ("Case", "Event")} == {
        500,
        1000,
    }
    assert len(HOSTS) == 3
