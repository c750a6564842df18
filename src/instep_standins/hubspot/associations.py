"""Which records belong together. Each association is kept from both ends."""

from typing import TYPE_CHECKING, Any

from . import association_types, errors
from .association_types import HUBSPOT_DEFINED, TYPES
from .schema import OBJECT_TYPES, object_type
from .tables import ASSOCIATIONS

if TYPE_CHECKING:
    from .portal import Portal


def _key(from_kind: str, from_id: str, to_kind: str, to_id: str) -> str:
    return f"{from_kind}/{from_id}>{to_kind}/{to_id}"


def link(
    portal: "Portal", from_kind: str, from_id: str, to_kind: str, to_id: str, type_ids: list[int]
) -> None:
    """Associate two records by the given types, from both ends. Idempotent."""
    ahead = [one.type_id for one in TYPES[from_kind, to_kind]][:1]
    # A labelled association is always accompanied by the plain one.
    wanted = list(dict.fromkeys([*ahead, *type_ids]))
    back = [association_types.opposite(from_kind, to_kind, one).type_id for one in wanted]
    _add(portal, from_kind, from_id, to_kind, to_id, wanted)
    _add(portal, to_kind, to_id, from_kind, from_id, back)
    _touched(portal, (from_kind, from_id), (to_kind, to_id))


def _add(portal: "Portal", from_kind: str, from_id: str, to_kind: str, to_id: str, types: list[int]) -> None:
    key = _key(from_kind, from_id, to_kind, to_id)
    held = portal.tables.get(ASSOCIATIONS, key)
    known = held["types"] if held else []
    merged = [*known, *(one for one in types if one not in known)]
    if merged != known:
        row = {"id": key, "from": f"{from_kind}/{from_id}>{to_kind}", "to": to_id, "types": merged}
        portal.tables.put(ASSOCIATIONS, row)


def current(portal: "Portal", kind: str, record_id: str) -> str:
    """The id that a record has by now: a merge may have given it a new one."""
    row = portal.resolve(kind, record_id)
    return row["id"] if row else record_id


def unlink(
    portal: "Portal",
    from_kind: str,
    from_id: str,
    to_kind: str,
    to_id: str,
    type_ids: list[int] | None = None,
) -> None:
    """Take an association away, all of its types or some. Taking away what is not there is no error."""
    _unlink(
        portal,
        from_kind,
        current(portal, from_kind, from_id),
        to_kind,
        current(portal, to_kind, to_id),
        type_ids,
    )


def _unlink(
    portal: "Portal",
    from_kind: str,
    from_id: str,
    to_kind: str,
    to_id: str,
    type_ids: list[int] | None = None,
) -> None:
    back = None
    if type_ids is not None:
        back = [association_types.opposite(from_kind, to_kind, one).type_id for one in type_ids]
    for ends, types in (
        ((from_kind, from_id, to_kind, to_id), type_ids),
        ((to_kind, to_id, from_kind, from_id), back),
    ):
        held = portal.tables.get(ASSOCIATIONS, _key(*ends))
        if held is None:
            continue
        left = [] if types is None else [one for one in held["types"] if one not in types]
        if left:
            portal.tables.put(ASSOCIATIONS, {**held, "types": left})
        else:
            portal.tables.remove(ASSOCIATIONS, held["id"])
    _touched(portal, (from_kind, from_id), (to_kind, to_id))


def _touched(portal: "Portal", *ends: tuple[str, str]) -> None:
    kinds = {kind for kind, _ in ends}
    if kinds == {"contacts", "meetings"}:
        portal.refresh({record_id for kind, record_id in ends if kind == "contacts"})


def of(portal: "Portal", kind: str, record_id: str, to_kind: str) -> list[tuple[str, list[int]]]:
    """(id of the other living record, types), in order of arrival."""
    return _of(portal, kind, current(portal, kind, record_id), to_kind)


def _of(portal: "Portal", kind: str, record_id: str, to_kind: str) -> list[tuple[str, list[int]]]:
    rows = portal.tables.find(ASSOCIATIONS, "from", f"{kind}/{record_id}>{to_kind}")
    return [(row["to"], row["types"]) for row in rows if portal.resolve(to_kind, row["to"]) is not None]


def move(portal: "Portal", kind: str, old_id: str, new_id: str) -> None:
    """What belonged to one record belongs to another, as after a merge."""
    for other in OBJECT_TYPES:
        if (kind, other) in TYPES:
            for to_id, types in _of(portal, kind, old_id, other):
                _unlink(portal, kind, old_id, other, to_id)
                link(portal, kind, new_id, other, to_id, types)


def inline(portal: "Portal", kind: str, asked: Any) -> list[tuple[str, str, list[int]]]:
    """(kind, id, types) of the associations that a create carries. Raises 400 for what does not fit."""
    if asked is None:
        return []
    if not isinstance(asked, list):
        raise errors.bad_json(1, 1, "Cannot deserialize value of type `java.util.ArrayList` for associations")
    found, missing = [], []
    for one in asked:
        to, types = (one.get("to"), one.get("types")) if isinstance(one, dict) else (None, None)
        if not isinstance(to, dict) or not isinstance(types, list) or not types or "id" not in to:
            raise errors.missing_attributes("to", "types")
        ids = [_type_id(spec) for spec in types]
        pair = association_types.pair_of(ids[0])
        if pair is None or any(association_types.pair_of(one) != pair for one in ids):
            raise errors.invalid(f"One or more association types are not valid: {ids}")
        if pair[0] != kind:
            raise errors.invalid(
                f"invalid from object type {OBJECT_TYPES[kind].type_id} for associations to be created. "
                f"expected: {OBJECT_TYPES[pair[0]].type_id}"
            )
        target = portal.resolve(pair[1], str(to["id"]))
        if target is None:
            missing.append(f"{OBJECT_TYPES[pair[1]].constant}={to['id']} is not valid")
        else:
            found.append((pair[1], target["id"], ids))
    if missing:
        raise errors.invalid("One or more associations are invalid", context={"INVALID_OBJECT_IDS": missing})
    return found


def _type_id(spec: Any) -> int:
    if not isinstance(spec, dict) or "associationCategory" not in spec or "associationTypeId" not in spec:
        raise errors.missing_attributes("associationCategory", "associationTypeId")
    number = spec["associationTypeId"]
    if (
        spec["associationCategory"] != HUBSPOT_DEFINED
        or isinstance(number, bool)
        or not str(number).isdecimal()
    ):
        raise errors.invalid(
            f"Association type {spec['associationCategory']}/{number} is not known in this portal"
        )
    return int(number)


def types_asked(from_kind: str, to_kind: str, specs: Any) -> list[int]:
    """The types that a body names for one pair. Raises 400."""
    if not isinstance(specs, list) or not specs:
        raise errors.bad_json(1, 1, "a list of association types is expected")
    ids = [_type_id(spec) for spec in specs]
    for one in ids:
        pair = association_types.pair_of(one)
        if association_types.find(from_kind, to_kind, one) is None:
            expected = OBJECT_TYPES[pair[0]].type_id if pair else "unknown"
            raise errors.invalid(
                f"invalid from object type {OBJECT_TYPES[from_kind].type_id} for associations to be created. "
                f"expected: {expected}"
            )
    return ids


def pair_named(from_word: str, to_word: str) -> tuple[str, str]:
    """Two kinds of which records can belong together. Raises 400."""
    kinds = []
    for word in (from_word, to_word):
        found = object_type(word)
        if found is None:
            raise errors.invalid(f"Unable to infer object type from: {word}")
        kinds.append(found.name)
    if (kinds[0], kinds[1]) not in TYPES:
        raise errors.invalid(f"No association types exist between {kinds[0]} and {kinds[1]}")
    return kinds[0], kinds[1]


def told_inline(portal: "Portal", kind: str, record_id: str, words: list[str]) -> dict[str, Any]:
    """The associations of one record as a read tells them, by the words that were asked for."""
    told: dict[str, Any] = {}
    for word in words:
        other = object_type(word)
        if other is None:
            raise errors.invalid(f"Unable to infer object type from: {word}")
        results = [
            {"id": to_id, "type": association_types.find(kind, other.name, one).name}  # type: ignore[union-attr]
            for to_id, types in of(portal, kind, record_id, other.name)
            for one in types
        ]
        if results:
            told[other.name] = {"results": results}
    return told
