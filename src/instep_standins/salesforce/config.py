"""What admins configured beyond fields and permission sets. Plain JSON values: they are kept with the org."""

from typing import Any

import attrs

PERSON_ACCOUNTS = "personAccounts"
MULTI_CURRENCY = "multiCurrency"
STATE_COUNTRY = "stateCountryPicklists"
SHARED_ACTIVITIES = "sharedActivities"
FEATURES = (PERSON_ACCOUNTS, MULTI_CURRENCY, STATE_COUNTRY, SHARED_ACTIVITIES)

EVERYBODY = "*"


@attrs.define
class Config:
    """Keys are record ids, unless said otherwise; EVERYBODY stands for all users."""

    features: list[str] = attrs.field(factory=list)
    # record type → field → {"values": [...], "default": value or None}
    picklists: dict[str, dict[str, dict[str, Any]]] = attrs.field(factory=dict)
    # business process → {"values": [...], "default": value}
    processes: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # user → {"hidden": [record types], "default": {object name: record type or None}}
    record_type_access: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # assignment rule → [{"when": formula, "owner": user or queue}]
    entries: dict[str, list[dict[str, str]]] = attrs.field(factory=dict)
    # object name → the user or queue that assignment rules fall back on
    default_owners: dict[str, str] = attrs.field(factory=dict)
    # duplicate rule → {"action": {"create", "update"}, "message", "engine", "matching": [{"rule", "object", "fields"}]}
    duplicates: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # profile → {"objects": {object name: [rights]}, "permissions": {UserPermissionAccess field: bool}}
    profiles: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # permission set name → the same
    permission_sets: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # "Lead.Title" → what an admin changed about a standard field, by the describe's words
    changes: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    # object name → rights that nobody has, whatever profiles and permission sets say
    withheld: dict[str, list[str]] = attrs.field(factory=dict)

    def has(self, feature: str) -> bool:
        return feature in self.features
