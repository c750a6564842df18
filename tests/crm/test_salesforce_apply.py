"""Writing batches to a real stand-in org: few calls, parents first, and no answer is misread."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from crm_batches import END, START, StandIn, changes, composed, event, lead, scripted, update
from instep.core.changes import Action, Write
from instep.core.errors import Bug, Fenced, InputError, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.port import Applied, ReadOne
from instep.crm.salesforce import SalesforceCrm
from instep.crm.salesforce.names import BOOKING_ID, CONTACT_ID


def partial(error: InstepError) -> Applied:
    assert isinstance(error.partial, Applied)
    return error.partial


# -- the two-call rule ---------------------------------------------------------------------------


def test_one_new_booking_is_one_call(standin: StandIn, crm: SalesforceCrm) -> None:
    done = crm.apply([event(1, "lead1"), lead(1)])
    assert [r.ok and r.created for r in done.results.values()] == [True, True]
    (person,), (meeting,) = standin.records("Lead"), standin.records("Event")
    assert done.results["lead1"].id == person["Id"]
    assert meeting["WhoId"] == person["Id"]
    assert (meeting[BOOKING_ID], person[CONTACT_ID]) == ("B-1", "C-1")
    assert len(crm.calls) == standin.counted() == 1


def test_a_change_of_a_linked_booking_is_one_call_with_its_true_old_values(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    made = crm.apply([event(1, "lead1"), lead(1)]).results
    crm.calls.clear()
    person, meeting = made["lead1"].id, made["event1"].id
    standin.admin("PATCH", "records", {"object": "Event", "id": meeting, "fields": {"Subject": "By hand"}})
    done = crm.apply(
        [update("e", "Event", meeting, Subject="Moved"), update("l", "Lead", person, Title="CTO")],
        [ReadOne("Event", meeting, ("Subject", "StartDateTime")), ReadOne("Lead", person, ("Title",))],
    )
    assert all(r.ok and not r.created for r in done.results.values())
    before = done.reads[("Event", meeting)]
    assert before is not None
    assert before.get("Subject") == "By hand"
    assert done.reads[("Lead", person)].get("Title") is None  # type: ignore[union-attr]
    assert standin.records("Event")[0]["Subject"] == "Moved"
    assert len(crm.calls) == 1


def test_two_hundred_new_bookings_are_one_call(standin: StandIn, crm: SalesforceCrm) -> None:
    writes = [w for n in range(200) for w in (event(n, f"lead{n}"), lead(n))]
    done = crm.apply(writes)
    assert list(done.results) == [w.ref for w in writes], "answers in the order of the batch"
    assert all(r.ok for r in done.results.values())
    people = {p["Id"]: p["LastName"] for p in standin.records("Lead")}
    told = {e["Subject"]: people[e["WhoId"]] for e in standin.records("Event")}
    assert told == {f"Meeting {n}": f"Guest {n}" for n in range(200)}
    assert len(crm.calls) == standin.counted() == 1


def test_more_than_a_composite_takes_goes_on_with_the_ids_known(standin: StandIn, crm: SalesforceCrm) -> None:
    writes = [w for n in range(620) for w in (event(n, f"lead{n}"), lead(n))]
    done = crm.apply(writes)
    assert all(r.ok for r in done.results.values())
    people = {p["Id"]: p["LastName"] for p in standin.records("Lead")}
    assert all(
        people[e["WhoId"]] == e["Subject"].replace("Meeting", "Guest") for e in standin.records("Event")
    )
    assert len(crm.calls) == 2


def test_an_account_a_contact_a_case_and_an_event_of_one_booking_are_one_call(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    account = Write("a", "b", Action.CREATE, "Account", changes({"Name": "Acme"}))
    contact = Write(
        "p",
        "b",
        Action.UPSERT,
        "Contact",
        changes({"LastName": "Guest"}),
        key=(CONTACT_ID, "C"),
        parents={"AccountId": "a"},
    )
    case = Write(
        "c",
        "b",
        Action.UPSERT,
        "Case",
        changes({"Subject": "Help"}),
        key=(BOOKING_ID, "B"),
        parents={"ContactId": "p"},
    )
    meeting = Write(
        "e",
        "b",
        Action.UPSERT,
        "Event",
        changes({"Subject": "Meet", "StartDateTime": START, "EndDateTime": END}),
        key=(BOOKING_ID, "B"),
        parents={"WhoId": "p", "WhatId": "c"},
    )
    done = crm.apply([meeting, case, contact, account])
    assert all(r.ok for r in done.results.values())
    (stored,) = standin.records("Event")
    assert (stored["WhoId"], stored["WhatId"]) == (done.results["p"].id, done.results["c"].id)
    assert standin.records("Contact")[0]["AccountId"] == done.results["a"].id
    assert len(crm.calls) == 1


def test_a_second_try_of_an_upsert_finds_what_the_first_one_made(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    first = crm.apply([event(1, "lead1"), lead(1)]).results
    second = crm.apply([event(1, "lead1", Subject="Again"), lead(1)]).results
    assert [r.id for r in second.values()] == [r.id for r in first.values()]
    assert not any(r.created for r in second.values())
    assert len(standin.records("Lead")) == len(standin.records("Event")) == 1


def test_keys_that_are_no_plain_words_are_kept_as_they_are(standin: StandIn, crm: SalesforceCrm) -> None:
    keys = ("a/b", "ä ö", "x?y=1&z", "..", "100%", "it's")
    done = crm.apply([lead(key, Email=None) for key in keys])
    assert all(r.ok for r in done.results.values())
    assert {p[CONTACT_ID] for p in standin.records("Lead")} == {f"C-{key}" for key in keys}


def test_the_body_of_an_upsert_does_not_repeat_its_key() -> None:
    """Salesforce refuses that for a single record, and wants it in a collection."""
    bodies: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)["compositeRequest"]
        bodies.extend(part["body"] for part in asked)
        ok = {"id": "00Q000000000001", "success": True, "created": True, "errors": []}
        return composed(
            request,
            *({"httpStatusCode": 200, "body": [ok] * len(a["body"].get("records", "x"))} for a in asked),
        )

    crm = scripted(answer)
    assert crm.apply([lead(1, **{CONTACT_ID: "C-1"})]).results["lead1"].ok
    crm.apply([lead(1, **{CONTACT_ID: "C-1"}), lead(2)])
    assert CONTACT_ID not in bodies[0]
    assert [row[CONTACT_ID] for row in bodies[1]["records"]] == ["C-1", "C-2"]


def test_nothing_to_do_sends_nothing(crm: SalesforceCrm) -> None:
    assert crm.apply([]) == Applied()
    assert crm.calls == []


# -- refusals ------------------------------------------------------------------------------------


def test_one_refused_record_harms_no_other(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.fault(
        "row",
        match={"object": "Lead", "field": "LastName", "equals": "Guest 3"},
        errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="Say please",
        fields=["LastName"],
    )
    done = crm.apply([lead(n) for n in range(5)])
    assert [r.ok for r in done.results.values()] == [True, True, True, False, True]
    error = done.results["lead3"].error
    assert isinstance(error, NeedsAdmin)
    assert (error.code, error.scope, error.message) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        Scope.FIELD,
        "Say please",
    )
    assert error.fields == ("LastName",)


def refuse_lead(standin: StandIn, n: int, **details: Any) -> None:
    match = {"object": "Lead", "field": "LastName", "equals": f"Guest {n}"}
    standin.fault(
        "row", match=match, errorCode="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="No", fields=[], **details
    )


def test_a_refused_parent_voids_the_collection_of_its_children(standin: StandIn, crm: SalesforceCrm) -> None:
    refuse_lead(standin, 3)
    writes = [w for n in range(5) for w in (lead(n), event(n, f"lead{n}"))]
    done = crm.apply(writes)
    assert [done.results[f"lead{n}"].ok for n in range(5)] == [True, True, True, False, True]
    assert all(done.results[f"event{n}"].void for n in range(5))
    assert all(done.results[f"event{n}"].error is None for n in range(5))
    assert standin.records("Event") == []
    assert len(crm.calls) == 1, "nothing is sent again here"


def test_children_of_a_fragile_parent_void_nobody_else(standin: StandIn, crm: SalesforceCrm) -> None:
    refuse_lead(standin, 3)
    writes = [w for n in range(5) for w in (lead(n), event(n, f"lead{n}", alone=n == 3))]
    done = crm.apply(writes)
    assert [done.results[f"event{n}"].void for n in range(5)] == [False, False, False, True, False]
    assert len(standin.records("Event")) == 4
    assert len(crm.calls) == 1


def test_children_in_a_later_composite_are_void_without_being_sent(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    refuse_lead(standin, 3)
    done = crm.apply([w for n in range(1001) for w in (lead(n), event(n, f"lead{n}"))])
    assert done.results["event3"].void
    assert done.results["event1000"].ok
    assert len(done.results) == 2002


def test_a_duplicate_rule_names_its_matches_when_one_record_is_sent(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    other = standin.admin(
        "POST",
        "records",
        {"object": "Contact", "fields": {"LastName": "Guest", "Email": "guest1@guest.example"}},
    )["Id"]
    found = {
        "allowSave": False,
        "matchResults": [{"entityType": "Contact", "matchRecords": [{"record": {"Id": other}}]}],
    }
    standin.fault(
        "row",
        match={"object": "Lead"},
        errorCode="DUPLICATES_DETECTED",
        message="Use one of these records?",
        extra={"duplicateResut": found},
    )
    error = crm.apply([lead(1)]).results["lead1"].error
    assert error is not None
    assert error.code == "DUPLICATES_DETECTED"
    assert error.matches == (("Contact", other),)


def test_a_locked_row_is_tried_again_alone(standin: StandIn, crm: SalesforceCrm) -> None:
    for writes in ([lead(1)], [lead(1), lead(2)]):
        standin.fault(
            "row",
            match={"object": "Lead", "field": "LastName", "equals": "Guest 1"},
            errorCode="UNABLE_TO_LOCK_ROW",
            message="unable to obtain exclusive access to this record",
        )
        error = crm.apply(writes).results["lead1"].error
        assert isinstance(error, Retry)
        assert error.scope is Scope.RECORD


def test_an_automation_that_runs_out_of_time_asks_for_a_smaller_batch(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    standin.fault("row_limit", match={"object": "Lead"}, max=3, times=None)
    done = crm.apply([lead(n) for n in range(4)])
    errors = [r.error for r in done.results.values()]
    assert all(isinstance(e, Retry) and (e.code, e.scope) == ("CPU_LIMIT", Scope.BATCH) for e in errors)
    assert all(r.ok for r in crm.apply([lead(n) for n in range(3)]).results.values())


def test_a_record_that_a_human_deleted_is_told_as_gone(standin: StandIn, crm: SalesforceCrm) -> None:
    gone = crm.apply([event(1)]).results["event1"].id
    standin.admin("DELETE", "records", {"object": "Event", "id": gone})
    done = crm.apply([update("e", "Event", gone, Subject="x")], [ReadOne("Event", gone, ("Subject",))])
    assert done.reads == {("Event", gone): None}
    error = done.results["e"].error
    assert error is not None
    assert error.code in ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND")


def test_a_converted_lead_is_told_by_its_code(standin: StandIn, crm: SalesforceCrm) -> None:
    made = crm.apply([lead(1)]).results["lead1"].id
    standin.admin("POST", "convert-lead", {"leadId": made})
    for extra in ([], [lead(2)]):
        error = crm.apply([update("u", "Lead", made, Title="x"), *extra]).results["u"].error
        assert error is not None
        assert error.code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_the_quota_stops_the_batch_and_keeps_what_was_answered(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.fault(
        "status",
        match={"op": "composite"},
        after=1,
        status=403,
        errorCode="REQUEST_LIMIT_EXCEEDED",
        message="TotalRequests Limit exceeded.",
    )
    with pytest.raises(Wait) as caught:
        crm.apply([w for n in range(620) for w in (event(n, f"lead{n}"), lead(n))])
    assert caught.value.scope is Scope.CONNECTION
    answered = partial(caught.value).results
    assert answered
    assert {r.id for r in answered.values()} == {
        r["Id"] for name in ("Lead", "Event") for r in standin.records(name)
    }


# -- lost answers and fences ---------------------------------------------------------------------


def test_a_lost_answer_leaves_the_outcome_unknown_and_a_second_try_doubles_nothing(
    standin: StandIn, crm: SalesforceCrm
) -> None:
    standin.fault("drop_after", match={"op": "composite"})
    writes = [lead(1), event(1, "lead1")]
    with pytest.raises(Retry) as caught:
        crm.apply(writes)
    assert caught.value.outcome_unknown
    assert caught.value.scope is Scope.BATCH
    assert partial(caught.value).results == {}
    assert len(standin.records("Event")) == 1
    assert all(r.ok for r in crm.apply(writes).results.values())
    assert len(standin.records("Lead")) == len(standin.records("Event")) == 1


def test_an_error_of_the_org_itself_leaves_the_outcome_unknown(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.fault(
        "status",
        match={"op": "composite"},
        status=500,
        errorCode="UNKNOWN_EXCEPTION",
        message="An unexpected error occurred. Please include this ErrorId",
    )
    with pytest.raises(Retry) as caught:
        crm.apply([lead(1)])
    assert (caught.value.scope, caught.value.outcome_unknown) == (Scope.BATCH, True)


def test_an_overloaded_org_covers_the_batch(standin: StandIn, crm: SalesforceCrm) -> None:
    standin.fault("status", match={"op": "composite"}, status=503, headers={"Retry-After": "7"})
    with pytest.raises(Retry) as caught:
        crm.apply([lead(1)])
    assert (caught.value.scope, caught.value.after) == (Scope.BATCH, 7.0)
    standin.fault("status", match={"op": "composite"}, status=429, headers={"Retry-After": "9"})
    with pytest.raises(Wait) as slowed:
        crm.apply([lead(1)])
    assert (slowed.value.scope, slowed.value.after) == (Scope.CONNECTION, 9.0)


def test_a_fence_is_asked_before_every_changing_request(standin: StandIn, crm: SalesforceCrm) -> None:
    asked: list[int] = []

    def fence() -> None:
        asked.append(len(crm.calls))
        if len(asked) == 2:
            raise Fenced("Another worker has taken over.")

    with pytest.raises(Fenced) as caught:
        crm.apply([w for n in range(620) for w in (event(n, f"lead{n}"), lead(n))], before_write=fence)
    assert asked == [0, 1]
    assert partial(caught.value).results
    read_only: list[int] = []
    crm.apply(
        [], [ReadOne("Lead", standin.records("Lead")[0]["Id"], ("Email",))], lambda: read_only.append(1)
    )
    assert read_only == []


# -- text that a Composite would misread ---------------------------------------------------------


@pytest.mark.parametrize("text", ["@{w0.id}", "hello @{w0[0].id} there", "@{", "@{nobody.id}"])
def test_guest_text_that_looks_like_a_reference_is_written_literally(
    standin: StandIn, crm: SalesforceCrm, text: str
) -> None:
    writes = [lead(1, LastName=text), event(1, "lead1"), lead(2), event(2, "lead2", Description=text)]
    done = crm.apply(writes)
    assert all(r.ok for r in done.results.values())
    people = {p[CONTACT_ID]: p for p in standin.records("Lead")}
    meetings = {e[BOOKING_ID]: e for e in standin.records("Event")}
    assert people["C-1"]["LastName"] == text
    assert meetings["B-2"]["Description"] == text
    assert meetings["B-1"]["WhoId"] == people["C-1"]["Id"]
    assert meetings["B-2"]["WhoId"] == people["C-2"]["Id"]
    assert len(crm.calls) <= 4
    assert len(done.results) == 4


def test_a_key_that_looks_like_a_reference_is_kept_literally(standin: StandIn, crm: SalesforceCrm) -> None:
    done = crm.apply([lead("@{w0.id}", Email=None), lead(2)])
    assert all(r.ok for r in done.results.values())
    assert {p[CONTACT_ID] for p in standin.records("Lead")} == {"C-@{w0.id}", "C-2"}


def test_many_such_texts_still_are_few_calls(standin: StandIn, crm: SalesforceCrm) -> None:
    writes = [w for n in range(60) for w in (lead(n, Title="@{x}"), event(n, f"lead{n}", Location="@{x}"))]
    assert all(r.ok for r in crm.apply(writes).results.values())
    assert len(crm.calls) == 2


def test_a_refused_parent_of_such_a_child_voids_it_unsent(standin: StandIn, crm: SalesforceCrm) -> None:
    refuse_lead(standin, 1)
    done = crm.apply([lead(1), event(1, "lead1", Location="@{x}")])
    assert done.results["event1"].void
    assert len(crm.calls) == 1


@pytest.mark.parametrize("value", ["half a \ud83d character", float("nan"), object()])
def test_a_value_that_no_json_can_hold_holds_back_its_own_record(
    standin: StandIn, crm: SalesforceCrm, value: object
) -> None:
    done = crm.apply([lead(1, Title=value), event(1, "lead1"), lead(2), event(2, "lead2")])
    error = done.results["lead1"].error
    assert isinstance(error, InputError)
    assert (error.scope, error.fields) == (Scope.FIELD, ("Title",))
    assert done.results["event1"].void
    assert done.results["event2"].ok


def test_a_nul_is_refused_for_its_record_alone(standin: StandIn, crm: SalesforceCrm) -> None:
    done = crm.apply([lead(1, LastName="a\x00b"), lead(2)])
    assert not done.results["lead1"].ok
    assert done.results["lead2"].ok


@pytest.mark.parametrize(
    "text", ["😀 emoji", "\u202eright to left", "'; DROP", "=HYPERLINK(1)", "<b>x</b>", "%_", "\\", "{@}"]
)
def test_any_other_text_arrives_as_it_is(standin: StandIn, crm: SalesforceCrm, text: str) -> None:
    assert crm.apply([lead(1, LastName=text), event(1, "lead1", Subject=text)]).results["event1"].ok
    assert standin.records("Lead")[0]["LastName"] == standin.records("Event")[0]["Subject"] == text
    assert len(crm.calls) == 1


# -- batches that the CRM refuses as a whole -----------------------------------------------------


def rows(request: httpx2.Request) -> list[dict[str, Any]]:
    body = json.loads(request.content)
    return body.get("records", [body])


def refusing_composites(request: httpx2.Request) -> httpx2.Response:
    """An org without Composite that refuses any collection holding the name Bad."""
    if request.url.path.endswith("/composite"):
        return httpx2.Response(
            400, json=[{"errorCode": "JSON_PARSER_ERROR", "message": "Unrecognized field"}]
        )
    if request.method == "GET":
        return httpx2.Response(200, json={"attributes": {"type": "Lead"}, "Title": "old"})
    if any(r.get("LastName") == "Bad" for r in rows(request)):
        return httpx2.Response(
            400, json=[{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]
        )
    ok = {"id": "00Q000000000001", "success": True, "created": True, "errors": []}
    if "/composite/sobjects" in request.url.path:
        return httpx2.Response(200, json=[ok for _ in rows(request)])
    return httpx2.Response(201, json=ok)


def test_a_composite_refused_for_its_shape_goes_in_plain_requests() -> None:
    crm = scripted(refusing_composites)
    done = crm.apply([lead(1), event(1, "lead1")], [ReadOne("Lead", "00Q1", ("Title",))])
    assert all(r.ok for r in done.results.values())
    assert done.reads[("Lead", "00Q1")].get("Title") == "old"  # type: ignore[union-attr]
    assert [c.method for c in crm.calls] == ["POST", "GET", "PATCH", "PATCH"]


def test_a_collection_refused_as_a_whole_is_halved_until_one_is_to_blame() -> None:
    crm = scripted(refusing_composites)
    done = crm.apply([lead(n, LastName="Bad" if n == 77 else "Good") for n in range(100)])
    assert [ref for ref, r in done.results.items() if not r.ok] == ["lead77"]
    error = done.results["lead77"].error
    assert isinstance(error, Bug)
    assert error.scope is Scope.RECORD
    assert len(crm.calls) < 20


def test_a_part_of_a_composite_refused_for_its_content_is_sent_again_halved() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.endswith("/composite"):
            return refusing_composites(request)
        bad = [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]
        halted = [{"errorCode": "PROCESSING_HALTED", "message": "Invalid reference specified."}]
        first, *rest = json.loads(request.content)["compositeRequest"]
        if len(rest) == 0:
            count = len(first["body"]["records"])
            ok = {"id": "00U000000000001", "success": True, "created": True, "errors": []}
            return composed(request, {"httpStatusCode": 200, "body": [ok] * count})
        parts = [
            {"httpStatusCode": 400, "body": bad},
            *({"httpStatusCode": 400, "body": halted} for _ in rest),
        ]
        return composed(request, *parts)

    crm = scripted(answer)
    writes = [lead(n, LastName="Bad" if n == 2 else "Good") for n in range(4)]
    done = crm.apply([*writes, *(event(n, f"lead{n}") for n in range(4))])
    assert [done.results[f"lead{n}"].ok for n in range(4)] == [True, True, False, True]
    assert [done.results[f"event{n}"].ok for n in range(4)] == [True, True, False, True]
    assert done.results["event2"].void


def test_a_sub_request_without_a_reason_is_unknown_for_each_of_its_records() -> None:
    crm = scripted(lambda request: composed(request, {"httpStatusCode": 500, "body": None}))
    for writes in ([lead(1)], [lead(1), lead(2)]):
        for result in crm.apply(writes).results.values():
            assert isinstance(result.error, Retry)
            assert result.error.outcome_unknown
            assert result.error.scope is Scope.BATCH


def test_an_answer_that_leaves_out_records_is_unknown_not_success() -> None:
    ok = {"id": "00Q000000000001", "success": True, "errors": []}
    no_id = {"success": True, "errors": []}
    for body in ([ok], [no_id, no_id], None):
        crm = scripted(lambda request, body=body: composed(request, {"httpStatusCode": 200, "body": body}))
        errors = [r.error for r in crm.apply([lead(1), lead(2)]).results.values()]
        assert all(isinstance(e, Retry) and e.outcome_unknown for e in errors)


def test_an_answer_to_another_question_is_not_taken() -> None:
    """Ids in the wrong order would relate a meeting to the wrong person."""
    ok = {"id": "00Q000000000001", "success": True, "created": True, "errors": []}

    def answer(request: httpx2.Request) -> httpx2.Response:
        parts = [{"httpStatusCode": 201, "body": ok, "referenceId": ref} for ref in ("w1", "w0")]
        return httpx2.Response(200, json={"compositeResponse": parts})

    with pytest.raises(Retry) as caught:
        scripted(answer).apply([lead(1), event(1, "lead1")])
    assert caught.value.outcome_unknown


def test_a_field_that_a_whole_refusal_names_is_the_blame_of_those_who_sent_it() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/composite"):
            asked = json.loads(request.content)["compositeRequest"]
            bad = [{"errorCode": "INVALID_FIELD", "message": "No such column 'X__c' on sobject of type Lead"}]
            return composed(request, *({"httpStatusCode": 400, "body": bad} for _ in asked))
        return refusing_composites(request)

    crm = scripted(answer)
    done = crm.apply([lead(n, **({"X__c": 1} if n % 2 else {})) for n in range(100)])
    assert [r.ok for r in done.results.values()] == [n % 2 == 0 for n in range(100)]
    assert len(crm.calls) == 2


def test_a_batch_that_is_refused_in_every_part_does_not_eat_the_quota() -> None:
    bad = [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]
    crm = scripted(lambda request: httpx2.Response(400, json=bad))
    done = crm.apply([lead(n) for n in range(200)])
    assert len(done.results) == 200
    assert not any(r.ok for r in done.results.values())
    assert len(crm.calls) < 60


def test_children_of_a_composite_refused_as_a_whole_follow_in_plain_requests() -> None:
    """Their own Composite was packed before anybody knew that the parents' one would be refused."""
    crm = scripted(refusing_composites)
    done = crm.apply([w for n in range(620) for w in (lead(n), event(n, f"lead{n}"))])
    assert len(done.results) == 1240
    assert all(r.ok for r in done.results.values())


def test_assignment_rules_stay_out_unless_they_are_wanted() -> None:
    seen: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        parts = json.loads(request.content)["compositeRequest"]
        seen.extend(parts)
        ok = {"id": "00Q000000000001", "success": True, "created": True, "errors": []}
        return composed(request, *({"httpStatusCode": 201, "body": ok} for _ in parts))

    with_rules = Write(
        "l2", "b", Action.UPSERT, "Lead", changes({"LastName": "x"}), key=("K", "2"), auto_assign=True
    )
    scripted(answer).apply([lead(1), with_rules, event(1)])
    off, on = {"Sforce-Auto-Assign": "FALSE"}, {"Sforce-Auto-Assign": "TRUE"}
    assert [part.get("httpHeaders") for part in seen] == [off, on, None]
