"""Every page there is, narrow and wide, light and dark: axe, width, heading and title, Tab, and a quiet console.

The list is held against the addresses of the installation: a new one without an example here fails a test.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from instep.ops.supervisor import free_port
from instep_process import InstepHome, Template

from .conftest import PASSWORD, Site, until
from .furnish import GUARDED
from .guest import choose_a_time
from .looks import axe, named, walked, wide

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDTHS = (1280, 320)
SCHEMES = ("light", "dark")

#: name of the address → examples; braces stand for what `furnish.py` told
PAGES = {
    "dashboard": ("/dashboard",),
    "test-plan": ("/test-plan",),
    "bookings": ("/bookings", "/bookings?search=nobody-at-all"),
    "booking": ("/bookings/{booking}", "/bookings/{made}", "/bookings/{asked}"),
    "booking-act": (
        "/bookings/{made}/acts/reschedule",
        "/bookings/{made}/acts/reassign",
        "/bookings/{made}/acts/cancel",
        "/bookings/{asked}/acts/approve",
        "/bookings/{booking}/acts/cancel",
    ),
    "receipt": (
        "/bookings/{booking}/receipts/{receipt}",
        "/bookings/{made}/receipts/{made_receipt}",
        "/bookings/{made}/receipts/{hubspot_receipt}",
    ),
    "plan": ("/bookings/{booking}/plan",),
    "contacts": ("/contacts", "/contacts?search=nobody-at-all"),
    "contact": ("/contacts/{contact}",),
    "contact-change": ("/contacts/{contact}/edit",),
    "contact-plan": ("/contacts/{contact}/plan",),
    "contact-receipt": ("/contacts/{contact}/receipts/{contact_receipt}",),
    "calendars": ("/calendars",),
    "new-calendar": ("/calendars/new",),
    "calendar": ("/calendars/{calendar}",),
    "known-calendar": ("/calendars/known/{known_calendar}",),
    "calendar-crm": ("/calendars/{calendar}/crm", "/calendars/{calendar}/crm?connection={hubspot}"),
    "creation-rules": ("/integrations/{connection}/rules", "/integrations/{hubspot}/rules"),
    "share-calendar": ("/calendars/{calendar}/links",),
    "share-tab": tuple(f"/calendars/{{calendar}}/links/{tab}" for tab in ("signed", "buttons", "website")),
    "revoke-links": ("/calendars/{calendar}/links/revoke",),
    "sync-log": ("/sync-log", "/sync-log?search=nobody-at-all"),
    "integrations": ("/integrations",),
    "connect": ("/integrations/salesforce/connect", "/integrations/hubspot/connect"),
    "connection": ("/integrations/{connection}", "/integrations/{hubspot}"),
    "reconnect": ("/integrations/{connection}/connect", "/integrations/{hubspot}/connect"),
    "disconnect": ("/integrations/{connection}/disconnect", "/integrations/{hubspot}/disconnect"),
    "switch": ("/integrations/{connection}/switch", "/integrations/{hubspot}/switch"),
    "host-directory": (
        "/integrations/{connection}/hosts",
        "/integrations/{connection}/hosts?search=nobody-at-all",
        "/integrations/{hubspot}/hosts",
    ),
    "host-user": ("/integrations/{connection}/hosts/{host}", "/integrations/{hubspot}/hosts/{host}"),
    "problems": ("/integrations/{connection}/problems", "/integrations/{hubspot}/problems"),
    "mapping": (
        *(
            f"/integrations/{{connection}}/mapping/{tab}"
            for tab in ("leads", "contacts", "accounts", "events", "cases")
        ),
        *(f"/integrations/{{hubspot}}/mapping/{tab}" for tab in ("contacts", "meetings")),
    ),
    "validation": ("/integrations/{connection}/validation", "/integrations/{hubspot}/validation"),
    "properties": ("/properties", "/properties/meeting"),
    "new-property": ("/properties/new",),
    "property": ("/properties/{property}",),
    "hosts": ("/hosts",),
    "new-host": ("/hosts/new",),
    "host": ("/hosts/{host}",),
    "set-aside": ("/set-aside",),
    "zone": ("/zone",),
    "design": ("/design",),
    "first-steps": ("/first-steps",),
    "profile": ("/profile",),
    "account_change_password": ("/profile/password",),
}
OPEN_PAGES = {
    "account_login": ("/signin",),
    "account_inactive": ("/signin/inactive",),
    "book": ("/b/product-demo", "/b/on-request"),
    "book-zone": ("/b/product-demo/zone", "/b/product-demo/zone?q=qqqq"),
    "manage": ("/m/{token}",),
    "manage-cancel": ("/m/{token}/cancel",),
    "manage-time": ("/m/{token}/time",),
    "manage-zone": ("/m/{token}/zone",),
}
#: pages that another one leads to: the tests below go there
LED_TO = {
    "book-details": "test_pages_on_a_guests_way",
    "manage-confirm": "test_pages_on_a_guests_way",
    "signing-in": "test_pages_of_a_sign_in_at_the_crm",
    "signed-in": "test_pages_of_a_sign_in_at_the_crm",
    "welcome": "test_page_of_the_first_run",
    "account_reauthenticate": "test_pages_of_two_step_sign_in",
    "mfa_authenticate": "test_pages_of_two_step_sign_in",
    "mfa_activate_totp": "test_pages_of_two_step_sign_in",
    "mfa_deactivate_totp": "test_pages_of_two_step_sign_in",
    "mfa_reauthenticate": "test_pages_of_two_step_sign_in",
    "mfa_view_recovery_codes": "test_pages_of_two_step_sign_in",
    "mfa_generate_recovery_codes": "test_pages_of_two_step_sign_in",
    "callback": "test_pages_of_refusals",
}
#: no page: what GET answers there, an example, and why
ACT, LEADS_ON, FILE = 405, 302, 200
NO_PAGES = {
    "home": (LEADS_ON, "/", "the dashboard"),
    "receipts": (LEADS_ON, "/bookings/{booking}/receipts", "the newest receipt"),
    "mfa_index": (LEADS_ON, "/profile/two-step", "a part of the profile"),
    "write-again": (ACT, "/bookings/{booking}/write-again", "a button of the booking"),
    "contact-write-again": (ACT, "/contacts/{contact}/write-again", "a button of the contact"),
    "mapping-first": (LEADS_ON, "/integrations/{connection}/mapping", "the first tab of the mapping"),
    "archive-property": (ACT, "/properties/{property}/archive", "a confirmation in the property"),
    "publish-calendar": (ACT, "/calendars/{calendar}/publish", "a button of the calendar"),
    "delete-calendar": (ACT, "/calendars/{calendar}/delete", "a confirmation in the calendar"),
    "delete-host": (ACT, "/hosts/{host}/delete", "a confirmation in the host"),
    "retry-group": (ACT, "/sync-log/retry", "a button of the sync log"),
    "ignore-group": (ACT, "/sync-log/ignore", "a button of the sync log"),
    "retry-one": (ACT, "/sync-log/items/1/retry", "a button of the sync log"),
    "connection-check": (ACT, "/integrations/{connection}/check", "a button of the connection"),
    "unsigned-links": (ACT, "/integrations/{connection}/links", "a button of the connection"),
    "sign-links": (ACT, "/calendars/{calendar}/links/sign", "a form of the signed links"),
    "connection-strict": (ACT, "/integrations/{connection}/strict", "a button of the connection"),
    "use-certificate": (ACT, "/integrations/{connection}/certificate", "a button of the connection"),
    "new-certificate": (ACT, "/integrations/salesforce/certificate/new", "a button of the connection"),
    "connection-install": (ACT, "/integrations/{connection}/install", "a button of the connection"),
    "switch-review": (LEADS_ON, "/integrations/{connection}/switch/review", "led to by a sign-in"),
    "restore-setup": (ACT, "/integrations/{connection}/restore", "a button of the connection"),
    "problems-check": (ACT, "/integrations/{connection}/problems/check", "a button of the problems"),
    "problems-again": (ACT, "/integrations/{connection}/problems/again", "a button of the problems"),
    "own-crm-user": (404, "/profile/crm/{connection}", "for those who are hosts"),
    "certificate": (FILE, "/integrations/salesforce/certificate", "a file for the CRM's administrator"),
    "reconnect-now": (ACT, "/integrations/{connection}/reconnect", "a button of the connection"),
    "account_logout": (ACT, "/signout", "a button of the menu"),
    "connection-package": (FILE, "/integrations/{connection}/package", "a file for the CRM's administrator"),
    "manage-file": (FILE, "/m/{token}/meeting.ics", "a calendar file"),
    "healthz": (FILE, "/healthz", "for machines"),
    "readyz": (FILE, "/readyz", "for machines"),
    "webhook-oncehub": (ACT, "/webhooks/oncehub/none", "for machines"),
    "b/<path:rest>": (
        404,
        "/b/a/b",
        "an address with something added: to the calendar or to the page of none",
    ),
    "m/<path:rest>": (
        404,
        "/m/a/b",
        "an address with something added: to the meeting or to the page of none",
    ),
    "mfa_download_recovery_codes": (404, "/profile/two-step/codes/file", "a file for who has codes"),
}


def look(page: Page, shots: Path, name: str) -> dict[str, list[str]]:
    """Look at the page that is open, wide and narrow, light and dark; complaints by view, no view where all is well."""
    found = {"anywhere": named(page)}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=shots / f"{name}-{scheme}-{width}.png", full_page=True)
            found[f"{width} {scheme}"] = axe(page)
        found[f"{width}"] = wide(page) + walked(page)
    return {view: told for view, told in found.items() if told}


@pytest.fixture
def open_still(open_window: Callable[..., BrowserContext], site: Site) -> Callable[..., BrowserContext]:
    """A window in which nothing moves or fades: what is looked at is how things end up."""

    def begin(**options: object) -> BrowserContext:
        return open_window(base_url=site.url, reduced_motion="reduce", **options)

    return begin


def _addresses(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _addresses(pattern.url_patterns)
        else:
            yield str(pattern.name or pattern.pattern)


def _examples(pages: dict[str, tuple[str, ...]]) -> list[object]:
    return [
        pytest.param(path, id=name if len(paths) == 1 else f"{name}-{number}")
        for name, paths in pages.items()
        for number, path in enumerate(paths, 1)
    ]


def test_every_address_has_an_example_or_a_reason_to_have_none() -> None:
    from django.urls import get_resolver

    known = [*PAGES, *OPEN_PAGES, *LED_TO, *NO_PAGES]
    assert len(set(known)) == len(known)
    assert set(known) == set(_addresses(get_resolver().url_patterns))
    assert {name for name in LED_TO.values() if name not in globals()} == set()


@pytest.mark.parametrize("path", _examples(PAGES))
def test_page_of_those_who_are_signed_in(
    open_still: Callable[..., BrowserContext],
    signed_in: object,
    site: Site,
    shots: Path,
    path: str,
    request: pytest.FixtureRequest,
) -> None:
    page = open_still(storage_state=signed_in).new_page()
    answer = page.goto(path.format(**site.facts))
    assert answer is not None
    assert (answer.status, answer.request.redirected_from) == (200, None)
    assert look(page, shots, request.node.callspec.id) == {}


@pytest.mark.parametrize("path", _examples(OPEN_PAGES))
def test_page_of_everybody(
    open_still: Callable[..., BrowserContext],
    site: Site,
    shots: Path,
    path: str,
    request: pytest.FixtureRequest,
) -> None:
    page = open_still().new_page()
    answer = page.goto(path.format(**site.facts))
    assert answer is not None
    assert (answer.status, answer.request.redirected_from) == (200, None)
    assert look(page, shots, request.node.callspec.id) == {}


def test_what_has_no_page_answers_as_the_list_says(
    site: Site, signed_in: dict[str, list[dict[str, str]]]
) -> None:
    cookies = {cookie["name"]: cookie["value"] for cookie in signed_in["cookies"]}
    with httpx2.Client(base_url=site.url, cookies=cookies) as http:
        found = {
            name: http.get(path.format(**site.facts)).status_code for name, (_, path, _) in NO_PAGES.items()
        }
    assert found == {name: status for name, (status, _, _) in NO_PAGES.items()}


def test_pages_on_a_guests_way(open_still: Callable[..., BrowserContext], site: Site, shots: Path) -> None:
    """The form of a time, empty and refused, and a new time to confirm."""
    page = open_still().new_page()
    choose_a_time(page, "product-demo", day=3)
    found = {"form": look(page, shots, "book-details")}
    page.get_by_role("button", name="Book").click()
    page.get_by_role("alert").wait_for()
    found["form refused"] = look(page, shots, "book-details-refused")
    page.goto(f"/m/{site.facts['token']}/time")
    page.locator(".times li a").first.click()
    page.wait_for_url("**/confirm?**")
    found["new time"] = look(page, shots, "manage-confirm")
    assert {name: told for name, told in found.items() if told} == {}


def test_pages_of_a_sign_in_at_the_crm(
    open_still: Callable[..., BrowserContext], signed_in: object, site: Site, shots: Path
) -> None:
    page = open_still(storage_state=signed_in).new_page()
    page.goto("/integrations/salesforce/connect")
    page.get_by_role("button", name="Continue to the sign-in").click()
    page.get_by_role("alert").wait_for()
    found = {"form refused": look(page, shots, "connect-refused")}
    page.get_by_label("The org's My Domain address").check()
    page.get_by_role("textbox", name="My Domain address").fill(site.org)
    page.get_by_label("Consumer Key").fill("key")
    page.get_by_label("Consumer Secret").fill("secret")
    page.get_by_role("button", name="Continue to the sign-in").click()
    page.wait_for_url("**/signing-in")
    found["waiting"] = look(page, shots, "signing-in")
    # it closes the window that it was alone in; here it is the second page of this one
    page.goto("/integrations/signed-in")
    found["back"] = look(page, shots, "signed-in")
    assert {name: told for name, told in found.items() if told} == {}


def test_page_of_the_first_run(
    open_still: Callable[..., BrowserContext], migrated_template: Template, shots: Path
) -> None:
    home = InstepHome(Path(tempfile.mkdtemp(prefix="instep-home-", dir="/tmp")), migrated_template.copy())
    port = free_port()
    try:
        home.spawn("web", "--port", str(port))
        until(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), 60)
        page = open_still().new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_url("**/welcome")
        assert look(page, shots, "welcome") == {}
    finally:
        home.stop_all()
        migrated_template.drop(home.database_url)
        shutil.rmtree(home.path, ignore_errors=True)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address, timeout=2).status_code == 200
    except httpx2.TransportError:
        return False


def test_pages_of_two_step_sign_in(
    open_still: Callable[..., BrowserContext], site: Site, shots: Path
) -> None:
    """The code at the sign-in, the codes to keep, and turning it off and on; the password is asked for again."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    def code() -> str:
        return str(format_hotp_value(hotp_value(site.facts["secret"], int(time.time()) // 30)))

    window = open_still()
    page = window.new_page()
    page.goto("/signin")
    page.get_by_label("E-mail").fill(GUARDED)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/signin/code")
    found = {"code": look(page, shots, "mfa_authenticate")}
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard")
    for name, path in (
        ("mfa_reauthenticate", "/signin/confirm-code"),
        ("account_reauthenticate", "/signin/confirm"),
        ("mfa_view_recovery_codes", "/profile/two-step/codes"),
        ("mfa_generate_recovery_codes", "/profile/two-step/codes/new"),
        ("mfa_deactivate_totp", "/profile/two-step/deactivate"),
    ):
        page.goto(path)
        _confirm(page, path)
        assert page.url.startswith(f"{site.url}{path}"), page.url
        found[name] = look(page, shots, name)
    page.get_by_role("button", name=re.compile("^Turn")).click()
    page.wait_for_url("**/profile**")
    page.goto("/profile/two-step/activate")
    _confirm(page, "/profile/two-step/activate")
    found["mfa_activate_totp"] = look(page, shots, "mfa_activate_totp")
    assert {name: told for name, told in found.items() if told} == {}


def _confirm(page: Page, wanted: str) -> None:
    """Give the password where it is asked for again on the way."""
    if "/signin/confirm" in page.url and not wanted.startswith("/signin/confirm"):
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").last.click()
        page.wait_for_url(f"**{wanted}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing-here", 404),
        ("/b/nothing-here", 404),
        ("/m/nothing-here", 404),
        ("/integrations/callback", 400),
    ],
)
def test_pages_of_refusals(
    open_still: Callable[..., BrowserContext], signed_in: object, shots: Path, path: str, status: int
) -> None:
    page = open_still(storage_state=signed_in).new_page()
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status
    assert look(page, shots, path.strip("/").replace("/", "-")) == {}
