"""Cases, several people on an Event, invitees, and person accounts."""

from __future__ import annotations

from typing import Any

import pytest

from standins.sf import Client
from standins.test_describe import differences, recording

TIMES = {"StartDateTime": "2026-10-05T08:00:00Z", "EndDateTime": "2026-10-05T08:30:00Z"}
CONTACT = {"LastName": "Hopper", "Email": "grace@navy.example"}


def switch(sf: Client, **features: bool) -> None:
    sf.fake("features", features)


@pytest.fixture
def person(sf: Client) -> str:
    """The id of the person record type, in an org with person accounts."""
    switch(sf, personAccounts=True)
    return sf.rows("SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true")[0]["Id"]


# -- cases --------------------------------------------------------------------------------------------


def test_a_case_is_numbered_and_fills_itself_from_its_contact(sf: Client) -> None:
    account = sf.create("Account", Name="Navy")
    contact = sf.create("Contact", **CONTACT, AccountId=account, Phone="1")
    first = sf.create(
        "Case", Subject="Demo", ContactId=contact, Origin="Web", SuppliedEmail="other@navy.example"
    )
    case = sf.get("Case", first)
    assert {n: case[n] for n in ("Status", "Priority", "AccountId", "ContactEmail", "ContactPhone", "IsClosed")} == {
        "Status": "New", "Priority": "Medium", "AccountId": account, "ContactEmail": "grace@navy.example",
        "ContactPhone": "1", "IsClosed": False,
    }  # fmt: skip
    second = sf.get("Case", sf.create("Case"))
    assert int(second["CaseNumber"]) == int(case["CaseNumber"]) + 1
    assert sf.refusal("POST", "/sobjects/Case", {"CaseNumber": "1"})[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert sf.call("PATCH", f"/sobjects/Case/{first}", {"Status": "Closed"}).status_code == 204
    closed = sf.get("Case", first)
    assert closed["IsClosed"]
    assert closed["ClosedDate"]


def test_a_process_decides_the_status_of_a_new_case(sf: Client) -> None:
    sf.fake("processes", {"object": "Case", "name": "Visits", "values": ["Working", "Closed"]})
    made = sf.fake("record-types", {"object": "Case", "name": "Visit", "process": "Visits"})
    assert sf.get("Case", sf.create("Case", RecordTypeId=made["Id"]))["Status"] == "Working"
    assert sf.get("Case", sf.create("Case"))["Status"] == "New"


def test_an_event_on_a_case_has_its_account_and_never_a_lead(sf: Client) -> None:
    account = sf.create("Account", Name="Navy")
    contact = sf.create("Contact", **CONTACT, AccountId=account)
    case = sf.create("Case", ContactId=contact)
    event = sf.get("Event", sf.create("Event", WhoId=contact, WhatId=case, **TIMES))
    assert event["AccountId"] == account
    lead = sf.create("Lead", LastName="x", Company="y")
    for what in (case, account):
        refused = sf.refusal("POST", "/sobjects/Event", {"WhoId": lead, "WhatId": what, **TIMES})
        assert refused[:3] == (400, "FIELD_INTEGRITY_EXCEPTION", ["WhatId"])


# -- several people, invitees -------------------------------------------------------------------------


def test_event_who_ids_exist_with_shared_activities_only(sf: Client) -> None:
    one, two = sf.create("Contact", **CONTACT), sf.create("Contact", LastName="b")
    refused = sf.refusal("POST", "/sobjects/Event", {"EventWhoIds": [one, two], **TIMES})
    assert refused[1] == "INVALID_FIELD"
    assert "No such column 'EventWhoIds'" in refused[3]
    switch(sf, sharedActivities=True)
    children = sf.call("GET", "/sobjects/Event/describe").json()["childRelationships"]
    assert ["EventWhoIds"] in [child["junctionIdListNames"] for child in children]
    event = sf.create("Event", EventWhoIds=[one, two], **TIMES)
    told = sf.get("Event", event)
    assert (told["WhoId"], told["WhoCount"], told["WhatCount"]) == (one, 2, 0)
    query = f"SELECT RelationId, IsParent, IsWhat FROM EventRelation WHERE EventId = '{event}'"
    assert [(row["RelationId"], row["IsParent"]) for row in sf.rows(query)] == [(one, True), (two, True)]
    assert sf.call("PATCH", f"/sobjects/Event/{event}", {"Subject": "still two"}).status_code == 204
    assert len(sf.rows(query)) == 2
    assert sf.call("PATCH", f"/sobjects/Event/{event}", {"EventWhoIds": [two]}).status_code == 204
    assert [row["RelationId"] for row in sf.rows(query)] == [two]
    assert sf.get("Event", event)["WhoId"] == two


def test_an_event_has_one_lead_or_fifty_contacts(sf: Client) -> None:
    switch(sf, sharedActivities=True)
    lead, contact = sf.create("Lead", LastName="x", Company="y"), sf.create("Contact", **CONTACT)
    for people in ([lead, contact], [contact] * 51):
        assert sf.refusal("POST", "/sobjects/Event", {"EventWhoIds": people, **TIMES})[:3] == (
            400, "FIELD_INTEGRITY_EXCEPTION", ["EventWhoIds"],
        )  # fmt: skip
    assert sf.stored("Event") == []


def test_an_invited_user_has_a_copy_that_follows_the_event(sf: Client) -> None:
    user = sf.rows("SELECT Id FROM User WHERE Username = 'greta.lindqvist@acme.example'")[0]["Id"]
    event = sf.create("Event", Subject="Demo", **TIMES)
    sf.create("EventRelation", EventId=event, RelationId=user)
    assert (
        sf.refusal("POST", "/sobjects/EventRelation", {"EventId": event, "RelationId": user})[1]
        == "DUPLICATE_VALUE"
    )
    sf.call(
        "PATCH", f"/sobjects/Event/{event}", {"Subject": "Moved", "StartDateTime": "2026-10-06T08:00:00Z"}
    )
    [copy] = sf.rows("SELECT Id, OwnerId, Subject, StartDateTime FROM Event WHERE IsChild = true")
    assert (copy["OwnerId"], copy["Subject"]) == (user, "Moved")
    assert copy["StartDateTime"] == "2026-10-06T08:00:00.000+0000"
    sf.call("DELETE", f"/sobjects/Event/{event}")
    assert sf.rows("SELECT Id FROM Event") == []


# -- person accounts ----------------------------------------------------------------------------------


def test_person_accounts_have_the_fields_of_a_recorded_org(sf: Client, person: str) -> None:
    """As in the recording of such an org, picklists apart that it has changed."""
    theirs = recording("Account", "cassettes/GET_sobjects_Account_PersonAccount_describe.yaml")
    ours = sf.call("GET", "/sobjects/Account/describe").json()
    # The rest of the object is compared with a plain org; this one has lost some fields and changed some picklists.
    of_persons = {field["name"] for field in ours["fields"]} - {
        field["name"] for field in recording("Account")["fields"]
    }
    of_persons.add("Name")
    for body in (ours, theirs):
        body["fields"] = [field for field in body["fields"] if field["name"] in of_persons]
    assert len(of_persons) > 40
    assert differences(ours, theirs) == []


def test_a_person_account_is_two_rows_in_step(sf: Client, person: str) -> None:
    account = sf.create(
        "Account", RecordTypeId=person, FirstName="Grace", LastName="Hopper", PersonEmail="g@navy.example"
    )
    [row] = sf.rows(
        "SELECT Id, Name, IsPersonAccount, PersonContactId FROM Account WHERE PersonEmail = 'G@navy.example'"
    )
    assert (row["Id"], row["Name"], row["IsPersonAccount"]) == (account, "Grace Hopper", True)
    contact = sf.get("Contact", row["PersonContactId"])
    assert {n: contact[n] for n in ("Name", "Email", "AccountId", "IsPersonAccount")} == {
        "Name": "Grace Hopper", "Email": "g@navy.example", "AccountId": account, "IsPersonAccount": True,
    }  # fmt: skip
    sf.call("PATCH", f"/sobjects/Account/{account}", {"LastName": "Murray", "PersonEmail": "h@navy.example"})
    again = sf.get("Contact", row["PersonContactId"])
    assert (again["Name"], again["Email"]) == ("Grace Murray", "h@navy.example")
    event = sf.get("Event", sf.create("Event", WhoId=row["PersonContactId"], WhatId=account, **TIMES))
    assert event["AccountId"] == account
    assert sf.call("DELETE", f"/sobjects/Account/{account}").status_code == 204
    assert sf.rows("SELECT Id FROM Contact") == []


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Name": "Grace"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]),
        ({"FirstName": "Grace"}, "REQUIRED_FIELD_MISSING", ["LastName"]),
    ],
)
def test_a_person_has_no_name_of_its_own_but_a_last_name(
    sf: Client, person: str, fields: dict[str, str], code: str, named: list[str]
) -> None:
    assert sf.refusal("POST", "/sobjects/Account", {"RecordTypeId": person, **fields})[1:3] == (code, named)


def test_a_business_account_has_a_name_and_nothing_of_a_person(sf: Client, person: str) -> None:
    assert sf.refusal("POST", "/sobjects/Account", {"Phone": "1"})[1:3] == (
        "REQUIRED_FIELD_MISSING",
        ["Name"],
    )
    refused = sf.refusal("POST", "/sobjects/Account", {"Name": "Navy", "PersonEmail": "a@b.example"})
    assert refused[1:3] == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["PersonEmail"])
    account = sf.create("Account", Name="Navy")
    refused = sf.refusal("PATCH", f"/sobjects/Account/{account}", {"RecordTypeId": person, "LastName": "x"})
    assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert refused[3] == "Cannot specify any additional fields when marrying or separating a Person-Account"


def test_a_persons_contact_is_changed_through_its_account_only(sf: Client, person: str) -> None:
    account = sf.create("Account", RecordTypeId=person, LastName="Hopper")
    contact = sf.get("Account", account)["PersonContactId"]
    assert (
        sf.refusal("PATCH", f"/sobjects/Contact/{contact}", {"Email": "a@b.example"})[1]
        == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    assert sf.refusal("DELETE", f"/sobjects/Contact/{contact}")[1] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert sf.refusal("POST", "/sobjects/Contact", {"LastName": "x", "AccountId": account})[2] == [
        "AccountId"
    ]


def test_a_contacts_custom_field_is_there_on_accounts_with_another_ending(sf: Client, person: str) -> None:
    sf.fake(
        "field",
        {
            "object": "Contact",
            "field": "Level__c",
            "create": {"type": "string", "length": 20, "nillable": True},
        },
    )
    sf.fake("permission-sets", {"name": "More", "fields": {"Contact.Level__c": "edit"}})
    sf.fake("user", {"username": "integration@acme.example", "permissionSets": ["More"]})
    account = sf.create("Account", RecordTypeId=person, LastName="Hopper", Level__pc="Gold")
    assert sf.get("Contact", sf.get("Account", account)["PersonContactId"])["Level__c"] == "Gold"


def test_a_lead_without_a_company_becomes_a_person(sf: Client, person: str) -> None:
    lead = sf.create("Lead", FirstName="Grace", LastName="Hopper", Email="g@navy.example")
    done = sf.fake("convert-lead", {"leadId": lead})
    account = sf.get("Account", done["accountId"])
    assert (account["IsPersonAccount"], account["PersonEmail"]) == (True, "g@navy.example")
    assert account["PersonContactId"] == done["contactId"]


def test_they_are_switched_off_where_none_is_left(sf: Client, person: str) -> None:
    account = sf.create("Account", RecordTypeId=person, LastName="Hopper")
    refused = sf.http.post("/__fake__/features", json={"personAccounts": False})
    assert (refused.status_code, "Delete them first" in refused.text) == (400, True)
    sf.call("DELETE", f"/sobjects/Account/{account}")
    switch(sf, personAccounts=False)
    names: set[Any] = {f["name"] for f in sf.call("GET", "/sobjects/Account/describe").json()["fields"]}
    assert not names & {"LastName", "PersonEmail", "IsPersonAccount"}
    assert sf.refusal("POST", "/sobjects/Lead", {"LastName": "x"})[2] == ["Company"]


def test_merged_records_name_their_master_and_leave_their_events_to_it(sf: Client) -> None:
    master, lost = (sf.create("Contact", **CONTACT) for _ in range(2))
    event, case = sf.create("Event", WhoId=lost, **TIMES), sf.create("Case", ContactId=lost)
    sf.fake("merge", {"object": "Contact", "masterId": master, "ids": [lost]})
    assert sf.refusal("GET", f"/sobjects/Contact/{lost}")[1] == "ENTITY_IS_DELETED"
    [row] = sf.rows("SELECT MasterRecordId FROM Contact WHERE IsDeleted = true", all_rows=True)
    assert row["MasterRecordId"] == master
    assert (sf.get("Event", event)["WhoId"], sf.get("Case", case)["ContactId"]) == (master, master)
