"""The part of the UI API that no other resource replaces: picklist values by record type."""

import zlib
from typing import Any

from ..routing import Answer
from . import record_types
from .call import Caller
from .errors import not_found, refuse
from .schema import Choice, Field, SObject

_PICKLISTS = frozenset({"picklist", "multipicklist", "combobox"})
# What the values of two fields say beyond their label.
_ATTRIBUTES = {("Lead", "Status"): ("LeadStatus", "converted"), ("Case", "Status"): ("CaseStatus", "closed")}


def route(caller: Caller, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
    """GET /ui-api/object-info/X/picklist-values/<record type>[/<field>]."""
    if len(parts) not in (4, 5) or parts[0] != "object-info" or parts[2] != "picklist-values":
        raise not_found()
    if method != "GET":
        raise refuse(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are GET")
    obj = caller.view(parts[1])
    record_type = _record_type(caller, obj, parts[3])
    base = f"{caller.base}/ui-api/object-info/{obj.name}/picklist-values/{record_type}"
    if len(parts) == 5:
        field = obj.by_lower.get(parts[4].lower())
        if field is None or field.type not in _PICKLISTS:
            raise not_found()
        return Answer(200, _values(caller, obj, field, record_type, base))
    values = {
        field.name: _values(caller, obj, field, record_type, base)
        for field in obj.fields.values()
        if field.type in _PICKLISTS
    }
    return Answer(200, {"eTag": _tag(values), "picklistFieldValues": values})


def _record_type(caller: Caller, obj: SObject, text: str) -> str:
    known = {record_types.MASTER[:15]: record_types.MASTER}
    known |= {row["Id"][:15]: row["Id"] for row in record_types.of(caller.org, obj.name)}
    if text[:15] not in known:
        raise not_found()
    return known[text[:15]]


def _tag(body: Any) -> str:
    return f"{zlib.crc32(repr(body).encode()):032x}"


def _values(caller: Caller, obj: SObject, field: Field, record_type: str, base: str) -> dict[str, Any]:
    offered = record_types.choices(caller.org, obj, field, record_type)
    controller = obj.fields.get(field.controller or "")
    places = {c.value: i for i, c in enumerate(controller.choices)} if controller else {}
    if controller is not None and controller.type == "boolean":
        places = {"false": 0, "true": 1}
    shown = [_value(obj, field, choice, places) for choice in offered]
    chosen = next((told for told, choice in zip(shown, offered, strict=True) if choice.default), None)
    body = {
        "controllerValues": places,
        "defaultValue": chosen,
        "url": f"{base}/{field.name}",
        "values": shown,
    }
    return {"eTag": _tag(body), **body}


def _value(obj: SObject, field: Field, choice: Choice, places: dict[str, int]) -> dict[str, Any]:
    kind = _ATTRIBUTES.get((obj.name, field.name))
    attributes = None
    if kind:
        # The misspelling is the real one's.
        attributes = {"picklistAtributesValueType": kind[0], kind[1]: ends(obj.name, choice.value)}
    valid = [places[value] for value in choice.valid_for or () if value in places]
    return {"attributes": attributes, "label": choice.label, "validFor": valid, "value": choice.value}


def ends(name: str, status: str) -> bool:
    """Whether a status says that a Lead is converted or a Case closed."""
    return status == "Closed - Converted" if name == "Lead" else status.startswith("Closed")
