"""Duplicate rules: who a new record resembles, and whether it may be saved all the same."""

from typing import TYPE_CHECKING, Any

from . import errors
from .call import Caller
from .errors import RowError
from .records import shown
from .schema import SObject
from .tables import Record, index_key

if TYPE_CHECKING:
    from .org import Org

ALLOW, ALERT, BLOCK = "allow", "alert", "block"
ACTIONS = (ALLOW, ALERT, BLOCK)
EXACT, FUZZY = "ExactMatchEngine", "FuzzyMatchEngine"
MESSAGE = "Use one of these records?"
_HEADER = "sforce-duplicate-rule-header"


def _options(caller: Caller) -> dict[str, bool]:
    """`allowSave=true; includeRecordDetails=true` as names → True."""
    parts = (part.partition("=") for part in caller.headers.get(_HEADER, "").split(";"))
    return {name.strip().lower(): value.strip().lower() == "true" for name, _, value in parts}


def _matches(org: "Org", record: Record, matching: dict[str, Any]) -> list[Record]:
    """The living records that agree in every field of a matching rule; a blank agrees with nothing."""
    wanted = {name: index_key(record.get(name)) for name in matching["fields"]}
    if not wanted or any(value is None for value in wanted.values()):
        return []
    target = matching["object"]
    indexed = next((name for name in wanted if org.tables.is_indexed(target, name)), None)
    keys = org.tables.find(target, indexed, wanted[indexed]) if indexed else list(org.tables.rows(target))
    found = (org.live(target, key) for key in keys)
    return [
        other
        for other in found
        if other is not None
        and other["Id"] != record["Id"]
        and not other.get("IsConverted")
        and all(index_key(other.get(name)) == value for name, value in wanted.items())
    ]


def _told(caller: Caller, target: str, other: Record, details: bool) -> dict[str, Any]:
    obj = caller.org.access.view(caller.user_id, target)
    url = caller.object_url(target, other["Id"])
    names = None if details else ["Id"]
    return {
        "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
        "record": shown(caller.org, obj, other, url, names),
    }  # fmt: skip


def check(caller: Caller, obj: SObject, record: Record, old: Record | None) -> None:
    """Refuse a record that an active rule takes for one that is there."""
    org = caller.org
    moment = "create" if old is None else "update"
    for rule in list(org.tables.rows("DuplicateRule").values()):
        held = org.config.duplicates.get(rule["Id"])
        if held is None or rule.get("SobjectType") != obj.name or not rule.get("IsActive"):
            continue
        action = held["action"].get(moment, ALLOW)
        options = _options(caller)
        if action == ALLOW or (action == ALERT and options.get("allowsave")):
            continue
        results = []
        for matching in held["matching"]:
            if old is not None and not any(old.get(n) != record.get(n) for n in matching["fields"]):
                continue  # nothing that the rule looks at has changed
            found = _matches(org, record, matching)
            if found:
                told = [
                    _told(caller, matching["object"], o, options.get("includerecorddetails", False))
                    for o in found
                ]
                results.append({
                    "entityType": matching["object"], "errors": [], "matchEngine": held["engine"],
                    "matchRecords": told, "rule": matching["rule"], "size": len(told), "success": True,
                })  # fmt: skip
        if results:
            raise _refusal(org, rule, held["message"], action == ALERT, results)


def _refusal(
    org: "Org", rule: Record, message: str, allow_save: bool, results: list[dict[str, Any]]
) -> RowError:
    body = {
        "allowSave": allow_save, "duplicateRule": rule["DeveloperName"],
        "duplicateRuleEntityType": rule["SobjectType"], "errorMessage": message, "matchResults": results,
    }  # fmt: skip
    extra = {org.settings.duplicateKey: body}
    return RowError(errors.DUPLICATES_DETECTED, message, None, extra)
