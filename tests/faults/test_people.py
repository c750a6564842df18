"""Who is who: several matches, converted Leads, records made seconds ago, one person in many bookings."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from faults.lives import AMARA, DAY, GRETA, Life, guest, lives, scheduled
from faults.oracle import CONNECTED, Person
from faults.scene import Scene
from instep.engine import drain
from instep.store import item_queries

ADA = {"FirstName": "Ada", "LastName": "Aalto", "Email": "ada.aalto@guest.example"}


def ada(booking_id: str = "BKNG-1", **more: Any) -> Life:
    return Life(booking_id, person=guest("Ada Aalto"), **more)


def modified(days_ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


# --- F14, F15: several records, several people ----------------------------------------------------


@pytest.mark.fault("F14")
def test_F14_two_records_for_one_address(scene: Scene) -> None:
    """Two Leads share the address: the one modified last is used, the receipt names the other."""
    old = scene.fake.seed("Lead", **ADA, Company="Old Oy", LastModifiedDate=modified(20))
    new = scene.fake.seed("Lead", **ADA, Company="New Oy", LastModifiedDate=modified(3))
    kept = {"Lead": [row for row in scene.fake.crm()["Lead"] if row["Company"] == "Old Oy"]}
    life = ada()
    scene.tell(life.scheduled())
    scene.until_settled()
    scene.assert_in_step(Person("Lead", {**ADA, "Company": "New Oy"}), kept=kept)
    assert scene.fake.records()["Event"][0]["WhoId"] == new
    candidates = scene.receipts(life)[0]["document"]["match"]["candidates"]
    assert {c["id"]: c["chosen"] for c in candidates} == {old: False, new: True}
    assert all(c["reason"] for c in candidates)


@pytest.mark.fault("F14")
def test_F14_a_lead_and_a_contact(scene: Scene) -> None:
    """A Lead and a Contact share the address: the configured object is used, however old it is."""
    scene.fake.seed("Contact", **ADA, LastModifiedDate=modified(1))
    scene.fake.seed("Lead", **ADA, Company="Aalto Oy", LastModifiedDate=modified(30))
    kept = {"Contact": scene.fake.crm()["Contact"]}
    scene.tell(ada().scheduled())
    scene.until_settled()
    scene.assert_in_step(Person("Lead", {**ADA, "Company": "Aalto Oy"}), kept=kept)


@pytest.mark.fault("F15")
def test_F15_each_person_of_a_batch_is_resolved_alone(scene: Scene) -> None:
    """One guest with two records and one with none in a batch: one is found, the other made."""
    scene.fake.seed("Lead", **ADA, Company="Old Oy", LastModifiedDate=modified(9))
    kept = {"Lead": scene.fake.crm()["Lead"]}
    scene.fake.seed("Lead", **ADA, Company="New Oy", LastModifiedDate=modified(2))
    scene.tell(ada().scheduled(), Life("BKNG-2", person=guest("Bo Berg")).scheduled())
    scene.until_settled()
    scene.assert_in_step(Person("Lead", {**ADA, "Company": "New Oy"}), kept=kept)


# --- F16, F17: what became of a record, what has just been made -----------------------------------


def convert(scene: Scene, lead_id: str) -> None:
    scene.fake.order("POST", "convert-lead", {"leadId": lead_id})


def converted_person(scene: Scene, **fields: Any) -> Person:
    """The Contact that the only converted Lead has become, as it must be found."""
    made = scene.fake.crm()["Contact"][0]
    return Person("Contact", {k: v for k, v in made.items() if k != "Name"} | fields)


@pytest.mark.fault("F16")
def test_F16_a_converted_lead_at_the_first_match(scene: Scene) -> None:
    """Only a converted Lead has the address: its Contact is used, the Lead is left alone."""
    convert(scene, scene.fake.seed("Lead", **ADA, Company="Aalto Oy"))
    # the address went to the Contact, whose own one was changed later: only the Lead leads there
    contact = scene.fake.records()["Contact"][0]
    before = scene.fake.crm()
    scene.tell(ada().scheduled())
    scene.until_settled()
    kept = {"Lead": before["Lead"], "Account": before["Account"]}
    scene.assert_in_step(converted_person(scene), kept=kept)
    assert scene.fake.records()["Event"][0]["WhoId"] == contact["Id"]
    assert not refused(scene, "CANNOT_UPDATE_CONVERTED_LEAD")


@pytest.mark.fault("F16")
def test_F16_the_contact_has_another_address_now(scene: Scene) -> None:
    """The address stands on the converted Lead only: the Contact behind it is used, its address stays."""
    convert(scene, scene.fake.seed("Lead", **ADA, Company="Aalto Oy"))
    contact = scene.fake.records()["Contact"][0]
    scene.fake.edit("Contact", contact["Id"], Email="ada@private.example")
    before = scene.fake.crm()
    scene.tell(ada().scheduled())
    scene.until_settled()
    after = scene.fake.crm()
    assert scene.fake.records()["Event"][0]["WhoId"] == contact["Id"]
    assert (after["Lead"], after["Account"]) == (before["Lead"], before["Account"])
    assert [row["Email"] for row in after["Contact"]] == ["ada@private.example"]
    assert not refused(scene, "CANNOT_UPDATE_CONVERTED_LEAD")


@pytest.mark.fault("F16")
@pytest.mark.parametrize("step", ["rescheduled", "canceled", "new phone"])
def test_F16_a_lead_converted_after_it_was_linked(scene: Scene, step: str) -> None:
    """A linked Lead is converted: the next change goes to its Contact, by whatever way it is written."""
    life = ada()
    scene.tell(life.scheduled())
    scene.until_settled()
    convert(scene, scene.fake.records()["Lead"][0]["Id"])
    before = scene.fake.crm()
    if step == "new phone":
        life.person["phone"] = "+4531999999"
        scene.tell(life.step("reassigned", "scheduled"))
    else:
        scene.tell(
            life.rescheduled(DAY + timedelta(days=1), "Sooner")
            if step == "rescheduled"
            else life.canceled("Ill")
        )
    scene.until_settled()
    kept = {"Lead": before["Lead"], "Account": before["Account"]}
    phone = {"Phone": "+4531999999"} if step == "new phone" else {}
    scene.assert_in_step(converted_person(scene, **phone), kept=kept)
    assert not refused(scene, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert scene.problems() == []


def refused(scene: Scene, code: str) -> bool:
    """Whether any receipt tells of this refusal."""
    documents = scene.rows("SELECT document::text FROM receipt WHERE account_id = %s", scene.account_id)
    return any(code in text for (text,) in documents)


@pytest.mark.fault("F16")
def test_F16_a_conversion_seen_beside_a_write_is_followed_at_once(scene: Scene) -> None:
    """The one-call write's own read shows it: no further change of the booking is needed."""
    life = ada()
    scene.tell(life.scheduled())
    scene.until_settled()
    convert(scene, scene.fake.records()["Lead"][0]["Id"])
    contact = scene.fake.records()["Contact"][0]["Id"]
    scene.fake.edit("Contact", contact, LastName="Aalto-Ruiz")
    scene.tell(life.canceled("Ill"))
    scene.drain()
    assert linked(scene, life) == ("Contact", contact)
    assert scene.pending() == 0
    scene.fake.order("POST", "journal/clear")
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Back again"))
    scene.until_settled()
    assert scene.fake.calls() == 1, "what it was converted to is known by now"


def linked(scene: Scene, life: Life) -> tuple[str, str]:
    """Object and id of the record that a booking is linked to."""
    (row,) = scene.rows(
        """SELECT i.link ->> 'person_object', i.link ->> 'person_id' FROM sync_item i
             JOIN booking b ON b.id = i.target_id AND i.kind = 'booking' WHERE b.source_id = %s""",
        life.id,
    )
    return row[0], row[1]


@pytest.mark.parametrize("purged", [False, True], ids=["in the recycle bin", "gone for good"])
@pytest.mark.parametrize("other", [False, True], ids=["nobody else", "another record"])
def test_a_person_that_a_human_deleted_is_looked_for_again_at_once(
    scene: Scene, other: bool, purged: bool
) -> None:
    """The one-call write's own read shows it: matched afresh in the same drain, the Event moves along."""
    life = ada()
    scene.tell(life.scheduled())
    scene.until_settled()
    (lead,) = scene.fake.records()["Lead"]
    scene.fake.delete("Lead", lead["Id"])
    if purged:
        scene.fake.running.org.tables.remove("Lead", lead["Id"])
    found = scene.fake.seed("Contact", **ADA) if other else ""
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"))
    scene.drain()
    assert scene.pending() == 0
    assert scene.problems() == []
    people = [r for name in ("Lead", "Contact") for r in scene.fake.records()[name] if not r.get("IsDeleted")]
    (now,) = people
    assert now["Id"] == found if other else now["Id"] != lead["Id"]
    (event,) = scene.fake.records()["Event"]
    assert event["WhoId"] == now["Id"]
    assert linked(scene, life)[1] == now["Id"]
    # the receipt of the call that noticed it claims nothing of the record, and says what comes next
    noticed = scene.receipts(life)[1]["document"]
    assert f"Lead {lead['Id']} is gone from the CRM: it is looked for again" in noticed["notes"]
    assert [w["object"] for w in noticed["writes"]] == ["Event"]
    nothing_more_to_do(scene)


@pytest.mark.fault("F17")
def test_F17_a_record_made_seconds_ago(scene: Scene) -> None:
    """A web form made the Lead between the booking and the sync: it is found, for it is queried, not searched."""
    scene.tell(ada().scheduled())
    scene.fake.seed("Lead", **ADA, Company="Aalto Oy", LeadSource="Web")
    scene.until_settled()
    scene.assert_in_step(Person("Lead", {**ADA, "Company": "Aalto Oy", "LeadSource": "Web"}))
    assert not any("search" in call["path"].lower() for call in scene.fake.journal())


# --- F22: hosts without a user --------------------------------------------------------------------


@pytest.mark.fault("F22")
def test_F22_a_host_without_a_user(scene: Scene) -> None:
    """The host has no user in the CRM: the connected user owns what is made, and the receipt says so."""
    stranger = ada(host="sam.stranger@host.example")
    former = Life("BKNG-2", person=guest("Bo Berg"), host="former.colleague@host.example")
    scene.tell(stranger.scheduled(), former.scheduled())
    scene.until_settled()
    scene.assert_in_step()
    assert {row["OwnerId"] for row in scene.fake.crm()["Event"]} == {CONNECTED}
    for life in (stranger, former):
        notes = " ".join(scene.receipts(life)[0]["document"]["notes"])
        assert "Event owner" in notes
        assert "Lead owner" in notes
        assert "the connected user owns it" in notes


@pytest.mark.fault("F22")
def test_F22_after_a_reassignment_the_owner_stays(scene: Scene) -> None:
    """Reassigned to a host without a user: the last owner stays, without the word Reassigned."""
    life, other = ada(), Life("BKNG-2", person=guest("Bo Berg"))
    scene.tell(life.scheduled(), other.scheduled())
    scene.until_settled()
    scene.tell(life.reassigned("sam.stranger@host.example"), other.reassigned(AMARA))
    scene.until_settled()
    scene.fake.records()
    people = {"Ada Aalto": GRETA, "Bo Berg": GRETA}
    crm = scene.fake.crm()
    assert {row["Name"]: row["OwnerId"] for row in crm["Lead"]} == people, "persons keep their owner"
    events = {row["Instep_Booking_Id__c"]: row for row in crm["Event"]}
    assert (events["BKNG-1"]["OwnerId"], events["BKNG-1"]["Instep_Event_Status__c"]) == (GRETA, "Scheduled")
    assert (events["BKNG-2"]["OwnerId"], events["BKNG-2"]["Instep_Event_Status__c"]) == (
        AMARA,
        "Scheduled (Reassigned by User)",
    )
    assert "the owner stays" in " ".join(scene.receipts(life)[0]["document"]["notes"])


# --- F28: what comes in -----------------------------------------------------------------------------


@pytest.mark.fault("F28")
@pytest.mark.parametrize("seed", range(3))
def test_F28_three_times_out_of_order_a_day_late(scene: Scene, seed: int) -> None:
    """Events come three times, in any order, some after the sync: one Event per booking, in the right state."""
    moved, canceled, ended = lives(3)
    events = [
        *scheduled([moved, canceled, ended]),
        moved.rescheduled(DAY + timedelta(days=1), "Sooner"),
        moved.rescheduled(DAY + timedelta(days=2)),
        canceled.rescheduled(DAY + timedelta(days=1), "Later"),
        canceled.canceled("Ill"),
        ended.completed(),
    ] * 3
    random.Random(seed).shuffle(events)
    for event in events[:12]:
        scene.tell(event)
        scene.drain()
    scene.tell(*events[12:])  # "a day late": long after all else was written
    scene.until_settled()
    scene.assert_in_step()


# --- F31: one person, one write ---------------------------------------------------------------------


@pytest.mark.fault("F31")
@pytest.mark.parametrize("apart", [False, True], ids=["one delivery", "two deliveries"])
def test_F31_the_same_new_person_books_twice(scene: Scene, apart: bool) -> None:
    """The same new person books twice in one batch: one record, the newest booking's values, then nothing to do."""
    first, second = ada("BKNG-1"), ada("BKNG-2", start=DAY + timedelta(days=1))
    second.person = {**second.person, "company": "Newer Oy", "phone": "+4531555555"}
    events = [first.scheduled(), second.scheduled()]
    scene.tell_each(events) if apart else scene.tell(*events)
    scene.until_settled()
    scene.assert_in_step()
    assert [row["Company"] for row in scene.fake.crm()["Lead"]] == [newest_company(first, second)]
    nothing_more_to_do(scene)


def newest_company(*those: Life) -> str:
    """The company that the booking told last names."""
    told = [json.loads(life.told[-1])["data"] for life in those]
    return str(max(told, key=lambda d: str(d["last_updated_time"]))["form_submission"]["company"])


def nothing_more_to_do(scene: Scene) -> None:
    """Everything compared once more: nothing is written."""
    before = scene.lane()["writes_total"]
    item_queries.mark_in_lane(scene.account_id, scene.connection_id)
    scene.rows(
        "UPDATE sync_item SET observe_first = true WHERE connection_id = %s RETURNING id", scene.connection_id
    )
    scene.until_settled()
    assert scene.lane()["writes_total"] == before


@pytest.mark.fault("F31")
def test_F31_a_contact_and_its_booking_change_in_one_batch(scene: Scene) -> None:
    """A person's new phone number, a moved and a new booking in one batch: one write of the person."""
    first = ada("BKNG-1")
    scene.tell(first.scheduled())
    scene.until_settled()
    scene.fake.order("POST", "journal/clear")
    first.person = {**first.person, "mobile_phone": "+4531777777"}
    second = ada("BKNG-2", start=DAY + timedelta(days=2))
    second.person = first.person
    scene.tell(second.scheduled(), first.rescheduled(DAY + timedelta(days=1), "Sooner"))
    scene.until_settled()
    scene.assert_in_step()
    written = [part for call in scene.fake.journal() for part in call["summary"] if "Lead" in part]
    assert sum("update" in part for part in written) <= 1
    nothing_more_to_do(scene)


@pytest.mark.fault("F31")
def test_F31_many_people_with_several_bookings(scene: Scene) -> None:
    """Fifty bookings of ten people, several batches in flight: ten records, fifty Events."""
    scene.configure(batches_in_flight=3)
    scene.rows("UPDATE connection SET batch_size = 10 WHERE id = %s RETURNING id", scene.connection_id)
    people = [life.person for life in lives(10)]
    these = [Life(f"BKNG-{n:02d}", person=people[n % 10], start=DAY + timedelta(hours=n)) for n in range(50)]
    scene.tell(*scheduled(these))
    scene.until_settled()
    scene.assert_in_step()
    nothing_more_to_do(scene)


@pytest.mark.fault("F31")
def test_F31_can_fail(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector that keeps a person for each booking doubles the person, and the comparison says so."""
    load = drain.load

    def by_booking(*arguments: Any) -> Any:
        loaded = load(*arguments)
        loaded.works = [evolve(w, contact=evolve(w.contact, id=f"CTC-{w.item}")) for w in loaded.works]
        return loaded

    monkeypatch.setattr(drain, "load", by_booking)
    scene.tell(ada("BKNG-1").scheduled(), ada("BKNG-2").scheduled())
    scene.drain()
    assert len(scene.fake.crm()["Lead"]) == 2
    with pytest.raises(AssertionError):
        scene.assert_in_step()
