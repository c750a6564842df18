"""Only the keyboard: from the sign-in to an act on a booking. For guests: tests/guest/test_no_javascript.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from .conftest import Site
from .guest import book

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

GUEST = "Keira Keyboard"


def tab_to(page: Page, selector: str) -> None:
    """Go on with Tab until the focus is on it."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"never reached by Tab: {selector}")


def press(page: Page, selector: str, leads_to: str = "") -> None:
    """Tab to it and press Enter; with `leads_to` wait until the window is there."""
    tab_to(page, selector)
    page.keyboard.press("Enter")
    if leads_to:
        page.wait_for_url(leads_to)


def test_host_signs_in_opens_a_booking_and_cancels_it_by_keyboard(
    open_window: Callable[..., BrowserContext], site: Site
) -> None:
    book(open_window(base_url=site.url).new_page(), GUEST, "keira@guest.example", day=4)
    page = open_window(base_url=site.url).new_page()
    page.goto("/signin")
    if not page.evaluate("document.activeElement.matches('input[type=email]')"):
        tab_to(page, "input[type=email]")
    page.keyboard.type(site.email)
    tab_to(page, "input[type=password]")
    page.keyboard.type(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    press(page, "#navigation a[href='/bookings']", "**/bookings")
    tab_to(page, "input[name=search]")
    page.keyboard.type(GUEST)
    page.keyboard.press("Enter")
    page.wait_for_url("**search=**")
    press(page, ".bookings .guest a", "**/bookings/*")
    press(page, "#act-cancel", "**/acts/cancel")
    tab_to(page, "textarea[name=reason]")
    page.keyboard.type("By keyboard")
    press(page, "main button[type=submit]", "**/bookings/*")
    page.locator("header.head", has_text="Canceled").wait_for()


def test_first_tab_skips_to_the_content(admin: Callable[..., Page]) -> None:
    page = admin()
    page.goto("/bookings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_menus_open_close_by_escape_and_sign_out_by_keyboard(
    open_window: Callable[..., BrowserContext], site: Site
) -> None:
    page = open_window(base_url=site.url).new_page()
    site.sign_in(page)
    summary = page.locator("summary", has_text="Your profile")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert summary.evaluate("(one) => document.activeElement === one && !one.parentElement.open")
    page.keyboard.press("Enter")
    press(page, ".menu[open] form button", "**/signin")
