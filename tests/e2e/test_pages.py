"""The pages in a real browser: signed in, looked at in light, dark and narrow, by keyboard, with and without script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oncehub_events import form, line

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from .conftest import Installation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "ines@acme.example", "correct horse battery"
AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
AXE_RULES = json.dumps({"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})


@pytest.fixture
def open_page(browser: Browser, installation: Installation) -> Iterator[Callable[..., Page]]:
    """Open the sign-in in a fresh browser window; a script that fails fails the test."""
    windows: list[BrowserContext] = []
    failures: list[str] = []

    def begin(*, signed_in: bool = True, width: int = 1280, **options: object) -> Page:
        options = {"color_scheme": "light", "timezone_id": "Europe/Lisbon", "locale": "en-GB", **options}
        window = browser.new_context(
            base_url=installation.url, viewport={"width": width, "height": 900}, **options
        )
        windows.append(window)
        page = window.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda said: failures.append(said.text) if said.type == "error" else None)
        page.goto("/signin")
        if signed_in:
            page.get_by_label("E-mail").fill(EMAIL)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/dashboard")
            page.goto("/bookings")
        return page

    yield begin
    for window in windows:
        window.close()
    assert failures == []


def visit_all(page: Page) -> Iterator[str]:
    """Go to every screen, one after the other; yields each one's name once it is there."""
    page.wait_for_load_state()
    yield "bookings"
    page.goto("/bookings?search=nobody-at-all")
    yield "bookings-none"
    page.goto("/bookings")
    page.locator(".bookings .guest a").first.click()
    page.wait_for_url("**/bookings/*")
    booking = page.url
    yield "booking"
    page.locator(".receipts a").first.click()
    page.wait_for_url("**/receipts/*")
    yield "receipt"
    page.goto(f"{booking}/plan")
    yield "plan"
    page.goto("/dashboard")
    yield "dashboard"
    page.goto("/sync-log")
    yield "sync-log"
    page.goto("/test-plan")
    page.get_by_label("Guest's name").fill("Ines Castro")
    page.get_by_label("Guest's e-mail").fill("ines@castro.example")
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("heading", name="Would write").wait_for()
    yield "test-plan"
    page.goto("/set-aside")
    page.get_by_text("The event as it came").first.click()
    yield "set-aside"
    page.goto("/zone")
    yield "zone"


def complaints(page: Page, width: int) -> list[str]:
    """What axe finds on the page, and whether anything stands out of the window."""
    page.evaluate(AXE)
    found = page.evaluate(f"axe.run({AXE_RULES})")["violations"]
    told = [f"{v['id']}: {v['help']} {[node['html'][:200] for node in v['nodes'][:3]]}" for v in found]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return told + ([f"{wide} px wide"] if wide > width else [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_is_accessible_and_fits(
    open_page: Callable[..., Page], shots: Path, width: int, scheme: str
) -> None:
    door = open_page(signed_in=False, width=width, color_scheme=scheme)
    door.screenshot(path=shots / f"signin-{scheme}-{width}.png", full_page=True)
    found = {"signin": complaints(door, width)}
    page = open_page(width=width, color_scheme=scheme)
    for name in visit_all(page):
        page.screenshot(path=shots / f"{name}-{scheme}-{width}.png", full_page=True)
        found[name] = complaints(page, width)
    assert {name: told for name, told in found.items() if told} == {}


def test_newcomer_signs_in_finds_a_booking_and_reads_its_receipt(open_page: Callable[..., Page]) -> None:
    from playwright.sync_api import expect

    page = open_page()
    expect(page.get_by_text("Time Europe/Lisbon")).to_be_visible()
    page.get_by_label("Search").fill("ines castro")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row", name="Ines Castro").first
    row.get_by_role("link", name=re.compile("Salesforce: *In step")).click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    lead = page.get_by_role("article").filter(has_text="Lead").first
    expect(lead).to_contain_text("created")
    expect(lead.get_by_role("row", name="Last Name")).to_contain_text("mapping: Last name")
    expect(page.get_by_text("2 API calls")).to_be_visible()
    page.get_by_role("link", name="Plan").click()
    expect(page.get_by_text("Nothing: the CRM is in step.")).to_be_visible()


def test_new_booking_appears_by_itself_and_the_focus_stays(
    open_page: Callable[..., Page], installation: Installation
) -> None:
    from playwright.sync_api import expect

    page = open_page()
    link = page.locator(".bookings .guest a").nth(2)
    kept = link.get_attribute("id")
    link.focus()
    event = line("EVNT-LIVE", id="BKNG-LIVE", form_submission=form(name="Zoë Live", email="zoe@live.example"))
    installation.home.run("ingest", "oncehub", "-", stdin=event.decode())
    expect(page.get_by_role("link", name="Zoë Live")).to_be_visible(timeout=15_000)
    assert page.evaluate("document.activeElement.id") == kept
    page.get_by_label("Search").fill("half a wo")
    page.wait_for_timeout(3500)
    assert page.get_by_label("Search").input_value() == "half a wo"
    assert page.evaluate("document.activeElement.name") == "search"


def test_list_that_refreshes_itself_goes_to_the_sign_in_when_the_session_ends(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    page.context.clear_cookies(name="sessionid")
    page.wait_for_url("**/signin?next=/bookings**", timeout=10_000)


def test_everything_works_by_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.guest a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/bookings/*")
    page.locator("summary", has_text="Your profile").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/signin")


def test_everything_works_without_script(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    assert "UTC" in page.locator(".bookings thead").inner_text()
    for name in visit_all(page):
        assert page.locator("h1").count() == 1, name
