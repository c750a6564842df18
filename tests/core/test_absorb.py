"""What is known after a round of writes: the CRM as it now is, what was sent, and the links of the items."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from core.crm import MemoryCrm
from core.desk import Desk
from core.lives import DANA, booking, contact, step
from core.org import setting, user
from instep.core.absorb import After, absorb
from instep.core.booking import Kind
from instep.core.errors import NeedsAdmin
from instep.core.lookup import Record
from instep.core.mapping import Row
from instep.core.work import Link, Memory, Sent
from instep.crm.port import WriteResult
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID

MARIA = contact()
LEAD, EVENT = ("Lead", "00Q000000000001AAA"), ("Event", "00U000000000001AAA")


def new_desk(**rows: tuple[Row, ...]) -> Desk:
    return Desk(MemoryCrm(), setting(dict(rows), (user(1, DANA.email),)))


def round_of(desk: Desk, answers: dict[str, WriteResult], reads: dict[Any, Any] | None = None) -> After:
    """Plan one fresh booking and absorb these answers instead of the CRM's."""
    works = desk.works([(booking(), MARIA)])
    observed = desk.look(works)
    batch = desk.planner(desk.setting, works, observed, desk.memory)
    return absorb(desk.setting, works, batch, answers, reads or {}, observed, desk.memory)


def test_what_was_made_is_known_and_linked() -> None:
    """Records with their values and our keys, links with their ids, the person's id where it was a reference."""
    after = round_of(
        new_desk(),
        {
            "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", LEAD[1], True),
            "activity:BKNG-1": WriteResult("activity:BKNG-1", EVENT[1], True),
        },
    )
    assert after.works[0].link == Link(*LEAD, EVENT[1])
    lead, meeting = after.observed.find(*LEAD), after.observed.find(*EVENT)
    assert lead is not None
    assert meeting is not None
    assert (lead.get("LastName"), lead.get(CONTACT_ID), lead.get("Phone")) == ("Ortega", "CTC-1", None)
    assert (meeting.get("WhoId"), meeting.get(BOOKING_ID)) == (LEAD[1], "BKNG-1")
    known = after.memory.known
    assert known[LEAD].made_by_us
    assert known[LEAD].sent["Company"] == Sent("Unspecified", "", stand_in=True)
    assert known[LEAD].sent["LastName"] == Sent("Ortega", "Ortega")
    assert known[EVENT].sent["WhoId"] == Sent(LEAD[1])
    assert known[EVENT].sent["OwnerId"].source_value == DANA.key
    assert known[LEAD].snapshot == lead.fields


def test_an_upsert_that_found_a_record_did_not_make_it() -> None:
    """A second try after a lost answer: not ours by this answer alone."""
    after = round_of(new_desk(), {"person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", LEAD[1], False)})
    assert not after.memory.known[LEAD].made_by_us


def test_refused_and_void_writes_change_nothing() -> None:
    """Neither what is known of the CRM nor the link."""
    after = round_of(
        new_desk(),
        {
            "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", error=NeedsAdmin("No.")),
            "activity:BKNG-1": WriteResult("activity:BKNG-1", void=True),
        },
    )
    assert after.works[0].link == Link()
    assert after.observed.records == ()
    assert after.memory.known == {}


def test_a_person_written_without_its_event_is_linked() -> None:
    """Half a success is kept: the next round relates the Event to the person."""
    after = round_of(
        new_desk(),
        {
            "person:Lead:CTC-1": WriteResult("person:Lead:CTC-1", LEAD[1], True),
            "activity:BKNG-1": WriteResult("activity:BKNG-1", error=NeedsAdmin("No.")),
        },
    )
    assert after.works[0].link == Link(*LEAD)


def test_records_read_in_the_call_take_the_place_of_remembered_ones() -> None:
    """Read just before the writes; one that is gone is forgotten."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    works = desk.works([(step(booking(), Kind.RESCHEDULED), MARIA)])
    observed = desk.look(works)
    batch = desk.planner(desk.setting, works, observed, desk.memory)
    fresh = Record(*LEAD, {"LastName": "Changed"})
    ok = {"activity:BKNG-1": WriteResult("activity:BKNG-1", EVENT[1])}
    after = absorb(desk.setting, works, batch, ok, {LEAD: fresh}, observed, desk.memory)
    assert after.memory.known[LEAD].snapshot == {"LastName": "Changed"}
    gone = absorb(desk.setting, works, batch, ok, {LEAD: None}, observed, desk.memory)
    assert gone.observed.find(*LEAD) is None


def test_a_value_found_there_already_is_remembered_with_its_source() -> None:
    """Not sent, and still known: so that a human's later change is told from ours."""
    desk = new_desk(
        Lead=(Row("contact.job_title", "Title"), Row("contact.company", "Company", fallback="Acme"))
    )
    desk.crm.add("Lead", LastName="Ortega", Company="Acme", Title="CEO", Email=MARIA.email)
    desk.sync((booking(), evolve(MARIA, job_title="CEO")))
    sent = desk.memory.known[LEAD].sent
    assert sent["Title"] == Sent("CEO", "CEO")
    assert "Company" not in sent, "a value like our fallback is not ours"


def test_a_booking_fed_value_is_remembered_with_its_booking() -> None:
    """So that an older booking does not turn it back; contact-fed values have no such stamp."""
    desk = new_desk(Lead=(Row("meeting.subject", "Title"), Row("contact.name", "LastName")))
    desk.sync((booking(), MARIA))
    sent = desk.memory.known[LEAD].sent
    assert sent["Title"].spoke == "2026-11-02T09:30:00.000000+00:00|booking:BKNG-1"
    assert sent["LastName"].spoke == ""


def test_the_values_behind_a_conversion_are_kept() -> None:
    """The Contact that a Lead became was read with it: a write to one field leaves the others known."""
    desk = new_desk(Contact=(Row("contact.phone", "Phone"), Row("contact.job_title", "Title")))
    desk.sync((booking(), MARIA))
    into = desk.crm.add("Contact", LastName="Doe", Title="Founder")
    desk.crm.convert(LEAD[1], into)
    works = desk.works([(booking(), contact(phone="+14155550100"))])
    observed = desk.look(works)
    batch = desk.planner(desk.setting, works, observed, desk.memory)
    after = absorb(desk.setting, works, batch, desk.crm.apply(batch.writes), {}, observed, Memory())
    became = after.observed.find("Contact", into)
    assert became is not None
    assert (became.get("Phone"), became.get("Title")) == ("+14155550100", "Founder")
    assert after.works[0].link.person_id == into
    assert after.memory.known["Contact", into].snapshot["Title"] == "Founder"
