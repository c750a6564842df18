"""The objects of the mapping as tabs: which there are, how many rows each has, and how many fields need somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from django.urls import reverse
from django.utils.translation import gettext_lazy as later

from instep.core.crm_schema import ObjectSchema, Schema
from instep.core.field_validation import required_fields
from instep.core.mapping import Row
from instep.core.rules import SyncConfig, system_fields
from instep.crm.hubspot.names import MEETING
from instep.crm.salesforce.names import ACCOUNT, CASE, CONTACT, EVENT, LEAD
from instep.crm.vendors import vendor_of

#: the tabs in the order and with the names that admins know: address, object, word
TABS = (
    ("leads", LEAD, later("Leads")),
    ("contacts", CONTACT, later("Contacts")),
    ("accounts", ACCOUNT, later("Accounts")),
    ("events", EVENT, later("Events")),
    ("cases", CASE, later("Cases")),
    ("meetings", MEETING, later("Meetings")),
)


@frozen
class Tab:
    """One object's tab. `problems` are rows whose field is gone, and required fields that nothing fills."""

    slug: str
    name: str
    word: Any
    address: str
    current: bool
    rows: int
    problems: int


def tab_slug(object_name: str) -> str:
    """The part of the address of an object's tab; empty for objects without one."""
    return next((slug for slug, name, _word in TABS if name == object_name), "")


def tabs_of(row: Mapping[str, Any], config: SyncConfig, schema: Schema, current: str) -> list[Tab]:
    """The tabs of the objects that this CRM is written to; `schema` is what is known of them."""
    profile = vendor_of(row["vendor"]).profile
    objects = profile.objects
    return [
        Tab(
            slug,
            name,
            word,
            reverse("mapping", args=[row["public_id"], slug]),
            slug == current,
            len(config.rows.get(name, ())),
            _problems(config.rows.get(name, ()), schema.get(name), system_fields(profile, name)),
        )
        for slug, name, word in TABS
        if name in objects
    ]


def _problems(rows: Sequence[Row], described: ObjectSchema | None, own: frozenset[str]) -> int:
    if described is None:
        return 0
    gone = sum(described.get(row.field) is None for row in rows)
    return gone + sum(one.is_open for one in required_fields(described, rows, own))
