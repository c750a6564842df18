"""The REST resources: which call goes where. Composite sub-requests come through `handle` as well."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs

from ..routing import Answer
from . import collections_, composite, describe, dml, errors, ids, metadata, queries, tooling, ui_api
from .call import Caller
from .errors import RowError, json_parser_error, not_found, refuse
from .records import shown
from .schema import Field, SObject

VERSIONS = tuple(f"{number}.0" for number in range(60, 69))
_SEASONS = ("Spring", "Summer", "Winter")
_PATH = re.compile(r"^/services/data/v(\d+\.\d)(/.*)?$")
_DAILY_LIMIT = "DailyApiRequests"

Query = dict[str, str]


def version_label(version: str) -> str:
    """`Winter '27` for 68.0: three releases a year."""
    index = int(float(version)) - 60  # v60 is Spring '24
    season, year = _SEASONS[index % 3], 24 + index // 3
    return f"{season} '{year + (season == 'Winter')}"


def versions() -> list[dict[str, str]]:
    """GET /services/data/."""
    return [{"label": version_label(v), "url": f"/services/data/v{v}", "version": v} for v in VERSIONS]


def split_version(path: str) -> tuple[str, str]:
    """(version, rest of the path). Raises 404 for a version that the org does not have."""
    found = _PATH.match(path)
    if not found or found.group(1) not in VERSIONS:
        raise not_found()
    return found.group(1), found.group(2) or "/"


def handle(caller: Caller, method: str, target: str, body: Any) -> Answer:
    """One call, or one sub-request of a composite. Raises ApiError or RowError."""
    path, _, query_string = target.partition("?")
    _, rest = split_version(path)
    query = {key: values[-1] for key, values in parse_qs(query_string, keep_blank_values=True).items()}
    parts = [unquote(part) for part in rest.split("/") if part]
    if not parts:
        return Answer(200, _resources(caller))
    route = _ROUTES.get(parts[0].lower())
    if route is None:
        raise not_found()
    if parts[0].lower() == "tooling":
        caller = attrs.evolve(caller, tooling=True)
    return route(caller, method, parts[1:], query, body)


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        listed = ", ".join(allowed)
        raise refuse(
            405, errors.METHOD_NOT_ALLOWED, f"HTTP Method '{method}' not allowed. Allowed are {listed}"
        )


def _resources(caller: Caller) -> dict[str, str]:
    names = ("composite", "limits", "metadata", "query", "queryAll", "sobjects", "tooling", "ui-api")
    listed = {name: f"{caller.base}/{name}" for name in names}
    organization = caller.org.organization["Id"]
    return {**listed, "identity": f"{caller.base_url}/id/{organization}/{caller.user_id}"}


def _limits(caller: Caller, method: str, parts: list[str], query: Query, body: Any) -> Answer:
    _allow(method, "GET")
    if parts == ["recordCount"]:
        names = [n for n in query.get("sObjects", "").split(",") if n] or sorted(caller.org.catalogue)
        counts = [{"count": len(caller.org.tables.rows(caller.view(n).name)), "name": n} for n in names]
        return Answer(200, {"sObjects": counts})
    if parts:
        raise not_found()
    settings = caller.org.settings
    left = max(0, settings.apiMax - settings.apiUsed)
    daily = {"Max": settings.apiMax, "Remaining": left}
    return Answer(200, {_DAILY_LIMIT: daily, "DataStorageMB": {"Max": 5, "Remaining": 5}})


def _query(caller: Caller, method: str, parts: list[str], query: Query, body: Any) -> Answer:
    _allow(method, "GET")
    return queries.more(caller, parts[0]) if parts else queries.query(caller, query.get("q"), False)


def _query_all(caller: Caller, method: str, parts: list[str], query: Query, body: Any) -> Answer:
    _allow(method, "GET")
    return queries.more(caller, parts[0]) if parts else queries.query(caller, query.get("q"), True)


def _composite(caller: Caller, method: str, parts: list[str], query: Query, body: Any) -> Answer:
    if not parts:
        _allow(method, "POST")
        return composite.composite(caller, body, handle)
    if parts == ["batch"]:
        _allow(method, "POST")
        return composite.batch(caller, body, handle)
    if parts[0] == "tree" and len(parts) == 2:
        _allow(method, "POST")
        return _tree(caller, parts[1], body)
    if parts[0] != "sobjects" or len(parts) > 3:
        raise not_found()
    if len(parts) == 3:
        _allow(method, "PATCH")
        return collections_.upsert(caller, parts[1], parts[2], body)
    if len(parts) == 2:
        _allow(method, "GET", "POST")
        wanted = body if method == "POST" and isinstance(body, dict) else {
            key: query.get(key, "").split(",") for key in ("ids", "fields")
        }  # fmt: skip
        return collections_.retrieve(caller, parts[1], wanted.get("ids"), wanted.get("fields"))
    _allow(method, "POST", "PATCH", "DELETE")
    if method == "DELETE":
        return collections_.delete(caller, query.get("ids", ""), query.get("allOrNone", "").lower() == "true")
    return (collections_.create if method == "POST" else collections_.update)(caller, body)


def _tree(caller: Caller, name: str, body: Any) -> Answer:
    """POST /composite/tree/X, flat: all records or none."""
    obj = caller.view(name)
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise json_parser_error("The request body must be an object with a list of records")
    results, failed = [], []
    mark = caller.org.tables.mark()
    for record in records[: collections_.MOST_RECORDS]:
        attributes = record.get("attributes")
        reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
        try:
            results.append({"referenceId": reference, "id": dml.create(caller, obj, record)})
        except RowError as error:
            failed.append({"referenceId": reference, "errors": error.rows()})
    if failed:
        caller.org.tables.rollback(mark)
        return Answer(400, {"hasErrors": True, "results": failed})
    return Answer(201, {"hasErrors": False, "results": results})


# -- sObject rows -------------------------------------------------------------------------------------


def _sobjects(caller: Caller, method: str, parts: list[str], query: Query, body: Any) -> Answer:
    if not parts:
        _allow(method, "GET")
        return _unless_modified(caller, lambda: describe.everything(caller))
    obj = caller.view(parts[0])
    if len(parts) == 1:
        _allow(method, "GET", "POST")
        if method == "GET":
            whole = describe.one(caller, obj)
            short = {
                key: value for key, value in whole.items() if key not in ("fields", "childRelationships")
            }
            return Answer(200, {"objectDescribe": short, "recentItems": []})
        return _create(caller, obj, body)
    if len(parts) == 2 and parts[1] == "describe":
        _allow(method, "GET")
        return _unless_modified(caller, lambda: describe.one(caller, obj))
    if len(parts) == 2:
        return _by_id(caller, obj, method, parts[1], query, body)
    if len(parts) == 3:
        return _by_external_id(caller, obj, method, parts[1], parts[2], query, body)
    raise not_found()


def _unless_modified(caller: Caller, build: Any) -> Answer:
    """200 with Last-Modified, or 304 where nothing changed since the caller last asked."""
    stamp = caller.org.schema_stamp
    headers = {"Last-Modified": format_datetime(datetime.fromtimestamp(stamp, UTC), usegmt=True)}
    since = caller.headers.get("if-modified-since")
    if since:
        try:
            if parsedate_to_datetime(since).timestamp() >= stamp:
                return Answer(304, None, headers)
        except (ValueError, TypeError):
            pass
    return Answer(200, build(), headers)


def _data(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise json_parser_error("The HTTP entity body is required, but this request has no entity body.")
    return body


def _create(caller: Caller, obj: SObject, body: Any) -> Answer:
    record_id = dml.create(caller, obj, _data(body))
    location = {"Location": caller.object_url(obj.name, record_id)}
    return Answer(201, {"id": record_id, "success": True, "errors": []}, location)


def _asked_fields(obj: SObject, query: Query) -> list[str] | None:
    if "fields" not in query:
        return None
    names = []
    for text in query["fields"].split(","):
        field = obj.by_lower.get(text.strip().lower())
        if field is None:
            raise refuse(400, errors.INVALID_FIELD, f"No such column '{text}' on sobject of type {obj.name}")
        names.append(field.name)
    return ["Id", *(name for name in names if name != "Id")]


def _by_id(caller: Caller, obj: SObject, method: str, text: str, query: Query, body: Any) -> Answer:
    _allow(method, "GET", "PATCH", "DELETE")
    if method == "PATCH":
        dml.update(caller, obj, text, _data(body))
        return Answer(204)
    if method == "DELETE":
        dml.delete(caller, obj, text)
        return Answer(204)
    record_id = ids.normalise(text)
    record = caller.org.tables.get(obj.name, record_id) if record_id else None
    if record is None:
        raise not_found()
    if record.get("IsDeleted"):
        raise RowError(errors.ENTITY_IS_DELETED, "entity is deleted")
    url = caller.object_url(obj.name, record["Id"])
    return Answer(200, shown(caller.org, obj, record, url, _asked_fields(obj, query)))


def _by_external_id(
    caller: Caller, obj: SObject, method: str, name: str, value: str, query: Query, body: Any
) -> Answer:
    _allow(method, "GET", "PATCH", "DELETE")
    field = dml.external_field(obj, name)
    if method == "PATCH":
        return _upsert(caller, obj, field, value, query, body)
    found = dml.matches(caller, obj, field, value)
    if len(found) > 1:
        return Answer(300, [caller.object_url(obj.name, record_id) for record_id in found])
    if not found:
        raise not_found()
    if method == "DELETE":
        dml.delete(caller, obj, found[0])
        return Answer(204)
    return _by_id(caller, obj, "GET", found[0], query, None)


def _upsert(caller: Caller, obj: SObject, field: Field, value: str, query: Query, body: Any) -> Answer:
    data = _data(body)
    if any(key.lower() == field.name.lower() for key in data):
        raise RowError(
            errors.INVALID_FIELD,
            f"The {field.name} field should not be specified in the sobject data.",
            fields=None,
        )
    if query.get("updateOnly", "").lower() == "true" and not dml.matches(caller, obj, field, value):
        raise not_found()
    done = dml.upsert(caller, obj, field, value, data)
    if isinstance(done, list):
        return Answer(300, [caller.object_url(obj.name, record_id) for record_id in done])
    record_id, created = done
    answer = {"id": record_id, "success": True, "errors": [], "created": created}
    location = {"Location": caller.object_url(obj.name, record_id)} if created else {}
    return Answer(201 if created else 200, answer, location)


_ROUTES = {
    "limits": _limits, "query": _query, "queryall": _query_all, "composite": _composite, "sobjects": _sobjects,
    "metadata": metadata.route, "tooling": tooling.route, "ui-api": ui_api.route,
}  # fmt: skip
