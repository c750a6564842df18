"""Faults to order: each does exactly what it says, as often as it says, under concurrency too."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from standins.sf import BASE, Client

LEAD = {"LastName": "A", "Company": "C"}
EVENT = {"StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}
QUERY = "/query?q=SELECT+Id+FROM+Lead"


def arm(sf: Client, kind: str, match: dict[str, Any] | None = None, **more: Any) -> None:
    sf.fake("faults", {"kind": kind, "match": match or {}, **more})


def eventually(test: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something holds; fail when it never does."""
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("order", "status", "body"),
    [
        ({"status": 503}, 503, None),
        (
            {
                "status": 403,
                "errorCode": "REQUEST_LIMIT_EXCEEDED",
                "message": "TotalRequests Limit exceeded.",
            },
            403,
            [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}],
        ),
        ({"status": 429, "headers": {"Retry-After": "7"}}, 429, None),
    ],
)
def test_status_answers_and_does_nothing_else(
    sf: Client, order: dict[str, Any], status: int, body: Any
) -> None:
    arm(sf, "status", {"op": "create", "object": "Lead"}, **order)
    assert sf.call("GET", "/limits").status_code == 200
    answer = sf.call("POST", "/sobjects/Lead", LEAD)
    assert (answer.status_code, answer.json() if answer.content else None) == (status, body)
    assert answer.headers.get("Retry-After") == order.get("headers", {}).get("Retry-After")
    assert sf.stored("Lead") == []
    sf.create("Lead", **LEAD)


def test_times_after_and_forever(sf: Client) -> None:
    arm(sf, "status", {"path": "limits$"}, status=500, times=2, after=1)
    assert [sf.call("GET", "/limits").status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    arm(sf, "status", {"path": "limits$"}, status=502, times=None)
    assert {sf.call("GET", "/limits").status_code for _ in range(5)} == {502}
    sf.fake("faults", method="DELETE")
    assert sf.call("GET", "/limits").status_code == 200


def test_chance_is_repeatable_by_its_seed(sf: Client) -> None:
    runs = []
    for _ in range(2):
        arm(sf, "status", {"path": "limits$"}, status=500, times=None, probability=0.5, seed=7)
        runs.append([sf.call("GET", "/limits").status_code for _ in range(20)])
        sf.fake("faults", method="DELETE")
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_drop_before_does_nothing_and_drop_after_everything(sf: Client) -> None:
    """A lost answer: the record is there, and the upsert that repeats it makes no second one."""
    sf.install()
    path = "/sobjects/Event/Instep_Booking_Id__c/B-1"
    arm(sf, "drop_before", {"op": "upsert"})
    with pytest.raises(httpx2.TransportError):
        sf.call("PATCH", path, EVENT)
    assert sf.stored("Event") == []
    arm(sf, "drop_after", {"op": "upsert", "object": "Event"})
    with pytest.raises(httpx2.TransportError):
        sf.call("PATCH", path, EVENT)
    assert len(sf.stored("Event")) == 1
    assert sf.call("PATCH", path, EVENT).json()["created"] is False
    assert len(sf.stored("Event")) == 1


def test_drop_after_a_composite_that_holds_the_wanted_call(sf: Client) -> None:
    arm(sf, "drop_after", {"op": "create", "object": "Lead"})
    with pytest.raises(httpx2.TransportError):
        sf.composite(("a", "POST", "/sobjects/Lead", LEAD))
    assert len(sf.stored("Lead")) == 1


def test_late_commit_writes_what_was_sent_after_the_connection_is_gone(sf: Client) -> None:
    record_id = sf.create("Lead", **LEAD)
    arm(sf, "late_commit", {"op": "update"}, ms=1500)
    with pytest.raises(httpx2.TransportError):
        sf.call("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "late"})
    sf.fake("expire-sessions")
    assert sf.stored("Lead")[0].get("Title") is None
    assert sf.fake("faults", method="GET")["pendingCommits"] == 1
    eventually(lambda: sf.stored("Lead")[0].get("Title") == "late")
    eventually(lambda: sf.fake("faults", method="GET")["pendingCommits"] == 0)


def test_latency(sf: Client) -> None:
    """Only the delayed call waits; others pass it."""
    arm(sf, "latency", {"op": "query"}, ms=1500)
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        slow = pool.submit(sf.query, "SELECT Id FROM Lead")
        eventually(lambda: sf.fake("faults", method="GET")["faults"][0]["drawn"] == 1)
        with httpx2.Client(base_url=sf.http.base_url, headers=sf.http.headers) as other:
            assert other.get(BASE + "/limits").status_code == 200
        quick = time.monotonic() - started
        assert slow.result().status_code == 200
    assert quick < 1.5 <= time.monotonic() - started


def test_session_ends_in_the_middle(sf: Client) -> None:
    arm(sf, "session", {"op": "query"})
    assert sf.query("SELECT Id FROM Lead").json()[0]["errorCode"] == "INVALID_SESSION_ID"
    assert sf.call("GET", "/limits").status_code == 401
    sf.sign_in()
    assert sf.query("SELECT Id FROM Lead").status_code == 200


def test_token_endpoint_fails(sf: Client) -> None:
    arm(sf, "status", {"op": "token"}, status=500)
    assert sf.token(grant_type="client_credentials").status_code == 500
    assert sf.token(grant_type="client_credentials").status_code == 200


def test_only_the_query_of_a_composite_fails(sf: Client) -> None:
    arm(sf, "status", {"op": "query"}, status=500, errorCode="QUERY_TIMEOUT", message="too long")
    answers = sf.composite(("q", "GET", QUERY, None), ("lead", "POST", "/sobjects/Lead", LEAD))
    assert (answers["q"]["httpStatusCode"], answers["q"]["body"][0]["errorCode"]) == (500, "QUERY_TIMEOUT")
    assert answers["lead"]["httpStatusCode"] == 201


@pytest.mark.parametrize(
    "match", [{"object": "Lead"}, {"op": "create"}, {"path": "Lead$"}, {"object": "Lead", "op": "any"}]
)
def test_only_the_matching_sub_request_fails(sf: Client, match: dict[str, Any]) -> None:
    arm(sf, "status", match, status=503)
    answers = sf.composite(("l", "POST", "/sobjects/Lead", LEAD), ("a", "PATCH", "/sobjects/Account/x", {}))
    assert [answer["httpStatusCode"] for answer in answers.values()] == [503, 400]


@pytest.mark.parametrize("match", [{}, {"op": "composite"}, {"path": "/composite$"}])
def test_order_about_the_composite_fails_it_as_a_whole(sf: Client, match: dict[str, Any]) -> None:
    arm(sf, "status", match, status=503)
    body = {"compositeRequest": [{"method": "GET", "url": BASE + "/limits", "referenceId": "a"}]}
    assert [sf.call("POST", "/composite", body).status_code for _ in range(2)] == [503, 200]


def test_one_fault_of_several_is_disarmed(sf: Client) -> None:
    first = sf.fake("faults", {"kind": "status", "times": None, "status": 500})
    sf.fake("faults", {"kind": "status", "times": None, "status": 502})
    sf.fake("faults", {"id": first["id"]}, "DELETE")
    assert sf.call("GET", "/limits").status_code == 502


def test_query_that_contains_a_text_is_malformed(sf: Client) -> None:
    arm(
        sf,
        "status",
        {"op": "query", "contains": "bad@mail.example"},
        status=400,
        errorCode="MALFORMED_QUERY",
        times=None,
    )
    assert sf.query("SELECT Id FROM Lead WHERE Email = 'good@mail.example'").status_code == 200
    assert (
        sf.query("SELECT Id FROM Lead WHERE Email = 'BAD@mail.example'").json()[0]["errorCode"]
        == "MALFORMED_QUERY"
    )


@pytest.mark.parametrize("way", ["single", "collection", "composite"])
def test_row_is_refused_in_whatever_call_it_travels(sf: Client, way: str) -> None:
    arm(
        sf,
        "row",
        {"object": "Lead", "op": "create", "field": "LastName", "equals": "Bad"},
        errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="No bad names, please.",
        fields=["LastName"],
    )
    bad, good = {**LEAD, "LastName": "Bad"}, LEAD
    if way == "single":
        sf.create("Lead", **good)
        error = sf.refusal("POST", "/sobjects/Lead", bad)
        assert error == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["LastName"], "No bad names, please.")
    else:
        body = {"records": [{"attributes": {"type": "Lead"}, **record} for record in (bad, good)]}
        if way == "collection":
            rows = sf.call("POST", "/composite/sobjects", body).json()
        else:
            rows = sf.composite(("c", "POST", "/composite/sobjects", body))["c"]["body"]
        assert [row["success"] for row in rows] == [False, True]
        assert rows[0]["errors"] == [
            {
                "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "message": "No bad names, please.",
                "fields": ["LastName"],
            }
        ]
    assert [lead["LastName"] for lead in sf.stored("Lead")] == ["A"]


def test_row_faults_meet_upserts_whichever_way_they_end(sf: Client) -> None:
    sf.install()
    field = "Instep_Booking_Id__c"
    arm(sf, "row", {"op": "upsert", "field": field, "equals": "B1"}, errorCode="UNABLE_TO_LOCK_ROW", times=2)
    rows = sf.collection("PATCH", "Event", [{**EVENT, field: "B1"}, {**EVENT, field: "B2"}], field)
    assert [row["success"] for row in rows] == [False, True]
    assert sf.refusal("PATCH", f"/sobjects/Event/{field}/B1", EVENT)[1] == "UNABLE_TO_LOCK_ROW"
    assert sf.call("PATCH", f"/sobjects/Event/{field}/B1", EVENT).status_code == 201


def test_duplicate_refusal_names_its_matches_in_single_calls_only(sf: Client) -> None:
    match = {"matchResults": [{"entityType": "Lead", "matchRecords": []}], "allowSave": False}
    arm(
        sf,
        "row",
        {"object": "Lead"},
        errorCode="DUPLICATES_DETECTED",
        message="Use one of these records?",
        extra={"duplicateResut": match},
        times=2,
    )
    single = sf.call("POST", "/sobjects/Lead", LEAD)
    assert (single.status_code, single.json()[0]["duplicateResut"]) == (400, match)
    [row] = sf.collection("POST", "Lead", [LEAD])
    sf.fake("settings", {"duplicateKey": "duplicateResult"})
    arm(sf, "row", errorCode="DUPLICATES_DETECTED", message="x", extra={"duplicateResut": match})
    assert sf.call("POST", "/sobjects/Lead", LEAD).json()[0]["duplicateResult"] == match
    assert row["errors"] == [
        {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    ]


def test_automation_gives_up_above_a_size(sf: Client) -> None:
    arm(sf, "row_limit", {"object": "Lead"}, max=3, times=None)
    too_many = sf.collection("POST", "Lead", [LEAD] * 4)
    assert {row["errors"][0]["statusCode"] for row in too_many} == {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
    assert "System.LimitException: Apex CPU time limit exceeded" in too_many[0]["errors"][0]["message"]
    assert sf.stored("Lead") == []
    assert all(row["success"] for row in sf.collection("POST", "Lead", [LEAD] * 3))
    assert all(row["success"] for row in sf.collection("POST", "Account", [{"Name": "x"}] * 4))


def test_concurrent_requests_draw_a_fault_exactly_as_often_as_ordered(sf: Client) -> None:
    arm(sf, "status", {"path": "limits$"}, status=503, times=10)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sf.call("GET", "/limits").status_code, range(60)))
    assert answers.count(503) == 10
    assert answers.count(200) == 50


def test_order_that_is_not_understood_says_why(sf: Client) -> None:
    for order, part in (
        ({"kind": "earthquake"}, "earthquake"),
        ({"kind": "row", "match": {"colour": "red"}}, "colour"),
        ({"kind": "row", "match": {"path": "("}}, "not understood"),
    ):
        answer = sf.http.post("/__fake__/faults", json=order)
        assert answer.status_code == 400
        assert part in answer.json()["error"]
