"""Switching environment: sign in to the other org, see what of the setup does not fit there, and then go over.

form ──▶ sign-in as for a new connection ──▶ review (nothing is done yet) ── POST ──▶ the new connection
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.core.errors import InstepError
from instep.crm.oauth import Tokens
from instep.crm.vendors import vendor_of
from instep.engine import switching as engine
from instep.engine.connecting import SignIn
from instep.web import pending
from instep.web.connecting import ask, sandbox_of
from instep.web.connection import row_of
from instep.web.crm_words import words_of
from instep.web.pending import Pending


@never_cache
@require_http_methods(["GET", "POST"])
def switch_form(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Ask how to sign in to the other org."""
    row = row_of(request, connection_id)
    return ask(request, row["vendor"], row, moving=True)


@never_cache
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, connection_id: str) -> HttpResponse:
    """What switching would do; with a POST it is done."""
    row = row_of(request, connection_id)
    begun = pending.recall(request)
    if begun is None or not begun.moving or begun.connection != connection_id or not begun.kept:
        return redirect("switch", connection_id)
    try:
        move = engine.look(request.user.account_id, row, begun.kept, _sign_in(begun))
        if request.method == "POST":
            return _done(request, row, begun, move)
    except InstepError as error:
        pending.failed(request, begun, error)
        return redirect("switch", connection_id)
    if move.tokens is not None:
        # what was refreshed on the way has killed what we had
        pending.keep(request, _with_tokens(begun, move.tokens))
    return render(
        request,
        "web/switching/review.html",
        {"row": row, "move": move, "vendor": vendor_of(row["vendor"]), "words": words_of(row["vendor"])},
    )


def _sign_in(begun: Pending) -> SignIn:
    tokens = Tokens(**begun.tokens) if begun.tokens else None
    return SignIn(tokens, tokens.org_id if tokens else "", sandbox_of(begun))


def _with_tokens(begun: Pending, tokens: Tokens) -> Pending:
    return evolve(begun, tokens=asdict(tokens))


def _done(request: HttpRequest, row: dict[str, Any], begun: Pending, move: engine.Move) -> HttpResponse:
    made, old = engine.switch(request.user.account_id, row, begun.kept, move)
    pending.forget(request)
    messages.success(
        request,
        _(
            "The setup is here now. Go through the steps once: Instep's fields and rights are needed here too."
        ),
    )
    if old.by_hand:
        messages.info(
            request, _("%(org)s is disconnected.") % {"org": row["name"]} + f" {old.problem} {old.cure}"
        )
    elif not old.revoked and old.problem:
        messages.warning(
            request,
            _("%(org)s is disconnected; %(crm)s could not be told there: %(why)s")
            % {"org": row["name"], "crm": vendor_of(row["vendor"]).profile.label, "why": old.problem},
        )
    return redirect("connection", made.public_id)
