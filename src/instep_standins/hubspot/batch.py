"""`/batch/{create,read,update,upsert,archive}`: up to 100 records, each with its own success or error."""

from collections.abc import Callable
from typing import Any

from ..routing import Answer
from . import errors, records
from .call import Call
from .errors import ApiError
from .faults import refusal
from .schema import ObjectType
from .tables import Row

MOST = 100


def handle(call: Call, otype: ObjectType, what: str) -> Answer:
    """One batch. A refused input is told in the answer where all inputs have trace ids, else it refuses the batch."""
    from .objects import need

    run = {"create": _create, "read": _read, "update": _update, "upsert": _upsert, "archive": _archive}.get(
        what
    )
    if run is None or call.method != "POST":
        raise errors.no_route() if run is None else errors.method_not_allowed()
    need(call, otype, "read" if what == "read" else "write")
    inputs = call.json().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise errors.missing_attributes("inputs")
    if len(inputs) > MOST:
        raise errors.invalid(f"The maximum number of inputs is {MOST}, but {len(inputs)} were given")
    too_large = call.portal.faults.on_size(call.operation)
    if too_large:
        raise refusal(too_large)
    return run(call, otype, inputs)


def complete(
    call: Call, results: list[Any], problems: list[dict[str, Any]] | None = None, status: int = 200
) -> Answer:
    """A batch's answer; 207 where something in it went wrong."""
    now = call.portal.stamp()
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if problems:
        body |= {"numErrors": len(problems), "errors": problems}
    return Answer(207 if problems else status, body)


def _ids(inputs: list[dict[str, Any]]) -> list[str]:
    """The ids of the inputs. Raises 400 for a missing one, and for one that is there twice."""
    found = []
    for one in inputs:
        if not isinstance(one.get("id"), str | int) or isinstance(one.get("id"), bool):
            raise errors.missing_attributes("id")
        found.append(str(one["id"]))
    twice = list(dict.fromkeys(one for one in found if found.count(one) > 1))
    if twice:
        raise errors.invalid(f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique",
                             context={"ids": twice})  # fmt: skip
    return found


def _named_by(one: dict[str, Any]) -> str | None:
    """The property that ids are values of; None for record ids. Raises 400."""
    name = one.get("idProperty") or None
    if name is not None and not isinstance(name, str):
        raise errors.bad_json(1, 1, f"Cannot deserialize value of type `java.lang.String` from {name!r}")
    return name


def _traced(inputs: list[dict[str, Any]]) -> bool:
    """Whether each input carries a trace id of its own."""
    traces = [one.get("objectWriteTraceId") for one in inputs]
    return (
        bool(inputs)
        and all(isinstance(one, str) and one for one in traces)
        and len(set(traces)) == len(traces)
    )


def _each(
    call: Call,
    inputs: list[dict[str, Any]],
    run: Callable[[dict[str, Any]], tuple[dict[str, Any], ApiError | None]],
    status: int,
) -> Answer:
    """Run each input on its own. run: input → (its result, the refusal to tell although it was done)."""
    traced, results, problems = _traced(inputs), [], []
    for one in inputs:
        trace = one.get("objectWriteTraceId")
        try:
            with call.portal.savepoint():
                result, lost = run(one)
        except ApiError as refused:
            if not traced or refused.body is None:
                raise
            problems.append(refused.row(trace))
            continue
        if lost is not None and not traced:
            return Answer(lost.status, lost.body, lost.headers)
        if lost is not None:
            problems.append(lost.row(trace))
            continue
        results.append(result | ({"objectWriteTraceId": trace} if isinstance(trace, str) else {}))
    return complete(call, results, problems, status)


def _create(call: Call, otype: ObjectType, inputs: list[dict[str, Any]]) -> Answer:
    def run(one: dict[str, Any]) -> tuple[dict[str, Any], ApiError | None]:
        row, lost = records.create(call, otype, one)
        return records.told(call.portal, otype, row, whole=True), lost

    return _each(call, inputs, run, 201)


def _found(call: Call, otype: ObjectType, value: str, id_property: str | None) -> Row | None:
    if id_property == "hs_object_id":
        records.unique_property(call.portal, otype, id_property)
    if id_property:
        return records.by_unique(call.portal, otype, id_property, value)
    return call.portal.resolve(otype.name, value)


def _missing(otype: ObjectType, ids: list[str]) -> ApiError:
    return errors.error(
        404,
        f"Could not get some {otype.constant} objects, they may be deleted or not exist. Check that ids are valid.",
        errors.OBJECT_NOT_FOUND,
        context={"ids": ids},
    )


def _read(call: Call, otype: ObjectType, inputs: list[dict[str, Any]]) -> Answer:
    body, ids = call.json(), _ids(inputs)
    id_property, asked = _named_by(body), body.get("properties") or []
    if not isinstance(asked, list):
        raise errors.missing_attributes("properties")
    rows: dict[str, Row] = {}
    missing = []
    for one in ids:
        archived = call.portal.tables.get(otype.name, one) if call.one("archived") == "true" else None
        row = archived if archived and archived.get("archived") else _found(call, otype, one, id_property)
        if row is None:
            missing.append(one)
        else:
            rows[row["id"]] = row
    results = [records.told(call.portal, otype, row, [str(name) for name in asked]) for row in rows.values()]
    return complete(call, results, [_missing(otype, missing).row()] if missing else None)


def _update(call: Call, otype: ObjectType, inputs: list[dict[str, Any]]) -> Answer:
    _ids(inputs)

    def run(one: dict[str, Any]) -> tuple[dict[str, Any], None]:
        row = _found(call, otype, str(one["id"]), _named_by(one))
        if row is None:
            raise _missing(otype, [str(one["id"])])
        changed, written = records.update(call, otype, row, one.get("properties"))
        return records.told(call.portal, otype, changed, written or ["hs_object_id"]), None

    return _gone_apart(call, otype, inputs, run)


def _gone_apart(call: Call, otype: ObjectType, inputs: list[dict[str, Any]], run: Any) -> Answer:
    """Updates: ids that are not there never refuse the others, trace ids or not."""
    there, gone = [], []
    for one in inputs:
        row = _found(call, otype, str(one["id"]), _named_by(one))
        (gone if row is None else there).append(one)
    answer = _each(call, there, run, 200) if there else complete(call, [])
    if not gone or answer.status >= 400:
        return answer
    ids = [str(one["id"]) for one in gone]
    traces = [one["objectWriteTraceId"] for one in gone if isinstance(one.get("objectWriteTraceId"), str)]
    told = _missing(otype, ids).row(**({"objectWriteTraceId": traces} if traces else {}))
    problems = [*answer.body.get("errors", []), told]
    return complete(call, answer.body["results"], problems)


def _upsert(call: Call, otype: ObjectType, inputs: list[dict[str, Any]]) -> Answer:
    _ids(inputs)
    for one in inputs:
        if not one.get("idProperty"):
            raise errors.missing_attributes("idProperty")
        records.unique_property(call.portal, otype, str(one["idProperty"]))

    def run(one: dict[str, Any]) -> tuple[dict[str, Any], ApiError | None]:
        name, value = str(one["idProperty"]), str(one["id"])
        given = one.get("properties")
        if not isinstance(given, dict):
            raise errors.missing_attributes("properties")
        ordered = call.ordered(otype.name, "upsert", {name: value, **given})
        if ordered:
            raise ordered
        row = _found(call, otype, value, name)
        if row is None:
            made, _ = records.create(call, otype, {"properties": {name: value, **given}})
            return {**records.told(call.portal, otype, made, whole=True), "new": True}, None
        changed, _ = records.update(call, otype, row, given)
        return {**records.told(call.portal, otype, changed, whole=True), "new": False}, None

    return _each(call, inputs, run, 200)


def _archive(call: Call, otype: ObjectType, inputs: list[dict[str, Any]]) -> Answer:
    for one in _ids(inputs):
        row = call.portal.resolve(otype.name, one)
        if row is not None:
            ordered = records.refused_by_order(call, otype, "delete", row)
            if ordered:
                raise ordered
            records.archive(call.portal, otype, row)
    return Answer(204)
