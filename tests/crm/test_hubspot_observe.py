"""Reading from HubSpot: by address, by our id, by record id and what it was merged into; owners; who we are."""

from __future__ import annotations

import pytest

from hubspot_portal import START, StandinPortal, meeting, person
from instep.core.errors import Retry
from instep.core.lookup import Lookup, ObjectLookup
from instep.crm.hubspot import HubSpotCrm, client

SELECT = ("email", "contact.name", "hs_additional_emails", "company", "lastmodifieddate")


def contacts(**keys: tuple[str, ...]) -> Lookup:
    return Lookup((ObjectLookup("Contact", SELECT, keys),))


def test_people_are_read_by_address_in_one_call(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """A hundred to a call, those that are not there left out; what search does not know yet is found."""
    portal.settings(searchLag=3600)
    hub.apply([person(f"CTC-{n}") for n in range(3)])
    hub.calls.clear()
    asked = tuple(f"ctc-{n}@guest.example" for n in range(120))
    found = hub.observe(contacts(email=asked))
    assert len(hub.calls) == 2
    assert sorted(str(r.get("email")) for r in found.records) == [f"ctc-{n}@guest.example" for n in range(3)]
    assert {r.get("contact.name") for r in found.records} == {"CTC-0", "CTC-1", "CTC-2"}
    assert all(r.get("company") is None for r in found.records)


def test_one_address_that_cannot_be_one_spoils_nobodys_look_up(hub: HubSpotCrm) -> None:
    """Whoever typed it is not there; the others are found."""
    hub.apply([person("CTC-1")])
    found = hub.observe(contacts(email=("ctc-1@guest.example", "not an address")))
    assert len(found.records) == 1


def test_a_look_up_that_failed_is_never_an_empty_answer(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Trouble inside, also that of a single row."""
    portal.arm("status", {"op": "read", "object": "contacts"}, status=500)
    with pytest.raises(Retry):
        hub.observe(contacts(email=("a@guest.example",)))


@pytest.mark.parametrize("keeps", [False, True])
def test_a_merged_contact_leads_to_what_it_became(
    hub: HubSpotCrm, portal: StandinPortal, keeps: bool
) -> None:
    """Asked by its old id, whichever of the two it was."""
    old, other = (portal.seed("contacts", email=f"{n}@guest.example") for n in "ab")
    portal.settings(mergeKeepsId=keeps)
    hub.client.request(
        "POST",
        "/crm/objects/{V}/contacts/merge",
        json={"primaryObjectId": other, "objectIdToMerge": old},
    )
    found = hub.observe(contacts(Id=(old, other)))
    [now] = [record for record in found.records if not record.deleted]
    left = [record for record in found.records if record.deleted]
    assert {record.id for record in left} == {old, other} - {now.id}
    assert all(record.followed["merged"].id == now.id for record in left)


def test_a_deleted_contact_is_not_there(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Neither by its id nor by its address."""
    gone = portal.seed("contacts", email="a@guest.example")
    portal.admin("DELETE", "records", {"object": "contacts", "id": gone})
    assert hub.observe(contacts(Id=(gone,), email=("a@guest.example",))).records == ()


def test_a_phone_number_is_searched_for(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Both properties in one search."""
    portal.settings(searchLag=0)
    one = portal.seed("contacts", phone="+351912345678")
    two = portal.seed("contacts", mobilephone="+351912345678")
    numbers = ("+351912345678", "00351912345678")
    found = hub.observe(contacts(phone=numbers, mobilephone=numbers))
    assert {record.id for record in found.records} == {one, two}
    assert len(hub.calls) == 1


def test_many_phone_numbers_keep_to_the_limit_of_searches(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Forty to a search, five searches a second."""
    portal.settings(searchLag=0)
    there = portal.seed("contacts", phone="+351900000399")
    numbers = tuple(f"+351900000{n:03d}" for n in range(400))
    found = hub.observe(contacts(phone=numbers))
    assert [record.id for record in found.records] == [there]
    assert len(hub.calls) == 10


def test_meetings_without_our_id_are_found_by_their_start_among_those_of_a_contact(
    hub: HubSpotCrm, portal: StandinPortal
) -> None:
    """By associations, which are never behind; another contact's meeting at the same time is not read."""
    portal.settings(searchLag=3600)
    ada, bo = (portal.seed("contacts", email=f"{n}@guest.example") for n in ("ada", "bo"))
    made = hub.apply([meeting("BKNG-1", contact=ada), meeting("BKNG-2", contact=bo)]).results
    people = ObjectLookup("Contact", SELECT, {"email": ("ada@guest.example",)})
    starts = ObjectLookup("Meeting", ("hs_meeting_title",), moments={"hs_meeting_start_time": (START,)})
    found = hub.observe(Lookup((people, starts)))
    [record] = found.of("Meeting")
    assert record.id == made["activity:BKNG-1"].id
    assert record.get("associations.contact") == ada
    elsewhere = ObjectLookup("Meeting", (), moments={"hs_meeting_start_time": ("2026-12-02T10:00:00.000Z",)})
    assert hub.observe(Lookup((people, elsewhere))).of("Meeting") == ()


def test_a_meeting_that_belongs_to_nobody_says_so(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """Whom of several a meeting is about is not told: one that has contacts says nothing of them."""
    ada = portal.seed("contacts", email="ada@guest.example")
    made = hub.apply([meeting("BKNG-1", contact=ada), meeting("BKNG-2")]).results
    keys = {"instep_booking_id": ("BKNG-1", "BKNG-2", "BKNG-3")}
    asked = Lookup((ObjectLookup("Meeting", ("hs_meeting_title", "associations.contact"), keys),))
    hub.calls.clear()
    said = {record.id: record.fields for record in hub.observe(asked).records}
    assert len(hub.calls) == 2
    assert "associations.contact" not in said[made["activity:BKNG-1"].id]
    assert said[made["activity:BKNG-2"].id]["associations.contact"] is None
    hub.calls.clear()
    nobody = Lookup((ObjectLookup("Meeting", ("associations.contact",), {"instep_booking_id": ("BKNG-9",)}),))
    assert hub.observe(nobody).records == ()
    assert len(hub.calls) == 1, "of what is not there nothing more is asked"


def test_owners_are_people_by_their_address(hub: HubSpotCrm) -> None:
    """The archived ones too, so that the reason can be told; a few cost a call each, many the list."""
    active = {user.email: user for user in hub.users() if user.active}
    assert active["greta.lindqvist@host.example"].id == "61230002"
    [former] = hub.users(["former.colleague@host.example"])
    assert not former.active
    hub.calls.clear()
    many = [f"nobody{n}@host.example" for n in range(40)]
    [found] = hub.users([*many, "Greta.Lindqvist@host.example"])
    assert found.id == "61230002"
    assert len(hub.calls) == 2
    assert hub.users(["stranger@host.example"]) == ()


def test_limits_are_read_from_the_headers(hub: HubSpotCrm, portal: StandinPortal) -> None:
    """The day's calls, as HubSpot tells them with a static token."""
    portal.settings(daily=1000, dailyUsed=500)
    hub.users()
    assert hub.limits.allowed == 1000
    assert hub.limits.used == 501


def test_a_burst_never_reaches_its_limit(
    hub: HubSpotCrm, portal: StandinPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near the limit we go slower than it allows, so that other apps have room too."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        portal.settings(clock=sum(slept))

    monkeypatch.setattr(client.time, "sleep", sleep)
    portal.settings(burst=40)
    for _ in range(100):
        hub.users()
    assert {call.status for call in hub.calls} == {200}
    assert slept


def test_who_we_are(hub: HubSpotCrm) -> None:
    """The account, and its pages' addresses."""
    identity = hub.whoami()
    assert identity.org_id == "148206511"
    assert hub.record_url("Contact", "501").endswith("/contacts/148206511/record/0-1/501")
    assert hub.record_url("Contact", "501").startswith("https://app")
