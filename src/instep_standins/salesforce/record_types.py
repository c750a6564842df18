"""Record types and business processes: who has which, what their picklists offer, and what a write may name."""

from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .call import Caller
from .config import EVERYBODY
from .errors import RowError
from .schema import Choice, Field, SObject, parse_field
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

MASTER = "012000000000000AAA"
TYPED = ("Account", "Case", "Contact", "Event", "Lead")
PROCESSED = {"Case": "Status", "Lead": "Status"}  # the field that a business process decides
RECORD_TYPE_ID = "RecordTypeId"
FIELD = parse_field("RecordTypeId | reference(18) | ncu | Record Type ID | rel=RecordType ->RecordType")


def of(org: "Org", name: str) -> list[Record]:
    """The record types of an object, inactive ones too, in order of arrival."""
    rows = org.tables.rows("RecordType").values()
    return [row for row in rows if row.get("SobjectType") == name]


def show_field(org: "Org", name: str) -> None:
    """The field appears on an object with its first record type and stays."""
    if name in org.catalogue and RECORD_TYPE_ID not in org.catalogue[name].fields:
        org.add_field(name, FIELD)


def available(org: "Org", user_id: str, name: str) -> list[Record]:
    """What a user may choose for an object: active ones that are not hidden from them."""
    access = org.config.record_type_access
    hidden = {i for who in (EVERYBODY, user_id) for i in access.get(who, {}).get("hidden", ())}
    return [row for row in of(org, name) if row.get("IsActive", True) and row["Id"] not in hidden]


def default(org: "Org", user_id: str, name: str) -> str | None:
    """The record type of a new record of this user that names none; None is the master."""
    access = org.config.record_type_access
    for who in (user_id, EVERYBODY):
        chosen = access.get(who, {}).get("default", {})
        if name in chosen:
            offered = {row["Id"] for row in available(org, user_id, name)}
            return chosen[name] if chosen[name] in offered else None
    return None


def infos(caller: Caller, obj: SObject, url: str) -> list[dict[str, Any]]:
    """`recordTypeInfos` of a describe, the master last."""
    org, user_id = caller.org, caller.user_id
    offered = {row["Id"] for row in available(org, user_id, obj.name)}
    chosen = default(org, user_id, obj.name)
    told = [
        _info(url, row["Id"], row.get("Name", ""), row.get("DeveloperName", ""), bool(row.get("IsActive", True)),
              row["Id"] in offered, row["Id"] == chosen)
        for row in of(org, obj.name)
    ]  # fmt: skip
    return [*told, _info(url, MASTER, "Master", "Master", True, True, chosen is None)]


def _info(
    url: str, record_id: str, name: str, api_name: str, active: bool, offered: bool, chosen: bool
) -> dict[str, Any]:
    return {
        "active": active, "available": offered, "defaultRecordTypeMapping": chosen, "developerName": api_name,
        "master": record_id == MASTER, "name": name, "recordTypeId": record_id,
        "urls": {"layout": f"{url}/describe/layouts/{record_id}"},
    }  # fmt: skip


def choices(org: "Org", obj: SObject, field: Field, record_type: str | None) -> tuple[Choice, ...]:
    """The values of a picklist that a record type offers, its own default among them marked."""
    held = _offer(org, obj.name, field.name, record_type)
    if held is None:
        return tuple(choice for choice in field.choices if choice.active)
    wanted, chosen = set(held["values"]), held.get("default")
    offered = [choice for choice in field.choices if choice.value in wanted and choice.active]
    return tuple(attrs.evolve(choice, default=choice.value == chosen) for choice in offered)


def _offer(org: "Org", name: str, field_name: str, record_type: str | None) -> dict[str, Any] | None:
    row = org.tables.get("RecordType", record_type or "")
    if row is None:
        return None
    if PROCESSED.get(name) == field_name and row.get("BusinessProcessId"):
        return org.config.processes.get(row["BusinessProcessId"])
    return org.config.picklists.get(row["Id"], {}).get(field_name)


def defaults(caller: Caller, obj: SObject, named: str | None) -> Record:
    """What the record type of a new record fills in: itself, and its picklists' defaults."""
    if RECORD_TYPE_ID not in obj.fields:
        return {}
    record_type = named or default(caller.org, caller.user_id, obj.name)
    if record_type in (None, MASTER):
        return {}
    filled: Record = {RECORD_TYPE_ID: record_type}
    for field in obj.fields.values():
        held = _offer(caller.org, obj.name, field.name, record_type)
        if held is not None:
            filled[field.name] = held.get("default")
    return filled


def check(caller: Caller, obj: SObject, record: Record, changed: Record) -> None:
    """Refuse a record type that is not this user's, and values that a restricted picklist of it does not offer."""
    if RECORD_TYPE_ID not in obj.fields:
        return
    named = changed.get(RECORD_TYPE_ID)
    if named is not None:
        offered = {row["Id"] for row in available(caller.org, caller.user_id, obj.name)}
        # The master is a profile's only record type, or none of them.
        if named == MASTER and default(caller.org, caller.user_id, obj.name) is None:
            record.pop(RECORD_TYPE_ID)
        elif named not in offered:
            message = f"Record Type ID: this ID value isn't valid for the user: {named}"
            raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, message, [RECORD_TYPE_ID])
    record_type = record.get(RECORD_TYPE_ID)
    for name in changed if record_type else ():
        field = obj.fields[name]
        if not field.restricted or not field.choices or changed[name] is None:
            continue
        known = {choice.value for choice in choices(caller.org, obj, field, record_type)}
        for part in str(changed[name]).split(";"):
            if part not in known:
                message = f"{field.label}: bad value for restricted picklist field: {part}"
                raise RowError(errors.INVALID_RESTRICTED_PICKLIST, message, [name])
