"""Create, update, upsert and delete of one record, with the checks in the platform's order.

Each function answers or raises RowError before anything is stored, so a refused record leaves no trace.
"""

from typing import Any

from . import assignment, duplicates, errors, ids, relations, rules, validation
from .call import Caller
from .errors import RowError
from .operations import Operation
from .schema import Field, SObject
from .tables import Record
from .values import coerce

Data = dict[str, Any]

MISSPELT_DUPLICATES = "duplicateResut"  # as real orgs spell it


def _no_column(name: str, obj: SObject) -> RowError:
    return RowError(
        errors.INVALID_FIELD, f"No such column '{name}' on sobject of type {obj.name}", fields=None
    )


def _read_only(names: list[str]) -> RowError:
    return RowError(
        errors.INVALID_FIELD_FOR_INSERT_UPDATE,
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        names,
    )


def _fields_of(obj: SObject, data: Data, creating: bool) -> list[tuple[Field, Any]]:
    """The named fields with their raw values: unknown and read-only ones are refused."""
    named: list[tuple[Field, Any]] = []
    for name, value in data.items():
        if name == "attributes":
            continue
        field = obj.by_lower.get(name.lower())
        if field is None:
            raise _no_column(name, obj)
        if field.name == "Id":
            raise RowError(
                errors.INVALID_FIELD,
                "The Id field should not be specified in the sobject data.",
                fields=None,
            )
        named.append((field, value))
    locked = [f.name for f, _ in named if not (f.createable if creating else f.updateable)]
    if locked:
        raise _read_only(locked)
    return named


def _check_required(obj: SObject, record: Record, changed: Data, creating: bool) -> None:
    # universally required: "it must have a value whenever a record is saved", records from before included
    asked = [f for f in obj.required if creating or f.name in changed or f.custom]
    missing = [f.name for f in asked if record.get(f.name) is None]
    if missing:
        raise RowError(
            errors.REQUIRED_FIELD_MISSING, f"Required fields are missing: [{', '.join(missing)}]", missing
        )


def _check_unique(caller: Caller, obj: SObject, record: Record, changed: Data) -> None:
    for field in obj.unique:
        if changed.get(field.name) is None:
            continue
        for other_id in caller.org.tables.find(obj.name, field.name, changed[field.name]):
            if other_id == record["Id"] or caller.org.live(obj.name, other_id) is None:
                continue
            other = caller.org.live(obj.name, other_id) or {}
            if field.case_sensitive and other.get(field.name) != changed[field.name]:
                continue
            raise RowError(
                errors.DUPLICATE_VALUE,
                f"duplicate value found: {field.name} duplicates value on record with id: {other_id[:15]}",
            )


def _finish(caller: Caller, obj: SObject, record: Record, changed: Data, old: Record | None) -> Record:
    """Every check after the values themselves; the record as it will be stored."""
    _check_required(obj, record, changed, old is None)
    rules.check_references(caller, obj, changed)
    rules.apply(caller, obj, record, changed, old)
    validation.check(caller, obj, record, old)
    duplicates.check(caller, obj, record, old)
    _check_unique(caller, obj, record, changed)
    assignment.assign(caller, obj, record, old is None)
    now = caller.org.stamp()
    for name in ("LastModifiedDate", "SystemModstamp"):
        if name in obj.fields:
            record[name] = now
    if "LastModifiedById" in obj.fields:
        record["LastModifiedById"] = caller.user_id
    return {name: value for name, value in record.items() if value is not None}


def _ordered_refusal(caller: Caller, method: str, kinds: set[str], obj: SObject, data: Data) -> None:
    operation = Operation(method, caller.base, frozenset(kinds), obj.name)
    refusal = caller.org.faults.on_row(operation, data)
    if refusal:
        if MISSPELT_DUPLICATES in refusal.extra:
            refusal.extra[caller.org.settings.duplicateKey] = refusal.extra.pop(MISSPELT_DUPLICATES)
        raise refusal


def _check_right(obj: SObject, right: str, done: str) -> None:
    if right not in obj.rights:
        raise RowError(errors.CANNOT_ACTIVATE_ENTITY, f"entity type cannot be {done}: {obj.label}")


def create(caller: Caller, obj: SObject, data: Data, kinds: tuple[str, ...] = ()) -> str:
    """Store a new record; its id. `kinds` tells faults in which kind of call it travels."""
    if not obj.writable:
        raise RowError(errors.CANNOT_ACTIVATE_ENTITY, f"entity type {obj.name} does not support create")
    _check_right(obj, "create", "inserted")
    data, people = relations.unpack(caller, obj, data)
    named = _fields_of(obj, data, creating=True)
    changed = {field.name: coerce(field, value) for field, value in named}
    org = caller.org
    record: Record = (
        {"Id": ""}
        | rules.defaults(caller, obj, changed)
        | {k: v for k, v in changed.items() if v is not None}
    )
    record = _finish(caller, obj, record, changed, None)
    _ordered_refusal(caller, "POST", {"create", *kinds}, obj, data)
    record["Id"] = org.mint(obj.prefix)
    for field in org.catalogue[obj.name].auto_numbered:
        record[field.name] = f"{org.next_number(f'{obj.name}.{field.name}'):05d}"
    if obj.name == "Case":
        record["CaseNumber"] = f"{org.counters[obj.prefix] + 1000:08d}"
    org.tables.put(obj.name, record)
    rules.after_write(caller, obj, record, people)
    return record["Id"]


def find(caller: Caller, obj: SObject, text: str) -> Record:
    """The living record of an id in a request. Raises as PATCH and DELETE of an unknown id do."""
    record_id = ids.normalise(text)
    if record_id is None or record_id[:3] != obj.prefix:
        raise RowError(errors.MALFORMED_ID, f"{obj.label} ID: id value of incorrect type: {text}", ["Id"])
    record = caller.org.tables.get(obj.name, record_id)
    if record is None:
        raise RowError(errors.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id", status=404)
    if record.get("IsDeleted"):
        raise RowError(errors.ENTITY_IS_DELETED, "entity is deleted")
    return record


def update(caller: Caller, obj: SObject, text: str, data: Data, kinds: tuple[str, ...] = ()) -> str:
    """Change a record by id; the id. Fields set to their present value still stamp the record."""
    if not obj.writable or "noupdate" in obj.flags:
        raise RowError(errors.CANNOT_ACTIVATE_ENTITY, f"entity type {obj.name} does not support update")
    _check_right(obj, "edit", "updated")
    data, people = relations.unpack(caller, obj, data)
    named = _fields_of(obj, data, creating=False)
    old = find(caller, obj, text)
    rules.check_open(obj, old)
    changed = {field.name: coerce(field, value) for field, value in named}
    record = _finish(caller, obj, {**old, **changed}, changed, old)
    _ordered_refusal(caller, "PATCH", {"update", *kinds}, obj, {**old, **data})
    caller.org.tables.put(obj.name, record)
    rules.after_write(caller, obj, record, people)
    return record["Id"]


def external_field(obj: SObject, name: str) -> Field:
    """The field that an upsert names: an external id, or one usable for look-ups."""
    field = obj.by_lower.get(name.lower())
    if field is None or not (field.external_id or field.id_lookup):
        raise RowError(
            errors.NOT_FOUND,
            f"Provided external ID field does not exist or is not accessible: {name}",
            fields=None,
            status=404,
        )
    return field


def matches(caller: Caller, obj: SObject, field: Field, value: Any) -> list[str]:
    """Ids of the records an upsert would meet. Archived Events are not met, as in a query."""
    if field.name == "Id":
        return [find(caller, obj, str(value))["Id"]]
    org = caller.org
    found = []
    for record_id in org.tables.find(obj.name, field.name, value):
        record = org.live(obj.name, record_id)
        if record is None or (field.case_sensitive and record.get(field.name) != value):
            continue
        if rules.is_archived(org, obj.name, record):
            continue
        found.append(record_id)
    return found


def upsert(caller: Caller, obj: SObject, field: Field, value: Any, data: Data,
           kinds: tuple[str, ...] = ()) -> tuple[str, bool] | list[str]:  # fmt: skip
    """Create or update by an external id: (id, created), or the ids where several records share the value."""
    value = coerce(field, value)
    if value is None:
        raise RowError(errors.MISSING_ARGUMENT, f"{field.name} not specified")
    found = matches(caller, obj, field, value)
    if len(found) > 1:
        return found
    kinds = ("upsert", *kinds)
    if found:
        return update(caller, obj, found[0], data, kinds), False
    return create(caller, obj, {**data, field.name: value}, kinds), True


def delete(caller: Caller, obj: SObject, text: str, kinds: tuple[str, ...] = ()) -> str:
    """Move a record to the recycle bin, or out for good where the object has none; its id."""
    if not obj.writable:
        raise RowError(errors.CANNOT_ACTIVATE_ENTITY, f"entity type {obj.name} does not support delete")
    if "delete" not in obj.rights:
        raise RowError(errors.INSUFFICIENT_ACCESS_OR_READONLY, "insufficient access rights on object id")
    record = find(caller, obj, text)
    if obj.name == "Contact" and record.get("IsPersonAccount"):
        raise RowError(errors.INSUFFICIENT_ACCESS_OR_READONLY, "insufficient access rights on object id")
    _ordered_refusal(caller, "DELETE", {"delete", *kinds}, obj, record)
    if "IsDeleted" in obj.fields:
        now = caller.org.stamp()
        record = {**record, "IsDeleted": True, "LastModifiedDate": now, "SystemModstamp": now}
        caller.org.tables.put(obj.name, record)
    else:
        caller.org.tables.remove(obj.name, record["Id"])
    rules.after_write(caller, obj, record)
    return record["Id"]
