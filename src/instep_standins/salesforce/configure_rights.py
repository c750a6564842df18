"""The orders that say who may do what: profiles, permission sets, users, and what is withheld from everybody."""

from typing import TYPE_CHECKING, Any

from . import schema
from .orders import Body, object_named, one_of, refuse_order, row_of, save, text_of, texts_of, user_named

if TYPE_CHECKING:
    from .org import Org

Query = dict[str, str]


def _rights(asked: Any) -> dict[str, list[str]]:
    """{"Lead": ["read", "create"]} of an order, checked."""
    if not isinstance(asked, dict):
        raise refuse_order(400, 'objects must be a JSON object such as {"Lead": ["read", "create", "edit"]}.')
    for name in asked:
        unknown = set(texts_of(asked, name)) - schema.RIGHTS
        if unknown:
            raise refuse_order(
                400,
                f"Right {sorted(unknown)[0]!r} is unknown; {name} has {', '.join(sorted(schema.RIGHTS))}.",
            )
    return {name: list(rights) for name, rights in asked.items()}


def _permissions(org: "Org", asked: Any) -> dict[str, bool]:
    known = org.catalogue["UserPermissionAccess"].fields
    if not isinstance(asked, dict) or asked.keys() - known.keys():
        raise refuse_order(
            400, f"permissions may name {', '.join(n for n in known if n.startswith('Permissions'))}."
        )
    return {name: bool(on) for name, on in asked.items()}


def _profile(org: "Org", body: Body, query: Query) -> Any:
    """{"name", "objects", "permissions"}: a profile that gives only these; without both it gives everything."""
    name = text_of(body, "name")
    record = save(
        org, "Profile", row_of(org, "Profile", body, Name=name), {"Name": name, "UserType": "Standard"}
    )
    if "objects" in body or "permissions" in body:
        org.config.profiles[record["Id"]] = {
            "objects": _rights(body.get("objects") or {}),
            "permissions": _permissions(org, body.get("permissions") or {}),
        }
    else:
        org.config.profiles.pop(record["Id"], None)
    return record


def _permission_set(org: "Org", body: Body, query: Query) -> Any:
    """{"name", "label", "objects", "fields": {"Lead.Title": "edit"}, "permissions"}: what is not named stays."""
    name = text_of(body, "name")
    held = org.config.permission_sets.setdefault(name, {"objects": {}, "permissions": {}})
    if "objects" in body:
        held["objects"] = _rights(body["objects"])
    if "permissions" in body:
        held["permissions"] = _permissions(org, body["permissions"])
    if "fields" in body:
        org.access.grants[name] = {p: _grant(org, p, r) for p, r in dict(body["fields"]).items()}
    else:
        org.access.grants.setdefault(name, {})
    org.touch("access")
    flags = {n: v for n, v in held["permissions"].items() if n in org.catalogue["PermissionSet"].fields}
    label = text_of(body, "label", name)
    return save(org, "PermissionSet", row_of(org, "PermissionSet", body, Name=name), {
        "Name": name, "Label": label, "IsCustom": True, "Type": "Regular", **flags,
    })  # fmt: skip


def _grant(org: "Org", path: str, right: Any) -> list[bool]:
    name, _, field = path.partition(".")
    if field not in org.catalogue[object_named(org, name)].fields:
        raise refuse_order(404, f"There is no field {path!r}.")
    return [True, one_of({"fields": right}, "fields", ("read", "edit")) == "edit"]


def _user(org: "Org", body: Body, query: Query) -> Any:
    """{"username", "profile", "permissionSets", "active"}: what is not named stays."""
    user, fields = user_named(org, body.get("username")), {}
    if "profile" in body:
        found = row_of(org, "Profile", {}, Name=body["profile"])
        if found is None:
            raise refuse_order(404, f"Profile {body['profile']!r} is not there.")
        fields["ProfileId"] = found["Id"]
    if "active" in body:
        fields["IsActive"] = bool(body["active"])
    record = save(org, "User", user, fields)
    if "permissionSets" in body:
        for held in org.tables.find("PermissionSetAssignment", "AssigneeId", user["Id"]):
            org.tables.remove("PermissionSetAssignment", held)
        for name in texts_of(body, "permissionSets"):
            found = row_of(org, "PermissionSet", {}, Name=name)
            if found is None:
                raise refuse_order(404, f"Permission set {name!r} is not there.")
            org.insert("PermissionSetAssignment", {
                "AssigneeId": user["Id"], "PermissionSetId": found["Id"], "IsActive": True,
            })  # fmt: skip
        org.schema_changed()
    return record


def _withhold(org: "Org", body: Body, query: Query) -> Any:
    """{"object", "rights"}: what nobody may do with an object, whatever profiles and permission sets say."""
    name = object_named(org, body.get("object"))
    org.config.withheld[name] = _rights({name: body.get("rights") or []})[name]
    org.touch("config")
    org.schema_changed()
    return org.config.withheld


ROUTES = {
    ("POST", "profiles"): _profile, ("POST", "permission-sets"): _permission_set, ("POST", "user"): _user,
    ("POST", "withhold"): _withhold,
}  # fmt: skip
