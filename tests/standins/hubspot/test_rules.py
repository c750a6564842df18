"""What the portal does by itself, and what depends on versions and switches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from instep_standins.hubspot import Portal
from standins.hubspot.hs import STARTS, Client, V, to


def wrote(hs: Client, record_id: str, kind: str = "contacts", version: str = V, **properties: Any) -> int:
    return hs.objects("PATCH", f"{kind}/{record_id}", {"properties": properties}, version).status_code


def test_values_become_texts_and_an_empty_one_clears(hs: Client) -> None:
    made = hs.create("deals", dealname="D", pipeline="default", dealstage="closedwon", amount=12.5)
    assert made["properties"]["amount"] == "12.5"
    assert wrote(hs, made["id"], "deals", amount="") == 200
    assert hs.get("deals", made["id"], "amount", "nope")["properties"]["amount"] is None
    assert "nope" not in hs.get("deals", made["id"], "amount", "nope")["properties"]


def test_times_are_taken_in_two_ways_and_given_in_one(hs: Client) -> None:
    held = hs.meeting(
        hs_meeting_start_time=1_791_187_200_000, hs_meeting_end_time="2026-10-05T10:30:00+02:00"
    )
    told = hs.get("meetings", held, "hs_meeting_start_time", "hs_meeting_end_time", "hs_duration")[
        "properties"
    ]
    assert told["hs_meeting_start_time"] == "2026-10-05T08:00:00Z"
    assert told["hs_meeting_end_time"] == "2026-10-05T08:30:00Z"
    assert told["hs_duration"] == "1800000"


def test_the_start_stands_in_for_a_missing_timestamp(hs: Client) -> None:
    made = hs.create("meetings", hs_meeting_start_time=STARTS)
    assert made["properties"]["hs_timestamp"] == STARTS


def test_only_the_defaults_come_without_asking(hs: Client) -> None:
    told = hs.objects("GET", f"meetings/{hs.meeting()}").json()["properties"]
    assert set(told) == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    told = hs.objects("GET", f"contacts/{hs.contact()}").json()["properties"]
    assert set(told) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}


def test_lifecycle_only_moves_forward(hs: Client) -> None:
    held = hs.contact(lifecyclestage="customer")
    assert wrote(hs, held, lifecyclestage="lead", firstname="M") == 200
    assert hs.get("contacts", held, "lifecyclestage")["properties"]["lifecyclestage"] == "customer"
    assert wrote(hs, held, lifecyclestage="") == 200
    assert wrote(hs, held, lifecyclestage="lead") == 200
    assert hs.get("contacts", held, "lifecyclestage")["properties"]["lifecyclestage"] == "lead"


def test_required_properties_are_enforced_by_the_newest_version_only(hs: Client) -> None:
    hs.fake("settings", {
        "required": {"contacts": ["phone", "jobtitle"]},
        "conditional": [{"object": "contacts", "property": "hs_lead_status", "value": "OPEN", "require": ["company"]}],
    })  # fmt: skip
    body = {"properties": {"email": "a@guest.example", "jobtitle": "Boss"}}
    status, told = hs.refusal("POST", "contacts", body)
    assert (status, [(one["code"], one["context"]) for one in told["errors"]]) == (
        400, [("MISSING_REQUIRED_PROPERTY", {"propertyName": ["phone"]})],
    )  # fmt: skip
    for version in ("2026-03", "v3"):
        properties = {"email": f"{version}@guest.example"}
        path = "/crm/v3/objects/contacts" if version == "v3" else f"/crm/objects/{version}/contacts"
        made = hs.call("POST", path, {"properties": properties})
        assert made.status_code == 201
    held = made.json()["id"]
    assert wrote(hs, held, firstname="A") == 200
    status, told = hs.refusal("PATCH", f"contacts/{held}", {"properties": {"hs_lead_status": "OPEN"}})
    assert [one["code"] for one in told["errors"]] == ["MISSING_CONDITIONAL_REQUIRED_PROPERTY"]
    assert wrote(hs, held, hs_lead_status="OPEN", company="Acme") == 200
    assert wrote(hs, held, version="2026-03", company="") == 200


def test_unique_values_of_meetings(hs: Client) -> None:
    hs.install()
    held = hs.meeting(instep_booking_id="B-1")
    status, told = hs.refusal(
        "POST", "meetings", {"properties": {"hs_timestamp": STARTS, "instep_booking_id": "b-1"}}
    )
    assert (status, told["errors"][0]["code"]) == (400, "CONFLICTING_UNIQUE_VALUE")
    assert hs.get("meetings", "B-1", idProperty="instep_booking_id")["id"] == held
    assert wrote(hs, held, "meetings", instep_booking_id="B-1") == 200
    hs.objects("DELETE", f"meetings/{held}")
    assert hs.meeting(instep_booking_id="B-1") != held


def test_the_three_levels_of_meeting_properties(hs: Client) -> None:
    path = f"/crm/properties/{V}/meetings"
    asked = {
        "name": "instep_id",
        "label": "Id",
        "type": "string",
        "fieldType": "text",
        "groupName": "engagement",
    }
    hs.fake("settings", {"meetingIds": "none"})
    assert hs.call("POST", path, asked).status_code == 403
    hs.fake("settings", {"meetingIds": "plain"})
    assert hs.call("POST", path, {**asked, "hasUniqueValue": True}).status_code == 400
    assert hs.call("POST", path, asked).status_code == 201
    status, told = hs.refusal("GET", "meetings/B-1", idProperty="instep_id")
    assert (status, "non-unique 0-47 property instep_id" in told["message"]) == (400, True)


def test_ten_unique_properties_at_most(hs: Client) -> None:
    asked = {
        "label": "Id",
        "type": "string",
        "fieldType": "text",
        "groupName": "engagement",
        "hasUniqueValue": True,
    }
    codes = [
        hs.call("POST", f"/crm/properties/{V}/meetings", {**asked, "name": f"u{i}"}).status_code
        for i in range(11)
    ]
    assert codes == [201] * 10 + [400]


def test_a_contact_tells_of_its_meetings(hs: Client, clock: Any) -> None:
    guest = hs.contact()
    names = ("hs_latest_meeting_activity", "notes_next_activity_date", "num_notes")
    assert list(hs.get("contacts", guest, *names)["properties"][n] for n in names) == [None, None, None]
    held = hs.meeting(guest)
    later = "2026-11-05T08:00:00Z"
    hs.meeting(guest, hs_timestamp=later)
    assert list(hs.get("contacts", guest, *names)["properties"][n] for n in names) == [later, STARTS, "2"]
    assert wrote(hs, held, "meetings", hs_timestamp="2026-12-01T08:00:00Z") == 200
    assert hs.get("contacts", guest, *names)["properties"]["notes_next_activity_date"] == later
    hs.objects("DELETE", f"meetings/{held}")
    assert hs.get("contacts", guest, *names)["properties"]["num_notes"] == "1"


def test_search_sees_writes_later_and_reading_at_once(hs: Client, clock: Any) -> None:
    held = hs.contact(phone="+4520304050")
    asked = {
        "filterGroups": [{"filters": [{"propertyName": "phone", "operator": "EQ", "value": "+4520304050"}]}]
    }

    def found() -> list[str]:
        return [one["id"] for one in hs.objects("POST", "contacts/search", asked).json()["results"]]

    assert (found(), hs.get("contacts", "mina@guest.example", idProperty="email")["id"]) == ([], held)
    clock.now += 3
    assert found() == [held]
    wrote(hs, held, phone="")
    assert found() == [held]
    clock.now += 3
    assert found() == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"propertyName": "email", "operator": "IN", "values": ["a@guest.example", "c@guest.example"]}, ["a", "c"]),
        ({"propertyName": "email", "operator": "IN", "values": ["A@guest.example"]}, []),
        ({"propertyName": "email", "operator": "NEQ", "value": "a@guest.example"}, ["b", "c"]),
        ({"propertyName": "jobtitle", "operator": "HAS_PROPERTY"}, ["b"]),
        ({"propertyName": "jobtitle", "operator": "NOT_HAS_PROPERTY"}, ["a", "c"]),
        ({"propertyName": "jobtitle", "operator": "CONTAINS_TOKEN", "value": "sales"}, ["b"]),
        ({"propertyName": "jobtitle", "operator": "CONTAINS_TOKEN", "value": "sal"}, []),
        ({"propertyName": "jobtitle", "operator": "CONTAINS_TOKEN", "value": "sal*"}, ["b"]),
        ({"propertyName": "createdate", "operator": "GTE", "value": "1790000010000"}, ["b", "c"]),
        ({"propertyName": "createdate", "operator": "BETWEEN", "value": "1790000010000", "highValue": "1790000010001"},
         ["b"]),
    ],
)  # fmt: skip
def test_operators(hs: Client, clock: Any, asked: dict[str, Any], found: list[str]) -> None:
    hs.contact("a@guest.example")
    clock.now += 10
    hs.contact("b@guest.example", jobtitle="Head of Sales")
    clock.now += 10
    hs.contact("c@guest.example")
    clock.now += 10
    answer = hs.objects("POST", "contacts/search", {"filterGroups": [{"filters": [asked]}]})
    assert answer.status_code == 200, answer.text
    assert [one["properties"]["email"][0] for one in answer.json()["results"]] == found


def test_limits_of_search(hs: Client) -> None:
    one = {"propertyName": "email", "operator": "HAS_PROPERTY"}
    for body in (
        {"filterGroups": [{"filters": [one]}] * 6}, {"filterGroups": [{"filters": [one] * 7}]},
        {"filterGroups": [{"filters": [one] * 5}] * 4}, {"limit": 201}, {"after": "9995"},
        {"sorts": ["email", "firstname"]}, {"query": "x" * 3001},
        {"filterGroups": [{"filters": [{**one, "propertyName": "nope"}]}]},
    ):  # fmt: skip
        hs.portal.settings.clock += 1
        assert hs.objects("POST", "contacts/search", body).status_code == 400, body
    hs.portal.settings.clock += 1
    _, told = hs.refusal("POST", "contacts/search", {"filterGroups": [{"filters": [one]}] * 6})
    assert told["message"] == "too many filterGroups (count: 6, max allowed: 5)"


def test_a_merged_contact_answers_to_all_its_names(hs: Client, clock: Any) -> None:
    one, two = (
        hs.contact("one@guest.example", firstname="One"),
        hs.contact("two@guest.example", phone="+4511223344"),
    )
    held = hs.meeting(two)
    merged = hs.objects("POST", "contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two}).json()
    assert merged["properties"]["email"] == "one@guest.example"
    assert merged["properties"]["phone"] == "+4511223344"
    assert merged["id"] not in (one, two)
    for old in (one, two):
        assert hs.get("contacts", old)["id"] == merged["id"]
        assert wrote(hs, old, firstname="New") == 200
    assert hs.get("contacts", "two@guest.example", idProperty="email")["id"] == merged["id"]
    status, told = hs.refusal("POST", "contacts", {"properties": {"email": "two@guest.example"}})
    assert (status, told["message"]) == (409, f"Contact already exists. Existing ID: {merged['id']}")
    assert hs.get("meetings", held, associations="contacts")["associations"]["contacts"]["results"] == [
        {"id": merged["id"], "type": "meeting_event_to_contact"}
    ]
    clock.now += 5
    by = {"propertyName": "email", "operator": "EQ", "value": "two@guest.example"}
    assert hs.objects("POST", "contacts/search", {"filterGroups": [{"filters": [by]}]}).json()["total"] == 0
    by["propertyName"] = "hs_additional_emails"
    assert hs.objects("POST", "contacts/search", {"filterGroups": [{"filters": [by]}]}).json()["total"] == 1


def test_a_merge_may_keep_the_id(hs: Client) -> None:
    hs.fake("settings", {"mergeKeepsId": True, "secondaryByEmail": False})
    one, two = hs.contact("one@guest.example"), hs.contact("two@guest.example")
    hs.objects("POST", "contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    assert hs.get("contacts", two)["id"] == one
    assert hs.objects("GET", "contacts/two@guest.example", idProperty="email").status_code == 404


def test_an_archived_record_is_gone_and_its_values_free(hs: Client) -> None:
    held = hs.contact()
    assert hs.objects("DELETE", f"contacts/{held}").status_code == 204
    assert hs.objects("DELETE", f"contacts/{held}").status_code == 204
    assert hs.objects("GET", f"contacts/{held}").status_code == 404
    assert wrote(hs, held, firstname="X") == 404
    assert hs.get("contacts", held, archived="true")["archived"] is True
    assert hs.contact() != held


def test_a_batch_with_trace_ids_fails_in_part(hs: Client) -> None:
    good, bad = {"email": "a@guest.example"}, {"email": "nope"}
    inputs = [{"properties": good, "objectWriteTraceId": "1"}, {"properties": bad, "objectWriteTraceId": "2"}]
    answer = hs.objects("POST", "contacts/batch/create", {"inputs": inputs})
    told = answer.json()
    assert (answer.status_code, told["numErrors"], told["status"]) == (207, 1, "COMPLETE")
    assert told["results"][0]["objectWriteTraceId"] == "1"
    error = told["errors"][0]
    assert (error["category"], error["context"]["objectWriteTraceId"]) == ("VALIDATION_ERROR", ["2"])
    assert json.loads(error["message"].partition(": ")[2])[0]["error"] == "INVALID_EMAIL"
    inputs = [{"properties": {"email": "b@guest.example"}}, {"properties": bad}]
    assert hs.objects("POST", "contacts/batch/create", {"inputs": inputs}).status_code == 400
    assert [one["properties"]["email"] for one in hs.stored("contacts")] == ["a@guest.example"]


def test_a_batch_update_tells_what_is_gone(hs: Client) -> None:
    held = hs.contact()
    inputs = [
        {"id": one, "properties": {"firstname": "X"}, "objectWriteTraceId": one} for one in (held, "424242")
    ]
    answer = hs.objects("POST", "contacts/batch/update", {"inputs": inputs})
    assert (answer.status_code, [one["id"] for one in answer.json()["results"]]) == (207, [held])
    assert answer.json()["errors"][0]["context"] == {"ids": ["424242"], "objectWriteTraceId": ["424242"]}


def test_the_same_id_twice_in_a_batch(hs: Client) -> None:
    held = hs.contact()
    status, told = hs.refusal("POST", "contacts/batch/read", {"inputs": [{"id": held}, {"id": held}]})
    assert (status, told["message"], told["context"]) == (
        400, f"Duplicate IDs found in batch input: [{held}]. IDs must be unique", {"ids": [held]},
    )  # fmt: skip
    too_many = {"inputs": [{"properties": {"lastname": "L"}}] * 101}
    assert hs.objects("POST", "contacts/batch/create", too_many).status_code == 400


def test_a_company_for_the_domain(hs: Client) -> None:
    hs.fake("settings", {"autoCompany": True})
    hs.contact("a@acme.example")
    hs.contact("b@acme.example")
    assert [len(one["associations"]["contacts"]) for one in hs.stored("companies")] == [2]


def test_limit_headers_and_the_burst(hs: Client, clock: Any) -> None:
    hs.fake("settings", {"burst": 3})
    answers = [hs.call("GET", f"/crm/owners/{V}") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "3"
    assert answers[1].headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert answers[0].headers["X-HubSpot-RateLimit-Daily-Remaining"] == "624999"
    told = answers[3].json()
    assert (told["policyName"], told["message"], told["errorType"]) == (
        "TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.", "RATE_LIMIT",
    )  # fmt: skip
    assert "Retry-After" not in answers[3].headers
    clock.now += 10.5
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 200


def test_search_has_a_limit_of_its_own_and_no_headers(hs: Client, clock: Any) -> None:
    hs.fake("settings", {"burst": 1})
    answers = [hs.objects("POST", "contacts/search", {}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert not [name for name in answers[0].headers if "ratelimit" in name.lower()]
    assert (answers[5].json()["policyName"], answers[5].json()["message"]) == (
        "SECONDLY", "You have reached your secondly limit.",
    )  # fmt: skip
    clock.now += 1.5
    assert hs.objects("POST", "contacts/search", {}).status_code == 200


def test_the_day_ends_at_midnight_of_the_account(hs: Client, clock: Any) -> None:
    hs.fake("settings", {"daily": 2})
    assert [hs.call("GET", f"/crm/owners/{V}").status_code for _ in range(3)] == [200, 200, 429]
    assert hs.call("GET", f"/crm/owners/{V}").json()["policyName"] == "DAILY"
    clock.now += 8 * 3600  # 14:13 UTC is 16:13 in Copenhagen
    assert hs.call("GET", f"/account-info/{V}/details").status_code == 200


def test_the_day_goes_on_after_a_restart(tmp_path: Path, clock: Any) -> None:
    file = tmp_path / "portal.sqlite"
    for hours, used in ((0, 1), (1, 2), (8, 1)):
        clock.now += hours * 3600
        portal = Portal(file, clock=clock)
        with portal.transaction():
            portal.rates.count(portal.tokens.grant(portal.token), search=False)
        assert portal.settings.dailyUsed == used
        portal.close()


def test_oauth_apps_are_not_told_of_the_day(hs: Client) -> None:
    install = hs.portal.tokens.install(("oauth",))
    hs.http.headers["Authorization"] = f"Bearer {hs.portal.tokens.session(install).token}"
    answer = hs.call("GET", f"/account-info/{V}/details")
    assert "X-HubSpot-RateLimit-Max" in answer.headers
    assert "X-HubSpot-RateLimit-Daily" not in answer.headers


def test_ids_overlap_between_kinds(hs: Client) -> None:
    """As in a real account an id says nothing about what it is the id of."""
    assert hs.contact() == hs.meeting()


def test_the_portal_outlives_its_process(tmp_path: Path, clock: Any) -> None:
    file = tmp_path / "portal.sqlite"
    first = Portal(file, clock=clock)
    token, secret = first.token, first.client_secret
    install = first.tokens.install(("oauth",))
    with first.transaction():
        from instep_standins.hubspot import records
        from instep_standins.hubspot.schema import OBJECT_TYPES

        row = records.insert(first, OBJECT_TYPES["contacts"], {"email": "a@guest.example"})
        first.settings.burst = 7
        first.touch("settings", "tokens")
    again = Portal(file, clock=clock)
    assert (again.token, again.client_secret, again.settings.burst) == (token, secret, 7)
    assert again.resolve("contacts", row["id"]) == row
    assert again.tokens.living_install(install.refresh) is not None
    assert again.mint("contacts") != row["id"]
    again.reset()
    third = Portal(file, clock=clock)
    assert (third.tables.living("contacts"), third.token) == ([], token)


def test_the_hosts_of_the_example_events_are_owners(hs: Client) -> None:
    examples = Path(__file__).parents[3] / "examples" / "oncehub-events.jsonl"
    hosts = {email for line in examples.read_text().splitlines() for email in _hosts(json.loads(line))}
    assert hosts
    for host in hosts:
        assert len(hs.call("GET", f"/crm/owners/{V}", email=host).json()["results"]) == 1, host


def _hosts(event: Any) -> set[str]:
    """Addresses of the hosts' domain, wherever an event has them."""
    text = json.dumps(event)
    return {word for word in text.replace('"', " ").split() if word.endswith("@host.example")}


def test_an_association_is_seen_from_both_ends(hs: Client) -> None:
    guest = hs.contact()
    held = hs.meeting(guest)
    assert hs.get("contacts", guest, associations="meetings")["associations"]["meetings"]["results"] == [
        {"id": held, "type": "contact_to_meeting_event"}
    ]
    hs.objects("DELETE", f"contacts/{guest}/associations/meetings/{held}")
    assert "associations" not in hs.get("meetings", held, associations="contacts")
    hs.objects("PUT", f"meetings/{held}/associations/default/contacts/{guest}")
    hs.objects("PUT", f"meetings/{held}/associations/default/contacts/{guest}")
    assert len(hs.get("meetings", held, associations="contacts")["associations"]["contacts"]["results"]) == 1
    assert hs.objects("PUT", f"meetings/{held}/associations/default/contacts/424242").status_code == 404
    assert hs.objects("POST", "meetings", {"properties": {"hs_timestamp": STARTS}, "associations": [to(guest, 279)]}
                      ).status_code == 400  # fmt: skip


def test_a_merged_contact_keeps_its_associations_by_any_of_its_ids(hs: Client) -> None:
    one, two = hs.contact("one@guest.example"), hs.contact("two@guest.example")
    held = hs.meeting(two)
    hs.objects("POST", "contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    listed = hs.objects("GET", f"contacts/{two}/associations/meetings").json()["results"]
    assert [x["toObjectId"] for x in listed] == [held]
    older = hs.call("GET", f"/crm/v3/objects/contacts/{two}/associations/meetings").json()["results"]
    assert older == [{"id": held, "type": "contact_to_meeting_event"}]
    read = hs.call(
        "POST", f"/crm/associations/{V}/contacts/meetings/batch/read", {"inputs": [{"id": two}, {"id": "9"}]}
    )
    assert (read.status_code, [x["to"][0]["toObjectId"] for x in read.json()["results"]]) == (207, [held])
    assert hs.objects("DELETE", f"contacts/{two}/associations/meetings/{held}").status_code == 204
    assert "associations" not in hs.get("meetings", held, associations="contacts")


def test_changes_are_polled_by_when_they_were_made(hs: Client, clock: Any) -> None:
    first, second = hs.meeting(), hs.meeting()
    clock.now += 60
    cursor = hs.portal.stamp()
    clock.now += 1
    assert wrote(hs, first, "meetings", hs_meeting_outcome="COMPLETED") == 200
    asked = {
        "filterGroups": [{"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": cursor}]}],
        "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
        "properties": ["hs_meeting_outcome"], "limit": 200,
    }  # fmt: skip
    clock.now += 3
    assert [one["id"] for one in hs.objects("POST", "meetings/search", asked).json()["results"]] == [first]
    hs.objects("DELETE", f"meetings/{first}")
    hs.objects("DELETE", f"meetings/{second}")
    clock.now += 3
    assert hs.objects("POST", "meetings/search", asked).json()["total"] == 0


def test_search_goes_on_page_by_page(hs: Client, clock: Any) -> None:
    made = [hs.contact(f"g{i}@guest.example") for i in range(5)]
    clock.now += 5
    found: list[str] = []
    after = "0"
    while after:
        page = hs.objects(
            "POST", "contacts/search", {"limit": 2, "after": after, "sorts": ["createdate"]}
        ).json()
        found += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert found == made
