"""Error bodies to the letter, and the codes they carry.

ApiError        one answer: an HTTP status and a JSON array of errors
RowError        one record refused: in a single call an ApiError, in a collection one row
"""

from typing import Any

import attrs

ALL_OR_NONE_ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
CANNOT_UPDATE_CONVERTED_LEAD = "CANNOT_UPDATE_CONVERTED_LEAD"
API_DISABLED_FOR_ORG = "API_DISABLED_FOR_ORG"
DUPLICATES_DETECTED = "DUPLICATES_DETECTED"
DUPLICATE_VALUE = "DUPLICATE_VALUE"
ENTITY_IS_DELETED = "ENTITY_IS_DELETED"
EXCEEDED_ID_LIMIT = "EXCEEDED_ID_LIMIT"
FIELD_CUSTOM_VALIDATION = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
FIELD_INTEGRITY_EXCEPTION = "FIELD_INTEGRITY_EXCEPTION"
INACTIVE_OWNER_OR_USER = "INACTIVE_OWNER_OR_USER"
INSUFFICIENT_ACCESS_OR_READONLY = "INSUFFICIENT_ACCESS_OR_READONLY"
INVALID_AUTH_HEADER = "INVALID_AUTH_HEADER"
INVALID_CROSS_REFERENCE_KEY = "INVALID_CROSS_REFERENCE_KEY"
INVALID_EMAIL_ADDRESS = "INVALID_EMAIL_ADDRESS"
INVALID_FIELD = "INVALID_FIELD"
INVALID_FIELD_FOR_INSERT_UPDATE = "INVALID_FIELD_FOR_INSERT_UPDATE"
INVALID_QUERY_FILTER_OPERATOR = "INVALID_QUERY_FILTER_OPERATOR"
INVALID_QUERY_LOCATOR = "INVALID_QUERY_LOCATOR"
INVALID_RESTRICTED_PICKLIST = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
INVALID_SESSION_ID = "INVALID_SESSION_ID"
INVALID_TYPE = "INVALID_TYPE"
INVALID_TYPE_ON_FIELD = "INVALID_TYPE_ON_FIELD_IN_RECORD"
JSON_PARSER_ERROR = "JSON_PARSER_ERROR"
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
MALFORMED_ID = "MALFORMED_ID"
MALFORMED_QUERY = "MALFORMED_QUERY"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
MISSING_ARGUMENT = "MISSING_ARGUMENT"
NOT_FOUND = "NOT_FOUND"
NUMBER_OUTSIDE_VALID_RANGE = "NUMBER_OUTSIDE_VALID_RANGE"
PROCESSING_HALTED = "PROCESSING_HALTED"
REQUEST_LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
REQUIRED_FIELD_MISSING = "REQUIRED_FIELD_MISSING"
STRING_TOO_LONG = "STRING_TOO_LONG"
UNKNOWN_EXCEPTION = "UNKNOWN_EXCEPTION"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
CANNOT_ACTIVATE_ENTITY = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"

# Row errors whose single-record answer is not a plain 400.
_STATUS_OF = {
    ENTITY_IS_DELETED: 404,
    NOT_FOUND: 404,
    INVALID_SESSION_ID: 401,
    REQUEST_LIMIT_EXCEEDED: 403,
    METHOD_NOT_ALLOWED: 405,
    UNSUPPORTED_MEDIA_TYPE: 415,
}


@attrs.define
class ApiError(Exception):
    """A refused request: `status` and the body, a JSON array as Salesforce sends it."""

    status: int
    body: Any
    headers: dict[str, str] = attrs.field(factory=dict)


@attrs.define
class RowError(Exception):
    """A refused record. `fields` None leaves the key out, as query and authorisation errors do."""

    code: str
    message: str
    fields: list[str] | None = attrs.field(factory=list)
    extra: dict[str, Any] = attrs.field(factory=dict)
    status: int | None = None
    others: list["RowError"] = attrs.field(factory=list)  # refused for several reasons at once

    def single(self) -> ApiError:
        """The answer to a call about this one record."""
        return ApiError(
            self.status or _STATUS_OF.get(self.code, 400), [one._told() for one in (self, *self.others)]
        )

    def _told(self) -> dict[str, Any]:
        error = {**self.extra, "message": self.message, "errorCode": self.code}
        return error if self.fields is None else {**error, "fields": self.fields}

    def rows(self) -> list[dict[str, Any]]:
        """The errors as one row of a collection shows them (key `statusCode`, no match details)."""
        return [
            {"statusCode": one.code, "message": one.message, "fields": one.fields or []}
            for one in (self, *self.others)
        ]


def refuse(status: int, code: str, message: str) -> ApiError:
    """A refusal that names no fields: authorisation, routing, query, limits."""
    return ApiError(status, [{"message": message, "errorCode": code}])


def not_found() -> ApiError:
    return refuse(404, NOT_FOUND, "The requested resource does not exist")


def json_parser_error(message: str) -> ApiError:
    return refuse(400, JSON_PARSER_ERROR, message)
