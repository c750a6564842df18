"""Which record is the person (R1 to R3): order of searches, tie-breaks, conversions, each candidate's reason."""

from __future__ import annotations

from typing import Any

from core.crm import MemoryCrm
from core.lives import booking, contact, step
from core.org import SCHEMA, setting, without_fields
from instep.core.booking import Kind
from instep.core.changes import Match
from instep.core.contact import Contact
from instep.core.desired import Setting
from instep.core.lookup import Observed, Record
from instep.core.mapping import Row
from instep.core.matching import Found, Index, find_person
from instep.core.to_read import fields_to_read, lookup_for
from instep.core.wanted import wanted
from instep.core.work import Link, Memory, Work
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID

UNLINKED = Link()
MARIA = contact(phone="+14155550100")
ADDRESS = "ctc-1@guest.example"
NOON, LATER = "2026-11-01T12:00:00.000+0000", "2026-11-01T13:00:00.000+0000"


def find(
    crm: MemoryCrm,
    person: Contact = MARIA,
    link: Link = UNLINKED,
    on: Setting | None = None,
) -> Found:
    chosen = on or setting()
    work = Work("booking:BKNG-1", person, booking(), link)
    index = Index(chosen, crm.observe(lookup_for(chosen, [work])))
    return find_person(chosen, work, person, index, wanted(chosen, work), Memory())


def add(crm: MemoryCrm, kind: str = "Lead", modified: str = "", created: str = "", **values: Any) -> str:
    needed = {"LastName": "Doe", **({"Company": "Acme"} if kind == "Lead" else {})}
    record = crm.add(kind, **{**needed, **values})
    row = crm.rows[kind][record]
    row["LastModifiedDate"] = modified or row["LastModifiedDate"]
    row["CreatedDate"] = created or row["CreatedDate"]
    return record


def reasons(match: Match) -> dict[str, str]:
    return {c.id: c.reason for c in match.candidates}


def test_nobody_known_makes_the_configured_object() -> None:
    """Create only when neither object knows the address; the rule says what was looked for."""
    found = find(MemoryCrm())
    assert found.record is None
    assert (found.match.outcome, found.match.object) == ("create", "Lead")
    assert found.match.rule == "nobody has this e-mail address: a new Lead is made"
    made = find(MemoryCrm(), contact(email=""), on=setting(person_object="Contact"))
    assert made.match.rule == "no e-mail address and no phone number to search by: a new Contact is made"
    assert (
        "nobody has this phone number"
        in find(MemoryCrm(), contact(email="", phone="+1 415 555 0100")).match.rule
    )


def test_a_linked_record_beats_an_address() -> None:
    """Once found the link stays, whoever else has the address, and however its own address changes."""
    crm = MemoryCrm()
    linked, other = add(crm, Email="old@guest.example"), add(crm, Email=ADDRESS)
    found = find(crm, link=Link("Lead", linked))
    assert (found.match.outcome, found.match.id) == ("linked", linked)
    assert reasons(found.match)[other] == "the booking is linked to another record"


def test_a_link_that_is_gone_matches_afresh() -> None:
    """A deleted record is not written to; its person is searched again."""
    crm = MemoryCrm()
    linked, other = add(crm, Email=ADDRESS), add(crm, Email=ADDRESS)
    crm.deleted.add(linked)
    found = find(crm, link=Link("Lead", linked))
    assert (found.match.outcome, found.match.id) == ("found", other)


def test_our_contact_id_beats_an_address() -> None:
    """What we made is known again by our own id, although another record has the address."""
    crm = MemoryCrm()
    ours = add(crm, "Contact", Email="other@guest.example", **{CONTACT_ID: "CTC-1"})
    other = add(crm, Email=ADDRESS)
    found = find(crm)
    assert (found.match.object, found.match.id) == ("Contact", ours)
    assert found.match.rule == "this Contact carries our Contact id"
    assert reasons(found.match)[other] == "our Contact id comes before an e-mail address or a phone number"


def test_the_configured_object_comes_first() -> None:
    """Both objects are searched; the configured one wins, the other is named."""
    crm = MemoryCrm()
    lead, person = add(crm, Email=ADDRESS.upper()), add(crm, "Contact", Email=ADDRESS)
    assert find(crm).match.id == lead
    assert reasons(find(crm).match)[person] == "Lead comes first"
    other = find(crm, on=setting(person_object="Contact"))
    assert other.match.id == person
    assert reasons(other.match)[lead] == "Contact comes first"


def test_the_other_object_is_used_before_one_is_made() -> None:
    """A Contact with the address is taken although new people become Leads."""
    crm = MemoryCrm()
    person = add(crm, "Contact", Email=ADDRESS)
    assert find(crm).match.id == person


def test_several_matches_take_the_most_recently_modified() -> None:
    """The tie-break is said, and why the others were not taken."""
    crm = MemoryCrm()
    older = add(crm, Email=ADDRESS, modified=NOON)
    newer = add(crm, Email=ADDRESS, modified=LATER)
    oldest = add(crm, Email=ADDRESS, modified="2026-10-31T12:00:00.000+0000")
    found = find(crm)
    assert found.match.id == newer
    assert found.match.rule == "this Lead has this e-mail address and is the most recently modified"
    assert [c.id for c in found.match.candidates] == [newer, older, oldest]
    assert reasons(found.match)[older] == reasons(found.match)[oldest] == "modified less recently"


def test_a_tie_goes_to_the_most_recently_created_then_to_the_highest_id() -> None:
    """Modified in one moment (a data load): creation decides; made in one moment too: the id, always the same."""
    crm = MemoryCrm()
    older = add(crm, Email=ADDRESS, modified=NOON, created="2026-01-01T00:00:00.000+0000")
    newer = add(crm, Email=ADDRESS, modified=NOON, created="2026-02-01T00:00:00.000+0000")
    found = find(crm)
    assert found.match.id == newer
    assert found.match.rule.endswith("and is the most recently created of those modified last")
    assert reasons(found.match)[older] == "modified at the same time, created less recently"
    crm.rows["Lead"][older]["CreatedDate"] = crm.rows["Lead"][newer]["CreatedDate"]
    assert find(crm).match.id == newer
    assert find(crm).match.rule.endswith("has the highest id of those modified and created last")
    assert reasons(find(crm).match)[older] == "a lower id"


def test_a_phone_is_searched_only_without_an_address() -> None:
    """With an address an equal phone number is only a candidate; without one it is a match, in any spelling."""
    crm = MemoryCrm()
    record = add(crm, MobilePhone="(415) 555-0100", Email="boss@guest.example")
    found = find(crm)
    assert found.match.outcome == "create"
    assert reasons(found.match)[record] == "another e-mail address: a phone number alone is no match"
    by_phone = find(crm, contact(email="", mobile_phone="+1 415 555 0100"))
    assert by_phone.match.id == record
    assert by_phone.match.rule == "this Lead has this phone number, and the booking no e-mail"


def test_of_several_phone_matches_the_most_recently_modified_wins() -> None:
    """Whatever spelling and field each of them was found by."""
    crm = MemoryCrm()
    add(crm, Phone="+14155550100", modified=NOON)
    newer = add(crm, MobilePhone="4155550100", modified=LATER)
    assert find(crm, contact(email="", phone="+14155550100")).match.id == newer


def test_an_unusable_address_counts_as_none() -> None:
    """What cannot be an address is neither searched nor a reason to pass a phone number by."""
    crm = MemoryCrm()
    record = add(crm, Phone="+14155550100")
    assert find(crm, contact(email="n/a", phone="+14155550100")).match.id == record


def test_a_converted_lead_is_followed() -> None:
    """By link and by address: the Contact that it became is the person, the Lead is named."""
    crm = MemoryCrm()
    lead = add(crm, Email=ADDRESS)
    became = add(crm, "Contact", Email="new@guest.example")
    crm.convert(lead, became)
    found = find(crm)
    assert (found.match.object, found.match.id) == ("Contact", became)
    assert found.match.rule == "a Lead that has this e-mail address was converted to this Contact"
    assert reasons(found.match)[lead] == "was converted"
    linked = find(crm, link=Link("Lead", lead))
    assert (linked.match.outcome, linked.match.id) == ("linked", became)
    assert linked.match.rule == "the linked Lead was converted: followed"


def test_an_open_lead_beats_a_converted_one() -> None:
    """Unconverted Leads only; with one open Lead there is no tie to break."""
    crm = MemoryCrm()
    lead = add(crm, Email=ADDRESS)
    crm.convert(lead)
    still = add(crm, Email=ADDRESS, modified=NOON)
    found = find(crm)
    assert found.match.id == still
    assert found.match.rule == "this Lead has this e-mail address"


def test_a_converted_lead_whose_contact_is_gone_is_no_person() -> None:
    """A new person is made; our Contact id is taken by the Lead that cannot be used."""
    crm = MemoryCrm()
    lead = add(crm, Email=ADDRESS, **{CONTACT_ID: "CTC-1"})
    crm.deleted.add(crm.convert(lead))
    found = find(crm)
    assert (found.match.outcome, found.key_taken) == ("create", True)
    assert found.match.rule == "what was found cannot be used: a new Lead is made"
    assert reasons(found.match)[lead] == "was converted to a record that cannot be read"


def test_one_query_for_each_object_asks_for_everything() -> None:
    """Ids, our Contact ids, addresses and phones are OR-ed; the Event is asked for by our Booking id."""
    works = [
        Work("booking:BKNG-1", MARIA, booking()),
        Work("booking:BKNG-2", contact("CTC-2"), booking("BKNG-2"), Link("Lead", "00Q1", "00U1")),
    ]
    lookup = lookup_for(setting(), works, ["new@host.example"])
    by_name = {part.object: part for part in lookup.objects}
    assert set(by_name) == {"Lead", "Contact", "Event"}
    lead = by_name["Lead"].keys
    assert lead["Id"] == ("00Q1",)
    assert lead[CONTACT_ID] == ("CTC-1", "CTC-2")
    assert lead["Email"] == (ADDRESS, "ctc-2@guest.example")
    assert {"+14155550100", "(415) 555-0100", "4155550100"} <= set(lead["Phone"])
    assert by_name["Lead"].follow == {
        "ConvertedContact": fields_to_read(setting(), "Contact"),
        "MasterRecord": fields_to_read(setting(), "Lead"),
    }
    assert by_name["Event"].keys == {"Id": ("00U1",), BOOKING_ID: ("BKNG-1",)}
    assert by_name["Event"].include_deleted
    # a linked record that was merged away stands among the deleted ones
    assert by_name["Lead"].include_deleted
    assert not by_name["Contact"].include_deleted
    assert lookup.users == ("new@host.example",)


def test_without_our_field_events_are_asked_for_by_their_starts() -> None:
    """Every start that the booking ever had, as moments."""
    bare = setting(schema=without_fields("Event", BOOKING_ID))
    made = booking()
    moved = step(made, Kind.RESCHEDULED)
    part = next(p for p in lookup_for(bare, [Work("b", MARIA, moved)]).objects if p.object == "Event")
    assert part.keys == {}
    assert part.moments == {"StartDateTime": ("2026-11-04T09:30:00.000Z", "2026-11-03T09:30:00.000Z")}


def test_what_is_not_there_is_not_asked_for() -> None:
    """Hidden fields, unknown mappings and people without anything to search by leave no trace in a query."""
    hidden = {**without_fields("Lead", CONTACT_ID, "MobilePhone"), "Contact": SCHEMA["Contact"]}
    on = setting({"Lead": (Row("contact.email", "Nowhere__c"),)}, schema=hidden)
    lookup = lookup_for(on, [Work("contact:CTC-1", contact(email=""))])
    assert [part.object for part in lookup.objects] == ["Contact"]
    assert "Nowhere__c" not in fields_to_read(on, "Lead")
    assert lookup_for(on, []).empty


def test_ids_are_known_by_their_first_fifteen_characters() -> None:
    """A CRM names one record by 15 or by 18 characters."""
    record = Record("Lead", "00Q000000000001AAA", {"Email": "x@guest.example"})
    index = Index(setting(), Observed((record,)))
    assert index.record("Lead", "00Q000000000001") is record
    assert index.record("Contact", "00Q000000000001AAA") is None
