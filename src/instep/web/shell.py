"""What stands on every page: navigation, menus, banners of connections that stand still, the reader's zone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from instep.store.page_queries import LaneState, lane_states
from instep.web.rights import Right, is_administrator, right_of

#: (name of the address, its word, the first part of the addresses that belong to it), in the order shown
NAVIGATION = (
    ("dashboard", _("Dashboard"), "/dashboard"),
    ("bookings", _("Bookings"), "/bookings"),
    ("contacts", _("Contacts"), "/contacts"),
    ("calendars", _("Booking Calendars"), "/calendars"),
    ("sync-log", _("Sync log"), "/sync-log"),
)

#: What is set up once and looked at rarely: the menu behind the gear. The same three parts.
GEAR = (
    ("integrations", _("Account Integrations"), "/integrations"),
    ("properties", _("Properties"), "/properties"),
    ("hosts", _("Hosts"), "/hosts"),
    ("set-aside", _("Set aside"), "/set-aside"),
)

#: The menu of the person who is signed in. The same three parts.
PROFILE = (
    ("profile", _("Your profile"), "/profile"),
    ("zone", _("Time zone"), "/zone"),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`. Nothing is read from the database unless a template shows it."""
    return {
        "navigation": _entries(_allowed(request, NAVIGATION), request.path),
        "gear": _entries(_allowed(request, GEAR), request.path),
        "administrator": is_administrator(getattr(request, "user", None)),
        "profile_menu": _entries(PROFILE, request.path),
        "lanes": SimpleLazyObject(lambda: _lanes(request)),
        "zone_name": timezone.get_current_timezone_name(),
    }


def _allowed(
    request: HttpRequest, menu: tuple[tuple[str, Any, str], ...]
) -> tuple[tuple[str, Any, str], ...]:
    """What of a menu the reader may open."""
    if is_administrator(getattr(request, "user", None)):
        return menu
    return tuple(one for one in menu if right_of(one[2].lstrip("/")) is not Right.ADMINISTRATORS)


def _entries(places: tuple[tuple[str, Any, str], ...], path: str) -> list[dict[str, Any]]:
    return [
        {"address": reverse(name), "word": word, "current": path == first or path.startswith(f"{first}/")}
        for name, word, first in places
    ]


def _lanes(request: HttpRequest) -> list[LaneState]:
    user = getattr(request, "user", None)
    return lane_states(user.account_id) if user is not None and user.is_authenticated else []
