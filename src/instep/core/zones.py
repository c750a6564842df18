"""Time zones as people look for them: by city, country, old name, abbreviation or offset.

The tables are those of the IANA database that the `tzdata` package carries: `zone.tab` has one name for each place
that people live in, `zonenow.tab` the best known one of each clock, `tzdata.zi` what older names stand for,
`iso3166.tab` the countries.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from attrs import frozen

_UTC = "UTC"
#: the first parts of the names that are offered; the order of the lists of choices
_REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
#: old names that the database leads to another country with the same clock; browsers still tell most of them
_SAME_PLACE = {
    "Africa/Asmera": "Africa/Asmara",
    "Africa/Timbuktu": "Africa/Bamako",
    "America/Coral_Harbour": "America/Atikokan",
    "America/Virgin": "America/St_Thomas",
    "Antarctica/South_Pole": "Antarctica/McMurdo",
    "Etc/GMT": _UTC,
    "Etc/UTC": _UTC,
    "Iceland": "Atlantic/Reykjavik",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
    "Pacific/Yap": "Pacific/Chuuk",
}
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+\-−])\s*(\d{1,2})(?::?([0-5]\d))?\Z", re.IGNORECASE)


@frozen
class ZoneChoice:
    """A zone to choose: its name, “Lisbon · Europe/Lisbon”, and what it is ahead of UTC at the moment asked about."""

    name: str
    label: str
    offset: str


@frozen
class _Place:
    """What a zone is found by, in small letters without accents.

    `weight` sorts: the best known zone of each clock first, then those with clocks of their own, then as in the
    country's list, the most populous first.
    """

    name: str
    city: str
    country: str
    code: str
    others: tuple[str, ...]
    weight: tuple[bool, bool, int]


def canonical(name: str) -> str:
    """Today's name of a zone, whatever its case and spaces; empty where there is no such zone."""
    return _names().get("_".join(name.split()).lower(), "")


def regions() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The zones that are offered, by region; UTC stands first, in none."""
    names = sorted(_places())
    found = ((r, tuple(n for n in names if n.startswith(f"{r}/"))) for r in _REGIONS)
    return (("", (_UTC,)), *found)


def choice(name: str, now: datetime) -> ZoneChoice:
    """A zone as it is shown in a list. Raises `KeyError` for a name that does not exist."""
    return ZoneChoice(name, _label(name), offset_words(ZoneInfo(name), now))


def search(query: str, now: datetime, limit: int = 20) -> tuple[ZoneChoice, ...]:
    """The zones that fit what somebody typed, the best first: “lisb”, “new york”, “india”, “+2”, “CET”."""
    wanted = _plain(query)
    if not wanted:
        return ()
    exact = _meant(query)
    offset = _OFFSET.match(query.strip())
    ranked: list[tuple[int, tuple[bool, bool, int], str]] = []
    for name, place in _places().items():
        if offset:
            rank = 0 if ZoneInfo(name).utcoffset(now) == _delta(offset) else None
        else:
            rank = 0 if name == exact else _rank(place, wanted, now.year)
        if rank is not None:
            ranked.append((rank, place.weight, name))
    return tuple(choice(name, now) for _, _, name in sorted(ranked)[:limit])


def resolve(typed: str, picked: str, now: datetime) -> tuple[str, tuple[ZoneChoice, ...]]:
    """The zone that somebody means, or an empty name and the zones among which he has to pick one.

    `picked` counts only among those that fit what was typed: it may be left over from what was typed before.
    """
    name = _meant(typed)
    if name:
        return name, ()
    found = search(typed, now)
    names = [one.name for one in found]
    if picked in names:
        return picked, ()
    return (names[0], ()) if len(names) == 1 else ("", found)


def _meant(typed: str) -> str:
    """The zone of a whole name. A word alone is none: “EST” is a zone of the database, but Panama's."""
    name = canonical(typed)
    return name if "/" in typed or name == _UTC else ""


def offset_words(zone: ZoneInfo, at: datetime) -> str:
    """What a zone is ahead of UTC at a moment: “UTC+05:45”."""
    minutes = round((at.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _rank(place: _Place, wanted: str, year: int) -> int | None:
    """How well a place fits: 0 is what was meant, None not at all."""
    if wanted in (place.city, place.country):
        return 0
    if wanted == place.code or wanted in _abbreviations(place.name, year):
        return 1
    if place.city.startswith(wanted):
        return 2
    if f" {wanted}" in f" {place.city}" or place.country.startswith(wanted):
        return 3
    texts = (place.country, *place.others)
    if any(f" {wanted}" in f" {text}" for text in texts):
        return 4
    words = wanted.split()
    everything = " ".join((place.city, *texts))
    return 5 if len(words) > 1 and all(f" {word}" in f" {everything}" for word in words) else None


def _delta(offset: re.Match[str]) -> timedelta:
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return ahead if sign == "+" else -ahead


def _label(name: str) -> str:
    _, slash, rest = name.partition("/")
    if not slash:
        return name
    # "America/Indiana/Knox": the city stands last
    city = ", ".join(reversed(rest.replace("_", " ").split("/")))
    return f"{city} · {name}"


def _plain(text: str) -> str:
    """Small letters without accents, words parted by single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(" " if c in "_/-,·" else c for c in letters if not unicodedata.combining(c))
    return " ".join(kept.split())


@lru_cache(maxsize=2048)
def _abbreviations(name: str, year: int) -> frozenset[str]:
    """“cet” and “cest”: what the zone's clocks are called in a year."""
    zone = ZoneInfo(name)
    moments = (datetime(year, month, 1, tzinfo=UTC) for month in (1, 7))
    found = (moment.astimezone(zone).tzname() or "" for moment in moments)
    return frozenset(word.lower() for word in found if word.isalpha())


# --- the tables, read once ---


def _table(name: str) -> Iterable[list[str]]:
    """The lines of a table of the database, without comments, in fields."""
    text = (files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    separator = None if name.endswith(".zi") else "\t"
    return [line.split(separator) for line in text.splitlines() if line and not line.startswith("#")]


@cache
def _links() -> Mapping[str, str]:
    """Old name → the name that the database leads it to."""
    return {line[2]: line[1] for line in _table("tzdata.zi") if line[0] == "L"}


@cache
def _names() -> Mapping[str, str]:
    """Every name in small letters → today's name."""
    places = {line[2] for line in _table("zone.tab")}
    zones = {line[1] for line in _table("tzdata.zi") if line[0] == "Z"} - {"Factory"}
    links = {**_links(), **_SAME_PLACE}

    def today(name: str) -> str:
        while name not in places and name in links and name != _UTC:
            name = links[name]
        return name

    return {name.lower(): today(name) for name in (*zones, *places, *links, _UTC)}


@cache
def _places() -> Mapping[str, _Place]:
    """Each zone that is offered → what it is found by."""
    countries = dict(_table("iso3166.tab"))
    best_known = {line[2] for line in _table("zonenow.tab")}
    aliases: dict[str, list[str]] = {}
    for old in _links():
        aliases.setdefault(canonical(old), []).append(_plain(old))
    found = {_UTC: _Place(_UTC, "utc", "", "", ("gmt", "universal", "zulu"), (False, False, -1))}
    listed = Counter[str]()
    for code, _, name, *comment in _table("zone.tab"):
        city = _plain(_label(name).partition(" · ")[0])
        others = (_plain(name), *aliases.get(name, ()), *map(_plain, comment))
        weight = (name not in best_known, name in _links(), listed[code])
        listed[code] += 1
        found[name] = _Place(name, city, _plain(countries[code]), code.lower(), others, weight)
    return found
