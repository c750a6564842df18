"""The orders by which a test, or an admin on the Setup pages, configures the org."""

from typing import TYPE_CHECKING, Any

import attrs

from . import assignment, config, duplicates, features, formulas, record_types, schema
from .config import EVERYBODY
from .orders import (
    Body,
    api_name,
    object_named,
    one_of,
    owner_named,
    refuse_order,
    row_of,
    save,
    text_of,
    texts_of,
    user_named,
)  # fmt: skip

if TYPE_CHECKING:
    from .org import Org

EDITIONS = ("Developer Edition", "Enterprise Edition", "Professional Edition", "Unlimited Edition")
_CHECKED = ("Account", "Case", "Contact", "Event", "Lead")
Query = dict[str, str]


# -- the org itself -----------------------------------------------------------------------------------


def _features(org: "Org", body: Body, query: Query) -> Any:
    """{"personAccounts": true, …}: what is switched on afterwards."""
    try:
        for name, on in body.items():
            features.switch(org, name, bool(on))
    except ValueError as problem:
        raise refuse_order(400, str(problem)) from None
    return {name: org.config.has(name) for name in config.FEATURES}


def _organization(org: "Org", body: Body, query: Query) -> Any:
    """{"edition", "sandbox", "name", "api"}: `api` false is an edition whose API is not enabled."""
    fields: Body = {}
    if "edition" in body:
        fields["OrganizationType"] = one_of(body, "edition", EDITIONS)
    if "sandbox" in body:
        fields["IsSandbox"] = bool(body["sandbox"])
    if "name" in body:
        fields["Name"] = text_of(body, "name")
    if "api" in body:
        org.settings.apiEnabled = bool(body["api"])
        org.touch("settings")
    return save(org, "Organization", org.organization, fields)


# -- record types and processes -----------------------------------------------------------------------


def _process(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "name", "values", "default"}: which statuses a Lead or Case process has."""
    name = one_of(body, "object", tuple(record_types.PROCESSED))
    label, values = text_of(body, "name"), texts_of(body, "values")
    field = org.catalogue[name].fields[record_types.PROCESSED[name]]
    _check_values(field, values)
    chosen = text_of(body, "default", values[0] if values else "")
    if chosen not in values:
        raise refuse_order(400, f"The default {chosen!r} is not among the values of the process.")
    old = row_of(org, "BusinessProcess", body, Name=label, TableEnumOrId=name)
    record = save(org, "BusinessProcess", old, {"Name": label, "TableEnumOrId": name, "IsActive": True})
    org.config.processes[record["Id"]] = {"values": values, "default": chosen}
    return record


def _check_values(field: schema.Field, values: list[str]) -> None:
    known = {choice.value for choice in field.choices}
    unknown = [value for value in values if value not in known]
    if unknown or not values:
        problem = f"has no value {unknown[0]!r}" if unknown else "needs at least one value"
        raise refuse_order(400, f"{field.label} {problem}; it has {', '.join(sorted(known))}.")


def _record_type(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "name", "label", "active", "person", "process", "values": {field: […]}, "defaults": {field: …}}."""
    name = one_of(body, "object", record_types.TYPED)
    label = text_of(body, "label", text_of(body, "name", ""))
    developer = text_of(body, "name", api_name(label))
    old = row_of(org, "RecordType", body, SobjectType=name, DeveloperName=developer)
    fields: Body = {"Name": label or developer, "DeveloperName": developer, "SobjectType": name}
    fields["IsActive"] = bool(body.get("active", (old or {}).get("IsActive", True)))
    if body.get("person"):
        if name != "Account" or not org.config.has(config.PERSON_ACCOUNTS):
            raise refuse_order(400, "Only Accounts of an org with person accounts have person record types.")
        fields["IsPersonType"] = True
    if "process" in body:
        fields["BusinessProcessId"] = _process_named(org, name, body["process"])
    offers = {field: _offer(org, name, field, body) for field in body.get("values") or {}}
    record = save(org, "RecordType", old, fields)
    org.config.picklists.setdefault(record["Id"], {}).update(offers)
    return record


def _process_named(org: "Org", name: str, wanted: Any) -> str:
    for row in org.tables.rows("BusinessProcess").values():
        if row["TableEnumOrId"] == name and wanted in (row["Id"], row["Name"]):
            return row["Id"]
    raise refuse_order(404, f"{name} has no process {wanted!r}.")


def _offer(org: "Org", name: str, field_name: str, body: Body) -> Body:
    field = org.catalogue[name].fields.get(field_name)
    if field is None or not field.choices:
        raise refuse_order(404, f"{name} has no picklist {field_name!r}.")
    values = texts_of(body["values"], field_name)
    _check_values(field, values)
    chosen = (body.get("defaults") or {}).get(field_name, field.default if field.default in values else None)
    if chosen is not None and chosen not in values:
        raise refuse_order(400, f"The default {chosen!r} of {field.label} is not among its values.")
    return {"values": values, "default": chosen}


def _record_type_access(org: "Org", body: Body, query: Query) -> Any:
    """{"recordType", "user", "available", "default"}; without a user it holds for everybody."""
    row = org.tables.get("RecordType", str(body.get("recordType", "")))
    if row is None:
        raise refuse_order(404, f"Record type {body.get('recordType')!r} is not there; give its id.")
    who = user_named(org, body["user"])["Id"] if body.get("user") else EVERYBODY
    held = org.config.record_type_access.setdefault(who, {"hidden": [], "default": {}})
    if "available" in body:
        held["hidden"] = [i for i in held["hidden"] if i != row["Id"]] + (
            [] if body["available"] else [row["Id"]]
        )
    if "default" in body:
        held["default"][row["SobjectType"]] = row["Id"] if body["default"] else None
    org.touch("config")
    org.schema_changed()
    return held


# -- queues and rules ---------------------------------------------------------------------------------


def _queue(org: "Org", body: Body, query: Query) -> Any:
    """{"name", "objects", "email"}: a queue that holds Leads, Cases or both."""
    name, objects = text_of(body, "name"), texts_of(body, "objects")
    for one in objects:
        one_of({"objects": one}, "objects", assignment.ASSIGNED)
    old = row_of(org, "Group", body, Name=name, Type="Queue")
    fields = {"Name": name, "DeveloperName": api_name(name), "Type": "Queue", "Email": body.get("email")}
    record = save(org, "Group", old, fields)
    for row in list(org.tables.rows("QueueSobject").values()):
        if row["QueueId"] == record["Id"]:
            org.tables.remove("QueueSobject", row["Id"])
    for one in objects:
        org.insert("QueueSobject", {"QueueId": record["Id"], "SobjectType": one})
    return record


def _formula(org: "Org", name: str, text: Any) -> str:
    if not isinstance(text, str):
        raise refuse_order(400, "A formula must be a text.")
    try:
        if text.strip():
            formulas.check(text, org, org.catalogue[name])
    except ValueError as problem:
        raise refuse_order(400, str(problem)) from None
    return text


def _assignment_rule(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "name", "active", "entries": [{"when", "owner"}]}: one rule of an object is active at most."""
    name = one_of(body, "object", assignment.ASSIGNED)
    label = text_of(body, "name", "Standard")
    asked = body.get("entries") or []
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise refuse_order(400, "entries must be a list of objects with when and owner.")
    entries = [
        {"when": _formula(org, name, one.get("when", "")), "owner": owner_named(org, one.get("owner"))}
        for one in asked
    ]
    old = row_of(org, "AssignmentRule", body, Name=label, SobjectType=name)
    active = bool(body.get("active", True))
    record = save(org, "AssignmentRule", old, {"Name": label, "SobjectType": name, "Active": active})
    org.config.entries[record["Id"]] = entries
    for row in list(org.tables.rows("AssignmentRule").values()):
        if active and row["SobjectType"] == name and row["Id"] != record["Id"] and row.get("Active"):
            org.tables.put("AssignmentRule", {**row, "Active": False})
    return record


def _default_owner(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "owner"}: on whom assignment rules fall back; null is nobody, so the owner stays."""
    name = one_of(body, "object", assignment.ASSIGNED)
    if body.get("owner"):
        org.config.default_owners[name] = owner_named(org, body["owner"])
    else:
        org.config.default_owners.pop(name, None)
    org.touch("config")
    return org.config.default_owners


def _validation_rule(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "name", "formula", "message", "field", "active"}: the formula says what is wrong."""
    name, label = one_of(body, "object", _CHECKED), text_of(body, "name")
    formula, field = _formula(org, name, text_of(body, "formula")), body.get("field") or None
    if field is not None and field not in org.catalogue[name].fields:
        raise refuse_order(404, f"{name} has no field {field!r}.")
    active, message = bool(body.get("active", True)), text_of(body, "message")
    metadata = {
        "active": active, "errorConditionFormula": formula, "errorDisplayField": field, "errorMessage": message,
        "description": None, "shouldEvaluateOnClient": None, "urls": None,
    }  # fmt: skip
    old = row_of(org, "ValidationRule", body, EntityDefinitionId=name, ValidationName=label)
    return save(org, "ValidationRule", old, {
        "EntityDefinitionId": name, "ValidationName": label, "Active": active, "ErrorDisplayField": field,
        "ErrorMessage": message, "FullName": f"{name}.{label}", "Metadata": metadata,
    })  # fmt: skip


def _duplicate_rule(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "name", "label", "active", "create", "update", "message", "engine", "matching"}.

    `create` and `update` are allow, alert or block. `matching` is a list of {"object", "fields"}; without it the
    object's own e-mail is compared.
    """
    name = one_of(body, "object", ("Account", "Contact", "Lead"))
    label = text_of(body, "label", text_of(body, "name", f"Standard {name} Duplicate Rule"))
    developer = text_of(body, "name", api_name(label))
    own = "PersonEmail" if name == "Account" else "Email"
    asked = body.get("matching") or [{"object": name, "fields": [own]}]
    matching = [_matching(org, name, one) for one in asked]
    action = {
        moment: one_of(body, moment, duplicates.ACTIONS, default)
        for moment, default in (("create", duplicates.ALERT), ("update", duplicates.ALLOW))
    }
    engine = one_of(body, "engine", (duplicates.EXACT, duplicates.FUZZY), duplicates.EXACT)
    old = row_of(org, "DuplicateRule", body, DeveloperName=developer, SobjectType=name)
    record = save(org, "DuplicateRule", old, {
        "SobjectType": name, "DeveloperName": developer, "MasterLabel": label, "Language": "en_US",
        "IsActive": bool(body.get("active", True)), "SobjectSubtype": "None",
    })  # fmt: skip
    message = text_of(body, "message", duplicates.MESSAGE) or duplicates.MESSAGE
    org.config.duplicates[record["Id"]] = {
        "action": action, "message": message, "engine": engine, "matching": matching,
    }  # fmt: skip
    return record


def _matching(org: "Org", name: str, asked: Any) -> Body:
    if not isinstance(asked, dict):
        raise refuse_order(400, "matching must be a list of objects with object and fields.")
    target, fields = object_named(org, asked.get("object", name)), texts_of(asked, "fields")
    for one in fields:
        if one not in org.catalogue[target].fields or one not in org.catalogue[name].fields:
            raise refuse_order(404, f"{one!r} is not a field of both {name} and {target}.")
    if not fields:
        raise refuse_order(400, "A matching rule needs at least one field.")
    return {"object": target, "fields": fields, "rule": text_of(asked, "rule", f"{target}_Match_Rule")}


_RULES = {
    "validation-rules": "ValidationRule", "duplicate-rules": "DuplicateRule", "assignment-rules": "AssignmentRule",
    "queues": "Group", "record-types": "RecordType", "processes": "BusinessProcess",
}  # fmt: skip


def _remove(object_name: str) -> Any:
    def run(org: "Org", body: Body, query: Query) -> Any:
        row = row_of(org, object_name, {"id": body.get("id") or "?"})
        org.tables.remove(object_name, row["Id"])  # type: ignore[index]
        org.schema_changed()
        return {}

    return run


def _listed(object_name: str) -> Any:
    def run(org: "Org", body: Body, query: Query) -> Any:
        return list(org.tables.rows(object_name).values())

    return run


def _setup(org: "Org", body: Body, query: Query) -> Any:
    return attrs.asdict(org.config)


ROUTES = {
    ("POST", "features"): _features, ("GET", "features"): _features, ("POST", "organization"): _organization,
    ("POST", "processes"): _process, ("POST", "record-types"): _record_type,
    ("POST", "record-type-access"): _record_type_access, ("POST", "queues"): _queue,
    ("POST", "assignment-rules"): _assignment_rule, ("POST", "default-owner"): _default_owner,
    ("POST", "validation-rules"): _validation_rule, ("POST", "duplicate-rules"): _duplicate_rule,
    ("GET", "setup"): _setup,
    **{("DELETE", path): _remove(name) for path, name in _RULES.items()},
    **{("GET", path): _listed(name) for path, name in _RULES.items()},
}  # fmt: skip
