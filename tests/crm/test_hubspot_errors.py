"""HubSpot's refusals, as its documents and recorded answers have them, and what each means for the work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instep.core import refusal
from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.hubspot.errors import clashing, error_of, existing_id, invalid_ids

SCOPES = {
    "status": "error",
    "message": "This app hasn't been granted all required scopes to make this call.",
    "errors": [
        {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": ["crm.schemas.deals.read", "crm.objects.deals.read"]},
        }
    ],
    "category": "MISSING_SCOPES",
}
EXISTS = {"message": "Contact already exists. Existing ID: 12345", "category": "CONFLICT"}


def invalid(code: str, name: str = "color", *, parsed: bool = True) -> dict[str, Any]:
    """A refusal of one property: parsed beside the text, or in the text alone."""
    nested = [{"isValid": False, "message": f"{name} is not right", "error": code, "name": name}]
    told = [{"message": f"{name} is not right", "code": code, "context": {"propertyName": [name]}}]
    return {
        "message": f"Property values were not valid: {json.dumps(nested)}",
        "category": "VALIDATION_ERROR",
        **({"errors": told} if parsed else {}),
    }


@pytest.mark.parametrize("parsed", [True, False])
@pytest.mark.parametrize(
    ("code", "ours", "scope"),
    [
        ("PROPERTY_DOESNT_EXIST", refusal.NO_SUCH_FIELD, Scope.FIELD),
        ("READ_ONLY_VALUE", refusal.READ_ONLY_FIELD, Scope.FIELD),
        ("INVALID_OPTION", refusal.NO_SUCH_CHOICE, Scope.FIELD),
        ("INVALID_EMAIL", "INVALID_EMAIL_ADDRESS", Scope.FIELD),
        ("INVALID_ALPHA", refusal.RULE_BROKEN, Scope.FIELD),
        ("MISSING_REQUIRED_PROPERTY", refusal.REQUIRED, Scope.RECORD),
        ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", refusal.REQUIRED, Scope.RECORD),
    ],
)
def test_a_property_is_blamed_by_name(code: str, ours: str, scope: Scope, parsed: bool) -> None:
    """The property and why, whether HubSpot parsed its own text or not; people read no JSON."""
    error = error_of(invalid(code, parsed=parsed), status=400)
    assert isinstance(error, NeedsAdmin)
    assert (error.code, error.scope, error.fields) == (ours, scope, ("color",))
    assert error.message == "color is not right"


@pytest.mark.parametrize(
    ("body", "status", "kind", "code", "scope"),
    [
        (SCOPES, 403, NeedsAdmin, refusal.NO_RIGHT, Scope.CONNECTION),
        (
            {"message": "No.", "category": "INVALID_AUTHENTICATION"},
            401,
            NeedsAdmin,
            "reconnect",
            Scope.CONNECTION,
        ),
        (EXISTS, 409, NeedsAdmin, refusal.DOUBLED, Scope.RECORD),
        ({"message": "resource not found"}, 404, NeedsAdmin, refusal.NOT_THERE, Scope.RECORD),
        (
            {"message": "Gone.", "category": "OBJECT_NOT_FOUND"},
            0,
            NeedsAdmin,
            refusal.NOT_THERE,
            Scope.RECORD,
        ),
        ({"message": "Locked."}, 423, Retry, "LOCKED", Scope.RECORD),
        (
            {"message": "The record is locked.", "category": "VALIDATION_ERROR"},
            0,
            Retry,
            "LOCKED",
            Scope.RECORD,
        ),
        ({"message": "internal error"}, 0, Retry, "LOCKED", Scope.RECORD),
        ({"message": "Invalid input JSON"}, 400, Bug, "UNKNOWN", Scope.RECORD),
        ({"message": "Odd.", "category": "SOMETHING_NEW"}, 400, NeedsAdmin, "SOMETHING_NEW", Scope.RECORD),
    ],
)
def test_each_category_is_a_decision(
    body: dict[str, Any], status: int, kind: type[InstepError], code: str, scope: Scope
) -> None:
    """The class says what to do, the scope for how much, the message stays as it came."""
    error = error_of(body, status=status, request_id="r-1")
    assert type(error) is kind or isinstance(error, kind)
    assert (error.code, error.scope, error.message, error.request_id) == (code, scope, body["message"], "r-1")


def test_missing_scopes_are_named_with_the_cure() -> None:
    """Word for word: an admin looks for exactly these in HubSpot."""
    assert "crm.schemas.deals.read, crm.objects.deals.read" in error_of(SCOPES, status=403).cure


@pytest.mark.parametrize(
    ("policy", "code", "after"),
    [
        ("DAILY", refusal.LIMIT_USED_UP, None),
        ("TEN_SECONDLY_ROLLING", "TEN_SECONDLY_ROLLING", 10.0),
        ("SECONDLY", "SECONDLY", 1.0),
        ("", "RATE_LIMIT", 10.0),
    ],
)
def test_a_rate_limit_pauses_the_connection_by_its_policy(
    policy: str, code: str, after: float | None
) -> None:
    """The day's limit pauses until calls are left, the others for their interval."""
    body = {"message": "You have reached your limit.", "errorType": "RATE_LIMIT", "policyName": policy}
    error = error_of(body, status=429)
    assert isinstance(error, Wait)
    assert (error.code, error.after, error.scope) == (code, after, Scope.CONNECTION)


def test_the_contact_that_has_the_address_is_read_from_the_text() -> None:
    """HubSpot says it nowhere else; where the text changes, nothing is guessed."""
    assert existing_id(EXISTS) == "12345"
    assert error_of(EXISTS, status=409).matches == (("Contact", "12345"),)
    assert error_of({**EXISTS, "message": "Contact already exists."}, status=409).matches == ()


def test_our_own_id_on_another_record_is_told_from_other_clashes() -> None:
    """Only the property by which we made it says that the record is ours."""
    ours = invalid("CONFLICTING_UNIQUE_VALUE", "instep_booking_id")
    assert clashing(ours, "instep_booking_id")
    assert not clashing(ours, "instep_contact_id")
    assert not clashing(invalid("CONFLICTING_UNIQUE_VALUE", "customer_no"), "instep_booking_id")
    words = {"message": "instep_booking_id B-1: 7 already has that value.", "category": "VALIDATION_ERROR"}
    assert clashing(words, "instep_booking_id")


def test_ids_that_no_association_takes_are_read() -> None:
    """The contact is gone: its meeting is written anew, and the others of the batch go on."""
    body = {
        "message": "One or more associations are invalid",
        "context": {"INVALID_OBJECT_IDS": ["CONTACT=424242 is not valid", "CONTACT=7 is not valid"]},
        "category": "VALIDATION_ERROR",
    }
    assert invalid_ids(body) == {"424242", "7"}
    assert error_of(body, status=400).code == refusal.NOT_THERE
