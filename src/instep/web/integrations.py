"""Account Integrations: the CRMs that can be connected, and the connections that there are."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from instep.crm.vendors import VENDORS
from instep.store.connection_queries import every_connection
from instep.web.connection_state import State, state_of
from instep.web.crm_words import CrmWords, words_of

#: what the list can be narrowed to; the integrations that are no CRM come with later versions
FILTERS = (("", _("All")), ("crm", _("CRM")))


@frozen
class ListedConnection:
    """One connection on its CRM's tile."""

    id: str
    name: str
    org_id: str
    user: str
    sandbox: bool
    state: State


@frozen
class Tile:
    """One CRM and its connections."""

    vendor: str
    words: CrmWords
    connections: tuple[ListedConnection, ...]


@require_safe
def integrations(request: HttpRequest) -> HttpResponse:
    """The tiles, each with its connections and their state."""
    rows = every_connection(request.user.account_id)
    context = {
        "tiles": [_tile(rows, vendor) for vendor in VENDORS],
        "some": bool(rows),
        "filters": FILTERS,
        "chosen": "crm" if request.GET.get("type") == "crm" else "",
        "address": request.get_full_path(),
    }
    return render(request, "web/integrations/page.html", context)


def _tile(rows: list[dict[str, Any]], vendor: str) -> Tile:
    return Tile(vendor, words_of(vendor), tuple(_listed(row) for row in rows if row["vendor"] == vendor))


def _listed(row: dict[str, Any]) -> ListedConnection:
    identity = row["identity"] or {}
    return ListedConnection(
        id=row["public_id"],
        name=row["name"] or row["org_id"],
        org_id=row["org_id"],
        user=str(identity.get("username") or ""),
        sandbox=bool(identity.get("sandbox")),
        state=state_of(row),
    )
