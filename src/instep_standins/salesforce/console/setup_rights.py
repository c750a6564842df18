"""Who may do what: profiles, what permission sets add, and what nobody may."""

from typing import TYPE_CHECKING, Any

from ...inputs import Input, adder, switch
from ...markup import Markup, el, said
from ...pages import Refused, button, empty, form, live, notice, part, problem, row, table, tag, td
from .. import admin
from ..access import GOVERNED
from ..errors import ApiError
from ..tables import Record
from .cells import text
from .frame import Visit, page
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

PATH = "/setup/rights"
_OBJECTS = tuple(sorted(GOVERNED))
_LEVELS = (
    ("", "nothing"), ("read", "read"), ("read,create", "read and create"), ("read,create,edit", "read, create, edit"),
    ("read,create,edit,delete", "all, with delete"),
)  # fmt: skip
_EVERYTHING, _LIMITED = "everything", "limited"
_RIGHTS = ("read", "create", "edit", "delete")


def _level(rights: list[str]) -> str:
    return ",".join(right for right in _RIGHTS if right in rights)


def _words(rights: list[str]) -> str:
    return next((words for level, words in _LEVELS if level == _level(rights)), _level(rights))


def _profiles_of(org: "Org") -> tuple[tuple[str, str], ...]:
    return tuple((text(row, "Name"), text(row, "Name")) for row in org.tables.rows("Profile").values())


def _users(org: "Org") -> Markup:
    rows = []
    for user in org.tables.rows("User").values():
        held = (org.tables.get("Profile", user.get("ProfileId", "")) or {}).get("Name", "")
        name = f"profile-{user['Id']}"
        options = [el("option", words, value=v, selected=v == held) for v, words in _profiles_of(org)]
        choice = el("select", *options, name="profile", id=name, aria_label=f"Profile of {user.get('Name')}")
        save = button("Save", aria_label=f"Save the profile of {user.get('Name')}")
        chosen = form(PATH, "profile", choice, save, class_="pair", username=text(user, "Username"))
        objects: dict[str, list[str]] = {}
        for one in (*_OBJECTS, "Event"):
            objects.setdefault(_words(list(org.access.rights(user["Id"], one))), []).append(one)
        may = "; ".join(f"{', '.join(names)}: {words}" for words, names in objects.items())
        told = td("May", may, kind="long", key=f"{user['Id']}.may")
        rows.append(row(user["Id"], said(user.get("Name")), td("Profile", chosen), told))
    return table("Users", ["Name", "Profile", "May"], rows)


def _granted(org: "Org", kind: str, name: str) -> list[Markup]:
    """The fields that a permission set grants."""
    grants = org.access.grants.get(name, {}) if kind == "set" else {}
    if not grants:
        return []
    lines = [
        el("li", el("code", path), tag("read and edit" if edit else "read", "good" if edit else "grey"))
        for path, (_, edit) in sorted(grants.items())
    ]
    return [el("h4", "Fields"), el("ul", *lines, class_="plain")]


def _card(visit: Visit, kind: str, found: Record, held: dict[str, Any] | None) -> Markup:
    """One profile or permission set: its rights on objects and fields, its user permissions."""
    org = visit.org
    name, key = text(found, "Name"), found["Id"]
    head = el("h3", said(found.get("Label") or name), el("code", name) if found.get("Label") else None)
    if held is None:
        return el("div", head, el("p", "Gives everything.", class_="soft"), class_="card")
    controls = []
    for one in _OBJECTS:
        level = _level(held.get("objects", {}).get(one, []))
        options = [el("option", words, value=v, selected=v == level) for v, words in _LEVELS]
        control = f"{key}-{one}"
        controls.append(
            el("p", el("label", one, for_=control), el("select", *options, name=f"o-{one}", id=control))
        )
    save = button("Save rights", aria_label=f"Save rights of {name}")
    objects = form(
        PATH,
        "objects",
        el("div", *controls, class_="fields half"),
        save,
        class_="stack wide-stack",
        kind=kind,
        name=name,
    )
    switches = [
        el("li", field.label, switch(
            PATH, "permission", f"{key}-{field.name}", bool(held.get("permissions", {}).get(field.name)),
            ("Given", "Not given"), f"{name} gives {field.label}", kind=kind, name=name, permission=field.name,
        ))
        for field in org.catalogue["UserPermissionAccess"].fields.values() if field.name.startswith("Permissions")
    ]  # fmt: skip
    grant = None
    if kind == "set":
        inputs = (
            Input("field", "Field", required=True, hint="Object and API name, such as Lead.Title"),
            Input("right", "Gives", "edit", (("edit", "read and edit"), ("read", "read"), ("", "nothing"))),
        )
        grant = el(
            "div",
            adder(visit, PATH, "grant", "Grant a field", inputs, "Grant the field", name=name),
            class_="folds",
        )
    left = el("div", el("h4", "Objects"), objects, *_granted(org, kind, name), grant)
    right = el("div", el("h4", "User permissions"), el("ul", *switches, class_="plain switches"))
    return el("div", head, el("div", left, right, class_="two"), class_="card")


def _withheld(org: "Org") -> Markup:
    rows = []
    for name in (*_OBJECTS, "Event"):
        gone = org.config.withheld.get(name, [])
        switches = [
            switch(PATH, "withhold", f"w-{name}-{right}", right not in gone, (right.title(), f"No {right}"),
                   f"{right.title()} {name}", object=name, right=right)
            for right in _RIGHTS
        ]  # fmt: skip
        cells = [
            td(right.title(), one, key=f"{name}.{right}")
            for right, one in zip(_RIGHTS, switches, strict=True)
        ]
        rows.append(row(f"w-{name}", org.catalogue[name].plural, *cells))
    return table("For everybody", ["Object", *(right.title() for right in _RIGHTS)], rows)


def show(visit: Visit) -> str:
    org = visit.org
    profiles = [
        _card(visit, "profile", found, org.config.profiles.get(found["Id"]))
        for found in org.tables.rows("Profile").values()
    ]
    sets = [
        _card(visit, "set", found, org.config.permission_sets.get(text(found, "Name"), {}))
        for found in org.tables.rows("PermissionSet").values()
        if not found.get("IsDeleted")
    ]
    name = Input("name", "Name", required=True)
    gives = Input(
        "gives", "Gives", _LIMITED, ((_LIMITED, "nothing yet, fields neither"), (_EVERYTHING, "everything"))
    )
    label = Input("label", "Label", required=True)
    done = notice("Saved. It holds from the next call on.") if visit.query.get("saved") else None
    return page(
        visit, "Rights", problem(visit), done,
        live("people", part("people-all", "Users", _users(org))),
        part("profiles", "Profiles", *profiles, el("div", adder(
            visit, PATH, "add-profile", "Add a profile", (name, gives), "Add the profile"), class_="folds")),
        part("sets", "Permission sets", *(sets or [empty("No permission sets yet. Add one, or let a connector.")]),
             el("div", adder(visit, PATH, "add-set", "Add a permission set", (
                 Input("name", "API name", required=True), label), "Add the permission set"), class_="folds")),
        live("withheld", part("withheld-all", "For everybody", _withheld(org),
                              note="Switched off, no profile or permission set gives it.")),
        above=tabs(visit), lead="Rights on objects add up: a profile's and those of each permission set a user has.",
    )  # fmt: skip


def _held(org: "Org", kind: str, name: str) -> dict[str, Any]:
    """What a profile or permission set gives now."""
    if kind == "set":
        return org.config.permission_sets.get(name, {})
    rows = org.tables.rows("Profile").values()
    return next((org.config.profiles.get(row["Id"], {}) for row in rows if text(row, "Name") == name), {})


def _give(org: "Org", kind: str, name: str, change: dict[str, Any]) -> None:
    held = _held(org, kind, name)
    body = {
        "name": name,
        "objects": held.get("objects", {}),
        "permissions": held.get("permissions", {}),
        **change,
    }
    if kind == "set":
        found = next((r for r in org.tables.rows("PermissionSet").values() if text(r, "Name") == name), {})
        body |= {"label": found.get("Label") or name, "fields": _grants(org, name)}
    admin.order(org, "POST", "permission-sets" if kind == "set" else "profiles", body)


def _grants(org: "Org", name: str) -> dict[str, str]:
    return {path: "edit" if edit else "read" for path, (_, edit) in org.access.grants.get(name, {}).items()}


def _grant(org: "Org", name: str, path: str, right: str) -> None:
    grants = {**_grants(org, name), path: right}
    if not right:
        grants.pop(path)
    found = next((r for r in org.tables.rows("PermissionSet").values() if text(r, "Name") == name), {})
    body = {"name": name, "label": found.get("Label") or name, "fields": grants}
    admin.order(org, "POST", "permission-sets", body)


def _withhold(org: "Org", name: str, right: str, on: bool) -> None:
    gone = set(org.config.withheld.get(name, ()))
    gone = gone - {right} if on else gone | {right}
    admin.order(org, "POST", "withhold", {"object": name, "rights": sorted(gone)})


def act(visit: Visit) -> str:
    """Carry a form out by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    on, what, kind, name = (
        bool(typed.get("to")),
        typed.get("act"),
        typed.get("kind", ""),
        typed.get("name", "").strip(),
    )
    try:
        if what == "profile":
            admin.order(
                org, "POST", "user", {"username": typed.get("username"), "profile": typed.get("profile")}
            )
        elif what == "add-profile":
            limited = {"objects": {}, "permissions": {}} if typed.get("gives") == _LIMITED else {}
            admin.order(org, "POST", "profiles", {"name": name, **limited})
        elif what == "add-set":
            admin.order(org, "POST", "permission-sets", {"name": name, "label": typed.get("label", "")})
        elif what == "objects":
            levels = {one: [r for r in typed.get(f"o-{one}", "").split(",") if r] for one in _OBJECTS}
            _give(org, kind, name, {"objects": {one: rights for one, rights in levels.items() if rights}})
        elif what == "grant":
            _grant(org, name, typed.get("field", "").strip(), typed.get("right", ""))
        elif what == "permission":
            permissions = {**_held(org, kind, name).get("permissions", {}), typed.get("permission", ""): on}
            _give(org, kind, name, {"permissions": permissions})
        elif what == "withhold":
            _withhold(org, typed.get("object", ""), typed.get("right", ""), on)
        else:
            raise Refused("This page has no such switch. Reload it.")
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{PATH}?saved=1"
