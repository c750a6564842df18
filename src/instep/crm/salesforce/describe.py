"""Describes: which fields an object has for the connected user, kept small and revalidated.

A kept document is {"schema": {...}, "last_modified": str}, plain JSON; of the 100 kB that Salesforce
sends only what mapping and planning need is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from instep.core.crm_schema import Field, ObjectSchema, PicklistValue, RecordType
from instep.core.errors import InstepError, NeedsAdmin, Retry, Scope, Wait
from instep.core.picklists import valid_for
from instep.crm.salesforce.client import SalesforceClient
from instep.crm.salesforce.names import ACCOUNT, EVENT, RESERVED, RESERVED_BEGIN
from instep.crm.salesforce.observe import ask
from instep.crm.salesforce.soql import Statement

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
    "controllerName",
    "compoundFieldName",
)
_PICKLIST_KEYS = ("value", "label", "active", "defaultValue", "validFor")
_RECORD_TYPE_KEYS = (
    "recordTypeId",
    "name",
    "developerName",
    "active",
    "available",
    "defaultRecordTypeMapping",
    "master",
)
#: What people call the lists of ids, which a describe gives no label.
_LIST_LABELS = {"EventWhoIds": "Name (several people)"}
#: `extraTypeInfo` of a Rich Text Area.
_RICH_TEXT = "richtextarea"
#: How the two parts of a geolocation end, and which half each is.
_AXES = {"__Latitude__s": "latitude", "__Longitude__s": "longitude"}
#: How fields that the org made itself end; those of a person account's contact have an ending of their own.
_CUSTOM = ("__c", "__pc")
#: Where lists of states and countries are switched on, a text `MailingState` has a list `MailingStateCode`
#: beside it, and takes nothing but the labels of that list; states follow the country.
_CODED = ("State", "Country")
_CODE = "Code"
#: Picklist values by record type are asked for one record type at a time; an org with more is rare.
_MOST_RECORD_TYPES = 12

#: Which record types of Accounts make person accounts: no describe says it (Salesforce 2.3).
_PERSON_TYPES = Statement(
    "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true LIMIT 200", "RecordType"
)
#: The field of Accounts that only an org with person accounts has.
_PERSON_FLAG = "IsPersonAccount"

#: Our name for the type of lists of ids.
ID_LIST = "junctionidlist"

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
                "schema": {
                    **compact(answer.body),
                    **_of_record_types(client, answer.body),
                    **_of_people(client, answer.body),
                },
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


def _of_record_types(client: SalesforceClient, body: Mapping[str, Any]) -> dict[str, Any]:
    """Each picklist's values, and its default, by record type that the connected user may use: {} where none is.

    The describe knows the union only (Salesforce 2.3). A refusal leaves it at that.
    """
    name = body.get("name")
    if not body.get("createable"):
        return {}
    usable = [
        str(info.get("recordTypeId"))
        for info in body.get("recordTypeInfos") or ()
        if info.get("active") and info.get("available") and not info.get("master")
    ]
    choices: dict[str, dict[str, list[str]]] = {}
    defaults: dict[str, dict[str, str]] = {}
    for record_type in usable[:_MOST_RECORD_TYPES]:
        try:
            answer = client.request(
                "GET",
                f"/ui-api/object-info/{name}/picklist-values/{record_type}",
                purpose=f"picklist values of {name} by record type",
            )
        except InstepError as error:
            if error.scope is Scope.CONNECTION or isinstance(error, Retry | Wait):
                raise
            return {}  # not every object is known to this part of the API
        lists = (answer.body.get("picklistFieldValues") if isinstance(answer.body, dict) else None) or {}
        choices[record_type] = {
            field: [str(one.get("value")) for one in told.get("values") or ()]
            for field, told in lists.items()
        }
        defaults[record_type] = {
            field: str(told["defaultValue"]["value"])
            for field, told in lists.items()
            if told.get("defaultValue")
        }
    return {"choices": choices, "typeDefaults": defaults}


def _of_people(client: SalesforceClient, body: Mapping[str, Any]) -> dict[str, Any]:
    """The ids of the record types whose records are people: {} where the org has none or does not tell."""
    if body.get("name") != ACCOUNT or all(f.get("name") != _PERSON_FLAG for f in body.get("fields") or ()):
        return {}
    try:
        (rows,) = ask(client, (_PERSON_TYPES,), "record types of person accounts")
    except InstepError as error:
        if error.scope is Scope.CONNECTION or isinstance(error, Retry | Wait):
            raise
        return {}
    return {"personTypes": [str(row.get("Id")) for row in rows]}


def compact(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a describe body worth keeping."""
    return {
        **{key: body.get(key) for key in _OBJECT_KEYS},
        "fields": [_compact_field(f) for f in body.get("fields") or ()],
        "recordTypeInfos": [
            {key: info.get(key) for key in _RECORD_TYPE_KEYS} for info in body.get("recordTypeInfos") or ()
        ],
        "idLists": sorted(
            name
            for child in body.get("childRelationships") or ()
            for name in child.get("junctionIdListNames") or ()
        ),
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
    fields = {f["name"]: _field(f, str(body["name"])) for f in body.get("fields") or ()}
    # lists of ids (EventWhoIds) are written like fields, and described among the child relationships
    fields |= {
        name: Field(name, _LIST_LABELS.get(name, name), ID_LIST, filterable=False)
        for name in body.get("idLists") or ()
    }
    return ObjectSchema(
        name=body["name"],
        label=body.get("label") or body["name"],
        fields={name: _coded(one, fields) for name, one in fields.items()},
        createable=bool(body.get("createable", True)),
        updateable=bool(body.get("updateable", True)),
        queryable=bool(body.get("queryable", True)),
        record_types=tuple(
            _record_type(info, body.get("personTypes")) for info in body.get("recordTypeInfos") or ()
        ),
        choices={
            record_type: {name: frozenset(values) for name, values in lists.items()}
            for record_type, lists in (body.get("choices") or {}).items()
        },
        type_defaults=body.get("typeDefaults") or {},
    )


def _record_type(info: Mapping[str, Any], people: Sequence[str] | None) -> RecordType:
    return RecordType(
        id=str(info.get("recordTypeId") or ""),
        name=str(info.get("name") or ""),
        developer_name=str(info.get("developerName") or ""),
        available=bool(info.get("active", True)) and bool(info.get("available", True)),
        default=bool(info.get("defaultRecordTypeMapping")),
        master=bool(info.get("master")),
        person=None if people is None else info.get("recordTypeId") in people,
    )


def _coded(one: Field, fields: Mapping[str, Field]) -> Field:
    """A text of a state or a country with the labels that it takes, where the org has lists of them."""
    codes = fields.get(one.name + _CODE)
    if one.type != "string" or codes is None or not codes.picklist or not one.name.endswith(_CODED):
        return one
    labels = tuple(evolve(option, value=option.label, label=option.value) for option in codes.picklist)
    return evolve(one, picklist=labels, restricted=True, controller=codes.controller.removesuffix(_CODE))


def _label(body: Mapping[str, Any]) -> str:
    """A field's label as people meet it: a describe calls the look-up “Related To” “Related To ID”, no page does."""
    label = str(body.get("label") or body["name"])
    standard_lookup = body.get("type") == "reference" and not str(body["name"]).endswith(_CUSTOM)
    return label.removesuffix(" ID") if standard_lookup else label


def _field(body: Mapping[str, Any], object_name: str) -> Field:
    return Field(
        name=body["name"],
        label=_label(body),
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
                valid_for=valid_for(v.get("validFor")),
            )
            for v in body.get("picklistValues") or ()
        ),
        controller=str(body.get("controllerName") or ""),
        compound=str(body.get("compoundFieldName") or ""),
        reserved=body["name"] in RESERVED.get(object_name, ())
        or (object_name == EVENT and str(body["name"]).startswith(RESERVED_BEGIN)),
        custom=str(body["name"]).endswith(_CUSTOM),
        axis=next((axis for end, axis in _AXES.items() if str(body["name"]).endswith(end)), ""),
    )
