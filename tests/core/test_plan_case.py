"""The plan of a booking's case: whose it is, what it mirrors, and with whom it goes."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from core.crm import MemoryCrm
from core.desk import Desk, sent
from core.lives import DANA, OMAR, booking, contact, step
from core.org import setting, user, without_fields
from instep.core.booking import Kind
from instep.core.creation import CASE, CalendarRules, OwnerRule, Ownership
from instep.core.mapping import Row
from instep.crm.salesforce.names import BOOKING_ID

SUPPORT = {"BKC-1": CalendarRules(CASE)}
NEWS = "BKC-1"


def desk(**config: Any) -> Desk:
    users = (user(1, DANA.email), user(2, OMAR.email))
    return Desk(MemoryCrm(users=users), setting(users=users, **{"calendars": SUPPORT, **config}))


def test_a_case_of_ours_mirrors_its_booking() -> None:
    """Blanks included; whichever way it is planned, the booking's next change sends all mapped rows."""
    at = desk()
    made, person = booking(calendar=NEWS), contact(phone="+14155550100")
    at.sync((made, person))
    [case] = at.crm.alive("Case")
    assert (case["Subject"], case["SuppliedPhone"], case[BOOKING_ID]) == (
        "Product demo",
        "+14155550100",
        "BKNG-1",
    )
    at.crm.edit("Case", case["Id"], Subject="Changed by an agent", Status="Working")
    moved = step(made, Kind.RESCHEDULED)
    assert at.sync_from_memory((moved, evolve(person, phone=""))) is not None
    [case] = at.crm.alive("Case")
    assert (case["Subject"], case["SuppliedPhone"], case["Status"]) == ("Product demo", None, "Working")


def test_a_case_that_was_deleted_is_left_so() -> None:
    """It is not made again; the receipt says so."""
    at = desk()
    made = booking(calendar=NEWS)
    at.sync((made, contact()))
    at.crm.deleted.add(at.crm.alive("Case")[0]["Id"])
    batch = at.sync((step(made, Kind.CANCELED), contact()))
    assert at.crm.alive("Case") == []
    assert "the Case was deleted in the CRM and is left so" in batch.items[0].notes


def test_a_case_of_another_booking_is_related_and_not_changed() -> None:
    """It mirrors the booking that it was made for."""
    at = desk(rows={"Case": (Row("contact.email", "Subject", overwrite=True),)})
    at.sync((booking(calendar=NEWS), contact()))
    case = at.crm.alive("Case")[0]
    other = booking("BKNG-2", record_ids={"case": case["Id"]})
    batch = at.sync((other, contact("CTC-2")))
    assert at.crm.alive("Case")[0]["Subject"] == "ctc-1@guest.example"
    assert "the Case mirrors BKNG-1, for which it was made" in batch.items[0].notes
    assert [row["WhatId"] for row in at.crm.alive("Event")] == [case["Id"]] * 2


def test_the_newest_booking_speaks_for_a_case_that_a_link_names() -> None:
    """Two bookings of one batch name the same Case: one write, with the newest one's values."""
    at = desk(rows={"Case": (Row("meeting.subject", "Subject", overwrite=True),)})
    case = at.crm.add("Case", Subject="Printer on fire")
    first = booking(record_ids={"case": case}, subject="First")
    second = step(booking("BKNG-2", record_ids={"case": case}, subject="Second"), Kind.RESCHEDULED)
    batch = at.sync((second, contact()), (first, contact()))
    assert [sent(w)["Subject"] for w in batch.writes if w.object == "Case"] == ["Second"]
    assert at.crm.alive("Case")[0]["Subject"] == "Second"
    at.sync((first, contact()))
    assert at.crm.alive("Case")[0]["Subject"] == "Second"


def test_a_name_may_be_written_into_a_case_that_a_link_names() -> None:
    """A case has no name of a person's that would be written whole or not at all."""
    at = desk(rows={"Case": (Row("contact.first_name", "Subject", overwrite=True),)})
    case = at.crm.add("Case", Subject="Printer on fire")
    at.sync((booking(record_ids={"case": case}), contact(name="Ada Lovelace")))
    assert at.crm.alive("Case")[0]["Subject"] == "Ada"


def test_the_owner_of_a_case_follows_the_host_where_it_was_chosen() -> None:
    """New: the host; existing: kept, or the host whenever he changes."""
    for rule, owner in ((Ownership.KEEP, DANA), (Ownership.HOST, OMAR)):
        at = desk(owners={"Case": OwnerRule(rule)})
        made = booking(calendar=NEWS, host=DANA)
        at.sync((made, contact()))
        at.sync((step(made, Kind.REASSIGNED, host=OMAR), contact()))
        found = at.setting.directory.user(owner.email)
        assert found is not None
        assert at.crm.alive("Case")[0]["OwnerId"] == found.id


def test_without_our_field_there_is_no_case() -> None:
    """It could be made twice: the receipt says what to do."""
    schema = without_fields("Case", BOOKING_ID)
    at = Desk(MemoryCrm(schema), setting(schema=schema, calendars=SUPPORT))
    batch = at.sync((booking(calendar=NEWS), contact()))
    assert at.crm.alive("Case") == []
    assert "no Case: Salesforce lacks Instep's id field on it. Install the fields." in batch.items[0].notes


def test_one_new_person_for_bookings_that_want_different_objects() -> None:
    """One batch, one person, a calendar for Leads and one for Cases: the Contact that the Case needs is made."""
    at = desk()
    at.sync((booking(), contact()), (booking("BKNG-2", calendar=NEWS), contact()))
    assert [len(at.crm.alive(name)) for name in ("Lead", "Contact", "Case", "Event")] == [0, 1, 1, 2]
