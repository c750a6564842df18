"""Properties: what is known of contacts and meetings, the system's own and custom ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import frozen
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_safe

from instep.bookings.properties import CONTACT, MEETING
from instep.core.catalogue import SYSTEM_PROPERTIES, Property, custom_key
from instep.engine.lane import load_config
from instep.store.connection_queries import every_connection
from instep.store.property_queries import PropertyRow, list_properties
from instep.web.mapping_choices import PROPERTY_TYPES

#: the objects with their tabs: address, name, word
TABS = (("contact", CONTACT, later("Contact")), ("meeting", MEETING, later("Meeting")))


@frozen
class Listed:
    """One custom property, its type in words, and how many mapping rows use it."""

    row: PropertyRow
    type: Any
    uses: int


@frozen
class System:
    """One property of the system."""

    property: Property
    type: Any
    uses: int


def uses_of(account_id: int) -> Counter[str]:
    """How many mapping rows use each property, over all connections, by catalogue key."""
    return Counter(
        row.source
        for connection in every_connection(account_id)
        for rows in load_config(connection).rows.values()
        for row in rows
        if row.source
    )


@require_safe
def properties(request: HttpRequest, tab: str = "contact") -> HttpResponse:
    """One object's properties."""
    name = next((name for slug, name, _word in TABS if slug == tab), None)
    if name is None:
        raise Http404
    uses = uses_of(request.user.account_id)
    listed = [
        Listed(row, PROPERTY_TYPES.get(row.type, row.type), uses[custom_key(name, row.identifier)])
        for row in list_properties(request.user.account_id, name)
    ]
    context = {
        "tabs": TABS,
        "tab": tab,
        "custom": [one for one in listed if one.row.archived_at is None],
        "archived": [one for one in listed if one.row.archived_at is not None],
        "system": [
            System(p, PROPERTY_TYPES[p.type], uses[p.key]) for p in SYSTEM_PROPERTIES if p.object == name
        ],
    }
    return render(request, "web/properties/page.html", context)
