"""Plan and receipt as a document and as text: every verdict, every answer, each line with its reason."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from core.crm import MemoryCrm
from core.desk import Desk
from core.lives import DANA, LEA, booking, contact, step
from core.org import setting, user, with_field
from instep.core.booking import Kind
from instep.core.errors import NeedsAdmin
from instep.core.lookup import Record
from instep.core.mapping import Row
from instep.core.plan import ItemPlan
from instep.core.receipt import Cost, plan_document, receipt_document, render
from instep.core.work import Memory, Quarantined
from instep.crm.port import WriteResult

MARIA = contact()
LEAD, EVENT = "00Q000000000001AAA", "00U000000000001AAA"
DONE = {
    "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", LEAD, True),
    "activity:BKNG-1": WriteResult("activity:BKNG-1", EVENT, True),
}


def new_desk(**rows: tuple[Row, ...]) -> Desk:
    return Desk(MemoryCrm(), setting(dict(rows), (user(1, DANA.email),)))


def first(desk: Desk) -> ItemPlan:
    return desk.plan((booking(), MARIA)).items[0]


def line(document: dict[str, Any], field: str) -> dict[str, Any]:
    """The one change of that field."""
    (found,) = [c for w in document["writes"] for c in w["changes"] if c["field"] == field]
    return dict(found)


def text_line(text: str, start: str) -> str:
    """The one line of a text that begins so, its spaces as one."""
    (found,) = [one for row in text.splitlines() if (one := " ".join(row.split())).startswith(start)]
    return found


def test_a_plan_shows_what_would_be_written_and_what_it_costs() -> None:
    """O1: match, every field with old, new, rule and source, notes and calls; plain JSON."""
    document = plan_document(first(new_desk()), Cost(2))
    assert json.loads(json.dumps(document)) == document
    assert (document["tense"], document["item"], document["cost"]) == ("plan", "booking:BKNG-1", {"calls": 2})
    assert document["match"]["outcome"] == "create"
    assert [(w["object"], w["action"], w["id"]) for w in document["writes"]] == [
        ("Lead", "upsert", ""),
        ("Event", "upsert", ""),
    ]
    assert line(document, "LastName") == {
        "field": "LastName",
        "label": "LastName",
        "verdict": "write",
        "old": None,
        "old_known": True,
        "new": "Ortega",
        "rule": "mapping: Last name",
        "source": "contact.last_name",
    }
    assert line(document, "Company")["rule"] == "default for a required field without value or fallback"


def test_a_plan_reads_like_a_page() -> None:
    """Read, Write, Note, Cost; the relation to the record made in the same call is a line like any other."""
    desk = new_desk()
    phone = desk.crm.add("Lead", LastName="Doe", Company="Acme", Phone="+14155550100")
    item = desk.plan((booking(host=LEA), contact(phone="+14155550100"))).items[0]
    text = render(plan_document(item, Cost(1)), "Booking BKNG-1")
    assert text.splitlines()[:2] == [
        "Booking BKNG-1",
        "Read     nobody has this e-mail address: a new Lead is made",
    ]
    assert f"○ Lead {phone} Doe (same phone number, changed " in text
    assert "no e-mail address: a phone number alone is no match" in text
    assert text_line(text, "Write") == "Write Lead upsert by Instep_Contact_Id__c = CTC-1"
    assert text_line(text, "Event upsert") == "Event upsert by Instep_Booking_Id__c = BKNG-1"
    assert text_line(text, "LastName") == "LastName — → Ortega mapping: Last name"
    assert text_line(text, "WhoId") == "WhoId — → (the new Lead) the Lead made in the same call"
    assert "Note     Lead owner: Lea Host has no active user in Salesforce" in text
    assert text.splitlines()[-1] == "Cost     1 API call"


def test_a_receipt_adds_the_answers() -> None:
    """O2: ids, created or done, the person's id in the relation, calls, duration and request ids."""
    cost = Cost(2, 41.26, ("req-1", "req-2"), 7)
    document = receipt_document([(first(new_desk()), DONE, {})], cost)
    assert json.loads(json.dumps(document)) == document
    assert [(w["id"], w["result"]) for w in document["writes"]] == [
        (LEAD, {"ok": True, "created": True}),
        (EVENT, {"ok": True, "created": True}),
    ]
    assert line(document, "WhoId")["new"] == LEAD
    assert document["cost"] == {"calls": 2, "ms": 41.3, "request_ids": ["req-1", "req-2"], "batch_items": 7}
    text = render(document)
    assert f"Lead {LEAD} upsert by Instep_Contact_Id__c = CTC-1  created" in text
    assert text.splitlines()[-1] == (
        "Cost     2 API calls, shared by 7 items of the batch · 41 ms · request ids req-1, req-2"
    )


def test_a_refusal_is_shown_with_the_crms_words_and_the_cure() -> None:
    """The refused record, the one that was not tried for it, and what the item waits for."""
    error = NeedsAdmin(
        "Bad title.", code="VALIDATION", cure="Change the rule.", fields=("Title",), request_id="r"
    )
    answers = {
        "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", error=error),
        "activity:BKNG-1": WriteResult("activity:BKNG-1", void=True),
    }
    waits = {"code": "VALIDATION", "message": "Bad title.", "cure": "Change the rule."}
    document = receipt_document([(first(new_desk()), answers, {})], Cost(2), waits)
    lead, event = (w["result"] for w in document["writes"])
    assert lead == {
        "ok": False,
        "code": "VALIDATION",
        "message": "Bad title.",
        "fields": ["Title"],
        "cure": "Change the rule.",
        "request_id": "r",
    }
    said = "not tried: a record that it refers to was refused"
    assert event == {"ok": False, "void": True, "message": said}
    assert line(document, "WhoId")["new"] == "(the new Lead)"
    text = render(document)
    assert "REFUSED" in text
    assert text_line(text, "✗ VALIDATION") == "✗ VALIDATION Bad title. Change the rule."
    assert text_line(text, "✗ not tried") == "✗ not tried: a record that it refers to was refused"
    assert text.splitlines()[-1] == "Waits    VALIDATION: Bad title. Change the rule."


def test_kept_and_left_out_fields_say_why() -> None:
    """Nothing that was considered is silent."""
    desk = new_desk(Lead=(Row("contact.job_title", "Title"), Row("contact.phone", "Phone")))
    record = desk.crm.add("Lead", LastName="Ortega", Company="Acme", Title="VP", Email=MARIA.email)
    desk.memory = Memory(quarantine={("Lead", record, "Phone"): Quarantined("", "No such number.")})
    item = desk.plan((booking(), contact(job_title="CEO", phone="+14155550100"))).items[0]
    document = plan_document(item, Cost(2))
    assert (line(document, "Title")["verdict"], line(document, "Title")["old"]) == ("keep", "VP")
    assert line(document, "Phone")["verdict"] == "leave_out"
    text = render(document)
    assert text_line(text, "Title") == "Title VP = kept: Overwrite is off"
    assert text_line(text, "Phone") == "Phone ✗ left out: No such number."


def test_a_field_without_which_no_record_is_made_is_told_apart() -> None:
    """A plan must not promise a record that the CRM will refuse."""
    schema = with_field("Lead", "Kind__c picklist(40) cu restricted:Big;Small")
    desk = Desk(MemoryCrm(), setting({"Lead": (Row("contact.job_title", "Tier__c"),)}, schema=schema))
    item = desk.plan((booking(), evolve(MARIA, job_title="Platinum"))).items[0]
    document = plan_document(item, Cost(2))
    assert line(document, "Kind__c")["needed"]
    assert line(document, "Tier__c")["verdict"] == "leave_out"
    assert "needed" not in line(document, "Tier__c")


def test_records_without_a_change_are_headed_in_step() -> None:
    """A record that is not written is not headed Write, and comes after those that are."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    text = render(plan_document(first(desk), Cost(0)))
    assert text_line(text, "In step") == f"In step Lead {LEAD}"
    assert text_line(text, "Write") == "Write nothing: the CRM is in step"
    assert text_line(text, "Cost") == "Cost 0 API calls"
    moved = desk.plan((step(booking(), Kind.RESCHEDULED), MARIA)).items[0]
    heads = [row.split()[0] for row in render(plan_document(moved, Cost(1))).splitlines() if row[0] != " "]
    assert heads == ["Read", "Write", "In", "Cost"]


def test_long_values_are_shown_where_they_differ() -> None:
    """Two descriptions that begin alike do not look alike."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    moved = desk.plan((step(booking(), Kind.RESCHEDULED), MARIA)).items[0]
    shown = text_line(render(plan_document(moved, Cost(1))), "Description")
    old, new = shown.split("mapping")[0].removeprefix("Description").split("→")
    assert "Nov 3" in old
    assert "Nov 4" in new


def test_old_values_of_the_one_call_way_are_those_just_read() -> None:
    """What was planned from memory is shown with the true old value; without a reading it is unknown."""
    desk = new_desk(Lead=(Row("contact.job_title", "Title", overwrite=True),))
    desk.sync((booking(), evolve(MARIA, job_title="CEO")))
    works = desk.works([(booking(), evolve(MARIA, job_title="CTO"))])
    known = desk.memory.known
    records = [Record(*key, known[key].snapshot, assumed=True) for key in known]
    batch = desk.planner(desk.setting, works, evolve(desk.look(works), records=tuple(records)), desk.memory)
    item, ref = batch.items[0], f"person:Lead:{LEAD}"
    answers = {ref: WriteResult(ref, LEAD)}
    reads = {("Lead", LEAD): Record("Lead", LEAD, {"Title": "VP"})}
    read = line(receipt_document([(item, answers, reads)], Cost(1)), "Title")
    assert (read["old"], read["old_known"], read["new"]) == ("VP", True, "CTO")
    unread = receipt_document([(item, answers, {})], Cost(1))
    assert not line(unread, "Title")["old_known"]
    assert text_line(render(unread), "Title") == "Title ? → CTO mapping: Job title, Overwrite on"


def test_a_shared_person_is_named() -> None:
    """The other bookings' receipts say who set the person's fields."""
    desk = new_desk()
    batch = desk.plan((booking("BKNG-1"), MARIA), (booking("BKNG-2", at=booking().start), MARIA))
    document = plan_document(batch.items[0], Cost(2))
    assert document["set_by"] == "booking:BKNG-2"
    assert "the person's fields are set by BKNG-2" in render(document)


def test_several_rounds_make_one_receipt() -> None:
    """A refusal and what was written after it: both are shown, a record in step between them is not."""
    desk = new_desk()
    item = first(desk)
    refused = {
        **DONE,
        "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", error=NeedsAdmin("No.", code="X")),
    }
    document = receipt_document([(item, refused, {}), (item, DONE, {})], Cost(3))
    assert [w["result"]["ok"] for w in document["writes"]] == [False, True, True, True]
    assert document["match"]["outcome"] == "create"


def test_a_receipt_without_a_round_or_a_person() -> None:
    """Nothing was tried, or nobody was named: still a document."""
    nothing = receipt_document([], Cost())
    assert (nothing["writes"], nothing["match"], nothing["item"]) == ([], None, "")
    alone = new_desk().plan((booking(), None)).items[0]
    assert render(plan_document(alone, Cost(2))).startswith("Read     no person: the booking names nobody")
