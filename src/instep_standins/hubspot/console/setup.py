"""What an admin of the portal changes by hand: owners, switches, required properties, scopes; and starting over."""

from typing import TYPE_CHECKING

from ...inputs import Input, adder, switch
from ...markup import Markup, el, said
from ...pages import Refused, button, empty, fold, form, live, notice, part, problem, row, table, tag, td
from .. import admin
from ..errors import ApiError
from ..schema import OBJECT_TYPES
from ..tables import OWNERS
from ..tokens import ALL_SCOPES
from .frame import LISTED, Visit, page

if TYPE_CHECKING:
    from ..portal import Portal

_PATH = "/setup"
_ON_OFF = ("On", "Off")
# Setting → (title, what it means)
_SWITCHES = {
    "autoApprove": ("Approve apps without asking", "The page that asks whether an app may connect is skipped."),
    "autoCompany": ("Companies for domains", "A new contact gets the company of its e-mail domain."),
    "mergeKeepsId": ("Merges keep the id", "The merged contact keeps the primary one's id; off, it gets a new one."),
    "secondaryByEmail": ("Secondary addresses are found", "Reading a contact by a secondary address finds it."),
    "retryAfter": ("Retry-After on 429", "HubSpot does not promise it."),
    "marketplace": ("Marketplace app", "110 calls in ten seconds and no daily limit."),
}  # fmt: skip
_LEVELS = (
    ("unique", "unique properties are allowed"), ("plain", "properties, but no unique ones"), ("none", "no properties"),
)  # fmt: skip


def _switches(portal: "Portal") -> Markup:
    lines = [
        row(key, title, td("What it does", words, kind="long"),
            td("State", switch(_PATH, "setting", f"s-{key}", bool(getattr(portal.settings, key)), _ON_OFF, title,
                               name=key), key=key))
        for key, (title, words) in _SWITCHES.items()
    ]  # fmt: skip
    return table("The portal", ["Setting", "What it does", "State"], lines)


def _owners(portal: "Portal") -> Markup:
    lines = []
    for one in portal.tables.rows(OWNERS).values():
        name = " ".join(filter(None, (one["firstName"], one["lastName"]))) or one["email"]
        control = switch(_PATH, "owner", f"o-{one['id']}", not one["archived"], ("Active", "Inactive"), name,
                         email=one["email"])  # fmt: skip
        lines.append(row(
            f"owner.{one['id']}", said(name), td("E-mail", said(one["email"])), td("Owner id", el("code", one["id"])),
            td("State", control, key=f"owner.{one['id']}.state"),
        ))  # fmt: skip
    return table("Owners", ["Owner", "E-mail", "Owner id", "State"], lines)


def _own(portal: "Portal") -> Markup:
    lines = []
    for kind in LISTED:
        for held in portal.properties(kind).values():
            if held.own and not held.archived_at:
                lines.append(row(
                    f"own.{kind}.{held.name}", said(held.label), td("Object", OBJECT_TYPES[kind].plural),
                    td("Name", el("code", held.name)), td("Type", f"{held.kind}, {held.field_type}"),
                    td("Unique", tag("unique", "violet") if held.unique else "no"),
                ))  # fmt: skip
    if not lines:
        return empty("No properties of its own yet. A connector brings its own when it installs itself.")
    return table("Own properties", ["Property", "Object", "Name", "Type", "Unique"], lines)


def _rules(visit: Visit) -> Markup:
    portal, forms = visit.portal, []
    for kind in ("contacts", "meetings"):
        held = ", ".join(portal.settings.required.get(kind, []))
        names = (
            Input(
                "names", "Required properties", held, hint="Internal names, with commas between. Empty: none."
            ),
        )
        words = f"Required on new {kind}"
        forms.append(adder(visit, _PATH, "required", words, names, "Save", object=kind))
    levels = (Input("level", "Properties of meetings", portal.settings.meetingIds, _LEVELS),)
    forms.append(adder(visit, _PATH, "level", "What properties meetings may have", levels, "Save"))
    scopes = (Input("scopes", "Scopes of the static token", "\n".join(portal.settings.tokenScopes), lines=8,
                    hint=f"One in each line; all are: {', '.join(ALL_SCOPES)}."),)  # fmt: skip
    forms.append(adder(visit, _PATH, "scopes", "What the static token may do", scopes, "Save"))
    pace = (
        Input("burst", "Calls in ten seconds", str(portal.settings.burst), number=(1, 100_000)),
        Input("daily", "Calls in a day", str(portal.settings.daily), number=(1, 10_000_000)),
        Input(
            "searchLag",
            "Seconds until search sees a write",
            f"{portal.settings.searchLag:g}",
            number=(0, 3600),
        ),
    )
    forms.append(adder(visit, _PATH, "pace", "Limits and search", pace, "Save"))
    return el("div", *forms, class_="folds")


def _start_over() -> Markup:
    keep = el(
        "label",
        el("input", type="checkbox", name="keep", value="yes", checked=True),
        " Keep owners and own properties",
    )
    sure = form(_PATH, "reset", el("p", keep), button("Remove all records", "danger"), class_="stack")
    return fold(
        "Remove all records",
        el("p", "Contacts, meetings and everything else go, and armed faults too."),
        sure,
    )


def setup(visit: Visit) -> str:
    """All that can be switched by hand."""
    portal = visit.portal
    done = notice("Saved. It holds from the next call on.") if visit.query.get("saved") else None
    if visit.query.get("empty"):
        done = notice("The portal has started over.")
    new = (
        Input("firstName", "First name"), Input("lastName", "Last name"),
        Input("email", "E-mail", required=True, hint="Hosts are found by it."),
    )  # fmt: skip
    return page(
        visit, "Setup", problem(visit), done,
        live("owners", part("owners-all", "Owners", _owners(portal))),
        el("div", adder(visit, _PATH, "new-owner", "Add an owner", new, "Add"), class_="folds"),
        live("settings", part("settings-all", "Settings", _switches(portal))),
        part("rules", "Rules and limits", _rules(visit)),
        live("own", part("own-all", "Own properties", _own(portal))),
        part("over", "Start over", _start_over()),
        lead="What an admin could change by hand. It holds for every app from the next call on.",
    )  # fmt: skip


def act(visit: Visit) -> str:
    """A switch, a rule or a new start; the address to go on at. Raises Refused."""
    portal, typed = visit.portal, visit.form
    on, what = bool(typed.get("to")), typed.get("act")
    try:
        if what == "setting" and typed.get("name") in _SWITCHES:
            admin.order(portal, "POST", "settings", {typed["name"]: on})
        elif what == "owner":
            admin.order(portal, "POST", "owner", {"email": typed.get("email", ""), "active": on})
        elif what == "new-owner":
            _new_owner(portal, typed)
        elif what == "required":
            _require(portal, typed.get("object", ""), _names(typed.get("names", "")))
        elif what == "level":
            admin.order(portal, "POST", "settings", {"meetingIds": typed.get("level", "")})
        elif what == "scopes":
            _scopes(portal, typed.get("scopes", "").split())
        elif what == "pace":
            _pace(portal, typed)
        elif what == "reset":
            admin.order(portal, "POST", "reset", {"keepProperties": bool(typed.get("keep"))})
            return f"{_PATH}?empty=1"
        else:
            raise Refused("This page has no such switch. Reload it.")
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{_PATH}?saved=1"


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _new_owner(portal: "Portal", typed: dict[str, str]) -> None:
    email = typed.get("email", "").strip()
    if "@" not in email:
        raise Refused(f"“{email}” is no e-mail address. Type one, such as amara@host.example.")
    names = {name: typed.get(name, "").strip() for name in ("firstName", "lastName")}
    admin.order(portal, "POST", "owner", {"email": email, "active": True, **names})


def _require(portal: "Portal", kind: str, names: list[str]) -> None:
    if kind not in OBJECT_TYPES:
        raise Refused("Choose one of the objects.")
    unknown = [one for one in names if portal.property(kind, one) is None]
    if unknown:
        raise Refused(
            f"{OBJECT_TYPES[kind].plural} have no property “{unknown[0]}”. Type internal names, such as phone."
        )
    admin.order(portal, "POST", "settings", {"required": {**portal.settings.required, kind: names}})


def _scopes(portal: "Portal", scopes: list[str]) -> None:
    unknown = [one for one in scopes if one not in ALL_SCOPES]
    if unknown:
        raise Refused(f"There is no scope “{unknown[0]}”. The hint lists all of them.")
    admin.order(portal, "POST", "settings", {"tokenScopes": scopes})


def _pace(portal: "Portal", typed: dict[str, str]) -> None:
    try:
        order = {
            "burst": int(typed["burst"]),
            "daily": int(typed["daily"]),
            "searchLag": float(typed["searchLag"]),
        }
    except (KeyError, ValueError):
        raise Refused("One of the limits is no number. Type whole numbers.") from None
    if min(order.values()) < 0 or order["burst"] < 1 or order["daily"] < 1:
        raise Refused("A limit is at least 1, and search waits for at least 0 seconds.")
    admin.order(portal, "POST", "settings", order)
