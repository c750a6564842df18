"""The latest of each object, the list of one object, and the calls."""

import heapq
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...markup import Markup, el, said
from ...pages import NotHere, button, count, empty, live, part, row, table, tag, td
from ..schema import SObject
from ..tables import Record
from .cells import STAMP, columns, living, name_of, records_table
from .frame import LISTED, Visit, moment, page

if TYPE_CHECKING:
    from ..org import Org

_FIRST = frozenset({"Event", "Lead"})
_LATEST = 6  # rows of each object on the first page
_ROWS = 50  # rows of a list's page
_CALLS = 200
_EMPTY = {
    "Event": "No events yet. One appears as soon as a booking is written.",
    "Lead": "No leads yet. One appears when somebody new books.",
    "Contact": "No contacts yet. Convert a lead, and its contact stands here.",
    "Account": "No accounts yet. Convert a lead, and its account stands here.",
    "Case": "No cases yet.",
}


def home(visit: Visit) -> str:
    """The latest of everything, so that a newcomer sees a Lead and its Event appear."""
    org, parts = visit.org, []
    for name in LISTED:
        obj, records = org.catalogue[name], living(org, name)
        latest = heapq.nlargest(
            _LATEST, records, key=lambda record: (str(record.get(STAMP, "")), record["Id"])
        )
        more = f"All {count(len(records))}" if len(records) > _LATEST else None
        note = el("a", more, " ", obj.plural.lower(), href=f"/o/{name}") if more else None
        if latest:
            shown = part(name, obj.plural, records_table(org, obj, latest), note=note)
        else:
            # What a booking leads to at once is announced; the rest takes no room before it is there.
            shown = part(name, obj.plural, empty(_EMPTY[name])) if name in _FIRST else None
        parts.append(live(f"l-{name}", shown))
    calls = org.journal.entries()[-_LATEST:][::-1]
    note = el("a", "All calls", href="/calls") if calls else None
    parts.append(live("l-calls", part("calls", "Latest API calls", _calls(calls), note=note)))
    lead = "What an app writes to this org appears here as it happens. Nothing leaves this machine."
    return page(visit, "Latest changes", *parts, lead=lead)


def _met(org: "Org", obj: SObject, record: Record, wanted: str) -> bool:
    texts = (
        name_of(org, value) if field.type == "reference" and isinstance(value, str) else str(value)
        for field in columns(obj)
        if (value := record.get(field.name)) is not None
    )
    return wanted in record["Id"].lower() or any(wanted in text.casefold() for text in texts)


def _pager(path: str, asked: str, number: int, pages: int) -> Markup | None:
    if pages < 2:
        return None

    def to(other: int, words: str) -> Markup | None:
        values = {"q": asked, "page": other} if asked else {"page": other}
        return el("a", words, href=f"{path}?{urlencode(values)}") if 1 <= other <= pages else None

    here = el("span", f"Page {count(number)} of {count(pages)}")
    return el(
        "nav", to(number - 1, "Newer"), here, to(number + 1, "Older"), class_="pager", aria_label="Pages"
    )


def listed(visit: Visit, name: str) -> str:
    """All records of one object, the newest first."""
    if name not in LISTED:
        raise NotHere(f"There is no list of “{name}” here.")
    org, obj = visit.org, visit.org.catalogue[name]
    asked = visit.query.get("q", "").strip()
    # Records stand in the order of their arrival.
    found = living(org, name)[::-1]
    total = len(found)
    if asked:
        found = [record for record in found if _met(org, obj, record, asked.casefold())]
    pages = max(1, -(-len(found) // _ROWS))
    text = visit.query.get("page", "")
    number = min(max(int(text), 1), pages) if re.fullmatch(r"[0-9]{1,9}", text) else 1
    shown = found[(number - 1) * _ROWS : number * _ROWS]
    if shown:
        content = records_table(org, obj, shown)
    else:
        content = empty(f"Nothing has “{asked}” in it. Try fewer letters." if asked else _EMPTY[name])
    of = f"{count(len(found))} of {count(total)}" if asked else count(total)
    search = el(
        "form",
        el("label", f"Search {obj.plural.lower()}", for_="q", class_="unseen"),
        el(
            "input",
            type="search",
            id="q",
            name="q",
            value=asked,
            placeholder="Search name, mail, id",
            dir="auto",
        ),
        button("Search"),
        method="get",
        role="search",
        class_="search",
        data_search=True,
    )
    body = live("list", el("p", of, " ", obj.plural.lower(), ", newest first", class_="soft"), content,
                _pager(visit.path, asked, number, pages))  # fmt: skip
    return page(visit, obj.plural, body, actions=search)


def _call(entry: dict[str, Any]) -> Markup:
    status, good = entry["status"], 200 <= entry["status"] < 400
    answer = tag(
        f"{status} ok" if good else f"{status} failed" if status else "no answer", "good" if good else "bad"
    )
    what = el("span", said(", ".join(entry["summary"])), el("code", said(entry["path"])), class_="call")
    cells = (
        td("Time", moment(entry["at"], precise=True), kind="time"),
        td("Answer", answer),
        td("Took", f"{entry['ms']} ms", kind="number"),
        td("API limit", "counted" if entry["counted"] else "free"),
    )
    return row(f"c.{entry['n']}", what, *cells)


def _calls(entries: list[dict[str, Any]]) -> Markup:
    if not entries:
        return empty("No calls yet. They appear as an app connects.")
    return table(
        "API calls", ["What", "Time", "Answer", "Took", "API limit"], [_call(entry) for entry in entries]
    )


def calls(visit: Visit) -> str:
    """What apps called, the latest first."""
    entries = visit.org.journal.entries()[-_CALLS:][::-1]
    lead = f"The latest {_CALLS} since the stand-in started. Looking at these pages is no call."
    return page(visit, "API calls", live("list", _calls(entries)), lead=lead)
