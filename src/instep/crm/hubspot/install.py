"""The connector's properties in the portal: made where they are missing, in a group of their own; safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instep.core.errors import NeedsAdmin, Scope
from instep.core.refusal import NO_RIGHT
from instep.crm.hubspot import names
from instep.crm.hubspot.client import Answer, HubSpotClient
from instep.crm.hubspot.describe import describe, schema_of
from instep.crm.hubspot.errors import EXISTS, error_of
from instep.crm.new_field import NewField

#: what the installation makes
CREATES = tuple(
    NewField(
        name,
        field,
        names.LABELS[field],
        field in (names.EVENT_STATUS, names.REASON),
        unique=field in names.UNIQUE,
    )
    for name, ours in names.OUR_FIELDS.items()
    for field in ours
)
_DESCRIPTIONS = {
    names.BOOKING_ID: "The booking's id in the source it came from.",
    names.EVENT_STATUS: "How the booking stands, as Instep last wrote it.",
    names.REASON: "Why the booking was last moved or called off.",
    names.CONTACT_ID: "Instep's id of this person, set when Instep made the record.",
}
_RIGHTS_CURE = (
    "Grant them to the token or app and install again, or let an administrator make the properties by hand: "
    "Settings → Properties."
)


def install(client: HubSpotClient) -> dict[str, Any]:
    """Make the group and the properties that are missing, and look at what is there then.

    Returns {"fields": {"Meeting.x": bool}, "unique": {"Meeting.x": bool}, "permission_set": None, "assigned": None,
    "created": [...], "complete": bool}. Raises NeedsAdmin naming what is lacking and the cure.
    """
    there = describe(client, names.OUR_FIELDS)
    created: list[str] = []
    for object_name, ours in names.OUR_FIELDS.items():
        schema = schema_of(there[object_name]) if object_name in there else None
        missing = [name for name in ours if schema is None or name not in schema.fields]
        if missing:
            _make_group(client, object_name)
        created += [f"{object_name}.{name}" for name in missing if _make(client, object_name, name)]
    report = seen(client)
    return {**report, "created": created, "complete": _is_complete(report)}


def _is_complete(report: Mapping[str, Any]) -> bool:
    """Whether all of our properties are known to be there."""
    return len(report["fields"]) == len(CREATES) and all(report["fields"].values())


def _make_group(client: HubSpotClient, object_name: str) -> None:
    _post(client, f"{_path(object_name)}/groups", {"name": names.GROUP, "label": names.GROUP_LABEL})


def _make(client: HubSpotClient, object_name: str, name: str) -> bool:
    """Make one property. A portal that takes no unique values there gets it plain."""
    body = _definition(name)
    answer = _post(client, _path(object_name), body)
    if answer.status == 400 and body.get("hasUniqueValue"):
        answer = _post(client, _path(object_name), {**body, "hasUniqueValue": False})
    if answer.status not in (200, 201, 409):
        said = error_of(answer.body, status=answer.status, request_id=answer.request_id)
        raise NeedsAdmin(
            f"HubSpot did not make the property {name} of {object_name}: {said.message}",
            code=said.code,
            cure=_RIGHTS_CURE,
            scope=Scope.CONNECTION,
            request_id=answer.request_id,
        )
    return answer.status != 409


def _post(client: HubSpotClient, path: str, body: Mapping[str, Any]) -> Answer:
    try:
        answer = client.request("POST", path, json=body, purpose="install", changes=True, refusals=True)
    except NeedsAdmin as error:
        if error.code != NO_RIGHT:
            raise
        scopes = ", ".join((*names.INSTALL_SCOPES, *names.OPTIONAL_SCOPES))
        raise NeedsAdmin(
            f"Instep's properties could not be made: {error.message} They take the scopes {scopes}.",
            code=error.code,
            cure=_RIGHTS_CURE,
            scope=Scope.CONNECTION,
            request_id=error.request_id,
        ) from error
    if answer.status == 409 and isinstance(answer.body, Mapping) and answer.body.get("category") != EXISTS:
        raise error_of(answer.body, status=answer.status, request_id=answer.request_id)
    return answer


def _path(object_name: str) -> str:
    return f"/crm/properties/{{V}}/{names.PATHS[object_name]}"


def _definition(name: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "label": names.LABELS[name],
        "groupName": names.GROUP,
        "description": _DESCRIPTIONS[name],
        "type": "string",
        "fieldType": "text",
        "formField": False,
    }
    if name in names.UNIQUE:
        return {**body, "hasUniqueValue": True}
    if name == names.REASON:
        return {**body, "fieldType": "textarea"}
    if name == names.EVENT_STATUS:
        options = [
            {"value": text, "label": text, "displayOrder": place, "hidden": False}
            for place, text in enumerate(names.STATUS_TEXTS)
        ]
        return {**body, "type": "enumeration", "fieldType": "select", "options": options}
    return body


def seen(client: HubSpotClient) -> dict[str, Any]:
    """Which of our properties are there and take values, and which of them no two records can share.

    Nothing of an object whose properties the token may not see.
    """
    documents = describe(client, names.OUR_FIELDS)
    fields: dict[str, bool] = {}
    unique: dict[str, bool] = {}
    for object_name, ours in names.OUR_FIELDS.items():
        if object_name not in documents:
            continue  # may not be seen: whether they are there is not known
        schema = schema_of(documents[object_name])
        for name in ours:
            found = schema.get(name)
            fields[f"{object_name}.{name}"] = bool(found and found.createable)
            if name in names.UNIQUE:
                unique[f"{object_name}.{name}"] = bool(found and found.unique)
    return {"fields": fields, "unique": unique, "permission_set": None, "assigned": None}


def preflight(client: HubSpotClient, scopes: frozenset[str] | None) -> dict[str, Any]:
    """What the token lacks, without changing anything; `scopes` is None where HubSpot does not tell them.

    Returns what `seen` does, {"objects": {name: [missing rights]}, "scopes": [missing scopes],
    "granted": all scopes or None where HubSpot does not tell them, "user": {}, "complete": bool}.
    """
    report = seen(client)
    missing = [scope for scope in names.SCOPES if scopes is not None and scope not in scopes]
    objects: dict[str, list[str]] = {name: [] for name in names.PATHS}
    for scope in missing:
        for name, right in names.SCOPES[scope]:
            objects.setdefault(name, []).append(right)
    complete = _is_complete(report) and not missing
    granted = sorted(scopes) if scopes is not None else None
    return {
        **report,
        "objects": objects,
        "scopes": missing,
        "granted": granted,
        "user": {},
        "complete": complete,
    }
