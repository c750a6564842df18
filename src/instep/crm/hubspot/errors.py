"""HubSpot's refusals as decisions: what each category and code means for the work at hand.

The codes of our errors are those of `core.refusal`, whatever HubSpot calls them; its message stays word for word.
By category and code, never by HTTP status, as far as HubSpot gives any (reference 3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from instep.core import refusal
from instep.core.errors import Bug, InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.crm.hubspot.names import CONTACT
from instep.crm.oauth import RECONNECT

CONFLICT = "CONFLICT"
EXISTS = "OBJECT_ALREADY_EXISTS"
NOT_FOUND = "OBJECT_NOT_FOUND"
EXPIRED = "EXPIRED_AUTHENTICATION"
MISSING_SCOPES = "MISSING_SCOPES"
_SIGN_IN = frozenset({"INVALID_AUTHENTICATION", EXPIRED, "BANNED"})
_RATES = frozenset({"RATE_LIMITS", "RATE_LIMIT"})

#: policies of rate limits: the daily one pauses until calls are left, the others for their interval (seconds)
_DAILY = "DAILY"
_INTERVALS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
#: a record that too much is done to at once stays locked so long (reference 3)
_LOCK_SECONDS = 2.0

_AGAIN = "It is tried again by itself."
_CHOOSE = "Change the mapping or its fallback value, or correct the value in the booking."
_FILL = "Give these properties a value."
_SEE = "Take the property out of the mapping, or restore it in HubSpot."


@frozen
class _Meaning:
    code: str
    cure: str = _CHOOSE


#: error of one property -> what it means (reference 2.8)
_OF_PROPERTY: Mapping[str, _Meaning] = {
    "PROPERTY_DOESNT_EXIST": _Meaning(refusal.NO_SUCH_FIELD, _SEE),
    "READ_ONLY_VALUE": _Meaning(refusal.READ_ONLY_FIELD, _SEE),
    "INVALID_OPTION": _Meaning(refusal.NO_SUCH_CHOICE),
    "INVALID_EMAIL": _Meaning("INVALID_EMAIL_ADDRESS"),
    "MISSING_REQUIRED_PROPERTY": _Meaning(refusal.REQUIRED, _FILL),
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": _Meaning(refusal.REQUIRED, _FILL),
    "CONFLICTING_UNIQUE_VALUE": _Meaning(refusal.TAKEN, "Another record has this unique value."),
}
_RULE = _Meaning(refusal.RULE_BROKEN, "Change the property's validation rule in HubSpot, or the mapping.")

_EXISTING_ID = re.compile(r"Existing ID:\s*(\d+)")
_UNIQUE_WORDS = re.compile(r"already has that value", re.IGNORECASE)
_EMBEDDED = re.compile(r"Property values were not valid:\s*(\[.*\])", re.DOTALL)
_INVALID_IDS = "INVALID_OBJECT_IDS"
_ASSOCIATION = re.compile(r"[A-Z_]+=(\d+)")


@frozen
class Blamed:
    """One property that a refusal names: HubSpot's code for why."""

    name: str
    code: str


def blamed(entry: Mapping[str, Any]) -> tuple[Blamed, ...]:
    """The properties that a refusal names: as parsed by HubSpot, else as the text has them (reference 2.8)."""
    return tuple(dict.fromkeys((*_parsed(entry), *_embedded(str(entry.get("message") or "")))))


def _parsed(entry: Mapping[str, Any]) -> Iterator[Blamed]:
    for detail in (entry, *(e for e in entry.get("errors") or () if isinstance(e, Mapping))):
        context = detail.get("context") or {}
        found = context.get("propertyName") or context.get("properties") or ()
        for name in [found] if isinstance(found, str) else found:
            yield Blamed(str(name), str(detail.get("code") or detail.get("error") or ""))


def _embedded(message: str) -> Iterator[Blamed]:
    found = _EMBEDDED.search(message)
    try:
        listed = json.loads(found.group(1)) if found else ()
    except ValueError:
        return
    for one in listed:
        if isinstance(one, Mapping) and one.get("name"):
            yield Blamed(str(one["name"]), str(one.get("error") or ""))


def existing_id(entry: Mapping[str, Any]) -> str:
    """The id of the contact that has the address already; empty where the text does not say it."""
    found = _EXISTING_ID.search(str(entry.get("message") or ""))
    return found.group(1) if found else ""


def clashing(entry: Mapping[str, Any], key: str) -> bool:
    """Whether a record was refused because another carries our id (property `key`) already."""
    named = blamed(entry)
    if any(one.name == key and _OF_PROPERTY.get(one.code, _RULE).code == refusal.TAKEN for one in named):
        return True
    message = str(entry.get("message") or "")
    return bool(_UNIQUE_WORDS.search(message)) and key in message


def invalid_ids(entry: Mapping[str, Any]) -> frozenset[str]:
    """The ids of records to which an association was refused."""
    context = entry.get("context") or {}
    return frozenset(i for text in context.get(_INVALID_IDS) or () for i in _ASSOCIATION.findall(str(text)))


def is_missing(entry: Mapping[str, Any]) -> bool:
    """Whether an error of a batch read says that records are not there, and nothing else."""
    return entry.get("category") == NOT_FOUND


def missing_scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes of which one would have been enough, as HubSpot names them."""
    contexts = [e.get("context") or {} for e in body.get("errors") or () if isinstance(e, Mapping)]
    return tuple(dict.fromkeys(str(s) for c in contexts for s in c.get("requiredGranularScopes") or ()))


def error_of(entry: Mapping[str, Any], *, status: int = 0, request_id: str = "") -> InstepError:
    """What HubSpot says about one record or one request, as a decision.

    `status` is that of the request, 0 for one record of a batch. Errors of the whole connection have its scope.
    """
    category = str(entry.get("category") or entry.get("errorType") or "")
    message = str(entry.get("message") or category or f"HubSpot answered HTTP {status}.")
    if category in _RATES or status == 429:
        return _limited(entry, message, request_id)
    if category in _SIGN_IN or status == 401:
        return _whole(NeedsAdmin, message, RECONNECT, "Connect HubSpot again.", request_id)
    if category == MISSING_SCOPES or status == 403:
        asked = ", ".join(missing_scopes(entry))
        cure = f"Grant one of these scopes: {asked}." if asked else "Grant the scopes that Instep lists."
        return _whole(NeedsAdmin, message, refusal.NO_RIGHT, cure, request_id)
    if status == 423 or _is_busy(category, message):
        return Retry(message, code="LOCKED", cure=_AGAIN, request_id=request_id, after=_LOCK_SECONDS)
    if category == CONFLICT:
        found = existing_id(entry)
        return NeedsAdmin(
            message,
            code=refusal.DOUBLED,
            cure="Merge the contacts in HubSpot.",
            request_id=request_id,
            matches=((CONTACT, found),) if found else (),
        )
    if category == NOT_FOUND or status == 404 or invalid_ids(entry):
        return NeedsAdmin(
            message, code=refusal.NOT_THERE, cure="The record is looked for again.", request_id=request_id
        )
    return _of_content(entry, category, message, request_id)


def _is_busy(category: str, message: str) -> bool:
    """Whether a record cannot be written for the moment: locked, changed at the same time, trouble inside.

    Rows of a batch have no status that would say so.
    """
    said = message.lower()
    if category == CONFLICT:
        return "already exists" not in said
    return category in ("LOCKED", "INTERNAL_ERROR") or "is locked" in said or said == "internal error"


def _of_content(entry: Mapping[str, Any], category: str, message: str, request_id: str) -> InstepError:
    named = blamed(entry)
    if not named:
        if not category:
            return Bug(message, code="UNKNOWN", request_id=request_id)
        cure = "Correct the cause in HubSpot, then try again."
        return NeedsAdmin(message, code=category, cure=cure, request_id=request_id)
    meaning = _OF_PROPERTY.get(named[0].code, _RULE)
    same = tuple(b.name for b in named if _OF_PROPERTY.get(b.code, _RULE) == meaning)
    # a property that is missing cannot be left out
    scope = Scope.RECORD if meaning.code == refusal.REQUIRED else Scope.FIELD
    told = _told(entry) or message
    return NeedsAdmin(
        told, code=meaning.code, cure=meaning.cure, scope=scope, fields=same, request_id=request_id
    )


def _told(entry: Mapping[str, Any]) -> str:
    """What was said of each property, without the wrapping that is meant for programs."""
    parts = [str(e.get("message")) for e in entry.get("errors") or () if isinstance(e, Mapping)]
    if not parts:
        found = _EMBEDDED.search(str(entry.get("message") or ""))
        try:
            listed = json.loads(found.group(1)) if found else ()
        except ValueError:
            listed = ()
        parts = [str(one.get("message")) for one in listed if isinstance(one, Mapping)]
    return " / ".join(dict.fromkeys(p for p in parts if p and p != "None"))


def _limited(entry: Mapping[str, Any], message: str, request_id: str) -> Wait:
    policy = str(entry.get("policyName") or "")
    if policy == _DAILY:
        return Wait(
            message,
            code=refusal.LIMIT_USED_UP,
            cure="Instep goes on by itself once calls are left: HubSpot counts anew at midnight of the account.",
            scope=Scope.CONNECTION,
            request_id=request_id,
        )
    return Wait(
        message,
        code=policy or "RATE_LIMIT",
        cure="Instep goes on by itself.",
        scope=Scope.CONNECTION,
        request_id=request_id,
        after=_INTERVALS.get(policy, 10.0),
    )


def _whole(kind: type[InstepError], message: str, code: str, cure: str, request_id: str) -> InstepError:
    return kind(message, code=code, cure=cure, scope=Scope.CONNECTION, request_id=request_id)
