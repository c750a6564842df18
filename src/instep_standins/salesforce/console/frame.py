"""What every page of the console has: head, navigation, times, tables, notices, forms."""

import zlib
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import attrs

from ...markup import Markup, el, said
from .. import times

if TYPE_CHECKING:
    from ..org import Org

# The objects with a list, in the order of the navigation.
LISTED = ("Event", "Lead", "Contact", "Account", "Case")
# A page that outlives a restart must not take the new process's version for the old one's.
_RUN = token_hex(4)


@attrs.frozen
class Visit:
    """One look at a page. `form` is what was typed into it and `problem` why that was refused, where it was."""

    org: "Org"
    path: str
    query: dict[str, str] = attrs.field(factory=dict)
    form: dict[str, str] = attrs.field(factory=dict)
    problem: str | None = None


class NotHere(Exception):
    """There is no such page; the text says what is missing."""


class Refused(Exception):
    """A form that cannot be taken; the text says why, and what to do."""


def version(org: "Org") -> str:
    """Changes whenever anything that a page shows has changed."""
    told = zlib.crc32(repr((org.faults.told(), org.settings, org.config)).encode())
    return f'"{_RUN}.{org.tables.version}.{org.journal.total}.{org.schema_stamp}.{told:x}"'


def count(number: int) -> str:
    return f"{number:,}"


def moment(stored: str, precise: bool = False) -> Markup:
    """A stored datetime in UTC; the script turns it to the reader's zone. `precise` shows seconds."""
    try:
        at = times.read_datetime(stored)
    except (TypeError, ValueError):
        # An order may store anything in any field.
        return said(stored)
    text = f"{at.day} {at:%b %Y, %H:%M:%S} UTC" if precise else f"{at.day} {at:%b %Y, %H:%M} UTC"
    return el("time", text, datetime=f"{at:%Y-%m-%dT%H:%M:%S}Z", data_precise=precise)


def live(name: str, *children: Any, tag: str = "div", **attributes: Any) -> Markup:
    """A part that the script keeps in step with the org."""
    return el(tag, *children, id=name, data_live=True, **attributes)


def notice(words: Any, bad: bool = False) -> Markup:
    return el(
        "p", words, class_="notice bad" if bad else "notice", id="notice", role="alert" if bad else "status"
    )


def problem(visit: Visit) -> Markup | None:
    return notice(visit.problem, bad=True) if visit.problem else None


def tag(words: Any, tone: str = "grey") -> Markup:
    return el("span", words, class_=f"tag {tone}")


def fold(summary: Any, *children: Any, **attributes: Any) -> Markup:
    """Something to open, as the confirmation of what cannot be taken back."""
    return el("details", el("summary", summary), el("div", *children, class_="fold"), **attributes)


def form(path: str, act: str, /, *children: Any, class_: str | None = None, **hidden: str) -> Markup:
    """A form whose `act` tells the page what it is asked."""
    values = [
        el("input", type="hidden", name=name, value=value) for name, value in {"act": act, **hidden}.items()
    ]
    return el("form", *values, *children, method="post", action=path, class_=class_)


def button(words: Any, kind: str = "quiet", **attributes: Any) -> Markup:
    return el("button", words, type="submit", class_=kind, **attributes)


def td(label: str, *children: Any, kind: str = "", key: str | None = None) -> Markup:
    """A cell. Narrow screens lay rows out as cards, which takes a table's own roles away: they are said aloud."""
    return el("td", *children, role="cell", class_=kind or None, data_label=label, data_cell=key)


def row(key: str, head: Any, *cells: Markup) -> Markup:
    """`key` tells the script which row is new."""
    return el("tr", el("th", head, role="rowheader", scope="row"), *cells, role="row", data_row=key)


def table(label: str, heads: list[str], rows: list[Markup]) -> Markup:
    head = el("tr", *(el("th", one, role="columnheader", scope="col") for one in heads), role="row")
    content = el(
        "table",
        el("thead", head, role="rowgroup"),
        el("tbody", *rows, role="rowgroup"),
        role="table",
        aria_label=label,
    )
    return el(
        "div", content, class_="sheet", role="region", tabindex="0", aria_label=f"{label}, scrolls sideways"
    )


def empty(words: Any) -> Markup:
    return el("p", words, class_="sheet empty")


def part(name: str, title: Any, *children: Any, note: Any = None) -> Markup:
    """A section with its heading."""
    heading = el("h2", title, id=f"{name}-title")
    beside = el("span", note, class_="note") if note else None
    head = el("div", heading, beside, class_="title")
    return el("section", head, *children, aria_labelledby=f"{name}-title")


def living(org: "Org", name: str) -> int:
    return sum(1 for record in org.tables.rows(name).values() if not record.get("IsDeleted"))


def _link(visit: Visit, href: str, words: str, beside: Markup | None = None) -> Markup:
    here = visit.path == href or (href != "/" and visit.path.startswith(href + "/"))
    return el("li", el("a", words, beside, href=href, aria_current="page" if here else None))


def _navigation(visit: Visit) -> Markup:
    org = visit.org
    objects = [
        _link(visit, f"/o/{name}", org.catalogue[name].plural, _number(f"n-{name}", living(org, name)))
        for name in LISTED
    ]
    armed = len(org.faults.told()["faults"])
    return el(
        "nav",
        el("ul", _link(visit, "/", "Home")),
        el("p", "Records", class_="group"),
        el("ul", *objects),
        el("p", "The org", class_="group"),
        el(
            "ul",
            _link(visit, "/calls", "API calls", _number("n-calls", org.journal.total)),
            _link(visit, "/setup", "Setup"),
            _link(
                visit, "/faults", "Faults", _number("n-faults", armed, "number hot" if armed else "number")
            ),
        ),
        aria_label="Org",
        class_="side",
    )


def _number(name: str, number: int, class_: str = "number") -> Markup:
    return live(name, count(number), tag="b", class_=class_)


def _usage(org: "Org") -> Markup:
    used, most = org.settings.apiUsed, org.settings.apiMax
    words = f"{count(used)} of {count(most)} API calls used"
    bar = el(
        "meter",
        words,
        min=0,
        max=max(most, 1),
        value=min(used, most),
        high=most * 0.9,
        aria_label="API calls used",
    )
    counted = f"{count(org.journal.counted)} counted since the start"
    return live("usage", bar, el("span", words), el("span", counted, class_="soft"), tag="p", class_="usage")


def page(
    visit: Visit, title: str, *parts: Any, above: Any = None, lead: Any = None, actions: Any = None
) -> str:
    """A whole page. `above` stands over the heading (where it belongs to), `lead` under it, `actions` beside it."""
    name = str(visit.org.organization["Name"])
    head = el(
        "header",
        el("div", above, el("h1", said(title)), el("p", lead, class_="lead") if lead else None),
        actions,
        class_="head",
    )
    content = el(
        "body",
        el("a", "Skip to the content", class_="skip", href="#main"),
        el(
            "header",
            el("p", el("b", "Salesforce stand-in"), " – made up, on this machine", class_="ribbon"),
            el(
                "div",
                el("a", said(name), class_="brand", href="/"),
                _usage(visit.org),
                el(
                    "p",
                    el("span", "Reload to see news", id="state"),
                    el("span", "Times in UTC", id="zone"),
                    class_="where",
                ),
                class_="bar wide",
            ),
            class_="top",
        ),
        el(
            "div", _navigation(visit), el("main", head, *parts, id="main", tabindex="-1"), class_="wide frame"
        ),
        el("p", id="news", class_="unseen", role="status"),
    )
    top = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} – {name} – Salesforce stand-in"),
        el("link", rel="stylesheet", href="/assets/page.css"),
        el("script", src="/assets/page.js", defer=True),
    )
    return "<!doctype html>" + el("html", top, content, lang="en")
