"""The account's certificate: made anew, and taken into use by a connection once Salesforce knows it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from instep.core.errors import InstepError
from instep.engine.signing import replace_signing_key, use_signing_key
from instep.store.connection_queries import connection_by_public_id
from instep.web.connection import row_of


@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Make a new key and certificate. Nothing signs in with them yet."""
    replace_signing_key(request.user.account_id)
    messages.success(
        request,
        _(
            "The new certificate is made. Connections go on with the old one until you have uploaded the new one "
            "in Salesforce and press “Use the new certificate” there."
        ),
    )
    connection = connection_by_public_id(request.user.account_id, request.POST.get("connection", ""))
    return (
        redirect("connection", connection["public_id"]) if connection else redirect("connect", "salesforce")
    )


@require_POST
def use(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Sign in with the new certificate; where that fails the connection stays as it is."""
    row = row_of(request, connection_id)
    try:
        use_signing_key(request.user.account_id, row)
        messages.success(
            request, _("Salesforce took the new certificate: this connection uses it from now on.")
        )
    except InstepError as error:
        messages.error(
            request,
            _("The new certificate is not used yet, the old one stays: %(why)s") % {"why": str(error)},
        )
    return redirect("connection", connection_id)
