"""The parts of the design system that need more than markup: numbers, bars. `/design` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import formats

from instep.web.templatetags.look import seconds

register = template.Library()

#: A bar and the gap after it, and the height of the highest, in units of the drawing; the sheet stretches it.
_BAR, _GAP, _HEIGHT = 8, 2, 40


@register.filter
def number(value: float | None) -> str:
    """A number as it is read: 1,204. None, which nobody knows, is a dash."""
    return "—" if value is None else formats.number_format(value, force_grouping=True)


@register.filter
def in_fours(secret: str) -> str:
    """A secret that people copy by hand, in groups of four."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


_FORMS = {"number": number, "seconds": seconds}


@register.inclusion_tag("web/parts/bars.html")
def bars(
    values: Sequence[float | None], labels: Sequence[str], caption: str = "", form: str = "number"
) -> dict[str, Any]:
    """Bars, one for each value, and the same as a table for those who do not see them.

    None is no bar: nothing was measured. `form` is how the values are read: "number" or "seconds".
    """
    show = _FORMS[form]
    top = max((value for value in values if value is not None), default=0) or 1
    drawn = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        # what is not nothing must be seen
        height = max(round((value or 0) / top * _HEIGHT, 2), 1 if value else 0)
        word = "—" if value is None else show(value)
        drawn.append(
            {
                "x": place * (_BAR + _GAP),
                "y": _HEIGHT - height,
                "height": height,
                "label": label,
                "word": word,
            }
        )
    return {
        "bars": drawn,
        "width": max(len(drawn) * (_BAR + _GAP) - _GAP, 1),
        "height": _HEIGHT,
        "bar": _BAR,
        "caption": caption,
        "top": show(max((value for value in values if value is not None), default=0)),
    }
