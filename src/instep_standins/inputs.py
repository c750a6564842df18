"""Controls of the pages' forms: inputs with their labels and hints, switches, forms to add something."""

from typing import Any

import attrs

from .markup import Markup, el
from .pages import Visit, button, fold, form


@attrs.frozen
class Input:
    """One control of a form; `options` (value, words) make it a list, `lines` a text of several lines."""

    name: str
    label: str
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    number: tuple[int, int] | None = None
    hint: str | None = None
    required: bool = False
    lines: int = 0


def several(text: str) -> list[str]:
    """The values that somebody typed: one on each line, or all on one line with commas between."""
    parts = text.splitlines() if len(text.strip().splitlines()) > 1 else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def control(prefix: str, one: Input, typed: dict[str, str], wrong: bool) -> Markup:
    """An input with its label and hint. `typed` is what was sent; `wrong` ties it to the page's notice."""
    name, value = f"{prefix}-{one.name}", typed.get(one.name, one.value)
    label = el("label", one.label, for_=name)
    hint = el("small", one.hint, id=f"{name}-hint") if one.hint else None
    described = (
        " ".join(filter(None, ("notice" if wrong else "", f"{name}-hint" if one.hint else ""))) or None
    )
    if one.options:
        options = [el("option", words, value=v, selected=v == value) for v, words in one.options]
        return el(
            "p", label, el("select", *options, name=one.name, id=name, aria_describedby=described), hint
        )
    if one.lines:
        text = el("textarea", value, name=one.name, id=name, rows=one.lines, dir="auto", required=one.required,
                  aria_describedby=described)  # fmt: skip
        return el("p", label, text, hint)
    least, most = one.number or (None, None)
    kind = "number" if one.number else "text"
    box = el("input", type=kind, name=one.name, id=name, value=value, min=least, max=most, dir="auto",
             required=bool(one.number) or one.required, aria_describedby=described)  # fmt: skip
    return el("p", label, box, hint)


def adder(
    visit: Visit, path: str, act: str, summary: str, inputs: tuple[Input, ...], words: str, **hidden: str
) -> Markup:
    """Something to open that adds; it stays open, with what was typed, where it was refused."""
    key = "-".join((act, *hidden.values()))
    mine = visit.form.get("act") == act and all(visit.form.get(k) == v for k, v in hidden.items())
    typed = visit.form if mine else {}
    controls = [control(key, one, typed, mine and bool(visit.problem)) for one in inputs]
    content = form(path, act, *controls, button(words, "primary", id=f"do-{key}"), class_="stack", **hidden)
    return fold(summary, content, open=mine and bool(visit.problem), class_="adder")


def switch(
    path: str, act: str, name: str, on: bool, words: tuple[str, str], of: str, /, **hidden: Any
) -> Markup:
    """A form that is one switch; its label says whose it is."""
    knob = el("span", class_="knob", aria_hidden="true")
    content = button(
        [knob, words[0] if on else words[1]], "switch", role="switch", aria_checked="true" if on else "false", id=name,
        aria_label=of,
    )  # fmt: skip
    return form(path, act, content, **hidden, to="" if on else "yes")


def remover(path: str, act: str, of: str, words: str, /, **hidden: Any) -> Markup:
    """A removal behind a question."""
    sure = form(path, act, button("Remove", "danger", aria_label=f"Remove {of}"), **hidden)
    return fold(
        el("span", "Remove", el("span", f" {of}", class_="unseen")), el("p", words), sure, class_="small"
    )
