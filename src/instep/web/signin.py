"""Who may see pages: everybody who is signed in, and nobody else, unless a view says so itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.views import AccountInactiveView, LoginView, LogoutView
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

sign_in = LoginView.as_view()
inactive = AccountInactiveView.as_view()
sign_out = require_POST(LogoutView.as_view())


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
