"""What an admin of the org changes: users, permission sets; and starting over."""

from typing import TYPE_CHECKING

from ...inputs import switch
from ...markup import Markup, el, said
from ...pages import (
    Refused,
    button,
    count,
    empty,
    fold,
    form,
    live,
    notice,
    part,
    problem,
    row,
    table,
    tag,
    td,
)
from .. import admin
from ..errors import ApiError
from .frame import LISTED, Visit, page
from .setup_fields import field_path, rights_tag, type_words
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

_PATH = "/setup"


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
                    td("Type", type_words(f)),
                    td("For everybody", rights_tag(org, obj, f)),
                )
                rows.append(
                    row(f"f.{obj.name}.{f.name}", el("a", said(f.label), href=field_path(obj, f)), *cells)
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
