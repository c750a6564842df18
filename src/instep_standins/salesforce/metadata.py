"""Metadata REST deploy: custom fields and permission sets out of a zip, component by component."""

import io
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

import attrs

from ..routing import Answer
from . import custom_fields, errors, ids
from .call import Caller
from .errors import json_parser_error, not_found, refuse
from .schema import ACTIVITY, RIGHTS, Choice, Field

_NS = "{http://soap.sforce.com/2006/04/metadata}"
_FIELD_TARGETS = frozenset({ACTIVITY, "Account", "Case", "Contact", "Lead"})
_PERMISSION_DEFAULT = {
    "PermissionsApiEnabled": False,
    "PermissionsEditEvent": False,
    "PermissionsEditTask": False,
}


class Problem(Exception):
    """Why one component cannot be deployed."""


@attrs.frozen
class Component:
    """One component of a package: a field ("CustomField") or a permission set, with what it says."""

    kind: str
    name: str
    file: str
    element: ET.Element

    def told(self, **more: Any) -> dict[str, Any]:
        return {
            "fullName": self.name, "componentType": self.kind, "fileName": self.file, "problem": None,
            "problemType": None, "success": True, "created": False, "changed": False, "deleted": False, **more,
        }  # fmt: skip


def _text(element: ET.Element, name: str, default: str = "") -> str:
    return (element.findtext(_NS + name) or default).strip()


def _flag(element: ET.Element, name: str) -> bool:
    return _text(element, name).lower() == "true"


def _parse_xml(archive: zipfile.ZipFile, path: str) -> ET.Element:
    raw = archive.read(path)
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise Problem(f"{path}: document type declarations are not allowed")
    try:
        return ET.fromstring(raw)
    except ET.ParseError as broken:
        raise Problem(f"{path}: not well-formed XML: {broken}") from None


def _members(archive: zipfile.ZipFile) -> dict[str, list[str]]:
    """package.xml as type → members."""
    if "package.xml" not in archive.namelist():
        raise Problem("No package.xml found")
    package = _parse_xml(archive, "package.xml")
    return {
        _text(types, "name"): [(member.text or "").strip() for member in types.findall(_NS + "members")]
        for types in package.findall(_NS + "types")
    }


def components(archive: zipfile.ZipFile) -> list[Component]:
    """The package's components, fields before permission sets. Raises Problem where it is no package."""
    listed = _members(archive)
    found: list[Component] = []
    for path in archive.namelist():
        stem = path.rpartition("/")[2].rpartition(".")[0]
        if path.startswith("objects/") and path.endswith(".object"):
            for element in _parse_xml(archive, path).findall(_NS + "fields"):
                found.append(Component("CustomField", f"{stem}.{_text(element, 'fullName')}", path, element))
    for path in archive.namelist():
        stem = path.rpartition("/")[2].rpartition(".")[0]
        if path.startswith("permissionsets/") and path.endswith(".permissionset"):
            found.append(Component("PermissionSet", stem, path, _parse_xml(archive, path)))
    known = {(c.kind, c.name) for c in found}
    for kind, members in listed.items():
        for name in members:
            if (kind, name) not in known:
                raise Problem(f"In package.xml: no {kind} named {name} found in the package")
    named = {(kind, name) for kind, members in listed.items() for name in members}
    return [c for c in found if (c.kind, c.name) in named]


def _choices(element: ET.Element) -> tuple[tuple[Choice, ...], bool]:
    value_set = element.find(_NS + "valueSet")
    if value_set is None:
        raise Problem("Must specify a valueSet for a picklist")
    values = value_set.iter(_NS + "value")
    choices = tuple(
        Choice(_text(v, "fullName"), _text(v, "label", _text(v, "fullName")), _flag(v, "default"))
        for v in values
    )
    return choices, _flag(value_set, "restricted")


def read_field(name: str, element: ET.Element) -> Field:
    """A CustomField's XML as a field. Raises Problem."""
    kind = _text(element, "type")
    choices, restricted = _choices(element) if "Picklist" in kind or "picklist" in kind else ((), False)
    length = _text(element, "length")
    try:
        return custom_fields.make(
            name, kind, _text(element, "label"), length=int(length) if length else None, choices=choices,
            required=_flag(element, "required"), unique=_flag(element, "unique"), restricted=restricted,
            external_id=_flag(element, "externalId"), case_sensitive=_flag(element, "caseSensitive"),
            precision=int(_text(element, "precision") or 0), scale=int(_text(element, "scale") or 0),
            help_text=_text(element, "inlineHelpText") or None, target=_text(element, "referenceTo"),
        )  # fmt: skip
    except ValueError as wrong:
        raise Problem(str(wrong)) from None


def _deploy_field(caller: Caller, component: Component) -> dict[str, Any]:
    org = caller.org
    target, _, name = component.name.partition(".")
    if target not in _FIELD_TARGETS:
        raise Problem(f"Entity {target} does not take custom fields; activity fields belong to Activity")
    field = read_field(name, component.element)
    obj = org.catalogue["Event" if target == ACTIVITY else target]
    old = obj.by_lower.get(name.lower())
    if old == field:
        return component.told()
    if old is not None and (not old.custom or old.type != field.type):
        raise Problem(f"Cannot change the type of {component.name} from {old.type} to {field.type}")
    if old is not None and field.length < old.length and field.type == "string":
        held = [r[name] for r in org.tables.rows(obj.name).values() if r.get(name)]
        if any(len(value) > field.length for value in held):
            raise Problem(f"Cannot shorten {component.name}: existing records are longer")
    org.add_field(obj.name, field)
    return component.told(created=old is None, changed=True)


def _field_permissions(caller: Caller, component: Component) -> dict[str, list[bool]]:
    """The field permissions of a permission set, as "Event.X" → [read, edit]. Raises Problem."""
    org = caller.org
    grants = {}
    for entry in component.element.findall(_NS + "fieldPermissions"):
        path = _text(entry, "field")
        target, _, name = path.partition(".")
        # Activity fields are granted on Event or Task, never on the pseudo-object they are defined on.
        obj = org.catalogue.get("Event" if target == "Task" else target)
        field = obj.fields.get(name) if obj else None
        if target == ACTIVITY or obj is None or field is None:
            raise Problem(f"In field: field - no CustomField named {path} found")
        if not field.permissionable:
            raise Problem(f"You cannot deploy to a required field: {path}")
        read, edit = _flag(entry, "readable"), _flag(entry, "editable")
        if edit and not read:
            raise Problem(f"Field permission for {path}: editable needs readable")
        grants[f"{obj.name}.{name}"] = [read, edit]
    return grants


def _object_permissions(caller: Caller, component: Component) -> dict[str, list[str]]:
    """The object permissions of a permission set, as object → rights. Raises Problem."""
    found = {}
    for entry in component.element.findall(_NS + "objectPermissions"):
        name = _text(entry, "object")
        if name not in caller.org.catalogue or name in ("Event", "Task"):
            raise Problem(f"In field: field - no CustomObject named {name} found")
        rights = [right for right in sorted(RIGHTS) if _flag(entry, f"allow{right.title()}")]
        if rights and "read" not in rights:
            raise Problem(f"Permission {rights[0].title()} {name} depends on permission(s): Read {name}")
        found[name] = rights
    return found


def _deploy_permission_set(caller: Caller, component: Component) -> dict[str, Any]:
    org = caller.org
    label = _text(component.element, "label")
    if not label:
        raise Problem("Required field is missing: label")
    grants, objects = _field_permissions(caller, component), _object_permissions(caller, component)
    enabled = {
        "Permissions" + _text(entry, "name"): _flag(entry, "enabled")
        for entry in component.element.findall(_NS + "userPermissions")
    }
    unknown = sorted(enabled.keys() - org.catalogue["UserPermissionAccess"].fields.keys())
    if unknown:
        raise Problem(f"Unknown user permission: {unknown[0].removeprefix('Permissions')}")
    kept = {name: enabled.get(name, default) for name, default in _PERMISSION_DEFAULT.items()}
    values = {"Name": component.name, "Label": label, "IsCustom": True, "Type": "Regular", **kept}
    found = [
        org.tables.get("PermissionSet", i) for i in org.tables.find("PermissionSet", "Name", component.name)
    ]
    old = found[0] if found else None
    same = old is not None and all(old.get(k) == v for k, v in values.items())
    held = {"objects": objects, "permissions": enabled}
    same = same and org.config.permission_sets.get(component.name) == held
    if same and org.access.grants.get(component.name) == grants:
        return component.told(id=old["Id"])  # type: ignore[index]
    record = org.insert("PermissionSet", {**(old or {}), **values})
    org.access.grants[component.name] = grants
    org.config.permission_sets[component.name] = held
    org.touch("access", "config")
    org.schema_changed()
    return component.told(created=old is None, changed=True, id=record["Id"])


def _run(caller: Caller, package: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Deploy a package; the deployResult."""
    org = caller.org
    before = (
        dict(org.catalogue),
        dict(org.access.grants),
        org.tables.mark(),
        dict(org.config.permission_sets),
    )
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    deploy = {"CustomField": _deploy_field, "PermissionSet": _deploy_permission_set}
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            found = components(archive)
        for component in found:
            try:
                done.append(deploy[component.kind](caller, component))
            except Problem as problem:
                failed.append(component.told(success=False, problem=str(problem), problemType="Error"))
    except (zipfile.BadZipFile, Problem) as problem:
        whole = Component("", "package.xml", "package.xml", ET.Element("Package"))
        failed.append(whole.told(success=False, problem=str(problem), problemType="Error"))
    rolled_back = failed and options.get("rollbackOnError", True)
    if rolled_back or options.get("checkOnly"):
        org.catalogue, org.access.grants = before[0], before[1]
        org.tables.rollback(before[2])
        org.config.permission_sets = before[3]
        org.schema_changed()
    status = "Succeeded" if not failed else "Failed" if rolled_back or not done else "SucceededPartial"
    return {
        "done": True, "status": status, "success": not failed, "checkOnly": bool(options.get("checkOnly")),
        "rollbackOnError": bool(options.get("rollbackOnError", True)), "numberComponentErrors": len(failed),
        "numberComponentsDeployed": 0 if rolled_back else len(done), "numberComponentsTotal": len(done) + len(failed),
        "errorMessage": None, "createdDate": org.stamp(), "completedDate": org.stamp(),
        "details": {"componentSuccesses": [] if rolled_back else done, "componentFailures": failed},
    }  # fmt: skip


def route(caller: Caller, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
    """POST /metadata/deployRequest (body: {"json", "file"} of the multipart form), GET and PATCH …/<id>."""
    if not parts or parts[0] != "deployRequest" or len(parts) > 2:
        raise not_found()
    org = caller.org
    if len(parts) == 1:
        if method != "POST" or not isinstance(body, dict) or not isinstance(body.get("file"), bytes):
            raise refuse(
                400, errors.MISSING_ARGUMENT, "Send multipart/form-data with the parts json and file"
            )
        if not org.permissions(caller.user_id)["PermissionsModifyMetadata"]:
            raise refuse(403, "INSUFFICIENT_ACCESS", "You need Modify Metadata to deploy")
        asked = body.get("json")
        options = (asked.get("deployOptions") or {}) if isinstance(asked, dict) else {}
        if not isinstance(options, dict):
            raise json_parser_error("deployOptions must be a JSON object at [line:1, column:2]")
        deploy_id = org.mint(ids.DEPLOY_PREFIX)
        org.deployments[deploy_id] = _run(caller, body["file"], options)
        answer = {
            "id": deploy_id,
            "validatedDeployRequestId": None,
            "deployOptions": options,
            "deployResult": None,
        }
        return Answer(201, answer)
    deploy_id = ids.normalise(parts[1]) or ""
    if deploy_id not in org.deployments:
        raise not_found()
    result = {"id": deploy_id, **org.deployments[deploy_id]}
    if query.get("includeDetails", "").lower() != "true":
        result.pop("details")
    return Answer(202 if method == "PATCH" else 200, {"id": deploy_id, "deployResult": result})
