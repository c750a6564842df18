"""Salesforce's error codes as decisions: what each code in the catalogue means for the work at hand.

Always by errorCode, never by HTTP status: public sources disagree about statuses (reference 10.3). Codes
that nobody listed hold the one record and show the message as it came. Codes that say "the record is not
what you took it for" (`core.refusal` knows them) are no `Retry`: sending the same again would not help.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.oauth import RECONNECT
from instep.crm.salesforce.ids import is_id, long_id, object_of

CPU_LIMIT = "CPU_LIMIT"
APEX_LIMIT = "APEX_LIMIT"
PROCESSING_HALTED = "PROCESSING_HALTED"
INVALID_SESSION_ID = "INVALID_SESSION_ID"
#: Our name for HTTP 300: several records carry the external id.
MULTIPLE_CHOICES = "DUPLICATE_EXTERNAL_ID"
#: Codes by which the CRM says that a record with this id is not there (any more).
GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})


_CONCURRENT_PAUSE = 5.0


@frozen
class Decision:
    """What one errorCode means. `field_scope`: where the CRM blames fields, only those are held back."""

    kind: type[InstepError]
    scope: Scope = Scope.RECORD
    cure: str = ""
    field_scope: bool = False
    code: str = ""
    after: float | None = None


_CHOOSE_ANOTHER = "Change the mapping or its fallback value, or correct the value in the booking."
_RIGHTS = "Give the connected Salesforce user access, for example with the permission set Instep connector."
_AGAIN = "It is tried again by itself."
_REPORT = "Nothing is lost. Please report this message: Instep should not have sent this."

_CONFIG = Decision(NeedsAdmin, cure=_RIGHTS)
_DATA = Decision(NeedsAdmin, cure=_CHOOSE_ANOTHER, field_scope=True)
_RETRY = Decision(Retry, cure=_AGAIN)
_SMALLER = Decision(Retry, Scope.BATCH, "It is tried again with fewer records at once.")
_BUG = Decision(Bug, cure=_REPORT)
_RELINK = Decision(NeedsAdmin, cure="The record is looked for again.", field_scope=True)
#: where a field is named, it is not the record itself that is gone
_REFERENCE = (
    "What this field refers to is gone, or the connected user may not use it: choose another, or grant it."
)
_STALE = Decision(
    NeedsAdmin,
    cure="Let the connected user see and edit this field, or take it out of the mapping.",
    field_scope=True,
)
_UPGRADE = Decision(NeedsAdmin, Scope.CONNECTION, "Choose a newer API version for this connection.")
_NO_API = Decision(
    NeedsAdmin,
    Scope.CONNECTION,
    "Give the connected user API Enabled (permission set Instep connector → System Permissions). Editions without the "
    "API (Professional without the add-on, Group, Essentials) cannot be connected: Setup → Company Information tells "
    "which one yours is.",
)
_SIGN_IN = Decision(NeedsAdmin, Scope.CONNECTION, "Connect Salesforce again.", code=RECONNECT)

DECISIONS: Mapping[str, Decision] = {
    # the connection
    INVALID_SESSION_ID: _SIGN_IN,
    "INVALID_HEADER_TYPE": _SIGN_IN,
    "INVALID_AUTH_HEADER": _SIGN_IN,
    "API_DISABLED_FOR_ORG": _NO_API,
    "API_CURRENTLY_DISABLED": Decision(
        Wait, Scope.CONNECTION, "Salesforce has switched its API off for now."
    ),
    "REQUEST_LIMIT_EXCEEDED": Decision(
        Wait, Scope.CONNECTION, "Instep goes on by itself once calls are left."
    ),
    "STORAGE_LIMIT_EXCEEDED": Decision(
        Wait, Scope.CONNECTION, "Free data storage in Salesforce; Instep then goes on."
    ),
    "SERVER_UNAVAILABLE": Decision(Retry, Scope.CONNECTION, _AGAIN),
    "UNSUPPORTED_API_VERSION": _UPGRADE,
    "GONE": _UPGRADE,
    # rights and set-up
    "INSUFFICIENT_ACCESS": _CONFIG,
    "INSUFFICIENT_ACCESS_OR_READONLY": _CONFIG,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Decision(NeedsAdmin, cure=_RIGHTS, field_scope=True),
    "INVALID_TYPE": _CONFIG,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Decision(
        NeedsAdmin, cure="A flow, trigger or process of the org refused the record: change that automation."
    ),
    "FIELD_FILTER_VALIDATION_EXCEPTION": Decision(
        NeedsAdmin, cure="Change the lookup filter in Salesforce or the mapping.", field_scope=True
    ),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Decision(
        NeedsAdmin, cure="Change the validation rule in Salesforce or the mapping.", field_scope=True
    ),
    "ENTITY_IS_LOCKED": Decision(NeedsAdmin, cure="Unlock the record (approval process), then try again."),
    "LIMIT_EXCEEDED": Decision(NeedsAdmin, cure="Raise or free the limit in Salesforce, then try again."),
    "TXN_SECURITY_": Decision(NeedsAdmin, cure="Change the transaction security policy in Salesforce."),
    "DUPLICATE_DEVELOPER_NAME": Decision(
        NeedsAdmin, cure="Rename or remove the part of that name in Salesforce."
    ),
    # mapping and data
    "INVALID_FIELD": _STALE,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _STALE,
    "REQUIRED_FIELD_MISSING": Decision(NeedsAdmin, cure="Give these fields a value."),
    "STRING_TOO_LONG": _DATA,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _DATA,
    "INVALID_EMAIL_ADDRESS": _DATA,
    "FIELD_INTEGRITY_EXCEPTION": _DATA,
    "NUMBER_OUTSIDE_VALID_RANGE": _DATA,
    "INACTIVE_OWNER_OR_USER": Decision(
        NeedsAdmin, cure="Activate the user in Salesforce or choose another owner.", field_scope=True
    ),
    # other records
    "DUPLICATES_DETECTED": Decision(
        NeedsAdmin, cure="Merge the records in Salesforce, or change its duplicate rule."
    ),
    "DUPLICATE_VALUE": Decision(
        NeedsAdmin, cure="Another record has this unique value: correct one of the two.", field_scope=True
    ),
    MULTIPLE_CHOICES: Decision(NeedsAdmin, cure="Merge the records that share the id."),
    "MULTIPLE_CHOICES": Decision(NeedsAdmin, cure="Merge the records that share the id."),
    "CANNOT_UPDATE_CONVERTED_LEAD": Decision(
        NeedsAdmin, cure="The Contact of the converted Lead is looked for."
    ),
    "ENTITY_IS_DELETED": _RELINK,
    "INVALID_CROSS_REFERENCE_KEY": _RELINK,
    "NOT_FOUND": _RELINK,
    PROCESSING_HALTED: _RETRY,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": _RETRY,
    # passing trouble
    "UNABLE_TO_LOCK_ROW": _RETRY,
    "APEX_ERROR": _RETRY,
    "UNKNOWN_EXCEPTION": _RETRY,
    "EXCEEDED_ID_LIMIT": _SMALLER,
    "QUERY_TIMEOUT": _SMALLER,
    "QUERY_TOO_COMPLICATED": _SMALLER,
    "REQUEST_RUNNING_TOO_LONG": _SMALLER,
    "INVALID_QUERY_LOCATOR": _SMALLER,
    # our own mistakes
    "MALFORMED_ID": _BUG,
    "MALFORMED_QUERY": _BUG,
    "MALFORMED_SEARCH": _BUG,
    "INVALID_QUERY_FILTER_OPERATOR": _BUG,
    "JSON_PARSER_ERROR": _BUG,
    "METHOD_NOT_ALLOWED": _BUG,
    "UNSUPPORTED_MEDIA_TYPE": _BUG,
}

_UNLISTED = Decision(NeedsAdmin, cure="Correct the cause in Salesforce, then try again.")

_FIELDS_IN_TEXT = (
    re.compile(r"No such column '([^']+)'"),
    re.compile(r"Unable to create/update fields: ([^.]+)\."),
    re.compile(r"Required fields are missing: \[([^\]]+)\]"),
    re.compile(r"bad field names on insert/update call: (.+)"),
    re.compile(r"duplicate value found: (\S+) duplicates"),
    re.compile(r"field '([^']+)' can not be filtered"),
    re.compile(r"Provided external ID field does not exist or is not accessible: (\S+)"),
)
_DUPLICATE_OF = re.compile(r"record with id: ([A-Za-z0-9]{15,18})")


def error_of(entry: Mapping[str, Any], *, request_id: str = "", whole: bool = False) -> InstepError:
    """One error of Salesforce as ours; the message stays word for word.

    `entry` has `errorCode` (requests) or `statusCode` (rows of Collections), `message`, `fields`.
    `whole`: it answered a request, not a row, so passing trouble covers the batch.
    """
    code = str(entry.get("errorCode") or entry.get("statusCode") or "UNKNOWN")
    message = str(entry.get("message") or code)
    fields = _fields(entry, message, code)
    decision = _decide(code, message)
    scope = decision.scope
    if decision.field_scope and fields:
        scope = Scope.FIELD
    if whole and scope is Scope.RECORD and decision.kind is Retry:
        scope = Scope.BATCH
    return decision.kind(
        message,
        code=decision.code or code,
        cure=_REFERENCE if decision is _RELINK and scope is Scope.FIELD else decision.cure,
        scope=scope,
        fields=fields,
        request_id=request_id,
        after=decision.after,
        matches=_matches(entry, message, code),
    )


def error_of_all(entries: Sequence[Any], *, request_id: str = "", whole: bool = False) -> InstepError:
    """All errors of one row as one: the first decides, the fields of all of the same code are blamed."""
    known = [e for e in entries if isinstance(e, Mapping)]
    if not known:
        return error_of({"message": "Salesforce refused without a reason."}, request_id=request_id)
    error = error_of(known[0], request_id=request_id, whole=whole)
    rest = [error_of(e) for e in known[1:]]
    error.fields = tuple(dict.fromkeys(f for e in (error, *rest) if e.code == error.code for f in e.fields))
    error.message = " / ".join(dict.fromkeys(e.message for e in (error, *rest)))
    return error


def _decide(code: str, message: str) -> Decision:
    if code == "REQUEST_LIMIT_EXCEEDED" and message.startswith("Concurrent"):
        return Decision(Retry, Scope.CONNECTION, _AGAIN, after=_CONCURRENT_PAUSE)
    # The org's own automation runs once for up to 200 rows: fewer rows may pass where many do not.
    if "CPU time limit" in message:
        return Decision(Retry, Scope.BATCH, _SMALLER.cure, code=CPU_LIMIT)
    if "System.LimitException" in message:
        return Decision(Retry, Scope.BATCH, _SMALLER.cure, code=APEX_LIMIT)
    if code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and "UNABLE_TO_LOCK_ROW" in message:
        return _RETRY
    if code == "NOT_FOUND" and "external ID field" in message:
        return _STALE
    if code.startswith("TXN_SECURITY_"):
        return DECISIONS["TXN_SECURITY_"]
    return DECISIONS.get(code, _UNLISTED)


def _fields(entry: Mapping[str, Any], message: str, code: str) -> tuple[str, ...]:
    """The blamed fields: as listed, else as the text names them."""
    listed = entry.get("fields")
    if isinstance(listed, list) and listed:
        return tuple(str(name) for name in listed)
    if code == "INACTIVE_OWNER_OR_USER":
        return ("OwnerId",)
    for pattern in _FIELDS_IN_TEXT:
        found = pattern.search(message)
        if found:
            return tuple(name.strip() for name in found.group(1).split(",") if name.strip())
    return ()


def _matches(entry: Mapping[str, Any], message: str, code: str) -> tuple[tuple[str, str], ...]:
    """The records that a duplicate refusal names. Real orgs misspell the key (reference, decision 6)."""
    if code == "DUPLICATE_VALUE":
        found = _DUPLICATE_OF.search(message)
        if found and is_id(found.group(1)):
            return ((object_of(found.group(1)), long_id(found.group(1))),)
        return ()
    result = entry.get("duplicateResut") or entry.get("duplicateResult") or {}
    pairs = (
        (match.get("entityType") or object_of(record["Id"]), long_id(record["Id"]))
        for match in result.get("matchResults") or ()
        for found in match.get("matchRecords") or ()
        if (record := found.get("record") or {}).get("Id")
    )
    return tuple(dict.fromkeys((str(name), str(record_id)) for name, record_id in pairs))
