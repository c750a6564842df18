"""Composite and Collections: references, voided dependents, rollbacks, row answers and the limits of both."""

from __future__ import annotations

from typing import Any

import pytest

from standins.sf import BASE, Client

LEAD = {"LastName": "A", "Company": "C"}
EVENT = {"StartDateTime": "2026-10-05T08:00:00Z", "DurationInMinutes": 30}


def rows_of(name: str, *records: dict[str, Any]) -> dict[str, Any]:
    return {"records": [{"attributes": {"type": name}, **record} for record in records]}


def test_children_refer_to_new_parents_of_a_collection(sf: Client) -> None:
    """`@{leads[1].id}` in any string at any depth, and `@{q.records[0].Id}` of a query."""
    answers = sf.composite(
        ("leads", "POST", "/composite/sobjects", rows_of("Lead", LEAD, {**LEAD, "LastName": "B"})),
        ("events", "POST", "/composite/sobjects", rows_of("Event", {**EVENT, "WhoId": "@{leads[1].id}"})),
        ("q", "GET", "/query?q=SELECT+Id,Name+FROM+Lead+WHERE+LastName='A'", None),
        ("one", "PATCH", "/sobjects/Lead/@{q.records[0].Id}", {"Title": "found @{q.records[0].Name}!"}),
        ("made", "POST", "/sobjects/Lead", LEAD),
        ("case", "POST", "/sobjects/Case", {"Subject": "of @{made.id}"}),
    )
    assert [a["httpStatusCode"] for a in answers.values()] == [200, 200, 200, 204, 201, 201]
    leads = [row["id"] for row in answers["leads"]["body"]]
    assert [event["WhoId"] for event in sf.stored("Event")] == [leads[1]]
    assert sf.get("Lead", leads[0])["Title"] == "found A!"
    made = answers["made"]
    assert made["httpHeaders"]["Location"] == f"{BASE}/sobjects/Lead/{made['body']['id']}"
    assert sf.stored("Case")[0]["Subject"] == f"of {made['body']['id']}"
    assert answers["one"]["body"] is None


def test_failed_parent_voids_the_whole_dependent_collection(sf: Client) -> None:
    """One reference without a value halts the sub-request: the row that had its parent is not written either."""
    answers = sf.composite(
        ("leads", "POST", "/composite/sobjects", rows_of("Lead", LEAD, {"LastName": "no company"})),
        (
            "events",
            "POST",
            "/composite/sobjects",
            rows_of("Event", {**EVENT, "WhoId": "@{leads[0].id}"}, {**EVENT, "WhoId": "@{leads[1].id}"}),
        ),
        ("free", "POST", "/sobjects/Account", {"Name": "untouched"}),
    )
    assert [row["success"] for row in answers["leads"]["body"]] == [True, False]
    assert answers["events"]["httpStatusCode"] == 400
    [error] = answers["events"]["body"]
    assert error["errorCode"] == "PROCESSING_HALTED"
    assert error["message"].startswith(
        "Invalid reference specified. No value for leads[1].id found in leads. Missing"
    )
    assert answers["free"]["httpStatusCode"] == 201
    assert sf.stored("Event") == []


@pytest.mark.parametrize("text", ["@{a.b}", "see @{leads[0].id} there", "open @{leads", "@{}"])
def test_guest_text_is_taken_for_a_reference(sf: Client, text: str) -> None:
    """As in a real org: text with `@{` voids its sub-request, or is replaced by what it names."""
    answers = sf.composite(
        ("leads", "POST", "/composite/sobjects", rows_of("Lead", LEAD)),
        ("events", "POST", "/composite/sobjects", rows_of("Event", {**EVENT, "Subject": text})),
    )
    if "leads[0].id" in text:
        assert sf.stored("Event")[0]["Subject"] == text.replace(
            "@{leads[0].id}", answers["leads"]["body"][0]["id"]
        )
    else:
        assert answers["events"]["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert sf.stored("Event") == []


def test_outside_a_composite_such_text_is_only_text(sf: Client) -> None:
    sf.collection("POST", "Event", [{**EVENT, "Subject": "@{leads[0].id}"}])
    assert sf.stored("Event")[0]["Subject"] == "@{leads[0].id}"


def test_all_or_none_takes_everything_back(sf: Client) -> None:
    answers = sf.composite(
        ("ok", "POST", "/sobjects/Lead", LEAD),
        ("bad", "POST", "/sobjects/Lead", {}),
        ("later", "POST", "/sobjects/Lead", LEAD),
        allOrNone=True,
    )
    codes = {name: answer["body"][0]["errorCode"] for name, answer in answers.items()}
    assert codes == {"ok": "PROCESSING_HALTED", "bad": "REQUIRED_FIELD_MISSING", "later": "PROCESSING_HALTED"}
    assert answers["ok"]["body"][0]["message"] == (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    assert sf.stored("Lead") == []


def test_missing_object_inside(sf: Client) -> None:
    answer = sf.composite(("x", "POST", "/sobjects/Nope__c", {}))["x"]
    assert answer["httpStatusCode"] == 404
    assert answer["body"] == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def sub(reference: str, path: str = "/limits") -> dict[str, Any]:
    return {"method": "GET", "url": BASE + path, "referenceId": reference}


@pytest.mark.parametrize(
    "body",
    [
        {"compositeRequest": [sub(f"r{n}") for n in range(26)]},
        {"compositeRequest": [sub(f"q{n}", "/query?q=SELECT+Id+FROM+Lead") for n in range(6)]},
        {"compositeRequest": [sub("same"), sub("same")]},
        {"compositeRequest": [sub("1st")]},
        {"compositeRequest": [sub("a-b")]},
        {"compositeRequest": [{**sub("a"), "extra": 1}]},
        {"compositeRequest": [{"method": "GET", "url": "x"}]},
        {"compositeRequest": [], "allOrNone": False},
        {"compositeRequest": [sub("a")], "unknown": True},
        [],
    ],
)
def test_malformed_composite_is_refused_as_a_whole(sf: Client, body: Any) -> None:
    answer = sf.call("POST", "/composite", body)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] in ("JSON_PARSER_ERROR", "LIMIT_EXCEEDED")


def test_five_queries_and_collections_pass(sf: Client) -> None:
    paths = ["/query?q=SELECT+Id+FROM+Lead"] * 4
    subs = [(f"q{n}", "GET", path, None) for n, path in enumerate(paths)]
    answers = sf.composite(*subs, ("c", "POST", "/composite/sobjects", rows_of("Lead", LEAD)))
    assert all(answer["httpStatusCode"] == 200 for answer in answers.values())


@pytest.mark.parametrize(
    "path", ["/composite", "/composite/batch", "/metadata/deployRequest", "/composite/tree/Lead"]
)
def test_what_a_composite_cannot_hold(sf: Client, path: str) -> None:
    answer = sf.composite(("x", "POST", path, {"compositeRequest": [sub("a")], "batchRequests": []}))["x"]
    assert answer["httpStatusCode"] == 404


def test_batch_runs_calls_that_do_not_know_each_other(sf: Client) -> None:
    requests = [
        {"method": "POST", "url": "v68.0/sobjects/Lead", "richInput": LEAD},
        {"method": "GET", "url": "v68.0/sobjects/Lead/00QHs0000000099"},
    ]
    body = sf.call("POST", "/composite/batch", {"batchRequests": requests}).json()
    assert body["hasErrors"] is True
    assert [result["statusCode"] for result in body["results"]] == [201, 404]


def test_tree_is_all_or_none(sf: Client) -> None:
    good = {"attributes": {"type": "Lead", "referenceId": "r1"}, **LEAD}
    bad = {"attributes": {"type": "Lead", "referenceId": "r2"}, "LastName": "x"}
    refused = sf.call("POST", "/composite/tree/Lead", {"records": [good, bad]})
    assert (refused.status_code, sf.stored("Lead")) == (400, [])
    assert sf.call("POST", "/composite/tree/Lead", {"records": [good]}).status_code == 201


# -- collections --------------------------------------------------------------------------------------


def test_each_row_has_its_own_answer_in_order(sf: Client) -> None:
    rows = sf.collection("POST", "Lead", [LEAD, {"LastName": "x"}, {**LEAD, "OwnerId": "zzz"}, LEAD])
    assert [row["success"] for row in rows] == [True, False, False, True]
    assert rows[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Company]",
                "fields": ["Company"],
            }
        ],
    }
    assert rows[2]["errors"][0]["statusCode"] == "MALFORMED_ID"
    assert len(sf.stored("Lead")) == 2


def test_all_or_none_rolls_good_rows_back(sf: Client) -> None:
    rows = sf.collection("POST", "Lead", [LEAD, {"LastName": "x"}], allOrNone=True)
    assert [row["errors"][0]["statusCode"] for row in rows] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert sf.stored("Lead") == []


def test_upsert_rows(sf: Client) -> None:
    """created tells what happened; a refused row says created:true and success:false; doubles are refused."""
    sf.install()
    field = "Instep_Booking_Id__c"
    first = sf.collection("PATCH", "Event", [{**EVENT, field: "B1"}, {**EVENT, field: "B2"}], field)
    again = sf.collection(
        "PATCH",
        "Event",
        [{"Subject": "x", field: "b1"}, {field: "B3"}, {**EVENT}, {"Subject": "y", field: "B1"}],
        field,
    )
    assert [row["created"] for row in first] == [True, True]
    assert again[0] == {"id": first[0]["id"], "success": True, "errors": [], "created": False}
    codes = [(row["success"], row["created"], row["errors"][0]["statusCode"]) for row in again[1:]]
    assert codes == [
        (False, True, "REQUIRED_FIELD_MISSING"),
        (False, True, "MISSING_ARGUMENT"),
        (False, True, "DUPLICATE_VALUE"),
    ]
    assert sorted(event[field] for event in sf.stored("Event")) == ["B1", "B2"]


def test_upsert_by_an_unknown_field_is_refused_as_a_whole(sf: Client) -> None:
    refused = sf.refusal("PATCH", "/composite/sobjects/Event/Nope__c", rows_of("Event", EVENT))
    assert refused[:2] == (404, "NOT_FOUND")
    assert refused[3] == "Provided external ID field does not exist or is not accessible: Nope__c"


def test_update_of_mixed_types(sf: Client) -> None:
    lead, account = sf.create("Lead", **LEAD), sf.create("Account", Name="A")
    records = [
        {"attributes": {"type": "Lead"}, "id": lead, "Title": "CTO"},
        {"attributes": {"type": "Account"}, "Id": account, "Name": "B"},
        {"attributes": {"type": "Account"}, "Id": account, "Name": "C"},
        {"attributes": {"type": "Lead"}, "Title": "no id"},
        {"attributes": {"type": "Lead"}, "id": "00QHs0000000099AAA", "Title": "x"},
    ]
    rows = sf.call("PATCH", "/composite/sobjects", {"records": records}).json()
    assert [row["success"] for row in rows] == [True, True, False, False, False]
    assert (sf.get("Lead", lead)["Title"], sf.get("Account", account)["Name"]) == ("CTO", "B")


def test_delete_by_ids(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    path = f"/composite/sobjects?ids={lead},{lead},bad&allOrNone=false"
    rows = sf.call("DELETE", path).json()
    assert [row["success"] for row in rows] == [True, False, False]
    assert rows[1]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"


def test_retrieve_answers_null_for_what_is_not_there(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    body = {"ids": [lead, "00QHs0000000099AAA"], "fields": ["Company"]}
    rows = sf.call("POST", "/composite/sobjects/Lead", body).json()
    assert (rows[0]["Id"], rows[0]["Company"], rows[1]) == (lead, "C", None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (rows_of("Lead", *[LEAD] * 201), "EXCEEDED_ID_LIMIT"),
        (
            {"records": [{"attributes": {"type": t}, "Name": "x"} for t in ["Account", "Case"] * 6]},
            "LIMIT_EXCEEDED",
        ),
        ({"records": [{"LastName": "no type"}]}, "INVALID_TYPE"),
        ({"records": {}}, "JSON_PARSER_ERROR"),
        ({"records": [1]}, "JSON_PARSER_ERROR"),
        ({"records": [], "allOrNon": True}, "JSON_PARSER_ERROR"),
        ({"records": [], "allOrNone": "true"}, "JSON_PARSER_ERROR"),
    ],
)
def test_malformed_collection_is_refused_as_a_whole(sf: Client, body: Any, code: str) -> None:
    assert sf.refusal("POST", "/composite/sobjects", body)[:2] == (400, code)


def test_ten_chunks_of_two_types_pass(sf: Client) -> None:
    records = [
        {"attributes": {"type": t}, "Name" if t == "Account" else "Subject": "x"}
        for t in ["Account", "Case"] * 5
    ]
    rows = sf.call("POST", "/composite/sobjects", {"records": records}).json()
    assert all(row["success"] for row in rows)


def test_one_unknown_field_can_be_ordered_to_refuse_the_whole_collection(sf: Client) -> None:
    sf.fake("settings", {"wholeRefusal": True})
    refused = sf.refusal("POST", "/composite/sobjects", rows_of("Lead", LEAD, {**LEAD, "Foo__c": 1}))
    assert (refused[0], refused[1], sf.stored("Lead")) == (400, "INVALID_FIELD", [])
