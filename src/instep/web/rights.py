"""Who may see which pages: account integrations are for administrators (roles of the reference, OnceHub 8.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

OWNER, ADMINISTRATOR = "owner", "admin"
ADMINISTRATORS = frozenset({OWNER, ADMINISTRATOR})
#: pages below these addresses concern the whole account
_FOR_ADMINISTRATORS = ("/integrations",)


def is_administrator(user: Any) -> bool:
    """Whether a signed-in person may touch what concerns the whole account."""
    return getattr(user, "role", "") in ADMINISTRATORS


def is_for_administrators(path: str) -> bool:
    """Whether the page at that address is for administrators alone."""
    return any(path == first or path.startswith(f"{first}/") for first in _FOR_ADMINISTRATORS)


class AdministratorsOnly:
    """Refuses (403) pages for administrators to everybody else who is signed in; strangers sign in first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._next(request)

    def process_view(self, request: HttpRequest, *called: Any) -> None:
        """Looks at the address, so that a page that is added below it is guarded from the first day."""
        guarded = is_for_administrators(request.path)
        if guarded and request.user.is_authenticated and not is_administrator(request.user):
            raise PermissionDenied
