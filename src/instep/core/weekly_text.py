"""Weekly hours as people write them: “09:00–12:00, 13:00–17:00”, “9-5pm”, “9.30 to 24”."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from instep.core.booking_calendar import DAY, WeeklyHours
from instep.core.errors import InputError

_TIME = r"(\d{1,2})(?:[:.h](\d{2})|([0-5]\d))?\s*(?:([ap])\.?m\b\.?)?"
_SPAN = re.compile(rf"{_TIME}\s*(?:[-–—−~]|to|until)\s*{_TIME}", re.IGNORECASE)
_BETWEEN = re.compile(r"(?:[\s,;&+]|\band\b)*", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "–", "—"})
_HALF = DAY // 2
_CURE = "Write 09:00–17:00, or 09:00–12:00, 13:00–17:00; the end of the day is 24:00."


def day_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The spans of one day, from and to in minutes, sorted. Raises `InputError` for what is none, or overlaps."""
    typed = text.strip()
    found: list[tuple[int, int]] = []
    place = 0 if typed not in _NOTHING else len(typed)
    while place < len(typed):
        match = _SPAN.match(typed, place)
        if match is None:
            raise InputError(f"“{typed[place : place + 40]}” is no span of time.", cure=_CURE, code="HOURS")
        found.append(_span(match))
        between = _BETWEEN.match(typed, match.end())
        place = between.end() if between else match.end()
    ordered = sorted(found)
    for one, other in pairwise(ordered):
        if other[0] < one[1]:
            raise InputError(f"{_words(one)} and {_words(other)} overlap.", code="HOURS")
    return tuple(ordered)


def day_text(hours: WeeklyHours, weekday: int) -> str:
    """The spans of one weekday as `day_spans` reads them; empty for none."""
    return ", ".join(_words((a, b)) for day, a, b in sorted(hours.spans) if day == weekday)


def week(hours: WeeklyHours) -> tuple[tuple[int, int, str], ...]:
    """Weekdays that follow each other and have the same hours: (first, last, text); days without are left out."""
    groups: list[tuple[int, int, str]] = []
    for weekday in range(7):
        text = day_text(hours, weekday)
        if groups and groups[-1][1:] == (weekday - 1, text):
            groups[-1] = (groups[-1][0], weekday, text)
        elif text:
            groups.append((weekday, weekday, text))
    return tuple(groups)


def _span(match: re.Match[str]) -> tuple[int, int]:
    parts = match.groups()
    start, start_half = _minute(match, parts[:4])
    end, end_half = _minute(match, parts[4:])
    if not start_half and end_half == "p" and start < _HALF and start + _HALF < end:
        # "1-5pm" begins at 13:00, "9-5pm" at 09:00
        start += _HALF
    if end == 0:
        end = DAY
    if end <= start:
        raise InputError(
            f"“{match[0]}” ends before it begins.",
            cure="Write 17:00 or 5pm for the afternoon. What goes over midnight is 22:00–24:00 on one day and "
            "00:00–02:00 on the next.",
            code="HOURS",
        )
    return start, end


def _minute(match: re.Match[str], parts: Iterable[str | None]) -> tuple[int, str]:
    """The minute of the day that a time means, and its half of the day where that was written."""
    hour_text, minute_text, run_on, half = parts
    hour, minute = int(hour_text or 0), int(minute_text or run_on or 0)
    written = (half or "").lower()
    if written:
        if not 1 <= hour <= 12:
            raise InputError(f"“{match[0]}” is no span of time.", cure=_CURE, code="HOURS")
        hour = hour % 12 + (12 if written == "p" else 0)
    if minute > 59 or hour * 60 + minute > DAY:
        raise InputError(f"“{match[0]}” is no span of time.", cure=_CURE, code="HOURS")
    return hour * 60 + minute, written


def _words(span: tuple[int, int]) -> str:
    return "–".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in span)
