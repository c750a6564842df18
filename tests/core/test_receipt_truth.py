"""What a receipt claims: what was read in the write's own call is told, and nothing that is not so."""

from __future__ import annotations

from typing import Any

import pytest

from core.crm import MemoryCrm
from core.desk import Desk
from core.lives import DANA, booking, contact, step
from core.org import setting, user
from instep.core.booking import Kind
from instep.core.changes import Action, Change, Verdict, Write
from instep.core.errors import NeedsAdmin
from instep.core.lookup import Record
from instep.core.plan import ItemPlan
from instep.core.receipt import Cost, receipt_document, render
from instep.crm.port import WriteResult

LEAD, EVENT = "00Q000000000001AAA", "00U000000000001AAA"
PERSON, ACTIVITY = "person:Lead:CTC-1", "activity:BKNG-1"
MADE = {
    PERSON: WriteResult(PERSON, LEAD, True),
    ACTIVITY: WriteResult(ACTIVITY, EVENT, True),
}
VOID = WriteResult(ACTIVITY, void=True)
REFUSED = WriteResult(PERSON, error=NeedsAdmin("Bad title.", code="VALIDATION"))


def new_item() -> ItemPlan:
    """A new booking of a new person."""
    desk = Desk(MemoryCrm(), setting({}, (user(1, DANA.email),)))
    return desk.plan((booking(), contact())).items[0]


def results(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [w["result"] for w in document["writes"] if w["object"] == name]


# --- what was not tried ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [WriteResult(ACTIVITY, EVENT, True), WriteResult(ACTIVITY, error=NeedsAdmin("No.", code="X"))],
    ids=["done", "refused"],
)
def test_a_void_attempt_that_a_later_call_answered_is_not_told(second: WriteResult) -> None:
    """The refused person is told, and the Event once, as it ended."""
    item = new_item()
    first = {PERSON: REFUSED, ACTIVITY: VOID}
    document = receipt_document(
        [(item, first, {}), (item, {PERSON: MADE[PERSON], ACTIVITY: second}, {})], Cost(3)
    )
    assert [r["ok"] for r in results(document, "Lead")] == [False, True]
    (told,) = results(document, "Event")
    assert told["ok"] is second.ok
    assert "not tried" not in render(document)


def test_a_void_attempt_that_nothing_followed_is_told_as_not_tried() -> None:
    """It was not refused: the receipt must not say so, and it names what was."""
    document = receipt_document([(new_item(), {PERSON: REFUSED, ACTIVITY: VOID}, {})], Cost(2))
    (told,) = results(document, "Event")
    assert told["message"] == "not tried: a record that it refers to was refused"
    lead, event = (line for line in render(document).splitlines() if " by Instep_" in line)
    assert lead.endswith("  REFUSED")
    assert event.endswith("  not tried")


def test_a_void_attempt_for_another_bookings_sake_says_so() -> None:
    """Its own person went well, or it has none in this call: nothing that it refers to was refused."""
    document = receipt_document([(new_item(), {**MADE, ACTIVITY: VOID}, {})], Cost(2))
    (told,) = results(document, "Event")
    assert told["message"] == "not tried in that call: another booking's new person was refused"


def test_two_refusals_are_both_told() -> None:
    """Only what was not tried is left out."""
    item, refused = new_item(), {**MADE, PERSON: REFUSED}
    document = receipt_document([(item, refused, {}), (item, refused, {})], Cost(3))
    assert [r["ok"] for r in results(document, "Lead")] == [False, False]


# --- the value read in the same call --------------------------------------------------------------


def told(read: Any, old: Any = "CEO", **change: Any) -> dict[str, Any]:
    """The line of a title planned from memory, where the write's own call read `read`."""
    planned = Change("Title", "Title", **{"new": "CEO", "old": old, "old_known": False, **change})
    write = Write("w", "booking:BKNG-1", Action.UPDATE, "Lead", (planned,), id=LEAD)
    reads = {("Lead", LEAD): Record("Lead", LEAD, {"Title": read})}
    answers = {"w": WriteResult("w", LEAD)}
    document = receipt_document([(ItemPlan("booking:BKNG-1", writes=(write,)), answers, reads)], Cost(1))
    (line,) = document["writes"][0]["changes"]
    assert (line["old"], line["old_known"]) == (read, True)
    return dict(line)


KEPT = {"verdict": Verdict.KEEP, "note": "already so"}
OFF = {"verdict": Verdict.KEEP, "note": "kept: Overwrite is off", "old": "VP"}


def test_a_value_that_was_there_already_is_said_to_be_sent_again() -> None:
    """However it is spelled; what was done to the value on its way stays told."""
    assert told("CEO")["note"] == "sent again, unchanged"
    assert told("VP").get("note") is None
    assert told("CEO", note="cut to 3 characters")["note"] == "cut to 3 characters; sent again, unchanged"
    assert told("VP", note="cut to 3 characters")["note"] == "cut to 3 characters"
    moment = {"new": "2026-11-03T09:30:00.000Z", "old": None}
    assert told("2026-11-03T09:30:00.000+0000", **moment)["note"] == "sent again, unchanged"
    assert told("2026-11-03T10:30:00.000+0100", **moment)["note"] == "sent again, unchanged"
    assert told("2026-11-03T09:31:00.000+0000", **moment).get("note") is None
    assert told("one\r\ntwo", new="one\ntwo")["note"] == "sent again, unchanged"


def test_a_kept_value_that_a_human_changed_since_is_not_called_already_so() -> None:
    """We believed it to be so; the read says otherwise."""
    assert told("CEO", **KEPT)["note"] == "already so"
    kept = "kept: it differs, because it was changed in the CRM since our last write"
    assert told("VP", **KEPT)["note"] == kept
    assert told(None, **KEPT)["note"] == kept


def test_a_value_kept_for_another_reason_keeps_its_reason() -> None:
    """It differed in our memory too, so no human's change since explains it."""
    assert told("VP", **OFF)["note"] == "kept: Overwrite is off"
    assert told("CFO", **OFF)["note"] == "kept: Overwrite is off"
    assert told("CEO", **OFF)["note"] == "already so"
    assert told("VP", verdict=Verdict.LEAVE_OUT, note="No such title.")["note"] == "No such title."


# --- who is gone ----------------------------------------------------------------------------------


def test_a_record_that_is_gone_is_not_said_to_be_so_already() -> None:
    """The person read as gone beside the Event's write: a note instead of its lines."""
    desk = Desk(MemoryCrm(), setting({}, (user(1, DANA.email),)))
    desk.sync((booking(), contact()))
    batch = desk.sync_from_memory((step(booking(), Kind.RESCHEDULED), contact()))
    assert batch is not None
    item = batch.items[0]
    assert {w.object for w in item.writes} == {"Lead", "Event"}
    answers = {w.ref: WriteResult(w.ref, w.id) for w in batch.writes}
    reads = {("Lead", LEAD): None, ("Event", EVENT): Record("Event", EVENT, {})}
    document = receipt_document([(item, answers, reads)], Cost(1))
    assert [w["object"] for w in document["writes"]] == ["Event"]
    assert document["notes"] == [f"Lead {LEAD} is gone from the CRM: it is looked for again"]
