"""HubSpot: a booking's whole life, its price in calls, and who is found; the whole portal is compared each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from faults.lives import AMARA, DAY, Life, guest, lives, scheduled
from faults.oracle import Person
from faults.portal import differences, expected
from faults.scene import Scene
from instep.bookings import contacts
from instep.core.creation import Guests
from instep.core.mapping import Row
from instep.engine.lane import load_config
from instep.engine.preview import plan_booking

ADA = {
    "firstname": "Ada",
    "lastname": "Aalto",
    "email": "ada.aalto@guest.example",
    "lifecyclestage": "customer",
}


def told(scene: Scene, *events: bytes) -> int:
    """Hand over events and bring the portal in step; what it cost in calls."""
    before = scene.fake.calls()
    scene.tell(*events)
    scene.until_settled()
    cost = scene.fake.calls() - before
    scene.assert_in_step()
    return cost


def mapped(scene: Scene, object_name: str, *rows: Row) -> None:
    """More rows in the mapping of an object."""
    known = load_config(scene.lane()).rows
    scene.configure(rows={**known, object_name: (*known[object_name], *rows)})


# --- the price of a life ---------------------------------------------------------------------------


def test_a_life_is_one_meeting_and_each_change_one_call(hub: Scene) -> None:
    """All six states and a reassignment: updated in place, two or three calls to begin with, then one each."""
    [life] = lives(1)
    assert told(hub, life.scheduled()) in (2, 3)
    first = hub.fake.meeting(life.id)["id"]
    for event in (
        life.rescheduled(DAY + timedelta(days=1), "Train strike"),
        life.reassigned(AMARA),
        life.no_show(),
        life.completed(),
        life.canceled("Never mind"),
        life.rescheduled(DAY + timedelta(days=2)),
    ):
        assert told(hub, event) == 1
    assert hub.fake.meeting(life.id)["id"] == first
    assert hub.lane()["writes_total"] == 8, "the contact once, the meeting seven times"


def test_a_plan_says_what_it_will_cost(hub: Scene) -> None:
    """Three calls for a new booking, one for a change, none where nothing is to be said."""
    [life] = lives(1)

    def planned() -> int:
        [(key,)] = hub.rows("SELECT id FROM booking")
        return int(plan_booking(hub.account_id, key)["cost"]["calls"])

    for event, calls in ((life.scheduled(), 3), (life.canceled("Ill"), 1)):
        hub.tell(event)
        assert planned() == calls
        hub.until_settled()
        assert planned() == 0


def test_a_known_contact_costs_two_calls_and_nothing_said_anew_none(hub: Scene) -> None:
    """Nothing to fill: one look and the meeting. The same told again costs no write."""
    [life] = lives(1)
    told(hub, life.scheduled())
    again = Life("BKNG-AGAIN", person=life.person, host=life.host)
    assert told(hub, again.scheduled()) == 2
    writes = hub.lane()["writes_total"]
    again.data = {"custom_fields": []}
    told(hub, again.step("scheduled", "scheduled"))
    assert hub.lane()["writes_total"] == writes


def test_a_burst_costs_three_calls_for_each_hundred(hub: Scene) -> None:
    """A look, the people and their meetings."""
    hub.fake.settings(burst=10_000)
    assert told(hub, *scheduled(lives(300))) == 9


def test_a_burst_of_changes_costs_one_call_for_each_hundred(hub: Scene) -> None:
    """Nothing is read where what we remember suffices."""
    these = lives(100)
    told(hub, *scheduled(these))
    assert told(hub, *(life.canceled("Storm") for life in these)) == 1


# --- who is found ----------------------------------------------------------------------------------


@pytest.mark.fault("F17")
def test_F17_a_contact_made_seconds_ago_is_found_although_no_search_knows_it(hub: Scene) -> None:
    """HubSpot: reads by the address are never behind, whatever its search index says."""
    hub.fake.settings(searchLag=3600)
    hub.fake.api("POST", "/crm/objects/2026-09/contacts", {"properties": ADA})
    hub.tell(Life("BKNG-1", person=guest("Ada Aalto")).scheduled())
    hub.until_settled()
    hub.assert_in_step(Person("Contact", ADA))


def test_a_second_address_leads_to_its_contact(hub: Scene) -> None:
    """Whoever has the address among others is the person; the first address stays."""
    first = {**ADA, "email": "ada@home.example"}
    hub.fake.seed("contacts", **first, hs_additional_emails=ADA["email"])
    hub.tell(Life("BKNG-1", person=guest("Ada Aalto")).scheduled())
    hub.until_settled()
    [contact] = hub.fake.records()["contacts"]
    assert contact["properties"]["email"] == "ada@home.example"
    assert hub.fake.meeting("BKNG-1")["associations"]["contacts"] == [contact["id"]]
    assert not hub.problems()


@pytest.mark.parametrize("keeps_id", [False, True], ids=["new id", "primary id kept"])
def test_merged_contacts_are_followed(hub: Scene, keeps_id: bool) -> None:
    """Merged away or into: the booking's next change and a new person's data reach what is there now."""
    [life] = lives(1)
    told(hub, life.scheduled())
    [ours] = hub.fake.records()["contacts"]
    other = hub.fake.seed("contacts", email="other@guest.example", firstname="Other")
    hub.fake.settings(mergeKeepsId=keeps_id)
    hub.fake.api(
        "POST",
        "/crm/objects/2026-09/contacts/merge",
        {"primaryObjectId": other, "objectIdToMerge": ours["id"]},
    )
    hub.rows("UPDATE sync_item SET observe_first = true RETURNING id")
    hub.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"))
    hub.until_settled()
    [contact] = hub.fake.records()["contacts"]
    meeting = hub.fake.meeting(life.id)
    assert meeting["associations"]["contacts"] == [contact["id"]]
    assert meeting["properties"]["hs_meeting_outcome"] == "RESCHEDULED"
    assert not hub.problems()
    again = Life("BKNG-AGAIN", person=life.person, host=life.host)
    hub.tell(again.scheduled())
    hub.until_settled()
    assert len(hub.fake.records()["contacts"]) == 1


def test_a_lifecycle_stage_is_never_lowered(hub: Scene) -> None:
    """A customer stays one although the mapping says lead and overwrites."""
    mapped(hub, "Contact", Row("static:lead", "lifecyclestage", overwrite=True))
    hub.fake.seed("contacts", **ADA)
    hub.tell(Life("BKNG-1", person=guest("Ada Aalto")).scheduled(), *scheduled(lives(1)))
    hub.until_settled()
    hub.assert_in_step(Person("Contact", ADA))


def test_who_gives_only_a_phone_number_is_made_once(hub: Scene) -> None:
    """A search is a hint; made by our id, found again by it although the index does not know them yet."""
    hub.fake.settings(searchLag=3600)
    caller = guest("Lena Phone", email="", phone="+351912345678")
    first, second = (Life(f"BKNG-{n}", person=caller) for n in (1, 2))
    hub.fake.arm("drop_after", {"path": "contacts/batch/create"})
    for life in (first, second):
        hub.tell(life.scheduled())
        hub.until_settled()
    people = hub.fake.records()["contacts"]
    keys = [row["properties"]["instep_contact_id"] for row in people]
    assert len(keys) == len(set(keys))
    assert hub.fake.meeting("BKNG-1")["associations"]["contacts"]


def test_whoever_has_the_phone_number_is_the_person(hub: Scene) -> None:
    """No address: the contact that the search knows by the number is used."""
    there = hub.fake.seed("contacts", firstname="Lena", lastname="Phone", phone="+351912345678")
    hub.fake.settings(searchLag=0)
    hub.tell(Life("BKNG-1", person=guest("Lena Phone", email="", phone="+351912345678")).scheduled())
    hub.until_settled()
    assert hub.fake.meeting("BKNG-1")["associations"]["contacts"] == [there]


@pytest.mark.parametrize("guests", [[], ["bo@guest.example"]], ids=["alone", "with a guest"])
def test_an_association_that_was_lost_without_a_word_is_put_right_when_the_meeting_is_read(
    hub: Scene, guests: list[str]
) -> None:
    """The receipt says so; a meeting that still has its contact costs no write."""
    hub.fake.seed("contacts", email="bo@guest.example", firstname="Bo")
    one, other = lives(2)
    one.person = {**one.person, "guests": guests}
    hub.tell(one.scheduled(), other.scheduled())
    hub.until_settled()
    there = hub.fake.meeting(one.id)
    for contact in there["associations"]["contacts"]:
        path = f"/crm/v4/objects/meetings/{there['id']}/associations/contacts/{contact}"
        hub.fake.api("DELETE", path)
    assert not hub.fake.meeting(one.id)["associations"].get("contacts")
    hub.rows("UPDATE sync_item SET due_at = now(), observe_first = true RETURNING id")
    hub.until_settled()
    assert sorted(hub.fake.meeting(one.id)["associations"]["contacts"]) == sorted(
        there["associations"]["contacts"]
    )
    assert "whom the record has lost" in hub.receipt_text(one)
    assert hub.problems() == []
    made = len([call for call in hub.fake.journal() if call["path"].endswith("associate/default")])
    hub.rows("UPDATE sync_item SET due_at = now(), observe_first = true RETURNING id")
    hub.until_settled()
    again = len([call for call in hub.fake.journal() if call["path"].endswith("associate/default")])
    assert made == again, "what is in step is not written"


# --- further people --------------------------------------------------------------------------------


def test_guests_whom_the_portal_knows_are_associated_and_parted(hub: Scene) -> None:
    """Named in the body; those with a contact of their own are on its timeline too, until they are not named."""
    bo = hub.fake.seed("contacts", email="bo@guest.example", firstname="Bo")
    [life] = lives(1)
    life.person = {**life.person, "guests": ["bo@guest.example", "nobody@guest.example"]}
    hub.tell(life.scheduled())
    hub.until_settled()
    there = hub.fake.meeting(life.id)
    assert bo in there["associations"]["contacts"]
    assert len(there["associations"]["contacts"]) == 2
    assert there["properties"]["hs_meeting_body"].endswith("Guests: bo@guest.example, nobody@guest.example")
    life.person = {**life.person, "guests": []}
    hub.tell(life.rescheduled(DAY + timedelta(days=1)))
    hub.until_settled()
    assert bo not in hub.fake.meeting(life.id)["associations"]["contacts"]


def test_records_are_made_for_guests_nobody_knows_where_an_admin_chose_that(hub: Scene) -> None:
    """One contact for each address, on the meeting's timeline; named again, the same one."""
    hub.configure(guests=Guests.RECORDS)
    bo = hub.fake.seed("contacts", email="bo@guest.example", firstname="Bo")
    one, other = lives(2)
    one.person = {**one.person, "guests": ["bo@guest.example", "new@guest.example"]}
    other.person = {**other.person, "guests": ["New@guest.example"]}
    hub.tell(one.scheduled())
    hub.until_settled()
    hub.tell(other.scheduled())
    hub.until_settled()
    found = [c for c in hub.fake.records()["contacts"] if c["properties"]["email"] == "new@guest.example"]
    assert len(found) == 1
    assert {bo, found[0]["id"]} <= set(hub.fake.meeting(one.id)["associations"]["contacts"])
    assert found[0]["id"] in hub.fake.meeting(other.id)["associations"]["contacts"]
    assert hub.problems() == []


# --- by hand ---------------------------------------------------------------------------------------


@pytest.mark.fault("F12")
@pytest.mark.parametrize("policy", ["recreate", "leave"])
def test_F12_the_meeting_was_deleted_by_a_human(hub: Scene, policy: str) -> None:
    """HubSpot: made again or left, by policy; said in the receipt."""
    hub.configure(deleted_event=policy)
    life, other = lives(2)
    told(hub, life.scheduled(), other.scheduled())
    hub.fake.delete("meetings", hub.fake.meeting(life.id)["id"])
    for event in (life.rescheduled(DAY + timedelta(days=1), "Sooner"), life.canceled("Ill")):
        hub.tell(event)
        hub.until_settled()
        want = expected(hub.told)
        if policy == "leave":
            want["meetings"] = [r for r in want["meetings"] if r["instep_booking_id"] != life.id]
        assert differences(hub.fake.crm(), want) == []
    assert ("is left so" if policy == "leave" else "it is made again") in hub.receipt_text(life)


@pytest.mark.fault("F24")
def test_F24_a_no_show_by_mistake(hub: Scene) -> None:
    """HubSpot: marked as no-show and taken back, the outcome says again what is true."""
    [life] = lives(1)
    for event in (life.scheduled(), life.no_show(), life.completed()):
        told(hub, event)


@pytest.mark.fault("F19")
def test_F19_a_corrected_address_reaches_the_contact(hub: Scene) -> None:
    """HubSpot: an address that is corrected here replaces the old one; one in use elsewhere is left out alone."""
    life, other = lives(2)
    told(hub, life.scheduled(), other.scheduled())
    found: Any = hub.rows("SELECT public_id, email FROM contact ORDER BY id")
    (one, _), (_, taken) = found
    contacts.edit(hub.account_id, one, {"email": "corrected@guest.example"}, datetime.now(UTC))
    hub.until_settled()
    there = {row["properties"]["email"] for row in hub.fake.records()["contacts"]}
    assert there == {"corrected@guest.example", taken}


@pytest.mark.fault("F22")
def test_F22_the_host_is_no_owner(hub: Scene) -> None:
    """HubSpot: nobody owns the meeting of a host whom the portal does not know; the receipt says so."""
    life = Life("BKNG-1", person=guest("Ada Aalto"), host="stranger@host.example")
    told(hub, life.scheduled())
    assert "no active owner in HubSpot" in hub.receipt_text(life)
    told(hub, life.reassigned(AMARA))
    life.host = "stranger@host.example"
    told(hub, life.reassigned("stranger@host.example"))


def test_rows_of_contacts_fill_and_overwrite_as_their_switch_says(hub: Scene) -> None:
    """Off: what is there stays. On: what the guest says now."""
    hub.fake.seed("contacts", **{**ADA, "company": "Old Ltd", "phone": ""})
    life = Life("BKNG-1", person=guest("Ada Aalto", company="New Ltd", phone="+4531000001"))
    hub.tell(life.scheduled())
    hub.until_settled()
    [row] = hub.fake.crm()["contacts"]
    assert (row["company"], row["phone"]) == ("Old Ltd", "+4531000001")
    rows = load_config(hub.lane()).rows
    on = tuple(evolve(r, overwrite=r.field == "company") for r in rows["Contact"])
    hub.configure(rows={**rows, "Contact": on})
    again = Life("BKNG-2", person={**life.person, "company": "Newest Ltd"})
    hub.tell(again.scheduled())
    hub.until_settled()
    [row] = hub.fake.crm()["contacts"]
    assert row["company"] == "Newest Ltd"
