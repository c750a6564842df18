"""Why a connection is in trouble, recognised from codes and the CRM's own words.

Source: the documented causes (reference OnceHub 5.3, 6.8) and the token endpoint's errors (Salesforce 1.7). The CRM
says "expired" of a sign-in that ended for whatever reason; what it did shortly before tells the reasons apart.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """One documented cause. The value is part of the codes of alerts and of addresses: it never changes."""

    TOKEN_EXPIRED = "token-expired"  # noqa: S105 - the name of a cause
    """The sign-in has ended after it was not used, or nobody knows why."""
    TOO_MANY_APPROVALS = "too-many-approvals"
    """The sign-in ended while it was in use: a newer approval pushed it out, or somebody revoked it."""
    ACCESS_REVOKED = "access-revoked"
    """The CRM says that the user or the app may not sign in."""
    APP_CHANGED = "app-changed"
    """The app's key, secret or flow in the CRM is not what it was."""
    WRONG_ORG = "wrong-org"
    API_OFF = "api-off"
    LIMIT_USED_UP = "limit-used-up"
    STORAGE_FULL = "storage-full"
    UNREACHABLE = "unreachable"
    """Anything else that holds the whole connection for a while."""
    PERMISSION_SET = "permission-set"
    RIGHTS = "rights"
    """The connected user may not read, create or edit an object any more."""
    FIELDS_GONE = "fields-gone"
    """The connector's own fields are not there any more: removed, or installed anew."""
    MAPPED_FIELD = "mapped-field"
    """A field of the mapping is gone, hidden or read-only."""
    NOT_SEARCHABLE = "not-searchable"
    """The address that people are looked for by is hidden or cannot be searched."""
    VALUE_RETIRED = "value-retired"
    RECORD_TYPE = "record-type"
    """A chosen record type is gone, inactive, or not the connected user's any more."""
    NEW_REQUIRED = "new-required"
    UNFILLABLE_REQUIRED = "unfillable-required"
    """A required field of a type that nothing can fill."""
    VALIDATION_RULE = "validation-rule"
    DUPLICATE_RULE = "duplicate-rule"
    """A duplicate rule forbids a change, or a new record for which it names none that can be used."""
    OTHER_PERSON = "other-person"
    """A duplicate rule has named a record that may be somebody else."""
    NO_RIGHT = "no-right"
    """Single records are refused for a right."""


#: alerts of the watched setup begin with it: they are not about what holds a lane, and end by a look at the setup
SETUP = "setup:"

#: parts of what the token endpoint says, in lower case
_REVOKED = (
    "not admin approved",
    "hasn't approved",
    "has not approved",
    "inactive",
    "blocked",
    "access_denied",
    "revoked",
)
_TOO_MANY = ("too many", "exceed", "5-account", "approval limit")
_APP = (
    "client identifier",
    "client id",
    "client secret",
    "client credentials",
    "unsupported_grant_type",
    "redirect_uri",
    "not supported on this domain",
    "invalid assertion",
    "audience",
)
_EXPIRED = "expired access/refresh token"

_OF_CODE = {
    "wrong_org": Cause.WRONG_ORG,
    "bad_signature": Cause.APP_CHANGED,
    "API_DISABLED_FOR_ORG": Cause.API_OFF,
    "API_CURRENTLY_DISABLED": Cause.API_OFF,
    "INSUFFICIENT_ACCESS": Cause.RIGHTS,
    "REQUEST_LIMIT_EXCEEDED": Cause.LIMIT_USED_UP,
    "API_RESERVE": Cause.LIMIT_USED_UP,
    "STORAGE_LIMIT_EXCEEDED": Cause.STORAGE_FULL,
    "permission_set_missing": Cause.PERMISSION_SET,
    "fields_hidden": Cause.PERMISSION_SET,
}

#: what is kept with a record that a duplicate rule has named and that has another address
DOUBTFUL = "instep:other-address"

_OF_REFUSAL = {
    DOUBTFUL: Cause.OTHER_PERSON,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Cause.VALIDATION_RULE,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Cause.VALIDATION_RULE,
    "FIELD_FILTER_VALIDATION_EXCEPTION": Cause.VALIDATION_RULE,
    "DUPLICATES_DETECTED": Cause.DUPLICATE_RULE,
    "REQUIRED_FIELD_MISSING": Cause.NEW_REQUIRED,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Cause.VALUE_RETIRED,
    "INVALID_FIELD": Cause.MAPPED_FIELD,
    "NOT_SEARCHABLE": Cause.NOT_SEARCHABLE,
    "INVALID_FIELD_FOR_INSERT_UPDATE": Cause.MAPPED_FIELD,
    "INSUFFICIENT_ACCESS": Cause.NO_RIGHT,
    "INSUFFICIENT_ACCESS_OR_READONLY": Cause.NO_RIGHT,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Cause.NO_RIGHT,
    "INVALID_TYPE": Cause.NO_RIGHT,
}

#: the codes of refused records and values that have a documented cause
REFUSALS = frozenset(_OF_REFUSAL)

_RULES = (Cause.VALIDATION_RULE, Cause.DUPLICATE_RULE)
#: the codes of refusals that no describe of an object tells anything about
OF_RULES = frozenset(code for code, cause in _OF_REFUSAL.items() if cause in _RULES)


def of_hold(code: str, reason: str, used_lately: bool) -> Cause:
    """Why a whole connection stands still; `used_lately`: it had worked within the day before."""
    if code != "reconnect":
        return _OF_CODE.get(code, Cause.UNREACHABLE)
    said = reason.lower()
    if any(words in said for words in _TOO_MANY):
        return Cause.TOO_MANY_APPROVALS
    if any(words in said for words in _REVOKED):
        return Cause.ACCESS_REVOKED
    if any(words in said for words in _APP):
        return Cause.APP_CHANGED
    if _EXPIRED in said and used_lately:
        return Cause.TOO_MANY_APPROVALS
    return Cause.TOKEN_EXPIRED


def of_refusal(code: str) -> Cause | None:
    """The documented cause of refused records with that code; None for others, which the sync log shows."""
    return _OF_REFUSAL.get(code)


def alert_code(cause: Cause, subject: str) -> str:
    """The code of an alert about the setup; `subject` names the object or field."""
    return f"{SETUP}{cause.value}:{subject}"


def of_alert(code: str) -> tuple[Cause, str] | None:
    """(cause, subject) of an alert about the setup; None for alerts about what holds a lane."""
    if not code.startswith(SETUP):
        return None
    value, _, subject = code.removeprefix(SETUP).partition(":")
    return (Cause(value), subject) if value in set(Cause) else None
