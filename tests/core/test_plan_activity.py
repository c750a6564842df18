"""The activity of a plan: deleted for good, made before our fields were there, owned by a stand-in or a human."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from core.crm import MemoryCrm
from core.desk import Desk, verdicts
from core.lives import DANA, LEA, OMAR, booking, contact, step
from core.org import CONNECTED, SCHEMA, setting, user, without_fields
from instep.core.booking import Kind
from instep.core.desired import REF_LINE
from instep.core.mapping import Row
from instep.core.plan import BatchPlan
from instep.core.work import Memory, Quarantined
from instep.crm.salesforce.names import BOOKING_ID, EVENT_STATUS

USERS = (user(1, DANA.email), user(2, OMAR.email))
STRANGER = user(9, "colleague@host.example").id
MARIA = contact()
BARE = without_fields("Event", BOOKING_ID)


def new_desk(**config: Any) -> Desk:
    return Desk(MemoryCrm(), setting(users=USERS, **config))


def event(desk: Desk) -> dict[str, Any]:
    """The only Event."""
    (row,) = desk.crm.alive("Event")
    return row


def said(batch: BatchPlan) -> str:
    return " ".join(note for item in batch.items for note in item.notes)


# --- gone for good --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.RESCHEDULED, Kind.CANCELED])
@pytest.mark.parametrize(("policy", "events"), [("recreate", 1), ("leave", 0)])
def test_an_event_that_no_recycle_bin_holds_is_made_again_or_left(
    policy: str, events: int, kind: Kind
) -> None:
    """The bin was emptied, so a read finds nothing under the linked id: the policy holds all the same."""
    desk = new_desk(deleted_event=policy)
    made = booking()
    desk.sync((made, MARIA))
    gone = desk.crm.rows["Event"].pop(event(desk)["Id"])
    batch = desk.sync((step(made, kind), MARIA))
    assert len(desk.crm.alive("Event")) == events
    assert gone["Id"] == desk.links["booking:BKNG-1"].activity_id or policy == "recreate"
    end = "it is made again" if events else "is left so"
    assert "the Event was deleted in the CRM" in said(batch)
    assert said(batch).endswith(end)


def test_a_first_event_is_no_deleted_one() -> None:
    """With `leave`, a booking that never had an Event still gets one."""
    desk = new_desk(deleted_event="leave")
    batch = desk.sync((booking(), MARIA))
    assert len(desk.crm.alive("Event")) == 1
    assert batch.items[0].notes == ()


# --- our fields come later ------------------------------------------------------------------------


def installed(desk: Desk) -> None:
    """The fields are there from now on, and visible."""
    for row in desk.crm.rows["Event"].values():
        row.setdefault(BOOKING_ID, None)
    desk.crm.schema = SCHEMA
    desk.setting = evolve(desk.setting, schema=SCHEMA)


def made_without_fields() -> Desk:
    desk = Desk(MemoryCrm(BARE), setting(users=USERS, schema=BARE))
    desk.sync((booking(), MARIA))
    assert f"{REF_LINE}BKNG-1" in event(desk)["Description"]
    return desk


def test_an_older_event_gets_our_id_and_loses_its_ref_line_in_one_write() -> None:
    """Nothing else has changed: one write of these two fields, then nothing."""
    desk = made_without_fields()
    installed(desk)
    batch = desk.sync((booking(), MARIA))
    (write,) = batch.writes
    assert set(write.values) == {BOOKING_ID, "Description"}
    assert verdicts(write)[BOOKING_ID] == "write: Booking id added: the record is ours"
    assert event(desk)[BOOKING_ID] == "BKNG-1"
    assert REF_LINE not in event(desk)["Description"]
    assert desk.sync((booking(), MARIA)).writes == ()
    desk.links.clear()
    assert desk.sync((booking(), MARIA)).writes == (), "found again by the id"
    assert len(desk.crm.alive("Event")) == 1


def test_the_ref_line_is_not_given_up_from_memory() -> None:
    """What we remember of the Event tells nothing about a field that was not there: it is read first."""
    desk = made_without_fields()
    installed(desk)
    moved = step(booking(), Kind.RESCHEDULED)
    assert desk.sync_from_memory((moved, MARIA)) is None
    desk.sync((moved, MARIA))
    assert event(desk)[BOOKING_ID] == "BKNG-1"
    assert desk.sync_from_memory((step(moved, Kind.COMPLETED), MARIA)) is not None


def test_an_id_that_the_crm_refuses_is_left_out_and_the_ref_line_stays() -> None:
    """The record must be found by one of the two."""
    desk = made_without_fields()
    installed(desk)
    record = event(desk)["Id"]
    desk.memory = evolve(
        desk.memory, quarantine={("Event", record, BOOKING_ID): Quarantined("BKNG-1", "Not this one.")}
    )
    assert desk.sync((booking(), MARIA)).writes == ()
    batch = desk.sync((step(booking(), Kind.RESCHEDULED, reason="Ill"), MARIA))
    assert verdicts(batch.items[0].writes[-1])[BOOKING_ID] == "leave_out: Not this one."
    assert event(desk)[EVENT_STATUS] == "Rescheduled"
    assert f"{REF_LINE}BKNG-1" in event(desk)["Description"]


def test_an_id_that_nobody_may_write_keeps_the_ref_line() -> None:
    """The field is visible, but read-only for us."""
    desk = made_without_fields()
    installed(desk)
    described = SCHEMA["Event"]
    locked = evolve(described.fields[BOOKING_ID], updateable=False, createable=False)
    schema = {**SCHEMA, "Event": evolve(described, fields={**described.fields, BOOKING_ID: locked})}
    desk.crm.schema, desk.setting = schema, evolve(desk.setting, schema=schema)
    desk.sync((step(booking(), Kind.RESCHEDULED), MARIA))
    assert event(desk)[BOOKING_ID] is None
    assert f"{REF_LINE}BKNG-1" in event(desk)["Description"]


def test_a_description_that_nobody_mapped_is_not_written_for_the_ref_line() -> None:
    """It is not read either, so writing it would never end."""
    rows = {"Event": (Row("meeting.subject", "Subject"),)}
    desk = Desk(MemoryCrm(BARE), setting(rows, users=USERS, schema=BARE))
    desk.sync((booking(), MARIA))
    installed(desk)
    desk.memory = evolve(
        desk.memory, quarantine={("Event", event(desk)["Id"], BOOKING_ID): Quarantined("", "Hidden.")}
    )
    assert desk.sync((booking(), MARIA)).writes == ()
    assert event(desk)["Description"] == f"{REF_LINE}BKNG-1"


# --- owners ---------------------------------------------------------------------------------------


def with_a_stand_in_owner() -> Desk:
    """An Event that the connected user owns, because its host had no user; now the host has one."""
    desk = new_desk()
    desk.sync((booking(host=LEA), MARIA))
    assert event(desk)["OwnerId"] == CONNECTED
    return desk


def hire(desk: Desk) -> None:
    hired = desk.setting.directory.with_users((user(3, LEA.email),))
    desk.setting = evolve(desk.setting, directory=hired)


@pytest.mark.parametrize("kind", [None, Kind.RESCHEDULED])
def test_a_stand_in_owner_gives_way_when_the_host_gets_a_user(kind: Kind | None) -> None:
    """With or without a change of the booking; from then on it is an owner like any other."""
    desk = with_a_stand_in_owner()
    hire(desk)
    made = booking(host=LEA)
    now = step(made, kind) if kind else made
    assert desk.sync_from_memory((now, MARIA)) is None, "a human may have chosen: it is read first"
    desk.sync((now, MARIA))
    assert event(desk)["OwnerId"] == user(3, LEA.email).id
    desk.crm.edit("Event", event(desk)["Id"], OwnerId=STRANGER)
    desk.sync((step(now, Kind.COMPLETED), MARIA))
    assert event(desk)["OwnerId"] == STRANGER


def test_an_owner_that_a_human_chose_in_place_of_the_stand_in_stays() -> None:
    """Whatever becomes of the host's user; the reason is told, and the price of a change stays one call."""
    desk = with_a_stand_in_owner()
    desk.crm.edit("Event", event(desk)["Id"], OwnerId=STRANGER)
    hire(desk)
    moved = step(booking(host=LEA), Kind.RESCHEDULED)
    batch = desk.sync((moved, MARIA))
    assert event(desk)["OwnerId"] == STRANGER
    kept = "keep: kept: somebody chose this owner in the CRM after our last write"
    assert verdicts(batch.items[0].writes[-1])["OwnerId"] == kept
    batch = desk.sync_from_memory((step(moved, Kind.COMPLETED), MARIA))
    assert batch is not None
    assert verdicts(batch.items[0].writes[-1])["OwnerId"] == kept
    assert event(desk)["OwnerId"] == STRANGER


@pytest.mark.parametrize("from_memory", [False, True])
def test_a_reassignment_from_a_host_without_a_user_changes_the_owner(from_memory: bool) -> None:
    """The host changed, so the owner does, whoever owned the Event."""
    desk = with_a_stand_in_owner()
    desk.crm.edit("Event", event(desk)["Id"], OwnerId=STRANGER)
    handed = step(booking(host=LEA), Kind.REASSIGNED, host=OMAR)
    sync = desk.sync_from_memory if from_memory else desk.sync
    assert sync((handed, MARIA)) is not None
    assert (event(desk)["OwnerId"], event(desk)[EVENT_STATUS]) == (
        USERS[1].id,
        "Scheduled (Reassigned by User)",
    )


def test_a_refused_owner_is_left_out() -> None:
    """Also where it would have replaced a stand-in."""
    desk = with_a_stand_in_owner()
    hire(desk)
    desk.memory = Memory(
        desk.memory.known,
        {("Event", event(desk)["Id"], "OwnerId"): Quarantined(user(3, LEA.email).id, "Inactive.")},
    )
    batch = desk.sync((booking(host=LEA), MARIA))
    assert verdicts(batch.items[0].writes[-1])["OwnerId"] == "leave_out: Inactive."
