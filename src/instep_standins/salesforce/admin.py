"""`/__fake__/`: what a test or a demo orders from the org. JSON in and out, loopback only, no sign-in."""

import copy
from typing import TYPE_CHECKING, Any

import attrs

from .. import watching
from ..routing import Answer
from . import configure, configure_rights, conversion, custom_fields, person_accounts
from .history import Cause
from .orders import Body, object_named, refuse_order, text_of
from .schema import Field, choices_of
from .tables import Record
from .tokens import MOST_APPROVALS

if TYPE_CHECKING:
    from .org import Org

PREFIX = "/__fake__/"


def _record(org: "Org", body: Body) -> tuple[str, Record]:
    name = object_named(org, body.get("object"))
    record = org.tables.get(name, str(body.get("id", "")))
    if record is None:
        raise refuse_order(404, f"{name} {body.get('id')!r} is not there.")
    return name, record


def records(org: "Org", query: dict[str, str]) -> Body:
    """Every living record with every stored field, by object."""
    names = [object_named(org, query["object"])] if query.get("object") else sorted(org.catalogue)
    return {n: [r for r in org.tables.rows(n).values() if not r.get("IsDeleted")] for n in names}


def _fields(body: Body) -> Body:
    fields = body.get("fields") or {}
    if not isinstance(fields, dict) or any(isinstance(value, dict | list) for value in fields.values()):
        raise refuse_order(400, "fields must be a JSON object of plain values.")
    return fields


def _with_name(name: str, record: Record) -> Record:
    if name in ("Lead", "Contact", "User") and record.get("LastName"):
        record["Name"] = " ".join(part for part in (record.get("FirstName"), record["LastName"]) if part)
    return record


def _get_records(org: "Org", body: Body, query: dict[str, str]) -> Any:
    return records(org, query)


def _seed_record(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """Store a record past every rule and permission."""
    name = object_named(org, body.get("object"))
    fields = dict(_fields(body))
    owner = org.user(org.settings.clientCredentialsUser or "")
    if "OwnerId" in org.catalogue[name].fields and owner:
        fields.setdefault("OwnerId", owner["Id"])
    unknown = fields.keys() - org.catalogue[name].fields.keys()
    if unknown:
        raise refuse_order(400, f"{name} has no field {', '.join(sorted(unknown))}.")
    if name == "Account" and person_accounts.is_person_type(org, fields.get("RecordTypeId")):
        fields = person_accounts.paired(org, fields)
    record = org.insert(name, _with_name(name, fields))
    if name == "Account":
        person_accounts.mirror(org, record)
    org.schema_changed() if name.startswith("PermissionSet") else None
    return record


def _edit_record(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """A human's edit: any field, and the stamps of now."""
    name, old = _record(org, body)
    now = org.stamp()
    stamps = {n: now for n in ("LastModifiedDate", "SystemModstamp") if n in org.catalogue[name].fields}
    record = {**old, **stamps, **_fields(body)}
    record = _with_name(name, {k: v for k, v in record.items() if v is not None})
    if record.get("IsPersonAccount") and name == "Account":
        record = person_accounts.paired(org, record)
    org.tables.put(name, record)
    if name == "Account":
        person_accounts.mirror(org, record)
    org.schema_changed() if name.startswith("PermissionSet") or name == "User" else None
    return record


def _delete_record(org: "Org", body: Body, query: dict[str, str]) -> Any:
    name, old = _record(org, body)
    if "IsDeleted" not in org.catalogue[name].fields or body.get("forever"):
        org.tables.remove(name, old["Id"])
        org.schema_changed()
        return {}
    now = org.stamp()
    record = {**old, "IsDeleted": True, "LastModifiedDate": now, "SystemModstamp": now}
    org.tables.put(name, record)
    if name == "Account":
        person_accounts.mirror(org, record)
    return {}


def _reset(org: "Org", body: Body, query: dict[str, str]) -> Any:
    org.reset(bool(body.get("keepMetadata")))
    return {}


def _expire_sessions(org: "Org", body: Body, query: dict[str, str]) -> Any:
    org.tokens.expire_sessions()
    return {}


def _approvals(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """{"count"}: the user who approves apps approves this one so many times more, from elsewhere."""
    user = org.user(org.settings.authorizeUser or "")
    if user is None:
        raise refuse_order(400, "Nobody approves apps here: the setting authorizeUser names no user.")
    for _ in range(min(int(body.get("count") or MOST_APPROVALS), 100)):
        org.tokens.new_family(user["Id"], "api refresh_token id")
    return {}


def _revoke(org: "Org", body: Body, query: dict[str, str]) -> Any:
    org.tokens.revoke_all()
    if body.get("clientCredentials"):
        org.settings.clientCredentials = False
        org.touch("settings")
    return {}


_SETTING_KINDS: dict[Any, Any] = {
    bool: bool, int: int, float: int | float, str: str, str | None: str | None, dict[str, bool]: dict,
    list[str] | None: list | None,
}  # fmt: skip


def _settings(org: "Org", body: Body, query: dict[str, str]) -> Any:
    known = attrs.fields_dict(type(org.settings))
    unknown = body.keys() - known.keys()
    if unknown:
        raise refuse_order(
            400, f"Setting {', '.join(sorted(unknown))} is unknown; known are {', '.join(known)}."
        )
    for name, value in body.items():
        kind = _SETTING_KINDS.get(known[name].type, dict)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise refuse_order(400, f"Setting {name} cannot be {value!r}.")
    for name, value in body.items():
        setattr(org.settings, name, value)
    org.touch("settings")
    return attrs.asdict(org.settings)


def _fls(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """Hide a field, make it read-only or show it to every user; {"restore": true}: as permission sets say."""
    name = object_named(org, body.get("object"))
    field = body.get("field")
    if field not in org.catalogue[name].fields:
        raise refuse_order(404, f"{name} has no field {field!r}.")
    if body.get("restore"):
        org.access.overrides.pop(f"{name}.{field}", None)
    else:
        org.access.overrides[f"{name}.{field}"] = [bool(body.get("read", True)), bool(body.get("edit", True))]
    org.touch("access")
    org.schema_changed()
    return {}


def _values_of(asked: Any) -> Body:
    """A field's values of an order; picklist values may be texts, or say for which controlling values they are."""
    values = dict(asked or {})
    if "choices" in values:
        values["choices"] = choices_of(values["choices"])
    return {**values, "targets": tuple(values["targets"])} if "targets" in values else values


def _made(field_name: str, asked: Body) -> Field:
    """A custom field as an order describes it: by the describe's words, or by the `kind` of the Metadata API."""
    if "kind" not in asked:
        whole = {"length": 0, "label": field_name, "custom": True, **_values_of(asked)}
        made = Field(field_name, **whole)
        # As in a real org: what is universally required can be hidden from nobody.
        return attrs.evolve(made, permissionable=made.nillable)
    rest = {key: value for key, value in _values_of(asked).items() if key not in ("kind", "label")}
    return custom_fields.make(field_name, str(asked["kind"]), str(asked.get("label") or field_name), **rest)


def _field(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """An admin changes a field: {"object", "field", "change": {"length", "nillable", …}}, or {"remove": true}.

    {"create": {"type", "length", "label", …}} makes a custom field, its API name ending in `__c`; with "kind" in the
    place of "type" as the Metadata API names it (Picklist, Location, …), and "required", "choices", "target".
    """
    name, field_name = object_named(org, body.get("object")), str(body.get("field"))
    field = org.catalogue[name].fields.get(field_name)
    try:
        if body.get("create"):
            if field is not None or not field_name.endswith("__c"):
                raise refuse_order(
                    400, f"{field_name} exists on {name} already, or its name does not end in __c."
                )
            org.add_field(name, _made(field_name, body["create"]))
            return {}
        if field is None:
            raise refuse_order(404, f"{name} has no field {field_name!r}.")
        if body.get("remove"):
            org.remove_field(name, field.name)
            return {}
        change = dict(body.get("change") or {})
        org.add_field(name, attrs.evolve(field, **_values_of(change)))
        if not field.custom:
            org.config.changes.setdefault(f"{name}.{field.name}", {}).update(change)
            org.touch("config")
    except (TypeError, KeyError, ValueError) as problem:
        raise refuse_order(400, f"The change is not understood: {problem}") from None
    return {}


def _picklist_value(org: "Org", body: Body, query: dict[str, str]) -> Any:
    """{"object", "field", "value", "label", "active", "default"}: adds a value, or changes the one that is there."""
    name, field_name = object_named(org, body.get("object")), str(body.get("field"))
    field, value = org.catalogue[name].fields.get(field_name), text_of(body, "value")
    if field is None or not field.choices:
        raise refuse_order(404, f"{name} has no picklist {field_name!r}.")
    listed = [attrs.asdict(choice) for choice in field.choices]
    held = next((one for one in listed if one["value"] == value), None)
    if held is None:
        held = {"value": value, "label": value}
        listed.append(held)
    held.update({key: body[key] for key in ("label", "active", "default") if key in body})
    if body.get("default"):
        listed = [{**one, "default": one is held} for one in listed]
    if not any(one.get("active", True) for one in listed):
        raise refuse_order(400, f"{field.label} must keep a value: {value!r} is its last one.")
    return _field(org, {"object": name, "field": field_name, "change": {"choices": listed}}, query)


_ROUTES = {
    ("GET", "records"): _get_records, ("POST", "records"): _seed_record, ("PATCH", "records"): _edit_record,
    ("DELETE", "records"): _delete_record, ("POST", "convert-lead"): conversion.convert_lead,
    ("POST", "merge"): conversion.merge, ("POST", "reset"): _reset, ("POST", "expire-sessions"): _expire_sessions,
    ("POST", "approvals"): _approvals, ("POST", "revoke"): _revoke, ("POST", "settings"): _settings,
    ("GET", "settings"): _settings, ("POST", "fls"): _fls, ("POST", "field"): _field,
    ("POST", "picklist-value"): _picklist_value,
    **configure.ROUTES, **configure_rights.ROUTES,
    **watching.orders(refuse_order),
}  # fmt: skip


def order(org: "Org", method: str, name: str, body: Body) -> Any:
    """One order from the org's own pages; what it answers. Raises ApiError as `handle` does."""
    return handle(org, method, PREFIX + name, {}, body).body


def handle(org: "Org", method: str, path: str, query: dict[str, str], body: Any) -> Answer:
    """One order. Raises ApiError that says what is wrong with it."""
    run = _ROUTES.get((method, path.removeprefix(PREFIX).strip("/")))
    if run is None:
        listed = ", ".join(f"{verb} {name}" for verb, name in _ROUTES)
        raise refuse_order(404, f"{method} {path} is not an order; known are {listed}.")
    if body is not None and not isinstance(body, dict):
        raise refuse_order(400, "The order must be a JSON object.")
    before = copy.deepcopy(org.config)
    try:
        with org.transaction(Cause(order=f"{method} {path}")):
            return Answer(200, run(org, body or {}, query))
    except BaseException as problem:
        org.config = before
        if isinstance(problem, TypeError | AttributeError | KeyError):
            raise refuse_order(400, f"The order is not understood: {problem}") from None
        raise
