"""What every page of the portal's console has: navigation, usage, and how values are shown."""

import zlib
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import attrs

from ... import pages
from ...markup import Markup, el, said
from ...pages import count, heading, link, live, number, shell, tag
from .. import calculated, seed, times
from ..schema import OBJECT_TYPES, ObjectType, Property
from ..tables import Row

if TYPE_CHECKING:
    from ..portal import Portal

# The objects with a list, in the order of the navigation.
LISTED = ("contacts", "meetings", "companies", "tickets", "deals")
# A page that outlives a restart must not take the new process's version for the old one's.
_RUN = token_hex(4)
NAME = "Acme"
_TONES = {
    "SCHEDULED": "blue",
    "COMPLETED": "good",
    "RESCHEDULED": "violet",
    "NO_SHOW": "wait",
    "CANCELED": "bad",
}


@attrs.frozen
class Visit(pages.Visit):
    """One look at a page of the portal."""

    portal: "Portal" = attrs.field(kw_only=True)


def version(portal: "Portal") -> str:
    """Changes whenever anything that a page shows has changed."""
    told = zlib.crc32(repr((portal.faults.told(), portal.settings)).encode())
    return f'"{_RUN}.{portal.tables.version}.{portal.journal.total}.{told:x}"'


def moment(stored: str, precise: bool = False) -> Markup:
    """A stored datetime."""
    try:
        return pages.told(times.read(stored), precise)
    except ValueError:
        # An order may store anything in any property.
        return said(stored)


def name_of(otype: ObjectType, row: Row) -> str:
    """What a person calls a record."""
    held = row["properties"]
    name = " ".join(held[part] for part in otype.title if held.get(part))
    return name or held.get("email") or held.get("domain") or f"{otype.label} {row['id']}"


def href(kind: str, record_id: str) -> str:
    return f"/r/{kind}/{record_id}"


def record_link(portal: "Portal", kind: str, record_id: str) -> Markup:
    row = portal.resolve(kind, record_id)
    if row is None:
        return el("code", record_id)
    return el("a", said(name_of(OBJECT_TYPES[kind], row)), href=href(kind, row["id"]))


def owner_name(portal: "Portal", owner_id: str) -> str:
    found = portal.owner(owner_id)
    return (
        " ".join(filter(None, (found["firstName"], found["lastName"]))) or found["email"]
        if found
        else owner_id
    )


def outcome(portal: "Portal", value: str) -> Markup | None:
    """A meeting's outcome as a badge: a word and a colour."""
    if not value:
        return None
    options = {one.value: one.label for one in portal.properties("meetings")["hs_meeting_outcome"].options}
    return tag(options.get(value, value), _TONES.get(value, "grey"))


def shown(portal: "Portal", kind: str, held: Property, value: str) -> Any:
    """A value as a person reads it."""
    if held.name == "hs_meeting_outcome":
        return outcome(portal, value)
    if held.reference in ("owner", "owners"):
        return ", ".join(owner_name(portal, one) for one in value.split(";"))
    if held.kind == "datetime":
        return moment(value)
    if held.field_type == "html":
        return said(calculated.plain(value))
    if held.name == "associatedcompanyid":
        return record_link(portal, "companies", value)
    labels = {one.value: one.label for one in portal.options(held, kind)}
    if labels:
        return said(", ".join(labels.get(one, one) for one in (value.split(";") if held.many else [value])))
    return said(value)


def _navigation(visit: Visit) -> Markup:
    portal = visit.portal
    objects = [
        link(
            visit,
            f"/o/{name}",
            OBJECT_TYPES[name].plural,
            number(f"n-{name}", len(portal.tables.living(name))),
        )
        for name in LISTED
    ]
    armed = len(portal.faults.told()["faults"])
    rest = [
        link(visit, "/calls", "API calls", number("n-calls", portal.journal.total)),
        link(visit, "/setup", "Setup"),
        link(visit, "/faults", "Faults", number("n-faults", armed, "number hot" if armed else "number")),
    ]
    return el(
        "nav", el("ul", link(visit, "/", "Home")), el("p", "Records", class_="group"), el("ul", *objects),
        el("p", "The portal", class_="group"), el("ul", *rest), aria_label="Portal", class_="side",
    )  # fmt: skip


def _usage(portal: "Portal") -> Markup:
    used, most = portal.settings.dailyUsed, portal.settings.daily
    words = f"{count(used)} of {count(most)} API calls today"
    bar = el("meter", words, min=0, max=max(most, 1), value=min(used, most), high=most * 0.9,
             aria_label="API calls used today")  # fmt: skip
    return live("usage", bar, el("span", words), tag="p", class_="usage")


def page(
    visit: Visit, title: str, *parts: Any, above: Any = None, lead: Any = None, actions: Any = None
) -> str:
    """A whole page of the portal."""
    main = [heading(title, above, lead, actions), *parts]
    name = f"{NAME} · {seed.PORTAL_ID}"
    return shell("HubSpot", name, title, _usage(visit.portal), _navigation(visit), main)
