"""Field mapping: which of our fields feeds which field of the CRM, one tab for each object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from instep.core.catalogue import find
from instep.core.crm_schema import ObjectSchema
from instep.core.errors import InstepError
from instep.core.mapping import Row
from instep.core.rules import SyncConfig, system_fields
from instep.core.suggestions import suggestions
from instep.crm.vendors import Vendor, vendor_of
from instep.engine import mapping_edit
from instep.engine.lane import custom_properties, load_config
from instep.engine.schemas import schemas_of
from instep.store import credentials
from instep.store.connection_queries import described_at
from instep.store.page_queries import BookingFilter, ListedBooking, list_bookings
from instep.web.connection import row_of
from instep.web.crm_words import words_of
from instep.web.mapping_choices import as_data, by_chance, field_groups, fits_of, source_groups
from instep.web.mapping_preview import Preview, preview_of
from instep.web.mapping_rows import (
    COUNT,
    Cell,
    Offer,
    RowView,
    Typed,
    after,
    keeping_overwrite,
    meant,
    read_typed,
    static_faults,
    typed_of,
    views_of,
    with_required,
)
from instep.web.mapping_tabs import TABS, Tab, tabs_of

#: a describe that is older than so many seconds is read anew when somebody opens the page
_OLD = 300.0
_CHOICES = 15


@frozen
class Page:
    """What the page of one tab is made from."""

    row: dict[str, Any]
    vendor: Vendor
    config: SyncConfig
    tabs: list[Tab]
    tab: Tab
    offer: Offer
    own: frozenset[str]
    bookings: list[ListedBooking]

    @property
    def name(self) -> str:
        """The object's API name."""
        return self.tab.name

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows as they are saved."""
        return self.config.rows.get(self.name, ())

    @property
    def mirrors(self) -> bool:
        """Whether rows mirror the booking, or follow their creation rule as a whole: no Overwrite of a row's own."""
        profile = self.vendor.profile
        return self.name == profile.activity.name or (
            profile.case is not None and self.name == profile.case.name
        )

    @property
    def defaults(self) -> tuple[Row, ...]:
        """The rows that come out of the box."""
        return tuple(self.vendor.profile.default_rows.get(self.name, ()))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def mapping(request: HttpRequest, connection_id: str, tab: str) -> HttpResponse:
    """One object's mapping: shown, changed in the form, tried on a booking, saved."""
    row = row_of(request, connection_id)
    act = request.POST.get("act", "save") if request.method == "POST" else ""
    error = _read_again(request, row, tab, 0 if act == "read" else _OLD) if act in ("", "read") else None
    page = _page(request, row, tab)
    if request.method != "POST" or COUNT not in request.POST:
        rows = [typed_of(one) for one in page.rows]
        return _shown(request, page, with_required(rows, page.offer.described, page.own), error=error)
    typed = read_typed(request.POST)
    if act in ("save", "continue", "mine"):
        return _save(request, page, typed)
    if act == "preview":
        return _previewed(request, page, typed)
    return _shown(request, page, _acted(page, typed, act), acted=act, error=error)


def first(request: HttpRequest, connection_id: str) -> HttpResponse:
    """The first tab: where the connection's page leads to."""
    row = row_of(request, connection_id)
    return redirect(tabs_of(row, load_config(row), {}, "")[0].address)


def _page(request: HttpRequest, row: dict[str, Any], slug: str) -> Page:
    account_id, vendor = request.user.account_id, vendor_of(row["vendor"])
    config = load_config(row)
    schema = schemas_of(account_id, int(row["id"]), row["vendor"], vendor.schema_of)
    tabs = tabs_of(row, config, schema, slug)
    tab = next((one for one in tabs if one.current), None)
    if tab is None:
        raise Http404
    described = schema.get(tab.name) or ObjectSchema(tab.name, tab.name)
    custom = custom_properties(account_id)
    own = system_fields(vendor.profile, tab.name)
    used = [one.source for one in config.rows.get(tab.name, ())]
    offer = Offer(
        described,
        source_groups(custom.values(), used),
        field_groups(described, own),
        custom,
        tuple(vendor.profile.default_rows.get(tab.name, ())),
    )
    bookings = list_bookings(account_id, BookingFilter(), _CHOICES)
    return Page(row, vendor, config, tabs, tab, offer, own, bookings)


def _read_again(
    request: HttpRequest, row: dict[str, Any], slug: str, older_than: float
) -> InstepError | None:
    """Read the object's fields from the CRM where what is known of them is old; what went wrong, or None."""
    name = next((name for one, name, _word in TABS if one == slug), None)
    if name is None or name not in vendor_of(row["vendor"]).profile.objects:
        raise Http404
    if row["state"] != credentials.CONNECTED and older_than:
        return None
    try:
        mapping_edit.read_again(request.user.account_id, row, [name], older_than)
    except InstepError as error:
        return error
    return None


def _acted(page: Page, typed: Sequence[Typed], act: str) -> list[Typed]:
    """The rows after an act that saves nothing."""
    rows = after(typed, act)
    word, _sep, what = act.partition("-")
    if word == "suggest":
        places = meant(rows, page.offer.described)
        found = _suggested(page, [rows[n].row() for n in places])
        rows = [rows[n] for n in places] + [typed_of(row, fresh=True) for row in found]
        rows = with_required(rows, page.offer.described, page.own)
    elif word == "restore":
        named = {one.field for one in rows}
        back = [r for r in page.defaults if r.field not in named and what in ("all", r.field)]
        rows += [typed_of(row, fresh=True) for row in back]
    return rows


def _suggested(page: Page, rows: Sequence[Row]) -> tuple[Row, ...]:
    return suggestions(page.offer.described, rows, page.own, page.offer.custom, page.mirrors)


# --- saving ---


def _save(request: HttpRequest, page: Page, typed: list[Typed]) -> HttpResponse:
    """Save what was typed, or show it again with what is wrong, or with what somebody else saved meanwhile."""
    places = meant(typed, page.offer.described)
    rows = _rows(page, [typed[n] for n in places])
    faults = [(n, fault) for n, fault in static_faults(typed) if n in places]
    if faults:
        return _shown(request, page, typed, faults=faults, status=422)
    try:
        outcome = mapping_edit.save_rows(
            request.user.account_id,
            page.row,
            page.name,
            rows,
            request.POST.get("version", ""),
            request.user.name or request.user.email,
            datetime.now(UTC),
        )
    except InstepError as error:
        return _shown(request, page, typed, error=error, status=503)
    # the CRM was asked: what is offered may be another list now
    page = _page(request, row_of(request, page.row["public_id"]), page.tab.slug)
    if outcome.theirs is not None:
        return _shown(request, page, typed, theirs=outcome.theirs, mine=rows, status=409)
    if outcome.faults:
        found = [(places[n], fault) for n, fault in outcome.faults]
        return _shown(request, page, typed, faults=found, status=422)
    messages.success(
        request,
        _("The mapping of %(name)s is saved; every booking is compared again.") % {"name": page.tab.word},
    )
    for hint in outcome.hints:
        messages.warning(request, hint)
    if request.POST.get("act") == "continue":
        return redirect("creation-rules", page.row["public_id"])
    return redirect(f"{page.tab.address}?preview={request.POST.get('booking', '')}")


def _rows(page: Page, typed: Sequence[Typed]) -> tuple[Row, ...]:
    rows = tuple(one.row() for one in typed)
    return keeping_overwrite(rows, page.rows) if page.mirrors else rows


# --- trying ---


def _previewed(request: HttpRequest, page: Page, typed: list[Typed]) -> HttpResponse:
    """The form as it was sent, with what its rows would make of the chosen booking."""
    chosen = _chosen(request, page.bookings)
    if chosen is None:
        return _shown(request, page, typed)
    rows = _rows(page, typed)
    try:
        found = preview_of(
            request.user.account_id, chosen, page.row["public_id"], page.name, rows, page.offer.described
        )
    except InstepError as error:
        found = Preview(tuple(Cell("—", "quiet") for _row in rows), error.cure, error)
    return _shown(request, page, typed, preview=found)


def _chosen(request: HttpRequest, bookings: Sequence[ListedBooking]) -> int | None:
    """The key of the booking that the preview is of: the one asked for, else the newest."""
    asked = request.POST.get("booking") or request.GET.get("preview") or ""
    keys = [booking.key for booking in bookings]
    return int(asked) if asked.isdecimal() and int(asked) in keys else next(iter(keys), None)


# --- showing ---


def _shown(
    request: HttpRequest,
    page: Page,
    typed: Sequence[Typed],
    *,
    faults: Sequence[tuple[int, Any]] = (),
    preview: Preview | None = None,
    theirs: tuple[Row, ...] | None = None,
    mine: Sequence[Row] = (),
    acted: str = "",
    error: InstepError | None = None,
    status: int = 200,
) -> HttpResponse:
    account_id, described = request.user.account_id, page.offer.described
    views = views_of(typed, page.offer, faults, preview.cells if preview else None)
    present = [t.row() for t in typed]
    # a form that was sent keeps the version that it was made from, until it is saved over what others saved
    version = request.POST.get("version") or mapping_edit.version_of(page.rows)
    context = {
        "row": page.row,
        "vendor": page.vendor,
        "words": words_of(page.row["vendor"]),
        "tab": page.tab,
        "tabs": page.tabs,
        "views": views,
        "lists": _lists(views),
        "has_overwrite": not page.mirrors,
        "version": mapping_edit.version_of(page.rows) if theirs is not None else version,
        "saved": mapping_edit.saved_at(page.row, page.name),
        "is_default": page.rows == page.defaults,
        "described": described,
        "hidden": not described.fields,
        "described_at": described_at(account_id, int(page.row["id"])).get(page.name),
        "suggested": len(_suggested(page, present)),
        "removed": [_called(r, page.offer) for r in page.defaults if r.field not in {t.field for t in typed}],
        "bookings": page.bookings,
        "chosen": _chosen(request, page.bookings),
        "preview": preview,
        "conflict": _differences(theirs, mine, page.offer) if theirs is not None else None,
        "wrong": bool(faults),
        "acted": acted.partition("-")[0],
        "error": error,
        "blockers": [f for f in described.asked() if f.name not in page.own and _blocks(page, f.name)],
        "data": {
            "sources": as_data(page.offer.sources),
            "fields": as_data(page.offer.fields),
            "fits_json": json.dumps(fits_of(described)),
            "by_chance": by_chance(),
        },
    }
    return render(request, "web/mapping/page.html", context, status=status)


def _blocks(page: Page, name: str) -> bool:
    """Whether a required field is of a type that no row can fill."""
    return all(option.value != name for _label, options in page.offer.fields for option in options)


def _lists(views: Sequence[RowView]) -> list[tuple[str, list[str]]]:
    """The values of each list that a row fills, for the inputs of fixed values: (id, values)."""
    found = {v.values: v.target for v in views if v.values and v.target is not None}
    return [
        (name, [option.value for option in target.picklist if option.active])
        for name, target in found.items()
    ]


@frozen
class Called:
    """A row in words."""

    field: str
    source: str
    label: str


def _called(row: Row, offer: Offer) -> Called:
    target, prop = offer.described.get(row.field), find(row.source, offer.custom)
    return Called(row.field, prop.label if prop else row.source or "—", target.label if target else row.field)


@frozen
class Difference:
    """One field that two admins see differently; None where one of them has no row for it."""

    label: str
    field: str
    mine: str | None
    theirs: str | None


def _differences(theirs: Sequence[Row], mine: Sequence[Row], offer: Offer) -> list[Difference]:
    one, other = {r.field: r for r in mine}, {r.field: r for r in theirs}
    return [
        Difference(
            _called(one.get(name) or other[name], offer).label,
            name,
            _words(one[name], offer) if name in one else None,
            _words(other[name], offer) if name in other else None,
        )
        for name in dict.fromkeys((*other, *one))
        if one.get(name) != other.get(name)
    ]


def _words(row: Row, offer: Offer) -> str:
    parts = [_called(row, offer).source]
    if row.overwrite:
        parts.append(_("Overwrite on"))
    if row.fallback is not None:
        parts.append(_("if empty: %(value)s") % {"value": row.fallback})
    return ", ".join(parts)
