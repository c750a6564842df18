"""`/crm/properties/V/{type}`: definitions read, made, changed, archived; their groups; and the admin's value rules."""

from typing import Any
from urllib.parse import unquote

import attrs

from ..routing import Answer
from . import errors
from .batch import complete
from .call import Call
from .schema import MOST_UNIQUE, NAME, OBJECT_TYPES, TYPES, ObjectType, Option, Property
from .tables import GROUPS

_UNIQUE_KINDS = ("string", "number", "phone_number")
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")


def _need(call: Call, otype: ObjectType, access: str) -> None:
    """Definitions of meetings belong to the contacts' scopes; making some has one of its own too."""
    base = "contacts" if otype.name in ("meetings", "tickets") else otype.name
    one_of = [f"crm.schemas.{base}.{access}"]
    if access == "read":
        one_of += [f"crm.objects.{base}.read", f"crm.objects.{base}.write", f"crm.schemas.{base}.write"]
    if otype.name == "meetings" and access == "write":
        one_of = ["crm.schemas.meetings.write", *one_of]
    if otype.name == "tickets":
        one_of = ["tickets", *one_of]
    call.need(*one_of)


def handle(call: Call) -> Answer:
    from .objects import named

    if not call.parts:
        raise errors.no_route()
    otype, rest = named(call.parts[0]), [unquote(part) for part in call.parts[1:]]
    _need(call, otype, "read" if call.method == "GET" or rest == ["batch", "read"] else "write")
    if rest[:1] == ["groups"]:
        return _groups(call, otype, rest[1:])
    if rest[:1] == ["batch"] and len(rest) == 2:
        return _batch(call, otype, rest[1])
    if not rest:
        if call.method == "POST":
            made = create(call, otype, call.json())
            where = f"{call.base_url}{call.path.rstrip('/')}/{made.name}"
            return Answer(201, told(call, otype, made), {"Location": where})
        return _list(call, otype)
    if len(rest) != 1:
        raise errors.no_route()
    run = {"GET": _read, "PATCH": _change, "DELETE": _archive}.get(call.method)
    if run is None:
        raise errors.method_not_allowed()
    return run(call, otype, rest[0])


def told(call: Call, otype: ObjectType, held: Property) -> dict[str, Any]:
    return held.told(call.portal.options(held, otype.name))


def _list(call: Call, otype: ObjectType) -> Answer:
    if call.method != "GET":
        raise errors.method_not_allowed()
    archived = call.one("archived") == "true"
    found = [one for one in call.portal.properties(otype.name).values() if bool(one.archived_at) == archived]
    return Answer(200, {"results": [told(call, otype, one) for one in found]})


def _held(call: Call, otype: ObjectType, name: str) -> Property:
    found = call.portal.property(otype.name, name)
    if found is None:
        raise errors.error(404, f"Property {name} does not exist", errors.OBJECT_NOT_FOUND)
    return found


def _read(call: Call, otype: ObjectType, name: str) -> Answer:
    held = call.portal.properties(otype.name).get(name)
    if held is not None and held.archived_at and call.one("archived") == "true":
        return Answer(200, told(call, otype, held))
    return Answer(200, told(call, otype, _held(call, otype, name)))


def _order(body: dict[str, Any], default: int) -> int:
    value = body.get("displayOrder")
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.bad_json(1, 1, f"Cannot deserialize value of type `int` from {value!r}")
    return value


def _options(given: Any) -> tuple[Option, ...]:
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and "value" in one and "label" in one for one in given
    ):
        raise errors.missing_attributes("label", "value")
    values = [str(one["value"]) for one in given]
    if len(set(values)) < len(values):
        raise errors.invalid("Property option values must be unique")
    return tuple(
        Option(str(one["value"]), str(one["label"]), str(one.get("description") or ""), _order(one, i),
               bool(one.get("hidden", False)))
        for i, one in enumerate(given)
    )  # fmt: skip


def create(call: Call, otype: ObjectType, body: dict[str, Any]) -> Property:
    """A property of the portal's own. Raises 400, and 409 for a name in use."""
    missing = [name for name in _REQUIRED if not body.get(name)]
    if missing:
        raise errors.missing_attributes(*missing)
    name, portal = str(body["name"]), call.portal
    if not NAME.fullmatch(name) or name.startswith("hs_"):
        raise errors.invalid(
            f"Invalid property name '{name}': it must be lowercase, start with a letter, and contain only letters, "
            "numbers and underscores"
        )
    held = portal.properties(otype.name).get(name)
    if held is not None and not held.archived_at:
        raise errors.error(409, f"A property named '{name}' already exists.", errors.OBJECT_ALREADY_EXISTS,
                           subCategory="Properties.PROPERTY_WITH_NAME_EXISTS")  # fmt: skip
    _level(call, otype, body)
    made = _made(call, otype, name, body)
    portal.put_property(otype.name, made)
    return made


def _level(call: Call, otype: ObjectType, body: dict[str, Any]) -> None:
    """What the portal allows: unique properties of meetings may be refused, or properties of meetings at all."""
    portal = call.portal
    if otype.name == "meetings" and portal.settings.meetingIds == "none":
        raise errors.missing_scopes(["crm.schemas.meetings.write"])
    if not body.get("hasUniqueValue"):
        return
    if otype.name == "meetings" and portal.settings.meetingIds == "plain":
        raise errors.invalid("Unique properties are not supported for object type 0-47")
    if body["type"] not in _UNIQUE_KINDS:
        raise errors.invalid(f"A property of type {body['type']} cannot have unique values")
    own = [
        one
        for one in portal.properties(otype.name).values()
        if one.own and one.unique and not one.archived_at
    ]
    if len(own) >= MOST_UNIQUE:
        raise errors.invalid(f"No more than {MOST_UNIQUE} unique properties are allowed for {otype.type_id}")


def _made(call: Call, otype: ObjectType, name: str, body: dict[str, Any]) -> Property:
    kind, field_type, group = str(body["type"]), str(body["fieldType"]), str(body["groupName"])
    if kind not in TYPES:
        raise errors.invalid(f"Invalid property type '{kind}'")
    if field_type not in TYPES[kind]:
        raise errors.invalid(f"Field type '{field_type}' is not valid for property type '{kind}'")
    if group not in call.portal.groups(otype.name):
        raise errors.invalid(f"Property group '{group}' does not exist")
    options = _options(body.get("options") or [])
    if kind == "enumeration" and not options and not body.get("externalOptions"):
        raise errors.invalid(f"Property '{name}' of type enumeration must have options")
    if kind == "bool" and not options:
        options = (Option("true", "True", "", 0), Option("false", "False", "", 1))
    stamp = call.portal.stamp()
    owner = "owner" if body.get("externalOptions") and body.get("referencedObjectType") == "OWNER" else ""
    return Property(
        name, kind, field_type, str(body["label"]), group, options, str(body.get("description") or ""),
        unique=bool(body.get("hasUniqueValue")), hidden=bool(body.get("hidden")),
        form=bool(body.get("formField")), order=_order(body, -1), own=True, reference=owner,
        created_at=stamp, updated_at=stamp,
    )  # fmt: skip


def _change(call: Call, otype: ObjectType, name: str) -> Answer:
    held, body = _held(call, otype, name), call.json()
    if not held.own and body.keys() - {
        "options",
        "label",
        "description",
        "displayOrder",
        "hidden",
        "groupName",
        "formField",
    }:
        raise errors.invalid(f"The definition of {name} is read only")
    kind, field_type = str(body.get("type", held.kind)), str(body.get("fieldType", held.field_type))
    if kind not in TYPES or field_type not in TYPES[kind]:
        raise errors.invalid(f"Field type '{field_type}' is not valid for property type '{kind}'")
    if str(body.get("groupName", held.group)) not in call.portal.groups(otype.name):
        raise errors.invalid(f"Property group '{body['groupName']}' does not exist")
    changed = attrs.evolve(
        held, kind=kind, field_type=field_type, label=str(body.get("label", held.label)),
        description=str(body.get("description", held.description)), group=str(body.get("groupName", held.group)),
        options=_options(body["options"]) if "options" in body else held.options,
        hidden=bool(body.get("hidden", held.hidden)), form=bool(body.get("formField", held.form)),
        order=_order(body, held.order), updated_at=call.portal.stamp(),
    )  # fmt: skip
    call.portal.put_property(otype.name, changed)
    return Answer(200, told(call, otype, changed))


def _archive(call: Call, otype: ObjectType, name: str) -> Answer:
    held, portal = _held(call, otype, name), call.portal
    if not held.own:
        raise errors.invalid(f"Property {name} is defined by HubSpot and cannot be archived")
    used = [
        r
        for r in portal.settings.conditional
        if r["object"] == otype.name and name in (r["property"], *r["require"])
    ]
    if used or name in portal.settings.required.get(otype.name, []):
        raise errors.invalid(f"Property {name} is in use and cannot be deleted",
                             subCategory="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE")  # fmt: skip
    portal.put_property(otype.name, attrs.evolve(held, archived_at=portal.stamp()))
    return Answer(204)


def _batch(call: Call, otype: ObjectType, what: str) -> Answer:
    if call.method != "POST" or what not in ("create", "read", "archive"):
        raise errors.no_route()
    inputs = call.json().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise errors.missing_attributes("inputs")
    results, problems = [], []
    for one in inputs:
        try:
            with call.portal.savepoint():
                if what == "create":
                    results.append(told(call, otype, create(call, otype, one)))
                elif what == "read":
                    results.append(told(call, otype, _held(call, otype, str(one.get("name")))))
                else:
                    _archive(call, otype, str(one.get("name")))
        except errors.ApiError as refused:
            if what == "archive":
                raise
            problems.append(refused.row(name=[str(one.get("name"))]))
    return (
        Answer(204)
        if what == "archive"
        else complete(call, results, problems, 201 if what == "create" else 200)
    )


# -- groups -----------------------------------------------------------------------------------------


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def _groups(call: Call, otype: ObjectType, rest: list[str]) -> Answer:
    known = call.portal.groups(otype.name)
    if not rest and call.method == "GET":
        return Answer(200, {"results": [_group(name, label) for name, label in known.items()]})
    if not rest and call.method == "POST":
        return _make_group(call, otype, known)
    if len(rest) != 1:
        raise errors.no_route()
    if rest[0] not in known:
        raise errors.error(404, f"Property group {rest[0]} does not exist", errors.OBJECT_NOT_FOUND)
    if call.method == "GET":
        return Answer(200, _group(rest[0], known[rest[0]]))
    if call.method == "PATCH":
        return Answer(200, _save_group(call, otype, rest[0], str(call.json().get("label", known[rest[0]]))))
    if call.method != "DELETE":
        raise errors.method_not_allowed()
    if any(
        one.group == rest[0] and not one.archived_at for one in call.portal.properties(otype.name).values()
    ):
        raise errors.invalid(f"Property group {rest[0]} has active properties and cannot be deleted")
    call.portal.tables.remove(GROUPS, f"{otype.name}/{rest[0]}")
    return Answer(204)


def _make_group(call: Call, otype: ObjectType, known: dict[str, str]) -> Answer:
    body = call.json()
    missing = [name for name in ("name", "label") if not body.get(name)]
    if missing:
        raise errors.missing_attributes(*missing)
    name = str(body["name"])
    if not NAME.fullmatch(name):
        raise errors.invalid(f"Invalid property group name '{name}'")
    if name in known:
        raise errors.error(409, f"A property group named '{name}' already exists.", errors.OBJECT_ALREADY_EXISTS,
                           subCategory="Properties.GROUP_WITH_NAME_EXISTS")  # fmt: skip
    where = f"{call.base_url}{call.path.rstrip('/')}/{name}"
    return Answer(201, _save_group(call, otype, name, str(body["label"])), {"Location": where})


def _save_group(call: Call, otype: ObjectType, name: str, label: str) -> dict[str, Any]:
    row = {"id": f"{otype.name}/{name}", "object": otype.name, "name": name, "label": label}
    call.portal.tables.put(GROUPS, row)
    return _group(name, label)


# -- the admin's rules about values -----------------------------------------------------------------


def validations(call: Call) -> Answer:
    """`/crm/property-validations/V/{typeId}[/{property}]`: rules of values; which are required is not told."""
    from .objects import named

    if len(call.parts) not in (1, 2, 4) or call.method != "GET":
        raise errors.no_route()
    otype = named(call.parts[0])
    _need(call, otype, "read")
    rules = {
        key.partition(".")[2]: [{"ruleType": one["ruleType"], "ruleArguments": list(one.get("ruleArguments") or [])}
                                for one in listed]
        for key, listed in call.portal.settings.validations.items()
        if key.partition(".")[0] == otype.name
    }  # fmt: skip
    if len(call.parts) == 2:
        return Answer(200, {"results": rules.get(unquote(call.parts[1]), [])})
    if len(call.parts) == 4:
        listed = rules.get(unquote(call.parts[1]), [])
        found = next((one for one in listed if call.parts[2:] == ("rule-type", one["ruleType"])), None)
        if found is None:
            raise errors.not_here()
        return Answer(200, found)
    told_rules = [{"propertyName": name, "propertyValidationRules": listed} for name, listed in rules.items()]
    return Answer(200, {"results": told_rules})


def limits(call: Call) -> Answer:
    """`/crm/limits/V/custom-properties`."""
    if call.parts != ("custom-properties",) or call.method != "GET":
        raise errors.no_route()
    call.need(*(f"{one.scope}.read" for one in OBJECT_TYPES.values()), "tickets")
    per_type, most = [], 1000
    for otype in OBJECT_TYPES.values():
        used = sum(1 for p in call.portal.properties(otype.name).values() if p.own and not p.archived_at)
        per_type.append({
            "limit": most, "usage": used, "percentage": 100 * used / most, "objectTypeId": otype.type_id,
            "singularLabel": otype.label, "pluralLabel": otype.plural,
        })  # fmt: skip
    usage, overall = sum(one["usage"] for one in per_type), most * len(per_type)
    body = {"byObjectType": per_type, "overallLimit": overall, "overallUsage": usage,
            "overallPercentage": 100 * usage / overall}  # fmt: skip
    return Answer(200, body)
