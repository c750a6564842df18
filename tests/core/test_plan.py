"""The plan of a batch against a CRM: what is written through a booking's life, for whom, and why."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from core.crm import MemoryCrm
from core.desk import Desk, sent, verdicts
from core.lives import DANA, LEA, OMAR, booking, contact, step
from core.org import CONNECTED, SCHEMA, setting, user, with_field, without_fields
from instep.core.booking import EVENT_STATUS_TEXTS, Booking, Kind
from instep.core.changes import Action, Verdict
from instep.core.mapping import Row
from instep.core.plan_fields import AT_NEXT_CHANGE, SHOWN_AT_NEXT_CHANGE
from instep.core.work import Link, Memory, Quarantined
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID, EVENT_STATUS, REASON

USERS = (user(1, DANA.email), user(2, OMAR.email))
MARIA = contact()


def new_desk(**config: Any) -> Desk:
    return Desk(MemoryCrm(), setting(users=USERS, **config))


def event(desk: Desk) -> dict[str, Any]:
    """The only Event."""
    (row,) = desk.crm.alive("Event")
    return row


def status_and_reason(desk: Desk) -> tuple[str, str | None]:
    return event(desk)[EVENT_STATUS], event(desk)[REASON]


# --- a booking is made ----------------------------------------------------------------------------


def test_a_new_booking_makes_a_lead_and_its_event() -> None:
    """E1, whole: every field, its owner, its relation; parents before children."""
    desk = new_desk()
    batch = desk.sync((booking(), contact(company="Acme", phone="+14155550100")))
    assert [(w.object, w.action, w.key) for w in batch.writes] == [
        ("Lead", Action.UPSERT, (CONTACT_ID, "CTC-1")),
        ("Event", Action.UPSERT, (BOOKING_ID, "BKNG-1")),
    ]
    lead, meeting = (sent(w) for w in batch.writes)
    assert lead == {
        "ref": "person:Lead:CTC-1",
        "FirstName": "Maria",
        "LastName": "Ortega",
        "Company": "Acme",
        "Email": "ctc-1@guest.example",
        "Phone": "+14155550100",
        "OwnerId": USERS[0].id,
    }
    assert meeting.pop("Description").startswith("Meeting with: Maria Ortega, Company: Acme")
    assert meeting == {
        "ref": "activity:BKNG-1",
        "Subject": "Product demo",
        "Location": "https://meet.example/42",
        EVENT_STATUS: "Scheduled",
        "ShowAs": "Busy",
        "StartDateTime": "2026-11-03T09:30:00.000Z",
        "EndDateTime": "2026-11-03T10:00:00.000Z",
        "OwnerId": USERS[0].id,
        "IsReminderSet": False,
        "WhoId": "person:Lead:CTC-1",
    }


def test_a_request_makes_the_person_and_no_event() -> None:
    """E1: a request waits for its approval; declined, it never gets an Event."""
    desk = new_desk()
    asked = booking(kind=Kind.REQUESTED)
    batch = desk.sync((asked, MARIA))
    assert [w.object for w in batch.writes] == ["Lead"]
    assert batch.items[0].notes == ("a request that nobody has approved has no activity in the CRM",)
    assert desk.sync((step(asked, Kind.CANCELED), MARIA)).writes == ()
    approved = desk.sync((step(asked, Kind.SCHEDULED), MARIA))
    assert [w.object for w in approved.writes] == ["Event"]


def test_an_existing_person_is_filled_and_keeps_its_owner() -> None:
    """R4 with Overwrite off: what is empty is filled, what is there stays, the owner too."""
    desk = new_desk()
    record = desk.crm.add("Contact", LastName="Ortega", Email="CTC-1@guest.example")
    batch = desk.sync((booking(), contact(phone="+14155550100")))
    person, meeting = batch.items[0].writes
    assert sent(person) == {"ref": f"person:Contact:{record}", "FirstName": "Maria", "Phone": "+14155550100"}
    assert verdicts(person)["LastName"] == "keep: already so"
    assert verdicts(person)["Phone"] == "write: mapping: Phone; the field was empty"
    assert verdicts(person)["Email"] == "keep: already so"
    assert meeting.values["WhoId"] == record
    assert desk.crm.rows["Contact"][record]["OwnerId"] == CONNECTED
    assert desk.crm.rows["Contact"][record][CONTACT_ID] is None


def test_a_corrected_address_replaces_the_one_that_was_corrected_whatever_overwrite_says() -> None:
    """S12: an edit of the address reaches the CRM; a third address, which a person put there, stays."""
    desk = new_desk()
    record = desk.crm.add("Contact", LastName="Ortega", Email="CTC-1@guest.example")
    desk.sync((booking(), MARIA))
    moved = evolve(MARIA, email="maria@new.example", former_emails=(MARIA.email,))
    person = desk.sync((booking(), moved)).items[0].writes[0]
    assert sent(person) == {"ref": f"person:Contact:{record}", "Email": "maria@new.example"}
    assert verdicts(person)["Email"].endswith("the address that was there was corrected in Instep")

    desk.crm.rows["Contact"][record]["Email"] = MARIA.email
    assert desk.sync((booking(), moved)).writes == (), (
        "put back in the CRM afterwards: a person's later value"
    )

    desk.crm.rows["Contact"][record]["Email"] = "third@elsewhere.example"
    again = evolve(moved, email="m@newest.example", former_emails=(MARIA.email, moved.email))
    objects = [write.object for write in desk.sync((booking(), again)).writes]
    assert objects == ["Event"], "nobody corrected this one here; the summary in the Event names the new one"


def test_our_id_is_never_stamped_on_a_record_that_was_found() -> None:
    """The Contact id is written at creation only."""
    desk = new_desk()
    desk.crm.add("Lead", LastName="Doe", Company="Acme", Email=MARIA.email)
    desk.sync((booking(), MARIA))
    assert [row[CONTACT_ID] for row in desk.crm.alive("Lead")] == [None]


def test_one_person_of_many_bookings_is_written_once() -> None:
    """All items of a batch share one write; the newest transition speaks, the others name it."""
    rows = {"Lead": (Row("contact.last_name", "LastName"), Row("meeting.start", "Last_Meeting__c"))}
    desk = new_desk(rows=rows)
    older = booking("BKNG-1")
    newer = booking("BKNG-2", at=older.start)
    batch = desk.sync((older, MARIA), (newer, MARIA))
    assert [w.object for w in batch.writes] == ["Lead", "Event", "Event"]
    assert batch.writes[0].values["Last_Meeting__c"] == "2026-11-04T09:30:00.000Z"
    assert [item.shared_with for item in batch.items] == ["booking:BKNG-2", ""]
    assert {w.parents["WhoId"] for w in batch.writes[1:]} == {"person:Lead:CTC-1"}


def test_two_contacts_on_one_record_are_planned_as_one() -> None:
    """Contacts that the read finds on one record share its write."""
    desk = new_desk()
    desk.crm.add("Lead", LastName="Doe", Company="Acme", Email=MARIA.email, **{CONTACT_ID: "CTC-2"})
    batch = desk.sync((booking("BKNG-1"), MARIA), (booking("BKNG-2"), contact("CTC-2")))
    assert len([w for w in batch.writes if w.object == "Lead"]) <= 1
    assert len(desk.crm.alive("Lead")) == 1


def test_an_older_booking_planned_alone_does_not_turn_a_newer_ones_value_back() -> None:
    """Rows fed by booking data follow the newest transition, in whatever batches the bookings come."""
    rows = {"Lead": (Row("meeting.subject", "Title", overwrite=True),)}
    desk = new_desk(rows=rows, always_write=True)
    older = booking("BKNG-1", subject="First")
    newer = booking("BKNG-2", at=older.start, subject="Second")
    desk.sync((newer, MARIA))
    batch = desk.sync((older, MARIA))
    assert desk.crm.alive("Lead")[0]["Title"] == "Second"
    assert verdicts(batch.items[0].writes[0])["Title"] == "keep: kept: set by a newer booking of this person"
    desk.sync((step(older, Kind.CANCELED, minutes=10_000), MARIA))
    assert desk.crm.alive("Lead")[0]["Title"] == "First"


def test_a_booking_of_nobody_has_an_event_without_a_person() -> None:
    """No contact, no search, no WhoId."""
    desk = new_desk()
    batch = desk.sync((booking(), None))
    assert [w.object for w in batch.writes] == ["Event"]
    assert "WhoId" not in sent(batch.writes[0])
    assert batch.items[0].match is None


def test_an_item_in_the_trash_touches_nothing() -> None:
    """Moved to the trash of its source: the CRM is left as it is."""
    desk = new_desk()
    work = evolve(desk.works([(booking(), MARIA)])[0], held=True)
    batch = desk.planner(desk.setting, [work], desk.look([work]), Memory())
    assert batch.writes == ()
    assert batch.items[0].notes == ("in the trash of its source: the CRM is not touched",)


# --- its life -------------------------------------------------------------------------------------


def test_the_life_of_a_booking_is_one_event() -> None:
    """E2, E3: rescheduled with a reason, without one, completed, no-show, undone, canceled: same Event, same id."""
    desk = new_desk()
    now = booking()
    desk.sync((now, MARIA))
    first = event(desk)["Id"]
    for kind, reason, expected in (
        (Kind.RESCHEDULED, "Ill", ("Rescheduled", "Ill")),
        (Kind.COMPLETED, "", ("Completed", "Ill")),
        (Kind.NO_SHOW, "", ("No-show", "Ill")),
        (Kind.NO_SHOW_UNDONE, "", ("Completed", "Ill")),
        (Kind.RESCHEDULED, "", ("Rescheduled", None)),
        (Kind.CANCELED, "Budget cut", ("Canceled", "Budget cut")),
    ):
        now = step(now, kind, reason=reason)
        desk.sync((now, MARIA))
        assert status_and_reason(desk) == expected
        assert event(desk)["StartDateTime"] == now.start.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        assert event(desk)["Id"] == first
    assert event(desk)["WhoId"] == desk.crm.alive("Lead")[0]["Id"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.CANCELED_THEN_RESCHEDULED, "Canceled"),
        (Kind.CANCELED_RESCHEDULE_REQUESTED, "Canceled"),
        (Kind.CANCELED, "Canceled"),
    ],
)
def test_every_way_of_canceling_keeps_the_event(kind: Kind, status: str) -> None:
    """The Event is kept with its reason, whoever canceled and whatever follows."""
    desk = new_desk()
    made = booking()
    desk.sync((made, MARIA), (step(made, kind, reason="Moved"), MARIA))
    assert status_and_reason(desk) == (status, "Moved")


def test_status_texts_are_exactly_the_seven() -> None:
    """Every text that a life can write is one of the seven, and each of the seven can be written."""
    written = set()
    for steps in (
        (),
        (Kind.RESCHEDULED,),
        (Kind.COMPLETED,),
        (Kind.CANCELED,),
        (Kind.NO_SHOW,),
        (Kind.REASSIGNED,),
        (Kind.RESCHEDULED, Kind.REASSIGNED),
        (Kind.CANCELED, Kind.REASSIGNED),
        (Kind.COMPLETED, Kind.REASSIGNED),
    ):
        desk, now = new_desk(), booking()
        for kind in steps:
            now = step(now, kind, host=OMAR if kind is Kind.REASSIGNED else None)
        desk.sync((now, MARIA))
        written.add(event(desk)[EVENT_STATUS])
    assert (
        written
        == set(EVENT_STATUS_TEXTS)
        == {
            "Scheduled",
            "Rescheduled",
            "Completed",
            "Canceled",
            "No-show",
            "Scheduled (Reassigned by User)",
            "Rescheduled (Reassigned by User)",
        }
    )


def test_a_reassignment_moves_the_event_and_not_the_person() -> None:
    """E4: owner and suffix in place; the suffix only while it is the latest transition; the Lead keeps its owner."""
    desk = new_desk()
    made = booking()
    desk.sync((made, MARIA))
    handed = step(made, Kind.REASSIGNED, host=OMAR)
    desk.sync((handed, MARIA))
    assert (event(desk)["OwnerId"], event(desk)[EVENT_STATUS]) == (
        USERS[1].id,
        "Scheduled (Reassigned by User)",
    )
    assert desk.crm.alive("Lead")[0]["OwnerId"] == USERS[0].id
    desk.sync((step(handed, Kind.RESCHEDULED, reason="Ill"), MARIA))
    assert (event(desk)["OwnerId"], event(desk)[EVENT_STATUS]) == (USERS[1].id, "Rescheduled")


def test_a_reassignment_to_a_host_without_a_user_heals_when_there_is_one() -> None:
    """E4: owner and status stay, the receipt says so, the rest stays in step; later owner and suffix appear."""
    desk = new_desk()
    made = booking()
    handed = step(made, Kind.REASSIGNED, host=LEA)
    desk.sync((made, MARIA))
    batch = desk.sync((handed, MARIA))
    assert (event(desk)["OwnerId"], event(desk)[EVENT_STATUS]) == (USERS[0].id, "Scheduled")
    assert batch.items[0].notes == (
        "Event owner: Lea Host has no active user in Salesforce: the owner stays, without “Reassigned”.",
    )
    hired = desk.setting.directory.with_users((user(3, LEA.email),))
    desk.setting = evolve(desk.setting, directory=hired)
    desk.sync((handed, MARIA))
    assert (event(desk)["OwnerId"], event(desk)[EVENT_STATUS]) == (
        user(3, LEA.email).id,
        "Scheduled (Reassigned by User)",
    )


def test_a_host_without_a_user_is_said_for_person_and_event() -> None:
    """F22: the connected user owns what is made, and the receipt says why."""
    desk = new_desk()
    batch = desk.sync((booking(host=LEA), MARIA))
    assert {row["OwnerId"] for o in ("Lead", "Event") for row in desk.crm.alive(o)} == {CONNECTED}
    said = "Lea Host has no active user in Salesforce, so the connected user owns it."
    assert batch.items[0].notes == (f"Lead owner: {said}", f"Event owner: {said}")


def test_a_humans_choice_of_owner_stays_until_the_host_changes() -> None:
    """OwnerId is sent at creation and when the host changes."""
    desk = new_desk()
    made = booking()
    desk.sync((made, MARIA))
    desk.crm.edit("Event", event(desk)["Id"], OwnerId=user(7, "x@host.example").id)
    desk.sync((step(made, Kind.RESCHEDULED), MARIA))
    assert event(desk)["OwnerId"] == user(7, "x@host.example").id
    desk.sync((step(made, Kind.REASSIGNED, minutes=50, host=OMAR), MARIA))
    assert event(desk)["OwnerId"] == USERS[1].id


def test_event_rows_mirror_the_booking_blanks_included() -> None:
    """What a human wrote into a mapped Event field goes with the booking's next change."""
    desk = new_desk(rows={"Event": (Row("meeting.note", "Description"), Row("meeting.custom.vip", "Vip__c"))})
    made = booking(custom={"vip": "yes"})
    desk.sync((made, MARIA))
    assert (event(desk)["Description"], event(desk)["Vip__c"]) == ("Bring the numbers", True)
    silent = evolve(step(made, Kind.RESCHEDULED), guest=evolve(made.guest, note=""), custom={})
    desk.crm.edit("Event", event(desk)["Id"], Description="mine")
    desk.sync((silent, MARIA))
    assert (event(desk)["Description"], event(desk)["Vip__c"]) == (None, False)


def test_a_date_stood_in_for_a_required_event_field_stands_still() -> None:
    """The default of a date is the present moment, but only once."""
    schema = with_field("Event", "Last_Meeting__c datetime cu")
    desk = Desk(MemoryCrm(schema), setting(schema=schema))
    made = booking()
    desk.sync((made, MARIA))
    first = event(desk)["Last_Meeting__c"]
    desk.setting = evolve(desk.setting, now=made.start)
    desk.sync((step(made, Kind.COMPLETED), MARIA))
    assert event(desk)["Last_Meeting__c"] == first == "2026-11-02T09:30:00.000+0000"


# --- whose value wins -----------------------------------------------------------------------------


def title(desk: Desk) -> str | None:
    return desk.crm.alive("Lead")[0]["Title"]


def with_title(overwrite: bool = False, fallback: str | None = None, **config: Any) -> Desk:
    desk = new_desk(rows={"Lead": (Row("contact.job_title", "Title", overwrite, fallback),)}, **config)
    desk.crm.add("Lead", LastName="Ortega", Company="Acme", Email=MARIA.email)
    return desk


def test_a_fallback_never_replaces_a_value_and_gives_way_to_real_data() -> None:
    """M3: Overwrite off, and still real data may replace what we stood in ourselves."""
    desk = with_title(fallback="Guest")
    made = booking()
    desk.sync((made, MARIA))
    assert title(desk) == "Guest"
    batch = desk.sync((made, contact(job_title="CEO")))
    assert title(desk) == "CEO"
    assert "it replaces the fallback that we wrote" in verdicts(batch.writes[0])["Title"]
    desk.sync((made, contact(job_title="CTO")))
    assert title(desk) == "CEO"
    batch = desk.sync((made, MARIA))
    assert verdicts(batch.items[0].writes[0])["Title"] == "keep: kept: a fallback never replaces a value"


def test_a_fallback_that_a_human_replaced_is_a_humans_value() -> None:
    """Only our own stand-in gives way."""
    desk = with_title(fallback="Guest")
    desk.sync((booking(), MARIA))
    desk.crm.edit("Lead", desk.crm.alive("Lead")[0]["Id"], Title="VP")
    desk.sync((booking(), contact(job_title="CEO")))
    assert title(desk) == "VP"


def test_a_value_like_the_fallback_is_not_taken_for_ours() -> None:
    """A human may have typed Unspecified; with Overwrite off that stays."""
    desk = new_desk()
    desk.crm.add("Lead", LastName="Ortega", Company="Unspecified", Email=MARIA.email)
    desk.sync((booking(), MARIA))
    desk.sync((booking(), contact(company="Acme")))
    assert desk.crm.alive("Lead")[0]["Company"] == "Unspecified"


def test_blank_never_erases() -> None:
    """Overwrite on, always write, and an empty source: the value stays."""
    desk = with_title(overwrite=True, always_write=True)
    desk.sync((booking(), contact(job_title="CEO")))
    desk.sync((booking(), MARIA))
    assert title(desk) == "CEO"


def test_a_value_found_there_already_counts_as_ours() -> None:
    """Equal at first sight, changed by a human afterwards: the booking's next change leaves it alone."""
    desk = with_title(overwrite=True)
    desk.crm.edit("Lead", desk.crm.alive("Lead")[0]["Id"], Title="CEO")
    made, person = booking(), contact(job_title="CEO")
    desk.sync((made, person))
    desk.crm.edit("Lead", desk.crm.alive("Lead")[0]["Id"], Title="CTO")
    batch = desk.sync((step(made, Kind.RESCHEDULED), person))
    assert title(desk) == "CTO"
    assert verdicts(batch.items[0].writes[0])["Title"].startswith("keep: kept: changed in the CRM after")


def test_a_value_that_the_crm_refused_is_left_out_until_it_changes() -> None:
    """Quarantine is (record, field, value): the rest is written, a new value lifts it."""
    desk = with_title(overwrite=True)
    record = desk.crm.alive("Lead")[0]["Id"]
    desk.memory = Memory(quarantine={("Lead", record, "Title"): Quarantined("CEO", "Not this title.")})
    batch = desk.sync((booking(), contact(job_title="CEO")))
    assert verdicts(batch.items[0].writes[0])["Title"] == "leave_out: Not this title."
    assert title(desk) is None
    desk.sync((booking(), contact(job_title="CTO")))
    assert title(desk) == "CTO"


def test_a_refused_required_value_gives_way_to_the_default() -> None:
    """A new Lead is not lost for its company's name."""
    desk = new_desk()
    desk.memory = Memory(quarantine={("Lead", "CTC-1", "Company"): Quarantined("Acme", "No such company.")})
    desk.sync((booking(), contact(company="Acme")))
    assert desk.crm.alive("Lead")[0]["Company"] == "Unspecified"


# --- what humans do to records --------------------------------------------------------------------


def test_a_converted_lead_is_followed_and_its_contact_treated_with_care() -> None:
    """R11: the link moves to the Contact; what the Contact says already is not taken for empty."""
    desk = new_desk(rows={"Contact": (Row("contact.phone", "Phone"), Row("contact.job_title", "Title"))})
    made, person = booking(), contact(phone="+14155550100", job_title="CEO")
    desk.sync((made, person))
    into = desk.crm.add("Contact", LastName="Doe", Email="other@guest.example", Title="Founder")
    desk.crm.convert(desk.crm.alive("Lead")[0]["Id"], into)
    desk.sync((step(made, Kind.RESCHEDULED), person))
    row = desk.crm.rows["Contact"][into]
    assert (row["Phone"], row["Title"]) == ("+14155550100", "Founder")
    assert desk.links["booking:BKNG-1"] == Link("Contact", into, event(desk)["Id"])
    assert event(desk)["WhoId"] == into


def test_who_id_is_sent_only_when_the_person_changes() -> None:
    """What a human relates otherwise stays."""
    desk = new_desk()
    made = booking()
    desk.sync((made, MARIA))
    other = desk.crm.add("Contact", LastName="Boss")
    desk.crm.edit("Event", event(desk)["Id"], WhoId=other)
    desk.sync((step(made, Kind.RESCHEDULED), MARIA))
    assert event(desk)["WhoId"] == other


@pytest.mark.parametrize(("policy", "events"), [("recreate", 1), ("leave", 0)])
def test_a_deleted_event_is_made_again_or_left(policy: str, events: int) -> None:
    """By the connection's choice; either way the receipt says so and a second plan is empty."""
    desk = new_desk(deleted_event=policy)
    made = booking()
    desk.sync((made, MARIA))
    desk.crm.deleted.add(event(desk)["Id"])
    batch = desk.sync((step(made, Kind.COMPLETED), MARIA))
    assert len(desk.crm.alive("Event")) == events
    assert any("was deleted in the CRM" in note for note in batch.items[0].notes)


def test_a_person_whose_key_is_taken_is_made_without_it() -> None:
    """A converted Lead that leads nowhere keeps our id; a new Lead is made all the same, and it is said."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    desk.crm.deleted.add(desk.crm.convert(desk.crm.alive("Lead")[0]["Id"]))
    batch = desk.sync((booking("BKNG-2"), MARIA))
    assert [w.action for w in batch.writes] == [Action.CREATE, Action.UPSERT]
    assert "made without Instep's contact id" in " ".join(batch.items[0].notes)
    assert len(desk.crm.people(MARIA.email)) == 1


def test_an_org_without_our_fields_is_served_with_a_weaker_guarantee() -> None:
    """Plain creates, found again by the Ref line and by address; the receipt names the cure."""
    schema = {**without_fields("Lead", CONTACT_ID), "Event": without_fields("Event", BOOKING_ID)["Event"]}
    desk = Desk(MemoryCrm(schema), setting(users=USERS, schema=schema))
    batch = desk.sync((booking(), MARIA))
    assert {w.action for w in batch.writes} == {Action.CREATE}
    lead, meeting = batch.items[0].notes
    assert lead.startswith("Salesforce lacks Instep's id field on Lead: ")
    assert meeting.startswith("Salesforce lacks Instep's id field on Event: ")
    assert lead.endswith("Install the fields.")
    desk.links.clear()
    assert desk.sync((booking(), MARIA)).writes == ()
    assert len(desk.crm.alive("Event")) == 1


# --- memory ---------------------------------------------------------------------------------------


def rescheduled(desk: Desk) -> tuple[Booking, Any]:
    made = booking()
    desk.sync((made, MARIA))
    return step(made, Kind.RESCHEDULED), MARIA


def test_a_change_of_a_linked_booking_is_planned_from_memory() -> None:
    """One call: all mapped Event rows go along, so that a human's unseen edit of one is mirrored away."""
    desk = new_desk()
    item = rescheduled(desk)
    desk.crm.edit("Event", event(desk)["Id"], Location="Somewhere else")
    batch = desk.sync_from_memory(item)
    assert batch is not None
    assert [w.object for w in batch.writes] == ["Event"]
    assert {"Subject", "Location", "Description", EVENT_STATUS, REASON} <= set(batch.writes[0].values)
    assert "OwnerId" not in batch.writes[0].values
    assert event(desk)["Location"] == "https://meet.example/42"


def test_a_field_that_is_still_to_fill_takes_a_read() -> None:
    """Overwrite off: nothing conditional is ever sent from memory."""
    desk = new_desk()
    made, _ = rescheduled(desk)
    assert desk.sync_from_memory((made, contact(phone="+14155550100"))) is None
    person = desk.crm.alive("Lead")[0]
    desk.crm.edit("Lead", person["Id"], Phone="555")
    desk.sync((made, contact(phone="+14155550100")))
    assert desk.crm.alive("Lead")[0]["Phone"] == "555"


def test_an_overwrite_from_memory_wins_over_what_nobody_has_seen() -> None:
    """The source changed to what we remember to be there, but a human has changed it since."""
    desk = with_title(overwrite=True)
    made = booking()
    desk.sync((made, contact(job_title="CEO")))
    record = desk.crm.alive("Lead")[0]["Id"]
    desk.crm.edit("Lead", record, Title="CTO")
    desk.sync((made, contact(job_title="CEO")))
    desk.crm.edit("Lead", record, Title="VP")
    assert desk.sync_from_memory((made, contact(job_title="CTO"))) is not None
    assert title(desk) == "CTO"


def test_a_row_that_memory_does_not_know_takes_a_read() -> None:
    """After a change of the mapping the records are read once."""
    desk = new_desk()
    item = rescheduled(desk)
    rows = {**desk.setting.config.rows, "Event": (Row("meeting.note", "Code__c"),)}
    desk.setting = evolve(desk.setting, config=evolve(desk.setting.config, rows=rows))
    assert desk.sync_from_memory(item) is None


def test_a_person_that_waits_does_not_hold_its_event() -> None:
    """The Event is written without WhoId; once the person exists it is related."""
    desk = new_desk()
    waiting = {"person:Lead:CTC-1": "VALIDATION: no."}
    desk.memory = evolve(desk.memory, waiting=waiting)
    batch = desk.sync((booking(), MARIA))
    assert [w.object for w in batch.writes] == ["Event"]
    assert batch.items[0].match is not None
    assert batch.items[0].match.outcome == "waits"
    assert "Event written without its person, which waits: VALIDATION: no." in batch.items[0].notes
    desk.memory = evolve(desk.memory, waiting={}, fragile=frozenset(waiting))
    batch = desk.sync((booking(), MARIA))
    assert [(w.object, w.alone) for w in batch.writes] == [("Lead", False), ("Event", True)]
    assert event(desk)["WhoId"] == desk.crm.alive("Lead")[0]["Id"]


# --- what rules alone say -------------------------------------------------------------------------


def test_fixed_values_wait_for_the_next_change_of_a_booking() -> None:
    """New rules write no static value, fallback or default into records that were in step; the next change does."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    rows = {
        "Lead": (
            *desk.setting.config.rows["Lead"],
            Row("static:Web", "LeadSource"),
            Row("", "Title", fallback="None"),
        ),
        "Event": (*desk.setting.config.rows["Event"], Row("static:Gold", "Tier__c")),
    }
    required = "Code__c string(5) cu"
    schema = {
        "Lead": with_field("Lead", required)["Lead"],
        "Event": with_field("Event", required)["Event"],
    }
    desk.setting = setting(rows, USERS, {**SCHEMA, **schema})
    (known,) = desk.works([(booking(), MARIA)])
    work = evolve(known, settled=True)
    batch = desk.planner(desk.setting, [work], desk.look([work]), desk.memory)
    assert batch.writes == ()
    kept = {
        f"{w.object}.{c.field}": c.note
        for w in batch.items[0].writes
        for c in w.changes
        if c.note == AT_NEXT_CHANGE
    }
    assert set(kept) == {"Lead.LeadSource", "Lead.Title", "Event.Tier__c", "Event.Code__c"}
    desk.sync((step(booking(), Kind.RESCHEDULED), MARIA))
    (person,) = desk.crm.alive("Lead")
    assert (person["LeadSource"], person["Title"], person["Code__c"]) == ("Web", "None", None)
    assert (event(desk)["Tier__c"], event(desk)["Code__c"]) == ("Gold", "Unspe")


def test_a_default_is_not_written_into_a_record_that_was_there() -> None:
    """A required field that is empty on a found Lead stays empty, unless the CRM takes no change without it."""
    desk = new_desk()
    desk.setting = setting(users=USERS, schema=with_field("Lead", "Story__c textarea(32768) cu html"))
    there = desk.crm.add(
        "Lead", LastName="Ortega", FirstName="Maria", Company="Acme", Email="ctc-1@guest.example"
    )
    desk.sync((booking(), contact(phone="+14155550100")))
    (row,) = desk.crm.alive("Lead")
    assert (row["Phone"], row["Story__c"]) == ("+14155550100", None)
    desk.memory = evolve(desk.memory, demanded=frozenset({("Lead", there, "Story__c")}))
    batch = desk.plan((booking(), contact(phone="+14155550100")))
    assert [sent(write)["Story__c"] for write in batch.writes] == ["Unspecified"]


# --- a name is one value --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "email", "after"),
    [
        ({"LastName": "Smith"}, "ctc-1@guest.example", (None, "Smith")),
        ({"LastName": "Ortega"}, "ctc-1@guest.example", ("Maria", "Ortega")),
        ({"FirstName": "Mary", "LastName": "Ortega"}, "ctc-1@guest.example", ("Mary", "Ortega")),
        ({"LastName": "Ortega"}, "other@guest.example", (None, "Ortega")),
    ],
    ids=["another last name", "the same last name", "a name", "another address"],
)
@pytest.mark.parametrize("overwrite", [(), ("FirstName",), ("LastName",)], ids=str)
def test_a_name_is_written_whole_or_not_at_all(
    there: dict[str, str], email: str, after: tuple[str | None, str], overwrite: tuple[str, ...]
) -> None:
    """No first name beside somebody else's last name, whatever one of the rows says."""
    desk = new_desk()
    rows = tuple(
        evolve(r, overwrite=r.field in overwrite and there.get(r.field) != "Mary")
        for r in desk.setting.config.rows["Lead"]
    )
    desk.setting = setting({"Lead": rows}, USERS)
    record = desk.crm.add("Lead", **there, Company="Acme", Email=email)
    named = evolve(booking(), record_ids={"lead": record})
    desk.sync((named, MARIA))
    (row,) = desk.crm.alive("Lead")
    assert (row["FirstName"], row["LastName"]) == after


def test_overwrite_on_both_replaces_a_name() -> None:
    """Overwrite on both parts is an admin's word; a custom field fed by a part is no part of the name."""
    desk = new_desk()
    rows = tuple(evolve(r, overwrite="Name" in r.field) for r in desk.setting.config.rows["Lead"])
    desk.setting = setting({"Lead": (*rows, Row("contact.first_name", "Story__c"))}, USERS)
    desk.crm.add("Lead", LastName="Smith", Company="Acme", Email="ctc-1@guest.example")
    desk.sync((booking(), MARIA))
    (row,) = desk.crm.alive("Lead")
    assert (row["FirstName"], row["LastName"], row["Story__c"]) == ("Maria", "Ortega", "Maria")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Kind.RESCHEDULED, "Busy"),
        (Kind.CANCELED, "Free"),
        (Kind.CANCELED_RESCHEDULE_REQUESTED, "Free"),
        (Kind.COMPLETED, "Busy"),
        (Kind.NO_SHOW, "Busy"),
    ],
)
@pytest.mark.parametrize("from_memory", [False, True])
def test_a_canceled_meeting_does_not_block_its_host(kind: Kind, shown: str, from_memory: bool) -> None:
    """By default, in one call and in two; who did not come has taken the host's time all the same."""
    desk = new_desk()
    desk.sync((booking(), MARIA))
    assert event(desk)["ShowAs"] == "Busy"
    sync = desk.sync_from_memory if from_memory else desk.sync
    assert sync((step(booking(), kind), MARIA)) is not None
    assert event(desk)["ShowAs"] == shown


def test_a_canceled_meeting_that_stands_again_takes_its_time_again() -> None:
    desk = new_desk()
    canceled = step(booking(), Kind.CANCELED)
    for one in (booking(), canceled, step(canceled, Kind.RESCHEDULED)):
        desk.sync((one, MARIA))
    assert event(desk)["ShowAs"] == "Busy"


def test_a_mapping_without_show_time_as_leaves_it_alone() -> None:
    """An admin who took the row away chose that canceled meetings stay as they are shown."""
    desk = new_desk()
    rows = tuple(r for r in desk.setting.config.rows["Event"] if r.field != "ShowAs")
    desk.setting = setting({"Event": rows}, USERS)
    desk.sync((booking(), MARIA))
    desk.crm.edit("Event", event(desk)["Id"], ShowAs="OutOfOffice")
    desk.sync((step(booking(), Kind.CANCELED), MARIA))
    assert event(desk)["ShowAs"] == "OutOfOffice"


def test_show_time_as_that_is_new_among_the_rows_changes_no_meeting_of_before() -> None:
    """A default that comes with a new version frees what is canceled from then on; old records are left alone."""
    desk = new_desk()
    whole = desk.setting
    rows = tuple(r for r in whole.config.rows["Event"] if r.field != "ShowAs")
    desk.setting = setting({"Event": rows}, USERS)
    canceled = step(booking(), Kind.CANCELED)
    desk.sync((canceled, MARIA))
    desk.crm.edit("Event", event(desk)["Id"], ShowAs="Busy")
    desk.setting = whole
    (known,) = desk.works([(canceled, MARIA)])
    work = evolve(known, settled=True)
    batch = desk.planner(whole, [work], desk.look([work]), desk.memory)
    assert batch.writes == ()
    (kept,) = [c for w in batch.items[0].writes for c in w.changes if c.field == "ShowAs"]
    assert (kept.verdict, kept.new, kept.note) == (Verdict.KEEP, "Free", SHOWN_AT_NEXT_CHANGE)
    desk.sync((canceled, MARIA))
    assert event(desk)["ShowAs"] == "Free"


def test_a_link_to_a_converted_lead_says_so() -> None:
    """R1, R11: the rule does not call a Lead's id the Contact's."""
    desk = new_desk()
    lead = desk.crm.add("Lead", LastName="Ortega", Company="Acme", Email="ctc-1@guest.example")
    desk.crm.convert(lead)
    batch = desk.sync((evolve(booking(), record_ids={"lead": lead}), MARIA))
    match = batch.items[0].match
    assert match is not None
    assert match.rule == "the link names a Lead that was converted to this Contact"
