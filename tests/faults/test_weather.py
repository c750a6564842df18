"""The CRM cannot be reached, answers with errors, or is out of calls: the lane waits, nothing is lost."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from faults.lives import DAY, Life, guest, lives, scheduled
from faults.scene import Scene, eventually
from instep.crm import salesforce
from instep.crm.addresses import LOOPBACK
from instep.crm.transport import Transport
from instep.engine.connecting import connect

REST = {"path": "^/services/data/v"}
QUOTA = {"status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
CONCURRENT = {
    **QUOTA,
    "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
}


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"kind": "status", "status": 503}, id="503"),
        pytest.param({"kind": "drop_before"}, id="connection broken off"),
        pytest.param(
            {"kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE", "message": "down"},
            id="SERVER_UNAVAILABLE",
        ),
    ],
)
def test_F01_the_crm_is_down_at_booking(scene: Scene, order: dict[str, Any]) -> None:
    """Bookings are taken while the CRM is down, and are right when it is back, whatever happened between."""
    moved, canceled, ended, plain = lives(4)
    scene.fake.arm(**order, match=REST, times=None)
    assert scene.tell(*scheduled([moved, canceled, ended, plain])).accepted == 4
    scene.drain()
    scene.tell(moved.rescheduled(DAY + timedelta(days=2), "Train strike"), canceled.canceled("Ill"))
    eventually(lambda: scene.drain() and scene.fake.drawn() >= 3, "three tries in vain")
    scene.tell(ended.completed())
    assert scene.fake.crm()["Event"] == []
    scene.fake.disarm()
    scene.until_settled()
    scene.assert_in_step()
    assert len(scene.alerts()) == 1


@pytest.mark.fault("F1")
def test_F01_the_crm_does_not_answer_in_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that gets no answer ends by our own time-out, and its bookings are written by another."""
    impatient = Transport(read_seconds=0.2, allow=(LOOPBACK,))
    monkeypatch.setattr(salesforce, "shared", lambda allow=(), hurried=False: impatient)
    scene.fake.arm("latency", REST, ms=400, times=2)
    scene.tell(*scheduled(lives(5)))
    scene.until_settled()
    impatient.close()
    assert scene.fake.drawn() == 2
    scene.assert_in_step()


@pytest.mark.fault("F5")
@pytest.mark.parametrize(
    ("order", "seconds"),
    [
        pytest.param({"status": 429, "headers": {"Retry-After": "2"}}, 2, id="429 with Retry-After"),
        pytest.param({**QUOTA, "headers": {"Retry-After": "3"}}, 3, id="quota with Retry-After"),
        pytest.param(CONCURRENT, 5, id="concurrent limit"),
        pytest.param(QUOTA, 900, id="quota of the day"),
    ],
)
def test_F05_the_lane_pauses_as_long_as_it_is_told(
    scene: Scene, order: dict[str, Any], seconds: float
) -> None:
    """Out of calls: the lane is held exactly as long as the CRM says, and asks nothing meanwhile."""
    scene.patient(quota_probe=900)  # what is waited where the CRM says no time
    scene.fake.arm("status", REST, times=1, **order)
    scene.tell(*scheduled(lives(3)))
    scene.drain()
    assert seconds - 1.5 < scene.hold_left() <= seconds
    before = len(scene.fake.journal())
    assert scene.drain().batches == 0
    assert len(scene.fake.journal()) == before
    assert scene.count("error_class NOT IN ('', 'Held')") == 0, "the pause is the lane's, not the bookings'"
    assert len(scene.alerts()) == 1


@pytest.mark.fault("F5")
def test_F05_the_lane_goes_on_by_itself_in_order(scene: Scene) -> None:
    """A quota that comes back: the lane resumes by itself, in the order of the bookings, after one alert."""
    scene.fake.arm("status", REST, times=4, **QUOTA, headers={"Retry-After": "0.05"})
    these = lives(6)
    for life in these:
        scene.tell(life.scheduled())
        scene.drain()
    scene.until_settled()
    scene.assert_in_step()
    assert scene.fake.drawn() == 4
    assert scene.alerts() == ["REQUEST_LIMIT_EXCEEDED"]
    made = [row["Instep_Booking_Id__c"] for row in scene.fake.records()["Event"]]
    assert made == [life.id for life in these], "ids are given in the order of the writes"
    assert scene.lane()["hold_code"] == ""


@pytest.mark.fault("F5")
def test_F05_the_reserve_stays_for_others(scene: Scene) -> None:
    """With the calls used up to the reserve the lane waits; it goes on when calls are free again."""
    scene.fake.settings(apiMax=1000, apiUsed=940)
    scene.patient(quota_probe=0.05)
    for n in range(10):
        scene.tell(*scheduled(lives(1, prefix=f"R{n}")))
        scene.drain()
        if scene.lane()["hold_code"]:
            break
    state = scene.fake.settings()
    assert scene.lane()["hold_code"] == "API_RESERVE"
    assert 950 <= state["apiUsed"] < 952, "the last batch began before the line"
    eventually(lambda: scene.drain().held == "API_RESERVE", "it looks again whether calls are free")
    scene.fake.settings(apiMax=15000)
    scene.until_settled()
    scene.assert_in_step()
    assert scene.alerts() == ["API_RESERVE"]


@pytest.mark.fault("F5")
def test_F05_the_limit_is_hit_while_asking_for_the_reserve(scene: Scene) -> None:
    """The one call that asks whether calls are free may be refused too: the lane waits on."""
    life = lives(1)[0]
    scene.patient(quota_probe=0.05)
    scene.tell(life.scheduled())
    scene.fake.settings(apiMax=int(scene.fake.settings()["apiUsed"]) + 2)
    scene.drain()  # uses the last two calls
    scene.tell(life.canceled("Ill"))
    eventually(lambda: scene.drain().held == "REQUEST_LIMIT_EXCEEDED", "asking is refused")
    scene.fake.settings(apiMax=15000)
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F9")
def test_F09_the_crm_is_down_at_cancel(scene: Scene) -> None:
    """A booking canceled while the CRM is down ends as Canceled with its reason."""
    these = lives(3)
    scene.tell(*scheduled(these))
    scene.until_settled()
    scene.fake.arm("status", REST, status=503, times=None)
    scene.tell(these[0].canceled("Found another supplier"), these[1].canceled())
    eventually(lambda: scene.drain() and scene.fake.drawn() >= 2, "two tries in vain")
    scene.fake.disarm()
    scene.until_settled()
    scene.assert_in_step()
    row = next(r for r in scene.fake.crm()["Event"] if r["Instep_Booking_Id__c"] == these[0].id)
    assert (row["Instep_Event_Status__c"], row["Instep_Cancel_Reschedule_Reason__c"]) == (
        "Canceled",
        "Found another supplier",
    )


@pytest.mark.fault("F11")
def test_F11_the_crm_is_down_at_reschedule(scene: Scene) -> None:
    """A booking moved while the CRM is down, twice even, ends at its last time."""
    life, other = lives(2)
    scene.tell(*scheduled([life, other]))
    scene.until_settled()
    scene.fake.arm("drop_before", REST, times=None)
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Earlier please"))
    scene.drain()
    scene.tell(life.rescheduled(DAY + timedelta(days=3), "Later after all"))
    eventually(lambda: scene.drain() and scene.fake.drawn() >= 2, "two tries in vain")
    scene.fake.disarm()
    scene.until_settled()
    scene.assert_in_step()


@pytest.mark.fault("F13")
@pytest.mark.parametrize("end", ["rescheduled", "canceled"])
def test_F13_a_change_before_the_first_write(scene: Scene, end: str) -> None:
    """Moved or canceled before anything was written: one Event, in the last state."""
    life = lives(1)[0]
    scene.tell(life.scheduled())
    scene.tell(life.rescheduled(DAY + timedelta(days=1), "Sooner"))
    if end == "canceled":
        scene.tell(life.canceled("Not at all"))
    scene.until_settled()
    scene.assert_in_step()
    assert scene.fake.calls() == 2


@pytest.mark.fault("F18")
def test_F18_an_expired_session_is_renewed_once(scene: Scene) -> None:
    """A session that ends in the middle is renewed by one request, and nothing is lost or doubled."""
    scene.tell(*scheduled(lives(3)))
    scene.until_settled()
    scene.fake.order("POST", "expire-sessions")
    scene.tell(*scheduled(lives(3, prefix="LATER")))
    scene.until_settled()
    scene.assert_in_step()
    assert sum("token" in call["path"] for call in scene.fake.journal()) == 1
    assert scene.alerts() == []


@pytest.mark.fault("F18")
def test_F18_several_batches_in_flight_share_one_renewal(scene: Scene) -> None:
    """Batches that find the session ended at the same time ask for one new token between them."""
    scene.configure(batches_in_flight=4)
    scene.fake.arm("latency", {"op": "query"}, ms=150, times=8)
    scene.rows("UPDATE connection SET batch_size = 5 WHERE id = %s RETURNING id", scene.connection_id)
    scene.fake.order("POST", "expire-sessions")
    scene.tell(*scheduled(lives(20)))
    scene.until_settled()
    scene.assert_in_step()
    assert sum("token" in call["path"] for call in scene.fake.journal()) == 1


@pytest.mark.fault("F18")
def test_F18_a_revoked_connection_waits_for_reconnect(scene: Scene) -> None:
    """Access withdrawn: the lane holds with one alert, and drains in order after a new Connect."""
    first, second, third = lives(3)
    scene.tell(first.scheduled())
    scene.until_settled()
    scene.fake.order("POST", "revoke", {"clientCredentials": True})
    scene.tell(second.scheduled())
    assert scene.drain().held == "reconnect"
    scene.tell(first.rescheduled(DAY + timedelta(days=1), "Sooner"), third.scheduled())
    asked = len(scene.fake.journal())
    for _ in range(3):
        scene.drain()
    assert len(scene.fake.journal()) == asked, "a lane that waits for a person asks nothing"
    assert (scene.lane()["state"], len(scene.alerts())) == ("reconnect", 1)
    scene.fake.settings(clientCredentials=True)
    again = connect(scene.account_id, "salesforce", scene.fake.entered())
    assert (again.connection_id, again.made) == (scene.connection_id, False)
    scene.until_settled()
    scene.assert_in_step()
    made = [row["Instep_Booking_Id__c"] for row in scene.fake.records()["Event"]]
    assert made == [first.id, second.id, third.id]


@pytest.mark.fault("F20")
def test_F20_one_org_down_does_not_delay_the_other(scene: Scene, other_org: Scene) -> None:
    """Two orgs connected: each gets every booking once, and one that is down does not delay the other."""
    these = lives(4)
    scene.fake.arm("status", REST, status=503, times=None)
    scene.tell(*scheduled(these))
    other_org.told = scene.told
    scene.drain()
    started = time.monotonic()
    other_org.until_settled()
    assert time.monotonic() - started < 10
    other_org.assert_in_step()
    assert scene.fake.crm()["Event"] == []
    scene.fake.disarm()
    scene.until_settled()
    scene.assert_in_step()
    other_org.assert_in_step()


@pytest.mark.fault("F1")
def test_F01_can_fail(scene: Scene) -> None:
    """The comparison notices a lost booking, a doubled Event and a stale value: each is found by itself."""
    life = Life("BKNG-1", person=guest("Ada Aalto"))
    scene.tell(life.scheduled())
    scene.until_settled()
    scene.assert_in_step()
    right = scene.fake.crm()
    event = right["Event"][0]
    for wrong in (
        {**right, "Event": []},
        {**right, "Event": [event, event]},
        {**right, "Event": [{**event, "Instep_Event_Status__c": "Canceled"}]},
        {**right, "Event": [{**event, "WhoId": None}]},
        {**right, "Account": [{"Name": "Unspecified"}]},
    ):
        assert wrong != right
