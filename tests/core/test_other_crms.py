"""What a CRM without Salesforce's ways needs of the core: all of it is data of the profile or of the schema."""

from __future__ import annotations

import pytest
from attrs import evolve

from core.lives import LEA, booking, contact, step
from core.portal import choice, mapped, portal
from instep.core.booking import Booking, Guest, Kind
from instep.core.changes import Action, Verdict, Write
from instep.core.crm_schema import with_required
from instep.core.desired import Setting
from instep.core.errors import NeedsAdmin, Scope
from instep.core.lookup import Lookup, Observed, Record
from instep.core.mapping import Row
from instep.core.plan import BatchPlan, plan
from instep.core.refusal import REQUIRED, Reaction, react
from instep.core.to_read import lookup_for
from instep.core.work import Link, Memory, Work

PERSON = contact()
MEETING = booking(guest=Guest(name=PERSON.name, email=PERSON.email))


def work(of: Booking = MEETING, person: object = PERSON, link: Link | None = None) -> Work:
    return Work(f"booking:{of.id}", person, of, link or Link())  # type: ignore[arg-type]


def planned(setting: Setting, *works: Work, observed: Observed | None = None, **memory: object) -> BatchPlan:
    return plan(setting, works, observed or Observed(), Memory(**memory))  # type: ignore[arg-type]


def only(batch: BatchPlan, object_name: str) -> Write:
    [write] = [w for w in batch.writes if w.object == object_name]
    return write


def asked(lookup: Lookup) -> dict[str, dict[str, tuple[str, ...]]]:
    return {part.object: dict(part.keys) for part in lookup.objects}


# -- one call asks by one field ---------------------------------------------------------------------


def test_whoever_has_an_address_is_asked_for_by_it_alone() -> None:
    """A key more would be a call more; what carries our id already is met when it is made again."""
    assert asked(lookup_for(portal(), [work()])) == {"Contact": {"email": (PERSON.email,)}}


def test_without_an_address_our_id_decides_and_the_phone_is_asked_too() -> None:
    """Nobody is made only because a search does not know them yet: our id is asked as well."""
    caller = contact("CTC-7", email="", phone="+351912345678")
    keys = asked(lookup_for(portal(), [work(person=caller)]))["Contact"]
    assert keys["instep_contact_id"] == ("CTC-7",)
    assert "+351912345678" in keys["phone"]
    assert "email" not in keys


def test_what_is_linked_is_read_by_its_id_alone() -> None:
    """Neither the address nor our id is asked for once the record is known."""
    link = Link("Contact", "501", "901")
    assert asked(lookup_for(portal(), [work(link=link)])) == {
        "Contact": {"Id": ("501",)},
        "Meeting": {"Id": ("901",)},
    }


def test_a_portal_without_unique_ids_is_asked_by_the_start() -> None:
    """A property that is not unique finds nothing: the meeting's start does, and the id in it."""
    plain = {"name": "instep_booking_id", "label": "Booking id", "type": "string", "fieldType": "text"}
    [_, meetings] = lookup_for(portal(instead=(plain,)), [work()]).objects
    assert not meetings.keys
    assert list(meetings.moments) == ["hs_meeting_start_time"]


def test_a_second_address_of_a_person_finds_it() -> None:
    """A contact found by an address that is not its first one is the person."""
    there = Record(
        "Contact",
        "501",
        {"email": "other@guest.example", "hs_additional_emails": f"a@b.example;{PERSON.email}"},
    )
    batch = planned(portal(), work(), observed=Observed((there,)))
    assert batch.items[0].person == ("Contact", "501")
    assert not [w for w in batch.writes if w.action is not Action.UPDATE and w.object == "Contact"]


# -- the outcome ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.RESCHEDULED, "RESCHEDULED"),
        (Kind.COMPLETED, "COMPLETED"),
        (Kind.CANCELED, "CANCELED"),
        (Kind.NO_SHOW, "NO_SHOW"),
    ],
)
def test_the_outcome_follows_the_status(kind: Kind, outcome: str) -> None:
    """How a meeting stands is said in the CRM's own words."""
    assert only(planned(portal(), work()), "Meeting").values["hs_meeting_outcome"] == "SCHEDULED"
    assert (
        only(planned(portal(), work(step(MEETING, kind))), "Meeting").values["hs_meeting_outcome"] == outcome
    )


def test_an_outcome_that_the_portal_does_not_have_is_left_out_alone() -> None:
    """An admin may have removed an option: the meeting is written without it, and says why."""
    fewer = choice("hs_meeting_outcome", "SCHEDULED", "COMPLETED")
    write = only(planned(portal(instead=(fewer,)), work(step(MEETING, Kind.NO_SHOW))), "Meeting")
    [outcome] = [c for c in write.changes if c.field == "hs_meeting_outcome"]
    assert outcome.verdict is Verdict.LEAVE_OUT
    assert "NO_SHOW" in outcome.note
    assert write.values["hs_meeting_title"] == "Product demo"


# -- text that is rich ------------------------------------------------------------------------------


def test_lines_are_added_to_rich_text_without_escaping_it_twice() -> None:
    """Guests and the Ref line come after the text, every character of which is escaped once."""
    setting = portal(without=("instep_booking_id",))
    noted = evolve(MEETING, guest=evolve(MEETING.guest, note="<b>1 & 2</b>", guests=("x@guest.example",)))
    body = only(planned(setting, work(noted)), "Meeting").values["hs_meeting_body"]
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in body
    assert "&amp;amp;" not in body
    assert body.endswith(f"<br>Guests: x@guest.example<br>Ref: {MEETING.id}")


def test_the_ref_line_of_a_rich_text_finds_the_meeting_again() -> None:
    """A portal without our property: the line in the body says whose meeting it is."""
    setting = portal(without=("instep_booking_id",))
    body = f"Product demo<br>Ref: {MEETING.id}"
    start = MEETING.start.isoformat()
    there = Record("Meeting", "901", {"hs_meeting_body": body, "hs_meeting_start_time": start})
    batch = planned(setting, work(), observed=Observed((there,)))
    assert batch.items[0].activity_id == "901"


# -- lists that only lead forward -------------------------------------------------------------------


def test_a_stage_never_goes_back_whatever_overwrite_says() -> None:
    """A customer does not become a lead by booking; a subscriber does."""
    setting = mapped(portal(), "Contact", Row("static:lead", "lifecyclestage", overwrite=True))

    def stage_after(there: str) -> object:
        record = Record("Contact", "501", {"email": PERSON.email, "lifecyclestage": there})
        write = only(planned(setting, work(), observed=Observed((record,))), "Contact")
        return write.values.get("lifecyclestage")

    assert stage_after("customer") is None
    assert stage_after("lead") is None
    assert stage_after("subscriber") == "lead"


# -- nobody's ---------------------------------------------------------------------------------------


def test_a_host_without_a_user_leaves_no_owner_where_the_connected_user_owns_nothing() -> None:
    """The meeting is nobody's then, and the plan says so."""
    batch = planned(portal(), work(booking(host=LEA)))
    assert "hubspot_owner_id" not in only(batch, "Meeting").values
    assert any("nobody owns it" in note for note in batch.items[0].notes)
    owned = planned(portal(), work())
    assert only(owned, "Meeting").values["hubspot_owner_id"] == "41"


# -- what is required though nobody says so ---------------------------------------------------------


def test_a_required_field_that_is_missing_is_not_blamed_on_another() -> None:
    """The refusal names what is not there: nothing that is there is left out for it."""
    write = only(planned(portal(), work()), "Contact")
    error = NeedsAdmin("jobtitle is required", code=REQUIRED, fields=("jobtitle",), scope=Scope.RECORD)
    assert react(write, error).reaction is Reaction.WAIT


def test_what_was_learned_to_be_required_gets_a_fallback_or_the_default() -> None:
    """Planned again, the record has the field."""
    setting = portal()
    learned = evolve(
        setting, schema=with_required(setting.schema, {"Contact": {"jobtitle"}, "Nowhere": {"x"}})
    )
    assert only(planned(learned, work()), "Contact").values["jobtitle"] == "Unspecified"
    with_row = mapped(learned, "Contact", Row("contact.job_title", "jobtitle", fallback="Guest"))
    assert only(planned(with_row, work()), "Contact").values["jobtitle"] == "Guest"
    assert "jobtitle" not in only(planned(setting, work()), "Contact").values
