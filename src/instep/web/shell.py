"""What stands on every page: navigation, banners of connections that stand still, the reader's zone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from instep.store.page_queries import LaneState, lane_states

#: (name of the address, its word, the first part of the addresses that belong to it)
NAVIGATION = (
    ("bookings", _("Bookings"), "/bookings"),
    ("set-aside", _("Set aside"), "/set-aside"),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`. Nothing is read from the database unless a template shows it."""
    return {
        "navigation": [
            {"address": reverse(name), "word": word, "current": request.path.startswith(prefix)}
            for name, word, prefix in NAVIGATION
        ],
        "lanes": SimpleLazyObject(lambda: _lanes(request)),
        "zone_name": timezone.get_current_timezone_name(),
    }


def _lanes(request: HttpRequest) -> list[LaneState]:
    user = getattr(request, "user", None)
    return lane_states(user.account_id) if user is not None and user.is_authenticated else []
