"""sObject Collections: up to 200 records a call, each row with its own answer."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from ..routing import Answer
from . import dml, errors, ids
from .call import Caller
from .errors import ApiError, RowError, json_parser_error, refuse
from .operations import Operation
from .records import shown
from .schema import SObject

MOST_RECORDS = 200
MOST_CHUNKS = 10
_MOST_RETRIEVED = 2000
_ROLLED_BACK = {
    "statusCode": errors.ALL_OR_NONE_ROLLED_BACK,
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}

Row = dict[str, Any]
Write = Callable[[Row], Row]


def _records(body: Any) -> tuple[list[Row], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise json_parser_error("The request body must be an object with a list of records")
    unknown = body.keys() - {"records", "allOrNone"}
    if unknown:
        raise json_parser_error(f'Unrecognized field "{sorted(unknown)[0]}" at [line:1, column:2]')
    records = body["records"]
    if not all(isinstance(record, dict) for record in records):
        raise json_parser_error("Each record must be a JSON object at [line:1, column:2]")
    if not isinstance(body.get("allOrNone", False), bool):
        raise json_parser_error("allOrNone must be true or false at [line:1, column:2]")
    _check_size(len(records))
    return records, body.get("allOrNone", False)


def _check_size(count: int) -> None:
    if count > MOST_RECORDS:
        raise refuse(
            400,
            errors.EXCEEDED_ID_LIMIT,
            f"record limit reached. cannot submit more than {MOST_RECORDS} records into this call",
        )


def _types(records: list[Row]) -> list[str]:
    """The type of each record; more than ten runs of one type are refused."""
    names = []
    for record in records:
        attributes = record.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        if not isinstance(name, str) or not name:
            raise refuse(
                400, errors.INVALID_TYPE, "The attributes.type of each record must name its sObject type"
            )
        names.append(name)
    if len(list(groupby(names, str.lower))) > MOST_CHUNKS:
        raise refuse(
            400,
            errors.LIMIT_EXCEEDED,
            f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce "
            "chunking.",
        )
    return names


def _view(caller: Caller, name: str) -> SObject:
    try:
        return caller.view(name)
    except ApiError:
        raise RowError(errors.INVALID_TYPE, f"sObject type '{name}' is not supported.", fields=[]) from None


def _failed(error: RowError, **more: Any) -> Row:
    return {"success": False, "errors": error.rows(), **more}


def _sizes(names: list[str]) -> list[tuple[str, int]]:
    return [(name, names.count(name)) for name in dict.fromkeys(names)]


def _all_rows(
    caller: Caller, operation: Operation, names: list[str], records: list[Row], write: Write, all_or_none: bool,
    failed: Row,
) -> Answer:  # fmt: skip
    """Write each row; a refusal stays with its row unless all_or_none takes the others back."""
    org = caller.org
    refused = org.faults.on_collection(operation, _sizes(names))
    mark = org.tables.mark()
    rows: list[Row] = []
    for name, record in zip(names, records, strict=True):
        try:
            if name in refused:
                raise refused[name]
            rows.append(write(record))
        except RowError as error:
            if org.settings.wholeRefusal and error.code in (errors.INVALID_FIELD, errors.JSON_PARSER_ERROR):
                org.tables.rollback(mark)
                raise
            rows.append(_failed(error, **failed))
    if all_or_none and not all(row["success"] for row in rows):
        org.tables.rollback(mark)
        rows = [
            {**failed, "success": False, "errors": [_ROLLED_BACK]} if row["success"] else row for row in rows
        ]
    return Answer(200, rows)


def _without(record: Row, *names: str) -> Row:
    lower = {name.lower() for name in names}
    return {key: value for key, value in record.items() if key.lower() not in lower}


def _value(record: Row, name: str) -> Any:
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)


def create(caller: Caller, body: Any) -> Answer:
    """POST /composite/sobjects."""
    records, all_or_none = _records(body)
    names = _types(records)

    def write(record: Row) -> Row:
        obj = _view(caller, record["attributes"]["type"])
        return {"id": dml.create(caller, obj, record, ("collection",)), "success": True, "errors": []}

    operation = Operation("POST", caller.base, frozenset({"collection", "create"}))
    return _all_rows(caller, operation, names, records, write, all_or_none, {})


def update(caller: Caller, body: Any) -> Answer:
    """PATCH /composite/sobjects: records of several types, each by its id."""
    records, all_or_none = _records(body)
    names = _types(records)
    seen: set[str] = set()

    def write(record: Row) -> Row:
        obj = _view(caller, record["attributes"]["type"])
        record_id = _value(record, "id")
        if not isinstance(record_id, str) or not record_id:
            raise RowError(errors.MISSING_ARGUMENT, "Id not specified in an update call")
        key = ids.normalise(record_id) or record_id
        if key in seen:
            raise RowError(errors.DUPLICATE_VALUE, f"duplicate id specified: {record_id}")
        seen.add(key)
        changed = dml.update(caller, obj, record_id, _without(record, "id"), ("collection",))
        return {"id": changed, "success": True, "errors": []}

    operation = Operation("PATCH", caller.base, frozenset({"collection", "update"}))
    return _all_rows(caller, operation, names, records, write, all_or_none, {})


def upsert(caller: Caller, name: str, external: str, body: Any) -> Answer:
    """PATCH /composite/sobjects/X/Field__c: rows answer with `created`, refused ones with created:true."""
    records, all_or_none = _records(body)
    obj = caller.view(name)
    try:
        field = dml.external_field(obj, external)
    except RowError as error:
        raise error.single() from None
    if any(other.lower() != obj.name.lower() for other in _types(records)):
        raise refuse(400, errors.INVALID_TYPE, f"All records of this upsert must be of type {obj.name}")
    seen: set[str] = set()

    def write(record: Row) -> Row:
        value = _value(record, field.name)
        if value is not None:
            key = str(value) if field.case_sensitive else str(value).lower()
            if key in seen:
                raise RowError(
                    errors.DUPLICATE_VALUE, f"Duplicate external id specified: {value}", [field.name]
                )
            seen.add(key)
        data = _without(record, field.name, "id" if field.name != "Id" else "")
        done = dml.upsert(caller, obj, field, value, data, ("collection",))
        if isinstance(done, list):
            listed = ", ".join(record_id[:15] for record_id in done)
            raise RowError(
                "DUPLICATE_EXTERNAL_ID",
                f"{field.name}: more than one record found for external id field: [{listed}]",
                [field.name],
            )
        return {"id": done[0], "success": True, "errors": [], "created": done[1]}

    operation = Operation("PATCH", caller.base, frozenset({"collection", "upsert"}), obj.name)
    return _all_rows(
        caller, operation, [obj.name] * len(records), records, write, all_or_none, {"created": True}
    )


def delete(caller: Caller, listed: str, all_or_none: bool) -> Answer:
    """DELETE /composite/sobjects?ids=…"""
    wanted = [part for part in listed.split(",") if part]
    _check_size(len(wanted))
    targets = [caller.org.object_of_id(record_id) for record_id in wanted]
    names = [target.name if target else "" for target in targets]

    def write(record: Row) -> Row:
        target = caller.org.object_of_id(record["Id"])
        if target is None:
            raise RowError(errors.MALFORMED_ID, f"bad id {record['Id']}", ["Id"])
        done = dml.delete(caller, _view(caller, target.name), record["Id"], ("collection",))
        return {"id": done, "success": True, "errors": []}

    records: list[Row] = [{"Id": record_id} for record_id in wanted]
    operation = Operation("DELETE", caller.base, frozenset({"collection", "delete"}))
    return _all_rows(caller, operation, names, records, write, all_or_none, {})


def retrieve(caller: Caller, name: str, wanted: Any, fields: Any) -> Answer:
    """GET or POST /composite/sobjects/X with ids and fields: null where a record is not there."""
    obj = caller.view(name)
    if not isinstance(wanted, list) or not isinstance(fields, list) or not fields:
        raise json_parser_error("The request must name ids and fields, each as a list")
    if len(wanted) > _MOST_RETRIEVED:
        raise refuse(
            400, errors.EXCEEDED_ID_LIMIT, f"cannot retrieve more than {_MOST_RETRIEVED} records in this call"
        )
    names = []
    for text in fields:
        field = obj.by_lower.get(str(text).lower())
        if field is None:
            raise refuse(400, errors.INVALID_FIELD, f"No such column '{text}' on entity '{obj.name}'.")
        names.append(field.name)
    rows: list[Row | None] = []
    for text in wanted:
        record_id = ids.normalise(str(text)) or ""
        record = caller.org.live(obj.name, record_id)
        url = caller.object_url(obj.name, record_id)
        rows.append(
            shown(caller.org, obj, record, url, ["Id", *(n for n in names if n != "Id")]) if record else None
        )
    return Answer(200, rows)
