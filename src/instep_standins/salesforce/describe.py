"""Describe answers, with the full key sets of the real ones."""

from typing import TYPE_CHECKING, Any

from .call import Caller
from .schema import Field, SObject

if TYPE_CHECKING:
    from .org import Org

MASTER_RECORD_TYPE = "012000000000000AAA"
_SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address",
}  # fmt: skip


def field(f: Field) -> dict[str, Any]:
    """One field with its 57 keys."""
    return {
        "aggregatable": f.aggregatable, "aiPredictionField": False, "autoNumber": f.auto_number,
        "byteLength": f.byte_length, "calculated": False, "calculatedFormula": None,
        "cascadeDelete": False, "caseSensitive": f.case_sensitive, "compoundFieldName": f.compound,
        "controllerName": None, "createable": f.createable, "custom": f.custom,
        "defaultValue": False if f.type == "boolean" else f.default, "defaultValueFormula": None,
        "defaultedOnCreate": f.defaulted, "dependentPicklist": False, "deprecatedAndHidden": False, "digits": f.digits,
        "displayLocationInDecimal": False, "encrypted": False, "externalId": f.external_id,
        "extraTypeInfo": f.extra_type, "filterable": f.filterable, "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False, "groupable": f.groupable, "highScaleNumber": False,
        "htmlFormatted": False, "idLookup": f.id_lookup or f.external_id, "inlineHelpText": f.help_text,
        "label": f.label, "length": f.length, "mask": None, "maskType": None, "name": f.name,
        "nameField": f.name_field, "namePointing": f.polymorphic, "nillable": f.nillable,
        "permissionable": f.permissionable,
        "picklistValues": [
            {"active": True, "defaultValue": c.default, "label": c.label, "validFor": None, "value": c.value}
            for c in f.choices
        ],
        "polymorphicForeignKey": f.polymorphic, "precision": f.precision, "queryByDistance": f.type == "address",
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
            "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": None, "restrictedDelete": False,
        }
        for child in org.catalogue.values()
        for f in child.fields.values()
        if name in f.targets
    ]  # fmt: skip


def _short(base: str, obj: SObject) -> dict[str, Any]:
    """What the global describe says about an object."""
    own = obj.writable
    url = f"{base}/sobjects/{obj.name}"
    return {
        "activateable": False, "associateEntityType": None, "associateParentEntity": None, "createable": own,
        "custom": False, "customSetting": False, "deepCloneable": False, "deletable": own,
        "deprecatedAndHidden": False, "feedEnabled": "feedEnabled" in obj.flags, "hasSubtypes": False,
        "isInterface": False, "isSubtype": False, "keyPrefix": obj.prefix, "label": obj.label,
        "labelPlural": obj.plural, "layoutable": own, "mergeable": "mergeable" in obj.flags, "mruEnabled": own,
        "name": obj.name, "queryable": True, "replicateable": True, "retrieveable": True, "searchable": own,
        "triggerable": own, "undeletable": own, "updateable": own and "noupdate" not in obj.flags,
        "urls": {"rowTemplate": url + "/{ID}", "describe": url + "/describe", "sobject": url},
    }  # fmt: skip


def everything(caller: Caller) -> dict[str, Any]:
    """GET /sobjects."""
    objects = [_short(caller.base, caller.view(name)) for name in sorted(caller.org.catalogue)]
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
    layout = {"layout": f"{url}/describe/layouts/{MASTER_RECORD_TYPE}"}
    master = {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": MASTER_RECORD_TYPE, "urls": layout,
    }  # fmt: skip
    body = {
        **short, "actionOverrides": [], "childRelationships": _children(caller.org, obj.name),
        "compactLayoutable": obj.writable, "defaultImplementation": None, "extendedBy": None, "extendsInterfaces": None,
        "fields": [field(f) for f in obj.fields.values()], "implementedBy": None, "implementsInterfaces": None,
        "listviewable": None, "lookupLayoutable": None, "namedLayoutInfos": [], "networkScopeFieldName": None,
        "recordTypeInfos": [master], "searchLayoutable": obj.writable, "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {obj.plural.lower()}", "name": "everything"}], "urls": urls,
    }  # fmt: skip
    return dict(sorted(body.items()))
