"""HubSpot under the faults of the matrix: nothing lost, nothing doubled, nothing stale in the whole portal."""

from __future__ import annotations

import html
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from faults.houses import House, kill, pause, wake
from faults.lives import DAY, Life, guest, lives, scheduled
from faults.oracle import Person
from faults.portal import differences, expected
from faults.scene import Scene, eventually
from instep.core.changes import Action
from instep.core.mapping import Row
from instep.crm.hubspot import HubSpotCrm
from instep.engine import connection, drain
from instep.engine.connecting import connect
from instep.engine.lane import load_config
from instep.store import item_queries
from instep_standins.hubspot.tokens import ALL_SCOPES

API = {"path": "^/crm/"}
MEETINGS = {"op": "create", "object": "meetings"}
CONTACTS = {"op": "create", "object": "contacts"}
#: seconds after which a late write lands
LANDS_AFTER = 3
ADA = {
    "firstname": "Ada",
    "lastname": "Aalto",
    "email": "ada.aalto@guest.example",
    "lifecyclestage": "customer",
}


def ada(booking_id: str = "BKNG-1", **more: Any) -> Life:
    return Life(booking_id, person=guest("Ada Aalto"), **more)


def left_out(scene: Scene, booking_id: str, *fields: str) -> dict[str, Any]:
    """The portal as it should be, without some fields of one meeting."""
    want = expected(scene.told)
    [row] = [r for r in want["meetings"] if r["instep_booking_id"] == booking_id]
    for field in fields:
        row.pop(field)
    return want


# --- F1, F9, F11, F13: away ------------------------------------------------------------------------


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"kind": "status", "status": 503}, id="503"),
        pytest.param({"kind": "status", "status": 500}, id="500 with a body"),
        pytest.param({"kind": "drop_before"}, id="connection broken off"),
        pytest.param({"kind": "malformed"}, id="no JSON"),
    ],
)
def test_F01_the_portal_is_down_at_booking(hub: Scene, order: dict[str, Any]) -> None:
    """HubSpot: bookings are taken while it is down, and are right when it is back, whatever happened between."""
    moved, canceled, ended, plain = lives(4)
    hub.fake.arm(**order, match=API, times=None)
    assert hub.tell(*scheduled([moved, canceled, ended, plain])).accepted == 4
    hub.drain()
    hub.tell(moved.rescheduled(DAY + timedelta(days=2), "Train strike"), canceled.canceled("Ill"))
    eventually(lambda: hub.drain() and hub.fake.drawn() >= 3, "three tries in vain")
    hub.tell(ended.completed())
    hub.fake.disarm()
    hub.until_settled()
    hub.assert_in_step()
    assert len(hub.alerts()) == 1


@pytest.mark.fault("F9")
@pytest.mark.fault("F11")
def test_F09_F11_the_portal_is_down_at_cancel_and_reschedule(hub: Scene) -> None:
    """HubSpot: canceled or moved while it is down, both end in their last state."""
    life, other = lives(2)
    hub.tell(*scheduled([life, other]))
    hub.until_settled()
    hub.fake.arm("drop_before", API, times=None)
    hub.tell(life.rescheduled(DAY + timedelta(days=1), "Earlier"), other.canceled("Another supplier"))
    hub.drain()
    hub.tell(life.rescheduled(DAY + timedelta(days=3), "Later after all"))
    eventually(lambda: hub.drain() and hub.fake.drawn() >= 2, "two tries in vain")
    hub.fake.disarm()
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F13")
def test_F13_a_change_before_the_first_write(hub: Scene) -> None:
    """HubSpot: moved and canceled before anything was written: one meeting, in the last state, three calls."""
    [life] = lives(1)
    hub.tell(life.scheduled())
    hub.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"), life.canceled("Not at all"))
    hub.until_settled()
    assert hub.fake.calls() == 3
    hub.assert_in_step()


@pytest.mark.fault("F10")
@pytest.mark.parametrize("away", [False, True], ids=["from memory", "after a look"])
def test_F10_every_field_follows_a_reschedule(hub: Scene, away: bool) -> None:
    """HubSpot: a reschedule brings every mapped property; one without a reason empties the old reason."""
    [life] = lives(1)
    hub.tell(life.scheduled())
    hub.until_settled()
    for day, reason in enumerate(("Sooner", ""), start=1):
        life.data = {
            "subject": f"Talk {day}",
            "virtual_conferencing": {"join_url": ""},
            "location_description": "Rua 1",
        }
        life.minutes = 45
        life.person = {**life.person, "note": f"<Note> {day} & more"}
        if away:
            hub.rows("UPDATE sync_item SET observe_first = true RETURNING id")
        hub.tell(life.rescheduled(DAY + timedelta(days=day), reason))
        hub.until_settled()
        hub.assert_in_step()


# --- F2: only the look-up fails --------------------------------------------------------------------


@pytest.mark.fault("F2")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"kind": "status", "status": 500}, id="500"),
        pytest.param({"kind": "status", "status": 504}, id="504"),
        pytest.param({"kind": "drop_after"}, id="no answer"),
    ],
)
def test_F02_a_failed_read_is_never_nobody_found(hub: Scene, order: dict[str, Any]) -> None:
    """HubSpot: the read by address fails: it is asked again, and who was there is found."""
    hub.fake.seed("contacts", **ADA)
    hub.fake.arm(**order, match={"op": "read", "object": "contacts"}, times=2)
    hub.tell(ada().scheduled(), *scheduled(lives(3)))
    hub.until_settled()
    assert hub.fake.drawn() == 2
    hub.assert_in_step(Person("Contact", ADA))


# --- F3, F4, F27: lost answers, late writes, killed and paused workers ------------------------------


@pytest.mark.fault("F3")
@pytest.mark.parametrize("match", [CONTACTS, MEETINGS], ids=["contacts", "meetings"])
@pytest.mark.parametrize("count", [1, 40])
def test_F03_the_answer_to_a_first_write_is_lost(hub: Scene, match: dict[str, Any], count: int) -> None:
    """HubSpot: made, but no answer came: the retry finds it by our id or its address, nobody and nothing twice."""
    hub.fake.arm("drop_after", match)
    hub.tell(*scheduled(lives(count)))
    hub.until_settled()
    assert hub.fake.drawn() == 1
    hub.assert_in_step()


@pytest.mark.fault("F3")
def test_F03_answers_are_lost_again_and_again(hub: Scene) -> None:
    """HubSpot: every other write loses its answer, changes come in between: one of each, in the last state."""
    these = lives(6)
    path = "batch/(create|update)"
    hub.fake.arm("drop_after", {"path": path}, times=None, probability=0.5, seed=3)
    hub.tell(*scheduled(these))
    hub.drain()
    hub.tell(these[0].rescheduled(DAY + timedelta(days=1), "Sooner"), these[1].canceled("Ill"))
    hub.drain()
    hub.tell(these[0].canceled("Never mind"), these[2].completed(), these[3].no_show())
    hub.until_settled()
    assert hub.fake.drawn() > 1
    hub.assert_in_step()


@pytest.mark.fault("F3")
def test_F03_a_write_lands_late(hub: Scene) -> None:
    """HubSpot: a write that was given up lands after its retry and a change: refused by our id, or healed."""
    hub.patient(verify_after=LANDS_AFTER + 0.5)
    life, other = lives(2)
    hub.fake.arm("late_commit", MEETINGS, ms=1000 * LANDS_AFTER)
    hub.tell(life.scheduled(), other.scheduled())
    hub.drain()
    hub.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"), other.canceled("Ill"))
    eventually(lambda: hub.drain() and hub.count("done = wanted") == 2, "both are written")
    eventually(lambda: hub.fake.order("GET", "faults")["pendingCommits"] == 0, "it lands")
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F3")
@pytest.mark.parametrize("level", ["plain", "none"])
def test_F03_without_unique_ids_the_meeting_is_found_by_its_start(hub: Scene, level: str) -> None:
    """HubSpot: a portal that takes no unique property on meetings: the contact's own meetings are compared."""
    hub.fake.settings(meetingIds=level)
    for name in ("instep_booking_id", "instep_event_status", "instep_cancel_reschedule_reason"):
        hub.fake.api("DELETE", f"/crm/properties/2026-09/meetings/{name}")
    if level == "plain":
        connect(hub.account_id, "hubspot", hub.fake.entered(), install=True)
    else:
        hub.configure()
    hub.fake.arm("drop_after", MEETINGS)
    hub.tell(*scheduled(lives(3)))
    hub.until_settled()
    assert hub.fake.drawn() == 1
    assert len(hub.fake.records()["meetings"]) == 3
    assert len(hub.fake.records()["contacts"]) == 3


@pytest.mark.fault("F3")
def test_F03_can_fail(hub: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """HubSpot: a writer without our id doubles the meeting, and the comparison says so."""
    apply = HubSpotCrm.apply

    def creating(crm: HubSpotCrm, writes: Any, *rest: Any) -> Any:
        return apply(crm, [evolve(w, action=Action.CREATE, key=None) if w.key else w for w in writes], *rest)

    monkeypatch.setattr(HubSpotCrm, "apply", creating)
    hub.fake.arm("drop_after", MEETINGS)
    hub.tell(*scheduled(lives(1)))
    hub.until_settled()
    assert len(hub.fake.crm()["meetings"]) == 2
    with pytest.raises(AssertionError):
        hub.assert_in_step()


@pytest.mark.fault("F2")
def test_F02_can_fail(hub: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """HubSpot: the comparison notices a meeting lost, doubled, stale or without its contact, each by itself."""
    hub.tell(ada().scheduled())
    hub.until_settled()
    right = hub.fake.crm()
    [meeting] = right["meetings"]
    assert differences(right, expected(hub.told)) == []
    for wrong in (
        {**right, "meetings": []},
        {**right, "meetings": [meeting, meeting]},
        {**right, "meetings": [{**meeting, "hs_meeting_outcome": "CANCELED"}]},
        {**right, "meetings": [{**meeting, "contacts": []}]},
        {**right, "contacts": [*right["contacts"], {"email": "x@y.example"}]},
    ):
        assert differences(wrong, expected(hub.told)) != []


@pytest.mark.fault("F4")
def test_F04_killed_between_the_effect_and_saving_it(hub_house: House) -> None:
    """HubSpot: kill -9 when it has written and the worker does not know yet: another takes over, nothing twice."""
    these = lives(30)
    hub_house.tell(*scheduled(these))
    hub_house.fake.arm("late_commit", MEETINGS, ms=0, hold=120_000)
    first = hub_house.worker()
    eventually(lambda: len(hub_house.fake.records()["meetings"]) == 30, "HubSpot has written")
    kill(first)
    died = time.monotonic()
    hub_house.worker()
    eventually(
        lambda: hub_house.asked("SELECT count(*) FROM sync_item WHERE done = wanted") == 30, "taken over"
    )
    assert time.monotonic() - died < 15
    hub_house.tell(these[0].canceled("Ill"))
    hub_house.until_settled()
    hub_house.assert_in_step()


class Killed(BaseException):
    """Stands for the end of a process: nothing catches it."""


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    ("room", "name"),
    [
        pytest.param(item_queries, "mark_sent", id="before the write"),
        pytest.param(drain.saving, "save", id="after the write"),
    ],
)
def test_F04_killed_at_every_step(hub: Scene, monkeypatch: pytest.MonkeyPatch, room: Any, name: str) -> None:
    """HubSpot: wherever in its work a drain ends, the next one goes on from there."""

    def die(*arguments: Any, **more: Any) -> Any:
        raise Killed

    these = lives(5)
    hub.tell(*scheduled(these))
    with monkeypatch.context() as patched:
        patched.setattr(room, name, die)
        with pytest.raises(Killed):
            hub.drain()
    hub.tell(these[2].rescheduled(DAY + timedelta(days=2), "Later"))
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F27")
def test_F27_a_paused_worker_is_fenced(hub_house: House) -> None:
    """HubSpot: a worker is paused between its people and their meetings: another finishes, nothing twice."""
    these = lives(20)
    hub_house.fake.arm("latency", CONTACTS, ms=3000)
    hub_house.tell(*scheduled(these))
    first = hub_house.worker()
    eventually(lambda: hub_house.fake.drawn() == 1, "its first write is on the way")
    pause(first)
    hub_house.worker()
    eventually(
        lambda: hub_house.asked("SELECT count(*) FROM sync_item WHERE done = wanted") == 20, "taken over"
    )
    hub_house.tell(these[0].canceled("Ill"))
    wake(first)
    hub_house.until_settled()
    hub_house.assert_in_step()


# --- F5: limits ------------------------------------------------------------------------------------


@pytest.mark.fault("F5")
@pytest.mark.parametrize(
    ("order", "seconds"),
    [
        pytest.param({"policy": "TEN_SECONDLY_ROLLING"}, 10, id="burst"),
        pytest.param({"policy": "TEN_SECONDLY_ROLLING", "retryAfter": 3}, 3, id="burst with Retry-After"),
        pytest.param({"policy": "DAILY"}, 900, id="day"),
        pytest.param({"policy": "DAILY", "retryAfter": 4000}, 4000, id="day with Retry-After"),
    ],
)
def test_F05_the_lane_pauses_by_the_policy(hub: Scene, order: dict[str, Any], seconds: float) -> None:
    """HubSpot: held exactly as long as its policy or its header says, and nothing is asked meanwhile."""
    hub.patient(quota_probe=900)
    hub.fake.arm("limit", API, times=1, **order)
    hub.tell(*scheduled(lives(3)))
    hub.drain()
    assert seconds - 1.5 < hub.hold_left() <= seconds
    before = len(hub.fake.journal())
    assert hub.drain().batches == 0
    assert len(hub.fake.journal()) == before
    assert len(hub.alerts()) == 1


@pytest.mark.fault("F5")
def test_F05_the_lane_goes_on_by_itself_in_order(hub: Scene) -> None:
    """HubSpot: calls of the day that come back: the lane resumes by itself, in order, after one alert."""
    hub.fake.arm("limit", API, times=4, policy="DAILY", retryAfter=0)
    hub.patient(quota_probe=0.05)
    these = lives(6)
    for life in these:
        hub.tell(life.scheduled())
        hub.drain()
    hub.until_settled()
    hub.assert_in_step()
    assert hub.fake.drawn() == 4
    assert hub.alerts() == ["REQUEST_LIMIT_EXCEEDED"]
    made = [row["properties"]["instep_booking_id"] for row in hub.fake.records()["meetings"]]
    assert made == [life.id for life in these]


@pytest.mark.fault("F5")
def test_F05_the_reserve_stays_for_others(hub: Scene) -> None:
    """HubSpot: with the day's calls used up to the reserve the lane waits, and goes on when they are free."""
    hub.fake.settings(daily=1000, dailyUsed=940)
    hub.patient(quota_probe=0.05)
    for n in range(10):
        hub.tell(*scheduled(lives(1, prefix=f"R{n}")))
        hub.drain()
        if hub.lane()["hold_code"]:
            break
    assert hub.lane()["hold_code"] == "API_RESERVE"
    assert 950 <= hub.fake.settings()["dailyUsed"] < 955
    hub.fake.settings(daily=625_000)
    hub.until_settled()
    hub.assert_in_step()


# --- F18: signing in -------------------------------------------------------------------------------


@pytest.mark.fault("F18")
def test_F18_a_revoked_token_waits_for_reconnect(hub: Scene) -> None:
    """HubSpot: the token is withdrawn: one alert, nothing asked meanwhile; after a new Connect all goes on in order."""
    first, second, third = lives(3)
    hub.tell(first.scheduled())
    hub.until_settled()
    hub.fake.order("POST", "revoke", {"token": True})
    hub.tell(second.scheduled())
    assert hub.drain().held == "reconnect"
    hub.tell(first.rescheduled(DAY + timedelta(days=1), "Sooner"), third.scheduled())
    asked = len(hub.fake.journal())
    for _ in range(3):
        hub.drain()
    assert len(hub.fake.journal()) == asked
    assert (hub.lane()["state"], len(hub.alerts())) == ("reconnect", 1)
    hub.fake.settings(tokenRevoked=False)
    again = connect(hub.account_id, "hubspot", hub.fake.entered())
    assert (again.connection_id, again.made) == (hub.connection_id, False)
    hub.until_settled()
    hub.assert_in_step()
    made = [row["properties"]["instep_booking_id"] for row in hub.fake.records()["meetings"]]
    assert made == [first.id, second.id, third.id]


@pytest.mark.fault("F18")
def test_F18_an_expired_token_is_renewed_once(hub: Scene) -> None:
    """HubSpot: an app's token that ends in the middle is renewed by one request for all batches in flight."""
    grant = hub.fake.running.portal.tokens.install(ALL_SCOPES)
    app = hub.fake.running.portal
    entered = {
        "url": hub.fake.running.base_url,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": grant.refresh,
    }
    connect(hub.account_id, "hubspot", entered)
    hub.configure(batches_in_flight=4)
    hub.rows("UPDATE connection SET batch_size = 5 WHERE id = %s RETURNING id", hub.connection_id)
    hub.fake.arm("latency", {"op": "read", "object": "contacts"}, ms=150, times=8)
    hub.fake.order("POST", "expire-sessions")
    hub.fake.order("POST", "journal/clear")
    hub.tell(*scheduled(lives(20)))
    hub.until_settled()
    assert sum(call["path"].endswith("/token") for call in hub.fake.journal()) == 1
    hub.assert_in_step()
    assert hub.alerts() == []


# --- F20: two CRMs ---------------------------------------------------------------------------------


@pytest.mark.fault("F20")
@pytest.mark.parametrize("down", ["hubspot", "salesforce"])
def test_F20_one_crm_down_does_not_delay_the_other(scene: Scene, hub_beside: Scene, down: str) -> None:
    """HubSpot: beside Salesforce, each booking once in both, a receipt of each; one away does not delay the other."""
    away, up = (hub_beside, scene) if down == "hubspot" else (scene, hub_beside)
    these = lives(4)
    away.fake.arm("drop_before", {"path": "^/(crm|services/data)/"}, times=None)
    scene.tell(*scheduled(these))
    hub_beside.told = scene.told
    away.drain()
    started = time.monotonic()
    up.until_settled()
    assert time.monotonic() - started < 10
    up.assert_in_step()
    scene.tell(these[0].canceled("Ill"))
    up.until_settled()
    up.assert_in_step()
    away.fake.disarm()
    away.until_settled()
    scene.assert_in_step()
    hub_beside.assert_in_step()
    vendors = {receipt["connection_id"] for receipt in scene.receipts(these[0])}
    assert vendors == {scene.connection_id, hub_beside.connection_id}


# --- F6, F7, F8, F21, F25, F30: refusals ------------------------------------------------------------


@pytest.mark.fault("F6")
@pytest.mark.parametrize("race", [False, True], ids=["an address among others", "made by somebody meanwhile"])
def test_F06_an_address_in_use_names_its_contact(
    hub: Scene, monkeypatch: pytest.MonkeyPatch, race: bool
) -> None:
    """HubSpot: 409 Existing ID: that contact is the person, by the Overwrite rules; the rest of the batch goes on."""
    hub.fake.settings(secondaryByEmail=False)
    life, others = ada(), lives(4)
    seeded: list[str] = []
    apply = HubSpotCrm.apply

    def late(crm: HubSpotCrm, *rest: Any) -> Any:
        if not seeded:
            seeded.append(hub.fake.seed("contacts", **ADA))
        return apply(crm, *rest)

    if race:
        monkeypatch.setattr(HubSpotCrm, "apply", late)
    else:
        first = {**ADA, "email": "first@guest.example", "hs_additional_emails": ADA["email"]}
        seeded.append(hub.fake.seed("contacts", **first))
    hub.tell(life.scheduled(), *scheduled(others))
    hub.until_settled()
    assert hub.fake.meeting(life.id)["associations"]["contacts"] == seeded
    assert len(hub.fake.records()["contacts"]) == 5
    assert not hub.problems()


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("field", "code"),
    [("hs_meeting_location", "INVALID_ALPHA"), ("instep_event_status", "INVALID_OPTION")],
)
def test_F08_a_refused_property_of_the_meeting_is_left_out_alone(hub: Scene, field: str, code: str) -> None:
    """HubSpot: a rule refuses one property: everything else is written, in the same drain."""
    life, other = lives(2)
    match = {"op": "create", "object": "meetings", "field": "instep_booking_id", "equals": life.id}
    hub.fake.arm("row", match, times=1, property=field, code=code, message="Not this one.")
    hub.tell(life.scheduled(), other.scheduled())
    hub.until_settled()
    assert differences(hub.fake.crm(), left_out(hub, life.id, field)) == []
    assert "Not this one." in hub.receipt_text(life)


@pytest.mark.fault("F7")
@pytest.mark.fault("F21")
def test_F07_F21_a_refused_property_of_the_person_is_left_out_alone(hub: Scene) -> None:
    """HubSpot: one property of a new and of a known contact is refused: shown and left out, the meetings related."""
    hub.fake.seed("contacts", **ADA)
    for kind in ("create", "update"):
        hub.fake.arm(
            "row", {"op": kind, "object": "contacts"}, times=1, property="company", code="INVALID_ALPHA"
        )
    life = Life("BKNG-1", person=guest("Ada Aalto", company="A1"))
    new = Life("BKNG-2", person=guest("Bo Berg", company="B2"))
    hub.tell(life.scheduled(), new.scheduled())
    hub.until_settled()
    assert hub.fake.drawn() == 2
    assert not any("company" in row for row in hub.fake.crm()["contacts"])
    assert all(row.get("contacts") for row in hub.fake.crm()["meetings"])
    assert "company" in hub.receipt_text(life)


@pytest.mark.fault("F7")
@pytest.mark.fault("F30")
def test_F07_F30_what_the_portal_requires_is_learned_from_its_refusal(hub: Scene) -> None:
    """HubSpot: a property is required from now on: learned at once, filled, and asked for in the mapping."""
    assert connection.check(hub.account_id, hub.lane()) is None
    hub.fake.settings(required={"contacts": ["jobtitle"]})
    hub.tell(*scheduled(lives(3)))
    hub.until_settled()
    contacts = hub.fake.crm()["contacts"]
    assert [row["jobtitle"] for row in contacts] == ["Unspecified"] * 3
    assert not hub.problems()
    assert "Field validation error" in hub.receipt_text(lives(1)[0])
    assert connection.check(hub.account_id, hub.lane()) is None
    assert hub.alerts() == ["setup:new-required:Contact.jobtitle"]
    rows = load_config(hub.lane()).rows
    filled = (*rows["Contact"], Row("contact.job_title", "jobtitle", fallback="Guest"))
    hub.configure(rows={**rows, "Contact": filled})
    hub.tell(Life("BKNG-NEXT", person=guest("Bo Berg")).scheduled())
    hub.until_settled()
    titles = {row["email"]: row["jobtitle"] for row in hub.fake.crm()["contacts"]}
    assert titles["bo.berg@guest.example"] == "Guest"
    made = [call for call in hub.fake.journal() if call["path"].endswith("contacts/batch/create")]
    assert len(made) == 1, "what was learned is kept: no second refusal"


@pytest.mark.fault("F23")
@pytest.mark.parametrize("told", [True, False], ids=["refused loudly", "contact gone"])
def test_F23_the_association_failed(hub: Scene, told: bool) -> None:
    """HubSpot: the meeting was made, its association failed: repaired, not doubled."""
    life = ada()
    if told:
        hub.fake.arm("associations", {"object": "meetings"}, status=500)
        hub.tell(life.scheduled())
    else:
        hub.fake.arm("row", MEETINGS, status=400, body=_NO_SUCH_CONTACT)
        hub.tell(life.scheduled())
    hub.until_settled()
    assert hub.fake.drawn() == 1
    hub.assert_in_step()


_NO_SUCH_CONTACT = {
    "status": "error",
    "message": "One or more associations are invalid",
    "context": {"INVALID_OBJECT_IDS": ["CONTACT=424242 is not valid"]},
    "category": "VALIDATION_ERROR",
}


@pytest.mark.fault("F25")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"status": 423}, id="locked"),
        pytest.param({"status": 400, "message": "A workflow says no."}, id="refused"),
    ],
)
def test_F25_one_of_a_batch_is_refused(hub: Scene, order: dict[str, Any]) -> None:
    """HubSpot: one new person of 40 is locked or refused: the others and all meetings are written in the same drain."""
    these = lives(40)
    poor = these[7].person["email"]
    match = {"op": "create", "object": "contacts", "field": "email", "equals": poor}
    hub.fake.arm("row", match, times=None, **order)
    hub.tell(*scheduled(these))
    hub.drain()
    assert len(hub.fake.crm()["meetings"]) == 40
    assert len(hub.fake.crm()["contacts"]) == 39
    hub.fake.disarm()
    hub.hurry()
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F32")
def test_F32_a_batch_that_is_too_large_is_halved(hub: Scene) -> None:
    """HubSpot: more than 25 records at once are refused as a whole: cut until they pass, nothing is lost."""
    hub.fake.arm("row_limit", {}, times=None, max=25)
    hub.tell(*scheduled(lives(60)))
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F30")
@pytest.mark.parametrize("kind", ["contacts", "meetings"])
def test_F30_a_mapped_property_is_gone(hub: Scene, kind: str) -> None:
    """HubSpot: a mapped property is archived between two syncs: left out and said, everything else is written."""
    properties = f"/crm/properties/2026-09/{kind}"
    body = {"name": "employer", "label": "Employer", "type": "string", "fieldType": "text"}
    group = {"contacts": "contactinformation", "meetings": "instep"}[kind]
    hub.fake.api("POST", properties, {**body, "groupName": group})
    object_name = "Contact" if kind == "contacts" else "Meeting"
    rows = load_config(hub.lane()).rows
    hub.configure(rows={**rows, object_name: (*rows[object_name], Row("contact.company", "employer"))})
    first, second = lives(2)
    hub.tell(first.scheduled())
    hub.until_settled()
    hub.fake.api("DELETE", f"{properties}/employer")
    hub.tell(second.scheduled(), first.canceled("Ill"))
    hub.until_settled()
    hub.assert_in_step()
    assert not hub.problems()
    assert "employer" in hub.receipt_text(second)


# --- F28, F29, F31, F33: what comes in -------------------------------------------------------------


@pytest.mark.fault("F28")
@pytest.mark.parametrize("seed", range(3))
def test_F28_three_times_out_of_order(hub: Scene, seed: int) -> None:
    """HubSpot: events come three times, in any order, some after the sync: one meeting each, in the right state."""
    moved, canceled, ended = lives(3)
    events = [
        *scheduled([moved, canceled, ended]),
        moved.rescheduled(DAY + timedelta(days=1), "Sooner"),
        moved.rescheduled(DAY + timedelta(days=2)),
        canceled.canceled("Ill"),
        ended.completed(),
    ] * 3
    random.Random(seed).shuffle(events)
    half = len(events) // 2
    hub.tell_each(events[:half])
    hub.until_settled()
    hub.tell_each(events[half:])
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F29")
def test_F29_the_portals_clock_is_off(hub: Scene) -> None:
    """HubSpot: its clock is ten minutes off, the meeting passes midnight: times are right, and on the timeline too."""
    hub.fake.settings(clock=-600)
    life = ada(start=DAY.replace(hour=23, minute=30))
    life.minutes = 60
    hub.tell(life.scheduled())
    hub.until_settled()
    hub.tell(life.rescheduled(life.start + timedelta(days=1), "A day later"))
    hub.until_settled()
    hub.assert_in_step()


@pytest.mark.fault("F31")
@pytest.mark.parametrize("apart", [False, True])
def test_F31_the_same_new_person_books_twice(hub: Scene, apart: bool) -> None:
    """HubSpot: the same new person books twice in one batch: one contact, made once, then nothing to do."""
    first, second = ada("BKNG-1"), ada("BKNG-2", start=DAY + timedelta(days=1))
    events = [first.scheduled(), second.scheduled()]
    hub.tell_each(events) if apart else hub.tell(*events)
    hub.until_settled()
    hub.assert_in_step()
    writes = hub.lane()["writes_total"]
    hub.rows("UPDATE sync_item SET due_at = now(), observe_first = true RETURNING id")
    hub.until_settled()
    assert hub.lane()["writes_total"] == writes


@pytest.mark.fault("F33")
def test_F33_what_guests_type_is_written_literally(hub: Scene) -> None:
    """HubSpot: HTML, formulas, marks of direction: escaped once in the body, literal elsewhere."""
    typed = "<script>alert('1')</script> =HYPERLINK(\"x\") @{ref} ‮ & <br> 王小明"
    life = Life("BKNG-1", person=guest("Ada Aalto", note=typed, company="<b>Ltd</b> & Co; =1+1"))
    hub.tell(life.scheduled())
    hub.until_settled()
    there = hub.fake.meeting("BKNG-1")["properties"]
    assert html.unescape(there["hs_internal_meeting_notes"]) == typed
    assert "<script>" not in there["hs_meeting_body"]
    assert "&lt;script&gt;" in there["hs_meeting_body"]
    assert "&amp;lt;" not in there["hs_meeting_body"]
    [contact] = hub.fake.records()["contacts"]
    assert contact["properties"]["company"] == "<b>Ltd</b> & Co; =1+1"
    writes = hub.lane()["writes_total"]
    hub.rows("UPDATE sync_item SET due_at = now(), observe_first = true RETURNING id")
    hub.until_settled()
    assert hub.lane()["writes_total"] == writes, "read back, it is the same"
