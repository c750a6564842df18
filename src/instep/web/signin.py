"""Who may see pages: everybody who is signed in, and nobody else, unless a view says so itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.views import AccountInactiveView, LoginView, LogoutView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeReauthenticateView
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from instep.bookings import accounts

_sign_in = LoginView.as_view()
code = AuthenticateView.as_view()
inactive = AccountInactiveView.as_view()
sign_out = require_POST(LogoutView.as_view())
confirm = ReauthenticateView.as_view()
confirm_code = CodeReauthenticateView.as_view()


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in; on a server where nobody can sign in yet, the first run instead."""
    if request.method == "GET" and not accounts.has_users():
        return redirect("welcome")
    return _sign_in(request)


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Sends strangers to the sign-in; views marked `login_not_required` are open.

    A page that refreshes itself gets no sign-in page into its table: the whole page goes there instead.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        seen = urlsplit(request.headers.get("HX-Current-URL", "/"))._replace(scheme="", netloc="").geturl()
        to_sign_in = redirect_to_login(
            seen, self.get_login_url(view_func), self.get_redirect_field_name(view_func)
        )
        return HttpResponse(status=204, headers={"HX-Redirect": to_sign_in.url})
