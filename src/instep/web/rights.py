"""Who may see which pages: what concerns the whole account is for administrators (roles of the reference, OnceHub 8.7).

A table of routes decides, and it is closed: a page that nobody thought of is for administrators alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

OWNER, ADMINISTRATOR = "owner", "admin"
ADMINISTRATORS = frozenset({OWNER, ADMINISTRATOR})


class Right(StrEnum):
    """Whom a page is for."""

    ANYBODY = "anybody"  # signed in or not: the view says so itself
    SIGNED_IN = "signed in"
    ADMINISTRATORS = "administrators"


#: the beginning of a route as it stands in the urlconf → whom it is for; the longest beginning that fits decides
RIGHTS: Mapping[str, Right] = {
    "": Right.SIGNED_IN,
    "dashboard": Right.SIGNED_IN,
    "bookings": Right.SIGNED_IN,
    "contacts": Right.SIGNED_IN,
    "calendars": Right.SIGNED_IN,
    "calendars/known": Right.ADMINISTRATORS,
    "calendars/<path:calendar_id>/crm": Right.ADMINISTRATORS,
    "calendars/<slug:calendar_id>/links/sign": Right.ADMINISTRATORS,
    "calendars/<slug:calendar_id>/links/revoke": Right.ADMINISTRATORS,
    "sync-log": Right.ADMINISTRATORS,
    "integrations": Right.ADMINISTRATORS,
    "hosts": Right.SIGNED_IN,
    "properties": Right.ADMINISTRATORS,
    "set-aside": Right.ADMINISTRATORS,
    "test-plan": Right.SIGNED_IN,
    "zone": Right.SIGNED_IN,
    "design": Right.SIGNED_IN,
    "first-steps": Right.SIGNED_IN,
    "profile": Right.SIGNED_IN,
    "signout": Right.ANYBODY,
    "signin": Right.ANYBODY,
    "signin/confirm": Right.SIGNED_IN,
    "signin/confirm-code": Right.SIGNED_IN,
    "welcome": Right.ANYBODY,
    "b": Right.ANYBODY,
    "m": Right.ANYBODY,
    "healthz": Right.ANYBODY,
    "readyz": Right.ANYBODY,
    "webhooks": Right.ANYBODY,
}


def is_administrator(user: Any) -> bool:
    """Whether a signed-in person may touch what concerns the whole account."""
    return getattr(user, "role", "") in ADMINISTRATORS


def declared(route: str) -> Right | None:
    """Whom a route (as the urlconf writes it) is for; None where no row of the table speaks of it."""
    if not route:
        return RIGHTS[""]
    parts = route.split("/")
    beginnings = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((RIGHTS[one] for one in beginnings if one in RIGHTS), None)


def right_of(route: str) -> Right:
    """Whom a route is for."""
    return declared(route) or Right.ADMINISTRATORS


class AdministratorsOnly:
    """Refuses (403) pages for administrators to everybody else who is signed in; strangers sign in first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._next(request)

    def process_view(self, request: HttpRequest, *called: Any) -> None:
        """Looks at the route that was found, which no prefix, letter or slash of an address changes."""
        if not request.user.is_authenticated or is_administrator(request.user):
            return
        found = request.resolver_match
        if found is None or right_of(found.route) is Right.ADMINISTRATORS:
            raise PermissionDenied
