"""Times as the guest reads them. Every page has the guest's `reading` in its context."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instep.guest.reading import Reading

register = template.Library()


@register.simple_tag(takes_context=True)
def day(context: dict[str, Any], at: datetime, form: str = "full") -> SafeString:
    """The day of a moment; `form` as in `core.cldr.day`."""
    return _time(at, _reading(context).day(at, form))


@register.simple_tag(takes_context=True)
def clock(context: dict[str, Any], at: datetime) -> SafeString:
    """The time of day of a moment."""
    return _time(at, _reading(context).clock(at))


@register.simple_tag(takes_context=True)
def span(context: dict[str, Any], start: datetime, end: datetime) -> SafeString:
    """From when to when, and how many days later the end is where it is on another one."""
    reading = _reading(context)
    later = (reading.date(end) - reading.date(start)).days
    note = ngettext("+%(n)s day", "+%(n)s days", later) % {"n": later} if later else ""
    return format_html(
        '<span class="clock">{}–{}{}</span>',
        _time(start, reading.clock(start)),
        _time(end, reading.clock(end)),
        format_html(" <small>({})</small>", note) if note else "",
    )


@register.simple_tag(takes_context=True)
def short_time(context: dict[str, Any], at: datetime) -> str:
    """Day and time in a few words, as on a button: “Thu 5 Mar, 13:00”."""
    reading = _reading(context)
    return _("%(day)s, %(time)s") % {"day": reading.day(at, "short"), "time": reading.clock(at)}


@register.filter
def minutes(value: int) -> str:
    """A duration: 45 min, 1 h, 1 h 30 min."""
    hours, rest = divmod(value, 60)
    parts = [_("%(n)s h") % {"n": hours}] if hours else []
    return " ".join([*parts, *([_("%(n)s min") % {"n": rest}] if rest else [])])


@register.filter
def kind(field: Any) -> str:
    """How a field is laid out: check, options or plain."""
    widget = type(field.field.widget).__name__
    return {"CheckboxInput": "check", "RadioSelect": "options"}.get(widget, "plain")


def _reading(context: dict[str, Any]) -> Reading:
    reading: Reading = context["reading"]
    return reading


def _time(at: datetime, words: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), words)
