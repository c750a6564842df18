"""Share & Publish: the links to a calendar's page, for mails, records of the CRM and websites."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instep.bookings import calendars
from instep.core.booking_calendar import BookingCalendar
from instep.crm.sharing import Button, Sharing
from instep.crm.vendors import VENDORS, vendor_of
from instep.engine.lane import load_config
from instep.engine.record_links import SKIP, allow_unsigned, revoke_signed, signed_parameters
from instep.store import lane_queries
from instep.web.calendars import address_of
from instep.web.connection import row_of
from instep.web.rights import is_administrator
from instep.web.sharing_form import PREFILL_FORM, SKIP_FORM, SignedForm

PERSONAL, SIGNED, BUTTONS, WEBSITE = "links", "signed", "buttons", "website"
TABS = (
    (PERSONAL, later("Links")),
    (SIGNED, later("Signed links")),
    (BUTTONS, later("Scheduling buttons")),
    (WEBSITE, later("Website")),
)
#: the tabs of links that name a record
_BY_ID = (SIGNED, BUTTONS)


@frozen
class Snippet:
    """A text to copy. `id` is its own on the page; `note` says for what it is."""

    id: str
    label: str
    text: str
    note: str = ""


@frozen
class ButtonGuide:
    """One scheduling button: what to type where in the CRM."""

    button: Button
    url: str
    short: str


@require_safe
def sharing(request: HttpRequest, calendar_id: str, tab: str = PERSONAL) -> HttpResponse:
    """One tab of the page."""
    if tab not in dict(TABS):
        raise Http404
    known = _calendar(request, calendar_id)
    if tab == SIGNED:
        if not is_administrator(request.user):
            raise PermissionDenied
        return _signed_page(request, known, SignedForm())
    return render(
        request, f"web/sharing/{tab}.html", {**_about(request, known, tab), **_shown(request, known, tab)}
    )


@require_http_methods(["POST"])
def sign(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """Signed links for the ids that were typed: on the page, or as a file."""
    known = _calendar(request, calendar_id)
    form = SignedForm(request.POST)
    if not form.is_valid():
        return _signed_page(request, known, form, status=422)
    said = form.cleaned_data
    expires = datetime.now(UTC) + timedelta(days=said["days"])
    skip = {SKIP: "1"} if said["step"] == SKIP_FORM else {}
    address = address_of(request, known.slug)
    links = [
        (
            record_id,
            _link(
                address, {**skip, **signed_parameters(request.user.account_id, known.id, record_id, expires)}
            ),
        )
        for record_id in said["records"]
    ]
    if request.POST.get("as") == "file":
        return _file(known, links)
    return _signed_page(request, known, form, links=links, expires=expires)


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, calendar_id: str) -> HttpResponse:
    """Say what revoking every signed link of the account means, and do it when that is wanted."""
    known = _calendar(request, calendar_id)
    if request.method == "POST":
        revoke_signed(request.user.account_id)
        messages.success(
            request,
            _(
                "Every signed link made until now is revoked. Make new ones for whom you still want to invite."
            ),
        )
        return redirect("share-tab", calendar_id, SIGNED)
    return render(request, "web/sharing/revoke.html", {"calendar": known})


@require_POST
def unsigned_links(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Let links without a signature name records of a connection (`allowed` is 1), or no longer."""
    row = row_of(request, connection_id)
    allowed = request.POST.get("allowed") == "1"
    allow_unsigned(request.user.account_id, row, allowed)
    if allowed:
        messages.success(request, _("Links without a signature are recognized again."))
    else:
        messages.success(
            request,
            _(
                "Only signed links are recognized now. Scheduling buttons and mail templates show the ordinary form."
            ),
        )
    return redirect("connection", connection_id)


def _calendar(request: HttpRequest, calendar_id: str) -> BookingCalendar:
    found = calendars.calendar(request.user.account_id, calendar_id)
    if found is None:
        raise Http404
    return found


def _about(request: HttpRequest, known: BookingCalendar, tab: str) -> dict[str, Any]:
    rows = lane_queries.connections(request.user.account_id)
    # links by the id of a record, which not every CRM has
    by_id = [row for row in rows if vendor_of(row["vendor"]).link_ids]
    strict = next((row for row in by_id if not load_config(row).unsigned_links), None)
    offered = bool(by_id) or not rows
    return {
        "calendar": known,
        "address": address_of(request, known.slug),
        "tabs": _tabs(request, offered),
        "by_id": offered,
        "tab": tab,
        "connected": bool(by_id),
        "strict": strict,
        "crm": next((vendor_of(row["vendor"]).profile.label for row in by_id), ""),
    }


def _tabs(request: HttpRequest, by_id: bool) -> list[tuple[str, Any]]:
    """The tabs for this reader: whoever signs links opens records to guests; `by_id`: links can name records."""
    hidden = {*([] if by_id else _BY_ID), *([] if is_administrator(request.user) else [SIGNED])}
    return [one for one in TABS if one[0] not in hidden]


def _shown(request: HttpRequest, known: BookingCalendar, tab: str) -> dict[str, Any]:
    """What one tab shows."""
    address, site = address_of(request, known.slug), _site(request, known)
    step = PREFILL_FORM if request.GET.get("step") == PREFILL_FORM else SKIP_FORM
    skip = {SKIP: "1"} if step == SKIP_FORM else {}
    if tab == PERSONAL:
        return {"step": step, "by_address": _by_address(address), "mails": _mails(address, skip)}
    if tab == BUTTONS:
        return {
            "guides": [_guide(address, button) for button in _sharing().buttons],
            "lookup": _sharing().lookup,
        }
    return {"snippets": _website(known, address, site)}


def _sharing() -> Sharing:
    return next(vendor.sharing for vendor in VENDORS.values() if vendor.link_ids)


def _by_address(address: str) -> Snippet:
    link = _link(address, {"name": "Ana%20Sousa", "email": "ana@example.org"})
    return Snippet("by-address", _("Personalized link (URL parameters)"), link)


def _mails(address: str, skip: Mapping[str, str]) -> list[Snippet]:
    return [
        Snippet(
            f"mail-{mail.editor}-{mail.object}".lower(),
            _("%(object)s, %(editor)s template") % {"object": mail.object, "editor": mail.editor},
            _link(address, {**skip, **mail.ids}),
        )
        for mail in _sharing().mails
    ]


def _guide(address: str, button: Button) -> ButtonGuide:
    url = _link(address, {SKIP: "1", **button.ids})
    return ButtonGuide(button, url, _link(address, {SKIP: "1", **button.short}) if button.short else "")


def _link(address: str, said: Mapping[str, str]) -> str:
    """An address with parameters as they are: a CRM finds its merge fields by their braces."""
    query = "&".join(f"{name}={value}" for name, value in said.items())
    return f"{address}?{query}" if query else address


# --- website ---


def _site(request: HttpRequest, known: BookingCalendar) -> str:
    """Where this Instep stands, without a slash at the end."""
    return address_of(request, known.slug).removesuffix(f"/b/{known.slug}")


def _website(known: BookingCalendar, address: str, site: str) -> list[Snippet]:
    # without its version: the address stands in other people's pages for years
    script = f'<script src="{site}{static("guest/embed.js").partition("?")[0]}" defer></script>'
    words = _("Book a time")
    return [
        Snippet(
            "embed",
            _("Website embed"),
            f'<div data-instep-embed="{address}"><a href="{address}">{words}</a></div>\n{script}',
            _("The page stands inside yours and grows with what it shows. Without JavaScript it is a link."),
        ),
        Snippet(
            "button",
            _("Website button"),
            f'<a data-instep-link href="{address}">{words}</a>\n{script}',
            _("Opens the page in its place. Give it your own style."),
        ),
        Snippet(
            "frame",
            _("Frame without a script"),
            f'<iframe src="{address}?embed=1" title="{words}" width="100%" height="760" '
            'referrerpolicy="no-referrer"></iframe>',
            _("For pages that allow no scripts. It hands nothing on: bookings come by the general link."),
        ),
    ]


# --- signed links ---


def _signed_page(
    request: HttpRequest,
    known: BookingCalendar,
    form: SignedForm,
    status: int = 200,
    links: list[tuple[str, str]] | None = None,
    expires: datetime | None = None,
) -> HttpResponse:
    context = {**_about(request, known, SIGNED), "form": form, "links": links, "expires": expires}
    return render(request, "web/sharing/signed.html", context, status=status)


def _file(known: BookingCalendar, links: list[tuple[str, str]]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="links-{known.slug}.csv"'
    lines = csv.writer(answer)
    lines.writerow(["Id", "Link"])
    lines.writerows(links)
    return answer
