"""Every error of the catalogue has its decision; unlisted ones hold one record and nothing else."""

from __future__ import annotations

import pytest

from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.salesforce.errors import error_of, error_of_all

R, B, C, F = Scope.RECORD, Scope.BATCH, Scope.CONNECTION, Scope.FIELD

# errorCode, message, fields as given -> class, scope, fields as blamed
CATALOGUE: list[tuple[str, str, list[str], type[InstepError], Scope, tuple[str, ...]]] = [
    ("INVALID_SESSION_ID", "Session expired or invalid", [], NeedsAdmin, C, ()),
    ("INVALID_HEADER_TYPE", "INVALID_HEADER_TYPE", [], NeedsAdmin, C, ()),
    ("INVALID_AUTH_HEADER", "INVALID_AUTH_HEADER", [], NeedsAdmin, C, ()),
    ("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.", [], NeedsAdmin, C, ()),
    ("API_CURRENTLY_DISABLED", "API is currently disabled", [], Wait, C, ()),
    ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", [], Wait, C, ()),
    ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", [], Retry, C, ()),
    ("INSUFFICIENT_ACCESS", "insufficient access rights on object id", [], NeedsAdmin, R, ()),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "entity is read-only", [], NeedsAdmin, R, ()),
    (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "insufficient access rights on cross-reference id: 005x",
        [],
        NeedsAdmin,
        R,
        (),
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: execution of BeforeInsert caused by: System.NullPointerException",
        [],
        NeedsAdmin,
        R,
        (),
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: System.LimitException: Apex CPU time limit exceeded",
        [],
        Retry,
        B,
        (),
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: System.LimitException: Too many SOQL queries: 101",
        [],
        Retry,
        B,
        (),
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: System.DmlException: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access",
        [],
        Retry,
        R,
        (),
    ),
    ("APEX_ERROR", "Apex CPU time limit exceeded", [], Retry, B, ()),
    ("APEX_ERROR", "An unexpected error occurred. Please include this ErrorId", [], Retry, R, ()),
    ("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId", [], Retry, R, ()),
    (
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [LastName, Company]",
        ["LastName", "Company"],
        NeedsAdmin,
        R,
        ("LastName", "Company"),
    ),
    (
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [DurationInMinutes]",
        [],
        NeedsAdmin,
        R,
        ("DurationInMinutes",),
    ),
    ("INVALID_FIELD", "No such column 'Foo__c' on sobject of type Lead", [], NeedsAdmin, F, ("Foo__c",)),
    (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: CreatedDate, Jigsaw. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set.",
        [],
        NeedsAdmin,
        F,
        ("CreatedDate", "Jigsaw"),
    ),
    (
        "STRING_TOO_LONG",
        "First Name: data value too large: Bob (max length=40)",
        ["FirstName"],
        NeedsAdmin,
        F,
        ("FirstName",),
    ),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Show Time As: bad value for restricted picklist field: Foo",
        ["ShowAs"],
        NeedsAdmin,
        F,
        ("ShowAs",),
    ),
    ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: foo", ["Email"], NeedsAdmin, F, ("Email",)),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Say please", ["Phone"], NeedsAdmin, F, ("Phone",)),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Say please", [], NeedsAdmin, R, ()),
    ("FIELD_FILTER_VALIDATION_EXCEPTION", "Does not match the filter", [], NeedsAdmin, R, ()),
    (
        "FIELD_INTEGRITY_EXCEPTION",
        "Name ID: id value of incorrect type: 001",
        ["WhoId"],
        NeedsAdmin,
        F,
        ("WhoId",),
    ),
    ("DUPLICATES_DETECTED", "Use one of these records?", [], NeedsAdmin, R, ()),
    (
        "DUPLICATE_VALUE",
        "duplicate value found: ERP_Id__c duplicates value on record with id: 00Q000000000001",
        [],
        NeedsAdmin,
        F,
        ("ERP_Id__c",),
    ),
    ("DUPLICATE_EXTERNAL_ID", "more than one record found for external id field", [], NeedsAdmin, R, ()),
    ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [], Retry, R, ()),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [], NeedsAdmin, R, ()),
    ("ENTITY_IS_DELETED", "entity is deleted", [], NeedsAdmin, R, ()),
    ("ENTITY_IS_LOCKED", "This record is locked", [], NeedsAdmin, R, ()),
    (
        "INACTIVE_OWNER_OR_USER",
        "operation performed with inactive user [005x] as owner of lead",
        [],
        NeedsAdmin,
        F,
        ("OwnerId",),
    ),
    ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], NeedsAdmin, R, ()),
    (
        "INVALID_CROSS_REFERENCE_KEY",
        "Owner ID: owner cannot be blank",
        ["OwnerId"],
        NeedsAdmin,
        F,
        ("OwnerId",),
    ),
    ("MALFORMED_ID", "Account ID: id value of incorrect type: 0019", ["Id"], Bug, R, ("Id",)),
    ("NOT_FOUND", "The requested resource does not exist", [], NeedsAdmin, R, ()),
    (
        "NOT_FOUND",
        "Provided external ID field does not exist or is not accessible: Namez",
        [],
        NeedsAdmin,
        F,
        ("Namez",),
    ),
    ("INVALID_TYPE", "sObject type 'X' is not supported.", [], NeedsAdmin, R, ()),
    ("MALFORMED_QUERY", "unexpected token", [], Bug, R, ()),
    ("MALFORMED_SEARCH", "No search term found.", [], Bug, R, ()),
    ("JSON_PARSER_ERROR", "Unexpected character", [], Bug, R, ()),
    ("METHOD_NOT_ALLOWED", "HTTP Method 'X' not allowed.", [], Bug, R, ()),
    ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", [], Wait, C, ()),
    ("TXN_SECURITY_NO_ACCESS", "blocked", [], NeedsAdmin, R, ()),
    ("LIMIT_EXCEEDED", "limit", [], NeedsAdmin, R, ()),
    ("PROCESSING_HALTED", "The transaction was rolled back", [], Retry, R, ()),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back", [], Retry, R, ()),
    ("SERVER_UNAVAILABLE", "Server unavailable", [], Retry, C, ()),
    ("UNSUPPORTED_API_VERSION", "retired", [], NeedsAdmin, C, ()),
    ("GONE", "retired", [], NeedsAdmin, C, ()),
    ("EXCEEDED_ID_LIMIT", "too many", [], Retry, B, ()),
    ("QUERY_TIMEOUT", "Your query request was running for too long.", [], Retry, B, ()),
    ("REQUEST_RUNNING_TOO_LONG", "too long", [], Retry, B, ()),
    ("QUERY_TOO_COMPLICATED", "Query is too complicated", [], Retry, B, ()),
    ("INVALID_QUERY_LOCATOR", "invalid query locator", [], Retry, B, ()),
    ("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x", [], Bug, R, ()),
    ("SOMETHING_NOBODY_LISTED", "In plain words", [], NeedsAdmin, R, ()),
]


@pytest.mark.parametrize("key", ["errorCode", "statusCode"])
@pytest.mark.parametrize(("code", "message", "given", "kind", "scope", "blamed"), CATALOGUE)
def test_a_code_is_a_decision(
    key: str,
    code: str,
    message: str,
    given: list[str],
    kind: type[InstepError],
    scope: Scope,
    blamed: tuple[str, ...],
) -> None:
    error = error_of({key: code, "message": message, "fields": given}, request_id="r-1")
    assert (type(error), error.scope, error.fields) == (kind, scope, blamed)
    assert error.message == message
    assert error.cure
    assert error.request_id == "r-1"


def test_passing_trouble_of_a_whole_request_covers_its_batch() -> None:
    locked = {"errorCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}
    assert error_of(locked, whole=True).scope is Scope.BATCH
    assert error_of(locked).scope is Scope.RECORD


def test_codes_that_the_engine_reads_are_stable() -> None:
    assert error_of({"errorCode": "INVALID_SESSION_ID"}).code == "reconnect"
    assert error_of({"errorCode": "X", "message": "Apex CPU time limit exceeded"}).code == "CPU_LIMIT"
    assert error_of({"errorCode": "STRING_TOO_LONG"}).code == "STRING_TOO_LONG"


def test_several_errors_of_a_row_blame_the_fields_of_the_first_kind_and_tell_all() -> None:
    error = error_of_all(
        [
            {"statusCode": "STRING_TOO_LONG", "message": "First Name too long", "fields": ["FirstName"]},
            {"statusCode": "STRING_TOO_LONG", "message": "Title too long", "fields": ["Title"]},
            {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Bad mail", "fields": ["Email"]},
        ]
    )
    assert error.fields == ("FirstName", "Title")
    assert error.message == "First Name too long / Title too long / Bad mail"


def test_a_refusal_without_a_reason_still_is_a_decision() -> None:
    assert isinstance(error_of_all([]), NeedsAdmin)


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_the_matches_of_a_duplicate_rule_are_read_under_both_spellings(key: str) -> None:
    found = {
        "matchResults": [
            {
                "entityType": "Contact",
                "matchRecords": [
                    {"record": {"Id": "003000000000001"}},
                    {"record": {"Id": "003000000000001"}},
                ],
            },
            {"entityType": "Lead", "matchRecords": [{"record": {"Id": "00Q000000000001"}}]},
        ]
    }
    error = error_of({"errorCode": "DUPLICATES_DETECTED", "message": "Use one?", key: found})
    assert error.matches == (("Contact", "003000000000001AAA"), ("Lead", "00Q000000000001EAA"))


def test_a_duplicate_value_names_the_record_that_has_it() -> None:
    error = error_of(
        {
            "errorCode": "DUPLICATE_VALUE",
            "message": "duplicate value found: X__c duplicates value on record with id: 00Q000000000001",
        }
    )
    assert error.matches == (("Lead", "00Q000000000001EAA"),)


def test_a_record_that_is_gone_is_looked_for_and_a_reference_is_not() -> None:
    """A record type that the user may not use any more is nothing that a new look could find."""
    gone = {"errorCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid cross reference id"}
    named = {**gone, "message": "Record Type ID: not valid for the user", "fields": ["RecordTypeId"]}
    assert "looked for again" in error_of(gone).cure
    assert "may not use it" in error_of(named).cure
