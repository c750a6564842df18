"""The host directory: which user of the CRM each host is, and who therefore owns what is booked with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from instep.core.contact import email_key
from instep.core.errors import InputError
from instep.crm.vendors import vendor_of
from instep.engine import connection as looking
from instep.engine import host_users as engine
from instep.store.connection_queries import every_connection
from instep.store.credentials import DISABLED
from instep.store.host_user_queries import FoundUser, HostUserRow, find_users, host_users
from instep.web.connection import row_of
from instep.web.connection_state import state_of
from instep.web.crm_words import words_of

#: so many users are listed at once; a search finds the others
_MOST = 30


@frozen
class Standing:
    """Where a host stands with the CRM, in a colour and a word; `needs` says that a person should look."""

    tone: str
    word: str
    needs: bool = False


def standing_of(host: HostUserRow, user: str = "") -> Standing:
    """The state of a host's user; `user` is what the CRM calls one."""
    if host.chosen and not host.crm_id:
        return Standing("", _("Nobody, as chosen"))
    if not host.crm_id:
        return Standing("wait", _("No %(user)s") % {"user": user or _("user")}, needs=True)
    if not host.active:
        return Standing("bad", _("Inactive"), needs=True)
    if host.licence:
        return Standing("bad", _("No licence"), needs=True)
    return Standing("good", _("Active"))


def needing(hosts: Sequence[HostUserRow]) -> int:
    """How many of the hosts have no user who could own what is booked with them."""
    return sum(standing_of(host).needs for host in hosts)


@require_http_methods(["GET", "POST"])
def directory(request: HttpRequest, connection_id: str) -> HttpResponse:
    """All hosts with their users; a POST asks the CRM for its users anew."""
    row = row_of(request, connection_id)
    account_id = request.user.account_id
    if request.method == "POST":
        _look(request, row)
        return redirect("host-directory", connection_id)
    search = request.GET.get("search", "").strip()
    found = host_users(account_id, int(row["id"]), datetime.now(UTC), search=search)
    called = str(words_of(row["vendor"]).user)
    listed = [(host, standing_of(host, called)) for host in found]
    context = {
        "row": row,
        "vendor": vendor_of(row["vendor"]),
        "words": words_of(row["vendor"]),
        "identity": row["identity"] or {},
        "state": state_of(row),
        "hosts": listed,
        "needing": needing(found),
        "search": search,
        "checked_at": row["users_refreshed_at"],
        "just_now": datetime.now(UTC) - timedelta(minutes=1),
    }
    return render(request, "web/host_directory/page.html", context)


def _look(request: HttpRequest, row: dict[str, Any]) -> None:
    try:
        error = looking.check(request.user.account_id, row)
    except InputError as refused:
        messages.error(request, str(refused))
        return
    if error is not None:
        messages.error(request, str(error))


@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest, connection_id: str, key: str) -> HttpResponse:
    """Choose which user a host is."""
    row = row_of(request, connection_id)
    found = host_users(request.user.account_id, int(row["id"]), datetime.now(UTC), key=key)
    if not found:
        raise Http404
    return _choosing(request, row, found[0], own=False)


@require_http_methods(["GET", "POST"])
def own_user(request: HttpRequest, connection_id: str) -> HttpResponse:
    """A person's own user in the CRM: confirmed or chosen. Everybody may do so for herself."""
    row = row_of(request, connection_id)
    mine = own_host(request, row)
    if mine is None or row["state"] == DISABLED:
        raise Http404
    return _choosing(request, row, mine, own=True)


def own_host(request: HttpRequest, row: dict[str, Any]) -> HostUserRow | None:
    """The host that is the reader herself, by her address."""
    key = email_key(request.user.email)
    hosts = host_users(request.user.account_id, int(row["id"]), datetime.now(UTC), search=key)
    return next((host for host in hosts if host.email_key == key), None)


def own_users(request: HttpRequest) -> list[tuple[dict[str, Any], HostUserRow, Standing]]:
    """The reader's user in each CRM that is connected; empty for somebody whom nobody can book."""
    rows = [row for row in every_connection(request.user.account_id) if row["state"] != DISABLED]
    mine = [(row, own_host(request, row)) for row in rows]
    return [
        (row, host, standing_of(host, str(words_of(row["vendor"]).user)))
        for row, host in mine
        if host is not None
    ]


def _choosing(request: HttpRequest, row: dict[str, Any], host: HostUserRow, *, own: bool) -> HttpResponse:
    account_id = request.user.account_id
    if request.method == "POST":
        chosen = request.POST.get("user", "")
        try:
            engine.choose(account_id, row, host.email_key, chosen, request.user.email)
        except InputError as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("Saved. Bookings with %(host)s are compared again.") % {"host": host.called}
            )
        return redirect("profile") if own else redirect("host-directory", row["public_id"])
    search = request.GET.get("search", "").strip()
    first = search or host.name.partition(" ")[0]
    users: Sequence[FoundUser] = find_users(account_id, int(row["id"]), first, _MOST)
    context = {
        "row": row,
        "vendor": vendor_of(row["vendor"]),
        "words": words_of(row["vendor"]),
        "identity": row["identity"] or {},
        "host": host,
        "standing": standing_of(host, str(words_of(row["vendor"]).user)),
        "users": users,
        "search": first,
        "most": _MOST,
        "own": own,
        "by_email": engine.BY_EMAIL,
        "nobody": engine.NOBODY,
    }
    return render(request, "web/host_directory/choose.html", context)
