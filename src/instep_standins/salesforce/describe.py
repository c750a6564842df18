"""Describe answers, with the full key sets of the real ones."""

import base64
from typing import TYPE_CHECKING, Any

from . import config, record_types
from .call import Caller
from .schema import Choice, Field, SObject

if TYPE_CHECKING:
    from .org import Org

_SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address", "location": "urn:location", "time": "xsd:time",
}  # fmt: skip


def _valid_for(f: Field, choice: Choice, controller: Field | None) -> str | None:
    """Base64 of a bitmap: the bit of each controlling value, the first one highest."""
    if controller is None or choice.valid_for is None:
        return None
    known = ("false", "true") if controller.type == "boolean" else [c.value for c in controller.choices]
    bits = bytearray((len(known) + 7) // 8)
    for place, value in enumerate(known):
        if value in choice.valid_for:
            bits[place >> 3] |= 0x80 >> (place & 7)
    return base64.b64encode(bits).decode()


def field(f: Field, controller: Field | None = None) -> dict[str, Any]:
    """One field with its 57 keys; `controller` is the field that a dependent picklist depends on."""
    return {
        "aggregatable": f.aggregatable, "aiPredictionField": False, "autoNumber": f.auto_number,
        "byteLength": f.byte_length, "calculated": f.formula is not None, "calculatedFormula": f.formula,
        "cascadeDelete": False, "caseSensitive": f.case_sensitive, "compoundFieldName": f.compound,
        "controllerName": f.controller, "createable": f.createable, "custom": f.custom,
        "defaultValue": False if f.type == "boolean" else f.default, "defaultValueFormula": None,
        "defaultedOnCreate": f.defaulted, "dependentPicklist": f.controller is not None,
        "deprecatedAndHidden": False, "digits": f.digits,
        "displayLocationInDecimal": False, "encrypted": f.encrypted, "externalId": f.external_id,
        "extraTypeInfo": f.extra_type, "filterable": f.filterable, "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False, "groupable": f.groupable, "highScaleNumber": False,
        "htmlFormatted": False, "idLookup": f.id_lookup or f.external_id, "inlineHelpText": f.help_text,
        "label": f.label, "length": f.length, "mask": None, "maskType": None, "name": f.name,
        "nameField": f.name_field, "namePointing": f.polymorphic, "nillable": f.nillable,
        "permissionable": f.permissionable,
        "picklistValues": [
            {
                "active": c.active, "defaultValue": c.default, "label": c.label,
                "validFor": _valid_for(f, c, controller), "value": c.value,
            } for c in f.choices
        ],
        "polymorphicForeignKey": f.polymorphic, "precision": f.precision,
        "queryByDistance": f.type in ("address", "location"),
        "referenceTargetField": None, "referenceTo": list(f.targets), "relationshipName": f.relationship,
        "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": f.restricted, "scale": f.scale,
        "searchPrefilterable": f.prefilterable, "soapType": _SOAP_TYPES.get(f.type, "xsd:string"),
        "sortable": f.sortable, "type": f.type, "unique": f.unique, "updateable": f.updateable,
        "writeRequiresMasterRead": False,
    }  # fmt: skip


def _children(org: "Org", name: str) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": False, "childSObject": child.name, "deprecatedAndHidden": False, "field": f.name,
            "junctionIdListNames": _junctions(org, name, child.name, f.name), "junctionReferenceTo": [],
            "relationshipName": None, "restrictedDelete": False,
        }
        for child in org.catalogue.values()
        for f in child.fields.values()
        if name in f.targets
    ]  # fmt: skip


def _junctions(org: "Org", parent: str, child: str, field_name: str) -> list[str]:
    shared = org.config.has(config.SHARED_ACTIVITIES)
    return (
        ["EventWhoIds"]
        if shared and (parent, child, field_name) == ("Event", "EventRelation", "EventId")
        else []
    )


def _short(base: str, obj: SObject) -> dict[str, Any]:
    """What the global describe says about an object."""
    own, rights = obj.writable, obj.rights
    url = f"{base}/sobjects/{obj.name}"
    return {
        "activateable": False, "associateEntityType": None, "associateParentEntity": None,
        "createable": own and "create" in rights,
        "custom": False, "customSetting": False, "deepCloneable": False, "deletable": own and "delete" in rights,
        "deprecatedAndHidden": False, "feedEnabled": "feedEnabled" in obj.flags, "hasSubtypes": False,
        "isInterface": False, "isSubtype": False, "keyPrefix": obj.prefix, "label": obj.label,
        "labelPlural": obj.plural, "layoutable": own, "mergeable": "mergeable" in obj.flags, "mruEnabled": own,
        "name": obj.name, "queryable": True, "replicateable": True, "retrieveable": True, "searchable": own,
        "triggerable": own, "undeletable": own, "updateable": own and "noupdate" not in obj.flags and "edit" in rights,
        "urls": {"rowTemplate": url + "/{ID}", "describe": url + "/describe", "sobject": url},
    }  # fmt: skip


def everything(caller: Caller) -> dict[str, Any]:
    """GET /sobjects."""
    objects = [
        _short(caller.base, caller.view(name)) for name in sorted(caller.org.catalogue) if caller.sees(name)
    ]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def one(caller: Caller, obj: SObject) -> dict[str, Any]:
    """GET /sobjects/X/describe, without the fields that the caller may not see."""
    url = f"{caller.base}/sobjects/{obj.name}"
    short = _short(caller.base, obj)
    urls = {
        **short["urls"], "layouts": url + "/describe/layouts", "compactLayouts": url + "/describe/compactLayouts",
        "approvalLayouts": url + "/describe/approvalLayouts", "quickActions": url + "/quickActions",
        "listviews": url + "/listviews", "uiDetailTemplate": "/{ID}", "uiEditTemplate": "/{ID}/e",
        "uiNewRecord": f"/{obj.prefix}/e",
    }  # fmt: skip
    body = {
        **short, "actionOverrides": [], "childRelationships": _children(caller.org, obj.name),
        "compactLayoutable": obj.writable, "defaultImplementation": None, "extendedBy": None, "extendsInterfaces": None,
        "fields": [field(f, obj.fields.get(f.controller or "")) for f in obj.fields.values()],
        "implementedBy": None, "implementsInterfaces": None,
        "listviewable": None, "lookupLayoutable": None, "namedLayoutInfos": [], "networkScopeFieldName": None,
        "recordTypeInfos": record_types.infos(caller, obj, url), "searchLayoutable": obj.writable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {obj.plural.lower()}", "name": "everything"}], "urls": urls,
    }  # fmt: skip
    return dict(sorted(body.items()))
