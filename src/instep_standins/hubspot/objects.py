"""`/crm/objects/V/{type}`: one record, lists, merge, gdpr-delete, and the associations of one record."""

from typing import Any
from urllib.parse import unquote, urlencode

from ..routing import Answer
from . import association_calls, associations, batch, errors, merging, records, search
from .call import Call
from .schema import ObjectType, object_type

_MOST_LISTED = 100


def need(call: Call, otype: ObjectType, access: str) -> None:
    """Raises 403 where the token may not read or write records of a type."""
    scope = f"{otype.scope}.{access}"
    call.need("tickets") if otype.name == "tickets" else call.need(scope)


def named(word: str) -> ObjectType:
    """The object type that a path names. Raises 400."""
    found = object_type(unquote(word))
    if found is None:
        raise errors.invalid(f"Unable to infer object type from: {unquote(word)}")
    return found


def handle(call: Call) -> Answer:
    """Any call below an object type."""
    if not call.parts:
        raise errors.no_route()
    otype, rest = named(call.parts[0]), [unquote(part) for part in call.parts[1:]]
    if rest[1:2] == ["associations"]:
        return association_calls.of_record(call, otype, rest[0], rest[2:])
    if call.version == "v4":
        raise errors.no_route()
    if not rest:
        return {"GET": _list, "POST": _create}.get(call.method, _not_allowed)(call, otype)
    if rest[0] == "batch" and len(rest) == 2:
        return batch.handle(call, otype, rest[1])
    if call.method == "POST" and len(rest) == 1:
        return _act(call, otype, rest[0])
    if len(rest) != 1:
        raise errors.no_route()
    return {"GET": _read, "PATCH": _update, "DELETE": _archive}.get(call.method, _not_allowed)(call, otype)


def _not_allowed(call: Call, otype: ObjectType) -> Answer:
    raise errors.method_not_allowed()


def _act(call: Call, otype: ObjectType, word: str) -> Answer:
    if word == "search":
        need(call, otype, "read")
        return search.handle(call, otype)
    if word == "merge":
        need(call, otype, "write")
        return merging.merge(call, otype)
    if word == "gdpr-delete":
        need(call, otype, "write")
        return merging.gdpr_delete(call, otype)
    raise errors.method_not_allowed()


def _list(call: Call, otype: ObjectType) -> Answer:
    need(call, otype, "read")
    limit = _limit(call.one("limit", "10"))
    archived = call.one("archived") == "true"
    after = call.one("after", "0")
    if not after.isdecimal():
        raise errors.invalid(f"The paging cursor {after} is not valid")
    portal = call.portal
    rows = sorted(
        (r for r in portal.tables.rows(otype.name).values()
         if bool(r.get("archived")) == archived and not r.get("mergedInto") and int(r["id"]) >= int(after)),
        key=lambda row: int(row["id"]),
    )  # fmt: skip
    asked, words = call.listed("properties"), call.listed("associations")
    results = [_with_associations(call, otype, row, asked, words) for row in rows[:limit]]
    body: dict[str, Any] = {"results": results}
    if len(rows) > limit:
        cursor = rows[limit]["id"]
        again = urlencode({**{k: v[-1] for k, v in call.query.items()}, "after": cursor})
        body["paging"] = {"next": {"after": cursor, "link": f"{call.base_url}{call.path}?{again}"}}
    return Answer(200, body)


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_LISTED:
        raise errors.invalid(f"The limit {text} is not valid: it must be between 1 and {_MOST_LISTED}")
    return int(text)


def _with_associations(
    call: Call, otype: ObjectType, row: dict[str, Any], asked: list[str], words: list[str]
) -> dict[str, Any]:
    body = records.told(call.portal, otype, row, asked)
    found = associations.told_inline(call.portal, otype.name, row["id"], words)
    return {**body, "associations": found} if found else body


def _create(call: Call, otype: ObjectType) -> Answer:
    need(call, otype, "write")
    row, lost = records.create(call, otype, call.json())
    if lost:
        return Answer(lost.status, lost.body, lost.headers)
    where = f"{call.base_url}{call.path.rstrip('/')}/{row['id']}"
    return Answer(201, records.told(call.portal, otype, row, whole=True), {"Location": where})


def _read(call: Call, otype: ObjectType) -> Answer:
    need(call, otype, "read")
    value = unquote(call.parts[1])
    if call.one("archived") == "true":
        row = call.portal.tables.get(otype.name, value)
        if row is None or not row.get("archived") or row.get("mergedInto"):
            raise errors.not_here()
    else:
        row = records.find(call.portal, otype, value, call.one("idProperty") or None)
    asked = call.listed("properties") + call.listed("propertiesWithHistory")
    return Answer(200, _with_associations(call, otype, row, asked, call.listed("associations")))


def _update(call: Call, otype: ObjectType) -> Answer:
    need(call, otype, "write")
    row = records.find(call.portal, otype, unquote(call.parts[1]), call.one("idProperty") or None)
    row, written = records.update(call, otype, row, call.json().get("properties"))
    # Only what was written and the system's own: nobody may rely on more.
    return Answer(200, records.told(call.portal, otype, row, written or ["hs_object_id"]))


def _archive(call: Call, otype: ObjectType) -> Answer:
    need(call, otype, "write")
    value = unquote(call.parts[1])
    if not value.isdecimal():
        raise errors.not_numeric(value)
    row = call.portal.resolve(otype.name, value)
    # Archiving what is gone already is no error.
    if row is not None:
        ordered = records.refused_by_order(call, otype, "delete", row)
        if ordered:
            raise ordered
        records.archive(call.portal, otype, row)
    return Answer(204)
