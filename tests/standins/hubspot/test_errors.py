"""Refusals to the letter: status, body, headers."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from instep_standins.hubspot import seed
from standins.hubspot.hs import STARTS, Client, V, to

OAUTH = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


def nested(message: str) -> list[dict[str, Any]]:
    head, _, told = message.partition(": ")
    assert head == "Property values were not valid"
    return json.loads(told)


def test_a_contact_that_exists(hs: Client) -> None:
    held = hs.contact("mina@guest.example")
    expected = {
        "status": "error", "message": f"Contact already exists. Existing ID: {held}", "category": "CONFLICT",
    }  # fmt: skip
    assert hs.refusal("POST", "contacts", {"properties": {"email": "MINA@guest.example"}}) == (409, expected)
    other = hs.contact("other@guest.example")
    assert hs.refusal("PATCH", f"contacts/{other}", {"properties": {"email": "mina@guest.example"}}) == (
        409,
        expected,
    )


def test_no_such_record(hs: Client) -> None:
    assert hs.refusal("GET", "contacts/424242") == (404, {"status": "error", "message": "resource not found"})
    assert hs.refusal("GET", "contacts/mina%3F@guest.example") == (
        404,
        {
            "status": "error",
            "message": "Object not found.  objectId are usually numeric.",
            "context": {"id": ["mina?@guest.example"]},
            "category": "OBJECT_NOT_FOUND",
        },
    )


def test_values_that_are_not_valid(hs: Client) -> None:
    status, told = hs.refusal("POST", "contacts", {"properties": {"email": "a@b.example", "nope": "1"}})
    assert (status, told["category"]) == (400, "VALIDATION_ERROR")
    message = 'Property "nope" does not exist'
    assert nested(told["message"]) == [
        {
            "isValid": False, "message": message, "error": "PROPERTY_DOESNT_EXIST", "name": "nope",
            "localizedErrorMessage": message, "portalId": seed.PORTAL_ID,
        }
    ]  # fmt: skip
    assert told["errors"] == [
        {"message": message, "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["nope"]}}
    ]


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("contacts", "email", "test222", "INVALID_EMAIL"),
        ("contacts", "createdate", STARTS, "READ_ONLY_VALUE"),
        ("contacts", "num_notes", "3", "READ_ONLY_VALUE"),
        ("contacts", "lifecyclestage", "Lead", "INVALID_OPTION"),
        ("contacts", "hubspot_owner_id", "1", "INVALID_OWNER_ID"),
        ("meetings", "hs_meeting_outcome", "CANCELLED", "INVALID_OPTION"),
        ("meetings", "hs_meeting_start_time", "tomorrow", "INVALID_LONG"),
        ("meetings", "hs_unique_id", "x", "READ_ONLY_VALUE"),
        ("deals", "amount", "1,000", "INVALID_FLOAT"),
    ],
)
def test_each_kind_of_bad_value(hs: Client, kind: str, name: str, value: str, code: str) -> None:
    base = {"contacts": {"lastname": "L"}, "meetings": {"hs_timestamp": STARTS}, "deals": {"dealname": "D"}}[
        kind
    ]
    status, told = hs.refusal("POST", kind, {"properties": {**base, name: value}})
    assert (status, [one["code"] for one in told["errors"]]) == (400, [code])
    assert [one["error"] for one in nested(told["message"])] == [code]
    assert hs.stored(kind) == []


def test_words_of_an_option_that_is_not_allowed(hs: Client) -> None:
    _, told = hs.refusal(
        "POST", "meetings", {"properties": {"hs_timestamp": STARTS, "hs_meeting_outcome": "CANCELLED"}}
    )
    assert nested(told["message"])[0]["message"] == (
        "CANCELLED was not one of the allowed options: [SCHEDULED, COMPLETED, RESCHEDULED, NO_SHOW, CANCELED]"
    )


def test_an_inactive_owner_is_refused(hs: Client) -> None:
    former = hs.call("GET", f"/crm/owners/{V}", archived="true").json()["results"][0]["id"]
    status, told = hs.refusal(
        "POST", "contacts", {"properties": {"lastname": "L", "hubspot_owner_id": former}}
    )
    assert (status, told["errors"][0]["code"]) == (400, "INVALID_OWNER_ID")


@pytest.mark.parametrize(
    ("kind", "properties", "missing"),
    [
        ("meetings", {"hs_meeting_title": "T"}, ["hs_timestamp"]),
        ("contacts", {"phone": "+4520304050"}, ["email", "firstname", "lastname"]),
        ("tickets", {"subject": "S"}, ["hs_pipeline", "hs_pipeline_stage"]),
    ],
)
def test_what_an_object_must_have(
    hs: Client, kind: str, properties: dict[str, str], missing: list[str]
) -> None:
    status, told = hs.refusal("POST", kind, {"properties": properties})
    assert (status, told["context"], told["category"]) == (400, {"properties": missing}, "VALIDATION_ERROR")


def test_bad_associations_inline(hs: Client) -> None:
    body = {"properties": {"hs_timestamp": STARTS}, "associations": [to("424242")]}
    assert hs.refusal("POST", "meetings", body) == (
        400,
        {
            "status": "error",
            "message": "One or more associations are invalid",
            "context": {"INVALID_OBJECT_IDS": ["CONTACT=424242 is not valid"]},
            "category": "VALIDATION_ERROR",
        },
    )
    body["associations"] = [to(hs.contact(), 199)]
    _, told = hs.refusal("POST", "meetings", body)
    assert told["message"] == "invalid from object type 0-47 for associations to be created. expected: 0-1"
    assert hs.stored("meetings") == []


def test_missing_scopes(hs: Client) -> None:
    hs.fake("settings", {"tokenScopes": ["oauth", "crm.objects.contacts.read"]})
    assert hs.refusal("POST", "contacts", {"properties": {"lastname": "L"}}) == (
        403,
        {
            "status": "error",
            "message": "This app hasn't been granted all required scopes to make this call. Read more about required "
            "scopes here: https://developers.hubspot.com/scopes.",
            "errors": [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]},
                }
            ],
            "links": {"scopes": "https://developers.hubspot.com/scopes"},
            "category": "MISSING_SCOPES",
        },
    )
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 403
    assert hs.call("GET", f"/account-info/{V}/details").status_code == 200
    assert hs.objects("POST", "meetings/search", {}).status_code == 200


def test_tokens_that_are_none(hs: Client, clock: Any) -> None:
    told = httpx2.get(f"{hs.http.base_url}/crm/owners/{V}", headers={"Authorization": "Bearer x"}).json()
    del told["correlationId"]
    assert told == {
        "status": "error",
        "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        f"more details at {OAUTH}",
        "category": "INVALID_AUTHENTICATION",
    }
    install = hs.portal.tokens.install(("oauth", "crm.objects.owners.read"))
    hs.http.headers["Authorization"] = f"Bearer {hs.portal.tokens.session(install).token}"
    assert hs.call("GET", f"/crm/owners/{V}").status_code == 200
    clock.now += 1875
    answer = hs.call("GET", f"/crm/owners/{V}")
    assert answer.status_code == 401
    assert answer.json()["message"] == "The OAuth token used to make this call expired 75 second(s) ago."
    assert answer.json()["category"] == "EXPIRED_AUTHENTICATION"
    assert answer.json()["context"] == {"expire time": ["2026-09-21T14:43:20Z"]}


def test_json_that_is_none(hs: Client) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = hs.http.post(f"/crm/objects/{V}/contacts", content=b'{"properties": ', headers=json_type)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid input JSON on line 1, column 16: ")
    answer = hs.http.post(f"/crm/objects/{V}/contacts", content=b"{}", headers=json_type)
    assert (
        answer.json()["message"] == "Invalid input JSON: some of required attributes are not set [properties]"
    )
    answer = hs.http.post(
        f"/crm/objects/{V}/contacts", content=b"a=b", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


def test_paths_that_lead_nowhere(hs: Client) -> None:
    status, told = hs.refusal("GET", "gizmos/1")
    assert (status, told["message"]) == (400, "Unable to infer object type from: gizmos")
    assert hs.call("GET", "/crm/objects/2025-09/contacts").status_code == 404
    assert hs.call("GET", "/crm/v4/owners").status_code == 404
    assert hs.objects("PUT", "contacts").status_code == 405
    assert hs.objects("GET", "contacts", properties=",".join(["a" * 99] * 160)).status_code == 414


def test_the_properties_api_refuses(hs: Client) -> None:
    made = {
        "name": "instep_x",
        "label": "X",
        "type": "string",
        "fieldType": "text",
        "groupName": "engagement",
    }
    path = f"/crm/properties/{V}/meetings"
    answer = hs.call("POST", path, made)
    assert (answer.status_code, answer.headers["Location"].endswith("/instep_x")) == (201, True)
    clash = hs.call("POST", path, made).json()
    del clash["correlationId"]
    assert clash == {
        "status": "error", "message": "A property named 'instep_x' already exists.",
        "category": "OBJECT_ALREADY_EXISTS",
        "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
    }  # fmt: skip
    for change in (
        {"name": "Big"},
        {"fieldType": "checkbox"},
        {"groupName": "nope"},
        {"type": "enumeration"},
    ):
        assert hs.call("POST", path, {**made, "name": "instep_y", **change}).status_code == 400, change
    assert hs.call("GET", f"{path}/nope").json()["category"] == "OBJECT_NOT_FOUND"
    hs.fake("settings", {"required": {"meetings": ["instep_x"]}})
    told = hs.call("DELETE", f"{path}/instep_x").json()
    assert told["subCategory"] == "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
    hs.fake("settings", {"required": {}})
    assert hs.call("DELETE", f"{path}/instep_x").status_code == 204
    assert hs.call("POST", path, made).status_code == 201
    assert hs.call("DELETE", f"{path}/hs_timestamp").status_code == 400


def test_the_token_endpoint_refuses(hs: Client) -> None:
    app = {"client_id": hs.portal.client_id, "client_secret": hs.portal.client_secret}
    answer = hs.http.post(
        f"/oauth/{V}/token", data={"grant_type": "refresh_token", "refresh_token": "x", **app}
    )
    words = "refresh token is invalid, expired or revoked"
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": words,
            "status": "BAD_REFRESH_TOKEN",
            "message": words,
        },
    )
    for change, status in (
        ({"client_id": "x"}, "BAD_CLIENT_ID"), ({"client_secret": "x"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"), ({"grant_type": "authorization_code"}, "BAD_AUTH_CODE"),
    ):  # fmt: skip
        form = {"grant_type": "refresh_token", "refresh_token": "x", **app, **change}
        assert hs.http.post(f"/oauth/{V}/token", data=form).json()["status"] == status
    # The secret never travels in an address.
    answer = hs.http.post(
        f"/oauth/{V}/token", params={"grant_type": "refresh_token", "refresh_token": "x", **app}
    )
    assert answer.json()["status"] == "BAD_GRANT_TYPE"
