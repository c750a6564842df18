"""Objects whose rows are not stored: they are read off the schema, the permissions, the picklists."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from . import ids
from .call import Caller
from .schema import Field
from .tables import Record
from .ui_api import ends

_DATA_TYPES = {
    "id": "Lookup()", "reference": "Lookup", "boolean": "Checkbox", "double": "Number", "int": "Number",
    "currency": "Currency", "percent": "Percent", "date": "Date", "datetime": "Date/Time", "email": "Email",
    "phone": "Phone", "url": "URL", "picklist": "Picklist", "multipicklist": "Picklist (Multi-Select)",
    "combobox": "Picklist", "address": "Address", "location": "Geolocation", "time": "Time",
    "encryptedstring": "Text (Encrypted)",
}  # fmt: skip


def _user_permissions(caller: Caller) -> Iterator[Record]:
    yield caller.org.permissions(caller.user_id)


def _statuses(name: str, flag: str, prefix: str) -> Callable[[Caller], Iterator[Record]]:
    def rows(caller: Caller) -> Iterator[Record]:
        choices = [choice for choice in caller.org.catalogue[name].fields["Status"].choices if choice.active]
        for number, choice in enumerate(choices, 1):
            yield {
                "Id": ids.mint(prefix, number), "MasterLabel": choice.label, "ApiName": choice.value,
                "SortOrder": number, "IsDefault": choice.default, flag: ends(name, choice.value),
            }  # fmt: skip

    return rows


def _objects(caller: Caller) -> list[str]:
    """The objects of the data API, which Tooling tells about too."""
    data = attrs.evolve(caller, tooling=False)
    return [name for name in sorted(caller.org.catalogue) if data.sees(name)]


def _entities(caller: Caller) -> Iterator[Record]:
    for name in _objects(caller):
        obj = caller.org.catalogue[name]
        yield {
            "Id": f"000000000000000{name}", "DurableId": name, "QualifiedApiName": name, "DeveloperName": name,
            "MasterLabel": obj.label, "Label": obj.label, "PluralLabel": obj.plural, "KeyPrefix": obj.prefix,
            "IsCustomizable": obj.writable, "IsQueryable": True, "IsTriggerable": obj.writable,
        }  # fmt: skip


def data_type(field: Field) -> str:
    """A field's type as Setup words it."""
    if field.type in ("double", "currency", "percent"):
        return f"{_DATA_TYPES[field.type]}({field.precision - field.scale}, {field.scale})"
    if field.type == "int":
        return f"Number({field.digits or 9}, 0)"
    if field.type == "reference":
        return f"Lookup({','.join(field.targets)})"
    if field.type == "textarea":
        return f"Long Text Area({field.length})" if field.length > 255 else f"Text Area({field.length})"
    known = _DATA_TYPES.get(field.type)
    if known:
        return known
    marks = [word for word, on in (("External ID", field.external_id), ("Unique", field.unique)) if on]
    return f"Text({field.length})" + "".join(f" ({mark})" for mark in marks)


def _fields(caller: Caller) -> Iterator[Record]:
    for name in _objects(caller):
        for f in caller.org.access.view(caller.user_id, name).fields.values():
            yield {
                "Id": f"000000000000000{name}.{f.name}", "DurableId": f"{name}.{f.name}", "EntityDefinitionId": name,
                "QualifiedApiName": f.name, "DeveloperName": f.name.removesuffix("__c"), "Label": f.label,
                "MasterLabel": f.label, "Length": f.length, "DataType": data_type(f), "Precision": f.precision,
                "Scale": f.scale, "IsIndexed": f.id_lookup or f.unique or f.external_id or f.type == "id",
                "IsNillable": f.nillable, "IsCompound": f.type == "address", "ExtraTypeInfo": f.extra_type,
                "ReferenceTo": {"referenceTo": list(f.targets)}, "RelationshipName": f.relationship,
            }  # fmt: skip


def _custom_fields(caller: Caller) -> Iterator[Record]:
    number = 0
    for obj in caller.org.catalogue.values():
        for f in obj.fields.values():
            if not f.custom:
                continue
            number += 1
            # Fields of Event are defined on Activity, which Task has too.
            table = "Activity" if obj.name == "Event" else obj.name
            metadata = {
                "label": f.label, "type": data_type(f).partition("(")[0], "length": f.length or None,
                "externalId": f.external_id, "unique": f.unique, "required": not f.nillable,
            }  # fmt: skip
            yield {
                "Id": ids.mint(ids.CUSTOM_FIELD_PREFIX, number), "TableEnumOrId": table,
                "DeveloperName": f.name.removesuffix("__c"), "FullName": f"{table}.{f.name}", "Metadata": metadata,
                "Length": f.length or None, "Precision": f.precision or None, "Scale": f.scale,
                "InlineHelpText": f.help_text, "EntityDefinitionId": table,
            }  # fmt: skip


def _set_ids(caller: Caller) -> dict[str, str]:
    rows = caller.org.tables.rows("PermissionSet").values()
    return {row["Name"]: row["Id"] for row in rows if not row.get("IsDeleted")}


def _object_permissions(caller: Caller) -> Iterator[Record]:
    known, number = _set_ids(caller), 0
    for set_name, held in caller.org.config.permission_sets.items():
        for name, rights in held.get("objects", {}).items():
            number += 1
            flags: dict[str, Any] = {
                f"Permissions{r.title()}": r in rights for r in ("read", "create", "edit", "delete")
            }
            yield {
                "Id": ids.mint("110", number), "ParentId": known.get(set_name), "SobjectType": name, **flags,
                "PermissionsViewAllRecords": False, "PermissionsModifyAllRecords": False,
            }  # fmt: skip


def _field_permissions(caller: Caller) -> Iterator[Record]:
    known, number = _set_ids(caller), 0
    for set_name, grants in caller.org.access.grants.items():
        for path, (read, edit) in grants.items():
            number += 1
            yield {
                "Id": ids.mint("01k", number), "ParentId": known.get(set_name), "Field": path,
                "SobjectType": path.partition(".")[0], "PermissionsRead": read, "PermissionsEdit": edit,
            }  # fmt: skip


_ROWS: dict[str, Callable[[Caller], Iterator[Record]]] = {
    "UserPermissionAccess": _user_permissions, "LeadStatus": _statuses("Lead", "IsConverted", "01J"),
    "CaseStatus": _statuses("Case", "IsClosed", "01J"), "EntityDefinition": _entities, "FieldDefinition": _fields,
    "CustomField": _custom_fields, "ObjectPermissions": _object_permissions, "FieldPermissions": _field_permissions,
}  # fmt: skip


def rows(caller: Caller, name: str) -> list[Record] | None:
    """The rows of such an object as the caller may see them; None where an object's rows are stored."""
    made = _ROWS.get(name)
    return None if made is None else list(made(caller))
