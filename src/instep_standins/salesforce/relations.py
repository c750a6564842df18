"""Who an Event is with, beyond WhoId: several people (Shared Activities), invitees and their own copies."""

from typing import TYPE_CHECKING, Any

from . import errors, ids
from .call import Caller
from .config import SHARED_ACTIVITIES
from .errors import RowError
from .schema import SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

WHO_IDS = "EventWhoIds"
MOST_PEOPLE = 50
# Stored beside the fields of an invitee's own Event; the API has no such field.
PARENT_EVENT = "ParentEventId"
_COPIED = (
    "Subject", "Location", "Description", "StartDateTime", "EndDateTime", "ActivityDateTime", "ActivityDate", "EndDate",
    "DurationInMinutes", "IsAllDayEvent", "WhoId", "WhatId", "AccountId", "ShowAs", "EventSubtype", "IsDeleted",
)  # fmt: skip


def unpack(caller: Caller, obj: SObject, data: dict[str, Any]) -> tuple[dict[str, Any], list[str] | None]:
    """(the values of a request without EventWhoIds, the people it names; None where it does not speak of them)."""
    name = next((key for key in data if key.lower() == WHO_IDS.lower()), None)
    if obj.name != "Event" or name is None or not caller.org.config.has(SHARED_ACTIVITIES):
        return data, None
    given = data[name]
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        message = f"Cannot deserialize instance of list from {given!r} at [line:1, column:2]"
        raise RowError(errors.JSON_PARSER_ERROR, message, fields=None)
    people = [_person(caller.org, one) for one in given]
    leads = [one for one in people if one.startswith("00Q")]
    if (leads and len(people) > 1) or len(people) > MOST_PEOPLE:
        message = f"An event is related to one lead, or to up to {MOST_PEOPLE} contacts"
        raise RowError(errors.FIELD_INTEGRITY_EXCEPTION, message, [WHO_IDS])
    rest = {key: value for key, value in data.items() if key != name}
    who = next((value for key, value in rest.items() if key.lower() == "whoid"), None)
    if who is not None and ids.normalise(str(who)) not in people:
        message = "WhoId must be one of EventWhoIds"
        raise RowError(errors.FIELD_INTEGRITY_EXCEPTION, message, ["WhoId"])
    return {"WhoId": people[0] if people else None, **rest}, people


def _person(org: "Org", text: str) -> str:
    normal = ids.normalise(text) or ""
    if normal[:3] not in ("003", "00Q"):
        raise RowError(errors.MALFORMED_ID, f"Relation ID: id value of incorrect type: {text}", [WHO_IDS])
    if org.live("Contact" if normal.startswith("003") else "Lead", normal) is None:
        raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id", [])
    return normal


def of(org: "Org", event_id: str) -> list[Record]:
    found = (org.live("EventRelation", key) for key in org.tables.find("EventRelation", "EventId", event_id))
    return [row for row in found if row is not None]


def _copies(org: "Org", event_id: str) -> list[Record]:
    """The invitees' own Events, deleted ones too: they come back with their Event."""
    found = (org.tables.get("Event", key) for key in org.tables.find("Event", PARENT_EVENT, event_id))
    return [row for row in found if row is not None]


def follow(org: "Org", event: Record, people: list[str] | None = None) -> None:
    """Bring the relations of an Event that was just written in line with it, and the invitees' copies."""
    held = of(org, event["Id"])
    if event.get("IsDeleted"):
        for row in held:
            org.tables.remove("EventRelation", row["Id"])
        held = []
    elif org.config.has(SHARED_ACTIVITIES):
        _share(org, event, held, people)
    for copy in _copies(org, event["Id"]):
        _copy(org, event, copy)


def _share(org: "Org", event: Record, held: list[Record], people: list[str] | None) -> None:
    who, what = event.get("WhoId"), event.get("WhatId")
    parents = [row["RelationId"] for row in held if row.get("IsParent") and not row.get("IsWhat")]
    if people is None:
        people = parents if who in parents else [who] if who else []
    wanted = {(one, False) for one in people} | ({(what, True)} if what else set())
    known = {(row["RelationId"], bool(row.get("IsWhat"))): row for row in held if row.get("IsParent")}
    for key, row in known.items():
        if key not in wanted:
            org.tables.remove("EventRelation", row["Id"])
    # In the order given: the first is the Event's own WhoId.
    for one, is_what in [(person, False) for person in people] + ([(what, True)] if what else []):
        if (one, is_what) not in known:
            org.insert("EventRelation", {
                "EventId": event["Id"], "RelationId": one, "IsParent": True, "IsWhat": is_what, "IsInvitee": False,
                "Status": "New",
            })  # fmt: skip
    counts = {"WhoCount": len(people), "WhatCount": 1 if what else 0}
    if any(event.get(name, 0) != number for name, number in counts.items()):
        org.tables.put("Event", {**(org.tables.get("Event", event["Id"]) or event), **counts})


def check(caller: Caller, record: Record, changed: Record, old: Record | None) -> None:
    """A relation that an app makes: an invitee, unless Shared Activities let it be a person of the Event."""
    if old is None and not (record.get("RelationId") and record.get("EventId")):
        raise RowError(
            errors.REQUIRED_FIELD_MISSING, "Required fields are missing: [RelationId]", ["RelationId"]
        )
    twins = (row for row in of(caller.org, record["EventId"]) if row["Id"] != record["Id"])
    if old is None and any(row["RelationId"] == record["RelationId"] for row in twins):
        raise RowError(errors.DUPLICATE_VALUE, "duplicate value found: duplicates value on record")
    record["Status"] = record.get("Status") or "New"
    if caller.org.config.has(SHARED_ACTIVITIES) and old is None:
        record["IsInvitee"] = bool(changed.get("IsInvitee", not changed.get("IsParent")))


def invite(org: "Org", relation: Record) -> None:
    """A user who is invited has the Event in the own calendar: a copy of it."""
    user = org.live("User", relation.get("RelationId", ""))
    event = org.live("Event", relation.get("EventId", ""))
    if user is None or event is None or relation.get("IsDeleted"):
        return
    if any(row.get("OwnerId") == user["Id"] for row in _copies(org, event["Id"])):
        return
    org.tables.put("Event", {**event, "IsGroupEvent": True, "GroupEventType": "1"})
    copy = {name: event[name] for name in _COPIED if name in event}
    org.insert("Event", {**copy, "OwnerId": user["Id"], "IsChild": True, "IsGroupEvent": True, "GroupEventType": "1",
                         PARENT_EVENT: event["Id"]})  # fmt: skip


def _copy(org: "Org", event: Record, copy: Record) -> None:
    fields = {**copy, **{name: event.get(name) for name in _COPIED}, "SystemModstamp": org.stamp()}
    org.tables.put("Event", {name: value for name, value in fields.items() if value is not None})
