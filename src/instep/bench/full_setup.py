"""The full configuration: Leads or Contacts, Accounts, Cases, owner rules, and more than forty mapped fields."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from instep.bench.house import House, Org
from instep.core.config_document import to_document
from instep.core.creation import CASE, CalendarRules, OwnerRule, Ownership
from instep.core.mapping import Row

#: the booking calendar whose bookings make Cases
SUPPORT = "BKC-SUPPORT"
#: four more fields of each object, beside the default rows
_SOURCES = ("meeting.subject", "meeting.status", "meeting.id", "contact.time_zone")
_OBJECTS = ("Lead", "Contact", "Account", "Event", "Case")


def configure(house: House, org: Org, connection_id: int) -> None:
    """Give the org custom fields on every object, map all of them, and switch every rule on."""
    from instep.engine.lane import apply_config, load_config
    from instep.store import lane_queries

    for name in _OBJECTS:
        for n in range(len(_SOURCES)):
            made = {"object": name, "field": _field(n), "create": {"type": "string", "length": 255}}
            org.order("field", made)
            org.order("fls", {"object": name, "field": _field(n)})
    row = lane_queries.connection_by_id(house.account_id, connection_id)
    assert row is not None
    base = load_config(row)
    more = tuple(Row(source, _field(n), overwrite=n % 2 == 0) for n, source in enumerate(_SOURCES))
    config = evolve(
        base,
        rows={**base.rows, **{name: (*base.rows[name], *_for(name, more)) for name in _OBJECTS}},
        owners={name: OwnerRule(Ownership.HOST) for name in ("Lead", "Contact")},
        calendars={SUPPORT: CalendarRules(CASE)},
    )
    apply_config(house.account_id, row, to_document(config))


def half_with_cases(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every second booking made on the calendar whose bookings get a Case, a Contact and an Account."""
    for event in events[1::2]:
        event["data"]["booking_calendar"] = SUPPORT
    return events


def _field(n: int) -> str:
    return f"Mapped_{n}__c"


def _for(name: str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Events mirror the booking: Overwrite means nothing there."""
    return tuple(evolve(row, overwrite=False) for row in rows) if name == "Event" else rows
