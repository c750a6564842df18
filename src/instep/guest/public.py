"""What all pages of guests have in common: who is asking how often, where this Instep is, what is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core import ratelimit
from allauth.core.internal import ratelimit as count_any
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from instep.engine.strict import NotConfirmed

View = Callable[..., HttpResponse]

#: the names of the limits in the settings
_LIMIT, _LIMIT_OF_VISITOR, _LIMIT_OF_IDS = "guest", "named_record_of_visitor", "named_record"
#: seconds after which a caller who was told to wait may be heard again
_PAUSE = "600"


def guest_page(*methods: str) -> Callable[[View], View]:
    """A page for people who are not signed in; GET always means HEAD as well."""

    def open_to_all(view: View) -> View:
        # No cookie gives a guest any right: what a forged form could do here, its author can do himself. The check
        # would keep out who has cookies off, and browsers that send `Origin: null` where no referrer is wished.
        return login_not_required(csrf_exempt(require_http_methods([*methods, "HEAD"])(view)))

    return open_to_all


def private(view: View) -> View:
    """A page whose address is a secret: not told to other sites, not kept, not found."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        return hushed(view(request, *args, **named))

    return guarded


def hushed(response: HttpResponse) -> HttpResponse:
    """An answer whose address is not told to other sites, which is not kept and not found."""
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def frameable(response: HttpResponse) -> HttpResponse:
    """An answer that may stand inside another site's page. Nobody is signed in here, and what is done is confirmed."""
    response._csp_replace = {"frame-ancestors": ["*"]}  # type: ignore[attr-defined]
    response.xframe_options_exempt = True  # type: ignore[attr-defined]
    return response


def too_often(request: HttpRequest) -> bool:
    """Whether the caller's network has sent more forms than people do; counts this one."""
    return not ratelimit.consume(request, action=_LIMIT)


def too_many_ids(request: HttpRequest, account_id: int) -> bool:
    """Whether this visitor, or all visitors of an account, had more records read than people do; counts one.

    A visitor is a network, and whoever is signed in to the account one by himself: colleagues who press scheduling
    buttons all day sit behind one address.
    """
    user = request.user
    known = user.is_authenticated and user.account_id == account_id
    visitor = f"user {user.pk}" if known else f"network {count_any.get_ip(request)}"
    return not (
        _counted(request, _LIMIT_OF_VISITOR, f"{account_id} {visitor}")
        and _counted(request, _LIMIT_OF_IDS, str(account_id))
    )


def _counted(request: HttpRequest, action: str, key: str) -> bool:
    """Count one use; False where the limit is reached."""
    # the public function lets every GET pass
    return (
        count_any.consume(request, app="allauth.account", action=action, key=key, limit_get=True) is not None
    )


def pause(response: HttpResponse) -> HttpResponse:
    """Say when to come back to who sends too much."""
    response["Retry-After"] = _PAUSE
    return response


def status_of(error: NotConfirmed) -> int:
    """The status of an answer that confirms nothing: an outage is one for whoever watches the server."""
    return 409 if error.refused else 503


def not_confirmed(error: NotConfirmed) -> str:
    """What a guest is told of a booking that the host's systems did not take: nothing of what they said."""
    if error.refused:
        return _(
            "Your booking could not be confirmed: our records did not accept it. Nothing was booked, and what you "
            "typed is kept. Please check it, or write to your host."
        )
    return _(
        "Your booking could not be confirmed: our records did not answer in time. Nothing was booked, and what you "
        "typed is kept. Please press the button again in a minute."
    )


def base_url(request: HttpRequest) -> str:
    """Where guests reach this Instep, without a slash at the end."""
    return str(settings.INSTEP.public_url) or f"{request.scheme}://{request.get_host()}"


def nothing_here(request: HttpRequest, template: str) -> HttpResponse:
    """The friendly 404 of guests."""
    return render(request, template, status=404)
