"""The org itself: edition, sandbox, what is switched on, how apps sign in, and on whom rules fall back."""

from typing import TYPE_CHECKING

from ...inputs import Input, adder, switch
from ...markup import Markup, el, said
from ...pages import Refused, live, notice, part, problem, row, table, td
from .. import admin, config
from ..configure import EDITIONS
from ..errors import ApiError
from .frame import Visit, page
from .tabs import tabs

if TYPE_CHECKING:
    from ..org import Org

PATH = "/setup/org"
_FEATURES = {
    config.PERSON_ACCOUNTS: ("Person accounts", "Accounts that are people: LastName, PersonEmail, their own Contact."),
    config.STATE_COUNTRY: ("State and country picklists", "Addresses get codes, and only places that exist are taken."),
    config.MULTI_CURRENCY: ("Several currencies", "Records get a CurrencyIsoCode: EUR, USD or DKK."),
    config.SHARED_ACTIVITIES: ("Shared activities", "An event may be with up to fifty contacts, by EventWhoIds."),
}  # fmt: skip
# Setting → (title, what it means, words for on and off)
_SETTINGS = {
    "apiEnabled": ("API", "Off, the edition has none: every call is refused with API_DISABLED_FOR_ORG."),
    "rotation": ("Refresh tokens rotate", "Each refresh gives a new token and ends the one before."),
    "clientCredentials": ("Client credentials", "The app may sign in by its own key and secret."),
    "autoApprove": ("Approve apps without asking", "The page that asks whether an app may have access is skipped."),
}  # fmt: skip
_ON_OFF = ("On", "Off")


def _line(key: str, title: str, words: str, control: Markup) -> Markup:
    return row(key, title, td("What it does", words, kind="long"), td("State", control, key=key))


def _switches(org: "Org") -> Markup:
    sandbox = bool(org.organization.get("IsSandbox"))
    lines = [
        _line("sandbox", "Sandbox", "The org says that it is one.",
              switch(PATH, "sandbox", "s-sandbox", sandbox, _ON_OFF, "Sandbox")),
        *(
            _line(key, title, words, switch(PATH, "setting", f"s-{key}", bool(getattr(org.settings, key)), _ON_OFF,
                                            title, name=key))
            for key, (title, words) in _SETTINGS.items()
        ),
    ]  # fmt: skip
    return table("The org", ["Setting", "What it does", "State"], lines)


def _features(org: "Org") -> Markup:
    lines = [
        _line(
            key,
            title,
            words,
            switch(PATH, "feature", f"f-{key}", org.config.has(key), _ON_OFF, title, name=key),
        )
        for key, (title, words) in _FEATURES.items()
    ]
    return table("Features", ["Feature", "What it brings", "State"], lines)


def _owners(org: "Org") -> tuple[tuple[str, str], ...]:
    queues = [r for r in org.tables.rows("Group").values() if r.get("Type") == "Queue"]
    users = [r for r in org.tables.rows("User").values() if r.get("IsActive")]
    return (("", "nobody: the owner stays"), *((r["Id"], str(r.get("Name"))) for r in (*queues, *users)))


def _facts(org: "Org") -> Markup:
    held = org.organization
    rows = [("Name", held.get("Name")), ("Edition", held.get("OrganizationType")), ("Id", held["Id"])]
    return el("dl", *(el("div", el("dt", k), el("dd", said(v))) for k, v in rows), class_="facts")


def show(visit: Visit) -> str:
    org = visit.org
    editions = tuple((name, name) for name in EDITIONS)
    edition = Input("edition", "Edition", str(org.organization.get("OrganizationType")), editions)
    name = Input("name", "Name", str(org.organization.get("Name")), required=True)
    fallbacks = tuple(
        Input(
            f"owner{one}",
            f"{one}s without a rule that fits",
            org.config.default_owners.get(one, ""),
            _owners(org),
        )
        for one in ("Lead", "Case")
    )
    jwt = (
        Input("jwtCertificate", "Certificate (PEM)", org.settings.jwtCertificate or "", lines=5,
              hint="With the private key beside it an app signs its assertions. Empty: none are taken."),
        Input("preAuthorised", "Pre-authorised users", ", ".join(org.settings.preAuthorised or ()),
              hint="Usernames, with commas between. Empty: whoever has approved the app."),
    )  # fmt: skip
    done = notice("Saved. It holds from the next call on.") if visit.query.get("saved") else None
    return page(
        visit, "The org", problem(visit), done, _facts(org),
        el("div", adder(visit, PATH, "rename", "Change name or edition", (name, edition), "Save"), class_="folds"),
        live("settings", part("settings-all", "Settings", _switches(org))),
        live("features", part("features-all", "Features", _features(org))),
        part("more", "Signing in and owners", el(
            "div", adder(visit, PATH, "jwt", "JWT bearer", jwt, "Save"),
            adder(visit, PATH, "owners", "Who owns what no rule assigns", fallbacks, "Save"), class_="folds",
        )),
        above=tabs(visit), lead="What kind of org it is. An app may meet any of these in the wild.",
    )  # fmt: skip


def act(visit: Visit) -> str:
    """Carry a form out by the orders of `/__fake__/`; the address to go on at. Raises Refused."""
    org, typed = visit.org, visit.form
    on, what = bool(typed.get("to")), typed.get("act")
    try:
        if what == "sandbox":
            admin.order(org, "POST", "organization", {"sandbox": on})
        elif what == "setting" and typed.get("name") in _SETTINGS:
            admin.order(org, "POST", "settings", {typed["name"]: on})
        elif what == "feature" and typed.get("name") in _FEATURES:
            admin.order(org, "POST", "features", {typed["name"]: on})
        elif what == "rename":
            admin.order(org, "POST", "organization", {k: typed.get(k, "") for k in ("name", "edition")})
        elif what == "jwt":
            names = [one.strip() for one in typed.get("preAuthorised", "").split(",") if one.strip()]
            pem = typed.get("jwtCertificate", "").strip() or None
            admin.order(org, "POST", "settings", {"jwtCertificate": pem, "preAuthorised": names or None})
        elif what == "owners":
            for one in ("Lead", "Case"):
                admin.order(
                    org, "POST", "default-owner", {"object": one, "owner": typed.get(f"owner{one}") or None}
                )
        else:
            raise Refused("This page has no such switch. Reload it.")
    except ApiError as error:
        raise Refused(f"Not done. {error.body['error']}") from None
    return f"{PATH}?saved=1"
