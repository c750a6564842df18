"""HTML as nested calls: what is not marked as markup is escaped, so that no record can add any."""

from collections.abc import Iterable
from html import escape
from typing import Any

_VOID = frozenset({"br", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _text(child: Any) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, Iterable) and not isinstance(child, str):
        return "".join(_text(one) for one in child)
    return escape(str(child), quote=False)


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def el(tag: str, /, *children: Any, **attributes: Any) -> Markup:
    """One element. `class_` is class and `data_key` data-key; None and False leave a child or attribute out."""
    head = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    return Markup(f"<{head}>" if tag in _VOID else f"<{head}>{_text(children)}</{tag}>")


def said(value: Any) -> Markup:
    """Something that people typed, in whatever script."""
    return el("bdi", value, dir="auto")
