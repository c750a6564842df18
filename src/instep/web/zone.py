"""The reader's time zone: what the browser says, unless the reader chose one; UTC where nothing is known.

The cookie holds an IANA name, with `auto:` before it when the browser's script wrote it: a traveller's
zone follows the browser, a choice stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from attrs import frozen
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from instep.core import zones
from instep.core.zones import ZoneChoice

COOKIE = "instep_zone"
AUTO = "auto:"
_YEAR = 365 * 24 * 3600


class ZoneMiddleware:
    """Shows every time of the request in the reader's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # today's name, never what was sent: ZoneInfo would look for a file
        name = zones.canonical(request.COOKIES.get(COOKIE, "").removeprefix(AUTO))
        with timezone.override(ZoneInfo(name) if name else None):
            return self._get_response(request)


def available_zones() -> frozenset[str]:
    """Every zone that a reader may have, aliases included: browsers still tell some of them."""
    return _ZONES


_ZONES = frozenset(available_timezones())


def choices() -> list[tuple[str, list[str]]]:
    """The zones that are offered, by region."""
    return [(region, list(names)) for region, names in zones.regions()]


def offered(now: datetime) -> list[ZoneChoice]:
    """The zones that are offered, with what they are ahead of UTC: the list behind a field for a zone."""
    return [zones.choice(name, now) for _region, names in zones.regions() for name in names]


@frozen
class Typed:
    """What was typed into a field for a zone: the zone that it means, or why it means none.

    `among` are the zones that fit, where one has to be picked.
    """

    name: str
    error: str = ""
    among: tuple[ZoneChoice, ...] = ()


def read_zone(typed: str, picked: str, now: datetime) -> Typed:
    """Read a field for a zone; `picked` is the answer to being asked which one was meant."""
    name, among = zones.resolve(typed, picked, now)
    if name:
        return Typed(name)
    if among:
        said = _("Several time zones fit “%(typed)s”. Pick one below, or type a city.")
    elif typed.strip():
        said = _("“%(typed)s” is no time zone. Type a city, a country or a name like Europe/Lisbon.")
    else:
        said = _("Type a city, a country or a name like Europe/Lisbon.")
    return Typed("", said % {"typed": typed.strip()[:60]}, among)


@require_http_methods(["GET", "HEAD", "POST"])
def zone(request: HttpRequest) -> HttpResponse:
    """Choose the zone that times are shown in, or let the browser say it."""
    back = request.POST.get("next") or request.GET.get("next") or "/"
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    now = datetime.now(UTC)
    automatic = request.COOKIES.get(COOKIE, AUTO).startswith(AUTO)
    field = "" if automatic else timezone.get_current_timezone_name()
    read = Typed("")
    if request.method == "POST":
        if "automatic" in request.POST:
            return _remember(HttpResponseRedirect(back), "")
        field = request.POST.get("zone", "")
        read = read_zone(field, request.POST.get("zone_pick", ""), now)
        if read.name:
            return _remember(HttpResponseRedirect(back), read.name)
    context = {
        "offered": offered(now),
        "typed": field,
        "automatic": automatic,
        "next": back,
        "error": read.error,
        "among": read.among,
    }
    return render(request, "web/zone/page.html", context, status=400 if read.error else 200)


def _remember(response: HttpResponse, chosen: str) -> HttpResponse:
    if not chosen:
        response.delete_cookie(COOKIE)
        return response
    # the page's script reads it, to leave a choice alone
    response.set_cookie(COOKIE, chosen, max_age=_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response
