"""Reading a page as a guest does: texts, links, fields, by the browser's own rules for HTML; and what was kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
#: words before and after these are words of their own
_PARTING = frozenset({"br", "dt", "dd", "div", "h1", "h2", "h3", "label", "li", "option", "p", "td", "th"})


class Page(HTMLParser):
    """A page; `text` is all that is said, `links` words → address, `fields` name → value as a browser would send."""

    def __init__(self, response: HttpResponse | Any) -> None:
        super().__init__()
        self.text = ""
        self.title = ""
        self.links: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._link: dict[str, str] | None = None
        self._words = ""
        self._area = ""
        self.feed(response.content.decode())
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag in _PARTING:
            self.handle_data(" ")
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "a":
            self._link, self._words = given, ""
        if tag == "input":
            self._input(given)
        if tag == "textarea":
            self._area, self.fields[given["name"]] = given["name"], ""

    def _input(self, given: dict[str, str]) -> None:
        name = given.get("name")
        if name and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            self.fields[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1] == tag, f"</{tag}> closes {self._open[-1]}"
        self._open.pop()
        if tag == "a" and self._link is not None:
            words = self._link.get("aria-label") or " ".join(self._words.split())
            self.links.setdefault(words, self._link["href"])
            self._link = None
        if tag == "textarea":
            # a browser drops the first line break in it
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title += data
        else:
            self.text += data
        self._words += data
        if self._area:
            self.fields[self._area] += data

    def all(self, tag: str, **wanted: str) -> Iterator[dict[str, str]]:
        """The attributes of every such element."""
        for name, given in self.elements:
            if name == tag and all(given.get(key.rstrip("_")) == value for key, value in wanted.items()):
                yield given


def rows(table: str) -> int:
    """How many rows a table has."""
    from instep.store.queries import rows as run

    return int(run(f"SELECT count(*) FROM {table}", [])[0][0])
