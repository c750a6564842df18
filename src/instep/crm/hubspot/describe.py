"""HubSpot's properties as fields, and what it keeps elsewhere (a whole name, associations) as fields of our own.

There is no "required" flag on a property: what a portal requires is learned from its refusals (reference 2.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from instep.core.crm_schema import Field, ObjectSchema, PicklistValue
from instep.core.errors import NeedsAdmin
from instep.core.refusal import NO_RIGHT
from instep.crm.hubspot import names
from instep.crm.hubspot.client import HubSpotClient

Document = Mapping[str, Any]

_KEYS = (
    "name",
    "label",
    "type",
    "fieldType",
    "hasUniqueValue",
    "hidden",
    "calculated",
    "externalOptions",
    "referencedObjectType",
)
#: type of a property, or (type, fieldType) -> our name of it; the others cannot be filled by a mapping
_TYPES: Mapping[str, str] = {
    "string": "string",
    "number": "double",
    "date": "date",
    "datetime": "datetime",
    "bool": "boolean",
    "phone_number": "phone",
    "enumeration": "picklist",
}
_FIELD_TYPES: Mapping[tuple[str, str], str] = {
    ("string", "textarea"): "textarea",
    ("string", "html"): "textarea",
    ("string", "phonenumber"): "phone",
    ("string", "file"): "file",
    ("enumeration", "checkbox"): "multipicklist",
    ("enumeration", "booleancheckbox"): "boolean",
}
_HTML = "html"
_OWNER = "OWNER"
#: characters of a text (reference 2.5)
_LONGEST = 65536


def describe(client: HubSpotClient, objects: Iterable[str]) -> dict[str, Document]:
    """Describe documents by object; those that the connected user may not see are left out."""
    found: dict[str, Document] = {}
    for name in objects:
        try:
            answer = client.request("GET", f"/crm/properties/{{V}}/{names.PATHS[name]}", purpose="describe")
        except NeedsAdmin as error:
            if error.code != NO_RIGHT:
                raise
            continue
        found[name] = {"schema": {"name": name, "properties": [_compact(p) for p in answer.rows()]}}
    return found


def _compact(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a property worth keeping."""
    kept = {key: body[key] for key in _KEYS if body.get(key)}
    metadata = body.get("modificationMetadata") or {}
    if metadata.get("readOnlyValue"):
        kept["readOnly"] = True
    if not body.get("hubspotDefined"):
        kept["custom"] = True
    if options := body.get("options"):
        kept["options"] = [
            {"value": o.get("value"), "label": o.get("label"), "hidden": bool(o.get("hidden"))}
            for o in sorted(options, key=lambda o: int(o.get("displayOrder") or 0))
        ]
    return kept


def schema_of(document: Document) -> ObjectSchema:
    """A kept document as values."""
    body = document["schema"]
    name = str(body["name"])
    fields = {f["name"]: _field(f, name) for f in body.get("properties") or ()}
    return ObjectSchema(name=name, label=name, fields={**fields, **_kept_elsewhere(name)})


def _kept_elsewhere(object_name: str) -> dict[str, Field]:
    if object_name == names.CONTACT:
        return {
            names.WHOLE_NAME: Field(names.WHOLE_NAME, "Name", "string", calculated=True, filterable=False)
        }
    person = Field(names.PERSON, "Contact", "reference", filterable=False, reference_to=(names.CONTACT,))
    people = Field(names.PEOPLE, "Contacts", "reference list", filterable=False)
    return {field.name: field for field in (person, people)}


def _field(body: Mapping[str, Any], object_name: str) -> Field:
    name, kind = str(body["name"]), _kind(body)
    closed = bool(body.get("readOnly") or body.get("calculated") or body.get("hidden"))
    return Field(
        name=name,
        label=str(body.get("label") or name),
        type=kind,
        length=_LONGEST if kind in ("string", "textarea") else 0,
        createable=not closed,
        updateable=not closed,
        calculated=bool(body.get("calculated")),
        restricted=bool(body.get("options")),
        # HubSpot looks records up by e-mail, by phone, and by what is unique
        filterable=bool(body.get("hasUniqueValue")) or name in (names.EMAIL, *names.PHONES),
        external_id=bool(body.get("hasUniqueValue")),
        unique=bool(body.get("hasUniqueValue")),
        html=body.get("fieldType") == _HTML,
        picklist=tuple(
            PicklistValue(str(o.get("value") or ""), str(o.get("label") or ""), active=not o.get("hidden"))
            for o in body.get("options") or ()
        ),
        reserved=name in names.RESERVED.get(object_name, ()),
        forward=name == names.LIFECYCLE,
        custom=bool(body.get("custom")),
    )


def _kind(body: Mapping[str, Any]) -> str:
    kind, shown = str(body.get("type") or "string"), str(body.get("fieldType") or "")
    if body.get("name") == names.EMAIL:
        return "email"
    if body.get("externalOptions") or body.get("referencedObjectType") == _OWNER:
        return "reference"
    return _FIELD_TYPES.get((kind, shown)) or _TYPES.get(kind, kind)
