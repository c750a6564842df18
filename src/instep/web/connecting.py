"""Connecting a CRM: the form, the sign-in in the CRM's own window, and the way back from there.

    form ── POST ──▶ client credentials: connected at once
              └────▶ waiting page ── link or pop-up ──▶ the CRM ──▶ callback ──▶ waiting page ──▶ the connection

The pop-up loses its opener at the CRM (each side isolates its windows), so that nobody speaks to the other: the
waiting page asks the server how far it is, and the pop-up closes itself. Without a script the same addresses
follow each other in one window.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import compare_digest
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict, evolve
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.urls.converters import StringConverter
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from instep.core.errors import InstepError, NeedsAdmin
from instep.crm.addresses import is_loopback
from instep.crm.oauth import AUTHORIZATION_CODE, JWT_BEARER, Pkce, new_state
from instep.crm.salesforce.jwt_bearer import CertificateFacts, facts_of
from instep.crm.vendors import vendor_of
from instep.engine import connection as looking
from instep.engine.connecting import SignIn, connect
from instep.engine.signing import signing_key
from instep.store import credentials
from instep.store.connection_queries import connection_by_public_id
from instep.web import pending
from instep.web.connect_form import DOMAIN, ConnectForm, environment_of
from instep.web.connect_hubspot_form import HubSpotForm
from instep.web.crm_words import words_of
from instep.web.pending import Pending

#: the form of each CRM
FORMS: Mapping[str, type[ConnectForm | HubSpotForm]] = {"salesforce": ConnectForm, "hubspot": HubSpotForm}
#: what was entered and is used again; the key goes nowhere near a page
_ENTERED = ("url", "client_id", "client_secret", "grant", "username", "private_key", "token")
#: marks the state of a sign-in in a window of its own, which is closed afterwards
_WINDOW = ".window"


class CrmConverter(StringConverter):
    """The name of a CRM as a part of an address; no connection is called so."""

    regex = "|".join(FORMS)


def callback_address(request: HttpRequest) -> str:
    """Where the CRM sends the browser back to; an admin enters it there letter by letter."""
    public, path = _public_address(), reverse("callback")
    return f"{public}{path}" if public else request.build_absolute_uri(path)


def _public_address() -> str:
    """The address that everybody reaches this Instep at, or empty where it serves this machine alone.

    There the browser has to come back to the very name that the page is open at: the session belongs to it.
    """
    public = settings.INSTEP.public_url
    return "" if is_loopback(urlsplit(public).hostname or "") else public


@never_cache
@require_http_methods(["GET", "POST"])
def connect_form(request: HttpRequest, vendor: str) -> HttpResponse:
    """Ask how to sign in at a CRM and with which app or key."""
    return ask(request, vendor)


@never_cache
@require_http_methods(["GET", "POST"])
def reconnect_form(request: HttpRequest, connection_id: str) -> HttpResponse:
    """The same for a connection that exists."""
    row = _row(request, connection_id)
    return ask(request, row["vendor"], row)


def ask(
    request: HttpRequest, vendor: str, row: dict[str, Any] | None = None, *, moving: bool = False
) -> HttpResponse:
    """The form, and what it begins. `moving`: the setup of the connection goes to another org."""
    connection_id = row["public_id"] if row else ""
    begun = pending.recall(request)
    draft = begun if begun is not None and _belongs(begun, vendor, connection_id, moving) else None
    if draft:
        typed = dict(draft.entered)
    else:
        typed = other_environment(row) if moving and row else _entered_before(request, row)
    error: Mapping[str, str] = draft.error if draft else {}
    posted = request.POST if request.method == "POST" else None
    form = FORMS[vendor](posted, before=typed, typed=draft is not None and draft.secret_typed)
    if posted is not None:
        error = {}
        if form.is_valid():
            answer = _begun(request, vendor, row, form, moving)
            if isinstance(answer, HttpResponse):
                return answer
            if answer.code.startswith("url_"):
                form.add_error("url", str(answer))
            else:
                error = pending.told(answer)
    context = {
        "form": form,
        "vendor": vendor_of(vendor),
        "words": words_of(vendor),
        "guide": f"web/connecting/{vendor}_app.html",
        "error": error,
        "connection": row,
        "moving": moving,
        "callback": callback_address(request),
        "certificate": _certificate_facts(request),
        "other_address": _other_address(request),
        "http_note": _http_note(request),
    }
    return render(request, "web/connecting/form.html", context, status=200 if posted is None else 422)


def _belongs(begun: Pending, vendor: str, connection_id: str, moving: bool) -> bool:
    """Whether what was begun is what this form is about."""
    return (begun.vendor, begun.connection, begun.moving) == (vendor, connection_id, moving)


def _begun(
    request: HttpRequest,
    vendor: str,
    row: dict[str, Any] | None,
    form: ConnectForm | HubSpotForm,
    moving: bool,
) -> HttpResponse | InstepError:
    try:
        return begin(request, _wanted(request, vendor, row, form, moving))
    except NeedsAdmin as lost:
        return lost


def _certificate_facts(request: HttpRequest) -> CertificateFacts | None:
    """What is to be known of the account's certificate; None where its key is lost."""
    try:
        return facts_of(signing_key(request.user.account_id).certificate)
    except NeedsAdmin:
        return None


def _with_key(request: HttpRequest, entered: dict[str, str]) -> dict[str, str]:
    """What was typed, with the account's key where that signs in."""
    if entered["grant"] != JWT_BEARER:
        return entered
    return {**entered, "private_key": signing_key(request.user.account_id).private_key}


@require_safe
def certificate(request: HttpRequest) -> HttpResponse:
    """The account's certificate as a file, for an app that trusts it."""
    try:
        found = signing_key(request.user.account_id)
    except NeedsAdmin as lost:
        messages.error(request, str(lost))
        return redirect("connect", "salesforce")
    answer = HttpResponse(found.certificate, content_type="application/x-pem-file")
    answer["Content-Disposition"] = 'attachment; filename="instep.crt"'
    return answer


def other_environment(row: Mapping[str, Any]) -> dict[str, str]:
    """What the form of a switch begins with: the environment that the connection is not in."""
    sandbox = bool((row["identity"] or {}).get("sandbox"))
    logins = vendor_of(row["vendor"]).consent.logins
    return {"url": logins.get("production" if sandbox else "sandbox", "")}


def _wanted(
    request: HttpRequest,
    vendor: str,
    row: dict[str, Any] | None,
    form: ConnectForm | HubSpotForm,
    moving: bool,
) -> Pending:
    return Pending(
        vendor=vendor,
        entered=_with_key(request, form.entered),
        connection=row["public_id"] if row else "",
        org_id=str(row["org_id"]) if row and not moving else "",
        moving=moving,
        callback=callback_address(request),
        secret_typed=form.cleaned_data["secret_typed"],
    )


def begin(request: HttpRequest, wanted: Pending) -> HttpResponse | InstepError:
    """Connect, or go to the CRM's sign-in; an error leaves what was typed where the form finds it."""
    try:
        kept = vendor_of(wanted.vendor).prepare(wanted.entered, settings.INSTEP.private_hosts)
        if kept["grant"] != AUTHORIZATION_CODE and wanted.moving:
            pending.keep(request, evolve(wanted, kept=kept, error={}))
            return redirect("switch-review", wanted.connection)
        if kept["grant"] != AUTHORIZATION_CODE:
            expected = SignIn(org_id=wanted.org_id, sandbox=sandbox_of(evolve(wanted, kept=kept)))
            return _connected(request, wanted, _connect(request, wanted, expected))
    except InstepError as error:
        pending.failed(request, wanted, error)
        return error
    ready = evolve(wanted, kept=kept, state=new_state(), verifier=Pkce.new().verifier, error={})
    pending.keep(request, ready)
    return redirect("signing-in")


def _connect(request: HttpRequest, wanted: Pending, sign_in: SignIn) -> str:
    """Connect as the engine does; the connection's public id."""
    done = connect(
        request.user.account_id,
        wanted.vendor,
        wanted.entered,
        sign_in=sign_in,
        hurried=True,
    )
    # what the user may do is told before the first booking meets it
    row = connection_by_public_id(request.user.account_id, done.public_id)
    if row is not None:
        looking.check(request.user.account_id, row)
    return done.public_id


def _connected(request: HttpRequest, wanted: Pending, public_id: str) -> HttpResponse:
    pending.forget(request)
    if wanted.connection:
        messages.success(request, _("Connected again. What waited is written now."))
    else:
        label = vendor_of(wanted.vendor).profile.label
        messages.success(request, _("%(crm)s is connected.") % {"crm": label})
    return redirect("connection", public_id)


@never_cache
@require_safe
def signing_in(request: HttpRequest) -> HttpResponse:
    """Wait for the sign-in at the CRM, and lead on when it is over."""
    begun = pending.recall(request)
    if begun is not None and begun.state:
        consent, proof = vendor_of(begun.vendor).consent, Pkce.of(begun.verifier)
        context = {
            "host": begun.kept["url"],
            "callback": begun.callback,
            "here": consent.url(begun.kept, begun.callback, begun.state, proof),
            "window": consent.url(begun.kept, begun.callback, begun.state + _WINDOW, proof),
            "back": _form_address(begun),
            "crm": vendor_of(begun.vendor).profile.label,
            "errors": f"web/connecting/{begun.vendor}_errors.html",
        }
        return render(request, "web/connecting/signing_in.html", context)
    if begun is not None and begun.at_work:
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204)
        return render(
            request,
            "web/connecting/at_work.html",
            {"back": _form_address(begun), "crm": vendor_of(begun.vendor).profile.label},
        )
    if begun is not None and begun.tokens:
        answer = redirect("switch-review", begun.connection)
    elif begun is not None and begun.made:
        answer = _connected(request, begun, begun.made)
    else:
        answer = redirect(_form_address(begun))
    if request.headers.get("HX-Request") == "true":
        # a page that waits goes on as a whole
        return HttpResponse(status=204, headers={"HX-Redirect": answer["Location"]})
    return answer


def _form_address(begun: Pending | None) -> str:
    if begun is not None and begun.connection:
        return reverse("switch" if begun.moving else "reconnect", args=[begun.connection])
    return reverse("connect", args=[begun.vendor]) if begun is not None else reverse("integrations")


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """What the CRM sends the browser back with: a code for tokens, or why there is none.

    The state ties it to the sign-in that this user began in this browser; it is used once, however often it comes.
    """
    begun = pending.recall(request)
    state = request.GET.get("state", "")
    there = redirect("signed-in" if state.endswith(_WINDOW) else "signing-in")
    if begun is not None and _is_state(state, begun.answered):
        # sent twice, by a second click or a reload: the first one counts, and this one waits for what comes of it
        return there
    if begun is None or not _is_state(state, begun.state):
        return render(request, "web/connecting/refused.html", status=400)
    pending.take(request, begun)
    try:
        pending.keep(request, _finish(request, begun))
    except InstepError as error:
        pending.failed(request, begun, error)
    # redirected, so that the code stays in no address bar
    return there


def _is_state(said: str, own: str) -> bool:
    return bool(own) and compare_digest(said.removesuffix(_WINDOW).encode(), own.encode())


def _finish(request: HttpRequest, begun: Pending) -> Pending:
    consent = vendor_of(begun.vendor).consent
    if "code" not in request.GET:
        raise consent.refused(request.GET.get("error", ""), request.GET.get("error_description", ""))
    tokens = consent.exchange(begun.kept, begun.org_id, request.GET["code"], begun.verifier, begun.callback)
    if begun.moving:
        return evolve(pending.used(begun), tokens=asdict(tokens))
    made = _connect(request, begun, SignIn(tokens, begun.org_id, sandbox_of(begun)))
    return Pending(begun.vendor, {}, begun.connection, made=made, answered=begun.state)


def sandbox_of(begun: Pending) -> bool | None:
    """Whether the chosen environment is a sandbox; None where an org's own address was entered."""
    chosen = environment_of(begun.vendor, begun.kept["url"])
    return None if chosen == DOMAIN else chosen == "sandbox"


@never_cache
@require_safe
def signed_in(request: HttpRequest) -> HttpResponse:
    """The last page in the CRM's window, which closes itself; the page that opened it goes on."""
    return render(request, "web/connecting/signed_in.html")


# -- what the form begins with -------------------------------------------------------------------


def _row(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    row = connection_by_public_id(request.user.account_id, connection_id)
    if row is None:
        raise Http404
    return row


def _entered_before(request: HttpRequest, row: dict[str, Any] | None) -> dict[str, str]:
    """What the connection was made with, where it can still be read."""
    if row is None:
        return {}
    try:
        kept = credentials.load(request.user.account_id, int(row["id"]))
    except InstepError:
        kept = {}  # the keys are lost: everything has to be entered anew
    if not kept:
        return {"url": str(row["url"])}
    return {name: str(kept[name]) for name in _ENTERED if kept.get(name)}


def again(request: HttpRequest, row: dict[str, Any]) -> HttpResponse:
    """Connect again as before, without asking for anything that is still known."""
    wanted = Pending(
        vendor=row["vendor"],
        entered=_entered_before(request, row),
        connection=row["public_id"],
        org_id=str(row["org_id"]),
        callback=callback_address(request),
    )
    if not wanted.entered.get("client_id") and not wanted.entered.get("token"):
        messages.info(request, _("The key and the secret are not known any more: enter them again."))
        return redirect("reconnect", row["public_id"])
    answer = begin(request, wanted)
    return answer if isinstance(answer, HttpResponse) else redirect("reconnect", row["public_id"])


def _other_address(request: HttpRequest) -> str:
    """The public address, where the page is open at another one: the CRM would lead back to a stranger."""
    public = _public_address()
    there = f"{public}{request.path}" if public else ""
    return there if there and there != request.build_absolute_uri(request.path) else ""


def _http_note(request: HttpRequest) -> str:
    """This page at localhost, where its own address is one that a CRM does not take for http."""
    host = request.get_host()
    if _public_address() or request.is_secure() or not host.startswith("127.0.0.1"):
        return ""
    return f"http://{host.replace('127.0.0.1', 'localhost', 1)}{request.path}"
