"""`/__fake__/`: what a test or a demo orders from the portal. JSON in and out, loopback only, no sign-in."""

from typing import TYPE_CHECKING, Any

import attrs

from .. import watching
from ..routing import Answer
from . import associations, merging, records, values
from .errors import ApiError
from .schema import OBJECT_TYPES, ObjectType, object_type
from .tables import OWNERS, RECORD_KINDS, Row

if TYPE_CHECKING:
    from .portal import Portal

PREFIX = "/__fake__/"
_FURTHEST = 10 * 366 * 86_400.0
Body = dict[str, Any]


def refuse_order(status: int, problem: str) -> ApiError:
    return ApiError(status, {"error": problem})


def _named(word: Any) -> ObjectType:
    found = object_type(str(word))
    if found is None:
        raise refuse_order(404, f"Object {word!r} is unknown here; known are {', '.join(OBJECT_TYPES)}.")
    return found


def _record(portal: "Portal", body: Body) -> tuple[ObjectType, Row]:
    otype = _named(body.get("object"))
    row = portal.resolve(otype.name, str(body.get("id", "")))
    if row is None:
        raise refuse_order(404, f"{otype.label} {body.get('id')!r} is not there.")
    return otype, row


def flat(portal: "Portal", kind: str, row: Row) -> Body:
    """A record with its id, its properties and the ids of what it is associated with."""
    found = {other: ids for other in RECORD_KINDS if (ids := linked(portal, kind, row["id"], other))}
    return {"id": row["id"], "properties": row["properties"], "associations": found,
            "createdAt": row["createdAt"], "updatedAt": row["updatedAt"]}  # fmt: skip


def linked(portal: "Portal", kind: str, row_id: str, other: str) -> list[str]:
    return [] if (kind, other) not in associations.TYPES else portal.associated(kind, row_id, other)


def _records(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """Every living record, by object."""
    names = [_named(query["object"]).name] if query.get("object") else list(RECORD_KINDS)
    return {name: [flat(portal, name, row) for row in portal.tables.living(name)] for name in names}


def _fields(body: Body) -> dict[str, str]:
    fields = body.get("properties") or {}
    if not isinstance(fields, dict) or any(isinstance(value, dict | list) for value in fields.values()):
        raise refuse_order(400, "properties must be a JSON object of plain values.")
    return {key: "" if value is None else str(value) for key, value in fields.items()}


def _seed_record(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """Store a record past every rule; {"associations": {"contacts": [ids]}} links it."""
    otype = _named(body.get("object"))
    row = records.insert(portal, otype, _fields(body))
    for word, ids in (body.get("associations") or {}).items():
        kind = _named(word).name
        for one in ids:
            associations.link(portal, otype.name, row["id"], kind, str(one), [])
    return flat(portal, otype.name, portal.tables.get(otype.name, row["id"]) or row)


def _edit_record(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """A human's edit: any property, and the stamps of now."""
    otype, row = _record(portal, body)
    return flat(portal, otype.name, records.change(portal, otype, row, _fields(body)))


def _typed(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """A person's edit in the portal's own pages: values as HubSpot takes them, its rules asked."""
    otype, row = _record(portal, body)
    written, problems = values.read(portal, otype, body.get("properties") or {}, row["properties"])
    if problems:
        raise refuse_order(400, problems[0].message)
    records.unique(portal, otype, written, row["id"])
    return flat(portal, otype.name, records.change(portal, otype, row, written))


def _merge(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """{"object", "primary", "other"}: a person merges two records; the one that is left."""
    otype = _named(body.get("object"))
    row = merging.merged(portal, otype, str(body.get("primary")), str(body.get("other")))
    return flat(portal, otype.name, row)


def _delete_record(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    otype, row = _record(portal, body)
    records.archive(portal, otype, row)
    if body.get("forever"):
        portal.tables.remove(otype.name, row["id"])
    return {}


def _associate(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """{"from": {"object", "id"}, "to": {…}[, "remove": true]}: a human links two records, or parts them."""
    start, end = _record(portal, body.get("from") or {}), _record(portal, body.get("to") or {})
    act = associations.unlink if body.get("remove") else associations.link
    act(portal, start[0].name, start[1]["id"], end[0].name, end[1]["id"], None if body.get("remove") else [])
    return {}


def _owner(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """{"email", "firstName", "lastName", "active"}: makes an owner, or changes the one with that address."""
    email = str(body.get("email") or "").strip().lower()
    if not email:
        raise refuse_order(400, "email is missing.")
    held = next((one for one in portal.tables.rows(OWNERS).values() if one["email"].lower() == email), None)
    number = len(portal.tables.rows(OWNERS))
    fresh = {
        "id": str(61_230_100 + number), "email": email, "firstName": "", "lastName": "", "type": "PERSON",
        "userId": 71_400_100 + number, "userIdIncludingInactive": 71_400_100 + number, "archived": False,
        "createdAt": portal.stamp(), "teams": [],
    }  # fmt: skip
    row = {**(held or fresh), "updatedAt": portal.stamp()}
    row |= {name: str(body[name]) for name in ("firstName", "lastName") if name in body}
    if "active" in body:
        row["archived"] = not body["active"]
        row["userId"] = row["userIdIncludingInactive"] if body["active"] else None
    portal.tables.put(OWNERS, row)
    return row


def _reset(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    portal.reset(bool(body.get("keepProperties")))
    return {}


def _expire(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    portal.tokens.expire()
    return {}


def _revoke(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    """Every refresh and access token of OAuth ends; {"token": true}: the static token too."""
    portal.tokens.revoke_all()
    if body.get("token"):
        portal.settings.tokenRevoked = True
        portal.touch("settings")
    return {}


_KINDS: dict[Any, Any] = {
    bool: bool, int: int, float: int | float, str: str, list[str]: list, list[str] | None: list | None,
    list[dict[str, Any]]: list,
}  # fmt: skip


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _understood(body: Body) -> None:
    """Raises 400 for a setting whose parts are not what calls will look for."""
    for name, least in (
        ("burst", 1),
        ("daily", 0),
        ("dailyUsed", 0),
        ("searchPerSecond", 1),
        ("tokenSeconds", 1),
    ):
        if body.get(name, least) < least:
            raise refuse_order(400, f"Setting {name} is at least {least}.")
    if abs(body.get("clock", 0)) > _FURTHEST:
        raise refuse_order(400, f"Setting clock is at most {_FURTHEST:.0f} seconds away.")
    for name in ("tokenScopes", "appScopes"):
        if body.get(name) is not None and not _texts(body[name]):
            raise refuse_order(400, f"Setting {name} is a list of scopes.")
    if not all(_texts(names) for names in body.get("required", {}).values()):
        raise refuse_order(400, 'Setting required is {"contacts": ["phone"]}: object → properties.')
    for rule in body.get("conditional", []):
        if (
            not isinstance(rule, dict)
            or not _texts(rule.get("require"))
            or not {"object", "property", "value"} <= rule.keys()
        ):
            raise refuse_order(
                400, 'Setting conditional is [{"object", "property", "value", "require": […]}].'
            )
    for rules in body.get("validations", {}).values():
        if not isinstance(rules, list) or not all(values.is_rule(rule) for rule in rules):
            raise refuse_order(
                400, 'Setting validations is {"contacts.firstname": [{"ruleType", "ruleArguments"}]}.'
            )


def _settings(portal: "Portal", body: Body, query: dict[str, str]) -> Any:
    known = attrs.fields_dict(type(portal.settings))
    unknown = body.keys() - known.keys()
    if unknown:
        raise refuse_order(
            400, f"Setting {', '.join(sorted(unknown))} is unknown; known are {', '.join(known)}."
        )
    for name, value in body.items():
        kind = _KINDS.get(known[name].type, dict)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise refuse_order(400, f"Setting {name} cannot be {value!r}.")
    _understood(body)
    if body.get("meetingIds", "unique") not in ("unique", "plain", "none"):
        raise refuse_order(400, "Setting meetingIds is one of unique, plain, none.")
    for name, value in body.items():
        setattr(portal.settings, name, value)
    portal.touch("settings")
    return attrs.asdict(portal.settings)


_ROUTES = {
    ("GET", "records"): _records, ("POST", "records"): _seed_record, ("PATCH", "records"): _edit_record,
    ("DELETE", "records"): _delete_record, ("PATCH", "edit"): _typed, ("POST", "merge"): _merge,
    ("POST", "associate"): _associate, ("POST", "owner"): _owner, ("POST", "reset"): _reset,
    ("POST", "expire-sessions"): _expire, ("POST", "revoke"): _revoke, ("POST", "settings"): _settings,
    ("GET", "settings"): _settings,
    **watching.orders(refuse_order),
}  # fmt: skip


def order(portal: "Portal", method: str, name: str, body: Body) -> Any:
    """One order from the portal's own pages; what it answers. Raises ApiError as `handle` does."""
    return handle(portal, method, PREFIX + name, {}, body).body


def handle(portal: "Portal", method: str, path: str, query: dict[str, str], body: Any) -> Answer:
    """One order. Raises ApiError that says what is wrong with it."""
    run = _ROUTES.get((method, path.removeprefix(PREFIX).strip("/")))
    if run is None:
        listed = ", ".join(f"{verb} {name}" for verb, name in _ROUTES)
        raise refuse_order(404, f"{method} {path} is not an order; known are {listed}.")
    if body is not None and not isinstance(body, dict):
        raise refuse_order(400, "The order must be a JSON object.")
    try:
        with portal.transaction():
            return Answer(200, run(portal, body or {}, query))
    except (TypeError, AttributeError, KeyError) as problem:
        raise refuse_order(400, f"The order is not understood: {problem}") from None
