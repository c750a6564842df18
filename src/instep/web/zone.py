"""The reader's time zone: what the browser says, unless the reader chose one; UTC where nothing is known.

The cookie holds an IANA name, with `auto:` before it when the browser's script wrote it: a traveller's
zone follows the browser, a choice stays.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

COOKIE = "instep_zone"
AUTO = "auto:"
_YEAR = 365 * 24 * 3600

#: what people choose from: one name for each place, without the old aliases and fixed offsets
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


class ZoneMiddleware:
    """Shows every time of the request in the reader's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, "").removeprefix(AUTO)
        # a name, never a path: ZoneInfo would look for a file
        with timezone.override(ZoneInfo(name) if name in available_zones() else None):
            return self._get_response(request)


def available_zones() -> frozenset[str]:
    """Every zone that a reader may have, aliases included: browsers still tell some of them."""
    return _ZONES


_ZONES = frozenset(available_timezones())


def choices() -> list[tuple[str, list[str]]]:
    """The zones that are offered, by region."""
    regions = [(r, sorted(z for z in _ZONES if z.startswith(f"{r}/"))) for r in _REGIONS]
    return [("", ["UTC"]), *regions]


@require_http_methods(["GET", "POST"])
def zone(request: HttpRequest) -> HttpResponse:
    """Choose the zone that times are shown in, or let the browser say it."""
    back = request.POST.get("next") or request.GET.get("next") or "/"
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    error = ""
    if request.method == "POST":
        chosen = request.POST.get("zone", "")
        if chosen in _ZONES or not chosen:
            return _remember(HttpResponseRedirect(back), chosen)
        error = _("“%(zone)s” is no time zone. Choose one from the list.") % {"zone": chosen[:60]}
    context = {
        "zones": choices(),
        "chosen": timezone.get_current_timezone_name(),
        "automatic": request.COOKIES.get(COOKIE, AUTO).startswith(AUTO),
        "next": back,
        "error": error,
    }
    return render(request, "web/zone/page.html", context, status=400 if error else 200)


def _remember(response: HttpResponse, chosen: str) -> HttpResponse:
    if not chosen:
        response.delete_cookie(COOKIE)
        return response
    # the page's script reads it, to leave a choice alone
    response.set_cookie(COOKIE, chosen, max_age=_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response
