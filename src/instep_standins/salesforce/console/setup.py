"""What an admin of the org changes: users, permission sets, fields; and starting over."""

import re
from typing import TYPE_CHECKING

from .. import admin
from ..errors import ApiError
from ..schema import Field, SObject
from .frame import (
    LISTED,
    NotHere,
    Refused,
    Visit,
    button,
    count,
    empty,
    fold,
    form,
    live,
    notice,
    page,
    part,
    problem,
    row,
    table,
    tag,
    td,
)  # fmt: skip
from .inputs import switch
from .markup import Markup, el, said
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

_PATH = "/setup"
_LONGEST = 131_072  # characters that the longest text of Salesforce holds
_OPEN, _READ_ONLY, _HIDDEN, _RESTORE = "open", "read-only", "hidden", "restore"
_RIGHTS = {_OPEN: (True, True), _READ_ONLY: (True, False), _HIDDEN: (False, False)}
_WITH_LENGTH = frozenset({"string", "textarea", "email", "phone", "url"})


# -- users and permission sets ------------------------------------------------------------------------


def _users(org: "Org") -> Markup:
    rows = []
    for user in org.tables.rows("User").values():
        key, active = user["Id"], bool(user.get("IsActive"))
        sets = ", ".join(org.access.assigned_sets(key))
        knob = switch(
            _PATH, "user", f"u-{key}", active, ("Active", "Inactive"), f"{user.get('Name')} is active", id=key
        )
        cells = (
            td("Username", said(user.get("Username"))),
            td("E-mail", said(user.get("Email"))),
            td(
                "Permission sets",
                said(sets) if sets else el("span", "–", class_="soft"),
                kind="" if sets else "none",
            ),
            td("State", knob, key=f"{key}.active"),
        )
        rows.append(row(key, el("a", said(user.get("Name")), href=f"/r/{key}"), *cells))
    return table("Users", ["Name", "Username", "E-mail", "Permission sets", "State"], rows)


def _assignment(org: "Org", set_id: str, user_id: str) -> str | None:
    for one in org.tables.find("PermissionSetAssignment", "AssigneeId", user_id):
        if (org.tables.get("PermissionSetAssignment", one) or {}).get("PermissionSetId") == set_id:
            return one
    return None


def _permission_set(org: "Org", found: dict) -> Markup:
    grants = org.access.grants.get(found["Name"], {})
    lines = [
        el("li", el("code", path), tag("read and edit" if edit else "read", "good" if edit else "grey"))
        for path, (_, edit) in sorted(grants.items())
    ]
    switches = [
        el("li", said(user.get("Name")), switch(
            _PATH,
            "assign", f"p-{found['Id']}-{user['Id']}", bool(_assignment(org, found["Id"], user["Id"])),
            ("Assigned", "Not assigned"), f"{user.get('Name')} has {found['Name']}", set=found["Id"], user=user["Id"],
        ))
        for user in org.tables.rows("User").values() if user.get("IsActive")
    ]  # fmt: skip
    fields = el(
        "div",
        el("h4", "Grants"),
        el("ul", *lines, class_="plain") if lines else el("p", "Nothing yet.", class_="soft"),
    )
    people = el("div", el("h4", "Who has it"), el("ul", *switches, class_="plain switches"))
    title = el("h3", said(found.get("Label") or found["Name"]), el("code", found["Name"]))
    return el("div", title, el("div", fields, people, class_="two"), class_="card")


def _installed(org: "Org") -> Markup:
    rows = []
    for obj in org.catalogue.values():
        for f in obj.fields.values():
            if f.custom:
                cells = (
                    td("API name", el("code", f.name)),
                    td("Object", obj.label),
                    td("Type", _type(f)),
                    td("For everybody", _rights_tag(org, obj, f)),
                )
                rows.append(
                    row(f"f.{obj.name}.{f.name}", el("a", said(f.label), href=_field_path(obj, f)), *cells)
                )
    if not rows:
        return empty("No custom fields yet. They appear when a connector installs its own.")
    return table("Installed fields", ["Label", "API name", "Object", "Type", "For everybody"], rows)


def _objects(org: "Org") -> Markup:
    rows = []
    for name in (*LISTED, *(other for other in org.catalogue if other not in LISTED)):
        obj = org.catalogue[name]
        by_hand = sum(1 for path in org.access.overrides if path.startswith(f"{name}."))
        cells = (
            td("API name", el("code", name)),
            td("Fields", count(len(obj.fields)), kind="number"),
            td("Required", count(len(obj.required)), kind="number"),
            td("Access by hand", count(by_hand) if by_hand else "–", kind="number" if by_hand else "none"),
        )
        rows.append(row(f"o.{name}", el("a", obj.label, href=f"{_PATH}/objects/{name}"), *cells))
    return table("Objects", ["Object", "API name", "Fields", "Required", "Access by hand"], rows)


def _start_over() -> Markup:
    keep = el(
        "p",
        "Removes every record, armed fault and logged call. Fields and permission sets stay, so do sign-ins.",
    )
    wipe = el("p", "Removes fields and permission sets too: the org of the first day. Sign-ins stay valid.")
    return el(
        "div",
        fold(
            "Remove all records",
            keep,
            form(_PATH, "reset", button("Remove all records", "danger"), keep="yes"),
        ),
        fold("Start over", wipe, form(_PATH, "reset", button("Start over", "danger"), keep="")),
        class_="folds",
    )


def setup(visit: Visit) -> str:
    """The org's setup on one page; objects and their fields have pages of their own."""
    org = visit.org
    user = org.tables.get("User", visit.query.get("user", ""))
    done = None
    if user:
        done = notice(
            [said(user.get("Name")), " is active now." if user.get("IsActive") else " is inactive now."]
        )
    elif visit.query.get("empty"):
        done = notice("The org has started over.")
    sets = [
        _permission_set(org, found)
        for found in org.tables.rows("PermissionSet").values()
        if not found.get("IsDeleted")
    ]
    none = empty("No permission sets yet. A connector brings its own when it installs itself.")
    return page(
        visit, "Setup", problem(visit), done,
        live("users", part("users-all", "Users", _users(org))),
        live("sets", part("sets-all", "Permission sets", *(sets or [none]))),
        live("installed", part("installed-all", "Installed fields", _installed(org))),
        live("objects", part("objects-all", "Objects and fields", _objects(org))),
        part("over", "Start over", _start_over()),
        above=tabs(visit), lead="What an admin could change by hand. It holds for every app from the next call on.",
    )  # fmt: skip


def act(visit: Visit) -> str:
    """A switch or a new start; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    on, what = bool(typed.get("to")), typed.get("act")
    try:
        if what == "user":
            here = {"object": "User", "id": typed.get("id", "")}
            admin.order(org, "PATCH", "records", {**here, "fields": {"IsActive": on}})
            return f"{_PATH}?user={here['id']}#users"
        if what == "assign":
            _assign(org, typed.get("set", ""), typed.get("user", ""), on)
            return f"{_PATH}#sets"
        if what == "reset":
            admin.order(org, "POST", "reset", {"keepMetadata": bool(typed.get("keep"))})
            return f"{_PATH}?empty=1"
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    raise Refused("This page has no such switch. Reload it.")


def _assign(org: "Org", set_id: str, user_id: str, on: bool) -> None:
    if org.live("PermissionSet", set_id) is None or org.live("User", user_id) is None:
        raise Refused("That permission set or user is not there any more. Reload the page.")
    held = _assignment(org, set_id, user_id)
    if on and held is None:
        fields = {"PermissionSetId": set_id, "AssigneeId": user_id, "IsActive": True}
        admin.order(org, "POST", "records", {"object": "PermissionSetAssignment", "fields": fields})
    elif held is not None and not on:
        admin.order(org, "DELETE", "records", {"object": "PermissionSetAssignment", "id": held})


# -- objects and fields -------------------------------------------------------------------------------


def _field_path(obj: SObject, field: Field) -> str:
    return f"{_PATH}/objects/{obj.name}/{field.name}"


def _type(field: Field) -> str:
    return f"{field.type} ({count(field.length)})" if field.length else field.type


def _rights(org: "Org", obj: SObject, field: Field) -> str:
    """The access that was set by hand, as the form names it."""
    held = org.access.overrides.get(f"{obj.name}.{field.name}")
    return next((name for name, rights in _RIGHTS.items() if held and tuple(held) == rights), _RESTORE)


def _rights_tag(org: "Org", obj: SObject, field: Field) -> Markup:
    words = {_OPEN: ("open", "good"), _READ_ONLY: ("read-only", "wait"), _HIDDEN: ("hidden", "bad")}
    usual = "by permission set" if field.custom and field.permissionable else "open"
    return tag(*words.get(_rights(org, obj, field), (usual, "grey")))


def _find(org: "Org", name: str) -> SObject:
    if name not in org.catalogue:
        raise NotHere(f"The org has no object “{name}”.")
    return org.catalogue[name]


def objects(visit: Visit, name: str) -> str:
    """The fields of one object."""
    org, obj = visit.org, _find(visit.org, name)
    rows = [
        row(f"f.{name}.{f.name}", el("a", said(f.label), href=_field_path(obj, f), id=f"a-{f.name}"),
            td("API name", el("code", f.name)), td("Type", _type(f), key=f"{f.name}.type"),
            td("Required", tag("required", "wait") if f.required else el("span", "–", class_="soft"),
               kind="" if f.required else "none", key=f"{f.name}.required"),
            td("For everybody", _rights_tag(org, obj, f), key=f"{f.name}.rights"))
        for f in sorted(obj.fields.values(), key=lambda f: (not f.custom, not f.required, f.label))
    ]  # fmt: skip
    heads = ["Label", "API name", "Type", "Required", "For everybody"]
    changed = obj.fields.get(visit.query.get("changed", ""))
    done = (
        notice([said(changed.label), " is as you set it. It holds from the next call on."])
        if changed
        else None
    )
    if visit.query.get("removed"):
        done = notice("The field is removed. Apps that write it are refused from the next call on.")
    return page(
        visit,
        obj.plural,
        done,
        live("fields", table("Fields", heads, rows)),
        above=_crumbs(),
        lead=f"{len(rows)} fields",
    )


def _crumbs(obj: SObject | None = None) -> Markup:
    more = [" › ", el("a", obj.plural, href=f"{_PATH}/objects/{obj.name}")] if obj else []
    return el("p", el("a", "Setup", href=_PATH), *more, class_="crumbs")


def _field(org: "Org", name: str, field_name: str) -> tuple[SObject, Field]:
    obj = _find(org, name)
    if field_name not in obj.fields:
        raise NotHere(f"{obj.label} has no field “{field_name}”. It may have been removed.")
    return obj, obj.fields[field_name]


def _can_be_required(field: Field) -> bool:
    return field.createable and not field.defaulted and field.type != "boolean"


def _required_input(field: Field) -> Markup:
    if not _can_be_required(field):
        return el("p", "It cannot be required: the org fills it itself.", class_="soft")
    box = el("input", type="checkbox", name="required", value="yes", checked=field.required, id="required")
    hint = el("small", "Every app and person must fill it, whatever their rights.")
    return el("p", el("label", box, " Required"), hint)


def _rights_input(org: "Org", obj: SObject, field: Field) -> Markup:
    words = {_RESTORE: "As permission sets say" if field.custom else "Open, as usual", _OPEN: "Open",
             _READ_ONLY: "Read-only", _HIDDEN: "Hidden"}  # fmt: skip
    chosen = _rights(org, obj, field)
    if not field.custom and chosen != _OPEN:
        del words[_OPEN]
    options = [el("option", text, value=value, selected=value == chosen) for value, text in words.items()]
    return el(
        "p", el("label", "For everybody", for_="rights"), el("select", *options, name="rights", id="rights")
    )


def field(visit: Visit, name: str, field_name: str) -> str:
    """One field, with what an admin may change about it."""
    org = visit.org
    obj, found = _field(org, name, field_name)
    length = None
    if found.type in _WITH_LENGTH and found.length:
        wrong = "notice" if visit.problem else None
        length = el(
            "p",
            el("label", "Length", for_="length"),
            el("input", type="number", name="length", id="length", min=1, max=_LONGEST, required=True,
               value=visit.form.get("length", found.length), aria_describedby=wrong,
               aria_invalid="true" if wrong else None),
            el("small", "Longer texts are refused. Values that stand there already stay."),
        )  # fmt: skip
    path = _field_path(obj, found)
    inputs = (_required_input(found), _rights_input(org, obj, found), length)
    remove = None
    if found.custom:
        words = el(
            "p", "Its values go with it. An app that writes it is refused until it installs the field again."
        )
        gone = fold("Remove the field", words, form(path, "remove", button("Remove this field", "danger")))
        remove = el("div", gone, class_="folds")
    facts = el("dl", el("div", el("dt", "Type"), el("dd", _type(found))), class_="facts")
    return page(
        visit, found.label, problem(visit), facts,
        form(path, "change", *inputs, button("Save", "primary"), class_="card stack"), remove,
        above=_crumbs(obj), lead=el("code", f"{obj.name}.{found.name}"),
    )  # fmt: skip


def change_field(visit: Visit, name: str, field_name: str) -> str:
    """Save or remove a field; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    obj, found = _field(org, name, field_name)
    here = {"object": obj.name, "field": found.name}
    back = f"{_PATH}/objects/{obj.name}"
    if typed.get("act") == "remove" and found.custom:
        admin.order(org, "POST", "field", {**here, "remove": True})
        return f"{back}?removed=1"
    change: dict[str, object] = {}
    if _can_be_required(found):
        change["nillable"] = not typed.get("required")
    if "length" in typed:
        if not re.fullmatch(r"[0-9]{1,6}", typed["length"]) or not 1 <= int(typed["length"]) <= _LONGEST:
            raise Refused(f"The length was not taken. Type a number from 1 to {count(_LONGEST)}.")
        change["length"] = int(typed["length"])
    rights = typed.get("rights", _RESTORE)
    if typed.get("required") and rights in (_HIDDEN, _READ_ONLY):
        raise Refused("A required field can be hidden from nobody, nor be read-only. Choose one of the two.")
    if any(getattr(found, key) != value for key, value in change.items()):
        admin.order(org, "POST", "field", {**here, "change": change})
    if rights != _rights(org, obj, found):
        read, edit = _RIGHTS.get(rights, (True, True))
        admin.order(
            org,
            "POST",
            "fls",
            {**here, "restore": True} if rights == _RESTORE else {**here, "read": read, "edit": edit},
        )
    return f"{back}?changed={found.name}#a-{found.name}"
