"""What every page of a stand-in has: head, navigation, times, tables, notices, forms."""

from datetime import datetime
from typing import Any

import attrs

from .markup import Markup, el, said


@attrs.frozen
class Visit:
    """One look at a page. `form` is what was typed into it and `problem` why that was refused, where it was."""

    path: str
    query: dict[str, str] = attrs.field(factory=dict)
    form: dict[str, str] = attrs.field(factory=dict)
    problem: str | None = None


class NotHere(Exception):
    """There is no such page; the text says what is missing."""


class Refused(Exception):
    """A form that cannot be taken; the text says why, and what to do."""


def count(number: int) -> str:
    return f"{number:,}"


def told(at: datetime, precise: bool = False) -> Markup:
    """A time in UTC; the script turns it to the reader's zone. `precise` shows seconds."""
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


def link(visit: Visit, href: str, words: str, beside: Markup | None = None) -> Markup:
    here = visit.path == href or (href != "/" and visit.path.startswith(href + "/"))
    return el("li", el("a", words, beside, href=href, aria_current="page" if here else None))


def number(name: str, value: int, class_: str = "number") -> Markup:
    """A count beside a link of the navigation, kept in step."""
    return live(name, count(value), tag="b", class_=class_)


def shell(product: str, name: str, title: str, usage: Markup, navigation: Markup, main: list[Any]) -> str:
    """A whole page. `name` is the account's, `usage` stands in the bar, `main` is the content with its heading."""
    ribbon = el("p", el("b", f"{product} stand-in"), " – made up, on this machine", class_="ribbon")
    where = el("p", el("span", "Reload to see news", id="state"), el("span", "Times in UTC", id="zone"),
               class_="where")  # fmt: skip
    bar = el("div", el("a", said(name), class_="brand", href="/"), usage, where, class_="bar wide")
    content = el(
        "body",
        el("a", "Skip to the content", class_="skip", href="#main"),
        el("header", ribbon, bar, class_="top"),
        el("div", navigation, el("main", *main, id="main", tabindex="-1"), class_="wide frame"),
        el("p", id="news", class_="unseen", role="status"),
    )
    top = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} – {name} – {product} stand-in"),
        el("link", rel="stylesheet", href="/assets/page.css"),
        el("script", src="/assets/page.js", defer=True),
    )
    return "<!doctype html>" + el("html", top, content, lang="en")


def heading(title: str, above: Any = None, lead: Any = None, actions: Any = None) -> Markup:
    """`above` stands over the heading (where it belongs to), `lead` under it, `actions` beside it."""
    words = el("div", above, el("h1", said(title)), el("p", lead, class_="lead") if lead else None)
    return el("header", words, actions, class_="head")
