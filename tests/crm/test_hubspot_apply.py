"""Writing to HubSpot: batches, what is there already, refusals of one, of some and of all."""

from __future__ import annotations

from typing import Any

import pytest

from hubspot_portal import StandinPortal, changed, meeting, person
from instep.core.changes import Action, Change, Write
from instep.core.errors import InstepError, NeedsAdmin, Retry, Wait
from instep.core.refusal import DOUBLED, NO_SUCH_CHOICE, NOT_THERE, TAKEN
from instep.crm.hubspot import HubSpotCrm
from instep.crm.hubspot.client import Answer, HubSpotClient
from instep.crm.port import Applied


def posts(hub: HubSpotCrm) -> list[str]:
    return [call.path.partition("/2026-09/")[2] for call in hub.calls]


def codes(applied: Applied) -> dict[str, str]:
    """The refused writes, with their codes."""
    return {ref: r.error.code for ref, r in applied.results.items() if r.error is not None}


def test_new_people_and_their_meetings_are_two_requests(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Each meeting comes with its own contact; the answers find back to their writes."""
    people = [person(f"CTC-{n}") for n in range(3)]
    meetings = [meeting(f"BKNG-{n}", one) for n, one in enumerate(people)]
    applied = hub.apply([*meetings, *people])
    assert posts(hub) == ["contacts/batch/create", "meetings/batch/create"]
    assert all(result.ok and result.created for result in applied.results.values())
    for one in portal.records("meetings"):
        number = one["properties"]["instep_booking_id"].partition("-")[2]
        assert one["associations"]["contacts"] == [applied.results[f"person:Contact:CTC-{number}"].id]
        assert applied.results[f"activity:BKNG-{number}"].id == one["id"]
        assert one["properties"]["hs_timestamp"] == one["properties"]["hs_meeting_start_time"]


def test_a_meeting_of_a_refused_contact_is_void_and_the_others_are_written(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """Nobody to refer to: it is left to the next round; no other meeting suffers."""
    bad, good = person("CTC-1", email="not an address"), person("CTC-2")
    applied = hub.apply([bad, good, meeting("BKNG-1", bad), meeting("BKNG-2", good)])
    assert codes(applied) == {bad.ref: "INVALID_EMAIL_ADDRESS"}
    assert applied.results["activity:BKNG-1"].void
    assert applied.results["activity:BKNG-2"].ok
    assert len(portal.records("meetings")) == 1


def test_a_meeting_that_is_there_already_is_changed(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Our id is unique: made again after a lost answer, it is the same meeting, with its contacts."""
    first = hub.apply([meeting("BKNG-1")]).results["activity:BKNG-1"]
    contact = portal.seed("contacts", email="ada@guest.example")
    again = hub.apply(
        [meeting("BKNG-1", contact=contact, hs_meeting_title="Newer"), meeting("BKNG-2")]
    ).results
    assert again["activity:BKNG-1"].id == first.id
    assert not again["activity:BKNG-1"].created
    assert again["activity:BKNG-2"].created
    [there] = [r for r in portal.records("meetings") if r["id"] == first.id]
    assert there["properties"]["hs_meeting_title"] == "Newer"
    assert there["associations"]["contacts"] == [contact]


def test_a_contact_that_is_there_already_is_named_and_left_alone(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """By its address or by our id: the rules decide what becomes of it, not the writer."""
    there = portal.seed("contacts", email="ada@guest.example", company="Old Ltd")
    hub.apply([person("CTC-2")])
    applied = hub.apply(
        [
            person("CTC-1", email="ADA@guest.example", company="New"),
            person("CTC-2", email="other@guest.example"),
        ]
    )
    assert set(codes(applied).values()) == {DOUBLED}
    errors = {ref: r.error for ref, r in applied.results.items() if r.error}
    assert errors["person:Contact:CTC-1"].matches == (("Contact", there),)
    [ours] = [
        r["id"] for r in portal.records("contacts") if r["properties"].get("instep_contact_id") == "CTC-2"
    ]
    assert errors["person:Contact:CTC-2"].matches == (("Contact", ours),)
    assert len(portal.records("contacts")) == 2


def test_without_a_text_that_names_it_the_contact_is_asked_for(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """HubSpot may change its words: the address leads to the contact all the same."""
    there = portal.seed("contacts", email="ada@guest.example")
    said = {"status": "error", "message": "Contact already exists.", "category": "CONFLICT"}
    portal.arm("row", {"op": "create", "object": "contacts"}, status=409, body=said)
    applied = hub.apply([person("CTC-1", email="ada@guest.example")])
    error = applied.results["person:Contact:CTC-1"].error
    assert error is not None
    assert error.matches == (("Contact", there),)


def test_an_address_that_another_contact_has_blames_the_address_alone(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """A change of several fields: the others can be sent without it."""
    one, other = (portal.seed("contacts", email=f"{n}@guest.example") for n in "ab")
    applied = hub.apply([changed("Contact", one, email="b@guest.example", company="New")])
    [error] = [r.error for r in applied.results.values()]
    assert error is not None
    assert (error.code, error.fields) == (TAKEN, ("email",))
    assert other


def test_one_refused_option_is_blamed_and_the_rest_of_the_batch_goes_on(hub: HubSpotCrm) -> None:
    """207: the property is named, word for word what HubSpot says of it."""
    applied = hub.apply(
        [meeting("BKNG-1", hs_meeting_outcome="CANCELLED"), meeting("BKNG-2", hs_meeting_outcome="CANCELED")]
    )
    assert codes(applied) == {"activity:BKNG-1": NO_SUCH_CHOICE}
    error = applied.results["activity:BKNG-1"].error
    assert error is not None
    assert error.fields == ("hs_meeting_outcome",)
    assert "CANCELLED was not one of the allowed options" in error.message


def test_records_that_are_gone_are_said_so_and_the_rest_is_changed(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """Deleted by a human: it is looked for again."""
    there = portal.seed("contacts", email="ada@guest.example")
    applied = hub.apply([changed("Contact", "424242", company="A"), changed("Contact", there, company="B")])
    assert codes(applied) == {"change:Contact:424242": NOT_THERE}
    assert applied.results[f"change:Contact:{there}"].ok


def test_an_associated_contact_that_is_gone_costs_its_own_meeting_only(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """The batch is refused as a whole or for one: the other meetings are written."""
    there = portal.seed("contacts", email="ada@guest.example")
    applied = hub.apply([meeting("BKNG-1", contact="424242"), meeting("BKNG-2", contact=there)])
    assert codes(applied) == {"activity:BKNG-1": NOT_THERE}
    assert applied.results["activity:BKNG-2"].ok
    assert len(portal.records("meetings")) == 1


def test_a_batch_refused_as_a_whole_is_halved_to_the_guilty_one(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """HubSpot names nobody: every other record is written, and nothing twice."""
    body = {"status": "error", "message": "Something is wrong.", "category": "VALIDATION_ERROR"}
    match = {"path": "contacts/batch/create", "field": "email", "equals": "ctc-5@guest.example"}
    portal.arm("status", match, status=400, body=body, times=None)
    applied = hub.apply([person(f"CTC-{n}") for n in range(8)])
    assert codes(applied) == {"person:Contact:CTC-5": "VALIDATION_ERROR"}
    assert len(portal.records("contacts")) == 7


def test_a_refusal_that_names_nobody_is_found_by_halving(
    hub: HubSpotCrm, portal: StandinPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """207 without a trace id: the guilty one alone is refused, in HubSpot's words, and nothing is doubled."""
    request = HubSpotClient.request

    def forgetful(client: HubSpotClient, *told: Any, **more: Any) -> Answer:
        answer = request(client, *told, **more)
        for entry in answer.rows("errors"):
            dict(entry).get("context", {}).clear()
        return answer

    monkeypatch.setattr(HubSpotClient, "request", forgetful)
    people = [person(f"CTC-{n}", email="no address" if n == 5 else "") for n in range(8)]
    applied = hub.apply(people)
    assert codes(applied) == {"person:Contact:CTC-5": "INVALID_EMAIL_ADDRESS"}
    assert len(portal.records("contacts")) == 7


def test_people_join_and_leave_a_meeting(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Associations alone: no property is sent for them."""
    one, two = (portal.seed("contacts", email=f"{n}@guest.example") for n in "ab")
    made = hub.apply([meeting("BKNG-1", contact=one)]).results["activity:BKNG-1"].id
    people = Change("associations.contacts", "Contacts", [two], old=[one])
    hub.calls.clear()
    applied = hub.apply([Write("m", "b", Action.UPDATE, "Meeting", (people,), id=made)])
    assert applied.results["m"].ok
    assert not any("objects" in call.path for call in hub.calls)
    [there] = portal.records("meetings")
    assert there["associations"]["contacts"] == [two]


def test_a_failed_association_of_a_meeting_is_told(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """F23: the change is not done before its people are there; said again, it is."""
    contact = portal.seed("contacts", email="a@guest.example")
    made = hub.apply([meeting("BKNG-1")]).results["activity:BKNG-1"].id
    people = Change("associations.contact", "Contact", contact)
    write = Write("m", "b", Action.UPDATE, "Meeting", (people,), id=made)
    portal.arm("row", {"op": "associate"}, status=404, category="OBJECT_NOT_FOUND")
    assert not hub.apply([write]).results["m"].ok
    assert hub.apply([write]).results["m"].ok
    [there] = portal.records("meetings")
    assert there["associations"]["contacts"] == [contact]


def test_what_was_answered_before_the_connection_stopped_is_not_lost(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """The people are made, the limit is reached before their meetings: the error carries who was made."""
    one = person("CTC-1")
    portal.arm("limit", {"path": "meetings/batch/create"}, policy="TEN_SECONDLY_ROLLING")
    with pytest.raises(Wait) as caught:
        hub.apply([one, meeting("BKNG-1", one)])
    partial = caught.value.partial
    assert isinstance(partial, Applied)
    assert partial.results[one.ref].created


@pytest.mark.parametrize("order", [{"kind": "drop_after"}, {"kind": "status", "status": 504}])
def test_an_unknown_end_is_said_so(hub: HubSpotCrm, portal: StandinPortal, order: dict[str, object]) -> None:
    """Nobody knows whether it was written: it is looked for before it is written again."""
    portal.arm(**order, match={"path": "contacts/batch/create"})  # type: ignore[arg-type]
    with pytest.raises(Retry) as caught:
        hub.apply([person("CTC-1")])
    assert caught.value.outcome_unknown


def test_the_fence_is_asked_before_each_request_that_changes_something(hub: HubSpotCrm) -> None:
    """A worker that lost its lane stops between the people and the meetings."""
    asked: list[int] = []

    def fence() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise InstepError("Fenced.")

    one = person("CTC-1")
    with pytest.raises(InstepError, match="Fenced"):
        hub.apply([one, meeting("BKNG-1", one)], before_write=fence)
    assert len(hub.calls) == 1


def test_a_text_that_cannot_be_sent_holds_back_its_own_record(hub: HubSpotCrm) -> None:
    """Half a surrogate pair is no text of any alphabet."""
    applied = hub.apply([person("CTC-1", company="\ud800"), person("CTC-2")])
    assert codes(applied) == {"person:Contact:CTC-1": "unsendable_value"}
    assert applied.results["person:Contact:CTC-2"].ok


def test_a_right_that_lacks_stops_the_connection_with_its_scope(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """The scope is named; nothing is tried for each record of the batch."""
    portal.settings(tokenScopes=["oauth", "crm.objects.contacts.read"])
    with pytest.raises(NeedsAdmin) as caught:
        hub.apply([person("CTC-1"), person("CTC-2")])
    assert "crm.objects.contacts.write" in caught.value.cure
    assert len(hub.calls) == 1
