"""Associations by the API: of one record, of many in a batch, and which kinds there are."""

from typing import Any
from urllib.parse import unquote

from ..routing import Answer
from . import association_types, associations, batch, errors
from .association_types import HUBSPOT_DEFINED, TYPES
from .call import Call
from .schema import OBJECT_TYPES, ObjectType
from .tables import Row


def _need(call: Call, kinds: tuple[str, str], access: str) -> None:
    for kind in kinds:
        otype = OBJECT_TYPES[kind]
        call.need("tickets" if kind == "tickets" else f"{otype.scope}.{access}")


def _living(call: Call, kind: str, record_id: str) -> Row:
    """A record that an association is to lead from or to. Raises 404."""
    row = call.portal.resolve(kind, record_id)
    if row is None:
        raise errors.error(404, f"{OBJECT_TYPES[kind].constant} {record_id} was not found", errors.OBJECT_NOT_FOUND,
                           context={"id": [record_id]})  # fmt: skip
    return row


def _told_types(kinds: tuple[str, str], types: list[int]) -> list[dict[str, Any]]:
    found = [association_types.find(*kinds, one) for one in types]
    return [{"category": HUBSPOT_DEFINED, "typeId": one.type_id, "label": one.label} for one in found if one]


def _refused(call: Call, kinds: tuple[str, str], from_id: str, to_id: str) -> None:
    ordered = call.ordered(
        kinds[0], "associate", {"from": from_id, "to": to_id, kinds[0]: from_id, kinds[1]: to_id}
    )
    if ordered:
        raise ordered


# -- of one record ----------------------------------------------------------------------------------


def of_record(call: Call, otype: ObjectType, from_id: str, rest: list[str]) -> Answer:
    """`/{type}/{id}/associations/…`: list, associate by default or by types, take away."""
    if rest[:1] == ["default"]:
        rest = rest[1:]
        if len(rest) != 2 or call.method != "PUT":
            raise errors.no_route()
        return _by_default(call, associations.pair_named(otype.name, rest[0]), from_id, rest[1])
    if not rest or len(rest) > 3:
        raise errors.no_route()
    kinds = associations.pair_named(otype.name, rest[0])
    if len(rest) == 1 and call.method == "GET":
        _need(call, kinds, "read")
        _living(call, kinds[0], from_id)
        if call.version == "v3":
            held = associations.told_inline(call.portal, kinds[0], from_id, [kinds[1]])
            return Answer(200, held.get(kinds[1], {"results": []}))
        found = associations.of(call.portal, kinds[0], from_id, kinds[1])
        told = [
            {"toObjectId": to_id, "associationTypes": _told_types(kinds, types)} for to_id, types in found
        ]
        return Answer(200, {"results": told})
    if len(rest) == 3:
        return _by_name(call, kinds, from_id, rest[1], rest[2])
    if len(rest) == 2 and call.method == "PUT":
        return _by_types(call, kinds, from_id, rest[1])
    if len(rest) == 2 and call.method == "DELETE":
        _need(call, kinds, "write")
        associations.unlink(call.portal, kinds[0], from_id, kinds[1], rest[1])
        return Answer(204)
    raise errors.method_not_allowed()


def _by_default(call: Call, kinds: tuple[str, str], from_id: str, to_id: str) -> Answer:
    _need(call, kinds, "write")
    return batch.complete(call, _default_link(call, kinds, from_id, to_id))


def _default_link(call: Call, kinds: tuple[str, str], from_id: str, to_id: str) -> list[dict[str, Any]]:
    """The two directions of a default association, made."""
    start, end = _living(call, kinds[0], from_id)["id"], _living(call, kinds[1], to_id)["id"]
    _refused(call, kinds, start, end)
    kind = TYPES[kinds][0].type_id
    associations.link(call.portal, kinds[0], start, kinds[1], end, [kind])
    back = association_types.opposite(*kinds, kind).type_id
    return [
        {"from": {"id": one}, "to": {"id": other},
         "associationSpec": {"associationCategory": HUBSPOT_DEFINED, "associationTypeId": number}}
        for one, other, number in ((start, end, kind), (end, start, back))
    ]  # fmt: skip


def _pair_told(kinds: tuple[str, str], from_id: str, to_id: str, types: list[int]) -> dict[str, Any]:
    labels = [one.label for number in types if (one := association_types.find(*kinds, number)) and one.label]
    return {
        "fromObjectTypeId": OBJECT_TYPES[kinds[0]].type_id, "fromObjectId": from_id,
        "toObjectTypeId": OBJECT_TYPES[kinds[1]].type_id, "toObjectId": to_id, "labels": labels,
    }  # fmt: skip


def _by_types(call: Call, kinds: tuple[str, str], from_id: str, to_id: str) -> Answer:
    _need(call, kinds, "write")
    types = associations.types_asked(*kinds, call.body)
    start, end = _living(call, kinds[0], from_id)["id"], _living(call, kinds[1], to_id)["id"]
    _refused(call, kinds, start, end)
    associations.link(call.portal, kinds[0], start, kinds[1], end, types)
    return Answer(201, _pair_told(kinds, start, end, types))


def _by_name(call: Call, kinds: tuple[str, str], from_id: str, to_id: str, word: str) -> Answer:
    """v3: the type as a last segment, by its number or its older name."""
    if call.version != "v3":
        raise errors.no_route()
    _need(call, kinds, "write")
    found = next((one for one in TYPES[kinds] if word in (str(one.type_id), one.name)), None)
    if found is None:
        raise errors.invalid(f"Association type {word} is not valid between {kinds[0]} and {kinds[1]}")
    if call.method == "DELETE":
        associations.unlink(call.portal, kinds[0], from_id, kinds[1], to_id, [found.type_id])
        return Answer(204)
    if call.method != "PUT":
        raise errors.method_not_allowed()
    start, end = _living(call, kinds[0], from_id)["id"], _living(call, kinds[1], to_id)["id"]
    _refused(call, kinds, start, end)
    associations.link(call.portal, kinds[0], start, kinds[1], end, [found.type_id])
    return Answer(200, {"id": end, "type": found.name})


# -- of many ----------------------------------------------------------------------------------------


def handle(call: Call) -> Answer:
    """`/crm/associations/V/{from}/{to}/…`: batches and labels."""
    parts = [unquote(part) for part in call.parts]
    if len(parts) < 3:
        raise errors.no_route()
    kinds, what = associations.pair_named(parts[0], parts[1]), "/".join(parts[2:])
    if what in ("labels", "types"):
        if call.method != "GET":
            raise errors.no_route()
        _need(call, kinds, "read")
        return Answer(200, {"results": _told_types(kinds, [one.type_id for one in TYPES[kinds]])})
    run = _BATCHES.get(what)
    if run is None:
        raise errors.no_route()
    if call.method != "POST":
        raise errors.method_not_allowed()
    _need(call, kinds, "read" if what == "batch/read" else "write")
    inputs = call.json().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise errors.missing_attributes("inputs")
    most = 1000 if what == "batch/read" else 2000
    if len(inputs) > most:
        raise errors.invalid(f"The maximum number of inputs is {most}, but {len(inputs)} were given")
    return run(call, kinds, inputs)


def _end(one: Any, name: str) -> str:
    held = one.get(name)
    if not isinstance(held, dict) or "id" not in held:
        raise errors.missing_attributes(name)
    return str(held["id"])


def _each(call: Call, inputs: list[Any], run: Any, status: int) -> Answer:
    results, problems = [], []
    for one in inputs:
        try:
            with call.portal.savepoint():
                results += run(one)
        except errors.ApiError as refused:
            if refused.status not in (404, 409) or refused.body is None:
                raise
            problems.append(refused.row())
    return batch.complete(call, results, problems, status)


def _batch_create(call: Call, kinds: tuple[str, str], inputs: list[Any]) -> Answer:
    def run(one: Any) -> list[dict[str, Any]]:
        types = associations.types_asked(*kinds, one.get("types"))
        start, end = (
            _living(call, kinds[0], _end(one, "from"))["id"],
            _living(call, kinds[1], _end(one, "to"))["id"],
        )
        _refused(call, kinds, start, end)
        associations.link(call.portal, kinds[0], start, kinds[1], end, types)
        return [_pair_told(kinds, start, end, types)]

    def run_v3(one: Any) -> list[dict[str, Any]]:
        found = next((t for t in TYPES[kinds] if one.get("type") in (t.name, str(t.type_id))), None)
        if found is None:
            raise errors.invalid(f"Association type {one.get('type')} is not valid")
        start, end = (
            _living(call, kinds[0], _end(one, "from"))["id"],
            _living(call, kinds[1], _end(one, "to"))["id"],
        )
        _refused(call, kinds, start, end)
        associations.link(call.portal, kinds[0], start, kinds[1], end, [found.type_id])
        return [{"from": {"id": start}, "to": {"id": end}, "type": found.name}]

    return _each(call, inputs, run_v3 if call.version == "v3" else run, 201)


def _batch_default(call: Call, kinds: tuple[str, str], inputs: list[Any]) -> Answer:
    def run(one: Any) -> list[dict[str, Any]]:
        return _default_link(call, kinds, _end(one, "from"), _end(one, "to"))

    return _each(call, inputs, run, 200)


def _batch_read(call: Call, kinds: tuple[str, str], inputs: list[Any]) -> Answer:
    results, missing = [], []
    for one in inputs:
        if "id" not in one:
            raise errors.missing_attributes("id")
        found = associations.of(call.portal, kinds[0], str(one["id"]), kinds[1])
        if not found:
            missing.append(str(one["id"]))
        elif call.version == "v3":
            to = [{"id": to_id, "type": association_types.find(*kinds, n).name}  # type: ignore[union-attr]
                  for to_id, types in found for n in types]  # fmt: skip
            results.append({"from": {"id": str(one["id"])}, "to": to})
        else:
            to = [
                {"toObjectId": to_id, "associationTypes": _told_types(kinds, types)} for to_id, types in found
            ]
            results.append({"from": {"id": str(one["id"])}, "to": to})
    problems = [_none_found(kinds, one) for one in missing]
    return batch.complete(call, results, problems)


def _none_found(kinds: tuple[str, str], record_id: str) -> dict[str, Any]:
    start, end = OBJECT_TYPES[kinds[0]].singular, OBJECT_TYPES[kinds[1]].singular
    return {
        "status": "error", "category": errors.OBJECT_NOT_FOUND,
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {end} is associated with {start} {record_id}.",
        "context": {"fromObjectId": [record_id], "fromObjectType": [start], "toObjectType": [end]},
        "errors": [], "links": {},
    }  # fmt: skip


def _batch_archive(call: Call, kinds: tuple[str, str], inputs: list[Any]) -> Answer:
    for one in inputs:
        targets = one.get("to")
        for target in targets if isinstance(targets, list) else [targets]:
            if not isinstance(target, dict) or "id" not in target:
                raise errors.missing_attributes("to")
            associations.unlink(call.portal, kinds[0], _end(one, "from"), kinds[1], str(target["id"]))
    return Answer(204)


def _batch_labels(call: Call, kinds: tuple[str, str], inputs: list[Any]) -> Answer:
    for one in inputs:
        types = associations.types_asked(*kinds, one.get("types"))
        associations.unlink(call.portal, kinds[0], _end(one, "from"), kinds[1], _end(one, "to"), types)
    return Answer(204)


_BATCHES = {
    "batch/create": _batch_create, "batch/read": _batch_read, "batch/archive": _batch_archive,
    "batch/associate/default": _batch_default, "batch/labels/archive": _batch_labels,
}  # fmt: skip
