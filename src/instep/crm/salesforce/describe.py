"""Describes: which fields an object has for the connected user, kept small and revalidated.

A kept document is {"schema": {...}, "last_modified": str}, plain JSON; of the 100 kB that Salesforce
sends only what mapping and planning need is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from instep.core.crm_schema import Field, ObjectSchema, PicklistValue, RecordType
from instep.core.errors import InstepError, NeedsAdmin, Scope
from instep.crm.salesforce.client import SalesforceClient

_OBJECT_KEYS = ("name", "label", "createable", "updateable", "queryable")
_FIELD_KEYS = (
    "name",
    "label",
    "type",
    "length",
    "nillable",
    "createable",
    "updateable",
    "defaultedOnCreate",
    "calculated",
    "restrictedPicklist",
    "filterable",
    "externalId",
    "unique",
    "htmlFormatted",
    "extraTypeInfo",
    "precision",
    "scale",
    "digits",
    "referenceTo",
    "relationshipName",
)
_PICKLIST_KEYS = ("value", "label", "active", "defaultValue")
_RECORD_TYPE_KEYS = (
    "recordTypeId",
    "name",
    "developerName",
    "active",
    "available",
    "defaultRecordTypeMapping",
    "master",
)
#: `extraTypeInfo` of a Rich Text Area.
_RICH_TEXT = "richtextarea"

Document = Mapping[str, Any]


def describe(
    client: SalesforceClient, objects: Sequence[str], known: Mapping[str, Document] | None = None
) -> dict[str, Document]:
    """Describe documents by object; unchanged ones come back from `known` as they are.

    An object that the connected user cannot see is left out: for that user it does not exist.
    """
    documents: dict[str, Document] = {}
    for name in objects:
        kept = (known or {}).get(name)
        headers = {"If-Modified-Since": kept["last_modified"]} if kept and kept.get("last_modified") else {}
        try:
            answer = client.request(
                "GET", f"/sobjects/{name}/describe", headers=headers, purpose=f"describe {name}"
            )
        except InstepError as error:
            if error.code in ("NOT_FOUND", "INVALID_TYPE"):
                continue
            raise
        if answer.status == 304 and kept:
            documents[name] = kept
        elif isinstance(answer.body, dict):
            documents[name] = {
                "schema": compact(answer.body),
                "last_modified": answer.headers.get("last-modified", ""),
            }
        else:
            raise NeedsAdmin(
                f"Salesforce's description of {name} cannot be read.",
                code="bad_describe",
                cure="Check that the connection's address is that of a Salesforce org.",
                scope=Scope.CONNECTION,
            )
    return documents


def compact(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a describe body worth keeping."""
    return {
        **{key: body.get(key) for key in _OBJECT_KEYS},
        "fields": [_compact_field(f) for f in body.get("fields") or ()],
        "recordTypeInfos": [
            {key: info.get(key) for key in _RECORD_TYPE_KEYS} for info in body.get("recordTypeInfos") or ()
        ],
    }


def _compact_field(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: body.get(key) for key in _FIELD_KEYS}
    values = body.get("picklistValues") or ()
    if values:
        kept["picklistValues"] = [{key: v.get(key) for key in _PICKLIST_KEYS} for v in values]
    return kept


def schema_of(document: Document) -> ObjectSchema:
    """A kept document as values; the raw describe types stay as Salesforce names them."""
    body = document["schema"]
    fields = (_field(f) for f in body.get("fields") or ())
    return ObjectSchema(
        name=body["name"],
        label=body.get("label") or body["name"],
        fields={f.name: f for f in fields},
        createable=bool(body.get("createable", True)),
        updateable=bool(body.get("updateable", True)),
        queryable=bool(body.get("queryable", True)),
        record_types=tuple(_record_type(info) for info in body.get("recordTypeInfos") or ()),
    )


def _record_type(info: Mapping[str, Any]) -> RecordType:
    return RecordType(
        id=str(info.get("recordTypeId") or ""),
        name=str(info.get("name") or ""),
        developer_name=str(info.get("developerName") or ""),
        available=bool(info.get("active", True)) and bool(info.get("available", True)),
        default=bool(info.get("defaultRecordTypeMapping")),
        master=bool(info.get("master")),
    )


def _field(body: Mapping[str, Any]) -> Field:
    return Field(
        name=body["name"],
        label=body.get("label") or body["name"],
        type=body.get("type") or "string",
        length=int(body.get("length") or 0),
        nillable=bool(body.get("nillable", True)),
        createable=bool(body.get("createable", True)),
        updateable=bool(body.get("updateable", True)),
        defaulted_on_create=bool(body.get("defaultedOnCreate")),
        calculated=bool(body.get("calculated")),
        restricted=bool(body.get("restrictedPicklist")),
        filterable=bool(body.get("filterable", True)),
        external_id=bool(body.get("externalId")),
        unique=bool(body.get("unique")),
        html=bool(body.get("htmlFormatted")) or body.get("extraTypeInfo") == _RICH_TEXT,
        precision=int(body.get("precision") or 0),
        scale=int(body.get("scale") or 0),
        digits=int(body.get("digits") or 0),
        reference_to=tuple(body.get("referenceTo") or ()),
        relationship=body.get("relationshipName") or "",
        picklist=tuple(
            PicklistValue(
                value=str(v.get("value") or ""),
                label=str(v.get("label") or v.get("value") or ""),
                active=bool(v.get("active", True)),
                default=bool(v.get("defaultValue")),
            )
            for v in body.get("picklistValues") or ()
        ),
    )
