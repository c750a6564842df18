"""One record at a time: create, read, update, upsert, delete, and every refusal's code, fields and status."""

from __future__ import annotations

from typing import Any

import pytest

from standins.sf import BASE, Client

LEAD = {"LastName": "Ångström", "Company": "Nordlys"}
START, END = "2026-10-05T08:00:00Z", "2026-10-05T08:30:00Z"
EVENT = {"Subject": "Demo", "StartDateTime": START, "EndDateTime": END}


def test_record_lives_from_create_to_second_delete(sf: Client) -> None:
    """201 with Location, 200 with attributes first, 204 twice, then 404 ENTITY_IS_DELETED."""
    made = sf.call("POST", "/sobjects/Lead", {**LEAD, "FirstName": "Søren"})
    record_id = made.json()["id"]
    assert made.json() == {"id": record_id, "success": True, "errors": []}
    assert made.headers["Location"] == f"{BASE}/sobjects/Lead/{record_id}"
    record = sf.call("GET", f"/sobjects/lead/{record_id[:15]}").json()
    assert next(iter(record)) == "attributes"
    assert (record["Name"], record["Status"], record["IsConverted"]) == (
        "Søren Ångström",
        "Open - Not Contacted",
        False,
    )
    assert record["CreatedDate"] == "2026-09-21T14:13:20.000+0000"
    changed = sf.call("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "CTO"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert "content-type" not in changed.headers
    assert sf.call("DELETE", f"/sobjects/Lead/{record_id}").status_code == 204
    assert sf.refusal("DELETE", f"/sobjects/Lead/{record_id}")[:2] == (404, "ENTITY_IS_DELETED")


def test_asked_fields_only(sf: Client) -> None:
    record_id = sf.create("Lead", **LEAD)
    body = sf.call("GET", f"/sobjects/Lead/{record_id}?fields=Company,LastName").json()
    assert list(body) == ["attributes", "Id", "Company", "LastName"]


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"LastName": "A"}, "REQUIRED_FIELD_MISSING", ["Company"]),
        ({}, "REQUIRED_FIELD_MISSING", ["LastName", "Company"]),
        ({**LEAD, "Company": "   "}, "REQUIRED_FIELD_MISSING", ["Company"]),
        ({**LEAD, "Foo__c": 1}, "INVALID_FIELD", None),
        ({**LEAD, "Name": "A B"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]),
        ({**LEAD, "CreatedDate": START}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        ({**LEAD, "FirstName": "x" * 41}, "STRING_TOO_LONG", ["FirstName"]),
        ({**LEAD, "Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({**LEAD, "Email": "sør@mail.example"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({**LEAD, "CleanStatus": "Odd"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CleanStatus"]),
        ({**LEAD, "OwnerId": "005"}, "MALFORMED_ID", ["OwnerId"]),
        ({**LEAD, "OwnerId": "001Hs0000000001"}, "MALFORMED_ID", ["OwnerId"]),
        ({**LEAD, "OwnerId": "005Hs0000000099"}, "INVALID_CROSS_REFERENCE_KEY", []),
        ({**LEAD, "OwnerId": "005Hs0000000005"}, "INACTIVE_OWNER_OR_USER", []),
        ({**LEAD, "NumberOfEmployees": "12"}, "JSON_PARSER_ERROR", None),
        ({**LEAD, "IsUnreadByOwner": "true"}, "JSON_PARSER_ERROR", None),
        ({**LEAD, "Title": "nul \x00 byte"}, "JSON_PARSER_ERROR", None),
        ({**LEAD, "Title": 5}, "JSON_PARSER_ERROR", None),
        ({**LEAD, "Id": "00QHs0000000001"}, "INVALID_FIELD", None),
    ],
)
def test_refused_lead_says_why_and_leaves_nothing(
    sf: Client, fields: dict[str, Any], code: str, named: list[str] | None
) -> None:
    assert sf.refusal("POST", "/sobjects/Lead", fields)[:3] == (400, code, named)
    assert sf.stored("Lead") == []


def test_messages_are_to_the_letter(sf: Client) -> None:
    told = [
        sf.refusal("POST", "/sobjects/Lead", fields)[3]
        for fields in (
            {},
            {**LEAD, "Foo__c": 1},
            {**LEAD, "OwnerId": "005Hs0000000005"},
            {**LEAD, "Email": "foo"},
        )
    ]
    assert told == [
        "Required fields are missing: [LastName, Company]",
        "No such column 'Foo__c' on sobject of type Lead",
        "operation performed with inactive user [005Hs0000000005] as owner of lead",
        "Email: invalid email address: foo",
    ]


def test_lengths_count_characters_not_bytes(sf: Client) -> None:
    record_id = sf.create("Lead", **{**LEAD, "FirstName": "😀" * 40})
    assert sf.get("Lead", record_id)["FirstName"] == "😀" * 40


def test_text_is_trimmed_and_blank_is_null(sf: Client) -> None:
    record_id = sf.create("Lead", **LEAD, Title="  CTO ", City=" ")
    record = sf.get("Lead", record_id)
    assert (record["Title"], record["City"]) == ("CTO", None)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/sobjects/Lead", b'{"LastName": ', (400, "JSON_PARSER_ERROR")),
        ("/sobjects/Lead", b"[1]", (400, "JSON_PARSER_ERROR")),
        ("/sobjects/Lead", b'{"NumberOfEmployees": NaN}', (400, "JSON_PARSER_ERROR")),
        ("/sobjects/Nothing__c", b"{}", (404, "NOT_FOUND")),
        ("/unheard-of", b"{}", (404, "NOT_FOUND")),
    ],
)
def test_body_or_address_that_is_no_call(
    sf: Client, path: str, body: bytes, expected: tuple[int, str]
) -> None:
    answer = sf.http.post(BASE + path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == expected


def test_wrong_method_and_content_type(sf: Client) -> None:
    assert sf.refusal("PATCH", "/sobjects/Lead", {})[:2] == (405, "METHOD_NOT_ALLOWED")
    answer = sf.http.post(BASE + "/sobjects/Lead", content=b"a=b", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_versions_need_no_session_and_unknown_ones_are_not_there(sf: Client) -> None:
    versions = sf.http.get("/services/data/", headers={"Authorization": ""}).json()
    assert [v["version"] for v in versions] == [f"{n}.0" for n in range(60, 69)]
    assert [versions[i]["label"] for i in (0, 1, 2, 8)] == [
        "Spring '24",
        "Summer '24",
        "Winter '25",
        "Winter '27",
    ]
    assert sf.http.get("/services/data/v59.0/limits").status_code == 404


def test_unknown_ids(sf: Client) -> None:
    gone = "/sobjects/Lead/00QHs0000000009"
    assert sf.refusal("PATCH", gone, {"Title": "x"})[:2] == (404, "INVALID_CROSS_REFERENCE_KEY")
    assert sf.refusal("GET", gone)[:2] == (404, "NOT_FOUND")
    assert sf.refusal("PATCH", "/sobjects/Lead/nonsense", {"Title": "x"})[1] == "MALFORMED_ID"


# -- upsert -------------------------------------------------------------------------------------------


def test_upsert_creates_then_updates_and_never_doubles(sf: Client) -> None:
    """201 created, then 200; case does not matter, nor does the way the value is encoded in the address."""
    sf.install()
    path = "/sobjects/Event/Instep_Booking_Id__c/BKNG%2F1"
    first = sf.call("PATCH", path, EVENT)
    second = sf.call("PATCH", path.replace("BKNG", "bkng"), {"Subject": "New"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    [event] = sf.stored("Event")
    assert (event["Instep_Booking_Id__c"], event["Subject"]) == ("BKNG/1", "New")
    assert sf.call("GET", path).json()["Id"] == event["Id"]


def test_upsert_refusals(sf: Client) -> None:
    sf.install()
    body = {**EVENT, "Instep_Booking_Id__c": "B"}
    refused = sf.refusal("PATCH", "/sobjects/Event/Instep_Booking_Id__c/B", body)
    assert refused == (
        400,
        "INVALID_FIELD",
        None,
        "The Instep_Booking_Id__c field should not be specified in the sobject data.",
    )
    assert sf.refusal("PATCH", "/sobjects/Event/Location/B", EVENT)[:2] == (404, "NOT_FOUND")


def test_upsert_by_a_shared_email_answers_300_with_the_addresses(sf: Client) -> None:
    made = [sf.create("Lead", **LEAD, Email="a@mail.example") for _ in range(2)]
    answer = sf.call("PATCH", "/sobjects/Lead/Email/A@mail.example", {"Title": "x"})
    assert (answer.status_code, answer.json()) == (300, [f"{BASE}/sobjects/Lead/{i}" for i in made])


def test_unique_value_is_refused_with_the_holder(sf: Client) -> None:
    sf.install()
    held = sf.create("Event", **EVENT, Instep_Booking_Id__c="B-1")
    refused = sf.refusal("POST", "/sobjects/Event", {**EVENT, "Instep_Booking_Id__c": "b-1"})
    assert refused[1] == "DUPLICATE_VALUE"
    assert refused[3].endswith(f"Instep_Booking_Id__c duplicates value on record with id: {held[:15]}")
    sf.call("DELETE", f"/sobjects/Event/{held}")
    sf.create("Event", **EVENT, Instep_Booking_Id__c="b-1")


# -- events -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Subject": "x"}, "REQUIRED_FIELD_MISSING", ["DurationInMinutes", "ActivityDateTime"]),
        ({"StartDateTime": START}, "REQUIRED_FIELD_MISSING", ["DurationInMinutes"]),
        ({"EndDateTime": END}, "REQUIRED_FIELD_MISSING", ["ActivityDateTime"]),
        ({"StartDateTime": END, "EndDateTime": START}, "FIELD_INTEGRITY_EXCEPTION", ["EndDateTime"]),
        ({**EVENT, "DurationInMinutes": 31}, "FIELD_INTEGRITY_EXCEPTION", ["DurationInMinutes"]),
        (
            {"StartDateTime": START, "EndDateTime": "2026-10-19T08:01:00Z"},
            "FIELD_INTEGRITY_EXCEPTION",
            ["EndDateTime"],
        ),
        ({"StartDateTime": "2026-10-05T08:00:00", "EndDateTime": END}, "JSON_PARSER_ERROR", None),
        ({"StartDateTime": "9999-10-05T08:00:00Z", "EndDateTime": END}, "JSON_PARSER_ERROR", None),
        ({**EVENT, "ShowAs": "Sleeping"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["ShowAs"]),
        ({**EVENT, "WhoId": "001Hs0000000001"}, "FIELD_INTEGRITY_EXCEPTION", ["WhoId"]),
        ({**EVENT, "OwnerId": "00GHs0000000001"}, "MALFORMED_ID", ["OwnerId"]),
        ({**EVENT, "OwnerId": "005Hs0000000005"}, "INACTIVE_OWNER_OR_USER", []),
        ({**EVENT, "AccountId": "001Hs0000000001"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["AccountId"]),
    ],
)
def test_refused_event(sf: Client, fields: dict[str, Any], code: str, named: list[str] | None) -> None:
    assert sf.refusal("POST", "/sobjects/Event", fields)[:3] == (400, code, named)


def test_event_of_fourteen_days_is_the_longest(sf: Client) -> None:
    sf.create("Event", StartDateTime=START, EndDateTime="2026-10-19T08:00:00Z")


@pytest.mark.parametrize(
    ("change", "start", "end", "minutes"),
    [
        ({"StartDateTime": "2026-10-06T10:00:00+02:00"}, "2026-10-06T08:00", "2026-10-06T08:30", 30),
        ({"EndDateTime": "2026-10-05T09:00:00Z"}, "2026-10-05T08:00", "2026-10-05T09:00", 60),
        ({"DurationInMinutes": 45}, "2026-10-05T08:00", "2026-10-05T08:45", 45),
    ],
)
def test_moving_an_event(sf: Client, change: dict[str, Any], start: str, end: str, minutes: int) -> None:
    """Only the start moves both ends; the end alone stretches; times come back in UTC."""
    record_id = sf.create("Event", **EVENT)
    sf.call("PATCH", f"/sobjects/Event/{record_id}", change)
    event = sf.get("Event", record_id)
    assert event["StartDateTime"] == event["ActivityDateTime"] == f"{start}:00.000+0000"
    assert event["EndDateTime"] == f"{end}:00.000+0000"
    assert (event["DurationInMinutes"], event["ActivityDate"]) == (minutes, start[:10])


def test_all_day_event(sf: Client) -> None:
    event = sf.get("Event", sf.create("Event", IsAllDayEvent=True, ActivityDate="2026-10-05"))
    assert (event["ActivityDate"], event["DurationInMinutes"], event["ActivityDateTime"]) == (
        "2026-10-05",
        1440,
        None,
    )


def test_lead_and_what_exclude_each_other(sf: Client) -> None:
    lead, account = sf.create("Lead", **LEAD), sf.create("Account", Name="Acme")
    refused = sf.refusal("POST", "/sobjects/Event", {**EVENT, "WhoId": lead, "WhatId": account})
    assert refused[:3] == (400, "FIELD_INTEGRITY_EXCEPTION", ["WhatId"])


def test_account_of_an_event_is_derived(sf: Client) -> None:
    account = sf.create("Account", Name="Acme")
    contact = sf.create("Contact", LastName="A", AccountId=account)
    case = sf.create("Case", Subject="Help", ContactId=contact)
    assert sf.get("Case", case)["AccountId"] == account
    assert sf.get("Event", sf.create("Event", **EVENT, WhoId=contact))["AccountId"] == account
    assert sf.get("Event", sf.create("Event", **EVENT, WhatId=case))["AccountId"] == account


def test_converted_lead_is_closed_and_its_events_move(sf: Client) -> None:
    lead = sf.create("Lead", **LEAD)
    event = sf.create("Event", **EVENT, WhoId=lead)
    made = sf.fake("convert-lead", {"leadId": lead})
    assert sf.get("Event", event)["WhoId"] == made["contactId"]
    assert sf.get("Lead", lead)["ConvertedContactId"] == made["contactId"]
    for call in (
        ("PATCH", f"/sobjects/Lead/{lead}", {"Title": "x"}),
        ("POST", "/sobjects/Event", {**EVENT, "WhoId": lead}),
    ):
        assert sf.refusal(*call)[:2] == (400, "CANNOT_UPDATE_CONVERTED_LEAD")


def test_lead_converted_into_a_contact_that_is_there(sf: Client) -> None:
    lead, contact = sf.create("Lead", **LEAD), sf.create("Contact", LastName="A")
    assert sf.fake("convert-lead", {"leadId": lead, "contactId": contact})["contactId"] == contact
    assert len(sf.stored("Contact")) == 1


def test_events_of_more_than_a_year_ago_are_archived(sf: Client) -> None:
    """Gone from query, there in queryAll and by id, still changeable; an upsert does not meet them."""
    sf.install()
    old = {"StartDateTime": "2025-09-20T08:00:00Z", "EndDateTime": "2025-09-20T09:00:00Z"}
    path = "/sobjects/Event/Instep_Booking_Id__c/B-9"
    record_id = sf.call("PATCH", path, old).json()["id"]
    assert sf.rows("SELECT Id FROM Event") == []
    [row] = sf.rows("SELECT Id, IsArchived FROM Event", all_rows=True)
    assert row["IsArchived"] is True
    assert sf.call("PATCH", f"/sobjects/Event/{record_id}", {"Subject": "x"}).status_code == 204
    assert sf.refusal("PATCH", path, old)[:2] == (400, "DUPLICATE_VALUE")


def test_every_answer_tells_the_calls_used(sf: Client) -> None:
    """Each REST request counts one, a composite one, token, versions and orders none."""
    sf.fake("settings", {"apiUsed": 17})
    answer = sf.call("GET", "/limits")
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=18/15000"
    assert answer.json()["DailyApiRequests"] == {"Max": 15000, "Remaining": 14982}
    before = sf.fake("calls", method="GET")["counted"]
    sf.composite(("a", "GET", "/limits", None), ("b", "GET", "/limits", None))
    sf.token(grant_type="client_credentials")
    sf.http.get("/services/data/")
    assert sf.fake("calls", method="GET")["counted"] == before + 1


def test_used_up_limit_refuses_until_raised(sf: Client) -> None:
    sf.fake("settings", {"apiMax": 1, "apiUsed": 1})
    refused = sf.refusal("POST", "/sobjects/Lead", LEAD)
    assert (refused[0], refused[1], refused[3]) == (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    )
    assert sf.stored("Lead") == []
    sf.fake("settings", {"apiMax": 9})
    sf.create("Lead", **LEAD)
