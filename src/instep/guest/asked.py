"""What the address or the form of a guest's page asks for. Unknown parameters are ignored, names are taken in any
case, values are cut to a length; nothing in here proves who somebody is.

Source of the names: booking-link parameters (OnceHub 8.3), links that name a record (OnceHub 4.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from instep.core import zones
from instep.engine import record_links

#: what a link that names a record of the CRM is made of, as it is written
RECORD = record_links.parameters()
_LONGEST_RECORD = 200

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

#: what a link may fill in beforehand → the field of the form
PREFILL: Mapping[str, str] = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "mobile_phone": "phone",
    "company": "company",
    "note": "note",
}

#: no value of an address is longer, in characters
LONGEST = 2000
_LONGEST_UTM = 200
#: dates that people book for; the calendar of `datetime` ends soon after
_YEARS = range(2000, 2200)


@frozen
class Asked:
    """A guest's wishes so far; empty and None where nothing, or nothing usable, was said.

    `month` is the first of a month, `zone` a name that exists, `start` aware and in UTC, `duration` in minutes.
    `record` are the parameters that name a record of the CRM; `embedded` says that the page stands in another one.
    """

    month: date | None = None
    day: date | None = None
    zone: str = ""
    duration: int = 0
    hour12: bool | None = None
    start: datetime | None = None
    prefill: Mapping[str, str] = field(factory=dict)
    utm: Mapping[str, str] = field(factory=dict)
    skip: bool = False
    record: Mapping[str, str] = field(factory=dict)
    embedded: bool = False

    def parameters(self) -> dict[str, str]:
        """What a link has to say so that the page behind it knows the same; PREFILL keys first."""
        said = {
            "month": f"{self.month:%Y-%m}" if self.month else "",
            "date": self.day.isoformat() if self.day else "",
            "start": moment_text(self.start) if self.start else "",
            "tz": self.zone,
            "duration": str(self.duration) if self.duration else "",
            "clock": {True: "12", False: "24", None: ""}[self.hour12],
            "skip": "1" if self.skip else "",
            "embed": "1" if self.embedded else "",
        }
        known = {name: value for name, value in said.items() if value}
        return {**self.prefill, **known, **self.record, **self.utm}

    def link(self, path: str, **changes: object) -> str:
        """An address with these wishes, changed."""
        query = urlencode(evolve(self, **changes).parameters())
        return f"{path}?{query}" if query else path


def asked_of(said: Mapping[str, str], questions: Iterable[str] = ()) -> Asked:
    """The wishes in the parameters of an address. `questions` are the identifiers that may be prefilled too."""
    given = {name.lower(): cleaned(value) for name, value in said.items()}
    known = {**PREFILL, **{q: q for q in questions}}
    prefill = {name: given[name] for name in known if given.get(name)}
    return Asked(
        month=_month(given.get("month", "")),
        day=_day(given.get("date", "")),
        zone=zones.canonical(given.get("tz") or given.get("iana_time_zone", "")),
        duration=_minutes(given.get("duration") or given.get("duration_minutes", "")),
        hour12={"12": True, "24": False}.get(given.get("clock", "")),
        start=moment_of(given.get("start", "")),
        prefill=prefill,
        utm={name: given[name][:_LONGEST_UTM] for name in UTM if given.get(name)},
        skip="1" in (given.get("skip"), given.get(record_links.SKIP.lower())),
        record={name: given[name.lower()][:_LONGEST_RECORD] for name in RECORD if given.get(name.lower())},
        embedded=given.get("embed") == "1",
    )


def cleaned(text: str) -> str:
    """A value without control characters (NUL above all, which no database takes), cut to `LONGEST`."""
    return "".join(c for c in text[:LONGEST] if c in "\n\t" or not ("\0" <= c < " " or c == "\x7f")).strip()


def moment_text(at: datetime) -> str:
    """A moment as links carry it: 2026-03-05T13:00Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


def moment_of(text: str) -> datetime | None:
    """The moment that a link carries; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None and at.year in _YEARS else None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _month(text: str) -> date | None:
    return _day(f"{text}-01")


def _minutes(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
