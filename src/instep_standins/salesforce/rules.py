"""What the data model demands beyond types: references, owners, Events, converted Leads, derived fields."""

from typing import TYPE_CHECKING, Any

from . import (
    assignment,
    currencies,
    errors,
    event_rules,
    person_accounts,
    record_types,
    relations,
    states,
)  # fmt: skip
from .call import Caller
from .errors import RowError
from .schema import SObject
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

_OWNER = "OwnerId"
# Event and Task say what is wrong with a relation in another way than the rest of the platform.
_RELATIONS_OF_EVENT = frozenset({"WhoId", "WhatId"})


def defaults(caller: Caller, obj: SObject, changed: Record) -> Record:
    """The values of a new record before the request's own."""
    record: Record = dict(obj.defaults)
    now = caller.org.stamp()
    if "CreatedDate" in obj.fields:
        record |= {"CreatedDate": now, "CreatedById": caller.user_id}
    if _OWNER in obj.fields:
        record[_OWNER] = caller.user_id
    if obj.name == "Lead":
        status = obj.fields["Status"]
        record["Status"] = status.default or next(c.value for c in status.choices if c.active)
    if obj.name == "Event":
        record["EventSubtype"] = "Event"
    if obj.name == "PermissionSetAssignment":
        record["IsActive"] = True
    if "CurrencyIsoCode" in obj.fields:
        record["CurrencyIsoCode"] = currencies.own(caller.org, caller.user_id)
    return record | record_types.defaults(caller, obj, changed.get(record_types.RECORD_TYPE_ID))


def _incorrect_type(obj: SObject, label: str, name: str, value: str) -> RowError:
    if obj.name == "Event" and name in _RELATIONS_OF_EVENT:
        code = errors.FIELD_INTEGRITY_EXCEPTION
    else:
        code = errors.MALFORMED_ID
    return RowError(code, f"{label}: id value of incorrect type: {value}", [name])


def check_references(caller: Caller, obj: SObject, changed: dict[str, Any]) -> None:
    """Each id that a request sets must be of an allowed kind, and its record there."""
    org = caller.org
    for name, value in changed.items():
        field = obj.fields[name]
        if field.type != "reference" or value is None or name == record_types.RECORD_TYPE_ID:
            continue
        target = org.object_of_id(value)
        if target is None or target.name not in field.targets:
            raise _incorrect_type(obj, field.label, name, value)
        record = org.live(target.name, value)
        if record is None:
            raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id", [])
        if name == _OWNER:
            _check_owner(org, obj, target.name, record)
    if _OWNER in changed and changed[_OWNER] is None:
        raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, "Owner ID: owner cannot be blank", [_OWNER])


def _check_owner(org: "Org", obj: SObject, kind: str, owner: Record) -> None:
    if kind == "User" and not owner.get("IsActive"):
        raise RowError(
            errors.INACTIVE_OWNER_OR_USER,
            f"operation performed with inactive user [{owner['Id'][:15]}] as owner of {obj.name.lower()}",
        )
    if kind == "Group" and owner.get("Type") != "Queue":
        raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id", [_OWNER])
    if kind == "Group" and not assignment.queue_takes(org, owner["Id"], obj.name):
        raise RowError(
            errors.INVALID_CROSS_REFERENCE_KEY, "Queue not associated with this SObject type", [_OWNER]
        )


def check_open(obj: SObject, record: Record) -> None:
    """A converted Lead is closed to the API."""
    if obj.name == "Lead" and record.get("IsConverted"):
        raise RowError(errors.CANNOT_UPDATE_CONVERTED_LEAD, "cannot reference converted lead")


def is_archived(org: "Org", name: str, record: Record) -> bool:
    """Events that started more than a year ago: gone from `query`, still there by id and in `queryAll`."""
    if name != "Event":
        return False
    start = record.get("ActivityDateTime") or record.get("StartDateTime")
    return start is not None and start < org.archive_limit()


def apply(caller: Caller, obj: SObject, record: Record, changed: dict[str, Any], old: Record | None) -> None:
    """The object's own rules; fills the fields that Salesforce derives."""
    record_types.check(caller, obj, record, changed)
    states.apply(caller, obj, record, changed)
    if obj.name == "Contact":
        person_accounts.check_contact(caller, record, changed, old)
    if obj.name in ("Lead", "Contact"):
        parts = (record.get("FirstName"), record.get("LastName"))
        record["Name"] = " ".join(part for part in parts if part)
    elif obj.name == "Event":
        event_rules.apply(caller, obj, record, changed, old)
    elif obj.name == "Case":
        _derive_case(caller, record, changed)
    elif obj.name == "EventRelation":
        relations.check(caller, record, changed, old)
    elif obj.name == "Account":
        person_accounts.apply(caller, obj, record, changed, old)
    elif obj.name == "PermissionSetAssignment":
        _check_assignment(caller, record)


def _derive_case(caller: Caller, record: Record, changed: dict[str, Any]) -> None:
    contact = caller.org.live("Contact", record.get("ContactId") or "") or {}
    if record.get("AccountId") is None and changed.get("ContactId"):
        record["AccountId"] = contact.get("AccountId")
    for name, source in (("ContactEmail", "Email"), ("ContactPhone", "Phone"), ("ContactMobile", "MobilePhone"),
                         ("ContactFax", "Fax")):  # fmt: skip
        record[name] = contact.get(source)
    record["IsClosed"] = str(record.get("Status")).startswith("Closed")
    record["ClosedDate"] = (record.get("ClosedDate") or caller.org.stamp()) if record["IsClosed"] else None
    record.pop("Comments", None)  # write-only: it becomes a CaseComment


def _check_assignment(caller: Caller, record: Record) -> None:
    if not record.get("PermissionSetId"):
        raise RowError(
            errors.REQUIRED_FIELD_MISSING,
            "Required fields are missing: [PermissionSetId]",
            ["PermissionSetId"],
        )
    org = caller.org
    for assignment_id in org.tables.find("PermissionSetAssignment", "AssigneeId", record["AssigneeId"]):
        other = org.tables.get("PermissionSetAssignment", assignment_id) or {}
        if other.get("PermissionSetId") == record["PermissionSetId"]:
            raise RowError(
                errors.DUPLICATE_VALUE,
                "Duplicate PermissionSetAssignment. Assignee: "
                f"{record['AssigneeId'][:15]}; Permission Set: {record['PermissionSetId'][:15]}",
            )


def after_write(caller: Caller, obj: SObject, record: Record, people: list[str] | None = None) -> None:
    """An assignment changes what its user sees, a person account its Contact, an Event its relations."""
    if obj.name == "PermissionSetAssignment":
        caller.org.schema_changed()
    elif obj.name == "Account":
        person_accounts.mirror(caller.org, record)
    elif obj.name == "Event":
        relations.follow(caller.org, record, people)
    elif obj.name == "EventRelation":
        relations.invite(caller.org, record)
