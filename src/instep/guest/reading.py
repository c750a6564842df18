"""How a guest reads times: zone, language and country, 12 or 24 hours."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from attrs import frozen
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from instep.core import cldr, zones
from instep.guest.asked import Asked

#: written by the page's script, or by a reader who chose (with no `auto:` before it)
ZONE_COOKIE = "instep_zone"
_AUTO = "auto:"
CLOCK_COOKIE = "instep_clock"
_YEAR = 365 * 24 * 3600


@frozen
class Reading:
    """`told` is False where the zone is only a guess, `chosen` True where the address names it; `browser_zone` is what
    the browser said, or empty."""

    zone: ZoneInfo
    locale: str
    hour12: bool
    told: bool = True
    chosen: bool = False
    browser_zone: str = ""

    @property
    def zone_name(self) -> str:
        """The zone's IANA name."""
        return self.zone.key

    def day(self, at: datetime | date, form: str = "full") -> str:
        """A day in words; see `core.cldr.day`."""
        return cldr.day(at, self.zone, self.locale, form)

    def clock(self, at: datetime) -> str:
        """A time of day."""
        return cldr.time(at, self.zone, self.locale, self.hour12)

    def date(self, at: datetime) -> date:
        """The day on which a moment falls for this guest."""
        return at.astimezone(self.zone).date()


def reading_of(request: HttpRequest, asked: Asked, otherwise: str, booked: str = "") -> Reading:
    """What the address asks for, else the zone that the guest booked in, else what the browser said, else the zone
    `otherwise`: as a guess."""
    wishes = cldr.accepted(request.headers.get("Accept-Language", ""))
    browser = zones.canonical(request.COOKIES.get(ZONE_COOKIE, "").removeprefix(_AUTO))
    name = asked.zone or zones.canonical(booked) or browser
    hour12 = asked.hour12
    if hour12 is None:
        kept = request.COOKIES.get(CLOCK_COOKIE, "")
        hour12 = kept == "12" if kept in ("12", "24") else cldr.default_hour12(wishes[0] if wishes else "")
    return Reading(
        zone=ZoneInfo(name or zones.canonical(otherwise) or "UTC"),
        locale=cldr.in_language(get_language() or "en", wishes),
        hour12=hour12,
        told=bool(name),
        chosen=bool(asked.zone),
        browser_zone=browser,
    )


def remember_clock(response: HttpResponse, asked: Asked) -> HttpResponse:
    """Keep a choice of 12 or 24 hours in the browser, for the pages after the booking."""
    if asked.hour12 is not None:
        response.set_cookie(
            CLOCK_COOKIE,
            "12" if asked.hour12 else "24",
            max_age=_YEAR,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
