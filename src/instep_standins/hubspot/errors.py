"""Error bodies to the letter.

ApiError    one answer: an HTTP status and HubSpot's error envelope; in a batch, one of its `errors`
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

VALIDATION_ERROR = "VALIDATION_ERROR"
CONFLICT = "CONFLICT"
OBJECT_NOT_FOUND = "OBJECT_NOT_FOUND"
OBJECT_ALREADY_EXISTS = "OBJECT_ALREADY_EXISTS"
MISSING_SCOPES = "MISSING_SCOPES"
INVALID_AUTHENTICATION = "INVALID_AUTHENTICATION"
EXPIRED_AUTHENTICATION = "EXPIRED_AUTHENTICATION"

PROPERTY_DOESNT_EXIST = "PROPERTY_DOESNT_EXIST"
READ_ONLY_VALUE = "READ_ONLY_VALUE"
INVALID_EMAIL = "INVALID_EMAIL"
INVALID_OPTION = "INVALID_OPTION"
INVALID_INTEGER = "INVALID_INTEGER"
INVALID_LONG = "INVALID_LONG"
INVALID_FLOAT = "INVALID_FLOAT"
INVALID_DATE = "INVALID_DATE"
INVALID_OWNER_ID = "INVALID_OWNER_ID"
CONFLICTING_UNIQUE_VALUE = "CONFLICTING_UNIQUE_VALUE"
MISSING_REQUIRED_PROPERTY = "MISSING_REQUIRED_PROPERTY"
MISSING_CONDITIONAL_REQUIRED_PROPERTY = "MISSING_CONDITIONAL_REQUIRED_PROPERTY"

_SCOPES_PAGE = "https://developers.hubspot.com/scopes"
_OAUTH_PAGE = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


@attrs.define
class ApiError(Exception):
    """A refusal. `body` lacks its correlation id: the application adds the one of the request."""

    status: int
    body: Any
    headers: dict[str, str] = attrs.field(factory=dict)

    def row(self, trace: str | None = None, **context: Sequence[str]) -> dict[str, Any]:
        """The refusal as one of a batch's `errors`."""
        body = self.body
        found = {key: list(values) for key, values in {**(body.get("context") or {}), **context}.items()}
        if trace is not None:
            found["objectWriteTraceId"] = [trace]
        return {
            "status": "error", "category": body.get("category", VALIDATION_ERROR), "message": body["message"],
            "context": found, "errors": body.get("errors", []), "links": {},
        }  # fmt: skip


def error(status: int, message: str, category: str | None = None, **more: Any) -> ApiError:
    """HubSpot's envelope; `category` None leaves it out, as some 404 and 500 do."""
    body = {"status": "error", "message": message}
    headers = more.pop("headers", {})
    return ApiError(status, {**body, **more, **({"category": category} if category else {})}, headers)


def invalid(message: str, **more: Any) -> ApiError:
    return error(400, message, VALIDATION_ERROR, **more)


def not_here() -> ApiError:
    """No such record: a numeric id that is not there has no category."""
    return error(404, "resource not found")


def not_numeric(value: str) -> ApiError:
    message = "Object not found.  objectId are usually numeric."
    return error(404, message, OBJECT_NOT_FOUND, context={"id": [value]})


def no_route() -> ApiError:
    return error(404, "resource not found")


def method_not_allowed() -> ApiError:
    return error(405, "HTTP 405 Method Not Allowed")


def unauthenticated() -> ApiError:
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        f"details at {_OAUTH_PAGE}"
    )
    return error(401, message, INVALID_AUTHENTICATION)


def expired(seconds: int, when: str) -> ApiError:
    days, rest = divmod(seconds, 86400)
    ago = f"{days} day(s)" if days and rest >= 0 and days > 1 else f"{seconds} second(s)"
    message = f"The OAuth token used to make this call expired {ago} ago."
    return error(401, message, EXPIRED_AUTHENTICATION, context={"expire time": [when]})


def missing_scopes(one_of: Iterable[str]) -> ApiError:
    asked = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(one_of)},
    }
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_SCOPES_PAGE}."
    )
    return error(403, message, MISSING_SCOPES, errors=[asked], links={"scopes": _SCOPES_PAGE})


def rate_limited(policy: str) -> ApiError:
    """429 by policy: TEN_SECONDLY_ROLLING, SECONDLY (search) or DAILY."""
    message = f"You have reached your {policy.lower()} limit."
    body = {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy}
    return ApiError(429, {**body, "groupName": "publicapi:private-apps:api-calls"})


def bad_json(line: int, column: int, problem: str) -> ApiError:
    # As recorded: without a category.
    return error(400, f"Invalid input JSON on line {line}, column {column}: {problem}")


def missing_attributes(*names: str) -> ApiError:
    return invalid(f"Invalid input JSON: some of required attributes are not set [{', '.join(names)}]")


@attrs.frozen
class Problem:
    """One property that is not valid."""

    name: str
    code: str
    message: str
    more: dict[str, Any] = attrs.field(factory=dict)


def invalid_values(portal_id: int, problems: Sequence[Problem]) -> ApiError:
    """400 with the problems twice: as JSON within the message, and parsed."""
    nested = [
        {
            "isValid": False, "message": one.message, "error": one.code, "name": one.name,
            "localizedErrorMessage": one.message, "portalId": portal_id, **one.more,
        }
        for one in problems
    ]  # fmt: skip
    parsed = [
        {"message": one.message, "code": one.code, "context": {"propertyName": [one.name]}}
        for one in problems
    ]
    told = json.dumps(nested, ensure_ascii=False, separators=(",", ":"))
    return invalid(f"Property values were not valid: {told}", errors=parsed)


def contact_exists(record_id: str) -> ApiError:
    return error(409, f"Contact already exists. Existing ID: {record_id}", CONFLICT)
