"""Dates and times as each language writes them, by CLDR. A locale is a name like `en_GB`, in which words and order
of the parts may be wished for separately: `en_DE` is English in German order.

A zone is any `tzinfo`; times are aware. A locale that nobody knows counts as `FALLBACK`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from functools import lru_cache

from babel import Locale, UnknownLocaleError, dates
from babel.core import get_global

#: where nothing is known: day before month and 24 hours, as most of the world writes
FALLBACK = "en_GB"

#: CLDR skeletons of each form, best first; the first one that a language has is widened to the wish
_FORMS = {
    "full": ("yMMMMEEEEd", "yMMMEd"),  # Thursday, 5 March 2026
    "date": ("yMMMEd",),  # Thu, 5 Mar 2026
    "day": ("MMMMEEEEd", "MMMMEd", "MMMEd"),  # Thursday 5 March
    "short": ("MMMEd",),  # Thu 5 Mar
}
_WIDE = frozenset({"full", "day"})


def day(at: datetime | date, zone: tzinfo, locale: str, form: str = "date") -> str:
    """A day: `full` (Thursday, 5 March 2026), `date` (Thu, 5 Mar 2026), `day` (Thursday 5 March) or `short`."""
    local = at.astimezone(zone) if isinstance(at, datetime) else at
    return dates.format_date(local, _day_pattern(form, locale), locale=locale_of(locale))


def month(on: date, locale: str) -> str:
    """A month and its year: March 2026."""
    known = locale_of(locale)
    return dates.format_date(on, str(known.datetime_skeletons.get("yMMMM", "MMMM y")), locale=known)


def time(at: datetime, zone: tzinfo, locale: str, hour12: bool | None = None) -> str:
    """A time of day: 13:00 or 1:00 pm. `hour12` None means as the locale does."""
    twelve = default_hour12(locale) if hour12 is None else hour12
    return dates.format_skeleton(
        "hm" if twelve else "Hm", at.astimezone(zone), tzinfo=zone, locale=locale_of(locale)
    )


def weekdays(locale: str) -> tuple[tuple[int, str, str], ...]:
    """The days of a week in their order: (0 = Monday, "Mo", "Monday")."""
    known = locale_of(locale)
    names = known.days["stand-alone"]
    short = names.get("short", names["abbreviated"])
    first = known.first_week_day
    return tuple((d % 7, str(short[d % 7]), str(names["wide"][d % 7])) for d in range(first, first + 7))


def default_hour12(locale: str) -> bool:
    """Whether the locale writes 1 pm rather than 13:00."""
    pattern = str(locale_of(locale).time_formats["short"].pattern)
    return any(hour in _without_quotes(pattern) for hour in "hK")


def territory(zone_name: str) -> str:
    """The country of a time zone ("PT" for Europe/Lisbon), empty where it belongs to none or many."""
    found = str(get_global("zone_territories").get(zone_name, ""))
    return found if len(found) == 2 and found.isalpha() else ""


def accepted(header: str) -> tuple[str, ...]:
    """The locales of an `Accept-Language` header that are known, best first, as `pt_PT`."""
    wishes: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, quality = part.strip().partition(";")
        weight = _QUALITY.match(quality.replace(" ", ""))
        known = _known(tag.replace("-", "_"))
        if known is not None:
            wishes.append((float(weight.group(1)) if weight else 1.0, str(known)))
    ranked = sorted((w for w in wishes if w[0] > 0), key=lambda wish: -wish[0])
    return tuple(dict.fromkeys(name for _, name in ranked))


def in_language(language: str, wishes: Iterable[str]) -> str:
    """The locale in which a page in `language` writes its dates for readers who wish for `wishes` (`accepted`).

    The words stay the page's; order of the parts and first day of the week follow the reader's country.
    """
    for wish in wishes:
        country = locale_of(wish).territory
        if wish.split("_")[0] == language:
            return wish
        if country and _known(f"{language}_{country}") is not None:
            return f"{language}_{country}"
    return FALLBACK if language == "en" else language


@lru_cache(maxsize=256)
def locale_of(name: str) -> Locale:
    """The locale of that name; `FALLBACK` where there is none."""
    return _known(name) or Locale.parse(FALLBACK)


_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)\Z")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:_[A-Za-z0-9]{2,8}){0,3}\Z")
_QUOTED = re.compile(r"'[^']*'")


@lru_cache(maxsize=256)
def _known(name: str) -> Locale | None:
    if not _TAG.match(name):
        return None
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None


def _without_quotes(pattern: str) -> str:
    return _QUOTED.sub("", pattern)


@lru_cache(maxsize=256)
def _day_pattern(form: str, locale: str) -> str:
    """The pattern of a form. Babel finds the nearest skeleton, but leaves its fields as short as they are there."""
    skeletons = locale_of(locale).datetime_skeletons
    found = next((str(skeletons[s].pattern) for s in _FORMS[form] if s in skeletons), "EEE, d MMM y")
    if form not in _WIDE:
        return found
    pieces = re.split(r"('[^']*')", found)
    return "".join(p if p.startswith("'") else _widened(p) for p in pieces)


def _widened(pattern: str) -> str:
    """Names in full; a month in digits stays so, as CLDR's rules for skeletons have it."""
    return re.sub(
        r"L{3}(?!L)", "LLLL", re.sub(r"(?<!M)M{3}(?!M)", "MMMM", re.sub(r"E+|c{3}", "EEEE", pattern))
    )
