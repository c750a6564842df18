"""The latest of each object, the list of one object, and the calls."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...markup import Markup, el, said
from ...pages import NotHere, button, count, empty, live, part, row, table, tag, td
from ..schema import OBJECT_TYPES, ObjectType
from ..tables import Row
from .frame import LISTED, Visit, href, moment, name_of, owner_name, page, record_link, shown

if TYPE_CHECKING:
    from ..portal import Portal

_FIRST = frozenset({"contacts", "meetings"})
_LATEST = 6  # rows of each object on the first page
_ROWS = 50  # rows of a list's page
_CALLS = 200
_EMPTY = {
    "contacts": "No contacts yet. One appears when somebody new books.",
    "meetings": "No meetings yet. One appears as soon as a booking is written.",
    "companies": "No companies yet. Setup has a switch that makes one for a contact's domain.",
    "tickets": "No tickets yet. One appears when an app makes it.",
    "deals": "No deals yet. One appears when an app makes it.",
}
# What each list shows beside the name.
_COLUMNS = {
    "contacts": ("email", "phone", "lifecyclestage", "hubspot_owner_id", "hs_latest_meeting_activity"),
    "meetings": ("hs_meeting_outcome", "hs_timestamp", "hs_meeting_location", "hubspot_owner_id"),
    "companies": ("domain", "phone", "city"),
    "tickets": ("hs_pipeline_stage", "hs_ticket_priority", "hubspot_owner_id"),
    "deals": ("dealstage", "amount", "hubspot_owner_id"),
}
_HEADS = {
    "hs_meeting_outcome": "Outcome", "hs_timestamp": "When", "hs_meeting_location": "Where",
    "hubspot_owner_id": "Owner", "hs_latest_meeting_activity": "Latest meeting",
}  # fmt: skip


def _head(portal: "Portal", kind: str, name: str) -> str:
    return _HEADS.get(name) or portal.properties(kind)[name].label


def records_table(portal: "Portal", otype: ObjectType, rows: list[Row]) -> Markup:
    """Records with the columns of their list; meetings with their contacts."""
    kind, names = otype.name, _COLUMNS[otype.name]
    heads = [otype.label, *(_head(portal, kind, name) for name in names)]
    lines = []
    for one in rows:
        key = f"{kind}.{one['id']}"
        cells = [_cell(portal, kind, one, name) for name in names]
        if kind == "meetings":
            cells.append(_guests(portal, one))
        title = el("a", said(name_of(otype, one)), href=href(kind, one["id"]))
        lines.append(row(key, title, *cells))
    return table(otype.plural, [*heads, "With"] if kind == "meetings" else heads, lines)


def _cell(portal: "Portal", kind: str, one: Row, name: str) -> Markup:
    value = one["properties"].get(name, "")
    content = shown(portal, kind, portal.properties(kind)[name], value) if value else None
    return td(
        _head(portal, kind, name), content, kind="" if value else "none", key=f"{kind}.{one['id']}.{name}"
    )


def _guests(portal: "Portal", one: Row) -> Markup:
    found = portal.associated("meetings", one["id"], "contacts")
    links = [
        [record_link(portal, "contacts", guest), ", " if i + 1 < len(found) else None]
        for i, guest in enumerate(found)
    ]
    return td("With", *links, kind="" if links else "none", key=f"meetings.{one['id']}.with")


def latest(portal: "Portal", kind: str) -> list[Row]:
    """Living records, what changed last first."""
    return sorted(
        portal.tables.living(kind), key=lambda one: (one["updatedAt"], int(one["id"])), reverse=True
    )


def home(visit: Visit) -> str:
    """The latest of everything, so that a newcomer sees a contact and its meeting appear."""
    portal, parts = visit.portal, []
    for kind in LISTED:
        otype, found = OBJECT_TYPES[kind], latest(visit.portal, kind)
        more = f"All {count(len(found))} {otype.plural.lower()}" if len(found) > _LATEST else None
        note = el("a", more, href=f"/o/{kind}") if more else None
        content = None
        if found:
            content = part(kind, otype.plural, records_table(portal, otype, found[:_LATEST]), note=note)
        elif kind in _FIRST:
            # What a booking leads to at once is announced; the rest takes no room before it is there.
            content = part(kind, otype.plural, empty(_EMPTY[kind]))
        parts.append(live(f"l-{kind}", content))
    told = portal.journal.entries()[-_LATEST:][::-1]
    note = el("a", "All calls", href="/calls") if told else None
    parts.append(live("l-calls", part("calls", "Latest API calls", _calls(told), note=note)))
    lead = "What an app writes to this portal appears here as it happens. Nothing leaves this machine."
    return page(visit, "Latest changes", *parts, lead=lead)


def _met(portal: "Portal", otype: ObjectType, one: Row, wanted: str) -> bool:
    held = one["properties"]
    owner = owner_name(portal, held["hubspot_owner_id"]) if held.get("hubspot_owner_id") else ""
    texts = [name_of(otype, one), one["id"], owner, *(held.get(name, "") for name in _COLUMNS[otype.name])]
    return any(wanted in text.casefold() for text in texts)


def _pager(path: str, asked: str, here: int, pages: int) -> Markup | None:
    if pages < 2:
        return None

    def to(other: int, words: str) -> Markup | None:
        values = {"q": asked, "page": other} if asked else {"page": other}
        return el("a", words, href=f"{path}?{urlencode(values)}") if 1 <= other <= pages else None

    told = el("span", f"Page {count(here)} of {count(pages)}")
    return el("nav", to(here - 1, "Newer"), told, to(here + 1, "Older"), class_="pager", aria_label="Pages")


def listed(visit: Visit, kind: str) -> str:
    """All records of one object, the latest change first."""
    if kind not in LISTED:
        raise NotHere(f"There is no list of “{kind}” here.")
    portal, otype = visit.portal, OBJECT_TYPES[kind]
    asked = visit.query.get("q", "").strip()
    found = latest(portal, kind)
    total = len(found)
    if asked:
        found = [one for one in found if _met(portal, otype, one, asked.casefold())]
    pages = max(1, -(-len(found) // _ROWS))
    text = visit.query.get("page", "")
    here = min(max(int(text), 1), pages) if re.fullmatch(r"[0-9]{1,9}", text) else 1
    rows = found[(here - 1) * _ROWS : here * _ROWS]
    if rows:
        content = records_table(portal, otype, rows)
    else:
        content = empty(f"Nothing has “{asked}” in it. Try fewer letters." if asked else _EMPTY[kind])
    of = f"{count(len(found))} of {count(total)}" if asked else count(total)
    box = el(
        "input", type="search", id="q", name="q", value=asked, placeholder="Search name, mail, id", dir="auto"
    )
    label = el("label", f"Search {otype.plural.lower()}", for_="q", class_="unseen")
    search = el(
        "form", label, box, button("Search"), method="get", role="search", class_="search", data_search=True
    )
    told = el("p", of, " ", otype.label.lower() if total == 1 else otype.plural.lower(), class_="soft")
    return page(
        visit,
        otype.plural,
        live("list", told, content, _pager(visit.path, asked, here, pages)),
        actions=search,
    )


def _calls(told: list[dict[str, Any]]) -> Markup:
    if not told:
        return empty("No calls yet. Connect an app, and each of its calls stands here.")
    lines = []
    for one in told:
        status = one["status"]
        tone = "bad" if status >= 400 or not status else "wait" if status == 207 else "good"
        words = el(
            "span", el("b", *one["summary"]), el("code", f"{one['method']} {one['path']}"), class_="call"
        )
        lines.append(row(
            f"call.{one['n']}", words, td("Answer", tag(status or "none sent", tone)),
            td("When", moment(one["at"], precise=True), kind="time"), td("Took", f"{one['ms']} ms", kind="number"),
            td("Counted", "yes" if one["counted"] else "no"),
        ))  # fmt: skip
    return table("API calls", ["Call", "Answer", "When", "Took", "Counted"], lines)


def calls(visit: Visit) -> str:
    """What apps called, the latest first."""
    told = visit.portal.journal.entries()[-_CALLS:][::-1]
    journal = visit.portal.journal
    words = f"{count(journal.counted)} of {count(journal.total)} calls counted against the limits."
    lead = "What apps asked and what they were answered. Looking at these pages is no call."
    return page(visit, "API calls", live("list", el("p", words, class_="soft"), _calls(told)), lead=lead)
