"""Faults to order: each does exactly what it says, as often as it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from standins.hubspot.hs import STARTS, Client, V, to

CONTACT = {"properties": {"email": "a@guest.example"}}


def eventually(test: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; fail when it never does."""
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("order", "status", "headers", "told"),
    [
        ({"status": 500}, 500, {}, {"message": "internal error"}),
        ({"status": 502}, 502, {}, None),
        ({"status": 423}, 423, {}, {"message": "The record is locked by another request. Try again in 2 seconds."}),
        ({"status": 477, "retryAfter": 90}, 477, {"Retry-After": "90"}, {}),
        ({"status": 403, "category": "BANNED", "message": "No."}, 403, {}, {"category": "BANNED", "message": "No."}),
        ({"status": 400, "property": "phone", "code": "INVALID_ALPHA", "message": "Enter only letters"}, 400, {},
         {"errors": [{"message": "Enter only letters", "code": "INVALID_ALPHA",
                      "context": {"propertyName": ["phone"]}}]}),
        ({"status": 418, "body": {"odd": 1}, "headers": {"X-A": "b"}}, 418, {"X-A": "b"}, {"odd": 1}),
    ],
)  # fmt: skip
def test_status_answers_and_does_nothing_else(
    hs: Client, order: dict[str, Any], status: int, headers: dict[str, str], told: dict[str, Any] | None
) -> None:
    hs.arm("status", {"op": "create", "object": "contacts"}, **order)
    assert hs.objects("GET", "contacts").status_code == 200
    answer = hs.objects("POST", "contacts", CONTACT)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in headers} == headers
    if told is None:
        assert answer.content == b""
    else:
        assert told.items() <= answer.json().items()
    assert hs.stored("contacts") == []
    assert hs.objects("POST", "contacts", CONTACT).status_code == 201


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."),
        ("SECONDLY", "You have reached your secondly limit."),
        ("DAILY", "You have reached your daily limit."),
    ],
)
def test_limits_by_policy(hs: Client, policy: str, message: str) -> None:
    hs.arm("limit", policy=policy)
    answer = hs.objects("POST", "contacts", CONTACT)
    told = answer.json()
    assert (answer.status_code, told["policyName"], told["message"]) == (429, policy, message)
    assert "Retry-After" not in answer.headers
    assert hs.objects("POST", "contacts", CONTACT).status_code == 201


def test_an_unknown_policy_or_kind_is_refused(hs: Client) -> None:
    for order in (
        {"kind": "limit", "policy": "HOURLY"},
        {"kind": "gremlin"},
        {"kind": "status", "match": {"x": 1}},
    ):
        assert hs.call("POST", "/__fake__/faults", order).status_code == 400


def test_times_after_and_forever(hs: Client) -> None:
    path = f"/account-info/{V}/details"
    hs.arm("status", {"op": "account"}, status=500, times=2, after=1)
    assert [hs.call("GET", path).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    hs.arm("status", {"path": "details$"}, status=503, times=None)
    assert {hs.call("GET", path).status_code for _ in range(3)} == {503}
    hs.fake("faults", method="DELETE")
    assert hs.call("GET", path).status_code == 200


def test_drop_before_does_nothing_and_drop_after_everything(hs: Client) -> None:
    hs.arm("drop_before", {"op": "create"})
    with pytest.raises(httpx2.TransportError):
        hs.objects("POST", "contacts", CONTACT)
    assert hs.stored("contacts") == []
    hs.arm("drop_after", {"op": "create"})
    with pytest.raises(httpx2.TransportError):
        hs.objects("POST", "contacts", CONTACT)
    assert len(hs.stored("contacts")) == 1
    assert hs.objects("POST", "contacts", CONTACT).status_code == 409


def test_late_commit_writes_after_the_connection_is_gone(hs: Client) -> None:
    hs.arm("late_commit", {"op": "create"}, ms=400)
    with pytest.raises(httpx2.TransportError):
        hs.objects("POST", "contacts", CONTACT)
    assert hs.stored("contacts") == []
    assert hs.fake("faults", method="GET")["pendingCommits"] == 1
    eventually(lambda: len(hs.stored("contacts")) == 1)
    eventually(lambda: hs.fake("faults", method="GET")["pendingCommits"] == 0)


def test_latency(hs: Client) -> None:
    hs.arm("latency", {"op": "owners"}, ms=300)
    started = time.monotonic()
    assert hs.call("GET", f"/account-info/{V}/details").status_code == 200
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_body_that_breaks_off(hs: Client) -> None:
    hs.arm("malformed", {"op": "create"})
    answer = hs.objects("POST", "contacts", CONTACT)
    assert answer.status_code == 201
    with pytest.raises(ValueError):
        answer.json()
    assert len(hs.stored("contacts")) == 1


def test_a_static_token_is_revoked_until_it_is_allowed_again(hs: Client) -> None:
    hs.arm("session")
    assert [hs.call("GET", f"/crm/owners/{V}").status_code for _ in range(2)] == [401, 401]
    hs.fake("settings", {"tokenRevoked": False})
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 200


@pytest.mark.parametrize(
    ("revoked", "category"), [(False, "EXPIRED_AUTHENTICATION"), (True, "INVALID_AUTHENTICATION")]
)
def test_a_token_of_oauth_ends_and_is_refreshed(hs: Client, revoked: bool, category: str) -> None:
    install = hs.portal.tokens.install(("oauth",))
    hs.http.headers["Authorization"] = f"Bearer {hs.portal.tokens.session(install).token}"
    hs.arm("session", revoked=revoked)
    answer = hs.call("GET", f"/account-info/{V}/details")
    assert (answer.status_code, answer.json()["category"]) == (401, category)
    app = {"client_id": hs.portal.client_id, "client_secret": hs.portal.client_secret}
    form = {"grant_type": "refresh_token", "refresh_token": install.refresh, **app}
    again = hs.http.post(f"/oauth/{V}/token", data=form).json()
    hs.http.headers["Authorization"] = f"Bearer {again['access_token']}"
    assert hs.call("GET", f"/account-info/{V}/details").status_code == 200
    hs.fake("revoke")
    assert hs.call("GET", f"/account-info/{V}/details").status_code == 401
    assert hs.http.post(f"/oauth/{V}/token", data=form).json()["error"] == "invalid_grant"


def test_expired_sessions_by_order(hs: Client) -> None:
    install = hs.portal.tokens.install(("oauth",))
    hs.http.headers["Authorization"] = f"Bearer {hs.portal.tokens.session(install).token}"
    hs.fake("expire-sessions")
    assert hs.call("GET", f"/account-info/{V}/details").json()["category"] == "EXPIRED_AUTHENTICATION"


def batch(*emails: str, traced: bool = True) -> dict[str, Any]:
    inputs = [
        {"properties": {"email": one}, **({"objectWriteTraceId": one} if traced else {})} for one in emails
    ]
    return {"inputs": inputs}


def test_one_bad_record_in_a_batch(hs: Client) -> None:
    match = {"object": "contacts", "op": "create", "field": "email", "contains": "bad"}
    hs.arm("row", match, message="No.", property="email", code="INVALID_EMAIL", times=2)
    answer = hs.objects("POST", "contacts/batch/create", batch("a@guest.example", "bad@guest.example"))
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["bad@guest.example"]
    answer = hs.objects(
        "POST", "contacts/batch/create", batch("b@guest.example", "bad@guest.example", traced=False)
    )
    assert answer.status_code == 400
    assert [one["properties"]["email"] for one in hs.stored("contacts")] == ["a@guest.example"]


def test_too_many_in_a_batch(hs: Client) -> None:
    hs.arm("row_limit", {"object": "contacts"}, max=2, status=500, times=None)
    three, two = [f"{i}@guest.example" for i in range(3)], [f"{i}@guest.example" for i in range(2)]
    assert hs.objects("POST", "contacts/batch/create", batch(*three)).status_code == 500
    assert hs.objects("POST", "contacts/batch/create", batch(*two)).status_code == 201


@pytest.mark.parametrize(("order", "status"), [({}, 201), ({"status": 500}, 500)])
def test_a_meeting_is_made_and_its_association_fails(hs: Client, order: dict[str, Any], status: int) -> None:
    guest = hs.contact()
    hs.arm("associations", {"object": "meetings"}, **order)
    body = {"properties": {"hs_timestamp": STARTS}, "associations": [to(guest)]}
    assert hs.objects("POST", "meetings", body).status_code == status
    assert [one["associations"] for one in hs.stored("meetings")] == [{}]
    assert hs.objects("POST", "meetings", body).status_code == 201
    assert [one["associations"] for one in hs.stored("meetings")] == [{}, {"contacts": [guest]}]


def test_an_association_fails_within_a_batch(hs: Client) -> None:
    guest = hs.contact()
    hs.arm("associations", {"object": "meetings"}, status=500)
    inputs = [
        {"properties": {"hs_timestamp": STARTS}, "associations": [to(guest)], "objectWriteTraceId": n}
        for n in "12"
    ]
    answer = hs.objects("POST", "meetings/batch/create", {"inputs": inputs})
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)
    assert [one["associations"] for one in hs.stored("meetings")] == [{}, {"contacts": [guest]}]


def test_associating_is_refused(hs: Client) -> None:
    guest, held = hs.contact(), hs.meeting()
    hs.arm("row", {"op": "associate", "object": "meetings"}, status=423)
    path = f"meetings/{held}/associations/default/contacts/{guest}"
    assert [hs.objects("PUT", path).status_code for _ in range(2)] == [423, 200]


def test_calls_are_counted_and_told(hs: Client) -> None:
    hs.fake("journal/clear")
    hs.contact()
    hs.objects("POST", "contacts/batch/create", batch("b@guest.example", "c@guest.example"))
    hs.objects("POST", "contacts/search", {})
    httpx2.get(f"{hs.http.base_url}/crm/owners/{V}")
    told = hs.fake("journal", method="GET")
    assert [(one["summary"], one["status"], one["counted"]) for one in told] == [
        (["create contacts"], 201, True), (["create contacts ×2"], 201, True), (["search contacts"], 200, True),
        (["owners owners"], 401, False),
    ]  # fmt: skip
    assert hs.fake("calls", method="GET") == {"counted": 3, "total": 4}


def test_orders_of_records(hs: Client) -> None:
    made = hs.fake(
        "records", {"object": "contacts", "properties": {"email": "a@guest.example", "phone": "1"}}
    )
    held = hs.fake("records", {"object": "meetings", "properties": {"hs_timestamp": STARTS},
                               "associations": {"contacts": [made["id"]]}})  # fmt: skip
    assert held["associations"] == {"contacts": [made["id"]]}
    hs.fake(
        "records",
        {"object": "meetings", "id": held["id"], "properties": {"hs_meeting_outcome": "NO_SHOW"}},
        "PATCH",
    )
    assert (
        hs.get("meetings", held["id"], "hs_meeting_outcome")["properties"]["hs_meeting_outcome"] == "NO_SHOW"
    )
    ends = {"from": {"object": "meetings", "id": held["id"]}, "to": {"object": "contacts", "id": made["id"]}}
    hs.fake("associate", {**ends, "remove": True})
    assert hs.stored("meetings")[0]["associations"] == {}
    hs.fake("associate", ends)
    hs.fake("records", {"object": "meetings", "id": held["id"]}, "DELETE")
    assert hs.stored("meetings") == []
    hs.fake("owner", {"email": "new@host.example", "firstName": "New"})
    assert (
        hs.call("GET", f"/crm/owners/{V}", email="new@host.example").json()["results"][0]["firstName"]
        == "New"
    )
    hs.fake("reset")
    assert hs.stored("contacts") == []
    assert hs.call("GET", f"/crm/owners/{V}", email="new@host.example").json()["results"] == []
    assert hs.call("POST", "/__fake__/settings", {"nope": 1}).status_code == 400
    assert hs.call("POST", "/__fake__/nope").status_code == 404
