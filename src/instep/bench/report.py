"""docs/benchmarks.md, made from one run of the bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from instep.bench.figures import bound, plain, verdict

Document = Mapping[str, Any]


def markdown(document: Document) -> str:
    """The page for a run: the figures, what each means and how it was measured."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    machine = document["machine"]
    yield "# Benchmarks"
    yield ""
    yield "Made by `instep bench sync --json > bench.json` and `instep bench report bench.json > docs/benchmarks.md`."
    yield f"{machine['cores']} cores, Python {machine['python']}, PostgreSQL {machine['postgres']},"
    yield f"{machine['system']}; load before the run {machine['load_before']}; {document['seconds']:.0f} s in all."
    if document["quick"]:
        yield ""
        yield "**A quick run: its times mean nothing, its calls do.**"
    yield ""
    yield "| what | measured | must | aim | |"
    yield "|---|---|---|---|---|"
    for figure in document["figures"].values():
        cells = (figure["label"], f"{plain(figure['value'])} {figure['unit']}", bound(figure, "must"))
        yield f"| {' | '.join((*cells, bound(figure, 'aim'), verdict(figure)))} |"
