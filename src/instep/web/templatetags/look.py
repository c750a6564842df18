"""The small parts that every page is made of: moments, statuses, CRM marks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instep.core.booking import STATUS_WORDS, Status
from instep.core.booking_calendar import HERE
from instep.crm.vendors import VENDORS
from instep.store.queries import IGNORED, IN_STEP, PROBLEM, WAITING
from instep.web.crm_words import words_of

register = template.Library()

SOURCE_WORDS = {"oncehub": "OnceHub", HERE: "Instep"}

_FORMS = {
    "moment": "D j M Y, H:i",
    "exact": "j M Y, H:i:s",
    "day": "D j M Y",
    "clock": "H:i",
    "short": "j M, H:i",
}


@register.simple_tag
def moment(at: datetime | None, form: str = "moment") -> SafeString | str:
    """A time in the reader's zone; the machine-readable attribute is in UTC. `form` is a key of `_FORMS`."""
    if at is None:
        return "—"
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        formats.date_format(local, _FORMS[form]),
    )


@register.simple_tag
def clock_to(start: datetime, end: datetime) -> SafeString:
    """`14:00–14:30`, and how many days later the end is where it is on another one."""
    first, last = timezone.localtime(start), timezone.localtime(end)
    days = (last.date() - first.date()).days
    later = ngettext("+%(n)s day", "+%(n)s days", days) % {"n": days} if days else ""
    return format_html(
        '<span class="clock">{}–{}{}</span>',
        formats.date_format(first, _FORMS["clock"]),
        formats.date_format(last, _FORMS["clock"]),
        format_html(" <small>{}</small>", later) if later else "",
    )


@register.inclusion_tag("web/parts/status.html")
def status(value: Status | str, detail: str = "") -> dict[str, Any]:
    """A booking's status: a word, or the detailed text, and a colour."""
    known = Status(value)
    return {"value": known.value, "word": _(STATUS_WORDS[known]), "detail": detail}


_MARKS = {
    IN_STEP: ("in-step", "✓"),
    WAITING: ("waiting", "…"),
    PROBLEM: ("problem", "!"),
    IGNORED: ("none", "–"),
}


@register.simple_tag
def crm_mark(state: str) -> SafeString:
    """Where something stands with a CRM: a sign, a word and a colour."""
    kind, sign = _MARKS[state]
    words = {IN_STEP: _("In step"), WAITING: _("Waiting"), PROBLEM: _("Problem"), IGNORED: _("Ignored")}
    return format_html(
        '<span class="mark {}"><span class="sign" aria-hidden="true">{}</span>{}</span>',
        kind,
        sign,
        words[state],
    )


@register.filter
def vendor(name: str) -> str:
    """The name that people know a CRM by."""
    return VENDORS[name].profile.label if name in VENDORS else name


@register.filter
def user_called(name: str) -> str:
    """What a CRM calls somebody who can own records."""
    return VENDORS[name].profile.user_called


@register.filter
def limits_of(name: str) -> str:
    """Who shares a CRM's API calls of the day."""
    return str(words_of(name).limits)


@register.filter
def source(name: str) -> str:
    """The name that people know a source of events by."""
    return SOURCE_WORDS.get(name, name)


@register.filter
def seconds(value: float) -> str:
    """A duration in seconds, as exact as it is interesting: 0.04 s, 1.4 s, 38 s, 5 min, 3 h."""
    if value < 0.095:
        return f"{value:.2f} s"
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.0f} h"


@register.filter
def ago(at: datetime) -> str:
    """How long ago a moment is, as one would say it: just now, 2 minutes ago."""
    if (timezone.now() - at).total_seconds() < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(at, depth=1)}


@register.filter
def outcome(value: str) -> str:
    """What a receipt came to, in words: "done", or the class of the error that its item waits for."""
    words = {
        "done": _("written"),
        "Retry": _("tried again later"),
        "Wait": _("paused"),
        "NeedsAdmin": _("problem"),
        "Skip": _("left out"),
    }
    return words.get(value, _("problem"))


@register.filter
def listed(value: Any) -> str:
    """An answer of a form: several values side by side."""
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


@register.filter
def is_web(address: str) -> bool:
    """Whether an address from outside may be a link: a `javascript:` one must never be."""
    return address.lower().startswith(("https://", "http://"))
