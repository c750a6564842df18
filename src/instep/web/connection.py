"""One connection: its phases, what its user may do, checking, installing, reconnecting, disconnecting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instep.bookings.calendars import list_calendars
from instep.core.errors import InputError
from instep.crm.vendors import vendor_of
from instep.engine import connecting as engine
from instep.engine import connection as looking
from instep.engine.problems import problems_of
from instep.engine.recover import workers_beating
from instep.engine.signing import certificates_of
from instep.engine.strict import choose as choose_strict
from instep.store.connection_queries import connection_by_public_id, count_receipts, work_of
from instep.store.credentials import KEPT_ASIDE, restorable_until
from instep.store.host_user_queries import count_hosts
from instep.web.connecting import again
from instep.web.connection_setup import setup_of, signed_in
from instep.web.connection_state import DISCONNECTED, RECONNECT, State, state_of
from instep.web.connection_steps import hosts_step, steps_of
from instep.web.crm_words import words_of

#: a look that is older is done anew when somebody opens the page
_FRESH = timedelta(minutes=10)
#: hosts on which Salesforce's pages for setting up can be linked to
_SETUP_HOSTS = (".my.salesforce.com", ".lightning.force.com")


def row_of(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    """The connection of this address, if it is the reader's account's. Raises `Http404`."""
    row = connection_by_public_id(request.user.account_id, connection_id)
    if row is None:
        raise Http404
    return row


@require_safe
def connection(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Everything about one connection, from what is known here: nothing is asked of the CRM."""
    row = row_of(request, connection_id)
    account_id, key = request.user.account_id, int(row["id"])
    state, setup = state_of(row), setup_of(account_id, row)
    installing = looking.is_installing(key)
    access = signed_in(account_id, row)
    hosts, needing = count_hosts(account_id, key)
    steps = steps_of(state, setup, installing)
    if state.name != DISCONNECTED:
        steps.append(hosts_step(hosts, needing, str(words_of(row["vendor"]).user)))
    context = {
        "row": row,
        "identity": row["identity"] or {},
        "vendor": vendor_of(row["vendor"]),
        "words": words_of(row["vendor"]),
        "grant_guide": f"web/connection/{row['vendor']}_grant.html",
        "layout_guide": f"web/connection/{row['vendor']}_layout.html",
        "state": state,
        "setup": setup,
        "access": access,
        "certificates": certificates_of(account_id, row),
        "steps": steps,
        "installing": installing,
        "nobody_works": installing and not workers_beating(),
        "work": work_of(account_id, key),
        "setup_pages": _setup_pages(access.address),
        "look_now": _is_due(state, setup.checked_at),
        "just_now": datetime.now(UTC) - timedelta(minutes=1),
        "layout_fields": [one.label for one in vendor_of(row["vendor"]).creates if one.for_people],
        "shared": list_calendars(account_id),
        "address": request.get_full_path(),
        "restorable_until": restorable_until(row),
        "problems": len(problems_of(account_id, row)),
        "hosts": hosts,
        "hosts_needing": needing,
    }
    return render(request, "web/connection/page.html", context)


def _is_due(state: State, checked_at: datetime | None) -> bool:
    """Whether opening the page is a reason to ask the CRM: not while it is known to refuse us."""
    if state.name in (DISCONNECTED, RECONNECT):
        return False
    return not _is_within(checked_at, _FRESH)


def _is_within(at: datetime | None, span: timedelta) -> bool:
    return at is not None and datetime.now(UTC) - at <= span


def _setup_pages(address: str) -> str:
    """The origin of the org's pages for setting up, or empty where there are none (a stand-in)."""
    host = urlsplit(address).hostname or ""
    return f"https://{host}" if host.endswith(_SETUP_HOSTS) else ""


@require_POST
def check(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Ask the CRM whether it lets us in and what we may do. The page shows the answer, good or bad."""
    row = row_of(request, connection_id)
    by_itself = request.headers.get("HX-Request") == "true"
    try:
        looking.check(request.user.account_id, row, by_person=not by_itself)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("connection", connection_id)


@require_POST
def install(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Have a worker create the connector's fields and rights."""
    row = row_of(request, connection_id)
    if state_of(row).name in (DISCONNECTED, RECONNECT):
        messages.error(request, _("Connect first: nothing can be installed without a sign-in."))
    else:
        looking.ask_to_install(int(row["id"]))
    return redirect("connection", connection_id)


@require_safe
def package(request: HttpRequest, connection_id: str) -> HttpResponse:
    """The connector's fields and rights as a file, for an admin who deploys by hand."""
    row = row_of(request, connection_id)
    made = vendor_of(row["vendor"]).package
    if made is None:
        raise Http404
    answer = HttpResponse(made(), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="instep-{row["vendor"]}.zip"'
    return answer


@require_POST
def reconnect_now(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Sign in again, the same way as before; the setup stays."""
    return again(request, row_of(request, connection_id))


@require_http_methods(["GET", "POST"])
def disconnect(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Say what is kept and what is lost, and disconnect when that is wanted."""
    row = row_of(request, connection_id)
    account_id = request.user.account_id
    if state_of(row).name == DISCONNECTED:
        messages.info(request, _("This connection is disconnected already."))
        return redirect("connection", connection_id)
    if request.method == "POST":
        _disconnect(request, row)
        return redirect("connection", connection_id)
    context = {
        "row": row,
        "words": words_of(row["vendor"]),
        "days": KEPT_ASIDE.days,
        "work": work_of(account_id, int(row["id"])),
        "receipts": count_receipts(account_id, int(row["id"])),
    }
    return render(request, "web/connection/disconnect.html", context)


def _disconnect(request: HttpRequest, row: dict[str, Any]) -> None:
    try:
        remove = request.POST.get("setup") == "remove"
        done = engine.disconnect(request.user.account_id, row, remove_setup=remove)
    except InputError as error:
        messages.info(request, str(error))
        return
    crm = vendor_of(row["vendor"]).profile.label
    if done.revoked:
        messages.success(request, _("Disconnected. %(crm)s has forgotten the sign-in too.") % {"crm": crm})
    elif done.by_hand:
        messages.info(
            request, _("Disconnected, and the key is deleted here.") + f" {done.problem} {done.cure}"
        )
    else:
        messages.warning(
            request,
            _("Disconnected, and the tokens are deleted here. %(crm)s could not be told: %(why)s")
            % {"crm": crm, "why": done.problem or _("there was no token to revoke.")},
        )


@require_POST
def restore(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Put back a setup that was removed."""
    row = row_of(request, connection_id)
    try:
        engine.restore_setup(request.user.account_id, row)
        messages.success(request, _("The setup is back: mapping, rules and chosen hosts."))
    except InputError as error:
        messages.info(request, str(error))
    return redirect("connection", connection_id)


@require_POST
def strict(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Have bookings wait for this CRM (`strict` is 1), or be accepted whatever it says."""
    row = row_of(request, connection_id)
    wanted = request.POST.get("strict") == "1"
    choose_strict(request.user.account_id, row, wanted)
    if wanted:
        messages.success(request, _("Strict: a booking is confirmed once it is in the CRM, or not at all."))
    else:
        messages.success(request, _("Bookings are accepted at once again, and written until it is done."))
    return redirect("connection", connection_id)
