"""A figure: one measured number with what it must be and what we aim for."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

LOWER, HIGHER = "lower", "higher"


@frozen
class Figure:
    """One number. `must` and `aim` are bounds in the same unit, None where there is none.

    `better` says whether lower or higher is better; `shown` is for people.
    """

    name: str
    label: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None
    better: str = LOWER

    @property
    def ok(self) -> bool:
        """False when a must is broken; True where there is no must."""
        return self.must is None or self._within(self.must)

    @property
    def reaches_aim(self) -> bool | None:
        """Whether the aim is reached; None where there is no aim."""
        return None if self.aim is None else self._within(self.aim)

    def _within(self, bound: float) -> bool:
        return self.value <= bound if self.better == LOWER else self.value >= bound

    def document(self) -> dict[str, Any]:
        """The figure as JSON."""
        return {
            "label": self.label,
            "value": round(self.value, 3),
            "unit": self.unit,
            "must": self.must,
            "aim": self.aim,
            "better": self.better,
            "ok": self.ok,
            "reaches_aim": self.reaches_aim,
        }


def documents(figures: Iterable[Figure]) -> dict[str, dict[str, Any]]:
    """Figures as JSON, by name, in their order."""
    return {figure.name: figure.document() for figure in figures}


def table(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Figures as lines of a table for a terminal."""
    rows = [("", "value", "must", "aim", "")]
    rows += [
        (
            f"{figure['label']}",
            f"{plain(figure['value'])} {figure['unit']}",
            bound(figure, "must"),
            bound(figure, "aim"),
            verdict(figure),
        )
        for figure in figures.values()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def verdict(figure: Mapping[str, Any]) -> str:
    """One word for a figure: too slow, ok, or good where the aim is reached."""
    if not figure["ok"]:
        return "NOT MET"
    if figure["reaches_aim"]:
        return "aim reached"
    return "ok" if figure["must"] is not None else ""


def bound(figure: Mapping[str, Any], which: str) -> str:
    """A bound as text: `≤ 30`, or empty where there is none."""
    value = figure[which]
    return "" if value is None else f"{'≤' if figure['better'] == LOWER else '≥'} {plain(value)}"


def plain(value: float) -> str:
    """A number without needless decimals, thousands with commas."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def _python() -> str:
    """The interpreter. Distributions build theirs with optimizations, which make planning an eighth faster."""
    whose = "the system's own" if sys.base_prefix == "/usr" else "not the system's"
    return f"{platform.python_version()} ({whose})"


def machine(postgres: str) -> dict[str, Any]:
    """What the figures depend on beside the code."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": _python(),
        "postgres": postgres,
        "system": f"{platform.system()} {platform.machine()}",
    }
