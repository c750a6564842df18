"""Choosing a time zone: a search, and links back to where the guest came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from instep.core import cldr, zones
from instep.core.zones import ZoneChoice
from instep.guest.asked import Asked, cleaned
from instep.guest.reading import Reading

_LONGEST_SEARCH = 60


@frozen
class Choice:
    """A zone to choose: its name and place, what time it is there, and the link that chooses it."""

    zone: ZoneChoice
    clock: str
    link: str
    current: bool


def zone_page(
    request: HttpRequest,
    asked: Asked,
    reading: Reading,
    back: str,
    own: str,
    known: Iterable[str],
    now: datetime,
    context: Mapping[str, Any],
) -> HttpResponse:
    """The search page at the path `own`; a choice leads to the path `back`. `known` zones are offered at once."""
    query = cleaned(request.GET.get("q", ""))[:_LONGEST_SEARCH]
    if query:
        found = zones.search(query, now)
    else:
        likely = [reading.zone_name, reading.browser_zone, *map(zones.canonical, known), "UTC"]
        found = tuple(zones.choice(name, now) for name in dict.fromkeys(filter(None, likely)))
    choices = [
        Choice(
            zone,
            cldr.time(now, ZoneInfo(zone.name), reading.locale, reading.hour12),
            asked.link(back, zone=zone.name),
            zone.name == reading.zone_name,
        )
        for zone in found
    ]
    page = {
        **context,
        "query": query,
        "choices": choices,
        "back": asked.link(back),
        "own": own,
        "kept": {name: value for name, value in asked.parameters().items() if name != "tz"},
    }
    return render(request, "guest/zone.html", page)
